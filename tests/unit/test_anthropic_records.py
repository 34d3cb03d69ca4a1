"""Anthropic's payloads as the reference shows them, and what becomes of each field."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from orchestration.identity import Identity
from orchestration.systems._records import Refused
from orchestration.systems.anthropic import (
    CLAUDE_CODE_DAYS,
    CLAUDE_CODE_MODEL_DAYS,
    COSTS,
    USAGE,
    records,
)

IDENTITY = Identity("salt")
DAY = date(2025, 8, 1)


def usage(**changes: Any) -> dict[str, Any]:
    payload: dict[str, Any] = {
        "uncached_input_tokens": 1500,
        "cache_creation": {
            "ephemeral_1h_input_tokens": 1000, "ephemeral_5m_input_tokens": 500
        },
        "cache_read_input_tokens": 200,
        "output_tokens": 500,
        "server_tool_use": {"web_search_requests": 10},
        "api_key_id": "apikey_1",
        "workspace_id": "wrkspc_1",
        "model": "claude-sonnet-4-20250514",
        "service_tier": "standard",
        "context_window": "0-200k",
        "inference_geo": "global",
        "account_id": None,
        "service_account_id": None,
    }  # fmt: skip
    return payload | changes


def cost(**changes: Any) -> dict[str, Any]:
    payload: dict[str, Any] = {
        "currency": "USD",
        "amount": "123.78912",
        "workspace_id": "wrkspc_1",
        "description": "Claude Sonnet 4 Usage - Input Tokens",
        "cost_type": "tokens",
        "context_window": "0-200k",
        "model": "claude-sonnet-4-20250514",
        "service_tier": "standard",
        "token_type": "uncached_input_tokens",
        "inference_geo": "global",
    }
    return payload | changes


def code_day(**changes: Any) -> dict[str, Any]:
    payload: dict[str, Any] = {
        "date": "2025-08-01T00:00:00Z",
        "actor": {"type": "user_actor", "email_address": "person-0001@example.com"},
        "organization_id": "org-1",
        "customer_type": "api",
        "subscription_type": None,
        "terminal_type": "vscode",
        "core_metrics": {
            "num_sessions": 5,
            "lines_of_code": {"added": 1543, "removed": 892},
            "commits_by_claude_code": 12,
            "pull_requests_by_claude_code": 2,
        },
        "tool_actions": {
            "edit_tool": {"accepted": 45, "rejected": 5},
            "multi_edit_tool": {"accepted": 12, "rejected": 2},
            "write_tool": {"accepted": 8, "rejected": 1},
            "notebook_edit_tool": {"accepted": 3, "rejected": 0},
        },
        "model_breakdown": [
            {
                "model": name,
                "tokens": {
                    "input": 100000, "output": 35000, "cache_read": 10000, "cache_creation": 5000
                },
                "estimated_cost": {"currency": "USD", "amount": 1025},
            }
            for name in ("claude-opus-4-20250514", "claude-sonnet-4-20250514")
        ],
    }  # fmt: skip
    return payload | changes


def test_each_class_of_tokens_is_where_it_belongs() -> None:
    news: set[str] = set()
    made = records.usage(usage(), DAY, {}, news)
    assert made | {"usage_id": ""} == {
        "usage_id": "", "usage_date": DAY, "model": "claude-sonnet-4-20250514",
        "api_key_id": "apikey_1", "workspace_id": "wrkspc_1", "team_id": None,
        "service_tier": "standard", "context_window": "0-200k", "inference_geo": "global",
        "speed": None,
        "uncached_input_tokens": 1500, "cache_read_tokens": 200, "cache_write_5m_tokens": 500,
        "cache_write_1h_tokens": 1000, "output_tokens": 500, "web_search_requests": 10,
    }  # fmt: skip
    assert made.keys() == {field.name for field in USAGE.fields}
    assert not news


def test_an_id_depends_on_day_and_dimensions_and_on_nothing_else() -> None:
    def id_of(day: date = DAY, **changes: Any) -> Any:
        return records.usage(usage(**changes), day, {}, set())["usage_id"]

    assert id_of() == id_of(output_tokens=7)
    others = [
        id_of(day=date(2025, 8, 2)), id_of(api_key_id=None), id_of(workspace_id=None),
        id_of(model=None), id_of(service_tier="batch"), id_of(context_window="200k-1M"),
        id_of(inference_geo="us"), id_of(speed="fast"),
    ]  # fmt: skip
    assert len({id_of(), *others}) == 9


def test_a_keys_team_goes_before_its_workspaces() -> None:
    teams = {"apikey_1": "payments", "wrkspc_1": "search"}

    def team(**changes: Any) -> Any:
        return records.usage(usage(**changes), DAY, teams, set())["team_id"]

    assert [team(), team(api_key_id="apikey_2"), team(api_key_id=None, workspace_id=None)] == [
        "payments", "search", None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("cents", "amount"),
    [("123.45", "1.2345"), ("0.0000001", "0.000000001"), (250, "2.5"), ("-99.5", "-0.995"),
     ("1E+2", "1"), ("3.14159265358979", "0.031415927")],
)  # fmt: skip
def test_cents_become_dollars_by_moving_the_point(cents: Any, amount: str) -> None:
    """The lake keeps nine decimals; the last case has more."""
    assert records.cost(cost(amount=cents), DAY, set())["amount"] == Decimal(amount)


@pytest.mark.parametrize("amount", [None, "", "a lot", "NaN", "Infinity", "1e30", True])
def test_an_amount_that_is_none_is_refused(amount: Any) -> None:
    with pytest.raises(Refused, match="amount"):
        records.cost(cost(amount=amount), DAY, set())


def test_a_cost_without_a_model_keeps_its_line() -> None:
    made = records.cost(
        {"currency": "USD", "amount": "2500", "cost_type": "web_search", "description": "Web"},
        DAY,
        set(),
    )
    assert (made["amount"], made["model"], made["description"]) == (Decimal(25), None, "Web")
    assert made.keys() == {field.name for field in COSTS.fields}


def test_what_was_done_stands_once_and_tokens_by_model() -> None:
    day, models = records.claude_code(code_day(), IDENTITY, set())
    assert (day["sessions"], day["lines_added"], day["lines_removed"]) == (5, 1543, 892)
    assert (day["commits"], day["pull_requests"]) == (12, 2)
    assert (day["accepted_actions"], day["rejected_actions"]) == (68, 8)
    assert day["person_id"] == IDENTITY.person("person-0001@example.com", "anthropic")
    assert [m["estimated_cost_usd"] for m in models] == [Decimal("10.25"), Decimal("10.25")]
    assert all("sessions" not in m for m in models)
    assert day.keys() == {field.name for field in CLAUDE_CODE_DAYS.fields}
    assert models[0].keys() == {field.name for field in CLAUDE_CODE_MODEL_DAYS.fields}


@pytest.mark.parametrize("written", ["2025-08-01", "2025-08-01T00:00:00Z", "2025-08-01T00:00:00"])
def test_a_day_is_read_in_each_way_it_is_written(written: str) -> None:
    day, _ = records.claude_code(code_day(date=written), IDENTITY, set())
    assert day["activity_date"] == datetime(2025, 8, 1).date()  # noqa: DTZ001


def test_a_key_is_nobody_and_no_address_stays_in_its_name() -> None:
    actor = {"type": "api_actor", "api_key_name": "laptop of person-0001@example.com"}
    day, models = records.claude_code(code_day(actor=actor), IDENTITY, set())
    assert day["person_id"] is None
    assert day["api_key_name"].startswith("laptop of address_")
    assert models[0]["api_key_name"] == day["api_key_name"]


@pytest.mark.parametrize("field", ["uncached_input_tokens", "cache_creation", "output_tokens"])
@pytest.mark.parametrize("value", [None, -1, 1.5, "many", 10**18])
def test_tokens_that_are_no_count_are_refused(field: str, value: Any) -> None:
    with pytest.raises(Refused, match=field):
        records.usage(usage(**{field: value}), DAY, {}, set())


def test_a_new_field_is_news_and_a_new_tier_is_kept() -> None:
    news: set[str] = set()
    made = records.usage(usage(service_tier="turbo", colour="red"), DAY, {}, news)
    assert (made["service_tier"], news) == ("turbo", {"colour"})
