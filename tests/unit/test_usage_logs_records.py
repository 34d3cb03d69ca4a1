"""One record of each format, by hand, and what becomes of its tokens."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from orchestration.identity import Identity
from orchestration.systems.usage_logs import LogSource, UsageLogsSettings, client
from orchestration.systems.usage_logs.counting import Counting, Refused
from orchestration.systems.usage_logs.formats import Form

TOKENS = ("uncached_input_tokens", "cache_read_tokens", "cache_write_5m_tokens",
          "cache_write_1h_tokens", "output_tokens")  # fmt: skip
CONNECTION = duckdb.connect(config={"threads": 1})
CONNECTION.execute("set TimeZone = 'UTC'")
COLUMNS = {
    "request_id": "id", "occurred_at": "ts", "vendor": "vendor", "model": "model",
    "person": "user", "input_tokens": "input", "output_tokens": "output",
    "cache_read_tokens": "read", "cache_write_tokens": "write",
    "cached_input_is_in_input": True,
}  # fmt: skip
RECORD = {
    "id": "r1", "ts": "2026-01-05T10:00:00Z", "vendor": "openai", "model": "gpt-5",
    "user": "person-0001@example.com", "input": 1000, "output": 50, "read": 600, "write": 0,
}  # fmt: skip


def source(**given: Any) -> LogSource:
    return LogSource(name="test", path="unused", **given)


def count(
    tmp_path: Path, source: LogSource, *lines: object, keep_requests: bool = False
) -> tuple[list[dict[str, Any]], list[Refused]]:
    """The sums of a log with these lines (objects, or text as it stands), and what is refused."""
    path = tmp_path / "log.jsonl"
    text = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("".join(f"{line}\n" for line in text))
    return count_in(path, source, source.read_as(), keep_requests)


def count_parquet(path: Path, source: LogSource, table: pa.Table) -> list[dict[str, Any]]:
    """The sums of a Parquet file; nothing of it is refused."""
    pq.write_table(table, path)
    rows, refused = count_in(path, source, source.read_as(table.schema))
    assert not refused
    return rows


def count_in(
    path: Path, source: LogSource, form: Form, keep_requests: bool = False
) -> tuple[list[dict[str, Any]], list[Refused]]:
    (log,) = client.find(str(path))
    counting = Counting(CONNECTION, Identity("salt"), form, lambda days: [], keep_requests)
    refused = [
        bad
        for piece in client.pieces(log, form.top_level, client.Tail())
        for bad in counting.take(piece)
    ]
    return counting.sums().to_pylist(), refused


def tokens(row: dict[str, Any]) -> tuple[int, ...]:
    return tuple(row[name] for name in TOKENS)


def litellm(**given: Any) -> dict[str, Any]:
    usage = given.pop("usage_object", {})
    return {
        "request_id": "chatcmpl-1", "call_type": "acompletion", "api_key": "hash-1",
        "startTime": "2026-01-05T10:00:00.123000", "model": "claude-sonnet-4-5",
        "custom_llm_provider": "anthropic", "user": "person-0001@example.com", "team_id": "t1",
        "prompt_tokens": 1000, "completion_tokens": 50, "cache_hit": "False",
        "metadata": json.dumps({"usage_object": usage}), "messages": [{"content": "secret"}],
        **given,
    }  # fmt: skip


def otlp(*log_records: dict[str, Any], **resource: str) -> dict[str, Any]:
    attributes = [{"key": k, "value": {"stringValue": v}} for k, v in resource.items()]
    return {
        "resourceLogs": [
            {
                "resource": {"attributes": attributes},
                "scopeLogs": [{"scope": {"name": "events"}, "logRecords": list(log_records)}],
            }
        ]
    }


def log_record(event: str, **attributes: Any) -> dict[str, Any]:
    def value(given: Any) -> dict[str, Any]:
        return {"intValue": str(given)} if isinstance(given, int) else {"stringValue": given}

    return {
        "timeUnixNano": "1767607200123456789",  # 2026-01-05 10:00:00.123456 UTC
        "body": {"stringValue": event},
        "attributes": [{"key": k, "value": value(v)} for k, v in attributes.items()],
    }


def api_request(session: str, sequence: int, **given: Any) -> dict[str, Any]:
    attributes = {
        "session.id": session, "event.sequence": sequence, "event.name": "api_request",
        "model": "claude-sonnet-4-5", "user.email": "person-0001@example.com",
        "input_tokens": 100, "output_tokens": 20, "cache_read_tokens": 3000,
        "cache_creation_tokens": 400, **given,
    }  # fmt: skip
    return log_record("claude_code.api_request", **attributes)


def test_cached_input_is_taken_out_of_an_input_that_holds_it(tmp_path: Path) -> None:
    (row,), refused = count(tmp_path, source(columns=COLUMNS), RECORD | {"write": 100})
    assert tokens(row) == (1000 - 600 - 100, 600, 100, 0, 50)
    assert not refused


def test_cached_input_stays_out_of_an_input_that_leaves_it_out(tmp_path: Path) -> None:
    columns = COLUMNS | {"cached_input_is_in_input": False}
    (row,), _ = count(tmp_path, source(columns=columns), RECORD | {"write": 100})
    assert tokens(row) == (1000, 600, 100, 0, 50)


def test_litellm_prompt_holds_cache_reads_and_writes(tmp_path: Path) -> None:
    # 1000 = 100 uncached + 700 read + 200 written, of which 150 for an hour.
    usage = {
        "cache_read_input_tokens": 700,
        "cache_creation_input_tokens": 200,
        "prompt_tokens_details": {
            "cached_tokens": 700,
            "cache_creation_tokens": 200,
            "cache_creation_token_details": {
                "ephemeral_5m_input_tokens": 50,
                "ephemeral_1h_input_tokens": 150,
            },
        },
    }
    (row,), _ = count(tmp_path, source(format="litellm"), litellm(usage_object=usage))
    assert tokens(row) == (100, 700, 50, 150, 50)
    assert (row["vendor"], row["model"], row["api_key_id"], row["team_id"]) == (
        "anthropic", "claude-sonnet-4-5", "hash-1", "t1",
    )  # fmt: skip


def test_litellm_metadata_is_a_text_or_the_object_itself(tmp_path: Path) -> None:
    # 1000 = 100 uncached + 700 read + 200 written.
    usage = {"cache_read_input_tokens": 700, "cache_creation_input_tokens": 200}
    metadata = {"usage_object": usage, "user_api_key_user_email": "person-0009@example.com"}
    form = source(format="litellm")
    as_text = litellm() | {"metadata": json.dumps(metadata)}
    as_object = litellm() | {"metadata": metadata}
    (expected,), _ = count(tmp_path, form, as_text)
    assert tokens(expected) == (100, 700, 200, 0, 50)
    assert count(tmp_path, form, as_object) == ([expected], [])
    for record in (as_text, as_object):
        table = pa.Table.from_pylist([record])
        assert count_parquet(tmp_path / "log.parquet", form, table) == [expected]


def test_litellm_parquet_is_read_whatever_its_types(tmp_path: Path) -> None:
    (expected,), _ = count(tmp_path, source(format="litellm"), litellm(team_id=None))
    given = pa.Table.from_pylist([litellm() | {
        "startTime": datetime(2026, 1, 5, 10, 0, 0, 123000, tzinfo=UTC), "cache_hit": False,
        "prompt_tokens": Decimal(1000), "metadata": None,
    }]).drop_columns(["team_id"])  # fmt: skip
    rows = count_parquet(tmp_path / "log.parquet", source(format="litellm"), given)
    assert rows == [expected]
    assert tokens(expected) == (1000, 0, 0, 0, 50)


def test_breakdown_of_a_first_event_does_not_lose_later_cache_writes(tmp_path: Path) -> None:
    # The total says 200; the breakdown, taken when the stream began, knows of 30.
    usage = {
        "cache_creation_input_tokens": 200,
        "prompt_tokens_details": {
            "cache_creation_token_details": {"ephemeral_1h_input_tokens": 30}
        },
    }
    (row,), _ = count(tmp_path, source(format="litellm"), litellm(usage_object=usage))
    assert tokens(row) == (800, 0, 170, 30, 50)


def test_last_word_of_a_streamed_request_counts(tmp_path: Path) -> None:
    first = RECORD | {"output": 1, "write": 0}
    last = RECORD | {"output": 80, "write": 300}
    for lines in ((first, last), (last, first)):
        (row,), _ = count(tmp_path, source(columns=COLUMNS), *lines)
        assert row["request_count"] == 1
        assert tokens(row) == (100, 600, 300, 0, 80)


def test_requests_one_by_one_give_what_their_groups_give(tmp_path: Path) -> None:
    lines = [RECORD | {"id": f"r{n}", "user": f"person-{n % 2:04}@example.com"} for n in range(7)]
    lines += [RECORD | {"id": "late", "ts": "2026-01-06T10:00:00Z"}, RECORD | {"output": -1}]
    grouped = count(tmp_path, source(columns=COLUMNS), *lines)
    assert grouped == count(tmp_path, source(columns=COLUMNS), *lines, keep_requests=True)
    rows, refused = grouped
    assert sorted((str(r["usage_date"]), r["request_count"]) for r in rows) == [
        ("2026-01-05", 3), ("2026-01-05", 4), ("2026-01-06", 1),
    ]  # fmt: skip
    assert [bad.line for bad in refused] == [9]


def test_refused_record_does_not_stand_for_a_good_one_of_its_id(tmp_path: Path) -> None:
    lines = (RECORD | {"output": 10**13}, RECORD, RECORD | {"output": 7})
    (row,), refused = count(tmp_path, source(columns=COLUMNS), *lines)
    assert (row["request_count"], row["output_tokens"]) == (1, 50)
    assert [bad.line for bad in refused] == [1]


SEVERAL = COLUMNS | {"request_count": "requests", "longest_prompt": "longest"}


def test_line_of_several_requests_counts_them_all(tmp_path: Path) -> None:
    sums = RECORD | {"requests": 3, "longest": 200_001, "input": 500_000}
    (row,), refused = count(tmp_path, source(columns=SEVERAL), sums)
    assert (row["request_count"], row["context_window"]) == (3, ">200k")
    assert tokens(row) == (500_000 - 600, 600, 0, 0, 50)
    assert not refused


def test_line_of_several_requests_is_as_long_as_its_sum_where_nothing_else_is_said(
    tmp_path: Path,
) -> None:
    sums = RECORD | {"requests": 3, "input": 300_000}
    (row,), _ = count(tmp_path, source(columns=SEVERAL), sums)
    assert (row["request_count"], row["context_window"]) == (3, ">272k")


def test_number_of_requests_that_is_none_is_refused(tmp_path: Path) -> None:
    wrong = (0, -2, 1.5, "many", None)
    lines = [RECORD | {"id": f"r{n}", "requests": number} for n, number in enumerate(wrong)]
    rows, refused = count(tmp_path, source(columns=SEVERAL), *lines)
    assert rows == []
    assert [(bad.line, bad.reason) for bad in refused] == [
        (line, "the number of requests is not a whole number of 1 or more") for line in range(1, 6)
    ]


def test_litellm_metadata_that_is_no_json_takes_nothing_from_other_lines(tmp_path: Path) -> None:
    lines = (
        litellm(request_id="a", metadata="{not json"),
        litellm(request_id="b", metadata="[]"),
        litellm(request_id="c", metadata=None),
        litellm(request_id="d", usage_object={"prompt_tokens_details": {"cached_tokens": "400"}}),
    )
    (row,), refused = count(tmp_path, source(format="litellm"), *lines)
    assert tokens(row) == (3000 + 600, 400, 0, 0, 200)
    assert not refused


def test_litellm_metadata_may_be_an_object(tmp_path: Path) -> None:
    record = litellm()
    record["metadata"] = {"usage_object": {"prompt_tokens_details": {"cached_tokens": 400}}}
    (row,), _ = count(tmp_path, source(format="litellm"), record)
    assert tokens(row) == (600, 400, 0, 0, 50)


def test_what_litellm_answered_itself_used_no_tokens(tmp_path: Path) -> None:
    (row,), _ = count(tmp_path, source(format="litellm"), litellm(cache_hit="True"))
    assert (row["request_count"], *tokens(row)) == (1, 0, 0, 0, 0, 0)


def test_litellm_call_that_failed_counts_only_where_it_used_something(tmp_path: Path) -> None:
    refused_early = {"model": "", "custom_llm_provider": "", "prompt_tokens": 0}
    early = litellm(request_id="a", status="failure", completion_tokens=0, **refused_early)
    late = litellm(request_id="b", status="failure")
    rows, refused = count(tmp_path, source(format="litellm"), early, late)
    assert [(row["request_count"], *tokens(row)) for row in rows] == [(1, 1000, 0, 0, 0, 50)]
    assert not refused


def test_vendors_are_called_as_the_price_book_calls_them(tmp_path: Path) -> None:
    record = litellm(custom_llm_provider="gemini", model="gemini/Gemini-2.5-Pro")
    (row,), _ = count(tmp_path, source(format="litellm"), record)
    assert (row["vendor"], row["model"]) == ("google", "gemini-2.5-pro")


def test_claude_code_input_leaves_the_cache_out(tmp_path: Path) -> None:
    line = otlp(
        api_request("s1", 1),
        log_record("claude_code.user_prompt", prompt="a secret"),
        **{"service.name": "claude-code", "team.id": "platform"},
    )
    (row,), refused = count(tmp_path, source(format="otel"), line)
    assert tokens(row) == (100, 3000, 400, 0, 20)
    assert (row["vendor"], row["tool"], row["team_id"]) == ("anthropic", "claude_code", "platform")
    assert not refused


def test_claude_code_request_in_two_sessions_counts_once(tmp_path: Path) -> None:
    # A resumed session repeats a request under another session; the vendor's id is the same.
    twice = (api_request("s1", 7, request_id="req_1"), api_request("s2", 3, request_id="req_1"))
    (row,), _ = count(tmp_path, source(format="otel"), otlp(*twice))
    assert row["request_count"] == 1
    # Without that id, the session and the event's sequence are the key.
    lines = (otlp(api_request("s1", 7)), otlp(api_request("s1", 7), api_request("s1", 8)))
    (row,), _ = count(tmp_path, source(format="otel"), *lines)
    assert row["request_count"] == 2


def test_otel_gen_ai_input_holds_the_cache(tmp_path: Path) -> None:
    new = log_record(
        "gen_ai.client.inference.operation.details",
        **{
            "gen_ai.provider.name": "openai", "gen_ai.response.model": "gpt-5-2025-08-07",
            "gen_ai.response.id": "resp_1", "gen_ai.usage.input_tokens": 1000,
            "gen_ai.usage.output_tokens": 60, "gen_ai.usage.cache_read.input_tokens": 900,
            "gen_ai.usage.reasoning.output_tokens": 40,
        },
    )  # fmt: skip
    old = log_record(
        "gen_ai.choice",
        **{
            "gen_ai.system": "openai", "gen_ai.request.model": "gpt-5-2025-08-07",
            "gen_ai.response.id": "resp_2", "gen_ai.usage.prompt_tokens": "10",
            "gen_ai.usage.completion_tokens": "5",
        },
    )  # fmt: skip
    (row,), refused = count(tmp_path, source(format="otel"), otlp(new), otlp(old))
    assert row["request_count"] == 2
    assert tokens(row) == (100 + 10, 900, 0, 0, 65)
    assert not refused


def test_agents_sums_do_not_count_beside_their_calls(tmp_path: Path) -> None:
    usage = {
        "gen_ai.system": "openai", "gen_ai.request.model": "gpt-5",
        "gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 5,
    }  # fmt: skip
    call = log_record("gen_ai.x", **usage, **{"gen_ai.response.id": "a"})
    agent = {"gen_ai.response.id": "b", "gen_ai.operation.name": "invoke_agent"}
    rows, _ = count(
        tmp_path, source(format="otel"), otlp(call, log_record("gen_ai.x", **usage, **agent))
    )
    assert [row["request_count"] for row in rows] == [1]


def test_other_signals_in_an_otel_file_are_passed_over(tmp_path: Path) -> None:
    rows, refused = count(
        tmp_path, source(format="otel"), {"resourceSpans": []}, {"resourceMetrics": [{}]}, "nope"
    )
    assert rows == []
    assert [(bad.line, bad.record) for bad in refused] == [(3, {"length": 4})]


def test_spend_without_a_person_is_kept_with_its_key(tmp_path: Path) -> None:
    columns = COLUMNS | {"api_key_id": "key"}
    nobody = RECORD | {"user": None, "key": "service-account"}
    (row,), _ = count(tmp_path, source(columns=columns), nobody)
    assert (row["person_id"], row["api_key_id"], row["output_tokens"]) == (
        None, "service-account", 50,
    )  # fmt: skip


def test_people_are_hashed_and_addresses_in_other_words_hidden(tmp_path: Path) -> None:
    columns = COLUMNS | {"api_key_id": "key"}
    (row,), _ = count(
        tmp_path, source(columns=columns), RECORD | {"key": "key of person-0002@example.com"}
    )
    assert row["person_id"] == Identity("salt").person("person-0001@example.com", "any")
    assert row["api_key_id"].startswith("key of address_")
    assert "@" not in str(row)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"id": None}, "request_id is empty"),
    ({"id": ""}, "request_id is empty"),
    ({"ts": "soon"}, "the time is not one between 2000 and 2199"),
    ({"ts": "20260105"}, "the time is not one between 2000 and 2199"),
    ({"ts": "1970-01-01"}, "the time is not one between 2000 and 2199"),
    ({"model": ""}, "model is empty or too long"),
    ({"model": "a prompt " * 30}, "model is empty or too long"),
    ({"input": None}, "input tokens are missing, or not a number"),
    ({"output": "many"}, "output tokens are missing, or not a number"),
    ({"input": -3}, "input tokens are not a whole number of 0 or more"),
    ({"output": 1.5}, "output tokens are not a whole number of 0 or more"),
    ({"output": 10**18}, "output tokens are not a whole number of 0 or more"),
    ({"read": -1}, "cache read tokens are not a whole number of 0 or more"),
    ({"read": 1001}, "input tokens are fewer than those of the cache that they should hold"),
]


def test_records_are_refused_with_their_reason(tmp_path: Path) -> None:
    lines = [RECORD | {"id": f"r{n}"} | wrong for n, (wrong, _) in enumerate(WRONG)]
    rows, refused = count(tmp_path, source(columns=COLUMNS), RECORD | {"id": "good"}, *lines)
    assert [row["request_count"] for row in rows] == [1]
    assert [bad.line for bad in refused] == list(range(2, 2 + len(WRONG)))
    for bad, (_, reason) in zip(refused, WRONG, strict=True):
        assert reason in bad.reason
    told = json.dumps([bad.record for bad in refused])
    assert "person" not in told
    assert "prompt" not in told


def test_line_that_is_not_json_is_told_by_place_and_length(tmp_path: Path) -> None:
    rows, refused = count(
        tmp_path, source(columns=COLUMNS), "", RECORD, "  ", '{"id": "person-0001@e', RECORD
    )
    assert [row["request_count"] for row in rows] == [1]
    assert refused == [
        Refused(4, "is not JSON, or has none of the columns that are read", {"length": 21})
    ]


def test_times_are_read_in_every_usual_way(tmp_path: Path) -> None:
    moments = (
        "2026-01-05T10:00:00Z", "2026-01-06T01:00:00+02:00", "2026-01-05 10:00:00", "2026-01-05",
        1767607200, 1767607200000, 1767607200000000, "1767607200000000000", "1767607200.25",
    )  # fmt: skip
    lines = [RECORD | {"id": f"r{n}", "ts": moment} for n, moment in enumerate(moments)]
    (row,), _ = count(tmp_path, source(columns=COLUMNS), *lines)
    assert (str(row["usage_date"]), row["request_count"]) == ("2026-01-05", len(moments))


def test_prompt_size_is_kept_where_prices_change(tmp_path: Path) -> None:
    sizes = {"a": 100_000, "b": 200_000, "c": 200_001, "d": 272_001}
    lines = [RECORD | {"id": name, "input": size} for name, size in sizes.items()]
    rows, _ = count(tmp_path, source(columns=COLUMNS), *lines)
    assert sorted(row["context_window"] for row in rows) == ["0k", ">128k", ">200k", ">272k"]


def test_columns_within_objects_and_with_odd_names_are_read(tmp_path: Path) -> None:
    columns = COLUMNS | {"input_tokens": "usage.in put", "output_tokens": 'usage.o"ut{'}
    record = RECORD | {"usage": {"in put": 1000, 'o"ut{': 50}}
    (row,), _ = count(tmp_path, source(columns=columns), record)
    assert tokens(row) == (400, 600, 0, 0, 50)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "give a format"),
        ({"format": "litellm", "columns": COLUMNS}, "give a format"),
        ({"format": "csv"}, "'litellm' or 'otel'"),
        ({"columns": COLUMNS | {"persn": "x"}}, "columns.persn"),
        ({"columns": {k: v for k, v in COLUMNS.items() if k != "vendor"}}, "columns.vendor"),
        ({"columns": COLUMNS | {"cached_input_is_in_input": None}}, "cached_input_is_in_input"),
        ({"columns": COLUMNS | {"uncached_input_tokens": "x"}}, "one of input_tokens"),
        ({"columns": COLUMNS | {"longest_prompt": "x"}}, "goes with request_count"),
    ],
)
def test_wrong_source_is_told(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        source(**given)


def test_two_sources_of_one_name_are_refused() -> None:
    one = {"name": "gateway", "path": "x", "format": "litellm"}
    with pytest.raises(ValidationError, match="two sources are called gateway"):
        UsageLogsSettings.model_validate({"sources": [one, one]})
