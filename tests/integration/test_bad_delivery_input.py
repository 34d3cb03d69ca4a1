"""Bad input about delivery: each kind gets its reason, a line of its own or quarantine.

One small company with all of them, made by hand and published by ``valuemaxx run``, whose own
tests of the data must pass. Everybody works on the service checkout unless said otherwise.
"""

from collections.abc import Iterator
from datetime import date
from typing import Any

import duckdb
import pytest
import yaml

from tests.conftest import Run

FEEDS = {
    # The shop was a store. Its search is split off in March; the old team joins payments in
    # February. Nobody is in the team of nobody.
    "teams-1": """
        team_id,team_name,parent_team_id
        eng,Engineering,
        shop,Store,eng
        pay,Payments,eng
        old,Old,eng
        search,Search,eng
    """,
    "teams-2": """
        team_id,team_name,parent_team_id
        shop,Shop,eng
    """,
    # cat is in two teams at once with the same share; dan is in none.
    "team_memberships": """
        person,team_id,valid_from,valid_to
        ann@example.com,shop,2025-01-01,2026-03-01
        ann@example.com,search,2026-03-01,
        ben@example.com,old,2025-01-01,2026-02-01
        ben@example.com,pay,2026-02-01,
        cat@example.com,shop,2025-01-01,
        cat@example.com,pay,2025-01-01,
    """,
    # The service changes hands in the middle of a quarter.
    "services-2026-01": """
        service_id,team_id,repository
        checkout,shop,acme/checkout
        billing,pay,acme/billing
    """,
    "services-2026-02": """
        service_id,team_id,repository
        checkout,search,acme/checkout
    """,
    "pull_requests": """
        pull_request_id,repository,author,first_commit_at,created_at,merged_at,merge_commit_sha
        summer,acme/checkout,ann@example.com,2025-07-01T08:00Z,2025-07-01T09:00Z,2025-07-01T10:00Z,f00
        old-team,acme/checkout,ben@example.com,2026-01-05T08:00Z,2026-01-05T09:00Z,2026-01-05T10:00Z,f01
        no-commits,acme/checkout,ann@example.com,,2026-02-02T09:00Z,2026-02-02T10:00Z,f02
        no-repository,,ann@example.com,,2026-02-02T09:00Z,2026-02-02T10:00Z,f03
        backwards,acme/checkout,ann@example.com,,2026-02-02T09:00Z,2026-02-02T08:00Z,f04
        early-review,acme/checkout,ben@example.com,2026-02-03T08:00Z,2026-02-03T09:00Z,2026-02-03T10:00Z,f05
        deleted-reviewer,acme/checkout,cat@example.com,2026-02-04T08:00Z,2026-02-04T09:00Z,2026-02-04T10:00Z,f06
        no-team,acme/checkout,dan@example.com,2026-02-04T02:00Z,2026-02-04T09:00Z,2026-02-04T11:00Z,f07
        nowhere,acme/unknown,dan@example.com,2026-02-04T02:00Z,2026-02-04T09:00Z,2026-02-04T11:00Z,f08
        split,acme/checkout,ann@example.com,2026-03-02T08:00Z,2026-03-02T09:00Z,2026-03-02T10:00Z,f09
    """,
    "reviews": """
        review_id,pull_request_id,submitted_at,reviewer,state
        1,early-review,2026-02-03T08:30Z,ann@example.com,approved
        2,deleted-reviewer,2026-02-04T09:30Z,,approved
    """,
    # same-a and same-b finish at one second; back deploys again what early-review did.
    "deployments": """
        deployment_id,service_id,environment,status,finished_at,commit_sha
        summer,checkout,production,success,2025-07-01T12:00Z,f00
        january,checkout,production,success,2026-01-05T12:00Z,f01
        february,checkout,production,success,2026-02-02T12:00Z,f02
        early-review,checkout,production,success,2026-02-03T12:00Z,f05
        same-b,checkout,production,success,2026-02-04T12:00Z,f07
        same-a,checkout,production,success,2026-02-04T12:00Z,f06
        back,checkout,production,success,2026-02-10T12:00Z,f05
        march,checkout,production,success,2026-03-02T12:00Z,f09
    """,
    "deployment_commits": """
        deployment_id,commit_sha
        summer,f00
        january,f01
        february,f02
        early-review,f05
        same-a,f06
        same-b,f07
        march,f09
    """,
    # The same incident, resolved at 13:30, opened again, resolved, opened again, resolved.
    "incidents-1": """
        incident_id,service_id,opened_at,detected_at,resolved_at
        reopened,checkout,2026-02-04T13:00Z,2026-02-04T13:10Z,2026-02-04T13:30Z
        before-any-deployment,billing,2026-01-10T09:00Z,,2026-01-10T10:00Z
        backwards,checkout,2026-02-02T13:00Z,,2026-02-02T12:30Z
    """,
    "incidents-2": """
        incident_id,service_id,opened_at,detected_at,resolved_at
        reopened,checkout,2026-02-04T13:00Z,2026-02-04T13:10Z,
    """,
    "incidents-3": """
        incident_id,service_id,opened_at,detected_at,resolved_at
        reopened,checkout,2026-02-04T13:00Z,2026-02-04T13:10Z,2026-02-04T14:00Z
    """,
    "issues-1": """
        issue_id,issue_type,created_at,team_id,reopened_count
        moved,bug,2026-02-05T09:00Z,shop,2
    """,
    "issues-2": """
        issue_id,issue_type,created_at,team_id,reopened_count
        moved,bug,2026-02-05T09:00Z,pay,2
    """,
}
SUMMER, AUTUMN, WINTER = date(2025, 7, 1), date(2025, 10, 1), date(2026, 1, 1)
Tables = duckdb.DuckDBPyConnection
Row = dict[str, Any]


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory, valuemaxx: Run) -> Iterator[Tables]:
    folder = tmp_path_factory.mktemp("bad")
    (folder / "feeds").mkdir()
    for name, text in FEEDS.items():
        lines = [line.strip() for line in text.strip().splitlines()]
        (folder / "feeds" / f"{name}.csv").write_text("\n".join(lines))
    config = folder / "valuemaxx.yml"
    config.write_text(yaml.safe_dump({"company": "Example"}))
    done = valuemaxx("run", "--config", config, "--as-of", "2026-04-01")
    assert done.returncode == 0, done.stderr
    path = folder / ".valuemaxx" / "published" / "valuemaxx.duckdb"
    with duckdb.connect(str(path), read_only=True) as connection:
        yield connection


def rows(tables: Tables, table: str, **wanted: object) -> list[Row]:
    """The rows of a table in which the columns have these values."""
    condition = " and ".join(f"{column} = ?" for column in wanted) or "true"
    query = f"select * from {table} where {condition} order by all"  # noqa: S608
    found = tables.execute(query, list(wanted.values()))
    names = [column[0] for column in found.description or []]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def one(tables: Tables, table: str, **wanted: object) -> Row:
    (row,) = rows(tables, table, **wanted)
    return row


def change(tables: Tables, name: str) -> Row:
    return one(tables, "dora.fct_changes", pull_request_id=f"files:{name}")


def deployment(tables: Tables, name: str) -> Row:
    return one(tables, "dora.fct_deployments", deployment_id=f"files:{name}")


def incident(tables: Tables, name: str) -> Row:
    return one(tables, "dora.fct_incidents", incident_id=f"files:{name}")


def quarter(tables: Tables, scope: str, start: date = WINTER, table: str = "dora.dora") -> Row:
    """The quarter's row of a team, or of the organization."""
    kind = "organization" if scope == "organization" else "team"
    name = f"{table}_quarterly"
    return one(tables, name, scope_type=kind, scope_id=scope, period_start=start)


def quarantined(tables: Tables, stream: str) -> int:
    found = one(tables, "ops.data_quality", system="files", stream=stream)
    assert isinstance(found["rows_quarantined"], int)
    return found["rows_quarantined"]


def test_the_quarter_counts_what_is_left(tables: Tables) -> None:
    """Ten changes of which two are refused and one is of the summer; seven of eight deployments.

    Lead times of 4 h (old-team, early-review, deleted-reviewer, split) and 10 h (no-team): the
    90th percentile lies 3.6 steps up, at 4 + 0.6 x 6 = 7.6 h.
    """
    found = quarter(tables, "organization")
    assert found["change_count"] == 7
    assert found["lead_time_known_change_count"] == 5
    assert found["lead_time_known_share"] == pytest.approx(5 / 7)
    assert found["no_commits_change_count"] == 1
    assert found["no_service_change_count"] == 1
    assert found["median_change_lead_time_hours"] == 4
    assert found["p90_change_lead_time_hours"] == 7.6
    assert found["deployment_count"] == 7
    assert found["failed_deployment_count"] == 1
    assert found["change_fail_rate"] == pytest.approx(1 / 7)
    assert found["rework_deployment_count"] == 1
    assert found["is_small_sample"] is True


def test_a_change_without_commits_says_so(tables: Tables) -> None:
    found = change(tables, "no-commits")
    assert found["no_lead_time_reason"] == "no_commits"
    assert found["change_lead_time_seconds"] is None
    assert found["deploy_seconds"] == 2 * 3600
    variants = rows(tables, "dora.lead_time_variants", pull_request_id="files:no-commits")
    assert {row["variant"]: row["lead_time_minutes"] for row in variants} == {
        "first_commit_to_deploy": None,
        "merge_to_deploy": 120,
        "last_commit_to_deploy": None,
        "first_commit_to_merge": None,
        "devlake_pr_cycle": 180,
    }
    assert {row["no_lead_time_reason"] for row in variants} == {"no_commits", None}


def test_a_change_without_a_repository_or_merged_before_it_was_opened_is_refused(
    tables: Tables,
) -> None:
    assert quarantined(tables, "pull_requests") == 2
    for name in ("no-repository", "backwards"):
        assert not rows(tables, "dora.fct_changes", pull_request_id=f"files:{name}")


def test_a_change_of_a_repository_without_a_service_has_no_service(tables: Tables) -> None:
    found = change(tables, "nowhere")
    assert (found["service_id"], found["team_id"]) == (None, "unattributed")
    assert found["no_lead_time_reason"] == "no_service"
    assert quarter(tables, "unattributed")["change_count"] == 1


def test_a_review_before_its_change_is_a_negative_stage(tables: Tables) -> None:
    """Reviewed 30 min before it was opened: no pickup; 1.5 h to the merge. 4 h in all."""
    found = change(tables, "early-review")
    assert found["pickup_seconds"] is None
    assert found["review_seconds"] == 5400
    assert found["negative_stage_count"] == 1
    assert found["change_lead_time_seconds"] == 4 * 3600
    devlake = one(
        tables,
        "dora.lead_time_variants",
        pull_request_id="files:early-review",
        variant="devlake_pr_cycle",
    )
    assert (devlake["pickup_minutes"], devlake["review_minutes"]) == (None, 90)


def test_a_review_by_a_deleted_person_is_nobodys(tables: Tables) -> None:
    found = change(tables, "deleted-reviewer")
    assert found["first_review_at"] is None
    assert found["pickup_seconds"] is None
    assert found["change_lead_time_seconds"] == 4 * 3600


def test_an_incident_before_any_deployment_has_none(tables: Tables) -> None:
    found = incident(tables, "before-any-deployment")
    assert (found["deployment_id"], found["link_method"]) == (None, None)
    assert found["recovery_seconds"] == 3600


def test_an_incident_resolved_before_it_was_opened_is_refused(tables: Tables) -> None:
    assert quarantined(tables, "incidents") == 1
    assert not rows(tables, "dora.fct_incidents", incident_id="files:backwards")
    assert deployment(tables, "february")["is_failed"] is False


def test_an_incident_reopened_twice_counts_once(tables: Tables) -> None:
    """Resolved for good at 14:00: 2 h after the deployment, 50 min after it was noticed."""
    found = incident(tables, "reopened")
    assert str(found["resolved_at"]) == "2026-02-04 14:00:00"
    assert found["recovery_seconds"] == 3600
    failed = deployment(tables, "same-b")
    assert failed["incident_count"] == 1
    assert failed["recovery_seconds"] == 2 * 3600
    assert failed["recovery_from_detection_seconds"] == 50 * 60
    organization = quarter(tables, "organization")
    assert organization["recovered_deployment_count"] == 1
    assert organization["open_failure_count"] == 0
    assert organization["p90_failed_deployment_recovery_hours"] == 2


def test_of_deployments_at_one_second_the_larger_id_is_the_later(tables: Tables) -> None:
    """The incident an hour later is laid at the door of same-b, though it is listed first."""
    assert incident(tables, "reopened")["deployment_id"] == "files:same-b"
    assert deployment(tables, "same-a")["is_failed"] is False
    assert change(tables, "no-team")["deployment_id"] == "files:same-b"
    assert quarter(tables, "organization")["deployment_day_count"] == 6


def test_a_deployment_that_steps_back_is_a_rollback_and_ships_nothing(tables: Tables) -> None:
    back = deployment(tables, "back")
    assert (back["is_rollback"], back["rework_reason"]) == (True, "rollback")
    assert (back["commit_count"], back["change_count"]) == (0, 0)
    assert deployment(tables, "same-b")["failure_link_method"] == "rollback"
    assert change(tables, "early-review")["deployment_id"] == "files:early-review"


def test_of_overlapping_memberships_the_first_id_has_the_change(tables: Tables) -> None:
    assert change(tables, "deleted-reviewer")["team_id"] == "pay"


def test_without_a_membership_a_change_is_its_services(tables: Tables) -> None:
    assert change(tables, "no-team")["team_id"] == "search"


def test_a_renamed_team_has_one_history_under_its_new_name(tables: Tables) -> None:
    names = {row["scope_name"] for row in rows(tables, "dora.dora_quarterly", scope_id="shop")}
    assert names == {"Shop"}
    assert quarter(tables, "shop", SUMMER)["change_count"] == 1
    assert quarter(tables, "shop", WINTER)["change_count"] == 1


def test_merged_and_split_teams_keep_what_was_theirs(tables: Tables) -> None:
    """ben merged once for the old team, once for payments; ann for the shop, then for search."""
    assert change(tables, "old-team")["team_id"] == "old"
    assert change(tables, "early-review")["team_id"] == "pay"
    assert change(tables, "no-commits")["team_id"] == "shop"
    assert change(tables, "split")["team_id"] == "search"
    counts = {
        team: quarter(tables, team)["change_count"]
        for team in ("eng", "shop", "pay", "old", "search", "unattributed")
    }
    assert counts == {"eng": 0, "shop": 1, "pay": 2, "old": 1, "search": 2, "unattributed": 1}


def test_a_service_that_changed_hands_is_its_newest_owners_throughout(tables: Tables) -> None:
    assert quarter(tables, "search", SUMMER)["deployment_count"] == 1
    assert quarter(tables, "search", WINTER)["deployment_count"] == 7
    assert quarter(tables, "shop", WINTER)["deployment_count"] == 0


def test_an_issue_that_moved_between_teams_counts_once_where_it_is(tables: Tables) -> None:
    quality = {
        team: quarter(tables, team, WINTER, "quality.quality")
        for team in ("organization", "shop", "pay")
    }
    assert {team: row["opened_bug_count"] for team, row in quality.items()} == {
        "organization": 1,
        "shop": 0,
        "pay": 1,
    }
    assert quality["pay"]["reopened_issue_count"] == 1


def test_an_empty_quarter_has_zeros_and_nulls(tables: Tables) -> None:
    for scope in ("organization", "shop", "search"):
        found = quarter(tables, scope, AUTUMN)
        for column, value in found.items():
            if column == "whole_day_count":
                assert value == 92
            elif column.endswith("_count"):
                assert value == 0, column
            elif column.endswith(("_hours", "_rate", "_share")):
                assert value is None, column
        assert found["deployments_per_week"] == 0
        assert found["is_small_sample"] is True
        variants = rows(
            tables,
            "dora.lead_time_variants_quarterly",
            scope_id=scope,
            period_start=AUTUMN,
        )
        assert [row["change_count"] for row in variants] == [0] * 5
        assert {row["median_hours"] for row in variants} == {None}
        benchmarks = rows(
            tables, "dora.dora_benchmarks_quarterly", scope_id=scope, period_start=AUTUMN
        )
        assert len(benchmarks) == 13
        assert {row["tier"] for row in benchmarks if row["value"] is None} == {None}


def test_a_services_first_deployment_dates_nothing_for_devlake(tables: Tables) -> None:
    """Coding 60 min and open 60 min; what the summer's, the first one, ships is not counted."""
    found = one(
        tables,
        "dora.lead_time_variants",
        pull_request_id="files:summer",
        variant="devlake_pr_cycle",
    )
    assert found["deployment_id"] is None
    assert found["lead_time_minutes"] == 120
    assert change(tables, "summer")["change_lead_time_seconds"] == 4 * 3600
