"""Metered usage and held seats by month: what an invoice is held against."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from orchestration.simulation.records import Company, Seat, Usage
from orchestration.simulation.truth.cost import TOKEN_CLASSES
from orchestration.simulation.truth.directory import Directory, is_seen
from orchestration.simulation.truth.invoices import Article
from orchestration.simulation.truth.periods import last_day, midnight
from orchestration.simulation.truth.prices import (
    Kind,
    PriceBook,
    context_begins_at,
    tier_and_batch,
)

MILLION = Decimal(1_000_000)

VendorMonth = tuple[str, date]


@dataclass
class Metered:
    """Tokens and their cost, and the part of both that came through keys nobody knows."""

    tokens: int = 0
    cost: Decimal = Decimal(0)
    unknown_cost: Decimal = Decimal(0)


@dataclass
class Month:
    """A vendor's month of usage: articles, and their usage by price (USD per million)."""

    articles: dict[Article, dict[Decimal, Metered]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(Metered))
    )
    has_unpriced: bool = False
    has_unknown_key: bool = False

    @property
    def cost(self) -> Decimal | None:
        """Of what has a price; None if nothing has."""
        priced = [metered.cost for prices in self.articles.values() for metered in prices.values()]
        return sum(priced, Decimal()) if priced else None


@dataclass(frozen=True)
class Held:
    """A seat and the days of a month on which it was held."""

    seat: Seat
    days: tuple[date, ...]


class Metering:
    """Usage by article and price, seats by month."""

    def __init__(self, company: Company, directory: Directory) -> None:
        self._company, self._directory = company, directory
        self._book = PriceBook(company)
        self.months: dict[VendorMonth, Month] = {}
        self.seats: dict[VendorMonth, list[Held]] = {}
        usage = [
            record for record in company.ai_usage if is_seen(record.occurred_at, company.as_of)
        ]
        known = {
            record.api_key_id
            for record in usage
            if directory.person(record.person)
            or directory.known_team(record.team_id)
            or record.tool
        }
        # A vendor that never names a key's tool tells nothing of its keys.
        telling = {record.vendor.lower() for record in usage if record.api_key_id and record.tool}
        for record in usage:
            is_keyed = record.api_key_id is not None and record.vendor.lower() in telling
            self._meter(record, is_keyed and record.api_key_id not in known)
        for seat in company.seats:
            self._hold(seat)

    def _meter(self, usage: Usage, has_unknown_key: bool) -> None:
        day, vendor = usage.occurred_at.date(), usage.vendor.lower()
        month = self.months.setdefault((vendor, day.replace(day=1)), Month())
        month.has_unknown_key |= has_unknown_key
        tier, is_batch = tier_and_batch(usage.service_tier, usage.is_batch)
        context = context_begins_at(usage.context_window)
        counts = (
            usage.uncached_input_tokens,
            usage.cache_read_tokens,
            usage.cache_write_5m_tokens,
            usage.cache_write_1h_tokens,
            usage.output_tokens,
        )
        month.has_unpriced |= bool(usage.other_units)
        for token_class, count in zip(TOKEN_CLASSES, counts, strict=True):
            if not count:
                continue
            kind = Kind(vendor, usage.model.lower(), token_class, tier, is_batch)
            price = self._book.contract_price(kind, day) or self._book.list_price(
                kind, context, day
            )
            prices = month.articles[
                Article(vendor, kind.model, token_class, tier, is_batch, context)
            ]
            if price is None:
                month.has_unpriced = True
                continue
            cost = count * price.usd_per_million / MILLION
            metered = prices[price.usd_per_million]
            metered.tokens += count
            metered.cost += cost
            metered.unknown_cost += cost if has_unknown_key else 0

    def _hold(self, seat: Seat) -> None:
        end = last_day(self._company.as_of) + timedelta(days=1)
        if seat.unassigned_on and midnight(seat.unassigned_on) < self._company.as_of:
            end = seat.unassigned_on
        days: dict[date, list[date]] = {}
        day = seat.assigned_on
        while day < end:
            days.setdefault(day.replace(day=1), []).append(day)
            day += timedelta(days=1)
        for month, held in days.items():
            key = seat.vendor.lower(), month
            self.seats.setdefault(key, []).append(Held(seat, tuple(held)))
