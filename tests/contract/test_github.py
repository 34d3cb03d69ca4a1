"""GitHub's client against GitHub's published schema and specification."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from orchestration.systems import github as system
from orchestration.systems.github import GitHubSettings
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
    WORKFLOW_RUNS,
)

pytestmark = pytest.mark.contract

REPOSITORY_COUNT = HELD = 4  # every list of the mock's has four, on two pages
POINTS = 3  # 1 list of 50, each with 6 lists: 301 requests
# Fields that GitHub serves and the newest published schema lacks.
YOUNGER = re.compile(r'Cannot query field "(issueType|parent)" on type "Issue"')


SOON = datetime(2026, 4, 3, tzinfo=UTC)  # after the first run's "now"


def settings(front: Any, **more: Any) -> GitHubSettings:
    credential = {} if "app" in more else {"token": "any"}
    return GitHubSettings(
        base_url=front.url, first_pause_seconds=0.01, **credential, **more
    )  # fmt: skip


def test_every_question_is_valid_and_every_answer_lands(github: Any, read: Any) -> None:
    outcomes = read(system, settings(github, organization="acme"))
    assert github.complaints == []
    assert [o.message for o in outcomes if o.status == "failed"] == []
    assert read.refused() == []
    counts = {
        stream.name: len({tuple(row[k] for k in stream.key) for row in read.rows(stream)})
        for stream in (
            REPOSITORIES, PULL_REQUESTS, PULL_REQUEST_COMMITS, REVIEWS, ISSUES, DEPLOYMENTS,
            DEPLOYMENT_STATUSES,
        )
    }  # fmt: skip
    pulls = REPOSITORY_COUNT * HELD
    assert counts == {
        "repositories": REPOSITORY_COUNT,
        "pull_requests": pulls,
        "pull_request_commits": pulls * HELD,
        "reviews": pulls * HELD,
        "issues": pulls,
        "deployments": pulls,
        "deployment_statuses": pulls * HELD,
    }
    assert len(read.rows(COMMITS)) >= pulls * HELD
    assert read.rows(IDENTITIES)
    assert read.rows(WORKFLOW_RUNS)


def test_null_is_taken_wherever_the_published_schema_allows_it(github: Any, read: Any) -> None:
    github.nulls = True
    outcomes = read(system, settings(github, organization="acme"))
    assert [c for c in github.complaints if not YOUNGER.search(c)] == []
    assert [o.message for o in outcomes if o.status == "failed"] == []
    assert read.refused() == []
    assert len(read.rows(PULL_REQUESTS)) == 1  # one of two repositories, one of two in it


def test_the_next_run_asks_as_published_and_finds_nothing_twice(github: Any, read: Any) -> None:
    asked = settings(github, repositories=["acme/one"])
    read(system, asked)
    first = len(github.exchanges)
    outcomes = read(system, asked, until=SOON)
    assert github.complaints == []
    assert [o.message for o in outcomes if o.status == "failed"] == []
    assert read.refused() == []
    for stream in (PULL_REQUESTS, ISSUES, DEPLOYMENTS):
        assert len({tuple(row[k] for k in stream.key) for row in read.rows(stream)}) == HELD
    assert len(github.exchanges) - first < first


def test_an_apps_token_is_asked_for_as_published(github: Any) -> None:
    def lasting(exchange: Any, body: Any) -> Any:
        return body | {"expires_at": "2099-01-01T00:00:00Z"} if "expires_at" in body else body

    github.amend = lasting
    key = rsa.generate_private_key(65_537, 2_048).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    app = {"id": 1, "installation_id": 2, "private_key": key.decode()}
    outcomes = [*system.check(settings(github, app=app, repositories=["acme/one"]))]
    assert github.complaints == []
    assert [o.message for o in outcomes if o.status == "failed"] == []
    (asked,) = github.asked("/access_tokens$")
    token = json.loads(asked.answer)["token"]
    others = [each for each in github.exchanges if each is not asked]
    assert {each.headers["authorization"] for each in others} == {f"Bearer {token}"}


@pytest.mark.parametrize("source", ["releases", "workflow_runs"])
def test_what_else_may_be_a_deployment_is_asked_for_as_published(
    github: Any, read: Any, source: str
) -> None:
    policy = {"from": source} | ({"workflow": "."} if source == "workflow_runs" else {})
    outcomes = read(system, settings(github, repositories=["acme/one"], deployments=policy))
    assert github.complaints == []
    assert [o.message for o in outcomes if o.status == "failed"] == []
    assert read.refused() == []


def test_a_page_of_fifty_pull_requests_is_one_request_of_few_points(github: Any, read: Any) -> None:
    read(system, settings(github, repositories=["acme/one"]))
    pages = [
        each for each in github.asked("^/graphql$")
        if " pullRequests(first: $first" in each.json()["query"]
    ]  # fmt: skip
    assert [each.json()["variables"]["first"] for each in pages] == [50, 50]
    # 5,000 points an hour; the arithmetic is GitHub's, the mock does it.
    assert [json.loads(each.answer)["extensions"]["points"] for each in pages] == [POINTS, POINTS]


def test_the_check_asks_what_is_published(github: Any) -> None:
    outcomes = [*system.check(settings(github, organization="acme"))]
    assert github.complaints == []
    assert [o.message for o in outcomes if o.status == "failed"] == []
