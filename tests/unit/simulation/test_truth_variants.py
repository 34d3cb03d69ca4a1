"""Lead time variants and benchmarks of the truth, worked out by hand from METRICS.md."""

from datetime import date, datetime, timedelta

from orchestration.simulation.records import (
    Company,
    Deployment,
    DeploymentCommit,
    PullRequest,
    PullRequestCommit,
    Review,
    Service,
    Team,
)
from orchestration.simulation.truth import Truth, count
from orchestration.simulation.truth.benchmarks import _tier, benchmarked
from orchestration.simulation.truth.directory import Row
from orchestration.simulation.truth.variants import _summed_up

MONDAY = datetime(2025, 3, 3)  # noqa: DTZ001


def on(days: int, clock: str) -> datetime:
    hours, minutes, seconds = (int(part) for part in clock.split(":"))
    return MONDAY + timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def a_company() -> Company:
    """A service whose first deployment ships nothing of ours and whose second ships a change."""
    company = Company("by hand", 0, date(2025, 3, 1), datetime(2025, 4, 1))  # noqa: DTZ001
    company.teams = [Team("a", "Team A")]
    company.services = [Service("pay", None, "a", "r/pay")]
    company.pull_requests = [
        PullRequest(
            "p", "r/pay", on(0, "11:00:00"), "ann@example.com",
            merged_at=on(1, "15:00:30"), merge_commit_sha="m",
        )
    ]  # fmt: skip
    company.pull_request_commits = [
        PullRequestCommit("p", "c1", on(0, "09:00:00")),
        PullRequestCommit("p", "c2", on(0, "12:00:00")),
    ]
    company.reviews = [
        Review("own", "p", on(0, "11:05:00"), "ann@example.com", "commented"),
        Review("bot", "p", on(0, "11:10:30"), "github-actions[bot]", "commented"),
        Review("bob", "p", on(0, "13:00:00"), "bob@example.com", "approved"),
    ]
    company.deployments = [
        Deployment("d0", "pay", "production", "success", on(0, "08:00:00")),
        Deployment("d1", "pay", "production", "success", on(2, "09:30:00")),
    ]
    company.deployment_commits = [DeploymentCommit("d0", "old"), DeploymentCommit("d1", "m")]
    return company


def variant(truth: Truth, name: str) -> Row:
    (found,) = [row for row in truth["dora.lead_time_variants"] if row["variant"] == name]
    return found


def parts(row: Row) -> list[object]:
    return [row[f"{part}_minutes"] for part in ("coding", "open", "deploy", "pickup", "review")]


def test_one_change_is_timed_in_five_ways() -> None:
    truth = count(a_company())
    ours = variant(truth, "first_commit_to_deploy")
    assert ours["lead_time_minutes"] == 2910
    assert parts(ours) == [120, 1680.5, 1109.5, None, None]
    assert variant(truth, "merge_to_deploy")["lead_time_minutes"] == 1109.5
    assert variant(truth, "last_commit_to_deploy")["lead_time_minutes"] == 2730
    assert variant(truth, "first_commit_to_merge")["lead_time_minutes"] == 1800.5
    assert variant(truth, "first_commit_to_merge")["deployed_at"] is None
    devlake = variant(truth, "devlake_pr_cycle")
    assert devlake["lead_time_minutes"] == 2911
    assert parts(devlake) == [120, 1681, 1110, 11, 1670]


def test_devlake_leaves_out_what_is_below_0_after_rounding_up() -> None:
    company = a_company()
    company.pull_request_commits = [PullRequestCommit("p", "c1", on(0, "11:00:59"))]
    assert parts(variant(count(company), "devlake_pr_cycle"))[0] == 0
    assert parts(variant(count(company), "first_commit_to_deploy"))[0] is None
    company.pull_request_commits = [PullRequestCommit("p", "c1", on(0, "11:01:01"))]
    assert parts(variant(count(company), "devlake_pr_cycle"))[0] is None


def test_devlake_knows_neither_a_first_deployment_nor_what_another_commit_ships() -> None:
    company = a_company()
    company.deployment_commits = [DeploymentCommit("d0", "m"), DeploymentCommit("d1", "c1")]
    devlake = variant(count(company), "devlake_pr_cycle")
    assert devlake["deployment_id"] is None
    assert devlake["lead_time_minutes"] == 120 + 1681


def test_a_variant_without_its_moments_says_why() -> None:
    company = a_company()
    company.pull_request_commits = []
    company.deployments.pop()
    company.deployment_commits = [DeploymentCommit("d0", "old")]
    truth = count(company)
    reasons = {
        str(row["variant"]): row["no_lead_time_reason"] for row in truth["dora.lead_time_variants"]
    }
    assert reasons == {
        "first_commit_to_deploy": "not_deployed",
        "merge_to_deploy": "not_deployed",
        "last_commit_to_deploy": "not_deployed",
        "first_commit_to_merge": "no_commits",
        "devlake_pr_cycle": None,  # open is known
    }
    (team,) = [
        row
        for row in truth["dora.dora_quarterly"]
        if row["scope_type"] == "team" and row["scope_id"] == "a"
    ]
    assert team["not_deployed_change_count"] == team["change_count"] == 1
    assert team["lead_time_known_share"] == 0


def test_each_variant_is_summed_up_by_its_own_convention() -> None:
    minutes = [60.0, 600.0, 180.0, 120.0]
    ours, devlake = _summed_up("merge_to_deploy", minutes), _summed_up("devlake_pr_cycle", minutes)
    assert ours["median_hours"] == 2.5
    assert round(float(str(ours["p90_hours"])), 9) == 7.9
    assert (devlake["median_hours"], devlake["p90_hours"]) == (2, 3)
    assert _summed_up("devlake_pr_cycle", [])["median_hours"] is None


def test_a_quarter_dates_each_variant_by_its_own_moment() -> None:
    company = a_company()
    company.as_of = datetime(2025, 5, 1)  # noqa: DTZ001
    company.deployments[1].finished_at = datetime(2025, 4, 2)  # noqa: DTZ001
    counts = {
        (str(row["period_start"]), row["variant"]): row["change_count"]
        for row in count(company)["dora.lead_time_variants_quarterly"]
        if row["scope_type"] == "team" and row["scope_id"] == "a"
    }
    assert counts["2025-01-01", "merge_to_deploy"] == 0
    assert counts["2025-04-01", "merge_to_deploy"] == 1
    assert counts["2025-01-01", "devlake_pr_cycle"] == 1


def test_a_value_has_the_best_tier_whose_bound_it_keeps() -> None:
    tiers = {
        ("2023", "change_lead_time"): [
            (23.9, "elite"),
            (24, "high"),
            (168, "medium"),
            (720, "low"),
        ],
        ("2021", "change_lead_time"): [(0.9, "elite"), (4, "high"), (168, "medium"), (4380, "low")],
        ("2023", "change_fail_rate"): [(0.05, "elite"), (0.15, "medium"), (0.2, "low")],
        ("2021", "change_fail_rate"): [(0.15, "elite"), (0.2, "high"), (0.31, "low")],
        ("2023", "deployment_frequency"): [(14, "elite"), (1, "high"), (0.9, "medium"), (0, "low")],
    }
    for (edition, metric), expected in tiers.items():
        for value, tier in expected:
            assert _tier(edition, metric, value) == tier, (edition, metric, value)
    assert _tier("2023", "change_lead_time", None) is None


def test_a_score_is_held_against_the_mean_of_the_industry() -> None:
    quarter = dict.fromkeys(
        ("scope_type", "scope_id", "period_start", "scope_name", "is_partial_period", "period_end")
    ) | {"median_change_lead_time_hours": 7.0, "change_lead_time_score": 8.0}
    quarter |= dict.fromkeys(
        ("deployments_per_week", "median_failed_deployment_recovery_hours", "change_fail_rate",
         "deployment_rework_rate", "deployment_frequency_score",
         "failed_deployment_recovery_time_score", "change_fail_rate_score",
         "deployment_rework_rate_score")
    )  # fmt: skip
    rows = {(row["edition"], row["metric"]): row for row in benchmarked([quarter], "all")}
    assert len(rows) == 5 + 4 + 4
    of_2025 = rows["2025", "change_lead_time"]
    assert round(float(str(of_2025["standard_deviations_from_mean"])), 6) == 1.041667
    assert of_2025["tier"] is None
    assert rows["2021", "change_lead_time"]["score"] is None
    assert rows["2025", "change_fail_rate"]["benchmark_mean"] == 8.1
    assert rows["2025", "change_fail_rate"]["standard_deviations_from_mean"] is None
