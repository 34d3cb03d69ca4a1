"""GitHub's GraphQL and REST APIs over a simulated company's repositories.

Questions are checked against what GitHub publishes: GraphQL against the part of its schema in
`github_graphql`, REST against ``PARAMETERS``. What GitHub always says and the company may not know
(a pull request's size, a review's comments) is 0 here; a commit that is not known is one that is in
no repository.
"""

import base64
import functools
import hashlib
import json
import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlencode

import jwt

from orchestration.simulation.records import Company, PullRequest
from orchestration.simulation.vendors._server import (
    Faults,
    Limit,
    Refusal,
    Request,
    Response,
    Vendor,
)
from orchestration.simulation.vendors.github_graphql import (
    TROUBLE,
    Object,
    Question,
    Refused,
    execute,
)
from orchestration.simulation.vendors.github_history import (
    BRANCH,
    CODEOWNERS,
    WEB,
    History,
    Permission,
    Repository,
    Rollout,
    Run,
    labels_of,
    node_id,
    stamp,
    updated_at,
)
from orchestration.simulation.vendors.github_objects import Graph
from orchestration.simulation.vendors.github_rest import Payloads

DEFAULT_PAGE, LARGEST_PAGE, MOST_FILTERED = 30, 100, 1_000
VERSIONS = ("2022-11-28", "2026-03-10")
SCHEMES = ("bearer", "token")
KINDS: tuple[Literal["pulls", "tickets"], ...] = ("pulls", "tickets")
PAGING: dict[str, tuple[str, ...] | None] = {"per_page": None, "page": None}
REPOSITORY = "/repos/{owner}/{repo}"
# By what is asked for: the parameters, and the values of those that have a fixed few.
PARAMETERS: dict[str, dict[str, tuple[str, ...] | None]] = {
    "/user": {},
    "/rate_limit": {},
    "/installation/repositories": PAGING,
    "/orgs/{org}": {},
    "/orgs/{org}/repos": {
        "type": ("all", "public", "private", "forks", "sources", "member"),
        "sort": ("created", "updated", "pushed", "full_name"),
        "direction": ("asc", "desc"),
        **PAGING,
    },
    "/orgs/{org}/teams": {"team_type": ("all", "enterprise", "organization"), **PAGING},
    "/orgs/{org}/teams/{team_slug}/repos": PAGING,
    "/orgs/{org}/teams/{team_slug}/members": {"role": ("member", "maintainer", "all"), **PAGING},
    REPOSITORY: {},
    f"{REPOSITORY}/teams": PAGING,
    f"{REPOSITORY}/contents/{{path}}": {"ref": None},
    f"{REPOSITORY}/codeowners/errors": {"ref": None},
    f"{REPOSITORY}/deployments": {
        "sha": None, "ref": None, "task": None, "environment": None, **PAGING,
    },
    f"{REPOSITORY}/deployments/{{deployment_id}}/statuses": PAGING,
    f"{REPOSITORY}/releases": PAGING,
    f"{REPOSITORY}/actions/runs": {
        "actor": None, "branch": None, "event": None, "created": None, "check_suite_id": None,
        "head_sha": None, "exclude_pull_requests": ("true", "false"),
        "status": (
            "completed", "action_required", "cancelled", "failure", "neutral", "skipped", "stale",
            "success", "timed_out", "in_progress", "queued", "requested", "waiting", "pending",
        ),
        **PAGING,
    },
    f"{REPOSITORY}/issues": {
        "milestone": None, "assignee": None, "type": None, "creator": None, "mentioned": None,
        "issue_field_values": None, "labels": None, "since": None,
        "state": ("open", "closed", "all"), "sort": ("created", "updated", "comments"),
        "direction": ("asc", "desc"),
        **PAGING,
    },
}  # fmt: skip
FILTERS = ("actor", "branch", "event", "status", "created", "check_suite_id", "head_sha")
PLACE = r"/(repos/[^/]+/[^/]+|repositories/\d+)"
DEPLOYMENT_STATES = {
    "success": "ACTIVE", "failure": "FAILURE", "error": "ERROR", "inactive": "INACTIVE",
    "in_progress": "IN_PROGRESS",
}  # fmt: skip


@dataclass(frozen=True)
class App:
    """A GitHub App that is installed: its numbers, its public key, and how long a token lasts."""

    id: int
    installation_id: int
    public_key: str
    token_seconds: float = 3600.0


class _Quota:
    """So many points in a window of time that starts anew when it is over."""

    def __init__(self, limit: int | None, seconds: float) -> None:
        self.limit, self._counts, self._seconds = limit or 5_000, limit is not None, seconds
        self._used, self._end = 0, time.time() + seconds
        self._lock = threading.Lock()

    def take(self, points: int) -> bool:
        """Whether there were enough."""
        with self._lock:
            if time.time() >= self._end:
                self._used, self._end = 0, time.time() + self._seconds
            allowed = not self._counts or self._used + points <= self.limit
            if allowed and self._counts:
                self._used += points
            return allowed

    def values(self) -> dict[str, int]:
        """What is told of it; ``reset`` in seconds since 1970, never too early."""
        used = min(self._used, self.limit)
        left, reset = self.limit - used, int(self._end) + 1
        return {"limit": self.limit, "remaining": left, "used": used, "reset": reset}


class _Kept(Response):
    """An answer whose bytes are made once: for its ETag, and to be sent."""

    @functools.cached_property
    def _bytes(self) -> bytes:
        return super().content()

    def content(self) -> bytes:
        return self._bytes


class Github(Vendor):
    """An organisation's GitHub.

    ``lacks``: permissions that the token has not; ``hidden``: repositories that it may not see.
    ``bases``: pull requests of the company that go into another branch than ``main``.
    ``issues``: the company's issues are kept here, and ``incidents_as_issues`` its incidents too.
    ``statuses_kept_days``: earlier statuses of a deployment that are older are gone.
    ``heavy_first``: larger pages of pull requests run out of time. ``points`` (GraphQL) and
    ``core`` (REST) are the limits of a ``window_seconds``; ``limit`` is the secondary one.
    ``lag``: what happens shows up to so much later, some things sooner than others.
    """

    routes = (
        ("POST", r"/graphql", "graphql"),
        ("POST", r"/app/installations/(\d+)/access_tokens", "access_token"),
        ("GET", r"/rate_limit", "rate_limit"),
        ("GET", r"/user", "user"),
        ("GET", r"/installation/repositories", "installation_repositories"),
        ("GET", r"/orgs/([^/]+)", "organization"),
        ("GET", r"/orgs/([^/]+)/repos", "organization_repositories"),
        ("GET", r"/orgs/([^/]+)/teams", "teams"),
        ("GET", r"/orgs/([^/]+)/teams/([^/]+)/repos", "team_repositories"),
        ("GET", r"/orgs/([^/]+)/teams/([^/]+)/members", "team_members"),
        ("GET", PLACE, "repository"),
        ("GET", PLACE + r"/teams", "repository_teams"),
        ("GET", PLACE + r"/contents/(.+)", "contents"),
        ("GET", PLACE + r"/codeowners/errors", "codeowners_errors"),
        ("GET", PLACE + r"/deployments", "deployments"),
        ("GET", PLACE + r"/deployments/(\d+)/statuses", "statuses"),
        ("GET", PLACE + r"/releases", "releases"),
        ("GET", PLACE + r"/actions/runs", "workflow_runs"),
        ("GET", PLACE + r"/issues", "issues"),
    )

    def __init__(
        self,
        company: Company,
        now: datetime | None = None,
        *,
        name: str = "example",
        token: str = "github-token",  # noqa: S107  (nobody's)
        app: App | None = None,
        lacks: frozenset[Permission] = frozenset(),
        hidden: frozenset[str] = frozenset(),
        bases: Mapping[str, str] | None = None,
        issues: bool = False,
        incidents_as_issues: bool = False,
        has_sso: bool = True,
        has_codeowners: bool = True,
        statuses_kept_days: int | None = None,
        heavy_first: int | None = None,
        lag: timedelta = timedelta(0),
        points: int | None = None,
        core: int | None = None,
        window_seconds: float = 3600.0,
        faults: Faults | None = None,
        limit: Limit | None = None,
        delay_seconds: float = 0.0,
    ) -> None:
        super().__init__(
            now or company.as_of, faults=faults, limit=limit, delay_seconds=delay_seconds
        )
        self.name, self.token, self.app = name, token, app
        self.lacks, self.hidden, self.lag = lacks, hidden, lag
        self.bases = dict(bases or {})
        self.has_sso, self.has_codeowners = has_sso, has_codeowners
        self.statuses_kept_days, self.heavy_first = statuses_kept_days, heavy_first
        self.points, self.core = _Quota(points, window_seconds), _Quota(core, window_seconds)
        self.history = History(company, issues=issues, incidents_as_issues=incidents_as_issues)
        self.staged_ids = self.history.staged_ids
        self.by_name = self.history.repositories
        self._former: dict[str, Repository] = {}
        self._app_tokens: dict[str, float] = {}
        self._seen: dict[tuple[Any, ...], tuple[list[tuple[str, int]], list[Any]]] = {}
        self._answering = threading.local()
        self._graph, self._payloads = Graph(self), Payloads(self)

    # What can happen to a repository while the server runs.

    def rename(self, old: str, new: str) -> None:
        """The repository moves; its former name leads to it until another one takes that."""
        moved = self.by_name.pop(old)
        moved.name = new
        self.by_name[new] = self._former[old] = moved

    def archive(self, name: str) -> None:
        """The repository can be read, and no more changed."""
        self.by_name[name].is_archived = True

    def delete(self, name: str) -> None:
        """The repository is gone."""
        del self.by_name[name]

    def empty(self, name: str) -> None:
        """The repository is deleted and made again: another number, and nothing in it."""
        before = self.by_name[name]
        number = max(r.id for r in self.by_name.values()) + 1
        made = self.now - timedelta(seconds=1)
        self.by_name[name] = Repository(number, name, made, services=before.services)

    # How GitHub admits, and how it refuses.

    def respond(self, request: Request) -> tuple[Response, Any]:
        """Keeps in mind which API is asked: each has its own way to fail."""
        self._answering.is_graphql = request.path == "/graphql"
        return super().respond(request)

    def answer(self, request: Request) -> Response:
        """The answer; REST's with the limit's headers and an ETag, which may spare the body."""
        response = super().answer(request)
        if request.path == "/graphql":
            response.headers = {**_limit_headers("graphql", self.points), **response.headers}
            return response
        if request.method == "GET" and response.status == 200:
            response = _Kept(response.body, response.status, response.headers)
            digest = hashlib.sha256(response.content()).hexdigest()
            etag = f'W/"{digest}"'
            response.headers["ETag"] = etag
            if request.headers.get("if-none-match") == etag:
                self.core.take(-1)
                response = Response(None, 304, response.headers)
        response.headers = {**_limit_headers("core", self.core), **response.headers}
        return response

    def limited(self, seconds: float) -> Response:
        """The secondary limit."""
        response = _message(
            403,
            "You have exceeded a secondary rate limit. Please wait a few minutes before you try "
            "again.",
        )
        response.headers = {"Retry-After": f"{seconds:.2f}"}
        return response

    def denied(self) -> Response:
        """401."""
        return _message(401, "Bad credentials")

    def broken(self) -> Response:
        """A question that ran out of time; REST has no such answers."""
        if getattr(self._answering, "is_graphql", False):
            return Response({"data": None, "errors": [{"message": TROUBLE}]})
        return _message(500, "Server Error")

    def emptied(self, response: Response) -> Response:
        """A REST list without its rows."""
        body = response.body
        if response.status != 200 or "Link" not in response.headers:
            return response
        if isinstance(body, dict):
            body = {k: [] if isinstance(v, list) else v for k, v in body.items()}
        return Response([] if isinstance(body, list) else body, 200, response.headers)

    def admit(self, request: Request) -> None:
        """A token, the headers that GitHub wants, and something left of the hour."""
        if "user-agent" not in request.headers:
            raise Refusal(_message(403, "Request forbidden by administrative rules."))
        if request.headers.get("x-github-api-version", VERSIONS[0]) not in VERSIONS:
            raise Refusal(_message(400, "The given API version is not supported."))
        self._answering.is_app = self._checked(request.headers.get("authorization", ""))
        if request.path != "/graphql" and not self.core.take(1):
            refusal = _message(403, "API rate limit exceeded for user ID 1.")
            raise Refusal(refusal)

    def _checked(self, authorization: str) -> bool:
        """Whether it is an app's token. Raises Refusal where it is no token."""
        scheme, _, given = authorization.partition(" ")
        if not given:
            raise Refusal(_message(401, "Requires authentication"))
        if scheme.lower() in SCHEMES:
            if given == self.token:
                return False
            if self._app_tokens.get(given, 0.0) > time.monotonic():
                return True
        raise Refusal(self.denied())

    def access_token(self, request: Request, installation_id: str) -> Response:
        """A token of the app's installation, for its signature."""
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if self.app is None or scheme.lower() != "bearer":
            raise Refusal(_message(401, "A JSON web token could not be decoded"))
        try:
            claims = jwt.decode(
                given, self.app.public_key, algorithms=["RS256"],
                options={"require": ["iat", "exp", "iss"]}, leeway=60,
            )  # fmt: skip
        except jwt.InvalidTokenError:
            raise Refusal(_message(401, "A JSON web token could not be decoded")) from None
        if claims["exp"] - time.time() > 600 or str(claims["iss"]) != str(self.app.id):
            raise Refusal(_message(401, "'Expiration time' claim ('exp') is too far in the future"))
        if int(installation_id) != self.app.installation_id:
            raise Refusal(_message(404, "Not Found"))
        seconds = self.app.token_seconds
        token = f"ghs_{len(self._app_tokens):036d}"
        self._app_tokens[token] = time.monotonic() + seconds
        expires = datetime.fromtimestamp(time.time() + seconds, UTC)
        permissions = {"metadata": "read", "pull_requests": "read", "deployments": "read"}
        return Response(
            {
                "token": token, "expires_at": stamp(expires), "permissions": permissions,
                "repository_selection": "all",
            }, 201,
        )  # fmt: skip

    def needs(self, permission: Permission) -> None:
        """Raises Refusal without the permission."""
        if permission in self.lacks:
            refusal = _message(403, self.not_accessible())
            needed = f"{permission}=read"
            refusal.headers = {"X-Accepted-GitHub-Permissions": needed}
            raise Refusal(refusal)

    def not_accessible(self) -> str:
        """What a token without the permission is told."""
        is_app = getattr(self._answering, "is_app", False)
        kind = "integration" if is_app else "personal access token"
        return f"Resource not accessible by {kind}"

    # What is there to see.

    def seen_at(self, number: int) -> datetime:
        """Up to when what happened to a thing of this number shows."""
        return self.now - self.lag * (number % 4) / 3

    def visible(self) -> list[Repository]:
        """The repositories that the token may see, by number."""
        found = [
            r for r in self.by_name.values() if r.name not in self.hidden and r.created < self.now
        ]
        return sorted(found, key=lambda r: r.id)

    def found(self, name: str, follow_renames: bool = True) -> Repository | None:
        """A repository by its name or, if that is followed, a former one. Case does not count."""
        wanted = name.lower()
        by_lower = {n.lower(): r for n, r in self.by_name.items()}
        repository = by_lower.get(wanted)
        if repository is None and follow_renames:
            repository = {n.lower(): r for n, r in self._former.items()}.get(wanted)
        visible = repository and repository.name in self.by_name
        if repository is None or not visible or repository.name in self.hidden:
            return None
        return repository if repository.created < self.now else None

    def in_order(
        self, repository: Repository, kind: Literal["pulls", "tickets"], by: str
    ) -> tuple[list[tuple[str, int]], list[Any]]:
        """What exists of a kind: keys, and things in their order. ``by``: CREATED_AT or
        UPDATED_AT (as of now)."""
        wanted = (self.now, self.lag, repository.id, kind, by)
        if wanted not in self._seen:
            if len(self._seen) > 4 * len(self.by_name) + 100:
                self._seen.clear()
            rows = []
            for thing in getattr(repository, kind):
                place = bisect_left(thing.moments, self.seen_at(thing.id))
                if place:
                    at = thing.moments[place - 1 if by == "UPDATED_AT" else 0]
                    rows.append((stamp(at), thing.id, thing))
            rows.sort(key=lambda row: row[:2])
            self._seen[wanted] = ([row[:2] for row in rows], [row[2] for row in rows])
        return self._seen[wanted]

    def base_of(self, record: PullRequest) -> str:
        """The branch that a pull request goes into."""
        return self.bases.get(record.pull_request_id, BRANCH)

    def statuses_of(self, rollout: Rollout) -> list[tuple[int, datetime, str]]:
        """The statuses of a deployment that have come and are kept, oldest first. The current
        one is kept for ever."""
        at = self.seen_at(rollout.id)
        come: list[tuple[int, datetime, str]] = [s for s in rollout.statuses if s[1] < at]
        if self.statuses_kept_days is None:
            return come
        oldest = self.now - timedelta(days=self.statuses_kept_days)
        return [s for s in come if s[1] >= oldest or s is come[-1]]

    def state_of(self, rollout: Rollout) -> str:
        """The state that the deployment itself keeps."""
        statuses = self.statuses_of(rollout)
        return DEPLOYMENT_STATES[statuses[-1][2]] if statuses else "PENDING"

    def rollouts_of(self, repository: Repository) -> list[Rollout]:
        """The deployments that exist, oldest first."""
        return [r for r in repository.rollouts if r.created < self.seen_at(r.id)]

    def codeowners_of(self, repository: Repository) -> str | None:
        """The file, if there is one: the first service's team owns all that no other does."""
        teams = list(dict.fromkeys(s.team_id for s in repository.services if s.team_id))
        if not teams or not self.has_codeowners:
            return None
        lines = [f"* @{self.name}/{teams[0]}"]
        lines += [
            f"/{s.service_id}/ @{self.name}/{s.team_id}"
            for s in repository.services
            if s.team_id and s.team_id != teams[0]
        ]
        return "# Who owns what.\n" + "\n".join(lines) + "\n"

    def repositories_of(self, team_id: str) -> list[Repository]:
        """What a team administers."""
        return [r for r in self.visible() if any(s.team_id == team_id for s in r.services)]

    def payload_of(self, rollout: Rollout) -> Object | str:
        """What the deployer said; some say it as text."""
        record = rollout.record
        said: Object = {"service": record.service_id}
        if record.is_rollback is not None:
            said["is_rollback"] = record.is_rollback
        if record.is_unplanned is not None:
            said["is_unplanned"] = record.is_unplanned
        if record.remediates_incident_id is not None:
            said["remediates_incident_id"] = record.remediates_incident_id
        return json.dumps(said) if rollout.id % 5 == 0 else said

    # GraphQL.

    def graphql(self, request: Request) -> Response:
        """A question and its answer; errors come with status 200."""
        self.admit(request)
        try:
            body = request.json()
            text, variables = body["query"], body.get("variables") or {}
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Refusal(_message(400, "Problems parsing JSON")) from None
        try:
            question = Question(text, variables, body.get("operationName"))
        except Refused as refused:
            return Response({"errors": refused.errors})
        if not self.points.take(question.price.points):
            said = "API rate limit exceeded for user ID 1."
            return Response({"errors": [{"type": "RATE_LIMITED", "message": said}]})
        if self.heavy_first and question.largest("pullRequests") > self.heavy_first:
            return Response(
                b"<html><head><title>502 Bad Gateway</title></head></html>", 502,
                {"Content-Type": "text/html"},
            )  # fmt: skip
        return Response(execute(question, self._graph.query(question)))

    # REST.

    def rate_limit(self, request: Request) -> Response:
        """What is left; asking costs nothing."""
        self._checked(request.headers.get("authorization", ""))
        core, graphql = self.core.values(), self.points.values()
        search = {"limit": 30, "remaining": 30, "used": 0, "reset": core["reset"]}
        resources = {"core": core, "graphql": graphql, "search": search}
        return Response({"resources": resources, "rate": core})

    def user(self, request: Request) -> Response:
        """Whose token it is; an app's has no user."""
        self._asked(request, "/user")
        if self._answering.is_app:
            raise Refusal(_message(403, self.not_accessible()))
        return Response(
            {
                **self._payloads.user("valuemaxx-reader", 1),
                "name": None, "company": None, "blog": "", "location": None, "email": None,
                "hireable": None, "bio": None,
                "public_repos": 0, "public_gists": 0, "followers": 0, "following": 0,
                "created_at": "2020-01-01T00:00:00Z", "updated_at": "2020-01-01T00:00:00Z",
            }
        )  # fmt: skip

    def installation_repositories(self, request: Request) -> Response:
        """What the app's installation may see."""
        self._asked(request, "/installation/repositories")
        if not self._answering.is_app:
            raise Refusal(_message(403, "You must authenticate with an installation access token"))
        return self._page(request, self.visible(), self._payloads.repository, "repositories")

    def organization(self, request: Request, name: str) -> Response:
        """The organisation."""
        self._asked(request, "/orgs/{org}")
        self._own(name)
        own = f"{self.url}/orgs/{self.name}"
        return Response(
            {
                "login": self.name, "id": 1, "node_id": node_id("O", 1), "url": own,
                "repos_url": f"{own}/repos", "events_url": f"{own}/events",
                "hooks_url": f"{own}/hooks", "issues_url": f"{own}/issues",
                "members_url": f"{own}/members{{/member}}",
                "public_members_url": f"{own}/public_members{{/member}}", "avatar_url": "",
                "description": None, "html_url": f"{WEB}/{self.name}", "type": "Organization",
                "has_organization_projects": False, "has_repository_projects": False,
                "public_repos": 0, "public_gists": 0, "followers": 0, "following": 0,
                "created_at": "2020-01-01T00:00:00Z", "updated_at": "2020-01-01T00:00:00Z",
                "archived_at": None,
            }
        )  # fmt: skip

    def organization_repositories(self, request: Request, name: str) -> Response:
        """The organisation's repositories, newest first unless asked otherwise."""
        self._asked(request, "/orgs/{org}/repos")
        self._own(name)
        sort = request.one("sort", "created")
        kind = request.one("type", "all")
        rows = self.visible() if kind in ("all", "private", "sources", "member") else []
        rows.sort(key=lambda r: (self.sorted_by(sort, r), r.id))
        if request.one("direction", "asc" if sort == "full_name" else "desc") == "desc":
            rows.reverse()
        return self._page(request, rows, self._payloads.repository)

    def teams(self, request: Request, name: str) -> Response:
        """The organisation's teams."""
        self._asked(request, "/orgs/{org}/teams")
        self._own(name)
        self.needs("members")
        rows = [t.team_id for t in self.history.company.teams]
        return self._page(request, rows, self._payloads.team)

    def team_repositories(self, request: Request, name: str, slug: str) -> Response:
        """What a team may do where."""
        self._asked(request, "/orgs/{org}/teams/{team_slug}/repos")
        self._own_team(name, slug)
        return self._page(request, self.repositories_of(slug), self._payloads.administered)

    def team_members(self, request: Request, name: str, slug: str) -> Response:
        """Who is in a team now."""
        self._asked(request, "/orgs/{org}/teams/{team_slug}/members")
        self._own_team(name, slug)
        rows = self.history.members(slug, self.now.date())
        return self._page(
            request, rows, lambda n: self._payloads.user(n, self.history.users.get(n, 0))
        )

    def repository(self, request: Request, place: str) -> Response:
        """One repository."""
        found = self._at(request, place, "")
        short = {
            "clone_url": "", "git_url": "", "ssh_url": "", "svn_url": "", "homepage": None,
            "language": None, "mirror_url": None, "license": None, "has_issues": True,
            "has_projects": False, "has_wiki": False, "has_pages": False, "has_discussions": False,
            "forks": 0, "forks_count": 0, "open_issues": 0, "open_issues_count": 0,
            "stargazers_count": 0, "watchers": 0, "watchers_count": 0, "network_count": 0,
            "subscribers_count": 0,
        }  # fmt: skip
        return Response({**self._payloads.repository(found), **short})

    def repository_teams(self, request: Request, place: str) -> Response:
        """Who may do what in a repository."""
        found = self._at(request, place, "/teams")
        self.needs("members")
        owners = {s.team_id for s in found.services}
        rows = [t.team_id for t in self.history.company.teams if t.team_id in owners]
        return self._page(
            request, rows, lambda t: {**self._payloads.team(t), "permission": "admin"}
        )

    def contents(self, request: Request, place: str, path: str) -> Response:
        """A file: there is only the one that says who owns what."""
        found = self._at(request, place, "/contents/{path}")
        self.needs("contents")
        text = self.codeowners_of(found)
        if text is None or path != CODEOWNERS:
            raise Refusal(_message(404, "Not Found"))
        content = text.encode()
        sha = hashlib.sha1(content, usedforsecurity=False).hexdigest()
        own = f"{self.url}/repos/{found.name}/contents/{path}?ref={BRANCH}"
        git, html = f"{self.url}/repos/{found.name}/git/blobs/{sha}", f"{WEB}/{found.name}/{path}"
        return Response(
            {
                "type": "file", "encoding": "base64", "size": len(content),
                "name": "CODEOWNERS", "path": path, "sha": sha, "url": own, "git_url": git,
                "content": base64.encodebytes(content).decode(), "html_url": html,
                "download_url": None, "_links": {"git": git, "self": own, "html": html},
            }
        )  # fmt: skip

    def codeowners_errors(self, request: Request, place: str) -> Response:
        """What is wrong with the file: nothing."""
        found = self._at(request, place, "/codeowners/errors")
        self.needs("contents")
        if self.codeowners_of(found) is None:
            raise Refusal(_message(404, "Not Found"))
        return Response({"errors": []})

    def deployments(self, request: Request, place: str) -> Response:
        """Deployments, newest first; they cannot be asked for by time."""
        found = self._at(request, place, "/deployments")
        self.needs("deployments")
        wanted = {name: request.one(name, "none") for name in ("sha", "task", "environment")}
        rows = [
            r
            for r in reversed(self.rollouts_of(found))
            if wanted["sha"] in ("none", r.sha)
            and wanted["task"] in ("none", "deploy")
            and wanted["environment"] in ("none", r.record.environment)
        ]
        return self._page(request, rows, lambda r: self._payloads.deployment(found, r))

    def statuses(self, request: Request, place: str, deployment_id: str) -> Response:
        """A deployment's statuses, newest first."""
        found = self._at(request, place, "/deployments/{deployment_id}/statuses")
        self.needs("deployments")
        rollouts = [r for r in self.rollouts_of(found) if r.id == int(deployment_id)]
        if not rollouts:
            raise Refusal(_message(404, "Not Found"))
        rows = self.statuses_of(rollouts[0])[::-1]
        return self._page(request, rows, lambda s: self._payloads.status(found, rollouts[0], *s))

    def releases(self, request: Request, place: str) -> Response:
        """A release for each deployment that succeeded, newest first."""
        found = self._at(request, place, "/releases")
        self.needs("contents")
        rows = [
            (number, rollout)
            for number, rollout in reversed(found.releases)
            if rollout.record.finished_at < self.now
        ]
        return self._page(request, rows, lambda row: self._payloads.release(found, *row))

    def workflow_runs(self, request: Request, place: str) -> Response:
        """Workflow runs, newest first: of those that are filtered, no more than a thousand."""
        found = self._at(request, place, "/actions/runs")
        self.needs("actions")
        rows = [r for r in reversed(found.runs) if self._is_wanted(request, r)]
        most = MOST_FILTERED if any(name in request.query for name in FILTERS) else None
        return self._page(
            request, rows, lambda r: self._payloads.workflow_run(found, r), "workflow_runs", most
        )

    def issues(self, request: Request, place: str) -> Response:
        """Issues, and pull requests among them."""
        found = self._at(request, place, "/issues")
        self.needs("issues")
        sort = "UPDATED_AT" if request.one("sort") == "updated" else "CREATED_AT"
        since = _moment(request.one("since")) if "since" in request.query else ""
        state = request.one("state", "open").upper()
        labels = {label for label in request.one("labels").split(",") if label}
        rows = []
        for kind in KINDS:
            for key, thing in zip(*self.in_order(found, kind, sort), strict=True):
                at = self.seen_at(thing.id)
                is_open = thing.state(at) == "OPEN"
                if (
                    stamp(updated_at(thing, at)) >= since
                    and state in ("ALL", "OPEN" if is_open else "CLOSED")
                    and labels <= set(labels_of(thing))
                ):
                    rows.append((key, thing))
        rows.sort(key=lambda row: row[0], reverse=request.one("direction", "desc") == "desc")
        return self._page(request, rows, lambda row: self._payloads.issue(found, row[1]))

    def _asked(self, request: Request, template: str) -> None:
        """Checks credential and parameters. Raises Refusal."""
        self.admit(request)
        known = PARAMETERS[template]
        for name, values in request.query.items():
            allowed = known.get(name)
            if name not in known or (allowed is not None and values[-1] not in allowed):
                refusal = _message(422, "Validation Failed")
                refusal.body["errors"] = [{"field": name, "code": "invalid", "resource": "Query"}]
                raise Refusal(refusal)

    def _own(self, name: str) -> None:
        if name.lower() != self.name.lower():
            raise Refusal(_message(404, "Not Found"))

    def _own_team(self, name: str, slug: str) -> None:
        self._own(name)
        self.needs("members")
        if slug not in self.history.teams:
            raise Refusal(_message(404, "Not Found"))

    def _at(self, request: Request, place: str, below: str) -> Repository:
        """The repository that is asked about. Raises Refusal: a former name is told where it
        leads to."""
        self._asked(request, REPOSITORY + below)
        kind, _, name = place.partition("/")
        if kind == "repositories":
            by_number = {str(r.id): r for r in self.visible()}
            found = by_number.get(name)
        else:
            found = self.found(name)
        if found is None:
            raise Refusal(_message(404, "Not Found"))
        if kind == "repos" and found.name.lower() != name.lower():
            rest = request.path.removeprefix(f"/{place}")
            target = f"{self.url}/repositories/{found.id}{rest}{_query(request.query)}"
            refusal = _message(301, "Moved Permanently")
            refusal.body["url"], refusal.headers = target, {"Location": target}
            raise Refusal(refusal)
        return found

    def _page(
        self,
        request: Request,
        rows: Sequence[Any],
        write: Callable[[Any], Object],
        wrapped_in: str = "",
        most: int | None = None,
    ) -> Response:
        """A page of a list, and where the others are. ``most``: rows after it are not given."""
        size = _whole(request, "per_page", DEFAULT_PAGE, LARGEST_PAGE)
        page = _whole(request, "page", 1)
        given = rows[:most]
        held = [write(row) for row in given[(page - 1) * size : page * size]]
        last = max(1, -(-len(given) // size))
        links = {"prev": page - 1, "next": page + 1, "last": last, "first": 1}
        own = self.url + self._by_number(request.path)
        told = [
            f"<{own}{_query({**request.query, 'per_page': [str(size)], 'page': [str(n)]})}>; "
            f'rel="{name}"'
            for name, n in links.items()
            if (page < last if name in ("next", "last") else page > 1)
        ]
        body: Any = {"total_count": len(rows), wrapped_in: held} if wrapped_in else held
        return Response(body, 200, {"Link": ", ".join(told)} if told else {})

    def _by_number(self, path: str) -> str:
        """The address of the same thing by the repository's number: links name no repository."""
        parts = path.split("/", 4)
        found = self.found("/".join(parts[2:4])) if parts[1] == "repos" else None
        return "/".join(["", "repositories", str(found.id), *parts[4:]]) if found else path

    def sorted_by(self, sort: str, repository: Repository) -> str:
        """What REST's ``sort`` puts a repository in order by."""
        if sort == "full_name":
            return repository.name
        pushed = repository.pushed(self.now)
        is_late = sort in ("updated", "pushed") and pushed
        return stamp(pushed[0] if is_late and pushed else repository.created)

    def _is_wanted(self, request: Request, run: Run) -> bool:
        if run.record.started_at >= self.seen_at(run.id):
            return False
        status, conclusion = self.outcome(run)
        asked = {
            "branch": (run.branch,), "head_sha": (run.sha,), "event": ("pull_request",),
            "status": (status, conclusion),
        }  # fmt: skip
        return all(
            request.one(name) in have for name, have in asked.items() if name in request.query
        ) and _is_within(request.one("created"), stamp(run.record.started_at))

    def outcome(self, run: Run) -> tuple[str, str | None]:
        """A run's status and, once it is over, its conclusion."""
        finished = run.record.finished_at or run.record.started_at
        is_over = finished < self.seen_at(run.id)
        return ("completed", run.record.conclusion) if is_over else ("in_progress", None)


def _limit_headers(resource: str, quota: _Quota) -> dict[str, str]:
    values = {f"X-RateLimit-{k.capitalize()}": str(v) for k, v in quota.values().items()}
    return {**values, "X-RateLimit-Resource": resource}


def _message(status: int, text: str) -> Response:
    body = {"message": text, "documentation_url": f"{WEB}/rest", "status": str(status)}
    return Response(body, status)


def _query(parameters: Mapping[str, list[str]]) -> str:
    return f"?{urlencode(parameters, doseq=True)}" if parameters else ""


def _whole(request: Request, name: str, default: int, most: int | None = None) -> int:
    """A number of 1 or more; one that is too large is made smaller without a word."""
    text = request.one(name, str(default))
    if not text.isdigit() or int(text) < 1:
        refusal = _message(422, "Validation Failed")
        refusal.body["errors"] = [{"field": name, "code": "invalid", "resource": "Query"}]
        raise Refusal(refusal)
    return min(int(text), most) if most else int(text)


def _moment(text: str) -> str:
    """A moment as all are written here. Raises Refusal."""
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        raise Refusal(_message(422, "The time is not ISO 8601.")) from None
    return stamp(value.astimezone(UTC) if value.tzinfo else value)


def _is_within(asked: str, started: str) -> bool:
    """Whether a moment is within what ``created`` says: a day, a moment, ``>=`` one, or a range.
    A day's end is its last second."""
    if not asked:
        return True
    if asked[0] in "<>":
        low, high = _span(asked.lstrip("<>="))
        if asked.startswith((">=", "<=")):
            return started >= low if asked[0] == ">" else started <= high
        return started > high if asked[0] == ">" else started < low
    first, dots, last = asked.partition("..")
    since = "" if first == "*" else _span(first)[0]
    until = "9999" if last == "*" else _span(last if dots else first)[1]
    return since <= started <= until


def _span(text: str) -> tuple[str, str]:
    """The first and the last moment of a day, or twice a moment."""
    start = _moment(text.replace(" ", "+"))
    return start, f"{text}T23:59:59Z" if len(text) == len("2026-01-01") else start
