"""The same company through vendors' servers and through feeds: the same tables, value by value."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestration.simulation import feeds, simulate
from orchestration.simulation.records import Company
from orchestration.simulation.vendors.portfolio import Portfolio, completed, portfolio
from orchestration.simulation.worlds import WORLDS
from tests.conftest import Run, published

SEED = 7
# What tells of systems, files and batches, and not of the company.
ABOUT_THE_RUN = {"ops"}

Tables = dict[tuple[str, str], list[tuple[Any, ...]]]


def through_feeds(company: Company, folder: Path, valuemaxx: Run) -> Tables:
    feeds.write(company, folder / "feeds")
    return run(company, folder, {"files": {"folder": "feeds"}}, valuemaxx)


def over_http(vendors: Portfolio, folder: Path, valuemaxx: Run) -> Tables:
    with vendors.serving(folder) as systems:
        return run(vendors.company, folder, systems, valuemaxx, **vendors.secrets)


def run(
    company: Company, folder: Path, systems: dict[str, Any], valuemaxx: Run, **secrets: str
) -> Tables:
    config = folder / "valuemaxx.yml"
    config.write_text(yaml.safe_dump({"company": "Example", "systems": systems}))
    done = valuemaxx("run", "--config", config, "--as-of", company.as_of.isoformat(), **secrets)
    assert done.returncode == 0, done.stderr
    tables = published(folder / ".valuemaxx")
    return {name: rows for name, rows in tables.items() if name[0] not in ABOUT_THE_RUN}


def in_vendors_words(tables: Tables, staged_ids: dict[tuple[str, str], str]) -> Tables:
    """The feeds' tables with the ids that the vendors gave; in order again."""
    names = {f"files:{own}": staged for (_, own), staged in staged_ids.items()}
    return {
        name: sorted(
            (tuple(names.get(v, v) if isinstance(v, str) else v for v in row) for row in rows),
            key=repr,
        )
        for name, rows in tables.items()
    }


def differences(expected: Tables, found: Tables) -> list[str]:
    assert expected.keys() == found.keys()
    told = []
    for name, rows in expected.items():
        here, there = set(map(repr, rows)), set(map(repr, found[name]))
        if here != there or len(rows) != len(found[name]):
            told.append(f"{name}: {len(here - there)} of {len(rows)} rows only through feeds")
            told += sorted(here - there)[:3] + ["  against"] + sorted(there - here)[:3]
    return told


@pytest.mark.parametrize(
    ("teams", "months"), [(4, 4), pytest.param(12, 12, marks=pytest.mark.slow)]
)
def test_vendors_servers_and_feeds_give_the_same_tables(
    teams: int, months: int, tmp_path: Path, valuemaxx: Run
) -> None:
    company = completed(simulate(WORLDS["demo"], SEED, teams=teams, months=months))
    for name in ("feeds", "http"):
        (tmp_path / name).mkdir()
    vendors = portfolio(company)
    expected = through_feeds(company, tmp_path / "feeds", valuemaxx)
    found = over_http(vendors, tmp_path / "http", valuemaxx)
    assert len(expected["dora", "fct_changes"]) > 100
    assert (
        differences(in_vendors_words(expected, vendors.staged_ids), in_vendors_words(found, {}))
        == []
    )
