"""OpenAI's Admin API: usage by kind and costs, by day in pages of buckets, and who is a member."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from orchestration.systems._buckets import Report
from orchestration.systems._http import Answer, Api, Unexpected, Verdict, standard

if TYPE_CHECKING:
    from orchestration.systems.openai import OpenAISettings

MOST_DAYS = 31  # of a report, in one page
MOST_USERS = 100  # in one page
COSTS, USERS = "/organization/costs", "/organization/users"
BY_PROJECT = ("project_id",)
BY_PERSON = (*BY_PROJECT, "user_id", "api_key_id")
BY_MODEL = (*BY_PERSON, "model")
COSTS_BY = ("project_id", "line_item", "api_key_id")
SCOPE = rb"[a-z]+(?:[._][a-z]+)*"
MISSING_SCOPES = re.compile(rb"[Mm]issing scopes?: (%b(?:, ?%b)*)" % (SCOPE, SCOPE))


@dataclass(frozen=True)
class Kind:
    """A kind of usage, with an endpoint of its own. ``dimensions``: what it can be grouped by;
    ``unit`` is counted by ``counter`` where it is not tokens. ``is_new``: not in the published
    OpenAPI file, and not every organisation has it."""

    name: str
    dimensions: tuple[str, ...]
    counter: str = ""
    unit: str = ""
    is_new: bool = False

    @property
    def path(self) -> str:
        """The endpoint."""
        return f"/organization/usage/{self.name}"


KINDS = (
    Kind("completions", (*BY_MODEL, "batch", "service_tier")),
    Kind("decisions", (*BY_MODEL, "batch", "service_tier"), is_new=True),
    Kind("embeddings", BY_MODEL),
    Kind("moderations", BY_MODEL),
    Kind("images", BY_MODEL, "images", "image"),
    Kind("audio_speeches", BY_MODEL, "characters", "character"),
    Kind("audio_transcriptions", BY_MODEL, "seconds", "second"),
    Kind("vector_stores", BY_PROJECT, "usage_bytes", "byte_day"),
    Kind("code_interpreter_sessions", BY_PROJECT, "num_sessions", "session"),
    Kind("file_search_calls", BY_PERSON, "num_requests", "file_search_call"),
    Kind("web_search_calls", BY_MODEL, "num_requests", "web_search_call"),
)


class Client:
    """The endpoints that are read."""

    def __init__(self, settings: "OpenAISettings") -> None:
        key = settings.admin_key
        self.api = Api(
            "openai",
            settings.base_url,
            authorize=lambda: {"Authorization": f"Bearer {key}"},
            classify=classify,
            first_pause_seconds=settings.first_pause_seconds,
        )

    def usage(self, kind: Kind) -> Report:
        """One kind of usage by day."""
        return self._report(kind.path, kind.dimensions)

    def costs(self) -> Report:
        """What will be billed, by day."""
        return self._report(COSTS, COSTS_BY)

    def users(self) -> Iterator[list[Any]]:
        """The members of the organisation, a list a page."""

        def following(answer: Answer) -> tuple[str, dict[str, Any]] | None:
            said = answer.json()
            if said.get("has_more") is False:
                return None
            if said.get("has_more") is not True or not said.get("last_id"):
                raise Unexpected(f"openai: {USERS}: does not say where its next page is")
            return USERS, first | {"after": said["last_id"]}

        first: dict[str, Any] = {"limit": MOST_USERS}
        for answer in self.api.pages(USERS, first, following, lambda said: said["data"]):
            yield answer.json()["data"]

    def probe(self, path: str, day: date) -> None:
        """A cheap call to a report or the members. Raises ApiError."""
        midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
        asked = {} if path == USERS else {"start_time": int(midnight.timestamp())}
        first = {**asked, "limit": 1}
        next(self.api.pages(path, first, lambda _: None, lambda said: said["data"]))

    def _report(self, path: str, dimensions: tuple[str, ...]) -> Report:
        asked = {"bucket_width": "1d", "limit": MOST_DAYS, "group_by": list(dimensions)}
        return Report(self.api, path, asked, _between, _starts_at)


def classify(answer: Answer) -> Verdict:
    """OpenAI keeps to the rules; it names the scope that a key lacks, as 403 or as 401."""
    if answer.status in (401, 403):
        missing = MISSING_SCOPES.search(answer.body)
        if missing:
            return Verdict("denied", f"the key lacks the scope {missing[1].decode()}")
        return Verdict(
            "denied",
            "the key is not accepted (wrong, expired, revoked, or no Admin key: those begin with "
            "sk-admin)",
        )
    return standard(answer)


def _between(start: datetime, end: datetime) -> dict[str, int]:
    return {"start_time": int(start.timestamp()), "end_time": int(end.timestamp())}


def _starts_at(bucket: Any) -> datetime:
    begins, ends = bucket["start_time"], bucket["end_time"]
    if not isinstance(begins, int) or not isinstance(ends, int) or ends - begins != 86400:
        raise ValueError
    return datetime.fromtimestamp(begins, UTC)
