"""How fast the files system lands usage, beside what the machine can do.

Run: ``python benchmarks/files_usage.py [--rows N]``. Makes a CSV of ``ai_usage`` in a temporary
folder, lands it in a child process, and lets DuckDB read the same file with declared types and
write Parquet: the floor. Prints rows/s, seconds, peak memory of the child and the ratio.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

from orchestration.settings import SALT
from orchestration.systems.files import FEEDS

TYPES = {
    "string": "varchar", "person": "varchar", "word": "varchar", "integer": "bigint",
    "decimal": "decimal(28,9)", "boolean": "boolean", "timestamp": "timestamp",
}  # fmt: skip
USAGE = """
    select
        'usage-' || range as usage_id,
        strftime(timestamp '2026-01-01' + to_seconds(range * 17 % 31536000), '%Y-%m-%dT%H:%M:%SZ')
            as occurred_at,
        ['anthropic', 'openai', 'google'][1 + range % 3] as vendor,
        'model-' || (range % 12) as model,
        'person-' || (range * 7919 % 20000) || '@example.com' as person,
        'key-' || (range % 300) as api_key_id,
        'team-' || (range % 400) as team_id,
        ['editor', 'terminal', 'agent'][1 + range % 3] as tool,
        'session-' || (range // 9) as session_id,
        1 + range % 4 as request_count,
        'standard' as service_tier,
        range % 10 = 0 as is_batch,
        null as context_window,
        range * 31 % 9000 as uncached_input_tokens,
        range * 57 % 120000 as cache_read_tokens,
        range * 13 % 4000 as cache_write_5m_tokens,
        0 as cache_write_1h_tokens,
        range * 11 % 3000 as output_tokens,
        null as other_units,
        null as other_unit_name
    from range($rows)
"""


def floor(usage: Path, target: Path) -> float:
    """Seconds that DuckDB needs to read the file with declared types and to write Parquet."""
    feed = next(feed for feed in FEEDS if feed.name == "ai_usage")
    types = {column.name: TYPES[column.type] for column in feed.columns}
    started = time.perf_counter()
    with duckdb.connect(config={"threads": 2}) as connection:
        rows = connection.read_csv(str(usage), header=True, delimiter=",", dtype=types)
        rows.write_parquet(str(target), compression="zstd")
    return time.perf_counter() - started


def main() -> None:
    """Prints the figures of one landing and of the floor."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        usage = folder / "feeds" / "ai_usage.csv"
        usage.parent.mkdir()
        with duckdb.connect() as connection:
            connection.execute(f"copy ({USAGE}) to '{usage}' (header)", {"rows": rows})
        best = floor(usage, folder / "floor.parquet")
        config = folder / "valuemaxx.yml"
        config.write_text("company: Benchmark\n")
        command = [sys.executable, "-m", "orchestration.systems.files", "--config", str(config)]
        started = time.perf_counter()
        subprocess.run(  # noqa: S603  (a fixed command)
            [*command, "--home", str(folder / "home")],
            env={**os.environ, SALT: "benchmark"},
            check=True,
        )
        seconds = time.perf_counter() - started
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        sys.stdout.write(
            f"rows {rows:,} · {usage.stat().st_size / 1e6:,.0f} MB of CSV\n"
            f"landed in {seconds:.1f} s · {rows / seconds:,.0f} rows/s · peak {peak:,.0f} MB\n"
            f"floor (DuckDB, CSV to Parquet) {best:.1f} s · ratio {seconds / best:.1f}\n"
        )


if __name__ == "__main__":
    main()
