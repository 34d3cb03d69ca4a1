"""The period tables of ``dora``: sums, medians, rates and scores of what delivery.py found."""

import csv
import functools
from collections.abc import Iterable
from dataclasses import dataclass, field

from orchestration.simulation.truth.delivery import Changed, Delivery, Deployed
from orchestration.simulation.truth.directory import SEEDS, Directory, Policy, Row, Scope
from orchestration.simulation.truth.periods import (
    Period,
    mean,
    median,
    quantile,
    ratio,
    start_of,
)

REASONS = (
    "no_baseline", "no_service", "not_deployed", "deployed_before_merge", "no_commits",
    "deployed_before_first_commit",
)  # fmt: skip
METHODS = ("explicit", "rollback", "revert", "incident_window")
EDITION = "2025"

Cell = tuple[str, str, object]  # scope type, scope id, first day of the period


@dataclass
class Facts:
    """What a scope's period counts."""

    merged: list[Changed] = field(default_factory=list)
    deployed_changes: list[Changed] = field(default_factory=list)
    deployments: list[Deployed] = field(default_factory=list)


def period_table(
    kind: str, periods: list[Period], delivery: Delivery, directory: Directory, policy: Policy
) -> list[Row]:
    """``dora.dora_<kind>``."""
    cells = _facts(kind, delivery, directory, policy.fiscal_year_start_month)
    rows = []
    for scope in directory.scopes():
        for period in periods:
            facts = cells.get((scope.scope_type, scope.scope_id, period.start), Facts())
            is_small = len(facts.deployments) < policy.small_sample_size
            rows.append(_row(scope, period, facts, directory) | {"is_small_sample": is_small})
    return rows


def _facts(
    kind: str, delivery: Delivery, directory: Directory, fiscal_start: int
) -> dict[Cell, Facts]:
    cells: dict[Cell, Facts] = {}
    for change in delivery.changes:
        if change.is_bot_change:
            continue
        merged_in = start_of(kind, change.merged_at.date(), fiscal_start)
        for scope in directory.scopes_of(change.team_id, change.service_id):
            cells.setdefault((*scope, merged_in), Facts()).merged.append(change)
        if change.deployed_at is None or change.no_lead_time_reason:
            continue
        deployed_in = start_of(kind, change.deployed_at.date(), fiscal_start)
        for scope in directory.scopes_of(change.team_id, change.service_id):
            cells.setdefault((*scope, deployed_in), Facts()).deployed_changes.append(change)
    for deployed in delivery.deployments:
        finished_in = start_of(kind, deployed.finished_at.date(), fiscal_start)
        for scope in directory.scopes_of(deployed.team_id, deployed.record.service_id):
            cells.setdefault((*scope, finished_in), Facts()).deployments.append(deployed)
    return cells


def _row(scope: Scope, period: Period, facts: Facts, directory: Directory) -> Row:
    row: Row = {
        "scope_type": scope.scope_type,
        "scope_id": scope.scope_id,
        "period_start": period.start,
        "scope_name": scope.scope_name,
        "benchmark_edition": EDITION,
    }
    frequency = _frequency(period, facts.deployments, directory)
    lead_time = _lead_time(facts)
    failures = _failures(facts.deployments)
    row |= frequency | lead_time | failures
    row |= _scores(row)
    return row | {
        "is_partial_period": period.is_partial(directory.as_of),
        "period_end": period.end,
    }


def _frequency(period: Period, deployments: list[Deployed], directory: Directory) -> Row:
    whole_days = period.whole_days(directory.as_of)
    days = [deployed.finished_at.date() for deployed in deployments]
    on_whole_days = sum(1 for day in days if day < directory.as_of.date())
    return {
        "whole_day_count": whole_days,
        "deployment_count": len(deployments),
        "deployment_day_count": len(set(days)),
        "whole_day_deployment_count": on_whole_days,
        "deployments_per_week": ratio(on_whole_days * 7, whole_days),
    }


def _lead_time(facts: Facts) -> Row:
    changes = facts.deployed_changes
    hours = _hours(change.lead_time_seconds for change in changes)
    stages: Row = {
        f"mean_{stage}_hours": mean(_hours(change.stages[stage] for change in changes))
        for stage in ("coding", "pickup", "review", "deploy")
    }
    reasons = [change.no_lead_time_reason for change in facts.merged]
    known = reasons.count(None)
    return {
        "change_count": len(facts.merged),
        "lead_time_known_change_count": known,
        "lead_time_known_share": ratio(known, len(reasons)),
        **{f"{reason}_change_count": reasons.count(reason) for reason in REASONS},
        "deployed_change_count": len(changes),
        "negative_stage_count": sum(change.negative_stage_count for change in facts.merged),
        "median_change_lead_time_hours": median(hours),
        "p90_change_lead_time_hours": quantile(hours, 0.9),
    } | stages


def _failures(deployments: list[Deployed]) -> Row:
    failed = [deployed for deployed in deployments if deployed.failure_link_method]
    recovered = [deployed for deployed in failed if deployed.recovered_at]
    reworked = [deployed for deployed in deployments if deployed.rework_reason]
    counts = {
        method: sum(1 for deployed in failed if deployed.failure_link_method == method)
        for method in METHODS
    }
    from_finish = _hours(deployed.recovery_seconds for deployed in recovered)
    from_detection = _hours(deployed.recovery_from_detection_seconds for deployed in recovered)
    return {
        "failed_deployment_count": len(failed),
        "change_fail_rate": ratio(len(failed), len(deployments)),
        **{f"{method}_failure_count": count for method, count in counts.items()},
        **{f"{m}_failure_share": ratio(count, len(failed)) for m, count in counts.items()},
        "recovered_deployment_count": len(recovered),
        "median_failed_deployment_recovery_hours": median(from_finish),
        "p90_failed_deployment_recovery_hours": quantile(from_finish, 0.9),
        "median_recovery_from_detection_hours": median(from_detection),
        "p90_recovery_from_detection_hours": quantile(from_detection, 0.9),
        "open_failure_count": len(failed) - len(recovered),
        "rework_deployment_count": len(reworked),
        "deployment_rework_rate": ratio(len(reworked), len(deployments)),
    }


def _scores(row: Row) -> Row:
    scores: Row = {
        "change_lead_time_score": _category_score(
            "change_lead_time", row["median_change_lead_time_hours"]
        ),
        "deployment_frequency_score": _category_score(
            "deployment_frequency", row["deployments_per_week"]
        ),
        "failed_deployment_recovery_time_score": _category_score(
            "failed_deployment_recovery_time", row["median_failed_deployment_recovery_hours"]
        ),
        "change_fail_rate_score": _rate_score(row["change_fail_rate"]),
        "deployment_rework_rate_score": _rate_score(row["deployment_rework_rate"]),
    }
    known = [score for score in scores.values() if isinstance(score, float)]
    is_whole = len(known) == len(scores)
    return dict(scores) | {"dora_score": sum(known) / len(known) if is_whole else None}


def _category_score(metric: str, value: object) -> float | None:
    """Category v of six gives (v - 1) / 5 * 10; a bound belongs to the category it begins."""
    if not isinstance(value, (int, float)):
        return None
    for category, lower, upper in _categories()[metric]:
        if lower <= value < upper:
            return (category - 1) / 5 * 10
    return None


def _rate_score(rate: object) -> float | None:
    """A rate of p percent gives 10 - p / 10, between 0 and 10."""
    if not isinstance(rate, (int, float)):
        return None
    return min(10.0, max(0.0, 10 - rate * 100 / 10))


@functools.cache
def _categories() -> dict[str, list[tuple[int, float, float]]]:
    found: dict[str, list[tuple[int, float, float]]] = {}
    with (SEEDS / "dora_score_categories.csv").open(newline="", encoding="utf-8") as lines:
        for line in csv.DictReader(lines):
            if line["edition"] == EDITION:
                bounds = int(line["category"]), float(line["lower_bound"]), line["upper_bound"]
                found.setdefault(line["metric"], []).append((*bounds[:2], float(bounds[2])))
    return found


def _hours(seconds: Iterable[int | None]) -> list[float]:
    return [value / 3600 for value in seconds if value is not None]
