"""The price book holds what vendors publish, and only what pricing can use without guessing."""

import csv
from datetime import date
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


def test_a_batch_has_its_own_price() -> None:
    assert price("openai", "gpt-4o", "output", "2025-11-01", is_batch=True) == 5
    batch = price("anthropic", "claude-sonnet-4-5", "output", "2025-11-01", is_batch=True)
    assert batch == Decimal("7.50")


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
