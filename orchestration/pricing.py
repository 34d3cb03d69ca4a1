"""The price book ``seeds/ai_prices.csv``, brought up to date from the price packages installed.

`genai-prices` says what a model costs, and since when where it knows. `litellm`'s price file, if it
is there, confirms prices of tiers and batches that the first one dates by the day somebody looked
them up, and says by how much a chosen place is dearer. The book keeps what no package knows any
more: history is added to, never dropped.
"""

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from importlib import metadata, util
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.settings import ROOT

if TYPE_CHECKING:  # the package is an extra: the command says so where it is missing
    from genai_prices.types import ModelInfo, ModelPrice, Provider

SEED = ROOT / "seeds" / "ai_prices.csv"
COLUMNS = (
    "vendor", "model", "token_class", "service_tier", "is_batch", "min_context_tokens",
    "usd_per_million", "valid_from", "valid_to", "source",
)  # fmt: skip
VENDORS = ("anthropic", "google", "openai")  # the first package's names for them, and ours
DECIMALS = 6  # of USD for a million tokens: 12 for one token
BEGINNING = date(2024, 1, 1)  # of the book
EVER = date.min  # since when the first package has a price that it gives no day for

# Our token classes as the packages name their prices. A cache write without a duration is the
# vendors' default, five minutes.
PRICES_OF = {
    "uncached_input": ("input_mtok", "input_cost_per_token"),
    "cache_read": ("cache_read_mtok", "cache_read_input_token_cost"),
    "cache_write_5m": ("cache_write_mtok", "cache_creation_input_token_cost"),
    "cache_write_1h": ("cache_write_1h_mtok", "cache_creation_input_token_cost_above_1hr"),
    "output": ("output_mtok", "output_cost_per_token"),
}
CLASSES = tuple(PRICES_OF)
# What the first package calls a way of being served, and the second one's suffix for it. OpenAI
# sells its priority tier under the name fast, too.
SERVINGS = {
    ("processing", "batch"): ("standard", True, "_batches"),
    ("service_tier", "flex"): ("flex", False, "_flex"),
    ("service_tier", "priority"): ("priority", False, "_priority"),
    ("service_tier", "fast"): ("fast", False, "_priority"),
    ("speed", "fast"): ("fast", False, "_fast"),
}
PLACES = ("us",)  # that can be chosen to run in, as the second package names them
SECOND_NAMES = {"anthropic": ("",), "google": ("gemini/", "vertex_ai/"), "openai": ("",)}

# Where it ends in one of these, a name is a version of the model without it, as in
# int_ai_prices_by_day.sql.
VERSION = re.compile(r"([-@](\d{8}|\d{4}-\d{2}-\d{2}|latest)|@default)$")
NAME = re.compile(r"[a-z][a-z0-9.-]*[a-z0-9]")
# Their tokens of sound and pictures have prices that the book has no class for.
OTHER_MEDIA = re.compile("audio|banana|image|live|omni|realtime|transcribe|tts|vision|whisper")


class PricingError(Exception):
    """The price book cannot be made; the message says why, in one line."""


@dataclass(frozen=True)
class Item:
    """What has a price of its own."""

    vendor: str
    model: str
    service_tier: str
    is_batch: bool
    token_class: str
    min_context_tokens: int

    def __str__(self) -> str:
        batch = " batch" if self.is_batch else ""
        above = f" above {self.min_context_tokens}" if self.min_context_tokens else ""
        kind = f"{self.token_class} {self.service_tier}{batch}{above}"
        return f"{self.vendor} {self.model} {kind}"

    def place(self) -> tuple[object, ...]:
        """Where the item stands in the seed."""
        served = self.service_tier, self.is_batch
        kind = CLASSES.index(self.token_class), self.min_context_tokens
        return self.vendor, self.model, *served, *kind


@dataclass(frozen=True)
class Step:
    """From a day on, the price in USD for a million tokens; None: there is none any more."""

    day: date
    usd: Decimal | None
    source: str


Timeline = tuple[Step, ...]  # by day; two steps side by side differ
Book = dict[Item, Timeline]


def update(seed: Path, since: str | None, *, is_written: bool) -> list[str]:
    """What the installed packages change in the seed, a line each, and how many of each kind.

    ``since`` is the day of a change that the package gives no day for; default: today (UTC). The
    seed is written only if ``is_written``. Raises PricingError without the package.
    """
    book = read(seed)
    updated = merged(book, listed(), _day(since))
    changes = list(differences(book, updated))
    if is_written:
        write(seed, updated)
    counts = [
        f"{sum(line.startswith(kind) for line in changes)} {kind}"
        for kind in ("added", "changed", "ended")
    ]
    return [*changes, ", ".join(counts)]


def _day(since: str | None) -> date:
    try:
        return date.fromisoformat(since) if since else datetime.now(UTC).date()
    except ValueError:
        raise PricingError(f"{since} is no day: write it as 2026-01-31") from None


# The seed.


def read(seed: Path) -> Book:
    """The book as the seed has it."""
    rows: dict[Item, list[Step]] = {}
    with seed.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            item = Item(
                row["vendor"], row["model"], row["service_tier"], row["is_batch"] == "true",
                row["token_class"], int(row["min_context_tokens"]),
            )  # fmt: skip
            steps = rows.setdefault(item, [])
            begins = date.fromisoformat(row["valid_from"])
            if steps and steps[-1].day == begins:  # where the row before ends, this one begins
                steps.pop()
            steps.append(Step(begins, Decimal(row["usd_per_million"]), row["source"]))
            if row["valid_to"]:
                steps.append(Step(date.fromisoformat(row["valid_to"]), None, row["source"]))
    return {item: tuple(steps) for item, steps in rows.items()}


def write(seed: Path, book: Book) -> None:
    """Writes the book as the seed, whole or not at all.

    Raises PricingError for a price that the seed's column would round.
    """
    for item, timeline in book.items():
        for step in timeline:
            if step.usd is not None and step.usd != round(step.usd, DECIMALS):
                raise PricingError(f"{item}: {step.usd} has more than {DECIMALS} decimals")
    partial = seed.with_suffix(".partial")
    with partial.open("w", encoding="utf-8", newline="") as lines:
        rows = csv.writer(lines, lineterminator="\n")
        rows.writerow(COLUMNS)
        for item in sorted(book, key=Item.place):
            rows.writerows(_rows(item, book[item]))
    partial.replace(seed)


def _rows(item: Item, timeline: Timeline) -> Iterator[tuple[object, ...]]:
    for step, following in pairwise((*timeline, None)):
        if step is not None and step.usd is not None:
            yield (
                item.vendor, item.model, item.token_class, item.service_tier,
                str(item.is_batch).lower(), item.min_context_tokens, _plain(step.usd),
                step.day, following.day if following else "", step.source,
            )  # fmt: skip


def _plain(usd: Decimal | None) -> str:
    return "none" if usd is None else f"{usd.normalize():f}"


# What the packages say.


def listed() -> Book:
    """The prices of the package, with a source; the first step's day may be EVER."""
    try:
        from genai_prices.data import providers
    except ImportError:
        raise PricingError(
            "the prices come from a package: pip install 'valuemaxx[prices]'"
        ) from None
    source = f"genai-prices {metadata.version('genai-prices')}"
    second = _Second()
    found: Book = {}
    for provider in providers:
        if provider.id in VENDORS:
            for name, model in _models(provider).items():
                if not _depends_on_the_hour(model):
                    prices = _priced(provider.id, name, model, source, second)
                    found |= prices | _elsewhere(provider.id, name, prices, second)
    return found


def _models(provider: "Provider") -> dict[str, "ModelInfo"]:
    """The provider's models by the names that its API gives them.

    A model's names are its id and those that it is equal to, not what merely begins like it. A
    version is left out where the name without it is the same model.
    """
    found: dict[str, ModelInfo] = {}
    spellings: set[str] = set()
    for model in provider.models:
        for exact in dict.fromkeys((model.id.lower(), *_equals(model.match))):
            plain = VERSION.sub("", exact)
            name = plain if provider.find_model(plain) is model else exact
            spelling = re.sub("[.-]", "", name)  # gpt-5-1 is how others write gpt-5.1
            if spelling in spellings or provider.find_model(name) is not model:
                continue
            if NAME.fullmatch(name) and not OTHER_MEDIA.search(name):
                spellings.add(spelling)
                found[name] = model
    return found


def _equals(clause: Any) -> Iterator[str]:
    if hasattr(clause, "equals"):
        yield clause.equals.lower()
    for part in getattr(clause, "or_", ()):
        yield from _equals(part)


def _depends_on_the_hour(model: "ModelInfo") -> bool:
    """A usage record may be of a whole day: such a price is none for it."""
    return any(hasattr(constraint, "start_time") for constraint in _constraints(model))


def _constraints(model: "ModelInfo") -> list[Any]:
    prices = model.prices if isinstance(model.prices, list) else []
    return [dated.constraint for dated in (*prices, *(model.price_variants or ()))]


def _starts(dated: Any) -> set[date]:
    return {part.constraint.start_date for part in dated if part.constraint is not None}


def _priced(vendor: str, name: str, model: "ModelInfo", source: str, second: "_Second") -> Book:
    """All prices of a model under a name: the standard ones, and those of tiers and batches."""
    blocks = _starts(model.prices if isinstance(model.prices, list) else ())
    found = _timelines(vendor, name, "standard", False, [
        (day, model.get_prices(_noon(day)), source) for day in sorted({EVER, *blocks})
    ])  # fmt: skip
    for serving, (tier, is_batch, suffix) in SERVINGS.items():
        context = dict([serving])
        variants = [v for v in model.price_variants or () if v.when == context]
        starts = _starts(variants)
        first = EVER if any(v.constraint is None for v in variants) else min(starts, default=None)
        if first is None:
            continue
        days = sorted({first, *(day for day in blocks | starts if day > first)})
        steps = [(day, model.get_prices(_noon(day), context), source) for day in days]
        if first != EVER and second.confirms(vendor, name, suffix, steps[0][1]):
            # Somebody looked it up on that day; it is as old as the standard price beside it.
            begins = max((day for day in blocks if day <= first), default=EVER)
            steps[0] = (begins, steps[0][1], f"{source}; {second.name}")
        found |= _timelines(vendor, name, tier, is_batch, steps)
    return found


def _elsewhere(vendor: str, name: str, prices: Book, second: "_Second") -> Book:
    """The same prices where it runs in a chosen place: tiers of their own, as staging names them,
    as old as the price beside them."""
    found: Book = {}
    for place, factor in second.factors(vendor, name).items():
        for item, timeline in prices.items():
            tier = place if item.service_tier == "standard" else f"{item.service_tier}_{place}"
            found[replace(item, service_tier=tier)] = tuple(
                replace(
                    step,
                    usd=None if step.usd is None else step.usd * factor,
                    source=f"{step.source.split(';')[0]}; {second.name}",
                )
                for step in timeline
            )
    return found


def _noon(day: date) -> datetime:
    return datetime.combine(day, time(12), UTC)


def _timelines(
    vendor: str, name: str, tier: str, is_batch: bool, blocks: "list[tuple[date, ModelPrice, str]]"
) -> Book:
    found: Book = {}
    for day, prices, source in blocks:
        here = {
            Item(vendor, name, tier, is_batch, token_class, bound): usd
            for token_class, (price_key, _) in PRICES_OF.items()
            for bound, usd in _by_context(getattr(prices, price_key))
        }
        for item in found.keys() | here.keys():
            found[item] = _since(found.get(item, ()), Step(day, here.get(item), source))
    return found


def _by_context(price: Any) -> Iterator[tuple[int, Decimal]]:
    """A price by the length of the prompt above which it holds (tokens)."""
    if price is not None:
        yield 0, getattr(price, "base", price)
        for tier in getattr(price, "tiers", ()):
            yield tier.start, tier.price


class _Second:
    """`litellm`'s price file, where the package is installed. It has no days."""

    def __init__(self) -> None:
        spec = util.find_spec("litellm")
        self._models: dict[str, dict[str, Any]] = {}
        self.name = ""
        if spec and spec.origin:
            file = Path(spec.origin).with_name("model_prices_and_context_window_backup.json")
            self._models = json.loads(file.read_text(encoding="utf-8"), parse_float=Decimal)
            self.name = f"litellm {metadata.version('litellm')}"

    def confirms(self, vendor: str, name: str, suffix: str, prices: "ModelPrice") -> bool:
        """Whether it has the same prices for input and output."""
        return any(
            all(
                entry.get(field + suffix, -1) * 1_000_000 == dict(_by_context(price)).get(0)
                for price_key, field in (PRICES_OF["uncached_input"], PRICES_OF["output"])
                if (price := getattr(prices, price_key)) is not None
            )
            for entry in self._entries(vendor, name)
        )

    def factors(self, vendor: str, name: str) -> dict[str, Decimal]:
        """By what the model's prices are multiplied, by the place it may be told to run in."""
        return {
            place: Decimal(factor)
            for entry in self._entries(vendor, name)
            for place, factor in entry.get("provider_specific_entry", {}).items()
            if place in PLACES
        }

    def _entries(self, vendor: str, name: str) -> list[dict[str, Any]]:
        return [self._models.get(prefix + name, {}) for prefix in SECOND_NAMES[vendor]]


# The book and the packages.


def merged(book: Book, package: Book, today: date) -> Book:
    """The book with what the package says.

    A price that the package dates holds from its day. One that it does not date is new to the book
    and as old as the book, or differs from the book's last one and holds from ``today``. What the
    package does not have stays as it is.
    """
    found = dict(book)
    for item, timeline in package.items():
        if item in book:
            found[item] = _followed(book[item], timeline, today)
        else:
            # A new bound for long prompts of what had a price without it is a change of price.
            had_price = replace(item, min_context_tokens=0) in book
            found[item] = _begun(timeline, today if had_price else BEGINNING)
    for item in book.keys() - package.keys():
        is_long, last = item.min_context_tokens > 0, book[item][-1]
        # The package has one price for prompts of any length now.
        if is_long and last.usd is not None and replace(item, min_context_tokens=0) in package:
            found[item] = _since(book[item], Step(today, None, last.source))
    for item in book.keys() - package.keys():
        beside = _without_place(item)
        changed = _days(found.get(beside, ())) ^ _days(book.get(beside, ()))
        if beside != item and changed:  # and nobody says what it costs in the place from then on
            end = min(day for day, _ in changed)
            found[item] = _since(book[item], Step(end, None, book[item][-1].source))
    return found


def _without_place(item: Item) -> Item:
    tier, _, place = item.service_tier.rpartition("_")
    return replace(item, service_tier=tier or "standard") if place in PLACES else item


def _days(timeline: Timeline) -> set[tuple[date, Decimal | None]]:
    return {(step.day, step.usd) for step in timeline}


def _begun(timeline: Timeline, beginning: date) -> Timeline:
    found: Timeline = ()
    for step in timeline:
        found = _since(found, replace(step, day=max(step.day, beginning)))
    return found


def _followed(ours: Timeline, theirs: Timeline, today: date) -> Timeline:
    """Our timeline, where theirs has days with theirs."""
    first, *dated = theirs
    if first.day != EVER:
        dated = [first, *dated]
    elif dated:
        ours = _until(ours, replace(first, day=BEGINNING), dated[0].day)
    elif ours[-1].usd != first.usd:
        return _since(ours, replace(first, day=today))
    for step in dated:
        ours = _since(ours, step)
    return ours


def _until(ours: Timeline, step: Step, end: date) -> Timeline:
    """Our timeline with their price of the time just before a day; what we know of the time before
    our last change stays."""
    before = [known for known in ours if known.day < end]
    if before and before[-1].usd != step.usd:
        before[-1] = replace(step, day=before[-1].day)
    return (*(before or [step]), *(known for known in ours if known.day >= end))


def _since(timeline: Timeline, step: Step) -> Timeline:
    """The timeline up to a day, and the step's price from then on."""
    kept = tuple(known for known in timeline if known.day < step.day)
    if kept and kept[-1].usd == step.usd:
        return kept
    return (*kept, step) if kept or step.usd is not None else ()


def differences(old: Book, new: Book) -> Iterator[str]:
    """A line for every day from which a price is another one."""
    for item in sorted(old | new, key=Item.place):
        ours, theirs = old.get(item, ()), new.get(item, ())
        before: tuple[Decimal | None, Decimal | None] = (None, None)
        for day in sorted({step.day for step in (*ours, *theirs)}):
            was, is_now = here = _on(ours, day), _on(theirs, day)
            if was != is_now and here != before:
                kind = "added" if was is None else "ended" if is_now is None else "changed"
                yield f"{kind:<8} {item}: {_plain(was)} → {_plain(is_now)} from {day}"
            before = here


def _on(timeline: Timeline, day: date) -> Decimal | None:
    return next((step.usd for step in reversed(timeline) if step.day <= day), None)
