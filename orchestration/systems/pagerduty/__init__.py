"""PagerDuty: incidents, and when somebody took them on and when they were resolved.

Data flow: ``GET /log_entries`` by time, ``GET /incidents`` by creation and all that are open →
one record per incident, with its first acknowledgement and last resolution →
``lake/pagerduty/<stream>``, one scope: the account.
Run standalone: ``python -m orchestration.systems.pagerduty --config valuemaxx.yml``.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from orchestration.identity import Identity
from orchestration.lake import WHOLE, Field, Lake, Outcome, Stream
from orchestration.systems._http import ApiError
from orchestration.systems._reading import ApiSettings, Landing, Reading, Telling, first_day
from orchestration.systems._records import parse
from orchestration.systems.pagerduty import client, records

SERVICES = Stream(
    "pagerduty", "services", "a service", ("pagerduty_service_id",), "keyed",
    (
        Field("pagerduty_service_id", "string", "PagerDuty's own id of it"),
        Field("service_id", "string", "The service as the rest of the company calls it"),
        Field("service_name", "string", "Its name in PagerDuty"),
    ),
)  # fmt: skip

LOG_ENTRIES = Stream(
    "pagerduty", "log_entries", "an acknowledgement or resolution", ("log_entry_id",), "keyed",
    (
        Field("log_entry_id", "string", "PagerDuty's id"),
        Field("incident_id", "string", "The incident"),
        Field("kind", "string", "acknowledge or resolve"),
        Field("logged_at", "timestamp", "When it happened"),
    ),
    dated_by="logged_at",
)  # fmt: skip

INCIDENTS = Stream(
    "pagerduty", "incidents", "an incident", ("incident_id",), "keyed",
    (
        Field("incident_id", "string", "PagerDuty's id"),
        Field("service_id", "string", "The service that suffered, as the company calls it"),
        Field("severity", "string", "Its priority; where none is set, its urgency"),
        Field("status", "string", "triggered, acknowledged or resolved"),
        Field("merged_into_incident_id", "string", "The incident that it was merged into"),
        Field("caused_by_deployment_id", "string", "The deployment that a custom field names"),
        Field("opened_at", "timestamp",
              "When it began, as a custom field says; else when it was triggered"),
        Field("detected_at", "timestamp", "When it was triggered"),
        Field("acknowledged_at", "timestamp", "When somebody first took it on"),
        Field("resolved_at", "timestamp", "When it was last resolved; null while it is open"),
    ),
    dated_by="detected_at",
)  # fmt: skip

STREAMS = (SERVICES, LOG_ENTRIES, INCIDENTS)

ACCOUNT = "account"  # the one scope: a key is an account's
LATE_ENTRIES = timedelta(hours=1)
CHANGES_FOR = timedelta(days=30)  # of a closed incident: reopened, merged, another priority
LONGEST = timedelta(days=30)  # the vendor allows six months, and no more than 10,000 records


class CustomFields(BaseModel, extra="forbid"):
    """Names of custom fields that say what PagerDuty has no field for. Reading them costs one
    request per incident."""

    opened_at: str | None = None
    caused_by_deployment_id: str | None = None


class PagerDutySettings(ApiSettings):
    """``systems.pagerduty``. ``services``: PagerDuty's service id → the company's; without an
    entry a service is known by its name."""

    base_url: str = "https://api.pagerduty.com"
    token: str
    services: dict[str, str] = {}
    custom_fields: CustomFields = CustomFields()


def extract(
    lake: Lake,
    identity: Identity,
    settings: PagerDutySettings,
    *,
    since: date | None,
    until: datetime,
    full_refresh: bool = False,
    forget_missing: bool = False,
) -> Iterator[Outcome]:
    """Reads what is new, what may still have changed and what is open; one outcome."""
    reading = Reading(
        "pagerduty", lake, identity, Path(__file__).parent,
        first_day(settings, since, until), until, full_refresh, forget_missing,
        rules=settings.model_dump_json(include={"services", "custom_fields"}),
    )  # fmt: skip
    account = _Account(reading, settings, client.Client(settings))
    yield reading.scope(ACCOUNT, services=account.services, incidents=account.history)


def check(settings: PagerDutySettings) -> Iterator[Outcome]:
    """Whether the token is accepted and may read incidents."""
    try:
        client.Client(settings).probe()
    except ApiError as error:
        yield Outcome("pagerduty", ACCOUNT, "failed", str(error))
    else:
        yield Outcome("pagerduty", ACCOUNT, "unchanged", "the token may read incidents")


@dataclass
class _Account:
    """One account's reading. ``names``: PagerDuty's service id → the company's."""

    reading: Reading
    settings: PagerDutySettings
    client: client.Client
    names: dict[str, str] = field(default_factory=dict)

    def services(self, telling: Telling) -> None:
        """All services: they are few, and change their names."""
        with telling.landing(WHOLE, SERVICES) as landing:
            for page in self.client.services():
                for payload in page:
                    with landing.reading(SERVICES, payload, "services"):
                        record = records.service(payload, self.settings.services, telling.news)
                        self.names[record["pagerduty_service_id"]] = record["service_id"]
                        landing.add(SERVICES, record)

    def history(self, telling: Telling) -> None:
        """The log first: an incident is told with its times, or not at all."""
        self.log_entries(telling)
        self.incidents(telling)

    def log_entries(self, telling: Telling) -> None:
        """Acknowledgements and resolutions, as they happen."""
        due = self.reading.stretches(LOG_ENTRIES, ACCOUNT, LATE_ENTRIES, LONGEST)
        for window in due:
            with telling.landing(window, LOG_ENTRIES) as landing:
                for page in self.client.log_entries(window):
                    for payload in page:
                        with landing.reading(LOG_ENTRIES, payload, "log_entries"):
                            record = records.log_entry(payload, telling.news)
                            if record is not None:
                                landing.add(LOG_ENTRIES, record)

    def incidents(self, telling: Telling) -> None:
        """By creation; then those that are open, here or there: they change whenever they do."""
        times = records.times(self.reading.lake.current(LOG_ENTRIES, ACCOUNT).to_pylist())
        seen: set[str] = set()
        due = [*self.reading.stretches(INCIDENTS, ACCOUNT, CHANGES_FOR, LONGEST)]
        for window in due:
            with telling.landing(window, INCIDENTS) as landing:
                pages = [self.client.incidents(window)]
                if window is due[-1]:
                    pages += [self.client.open_incidents(), self._still_open(seen)]
                for page in (page for group in pages for page in group):
                    for payload in page:
                        self._add(telling, landing, payload, times, seen)

    def _still_open(self, seen: set[str]) -> Iterator[list[Any]]:
        """Those that the lake has open and no list has shown: resolved since, long after."""
        columns = ["incident_id", "status"]
        for row in self.reading.lake.current(INCIDENTS, ACCOUNT, columns).to_pylist():
            if row["status"] != "resolved" and row["incident_id"] not in seen:
                yield [self.client.incident(row["incident_id"])]

    def _add(
        self,
        telling: Telling,
        landing: Landing,
        payload: Any,
        times: records.Times,
        seen: set[str],
    ) -> None:
        fields = self.settings.custom_fields
        with landing.reading(INCIDENTS, payload, "incidents"):
            read = parse(records.Incident, payload, telling.news)
            seen.add(read.id)
            custom: dict[str, Any] = {}
            if fields.opened_at or fields.caused_by_deployment_id:
                custom = self.client.custom_fields(read.id)
            record = records.incident(read, self.names, times, custom, fields)
            landing.add(INCIDENTS, record)
