"""A company as the files its people would drop in a folder: clean, grown by and by, or messy.

A feed becomes an Arrow table with the types that its declaration gives (systems/files), and that
table a file. The same company gives the same bytes. What a mess adds stands for no event of the
company: every record can still be read, once, as it is in the company.
"""

import gzip
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from operator import attrgetter
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from orchestration.identity import Identity
from orchestration.lake import Lake, LakeError
from orchestration.simulation.records import Company
from orchestration.simulation.worlds import Messiness
from orchestration.systems import files
from orchestration.systems.files import FEEDS, Column, Feed

PORTIONS = 4
ARROW_TYPES = {
    "timestamp": pa.timestamp("s"),
    "date": pa.date32(),
    "month": pa.date32(),
    "integer": pa.int64(),
    "boolean": pa.bool_(),
}  # any other is text, money too: Arrow would pad it with zeros
CSV_ROWS = 100_000  # turned to text at a time


@dataclass(frozen=True)
class Style:
    """How a file is written. ``suffix`` names the format; the others are for CSV."""

    suffix: str
    delimiter: str = ","
    line_end: str = "\n"
    has_byte_order_mark: bool = False


PLAIN = Style("csv")
# The biggest as Parquet, which lands fastest, and one each of what else can be read.
STYLES = {
    "ai_usage": Style("parquet"),
    "commits": Style("parquet"),
    "ai_activity": Style("csv.gz"),
    "incidents": Style("jsonl"),
}
ODD_STYLES = (
    Style("csv", ";", "\r\n", has_byte_order_mark=True),
    Style("csv.gz", "\t"),
    Style("jsonl.gz"),
    Style("parquet"),
    PLAIN,
)
CUT_OFF = "the end is miss"  # the last line of an odd file: fewer cells than any header has
# What happened, in contrast to who and what there is: the latter is kept in order by hand.
EVENTS = (
    "commits", "pull_requests", "reviews", "deployments", "incidents", "issues", "ai_usage",
    "ai_activity", "ci_runs",
)  # fmt: skip
CONTRADICTIONS = {
    "integer": "several",
    "decimal": "a lot",
    "boolean": "maybe",
    "timestamp": "1/2/2026",
    "date": "1/2/2026",
    "month": "1/2/2026",
}

Row = list[str | None]


def write(company: Company, folder: Path, messiness: Messiness | None = None) -> None:
    """Writes every feed that has records; messy ones over several files each."""
    if messiness:
        for _ in deliveries(company, folder, messiness=messiness):
            pass  # all of them, and nobody looks in between
        return
    folder.mkdir(parents=True, exist_ok=True)
    for feed in FEEDS:
        _save(_table(company, feed), folder, feed.name, STYLES.get(feed.name, PLAIN))


def write_lake(company: Company, home: Path, salt: str, messiness: Messiness | None = None) -> None:
    """Lands the company in ``home`` as `valuemaxx run` would read it from a folder of feeds.
    Raises LakeError if a file could not be read."""
    lake = Lake(home, clock=lambda: company.as_of)
    lake.ensure(files.STREAMS)
    with tempfile.TemporaryDirectory() as folder:
        write(company, Path(folder), messiness)
        settings = files.FilesSettings(folder=Path(folder))
        for outcome in files.extract(lake, Identity(salt), settings):
            if outcome.status == "failed":
                raise LakeError(f"{outcome.scope}: {outcome.message}")


def deliveries(
    company: Company,
    folder: Path,
    portions: int = PORTIONS,
    messiness: Messiness | None = None,
) -> Iterator[int]:
    """Fills the folder in steps, oldest records first, and yields the number of each step (from 1)
    when it is done. After the last one the folder holds all that ``write`` would write.

    Clean feeds are whole exports that grow: each step writes them anew, as they stood at its end.
    Messy feeds are one more file for each step; earlier files stay as they are.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if messiness:
        messy = [_MessyFeed(company, feed, portions, messiness) for feed in FEEDS]
        for portion in range(portions):
            for number, lines in enumerate(messy):
                lines.save(folder, portion, ODD_STYLES[(number + portion) % len(ODD_STYLES)])
            yield portion + 1
        return
    length = (company.as_of - _midnight(company.starts_on)) / portions
    for portion in range(1, portions):
        moment = _midnight(company.starts_on) + portion * length
        for feed in FEEDS:
            known = _known_at(moment.replace(microsecond=0), feed, _table(company, feed))
            _save(known, folder, feed.name, STYLES.get(feed.name, PLAIN))
        yield portion
    write(company, folder)
    yield portions


def half_empty(company: Company, share: float) -> None:
    """Empties half of the optional cells of a ``share`` of what happened. This changes the
    company: what was never written down is not known to anybody."""
    for feed in FEEDS:
        if feed.name not in EVENTS:
            continue
        random = Random(f"{company.seed}/half_empty/{feed.name}")  # noqa: S311  (no secret)
        optional = _optional(feed)
        for record in getattr(company, feed.name):
            if random.random() < share:
                for column in random.sample(optional, len(optional) // 2):
                    setattr(record, column.name, () if column.type == "list" else None)


def _table(company: Company, feed: Feed) -> pa.Table:
    """The feed's records, a column for each that is declared, with its type."""
    records = getattr(company, feed.name)
    return pa.table(
        {
            column.name: _arrow(column, list(map(attrgetter(column.name), records)))
            for column in feed.columns
        }
    )


def _arrow(column: Column, values: list[Any]) -> Any:
    if column.type == "decimal":
        values = [None if value is None else format(value, "f") for value in values]
    elif column.type == "list":
        values = [";".join(value) for value in values]
    return pa.array(values, ARROW_TYPES.get(column.type, pa.string()))


def _known_at(moment: datetime, feed: Feed, rows: pa.Table) -> pa.Table:
    """What an export at the moment would have held: records of before it, and of their other
    times those that had come. Without a date, all."""
    if feed.dated_by is None:
        return rows
    rows = rows.filter(pc.less(rows[feed.dated_by], _as(rows[feed.dated_by].type, moment)))
    for place, name in enumerate(rows.column_names):
        column: Any = rows[name]
        if pa.types.is_temporal(column.type):
            has_come = pc.less(column, _as(column.type, moment))
            required = name not in [c.name for c in _optional(feed)]
            kept = column if required else pc.if_else(has_come, column, None)
            rows = rows.set_column(place, name, kept)
    return rows


def _as(kind: pa.DataType, moment: datetime) -> Any:
    return pa.scalar(moment.date() if pa.types.is_date(kind) else moment, kind)


def _optional(feed: Feed) -> list[Column]:
    """The columns that may be empty and are no part of the key."""
    return [c for c in feed.columns if not c.is_required and c.name not in feed.key]


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001  (UTC, as all records)


class _MessyFeed:
    """A feed's lines as they arrive, portion by portion.

    A key's newest file decides, and within a file its first line. So an older version comes in an
    earlier file than the record itself, and whatever comes twice is the same both times. Records
    without a key would count twice and come once.
    """

    def __init__(self, company: Company, feed: Feed, portions: int, messiness: Messiness) -> None:
        self._feed = feed
        self._names = [column.name for column in feed.columns]
        self._random = Random(f"{company.seed}/delivery/{feed.name}")  # noqa: S311  (no secret)
        self._lines: list[list[Row]] = [[] for _ in range(portions)]
        days = (company.as_of.date() - company.starts_on).days + 1
        rows = zip(*(_cells(c).to_pylist() for c in _table(company, feed).columns), strict=True)
        for record, row in zip(getattr(company, feed.name), rows, strict=True):
            dated = getattr(record, feed.dated_by) if feed.dated_by else None
            day = (dated or company.starts_on).toordinal() - company.starts_on.toordinal()
            late = self._random.randint(0, messiness.late_days)
            portion = min(max(day + late, 0) * portions // days, portions - 1)
            self._deliver(list(row), portion, messiness)

    def save(self, folder: Path, portion: int, style: Style) -> None:
        """Writes the portion's file, its lines in any order, the first file twice."""
        lines = self._lines[portion]
        self._random.shuffle(lines)
        columns = zip(*lines, strict=True)
        table = pa.table(
            {n: pa.array(c, pa.string()) for n, c in zip(self._names, columns, strict=False)}
        )
        _save(table, folder, f"{self._feed.name}-{portion + 1}", style, CUT_OFF)
        if portion == 0:
            _save(table, folder, f"{self._feed.name}-1 (copy)", style, CUT_OFF)

    def _deliver(self, row: Row, portion: int, messiness: Messiness) -> None:
        here = self._lines[portion]
        later = self._lines[self._random.randint(portion, len(self._lines) - 1)]
        draw = self._random.random() if self._feed.key else 1.0
        is_restated = draw < messiness.restated and later is not here
        here.append(self._older(row) if is_restated else self._with_line_end(row))
        if draw < messiness.restated + messiness.duplicated:
            later.append(self._with_line_end(row))
        if self._random.random() < messiness.contradictory:
            here.append(self._contradictory(row))

    def _older(self, row: Row) -> Row:
        """The record as it was first known: numbers off by one, other optional cells empty."""
        older = row.copy()
        for column in _optional(self._feed):
            place = self._names.index(column.name)
            cell = older[place]
            is_number = column.type == "integer" and cell is not None
            older[place] = str(int(cell or 0) + 1) if is_number else None
        return older

    def _contradictory(self, row: Row) -> Row:
        """A line about the same record that cannot be true."""
        wrong = [
            (column.name, CONTRADICTIONS[column.type])
            for column in self._feed.columns
            if column.type in CONTRADICTIONS
        ]
        wrong += [(column.name, "unheard of") for column in self._feed.columns if column.values]
        wrong += [(column.name, "") for column in self._feed.columns if column.is_required]
        required = [column.name for column in self._feed.columns if column.is_required]
        wrong += [
            (later, "2001-01-01") for earlier, later in self._feed.ordered if earlier in required
        ]
        name, cell = self._random.choice(wrong)
        return [cell if n == name else c for n, c in zip(self._names, row, strict=True)]

    def _with_line_end(self, row: Row) -> Row:
        """Every tenth title, of which no more than its beginning is read, with a second line."""
        if self._feed.name != "pull_requests" or self._random.random() > 0.1:
            return row
        place = self._names.index("title")
        return [*row[:place], f'{row[place]}\r\nand "more", with care', *row[place + 1 :]]


def _save(rows: pa.Table, folder: Path, name: str, style: Style, last_line: str = "") -> None:
    """Writes a file, unless it would hold no record: nobody exports nothing."""
    if rows.num_rows == 0:
        return
    path = folder / f"{name}.{style.suffix}"
    if style.suffix == "parquet":
        pq.write_table(rows, path, compression="zstd")
        return
    text = _json_lines(rows) if style.suffix.startswith("jsonl") else _csv(rows, style)
    content = (text + last_line).encode("utf-8-sig" if style.has_byte_order_mark else "utf-8")
    if style.suffix.endswith(".gz"):
        content = gzip.compress(content, 1, mtime=0)
    path.write_bytes(content)


def _csv(rows: pa.Table, style: Style) -> str:
    lines = [style.delimiter.join(rows.column_names)]
    for batch in rows.to_batches(CSV_ROWS):
        cells = [
            _quoted(column, style.delimiter) if pa.types.is_string(column.type) else _cells(column)
            for column in batch.columns
        ]
        joined: Any = pc.binary_join_element_wise(
            *cells, style.delimiter, null_handling="replace", null_replacement=""
        )
        lines += joined.to_pylist()
    return style.line_end.join([*lines, ""])


def _json_lines(rows: pa.Table) -> str:
    columns = [
        column.to_pylist()
        if pa.types.is_integer(column.type) or pa.types.is_boolean(column.type)
        else _cells(column).to_pylist()
        for column in rows.columns
    ]
    names: Sequence[str] = rows.column_names
    records = (
        {name: cell for name, cell in zip(names, row, strict=True) if cell is not None}
        for row in zip(*columns, strict=True)
    )
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def _cells(column: Any) -> Any:
    """The column as text: times in ISO 8601 with a Z."""
    if not pa.types.is_timestamp(column.type):
        return column.cast(pa.string())
    # Four times as fast as strftime.
    spaced = column.cast(pa.string())
    return pc.binary_join_element_wise(pc.utf8_replace_slice(spaced, 10, 11, "T"), "Z", "")


def _quoted(cells: Any, delimiter: str) -> Any:
    is_special: Any = pc.match_substring_regex(cells, f'["\r\n{delimiter}]')
    if not pc.any(is_special).as_py():
        return cells
    doubled: Any = pc.replace_substring(cells, '"', '""')
    return pc.if_else(is_special, pc.binary_join_element_wise('"', doubled, '"', ""), cells)
