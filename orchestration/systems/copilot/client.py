"""GitHub's REST for Copilot: reports behind signed links, seats page by page, bills by month."""

import json
import logging
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from orchestration.systems import _github
from orchestration.systems._http import (
    Absent,
    Answer,
    Api,
    ApiError,
    Denied,
    Unavailable,
    Unexpected,
    Verdict,
)

if TYPE_CHECKING:
    from orchestration.systems.copilot import CopilotSettings

log = logging.getLogger(__name__)

PAGE = 100
# GitHub asks for the first; mocks of its published description know only the second.
ACCEPT = "application/vnd.github+json, application/json"
READINGS = 3  # of a list that changes while it is read, of a file that does not come whole
BILLING_REPORTS: Mapping[str, str] = {
    "usage": "usage",
    "premium_request": "premium_request/usage",
    "ai_credit": "ai_credit/usage",
}
# What a refusal means, by what the path holds.
NEEDS = {
    "/copilot/metrics/": "it needs View Copilot Metrics (a classic token: read:org or"
    " read:enterprise), and the policy Copilot usage metrics must be enabled",
    "/copilot/billing/": "it needs an owner's manage_billing:copilot or read:org",
    "/settings/billing/": "it needs Administration (read) of the organisation; of an enterprise,"
    " a billing manager's classic token with manage_billing:enterprise",
}


class BadFile(ApiError):
    """A day's report is there, but its file is not, or not whole."""


class Client:
    """The endpoints that are read, as lists of payloads."""

    def __init__(self, settings: "CopilotSettings") -> None:
        token = settings.token
        self.api = Api(
            "copilot",
            settings.base_url,
            authorize=lambda: {"Authorization": f"Bearer {token}"},
            classify=classify,
            headers={
                "Accept": ACCEPT,
                "X-GitHub-Api-Version": "2022-11-28",
            },
            first_pause_seconds=settings.first_pause_seconds,
        )
        name, is_enterprise = settings.account, settings.enterprise is not None
        self._copilot = f"/{'enterprises' if is_enterprise else 'orgs'}/{name}/copilot"
        account = f"/{'enterprises' if is_enterprise else 'organizations'}/{name}"
        self._billing = f"{account}/settings/billing"
        self._totals = "enterprise" if is_enterprise else "organization"

    def probe_seats(self) -> None:
        """A cheap call that needs what reading seats needs. Raises ApiError."""
        path = f"{self._copilot}/billing/seats"
        next(self.api.pages(path, {"per_page": 1}, _following, lambda said: said["seats"]))

    def probe_reports(self, day: date) -> None:
        """A cheap call that needs what reading reports needs. Raises ApiError."""
        self._links("users", day)

    def seats(self) -> list[Any]:
        """All seats. Somebody who leaves while pages are read moves the others, one of them past
        the reader: the list is read again until the vendor's own count says that it is whole."""
        for _ in range(READINGS):
            seats: list[Any] = []
            totals = set()
            path = f"{self._copilot}/billing/seats"
            first = {"per_page": PAGE, "page": 1}
            for answer in self.api.pages(path, first, _following, lambda said: said["seats"]):
                said = answer.json()
                totals.add(said.get("total_seats"))
                seats += said["seats"]
            total = totals.pop()
            # An enterprise counts a person once whom several of its organisations list.
            if not totals and isinstance(total, int) and len(seats) >= total:
                return seats
        raise Unexpected(
            f"copilot: {path}: lists {len(seats):,} seats and counts {total}; none of them kept"
        )

    def report(self, kind: str, day: date) -> list[Any] | None:
        """The lines of a day's report (``users``, ``totals``, ``user-teams``); None where there is
        none, or none yet. Raises BadFile."""
        reason = ""
        for _ in range(READINGS):
            links = self._links(kind, day)
            if links is None:
                return None
            try:
                return [row for link in links for row in self._file(link)]
            except (Absent, Denied, Unavailable, Unexpected) as error:
                # A link lives for minutes, a new answer has new ones.
                reason = type(error).__name__.lower()
        raise BadFile(f"copilot: the file of the {kind} report of {day} cannot be had ({reason})")

    def billing(self, report: str, month: date) -> list[Any]:
        """The items of a month. None of a report that the account does not have."""
        path = f"{self._billing}/{BILLING_REPORTS[report]}"
        try:
            answer = self.api.get(path, {"year": month.year, "month": month.month})
        except Absent as error:
            if report != "usage":
                return []
            more = "; an organisation of an enterprise is billed there: set enterprise"
            raise Absent(f"{error}{more}") from None
        said = answer.json()
        items = said.get("usageItems") if isinstance(said, dict) else None
        if not isinstance(items, list):
            raise Unexpected(f"copilot: {path}: gave no list where one is documented")
        period = said.get("timePeriod")
        if isinstance(period, dict) and report != "usage":
            is_it = (period.get("year"), period.get("month")) == (month.year, month.month)
        else:
            dated = [i["date"] for i in items if isinstance(i, dict) and "date" in i]
            is_it = all(str(d).startswith(f"{month:%Y-%m}") for d in dated)
        if not is_it:
            raise Unexpected(f"copilot: {path}: gave another month than {month:%Y-%m}")
        return items

    def _links(self, kind: str, day: date) -> list[str] | None:
        name = self._totals if kind == "totals" else kind
        path = f"{self._copilot}/metrics/reports/{name}-1-day"
        try:
            answer = self.api.get(path, {"day": day.isoformat()})
        except Absent:
            return None  # nobody used it that day
        if answer.status == 204:
            return None  # not ready yet, or fewer than five people
        said = answer.json()
        if not said:
            return None  # `""`: of the days before there was anything
        links = said.get("download_links") if isinstance(said, dict) else None
        if not isinstance(links, list) or said.get("report_day") != day.isoformat():
            raise Unexpected(f"copilot: {path}: gave something else than the report of {day}")
        return [str(link) for link in links]

    def _file(self, link: str) -> list[Any]:
        """A file's records: one JSON object a line. A line that is none of them is None, unless it
        is the last: then the file is not whole. Raises ApiError."""
        lines = [line for line in self.api.lines(link) if line.strip()]
        rows = [_json(line) for line in lines]
        if rows and rows[-1] is None:
            raise Unexpected("copilot: a report ends within a line")
        return [day for row in rows for day in _days(row)]


def classify(answer: Answer) -> Verdict:
    """As all of GitHub; a refusal says what this endpoint needs."""
    verdict = _github.classify(answer)
    if answer.status == 403 and verdict.kind == "denied":
        needs = next((text for part, text in NEEDS.items() if part in answer.path), "")
        return Verdict("denied", "; ".join(filter(None, (verdict.message, needs))))
    if answer.status == 422 and "/metrics/" in answer.path:
        return Verdict("fatal", "status 422: is the policy Copilot usage metrics enabled?")
    return verdict


def _following(answer: Answer) -> tuple[str, None] | None:
    link = answer.link("next")
    return (link, None) if link else None


def _days(row: Any) -> list[Any]:
    """Totals may come wrapped, a list of days within a line."""
    wrapped = row.get("day_totals") if isinstance(row, dict) else None
    return wrapped if isinstance(wrapped, list) else [row]


def _json(line: bytes) -> Any:
    try:
        return json.loads(line, parse_float=Decimal)
    except ValueError:
        return None
