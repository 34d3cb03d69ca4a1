"""One repository's reading: what of it is due, from where, and what lands."""

import hashlib
import json
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from orchestration.lake import Outcome, Stream, Window
from orchestration.systems._reading import Reading, Telling
from orchestration.systems._records import Refused
from orchestration.systems.github import client, records
from orchestration.systems.github.streams import (
    COMMITS,
    DEPLOYMENT_STATUSES,
    DEPLOYMENTS,
    ISSUES,
    PULL_REQUEST_COMMITS,
    PULL_REQUESTS,
    REVIEWS,
    SERVICES,
    WORKFLOW_RUNS,
)

if TYPE_CHECKING:
    from orchestration.systems.github import GitHubSettings

log = logging.getLogger(__name__)

LATE = timedelta(hours=1)  # what was changed shows up in lists within
MOVES = timedelta(days=14)  # a deployment gets its statuses within, or is asked for by itself
RERUNS = timedelta(days=3)  # a workflow run ends, or runs again, within
GIVEN_UP = timedelta(days=90)  # an open deployment that is older stays open
COMMITTED_EVERY = 1_000  # records of the list that is read


@dataclass(frozen=True)
class Bookmark:
    """Where to go on in a list that is read forward, and what is known of it.

    ``cursor``: everything up to it is settled, the last of it from ``through``; ``passed``: how
    many the vendor counts and the lake does not hold; ``total``: how many it counted; ``open``:
    how many may still change, however old; ``policy``: what the rows depend on besides."""

    cursor: str = ""
    through: str = ""
    passed: int = 0
    total: int = 0
    open: int = 0
    policy: str = ""

    def __str__(self) -> str:
        return json.dumps({name: value for name, value in vars(self).items() if value})

    @classmethod
    def parse(cls, text: str) -> "Bookmark":
        """Reads what ``str`` wrote."""
        return cls(**json.loads(text)) if text else cls()


@dataclass
class Chunk:
    """What was read since the last commit."""

    rows: list[tuple[Stream, records.Record]] = field(default_factory=list)
    deleted: list[tuple[Stream, records.Record]] = field(default_factory=list)
    refused: list[tuple[Stream, Any, Refused]] = field(default_factory=list)


@dataclass(frozen=True)
class Run:
    """What the readings of all repositories share. ``teams``: repository id → the slug of the
    team that administers it; ``known``: repositories that an earlier run has read."""

    reading: Reading
    settings: "GitHubSettings"
    client: client.Client
    reader: records.Reader
    teams: dict[str, str]
    known: frozenset[str]
    # Repositories are read side by side, the lake is written by one at a time.
    lock: threading.Lock = field(default_factory=threading.Lock)


class RepositoryReading:
    """Reads one repository, in the lake the scope of its id."""

    def __init__(self, run: Run, repository: records.Repository) -> None:
        self._run, self._reading, self._client = run, run.reading, run.client
        self._repository = repository
        self._scope = repository.repository_id
        self._place = client.Place(repository.repository_id, repository.name)
        self._shipped: dict[str, str] | None = None  # deployment → service, of what was read now

    def read(self) -> Outcome:
        """Reads what is due and tells what became of it, under the repository's name."""
        parts: dict[str, Callable[[Telling], None]] = {
            "pull_requests": self._pull_requests, "issues": self._issues,
        }  # fmt: skip
        if self._run.settings.deployments.source == "deployments":
            parts["deployments"] = self._deployments
        elif self._run.settings.deployments.source == "releases":
            parts["releases"] = self._releases
        parts["workflow_runs"] = self._workflow_runs
        parts["services"] = self._owners
        outcome = self._reading.scope(self._scope, **parts)
        return replace(outcome, scope=self._repository.name)

    def _pull_requests(self, telling: Telling) -> None:
        default = self._repository.default_branch
        named = self._run.settings.branches
        has_issues = self._newest("issues") is not records.UNKNOWN
        reached, mark = self._progress(PULL_REQUESTS, _digest(named or default, has_issues))
        newest = self._newest("pull_requests")
        if not self._is_due(newest, reached, LATE, mark):
            return
        branches = named or [default or self._client.default_branch(self._place)]

        def take(chunk: Chunk, payload: Any) -> None:
            change = self._run.reader.pull_request(payload, self._repository, branches)
            chunk.rows.append((PULL_REQUESTS, change.pull_request))
            if change.pull_request["merged_at"] and not change.pull_request["is_for_mainline"]:
                telling.rows["merged into another branch"] += 1
            chunk.rows += [(PULL_REQUEST_COMMITS, row) for row in change.pull_request_commits]
            chunk.rows += [(COMMITS, row) for row in change.commits]
            chunk.rows += [(REVIEWS, row) for row in change.reviews]

        streams = (PULL_REQUEST_COMMITS, COMMITS, REVIEWS, PULL_REQUESTS)
        asked = client.PULL_REQUESTS if has_issues else client.PULL_REQUESTS_ALONE
        _Forward(self, telling, asked, streams, take, LATE).read(reached, mark)

    def _issues(self, telling: Telling) -> None:
        settings = self._run.settings
        policy = _digest(
            settings.incident_labels, settings.severity_label, settings.escaped_defect_labels,
            settings.issue_types, settings.services.get(self._repository.name),
        )  # fmt: skip
        reached, mark = self._progress(ISSUES, policy)
        if not self._is_due(self._newest("issues"), reached, LATE, mark):
            return

        def take(chunk: Chunk, payload: Any) -> None:
            chunk.rows.append((ISSUES, self._run.reader.issue(payload, self._repository)))

        # The vendor filters by the time of change: no cursor need be kept.
        since = max(self._reading.since, reached - LATE)
        forward = _Forward(self, telling, client.ISSUES, (ISSUES,), take, LATE)
        forward.go(reached, Bookmark(policy=policy), since=stamp(since))

    def _deployments(self, telling: Telling) -> None:
        reached, mark, stale = self._shipping_progress("")
        newest = self._newest("deployments")
        if not (mark.open or stale or self._is_due(newest, reached, MOVES, mark)):
            return
        until = self._reading.until.replace(tzinfo=None)
        earlier: dict[str, list[records.Seen]] = {}
        columns = ("status_id", "deployment_id", "state", "created_at")
        for row in self.current(DEPLOYMENT_STATUSES, *columns).values():
            earlier.setdefault(row.pop("deployment_id"), []).append(records.Seen(**row))
        open_ids = {
            row["node_id"]
            for row in self.current(DEPLOYMENTS, "deployment_id", "node_id", "status",
                                    "created_at").values()
            if _is_open(row, until)
        }  # fmt: skip

        def take(chunk: Chunk, payload: Any) -> None:
            made, statuses = self._run.reader.deployment(payload, self._repository, earlier, until)
            chunk.rows += [(DEPLOYMENT_STATUSES, status) for status in statuses]
            chunk.rows.append((DEPLOYMENTS, made))
            seen.add(made["node_id"])
            change = open_ids.add if _is_open(made, until) else open_ids.discard
            change(made["node_id"])

        def finish(chunk: Chunk) -> int:
            for payload in self._client.again(client.DEPLOYMENTS, sorted(open_ids - seen)):
                forward.take(chunk, payload)
            return len(open_ids)

        seen: set[str] = set()
        streams = (DEPLOYMENT_STATUSES, DEPLOYMENTS)
        forward = _Forward(self, telling, client.DEPLOYMENTS, streams, take, MOVES, finish, stale)
        forward.read(reached, mark)

    def _releases(self, telling: Telling) -> None:
        reached, mark, stale = self._shipping_progress("release-")
        newest = self._newest("deployments")
        if not (stale or self._is_due(newest, reached, MOVES, mark)):
            return

        def take(chunk: Chunk, payload: Any) -> None:
            record = self._run.reader.release(payload, self._repository)
            if record is None:
                forward.passed += 1
            else:
                chunk.rows.append((DEPLOYMENTS, record))

        forward = _Forward(self, telling, client.RELEASES, (DEPLOYMENTS,), take, MOVES, stale=stale)
        forward.read(reached, mark)

    def _workflow_runs(self, telling: Telling) -> None:
        is_shipping = self._run.settings.deployments.source == "workflow_runs"
        policy = self._service_policy() if is_shipping else ""
        reached, mark = self._progress(WORKFLOW_RUNS, policy)
        start = reached
        if reached > self._reading.since:
            start = max(self._reading.since, reached - RERUNS)
        # Those that a clock starts come without any activity.
        is_active = mark.total or _after(self._repository.active_at, start)
        if reached >= self._reading.until or not is_active:
            return
        chunk, total = Chunk(), 0
        if is_shipping:
            chunk.deleted = [(DEPLOYMENTS, row) for row in self._stale("run-")]
        streams = (DEPLOYMENTS, WORKFLOW_RUNS) if is_shipping else (WORKFLOW_RUNS,)
        pieces = self._client.runs(self._place, Window(start, self._reading.until))
        for window, payloads in pieces:
            for payload in payloads:
                self._take_run(telling, chunk, payload, is_shipping)
            total += len(payloads)
            end = max(reached, window.end or reached)
            mark = Bookmark(total=total, policy=policy)
            self.commit(telling, chunk, Window(reached, end), streams, mark)
            reached, chunk = end, Chunk()

    def _take_run(self, telling: Telling, chunk: Chunk, payload: Any, is_shipping: bool) -> None:
        try:
            run = self._run.reader.run(payload, self._repository, telling.news)
        except Refused as refused:
            chunk.refused.append((WORKFLOW_RUNS, payload, refused))
            return
        chunk.rows.append((WORKFLOW_RUNS, run))
        if is_shipping:
            shipped = self._run.reader.shipped_by(payload, run, self._repository)
            if shipped is not None:
                chunk.rows.append((DEPLOYMENTS, shipped))

    def _owners(self, telling: Telling) -> None:
        """Which services there are is known from what was deployed; whose they are is asked when
        the repository or the list of teams changed."""
        name, settings = self._repository.name, self._run.settings
        admin = self._run.teams.get(self._scope, "")
        policy = _digest(name, admin, settings.services.get(name), settings.teams)
        reached, _ = self._progress(SERVICES, policy)
        is_due = reached == self._reading.since or _after(self._repository.pushed_at, reached)
        if self._shipped is None and not is_due:
            return
        shipped = {
            deployment_id: row["service_id"]
            for deployment_id, row in self.current(
                DEPLOYMENTS, "deployment_id", "service_id"
            ).items()
        }
        services = {*shipped.values()} if self._shipped is None else {
            *(shipped | self._shipped).values()
        }  # fmt: skip
        if name in settings.services:
            services.add(settings.services[name])
        before = self.current(SERVICES, "service_id")
        if not (services or before) or (not is_due and services == before.keys()):
            return
        slug = records.owning_team(self._client.owners_file(self._place)) or admin
        chunk = Chunk()
        for service_id in sorted(services):
            team_id = self._run.reader.team(slug) if slug else None
            row = {**self._repository.where, "service_id": service_id, "team_id": team_id}
            chunk.rows.append((SERVICES, row))
        chunk.deleted = [
            (SERVICES, {"service_id": service_id, "repository_id": self._scope})
            for service_id in sorted(before.keys() - services)
        ]
        window = Window(min(reached, self._reading.until), self._reading.until)
        self.commit(telling, chunk, window, (SERVICES,), Bookmark(policy=policy))

    def commit(
        self,
        telling: Telling,
        chunk: Chunk,
        window: Window,
        streams: tuple[Stream, ...],
        mark: Bookmark,
    ) -> None:
        """Lands what was collected."""
        landing = telling.landing(window, *streams, note=str(mark))
        for stream, key in chunk.deleted:
            landing.delete(stream, key)
        for stream, row in chunk.rows:
            landing.add(stream, row)
            if stream is DEPLOYMENTS:
                self._shipped = {**(self._shipped or {}), row["deployment_id"]: row["service_id"]}
        for stream, payload, refused in chunk.refused:
            landing.refuse(stream, payload, refused, stream.name)
        with self._run.lock:
            landing.commit()

    def current(self, stream: Stream, key: str, *columns: str) -> dict[str, records.Record]:
        """The repository's records as the run found them, by key. (``Lake.current`` looks through
        the batches of every repository, which for each of them would not do.)"""
        rows: dict[str, records.Record] = {}
        for batch in self._reading.before(stream, self._scope):
            table = pq.read_table(batch.path, columns=[key, *columns, "_is_deleted"])
            for row in table.to_pylist():
                if row.pop("_is_deleted"):
                    rows.pop(row[key], None)
                else:
                    rows[row[key]] = row
        return rows

    @property
    def place(self) -> client.Place:
        """The repository where questions name it."""
        return self._place

    @property
    def run(self) -> Run:
        """What it shares with the others."""
        return self._run

    @property
    def made_at(self) -> datetime:
        """When the repository was made."""
        return self._repository.created_at.replace(tzinfo=UTC)

    def _shipping_progress(self, prefix: str) -> tuple[datetime, Bookmark, list[records.Record]]:
        reached, mark = self._progress(DEPLOYMENTS, self._service_policy())
        stale = self._stale(prefix) if reached == self._reading.since else []
        return reached, mark, stale

    def _stale(self, prefix: str) -> list[records.Record]:
        """Keys of what was a deployment under another policy."""
        kinds = ("run-", "release-")
        return [
            {"deployment_id": i}
            for i in self.current(DEPLOYMENTS, "deployment_id")
            if not (i.startswith(prefix) if prefix else not i.startswith(kinds))
        ]

    def _progress(self, stream: Stream, policy: str = "") -> tuple[datetime, Bookmark]:
        """How far a list has been read without a gap, and the bookmark left there."""
        reached, mark = self._reading.since, Bookmark(policy=policy)
        if self._scope not in self._run.known:
            return reached, mark  # what was forgotten is read again
        kept = [
            (batch, Bookmark.parse(said.note))
            for batch, said in self._reading.kept(stream, self._scope)
            if batch.window.start
        ]
        # What was read before the policy was another one is no longer as it was read.
        others = [batch.batch_id for batch, left in kept if left.policy != policy]
        for batch, left in kept:
            start, end = batch.window.start, batch.window.end
            is_valid = batch.batch_id > max(others, default="")
            if start and end and is_valid and start <= reached <= end:
                reached, mark = end, left
        return reached, mark

    def _is_due(
        self, newest: records.Newest, reached: datetime, look_back: timedelta, mark: Bookmark
    ) -> bool:
        if reached >= self._reading.until:
            return False
        if reached == self._reading.since:
            return _after(newest.at, reached)
        return _after(newest.at, reached - look_back) or newest.total > mark.total

    def _newest(self, name: str) -> records.Newest:
        return self._repository.newest.get(name, records.NOTHING)

    def _service_policy(self) -> str:
        settings = self._run.settings
        service = settings.services.get(self._repository.name)
        return _digest(settings.deployments.model_dump(), service)


@dataclass
class _Forward:
    """A list that is read from its old end to its new one: what changes while one reads moves
    towards the end, so that nothing is skipped (docs/decisions/0010). ``row`` makes rows of a
    payload; ``finish`` adds what the list itself does not show, and says how many stay open."""

    repository: RepositoryReading
    telling: Telling
    connection: client.Connection
    streams: tuple[Stream, ...]
    row: Callable[[Chunk, Any], None]
    settled_after: timedelta
    finish: Callable[[Chunk], int] = lambda chunk: 0
    stale: list[records.Record] = field(default_factory=list)
    passed: int = 0
    seen: set[int] = field(default_factory=set)  # hashes of keys: they may be a million

    def read(self, reached: datetime, mark: Bookmark) -> None:
        """Reads on from the bookmark; from the beginning where that leads nowhere any more, or
        something before it is missing."""
        since, repository = self.telling.reading.since, self.repository
        if mark.cursor:
            try:
                total = self.go(reached, mark)
            except client.LostPlace:
                pass
            else:
                if self._held() + self.passed >= total:
                    return
            log.info("github: %s: %s anew", repository.place.name, self.connection.name)
        cursor, passed = "", 0
        if repository.made_at < since:
            cursor, passed = repository.run.client.passed_over(
                self.connection, repository.place, stamp(since)
            )
        self.go(since, Bookmark(cursor, passed=passed, policy=mark.policy), is_whole=True)

    def go(
        self, reached: datetime, mark: Bookmark, is_whole: bool = False, **variables: Any
    ) -> int:
        """Reads to the end and commits as it goes; how many there were when it began. Raises
        LostPlace if the bookmark's cursor leads to another place."""
        until = self.telling.reading.until
        settled = stamp(until - self.settled_after)
        self.passed, total, count, newest = mark.passed, None, 0, mark.through
        chunk = Chunk(deleted=[(self.streams[-1], key) for key in self.stale])
        pages = self.repository.run.client.pages(
            self.connection, self.repository.place, mark.cursor, **variables
        )
        for page in pages:
            moments = [str(node.get(self.connection.moment) or "") for node in page.nodes]
            if total is None and moments and moments[0] < mark.through:
                raise client.LostPlace("github: a cursor leads to another place")
            total = page.total if total is None else total
            for payload in page.nodes:
                self.take(chunk, payload)
            newest = max([newest, *moments])
            mark = replace(mark, total=0, open=0)
            if newest and newest < settled:
                mark = replace(mark, cursor=page.cursor, through=newest, passed=self.passed)
            count += len(page.nodes)
            if count >= COMMITTED_EVERY:
                end = datetime.fromisoformat(newest) + timedelta(seconds=1)
                end = min(max(end, reached), until)
                self._commit(chunk, reached, end, mark)
                chunk, reached, count = Chunk(), end, 0
        stay_open = self.finish(chunk)
        missing = page.total - self._held() - self.passed if is_whole else 0
        if missing > 0:
            mark = replace(mark, passed=mark.passed + missing)
            self.telling.remarks.append(
                f"GitHub counts {missing:,} more {self.connection.name} than it gives"
            )
        mark = replace(mark, total=page.total, open=stay_open)
        self._commit(chunk, reached, until, mark)
        return total or 0

    def take(self, chunk: Chunk, payload: Any) -> None:
        """Adds a payload's rows, or puts it aside."""
        stream = self.streams[-1]
        at = len(chunk.rows)
        try:
            self.row(chunk, payload)
        except Refused as refused:
            chunk.refused.append((stream, payload, refused))
            self.passed += 1
        self.seen.update(
            hash(row[stream.key[0]]) for name, row in chunk.rows[at:] if name is stream
        )

    def _held(self) -> int:
        """How many the lake holds, with those that were just read."""
        stream = self.streams[-1]
        before = self.repository.current(stream, stream.key[0])
        return len(self.seen.union(map(hash, before)))

    def _commit(self, chunk: Chunk, start: datetime, end: datetime, mark: Bookmark) -> None:
        self.repository.commit(self.telling, chunk, Window(start, end), self.streams, mark)


def _is_open(row: records.Record, until: datetime) -> bool:
    """Whether a deployment may still change. What says nothing for long never will."""
    return bool(row["node_id"] and row["status"] is None and row["created_at"] > until - GIVEN_UP)


def _after(moment: datetime | None, start: datetime) -> bool:
    return moment is not None and moment.replace(tzinfo=UTC) >= start


def stamp(moment: datetime) -> str:
    """A moment as GitHub writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:12]
