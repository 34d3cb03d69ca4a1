"""A close that is killed at any moment has closed the month, or has not; never half of it."""

import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestration import ledger
from orchestration.lake import Lake
from tests.conftest import COMMAND, Run, environment, published
from tests.end_to_end.test_close import company

__all__ = ["company"]

CLOSE = ("close", "2025-09", "--config")
# The moments between which a close can be: each file begun, and each there.
STEPS = tuple(
    f"{stream.name}/{pattern}"
    for stream in (ledger.ALLOCATION, ledger.RECONCILIATION, ledger.ENTRIES)
    for pattern in (".0*.partial", "0*.parquet")
)
Rows = dict[str, list[dict[str, Any]]]


def killed(config: Path, is_time: Callable[[], bool]) -> bool:
    """Starts a close and kills it as soon as it is time. Whether it was still at work."""
    close = subprocess.Popen(
        [COMMAND, *CLOSE, config],
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while close.poll() is None and not is_time():
        time.sleep(0.0002)
    close.kill()
    return close.wait() == -signal.SIGKILL


def standing(company: Path) -> Rows:
    """What the ledger has frozen of the month, without numbers and clocks; nothing of a closing
    without an entry."""
    lake = Lake(company / ".valuemaxx")
    closed = list(lake.newest(ledger.ENTRIES))
    assert len(closed) <= 1
    unlike = {"closing_number", "entered_at"}
    return {
        stream.name: [
            {name: value for name, value in row.items() if name not in unlike}
            for scope in closed
            for row in lake.current(stream, scope).sort_by(stream.key[-1]).to_pylist()
        ]
        for stream in ledger.STREAMS
    }


@pytest.mark.slow
def test_a_close_killed_at_any_moment_is_whole_or_none_and_closes_the_same_again(
    company: Path, valuemaxx: Run, tmp_path_factory: pytest.TempPathFactory
) -> None:
    def run(folder: Path) -> None:
        done = valuemaxx("run", "--config", folder / "valuemaxx.yml", "--as-of", "2025-11-10")
        assert done.returncode == 0, done.stderr

    def copy() -> Path:
        folder = tmp_path_factory.mktemp("copy") / "company"
        shutil.copytree(company, folder, symlinks=True)
        return folder

    run(company)
    nothing = standing(company)
    reference = copy()
    started = time.monotonic()
    done = valuemaxx(*CLOSE, reference / "valuemaxx.yml")
    took = time.monotonic() - started
    assert done.returncode == 0, done.stderr
    whole = standing(reference)
    assert len(whole["month_closings"]) == 1
    assert len(whole["closed_allocation"]) == 3
    assert len(whole["closed_reconciliation"]) == 2
    run(reference)
    expected = published(reference / ".valuemaxx")

    moments: list[tuple[str, Callable[[Path], Callable[[], bool]]]] = [
        (step, lambda ledger, step=step: lambda: any(folder.glob(step)))  # type: ignore[misc]
        for step in STEPS
    ]
    chosen = random.Random(20261122)  # noqa: S311
    for _ in range(6):
        seconds = chosen.uniform(0.3, took)
        moments.append((f"{seconds:.2f} s", lambda _, s=seconds: after(s)))  # type: ignore[misc]
    orphans = 0
    for name, moment in moments:
        victim = copy()
        config = victim / "valuemaxx.yml"
        folder = victim / ".valuemaxx" / "lake" / "valuemaxx"
        was_killed = killed(config, moment(folder))
        assert was_killed or name.endswith(" s") or "month_closings" in name, name
        found = standing(victim)
        assert found in (nothing, whole), name
        has_orphans = found == nothing and any(folder.glob("closed_*/0*.parquet"))
        orphans += has_orphans
        done = valuemaxx(*CLOSE, config)
        assert done.returncode == 0, (name, done.stderr)
        assert ("is closed already" in done.stderr) == (found == whole), name
        assert standing(victim) == whole, name
        assert not list(folder.rglob("*.partial")) or found == whole, name
        if has_orphans and orphans == 2:
            # Rows of no entry lie beside those of the second close: nobody sees them.
            run(victim)
            assert but_for_numbers(published(victim / ".valuemaxx")) == but_for_numbers(expected)
    assert orphans >= 2


def after(seconds: float) -> Callable[[], bool]:
    """True once so much time has passed."""
    end = time.monotonic() + seconds
    return lambda: time.monotonic() >= end


def but_for_numbers(
    tables: dict[tuple[str, str], list[tuple[Any, ...]]],
) -> dict[tuple[str, str], list[tuple[Any, ...]]]:
    """Without an entry's place in the ledger, which is higher after a close that was killed."""
    months = [(row[0], *row[2:]) for row in tables["cost", "closed_months"]]
    return tables | {("cost", "closed_months"): months}
