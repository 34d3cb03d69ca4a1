"""Which team bears which cents of an invoice."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal

from orchestration.simulation.records import Seat
from orchestration.simulation.truth.cost import Cost
from orchestration.simulation.truth.directory import UNATTRIBUTED, Directory, Row, published_id
from orchestration.simulation.truth.invoices import Article, Invoices, Line, rounded, share_out, usd
from orchestration.simulation.truth.lines import SMALL_TEAMS, Lines
from orchestration.simulation.truth.metering import Held, Metering
from orchestration.simulation.truth.periods import midnight
from orchestration.simulation.worlds import month_after

UNASSIGNED = "unassigned"
BILLIONTH, TRILLIONTH = Decimal("1e-9"), Decimal("1e-12")

Weights = dict[str, int]  # by team
Month = tuple[str, date]  # vendor, month
Borne = tuple[str, str, int | None]  # line of teams, method, cents
# Vendor, invoice (none of an accrual), month, charge category, line of teams, method.
RowKey = tuple[str, str | None, date, str, str, str]


class Allocation:
    """What drives the sharing of each vendor's month, and the cents shared out by it."""

    def __init__(
        self,
        invoices: Invoices,
        metering: Metering,
        cost: Cost,
        directory: Directory,
        lines: Lines,
        months: Iterable[date],
    ) -> None:
        self._invoices, self._metering = invoices, metering
        self._directory, self._lines, self._months = directory, lines, set(months)
        by_vendor: dict[Month, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
        by_article: dict[tuple[Article, date], dict[str, Decimal]] = defaultdict(
            lambda: defaultdict(Decimal)
        )
        for charge in cost.charges:
            kind, month = charge.kind, charge.day.replace(day=1)
            article = Article(
                kind.vendor, kind.model, kind.token_class, kind.service_tier, kind.is_batch, 0
            )
            amount = charge.metered_cost or Decimal(0)
            by_vendor[kind.vendor, month][charge.team_id] += amount
            by_article[article, month][charge.team_id] += amount
        self._of_vendor = {key: self._of_costs(key[1], found) for key, found in by_vendor.items()}
        self._of_article = {key: self._of_costs(key[1], found) for key, found in by_article.items()}

    def rows(self) -> list[Row]:
        """``cost.cost_allocation_monthly``."""
        pools: dict[tuple[date, tuple[object, ...]], list[Line]] = defaultdict(list)
        for line in self._invoices.lines:
            for month in line.months:
                what = line.article._replace(context=0) if line.article else line.plan
                category = line.record.charge_category
                pools[month, (line.invoice, category, line.kind, what)].append(line)
        borne: dict[RowKey, int | None] = {}
        for (month, _), found in pools.items():
            line = found[0]
            parts = [line.months[month] for line in found]
            cents = None if None in parts else sum(part or 0 for part in parts)
            for team_id, method, part in self._shared_out(line, month, cents):
                category = line.record.charge_category
                key = line.vendor, line.record.invoice_id, month, category, team_id, method
                known = borne.get(key, 0)
                borne[key] = None if known is None or part is None else known + part
        return [self.row(key, cents) for key, cents in borne.items()]

    def row(self, key: RowKey, cents: int | None) -> Row:
        """A row of the books of a company that has closed no month."""
        vendor, invoice_id, month, category, team_id, method = key
        return {
            "vendor": vendor,
            "invoice_id": published_id(invoice_id) if invoice_id else "accrual",
            "period_start": month,
            "charge_category": category,
            "cost_center": self.cost_center_of(team_id),
            "department_id": self._lines.department_of(team_id),
            "team_id": team_id,
            "method": method,
            "team_name": self._lines.name_of(team_id),
            "allocated_cost_usd": None if cents is None else usd(cents),
            "is_tax": category == "tax",
            "restates_period": None,
            "close_status": "open",
            "is_accrual": invoice_id is None,
            "is_partial_period": self._directory.as_of < midnight(month_after(month)),
            "period_end": month_after(month),
        }

    def accrued(self, vendor: str, month: date, cents: int | None) -> list[Borne]:
        """An amount without an invoice: as usage that names no article."""
        if cents is None:
            return [(UNATTRIBUTED, UNATTRIBUTED, None)]
        return self._by(cents, *self._driver_of_usage(vendor, month))

    def cost_center_of(self, line: str) -> str:
        """The line's own team's, else its department's."""
        if line == SMALL_TEAMS:
            return UNASSIGNED
        department = self._lines.department_of(line)
        found = self._directory.cost_center_of(line) if line != UNATTRIBUTED else None
        above = self._directory.cost_center_of(department) if department != UNATTRIBUTED else None
        return found or above or UNASSIGNED

    def line_of(self, team_id: str, month: date) -> str:
        """The line on which a team's costs of the month stand."""
        if team_id == UNATTRIBUTED:
            return UNATTRIBUTED
        if month not in self._months:
            return SMALL_TEAMS
        return self._lines.line_of(team_id, "monthly", month)

    def teams_of_seat(self, seat: Seat, day: date) -> list[tuple[str, Decimal]]:
        """The teams of a seat on a day with their shares, the primary one last."""
        mix = self._directory.mix_on(self._directory.person(seat.person), day)
        if mix:
            return list(mix)
        return [(self._directory.known_team(seat.team_id) or UNATTRIBUTED, Decimal(1))]

    # Drivers

    def _of_costs(self, month: date, costs: Mapping[str, Decimal]) -> Weights:
        found: dict[str, Decimal] = defaultdict(Decimal)
        for team_id, amount in costs.items():
            found[self.line_of(team_id, month)] += amount
        return {line: int(rounded(amount, BILLIONTH) / BILLIONTH) for line, amount in found.items()}

    def _of_seats(self, held: list[Held], month: date) -> Weights:
        found: dict[str, Decimal] = defaultdict(Decimal)
        for one in held:
            for day in one.days:
                mix = self.teams_of_seat(one.seat, day)
                whole = sum(share for _, share in mix)
                for team_id, share in mix:
                    found[self.line_of(team_id, month)] += share / whole
        return {line: int(rounded(days, TRILLIONTH) / TRILLIONTH) for line, days in found.items()}

    def _driver_of_usage(self, vendor: str, month: date) -> tuple[str, Weights]:
        if (vendor, month) in self._of_vendor:
            return "direct", self._of_vendor[vendor, month]
        return "shared", self._of_seats(self._metering.seats.get((vendor, month), []), month)

    def _driver(self, line: Line, month: date) -> tuple[str, Weights]:
        """The method and the weights of the first driver that there is."""
        vendor, seats = line.vendor, self._metering.seats.get((line.vendor, month), [])
        if line.kind == "usage":
            article = line.article._replace(context=0) if line.article else None
            if article and (article, month) in self._of_article:
                return "direct", self._of_article[article, month]
            return self._driver_of_usage(vendor, month)
        if line.kind == "seat":
            of_plan = [held for held in seats if held.seat.plan == line.plan]
            if of_plan:
                return "seat", self._of_seats(of_plan, month)
        if (vendor, month) in self._of_vendor:
            return "shared", self._of_vendor[vendor, month]
        return "shared", self._of_seats(seats, month)

    def _shared_out(self, line: Line, month: date, cents: int | None) -> list[Borne]:
        if cents is None:
            return [(UNATTRIBUTED, UNATTRIBUTED, None)]
        return self._by(cents, *self._driver(line, month))

    def _by(self, cents: int, method: str, weights: Weights) -> list[Borne]:
        if not weights:
            return [(UNATTRIBUTED, UNATTRIBUTED, cents)]
        return [
            (line, UNATTRIBUTED if line == UNATTRIBUTED else method, part)
            for line, part in share_out(cents, weights).items()
        ]
