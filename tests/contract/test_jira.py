"""Jira's client against the requests of a library that is made from Atlassian's specification.

The answers are ours, in the forms that the library declares; only the requests are tested.
"""

from typing import Any

import pytest

from orchestration.systems import jira as system
from orchestration.systems.jira import INCIDENTS, ISSUES, JiraSettings

pytestmark = pytest.mark.contract

CREATED = "2026-03-02T09:00:00.000+0000"
DONE_AT = 1_772_528_400_000  # 2026-03-03 09:00 UTC, in milliseconds
STATUSES = {"1": "new", "3": "indeterminate", "5": "done"}


def settings(front: Any) -> JiraSettings:
    return JiraSettings(
        base_url=front.url, email="person-0001@example.com", token="any",  # noqa: S106
        first_pause_seconds=0.01, incidents={"jql": "type = Incident"}, team_field="Team",
    )  # fmt: skip


def issue(number: int) -> dict[str, Any]:
    return {
        "id": str(10_000 + number),
        "key": f"PAY-{number}",
        "fields": {
            "project": {"id": "1", "key": "PAY"},
            "issuetype": {"name": "Story", "hierarchyLevel": 0},
            "status": {"id": "5", "statusCategory": {"key": "done"}},
            "created": CREATED,
            "updated": CREATED,
            "resolutiondate": CREATED,
            "labels": [],
            "components": [{"name": "payments"}],
            "priority": {"name": "High"},
            "customfield_1": None,
        },
    }


def search(exchange: Any) -> dict[str, Any]:
    """Two pages of one issue each."""
    if "nextPageToken" in exchange.json():
        return {"issues": [issue(2)]}
    return {"issues": [issue(1)], "nextPageToken": "second"}


def change_logs(exchange: Any) -> dict[str, Any]:
    moves = [{"fieldId": "status", "from": "3", "to": "5"}]
    histories = [{"id": "1", "created": DONE_AT, "items": moves}]
    asked = exchange.json()["issueIdsOrKeys"]
    return {"issueChangeLogs": [{"issueId": i, "changeHistories": histories} for i in asked]}


ANSWERS: dict[str, Any] = {
    "/rest/api/3/myself": lambda _: {"accountId": "1", "active": True, "timeZone": "Europe/Berlin"},
    "/rest/api/3/field": lambda _: [
        {"id": "components", "name": "Components"},
        {"id": "priority", "name": "Priority"},
        {"id": "customfield_1", "name": "Team"},
    ],
    "/rest/api/3/status": lambda _: [
        {"id": i, "name": kind, "statusCategory": {"key": kind}} for i, kind in STATUSES.items()
    ],
    "/rest/api/3/project/search": lambda _: {
        "startAt": 0, "maxResults": 50, "total": 1, "isLast": True,
        "values": [{"id": "1", "key": "PAY", "name": "Payments"}],
    },
    "/rest/api/3/search/jql": search,
    "/rest/api/3/search/approximate-count": lambda _: {"count": 2},
    "/rest/api/3/changelog/bulkfetch": change_logs,
    "/rest/api/3/issue/bulkfetch": lambda exchange: {
        "issues": [issue(int(i) - 10_000) for i in exchange.json()["issueIdsOrKeys"]]
    },
}  # fmt: skip


def test_every_request_is_one_that_jira_has(jira: Any, read: Any) -> None:
    jira.answers = ANSWERS
    outcomes = read(system, settings(jira))
    assert jira.complaints == []
    assert [o.message for o in outcomes if o.status == "failed"] == []
    assert read.refused() == []
    assert {row["issue_id"] for row in read.rows(ISSUES)} == {"10001", "10002"}
    assert {row["incident_id"] for row in read.rows(INCIDENTS)} == {"10001", "10002"}
    asked = {each.path for each in jira.exchanges}
    assert {"/rest/api/3/search/jql", "/rest/api/3/changelog/bulkfetch"} < asked


def test_no_search_is_without_a_bound(jira: Any, read: Any) -> None:
    jira.answers = ANSWERS
    read(system, settings(jira))
    questions = [each.json()["jql"] for each in jira.asked("/search/jql$")]
    assert questions
    for question in questions:
        condition, _, order = question.partition(" ORDER BY ")
        assert condition.strip()
        assert len(order.split(",")) <= 7


def test_the_sweep_asks_by_id_for_what_one_side_lacks(jira: Any, read: Any) -> None:
    jira.answers = ANSWERS | {
        "/rest/api/3/search/jql": lambda exchange: {
            "issues": [issue(3)] if exchange.json()["fields"] == ["key"] else []
        }
    }
    outcomes = read(system, settings(jira))
    assert jira.complaints == []
    assert [o.message for o in outcomes if o.status == "failed"] == []
    assert {row["issue_id"] for row in read.rows(ISSUES)} == {"10003"}


def test_the_check_asks_what_jira_has(jira: Any) -> None:
    jira.answers = ANSWERS
    outcomes = [*system.check(settings(jira))]
    assert [o.status for o in outcomes] == ["unchanged"]
    assert jira.complaints == []
