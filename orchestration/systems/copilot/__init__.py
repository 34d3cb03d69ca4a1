"""GitHub Copilot: who used it and how much, who holds a seat, and what GitHub bills for it.

Data flow: ``GET …/copilot/metrics/reports/*-1-day`` → signed links → a day of each report;
``GET …/copilot/billing/seats`` → today's snapshot; ``GET …/settings/billing/*usage`` → a month of
billed items → ``lake/copilot/<stream>``, one scope: the organisation or enterprise.
Run standalone: ``python -m orchestration.systems.copilot --config valuemaxx.yml``.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field as Setting
from pydantic import model_validator

from orchestration.identity import Identity
from orchestration.lake import Field, Lake, Outcome, Stream, Window
from orchestration.systems._http import ApiError
from orchestration.systems._reading import ApiSettings, Reading, Telling, first_day
from orchestration.systems.copilot import client, records

SEATS = Stream(
    "copilot", "seats", "a day's snapshot and seat in it",
    ("snapshot_date", "person_id", "unnamed_seat_id"), "replaced",
    (
        Field("snapshot_date", "date",
              "The day it was looked at; a day on which nobody had a seat has one line with "
              "nothing else in it"),
        Field("person_id", "person", "Who holds the seat; null = nobody yet"),
        Field("unnamed_seat_id", "string", "Tells seats that nobody holds apart; null for others"),
        Field("assigned_at", "timestamp", "When it was given"),
        Field("plan", "string", "business, enterprise or unknown"),
        Field("team", "string", "Slug of the GitHub team through which it was given"),
        Field("monthly_price", "decimal", "The plan's price as configured that day (USD a month)"),
        Field("pending_cancellation_date", "date", "The day from which it is cancelled"),
        Field("last_activity_at", "timestamp", "Last use; GitHub forgets it after 90 days"),
        Field("last_activity_editor", "string", "The editor of that use"),
    ),
    dated_by="snapshot_date",
)  # fmt: skip

LINES = (
    Field("suggested_lines_added", "integer", "Lines it suggested to add, agents apart (lines)"),
    Field("suggested_lines_deleted", "integer", "Lines it suggested to delete (lines)"),
    Field("lines_added", "integer", "Lines that got into the editor, by agents too (lines)"),
    Field("lines_deleted", "integer", "Lines that left it, by agents too (lines)"),
)

USER_DAYS = Stream(
    "copilot", "user_days", "a person's day",
    ("activity_date", "person_id", "unnamed_line"), "replaced",
    (
        Field("activity_date", "date", "The day (UTC)"),
        Field("person_id", "person", "The person; null = the report names nobody"),
        Field("unnamed_line", "integer", "Numbers the lines of a day that name nobody; else null"),
        Field("interactions", "integer", "Prompts that the person gave (interactions)"),
        Field("generations", "integer", "Answers with code, agents' edits too (activities)"),
        Field("acceptances", "integer", "Of those, accepted ones (activities)"),
        *LINES,
        Field("agent_generations", "integer", "Edits by agents; null = no agent was used (edits)"),
        Field("agent_lines_added", "integer", "Lines that agents added (lines)"),
        Field("cli_sessions", "integer", "Sessions of the command line (sessions)"),
        Field("cli_requests", "integer", "Requests of the command line to models (requests)"),
        Field("cli_prompt_tokens", "integer", "Their input, cached input included (tokens)"),
        Field("cli_output_tokens", "integer", "Their output (tokens)"),
        Field("ai_credits", "decimal", "AI credits used (credits)"),
        Field("used_chat", "boolean", "Whether chat was used"),
        Field("used_agent", "boolean", "Whether the editor's agent was used"),
        Field("used_cli", "boolean", "Whether the command line was used"),
        Field("used_coding_agent", "boolean", "Whether the agent that opens pull requests was"),
    ),
    dated_by="activity_date",
)  # fmt: skip

ORGANIZATION_DAYS = Stream(
    "copilot", "organization_days", "an organisation's or enterprise's day",
    ("account", "activity_date"), "replaced",
    (
        Field("account", "string", "The organisation or enterprise"),
        Field("activity_date", "date", "The day (UTC)"),
        Field("daily_active_users", "integer", "People who used it that day (people)"),
        Field("weekly_active_users", "integer", "In the seven days up to it (people)"),
        Field("monthly_active_users", "integer", "In the 28 days up to it (people)"),
        Field("interactions", "integer", "Prompts that people gave (interactions)"),
        Field("generations", "integer", "Answers with code, agents' edits too (activities)"),
        Field("acceptances", "integer", "Of those, accepted ones (activities)"),
        *LINES,
    ),
    dated_by="activity_date",
)  # fmt: skip

USER_TEAM_DAYS = Stream(
    "copilot", "user_team_days", "a person's day in a GitHub team",
    ("activity_date", "person_id", "team_id"), "replaced",
    (
        Field("activity_date", "date", "The day (UTC)"),
        Field("person_id", "person", "The person; null = the report names nobody"),
        Field("team_id", "string", "GitHub's number of the team"),
        Field("team", "string", "The team's slug"),
    ),
    dated_by="activity_date",
)  # fmt: skip

BILLING_ITEMS = Stream(
    "copilot", "billing_items", "an item of a billing report", (), "replaced",
    (
        Field("report", "string",
              "usage (the bill, dated), premium_request or ai_credit (a month of it, by model)"),
        Field("month", "date", "The month's first day"),
        Field("usage_date", "date", "The day used; null in a report that gives months"),
        Field("organization", "string", "The organisation that used it, where the item says so"),
        Field("product", "string", "GitHub's name of the product"),
        Field("sku", "string", "GitHub's name of what is sold"),
        Field("meter", "string", "premium_requests, ai_credits or other, such as seats"),
        Field("model", "string", "The model, where the report knows it"),
        Field("unit", "string", "What quantities count"),
        Field("unit_price", "decimal", "Price of a unit (USD)"),
        Field("gross_quantity", "decimal", "What was used (unit)"),
        Field("discount_quantity", "decimal", "Of that, what is included or discounted (unit)"),
        Field("net_quantity", "decimal", "Of that, what is billed (unit)"),
        Field("gross_amount", "decimal", "What was used, at its price (USD)"),
        Field("discount_amount", "decimal", "What is taken off (USD)"),
        Field("net_amount", "decimal", "What is billed (USD)"),
    ),
    dated_by="month",
)  # fmt: skip

STREAMS = (SEATS, USER_DAYS, ORGANIZATION_DAYS, USER_TEAM_DAYS, BILLING_ITEMS)

LOOK_BACK = timedelta(days=5)  # reports and bills are still mended for that long
REPORTS_KEPT = timedelta(days=365)
MONTHS_BILLED = 24
DAYS_TO_WONDER = 7  # without a single report

Price = Annotated[Decimal, Setting(ge=0, max_digits=18, decimal_places=9)]
Name = Annotated[str, Setting(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
Reader = Callable[[Any, date], dict[str, Any]]


class CopilotSettings(ApiSettings):
    """``systems.copilot``: an organisation, or an enterprise with all of its organisations.
    ``monthly_prices``: plan → USD a month; GitHub does not say them. ``first_report``: GitHub has
    none of earlier days."""

    base_url: str = "https://api.github.com"
    token: str
    organization: Name | None = None
    enterprise: Name | None = None
    monthly_prices: dict[str, Price] = {}
    first_report: date = date(2025, 10, 10)

    @property
    def account(self) -> str:
        """The name of what is read."""
        return self.enterprise or self.organization or ""

    @model_validator(mode="after")
    def _one_account(self) -> Self:
        if (self.organization is None) == (self.enterprise is None):
            raise ValueError("name an organization or an enterprise, one of the two")
        return self


def extract(
    lake: Lake,
    identity: Identity,
    settings: CopilotSettings,
    *,
    since: date | None,
    until: datetime,
    full_refresh: bool = False,
    forget_missing: bool = False,
) -> Iterator[Outcome]:
    """Reads today's seats, the days and the months that may still change; one outcome."""
    reading = Reading(
        "copilot", lake, identity, Path(__file__).parent,
        first_day(settings, since, until), until, full_refresh, forget_missing,
    )  # fmt: skip
    account = _Account(reading, settings, client.Client(settings))
    yield reading.scope(
        settings.account, seats=account.seats, reports=account.reports, billing=account.billing
    )


def check(settings: CopilotSettings) -> Iterator[Outcome]:
    """Whether the token may read each of the three things; each needs its own permission."""
    today = datetime.now(UTC).date()
    asking = client.Client(settings)
    for name, probe in (
        ("seats", asking.probe_seats),
        ("reports", lambda: asking.probe_reports(today - timedelta(days=3))),
        ("billing", lambda: asking.billing("usage", today.replace(day=1))),
    ):
        try:
            probe()
        except ApiError as error:
            yield Outcome("copilot", settings.account, "failed", f"{name}: {error}")
        else:
            message = f"the token may read {name}"
            yield Outcome("copilot", settings.account, "unchanged", message)


@dataclass
class _Account:
    """The reading of an organisation or an enterprise."""

    reading: Reading
    settings: CopilotSettings
    client: client.Client

    def seats(self, telling: Telling) -> None:
        """Who holds a seat now: GitHub does not say who did yesterday."""
        today = self.reading.until.replace(hour=0, minute=0, second=0, microsecond=0)
        window = Window(today, today + timedelta(days=1))
        snapshots = self.reading.before(SEATS, telling.scope)
        if any(batch.window.start and batch.window.start > today for batch in snapshots):
            telling.remarks.append("seats not read: what GitHub says now is not that day's")
            return
        prices = self.settings.monthly_prices
        payloads = self.client.seats()
        held = self._seats_held()
        if held and not payloads and not self.reading.forget_missing:
            # All given up on one day, or an answer that is none: who holds a seat costs money.
            telling.remarks.append(
                f"seats came back empty; the {held:,} held before stay (--forget-missing ends them)"
            )
            return
        with telling.landing(window, SEATS) as landing:
            if not payloads:
                landing.add(SEATS, {"snapshot_date": today.date()})
            read = []
            for payload in payloads:
                with landing.reading(SEATS, payload, "seats"):
                    read.append(records.seat(payload, self._person, prices, telling.news))
            for record in records.numbered(read):
                landing.add(SEATS, record | {"snapshot_date": today.date()})
        for plan in sorted({r["plan"] for r in read if r["monthly_price"] is None}):
            telling.remarks.append(
                f"the price of a {plan} seat is not known: say it in"
                f" systems.copilot.monthly_prices.{plan} (USD a month)"
            )

    def _seats_held(self) -> int:
        """Seats in the newest snapshot; one without seats is a row without a plan."""
        columns = ["snapshot_date", "plan"]
        rows = self.reading.lake.current(SEATS, self.settings.account, columns).to_pylist()
        newest = max((row["snapshot_date"] for row in rows), default=None)
        return sum(row["snapshot_date"] == newest and row["plan"] is not None for row in rows)

    def reports(self, telling: Telling) -> None:
        """The daily reports: people first, they are what the rest is only a frame of."""

        def user_day(payload: Any, day: date) -> dict[str, Any]:
            return records.user_day(payload, day, self._person, telling.news)

        def organization_day(payload: Any, day: date) -> dict[str, Any]:
            return records.organization_day(payload, day, telling.scope, telling.news)

        def user_team_day(payload: Any, day: date) -> dict[str, Any]:
            return records.user_team_day(payload, day, self._person, telling.news)

        self._days(telling, "users", USER_DAYS, user_day)
        self._days(telling, "totals", ORGANIZATION_DAYS, organization_day)
        self._days(telling, "user-teams", USER_TEAM_DAYS, user_team_day)

    def _days(self, telling: Telling, report: str, stream: Stream, read: Reader) -> None:
        def ask(window: Window) -> list[Any] | client.BadFile | None:
            assert window.start  # noqa: S101  (a day)
            try:
                return self.client.report(report, window.start.date())
            except client.BadFile as error:
                return error

        due = list(self._days_due(stream, telling.scope))
        given = 0
        for window, payloads in self.client.api.map(ask, due):
            if isinstance(payloads, client.BadFile):
                # Not landed, so the next run asks again; the days after it are read now.
                telling.failures.append(str(payloads))
                continue
            given += payloads is not None
            self._land_day(telling, window, stream, payloads or [], read)
        if len(due) >= DAYS_TO_WONDER and not given:
            telling.remarks.append(
                f"{len(due)} days and no report of {report}: is the policy Copilot usage metrics"
                " enabled, are there five people who use it?"
            )

    def _days_due(self, stream: Stream, scope: str) -> Iterator[Window]:
        """Whole days that GitHub still has reports of."""
        first = self.settings.first_report
        earliest = datetime(first.year, first.month, first.day, tzinfo=UTC)
        since = max(self.reading.since, earliest, self.reading.until - REPORTS_KEPT)
        # A day that has begun before it is not asked for in part.
        since = since.replace(hour=0, minute=0, second=0, microsecond=0)
        if since < self.reading.until - REPORTS_KEPT:
            since += timedelta(days=1)
        for window in replace(self.reading, since=since).buckets(stream, scope, "day", LOOK_BACK):
            if window.end and window.end <= self.reading.until:
                yield window

    def _land_day(
        self, telling: Telling, window: Window, stream: Stream, payloads: list[Any], read: Reader
    ) -> None:
        assert window.start  # noqa: S101  (a day)
        day = window.start.date()
        with telling.landing(window, stream) as landing:
            for payload in payloads:
                with landing.reading(stream, payload, f"{stream.name} of {day}"):
                    record = read(payload, day)
                    if stream is USER_DAYS and record["person_id"] is None:
                        record["unnamed_line"] = landing.count(stream)
                    landing.add(stream, record)

    def billing(self, telling: Telling) -> None:
        """The bill by day, and what its metered parts were used for by model, a month at a time."""
        earliest = _months_before(self.reading.until, MONTHS_BILLED - 1)
        reading = replace(self.reading, since=max(self.reading.since, earliest))
        for window in reading.buckets(BILLING_ITEMS, telling.scope, "month", LOOK_BACK):
            assert window.start  # noqa: S101  (a month)
            month = window.start.date()
            with telling.landing(window, BILLING_ITEMS) as landing:
                for report in client.BILLING_REPORTS:
                    for payload in self.client.billing(report, month):
                        if not records.is_copilot(payload):
                            continue
                        with landing.reading(BILLING_ITEMS, payload, f"{report} of {month}"):
                            record = records.billing_item(payload, report, month, telling.news)
                            landing.add(BILLING_ITEMS, record)

    def _person(self, login: str | None) -> str | None:
        return self.reading.identity.person(login, "github")


def _months_before(moment: datetime, months: int) -> datetime:
    """The first of the month that many months earlier."""
    years, month = divmod(moment.year * 12 + moment.month - 1 - months, 12)
    return datetime(years, month + 1, 1, tzinfo=UTC)
