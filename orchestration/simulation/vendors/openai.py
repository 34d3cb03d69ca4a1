"""OpenAI's Admin API over a company's usage: usage by kind, costs, and the members.

Checked against the published OpenAPI: parameters and their values, the most buckets and members of
a page. Input includes what a cache held or got; amounts are in dollars, as numbers or as text.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from orchestration.simulation.records import Usage, VendorCost
from orchestration.simulation.vendors._reports import (
    WIDTHS,
    Key,
    Ledger,
    Page,
    emptied,
    floored,
    grouped,
    page,
    restated,
)
from orchestration.simulation.vendors._server import (
    Faults,
    Limit,
    Refusal,
    Request,
    Response,
    Vendor,
)

ADMIN_KEY = "sk-admin-simulated"
PROJECT_KEY = "sk-proj-simulated"  # good for models, not for reports
LIMITS = {"1d": (7, 31), "1h": (24, 168), "1m": (60, 1440)}  # buckets: by default, at most
COST_LIMITS = {"1d": (7, 180)}
DEFAULT_PAGE, LARGEST_PAGE = 20, 100  # members
COMMON = {"start_time", "end_time", "bucket_width", "limit", "page", "group_by", "project_ids"}
BY_PERSON = ("project_id", "user_id", "api_key_id")
BY_MODEL = (*BY_PERSON, "model")
FILTERS = {"project_id": "project_ids", "user_id": "user_ids", "api_key_id": "api_key_ids",
           "model": "models"}  # fmt: skip


class Kind(NamedTuple):
    """A kind of usage: what its results are called and count, what they can be grouped by."""

    result: str
    counter: str
    dimensions: tuple[str, ...]
    more: tuple[str, ...] = ()  # further filters


KINDS = {
    "completions": Kind("completions", "", (*BY_MODEL, "batch", "service_tier"), ("batch",)),
    "decisions": Kind("decisions", "", (*BY_MODEL, "batch", "service_tier"), ("batch",)),
    "embeddings": Kind("embeddings", "", BY_MODEL),
    "moderations": Kind("moderations", "", BY_MODEL),
    "images": Kind("images", "images", (*BY_MODEL, "size", "source"), ("sizes", "sources")),
    "audio_speeches": Kind("audio_speeches", "characters", BY_MODEL),
    "audio_transcriptions": Kind("audio_transcriptions", "seconds", BY_MODEL),
    "vector_stores": Kind("vector_stores", "usage_bytes", ("project_id",)),
    "code_interpreter_sessions": Kind("code_interpreter_sessions", "num_sessions", ("project_id",)),
    "file_search_calls": Kind(
        "file_searches", "num_requests", (*BY_PERSON, "vector_store_id"), ("vector_store_ids",)
    ),
    "web_search_calls": Kind(
        "web_searches", "num_requests", (*BY_MODEL, "context_level"), ("context_levels",)
    ),
}
COSTS_BY = ("project_id", "line_item", "api_key_id")
# The kind that a company's record is of, by the unit it is counted in.
KIND_OF_UNIT = {
    "image": "images", "character": "audio_speeches", "second": "audio_transcriptions",
    "byte_day": "vector_stores", "session": "code_interpreter_sessions",
    "file_search_call": "file_search_calls", "web_search_call": "web_search_calls",
}  # fmt: skip


class OpenAI(Vendor):
    """An organisation. ``projects``: the project of a key, else ``proj_default``; ``deleted``:
    people who are no members any more, though their usage is there. ``lag_minutes``: how long
    usage takes to be seen; ``restates``: a bucket of the last three days says a tenth less;
    ``is_old``: without the newer fields; ``writes_text``: amounts are text; ``page_size``: buckets
    of a page at most, below what the vendor allows."""

    routes = (
        ("GET", r"/v1/organization/usage/(\w+)", "usage"),
        ("GET", r"/v1/organization/costs", "costs"),
        ("GET", r"/v1/organization/users", "users"),
    )

    def __init__(
        self,
        company_rows: Sequence[Usage],
        costs: Sequence[VendorCost],
        now: datetime,
        *,
        admin_key: str = ADMIN_KEY,
        projects: Mapping[str, str] | None = None,
        deleted: Collection[str] = (),
        lag_minutes: int = 0,
        restates: bool = False,
        is_old: bool = False,
        writes_text: bool = False,
        page_size: int = 1440,
        faults: Faults | None = None,
        limit: Limit | None = None,
        delay_seconds: float = 0.0,
    ) -> None:
        super().__init__(now, faults=faults, limit=limit, delay_seconds=delay_seconds)
        self.admin_key, self.restates, self.page_size = admin_key, restates, page_size
        self.is_old, self.writes_text = is_old, writes_text
        self._projects, self.deleted = projects or {}, deleted
        lag = timedelta(minutes=lag_minutes)
        by_kind: dict[str, list[Usage]] = {kind: [] for kind in KINDS}
        for row in company_rows:
            by_kind[_kind(row)].append(row)
        self._usage = {
            kind: Ledger(rows, lambda row: row.occurred_at, lag) for kind, rows in by_kind.items()
        }
        self._costs = Ledger(costs, lambda row: datetime.combine(row.cost_date, time()), lag)
        people = sorted({row.person for row in company_rows if row.person})
        self.user_ids = {person: f"user-{n:06d}" for n, person in enumerate(people, start=1)}
        self.staged_ids: dict[tuple[str, str], str] = {}  # no mart shows an id of these

    def admit(self, request: Request) -> None:
        """An Admin key."""
        key = request.headers.get("authorization")
        if key == f"Bearer {PROJECT_KEY}":
            scope = "users" if request.path.endswith("/users") else "usage"
            message = (
                "You have insufficient permissions for this operation. Missing scopes: "
                f"api.{'management' if scope == 'users' else scope}.read. Check that you have the "
                "correct role in your organization."
            )
            raise Refusal(_error(403, message, "invalid_request_error", None))
        if key != f"Bearer {self.admin_key}":
            raise Refusal(self.denied())

    def limited(self, seconds: float) -> Response:
        """429, with the seconds to wait."""
        response = _error(429, "Rate limit reached", "requests", "rate_limit_exceeded")
        response.headers = {"retry-after": f"{seconds:.2f}"}
        return response

    def denied(self) -> Response:
        """401."""
        message = "Incorrect API key provided."
        return _error(401, message, "invalid_request_error", "invalid_api_key")

    def broken(self) -> Response:
        """500: OpenAI never puts an error into an answer of status 200."""
        return _error(500, "The server had an error", "server_error", None)

    def limit_headers(self, left: int, reset: float) -> dict[str, str]:
        """The limit, what is left, and how long until it is whole."""
        return {
            "x-ratelimit-limit-requests": str(self.limit.requests if self.limit else 60),
            "x-ratelimit-remaining-requests": str(left),
            "x-ratelimit-reset-requests": f"{reset:.3f}s",
        }

    def emptied(self, response: Response) -> Response:
        """A page without buckets, before the page with them."""
        if isinstance(response.body, Page):
            body = {"object": "page", **emptied(response.body)}
            return Response(body, 200, response.headers)
        return response

    def usage(self, request: Request, name: str) -> Response:
        """One kind of usage by bucket and dimension."""
        self.admit(request)
        if name not in KINDS:
            raise Refusal(_error(404, "Invalid URL", "invalid_request_error", None))
        kind = KINDS[name]
        filters = {FILTERS[d]: d for d in kind.dimensions if d in FILTERS}
        known = COMMON | filters.keys() | {*kind.more}
        dimensions = _dimensions(request, known, kind.dimensions)
        wanted = {
            dimension: set(_listed(request, parameter))
            for parameter, dimension in filters.items()
            if _listed(request, parameter)
        }

        def bucket(start: datetime, end: datetime) -> dict[str, Any]:
            rows = [
                row
                for row in self._usage[name].between(start, end, self.now)
                if all(self._place(row)[d] in values for d, values in wanted.items())
            ]
            return _bucket(start, end, [
                self._result(name, dict(zip(dimensions, key, strict=True)), group, start)
                for key, group in grouped(rows, lambda row: self._key(row, dimensions))
            ])  # fmt: skip

        return self._buckets(request, LIMITS, bucket)

    def costs(self, request: Request) -> Response:
        """What will be billed, by day."""
        self.admit(request)
        dimensions = _dimensions(request, COMMON | {"api_key_ids"}, COSTS_BY)

        def place_of(row: VendorCost) -> Key:
            own = {
                "project_id": row.account_id,
                "line_item": row.line_item,
                "api_key_id": row.api_key_id,
            }
            return (row.currency.lower(), *(own[name] for name in dimensions))

        def bucket(start: datetime, end: datetime) -> dict[str, Any]:
            groups = grouped(self._costs.between(start, end, self.now), place_of)
            return _bucket(start, end, [self._cost(dimensions, k, rows) for k, rows in groups])

        return self._buckets(request, COST_LIMITS, bucket)

    def users(self, request: Request) -> Response:
        """The members, in the order they came."""
        self.admit(request)
        if request.query.keys() - {"limit", "after", "emails"}:
            raise _invalid("unknown parameter")
        limit = _limit(request, DEFAULT_PAGE, LARGEST_PAGE)
        members = [p for p in self.user_ids if p not in self.deleted]
        ids = [self.user_ids[person] for person in members]
        after = request.one("after")
        if after and after not in ids:
            raise _invalid("after: no such user")
        first = ids.index(after) + 1 if after else 0
        held = members[first : first + limit]
        return Response({
            "object": "list",
            "data": [
                {
                    "object": "organization.user", "id": self.user_ids[person],
                    "name": person.split("@")[0], "email": person, "role": "reader",
                    "added_at": 1700000000, "is_service_account": False,
                }
                for person in held
            ],
            "first_id": self.user_ids[held[0]] if held else None,
            "last_id": self.user_ids[held[-1]] if held else None,
            "has_more": first + limit < len(members),
        })  # fmt: skip

    def _buckets(
        self,
        request: Request,
        limits: Mapping[str, tuple[int, int]],
        bucket: Callable[[datetime, datetime], dict[str, Any]],
    ) -> Response:
        width = request.one("bucket_width", "1d")
        if width not in limits:
            raise _invalid(f"bucket_width: use one of {', '.join(limits)}")
        limit = min(_limit(request, *limits[width]), self.page_size)
        start, end = _moment(request, "start_time"), self.now
        if "end_time" in request.query:
            end = _moment(request, "end_time")
            if end <= start:
                raise _invalid("end_time must be after start_time")
        start = floored(start, width)
        try:
            found = page(
                start, min(end, self.now), WIDTHS[width], limit, request.one("page"), bucket
            )
        except ValueError:
            raise _invalid("page: invalid cursor") from None
        found["object"] = "page"
        return Response(found)

    def _place(self, row: Usage) -> dict[str, Any]:
        return {
            "project_id": self._projects.get(row.api_key_id or "", "proj_default"),
            "user_id": self.user_ids.get(row.person or ""),
            "api_key_id": row.api_key_id,
            "model": row.model,
            "batch": bool(row.is_batch),
            "service_tier": row.service_tier or "default",
            "size": "1024x1024",
            "source": "image.generation",
            "vector_store_id": "vs_simulated",
            "context_level": "medium",
        }

    def _key(self, row: Usage, dimensions: Sequence[str]) -> Key:
        own = self._place(row)
        return tuple(own[name] for name in dimensions)

    def _result(
        self, name: str, dimensions: Mapping[str, Any], rows: Sequence[Usage], start: datetime
    ) -> dict[str, Any]:
        def total(field: str) -> int:
            told = sum(int(getattr(row, field) or 0) for row in rows)
            return restated(told, start, self.now) if self.restates else told

        kind = KINDS[name]
        result: dict[str, Any] = {"object": f"organization.usage.{kind.result}.result"}
        result |= dict.fromkeys(kind.dimensions) | dict(dimensions)
        if "user_id" in kind.dimensions and kind.result != "file_searches":
            result["num_model_requests"] = total("request_count")
        if kind.counter:
            return result | {kind.counter: total("other_units")}
        cached, uncached = total("cache_read_tokens"), total("uncached_input_tokens")
        if kind.result in ("embeddings", "moderations"):
            return result | {"input_tokens": uncached}
        short, long = total("cache_write_5m_tokens"), total("cache_write_1h_tokens")
        output = total("output_tokens")
        result |= {
            "input_tokens": uncached + cached + short + long,
            "output_tokens": output,
            "input_cached_tokens": cached,
            "input_audio_tokens": 0,
            "output_audio_tokens": 0,
        }
        if self.is_old:
            return result
        return result | {
            "input_uncached_tokens": uncached,
            "input_cache_write_tokens": short + long,
            "input_cache_write_30m_tokens": short,
            "input_cache_write_12h_tokens": long,
            "input_text_tokens": uncached,
            "input_cached_text_tokens": cached,
            "input_cached_audio_tokens": 0,
            "input_image_tokens": 0,
            "input_cached_image_tokens": 0,
            "output_text_tokens": output,
            "output_image_tokens": 0,
        }

    def _cost(
        self, dimensions: Sequence[str], key: Key, rows: Sequence[VendorCost]
    ) -> dict[str, Any]:
        amount = sum((row.amount for row in rows), Decimal())
        has_lines = "line_item" in dimensions
        return {
            "object": "organization.costs.result",
            "amount": {
                "value": f"{amount:.30f}" if self.writes_text else amount,
                "currency": key[0],
            },
            "quantity": amount * 1000 if has_lines else None,
            "quantity_unit": "1000_tokens" if has_lines else None,
            "organization_id": "org-simulated",
            "project_name": None,
            **dict.fromkeys(COSTS_BY),
            **dict(zip(dimensions, key[1:], strict=True)),
        }


def _kind(row: Usage) -> str:
    if row.other_unit_name:
        return KIND_OF_UNIT[row.other_unit_name]
    if "embedding" in row.model:
        return "embeddings"
    return "moderations" if "moderation" in row.model else "completions"


def _bucket(start: datetime, end: datetime, results: list[dict[str, Any]]) -> dict[str, Any]:
    first, last = (int(m.replace(tzinfo=UTC).timestamp()) for m in (start, end))
    return {"object": "bucket", "start_time": first, "end_time": last, "results": results}


def _dimensions(request: Request, known: set[str], allowed: Sequence[str]) -> list[str]:
    # The reference names arrays without brackets; the vendor's own client sends them with.
    unknown = {name.removesuffix("[]") for name in request.query} - known
    if unknown:
        raise _invalid(f"Unknown parameter: '{min(unknown)}'.")
    dimensions = _listed(request, "group_by")
    if set(dimensions) - set(allowed):
        raise _invalid(f"group_by: use any of {', '.join(allowed)}")
    return list(dict.fromkeys(dimensions))


def _listed(request: Request, name: str) -> list[str]:
    return [*request.query.get(name, []), *request.query.get(f"{name}[]", [])]


def _limit(request: Request, default: int, most: int) -> int:
    limit = _number(request, "limit", str(default))
    if not 1 <= limit <= most:
        raise _invalid(f"limit must be between 1 and {most}")
    return limit


def _moment(request: Request, name: str) -> datetime:
    seconds = _number(request, name, "")
    try:
        return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
    except (ValueError, OverflowError, OSError):
        raise _invalid(f"{name} must be in seconds") from None


def _number(request: Request, name: str, default: str) -> int:
    try:
        return int(request.one(name, default))
    except ValueError:
        raise _invalid(f"{name} must be a whole number") from None


def _invalid(message: str) -> Refusal:
    return Refusal(_error(400, message, "invalid_request_error", None))


def _error(status: int, message: str, kind: str, code: str | None) -> Response:
    error = {"message": message, "type": kind, "param": None, "code": code}
    return Response({"error": error}, status)
