"""Anthropic's Admin API over a company's usage: messages usage, costs, and Claude Code's days.

Checked against the published reference: parameters and their values, required headers, the most
buckets and records of a page. Amounts are in cents, as text in the cost report.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from orchestration.simulation.records import Activity, Usage, VendorCost
from orchestration.simulation.vendors._reports import (
    WIDTHS,
    Key,
    Ledger,
    Page,
    emptied,
    floored,
    grouped,
    page,
    place,
    position,
    restated,
)
from orchestration.simulation.vendors._server import (
    Faults,
    Limit,
    Refusal,
    Request,
    Response,
    Vendor,
    moment,
)

ADMIN_KEY = "sk-ant-admin01-simulated"
MEMBER_KEY = "sk-ant-api03-simulated"  # good for models, not for reports
LIMITS = {"1d": (7, 31), "1h": (24, 168), "1m": (60, 1440)}  # buckets: by default, at most
LARGEST_PAGE, DEFAULT_PAGE = 1000, 20  # records of Claude Code
FRESH_AFTER = timedelta(hours=1)
COMMON = {"starting_at", "ending_at", "bucket_width", "limit", "page", "group_by[]"}
FILTERS = {
    "api_key_ids[]": "api_key_id", "workspace_ids[]": "workspace_id", "models[]": "model",
    "service_tiers[]": "service_tier", "context_window[]": "context_window",
    "inference_geos[]": "inference_geo", "account_ids[]": "account_id",
    "service_account_ids[]": "service_account_id",
}  # fmt: skip
SPEED = "fast-mode-2026-02-01"  # the beta that grouping by speed belongs to
USAGE_BY = (*FILTERS.values(),)
COSTS_BY = ("workspace_id", "description")
DESCRIBED = ("cost_type", "description", "model", "service_tier", "context_window", "token_type",
             "inference_geo")  # fmt: skip
TOKEN_TYPES = {
    "uncached input": "uncached_input_tokens",
    "cache read": "cache_read_input_tokens",
    "cache write 5m": "cache_creation.ephemeral_5m_input_tokens",
    "cache write 1h": "cache_creation.ephemeral_1h_input_tokens",
    "output": "output_tokens",
}
CODE_MODELS = ("claude-sonnet-4-5-20250929", "claude-haiku-4-5-20251001")


class Anthropic(Vendor):
    """An organisation. ``workspaces``: the workspace of a key, else the default one. ``lag``: how
    long usage takes to be seen; ``restates``: a bucket of the last three days says a tenth less;
    ``page_size``: buckets or records of a page at most, below what the vendor allows. Activity of
    somebody without an address is a key's."""

    routes = (
        ("GET", r"/v1/organizations/me", "me"),
        ("GET", r"/v1/organizations/usage_report/messages", "usage"),
        ("GET", r"/v1/organizations/cost_report", "costs"),
        ("GET", r"/v1/organizations/usage_report/claude_code", "claude_code"),
    )

    def __init__(
        self,
        company_rows: Sequence[Usage],
        costs: Sequence[VendorCost],
        activity: Sequence[Activity],
        now: datetime,
        *,
        admin_key: str = ADMIN_KEY,
        workspaces: Mapping[str, str] | None = None,
        lag_minutes: int = 0,
        restates: bool = False,
        page_size: int = LARGEST_PAGE,
        faults: Faults | None = None,
        limit: Limit | None = None,
        delay_seconds: float = 0.0,
    ) -> None:
        super().__init__(now, faults=faults, limit=limit, delay_seconds=delay_seconds)
        self.admin_key, self.restates, self.page_size = admin_key, restates, page_size
        self._workspaces = workspaces or {}
        lag = timedelta(minutes=lag_minutes)
        self._usage = Ledger(company_rows, lambda row: row.occurred_at, lag)
        self._costs = Ledger(costs, lambda row: _midnight(row.cost_date), lag)
        self._activity = Ledger(activity, lambda row: _midnight(row.activity_date), FRESH_AFTER)
        self.staged_ids: dict[tuple[str, str], str] = {}  # no mart shows an id of these

    def admit(self, request: Request) -> None:
        """An Admin API key, and the version that every request must name."""
        key = request.headers.get("x-api-key")
        if key == MEMBER_KEY:
            raise Refusal(_error(403, "permission_error", "This endpoint requires an admin key"))
        if key != self.admin_key:
            raise Refusal(self.denied())
        if request.headers.get("anthropic-version") != "2023-06-01":
            raise _invalid("anthropic-version: header is required")

    def limited(self, seconds: float) -> Response:
        """429, with the seconds to wait."""
        response = _error(429, "rate_limit_error", "Number of requests has exceeded your limit")
        response.headers = {"retry-after": f"{seconds:.2f}"}
        return response

    def denied(self) -> Response:
        """401."""
        return _error(401, "authentication_error", "invalid x-api-key")

    def broken(self) -> Response:
        """529: Anthropic never puts an error into an answer of status 200."""
        return _error(529, "overloaded_error", "Overloaded")

    def limit_headers(self, left: int, reset: float) -> dict[str, str]:
        """The limit, what is left, and the moment it is whole."""
        whole = datetime.now(UTC) + timedelta(seconds=reset)
        return {
            "anthropic-ratelimit-requests-limit": str(self.limit.requests if self.limit else 60),
            "anthropic-ratelimit-requests-remaining": str(left),
            "anthropic-ratelimit-requests-reset": moment(whole),
        }

    def emptied(self, response: Response) -> Response:
        """A page without buckets, before the page with them."""
        if isinstance(response.body, Page):
            return Response(emptied(response.body), 200, response.headers)
        return response

    def me(self, request: Request) -> Response:
        """The organisation."""
        self.admit(request)
        return Response({"id": "org-simulated", "type": "organization", "name": "Simulated"})

    def usage(self, request: Request) -> Response:
        """Tokens by bucket and dimension."""
        self.admit(request)
        betas = request.headers.get("anthropic-beta", "").split(",")
        allowed = (*USAGE_BY, "speed") if SPEED in betas else USAGE_BY
        dimensions = _dimensions(request, COMMON | FILTERS.keys(), allowed)
        wanted = {
            dimension: set(request.query[name])
            for name, dimension in FILTERS.items()
            if name in request.query
        }

        def bucket(start: datetime, end: datetime) -> dict[str, Any]:
            rows = [
                row
                for row in self._usage.between(start, end, self.now)
                if all(self._place(row)[name] in values for name, values in wanted.items())
            ]
            return _bucket(start, end, [
                self._tokens(dict(zip(dimensions, key, strict=True)), group, start)
                for key, group in grouped(rows, lambda row: self._key(row, dimensions))
            ])  # fmt: skip

        return self._buckets(request, LIMITS, bucket)

    def costs(self, request: Request) -> Response:
        """What will be billed, by day."""
        self.admit(request)
        dimensions = _dimensions(request, COMMON, COSTS_BY)

        def place_of(row: VendorCost) -> Key:
            workspace = self._workspaces.get(row.api_key_id or "")
            described = (row.line_item, row.model) if "description" in dimensions else (None, None)
            return (workspace if "workspace_id" in dimensions else None, *described, row.currency)

        def bucket(start: datetime, end: datetime) -> dict[str, Any]:
            groups = grouped(self._costs.between(start, end, self.now), place_of)
            return _bucket(start, end, [_cost(key, rows) for key, rows in groups])

        return self._buckets(request, {"1d": LIMITS["1d"]}, bucket)

    def claude_code(self, request: Request) -> Response:
        """One UTC day of everybody."""
        self.admit(request)
        if request.query.keys() - {"starting_at", "limit", "page"}:
            raise _invalid("Extra inputs are not permitted")
        try:
            day = datetime.strptime(request.one("starting_at"), "%Y-%m-%d")  # noqa: DTZ007  (UTC)
            first = int(position(request.one("page"))) if request.one("page") else 0
        except ValueError:
            raise _invalid("starting_at: use YYYY-MM-DD; page: use next_page") from None
        limit = min(_limit(request, DEFAULT_PAGE, LARGEST_PAGE), self.page_size)
        rows = [*self._activity.between(day, day + timedelta(days=1), self.now)]
        rows.sort(key=lambda row: row.person)
        more = len(rows) > first + limit
        body = Page(
            data=[_person_day(row) for row in rows[first : first + limit]],
            has_more=more,
            next_page=place(str(first + limit)) if more else None,
        )
        body.token = place(str(first), again=True)
        return Response(body)

    def _buckets(
        self, request: Request, limits: Mapping[str, tuple[int, int]], bucket: Any
    ) -> Response:
        width = request.one("bucket_width", "1d")
        if width not in limits:
            raise _invalid(f"bucket_width: use one of {', '.join(limits)}")
        limit = min(_limit(request, *limits[width]), self.page_size)
        start = floored(_moment(request, "starting_at"), width)
        end = self.now
        if "ending_at" in request.query:
            end = _moment(request, "ending_at")
            if end <= start:
                raise _invalid("ending_at: must be after starting_at")
        try:
            found = page(
                start, min(end, self.now), WIDTHS[width], limit, request.one("page"), bucket
            )
        except ValueError:
            raise _invalid("page: invalid token") from None
        return Response(found)

    def _place(self, row: Usage) -> dict[str, str | None]:
        """Where a row stands. Its tier says its speed and place, too: ``fast``, ``us``, …"""
        is_new = row.model.startswith(("claude-sonnet-4-6", "claude-opus-4-6"))
        tier = row.service_tier or "standard"
        is_us = tier == "us" or tier.endswith("_us")
        tier = tier.removesuffix("us").removesuffix("_") if is_us else tier
        elsewhere = "global" if is_new else "not_available"
        return {
            "api_key_id": row.api_key_id,
            "workspace_id": self._workspaces.get(row.api_key_id or ""),
            "model": row.model,
            "service_tier": "batch"
            if row.is_batch
            else "standard"
            if tier in ("", "fast")
            else tier,
            "speed": "fast" if tier == "fast" else "standard",
            "context_window": row.context_window or "0-200k",
            "inference_geo": "us" if is_us else elsewhere,
            "account_id": None,
            "service_account_id": None,
        }

    def _key(self, row: Usage, dimensions: Sequence[str]) -> Key:
        own = self._place(row)
        return tuple(own[name] for name in dimensions)

    def _tokens(
        self, dimensions: Mapping[str, Any], rows: Sequence[Usage], start: datetime
    ) -> dict[str, Any]:
        def total(name: str) -> int:
            told = sum(int(getattr(row, name) or 0) for row in rows)
            return restated(told, start, self.now) if self.restates else told

        return {
            "uncached_input_tokens": total("uncached_input_tokens"),
            "cache_creation": {
                "ephemeral_1h_input_tokens": total("cache_write_1h_tokens"),
                "ephemeral_5m_input_tokens": total("cache_write_5m_tokens"),
            },
            "cache_read_input_tokens": total("cache_read_tokens"),
            "output_tokens": total("output_tokens"),
            "server_tool_use": {"web_search_requests": total("other_units")},
            **dict.fromkeys(USAGE_BY),
            **dimensions,
        }


def _cost(key: Key, rows: Sequence[VendorCost]) -> dict[str, Any]:
    workspace, line_item, model, currency = key
    words = (line_item or "").split(", ")
    token_type = TOKEN_TYPES.get(words[1]) if len(words) > 1 else None
    described = {
        "cost_type": "tokens" if token_type else "web_search",
        "description": line_item,
        "model": model,
        "service_tier": ("batch" if "batch" in words else "standard") if token_type else None,
        "context_window": ("200k-1M" if "above" in words[-1] else "0-200k") if token_type else None,
        "token_type": token_type,
        "inference_geo": "not_available" if token_type else None,
    }
    cents = sum((row.amount for row in rows), Decimal()) * 100
    return {
        "amount": f"{cents:f}",
        "currency": currency,
        "workspace_id": workspace,
        **(described if line_item else dict.fromkeys(DESCRIBED)),
    }


def _person_day(row: Activity) -> dict[str, Any]:
    """What the tool says of a day; the models' tokens are made up of it."""
    is_person = "@" in row.person
    interactions, actions = row.interactions or 0, row.agent_actions or 0
    tasks, lines = row.agent_tasks_completed or 0, row.lines_accepted or 0
    taken = actions - actions // 5
    is_seat = row.person < "person-0020"
    return {
        "date": moment(_midnight(row.activity_date)),
        "actor": {"type": "user_actor", "email_address": row.person}
        if is_person
        else {"type": "api_actor", "api_key_name": row.person},
        "organization_id": "org-simulated",
        "customer_type": "subscription" if is_seat else "api",
        "subscription_type": "team" if is_seat else None,
        "terminal_type": "vscode" if lines % 2 else "iTerm.app",
        "core_metrics": {
            "num_sessions": row.sessions or 0,
            "lines_of_code": {"added": lines, "removed": lines // 3},
            "commits_by_claude_code": tasks // 2,
            "pull_requests_by_claude_code": tasks // 5,
        },
        "tool_actions": {
            "edit_tool": {"accepted": taken // 2, "rejected": actions // 5},
            "multi_edit_tool": {"accepted": 0, "rejected": 0},
            "notebook_edit_tool": {"accepted": 0, "rejected": 0},
            "write_tool": {"accepted": taken - taken // 2, "rejected": 0},
        },
        "model_breakdown": [
            {
                "model": model,
                "tokens": {
                    "input": interactions * 100 // share,
                    "output": interactions * 50 // share,
                    "cache_read": interactions * 1000 // share,
                    "cache_creation": interactions * 200 // share,
                },
                "estimated_cost": {"currency": "USD", "amount": interactions * 3 // share},
            }
            for share, model in enumerate(CODE_MODELS, start=1)
        ],
    }


def _bucket(start: datetime, end: datetime, results: list[dict[str, Any]]) -> dict[str, Any]:
    return {"starting_at": moment(start), "ending_at": moment(end), "results": results}


def _dimensions(request: Request, known: set[str], allowed: Sequence[str]) -> list[str]:
    if request.query.keys() - known:
        raise _invalid("Extra inputs are not permitted")
    dimensions = request.query.get("group_by[]", [])
    if set(dimensions) - set(allowed):
        raise _invalid(f"group_by: use any of {', '.join(allowed)}")
    return list(dict.fromkeys(dimensions))


def _limit(request: Request, default: int, most: int) -> int:
    try:
        limit = int(request.one("limit", str(default)))
    except ValueError:
        raise _invalid("limit: must be a number") from None
    if not 1 <= limit <= most:
        raise _invalid(f"limit: must be between 1 and {most}")
    return limit


def _moment(request: Request, name: str) -> datetime:
    try:
        found = datetime.fromisoformat(request.one(name))
    except ValueError:
        raise _invalid(f"{name}: must be a moment as RFC 3339 has them") from None
    if found.tzinfo is None:
        raise _invalid(f"{name}: must have a time zone")
    return found.astimezone(UTC).replace(tzinfo=None)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time())


def _invalid(message: str) -> Refusal:
    return Refusal(_error(400, "invalid_request_error", message))


def _error(status: int, kind: str, message: str) -> Response:
    error = {"type": kind, "message": message}
    return Response({"type": "error", "error": error, "request_id": "req_simulated"}, status)
