"""GitHub's payloads, made by hand, as rows."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from orchestration.identity import Identity
from orchestration.systems._records import Refused
from orchestration.systems.github import GitHubSettings
from orchestration.systems.github.records import (
    Newest,
    Reader,
    Repository,
    Seen,
    owning_team,
    repository,
)

IDENTITY = Identity("salt")
SHOP = Repository("7", "acme/shop", False, datetime(2024, 1, 1), None, {})  # noqa: DTZ001
NOW = datetime(2026, 6, 1)  # noqa: DTZ001  (UTC, as the lake has it)


def reader(**settings: Any) -> Reader:
    return Reader(IDENTITY, GitHubSettings(organization="acme", token="t", **settings))  # noqa: S106


def moment(day: int, hour: int = 0, month: int = 5) -> str:
    return f"2026-{month:02}-{day:02}T{hour:02}:00:00Z"


def at(day: int, hour: int = 0, month: int = 5) -> datetime:
    return datetime(2026, month, day, hour)  # noqa: DTZ001


def commit(oid: str, message: str = "Work", hour: int = 1, **fields: Any) -> dict[str, Any]:
    return {
        "oid": oid, "message": message, "authoredDate": moment(1, hour),
        "committedDate": moment(1, hour), "additions": 3, "deletions": 1,
        "changedFilesIfAvailable": 1,
        "author": {"name": "One", "email": "person-0001@example.com", "user": {"login": "p0001"}},
        "committer": {"name": "One", "email": "person-0001@example.com"}, **fields,
    }  # fmt: skip


def pull(**fields: Any) -> dict[str, Any]:
    return {
        "id": "PR_1", "fullDatabaseId": "5000000001", "number": 12, "isDraft": False,
        "title": "Add it", "body": "", "headRefName": "feature/it", "baseRefName": "main",
        "createdAt": moment(2),
        "updatedAt": moment(3), "closedAt": None, "mergedAt": None, "additions": 10,
        "deletions": 2, "changedFiles": 0, "author": {"__typename": "User", "login": "p0001"},
        "mergeCommit": None, "labels": [], "files": [], "commits": [], "reviews": [],
        "closingIssuesReferences": [], "timelineItems": [], **fields,
    }  # fmt: skip


def issue(*labels: str, **fields: Any) -> dict[str, Any]:
    return {
        "id": "I_1", "fullDatabaseId": "6000000001", "number": 3, "createdAt": moment(2),
        "updatedAt": moment(3), "closedAt": None, "labels": [{"name": name} for name in labels],
        "timelineItems": [], **fields,
    }  # fmt: skip


def deployment(*states: tuple[str, str], **fields: Any) -> dict[str, Any]:
    """``states``: (state, moment)."""
    return {
        "id": "DE_1", "databaseId": 77, "commitOid": "c1", "createdAt": moment(1),
        "environment": "production", "originalEnvironment": "production", "payload": None,
        "state": "ACTIVE", "statuses": [
            {"id": f"DES_{number}", "state": state, "createdAt": when}
            for number, (state, when) in enumerate(states)
        ], **fields,
    }  # fmt: skip


def deployed(payload: dict[str, Any], *earlier: Seen, **settings: Any) -> dict[str, Any]:
    record, _ = reader(**settings).deployment(payload, SHOP, {"77": earlier}, NOW)
    return record


def outcome(payload: dict[str, Any], *earlier: Seen) -> tuple[Any, ...]:
    record = deployed(payload, *earlier)
    return tuple(record[name] for name in ("status", "started_at", "finished_at", "is_dated"))


def test_id_beyond_32_bits_comes_as_text_and_stays_whole() -> None:
    assert (
        reader().pull_request(pull(), SHOP, ["main"]).pull_request["pull_request_id"]
        == "5000000001"
    )


def test_title_body_and_branch_leave_only_flags() -> None:
    words = "person-0009@example.com said so"
    payload = pull(title=f'Revert "{words}" PAY-12', body=words, headRefName="hotfix/PAY-7-now")
    payload["commits"] = [{"commit": commit("a", words)}]
    change = reader().pull_request(payload, SHOP, ["main"])
    row = change.pull_request
    assert (row["is_revert"], row["is_hotfix"], row["issue_keys"]) == (True, True, "PAY-12;PAY-7")
    assert "said so" not in repr(change)
    assert "@" not in repr(change)


@pytest.mark.parametrize(
    ("base", "branches", "counts"),
    [
        ("main", ["main"], True),
        ("maintenance", ["main"], False),
        ("Main", ["main"], False),
        ("release/1.4", ["main", "release/*"], True),
        ("feature/release/1", ["release/*"], False),
        ("main", [], False),
    ],
)
def test_branch_counts_by_its_whole_name(base: str, branches: list[str], counts: bool) -> None:
    row = reader().pull_request(pull(baseRefName=base), SHOP, branches).pull_request
    assert row["is_for_mainline"] is counts
    assert base not in row.values()


def test_title_leaves_its_type() -> None:
    row = reader().pull_request(pull(title="Fix(api)!: all of it"), SHOP, ["main"]).pull_request
    assert row["title_type"] == "fix"


def test_body_footer_is_evidence_and_a_mention_is_not() -> None:
    told = "Fixes it.\n\n🤖 Generated with [Claude Code](https://claude.com/claude-code)"
    row = reader().pull_request(pull(body=told), SHOP, ["main"]).pull_request
    assert row["ai_evidence_rules"] == "footer_claude_code"
    row = (
        reader()
        .pull_request(pull(body="As generated with Claude Code"), SHOP, ["main"])
        .pull_request
    )
    assert row["ai_evidence_rules"] is None


def test_agent_that_opened_it_is_evidence_and_a_bot() -> None:
    agent = {"__typename": "Bot", "login": "copilot-swe-agent"}
    row = reader().pull_request(pull(author=agent), SHOP, ["main"]).pull_request
    assert row["author_is_bot"]
    assert row["author_id"] == IDENTITY.person("copilot-swe-agent[bot]", "github")
    assert row["ai_evidence_rules"] == "author_copilot"


def test_deleted_account_leaves_the_change_without_a_person() -> None:
    row = reader().pull_request(pull(author=None), SHOP, ["main"]).pull_request
    assert (row["author_id"], row["author_is_bot"]) == (None, False)


def test_files_are_counted_by_kind() -> None:
    paths = ("src/a.py", "src/b.py", "tests/test_a.py", "README.md", "poetry.lock")
    payload = pull(files=[{"path": path} for path in paths], changedFiles=5)
    row = reader().pull_request(payload, SHOP, ["main"]).pull_request
    assert (row["test_file_count"], row["production_file_count"]) == (1, 2)


def test_files_that_are_not_all_told_are_not_counted_by_kind() -> None:
    payload = pull(files=[{"path": "src/a.py"}], changedFiles=4000)
    row = reader().pull_request(payload, SHOP, ["main"]).pull_request
    assert (row["changed_file_count"], row["test_file_count"]) == (4000, None)


def test_commit_that_would_merge_an_open_pull_request_is_no_merge_commit() -> None:
    change = reader().pull_request(pull(mergeCommit=commit("m")), SHOP, ["main"])
    assert change.pull_request["merge_commit_sha"] is None
    assert change.commits == []


def test_merge_commit_is_a_commit_but_not_one_of_the_pull_requests() -> None:
    payload = pull(
        mergedAt=moment(3),
        closedAt=moment(3),
        mergeCommit=commit("m"),
        commits=[{"commit": commit("a", hour=5)}, {"commit": commit("b", hour=4)}],
    )
    change = reader().pull_request(payload, SHOP, ["main"])
    assert [row["commit_sha"] for row in change.commits] == ["a", "b", "m"]
    assert [row["commit_sha"] for row in change.pull_request_commits] == ["a", "b"]
    assert change.pull_request["first_commit_at"] == at(1, 4)
    assert change.pull_request["merge_commit_sha"] == "m"


def test_commit_keeps_evidence_and_what_it_reverts() -> None:
    message = (
        'Revert "x"\n\nThis reverts commit 0123456789abcdef0123456789abcdef01234567.\n\n'
        "Co-authored-by: Claude <noreply@anthropic.com>"
    )
    payload = pull(commits=[{"commit": commit("a", message)}])
    row = reader().pull_request(payload, SHOP, ["main"]).commits[0]
    assert row["reverted_commit_shas"] == "0123456789abcdef0123456789abcdef01234567"
    assert row["ai_evidence_rules"] == "trailer_co_author_claude"
    assert row["author_id"] == IDENTITY.person("person-0001@example.com", "git")


def test_pending_review_is_not_there_yet() -> None:
    def review(number: int, **fields: Any) -> dict[str, Any]:
        return {
            "fullDatabaseId": str(number), "state": "APPROVED", "submittedAt": moment(2, 9),
            "author": {"__typename": "User", "login": "p0002"}, "comments": {"totalCount": 2},
            **fields,
        }  # fmt: skip

    reviews = [review(1), review(2, state="PENDING", submittedAt=None)]
    rows = reader().pull_request(pull(reviews=reviews), SHOP, ["main"]).reviews
    assert [(r["review_id"], r["state"], r["comment_count"]) for r in rows] == [
        ("1", "approved", 2)
    ]


@pytest.mark.parametrize(
    ("events", "ready_at"),
    [
        ([], None),
        ([("ReadyForReviewEvent", 3), ("ConvertToDraftEvent", 4), ("ReadyForReviewEvent", 5)], 3),
        ([("ConvertToDraftEvent", 4), ("ReadyForReviewEvent", 5)], 2),
    ],
)
def test_ready_is_when_it_first_was(events: list[tuple[str, int]], ready_at: int | None) -> None:
    items = [{"__typename": kind, "createdAt": moment(day)} for kind, day in events]
    row = reader().pull_request(pull(timelineItems=items), SHOP, ["main"]).pull_request
    assert row["ready_at"] == (at(ready_at) if ready_at else None)


def test_vanished_required_field_is_refused_without_its_values() -> None:
    payload = pull(title="secret of person-0009@example.com")
    del payload["createdAt"]
    with pytest.raises(Refused) as refused:
        reader().pull_request(payload, SHOP, ["main"])
    assert str(refused.value) == "createdAt: Field required"


def test_label_with_a_semicolon_stays_one_label() -> None:
    row = (
        reader()
        .pull_request(pull(labels=[{"name": "a;b"}, {"name": "c"}]), SHOP, ["main"])
        .pull_request
    )
    assert row["labels"] == "a,b;c"


@pytest.mark.parametrize("said", ['{"name": "pay", "note": "text"}', '["pay"]', "true", "null"])
def test_object_in_the_place_of_a_deployers_word_does_not_land_as_text(said: str) -> None:
    row = deployed(deployment(payload=f'{{"service": {said}, "remediates_incident_id": {said}}}'))
    assert (row["service_id"], row["remediates_incident_id"]) == ("acme/shop", None)


def test_success_that_became_inactive_is_a_success_at_its_first() -> None:
    made = deployment(
        ("IN_PROGRESS", moment(1, 1)),
        ("SUCCESS", moment(1, 2)),
        ("SUCCESS", moment(1, 3)),
        ("INACTIVE", moment(9)),
        state="INACTIVE",
    )
    assert outcome(made) == ("success", at(1, 1), at(1, 2), True)


def test_retried_deployment_succeeded_in_the_end() -> None:
    made = deployment(("FAILURE", moment(1, 1)), ("SUCCESS", moment(1, 2)))
    assert outcome(made) == ("success", None, at(1, 2), True)


def test_failure_ends_at_the_last_one_even_when_it_is_retired() -> None:
    made = deployment(
        ("FAILURE", moment(1, 1)), ("ERROR", moment(1, 2)), ("INACTIVE", moment(1, 3))
    )
    assert outcome(made) == ("failure", None, at(1, 2), True)


def test_inactive_without_a_success_was_cancelled() -> None:
    made = deployment(("IN_PROGRESS", moment(1, 1)), ("INACTIVE", moment(1, 2)))
    assert outcome(made) == ("cancelled", at(1, 1), at(1, 2), True)


def test_running_deployment_has_no_status() -> None:
    assert outcome(deployment(("IN_PROGRESS", moment(1, 1)))) == (None, at(1, 1), None, True)
    assert outcome(deployment(state=None)) == (None, None, None, True)


def test_status_seen_before_the_vendor_deleted_it_still_counts() -> None:
    made = deployment(("INACTIVE", moment(9)), state="INACTIVE")
    success = Seen("DES_old", "success", at(1, 2))
    assert outcome(made) == ("cancelled", None, at(9), True)
    assert outcome(made, success) == ("success", None, at(1, 2), True)


def test_old_deployment_whose_statuses_are_gone_ended_when_it_was_made() -> None:
    """NOW is more than 90 days after 1 January."""
    old = {"createdAt": moment(1, month=1)}
    retired = deployment(("INACTIVE", moment(9, month=1)), state="INACTIVE", **old)
    assert outcome(retired) == ("success", None, at(1, month=1), False)
    assert outcome(deployment(state="ACTIVE", **old)) == ("success", None, at(1, month=1), False)
    assert outcome(deployment(state="FAILURE", **old)) == ("failure", None, at(1, month=1), False)
    cancelled = deployment(("IN_PROGRESS", moment(1, 1, 1)), ("INACTIVE", moment(1, 2, 1)), **old)
    assert outcome(cancelled)[0] == "cancelled"


@pytest.mark.parametrize(
    "payload",
    [
        '{"service": "web", "is_rollback": true, "remediates_incident_id": "pagerduty:Q1"}',
        '"{\\"service\\": \\"web\\", \\"is_rollback\\": true, '
        '\\"remediates_incident_id\\": \\"pagerduty:Q1\\"}"',
    ],
)
def test_payload_is_read_as_an_object_and_as_text_that_holds_one(payload: str) -> None:
    row = deployed(deployment(payload=payload))
    assert (row["service_id"], row["is_rollback"], row["is_unplanned"]) == ("web", True, False)
    assert row["remediates_incident_id"] == "pagerduty:Q1"


@pytest.mark.parametrize("payload", ["", '""', "deploy!main", "[1]", "null", None])
def test_payload_that_says_nothing_means_the_repository(payload: str | None) -> None:
    row = deployed(deployment(payload=payload))
    assert (row["service_id"], row["is_rollback"]) == ("acme/shop", False)


def test_configured_service_comes_before_the_payloads() -> None:
    made = deployment(payload='{"service": "web"}')
    assert deployed(made, services={"acme/shop": "storefront"})["service_id"] == "storefront"


def test_deployment_without_a_number_is_known_by_its_node() -> None:
    assert deployed(deployment(databaseId=None))["deployment_id"] == "DE_1"


def test_every_status_is_a_row() -> None:
    made = deployment(("SUCCESS", moment(1, 2)), ("INACTIVE", moment(9)))
    _, statuses = reader().deployment(made, SHOP, {}, NOW)
    assert statuses == [
        {"status_id": "DES_0", "deployment_id": "77", "repository_id": "7", "state": "success",
         "created_at": at(1, 2)},
        {"status_id": "DES_1", "deployment_id": "77", "repository_id": "7", "state": "inactive",
         "created_at": at(9)},
    ]  # fmt: skip


def test_incident_is_a_labelled_issue() -> None:
    row = reader().issue(issue("Incident", "Severity: High", "web"), SHOP)
    assert (row["is_incident"], row["issue_type"], row["severity"]) == (True, "incident", "high")
    assert (row["service_id"], row["labels"]) == ("acme/shop", "Incident;Severity: High;web")


@pytest.mark.parametrize(
    ("labels", "fields", "expected"),
    [
        ((), {}, "task"),
        (("Bug",), {}, "bug"),
        (("bug",), {"issueType": {"name": "Feature"}}, "feature"),
        ((), {"issueType": None}, "task"),
    ],
)
def test_issue_type_is_githubs_own_else_a_labels(
    labels: tuple[str, ...], fields: dict[str, Any], expected: str
) -> None:
    assert reader().issue(issue(*labels, **fields), SHOP)["issue_type"] == expected


def test_escaped_defect_is_unknown_where_no_label_would_say_so() -> None:
    assert reader().issue(issue("escaped"), SHOP)["is_escaped_defect"] is None
    told = reader(escaped_defect_labels=["escaped"])
    assert told.issue(issue("Escaped"), SHOP)["is_escaped_defect"] is True
    assert told.issue(issue("bug"), SHOP)["is_escaped_defect"] is False


def test_issue_counts_how_often_it_was_opened_again() -> None:
    twice = [{"__typename": "ReopenedEvent"}] * 2
    assert reader().issue(issue(timelineItems=twice), SHOP)["reopened_count"] == 2


def run(**fields: Any) -> dict[str, Any]:
    return {
        "id": 9, "name": "Deploy to production", "path": ".github/workflows/deploy.yml",
        "head_sha": "c1", "status": "completed", "conclusion": "success", "run_attempt": 2,
        "created_at": moment(1), "updated_at": moment(1, 3), "run_started_at": moment(1, 2),
        **fields,
    }  # fmt: skip


def test_run_in_its_newest_attempt() -> None:
    row = reader().run(run(), SHOP, set())
    assert (row["attempt"], row["started_at"], row["finished_at"]) == (2, at(1, 2), at(1, 3))
    row = reader().run(run(status="in_progress", conclusion=None), SHOP, set())
    assert (row["conclusion"], row["finished_at"]) == (None, None)


def test_field_nobody_knows_is_news() -> None:
    news: set[str] = set()
    reader().run(run(brand_new=1, event="push"), SHOP, news)
    assert news == {"brand_new"}


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, "success"),
        ({"conclusion": "timed_out"}, "failure"),
        ({"conclusion": "cancelled"}, "cancelled"),
        ({"conclusion": "skipped"}, "none"),
        ({"name": "Tests", "path": ".github/workflows/tests.yml"}, "none"),
        ({"status": "in_progress", "conclusion": None}, None),
    ],
)
def test_workflow_run_as_a_deployment(fields: dict[str, Any], status: str | None) -> None:
    told = reader(deployments={"from": "workflow_runs", "workflow": "[Dd]eploy"})
    payload = run(**fields)
    row = told.shipped_by(payload, told.run(payload, SHOP, set()), SHOP)
    assert (row["status"] if row else "none") == status
    if row:
        assert (row["deployment_id"], row["environment"]) == ("run-9", "production")


def test_release_as_a_deployment_when_it_is_published() -> None:
    told = reader(deployments={"from": "releases"})
    release = {
        "id": "RE_1", "databaseId": 5, "createdAt": moment(1), "publishedAt": moment(2),
        "isDraft": False, "isPrerelease": False, "tagCommit": {"oid": "c1"},
    }  # fmt: skip
    row = told.release(release, SHOP)
    assert row is not None
    assert (row["deployment_id"], row["finished_at"]) == ("release-5", at(2))
    assert told.release({**release, "isDraft": True}, SHOP) is None
    assert told.release({**release, "isPrerelease": True}, SHOP) is None


def test_owner_is_the_last_team_of_the_last_line_for_everything() -> None:
    owners = (
        "# * @acme/nobody\n* @acme/first @p0001\n*.js @acme/web\n"
        "*  @p0001 @acme/platform @acme/payments  # @acme/nobody\n/docs @acme/docs\n"
    )
    assert owning_team(owners) == "payments"
    assert owning_team("* @p0001\n") is None
    assert owning_team("") is None


@pytest.mark.parametrize(
    ("said", "address"),
    [
        ({"samlIdentity": {"nameId": "person-0001@example.com"}}, "person-0001@example.com"),
        ({"samlIdentity": {"nameId": "u1", "emails": [
            {"value": "person-0002@example.com", "primary": False},
            {"value": "person-0003@example.com", "primary": True}]}}, "person-0003@example.com"),
        ({"samlIdentity": None, "scimIdentity": {"username": "person-0004@example.com"}},
         "person-0004@example.com"),
    ],
)  # fmt: skip
def test_sign_on_links_a_login_to_an_address(said: dict[str, Any], address: str) -> None:
    row = reader().identity({"user": {"login": "P0001"}, **said})
    assert row == {
        "handle_id": IDENTITY.person("p0001", "github"),
        "person_id": IDENTITY.person(address, "any"),
    }


def test_sign_on_without_login_or_address_links_nobody() -> None:
    assert reader().identity({"user": None, "samlIdentity": {"nameId": "a@example.com"}}) is None
    assert reader().identity({"user": {"login": "p1"}, "samlIdentity": {"nameId": "u1"}}) is None


def test_empty_repository_is_listed() -> None:
    nothing = {"totalCount": 0, "nodes": []}
    listed = repository({
        "databaseId": 7, "nameWithOwner": "acme/new", "isArchived": False,
        "createdAt": moment(1), "pushedAt": None,
        "pullRequests": nothing, "issues": {"totalCount": 1, "nodes": [{"updatedAt": moment(2)}]},
        "deployments": nothing, "defaultBranchRef": None,
    })  # fmt: skip
    assert listed.newest["pull_requests"] == Newest(0, None)
    assert listed.active_at == at(2)
    assert listed.default_branch is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"token": "t"},
        {"organization": "acme"},
        {"repositories": ["payments"], "token": "t"},
        {"organization": "acme", "token": "t", "deployments": {"from": "workflow_runs"}},
        {"organization": "acme", "token": "t",
         "deployments": {"from": "workflow_runs", "workflow": "("}},
        {"organization": "acme", "token": "t",
         "app": {"id": 1, "installation_id": 2, "private_key": "k"}},
    ],
)  # fmt: skip
def test_settings_that_cannot_mean_anything_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        GitHubSettings(**wrong)


def test_ninety_days_are_the_vendors() -> None:
    """One hour less than 90 days old: what is missing was never there."""
    young = (NOW - timedelta(days=89, hours=23)).strftime("%Y-%m-%dT%H:%M:%SZ")
    made = deployment(("INACTIVE", moment(9)), createdAt=young)
    assert outcome(made)[0] == "cancelled"
