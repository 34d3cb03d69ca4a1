"""What was planned for a cost centre's month, what it cost, and what it will have cost."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from orchestration.simulation.records import Company
from orchestration.simulation.truth.allocation import Allocation
from orchestration.simulation.truth.cost import Cost
from orchestration.simulation.truth.directory import Row
from orchestration.simulation.truth.invoices import CENT, Rates, days_of, rounded, usd
from orchestration.simulation.truth.periods import last_day, midnight
from orchestration.simulation.truth.reconciliation import Reconciliation, total
from orchestration.simulation.worlds import month_after

ALL = "all"

Key = tuple[str, str, date]  # cost centre, vendor, month
Accruals = dict[tuple[str, date], Decimal | None]  # by vendor and month


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
        cost: Cost,
        allocation: Allocation,
        allocated: list[Row],
        reconciliation: Reconciliation,
    ) -> None:
        self._as_of, self._allocation = company.as_of, allocation
        self._budgets = _in_usd(company, rates)
        self._actuals: dict[Key, Actual] = {}
        self.accruals: Accruals = {}
        for row in allocated:
            amount = row["allocated_cost_usd"]
            invoiced = amount if isinstance(amount, Decimal) else None
            month = date.fromisoformat(str(row["period_start"]))
            self._count(
                str(row["cost_center"]), str(row["vendor"]), month,
                Actual(invoiced=invoiced, is_invoiced=True),
            )  # fmt: skip
        self._accrue(company, cost, reconciliation, allocated)

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

    def _accrue(
        self,
        company: Company,
        cost: Cost,
        reconciliation: Reconciliation,
        allocated: list[Row],
    ) -> None:
        """A vendor's months without an invoice: what it reports of whole days, else metered."""
        invoiced = {(str(row["vendor"]), row["period_start"]) for row in allocated}
        today = company.as_of.date()
        metered: dict[tuple[str, date], list[Decimal]] = defaultdict(list)
        for charge in cost.charges:
            if charge.day < today and charge.metered_cost is not None:
                metered[charge.kind.vendor, charge.day.replace(day=1)].append(charge.metered_cost)
        for vendor, month in metered.keys() | reconciliation.reported.keys():
            if (vendor, month) in invoiced:
                continue
            reported = [
                amount
                for day, amount in reconciliation.reported.get((vendor, month), [])
                if day < today
            ]
            amounts: list[Decimal | None] = [*reported] or [*metered.get((vendor, month), [])]
            amount = total(amounts)
            if not amounts:
                continue
            cents = None if amount is None else int(rounded(amount, CENT) * 100)
            self.accruals[vendor, month] = None if cents is None else usd(cents)
            for line, _, part in self._allocation.accrued(vendor, month, cents):
                accrued = None if part is None else usd(part)
                center = self._allocation.cost_center_of(line)
                self._count(center, vendor, month, Actual(accrued=accrued, is_accrued=True))

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
