"""Feeds of a simulated company read back as the same company, however messily they arrive."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from orchestration.identity import Identity
from orchestration.lake import Batch, Lake
from orchestration.simulation import feeds
from orchestration.simulation.records import Company
from orchestration.simulation.worlds import Messiness
from orchestration.systems.files import FEEDS, STREAMS, Column, Feed, FilesSettings, extract
from tests.conftest import SALT
from tests.unit.simulation.test_feeds import MESS, RECORDS, company


def expected(feed: Feed, column: Column, given: Any) -> Any:
    """What of a record's value should stand in the lake."""
    identity = Identity(SALT)
    cell = getattr(given, column.name)
    if column.type == "person":
        system = given.system if column.name == "handle" else "files"
        return identity.person(cell, system)
    return ";".join(cell) or None if column.type == "list" else cell


def read(folder: Path, home: Path) -> Lake:
    lake = Lake(home)
    lake.ensure(STREAMS)
    outcomes = list(extract(lake, Identity(SALT), FilesSettings(folder=folder)))
    assert outcomes
    assert not [outcome for outcome in outcomes if outcome.status == "failed"]
    return lake


def batches(lake: Lake) -> Iterator[Batch]:
    for stream in STREAMS:
        yield from lake.batches(stream)


def landed(lake: Lake, feed: Feed) -> Counter[tuple[Any, ...]]:
    """The feed's records as its files give them: the newest file's of each key."""
    found: dict[Any, tuple[Any, ...]] = {}
    names = [column.lands_as or column.name for column in feed.columns if column.type != "text"]
    for batch in sorted(lake.standing(feed.stream), key=lambda batch: batch.batch_id):
        for place, row in enumerate(pq.read_table(batch.path).to_pylist()):
            if not row["_is_deleted"]:
                key = tuple(row[name] for name in feed.key) or (batch.batch_id, place)
                found[key] = tuple(row[name] for name in names)
    return Counter(found.values())


def assert_reads_back(lake: Lake, given: Company) -> None:
    for feed in FEEDS:
        columns = [column for column in feed.columns if column.type != "text"]
        records = getattr(given, feed.name)
        assert landed(lake, feed) == Counter(
            tuple(expected(feed, column, record) for column in columns) for record in records
        ), feed.name


def test_what_is_written_reads_back(tmp_path: Path) -> None:
    feeds.write(company(), tmp_path / "feeds")
    lake = read(tmp_path / "feeds", tmp_path / "home")
    assert sum(batch.rows_quarantined for batch in batches(lake)) == 0
    assert_reads_back(lake, company())


@pytest.fixture(scope="module")
def messy(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Lake]:
    """A messy folder, and the lake that it gives in one go."""
    folder = tmp_path_factory.mktemp("messy")
    feeds.write(company(), folder / "feeds", MESS)
    return folder / "feeds", read(folder / "feeds", folder / "home")


def test_messy_files_read_back_as_the_same_company(messy: tuple[Path, Lake]) -> None:
    assert_reads_back(messy[1], company())


def test_messy_files_are_messy(messy: tuple[Path, Lake]) -> None:
    folder, lake = messy
    for feed in FEEDS:
        assert len(list(folder.glob(f"{feed.name}-*"))) > 1
    reasons = Counter[str]()
    for batch in batches(lake):
        reasons.update(batch.reasons)
    assert {
        "merged_at is before created_at", "duplicate key pull_request_id",
        "amount is not a plain number of at most 9 decimal places", "created_at is not a time",
        "fewer cells than the header", "is not JSON", "vendor is empty",
        "state is not one of approved, changes_requested, commented, dismissed",
    } <= set(reasons)  # fmt: skip
    heads = [path.read_bytes()[:3] for path in folder.iterdir()]
    assert b"\xef\xbb\xbf" in heads
    assert any(b";" in path.read_bytes().splitlines()[0] for path in folder.glob("*.csv"))


def test_a_restated_record_comes_first_as_it_was_known_then(messy: tuple[Path, Lake]) -> None:
    """Some additions are told one too many first; the lake has them right in the end."""
    _, lake = messy
    stream = next(feed.stream for feed in FEEDS if feed.name == "pull_requests")
    told: dict[str, list[int]] = {}
    for batch in lake.batches(stream):
        for row in pq.read_table(batch.path).to_pylist():
            if row["additions"] is not None:
                told.setdefault(row["pull_request_id"], []).append(row["additions"])
    restated = [numbers for numbers in told.values() if len(set(numbers)) > 1]
    assert len(restated) > 3
    assert all(numbers[0] == numbers[-1] + 1 for numbers in restated)


@pytest.mark.parametrize("messiness", [None, MESS], ids=["clean", "messy"])
def test_read_portion_by_portion_it_is_the_same_company(
    tmp_path: Path, messiness: Messiness | None
) -> None:
    counts = []
    for _ in feeds.deliveries(company(), tmp_path / "feeds", 3, messiness):
        lake = read(tmp_path / "feeds", tmp_path / "home")
        counts.append(sum(landed(lake, FEEDS[5]).values()))
    assert 0 < counts[0] < counts[1] < counts[2] == RECORDS
    assert_reads_back(lake, company())


def test_the_lake_form_is_what_the_feeds_give(tmp_path: Path) -> None:
    feeds.write_lake(company(), tmp_path, SALT)
    assert_reads_back(Lake(tmp_path), company())
