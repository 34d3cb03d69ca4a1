"""Small random companies are published as they are counted, and what must not matter does not.

The models are built in this process, without dbt's data tests (those run in the other suites),
and in one home, so that the project is parsed once: about 11 s of processor time a publication.
"""

import dataclasses
import os
import random
import re
import shutil
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import duckdb
import pytest
import yaml
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from orchestration import extraction, publishing, settings, transformation
from orchestration.simulation import feeds, simulate, truth
from orchestration.simulation.records import Company, PullRequest, Service, Team
from orchestration.simulation.truth.compare import differences
from orchestration.simulation.worlds import (
    BILLING_FAULTS,
    WORLDS,
    Adoption,
    Ai,
    Effect,
    Improvement,
    Messiness,
    Pumping,
    World,
)
from tests.conftest import SALT, published

MODELS_ONLY = ("resource_type:model", "resource_type:seed")
# 28 years of the calendar between 1901 and 2099 are whole weeks, months and leap years.
CALENDAR = timedelta(days=10_227)

Tables = dict[tuple[str, str], list[tuple[Any, ...]]]


class House:
    """A home and its folder of feeds, used again and again."""

    def __init__(self, folder: Path) -> None:
        self.feeds, self.home = folder / "feeds", folder / "home"
        self._config = folder / "valuemaxx.yml"
        self._config.write_text(yaml.safe_dump({"company": "Example"}))

    def clear(self) -> None:
        for folder in (self.feeds, self.home / "lake", self.home / "quarantine"):
            shutil.rmtree(folder, ignore_errors=True)
        self.feeds.mkdir()

    def read(self, company: Company) -> settings.Settings:
        """Extracts what is in the folder of feeds."""
        current = settings.load(self._config, self.home, company.as_of.isoformat())
        settings.export(current.environment())
        for system in extraction.enabled(current):
            outcomes = extraction.extract(system, current)
            assert not [o for o in outcomes if o.status in ("failed", "missing")]
        return current

    def publish(self, company: Company) -> Path:
        """Extracts, builds and publishes; the file."""
        current = self.read(company)
        extraction.take_inventory(current)
        transformation.manifest(current)
        for _ in transformation.build(current, MODELS_ONLY):
            pass
        transformation.raise_on_failure(current)
        return publishing.publish(current) / "valuemaxx.duckdb"

    def columns(self, name: tuple[str, str]) -> list[str]:
        """A published table's columns, in the order of its rows."""
        path = self.home / "published" / "valuemaxx.duckdb"
        with duckdb.connect(str(path), read_only=True) as tables:
            schema, table = name
            found = tables.execute(f'select * from "{schema}"."{table}" limit 0')  # noqa: S608
            return [column[0] for column in found.description or []]

    def tables(self, company: Company) -> Tables:
        """Every published table but those about the files themselves."""
        self.publish(company)
        found = published(self.home)
        assert found["dora", "fct_changes"]
        return {name: rows for name, rows in found.items() if name[0] != "ops"}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    # dbt shall not add the tests of the models that are asked for.
    ours = {settings.SALT: SALT, "DBT_INDIRECT_SELECTION": "empty"}
    with mock.patch.dict(os.environ, ours):
        yield House(tmp_path_factory.mktemp("house"))


def sample() -> Company:
    """A small company in which a little of everything happens; a fresh copy each time."""
    world = dataclasses.replace(WORLDS["demo"].resized(teams=4, months=4), name="sample")
    return simulate(world, seed=11)


@pytest.fixture(scope="module")
def original(house: House) -> Tables:
    """What is published of the sample."""
    house.clear()
    feeds.write(sample(), house.feeds)
    return house.tables(sample())


factors = st.floats(0.5, 2.0)
effects = st.builds(Effect, **dict.fromkeys(Effect.__dataclass_fields__, factors))
shares = st.floats(0.0, 1.0)
worlds = st.builds(
    World,
    name=st.just("random"),
    description=st.just("A company at random."),
    teams=st.integers(2, 5),
    months=st.integers(2, 4),
    starts_on=st.dates(date(2024, 7, 1), date(2026, 1, 1)).map(lambda day: day.replace(day=1)),
    changes_per_person_month=st.floats(1.0, 6.0),
    ai=st.builds(
        Ai,
        effect=effects,
        months_to_full=st.integers(1, 3),
        half_life_months=st.none() | st.floats(0.5, 3.0),
    ),
    adoption=st.builds(
        Adoption,
        who=st.sampled_from(["random", "early_improvers", "after_a_bad_month"]),
        share_of_teams=shares,
        first_month=st.just(1),
        last_month=st.just(2),
        ceiling=st.floats(0.1, 1.0),
        prior_trend=st.floats(0.9, 1.1),
    ),
    improvements=st.lists(
        st.builds(
            Improvement,
            when=st.sampled_from(["everybody", "own_times", "with_ai"]),
            effect=effects,
            month=st.just(1),
            is_logged=st.booleans(),
        ),
        max_size=2,
    ).map(tuple),
    pumping=st.none()
    | st.builds(
        Pumping, share_of_teams=shares, month=st.just(1), factor=st.integers(2, 10)
    ),
    speed_over_substance=shares,
    easy_work_drift=shares,
    messiness=st.none()
    | st.builds(
        Messiness,
        duplicated=st.floats(0.0, 0.3),
        restated=st.floats(0.0, 0.3),
        half_empty=st.floats(0.0, 0.5),
        contradictory=st.floats(0.0, 0.2),
        late_days=st.integers(0, 20),
    ),
    billing_faults=st.lists(st.sampled_from(BILLING_FAULTS), unique=True).map(tuple),
)  # fmt: skip


@pytest.mark.slow
@hypothesis_settings(
    max_examples=4,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],  # at 15 s an example nobody waits for a smaller one
    suppress_health_check=list(HealthCheck),
)
@given(world=worlds, seed=st.integers(0, 2**32))
def test_what_is_published_of_any_company_is_the_truth(
    house: House, world: World, seed: int
) -> None:
    company = simulate(world, seed)
    house.clear()
    feeds.write(company, house.feeds, world.messiness)
    assert differences(truth.count(company), house.publish(company)) == []


@pytest.mark.parametrize(
    "portions", [3, pytest.param(123, id="day by day", marks=pytest.mark.slow)]
)
def test_history_read_portion_by_portion_gives_the_same_tables(
    house: House, original: Tables, portions: int
) -> None:
    house.clear()
    for _ in feeds.deliveries(sample(), house.feeds, portions):
        house.read(sample())
    assert house.tables(sample()) == original


@pytest.mark.slow
def test_messy_history_gives_the_same_tables_portion_by_portion(
    house: House, original: Tables
) -> None:
    house.clear()
    mess = Messiness(duplicated=0.2, restated=0.2, contradictory=0.1, late_days=10)
    for _ in feeds.deliveries(sample(), house.feeds, portions=3, messiness=mess):
        house.read(sample())
    assert house.tables(sample()) == original


@pytest.mark.slow
def test_the_order_of_rows_does_not_matter(house: House, original: Tables) -> None:
    company = sample()
    for records in lists(company):
        random.Random(1).shuffle(records)  # noqa: S311
    house.clear()
    feeds.write(company, house.feeds)
    assert house.tables(company) == original


@pytest.mark.slow
def test_every_file_twice_counts_once(house: House, original: Tables) -> None:
    house.clear()
    feeds.write(sample(), house.feeds)
    for path in sorted(house.feeds.iterdir()):
        feed, _, suffix = path.name.partition(".")
        shutil.copy(path, path.with_name(f"{feed}-again.{suffix}"))
    assert house.tables(sample()) == original


@pytest.mark.slow
def test_28_years_later_delivery_and_quality_are_the_same(house: House, original: Tables) -> None:
    """Prices are of their time, so money is left out."""
    later = sample()
    later.starts_on += CALENDAR
    later.as_of += CALENDAR
    for records in lists(later):
        change(records, lambda cell: cell + CALENDAR if isinstance(cell, date) else cell)
    house.clear()
    feeds.write(later, house.feeds)
    found = house.tables(later)
    for name in original:
        if name[0] in ("dora", "quality"):
            back = [
                tuple(cell - CALENDAR if isinstance(cell, date) else cell for cell in row)
                for row in found[name]
            ]
            assert back == original[name], name


@pytest.mark.slow
def test_a_service_by_another_name_is_the_same_service(house: House, original: Tables) -> None:
    company = sample()
    old = company.deployments[0].service_id
    new = f"{old}~"  # sorts where the old one did
    assert not [s for s in company.services if s.service_id.startswith(old) and s.service_id != old]
    for records in (company.services, company.deployments, company.incidents, company.issues):
        change(records, lambda cell: new if cell == old else cell)
    house.clear()
    feeds.write(company, house.feeds)
    found = house.tables(company)
    assert found != original
    for name in original:
        back = [tuple(old if cell == new else cell for cell in row) for row in found[name]]
        assert back == original[name], name


@pytest.mark.slow
def test_the_window_of_extraction_does_not_move_a_link(house: House, original: Tables) -> None:
    """Read up to a day, and read later but seen from that day: the same tables. And what was
    linked by then is linked to the same afterwards; later facts only add."""
    then = sample()
    then.as_of = midnight(then.starts_on + timedelta(days=75))
    house.clear()
    feeds.write(then, house.feeds)
    seen_from_then = house.tables(then)
    for records in lists(then):
        records[:] = [record for record in records if happened(record, then.as_of)]
        change(records, lambda cell: None if is_ahead(cell, then.as_of) else cell)
    house.clear()
    feeds.write(then, house.feeds)
    read_until_then = house.tables(then)
    for name in delivery(read_until_then):
        assert read_until_then[name] == seen_from_then[name], name

    for name, key, link, adds in (
        ("fct_incidents", "incident_id", "deployment_id", False),
        ("fct_changes", "pull_request_id", "deployment_id", True),
        ("fct_deployments", "deployment_id", "is_failed", True),
    ):
        before = linked(house, read_until_then, name, key, link)
        after = linked(house, original, name, key, link)
        assert any(before.values())
        for fact, linked_to in before.items():
            assert after[fact] == linked_to or (adds and not linked_to), (name, fact)


@pytest.mark.slow
def test_one_more_unrelated_service_changes_nothing_elsewhere(
    house: House, original: Tables
) -> None:
    """It has a team, a repository, changes, deployments and incidents of its own."""
    company = sample()
    other = renamed(sample(), "-elsewhere")
    name = other.incidents[0].service_id
    repository = next(s.repository for s in other.services if s.service_id == name)
    theirs = [p for p in other.pull_requests if p.repository == repository]
    assert theirs
    company.teams.append(Team("elsewhere", "Elsewhere"))
    company.services.append(Service(name, "Elsewhere", "elsewhere", repository))
    company.pull_requests += theirs
    company.pull_request_commits += of(other.pull_request_commits, theirs)
    company.reviews += of(other.reviews, theirs)
    company.commits += [c for c in other.commits if c.repository == repository]
    deployments = [d for d in other.deployments if d.service_id == name]
    company.deployments += deployments
    deployed = {d.deployment_id for d in deployments}
    company.deployment_commits += [
        c for c in other.deployment_commits if c.deployment_id in deployed
    ]
    company.incidents += [i for i in other.incidents if i.service_id == name]
    house.clear()
    feeds.write(company, house.feeds)
    found = house.tables(company)
    for table in delivery(original):
        columns = house.columns(table)
        scope = columns.index("scope_type") if "scope_type" in columns else None
        before = set(original[table])
        if scope is not None:
            before = {row for row in before if row[scope] != "organization"}
        assert before <= set(found[table]), table
        assert scope is not None or len(found[table]) > len(original[table]), table


@pytest.mark.slow
def test_everything_twice_doubles_counts_and_leaves_rates_and_medians(
    house: House, original: Tables
) -> None:
    """A second company, the same but for its ids, works in the same teams."""
    company, twin = sample(), renamed(sample(), "-twin")
    twin.teams, twin.identities = [], []
    for ours, theirs in zip(lists(company), lists(twin), strict=True):
        ours += theirs
    house.clear()
    feeds.write(company, house.feeds)
    found = house.tables(company)
    periods = [name for name in delivery(original) if name[1].startswith(PERIOD_TABLES)]
    assert len(periods) > len(PERIOD_TABLES)
    for name in periods:
        columns = house.columns(name)
        now = {key_of(row, columns): row for row in found[name]}
        for row in original[name]:
            if row[columns.index("scope_type")] == "service":
                assert now[key_of(row, columns)] == row, name
                continue
            doubled = now[key_of(row, columns)]
            for column, before, after in zip(columns, row, doubled, strict=True):
                if is_additive(column) and before is not None:
                    assert after == 2 * before, (name, row, column)
                elif not moves_with_size(column, row, columns):
                    same = before if not isinstance(before, float) else pytest.approx(before)
                    assert after == same, (name, row, column)


# What does not double though it counts: days. What moves though it is a figure of one thing:
# a percentile lies between other neighbours; a frequency is a count.
DAYS = ("whole_day_count", "deployment_day_count")
PERIOD_TABLES = ("dora_", "quality_", "lead_time_variants_quarterly")
STATISTICS = ("median_", "p90_", "mean_")
FREQUENCY = ("deployment_frequency_score", "dora_score", "is_small_sample")
IDS = (
    "commit_sha",
    "repository",
    "pull_request_id",
    "review_id",
    "deployment_id",
    "incident_id",
    "issue_id",
    "service_id",
    "ci_run_id",
    "usage_id",
    "invoice_id",
)


def delivery(tables: Tables) -> list[tuple[str, str]]:
    """The names of the tables about delivery and quality."""
    return [name for name in tables if name[0] in ("dora", "quality")]


def is_additive(column: str) -> bool:
    """Whether the column counts something, so that twice as much is twice the figure."""
    if column.startswith(STATISTICS) or column in DAYS:
        return False
    return column.endswith("_count") or column == "deployments_per_week"


def moves_with_size(column: str, row: tuple[Any, ...], columns: list[str]) -> bool:
    """Whether twice as much may move a figure that is no count."""
    if column.startswith("p90_") or column in FREQUENCY:
        return True
    of_frequency = "metric" in columns and row[columns.index("metric")] == "deployment_frequency"
    return of_frequency and column in ("value", "score", "standard_deviations_from_mean", "tier")


def key_of(row: tuple[Any, ...], columns: list[str]) -> tuple[Any, ...]:
    """The scope, the period, and what else tells a row from the others."""
    parts = ("scope_type", "scope_id", "period_start", "variant", "edition", "metric")
    return tuple(row[columns.index(part)] for part in parts if part in columns)


def linked(house: House, tables: Tables, name: str, key: str, link: str) -> dict[Any, Any]:
    """What each fact is linked to, by its own id."""
    columns = house.columns(("dora", name))
    return {row[columns.index(key)]: row[columns.index(link)] for row in tables["dora", name]}


def of(records: list[Any], pull_requests: list[PullRequest]) -> list[Any]:
    """The records of these pull requests."""
    ids = {pull_request.pull_request_id for pull_request in pull_requests}
    return [record for record in records if record.pull_request_id in ids]


def renamed(company: Company, suffix: str) -> Company:
    """The company with another id for everything but its teams, and other people."""
    names = {
        value
        for records in lists(company)
        for record in records
        for field in dataclasses.fields(record)
        if field.name in IDS and isinstance(value := getattr(record, field.name), str)
    }
    shas = re.compile(r"\b[0-9a-f]{40}\b")

    def other(cell: Any) -> Any:
        if isinstance(cell, tuple):
            return tuple(other(part) for part in cell)
        if not isinstance(cell, str):
            return cell
        if cell.endswith("@example.com"):
            return cell.replace("@", f"{suffix}@")
        if shas.fullmatch(cell):
            return flipped(cell)
        return f"{cell}{suffix}" if cell in names else shas.sub(lambda s: flipped(s[0]), cell)

    for records in lists(company):
        change(records, other)
    return company


def flipped(sha: str) -> str:
    """Another commit's hash: the digits the other way round."""
    return sha[::-1]


def midnight(day: date) -> datetime:
    return datetime.combine(day, time())


def is_ahead(cell: Any, as_of: datetime) -> bool:
    return isinstance(cell, datetime) and cell >= as_of


def happened(record: Any, as_of: datetime) -> bool:
    """Whether the record's first moment lies before; a record without moments is of all times."""
    moments = [value for value in values(record) if isinstance(value, datetime)]
    return not moments or min(moments) < as_of


def lists(company: Company) -> list[list[Any]]:
    """The company's feeds."""
    return [value for value in values(company) if isinstance(value, list)]


def values(record: Any) -> list[Any]:
    return [getattr(record, field.name) for field in dataclasses.fields(record)]


def change(records: list[Any], changed: Callable[[Any], Any]) -> None:
    """Changes every cell of the records."""
    for record in records:
        for field in dataclasses.fields(record):
            setattr(record, field.name, changed(getattr(record, field.name)))
