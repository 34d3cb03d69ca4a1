"""Copilot's payloads at the door, and what GitHub's refusals mean."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from orchestration.identity import Identity
from orchestration.simulation.vendors._people import login
from orchestration.systems import _github
from orchestration.systems._http import Answer
from orchestration.systems._records import Refused, outline
from orchestration.systems.copilot import CopilotSettings, client, records

DAY = date(2026, 4, 25)
IDENTITY = Identity("salt")
moment = datetime.fromisoformat


def person(handle: str | None) -> str | None:
    return IDENTITY.person(handle, "github")


def user_day(**changes: Any) -> dict[str, Any]:
    usual = {
        "user_id": 7,
        "user_login": "p0001",
        "day": "2026-04-25",
        "organization_id": "100001",
        "user_initiated_interaction_count": 12,
        "code_generation_activity_count": 30,
        "code_acceptance_activity_count": 9,
        "loc_suggested_to_add_sum": 80,
        "loc_suggested_to_delete_sum": 1,
        "loc_added_sum": 140,
        "loc_deleted_sum": 20,
        "totals_by_ide": [],
    }
    return usual | changes


def seat(**changes: Any) -> dict[str, Any]:
    usual = {
        "created_at": "2026-04-30T18:00:00-06:00",
        "updated_at": "2026-05-01T15:00:00-06:00",
        "pending_cancellation_date": None,
        "last_activity_at": "2026-05-02T23:53:32-06:00",
        "last_activity_editor": "vscode/1.77.3/copilot/1.86.82",
        "plan_type": "business",
        "assignee": {"login": "p0001", "id": 1, "type": "User"},
        "assigning_team": {"id": 1, "name": "Justice League", "slug": "justice-league"},
    }
    return usual | changes


def item(**changes: Any) -> dict[str, Any]:
    usual = {
        "date": "2026-04-03T00:00:00Z",
        "product": "Copilot",
        "sku": "Copilot Business",
        "quantity": Decimal("0.0333333333333"),
        "unitType": "user-months",
        "pricePerUnit": Decimal("19.0"),
        "grossAmount": Decimal("0.6333333333333"),
        "discountAmount": 0,
        "netAmount": Decimal("0.6333333333333"),
        "organizationName": "acme",
        "repositoryName": "",
    }
    return usual | changes


def test_a_persons_day_is_read_field_by_field() -> None:
    news: set[str] = set()
    payload = user_day(
        used_chat=True,
        used_copilot_cloud_agent=True,
        ai_credits_used=Decimal("3.25"),
        totals_by_feature=[
            {"feature": "code_completion", "loc_added_sum": 40},
            {"feature": "agent_edit", "code_generation_activity_count": 5, "loc_added_sum": 70},
            {"feature": "copilot_cli", "code_generation_activity_count": 2, "loc_added_sum": 30},
        ],
        totals_by_cli={
            "session_count": 3,
            "request_count": 44,
            "prompt_count": 9,
            "token_usage": {"prompt_tokens_sum": 198_386_034, "output_tokens_sum": 1_273_762},
        },
    )
    assert records.user_day(payload, DAY, person, news) == {
        "activity_date": DAY,
        "person_id": person("p0001"),
        "interactions": 12,
        "generations": 30,
        "acceptances": 9,
        "suggested_lines_added": 80,
        "suggested_lines_deleted": 1,
        "lines_added": 140,
        "lines_deleted": 20,
        "agent_generations": 7,
        "agent_lines_added": 100,
        "cli_sessions": 3,
        "cli_requests": 44,
        "cli_prompt_tokens": 198_386_034,
        "cli_output_tokens": 1_273_762,
        "ai_credits": Decimal("3.25"),
        "used_chat": True,
        "used_agent": None,
        "used_cli": None,
        "used_coding_agent": True,
    }
    assert news == set()


def test_a_login_is_the_same_person_whatever_its_case() -> None:
    """The bill writes P0001_Acme, the report p0001_acme."""
    read = [
        records.user_day(user_day(user_login=name), DAY, person, set())["person_id"]
        for name in ("P0001_Acme", "p0001_acme", "p0001")
    ]
    assert read[0] == read[1] != read[2]


def test_a_line_that_names_nobody_is_kept_without_a_person() -> None:
    read = records.user_day(user_day(user_login=None), DAY, person, set())
    assert read["person_id"] is None and read["interactions"] == 12


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"day": "2026-04-24"}, "another one"),
        ({"user_initiated_interaction_count": -1}, "user_initiated_interaction_count"),
        ({"code_acceptance_activity_count": None}, "code_acceptance_activity_count"),
        ({"loc_added_sum": 10**30}, "loc_added_sum"),
        ({"ai_credits_used": float("nan")}, "ai_credits_used"),
    ],
)
def test_a_day_that_does_not_fit_is_refused_without_its_values(
    changes: dict[str, Any], reason: str
) -> None:
    payload = user_day(**changes)
    with pytest.raises(Refused, match=reason) as refused:
        records.user_day(payload, DAY, person, set())
    assert "p0001" not in str(refused.value) and "p0001" not in str(outline(payload))


def test_a_field_that_nobody_knows_is_news() -> None:
    news: set[str] = set()
    records.user_day(user_day(telepathy_count=1), DAY, person, news)
    assert news == {"telepathy_count"}


def test_a_seat_given_in_another_zone_is_dated_in_utc() -> None:
    """18:00 on April 30 six hours behind is midnight, and May, in UTC."""
    read = records.seat(seat(), person, {"business": Decimal("19")}, set())
    assert read == {
        "person_id": person("p0001"),
        "assigned_at": moment("2026-05-01"),
        "plan": "business",
        "team": "justice-league",
        "monthly_price": Decimal("19"),
        "pending_cancellation_date": None,
        "last_activity_at": moment("2026-05-03T05:53:32"),
        "last_activity_editor": "vscode",
    }


def test_a_plan_without_a_price_has_none_and_not_zero() -> None:
    read = records.seat(seat(plan_type=None), person, {"business": Decimal("19")}, set())
    assert (read["plan"], read["monthly_price"]) == ("unknown", None)


def test_seats_that_nobody_holds_are_told_apart_and_a_person_listed_twice_has_one() -> None:
    early, late = moment("2026-01-01"), moment("2026-02-01")
    rows = [
        {"person_id": "a", "assigned_at": early},
        {"person_id": "a", "assigned_at": late},
        {"person_id": None, "assigned_at": early},
        {"person_id": None, "assigned_at": early},
    ]
    read = list(records.numbered(rows))
    assert [r["assigned_at"] for r in read if r["person_id"] == "a"] == [late, early]
    unnamed = [r["unnamed_seat_id"] for r in read if r["person_id"] is None]
    assert unnamed == ["2026-01-01T00:00:00Z 1", "2026-01-01T00:00:00Z 2"]


def test_an_item_of_the_bill_keeps_nine_decimals_and_no_float() -> None:
    read = records.billing_item(item(), "usage", date(2026, 4, 1), set())
    assert read["gross_quantity"] == Decimal("0.033333333")
    assert read["net_amount"] == Decimal("0.633333333")
    assert read["usage_date"] == date(2026, 4, 3)
    assert (read["meter"], read["organization"]) == ("other", "acme")


def test_a_plan_that_is_all_discount_keeps_gross_and_net() -> None:
    payload = {
        "product": "Copilot",
        "sku": "Copilot AI Credits",
        "model": "GPT-5",
        "unitType": "credits",
        "pricePerUnit": Decimal("0.01"),
        "grossQuantity": 1900,
        "grossAmount": 19,
        "discountQuantity": 1900,
        "discountAmount": 19,
        "netQuantity": 0,
        "netAmount": 0,
    }
    read = records.billing_item(payload, "ai_credit", date(2026, 7, 1), set())
    assert (read["gross_amount"], read["discount_amount"], read["net_amount"]) == (19, 19, 0)
    assert (read["gross_quantity"], read["net_quantity"]) == (1900, 0)
    assert (read["model"], read["meter"]) == ("GPT-5", "ai_credits")
    assert "usage_date" not in read


@pytest.mark.parametrize(
    ("sku", "unit", "meter"),
    [
        ("Copilot Premium Request", "requests", "premium_requests"),
        ("copilot_premium_request", "Requests", "premium_requests"),
        ("Coding Agent Premium Request", "requests", "premium_requests"),
        ("AI Credit", "ai-credits", "ai_credits"),
        ("copilot_ai_unit", "ai-units", "ai_credits"),
        ("Copilot Business", "user-months", "other"),
    ],
)
def test_the_bill_and_the_reports_by_model_spell_a_meter_in_several_ways(
    sku: str, unit: str, meter: str
) -> None:
    read = records.billing_item(item(sku=sku, unitType=unit), "usage", date(2026, 4, 1), set())
    assert read["meter"] == meter


def test_only_copilots_items_of_a_bill_are_its_own() -> None:
    assert records.is_copilot(item())
    assert records.is_copilot(item(product="Copilot AI Credits"))
    assert not records.is_copilot(item(product="Actions"))
    assert records.is_copilot("nonsense")  # goes on to be refused, not to be overlooked


def test_an_organisation_or_an_enterprise_is_named_and_not_both() -> None:
    assert CopilotSettings(token="t", organization="acme").account == "acme"  # noqa: S106
    for names in ({}, {"organization": "acme", "enterprise": "acme"}, {"organization": "a/b"}):
        with pytest.raises(ValueError):
            CopilotSettings(token="t", **names)  # type: ignore[arg-type]  # noqa: S106


def answer(status: int, body: bytes = b"{}", **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, named, body, "/orgs/acme/copilot/billing/seats")


@pytest.mark.parametrize(
    ("given", "kind", "seconds"),
    [
        (answer(200), "ok", None),
        (answer(401), "denied", None),
        (answer(403), "denied", None),
        (answer(403, x_ratelimit_remaining="41"), "denied", None),
        (answer(403, x_ratelimit_remaining="0", x_ratelimit_reset="7"), "wait", 7.0),
        (answer(403, retry_after="30"), "wait", 30.0),
        (answer(403, b'{"message": "You have exceeded a secondary rate limit"}'), "wait", 60.0),
        (answer(429, retry_after="2", x_ratelimit_remaining="9"), "wait", 2.0),
        (answer(429, x_ratelimit_remaining="9", x_ratelimit_reset="3000"), "wait", 60.0),
        (answer(404), "absent", None),
        (answer(502), "retry", None),
        (answer(422), "fatal", None),
    ],
)
def test_a_403_is_a_limit_or_a_permission(given: Answer, kind: str, seconds: float | None) -> None:
    verdict = _github.classify(given)
    assert (verdict.kind, verdict.seconds) == (kind, seconds)


def test_a_refusal_says_which_permission_is_missing_and_nothing_else_of_the_answers() -> None:
    named = answer(403, x_accepted_github_permissions="organization_copilot_metrics=read")
    assert "organization_copilot_metrics=read" in _github.classify(named).message
    assert "manage_billing:copilot" in client.classify(named).message
    sneaky = answer(403, x_accepted_github_permissions="Mail person-0001@example.com!")
    assert "@" not in client.classify(sneaky).message
    sso = answer(403, x_github_sso="required; url=https://github.example/sso")
    assert "single sign-on" in _github.classify(sso).message


def test_logins_are_short_and_bots_keep_their_names() -> None:
    assert login("person-0001@example.com") == "p0001"
    assert login("dependabot[bot]") == "dependabot[bot]"
