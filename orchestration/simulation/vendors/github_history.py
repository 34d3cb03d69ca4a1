"""What GitHub keeps of a company: repositories, and everything in them with its number and times.

Made once; what of it exists at a moment is asked of each thing with ``at``. A thing that happens at
``at`` or later has not happened.
"""

import base64
import functools
import hashlib
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Literal

from orchestration.simulation.records import (
    CiRun,
    Commit,
    Company,
    Deployment,
    Incident,
    Issue,
    PullRequest,
    Review,
    Service,
)
from orchestration.simulation.vendors._people import login
from orchestration.simulation.vendors._server import moment

BRANCH, CODEOWNERS = "main", ".github/CODEOWNERS"
WEB = "https://github.example.com"  # pages for people; nobody follows them
ESCAPED, INCIDENT, SEVERITY = "escaped-defect", "incident", "severity:"
# Where the numbers of each kind begin: they are counted through all repositories.
FIRST = {
    "repository": 700_000_000, "pull_request": 1_700_000_000, "review": 1_800_000_000,
    "issue": 1_900_000_000, "deployment": 1_500_000_000, "status": 4_500_000_000,
    "ci_run": 9_000_000_000, "release": 160_000_000, "team": 4_000_000, "user": 90_000_000,
}  # fmt: skip

Permission = Literal[
    "pull_requests", "issues", "deployments", "actions", "contents", "members", "saml"
]
StatusName = Literal["in_progress", "success", "failure", "error", "inactive"]
FINISHED: dict[str, StatusName] = {
    "success": "success", "failure": "failure", "cancelled": "inactive",
}  # fmt: skip


@dataclass(slots=True)
class Pull:
    """A pull request. ``moments``: whenever something happened to it, in order."""

    id: int
    number: int
    record: PullRequest
    moments: list[datetime]
    commits: list[Commit]
    reviews: list[tuple[int, Review]]
    closes: list["Ticket"] = field(default_factory=list)

    def state(self, at: datetime) -> str:
        """OPEN, CLOSED or MERGED."""
        if has_come(self.record.merged_at, at):
            return "MERGED"
        return "CLOSED" if has_come(self.record.closed_at, at) else "OPEN"


@dataclass(slots=True)
class Ticket:
    """An issue. ``events``: when it was closed and reopened, in turn."""

    id: int
    number: int
    title: str
    kind: str | None
    labels: tuple[str, ...]
    created: datetime
    started: datetime | None
    events: list[datetime]
    parent_id: str | None
    moments: list[datetime]
    pulls: list[Pull] = field(default_factory=list)
    parent: "Ticket | None" = None

    def state(self, at: datetime) -> str:
        """OPEN or CLOSED."""
        return "CLOSED" if bisect_left(self.events, at) % 2 else "OPEN"


@dataclass(slots=True)
class Rollout:
    """A deployment. ``statuses``: number, moment and state, oldest first."""

    id: int
    record: Deployment
    created: datetime
    sha: str
    statuses: list[tuple[int, datetime, StatusName]]


@dataclass(slots=True)
class Run:
    """A run of the repository's one workflow."""

    id: int
    number: int
    record: CiRun
    sha: str
    branch: str | None


@dataclass(slots=True)
class Repository:
    """A repository; what is in it stands in the order in which it came."""

    id: int
    name: str
    created: datetime
    services: list[Service] = field(default_factory=list)
    pulls: list[Pull] = field(default_factory=list)
    tickets: list[Ticket] = field(default_factory=list)
    rollouts: list[Rollout] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    releases: list[tuple[int, Rollout]] = field(default_factory=list)
    pushes: list[tuple[datetime, str]] = field(default_factory=list)
    is_archived: bool = False

    def pushed(self, at: datetime) -> tuple[datetime, str] | None:
        """The newest push to the default branch, and its commit."""
        place = bisect_left(self.pushes, (at, ""))
        return self.pushes[place - 1] if place else None


def has_come(moment: datetime | None, at: datetime) -> bool:
    """Whether it has happened by then."""
    return moment is not None and moment < at


def unknown_sha(text: str) -> str:
    """A commit that is in no repository that we know: GitHub always names one."""
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


class History:
    """All of it. ``staged_ids``: (kind, the company's id) → the id that staging gives."""

    def __init__(self, company: Company, *, issues: bool, incidents_as_issues: bool) -> None:
        self.company = company
        self.staged_ids: dict[tuple[str, str], str] = {}
        self.commits = {c.commit_sha: c for c in company.commits}
        self.owner_of: dict[str, tuple[Repository, Pull]] = {}
        self.person_of = functools.lru_cache(maxsize=2**14)(self._person_of)
        self._handles = {h.handle: h.person for h in company.identities}
        self._services = {s.service_id: s for s in company.services}
        names = {s.repository for s in company.services if s.repository}
        names |= {p.repository for p in company.pull_requests}
        names |= {r.repository for r in company.ci_runs}
        start = datetime.combine(company.starts_on, datetime.min.time())
        self.repositories = {
            name: Repository(FIRST["repository"] + n, name, start)
            for n, name in enumerate(sorted(names), start=1)
        }
        for service in company.services:
            if service.repository:
                self.repositories[service.repository].services.append(service)
        self._ticket_count = 0
        self._add_pulls()
        self._add_tickets(_tickets(company) if issues else [])
        self._add_tickets(_incidents(company) if incidents_as_issues else [])
        self._number()
        self._link(company.issues if issues else [])
        self._add_rollouts()
        self._add_runs()
        self.people = sorted(self._people())
        self.teams = {t.team_id: FIRST["team"] + n for n, t in enumerate(company.teams, start=1)}
        self.emails = {login(email): email for email in self.people}
        self.users = {
            name: FIRST["user"] + n for n, name in enumerate(sorted(self.emails), start=1)
        }

    def _id(self, kind: str, n: int, company_id: str) -> int:
        number = FIRST[kind] + n
        self.staged_ids[kind, company_id] = f"github:{number}"
        return number

    def _add_pulls(self) -> None:
        company = self.company
        commits: dict[str, list[Commit]] = defaultdict(list)
        for link in company.pull_request_commits:
            commit = self.commits.get(link.commit_sha)
            if commit is not None:
                commits[link.pull_request_id].append(commit)
        reviews: dict[str, list[tuple[int, Review]]] = defaultdict(list)
        in_order = sorted(company.reviews, key=lambda r: (r.submitted_at, r.review_id))
        for n, review in enumerate(in_order, start=1):
            own = self._id("review", n, review.review_id)
            reviews[review.pull_request_id].append((own, review))
        created = sorted(company.pull_requests, key=lambda p: (p.created_at, p.pull_request_id))
        for n, record in enumerate(created, start=1):
            pushed = commits[record.pull_request_id]
            pushed.sort(key=lambda c: (c.committed_at or c.authored_at, c.commit_sha))
            given = reviews[record.pull_request_id]
            pull = Pull(
                self._id("pull_request", n, record.pull_request_id), 0, record,
                _moments(
                    record.created_at, record.ready_at, record.merged_at, record.closed_at,
                    *(c.committed_at or c.authored_at for c in pushed),
                    *(review.submitted_at for _, review in given),
                ), pushed, given,
            )  # fmt: skip
            repository = self.repositories[record.repository]
            repository.pulls.append(pull)
            for commit in pushed:
                self.owner_of[commit.commit_sha] = (repository, pull)
            if record.merged_at and record.merge_commit_sha:
                repository.pushes.append((record.merged_at, record.merge_commit_sha))
                self.owner_of.setdefault(record.merge_commit_sha, (repository, pull))
        for repository in self.repositories.values():
            repository.pushes.sort()

    def _add_tickets(self, found: Iterable[tuple[str, str, str | None, Ticket]]) -> None:
        for kind, company_id, service_id, ticket in found:
            repository = self._home(service_id)
            if repository is None:
                continue
            self._ticket_count += 1
            ticket.id = FIRST["issue"] + self._ticket_count
            self.staged_ids[kind, company_id] = f"github:{ticket.id}"
            repository.tickets.append(ticket)

    def _home(self, service_id: str | None) -> Repository | None:
        """Where an issue of a service is; those of none are in the first repository."""
        service = self._services.get(service_id or "")
        name = service.repository if service else None
        return self.repositories[name] if name else next(iter(self.repositories.values()), None)

    def _number(self) -> None:
        """Issues and pull requests of a repository share their numbers."""
        for repository in self.repositories.values():
            repository.tickets.sort(key=lambda t: (t.created, t.id))
            both = [(p.record.created_at, p.id, p) for p in repository.pulls]
            both += [(t.created, t.id, t) for t in repository.tickets]  # type: ignore[misc]
            for number, (_, _, thing) in enumerate(sorted(both, key=lambda b: b[:2]), start=1):
                thing.number = number

    def _link(self, issues: Iterable[Issue]) -> None:
        tickets = {t.id: t for r in self.repositories.values() for t in r.tickets}
        by_id = {f"github:{t.id}": t for t in tickets.values()}
        pulls = {p.record.pull_request_id: p for r in self.repositories.values() for p in r.pulls}
        for issue in issues:
            ticket = by_id.get(self.staged_ids.get(("issue", issue.issue_id), ""))
            if ticket is None:
                continue
            parent = self.staged_ids.get(("issue", issue.parent_issue_id or ""), "")
            ticket.parent = by_id.get(parent)
            for pull_request_id in issue.pull_request_ids:
                if pull := pulls.get(pull_request_id):
                    pull.closes.append(ticket)
                    ticket.pulls.append(pull)

    def _add_rollouts(self) -> None:
        """Deployments with their statuses. A success is inactive from when the next one of its
        service and environment succeeded."""
        successes: dict[tuple[str, str], list[Deployment]] = defaultdict(list)
        for record in self.company.deployments:
            if record.status == "success":
                successes[record.service_id, record.environment].append(record)
        superseded: dict[str, datetime] = {}
        for row in successes.values():
            row.sort(key=lambda d: d.finished_at)
            for before, after in zip(row, row[1:], strict=False):
                superseded[before.deployment_id] = after.finished_at
        by_start = sorted(
            self.company.deployments,
            key=lambda d: (d.started_at or d.finished_at, d.finished_at, d.deployment_id),
        )
        status_count = release_count = 0
        for n, record in enumerate(by_start, start=1):
            repository = self._home(record.service_id)
            if repository is None:
                continue
            happened: list[tuple[datetime, StatusName]] = []
            if record.started_at:
                happened.append((record.started_at, "in_progress"))
            happened.append((record.finished_at, FINISHED.get(record.status, "error")))
            if record.deployment_id in superseded:
                happened.append((superseded[record.deployment_id], "inactive"))
            first = FIRST["status"] + status_count
            status_count += len(happened)
            rollout = Rollout(
                self._id("deployment", n, record.deployment_id), record,
                record.started_at or record.finished_at,
                record.commit_sha or unknown_sha(record.deployment_id),
                [(first + i, moment, state) for i, (moment, state) in enumerate(happened)],
            )  # fmt: skip
            repository.rollouts.append(rollout)
            if record.status == "success":
                release_count += 1
                repository.releases.append((FIRST["release"] + release_count, rollout))

    def _add_runs(self) -> None:
        counts: dict[str, int] = defaultdict(int)
        by_start = sorted(self.company.ci_runs, key=lambda r: (r.started_at, r.ci_run_id))
        for n, record in enumerate(by_start, start=1):
            counts[record.repository] += 1
            owner = self.owner_of.get(record.commit_sha or "")
            self.repositories[record.repository].runs.append(
                Run(
                    self._id("ci_run", n, record.ci_run_id), counts[record.repository], record,
                    record.commit_sha or unknown_sha(record.ci_run_id),
                    owner[1].record.head_branch if owner else None,
                )
            )  # fmt: skip

    def _people(self) -> set[str]:
        company = self.company
        found = {m.person for m in company.team_memberships}
        found |= {p.author for p in company.pull_requests if p.author}
        found |= {r.reviewer for r in company.reviews if r.reviewer}
        return {person for person in found if "@" in person}

    def members(self, team_id: str, on: date) -> list[str]:
        """Who is in a team on a day."""
        return sorted(
            login(m.person)
            for m in self.company.team_memberships
            if m.team_id == team_id
            and m.valid_from <= on
            and (m.valid_to is None or on < m.valid_to)
        )

    def _person_of(self, address: str | None) -> str | None:
        """The login of whoever commits under an address, if GitHub knows it."""
        if not address:
            return None
        name = login(self._handles.get(address, address))
        return name if name in self.users else None


def _tickets(company: Company) -> Iterable[tuple[str, str, str | None, Ticket]]:
    owned: dict[str | None, str] = {}
    for service in company.services:
        owned.setdefault(service.team_id, service.service_id)
    for issue in sorted(company.issues, key=lambda i: (i.created_at, i.issue_id)):
        labels = (*issue.labels, ESCAPED) if issue.is_escaped_defect else issue.labels
        events = _closings(issue.created_at, issue.resolved_at, issue.reopened_count or 0)
        yield (
            "issue", issue.issue_id, issue.service_id or owned.get(issue.team_id),
            Ticket(
                0, 0, f"{issue.issue_type} {issue.issue_id}", issue.issue_type, labels,
                issue.created_at, issue.started_at, events, issue.parent_issue_id,
                _moments(issue.created_at, issue.started_at, *events),
            ),
        )  # fmt: skip


def _incidents(company: Company) -> Iterable[tuple[str, str, str | None, Ticket]]:
    for incident in sorted(company.incidents, key=lambda i: (i.opened_at, i.incident_id)):
        yield "incident", incident.incident_id, incident.service_id, _incident(incident)


def _incident(incident: Incident) -> Ticket:
    labels = (INCIDENT, f"{SEVERITY}{incident.severity}") if incident.severity else (INCIDENT,)
    events = [incident.resolved_at] if incident.resolved_at else []
    return Ticket(
        0, 0, incident.title or "", None, labels, incident.opened_at, None, events, None,
        _moments(incident.opened_at, *events),
    )  # fmt: skip


def _closings(created: datetime, resolved: datetime | None, reopened: int) -> list[datetime]:
    """When an issue was closed and reopened, in turn; nobody has written down when."""
    if resolved is None:
        return [created + timedelta(minutes=5 * n) for n in range(1, 2 * reopened + 1)]
    step = (resolved - created) / (2 * reopened + 1)
    before = [(created + step * n).replace(microsecond=0) for n in range(1, 2 * reopened + 1)]
    return [*before, resolved]


def _moments(created: datetime, *moments: datetime | None) -> list[datetime]:
    """When it was created and what came after; its commits may be older than itself."""
    return sorted({created, *(m for m in moments if m is not None and m > created)})


# The same moments and ids are told again and again.
stamp = functools.lru_cache(maxsize=2**17)(moment)


@functools.lru_cache(maxsize=2**17)
def node_id(kind: str, number: int) -> str:
    """The id that a thing has in GraphQL."""
    return f"{kind}_kwDO{base64.urlsafe_b64encode(str(number).encode()).decode()}"


def node_of(own: str) -> tuple[str, int]:
    """The kind and the number in an id; of another one, no kind."""
    kind, _, number = own.partition("_kwDO")
    try:
        return kind, int(base64.urlsafe_b64decode(number))
    except ValueError:
        return "", 0


def labels_of(thing: Pull | Ticket) -> tuple[str, ...]:
    """An issue's or a pull request's labels."""
    return thing.record.labels if isinstance(thing, Pull) else thing.labels


def closed_at(thing: Pull | Ticket, at: datetime) -> datetime | None:
    """When it was closed, if it is."""
    if isinstance(thing, Pull):
        closed = thing.record.merged_at or thing.record.closed_at
        return closed if has_come(closed, at) else None
    place = bisect_left(thing.events, at)
    return thing.events[place - 1] if place % 2 else None


def updated_at(thing: Pull | Ticket, at: datetime) -> datetime:
    """When something last happened to it."""
    return thing.moments[bisect_left(thing.moments, at) - 1]
