"""Every feed, in every format, with every kind of fault: what is declared is what happens."""

import csv
import gzip
import io
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.identity import Identity
from orchestration.lake import Lake, Outcome
from orchestration.systems.files import FEEDS, Column, Feed, FilesSettings, extract

IDENTITY = Identity("a salt for tests")
FEEDS_BY_NAME = {feed.name: feed for feed in FEEDS}
every_feed = pytest.mark.parametrize("feed", FEEDS, ids=[feed.name for feed in FEEDS])
Row = dict[str, str]


class Desk:
    """A folder of feeds and the lake it is read into."""

    def __init__(self, home: Path) -> None:
        self.folder = home / "feeds"
        self.folder.mkdir()
        self.lake = Lake(home / "home")

    def write(self, name: str, content: str | bytes) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)

    def run(self, **options: bool) -> dict[str, Outcome]:
        settings = FilesSettings(folder=self.folder)
        return {o.scope: o for o in extract(self.lake, IDENTITY, settings, **options)}

    def landed(self, feed: str, scope: str) -> list[dict[str, Any]]:
        return self.lake.current(FEEDS_BY_NAME[feed].stream, scope).to_pylist()

    def quarantined(self, feed: str, scope: str) -> list[dict[str, Any]]:
        stream = FEEDS_BY_NAME[feed].stream
        batch = self.lake.newest(stream)[scope]
        path = self.lake.quarantine_folder(stream) / f"{batch.path.stem}.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def good(feed: Feed, number: int = 1) -> Row:
    """A record that fits, every column filled; ``number`` makes its key another one."""
    later = {name for _, name in feed.ordered}
    return {
        column.name: _good_cell(column, number, column.name in later) for column in feed.columns
    }


def _good_cell(column: Column, number: int, is_later: bool) -> str:
    day = f"20{20 + number:02}-01-0{6 if is_later else 5}"
    if column.name == "value":
        return "4"
    if column.values:
        return column.values[0]
    return {
        "string": f"{column.name}-{number}",
        "word": f"Word-{number}",
        "person": f"Ann.{number}@Example.com",
        "text": "any text",
        "list": "one;two",
        "integer": "3",
        "decimal": "0.5",
        "boolean": "Yes",
        "date": day,
        "month": day[:7],
        "timestamp": f"{day}T10:00:00+02:00",
    }[column.type]


def expected(feed: Feed, row: Row) -> dict[str, Any]:
    """What of a good record is landed, by the words of the contract."""
    conversions: dict[str, Callable[[str], Any]] = {
        "string": str,
        "word": str.lower,
        "person": lambda cell: IDENTITY.person(cell, "files"),
        "list": str,
        "integer": int,
        "decimal": Decimal,
        "boolean": lambda cell: cell == "Yes",
        "date": date.fromisoformat,
        "month": lambda cell: date.fromisoformat(f"{cell}-01"),
        "timestamp": lambda cell: datetime.fromisoformat(cell).astimezone(UTC).replace(tzinfo=None),
    }
    landed = {
        column.lands_as or column.name: conversions[column.type](row[column.name])
        for column in feed.columns
        if column.type != "text"
    }
    flags = {
        "author_is_bot": False, "reviewer_is_bot": False, "ai_evidence_rules": None,
        "reverted_commit_shas": None, "is_revert": False, "is_hotfix": False,
        "title_type": None,
        "value": Decimal(4),
    }  # fmt: skip
    return landed | {field.name: flags[field.name] for field in feed.derived}


def as_csv(rows: Sequence[Mapping[str, str]], delimiter: str = ",") -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def as_json_lines(feed: Feed, rows: Sequence[Row]) -> str:
    """Numbers as numbers, lists as lists: what a program would write."""
    kinds = {column.name: column.type for column in feed.columns}

    def value(name: str, cell: str) -> Any:
        if kinds[name] == "list":
            return cell.split(";")
        if kinds[name] == "boolean":
            return cell == "Yes"
        return float(cell) if kinds[name] in ("integer", "decimal") else cell

    return "".join(json.dumps({n: value(n, c) for n, c in row.items()}) + "\n" for row in rows)


def as_parquet(feed: Feed, rows: Sequence[Row]) -> bytes:
    """The types a program would choose: dates, zoned timestamps, decimals, lists."""
    types: dict[str, tuple[pa.DataType, Callable[[str], Any]]] = {
        "list": (pa.list_(pa.string()), lambda cell: cell.split(";")),
        "integer": (pa.float64(), float),  # as pandas stores an integer column with holes
        "decimal": (pa.decimal128(12, 3), Decimal),
        "boolean": (pa.bool_(), lambda cell: cell == "Yes"),
        "date": (pa.date32(), date.fromisoformat),
        "timestamp": (pa.timestamp("ns", "Europe/Berlin"), datetime.fromisoformat),
    }
    columns = {}
    for column in feed.columns:
        kind, convert = types.get(column.type, (pa.string(), str))
        columns[column.name] = pa.array([convert(row[column.name]) for row in rows], kind)
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


@every_feed
def test_good_record_lands_as_declared(desk: Desk, feed: Feed) -> None:
    rows = [good(feed, 1), good(feed, 2)]
    desk.write(f"{feed.name}.csv", as_csv(rows))

    outcome = desk.run()[f"{feed.name}.csv"]

    assert (outcome.status, outcome.message) == ("landed", "2 records")
    landed = desk.landed(feed.name, f"{feed.name}.csv")
    assert sorted(landed, key=str) == sorted((expected(feed, row) for row in rows), key=str)


@every_feed
def test_every_format_gives_the_same_records(desk: Desk, feed: Feed) -> None:
    rows = [good(feed, number) for number in range(1, 4)]
    turned = [dict(reversed(row.items())) for row in rows]
    files: dict[str, str | bytes] = {
        "comma.csv": as_csv(rows),
        "semicolon.csv": "\ufeff" + as_csv(turned, ";"),
        "tab.csv": as_csv(rows, "\t").replace("\r\n", "\n"),
        "lines.jsonl": as_json_lines(feed, rows),
        "table.parquet": as_parquet(feed, rows),
    }
    files |= {
        f"{name}.gz": gzip.compress(content.encode() if isinstance(content, str) else content + b"")
        for name, content in files.items()
    }
    for name, content in files.items():
        desk.write(f"{feed.name}-{name}", content)

    outcomes = desk.run()

    assert {o.status for o in outcomes.values()} == {"landed"}, outcomes
    assert len(outcomes) == 10
    wanted = sorted((expected(feed, row) for row in rows), key=str)
    for scope in outcomes:
        assert sorted(_each_scope(desk, feed, scope), key=str) == wanted, scope


def _each_scope(desk: Desk, feed: Feed, scope: str) -> list[dict[str, Any]]:
    # Read from the batch itself: the fold of a feed lets one file have each key.
    batch = desk.lake.newest(feed.stream)[scope]
    return pq.read_table(batch.path).select(feed.stream.schema.names).to_pylist()


@every_feed
def test_optional_columns_may_be_absent_or_empty(desk: Desk, feed: Feed) -> None:
    required = [c.name for c in feed.columns if c.is_required]
    whole = good(feed)
    blank = {name: cell if name in required else " " for name, cell in whole.items()}
    desk.write(f"{feed.name}-absent.csv", as_csv([{n: whole[n] for n in required}]))
    desk.write(f"{feed.name}-empty.csv", as_csv([blank]) + "\n")

    assert {o.status for o in desk.run().values()} == {"landed"}
    for name in ("absent", "empty"):
        (record,) = _each_scope(desk, feed, f"{feed.name}-{name}.csv")
        for column in feed.columns:
            if column.type != "text" and not column.is_required:
                assert record[column.lands_as or column.name] is None


@every_feed
def test_missing_required_column_fails_and_keeps_what_was_there(desk: Desk, feed: Feed) -> None:
    required = [c.name for c in feed.columns if c.is_required]
    rows = [good(feed)]
    for name in required:
        desk.write(f"{feed.name}-{name}.csv", as_csv(rows))
    # Each of the first files has its own bytes, or all but one would be a copy of it.
    for number, name in enumerate(required):
        desk.write(f"{feed.name}-{name}.csv", as_csv(rows) + "\n" * number)
    assert {o.status for o in desk.run().values()} == {"landed"}

    for name in required:
        without = [{n: c for n, c in row.items() if n != name} for row in rows]
        desk.write(f"{feed.name}-{name}.csv", as_csv(without))

    outcomes = desk.run()
    for name in required:
        scope = f"{feed.name}-{name}.csv"
        outcome = outcomes[scope]
        assert outcome.status == "failed"
        assert f"column {name} missing" in outcome.message
        assert "stays" in outcome.message
        assert _each_scope(desk, feed, scope) == [expected(feed, rows[0])]


@every_feed
def test_missing_required_column_fails_in_every_format(desk: Desk, feed: Feed) -> None:
    name = next(c.name for c in feed.columns if c.is_required)
    rows = [{n: c for n, c in good(feed).items() if n != name}]
    others = Feed(feed.name, feed.grain, (), tuple(c for c in feed.columns if c.name != name))
    desk.write(f"{feed.name}.csv", as_csv(rows))
    desk.write(f"{feed.name}.jsonl", as_json_lines(feed, rows))
    desk.write(f"{feed.name}.parquet", as_parquet(others, rows))

    outcomes = desk.run()

    assert len(outcomes) == 3
    for outcome in outcomes.values():
        assert outcome.status == "failed"
        assert f"required column {name} missing" in outcome.message
    assert desk.lake.batches(feed.stream) == []


WRONG = {
    "integer": ("much", "1e3", "12.5", "NaN", "10000000000000000000", "1_000", "0x1F", "١"),
    "decimal": ("much", "1e3", "0.0000000001", "NaN", "Infinity", "1,5", "12345678901234567890"),
    "boolean": ("maybe", "2", "-1"),
    "date": (
        "soon", "2026-02-30", "1/2/2026", "20260102", "infinity", "epoch", "1969-12-31",
        "2200-01-01",
    ),
    "month": ("soon", "2026-13", "202601", "January 2026"),
    "timestamp": (
        "now", "epoch", "infinity", "1/2/2026", "20260102", "2026-01-02T25:00:00Z",
        "2026-02-29T00:00:00Z", "2026-01-02T03:04:05+99:00", "1767225600", "1969-12-31T23:59:59Z",
        "2200-01-01T00:00:00Z",
    ),
}  # fmt: skip


@every_feed
def test_wrong_type_is_quarantined_with_its_column(desk: Desk, feed: Feed) -> None:
    rows, columns = [], []
    for column in feed.columns:
        for wrong in WRONG.get(column.type, ("another word",) if column.values else ()):
            rows.append(good(feed, len(rows) % 70 + 1) | {column.name: wrong})
            columns.append(column.name)
    if not rows:
        assert {column.type for column in feed.columns} <= {"string", "word", "person", "text"}
        return
    desk.write(f"{feed.name}.csv", as_csv(rows))

    desk.run()

    assert desk.landed(feed.name, f"{feed.name}.csv") == []
    refused = desk.quarantined(feed.name, f"{feed.name}.csv")
    # The header is line 1, so the first record stands on line 2.
    assert [r["place"] for r in refused] == [f"{feed.name}.csv:{n + 2}" for n in range(len(rows))]
    for record, row, name in zip(refused, rows, columns, strict=True):
        assert record["reason"].startswith(f"{name} is not "), (row[name], record["reason"])
        assert record["record"][name] == row[name]


@every_feed
def test_empty_required_cell_is_quarantined(desk: Desk, feed: Feed) -> None:
    required = [c.name for c in feed.columns if c.is_required]
    desk.write(
        f"{feed.name}.csv",
        as_csv([good(feed, number + 1) | {name: " "} for number, name in enumerate(required)]),
    )

    desk.run()

    reasons = [r["reason"] for r in desk.quarantined(feed.name, f"{feed.name}.csv")]
    assert reasons == [f"{name} is empty" for name in required]


@every_feed
def test_number_out_of_bounds_is_quarantined(desk: Desk, feed: Feed) -> None:
    rows, reasons = [], []
    for column in feed.columns:
        for bound, step, word in ((column.minimum, -1, "below"), (column.maximum, 1, "above")):
            if bound is not None:
                rows.append(good(feed, len(rows) + 1) | {column.name: str(bound + step)})
                reasons.append(f"{column.name} is {word} {bound}")
    rows.append(good(feed, len(rows) + 1))
    desk.write(f"{feed.name}.csv", as_csv(rows))

    desk.run()

    assert [r["reason"] for r in desk.quarantined(feed.name, f"{feed.name}.csv")] == reasons
    assert desk.landed(feed.name, f"{feed.name}.csv") == [expected(feed, rows[-1])]


@every_feed
def test_first_record_of_a_key_stays(desk: Desk, feed: Feed) -> None:
    second = good(feed, 2)
    names = {c.lands_as or c.name: c.name for c in feed.columns}
    rows = [good(feed, 1), second, good(feed, 1), good(feed, 3)]
    desk.write(f"{feed.name}.csv", as_csv(rows))

    desk.run()

    landed = desk.landed(feed.name, f"{feed.name}.csv")
    refused = desk.quarantined(feed.name, f"{feed.name}.csv")
    if not feed.key:
        assert (len(landed), refused) == (4, [])
        return
    assert sorted(landed, key=str) == sorted((expected(feed, rows[n]) for n in (0, 1, 3)), key=str)
    assert [r["reason"] for r in refused] == [
        f"duplicate key {', '.join(names[name] for name in feed.key)}"
    ]
    assert refused[0]["place"] == f"{feed.name}.csv:4"
    assert refused[0]["record"]["first_line"] == 2


@every_feed
def test_end_before_its_start_is_quarantined(desk: Desk, feed: Feed) -> None:
    before = {"timestamp": "2019-01-01T00:00:00Z", "date": "2019-01-01"}
    kinds = {column.name: column.type for column in feed.columns}
    rows = [
        good(feed, number) | {later: before[kinds[later]]}
        for number, (_, later) in enumerate(feed.ordered, 1)
    ]
    equal = good(feed, 9)
    for earlier, later in feed.ordered:
        equal |= {later: equal[earlier]}
    desk.write(f"{feed.name}.csv", as_csv([*rows, equal]))

    desk.run()

    reasons = [r["reason"] for r in desk.quarantined(feed.name, f"{feed.name}.csv")]
    assert reasons == [f"{later} is before {earlier}" for earlier, later in feed.ordered]
    assert desk.landed(feed.name, f"{feed.name}.csv") == [expected(feed, equal)]


@every_feed
def test_no_person_is_written_anywhere(desk: Desk, feed: Feed) -> None:
    """Neither landed nor quarantined: not in a person's column, not in any other, not in text."""
    address = "grace.hopper@navy.example"
    row = {name: address for name in good(feed)}
    mixed = good(feed) | {c.name: f"<{address}>" for c in feed.columns if c.type == "string"}
    unknown = {"who": address, address: address}
    desk.write(f"{feed.name}-{address}.csv", as_csv([row | unknown, mixed | unknown]))
    desk.write(f"{feed.name}.csv", as_csv([row | unknown]) + f"{address},{address}\n")

    outcomes = desk.run()

    for path in desk.lake.home.rglob("*"):
        assert "hopper" not in path.name
        if path.suffix == ".parquet":
            assert "hopper" not in str(pq.read_table(path).to_pylist()), path
            assert "hopper" not in str(pq.read_metadata(path).metadata), path
        elif path.is_file():
            assert "hopper" not in path.read_text(), path
    assert "hopper" not in str(outcomes)
