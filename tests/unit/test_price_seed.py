"""The price book holds what vendors publish, and only what pricing can use without guessing."""

import csv
import re
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

SEED = Path(__file__).resolve().parents[2] / "seeds" / "ai_prices.csv"

with SEED.open(encoding="utf-8", newline="") as seed:
    PRICES = list(csv.DictReader(seed))


def price(
    vendor: str,
    model: str,
    token_class: str,
    day: str,
    *,
    tier: str = "standard",
    is_batch: bool = False,
    above: int = 0,
) -> Decimal | None:
    """The list price of a day, USD for a million tokens; None if there is none."""
    found = [
        Decimal(row["usd_per_million"])
        for row in PRICES
        if (row["vendor"], row["model"], row["token_class"]) == (vendor, model, token_class)
        and row["service_tier"] == tier
        and row["is_batch"] == str(is_batch).lower()
        and int(row["min_context_tokens"]) == above
        and row["valid_from"] <= day < (row["valid_to"] or "9999-12-31")
    ]
    assert len(found) <= 1, "two prices of one day"
    return found[0] if found else None


@pytest.mark.parametrize(
    ("vendor", "model", "token_class", "usd_per_million"),
    [
        ("anthropic", "claude-3-5-sonnet", "uncached_input", "3"),
        ("anthropic", "claude-3-5-sonnet", "output", "15"),
        ("anthropic", "claude-3-5-sonnet", "cache_read", "0.30"),
        ("anthropic", "claude-3-5-sonnet", "cache_write_5m", "3.75"),
        ("anthropic", "claude-3-opus", "uncached_input", "15"),
        ("anthropic", "claude-3-opus", "output", "75"),
        ("anthropic", "claude-3-haiku", "uncached_input", "0.25"),
        ("anthropic", "claude-opus-4-1", "cache_write_1h", "30"),
        ("anthropic", "claude-haiku-4-5", "output", "5"),
        ("openai", "gpt-4o", "uncached_input", "2.50"),
        ("openai", "gpt-4o", "cache_read", "1.25"),
        ("openai", "gpt-4o", "output", "10"),
        ("openai", "gpt-4o-2024-05-13", "uncached_input", "5"),
        ("openai", "gpt-4o-2024-05-13", "output", "15"),
        ("openai", "gpt-4o-mini", "uncached_input", "0.15"),
        ("openai", "gpt-4o-mini", "output", "0.60"),
        ("openai", "o1", "output", "60"),
        ("openai", "gpt-5", "uncached_input", "1.25"),
        ("google", "gemini-1.5-flash-8b", "uncached_input", "0.0375"),
        ("google", "gemini-2.5-pro", "uncached_input", "1.25"),
        ("google", "gemini-2.5-pro", "output", "10"),
        ("google", "gemini-2.0-flash", "output", "0.40"),
    ],
)
def test_published_prices_are_in_the_book(
    vendor: str, model: str, token_class: str, usd_per_million: str
) -> None:
    assert price(vendor, model, token_class, "2025-11-01") == Decimal(usd_per_million)


def test_a_change_of_price_takes_effect_on_its_day() -> None:
    assert price("openai", "o3", "uncached_input", "2025-06-09") == 10
    assert price("openai", "o3", "uncached_input", "2025-06-10") == 2
    assert price("openai", "o3", "output", "2025-06-09") == 40
    assert price("openai", "o3", "output", "2025-06-10") == 8


@pytest.mark.parametrize(
    ("model", "token_class", "last_day", "before", "after"),
    [
        ("gpt-4o", "uncached_input", "2024-10-01", "5", "2.50"),
        ("gpt-4o", "output", "2024-10-01", "15", "10"),
        ("o1-mini", "uncached_input", "2025-01-30", "3", "1.10"),
        ("o1-mini", "cache_read", "2025-01-30", "1.50", "0.55"),
        ("o1-mini", "output", "2025-01-30", "12", "4.40"),
        ("claude-3-5-haiku", "uncached_input", "2024-12-02", "1", "0.80"),
        ("claude-3-5-haiku", "cache_write_5m", "2024-12-02", "1.25", "1"),
        ("claude-3-5-haiku", "output", "2024-12-02", "5", "4"),
    ],
)
def test_prices_before_a_cut_are_in_the_book(
    model: str, token_class: str, last_day: str, before: str, after: str
) -> None:
    vendor = "anthropic" if model.startswith("claude") else "openai"
    next_day = (date.fromisoformat(last_day) + timedelta(days=1)).isoformat()
    assert price(vendor, model, token_class, last_day) == Decimal(before)
    assert price(vendor, model, token_class, next_day) == Decimal(after)


def test_a_batch_has_its_own_price() -> None:
    assert price("openai", "gpt-4o", "output", "2025-11-01", is_batch=True) == 5
    batch = price("anthropic", "claude-sonnet-4-5", "output", "2025-11-01", is_batch=True)
    assert batch == Decimal("7.50")


def test_batches_of_retired_models_have_prices_since_there_are_batches() -> None:
    sonnet = "anthropic", "claude-3-5-sonnet", "output"
    assert price(*sonnet, "2024-10-07", is_batch=True) is None
    assert price(*sonnet, "2024-10-08", is_batch=True) == Decimal("7.50")
    haiku = "anthropic", "claude-3-5-haiku", "uncached_input"
    assert price(*haiku, "2024-12-02", is_batch=True) == Decimal("0.50")
    assert price(*haiku, "2024-12-03", is_batch=True) == Decimal("0.40")


def test_a_batch_of_long_prompts_has_its_own_price() -> None:
    sonnet = "anthropic", "claude-sonnet-4-6", "uncached_input"
    assert price(*sonnet, "2026-03-12", is_batch=True, above=200_000) == 3
    assert price(*sonnet, "2026-03-13", is_batch=True, above=200_000) is None
    assert price(*sonnet, "2026-03-13", is_batch=True) == Decimal("1.50")


def test_a_chosen_place_costs_a_tenth_more_in_every_class() -> None:
    """So the vendor sells it: input, output and the cache, batches and fast mode alike."""
    places = [row for row in PRICES if row["service_tier"].endswith("us")]
    assert {row["service_tier"] for row in places} == {"us", "fast_us"}
    for row in places:
        tier = row["service_tier"].removesuffix("us").removesuffix("_") or "standard"
        beside = price(
            row["vendor"], row["model"], row["token_class"], row["valid_from"], tier=tier,
            is_batch=row["is_batch"] == "true", above=int(row["min_context_tokens"]),
        )  # fmt: skip
        assert beside is not None
        assert Decimal(row["usd_per_million"]) == beside * Decimal("1.1"), row
    opus = price("anthropic", "claude-opus-4-8", "output", "2026-11-01", tier="fast_us")
    assert opus == 55  # 25, twice for fast, 1.1 times


def test_every_row_says_where_it_is_from() -> None:
    known = re.compile(
        r"(genai-prices|litellm) \d+\.\d+\.\d+|[a-z.]+\.com/[a-z0-9/-]+( of \d{4}-\d{2})?"
    )
    for row in PRICES:
        assert all(known.fullmatch(part) for part in row["source"].split("; ")), row["source"]


def test_a_batch_has_no_price_before_the_standard_one_it_belongs_to() -> None:
    assert price("openai", "o3", "output", "2025-06-09", is_batch=True) is None


def test_a_long_prompt_has_its_own_price() -> None:
    long = price("anthropic", "claude-sonnet-4-5", "uncached_input", "2025-11-01", above=200_000)
    assert long == 6
    long = price("anthropic", "claude-sonnet-4-5", "output", "2025-11-01", above=200_000)
    assert long == Decimal("22.50")


def test_cache_reads_are_not_a_fixed_share_of_the_input() -> None:
    shares = {
        row["model"]: Decimal(row["usd_per_million"])
        / Decimal(str(price("anthropic", row["model"], "uncached_input", row["valid_from"])))
        for row in PRICES
        if row["vendor"] == "anthropic"
        and (row["token_class"], row["service_tier"]) == ("cache_read", "standard")
        and row["is_batch"] == "false"
        and row["min_context_tokens"] == "0"
    }
    assert shares["claude-sonnet-4-5"] == Decimal("0.1")
    assert len(set(shares.values())) > 1


def test_names_are_as_usage_names_them() -> None:
    for row in PRICES:
        assert row["vendor"] == row["vendor"].lower().strip()
        assert row["model"] == row["model"].lower().strip()


def test_every_price_is_exact_per_token() -> None:
    """Per token it has 12 decimals, so per million at most 6."""
    for row in PRICES:
        usd = Decimal(row["usd_per_million"])
        assert usd >= 0
        assert usd == usd.quantize(Decimal("0.000001"))


def test_days_are_days_in_order() -> None:
    for row in PRICES:
        start = date.fromisoformat(row["valid_from"])
        if row["valid_to"]:
            assert start < date.fromisoformat(row["valid_to"])
