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
from tests.end_to_end.test_postgres import same

SEED = 7
# What tells of systems, files and batches, and not of the company.
ABOUT_THE_RUN = {"ops"}

Tables = dict[tuple[str, str], list[tuple[Any, ...]]]


def through_feeds(company: Company, folder: Path, valuemaxx: Run) -> Tables:
    feeds.write(company, folder / "feeds")
    return run(company, folder, {"files": {"folder": "feeds"}}, valuemaxx)


def over_http(vendors: Portfolio, folder: Path, valuemaxx: Run, **more: Any) -> Tables:
    with vendors.serving(folder) as systems:
        return run(vendors.company, folder, systems, valuemaxx, **vendors.secrets, **more)


def run(
    company: Company, folder: Path, systems: dict[str, Any], valuemaxx: Run, **more: Any
) -> Tables:
    """The published tables. ``more``: credentials, and keys of the configuration."""
    secrets = {name: value for name, value in more.items() if name.isupper()}
    others = {name: value for name, value in more.items() if not name.isupper()}
    config = folder / "valuemaxx.yml"
    config.write_text(yaml.safe_dump({"company": "Example", "systems": systems, **others}))
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


def company_of(teams: int, months: int) -> Company:
    return completed(simulate(WORLDS["demo"], SEED, teams=teams, months=months))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, valuemaxx: Run) -> tuple[Portfolio, Tables]:
    """Four teams' four months, and what is published of them over HTTP on DuckDB."""
    vendors = portfolio(company_of(4, 4))
    return vendors, over_http(vendors, tmp_path_factory.mktemp("http"), valuemaxx)


def test_vendors_servers_and_feeds_give_the_same_tables(
    small: tuple[Portfolio, Tables], tmp_path: Path, valuemaxx: Run
) -> None:
    vendors, found = small
    expected = through_feeds(vendors.company, tmp_path, valuemaxx)
    assert len(expected["dora", "fct_changes"]) > 100
    in_their_words = in_vendors_words(expected, vendors.staged_ids)
    assert differences(in_their_words, in_vendors_words(found, {})) == []


@pytest.mark.slow
def test_a_years_servers_and_feeds_give_the_same_tables(tmp_path: Path, valuemaxx: Run) -> None:
    vendors = portfolio(company_of(12, 12))
    for name in ("feeds", "http"):
        (tmp_path / name).mkdir()
    found = over_http(vendors, tmp_path / "http", valuemaxx)
    expected = through_feeds(vendors.company, tmp_path / "feeds", valuemaxx)
    assert len(expected["dora", "fct_changes"]) > 1000
    in_their_words = in_vendors_words(expected, vendors.staged_ids)
    assert differences(in_their_words, in_vendors_words(found, {})) == []


@pytest.mark.postgres
def test_every_systems_models_give_the_same_tables_on_postgres(
    small: tuple[Portfolio, Tables], tmp_path: Path, valuemaxx: Run, postgres_server: str
) -> None:
    vendors, expected = small
    database = {"host": postgres_server, "user": "postgres", "database": "postgres"}
    found = over_http(vendors, tmp_path, valuemaxx, warehouse="postgres", postgres=database)
    assert found.keys() == expected.keys()
    for name, rows in expected.items():
        differing = [
            (ours, theirs)
            for ours, theirs in zip(rows, found[name], strict=True)
            if not all(map(same, ours, theirs))
        ]
        assert differing == [], name
