"""Jira over real sockets: the lake ends up with the company's issues, whatever happens."""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq
import pytest
import requests

from orchestration.identity import Identity
from orchestration.lake import Lake, Outcome
from orchestration.simulation import simulate
from orchestration.simulation.records import Company, Issue
from orchestration.simulation.vendors._server import (
    FAULTS,
    FaultKind,
    Faults,
    Limit,
    Response,
)
from orchestration.simulation.vendors.jira import TO_DO, Jira
from orchestration.simulation.worlds import WORLDS
from orchestration.systems import jira
from orchestration.systems.jira import (
    INCIDENTS,
    ISSUE_KEYS,
    ISSUES,
    STREAMS,
    EscapedDefect,
    Incidents,
    JiraSettings,
    WorkType,
    check,
    extract,
)

START = datetime.fromisoformat("2026-01-05")
NOW = datetime.fromisoformat("2026-03-01")
WEEK = timedelta(days=7)
MINUTE = timedelta(minutes=1)
FIELDS = ("service_id", "work_type", "started_at", "resolved_at", "is_escaped_defect")


def issue(number: int, **changes: Any) -> Issue:
    """Six hours apart, begun an hour after it was opened, done two days later."""
    created = START + timedelta(hours=6 * number, seconds=7)
    usual = Issue(
        issue_id=f"issue-{number}",
        issue_type="task",
        created_at=created,
        team_id="payments-1",
        service_id="payments-api",
        started_at=created + timedelta(hours=1),
        resolved_at=created + timedelta(days=2),
        work_type="feature",
    )
    return replace(usual, **changes)


class Desk:
    """A lake, a Jira and somebody who reads the one into the other."""

    def __init__(self, home: Path) -> None:
        self.lake = Lake(home)
        self.lake.ensure(STREAMS)

    def read(
        self,
        server: Jira,
        *,
        until: datetime | None = None,
        forget_missing: bool = False,
        full_refresh: bool = False,
        **changes: Any,
    ) -> dict[str, Outcome]:
        outcomes = extract(
            self.lake,
            Identity("salt"),
            settings(server, **changes),
            since=None,
            until=(until or server.now).replace(tzinfo=UTC),
            forget_missing=forget_missing,
            full_refresh=full_refresh,
        )
        return {outcome.scope: outcome for outcome in outcomes}

    def rows(self, stream: Any = ISSUES) -> dict[str, dict[str, Any]]:
        """The stream as SQL folds it: the newest row of a key over all scopes."""
        newest: dict[Any, tuple[str, dict[str, Any]]] = {}
        for batch in self.lake.batches(stream):
            for row in pq.read_table(batch.path).to_pylist():
                key = tuple(row[name] for name in stream.key)
                newest[key] = (batch.batch_id, row)
        return {
            "/".join(key): {n: v for n, v in row.items() if not n.startswith("_")}
            for key, (_, row) in sorted(newest.items())
            if not row["_is_deleted"]
        }

    def landed(self) -> int:
        return sum(b.rows_landed for stream in STREAMS for b in self.lake.batches(stream))


def settings(server: Jira, **changes: Any) -> JiraSettings:
    wanted: dict[str, Any] = {
        "base_url": server.url,
        "email": "reader@example.com",
        "token": "jira-token",
        "since": START.date(),
        "first_pause_seconds": 0.01,
        "teams": server.team_of_project,
        "work_type": WorkType(field="Work type"),
        "escaped_defect": EscapedDefect(field="Found in production", values=["yes"]),
    }
    return JiraSettings(**wanted | changes)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


Serve = Callable[..., Jira]


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers: list[Jira] = []

    def start(issues: list[Issue], now: datetime = NOW, **changes: Any) -> Jira:
        servers.append(Jira(issues, now, **changes).__enter__())
        return servers[-1]

    yield start
    for server in servers:
        server.__exit__(None, None, None)


@pytest.fixture(scope="module")
def company() -> Company:
    return simulate(WORLDS["demo"], 1, teams=4, months=3)


def identifier(server: Jira, origin: str | None, kind: str = "issue") -> str | None:
    return server.staged_ids[(kind, origin)].removeprefix("jira:") if origin else None


def expected(server: Jira, issues: list[Issue]) -> dict[str, dict[str, Any]]:
    """What the lake should hold of a company's issues."""
    return {
        str(identifier(server, i.issue_id)): {
            "issue_key": server.issue_keys[i.issue_id],
            "issue_type": i.issue_type,
            "team_id": i.team_id,
            "parent_issue_id": identifier(server, i.parent_issue_id),
            "labels": ";".join(i.labels) or None,
            "reopened_count": i.reopened_count or 0,
            "created_at": i.created_at,
            **{name: getattr(i, name) for name in FIELDS},
        }
        for i in issues
    }


def held(desk: Desk) -> dict[str, dict[str, Any]]:
    """The same of what it holds."""
    names = (
        "issue_key", "issue_type", "team_id", "parent_issue_id", "labels", "reopened_count",
        "created_at", *FIELDS,
    )  # fmt: skip
    return {i: {name: row[name] for name in names} for i, row in desk.rows().items()}


def test_every_issue_of_a_simulated_company_is_there_field_by_field(
    desk: Desk, serve: Serve, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jira, "LONGEST", timedelta(days=30))  # several windows at a time
    issues = [
        replace(i, reopened_count=2) if i.resolved_at and n % 9 == 0 else i
        for n, i in enumerate(company.issues)
    ]
    server = serve(issues, company.as_of)
    outcomes = desk.read(server, since=company.starts_on)
    assert {o.status for o in outcomes.values()} == {"landed"}, outcomes
    assert len(outcomes) == 7  # the site, five teams, and SUPPORT for issues of no team
    assert held(desk) == expected(server, issues)
    keys = {row["issue_key"] for row in desk.rows(ISSUE_KEYS).values()}
    assert keys == set(server.issue_keys.values())


def test_incidents_are_what_their_jql_finds(desk: Desk, serve: Serve, company: Company) -> None:
    first = company.incidents[0]
    taken_on = replace(first, acknowledged_at=first.opened_at + timedelta(minutes=30))
    incidents = [taken_on, *company.incidents[1:]]
    server = serve([], company.as_of, incidents=incidents)
    outcomes = desk.read(
        server,
        since=company.starts_on,
        incidents=Incidents(
            jql="project = INC AND (issuetype = Incident)",
            severity_field="Severity",
            caused_by_field="Caused by deployment",
        ),
    )
    assert outcomes["incidents"].status == "landed", outcomes
    rows = desk.rows(INCIDENTS)
    assert rows.keys() == {identifier(server, i.incident_id, "incident") for i in incidents}
    for incident in incidents:
        row = rows[str(identifier(server, incident.incident_id, "incident"))]
        for name in (
            "service_id", "severity", "caused_by_deployment_id", "opened_at", "acknowledged_at",
            "resolved_at",
        ):  # fmt: skip
            assert row[name] == getattr(incident, name), name


def test_a_second_run_asks_for_a_day_and_changes_nothing(desk: Desk, serve: Serve) -> None:
    server = serve([issue(n) for n in range(20)])
    desk.read(server)
    before, landed, asked = desk.rows(), desk.landed(), len(server.requests)
    outcomes = desk.read(server)
    assert desk.rows() == before
    # All but the projects was last changed weeks ago: the site's four questions, a search each.
    assert desk.landed() - landed == 2
    assert len(server.requests) - asked == 4 + 2
    assert outcomes["PAYMENTS1"].status == "unchanged"


def test_what_changed_since_is_read(desk: Desk, serve: Serve) -> None:
    company = [issue(n) for n in range(4)]
    company[3] = issue(3, resolved_at=NOW + timedelta(hours=30))
    company.append(issue(4, created_at=NOW + timedelta(hours=1), started_at=None, resolved_at=None))
    server = serve(company)
    desk.read(server)
    assert len(desk.rows()) == 4
    server.change("issue-1", NOW + timedelta(hours=2), labels=["urgent"])
    server.now = NOW + timedelta(days=2)
    desk.read(server)
    company[1] = replace(company[1], labels=("urgent",))
    assert held(desk) == expected(server, company)


def test_another_workflow_reopens_nothing(desk: Desk, serve: Serve) -> None:
    """Two issues are done; one is mapped to an open status, the other one somebody reopens."""
    server = serve([issue(n, resolved_at=NOW - timedelta(days=3)) for n in range(2)])
    server.change("issue-0", NOW - timedelta(days=1), status=TO_DO, Workflow="20819")
    server.change("issue-1", NOW - timedelta(days=1), status=TO_DO)
    desk.read(server)
    assert [row["reopened_count"] for _, row in sorted(desk.rows().items())] == [0, 1]


@pytest.mark.parametrize("kind", FAULTS)
def test_every_fault_ends_in_the_right_rows_or_a_clear_error_and_then_the_right_rows(
    kind: FaultKind, desk: Desk, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jira, "LONGEST", timedelta(days=30))  # several windows at a time
    company = [issue(n, reopened_count=n % 3) for n in range(36)]
    faults = Faults(rate=0.15, kinds=(kind,), seed=4, stall_seconds=0.05)
    server = serve(company, faults=faults)
    server.page_cap = 9
    outcomes = [o for _ in range(2) for o in desk.read(server).values()]
    assert faults.happened, "no fault happened"
    assert all("jira-token" not in o.message and "@" not in o.message for o in outcomes)
    faults.rate = 0.0
    server.now += WEEK  # for a sweep that no fault has kept from being done
    after = desk.read(server).values()
    assert {o.status for o in after} <= {"landed", "unchanged"}, after
    assert held(desk) == expected(server, company)


def test_a_wrong_token_is_one_line_and_lands_nothing(desk: Desk, serve: Serve) -> None:
    server = serve([issue(0)])
    (outcome,) = desk.read(server, token="wrong-secret").values()  # noqa: S106
    assert outcome.status == "failed"
    assert "API token is not accepted" in outcome.message
    assert "wrong-secret" not in outcome.message and "\n" not in outcome.message
    assert desk.landed() == 0
    assert [o.status for o in check(settings(server, token="wrong"))] == ["failed"]  # noqa: S106


def test_a_user_without_jira_is_told_which_permission_is_missing(desk: Desk, serve: Serve) -> None:
    server = serve([issue(0)])
    server.is_blocked = True
    (outcome,) = desk.read(server).values()
    assert outcome.status == "failed"
    assert "access to Jira" in outcome.message and "Browse projects" in outcome.message


def test_a_project_that_may_not_be_seen_is_named_and_the_others_are_read(
    desk: Desk, serve: Serve
) -> None:
    server = serve([issue(0), issue(1, team_id="search-1")])
    server.hidden = {"SEARCH1"}
    outcomes = desk.read(server, projects=["PAYMENTS1", "SEARCH1"])
    assert outcomes["SEARCH1"].status == "failed"
    assert 'project SEARCH1 does not exist, or the user lacks the permission "Browse projects"' in (
        outcomes["SEARCH1"].message
    )
    assert outcomes["PAYMENTS1"].status == "landed"
    assert len(desk.rows()) == 1
    told = {o.scope: o.status for o in check(settings(server, projects=["SEARCH1"]))}
    assert told == {"site": "unchanged", "SEARCH1": "failed"}


def test_a_question_for_incidents_in_an_unseen_project_names_it(desk: Desk, serve: Serve) -> None:
    server = serve([issue(0)])
    outcomes = desk.read(server, incidents=Incidents(jql="project = OPS"))
    assert outcomes["incidents"].status == "failed"
    assert "project OPS does not exist" in outcomes["incidents"].message
    assert "Browse projects" in outcomes["incidents"].message
    assert outcomes["PAYMENTS1"].status == "landed"


def test_a_question_that_jira_does_not_understand_is_an_error_and_no_silence(
    desk: Desk, serve: Serve
) -> None:
    server = serve([issue(0)])
    outcomes = desk.read(server, incidents=Incidents(jql="colour ~ blue"))
    assert outcomes["incidents"].status == "failed"
    assert "status 400" in outcomes["incidents"].message
    told = [*check(settings(server, incidents=Incidents(jql="colour ~ blue")))]
    assert [o.status for o in told] == ["failed"]


def test_a_field_that_is_not_there_is_one_line(desk: Desk, serve: Serve) -> None:
    (outcome,) = desk.read(serve([issue(0)]), team_field="Squad").values()
    assert outcome.status == "failed"
    assert "no field has the name or id 'Squad'" in outcome.message


def test_no_visible_project_is_an_error(desk: Desk, serve: Serve) -> None:
    server = serve([issue(0)])
    server.hidden = {"PAYMENTS1", "SUPPORT"}
    (outcome,) = desk.read(server).values()
    assert outcome.status == "failed" and "Browse projects" in outcome.message


def test_a_deleted_issue_is_gone_after_the_weekly_sweep(desk: Desk, serve: Serve) -> None:
    server = serve([issue(n) for n in range(5)])
    desk.read(server)
    server.delete("issue-2", NOW + timedelta(hours=1))
    server.now = NOW + timedelta(days=6)
    desk.read(server)
    assert len(desk.rows()) == 5  # no question by time shows a deletion
    server.now = NOW + WEEK
    outcomes = desk.read(server)
    assert "1 issues gone" in outcomes["PAYMENTS1"].message
    assert identifier(server, "issue-2") not in desk.rows()
    assert len(desk.rows()) == 4


def test_an_empty_answer_deletes_nothing_unless_told_to(desk: Desk, serve: Serve) -> None:
    server = serve([issue(n) for n in range(5)])
    desk.read(server)
    for number in range(5):
        server.delete(f"issue-{number}", NOW)
    server.now = NOW + WEEK
    outcomes = desk.read(server)
    assert outcomes["PAYMENTS1"].status == "warning"
    assert "came back empty" in outcomes["PAYMENTS1"].message
    assert len(desk.rows()) == 5
    desk.read(server, forget_missing=True)
    assert desk.rows() == {}


def test_an_answer_shorter_than_the_count_deletes_nothing(
    desk: Desk, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve([issue(n) for n in range(5)])
    desk.read(server)
    original = server.search

    def short(request: Any) -> Any:
        answer = original(request)
        answer.body["issues"] = answer.body["issues"][:3]
        return answer

    server.now = NOW + WEEK
    with monkeypatch.context() as patch:
        _route(patch, server, "search", short)
        outcomes = desk.read(server)
    assert outcomes["PAYMENTS1"].status == "warning"
    assert "3 of about 5" in outcomes["PAYMENTS1"].message
    assert len(desk.rows()) == 5
    # Not counted as done: the next run asks again, and the message is gone.
    assert desk.read(server)["PAYMENTS1"].status == "unchanged"
    assert len(desk.rows()) == 5


def test_what_one_of_two_lists_of_ids_has_is_not_gone(
    desk: Desk, serve: Serve, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first list lacks an incident, and the count, which is about right, does not tell."""
    server = serve([], company.as_of, incidents=company.incidents)
    asked: dict[str, Any] = {
        "since": company.starts_on,
        "incidents": Incidents(jql="project = INC"),
        "projects": ["SUPPORT"],
    }
    desk.read(server, **asked)
    search, count = server.search, server.approximate_count
    lists: list[int] = []

    def lacking(request: Any) -> Any:
        answer = search(request)
        if request.json()["fields"] == ["key"] and "INC" in request.json()["jql"]:
            lists.append(len(answer.body["issues"]))
            if len(lists) == 1:
                answer.body["issues"].pop()
        return answer

    def about(request: Any) -> Any:
        answer = count(request)
        answer.body["count"] -= 1
        return answer

    _route(monkeypatch, server, "search", lacking)
    _route(monkeypatch, server, "approximate_count", about)
    server.now += WEEK
    outcome = desk.read(server, **asked)["incidents"]
    assert len(lists) == 2
    assert outcome.status == "unchanged", outcome.message
    assert len(desk.rows(INCIDENTS)) == len(company.incidents)


def test_what_a_list_skipped_is_read_by_the_sweep(
    desk: Desk, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page whose rows shifted: the issue is in no page, and nobody says so."""
    company = [issue(n) for n in range(5)]
    server = serve(company)
    original = server.search

    def skipping(request: Any) -> Any:
        answer = original(request)
        if request.json()["fields"] != ["key"]:
            skipped = identifier(server, "issue-3")
            answer.body["issues"] = [i for i in answer.body["issues"] if i["id"] != skipped]
        return answer

    _route(monkeypatch, server, "search", skipping)
    desk.read(server)
    assert held(desk) == expected(server, company)


def test_an_issue_that_moved_keeps_its_id_and_both_keys(desk: Desk, serve: Serve) -> None:
    server = serve([issue(0), issue(1), issue(2, team_id="search-1")])
    desk.read(server)
    own, before = str(identifier(server, "issue-0")), server.issue_keys["issue-0"]
    after = server.move("issue-0", "SEARCH1", NOW + timedelta(hours=1))
    assert (before, after) == ("PAYMENTS1-1", "SEARCH1-2")
    for days in (2, 9, 17):  # the last two with the sweep of the project that it left
        server.now = NOW + timedelta(days=days)
        outcomes = desk.read(server)
        assert {o.status for o in outcomes.values()} <= {"landed", "unchanged"}
        row = desk.rows()[own]
        assert (row["issue_key"], row["project_key"], row["team_id"]) == (
            after, "SEARCH1", "search-1",
        )  # fmt: skip
    assert len(desk.rows()) == 3
    assert {f"{own}/{before}", f"{own}/{after}"} <= desk.rows(ISSUE_KEYS).keys()
    # The project that it left asks for it by id once, and not every week.
    assert outcomes["PAYMENTS1"].status == "unchanged"
    assert len([r for r in server.requests if r.path.endswith("issue/bulkfetch")]) == 1


def test_an_issue_that_moved_where_nobody_reads_is_gone(desk: Desk, serve: Serve) -> None:
    server = serve([issue(0), issue(1), issue(2, team_id="search-1")])
    desk.read(server, projects=["PAYMENTS1"])
    server.move("issue-0", "SEARCH1", NOW + timedelta(hours=1))
    server.now = NOW + WEEK
    desk.read(server, projects=["PAYMENTS1"])
    assert [*desk.rows()] == [identifier(server, "issue-1")]


def test_a_project_that_is_no_longer_visible_keeps_what_it_gave(desk: Desk, serve: Serve) -> None:
    server = serve([issue(0), issue(1, team_id="search-1")])
    desk.read(server)
    server.move("issue-0", "SEARCH1", NOW)
    server.now = NOW + timedelta(hours=1)
    desk.read(server)
    server.hidden = {"PAYMENTS1"}
    server.now = NOW + WEEK
    assert desk.read(server)["PAYMENTS1"].status == "missing"
    assert len(desk.rows()) == 2
    # Forgotten: what moved to a project that is read stays.
    desk.read(server, forget_missing=True)
    assert len(desk.rows()) == 2
    assert "PAYMENTS1" not in desk.read(server)


@pytest.mark.parametrize(
    ("zone", "later_hour"), [("America/New_York", False), ("America/New_York", True), (None, False)]
)
def test_a_change_in_the_hour_that_happens_twice_is_not_lost(
    zone: str | None,
    later_hour: bool,
    desk: Desk,
    serve: Serve,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On 2 November 2025 New York has 1:00 to 2:00 twice, 05:00 to 07:00 UTC. A run every half
    hour that looks back at nothing, and a change between any two runs."""
    monkeypatch.setattr(jira, "LOOK_BACK", timedelta(0))
    begin, half_hour = datetime.fromisoformat("2025-11-02T04:30:00"), timedelta(minutes=30)
    company = [
        issue(n, created_at=begin + n * half_hour, started_at=None, resolved_at=None)
        for n in range(7)
    ]
    server = serve(company, begin)
    server.zone = ZoneInfo(zone) if zone else None
    server.later_hour = later_hour
    for number in range(7):
        server.now = begin + number * half_hour + timedelta(seconds=30)
        desk.read(server, since=begin.date())
        assert len(desk.rows()) == number + 1


def test_a_change_within_the_last_minute_is_not_lost(
    desk: Desk, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Changed at :59.900 of a minute of which the run saw 59.950 seconds."""
    monkeypatch.setattr(jira, "LOOK_BACK", timedelta(0))
    noon = datetime.fromisoformat("2026-02-03T12:00:59.900")
    server = serve(
        [
            issue(0, created_at=noon, started_at=None, resolved_at=None),
            issue(1, created_at=noon + timedelta(seconds=0.08), started_at=None, resolved_at=None),
        ],
        noon + timedelta(milliseconds=50),
    )
    desk.read(server)
    assert [row["created_at"] for row in desk.rows().values()] == [noon]
    server.now = noon + timedelta(milliseconds=150)
    desk.read(server)
    assert len(desk.rows()) == 2


def test_a_change_that_the_index_did_not_know_yet_is_read_later(desk: Desk, serve: Serve) -> None:
    company = [issue(0, created_at=NOW - timedelta(hours=4), started_at=None, resolved_at=None)]
    server = serve(company, lag=timedelta(hours=5))  # on a bad day
    desk.read(server)
    assert desk.rows() == {}
    server.now = NOW + timedelta(hours=6)
    desk.read(server)
    assert len(desk.rows()) == 1


def test_a_change_log_longer_than_a_page_is_read_whole(desk: Desk, serve: Serve) -> None:
    """Nine issues of 2 x 30 + 2 moves, 50 moves a page: every issue stands on several."""
    company = [issue(n, reopened_count=30) for n in range(9)]
    server = serve(company)
    server.page_cap = 50
    desk.read(server)
    assert {row["reopened_count"] for row in desk.rows().values()} == {30}
    assert held(desk) == expected(server, company)
    logs = [r for r in server.requests if r.path.endswith("changelog/bulkfetch")]
    assert len(logs) == 12  # 558 moves


def test_more_than_a_thousand_issues_are_asked_for_in_parts(desk: Desk, serve: Serve) -> None:
    company = [issue(n, created_at=START + n * MINUTE) for n in range(1050)]
    company = [replace(i, started_at=None, resolved_at=None) for i in company]
    server = serve(company)
    desk.read(server)
    assert len(desk.rows()) == 1050
    asked = [r.json() for r in server.requests if r.path.endswith("changelog/bulkfetch")]
    assert [len(body["issueIdsOrKeys"]) for body in asked] == [1000, 50]


@pytest.mark.parametrize("is_token_new", [False, True])
def test_a_list_without_an_end_is_an_error(
    is_token_new: bool, desk: Desk, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same token with other rows, or another token with the same rows."""
    server = serve([issue(n, resolved_at=NOW - timedelta(days=9)) for n in range(2)])
    original = server.search
    pages: list[int] = []

    def endless(request: Any) -> Any:
        body = request.json()
        body.pop("nextPageToken", None)
        answer = original(replace(request, body=json.dumps(body).encode()))
        pages.append(len(pages))
        answer.body["nextPageToken"] = f"token-{len(pages)}" if is_token_new else "token"
        if not is_token_new:
            answer.body["issues"] = answer.body["issues"][len(pages) % 2 :]
        return answer

    _route(monkeypatch, server, "search", endless)
    since = NOW.date() - timedelta(days=20)
    outcome = desk.read(server, since=since, projects=["PAYMENTS1"])["PAYMENTS1"]
    assert outcome.status == "failed"
    assert ("gave a page twice" if is_token_new else "no end") in outcome.message
    assert desk.rows() == {}
    assert len(pages) < 5


def test_a_page_token_that_expired_is_an_error_and_then_the_right_rows(
    desk: Desk, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    company = [issue(n) for n in range(4)]
    server = serve(company)
    server.page_cap = 1
    original = server.search

    def slowly(request: Any) -> Any:
        answer = original(request)
        server.expire_tokens()
        return answer

    with monkeypatch.context() as patch:
        _route(patch, server, "search", slowly)
        outcome = desk.read(server)["PAYMENTS1"]
    assert outcome.status == "failed" and "status 400" in outcome.message
    assert desk.rows() == {}
    desk.read(server)
    assert held(desk) == expected(server, company)


def test_the_check_says_what_it_sees(serve: Serve, company: Company) -> None:
    server = serve([issue(0)], incidents=company.incidents)
    (outcome,) = check(settings(server, incidents=Incidents(jql="project = INC")))
    assert (outcome.status, outcome.message) == (
        "unchanged",
        "sees 3 projects and 8 incidents, asks in America/New_York",
    )


def test_what_could_not_be_read_is_not_compared(
    desk: Desk, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve([issue(0)])
    original = server.search

    def refusing(request: Any) -> Any:
        is_sweep = request.json()["fields"] == ["key"]
        return original(request) if is_sweep else Response({"errorMessages": ["no"]}, 400)

    _route(monkeypatch, server, "search", refusing)
    assert desk.read(server)["PAYMENTS1"].status == "failed"
    assert not [r for r in server.requests if r.body and r.json().get("fields") == ["key"]]


def test_the_limit_is_waited_for_and_nothing_is_lost(desk: Desk, serve: Serve) -> None:
    company = [issue(n) for n in range(60)]
    server = serve(company, limit=Limit(5, 0.4))
    server.page_cap = 10
    outcomes = desk.read(server)
    assert {o.status for o in outcomes.values()} <= {"landed", "unchanged"}
    assert held(desk) == expected(server, company)


def test_another_policy_reads_everything_again(desk: Desk, serve: Serve) -> None:
    server = serve([issue(0)])
    desk.read(server)
    desk.read(server, teams={"PAYMENTS1": "payments-one"})
    assert [row["team_id"] for row in desk.rows().values()] == ["payments-one"]


def test_a_status_that_no_workflow_has_any_more_is_told(desk: Desk, serve: Serve) -> None:
    server = serve([issue(0)])
    server.unlisted_statuses = {"3"}
    outcome = desk.read(server)["PAYMENTS1"]
    assert outcome.status == "warning" and "(ids 3)" in outcome.message
    (row,) = desk.rows().values()
    assert row["started_at"] is None
    assert row["resolved_at"] == issue(0).resolved_at


def test_a_payload_that_does_not_fit_is_refused_without_its_words(
    desk: Desk, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve([issue(0), issue(1)])
    original = server._shown
    spoiled = identifier(server, "issue-1")

    def shown(ticket: Any, fields: Any) -> dict[str, Any]:
        payload = original(ticket, fields)
        if payload["id"] == spoiled and "fields" in payload:
            payload["fields"]["created"] = "person-0001@example.com"
            payload["sauce"] = 1
        return payload

    monkeypatch.setattr(server, "_shown", shown)
    outcome = desk.read(server)["PAYMENTS1"]
    assert outcome.status == "warning"
    assert "created" in outcome.message and "person-0001" not in outcome.message
    assert len(desk.rows()) == 1
    for refused in desk.lake.quarantine_folder(ISSUES).glob("*.jsonl"):
        assert "person-0001" not in refused.read_text()
        assert f'"id": "{spoiled}"' in refused.read_text()


def test_nobody_and_no_text_reaches_the_lake(desk: Desk, serve: Serve) -> None:
    server = serve([issue(0, labels=("ask-person-0002@example.com", "plain"))])
    desk.read(server)
    (row,) = desk.rows().values()
    assert "person-0002" not in row["labels"] and row["labels"].endswith(";plain")
    text = repr([desk.rows(stream) for stream in STREAMS])
    assert "@" not in text and "Person" not in text and "5b10" not in text


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("search/jql", {"jql": "ORDER BY created"}, 400),
        ("search/jql", {"jql": "project = PAYMENTS1", "startAt": 50}, 400),
        ("search/jql", {"jql": "project = PAYMENTS1", "maxResults": 5001}, 400),
        ("search/jql", {"jql": "project = PAYMENTS1 OR project = X"}, 400),
        ("search/jql", {"jql": 'updated >= "2026-01-01 10:00:30"'}, 400),
        ("search/jql", {"jql": "project = PAYMENTS1", "nextPageToken": "abc"}, 400),
        ("search/jql", {"jql": "project = PAYMENTS1", "reconcileIssues": [1]}, 200),
        ("changelog/bulkfetch", {"issueIdsOrKeys": ["1"] * 1001}, 400),
        ("issue/bulkfetch", {"issueIdsOrKeys": ["1"] * 101}, 400),
    ],
)
def test_the_server_refuses_what_jira_would_refuse(
    path: str, body: dict[str, Any], status: int, serve: Serve
) -> None:
    login = base64.b64encode(b"reader@example.com:jira-token").decode()
    headers = {"Authorization": f"Basic {login}"}
    address = f"{serve([issue(0)]).url}/rest/api/3/{path}"
    answer = requests.post(address, json=body, headers=headers, timeout=5)
    assert answer.status_code == status, answer.text
    assert ("errorMessages" in answer.json()) == (status == 400)


def _route(
    patch: pytest.MonkeyPatch, server: Jira, name: str, function: Callable[..., Any]
) -> None:
    """Puts another answering method in the place of one."""
    own = getattr(server, name)
    routes = [(m, p, function if f == own else f) for m, p, f in server._routes]
    patch.setattr(server, "_routes", routes)
