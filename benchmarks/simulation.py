"""How long a simulated company takes, and how much memory.

Run: ``python benchmarks/simulation.py [--teams N]``. The demo's world is simulated and written as
feeds; the reference company of so many teams (4,000 are full scale) is written as a lake. Each in
a process of its own: seconds, processor seconds, peak memory, rows a second.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

DEMO = """
from pathlib import Path
from orchestration import simulation
from orchestration.simulation.worlds import WORLDS
simulation.feeds.write(simulation.simulate(WORLDS["demo"], 1), Path({folder!r}))
"""
REFERENCE = """
from pathlib import Path
from orchestration.simulation import reference
reference.write(Path({folder!r}), teams={teams}, months=24, seed=1)
"""
CHILD = """
import resource
{script}
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def main() -> None:
    """Prints a line per company."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--teams", type=int, default=40)
    teams = parser.parse_args().teams
    _measure("demo world as feeds", DEMO, 120)
    _measure(f"reference, {teams:,} teams, as a lake", REFERENCE, teams)


def _measure(name: str, script: str, teams: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        code = CHILD.format(script=script.format(folder=folder, teams=teams))
        started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        child = [sys.executable, "-c", code]
        said = subprocess.run(child, check=True, capture_output=True, text=True).stdout
        seconds, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
        processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        rows = _rows(Path(folder))
    sys.stdout.write(
        f"{name}: {seconds:.1f} s ({processor:.1f} of processor time) · peak "
        f"{int(said) / 1024:,.0f} MB · {rows:,} rows · {rows / seconds:,.0f} rows/s\n"
    )


def _rows(folder: Path) -> int:
    counts = {
        "parquet": "select count(*) from read_parquet($1, union_by_name=true)",
        "csv*": "select count(*) from read_csv($1, all_varchar=true)",
        "jsonl": "select count(*) from read_json($1, format='newline_delimited')",
    }
    with duckdb.connect() as connection:
        return sum(
            connection.execute(query, [str(path)]).fetchall()[0][0]
            for suffix, query in counts.items()
            for path in folder.rglob(f"*.{suffix}")
        )


if __name__ == "__main__":
    main()
