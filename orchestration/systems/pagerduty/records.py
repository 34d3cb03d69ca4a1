"""PagerDuty's payloads as records of the streams."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from orchestration.systems._records import Moment, Payload, Refused, parse

if TYPE_CHECKING:
    from orchestration.systems.pagerduty import CustomFields

KINDS = {"acknowledge_log_entry": "acknowledge", "resolve_log_entry": "resolve"}
COMMON = frozenset({"type", "summary", "self", "html_url"})

# Incident → (first acknowledgement, last resolution).
Times = Mapping[str, tuple[datetime | None, datetime | None]]


class Reference(Payload):
    """Another object, named by its id."""

    id: str
    summary: str | None = None


class Service(Payload):
    """A service."""

    passed_over: ClassVar[frozenset[str]] = COMMON | {
        "description", "auto_resolve_timeout", "acknowledgement_timeout", "created_at", "status",
        "last_incident_timestamp", "teams", "escalation_policy", "incident_urgency_rule",
        "support_hours", "scheduled_actions", "alert_creation", "alert_grouping",
        "alert_grouping_timeout", "alert_grouping_parameters", "integrations", "addons",
        "response_play", "auto_pause_notifications_parameters",
    }  # fmt: skip

    id: str
    name: str


class LogEntry(Payload):
    """Something that happened to an incident."""

    passed_over: ClassVar[frozenset[str]] = COMMON - {"type"} | {
        "agent", "channel", "service", "teams", "contexts", "note", "event_details",
        "acknowledgement_timeout", "assignees", "user", "changed_actions", "escalation_policy",
    }  # fmt: skip

    id: str
    type: str
    created_at: Moment
    incident: Reference


class ResolveReason(Payload):
    """Why an incident is over: merged into another one."""

    type: str
    incident: Reference | None = None


class Incident(Payload):
    """An incident."""

    passed_over: ClassVar[frozenset[str]] = COMMON | {
        "incident_number", "title", "description", "updated_at", "incident_key", "assignments",
        "assigned_via", "last_status_change_at", "last_status_change_by",
        "first_trigger_log_entry", "alert_counts", "is_mergeable", "incident_type",
        "escalation_policy", "teams", "impacted_services", "pending_actions", "acknowledgements",
        "basic_alert_grouping", "alert_grouping", "incidents_responders", "responder_requests",
        "subscriber_requests", "conference_bridge", "body", "occurrence",
    }  # fmt: skip

    id: str
    status: Literal["triggered", "acknowledged", "resolved"]
    urgency: Literal["high", "low"]
    created_at: Moment
    resolved_at: Moment | None = None
    service: Reference
    priority: Reference | None = None
    resolve_reason: ResolveReason | None = None


class Began(Payload):
    """The custom field that says when an incident began."""

    opened_at: Moment | None = None


def service(payload: Any, services: Mapping[str, str], news: set[str]) -> dict[str, Any]:
    """A record of ``services``. Raises Refused."""
    read = parse(Service, payload, news)
    return {
        "pagerduty_service_id": read.id,
        "service_id": services.get(read.id, read.name),
        "service_name": read.name,
    }


def log_entry(payload: Any, news: set[str]) -> dict[str, Any] | None:
    """A record of ``log_entries``; None for what is neither taken on nor resolved by it.
    Raises Refused."""
    read = parse(LogEntry, payload, news)
    if read.type not in KINDS:
        return None
    return {
        "log_entry_id": read.id,
        "incident_id": read.incident.id,
        "kind": KINDS[read.type],
        "logged_at": read.created_at,
    }


def times(entries: Iterable[Mapping[str, Any]]) -> Times:
    """When each incident was first taken on and last resolved."""
    found: dict[str, tuple[datetime | None, datetime | None]] = {}
    for entry in sorted(entries, key=lambda e: (e["logged_at"], e["log_entry_id"])):
        first, last = found.get(entry["incident_id"], (None, None))
        if entry["kind"] == "acknowledge":
            first = first or entry["logged_at"]
        else:
            last = entry["logged_at"]
        found[entry["incident_id"]] = (first, last)
    return found


def incident(
    read: Incident,
    services: Mapping[str, str],
    times: Times,
    custom: Mapping[str, Any],
    names: "CustomFields",
) -> dict[str, Any]:
    """A record of ``incidents``. ``custom``: its custom fields, of which ``names`` says which is
    which. An incident that is open again is not resolved, whatever was logged. Raises Refused."""
    acknowledged_at, resolved_at = times.get(read.id, (None, None))
    if read.status == "resolved":
        # Resolved after the log was read: the next run has the entry.
        resolved_at = resolved_at or read.resolved_at
        if resolved_at is None:
            raise Refused("resolved, but nothing says when")
    began = parse(Began, {"opened_at": custom.get(names.opened_at or "") or None})
    cause = custom.get(names.caused_by_deployment_id or "")
    reason = read.resolve_reason
    return {
        "incident_id": read.id,
        "service_id": services.get(read.service.id, read.service.summary),
        "severity": (read.priority and read.priority.summary) or read.urgency,
        "status": read.status,
        "merged_into_incident_id": reason.incident.id if reason and reason.incident else None,
        "caused_by_deployment_id": str(cause) if cause else None,
        "opened_at": began.opened_at or read.created_at,
        "detected_at": read.created_at,
        "acknowledged_at": acknowledged_at,
        "resolved_at": resolved_at if read.status == "resolved" else None,
    }
