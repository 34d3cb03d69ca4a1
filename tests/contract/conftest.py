"""Independent servers: what a vendor has published, or what it was once recorded to say.

They answer requests of our clients that no one of us has foreseen. README.md tells what must be
installed; without it the tests are skipped. ``Front`` stands between a client and the mocks: it
keeps every exchange, and every complaint about a request.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import pyarrow.parquet as pq
import pytest

from orchestration.identity import Identity
from orchestration.lake import Lake, Outcome, Stream

HERE = Path(__file__).resolve().parent
HOME = os.environ.get("VALUEMAXX_CONTRACT_HOME", "")
GRAPHQL = "node_modules/@octokit/graphql-schema/schema.json"
PRISM = "node_modules/@stoplight/prism-cli/dist/index.js"
GITHUB = "node_modules/@octokit/openapi/generated/api.github.com.json"
JIRA = "node_modules/jira.js/src/version3"
RECORDINGS = "node_modules/@octokit/fixtures-server/index.js"
START_SECONDS = 120
SINCE = date(2026, 1, 1)
UNTIL = datetime(2026, 4, 1, tzinfo=UTC)  # the mocks' things happen in March
OWN_HEADERS = ("host", "connection", "content-length", "accept-encoding")

Amend = Callable[["Exchange", Any], Any]


def installed(*names: str) -> Path:
    """The folder that holds the packages; skips the test where one of them is missing."""
    if shutil.which("node") is None:
        pytest.skip("Node is not installed")
    if not HOME:
        pytest.skip("VALUEMAXX_CONTRACT_HOME is not set (tests/contract/README.md)")
    for name in names:
        if not (Path(HOME) / name).exists():
            pytest.skip(f"{name} is not in VALUEMAXX_CONTRACT_HOME (tests/contract/README.md)")
    return Path(HOME).resolve()


@contextmanager
def node(*arguments: object, ready: str) -> Iterator[re.Match[str]]:
    """A Node program while it runs; gives what ``ready`` found in its output."""
    with subprocess.Popen(
        ["node", *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        said: list[str] = []
        found = threading.Event()

        def listen() -> None:
            assert process.stdout
            for line in process.stdout:  # to its end, or the program stops at a full pipe
                if not found.is_set():
                    said.append(line)
                    if re.search(ready, line):
                        found.set()
            found.set()

        threading.Thread(target=listen, daemon=True).start()
        try:
            assert found.wait(START_SECONDS), "it did not start in time"
            match = re.search(ready, said[-1] if said else "")
            assert match, "".join(said)
            yield match
        finally:
            process.kill()


@dataclass
class Exchange:
    """One request of a client, and what it was answered with."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: bytes
    answer: bytes = b""

    def json(self) -> Any:
        """What was sent."""
        return json.loads(self.body)


@dataclass
class Front:
    """Takes a client's requests to the mocks and keeps them.

    ``prefix``: what the vendor's paths begin with and its specification leaves out. ``amend``:
    what an answer is changed to; a mock gives the same example for every page, for ever.
    ``files``: what is behind signed links. ``complaints``: every fault found with a request."""

    rest: str
    spec: dict[str, Any]
    graphql: str = ""
    prefix: str = ""
    amend: Amend = lambda exchange, body: body  # noqa: E731
    files: dict[str, bytes] = field(default_factory=dict)
    nulls: bool = False
    exchanges: list[Exchange] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    url: str = ""

    def asked(self, pattern: str) -> list[Exchange]:
        """The exchanges whose path matches."""
        return [each for each in self.exchanges if re.search(pattern, each.path)]

    def answer(self, exchange: Exchange) -> tuple[int, dict[str, str], bytes]:
        """Forwards a request; status, headers and body of the answer."""
        self.exchanges.append(exchange)
        if exchange.path in self.files:
            return 200, {}, self.files[exchange.path]
        if exchange.path == "/graphql":
            extra = {"x-nulls": "1"} if self.nulls else {}
            url = self.graphql + "/graphql"
            status, headers, body = _forward(url, exchange, exchange.query, extra)
            self._judge(exchange, status, body, [e["message"] for e in _errors(body)])
        else:
            path = exchange.path.removeprefix(self.prefix)
            query = self._as_declared(exchange, path)
            url = self.rest + _one_segment(path)
            # Vendors document media types of their own, and leave them out of the specification.
            accept = {"accept": exchange.headers.get("accept", "*/*") + ", application/json"}
            status, headers, body = _forward(url, exchange, query, accept)
            remarks = json.loads(headers.get("sl-violations", "[]"))
            wrong = [r["message"] for r in remarks if r["location"][0] != "response"]
            self._judge(exchange, status, body, wrong)
            headers = {}
        exchange.answer = body
        if body and status < 300:
            body = json.dumps(self.amend(exchange, json.loads(body))).encode()
        return status, headers, body

    def _judge(self, exchange: Exchange, status: int, body: bytes, wrong: list[str]) -> None:
        where = f"{exchange.method} {exchange.path}"
        if status >= 400:
            wrong = [*wrong, f"status {status}: {body[:400].decode(errors='replace')}"]
        self.complaints += [f"{where}: {each}" for each in wrong]

    def _as_declared(self, exchange: Exchange, path: str) -> list[tuple[str, str]]:
        """The query by the specification's own names: ``group_by[]`` and ``group_by`` are taken
        for each other. A name that it does not have is ignored by mock and vendor alike."""
        declared = _parameters(self.spec, exchange.method, path)
        if declared is None:
            return exchange.query  # the mock says itself that there is no such path
        query = []
        for name, value in exchange.query:
            own = declared.get(name.removesuffix("[]"))
            if own is None:
                self.complaints.append(f"{exchange.method} {path}: no parameter {name} is declared")
            query.append((own or name, value))
        return query


@dataclass
class Declared(Front):
    """A front for an API without a specification that a mock could serve: a client library says
    which requests there are (method and path, ``*`` for a part → names that it may give); the
    answers are the test's own, by path."""

    operations: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    answers: dict[str, Callable[[Exchange], Any]] = field(default_factory=dict)

    def answer(self, exchange: Exchange) -> tuple[int, dict[str, str], bytes]:
        """Checks a request and gives the test's answer."""
        self.exchanges.append(exchange)
        where = f"{exchange.method} {exchange.path}"
        named = {name for name, _ in exchange.query} | set(exchange.json() if exchange.body else ())
        allowed = [
            names
            for (method, path), names in self.operations.items()
            if method == exchange.method
            and re.fullmatch(re.escape(path).replace(r"\*", "[^/]+"), exchange.path)
        ]
        if not allowed:
            self.complaints.append(f"{where}: there is no such request")
        elif unknown := named - frozenset().union(*allowed):
            self.complaints.append(f"{where}: {', '.join(sorted(unknown))} is not declared")
        if exchange.path not in self.answers:
            return 404, {}, b"{}"
        return 200, {}, json.dumps(self.answers[exchange.path](exchange)).encode()


@contextmanager
def served(front: Front) -> Iterator[Front]:
    """A front while it listens."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("content-length") or 0)
            status, headers, body = front.answer(
                Exchange(
                    self.command, parts.path, parse_qsl(parts.query, keep_blank_values=True),
                    {name.lower(): value for name, value in self.headers.items()},
                    self.rfile.read(length),
                )
            )  # fmt: skip
            self.send_response(status)
            for name, value in headers.items():
                if name.startswith("x-ratelimit"):
                    self.send_header(name, value)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            """Nothing on the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    front.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield front
    finally:
        server.shutdown()
        server.server_close()


def _forward(
    url: str, exchange: Exchange, query: list[tuple[str, str]], extra: dict[str, str]
) -> tuple[int, dict[str, str], bytes]:
    kept = {n: v for n, v in exchange.headers.items() if n not in OWN_HEADERS}
    request = urllib.request.Request(  # noqa: S310  (a mock on this machine)
        f"{url}?{urlencode(query)}" if query else url, exchange.body or None, {**kept, **extra},
        method=exchange.method,
    )  # fmt: skip
    try:
        with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
            return response.status, _lower(response.headers), response.read()
    except urllib.error.HTTPError as error:
        return error.code, _lower(error.headers), error.read()


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _errors(body: bytes) -> list[dict[str, Any]]:
    errors: list[dict[str, Any]] = json.loads(body).get("errors") or []
    return errors


def _one_segment(path: str) -> str:
    """Prism takes a file's path for one segment."""
    before, found, file = path.partition("/contents/")
    return before + found + quote(file, safe="") if found else path


def _parameters(spec: dict[str, Any], method: str, path: str) -> dict[str, str] | None:
    """What an operation declares in the query: name without brackets → as it is declared. None if
    there is no such operation."""
    for template, item in spec["paths"].items():
        # A file's path is the one parameter that holds slashes.
        pattern = re.sub(r"\\{path\\}", ".+", re.escape(template))
        pattern = re.sub(r"\\{\w+\\}", "[^/]+", pattern)
        if re.fullmatch(pattern, path) and method.lower() in item:
            given = [*item.get("parameters", []), *item[method.lower()].get("parameters", [])]
            found = [_resolved(spec, each) for each in given]
            return {p["name"].removesuffix("[]"): p["name"] for p in found if p["in"] == "query"}
    return None


def _resolved(spec: dict[str, Any], item: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in item:
        target: Any = spec
        for step in item["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        item = target
    return item


def cut(spec: dict[str, Any], *paths: str) -> dict[str, Any]:
    """A specification of some paths and what they refer to: Prism starts in 3 s instead of 20. A
    path stands for all that begin with it, one with ``$`` at its end for itself."""
    begin = tuple(paths)
    kept = {path: item for path, item in spec["paths"].items() if f"{path}$".startswith(begin)}
    used: set[str] = set()

    def walk(part: Any) -> None:
        if isinstance(part, dict):
            reference = part.get("$ref")
            if isinstance(reference, str) and reference not in used:
                used.add(reference)
                walk(_resolved(spec, part))
            for value in part.values():
                walk(value)
        elif isinstance(part, list):
            for value in part:
                walk(value)

    walk(kept)
    roots = {tuple(each.removeprefix("#/").split("/")[:3]) for each in used}
    components = {
        kind: {
            name: value
            for name, value in members.items()
            if ("components", kind, name) in roots or kind == "securitySchemes"
        }
        for kind, members in spec["components"].items()
    }
    small = {k: v for k, v in spec.items() if k not in ("webhooks", "x-webhooks", "tags")}
    return {**small, "paths": kept, "components": components}


@contextmanager
def prism(spec: dict[str, Any], folder: Path) -> Iterator[str]:
    """A mock of a specification while it runs; its address."""
    file = folder / "spec.json"
    file.write_text(json.dumps(spec))
    with socket.socket() as free:  # Prism cannot be given port 0
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = Path(HOME).resolve() / PRISM
    ready = "is listening on"
    with node(command, "mock", "-h", "127.0.0.1", "-p", port, file, ready=ready):
        yield f"http://127.0.0.1:{port}"


@dataclass(frozen=True)
class Mock:
    """A mock of a specification: its address, and the specification."""

    url: str
    spec: dict[str, Any]


@pytest.fixture(scope="session")
def github_graphql() -> Iterator[str]:
    """A mock of GitHub's published GraphQL schema; its address."""
    home = installed("node_modules/graphql", GRAPHQL)
    with node(HERE / "github_graphql.mjs", home, ready=r"^(\d+)$") as port:
        yield f"http://127.0.0.1:{port[1]}"


@pytest.fixture(scope="session")
def github_recorded() -> Iterator[str]:
    """Recorded traffic of GitHub's REST API; the server's address."""
    home = installed(RECORDINGS)
    with node(HERE / "github_recorded.mjs", home, ready=r"^(\d+)$") as port:
        yield f"http://127.0.0.1:{port[1]}"


@pytest.fixture(scope="session")
def github_rest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mock]:
    """A mock of GitHub's published REST specification, of what we ask."""
    home = installed(PRISM, GITHUB)
    spec = cut(
        json.loads((home / GITHUB).read_text()),
        "/orgs/{org}/repos", "/orgs/{org}/teams", "/orgs/{org}/copilot", "/orgs/{org}/members",
        "/organizations/{org}/settings/billing", "/repos/{owner}/{repo}/deployments",
        "/repos/{owner}/{repo}$", "/repos/{owner}/{repo}/actions/runs",
        "/repos/{owner}/{repo}/releases",
        "/repos/{owner}/{repo}/contents", "/repos/{owner}/{repo}/codeowners",
        "/repos/{owner}/{repo}/teams", "/rate_limit", "/user", "/app", "/installation",
    )  # fmt: skip
    # The documentation, and every client, gives a range here; the format is the specification's
    # mistake.
    spec["components"]["parameters"]["created"]["schema"].pop("format", None)
    with prism(spec, tmp_path_factory.mktemp("github")) as url:
        yield Mock(url, spec)


@pytest.fixture(scope="session")
def pagerduty_rest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mock]:
    """A mock of PagerDuty's published specification."""
    spec = json.loads((installed(PRISM, "pagerduty.json") / "pagerduty.json").read_text())
    with prism(spec, tmp_path_factory.mktemp("pagerduty")) as url:
        yield Mock(url, spec)


@pytest.fixture(scope="session")
def openai_rest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mock]:
    """A mock of OpenAI's published specification, of what we ask."""
    spec = cut(
        json.loads((installed(PRISM, "openai.json") / "openai.json").read_text()),
        "/organization/usage", "/organization/costs", "/organization/users",
        "/organization/projects",
    )  # fmt: skip
    with prism(spec, tmp_path_factory.mktemp("openai")) as url:
        yield Mock(url, spec)


@pytest.fixture
def github(github_rest: Mock, github_graphql: str) -> Iterator[Front]:
    """GitHub: its REST specification and its GraphQL schema behind one address."""
    with served(Front(github_rest.url, github_rest.spec, graphql=github_graphql)) as front:
        yield front


@pytest.fixture
def pagerduty(pagerduty_rest: Mock) -> Iterator[Front]:
    """PagerDuty's REST."""
    with served(Front(pagerduty_rest.url, pagerduty_rest.spec)) as front:
        yield front


@pytest.fixture
def openai(openai_rest: Mock) -> Iterator[Front]:
    """OpenAI, whose specification leaves ``/v1`` out of the paths."""
    with served(Front(openai_rest.url, openai_rest.spec, prefix="/v1")) as front:
        yield front


@pytest.fixture
def jira() -> Iterator[Declared]:
    """Jira's requests as a client library that is made from Atlassian's specification has them."""
    operations: dict[tuple[str, str], frozenset[str]] = {}
    for file in sorted((installed(JIRA) / JIRA).glob("*.ts")):
        for call in re.findall(r"RequestConfig = \{\n(.*?)\n    \};", file.read_text(), re.S):
            method = re.search(r"method: '(\w+)'", call)
            url = re.search(r"url: ['`](.*?)['`]", call)
            assert method and url, file.name
            path = re.sub(r"\$\{.*?\}", "*", url[1])
            operations[method[1], path] = frozenset(re.findall(r"^        (\w+):", call, re.M))
    with served(Declared("", {}, operations=operations)) as front:
        yield front


@dataclass
class Reader:
    """Runs a system's extraction against a front, as the command does."""

    home: Path

    def __call__(self, system: ModuleType, settings: Any, until: datetime = UNTIL) -> list[Outcome]:
        """Reads what there is since January 2026; what is told of it."""
        identity = Identity("a salt for tests, long enough")
        lake = Lake(self.home)
        lake.ensure(system.STREAMS)
        return list(system.extract(lake, identity, settings, since=SINCE, until=until))

    def rows(self, stream: Stream) -> list[dict[str, Any]]:
        """All that landed, of every batch."""
        files = sorted(Lake(self.home).folder(stream).glob("*.parquet"))
        return [row for file in files for row in pq.read_table(file).to_pylist()]

    def refused(self) -> list[Any]:
        """What was put aside."""
        files = sorted((self.home / "quarantine").rglob("*.jsonl"))
        return [json.loads(line) for file in files for line in file.read_text().splitlines()]


@pytest.fixture
def read(tmp_path: Path) -> Reader:
    """Reads into an empty lake."""
    return Reader(tmp_path / "home")
