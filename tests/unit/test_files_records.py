"""What a cell becomes: types, flags out of text, people, survey answers."""
# ruff: noqa: DTZ001  (the lake holds UTC without a zone)

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from orchestration.identity import Identity
from orchestration.systems.files import FEEDS, records
from orchestration.systems.files.client import Chunk

IDENTITY = Identity("a salt for tests", bots=["our-robot"])
SHA = "0123456789abcdef0123456789abcdef01234567"


def typed(feed: str, *rows: dict[str, str | None]) -> tuple[list[dict[str, Any]], list[str]]:
    """The records that fit and the reasons of those that do not."""
    names = sorted({name for row in rows for name in row})
    cells = pa.table({n: pa.array([r.get(n) for r in rows], pa.string()) for n in names})
    lines = pa.array(range(2, len(rows) + 2), pa.int64())
    chunk = Chunk(cells, lines, pa.nulls(len(rows), pa.string()))
    declared = next(f for f in FEEDS if f.name == feed)
    with records.workshop() as connection:
        good, refused = records.Typer(connection, declared, IDENTITY).type(chunk)
    return good.to_pylist(), [record.reason for record in refused]


def incident(number: int, **cells: str) -> dict[str, str | None]:
    return {"incident_id": f"i{number}", "opened_at": "2026-01-01", **cells}


@pytest.mark.parametrize(
    ("given", "moment"),
    [
        ("2026-03-29T01:30:00Z", datetime(2026, 3, 29, 1, 30)),
        ("2026-03-29T01:30:00", datetime(2026, 3, 29, 1, 30)),
        ("2026-03-29 01:30", datetime(2026, 3, 29, 1, 30)),
        ("2026-03-29", datetime(2026, 3, 29)),
        (" 2026-03-29\xa0", datetime(2026, 3, 29)),
        ("2024-02-29T23:59:59.999999Z", datetime(2024, 2, 29, 23, 59, 59, 999999)),
        # More digits than a microsecond has are cut, not rounded: no moment moves ahead.
        ("2026-01-01T00:00:00.123456789Z", datetime(2026, 1, 1, 0, 0, 0, 123456)),
        # 02:30 at +02:00 is 00:30 UTC; 23:00 at -05:30 is 04:30 UTC of the next day.
        ("2026-03-29T02:30:00+02:00", datetime(2026, 3, 29, 0, 30)),
        ("2026-03-29T23:00:00-0530", datetime(2026, 3, 30, 4, 30)),
        ("2026-03-29T02:30+02", datetime(2026, 3, 29, 0, 30)),
        ("1970-01-01", datetime(1970, 1, 1)),
        ("2199-12-31T23:59:59Z", datetime(2199, 12, 31, 23, 59, 59)),
    ],
)
def test_time_is_utc_without_zone(given: str, moment: datetime) -> None:
    good, _ = typed("incidents", incident(1, opened_at=given))
    assert [row["opened_at"] for row in good] == [moment]


@pytest.mark.parametrize(
    ("given", "day"),
    [
        ("2026-03-01", date(2026, 3, 1)),
        ("2026-03", date(2026, 3, 1)),
        ("2026-03-01T23:30:00-02:00", date(2026, 3, 2)),  # 01:30 UTC of the next day
        ("2026-03-01 00:30:00+01:00", date(2026, 2, 28)),  # 23:30 UTC of the day before
    ],
)
def test_date_is_the_utc_day(given: str, day: date) -> None:
    good, _ = typed("fx_rates", {"rate_date": given, "currency": "EUR", "usd_per_unit": "1"})
    assert [row["rate_date"] for row in good] == [day]


def test_month_lands_as_its_first_day_so_that_its_key_holds() -> None:
    budget = {"cost_center": "c", "amount": "1", "currency": "USD"}
    good, reasons = typed(
        "budgets", budget | {"month": "2026-03-15"}, budget | {"month": "2026-03"}
    )
    assert [row["month"] for row in good] == [date(2026, 3, 1)]
    assert reasons == ["duplicate key cost_center, month, vendor"]


@pytest.mark.parametrize(
    ("given", "number"),
    [("12", 12), ("12.0", 12), ("+7", 7), ("007", 7), ("5.", 5), ("1000000000000000000", 10**18)],
)
def test_integer_is_exact(given: str, number: int) -> None:
    usage = {"usage_id": "u", "occurred_at": "2026-01-01", "vendor": "v", "model": "m"}
    good, _ = typed("ai_usage", usage | {"output_tokens": given})
    assert [row["output_tokens"] for row in good] == [number]


@pytest.mark.parametrize(
    ("given", "number"),
    [
        ("0.1", "0.1"), ("-12.340", "-12.34"), (".5", "0.5"), ("5.", "5"),
        ("0.1234567890000", "0.123456789"), ("999999999999.999999999",) * 2,
    ],
)  # fmt: skip
def test_decimal_is_exact(given: str, number: str) -> None:
    cost = {"vendor": "v", "cost_date": "2026-01-01", "currency": "USD"}
    good, _ = typed("ai_costs", cost | {"amount": given})
    assert [row["amount"] for row in good] == [Decimal(number)]


def test_boolean_takes_the_usual_words() -> None:
    words = ["true", "T", "YES", "1", "false", "f", "No", "0"]
    issue = {"issue_type": "bug", "created_at": "2026-01-01"}
    good, _ = typed(
        "issues",
        *(issue | {"issue_id": str(n), "is_escaped_defect": w} for n, w in enumerate(words)),
    )
    assert [row["is_escaped_defect"] for row in good] == [True] * 4 + [False] * 4


def test_several_faults_are_told_together() -> None:
    _, reasons = typed(
        "incidents", incident(1, opened_at="soon", resolved_at="later") | {"incident_id": ""}
    )
    assert reasons == ["incident_id is empty; opened_at is not a time; resolved_at is not a time"]


def test_refused_record_does_not_hold_its_key() -> None:
    good, reasons = typed(
        "incidents", incident(1, opened_at="soon"), incident(1), incident(1), incident(2)
    )
    assert [row["incident_id"] for row in good] == ["i1", "i2"]
    assert reasons == ["opened_at is not a time", "duplicate key incident_id"]


def test_key_is_unique_across_chunks() -> None:
    feed = next(f for f in FEEDS if f.name == "services")
    with records.workshop() as connection:
        typer = records.Typer(connection, feed, IDENTITY)
        found = []
        for line, name in enumerate(["a", "b", "a", "b", "c"], 2):
            cells = pa.table({"service_id": [name]})
            chunk = Chunk(cells, pa.array([line], pa.int64()), pa.nulls(1, pa.string()))
            good, refused = typer.type(chunk)
            found.append((good.num_rows, [r.record["first_line"] for r in refused]))
    assert found == [(1, []), (1, []), (0, [2]), (0, [3]), (1, [])]


def test_people_of_one_address_are_one_key() -> None:
    member = {"team_id": "t", "valid_from": "2026-01-01"}
    good, reasons = typed(
        "team_memberships",
        member | {"person": "Ann@Example.com "},
        member | {"person": "ann@example.com"},
    )
    assert [row["person_id"] for row in good] == [IDENTITY.person("ann@example.com", "files")]
    assert reasons == ["duplicate key person, team_id, valid_from"]


def test_handle_belongs_to_the_system_of_its_row() -> None:
    good, reasons = typed(
        "identities",
        {"system": "GitHub", "handle": "Ann-Dev", "person": "ann@example.com"},
        {"system": "jira", "handle": "Ann-Dev", "person": "ann@example.com"},
        {"system": "github", "handle": "ann-dev", "person": "bob@example.com"},
    )
    assert [(row["system"], row["handle_id"]) for row in good] == [
        ("github", IDENTITY.person("ann-dev", "github")),
        ("jira", IDENTITY.person("ann-dev", "jira")),
    ]
    assert {row["person_id"] for row in good} == {IDENTITY.person("ann@example.com", "github")}
    assert reasons == ["duplicate key system, handle"]


def test_addresses_in_ids_are_redacted_but_releases_are_not() -> None:
    good, _ = typed(
        "incidents",
        incident(1, caused_by_deployment_id="git:pay@release.candidate"),
        incident(2, caused_by_deployment_id="pay@1.4.2"),
        incident(3, caused_by_deployment_id="by ann@example.com"),
    )
    first, second, third = (row["caused_by_deployment_id"] for row in good)
    assert (first, second) == ("git:pay@release.candidate", "pay@1.4.2")
    assert third == IDENTITY.redact("by ann@example.com")
    assert "ann" not in third


def pull_request(number: int, **cells: str) -> dict[str, str | None]:
    given = {"pull_request_id": f"p{number}", "repository": "r", "created_at": "2026-01-01"}
    return {**given, **cells}


def test_text_of_a_pull_request_becomes_flags() -> None:
    good, _ = typed(
        "pull_requests",
        pull_request(1, title='Revert "Add login"', author="ann"),
        pull_request(2, title="revert: add login", head_branch="hotfix/login"),
        pull_request(
            3, title="Reverting is hard", head_branch="feature/hotfix", author="our-robot"
        ),
        pull_request(4, title="Add", head_branch="HOTFIX-7", author="dependabot[bot]"),
        pull_request(5),
    )
    assert [row["is_revert"] for row in good] == [True, True, False, False, False]
    assert [row["is_hotfix"] for row in good] == [False, True, False, True, False]
    assert [row["title_type"] for row in good] == [None, "revert", None, None, None]
    assert [row["author_is_bot"] for row in good] == [False, False, True, True, False]
    assert not {"title", "head_branch"} & good[0].keys()


def test_branch_and_trailers_give_ai_evidence() -> None:
    good, _ = typed("pull_requests", pull_request(1, head_branch="claude/fix"), pull_request(2))
    assert good[0]["ai_evidence_rules"]
    assert good[1]["ai_evidence_rules"] is None
    commit = {"commit_sha": "c", "repository": "r", "authored_at": "2026-01-01"}
    trailers = "Co-Authored-By: Claude <noreply@anthropic.com>"
    (row,), _ = typed("commits", commit | {"message_trailers": trailers})
    assert row["ai_evidence_rules"]


def test_trailers_name_the_commits_that_are_reverted() -> None:
    commit = {"repository": "r", "authored_at": "2026-01-01"}
    good, _ = typed(
        "commits",
        commit | {"commit_sha": "a", "message_trailers": f"This reverts commit {SHA}."},
        commit | {"commit_sha": "b", "message_trailers": f"Reverts: {SHA[:12]}"},
        commit | {"commit_sha": "c", "message_trailers": "Reviewed-by: somebody"},
        commit | {"commit_sha": "d"},
    )
    assert [row["reverted_commit_shas"] for row in good] == [SHA, SHA[:12], None, None]


@pytest.mark.parametrize(
    ("scale", "answer", "value"),
    [
        ("likert5", "1", "1"), ("likert5", "5.0", "5"), ("likert7", "7", "7"), ("nps", "0", "0"),
        ("nps", "10", "10"), ("hours_per_week", "2.5", "2.5"), ("LIKERT5", "3", "3"),
        ("likert5", "NA", None), ("likert5", "n/a", None), ("nps", "Don't know", None),
        ("nps", "don’t know", None), ("nps", "", None), ("text", "It is fine", None),
        ("text", "5", None),
    ],
)  # fmt: skip
def test_answer_on_its_scale_lands(scale: str, answer: str, value: str | None) -> None:
    given = {
        "survey_id": "s", "respondent": "ann", "submitted_at": "2026-01-01", "question_id": "q",
        "scale": scale, "value": answer,
    }  # fmt: skip
    (row,), reasons = typed("survey_responses", given)
    assert row["value"] == (None if value is None else Decimal(value))
    assert reasons == []


@pytest.mark.parametrize(
    ("scale", "answer"),
    [
        ("likert5", "0"), ("likert5", "6"), ("likert7", "8"), ("nps", "-1"), ("nps", "11"),
        ("hours_per_week", "169"), ("nps", "very"), ("nps", "NaN"), ("nps", "1e0"),
    ],
)  # fmt: skip
def test_answer_off_its_scale_is_refused(scale: str, answer: str) -> None:
    given = {
        "survey_id": "s", "respondent": "ann", "submitted_at": "2026-01-01", "question_id": "q",
        "scale": scale, "value": answer,
    }  # fmt: skip
    good, reasons = typed("survey_responses", given)
    assert (good, reasons) == ([], ["value is not on its scale"])
