"""Issues as a real Jira sent them, served from this machine: VALUEMAXX_PAYLOADS names the folder
that holds ``jira/issues.jsonl``. They are not part of the project."""

import json
import os
import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from orchestration.identity import Identity
from orchestration.lake import Lake
from orchestration.simulation.vendors._server import Request, Response, Vendor
from orchestration.systems.jira import ISSUE_KEYS, ISSUES, STREAMS, JiraSettings, extract, records

FOLDER = Path(os.environ.get("VALUEMAXX_PAYLOADS", "/nowhere")) / "jira"
pytestmark = pytest.mark.skipif(
    not FOLDER.exists(), reason="VALUEMAXX_PAYLOADS names no folder with jira/issues.jsonl"
)
ZONE = ZoneInfo("Asia/Shanghai")
BOUND = re.compile(r'updated (>=|<) "([^"]+)"')
# id → category, as the site's workflows have them.
CATEGORIES = {
    "1": "new", "3": "indeterminate", "5": "done", "6": "done", "10000": "new", "10020": "new",
    "10029": "new", "10033": "new", "10068": "done", "10074": "indeterminate",
    "10075": "indeterminate", "10084": "indeterminate", "10091": "indeterminate",
    "10141": "indeterminate",
}  # fmt: skip


def payloads(name: str) -> list[dict[str, Any]]:
    lines = (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


class Replay(Vendor):
    """The recorded issues behind Jira's addresses, seven a page."""

    routes = (
        ("GET", r"/rest/api/3/myself", "myself"),
        ("GET", r"/rest/api/3/field", "fields"),
        ("GET", r"/rest/api/3/status", "statuses"),
        ("GET", r"/rest/api/3/project/search", "projects"),
        ("POST", r"/rest/api/3/search/jql", "search"),
        ("POST", r"/rest/api/3/changelog/bulkfetch", "change_logs"),
        ("POST", r"/rest/api/3/issue/bulkfetch", "fetch"),
    )

    def __init__(self) -> None:
        super().__init__(datetime.fromisoformat("2026-01-01"))
        self.issues = [line["payload"] for line in payloads("issues")]

    def myself(self, request: Request) -> Response:
        return Response({"accountId": "1", "timeZone": ZONE.key})

    def fields(self, request: Request) -> Response:
        return Response([{"id": "components", "name": "Components"}])

    def statuses(self, request: Request) -> Response:
        return Response(
            [{"id": i, "statusCategory": {"key": key}} for i, key in CATEGORIES.items()]
        )

    def projects(self, request: Request) -> Response:
        found = {i["fields"]["project"]["key"]: i["fields"]["project"] for i in self.issues}
        return Response({"values": [*found.values()], "startAt": 0, "total": 2, "isLast": True})

    def search(self, request: Request) -> Response:
        body = request.json()
        project = re.search(r'project = "(\w+)"', body["jql"])
        assert project
        bounds = [
            (than, datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=ZONE))
            for than, text in BOUND.findall(body["jql"])
        ]
        found = [
            issue
            for issue in self.issues
            if issue["fields"]["project"]["key"] == project[1]
            and all((_updated(issue) >= at) == (than == ">=") for than, at in bounds)
        ]
        start = int(body.get("nextPageToken", 0))
        rest = {"nextPageToken": str(start + 7)} if len(found) > start + 7 else {}
        held = [{k: v for k, v in issue.items() if k != "changelog"} for issue in found]
        return Response({"issues": held[start : start + 7], **rest})

    def change_logs(self, request: Request) -> Response:
        asked = request.json()["issueIdsOrKeys"]
        logs = [
            {"issueId": issue["id"], "changeHistories": issue["changelog"]["histories"]}
            for issue in self.issues
            if issue["id"] in asked
        ]
        return Response({"issueChangeLogs": logs})

    def fetch(self, request: Request) -> Response:
        asked = request.json()["issueIdsOrKeys"]
        return Response({"issues": [i for i in self.issues if i["id"] in asked]})


def _updated(issue: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(issue["fields"]["updated"])


def test_real_issues_land_and_are_what_they_were(tmp_path: Path) -> None:
    """Worked out by hand from the payloads: local times are UTC+8."""
    lake = Lake(tmp_path)
    lake.ensure(STREAMS)
    with Replay() as server:
        settings = JiraSettings(
            base_url=server.url,
            email="reader@example.com",
            token="token",  # noqa: S106
            since=date(2020, 1, 1),
            issue_types={"缺陷": "bug", "故事": "story"},
        )
        until = datetime(2022, 8, 1, tzinfo=UTC)
        outcomes = [*extract(lake, Identity("salt"), settings, since=None, until=until)]
    assert {o.status for o in outcomes} <= {"landed", "unchanged"}, outcomes
    assert not [*lake.quarantine_folder(ISSUES).glob("*")]
    rows = {
        row["issue_key"]: row
        for scope in ("EE", "K5")
        for row in lake.current(ISSUES, scope).to_pylist()
    }
    assert len(rows) == 33
    assert lake.current(ISSUE_KEYS, "EE").num_rows == 30
    expected: dict[str, tuple[Any, ...]] = {
        # type, level, parent, labels, created, begun, resolved, reopened
        "EE-1": (
            "story", 0, None, "frontEnd;Saas", "2020-06-12T00:13:13.360",
            "2020-06-12T03:38:39.785", "2020-06-19T06:31:18.495", 0,
        ),  # its last status says "new": the workflow's change mapped it, nobody reopened it
        "EE-2": (
            "story", 0, None, "frontEnd;Saas", "2020-06-12T00:15:36.123", None,
            "2020-06-23T10:20:58.999", 0,
        ),
        "EE-16": (
            "任务", 0, None, None, "2020-06-12T00:24:49.017", None, "2020-06-15T09:01:44.159", 0,
        ),
        "EE-20": (
            "story", 0, None, None, "2020-06-12T00:29:43.677", None, "2020-06-17T07:25:54.370", 0,
        ),
        "EE-23": (
            "bug", 0, None, None, "2020-06-12T00:33:57.204", "2020-06-12T01:27:39.141",
            "2020-06-15T09:07:56.798", 0,
        ),
        "EE-25": (
            "子任务", -1, "10063", None, "2020-06-12T00:40:54.210", "2020-06-12T07:07:26.139",
            "2020-06-18T04:02:22.350", 0,
        ),
        "K5-2": ("story", 0, "20707", None, "2022-07-15T22:29:49.026", None, None, 0),
        "K5-4": ("epic", 1, None, None, "2022-07-15T22:31:15.981", None, None, 0),
    }  # fmt: skip
    names = (
        "issue_type", "hierarchy_level", "parent_issue_id", "labels", "created_at", "started_at",
        "resolved_at", "reopened_count",
    )  # fmt: skip
    assert {row["reopened_count"] for row in rows.values()} == {0}
    for key, values in expected.items():
        row = rows[key]
        shown = [row[n].isoformat(timespec="milliseconds") if n.endswith("_at") and row[n]
                 else row[n] for n in names]  # fmt: skip
        assert shown == [*values], key


def test_real_change_logs_give_their_moves() -> None:
    """13954: begun on 5 March 2021 at 10:14:45.316 there, done on 7 April at 13:15:32.935."""
    logs = [line for line in payloads("issue_changelogs") if line["input"]["issue_id"] == 13954]
    histories = [line["payload"] for line in logs]
    moves = [*records.moves({"issueId": "13954", "changeHistories": histories})]
    policy = records.Policy(CATEGORIES, frozenset({"indeterminate"}), {}, {})
    status = records.Status(id="10068", statusCategory=records.StatusCategory(key="done"))
    lived = records.life(datetime.fromisoformat("2021-03-01"), status, moves, policy)
    assert lived.started_at == datetime.fromisoformat("2021-03-05T02:14:45.316")
    assert lived.done_at == datetime.fromisoformat("2021-04-07T05:15:32.935")
    assert (lived.reopened_count, lived.unknown) == (0, frozenset())
