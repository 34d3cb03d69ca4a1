"""Invoice lines in USD: what each is for, which months it charges for, what is wrong with it."""

import csv
import functools
import re
from bisect import bisect_right
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import NamedTuple, TypeVar

from orchestration.simulation.records import Company, InvoiceLine
from orchestration.simulation.truth.directory import SEEDS
from orchestration.simulation.truth.periods import midnight
from orchestration.simulation.worlds import month_after

K = TypeVar("K", bound=Hashable)

CENT = Decimal("0.01")
MONEY = Decimal("1e-12")
KIND_OF_CATEGORY = {
    "usage": "usage",
    "tax": "tax",
    "credit": "credit",
    "adjustment": "adjustment",
    "purchase": "purchase",
}


class Article(NamedTuple):
    """What has a price of its own."""

    vendor: str
    model: str
    token_class: str
    service_tier: str
    is_batch: bool
    context: int


@dataclass(eq=False)
class Line:
    """An invoice line. ``cents``: in USD; None without a rate."""

    record: InvoiceLine
    vendor: str
    kind: str
    article: Article | None
    plan: str | None
    rate: Decimal | None
    problem: str | None
    restates: bool = False
    cents: int | None = None
    months: dict[date, int | None] = field(default_factory=dict)

    @property
    def amount(self) -> Decimal:
        """In the invoice's currency."""
        return self.record.amount

    @property
    def invoice(self) -> tuple[str, str]:
        """Vendor and number of its invoice."""
        return self.vendor, self.record.invoice_id

    @property
    def first_month(self) -> date:
        """Of those it charges for."""
        return min(self.months)


class Rates:
    """What a unit of a currency is in USD."""

    def __init__(self, company: Company) -> None:
        quoted: dict[str, dict[date, Decimal]] = {}
        for row in company.fx_rates:
            if row.usd_per_unit > 0 and midnight(row.rate_date) < company.as_of:
                quoted.setdefault(row.currency, {})[row.rate_date] = row.usd_per_unit
        self._quoted = {currency: sorted(rates.items()) for currency, rates in quoted.items()}

    def on(self, currency: str, day: date) -> Decimal | None:
        """The last rate at or before the day; USD is 1."""
        if currency == "USD":
            return Decimal(1)
        rates = self._quoted.get(currency, [])
        place = bisect_right(rates, day, key=lambda rate: rate[0])
        return rates[place - 1][1] if place else None

    def knows(self, currency: str) -> bool:
        """Whether it has a rate on any day."""
        return currency == "USD" or currency in self._quoted


class Invoices:
    """Every line that ``as_of`` sees."""

    def __init__(self, company: Company, rates: Rates) -> None:
        self.rates = rates
        self._plans = {(seat.vendor.lower(), seat.plan) for seat in company.seats}
        seen = [row for row in company.invoices if midnight(row.invoice_date) < company.as_of]
        dates: dict[tuple[str, str], date] = {}
        for row in seen:
            key = row.vendor.lower(), row.invoice_id
            dates[key] = min(row.invoice_date, dates.get(key, row.invoice_date))
        self.lines = [
            self._read(replace(row, invoice_date=dates[row.vendor.lower(), row.invoice_id]))
            for row in seen
        ]
        self.of_invoice: dict[tuple[str, str], list[Line]] = {}
        for line in sorted(self.lines, key=lambda line: line.record.invoice_line_id):
            self.of_invoice.setdefault(line.invoice, []).append(line)
        for lines in self.of_invoice.values():
            _convert(lines)
        for line in self.lines:
            line.months = _by_month(line)
        self._find_restating()

    def _read(self, record: InvoiceLine) -> Line:
        vendor = record.vendor.lower()
        says = _ruled(vendor, (record.sku or record.description or "").lower())
        kind = says.get("line_kind", KIND_OF_CATEGORY[record.charge_category])
        plan = says.get("plan")
        if record.charge_category == "tax":
            kind = "tax"
        if record.charge_category == "purchase" and "line_kind" not in says:
            text = (record.sku or record.description or "").removesuffix("-prorated")
            if (vendor, text) in self._plans:
                kind, plan = "seat", text
        rate = self.rates.on(record.currency, record.invoice_date)
        return Line(
            record, vendor, kind, _article(vendor, record, says), plan, rate,
            _problem(record, self.rates.knows(record.currency), rate, record.restates_period),
        )  # fmt: skip

    def _find_restating(self) -> None:
        """Lines that say so, and what comes for a month that was invoiced before, on an invoice
        that is for a later one."""
        dates: dict[tuple[str, date], date] = {}
        for line in self.lines:
            key = line.vendor, max(line.months)
            dates[key] = min(line.record.invoice_date, dates.get(key, date.max))
        for lines in self.of_invoice.values():
            last = max(max(line.months) for line in lines)
            for line in lines:
                month = max(line.months)
                is_late = (
                    line.record.charge_category in ("adjustment", "credit")
                    and month < last
                    and dates[line.vendor, month] < line.record.invoice_date
                )
                line.restates = bool(line.record.restates_period) or is_late
                line.problem = _problem(
                    line.record,
                    self.rates.knows(line.record.currency),
                    line.rate,
                    line.restates,
                )


def share_out(units: int, weights: Mapping[K, int]) -> dict[K, int]:
    """Whole units by weight: rounded down, and one more each to the largest remainders."""
    if not any(weights.values()):
        weights = dict.fromkeys(weights, 1)
    whole, sign = sum(weights.values()), -1 if units < 0 else 1
    parts = {key: divmod(abs(units) * weight, whole) for key, weight in weights.items()}
    left = abs(units) - sum(part for part, _ in parts.values())
    largest = sorted(parts, key=lambda key: (-parts[key][1], _bytes(key)))[:left]
    return {key: sign * (part + (key in largest)) for key, (part, _) in parts.items()}


def rounded(amount: Decimal, unit: Decimal = MONEY) -> Decimal:
    """To whole units, half away from zero."""
    return amount.quantize(unit, ROUND_HALF_UP)


def usd(cents: int) -> Decimal:
    """Cents in dollars."""
    return cents * CENT


def _bytes(key: Hashable) -> object:
    return key.encode() if isinstance(key, str) else key


def _convert(lines: list[Line]) -> None:
    """The invoice's lines in one currency add up to their sum in USD, rounded to the cent."""
    by_currency: dict[str, list[Line]] = {}
    for line in lines:
        if line.rate is not None:
            by_currency.setdefault(line.record.currency, []).append(line)
    for found in by_currency.values():
        exact = [rounded(line.amount * (line.rate or 0)) * 100 for line in found]
        floors = [int(amount.to_integral_value(ROUND_FLOOR)) for amount in exact]
        missing = int(rounded(sum(exact, Decimal()), Decimal(1))) - sum(floors)
        order = sorted(
            range(len(found)),
            key=lambda n: (floors[n] - exact[n], found[n].record.invoice_line_id.encode()),
        )
        for number, line in enumerate(found):
            line.cents = floors[number] + (number in order[:missing])


def days_by_month(record: InvoiceLine) -> dict[date, int]:
    """How many days of each month it charges for; none of a period without a day."""
    start, end = record.period_start, record.period_end
    days: dict[date, int] = {}
    while start < end:
        month = start.replace(day=1)
        days[month] = (min(end, month_after(month)) - start).days
        start = month_after(month)
    return days


def _by_month(line: Line) -> dict[date, int | None]:
    """Its cents by the days in each month; a period without a day is in that of its start."""
    days = days_by_month(line.record) or {line.record.period_start.replace(day=1): 1}
    if line.cents is None:
        return dict.fromkeys(days)
    return dict(share_out(line.cents, days))


def _problem(
    record: InvoiceLine, is_known: bool, rate: Decimal | None, restates: object
) -> str | None:
    """What is wrong with it, the first that applies."""
    is_below_zero = record.amount < 0 or (record.quantity or 0) < 0
    if not is_known:
        return "unknown_currency"
    if rate is None:
        return "fx_missing"
    if record.charge_category == "credit" and record.amount > 0:
        return "credit_sign"
    if is_below_zero and not restates and record.charge_category == "purchase":
        return "negative_seat"
    if is_below_zero and not restates and record.charge_category == "usage":
        return "negative_usage"
    return None


def _article(vendor: str, record: InvoiceLine, says: dict[str, str]) -> Article | None:
    """What the line names, if it names a model and a class."""
    token_class, text = says.get("token_class"), record.sku or record.description or ""
    model = says.get("model", text.split("/")[0].lower() if token_class else None)
    if token_class is None or not model:
        return None
    return Article(
        vendor, model, token_class, says.get("service_tier", "standard"),
        says.get("is_batch") == "true", int(says.get("min_context_tokens", 0)),
    )  # fmt: skip


def _ruled(vendor: str, text: str) -> dict[str, str]:
    """What the rules say of a text, field by field: the vendor's own first, then the longest
    pattern."""
    found: dict[str, tuple[tuple[bool, int, bytes], str]] = {}
    for rule in _rules():
        if rule.vendor in (vendor, "*") and rule.pattern.fullmatch(text):
            place = rule.vendor == "*", -len(rule.written), rule.written.encode()
            known = found.get(rule.field)
            if known is None or place < known[0]:
                found[rule.field] = place, rule.value
    return {name: value for name, (_, value) in found.items()}


class Rule(NamedTuple):
    """A line of ``invoice_sku_rules.csv``."""

    vendor: str
    written: str
    pattern: re.Pattern[str]
    field: str
    value: str


@functools.cache
def _rules() -> list[Rule]:
    wild = {"%": ".*", "_": "."}
    with (SEEDS / "invoice_sku_rules.csv").open(newline="", encoding="utf-8") as lines:
        return [
            Rule(
                line["vendor"],
                line["pattern"],
                re.compile(
                    "".join(wild.get(sign) or re.escape(sign) for sign in line["pattern"]),
                    re.DOTALL,
                ),
                line["field"],
                line["value"],
            )
            for line in csv.DictReader(lines)
        ]


def days_of(month: date) -> int:
    """How many days the month has."""
    return (month_after(month) - month).days
