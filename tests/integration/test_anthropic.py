"""Anthropic over real sockets: the lake ends up with the company's usage, whatever happens."""

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
from orchestration.simulation.records import Activity, Company, Usage, VendorCost
from orchestration.simulation.vendors import anthropic as vendor
from orchestration.simulation.vendors._server import FAULTS, FaultKind, Faults, Limit, Request
from orchestration.simulation.vendors.anthropic import ADMIN_KEY, MEMBER_KEY, Anthropic
from orchestration.simulation.worlds import WORLDS
from orchestration.systems.anthropic import (
    CLAUDE_CODE_DAYS,
    CLAUDE_CODE_MODEL_DAYS,
    COSTS,
    STREAMS,
    USAGE,
    AnthropicSettings,
    check,
    extract,
)

IDENTITY = Identity("salt")
NOW = datetime.fromisoformat("2024-10-01")
CLASSES = (
    "uncached_input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens",
    "output_tokens",
)  # fmt: skip


def at(text: str) -> datetime:
    """A moment in UTC, without a zone as all moments of a company."""
    return datetime.fromisoformat(text)


@pytest.fixture(scope="module")
def company() -> Company:
    """Four teams, July to September 2024."""
    return simulate(WORLDS["demo"], 1, teams=4, months=3)


class Desk:
    """A lake, an Anthropic and somebody who reads the one into the other."""

    def __init__(self, home: Path) -> None:
        self.lake = Lake(home)
        self.lake.ensure(STREAMS)

    def read(
        self, server: Anthropic, *, until: datetime | None = None, full_refresh: bool = False,
        **changes: Any,
    ) -> Outcome:  # fmt: skip
        wanted: dict[str, Any] = {
            "base_url": server.url,
            "admin_key": ADMIN_KEY,
            "since": date(2024, 9, 20),
            "first_pause_seconds": 0.01,
        }
        moment = (until or server.now).replace(tzinfo=UTC)
        (outcome,) = extract(
            self.lake, IDENTITY, AnthropicSettings(**wanted | changes), since=None, until=moment,
            full_refresh=full_refresh,
        )  # fmt: skip
        return outcome

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
def serve() -> Iterator[Callable[..., Anthropic]]:
    servers: list[Anthropic] = []

    def start(
        usage: list[Usage], costs: list[VendorCost] | None = None,
        activity: list[Activity] | None = None, now: datetime = NOW,
        **changes: Any,
    ) -> Anthropic:  # fmt: skip
        servers.append(Anthropic(usage, costs or [], activity or [], now, **changes).__enter__())
        return servers[-1]

    yield start
    for server in servers:
        server.__exit__(None, None, None)


def of_keys(company: Company) -> list[Usage]:
    return [u for u in company.ai_usage if u.vendor == "anthropic" and u.api_key_id]


def of_vendor(company: Company) -> list[VendorCost]:
    return [c for c in company.ai_costs if c.vendor == "anthropic"]


def of_claude_code(company: Company) -> list[Activity]:
    return [a for a in company.ai_activity if a.tool == "claude_code"]


def used(at: datetime, **changes: Any) -> Usage:
    """1,000 tokens of input, 20 of output through a key."""
    usual: dict[str, Any] = {
        "usage_id": "u", "occurred_at": at, "vendor": "anthropic", "model": "claude-sonnet-4-6",
        "api_key_id": "apikey_1", "uncached_input_tokens": 1000, "output_tokens": 20,
        "context_window": "0-200k",
    }  # fmt: skip
    return Usage(**usual | changes)


def sums(rows: list[Any], dimensions: Callable[[Any], Any]) -> dict[Any, list[int]]:
    found: dict[Any, list[int]] = defaultdict(lambda: [0] * len(CLASSES))
    for row in rows:
        values = [row[c] if isinstance(row, dict) else getattr(row, c) or 0 for c in CLASSES]
        key = dimensions(row)
        found[key] = [a + b for a, b in zip(found[key], values, strict=True)]
    return dict(found)


def test_every_token_dollar_and_day_of_the_company_is_there(
    company: Company, desk: Desk, serve: Callable[..., Anthropic]
) -> None:
    usage, costs, activity = of_keys(company), of_vendor(company), of_claude_code(company)
    teams = {u.api_key_id: u.team_id for u in usage if u.team_id}
    outcome = desk.read(serve(usage, costs, activity), teams=teams, since=company.starts_on)
    assert outcome.status == "landed", outcome.message

    assert sums(
        desk.rows(USAGE),
        lambda r: (
            r["usage_date"], r["api_key_id"], r["team_id"], r["model"], r["service_tier"],
            r["context_window"],
        ),
    ) == sums(
        usage,
        lambda u: (
            u.occurred_at.date(), u.api_key_id, u.team_id, u.model,
            "batch" if u.is_batch else "standard", u.context_window,
        ),
    )  # fmt: skip
    assert Counter(
        (r["cost_date"], r["description"], r["model"], r["currency"], r["amount"])
        for r in desk.rows(COSTS)
    ) == Counter((c.cost_date, c.line_item, c.model, c.currency, c.amount) for c in costs)
    assert Counter(
        (r["activity_date"], r["person_id"], r["sessions"], r["lines_added"],
         r["accepted_actions"] + r["rejected_actions"])
        for r in desk.rows(CLAUDE_CODE_DAYS)
    ) == Counter(
        (a.activity_date, IDENTITY.person(a.person, "anthropic"), a.sessions, a.lines_accepted,
         a.agent_actions)
        for a in activity
    )  # fmt: skip


def test_speed_and_place_of_what_has_other_prices_are_told(
    desk: Desk, serve: Callable[..., Anthropic]
) -> None:
    tiers = (None, "fast", "us", "fast_us", "priority")
    server = serve([used(at("2024-09-25T05:00"), usage_id=str(t), service_tier=t) for t in tiers])
    desk.read(server)
    told = [(r["service_tier"], r["speed"], r["inference_geo"]) for r in desk.rows(USAGE)]
    assert sorted(told) == [
        ("priority", "standard", "global"), ("standard", "fast", "global"),
        ("standard", "fast", "us"), ("standard", "standard", "global"),
        ("standard", "standard", "us"),
    ]  # fmt: skip


def test_usage_fails_rather_than_mix_speeds_where_the_beta_has_ended(
    desk: Desk, serve: Callable[..., Anthropic], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vendor, "SPEED", "another-beta")
    outcome = desk.read(serve([used(at("2024-09-25T05:00"), service_tier="fast")]))
    assert outcome.status == "failed"
    assert "messages: status 400" in outcome.message
    assert desk.rows(USAGE) == []


def test_a_second_run_asks_for_what_may_change_and_changes_nothing(
    company: Company, desk: Desk, serve: Callable[..., Anthropic]
) -> None:
    """On October 1st September may still change, and of Claude Code its last three days."""
    server = serve(of_keys(company), of_vendor(company), of_claude_code(company))
    desk.read(server)
    before, asked = desk.all_rows(), len(server.requests)
    desk.read(server)
    assert desk.all_rows() == before
    again = [
        (r.path.rsplit("/", 1)[-1], r.one("starting_at")[:10]) for r in server.requests[asked:]
    ]
    assert sorted(again) == [
        ("claude_code", "2024-09-28"), ("claude_code", "2024-09-29"), ("claude_code", "2024-09-30"),
        ("cost_report", "2024-09-01"), ("messages", "2024-09-01"),
    ]  # fmt: skip


def test_late_usage_is_seen_while_its_month_is_open_and_costs_until_the_fifth(
    desk: Desk, serve: Callable[..., Anthropic]
) -> None:
    """Until the 3rd a bucket of the 30th says a tenth less: 900 tokens first, 1,000 in the end."""
    server = serve(
        [used(at("2024-09-30T05:00"))],
        [VendorCost("anthropic", date(2024, 9, 30), Decimal("1.23"), "USD", "a, output")],
        now=at("2024-10-01"),
        restates=True,
    )
    tokens = []
    for day in (1, 2, 3, 4):
        server.now = at(f"2024-10-{day:02d}")
        desk.read(server)
        tokens.append(sum(row["uncached_input_tokens"] for row in desk.rows(USAGE)))
    assert tokens == [900, 900, 1000, 1000]
    asked = len(server.requests)
    for day in (5, 6, 7):
        server.now = at(f"2024-10-{day:02d}")
        desk.read(server)
    months = [
        (r.path.rsplit("/", 1)[-1], r.one("starting_at")[:7])
        for r in server.requests[asked:]
        if "claude_code" not in r.path
    ]
    # September's costs on the 5th and 6th (read on the 5th, they were not yet five days old).
    assert months.count(("messages", "2024-09")) == 0
    assert months.count(("cost_report", "2024-09")) == 2


def test_the_day_that_is_not_over_is_read_again(
    desk: Desk, serve: Callable[..., Anthropic]
) -> None:
    """Two requests on the 10th at 9 and at 15; usage is seen 5 minutes later."""
    rows = [used(at("2024-09-10T09:00")), used(at("2024-09-10T15:00"))]
    server = serve(rows, now=at("2024-09-10T09:04"), lag_minutes=5)
    seen = []
    for moment in ("09:04", "12:00", "15:06"):
        server.now = at(f"2024-09-10T{moment}")
        assert desk.read(server).status in ("landed", "unchanged")
        seen.append(sum(row["uncached_input_tokens"] for row in desk.rows(USAGE)))
    assert seen == [0, 1000, 2000]


def test_pages_of_a_week_are_put_together_to_the_month(
    company: Company, desk: Desk, serve: Callable[..., Anthropic], tmp_path: Path
) -> None:
    """The vendor may give less than it is asked for: 5 buckets or people a page."""
    parts = of_keys(company), of_vendor(company), of_claude_code(company)
    desk.read(serve(*parts, page_size=5))
    other = Desk(tmp_path / "other")
    other.read(serve(*parts))
    assert desk.all_rows() == other.all_rows()


@pytest.mark.parametrize("kind", FAULTS)
def test_every_fault_ends_in_the_right_rows_or_a_clear_error_and_then_the_right_rows(
    kind: FaultKind, company: Company, desk: Desk, serve: Callable[..., Anthropic], tmp_path: Path
) -> None:
    parts = of_keys(company), of_vendor(company), of_claude_code(company)
    right = Desk(tmp_path / "right")
    right.read(serve(*parts))
    faults = Faults(rate=0.3, kinds=(kind,), seed=4, stall_seconds=0.05)
    server = serve(*parts, page_size=9, faults=faults)
    outcomes = [desk.read(server) for _ in range(2)]
    assert faults.happened, "no fault happened"
    assert all(ADMIN_KEY not in o.message and "@" not in o.message for o in outcomes)
    faults.rate = 0.0
    assert desk.read(server).status in ("landed", "unchanged")
    assert desk.all_rows() == right.all_rows()


def test_a_wrong_key_is_one_line_and_lands_nothing(
    company: Company, desk: Desk, serve: Callable[..., Anthropic]
) -> None:
    server = serve(of_keys(company))
    outcome = desk.read(server, admin_key="wrong-secret")
    assert outcome.status == "failed"
    assert "the key is not accepted" in outcome.message and "\n" not in outcome.message
    assert "wrong-secret" not in outcome.message
    assert [desk.lake.batches(stream) for stream in STREAMS] == [[], [], [], []]


def test_a_key_that_is_no_admin_key_is_told_what_it_lacks(serve: Callable[..., Anthropic]) -> None:
    server = serve([])
    settings = AnthropicSettings(base_url=server.url, admin_key=MEMBER_KEY)
    (outcome,) = check(settings)
    assert outcome.status == "failed"
    assert outcome.message.startswith("/v1/organizations/usage_report/messages, /v1/organizations/")
    assert "cost_report" in outcome.message
    assert outcome.message.count("the key may not read this; it needs an Admin API key") == 1
    (outcome,) = check(AnthropicSettings(base_url=server.url, admin_key=ADMIN_KEY))
    assert outcome.status == "unchanged"


def test_a_part_that_cannot_be_read_does_not_hide_the_others(
    company: Company, desk: Desk, serve: Callable[..., Anthropic], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(of_keys(company), of_vendor(company))
    admit = server.admit

    def without_costs(request: Request) -> None:
        admit(request)
        if "cost_report" in request.path:
            server.admin_key, kept = "another", server.admin_key
            try:
                admit(request)
            finally:
                server.admin_key = kept

    monkeypatch.setattr(server, "admit", without_costs)
    outcome = desk.read(server)
    assert outcome.status == "failed" and "costs: anthropic: GET" in outcome.message
    assert len(desk.rows(USAGE)) > 0 and desk.rows(COSTS) == []


def test_cents_are_not_taken_for_dollars(desk: Desk, serve: Callable[..., Anthropic]) -> None:
    """The vendor writes "12378.912" for $123.78912."""
    costs = [VendorCost("anthropic", date(2024, 9, 20), Decimal("123.78912"), "USD", "a, output")]
    server = serve([], costs)
    desk.read(server)
    assert [row["amount"] for row in desk.rows(COSTS)] == [Decimal("123.789120000")]


def test_a_peoples_day_counts_once_whatever_the_number_of_models(
    desk: Desk, serve: Callable[..., Anthropic]
) -> None:
    """One session of 48 lines with two models is 48 lines, not 96."""
    day = Activity(
        "person-0001@example.com", date(2024, 9, 20), "claude_code", sessions=1, interactions=6,
        agent_actions=10, agent_tasks_completed=10, lines_accepted=48,
    )  # fmt: skip
    desk.read(serve([], [], [day]))
    (row,) = desk.rows(CLAUDE_CODE_DAYS)
    assert (row["sessions"], row["lines_added"], row["commits"], row["pull_requests"]) == (
        1, 48, 5, 2,
    )  # fmt: skip
    models = desk.rows(CLAUDE_CODE_MODEL_DAYS)
    assert sorted(m["cache_read_tokens"] for m in models) == [3000, 6000]
    # 18 and 9 cents.
    assert sum(m["estimated_cost_usd"] for m in models) == Decimal("0.27")


def test_spend_is_not_dropped_when_an_actor_has_no_address(
    desk: Desk, serve: Callable[..., Anthropic]
) -> None:
    """Usage of the Workbench has no key, Claude Code with a key has no person: both stay."""
    days = [
        Activity("ci-key", date(2024, 9, 20), "claude_code", sessions=3, lines_accepted=7),
        Activity("person-0001@example.com", date(2024, 9, 20), "claude_code", sessions=1),
    ]
    desk.read(serve([used(at("2024-09-20"), api_key_id=None)], [], days))
    (usage,) = desk.rows(USAGE)
    assert (usage["api_key_id"], usage["uncached_input_tokens"]) == (None, 1000)
    rows = {row["api_key_name"]: row for row in desk.rows(CLAUDE_CODE_DAYS)}
    assert rows["ci-key"]["person_id"] is None and rows["ci-key"]["sessions"] == 3
    assert rows[None]["person_id"] == IDENTITY.person("person-0001@example.com", "anthropic")


def test_the_priority_tier_is_told_as_its_cost_is_nowhere(
    desk: Desk, serve: Callable[..., Anthropic]
) -> None:
    outcome = desk.read(serve([used(at("2024-09-20"), service_tier="priority")]))
    assert outcome.status == "warning"
    assert "priority tier, whose cost no cost report has" in outcome.message


def test_a_bucket_of_another_month_is_refused_whole(
    desk: Desk, serve: Callable[..., Anthropic], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were it taken, its day would stand in two windows and be counted twice."""
    server = serve([used(at("2024-08-31T12:00"))], now=at("2024-09-03"))
    answer = server.answer

    def shifted(request: Request) -> Any:
        response = answer(request)
        if "messages" in request.path and request.one("starting_at").startswith("2024-09"):
            first = response.body["data"][0]
            first |= {"starting_at": "2024-08-31T00:00:00Z", "ending_at": "2024-09-01T00:00:00Z"}
        return response

    monkeypatch.setattr(server, "answer", shifted)
    outcome = desk.read(server, since=date(2024, 8, 25))
    assert outcome.status == "failed"
    assert "gave 2024-08-31, which was not asked for" in outcome.message
    assert [b.window.start.month for b in desk.lake.batches(USAGE) if b.window.start] == [8]


def test_a_day_that_is_left_out_between_others_is_an_error(
    desk: Desk, serve: Callable[..., Anthropic], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve([used(at("2024-09-20"))])
    answer = server.answer

    def holed(request: Request) -> Any:
        response = answer(request)
        if "messages" in request.path:
            response.body["data"] = [
                b for b in response.body["data"] if b["starting_at"] != "2024-09-20T00:00:00Z"
            ]
        return response

    monkeypatch.setattr(server, "answer", holed)
    assert "left out 2024-09-20" in desk.read(server).message
    monkeypatch.undo()
    assert desk.read(server).status == "landed"
    assert len(desk.rows(USAGE)) == 1


def test_days_before_the_organisation_was_there_are_told_and_do_not_stop_the_rest(
    desk: Desk, serve: Callable[..., Anthropic], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It began on September 3rd: 31 days of August and 2 of September are unknown."""
    server = serve([used(at("2024-09-20"))])
    answer = server.answer

    def younger(request: Request) -> Any:
        response = answer(request)
        if "messages" in request.path:
            response.body["data"] = [
                b for b in response.body["data"] if b["starting_at"] >= "2024-09-03"
            ]
        return response

    monkeypatch.setattr(server, "answer", younger)
    outcome = desk.read(server, since=date(2024, 8, 30))
    assert outcome.status == "warning"
    assert "33 days between 2024-08-01 and 2024-09-02" in outcome.message
    assert len(desk.rows(USAGE)) == 1


def test_two_results_alike_are_two_with_an_id_each(
    desk: Desk, serve: Callable[..., Anthropic], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve([used(at("2024-09-20"))])
    answer = server.answer

    def doubled(request: Request) -> Any:
        response = answer(request)
        if "messages" in request.path:
            for bucket in response.body["data"]:
                bucket["results"] *= 2
        return response

    monkeypatch.setattr(server, "answer", doubled)
    desk.read(server)
    assert sum(row["uncached_input_tokens"] for row in desk.rows(USAGE)) == 2000
    assert len({row["usage_id"] for row in desk.rows(USAGE)}) == 2


def test_an_empty_answer_deletes_nothing(desk: Desk, serve: Callable[..., Anthropic]) -> None:
    server = serve([used(at("2024-09-20"))])
    desk.read(server)
    server._usage.rows, server._usage._times = [], []
    outcome = desk.read(server)
    assert outcome.status == "warning" and "usage of 2024-09-01 came back empty" in outcome.message
    assert len(desk.rows(USAGE)) == 1


def test_another_teams_mapping_reads_every_month_again(
    desk: Desk, serve: Callable[..., Anthropic]
) -> None:
    """A key's own team goes before its workspace's. September is closed by then."""
    server = serve(
        [used(at("2024-09-20")), used(at("2024-09-20"), api_key_id="apikey_2")],
        workspaces={"apikey_1": "wrkspc_1", "apikey_2": "wrkspc_1"},
        now=at("2024-10-06"),
    )
    desk.read(server)
    assert [row["team_id"] for row in desk.rows(USAGE)] == [None, None]
    desk.read(server, teams={"wrkspc_1": "search", "apikey_1": "payments"})
    assert sorted((r["api_key_id"], r["team_id"]) for r in desk.rows(USAGE)) == [
        ("apikey_1", "payments"),
        ("apikey_2", "search"),
    ]


def test_a_result_that_does_not_fit_is_refused_without_its_words(
    desk: Desk, serve: Callable[..., Anthropic], monkeypatch: pytest.MonkeyPatch
) -> None:
    days = [
        Activity(f"person-000{n}@example.com", date(2024, 9, 20), "x", sessions=n) for n in (1, 2)
    ]
    server = serve([], [], days)
    answer = server.answer

    def spoiled(request: Request) -> Any:
        response = answer(request)
        if "claude_code" in request.path and response.body["data"]:
            response.body["data"][0]["core_metrics"]["num_sessions"] = -1
            response.body["data"][1]["mood"] = "good"
        return response

    monkeypatch.setattr(server, "answer", spoiled)
    outcome = desk.read(server)
    assert outcome.status == "warning"
    assert "1 refused: core_metrics.num_sessions" in outcome.message
    assert "fields that nothing reads yet: mood" in outcome.message
    assert [row["sessions"] for row in desk.rows(CLAUDE_CODE_DAYS)] == [2]
    (refused,) = desk.lake.quarantine_folder(CLAUDE_CODE_DAYS).glob("*.jsonl")
    assert "person-0001" not in refused.read_text()


def test_the_server_refuses_what_the_vendor_would(serve: Callable[..., Anthropic]) -> None:
    server = serve([])

    def status(path: str, headers: dict[str, str] | None = None, **query: list[str]) -> int:
        wanted = {"x-api-key": ADMIN_KEY, "anthropic-version": "2023-06-01"}
        request = Request("GET", f"/v1/organizations/{path}", query, headers or wanted, b"")
        return server.answer(request).status

    start = {"starting_at": ["2024-09-20T00:00:00Z"]}
    assert status("cost_report", **start) == 200
    assert status("cost_report", {"x-api-key": ADMIN_KEY}, **start) == 400
    assert status("cost_report", **start, **{"group_by[]": ["model"]}) == 400
    assert status("cost_report", **start, bucket_width=["1h"]) == 400
    assert status("usage_report/messages", **start, limit=["32"]) == 400
    assert status("usage_report/messages", **start, group_by=["model"]) == 400
    assert status("usage_report/messages", starting_at=["2024-09-20"]) == 400
    assert status("usage_report/messages") == 400
    assert status("usage_report/claude_code", **start) == 400
    assert status("usage_report/claude_code", starting_at=["2024-09-20"], limit=["1001"]) == 400


def test_a_limit_is_waited_for_and_everything_is_read(
    desk: Desk, serve: Callable[..., Anthropic]
) -> None:
    """Five requests in a fifth of a second are allowed; 11 days and two months need 13."""
    server = serve([used(at("2024-09-20"))], limit=Limit(5, 0.2))
    assert desk.read(server).status == "landed"
    assert len(desk.rows(USAGE)) == 1
    assert len(desk.lake.batches(CLAUDE_CODE_DAYS)) == 11
