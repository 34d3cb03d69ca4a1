"""A run that is killed at any moment is only a run that has to be started again."""

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import AS_OF, COMMAND, Run, environment, published

RUN = ("--as-of", AS_OF)


def started(config: Path) -> "subprocess.Popen[bytes]":
    """A run in a session of its own."""
    return subprocess.Popen(
        [COMMAND, "run", "--config", config, *RUN],
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def killed(run: "subprocess.Popen[bytes]") -> int:
    """Kills the process alone, as the system would for want of memory, so that dbt is left without
    a parent."""
    os.kill(run.pid, signal.SIGKILL)
    return run.wait()


def test_a_run_killed_in_the_middle_and_run_again_gives_the_same_tables(
    company: Path, example: Callable[..., Path], valuemaxx: Run
) -> None:
    config = example()
    home = config.parent / ".valuemaxx"
    run = started(config)
    while not (home / "work.duckdb").exists():  # dbt makes it when it begins to build
        assert run.poll() is None
        time.sleep(0.1)
    time.sleep(5)
    assert killed(run) == -signal.SIGKILL
    done = valuemaxx("run", "--config", config, *RUN)
    assert done.returncode == 0, done.stderr
    assert published(home) == published(company.parent / ".valuemaxx")
    assert not list(home.rglob("*.partial"))


@pytest.mark.slow
def test_runs_killed_at_random_moments_end_in_the_same_tables(
    example: Callable[..., Path], valuemaxx: Run
) -> None:
    reference, config = example(), example()
    begun = time.monotonic()
    done = valuemaxx("run", "--config", reference, *RUN)
    assert done.returncode == 0, done.stderr
    took = time.monotonic() - begun
    moments = random.Random(20261121)  # noqa: S311
    for _ in range(10):
        run = started(config)
        time.sleep(moments.uniform(0.5, took))
        killed(run)
    done = valuemaxx("run", "--config", config, *RUN)
    assert done.returncode == 0, done.stderr
    assert published(config.parent / ".valuemaxx") == published(reference.parent / ".valuemaxx")
