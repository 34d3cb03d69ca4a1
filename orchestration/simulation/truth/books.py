"""What the books say of a company that has closed no month: what is known now."""

from collections import defaultdict
from datetime import date
from decimal import Decimal

from orchestration.simulation.records import Company
from orchestration.simulation.truth.allocation import Allocation, Borne
from orchestration.simulation.truth.cost import Cost
from orchestration.simulation.truth.directory import Row
from orchestration.simulation.truth.invoices import CENT, rounded, usd
from orchestration.simulation.truth.reconciliation import Reconciliation, total

VendorMonth = tuple[str, date]
# What only the books say of a row: which month it restates, and whether its own is closed.
BOOKED = ("restates_period", "close_status")


class Accruals:
    """The months without an invoice, up to ``as_of``."""

    def __init__(
        self,
        company: Company,
        cost: Cost,
        allocation: Allocation,
        allocated: list[Row],
        reconciliation: Reconciliation,
    ) -> None:
        self._allocation = allocation
        self._today = company.as_of.date()
        self._cost, self._reconciliation = cost, reconciliation
        invoiced = {(str(row["vendor"]), row["period_start"]) for row in allocated}
        self.months = {
            key: amounts for key, amounts in self._amounts().items() if key not in invoiced
        }

    def borne(self) -> dict[VendorMonth, list[Borne]]:
        """By vendor and month: what each line of teams bears of it."""
        return {
            (vendor, month): self._allocation.accrued(vendor, month, cents)
            for (vendor, month), cents in self._cents().items()
        }

    def in_usd(self) -> dict[VendorMonth, Decimal | None]:
        """By vendor and month; None where nothing has a price."""
        return {key: None if cents is None else usd(cents) for key, cents in self._cents().items()}

    def as_now(self) -> list[Row]:
        """The rows of ``cost.cost_allocation_as_now_monthly``."""
        return as_now(
            [
                self._allocation.row((vendor, None, month, "usage", line, method), cents)
                for (vendor, month), parts in self.borne().items()
                for line, method, cents in parts
                if cents is not None
            ]
        )

    def rows(self, reconciled: list[Row]) -> list[Row]:
        """``cost.accruals_monthly``. While no month is closed, none of them has an invoice."""
        sides = {(str(row["vendor"]), row["period_start"]): row for row in reconciled}
        accrued: dict[VendorMonth, Decimal] = defaultdict(Decimal)
        for key, parts in self.borne().items():
            for _, _, cents in parts:
                if cents is not None:
                    accrued[key] += usd(cents)
        return [
            {
                "vendor": vendor,
                "period_start": month,
                "accrual_basis": (
                    "metered"
                    if sides[vendor, month]["vendor_reported_cost_usd"] is None
                    else "vendor_reported"
                ),
                "accrued_cost_usd": amount,
                "invoiced_cost_usd": None,
                "accrual_error_usd": None,
                "is_closed": False,
                "is_reversed": False,
                "is_partial_period": sides[vendor, month]["is_partial_period"],
                "period_end": sides[vendor, month]["period_end"],
            }
            for (vendor, month), amount in accrued.items()
        ]

    def _cents(self) -> dict[VendorMonth, int | None]:
        amounts = {key: total(parts) for key, parts in self.months.items()}
        return {
            key: None if amount is None else int(rounded(amount, CENT) * 100)
            for key, amount in amounts.items()
        }

    def _amounts(self) -> dict[VendorMonth, list[Decimal | None]]:
        """What the vendor reports of the whole days, else what was metered on them."""
        found: dict[VendorMonth, list[Decimal | None]] = defaultdict(list)
        for charge in self._cost.charges:
            if charge.day < self._today and charge.metered_cost is not None:
                key = charge.kind.vendor, charge.day.replace(day=1)
                found[key].append(charge.metered_cost)
        for key, reports in self._reconciliation.reported.items():
            if reported := [amount for day, amount in reports if day < self._today]:
                found[key] = reported
        return found


def as_now(booked: list[Row]) -> list[Row]:
    """The books' rows as known now: the same while nothing is closed."""
    return [{name: value for name, value in row.items() if name not in BOOKED} for row in booked]
