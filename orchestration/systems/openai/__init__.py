"""OpenAI: what the API was used for, by project, person, key and model, and what it costs.

Data flow: ``GET /organization/users`` for who is who, then ``GET /organization/usage/<kind>`` and
``GET /organization/costs`` by calendar month → one record per day and mix of dimensions →
``lake/openai/<stream>``, one scope per endpoint.
Run standalone: ``python -m orchestration.systems.openai --config valuemaxx.yml``.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from orchestration.identity import Identity
from orchestration.lake import Field, Lake, Outcome, Stream
from orchestration.systems._buckets import land_months
from orchestration.systems._http import Absent, ApiError
from orchestration.systems._reading import ApiSettings, Reading, Telling, first_day, reasons
from orchestration.systems._records import Refused
from orchestration.systems.openai import client, records

USAGE = Stream(
    "openai", "usage", "a day, kind of usage, project, user, key, model, tier, batch or not", (),
    "replaced",
    (
        Field("usage_id", "string", "The same for the same day and dimensions"),
        Field("usage_date", "date", "The day (UTC)"),
        Field("kind", "string", "The endpoint: completions, embeddings, images, …"),
        Field("person_id", "person",
              "Who used it; null for a key's use, and for who is no member any more"),
        Field("project_id", "string", "The project"),
        Field("api_key_id", "string", "The key; null = the Playground, or a kind without keys"),
        Field("team_id", "string", "The key's team, else the project's, by the configuration"),
        Field("model", "string", "The model; null for kinds that have none"),
        Field("service_tier", "string", "default, flex, priority, …"),
        Field("requests", "integer", "Requests to a model (requests)"),
        Field("uncached_input_tokens", "integer", "Input that no cache held or got (tokens)"),
        Field("cache_read_tokens", "integer", "Input read from a cache (tokens)"),
        Field("cache_write_30m_tokens", "integer",
              "Input written to a cache for 30 minutes, or for a time not said (tokens)"),
        Field("cache_write_12h_tokens", "integer", "Input written to a 12-hour cache (tokens)"),
        Field("output_tokens", "integer", "Output, reasoning included (tokens)"),
        Field("audio_input_tokens", "integer", "Input of audio that no cache held (tokens)"),
        Field("audio_cache_read_tokens", "integer", "Input of audio from a cache (tokens)"),
        Field("audio_output_tokens", "integer", "Output of audio (tokens)"),
        Field("other_units", "decimal", "What is not counted in tokens (other_unit_name)"),
        Field("other_unit_name", "string", "image, character, second, byte_day, session, …"),
        Field("is_batch", "boolean", "Whether it ran as a batch"),
    ),
    dated_by="usage_date",
)  # fmt: skip

COSTS = Stream(
    "openai", "costs", "a day, project, key and line item that will be billed", (), "replaced",
    (
        Field("cost_date", "date", "The day (UTC)"),
        Field("line_item", "string", "What the vendor calls the line"),
        Field("model", "string", "The model, where the line names one beyond doubt"),
        Field("project_id", "string", "The project"),
        Field("api_key_id", "string", "The key"),
        Field("currency", "string", "The amount's currency"),
        Field("amount", "decimal", "What will be billed (currency)"),
        Field("quantity", "decimal", "What the amount is for (quantity_unit)"),
        Field("quantity_unit", "string", "tokens, images, gibibyte_hours, …"),
    ),
    dated_by="cost_date",
)  # fmt: skip

STREAMS = (USAGE, COSTS)

USERS, COSTS_SCOPE, ORGANIZATION = "users", "costs", "organization"
USAGE_CHANGES_FOR = timedelta(days=3)
COSTS_CHANGE_FOR = timedelta(days=5)  # a month is closed on the 5th of the next one


class OpenAISettings(ApiSettings):
    """``systems.openai``. ``teams``: the team of a key (``key_…``) or, where the key has none, of
    its project (``proj_…``)."""

    base_url: str = "https://api.openai.com/v1"
    admin_key: str
    teams: dict[str, str] = {}


def extract(
    lake: Lake,
    identity: Identity,
    settings: OpenAISettings,
    *,
    since: date | None,
    until: datetime,
    full_refresh: bool = False,
    forget_missing: bool = False,
) -> Iterator[Outcome]:
    """Reads the months that are new or may still change; one outcome per endpoint. Without the
    members, nothing that could be somebody's is read: it would land as nobody's."""
    reading = Reading(
        "openai", lake, identity, Path(__file__).parent,
        first_day(settings, since, until), until, full_refresh, forget_missing,
        rules=repr(sorted(settings.teams.items())),
    )  # fmt: skip
    asked = client.Client(settings)
    yield reading.scope(COSTS_SCOPE, costs=partial(_costs, asked))
    members: dict[str, str | None] = {}
    known = reading.scope(USERS, users=partial(_members, asked, identity, members))
    if known.status != "unchanged":
        yield known
    for kind in client.KINDS:
        if known.status == "failed" and "user_id" in kind.dimensions:
            yield Outcome("openai", kind.name, "failed", f"not read: {known.message}")
            continue
        read = _usage(asked, kind, records.People(identity, members), settings)
        yield reading.scope(kind.name, usage=read)


def check(settings: OpenAISettings) -> Iterator[Outcome]:
    """Whether the key is accepted and may read costs, members and usage."""
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date()
    failures: dict[str, ApiError] = {}
    for path in (client.COSTS, client.USERS, client.KINDS[0].path):
        try:
            client.Client(settings).probe(path, yesterday)
        except ApiError as error:
            failures[path] = error
    if failures:
        yield Outcome("openai", ORGANIZATION, "failed", reasons(failures))
    else:
        told = "the key may read usage, costs and members"
        yield Outcome("openai", ORGANIZATION, "unchanged", told)


def _members(
    asked: client.Client, identity: Identity, members: dict[str, str | None], telling: Telling
) -> None:
    """Who is who. Addresses end here."""
    for page in asked.users():
        for payload in page:
            try:
                own, person = records.user(payload, identity)
            except Refused as refused:
                telling.remarks.append(f"a member cannot be read: {refused}")
            else:
                members[own] = person


def _usage(
    asked: client.Client, kind: client.Kind, people: records.People, settings: OpenAISettings
) -> Callable[[Telling], None]:
    """What reads one kind of usage, by month."""

    def read(telling: Telling) -> None:
        def record(payload: Any, day: date) -> dict[str, Any]:
            return records.usage(kind, payload, day, people, settings.teams, telling.news)

        try:
            land_months(telling, USAGE, asked.usage(kind), USAGE_CHANGES_FOR, record)
        except Absent:
            if not kind.is_new:
                raise

    return read


def _costs(asked: client.Client, telling: Telling) -> None:
    """What will be billed, by month."""

    def record(payload: Any, day: date) -> dict[str, Any]:
        return records.cost(payload, day, telling.news)

    land_months(telling, COSTS, asked.costs(), COSTS_CHANGE_FOR, record)
