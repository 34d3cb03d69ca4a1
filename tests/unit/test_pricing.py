"""The price book follows the package, and keeps what the package no longer says."""

import csv
import json
import sys
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from orchestration import pricing
from orchestration.pricing import PricingError

types = pytest.importorskip("genai_prices.types")

HEADER = ",".join(pricing.COLUMNS)
TODAY = "2026-11-22"
OPENAI = "openai,gpt,uncached_input,standard,false,0"


class Packages:
    """What is installed, and the seed that meets it."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder, self._patch = folder, monkeypatch
        self.seed = folder / "ai_prices.csv"

    def first(self, *models: Any, vendor: str = "openai") -> None:
        """The dated package knows these models of a vendor."""
        module = ModuleType("genai_prices.data")
        module.providers = [  # type: ignore[attr-defined]
            types.Provider(id=vendor, name=vendor, api_pattern="", models=list(models))
        ]
        self._patch.setitem(sys.modules, "genai_prices.data", module)

    def second(self, **models: dict[str, Any]) -> None:
        """The other package's price file (USD for a token)."""
        package, version = self._folder / "litellm", self._folder / "litellm-7.0.dist-info"
        package.mkdir()
        version.mkdir()
        (package / "__init__.py").touch()
        (package / "model_prices_and_context_window_backup.json").write_text(json.dumps(models))
        (version / "METADATA").write_text("Metadata-Version: 2.1\nName: litellm\nVersion: 7.0\n")
        self._patch.syspath_prepend(str(self._folder))

    def book(self, *rows: str) -> None:
        """What the seed has: rows without their source."""
        self.seed.write_text("\n".join([HEADER, *(f"{row},before" for row in rows)]) + "\n")

    def update(self, day: str = TODAY) -> list[str]:
        """Writes the book and returns its rows without their source."""
        pricing.update(self.seed, day, is_written=True)
        lines = self.seed.read_text().splitlines()
        return [line.rpartition(",")[0] for line in lines[1:]]

    def sources(self) -> set[str]:
        with self.seed.open(newline="") as lines:
            return {row["source"] for row in csv.DictReader(lines)}


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Packages:
    found = Packages(tmp_path, monkeypatch)
    found.book()
    return found


def usd(**prices: Any) -> Any:
    return types.ModelPrice(
        **{
            key: Decimal(value) if isinstance(value, str) else value
            for key, value in prices.items()
        }
    )


def since(day: str | None, prices: Any) -> Any:
    start = types.StartDateConstraint(start_date=date.fromisoformat(day)) if day else None
    return types.ConditionalPrice(constraint=start, prices=prices)


def served(day: str | None, prices: Any, **when: str) -> Any:
    start = types.StartDateConstraint(start_date=date.fromisoformat(day)) if day else None
    return types.PriceVariant(when=when, prices=prices, constraint=start)


def above(base: str, bound: int, price: str) -> Any:
    tier = types.Tier(start=bound, price=Decimal(price))
    return types.TieredPrices(base=Decimal(base), tiers=[tier])


def model(prices: Any, *variants: Any, name: str = "gpt", match: Any = None) -> Any:
    match = match or types.ClauseEquals(equals=name)
    return types.ModelInfo(id=name, match=match, prices=prices, price_variants=list(variants))


# The seed that is committed.


def test_the_seed_is_what_reading_and_writing_it_gives(tmp_path: Path) -> None:
    copy = tmp_path / "seed.csv"
    pricing.write(copy, pricing.read(pricing.SEED))
    assert copy.read_bytes() == pricing.SEED.read_bytes()


def test_the_installed_package_has_nothing_new_for_the_seed() -> None:
    assert pricing.update(pricing.SEED, TODAY, is_written=False) == ["0 added, 0 changed, 0 ended"]


# What is new to the book.


def test_a_new_model_is_in_the_book_from_its_beginning(packages: Packages) -> None:
    packages.first(
        model(
            usd(
                input_mtok=above("3", 200_000, "6"),
                cache_read_mtok="0.30",
                cache_write_mtok="3.75",
                cache_write_1h_mtok="6",
                output_mtok="15",
                web_searches_kcount="10",
            )
        )
    )
    assert packages.update() == [
        "openai,gpt,uncached_input,standard,false,0,3,2024-01-01,",
        "openai,gpt,uncached_input,standard,false,200000,6,2024-01-01,",
        "openai,gpt,cache_read,standard,false,0,0.3,2024-01-01,",
        "openai,gpt,cache_write_5m,standard,false,0,3.75,2024-01-01,",
        "openai,gpt,cache_write_1h,standard,false,0,6,2024-01-01,",
        "openai,gpt,output,standard,false,0,15,2024-01-01,",
    ]
    assert {source.split()[0] for source in packages.sources()} == {"genai-prices"}


def test_a_tier_that_names_no_price_for_a_class_has_the_standard_one(packages: Packages) -> None:
    packages.first(
        model(
            usd(input_mtok="2", cache_read_mtok="0.5"),
            served(None, usd(input_mtok="1"), processing="batch"),
            served(None, usd(input_mtok="3.5", cache_read_mtok="0.875"), service_tier="priority"),
            served(None, usd(input_mtok="4"), speed="fast"),
        )
    )
    assert packages.update() == [
        "openai,gpt,uncached_input,fast,false,0,4,2024-01-01,",
        "openai,gpt,cache_read,fast,false,0,0.5,2024-01-01,",
        "openai,gpt,uncached_input,priority,false,0,3.5,2024-01-01,",
        "openai,gpt,cache_read,priority,false,0,0.875,2024-01-01,",
        "openai,gpt,uncached_input,standard,false,0,2,2024-01-01,",
        "openai,gpt,cache_read,standard,false,0,0.5,2024-01-01,",
        "openai,gpt,uncached_input,standard,true,0,1,2024-01-01,",
        "openai,gpt,cache_read,standard,true,0,0.5,2024-01-01,",
    ]


BATCH = served("2026-10-14", usd(input_mtok="1", output_mtok="4"), processing="batch")
FALLEN = [
    since(None, usd(input_mtok="10", output_mtok="40")),
    since("2025-06-10", usd(input_mtok="2", output_mtok="8")),
]


def batch_rows(rows: list[str]) -> list[str]:
    return [row for row in rows if ",true," in row]


def test_a_price_that_was_looked_up_on_a_day_holds_from_that_day(packages: Packages) -> None:
    packages.first(model(FALLEN, BATCH))
    assert batch_rows(packages.update()) == [
        "openai,gpt,uncached_input,standard,true,0,1,2026-10-14,",
        "openai,gpt,output,standard,true,0,4,2026-10-14,",
    ]


def test_one_that_a_second_package_confirms_is_as_old_as_the_standard_price(
    packages: Packages,
) -> None:
    packages.first(model(FALLEN, BATCH))
    packages.second(
        gpt={"input_cost_per_token_batches": 1e-6, "output_cost_per_token_batches": 4e-6}
    )
    assert batch_rows(packages.update()) == [
        "openai,gpt,uncached_input,standard,true,0,1,2025-06-10,",
        "openai,gpt,output,standard,true,0,4,2025-06-10,",
    ]
    assert any(source.endswith("; litellm 7.0") for source in packages.sources())


def test_a_second_package_with_another_price_confirms_nothing(packages: Packages) -> None:
    packages.first(model(FALLEN, BATCH))
    packages.second(
        gpt={"input_cost_per_token_batches": 1e-6, "output_cost_per_token_batches": 5e-6}
    )
    assert {row.split(",")[7] for row in batch_rows(packages.update())} == {"2026-10-14"}


def test_a_chosen_place_is_a_tier_with_its_own_price(packages: Packages) -> None:
    """1.1 times 5 and 25 USD, fast 10 and 50, as a batch 2.5 and 12.5; nobody chooses `fast` so."""
    batch = served(None, usd(input_mtok="2.5", output_mtok="12.5"), processing="batch")
    fast = served(None, usd(input_mtok="10", output_mtok="50"), speed="fast")
    opus = model(usd(input_mtok="5", output_mtok="25"), batch, fast, name="claude-opus-4-8")
    packages.first(opus, vendor="anthropic")
    packages.second(**{"claude-opus-4-8": {"provider_specific_entry": {"us": 1.1, "fast": 2}}})
    assert [row for row in packages.update() if "us," in row] == [
        "anthropic,claude-opus-4-8,uncached_input,fast_us,false,0,11,2024-01-01,",
        "anthropic,claude-opus-4-8,output,fast_us,false,0,55,2024-01-01,",
        "anthropic,claude-opus-4-8,uncached_input,us,false,0,5.5,2024-01-01,",
        "anthropic,claude-opus-4-8,output,us,false,0,27.5,2024-01-01,",
        "anthropic,claude-opus-4-8,uncached_input,us,true,0,2.75,2024-01-01,",
        "anthropic,claude-opus-4-8,output,us,true,0,13.75,2024-01-01,",
    ]
    assert any(source.endswith("; litellm 7.0") for source in packages.sources())


# What changes.


def test_a_dated_price_ends_the_old_one_on_its_day(packages: Packages) -> None:
    packages.book(f"{OPENAI},10,2024-01-01,")
    packages.first(
        model([since(None, usd(input_mtok="10")), since("2026-06-10", usd(input_mtok="2"))])
    )
    assert packages.update() == [
        f"{OPENAI},10,2024-01-01,2026-06-10",
        f"{OPENAI},2,2026-06-10,",
    ]


def test_a_price_without_a_day_changes_on_the_day_that_is_given(packages: Packages) -> None:
    packages.book(f"{OPENAI},10,2024-01-01,")
    packages.first(model(usd(input_mtok="2")))
    assert packages.update("2026-11-01") == [
        f"{OPENAI},10,2024-01-01,2026-11-01",
        f"{OPENAI},2,2026-11-01,",
    ]


def test_an_old_price_that_the_package_forgot_stays(packages: Packages) -> None:
    packages.book(f"{OPENAI},10,2024-01-01,2025-06-10", f"{OPENAI},2,2025-06-10,")
    packages.first(model(usd(input_mtok="2")))
    assert packages.update() == [
        f"{OPENAI},10,2024-01-01,2025-06-10",
        f"{OPENAI},2,2025-06-10,",
    ]
    assert packages.sources() == {"before"}


def test_a_model_and_a_tier_that_the_package_forgot_stay(packages: Packages) -> None:
    gone, batch = "openai,gone,output,standard,false,0", "openai,gpt,uncached_input,standard,true,0"
    packages.book(f"{gone},4,2024-01-01,", f"{OPENAI},2,2024-01-01,", f"{batch},1,2024-01-01,")
    packages.first(model(usd(input_mtok="2")))
    assert packages.update() == [
        f"{gone},4,2024-01-01,",
        f"{OPENAI},2,2024-01-01,",
        f"{batch},1,2024-01-01,",
    ]


def test_a_price_before_a_cut_that_the_package_has_learned_is_taken(packages: Packages) -> None:
    packages.book(f"{OPENAI},20,2024-01-01,2024-09-01", f"{OPENAI},2,2024-09-01,")
    packages.first(
        model([since(None, usd(input_mtok="10")), since("2025-06-10", usd(input_mtok="2"))])
    )
    assert packages.update() == [
        f"{OPENAI},20,2024-01-01,2024-09-01",
        f"{OPENAI},10,2024-09-01,2025-06-10",
        f"{OPENAI},2,2025-06-10,",
    ]


def test_a_rise_that_was_called_off_is_no_longer_in_the_book(packages: Packages) -> None:
    packages.book(f"{OPENAI},2,2024-01-01,2027-01-01", f"{OPENAI},3,2027-01-01,")
    packages.first(model(usd(input_mtok="2")))
    assert packages.update() == [f"{OPENAI},2,2024-01-01,"]


def test_a_price_for_long_prompts_comes_and_goes_on_the_day(packages: Packages) -> None:
    long, longer = OPENAI.replace(",0", ",200000"), OPENAI.replace(",0", ",272000")
    packages.book(f"{OPENAI},2,2024-01-01,", f"{long},4,2024-01-01,")
    packages.first(model(usd(input_mtok=above("2", 272_000, "5"))))
    assert packages.update() == [
        f"{OPENAI},2,2024-01-01,",
        f"{long},4,2024-01-01,{TODAY}",
        f"{longer},5,{TODAY},",
    ]


def test_a_price_for_long_prompts_that_has_ended_stays_so(packages: Packages) -> None:
    rows = [
        f"{OPENAI},2,2024-01-01,",
        f"{OPENAI.replace(',0', ',200000')},4,2024-01-01,2026-03-13",
    ]
    packages.book(*rows)
    packages.first(model(usd(input_mtok="2")))
    assert packages.update("2025-07-01") == rows


def test_a_place_has_no_price_once_the_one_beside_it_is_another(packages: Packages) -> None:
    """Without the second package: 1.1 times the price before is not what it costs now."""
    opus = "anthropic,claude-opus-4-8,output"
    packages.book(
        f"{opus},fast_us,false,0,55,2024-01-01,",
        f"{opus},standard,false,0,25,2024-01-01,",
        f"{opus},us,false,0,27.5,2024-01-01,",
    )
    prices = [since(None, usd(output_mtok="25")), since("2026-09-01", usd(output_mtok="20"))]
    packages.first(model(prices, name="claude-opus-4-8"), vendor="anthropic")
    once = packages.update()
    assert once == [
        f"{opus},fast_us,false,0,55,2024-01-01,",
        f"{opus},standard,false,0,25,2024-01-01,2026-09-01",
        f"{opus},standard,false,0,20,2026-09-01,",
        f"{opus},us,false,0,27.5,2024-01-01,2026-09-01",
    ]
    assert packages.update() == once


def test_a_place_has_no_price_for_long_prompts_once_they_have_none_of_their_own(
    packages: Packages,
) -> None:
    sonnet = "anthropic,claude-sonnet-4-6,output"
    packages.book(
        f"{sonnet},standard,false,0,15,2024-01-01,",
        f"{sonnet},standard,false,200000,22.5,2024-01-01,",
        f"{sonnet},us,false,0,16.5,2024-01-01,",
        f"{sonnet},us,false,200000,24.75,2024-01-01,",
    )
    packages.first(model(usd(output_mtok="15"), name="claude-sonnet-4-6"), vendor="anthropic")
    assert packages.update("2026-11-01") == [
        f"{sonnet},standard,false,0,15,2024-01-01,",
        f"{sonnet},standard,false,200000,22.5,2024-01-01,2026-11-01",
        f"{sonnet},us,false,0,16.5,2024-01-01,",
        f"{sonnet},us,false,200000,24.75,2024-01-01,2026-11-01",
    ]


def test_a_second_update_changes_nothing(packages: Packages) -> None:
    packages.first(model(FALLEN, BATCH))
    once = packages.update("2026-11-01")
    assert packages.update(TODAY) == once


def test_every_change_is_a_line(packages: Packages) -> None:
    long = OPENAI.replace(",0", ",200000")
    packages.book(f"{OPENAI},2,2024-01-01,", f"{long},4,2024-01-01,")
    packages.first(model(usd(input_mtok="3", output_mtok="9")))
    before = packages.seed.read_bytes()
    assert pricing.update(packages.seed, TODAY, is_written=False) == [
        "changed  openai gpt uncached_input standard: 2 → 3 from 2026-11-22",
        "ended    openai gpt uncached_input standard above 200000: 4 → none from 2026-11-22",
        "added    openai gpt output standard: none → 9 from 2024-01-01",
        "1 added, 1 changed, 1 ended",
    ]
    assert packages.seed.read_bytes() == before


# Names.


def equals(*names: str) -> Any:
    return types.ClauseOr(or_=[types.ClauseEquals(equals=name) for name in names])


def test_models_have_the_names_that_the_vendor_uses(packages: Packages) -> None:
    """gpt-4o-2024-08-06 is gpt-4o; -05-13 is itself. Dashes for dots are others' spelling; what
    only begins like a name is no name, and pictures are not sold by the classes we have."""
    starts = types.ClauseStartsWith(starts_with="claude-3-5-haiku")
    packages.first(
        model(usd(input_mtok="5"), name="gpt-4o-2024-05-13"),
        model(usd(input_mtok="2"), name="gpt-4o", match=equals("gpt-4o", "gpt-4o-2024-08-06")),
        model(usd(input_mtok="1"), name="gpt-5.1", match=equals("gpt-5.1", "gpt-5-1")),
        model(usd(input_mtok="1"), name="chat-latest"),
        model(usd(input_mtok="1"), name="claude-3-5-haiku-latest", match=starts),
        model(usd(input_mtok="1"), name="gpt-image-1"),
        model(usd(input_mtok="1"), name="ft:gpt-4o"),
    )
    assert {row.split(",")[1] for row in packages.update()} == {
        "gpt-4o-2024-05-13", "gpt-4o", "gpt-5.1", "chat-latest", "claude-3-5-haiku",
    }  # fmt: skip


def test_a_price_by_the_hour_is_none_for_a_day(packages: Packages) -> None:
    night = types.TimeOfDateConstraint(start_time=time(0), end_time=time(8))
    cheap = types.ConditionalPrice(constraint=night, prices=usd(input_mtok="1"))
    packages.first(model([since(None, usd(input_mtok="2")), cheap]))
    assert packages.update() == []


# What stops it.


def test_without_the_package_one_line_says_what_to_install(
    packages: Packages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "genai_prices.data", None)
    with pytest.raises(
        PricingError, match=r"^the prices come .* pip install 'valuemaxx\[prices\]'$"
    ):
        packages.update()


def test_a_price_that_the_seed_would_round_is_refused(packages: Packages) -> None:
    packages.first(model(usd(input_mtok="0.0000001")))
    with pytest.raises(PricingError, match="openai gpt uncached_input standard: .* 6 decimals"):
        packages.update()
    assert packages.seed.read_text() == HEADER + "\n"


def test_a_day_that_is_none_is_refused(packages: Packages) -> None:
    packages.first()
    with pytest.raises(PricingError, match="2026-13-01 is no day"):
        packages.update("2026-13-01")
