"""Copilot over real sockets: the lake ends up with the company's days, seats and bill."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from orchestration.identity import Identity
from orchestration.lake import Lake, Outcome
from orchestration.simulation import simulate
from orchestration.simulation.records import Activity, Company, Seat, VendorCost
from orchestration.simulation.vendors import copilot as vendor
from orchestration.simulation.vendors._server import (
    FAULTS,
    FaultKind,
    Faults,
    Limit,
    Request,
    Response,
)
from orchestration.simulation.vendors.copilot import Copilot
from orchestration.simulation.worlds import WORLDS
from orchestration.systems import copilot
from orchestration.systems.copilot import (
    BILLING_ITEMS,
    ORGANIZATION_DAYS,
    SEATS,
    STREAMS,
    USER_DAYS,
    USER_TEAM_DAYS,
    CopilotSettings,
    check,
    extract,
)

IDENTITY = Identity("salt")
TODAY = date(2026, 3, 20)
NOW = datetime.combine(TODAY, datetime.min.time()) + timedelta(hours=12)
PEOPLE = [f"person-{n:04}@example.com" for n in range(1, 9)]


def hashed(person: str) -> str | None:
    """By the login, which is what GitHub says of a person."""
    return IDENTITY.person("p" + person[7:11], "github")


def used(person: str, day: date, interactions: int = 3) -> Activity:
    return Activity(
        person, day, "copilot", "github",
        interactions=interactions, lines_suggested=6 * interactions, lines_accepted=interactions,
    )  # fmt: skip


def held(person: str | None, start: date = date(2026, 1, 1), end: date | None = None) -> Seat:
    return Seat(
        "github", "copilot_business", start, person, None, end, Decimal("19.00"), "USD"
    )  # fmt: skip


def days_of(count: int, people: int = 8) -> list[Activity]:
    """Activity of the days before today; everybody's on every day."""
    return [
        used(person, TODAY - timedelta(days=ago), ago + number)
        for ago in range(1, count + 1)
        for number, person in enumerate(PEOPLE[:people])
    ]


NO_REPORTS = {"first_report": date(2026, 5, 1)}  # where a test is about something else


class Desk:
    """A lake, a Copilot and somebody who reads the one into the other."""

    def __init__(self, home: Path) -> None:
        self.lake = Lake(home)
        self.lake.ensure(STREAMS)

    def read(
        self,
        server: Copilot,
        *,
        until: datetime | None = None,
        since: date = TODAY - timedelta(days=4),
        forget_missing: bool = False,
        **changes: Any,
    ) -> Outcome:
        wanted: dict[str, Any] = {
            "base_url": server.url,
            "token": "copilot-token",
            "organization": "example",
            "monthly_prices": {"business": 19},
            "first_pause_seconds": 0.01,
        }
        settings = CopilotSettings(**wanted | changes)
        moment = (until or server.now).replace(tzinfo=UTC)
        (outcome,) = extract(
            self.lake, IDENTITY, settings,
            since=since, until=moment, forget_missing=forget_missing,
        )  # fmt: skip
        return outcome

    def user_days(self) -> set[tuple[Any, ...]]:
        names = ("person_id", "activity_date", "interactions", "suggested_lines_added",
                 "lines_added")  # fmt: skip
        rows = self.lake.current(USER_DAYS, "example", names).to_pylist()
        assert len({tuple(row.values()) for row in rows}) == len(rows)
        return {tuple(row[name] for name in names) for row in rows}

    def seats(self, day: date) -> dict[str | None, dict[str, Any]]:
        rows = self.lake.current(SEATS, "example").to_pylist()
        return {row["person_id"]: row for row in rows if row["snapshot_date"] == day}

    def bill(self) -> list[tuple[Any, ...]]:
        rows = self.lake.current(BILLING_ITEMS, "example").to_pylist()
        return sorted(
            (row["usage_date"], row["sku"], row["net_amount"])
            for row in rows
            if row["report"] == "usage"
        )


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


Serve = Callable[..., Copilot]


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers: list[Copilot] = []

    def start(
        activity: list[Activity] | None = None,
        seats: list[Seat] | None = None,
        costs: list[VendorCost] | None = None,
        now: datetime = NOW,
        **changes: Any,
    ) -> Copilot:
        servers.append(
            Copilot(activity or [], seats or [], costs or [], now, **changes).__enter__()
        )
        return servers[-1]

    yield start
    for server in servers:
        server.__exit__(None, None, None)


def expected_days(activity: list[Activity]) -> set[tuple[Any, ...]]:
    return {
        (hashed(a.person), a.activity_date, a.interactions, a.lines_suggested, a.lines_accepted)
        for a in activity
        if a.vendor == "github"
    }


def expected_bill(costs: list[VendorCost]) -> list[tuple[Any, ...]]:
    return sorted(
        (c.cost_date, c.line_item, c.amount) for c in costs if c.vendor == "github"
    )  # fmt: skip


@pytest.fixture(scope="module")
def company() -> Company:
    return simulate(WORLDS["demo"], 1, teams=4, months=3)


def read_company(desk: Desk, server: Copilot, company: Company) -> Outcome:
    """From August: Copilot was bought then."""
    return desk.read(
        server, until=company.as_of, since=date(2024, 8, 1), first_report=company.starts_on
    )


def serve_company(serve: Serve, company: Company, **changes: Any) -> Copilot:
    """A week later, when the last day's report has long been ready."""
    return serve(
        company.ai_activity, company.seats, company.ai_costs, company.as_of + timedelta(days=7),
        first_report=company.starts_on, fewest_people=0, **changes,
    )  # fmt: skip


def test_a_simulated_company_is_there_record_by_record(
    desk: Desk, serve: Serve, company: Company
) -> None:
    server = serve_company(serve, company)
    outcome = read_company(desk, server, company)
    assert outcome.status == "landed", outcome.message
    assert len(desk.user_days()) == 121
    assert desk.user_days() == expected_days(company.ai_activity)
    assert desk.bill() == expected_bill(company.ai_costs)
    snapshot = desk.seats(company.as_of.date())
    seats = [seat for seat in company.seats if seat.vendor == "github"]
    assert len(snapshot) == len(seats) == 13
    for seat in seats:
        row = snapshot[hashed(seat.person or "")]
        assert row["assigned_at"] == datetime.combine(seat.assigned_on, datetime.min.time())
        assert (row["plan"], row["monthly_price"]) == ("business", seat.monthly_price)


def test_a_second_run_asks_for_what_may_still_change_and_changes_nothing(
    desk: Desk, serve: Serve
) -> None:
    """Eight whole days. Again: one page of seats, the three reports of each of the five days that
    may change and their files (two of people), three reports of this month's bill."""
    server = serve(days_of(8), [held(person) for person in PEOPLE])
    desk.read(server, since=TODAY - timedelta(days=8))
    before, asked = desk.user_days(), len(server.requests)
    assert len(before) == 8 * 8
    desk.read(server, since=TODAY - timedelta(days=8))
    assert desk.user_days() == before
    assert len(server.requests) - asked == 1 + 5 * (3 + 4) + 3


def test_late_telemetry_is_seen_within_five_days(desk: Desk, serve: Serve) -> None:
    """One person's editor reports two days late."""
    activity = days_of(4)
    server = serve(activity, late=timedelta(days=2))
    desk.read(server)
    missing = expected_days(activity) - desk.user_days()
    assert missing == expected_days([a for a in activity if a.person == PEOPLE[6]][:2])
    server.now += timedelta(days=2)
    desk.read(server, until=NOW)
    assert desk.user_days() == expected_days(activity)


def test_days_without_a_report_are_seen_and_looked_at_again(desk: Desk, serve: Serve) -> None:
    """Yesterday is not ready (204), nobody used it the day before (404), four did before (204),
    and the first of all lies before the reports began (an empty text)."""
    day = [TODAY - timedelta(days=ago) for ago in range(6)]
    activity = [used(person, day[1]) for person in PEOPLE]
    activity += [used(person, day[3]) for person in PEOPLE[:4]]
    activity += [used(person, day[4]) for person in PEOPLE]
    server = serve(
        activity, processing=timedelta(hours=20), first_report=day[4],
    )  # fmt: skip
    outcome = desk.read(server, since=day[5])
    assert outcome.status == "landed", outcome.message
    assert desk.user_days() == expected_days(activity[-8:])
    seen = {batch.window.start for batch in desk.lake.batches(USER_DAYS) if batch.window.start}
    assert {moment.date() for moment in seen} == {*day[1:6]}
    server.now += timedelta(days=1)
    desk.read(server, since=day[5])
    assert desk.user_days() == expected_days(activity[:8] + activity[-8:])


def test_a_report_that_comes_back_empty_deletes_nothing(desk: Desk, serve: Serve) -> None:
    server = serve(days_of(3))
    desk.read(server, since=TODAY - timedelta(days=3))
    before = desk.user_days()
    server.fewest_people = 100
    outcome = desk.read(server, since=TODAY - timedelta(days=3))
    assert outcome.status == "warning" and "came back empty" in outcome.message
    assert desk.user_days() == before and len(before) == 24


def test_a_week_without_any_report_asks_whether_the_policy_is_on(desk: Desk, serve: Serve) -> None:
    outcome = desk.read(serve(), since=TODAY - timedelta(days=7))
    assert outcome.status == "warning"
    assert "policy Copilot usage metrics" in outcome.message


def test_reports_and_bills_are_asked_for_as_long_as_they_are_kept(
    desk: Desk, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten days instead of a year, for speed, and the bill's 24 months; the server refuses more."""
    monkeypatch.setattr(copilot, "REPORTS_KEPT", timedelta(days=10))
    monkeypatch.setattr(vendor, "REPORTS_KEPT", timedelta(days=10))
    server = serve(days_of(12))
    outcome = desk.read(server, since=date(2020, 1, 1))
    assert outcome.status == "landed", outcome.message
    asked = [r.one("day") for r in server.requests if r.path.endswith("/users-1-day")]
    assert (min(asked), max(asked), len(asked)) == ("2026-03-11", "2026-03-19", 9)
    months = [(r.one("year"), r.one("month")) for r in server.requests if "ai_credit" in r.path]
    assert (months[0], months[-1], len(months)) == (("2024", "4"), ("2026", "3"), 24)


def test_no_report_is_asked_for_of_before_there_were_any(desk: Desk, serve: Serve) -> None:
    server = serve(days_of(8))
    desk.read(server, since=date(2026, 3, 1), first_report=date(2026, 3, 17))
    asked = [r.one("day") for r in server.requests if r.path.endswith("/users-1-day")]
    assert sorted(asked) == ["2026-03-17", "2026-03-18", "2026-03-19"]


def test_files_are_fetched_without_the_credential_and_with_a_fresh_link(
    desk: Desk, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store refuses who brings a credential; the first link has expired when it is used."""
    activity = days_of(1)
    server = serve(activity, link_seconds=-1)
    original = server.file

    def expired_once(request: Request, *parts: str) -> Response:
        server.link_seconds = 900
        return original(request, *parts)

    monkeypatch.setattr(server, "file", expired_once)
    outcome = desk.read(server, since=TODAY - timedelta(days=1))
    assert outcome.status == "landed", outcome.message
    files = [r for r in server.requests if r.path.startswith("/files/")]
    assert files and not any("authorization" in r.headers for r in files)
    assert desk.user_days() == expected_days(activity)


def test_a_file_that_is_gone_is_told_and_hides_no_other_day(
    desk: Desk, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    activity = days_of(3)
    server = serve(activity)
    gone = str(TODAY - timedelta(days=2))
    original = server.file

    def file(request: Request, kind: str, day: str, number: str) -> Response:
        return Response(b"", 404) if day == gone else original(request, kind, day, number)

    monkeypatch.setattr(server, "file", file)
    outcome = desk.read(server, since=TODAY - timedelta(days=3))
    assert outcome.status == "failed"
    assert f"the file of the users report of {gone} cannot be had" in outcome.message
    assert "sig=" not in outcome.message
    rest = [a for a in activity if str(a.activity_date) != gone]
    assert desk.user_days() == expected_days(rest)
    monkeypatch.undo()
    desk.read(server, since=TODAY - timedelta(days=3))
    assert desk.user_days() == expected_days(activity)


def test_a_file_cut_between_two_lines_is_fetched_again(
    desk: Desk, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is left is good JSON and as long as it says; only its checksum tells."""
    activity = days_of(1)
    server = serve(activity)
    original = server.file
    cut: list[bytes] = []

    def file(request: Request, *parts: str) -> Response:
        response = original(request, *parts)
        if not cut:
            cut.append(response.body)
            response.body = response.body[: response.body.index(b"\n") + 1]
        return response

    monkeypatch.setattr(server, "file", file)
    desk.read(server, since=TODAY - timedelta(days=1))
    assert len(cut[0].splitlines()) == 4
    assert desk.user_days() == expected_days(activity)


def test_a_line_of_another_day_is_refused_and_the_others_land(desk: Desk, serve: Serve) -> None:
    activity = days_of(1)
    server = serve(activity)
    original = server._user_day

    def spoiled(record: Activity) -> Any:
        payload = original(record)
        if record.person == PEOPLE[0]:
            return payload | {"day": "2026-01-01", "secret_sauce": 1}
        return payload

    server._user_day = spoiled  # type: ignore[method-assign]
    outcome = desk.read(server, since=TODAY - timedelta(days=1))
    assert outcome.status == "warning"
    assert "1 refused: the day is another one" in outcome.message
    assert "secret_sauce" in outcome.message
    assert desk.user_days() == expected_days(activity[1:])
    (refused,) = desk.lake.quarantine_folder(USER_DAYS).glob("*.jsonl")
    assert "p0001" not in refused.read_text()


def test_seats_become_a_history_by_being_looked_at_every_day(desk: Desk, serve: Serve) -> None:
    """One leaves on the 22nd, one comes on the 21st; nobody holds the last one."""
    seats = [
        held(PEOPLE[0]),
        held(PEOPLE[1], end=date(2026, 3, 22)),
        held(PEOPLE[2], start=date(2026, 3, 21)),
        held(None),
    ]
    server = serve(seats=seats)
    for _ in range(4):
        desk.read(server, **NO_REPORTS)
        server.now += timedelta(days=1)
    people = [
        {hashed(PEOPLE[n]) for n in numbers} | {None} for numbers in ((0, 1), (0, 1, 2), (0, 2))
    ]
    found = [desk.seats(TODAY + timedelta(days=ago)).keys() for ago in range(4)]
    assert found == [people[0], people[1], people[2], people[2]]
    leaving = desk.seats(TODAY)[hashed(PEOPLE[1])]
    assert leaving["pending_cancellation_date"] == date(2026, 3, 22)


def test_seats_that_all_vanish_at_once_stay_until_somebody_says_so(
    desk: Desk, serve: Serve
) -> None:
    """All given up on one day, or an answer that is none: nobody can tell from here."""
    server = serve(seats=[held(PEOPLE[0], end=date(2026, 3, 21))])
    desk.read(server, **NO_REPORTS)
    server.now += timedelta(days=1)
    outcome = desk.read(server, **NO_REPORTS)
    assert outcome.status == "warning"
    assert "seats came back empty; the 1 held before stay" in outcome.message
    assert desk.seats(date(2026, 3, 21)) == {}
    desk.read(server, forget_missing=True, **NO_REPORTS)
    (row,) = desk.seats(date(2026, 3, 21)).values()
    assert (row["person_id"], row["assigned_at"]) == (None, None)


def test_a_day_on_which_nobody_has_a_seat_is_a_snapshot_too(desk: Desk, serve: Serve) -> None:
    desk.read(serve(seats=[]), **NO_REPORTS)
    (row,) = desk.seats(TODAY).values()
    assert (row["person_id"], row["assigned_at"]) == (None, None)


def test_seats_are_not_dated_back(desk: Desk, serve: Serve) -> None:
    server = serve(seats=[held(PEOPLE[0])])
    desk.read(server, **NO_REPORTS)
    outcome = desk.read(server, until=NOW - timedelta(days=3), **NO_REPORTS)
    assert "seats not read" in outcome.message
    assert desk.seats(TODAY - timedelta(days=3)) == {}


def test_seats_that_shift_between_pages_are_read_again(desk: Desk, serve: Serve) -> None:
    """230 seats are three pages; somebody of the first leaves before the second is read."""
    many = [held(f"person-{n:04}@example.com") for n in range(230)]
    server = serve(seats=many)
    original = server.respond

    def leaving(request: Request) -> Any:
        if request.one("page") == "2" and len(server._seats) == 230:
            server._seats = [replace(many[0], unassigned_on=TODAY), *many[1:]]
        return original(request)

    server.respond = leaving  # type: ignore[method-assign]
    outcome = desk.read(server)
    assert "failed" not in outcome.status, outcome.message
    assert desk.seats(TODAY).keys() == {hashed(seat.person or "") for seat in many[1:]}
    assert [r.one("page") for r in server.requests if "seats" in r.path] == ["1", "2", "3"] * 2


def test_a_list_that_is_shorter_than_its_count_is_not_believed(desk: Desk, serve: Serve) -> None:
    server = serve(seats=[held(person) for person in PEOPLE])
    server.faults = Faults(rate=1.0, kinds=("empty_page",))
    outcome = desk.read(server)
    assert outcome.status == "failed"
    assert "lists 0 seats and counts 8; none of them kept" in outcome.message
    assert desk.seats(TODAY) == {}


def test_a_seat_without_a_known_price_says_so(desk: Desk, serve: Serve) -> None:
    server = serve(days_of(8), [held(PEOPLE[0])])
    outcome = desk.read(server, monthly_prices={})
    assert outcome.status == "warning"
    assert "systems.copilot.monthly_prices.business" in outcome.message
    assert desk.seats(TODAY)[hashed(PEOPLE[0])]["monthly_price"] is None


SEATS_OF_A_DAY = VendorCost(
    "github", date(2026, 3, 2), Decimal("4.9"), "USD", "Copilot Business"
)  # fmt: skip
MODEL_ITEM = {
    "product": "Copilot", "sku": "Copilot AI Credits", "model": "GPT-5", "unitType": "credits",
    "pricePerUnit": 0.01, "grossQuantity": 1900, "grossAmount": 19.0, "discountQuantity": 1900,
    "discountAmount": 19.0, "netQuantity": 0, "netAmount": 0,
}  # fmt: skip


def test_a_discounted_plan_is_neither_no_use_nor_a_bill(desk: Desk, serve: Serve) -> None:
    """1,900 included credits: net 0, gross 19.00, all three kept. The bill's other products are
    not Copilot's."""
    billed = {("ai_credit", date(2026, 3, 1)): [MODEL_ITEM]}
    server = serve(costs=[SEATS_OF_A_DAY], billed=billed)
    desk.read(server)
    rows = desk.lake.current(BILLING_ITEMS, "example").to_pylist()
    assert {(r["report"], r["product"]) for r in rows} == {
        ("usage", "Copilot"),
        ("ai_credit", "Copilot"),
    }
    (credits,) = [row for row in rows if row["report"] == "ai_credit"]
    amounts = [credits[f"{name}_amount"] for name in ("gross", "discount", "net")]
    assert amounts == [Decimal(19), Decimal(19), Decimal(0)]
    assert (credits["gross_quantity"], credits["net_quantity"]) == (1900, 0)


def test_a_bill_that_is_restated_is_replaced_within_five_days_of_the_month(
    desk: Desk, serve: Serve
) -> None:
    server = serve(costs=[SEATS_OF_A_DAY])
    desk.read(server, **NO_REPORTS)
    server._months[date(2026, 3, 1)] = [replace(SEATS_OF_A_DAY, amount=Decimal("5.1"))]
    server.now = NOW + timedelta(days=14)  # April 3
    desk.read(server, **NO_REPORTS)
    assert desk.bill() == [(date(2026, 3, 2), "Copilot Business", Decimal("5.1"))]
    server.now += timedelta(days=4)
    desk.read(server, **NO_REPORTS)
    asked = len(server.requests)
    desk.read(server, **NO_REPORTS)
    months = [r.one("month") for r in server.requests[asked:] if r.path.endswith("billing/usage")]
    assert months == ["4"]


def test_totals_and_teams_are_landed_beside_the_people(desk: Desk, serve: Serve) -> None:
    teams = {PEOPLE[0]: "payments", PEOPLE[1]: "search"}
    server = serve(days_of(2), teams=teams)
    desk.read(server, since=TODAY - timedelta(days=2))
    totals = desk.lake.current(ORGANIZATION_DAYS, "example").to_pylist()
    assert [row["daily_active_users"] for row in totals] == [8, 8]
    assert sorted(row["interactions"] for row in totals) == [36, 44]  # 1 + … + 8, 2 + … + 9
    pairs = desk.lake.current(USER_TEAM_DAYS, "example").to_pylist()
    assert {(row["person_id"], row["team"]) for row in pairs} == {
        (hashed(PEOPLE[0]), "payments"),
        (hashed(PEOPLE[1]), "search"),
    }


def test_totals_that_come_wrapped_are_unwrapped(
    desk: Desk, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(days_of(1))
    flat = server._organization_day
    wrapped = lambda *given: {"enterprise_id": "1", "day_totals": [flat(*given)]}  # noqa: E731
    monkeypatch.setattr(server, "_organization_day", wrapped)
    desk.read(server, since=TODAY - timedelta(days=1))
    (row,) = desk.lake.current(ORGANIZATION_DAYS, "example").to_pylist()
    assert row["daily_active_users"] == 8


def test_an_answer_about_another_day_or_month_is_not_believed(desk: Desk, serve: Serve) -> None:
    server = serve(days_of(3), costs=[SEATS_OF_A_DAY])
    original = server.respond

    def stale(request: Request) -> Any:
        response, fault = original(request)
        if request.path.endswith("/users-1-day"):
            response.body["report_day"] = "2026-01-01"
        if "/ai_credit/" in request.path:
            response.body["timePeriod"]["month"] = 1
        return response, fault

    server.respond = stale  # type: ignore[method-assign]
    outcome = desk.read(server, since=TODAY - timedelta(days=3))
    assert outcome.status == "failed"
    assert "gave something else than the report of 2026-03-17" in outcome.message
    assert "gave another month than 2026-03" in outcome.message
    assert (desk.user_days(), desk.bill()) == (set(), [])


def test_an_enterprise_is_read_by_its_own_addresses(desk: Desk, serve: Serve) -> None:
    activity = days_of(2)
    server = serve(activity, [held(PEOPLE[0])])
    outcome = desk.read(server, organization=None, enterprise="example")
    assert "failed" not in outcome.status, outcome.message
    assert desk.user_days() == expected_days(activity)
    paths = {r.path for r in server.requests if not r.path.startswith("/files/")}
    assert all(path.startswith("/enterprises/example/") for path in paths)
    assert "/enterprises/example/copilot/metrics/reports/enterprise-1-day" in paths


@pytest.mark.parametrize("kind", FAULTS)
def test_every_fault_ends_in_the_right_rows_or_a_clear_error_and_then_the_right_rows(
    kind: FaultKind, desk: Desk, serve: Serve
) -> None:
    activity = days_of(4)
    seats = [held(f"person-{n:04}@example.com") for n in range(150)]
    costs = [
        VendorCost("github", date(2026, 3, n), Decimal(n), "USD", "Copilot Business")
        for n in range(1, 15)
    ]
    faults = Faults(rate=0.2, kinds=(kind,), seed=4, stall_seconds=0.05)
    server = serve(activity, seats, costs, faults=faults)
    outcomes = [desk.read(server) for _ in range(2)]
    assert faults.happened, "no fault happened"
    assert all("copilot-token" not in o.message and "@" not in o.message for o in outcomes)
    if all(outcome.status != "failed" for outcome in outcomes):
        assert desk.user_days() == expected_days(activity)
    faults.rate = 0.0
    outcome = desk.read(server)
    assert outcome.status in ("landed", "unchanged"), outcome.message
    assert desk.user_days() == expected_days(activity)
    assert desk.bill() == expected_bill(costs)
    assert desk.seats(TODAY).keys() == {hashed(seat.person or "") for seat in seats}


def test_a_wrong_token_is_one_line_and_lands_nothing(desk: Desk, serve: Serve) -> None:
    server = serve(days_of(2), [held(PEOPLE[0])])
    outcome = desk.read(server, token="wrong-secret")  # noqa: S106
    assert outcome.status == "failed" and "\n" not in outcome.message
    assert "the credential is not accepted" in outcome.message
    assert "wrong-secret" not in outcome.message
    assert not [batch for stream in STREAMS for batch in desk.lake.batches(stream)]


@pytest.mark.parametrize(
    ("allowed", "missing", "needs"),
    [
        (("seats", "billing"), "reports", "organization_copilot_metrics=read"),
        (("metrics", "billing"), "seats", "manage_billing:copilot"),
        (("metrics", "seats"), "billing", "organization_administration=read"),
    ],
)
def test_a_missing_permission_is_named_and_hides_nothing_else(
    allowed: tuple[str, ...], missing: str, needs: str, desk: Desk, serve: Serve
) -> None:
    activity = days_of(2)
    server = serve(activity, [held(PEOPLE[0])], [SEATS_OF_A_DAY], permissions=allowed)
    outcome = desk.read(server)
    assert outcome.status == "failed"
    assert outcome.message.startswith(f"{missing}: ") and needs in outcome.message
    assert (desk.user_days() == expected_days(activity)) is (missing != "reports")
    assert bool(desk.seats(TODAY)) is (missing != "seats")
    assert bool(desk.bill()) is (missing != "billing")


def test_the_check_tells_of_each_permission(serve: Serve) -> None:
    now = datetime.now(UTC).replace(tzinfo=None)
    server = serve(days_of(2), [held(PEOPLE[0])], now=now, permissions=("seats", "billing"))
    token = server.token
    settings = CopilotSettings(base_url=server.url, token=token, organization="example")
    told = [(o.status, o.message) for o in check(settings)]
    assert [status for status, _ in told] == ["unchanged", "failed", "unchanged"]
    assert "organization_copilot_metrics=read" in told[1][1]


def test_an_organisation_that_is_billed_by_its_enterprise_is_told_where_its_bill_is(
    desk: Desk, serve: Serve
) -> None:
    server = serve(days_of(2))
    server._routes = [(m, p, f) for m, p, f in server._routes if f != server.usage]
    outcome = desk.read(server)
    assert outcome.status == "failed"
    assert "set enterprise" in outcome.message


def test_a_limit_slows_the_reading_down_and_breaks_nothing(desk: Desk, serve: Serve) -> None:
    """Ten requests in a third of a second are allowed; 8 days need 28, without the files."""
    activity = days_of(8)
    server = serve(activity, limit=Limit(10, 0.33))
    outcome = desk.read(server, since=TODAY - timedelta(days=8))
    assert outcome.status == "landed", outcome.message
    assert desk.user_days() == expected_days(activity)
