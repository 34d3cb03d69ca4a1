"""What `valuemaxx run` with nothing new adds to what bare `dbt build` takes on the same home.

Run: ``python benchmarks/run_overhead.py [--runs N]``. The two run in turn, after a first run that
lands the example feeds; the medians and their difference are printed.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
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
        _seconds(run, environment)
        ours, theirs = [], []
        for _ in range(runs):
            ours.append(_seconds(run, environment))
            theirs.append(_seconds(build, environment))
    whole, bare = statistics.median(ours), statistics.median(theirs)
    sys.stdout.write(
        f"valuemaxx run, nothing new: {whole:.1f} s ({min(ours):.1f}–{max(ours):.1f})\n"
        f"bare dbt build, the same:   {bare:.1f} s ({min(theirs):.1f}–{max(theirs):.1f})\n"
        f"added: {whole - bare:.1f} s · ratio {whole / bare:.2f}\n"
    )


def _seconds(command: list[str], environment: dict[str, str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, env=environment, check=True, capture_output=True)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
