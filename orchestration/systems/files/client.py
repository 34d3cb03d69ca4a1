"""The folder: which file belongs to which feed, and its cells, whatever the format.

Every reader gives chunks of text cells with the line each record stood on. A record that cannot be
split into cells is ``malformed``; a file that cannot be read at all raises ``Unreadable``.
"""

import csv
import gzip
import hashlib
import io
import json
import os
import re
import tempfile
import zlib
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from orchestration.systems.files import Feed

CHUNK_ROWS = 50_000
BLOCK_BYTES = 1 << 23
LINE_BYTES = 1 << 20  # a longer line is refused, and never held in memory
FORMATS = ("csv", "jsonl", "parquet")
DROPPINGS = re.compile(r"^(\.|~\$).*|.*~$|^(thumbs\.db|desktop\.ini)$", re.IGNORECASE)
MAGIC = {
    b"\x1f\x8b": "gzip (its name should end in .gz)",
    b"PK\x03\x04": "a zip archive or an Excel workbook",
    b"\xd0\xcf\x11\xe0": "an old Excel or Word document",
    b"%PDF": "a PDF",
    b"PAR1": "Parquet",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
}
Column = Any  # an Arrow array; its type stubs do not know what compute takes and gives
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Unreadable(Exception):
    """Why nothing of a file can be read, in one line that says what to do."""


@dataclass(frozen=True)
class Source:
    """A file in the folder. Without a ``feed`` it is not read, and ``problem`` says why."""

    path: Path
    scope: str
    feed: "Feed | None" = None
    format: str = ""
    is_gzipped: bool = False
    problem: str = ""

    def digest(self) -> str:
        """The SHA-256 of its bytes. Size and time of a file can stay while its content changes."""
        if not self.path.is_file():
            raise Unreadable("is not a regular file")
        with self.path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()


@dataclass(frozen=True)
class Malformed:
    """A record that has no cells: where it began, why, and how long the line was."""

    line: int
    reason: str
    length: int


@dataclass(frozen=True)
class Chunk:
    """Some records. ``cells``: text, one column per declared column that the file has.
    ``problems``: what the reader itself has against a record, null for nothing."""

    cells: pa.Table
    lines: Column
    problems: Column
    malformed: Sequence[Malformed] = ()


@dataclass
class Header:
    """What the reader learned of the columns."""

    unknown: list[str] = field(default_factory=list)


def find(folder: Path, feeds: Sequence["Feed"]) -> list[Source]:
    """Every file of the folder that somebody put there, in the order of the names."""
    paths = sorted(p for p in folder.rglob("*") if p.is_symlink() or not p.is_dir())
    relative = ((path, path.relative_to(folder)) for path in paths)
    by_name = {feed.name: feed for feed in feeds}
    found = (
        _source(path, inside, by_name)
        for path, inside in relative
        if not any(DROPPINGS.match(part) for part in inside.parts)
    )
    # By scope, since all files of a folder that no feed is named after are one.
    return list({source.scope: source for source in found if source}.values())


def read(source: Source, header: Header) -> Iterator[Chunk]:
    """The file's records. ``header`` is filled when the first chunk is asked for."""
    if source.feed is None or not source.path.is_file():
        raise Unreadable(source.problem or "is not a regular file")
    before = source.path.stat()
    readers = {"csv": _read_csv, "jsonl": _read_json_lines, "parquet": _read_parquet}
    try:
        with source.path.open("rb") as raw:
            opened = gzip.GzipFile(fileobj=raw) if source.is_gzipped else raw
            with io.BufferedReader(opened, 1 << 20) as stream:
                _check_magic(stream.peek(4096)[:4096], source.format)
                yield from readers[source.format](stream, source.feed, header)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise Unreadable("is not whole gzip: it is cut off or damaged; copy it again") from error
    after = source.path.stat()
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise Unreadable("was written to while it was read; run again")


def _source(path: Path, inside: Path, feeds: Mapping[str, "Feed"]) -> Source | None:
    """None for what nobody would take for a feed: another name and another format."""
    scope = _one_line(os.fsencode(inside.as_posix()).decode("utf-8", "backslashreplace"))
    name = path.name.casefold()
    is_gzipped = name.endswith(".gz")
    stem, _, suffix = name.removesuffix(".gz").rpartition(".")
    wanted = (inside.parts[0].casefold() if len(inside.parts) > 1 else stem).split("-")[0]
    if wanted not in feeds:
        if suffix not in FORMATS:
            return None
        nearest = get_close_matches(wanted, feeds, 1, 0)[0]
        problem = f"no feed has this name and it is not read; the nearest is {nearest}"
        folder = scope.split("/")[0] + "/" if len(inside.parts) > 1 else ""
        return Source(path, folder or scope, problem=problem)
    if suffix not in FORMATS:
        problem = "is not read; a feed is a .csv, .jsonl or .parquet file, or one of them with .gz"
        return Source(path, scope, problem=problem)
    return Source(path, scope, feeds[wanted], suffix, is_gzipped)


def _one_line(text: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f]", lambda found: f"\\x{ord(found.group()):02x}", text)


def _check_magic(head: bytes, format: str) -> None:  # noqa: A002
    if not head:
        raise Unreadable("is empty; take it away, or leave its header line for no records")
    for magic, what in MAGIC.items():
        if head.startswith(magic) and not (format == "parquet" and what == "Parquet"):
            raise Unreadable(f"is {what}, not {format}; save it as {format}")
    if format == "parquet" and not head.startswith(b"PAR1"):
        raise Unreadable("is not Parquet; write it again")
    if format != "parquet" and b"\0" in head:
        raise Unreadable(f"is binary or UTF-16, not UTF-8 text; save it as UTF-8 {format}")


def _columns(names: Sequence[str], feed: "Feed", header: Header) -> dict[str, int]:
    """Where each declared column stands. Fills ``header``."""
    normal = [_normalise(name) for name in names]
    declared = {column.name for column in feed.columns}
    for name in normal:
        if name and normal.count(name) > 1:
            raise Unreadable(f"column {name} stands twice in the header; keep one")
    header.unknown = [_one_line(name[:50]) for name in normal if name and name not in declared]
    _require(normal, feed)
    return {name: place for place, name in enumerate(normal) if name in declared}


def _require(names: Sequence[str], feed: "Feed") -> None:
    missing = [c.name for c in feed.columns if c.is_required and c.name not in names]
    if missing:
        word = "columns" if len(missing) > 1 else "column"
        raise Unreadable(f"required {word} {', '.join(missing)} missing; add it to the file")


def _normalise(name: str) -> str:
    return name.strip().casefold()


class _LineTooLong(csv.Error):
    """Raised through csv's reader, which then starts afresh, as it does after its own errors."""


class _TooLong(str):
    """Stands for a line that was passed by; ``length`` counts its bytes."""

    length = 0


class _Lines:
    """The lines of a stream. ``held`` are those of the record being read, so that a record that
    cannot be read costs its first line only: reading goes on with the second one."""

    def __init__(self, stream: IO[bytes]) -> None:
        if stream.peek(3)[:3] == BYTE_ORDER_MARK:  # type: ignore[attr-defined]
            stream.read(3)
        self._stream = stream
        self._block = io.BytesIO()
        self._again: deque[str] = deque()
        self.held: list[str] = []
        self.number = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else self._next_line()
        if not line and not isinstance(line, _TooLong):
            raise StopIteration
        self.number += 1
        self.held.append(line)
        if isinstance(line, _TooLong):
            raise _LineTooLong
        return line

    @property
    def is_in_block(self) -> bool:
        """Whether lines of the block are still to be read."""
        return bool(self._again or self.held or self._block.tell() < self._block.getbuffer().nbytes)

    def next_block(self) -> bytes:
        """The next whole lines, about ``BLOCK_BYTES`` of them. Nothing at the end."""
        block = self._stream.read(BLOCK_BYTES)
        if block and not block.endswith(b"\n"):
            block += self._stream.readline(LINE_BYTES)
        return block

    def read_singly(self, block: bytes) -> None:
        """Gives the block's lines one by one, and then the stream's."""
        self._block = io.BytesIO(block)

    def refuse(self, reason: str) -> Malformed:
        """Gives up the held record's first line; the others are read again."""
        first, *others = self.held
        self._again.extendleft(reversed(others))
        self.number -= len(others)
        self.held.clear()
        if isinstance(first, _TooLong):
            return Malformed(self.number, f"is longer than {LINE_BYTES:,} bytes", first.length)
        return Malformed(self.number, reason, len(first))

    def _next_line(self) -> str:
        line = self._next_bytes()
        if len(line) < LINE_BYTES or line.endswith(b"\n"):
            # A byte that is not UTF-8 becomes a lone surrogate, by which the line is refused.
            return line.decode("utf-8", "surrogateescape")
        marker = _TooLong()
        while line:
            marker.length += len(line)
            line = b"" if line.endswith(b"\n") else self._next_bytes()
        return marker

    def _next_bytes(self) -> bytes:
        return self._block.readline(LINE_BYTES) or self._stream.readline(LINE_BYTES)


def _is_utf8(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _read_csv(stream: IO[bytes], feed: "Feed", header: Header) -> Iterator[Chunk]:
    """Plain blocks (no quote, every line with the header's cells) are split by Arrow, ten times
    faster; a block with anything else in it goes through csv's reader, record by record."""
    lines = _Lines(stream)
    delimiter, names = _csv_header(lines, feed)
    places = _columns(names, feed, header)
    rows = _CsvRows(lines, delimiter, names)
    while block := lines.next_block():
        cells = _plain_cells(block, delimiter, len(names), places)
        if cells is not None:
            first = lines.number + 1
            lines.number += cells.num_rows
            numbers = pa.array(range(first, lines.number + 1), pa.int64())
            yield Chunk(cells, numbers, _nothing(cells.num_rows))
            continue
        lines.read_singly(block)
        while lines.is_in_block:
            yield rows.read(places)


def _plain_cells(
    block: bytes, delimiter: str, width: int, places: Mapping[str, int]
) -> pa.Table | None:
    """The block's cells, or None if it is not plain."""
    has_quote_or_nul = b'"' in block or b"\0" in block
    has_blank_line = block[:1] in b"\r\n" or b"\n\n" in block or b"\n\r\n" in block
    has_stray_line_end = block.count(b"\r") != block.count(b"\r\n")
    if has_quote_or_nul or has_blank_line or has_stray_line_end:
        return None
    columns = [str(place) for place in range(width)]
    try:
        table = pa_csv.read_csv(
            pa.BufferReader(block),  # type: ignore[arg-type]  # any Arrow file will do
            pa_csv.ReadOptions(column_names=columns, block_size=len(block) + 1),
            pa_csv.ParseOptions(delimiter=delimiter, quote_char=False),
            pa_csv.ConvertOptions(
                column_types=dict.fromkeys(columns, pa.string()),
                include_columns=[str(place) for place in places.values()],
                strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid:
        return None
    return table.rename_columns(list(places))


class _CsvRows:
    """Records through csv's reader."""

    def __init__(self, lines: _Lines, delimiter: str, names: Sequence[str]) -> None:
        self._lines, self._width = lines, len(names)
        self._reader = csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=True)

    def read(self, places: Mapping[str, int]) -> Chunk:
        """Records that begin in the block, at most ``CHUNK_ROWS``."""
        lines, held = self._lines, self._lines.held
        rows: list[list[str]] = []
        starts: list[int] = []
        malformed: list[Malformed] = []
        while lines.is_in_block and len(rows) + len(malformed) < CHUNK_ROWS:
            try:
                row = next(self._reader)
            except csv.Error:
                malformed.append(lines.refuse("quotes that do not close, or a stray line end"))
                continue
            start = lines.number - len(held) + 1
            if row and len(row) != self._width:
                wrong = "more" if len(row) > self._width else "fewer"
                malformed.append(lines.refuse(f"{wrong} cells than the header"))
                continue
            if row and all(map(_is_utf8, held)):
                rows.append(row)
                starts.append(start)
            elif row:
                malformed.append(Malformed(start, "is not UTF-8", sum(map(len, held))))
            held.clear()
        columns = {name: list(map(itemgetter(place), rows)) for name, place in places.items()}
        return _chunk(columns, starts, [None] * len(rows), malformed)


def _csv_header(lines: _Lines, feed: "Feed") -> tuple[str, list[str]]:
    """The delimiter that finds most declared columns, and the names it finds."""
    declared = {column.name for column in feed.columns}
    try:
        first = next(line for line in lines if line.strip())
    except (StopIteration, csv.Error):
        raise Unreadable("has no header line; write the column names first") from None
    lines.held.clear()
    if not _is_utf8(first):
        raise Unreadable("is not UTF-8 text; save it as UTF-8")
    if "\r" in first.rstrip("\r\n"):
        raise Unreadable("has line ends that are CR alone; save it with LF or CRLF")
    found = []
    for delimiter in ",;\t":
        try:
            names = next(csv.reader([first.strip("\r\n")], delimiter=delimiter, strict=True))
        except csv.Error:
            continue
        found.append((len(declared.intersection(map(_normalise, names))), delimiter, names))
    if not found:
        raise Unreadable("has a header line whose quotes do not close")
    _, delimiter, names = max(found, key=itemgetter(0))
    return delimiter, names


class _Pairs(list[tuple[str, Any]]):
    """A JSON object as it stands in the text, a name given twice included."""


def _refuse_constant(text: str) -> Any:
    raise ValueError(text)


_decode = json.JSONDecoder(
    object_pairs_hook=_Pairs,
    parse_float=str,  # the digits as written: a float would change them
    parse_int=str,
    parse_constant=_refuse_constant,
).decode


def _read_json_lines(stream: IO[bytes], feed: "Feed", header: Header) -> Iterator[Chunk]:
    lines = _Lines(stream)
    lists = {column.name: column.type == "list" for column in feed.columns}
    columns: dict[str, list[str | None]] = {name: [] for name in lists}
    starts: list[int] = []
    problems: list[str | None] = []
    malformed: list[Malformed] = []
    normal: dict[str, str] = {}
    has_records = False
    while True:
        try:
            line = next(lines)
        except StopIteration:
            break
        except _LineTooLong:
            malformed.append(lines.refuse("is not JSON"))
            continue
        if not line.strip():
            lines.held.clear()
            continue
        record = _json_record(line)
        if isinstance(record, str):
            malformed.append(lines.refuse(record))
        else:
            has_records = True
            problem = None
            cells: dict[str, str | None] = {}
            for given, value in record:
                name = normal.get(given)
                if name is None:
                    name = normal[given] = _normalise(given)
                if name not in lists:
                    continue
                if name in cells:
                    problem = f"{name} stands twice"
                cells[name], wrong = _json_cell(value, lists[name])
                if wrong:
                    problem = f"{name} is {wrong}"
            for name, column in columns.items():
                column.append(cells.get(name))
            starts.append(lines.number)
            problems.append(problem)
            lines.held.clear()
        if len(starts) == CHUNK_ROWS or len(malformed) == CHUNK_ROWS:
            yield _chunk(columns, starts, problems, malformed)
            columns = {name: [] for name in lists}
            starts, problems, malformed = [], [], []
    names = list(dict.fromkeys(normal.values()))
    header.unknown = [_one_line(name[:50]) for name in names if name not in lists]
    if has_records:
        _require(names, feed)
    yield _chunk(columns, starts, problems, malformed)


def _json_record(line: str) -> _Pairs | str:
    """The object of a line, or why there is none."""
    try:
        record = _decode(line)
        if "\\u" in line or not line.isascii():
            json.dumps(record, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return "is not UTF-8"
    except (ValueError, RecursionError):
        return "is not JSON"
    return record if isinstance(record, _Pairs) else "is not a JSON object"


def _json_cell(value: Any, is_list: bool) -> tuple[str | None, str]:
    """A JSON value as a cell, and what is wrong with it."""
    if value is None or isinstance(value, str):
        return value, ""
    if isinstance(value, bool):
        return str(value).lower(), ""
    if not is_list or isinstance(value, _Pairs):
        return None, "a nested value"
    if not all(isinstance(item, str) and ";" not in item for item in value):
        return None, "a list of something other than text without ';'"
    return ";".join(value), ""


def _read_parquet(stream: IO[bytes], feed: "Feed", header: Header) -> Iterator[Chunk]:
    with tempfile.TemporaryFile() as copy:
        try:
            if isinstance(getattr(stream, "raw", None), gzip.GzipFile):
                for block in iter(partial(stream.read, 1 << 20), b""):
                    copy.write(block)  # Parquet is read from its end, which gzip cannot do
                stream = copy
            file = pq.ParquetFile(stream)
            names = file.schema_arrow.names
            places = _columns(names, feed, header)
            lists = {column.name for column in feed.columns if column.type == "list"}
            row = 1
            wanted = [names[place] for place in places.values()]
            for batch in file.iter_batches(CHUNK_ROWS, columns=wanted, use_threads=False):
                cells, problems = {}, [_nothing(batch.num_rows)]
                for name, place in places.items():
                    column = batch.column(names[place])
                    cells[name], wrong = _parquet_cells(column, name, name in lists)
                    problems.append(wrong)
                lines = pa.array(range(row, row + batch.num_rows), pa.int64())
                row += batch.num_rows
                yield Chunk(
                    pa.table(cells) if cells else pa.table({}), lines, pc.coalesce(*problems)
                )
        except (pa.ArrowException, OSError) as error:
            raise Unreadable("is not whole Parquet: it cannot be read; write it again") from error


def _parquet_cells(column: Column, name: str, is_list: bool) -> tuple[Column, Column]:
    """A column as text, and what is wrong with each value of it."""
    nothing = _nothing(len(column))
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.dictionary_decode()
        kind = column.type
    if pa.types.is_floating(kind):
        return _floating_cells(column.cast(pa.float64()), name)
    if pa.types.is_timestamp(kind):
        # Nanoseconds are cut to microseconds, as they are in text.
        zone = "Z" if kind.tz else ""
        moments = column.cast(pa.timestamp("us", "UTC") if kind.tz else pa.timestamp("us"), False)
        return pc.strftime(moments, f"%Y-%m-%dT%H:%M:%S{zone}"), nothing
    if is_list and kind in (pa.list_(pa.string()), pa.large_list(pa.string())):
        wrong = [
            f"{name} is a list of something other than text without ';'"
            if items is not None and any(item is None or ";" in item for item in items)
            else None
            for items in column.to_pylist()
        ]
        joined = pc.binary_join(column.cast(pa.list_(pa.string())), ";")
        return joined, pa.array(wrong, pa.string())
    is_plain = (
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_integer(kind)
        or pa.types.is_boolean(kind) or pa.types.is_decimal(kind) or pa.types.is_date(kind)
        or pa.types.is_null(kind)
    )  # fmt: skip
    if not is_plain:
        raise Unreadable(f"column {name} holds {kind}, which is not read; write it as text")
    return column.cast(pa.string()), nothing


def _nothing(count: int) -> Column:
    return pa.nulls(count, pa.string())


def _floating_cells(column: Column, name: str) -> tuple[Column, Column]:
    """Whole numbers as such (an integer column with holes is often stored as double); any other
    float is not what somebody wrote down, and is refused."""
    is_whole: Column = pc.and_(
        pc.and_(pc.is_finite(column), pc.less(pc.abs(column), pa.scalar(float(1 << 53)))),
        pc.equal(pc.floor(column), column),
    )
    is_whole = pc.fill_null(is_whole, True)
    whole = pc.if_else(is_whole, column, None).cast(pa.int64()).cast(pa.string())
    wrong = pc.if_else(is_whole, None, f"{name} is a float, which is not exact")
    return whole, wrong.cast(pa.string())


def _chunk(
    columns: Mapping[str, Sequence[str | None]],
    lines: Sequence[int],
    problems: Sequence[str | None],
    malformed: Sequence[Malformed],
) -> Chunk:
    cells = {name: pa.array(column, pa.string()) for name, column in columns.items()}
    return Chunk(
        pa.table(cells), pa.array(lines, pa.int64()), pa.array(problems, pa.string()), malformed
    )
