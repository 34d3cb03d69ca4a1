"""Metered, reported, invoiced: how far they differ, and why."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from orchestration.simulation.records import Company
from orchestration.simulation.truth.directory import Policy, Row
from orchestration.simulation.truth.invoices import (
    CENT,
    Article,
    Invoices,
    Line,
    days_of,
    rounded,
    usd,
)
from orchestration.simulation.truth.metering import MILLION, Held, Metered, Metering, Month
from orchestration.simulation.truth.periods import last_day, midnight
from orchestration.simulation.worlds import month_after

NINE_PLACES = Decimal("1e-9")
SAME_RATE = Decimal("0.001")  # of a rate: what an invoice may imply beside the day's
LEAST_PRICE, SAME_PRICE = Decimal("0.000002"), Decimal("0.0001")  # USD per million; of a price
MOST_MILLIONS = Decimal(10) ** 9
VARIANCES = (
    "quantity", "price", "classification", "timing", "credits", "commitment", "seats", "fx", "tax",
    "rounding",
)  # fmt: skip

Seen = tuple[str, date]  # vendor, month


@dataclass
class Charged:
    """A usage line held against a price of its article. Differences in its currency."""

    line: Line
    article: Article
    price: Decimal
    is_met: bool
    cost: Decimal  # quantity at the price, USD
    price_difference: Decimal = Decimal(0)
    fx_difference: Decimal = Decimal(0)
    unexplained: Decimal = Decimal(0)

    @property
    def rate(self) -> Decimal:
        """Of the line."""
        return self.line.rate or Decimal(1)


@dataclass
class Split:
    """Where a month's variance goes."""

    parts: dict[str, Decimal] = field(default_factory=lambda: dict.fromkeys(VARIANCES, Decimal(0)))
    unexplained: Decimal = Decimal(0)


class Reconciliation:
    """Every vendor's months."""

    def __init__(
        self, company: Company, invoices: Invoices, metering: Metering, policy: Policy
    ) -> None:
        self._as_of, self._policy = company.as_of, policy
        self._invoices, self._metering = invoices, metering
        self._lines: dict[Seen, list[Line]] = defaultdict(list)
        for line in invoices.lines:
            for month in line.months:
                self._lines[line.vendor, month].append(line)
        self.reported = self._reported(company)
        self.implied_rates = {
            key: self._implied_rates(lines) for key, lines in invoices.of_invoice.items()
        }
        self.charged = {
            line: self._hold_against_a_price(line)
            for line in invoices.lines
            if self._names_usage(line)
        }

    def rows(self) -> list[Row]:
        """``cost.cost_reconciliation_monthly``."""
        first: dict[str, date] = {}
        happened = [*self._metering.months, *self._metering.seats, *self._lines, *self.reported]
        for vendor, month in happened:
            first[vendor] = min(month, first.get(vendor, month))
        found = []
        for vendor, month in first.items():
            while month <= last_day(self._as_of):
                found.append(self._row(vendor, month))
                month = month_after(month)
        return found

    # The three sides

    def metered(self, vendor: str, month: date) -> Decimal | None:
        """Metered cost; None before the first usage or seat, and where nothing has a price."""
        began = [m for v, m in [*self._metering.months, *self._metering.seats] if v == vendor]
        used = self._metering.months.get((vendor, month))
        if used is not None:
            return used.cost
        return Decimal(0) if began and min(began) <= month else None

    def _reported(self, company: Company) -> dict[Seen, list[tuple[date, Decimal | None]]]:
        """Amounts in USD by vendor and month; None without a rate."""
        found: dict[Seen, list[tuple[date, Decimal | None]]] = defaultdict(list)
        for cost in company.ai_costs:
            if midnight(cost.cost_date) < company.as_of:
                rate = self._invoices.rates.on(cost.currency, cost.cost_date)
                amount = None if rate is None else rounded(cost.amount * rate)
                key = cost.vendor.lower(), cost.cost_date.replace(day=1)
                found[key].append((cost.cost_date, amount))
        return found

    def _row(self, vendor: str, month: date) -> Row:
        lines = self._lines.get((vendor, month), [])
        cents = [line.months[month] for line in lines]
        used = self._metering.months.get((vendor, month))
        metered = self.metered(vendor, month)
        reported = total([amount for _, amount in self.reported.get((vendor, month), [])])
        invoiced = total([None if amount is None else usd(amount) for amount in cents])
        variance = None if metered is None or invoiced is None else invoiced - metered
        split = self._split(vendor, month, lines) if variance is not None else None
        row: Row = {
            "vendor": vendor,
            "period_start": month,
            "metered_cost_usd": metered,
            "vendor_reported_cost_usd": reported,
            "invoiced_cost_usd": invoiced,
            "variance_usd": variance,
            **{f"{name}_variance_usd": split.parts[name] if split else None for name in VARIANCES},
            "unexplained_usd": split.unexplained if split else None,
            "tolerance_usd": None if invoiced is None else self._tolerance(invoiced),
            "invoice_count": len({line.record.invoice_id for line in lines}),
            "is_fully_priced": not (used and used.has_unpriced),
            "restates_period": None,
            "close_status": "open",
            "is_partial_period": self._as_of < midnight(month_after(month)),
            "period_end": month_after(month),
        }
        row["status"] = self._status(row, has_lines=bool(lines), has_rates=None not in cents)
        return row

    def _status(self, row: Row, *, has_lines: bool, has_rates: bool) -> str:
        key = str(row["vendor"]), date.fromisoformat(str(row["period_start"]))
        sources = self._metering.months, self._metering.seats, self.reported
        if not has_lines:
            is_used = any(key in source for source in sources)
            return "no_invoice_yet" if is_used else "nothing_to_match"
        if not has_rates:
            return "open"
        variance, unexplained, tolerance = (
            row[name] for name in ("variance_usd", "unexplained_usd", "tolerance_usd")
        )
        if not isinstance(variance, Decimal) or not isinstance(unexplained, Decimal):
            return "no_metering"
        tolerance = Decimal(str(tolerance))
        if abs(unexplained) > tolerance:
            return "open"
        if row["vendor_reported_cost_usd"] is None:
            return "no_vendor_report"
        if variance == 0:
            return "matched"
        return "within_tolerance" if abs(variance) <= tolerance else "explained"

    def _tolerance(self, invoiced: Decimal) -> Decimal:
        share = self._policy.reconciliation_tolerance_share * abs(invoiced)
        return max(self._policy.reconciliation_tolerance_usd, share)

    # The split

    def _split(self, vendor: str, month: date, lines: list[Line]) -> Split:
        split = Split()
        seats: dict[tuple[str | None, str], list[Line]] = defaultdict(list)
        used = self._metering.months.get((vendor, month), Month())
        differences: dict[Article, list[Decimal]] = {}  # tokens, cost
        billed: dict[Article, list[Charged]] = defaultdict(list)
        unnamed = []
        for line in lines:
            amount = usd(line.months[month] or 0)
            if line in self.charged and not line.restates:
                self._add_usage(split, line, amount, used, differences, billed)
            elif (where := _simple_part(line)) == "unexplained":
                split.unexplained += amount
            elif where:
                split.parts[where] += amount
            elif line.kind == "seat":
                seats[line.plan, line.record.currency].append(line)
            else:
                unnamed.append(amount)
        for key, found in seats.items():
            self._add_seats(split, vendor, month, key, found)
        self._add_differences(split, used, differences, billed, unnamed)
        return split

    def _add_usage(
        self,
        split: Split,
        line: Line,
        amount: Decimal,
        used: Month,
        differences: dict[Article, list[Decimal]],
        billed: dict[Article, list[Charged]],
    ) -> None:
        charged, article = self.charged[line], line.article
        if charged is not None:
            billed[charged.article].append(charged)
            price = charged.price_difference * charged.rate
            fx = charged.fx_difference * charged.rate
            unexplained = charged.unexplained * charged.rate
            split.parts["price"] += price
            split.parts["fx"] += fx
            split.unexplained += unexplained
            split.parts["rounding"] += amount - charged.cost - price - fx - unexplained
        elif article is not None and article not in used.articles:
            tokens = (line.record.quantity or 0) * MILLION
            known = differences.setdefault(article, [Decimal(0), Decimal(0)])
            known[0] += tokens
            known[1] += amount
        else:
            split.unexplained += amount

    def _add_differences(
        self,
        split: Split,
        used: Month,
        differences: dict[Article, list[Decimal]],
        billed: dict[Article, list[Charged]],
        unnamed: list[Decimal],
    ) -> None:
        """What was billed less what was metered, article by article, and within a model in the
        wrong class."""
        not_billed = Decimal(0)
        for article, prices in used.articles.items():
            if not prices:
                continue
            cost = sum((metered.cost for metered in prices.values()), Decimal())
            tokens = sum(metered.tokens for metered in prices.values())
            if unnamed and article not in billed:
                not_billed += cost
                continue
            lines = billed.get(article, [])
            quantity = sum((c.line.record.quantity or Decimal() for c in lines), Decimal())
            charged = sum((c.cost for c in lines), Decimal())
            differences[article] = [quantity * MILLION - tokens, charged - cost]
        if unnamed:
            split.unexplained += sum(unnamed) - not_billed
        of_model: dict[str, list[list[Decimal]]] = defaultdict(list)
        for article, difference in differences.items():
            of_model[article.model].append(difference)
        for found in of_model.values():
            misclassified = _misclassified(found)
            split.parts["classification"] += misclassified
            split.parts["quantity"] += sum(cost for _, cost in found) - misclassified

    def _add_seats(
        self,
        split: Split,
        vendor: str,
        month: date,
        key: tuple[str | None, str],
        lines: list[Line],
    ) -> None:
        plan, currency = key
        held = self._metering.seats.get((vendor, month), [])
        expected = seat_charge(held, plan, currency, month)
        difference = sum((line.amount for line in lines), Decimal()) - expected
        latest = max(lines, key=lambda line: (line.record.invoice_date, line.record.invoice_id))
        in_usd = difference * (latest.rate or 0)
        if abs(difference) <= CENT:
            split.parts["rounding"] += in_usd
        else:
            split.unexplained += in_usd
        split.parts["seats"] += usd(sum(line.months[month] or 0 for line in lines)) - in_usd

    # Usage lines

    def _names_usage(self, line: Line) -> bool:
        quantity = line.record.quantity
        is_measured = quantity is not None and quantity < MOST_MILLIONS
        return (
            line.kind == "usage"
            and line.article is not None
            and is_measured
            and len(line.months) == 1
        )

    def prices_of(self, line: Line) -> dict[Decimal, Metered]:
        """What was metered of the line's article in its month, by price."""
        month = self._metering.months.get((line.vendor, line.first_month))
        return month.articles.get(line.article, {}) if month and line.article else {}

    def _implied_rates(self, lines: list[Line]) -> dict[str, Decimal]:
        """By currency: the day's rate, or what the unit prices imply if that is another one."""
        found = {}
        for line in lines:
            rate, currency = line.rate, line.record.currency
            if rate is None or currency in found:
                continue
            quotients = sorted(
                rounded(price / other.record.unit_price, NINE_PLACES)
                for other in lines
                if other.record.currency == currency
                and self._names_usage(other)
                and not other.restates
                and other.record.unit_price
                and len(self.prices_of(other)) == 1
                for price in self.prices_of(other)
            )
            found[currency] = rate
            if currency != "USD" and quotients:
                median = quotients[(len(quotients) + 1) // 2 - 1]
                if abs(median - rate) > SAME_RATE * rate:
                    found[currency] = median
        return found

    def implied_rate(self, line: Line) -> Decimal:
        """The rate that the line's invoice implies."""
        return self.implied_rates[line.invoice].get(line.record.currency, Decimal(1))

    def _meets(self, line: Line, price: Decimal) -> bool:
        if line.record.unit_price is None:
            return True
        distance = abs(line.record.unit_price * self.implied_rate(line) - price)
        return distance <= max(LEAST_PRICE, SAME_PRICE * price)

    def _hold_against_a_price(self, line: Line) -> Charged | None:
        prices, quantity = self.prices_of(line), line.record.quantity or Decimal()
        if not prices or line.rate is None or line.article is None:
            return None
        others = [
            other
            for other in self._invoices.of_invoice[line.invoice]
            if other is not line and other.article == line.article and self._names_usage(other)
        ]
        price = min(
            prices,
            key=lambda p: (
                not self._meets(line, p),
                any(self._meets(other, p) for other in others),
                abs(prices[p].tokens - quantity * MILLION),
                p,
            ),
        )
        rate, implied = line.rate, self.implied_rate(line)
        cost = rounded(quantity * price)
        expected, fair = rounded(cost / rate, CENT), rounded(cost / implied, CENT)
        charged = Charged(line, line.article, price, self._meets(line, price), cost)
        if not charged.is_met:
            charged.price_difference = line.amount - fair
            charged.fx_difference = fair - expected
        elif implied != rate:
            charged.fx_difference = line.amount - expected
        elif abs(line.amount - expected) > CENT:
            charged.unexplained = line.amount - expected
        return charged


def _simple_part(line: Line) -> str | None:
    """Where a line goes that is held against nothing; None for seats and usage."""
    if line.restates:
        return "timing"
    if line.kind == "tax":
        return "tax"
    if line.kind == "credit":
        return "unexplained" if line.amount > 0 else "credits"
    is_ahead = line.kind in ("purchase", "seat") and len(line.months) > 1
    if line.kind == "commitment" or is_ahead:
        return "commitment"
    return "unexplained" if line.kind in ("purchase", "adjustment") else None


def _misclassified(differences: list[list[Decimal]]) -> Decimal:
    """What it cost that tokens of a model stood in another class than they were metered in."""
    surplus = [found for found in differences if found[0] > 0]
    shortfall = [found for found in differences if found[0] < 0]
    more = sum((tokens for tokens, _ in surplus), Decimal())
    fewer = -sum((tokens for tokens, _ in shortfall), Decimal())
    moved = min(more, fewer)
    if not moved:
        return Decimal(0)
    gained = sum((cost for _, cost in surplus), Decimal())
    lost = sum((cost for _, cost in shortfall), Decimal())
    return _part(gained, moved, more) + _part(lost, moved, fewer)


def _part(cost: Decimal, moved: Decimal, tokens: Decimal) -> Decimal:
    """What some of the tokens cost, at the average price of a million."""
    if moved == tokens:
        return cost
    return rounded(moved * rounded(cost / tokens * MILLION, NINE_PLACES) / MILLION)


def seat_charge(held: list[Held], plan: str | None, currency: str, month: date) -> Decimal:
    """What the plan's seats cost in the month, price by price, in the currency."""
    days: dict[Decimal, int] = defaultdict(int)
    for one in held:
        seat = one.seat
        if seat.plan == plan and seat.currency == currency and seat.monthly_price is not None:
            days[seat.monthly_price] += len(one.days)
    return sum(
        (rounded(price * count / days_of(month), CENT) for price, count in days.items()), Decimal()
    )


def total(amounts: list[Decimal | None]) -> Decimal | None:
    """Their sum; None without any, or if one is unknown."""
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal()) if known and len(known) == len(amounts) else None
