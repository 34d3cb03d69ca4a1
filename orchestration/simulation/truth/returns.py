"""What AI and engineering cost in a quarter, and what changed in money since the baseline."""

import csv
import functools
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from orchestration.simulation.truth.directory import ORGANIZATION, SEEDS, Policy, Row
from orchestration.simulation.truth.periods import start_of

LABEL = "a comparison with a baseline quarter, not a cause"
INPUTS = (
    "engineering_cost_usd",
    "engineering_people",
    "hours_per_person_week",
    "downtime_cost_usd_per_hour",
    "other_ai_investment_usd",
)
COMPARED = (
    "deployment_count",
    "failed_deployment_count",
    "change_fail_rate",
    "rework_deployment_count",
    "deployment_rework_rate",
)
MICRO, PICO = Decimal("1e-6"), Decimal("1e-12")

Number = Decimal | None


@dataclass(frozen=True)
class Recovery:
    """How long a quarter's failed deployments took to recover, and how many are known to."""

    seconds: int
    count: int


class Returns:
    """``value.return_on_ai_quarterly``."""

    def __init__(
        self,
        tables: dict[str, list[Row]],
        accruals: dict[tuple[str, date], Number],
        policy: Policy,
    ) -> None:
        self._policy, self._tables = policy, tables
        self._baseline = next(
            (
                _day(row["period_start"])
                for row in tables["value.divergence_quarterly"]
                if row["scope_type"] == ORGANIZATION and row["is_baseline"]
            ),
            None,
        )
        self._quarters = {
            _day(row["period_start"]): row
            for row in tables["dora.dora_quarterly"]
            if row["scope_type"] == ORGANIZATION
        }
        self._spent: dict[date, list[tuple[Number, bool]]] = {}  # and whether it is accrued
        for row in tables["cost.cost_allocation_monthly"]:
            if not row["is_tax"]:
                amount = row["allocated_cost_usd"]
                self._spend(row["period_start"], amount if isinstance(amount, Decimal) else None)
        for (_, month), accrued in accruals.items():
            self._spend(month, accrued, is_accrued=True)
        self._uninvoiced = [
            self._quarter(row["period_start"])
            for row in tables["cost.cost_reconciliation_monthly"]
            if row["status"] == "no_invoice_yet"
        ]

    def rows(self) -> list[Row]:
        """The table."""
        return [self._row(start) for start in self._quarters]

    def _quarter(self, day: object) -> date:
        return start_of("quarterly", _day(day), self._policy.fiscal_year_start_month)

    def _spend(self, month: object, amount: Number, *, is_accrued: bool = False) -> None:
        self._spent.setdefault(self._quarter(month), []).append((amount, is_accrued))

    # What a quarter has of its own

    def _spend_of(self, start: date) -> tuple[Number, Number]:
        """All that vendors bill, and what is accrued of it; None if some of it is unknown."""
        amounts = self._spent.get(start, [])
        known = [(amount, is_accrued) for amount, is_accrued in amounts if amount is not None]
        if len(known) < len(amounts):
            return None, None
        accrued = sum((amount for amount, is_accrued in known if is_accrued), Decimal(0))
        return sum((amount for amount, _ in known), Decimal(0)), accrued

    def _said(self, start: date) -> Number:
        for row in self._tables["quality.experience_quarterly"]:
            is_ours = row["scope_type"] == ORGANIZATION and row["period_start"] == start
            if (
                is_ours
                and row["question_id"] == "hours_saved_with_ai"
                and row["scale"] == "hours_per_week"
                and row["mean_value"] is not None
            ):
                return _rounded(Decimal(repr(float(str(row["mean_value"])))), MICRO)
        return None

    def _recovery(self, start: date) -> Recovery:
        seconds = [
            int(str(row["recovery_seconds"]))
            for row in self._tables["dora.fct_deployments"]
            if row["is_failed"]
            and row["recovery_seconds"] is not None
            and self._quarter(row["finished_at"]) == start
        ]
        return Recovery(sum(seconds), len(seconds))

    def _failure_hours(self, start: date) -> Number:
        """Unrounded; None where no failed deployment is known to have recovered."""
        failed, recovery = _count(self._quarters[start], "failed"), self._recovery(start)
        if not failed:
            return Decimal(0)
        if not recovery.count:
            return None
        return Decimal(failed * recovery.seconds) / (recovery.count * 3600)

    def _cost_to_serve(self, start: date) -> Number:
        row, (spend, _) = self._quarters[start], self._spend_of(start)
        cost = inputs_of(start)["engineering_cost_usd"]
        deployments = _count(row, "")
        if row["is_partial_period"] or cost is None or spend is None or not deployments:
            return None
        return _rounded((cost + spend) / deployments, PICO)

    # What it is held against

    def _row(self, start: date) -> Row:
        quarter, inputs = self._quarters[start], inputs_of(start)
        is_whole = not quarter["is_partial_period"]
        spend, accrued = self._spend_of(start)
        said = self._said(start)
        days = (_day(quarter["period_end"]) - start).days
        said_hours = _hours(said, inputs["engineering_people"], days) if is_whole else None
        paid_hours = (
            _hours(inputs["hours_per_person_week"], inputs["engineering_people"], days)
            if is_whole
            else None
        )
        return {
            "scope_type": ORGANIZATION,
            "scope_id": ORGANIZATION,
            "period_start": start,
            "scope_name": quarter["scope_name"],
            "label": LABEL,
            **inputs,
            "ai_spend_usd": spend,
            "accrued_ai_spend_usd": accrued,
            "uninvoiced_vendor_month_count": self._uninvoiced.count(start),
            **{name: quarter[name] for name in COMPARED},
            "cost_to_serve_software_usd": self._cost_to_serve(start),
            "hours_saved_per_person_week": said,
            "said_hours_saved": said_hours,
            "agent_hourly_rate_usd": _rate(spend, said_hours),
            "paid_hours": paid_hours,
            "engineer_hourly_cost_usd": _rate(inputs["engineering_cost_usd"], paid_hours),
            **self._returned(start, days),
            "missing_inputs": ", ".join(self._missing(start)) or None,
            **self._baseline_figures(),
            "day_count": days,
            "is_baseline": start == self._baseline,
            "is_small_sample": self._is_small(start),
            "is_partial_period": not is_whole,
            "baseline_quarter_start": self._baseline,
            "period_end": quarter["period_end"],
        }

    def _is_small(self, start: date) -> bool:
        counts = [_count(self._quarters[q], "") if q else 0 for q in (start, self._baseline)]
        return min(counts) < self._policy.small_sample_size

    def _baseline_figures(self) -> Row:
        names = (*COMPARED, "cost_to_serve_software_usd", "day_count")
        if self._baseline is None:
            return dict.fromkeys(f"baseline_{name}" for name in names)
        row = self._quarters[self._baseline]
        return {
            **{f"baseline_{name}": row[name] for name in COMPARED},
            "baseline_cost_to_serve_software_usd": self._cost_to_serve(self._baseline),
            "baseline_day_count": (_day(row["period_end"]) - self._baseline).days,
        }

    def _returned(self, start: date, days: int) -> Row:
        """DORA's return on investment."""
        quarter, inputs = self._quarters[start], inputs_of(start)
        hours = self._failure_hours(start)
        hours = None if hours is None else _rounded(hours, MICRO)
        hours_before = rework = None
        is_whole = not quarter["is_partial_period"]
        if is_whole and self._baseline is not None and start > self._baseline:
            hours_before = self._failure_hours(self._baseline)
            baseline = self._quarters[self._baseline]
            days_before = (_day(baseline["period_end"]) - self._baseline).days
            if hours_before is not None:
                hours_before = _rounded(hours_before * days / days_before, MICRO)
            if _count(quarter, "") and _count(baseline, ""):
                before = Decimal(_count(baseline, "rework")) / _count(baseline, "")
                now = Decimal(_count(quarter, "rework")) / _count(quarter, "")
                rework = _rounded(before - now, PICO)
        avoided_hours = None
        if hours is not None and hours_before is not None:
            avoided_hours = hours_before - hours
        avoided_rework = _product(inputs["engineering_cost_usd"], rework)
        avoided_downtime = _product(inputs["downtime_cost_usd_per_hour"], avoided_hours)
        value = _sum(avoided_rework, avoided_downtime)
        investment = _sum(self._spend_of(start)[0], inputs["other_ai_investment_usd"])
        investment = investment if is_whole else None
        returned = None
        if value is not None and investment is not None and investment > 0:
            returned = _rounded((value - investment) / investment, MICRO)
        return {
            "avoided_rework_usd": avoided_rework,
            "failure_hours": hours,
            "baseline_failure_hours": hours_before,
            "avoided_downtime_usd": avoided_downtime,
            "value_usd": value,
            "investment_usd": investment,
            "return_on_investment": returned,
        }

    def _missing(self, start: date) -> list[str]:
        quarter = self._quarters[start]
        compared = [start] if self._baseline is None else [start, self._baseline]
        found = [name for name, value in inputs_of(start).items() if value is None]
        checks = {
            "ai_spend_usd": self._spend_of(start)[0] is None,
            "hours_saved_with_ai": self._said(start) is None,
            "deployments": any(not _count(self._quarters[q], "") for q in compared),
            "recovery_time": any(self._failure_hours(q) is None for q in compared),
            "later_quarter_than_baseline": self._baseline is None or start <= self._baseline,
            "whole_quarter": quarter["is_partial_period"],
        }
        return found + [name for name, is_missing in checks.items() if is_missing]


def inputs_of(start: date) -> dict[str, Number]:
    """What the company says of itself, as it holds in the quarter."""
    found: dict[str, Number] = dict.fromkeys(INPUTS)
    for name, valid_from, value in _stated():
        if valid_from <= start:
            found[name] = value
    return found


@functools.cache
def _stated() -> list[tuple[str, date, Number]]:
    """Input, first day and value, the earliest first."""
    with (SEEDS / "roi_inputs.csv").open(newline="", encoding="utf-8") as lines:
        rows = [
            (
                line["input"],
                date.fromisoformat(line["valid_from"]),
                Decimal(line["value"]) if line["value"] else None,
            )
            for line in csv.DictReader(lines)
        ]
    return sorted(rows, key=lambda row: row[1])


def _day(value: object) -> date:
    return date.fromisoformat(str(value)[:10])


def _count(quarter: Row, which: str) -> int:
    name = f"{which}_deployment_count" if which else "deployment_count"
    return int(str(quarter[name]))


def _rounded(amount: Decimal, places: Decimal) -> Decimal:
    return amount.quantize(places, ROUND_HALF_UP)


def _hours(per_week: Number, people: Number, days: int) -> Number:
    if per_week is None or people is None:
        return None
    return _rounded(per_week * people * days / 7, MICRO)


def _rate(amount: Number, hours: Number) -> Number:
    return None if amount is None or not hours else _rounded(amount / hours, PICO)


def _product(amount: Number, factor: Number) -> Number:
    return None if amount is None or factor is None else _rounded(amount * factor, PICO)


def _sum(left: Number, right: Number) -> Number:
    return None if left is None or right is None else left + right
