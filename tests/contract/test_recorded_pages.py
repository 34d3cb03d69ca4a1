"""Paging against traffic that GitHub once sent: the one list here whose end we did not write."""

import json
import urllib.request

import pytest

from orchestration.systems._http import Answer, Api

pytestmark = pytest.mark.contract

TOKEN = "0" * 39 + "1"  # the one that the recording was made with


def recording(server: str, scenario: str) -> str:
    """Where a recording begins."""
    request = urllib.request.Request(  # noqa: S310  (a server on this machine)
        f"{server}/fixtures",
        json.dumps({"scenario": scenario}).encode(),
        {"content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
        return str(json.load(response)["url"])


def following(answer: Answer) -> tuple[str, None] | None:
    link = answer.link("next")
    return (link, None) if link else None


def test_five_recorded_pages_are_followed_to_their_end(github_recorded: str) -> None:
    api = Api(
        "github",
        recording(github_recorded, "paginate-issues"),
        authorize=lambda: {"Authorization": f"token {TOKEN}"},
        headers={"Accept": "application/vnd.github.v3+json"},
        first_pause_seconds=0.01,
    )
    path = "/repos/octokit-fixture-org/paginate-issues/issues"
    pages = [*api.pages(path, {"per_page": 3}, following, lambda said: said)]
    numbers = [issue["number"] for page in pages for issue in page.json()]
    assert [len(page.json()) for page in pages] == [3, 3, 3, 3, 1]
    assert numbers == list(range(13, 0, -1))
    assert api.asked == 5
    assert all(page.headers["x-ratelimit-limit"] == "5000" for page in pages)
