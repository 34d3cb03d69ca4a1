"""Anthropic's Admin API: reports by day in pages of buckets, and Claude Code's days."""

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from orchestration.systems._buckets import Report, chain
from orchestration.systems._http import Answer, Api, Verdict, standard

if TYPE_CHECKING:
    from orchestration.systems.anthropic import AnthropicSettings

MOST_DAYS = 31  # of a report, in one page
MOST_RECORDS = 1000  # of Claude Code, in one page
USAGE, COSTS, CLAUDE_CODE = (
    "/v1/organizations/usage_report/messages",
    "/v1/organizations/cost_report",
    "/v1/organizations/usage_report/claude_code",
)
USAGE_BY = ["api_key_id", "workspace_id", "model", "service_tier", "context_window",
            "inference_geo", "speed"]  # fmt: skip
SPEED = "fast-mode-2026-02-01"  # what grouping by speed asks for
COSTS_BY = ["workspace_id", "description"]


class Client:
    """The endpoints that are read."""

    def __init__(self, settings: "AnthropicSettings") -> None:
        key = settings.admin_key
        self.api = Api(
            "anthropic",
            settings.base_url,
            authorize=lambda: {"x-api-key": key},
            classify=classify,
            headers={"anthropic-version": "2023-06-01", "anthropic-beta": SPEED},
            first_pause_seconds=settings.first_pause_seconds,
        )

    def usage(self) -> Report:
        """Tokens by day."""
        return self._report(USAGE, USAGE_BY)

    def costs(self) -> Report:
        """What will be billed, by day."""
        return self._report(COSTS, COSTS_BY)

    def claude_code(self, day: date) -> list[Any]:
        """Everybody's day with Claude Code."""
        asked = {"starting_at": day.isoformat(), "limit": MOST_RECORDS}
        return [payload for page in chain(self.api, CLAUDE_CODE, asked) for payload in page]

    def probe(self, path: str, day: date) -> None:
        """A cheap call to one of the reports. Raises ApiError."""
        asked = day.isoformat() if path == CLAUDE_CODE else f"{day.isoformat()}T00:00:00Z"
        next(chain(self.api, path, {"starting_at": asked, "limit": 1}))

    def _report(self, path: str, dimensions: list[str]) -> Report:
        asked = {"bucket_width": "1d", "limit": MOST_DAYS, "group_by[]": dimensions}
        return Report(self.api, path, asked, _between, _starts_at)


def classify(answer: Answer) -> Verdict:
    """Anthropic keeps to the rules; it only says more of the key that is needed."""
    if answer.status == 401:
        return Verdict(
            "denied",
            "the key is not accepted (wrong, expired, revoked, or no Admin API key: those begin "
            "with sk-ant-admin)",
        )
    if answer.status == 403:
        return Verdict(
            "denied", "the key may not read this; it needs an Admin API key of the organisation"
        )
    return standard(answer)


def _between(start: datetime, end: datetime) -> dict[str, str]:
    return {"starting_at": _text(start), "ending_at": _text(end)}


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _starts_at(bucket: Any) -> datetime:
    begins, ends = (datetime.fromisoformat(bucket[name]) for name in ("starting_at", "ending_at"))
    if begins.tzinfo is None or ends - begins != timedelta(days=1):
        raise ValueError
    return begins.astimezone(UTC)
