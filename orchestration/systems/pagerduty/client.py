"""PagerDuty's REST API v2: classic paging, at most 100 a page and 10,000 a list."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from orchestration.lake import Window
from orchestration.systems._http import Answer, Api, Unexpected, Verdict, standard

if TYPE_CHECKING:
    from orchestration.systems.pagerduty import PagerDutySettings

PAGE = 100
FURTHEST = 10_000  # offset + limit, of any list
# Its own documentation names the first of these; proxies that check the second refuse without it.
ACCEPT = "application/vnd.pagerduty+json;version=2, application/json"


class TooLong(Unexpected):
    """A list that cannot be read to its end."""


class Client:
    """The endpoints that are read, as lists of payloads, a list a page."""

    def __init__(self, settings: "PagerDutySettings") -> None:
        token = settings.token
        self.api = Api(
            "pagerduty",
            settings.base_url,
            authorize=lambda: {"Authorization": f"Token token={token}"},
            classify=classify,
            headers={"Accept": ACCEPT, "Content-Type": "application/json"},
            first_pause_seconds=settings.first_pause_seconds,
        )

    def probe(self) -> None:
        """A cheap call that needs what reading needs. Raises ApiError."""
        self._part(self.api.get("/incidents", {"limit": 1}), "incidents")

    def services(self) -> Iterator[list[Any]]:
        """All services."""
        yield from self._whole("services", {})

    def log_entries(self, window: Window) -> Iterator[list[Any]]:
        """What happened to any incident in a window; overviews leave out notifications."""
        yield from self._between("log_entries", {"is_overview": "true"}, window)

    def incidents(self, window: Window) -> Iterator[list[Any]]:
        """Incidents that were created in a window."""
        yield from self._between("incidents", {"sort_by": "created_at:asc"}, window)

    def open_incidents(self) -> Iterator[list[Any]]:
        """Incidents that are open, however old."""
        statuses = ["triggered", "acknowledged"]
        asked = {"date_range": "all", "statuses[]": statuses, "sort_by": "created_at:asc"}
        yield from self._whole("incidents", asked)

    def incident(self, incident_id: str) -> Any:
        """One incident. Raises Absent."""
        return self._part(self.api.get(f"/incidents/{incident_id}"), "incident")

    def custom_fields(self, incident_id: str) -> dict[str, Any]:
        """The values of an incident's custom fields, by name."""
        answer = self.api.get(f"/incidents/{incident_id}/custom_fields/values")
        values = self._part(answer, "custom_fields")
        return {str(value["name"]): value.get("value") for value in values}

    def _between(self, name: str, asked: dict[str, Any], window: Window) -> Iterator[list[Any]]:
        """A list of a window; one that is longer than the vendor lets anybody read is halved."""
        start, end = window.start, window.end
        assert start and end  # noqa: S101  (never without ends here)
        times = {"since": _text(start), "until": _text(end), "time_zone": "UTC"}
        try:
            yield from self._whole(name, asked | times)
        except TooLong:
            middle = (start + (end - start) / 2).replace(microsecond=0)
            if middle in (start, end):
                raise
            yield from self._between(name, asked, Window(start, middle))
            yield from self._between(name, asked, Window(middle, end))

    def _whole(self, name: str, asked: dict[str, Any]) -> Iterator[list[Any]]:
        """A list from its first record to its last: as many as the first page says there are.
        Raises TooLong before the first page is given."""
        first = asked | {"limit": PAGE, "offset": 0, "total": "true"}
        total = given = 0

        def following(answer: Answer) -> tuple[str, dict[str, Any]] | None:
            said = answer.json()
            next_one = asked | {"limit": PAGE, "offset": int(said["offset"]) + PAGE}
            return (f"/{name}", next_one) if said["more"] else None

        for answer in self.api.pages(f"/{name}", first, following, lambda said: said[name]):
            said = answer.json()
            said_total = said.get("total") or 0  # not every list is counted
            if not isinstance(said_total, int):
                raise Unexpected(f"pagerduty: {name}: its total is no number")
            total = max(total, said_total)
            if total > FURTHEST:
                raise TooLong(f"pagerduty: {name}: {total:,} in one list, of which it shows 10,000")
            given += len(said[name])
            yield said[name]
        if given < total:
            raise Unexpected(f"pagerduty: {name}: gave {given:,} of {total:,}; nothing of it kept")

    def _part(self, answer: Answer, name: str) -> Any:
        said = answer.json()
        if not isinstance(said, dict) or name not in said:
            raise Unexpected(f"pagerduty: {answer.path}: the answer has no {name}")
        return said[name]


def classify(answer: Answer) -> Verdict:
    """PagerDuty keeps to the rules; it only says more of a missing permission."""
    if answer.status == 402:
        return Verdict("denied", "the account's plan does not have this")
    if answer.status == 403:
        return Verdict(
            "denied", "the token may not read this; it needs a key with read access to the account"
        )
    return standard(answer)


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
