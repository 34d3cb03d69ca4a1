"""From a log's own words to typed requests: one SQL query per format, the same columns from each.

What ``input`` holds differs, and each format says it (``includes_cache``): where it holds what the
cache gave and took, that is taken out, so that the token classes are disjoint.
"""

import base64
import contextlib
import csv
import json
import os
import re
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from orchestration.identity import Identity
from orchestration.systems.usage_logs.client import LINE_BYTES, Piece, lines_of

PRICES = Path(__file__).resolve().parent.parent.parent.parent / "seeds" / "ai_prices.csv"
CLEAN_LINE_BYTES = 1 << 20  # small buffers stay close to the processor
REFUSED_LINES = 1000  # refused records of a piece that are told one by one; the rest are counted
WORD_BYTES = 200  # a longer name of a vendor, model or key is not a name
PART_BYTES = 1 << 24  # of digests that are looked through at a time
LOOSE_SUMS = 100_000  # sums of pieces that are held before they are added up
MOST_TOKENS = 10**12
DAY = 86_400_000_000  # microseconds
EPOCH = date(1970, 1, 1)
FIRST, END = 946_684_800_000_000, 7_258_118_400_000_000  # the years 2000 to 2199

TOKENS = (
    "uncached_input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens",
    "output_tokens",
)  # fmt: skip
WORDS = (
    "vendor", "model", "person", "api_key_id", "team_id", "tool", "service_tier",
)  # fmt: skip

# Vendors as the price book names them.
VENDORS = {
    "gemini": "google", "vertex_ai": "google", "vertex_ai_beta": "google",
    "gcp.gemini": "google", "gcp.vertex_ai": "google", "gcp.gen_ai": "google",
    "text-completion-openai": "openai",
}  # fmt: skip
REQUIRED = ("request_id", "occurred_at", "vendor", "model", "input_tokens", "output_tokens")


Digests = Any  # a pa.Array of 64-bit integers


@dataclass(frozen=True)
class Form:
    """How a kind of log is read. ``columns``: what of a line is parsed, with DuckDB's types.
    ``query``: the select from ``{lines}`` (which has these columns, and ``_line``) that gives the
    columns that ``typed`` reads. ``mapped``: the setting that names a column → the column."""

    columns: Mapping[str, str]
    query: str
    mapped: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)  # words that no record says
    sums_up: bool = False  # a line is several requests: ``request_count``, ``longest_prompt``

    @property
    def top_level(self) -> list[str]:
        """The columns' names."""
        return list(self.columns)


def given_lines(form: Form, piece: str, numbered: bool, is_clean: bool = False) -> str:
    """The lines of a piece as a relation. Numbered, they are read in order, which is slower. A
    piece that is clean, which nearly all are, is read faster; where it is not, that fails."""
    declared = ", ".join(f"{_text(n)}: {_text(t)}" for n, t in form.columns.items())
    line = "row_number() over ()" if numbered else "null"
    how = f"maximum_object_size = {CLEAN_LINE_BYTES}" if is_clean else "ignore_errors = true"
    return f"""(
        select cast({line} as bigint) as _line, *
        from read_json(
            {_text(piece)},
            columns = {{{declared}}}, format = 'newline_delimited', {how}
        )
    )"""  # noqa: S608


def given_rows(relation: str, numbered: bool) -> str:
    """The rows of a Parquet piece as a relation."""
    line = "row_number() over ()" if numbered else "null"
    return f"(select cast({line} as bigint) as _line, * from {relation})"  # noqa: S608


def typed(form: Form, lines: str, refused: bool = False) -> str:
    """The select that types a piece's records: ``is_good``, ``day`` and ``digest`` (a request's
    key), what to group by, and the disjoint token classes, whole numbers as doubles. Or those that
    are refused alone, with the reason."""
    good = " and ".join(f"({condition})" for condition, _ in _RULES)
    reason = f", {_reason()} as reason" if refused else ""
    unused = "" if refused else ", _line, is_malformed"
    prompt = "coalesce(longest_prompt, prompt_tokens)" if form.sums_up else "prompt_tokens"
    once = "" if form.sums_up else "1 as request_count,"
    unused += ", longest_prompt" if form.sums_up else ""
    return f"""
        with given as ({form.query.replace("{lines}", lines)}),
        split as (
            select
                *,
                given_input - case when includes_cache then cache_read_tokens + writes else 0 end
                    as uncached_input_tokens,
                writes - cache_write_1h_tokens as cache_write_5m_tokens,
                case when includes_cache then given_input
                    else given_input + cache_read_tokens + writes end as prompt_tokens
            from (
                select
                    * exclude (cache_write, cache_write_5m, cache_write_1h, cache_read),
                    coalesce(cache_read, 0) as cache_read_tokens,
                    coalesce(cache_write_1h, 0) as cache_write_1h_tokens,
                    -- A breakdown may be that of a first event only, and a total may be missing.
                    greatest(
                        coalesce(cache_write, 0),
                        coalesce(cache_write_5m, 0) + coalesce(cache_write_1h, 0)
                    ) as writes
                from given
            )
        )
        select
            * exclude (
                request_id, given_input, includes_cache, prompt_tokens, writes
                {unused}
            ),
            {once}
            cast(moment // {DAY} as integer) as day,
            cast(hash(request_id) >> 1 as bigint) as digest,  -- the lake's integers have a sign
            {_context(prompt)} as context_tokens,
            coalesce({good}, false) as is_good
            {reason}
        from split
        {"where not is_good" if refused else ""}
    """  # noqa: S608


def thresholds() -> tuple[int, ...]:
    """Prompt sizes from which some model of the price book costs otherwise, ascending."""
    return _thresholds()


def own(
    columns: Mapping[str, str],
    includes_cache: bool,
    types: pa.Schema | None = None,
    vendor: str = "",
    tool: str = "",
) -> Form:
    """The format of a log by a mapping: our name → the log's column. A dot in a column's name
    goes into an object. ``types``: the columns of a Parquet file."""

    def place(name: str) -> str:
        return ".".join(_name(part) for part in columns[name].split("."))

    def word(name: str) -> str:
        return f"cast({place(name)} as varchar)" if name in columns else "cast(null as varchar)"

    def number(name: str) -> str:
        return f"try_cast({place(name)} as double)" if name in columns else "cast(null as double)"

    def has(name: str) -> bool:
        return name in columns

    several = ""
    if has("request_count"):
        several = (
            f", {number('request_count')} as request_count,"
            f" {number('longest_prompt')} as longest_prompt"
        )
    when = columns["occurred_at"]
    is_known = types is not None and when in types.names
    is_time = types is not None and is_known and pa.types.is_timestamp(types.field(when).type)
    at = f"epoch_us({place('occurred_at')})" if is_time else _moment(word("occurred_at"))
    nothing = " and ".join(f"{place(n)} is null" for n in ("request_id", "occurred_at", "model"))
    query = f"""
        select
            _line,
            {"false" if types is not None else nothing} as is_malformed,
            {word("request_id")} as request_id,
            {at} as moment,
            {word("vendor") if has("vendor") else _text(vendor)} as vendor,
            {word("model")} as model,
            {word("person")} as person,
            {word("api_key_id")} as api_key_id,
            {word("team_id")} as team_id,
            {word("tool") if has("tool") else _text(tool)} as tool,
            {word("session_id")} as session_id,
            {word("service_tier")} as service_tier,
            coalesce(lower({word("is_batch")}) in ('true', 't', 'yes', '1'), false) as is_batch,
            {number("input_tokens")} as given_input,
            {number("cache_read_tokens")} as cache_read,
            {number("cache_write_tokens")} as cache_write,
            {number("cache_write_5m_tokens")} as cache_write_5m,
            {number("cache_write_1h_tokens")} as cache_write_1h,
            {number("output_tokens") if has("output_tokens") else "cast(0 as double)"} as output_tokens,
            {str(includes_cache).lower()} as includes_cache{several}
        from {{lines}}
    """  # noqa: S608, E501
    always = {"vendor": vendor, "tool": tool}
    constants = {name: always.get(name, "") for name in WORDS if not has(name)}
    return Form(_declared(columns), query, columns, constants, bool(several))


def litellm(vendor: str = "", tool: str = "", types: pa.Schema | None = None) -> Form:
    """LiteLLM's spend logs. ``prompt_tokens`` holds what the cache gave and took, whoever the
    vendor is; the parts stand in ``metadata.usage_object``, older ones in
    ``metadata.additional_usage_values``. What LiteLLM answered from its own cache no vendor saw.
    ``types``: the columns of a Parquet file."""
    words = (
        "request_id", "startTime", "custom_llm_provider", "model", "user", "api_key", "team_id",
        "session_id", "call_type", "cache_hit", "status",
    )  # fmt: skip
    columns = {
        **dict.fromkeys(words, "varchar"),
        "prompt_tokens": "double",
        "completion_tokens": "double",
        "metadata": "varchar",
    }
    lines = "{lines}" if types is None else _as_declared(columns, types)
    details = "usage_object.prompt_tokens_details"
    lives = f"{details}.cache_creation_token_details.ephemeral_"
    read = (
        "usage_object.cache_read_input_tokens", f"{details}.cached_tokens",
        "additional_usage_values.cache_read_input_tokens",
    )  # fmt: skip
    written = (
        "usage_object.cache_creation_input_tokens", f"{details}.cache_creation_tokens",
        f"{details}.cache_write_tokens", "additional_usage_values.cache_creation_input_tokens",
    )  # fmt: skip
    short = (f"{lives}5m_input_tokens", f"{lives}30m_input_tokens")
    long = (f"{lives}1h_input_tokens", f"{lives}12h_input_tokens")
    others = ("usage_object.service_tier", "usage_object.speed", "user_api_key_user_email")
    parts = (*read, *written, *short, *long, *others)
    wanted = json.dumps(_tree(dict.fromkeys(parts, "varchar")))

    def found(path: str) -> str:
        return f"nullif(found.{path}, '')"

    def numbers(paths: tuple[str, ...]) -> list[str]:
        return [f"case when not is_cached then try_cast({found(p)} as double) end" for p in paths]

    def one_of(paths: tuple[str, ...]) -> str:  # other names of the same number
        return f"greatest({', '.join(numbers(paths))})"

    def sum_of(paths: tuple[str, ...]) -> str:
        return " + ".join(f"coalesce({number}, 0)" for number in numbers(paths))

    tier, speed, email = (found(path) for path in others)
    query = f"""
        select
            _line,
            request_id is null and "startTime" is null and model is null as is_malformed,
            request_id,
            {_moment('"startTime"')} as moment,
            coalesce(nullif(custom_llm_provider, ''), {_text(vendor)}) as vendor,
            case
                when starts_with(model, custom_llm_provider || '/')
                    then substr(model, length(custom_llm_provider) + 2)
                else model
            end as model,
            coalesce({email}, nullif(nullif("user", 'default_user_id'), '')) as person,
            api_key as api_key_id,
            team_id,
            {_text(tool)} as tool,
            session_id,
            case when {speed} = 'fast' then 'fast' else {tier} end as service_tier,
            contains(coalesce(call_type, ''), 'batch') as is_batch,
            case when is_cached then 0 else prompt_tokens end as given_input,
            {one_of(read)} as cache_read,
            {one_of(written)} as cache_write,
            {sum_of(short)} as cache_write_5m,
            {sum_of(long)} as cache_write_1h,
            case when is_cached then 0 else completion_tokens end as output_tokens,
            true as includes_cache
        from (
            select
                *,
                coalesce(lower(cache_hit) = 'true', false) as is_cached,
                -- The object itself, or, as the database exports it, a text that holds it.
                try(from_json(metadata, {_text(wanted)})) as found
            from {lines}
            -- A call that failed used nothing, unless it says so; often it names no model either.
            where coalesce(status, '') <> 'failure' or prompt_tokens > 0 or completion_tokens > 0
        )
    """  # noqa: S608
    return Form(
        columns=columns,
        query=query,
        mapped={
            "request_id": "request_id",
            "occurred_at": "startTime",
            "model": "model",
            "input_tokens": "prompt_tokens",
            "output_tokens": "completion_tokens",
        },
        constants={"tool": tool},
    )


# An attribute as OTLP's JSON writes it; lists and objects (prompts) are not parsed at all.
_ATTRIBUTE = (
    'struct("key" varchar, "value" struct('
    '"stringValue" varchar, "intValue" varchar, "doubleValue" varchar, "boolValue" varchar))[]'
)
_LOG_RECORD = (
    'struct("timeUnixNano" varchar, "observedTimeUnixNano" varchar, "eventName" varchar,'
    ' "body" struct("stringValue" varchar), "traceId" varchar, "spanId" varchar,'
    f' "attributes" {_ATTRIBUTE})'
)
_RESOURCE_LOGS = (
    f'struct("resource" struct("attributes" {_ATTRIBUTE}),'
    f' "scopeLogs" struct("logRecords" {_LOG_RECORD}[])[])[]'
)
# What an agent or a workflow used, its calls to the model used: they say it themselves.
_SUMS = ("create_agent", "invoke_agent", "invoke_workflow", "execute_tool", "plan")


def otel(vendor: str = "", tool: str = "") -> Form:
    """Log records as an OpenTelemetry Collector's file exporter writes them (OTLP-JSON lines):
    Claude Code's ``api_request`` events, whose input leaves out the cache, and ``gen_ai.*`` events,
    whose input holds it. Every other record is none of ours and is passed over."""
    first = {
        "model": ("gen_ai.response.model", "gen_ai.request.model"),
        "vendor": ("gen_ai.provider.name", "gen_ai.system"),
        "input": ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"),
        "output": ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"),
        "read": ("gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens"),
        "write": (
            "gen_ai.usage.cache_creation.input_tokens", "gen_ai.usage.cache_write.input_tokens",
            "gen_ai.usage.cache_creation_input_tokens",
        ),
        "tier": ("gen_ai.openai.response.service_tier", "openai.response.service_tier"),
        "session": ("session.id", "gen_ai.conversation.id"),
        "person": ("user.email", "enduser.id", "user.account_uuid", "user.id"),
    }  # fmt: skip

    def attribute(*names: str) -> str:
        found = (f"nullif(texts[list_position(names, {_text(name)})], '')" for name in names)
        return f"coalesce({', '.join(found)}, null)"

    def count(*names: str) -> str:
        return f"try_cast({attribute(*names)} as double)"

    times = (
        """nullif(record."timeUnixNano", '0')""",
        attribute("event.timestamp"),
        'record."observedTimeUnixNano"',
    )
    at = ", ".join(map(_moment, times))

    query = f"""
        select
            _line,
            is_malformed,
            case
                when is_request then coalesce(
                    {attribute("request_id")},
                    -- The time too: the sequence of a session that is resumed may begin again.
                    {attribute("session.id")} || '/' || {attribute("event.sequence")} || '/' || moment
                )
                else coalesce(
                    {attribute("gen_ai.response.id")},
                    nullif(record."traceId", '') || '/' || nullif(record."spanId", '') || '/' || moment
                )
            end as request_id,
            moment,
            case when is_request then 'anthropic'
                else coalesce({attribute(*first["vendor"])}, {_text(vendor)}) end as vendor,
            case when is_request then {attribute("model")}
                else {attribute(*first["model"])} end as model,
            {attribute(*first["person"])} as person,
            cast(null as varchar) as api_key_id,
            {attribute("team.id")} as team_id,
            coalesce(
                {_text(tool)},
                replace(coalesce({attribute("service.name")},
                    case when is_request then 'claude-code' end), 'claude-code', 'claude_code')
            ) as tool,
            {attribute(*first["session"])} as session_id,
            case when is_request then nullif({attribute("speed")}, 'normal')
                else {attribute(*first["tier"])} end as service_tier,
            false as is_batch,
            case when is_request then {count("input_tokens")}
                else {count(*first["input"])} end as given_input,
            case when is_request then {count("cache_read_tokens")}
                else {count(*first["read"])} end as cache_read,
            case when is_request then {count("cache_creation_tokens")}
                else {count(*first["write"])} end as cache_write,
            cast(null as double) as cache_write_5m,
            cast(null as double) as cache_write_1h,
            case
                when is_request then {count("output_tokens")}
                when {attribute("gen_ai.operation.name")} = 'embeddings'
                    then coalesce({count(*first["output"])}, 0)
                else {count(*first["output"])}
            end as output_tokens,
            not is_request as includes_cache
        from (
            select
                *,
                coalesce({at}) as moment,
                coalesce(event in ('api_request', 'claude_code.api_request'), false) as is_request
            from (
                select
                    _line, is_malformed, record,
                    coalesce(
                        nullif(record."eventName", ''),
                        list_filter(attributes, lambda a: a."key" = 'event.name')[1]."value"."stringValue",
                        record."body"."stringValue"
                    ) as event,
                    list_transform(attributes, lambda a: a."key") as names,
                    list_transform(attributes, lambda a: coalesce(
                        a."value"."stringValue", a."value"."intValue", a."value"."doubleValue",
                        a."value"."boolValue"
                    )) as texts
                from (
                    select
                        _line, is_malformed, record,
                        list_concat(record."attributes", attributes) as attributes
                    from (
                        select _line, is_malformed, attributes,
                            unnest(coalesce(scope."logRecords", [null])) as record
                        from (
                            select _line, is_malformed,
                                resource."resource"."attributes" as attributes,
                                unnest(coalesce(resource."scopeLogs", [null])) as scope
                            from (
                                select
                                    _line,
                                    "resourceLogs" is null and "resourceSpans" is null
                                        and "resourceMetrics" is null as is_malformed,
                                    unnest(coalesce("resourceLogs", [null])) as resource
                                from {{lines}}
                            )
                        )
                    )
                )
            )
        )
        where
            is_malformed
            or is_request
            or (
                (
                    event = 'gen_ai.client.inference.operation.details'
                    or {attribute(*first["input"], *first["output"])} is not null
                )
                and coalesce({attribute("gen_ai.operation.name")}, '')
                    not in ({", ".join(map(_text, _SUMS))})
                -- A call that failed used nothing, unless it says so.
                and ({attribute("error.type")} is null
                    or {attribute(*first["input"], *first["output"])} is not null)
            )
    """  # noqa: S608, E501
    return Form(
        columns={
            "resourceLogs": _RESOURCE_LOGS, "resourceSpans": "json", "resourceMetrics": "json",
        },
        query=query,
        constants={"api_key_id": ""},
    )  # fmt: skip


def absent(mapped: Mapping[str, str], found: Sequence[Mapping[str, object]]) -> dict[str, str]:
    """The settings, with their columns, whose column none of the records has."""
    return {
        setting: path
        for setting, path in mapped.items()
        if not any(_reaches(record, path.split(".")) for record in found)
    }


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
        self._loose = 0  # sums of pieces that are not added up to the log's yet
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
            groups = _fetched(self._connection, _grouped(self._form, "from requests"))
            self._given = _digests_by_day(groups)
        if has_refused:
            refused += self._refuse(piece)
        for day, digests in self._given.items():
            self._taken.add(day, digests)
            self._newest = max(self._newest, day)
            self.count += len(digests)
        self._add_up(groups)
        return refused

    def requests(self, source: str) -> pa.Table:
        """The requests of the piece that was taken last."""
        table = self._table(
            f"""
            select
                $source || ':' || printf('%016x', digest) || ':' || day as usage_id,
                {_words()},
                left(session_id, {WORD_BYTES}) as session_id,
                {_CONTEXT_WINDOW},
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
        return self._table(
            f"""
            select
                date '1970-01-01' + cast(day as integer) as usage_date,
                row_number() over (order by day, {", ".join(_KEYS)}) as line_number,
                * exclude (day)
            from ({_SUMMED})
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
                return _fetched(connection, _grouped(self._form, typed(self._form, clean)))
            self._is_clean = False  # and what follows is taken for no cleaner
        lines = self._lines(piece, connection)
        return _fetched(connection, _grouped(self._form, typed(self._form, lines)))

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

    def _add_up(self, groups: pa.Table) -> None:
        self._connection.register("groups", groups.drop_columns(["digests"]))
        table = self._table(
            f"""
            select
                day, {_words()}, {_CONTEXT_WINDOW}, is_batch, request_count,
                {", ".join(TOKENS)}
            from groups
            """  # noqa: S608
        )
        self._connection.register("added", self._without_people(table))
        self._connection.execute("insert into totals by name from added")
        self._connection.unregister("added")
        self._loose += table.num_rows
        if self._loose >= LOOSE_SUMS:
            self._connection.execute(f"create or replace temp table totals as {_SUMMED}")
            self._loose = 0

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


def _words() -> str:
    """The words as they land: without blanks around them, never longer than a name."""
    vendors = " ".join(f"when {_text(a)} then {_text(b)}" for a, b in VENDORS.items())

    def word(name: str) -> str:
        return f"case when strlen(trim({name})) between 1 and {WORD_BYTES} then trim({name}) end"

    columns = {name: word(name) for name in WORDS}
    for name in ("vendor", "model", "service_tier"):
        columns[name] = f"lower({columns[name]})"
    columns["vendor"] = f"case {columns['vendor']} {vendors} else {columns['vendor']} end"
    return ", ".join(f"{text} as {name}" for name, text in columns.items())


def _grouped(form: Form, requests: str) -> str:
    """Requests by day and words, with the keys of all that a group is made of."""
    told = ", ".join(name for name in WORDS if name not in form.constants)
    words = ", ".join(
        f"{_text(form.constants[name])} as {name}" if name in form.constants else name
        for name in WORDS
    )
    return f"""
        select
            day, {words}, context_tokens, is_batch, is_good,
            {_added_up("sum(request_count)")},
            list(digest) as digests
        from ({requests})
        group by day, {told}, context_tokens, is_batch, is_good
    """  # noqa: S608


def _added_up(count: str) -> str:
    sums = ", ".join(f"cast(sum({name}) as bigint) as {name}" for name in TOKENS)
    return f"cast({count} as bigint) as request_count, {sums}"


_CONTEXT_WINDOW = """
    case when context_tokens = 0 then '0k' else '>' || context_tokens // 1000 || 'k' end
        as context_window
"""  # what macros/metrics/context_token_count.sql reads: >200k is 200000
_KEYS = (
    "vendor", "model", "person_id", "api_key_id", "team_id", "tool", "service_tier",
    "context_window", "is_batch",
)  # fmt: skip
_TOTALS = ", ".join(
    ["day bigint", *(f"{name} varchar" for name in _KEYS[:-1]), "is_batch boolean",
     "request_count bigint", *(f"{name} bigint" for name in TOKENS)]
)  # fmt: skip
_SUMMED = (
    f"select day, {', '.join(_KEYS)}, {_added_up('sum(request_count)')}"  # noqa: S608
    " from totals group by all"
)


def found_columns(records: Sequence[Mapping[str, object]]) -> list[str]:
    """The columns that the records have, those within objects with a dot."""
    names: dict[str, None] = {}
    for record in records:
        for name, value in record.items():
            inner = [f"{name}.{part}" for part in value] if isinstance(value, dict) else [name]
            names.update(dict.fromkeys(inner))
    return list(names)


def _reaches(value: object, path: Sequence[str]) -> bool:
    for part in path:
        if not isinstance(value, Mapping) or part not in value:
            return False
        value = value[part]
    return True


def _whole(name: str) -> str:
    return f"{name} between 0 and {MOST_TOKENS} and {name} = floor({name})"


_MALFORMED = "is not JSON, or has none of the columns that are read"
_RULES = (
    ("not is_malformed", _MALFORMED),
    (
        f"request_count >= 1 and {_whole('request_count')}",
        "the number of requests is not a whole number of 1 or more",
    ),
    ("request_id <> ''", "request_id is empty"),
    (f"moment >= {FIRST} and moment < {END}", "the time is not one between 2000 and 2199"),
    (f"vendor <> '' and strlen(vendor) <= {WORD_BYTES}", "vendor is empty or too long"),
    (f"model <> '' and strlen(model) <= {WORD_BYTES}", "model is empty or too long"),
    ("given_input is not null", "input tokens are missing, or not a number"),
    ("output_tokens is not null", "output tokens are missing, or not a number"),
    (
        f"given_input is null or ({_whole('given_input')})",
        "input tokens are not a whole number of 0 or more",
    ),
    (
        f"output_tokens is null or ({_whole('output_tokens')})",
        "output tokens are not a whole number of 0 or more",
    ),
    (_whole("cache_read_tokens"), "cache read tokens are not a whole number of 0 or more"),
    (_whole("cache_write_1h_tokens"), "cache write tokens are not a whole number of 0 or more"),
    (_whole("cache_write_5m_tokens"), "cache write tokens are not a whole number of 0 or more"),
    (
        "given_input is null or uncached_input_tokens >= 0 or given_input < 0",
        "input tokens are fewer than those of the cache that they should hold",
    ),
)


def _reason() -> str:
    wrong = ", ".join(
        f"case when not coalesce(({condition}), false) then {_text(why)} end"
        for condition, why in _RULES
    )
    return f"case when is_malformed then {_text(_MALFORMED)} else concat_ws('; ', {wrong}) end"


def _context(prompt: str) -> str:
    whens = " ".join(f"when {prompt} > {limit} then {limit}" for limit in reversed(thresholds()))
    return f"case {whens} else 0 end" if whens else "0"


@cache
def _thresholds() -> tuple[int, ...]:
    with PRICES.open(newline="", encoding="utf-8") as lines:
        return tuple(
            sorted({int(row["min_context_tokens"]) for row in csv.DictReader(lines)} - {0})
        )


def _moment(text: str) -> str:
    """Microseconds since 1970 from ISO 8601 (without an offset: UTC), or from seconds, milli-,
    micro- or nanoseconds since 1970: the first 16 digits of any of them, filled up with zeros."""
    digits = f"left(rpad(replace({text}, '.', ''), 16, '0'), 16)"
    return (
        f"coalesce(epoch_us(try_cast({text} as timestamptz)), case when"
        f" regexp_full_match({text}, '[0-9]{{10}}([0-9]{{3}}){{0,3}}([.][0-9]*)?')"
        f" then try_cast({digits} as bigint) end)"
    )


def _as_declared(columns: Mapping[str, str], types: pa.Schema) -> str:
    """A Parquet file's rows with the columns as lines of JSON would give them."""

    def column(name: str, declared: str) -> str:
        if name not in types.names:
            return f"cast(null as {declared})"
        if pa.types.is_nested(types.field(name).type):
            return f"cast(to_json({_name(name)}) as varchar)"
        return f"try_cast({_name(name)} as {declared})"

    given = ", ".join(f"{column(n, declared)} as {_name(n)}" for n, declared in columns.items())
    return f"(select _line, {given} from {{lines}})"  # noqa: S608


def _declared(columns: Mapping[str, str]) -> dict[str, str]:
    """The types of the top-level columns, objects as structs of what is read of them."""
    numbers = {"input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens",
               "cache_write_5m_tokens", "cache_write_1h_tokens"}  # fmt: skip
    types = {path: "double" if name in numbers else "varchar" for name, path in columns.items()}
    return {name: _type(node) for name, node in _tree(types).items()}


def _tree(leaves: Mapping[str, str]) -> dict[str, object]:
    """Dotted names as objects within objects."""
    tree: dict[str, object] = {}
    for path, leaf in leaves.items():
        *parents, name = path.split(".")
        node = tree
        for parent in parents:
            child = node.setdefault(parent, {})
            node = child if isinstance(child, dict) else {}
        node[name] = leaf
    return tree


def _type(node: object) -> str:
    if not isinstance(node, dict):
        return str(node)
    fields = ", ".join(f"{_name(name)} {_type(child)}" for name, child in node.items())
    return f"struct({fields})"


def _name(name: str) -> str:
    return '"' + re.sub('"', '""', name) + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'" if text else "cast(null as varchar)"
