"""Our GitHub server against what GitHub publishes: its GraphQL schema, and its OpenAPI.

The server may know less than GitHub, but nothing else, and nothing otherwise.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    build_client_schema,
)

from orchestration.simulation import simulate
from orchestration.simulation.vendors.github import PARAMETERS, Github
from orchestration.simulation.vendors.github_graphql import schema
from orchestration.simulation.worlds import WORLDS

pytestmark = pytest.mark.contract

HOME = Path(os.environ.get("VALUEMAXX_CONTRACT_HOME") or "not installed")
SCHEMA = HOME / "node_modules/@octokit/graphql-schema/schema.json"
OPENAPI = HOME / "node_modules/@octokit/openapi/generated/api.github.com.json"
# In production, and not yet in the newest schema on npm.
NEWER = {"IssueType", "Issue.issueType", "Issue.parent"}


@pytest.fixture(scope="module")
def published() -> GraphQLSchema:
    if not SCHEMA.exists():
        pytest.skip("VALUEMAXX_CONTRACT_HOME has no @octokit/graphql-schema")
    whole = json.loads(SCHEMA.read_text(encoding="utf-8"))
    return build_client_schema(whole.get("data", whole))


@pytest.fixture(scope="module")
def openapi() -> dict[str, Any]:
    if not OPENAPI.exists():
        pytest.skip("VALUEMAXX_CONTRACT_HOME has no @octokit/openapi")
    return json.loads(OPENAPI.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def server() -> Iterator[Github]:
    with Github(simulate(WORLDS["demo"], 1, teams=4, months=3), issues=True) as started:
        yield started


def test_every_field_of_ours_is_published_with_that_type_and_those_arguments(
    published: GraphQLSchema,
) -> None:
    compared = 0
    for name, ours in schema().type_map.items():
        theirs = published.type_map.get(name)
        if name.startswith("__") or name in NEWER:
            continue
        assert theirs is not None, name
        if isinstance(ours, GraphQLObjectType | GraphQLInterfaceType):
            for field_name, field in ours.fields.items():
                if f"{name}.{field_name}" in NEWER:
                    continue
                wanted = theirs.fields.get(field_name)  # type: ignore[union-attr]
                assert wanted is not None, f"{name}.{field_name}"
                assert str(field.type) == str(wanted.type), f"{name}.{field_name}"
                arguments = {n: (str(a.type), a.default_value) for n, a in field.args.items()}
                assert arguments == {
                    n: (str(a.type), a.default_value) for n, a in wanted.args.items()
                }, f"{name}.{field_name}"
                compared += 1
            interfaces = {i.name for i in theirs.interfaces}  # type: ignore[union-attr]
            assert {i.name for i in ours.interfaces} <= interfaces, name
    assert compared > 350


def test_enumerations_and_inputs_are_whole_and_unions_hold_nothing_else(
    published: GraphQLSchema,
) -> None:
    for name, ours in schema().type_map.items():
        theirs = published.type_map.get(name)
        if name.startswith("__"):
            continue
        if isinstance(ours, GraphQLEnumType):
            assert set(ours.values) == set(theirs.values), name  # type: ignore[union-attr]
        elif isinstance(ours, GraphQLInputObjectType):
            assert fields_of(ours) == fields_of(theirs), name  # type: ignore[arg-type]
        elif isinstance(ours, GraphQLUnionType):
            members = {t.name for t in theirs.types}  # type: ignore[union-attr]
            assert {t.name for t in ours.types} <= members, name


def fields_of(kind: GraphQLInputObjectType) -> dict[str, tuple[str, Any]]:
    return {name: (str(f.type), f.default_value) for name, f in kind.fields.items()}


def test_every_parameter_of_ours_is_published_with_those_values(openapi: dict[str, Any]) -> None:
    for path, ours in PARAMETERS.items():
        told = [resolved(openapi, p) for p in openapi["paths"][path]["get"].get("parameters", [])]
        theirs = {p["name"]: p["schema"] for p in told if p["in"] == "query"}
        assert set(ours) == set(theirs), path
        for name, values in ours.items():
            allowed = theirs[name].get("enum")
            if theirs[name].get("type") == "boolean":
                allowed = ["true", "false"]
            assert (list(values) if values else None) == allowed, f"{path} {name}"


PATHS = (
    ("/user", "/user"),
    ("/orgs/{org}", "/orgs/example"),
    ("/orgs/{org}/repos", "/orgs/example/repos"),
    ("/orgs/{org}/teams", "/orgs/example/teams"),
    ("/orgs/{org}/teams/{team_slug}/repos", "/orgs/example/teams/payments-2/repos"),
    ("/orgs/{org}/teams/{team_slug}/members", "/orgs/example/teams/payments-2/members"),
    ("/repos/{owner}/{repo}", "/repos/example/payments-2-web"),
    ("/repos/{owner}/{repo}/teams", "/repos/example/payments-2-web/teams"),
    (
        "/repos/{owner}/{repo}/contents/{path}",
        "/repos/example/payments-2-web/contents/.github/CODEOWNERS",
    ),
    (
        "/repos/{owner}/{repo}/codeowners/errors",
        "/repos/example/payments-2-web/codeowners/errors",
    ),
    ("/repos/{owner}/{repo}/deployments", "/repos/example/payments-2-web/deployments"),
    ("/repos/{owner}/{repo}/releases", "/repos/example/payments-2-web/releases"),
    ("/repos/{owner}/{repo}/actions/runs", "/repos/example/payments-2-web/actions/runs"),
    ("/repos/{owner}/{repo}/issues", "/repos/example/payments-2-web/issues?state=all"),
    ("/rate_limit", "/rate_limit"),
)


@pytest.mark.parametrize(("template", "path"), PATHS)
def test_an_answer_has_all_that_openapi_requires(
    openapi: dict[str, Any], server: Github, template: str, path: str
) -> None:
    check(openapi, server, template, path)


def test_a_deployments_statuses_have_all_that_openapi_requires(
    openapi: dict[str, Any], server: Github
) -> None:
    rollout = server.by_name["example/payments-2-web"].rollouts[0]
    template = "/repos/{owner}/{repo}/deployments/{deployment_id}/statuses"
    check(
        openapi, server, template,
        f"/repos/example/payments-2-web/deployments/{rollout.id}/statuses",
    )  # fmt: skip


def check(openapi: dict[str, Any], server: Github, template: str, path: str) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    answer = requests.get(
        server.url + path, headers={"Authorization": "Bearer github-token"}, timeout=10
    )
    assert answer.status_code == 200
    told = resolved(openapi, openapi["paths"][template]["get"]["responses"]["200"])
    wanted = {
        **told["content"]["application/json"]["schema"],
        "components": cleaned(openapi["components"]),
    }
    errors = list(jsonschema.Draft202012Validator(wanted).iter_errors(answer.json()))
    assert not errors, [(list(e.absolute_path), e.message[:200]) for e in errors[:3]]


def cleaned(node: Any) -> Any:
    """OpenAPI 3.0's ``nullable`` as JSON Schema says it."""
    if isinstance(node, list):
        return [cleaned(n) for n in node]
    if not isinstance(node, dict):
        return node
    made = {k: cleaned(v) for k, v in node.items() if k != "nullable"}
    return {"anyOf": [made, {"type": "null"}]} if node.get("nullable") is True else made


def resolved(openapi: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        found: Any = openapi
        for part in node["$ref"].split("/")[1:]:
            found = found[part]
        node = found
    return node
