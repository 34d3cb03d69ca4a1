"""What `valuemaxx run` with nothing new adds to what bare `dbt build` takes on the same home.

Run: ``python benchmarks/run_overhead.py [--runs N]``. The two run in turn, after a first run that
lands the example feeds: medians, least and most of the seconds and of the processor time, which
says more on a machine that has others to serve, too.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from orchestration import settings, transformation

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Prints a line per command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "valuemaxx.yml"
        config.write_text(f"systems: {{files: {{folder: {ROOT / 'examples' / 'feeds'}}}}}\n")
        current = settings.load(config, as_of="2026-07-01")
        environment = {**os.environ, **current.environment(), settings.SALT: "benchmark salt"}
        run = [str(Path(sys.executable).with_name("valuemaxx")), "run", "--config", str(config)]
        build = [transformation.DBT, *transformation.build_arguments(current)]
        _time(run, environment)
        ours, theirs = [], []
        for _ in range(runs):
            ours.append(_time(run, environment))
            theirs.append(_time(build, environment))
    sys.stdout.write(f"{'':28}{'seconds':>18}{'of processor time':>22}\n")
    _show("valuemaxx run, nothing new", ours)
    _show("bare dbt build, the same", theirs)
    added = [
        tuple(a - b for a, b in zip(*pair, strict=True)) for pair in zip(ours, theirs, strict=True)
    ]
    _show("added, pair by pair", added)


def _show(name: str, times: Sequence[tuple[float, ...]]) -> None:
    sys.stdout.write(name.ljust(28))
    for values, width in zip(zip(*times, strict=True), (18, 22), strict=True):
        median = statistics.median(values)
        sys.stdout.write(f"{median:.1f} ({min(values):.1f} to {max(values):.1f})".rjust(width))
    sys.stdout.write("\n")


def _time(command: list[str], environment: dict[str, str]) -> tuple[float, ...]:
    """Seconds on the wall, and of the processor."""
    started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=environment, check=True, capture_output=True)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
