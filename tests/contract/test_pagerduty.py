"""PagerDuty's client against PagerDuty's published specification."""

from typing import Any

import pytest

from orchestration.systems import pagerduty as system
from orchestration.systems.pagerduty import INCIDENTS, SERVICES, PagerDutySettings

pytestmark = pytest.mark.contract


def last_page(exchange: Any, body: Any) -> Any:
    """The specification's example, as the one page that there is; the incident in it is open."""
    for incident in body.get("incidents", []):
        incident |= {"status": "triggered", "resolved_at": None}
    return ended(exchange, body)


def no_lists(exchange: Any, body: Any) -> Any:
    """Lists without a record."""
    empty = {name: [] for name in ("incidents", "log_entries") if name in body}
    return ended(exchange, body | empty)


def ended(exchange: Any, body: Any) -> Any:
    """The specification fills ``total`` where it is asked for; its examples forget it."""
    if "more" in body:
        count = len(body[exchange.path.strip("/")])
        total = count if ("total", "true") in exchange.query else None
        body |= {"more": False, "total": total}
    return body


def settings(front: Any) -> PagerDutySettings:
    return PagerDutySettings(
        base_url=front.url, token="any", first_pause_seconds=0.01,  # noqa: S106
        custom_fields={"opened_at": "began_at"},
    )  # fmt: skip


def test_every_request_is_valid_and_every_answer_lands(pagerduty: Any, read: Any) -> None:
    pagerduty.amend = last_page
    (outcome,) = read(system, settings(pagerduty))
    assert pagerduty.complaints == []
    assert outcome.status == "landed", outcome.message
    assert read.refused() == []
    assert read.rows(SERVICES) and read.rows(INCIDENTS)
    asked = {each.path for each in pagerduty.exchanges}
    assert {"/services", "/log_entries", "/incidents"} < asked
    assert any(path.endswith("/custom_fields/values") for path in asked)


def test_an_incident_resolved_since_is_asked_for_by_its_id(pagerduty: Any, read: Any) -> None:
    pagerduty.amend = last_page
    read(system, settings(pagerduty))
    pagerduty.amend = no_lists
    (outcome,) = read(system, settings(pagerduty))
    assert pagerduty.complaints == []
    assert len(pagerduty.asked(r"^/incidents/\w+$")) == 1
    assert outcome.status != "failed", outcome.message
    assert read.refused() == []


def test_the_check_asks_what_the_specification_has(pagerduty: Any) -> None:
    (outcome,) = system.check(settings(pagerduty))
    assert (outcome.status, pagerduty.complaints) == ("unchanged", [])
