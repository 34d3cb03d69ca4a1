"""The lake: immutable typed Parquet batches, and the only state that extraction has.

A batch is one file of one stream, scope and window::

    <home>/lake/<system>/<stream>/<scope>__<window>__<batch id>.parquet

It is written under a temporary name, synced and renamed: there whole or not at all. What has been
read, with which fingerprint, how many rows came, landed and were refused stands in the name and in
the file's footer. Refused records go to ``<home>/quarantine``, one JSON line each, with the reason.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Literal, Self
from urllib.parse import quote

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

FieldType = Literal[
    "string", "person", "list", "integer", "decimal", "boolean", "date", "timestamp"
]

ARROW_TYPES: dict[str, pa.DataType] = {
    "string": pa.string(),
    "person": pa.string(),  # a keyed hash (identity.py), never a name
    "list": pa.string(),  # values joined by ';', in the order given
    "integer": pa.int64(),
    "decimal": pa.decimal128(28, 9),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),  # UTC without a zone: no session setting moves a day
}
PLUMBING = pa.schema(
    [
        (name, ARROW_TYPES[kind])
        for name, kind in (
            ("_scope", "string"),
            ("_window_start", "timestamp"),
            ("_window_end", "timestamp"),
            ("_batch_id", "string"),
            ("_extracted_at", "timestamp"),
            ("_is_deleted", "boolean"),
        )
    ]
)
# The same words in every row are written as codes, which is faster and takes no memory.
_CODED_PLUMBING = pa.schema(
    [
        (f.name, pa.dictionary(pa.int32(), f.type) if f.type == pa.string() else f.type)
        for f in PLUMBING
    ]
)
FOOTER_KEY = b"valuemaxx"
WINDOW_TIME = "%Y%m%dT%H%M%SZ"


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


class LakeError(Exception):
    """What the lake cannot do, in one line: what happened, where, what to do."""


@dataclass(frozen=True)
class Field:
    """One column of a stream. ``description`` ends in the unit where there is one. ``is_large``:
    a value may be megabytes, so that there are no statistics of it."""

    name: str
    type: FieldType
    description: str
    is_large: bool = False


@dataclass(frozen=True)
class Stream:
    """What a system lands, one Parquet schema.

    ``key``: the columns that name a record; a batch holds each key once. Empty = keyless.
    ``fold``: ``keyed`` = the newest record of a key wins, ``_is_deleted`` removes it;
    ``replaced`` = the newest batch of a scope and window stands for it, earlier ones are silent,
    and where two scopes still give one key the one whose name sorts last wins.
    ``dated_by``: the field whose newest value says how fresh the stream is.
    """

    system: str
    name: str
    grain: str
    key: tuple[str, ...]
    fold: Literal["keyed", "replaced"]
    fields: tuple[Field, ...]
    dated_by: str | None = None

    @property
    def schema(self) -> pa.Schema:
        """The declared columns, without plumbing."""
        return pa.schema([(f.name, ARROW_TYPES[f.type]) for f in self.fields])

    @property
    def lake_schema(self) -> pa.Schema:
        """The declared columns, then the plumbing: what every batch of the stream has."""
        return pa.schema([*self.schema, *PLUMBING])

    @property
    def digest(self) -> str:
        """Changes when the declaration does: what was landed under another one is read again."""
        text = repr((self.key, self.fold, [(f.name, f.type) for f in self.fields]))
        return hashlib.sha256(text.encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Window:
    """The half-open stretch of time a batch covers, in UTC; without ends, all of the scope."""

    start: datetime | None = None
    end: datetime | None = None

    def __str__(self) -> str:
        if self.start is None or self.end is None:
            return "whole"
        return f"{self.start.strftime(WINDOW_TIME)}-{self.end.strftime(WINDOW_TIME)}"

    @classmethod
    def parse(cls, text: str) -> "Window":
        """Reads what ``str`` wrote."""
        if text == "whole":
            return cls()
        ends = (datetime.strptime(t, WINDOW_TIME).replace(tzinfo=UTC) for t in text.split("-"))
        return cls(*ends)


WHOLE = Window()


@dataclass(frozen=True)
class Outcome:
    """What became of one scope (a file, a repository) in a run, for people to read.

    ``landed``: read, and the lake has it; ``unchanged``: nothing new; ``warning``: read, but
    somebody should look; ``missing``: it was there before and is not now; ``failed``: not read.
    ``message`` is one line without a person in it: what happened, where, what to do.
    """

    system: str
    scope: str
    status: Literal["landed", "unchanged", "warning", "missing", "failed"]
    message: str = ""


@dataclass(frozen=True)
class Batch:
    """One committed batch, as its name and footer tell it."""

    path: Path
    scope: str
    window: Window
    batch_id: str
    fingerprint: str
    extracted_at: datetime
    rows_read: int
    rows_landed: int
    rows_quarantined: int
    reasons: Mapping[str, int]
    newest_record_at: datetime | None


class BatchWriter:
    """Collects one batch; ``with`` commits it, an exception leaves no trace of it.
    ``rows_landed`` and ``reasons`` (of what was refused) count as it goes."""

    def __init__(
        self, lake: "Lake", stream: Stream, scope: str, window: Window, fingerprint: str
    ) -> None:
        self.stream, self.scope, self.window = stream, scope, window
        self.batch_id = lake.next_batch_id(stream)
        self._fingerprint = fingerprint
        self._extracted_at = lake.clock()
        name = f"{_encode(scope)}__{window}__{self.batch_id}"
        self._target = lake.folder(stream) / f"{name}.parquet"
        self._partial = self._target.with_name(f".{name}.partial")
        self._quarantine = lake.quarantine_folder(stream) / f"{name}.jsonl"
        self._hold: IO[bytes] | None = None
        self._refused: IO[str] | None = None
        self.rows_landed = 0
        self.reasons: Counter[str] = Counter()
        self._newest: datetime | None = None
        self._sink: pq.ParquetWriter | None = None

    def __enter__(self) -> Self:
        self._target.parent.mkdir(parents=True, exist_ok=True)
        self._hold = _held(self._partial)
        # The coding is not told to readers: to them the columns have the declared types.
        coded = pa.schema([*self.stream.schema, *_CODED_PLUMBING])
        large = {field.name for field in self.stream.fields if field.is_large}
        self._sink = pq.ParquetWriter(
            self._partial, coded, compression="zstd", store_schema=False,
            write_statistics=[name for name in coded.names if name not in large],
        )  # fmt: skip
        return self

    def append(self, rows: pa.Table | pa.RecordBatch, is_deleted: bool = False) -> None:
        """Lands rows with the stream's declared columns (any order, exact types)."""
        table = pa.table(rows) if isinstance(rows, pa.RecordBatch) else rows
        table = table.select(self.stream.schema.names).cast(self.stream.schema)
        self._write(table, is_deleted)
        if not is_deleted:
            self.rows_landed += table.num_rows
            self._date(table)

    def append_records(
        self, records: Sequence[Mapping[str, Any]], is_deleted: bool = False
    ) -> None:
        """Lands plain dicts; a missing name is null."""
        self.append(pa.Table.from_pylist(list(records), self.stream.schema), is_deleted)

    def refuse(self, record: Mapping[str, Any], reason: str, place: str, count: int = 1) -> None:
        """Puts a record aside. ``record`` must already be free of people; ``place`` says where it
        stood (file and line, page and id); ``count`` is how many records the line stands for."""
        if self._refused is None:
            self._quarantine.parent.mkdir(parents=True, exist_ok=True)
            self._refused = self._quarantine.open("w", encoding="utf-8")
        line = {"reason": reason, "place": place, "count": count, "record": dict(record)}
        self._refused.write(json.dumps(line, default=str, ensure_ascii=False) + "\n")
        self.reasons[reason] += count

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._commit()
        finally:
            if self._sink is not None:
                with contextlib.suppress(OSError, pa.ArrowException):
                    self._sink.close()
            if self._refused is not None:
                self._refused.close()
            self._partial.unlink(missing_ok=True)
            if self._hold is not None:
                self._hold.close()
            if not self._target.exists():
                self._quarantine.unlink(missing_ok=True)

    def _commit(self) -> None:
        if self.stream.fold == "replaced" and self.rows_landed == 0:
            # Without a row SQL could not see that this batch silences the earlier ones.
            empty = {name: [None] for name in self.stream.schema.names}
            self._write(pa.table(empty, self.stream.schema), is_deleted=True)
        if self._refused is not None:
            self._refused.flush()
            os.fsync(self._refused.fileno())
        quarantined = sum(self.reasons.values())
        footer = {
            "scope": self.scope,
            "fingerprint": self._fingerprint,
            "extracted_at": self._extracted_at.isoformat(),
            "rows_read": self.rows_landed + quarantined,
            "rows_landed": self.rows_landed,
            "rows_quarantined": quarantined,
            "reasons": dict(self.reasons.most_common(20)),
            "newest_record_at": self._newest.isoformat() if self._newest else None,
        }
        assert self._sink is not None  # noqa: S101  (entered)
        self._sink.add_key_value_metadata({FOOTER_KEY.decode(): json.dumps(footer)})
        self._sink.close()
        self._sink = None
        _sync(self._partial)
        self._partial.replace(self._target)
        _sync(self._target.parent)

    def _write(self, table: pa.Table, is_deleted: bool) -> None:
        plumbing: tuple[Any, ...] = (
            self.scope,
            _naive(self.window.start),
            _naive(self.window.end),
            self.batch_id,
            self._extracted_at,
            is_deleted,
        )
        for column, value in zip(_CODED_PLUMBING, plumbing, strict=True):
            table = table.append_column(column, _repeated(value, column.type, table.num_rows))
        assert self._sink is not None  # noqa: S101  (entered)
        self._sink.write_table(table)

    def _date(self, table: pa.Table) -> None:
        if self.stream.dated_by is None or table.num_rows == 0:
            return
        moments: Any = table[self.stream.dated_by].cast(pa.timestamp("us"))
        newest: datetime | None = pc.max(moments).as_py()
        if newest is not None and (self._newest is None or newest > self._newest):
            self._newest = newest


@dataclass
class Lake:
    """The batches under ``<home>/lake`` and the quarantine beside them. ``clock`` says what time
    it is (UTC, without a zone): a simulated company's stands still, so that it is the same bytes.
    """

    home: Path
    clock: Callable[[], datetime] = _now
    _numbers: dict[str, int] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def folder(self, stream: Stream) -> Path:
        """Where the stream's batches lie."""
        return self.home / "lake" / stream.system / stream.name

    def quarantine_folder(self, stream: Stream) -> Path:
        """Where the stream's refused records lie, one JSON-lines file per batch."""
        return self.home / "quarantine" / stream.system / stream.name

    def ensure(self, streams: Sequence[Stream]) -> None:
        """Gives every stream a 0-row batch with its schema, so that SQL always finds the table.
        Sweeps away what a killed run left half written, and leaves alone what a living one writes:
        dbt lays these batches too, whenever somebody starts it."""
        for stream in streams:
            folder = self.folder(stream)
            folder.mkdir(parents=True, exist_ok=True)
            for partial in folder.glob(".*.partial"):
                _sweep(partial)
            target = folder / f"schema__whole__00000000-{stream.digest}.parquet"
            if not target.exists():
                partial = folder / f".{target.stem}-{os.getpid()}.partial"
                with _held(partial):
                    pq.write_table(stream.lake_schema.empty_table(), partial)
                    _sync(partial)
                    partial.replace(target)
                for older in set(folder.glob("schema__whole__00000000-*.parquet")) - {target}:
                    older.unlink(missing_ok=True)
            names = {path.stem.removeprefix(".") for path in folder.iterdir()}
            for refused in self.quarantine_folder(stream).glob("*.jsonl"):
                if refused.stem not in names:
                    refused.unlink(missing_ok=True)

    def batches(self, stream: Stream) -> list[Batch]:
        """Every committed batch but the schema's, oldest first. A file that is not a batch is
        moved to ``<home>/set_aside`` so that what it covered is read again: see ``set_aside``."""
        found = []
        for path in sorted(self.folder(stream).glob("*.parquet")):
            if path.name.startswith("schema__whole__00000000-"):
                continue
            try:
                found.append(_read_batch(path))
            except (ValueError, KeyError, OSError, pa.ArrowException):
                self._set_aside(stream, path)
        return sorted(found, key=lambda b: b.batch_id)

    def newest(self, stream: Stream) -> dict[str, Batch]:
        """The newest batch of each scope."""
        return {batch.scope: batch for batch in self.batches(stream)}

    def standing(self, stream: Stream) -> list[Batch]:
        """The batches whose rows still count: of a ``replaced`` stream the newest of each scope
        and window, of a ``keyed`` one all."""
        if stream.fold == "keyed":
            return self.batches(stream)
        return [*{(b.scope, b.window): b for b in self.batches(stream)}.values()]

    def set_aside(self) -> list[Path]:
        """Broken batches that were moved out of the lake."""
        return sorted((self.home / "set_aside").rglob("*.parquet"))

    def writing(
        self, stream: Stream, scope: str, window: Window = WHOLE, fingerprint: str = ""
    ) -> BatchWriter:
        """A batch to fill: ``with lake.writing(…) as batch: batch.append(…)``. ``fingerprint``
        is kept in the footer and says what was read (a content hash, a set of refs)."""
        return BatchWriter(self, stream, scope, window, fingerprint)

    def current(self, stream: Stream, scope: str, columns: Sequence[str] | None = None) -> pa.Table:
        """The scope's rows as its batches fold: the newest of each key, deletions gone. Without
        plumbing."""
        names = list(columns or stream.schema.names)
        files = [str(b.path) for b in self.batches(stream) if b.scope == scope]
        if not files:
            return pa.schema([stream.schema.field(n) for n in names]).empty_table()
        listed = ", ".join(f'"{n}"' for n in names)
        with duckdb.connect() as connection:
            # A batch written before the stream got a new column lacks it: null.
            connection.register("declared", stream.lake_schema.empty_table())
            landed = connection.read_parquet(files, union_by_name=True)  # noqa: F841
            batches = "(select * from declared union all by name select * from landed)"
            fold = f"select {listed} from ({_fold(stream, batches)})"  # noqa: S608
            rows: pa.Table = connection.sql(fold).to_arrow_table()
            return rows

    def write_changes(
        self, stream: Stream, scope: str, rows: pa.Table, fingerprint: str = ""
    ) -> int:
        """Lands what is different between the scope's full picture ``rows`` and what the lake has
        of it: new and changed records, and a deletion for each key that is gone. For keyed
        streams. Returns the number of rows landed. Nothing different commits an empty batch, which
        carries the fingerprint, unless the newest one carries it already."""
        rows = rows.select(stream.schema.names).cast(stream.schema)
        known = self.current(stream, scope)
        # A part of a key may be null, and stays the same key then.
        same = " and ".join(f'known."{k}" is not distinct from seen."{k}"' for k in stream.key)
        with duckdb.connect() as connection:
            connection.register("seen", rows)
            connection.register("known", known)
            changed = connection.sql("from seen except from known order by all").to_arrow_table()
            gone = connection.sql(
                f"select known.* from known anti join seen on {same} order by all"  # noqa: S608
            ).to_arrow_table()
        count: int = changed.num_rows + gone.num_rows
        newest = self.newest(stream).get(scope)
        if count or newest is None or newest.fingerprint != fingerprint:
            with self.writing(stream, scope, fingerprint=fingerprint) as batch:
                batch.append(changed)
                batch.append(gone, is_deleted=True)
        return count

    def next_batch_id(self, stream: Stream) -> str:
        """``<number>-<time>``. The number orders batches, so a clock set back cannot."""
        with self._lock:
            name = f"{stream.system}/{stream.name}"
            if name not in self._numbers:
                numbers = (
                    int(path.stem.rsplit("__", 1)[-1].split("-")[0])
                    for path in self.folder(stream).glob("*__*__*.parquet")
                )
                self._numbers[name] = max(numbers, default=0)
            self._numbers[name] += 1
            return f"{self._numbers[name]:08d}-{self.clock():%Y%m%dT%H%M%S%f}"

    def _set_aside(self, stream: Stream, path: Path) -> None:
        target = self.home / "set_aside" / stream.system / stream.name / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        path.replace(target)


@contextlib.contextmanager
def run_lock(home: Path) -> Iterator[None]:
    """Holds ``<home>/run.lock``: one run at a time. The system drops it when its owner dies."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "run.lock").open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            owner = lock.read().strip() or "unknown"
            raise LakeError(
                f"another run (process {owner}) is at work in {home}; wait for it to end"
            ) from None
        lock.seek(0)
        lock.truncate()
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _fold(stream: Stream, relation: str) -> str:
    """The fold of ``macros/latest.sql``, for Python's side of the door."""
    keys = ", ".join(f'"{k}"' for k in stream.key)
    rows = f"select * from {relation}"  # noqa: S608  (names are declared, not given)
    if stream.fold == "replaced":
        rows += (
            " qualify _batch_id = max(_batch_id)"
            " over (partition by _scope, _window_start, _window_end)"
        )
    if keys:
        rows = (
            f"select * from ({rows})"  # noqa: S608
            f" qualify row_number() over (partition by {keys} order by _batch_id desc) = 1"
        )
    return f"select * from ({rows}) where not _is_deleted"  # noqa: S608


def _read_batch(path: Path) -> Batch:
    _, window, batch_id = path.stem.rsplit("__", 2)
    footer = json.loads((pq.read_metadata(path).metadata or {})[FOOTER_KEY])
    newest = footer["newest_record_at"]
    return Batch(
        path=path,
        scope=footer["scope"],
        window=Window.parse(window),
        batch_id=batch_id,
        fingerprint=footer["fingerprint"],
        extracted_at=datetime.fromisoformat(footer["extracted_at"]),
        rows_read=footer["rows_read"],
        rows_landed=footer["rows_landed"],
        rows_quarantined=footer["rows_quarantined"],
        reasons=footer["reasons"],
        newest_record_at=datetime.fromisoformat(newest) if newest else None,
    )


def _encode(scope: str) -> str:
    """A scope as part of a file name: readable, and short enough for a file system."""
    name = re.sub("__", "%5F%5F", quote(scope, safe=" "))
    if len(name) > 150:
        name = name[:120] + "~" + hashlib.sha256(scope.encode()).hexdigest()[:16]
    return name


def _naive(moment: datetime | None) -> datetime | None:
    return moment.astimezone(UTC).replace(tzinfo=None) if moment else None


def _held(partial: Path) -> IO[bytes]:
    """Opens a file that is being written. The lock on it says that its writer lives: the system
    drops it with the process."""
    hold = partial.open("ab")
    fcntl.flock(hold, fcntl.LOCK_EX)
    return hold


def _sweep(partial: Path) -> None:
    with contextlib.suppress(FileNotFoundError, BlockingIOError), partial.open("rb") as left:
        fcntl.flock(left, fcntl.LOCK_EX | fcntl.LOCK_NB)
        partial.unlink()


def _repeated(value: Any, kind: Any, count: int) -> Any:
    if not pa.types.is_dictionary(kind):
        return pa.repeat(pa.scalar(value, kind), count)
    codes = pa.repeat(pa.scalar(0, kind.index_type), count)
    return pa.DictionaryArray.from_arrays(codes, pa.array([value], kind.value_type))


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
