"""Copilot's client against GitHub's published specification."""

import json
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from orchestration.systems import copilot as system
from orchestration.systems.copilot import BILLING_ITEMS, SEATS, USER_DAYS, CopilotSettings

pytestmark = pytest.mark.contract

MARCH = [date(2026, 3, 1) + timedelta(days=n) for n in range(31)]
COUNTS = (
    "user_initiated_interaction_count", "code_generation_activity_count",
    "code_acceptance_activity_count", "loc_suggested_to_add_sum", "loc_suggested_to_delete_sum",
    "loc_added_sum", "loc_deleted_sum",
)  # fmt: skip
# The files behind the links are no part of the specification: these lines are ours.
LINES: dict[str, dict[str, Any]] = {
    "users-1-day": {"user_login": "octocat", "user_id": 1} | dict.fromkeys(COUNTS, 3),
    "organization-1-day": {"daily_active_users": 5} | dict.fromkeys(COUNTS, 3),
    "user-teams-1-day": {"user_login": "octocat", "user_id": 1, "team_id": 7, "slug": "payments"},
}


def settings(front: Any) -> CopilotSettings:
    return CopilotSettings(
        base_url=front.url, token="any", organization="acme",  # noqa: S106
        first_pause_seconds=0.01, first_report=MARCH[0],
        monthly_prices={"business": Decimal(19), "unknown": Decimal(0)},
    )  # fmt: skip


def of_what_was_asked(front: Any) -> Any:
    """The specification's examples, dated as the client asked."""

    def amend(exchange: Any, body: Any) -> Any:
        asked = dict(exchange.query)
        if "report_day" in body:
            report = exchange.path.rpartition("/")[2]
            name = f"/{report}-{asked['day']}.ndjson"
            front.files[name] = json.dumps({"day": asked["day"]} | LINES[report]).encode()
            return {"download_links": [front.url + name], "report_day": asked["day"]}
        if "timePeriod" in body:
            body["timePeriod"] = {"year": int(asked["year"]), "month": int(asked["month"])}
        for item in body.get("usageItems", []):
            item["product"] = "Copilot"
            if "date" in item:
                item["date"] = f"{asked['year']}-{int(asked['month']):02d}-01"
        return body

    return amend


def test_every_request_is_valid_and_every_answer_lands(github: Any, read: Any) -> None:
    github.amend = of_what_was_asked(github)
    (outcome,) = read(system, settings(github))
    assert github.complaints == []
    assert outcome.status == "landed", outcome.message
    assert read.refused() == []
    assert sorted(row["activity_date"] for row in read.rows(USER_DAYS)) == MARCH
    assert {row["plan"] for row in read.rows(SEATS)} == {"business", "unknown"}
    reports = [row["report"] for row in read.rows(BILLING_ITEMS)]
    assert {name: reports.count(name) for name in sorted(set(reports))} == {
        "ai_credit": 3,
        "premium_request": 3,
        "usage": 3,
    }


def test_the_credential_goes_to_the_api_and_to_no_signed_link(github: Any, read: Any) -> None:
    github.amend = of_what_was_asked(github)
    read(system, settings(github))
    told = {
        is_file: {each.headers.get("authorization") for each in github.exchanges
                  if each.path.endswith(".ndjson") is is_file}
        for is_file in (False, True)
    }  # fmt: skip
    assert told == {False: {"Bearer any"}, True: {None}}


def test_the_figures_of_the_bills_examples_are_read_as_they_are_told(
    github: Any, read: Any
) -> None:
    github.amend = of_what_was_asked(github)
    read(system, settings(github))
    items = {row["report"]: row for row in read.rows(BILLING_ITEMS)}
    told = {
        report: tuple(items[report][name] for name in (
            "unit", "unit_price", "gross_quantity", "gross_amount", "discount_amount", "net_amount"
        ))
        for report in items
    }  # fmt: skip
    assert told == {
        "usage": ("minutes", Decimal("0.008"), 100, Decimal("0.8"), 0, Decimal("0.8")),
        "premium_request": ("requests", Decimal("0.04"), 100, 4, 0, 4),
        "ai_credit": ("credits", Decimal("0.01"), 100, 1, 0, 1),
    }


def test_the_check_asks_what_the_specification_has(github: Any) -> None:
    github.amend = of_what_was_asked(github)
    outcomes = [*system.check(settings(github))]
    assert [o.status for o in outcomes] == ["unchanged"] * 3
    assert github.complaints == []
