"""Jira Cloud: issues with their changes of status, incidents by a question of one's own.

Data flow: ``POST /search/jql`` by time of change, ``POST /changelog/bulkfetch`` for the moves →
one record per issue → ``lake/jira/<stream>``, one scope per project; weekly all ids, for what was
deleted, moved or missed.
Run standalone: ``python -m orchestration.systems.jira --config valuemaxx.yml``.
"""

import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, model_validator
from pydantic import Field as Setting

from orchestration.identity import Identity
from orchestration.lake import WHOLE, Field, Lake, Outcome, Stream, Window
from orchestration.systems._http import ApiError, Unexpected
from orchestration.systems._reading import ApiSettings, Landing, Reading, Telling, first_day
from orchestration.systems._records import Refused
from orchestration.systems.jira import client, records

PROJECTS = Stream(
    "jira", "projects", "a project", ("project_id",), "keyed",
    (
        Field("project_id", "string", "Jira's id; it stays when the key changes"),
        Field("project_key", "string", "What its issues' keys begin with"),
        Field("team_id", "string", "The team that the configuration gives it"),
    ),
)  # fmt: skip

ISSUE_KEYS = Stream(
    "jira", "issue_keys", "a key that an issue has or had", ("issue_id", "issue_key"), "keyed",
    (
        Field("issue_id", "string", "Jira's id of the issue"),
        Field("issue_key", "string", "The key; an issue that moves to another project gets a new"
              " one"),
    ),
)  # fmt: skip

ISSUES = Stream(
    "jira", "issues", "an issue", ("issue_id",), "keyed",
    (
        Field("issue_id", "string", "Jira's id; it stays when the issue moves"),
        Field("issue_key", "string", "Its key"),
        Field("project_id", "string", "The project it is in"),
        Field("project_key", "string", "The project's key"),
        Field("issue_type", "string", "Its type in lower case, as the configuration calls it"),
        Field("hierarchy_level", "integer", "1 = an epic, 0 = an issue, -1 = a sub-task"),
        Field("status_category", "string", "new, indeterminate or done"),
        Field("team_id", "string", "The team it belongs to"),
        Field("service_id", "string", "The service it is about: its first component, or a field"),
        Field("parent_issue_id", "string", "The issue above it: a sub-task's issue, its epic"),
        Field("labels", "list", "Labels, by ';'"),
        Field("work_type", "string", "Kind of work, by a field or a label"),
        Field("reopened_count", "integer", "How often it went from done to not done"),
        Field("is_escaped_defect", "boolean",
              "Whether a bug was found in production, by policy; null for all else"),
        Field("created_at", "timestamp", "When it was opened"),
        Field("started_at", "timestamp", "When it first had a status of work begun"),
        Field("resolved_at", "timestamp", "When it was resolved; null while it is not"),
        Field("updated_at", "timestamp", "When anything of it last changed"),
    ),
    dated_by="updated_at",
)  # fmt: skip

INCIDENTS = Stream(
    "jira", "incidents", "an incident", ("incident_id",), "keyed",
    (
        Field("incident_id", "string", "Jira's id of the issue that it is"),
        Field("incident_key", "string", "Its key"),
        Field("service_id", "string", "The service that suffered"),
        Field("severity", "string", "How bad, in the company's words"),
        Field("caused_by_deployment_id", "string", "The deployment that a field names"),
        Field("opened_at", "timestamp", "When it was opened"),
        Field("acknowledged_at", "timestamp", "When it first had a status of work begun"),
        Field("resolved_at", "timestamp", "When it was resolved; null while it is not"),
        Field("updated_at", "timestamp", "When anything of it last changed"),
    ),
    dated_by="updated_at",
)  # fmt: skip

STREAMS = (PROJECTS, ISSUE_KEYS, ISSUES, INCIDENTS)

SITE = "site"  # the scope of what is no project's
INCIDENT_SCOPE = "incidents"
LOOK_BACK = timedelta(hours=24)  # the index of searches lags some minutes, now and then hours
LONGEST = timedelta(days=180)  # in memory until it is whole
SWEEP_EVERY = timedelta(days=7)
SWEPT = "swept"  # the note of a batch that compared all ids
SWEEP_MARGIN = timedelta(days=1)  # so that no edge of a window looks like a deletion
FORGOTTEN = "forgotten"  # the fingerprint of what was dropped
KEY = r"^[A-Z][A-Z0-9_]*$"


class EscapedDefect(BaseModel, extra="forbid"):
    """Which bugs were found in production: those with one of the labels, or where the field has
    one of the values. Without either nobody knows."""

    labels: list[str] = []
    field: str | None = None
    values: list[str] = []

    @model_validator(mode="after")
    def _has_both(self) -> "EscapedDefect":
        if bool(self.field) != bool(self.values):
            raise ValueError("give a field together with the values that mean production")
        return self


class WorkType(BaseModel, extra="forbid"):
    """Where the kind of work stands: in a field, or in a label after a prefix (``type:``)."""

    field: str | None = None
    label_prefix: str | None = None

    @model_validator(mode="after")
    def _is_one(self) -> "WorkType":
        if self.field and self.label_prefix:
            raise ValueError("give a field or a label_prefix, not both")
        return self


class Incidents(BaseModel, extra="forbid"):
    """Which issues are incidents, as JQL, and which fields say what of them."""

    jql: str = Setting(min_length=1)
    service_field: str = "components"
    severity_field: str = "priority"
    caused_by_field: str | None = None

    @model_validator(mode="after")
    def _is_a_condition(self) -> "Incidents":
        if "order by" in " ".join(self.jql.lower().split()):
            raise ValueError("give the jql without ORDER BY")
        return self


class JiraSettings(ApiSettings):
    """``systems.jira``. ``site``: the name before ``.atlassian.net``, unless ``base_url`` is given.
    ``projects``: keys, all visible ones by default. ``teams``: project key → team; ``team_field``
    goes before it. ``issue_types``: a type's own name → ``bug``, ``story`` and so on. Fields are
    given by name or id."""

    base_url: str = ""
    site: str = Setting(default="", pattern=r"^[A-Za-z0-9-]*$")
    email: str = Setting(min_length=1)
    token: str
    projects: list[Annotated[str, Setting(pattern=KEY)]] = []
    teams: dict[str, str] = {}
    team_field: str | None = None
    service_field: str = "components"
    issue_types: dict[str, str] = {}
    started_status_categories: list[Literal["new", "indeterminate", "done"]] = ["indeterminate"]
    work_type: WorkType = WorkType()
    escaped_defect: EscapedDefect = EscapedDefect()
    incidents: Incidents | None = None

    @model_validator(mode="after")
    def _has_an_address(self) -> "JiraSettings":
        address = f"https://{self.site}.atlassian.net" if self.site else ""
        if not (address or self.base_url) or (address and self.base_url not in ("", address)):
            raise ValueError("give site or base_url, and not both")
        self.base_url = self.base_url or address
        return self

    @property
    def rules(self) -> str:
        """What the rows depend on."""
        named = {
            "teams", "team_field", "service_field", "issue_types", "started_status_categories",
            "work_type", "escaped_defect", "incidents",
        }  # fmt: skip
        return self.model_dump_json(include=named)

    @property
    def named_fields(self) -> set[str]:
        """The fields that the configuration names."""
        named = {self.team_field, self.service_field}
        named |= {self.work_type.field, self.escaped_defect.field}
        if self.incidents:
            of = self.incidents
            named |= {of.service_field, of.severity_field, of.caused_by_field}
        return {name for name in named if name}


def extract(
    lake: Lake,
    identity: Identity,
    settings: JiraSettings,
    *,
    since: date | None,
    until: datetime,
    full_refresh: bool = False,
    forget_missing: bool = False,
) -> Iterator[Outcome]:
    """Reads what changed in each project; one outcome each, and one for the site."""
    reading = Reading(
        "jira", lake, identity, Path(__file__).parent,
        first_day(settings, since, until), until, full_refresh, forget_missing, settings.rules,
    )  # fmt: skip
    site = _Site(reading, settings, client.Client(settings))
    outcome = reading.scope(SITE, projects=site.meet)
    yield outcome
    if outcome.status == "failed":
        return
    yield from site.unseen()
    yield from site.missing()
    for asked in site.questions():
        yield reading.scope(asked.scope, **{asked.stream.name: asked.read, "sweep": asked.sweep})


def check(settings: JiraSettings) -> Iterator[Outcome]:
    """Whether the credential is accepted, which projects it may read, whether the fields and the
    incidents' JQL are known."""
    asked = client.Client(settings)
    try:
        asked.meet()
        seen = {str(project.get("key")) for page in asked.projects() for project in page}
        asked.field_ids(settings.named_fields)
        incidents = asked.count(f"({settings.incidents.jql})") if settings.incidents else 0
    except ApiError as error:
        yield Outcome("jira", SITE, "failed", str(error))
        return
    zone = asked.zone.key if asked.zone else "an unknown time zone"
    told = f"sees {len(seen):,} projects and {incidents:,} incidents, asks in {zone}"
    yield Outcome("jira", SITE, "unchanged", told)
    for key in sorted(set(settings.projects) - seen):
        yield _unseen(key)


@dataclass
class _Site:
    """One site's reading. ``projects``: id → key of those that are read."""

    reading: Reading
    settings: JiraSettings
    client: client.Client
    projects: dict[str, str] = field(default_factory=dict)
    policy: records.Policy = field(init=False)

    def meet(self, telling: Telling) -> None:
        """Who asks, what the statuses and fields are, which projects there are."""
        self.client.meet()
        self.policy = self._policy()
        with telling.landing(WHOLE, PROJECTS) as landing:
            for page in self.client.projects():
                for payload in page:
                    self._add_project(payload, telling, landing)
        if not self.projects:
            raise Unexpected(
                "jira: no project is visible that is to be read; the user needs "
                f"{client.BROWSE} in one"
            )

    def unseen(self) -> Iterator[Outcome]:
        """The projects that the configuration names and the user may not see."""
        seen = set(self.projects.values())
        yield from (_unseen(key) for key in sorted(set(self.settings.projects) - seen))

    def missing(self) -> Iterator[Outcome]:
        """The scopes that the lake has and this run does not read."""
        lake = self.reading.lake
        kept = {asked.scope for asked in self.questions()}
        for stream in (ISSUES, INCIDENTS):
            for scope, batch in sorted(lake.newest(stream).items()):
                if scope in kept | set(self.settings.projects) or batch.fingerprint == FORGOTTEN:
                    continue
                if self.reading.forget_missing:
                    self._forget(stream, scope)
                    yield Outcome("jira", scope, "landed", "no longer read; forgotten")
                else:
                    told = "no longer visible or configured; what it gave stays (--forget-missing)"
                    yield Outcome("jira", scope, "missing", told)

    def questions(self) -> Iterator["_Question"]:
        """What is asked for: each project's issues, and the incidents."""
        for project_id, key in sorted(self.projects.items(), key=lambda item: item[1]):
            yield _Question(
                self, key, f'project = "{key}"', ISSUES, ("issue_id", "issue_key"),
                records.issue, project_id,
            )  # fmt: skip
        if self.settings.incidents:
            yield _Question(
                self, INCIDENT_SCOPE, f"({self.settings.incidents.jql})", INCIDENTS,
                ("incident_id", "incident_key"), records.incident,
            )  # fmt: skip

    def _add_project(self, payload: Any, telling: Telling, landing: Landing) -> None:
        with landing.reading(PROJECTS, payload, "project/search"):
            record = records.project(payload, self.settings.teams, telling.news)
            landing.add(PROJECTS, record)
            if record["project_key"] in (self.settings.projects or [record["project_key"]]):
                self.projects[record["project_id"]] = record["project_key"]

    def _policy(self) -> records.Policy:
        """What the configuration says, with the fields by id."""
        settings = self.settings
        escaped, work_type = settings.escaped_defect, settings.work_type
        ids = self.client.field_ids(settings.named_fields)
        try:
            categories = records.categories(self.client.statuses())
        except Refused as refused:
            raise Unexpected(f"jira: /rest/api/3/status: {refused}") from None
        policy = records.Policy(
            categories=categories,
            started=frozenset(settings.started_status_categories),
            issue_types={k.strip().lower(): v.lower() for k, v in settings.issue_types.items()},
            teams=settings.teams,
            team_field=ids.get(settings.team_field or ""),
            service_field=ids.get(settings.service_field),
            work_type_field=ids.get(work_type.field or ""),
            work_type_prefix=work_type.label_prefix,
            escaped_labels=frozenset(label.lower() for label in escaped.labels),
            escaped_field=ids.get(escaped.field or ""),
            escaped_values=frozenset(value.lower() for value in escaped.values),
        )
        incidents = settings.incidents
        if incidents is None:
            return policy
        return dataclasses.replace(
            policy,
            severity_field=ids[incidents.severity_field],
            caused_by_field=ids.get(incidents.caused_by_field or ""),
            incident_service_field=ids[incidents.service_field],
        )

    def _forget(self, stream: Stream, scope: str) -> None:
        """Drops a scope's records, but for those that moved to one that is read."""
        lake, key = self.reading.lake, stream.key[0]
        elsewhere = {
            row[key]
            for asked in self.questions()
            if asked.stream is stream
            for row in lake.current(stream, asked.scope, [key]).to_pylist()
        }
        rows = lake.current(stream, scope, [key]).to_pylist()
        gone = [row for row in rows if row[key] not in elsewhere]
        with lake.writing(stream, scope, fingerprint=FORGOTTEN) as batch:
            batch.append_records(gone, is_deleted=True)


Record = Callable[..., tuple[dict[str, Any], records.Life]]
Found = tuple[list[dict[str, Any]], list[tuple[Any, Refused]]]


@dataclass
class _Question:
    """A list of issues, asked for again and again. ``named_by``: the stream's fields of id and key;
    ``project_id``: the project it is, None for the incidents."""

    site: _Site
    scope: str
    jql: str
    stream: Stream
    named_by: tuple[str, str]
    record: Record
    project_id: str | None = None
    unknown: set[str] = field(default_factory=set)

    def read(self, telling: Telling) -> None:
        """What changed since the last time."""
        reading = self.site.reading
        due = reading.stretches(self.stream, self.scope, LOOK_BACK, LONGEST)
        find = functools.partial(self._changed, telling.news)
        for window, found in self.site.client.api.map(find, due):
            with telling.landing(window, *self._streams) as landing:
                self._land(landing, found)
        if self.unknown:
            named = ", ".join(sorted(self.unknown))
            telling.remarks.append(
                f"moves into statuses that no workflow has any more (ids {named}) say nothing"
            )

    def sweep(self, telling: Telling) -> None:
        """Once a week, all ids: what one side has and the other has not is asked for by id. Then
        it is here with what it is now, or gone."""
        if telling.failures or not self._is_sweep_due():
            return  # what could not be read is not compared
        known = self._known()
        seen = self._seen(known, telling)
        if seen is None:
            return
        differ = [i for i in sorted(known.keys() | seen.keys()) if known.get(i) != seen.get(i)]
        pages = self.site.client.issues(differ, self.site.policy.fields)
        found = self._records(pages, telling.news)
        ours = [record for record in found[0] if self._is_ours(record, seen)]
        there = {record[self.named_by[0]] for record in ours}
        there |= {str(payload.get("id")) for payload, _ in found[1]}
        gone = sorted(known.keys() - seen.keys() - there)
        with telling.landing(WHOLE, *self._streams, note=SWEPT) as landing:
            self._land(landing, (ours, found[1]))
            for each in gone:
                landing.delete(self.stream, {self.named_by[0]: each})
        telling.rows[f"{self.stream.name} gone"] += len(gone)

    @property
    def _streams(self) -> tuple[Stream, ...]:
        """Keys first: the issues' windows say how far has been read."""
        return (ISSUE_KEYS, ISSUES) if self.stream is ISSUES else (self.stream,)

    def _is_sweep_due(self) -> bool:
        reading = self.site.reading
        kept = reading.kept(self.stream, self.scope)
        swept = [mark.until for _, mark in kept if mark.note == SWEPT]
        return not swept or max(swept) + SWEEP_EVERY <= reading.until

    def _known(self) -> dict[str, str]:
        """The keys of what the lake has, by id. An issue that moved on is another project's."""
        columns = [*self.named_by, *(["project_id"] if self.project_id else [])]
        rows = self.site.reading.lake.current(self.stream, self.scope, columns).to_pylist()
        return {
            row[self.named_by[0]]: row[self.named_by[1]]
            for row in rows
            if row.get("project_id") == self.project_id
        }

    def _seen(self, known: dict[str, str], telling: Telling) -> dict[str, str] | None:
        """The keys of what Jira has, by id; None if its answer may not be whole. Whatever seems to
        be gone is looked for twice."""
        reading, ask = self.site.reading, self.site.client
        kept = (batch.window.start for batch, _ in reading.kept(self.stream, self.scope))
        first = min([reading.since, *(start for start in kept if start)])
        jql = f"{self.jql} AND {ask.since(first - SWEEP_MARGIN)}"
        seen = ask.keys(jql)
        if known.keys() <= seen.keys():
            return seen
        count = ask.count(jql)
        if len(seen) < count:
            telling.remarks.append(
                f"the list of all ids has {len(seen):,} of about {count:,}; nothing counts as "
                "deleted, and the next run asks again"
            )
            return None
        if not seen and not reading.forget_missing:
            telling.remarks.append(
                f"came back empty; the {len(known):,} {self.stream.name} it gave before stay "
                "(--forget-missing drops them)"
            )
            return None
        return {**seen, **ask.keys(jql)}

    def _is_ours(self, record: Mapping[str, Any], seen: Mapping[str, str]) -> bool:
        if self.project_id is None:
            return record[self.named_by[0]] in seen
        return record["project_id"] in self.site.projects

    def _changed(self, news: set[str], window: Window) -> Found:
        """What of the list changed in a window."""
        ask = self.site.client
        assert window.start and window.end  # noqa: S101  (never without ends here)
        jql = f"{self.jql} AND {ask.since(window.start)} AND {ask.before(window.end)}"
        return self._records(ask.search(jql, self.site.policy.fields), news)

    def _records(self, pages: Iterator[list[Any]], news: set[str]) -> Found:
        """Issues as records; their changes of status are asked for by the thousand."""
        found: Found = ([], [])
        waiting: list[Any] = []
        for page in pages:
            waiting += page
            if len(waiting) > client.CHANGE_LOGS - client.ISSUES_A_PAGE:
                self._complete(waiting, found, news)
                waiting = []
        self._complete(waiting, found, news)
        return found

    def _complete(self, payloads: list[Any], found: Found, news: set[str]) -> None:
        ids = [payload["id"] for payload in payloads if isinstance(payload.get("id"), str)]
        logs: dict[str, list[Any]] = {}
        for page in self.site.client.change_logs(ids):
            for log in page:
                logs.setdefault(str(log.get("issueId")), []).append(log)
        for payload in payloads:
            try:
                own = logs.get(str(payload.get("id")), [])
                moves = [move for log in own for move in records.moves(log)]
                record, lived = self.record(payload, moves, self.site.policy, news)
            except Refused as refused:
                found[1].append((payload, refused))
            else:
                self.unknown |= lived.unknown
                found[0].append(record)

    def _land(self, landing: Landing, found: Found) -> None:
        for record in found[0]:
            landing.add(self.stream, record)
            if self.stream is ISSUES:
                landing.add(ISSUE_KEYS, {name: record[name] for name in ISSUE_KEYS.key})
        for payload, refused in found[1]:
            landing.refuse(self.stream, payload, refused, "search/jql")


def _unseen(key: str) -> Outcome:
    told = f"project {key} does not exist, or the user lacks {client.BROWSE} there"
    return Outcome("jira", key, "failed", told)
