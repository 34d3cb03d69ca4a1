"""HTTP as every vendor's API wants it: one session over requests, the same for all systems.

It says the credential to the configured host alone, tries again what may pass, waits where the
vendor says so, and ends in an ``ApiError`` of one line that holds no credential, no query and no
text of the vendor's.
"""

import base64
import email.utils
import functools
import hashlib
import json
import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, TypeVar
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter

log = logging.getLogger(__name__)

ATTEMPTS = 6  # of one request, before the vendor counts as unavailable
LONGEST_PAUSE_SECONDS = 60.0
LONGEST_WAIT_SECONDS = 4000.0  # more than the hour after which most limits start anew
WAITS = 50  # in a row, for one request
REDIRECTS = 5
PAGES = 20_000  # of one list: more is a vendor that says "next" for ever
ANSWER_BYTES = 512 * 1024 * 1024
ANSWER_SECONDS = 600.0  # a server that sends a byte a minute never runs into a read timeout
CHUNK = 1024 * 1024
# What the vendor said the limit is; read where there is no Retry-After.
RESET_HEADERS = ("x-ratelimit-reset", "ratelimit-reset")
EPOCH_AFTER = 1_000_000_000  # a reset above is a moment, below it seconds to wait

Item = TypeVar("Item")
Result = TypeVar("Result")
Parameters = Mapping[str, Any] | None


class ApiError(Exception):
    """What a vendor's API did not give, in one line: what was asked, what came, what to do."""


class Denied(ApiError):
    """The credential is missing, wrong, expired, or may not read this. Never tried again."""


class Absent(ApiError):
    """There is no such thing, or the credential may not know of it."""


class Unavailable(ApiError):
    """It did not answer, or asked to come back too often. The next run tries again."""


class Unexpected(ApiError):
    """It answered, but not as it promises to."""


@dataclass(frozen=True)
class Answer:
    """One answer: its status, headers (lower-case names) and whole body. ``path`` is what was
    asked for, without the query."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    path: str

    def json(self) -> Any:
        """The body as JSON, numbers with a point as Decimal. Raises ValueError."""
        return self._parsed

    @functools.cached_property
    def _parsed(self) -> Any:
        return json.loads(self.body, parse_float=Decimal)

    def link(self, relation: str) -> str | None:
        """The address that the Link header gives for a relation (``next``)."""
        links = requests.utils.parse_header_links(self.headers.get("link", ""))
        return next((str(li["url"]) for li in links if li.get("rel") == relation), None)


@dataclass(frozen=True)
class Verdict:
    """What an answer means.

    ``ok``: use it; ``wait``: come back after ``seconds``; ``retry``: it may pass; ``denied``,
    ``absent``, ``fatal``: it will not. ``message`` says more, without the vendor's own words.
    """

    kind: Literal["ok", "wait", "retry", "denied", "absent", "fatal"]
    message: str = ""
    seconds: float | None = None


OK = Verdict("ok")


def standard(answer: Answer) -> Verdict:
    """What a status means where the vendor keeps to the rules; a vendor's own classification
    looks at its peculiarities first and asks here for the rest."""
    status = answer.status
    if 200 <= status < 300:
        return OK
    if status == 401:
        return Verdict("denied", "the credential is not accepted (wrong, expired or revoked)")
    if status == 403:
        return Verdict("denied", "the credential may not read this")
    if status in (404, 410):
        return Verdict("absent", "there is no such thing, or the credential may not see it")
    if status == 429:
        return Verdict("wait", "the rate limit is reached", wait_seconds(answer))
    if status in (408, 425) or status >= 500:
        # Some say when their limit starts anew on every answer; that is not for this one.
        is_told = "retry-after" in answer.headers
        return Verdict("retry", f"status {status}", wait_seconds(answer) if is_told else None)
    return Verdict("fatal", f"status {status}")


def wait_seconds(answer: Answer) -> float | None:
    """How long the vendor asks to wait: ``Retry-After`` in seconds or as a date, else when its
    limit starts anew. Moments are compared with the vendor's own clock, which may not be ours."""
    after = answer.headers.get("retry-after", "").strip()
    if after.replace(".", "", 1).isdigit():
        return float(after)
    moment = _http_date(after)
    if moment is None:
        for name in RESET_HEADERS:
            text = answer.headers.get(name, "").strip()
            if text.replace(".", "", 1).isdigit():
                number = float(text)
                if number < EPOCH_AFTER:
                    return number
                moment = number
                break
    if moment is None:
        return None
    return max(0.0, moment - (_http_date(answer.headers.get("date", "")) or time.time()) + 1)


@dataclass
class Api:
    """One vendor's API. ``authorize`` gives the headers that carry the credential, anew for each
    request, so that a token may be renewed; they go to ``base_url``'s origin alone. Counts what was
    ``asked`` and the seconds it ``waited``. May be used by several threads."""

    name: str
    base_url: str
    authorize: Callable[[], Mapping[str, str]] = dict
    classify: Callable[[Answer], Verdict] = standard
    headers: Mapping[str, str] = field(default_factory=dict)
    concurrency: int = 4
    first_pause_seconds: float = 1.0
    read_timeout_seconds: float = 60.0
    asked: int = 0
    waited: float = 0.0

    def __post_init__(self) -> None:
        self.base_url = self.base_url.rstrip("/")
        self._origin = _origin(self.base_url)
        self._local = threading.local()
        self._lock = threading.Lock()
        self._not_before = 0.0
        self._random = random.Random()  # noqa: S311  (jitter, not a secret)

    def get(self, path: str, parameters: Parameters = None) -> Answer:
        """Asks for JSON and gives the answer once it is right. ``path`` is below ``base_url``, or
        an address that the vendor gave on the same host. Raises ApiError."""
        return self._ask("GET", path, parameters, None)

    def post(self, path: str, body: Mapping[str, Any]) -> Answer:
        """Asks with a JSON body, for APIs whose questions do not fit an address."""
        return self._ask("POST", path, None, body)

    def lines(self, address: str) -> Iterator[bytes]:
        """The lines of a file behind a signed link, which may lie on any host: it is fetched
        without the credential. A file cut short is fetched again, before any line is given."""
        yield from self._ask("GET", address, None, None, is_signed=True).body.splitlines()

    def pages(
        self,
        path: str,
        parameters: Parameters,
        following: Callable[[Answer], tuple[str, Parameters] | None],
        rows: Callable[[Any], list[Any]],
    ) -> Iterator[Answer]:
        """The pages of a list. ``following`` tells from an answer what to ask next; ``rows`` is
        what a page holds. A page that comes again instead of the next one, and a list without an
        end, raise Unexpected: what they hide cannot be known."""
        asked: set[str] = set()
        before = b""
        call: tuple[str, Parameters] | None = (path, parameters)
        while call is not None:
            question = json.dumps([call[0], dict(call[1] or {})], sort_keys=True, default=str)
            if question in asked or len(asked) >= PAGES:
                raise Unexpected(f"{self.name}: {path}: its pages have no end; nothing of it kept")
            asked.add(question)
            answer = self.get(*call)
            held = self._rows(answer, rows)
            digest = hashlib.sha256(json.dumps(held, default=str).encode()).digest()
            if held and digest == before:
                raise Unexpected(f"{self.name}: {path}: gave a page twice; nothing of it kept")
            before = digest
            yield answer
            call = self._read(answer, following)

    def map(
        self, function: Callable[[Item], Result], items: Iterable[Item]
    ) -> Iterator[tuple[Item, Result]]:
        """Items and what ``function`` makes of them, in order, ``concurrency`` at a time; no more
        than twice as many are begun as are taken. What a call raises is raised at its turn."""
        begun: deque[tuple[Item, Future[Result]]] = deque()
        source = iter(items)
        with ThreadPoolExecutor(self.concurrency) as pool:
            try:
                for item in source:
                    begun.append((item, pool.submit(function, item)))
                    if len(begun) >= 2 * self.concurrency:
                        first, future = begun.popleft()
                        yield first, future.result()
                while begun:
                    first, future = begun.popleft()
                    yield first, future.result()
            finally:
                for _, future in begun:
                    future.cancel()

    def _rows(self, answer: Answer, rows: Callable[[Any], list[Any]]) -> list[Any]:
        held = self._read(answer, lambda each: rows(each.json()))
        if not isinstance(held, list):
            raise Unexpected(f"{self.name}: {answer.path}: gave no list where one is documented")
        return held

    def _read(self, answer: Answer, read: Callable[[Answer], Result]) -> Result:
        try:
            return read(answer)
        except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
            raise Unexpected(
                f"{self.name}: {answer.path}: the answer has another form than documented "
                f"({type(error).__name__})"
            ) from None

    def _ask(
        self,
        method: str,
        path: str,
        parameters: Parameters,
        body: Mapping[str, Any] | None,
        is_signed: bool = False,
    ) -> Answer:
        url = self._url(path, is_signed)
        attempts = waits = 0
        while True:
            verdict, answer = self._try(method, url, parameters, body, is_signed)
            if verdict.kind == "ok" and answer is not None:
                return answer
            where = f"{self.name}: {method} {urlsplit(url).path}"
            if verdict.kind == "denied":
                raise Denied(f"{where}: {verdict.message}")
            if verdict.kind == "absent":
                raise Absent(f"{where}: {verdict.message}")
            if verdict.kind == "fatal":
                raise Unexpected(f"{where}: {verdict.message}")
            if verdict.kind == "wait":
                waits += 1
            else:
                attempts += 1
            pause = self._pause(verdict, max(attempts, waits))
            if attempts >= ATTEMPTS or waits >= WAITS or pause > LONGEST_WAIT_SECONDS:
                raise Unavailable(
                    f"{where}: {verdict.message}; gave up after {attempts + waits} tries"
                )
            if pause >= 5:
                log.warning("%s: %s; waiting %.0f s", self.name, verdict.message, pause)
            self._hold(pause, is_shared=verdict.kind == "wait")

    def _url(self, path: str, is_signed: bool) -> str:
        url = path if "://" in path else self.base_url + path
        try:
            scheme, host, _ = origin = _origin(url)
        except ValueError:
            raise Unexpected(f"{self.name}: was sent to an address that is none") from None
        if not is_signed and origin != self._origin:
            raise Unexpected(f"{self.name}: was sent to another host ({host}); not followed")
        if is_signed and scheme not in ("https", self._origin[0]):
            raise Unexpected(f"{self.name}: a download link is not https; not followed")
        return url

    def _try(
        self,
        method: str,
        url: str,
        parameters: Parameters,
        body: Mapping[str, Any] | None,
        is_signed: bool,
    ) -> tuple[Verdict, Answer | None]:
        self._hold(0)
        try:
            answer = self._send(method, url, parameters, body, is_signed)
        except requests.Timeout:
            return Verdict("retry", "no answer in time"), None
        except requests.exceptions.SSLError:
            return Verdict("fatal", "its certificate is not trusted"), None
        except (requests.RequestException, OSError) as error:
            # Its text may hold the address with all its parameters.
            host = urlsplit(url).hostname
            failed = f"the connection to {host} failed ({type(error).__name__})"
            return Verdict("retry", failed), None
        except ValueError:
            # requests reads a redirect's target although it is not to follow it.
            return Verdict("fatal", "it answered with an address that is none"), None
        if not _is_whole(answer):
            return Verdict("retry", "the body is not what its checksum says"), None
        verdict = standard(answer) if is_signed else self.classify(answer)
        if verdict.kind == "ok" and not is_signed and answer.status != 204:
            try:
                answer.json()
            except ValueError:
                return Verdict("retry", f"status {answer.status}, but the body is not JSON"), None
        return verdict, answer

    def _send(
        self,
        method: str,
        url: str,
        parameters: Parameters,
        body: Mapping[str, Any] | None,
        is_signed: bool,
    ) -> Answer:
        given = {} if is_signed else {**self.headers, **self.authorize()}
        for _ in range(REDIRECTS + 1):
            with self._lock:
                self.asked += 1
            response = self._session().request(
                method, url, params=parameters, json=body, headers=given, stream=True,
                allow_redirects=False, timeout=(10, self.read_timeout_seconds),
            )  # fmt: skip
            with response:
                content = _content(response)
            answer = Answer(
                response.status_code,
                {name.lower(): value for name, value in response.headers.items()},
                content,
                urlsplit(url).path,
            )
            target = answer.headers.get("location")
            if answer.status not in (301, 302, 303, 307, 308) or not target:
                return answer
            url, parameters = self._url(urljoin(url, target), is_signed), None
        raise Unexpected(f"{self.name}: {answer.path}: redirects without end")

    def _session(self) -> requests.Session:
        """The thread's own session: those of requests are not made to be shared."""
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = requests.Session()
            session.auth = _as_it_is  # else requests takes a login from ~/.netrc
            session.headers["User-Agent"] = "valuemaxx"
            for scheme in ("https://", "http://"):
                session.mount(scheme, HTTPAdapter(pool_connections=4, pool_maxsize=4))
            self._local.session = session
        return session

    def _pause(self, verdict: Verdict, tries: int) -> float:
        """What the vendor asks for, else twice as long each time; never all at one moment."""
        if verdict.seconds is not None:
            return verdict.seconds
        most = min(LONGEST_PAUSE_SECONDS, self.first_pause_seconds * 2.0 ** (tries - 1))
        return most * self._random.uniform(0.5, 1.0)

    def _hold(self, seconds: float, is_shared: bool = False) -> None:
        """Waits. A limit is the whole credential's: one thread that is told to wait holds all."""
        until = time.monotonic() + seconds
        with self._lock:
            if is_shared:
                self._not_before = max(self._not_before, until)
            until = max(until, self._not_before)
        pause = until - time.monotonic()
        if pause > 0:
            time.sleep(pause)
            with self._lock:
                self.waited += pause


def _content(response: requests.Response) -> bytes:
    """The whole body; an end before its announced length raises, as does one that never comes."""
    started = time.monotonic()
    parts: list[bytes] = []
    size = 0
    for part in response.iter_content(CHUNK):
        parts.append(part)
        size += len(part)
        if size > ANSWER_BYTES or time.monotonic() - started > ANSWER_SECONDS:
            raise requests.exceptions.ContentDecodingError("too long an answer")
    return b"".join(parts)


def _is_whole(answer: Answer) -> bool:
    """Whether the body has the checksum that stores of files send with it. A list of lines that
    was cut between two of them shows in nothing else."""
    said = answer.headers.get("content-md5")
    if said is None or "content-encoding" in answer.headers:
        return True
    digest = hashlib.md5(answer.body, usedforsecurity=False).digest()
    return base64.b64encode(digest).decode() == said.strip()


def _origin(url: str) -> tuple[str, str | None, int]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)


def _http_date(text: str) -> float | None:
    try:
        return email.utils.parsedate_to_datetime(text).timestamp() if text else None
    except (ValueError, TypeError):
        return None


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
