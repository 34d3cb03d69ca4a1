"""What a million tokens cost on a day, by the list and by contract."""

import csv
import functools
import re
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from orchestration.simulation.records import Company
from orchestration.simulation.truth.directory import SEEDS

# What may stand at the end of a model's id for a version of it.
VERSION = re.compile(r"(-latest|@default|[-@]\d{8}|[-@]\d{4}-\d{2}-\d{2})$")
UNITS = {"": 1, "k": 1_000, "m": 1_000_000}


@dataclass(frozen=True)
class Kind:
    """What has a price of its own: a class of a model's tokens, in a tier, batched or not."""

    vendor: str
    model: str
    token_class: str
    service_tier: str
    is_batch: bool


@dataclass(frozen=True)
class Price:
    """A price and the days it holds. ``valid_to`` is the first day it does not."""

    usd_per_million: Decimal
    valid_from: date
    valid_to: date | None
    min_context_tokens: int
    source: str

    def holds_on(self, day: date) -> bool:
        """Whether it is the price of the day."""
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)


class PriceBook:
    """The list and the company's contracts."""

    def __init__(self, company: Company) -> None:
        self._list = _listed()
        self._listed_models = {(kind.vendor, kind.model) for kind in self._list}
        self._contracts: dict[Kind, list[Price]] = {}
        for row in company.prices:
            tier, is_batch = tier_and_batch(row.service_tier, row.is_batch)
            kind = Kind(row.vendor.lower(), row.model.lower(), row.token_class, tier, is_batch)
            price = Price(row.usd_per_million, row.valid_from, row.valid_to, 0, "contract")
            self._contracts.setdefault(kind, []).append(price)

    def list_price(self, kind: Kind, context: int, day: date) -> Price | None:
        """The list's, for a prompt of a context that begins at so many tokens."""
        holding = [
            price
            for price in self._list.get(self._as_listed(kind), [])
            if price.holds_on(day) and price.min_context_tokens <= context
        ]
        return max(holding, key=lambda price: price.min_context_tokens, default=None)

    def contract_price(self, kind: Kind, day: date) -> Price | None:
        """The contract's, which may name the model's own id or the list's."""
        for named in (kind, self._as_listed(kind)):
            holding = [price for price in self._contracts.get(named, []) if price.holds_on(day)]
            if holding:
                return max(holding, key=lambda price: price.valid_from)
        return None

    def _as_listed(self, kind: Kind) -> Kind:
        """A model that is in the list is what it is; another one is its id without a version."""
        if (kind.vendor, kind.model) in self._listed_models:
            return kind
        return replace(kind, model=VERSION.sub("", kind.model))

    def models(self) -> dict[tuple[str, str], tuple[bool, bool, date]]:
        """Vendor and model of everything that has a price: whether by the list, whether by
        contract, and the first day of its first price."""
        found: dict[tuple[str, str], tuple[bool, bool, date]] = {}
        for kind, prices in [*self._list.items(), *self._contracts.items()]:
            first = min(price.valid_from for price in prices)
            key = kind.vendor, kind.model
            known = found.get(key, (False, False, first))
            is_contract = prices[0].source == "contract"
            found[key] = (
                known[0] or not is_contract,
                known[1] or is_contract,
                min(known[2], first),
            )
        return found


def tier_and_batch(service_tier: str | None, is_batch: bool | None) -> tuple[str, bool]:
    """The tier and whether it is a batch: empty and ``default`` are standard, ``batch`` is a
    batch of the standard tier."""
    tier = (service_tier or "standard").lower()
    if tier == "batch":
        return "standard", True
    return ("standard" if tier == "default" else tier), is_batch is True


def context_begins_at(context_window: str | None) -> int:
    """``200k-1M`` begins at 200,000; 0 where nothing is said."""
    written = re.match(r"(\d+)([km]?)\s*[-+]", (context_window or "").strip().lower())
    return int(written[1]) * UNITS[written[2]] if written else 0


@functools.cache
def _listed() -> dict[Kind, list[Price]]:
    found: dict[Kind, list[Price]] = {}
    with (SEEDS / "ai_prices.csv").open(newline="", encoding="utf-8") as lines:
        for line in csv.DictReader(lines):
            kind = Kind(
                line["vendor"],
                line["model"],
                line["token_class"],
                line["service_tier"],
                line["is_batch"] == "true",
            )
            price = Price(
                Decimal(line["usd_per_million"]),
                date.fromisoformat(line["valid_from"]),
                date.fromisoformat(line["valid_to"]) if line["valid_to"] else None,
                int(line["min_context_tokens"]),
                line["source"],
            )
            found.setdefault(kind, []).append(price)
    return found
