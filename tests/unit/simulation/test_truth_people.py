"""Adoption, surveys, work mix and divergence of the truth, by hand from METRICS.md."""

from collections import Counter
from datetime import date, datetime, timedelta

from orchestration.simulation.records import (
    Activity,
    CiRun,
    Commit,
    Company,
    Issue,
    Membership,
    PullRequest,
    Service,
    SurveyResponse,
    Team,
    Usage,
)
from orchestration.simulation.truth import Truth, count
from orchestration.simulation.truth.directory import ORGANIZATION, Policy, Row
from orchestration.simulation.truth.suppression import shown_counts
from orchestration.simulation.truth.workmix import Mix, _indexes

PEOPLE = ("ann", "bob", "cy", "dan", "eve")
Q1, Q2 = date(2025, 1, 1), date(2025, 4, 1)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def a_company(as_of: str) -> Company:
    """A team of five people with a service, and another team of five."""
    company = Company("by hand", 0, date(2025, 1, 1), moment(as_of))
    company.teams = [Team("a", "Team A"), Team("b", "Team B")]
    company.services = [Service("pay", None, "a", "r/pay")]
    for team_id in ("a", "b"):
        for name in PEOPLE:
            company.team_memberships.append(
                Membership(f"{name}.{team_id}@example.com", team_id, date(2024, 1, 1))
            )
    return company


def merge(company: Company, merged_at: str, author: str = "ann.a", **more: object) -> PullRequest:
    number = len(company.pull_requests) + 1
    at = moment(merged_at)
    record = PullRequest(
        f"p{number}", "r/pay", at - timedelta(hours=1), f"{author}@example.com",
        merged_at=at, merge_commit_sha=f"{number:040x}",
    )  # fmt: skip
    for name, value in more.items():
        setattr(record, name, value)
    company.pull_requests.append(record)
    return record


def use_ai(company: Company, person: str, *days: str) -> None:
    for day in days:
        company.ai_usage.append(
            Usage(
                f"u{len(company.ai_usage)}", moment(f"{day}T10:00:00"), "anthropic", "m",
                f"{person}@example.com",
            )
        )  # fmt: skip


def of_team(truth: Truth, table: str, start: date, **wanted: object) -> Row:
    wanted = {"scope_type": "team", "scope_id": "a", "period_start": start} | wanted
    (found,) = [row for row in truth[table] if all(row[k] == v for k, v in wanted.items())]
    return found


# Counts of people


def test_the_smallest_is_hidden_beside_those_that_it_would_give_away() -> None:
    counts = {(ORGANIZATION, ORGANIZATION): 9, ("department", "d"): 9}
    counts |= {("team", "d1"): 2, ("team", "d2"): 3, ("team", "d3"): 4}
    shown = shown_counts(counts, lambda _: "d", 3)
    assert ("team", "d3") in shown
    assert not {("team", "d1"), ("team", "d2")} & shown.keys()


# Adoption and the baseline


def adopting(company: Company, months: int) -> None:
    """In each month all five merge something, and three of them use AI on four days."""
    for month in range(1, months + 1):
        for name in PEOPLE:
            merge(company, f"2025-{month:02}-20T12:00:00", f"{name}.a")
        for name in PEOPLE[:3] if month >= 4 else ():
            use_ai(company, f"{name}.a", *(f"2025-{month:02}-{day:02}" for day in (3, 4, 5, 6)))


def test_the_baseline_is_the_last_full_quarter_before_adoption() -> None:
    company = a_company("2025-08-01T00:00:00")
    merge(company, "2025-01-02T12:00:00")
    adopting(company, 7)
    row = of_team(count(company), "value.divergence_quarterly", Q2)
    assert row["baseline_quarter_start"] == Q1
    assert not row["is_baseline"]
    # 16 merges in 90 days before, 15 in 91.
    assert row["baseline_merged_pull_requests_per_week"] == 16 * 7 / 90
    assert row["merged_pull_requests_per_week"] == 15 * 7 / 91
    assert (
        row["merged_pull_requests_per_contributor_change"]
        == row["merged_pull_requests_per_week_change"]
    )
    assert row["is_small_sample"]


def test_three_days_of_use_or_two_tools_on_a_day_adopt_nothing() -> None:
    company = a_company("2025-11-01T00:00:00")
    merge(company, "2025-01-02T12:00:00")
    for month in range(2, 11):
        for name in PEOPLE:
            merge(company, f"2025-{month:02}-20T12:00:00", f"{name}.a")
            use_ai(company, f"{name}.a", *(f"2025-{month:02}-{day:02}" for day in (3, 4, 5, 5)))
            company.ai_activity.append(
                Activity(f"{name}.a@example.com", date(2025, month, 9), "ide", sessions=0)
            )
    assert of_team(count(company), "value.divergence_quarterly", Q1)["is_baseline"]
    for month in range(4, 11):
        for name in PEOPLE:
            company.ai_activity.append(
                Activity(f"{name}.a@example.com", date(2025, month, 10), "ide")
            )
    # Now they do from April on; the quarter before is the first one still.
    assert of_team(count(company), "value.divergence_quarterly", Q1)["is_baseline"]


def test_a_quarter_that_data_enter_in_the_middle_is_no_baseline() -> None:
    company = a_company("2025-07-01T00:00:00")
    merge(company, "2025-01-08T12:00:00")
    merge(company, "2025-04-08T12:00:00")
    assert of_team(count(company), "value.divergence_quarterly", Q2)["is_baseline"]


def test_a_cut_quarter_counts_whole_days() -> None:
    company = a_company("2025-04-15T12:00:00")
    merge(company, "2025-01-02T12:00:00")
    for day in range(1, 7):
        merge(company, f"2025-04-{day:02}T12:00:00")
    merge(company, "2025-04-15T11:00:00")
    row = of_team(count(company), "value.divergence_quarterly", Q2)
    assert (row["whole_day_count"], row["merged_pull_requests_per_week"]) == (14, 3)
    assert row["merged_pull_requests_per_contributor_change"] is None


# What people say


def answer(company: Company, name: str, value: str | None, at: str = "2025-02-10T09:00:00",
           **more: object) -> None:  # fmt: skip
    record = SurveyResponse(
        "w1", f"{name}@example.com", moment(at), "satisfaction", "likert5", value, None, 6
    )
    for field, given in more.items():
        setattr(record, field, given)
    company.survey_responses.append(record)


def test_the_last_word_counts_and_small_teams_are_hidden() -> None:
    company = a_company("2025-04-01T00:00:00")
    merge(company, "2025-01-02T12:00:00")
    for name, value in zip(PEOPLE, "12445", strict=True):
        answer(company, f"{name}.a", value)
    answer(company, "ann.a", "2", "2025-02-09T09:00:00")  # before her last word, 1
    answer(company, "ann.b", "5")
    answer(company, "ann.b", "n/a", "2025-02-11T09:00:00")
    answer(company, "zoe", "3", team_id="b")  # in no team, names one
    everything = count(company, policy=Policy(minimum_group_size=1))
    team = of_team(everything, "quality.experience_quarterly", Q1)
    assert (team["mean_value"], team["median_value"], team["favourable_share"]) == (3.2, 4, 0.6)
    assert (team["headcount"], team["response_rate"]) == (5, 1)
    truth = count(company)
    # One answer in b is too few; the five of a would tell it, so they are hidden, too.
    assert not of_team(truth, "quality.experience_quarterly", Q1)["is_reported"]
    assert of_team(truth, "quality.experience_quarterly", Q1)["respondent_count"] is None
    (organization,) = [
        row for row in truth["quality.experience_quarterly"] if row["scope_type"] == ORGANIZATION
    ]
    assert organization["respondent_count"] == 6
    assert organization["survey_respondent_count"] == 7
    assert organization["response_rate"] is None  # seven of six
    assert organization["nps_score"] is None


def test_nps_is_promoters_less_detractors() -> None:
    company = a_company("2025-04-01T00:00:00")
    merge(company, "2025-01-02T12:00:00")
    for name, value in zip(PEOPLE, ("10", "9", "8", "6", "0"), strict=True):
        answer(company, f"{name}.a", value, scale="nps", question_id="recommend")
    row = of_team(count(company), "quality.experience_quarterly", Q1)
    assert (row["nps_score"], row["promoter_count"], row["detractor_count"]) == (0, 2, 2)
    assert row["favourable_share"] is None


# Kinds of work


def test_a_move_to_easy_work_is_no_faster() -> None:
    hours = {"feature": [20.0] * 6, "design": [40.0] * 4}
    before = Mix(Counter(feature=6, design=4), hours, 5, is_partial=False)
    after = Mix(Counter(feature=14), {"feature": [1.0] * 14}, 5, is_partial=False)
    found = _indexes(after, before)
    assert found["drift_index"] == 0.236453
    assert round(float(str(found["throughput_index"])), 9) == 1.4
    assert found["standardised_work_hours"] == 280
    assert found["standardised_throughput_index"] == 1
    assert _indexes(before, before)["drift_index"] == 0


def test_the_first_source_that_tells_gives_the_type() -> None:
    company = a_company("2025-04-01T00:00:00")
    merge(company, "2025-01-02T12:00:00", work_type="Feature")
    merge(company, "2025-01-03T12:00:00", work_type="spike 7")
    merge(company, "2025-01-04T12:00:00", title="docs(api)!: what it does")
    merge(company, "2025-01-05T12:00:00", changed_files=2, test_files_changed=2)
    merge(company, "2025-01-06T12:00:00", title="What it does")
    merge(company, "2025-01-06T13:00:00", author="dependabot[bot]", work_type="feature")
    linked, resolved = ("p1", "files:p2"), moment("2025-01-09T12:00:00")
    company.issues = [
        Issue("i1", "bug", moment("2025-01-01T12:00:00"), "a", resolved_at=resolved,
              pull_request_ids=linked),
        Issue("i2", "task", moment("2025-01-01T12:00:00"), "a", resolved_at=resolved,
              work_type="design"),
        Issue("i3", "epic", moment("2025-01-01T12:00:00"), "a", resolved_at=resolved),
        Issue("i4", "bug", moment("2025-01-01T12:00:00"), "a"),
    ]  # fmt: skip
    rows = count(company)["quality.work_mix_quarterly"]
    counts = {
        row["work_type"]: row["finished_count"] for row in rows if row["scope_type"] == ORGANIZATION
    }
    assert counts == {"feature": 1, "bug": 1, "docs": 1, "test": 1, "unknown": 1, "design": 1}


# Fixed changes and CI


def test_a_revert_fixes_within_the_window_to_the_second() -> None:
    company = a_company("2025-04-01T00:00:00")
    fixed = merge(company, "2025-03-01T12:00:00")
    revert = merge(company, "2025-03-22T12:00:00")
    company.commits = [
        Commit(str(fixed.merge_commit_sha), "r/pay", moment("2025-03-01T12:00:00")),
        Commit(
            str(revert.merge_commit_sha), "r/pay", moment("2025-03-22T12:00:00"),
            message_trailers=f"This reverts commit {fixed.merge_commit_sha}.",
        ),
    ]  # fmt: skip
    row = of_team(count(company), "quality.quality_quarterly", Q1)
    assert (row["fixed_change_count"], row["fixed_change_share"]) == (1, 0.5)
    revert.merged_at = moment("2025-03-22T12:00:01")
    assert of_team(count(company), "quality.quality_quarterly", Q1)["fixed_change_count"] == 0


def test_a_reopened_issue_is_fixed_by_its_next_change() -> None:
    company = a_company("2025-04-01T00:00:00")
    merge(company, "2025-03-01T12:00:00")
    merge(company, "2025-03-02T12:00:00")
    issue = Issue("i", "bug", moment("2025-02-01T12:00:00"), pull_request_ids=("p1", "p2"))
    company.issues = [issue]
    assert of_team(count(company), "quality.quality_quarterly", Q1)["fixed_change_count"] == 0
    issue.reopened_count = 1
    assert of_team(count(company), "quality.quality_quarterly", Q1)["fixed_change_count"] == 1


def test_only_runs_that_passed_or_failed_are_runs() -> None:
    company = a_company("2025-04-01T00:00:00")
    merge(company, "2025-01-02T12:00:00")
    began, ended = moment("2025-03-01T12:00:00"), moment("2025-03-01T13:00:00")
    for conclusion, attempt, finished_at in (
        ("failure", 1, ended), ("Success", 2, ended), ("timed_out", None, None),
        ("cancelled", 2, ended), ("success", 1, company.as_of),
    ):  # fmt: skip
        number = len(company.ci_runs)
        company.ci_runs.append(
            CiRun(f"c{number}", "r/pay", began, conclusion, finished_at, None, attempt)
        )
    row = of_team(count(company), "quality.quality_quarterly", Q1)
    assert [row[f"ci_{name}_count"] for name in ("run", "failed_run", "rerun", "other_run")] == [
        3, 2, 1, 1,
    ]  # fmt: skip
    assert row["is_small_sample"]
