"""From cells to records: people hashed, text reduced to flags, every column typed, every rule of
the feed applied. A chunk at a time, set-based, in a DuckDB of its own in memory.
"""

import contextlib
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from orchestration import evidence
from orchestration.identity import Identity
from orchestration.lake import ARROW_TYPES

from .client import Chunk

if TYPE_CHECKING:
    from orchestration.systems.files import Column, Feed

STRING_CHARACTERS = 10_000
DAY = r"\d{4}-\d{2}-\d{2}"
CLOCK = r"[T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,9})?)?"
OFFSET = r"[+-](0\d|1[0-4])(:?[0-5]\d)?"
WHOLE_NUMBER = r"[+-]?\d+(\.0*)?"
PLAIN_NUMBER = r"[+-]?(\d{1,19}(\.\d{0,9}0*)?|\.\d{1,9}0*)"
KINDS = {
    "integer": "a whole number",
    "decimal": "a plain number of at most 9 decimal places",
    "boolean": "true or false",
    "date": "a day",
    "month": "a month",
    "timestamp": "a time",
}
SQL_TYPES = {
    "integer": "bigint",
    "decimal": "decimal(28,9)",
    "boolean": "boolean",
    "date": "date",
    "month": "date",
    "timestamp": "timestamp",
}
SCALES = {"likert5": (1, 5), "likert7": (1, 7), "nps": (0, 10), "hours_per_week": (0, 168)}
NO_ANSWER = ("na", "n/a", "don't know", "don’t know")
REVERT_TITLE = re.compile(r"revert( |(\([^)]*\))?!?:)", re.IGNORECASE)
HOTFIX_BRANCH = re.compile(r"hotfix[/-]", re.IGNORECASE)
REVERTS_TRAILER = re.compile(r"^\s*reverts?:\s*([0-9a-f]{7,64})\b", re.IGNORECASE | re.MULTILINE)

Cells = Mapping[str, pa.Array | pa.ChunkedArray]


@dataclass(frozen=True)
class Refused:
    """A record that is put aside, without people: where it stood and why."""

    line: int
    reason: str
    record: Mapping[str, Any]


@contextlib.contextmanager
def workshop() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory, on UTC, that may use the disk for what is too big."""
    with (
        tempfile.TemporaryDirectory() as folder,
        duckdb.connect(config={"threads": 2, "temp_directory": folder}) as connection,
    ):
        connection.execute("set TimeZone = 'UTC'")
        yield connection


class Typer:
    """Types the chunks of one file; it remembers the keys it has seen."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, feed: "Feed", identity: Identity
    ) -> None:
        self._connection, self._feed, self._identity = connection, feed, identity
        self._query = _query(feed)
        connection.execute("create or replace temp table known (digest uhugeint, line bigint)")

    def type(self, chunk: Chunk) -> tuple[pa.Table, list[Refused]]:
        """The records that fit, with the stream's columns, and those that do not."""
        cells = self._without_people(chunk)
        run = self._connection.execute
        self._connection.register("cells", cells)
        run(f"create or replace temp table typed as {self._query}")
        self._connection.unregister("cells")
        if self._feed.key:
            self._refuse_known_keys()
        names = ", ".join(_quoted(name) for name in self._feed.stream.schema.names)
        good = run(
            f"select {names} from typed where _reason is null order by _line"  # noqa: S608
        ).to_arrow_table()
        bad = run(
            "select _line, _reason, _first_line from typed"
            " where _reason is not null order by _line"
        ).fetchall()
        return good, self._refused(cells, bad) if bad else []

    def _refuse_known_keys(self) -> None:
        """The first good record of a key stays; later ones are refused."""
        self._connection.execute(
            """
            create or replace temp table firsts as
            select fresh.digest, fresh.line as fresh_line, fresh.record_count,
                coalesce(known.line, fresh.line) as line
            from (
                select _digest as digest, min(_line) as line, count(*) as record_count
                from typed
                where _reason is null
                group by _digest
            ) as fresh
            left join known on fresh.digest = known.digest;

            insert into known select digest, line from firsts where line = fresh_line;
            """
        )
        self._connection.execute(
            """
            update typed
            set _reason = $reason, _first_line = firsts.line
            from firsts
            where typed._digest = firsts.digest
                and (firsts.record_count > 1 or firsts.line < firsts.fresh_line)
                and typed._line > firsts.line
                and typed._reason is null
            """,
            {"reason": f"duplicate key {', '.join(_key_as_given(self._feed))}"},
        )

    def _without_people(self, chunk: Chunk) -> pa.Table:
        """The cells with people hashed, addresses in any other cell redacted, and text reduced to
        the flags it holds. Nothing after this sees a person."""
        problems = chunk.problems
        given: dict[str, Any] = {}
        for column in self._feed.columns:
            cell = _column(chunk.cells, column.name)
            too_long = pc.greater(pc.utf8_length(cell), STRING_CHARACTERS)
            if pc.any(too_long).as_py():
                reason = f"{column.name} is longer than {STRING_CHARACTERS:,} characters"
                wrong = pc.if_else(pc.fill_null(too_long, False), reason, None)
                problems = pc.coalesce(problems, wrong.cast(pa.string()))
                cell = pc.if_else(too_long, None, cell)
            given[column.name] = cell
        cells: dict[str, Any] = {"_line": chunk.lines, "_problem": problems}
        for column in self._feed.columns:
            if column.type == "person":
                cells[column.name] = self._hashed(column.name, given)
            elif column.type != "text":
                cells[column.name] = self._redacted(given[column.name])
        return pa.table(cells | _derived(self._feed.name, given, self._identity))

    def _hashed(self, name: str, given: Cells) -> pa.Array:
        if (self._feed.name, name) != ("identities", "handle"):
            return self._identity.people(given[name], "files")
        pairs = zip(given["handle"].to_pylist(), given["system"].to_pylist(), strict=True)
        people = [self._identity.person(h, (s or "").strip().casefold()) for h, s in pairs]
        return pa.array(people, pa.string())

    def _redacted(self, cells: pa.Array) -> pa.Array:
        if not pc.any(pc.match_substring(cells, "@")).as_py():
            return cells
        coded = pc.dictionary_encode(cells, null_encoding="encode")
        coded = coded.combine_chunks() if isinstance(coded, pa.ChunkedArray) else coded
        clean = [
            # git's own id of a deployment, `git:<service>@<release>`, stays what it is
            text if text is None or text.strip().startswith("git:") else self._identity.redact(text)
            for text in coded.dictionary.to_pylist()
        ]
        return pa.array(clean, pa.string()).take(coded.indices)

    def _refused(self, cells: pa.Table, bad: list[tuple[int, str, int | None]]) -> list[Refused]:
        declared = [c.name for c in self._feed.columns if c.type != "text"]
        lines = pa.array([line for line, _, _ in bad], pa.int64())
        rows = cells.filter(pc.is_in(cells["_line"], lines)).sort_by("_line").select(declared)
        refused = []
        for record, (line, reason, first_line) in zip(rows.to_pylist(), bad, strict=True):
            more = {} if first_line is None else {"first_line": first_line}
            refused.append(Refused(line, reason, record | more))
        return refused


def _derived(feed: str, given: Cells, identity: Identity) -> dict[str, Any]:
    """The flags of ``Feed.derived``; a survey's answer still as text, to be typed by its scale."""
    if feed == "commits":
        trailers = given["message_trailers"].to_pylist()
        authors = given["author"].to_pylist()
        return {
            "author_is_bot": identity.bots(given["author"]),
            "ai_evidence_rules": _evidence(trailers, authors, [None] * len(authors)),
            "reverted_commit_shas": pa.array(map(_reverted, trailers), pa.string()),
        }
    if feed == "pull_requests":
        titles, branches = given["title"].to_pylist(), given["head_branch"].to_pylist()
        return {
            "author_is_bot": identity.bots(given["author"]),
            "ai_evidence_rules": _evidence(titles, given["author"].to_pylist(), branches),
            "is_revert": _starts(titles, REVERT_TITLE),
            "is_hotfix": _starts(branches, HOTFIX_BRANCH),
        }
    if feed == "reviews":
        return {"reviewer_is_bot": identity.bots(given["reviewer"])}
    if feed == "survey_responses":
        return {"_answer": given["value"]}
    return {}


def _evidence(
    messages: list[str | None], authors: list[str | None], branches: list[str | None]
) -> pa.Array:
    rules = evidence.load_rules()

    @lru_cache(maxsize=10_000)
    def matched(message: str | None, author: str | None, branch: str | None) -> str | None:
        found = rules.match(message=message or "", author=author or "", branch=branch or "")
        return ";".join(found) or None

    return pa.array(map(matched, messages, authors, branches), pa.string())


def _reverted(trailers: str | None) -> str | None:
    if not trailers:
        return None
    shas = [*evidence.reverted_shas(trailers), *REVERTS_TRAILER.findall(trailers)]
    return ";".join(dict.fromkeys(sha.lower() for sha in shas)) or None


def _starts(texts: list[str | None], pattern: re.Pattern[str]) -> pa.Array:
    return pa.array([bool(pattern.match((text or "").strip())) for text in texts], pa.bool_())


def _column(cells: pa.Table, name: str) -> pa.Array:
    if name not in cells.column_names:
        return pa.nulls(cells.num_rows, pa.string())
    column = cells[name]
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _key_as_given(feed: "Feed") -> list[str]:
    names = {column.lands_as or column.name: column.name for column in feed.columns}
    return [names[name] for name in feed.key]


def _query(feed: "Feed") -> str:
    """The select that types ``cells``: every landed column, ``_reason`` a record is refused for,
    and ``_digest`` of its key. Names and values in it are declared ones, never given ones."""
    columns = [column for column in feed.columns if column.type != "text"]
    blanks = "' ' || chr(9) || chr(10) || chr(13) || chr(160)"
    trimmed = [f"nullif(trim(cells.{_quoted(c.name)}, {blanks}), '') as {_given(c)}" for c in columns]
    typed = [f"{_typed(c)} as {_landed(c)}" for c in columns]
    reasons = ["_problem", *(check for c in columns for check in _checks(c)), *_order_checks(feed)]
    derived = [_quoted(field.name) for field in feed.derived]
    if feed.name == "survey_responses":
        trimmed.append(f"nullif(lower(trim(_answer, {blanks})), '') as _answer")
        typed.append(f"{_answer()} as value")
        reasons.append(_answer_check())
    elif derived:
        trimmed += derived
        typed += derived
    key = ", ".join(
        f"coalesce(length(cast({_quoted(k)} as varchar)) || ':' || cast({_quoted(k)} as varchar), '')"
        for k in feed.key
    )
    digest = f"md5_number(concat_ws('/', {key}))" if key else "null"
    return f"""
        with
        trimmed as (select _line, _problem, {", ".join(trimmed)} from cells),
        typed as (select trimmed.*, {", ".join(typed)} from trimmed)
        select
            _line, {", ".join(_quoted(n) for n in feed.stream.schema.names)},
            cast(null as bigint) as _first_line,
            {digest} as _digest,
            nullif(concat_ws('; ', {", ".join(reasons)}), '') as _reason
        from typed
    """  # noqa: S608
