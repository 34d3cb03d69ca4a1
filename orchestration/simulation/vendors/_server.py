"""A vendor's server: routes, credentials, rate limits, and every way to misbehave.

It listens on 127.0.0.1, on a port of the system's choosing, in threads of this process.
"""

import json
import random
import re
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import parse_qs, unquote, urlsplit

FaultKind = Literal[
    "limit",  # over the rate limit, in the vendor's own way
    "error",  # 500, 502 or 503
    "reset",  # the connection ends without an answer
    "stall",  # nothing comes for longer than a client waits
    "truncated",  # the body ends before its announced length
    "half_json",  # the body is cut, and announced as it is
    "html",  # 200 with a page for people
    "error_in_body",  # 200 with an error inside, where the vendor does that
    "repeated_page",  # the page before comes again
    "empty_page",  # a page without rows, and the next one after it
    "expired",  # the credential is refused, once
    "clock_skew",  # the Date header is an hour off
]
FAULTS: tuple[FaultKind, ...] = (
    "limit", "error", "reset", "stall", "truncated", "half_json", "html", "error_in_body",
    "repeated_page", "empty_page", "expired", "clock_skew",
)  # fmt: skip
PASSING: tuple[FaultKind, ...] = (
    "limit",
    "error",
    "reset",
    "truncated",
    "half_json",
    "html",
    "error_in_body",
    "clock_skew",
)  # fmt: skip  (what a client gets over without a new run)


# What says where in a list a page begins, at any vendor.
BEGINNINGS = (None, "", 0, "0", 1, "1")
PLACES = ("offset", "total", "page", "after", "cursor", "startAt", "nextPageToken")


@dataclass
class Faults:
    """How often (0 to 1) which faults happen, drawn from a seed."""

    rate: float = 0.0
    kinds: tuple[FaultKind, ...] = PASSING
    seed: int = 0
    stall_seconds: float = 3.0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311
        self._lock = threading.Lock()
        self.happened: list[FaultKind] = []

    def draw(self) -> FaultKind | None:
        """The fault of the next request, if it has one."""
        with self._lock:
            if self._random.random() >= self.rate:
                return None
            kind = self._random.choice(self.kinds)
            self.happened.append(kind)
            return kind


@dataclass(frozen=True)
class Request:
    """What a client asked. Header names are lower-case; ``query`` holds every value given."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes

    def one(self, name: str, default: str = "") -> str:
        """The last value of a parameter."""
        return self.query.get(name, [default])[-1]

    def json(self) -> Any:
        """The body as JSON. Raises ValueError."""
        return json.loads(self.body)

    @property
    def listed(self) -> str:
        """What is asked for, whichever page of it."""
        query = {name: values for name, values in self.query.items() if name not in PLACES}
        body = self.json() if self.body.startswith(b"{") else {}
        asked = {name: value for name, value in body.items() if name not in PLACES}
        variables = asked.get("variables")
        if isinstance(variables, dict):
            asked["variables"] = {n: v for n, v in variables.items() if n not in PLACES}
        return json.dumps([self.path, query, asked], sort_keys=True)

    @property
    def is_first_page(self) -> bool:
        """Whether it asks for a list from its beginning."""
        body = self.json() if self.body.startswith(b"{") else {}
        given = {
            **body,
            **(body.get("variables") or {}),
            **{n: v[-1] for n, v in self.query.items()},
        }
        return all(given.get(name) in BEGINNINGS for name in PLACES if name != "total")


@dataclass
class Response:
    """What the server answers: ``body`` is JSON unless it is bytes."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    def content(self) -> bytes:
        """The body's bytes."""
        if self.body is None:
            return b""
        if isinstance(self.body, bytes):
            return self.body
        return json.dumps(self.body, default=_plain).encode()


class Refusal(Exception):
    """A request that the vendor would refuse; carries the answer."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


@dataclass
class Limit:
    """At most ``requests`` in any ``seconds``."""

    requests: int
    seconds: float

    def __post_init__(self) -> None:
        self._times: deque[float] = deque()
        self._lock = threading.Lock()

    def take(self) -> tuple[bool, int, float]:
        """Whether a request is allowed, how many are left, and after how many seconds the
        oldest one no longer counts."""
        with self._lock:
            now = time.monotonic()
            while self._times and self._times[0] <= now - self.seconds:
                self._times.popleft()
            allowed = len(self._times) < self.requests
            if allowed:
                self._times.append(now)
            reset = self.seconds - (now - self._times[0]) if self._times else 0.0
            return allowed, self.requests - len(self._times), reset


class Vendor:
    """One vendor's server. A subclass sets ``routes`` (a pattern of the path, with groups, and the
    method's name that answers it), checks credentials in ``admit`` and says in ``limited``,
    ``denied`` and ``broken`` how this vendor puts it.

    ``now``: the simulated moment; what is later does not exist yet. ``delay_seconds``: how long an
    answer takes at least. Every request is kept in ``requests``.
    """

    routes: tuple[tuple[str, str, str], ...] = ()  # method, pattern, name of the answering method

    def __init__(
        self, now: datetime, *, faults: Faults | None = None, limit: Limit | None = None,
        delay_seconds: float = 0.0,
    ) -> None:  # fmt: skip
        self.now = now
        self.faults = faults or Faults()
        self.limit = limit
        self.delay_seconds = delay_seconds
        self.requests: list[Request] = []
        self._routes = [(m, re.compile(p), getattr(self, n)) for m, p, n in self.routes]
        self._before: dict[str, Response] = {}
        self._server: ThreadingHTTPServer | None = None

    def __enter__(self) -> Self:
        self._server = _Listener(("127.0.0.1", 0), _handler(self))
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end."""
        assert self._server is not None, "not started"  # noqa: S101
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def admit(self, request: Request) -> None:
        """Raises Refusal if the credential is missing, wrong or not enough."""

    def limited(self, seconds: float) -> Response:
        """How the vendor says that the limit is reached."""
        return Response({"error": "rate limited"}, 429, {"Retry-After": f"{seconds:.2f}"})

    def denied(self) -> Response:
        """How the vendor says that a credential has expired."""
        return Response({"error": "unauthorized"}, 401)

    def broken(self) -> Response:
        """How the vendor says in an answer of status 200 that something went wrong."""
        return Response({"error": "internal"}, 500)

    def emptied(self, response: Response) -> Response:
        """The same page without its rows, where the vendor gives such pages."""
        return response

    def limit_headers(self, left: int, reset: float) -> dict[str, str]:
        """What every answer says of the limit."""
        return {}

    def answer(self, request: Request) -> Response:
        """The right answer, whatever the faults."""
        headers: dict[str, str] = {}
        try:
            if self.limit:
                allowed, left, reset = self.limit.take()
                headers = self.limit_headers(left, reset)
                if not allowed:
                    raise Refusal(self.limited(reset))
            for method, pattern, function in self._routes:
                match = pattern.fullmatch(request.path)
                if match and method == request.method:
                    # A signed link needs no credential: such a route admits by itself.
                    response: Response = function(request, *map(unquote, match.groups()))
                    break
            else:
                response = Response({"message": "Not Found"}, 404)
        except Refusal as refusal:
            response = refusal.response
        response.headers = {**headers, **response.headers}
        return response

    def respond(self, request: Request) -> tuple[Response, FaultKind | None]:
        """The answer, and the fault that the handler still has to commit."""
        self.requests.append(request)
        if self.delay_seconds:
            time.sleep(self.delay_seconds)
        kind = self.faults.draw()
        if kind == "limit":
            return self.limited(0.05), None
        if kind == "error":
            return Response(b"", random.choice((500, 502, 503))), None  # noqa: S311
        if kind == "html":
            page = b"<html><body>We will be back soon</body></html>"
            return Response(page, 200, {"Content-Type": "text/html"}), None
        if kind == "error_in_body":
            return self.broken(), None
        if kind == "expired":
            return self.denied(), None
        response = self.answer(request)
        before = self._before.get(request.listed)
        if kind == "repeated_page" and before is not None and not request.is_first_page:
            return before, None
        if kind == "empty_page":
            response = self.emptied(response)
        self._before[request.listed] = response
        return response, kind


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""


def _handler(vendor: Vendor) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:  # noqa: N802
            self._serve("GET")

        def do_POST(self) -> None:  # noqa: N802
            self._serve("POST")

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

        def _serve(self, method: str) -> None:
            parts = urlsplit(self.path)
            request = Request(
                method,
                parts.path,
                parse_qs(parts.query, keep_blank_values=True),
                {name.lower(): value for name, value in self.headers.items()},
                self.rfile.read(int(self.headers.get("Content-Length") or 0)),
            )
            response, fault = vendor.respond(request)
            if fault == "stall":
                time.sleep(vendor.faults.stall_seconds)
            if fault in ("reset", "stall"):
                self._reset()
                return
            self._write(response, fault)

        def _write(self, response: Response, fault: FaultKind | None) -> None:
            content = response.content()
            length = len(content)
            if fault in ("truncated", "half_json"):
                content = content[: length // 2]
            if fault == "half_json":
                length = len(content)
            skew = 3600 if fault == "clock_skew" else 0
            moment = datetime.fromtimestamp(time.time() + skew, UTC)
            self.send_response_only(response.status)
            self.send_header("Date", format_datetime(moment, usegmt=True))
            self.send_header("Content-Type", "application/json; charset=utf-8")
            for name, value in response.headers.items():
                self.send_header(name, value)
            if response.status != 204:
                self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(content)
            if fault == "truncated":
                self._reset()

        def _reset(self) -> None:
            """Ends the connection as a crash would, not as a goodbye."""
            self.wfile.flush()
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()
            self.close_connection = True

    return Handler


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(type(value).__name__)


def moment(value: datetime) -> str:
    """A moment of the company (UTC without a zone) as most vendors write it."""
    return value.strftime("%Y-%m-%dT%H:%M:%SZ")
