"""`valuemaxx ui`: the server answers on loopback, knows the assets, and leaves nothing behind."""

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from tests.conftest import COMMAND, environment

QUERY = "{ assetNodes { groupName } instance { info } }"


def test_the_ui_shows_every_group_and_ends_with_all_its_processes(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [COMMAND, "ui", "--home", tmp_path / "home", "--port", str(port)],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        answer = ask(f"http://127.0.0.1:{port}/graphql")
        groups = {node["groupName"] for node in answer["data"]["assetNodes"]}
        assert {"files", "valuemaxx", "core", "marts_dora", "published"} <= groups
        assert "nux:\n  enabled: false" in answer["data"]["instance"]["info"]
        family = children(server.pid)
        assert family
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(60)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and any(map(alive, family)):
        time.sleep(0.2)
    assert not any(map(alive, family))


def ask(url: str) -> dict[str, dict[str, object]]:
    """The GraphQL answer, once the server is up; it takes a while to start."""
    body = json.dumps({"query": QUERY}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310
    deadline = time.monotonic() + 180
    while True:
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                return json.load(answer)  # type: ignore[no-any-return]
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            if time.monotonic() > deadline:
                raise
            time.sleep(1)


def children(pid: int) -> list[int]:
    """Every process below a process, by /proc."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            parents[int(entry.name)] = int(fields[1])
    found, waiting = [], [pid]
    while waiting:
        parent = waiting.pop()
        below = [child for child, its in parents.items() if its == parent]
        found += below
        waiting += below
    return found


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
