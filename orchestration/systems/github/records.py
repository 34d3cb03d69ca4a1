"""GitHub's payloads as records of the streams. Titles, bodies and messages end here."""

import fnmatch
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, NamedTuple, TypeVar

from pydantic import BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from orchestration.evidence import Rules, load_rules, reverted_shas, title_type
from orchestration.identity import Identity
from orchestration.systems._records import Moment, Payload, parse
from orchestration.systems.files.records import HOTFIX_BRANCH, REVERT_TITLE
from orchestration.systems.git.records import load_file_kinds

if TYPE_CHECKING:
    from orchestration.systems.github import GitHubSettings

ISSUE_KEY = re.compile(r"(?<![A-Za-z0-9])[A-Z][A-Z0-9]+-[0-9]+(?![A-Za-z0-9])")
STATUSES_KEPT = timedelta(days=90)  # by the vendor
OPEN_STATES = ("", "pending", "queued", "in_progress", "waiting")
RUN_STATUSES = {
    "success": "success",
    "failure": "failure",
    "timed_out": "failure",
    "startup_failure": "failure",
    "cancelled": "cancelled",
}

Record = dict[str, Any]
Item = TypeVar("Item")
Items = Annotated[list[Item], BeforeValidator(lambda value: [] if value is None else value)]


class Node(Payload):
    """An object of GraphQL: it has what was asked for, in camel case."""

    model_config = ConfigDict(alias_generator=to_camel, frozen=True)


class Actor(Node):
    """Who did something; None where the account is gone."""

    kind: str = Field(alias="__typename")
    login: str


class Login(Node):
    """An account, by its login."""

    login: str


class GitActor(Node):
    """Who a commit says wrote it."""

    name: str | None = None
    email: str | None = None
    user: Login | None = None


class Commit(Node):
    """A commit."""

    oid: str
    message: str
    authored_date: Moment
    committed_date: Moment
    additions: int | None = None
    deletions: int | None = None
    changed_files_if_available: int | None = None
    author: GitActor | None = None
    committer: GitActor | None = None


class PullRequestCommit(Node):
    """A commit of a pull request."""

    commit: Commit


class Name(Node):
    """Something of which only the name is read: a label, a type."""

    name: str


class Path(Node):
    """A changed file."""

    path: str


class Reference(Node):
    """Another object, by its id."""

    full_database_id: str | int


class Count(Node):
    """How many there are."""

    total_count: int


class Review(Node):
    """A review; not handed in while it is pending."""

    full_database_id: str | int
    state: str
    submitted_at: Moment | None = None
    author: Actor | None = None
    comments: Count


class Event(Node):
    """Something that happened."""

    kind: str = Field(alias="__typename")
    created_at: Moment | None = None


class PullRequest(Node):
    """A pull request with all its lists."""

    full_database_id: str | int
    number: int
    is_draft: bool
    title: str
    body: str | None
    head_ref_name: str
    base_ref_name: str
    created_at: Moment
    updated_at: Moment
    closed_at: Moment | None
    merged_at: Moment | None
    additions: int
    deletions: int
    changed_files: int
    author: Actor | None
    merge_commit: Commit | None
    labels: Items[Name]
    files: list[Path] | None
    commits: list[PullRequestCommit]
    reviews: Items[Review]
    closing_issues_references: Items[Reference] = []  # not asked where issues may not be read
    timeline_items: list[Event]


class Issue(Node):
    """An issue with its labels and how often it was opened again."""

    full_database_id: str | int
    number: int
    created_at: Moment
    updated_at: Moment
    closed_at: Moment | None
    labels: Items[Name]
    timeline_items: list[Event]
    issue_type: Name | None = None
    parent: Reference | None = None


class Status(Node):
    """A status of a deployment."""

    id: str
    state: str
    created_at: Moment


class Deployment(Node):
    """A deployment with the statuses that are left of it."""

    id: str
    database_id: int | None
    commit_oid: str
    created_at: Moment
    environment: str | None
    original_environment: str | None
    payload: str | None
    state: str | None
    statuses: Items[Status]


class TagCommit(Node):
    """What a release was made of."""

    oid: str


class Release(Node):
    """A release."""

    database_id: int | None
    id: str
    created_at: Moment
    published_at: Moment | None
    is_draft: bool
    is_prerelease: bool
    tag_commit: TagCommit | None


class WorkflowRun(Payload):
    """A workflow run as REST gives it."""

    passed_over: ClassVar[frozenset[str]] = frozenset(
        {
            "node_id", "status", "head_branch", "display_title", "run_number", "event",
            "workflow_id",
            "check_suite_id", "check_suite_node_id", "url", "html_url", "pull_requests", "actor",
            "triggering_actor", "jobs_url", "logs_url", "check_suite_url", "artifacts_url",
            "cancel_url", "rerun_url", "previous_attempt_url", "workflow_url", "head_commit",
            "repository", "head_repository", "head_repository_id", "referenced_workflows",
            "pull_request_url",
        }
    )  # fmt: skip

    id: int
    name: str | None = None
    path: str = ""
    head_sha: str
    conclusion: str | None
    run_attempt: int = 1
    created_at: Moment
    updated_at: Moment
    run_started_at: Moment | None = None


class Newest(NamedTuple):
    """How many of a kind a repository has, and when the newest was made or changed."""

    total: int
    at: datetime | None


NOTHING = Newest(0, None)
# It may not be read with others: anything may be new.
UNKNOWN = Newest(0, datetime.max)  # noqa: DTZ901  (UTC, as the lake has it)


@dataclass(frozen=True)
class Repository:
    """A repository as it is listed, with what is newest in it. ``default_branch``: None where it
    has no commit yet, or its name may not be read with others."""

    repository_id: str
    name: str
    is_archived: bool
    created_at: datetime
    pushed_at: datetime | None
    newest: Mapping[str, Newest]
    default_branch: str | None = None

    @property
    def record(self) -> Record:
        """The row of ``repositories``."""
        return {
            "repository_id": self.repository_id, "repository": self.name,
            "is_archived": self.is_archived, "created_at": self.created_at,
        }  # fmt: skip

    @property
    def where(self) -> Record:
        """The columns that say where a record belongs."""
        return {"repository_id": self.repository_id, "repository": self.name}

    @property
    def active_at(self) -> datetime | None:
        """When anything last happened that a listing shows."""
        moments = [self.pushed_at, *(newest.at for newest in self.newest.values())]
        return max((moment for moment in moments if moment), default=None)


class Dated(Node):
    """A moment in a list of one."""

    updated_at: Moment | None = None
    created_at: Moment | None = None


class Few(Node):
    """The newest of a list, and how long the list is."""

    total_count: int
    nodes: list[Dated | None]


class Listed(Node):
    """A repository in a list."""

    database_id: int
    name_with_owner: str
    is_archived: bool
    created_at: Moment
    pushed_at: Moment | None
    default_branch_ref: Name | None
    pull_requests: Few | None
    issues: Few | None
    deployments: Few | None = None
    releases: Few | None = None


class Change(NamedTuple):
    """A pull request as rows."""

    pull_request: Record
    pull_request_commits: list[Record]
    commits: list[Record]
    reviews: list[Record]


class Seen(NamedTuple):
    """A status that was seen, now or earlier."""

    status_id: str
    state: str
    created_at: datetime


def repository(payload: Any) -> Repository:
    """A repository of a list. Raises Refused."""
    listed = parse(Listed, payload)
    branch = listed.default_branch_ref
    asked = listed.model_fields_set  # what is not a deployment here is not asked for
    shipped = "releases" if "releases" in asked else "deployments"
    lists = {"pull_requests": "pull_requests", "issues": "issues", "deployments": shipped}
    return Repository(
        str(listed.database_id), listed.name_with_owner, listed.is_archived,
        listed.created_at, listed.pushed_at,
        {name: _newest(getattr(listed, own)) for name, own in lists.items() if own in asked},
        branch.name if branch else None,
    )  # fmt: skip


def _newest(few: Few | None) -> Newest:
    if few is None:
        return UNKNOWN
    first = few.nodes[0] if few.nodes else None
    return Newest(few.total_count, (first.updated_at or first.created_at) if first else None)


class Reader:
    """Makes rows of payloads, as the settings and the rules of evidence say."""

    def __init__(self, identity: Identity, settings: "GitHubSettings") -> None:
        self._identity, self._settings = identity, settings
        self._rules: Rules = load_rules()
        self._kinds = load_file_kinds()

    def pull_request(self, payload: Any, repository: Repository, branches: Iterable[str]) -> Change:
        """A pull request with its commits and reviews. ``branches``: patterns of those that make
        up the main line. Raises Refused."""
        pull = parse(PullRequest, payload)
        where = repository.where
        pull_request_id = str(pull.full_database_id)
        commits = [each.commit for each in pull.commits]
        author_id, is_bot = self._actor(pull.author)
        kinds = [self._kinds.kind(file.path) for file in pull.files or ()]
        has_all_files = pull.files is not None and len(kinds) >= pull.changed_files
        is_merged = pull.merged_at is not None
        record = {
            **where,
            "pull_request_id": pull_request_id,
            "number": pull.number,
            "author_id": author_id,
            "merge_commit_sha": pull.merge_commit.oid if pull.merge_commit and is_merged else None,
            "labels": _joined(label.name for label in pull.labels),
            "title_type": title_type(pull.title),
            "ai_evidence_rules": _joined(
                self._rules.match(
                    message=f"{pull.title}\n\n{pull.body or ''}",
                    author=_address(pull.author),
                    branch=pull.head_ref_name,
                )
            ),
            "issue_keys": _joined(ISSUE_KEY.findall(f"{pull.title} {pull.head_ref_name}")),
            "closing_issue_ids": _joined(
                str(issue.full_database_id) for issue in pull.closing_issues_references
            ),
            "additions": pull.additions,
            "deletions": pull.deletions,
            "changed_file_count": pull.changed_files,
            "test_file_count": kinds.count("test") if has_all_files else None,
            "production_file_count": kinds.count("production") if has_all_files else None,
            "author_is_bot": is_bot,
            "is_draft": pull.is_draft,
            "is_for_mainline": any(
                fnmatch.fnmatchcase(pull.base_ref_name, pattern) for pattern in branches
            ),
            "is_revert": bool(REVERT_TITLE.match(pull.title)),
            "is_hotfix": bool(HOTFIX_BRANCH.match(pull.head_ref_name)),
            "first_commit_at": min((commit.authored_date for commit in commits), default=None),
            "created_at": pull.created_at,
            "ready_at": _ready_at(pull),
            "merged_at": pull.merged_at,
            "closed_at": pull.closed_at,
            "updated_at": pull.updated_at,
        }
        listed = [
            {
                **where,
                "pull_request_id": pull_request_id,
                "commit_sha": commit.oid,
                "authored_at": commit.authored_date,
                "pull_request_updated_at": pull.updated_at,
            }
            for commit in commits
        ]
        if pull.merge_commit and is_merged:
            commits.append(pull.merge_commit)
        return Change(
            record, listed, [self._commit(commit, where) for commit in commits],
            [self._review(r, where, pull_request_id) for r in pull.reviews if r.submitted_at],
        )  # fmt: skip

    def issue(self, payload: Any, repository: Repository) -> Record:
        """An issue. Raises Refused."""
        issue, settings = parse(Issue, payload), self._settings
        labels = [label.name for label in issue.labels]
        folded = [label.casefold() for label in labels]
        is_incident = any(label.casefold() in folded for label in settings.incident_labels)
        escaped = [label.casefold() for label in settings.escaped_defect_labels]
        prefix = settings.severity_label.casefold()
        severities = (label[len(prefix) :].strip() for label in folded if label.startswith(prefix))
        service_id = settings.services.get(repository.name)
        if is_incident:
            service_id = service_id or repository.name
        record = {
            **repository.where,
            "issue_id": str(issue.full_database_id),
            "number": issue.number,
            "issue_type": "incident" if is_incident else self._issue_type(issue, folded),
            "service_id": service_id,
            "parent_issue_id": str(issue.parent.full_database_id) if issue.parent else None,
            "labels": _joined(labels),
            "severity": next(severities, None) if is_incident else None,
            "reopened_count": len(issue.timeline_items),
            "is_incident": is_incident,
            "is_escaped_defect": any(e in folded for e in escaped) if escaped else None,
            "created_at": issue.created_at,
            "closed_at": issue.closed_at,
            "updated_at": issue.updated_at,
        }
        return record

    def deployment(
        self,
        payload: Any,
        repository: Repository,
        earlier: Mapping[str, Iterable[Seen]],
        until: datetime,
    ) -> tuple[Record, list[Record]]:
        """A deployment and its statuses. ``earlier``: deployment → statuses that were seen
        before, of which the vendor may have deleted some. Raises Refused."""
        made = parse(Deployment, payload)
        # Integers of GraphQL end at 2^31; GitHub gives nothing for ids beyond, then.
        deployment_id = str(made.database_id or made.id)
        known = {seen.status_id: seen for seen in earlier.get(deployment_id, ())}
        known |= {s.id: Seen(s.id, s.state.lower(), s.created_at) for s in made.statuses}
        statuses = [
            {
                **known[status.id]._asdict(),
                "deployment_id": deployment_id,
                "repository_id": repository.repository_id,
            }
            for status in made.statuses
        ]
        said = _payload(made.payload)
        record = {
            **repository.where,
            **_outcome(made, sorted(known.values(), key=lambda seen: seen.created_at), until),
            "deployment_id": deployment_id,
            "node_id": made.id,
            "service_id": self._service(repository, said),
            "commit_sha": made.commit_oid,
            "environment": made.environment or made.original_environment,
            "remediates_incident_id": _word(said, "remediates_incident_id"),
            "is_rollback": said.get("is_rollback") is True,
            "is_unplanned": said.get("is_unplanned") is True,
            "created_at": made.created_at,
        }
        return record, statuses

    def release(self, payload: Any, repository: Repository) -> Record | None:
        """A release as a deployment; None for a draft or a trial version. Raises Refused."""
        release = parse(Release, payload)
        if release.is_draft or release.is_prerelease or release.published_at is None:
            return None
        return {
            **self._shipped(repository),
            "deployment_id": f"release-{release.database_id or release.id}",
            "commit_sha": release.tag_commit.oid if release.tag_commit else None,
            "status": "success",
            "created_at": release.created_at,
            "finished_at": release.published_at,
        }

    def run(self, payload: Any, repository: Repository, news: set[str]) -> Record:
        """A workflow run. Raises Refused."""
        run = parse(WorkflowRun, payload, news)
        conclusion = (run.conclusion or "").lower() or None
        return {
            **repository.where,
            "run_id": str(run.id),
            "commit_sha": run.head_sha,
            "conclusion": conclusion,
            "attempt": run.run_attempt,
            "created_at": run.created_at,
            "started_at": run.run_started_at or run.created_at,
            "finished_at": run.updated_at if conclusion else None,
        }

    def shipped_by(self, payload: Any, run: Record, repository: Repository) -> Record | None:
        """A workflow run as a deployment; None where the policy does not mean it, or it did
        nothing."""
        workflow = self._settings.deployments.workflow or ""
        names = (str(payload.get("name") or ""), str(payload.get("path") or ""))
        is_over = run["conclusion"] is not None
        status = RUN_STATUSES.get(run["conclusion"] or "")
        if not any(re.search(workflow, name) for name in names) or (is_over and status is None):
            return None
        return {
            **self._shipped(repository),
            "deployment_id": f"run-{run['run_id']}",
            "commit_sha": run["commit_sha"],
            "status": status,
            "created_at": run["created_at"],
            "started_at": run["started_at"],
            "finished_at": run["finished_at"] if is_over else None,
        }

    def identity(self, payload: Mapping[str, Any]) -> Record | None:
        """A login and its person; None where the account is not linked or has no address."""
        login = (payload.get("user") or {}).get("login")
        address = _sign_on_address(payload)
        if not login or not address:
            return None
        return {
            "handle_id": self._identity.person(login, "github"),
            "person_id": self._identity.person(address, "github"),
        }

    def team(self, slug: str) -> str:
        """The team as the company calls it."""
        return self._settings.teams.get(slug, slug)

    def _shipped(self, repository: Repository) -> Record:
        return {
            **repository.where,
            "service_id": self._service(repository, {}),
            "environment": self._settings.deployments.environment,
            "is_rollback": False,
            "is_unplanned": False,
            "is_dated": True,
        }

    def _service(self, repository: Repository, said: Mapping[str, Any]) -> str:
        configured = self._settings.services.get(repository.name)
        return configured or _word(said, "service") or repository.name

    def _commit(self, commit: Commit, where: Record) -> Record:
        author = commit.author or GitActor()
        committer = commit.committer or GitActor()
        login = author.user.login if author.user else None
        return {
            **where,
            "commit_sha": commit.oid,
            "author_id": self._identity.person(author.email or login, "github"),
            "ai_evidence_rules": _joined(
                self._rules.match(
                    message=commit.message,
                    author=f"{author.name} <{author.email}>\n{committer.name} <{committer.email}>",
                )
            ),
            "reverted_commit_shas": _joined(reverted_shas(commit.message)),
            "additions": commit.additions,
            "deletions": commit.deletions,
            "changed_file_count": commit.changed_files_if_available,
            "author_is_bot": any(map(self._identity.is_bot, (author.email, author.name, login))),
            "authored_at": commit.authored_date,
            "committed_at": commit.committed_date,
        }

    def _review(self, review: Review, where: Record, pull_request_id: str) -> Record:
        reviewer_id, is_bot = self._actor(review.author)
        return {
            **where,
            "review_id": str(review.full_database_id),
            "pull_request_id": pull_request_id,
            "reviewer_id": reviewer_id,
            "state": review.state.lower(),
            "comment_count": review.comments.total_count,
            "reviewer_is_bot": is_bot,
            "submitted_at": review.submitted_at,
        }

    def _actor(self, actor: Actor | None) -> tuple[str | None, bool]:
        if actor is None:
            return None, False
        login = _login(actor)
        is_bot = actor.kind == "Bot" or self._identity.is_bot(login)
        return self._identity.person(login, "github"), is_bot

    def _issue_type(self, issue: Issue, labels: list[str]) -> str:
        if issue.issue_type:
            return issue.issue_type.name.lower()
        types = self._settings.issue_types
        return next((types[label] for label in types if label.casefold() in labels), "task")


def owning_team(owners: str) -> str | None:
    """The slug of the team that owns everything: the last team on the last line for ``*``."""
    found = None
    for line in owners.splitlines():
        words = line.partition("#")[0].split()
        if words and words[0] == "*":
            teams = [w for w in words[1:] if w.startswith("@") and "/" in w]
            found = teams[-1].partition("/")[2] if teams else None
    return found


def _login(actor: Actor) -> str:
    """The login as REST and people write it; GraphQL leaves out what marks an app."""
    is_marked = actor.kind != "Bot" or actor.login.endswith("[bot]")
    return actor.login if is_marked else f"{actor.login}[bot]"


def _address(actor: Actor | None) -> str:
    """An app's author line as git would have it, which the rules of evidence know."""
    if actor is None or actor.kind != "Bot":
        return ""
    login = _login(actor)
    return f"{login} <0+{login}@users.noreply.github.com>"


def _ready_at(pull: PullRequest) -> datetime | None:
    """When it was first ready. Turned into a draft before any other word: ready when opened."""
    first = next(iter(pull.timeline_items), None)
    if first is None:
        return None
    return first.created_at if first.kind == "ReadyForReviewEvent" else pull.created_at


def _outcome(made: Deployment, statuses: list[Seen], until: datetime) -> Record:
    """How a deployment ended, by everything ever seen of it: its first success; without one its
    last failure; retired without either it was cancelled.

    The vendor deletes statuses after 90 days. Of an older deployment with no more than one left
    the beginning is not known: it then ended when it was made, as its last state says, and what
    was retired had been a success."""
    first = {seen.state: seen.created_at for seen in reversed(statuses)}
    started_at = first.get("in_progress")
    state = statuses[-1].state if statuses else (made.state or "").lower()
    is_old = made.created_at < until - STATUSES_KEPT
    if "success" in first:
        return _ended("success", first["success"], started_at)
    was_retired = is_old and len(statuses) <= 1 and state in ("inactive", "destroyed")
    if state in ("success", "active") or was_retired:
        return _ended("success", made.created_at, started_at, is_dated=False)
    failed = [seen.created_at for seen in statuses if seen.state in ("failure", "error")]
    if failed and state not in OPEN_STATES:
        return _ended("failure", failed[-1], started_at)
    if state in ("failure", "error"):
        return _ended("failure", made.created_at, started_at, is_dated=False)
    if state in OPEN_STATES:
        return _ended(None, None, started_at)
    return _ended("cancelled", statuses[-1].created_at if statuses else None, started_at)


def _ended(
    status: str | None, finished_at: datetime | None, started_at: datetime | None,
    is_dated: bool = True,
) -> Record:  # fmt: skip
    return {
        "status": status, "finished_at": finished_at, "started_at": started_at,
        "is_dated": is_dated,
    }  # fmt: skip


def _payload(text: str | None) -> Mapping[str, Any]:
    """What a deployer wrote into a deployment: an object, text that holds one, or nothing."""
    said: Any = text
    for _ in range(2):
        if isinstance(said, str):
            try:
                said = json.loads(said)
            except ValueError:
                return {}
    return said if isinstance(said, dict) else {}


def _word(said: Mapping[str, Any], name: str) -> str | None:
    """What a deployer says in one word. A list or an object may hold anything: it is nothing."""
    value = said.get(name)
    return str(value) if isinstance(value, str | int) and value and value is not True else None


def _sign_on_address(payload: Mapping[str, Any]) -> str | None:
    for kind in ("samlIdentity", "scimIdentity"):
        said = payload.get(kind) or {}
        emails = sorted(said.get("emails") or (), key=lambda e: not e.get("primary"))
        for text in (said.get("nameId"), *(e.get("value") for e in emails), said.get("username")):
            if text and "@" in text:
                return str(text)
    return None


def _joined(values: Iterable[str]) -> str | None:
    """Values as a list of the lake, each once."""
    return ";".join(dict.fromkeys(value.replace(";", ",") for value in values)) or None
