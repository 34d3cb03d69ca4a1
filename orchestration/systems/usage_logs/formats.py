"""What a log's own words are: one SQL query per format, the same columns from each.

What ``input`` holds differs, and each format says it (``includes_cache``): where it holds what the
cache gave and took, that is taken out, so that the token classes are disjoint.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

TOKENS = (
    "uncached_input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens",
    "output_tokens",
)  # fmt: skip
WORDS = (
    "vendor", "model", "person", "api_key_id", "team_id", "tool", "service_tier",
)  # fmt: skip
REQUIRED = ("request_id", "occurred_at", "vendor", "model", "input_tokens", "output_tokens")


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
        return ".".join(quoted(part) for part in columns[name].split("."))

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
            {word("vendor") if has("vendor") else literal(vendor)} as vendor,
            {word("model")} as model,
            {word("person")} as person,
            {word("api_key_id")} as api_key_id,
            {word("team_id")} as team_id,
            {word("tool") if has("tool") else literal(tool)} as tool,
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
            coalesce(nullif(custom_llm_provider, ''), {literal(vendor)}) as vendor,
            case
                when starts_with(model, custom_llm_provider || '/')
                    then substr(model, length(custom_llm_provider) + 2)
                else model
            end as model,
            coalesce({email}, nullif(nullif("user", 'default_user_id'), '')) as person,
            api_key as api_key_id,
            team_id,
            {literal(tool)} as tool,
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
                try(from_json(metadata, {literal(wanted)})) as found
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
        found = (f"nullif(texts[list_position(names, {literal(name)})], '')" for name in names)
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
                else coalesce({attribute(*first["vendor"])}, {literal(vendor)}) end as vendor,
            case when is_request then {attribute("model")}
                else {attribute(*first["model"])} end as model,
            {attribute(*first["person"])} as person,
            cast(null as varchar) as api_key_id,
            {attribute("team.id")} as team_id,
            coalesce(
                {literal(tool)},
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
                    not in ({", ".join(map(literal, _SUMS))})
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


def found_columns(records: Sequence[Mapping[str, object]]) -> list[str]:
    """The columns that the records have, those within objects with a dot."""
    names: dict[str, None] = {}
    for record in records:
        for name, value in record.items():
            inner = [f"{name}.{part}" for part in value] if isinstance(value, dict) else [name]
            names.update(dict.fromkeys(inner))
    return list(names)


def literal(text: str) -> str:
    """A text as SQL writes it; null where it is empty."""
    return "'" + text.replace("'", "''") + "'" if text else "cast(null as varchar)"


def quoted(name: str) -> str:
    """A column's name as SQL writes it."""
    return '"' + re.sub('"', '""', name) + '"'


def _reaches(value: object, path: Sequence[str]) -> bool:
    for part in path:
        if not isinstance(value, Mapping) or part not in value:
            return False
        value = value[part]
    return True


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
            return f"cast(to_json({quoted(name)}) as varchar)"
        return f"try_cast({quoted(name)} as {declared})"

    given = ", ".join(f"{column(n, declared)} as {quoted(n)}" for n, declared in columns.items())
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
    fields = ", ".join(f"{quoted(name)} {_type(child)}" for name, child in node.items())
    return f"struct({fields})"
