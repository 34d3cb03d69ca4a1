"""OpenAI's client against OpenAI's published specification, and the examples in it."""

import json
from decimal import Decimal
from typing import Any

import pytest

from orchestration.systems import openai as system
from orchestration.systems.openai import COSTS, USAGE, OpenAISettings

pytestmark = pytest.mark.contract

DAY = 86_400
DAYS = 31 + 28 + 31  # January to March
# Served, as the vendor's own library says, and missing from the specification.
UNPUBLISHED = "GET /v1/organization/usage/decisions: status 404"


def settings(front: Any) -> OpenAISettings:
    return OpenAISettings(
        base_url=f"{front.url}/v1", admin_key="any", first_pause_seconds=0.01
    )  # fmt: skip


def examples(front: Any) -> Any:
    """Answers with the specification's example of the endpoint's own result, a day at a time: the
    mock gives a result of completions whatever it is asked."""
    schemas = front.spec["components"]["schemas"]

    def amend(exchange: Any, body: Any) -> Any:
        kind = exchange.path.rpartition("/")[2]
        if kind == "users":
            operation = front.spec["paths"]["/organization/users"]["get"]
            return json.loads(operation["x-oaiMeta"]["examples"]["response"])
        words = "".join(word.capitalize() for word in kind.split("_"))
        name = "CostsResult" if kind == "costs" else f"Usage{words}Result"
        result = json.loads(schemas[name]["x-oaiMeta"]["example"])
        asked = {name: int(value) for name, value in exchange.query if name.endswith("_time")}
        starts = range(asked["start_time"], asked["end_time"], DAY)
        data = [
            {"object": "bucket", "start_time": start, "end_time": start + DAY, "results": [result]}
            for start in starts
        ]
        return {"object": "page", "data": data, "has_more": False, "next_page": None}

    return amend


def test_every_request_is_valid_and_every_example_lands(openai: Any, read: Any) -> None:
    openai.amend = examples(openai)
    outcomes = read(system, settings(openai))
    assert [c for c in openai.complaints if not c.startswith(UNPUBLISHED)] == []
    assert [o.message for o in outcomes if o.status == "failed"] == []
    assert read.refused() == []

    rows = read.rows(USAGE)
    kinds = {row["kind"] for row in rows}
    published = {path.rpartition("/")[2] for path in openai.spec["paths"] if "/usage/" in path}
    assert kinds == published
    assert all(sum(row["kind"] == kind for row in rows) == DAYS for kind in kinds)
    assert len({row["usage_id"] for row in rows}) == len(rows)


def test_the_examples_figures_are_read_as_they_are_told(openai: Any, read: Any) -> None:
    openai.amend = examples(openai)
    read(system, settings(openai))
    day = {row["kind"]: row for row in read.rows(USAGE)}
    # 5,000 of input: 1,800 cached (100 of audio), 200 written to a cache, 3,000 neither (300 of
    # audio); 1,000 of output, 100 of audio.
    completions = day["completions"]
    assert {k: v for k, v in completions.items() if k.endswith("_tokens")} == {
        "uncached_input_tokens": 2_700,
        "cache_read_tokens": 1_700,
        "cache_write_30m_tokens": 200,
        "cache_write_12h_tokens": 0,
        "output_tokens": 900,
        "audio_input_tokens": 300,
        "audio_cache_read_tokens": 100,
        "audio_output_tokens": 100,
    }
    assert completions["person_id"] is None  # the example's users are others
    assert day["embeddings"]["uncached_input_tokens"] == 20
    assert (day["images"]["other_units"], day["images"]["requests"]) == (2, 2)
    assert day["vector_stores"]["other_units"] == 1_024
    cost = read.rows(COSTS)[0]
    assert (cost["amount"], cost["currency"]) == (Decimal("0.06"), "usd")
    assert (cost["quantity"], cost["quantity_unit"]) == (10_000, "tokens")


def test_a_result_with_nothing_but_what_is_required_lands(openai: Any, read: Any) -> None:
    whole = examples(openai)
    required = {
        name: schema["required"]
        for name, schema in openai.spec["components"]["schemas"].items()
        if name.startswith("Usage") and name.endswith("Result")
    }
    by_object = {}
    for name in required:
        example = json.loads(openai.spec["components"]["schemas"][name]["x-oaiMeta"]["example"])
        by_object[example["object"]] = required[name]

    def sparse(exchange: Any, body: Any) -> Any:
        said = whole(exchange, body)
        for bucket in said["data"] if "/usage/" in exchange.path else ():
            (result,) = bucket["results"]
            bucket["results"] = [{name: result[name] for name in by_object[result["object"]]}]
        return said

    openai.amend = sparse
    outcomes = read(system, settings(openai))
    assert [o.message for o in outcomes if o.status == "failed"] == []
    assert read.refused() == []
    assert len(read.rows(USAGE)) == 10 * DAYS


def test_the_check_asks_what_the_specification_has(openai: Any) -> None:
    openai.amend = lambda exchange, body: body
    (outcome,) = system.check(settings(openai))
    assert (outcome.status, openai.complaints) == ("unchanged", [])
