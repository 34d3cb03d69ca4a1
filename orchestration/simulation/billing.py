"""What the vendors say the usage costs, what they bill, and what the company had planned.

Usage is metered class by class at the price of its day: the contract's where one holds, else the
list's (``seeds/ai_prices.csv``). An invoice has a line per article and price, rounded to the cent
each, so that its usage lines are metered cost to the cent; seats, credits, a minimum commitment and
tax stand on lines of their own. Usage without a price is not billed.

- anthropic bills tokens in USD, with credits in some months and, once there is a contract, an
  adjustment up to a minimum; it reports costs per day and article, in cents.
- openai bills tokens and a chat plan in EUR, at the rate of the invoice's date, with VAT; it
  reports costs in USD per day, article and key, to six decimals.
- github bills seats in USD, and reports each day's part of them.

A billing fault is planted once. ``Fault.amount`` is the invoice's total, tax included, with it
less without it; ``Fault.month`` is the month that the amount is for (a late correction's: the one
that it restates, two before its invoice's).
"""

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from pathlib import Path
from typing import NamedTuple

from orchestration.simulation.organization import Organization
from orchestration.simulation.records import (
    Budget,
    Company,
    ContractPrice,
    Fault,
    FxRate,
    InvoiceLine,
    Usage,
    VendorCost,
)
from orchestration.simulation.usage import RELEASES, UNKNOWN_KEY
from orchestration.simulation.worlds import month_after

SEED = Path(__file__).resolve().parents[2] / "seeds" / "ai_prices.csv"
TOKEN_CLASSES = ("uncached_input", "cache_read", "cache_write_5m", "cache_write_1h", "output")
CENT, MICRO, MILLION = Decimal("0.01"), Decimal("0.000001"), Decimal(1_000_000)

# The day of the next month on which each vendor's invoice comes.
INVOICED_ON = {"anthropic": 3, "openai": 5, "github": 2}
CURRENCIES = {"openai": "EUR"}  # else USD
VAT = Decimal("0.20")  # on invoices in EUR

DISCOUNTS = (Decimal("0.10"), Decimal("0.15"))  # of the first contract and of the one after it
COMMITTED_PER_PERSON = Decimal(10)  # USD a month
CREDIT, CREDITED_MONTHS = Decimal("0.05"), (3, 9)  # of the month's usage; March and September
# The price of the line, the rate of the invoice, and the part of a month that is corrected.
WRONG_PRICE, WRONG_RATE, CORRECTED = Decimal("1.25"), Decimal("0.97"), Decimal("0.08")
FX_START, FX_STEP, FX_CURRENCY = 1.08, 0.004, "EUR"  # USD a unit; standard deviation of a day's log
BUDGET_START, BUDGET_END = Decimal(5), Decimal(90)  # USD per person and month, first and last month

# Which of a vendor's invoices that can have it the fault is in, counted from the newest.
PLACES = {
    "late_correction": ("anthropic", 1),
    "line_twice": ("anthropic", 2),
    "wrong_price": ("anthropic", 4),
    "fx_difference": ("openai", 1),
    "missing_month": ("openai", 3),
}


class Article(NamedTuple):
    """What has a price of its own."""

    model: str
    token_class: str
    service_tier: str
    is_batch: bool
    context_tokens: int


class Sold(NamedTuple):
    """Tokens of an article in a day at the day's price, through a key where the vendor says."""

    vendor: str
    day: date
    article: Article
    api_key_id: str | None
    tokens: int
    usd_per_million: Decimal

    @property
    def cost(self) -> Decimal:
        """In USD, exact."""
        return self.tokens * self.usd_per_million / MILLION


def bill(organization: Organization) -> None:
    """Fills ``ai_costs``, ``invoices``, ``prices``, ``budgets``, ``fx_rates`` and the planted
    billing faults of the company."""
    _agree_prices(organization)
    _quote_rates(organization)
    sales = list(sold(organization.company))
    _report_costs(organization.company, sales)
    _invoice(organization, sales)
    _budget(organization)


# Prices.


@dataclass(frozen=True)
class Price:
    """A price in USD per million tokens and when it holds; ``valid_to`` is exclusive."""

    usd_per_million: Decimal
    valid_from: date
    valid_to: date = date.max
    min_context_tokens: int = 0


PriceKey = tuple[str, str, str, str, bool]  # vendor, model, token class, tier, batch or not


@dataclass
class PriceBook:
    """List prices, and contract prices that go before them (METRICS.md, "What usage cost"). A
    contract's holds for prompts of any length."""

    listed: Mapping[PriceKey, list[Price]]
    contracted: dict[PriceKey, list[Price]] = field(default_factory=dict)
    models: frozenset[tuple[str, str]] = field(init=False)

    def __post_init__(self) -> None:
        self.models = frozenset(key[:2] for key in self.listed)

    def price(self, vendor: str, article: Article, day: date) -> Decimal | None:
        """USD per million tokens on the day; None = nobody has agreed a price."""
        model, token_class, tier, is_batch, context_tokens = article
        listed_as = model if (vendor, model) in self.models else undated(model)
        for book, name in (
            (self.contracted, model),
            (self.contracted, listed_as),
            (self.listed, listed_as),
        ):
            prices = [
                price
                for price in book.get((vendor, name, token_class, tier, is_batch), ())
                if price.valid_from <= day < price.valid_to
                and price.min_context_tokens <= context_tokens
            ]
            if prices:
                return max(prices, key=lambda price: price.min_context_tokens).usd_per_million
        return None


def undated(model: str) -> str:
    """The model's id without the date, ``latest`` or ``default`` at its end."""
    return re.sub(r"([-@](\d{8}|\d{4}-\d\d-\d\d|latest)|@default)$", "", model)


@cache
def list_prices() -> Mapping[PriceKey, list[Price]]:
    """The list prices of the seed."""
    prices: dict[PriceKey, list[Price]] = defaultdict(list)
    with SEED.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            key = (
                row["vendor"], row["model"], row["token_class"], row["service_tier"],
                row["is_batch"] == "true",
            )  # fmt: skip
            prices[key].append(
                Price(
                    Decimal(row["usd_per_million"]),
                    date.fromisoformat(row["valid_from"]),
                    date.fromisoformat(row["valid_to"]) if row["valid_to"] else date.max,
                    int(row["min_context_tokens"]),
                )
            )
    return dict(prices)


def signing_days(organization: Organization) -> tuple[date, date]:
    """When the contract with Anthropic was signed and signed anew: in mid-month, a third and two
    thirds of the history in."""
    months = organization.months
    return (
        months[len(months) // 3].replace(day=15),
        months[len(months) * 2 // 3].replace(day=15),
    )


def _agree_prices(organization: Organization) -> None:
    """A contract for the main models that there are when it is signed; newer ones cost the list's
    price until the next."""
    first, second = signing_days(organization)
    periods = [(first, second), (second, None)] if first < second else [(first, None)]
    for (start, end), discount in zip(periods, DISCOUNTS, strict=False):
        if start >= organization.company.as_of.date():
            continue
        released = [model for since, model in RELEASES["anthropic", "main"] if since <= start]
        for model in dict.fromkeys(map(undated, released)):
            for token_class in TOKEN_CLASSES:
                article = Article(model, token_class, "standard", False, 0)
                price = PriceBook(list_prices()).price("anthropic", article, start)
                if price is not None:
                    agreed = (price * (1 - discount)).quantize(MICRO).normalize()
                    organization.company.prices.append(
                        ContractPrice("anthropic", model, token_class, start, agreed, end)
                    )


def price_book(company: Company) -> PriceBook:
    """What the company pays."""
    contracted: dict[PriceKey, list[Price]] = defaultdict(list)
    for price in company.prices:
        key = (
            price.vendor, price.model, price.token_class, price.service_tier or "standard",
            bool(price.is_batch),
        )  # fmt: skip
        contracted[key].append(
            Price(price.usd_per_million, price.valid_from, price.valid_to or date.max)
        )
    return PriceBook(list_prices(), dict(contracted))


def _quote_rates(organization: Organization) -> None:
    """A rate a day: a walk that is drawn back to where it began."""
    company = organization.company
    draw, rate = organization.random("fx"), FX_START
    day = company.starts_on
    while day < company.as_of.date():
        rate *= 1 + draw.gauss(0, FX_STEP) + 0.01 * (FX_START - rate)
        quoted = Decimal(str(rate)).quantize(MICRO)
        company.fx_rates.append(FxRate(day, FX_CURRENCY, quoted))
        day += timedelta(days=1)


# Metering.


def sold(company: Company) -> Iterator[Sold]:
    """The tokens that are billed: those that have a price, per day, article and (where the vendor
    tells keys apart) key."""
    book = price_book(company)
    for mix, tokens in _counted(company.ai_usage).items():
        vendor, day, model, tier, is_batch, context_tokens, key = mix
        for token_class, count in zip(TOKEN_CLASSES, tokens, strict=True):
            if count:
                article = Article(model, token_class, tier, is_batch, context_tokens)
                price = book.price(vendor, article, day)
                if price is not None:
                    yield Sold(vendor, day, article, key, count, price)


Mix = tuple[str, date, str, str, bool, int, str | None]


def _counted(usage: Iterable[Usage]) -> dict[Mix, list[int]]:
    """Tokens by class, for each vendor, day, model, tier, batch or not, context and key."""
    counts: dict[Mix, list[int]] = {}
    for record in usage:
        tier = record.service_tier or "standard"
        mix = (
            record.vendor,
            record.occurred_at.date(),
            record.model,
            "standard" if tier in ("default", "batch") else tier,
            bool(record.is_batch) or tier == "batch",
            _context_tokens(record.context_window),
            record.api_key_id if record.vendor == "openai" else None,
        )
        count = counts.get(mix)
        if count is None:
            count = counts[mix] = [0] * len(TOKEN_CLASSES)
        count[0] += record.uncached_input_tokens or 0
        count[1] += record.cache_read_tokens or 0
        count[2] += record.cache_write_5m_tokens or 0
        count[3] += record.cache_write_1h_tokens or 0
        count[4] += record.output_tokens or 0
    return counts


@cache
def _context_tokens(context_window: str | None) -> int:
    """Where the class of context begins: ``200k-1M`` at 200,000 tokens."""
    found = re.match(r"(\d+)([kM]?)", context_window or "")
    return int(found[1]) * {"k": 1_000, "M": 1_000_000, "": 1}[found[2]] if found else 0


# What the vendors report every day.


def _report_costs(company: Company, sales: list[Sold]) -> None:
    """Through the last full day. Anthropic rounds each line to the cent, the others to six
    decimals; OpenAI names the model in the line's text alone."""
    amounts: dict[tuple[str, date, str, str | None, str | None], Decimal] = defaultdict(Decimal)
    for sale in sales:
        text, model = _described(sale.article), sale.article.model
        reported = model if sale.vendor == "anthropic" else None
        amounts[sale.vendor, sale.day, text, reported, sale.api_key_id] += sale.cost
    for (vendor, day, text, reported, key), amount in amounts.items():
        unit = CENT if vendor == "anthropic" else MICRO
        company.ai_costs.append(
            VendorCost(vendor, day, _rounded(amount, unit), "USD", text, reported, None, key)
        )
    _report_seats(company)


def _report_seats(company: Company) -> None:
    """GitHub's line of each day: the part of the seats' monthly prices that falls on it."""
    held: dict[tuple[date, Decimal], int] = defaultdict(int)
    until = company.as_of.date()
    for seat in company.seats:
        if seat.vendor == "github" and seat.monthly_price:
            day, end = seat.assigned_on, min(seat.unassigned_on or until, until)
            while day < end:
                held[day, seat.monthly_price] += 1
                day += timedelta(days=1)
    for (day, price), seats in sorted(held.items()):
        amount = _rounded(seats * price / _days_in(day), MICRO)
        company.ai_costs.append(VendorCost("github", day, amount, "USD", "Copilot Business"))


def _described(article: Article) -> str:
    """The article in words, such as ``gpt-4o, cache read, priority``."""
    words = [article.model, article.token_class.replace("_", " ")]
    if article.service_tier != "standard":
        words.append(article.service_tier)
    if article.is_batch:
        words.append("batch")
    if article.context_tokens:
        words.append(f"prompts above {article.context_tokens // 1000}k")
    return ", ".join(words)


# Invoices.


@dataclass
class Invoice:
    """A vendor's invoice of a month while it is drawn up."""

    vendor: str
    month: date
    lines: list[InvoiceLine] = field(default_factory=list)

    @property
    def invoice_id(self) -> str:
        """The number on it."""
        return f"{self.vendor}-{self.month:%Y-%m}"

    @property
    def invoice_date(self) -> date:
        """The date on it, some days into the next month."""
        return month_after(self.month).replace(day=INVOICED_ON[self.vendor])

    @property
    def currency(self) -> str:
        """What it is in."""
        return CURRENCIES.get(self.vendor, "USD")

    @property
    def total(self) -> Decimal:
        """All lines, tax included."""
        return sum((line.amount for line in self.lines), Decimal())

    def of(self, category: str) -> list[InvoiceLine]:
        """The lines of a category."""
        return [line for line in self.lines if line.charge_category == category]

    def add(
        self,
        category: str,
        amount: Decimal,
        description: str,
        sku: str | None = None,
        quantity: Decimal | None = None,
        unit_price: Decimal | None = None,
    ) -> InvoiceLine:
        """A further line for the month."""
        line = InvoiceLine(
            self.invoice_id, f"{self.invoice_id}-{len(self.lines) + 1:03}", self.vendor,
            self.invoice_date, self.month, month_after(self.month), category, amount,
            self.currency, description, sku, quantity, unit_price,
        )  # fmt: skip
        self.lines.append(line)
        return line


def _invoice(organization: Organization, sales: list[Sold]) -> None:
    """Every vendor's invoices that came before ``as_of``, with the faults that are planted."""
    company = organization.company
    by_month: dict[tuple[str, date], list[Sold]] = defaultdict(list)
    for sale in sales:
        by_month[sale.vendor, sale.day.replace(day=1)].append(sale)
    clerk = _Clerk(organization)
    invoices: dict[str, list[Invoice]] = {vendor: [] for vendor in INVOICED_ON}
    for month in organization.months:
        for vendor in INVOICED_ON:
            if Invoice(vendor, month).invoice_date < company.as_of.date():
                invoice = clerk.draw_up(vendor, month, by_month[vendor, month])
                if invoice.lines:
                    invoices[vendor].append(invoice)
    for kind in organization.world.billing_faults:
        if kind == "unknown_key":
            _note_unknown_key(company, clerk, invoices["openai"], by_month)
        else:
            _plant(company, clerk, kind, invoices, by_month)
    for vendor in invoices:
        for invoice in invoices[vendor]:
            company.invoices.extend(invoice.lines)


class _Clerk:
    """Draws up invoices as they should be."""

    def __init__(self, organization: Organization) -> None:
        company = organization.company
        self._seats = company.seats
        self._rates = {rate.rate_date: rate.usd_per_unit for rate in company.fx_rates}
        signed, _ = signing_days(organization)
        self._committed_from = month_after(signed)
        people = sum(len(organization.people_of(team.team_id, signed)) for team in company.teams)
        self._minimum = COMMITTED_PER_PERSON * people

    def draw_up(
        self, vendor: str, month: date, sales: list[Sold], rate_factor: Decimal = Decimal(1)
    ) -> Invoice:
        """The invoice of the month; usage in another currency than USD at the rate of the
        invoice's date, unless ``rate_factor`` makes it another."""
        invoice = Invoice(vendor, month)
        self._charge_usage(invoice, sales, rate_factor)
        self._charge_seats(invoice)
        if vendor == "anthropic":
            self._credit_and_top_up(invoice)
        if invoice.currency == "EUR" and invoice.lines:
            amount = _rounded(invoice.total * VAT, CENT)
            invoice.add("tax", amount, f"VAT {VAT:.0%}")
        return invoice

    def _charge_usage(self, invoice: Invoice, sales: list[Sold], rate_factor: Decimal) -> None:
        """A line per article and price, in millions of tokens."""
        tokens: dict[tuple[Article, Decimal], int] = defaultdict(int)
        for sale in sales:
            tokens[sale.article, sale.usd_per_million] += sale.tokens
        rate = rate_factor
        if invoice.currency != "USD":
            rate *= self._rates[invoice.invoice_date]
        for (article, price), count in sorted(tokens.items()):
            quantity = count / MILLION
            amount = _rounded(quantity * price / rate, CENT)
            text = _described(article)
            sku = text.replace(", ", "/").replace(" ", "-")
            invoice.add("usage", amount, text, sku, quantity, _rounded(price / rate, MICRO))

    def _charge_seats(self, invoice: Invoice) -> None:
        """Per plan: seats of the whole month on one line, parts of a month on another."""
        start, end = invoice.month, month_after(invoice.month)
        length = _days_in(start)
        days: dict[str, list[int]] = defaultdict(list)
        prices: dict[str, Decimal] = {}
        for seat in self._seats:
            held = (min(seat.unassigned_on or end, end) - max(seat.assigned_on, start)).days
            if seat.vendor == invoice.vendor and held > 0:
                days[seat.plan].append(held)
                prices[seat.plan] = seat.monthly_price or Decimal()
        for plan, held_days in days.items():
            price, text = prices[plan], plan.replace("_", " ").title()
            whole = sum(held == length for held in held_days)
            part = sum(held for held in held_days if held < length)
            if whole:
                quantity = Decimal(whole)
                invoice.add("purchase", whole * price, f"{text} seats", plan, quantity, price)
            if part:
                amount = _rounded(price * part / length, CENT)
                quantity = _rounded(Decimal(part) / length, MICRO)
                text = f"{text} seats, {part} of {length} days"
                invoice.add("purchase", amount, text, f"{plan}-prorated", quantity, price)

    def _credit_and_top_up(self, invoice: Invoice) -> None:
        """A credit in some months; once there is a contract, what usage lacks of its minimum."""
        used = invoice.total
        if used and invoice.month.month in CREDITED_MONTHS:
            invoice.add("credit", -_rounded(used * CREDIT, CENT), "Service credit", "credit")
        if invoice.month >= self._committed_from and used < self._minimum:
            text = f"Minimum commitment of {self._minimum} USD"
            invoice.add("adjustment", self._minimum - used, text, "minimum-commitment")


# Faults.


def _plant(
    company: Company,
    clerk: _Clerk,
    kind: str,
    invoices: dict[str, list[Invoice]],
    sales: Mapping[tuple[str, date], list[Sold]],
) -> None:
    """The fault in the invoice that is its place, and what it did to it. A history that has no
    such invoice stays without."""
    vendor, place = PLACES[kind]
    # It takes a line (of usage, unless all is missing) of one unit: less is lost in rounding.
    fit = [
        invoice
        for invoice in invoices[vendor]
        for lines in [invoice.lines if kind == "missing_month" else invoice.of("usage")]
        if any(line.amount >= 1 for line in lines)
    ]
    if len(fit) < place:
        return
    invoice = fit[-place]
    before = invoice.total
    fault = Fault(kind, vendor, invoice.month, Decimal(), invoice.currency, invoice.invoice_id)
    if kind == "missing_month":
        invoice.lines.clear()
        fault.invoice_id = None
    elif kind == "fx_difference":
        month = sales[vendor, invoice.month]
        invoice.lines = clerk.draw_up(vendor, invoice.month, month, WRONG_RATE).lines
    else:
        line = _correct(invoice, fit) if kind == "late_correction" else _spoil(kind, invoice)
        if line is None:
            return
        fault.invoice_line_id = line.invoice_line_id
        fault.month = line.period_start
    fault.amount = invoice.total - before
    company.planted.faults.append(fault)


def _spoil(kind: str, invoice: Invoice) -> InvoiceLine:
    """The line that is wrong: the largest one of usage, or its copy."""
    line = max(invoice.of("usage"), key=lambda line: line.amount)
    if kind == "wrong_price":
        line.unit_price = _rounded((line.unit_price or 0) * WRONG_PRICE, MICRO)
        line.amount = _rounded((line.quantity or 0) * line.unit_price, CENT)
    else:
        number = len(invoice.lines) + 1
        line = replace(line, invoice_line_id=f"{invoice.invoice_id}-{number:03}")
        invoice.lines.append(line)
    return line


def _correct(invoice: Invoice, others: list[Invoice]) -> InvoiceLine | None:
    """A correction of the month two before the invoice's, if that one is among the others."""
    for earlier in others:
        if month_after(month_after(earlier.month)) == invoice.month:
            amount = sum((line.amount for line in earlier.of("usage")), Decimal()) * CORRECTED
            text = f"Correction for {earlier.month:%Y-%m}"
            line = invoice.add("adjustment", -_rounded(amount, CENT), text)
            line.period_start, line.period_end = earlier.month, month_after(earlier.month)
            line.restates_period = f"{earlier.month:%Y-%m}"
            return line
    return None


def _note_unknown_key(
    company: Company,
    clerk: _Clerk,
    invoices: list[Invoice],
    sales: Mapping[tuple[str, date], list[Sold]],
) -> None:
    """What the unknown key's usage (usage.py) put on the invoice, if one came."""
    for invoice in invoices:
        month = sales[invoice.vendor, invoice.month]
        known = [sale for sale in month if sale.api_key_id != UNKNOWN_KEY]
        if invoice.lines and len(known) < len(month):
            amount = invoice.total - clerk.draw_up(invoice.vendor, invoice.month, known).total
            company.planted.faults.append(
                Fault("unknown_key", invoice.vendor, invoice.month, amount, invoice.currency,
                      invoice.invoice_id)
            )  # fmt: skip


# Budgets.


def _budget(organization: Organization) -> None:
    """A plan per cost centre that grows evenly, in steps of 10 USD."""
    months = organization.months
    for number, month in enumerate(months):
        people: dict[str, int] = defaultdict(int)
        for team_id in organization.cost_centers:
            people[organization.cost_center_of(team_id)] += len(
                organization.people_of(team_id, month)
            )
        per_person = BUDGET_START + (BUDGET_END - BUDGET_START) * number / len(months)
        for cost_center, count in sorted(people.items()):
            if count:
                amount = (count * per_person / 10).quantize(Decimal(1)) * 10
                organization.company.budgets.append(Budget(cost_center, month, amount, "USD"))


def _rounded(amount: Decimal, unit: Decimal) -> Decimal:
    """To the unit, a half away from zero."""
    return amount.quantize(unit, ROUND_HALF_UP)


def _days_in(month: date) -> int:
    return (month_after(month) - month.replace(day=1)).days
