"""Each scope's quarter beside its own baseline quarter: before and after, not a cause."""

from collections import Counter
from datetime import date, datetime

from orchestration.simulation.records import Company
from orchestration.simulation.truth.delivery import Delivery
from orchestration.simulation.truth.directory import Directory, Policy, Row, is_seen
from orchestration.simulation.truth.periods import ratio, start_of

LABEL = "before and after, not a cause"
# Counted on whole days, a week: the figure and what it counts.
WEEKLY = {
    "finished_tasks_per_week": "finished_task_count",
    "finished_epics_per_week": "finished_epic_count",
    "merged_pull_requests_per_week": "merged_pull_request_count",
    "added_lines_per_week": "added_line_count",
    "opened_bugs_per_week": "opened_bug_count",
}
OF_QUALITY = (
    "active_contributor_count",
    "merged_pull_requests_per_active_contributor",
    "median_pull_request_line_count",
    "opened_bugs_per_merged_pull_request",
    "median_hours_to_first_review",
    "median_review_hours",
    "unreviewed_merge_share",
    "deleted_lines_per_added_line",
)
MEASURES = (
    *WEEKLY, "deployments_per_week", "median_change_lead_time_hours",
    "incidents_per_merged_pull_request", *OF_QUALITY,
)  # fmt: skip

Cell = tuple[str, str, date]  # scope type, scope id, first day of the quarter


def diverged(
    volumes: dict[Cell, Counter[str]],
    baselines: dict[tuple[str, str], date],
    dora_quarterly: list[Row],
    quality_quarterly: list[Row],
    policy: Policy,
) -> list[Row]:
    """``value.divergence_quarterly``."""
    of_dora = {cell_of(row): row for row in dora_quarterly}
    quarters = {
        cell_of(row): _measured(row, of_dora[cell_of(row)], volumes.get(cell_of(row), Counter()))
        for row in quality_quarterly
    }
    rows = []
    for scope_type, scope_id, start in quarters:
        baseline_start = baselines.get((scope_type, scope_id))
        baseline = quarters[scope_type, scope_id, baseline_start] if baseline_start else {}
        rows.append(_row(quarters[scope_type, scope_id, start], baseline, baseline_start, policy))
    return rows


def volumes_of_quarters(
    company: Company, directory: Directory, delivery: Delivery, policy: Policy
) -> dict[Cell, Counter[str]]:
    """What the days that are over at ``as_of`` count."""
    cells: dict[Cell, Counter[str]] = {}

    def add(moment: datetime, team_id: str, service_id: str | None, what: str, count: int) -> None:
        if moment.date() < directory.as_of.date():
            quarter = start_of("quarterly", moment.date(), policy.fiscal_year_start_month)
            for scope in directory.scopes_of(team_id, service_id):
                cells.setdefault((*scope, quarter), Counter())[what] += count

    for change in delivery.changes:
        if not change.is_bot_change:
            where = change.merged_at, change.team_id, change.service_id
            add(*where, "merged_pull_request_count", 1)
            add(*where, "added_line_count", change.record.additions or 0)
    for issue in company.issues:
        team_id, kind = directory.team_of_issue(issue), issue.issue_type.casefold()
        if kind == "bug" and is_seen(issue.created_at, directory.as_of):
            add(issue.created_at, team_id, issue.service_id, "opened_bug_count", 1)
        if issue.resolved_at and is_seen(issue.resolved_at, directory.as_of):
            where = issue.resolved_at, team_id, issue.service_id
            if kind == "epic":
                add(*where, "finished_epic_count", 1)
            elif kind != "incident":
                add(*where, "finished_task_count", 1)
    return cells


def cell_of(row: Row) -> Cell:
    """Scope and quarter of a row."""
    start = date.fromisoformat(str(row["period_start"]))
    return str(row["scope_type"]), str(row["scope_id"]), start


def _measured(quality: Row, dora: Row, counts: Counter[str]) -> Row:
    """The quarter's own figures, with what describes it."""
    days = dora["whole_day_count"]
    return {
        **{name: quality[name] for name in ("scope_type", "scope_id", "period_start")},
        "scope_name": quality["scope_name"],
        "whole_day_count": days,
        **{f"whole_day_{count}": counts[count] for count in WEEKLY.values()},
        **{measure: _divided(counts[count] * 7, days) for measure, count in WEEKLY.items()},
        "deployments_per_week": dora["deployments_per_week"],
        "median_change_lead_time_hours": _as_published(dora["median_change_lead_time_hours"]),
        "incidents_per_merged_pull_request": _divided(
            quality["incident_count"], quality["merged_pull_request_count"]
        ),
        **{measure: quality[measure] for measure in OF_QUALITY},
        "is_partial_period": quality["is_partial_period"],
        "period_end": quality["period_end"],
    }


def _row(quarter: Row, baseline: Row, baseline_start: date | None, policy: Policy) -> Row:
    is_whole = baseline_start is not None and not quarter["is_partial_period"]
    per_head = {
        measure: _divided(quarter[measure], quarter["active_contributor_count"])
        for measure in WEEKLY
    }
    per_head_before = {
        measure: _divided(baseline.get(measure), baseline.get("active_contributor_count"))
        for measure in WEEKLY
    }
    merges = [q.get("whole_day_merged_pull_request_count") for q in (quarter, baseline)]
    is_large = all(isinstance(n, int) and n >= policy.small_sample_size for n in merges)
    return {
        **quarter,
        "baseline_quarter_start": baseline_start,
        **{f"baseline_{measure}": baseline.get(measure) for measure in MEASURES},
        **{
            f"{measure}_change": _change(quarter[measure], baseline.get(measure))
            for measure in MEASURES
        },
        **{
            f"{measure.removesuffix('_per_week')}_per_contributor_change": (
                _change(per_head[measure], per_head_before[measure]) if is_whole else None
            )
            for measure in WEEKLY
        },
        "is_baseline": quarter["period_start"] == baseline_start,
        "is_small_sample": not is_large,
        "label": LABEL,
    }


def _divided(numerator: object, denominator: object) -> float | None:
    if isinstance(numerator, (int, float)) and isinstance(denominator, (int, float)):
        return ratio(numerator, denominator)
    return None


def _change(value: object, baseline: object) -> float | None:
    """How much more, as a share of the baseline; None over 0 or unknown."""
    quotient = _divided(value, baseline)
    return None if quotient is None else quotient - 1


def _as_published(hours: object) -> float | None:
    """Hours as dora_quarterly shows them."""
    return round(hours, 6) if isinstance(hours, float) else None
