"""Jira Cloud's REST API v3 over a company's issues.

There is no published schema at hand that knows ``/search/jql``: what is refused here follows the
vendor's typed client and its documentation, so it is not independent. JQL is the small part that
a reader of issues needs; anything else is refused as an error in the question.
"""

import base64
import bisect
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from orchestration.simulation.records import Incident, Issue
from orchestration.simulation.vendors._server import (
    Faults,
    Limit,
    Refusal,
    Request,
    Response,
    Vendor,
)

Body = Mapping[str, Any]
LARGEST_PAGE, LARGEST_PAGE_OF_IDS = 100, 5000
LARGEST_CHANGE_LOG = 10_000
TO_DO, IN_PROGRESS, RESOLVED, REOPENED = "10000", "3", "10001", "4"
STATUSES = {
    TO_DO: ("To Do", "new", 2),
    IN_PROGRESS: ("In Progress", "indeterminate", 4),
    RESOLVED: ("Done", "done", 3),
    REOPENED: ("Reopened", "new", 2),
}
TYPES = {"epic": 1, "story": 0, "task": 0, "bug": 0, "incident": 0}  # and their levels
TEAM, FOUND_IN, WORK_TYPE = "customfield_10001", "customfield_10050", "customfield_10051"
SEVERITY, CAUSED_BY = "customfield_10060", "customfield_10061"
OWN_FIELDS = {
    TEAM: "Team",
    FOUND_IN: "Found in production",
    WORK_TYPE: "Work type",
    SEVERITY: "Severity",
    CAUSED_BY: "Caused by deployment",
}
SYSTEM_FIELDS = {
    "summary": "Summary", "issuetype": "Issue Type", "status": "Status", "project": "Project",
    "created": "Created", "updated": "Updated", "resolutiondate": "Resolved",
    "resolution": "Resolution", "statuscategorychangedate": "Status Category Changed",
    "parent": "Parent", "labels": "Labels", "components": "Components", "priority": "Priority",
    "assignee": "Assignee", "reporter": "Reporter", "creator": "Creator",
    "description": "Description",
}  # fmt: skip
NOBODYS_PROJECT, INCIDENT_PROJECT = "SUPPORT", "INC"
FIRST_ISSUE, FIRST_INCIDENT = 20_000, 90_000_000  # their ids, which are one series
SEARCH = {
    "jql", "nextPageToken", "maxResults", "fields", "expand", "properties", "fieldsByKeys",
    "failFast", "reconcileIssues",
}  # fmt: skip
WORKFLOW = "Workflow"
CHANGE_LOG = {"issueIdsOrKeys", "fieldIds", "maxResults", "nextPageToken"}
FETCH = {"issueIdsOrKeys", "fields", "expand", "properties", "fieldsByKeys"}
PROJECTS = {
    "startAt", "maxResults", "orderBy", "id", "keys", "query", "typeKey", "categoryId", "action",
    "expand", "status", "properties", "propertyQuery",
}  # fmt: skip
UNBOUNDED = (
    "Unbounded JQL queries are not allowed here. Please add a search restriction to your query."
)
CLAUSE = re.compile(
    r"""(?P<opened>[\s(]*)(?:
        (?P<list>project|id|issuetype|type)\s+in\s*\((?P<values>[^()]*)\)
      | (?P<one>project|id|issuetype|type)\s*=\s*(?P<value>"[^"]*"|[\w-]+)
      | (?P<moment>created|updated)\s*(?P<than>>=|<=|>|<)\s*"(?P<text>[^"]*)"
    )(?P<closed>[\s)]*)(?P<joint>and\b)?""",
    re.IGNORECASE | re.VERBOSE,
)
ORDER = re.compile(
    r"\s*order\s+by\s+((?:created|updated|key|id)(?:\s+(?:asc|desc))?"
    r"(?:\s*,\s*(?:created|updated|key|id)(?:\s+(?:asc|desc))?){0,6})\s*$",
    re.IGNORECASE,
)
DATES = ("%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M", "%Y-%m-%d", "%Y/%m/%d")


@dataclass
class _Page(Response):
    """A page of a list. ``again``: what was asked and from where, to point at it once more."""

    again: tuple[str, int] = ("", 0)


@dataclass
class _Ticket:
    """An issue as Jira holds it. ``values``: what it began with; ``events``: what it has from a
    moment on."""

    number: int
    origin: str
    kind: str
    created: datetime
    service: str | None
    parent: str | None
    values: dict[str, Any]
    events: list[tuple[datetime, dict[str, Any]]] = field(default_factory=list)
    deleted: datetime | None = None

    def __post_init__(self) -> None:
        self.at: list[datetime] = []
        self.sort()

    def sort(self) -> None:
        """To be called when an event was added."""
        self.events.sort(key=lambda event: event[0])
        self.at = [at for at, _ in self.events]

    def updated(self, now: datetime) -> datetime | None:
        """When it last changed before a moment; None before it was made."""
        place = bisect.bisect_left(self.at, now)
        return self.at[place - 1] if place else None

    def state(self, now: datetime) -> dict[str, Any]:
        """Its values at a moment."""
        found: dict[str, Any] = dict(self.values)
        for at, change in self.events:
            if at >= now:
                break
            found |= change
        return found


class Jira(Vendor):
    """A site: a project per team, one more for issues of no team, one for incidents if there are
    any. ``zone``: the API user's; ``lag``: how long a change takes to reach the index of searches;
    ``later_hour``: how it reads an hour that happens twice; ``page_cap``: pages are shorter than
    asked; ``hidden``: projects that the user may not see; ``is_blocked``: the user has no access to
    Jira; ``unlisted_statuses``: no workflow has them any more."""

    routes = (
        ("GET", r"/rest/api/3/myself", "myself"),
        ("GET", r"/rest/api/3/field", "fields"),
        ("GET", r"/rest/api/3/status", "statuses"),
        ("GET", r"/rest/api/3/project/search", "project_search"),
        ("POST", r"/rest/api/3/search/jql", "search"),
        ("POST", r"/rest/api/3/search/approximate-count", "approximate_count"),
        ("POST", r"/rest/api/3/changelog/bulkfetch", "change_logs"),
        ("POST", r"/rest/api/3/issue/bulkfetch", "fetch"),
    )

    def __init__(
        self,
        issues: Sequence[Issue],
        now: datetime,
        *,
        incidents: Sequence[Incident] = (),
        deployments: Mapping[str, str] | None = None,
        email: str = "reader@example.com",
        token: str = "jira-token",  # noqa: S107  (nobody's)
        zone: str = "America/New_York",
        lag: timedelta = timedelta(0),
        faults: Faults | None = None,
        limit: Limit | None = None,
        delay_seconds: float = 0.0,
    ) -> None:
        super().__init__(now, faults=faults, limit=limit, delay_seconds=delay_seconds)
        self._login = f"Basic {base64.b64encode(f'{email}:{token}'.encode()).decode()}"
        self.zone: ZoneInfo | None = ZoneInfo(zone)
        self.lag, self.later_hour = lag, False
        self.page_cap = LARGEST_PAGE_OF_IDS
        self.hidden: set[str] = set()
        self.unlisted_statuses: set[str] = set()
        self.is_blocked = False
        self._counters: dict[str, int] = {}
        self._projects: dict[str, str] = {}  # key → id
        self._serial = self._expired = 0
        self._found: dict[tuple[Any, ...], list[_Ticket]] = {}
        keys = self._keys_of_teams(issues)
        self.team_of_project = {key: team for team, key in keys.items() if team}
        for key in sorted({*keys.values(), *([INCIDENT_PROJECT] if incidents else [])}):
            self._projects[key] = str(10_001 + len(self._projects))
        numbers = {i.issue_id: FIRST_ISSUE + n for n, i in enumerate(issues)}
        self._tickets = {
            numbers[i.issue_id]: self._issue(i, keys[i.team_id], numbers) for i in issues
        }
        for number, incident in enumerate(incidents, start=FIRST_INCIDENT):
            self._tickets[number] = self._incident(incident, number, deployments or {})
        self._numbers = {ticket.origin: number for number, ticket in self._tickets.items()}
        self._of_project: dict[str, dict[int, _Ticket]] = {}  # also those that left it
        for number, ticket in self._tickets.items():
            self._of_project.setdefault(ticket.values["project"], {})[number] = ticket
        self.staged_ids = {
            ("incident" if number >= FIRST_INCIDENT else "issue", ticket.origin): f"jira:{number}"
            for number, ticket in self._tickets.items()
        }
        self.issue_keys = {t.origin: str(t.values["key"]) for t in self._tickets.values()}

    def change(self, origin: str, at: datetime, **values: Any) -> None:
        """Changes fields (by id) of an issue of the company at a moment; none = a comment. The
        workflow is none of its fields, and its change stands in the log like one."""
        ticket = self._tickets[self._numbers[origin]]
        ticket.events.append((at, values))
        ticket.sort()
        self._found.clear()

    def move(self, origin: str, project: str, at: datetime) -> str:
        """Moves an issue to another project; the key it has there."""
        self._projects.setdefault(project, str(10_001 + len(self._projects)))
        key = self._key(project)
        number = self._numbers[origin]
        self._of_project.setdefault(project, {})[number] = self._tickets[number]
        self.change(origin, at, project=project, key=key)
        return key

    def delete(self, origin: str, at: datetime) -> None:
        """Deletes an issue at a moment."""
        self._tickets[self._numbers[origin]].deleted = at
        self._found.clear()

    def expire_tokens(self) -> None:
        """Makes every page token that was given refused, as after a week."""
        self._expired = self._serial

    def admit(self, request: Request) -> None:
        """A login, and access to Jira."""
        if request.headers.get("authorization") != self._login:
            raise Refusal(self.denied())
        if self.is_blocked:
            raise Refusal(_error(403, "You do not have access to Jira on this site."))
        if request.method == "POST" and "json" not in request.headers.get("content-type", ""):
            raise Refusal(_error(415, "Unsupported Media Type"))

    def limited(self, seconds: float) -> Response:
        """429 with the reason; the reset is a date in ISO 8601."""
        response = _error(429, "Rate limit exceeded.")
        reset = (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%MZ")
        response.headers = {
            "Retry-After": f"{seconds:.2f}",
            "RateLimit-Reason": "jira-burst-based",
            "X-RateLimit-Limit": str(self.limit.requests if self.limit else 100),
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-Reset": reset,
        }
        return response

    def denied(self) -> Response:
        """401, with the header that says why."""
        response = _error(401, "Client must be authenticated to access this resource.")
        response.headers["X-Seraph-LoginReason"] = "AUTHENTICATED_FAILED"
        return response

    def broken(self) -> Response:
        """An error with a status of 200, as gateways make them."""
        return _error(200, "Internal server error")

    def emptied(self, response: Response) -> Response:
        """A page that lost its rows to a filter; its token leads to them."""
        if not isinstance(response, _Page):
            return response
        name = next(name for name in ("issues", "issueChangeLogs") if name in response.body)
        return Response({name: [], "nextPageToken": self._token(*response.again)})

    def myself(self, request: Request) -> Response:
        """Who asks."""
        self.admit(request)
        return Response({
            "self": f"{self.url}/rest/api/3/user?accountId=5b10", "accountId": "5b10",
            "accountType": "atlassian", "emailAddress": "reader@example.com",
            "displayName": "Reader", "active": True, "locale": "en_US",
            "timeZone": self.zone.key if self.zone else None,
        })  # fmt: skip

    def fields(self, request: Request) -> Response:
        """All fields."""
        self.admit(request)
        names = {**SYSTEM_FIELDS, **OWN_FIELDS}
        return Response([
            {
                "id": own, "key": own, "name": name, "custom": own in OWN_FIELDS,
                "orderable": True, "navigable": True, "searchable": True,
                "clauseNames": [name.lower()],
            }
            for own, name in names.items()
        ])  # fmt: skip

    def statuses(self, request: Request) -> Response:
        """The statuses of active workflows."""
        self.admit(request)
        return Response([self._status(s) for s in STATUSES if s not in self.unlisted_statuses])

    def project_search(self, request: Request) -> Response:
        """The projects that may be seen, by key."""
        self.admit(request)
        _known(request.query, PROJECTS)
        keys = [key for key in sorted(self._projects) if key not in self.hidden]
        start, size = (
            int(request.one("startAt", "0")),
            min(int(request.one("maxResults", "50")), 50),
        )
        held = [self._project(key) for key in keys[start : start + size]]
        return Response({
            "self": f"{self.url}{request.path}", "maxResults": size, "startAt": start,
            "total": len(keys), "isLast": start + size >= len(keys), "values": held,
        })  # fmt: skip

    def search(self, request: Request) -> Response:
        """Issues by JQL, as the index knows them; a page after the other by token."""
        self.admit(request)
        body = _body(request, SEARCH)
        fields = _texts(body, "fields", ["id"])
        is_bare = set(fields) <= {"id", "key"}
        size = _number(body, "maxResults", 50, LARGEST_PAGE_OF_IDS)
        size = min(size, self.page_cap, LARGEST_PAGE_OF_IDS if is_bare else LARGEST_PAGE)
        if len(body.get("reconcileIssues") or []) > 50:
            raise Refusal(_error(400, "reconcileIssues: at most 50 issues"))
        jql = _text(body, "jql")
        start = self._place(body, jql)
        found = self._matching(jql, frozenset(body.get("reconcileIssues") or []))
        held = [self._shown(ticket, fields) for ticket in found[start : start + size]]
        answer: dict[str, Any] = {"issues": held, "isLast": start + size >= len(found)}
        if not answer["isLast"]:
            answer["nextPageToken"] = self._token(jql, start + size)
        return _Page(answer, again=(jql, start))

    def approximate_count(self, request: Request) -> Response:
        """How many issues the index finds."""
        self.admit(request)
        body = _body(request, {"jql"})
        return Response({"count": len(self._matching(_text(body, "jql"), frozenset()))})

    def change_logs(self, request: Request) -> Response:
        """Changes of issues, oldest first; a page holds so many changes, whosever they are."""
        self.admit(request)
        body = _body(request, CHANGE_LOG)
        names = _texts(body, "issueIdsOrKeys", [])
        wanted = _texts(body, "fieldIds", [])
        if not 1 <= len(names) <= 1000 or len(wanted) > 10:
            raise Refusal(_error(400, "issueIdsOrKeys: 1 to 1000; fieldIds: at most 10"))
        size = min(_number(body, "maxResults", 1000, LARGEST_CHANGE_LOG), self.page_cap)
        question = json.dumps([names, wanted])
        start = self._place(body, question)
        found = sorted(
            (row for ticket in self._named(names) for row in self._changes(ticket, wanted)),
            key=lambda row: (row[1]["created"], row[0], row[1]["id"]),
        )
        logs: dict[str, list[dict[str, Any]]] = {}
        for number, change in found[start : start + size]:
            logs.setdefault(str(number), []).append(change)
        held = [{"issueId": i, "changeHistories": changes} for i, changes in logs.items()]
        answer: dict[str, Any] = {"issueChangeLogs": held}
        if start + size < len(found):
            answer["nextPageToken"] = self._token(question, start + size)
        return _Page(answer, again=(question, start))

    def fetch(self, request: Request) -> Response:
        """Issues by id, as they are; what may not be seen is left out."""
        self.admit(request)
        body = _body(request, FETCH)
        names = _texts(body, "issueIdsOrKeys", [])
        if not 1 <= len(names) <= 100:
            raise Refusal(_error(400, "issueIdsOrKeys: 1 to 100"))
        fields = _texts(body, "fields", ["*all"])
        held = [self._shown(ticket, fields) for ticket in self._named(names)]
        return Response({"issues": held, "issueErrors": []})

    def _keys_of_teams(self, issues: Iterable[Issue]) -> dict[str | None, str]:
        """A project's key from its team's id: capitals and digits, at most ten, each once."""
        keys: dict[str | None, str] = {None: NOBODYS_PROJECT}
        for team in sorted({i.team_id for i in issues if i.team_id}):
            letters = re.sub(r"[^A-Z0-9]", "", team.upper()).lstrip("0123456789") or "TEAM"
            key, number = letters[:10], 1
            while key in {*keys.values(), INCIDENT_PROJECT}:
                number += 1
                key = f"{letters[: 10 - len(str(number))]}{number}"
            keys[team] = key
        return keys

    def _key(self, project: str) -> str:
        self._counters[project] = self._counters.get(project, 0) + 1
        return f"{project}-{self._counters[project]}"

    def _issue(self, issue: Issue, project: str, numbers: Mapping[str, int]) -> _Ticket:
        escaped = {True: "Yes", False: "No", None: None}[issue.is_escaped_defect]
        parent = numbers.get(issue.parent_issue_id or "")
        return _Ticket(
            numbers[issue.issue_id], issue.issue_id, issue.issue_type, issue.created_at,
            issue.service_id, str(parent) if parent else None,
            {
                "project": project, "key": self._key(project), "status": TO_DO,
                "labels": list(issue.labels), TEAM: issue.team_id, FOUND_IN: escaped,
                WORK_TYPE: issue.work_type, SEVERITY: None, CAUSED_BY: None,
            },
            _moves(
                issue.created_at, issue.started_at, issue.resolved_at, issue.reopened_count or 0
            ),
        )  # fmt: skip

    def _incident(self, incident: Incident, number: int, deployments: Mapping[str, str]) -> _Ticket:
        cause = incident.caused_by_deployment_id
        return _Ticket(
            number, incident.incident_id, "incident", incident.opened_at, incident.service_id, None,
            {
                "project": INCIDENT_PROJECT, "key": self._key(INCIDENT_PROJECT), "status": TO_DO,
                "labels": [], TEAM: None, FOUND_IN: None, WORK_TYPE: None,
                SEVERITY: incident.severity,
                CAUSED_BY: deployments.get(cause, cause) if cause else None,
            },
            _moves(incident.opened_at, incident.acknowledged_at, incident.resolved_at, 0),
        )  # fmt: skip

    def _matching(self, jql: str, reconciled: frozenset[int]) -> list[_Ticket]:
        """What a question finds. The index knows each issue as it was ``lag`` ago."""
        asked = (jql, reconciled, self.now, self.lag, frozenset(self.hidden))
        known = self._found.get(asked)
        if known is None:
            matches, projects, order = self._parse(jql)
            near = [self._of_project.get(project, {}) for project in sorted(projects)]
            rows = []
            for ticket in ({k: t for of in near for k, t in of.items()} or self._tickets).values():
                indexed = self.now if ticket.number in reconciled else self.now - self.lag
                is_indexed = ticket.updated(indexed) is not None
                if is_indexed and matches(ticket, indexed) and self._is_visible(ticket):
                    rows.append(ticket)
            for name, is_descending in reversed(order):
                rows.sort(key=lambda t: self._place_of(t, name), reverse=is_descending)  # noqa: B023
            if len(self._found) > 64:
                self._found.clear()
            known = self._found[asked] = rows
        return known

    def _place_of(self, ticket: _Ticket, name: str) -> Any:
        if name == "updated":
            return ticket.updated(self.now)
        return ticket.created if name == "created" else ticket.number

    def _is_visible(self, ticket: _Ticket) -> bool:
        if ticket.updated(self.now) is None or (ticket.deleted and ticket.deleted < self.now):
            return False
        return ticket.state(self.now)["project"] not in self.hidden

    def _parse(
        self, jql: str
    ) -> tuple[Callable[[_Ticket, datetime], bool], set[str], list[tuple[str, bool]]]:
        """Conditions joined by AND, the projects they name, and how to order. Raises Refusal for
        all else."""
        order = [("created", True)]
        if ordered := ORDER.search(jql):
            parts = [part.split() for part in ordered.group(1).lower().split(",")]
            order = [(part[0], part[-1] == "desc") for part in parts]
            jql = jql[: ordered.start()]
        if not jql.strip():
            raise Refusal(_error(400, UNBOUNDED))
        conditions: list[Callable[[_Ticket, datetime], bool]] = []
        projects: set[str] = set()
        position = depth = 0
        while position < len(jql):
            clause = CLAUSE.match(jql, position)
            if clause is None:
                raise Refusal(_error(400, f"Error in the JQL Query: at character {position + 1}."))
            depth += clause["opened"].count("(") - clause["closed"].count(")")
            conditions.append(self._condition(clause, projects))
            position = clause.end()
            if bool(clause["joint"]) != (position < len(jql)):
                raise Refusal(_error(400, "Error in the JQL Query: expecting 'AND' or its end."))
        if depth:
            raise Refusal(_error(400, "Error in the JQL Query: unbalanced parentheses."))
        # Times first: they leave little to look at.
        conditions.sort(key=lambda holds: holds.__name__ != "in_time")
        return lambda ticket, at: all(holds(ticket, at) for holds in conditions), projects, order

    def _condition(
        self, clause: re.Match[str], projects: set[str]
    ) -> Callable[[_Ticket, datetime], bool]:
        if clause["moment"]:
            return self._in_time(clause["moment"].lower(), clause["than"], clause["text"])
        name = (clause["list"] or clause["one"]).lower()
        given = clause["values"].split(",") if clause["list"] else [clause["value"]]
        values = {value.strip().strip('"') for value in given}
        if name == "project":
            for value in sorted(values - (self._projects.keys() - self.hidden)):
                told = f"The value '{value}' does not exist for the field 'project'."
                raise Refusal(_error(400, told))
            projects |= values
            return lambda ticket, at: ticket.state(at)["project"] in values
        if name == "id":
            return lambda ticket, at: str(ticket.number) in values
        kinds = {value.lower() for value in values}
        for value in sorted(kinds - TYPES.keys()):
            told = f"The value '{value}' does not exist for the field 'issuetype'."
            raise Refusal(_error(400, told))
        return lambda ticket, at: ticket.state(at).get("kind", ticket.kind) in kinds

    def _in_time(self, name: str, than: str, text: str) -> Callable[[_Ticket, datetime], bool]:
        limit = self._read_time(name, text)

        def in_time(ticket: _Ticket, at: datetime) -> bool:
            moment = ticket.created if name == "created" else ticket.updated(at)
            if moment is None:
                return False
            if than in (">=", "<"):
                return (moment >= limit) == (than == ">=")
            return (moment > limit) == (than == ">")

        return in_time

    def _read_time(self, name: str, text: str) -> datetime:
        """A time of JQL: to the minute, where the user is."""
        for form in DATES:
            try:
                local = datetime.strptime(text, form)  # noqa: DTZ007
            except ValueError:
                continue
            zone = self.zone or ZoneInfo("America/Los_Angeles")  # the site's own
            aware = local.replace(tzinfo=zone, fold=int(self.later_hour))
            return aware.astimezone(UTC).replace(tzinfo=None)
        raise Refusal(_error(
            400,
            f"Date value '{text}' for field '{name}' is invalid. Valid formats include: "
            "'yyyy/MM/dd HH:mm', 'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd'.",
        ))  # fmt: skip

    def _named(self, names: Iterable[str]) -> list[_Ticket]:
        """Issues by id, or by the key they have."""
        found = []
        for name in dict.fromkeys(names):
            ticket = self._tickets.get(int(name)) if name.isdigit() else None
            if ticket is None and "-" in name:
                named = (t for t in self._tickets.values() if t.state(self.now)["key"] == name)
                ticket = next(named, None)
            if ticket is not None and self._is_visible(ticket):
                found.append(ticket)
        return found

    def _changes(
        self, ticket: _Ticket, wanted: Sequence[str]
    ) -> Iterable[tuple[int, dict[str, Any]]]:
        """The change log: who moved it, and what else was changed."""
        before = dict(ticket.values)
        for place, (at, change) in enumerate(ticket.events):
            if at >= self.now:
                break
            items = []
            for name, value in change.items():
                if not wanted or name in wanted:
                    items.append(_item(name, before.get(name), value))
                before[name] = value
            if place and not wanted:
                items.append(_item("assignee", None, "5b10"))
            if items:
                moment = at.replace(tzinfo=UTC)
                yield (
                    ticket.number,
                    {
                        "id": str(ticket.number * 100 + place),
                        "author": self._person(ticket),
                        "created": int(moment.timestamp()) * 1000 + at.microsecond // 1000,
                        "items": items,
                    },
                )

    def _shown(self, ticket: _Ticket, fields: Sequence[str]) -> dict[str, Any]:
        """An issue with the fields that were asked for."""
        if set(fields) <= {"id"}:
            return {"id": str(ticket.number)}
        state = ticket.state(self.now)
        shown: dict[str, Any] = {
            "expand": "operations,versionedRepresentations,editmeta,changelog,renderedFields",
            "id": str(ticket.number),
            "self": f"{self.url}/rest/api/3/issue/{ticket.number}",
            "key": state["key"],
        }
        if set(fields) <= {"id", "key"}:
            return shown
        values = self._values(ticket, state)
        is_all = bool({"*all", "*navigable"} & set(fields))
        shown["fields"] = {
            name: value for name, value in values.items() if is_all or name in fields
        }
        return shown

    def _values(self, ticket: _Ticket, state: Mapping[str, Any]) -> dict[str, Any]:
        category = STATUSES[state["status"]][1]
        moved = [
            at
            for at, change in ticket.events
            if at < self.now and ("status" in change or at == ticket.created)
        ]
        kind = str(state.get("kind", ticket.kind))
        parent = self._tickets.get(int(ticket.parent)) if ticket.parent else None
        person = self._person(ticket)
        values = {
            "summary": f"{kind} for person-0001@example.com",
            "description": {"type": "doc", "version": 1, "content": []},
            "issuetype": {
                "id": str(10_100 + [*TYPES].index(kind)), "name": kind.capitalize(),
                "subtask": False, "hierarchyLevel": TYPES[kind], "description": "",
            },
            "status": self._status(state["status"]),
            "project": self._project(state["project"]),
            "created": self._moment(ticket.created),
            "updated": self._moment(ticket.updated(self.now)),
            "resolutiondate": self._moment(moved[-1]) if category == "done" else None,
            "resolution": {"id": "10000", "name": "Done"} if category == "done" else None,
            "statuscategorychangedate": self._moment(moved[-1]),
            "labels": state["labels"],
            "components": [{"id": "10200", "name": ticket.service}] if ticket.service else [],
            "priority": {"id": "3", "name": "Medium"},
            "assignee": person, "reporter": person, "creator": person,
            TEAM: {"id": f"team-{state[TEAM]}", "name": state[TEAM], "isShared": True}
            if state[TEAM]
            else None,
            **{name: _option(state[name]) for name in (FOUND_IN, WORK_TYPE, SEVERITY)},
            CAUSED_BY: state[CAUSED_BY],
        }  # fmt: skip
        if parent is not None:
            key = parent.state(self.now)["key"]
            values["parent"] = {
                "id": str(parent.number), "key": key, "self": "",
                "fields": {"summary": "An epic", "issuetype": {"name": "Epic"}},
            }  # fmt: skip
        return values

    def _status(self, own: str) -> dict[str, Any]:
        name, category, number = STATUSES[own]
        return {
            "self": f"{self.url}/rest/api/3/status/{own}", "description": "", "iconUrl": "",
            "name": name, "untranslatedName": name, "id": own,
            "statusCategory": {
                "self": "", "id": number, "key": category, "colorName": "", "name": category,
            },
        }  # fmt: skip

    def _project(self, key: str) -> dict[str, Any]:
        return {
            "expand": "description,lead", "self": "", "id": self._projects[key], "key": key,
            "name": key.capitalize(), "avatarUrls": {}, "projectTypeKey": "software",
            "simplified": False, "style": "classic", "isPrivate": False, "properties": {},
        }  # fmt: skip

    def _person(self, ticket: _Ticket) -> dict[str, Any]:
        return {
            "self": "", "accountId": f"5b10{ticket.number}", "accountType": "atlassian",
            "emailAddress": "person-0001@example.com", "displayName": "Person 0001",
            "active": True, "timeZone": "America/New_York", "avatarUrls": {},
        }  # fmt: skip

    def _moment(self, value: datetime | None) -> str | None:
        """As Jira writes it: milliseconds, the user's offset, no colon in it."""
        if value is None:
            return None
        local = value.replace(tzinfo=UTC).astimezone(self.zone or UTC)
        return f"{local:%Y-%m-%dT%H:%M:%S}.{value.microsecond // 1000:03d}{local:%z}"

    def _token(self, question: str, start: int) -> str:
        """Where to go on; no two tokens are alike."""
        self._serial += 1
        text = json.dumps([_digest(question), start, self._serial])
        return base64.urlsafe_b64encode(text.encode()).decode()

    def _place(self, body: Body, question: str) -> int:
        token = body.get("nextPageToken")
        if token is None:
            return 0
        try:
            asked, start, serial = json.loads(base64.urlsafe_b64decode(str(token)))
        except ValueError:
            asked, start, serial = "", 0, 0
        if asked != _digest(question) or serial <= self._expired:
            raise Refusal(_error(400, "The provided next page token is invalid or expired."))
        return int(start)


def _digest(question: str) -> str:
    return hashlib.sha256(question.encode()).hexdigest()[:16]


def _moves(
    created: datetime, started: datetime | None, resolved: datetime | None, reopened: int
) -> list[tuple[datetime, dict[str, Any]]]:
    """What an issue went through: begun, done, opened again as often as it was, done at last."""
    events: list[tuple[datetime, dict[str, Any]]] = [(created, {})]
    if started:
        events.append((started, {"status": IN_PROGRESS}))
    base = started or created
    step = (resolved - base) / (2 * reopened + 1) if resolved else timedelta(minutes=1)
    step -= timedelta(microseconds=step.microseconds % 1000)
    for number in range(reopened):
        events.append((base + (2 * number + 1) * step, {"status": RESOLVED}))
        events.append((base + (2 * number + 2) * step, {"status": REOPENED}))
    if resolved:
        events.append((resolved, {"status": RESOLVED}))
    return events


def _item(name: str, before: Any, after: Any) -> dict[str, Any]:
    known = STATUSES if name == "status" else {}
    told = [" ".join(value) if isinstance(value, list) else value for value in (before, after)]
    own = {} if name == WORKFLOW else {"fieldId": name}
    return {
        "field": SYSTEM_FIELDS.get(name, name), "fieldtype": "jira", **own,
        "from": told[0], "fromString": known.get(told[0], told[:1])[0],
        "to": told[1], "toString": known.get(told[1], told[1:])[0],
    }  # fmt: skip


def _option(value: str | None) -> dict[str, Any] | None:
    return {"self": "", "value": value, "id": "10300"} if value else None


def _body(request: Request, known: set[str]) -> Body:
    try:
        body = request.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Refusal(_error(400, "Invalid request payload."))
    _known(body, known)
    return body


def _known(given: Iterable[str], known: set[str]) -> None:
    for name in sorted(set(given) - known):
        raise Refusal(_error(400, f"Invalid request payload: unknown {name}."))


def _text(body: Body, name: str) -> str:
    value = body.get(name, "")
    if not isinstance(value, str):
        raise Refusal(_error(400, f"{name} is not a text"))
    return value


def _texts(body: Body, name: str, default: list[str]) -> list[str]:
    values = body.get(name, default)
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise Refusal(_error(400, f"{name} is not a list of texts"))
    return values


def _number(body: Body, name: str, default: int, most: int) -> int:
    value = body.get(name, default)
    if not isinstance(value, int) or not 0 < value <= most:
        raise Refusal(_error(400, f"{name} must be 1 to {most}"))
    return value


def _error(status: int, message: str) -> Response:
    return Response({"errorMessages": [message], "errors": {}}, status)
