"""OpenAI's payloads as the reference shows them, and what becomes of each field."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from orchestration.identity import Identity
from orchestration.systems._records import Refused
from orchestration.systems.openai import COSTS, USAGE, records
from orchestration.systems.openai.client import KINDS

IDENTITY = Identity("salt")
DAY = date(2026, 6, 14)
KIND = {kind.name: kind for kind in KINDS}
SOMEBODY = IDENTITY.person("person-0001@example.com", "openai")
PEOPLE = records.People(IDENTITY, {"user-1": SOMEBODY})
PLACE = {
    "project_id": "proj_1", "user_id": "user-1", "api_key_id": "key_1", "model": "gpt-5.6",
    "batch": False, "service_tier": "default",
}  # fmt: skip


def completion(**changes: Any) -> dict[str, Any]:
    """As it was before the newer fields."""
    payload: dict[str, Any] = {
        "object": "organization.usage.completions.result",
        "input_tokens": 5000,
        "output_tokens": 1000,
        "input_cached_tokens": 4000,
        "input_audio_tokens": 0,
        "output_audio_tokens": 0,
        "num_model_requests": 5,
        **PLACE,
    }
    return payload | changes


def made(payload: Any, kind: str = "completions", **teams: str) -> dict[str, Any]:
    return records.usage(KIND[kind], payload, DAY, PEOPLE, teams, set())


def classes(payload: Any) -> list[Any]:
    record = made(payload)
    return [
        record[f"{name}_tokens"]
        for name in ("uncached_input", "cache_read", "cache_write_30m", "cache_write_12h", "output")
    ]


def audio(payload: Any) -> list[Any]:
    record = made(payload)
    return [record[f"audio_{name}_tokens"] for name in ("input", "cache_read", "output")]


def test_input_is_split_into_what_a_cache_held_and_the_rest() -> None:
    assert classes(completion()) == [1000, 4000, 0, 0, 1000]
    assert classes(completion(input_cached_tokens=None)) == [5000, 0, 0, 0, 1000]


def test_cache_writes_are_taken_out_of_the_input() -> None:
    """5,000 = 400 new + 4,000 read + 500 for 30 minutes + 100 for 12 hours."""
    newer = completion(
        input_uncached_tokens=400,
        input_cache_write_tokens=600,
        input_cache_write_30m_tokens=500,
        input_cache_write_12h_tokens=100,
    )
    assert classes(newer) == [400, 4000, 500, 100, 1000]
    only_total = completion(input_cache_write_tokens=600)
    assert classes(only_total) == [400, 4000, 600, 0, 1000]
    only_parts = completion(input_cache_write_30m_tokens=500, input_cache_write_12h_tokens=100)
    assert classes(only_parts) == [400, 4000, 500, 100, 1000]


def test_audio_stands_apart_and_every_token_once() -> None:
    """Of 5,000 in and 1,000 out, 300 new, 200 cached and 50 spoken are audio."""
    heard = completion(
        input_audio_tokens=300, input_cached_audio_tokens=200, output_audio_tokens=50
    )
    assert (classes(heard), audio(heard)) == ([700, 3800, 0, 0, 950], [300, 200, 50])
    assert sum(classes(heard)) + sum(audio(heard)) == 6000


@pytest.mark.parametrize(
    "changes",
    [
        {"input_cached_tokens": 5001},
        {"input_uncached_tokens": 999},
        {"input_cache_write_tokens": 1001},
        {"input_audio_tokens": 1001},
        {"input_cached_audio_tokens": 4001},
        {"output_audio_tokens": 1001},
        {"input_cache_write_tokens": 5, "input_cache_write_12h_tokens": 6},
        {"input_tokens": -1},
        {"input_tokens": None},
        {"output_tokens": 10**18},
        {"num_model_requests": "many"},
    ],
)
def test_parts_that_do_not_make_the_total_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        made(completion(**changes))


def test_a_member_is_a_person_and_somebody_deleted_is_nobody_with_a_line_of_their_own() -> None:
    known, gone, other = (made(completion(user_id=u)) for u in ("user-1", "user-2", "user-3"))
    assert (known["person_id"], gone["person_id"], other["person_id"]) == (SOMEBODY, None, None)
    assert len({row["usage_id"] for row in (known, gone, other)}) == 3
    assert known.keys() <= {field.name for field in USAGE.fields}
    assert not [v for v in known.values() if "user-1" in str(v)]


def test_an_id_depends_on_day_and_dimensions_and_on_nothing_else() -> None:
    same = [made(completion()), made(completion(output_tokens=7))]
    assert len({row["usage_id"] for row in same}) == 1
    others = [
        made(completion(**{name: None})) for name in PLACE if name != "batch"
    ] + [made(completion(batch=True)), made(completion(), "decisions")]  # fmt: skip
    assert len({row["usage_id"] for row in [*same, *others]}) == 8


def test_a_keys_team_goes_before_its_projects() -> None:
    assert made(completion(), key_1="payments", proj_1="search")["team_id"] == "payments"
    assert made(completion(), proj_1="search")["team_id"] == "search"
    assert made(completion(api_key_id=None, project_id=None), proj_1="search")["team_id"] is None


@pytest.mark.parametrize(
    ("kind", "field", "value", "unit"),
    [
        ("images", "images", 2, "image"),
        ("audio_speeches", "characters", 45, "character"),
        ("audio_transcriptions", "seconds", Decimal("12.5"), "second"),
        ("vector_stores", "usage_bytes", 1024, "byte_day"),
        ("code_interpreter_sessions", "num_sessions", 1, "session"),
        ("file_search_calls", "num_requests", 7, "file_search_call"),
        ("web_search_calls", "num_requests", 8, "web_search_call"),
    ],
)
def test_other_units_have_a_name(kind: str, field: str, value: Any, unit: str) -> None:
    record = made({"object": "x", "project_id": "proj_1", field: value}, kind)
    assert (record["other_units"], record["other_unit_name"]) == (value, unit)
    with pytest.raises(Refused, match=field):
        made({"object": "x", "project_id": "proj_1"}, kind)


def test_embeddings_are_input_that_no_cache_held() -> None:
    payload = {"object": "x", "input_tokens": 16, "num_model_requests": 2, **PLACE}
    record = made(payload, "embeddings")
    assert (record["uncached_input_tokens"], record["requests"]) == (16, 2)


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        (Decimal("0.06"), "0.06"),
        (Decimal("1.2E-7"), "0.00000012"),
        ("0.000004500000000000000000000000000000000", "0.0000045"),
        ("0E-6176", "0"),
        (3, "3"),
        ("-1.5", "-1.5"),
    ],
)
def test_dollars_are_read_as_a_number_and_as_text(value: Any, amount: str) -> None:
    payload = {
        "object": "organization.costs.result", "amount": {"value": value, "currency": "usd"},
        "line_item": None, "project_id": "proj_1", "user_email": "person-0001@example.com",
        "quantity": Decimal("2805.0"),
    }  # fmt: skip
    news: set[str] = set()
    record = records.cost(payload, DAY, news)
    assert (record["amount"], record["quantity"], news) == (Decimal(amount), 2805, set())
    assert record.keys() == {field.name for field in COSTS.fields}
    assert not [v for v in record.values() if "@" in str(v)]


@pytest.mark.parametrize("amount", [None, {}, {"value": None, "currency": "usd"},
                                    {"value": "NaN", "currency": "usd"}, {"value": 1}])  # fmt: skip
def test_an_amount_that_is_none_is_refused(amount: Any) -> None:
    with pytest.raises(Refused, match="amount"):
        records.cost({"amount": amount}, DAY, set())


@pytest.mark.parametrize(
    ("line", "model"),
    [
        ("gpt-5.2, input", "gpt-5.2"),
        ("gpt-4o-mini-2024-07-18, cached input", "gpt-4o-mini-2024-07-18"),
        ("gpt-5.6-luna, cache writes", "gpt-5.6-luna"),
        ("ft:gpt-4o-2024-08-06:acme::abc, output", "ft:gpt-4o-2024-08-06:acme::abc"),
        ("evals | gpt-4o-mini-2024-07-18, input", "gpt-4o-mini-2024-07-18"),
        ("gpt-image-2-2026-04-21 text, cached input", "gpt-image-2-2026-04-21"),
        ("o1, output", "o1"),
        ("web search tool calls", None),
        ("assistants api | file search", None),
        ("code interpreter sessions, 1 GB", None),
        ("storage, gibibyte hours", None),
        ("gpt-5.2", None),
        ("", None),
        (None, None),
    ],
)
def test_a_line_names_its_model_or_none(line: str | None, model: str | None) -> None:
    assert records.model(line) == model


def test_a_member_without_an_address_is_nobody() -> None:
    """A service account has none."""
    assert records.user({"id": "user-9", "email": None}, IDENTITY) == ("user-9", None)
    assert records.user({"id": "user-1", "email": "Person-0001@example.com"}, IDENTITY) == (
        "user-1",
        SOMEBODY,
    )
