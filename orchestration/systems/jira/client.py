"""Jira Cloud's REST API v3: searches paged by token, change logs in bulk."""

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from orchestration.systems._http import (
    PAGES,
    Answer,
    Api,
    Unexpected,
    Verdict,
    standard,
    wait_seconds,
)

if TYPE_CHECKING:
    from orchestration.systems.jira import JiraSettings

ISSUES_A_PAGE = 100  # more than this Jira gives for ids alone
IDS_A_PAGE = 5000
ISSUES_A_FETCH = 100
PROJECTS_A_PAGE = 50
CHANGE_LOGS = 1000  # issues that a change log request may name
CHANGES_A_PAGE = 10_000
EMPTY_PAGES = 100  # one after the other; what may not be seen leaves some
# JQL knows minutes, and calls an hour that happens twice by one name: whichever of the two Jira
# takes it for, a window that is wider by this holds all of its own.
SLACK = timedelta(hours=2)
SLACK_WITHOUT_ZONE = timedelta(hours=14)  # no place on earth is further from UTC
# A project's key as Jira makes them: anything else of its words is not shown.
UNSEEN_PROJECT = re.compile(rb"value '([A-Z][A-Z0-9_]*)' does not exist for the field 'project'")
REASON = re.compile(r"[a-z-]{1,40}")
BROWSE = 'the permission "Browse projects"'


class Client:
    """The endpoints that are read. ``zone``: the one that JQL's times are read in, the user's."""

    def __init__(self, settings: "JiraSettings") -> None:
        login = base64.b64encode(f"{settings.email}:{settings.token}".encode()).decode()
        self.api = Api(
            "jira",
            settings.base_url,
            authorize=lambda: {"Authorization": f"Basic {login}"},
            classify=classify,
            headers={"Accept": "application/json"},
            first_pause_seconds=settings.first_pause_seconds,
        )
        self.zone: ZoneInfo | None = None

    def meet(self) -> None:
        """Asks who we are, for the time zone. Jira answers a wrong credential elsewhere as if
        nobody had asked: this says so."""
        said = self.api.get("/rest/api/3/myself").json()
        try:
            self.zone = ZoneInfo(str(said["timeZone"]))
        except (KeyError, TypeError, ValueError, OSError):
            self.zone = None

    def projects(self) -> Iterator[list[Any]]:
        """The projects that the user may see and that are not archived."""

        def following(answer: Answer) -> tuple[str, dict[str, Any]] | None:
            said = answer.json()
            start = int(said.get("startAt") or 0) + len(said["values"])
            is_last = said.get("isLast", not said["values"])
            return None if is_last else (path, asked | {"startAt": start})

        path = "/rest/api/3/project/search"
        asked = {"startAt": 0, "maxResults": PROJECTS_A_PAGE, "orderBy": "key"}
        for answer in self.api.pages(path, asked, following, lambda said: said["values"]):
            yield _rows(answer.json()["values"], path)

    def statuses(self) -> list[Any]:
        """The statuses of all workflows in use."""
        return self._list("/rest/api/3/status")

    def field_ids(self, names: Iterable[str]) -> dict[str, str]:
        """The ids of fields by name or id. Raises Unexpected for one that is not there."""
        wanted = set(names)
        if not wanted:
            return {}
        there = [(str(f.get("id")), str(f.get("name"))) for f in self._list("/rest/api/3/field")]
        found: dict[str, str] = {}
        for name in sorted(wanted):
            ids = [i for i, _ in there if i == name] or [i for i, n in there if n == name]
            if not ids:
                raise Unexpected(f"jira: no field has the name or id {name!r}; mend its spelling")
            if len(ids) > 1:
                raise Unexpected(
                    f"jira: {len(ids)} fields are called {name!r}; give one by id: {', '.join(ids)}"
                )
            found[name] = ids[0]
        return found

    def since(self, moment: datetime) -> str:
        """JQL for what was changed at or after a moment, and a little before it."""
        return f'updated >= "{self._text(moment, -1)}"'

    def before(self, moment: datetime) -> str:
        """JQL for what was changed before a moment, and a little after it."""
        return f'updated < "{self._text(moment, 1)}"'

    def search(self, jql: str, fields: list[str]) -> Iterator[list[Any]]:
        """Issues. By creation: what changes meanwhile keeps its place."""
        asked = {"jql": _ordered(jql), "fields": fields, "maxResults": ISSUES_A_PAGE}
        yield from self._pages("/rest/api/3/search/jql", asked, "issues")

    def keys(self, jql: str) -> dict[str, str]:
        """The key of every issue that a question finds, by id."""
        asked = {"jql": _ordered(jql), "fields": ["key"], "maxResults": IDS_A_PAGE}
        pages = self._pages("/rest/api/3/search/jql", asked, "issues")
        try:
            return {str(issue["id"]): str(issue["key"]) for page in pages for issue in page}
        except (KeyError, TypeError):
            raise Unexpected("jira: /rest/api/3/search/jql: an issue without id or key") from None

    def count(self, jql: str) -> int:
        """About how many issues a question finds."""
        said = self.api.post("/rest/api/3/search/approximate-count", {"jql": jql}).json()
        count = said.get("count") if isinstance(said, dict) else None
        if not isinstance(count, int):
            raise Unexpected("jira: /rest/api/3/search/approximate-count: gave no count")
        return count

    def issues(self, ids: list[str], fields: list[str]) -> Iterator[list[Any]]:
        """Issues by id, past the index of searches. One that is gone, or that the user may not
        see, is left out."""
        path = "/rest/api/3/issue/bulkfetch"
        for asked in _parts(ids, ISSUES_A_FETCH):
            said = self.api.post(path, {"issueIdsOrKeys": asked, "fields": fields}).json()
            issues = _rows(said.get("issues") if isinstance(said, dict) else None, path)
            if said.get("issueErrors"):
                raise Unexpected(f"jira: {path}: could not give every issue; the next run asks")
            yield issues

    def change_logs(self, ids: list[str]) -> Iterator[list[Any]]:
        """The change logs of issues; an issue's may stand on several pages. Not of the status
        alone: what else changed at once says whether somebody moved it."""
        for asked in _parts(ids, CHANGE_LOGS):
            body = {"issueIdsOrKeys": asked, "maxResults": CHANGES_A_PAGE}
            yield from self._pages("/rest/api/3/changelog/bulkfetch", body, "issueChangeLogs")

    def _list(self, path: str) -> list[Any]:
        return _rows(self.api.get(path).json(), path)

    def _pages(self, path: str, asked: Mapping[str, Any], name: str) -> Iterator[list[Any]]:
        """The pages of a list. A page may be short or empty and not the last one: only a page
        without a token is. A token or a page that comes again raises Unexpected."""
        tokens: set[str] = set()
        token, before, empty = "", "", 0
        while True:
            said = self.api.post(path, {**asked, "nextPageToken": token} if token else asked).json()
            held = said.get(name) if isinstance(said, dict) else None
            if held is None and isinstance(said, dict) and said.keys() <= {"isLast"}:
                held = []  # nothing at all to say
            held = _rows(held, path)
            seen = json.dumps(held, default=str)
            empty = 0 if held else empty + 1
            if (held and seen == before) or empty > EMPTY_PAGES:
                raise Unexpected(f"jira: {path}: gave a page twice; nothing of it kept")
            yield held
            before, token = seen, said.get("nextPageToken") or ""
            if not token and said.get("isLast") is False:
                raise Unexpected(f"jira: {path}: says there is more, but not how to get it")
            if not token:
                return
            if token in tokens or len(tokens) >= PAGES:
                raise Unexpected(f"jira: {path}: its pages have no end; nothing of it kept")
            tokens.add(token)

    def _text(self, moment: datetime, direction: int) -> str:
        slack = SLACK if self.zone else SLACK_WITHOUT_ZONE
        widened = moment + direction * slack
        local = widened.astimezone(self.zone) if self.zone else widened
        return local.strftime("%Y-%m-%d %H:%M")


def classify(answer: Answer) -> Verdict:
    """Jira says 400 for a project that may not be seen, and may say 200 to a login that failed."""
    login = answer.headers.get("x-seraph-loginreason", "").upper()
    if answer.status == 401 or "FAILED" in login or "DENIED" in login:
        return Verdict(
            "denied", "the e-mail address or API token is not accepted (wrong, expired or revoked)"
        )
    if answer.status == 403:
        return Verdict(
            "denied", f"the user may not read this; it needs access to Jira and {BROWSE}"
        )
    if answer.status == 400:
        unseen = UNSEEN_PROJECT.search(answer.body)
        if unseen:
            key = unseen.group(1).decode()
            return Verdict(
                "denied", f"project {key} does not exist, or the user lacks {BROWSE} there"
            )
        return Verdict("fatal", "status 400: it does not understand the question")
    if answer.status == 429:
        reason = answer.headers.get("ratelimit-reason", "")
        told = f" ({reason})" if REASON.fullmatch(reason) else ""
        return Verdict("wait", f"the rate limit is reached{told}", wait_seconds(answer))
    if answer.status == 200 and b'"errorMessages"' in answer.body[:64]:
        return Verdict("retry", "status 200, but the body is an error")
    return standard(answer)


def _rows(held: Any, path: str) -> list[Any]:
    """What a page holds: objects. Raises Unexpected."""
    if not isinstance(held, list) or not all(isinstance(each, dict) for each in held):
        raise Unexpected(f"jira: {path}: gave no list of objects where one is documented")
    return held


def _ordered(jql: str) -> str:
    return f"{jql} ORDER BY created ASC, key ASC"


def _parts(ids: list[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]
