"""Jira's payloads as records of the streams. Titles, texts and people are never looked at."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from pydantic import Field

from orchestration.systems._records import Moment, Payload, Refused, parse

DONE = "done"
BUG = "bug"
WORKFLOW = ("Workflow", "jira")  # not a field that issues have: it has no id
PLAIN = ("string", "value", "name", "title", "key")  # where a field's value keeps its word


class Project(Payload):
    """A project. Its name and lead are not read."""

    passed_over: ClassVar[frozenset[str]] = frozenset({
        "expand", "self", "name", "description", "lead", "components", "issueTypes", "url",
        "email", "assigneeType", "versions", "roles", "avatarUrls", "projectCategory",
        "projectTypeKey", "simplified", "style", "favourite", "isPrivate", "issueTypeHierarchy",
        "permissions", "properties", "uuid", "insight", "deleted", "retentionTillDate",
        "deletedDate", "deletedBy", "archived", "archivedDate", "archivedBy", "landingPageInfo",
        "entityId",
    })  # fmt: skip

    id: str
    key: str


class StatusCategory(Payload):
    """What kind of status it is: ``new``, ``indeterminate`` (in progress), ``done``."""

    key: str


class Status(Payload):
    """A status of a workflow."""

    id: str
    category: StatusCategory = Field(alias="statusCategory")


class IssueType(Payload):
    """A type of issue; level 1 is an epic, -1 a sub-task, whatever they are called."""

    name: str
    level: int | None = Field(default=None, alias="hierarchyLevel")


class Reference(Payload):
    """Another object, named by its id."""

    id: str
    key: str | None = None


class Fields(Payload):
    """The fields that every issue has. The company's own are looked up by their ids."""

    project: Reference
    type: IssueType = Field(alias="issuetype")
    status: Status
    created: Moment
    updated: Moment
    resolved: Moment | None = Field(default=None, alias="resolutiondate")
    status_changed: Moment | None = Field(default=None, alias="statuscategorychangedate")
    parent: Reference | None = None
    labels: list[str] = []


class Issue(Payload):
    """An issue."""

    passed_over: ClassVar[frozenset[str]] = frozenset({
        "expand", "self", "changelog", "editmeta", "names", "operations", "properties",
        "renderedFields", "schema", "transitions", "versionedRepresentations", "fieldsToInclude",
    })  # fmt: skip

    id: str
    key: str
    fields: Fields


class Item(Payload):
    """What a change did to the status."""

    source: str | None = Field(default=None, alias="from")
    target: str | None = Field(default=None, alias="to")


class History(Payload):
    """A change of an issue. Its moment is a number of milliseconds, or a text."""

    id: str
    created: Moment
    items: list[dict[str, Any]]  # of any field, and its texts: only the status is looked into


@dataclass(frozen=True)
class Move:
    """A change of status, by the statuses' ids. ``is_mapped``: it came with another workflow, as
    when an administrator puts one in another's place or an issue goes to another project: the
    old status stands for the new one, and nobody did anything."""

    moved_at: datetime
    number: int  # orders moves of one moment
    source: str | None
    target: str | None
    is_mapped: bool = False


@dataclass(frozen=True)
class Policy:
    """What the configuration says of an issue, its fields by id. ``categories``: status id → kind;
    ``escaped_values`` in lower case."""

    categories: Mapping[str, str]
    started: frozenset[str]
    issue_types: Mapping[str, str]
    teams: Mapping[str, str]
    team_field: str | None = None
    service_field: str | None = None
    work_type_field: str | None = None
    work_type_prefix: str | None = None
    escaped_labels: frozenset[str] = frozenset()
    escaped_field: str | None = None
    escaped_values: frozenset[str] = frozenset()
    severity_field: str | None = None
    caused_by_field: str | None = None
    incident_service_field: str | None = None

    @property
    def fields(self) -> list[str]:
        """Ids of the fields to ask for."""
        own = (
            self.team_field, self.service_field, self.work_type_field, self.escaped_field,
            self.severity_field, self.caused_by_field, self.incident_service_field,
        )  # fmt: skip
        read = [f.alias or name for name, f in Fields.model_fields.items()]
        return [*read, *sorted({name for name in own if name} - set(read))]


@dataclass(frozen=True)
class Life:
    """What an issue went through. ``unknown``: statuses that no workflow has any more."""

    started_at: datetime | None
    done_at: datetime | None
    reopened_count: int
    unknown: frozenset[str]


def project(payload: Any, teams: Mapping[str, str], news: set[str]) -> dict[str, Any]:
    """A record of ``projects``. Raises Refused."""
    read = parse(Project, payload, news)
    return {"project_id": read.id, "project_key": read.key, "team_id": teams.get(read.key)}


def categories(payloads: Iterable[Any]) -> dict[str, str]:
    """The kind of each status, by its id. Raises Refused."""
    read = [parse(Status, payload) for payload in payloads]
    return {status.id: status.category.key for status in read}


def moves(payload: Any) -> Iterator[Move]:
    """The changes of status in a part of an issue's change log. Raises Refused."""
    if not isinstance(payload, Mapping) or not isinstance(payload.get("changeHistories"), list):
        raise Refused("changeHistories: not a list")
    for entry in payload["changeHistories"]:
        history = parse(History, entry)
        number = int(history.id) if history.id.isdigit() else 0
        is_mapped = any(
            (item.get("field"), item.get("fieldtype")) == WORKFLOW for item in history.items
        )
        for item in history.items:
            if item.get("fieldId") == "status":
                change = parse(Item, item)
                yield Move(history.created, number, change.source, change.target, is_mapped)


def life(created: datetime, status: Status, moves: Iterable[Move], policy: Policy) -> Life:
    """What an issue went through, from its moves. One that was created in a started status began
    when it was created. A move that only maps statuses neither begins nor reopens anything."""
    ordered = sorted(moves, key=lambda m: (m.moved_at, m.number))
    kinds = {**policy.categories, status.id: status.category.key}
    first = ordered[0].source if ordered else status.id
    started_at = created if kinds.get(first or "") in policy.started else None
    done_at = created if kinds.get(first or "") == DONE else None
    reopened, unknown = 0, set()
    for move in ordered:
        source, target = kinds.get(move.source or ""), kinds.get(move.target or "")
        if target is None:
            unknown.add(move.target or "")
        elif target in policy.started and not move.is_mapped:
            started_at = started_at or move.moved_at
        if target == DONE != source:
            done_at = move.moved_at
        if source == DONE and target not in (DONE, None) and not move.is_mapped:
            reopened += 1
    is_done = status.category.key == DONE
    return Life(started_at, done_at if is_done else None, reopened, frozenset(unknown))


def issue(
    payload: Any, moves: Iterable[Move], policy: Policy, news: set[str]
) -> tuple[dict[str, Any], Life]:
    """A record of ``issues``, and its life. Raises Refused."""
    read = parse(Issue, payload, news)
    fields, own = read.fields, payload["fields"]
    lived = life(fields.created, fields.status, moves, policy)
    name = fields.type.name.strip().lower()
    issue_type = policy.issue_types.get(name, name)
    record = {
        "issue_id": read.id,
        "issue_key": read.key,
        "project_id": fields.project.id,
        "project_key": fields.project.key,
        "issue_type": issue_type,
        "hierarchy_level": fields.type.level,
        "status_category": fields.status.category.key,
        "team_id": _team(fields, own, policy),
        "service_id": _word(own, policy.service_field),
        "parent_issue_id": fields.parent.id if fields.parent else None,
        "labels": ";".join(label.replace(";", ",") for label in fields.labels) or None,
        "work_type": _work_type(fields, own, policy),
        "reopened_count": lived.reopened_count,
        "is_escaped_defect": _is_escaped(fields, own, policy) if issue_type == BUG else None,
        "created_at": fields.created,
        "started_at": lived.started_at,
        "resolved_at": _resolved_at(fields, lived),
        "updated_at": fields.updated,
    }
    return record, lived


def incident(
    payload: Any, moves: Iterable[Move], policy: Policy, news: set[str]
) -> tuple[dict[str, Any], Life]:
    """A record of ``incidents``, and its life: taken on when work on it began. Raises Refused."""
    read = parse(Issue, payload, news)
    fields, own = read.fields, payload["fields"]
    lived = life(fields.created, fields.status, moves, policy)
    record = {
        "incident_id": read.id,
        "incident_key": read.key,
        "service_id": _word(own, policy.incident_service_field),
        "severity": _word(own, policy.severity_field),
        "caused_by_deployment_id": _word(own, policy.caused_by_field),
        "opened_at": fields.created,
        "acknowledged_at": lived.started_at,
        "resolved_at": _resolved_at(fields, lived),
        "updated_at": fields.updated,
    }
    return record, lived


def words(value: Any) -> list[str]:
    """What a field says, whatever its kind: a text, a number, an option, or a list of them.
    Options hold their word as ``value``, components and teams as ``name``."""
    if isinstance(value, list):
        return [word for each in value for word in words(each)]
    if isinstance(value, Mapping):
        return next((words(value[name]) for name in PLAIN if value.get(name)), [])
    text = "" if value is None or isinstance(value, bool) else str(value).strip()
    return [text] if text else []


def _resolved_at(fields: Fields, lived: Life) -> datetime | None:
    """When it was resolved; where a workflow sets no resolution, when it was last done."""
    resolved_at = fields.resolved
    if resolved_at is None and fields.status.category.key == DONE:
        resolved_at = lived.done_at or fields.status_changed
    if resolved_at is not None and resolved_at < fields.created:
        raise Refused("resolved before it was created")
    return resolved_at


def _word(own: Mapping[str, Any], name: str | None) -> str | None:
    """The first word of a field."""
    return next(iter(words(own.get(name))), None) if name else None


def _team(fields: Fields, own: Mapping[str, Any], policy: Policy) -> str | None:
    return _word(own, policy.team_field) or policy.teams.get(fields.project.key or "")


def _work_type(fields: Fields, own: Mapping[str, Any], policy: Policy) -> str | None:
    prefix = policy.work_type_prefix
    if prefix is None:
        return _word(own, policy.work_type_field)
    found = (label.removeprefix(prefix) for label in fields.labels if label.startswith(prefix))
    return next((word for word in found if word), None)


def _is_escaped(fields: Fields, own: Mapping[str, Any], policy: Policy) -> bool | None:
    """Whether a bug was found in production: by a label, or by a field. A field that nobody
    filled in says nothing; without one, the label that is not there says no."""
    if policy.escaped_labels & {label.lower() for label in fields.labels}:
        return True
    if policy.escaped_field is None:
        return False if policy.escaped_labels else None
    said = words(own.get(policy.escaped_field))
    return any(word.lower() in policy.escaped_values for word in said) if said else None
