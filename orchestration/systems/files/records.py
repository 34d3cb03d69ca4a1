"""From cells to records: people hashed, text reduced to flags, every column typed, every rule of
the feed applied. A chunk at a time, set-based, in a DuckDB of its own in memory.
"""

import contextlib
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from orchestration import evidence
from orchestration.identity import Identity
from orchestration.systems.files.client import Chunk

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
SCALES = {"likert5": (1, 5), "likert7": (1, 7), "nps": (0, 10), "hours_per_week": (0, 168)}
NO_ANSWER = ("na", "n/a", "don't know", "don’t know")
REVERT_TITLE = re.compile(r"revert( |(\([^)]*\))?!?:)", re.IGNORECASE)
HOTFIX_BRANCH = re.compile(r"hotfix[/-]", re.IGNORECASE)

Cells = Mapping[str, Any]  # Arrow arrays by column


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
        good = self._connection.sql(
            f"select {names} from typed where _reason is null order by _line"  # noqa: S608
        ).to_arrow_table()
        bad = run(
            "select _line, _reason, _first_line from typed where _reason is not null order by _line"
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
            cell: Any = _cell(chunk.cells, column.name)
            longest = pc.max(pc.binary_length(cell)).as_py() or 0
            if longest > STRING_CHARACTERS:
                too_long = pc.greater(pc.utf8_length(cell), pa.scalar(STRING_CHARACTERS))
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

    def _hashed(self, name: str, given: Cells) -> Any:
        if (self._feed.name, name) != ("identities", "handle"):
            return self._identity.people(given[name], "files")
        pairs = zip(given["handle"].to_pylist(), given["system"].to_pylist(), strict=True)
        people = [self._identity.person(h, (s or "").casefold()) for h, s in pairs]
        return pa.array(people, pa.string())

    def _redacted(self, cells: Any) -> Any:
        if not pc.any(pc.match_substring(cells, "@")).as_py():
            return cells
        coded = cells.dictionary_encode(null_encoding="encode")
        clean = [
            # git's own id of a deployment, `git:<service>@<release>`, stays what it is
            text if text is None or text.startswith("git:") else self._identity.redact(text)
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
            "title_type": pa.array(map(evidence.title_type, titles), pa.string()),
        }
    if feed == "reviews":
        return {"reviewer_is_bot": identity.bots(given["reviewer"])}
    if feed == "survey_responses":
        return {"_answer": given["value"]}
    return {}


def _evidence(
    messages: list[str | None], authors: list[str | None], branches: list[str | None]
) -> Any:
    rules = evidence.load_rules()

    @lru_cache(maxsize=10_000)
    def matched(message: str | None, author: str | None, branch: str | None) -> str | None:
        found = rules.match(message=message or "", author=author or "", branch=branch or "")
        return ";".join(found) or None

    return pa.array(map(matched, messages, authors, branches), pa.string())


def _reverted(trailers: str | None) -> str | None:
    return ";".join(evidence.reverted_shas(trailers)) or None if trailers else None


def _starts(texts: list[str | None], pattern: re.Pattern[str]) -> Any:
    return pa.array([bool(pattern.match(text or "")) for text in texts], pa.bool_())


def _cell(cells: pa.Table, name: str) -> Any:
    """A column without surrounding blanks; an empty cell is null."""
    if name not in cells.column_names:
        return pa.nulls(cells.num_rows, pa.string())
    column: Any = cells[name].combine_chunks()
    trimmed: Any = pc.utf8_trim_whitespace(column)
    return pc.if_else(pc.equal(trimmed, pa.scalar("")), None, trimmed)


def _key_as_given(feed: "Feed") -> list[str]:
    names = {column.lands_as or column.name: column.name for column in feed.columns}
    return [names[name] for name in feed.key]


def _query(feed: "Feed") -> str:
    """The select that types ``cells``: every landed column, ``_reason`` a record is refused for,
    and ``_digest`` of its key. Names and values in it are declared ones, never given ones."""
    columns = [column for column in feed.columns if column.type != "text"]
    given = [f"{_quoted(c.name)} as {_given(c)}" for c in columns]
    typed = [f"{_typed(c)} as {_quoted(c.lands_as or c.name)}" for c in columns]
    reasons = [check for c in columns for check in _checks(c)]
    landed = {column.name: _quoted(column.lands_as or column.name) for column in feed.columns}
    reasons += [
        f"case when {landed[later]} < {landed[earlier]} then '{later} is before {earlier}' end"
        for earlier, later in feed.ordered
    ]
    if feed.name == "survey_responses":
        given.append("lower(_answer) as _answer")
        typed.append(f"{_answer_typed()} as value")
        reasons.append(_answer_check())
    else:
        given += [_quoted(field.name) for field in feed.derived]
    names = [_quoted(name) for name in feed.stream.schema.names]
    return f"""
        with
        given as (select _line, _problem, {", ".join(given)} from cells),
        typed as (select given.*, {", ".join(typed)} from given)
        select
            _line, {", ".join(names)},
            cast(null as bigint) as _first_line,
            {_digest(feed)} as _digest,
            coalesce(_problem, nullif(concat_ws('; ', {", ".join(reasons)}), '')) as _reason
        from typed
    """  # noqa: S608


def _digest(feed: "Feed") -> str:
    if not feed.key:
        return "null"
    texts = [f"cast({_quoted(name)} as varchar)" for name in feed.key]
    # Each part with its length, so that ('a', 'b/1:c') and ('a/3:b', 'c') stay apart.
    parts = [f"coalesce(length({text}) || ':' || {text}, '')" for text in texts]
    return f"md5_number(concat_ws('/', {', '.join(parts)}))"


def _typed(column: "Column") -> str:
    """The given text as the column's type; null where it is not one."""
    text = _given(column)
    if column.type == "integer":
        # The first branch is the quick one: nearly every number is written as we would.
        return (
            f"case when cast(try_cast({text} as bigint) as varchar) = {text}"
            f" then try_cast({text} as bigint)"
            f" when regexp_full_match({text}, '{WHOLE_NUMBER}')"
            f" then try_cast(split_part({text}, '.', 1) as bigint) end"
        )
    if column.type == "decimal":
        return _decimal(text)
    if column.type == "boolean":
        return (
            f"case when lower({text}) in ('true', 't', 'yes', '1') then true"
            f" when lower({text}) in ('false', 'f', 'no', '0') then false end"
        )
    if column.type == "timestamp":
        return _moment(text)
    if column.type in ("date", "month"):
        day = (
            f"case when length({text}) = 7 and regexp_full_match({text}, '\\d{{4}}-\\d{{2}}')"
            f" then try_cast({text} || '-01' as date) else cast({_moment(text)} as date) end"
        )
        return f"cast(date_trunc('month', {day}) as date)" if column.type == "month" else day
    return f"lower({text})" if column.values or column.type == "word" else text


def _moment(text: str) -> str:
    # DuckDB reads an offset into a timestamp as if it were not there, hence the way round by
    # the type with a zone. Without the patterns it would take 'epoch', 'infinity' and more.
    return (
        f"case when regexp_full_match({text}, '{DAY}({CLOCK}Z?)?')"
        f" then try_cast({text} as timestamp)"
        f" when regexp_full_match({text}, '{DAY}{CLOCK}{OFFSET}')"
        f" then try_cast({text} as timestamptz) at time zone 'UTC' end"
    )


def _decimal(text: str) -> str:
    return (
        f"case when regexp_full_match({text}, '{PLAIN_NUMBER}')"
        f" then try_cast({text} as decimal(28,9)) end"
    )


def _checks(column: "Column") -> Iterator[str]:
    """What a record may be refused for because of the column, as SQL that gives the reason."""
    name, text, value = column.name, _given(column), _quoted(column.lands_as or column.name)
    if column.is_required:
        yield f"case when {text} is null then '{name} is empty' end"
    if column.type in KINDS:
        yield (
            f"case when {text} is not null and {value} is null"
            f" then '{name} is not {KINDS[column.type]}' end"
        )
    elif column.type != "person":
        yield f"case when contains({text}, chr(0)) then '{name} holds a NUL character' end"
    if column.type in ("date", "month", "timestamp"):
        yield (
            f"case when {value} < timestamp '1970-01-01' or {value} >= timestamp '2200-01-01'"
            f" then '{name} is not between 1970 and 2199' end"
        )
    if column.values:
        listed = ", ".join(f"'{allowed}'" for allowed in column.values)
        yield (
            f"case when {value} not in ({listed})"
            f" then '{name} is not one of {', '.join(column.values)}' end"
        )
    if column.minimum is not None:
        yield f"case when {value} < {column.minimum} then '{name} is below {column.minimum}' end"
    if column.maximum is not None:
        yield f"case when {value} > {column.maximum} then '{name} is above {column.maximum}' end"


def _answer_typed() -> str:
    silent = ", ".join("'" + answer.replace("'", "''") + "'" for answer in NO_ANSWER)
    return f"case when scale != 'text' and _answer not in ({silent}) then {_decimal('_answer')} end"


def _answer_check() -> str:
    """An answer must be on its scale; a missing one, and free text, are null and well."""
    silent = ", ".join("'" + answer.replace("'", "''") + "'" for answer in NO_ANSWER)
    ranges = " ".join(
        f"when scale = '{scale}' then coalesce(value between {low} and {high}, false)"
        for scale, (low, high) in SCALES.items()
    )
    return (
        f"case when _answer not in ({silent}) and not (case {ranges} else true end)"
        " then 'value is not on its scale' end"
    )


def _given(column: "Column") -> str:
    return _quoted(f"given_{column.name}")


def _quoted(name: str) -> str:
    return f'"{name}"'
