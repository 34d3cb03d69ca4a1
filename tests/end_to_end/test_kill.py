"""A run that is killed at any moment is only a run that has to be started again."""

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import COMMAND, Run, environment, published

RUN = ("--as-of", "2026-07-01")


def kill_after(config: Path, seconds: float) -> int:
    """Starts a run in a session of its own and kills the process after ``seconds``: the process
    alone, as the system would for want of memory, so that dbt is left without a parent."""
    run = subprocess.Popen(
        [COMMAND, "run", "--config", config, *RUN],
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    time.sleep(seconds)
    os.kill(run.pid, signal.SIGKILL)
    return run.wait()


def undisturbed(example: Callable[..., Path], valuemaxx: Run) -> tuple[Path, float]:
    config = example()
    started = time.monotonic()
    done = valuemaxx("run", "--config", config, *RUN)
    assert done.returncode == 0, done.stderr
    return config, time.monotonic() - started


def test_a_run_killed_in_the_middle_and_run_again_gives_the_same_tables(
    example: Callable[..., Path], valuemaxx: Run
) -> None:
    reference, took = undisturbed(example, valuemaxx)
    config = example()
    assert kill_after(config, took * 0.6) == -signal.SIGKILL
    done = valuemaxx("run", "--config", config, *RUN)
    assert done.returncode == 0, done.stderr
    home = config.parent / ".valuemaxx"
    assert published(home) == published(reference.parent / ".valuemaxx")
    assert not list(home.rglob("*.partial"))


@pytest.mark.slow
def test_runs_killed_at_random_moments_end_in_the_same_tables(
    example: Callable[..., Path], valuemaxx: Run
) -> None:
    reference, took = undisturbed(example, valuemaxx)
    config = example()
    moments = random.Random(20261121)  # noqa: S311
    for _ in range(10):
        kill_after(config, moments.uniform(0.5, took))
    done = valuemaxx("run", "--config", config, *RUN)
    assert done.returncode == 0, done.stderr
    assert published(config.parent / ".valuemaxx") == published(reference.parent / ".valuemaxx")
