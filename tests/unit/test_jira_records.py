"""What Jira sends, as records: each way in which it says something odd."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from orchestration.systems._http import Answer
from orchestration.systems._records import Refused, outline
from orchestration.systems.jira import Incidents, JiraSettings, records
from orchestration.systems.jira.client import Client, classify

POLICY = records.Policy(
    categories={"1": "new", "3": "indeterminate", "5": "done", "7": "done"},
    started=frozenset({"indeterminate"}),
    issue_types={"defect": "bug", "缺陷": "bug"},
    teams={"PAY": "payments-4"},
    service_field="components",
)
LOGIN = {"email": "reader@example.com", "token": "secret"}


def payload(**fields: Any) -> dict[str, Any]:
    usual = {
        "project": {"id": "10001", "key": "PAY", "name": "Payments", "self": "x"},
        "issuetype": {"id": "1", "name": "Task", "subtask": False, "hierarchyLevel": 0},
        "status": {"id": "1", "name": "Open", "statusCategory": {"id": 2, "key": "new"}},
        "created": "2026-01-02T03:04:05.678-0500",
        "updated": "2026-01-09T10:00:00.000+0530",
        "resolutiondate": None,
        "labels": [],
        "components": [],
    }
    return {"id": "20001", "key": "PAY-7", "self": "x", "expand": "", "fields": usual | fields}


def issue(
    moves: list[records.Move] | None = None,
    policy: records.Policy = POLICY,
    **fields: Any,
) -> dict[str, Any]:
    return records.issue(payload(**fields), moves or [], policy, set())[0]


def move(day: int, source: str | None, target: str | None, number: int = 1) -> records.Move:
    return records.Move(datetime.fromisoformat(f"2026-02-{day:02d}"), number, source, target)


def changed(**fields: Any) -> records.Policy:
    return replace(POLICY, **fields)


DONE = {"status": {"id": "5", "statusCategory": {"key": "done"}}}
DOING = {"status": {"id": "3", "statusCategory": {"key": "indeterminate"}}}


def test_times_have_offsets_without_a_colon_and_land_in_utc() -> None:
    row = issue()
    assert row["created_at"] == datetime.fromisoformat("2026-01-02T08:04:05.678")
    assert row["updated_at"] == datetime.fromisoformat("2026-01-09T04:30:00")


def test_an_issue_that_never_moved_was_neither_begun_nor_reopened() -> None:
    row = issue()
    assert (row["started_at"], row["resolved_at"], row["reopened_count"]) == (None, None, 0)
    assert (row["team_id"], row["service_id"], row["labels"]) == ("payments-4", None, None)


def test_work_begins_with_the_first_move_into_a_started_status() -> None:
    moves = [move(4, "3", "1"), move(3, "1", "3"), move(5, "1", "3")]  # in no order
    assert issue(moves, **DOING)["started_at"] == datetime.fromisoformat("2026-02-03")


def test_an_issue_created_in_a_started_status_began_when_it_was_created() -> None:
    assert issue(**DOING)["started_at"] == issue()["created_at"]
    # The first move tells where it began, whatever it is now.
    assert issue([move(3, "3", "5")], **DONE)["started_at"] == issue()["created_at"]


def test_done_to_not_done_is_a_reopening_and_done_to_done_is_none() -> None:
    moves = [
        move(1, "1", "5"), move(2, "5", "7"), move(3, "7", "3"), move(4, "3", "5"),
        move(5, "5", "1"),
    ]  # fmt: skip
    assert issue(moves)["reopened_count"] == 2


def test_another_workflow_neither_begins_nor_reopens_an_issue() -> None:
    """Done, mapped to new, mapped to in progress; then somebody finishes and reopens it."""
    moves = [
        move(1, "1", "5"), replace(move(2, "5", "1"), is_mapped=True),
        replace(move(3, "1", "3"), is_mapped=True), move(4, "3", "5"), move(5, "5", "3"),
    ]  # fmt: skip
    row = issue(moves, **DOING)
    assert row["reopened_count"] == 1
    assert row["started_at"] == datetime.fromisoformat("2026-02-05")


@pytest.mark.parametrize(
    ("beside", "is_mapped"),
    [
        ({"field": "Workflow", "fieldtype": "jira", "from": "7", "to": "8"}, True),
        ({"field": "Workflow", "fieldtype": "custom", "fieldId": "customfield_1"}, False),
        ({"field": "resolution", "fieldtype": "jira", "fieldId": "resolution"}, False),
    ],
)
def test_move_that_comes_with_another_workflow_is_told(
    beside: dict[str, str], is_mapped: bool
) -> None:
    status = {"field": "status", "fieldtype": "jira", "fieldId": "status", "from": "5", "to": "1"}
    history = {"id": "9", "created": "2026-02-02T00:00:00.000+0000", "items": [beside, status]}
    (found,) = records.moves({"changeHistories": [history]})
    assert (found.source, found.target, found.is_mapped) == ("5", "1", is_mapped)


def test_moves_of_one_moment_are_in_the_order_of_their_numbers() -> None:
    """The first of them says that the issue was created in progress."""
    moves = [move(2, "1", "5", number=12), move(2, "3", "1", number=11)]
    assert issue(moves, **DONE)["started_at"] == issue()["created_at"]


def test_the_resolution_says_when_and_else_the_last_move_to_done() -> None:
    moves = [move(1, "1", "5"), move(2, "5", "3"), move(4, "3", "5"), move(5, "5", "7")]
    assert issue(moves, **DONE)["resolved_at"] == datetime.fromisoformat("2026-02-04")
    given = issue(moves, **DONE, resolutiondate="2026-02-04T12:00:00.000+0000")
    assert given["resolved_at"] == datetime.fromisoformat("2026-02-04T12:00")
    bare = issue(**DONE, statuscategorychangedate="2026-02-06T00:00:00.000+0000")
    assert bare["resolved_at"] == issue()["created_at"]  # it was created as done


def test_reopened_is_not_resolved() -> None:
    moves = [move(1, "1", "5"), move(2, "5", "3")]
    assert issue(moves, **DOING)["resolved_at"] is None


def test_resolved_before_it_was_created_is_refused() -> None:
    with pytest.raises(Refused, match="resolved before it was created"):
        issue(resolutiondate="2025-12-31T00:00:00.000+0000")


def test_a_status_that_no_workflow_has_any_more_is_told_and_counts_as_nothing() -> None:
    _, lived = records.issue(
        payload(), [move(1, "5", "99"), move(2, "99", "1")], POLICY, set()
    )  # fmt: skip
    assert lived.unknown == {"99"}
    assert (lived.started_at, lived.reopened_count) == (None, 0)


def test_the_issues_own_status_is_known_even_if_the_list_lacks_it() -> None:
    status = {"id": "88", "statusCategory": {"key": "indeterminate"}}
    row = issue([move(2, "1", "88")], status=status)
    assert row["started_at"] == datetime.fromisoformat("2026-02-02")


def test_a_type_is_called_as_the_configuration_calls_it() -> None:
    assert issue(issuetype={"name": " Defect "})["issue_type"] == "bug"
    assert issue(issuetype={"name": "缺陷", "hierarchyLevel": 0})["issue_type"] == "bug"
    epic = issue(issuetype={"name": "Vorhaben", "hierarchyLevel": 1})
    assert (epic["issue_type"], epic["hierarchy_level"]) == ("vorhaben", 1)


def test_the_parent_is_its_id_and_not_its_title() -> None:
    parent = {"id": "20000", "key": "PAY-1", "fields": {"summary": "secret"}}
    assert issue(parent=parent)["parent_issue_id"] == "20000"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, []),
        ("  payments-4 ", ["payments-4"]),
        ({"id": "1", "value": "Yes"}, ["Yes"]),
        ({"id": "1", "name": "api", "self": "x"}, ["api"]),
        ([{"name": "api"}, {"name": "web"}], ["api", "web"]),
        ({"value": "Region", "child": {"value": "EU"}}, ["Region"]),
        (3, ["3"]),
        (Decimal("2.5"), ["2.5"]),
        (True, []),
        ({"accountId": "5b10"}, []),
        ([], []),
        ("", []),
    ],
)
def test_a_field_says_words_whatever_its_kind(value: Any, expected: list[str]) -> None:
    assert records.words(value) == expected


def test_the_team_field_goes_before_the_project() -> None:
    policy = changed(team_field="customfield_1")
    assert issue(policy=policy, customfield_1={"id": "9", "name": "search"})["team_id"] == "search"
    assert issue(policy=policy, customfield_1=None)["team_id"] == "payments-4"


def test_the_first_component_is_the_service() -> None:
    assert issue(components=[{"name": "api"}, {"name": "web"}])["service_id"] == "api"


def test_the_kind_of_work_stands_in_a_field_or_after_a_prefix() -> None:
    by_field = changed(work_type_field="customfield_2")
    assert issue(policy=by_field, customfield_2={"value": "maintenance"})["work_type"] == (
        "maintenance"
    )
    by_label = changed(work_type_prefix="type:")
    assert issue(policy=by_label, labels=["x", "type:", "type:docs"])["work_type"] == "docs"
    assert issue(policy=by_label, labels=["x"])["work_type"] is None


BUG = {"issuetype": {"name": "Bug"}}


@pytest.mark.parametrize(
    ("policy", "fields", "expected"),
    [
        ({}, BUG, None),  # nobody says how to tell
        ({"escaped_labels": frozenset({"escaped"})}, BUG | {"labels": ["Escaped"]}, True),
        ({"escaped_labels": frozenset({"escaped"})}, BUG, False),
        ({"escaped_labels": frozenset({"escaped"})}, {"labels": ["escaped"]}, None),  # no bug
        ({"escaped_field": "f", "escaped_values": frozenset({"yes"})}, BUG | {"f": None}, None),
        (
            {"escaped_field": "f", "escaped_values": frozenset({"yes"})},
            BUG | {"f": {"value": "Yes"}},
            True,
        ),
        (
            {"escaped_field": "f", "escaped_values": frozenset({"yes"})},
            BUG | {"f": {"value": "No"}},
            False,
        ),
    ],
)
def test_an_escaped_defect_is_a_bug_found_in_production_by_policy(
    policy: dict[str, Any], fields: dict[str, Any], expected: bool | None
) -> None:
    assert issue(policy=changed(**policy), **fields)["is_escaped_defect"] is expected


def test_labels_are_a_list_that_no_label_breaks() -> None:
    assert issue(labels=["a;b", "c"])["labels"] == "a,b;c"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("created", "yesterday"),
        ("created", None),
        ("status", None),
        ("project", {"key": "PAY"}),
        ("labels", "urgent"),
        ("issuetype", {"name": None}),
    ],
)
def test_what_does_not_fit_is_refused_and_said_without_its_value(field: str, value: Any) -> None:
    with pytest.raises(Refused) as refused:
        issue(**{field: value})
    assert field in str(refused.value)
    assert "yesterday" not in str(refused.value) and "urgent" not in str(refused.value)
    assert outline(payload(summary="secret"))["fields"] == "object"


def test_a_new_field_of_an_issue_is_news() -> None:
    news: set[str] = set()
    records.issue({**payload(), "changelog": {}, "mood": "good"}, [], POLICY, news)
    assert news == {"mood"}


@pytest.mark.parametrize("created", [1770163200000, "2026-02-04T00:00:00.000+0000"])
def test_a_change_has_milliseconds_or_a_text_as_its_time(created: Any) -> None:
    log = {
        "issueId": "20001",
        "changeHistories": [
            {
                "id": "100",
                "author": {"displayName": "Somebody"},
                "created": created,
                "items": [
                    {"field": "assignee", "fieldId": "assignee", "from": None, "to": "5b10"},
                    {"field": "status", "fieldId": "status", "from": "1", "to": "3"},
                ],
            }
        ],
    }
    (moved,) = records.moves(log)
    assert moved == records.Move(datetime.fromisoformat("2026-02-04"), 100, "1", "3")


def test_a_change_log_of_another_form_is_refused() -> None:
    with pytest.raises(Refused, match="changeHistories"):
        list(records.moves({"issueId": "20001"}))


def test_an_incident_is_taken_on_when_work_begins() -> None:
    policy = changed(severity_field="priority", incident_service_field="components")
    fields = {"priority": {"name": "High"}, "components": [{"name": "api"}]}
    row, _ = records.incident(payload(**DONE | fields), [move(3, "1", "3"), move(4, "3", "5")],
                              policy, set())  # fmt: skip
    assert row["acknowledged_at"] == datetime.fromisoformat("2026-02-03")
    assert row["resolved_at"] == datetime.fromisoformat("2026-02-04")
    assert (row["severity"], row["service_id"], row["caused_by_deployment_id"]) == (
        "High", "api", None,
    )  # fmt: skip


def answer(status: int, body: Any = None, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, named, json.dumps(body).encode(), "/rest/api/3/search/jql")


def test_an_answer_is_judged_as_jira_means_it() -> None:
    unseen = {"errorMessages": ["The value 'PAY' does not exist for the field 'project'."]}
    assert classify(answer(200, {"issues": []})).kind == "ok"
    assert classify(answer(200, {"errorMessages": ["x"]})).kind == "retry"
    # A login that failed may read on as nobody: an empty list, and a header that says so.
    failed = answer(200, {"issues": []}, x_seraph_loginreason="AUTHENTICATED_FAILED")
    assert classify(failed).kind == "denied"
    assert classify(answer(401)).kind == "denied"
    assert "project PAY does not exist" in classify(answer(400, unseen)).message
    assert classify(answer(400, {"errorMessages": ["person-0001@example.com"]})).message == (
        "status 400: it does not understand the question"
    )
    limited = classify(answer(429, retry_after="7", ratelimit_reason="jira-burst-based"))
    assert (limited.kind, limited.seconds) == ("wait", 7.0)
    assert "jira-burst-based" in limited.message
    assert "no-such word" not in classify(answer(429, ratelimit_reason="no-such word!")).message
    assert classify(answer(503, retry_after="30")).seconds == 30.0


def test_questions_are_asked_in_the_users_time_and_to_the_minute() -> None:
    asked = Client(JiraSettings(site="acme", **LOGIN))
    moment = datetime(2026, 7, 1, 12, 0, 59, 900_000, tzinfo=UTC)
    assert asked.since(moment) == 'updated >= "2026-06-30 22:00"'  # no zone known: 14 hours
    assert asked.before(moment) == 'updated < "2026-07-02 02:00"'
    asked.zone = ZoneInfo("America/New_York")
    assert asked.since(moment) == 'updated >= "2026-07-01 06:00"'  # 08:00 there, 2 hours wider
    assert asked.before(moment) == 'updated < "2026-07-01 10:00"'


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({}, "give site or base_url"),
        ({"site": "acme", "base_url": "https://jira.example.com"}, "not both"),
        ({"site": "acme.example.com/x"}, "site"),
        ({"site": "acme", "projects": ['PAY" OR project = "HR']}, "projects"),
        ({"site": "acme", "escaped_defect": {"field": "Found in"}}, "values"),
        ({"site": "acme", "work_type": {"field": "a", "label_prefix": "b"}}, "not both"),
        ({"site": "acme", "incidents": {"jql": "type = Incident ORDER\n BY created"}}, "ORDER BY"),
    ],
)
def test_a_setting_that_cannot_be_is_told(given: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        JiraSettings(**LOGIN, **given)


def test_the_address_is_the_sites() -> None:
    assert JiraSettings(site="acme", **LOGIN).base_url == "https://acme.atlassian.net"


def test_what_rows_depend_on_holds_no_credential() -> None:
    settings = JiraSettings(site="acme", **LOGIN, incidents=Incidents(jql="type = Incident"))
    assert "secret" not in settings.rules and "reader@" not in settings.rules
    assert "type = Incident" in settings.rules
