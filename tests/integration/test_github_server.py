"""The simulated GitHub answers as GitHub publishes that it does, through real sockets.

Expected values are worked out from the company's records.
"""

import json
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from graphql import execute, parse

from orchestration.simulation import simulate
from orchestration.simulation.records import Company, PullRequest
from orchestration.simulation.vendors import github_graphql
from orchestration.simulation.vendors._server import Faults, Limit
from orchestration.simulation.vendors.github import App, Github
from orchestration.simulation.worlds import WORLDS
from orchestration.systems.git.records import load_file_kinds

REPOSITORY = "example/payments-2-web"  # two services, with commits in their deployments
AUTHORIZED = {"Authorization": "Bearer github-token"}
PULLS = """
query($owner: String!, $name: String!, $first: Int = 100, $after: String,
      $field: IssueOrderField = UPDATED_AT, $direction: OrderDirection = ASC,
      $states: [PullRequestState!]) {
  repository(owner: $owner, name: $name) {
    pullRequests(first: $first, after: $after, states: $states,
                 orderBy: {field: $field, direction: $direction}) {
      totalCount
      pageInfo { hasNextPage endCursor }
      nodes {
        __typename id databaseId fullDatabaseId number state isDraft title headRefName
        createdAt updatedAt closedAt mergedAt additions deletions changedFiles
        author { __typename login }
        mergeCommit { oid message additions }
        labels(first: 10) { nodes { name } }
        files(first: 100) { totalCount nodes { path additions deletions } }
        commits(first: 100) { nodes { commit { oid authoredDate message } } }
        reviews(first: 100) {
          nodes { fullDatabaseId state submittedAt author { login } comments { totalCount } }
        }
        timelineItems(first: 5, itemTypes: [READY_FOR_REVIEW_EVENT]) {
          nodes { ... on ReadyForReviewEvent { createdAt } }
        }
        closingIssuesReferences(first: 5) { nodes { fullDatabaseId number } }
      }
    }
  }
}
"""


@pytest.fixture(scope="module")
def company() -> Company:
    return simulate(WORLDS["demo"], 1, teams=4, months=3)


@pytest.fixture
def server(company: Company) -> Iterator[Github]:
    with Github(company) as started:
        yield started


def ask(server: Github, query: str, **variables: Any) -> Any:
    answer = requests.post(
        f"{server.url}/graphql",
        json={"query": query, "variables": variables},
        headers=AUTHORIZED,
        timeout=10,
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def get(server: Github, path: str, **headers: str) -> requests.Response:
    url = path if "://" in path else server.url + path
    return requests.get(url, headers={**AUTHORIZED, **headers}, timeout=10, allow_redirects=False)


def pages(server: Github, name: str = REPOSITORY, **variables: Any) -> Iterator[Any]:
    owner, _, name = name.partition("/")
    after = variables.pop("after", None)
    while True:
        body = ask(server, PULLS, owner=owner, name=name, after=after, **variables)
        page = body["data"]["repository"]["pullRequests"]
        yield page
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return


def rows(server: Github, name: str = REPOSITORY, **variables: Any) -> list[Any]:
    return [node for page in pages(server, name, **variables) for node in page["nodes"]]


def told(moment: datetime | None) -> str | None:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def moments_of(company: Company, pull: PullRequest) -> list[datetime]:
    own = {
        c.commit_sha
        for c in company.pull_request_commits
        if c.pull_request_id == pull.pull_request_id
    }
    found = [pull.created_at, pull.ready_at, pull.merged_at, pull.closed_at]
    found += [r.submitted_at for r in company.reviews if r.pull_request_id == pull.pull_request_id]
    found += [c.committed_at for c in company.commits if c.commit_sha in own]
    return sorted(moment for moment in found if moment)


# What is served.


def test_every_pull_request_is_told_once_with_what_the_company_has_of_it(
    server: Github, company: Company
) -> None:
    ids = {server.staged_ids["pull_request", p.pull_request_id]: p for p in company.pull_requests}
    seen = Counter()
    for name in server.by_name:
        for node in rows(server, name, first=7):
            pull = ids[f"github:{node['fullDatabaseId']}"]
            seen[pull.pull_request_id] += 1
            login, is_bot = "dependabot", pull.author == "dependabot[bot]"
            if not is_bot:
                login = f"p{pull.author[7:11]}"
            assert node["author"] == {"__typename": "Bot" if is_bot else "User", "login": login}
            assert (node["title"], node["headRefName"]) == (pull.title, pull.head_branch)
            assert (node["createdAt"], node["mergedAt"], node["closedAt"]) == (
                told(pull.created_at), told(pull.merged_at), told(pull.closed_at),
            )  # fmt: skip
            assert node["updatedAt"] == told(moments_of(company, pull)[-1])
            assert node["additions"] == (pull.additions or 0)
            assert node["changedFiles"] == (pull.changed_files or 0)
            ready = [item["createdAt"] for item in node["timelineItems"]["nodes"]]
            assert ready == ([told(pull.ready_at)] if pull.ready_at else [])
            assert [lb["name"] for lb in node["labels"]["nodes"]] == list(pull.labels)
            merge = node["mergeCommit"]
            assert (merge and merge["oid"]) == pull.merge_commit_sha
    assert seen == Counter(p.pull_request_id for p in company.pull_requests)


def test_reviews_and_commits_stand_with_their_pull_request(
    server: Github, company: Company
) -> None:
    nodes = [node for name in server.by_name for node in rows(server, name)]
    reviews = {
        f"github:{r['fullDatabaseId']}": (r["submittedAt"], r["state"], r["comments"]["totalCount"])
        for node in nodes
        for r in node["reviews"]["nodes"]
    }
    assert reviews == {
        server.staged_ids["review", r.review_id]: (
            told(r.submitted_at), (r.state or "commented").upper(), r.comment_count or 0,
        )
        for r in company.reviews
    }  # fmt: skip
    commits = {
        (n["fullDatabaseId"], c["commit"]["oid"]) for n in nodes for c in n["commits"]["nodes"]
    }
    assert commits == {
        (server.staged_ids["pull_request", c.pull_request_id][7:], c.commit_sha)
        for c in company.pull_request_commits
    }
    trailers = {c.commit_sha: c.message_trailers for c in company.commits}
    for node in nodes:
        for commit in node["commits"]["nodes"]:
            _, _, body = commit["commit"]["message"].partition("\n\n")
            assert body == (trailers[commit["commit"]["oid"]] or "")


def test_files_add_up_and_their_paths_say_which_are_tests(server: Github, company: Company) -> None:
    kinds = load_file_kinds()
    ids = {server.staged_ids["pull_request", p.pull_request_id]: p for p in company.pull_requests}
    for name in server.by_name:
        for node in rows(server, name):
            pull, files = ids[f"github:{node['fullDatabaseId']}"], node["files"]
            if pull.test_files_changed is None:
                assert files is None
                continue
            found = Counter(kinds.kind(file["path"]) for file in files["nodes"])
            assert found["test"] == pull.test_files_changed
            assert found["test"] + found["production"] == files["totalCount"] == pull.changed_files
            for word in ("additions", "deletions"):
                assert sum(file[word] for file in files["nodes"]) == getattr(pull, word)


def test_nothing_that_comes_later_exists_yet(company: Company) -> None:
    now = datetime.fromisoformat("2024-08-15T12:00:00")
    with Github(company, now) as server:
        found = {n["fullDatabaseId"]: n for name in server.by_name for n in rows(server, name)}
        ids = server.staged_ids
    expected = [p for p in company.pull_requests if p.created_at < now]
    assert len(found) == len(expected) < len(company.pull_requests)
    states = Counter()
    for pull in expected:
        node = found[ids["pull_request", pull.pull_request_id][7:]]
        merged, closed = pull.merged_at, pull.closed_at
        state = (
            "MERGED" if merged and merged < now else "CLOSED" if closed and closed < now else "OPEN"
        )
        states[state] += 1
        assert node["state"] == state
        assert node["updatedAt"] == told([m for m in moments_of(company, pull) if m < now][-1])
        assert node["isDraft"] == bool(pull.ready_at and pull.ready_at >= now)
        assert (node["mergeCommit"] is None) == (state != "MERGED")
        assert all(r["submittedAt"] < told(now) for r in node["reviews"]["nodes"])
    assert states["OPEN"] > 0 and states["MERGED"] > 0


def test_our_execution_says_what_graphql_core_says(server: Github) -> None:
    owner, name = REPOSITORY.split("/")
    variables = {"owner": owner, "name": name, "first": 20}
    fragment = "... on Repository { a: nameWithOwner } ...More @include(if: true) }"
    query = PULLS.replace(
        "pullRequests(first: $first", f"{fragment[:-1]} pullRequests(first: $first"
    )
    query += "fragment More on Repository { skipped: id @skip(if: true) nameWithOwner }"
    question = github_graphql.Question(query, variables)
    root = server._graph.query(question)

    def resolve(found: Any, info: Any, **arguments: Any) -> Any:
        value = found[info.field_name]
        return value(**arguments) if callable(value) else value

    theirs = execute(
        github_graphql.schema(), parse(query), root, variable_values=variables,
        field_resolver=resolve,
    )  # fmt: skip
    assert theirs.errors is None
    ours = github_graphql.execute(question, root)
    assert ours == {"data": theirs.data}
    assert json.dumps(ours["data"]) == json.dumps(theirs.data)  # in the same order too


# Pages and cursors.


@pytest.mark.parametrize("field", ["UPDATED_AT", "CREATED_AT"])
def test_pages_are_in_order_both_ways(server: Github, field: str) -> None:
    word = {"UPDATED_AT": "updatedAt", "CREATED_AT": "createdAt"}[field]
    up = rows(server, first=7, field=field)
    down = rows(server, first=7, field=field, direction="DESC")
    assert [n[word] for n in up] == sorted(n[word] for n in up)
    assert [n["id"] for n in down] == [n["id"] for n in up][::-1]


def test_only_the_states_asked_for_come(server: Github, company: Company) -> None:
    merged = [p for p in company.pull_requests if p.repository == REPOSITORY and p.merged_at]
    found = list(pages(server, states=["MERGED"], first=3))
    assert sum(len(page["nodes"]) for page in found) == found[0]["totalCount"] == len(merged)


def test_a_cursor_goes_on_where_it_stood_although_rows_have_moved(company: Company) -> None:
    """Read forward in order of update: what is touched meanwhile goes to the end, and nothing is
    skipped."""
    early, late = datetime.fromisoformat("2024-08-15T12:00:00"), company.as_of
    with Github(company, early) as server:
        first = next(pages(server, first=5))
        cursor = first["pageInfo"]["endCursor"]
        server.now = late
        rest = rows(server, first=5, after=cursor)
        last = first["nodes"][-1]["updatedAt"]
        assert all(node["updatedAt"] > last for node in rest)
        whole = {node["id"]: node["updatedAt"] for node in rows(server)}
    touched = {n["id"] for n in first["nodes"]} & {n["id"] for n in rest}
    assert touched == {n["id"] for n in first["nodes"] if whole[n["id"]] != n["updatedAt"]}
    assert {n["id"] for n in first["nodes"]} | {n["id"] for n in rest} == set(whole)


def test_a_last_page_is_asked_for_from_the_end(server: Github) -> None:
    query = """{ repository(owner: "example", name: "payments-2-web") {
      pullRequests(last: 2) { nodes { number } pageInfo { hasPreviousPage startCursor } } } }"""
    page = ask(server, query)["data"]["repository"]["pullRequests"]
    count = len(server.by_name[REPOSITORY].pulls)
    assert [n["number"] for n in page["nodes"]] == [count - 1, count]
    assert page["pageInfo"]["hasPreviousPage"]
    before = page["pageInfo"]["startCursor"]
    query = query.replace("last: 2", f'last: 1, before: "{before}"')
    page = ask(server, query)["data"]["repository"]["pullRequests"]
    assert [n["number"] for n in page["nodes"]] == [count - 2]


def test_some_things_show_later_than_they_happened(company: Company) -> None:
    lag = timedelta(minutes=30)
    pulls = [p for p in company.pull_requests if p.repository == REPOSITORY]
    newest = sorted(pulls, key=lambda p: p.created_at)[-1]
    with Github(company, newest.created_at + timedelta(seconds=1), lag=lag) as server:
        number = int(server.staged_ids["pull_request", newest.pull_request_id][7:])
        shows = newest.created_at + lag * (number % 4) / 3
        is_there = [f"{number}" in [n["fullDatabaseId"] for n in rows(server)]]
        server.now = shows + timedelta(seconds=1)
        is_there.append(f"{number}" in [n["fullDatabaseId"] for n in rows(server)])
    assert is_there == [number % 4 == 0, True]


# Questions that GitHub would not answer.


@pytest.mark.parametrize(
    ("query", "kind", "says"),
    [
        ("{ repository(owner: 1, name: 2) { id } }", None, "String"),
        ('{ repository(owner: "a", name: "b") { nonsense } }', None, "nonsense"),
        ("{ repository(", None, "Syntax"),
        ('{ repository(owner: "a") { id } }', None, "name"),
        (
            '{ repository(owner: "a", name: "b") { pullRequests { nodes { id } } } }',
            "MISSING_PAGINATION_BOUNDARIES", "`pullRequests`",
        ),
        (
            '{ repository(owner: "a", name: "b") { pullRequests(first: 101) { nodes { id } } } }',
            "EXCESSIVE_PAGINATION", "Requesting 101 records",
        ),
        (
            '{ repository(owner: "a", name: "b") { pullRequests(first: 100) { nodes { '
            "commits(first: 100) { nodes { commit { authors(first: 100) { nodes { name } } } } } "
            "} } } }",
            "MAX_NODE_LIMIT_EXCEEDED", "1,010,100 possible nodes",
        ),
        (
            '{ repository(owner: "example", name: "payments-2-web") { '
            'pullRequests(first: 1, after: "nonsense") { nodes { id } } } }',
            "INVALID_CURSOR_ARGUMENTS", "`nonsense`",
        ),
        ('{ repository(owner: "example", name: "none") { id } }', "NOT_FOUND", "'example/none'"),
        ('{ organization(login: "none") { id } }', "NOT_FOUND", "'none'"),
        ('{ node(id: "none") { id } }', "NOT_FOUND", "'none'"),
        ("mutation { deleteIssue { clientMutationId } }", None, "only answers a query"),
        ("{ __schema { types { name } } }", None, "__schema"),
    ],
)  # fmt: skip
def test_a_wrong_question_is_an_error_of_status_200(
    server: Github, query: str, kind: str | None, says: str
) -> None:
    body = ask(server, query)
    assert says in body["errors"][0]["message"]
    assert body["errors"][0].get("type") == kind


def test_a_variable_of_the_wrong_kind_is_refused(server: Github) -> None:
    body = ask(server, PULLS, owner="example", name="payments-2-web", field="MOOD")
    assert "data" not in body and "IssueOrderField" in body["errors"][0]["message"]


def test_only_the_items_of_a_connection_need_an_end(server: Github) -> None:
    query = (
        '{ repository(owner: "example", name: "payments-2-web") { pullRequests { totalCount } } }'
    )
    found = ask(server, query)["data"]["repository"]["pullRequests"]
    assert found == {"totalCount": len(server.by_name[REPOSITORY].pulls)}


def test_one_of_several_repositories_that_is_not_there_is_null_beside_the_others(
    server: Github,
) -> None:
    query = """{ a: repository(owner: "example", name: "payments-2-web") { name }
                 b: repository(owner: "example", name: "none") { name } }"""
    body = ask(server, query)
    assert body["data"] == {"a": {"name": "payments-2-web"}, "b": None}
    assert body["errors"][0]["path"] == ["b"]
    assert body["errors"][0]["locations"] == [{"line": 2, "column": 18}]


def test_a_body_that_is_no_question_is_400(server: Github) -> None:
    for data in (b"nonsense", b"[]", b"{}"):
        answer = requests.post(f"{server.url}/graphql", data=data, headers=AUTHORIZED, timeout=10)
        assert answer.status_code == 400


# Limits.


def test_a_question_costs_a_point_per_hundred_requests(company: Company) -> None:
    """pullRequests(50) with three lists each: 1 + 50 × 3 = 151 requests, 2 points; nodes:
    50 + 50 × (50 + 100 + 100) = 12,550."""
    query = """{ rateLimit { cost nodeCount limit remaining used resetAt }
      repository(owner: "example", name: "payments-2-web") { pullRequests(first: 50) { nodes {
        reviews(first: 50) { nodes { id comments { totalCount } } }
        commits(first: 100) { nodes { id } } files(first: 100) { nodes { path } } } } } }"""
    with Github(company, points=5) as server:
        first, second = (ask(server, query)["data"]["rateLimit"] for _ in range(2))
        assert (first["cost"], first["nodeCount"]) == (2, 12_550)
        assert (first["remaining"], second["remaining"], second["used"]) == (3, 1, 4)
        answer = requests.post(
            f"{server.url}/graphql", json={"query": query}, headers=AUTHORIZED, timeout=10
        )
    assert answer.status_code == 200
    assert answer.json()["errors"][0]["type"] == "RATE_LIMITED"
    assert answer.headers["x-ratelimit-resource"] == "graphql"
    reset = datetime.fromisoformat(second["resetAt"]).timestamp()
    assert int(answer.headers["x-ratelimit-reset"]) == reset > time.time() + 3_500


def test_the_hours_points_come_back_when_it_is_over(company: Company) -> None:
    query = "{ viewer { login } }"
    with Github(company, points=1, window_seconds=0.2) as server:
        assert "data" in ask(server, query)
        assert "errors" in ask(server, query)
        time.sleep(0.25)
        assert "data" in ask(server, query)


def test_rest_is_limited_by_403_and_says_when_it_starts_anew(company: Company) -> None:
    with Github(company, core=1) as server:
        assert get(server, "/user").headers["x-ratelimit-remaining"] == "0"
        answer = get(server, "/user")
        assert (answer.status_code, answer.headers["x-ratelimit-remaining"]) == (403, "0")
        assert "rate limit exceeded" in answer.json()["message"]
        told = get(server, "/rate_limit")
    assert told.json()["resources"]["core"]["remaining"] == 0


def test_the_secondary_limit_is_403_with_retry_after(company: Company) -> None:
    with Github(company, limit=Limit(1, 60)) as server:
        get(server, "/user")
        answer = get(server, "/user")
    assert answer.status_code == 403
    assert "secondary rate limit" in answer.json()["message"]
    assert 50 < float(answer.headers["retry-after"]) <= 60
    assert answer.headers["x-ratelimit-remaining"] == "5000"


def test_a_heavy_question_runs_into_502(company: Company) -> None:
    owner, name = REPOSITORY.split("/")
    with Github(company, heavy_first=25) as server:
        codes = [
            requests.post(
                f"{server.url}/graphql", headers=AUTHORIZED, timeout=10,
                json={"query": PULLS, "variables": {"owner": owner, "name": name, "first": first}},
            ).status_code
            for first in (26, 25)
        ]  # fmt: skip
    assert codes == [502, 200]


# REST lists.


def follow(server: Github, path: str) -> list[requests.Response]:
    found, url = [], path
    while url:
        found.append(get(server, url))
        url = found[-1].links.get("next", {}).get("url")
    return found


def test_links_lead_through_all_pages_by_the_repositorys_number(
    server: Github, company: Company
) -> None:
    answers = follow(server, f"/repos/{REPOSITORY}/deployments?per_page=10")
    found = [d for answer in answers for d in answer.json()]
    owned = {s.service_id for s in company.services if s.repository == REPOSITORY}
    expected = {d.deployment_id for d in company.deployments if d.service_id in owned}
    ids = {server.staged_ids["deployment", d] for d in expected}
    assert {f"github:{d['id']}" for d in found} == ids
    assert [d["created_at"] for d in found] == sorted(
        (d["created_at"] for d in found), reverse=True
    )
    number = server.by_name[REPOSITORY].id
    assert f"{server.url}/repositories/{number}/deployments" in answers[0].headers["link"]
    assert len(answers) == -(-len(expected) // 10)
    assert 'rel="prev"' in answers[-1].headers["link"] and "next" not in answers[-1].links


@pytest.mark.parametrize(
    "path",
    [
        f"/repos/{REPOSITORY}/deployments?since=2024-07-01",
        f"/repos/{REPOSITORY}/issues?state=bogus",
        "/orgs/example/repos?sort=name",
        f"/repos/{REPOSITORY}/releases?per_page=many",
        f"/repos/{REPOSITORY}/releases?page=0",
        f"/repos/{REPOSITORY}/actions/runs?created=yesterday",
    ],
)
def test_a_parameter_that_is_not_published_is_422(server: Github, path: str) -> None:
    assert get(server, path).status_code == 422


def test_what_has_not_changed_is_304_without_a_body_or_cost(company: Company) -> None:
    with Github(company, core=10) as server:
        path = f"/repos/{REPOSITORY}/releases"
        first = get(server, path)
        again = get(server, path, **{"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["x-ratelimit-remaining"] == first.headers["x-ratelimit-remaining"]
        server.now = datetime.fromisoformat("2024-09-01")
        assert get(server, path, **{"If-None-Match": first.headers["etag"]}).status_code == 200


def test_runs_are_asked_for_by_when_they_were_created(server: Github, company: Company) -> None:
    runs = [r for r in company.ci_runs if r.repository == REPOSITORY]
    days = ("2024-07-10", "2024-08-05")
    inside = [r for r in runs if days[0] <= told(r.started_at)[:10] <= days[1]]
    assert 0 < len(inside) < len(runs)

    def found(created: str) -> set[str]:
        path = f"/repos/{REPOSITORY}/actions/runs?per_page=100&created={created}"
        return {f"github:{r['id']}" for r in get(server, path).json()["workflow_runs"]}

    ids = {r.ci_run_id: server.staged_ids["ci_run", r.ci_run_id] for r in runs}
    expected = {ids[r.ci_run_id] for r in inside}
    assert found(f"{days[0]}..{days[1]}") == expected
    assert found(f"{days[0]}T00:00:00Z..{days[1]}T23:59:59Z") == expected
    assert found(f">={days[0]}") & found(f"<={days[1]}") == expected
    assert found(f"*..{days[1]}") == found(f"<={days[1]}")
    assert found(f"{days[0]}..*") == found(f">={days[0]}")
    started = told(inside[0].started_at)
    assert ids[inside[0].ci_run_id] in found(f"{started}..{started}")
    assert found("2024-07-10") == {
        ids[r.ci_run_id] for r in runs if told(r.started_at).startswith("2024-07-10")
    }


def test_a_run_that_has_not_ended_has_no_conclusion(company: Company) -> None:
    run = next(r for r in company.ci_runs if r.repository == REPOSITORY)
    with Github(company, run.started_at + timedelta(seconds=1)) as server:
        path = f"/repos/{REPOSITORY}/actions/runs"
        running = get(server, path).json()["workflow_runs"][0]
        server.now = run.finished_at + timedelta(seconds=1)
        ended = get(server, path).json()["workflow_runs"][0]
    assert (running["status"], running["conclusion"]) == ("in_progress", None)
    assert (ended["status"], ended["conclusion"]) == ("completed", run.conclusion)
    assert (ended["created_at"], ended["updated_at"]) == (
        told(run.started_at),
        told(run.finished_at),
    )


def test_a_page_holds_a_hundred_whatever_was_asked_and_filtered_runs_end_after_a_thousand() -> None:
    company = simulate(WORLDS["demo"], 1, teams=4, months=3)
    company.ci_runs = [r for r in company.ci_runs if r.repository == REPOSITORY]
    copies = [
        type(run)(f"{run.ci_run_id}-{n}", *list(slots(run))[1:])
        for n in range(1 + 1_200 // len(company.ci_runs))
        for run in company.ci_runs
    ]
    company.ci_runs = copies
    assert len(copies) > 1_100
    with Github(company) as server:
        path = f"/repos/{REPOSITORY}/actions/runs?per_page=1000"
        capped = [a.json() for a in follow(server, f"{path}&created=>=2024-01-01")]
        beyond = get(server, f"{path}&created=>=2024-01-01&page=11").json()
        whole = sum(len(a.json()["workflow_runs"]) for a in follow(server, path))
    assert [len(page["workflow_runs"]) for page in capped] == [100] * 10
    assert beyond["workflow_runs"] == []
    assert capped[0]["total_count"] == whole == len(copies)


def slots(record: Any) -> Iterator[Any]:
    return (getattr(record, name) for name in type(record).__slots__)


# Deployments and their statuses.

DEPLOYMENTS = """
query($name: String!, $after: String) { repository(owner: "example", name: $name) {
  deployments(first: 20, after: $after, orderBy: {field: CREATED_AT, direction: DESC}) {
    pageInfo { hasNextPage endCursor }
    nodes { id databaseId environment commitOid createdAt task payload state
      latestStatus { state createdAt }
      statuses(first: 100) { totalCount nodes { id state createdAt } } } } } }
"""


def deployments(server: Github, name: str = REPOSITORY) -> dict[str, Any]:
    found: dict[str, Any] = {}
    after = None
    while True:
        body = ask(server, DEPLOYMENTS, name=name.partition("/")[2], after=after)
        page = body["data"]["repository"]["deployments"]
        found.update({f"github:{node['databaseId']}": node for node in page["nodes"]})
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return found


def states(node: Any) -> list[tuple[str, str]]:
    """Oldest first."""
    return [(s["state"], s["createdAt"]) for s in reversed(node["statuses"]["nodes"])]


def test_a_success_is_inactive_once_the_next_one_of_its_service_succeeds(
    server: Github, company: Company
) -> None:
    found = {k: v for name in server.by_name for k, v in deployments(server, name).items()}
    assert len(found) == len(company.deployments)
    states_seen = Counter()
    for record in company.deployments:
        node = found[server.staged_ids["deployment", record.deployment_id]]
        later = [
            d.finished_at
            for d in company.deployments
            if (d.service_id, d.environment) == (record.service_id, record.environment)
            and d.status == "success"
            and d.finished_at > record.finished_at
        ]
        word = {"success": "SUCCESS", "failure": "FAILURE", "cancelled": "INACTIVE"}[record.status]
        expected = [("IN_PROGRESS", told(record.started_at)), (word, told(record.finished_at))]
        if record.status == "success" and later:
            expected.append(("INACTIVE", told(min(later))))
        assert states(node) == expected
        assert node["latestStatus"]["state"] == expected[-1][0]
        shown = "ACTIVE" if expected[-1][0] == "SUCCESS" else expected[-1][0]
        assert node["state"] == shown
        states_seen[shown] += 1
        said = json.loads(node["payload"])
        said = json.loads(said) if isinstance(said, str) else said
        assert said == {
            name: value
            for name, value in (
                ("service", record.service_id), ("is_rollback", record.is_rollback),
                ("is_unplanned", record.is_unplanned),
                ("remediates_incident_id", record.remediates_incident_id),
            )
            if value is not None
        }  # fmt: skip
        if record.commit_sha:
            assert node["commitOid"] == record.commit_sha
        assert (node["environment"], node["createdAt"]) == (
            record.environment,
            told(record.started_at),
        )
    assert states_seen["ACTIVE"] and states_seen["INACTIVE"] and states_seen["FAILURE"]
    assert len({n["commitOid"] for n in found.values()}) > len(found) / 2


def test_a_cancelled_deployment_is_inactive_without_a_success() -> None:
    company = simulate(WORLDS["demo"], 1, teams=4, months=3)
    record = next(d for d in company.deployments if d.status == "failure")
    record.status = "cancelled"
    repository = next(s.repository for s in company.services if s.service_id == record.service_id)
    with Github(company) as server:
        node = deployments(server, repository)[
            server.staged_ids["deployment", record.deployment_id]
        ]
    assert [state for state, _ in states(node)] == ["IN_PROGRESS", "INACTIVE"]


def test_rest_tells_the_same_of_a_deployment_as_graphql(server: Github) -> None:
    texts, found = 0, deployments(server)
    for own, node in found.items():
        path = f"/repos/{REPOSITORY}/deployments/{own[7:]}/statuses"
        rest = [
            (s["node_id"], s["state"].upper(), s["created_at"]) for s in get(server, path).json()
        ]
        assert rest == [(s["id"], s["state"], s["createdAt"]) for s in node["statuses"]["nodes"]]
    for row in get(server, f"/repos/{REPOSITORY}/deployments?per_page=100").json():
        texts += isinstance(row["payload"], str)
        assert json.dumps(row["payload"]) == found[f"github:{row['id']}"]["payload"]
    assert texts  # some deployers say it as text


def test_earlier_statuses_are_gone_after_ninety_days(company: Company) -> None:
    now = company.as_of + timedelta(days=20)
    with Github(company, now) as server:
        whole = deployments(server)
        server.statuses_kept_days = 90
        kept = deployments(server)
    oldest = told(now - timedelta(days=90))
    assert kept.keys() == whole.keys()
    for own, node in whole.items():
        expected = [s for s in states(node) if s[1] >= oldest or s == states(node)[-1]]
        assert states(kept[own]) == expected
        assert kept[own]["state"] == node["state"]  # the deployment keeps its own
    lost = [own for own in whole if len(states(kept[own])) < len(states(whole[own]))]
    assert lost and any(states(kept[own])[0][0] == "INACTIVE" for own in lost)


def test_a_deployment_of_the_future_is_not_listed_and_a_running_one_is_in_progress(
    company: Company,
) -> None:
    repository = {s.service_id: s.repository for s in company.services}
    record = next(
        d
        for d in company.deployments
        if repository[d.service_id] == REPOSITORY and d.environment != "staging"
    )
    with Github(company, record.started_at) as server:
        own = server.staged_ids["deployment", record.deployment_id]
        assert own not in deployments(server)
        server.now = record.started_at + timedelta(seconds=1)
        assert deployments(server)[own]["state"] == "IN_PROGRESS"


# Who may see what.


def test_repositories_are_listed_with_what_is_newest_in_each(
    server: Github, company: Company
) -> None:
    query = """query($after: String) { organization(login: "example") { repositories(
      first: 3, after: $after, orderBy: {field: NAME, direction: ASC}) {
        totalCount pageInfo { hasNextPage endCursor }
        nodes { databaseId nameWithOwner pushedAt isEmpty pullRequests(first: 1,
          orderBy: {field: UPDATED_AT, direction: DESC}
        ) { totalCount nodes { updatedAt } } } } } }"""
    found, after = [], None
    while True:
        page = ask(server, query, after=after)["data"]["organization"]["repositories"]
        found += page["nodes"]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    names = sorted({s.repository for s in company.services})
    assert [r["nameWithOwner"] for r in found] == names
    for row in found:
        pulls = [p for p in company.pull_requests if p.repository == row["nameWithOwner"]]
        merges = [p.merged_at for p in pulls if p.merged_at]
        assert row["pullRequests"]["totalCount"] == len(pulls)
        assert row["pushedAt"] == told(max(merges, default=None))
        newest = max((moments_of(company, p)[-1] for p in pulls), default=None)
        assert [n["updatedAt"] for n in row["pullRequests"]["nodes"]] == (
            [told(newest)] if pulls else []
        )


def test_a_renamed_repository_keeps_its_number_and_its_old_name_leads_to_it(
    server: Github,
) -> None:
    number = server.by_name[REPOSITORY].id
    count = len(server.by_name[REPOSITORY].pulls)
    server.rename(REPOSITORY, "example/renamed")
    answer = get(server, f"/repos/{REPOSITORY}/releases?per_page=2")
    assert answer.status_code == 301
    assert answer.headers["location"] == f"{server.url}/repositories/{number}/releases?per_page=2"
    assert len(get(server, answer.headers["location"]).json()) == 2
    query = """query($follow: Boolean = true) { repository(owner: "example", name: "payments-2-web",
      followRenames: $follow) { databaseId nameWithOwner pullRequests { totalCount } } }"""
    assert ask(server, query)["data"]["repository"] == {
        "databaseId": number, "nameWithOwner": "example/renamed",
        "pullRequests": {"totalCount": count},
    }  # fmt: skip
    assert ask(server, query, follow=False)["errors"][0]["type"] == "NOT_FOUND"
    listed = [r["full_name"] for r in get(server, "/orgs/example/repos?per_page=100").json()]
    assert "example/renamed" in listed and REPOSITORY not in listed


def test_hidden_and_deleted_repositories_are_as_if_they_never_were(company: Company) -> None:
    other = "example/payments-4-web"
    with Github(company, hidden=frozenset({REPOSITORY})) as server:
        server.delete(other)
        for name in (REPOSITORY, other):
            assert get(server, f"/repos/{name}").status_code == 404
            owner, _, short = name.partition("/")
            body = ask(server, PULLS, owner=owner, name=short)
            assert body["data"] == {"repository": None}
            assert body["errors"][0]["type"] == "NOT_FOUND"
        listed = [r["full_name"] for r in get(server, "/orgs/example/repos?per_page=100").json()]
    assert not {REPOSITORY, other} & set(listed)


def test_a_repository_that_is_made_again_has_another_number_and_nothing_in_it(
    server: Github,
) -> None:
    before = get(server, f"/repos/{REPOSITORY}").json()["id"]
    cursor = next(pages(server, first=5))["pageInfo"]["endCursor"]
    server.empty(REPOSITORY)
    assert get(server, f"/repos/{REPOSITORY}").json()["id"] > before
    assert rows(server) == rows(server, after=cursor) == []
    query = '{ repository(owner: "example", name: "payments-2-web") { isEmpty pushedAt } }'
    assert ask(server, query)["data"]["repository"] == {"isEmpty": True, "pushedAt": None}


def test_an_archived_repository_can_still_be_read(server: Github) -> None:
    before = len(rows(server))
    server.archive(REPOSITORY)
    assert get(server, f"/repos/{REPOSITORY}").json()["archived"] is True
    assert len(rows(server)) == before


@pytest.mark.parametrize("token", ["", "Bearer wrong", "Basic github-token"])
def test_a_wrong_credential_is_401(server: Github, token: str) -> None:
    headers = {"Authorization": token} if token else {}
    codes = [
        requests.get(f"{server.url}/user", headers=headers, timeout=10).status_code,
        requests.post(
            f"{server.url}/graphql",
            headers=headers,
            json={"query": "{ viewer { login } }"},
            timeout=10,
        ).status_code,
    ]
    assert codes == [401, 401]


@pytest.mark.parametrize(
    ("permission", "path"),
    [
        ("deployments", f"/repos/{REPOSITORY}/deployments"),
        ("actions", f"/repos/{REPOSITORY}/actions/runs"),
        ("contents", f"/repos/{REPOSITORY}/releases"),
        ("issues", f"/repos/{REPOSITORY}/issues"),
        ("members", "/orgs/example/teams"),
    ],
)
def test_a_missing_permission_is_403_and_named_in_a_header(
    company: Company, permission: Any, path: str
) -> None:
    with Github(company, lacks=frozenset({permission})) as server:
        answer = get(server, path)
        assert answer.status_code == 403
        assert answer.headers["x-accepted-github-permissions"] == f"{permission}=read"
        assert "retry-after" not in answer.headers
        assert answer.headers["x-ratelimit-remaining"] != "0"


@pytest.mark.parametrize(
    ("permission", "question", "path"),
    [
        ("pull_requests", "pullRequests(first: 1) { nodes { id } }", "pullRequests"),
        ("deployments", "deployments(first: 1) { nodes { id } }", "deployments"),
        ("issues", "issues(first: 1) { nodes { id } }", "issues"),
    ],
)
def test_a_missing_permission_takes_the_repository_with_it_in_graphql(
    company: Company, permission: Any, question: str, path: str
) -> None:
    """These fields are never null, so that the null goes up to the next that may be."""
    query = '{ repository(owner: "example", name: "payments-2-web") { name {} } }'.replace(
        "{}", question
    )
    with Github(company, lacks=frozenset({permission})) as server:
        body = ask(server, query)
    assert body["data"] == {"repository": None}
    error = body["errors"][0]
    assert (error["type"], error["path"]) == ("FORBIDDEN", ["repository", path])
    assert error["message"] == "Resource not accessible by personal access token"


IDENTITIES = """query($after: String) { organization(login: "example") { samlIdentityProvider {
  externalIdentities(first: 10, after: $after, membersOnly: true) {
    pageInfo { hasNextPage endCursor }
    nodes { guid user { login } samlIdentity { nameId } } } } } }"""


def test_single_sign_on_knows_the_address_of_every_login(server: Github, company: Company) -> None:
    found, after = {}, None
    while True:
        body = ask(server, IDENTITIES, after=after)
        page = body["data"]["organization"]["samlIdentityProvider"]["externalIdentities"]
        found.update({n["user"]["login"]: n["samlIdentity"]["nameId"] for n in page["nodes"]})
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    people = {m.person for m in company.team_memberships}
    assert {f"p{person[7:11]}": person for person in people}.items() <= found.items()


def test_single_sign_on_is_null_without_it_and_forbidden_without_the_permission(
    company: Company,
) -> None:
    with Github(company, has_sso=False) as server:
        assert ask(server, IDENTITIES) == {"data": {"organization": {"samlIdentityProvider": None}}}
        server.has_sso, server.lacks = True, frozenset({"saml"})
        body = ask(server, IDENTITIES)
    assert body["data"] == {"organization": {"samlIdentityProvider": None}}
    assert body["errors"][0]["type"] == "FORBIDDEN"


def test_codeowners_names_the_team_of_the_service(company: Company) -> None:
    team = next(s.team_id for s in company.services if s.repository == REPOSITORY)
    query = """{ repository(owner: "example", name: "payments-2-web") {
      codeowners { errors { line } }
      object(expression: "HEAD:.github/CODEOWNERS") { ... on Blob { text } } } }"""
    path = f"/repos/{REPOSITORY}/contents/.github/CODEOWNERS"
    with Github(company) as server:
        text = ask(server, query)["data"]["repository"]["object"]["text"]
        assert f"* @example/{team}" in text.splitlines()
        assert get(server, path).json()["encoding"] == "base64"
        assert get(server, f"/repos/{REPOSITORY}/contents/CODEOWNERS").status_code == 404
        server.has_codeowners = False
        found = ask(server, query)["data"]["repository"]
        assert found == {"codeowners": None, "object": None}
        assert get(server, path).status_code == 404
        owners = get(server, f"/repos/{REPOSITORY}/teams").json()
    assert [(t["slug"], t["permission"]) for t in owners] == [(team, "admin")]


def test_an_apps_token_is_given_for_its_signature_and_ends(company: Company) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    now = int(datetime.now(UTC).timestamp())
    claims = {"iat": now - 60, "exp": now + 540, "iss": "7"}
    with Github(company, app=App(7, 11, public.decode(), token_seconds=0.3)) as server:

        def token(claims: dict[str, Any], number: int = 11) -> requests.Response:
            signed = jwt.encode(claims, key, algorithm="RS256")
            return requests.post(
                f"{server.url}/app/installations/{number}/access_tokens", timeout=10,
                headers={"Authorization": f"Bearer {signed}"},
            )  # fmt: skip

        given = token(claims)
        assert given.status_code == 201
        headers = {"Authorization": f"Bearer {given.json()['token']}"}
        url = f"{server.url}/installation/repositories"
        answer = requests.get(url, headers=headers, timeout=10)
        assert answer.json()["total_count"] == len(server.by_name)
        time.sleep(0.35)
        assert requests.get(url, headers=headers, timeout=10).status_code == 401
        assert token({**claims, "iss": "8"}).status_code == 401
        assert token({**claims, "exp": now + 3_600}).status_code == 401
        assert token(claims, 12).status_code == 404
        assert get(server, "/installation/repositories").status_code == 403


# Issues.


def test_issues_are_listed_with_pull_requests_among_them(company: Company) -> None:
    with Github(company, issues=True) as server:
        found = [
            row
            for name in server.by_name
            for answer in follow(server, f"/repos/{name}/issues?state=all&per_page=100")
            for row in answer.json()
        ]
        ids = server.staged_ids
    assert {f"github:{r['id']}" for r in found if "pull_request" in r} == {
        ids["pull_request", p.pull_request_id] for p in company.pull_requests
    }
    assert {f"github:{r['id']}" for r in found if "pull_request" not in r} == {
        ids["issue", i.issue_id] for i in company.issues
    }
    per_repository = Counter((r["repository_url"], r["number"]) for r in found)
    assert set(per_repository.values()) == {1}  # they share their numbers


ISSUES = """query($name: String!, $since: DateTime) { repository(owner: "example", name: $name) {
  issues(first: 100, filterBy: {since: $since}, orderBy: {field: UPDATED_AT, direction: ASC}) {
    nodes { fullDatabaseId number state closedAt createdAt updatedAt issueType { name }
      labels(first: 10) { nodes { name } } parent { fullDatabaseId }
      timelineItems(first: 50, itemTypes: [REOPENED_EVENT, CLOSED_EVENT]) {
        nodes { __typename ... on ReopenedEvent { createdAt } ... on ClosedEvent { createdAt } } }
      closedByPullRequestsReferences(first: 10) { nodes { fullDatabaseId } } } } } }"""


def test_an_issue_has_its_type_labels_parent_and_reopenings(company: Company) -> None:
    with Github(company, issues=True) as server:
        found = {
            f"github:{node['fullDatabaseId']}": node
            for name in server.by_name
            for node in ask(server, ISSUES, name=name.partition("/")[2])["data"]["repository"][
                "issues"
            ]["nodes"]
        }
        ids = server.staged_ids
        closing = {
            (f"github:{node['fullDatabaseId']}", f"github:{issue['fullDatabaseId']}")
            for name in server.by_name
            for node in rows(server, name)
            for issue in node["closingIssuesReferences"]["nodes"]
        }
    assert closing == {
        (ids["pull_request", pull], ids["issue", i.issue_id])
        for i in company.issues
        for pull in i.pull_request_ids
    }
    assert len(found) == len(company.issues)
    for issue in company.issues:
        node = found[ids["issue", issue.issue_id]]
        assert node["issueType"] == {"name": issue.issue_type.capitalize()}
        assert (node["createdAt"], node["closedAt"]) == (
            told(issue.created_at),
            told(issue.resolved_at),
        )
        assert node["state"] == ("CLOSED" if issue.resolved_at else "OPEN")
        labels = {label["name"] for label in node["labels"]["nodes"]}
        assert labels == {*issue.labels, *(["escaped-defect"] if issue.is_escaped_defect else [])}
        kinds = [item["__typename"] for item in node["timelineItems"]["nodes"]]
        reopened = issue.reopened_count or 0
        assert kinds.count("ReopenedEvent") == reopened
        assert kinds.count("ClosedEvent") == reopened + bool(issue.resolved_at)
        parent = ids.get(("issue", issue.parent_issue_id or ""))
        assert (node["parent"] and f"github:{node['parent']['fullDatabaseId']}") == parent
        pulls = {
            ids["pull_request", p.pull_request_id]
            for p in company.pull_requests
            if p.pull_request_id in issue.pull_request_ids and not (p.closed_at and not p.merged_at)
        }
        closers = node["closedByPullRequestsReferences"]["nodes"]
        assert {f"github:{n['fullDatabaseId']}" for n in closers} == pulls
    assert any(issue.reopened_count for issue in company.issues)


def test_issues_can_be_asked_for_since_a_moment_but_not_pull_requests(company: Company) -> None:
    with Github(company, issues=True) as server:
        name = "payments-2-web"
        whole = ask(server, ISSUES, name=name)["data"]["repository"]["issues"]["nodes"]
        middle = whole[len(whole) // 2]["updatedAt"]
        since = ask(server, ISSUES, name=name, since=middle)["data"]["repository"]["issues"][
            "nodes"
        ]
        expected = [n for n in whole if n["updatedAt"] >= middle]
        assert 0 < len(expected) < len(whole) and since == expected
        refused = ask(server, ISSUES, name=name, since="yesterday")
        assert "data" not in refused
        query = '{ repository(owner: "a", name: "b") { pullRequests(since: "x") { totalCount } } }'
        assert "since" in ask(server, query)["errors"][0]["message"]


def test_incidents_are_labelled_issues_only_where_that_is_asked(company: Company) -> None:
    def labelled(server: Github) -> list[Any]:
        return [
            row
            for name in server.by_name
            for row in get(server, f"/repos/{name}/issues?state=all&labels=incident").json()
        ]

    with Github(company) as server:
        assert labelled(server) == []
    with Github(company, incidents_as_issues=True) as server:
        found = {f"github:{row['id']}": row for row in labelled(server)}
        ids = server.staged_ids
    assert found.keys() == {ids["incident", i.incident_id] for i in company.incidents}
    for incident in company.incidents:
        row = found[ids["incident", incident.incident_id]]
        assert (row["created_at"], row["closed_at"]) == (
            told(incident.opened_at), told(incident.resolved_at),
        )  # fmt: skip
        assert f"severity:{incident.severity}" in [label["name"] for label in row["labels"]]


# Everything else.


def test_a_node_is_found_by_its_id_to_page_on_in_what_it_holds(server: Github) -> None:
    nodes = rows(server)
    busiest = max(nodes, key=lambda n: len(n["commits"]["nodes"]))
    shas = [c["commit"]["oid"] for c in busiest["commits"]["nodes"]]
    assert len(shas) > 1
    query = """query($id: ID!, $after: String) { node(id: $id) { ... on PullRequest {
      commits(first: 1, after: $after) { pageInfo { hasNextPage endCursor }
        nodes { commit { oid } } } } } }"""
    found, after = [], None
    while True:
        page = ask(server, query, id=busiest["id"], after=after)["data"]["node"]["commits"]
        found += [n["commit"]["oid"] for n in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert found == shas


def test_ids_are_never_given_twice(company: Company) -> None:
    with Github(company, issues=True, incidents_as_issues=True) as server:
        ids = server.staged_ids
    counts = Counter(kind for kind, _ in ids)
    assert counts == {
        "pull_request": len(company.pull_requests), "review": len(company.reviews),
        "deployment": len(company.deployments), "ci_run": len(company.ci_runs),
        "issue": len(company.issues), "incident": len(company.incidents),
    }  # fmt: skip
    assert len(set(ids.values())) == len(ids)


def test_an_error_inside_an_answer_is_graphqls_way_and_not_rests(company: Company) -> None:
    with Github(company, faults=Faults(1.0, ("error_in_body",))) as server:
        body = ask(server, "{ viewer { login } }")
        assert body["data"] is None and "Something went wrong" in body["errors"][0]["message"]
        assert get(server, "/user").status_code == 500


def test_an_emptied_page_still_says_that_there_is_more(company: Company) -> None:
    with Github(company, faults=Faults(1.0, ("empty_page",))) as server:
        answer = get(server, f"/repos/{REPOSITORY}/actions/runs?per_page=2")
    assert answer.json()["workflow_runs"] == [] and "next" in answer.links
