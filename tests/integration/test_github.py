"""GitHub over real sockets: the lake ends up with the company's changes, whatever happens."""

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from orchestration.identity import Identity
from orchestration.lake import Lake, Outcome, Stream
from orchestration.simulation import simulate
from orchestration.simulation.records import (
    CiRun,
    Commit,
    Company,
    Deployment,
    Issue,
    PullRequest,
    PullRequestCommit,
    Review,
    Service,
)
from orchestration.simulation.vendors import github_objects
from orchestration.simulation.vendors._people import login
from orchestration.simulation.vendors._server import (
    FAULTS,
    FaultKind,
    Faults,
    Limit,
    Request,
    Response,
)
from orchestration.simulation.vendors.github import App, Github
from orchestration.simulation.worlds import WORLDS
from orchestration.systems.github import GitHubSettings, check, client, extract, reading
from orchestration.systems.github.streams import (
    COMMITS,
    DEPLOYMENT_STATUSES,
    DEPLOYMENTS,
    IDENTITIES,
    ISSUES,
    PULL_REQUEST_COMMITS,
    PULL_REQUESTS,
    REPOSITORIES,
    REVIEWS,
    SERVICES,
    STREAMS,
    WORKFLOW_RUNS,
)

START = datetime.fromisoformat("2026-01-01")
NOW = datetime.fromisoformat("2026-03-01")
IDENTITY = Identity("salt")
WEB, API = "example/web", "example/api"
Serve = Callable[..., Github]
Rows = list[dict[str, Any]]
Told = dict[str, Outcome]


class Desk:
    """A lake, and somebody who reads a GitHub into it."""

    def __init__(self, home: Path) -> None:
        self.lake = Lake(home)
        self.lake.ensure(STREAMS)

    def read(self, server: Github, *, until: datetime | None = None, **changes: Any) -> Told:
        run = {k: changes.pop(k) for k in ("full_refresh", "forget_missing") if k in changes}
        wanted: dict[str, Any] = {
            "base_url": server.url, "token": server.token, "organization": "example",
            "since": server.history.company.starts_on, "first_pause_seconds": 0.01,
        }  # fmt: skip
        settings = GitHubSettings(**wanted | changes)
        moment = (until or server.now).replace(tzinfo=UTC)
        found = extract(self.lake, IDENTITY, settings, since=None, until=moment, **run)
        return {outcome.scope: outcome for outcome in found}

    def rows(self, stream: Stream) -> Rows:
        """The stream as staging sees it, by key."""
        newest: dict[tuple[Any, ...], dict[str, Any]] = {}
        for batch in self.lake.batches(stream):
            for row in pq.read_table(batch.path).to_pylist():
                newest[tuple(row[k] for k in stream.key)] = row
        names = stream.schema.names
        return [
            {name: row[name] for name in names}
            for _, row in sorted(newest.items())
            if not row["_is_deleted"]
        ]

    def all(self) -> dict[str, Rows]:
        """Every stream."""
        return {stream.name: self.rows(stream) for stream in STREAMS}

    def batches(self) -> int:
        return sum(len(self.lake.batches(stream)) for stream in STREAMS)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers: list[Github] = []

    def start(company: Company, now: datetime | None = None, **changes: Any) -> Github:
        kind = changes.pop("kind", Github)
        servers.append(kind(company, now, **changes).__enter__())
        return servers[-1]

    yield start
    for server in servers:
        server.__exit__(None, None, None)


@pytest.fixture(scope="module")
def demo() -> Company:
    return simulate(WORLDS["demo"], 1, teams=4, months=3)


def company(pulls: int = 3, **feeds: Any) -> Company:
    """Two services in two repositories; pull requests of the first a day apart, merged after six
    hours, with a commit and a review each."""
    made = Company(
        "small", 1, START.date(), NOW,
        services=[Service("web", "Web", "team-web", WEB), Service("api", "API", "team-api", API)],
        pull_requests=[pull(n) for n in range(pulls)],
        commits=[commit(n) for n in range(pulls)],
        pull_request_commits=[PullRequestCommit(f"pr-{n}", f"{n:040x}") for n in range(pulls)],
        reviews=[
            Review(f"review-{n}", f"pr-{n}", opened(n) + timedelta(hours=2),
                   "person-0002@example.com", "approved", 1)
            for n in range(pulls)
        ],
    )  # fmt: skip
    return replace(made, **feeds)


def opened(number: int) -> datetime:
    return START + timedelta(days=number % 50, minutes=number // 50)


def pull(number: int, **fields: Any) -> PullRequest:
    usual = PullRequest(
        f"pr-{number}", WEB, opened(number), "person-0001@example.com", f"Change {number}",
        merged_at=opened(number) + timedelta(hours=6),
        closed_at=opened(number) + timedelta(hours=6), merge_commit_sha=f"{number + 10**6:040x}",
        additions=4, deletions=1, changed_files=3, test_files_changed=1,
        head_branch=f"feature/{number}",
    )  # fmt: skip
    return replace(usual, **fields)


def commit(number: int, **fields: Any) -> Commit:
    at = opened(number) - timedelta(minutes=30)
    usual = Commit(f"{number:040x}", WEB, at, "person-0001@example.com", at, 4, 1)
    return replace(usual, **fields)


def deployment(number: int, **fields: Any) -> Deployment:
    """Of the web service, a day apart, ten minutes each."""
    end = START + timedelta(days=number, hours=12)
    usual = Deployment(
        f"deploy-{number}", "web", "production", "success", end, end - timedelta(minutes=10),
        f"{number:040x}",
    )  # fmt: skip
    return replace(usual, **fields)


def staged(server: Github, kind: str, company_id: str) -> str:
    return server.staged_ids[kind, company_id].removeprefix("github:")


def by(rows: Rows, *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in names) for row in rows]


def expected_pull_requests(server: Github, company: Company) -> Rows:
    commits = {c.commit_sha: c for c in company.commits}
    first: dict[str, list[datetime]] = {}
    for link in company.pull_request_commits:
        if link.commit_sha in commits:
            first.setdefault(link.pull_request_id, []).append(commits[link.commit_sha].authored_at)
    rows = [
        {
            "pull_request_id": staged(server, "pull_request", p.pull_request_id),
            "repository": p.repository,
            "author_id": IDENTITY.person(login(p.author), "github") if p.author else None,
            "merge_commit_sha": p.merge_commit_sha if p.merged_at else None,
            "labels": ";".join(p.labels) or None,
            "additions": p.additions or 0,
            "deletions": p.deletions or 0,
            "changed_file_count": p.changed_files or 0,
            "test_file_count": None if p.changed_files is None else p.test_files_changed,
            "author_is_bot": "[bot]" in (p.author or ""),
            "is_revert": (p.title or "").lower().startswith("revert"),
            "is_hotfix": (p.head_branch or "").startswith("hotfix/"),
            "first_commit_at": min(first.get(p.pull_request_id, []), default=None),
            "created_at": p.created_at,
            "ready_at": p.ready_at,
            "merged_at": p.merged_at,
            "closed_at": p.closed_at or p.merged_at,
        }
        for p in company.pull_requests
    ]
    return sorted(rows, key=lambda row: str(row["pull_request_id"]))


def same(rows: Rows, expected: Rows) -> None:
    """Each expected column is as expected."""
    names = list(expected[0])
    assert by(rows, *names) == by(expected, *names)


def test_everything_of_the_company_is_there_record_by_record(
    desk: Desk, serve: Serve, demo: Company
) -> None:
    server = serve(demo, issues=True, incidents_as_issues=True)
    told = desk.read(server)
    assert {o.status for o in told.values()} == {"landed"}, told
    same(desk.rows(PULL_REQUESTS), expected_pull_requests(server, demo))
    commits = {c.commit_sha: c for c in demo.commits}
    links = sorted(
        (staged(server, "pull_request", link.pull_request_id), link.commit_sha)
        for link in demo.pull_request_commits
        if link.commit_sha in commits
    )
    assert by(desk.rows(PULL_REQUEST_COMMITS), "pull_request_id", "commit_sha") == links
    for row in desk.rows(COMMITS):
        known = commits.get(row["commit_sha"])
        if known is not None:
            assert row["repository"] == known.repository
            assert row["author_id"] == IDENTITY.person(known.author, "github")
            assert (row["additions"], row["deletions"]) == (known.additions, known.deletions)
            assert row["authored_at"] == known.authored_at
    assert commits.keys() >= {sha for _, sha in links}
    reviews = sorted(
        (
            staged(server, "review", r.review_id),
            staged(server, "pull_request", r.pull_request_id),
            IDENTITY.person(login(r.reviewer or ""), "github"),
            r.state or "commented",
            r.comment_count or 0,
            r.submitted_at,
        )
        for r in demo.reviews
    )
    names = ("review_id", "pull_request_id", "reviewer_id", "state", "comment_count",
             "submitted_at")  # fmt: skip
    assert by(desk.rows(REVIEWS), *names) == reviews
    deployments = sorted(
        (
            staged(server, "deployment", d.deployment_id), d.service_id, d.environment, d.status,
            d.started_at, d.finished_at, d.is_rollback or False, d.is_unplanned or False,
            d.remediates_incident_id, True,
        )
        for d in demo.deployments
    )  # fmt: skip
    names = ("deployment_id", "service_id", "environment", "status", "started_at", "finished_at",
             "is_rollback", "is_unplanned", "remediates_incident_id", "is_dated")  # fmt: skip
    assert by(desk.rows(DEPLOYMENTS), *names) == deployments
    runs = sorted(
        (staged(server, "ci_run", r.ci_run_id), r.repository, r.conclusion, r.attempt or 1,
         r.started_at, r.finished_at)
        for r in demo.ci_runs
    )  # fmt: skip
    names = ("run_id", "repository", "conclusion", "attempt", "started_at", "finished_at")
    assert by(desk.rows(WORKFLOW_RUNS), *names) == runs
    issues = {
        staged(server, "issue", i.issue_id): (i.issue_type, i.created_at, i.resolved_at,
                                              i.reopened_count or 0, False)
        for i in demo.issues
        if ("issue", i.issue_id) in server.staged_ids
    } | {
        staged(server, "incident", i.incident_id): ("incident", i.opened_at, i.resolved_at, 0,
                                                    True)
        for i in demo.incidents
    }  # fmt: skip
    names = ("issue_type", "created_at", "closed_at", "reopened_count", "is_incident")
    found = desk.rows(ISSUES)
    assert {row["issue_id"]: by([row], *names)[0] for row in found} == issues
    people = {m.person for m in demo.team_memberships}
    people |= {p.author for p in demo.pull_requests if p.author and "@" in p.author}
    people |= {r.reviewer for r in demo.reviews if r.reviewer and "@" in r.reviewer}
    assert by(desk.rows(IDENTITIES), "handle_id", "person_id") == sorted(
        (IDENTITY.person(login(p), "github"), IDENTITY.person(p, "files")) for p in people
    )
    deployed = {d.service_id for d in demo.deployments}
    repositories: dict[str, str] = {}
    for service in demo.services:
        repositories.setdefault(service.repository or "", service.team_id or "")
    assert by(desk.rows(SERVICES), "service_id", "repository", "team_id") == sorted(
        (s.service_id, s.repository, repositories[s.repository or ""])
        for s in demo.services
        if s.service_id in deployed
    )


def test_second_run_asks_for_the_list_only_and_lands_nothing(desk: Desk, serve: Serve) -> None:
    server = serve(company())
    desk.read(server)
    before, batches, asked = desk.all(), desk.batches(), len(server.requests)
    told = desk.read(server)
    assert {o.status for o in told.values()} == {"unchanged"}
    assert (desk.all(), desk.batches()) == (before, batches)
    assert len(server.requests) - asked == 3  # repositories, teams, identities


def test_idle_repositories_cost_one_question_for_a_hundred(desk: Desk, serve: Serve) -> None:
    services = [Service(f"s{n}", repository=f"example/r{n:04}") for n in range(250)]
    services.append(Service("web", repository=WEB))
    server = serve(company(services=services))
    told = desk.read(server)
    assert len(told) == 252
    assert len(server.requests) == 3 + 2 + 3  # lists; teams, identities; web: changes, runs, owners
    assert {b.scope for b in desk.lake.batches(PULL_REQUESTS)} == {str(server.by_name[WEB].id)}
    assert len(desk.rows(REPOSITORIES)) == 251


def test_what_changes_later_is_read_and_nothing_else_is(desk: Desk, serve: Serve) -> None:
    """Ten changes a day apart, deployed at noon; seen first after five days and a bit."""
    made = company(
        10,
        deployments=[deployment(n) for n in range(10)],
        ci_runs=[CiRun(f"ci-{n}", WEB, opened(n), "success", opened(n)) for n in range(10)],
    )
    server = serve(made, START + timedelta(days=4, hours=3))
    desk.read(server)
    assert [row["merged_at"] is None for row in desk.rows(PULL_REQUESTS)] == [False] * 4 + [True]
    assert len(desk.rows(REVIEWS)) == 5
    for _ in range(4):
        server.now += timedelta(days=2)
        desk.read(server)
    fresh = Desk(desk.lake.home / "fresh")
    fresh.read(server)
    assert desk.all() == fresh.all()
    same(desk.rows(PULL_REQUESTS), expected_pull_requests(server, made))


def test_at_most_60_requests_for_2500_pull_requests_with_reviews_and_commits(
    desk: Desk, serve: Serve
) -> None:
    server = serve(company(2500))
    desk.read(server)
    assert len(desk.rows(PULL_REQUESTS)) == len(desk.rows(REVIEWS)) == 2500
    asked = [r for r in server.requests if b"pullRequests(first: $first" in r.body]
    assert len(asked) <= 1.2 * 2500 / 50
    assert len(server.requests) <= 1.2 * 2500 / 50


def test_nested_lists_are_read_to_their_end(desk: Desk, serve: Serve) -> None:
    """A change with 230 commits, 120 reviews and 310 files, among others."""
    made = company(3)
    made.pull_requests[1] = pull(1, changed_files=310, test_files_changed=205)
    for n in range(100, 329):
        made.commits.append(commit(1, commit_sha=f"{n:040x}"))
        made.pull_request_commits.append(PullRequestCommit("pr-1", f"{n:040x}"))
    for n in range(100, 219):
        when = opened(1) + timedelta(hours=3, seconds=n)
        made.reviews.append(Review(f"review-{n}", "pr-1", when, "person-0003@example.com"))
    server = serve(made)
    desk.read(server)
    rows = {row["number"]: row for row in desk.rows(PULL_REQUESTS)}
    assert (rows[2]["changed_file_count"], rows[2]["test_file_count"]) == (310, 205)
    counts = {"commits": 0, "reviews": 0}
    key = rows[2]["pull_request_id"]
    counts["commits"] = sum(r["pull_request_id"] == key for r in desk.rows(PULL_REQUEST_COMMITS))
    counts["reviews"] = sum(r["pull_request_id"] == key for r in desk.rows(REVIEWS))
    assert counts == {"commits": 230, "reviews": 120}


def test_page_that_is_too_heavy_is_halved_until_it_is_not(desk: Desk, serve: Serve) -> None:
    """The vendor answers 502 to more than 7 at a time: 50, 25, 12, then 6."""
    made = company(40)
    server = serve(made, heavy_first=7)
    assert desk.read(server)[WEB].status == "landed"
    same(desk.rows(PULL_REQUESTS), expected_pull_requests(server, made))


def test_change_that_moves_while_one_reads_is_neither_lost_nor_doubled(
    desk: Desk, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the first of two pages time goes on, and its last row is merged: it moves behind."""
    monkeypatch.setattr(client, "LARGEST_PAGE", 2)
    made = company(4)
    late = opened(40)
    made.pull_requests[1] = pull(1, merged_at=late, closed_at=late)

    class Moving(Github):
        def graphql(self, request: Any) -> Any:
            response = super().graphql(request)
            if b"pullRequests(first: $first" in request.body:
                self.now = NOW
            return response

    server = serve(made, opened(10), kind=Moving)
    desk.read(server)
    same(desk.rows(PULL_REQUESTS), expected_pull_requests(server, made))


def test_killed_first_reading_goes_on_where_it_was(
    desk: Desk, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages of 10, committed every 20, killed in the fourth: the next run begins with the third."""
    monkeypatch.setattr(client, "LARGEST_PAGE", 10)
    monkeypatch.setattr(reading, "COMMITTED_EVERY", 20)
    made = company(45)
    server = serve(made)
    ask, asked = client.Client.ask, []

    def ask_and_die(self: client.Client, query: str, variables: Any) -> Any:
        if "pullRequests(first: $first" in query:
            asked.append(variables)
            if len(asked) == 4:
                raise KeyboardInterrupt
        return ask(self, query, variables)

    with monkeypatch.context() as patched:
        patched.setattr(client.Client, "ask", ask_and_die)
        with pytest.raises(KeyboardInterrupt):
            desk.read(server)
    assert len(desk.rows(PULL_REQUESTS)) == 20
    monkeypatch.setattr(client.Client, "ask", lambda s, q, v: asked.append(v) or ask(s, q, v))
    asked.clear()
    desk.read(server)
    same(desk.rows(PULL_REQUESTS), expected_pull_requests(server, made))
    assert len([v for v in asked if "first" in v and v["first"] == 10]) == 3


def test_cursor_that_is_not_accepted_any_more_means_from_the_beginning(
    desk: Desk, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = company(8)
    server = serve(made, opened(5))
    desk.read(server)
    original = reading.Bookmark.parse
    monkeypatch.setattr(
        reading.Bookmark, "parse", lambda text: replace(original(text), cursor="bm90IG9uZQ==")
    )
    server.now = NOW
    assert desk.read(server)[WEB].status == "landed"
    same(desk.rows(PULL_REQUESTS), expected_pull_requests(server, made))


def test_cursor_that_leads_to_another_place_means_from_the_beginning(
    desk: Desk, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bookmark says that what follows is newer than it is."""
    made = company(8)
    server = serve(made, opened(5))
    desk.read(server)
    original = reading.Bookmark.parse
    monkeypatch.setattr(
        reading.Bookmark, "parse",
        lambda text: replace(original(text), through="2026-02-20T00:00:00Z"),
    )  # fmt: skip
    server.now = NOW
    desk.read(server)
    same(desk.rows(PULL_REQUESTS), expected_pull_requests(server, made))


def test_lost_batch_is_noticed_by_counting(desk: Desk, serve: Serve) -> None:
    """A batch in the middle broke and was set aside: what it held is read again."""
    made = company(8)
    server = serve(made, opened(2))
    desk.read(server)
    server.now = opened(5)
    desk.read(server)
    batches = desk.lake.batches(PULL_REQUESTS)
    batches[0].path.write_bytes(b"broken")
    server.now = NOW
    desk.read(server)
    same(desk.rows(PULL_REQUESTS), expected_pull_requests(server, made))


def test_pull_request_that_a_cursor_passed_over_is_noticed_by_counting(
    desk: Desk, serve: Serve
) -> None:
    """The second page is given without one of its rows, and counted with it."""
    made = company(8)

    class Forgetful(Github):
        forgets = True

        def graphql(self, request: Any) -> Any:
            response = super().graphql(request)
            if b"pullRequests(first: $first" in request.body and self.forgets:
                found = response.body["data"]["repository"]["pullRequests"]
                found["nodes"] = [n for n in found["nodes"] if n["title"] != "Change 3"]
            return response

    server = serve(made, opened(5), kind=Forgetful)
    told = desk.read(server)
    assert told[WEB].status == "warning"
    assert "GitHub counts 1 more pullRequests than it gives" in told[WEB].message
    server.forgets = False  # type: ignore[attr-defined]
    assert desk.read(server, full_refresh=True)[WEB].status == "landed"
    assert len(desk.rows(PULL_REQUESTS)) == 5


def test_before_the_first_day_nothing_is_read_but_dates(desk: Desk, serve: Serve) -> None:
    """300 changes of 50 days, from day 48 on: 2 × 6 of them, and a page has room for more."""
    made = company(300)
    server = serve(made)
    old = server.by_name[WEB]
    old.created = START - timedelta(days=400)
    since = (START + timedelta(days=48)).date()
    desk.read(server, since=since)
    numbers = {row["created_at"].date() for row in desk.rows(PULL_REQUESTS)}
    assert {(START + timedelta(days=d)).date() for d in (48, 49)} <= numbers
    assert len(desk.rows(PULL_REQUESTS)) < 110
    server.now += timedelta(days=1)
    asked = len(server.requests)
    assert {o.status for o in desk.read(server, since=since).values()} == {"unchanged"}
    assert len(server.requests) - asked < 6


def test_deployment_that_was_superseded_counts_from_its_first_success(
    desk: Desk, serve: Serve
) -> None:
    """Seen when it had just succeeded, again when inactive, and 100 days on, when the vendor has
    deleted its statuses."""
    made = company(deployments=[deployment(0), deployment(9)])
    server = serve(made, START + timedelta(days=1), statuses_kept_days=90)
    desk.read(server)
    first = desk.rows(DEPLOYMENTS)
    assert by(first, "status", "finished_at") == [("success", START + timedelta(hours=12))]
    for later in (10, 110):
        server.now = START + timedelta(days=later)
        desk.read(server, full_refresh=later == 110)
        assert desk.rows(DEPLOYMENTS)[0] == first[0]
    assert len(desk.rows(DEPLOYMENT_STATUSES)) == 2 + 1 + 2


def test_deployment_that_ends_weeks_later_is_still_seen(desk: Desk, serve: Serve) -> None:
    """Asked for by itself: the list is read on from 14 days ago."""
    end = START + timedelta(days=40)
    made = company(deployments=[deployment(0, finished_at=end), deployment(35)])
    server = serve(made, START + timedelta(days=20))
    desk.read(server)
    assert desk.rows(DEPLOYMENTS)[0]["status"] is None
    for day in (36, 41):
        server.now = START + timedelta(days=day)
        desk.read(server)
    assert by(desk.rows(DEPLOYMENTS)[:1], "status", "finished_at") == [("success", end)]


def test_deployments_may_be_workflow_runs(desk: Desk, serve: Serve) -> None:
    runs = [
        CiRun(f"ci-{n}", WEB, START + timedelta(days=n), word, START + timedelta(days=n, hours=1))
        for n, word in enumerate(("success", "failure", "skipped"))
    ]
    server = serve(company(ci_runs=runs))
    policy = {"from": "workflow_runs", "workflow": "."}
    desk.read(server, deployments=policy, services={WEB: "storefront"})
    assert by(desk.rows(DEPLOYMENTS), "service_id", "status", "finished_at") == [
        ("storefront", "success", START + timedelta(hours=1)),
        ("storefront", "failure", START + timedelta(days=1, hours=1)),
    ]
    assert by(desk.rows(SERVICES), "service_id", "team_id") == [("storefront", "team-web")]


def test_other_policy_replaces_what_the_one_before_called_deployments(
    desk: Desk, serve: Serve
) -> None:
    server = serve(company(deployments=[deployment(0), deployment(1, status="failure")]))
    desk.read(server)
    assert by(desk.rows(DEPLOYMENTS), "status") == [("success",), ("failure",)]
    server.now += timedelta(hours=1)
    desk.read(server, deployments={"from": "releases", "environment": "live"})
    rows = desk.rows(DEPLOYMENTS)
    assert by(rows, "status", "environment", "service_id") == [("success", "live", WEB)]
    assert rows[0]["deployment_id"].startswith("release-")
    server.now += timedelta(hours=1)
    desk.read(server)
    assert by(desk.rows(DEPLOYMENTS), "status") == [("success",), ("failure",)]


def test_more_runs_than_a_list_gives_are_asked_for_in_slices(desk: Desk, serve: Serve) -> None:
    """2,600 runs in two days; the vendor gives the first 1,000 of any list and says no word."""
    runs = [
        CiRun(f"ci-{n}", WEB, START + timedelta(minutes=n), "success",
              START + timedelta(minutes=n + 1))
        for n in range(2600)
    ]  # fmt: skip
    server = serve(company(ci_runs=runs))
    desk.read(server)
    assert len(desk.rows(WORKFLOW_RUNS)) == 2600


def test_other_labels_for_incidents_read_issues_again(desk: Desk, serve: Serve) -> None:
    issues = [
        Issue(f"issue-{n}", "bug", START + timedelta(days=n), service_id="web", labels=(label,))
        for n, label in enumerate(("outage", "slow"))
    ]
    server = serve(company(issues=issues), issues=True)
    desk.read(server)
    assert by(desk.rows(ISSUES), "is_incident") == [(False,), (False,)]
    server.now += timedelta(hours=1)
    desk.read(server, incident_labels=["outage"])
    assert by(desk.rows(ISSUES), "is_incident") == [(True,), (False,)]


def test_issues_that_a_pull_request_closes_are_linked(desk: Desk, serve: Serve) -> None:
    issue = Issue("issue-0", "bug", START, service_id="web", pull_request_ids=("pr-1",))
    server = serve(company(issues=[issue]), issues=True)
    desk.read(server)
    linked = [row["closing_issue_ids"] for row in desk.rows(PULL_REQUESTS)]
    assert linked == [None, staged(server, "issue", "issue-0"), None]


def test_issue_types_that_a_server_does_not_know_are_done_without(desk: Desk, serve: Serve) -> None:
    class Older(Github):
        def graphql(self, request: Any) -> Any:
            if b"issueType" in request.body:
                message = "Field 'issueType' doesn't exist on type 'Issue'"
                error = {
                    "message": message, "path": ["query", "repository", "issues"],
                    "extensions": {"code": "undefinedField", "fieldName": "issueType"},
                    "locations": [{"line": 1, "column": 1}],
                }  # fmt: skip
                return Response({"errors": [error]})
            return super().graphql(request)

    issues = [Issue("issue-0", "bug", START, service_id="web", labels=("bug",))]
    server = serve(company(issues=issues), issues=True, kind=Older)
    assert desk.read(server)[WEB].status == "landed"
    assert by(desk.rows(ISSUES), "issue_type") == [("bug",)]


def test_renamed_repository_keeps_its_history_under_one_name(desk: Desk, serve: Serve) -> None:
    made = company(8, deployments=[deployment(n) for n in range(3)])
    server = serve(made, opened(5))
    desk.read(server)
    asked = len(server.requests)
    server.rename(WEB, "example/storefront")
    server.now += timedelta(minutes=1)
    told = desk.read(server)
    assert set(told) == {"example", API, "example/storefront"}
    for stream in (PULL_REQUESTS, COMMITS, REVIEWS, PULL_REQUEST_COMMITS, DEPLOYMENTS, SERVICES):
        assert {row["repository"] for row in desk.rows(stream)} == {"example/storefront"}, stream
    assert len(server.requests) - asked < 10  # nothing is read anew
    server.now = NOW
    desk.read(server)
    moved = [replace(p, repository="example/storefront") for p in made.pull_requests]
    same(
        desk.rows(PULL_REQUESTS), expected_pull_requests(server, replace(made, pull_requests=moved))
    )


def test_former_name_in_the_configuration_finds_the_repository(desk: Desk, serve: Serve) -> None:
    server = serve(company())
    server.rename(WEB, "example/storefront")
    told = desk.read(server, organization=None, repositories=[WEB])
    assert set(told) == {"example/storefront"}
    assert {row["repository"] for row in desk.rows(PULL_REQUESTS)} == {"example/storefront"}


@pytest.mark.parametrize("way", ["deleted", "hidden", "excluded"])
def test_repository_that_is_gone_keeps_what_it_gave_until_told_to_forget(
    way: str, desk: Desk, serve: Serve
) -> None:
    server = serve(company())
    desk.read(server)
    before = desk.all()
    changes = {"exclude": ["we*"]} if way == "excluded" else {}
    if way == "deleted":
        server.delete(WEB)
    elif way == "hidden":
        server.hidden = frozenset({WEB})
    told = desk.read(server, **changes)
    assert told[WEB].status == "missing"
    assert desk.all() == before
    assert desk.read(server, forget_missing=True, **changes)[WEB].status == "landed"
    assert desk.rows(PULL_REQUESTS) == []
    assert by(desk.rows(REPOSITORIES), "repository") == [(API,)]
    assert WEB not in desk.read(server, **changes)


def test_forgotten_repository_that_comes_back_is_read_from_the_beginning(
    desk: Desk, serve: Serve
) -> None:
    server = serve(company())
    desk.read(server)
    before = desk.rows(PULL_REQUESTS)
    server.hidden = frozenset({WEB})
    desk.read(server, forget_missing=True)
    server.hidden = frozenset()
    desk.read(server)
    assert desk.rows(PULL_REQUESTS) == before


def test_archived_repository_is_read_too(desk: Desk, serve: Serve) -> None:
    server = serve(company())
    server.archive(WEB)
    desk.read(server)
    assert len(desk.rows(PULL_REQUESTS)) == 3
    assert by(desk.rows(REPOSITORIES), "is_archived") == [(False,), (True,)]


def test_credential_that_sees_no_repository_is_told_and_forgets_nothing(
    desk: Desk, serve: Serve
) -> None:
    server = serve(company())
    desk.read(server)
    before = desk.all()
    server.hidden = frozenset({WEB, API})
    told = desk.read(server, forget_missing=True)
    assert told["example"].status == "warning"
    assert "none of its repositories may be seen" in told["example"].message
    assert desk.all() == before
    settings = GitHubSettings(base_url=server.url, token=server.token, organization="example")
    assert "none of its repositories may be seen" in " ".join(o.message for o in check(settings))


@pytest.mark.parametrize(
    "torn", [None, "x", 7, [], {}, {"repositories": {"nodes": 7, "pageInfo": "x"}}]
)
def test_list_of_repositories_of_another_form_is_one_line(
    torn: Any, desk: Desk, serve: Serve
) -> None:
    server = serve(company())
    right = server.answer

    def answer(request: Request) -> Response:
        response = right(request)
        if b"organization(" in request.body:
            response.body = {"data": {"organization": torn}}
        return response

    server.answer = answer  # type: ignore[method-assign]
    told = desk.read(server)
    assert told["example"].status == "failed"
    assert "another form than documented" in told["example"].message
    server.answer = right  # type: ignore[method-assign]
    desk.read(server)
    assert len(desk.rows(PULL_REQUESTS)) == 3


def test_repository_that_is_named_and_not_there_hides_no_other(desk: Desk, serve: Serve) -> None:
    server = serve(company())
    told = desk.read(server, organization=None, repositories=["example/nothing", WEB])
    assert (told["example/nothing"].status, told[WEB].status) == ("failed", "landed")
    assert "may not see it" in told["example/nothing"].message


@pytest.mark.parametrize("kind", FAULTS)
def test_every_fault_ends_in_the_right_rows_or_a_clear_error_and_then_the_right_rows(
    kind: FaultKind, desk: Desk, serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "LARGEST_PAGE", 10)
    made = company(
        40,
        deployments=[deployment(n) for n in range(6)],
        ci_runs=[CiRun(f"ci-{n}", WEB, opened(n), "success", opened(n)) for n in range(8)],
    )
    server = serve(made)
    right = Desk(tmp_path / "right")
    right.read(server)
    server.faults = Faults(rate=0.25, kinds=(kind,), seed=4, stall_seconds=0.05)
    told = [o for _ in range(2) for o in desk.read(server).values()]
    assert server.faults.happened, "no fault happened"
    for outcome in told:
        assert outcome.status != "failed" or len(outcome.message) > 20
        assert "\n" not in outcome.message
        assert server.token not in outcome.message
    server.faults = Faults()
    server.now += timedelta(minutes=1)
    final = desk.read(server)
    assert "failed" not in {o.status for o in final.values()}
    found, wanted = desk.all(), right.all()
    assert found == wanted


@pytest.mark.parametrize("limits", [{"points": 8}, {"core": 2}, {"limit": Limit(5, 0.1)}])
def test_limits_of_every_kind_are_waited_for(
    limits: dict[str, Any], desk: Desk, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "LARGEST_PAGE", 10)
    made = company(40, ci_runs=[CiRun("ci", WEB, START, "success", START)])
    server = serve(made, window_seconds=0.5, **limits)
    assert {o.status for o in desk.read(server).values()} == {"landed", "unchanged"}
    same(desk.rows(PULL_REQUESTS), expected_pull_requests(server, made))


def test_wrong_token_is_one_line_that_does_not_hold_it(
    desk: Desk, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server = serve(company())
    (outcome,) = desk.read(server, token="wrong-token").values()  # noqa: S106
    assert outcome.status == "failed"
    assert "credential is not accepted" in outcome.message
    assert "wrong-token" not in caplog.text + outcome.message
    assert desk.all() == {stream.name: [] for stream in STREAMS}


@pytest.mark.parametrize(
    ("lacks", "words", "streams"),
    [
        ("pull_requests", "Pull requests: read",
         {PULL_REQUESTS, PULL_REQUEST_COMMITS, COMMITS, REVIEWS}),
        ("deployments", "Deployments: read", {DEPLOYMENTS, DEPLOYMENT_STATUSES, SERVICES}),
        ("issues", "Issues: read", {ISSUES}),
        ("actions", "actions=read", {WORKFLOW_RUNS}),
        ("contents", "Contents: read", {SERVICES}),
    ],
)  # fmt: skip
def test_missing_permission_is_named_and_the_rest_lands(
    lacks: Any, words: str, streams: set[Stream], desk: Desk, serve: Serve
) -> None:
    """And once it is given, what was missing is read."""
    made = company(
        deployments=[deployment(0)], ci_runs=[CiRun("ci", WEB, START, "success", START)],
        issues=[Issue("PAY-1", "bug", START, service_id="web", pull_request_ids=("pr-0",))],
    )  # fmt: skip
    server = serve(made, lacks=frozenset({lacks}), issues=True)
    told = desk.read(server)
    assert told[WEB].status == "failed"
    assert words in told[WEB].message
    failed = desk.all()
    missing = {stream.name for stream in streams}
    assert {name for name, rows in failed.items() if not rows} == missing
    settings = GitHubSettings(base_url=server.url, token=server.token, organization="example")
    lines = [o.message for o in check(settings) if o.status == "failed"]
    assert lines
    assert all(words.partition("=")[0].lower() in line.lower() for line in lines)
    assert desk.read(server)[WEB].status == "failed"
    assert desk.all() == failed
    server.lacks = frozenset()
    assert desk.read(server)[WEB].status == "landed"
    fresh = Desk(desk.lake.home / "fresh")
    fresh.read(server)
    assert desk.all() == fresh.all()
    same(desk.rows(PULL_REQUESTS), expected_pull_requests(server, made))
    assert [row["closing_issue_ids"] is None for row in desk.rows(PULL_REQUESTS)].count(False) == 1


def test_releases_need_the_permission_for_contents(desk: Desk, serve: Serve) -> None:
    server = serve(company(deployments=[deployment(0)]), lacks=frozenset({"contents"}))
    told = desk.read(server, deployments={"from": "releases"})
    assert told[WEB].status == "failed"
    assert "releases: github: POST /graphql: the credential lacks Contents: read" in (
        told[WEB].message
    )
    assert len(desk.rows(PULL_REQUESTS)) == 3


def test_default_branch_of_another_name_reads_the_pull_requests_again(
    desk: Desk, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What went into the former default branch keeps its name as the base."""
    server = serve(company(3), bases={"pr-2": "trunk"})
    desk.read(server)
    assert merged(desk) == {1: True, 2: True, 3: False}
    monkeypatch.setattr(github_objects, "BRANCH", "trunk")
    desk.read(server)
    assert merged(desk) == {1: False, 2: False, 3: True}
    desk.read(server, branches=["main", "trunk"])
    assert merged(desk) == {1: True, 2: True, 3: True}


def test_two_missing_permissions_are_both_named(desk: Desk, serve: Serve) -> None:
    server = serve(company(), lacks=frozenset({"issues", "deployments"}))
    told = desk.read(server, organization=None, repositories=[WEB])
    assert told[WEB].status == "failed"
    assert "Issues: read" in told[WEB].message
    assert "Deployments: read" in told[WEB].message
    assert len(desk.rows(PULL_REQUESTS)) == 3


def test_list_that_nobodys_may_be_read_is_not_asked_of_every_repository(
    desk: Desk, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All 40 of them are failed, after three questions and those that were under way."""
    monkeypatch.setattr(client, "DENIED_AFTER", 3)
    services = [Service(f"s{n}", repository=f"example/r{n:02}") for n in range(40)]
    server = serve(company(services=services), lacks=frozenset({"issues"}))
    told = desk.read(server)
    failed = [o.message for o in told.values() if o.status == "failed"]
    assert len(failed) == 41  # the repository of the pull requests is one more
    assert all("Issues: read" in message for message in failed)
    asked = [r for r in server.requests if b"issues(first: $first" in r.body]
    assert 3 <= len(asked) <= 3 + 4
    assert len(desk.rows(PULL_REQUESTS)) == 3


def merged(desk: Desk) -> dict[int, bool]:
    """Number → whether it is for the main line."""
    return {row["number"]: row["is_for_mainline"] for row in desk.rows(PULL_REQUESTS)}


def test_merge_into_another_branch_is_none_of_the_main_line(desk: Desk, serve: Serve) -> None:
    """Of four, one is stacked on another one's branch, and one goes into a release."""
    made = company(4)
    server = serve(made, bases={"pr-1": "feature/0", "pr-2": "release/1.4"})
    told = desk.read(server)
    assert merged(desk) == {1: True, 2: False, 3: False, 4: True}
    assert "2 merged into another branch" in told[WEB].message
    assert told[WEB].status == "landed"
    same(desk.rows(PULL_REQUESTS), expected_pull_requests(server, made))
    assert {o.status for o in desk.read(server).values()} == {"unchanged"}


def test_branches_that_are_named_make_up_the_main_line(desk: Desk, serve: Serve) -> None:
    """Naming them reads everything again; a name that is not there is not the default one's."""
    server = serve(company(3), bases={"pr-1": "feature/0", "pr-2": "release/1.4"})
    desk.read(server)
    desk.read(server, branches=["main", "release/*"])
    assert merged(desk) == {1: True, 2: False, 3: True}
    desk.read(server, branches=["release/*"])
    assert merged(desk) == {1: False, 2: False, 3: True}
    desk.read(server)
    assert merged(desk) == {1: True, 2: False, 3: False}


def test_default_branch_is_known_without_the_permission_for_contents(
    desk: Desk, serve: Serve
) -> None:
    server = serve(company(2), bases={"pr-1": "feature/0"}, lacks=frozenset({"contents"}))
    desk.read(server)
    assert merged(desk) == {1: True, 2: False}


@pytest.mark.parametrize("lacks", ["saml", "members"])
def test_organization_permission_that_is_missing_is_a_remark(
    lacks: Any, desk: Desk, serve: Serve
) -> None:
    server = serve(company(), lacks=frozenset({lacks}))
    told = desk.read(server)
    assert told["example"].status == "warning"
    assert "of the organization: read" in told["example"].message
    assert told[WEB].status == "landed"
    assert len(desk.rows(PULL_REQUESTS)) == 3


def test_team_that_administers_owns_what_no_owners_file_names(desk: Desk, serve: Serve) -> None:
    made = company(deployments=[deployment(0)])
    made.teams = []
    server = serve(made, has_codeowners=False)
    desk.read(server)
    before = by(desk.rows(SERVICES), "service_id", "team_id")
    assert before in ([("web", None)], [("web", "team-web")])


def test_app_token_is_renewed_before_it_ends(
    desk: Desk, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tokens that last 5 minutes and a second are old after the first."""
    key = rsa.generate_private_key(65537, 2048)
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()  # fmt: skip
    public = (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )
    made = company(30)
    server = serve(made, app=App(7, 70, public, token_seconds=300.4), delay_seconds=0.1)
    app = {"id": 7, "installation_id": 70, "private_key": text.replace("\n", "\\n")}
    monkeypatch.setattr(client, "LARGEST_PAGE", 3)
    told = desk.read(server, token=None, app=app)
    assert told[WEB].status == "landed", told
    renewed = [r for r in server.requests if r.path.endswith("/access_tokens")]
    assert len(renewed) >= 2
    same(desk.rows(PULL_REQUESTS), expected_pull_requests(server, made))


def test_app_with_a_key_that_is_none_is_one_line(desk: Desk, serve: Serve) -> None:
    server = serve(company())
    app = {"id": 7, "installation_id": 70, "private_key": "no key"}
    (outcome,) = desk.read(server, token=None, app=app).values()
    assert outcome.status == "failed"
    assert "not an RSA key" in outcome.message
    assert "no key" not in outcome.message


def test_vendor_that_is_down_is_not_asked_for_every_repository(
    desk: Desk, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """40 repositories with something new; all questions after the list get 503."""

    class Down(Github):
        def answer(self, request: Any) -> Any:
            response = super().answer(request)
            if b"pullRequests(first: $first" in request.body or b"GET" in request.method.encode():
                response.status, response.body = 503, b""
            return response

    services = [Service(f"s{n}", repository=f"example/r{n:02}") for n in range(40)]
    pulls = [pull(n, repository=f"example/r{n:02}") for n in range(40)]
    server = serve(company(services=services, pull_requests=pulls), kind=Down)
    told = desk.read(server, first_pause_seconds=0.001)
    failed = [o for o in told.values() if o.status == "failed"]
    assert len(failed) == 40
    assert len(server.requests) < 150  # and not 40 × 2 × 6
    assert "not asked any more" in failed[-1].message


def test_check_tells_limits_and_repositories(serve: Serve) -> None:
    server = serve(company())
    settings = GitHubSettings(base_url=server.url, token=server.token, organization="example")
    told = list(check(settings))
    assert {o.status for o in told} == {"unchanged"}
    assert "5,000 of 5,000 graphql" in told[0].message
    assert {o.scope for o in told} == {"credential", WEB, API}
    wrong = settings.model_copy(update={"token": "wrong"})
    (outcome,) = check(wrong)
    assert (outcome.status, "not accepted" in outcome.message) == ("failed", True)


def test_what_comes_late_into_lists_is_not_lost(desk: Desk, serve: Serve) -> None:
    """Things show up to 40 minutes after they happen; read every eight hours and a bit."""
    made = company(
        4,
        deployments=[deployment(0), deployment(1)],
        ci_runs=[CiRun(f"ci-{n}", WEB, opened(n), "success", opened(n)) for n in range(4)],
    )
    server = serve(made, START + timedelta(hours=1), lag=timedelta(minutes=40))
    while server.now < START + timedelta(days=4):
        desk.read(server)
        server.now += timedelta(minutes=505)
    server.now = NOW
    desk.read(server)
    fresh = Desk(desk.lake.home / "fresh")
    fresh.read(server)
    assert desk.all() == fresh.all()


def test_no_person_and_no_word_is_in_the_lake_or_the_quarantine(desk: Desk, serve: Serve) -> None:
    made = company(3)
    made.pull_requests[0] = pull(0, title="Fix for person-0009@example.com, said Mallory")

    class Broken(Github):
        def graphql(self, request: Any) -> Any:
            response = super().graphql(request)
            if b"pullRequests(first: $first" in request.body:
                for node in response.body["data"]["repository"]["pullRequests"]["nodes"][:1]:
                    node["additions"] = "many"
            return response

    server = serve(made, kind=Broken)
    told = desk.read(server)
    assert "1 refused: additions" in told[WEB].message
    lines = [p.read_text() for p in desk.lake.home.rglob("*.jsonl")]
    record = json.loads(lines[0])
    assert record["record"]["number"] == 1
    everything = "".join(lines) + repr(desk.all())
    assert not [w for w in ("@", "Mallory", "p0001", "Change") if w in everything]
    assert len(desk.rows(PULL_REQUESTS)) == 2
