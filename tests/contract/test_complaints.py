"""The mocks refuse what the vendor would: without this, the other tests here show nothing."""

from typing import Any

import pytest
import requests

pytestmark = pytest.mark.contract

TOKEN = {"Authorization": "Bearer any"}


@pytest.mark.parametrize(
    ("path", "complaint"),
    [
        ("/orgs/o/repos?since=2026-01-01", "no parameter since is declared"),
        ("/orgs/o/repos?sort=age", "must be equal to one of the allowed values"),
        ("/orgs/o/copilot/metrics/reports/users-1-day", "must have required property 'day'"),
        ("/orgs/o/copilot/metrics", "status 404"),
    ],
)
def test_githubs_specification_refuses(github: Any, path: str, complaint: str) -> None:
    requests.get(github.url + path, headers=TOKEN, timeout=60)
    assert complaint in " ".join(github.complaints)


@pytest.mark.parametrize(
    ("selection", "complaint"),
    [
        ("pullRequests(first: 1) { nodes { size } }", 'Cannot query field "size"'),
        ("pullRequests(first: 1, since: 1) { totalCount }", 'Unknown argument "since"'),
        ("pullRequests { nodes { number } }", "first or last of 1 to 100 is needed"),
        ("pullRequests(first: 101) { nodes { number } }", "first or last of 1 to 100 is needed"),
        (
            "pullRequests(first: 100) { nodes { reviews(first: 100) "
            "{ nodes { comments(first: 100) { nodes { id } } } } } }",
            "1010100 nodes are too many",
        ),
    ],
)
def test_githubs_schema_refuses(github: Any, selection: str, complaint: str) -> None:
    query = '{ repository(owner: "o", name: "r") { %s } }' % selection  # noqa: UP031
    requests.post(github.url + "/graphql", json={"query": query}, headers=TOKEN, timeout=60)
    assert complaint in " ".join(github.complaints)


@pytest.mark.parametrize(
    ("path", "complaint"),
    [
        ("/v1/organization/usage/completions", "must have required property 'start_time'"),
        ("/v1/organization/costs?start_time=1&bucket_width=1h", "must be equal to one of"),
        ("/v1/organization/costs?start_time=1&group_by[]=model", "must be equal to one of"),
        ("/v1/organization/usage/vector_stores?start_time=1&models=a", "no parameter models"),
    ],
)
def test_openais_specification_refuses(openai: Any, path: str, complaint: str) -> None:
    requests.get(openai.url + path, headers=TOKEN, timeout=60)
    assert complaint in " ".join(openai.complaints)


def test_pagerdutys_specification_refuses_a_missing_credential(pagerduty: Any) -> None:
    requests.get(pagerduty.url + "/incidents", timeout=60)
    assert "status 40" in " ".join(pagerduty.complaints)


def test_jiras_requests_are_those_of_its_client_library(jira: Any) -> None:
    jira.answers = {"/rest/api/3/search/jql": lambda exchange: {}}
    body = {"jql": "project = A", "startAt": 0}
    requests.post(jira.url + "/rest/api/3/search/jql", json=body, timeout=60)
    requests.post(jira.url + "/rest/api/3/searches", json={}, timeout=60)
    assert jira.complaints == [
        "POST /rest/api/3/search/jql: startAt is not declared",
        "POST /rest/api/3/searches: there is no such request",
    ]
