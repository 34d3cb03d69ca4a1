"""Counts a log's requests, each once, a piece at a time, and sums them up by person and day."""

import base64
import contextlib
import os
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from orchestration.identity import Identity
from orchestration.systems.usage_logs.client import LINE_BYTES, Piece, lines_of
from orchestration.systems.usage_logs.formats import TOKENS, WORDS, Form
from orchestration.systems.usage_logs.records import (
    CONTEXT_WINDOW,
    END,
    FIRST,
    WORD_BYTES,
    added_up,
    given_lines,
    given_rows,
    grouped,
    typed,
    words,
)

REFUSED_LINES = 1000  # refused records of a piece that are told one by one; the rest are counted
PART_BYTES = 1 << 24  # of digests that are looked through at a time
LOOSE_SUMS = 100_000  # sums of pieces that are held before they are added up
EPOCH = date(1970, 1, 1)
Digests = Any  # a pa.Array of 64-bit integers
_KEYS = (
    "vendor", "model", "person_id", "api_key_id", "team_id", "tool", "service_tier",
    "context_window", "is_batch",
)  # fmt: skip
_TOTALS = ", ".join(
    ["day bigint", *(f"{name} varchar" for name in _KEYS[:-1]), "is_batch boolean",
     "request_count bigint", *(f"{name} bigint" for name in TOKENS)]
)  # fmt: skip
_SUMMED = (
    f"select day, {', '.join(_KEYS)}, {added_up('sum(request_count)')}"  # noqa: S608
    " from totals group by all"
)


@dataclass(frozen=True)
class Refused:
    """Records that are put aside, without a person and without a word of theirs: the line of the
    first one, why, and how many they are."""

    line: int
    reason: str
    record: Mapping[str, object]
    count: int = 1


class Counting:
    """Counts one log's requests, each once, and sums them up.

    ``others`` gives the files with what other logs gave already, for days. Of the records of one
    request in a piece the one with the most tokens counts (a stream's last word); of those further
    apart the first.

    A piece is grouped as it is parsed, which is fast, and while the one before it is counted. One
    that holds a request again is read once more, into a table of requests; so are the pieces after
    it, as such a log has more of them.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        identity: Identity,
        form: Form,
        others: Callable[[list[date]], list[str]],
        keep_requests: bool = False,
    ) -> None:
        self._connection, self._identity, self._form = connection, identity, form
        self._others = others
        self._is_one_by_one = keep_requests
        self._asked: set[int] = set()
        self._taken = _Taken()
        self._given: Mapping[int, Digests] = {}
        self._newest = 0
        self._loose: list[pa.Table] = []  # sums of pieces that are not among the log's yet
        self._is_clean = True
        self.count = 0  # requests that the log gave
        self.repeated = 0
        connection.execute(f"create or replace temp table totals ({_TOTALS})")
        connection.execute("set preserve_insertion_order = false")
        self._beside = ThreadPoolExecutor(1)
        self._begun: deque[Future[pa.Table]] = deque()
        self._other = connection.cursor()
        self._other.execute("set TimeZone = 'UTC'")

    def begin(self, piece: Piece) -> None:
        """Groups a piece that is to be taken soon, meanwhile."""
        if not self._is_one_by_one:
            self._begun.append(self._beside.submit(self._groups_of, piece, self._other))

    def take(self, piece: Piece) -> list[Refused]:
        """Adds a piece; what of it is refused."""
        run = self._connection.execute
        refused = [
            Refused(
                piece.first_line() + before,
                f"is longer than {LINE_BYTES:,} bytes",
                {"length": length},
            )
            for before, length in piece.too_long
        ]
        has_refused = False
        begun = self._begun.popleft() if self._begun else None
        if not self._is_one_by_one:
            groups = begun.result() if begun else self._groups_of(piece, self._connection)
            has_refused = not pc.all(groups["is_good"], min_count=0).as_py()
            if has_refused:
                groups = groups.filter(groups["is_good"])
            self._given = _digests_by_day(groups)
            self._is_one_by_one = self._holds_repeated()
        if self._is_one_by_one:
            lines = self._lines(piece, self._connection)
            run(f"create or replace temp table requests as {typed(self._form, lines)}")
            has_refused = bool(self._number("delete from requests where not is_good"))
            self._drop_repeated()
            groups = _fetched(self._connection, grouped(self._form, "from requests"))
            self._given = _digests_by_day(groups)
        if has_refused:
            refused += self._refuse(piece)
        for day, digests in self._given.items():
            self._taken.add(day, digests)
            self._newest = max(self._newest, day)
            self.count += len(digests)
        self._loose.append(groups.drop_columns(["digests"]))
        if sum(map(len, self._loose)) >= LOOSE_SUMS:
            self._add_up()
        return refused

    def requests(self, source: str) -> pa.Table:
        """The requests of the piece that was taken last."""
        table = self._table(
            f"""
            select
                $source || ':' || printf('%016x', digest) || ':' || day as usage_id,
                {words()},
                left(session_id, {WORD_BYTES}) as session_id,
                {CONTEXT_WINDOW},
                is_batch,
                {", ".join(f"cast({name} as bigint) as {name}" for name in TOKENS)},
                make_timestamp(moment) as occurred_at
            from requests
            """,  # noqa: S608
            {"source": source},
        )
        return self._without_people(table)

    def sums(self) -> pa.Table:
        """The log's sums, a line each, in an order that is the same every time."""
        self._add_up()
        return self._table(
            f"""
            select
                date '1970-01-01' + cast(day as integer) as usage_date,
                row_number() over (order by day, {", ".join(_KEYS)}) as line_number,
                * exclude (day)
            from totals
            order by line_number
            """  # noqa: S608
        )

    def digests(self) -> Callable[[], pa.Table]:
        """The requests of the piece that was taken last, to be told in a while: a day's digests as
        one text, since a row for each would cost more than reading the log does."""
        given = self._given

        def told() -> pa.Table:
            days = pa.array(given, pa.int32()).cast(pa.date32())
            counts = pa.array([len(digests) for digests in given.values()], pa.int64())
            texts = pa.array([_packed(digests) for digests in given.values()], pa.string())
            return pa.table({"usage_date": days, "digest_count": counts, "digests": texts})

        return told

    @property
    def newest_day(self) -> date | None:
        """The last day that the log gave requests of."""
        return _date(self._newest) if self._newest else None

    def close(self) -> None:
        """Ends what was begun, and lets go of what lies on the disk."""
        self._beside.shutdown(cancel_futures=True)
        self._other.close()
        self._taken.close()

    def _lines(
        self,
        piece: Piece,
        connection: duckdb.DuckDBPyConnection,
        *,
        numbered: bool = False,
        is_clean: bool = False,
    ) -> str:
        if piece.rows is None:
            return given_lines(self._form, piece.lines, numbered, is_clean)
        connection.register("piece", piece.rows)
        return given_rows("piece", numbered)

    def _groups_of(self, piece: Piece, connection: duckdb.DuckDBPyConnection) -> pa.Table:
        """A piece's requests by day and words, refused ones too, with the digests of each group."""
        if self._is_clean:
            with contextlib.suppress(duckdb.Error):
                clean = self._lines(piece, connection, is_clean=True)
                return _fetched(connection, grouped(self._form, typed(self._form, clean)))
            self._is_clean = False  # and what follows is taken for no cleaner
        lines = self._lines(piece, connection)
        return _fetched(connection, grouped(self._form, typed(self._form, lines)))

    def _refuse(self, piece: Piece) -> list[Refused]:
        """Reads the piece again, in order, for the places of what is wrong with it."""
        run = self._connection.execute
        lines = self._lines(piece, self._connection, numbered=True)
        run("set preserve_insertion_order = true")
        run(
            "create or replace temp table refused as"  # noqa: S608
            " select _line, is_malformed, reason, moment,"
            f" {', '.join(TOKENS)} from ({typed(self._form, lines, refused=True)})"
        )
        run("set preserve_insertion_order = false")
        told = run(f"from refused order by _line limit {REFUSED_LINES}").fetchall()
        places = lines_of(piece, {row[0] for row in told})
        refused = []
        for place, is_malformed, reason, moment, *tokens in told:
            line, length = places[place]
            record: dict[str, object] = {"length": length}
            if not is_malformed:
                record |= {"occurred_at": _iso(moment), **dict(zip(TOKENS, tokens, strict=True))}
            refused.append(Refused(line, reason, record))
        rest = run(
            "select min(_line), reason, count(*) from refused where _line >"
            " (select max(_line) from (from refused order by _line limit $told))"
            " group by reason order by all",
            {"told": REFUSED_LINES},
        ).fetchall()
        return refused + [
            Refused(piece.first_line() + place - 1, reason, {}, count)
            for place, reason, count in rest
        ]

    def _holds_repeated(self) -> bool:
        """Whether a request may stand in the piece twice, or was taken before."""
        self._ask_others(self._given)
        if not self._given:
            return False
        given = pa.chunked_array(list(self._given.values()), pa.int64())
        self._connection.register("given", pa.table({"digest": given}))
        for taken in self._taken.parts(self._given):
            self._connection.register("taken", pa.table({"digest": taken}))
            # Each finds itself; one more is a repeat. One join is half of a count and a join.
            found = self._number(
                "select count(*) from given join (from given union all from taken) using (digest)"
            )
            if found > len(given):
                return True
        return False

    def _drop_repeated(self) -> None:
        run = self._connection.execute
        tokens = ", ".join(f"{name} desc" for name in ("output_tokens", *TOKENS))
        before = self._number("select count(*) from requests")
        if self._number("select count(distinct digest) from requests") < before:
            run(
                f"""
                create or replace temp table requests as select * from requests
                qualify row_number() over (
                    partition by day, digest order by {tokens}, {", ".join(WORDS)}, moment
                ) = 1
                """  # noqa: S608
            )
        days = run("select distinct day from requests").fetchall()
        self._ask_others([day for (day,) in days])
        for (day,) in days:
            for taken in self._taken.parts([day]):
                self._connection.register("taken", pa.table({"digest": taken}))
                run("delete from requests where day = $day and digest in (from taken)",
                    {"day": day})  # fmt: skip
        self.repeated += before - self._number("select count(*) from requests")

    def _ask_others(self, days: Iterable[int]) -> None:
        """Takes note of what other logs gave on days that are new here."""
        fresh = set(days) - self._asked
        self._asked |= fresh
        for name in self._others([d for day in fresh if (d := _date(day))]) if fresh else []:
            with pq.ParquetFile(name) as file:  # a piece after the other, as a log may be long
                for rows in map(file.read_row_group, range(file.num_row_groups)):
                    for row in rows.select(["usage_date", "digests"]).to_pylist():
                        day = row["digests"] and (row["usage_date"] - EPOCH).days
                        if day in fresh:
                            self._taken.add(day, _digests(base64.b64decode(row["digests"])))

    def _add_up(self) -> None:
        """Adds the loose sums to the log's, people hashed."""
        if not self._loose:
            return
        run = self._connection.execute
        self._connection.register("loose", pa.concat_tables(self._loose))
        self._loose = []
        table = self._table(
            f"""
            select
                day, {words()}, {CONTEXT_WINDOW}, is_batch, request_count,
                {", ".join(TOKENS)}
            from loose
            """  # noqa: S608
        )
        self._connection.unregister("loose")
        self._connection.register("added", self._without_people(table))
        run("insert into totals by name from added")
        self._connection.unregister("added")
        run(f"create or replace temp table totals as {_SUMMED}")

    def _without_people(self, table: pa.Table) -> pa.Table:
        """The table with people hashed, and addresses in any other word redacted."""
        people = self._identity.people(table["person"], "usage_logs")
        table = table.drop_columns(["person"]).append_column("person_id", people)
        for place, column in enumerate(table.schema):
            words: Any = table.column(place)
            if column.type == pa.string() and pc.any(pc.match_substring(words, "@")).as_py():
                coded = words.combine_chunks().dictionary_encode(null_encoding="encode")
                clean = [t and self._identity.redact(t) for t in coded.dictionary.to_pylist()]
                clean_words = pa.array(clean, pa.string()).take(coded.indices)
                table = table.set_column(place, column.name, clean_words)
        return table

    def _table(self, query: str, values: Mapping[str, object] | None = None) -> pa.Table:
        return _fetched(self._connection, query, values)

    def _number(self, query: str) -> Any:
        ((number,),) = self._connection.execute(query).fetchall()
        return number


class _Taken:
    """The requests taken so far, by their day. They lie in a file without a name, so that memory
    does not grow with a log."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  (closed by close)
        self._places: dict[int, list[tuple[int, int]]] = {}

    def add(self, day: int, digests: Digests) -> None:
        """Takes note of requests of a day."""
        data = _bytes(digests)
        place = self._file.seek(0, os.SEEK_END)
        self._file.write(data)
        self._places.setdefault(day, []).append((place, len(data)))

    def parts(self, days: Iterable[int]) -> Iterator[Digests]:
        """The requests of days, a part at a time; the last part may be empty."""
        found = bytearray()
        for day in days:
            for place, size in self._places.get(day, ()):
                self._file.seek(place)
                found += self._file.read(size)
                if len(found) >= PART_BYTES:
                    yield _digests(found)
                    found = bytearray()
        yield _digests(found)

    def close(self) -> None:
        """Gives the disk back."""
        self._file.close()


def _digests_by_day(groups: pa.Table) -> dict[int, Digests]:
    days: Any = groups["day"]
    lists: Any = groups["digests"]
    by_day = {}
    for day in sorted(pc.unique(days).to_pylist()):
        found: Any = pc.list_flatten(lists.filter(pc.equal(days, day)))
        by_day[day] = found.combine_chunks()
    return by_day


def _bytes(digests: Digests) -> memoryview:
    """64-bit integers, little-endian."""
    data = memoryview(digests.buffers()[1]).cast("B")
    return data[digests.offset * 8 : (digests.offset + len(digests)) * 8]


def _digests(data: bytes | bytearray) -> Digests:
    return pa.Array.from_buffers(pa.int64(), len(data) // 8, [None, pa.py_buffer(data)])


def _packed(digests: Digests) -> str:
    return base64.b64encode(_bytes(digests)).decode()


def _fetched(
    connection: duckdb.DuckDBPyConnection, query: str, values: Mapping[str, object] | None = None
) -> pa.Table:
    rows: Any = connection.sql(query, params=values)
    table: pa.Table = rows.to_arrow_table()
    return table


def _date(day: int | None) -> date | None:
    return None if day is None else EPOCH + timedelta(days=day)


def _iso(moment: int | None) -> str | None:
    if moment is None or not FIRST <= moment < END:
        return None
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=moment)).isoformat()
