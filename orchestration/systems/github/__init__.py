"""GitHub: pull requests with commits and reviews, deployments, issues, workflow runs, owners.

Data flow: a list of repositories with what is newest in each → for those where something is new,
GraphQL for lists read forward, REST for workflow runs → ``lake/github/<stream>``, one scope per
repository, by its id.
Run standalone: ``python -m orchestration.systems.github --config valuemaxx.yml``.
"""

import fnmatch
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import pyarrow as pa
from pydantic import BaseModel, Field, model_validator

from orchestration.identity import Identity
from orchestration.lake import WHOLE, Lake, Outcome
from orchestration.systems._http import Absent, ApiError, Denied
from orchestration.systems._reading import ApiSettings, Reading, Telling, first_day
from orchestration.systems._records import Refused
from orchestration.systems.github import client, records
from orchestration.systems.github.reading import RepositoryReading, Run
from orchestration.systems.github.streams import (
    DEPLOYMENTS,
    IDENTITIES,
    ISSUES,
    REPOSITORIES,
    SERVICES,
)
from orchestration.systems.github.streams import STREAMS as STREAMS

LIST = "repositories"  # the scope of the list of them
NONE_SEEN = "none of its repositories may be seen; give the credential access to them"
PROBED = 3  # repositories of an organization that a check looks into
NAME = re.compile(r"[\w.-]+/[\w.-]+")
LOGIN = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"


class App(BaseModel, extra="forbid"):
    """A GitHub App's installation. ``private_key``: the PEM text."""

    id: int | str
    installation_id: int
    private_key: str


class Deployments(BaseModel, extra="forbid"):
    """What a deployment is: GitHub's own, or workflow runs whose name or file ``workflow`` finds,
    or published releases; the latter two go to ``environment``."""

    source: Literal["deployments", "workflow_runs", "releases"] = Field(
        default="deployments", alias="from"
    )
    workflow: str | None = None
    environment: str = "production"

    @model_validator(mode="after")
    def _has_a_pattern(self) -> "Deployments":
        if (self.source == "workflow_runs") != (self.workflow is not None):
            raise ValueError("from: workflow_runs and workflow: (a pattern) go together")
        try:
            re.compile(self.workflow or "")
        except re.error:
            raise ValueError("workflow is not a regular expression") from None
        return self


class GitHubSettings(ApiSettings):
    """``systems.github``. ``services``: repository → the service it is deployed as; ``teams``: a
    team's slug → the company's id of it; ``exclude``: shell-style patterns of names;
    ``branches``: those of the branches that make up the main line, by default each repository's
    default branch; ``issue_types``: label → the type it stands for, where GitHub knows none."""

    base_url: str = "https://api.github.com"
    organization: Annotated[str, Field(pattern=LOGIN)] | None = None
    repositories: list[str] = []
    exclude: list[str] = []
    branches: list[str] = []
    token: str | None = None
    app: App | None = None
    services: dict[str, str] = {}
    teams: dict[str, str] = {}
    deployments: Deployments = Deployments()
    incident_labels: list[str] = ["incident"]
    severity_label: str = "severity:"
    escaped_defect_labels: list[str] = []
    issue_types: dict[str, str] = {"bug": "bug"}

    @model_validator(mode="after")
    def _is_whole(self) -> "GitHubSettings":
        if (self.token is None) == (self.app is None):
            raise ValueError("give token or app, one of them")
        if not (self.organization or self.repositories):
            raise ValueError("give organization or repositories")
        for name in self.repositories:
            if not NAME.fullmatch(name):
                raise ValueError("repositories are named owner/name")
        return self


def extract(
    lake: Lake,
    identity: Identity,
    settings: GitHubSettings,
    *,
    since: date | None,
    until: datetime,
    full_refresh: bool = False,
    forget_missing: bool = False,
) -> Iterator[Outcome]:
    """Reads every repository in which something is new; one outcome per repository, and one for
    the organization."""
    reading = Reading(
        "github", lake, identity, Path(__file__).parent,
        first_day(settings, since, until), until, full_refresh, forget_missing,
    )  # fmt: skip
    api, reader = client.Client(settings), records.Reader(identity, settings)
    account = _Account(reading, settings, api, reader)
    yield from account.repositories()
    yield from account.organization()
    run = Run(reading, settings, api, reader, account.teams, frozenset(account.known))
    for stream in STREAMS:
        reading.before(stream, LIST)  # read once, before there are several threads
    listed = sorted(account.listed.values(), key=lambda each: each.name)
    for _, outcome in api.api.map(lambda each: RepositoryReading(run, each).read(), listed):
        yield outcome


def check(settings: GitHubSettings) -> Iterator[Outcome]:
    """Whether the credential is accepted, what is left of its limits, and what it lacks for which
    repository. Of an organization a few repositories are looked into."""
    api = client.Client(settings)
    try:
        left = ", ".join(f"{left:,} of {of:,} {name}" for name, (left, of) in api.limits().items())
    except Absent:
        left = "no limit"
    except ApiError as error:
        yield Outcome("github", "credential", "failed", str(error))
        return
    yield Outcome("github", "credential", "unchanged", f"accepted; left of its limits: {left}")
    names: list[str | Any] = list(settings.repositories)
    if settings.organization:
        try:
            for payload in api.organization_repositories(settings.organization):
                names.append(payload)
                if len(names) - len(settings.repositories) >= PROBED:
                    break
            if len(names) == len(settings.repositories):
                yield Outcome("github", settings.organization, "warning", NONE_SEEN)
        except ApiError as error:
            yield Outcome("github", settings.organization, "failed", str(error))
    for each in names:
        try:
            found = records.repository(api.repository(each) if isinstance(each, str) else each)
            lacks = [*api.may_read(client.Place(found.repository_id, found.name))]
        except (ApiError, Refused) as error:
            yield Outcome("github", str(each) if isinstance(each, str) else "?", "failed",
                          str(error))  # fmt: skip
            continue
        yield Outcome(
            "github", found.name, "failed" if lacks else "unchanged",
            "; ".join(dict.fromkeys(lacks)) or "may be read",
        )  # fmt: skip


class _Account:
    """What the credential can see: the repositories, their teams, who is who."""

    def __init__(
        self, reading: Reading, settings: GitHubSettings, api: client.Client, reader: records.Reader
    ) -> None:
        self._reading, self._settings = reading, settings
        self._client, self._reader = api, reader
        self._before = {
            str(row["repository_id"]): row
            for row in reading.lake.current(REPOSITORIES, LIST).to_pylist()
        }
        self._names = {key: str(row["repository"]) for key, row in self._before.items()}
        self.known = set(self._names)
        self.teams: dict[str, str] = {}
        self.listed: dict[str, records.Repository] = {}

    def repositories(self) -> Iterator[Outcome]:
        """Lists the repositories; follows those that were renamed; tells of those that are gone."""
        is_whole = True
        for name, payloads in self._lists():
            is_empty = True
            try:
                for payload in payloads:
                    self._take(payload)
                    is_empty = False
                if is_empty:  # rather a credential without access than an organization without any
                    is_whole = False
                    yield Outcome("github", name, "warning", NONE_SEEN)
            except Absent as error:
                if name not in self._names.values():
                    is_whole = False
                    yield Outcome("github", name, "failed", str(error))
            except (ApiError, Refused) as error:
                is_whole = False
                yield Outcome("github", name, "failed", str(error))
        for repository in self.listed.values():
            before = self._names.get(repository.repository_id, repository.name)
            if before != repository.name:
                self._rename(repository, before)
        self._land_list()
        if is_whole:
            yield from self._missing()

    def organization(self) -> Iterator[Outcome]:
        """The organization's teams and linked accounts. What may not be read is remarked."""
        login = self._settings.organization
        if login and self.listed:
            yield self._reading.scope(
                login, teams=lambda told: self._read_teams(login, told),
                identities=lambda told: self._read_identities(login, told),
            )  # fmt: skip

    def _lists(self) -> Iterator[tuple[str, Iterable[Any]]]:
        login = self._settings.organization
        if login:
            yield login, self._client.organization_repositories(login)
        for name in self._settings.repositories:
            yield name, _one(self._client, name)

    def _take(self, payload: Any) -> None:
        repository = records.repository(payload)
        short = repository.name.partition("/")[2]
        patterns = self._settings.exclude
        if not any(fnmatch.fnmatchcase(n, p) for p in patterns for n in (repository.name, short)):
            self.listed[repository.repository_id] = repository

    def _land_list(self) -> None:
        """Before they are read: a repository in the list is one whose batches count."""
        rows = [repository.record for repository in self.listed.values()]
        self._write([row for row in rows if row != self._before.get(row["repository_id"])])

    def _write(self, rows: Sequence[records.Record], is_deleted: bool = False) -> None:
        if rows:
            fingerprint = str(self._reading.mark(REPOSITORIES))
            with self._reading.lake.writing(REPOSITORIES, LIST, WHOLE, fingerprint) as batch:
                batch.append_records(rows, is_deleted)

    def _rename(self, repository: records.Repository, before: str) -> None:
        """Writes the new name into what was landed under the old one; nothing is read again."""
        lake = self._reading.lake
        for stream in STREAMS:
            if stream is REPOSITORIES or "repository" not in stream.schema.names:
                continue
            rows = lake.current(stream, repository.repository_id)
            if not rows.num_rows:
                continue
            table = _named(rows, "repository", repository.name)
            if stream in (DEPLOYMENTS, ISSUES):  # a service may be called after the repository
                table = _named(table, "service_id", repository.name, before)
            fingerprint = str(self._reading.mark(stream))
            with lake.writing(stream, repository.repository_id, WHOLE, fingerprint) as batch:
                if stream is SERVICES:  # its key holds the name; it is made anew
                    batch.append(rows, is_deleted=True)
                else:
                    batch.append(table)

    def _missing(self) -> Iterator[Outcome]:
        """Repositories that the lake has and the credential no longer sees, or nobody asks for."""
        for repository_id in sorted(self.known - self.listed.keys(), key=self._names.__getitem__):
            name = self._names[repository_id]
            if not self._reading.forget_missing:
                told = "deleted, hidden or no longer asked for; what it gave stays"
                yield Outcome("github", name, "missing", f"{told} (--forget-missing drops it)")
                continue
            for stream in STREAMS:
                scope = repository_id
                rows = self._reading.lake.current(stream, scope)
                if rows.num_rows:
                    self._reading.lake.write_changes(stream, scope, rows.slice(0, 0))
            # Last of all: until then the next run would drop the rest.
            self._write([self._before[repository_id]], is_deleted=True)
            yield Outcome("github", name, "landed", "deleted, hidden or not asked for; forgotten")

    def _read_teams(self, login: str, telling: Telling) -> None:
        """Repository → the team that administers it; of several the one that sorts first."""
        try:
            teams = sorted(self._client.teams(login), key=lambda team: str(team["slug"]))
        except Denied as denied:
            telling.remarks.append(f"teams: {denied}")
            return
        for team in teams:
            for edge in team["repositories"]:
                if edge and edge["permission"] == "ADMIN" and edge["node"]:
                    self.teams.setdefault(str(edge["node"]["databaseId"]), str(team["slug"]))

    def _read_identities(self, login: str, telling: Telling) -> None:
        try:
            found = [self._reader.identity(p) for p in self._client.linked_accounts(login)]
        except Denied as denied:
            telling.remarks.append(f"identities: {denied}")
            return
        before = {
            row["handle_id"]: row["person_id"]
            for row in self._reading.lake.current(IDENTITIES, login).to_pylist()
        }
        rows = [r for r in found if r and before.get(r["handle_id"]) != r["person_id"]]
        if rows:
            with telling.landing(WHOLE, IDENTITIES) as landing:
                for row in rows:
                    landing.add(IDENTITIES, row)


def _one(api: client.Client, name: str) -> Iterator[Any]:
    yield api.repository(name)


def _named(table: pa.Table, column: str, name: str, only: str | None = None) -> pa.Table:
    """The table with a name in a column, where it was ``only``, or everywhere."""
    values = [name if only in (None, v) else v for v in table[column].to_pylist()]
    place = table.schema.get_field_index(column)
    return table.set_column(place, column, pa.array(values, pa.string()))
