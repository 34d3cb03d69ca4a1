"""What a simulated month cost by the list is what an independent price library says it cost."""

import os
from collections import defaultdict
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from unittest import mock

import duckdb
import pytest
import yaml

from orchestration import extraction, settings, transformation
from orchestration.simulation import feeds, simulate
from orchestration.simulation.records import Company, Usage
from orchestration.simulation.worlds import WORLDS
from tests.conftest import SALT, Run

genai_prices = pytest.importorskip("genai_prices")

# The last month of the company's year; the price of o3 falls on its tenth day.
MONTH, NEXT_MONTH = date(2025, 6, 1), date(2025, 7, 1)

Kind = tuple[str, str, str, bool]  # vendor, model, tier, batch or not
Cost = Decimal | None

# Where the library says something else, and why: it has these prices only from the day in 2026 on
# which somebody looked them up, and the standard price before. Our book has them as long as the
# standard price beside them, because a second package has them, too (docs/decisions/0011). With
# the library's prices of that later day the sums are the same.
LOOKED_UP = datetime(2026, 10, 20, tzinfo=UTC)
DIFFERENCES: dict[Kind, str] = {
    ("openai", "gpt-4.1", "priority", False): "priority is dated 2026-10-12",
    ("openai", "gpt-4.1-mini", "standard", True): "batches are dated 2026-10-14",
}


@pytest.fixture(scope="module")
def company() -> Company:
    """Seed 3: its last month has batches, and usage of the priority tier."""
    return simulate(WORLDS["demo"], 3, teams=12, months=12)


@pytest.fixture(scope="module")
def metered(company: Company, tmp_path_factory: pytest.TempPathFactory) -> dict[Kind, Cost]:
    """The month's list cost by kind, as cost.ai_cost_daily has it; nothing else is built."""
    folder = tmp_path_factory.mktemp("metered")
    feeds.write(company, folder / "feeds", WORLDS["demo"].messiness)
    config = folder / "valuemaxx.yml"
    config.write_text(yaml.safe_dump({"company": "Example"}))
    # dbt shall not add the tests of the models that are asked for.
    ours = {settings.SALT: SALT, "DBT_INDIRECT_SELECTION": "empty"}
    with mock.patch.dict(os.environ, ours):
        current = settings.load(config, folder / "home", company.as_of.isoformat())
        settings.export(current.environment())
        for system in extraction.enabled(current):
            outcomes = extraction.extract(system, current)
            assert not [o for o in outcomes if o.status in ("failed", "missing")]
        extraction.take_inventory(current)
        transformation.manifest(current)
        transformation.build(current, ["+ai_cost_daily"])
        transformation.raise_on_failure(current)
    return _sums(folder / "home" / "work.duckdb")


def _sums(database: Path) -> dict[Kind, Cost]:
    with duckdb.connect(str(database), read_only=True) as tables:
        rows = tables.execute(
            "select vendor, model, service_tier, is_batch, sum(list_cost_usd)"
            " from work_cost.ai_cost_daily where usage_date >= ? and usage_date < ? group by all",
            [MONTH, NEXT_MONTH],
        ).fetchall()
    return {(vendor, model, tier, batch): usd for vendor, model, tier, batch, usd in rows}


def kind(usage: Usage) -> Kind:
    tier = usage.service_tier or "default"
    is_batch = bool(usage.is_batch) or tier == "batch"
    return usage.vendor, usage.model, "priority" if tier == "priority" else "standard", is_batch


def by_library(company: Company, moment: datetime | None = None) -> dict[Kind, Decimal]:
    """The library's sum of the month's records: each at its own time, or all at one moment."""
    sums: dict[Kind, Decimal] = defaultdict(Decimal)
    for usage in _month(company):
        sums[kind(usage)] += _priced(usage, moment or usage.occurred_at)
    return dict(sums)


def _month(company: Company) -> list[Usage]:
    return [u for u in company.ai_usage if MONTH <= u.occurred_at.date() < NEXT_MONTH]


def _priced(usage: Usage, moment: datetime) -> Decimal:
    """The library counts what is read from and written to caches as input, too."""
    read = usage.cache_read_tokens or 0
    five_minutes, hour = usage.cache_write_5m_tokens or 0, usage.cache_write_1h_tokens or 0
    _, _, tier, is_batch = kind(usage)
    return genai_prices.calc_price(
        genai_prices.Usage(
            input_tokens=(usage.uncached_input_tokens or 0) + read + five_minutes + hour,
            cache_read_tokens=read,
            cache_write_tokens=five_minutes + hour,
            cache_write_1h_tokens=hour,
            output_tokens=usage.output_tokens,
        ),
        usage.model,
        provider_id=usage.vendor,
        genai_request_timestamp=moment.replace(tzinfo=UTC),
        price_context={"processing": "batch"} if is_batch else {"service_tier": tier},
    ).total_price


def test_list_cost_is_the_library_s_or_the_difference_is_listed(
    company: Company, metered: dict[Kind, Cost]
) -> None:
    library = by_library(company)
    assert len(library) > 8
    assert sum(library.values()) > 1_000
    assert metered.keys() == library.keys()
    assert {k for k, usd in metered.items() if usd != library[k]} == DIFFERENCES.keys()


def test_every_listed_difference_is_its_reason_to_the_last_digit(
    company: Company, metered: dict[Kind, Cost]
) -> None:
    looked_up = by_library(company, LOOKED_UP)
    for found in DIFFERENCES:
        assert metered[found] == looked_up[found] > 0


def test_the_month_has_a_price_that_falls_in_its_middle(company: Company) -> None:
    """Else the first test would not see a price of the wrong day."""
    days = {usage.occurred_at.day for usage in _month(company) if usage.model == "o3"}
    assert min(days) < 10 < max(days)


def test_the_command_finds_nothing_new_for_the_book_that_priced_it(valuemaxx: Run) -> None:
    done = valuemaxx("prices", "update", "--from", NEXT_MONTH)
    assert (done.returncode, done.stdout) == (0, "0 added, 0 changed, 0 ended\n"), done.stderr


def test_the_command_says_in_one_line_what_is_no_day(valuemaxx: Run) -> None:
    done = valuemaxx("prices", "update", "--from", "soon")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "soon is no day: write it as 2026-01-31\n"
