"""PagerDuty's REST API v2 over a company's incidents.

Checked against the published OpenAPI: parameters and their values, required headers, the month
that is the default and the six that are the most, offset + limit ≤ 10,000.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from orchestration.simulation.records import Incident, Service
from orchestration.simulation.vendors._server import (
    Faults,
    Limit,
    Refusal,
    Request,
    Response,
    Vendor,
    moment,
)

DEFAULT_PAGE, LARGEST_PAGE, FURTHEST = 25, 100, 10_000
DEFAULT_RANGE, LONGEST_RANGE = timedelta(days=30), timedelta(days=184)
STATUSES = ("triggered", "acknowledged", "resolved")
PAGING = {"limit", "offset", "total"}
IN_TIME = PAGING | {"since", "until", "time_zone", "include[]", "team_ids[]"}
PARAMETERS = {
    "incidents": IN_TIME | {
        "date_range", "incident_key", "service_ids[]", "user_ids[]", "urgencies[]", "statuses[]",
        "sort_by",
    },
    "log_entries": IN_TIME | {"is_overview"},
    "services": PAGING | {"query", "team_ids[]", "time_zone", "sort_by", "include[]", "name"},
}  # fmt: skip
EVER = (datetime(1970, 1, 1), datetime(9999, 1, 1))  # noqa: DTZ001  (UTC, as all moments here)
FIELDS = ("impact_started_at", "deployment")  # the account's custom fields


class PagerDuty(Vendor):
    """An account. ``deployments`` names a company's deployment as its incidents' custom field
    does; incidents without a service are none of PagerDuty's."""

    routes = (
        ("GET", r"/incidents", "incidents"),
        ("GET", r"/incidents/(\w+)", "incident"),
        ("GET", r"/incidents/(\w+)/custom_fields/values", "custom_fields"),
        ("GET", r"/log_entries", "log_entries"),
        ("GET", r"/services", "services"),
    )

    def __init__(
        self,
        incidents: Sequence[Incident],
        services: Sequence[Service],
        now: datetime,
        *,
        token: str = "pagerduty-token",  # noqa: S107  (nobody's)
        deployments: Mapping[str, str] | None = None,
        faults: Faults | None = None,
        limit: Limit | None = None,
        delay_seconds: float = 0.0,
    ) -> None:
        super().__init__(now, faults=faults, limit=limit, delay_seconds=delay_seconds)
        self.token = token
        self._deployments = {} if deployments is None else deployments  # may be filled later
        kept = [i for i in incidents if i.service_id]
        self._incidents = sorted(kept, key=lambda i: (_triggered(i), i.incident_id))
        numbered = enumerate(self._incidents, start=1)
        self._numbers = {i.incident_id: n for n, i in numbered}
        self._by_id = {f"Q{n:06d}": i for n, i in enumerate(self._incidents, start=1)}
        self._services = {s.service_id: f"P{n:05d}" for n, s in enumerate(services, start=1)}
        self.staged_ids = {
            ("incident", i.incident_id): f"pagerduty:{self._id(i)}" for i in self._incidents
        }

    def admit(self, request: Request) -> None:
        """A token, and the headers that the vendor requires of every request."""
        if request.headers.get("authorization") != f"Token token={self.token}":
            raise Refusal(self.denied())
        if "application/vnd.pagerduty+json;version=2" not in request.headers.get("accept", ""):
            raise Refusal(_error(406, 2100, "Accept header is required"))
        if request.headers.get("content-type") != "application/json":
            raise Refusal(_error(400, 2100, "Content-Type header is required"))

    def limited(self, seconds: float) -> Response:
        """429; the reset is in seconds from now."""
        response = _error(429, 2020, "Rate Limit Exceeded")
        response.headers = self.limit_headers(0, seconds)
        return response

    def denied(self) -> Response:
        """401."""
        return _error(401, 2006, "Unauthorized")

    def limit_headers(self, left: int, reset: float) -> dict[str, str]:
        """The limit, what is left, and the seconds until it is whole."""
        limit = self.limit.requests if self.limit else 960
        values = {"limit": limit, "remaining": left, "reset": f"{reset:.2f}"}
        return {f"ratelimit-{name}": str(value) for name, value in values.items()}

    def emptied(self, response: Response) -> Response:
        """A page that holds nothing, and says that there is more."""
        if response.status != 200 or "more" not in response.body:
            return response
        rows = {k: [] if isinstance(v, list) else v for k, v in response.body.items()}
        return Response(rows, 200, response.headers)

    def incidents(self, request: Request) -> Response:
        """The list, by creation."""
        self.admit(request)
        start, end = self._range(request, "incidents")
        statuses = request.query.get("statuses[]", list(STATUSES))
        if set(statuses) - set(STATUSES):
            raise Refusal(_error(400, 2001, "statuses[] has an unknown value"))
        rows = [
            i
            for i in self._incidents
            if start <= _triggered(i) < min(end, self.now) and self._status(i) in statuses
        ]
        if request.one("sort_by", "created_at:asc") != "created_at:asc":
            rows.reverse()
        return _page(request, "incidents", rows, self._incident)

    def incident(self, request: Request, incident_id: str) -> Response:
        """One incident."""
        self.admit(request)
        return Response({"incident": self._incident(self._found(incident_id))})

    def custom_fields(self, request: Request, incident_id: str) -> Response:
        """The values of both custom fields, null where nobody filled them in."""
        self.admit(request)
        found = self._found(incident_id)
        cause = found.caused_by_deployment_id
        values = (
            moment(found.opened_at) if found.opened_at != _triggered(found) else None,
            self._deployments.get(cause, cause) if cause else None,
        )
        fields = [
            {
                "id": f"F{number}", "name": name, "type": "field_value", "display_name": name,
                "description": None, "field_type": "single_value",
                "data_type": "datetime" if name.endswith("_at") else "string", "value": value,
            }
            for number, (name, value) in enumerate(zip(FIELDS, values, strict=True), start=1)
        ]  # fmt: skip
        return Response({"custom_fields": fields})

    def log_entries(self, request: Request) -> Response:
        """What happened, newest first, notifications only where no overview was asked for."""
        self.admit(request)
        start, end = self._range(request, "log_entries")
        is_overview = request.one("is_overview", "false") == "true"
        rows = [
            (at, kind, i)
            for i in self._incidents
            for at, kind in _happened(i, is_overview)
            if start <= at < min(end, self.now)
        ]
        rows.sort(key=lambda row: (row[0], row[1], row[2].incident_id), reverse=True)
        return _page(request, "log_entries", rows, self._log_entry)

    def services(self, request: Request) -> Response:
        """All services, by name."""
        self.admit(request)
        _known(request, "services")
        rows = sorted(self._services.items())
        return _page(request, "services", rows, lambda row: _service(row[1], row[0]))

    def _found(self, incident_id: str) -> Incident:
        found = self._by_id.get(incident_id)
        if found is None or _triggered(found) >= self.now:
            raise Refusal(_error(404, 2100, "Not Found"))
        return found

    def _range(self, request: Request, name: str) -> tuple[datetime, datetime]:
        _known(request, name)
        if request.one("date_range") == "all":
            return EVER
        end = _moment(request.one("until")) or self.now
        start = _moment(request.one("since")) or end - DEFAULT_RANGE
        if end - start > LONGEST_RANGE:
            raise Refusal(_error(400, 2001, "the time range may not exceed 6 months"))
        return start, end

    def _id(self, incident: Incident) -> str:
        return f"Q{self._numbers[incident.incident_id]:06d}"

    def _status(self, incident: Incident) -> str:
        if incident.resolved_at and incident.resolved_at < self.now:
            return "resolved"
        if incident.acknowledged_at and incident.acknowledged_at < self.now:
            return "acknowledged"
        return "triggered"

    def _incident(self, incident: Incident) -> dict[str, Any]:
        status, own = self._status(incident), self._id(incident)
        over_at = incident.resolved_at if status == "resolved" else None
        changed_at = moment(over_at or _triggered(incident))
        return {
            "id": own,
            "type": "incident",
            "summary": f"[#{self._numbers[incident.incident_id]}] {incident.title}",
            "self": f"/incidents/{own}",
            "html_url": None,
            "incident_number": self._numbers[incident.incident_id],
            "title": incident.title or "",
            "created_at": moment(_triggered(incident)),
            "updated_at": changed_at,
            "status": status,
            "incident_key": own.lower(),
            "service": self._reference(incident),
            "assignments": [],
            "assigned_via": "escalation_policy",
            "last_status_change_at": changed_at,
            "resolved_at": moment(over_at) if over_at else None,
            "alert_counts": {"all": 1, "triggered": 0, "resolved": 1},
            "is_mergeable": True,
            "teams": [],
            "pending_actions": [],
            "acknowledgements": [],
            "priority": {"id": "P1", "type": "priority", "summary": incident.severity}
            if incident.severity
            else None,
            "resolve_reason": None,
            "urgency": "high" if incident.severity in ("sev1", "sev2") else "low",
        }

    def _log_entry(self, row: tuple[datetime, str, Incident]) -> dict[str, Any]:
        at, kind, incident = row
        own = self._id(incident)
        return {
            "id": f"R{kind[:2].upper()}{own}",
            "type": f"{kind}_log_entry",
            "summary": f"{kind} by somebody",
            "self": None,
            "html_url": None,
            "created_at": moment(at),
            "agent": {"id": "PUSER", "type": "user_reference", "summary": "Somebody"},
            "channel": {"type": "web_ui"},
            "service": self._reference(incident),
            "incident": {"id": own, "type": "incident_reference", "summary": incident.title},
            "teams": [],
            "contexts": [],
        }

    def _reference(self, incident: Incident) -> dict[str, Any]:
        name = incident.service_id or ""
        return {"id": self._services.get(name, "P0"), "type": "service_reference", "summary": name}


def _service(own: str, name: str) -> dict[str, Any]:
    return {
        "id": own, "name": name, "description": None, "status": "active", "teams": [],
        "type": "service", "summary": name, "created_at": "2020-01-01T00:00:00Z",
        "self": f"/services/{own}", "html_url": None,
        "alert_creation": "create_alerts_and_incidents",
    }  # fmt: skip


def _triggered(incident: Incident) -> datetime:
    """PagerDuty knows of it from when it was told."""
    return incident.detected_at or incident.opened_at


def _happened(incident: Incident, is_overview: bool) -> list[tuple[datetime, str]]:
    kinds = [
        ("trigger", _triggered(incident)),
        ("notify", None if is_overview else _triggered(incident)),
        ("acknowledge", incident.acknowledged_at),
        ("resolve", incident.resolved_at),
    ]
    return [(at, kind) for kind, at in kinds if at]


def _known(request: Request, name: str) -> None:
    unknown = request.query.keys() - PARAMETERS[name]
    if unknown:
        raise Refusal(_error(400, 2001, f"unknown parameter {min(unknown)}"))


def _page(
    request: Request, name: str, rows: Sequence[Any], write: Callable[[Any], dict[str, Any]]
) -> Response:
    try:
        limit = min(int(request.one("limit", str(DEFAULT_PAGE))), LARGEST_PAGE)
        offset = int(request.one("offset", "0"))
    except ValueError:
        raise Refusal(_error(400, 2001, "limit and offset must be numbers")) from None
    if limit < 1 or offset < 0 or offset + limit > FURTHEST:
        raise Refusal(_error(400, 2001, "offset plus limit may not exceed 10000"))
    held = [write(row) for row in rows[offset : offset + limit]]
    more = len(rows) > offset + limit
    total = len(rows) if request.one("total") == "true" else None
    return Response({name: held, "limit": limit, "offset": offset, "total": total, "more": more})


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None) if text else None
    except ValueError:
        raise Refusal(_error(400, 2001, "not a time")) from None


def _error(status: int, code: int, message: str) -> Response:
    return Response({"error": {"message": message, "code": code, "errors": [message]}}, status)
