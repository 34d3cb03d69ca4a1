"""GitHub's REST for Copilot over a company's activity, seats and bill.

Checked against the published OpenAPI: parameters and their values, the day that reports require,
the year they are kept, the five people below which there are none, the 24 months of a bill.
"""

import base64
import hashlib
import hmac
import json
import re
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from urllib.parse import urlencode

from orchestration.simulation.records import Activity, Seat, VendorCost
from orchestration.simulation.vendors._people import login
from orchestration.simulation.vendors._server import (
    FaultKind,
    Faults,
    Limit,
    Refusal,
    Request,
    Response,
    Vendor,
    moment,
)

DEFAULT_PAGE, LARGEST_PAGE = 50, 100
REPORTS_KEPT, MONTHS_BILLED = timedelta(days=365), 24
VERSIONS = ("2022-11-28", "2026-03-10")
MOUNTAIN_TIME = timezone(timedelta(hours=-6))  # seats' times have an offset
SIGNATURE = b"the file store's own key"
NEEDED = {
    "metrics": "organization_copilot_metrics=read",
    "seats": "organization_copilot_seat_management=read",
    "billing": "organization_administration=read",
}
FILE = re.compile(r"/files/([a-z-]+)/([\d-]+)/(\d+)\.ndjson")
ACCOUNT = r"/(?:orgs|organizations|enterprises)/([\w.-]+)"


class Copilot(Vendor):
    """An organisation, or an enterprise of that name.

    ``processing``: how long after its end a day's report is ready; ``late``: after how much more
    time a seventh of its people are in it too. ``teams``: person → GitHub team. ``billed``: items
    of the reports by model, by report (``premium_request``, ``ai_credit``) and month.
    """

    routes = (
        ("GET", ACCOUNT + r"/copilot/metrics/reports/([a-z-]+)-1-day", "report"),
        ("GET", ACCOUNT + r"/copilot/billing/seats", "seats"),
        ("GET", ACCOUNT + r"/settings/billing/usage", "usage"),
        ("GET", ACCOUNT + r"/settings/billing/(premium_request|ai_credit)/usage", "by_model"),
    )

    def __init__(
        self,
        activity: Sequence[Activity],
        seats: Sequence[Seat],
        costs: Sequence[VendorCost],
        now: datetime,
        *,
        token: str = "copilot-token",  # noqa: S107  (nobody's)
        organization: str = "example",
        permissions: Collection[str] = tuple(NEEDED),
        first_report: date = date(2025, 10, 10),
        fewest_people: int = 5,
        processing: timedelta = timedelta(hours=6),
        late: timedelta = timedelta(0),
        link_seconds: float = 900.0,
        teams: Mapping[str, str] | None = None,
        billed: Mapping[tuple[str, date], Sequence[Mapping[str, Any]]] | None = None,
        faults: Faults | None = None,
        limit: Limit | None = None,
        delay_seconds: float = 0.0,
    ) -> None:
        super().__init__(now, faults=faults, limit=limit, delay_seconds=delay_seconds)
        self.token, self.organization, self.permissions = token, organization, permissions
        self.first_report, self.fewest_people = first_report, fewest_people
        self.processing, self.late, self.link_seconds = processing, late, link_seconds
        self._teams, self._billed = teams or {}, billed or {}
        self._days: dict[date, list[Activity]] = defaultdict(list)
        for record in activity:
            if record.vendor == "github":
                self._days[record.activity_date].append(record)
        self._active: dict[str, list[date]] = defaultdict(list)
        for day in sorted(self._days):
            for record in self._days[day]:
                self._active[record.person].append(day)
        self._seats = [seat for seat in seats if seat.vendor == "github"]
        self._months: dict[date, list[VendorCost]] = defaultdict(list)
        for cost in costs:
            if cost.vendor == "github":
                self._months[cost.cost_date.replace(day=1)].append(cost)
        people = {*self._active, *(seat.person for seat in self._seats if seat.person)}
        self._numbers = {person: n for n, person in enumerate(sorted(people), start=1001)}
        self.staged_ids: dict[tuple[str, str], str] = {}  # no id of Copilot's is in the marts

    def respond(self, request: Request) -> tuple[Response, FaultKind | None]:
        """Only the list of seats has pages, of which one could come again."""
        answered = super().respond(request)
        if not request.path.endswith("/seats"):
            self._before.pop(request.path, None)
        return answered

    def answer(self, request: Request) -> Response:
        """Files lie in a store, which has no part in the limit of the API."""
        match = FILE.fullmatch(request.path)
        if match is None:
            return super().answer(request)
        try:
            return self.file(request, *match.groups())
        except Refusal as refusal:
            return refusal.response

    def admit(self, request: Request) -> None:
        """A bearer token."""
        if request.headers.get("authorization") != f"Bearer {self.token}":
            raise Refusal(self.denied())
        if request.headers.get("x-github-api-version", VERSIONS[0]) not in VERSIONS:
            raise Refusal(_error(400, "X-GitHub-Api-Version is not supported"))

    def limited(self, seconds: float) -> Response:
        """The secondary limit: 403, like a missing permission."""
        response = _error(403, "You have exceeded a secondary rate limit. Please wait.")
        response.headers = {"Retry-After": f"{seconds:.2f}"}
        return response

    def denied(self) -> Response:
        """401."""
        return _error(401, "Bad credentials")

    def broken(self) -> Response:
        """GitHub has no errors in answers of status 200."""
        return _error(502, "Server Error")

    def emptied(self, response: Response) -> Response:
        """A page of seats that holds none and says that there are more."""
        if response.status != 200 or not isinstance(response.body, dict):
            return response
        if "seats" not in response.body:
            return response
        return Response(response.body | {"seats": []}, 200, response.headers)

    def limit_headers(self, left: int, reset: float) -> dict[str, str]:
        """The hour's limit, and when it starts anew."""
        limit = self.limit.requests if self.limit else 5000
        said = {
            "limit": limit, "remaining": left, "used": limit - left,
            "reset": int(time.time() + reset) + 1, "resource": "core",
        }  # fmt: skip
        return {f"x-ratelimit-{name}": str(value) for name, value in said.items()}

    def report(self, request: Request, account: str, kind: str) -> Response:
        """Where a day's report lies."""
        self._allow(request, account, "metrics", {"day"})
        totals = "enterprise" if request.path.startswith("/enterprises/") else "organization"
        if kind not in ("users", "user-teams", totals):
            raise Refusal(_error(404, "Not Found"))
        try:
            day = date.fromisoformat(request.one("day"))
        except ValueError:
            raise Refusal(_error(422, "day is required, as YYYY-MM-DD")) from None
        ended = datetime(day.year, day.month, day.day) + timedelta(days=1)  # noqa: DTZ001  (UTC)
        if ended < self.now - REPORTS_KEPT - timedelta(days=1):
            raise Refusal(_error(422, "day is more than a year ago"))
        if day < self.first_report:
            return Response("")
        people = self._people(day)
        if not people or ended > self.now:
            raise Refusal(_error(404, "Not Found"))
        if ended + self.processing > self.now or len(people) < self.fewest_people:
            return Response(status=204)
        count = 2 if kind == "users" and len(people) > 1 else 1
        links = [self._link(f"/files/{kind}/{day}/{number}.ndjson") for number in range(count)]
        return Response({"download_links": links, "report_day": day.isoformat()})

    def file(self, request: Request, kind: str, day_text: str, number: str) -> Response:
        """A report's lines. The file store knows no credential but the link itself."""
        if "authorization" in request.headers:
            raise Refusal(Response(b"<Error>InvalidAuthenticationInfo</Error>", 400))
        expires = request.one("se", "0")
        is_signed = hmac.compare_digest(request.one("sig"), _signature(request.path, expires))
        if not is_signed or float(expires) < time.time():
            raise Refusal(Response(b"<Error>AuthenticationFailed</Error>", 403))
        day = date.fromisoformat(day_text)
        people = self._people(day)
        if kind == "users":
            rows = [self._user_day(record) for record in people[int(number) :: 2]]
        elif kind == "user-teams":
            named = [a.person for a in people if a.person in self._teams]
            rows = [self._user_team_day(person, day) for person in named]
        else:
            rows = [self._organization_day(people, day)]
        content = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
        checksum = hashlib.md5(content, usedforsecurity=False).digest()
        headers = {"Content-MD5": base64.b64encode(checksum).decode()}
        return Response(content, 200, headers)

    def seats(self, request: Request, account: str) -> Response:
        """The seats of today, by when they were given."""
        self._allow(request, account, "seats", {"page", "per_page"})
        try:
            page = int(request.one("page", "1"))
            size = min(int(request.one("per_page", str(DEFAULT_PAGE))), LARGEST_PAGE)
        except ValueError:
            raise Refusal(_error(422, "page and per_page are whole numbers")) from None
        today = self.now.date()
        held = [
            seat
            for seat in self._seats
            if seat.assigned_on <= today and (seat.unassigned_on or date.max) > today
        ]
        held.sort(key=lambda seat: (seat.assigned_on, seat.person or ""))
        shown = [self._seat(seat) for seat in held[(page - 1) * size : page * size]]
        headers = {}
        if len(held) > page * size:
            query = urlencode({"page": page + 1, "per_page": size})
            headers["Link"] = f'<{self.url}{request.path}?{query}>; rel="next"'
        return Response({"total_seats": len(held), "seats": shown}, 200, headers)

    def usage(self, request: Request, account: str) -> Response:
        """The bill of a month, by day; Copilot is not all of it."""
        month = self._month(request, account, {"year", "month", "day"})
        items = [
            self._item(cost)
            for cost in self._months.get(month, [])
            if cost.cost_date < self.now.date()
        ]
        return Response({"usageItems": [*items, self._runners(month)]})

    def by_model(self, request: Request, account: str, report: str) -> Response:
        """What a metered product was used for in a month, by model."""
        parameters = {"year", "month", "day", "user", "model", "product"}
        month = self._month(request, account, parameters)
        items = [dict(item) for item in self._billed.get((report, month), [])]
        period = {"year": month.year, "month": month.month}
        said = {"timePeriod": period, "organization": account, "usageItems": items}
        return Response(said)

    def _allow(self, request: Request, account: str, area: str, parameters: set[str]) -> None:
        self.admit(request)
        if account.lower() != self.organization.lower():
            raise Refusal(_error(404, "Not Found"))
        if area not in self.permissions:
            response = _error(403, "Resource not accessible by personal access token")
            response.headers = {"X-Accepted-GitHub-Permissions": NEEDED[area]}
            raise Refusal(response)
        unknown = request.query.keys() - parameters
        if unknown:
            raise Refusal(_error(422, f"unknown parameter {min(unknown)}"))

    def _month(self, request: Request, account: str, parameters: set[str]) -> date:
        self._allow(request, account, "billing", parameters)
        try:
            year, month = int(request.one("year")), int(request.one("month"))
            asked = date(year, month, 1)
        except ValueError:
            raise Refusal(_error(400, "year and month are whole numbers")) from None
        ago = (self.now.year - asked.year) * 12 + self.now.month - asked.month
        if not 0 <= ago < MONTHS_BILLED:
            raise Refusal(_error(400, "only the past 24 months are accessible"))
        return asked

    def _people(self, day: date) -> list[Activity]:
        """Who is in a day's report by now: some editors send what they did later."""
        records = self._days.get(day, [])
        ended = datetime(day.year, day.month, day.day) + timedelta(days=1)  # noqa: DTZ001  (UTC)
        if ended + self.processing + self.late <= self.now:
            return records
        return [record for n, record in enumerate(records) if n % 7 != 6]

    def _link(self, path: str) -> str:
        expires = f"{time.time() + self.link_seconds:.3f}"
        return f"{self.url}{path}?" + urlencode({"se": expires, "sig": _signature(path, expires)})

    def _user(self, person: str) -> dict[str, Any]:
        return {"user_id": self._numbers[person], "user_login": login(person)}

    def _user_day(self, record: Activity) -> dict[str, Any]:
        counts = _counts(
            record.interactions or 0, record.lines_suggested or 0, record.lines_accepted or 0
        )
        bare = {k: v for k, v in counts.items() if k != "user_initiated_interaction_count"}
        return self._user(record.person) | counts | {
            "day": record.activity_date.isoformat(),
            "organization_id": "100001", "enterprise_id": "2001",
            "used_agent": False, "used_chat": False, "used_cli": False,
            "used_copilot_coding_agent": False, "used_copilot_cloud_agent": False,
            "used_copilot_code_review_active": False, "used_copilot_code_review_passive": False,
            "totals_by_ide": [{"ide": "vscode"} | counts],
            "totals_by_feature": [{"feature": "code_completion"} | counts],
            "totals_by_language_feature": [
                {"language": "python", "feature": "code_completion"} | bare
            ],
            "totals_by_language_model": [{"language": "python", "model": "gpt-4.1"} | bare],
            "totals_by_model_feature": [
                {"model": "gpt-4.1", "feature": "code_completion"} | counts
            ],
        }  # fmt: skip

    def _organization_day(self, people: Sequence[Activity], day: date) -> dict[str, Any]:
        counts = _counts(
            sum(a.interactions or 0 for a in people),
            sum(a.lines_suggested or 0 for a in people),
            sum(a.lines_accepted or 0 for a in people),
        )
        return counts | {
            "day": day.isoformat(), "organization_id": "100001", "enterprise_id": "2001",
            "daily_active_users": len({a.person for a in people}),
            "weekly_active_users": len(self._within(day, 7)),
            "monthly_active_users": len(self._within(day, 28)),
            "monthly_active_chat_users": 0, "monthly_active_agent_users": 0,
            "daily_active_cli_users": 0, "pull_requests": {"total_created": 0},
            "totals_by_ide": [], "totals_by_feature": [],
        }  # fmt: skip

    def _within(self, day: date, days: int) -> set[str]:
        """People of the days up to one."""
        span = (day - timedelta(days=ago) for ago in range(days))
        return {a.person for each in span for a in self._days.get(each, [])}

    def _user_team_day(self, person: str, day: date) -> dict[str, Any]:
        slug = self._teams[person]
        number = sorted(set(self._teams.values())).index(slug) + 501
        return self._user(person) | {
            "day": day.isoformat(), "organization_id": "100001", "team_id": number, "slug": slug,
        }  # fmt: skip

    def _seat(self, seat: Seat) -> dict[str, Any]:
        given = datetime(
            seat.assigned_on.year, seat.assigned_on.month, seat.assigned_on.day, tzinfo=UTC
        )
        created = given.astimezone(MOUNTAIN_TIME).isoformat()
        ends = seat.unassigned_on
        is_ending = ends is not None and ends <= self.now.date() + timedelta(days=10)
        last = self._last_activity(seat.person)
        assignee = seat.person and {
            "login": login(seat.person), "id": self._numbers[seat.person], "node_id": "U_1",
            "avatar_url": "", "type": "User", "site_admin": False,
        }  # fmt: skip
        return {
            "created_at": created, "updated_at": created,
            "pending_cancellation_date": str(ends) if is_ending else None,
            "last_activity_at": last, "last_authenticated_at": last,
            "last_activity_editor": "vscode/1.104.0/copilot/1.372.0" if last else None,
            "plan_type": seat.plan.removeprefix("copilot_"),
            "assignee": assignee or None, "assigning_team": None,
        }  # fmt: skip

    def _last_activity(self, person: str | None) -> str | None:
        """GitHub forgets it after 90 days."""
        today = self.now.date()
        days = self._active.get(person or "", [])
        last = days[bisect_left(days, today) - 1] if days and days[0] < today else date.min
        if last < today - timedelta(days=90):
            return None
        noon = datetime(last.year, last.month, last.day, 12, tzinfo=UTC)
        return noon.astimezone(MOUNTAIN_TIME).isoformat()

    def _item(self, cost: VendorCost) -> dict[str, Any]:
        return {
            "date": moment(datetime.combine(cost.cost_date, datetime.min.time())),
            "product": "Copilot", "sku": cost.line_item or "Copilot Business",
            "quantity": round(float(cost.amount) / 19, 9), "unitType": "user-months",
            "pricePerUnit": 19.0, "grossAmount": cost.amount, "discountAmount": 0,
            "netAmount": cost.amount, "organizationName": self.organization,
            "repositoryName": "",
        }  # fmt: skip

    def _runners(self, month: date) -> dict[str, Any]:
        return {
            "date": f"{month}T00:00:00Z", "product": "Actions", "sku": "Actions Linux",
            "quantity": 100, "unitType": "minutes", "pricePerUnit": 0.008, "grossAmount": 0.8,
            "discountAmount": 0.8, "netAmount": 0.0, "organizationName": self.organization,
            "repositoryName": f"{self.organization}/payments",
        }  # fmt: skip


def _counts(interactions: int, suggested: int, accepted: int) -> dict[str, int]:
    return {
        "user_initiated_interaction_count": interactions,
        "code_generation_activity_count": interactions,
        "code_acceptance_activity_count": interactions // 2,
        "loc_suggested_to_add_sum": suggested,
        "loc_suggested_to_delete_sum": 0,
        "loc_added_sum": accepted,
        "loc_deleted_sum": 0,
    }


def _signature(path: str, expires: str) -> str:
    return hmac.new(SIGNATURE, f"{path} {expires}".encode(), "sha256").hexdigest()


def _error(status: int, message: str) -> Response:
    said = {
        "message": message,
        "documentation_url": "https://docs.github.com/rest",
        "status": str(status),
    }
    return Response(said, status)
