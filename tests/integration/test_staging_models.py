"""Every system's staging models build on an empty lake, and their unit tests pass."""

import subprocess
import sys
from pathlib import Path

from orchestration.extraction import SYSTEMS
from tests.conftest import ROOT, environment


def test_staging_of_every_system_builds_and_its_unit_tests_pass(tmp_path: Path) -> None:
    """A run builds without unit tests, and plain dbt with files and git alone."""
    done = subprocess.run(
        [
            Path(sys.executable).with_name("dbt"), "build", "--select", "staging",
            "--target-path", tmp_path / "target", "--log-path", tmp_path / "logs",
        ],
        cwd=ROOT,
        env=environment(
            VALUEMAXX_HOME=str(tmp_path / "home"), VALUEMAXX_SYSTEMS=" ".join(sorted(SYSTEMS))
        ),
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
    assert "test_stg_anthropic__ai_usage" in done.stdout
