"""`valuemaxx run` on every simulated world: what is published is what plain Python counts."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from orchestration.simulation import feeds, simulate, truth
from orchestration.simulation.records import Company
from orchestration.simulation.truth.compare import differences
from orchestration.simulation.worlds import WORLDS
from tests.conftest import Run

SEED = 20_260_701
# Twelve teams make two departments, with teams too small to stand alone; in a year every lever
# acts, and the billing faults find the months that they need.
TEAMS, MONTHS = 12, 12
# One world costs half a minute: the others are slow ones.
ALWAYS = ("demo", "messy", "billing_faults")


@pytest.fixture
def published(tmp_path: Path, valuemaxx: Run) -> Callable[[Company], Path]:
    """Publishes a company as a user would: the folder of feeds, a configuration, the command."""

    def publish(company: Company) -> Path:
        feeds.write(company, tmp_path / "feeds", WORLDS[company.world].messiness)
        config = tmp_path / "valuemaxx.yml"
        config.write_text(yaml.safe_dump({"company": "Example"}))
        done = valuemaxx("run", "--config", config, "--as-of", company.as_of.isoformat())
        assert done.returncode == 0, done.stderr
        return tmp_path / ".valuemaxx" / "published" / "valuemaxx.duckdb"

    return publish


@pytest.mark.parametrize(
    "name",
    [n if n in ALWAYS else pytest.param(n, marks=pytest.mark.slow) for n in WORLDS],
)
def test_what_is_published_of_a_world_is_the_truth(
    published: Callable[[Company], Path], name: str
) -> None:
    company = simulate(WORLDS[name], SEED, teams=TEAMS, months=MONTHS)
    counted = truth.count(company)
    assert len(counted["dora.fct_changes"]) > 500
    assert counted["cost.ai_cost_daily"]
    assert differences(counted, published(company)) == []
