"""How fast request logs become sums, beside what the machine can do.

Run: ``python benchmarks/usage_logs.py [--rows N]``. Makes JSON lines in a temporary folder, lets
DuckDB read them with declared columns and group them by person and day (the floor: no id is looked
at, nothing checked, nobody hashed), then lands them with the system, in one process and on two
threads. Prints rows/s, seconds, the peak of memory and the ratio.
"""

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

import duckdb

from orchestration.identity import Identity
from orchestration.lake import Lake
from orchestration.systems.usage_logs import STREAMS, UsageLogsSettings, extract

LOG = """
    with requests as (
        select range as number, cast(hash(range) % 1000 as bigint) as person from range($rows)
    )
    select
        'req_' || printf('%024x', number * 7919) as id,
        strftime(
            timestamp '2026-01-01' + to_microseconds(number * (864000000000 // $rows)),
            '%Y-%m-%dT%H:%M:%S.%fZ'
        ) as ts,
        ['anthropic', 'openai', 'google'][1 + person % 3] as provider,
        'model-' || (person % 3) || '-' || (number % 2) as model,
        'person-' || printf('%04d', person) || '@example.com' as email,
        'key-' || (person % 300) as key,
        'team-' || (person % 40) as team,
        number * 31 % 9000 as input,
        number * 57 % 110000 as cache_read,
        number * 13 % 4000 as cache_write,
        number * 11 % 3000 as output
    from requests
"""
COLUMNS = {
    "request_id": "id", "occurred_at": "ts", "vendor": "provider", "model": "model",
    "person": "email", "api_key_id": "key", "team_id": "team", "input_tokens": "input",
    "cache_read_tokens": "cache_read", "cache_write_tokens": "cache_write",
    "output_tokens": "output", "cached_input_is_in_input": False,
}  # fmt: skip
FLOOR = """
    create temp table sums as
    select
        cast(ts as date) as day, provider, model, email, key, team, count(*) as requests,
        sum(input) as input, sum(cache_read) as cache_read, sum(cache_write) as cache_write,
        sum(output) as output
    from read_json(
        $log, format = 'newline_delimited',
        columns = {
            ts: 'timestamp', provider: 'varchar', model: 'varchar', email: 'varchar',
            key: 'varchar', team: 'varchar', input: 'bigint', cache_read: 'bigint',
            cache_write: 'bigint', output: 'bigint'
        }
    )
    group by all
"""


def floor(log: Path) -> float:
    """Seconds that DuckDB needs to read the log and to group it."""
    with duckdb.connect(config={"threads": 2}) as connection:
        connection.execute("set preserve_insertion_order = false")
        started = time.perf_counter()
        connection.execute(FLOOR, {"log": str(log)})
        return time.perf_counter() - started


def peak() -> float:
    """The most memory that this process held so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Prints the figures of one landing and of the floor."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=5_000_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        log = folder / "gateway.jsonl"
        with duckdb.connect(config={"threads": 2}) as connection:
            connection.execute(f"copy ({LOG}) to '{log}' (format json)", {"rows": rows})
        lake = Lake(folder / "home")
        lake.ensure(STREAMS)
        settings = UsageLogsSettings.model_validate(
            {"sources": [{"name": "gateway", "path": str(log), "columns": COLUMNS}]}
        )
        before = time.process_time()
        started = time.perf_counter()
        (outcome,) = extract(lake, Identity("benchmark"), settings)
        seconds = time.perf_counter() - started
        busy = time.process_time() - before
        most = peak()
        assert outcome.message == f"{rows:,} requests", outcome
        sys.stdout.write(
            f"rows {rows:,} · {log.stat().st_size / 1e6:,.0f} MB of JSON lines\n"
            f"landed in {seconds:.1f} s ({busy:.1f} s of processor) · {rows / seconds:,.0f} rows/s"
            f" · peak {most:,.0f} MB\n"
        )
        sys.stdout.flush()
        before = time.process_time()
        best = floor(log)
        floor_busy = time.process_time() - before
        sys.stdout.write(
            f"floor (DuckDB, read and group) {best:.1f} s ({floor_busy:.1f} s of processor) ·"
            f" {rows / best:,.0f} rows/s · ratio {seconds / best:.1f}"
            f" (of processor {busy / floor_busy:.1f})\n"
        )


if __name__ == "__main__":
    main()
