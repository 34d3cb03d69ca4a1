"""Hundreds of disturbed readings, kills among them, and then the tables of an undisturbed one."""

import random
import subprocess
import sys
from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest
import yaml

from orchestration.simulation import simulate
from orchestration.simulation.vendors._server import FAULTS, Faults
from orchestration.simulation.vendors.portfolio import Portfolio, completed, portfolio
from orchestration.simulation.worlds import WORLDS
from tests.conftest import Run, environment
from tests.end_to_end.test_over_http import differences, in_vendors_words, over_http, run

RUNS = 50  # of one schedule; four schedules
KILLED = 0.3  # of the readings
LONGEST_READING = 6.0  # seconds, before a kill
# Reads every enabled system as a run does, and says what failed; nothing is built.
READ_ALL = """
import sys
from orchestration import extraction, settings
current = settings.load(as_of=sys.argv[1])
failed = 0
for system in extraction.enabled(current):
    for outcome in extraction.extract(system, current):
        if outcome.status == "failed":
            failed = 1
            print(outcome.system, outcome.scope, outcome.message, file=sys.stderr)
sys.exit(failed)
"""


def read(config: Path, as_of: datetime, secrets: dict[str, str], seconds: float | None) -> str:
    """One reading: ``done``, ``failed`` (in clear words) or ``killed`` after ``seconds``."""
    process = subprocess.Popen(
        [sys.executable, "-c", READ_ALL, as_of.isoformat()],
        env=environment(VALUEMAXX_CONFIG=str(config), **secrets),
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        _, told = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return "killed"
    assert "Traceback" not in told, told
    assert not any(secret in told for secret in secrets.values())
    return "done" if process.returncode == 0 else "failed"


def disturb(vendors: Portfolio, chance: random.Random) -> None:
    """Other faults for the next reading: none, a few, or many; all kinds, or one."""
    for server in vendors.servers.values():
        kinds = chance.choice((FAULTS, (chance.choice(FAULTS),)))
        rate = chance.choice((0.0, 0.02, 0.1, 0.3))
        server.faults = Faults(rate, kinds, chance.randrange(2**30), stall_seconds=0.2)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_a_schedule_of_faults_and_kills_ends_in_the_same_tables(
    seed: int, tmp_path: Path, valuemaxx: Run
) -> None:
    company = completed(simulate(WORLDS["demo"], seed, teams=4, months=3))
    for name in ("calm", "wild"):
        (tmp_path / name).mkdir()
    calm = portfolio(company)
    expected = over_http(calm, tmp_path / "calm", valuemaxx)

    chance = random.Random(seed)  # noqa: S311
    vendors = portfolio(company)
    folder = tmp_path / "wild"
    start = datetime.combine(company.starts_on, datetime.min.time())
    stretch = (company.as_of - start) / RUNS
    ends: Counter[str] = Counter()
    with vendors.serving(folder) as systems:
        config = folder / "valuemaxx.yml"
        config.write_text(yaml.safe_dump({"company": "Example", "systems": systems}))
        for number in range(1, RUNS + 1):
            # Time goes on between readings, mostly.
            now = start + stretch * chance.choice((number, number, max(1, number - 1)))
            now = now.replace(microsecond=0) if number < RUNS else company.as_of
            for server in vendors.servers.values():
                server.now = now
            disturb(vendors, chance)
            limit = chance.uniform(0.5, LONGEST_READING) if chance.random() < KILLED else None
            ends[read(config, now, vendors.secrets, limit)] += 1
        for server in vendors.servers.values():
            server.faults = Faults()
        found = run(company, folder, systems, valuemaxx, **vendors.secrets)
    assert ends["killed"] > 5 and ends["failed"] > 5, ends
    assert differences(in_vendors_words(expected, {}), in_vendors_words(found, {})) == []
