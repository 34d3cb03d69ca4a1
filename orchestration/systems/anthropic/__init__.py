"""Anthropic: tokens and costs of the Claude Platform, and who did what with Claude Code.

Data flow: ``GET usage_report/messages`` and ``GET cost_report`` by calendar month, ``GET
usage_report/claude_code`` by day → one record per day and mix of dimensions →
``lake/anthropic/<stream>``, one scope: the organisation.
Run standalone: ``python -m orchestration.systems.anthropic --config valuemaxx.yml``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from orchestration.identity import Identity
from orchestration.lake import Field, Lake, Outcome, Stream, Window
from orchestration.systems._buckets import land_months
from orchestration.systems._http import ApiError, Unexpected
from orchestration.systems._reading import ApiSettings, Reading, Telling, first_day, reasons
from orchestration.systems.anthropic import client, records

USAGE = Stream(
    "anthropic", "usage",
    "a day, key, workspace, model, tier, context window, geography and speed", (), "replaced",
    (
        Field("usage_id", "string", "The same for the same day and dimensions"),
        Field("usage_date", "date", "The day (UTC)"),
        Field("model", "string", "The model"),
        Field("api_key_id", "string", "The key; null = the Console's Workbench"),
        Field("workspace_id", "string", "The workspace; null = the default one"),
        Field("team_id", "string", "The key's team, else the workspace's, by the configuration"),
        Field("service_tier", "string", "standard, batch, priority, flex, …"),
        Field("context_window", "string", "How long the prompts were, such as 200k-1M"),
        Field("inference_geo", "string", "Where it ran; not_available for older models"),
        Field("speed", "string", "standard or fast"),
        Field("uncached_input_tokens", "integer", "Input that no cache held or got (tokens)"),
        Field("cache_read_tokens", "integer", "Input read from a cache (tokens)"),
        Field("cache_write_5m_tokens", "integer", "Input written to a 5-minute cache (tokens)"),
        Field("cache_write_1h_tokens", "integer", "Input written to a 1-hour cache (tokens)"),
        Field("output_tokens", "integer", "Output, thinking included (tokens)"),
        Field("web_search_requests", "integer", "Web searches (requests)"),
    ),
    dated_by="usage_date",
)  # fmt: skip

COSTS = Stream(
    "anthropic", "costs", "a day, workspace and description that will be billed", (), "replaced",
    (
        Field("cost_date", "date", "The day (UTC)"),
        Field("cost_type", "string", "tokens, web_search, code_execution or session_usage"),
        Field("token_type", "string", "The class of tokens, as the vendor calls it"),
        Field("description", "string", "What the vendor calls the line"),
        Field("model", "string", "The model"),
        Field("service_tier", "string", "standard or batch; the priority tier is never here"),
        Field("context_window", "string", "How long the prompts were"),
        Field("inference_geo", "string", "Where it ran"),
        Field("workspace_id", "string", "The workspace; null = the default one"),
        Field("currency", "string", "The amount's currency"),
        Field("amount", "decimal", "What will be billed; the vendor says it in cents (currency)"),
    ),
    dated_by="cost_date",
)  # fmt: skip

ACTOR = (
    Field("activity_date", "date", "The day (UTC)"),
    Field("person_id", "person", "Who it was; null where a key did it"),
    Field("api_key_name", "string", "The key's name, where no person is known"),
    Field("customer_type", "string", "api: billed by the token; subscription: by the seat"),
    Field("terminal_type", "string", "Where Claude Code ran"),
)

CLAUDE_CODE_MODEL_DAYS = Stream(
    "anthropic", "claude_code_model_days", "an actor's day with a model in Claude Code", (),
    "replaced",
    (
        *ACTOR,
        Field("model", "string", "The model"),
        Field("input_tokens", "integer", "Input that no cache held or got (tokens)"),
        Field("cache_read_tokens", "integer", "Input read from a cache (tokens)"),
        Field("cache_creation_tokens", "integer", "Input written to a cache (tokens)"),
        Field("output_tokens", "integer", "Output (tokens)"),
        Field("estimated_cost_usd", "decimal",
              "What it would cost by the list: an estimate, never billed (USD)"),
    ),
    dated_by="activity_date",
)  # fmt: skip

CLAUDE_CODE_DAYS = Stream(
    "anthropic", "claude_code_days", "an actor's day with Claude Code in a terminal", (),
    "replaced",
    (
        *ACTOR,
        Field("subscription_type", "string", "enterprise or team"),
        Field("sessions", "integer", "Sessions begun (sessions)"),
        Field("lines_added", "integer", "Lines of code accepted (lines)"),
        Field("lines_removed", "integer", "Lines of code taken away (lines)"),
        Field("commits", "integer", "Commits made by Claude Code (commits)"),
        Field("pull_requests", "integer", "Pull requests made by Claude Code (pull requests)"),
        Field("accepted_actions", "integer", "Edits proposed and taken (actions)"),
        Field("rejected_actions", "integer", "Edits proposed and not taken (actions)"),
    ),
    dated_by="activity_date",
)  # fmt: skip

STREAMS = (USAGE, COSTS, CLAUDE_CODE_MODEL_DAYS, CLAUDE_CODE_DAYS)

ORGANIZATION = "organization"  # the one scope: an Admin API key is an organisation's
USAGE_CHANGES_FOR = timedelta(days=3)
COSTS_CHANGE_FOR = timedelta(days=5)  # a month is closed on the 5th of the next one


class AnthropicSettings(ApiSettings):
    """``systems.anthropic``. ``teams``: the team of a key (``apikey_…``) or, where the key has
    none, of its workspace (``wrkspc_…``)."""

    base_url: str = "https://api.anthropic.com"
    admin_key: str
    teams: dict[str, str] = {}


def extract(
    lake: Lake,
    identity: Identity,
    settings: AnthropicSettings,
    *,
    since: date | None,
    until: datetime,
    full_refresh: bool = False,
    forget_missing: bool = False,
) -> Iterator[Outcome]:
    """Reads the months and days that are new or may still change; one outcome."""
    reading = Reading(
        "anthropic", lake, identity, Path(__file__).parent,
        first_day(settings, since, until), until, full_refresh, forget_missing,
        rules=repr(sorted(settings.teams.items())),
    )  # fmt: skip
    organization = _Organization(reading, settings, client.Client(settings))
    yield reading.scope(
        ORGANIZATION,
        usage=organization.usage,
        costs=organization.costs,
        claude_code=organization.claude_code,
    )


def check(settings: AnthropicSettings) -> Iterator[Outcome]:
    """Whether the key is accepted and may read each report."""
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date()
    failures: dict[str, ApiError] = {}
    for path in (client.USAGE, client.COSTS, client.CLAUDE_CODE):
        try:
            client.Client(settings).probe(path, yesterday)
        except ApiError as error:
            failures[path] = error
    if failures:
        yield Outcome("anthropic", ORGANIZATION, "failed", reasons(failures))
    else:
        told = "the key may read usage, costs and Claude Code's days"
        yield Outcome("anthropic", ORGANIZATION, "unchanged", told)


@dataclass
class _Organization:
    """One organisation's reading."""

    reading: Reading
    settings: AnthropicSettings
    client: client.Client

    def usage(self, telling: Telling) -> None:
        """Tokens, by month."""
        tiers = set()

        def record(payload: Any, day: date) -> dict[str, Any]:
            made = records.usage(payload, day, self.settings.teams, telling.news)
            tiers.add(made["service_tier"])
            return made

        land_months(telling, USAGE, self.client.usage(), USAGE_CHANGES_FOR, record)
        if tiers & {*records.PRIORITY_TIERS}:
            telling.remarks.append("usage of the priority tier, whose cost no cost report has")

    def costs(self, telling: Telling) -> None:
        """What will be billed, by month."""

        def record(payload: Any, day: date) -> dict[str, Any]:
            return records.cost(payload, day, telling.news)

        land_months(telling, COSTS, self.client.costs(), COSTS_CHANGE_FOR, record)

    def claude_code(self, telling: Telling) -> None:
        """Claude Code, by day."""
        due = self.reading.buckets(CLAUDE_CODE_DAYS, ORGANIZATION, "day", USAGE_CHANGES_FOR)
        for window, payloads in self.client.api.map(self._claude_code_day, due):
            with telling.landing(window, CLAUDE_CODE_MODEL_DAYS, CLAUDE_CODE_DAYS) as landing:
                for number, payload in enumerate(payloads, start=1):
                    place = f"{_day(window)} record {number}"
                    with landing.reading(CLAUDE_CODE_DAYS, payload, place):
                        day, models = records.claude_code(
                            payload, self.reading.identity, telling.news
                        )
                        if day["activity_date"] != _day(window):
                            raise Unexpected(
                                f"anthropic: {client.CLAUDE_CODE}: asked for {_day(window)}, gave "
                                f"{day['activity_date']}; nothing of this day is kept"
                            )
                        landing.add(CLAUDE_CODE_DAYS, day)
                        for model in models:
                            landing.add(CLAUDE_CODE_MODEL_DAYS, model)

    def _claude_code_day(self, window: Window) -> list[Any]:
        return self.client.claude_code(_day(window))


def _day(window: Window) -> date:
    assert window.start  # noqa: S101  (a day has a beginning)
    return window.start.date()
