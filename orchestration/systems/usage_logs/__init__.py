"""Usage logs: the request logs of one's own gateway, summed up at the door.

Data flow: log files → typed requests, a piece at a time, in DuckDB → each request counted once →
person × day sums → ``lake/usage_logs/usage_days``, one scope per log.
Run standalone: ``python -m orchestration.systems.usage_logs --config valuemaxx.yml``.
"""

import contextlib
import hashlib
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Literal

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, model_validator
from pydantic import Field as Setting

from orchestration.identity import EMAIL, Identity
from orchestration.lake import Batch, BatchWriter, Field, Lake, Outcome, Stream
from orchestration.systems.usage_logs import client, formats
from orchestration.systems.usage_logs.counting import Counting
from orchestration.systems.usage_logs.records import thresholds

VENDOR = Field("vendor", "string", "Who sells the model")
MODEL = Field("model", "string", "The model")
PERSON = Field("person_id", "person", "Who used it; null where the log names nobody")
API_KEY = Field("api_key_id", "string", "The key it was used with")
TEAM = Field("team_id", "string", "The team that the log names")
TOOL = Field("tool", "string", "The tool it was used through")
TIER = Field("service_tier", "string", "The tier it was served in; null = standard")
CONTEXT = Field("context_window", "string",
                "How long the prompt was: >200k for more than 200,000 tokens, 0k for the shortest"
                )  # fmt: skip
BATCH = Field("is_batch", "boolean", "Whether it ran as a batch")
TOKENS = (
    Field("uncached_input_tokens", "integer", "Input tokens that no cache held (tokens)"),
    Field("cache_read_tokens", "integer", "Input tokens read from a cache (tokens)"),
    Field("cache_write_5m_tokens", "integer", "Tokens written to a short-lived cache (tokens)"),
    Field("cache_write_1h_tokens", "integer", "Tokens written to a long-lived cache (tokens)"),
    Field("output_tokens", "integer", "Output tokens, reasoning included (tokens)"),
)

USAGE_DAYS = Stream(
    "usage_logs", "usage_days",
    "a person's day with a vendor, model, key, team, tool, tier, batch or not and size of prompt,"
    " in a log", (), "replaced",
    (
        Field("usage_date", "date", "The day (UTC)"),
        Field("line_number", "integer", "Its number among the log's lines, from 1"),
        VENDOR, MODEL, PERSON, API_KEY, TEAM, TOOL, TIER, CONTEXT, BATCH,
        Field("request_count", "integer", "Requests, each counted once"),
        *TOKENS,
    ),
    dated_by="usage_date",
)  # fmt: skip

REQUESTS = Stream(
    "usage_logs", "requests", "a request, where the configuration keeps them", (), "replaced",
    (
        Field("usage_id", "string", "The source's name and a digest of the request's id"),
        VENDOR, MODEL, PERSON, API_KEY, TEAM, TOOL,
        Field("session_id", "string", "The session"),
        TIER, CONTEXT, BATCH, *TOKENS,
        Field("occurred_at", "timestamp", "When it was made (UTC)"),
    ),
    dated_by="occurred_at",
)  # fmt: skip

REQUEST_DIGESTS = Stream(
    "usage_logs", "request_digests",
    "a day's requests in a piece of a log, so that no other log gives them again", (), "replaced",
    (
        Field("usage_date", "date", "The day (UTC)"),
        Field("digest_count", "integer", "How many requests"),
        Field("digests", "string", "Their ids, each as 64 bits of a digest, in base64", True),
    ),
    dated_by="usage_date",
)  # fmt: skip

COVERED_API_KEYS = Stream(
    "usage_logs", "covered_api_keys", "a vendor's key that the gateway calls with",
    ("vendor", "api_key_id"), "keyed",
    (VENDOR, Field("api_key_id", "string", "The key, as the vendor's own report names it")),
)  # fmt: skip

STREAMS = (USAGE_DAYS, REQUESTS, REQUEST_DIGESTS, COVERED_API_KEYS)

MEMORY = "2GB"  # of DuckDB; beyond it goes to the disk
FORGOTTEN = "forgotten"  # the fingerprint of what stands for a log that is counted no more


class Columns(BaseModel, extra="forbid"):
    """Which column of a log is what. A dot in a name goes into an object. ``request_count`` and
    ``longest_prompt`` (tokens) are for a gateway that sums requests up before it writes a line."""

    request_id: str
    occurred_at: str
    model: str
    input_tokens: str = ""
    uncached_input_tokens: str = ""
    cached_input_is_in_input: bool | None = None
    output_tokens: str = ""
    vendor: str = ""
    person: str = ""
    api_key_id: str = ""
    team_id: str = ""
    tool: str = ""
    session_id: str = ""
    service_tier: str = ""
    is_batch: str = ""
    cache_read_tokens: str = ""
    cache_write_tokens: str = ""
    cache_write_5m_tokens: str = ""
    cache_write_1h_tokens: str = ""
    request_count: str = ""
    longest_prompt: str = ""

    @model_validator(mode="after")
    def _input_is_plain(self) -> "Columns":
        if bool(self.input_tokens) == bool(self.uncached_input_tokens):
            raise ValueError("name one of input_tokens and uncached_input_tokens")
        has_cache = self.cache_read_tokens or self.cache_write_tokens or self.cache_write_5m_tokens
        if self.longest_prompt and not self.request_count:
            raise ValueError("longest_prompt goes with request_count, where a line is several")
        if self.input_tokens and has_cache and self.cached_input_is_in_input is None:
            raise ValueError(
                "say whether input_tokens holds the cached tokens: cached_input_is_in_input:"
                " true (as OpenAI counts) or false (as Anthropic does)"
            )
        return self

    @property
    def mapping(self) -> dict[str, str]:
        """Our name → the log's column, for what is mapped."""
        names = self.model_dump(exclude={"cached_input_is_in_input", "uncached_input_tokens"})
        names["input_tokens"] = self.input_tokens or self.uncached_input_tokens
        return {name: column for name, column in names.items() if column}


class LogSource(BaseModel, extra="forbid"):
    """Log files of one make. ``vendor`` and ``tool`` hold where a record does not say."""

    name: str = Setting(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=50)
    path: str
    format: Literal["litellm", "otel"] | None = None
    columns: Columns | None = None
    vendor: str = ""
    tool: str = ""

    @model_validator(mode="after")
    def _is_readable(self) -> "LogSource":
        if (self.format is None) == (self.columns is None):
            raise ValueError("give a format (litellm, otel) or columns, one of them")
        if self.columns and not (self.vendor or self.columns.vendor):
            raise ValueError("give columns.vendor, or vendor where all records have the same")
        return self

    def read_as(self, schema: pa.Schema | None = None) -> formats.Form:
        """How its logs are read; ``schema`` is a Parquet file's."""
        if self.columns:
            mapping = self.columns.mapping
            includes = bool(self.columns.cached_input_is_in_input)
            return formats.own(mapping, includes, schema, self.vendor, self.tool)
        if self.format == "litellm":
            return formats.litellm(self.vendor, self.tool, schema)
        return formats.otel(self.vendor, self.tool)


class VendorApiKey(BaseModel, extra="forbid"):
    """A key of a vendor that the gateway calls with: what the vendor reports of it is set aside."""

    vendor: str
    api_key_id: str


class UsageLogsSettings(BaseModel, extra="forbid"):
    """``systems.usage_logs`` of valuemaxx.yml."""

    sources: list[LogSource] = Setting(min_length=1)
    keep_requests: bool = False
    vendor_api_keys: list[VendorApiKey] = []

    @model_validator(mode="after")
    def _names_are_unique(self) -> "UsageLogsSettings":
        twice = [n for n, count in Counter(s.name for s in self.sources).items() if count > 1]
        if twice:
            raise ValueError(f"two sources are called {twice[0]}; give each its own name")
        return self


def extract(
    lake: Lake,
    identity: Identity,
    settings: UsageLogsSettings,
    *,
    full_refresh: bool = False,
    forget_missing: bool = False,
) -> Iterator[Outcome]:
    """Lands every log that changed since it was last read; one outcome a file.

    ``full_refresh`` reads unchanged files too. ``forget_missing`` drops what sources gave that the
    configuration no longer names; a file that is gone was rotated away, and what it gave stays.
    """
    yield from _cover(lake, settings)
    known = lake.newest(USAGE_DAYS)
    for source in settings.sources:
        logs = client.find(source.path)
        if not logs:
            yield Outcome("usage_logs", source.name, "warning", _no_files(source))
        with _workshop() as connection:
            reader = _Reader(
                lake, identity, connection, source, settings.keep_requests, full_refresh, known
            )
            yield from reader.read(logs)
    names = {source.name for source in settings.sources}
    gone = {s.split("/")[0] for s, b in known.items() if b.fingerprint != FORGOTTEN} - names
    for name in sorted(gone):
        yield _gone(lake, name, known, forget_missing)


def check(settings: UsageLogsSettings) -> Iterator[Outcome]:
    """Whether each source has files and the newest of them has the mapped columns."""
    for source in settings.sources:
        logs = client.find(source.path)
        if not logs:
            yield Outcome("usage_logs", source.name, "failed", _no_files(source))
            continue
        newest = max(logs, key=lambda log: log.changed_ns)
        try:
            _, warning = _form(source, newest)
        except client.Unreadable as error:
            scope = EMAIL.sub("(address)", f"{source.name}/{newest.name}")
            yield Outcome("usage_logs", scope, "failed", EMAIL.sub("(address)", str(error)))
        else:
            count = f"{len(logs):,} file{'s' * (len(logs) != 1)}"
            warning = EMAIL.sub("(address)", warning)
            status: Literal["warning", "unchanged"] = "warning" if warning else "unchanged"
            yield Outcome("usage_logs", source.name, status, warning or count)


@dataclass(frozen=True)
class _Digests:
    """The requests that a log gave: where they lie, the newest day, and the log's fingerprint
    when it gave them."""

    path: Path
    newest: date | None
    fingerprint: str

    @property
    def count(self) -> int:
        """How many they are."""
        counts: Any = pq.read_table(self.path, columns=["digest_count"])["digest_count"]
        return sum(count or 0 for count in counts.to_pylist())


@dataclass
class _Reader:
    """Lands one source's logs. ``known``: the newest sums of each log."""

    lake: Lake
    identity: Identity
    connection: duckdb.DuckDBPyConnection
    source: LogSource
    keep_requests: bool
    full_refresh: bool
    known: dict[str, Batch]
    digests: dict[str, _Digests] = field(init=False)
    reading: str = field(init=False)

    def __post_init__(self) -> None:
        self.reading = _reading(self.connection, self.source, self.identity, self.keep_requests)
        self.digests = {}
        for batch in self.lake.batches(REQUEST_DIGESTS):
            # Digests are committed before sums: a killed run can leave some that nothing counts.
            sums = self.known.get(batch.scope)
            ours = batch.scope.startswith(f"{self.source.name}/")
            if ours and sums and sums.fingerprint == batch.fingerprint:
                newest = batch.newest_record_at
                self.digests[batch.scope] = _Digests(
                    batch.path, newest and newest.date(), batch.fingerprint
                )

    def read(self, logs: list[client.Log]) -> Iterator[Outcome]:
        """Lands what changed. A log that two files hold is read from the longer one."""
        longest: dict[str, client.Log] = {}
        for log in sorted(logs, key=lambda log: (log.is_packed, -log.size)):
            longest.setdefault(log.head, log)
        for log in logs:
            name = self.identity.redact(f"{self.source.name}/{log.name}")
            if log.problem:
                yield Outcome("usage_logs", name, "failed", log.problem)
            elif not log.head:
                yield Outcome("usage_logs", name, "unchanged", "holds no whole line yet")
            elif longest[log.head] is not log:
                other = self.identity.redact(longest[log.head].name)
                message = f"is a copy or the beginning of {other}, and counts once"
                yield Outcome("usage_logs", name, "unchanged", message)
            else:
                yield self._read(log, name)

    def _read(self, log: client.Log, name: str) -> Outcome:
        scope = f"{self.source.name}/{log.head}"
        before = self.known.get(scope)
        fingerprint = f"{log.version}-{self.reading}"
        if before and before.fingerprint == fingerprint and not self.full_refresh:
            given = self.digests.get(scope)
            counted = _counted(given.count if given else 0, before.reasons)
            return Outcome(
                "usage_logs", name, "warning" if before.reasons else "unchanged", counted
            )
        try:
            return self._land(log, scope, name, fingerprint)
        except client.Unreadable as error:
            return Outcome("usage_logs", name, "failed", self.identity.redact(str(error)))
        except OSError as error:
            reason = error.strerror or "input or output failed"
            return Outcome("usage_logs", name, "failed", f"could not be read: {reason}")
        except duckdb.Error as error:  # its text may quote a record
            reason = type(error).__name__
            return Outcome("usage_logs", name, "failed", f"DuckDB could not read it: {reason}")

    def _land(self, log: client.Log, scope: str, name: str, fingerprint: str) -> Outcome:
        form, warning = _form(self.source, log)
        counting = Counting(
            self.connection, self.identity, form, lambda days: self._others(scope, days),
            self.keep_requests,
        )  # fmt: skip
        tail = client.Tail()

        def batch(stream: Stream) -> BatchWriter:
            return self.lake.writing(stream, scope, fingerprint=fingerprint)

        # What is entered last is committed first: the sums come last of all, and make it count.
        with (
            contextlib.closing(counting), batch(USAGE_DAYS) as sums,
            batch(REQUEST_DIGESTS) as digests, batch(REQUESTS) as kept,
        ):  # fmt: skip
            with ThreadPoolExecutor(1) as beside:
                writing: Future[None] = beside.submit(lambda: None)
                for piece in client.pieces(log, form.top_level, tail, counting.begin):
                    for refused in counting.take(piece):
                        place = f"{name}:{refused.line}"
                        sums.refuse(refused.record, refused.reason, place, refused.count)
                    if self.keep_requests:
                        kept.append(counting.requests(self.source.name))
                    given = counting.digests()
                    writing.result()
                    writing = beside.submit(lambda told: digests.append(told()), given)
                writing.result()
            sums.append(counting.sums())
            self._check_nothing_is_lost(scope, fingerprint, counting.count)
        path = next(self.lake.folder(REQUEST_DIGESTS).glob(f"*__{digests.batch_id}.parquet"))
        self.digests[scope] = _Digests(path, counting.newest_day, fingerprint)
        repeated = f"{counting.repeated:,} repeated" if counting.repeated else ""
        notes = (_counted(counting.count, sums.reasons), repeated, tail.note, warning)
        has_problem = bool(sums.reasons or warning or tail.is_cut_off)
        message = self.identity.redact("; ".join(filter(None, notes)))
        return Outcome("usage_logs", name, "warning" if has_problem else "landed", message)

    def _others(self, scope: str, days: list[date]) -> list[str]:
        """Files with the requests that other logs of the source gave, of these days and more."""
        return [
            str(digests.path)
            for other, digests in self.digests.items()
            if other != scope and digests.newest and digests.newest >= min(days)
        ]

    def _check_nothing_is_lost(self, scope: str, fingerprint: str, count: int) -> None:
        """A log only grows. One that gives less than before was damaged, or cut off."""
        before = self.digests.get(scope)
        reading = fingerprint.rpartition("-")[2]
        if not before or before.fingerprint.rpartition("-")[2] != reading:
            return
        if count < before.count:
            raise client.Unreadable(
                f"gives {count:,} requests, and gave {before.count:,} before: it is cut off or"
                " damaged, and what it gave before stays"
            )


def _cover(lake: Lake, settings: UsageLogsSettings) -> Iterator[Outcome]:
    keys = {(key.vendor.lower(), key.api_key_id) for key in settings.vendor_api_keys}
    if not keys and not lake.batches(COVERED_API_KEYS):
        return
    rows = [{"vendor": vendor, "api_key_id": key} for vendor, key in sorted(keys)]
    table = pa.Table.from_pylist(rows, COVERED_API_KEYS.schema)
    changed = lake.write_changes(COVERED_API_KEYS, "vendor_api_keys", table)
    message = f"{len(keys):,} key{'s' * (len(keys) != 1)}"
    status: Literal["landed", "unchanged"] = "landed" if changed else "unchanged"
    yield Outcome("usage_logs", "vendor_api_keys", status, message)


def _gone(lake: Lake, name: str, known: dict[str, Batch], forget_missing: bool) -> Outcome:
    """A source that the configuration names no more. Under a new name it would count twice."""
    if not forget_missing:
        message = "is no longer configured; what it gave stays until a run with --forget-missing"
        return Outcome("usage_logs", name, "missing", message)
    for scope in known:
        if scope.startswith(f"{name}/"):
            for stream in (REQUESTS, REQUEST_DIGESTS, USAGE_DAYS):
                with lake.writing(stream, scope, fingerprint=FORGOTTEN):
                    pass  # a batch without records, which from now on stands for the log
    return Outcome("usage_logs", name, "landed", "is no longer configured, and forgotten")


@contextlib.contextmanager
def _workshop() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory, on UTC, that uses the disk for what is too big."""
    with (
        tempfile.TemporaryDirectory() as folder,
        duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": folder}) as connection,
    ):
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("set enable_external_file_cache = false")  # a piece's name comes again
        yield connection


def _form(source: LogSource, log: client.Log) -> tuple[formats.Form, str]:
    """How a log is read, and a warning about mapped columns that it lacks. Raises Unreadable."""
    if log.is_parquet:
        if source.format == "otel":
            raise client.Unreadable("is Parquet; the format otel reads OTLP-JSON lines")
        schema = client.parquet_schema(log)
        form = source.read_as(schema)
        sample: list[dict[str, Any]] = [dict.fromkeys(schema.names)]
        absent = {s: c for s, c in form.mapped.items() if c.split(".")[0] not in schema.names}
        must = list(absent)
    else:
        form = source.read_as()
        sample = client.sample(log)
        absent = formats.absent(form.mapped, sample) if sample else {}
        must = [setting for setting in absent if setting in formats.REQUIRED]
    if not absent:
        return form, ""
    setting = must[0] if must else next(iter(absent))
    key = f"columns.{setting}" if source.columns else f"the format {source.format}"
    listed = ", ".join(name[:50] for name in formats.found_columns(sample)[:30]) or "none"
    problem = f"{key}: there is no column {absent[setting]}; there are: {listed}"
    if must:
        raise client.Unreadable(f"{problem}; mend sources.{source.name} in valuemaxx.yml")
    return form, problem


def _counted(requests: int, reasons: Mapping[str, int]) -> str:
    counted = f"{requests:,} request{'s' * (requests != 1)}"
    if not reasons:
        return counted
    most = Counter(reasons).most_common(5)
    told = ", ".join(f"{reason} ({count:,})" for reason, count in most)
    more = ", and other reasons" if len(reasons) > 5 else ""
    return f"{counted}, {sum(reasons.values()):,} refused: {told}{more}"


def _no_files(source: LogSource) -> str:
    return f"no file matches sources.{source.name}.path; mend it in valuemaxx.yml"


def _reading(
    connection: duckdb.DuckDBPyConnection,
    source: LogSource,
    identity: Identity,
    keep_requests: bool,
) -> str:
    """Changes when the same bytes would be read otherwise: this code, the mapping, the
    thresholds of prices, the salt, or how DuckDB digests."""
    digest = connection.execute("select hash('valuemaxx')").fetchall()
    parts = (
        source.model_dump(exclude={"path"}), keep_requests, identity.fingerprint,
        [stream.digest for stream in STREAMS], thresholds(), digest,
    )  # fmt: skip
    seen = hashlib.sha256(repr(parts).encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        seen.update(path.read_bytes())
    return seen.hexdigest()[:16]
