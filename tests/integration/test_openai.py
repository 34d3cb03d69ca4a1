"""OpenAI over real sockets: the lake ends up with the company's usage, whatever happens."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from orchestration.identity import Identity
from orchestration.lake import Lake, Outcome, Stream
from orchestration.simulation import simulate
from orchestration.simulation.records import Company, Usage, VendorCost
from orchestration.simulation.vendors._server import (
    FAULTS,
    FaultKind,
    Faults,
    Limit,
    Request,
    Response,
)
from orchestration.simulation.vendors.openai import ADMIN_KEY, PROJECT_KEY, OpenAI
from orchestration.simulation.worlds import WORLDS
from orchestration.systems.openai import COSTS, STREAMS, USAGE, OpenAISettings, check, extract
from orchestration.systems.openai.client import KINDS

IDENTITY = Identity("salt")
NOW = datetime.fromisoformat("2024-10-01")
COUNTED = (
    "requests", "uncached_input_tokens", "cache_read_tokens", "output_tokens", "other_units",
)  # fmt: skip
OF_USAGE = {"requests": "request_count"}


def at(text: str) -> datetime:
    """A moment in UTC, without a zone as all moments of a company."""
    return datetime.fromisoformat(text)


@pytest.fixture(scope="module")
def company() -> Company:
    """Four teams, July to September 2024."""
    return simulate(WORLDS["demo"], 1, teams=4, months=3)


class Desk:
    """A lake, an OpenAI and somebody who reads the one into the other."""

    def __init__(self, home: Path) -> None:
        self.lake = Lake(home)
        self.lake.ensure(STREAMS)

    def read(self, server: OpenAI, **changes: Any) -> dict[str, Outcome]:
        wanted: dict[str, Any] = {
            "base_url": f"{server.url}/v1",
            "admin_key": ADMIN_KEY,
            "since": date(2024, 9, 1),
            "first_pause_seconds": 0.01,
        }
        settings = OpenAISettings(**wanted | changes)
        until = server.now.replace(tzinfo=UTC)
        outcomes = extract(self.lake, IDENTITY, settings, since=None, until=until)
        return {outcome.scope: outcome for outcome in outcomes}

    def rows(self, stream: Stream) -> list[dict[str, Any]]:
        files = [batch.path for batch in self.lake.standing(stream)]
        rows = [row for file in files for row in pq.ParquetFile(file).read().to_pylist()]
        return [row for row in rows if not row.pop("_is_deleted")]

    def all_rows(self) -> list[list[str]]:
        """Without what says when and how they came."""
        return [
            sorted(repr([row[name] for name in stream.schema.names]) for row in self.rows(stream))
            for stream in STREAMS
        ]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture
def serve() -> Iterator[Callable[..., OpenAI]]:
    servers: list[OpenAI] = []

    def start(
        usage: list[Usage],
        costs: list[VendorCost] | None = None,
        now: datetime = NOW,
        **changes: Any,
    ) -> OpenAI:
        servers.append(OpenAI(usage, costs or [], now, **changes).__enter__())
        return servers[-1]

    yield start
    for server in servers:
        server.__exit__(None, None, None)


def of_vendor(company: Company) -> tuple[list[Usage], list[VendorCost]]:
    return (
        [u for u in company.ai_usage if u.vendor == "openai"],
        [c for c in company.ai_costs if c.vendor == "openai"],
    )


def used(day: str, **changes: Any) -> Usage:
    """100 tokens of input that no cache held, 900 from one, 20 of output."""
    usual: dict[str, Any] = {
        "usage_id": "u", "occurred_at": at(day), "vendor": "openai", "model": "gpt-5.2",
        "person": "person-0001@example.com", "request_count": 1, "uncached_input_tokens": 100,
        "cache_read_tokens": 900, "output_tokens": 20,
    }  # fmt: skip
    return Usage(**usual | changes)


def sums(rows: list[Any], dimensions: Callable[[Any], Any]) -> dict[Any, list[int]]:
    found: dict[Any, list[int]] = defaultdict(lambda: [0] * len(COUNTED))
    for row in rows:
        values = [
            (row[c] if isinstance(row, dict) else getattr(row, OF_USAGE.get(c, c))) or 0
            for c in COUNTED
        ]
        key = dimensions(row)
        found[key] = [a + b for a, b in zip(found[key], values, strict=True)]
    return dict(found)


def answering(
    server: OpenAI, monkeypatch: pytest.MonkeyPatch, change: Callable[[Request, Response], None]
) -> None:
    """Changes what the server says."""
    answer = server.answer

    def changed(request: Request) -> Response:
        response = answer(request)
        if response.status == 200:
            change(request, response)
        return response

    monkeypatch.setattr(server, "answer", changed)


def test_every_token_image_and_dollar_of_the_company_is_there(
    company: Company, desk: Desk, serve: Callable[..., OpenAI]
) -> None:
    usage, costs = of_vendor(company)
    teams = {u.api_key_id: u.team_id for u in usage if u.api_key_id and u.team_id}
    outcomes = desk.read(serve(usage, costs), teams=teams, since=company.starts_on)
    assert {o.status for o in outcomes.values()} == {"landed", "unchanged"}, outcomes

    assert sums(
        desk.rows(USAGE),
        lambda r: (
            r["usage_date"], r["person_id"], r["api_key_id"], r["team_id"], r["model"],
            r["service_tier"], bool(r["is_batch"]), r["other_unit_name"],
        ),
    ) == sums(
        usage,
        lambda u: (
            u.occurred_at.date(), IDENTITY.person(u.person, "openai"), u.api_key_id, u.team_id,
            u.model, None if u.other_unit_name else u.service_tier or "default",
            bool(u.is_batch), u.other_unit_name,
        ),
    )  # fmt: skip
    assert Counter(
        (r["cost_date"], r["line_item"], r["api_key_id"], r["currency"], r["amount"])
        for r in desk.rows(COSTS)
    ) == Counter((c.cost_date, c.line_item, c.api_key_id, "usd", c.amount) for c in costs)
    assert len({row["usage_id"] for row in desk.rows(USAGE)}) == len(desk.rows(USAGE))


def test_a_second_run_asks_for_the_open_month_and_changes_nothing(
    company: Company, desk: Desk, serve: Callable[..., OpenAI]
) -> None:
    """Eleven kinds and the costs of September, and the members; July and August are closed."""
    server = serve(*of_vendor(company))
    desk.read(server, since=company.starts_on)
    before, asked = desk.all_rows(), len(server.requests)
    desk.read(server, since=company.starts_on)
    assert desk.all_rows() == before
    again = server.requests[asked:]
    assert len(again) == len(KINDS) + 2
    assert {r.one("start_time") for r in again} == {"", "1725148800"}


def test_late_usage_is_seen_while_its_month_is_open(
    desk: Desk, serve: Callable[..., OpenAI]
) -> None:
    """Until the 3rd a bucket of the 30th says a tenth less: 90 tokens first, 100 in the end."""
    server = serve([used("2024-09-30")], restates=True)
    tokens = []
    for day in (1, 2, 3, 4):
        server.now = at(f"2024-10-{day:02d}")
        desk.read(server)
        tokens.append(sum(row["uncached_input_tokens"] for row in desk.rows(USAGE)))
    assert tokens == [90, 90, 100, 100]
    asked = len(server.requests)
    server.now = at("2024-10-05")
    desk.read(server)
    starts = [r.one("start_time") for r in server.requests[asked:] if "usage" in r.path]
    assert set(starts) == {"1727740800"}  # October alone


def test_pages_of_a_few_days_are_put_together_to_the_month(
    company: Company, desk: Desk, serve: Callable[..., OpenAI], tmp_path: Path
) -> None:
    desk.read(serve(*of_vendor(company), page_size=4))
    other = Desk(tmp_path / "other")
    other.read(serve(*of_vendor(company)))
    assert desk.all_rows() == other.all_rows() != [[], []]


@pytest.mark.parametrize("kind", FAULTS)
def test_every_fault_ends_in_the_right_rows_or_a_clear_error_and_then_the_right_rows(
    kind: FaultKind, company: Company, desk: Desk, serve: Callable[..., OpenAI], tmp_path: Path
) -> None:
    parts = of_vendor(company)
    right = Desk(tmp_path / "right")
    right.read(serve(*parts))
    faults = Faults(rate=0.2, kinds=(kind,), seed=4, stall_seconds=0.05)
    server = serve(*parts, page_size=9, faults=faults)
    outcomes = [o for _ in range(2) for o in desk.read(server).values()]
    assert faults.happened, "no fault happened"
    assert all(ADMIN_KEY not in o.message and "@" not in o.message for o in outcomes)
    faults.rate = 0.0
    statuses = {o.status for o in desk.read(server).values()}
    assert statuses <= {"landed", "unchanged"}
    assert desk.all_rows() == right.all_rows()


def test_a_wrong_key_is_a_line_an_endpoint_and_lands_nothing(
    company: Company, desk: Desk, serve: Callable[..., OpenAI]
) -> None:
    outcomes = desk.read(serve(*of_vendor(company)), admin_key="wrong-secret")
    assert {o.status for o in outcomes.values()} == {"failed"}
    assert all("the key is not accepted" in o.message for o in outcomes.values())
    assert all("wrong-secret" not in o.message for o in outcomes.values())
    assert desk.all_rows() == [[], []]


def test_a_key_without_the_scopes_is_told_which(serve: Callable[..., OpenAI]) -> None:
    server = serve([])
    settings = OpenAISettings(base_url=f"{server.url}/v1", admin_key=PROJECT_KEY)
    (outcome,) = check(settings)
    assert outcome.status == "failed"
    assert outcome.message == (
        "/organization/costs, /organization/usage/completions: the key lacks the scope "
        "api.usage.read; /organization/users: the key lacks the scope api.management.read"
    )
    settings = OpenAISettings(base_url=f"{server.url}/v1", admin_key=ADMIN_KEY)
    assert [o.status for o in check(settings)] == ["unchanged"]


def test_without_the_members_nothing_lands_as_nobodys(
    desk: Desk, serve: Callable[..., OpenAI], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What no user stands at is read all the same."""
    rows = [
        used("2024-09-02"),
        used("2024-09-02", person=None, other_units=Decimal(7), other_unit_name="session"),
    ]
    server = serve(rows)

    def refuse(request: Request) -> Response:
        return server.denied() if request.path.endswith("users") else answer(request)

    answer = server.answer
    monkeypatch.setattr(server, "answer", refuse)
    outcomes = desk.read(server)
    assert outcomes["users"].status == "failed"
    assert outcomes["completions"].status == "failed"  # a row, not an absence
    assert [row["kind"] for row in desk.rows(USAGE)] == ["code_interpreter_sessions"]
    monkeypatch.undo()
    desk.read(server)
    (row,) = [row for row in desk.rows(USAGE) if row["kind"] == "completions"]
    assert row["person_id"] == IDENTITY.person("person-0001@example.com", "openai")


@pytest.mark.parametrize("is_old", [False, True])
def test_cached_input_is_not_counted_twice(
    is_old: bool, desk: Desk, serve: Callable[..., OpenAI]
) -> None:
    """The vendor says 1,000 tokens of input, 900 of them from a cache: 100 and 900."""
    server = serve([used("2024-09-02")], is_old=is_old)
    desk.read(server)
    (row,) = desk.rows(USAGE)
    assert (row["uncached_input_tokens"], row["cache_read_tokens"]) == (100, 900)


def test_cache_writes_are_not_billed_twice(desk: Desk, serve: Callable[..., OpenAI]) -> None:
    """1,350 of input: 100 new, 900 read, 300 written for 30 minutes and 50 for 12 hours."""
    written = used("2024-09-02", cache_write_5m_tokens=300, cache_write_1h_tokens=50)
    desk.read(serve([written]))
    (row,) = desk.rows(USAGE)
    assert [
        row[f"{name}_tokens"]
        for name in ("uncached_input", "cache_read", "cache_write_30m", "cache_write_12h")
    ] == [100, 900, 300, 50]


def test_spend_is_not_dropped_when_an_actor_has_no_address(
    desk: Desk, serve: Callable[..., OpenAI]
) -> None:
    """A key's, a member's, and those of two people who are no members any more, alike."""
    gone = ("person-0002@example.com", "person-0003@example.com")
    rows = [used("2024-09-02", person=p) for p in ("person-0001@example.com", *gone)]
    rows.append(used("2024-09-02", person=None, api_key_id="key_1"))
    desk.read(serve(rows, deleted=gone))
    landed = desk.rows(USAGE)
    assert sum(row["output_tokens"] for row in landed) == 80
    assert len({row["usage_id"] for row in landed}) == 4
    people = [row["person_id"] for row in landed if row["person_id"]]
    assert people == [IDENTITY.person("person-0001@example.com", "openai")]


@pytest.mark.parametrize("writes_text", [False, True])
def test_dollars_are_read_to_the_last_digit(
    writes_text: bool, desk: Desk, serve: Callable[..., OpenAI]
) -> None:
    """0.1 + 0.2 and a millionth: as floats they would be 0.30000000000000004 and 1e-06."""
    costs = [
        VendorCost("openai", date(2024, 9, 2), Decimal(amount), "USD", line)
        for amount, line in (("0.1", "gpt-5.2, input"), ("0.2", "web search"), ("0.000001", "x"))
    ]
    desk.read(serve([], costs, writes_text=writes_text))
    rows = desk.rows(COSTS)
    assert sum(row["amount"] for row in rows) == Decimal("0.300001")
    assert {row["line_item"]: row["model"] for row in rows} == {
        "gpt-5.2, input": "gpt-5.2", "web search": None, "x": None
    }  # fmt: skip


def test_what_is_not_counted_in_tokens_keeps_its_unit(
    desk: Desk, serve: Callable[..., OpenAI]
) -> None:
    units = {
        "image": ("images", 3), "character": ("audio_speeches", 5000),
        "second": ("audio_transcriptions", 61), "byte_day": ("vector_stores", 10**9),
        "session": ("code_interpreter_sessions", 2), "file_search_call": ("file_search_calls", 4),
        "web_search_call": ("web_search_calls", 6),
    }  # fmt: skip
    rows = [
        used("2024-09-02", other_units=Decimal(count), other_unit_name=unit)
        for unit, (_, count) in units.items()
    ]
    rows += [used("2024-09-02", model="text-embedding-3-small")]
    rows += [used("2024-09-02", model="omni-moderation-latest")]
    outcomes = desk.read(serve(rows))
    assert {o.status for o in outcomes.values()} == {"landed", "unchanged"}
    found = {row["kind"]: row for row in desk.rows(USAGE)}
    for unit, (kind, count) in units.items():
        assert (found[kind]["other_unit_name"], found[kind]["other_units"]) == (unit, count)
    assert found["embeddings"]["uncached_input_tokens"] == 100
    assert found["moderations"]["model"] == "omni-moderation-latest"
    assert found["vector_stores"]["model"] is None
    # The model's request of a web search stands among the completions.
    assert found["web_search_calls"]["requests"] is None


def test_an_organisation_without_the_newest_kind_is_read_all_the_same(
    desk: Desk, serve: Callable[..., OpenAI], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve([used("2024-09-02")])
    monkeypatch.delitem(
        __import__("orchestration.simulation.vendors.openai", fromlist=["KINDS"]).KINDS, "decisions"
    )
    assert desk.read(server)["decisions"].status == "unchanged"
    assert len(desk.rows(USAGE)) == 1


def test_the_next_page_that_is_not_named_is_an_error(
    desk: Desk, serve: Callable[..., OpenAI], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a month would land as all of it."""
    server = serve([used("2024-09-02")], page_size=9)
    answering(server, monkeypatch, lambda _, response: response.body.update(next_page=None))
    outcome = desk.read(server)["completions"]
    assert outcome.status == "failed"
    assert "does not say where its next page is" in outcome.message
    assert desk.rows(USAGE) == []


def test_a_bucket_of_another_day_is_refused_whole(
    desk: Desk, serve: Callable[..., OpenAI], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve([used("2024-09-02")])

    def shift(request: Request, response: Response) -> None:
        if "completions" in request.path:
            last = response.body["data"][-1]
            last |= {"start_time": 1727740800, "end_time": 1727827200}

    answering(server, monkeypatch, shift)
    message = desk.read(server)["completions"].message
    assert "gave 2024-10-01, which was not asked for; nothing of this month is kept" in message
    assert desk.rows(USAGE) == []


def test_parts_that_are_not_the_total_are_put_aside(
    desk: Desk, serve: Callable[..., OpenAI], monkeypatch: pytest.MonkeyPatch
) -> None:
    """More from the cache than there was input would give negative tokens."""
    server = serve([used("2024-09-02"), used("2024-09-03")], is_old=True)

    def spoil(request: Request, response: Response) -> None:
        if "completions" in request.path:
            response.body["data"][1]["results"][0] |= {"input_cached_tokens": 1001, "mood": 1}

    answering(server, monkeypatch, spoil)
    outcome = desk.read(server)["completions"]
    assert outcome.status == "warning"
    assert "1 refused: input_tokens: not the sum" in outcome.message
    assert len(desk.rows(USAGE)) == 1
    (refused,) = desk.lake.quarantine_folder(USAGE).glob("*.jsonl")
    assert "2024-09-02 result 1" in refused.read_text()
    assert "user-000001" not in refused.read_text()


def test_no_user_id_or_address_reaches_the_lake(
    desk: Desk, serve: Callable[..., OpenAI], tmp_path: Path
) -> None:
    server = serve([used("2024-09-02")])
    desk.read(server)
    values = [str(value) for row in desk.rows(USAGE) for value in row.values()]
    assert values
    assert not [v for v in values if "user-" in v or "@" in v]


def test_the_server_refuses_what_the_vendor_would(serve: Callable[..., OpenAI]) -> None:
    server = serve([])

    def status(path: str, **query: str) -> int:
        asked = {name: [value] for name, value in query.items()}
        headers = {"authorization": f"Bearer {ADMIN_KEY}"}
        request = Request("GET", f"/v1/organization/{path}", asked, headers, b"")
        return server.answer(request).status

    start = {"start_time": "1725148800"}
    assert status("costs", **start, limit="180") == 200
    assert status("costs", **start, **{"group_by[]": "line_item"}) == 200
    assert status("costs", **start, group_by="model") == 400
    assert status("costs", **start, bucket_width="1h") == 400
    assert status("usage/completions", **start, limit="32") == 400
    assert status("usage/completions", start_time="2024-09-01") == 400
    assert status("usage/completions") == 400
    assert status("usage/vector_stores", **start, group_by="user_id") == 400
    assert status("usage/file_search_calls", **start, models="gpt-5.2") == 400
    assert status("usage/unheard_of", **start) == 404
    assert status("users", limit="101") == 400


def test_a_limit_is_waited_for_and_everything_is_read(
    desk: Desk, serve: Callable[..., OpenAI]
) -> None:
    """Five requests in a fifth of a second are allowed; eleven kinds, costs and members need 13."""
    outcomes = desk.read(serve([used("2024-09-02")], limit=Limit(5, 0.2)))
    assert {o.status for o in outcomes.values()} == {"landed", "unchanged"}
    assert len(desk.rows(USAGE)) == 1
