"""The log files: which there are, which one is which, and their lines a piece at a time.

A log is known by how it begins, not by its name: rotation renames, compression rewrites, and
copytruncate starts another log under the old name. No piece of a log is ever written to a file
with a name, so that a killed run leaves no prompt behind.
"""

import contextlib
import glob
import hashlib
import itertools
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

HEAD_BYTES = 1 << 16
PIECE_BYTES = 1 << 27
BLOCK_BYTES = 1 << 18  # what a processor holds close by
LINE_BYTES = 14 << 20  # a longer line is refused; DuckDB takes 16 MB, a block more than this
PIECE_ROWS = 500_000
SAMPLE_LINES, SAMPLE_BYTES = 1000, 1 << 22
COMPRESSIONS: dict[str, Literal["gzip", "zstd"]] = {".gz": "gzip", ".zst": "zstd"}
WILD = re.compile(r"[*?\[]")


class Unreadable(Exception):
    """Why nothing more of a file can be read, in one line that says what to do."""


@dataclass(frozen=True)
class Log:
    """A log file. ``head`` names the log whatever the file is called; it is empty as long as the
    file holds no whole line. ``name`` is for people."""

    path: Path
    name: str
    head: str
    size: int
    changed_ns: int
    problem: str = ""

    @property
    def is_packed(self) -> bool:
        """Whether it is compressed."""
        return self.path.suffix in COMPRESSIONS

    @property
    def is_parquet(self) -> bool:
        """Whether it is Parquet; everything else is JSON lines."""
        return self.path.suffix == ".parquet"

    @property
    def version(self) -> str:
        """Changes when the file does."""
        return f"{self.size}-{self.changed_ns}"


@dataclass(frozen=True)
class Piece:
    """Some whole lines, in a file without a name, or some rows of a Parquet file. ``first_line``
    counts when it is asked, as few pieces have anything to tell of."""

    first_line: Callable[[], int]
    lines: str = ""
    rows: pa.Table | None = None
    too_long: Sequence[tuple[int, int]] = ()  # how many lines stand before it, and its length


@dataclass
class Tail:
    """What stood at the end of a log that could not be read yet."""

    note: str = ""
    is_cut_off: bool = False


def find(pattern: str) -> list[Log]:
    """The files that match a pattern (``**`` = any folders), in the order of their names."""
    wild = WILD.search(pattern)
    root = Path(pattern[: wild.start()] + "x").parent if wild else Path(pattern).parent
    paths = sorted(p for p in map(Path, _matches(pattern)) if p.is_file())
    return [_log(path, path.relative_to(root).as_posix()) for path in paths]


def _matches(pattern: str) -> list[str]:
    return glob.glob(pattern, recursive=True)  # noqa: PTH207  (an absolute pattern)


def pieces(
    log: Log, columns: Sequence[str], tail: Tail, begin: Callable[[Piece], None] | None = None
) -> Iterator[Piece]:
    """The log's whole lines, about ``PIECE_BYTES`` at a time; what a piece points to is gone when
    the next one is asked for. A last line without a line end is not whole. ``begin`` is told of
    each piece one before it is given. Raises Unreadable."""
    with contextlib.ExitStack() as held:
        found = _parquet_pieces(log, columns) if log.is_parquet else _line_pieces(log, tail, held)
        waiting = None
        for piece in found:
            if begin:
                begin(piece)
            if waiting:
                yield waiting
            waiting = piece
        if waiting:
            yield waiting


def _line_pieces(log: Log, tail: Tail, held: contextlib.ExitStack) -> Iterator[Piece]:
    """The lines, in three files by turns: one is worked on, one is begun, one is being filled."""
    stream, again = held.enter_context(_opened(log.path)), held.enter_context(_opened(log.path))
    files = itertools.cycle([held.enter_context(_nameless()) for _ in range(3)])
    beside = held.enter_context(ThreadPoolExecutor(1))
    counter = _Counter(again)
    offset, is_last = 0, False
    file = next(files)
    filling = beside.submit(_fill, file, stream, b"")
    while not is_last:
        filled, full = filling.result(), file
        is_last = filled.is_last
        if not is_last:
            file = next(files)
            filling = beside.submit(_fill, file, stream, filled.rest)
        if filled.passed:
            place = partial(counter.line_at, offset)
            yield Piece(place, f"/dev/fd/{full.fileno()}", too_long=filled.too_long)
        offset += filled.passed
    if stream.is_cut_off:
        tail.is_cut_off = True
        tail.note = "is cut off, damaged or still being written; what stands before that is read"
    elif filled.rest:
        tail.note = "its last line has no line end yet and is left for the next run"


def sample(log: Log) -> list[dict[str, Any]]:
    """The objects among the first lines."""
    with _opened(log.path) as stream:
        lines = stream.read(SAMPLE_BYTES).split(b"\n")[:-1][:SAMPLE_LINES]
    found = []
    for line in lines:
        with contextlib.suppress(ValueError, RecursionError):
            record = json.loads(line)
            if isinstance(record, dict):
                found.append(record)
    return found


def parquet_schema(log: Log) -> pa.Schema:
    """The columns of a Parquet file. Raises Unreadable."""
    try:
        return pq.read_schema(log.path)
    except (pa.ArrowException, OSError):
        raise Unreadable(
            "is not whole Parquet: still being written, or damaged; what it gave before stays"
        ) from None


def lines_of(piece: Piece, places: Set[int]) -> dict[int, tuple[int, int]]:
    """Line number and length of lines, by their place (from 1) among those that are not blank."""
    if piece.rows is not None:
        return {place: (piece.first_line() + place - 1, 0) for place in places}
    found, place, first_line = {}, 0, piece.first_line()
    with Path(piece.lines).open("rb") as stream:
        for offset, line in enumerate(stream):
            if line.strip():
                place += 1
                if place in places:
                    found[place] = (first_line + offset, len(line.rstrip(b"\r\n")))
    return found


class _Stream:
    """A file's bytes, unpacked. A packed file that is cut off ends where it is cut."""

    def __init__(self, path: Path) -> None:
        self.is_cut_off = False
        self._path = path
        self._packing = COMPRESSIONS.get(path.suffix)
        self._source = self._open()
        self._given = 0

    def _open(self) -> Any:
        if self._packing is None:
            return self._path.open("rb")
        return pa.CompressedInputStream(pa.OSFile(str(self._path), "rb"), self._packing)

    def read(self, size: int) -> bytes:
        """At most ``size`` bytes; nothing at the end."""
        if self.is_cut_off:
            return b""
        try:
            block: bytes = self._source.read(size)
        except (OSError, pa.ArrowException):
            block = self._up_to_the_cut()
        self._given += len(block)
        return block

    def _up_to_the_cut(self) -> bytes:
        """What is left before the cut: bytes already unpacked are lost when a read fails."""
        self.is_cut_off = True
        found = bytearray()
        with self._open() as again, contextlib.suppress(OSError, pa.ArrowException):
            left = self._given
            while left and (block := again.read(min(left, BLOCK_BYTES))):
                left -= len(block)
            while byte := again.read(1):
                found += byte
        return bytes(found)

    def close(self) -> None:
        self._source.close()


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[_Stream]:
    try:
        stream = _Stream(path)
    except (OSError, pa.ArrowException):
        raise Unreadable("could not be opened; let this program read it") from None
    with contextlib.closing(stream):
        yield stream


def _log(path: Path, name: str) -> Log:
    state = path.stat()
    head, start, problem = "", b"", ""
    try:
        with _opened(path) as stream:
            while len(start) < HEAD_BYTES and (block := stream.read(HEAD_BYTES - len(start))):
                start += block
    except Unreadable as error:
        problem = str(error)
    if path.suffix != ".parquet" and len(start) < HEAD_BYTES:
        start = start[: start.rfind(b"\n") + 1]
    if start:
        head = hashlib.sha256(start).hexdigest()[:24]
    return Log(path, name, head, state.st_size, state.st_mtime_ns, problem)


def _nameless() -> IO[bytes]:
    """A file that is gone with its process: in memory where the system has such a thing."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("piece"), "r+b", buffering=0)
    return tempfile.TemporaryFile(buffering=0)


@dataclass(frozen=True)
class _Filled:
    """What was put into a piece: the bytes passed, how the next line begins, the lines that are
    too long, and whether that was all."""

    passed: int
    rest: bytes
    too_long: Sequence[tuple[int, int]]
    is_last: bool


class _Counter:
    """Counts the lines before a place, in a stream of its own."""

    def __init__(self, stream: _Stream) -> None:
        self._stream = stream
        self._offset, self._lines = 0, 0

    def line_at(self, offset: int) -> int:
        """The number of the line that begins at an offset; offsets never step back."""
        while self._offset < offset:
            block = self._stream.read(min(BLOCK_BYTES, offset - self._offset))
            self._offset += len(block)
            self._lines += block.count(b"\n")
        return self._lines + 1


def _fill(piece: IO[bytes], stream: _Stream, rest: bytes) -> _Filled:
    """Writes whole lines into ``piece``, ``rest`` being how the first one begins."""
    piece.seek(0)
    written = more = 0
    too_long: list[tuple[int, int]] = []
    is_last = False
    while written < PIECE_BYTES and not is_last:
        block = stream.read(BLOCK_BYTES)
        is_last = not block
        if b"\n" not in block and len(rest) + len(block) > LINE_BYTES:
            length, block = _pass_by(stream, len(rest) + len(block))
            more += length
            too_long.append((_lines_in(piece, written), length))
            rest = b"\n"  # it stays as an empty line, so that those after it keep their numbers
        end = block.rfind(b"\n") + 1
        if end or rest == b"\n":
            piece.write(rest)
            piece.write(memoryview(block)[:end])
            written += len(rest) + end
            rest = block[end:]
        else:
            rest += block
    piece.truncate(written)
    return _Filled(written + more, rest, too_long, is_last)


def _lines_in(piece: IO[bytes], end: int) -> int:
    piece.truncate(end)
    piece.seek(0)
    count = sum(block.count(b"\n") for block in iter(partial(piece.read, BLOCK_BYTES), b""))
    piece.seek(end)
    return count


def _pass_by(stream: _Stream, length: int) -> tuple[int, bytes]:
    """Reads to the end of a line that is too long; its length, and what follows of the block."""
    while block := stream.read(BLOCK_BYTES):
        line, end, rest = block.partition(b"\n")
        length += len(line)
        if end:
            return length, rest
    return length, b""


def _parquet_pieces(log: Log, columns: Sequence[str]) -> Iterator[Piece]:
    row = 1
    try:
        with pq.ParquetFile(log.path) as file:
            for batch in file.iter_batches(PIECE_ROWS, columns=list(columns)):
                table = pa.Table.from_batches([batch])
                yield Piece(partial(int, row), rows=table)
                row += batch.num_rows
    except (pa.ArrowException, OSError):
        raise Unreadable("is not whole Parquet: it cannot be read; write it again") from None
