"""The DORA figures of a quarter beside what each edition published."""

import csv
import functools
from collections.abc import Callable
from dataclasses import dataclass

from orchestration.simulation.truth.directory import SEEDS, Row

UNITS = {
    "change_lead_time": ("median_change_lead_time_hours", "hours"),
    "deployment_frequency": ("deployments_per_week", "deployments per week"),
    "failed_deployment_recovery_time": ("median_failed_deployment_recovery_hours", "hours"),
    "change_fail_rate": ("change_fail_rate", "share"),
    "deployment_rework_rate": ("deployment_rework_rate", "share"),
}
ONCE_A_MONTH, ONCE_IN_SIX_MONTHS = 0.230136986301, 0.038356164384  # a week
BY_MEAN = "2025"


def _below(bound: float) -> Callable[[float], bool]:
    return lambda value: value < bound


def _at_most(bound: float) -> Callable[[float], bool]:
    return lambda value: value <= bound


def _at_least(bound: float) -> Callable[[float], bool]:
    return lambda value: value >= bound


# Whether a value is elite, high, medium; what is none of these is low.
TIERS = {
    ("2023", "change_lead_time"): [_below(24), _below(168), _below(720)],
    ("2023", "deployment_frequency"): [_at_least(14), _at_least(1), _at_least(ONCE_A_MONTH)],
    ("2023", "failed_deployment_recovery_time"): [_below(1), _below(24), _below(168)],
    ("2023", "change_fail_rate"): [_at_most(0.05), _at_most(0.10), _at_most(0.15)],
    ("2021", "change_lead_time"): [_below(1), _below(168), _below(4380)],
    ("2021", "deployment_frequency"): [
        _at_least(14), _at_least(ONCE_A_MONTH), _at_least(ONCE_IN_SIX_MONTHS),
    ],
    ("2021", "failed_deployment_recovery_time"): [_below(1), _below(24), _below(168)],
    ("2021", "change_fail_rate"): [_at_most(0.15), _at_most(0.30), _at_most(0.30)],
}  # fmt: skip


@dataclass(frozen=True)
class Benchmark:
    """What an industry says of itself, on the scale of the scores."""

    mean: float
    standard_deviation: float


def benchmarked(dora_quarterly: list[Row], industry: str) -> list[Row]:
    """``dora.dora_benchmarks_quarterly``."""
    keys = [(BY_MEAN, metric) for metric in UNITS] + list(TIERS)
    return [
        _row(row, edition, metric, industry) for row in dora_quarterly for edition, metric in keys
    ]


def _row(quarter: Row, edition: str, metric: str, industry: str) -> Row:
    column, unit = UNITS[metric]
    value = quarter[column]
    if isinstance(value, float) and unit == "hours":
        value = round(value, 6)
    score = quarter[f"{metric}_score"] if edition == BY_MEAN else None
    benchmark = _benchmarks()[industry, metric] if edition == BY_MEAN else None
    return {
        "scope_type": quarter["scope_type"],
        "scope_id": quarter["scope_id"],
        "period_start": quarter["period_start"],
        "edition": edition,
        "metric": metric,
        "scope_name": quarter["scope_name"],
        "industry": industry if benchmark else None,
        "unit": unit,
        "tier": _tier(edition, metric, value),
        "value": value,
        "score": score,
        "benchmark_mean": benchmark.mean if benchmark else None,
        "benchmark_standard_deviation": benchmark.standard_deviation if benchmark else None,
        "standard_deviations_from_mean": (
            (score - benchmark.mean) / benchmark.standard_deviation
            if benchmark and isinstance(score, float)
            else None
        ),
        "is_partial_period": quarter["is_partial_period"],
        "period_end": quarter["period_end"],
    }


def _tier(edition: str, metric: str, value: object) -> str | None:
    """The best one whose bound the value keeps; None without a value."""
    keeps = TIERS.get((edition, metric))
    if keeps is None or not isinstance(value, (int, float)):
        return None
    for tier, is_kept in zip(("elite", "high", "medium"), keeps, strict=True):
        if is_kept(value):
            return tier
    return "low"


@functools.cache
def _benchmarks() -> dict[tuple[str, str], Benchmark]:
    with (SEEDS / "dora_benchmarks.csv").open(newline="", encoding="utf-8") as lines:
        return {
            (line["industry"], line["metric"]): Benchmark(
                float(line["mean"]), float(line["standard_deviation"])
            )
            for line in csv.DictReader(lines)
            if line["edition"] == BY_MEAN
        }
