"""GitHub's API: GraphQL for everything with lists in it, REST for workflow runs."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import jwt

from orchestration.lake import Window
from orchestration.systems._http import (
    Absent,
    Answer,
    Api,
    ApiError,
    Denied,
    Unavailable,
    Unexpected,
    Verdict,
    standard,
    wait_seconds,
)

if TYPE_CHECKING:
    from orchestration.systems.github import App, GitHubSettings

HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
SECONDARY_WAIT_SECONDS = 60.0  # where the vendor says "slower" and not for how long
RENEWED_BEFORE = timedelta(minutes=5)
SILENT_AFTER = 8  # requests in a row without an answer, from any repository: it is down
LARGEST_PAGE = 50  # of what has lists in it; more runs into the vendor's 10 seconds
GOOD_PAGES = 10  # after so many a halved page is doubled again
LISTED = 100  # the most that GraphQL and REST give at once
MOST_RUNS = 1000  # that a filtered list of workflow runs gives, whatever it counts
DENIED_AFTER = 20  # repositories in a row whose list may not be read: no other is asked for it
DEFAULT_BRANCH = "defaultBranchRef"

# A field that may not be read → what the credential lacks.
PERMISSIONS = {
    "pullRequests": "Pull requests: read",
    **dict.fromkeys(("issues", "closingIssuesReferences"), "Issues: read"),
    "deployments": "Deployments: read",
    "releases": "Contents: read",
    DEFAULT_BRANCH: "Contents: read",
    **dict.fromkeys(("github", "root", "docs"), "Contents: read"),  # where CODEOWNERS may lie
    "samlIdentityProvider": "Administration of the organization: read (classic: admin:org)",
    "teams": "Members of the organization: read (classic: read:org)",
    "repositories": "Metadata: read",
    "repository": "Metadata: read",
}
LIMITED = ("RATE_LIMITED", "RATE_LIMIT")
DENIED = ("FORBIDDEN", "INSUFFICIENT_SCOPES")

Payload = Mapping[str, Any]


class TooHeavy(ApiError):
    """The question took the vendor too long; a smaller one may not."""


class LostPlace(ApiError):
    """A cursor that was kept means nothing any more."""


class Lacking(Denied):
    """The credential may not read one field of what was asked for."""

    def __init__(self, field_name: str) -> None:
        lacks = PERMISSIONS.get(field_name, "a permission for this")
        super().__init__(f"github: POST /graphql: the credential lacks {lacks}")
        self.field_name = field_name


@dataclass(frozen=True)
class Connection:
    """A list of a repository that is read a page at a time, oldest first by ``moment``.

    ``lists``: lists within a node, name → (arguments, selection); they are given whole."""

    name: str
    type: str
    moment: str
    arguments: str
    selection: str
    lists: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    variables: str = ""

    def query(self, selection: str | None = None) -> str:
        """The question for a page of it."""
        inner = self.node if selection is None else selection
        return (
            f"query($owner: String!, $name: String!, $first: Int!, $after: String{self.variables})"
            " { repository(owner: $owner, name: $name) { databaseId"
            f" {self.name}(first: $first, after: $after, {self.arguments})"
            f" {{ totalCount pageInfo {{ hasNextPage endCursor }} nodes {{ {inner} }} }} }} }}"
        )

    @property
    def node(self) -> str:
        """What is asked of one node."""
        lists = (_listed(name, "", *said) for name, said in self.lists.items())
        return f"id {self.selection} {' '.join(lists)}"

    def rest(self, name: str) -> str:
        """The question for more of one node's list."""
        more = _listed(name, "after: $after, ", *self.lists[name])
        return (
            "query($id: ID!, $after: String!)"
            f" {{ node(id: $id) {{ ... on {self.type} {{ id {more} }} }} }}"
        )

    def again(self) -> str:
        """The question for nodes by their ids."""
        return (
            f"query($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on {self.type} {{ {self.node} }} }} }}"
        )


def _listed(name: str, after: str, arguments: str, selection: str) -> str:
    return (
        f"{name}(first: {LISTED}, {after}{arguments})"
        f" {{ pageInfo {{ hasNextPage endCursor }} nodes {{ {selection} }} }}"
    )


ACTOR = "{ __typename login }"
COMMIT = (
    "oid message authoredDate committedDate additions deletions changedFilesIfAvailable"
    " author { name email user { login } } committer { name email }"
)
PULL_REQUESTS = Connection(
    "pullRequests", "PullRequest", "updatedAt", "orderBy: {field: UPDATED_AT, direction: ASC}",
    "fullDatabaseId number isDraft title body headRefName baseRefName"
    " createdAt updatedAt closedAt mergedAt"
    f" additions deletions changedFiles author {ACTOR} mergeCommit {{ {COMMIT} }}",
    {
        "labels": ("", "name"),
        "files": ("", "path"),
        "commits": ("", f"commit {{ {COMMIT} }}"),
        "reviews": (
            "",
            f"fullDatabaseId state submittedAt author {ACTOR} comments {{ totalCount }}",
        ),
        "closingIssuesReferences": ("", "fullDatabaseId"),
        "timelineItems": (
            "itemTypes: [READY_FOR_REVIEW_EVENT, CONVERT_TO_DRAFT_EVENT]",
            "__typename ... on ReadyForReviewEvent { createdAt }"
            " ... on ConvertToDraftEvent { createdAt }",
        ),
    },
)  # fmt: skip
# For a credential that may not read issues.
PULL_REQUESTS_ALONE = replace(
    PULL_REQUESTS,
    lists={n: said for n, said in PULL_REQUESTS.lists.items() if n != "closingIssuesReferences"},
)
ISSUES = Connection(
    "issues", "Issue", "updatedAt",
    "filterBy: {since: $since}, orderBy: {field: UPDATED_AT, direction: ASC}",
    "fullDatabaseId number createdAt updatedAt closedAt",
    {
        "labels": ("", "name"),
        "timelineItems": ("itemTypes: [REOPENED_EVENT]", "__typename"),
    },
    ", $since: DateTime!",
)  # fmt: skip
# Younger than the rest of the schema: a server of one's own may not have them.
ISSUE_TYPES = " issueType { name } parent { fullDatabaseId }"
DEPLOYMENTS = Connection(
    "deployments", "Deployment", "createdAt", "orderBy: {field: CREATED_AT, direction: ASC}",
    "databaseId commitOid createdAt environment originalEnvironment payload state",
    {"statuses": ("", "id state createdAt")},
)  # fmt: skip
RELEASES = Connection(
    "releases", "Release", "createdAt", "orderBy: {field: CREATED_AT, direction: ASC}",
    "databaseId createdAt publishedAt isDraft isPrerelease tagCommit { oid }",
)  # fmt: skip

NEWEST = (
    "{name}(first: 1, orderBy: {{field: {field}, direction: DESC}})"
    " {{ totalCount nodes {{ {moment} }} }}"
)
OWNERS = "".join(
    f' {alias}: object(expression: "HEAD:{folder}CODEOWNERS") {{ ... on Blob {{ text }} }}'
    for alias, folder in (("github", ".github/"), ("root", ""), ("docs", "docs/"))
)


@dataclass(frozen=True)
class Page:
    """A page of a connection. ``cursor``: after its last node; ``total``: of the whole list."""

    nodes: list[dict[str, Any]]
    cursor: str
    total: int


@dataclass(frozen=True)
class Place:
    """A repository, where questions name it."""

    repository_id: str
    name: str

    @property
    def variables(self) -> dict[str, Any]:
        """Its name as GraphQL wants it."""
        owner, _, name = self.name.partition("/")
        return {"owner": owner, "name": name}


class Client:
    """The questions that are asked, as raw payloads, a page at a time."""

    def __init__(self, settings: "GitHubSettings") -> None:
        base_url = settings.base_url.rstrip("/")
        pause = settings.first_pause_seconds
        self.api = Api(
            "github",
            base_url,
            authorize=_credential(settings, base_url),
            classify=self._classify,
            headers=HEADERS,
            first_pause_seconds=pause,
        )
        # A server of one's own has REST at /api/v3 and GraphQL at /api/graphql.
        self._graphql = base_url.removesuffix("/v3") + "/graphql"
        source = settings.deployments.source
        self._lists = ["pullRequests", "issues", *([] if source == "workflow_runs" else [source])]
        self._listing = [*self._lists, DEFAULT_BRANCH]  # what of it may be asked with others
        self._denied: Counter[str] = Counter()
        self._has_issue_types = True
        self._local = threading.local()
        self._silent = 0

    def limits(self) -> dict[str, tuple[int, int]]:
        """What is left of each limit, and the limit; asking costs nothing."""
        said = self._get("/rate_limit").get("resources") or {}
        return {
            name: (int(said[name]["remaining"]), int(said[name]["limit"]))
            for name in ("graphql", "core")
            if name in said
        }

    def organization_repositories(self, login: str) -> Iterator[Payload]:
        """An organization's own repositories, oldest first, each with what is newest in it. What
        may not be read is null, and some come twice: the second time without it."""
        while True:
            query = (
                "query($login: String!, $after: String) { organization(login: $login) {"
                f" repositories(first: {LISTED}, after: $after, ownerAffiliations: [OWNER],"
                " orderBy: {field: CREATED_AT, direction: ASC})"
                f" {{ pageInfo {{ hasNextPage endCursor }} nodes {{ {self._listed()} }} }} }} }}"
            )
            try:
                for found in self._all(query, {"login": login}, "organization", "repositories"):
                    yield {**self._unread(), **found}
            except Lacking as lacking:
                self._leave_out(lacking)
            else:
                return

    def repository(self, name: str) -> Payload:
        """One repository with what is newest in it; a former name finds it. What may not be read
        is null. Raises Absent."""
        query = (
            "query($owner: String!, $name: String!)"
            f" {{ repository(owner: $owner, name: $name) {{ {self._listed()} }} }}"
        )
        try:
            found = self.ask(query, Place("", name).variables).get("repository")
        except Lacking as lacking:
            self._leave_out(lacking)
            return self.repository(name)
        if not isinstance(found, dict):
            raise Absent(f"github: {name}: there is no such repository, or it may not be seen")
        return {**self._unread(), **found}

    def default_branch(self, place: Place) -> str:
        """Its name, from REST: that needs no more than Metadata."""
        return str(self._get(f"/repos/{quote(place.name)}")["default_branch"])

    def teams(self, login: str) -> Iterator[Payload]:
        """An organization's teams with the repositories they may work on."""
        inner = (
            "slug repositories(first: 100{after}) {{ pageInfo {{ hasNextPage endCursor }}"
            " edges {{ permission node {{ databaseId }} }} }}"
        )
        query = (
            "query($login: String!, $after: String) { organization(login: $login) {"
            " teams(first: 50, after: $after) { pageInfo { hasNextPage endCursor }"
            f" nodes {{ id {inner.format(after='')} }} }} }} }}"
        )
        rest = (
            "query($id: ID!, $after: String!) { node(id: $id)"
            f" {{ ... on Team {{ id {inner.format(after=', after: $after')} }} }} }}"
        )
        for team in self._all(query, {"login": login}, "organization", "teams"):
            page = team["repositories"]
            edges = list(page["edges"])
            while page["pageInfo"]["hasNextPage"]:
                more = {"id": team["id"], "after": page["pageInfo"]["endCursor"]}
                page = self.ask(rest, more)["node"]["repositories"]
                edges += page["edges"]
            yield {"slug": team["slug"], "repositories": edges}

    def linked_accounts(self, login: str) -> Iterator[Payload]:
        """Who is who, where the organization signs in through an identity provider."""
        said = "username emails { value primary }"
        query = (
            "query($login: String!, $after: String) { organization(login: $login) {"
            f" samlIdentityProvider {{ externalIdentities(first: {LISTED}, after: $after)"
            " { pageInfo { hasNextPage endCursor } nodes { user { login }"
            f" samlIdentity {{ nameId {said} }} scimIdentity {{ {said} }} }} }} }} }} }}"
        )
        path = ("organization", "samlIdentityProvider", "externalIdentities")
        yield from self._all(query, {"login": login}, *path)

    def owners_file(self, place: Place) -> str:
        """The text of CODEOWNERS where GitHub looks for it first; empty without one."""
        query = (
            "query($owner: String!, $name: String!)"
            f" {{ repository(owner: $owner, name: $name) {{ databaseId{OWNERS} }} }}"
        )
        found = self._of(place, self.ask(query, place.variables))
        texts = ((found.get(alias) or {}).get("text") for alias in ("github", "root", "docs"))
        return next((text for text in texts if text), "")

    def pages(
        self, connection: Connection, place: Place, after: str, **variables: Any
    ) -> Iterator[Page]:
        """Pages from a cursor on, or from the beginning, every list within a node whole. A page
        that is too much for the vendor is asked for in halves. Raises LostPlace."""
        first, good, cursors = LARGEST_PAGE, 0, {after}
        if connection is ISSUES and self._has_issue_types:
            connection = _with_types(connection)
        has_next = True
        while has_next:
            asked = {**place.variables, "first": first, "after": after or None, **variables}
            try:
                with self._size(first):
                    data = self._of_each(connection.name, connection.query(), asked)
            except TooHeavy:
                first, good = max(1, first // 2), 0
                continue
            except _UnknownField as unknown:
                if not self._has_issue_types or connection.name != "issues":
                    raise Unexpected(str(unknown)) from None
                self._has_issue_types, connection = False, ISSUES
                continue
            found = self._of(place, data)[connection.name]
            info, nodes = found["pageInfo"], [n for n in found["nodes"] if n is not None]
            has_next, cursor = info["hasNextPage"], info["endCursor"] or after
            if nodes and has_next and cursor in cursors:
                raise Unexpected(f"github: {place.name}: {connection.name}: gave a page twice")
            cursors.add(cursor)
            after = cursor
            yield Page([self._whole(connection, n) for n in nodes], after, found["totalCount"])
            good += 1
            if good >= GOOD_PAGES:
                first, good = min(LARGEST_PAGE, first * 2), 0

    def passed_over(self, connection: Connection, place: Place, since: str) -> tuple[str, int]:
        """The cursor before which everything is older than ``since``, and how many that are: 100 a
        question, as only their dates are asked for."""
        after, passed = "", 0
        while True:
            asked = {**place.variables, "first": LISTED, "after": after or None}
            data = self._of_each(connection.name, connection.query(connection.moment), asked)
            found = self._of(place, data)
            page = found[connection.name]
            moments = [node[connection.moment] for node in page["nodes"] if node is not None]
            if not moments or max(moments) >= since:
                return after, passed
            after, passed = page["pageInfo"]["endCursor"], passed + len(moments)
            if not page["pageInfo"]["hasNextPage"]:
                return after, passed

    def again(self, connection: Connection, ids: list[str]) -> Iterator[dict[str, Any]]:
        """Nodes by their ids; those that are gone are left out."""
        for at in range(0, len(ids), LARGEST_PAGE):
            some = ids[at : at + LARGEST_PAGE]
            try:
                found = self.ask(connection.again(), {"ids": some})["nodes"]
            except Absent:
                if len(some) == 1:
                    continue
                half = len(some) // 2
                yield from self.again(connection, some[:half])
                yield from self.again(connection, some[half:])
                continue
            yield from (self._whole(connection, node) for node in found if node)

    def runs(self, place: Place, window: Window) -> Iterator[tuple[Window, list[Any]]]:
        """Workflow runs by when they were asked for, in pieces that the vendor gives whole."""
        start, end = window.start, window.end
        assert start and end  # noqa: S101  (never without ends here)
        path = f"/repos/{quote(place.name)}/actions/runs"
        created = f"{_stamp(start)}..{_stamp(end - timedelta(seconds=1))}"
        asked = {"created": created, "per_page": LISTED}
        first = self._get(path, asked)
        if first["total_count"] > MOST_RUNS and end - start > timedelta(seconds=1):
            middle = (start + (end - start) / 2).replace(microsecond=0)
            yield from self.runs(place, Window(start, middle))
            yield from self.runs(place, Window(middle, end))
            return
        # The pages, and not the count, are what is kept: the count may be an estimate.
        runs: dict[Any, Any] = {}
        for answer in self.api.pages(path, asked, _next, lambda said: said["workflow_runs"]):
            runs |= {run["id"]: run for run in answer.json()["workflow_runs"]}
        yield window, list(runs.values())

    def may_read(self, place: Place) -> Iterator[str]:
        """What the credential lacks for reading a repository."""
        for name in self._lists:
            query = (
                "query($owner: String!, $name: String!) { repository(owner: $owner, "
                f"name: $name) {{ {name}(first: 1) {{ totalCount }} }} }}"
            )
            try:
                self.ask(query, place.variables)
            except (Denied, Absent) as error:
                yield str(error)
        try:
            self._get(f"/repos/{quote(place.name)}/actions/runs", {"per_page": 1})
        except (Denied, Absent):
            yield f"{place.name}: the credential lacks Actions: read"
        try:
            self.owners_file(place)
        except Denied as error:
            yield str(error)

    def ask(self, query: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        """The data that answers a GraphQL question."""
        answer = self._answered(
            lambda: self.api.post(self._graphql, {"query": query, "variables": variables})
        )
        data = answer.json().get("data")
        if not isinstance(data, dict):
            raise Unexpected("github: POST /graphql: the answer holds no data")
        return data

    def _of_each(self, name: str, query: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Asks for a list that every repository has, unless nobody's may be read: thousands of
        repositories would each cost a question to be told so."""
        if self._denied[name] >= DENIED_AFTER:
            raise Lacking(name)
        try:
            data = self.ask(query, variables)
        except Lacking:
            self._denied[name] += 1
            raise
        self._denied[name] = 0
        return data

    def _leave_out(self, lacking: Lacking) -> None:
        """Asks for repositories without what may not be read, from now on."""
        if lacking.field_name not in self._listing:
            raise lacking
        self._listing = [name for name in self._listing if name != lacking.field_name]

    def _unread(self) -> dict[str, Any]:
        return dict.fromkeys({*self._lists, DEFAULT_BRANCH} - {*self._listing})

    def _get(self, path: str, asked: Mapping[str, Any] | None = None) -> Any:
        said = self._answered(lambda: self.api.get(path, asked)).json()
        if not isinstance(said, dict):
            raise Unexpected(f"github: {path}: the answer has another form than documented")
        return said

    def _answered(self, ask: Callable[[], Answer]) -> Answer:
        """Asks, unless nothing has been answered for long: thousands of repositories would each
        try again for half a minute."""
        if self._silent >= SILENT_AFTER:
            raise Unavailable("github: it does not answer; not asked any more in this run")
        try:
            answer = ask()
        except Unavailable:
            self._silent += 1
            raise
        self._silent = 0
        return answer

    def _listed(self) -> str:
        fields = {"pullRequests": "updatedAt", "issues": "updatedAt"}
        newest = " ".join(
            NEWEST.format(
                name=name,
                field="UPDATED_AT" if name in fields else "CREATED_AT",
                moment=fields.get(name, "createdAt"),
            )
            for name in self._lists
            if name in self._listing
        )
        branch = f" {DEFAULT_BRANCH} {{ name }}" if DEFAULT_BRANCH in self._listing else ""
        return f"databaseId nameWithOwner isArchived createdAt pushedAt{branch} {newest}"

    def _all(self, query: str, asked: dict[str, Any], *path: str) -> Iterator[Payload]:
        after, seen = None, set()
        while True:
            found: Any = self.ask(query, {**asked, "after": after})
            try:
                for part in path:
                    found = found[part]
                    if found is None and part == "samlIdentityProvider":
                        return  # most organizations have none
                nodes = [node for node in found["nodes"] if node is not None]
                has_next, after = found["pageInfo"]["hasNextPage"], found["pageInfo"]["endCursor"]
            except (LookupError, TypeError):
                raise Unexpected(f"github: {path[-1]}: another form than documented") from None
            yield from nodes
            if not has_next:
                return
            if after in seen:
                raise Unexpected(f"github: {path[-1]}: gave a page twice")
            seen.add(after)

    def _of(self, place: Place, data: Mapping[str, Any]) -> dict[str, Any]:
        """The repository in an answer; that of another one is a mix-up on the way."""
        found = data.get("repository")
        if not isinstance(found, dict) or str(found.get("databaseId")) != place.repository_id:
            raise Unexpected(f"github: {place.name}: the answer is about something else")
        return found

    def _whole(self, connection: Connection, node: dict[str, Any]) -> dict[str, Any]:
        """The node with its lists as plain lists, all of each. The vendor gives nothing in the
        place of a list that is too long for it."""
        for name in connection.lists:
            page = node.get(name)
            if page is None:
                continue
            items: list[Any] = []
            while page is not None:
                items += [item for item in page["nodes"] if item is not None]
                if not page["pageInfo"]["hasNextPage"]:
                    break
                more = {"id": node["id"], "after": page["pageInfo"]["endCursor"]}
                page = (self.ask(connection.rest(name), more)["node"] or {}).get(name)
            node[name] = items
        return node

    def _size(self, first: int) -> "_Size":
        return _Size(self._local, first > 1)

    def _classify(self, answer: Answer) -> Verdict:
        can_be_halved = getattr(self._local, "can_be_halved", False)
        if answer.status in (502, 504) and can_be_halved:
            raise TooHeavy("github: a page took too long")
        if answer.status != 200 or not answer.path.endswith("/graphql"):
            return classify(answer)
        errors = _errors(answer)
        verdict = _graphql_verdict(answer, errors) if errors else standard(answer)
        if verdict.kind == "retry" and can_be_halved:
            raise TooHeavy("github: a page took too long")
        return verdict


class _UnknownField(ApiError):
    """The vendor's schema does not have a field that was asked for."""


@dataclass
class _Size:
    """Says while it lasts whether this thread's question could be a smaller one."""

    local: threading.local
    can_be_halved: bool

    def __enter__(self) -> None:
        self.local.can_be_halved = self.can_be_halved

    def __exit__(self, *_: object) -> None:
        self.local.can_be_halved = False


def classify(answer: Answer) -> Verdict:
    """What a REST answer means. A limit may come as 403, which without its signs is a missing
    permission and never tried again."""
    if answer.status in (403, 429):
        is_secondary = b"secondary rate limit" in answer.body.lower()
        is_spent = answer.headers.get("x-ratelimit-remaining") == "0"
        if answer.status == 429 or "retry-after" in answer.headers or is_spent or is_secondary:
            return _limited(answer)
        wanted = answer.headers.get("x-accepted-github-permissions", "")
        if "x-github-sso" in answer.headers:
            return Verdict("denied", "the token is not authorized for the organization's sign-on")
        if wanted:
            return Verdict("denied", f"the credential lacks {wanted}")
    if answer.status >= 500 and "retry-after" not in answer.headers:
        # Every answer says when the limit starts anew; a failure has nothing to do with it.
        return Verdict("retry", f"status {answer.status}")
    return standard(answer)


def _limited(answer: Answer) -> Verdict:
    seconds = wait_seconds(answer)
    if answer.headers.get("retry-after") is None and b"secondary" in answer.body.lower():
        seconds = SECONDARY_WAIT_SECONDS
    pause = SECONDARY_WAIT_SECONDS if seconds is None else seconds
    return Verdict("wait", "the rate limit is reached", pause)


def _errors(answer: Answer) -> list[Any]:
    if b'"errors"' not in answer.body:
        return []
    try:
        said = answer.json()
    except ValueError:
        return []
    errors = said.get("errors") if isinstance(said, dict) else None
    return errors if isinstance(errors, list) else []


def _graphql_verdict(answer: Answer, errors: list[Any]) -> Verdict:
    """What errors in an answer of status 200 mean. Data beside them is not used: a hole in it
    looks like nothing being there."""
    first = next((e for e in errors if isinstance(e, dict)), {})
    kind = str(first.get("type") or "")
    code = str((first.get("extensions") or {}).get("code") or "")
    path = [str(part) for part in first.get("path") or ()]
    if kind in LIMITED or code in LIMITED:
        return _limited(answer)
    if kind in DENIED:
        raise Lacking(next((part for part in reversed(path) if part in PERMISSIONS), ""))
    if kind == "NOT_FOUND":
        return Verdict("absent", "there is no such thing, or the credential may not see it")
    if kind == "INVALID_CURSOR_ARGUMENTS":
        raise LostPlace("github: a cursor is not accepted any more")
    if code == "undefinedField" or kind == "undefinedField":
        raise _UnknownField("github: POST /graphql: its schema lacks a field that is read")
    if kind or code or "locations" in first and not path:
        return Verdict("fatal", f"the question was refused ({kind or code or 'not valid'})")
    return Verdict("retry", "it could not answer (an error without a kind)")


def _next(answer: Answer) -> tuple[str, None] | None:
    link = answer.link("next")
    return (link, None) if link else None


def _with_types(issues: Connection) -> Connection:
    return replace(issues, selection=issues.selection + ISSUE_TYPES)


def _credential(settings: "GitHubSettings", base_url: str) -> Callable[[], Mapping[str, str]]:
    if settings.app is not None:
        return _Installation(settings.app, base_url, settings.first_pause_seconds)
    token = settings.token
    return lambda: {"Authorization": f"Bearer {token}"}


class _Installation:
    """An app's installation: a token that lasts an hour, fetched anew before it ends."""

    def __init__(self, app: "App", base_url: str, first_pause_seconds: float) -> None:
        self._app = app
        self._api = Api(
            "github", base_url, authorize=self._signed, classify=classify, headers=HEADERS,
            first_pause_seconds=first_pause_seconds,
        )  # fmt: skip
        self._lock = threading.Lock()
        self._token = ""
        self._ends_at = datetime.fromtimestamp(0, UTC)

    def __call__(self) -> Mapping[str, str]:
        with self._lock:
            if datetime.now(UTC) >= self._ends_at - RENEWED_BEFORE:
                path = f"/app/installations/{self._app.installation_id}/access_tokens"
                said = self._api.post(path, {}).json()
                self._token = said["token"]
                self._ends_at = datetime.fromisoformat(said["expires_at"])
            return {"Authorization": f"Bearer {self._token}"}

    def _signed(self) -> Mapping[str, str]:
        now = int(time.time())
        claims = {"iat": now - 60, "exp": now + 540, "iss": str(self._app.id)}
        try:
            # An environment variable often holds its line ends spelt out.
            key = self._app.private_key.replace("\\n", "\n")
            signed = jwt.encode(claims, key, algorithm="RS256")
        except (ValueError, TypeError, jwt.PyJWTError):
            raise Denied("github: app.private_key is not an RSA key in PEM form") from None
        return {"Authorization": f"Bearer {signed}"}


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
