"""Another process, whose sets and dicts are in another order, makes the same company."""

import os
import subprocess
import sys
from pathlib import Path

from orchestration.simulation import feeds
from tests.unit.simulation.test_delivery import digest, simulated
from tests.unit.simulation.test_feeds import MESS, company

ROOT = Path(__file__).resolve().parents[2]


def python(program: str, *arguments: object) -> str:
    """What the program prints in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "4242"},  # here it is random
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_same_seed_same_records_in_another_process() -> None:
    theirs = python(
        "from tests.unit.simulation.test_delivery import digest, simulated;"
        "print(digest(simulated().company))"
    )
    assert theirs == digest(simulated().company)


def test_the_same_company_is_the_same_bytes_in_another_process(tmp_path: Path) -> None:
    python(
        "import sys; from pathlib import Path;"
        "from tests.unit.simulation.test_feeds import MESS, company;"
        "from orchestration.simulation import feeds;"
        "feeds.write(company(), Path(sys.argv[1]) / 'clean');"
        "feeds.write(company(), Path(sys.argv[1]) / 'messy', MESS)",
        tmp_path / "theirs",
    )
    for name, messiness in (("clean", None), ("messy", MESS)):
        feeds.write(company(), tmp_path / name, messiness)
        assert bytes_of(tmp_path / name) == bytes_of(tmp_path / "theirs" / name)
