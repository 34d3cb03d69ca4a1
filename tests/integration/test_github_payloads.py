"""Real payloads of GitHub's REST API, put into GraphQL's form, served locally, and read.

They are not part of the project: set VALUEMAXX_PAYLOADS to a folder with github/*.jsonl in it.
"""

import json
import os
from collections import defaultdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from orchestration.identity import Identity
from orchestration.lake import Lake
from orchestration.simulation.vendors._server import Request, Response, Vendor
from orchestration.systems.github import GitHubSettings, extract
from orchestration.systems.github.streams import (
    ISSUES,
    PULL_REQUEST_COMMITS,
    PULL_REQUESTS,
    REVIEWS,
    STREAMS,
    WORKFLOW_RUNS,
)

FOLDER = Path(os.environ.get("VALUEMAXX_PAYLOADS", "nowhere")) / "github"
pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="VALUEMAXX_PAYLOADS names no folder with real payloads"
)
NOW = datetime.fromisoformat("2024-01-01")
REPOSITORY_ID = 7


def load(name: str) -> list[Any]:
    """Each payload once."""
    lines = (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    found = [(line["url"], line["payload"]) for line in map(json.loads, lines)]
    keys = {str(p.get("id") or (p["sha"], url)): (url, p) for url, p in found}
    return [{**payload, "_url": url} for url, payload in keys.values()]


def utc(text: str | None) -> str | None:
    """A recorded moment as GitHub writes it."""
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def actor(user: Any) -> Any:
    return user and {"__typename": user["type"], "login": user["login"].removesuffix("[bot]")}


def listed(items: list[Any]) -> Any:
    return {"pageInfo": {"hasNextPage": False, "endCursor": None}, "nodes": items}


def commit(payload: Any) -> Any:
    said = payload["commit"]
    return {
        "oid": payload["sha"], "message": said["message"],
        "authoredDate": utc(said["author"]["date"]),
        "committedDate": utc(said["committer"]["date"]),
        "author": {
            "name": said["author"]["name"], "email": said["author"]["email"],
            "user": payload["author"] and {"login": payload["author"]["login"]},
        },
        "committer": {k: said["committer"][k] for k in ("name", "email")},
    }  # fmt: skip


class Recorded(Vendor):
    """One repository with what was recorded."""

    routes = (("POST", "/graphql", "graphql"), ("GET", "/repos/.*/actions/runs", "runs"))

    def __init__(self) -> None:
        super().__init__(NOW)
        commits: dict[int, list[Any]] = defaultdict(list)
        for payload in load("pull_request_commits"):
            commits[int(payload["_url"].split("/pulls/")[1].split("/")[0])].append(payload)
        reviews: dict[int, list[Any]] = defaultdict(list)
        for payload in load("pull_request_reviews"):
            reviews[int(payload["pull_request_url"].rsplit("/", 1)[1])].append(payload)
        self.pulls = [self._pull(p, commits, reviews) for p in load("pull_requests")]
        self.pulls.sort(key=lambda pull: pull["updatedAt"])
        self.issues = [self._issue(p) for p in load("issues") if "pull_request" not in p]
        self.issues.sort(key=lambda issue: issue["updatedAt"])
        self.recorded_runs = [
            {k: v for k, v in p.items() if k != "_url"} for p in load("workflow_runs")
        ]

    def _pull(self, said: Any, commits: Any, reviews: Any) -> Any:
        return {
            "id": said["node_id"], "fullDatabaseId": str(said["id"]), "number": said["number"],
            "isDraft": said.get("draft", False), "title": said["title"], "body": said["body"],
            "headRefName": said["head"]["ref"], "baseRefName": said["base"]["ref"],
            **{name: utc(said[old]) for name, old in (
                ("createdAt", "created_at"), ("updatedAt", "updated_at"),
                ("closedAt", "closed_at"), ("mergedAt", "merged_at"))},
            "additions": said.get("additions", 0), "deletions": said.get("deletions", 0),
            "changedFiles": said.get("changed_files", 0), "author": actor(said["user"]),
            "mergeCommit": None, "labels": listed([{"name": la["name"]} for la in said["labels"]]),
            "files": None,
            "commits": listed([{"commit": commit(c)} for c in commits[said["number"]]]),
            "reviews": listed([
                {"fullDatabaseId": str(r["id"]), "state": r["state"],
                 "submittedAt": utc(r["submitted_at"]), "author": actor(r["user"]),
                 "comments": {"totalCount": 0}} for r in reviews[said["number"]]]),
            "closingIssuesReferences": listed([]), "timelineItems": listed([]),
        }  # fmt: skip

    def _issue(self, said: Any) -> Any:
        return {
            "id": said["node_id"], "fullDatabaseId": str(said["id"]), "number": said["number"],
            "createdAt": utc(said["created_at"]), "updatedAt": utc(said["updated_at"]),
            "closedAt": utc(said["closed_at"]),
            "labels": listed([{"name": la["name"]} for la in said["labels"]]),
            "timelineItems": listed([]), "issueType": None, "parent": None,
        }  # fmt: skip

    def graphql(self, request: Request) -> Response:
        """What is asked for, by the question's words."""
        query = request.json()["query"]
        found: dict[str, Any] = {"databaseId": REPOSITORY_ID}
        if "nameWithOwner" in query:
            found |= {
                "nameWithOwner": "acme/ants", "isArchived": False,
                "pushedAt": "2023-06-01T00:00:00Z",
                "createdAt": "2018-05-19T00:00:00Z", "defaultBranchRef": {"name": "master"},
                "pullRequests": self._few(self.pulls), "issues": self._few(self.issues),
                "deployments": {"totalCount": 0, "nodes": []},
            }  # fmt: skip
        elif "pullRequests(" in query:
            found["pullRequests"] = {**listed(self.pulls), "totalCount": len(self.pulls)}
        else:
            found["issues"] = {**listed(self.issues), "totalCount": len(self.issues)}
        return Response({"data": {"repository": found}})

    def _few(self, items: list[Any]) -> Any:
        newest = [{"updatedAt": items[-1]["updatedAt"]}]
        return {"totalCount": len(items), "nodes": newest}

    def runs(self, request: Request) -> Response:
        """All of them."""
        runs = self.recorded_runs
        return Response({"total_count": len(runs), "workflow_runs": runs})


def test_real_payloads_land_without_quarantine(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    lake.ensure(STREAMS)
    with Recorded() as server:
        settings = GitHubSettings(
            base_url=server.url,
            token="t",  # noqa: S106
            repositories=["acme/ants"],
        )
        (outcome,) = extract(
            lake, Identity("salt"), settings, since=date(2018, 1, 1), until=NOW.replace(tzinfo=UTC)
        )
    assert outcome.status == "landed", outcome.message
    scope = str(REPOSITORY_ID)
    counts = {s.name: lake.current(s, scope).num_rows for s in STREAMS}
    assert counts["pull_requests"] == len(server.pulls)
    assert counts["issues"] == len(server.issues)
    assert counts["workflow_runs"] == len(server.recorded_runs)
    assert counts["reviews"] == sum(len(p["reviews"]["nodes"]) for p in server.pulls)
    assert counts["pull_request_commits"] == sum(
        len({c["commit"]["oid"] for c in p["commits"]["nodes"]}) for p in server.pulls
    )
    for stream in (PULL_REQUESTS, PULL_REQUEST_COMMITS, REVIEWS, ISSUES, WORKFLOW_RUNS):
        assert "@" not in repr(lake.current(stream, scope).to_pylist())
