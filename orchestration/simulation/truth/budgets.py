"""What was planned for a cost centre's month, what it cost, and what it will have cost."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from orchestration.simulation.records import Company
from orchestration.simulation.truth.allocation import Allocation
from orchestration.simulation.truth.books import Accruals
from orchestration.simulation.truth.directory import Row
from orchestration.simulation.truth.invoices import CENT, Rates, days_of, rounded, usd
from orchestration.simulation.truth.periods import last_day, midnight
from orchestration.simulation.truth.reconciliation import total
from orchestration.simulation.worlds import month_after

ALL = "all"

Key = tuple[str, str, date]  # cost centre, vendor, month


@dataclass
class Actual:
    """What a cost centre's month with a vendor cost so far."""

    invoiced: Decimal | None = Decimal(0)
    accrued: Decimal | None = Decimal(0)
    is_invoiced: bool = False
    is_accrued: bool = False

    def add(self, other: "Actual") -> None:
        """Counts another vendor's in."""
        self.invoiced = _plus(self.invoiced, other.invoiced)
        self.accrued = _plus(self.accrued, other.accrued)
        self.is_invoiced |= other.is_invoiced
        self.is_accrued |= other.is_accrued


class Budgets:
    """``cost.budget_vs_actual_monthly``."""

    def __init__(
        self,
        company: Company,
        rates: Rates,
        allocation: Allocation,
        allocated: list[Row],
        accruals: Accruals,
    ) -> None:
        self._as_of = company.as_of
        self._budgets = _in_usd(company, rates)
        self._actuals: dict[Key, Actual] = {}
        for row in allocated:
            amount = row["allocated_cost_usd"]
            invoiced = amount if isinstance(amount, Decimal) else None
            month = date.fromisoformat(str(row["period_start"]))
            self._count(
                str(row["cost_center"]), str(row["vendor"]), month,
                Actual(invoiced=invoiced, is_invoiced=True),
            )  # fmt: skip
        for (vendor, month), parts in accruals.borne().items():
            for line, _, cents in parts:
                accrued = Actual(accrued=None if cents is None else usd(cents), is_accrued=True)
                self._count(allocation.cost_center_of(line), vendor, month, accrued)

    def rows(self) -> list[Row]:
        """The table."""
        known = self._budgets.keys() | self._actuals.keys()
        months = [month for _, _, month in known]
        if not months:
            return []
        first = min(months)
        last = max([last_day(self._as_of).replace(day=1), *(m for _, _, m in self._budgets)])
        pairs = {(center, vendor) for center, vendor, _ in known} | {(c, ALL) for c, _, _ in known}
        found = []
        for center, vendor in pairs:
            month = first
            while month <= last:
                found.append(self._row(center, vendor, month))
                month = month_after(month)
        return found

    def _count(self, center: str, vendor: str, month: date, actual: Actual) -> None:
        for name in (vendor, ALL):
            self._actuals.setdefault((center, name, month), Actual()).add(actual)

    def _row(self, center: str, vendor: str, month: date) -> Row:
        actual = self._actuals.get((center, vendor, month), Actual())
        has_begun = midnight(month) < self._as_of
        is_over = midnight(month_after(month)) <= self._as_of
        spent = _plus(actual.invoiced, actual.accrued)
        if not has_begun and not actual.is_invoiced:
            spent = None
        budget = self._budget(center, vendor, month)
        forecast = spent if is_over else self._forecast(actual, month)
        return {
            "cost_center": center,
            "vendor": vendor,
            "period_start": month,
            "budget_usd": budget,
            "actual_usd": spent,
            "forecast_to_month_end_usd": forecast,
            "variance_usd": _minus(spent, budget),
            "forecast_variance_usd": _minus(forecast, budget),
            "is_accrued": actual.is_accrued,
            "is_partial_period": not is_over,
            "period_end": month_after(month),
        }

    def _forecast(self, actual: Actual, month: date) -> Decimal | None:
        passed = (self._as_of.date() - month).days
        if passed <= 0 or actual.invoiced is None or actual.accrued is None:
            return None
        return actual.invoiced + rounded(actual.accrued * days_of(month) / passed)

    def _budget(self, center: str, vendor: str, month: date) -> Decimal | None:
        known = self._budgets.get((center, vendor, month))
        if vendor != ALL or (center, ALL, month) in self._budgets:
            return known
        of_vendors = [
            amount for (c, _, m), amount in self._budgets.items() if c == center and m == month
        ]
        return total(of_vendors)


def _in_usd(company: Company, rates: Rates) -> dict[Key, Decimal | None]:
    found: dict[Key, Decimal | None] = {}
    for budget in company.budgets:
        month = budget.month.replace(day=1)
        rate = rates.on(budget.currency, month)
        vendor = (budget.vendor or ALL).lower()
        amount = None if rate is None else rounded(budget.amount * rate, CENT)
        found[budget.cost_center, vendor, month] = amount
    return found


def _plus(left: Decimal | None, right: Decimal | None) -> Decimal | None:
    return None if left is None or right is None else left + right


def _minus(left: Decimal | None, right: Decimal | None) -> Decimal | None:
    return None if left is None or right is None else left - right
