"""PagerDuty over real sockets: the lake ends up with the company's incidents, whatever happens."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestration.identity import Identity
from orchestration.lake import Lake, Outcome
from orchestration.simulation.records import Incident, Service
from orchestration.simulation.vendors._server import (
    FAULTS,
    FaultKind,
    Faults,
    Limit,
    Request,
    Response,
)
from orchestration.simulation.vendors.pagerduty import PagerDuty
from orchestration.systems._reading import Mark, Reading
from orchestration.systems.pagerduty import (
    ACCOUNT,
    INCIDENTS,
    LOG_ENTRIES,
    STREAMS,
    CustomFields,
    PagerDutySettings,
    check,
    extract,
)

START = datetime.fromisoformat("2026-01-01")
NOW = datetime.fromisoformat("2026-06-01")
SERVICES = [Service("payments-api"), Service("search-api")]


def incident(number: int, **changes: Any) -> Incident:
    """Six hours apart, detected 10 minutes in, taken on after 15, over after 70."""
    opened = START + timedelta(hours=6 * number)
    usual = Incident(
        incident_id=f"incident-{number}",
        opened_at=opened,
        service_id=SERVICES[number % 2].service_id,
        title="person-0001@example.com is paged",
        severity="sev2",
        detected_at=opened + timedelta(minutes=10),
        acknowledged_at=opened + timedelta(minutes=15),
        resolved_at=opened + timedelta(minutes=70),
    )
    return replace(usual, **changes)


class Desk:
    """A lake, a PagerDuty and somebody who reads the one into the other."""

    def __init__(self, home: Path) -> None:
        self.lake = Lake(home)
        self.lake.ensure(STREAMS)

    def read(self, server: PagerDuty, *, until: datetime | None = None, **changes: Any) -> Outcome:
        wanted: dict[str, Any] = {
            "base_url": server.url,
            "token": "pagerduty-token",
            "since": START.date(),
            "first_pause_seconds": 0.01,
            "custom_fields": CustomFields(
                opened_at="impact_started_at", caused_by_deployment_id="deployment"
            ),
        }
        settings = PagerDutySettings(**wanted | changes)
        moment = (until or server.now).replace(tzinfo=UTC)
        outcomes = extract(self.lake, Identity("salt"), settings, since=None, until=moment)
        (outcome,) = outcomes
        return outcome

    def incidents(self) -> list[dict[str, Any]]:
        rows = self.lake.current(INCIDENTS, ACCOUNT).to_pylist()
        return sorted(rows, key=lambda row: row["incident_id"])

    def batches(self) -> int:
        return sum(len(self.lake.batches(stream)) for stream in STREAMS)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture
def serve() -> Iterator[Callable[..., PagerDuty]]:
    servers: list[PagerDuty] = []

    def start(incidents: list[Incident], now: datetime = NOW, **changes: Any) -> PagerDuty:
        servers.append(PagerDuty(incidents, SERVICES, now, **changes).__enter__())
        return servers[-1]

    yield start
    for server in servers:
        server.__exit__(None, None, None)


def expected(server: PagerDuty, incidents: list[Incident]) -> list[dict[str, Any]]:
    """What the lake should hold of a company's incidents."""
    rows = [
        {
            "incident_id": server.staged_ids[("incident", i.incident_id)].split(":")[1],
            "service_id": i.service_id,
            "severity": i.severity,
            "status": "resolved" if i.resolved_at else "acknowledged",
            "merged_into_incident_id": None,
            "caused_by_deployment_id": i.caused_by_deployment_id,
            "opened_at": i.opened_at,
            "detected_at": i.detected_at,
            "acknowledged_at": i.acknowledged_at,
            "resolved_at": i.resolved_at,
        }
        for i in incidents
    ]
    return sorted(rows, key=lambda row: str(row["incident_id"]))


def test_every_incident_of_the_company_is_there_field_by_field(
    desk: Desk, serve: Callable[..., PagerDuty]
) -> None:
    """150 incidents over 37 days: two windows, pages of 100, one of them open."""
    company = [incident(n) for n in range(149)]
    company[7] = incident(7, caused_by_deployment_id="payments-4")
    company.append(incident(149, resolved_at=None))
    server = serve(company)
    outcome = desk.read(server)
    assert outcome.status == "landed", outcome.message
    assert desk.incidents() == expected(server, company)


def test_without_custom_fields_an_incident_begins_when_it_is_triggered(
    desk: Desk, serve: Callable[..., PagerDuty]
) -> None:
    server = serve([incident(0, caused_by_deployment_id="payments-4")])
    desk.read(server, custom_fields=CustomFields())
    (row,) = desk.incidents()
    assert row["opened_at"] == row["detected_at"] == START + timedelta(minutes=10)
    assert row["caused_by_deployment_id"] is None
    assert not [r for r in server.requests if "custom_fields" in r.path]


def test_a_second_run_asks_for_little_and_changes_nothing(
    desk: Desk, serve: Callable[..., PagerDuty]
) -> None:
    company = [incident(n) for n in range(20)]
    server = serve(company)
    desk.read(server)
    before, asked = desk.incidents(), len(server.requests)
    desk.read(server)
    assert desk.incidents() == before
    # Services, log entries of an hour, incidents of 30 days, open ones: none of them old.
    assert len(server.requests) - asked == 4


def test_an_incident_resolved_months_later_is_resolved(
    desk: Desk, serve: Callable[..., PagerDuty]
) -> None:
    late = START + timedelta(days=140)
    company = [incident(0, resolved_at=late), incident(500)]
    server = serve(company, START + timedelta(days=127))
    desk.read(server)
    assert [row["resolved_at"] for row in desk.incidents()] == [None, company[1].resolved_at]
    server.now = NOW
    desk.read(server)
    assert desk.incidents() == expected(server, company)


def test_a_busy_month_is_halved_until_a_list_can_be_read_to_its_end(
    desk: Desk, serve: Callable[..., PagerDuty]
) -> None:
    """10,400 log entries in 26 minutes and PagerDuty lets nobody read past 10,000."""
    company = []
    for number in range(5200):
        opened = START + timedelta(days=3, milliseconds=300 * number)
        opened = opened.replace(microsecond=0)
        company.append(
            incident(
                number,
                opened_at=opened,
                detected_at=opened,
                acknowledged_at=opened,
                resolved_at=opened + timedelta(seconds=1),
            )
        )
    server = serve(company)
    desk.read(server, custom_fields=CustomFields())
    assert len(desk.incidents()) == 5200
    assert desk.lake.current(LOG_ENTRIES, ACCOUNT).num_rows == 10400
    assert all(row["acknowledged_at"] and row["resolved_at"] for row in desk.incidents())


@pytest.mark.parametrize("kind", FAULTS)
def test_every_fault_ends_in_the_right_rows_or_a_clear_error_and_then_the_right_rows(
    kind: FaultKind, desk: Desk, serve: Callable[..., PagerDuty]
) -> None:
    company = [incident(n) for n in range(150)]
    faults = Faults(rate=0.15, kinds=(kind,), seed=4, stall_seconds=0.05)
    server = serve(company, faults=faults)
    outcomes = [desk.read(server) for _ in range(2)]
    assert faults.happened, "no fault happened"
    assert all("token" not in o.message and "@" not in o.message for o in outcomes)
    faults.rate = 0.0
    assert desk.read(server).status in ("landed", "unchanged")
    assert desk.incidents() == expected(server, company)


def test_a_wrong_token_is_one_line_and_lands_nothing(
    desk: Desk, serve: Callable[..., PagerDuty]
) -> None:
    server = serve([incident(0)])
    outcome = desk.read(server, token="wrong-secret")  # noqa: S106
    assert outcome.status == "failed"
    assert "the credential is not accepted" in outcome.message
    assert "wrong-secret" not in outcome.message
    assert desk.batches() == 0
    settings = PagerDutySettings(base_url=server.url, token="wrong-secret")  # noqa: S106
    assert [o.status for o in check(settings)] == ["failed"]


def test_the_limit_is_used_to_four_fifths_and_more(
    desk: Desk, serve: Callable[..., PagerDuty]
) -> None:
    """20 requests in half a second are allowed; 150 incidents with custom fields need 156."""
    company = [incident(n) for n in range(150)]
    server = serve(company, limit=Limit(20, 0.5))
    assert desk.read(server).status == "landed"
    assert desk.incidents() == expected(server, company)


def test_a_payload_that_does_not_fit_is_refused_without_its_words(
    desk: Desk, serve: Callable[..., PagerDuty], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve([incident(0), incident(1)])
    original = server._incident

    def spoiled(found: Incident) -> dict[str, Any]:
        payload = original(found)
        if found.incident_id == "incident-1":
            payload |= {"urgency": "panic", "secret_sauce": 1}
        return payload

    monkeypatch.setattr(server, "_incident", spoiled)
    outcome = desk.read(server)
    assert outcome.status == "warning"
    assert "urgency" in outcome.message and "secret_sauce" not in outcome.message
    assert len(desk.incidents()) == 1
    (refused,) = desk.lake.quarantine_folder(INCIDENTS).glob("*.jsonl")
    assert "person-0001" not in refused.read_text()
    # Still the same reader: the window is not asked for again. A mended one does.
    monkeypatch.undo()
    desk.read(server)
    assert len(desk.incidents()) == 1
    monkeypatch.setattr(Reading, "mark", _mended(Reading.mark))
    assert desk.read(server).status == "landed"
    assert len(desk.incidents()) == 2


def _mended(mark: Callable[..., Mark]) -> Callable[..., Mark]:
    def other(*arguments: Any) -> Mark:
        return replace(mark(*arguments), code="another")

    return other


@pytest.mark.parametrize(
    "torn",
    [{"offset": None}, {"offset": "x"}, {"more": ...}, {"total": "many"}, {"incidents": None},
     {"incidents": [None]}],
)  # fmt: skip
def test_list_of_another_form_is_one_line_and_not_the_end_of_the_run(
    torn: dict[str, Any], desk: Desk, serve: Callable[..., PagerDuty]
) -> None:
    server = serve([incident(n) for n in range(3)])
    right = server.answer

    def answer(request: Request) -> Response:
        response = right(request)
        if request.path == "/incidents":
            body = {**response.body, **torn}
            response.body = {name: value for name, value in body.items() if value is not ...}
        return response

    server.answer = answer  # type: ignore[method-assign]
    outcome = desk.read(server)
    assert outcome.status in ("failed", "warning")
    assert "\n" not in outcome.message and len(outcome.message) > 40
    server.answer = right  # type: ignore[method-assign]
    assert desk.read(server).status == "landed"
    assert len(desk.incidents()) == 3


def test_check_does_not_take_another_server_for_pagerduty(
    serve: Callable[..., PagerDuty],
) -> None:
    server = serve([])
    server.answer = lambda _: Response({"status": "ok"})  # type: ignore[method-assign]
    settings = PagerDutySettings(base_url=server.url, token="t")  # noqa: S106
    (outcome,) = check(settings)
    assert outcome.status == "failed"
    assert "the answer has no incidents" in outcome.message
