"""One session for every vendor, over real sockets: what it retries, waits for and hides."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from typing import Any

import pytest

from orchestration.simulation.vendors._server import (
    FaultKind,
    Faults,
    Limit,
    Request,
    Response,
    Vendor,
)
from orchestration.systems import _http
from orchestration.systems._http import (
    Absent,
    Answer,
    Api,
    Denied,
    Unavailable,
    Unexpected,
    Verdict,
    standard,
    wait_seconds,
)

NOW = datetime.fromisoformat("2026-06-01")
SECRET = "token-that-nobody-may-see"  # noqa: S105


class Small(Vendor):
    """A list of 25 in pages of 10, and whatever a test puts at an address."""

    routes = (("GET", r"/list", "list"), ("GET", r"(/.*)", "other"), ("POST", r"(/.*)", "other"))

    def __init__(self, **changes: Any) -> None:
        super().__init__(NOW, **changes)
        self.answers: dict[str, list[Response]] = {}

    def list(self, request: Request) -> Response:
        start = int(request.one("page", "0")) * 10
        rows = [{"id": n} for n in range(start, min(start + 10, 25))]
        following = int(request.one("page", "0")) + 1 if start + 10 < 25 else None
        return Response({"rows": rows, "next": following})

    def other(self, request: Request, path: str) -> Response:
        answers = self.answers.get(path, [Response({"message": "none"}, 404)])
        return answers.pop(0) if len(answers) > 1 else answers[0]


@pytest.fixture
def serve() -> Iterator[Callable[..., Small]]:
    servers: list[Small] = []

    def start(**changes: Any) -> Small:
        servers.append(Small(**changes).__enter__())
        return servers[-1]

    yield start
    for server in servers:
        server.__exit__(None, None, None)


def api(server: Small, **changes: Any) -> Api:
    given: dict[str, Any] = {
        "authorize": lambda: {"Authorization": f"Bearer {SECRET}"},
        "first_pause_seconds": 0.01,
        "read_timeout_seconds": 0.3,
    }
    return Api("small", server.url, **given | changes)


def ids(client: Api) -> list[int]:
    def following(answer: Answer) -> tuple[str, dict[str, Any]] | None:
        page = answer.json()["next"]
        return None if page is None else ("/list", {"page": page})

    pages = client.pages("/list", {}, following, lambda said: said["rows"])
    return [row["id"] for page in pages for row in page.json()["rows"]]


@pytest.mark.parametrize(
    "kind", ["limit", "error", "reset", "stall", "truncated", "half_json", "html", "clock_skew"]
)
def test_a_list_is_whole_in_spite_of_a_fault(kind: FaultKind, serve: Callable[..., Small]) -> None:
    faults = Faults(rate=0.4, kinds=(kind,), seed=3, stall_seconds=0.5)
    server = serve(faults=faults)
    assert ids(api(server)) == list(range(25))
    assert faults.happened


def test_a_vendor_that_stays_down_is_unavailable_in_one_line(serve: Callable[..., Small]) -> None:
    server = serve(faults=Faults(rate=1.0, kinds=("error",)))
    with pytest.raises(
        Unavailable, match=r"^small: GET /list: status 50\d; gave up after 6 tries$"
    ):
        ids(api(server))


def test_a_page_that_comes_again_is_told_and_not_taken_for_the_next(
    serve: Callable[..., Small],
) -> None:
    server = serve()
    server.answers["/again"] = [Response({"rows": [{"id": 1}], "next": 7})]
    pages = api(server).pages(
        "/again", {}, lambda answer: ("/again", {"page": len(server.requests)}), lambda s: s["rows"]
    )
    with pytest.raises(Unexpected, match="gave a page twice"):
        list(pages)


def test_a_next_that_leads_back_is_an_end_that_never_comes(serve: Callable[..., Small]) -> None:
    server = serve()
    pages = api(server).pages("/list", {"page": 1}, lambda _: ("/list", {"page": 1}), lambda s: [])
    with pytest.raises(Unexpected, match="no end"):
        list(pages)


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (401, Denied, "not accepted"),
        (403, Denied, "may not read"),
        (404, Absent, "no such thing"),
        (400, Unexpected, "status 400"),
    ],
)
def test_what_will_not_pass_is_not_asked_again(
    status: int, error: type[Exception], words: str, serve: Callable[..., Small]
) -> None:
    server = serve()
    server.answers["/thing"] = [Response({"message": "the vendor's words"}, status)]
    with pytest.raises(error, match=words) as raised:
        api(server).get("/thing", {"q": SECRET})
    assert len(server.requests) == 1
    assert SECRET not in str(raised.value) and "vendor's words" not in str(raised.value)


def test_the_credential_goes_to_the_configured_host_alone(serve: Callable[..., Small]) -> None:
    """A next link, a redirect: neither is followed to another host."""
    ours, other = serve(), serve()
    client = api(ours)
    with pytest.raises(Unexpected, match="another host"):
        client.get(f"{other.url}/list")
    ours.answers["/moved"] = [Response(None, 302, {"Location": f"{other.url}/list"})]
    with pytest.raises(Unexpected, match="another host"):
        client.get("/moved")
    assert other.requests == []


def test_a_redirect_within_the_host_is_followed(serve: Callable[..., Small]) -> None:
    server = serve()
    server.answers["/old"] = [Response({"message": "Moved"}, 301, {"Location": "/new"})]
    server.answers["/new"] = [Response({"name": "renamed"})]
    assert api(server).get("/old").json() == {"name": "renamed"}
    server.answers["/round"] = [Response(None, 302, {"Location": "/round"})]
    with pytest.raises(Unexpected, match="redirects without end"):
        api(server).get("/round")


def test_an_address_that_is_none_is_one_line_wherever_it_stands(
    serve: Callable[..., Small],
) -> None:
    server = serve()
    server.answers["/moved"] = [Response(None, 302, {"Location": "http://[torn/"})]
    with pytest.raises(Unexpected, match="an address that is none"):
        api(server).get("/moved")
    with pytest.raises(Unexpected, match="an address that is none"):
        api(server).get("http://[torn/")


def test_a_page_that_does_not_say_what_follows_is_one_line(serve: Callable[..., Small]) -> None:
    server = serve()
    server.answers["/torn"] = [Response({"rows": [{"id": 1}]})]
    pages = api(server).pages(
        "/torn", {}, lambda answer: ("/torn", answer.json()["next"]), lambda said: said["rows"]
    )
    with pytest.raises(Unexpected, match="/torn: the answer has another form than documented"):
        list(pages)


def test_a_host_that_does_not_answer_is_named_without_a_credential() -> None:
    nobody = Api("small", "http://127.0.0.1:9", first_pause_seconds=0.001)
    with pytest.raises(Unavailable, match=r"the connection to 127\.0\.0\.1 failed"):
        nobody.get("/list", {"key": SECRET})


def test_a_signed_link_is_fetched_without_the_credential(serve: Callable[..., Small]) -> None:
    ours, store = serve(), serve()
    store.answers["/file"] = [Response(b'{"a": 1}\n{"a": 2}\n')]
    lines = list(api(ours).lines(f"{store.url}/file?signature=xyz"))
    assert lines == [b'{"a": 1}', b'{"a": 2}']
    (request,) = store.requests
    assert "authorization" not in request.headers


def test_the_netrc_of_the_machine_adds_no_login(
    serve: Callable[..., Small], tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    server = serve()
    api(server).get("/list")
    assert server.requests[0].headers["authorization"] == f"Bearer {SECRET}"


def test_numbers_are_decimals_and_not_floats(serve: Callable[..., Small]) -> None:
    server = serve()
    server.answers["/money"] = [Response(b'{"amount": 0.1, "tokens": 3}')]
    assert api(server).get("/money").json() == {"amount": Decimal("0.1"), "tokens": 3}


def answer(status: int = 429, **headers: str) -> Answer:
    return Answer(status, {k.replace("_", "-"): v for k, v in headers.items()}, b"", "/")


def test_how_long_to_wait_is_read_in_every_form() -> None:
    """The vendor's clock is an hour behind ours; its limit starts anew in 30 s of its time."""
    theirs = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    date = format_datetime(theirs, usegmt=True)
    later = format_datetime(theirs + timedelta(seconds=30), usegmt=True)
    epoch = str(int(theirs.timestamp()) + 30)
    assert wait_seconds(answer(retry_after="7")) == 7
    assert wait_seconds(answer(retry_after="0.25")) == 0.25
    assert wait_seconds(answer(retry_after=later, date=date)) == 31
    assert wait_seconds(answer(x_ratelimit_reset=epoch, date=date)) == 31
    assert wait_seconds(answer(ratelimit_reset="42")) == 42
    assert wait_seconds(answer()) is None


def test_statuses_mean_what_the_rules_say() -> None:
    kinds = {s: standard(answer(s)).kind for s in (200, 204, 304, 401, 403, 404, 410, 418, 429)}
    assert kinds == {
        200: "ok", 204: "ok", 304: "fatal", 401: "denied", 403: "denied", 404: "absent",
        410: "absent", 418: "fatal", 429: "wait",
    }  # fmt: skip
    assert standard(answer(502, x_ratelimit_reset="2000000000")).seconds is None
    assert standard(answer(503, retry_after="3")).seconds == 3
    assert {standard(answer(s)).kind for s in (408, 500, 502, 503, 504, 529)} == {"retry"}


def test_a_wait_longer_than_an_hour_is_not_waited_for(serve: Callable[..., Small]) -> None:
    server = serve()
    server.answers["/busy"] = [Response({}, 429, {"Retry-After": "86400"})]
    with pytest.raises(Unavailable, match="rate limit"):
        api(server).get("/busy")
    assert len(server.requests) == 1


def test_one_that_is_told_to_wait_holds_all(serve: Callable[..., Small]) -> None:
    """The limit is the credential's: while one thread waits, the others do not knock."""
    server = serve(limit=Limit(10, 0.5))
    client = api(server, concurrency=4)
    server.answers["/thing"] = [Response({})]
    started = time.monotonic()
    done = list(client.map(lambda n: client.get("/thing", {"n": n}).status, range(40)))
    assert [n for n, _ in done] == list(range(40))
    assert {status for _, status in done} == {200}
    # 40 at 10 in half a second take a second and a half, and few were sent in vain.
    assert time.monotonic() - started > 1.4
    assert len(server.requests) < 70


def test_a_failure_in_one_of_many_is_raised_at_its_turn(serve: Callable[..., Small]) -> None:
    server = serve()
    server.answers["/thing"] = [Response({})]
    client = api(server)

    def ask(number: int) -> int:
        return client.get("/gone" if number == 5 else "/thing").status

    seen = []
    with pytest.raises(Absent):
        for number, _ in client.map(ask, range(20)):
            seen.append(number)
    assert seen == [0, 1, 2, 3, 4]


def test_a_vendors_own_way_to_say_no_is_heard(serve: Callable[..., Small]) -> None:
    """Status 200 with an error inside, as GraphQL does it."""
    server = serve()
    server.answers["/graphql"] = [Response({"errors": [{"type": "RATE_LIMITED"}]}), Response({})]

    def classify(given: Answer) -> Verdict:
        if b"RATE_LIMITED" in given.body:
            return Verdict("wait", "the rate limit is reached", 0.01)
        return standard(given)

    assert api(server, classify=classify).post("/graphql", {"query": "{a}"}).json() == {}
    assert json.loads(server.requests[0].body) == {"query": "{a}"}


def test_an_answer_without_end_is_cut(
    serve: Callable[..., Small], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_http, "ANSWER_BYTES", 1000)
    server = serve()
    server.answers["/big"] = [Response({"text": "x" * 5000})]
    with pytest.raises(Unavailable):
        api(server).get("/big")
