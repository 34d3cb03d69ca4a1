"""The truth against numbers worked out by hand from METRICS.md, and the comparison that uses it."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from orchestration.simulation.records import (
    Commit,
    Company,
    ContractPrice,
    Deployment,
    DeploymentCommit,
    Handle,
    Incident,
    Issue,
    Membership,
    PullRequest,
    PullRequestCommit,
    Review,
    Service,
    Team,
    Usage,
)
from orchestration.simulation.truth import Truth, count, write
from orchestration.simulation.truth.compare import differences
from orchestration.simulation.truth.directory import Policy, Row
from orchestration.simulation.truth.dora import _scores
from orchestration.simulation.truth.periods import median, quantile, start_of

MONDAY = datetime(2025, 3, 3)  # noqa: DTZ001
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.fixture
def company() -> Company:
    """Two teams of five people, a service each, and nothing that happened."""
    found = Company("by hand", 0, date(2025, 3, 1), at("2025-04-01T00:00:00"))
    found.teams = [Team("a", "Team A"), Team("b", "Team B")]
    found.services = [
        Service("pay", "Payments", "a", "r/pay"),
        Service("ship", None, "b", "r/ship"),
    ]
    for team in ("a", "b"):
        for number in range(5):
            found.team_memberships.append(
                Membership(f"{team}{number}@example.com", team, date(2025, 1, 1))
            )
    return found


def deploy(company: Company, deployment_id: str, finished_at: datetime, **more: object) -> None:
    record = Deployment(deployment_id, "pay", "production", "success", finished_at)
    for name, value in more.items():
        setattr(record, name, value)
    company.deployments.append(record)


def merge(company: Company, pull_request_id: str, merged_at: datetime, **more: object) -> None:
    record = PullRequest(
        pull_request_id, "r/pay", merged_at - 2 * HOUR, "a0@example.com", merged_at=merged_at
    )
    for name, value in more.items():
        setattr(record, name, value)
    company.pull_requests.append(record)


def row(truth: Truth, table: str, **wanted: object) -> Row:
    (found,) = [r for r in truth[table] if all(r[k] == v for k, v in wanted.items())]
    return found


def month(truth: Truth, table: str, scope_id: str, scope_type: str = "team") -> Row:
    return row(
        truth, table, scope_type=scope_type, scope_id=scope_id, period_start=date(2025, 3, 1)
    )


# Periods


def test_six_changes_have_a_median_of_12_hours_and_a_90th_percentile_of_30() -> None:
    hours = [40, 2, 20, 4, 14, 10]
    assert median(hours) == 12
    assert quantile(hours, 0.9) == 30
    assert median([]) is None


def test_a_fiscal_quarter_begins_with_the_fiscal_year() -> None:
    day = date(2025, 3, 15)
    assert start_of("quarterly", day, 1) == date(2025, 1, 1)
    assert start_of("quarterly", day, 2) == date(2025, 2, 1)
    assert start_of("quarterly", date(2025, 1, 15), 2) == date(2024, 11, 1)
    assert start_of("weekly", day, 1) == date(2025, 3, 10)


def test_every_scope_has_a_row_in_every_period_from_the_first_fact_on(company: Company) -> None:
    deploy(company, "d", at("2025-02-10T10:00:00"))
    truth = count(company)
    scopes = 1 + 3 + 3 + 2  # organization; departments and teams with unattributed; services
    assert len(truth["dora.dora_monthly"]) == scopes * 2
    assert len(truth["quality.quality_weekly"]) == scopes * 8  # from 10 February to 31 March
    assert len(truth["dora.dora_quarterly"]) == scopes


# Deployments and changes


def test_stages_add_up_to_the_lead_time(company: Company) -> None:
    merge(
        company, "p", MONDAY + DAY + 15 * HOUR,
        created_at=MONDAY + 11 * HOUR, ready_at=MONDAY + 13 * HOUR, merge_commit_sha="m",
    )  # fmt: skip
    company.pull_request_commits.append(PullRequestCommit("p", "c", MONDAY + 9 * HOUR))
    reviewed = MONDAY + DAY + 10 * HOUR
    company.reviews = [
        Review("own", "p", reviewed - 3 * HOUR, "A0@example.com", "commented"),
        Review("bot", "p", reviewed - 2 * HOUR, "github-actions[bot]", "approved"),
        Review("who", "p", reviewed - HOUR, None, "approved"),
        Review("bob", "p", reviewed, "b0@example.com", "approved"),
    ]
    deploy(company, "before", MONDAY)
    deploy(company, "d", MONDAY + 2 * DAY + timedelta(hours=9, minutes=30))
    truth = count(company)
    change = row(truth, "dora.fct_changes", pull_request_id="files:p")
    stages = [change[f"{stage}_seconds"] for stage in ("coding", "pickup", "review", "deploy")]
    assert stages == [4 * 3600, 21 * 3600, 5 * 3600, 66_600]
    assert change["change_lead_time_seconds"] == 48.5 * 3600
    assert change["deployment_link_method"] == "first_after_merge"
    assert month(truth, "dora.dora_monthly", "a")["median_change_lead_time_hours"] == 48.5
    assert month(truth, "dora.dora_monthly", "b")["deployed_change_count"] == 0


def test_a_change_goes_with_the_earliest_deployment_that_ships_its_merge_commit(
    company: Company,
) -> None:
    merge(company, "p", MONDAY, merge_commit_sha="m", first_commit_at=MONDAY - DAY)
    company.pull_request_commits.append(PullRequestCommit("p", "c"))
    for number, sha in enumerate(("x", "c", "m", "m")):
        deploy(company, f"d{number}", MONDAY + (number + 1) * HOUR)
        company.deployment_commits.append(DeploymentCommit(f"d{number}", sha))
    change = count(company)["dora.fct_changes"][0]
    assert (change["deployment_id"], change["deploy_seconds"]) == ("files:d2", 3 * 3600)


def test_reasons_why_there_is_no_lead_time(company: Company) -> None:
    company.services.append(Service("mono-1", None, "a", "r/mono"))
    company.services.append(Service("mono-2", None, "a", "r/mono"))
    merge(company, "no_service", MONDAY, repository="r/mono")
    merge(company, "no_commits", MONDAY)
    merge(company, "deployed_before_first_commit", MONDAY, first_commit_at=MONDAY + DAY)
    merge(company, "not_deployed", MONDAY + DAY, first_commit_at=MONDAY)
    deploy(company, "d", MONDAY + HOUR)
    found = {r["pull_request_id"]: r for r in count(company)["dora.fct_changes"]}
    assert len(found) == 4
    for name, change in found.items():
        assert f"files:{change['no_lead_time_reason']}" == name
        assert change["change_lead_time_seconds"] is None


def test_only_successes_in_production_are_deployments(company: Company) -> None:
    deploy(company, "d", MONDAY, environment="Live")
    deploy(company, "staging", MONDAY, environment="staging")
    deploy(company, "failed", MONDAY, status="failure")
    deploy(company, "cancelled", MONDAY, status="cancelled")
    deploy(company, "later", company.as_of)
    assert [r["deployment_id"] for r in count(company)["dora.fct_deployments"]] == ["files:d"]


def test_deployments_per_week_are_of_whole_days(company: Company) -> None:
    company.as_of = at("2025-03-05T12:00:00")  # cuts the week after two whole days
    for number in range(4):
        deploy(company, f"d{number}", MONDAY + number * 10 * HOUR)
    deploy(company, "today", at("2025-03-05T11:00:00"))
    week = row(
        count(company), "dora.dora_weekly", scope_type="service", scope_id="pay",
        period_start=MONDAY.date(),
    )  # fmt: skip
    assert (week["deployment_count"], week["whole_day_deployment_count"]) == (5, 4)
    assert (week["whole_day_count"], week["deployments_per_week"]) == (2, 14)
    assert week["is_partial_period"] is True


# Failures, recovery, rework


def test_the_last_second_of_the_failure_window_is_inside(company: Company) -> None:
    finished = at("2025-03-02T10:00:00")
    deploy(company, "d", finished)
    company.incidents = [
        Incident("at-once", finished, "pay"),
        Incident("inside", finished + DAY, "pay"),
        Incident("outside", finished + DAY + timedelta(seconds=1), "pay"),
    ]
    truth = count(company)
    linked = {r["incident_id"]: r["link_method"] for r in truth["dora.fct_incidents"]}
    assert linked == {
        "files:at-once": None,
        "files:inside": "incident_window",
        "files:outside": None,
    }
    assert truth["dora.fct_deployments"][0]["incident_count"] == 1


def test_a_deployment_recovers_with_its_last_incident(company: Company) -> None:
    finished = MONDAY + 10 * HOUR
    deploy(company, "d", finished)
    deploy(company, "back", finished + HOUR, is_rollback=True)
    company.incidents = [
        Incident("one", finished + HOUR, "ship", resolved_at=finished + 2 * HOUR,
                 caused_by_deployment_id="d"),
        Incident("two", finished + HOUR, "ship", resolved_at=finished + 4 * HOUR,
                 detected_at=finished + timedelta(minutes=70), caused_by_deployment_id="files:d"),
    ]  # fmt: skip
    found = row(count(company), "dora.fct_deployments", deployment_id="files:d")
    assert found["failure_link_method"] == "explicit"
    assert found["recovery_seconds"] == 4 * 3600
    assert found["recovery_from_detection_seconds"] == 2 * 3600 + 50 * 60
    company.incidents[0].resolved_at = None
    truth = count(company)
    assert row(truth, "dora.fct_deployments", deployment_id="files:d")["recovered_at"] is None
    assert month(truth, "dora.dora_monthly", "a")["open_failure_count"] == 1


def test_going_back_to_an_earlier_commit_fails_what_it_leaves(company: Company) -> None:
    for number, sha in enumerate(("x", "y", "y", "x", None, "y")):
        deploy(company, f"d{number}", MONDAY + number * HOUR, commit_sha=sha)
    found = count(company)["dora.fct_deployments"]
    assert [r["is_rollback"] for r in found] == [False, False, False, True, False, False]
    assert [r["failure_link_method"] for r in found][:4] == [None, None, "rollback", None]
    assert found[2]["recovery_seconds"] == 3600


@pytest.mark.parametrize("named", ["a" * 40, "a" * 9])
def test_a_revert_fails_what_it_reverts_unless_they_ship_together(
    company: Company, named: str
) -> None:
    company.commits = [
        Commit("a" * 40, "r/pay", MONDAY),
        Commit("b" * 40, "r/pay", MONDAY, message_trailers=f"This reverts commit {named}."),
    ]
    deploy(company, "d1", MONDAY)
    deploy(company, "d2", MONDAY + DAY)
    company.deployment_commits = [
        DeploymentCommit("d1", "a" * 40),
        DeploymentCommit("d2", "b" * 40),
    ]
    first, second = count(company)["dora.fct_deployments"]
    assert (first["failure_link_method"], first["recovery_seconds"]) == ("revert", 86_400)
    assert second["rework_reason"] == "revert"
    company.deployments[1].finished_at += timedelta(seconds=1)
    assert count(company)["dora.fct_deployments"][0]["is_failed"] is False
    company.deployment_commits[0].deployment_id = "d2"
    assert not any(r["is_rework"] or r["is_failed"] for r in count(company)["dora.fct_deployments"])


def test_a_change_carries_its_merge_commit_although_only_its_branch_is_listed(
    company: Company,
) -> None:
    merge(company, "p", MONDAY - HOUR, merge_commit_sha="a" * 40)
    company.pull_request_commits = [PullRequestCommit("p", "c" * 40)]
    company.commits = [
        Commit("a" * 40, "r/pay", MONDAY),
        Commit("b" * 40, "r/pay", MONDAY, message_trailers=f"This reverts commit {'a' * 40}."),
    ]
    deploy(company, "d1", MONDAY)
    deploy(company, "d2", MONDAY + HOUR)
    company.deployment_commits = [
        DeploymentCommit("d1", "c" * 40),
        DeploymentCommit("d2", "b" * 40),
    ]
    assert count(company)["dora.fct_deployments"][0]["failure_link_method"] == "revert"


def test_a_change_that_calls_itself_a_revert_is_none_where_what_it_names_ships_with_it(
    company: Company,
) -> None:
    merge(company, "p", MONDAY, merge_commit_sha="a" * 40)
    merge(company, "q", MONDAY, merge_commit_sha="b" * 40, title='Revert "p"')
    company.commits = [
        Commit("b" * 40, "r/pay", MONDAY, message_trailers=f"This reverts commit {'a' * 40}."),
    ]
    deploy(company, "d", MONDAY + HOUR)
    assert count(company)["dora.fct_deployments"][0]["rework_reason"] is None
    company.commits[0].message_trailers = None
    assert count(company)["dora.fct_deployments"][0]["rework_reason"] == "revert"


def test_the_first_reason_that_applies_makes_rework(company: Company) -> None:
    merge(company, "fix", MONDAY + 8 * HOUR, labels=("Hotfix",))
    merge(company, "back", MONDAY + 10 * HOUR, title='Revert "x"', head_branch="hotfix/1")
    deploy(company, "a", MONDAY, is_unplanned=True, remediates_incident_id="i")
    deploy(company, "b", MONDAY + HOUR, remediates_incident_id="i", is_rollback=True)
    deploy(company, "c", MONDAY + 2 * HOUR, is_rollback=True)
    deploy(company, "d", MONDAY + 9 * HOUR)
    deploy(company, "e", MONDAY + 11 * HOUR)
    deploy(company, "f", MONDAY + 12 * HOUR)
    truth = count(company)
    assert [r["rework_reason"] for r in truth["dora.fct_deployments"]] == [
        "unplanned", "remediates_incident", "rollback", "hotfix", "revert", None,
    ]  # fmt: skip
    assert month(truth, "dora.dora_monthly", "a")["deployment_rework_rate"] == 5 / 6


def test_scores_of_the_example_are_7_8() -> None:
    scores = _scores(
        {
            "median_change_lead_time_hours": 7.0,
            "deployments_per_week": 9.0,
            "median_failed_deployment_recovery_hours": 0.5,
            "change_fail_rate": 0.2,
            "deployment_rework_rate": 0.5,
        }
    )
    assert list(scores.values()) == [8, 8, 10, 8, 5, pytest.approx(7.8)]


# Flow and quality


def test_a_person_counts_once_in_their_own_team(company: Company) -> None:
    company.identities = [Handle("git", "ann@users.example.com", "a0@example.com")]
    merge(company, "one", MONDAY)
    merge(company, "two", MONDAY + DAY, author="ANN@users.example.com")
    merge(company, "bob", MONDAY + DAY, author="b0@example.com")
    merge(company, "bot", MONDAY, author="renovate[bot]")
    company.reviews = [
        Review("r1", "bob", MONDAY, "a0@example.com"),
        Review("r2", "one", MONDAY, "ann@users.example.com"),
        Review("r3", "bot", MONDAY, "b1@example.com"),
    ]
    truth = count(company)
    counts = {s: month(truth, "quality.quality_monthly", s) for s in ("a", "b")}
    whole = month(truth, "quality.quality_monthly", "organization", "organization")
    assert [counts[s]["active_contributor_count"] for s in "ab"] == [1, 1]
    assert whole["active_contributor_count"] == 2
    assert (whole["merged_pull_request_count"], whole["bot_merged_pull_request_count"]) == (3, 1)
    assert counts["a"]["merged_pull_requests_per_active_contributor"] == 2


def test_200_lines_approved_in_silence_before_20_minutes_are_a_rubber_stamp(
    company: Company,
) -> None:
    for name, seconds, comments in (("quick", 1199, 0), ("slow", 1200, 0), ("told", 60, 1)):
        merge(company, name, MONDAY + HOUR, created_at=MONDAY, additions=150, deletions=50)
        approved = MONDAY + timedelta(seconds=seconds)
        company.reviews.append(Review(name, name, approved, "b0@example.com", "approved", comments))
    found = month(count(company), "quality.quality_monthly", "a")
    assert found["rubber_stamped_merge_count"] == 1
    assert found["reviewed_merge_count"] == 3
    assert found["review_comments_per_100_lines"] == 1 * 100 / 600


def test_two_requests_an_approval_and_a_bare_comment_are_two_rounds(company: Company) -> None:
    merge(company, "p", MONDAY + 5 * HOUR, created_at=MONDAY, additions=1, deletions=0)
    states = [("changes_requested", 2), ("changes_requested", 0), ("approved", 0),
              ("commented", None), ("commented", 7)]  # fmt: skip
    company.reviews = [
        Review(f"r{hour}", "p", MONDAY + (hour + 1) * HOUR, "b0@example.com", state, comments)
        for hour, (state, comments) in enumerate(states)
    ]
    company.reviews[-1].submitted_at += timedelta(seconds=1)  # after the merge
    found = month(count(company), "quality.quality_monthly", "a")
    assert (found["review_round_count"], found["review_comment_count"]) == (2, 3)
    assert (found["median_hours_to_first_review"], found["median_review_hours"]) == (1, 4)


def test_sizes_tests_and_reverts(company: Company) -> None:
    sizes = [(60, 40, 4, 1), (100, 100, 2, 2), (400, 1, 3, 0), (None, 5, 3, None)]
    for number, (added, deleted, files, tests) in enumerate(sizes):
        merge(
            company, f"p{number}", MONDAY, additions=added, deletions=deleted,
            changed_files=files, test_files_changed=tests,
            title="revert: x" if number == 0 else "Reverting is fun",
        )  # fmt: skip
    found = month(count(company), "quality.quality_monthly", "a")
    assert (found["sized_pull_request_count"], found["large_pull_request_count"]) == (3, 1)
    assert found["median_pull_request_line_count"] == 200
    assert (found["test_eligible_merge_count"], found["tests_touched_merge_count"]) == (2, 1)
    assert found["reverts_per_100_merges"] == 25
    assert found["reviewable_merge_count"] == 0  # feeds without a review do not know reviews


def test_more_than_seven_days_open_is_stalled(company: Company) -> None:
    company.as_of = at("2025-02-10T00:00:00")
    end, second = at("2025-02-01T00:00:00"), timedelta(seconds=1)
    for name, created, closed in (
        ("seven days", end - 7 * DAY, None),
        ("a second more", end - 7 * DAY - second, None),
        ("closed at the end", end - 9 * DAY, end),
        ("closed before", end - 9 * DAY, end - second),
    ):
        company.pull_requests.append(
            PullRequest(name, "r/pay", created, "a0@example.com", closed_at=closed)
        )
    found = row(
        count(company), "quality.quality_monthly", scope_type="service", scope_id="pay",
        period_start=date(2025, 1, 1),
    )  # fmt: skip
    assert found["stalled_open_pull_request_count"] == 2


def test_a_bug_of_an_unknown_team_is_its_services(company: Company) -> None:
    company.issues = [
        Issue("1", "Bug", MONDAY, "nobody", "ship", is_escaped_defect=True),
        Issue("2", "bug", MONDAY, "a", "ship", reopened_count=2),
        Issue("3", "task", MONDAY, "nobody"),
    ]
    truth = count(company)
    bugs = {
        s: month(truth, "quality.quality_monthly", s)["opened_bug_count"]
        for s in ("a", "b", "unattributed")
    }
    assert bugs == {"a": 1, "b": 1, "unattributed": 0}
    service = month(truth, "quality.quality_monthly", "ship", "service")
    assert (service["escaped_defect_count"], service["reopened_issue_count"]) == (1, 1)


# Cost


def use(company: Company, person: str | None, tokens: int, **more: object) -> None:
    record = Usage(
        f"u{len(company.ai_usage)}", MONDAY, "Anthropic", "claude-sonnet-4-5", person,
        uncached_input_tokens=tokens,
    )  # fmt: skip
    for name, value in more.items():
        setattr(record, name, value)
    company.ai_usage.append(record)


def test_a_million_tokens_at_three_dollars_cost_three_dollars(company: Company) -> None:
    use(company, "a0@example.com", 600_000)
    use(company, "a1@example.com", 400_000, model="Claude-Sonnet-4-5-20250929")
    use(company, "a1@example.com", 1000, model="nobody-knows")
    truth = count(company)
    costs = [r["metered_cost_usd"] for r in truth["cost.ai_cost_daily"]]
    assert costs == [Decimal("1.8"), Decimal("1.2"), None]
    found = month(truth, "cost.unit_economics_monthly", "a")
    assert (found["ai_cost_usd"], found["unpriced_token_count"]) == (3, 1000)
    assert found["is_fully_priced"] is False
    assert found["cost_usd_per_merged_pull_request"] is None


def test_a_contract_holds_on_its_days(company: Company) -> None:
    company.prices = [
        ContractPrice("anthropic", "claude-sonnet-4-5", "uncached_input", MONDAY.date(),
                      Decimal(1), MONDAY.date() + DAY, service_tier="default"),
    ]  # fmt: skip
    use(company, "a0@example.com", 1_000_000)
    use(company, "a0@example.com", 1_000_000, occurred_at=MONDAY + DAY, service_tier="Default")
    found = count(company)["cost.ai_cost_daily"]
    assert [r["metered_cost_usd"] for r in found] == [1, 3]
    assert [r["list_cost_usd"] for r in found] == [3, 3]
    assert [r["price_status"] for r in found] == ["contract", "priced"]
    assert {r["service_tier"] for r in found} == {"standard"}


def test_parts_of_thirds_add_up(company: Company) -> None:
    company.teams += [Team("c", "Team C")]
    company.team_memberships += [
        Membership("x@example.com", team, date(2025, 1, 1), share=Decimal(1)) for team in "abc"
    ]
    company.team_memberships += [
        Membership(f"c{n}@example.com", "c", date(2025, 1, 1)) for n in range(5)
    ]
    use(company, "x@example.com", 100)
    found = {r["team_id"]: r["quantity"] for r in count(company)["cost.ai_cost_daily"]}
    # The primary team, the first of three equal ones, is the last.
    assert found == {
        "b": Decimal("33.333333"), "c": Decimal("33.333334"), "a": Decimal("33.333333"),
    }  # fmt: skip


def test_small_teams_stand_with_their_department_or_together() -> None:
    company = Company("by hand", 0, date(2025, 3, 1), at("2025-04-01T00:00:00"))
    sizes = {"root": 2, "root-small": 3, "other": 0, "other-small": 4, "other-large": 7}
    for team, size in sizes.items():
        department = team.split("-")[0]
        company.teams.append(Team(team, team, None if team == department else department))
        for number in range(size):
            person = f"{team}-{number}@example.com"
            company.team_memberships.append(Membership(person, team, date(2025, 1, 1)))
            use(company, person, 1_000_000)
    stands_on = {
        r["scope_id"]: r["reporting_scope_id"]
        for r in count(company)["cost.unit_economics_monthly"]
        if r["scope_type"] == "team"
    }
    assert stands_on == {
        "root": "small_teams", "root-small": "small_teams",  # the smallest line joins the four
        "other": "small_teams", "other-small": "small_teams", "small_teams": "small_teams",
        "other-large": "other-large", "unattributed": "unattributed",
    }  # fmt: skip
    small = month(count(company), "cost.unit_economics_monthly", "small_teams")
    assert (small["ai_cost_usd"], small["active_user_count"]) == (27, 9)


def test_a_hidden_count_hides_the_one_beside_it_that_would_tell() -> None:
    company = Company("by hand", 0, date(2025, 3, 1), at("2025-04-01T00:00:00"))
    company.teams = [Team("d", "Department"), *(Team(f"t{n}", "Team", "d") for n in (2, 3, 4))]
    for team in company.teams:
        for number in range(4):
            person = f"{team.team_id}-{number}@example.com"
            company.team_memberships.append(Membership(person, team.team_id, date(2025, 1, 1)))
            if team.team_id != "d" and number < int(team.team_id[1]):
                use(company, person, 1)
    truth = count(company, policy=Policy(minimum_group_size=3))
    shown = {
        r["scope_id"]: r["active_user_count"]
        for r in truth["cost.unit_economics_monthly"]
        if r["active_user_count"] is not None
    }
    assert shown == {"organization": 9, "d": 9, "t4": 4}


# Writing and comparing


def busy(company: Company) -> Company:
    merge(company, "p", MONDAY, first_commit_at=MONDAY - DAY)
    deploy(company, "d", MONDAY + HOUR)
    use(company, "a0@example.com", 1000)
    company.incidents.append(Incident("i", MONDAY))
    return company


def test_the_same_company_is_written_as_the_same_bytes(company: Company, tmp_path: Path) -> None:
    busy(company)
    for name in ("one", "two"):
        write(company, tmp_path / name)
    files = [path for path in (tmp_path / "one").rglob("*") if path.is_file()]
    assert {"truth.json", "dora.dora_monthly.parquet"} < {path.name for path in files}
    for path in files:
        other = tmp_path / "two" / path.relative_to(tmp_path / "one")
        assert path.read_bytes() == other.read_bytes()


def test_the_comparison_sees_a_changed_cell_a_missing_row_and_one_too_many(
    company: Company, tmp_path: Path
) -> None:
    truth = count(busy(company))
    file = tmp_path / "published.duckdb"
    with duckdb.connect(str(file)) as tables:
        for name, rows in truth.items():
            if not rows:
                continue
            tables.execute(f"create schema if not exists {name.split('.')[0]}")
            tables.register("truth_rows", pa.Table.from_pylist(rows))
            tables.execute(f"create table {name} as from truth_rows")
    assert differences(truth, file) == []
    with duckdb.connect(str(file)) as tables:
        tables.execute("update dora.fct_changes set coding_seconds = coding_seconds + 1")
        tables.execute("delete from core.dim_services where service_id = 'pay'")
        tables.execute("insert into core.dim_teams (team_id) values ('c')")
        tables.execute("update cost.ai_cost_daily set metered_cost_usd = 0.003000000001")
    found = differences(truth, file)
    assert found == [
        "core.dim_services pay: is missing",
        "core.dim_teams c: is too many",
        "cost.ai_cost_daily a/anthropic/claude-sonnet-4-5/uncached_input/token/standard/False/"
        "2025-03-03: metered_cost_usd is Decimal('0.003000000001'), true is"
        " Decimal('0.003000000000')",
        "dora.fct_changes files:p: coding_seconds is 79201, true is 79200",
    ]
