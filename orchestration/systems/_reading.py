"""How an API is read into the lake: which windows are due, what a window lands, what is told.

A ``keyed`` stream is read forward: from where its windows end, less a look-back, to now. A
``replaced`` one is read by calendar days or months: those that may still change, whole.
Both answers are read back from the committed batches; there is no other state.
"""

import hashlib
import json
import logging
import re
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, field_validator

from orchestration.identity import Identity
from orchestration.lake import Batch, Lake, Outcome, Stream, Window
from orchestration.systems._http import ApiError
from orchestration.systems._records import Refused, outline

log = logging.getLogger(__name__)

FIRST_READING = timedelta(days=731)  # how far back, where nobody says so
NEWS_SHOWN = 8
# What reading an answer raises where it is not what we took it for.
OTHER_FORM = (LookupError, TypeError, AttributeError, ValueError, ArithmeticError)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST = date(2000, 1, 1)  # a number where a day should be is read as seconds after 1970
CREDENTIAL = re.compile(r"[!-~]+")


class ApiSettings(BaseModel, extra="forbid"):
    """What every vendor system can be told. ``base_url`` for a self-hosted edition or a test;
    ``since``: the first day to read, two years back by default; ``first_pause_seconds``: before a
    failed request is tried again, doubled each time."""

    base_url: str
    since: date | None = Field(default=None, ge=EARLIEST)
    first_pause_seconds: float = Field(default=1.0, gt=0, le=60)

    @field_validator("base_url")
    @classmethod
    def _is_an_address(cls, text: str) -> str:
        if not _is_plain(text):
            raise ValueError("write an address as https://host/path, without login, query or space")
        return text

    @field_validator("token", "admin_key", check_fields=False)
    @classmethod
    def _is_a_credential(cls, text: str | None) -> str | None:
        # What no header can carry would only come out as a connection that fails.
        if text is not None and not CREDENTIAL.fullmatch(text):
            raise ValueError("is empty, or has a space or a sign that no credential has")
        return text


@dataclass(frozen=True)
class Mark:
    """What a batch's footer keeps of how it was read. ``form``: what the rows depend on; another
    one makes the batch void. ``code``: the reader; another one reads a window again that held
    refused records. ``until``: the moment the reading looked from. ``note``: the system's own."""

    form: str
    code: str
    until: datetime
    note: str = ""

    def __str__(self) -> str:
        return json.dumps([self.form, self.code, self.until.isoformat(), self.note])

    @classmethod
    def parse(cls, text: str) -> "Mark | None":
        """Reads what ``str`` wrote; None for anything else."""
        try:
            form, code, until, note = json.loads(text)
            return cls(form, code, datetime.fromisoformat(until), note)
        except (ValueError, TypeError):
            return None


@dataclass
class Reading:
    """One run's reading of one system. ``until``: nothing at or after it is asked for;
    ``since``: nothing before it. Both UTC. ``folder``: where the system's code lies.
    ``rules``: what of the settings the rows depend on; other ones make every batch void."""

    system: str
    lake: Lake
    identity: Identity
    folder: Path
    since: datetime
    until: datetime
    full_refresh: bool = False
    forget_missing: bool = False
    rules: str = ""
    _code: str = field(default="", init=False)
    _batches: dict[str, dict[str, list[Batch]]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        seen = hashlib.sha256()
        for path in sorted(self.folder.glob("*.py")):
            seen.update(path.read_bytes())
        self._code = seen.hexdigest()[:12]

    def mark(self, stream: Stream, note: str = "") -> Mark:
        """The mark of what is read now."""
        form = f"{stream.digest} {self.identity.fingerprint}"
        if self.rules:
            form += " " + hashlib.sha256(self.rules.encode()).hexdigest()[:12]
        return Mark(form, self._code, self.until, note)

    def before(self, stream: Stream, scope: str) -> list[Batch]:
        """The scope's batches as they were when this run first asked, oldest first. Read from the
        disk once: a system may have thousands of scopes."""
        if stream.name not in self._batches:
            scopes: dict[str, list[Batch]] = {}
            for batch in self.lake.batches(stream):
                scopes.setdefault(batch.scope, []).append(batch)
            self._batches[stream.name] = scopes
        return self._batches[stream.name].get(scope, [])

    def kept(self, stream: Stream, scope: str) -> list[tuple[Batch, Mark]]:
        """The batches of a scope that need not be read again, oldest window first: made in the
        form of today, and without refused records unless this reader refused them."""
        if self.full_refresh:
            return []
        now = self.mark(stream)
        good = [
            (batch, mark)
            for batch in self.before(stream, scope)
            if (mark := Mark.parse(batch.fingerprint)) is not None
            and mark.form == now.form
            and (mark.code == now.code or not batch.rows_quarantined)
        ]
        return sorted(good, key=lambda each: (each[0].window.start or EPOCH, each[0].batch_id))

    def reached(self, stream: Stream, scope: str) -> datetime:
        """How far a keyed stream has been read without a gap."""
        reached = self.since
        for batch, _ in self.kept(stream, scope):
            start, end = batch.window.start, batch.window.end
            if start and end and start <= reached:
                reached = max(reached, end)
        return reached

    def stretches(
        self, stream: Stream, scope: str, look_back: timedelta, longest: timedelta
    ) -> Iterator[Window]:
        """The windows of a keyed stream that are due, oldest first: from ``look_back`` before
        where it has been read to, in pieces of at most ``longest``."""
        reached = self.reached(stream, scope)
        start = reached if reached == self.since else max(self.since, reached - look_back)
        while start < self.until:
            end = min(start + longest, self.until)
            yield Window(start, end)
            start = end

    def buckets(
        self, stream: Stream, scope: str, width: Literal["day", "month"], look_back: timedelta
    ) -> Iterator[Window]:
        """The calendar days or months of a replaced stream that are due, oldest first: those not
        read yet, and those last read less than ``look_back`` after their end."""
        final = {
            batch.window
            for batch, mark in self.kept(stream, scope)
            if batch.window.end and mark.until >= batch.window.end + look_back
        }
        start = self.since.replace(hour=0, minute=0, second=0, microsecond=0)
        if width == "month":
            start = start.replace(day=1)
        while start < self.until:
            end = start + timedelta(days=1) if width == "day" else _next_month(start)
            if Window(start, end) not in final:
                yield Window(start, end)
            start = end

    def scope(self, scope: str, **parts: Callable[["Telling"], None]) -> Outcome:
        """Runs the parts of a scope's reading and tells what became of them in one outcome. A
        part that the API fails does not keep the others from being read."""
        telling = Telling(self, scope)
        for name, part in parts.items():
            try:
                part(telling)
            except ApiError as error:
                telling.failures.append(f"{name}: {error}")
            except OTHER_FORM as error:
                # Its text may hold what the vendor sent; where it was raised does not.
                place = traceback.extract_tb(error.__traceback__)[-1]
                telling.failures.append(
                    f"{name}: an answer has another form than documented ({type(error).__name__} "
                    f"in {Path(place.filename).name}:{place.lineno}); the rest is read next time"
                )
        return telling.outcome()


@dataclass
class Telling:
    """What is said of a scope while it is read: what landed, what was refused, what is new."""

    reading: Reading
    scope: str
    rows: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    news: set[str] = field(default_factory=set)
    remarks: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def landing(self, window: Window, *streams: Stream, note: str = "") -> "Landing":
        """``with telling.landing(window, CHILD, PARENT) as page: page.add(…)`` collects a window
        of one or several streams and commits them in that order: the one whose windows say how
        far has been read comes last. An exception leaves nothing of it."""
        return Landing(self, window, streams, note)

    def outcome(self) -> Outcome:
        """All of it in one line."""
        read = ", ".join(f"{count:,} {name}" for name, count in self.rows.items() if count)
        remarks = list(self.remarks)
        if self.reasons:
            total = sum(self.reasons.values())
            most = ", ".join(f"{r} ({c:,})" for r, c in self.reasons.most_common(3))
            remarks.append(f"{total:,} refused: {most}")
        if self.news:
            shown = ", ".join(sorted(self.news)[:NEWS_SHOWN])
            remarks.append(f"fields that nothing reads yet: {shown}")
        if self.failures:
            status: Any = "failed"
        elif remarks:
            status = "warning"
        else:
            status = "landed" if read else "unchanged"
        message = "; ".join([*self.failures, *([read] if read else []), *remarks])
        return Outcome(self.reading.system, self.scope, status, message)


class Landing:
    """One window of one or several streams, in memory until it is whole. ``add`` of a key that is
    there already takes its place: it was read later."""

    def __init__(
        self, telling: Telling, window: Window, streams: tuple[Stream, ...], note: str
    ) -> None:
        self._telling, self._window, self._streams, self.note = telling, window, streams, note
        self._records: dict[str, dict[Any, Mapping[str, Any]]] = {s.name: {} for s in streams}
        self._deleted: dict[str, list[Mapping[str, Any]]] = {s.name: [] for s in streams}
        self._refused: list[tuple[str, dict[str, Any], str, str]] = []

    def __enter__(self) -> "Landing":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.commit()

    def add(self, stream: Stream, record: Mapping[str, Any]) -> None:
        """Takes a record: the stream's fields by name, a missing one is null. An address that
        stands in any of its words (a label, a service's name) is redacted."""
        redact = self._telling.reading.identity.redact
        record = {
            name: redact(value) if isinstance(value, str) and "@" in value else value
            for name, value in record.items()
        }
        records = self._records[stream.name]
        records[tuple(record.get(k) for k in stream.key) if stream.key else len(records)] = record

    def delete(self, stream: Stream, key: Mapping[str, Any]) -> None:
        """Says that a record of a keyed stream is gone."""
        self._deleted[stream.name].append(key)

    def refuse(self, stream: Stream, payload: Any, refused: Refused, place: str) -> None:
        """Puts a payload aside, without what it says of people."""
        self._refused.append((stream.name, outline(payload), str(refused), place))

    @contextmanager
    def reading(self, stream: Stream, payload: Any, place: str) -> Iterator[None]:
        """``with landing.reading(STREAM, payload, place): landing.add(STREAM, made(payload))``
        puts the payload aside if what is made of it raises Refused."""
        try:
            yield
        except Refused as refused:
            self.refuse(stream, payload, refused, place)

    def count(self, stream: Stream) -> int:
        """Records of the stream so far."""
        return len(self._records[stream.name])

    def commit(self) -> None:
        """Lands everything. A stream but the last that got nothing gets no batch; a replaced
        window that comes back empty leaves what stood for it, and says so."""
        for stream in self._streams:
            is_last = stream is self._streams[-1]
            refused = [r for r in self._refused if r[0] == stream.name]
            records = self._records[stream.name]
            if not (records or refused or self._deleted[stream.name] or is_last):
                continue
            if not records and not refused and self._is_an_empty_answer(stream):
                continue
            self._land(stream, refused)

    def _land(self, stream: Stream, refused: list[tuple[str, dict[str, Any], str, str]]) -> None:
        telling = self._telling
        reading = telling.reading
        fingerprint = str(reading.mark(stream, self.note))
        with reading.lake.writing(stream, telling.scope, self._window, fingerprint) as batch:
            batch.append_records(list(self._records[stream.name].values()))
            if self._deleted[stream.name]:
                batch.append_records(self._deleted[stream.name], is_deleted=True)
            for _, record, reason, place in refused:
                batch.refuse(record, reason, place)
        telling.rows[stream.name] += batch.rows_landed
        telling.reasons.update(batch.reasons)
        log.info(
            "%s %s: %s %s to %s", reading.system, telling.scope, f"{batch.rows_landed:,}",
            stream.name, self._window.end or "now",
        )  # fmt: skip

    def _is_an_empty_answer(self, stream: Stream) -> bool:
        telling = self._telling
        if stream.fold != "replaced" or telling.reading.forget_missing:
            return False
        before = telling.reading.before(stream, telling.scope)
        stood = [b.rows_landed for b in before if b.window == self._window][-1:]
        if not any(stood):
            return False
        period = f" of {self._window.start:%Y-%m-%d}" if self._window.start else ""
        telling.remarks.append(
            f"{stream.name}{period} came back empty; the "
            f"{stood[0]:,} records it gave before stay (--forget-missing drops them)"
        )
        return True


def reasons(failures: Mapping[str, ApiError]) -> str:
    """What several paths failed for, each reason once: ``/a, /b: the key is not accepted``."""
    paths: dict[str, list[str]] = {}
    for path, error in failures.items():
        paths.setdefault(str(error).rpartition(f"{path}: ")[2], []).append(path)
    return "; ".join(f"{', '.join(those)}: {reason}" for reason, those in paths.items())


def first_day(settings: ApiSettings, since: date | None, until: datetime) -> datetime:
    """Where a first reading begins: the command's word, the configuration's, or two years back."""
    day = since or settings.since or (until - FIRST_READING).date()
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _next_month(start: datetime) -> datetime:
    return (start.replace(day=28) + timedelta(days=4)).replace(day=1)


def _is_plain(address: str) -> bool:
    """Whether it is scheme, host, perhaps a port and a path, and nothing else."""
    try:
        parts = urlsplit(address)
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    is_http = parts.scheme in ("http", "https")
    return is_http and has_host and not re.search(r"[@?#\s\x00-\x1f]", address)
