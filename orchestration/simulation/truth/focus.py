"""Invoices as FOCUS 1.2 names their charges, and the months in which a purchase is used."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from orchestration.simulation.records import Company
from orchestration.simulation.truth.directory import Row, is_seen, published_id
from orchestration.simulation.truth.invoices import (
    Article,
    Invoices,
    Line,
    days_by_month,
    rounded,
    share_out,
)
from orchestration.simulation.truth.metering import MILLION
from orchestration.simulation.truth.periods import midnight
from orchestration.simulation.truth.prices import (
    Kind,
    PriceBook,
    context_begins_at,
    tier_and_batch,
)
from orchestration.simulation.worlds import month_after

BILLIONTH = Decimal("1e-9")
MOST = Decimal(10) ** 9  # what a quantity, a unit price or a list price stays below
METERS = {
    "uncached_input": "Uncached Input Tokens",
    "cache_read": "Cache Read Tokens",
    "cache_write_5m": "Cache Write Tokens 5m",
    "cache_write_1h": "Cache Write Tokens 1h",
    "output": "Output Tokens",
}
NOTHING_TO_SAY = (
    "CommitmentDiscountCategory", "CommitmentDiscountId", "CommitmentDiscountName",
    "CommitmentDiscountStatus", "CommitmentDiscountType", "RegionId", "RegionName", "ResourceId",
    "ResourceName", "ResourceType", "SubAccountId", "SubAccountName", "Tags",
)  # fmt: skip

# What has a list price for each of its classes: vendor, model, tier, batch or not, context.
Metered = tuple[str, str, str, bool, int]


@dataclass(frozen=True)
class Price:
    """What a charge is priced by: how many of what, at what price and list price."""

    quantity: Decimal | None = None
    unit: str | None = None
    unit_price: Decimal | None = None
    list_price: Decimal | None = None
    list_price_usd: Decimal | None = None


class Focus:
    """``cost.focus_cost_and_usage``."""

    def __init__(self, company: Company, invoices: Invoices) -> None:
        self._invoices, self._book = invoices, PriceBook(company)
        self._days: dict[Metered, set[date]] = defaultdict(set)
        for usage in company.ai_usage:
            if is_seen(usage.occurred_at, company.as_of):
                tier, is_batch = tier_and_batch(usage.service_tier, usage.is_batch)
                context = context_begins_at(usage.context_window)
                key = usage.vendor.lower(), usage.model.lower(), tier, is_batch, context
                self._days[key].add(usage.occurred_at.date())

    def rows(self) -> list[Row]:
        """The table."""
        found = []
        for invoice in self._invoices.of_invoice.values():
            billed_in = max(line.record.period_start.replace(day=1) for line in invoice)
            for line in invoice:
                found.append(self._charge(line, billed_in))
                if _is_used(line):
                    found += _uses(line)
        return found

    def _charge(self, line: Line, billed_in: date) -> Row:
        record, price = line.record, self._price(line)
        rate = line.rate or Decimal(1)
        effective = Decimal(0) if _is_used(line) else line.amount
        in_usd = None if price.unit_price is None else rounded(price.unit_price * rate)
        is_usage, is_tokens = record.charge_category == "usage", line.article is not None
        consumed = record.quantity if is_usage else None
        if consumed is not None and is_tokens:
            consumed *= MILLION
        return _common(line) | _months(billed_in) | {
            "BilledCost": line.amount,
            "EffectiveCost": effective,
            "ContractedCost": _cost(price.unit_price, price.quantity, line.amount),
            "ListCost": _cost(price.list_price, price.quantity, line.amount),
            "PricingQuantity": price.quantity,
            "PricingUnit": price.unit,
            "ContractedUnitPrice": price.unit_price,
            "ListUnitPrice": price.list_price,
            "PricingCurrencyEffectiveCost": rounded(effective * rate),
            "PricingCurrencyContractedUnitPrice": in_usd,
            "PricingCurrencyListUnitPrice": (
                in_usd if price.list_price_usd is None else price.list_price_usd
            ),
            "ConsumedQuantity": consumed,
            "ConsumedUnit": None if consumed is None else "Tokens" if is_tokens else "Units",
            "ChargeCategory": record.charge_category.capitalize(),
            "ChargeClass": "Correction" if line.restates else None,
            "ChargeFrequency": _frequency(line),
            "ChargePeriodStart": midnight(record.period_start),
            "ChargePeriodEnd": midnight(record.period_end),
            "PricingCategory": _pricing_category(line),
            "ChargeDescription": _description(line),
            "x_ChargeId": _charge_id(line),
        }  # fmt: skip

    def _price(self, line: Line) -> Price:
        record = line.record
        if record.charge_category not in ("usage", "purchase"):
            return Price()
        quantity, unit_price = record.quantity, record.unit_price
        if quantity is None or unit_price is None or max(abs(quantity), abs(unit_price)) >= MOST:
            return Price(Decimal(1), "Charges", line.amount, line.amount)
        if line.article is None:
            unit = "Seats" if line.kind == "seat" else "Units"
            return Price(quantity, unit, unit_price, unit_price)
        listed = self._listed(line, line.article)
        if listed is not None and line.rate is not None:
            converted = rounded(listed / line.rate, BILLIONTH)
            if converted < MOST:
                return Price(quantity, "1000000 Tokens", unit_price, converted, listed)
        return Price(quantity, "1000000 Tokens", unit_price, unit_price)

    def _listed(self, line: Line, article: Article) -> Decimal | None:
        """The list's price on the last day of the period with usage and such a price."""
        vendor, model, token_class, tier, is_batch, context = article
        kind = Kind(vendor, model, token_class, tier, is_batch)
        used_on = self._days.get((vendor, model, tier, is_batch, context), set())
        for day in sorted(used_on, reverse=True):
            if line.record.period_start <= day < line.record.period_end:
                price = self._book.list_price(kind, context, day)
                if price is not None:
                    return price.usd_per_million
        return None


def _uses(line: Line) -> Iterator[Row]:
    """A purchase in every month that it charges for."""
    record, rate = line.record, line.rate or Decimal(1)
    days = days_by_month(record)
    parts = share_out(int(line.amount / BILLIONTH), days or {record.period_start.replace(day=1): 1})
    for month, part in parts.items():
        effective, used = part * BILLIONTH, Decimal(days.get(month, 0))
        starts = max(record.period_start, month)
        yield _common(line) | _months(month) | {
            "BilledCost": Decimal(0),
            "EffectiveCost": effective,
            "ContractedCost": Decimal(0),
            "ListCost": Decimal(0),
            "PricingQuantity": used,
            "PricingUnit": "Days",
            "ContractedUnitPrice": Decimal(0),
            "ListUnitPrice": Decimal(0),
            "PricingCurrencyEffectiveCost": rounded(effective * rate),
            "PricingCurrencyContractedUnitPrice": Decimal(0),
            "PricingCurrencyListUnitPrice": Decimal(0),
            "ConsumedQuantity": used,
            "ConsumedUnit": "Days",
            "ChargeCategory": "Usage",
            "ChargeClass": None,
            "ChargeFrequency": "Usage-Based",
            "ChargePeriodStart": midnight(starts),
            "ChargePeriodEnd": midnight(starts + timedelta(days=days.get(month, 0))),
            "PricingCategory": "Standard",
            "ChargeDescription": f"use of {_description(line)}",
            "x_ChargeId": f"{_charge_id(line)}|{month:%Y-%m}",
        }  # fmt: skip


def _common(line: Line) -> Row:
    """What a charge and its uses have in common."""
    record, article = line.record, line.article
    is_tax, is_seat = line.kind == "tax", line.kind == "seat"
    sku = None if is_tax else record.sku or line.kind
    meter = METERS[article.token_class] if article else "Seats" if is_seat else "Charges"
    vendor_names = (
        "BillingAccountId", "BillingAccountName", "InvoiceIssuerName", "ProviderName",
        "PublisherName",
    )  # fmt: skip
    return {
        **dict.fromkeys(NOTHING_TO_SAY),
        **dict.fromkeys(vendor_names, line.vendor),
        "BillingCurrency": record.currency,
        "PricingCurrency": record.currency if line.rate is None else "USD",
        "InvoiceId": published_id(record.invoice_id),
        "ServiceCategory": "AI and Machine Learning",
        "ServiceSubcategory": "Generative AI",
        "ServiceName": line.plan if is_seat and line.plan else line.vendor,
        "SkuId": sku,
        "SkuPriceId": sku,
        "SkuMeter": None if is_tax else meter,
        "x_InvoiceLineId": record.invoice_line_id,
        "x_Model": article.model if article else None,
    }


def _months(month: date) -> Row:
    return {
        "BillingPeriodStart": midnight(month),
        "BillingPeriodEnd": midnight(month_after(month)),
    }


def _is_used(line: Line) -> bool:
    """Whether it is bought ahead of its use."""
    return line.record.charge_category == "purchase" and not line.restates


def _cost(price: Decimal | None, quantity: Decimal | None, amount: Decimal) -> Decimal:
    return amount if price is None or quantity is None else rounded(price * quantity)


def _frequency(line: Line) -> str:
    if line.record.charge_category == "usage":
        return "Usage-Based"
    return "Recurring" if line.kind == "seat" else "One-Time"


def _pricing_category(line: Line) -> str | None:
    if line.kind == "commitment":
        return "Committed"
    return "Standard" if line.record.charge_category in ("usage", "purchase") else None


def _description(line: Line) -> str:
    sku = line.record.sku
    return f"{line.kind}, {sku.lower()}" if sku else line.kind


def _charge_id(line: Line) -> str:
    record = line.record
    return "|".join((line.vendor, published_id(record.invoice_id), record.invoice_line_id))
