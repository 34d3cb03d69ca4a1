"""`valuemaxx run` on every simulated world: what is published is what plain Python counts."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestration.simulation import feeds, simulate, truth
from orchestration.simulation.records import Company
from orchestration.simulation.truth.compare import differences
from orchestration.simulation.truth.directory import Policy
from orchestration.simulation.worlds import WORLDS
from tests.conftest import Run
from tests.end_to_end.test_billing_faults import findings, planted

SEED = 20_260_701
# Twelve teams make two departments, with teams too small to stand alone; in a year every lever
# acts, and the billing faults find the months that they need.
TEAMS, MONTHS = 12, 12
# One world costs half a minute: the others are slow ones.
ALWAYS = ("demo", "messy", "billing_faults")


@pytest.fixture
def published(tmp_path: Path, valuemaxx: Run) -> Callable[..., Path]:
    """Publishes a company as a user would: the folder of feeds, a configuration, the command."""

    def publish(company: Company, **configuration: Any) -> Path:
        feeds.write(company, tmp_path / "feeds", WORLDS[company.world].messiness)
        config = tmp_path / "valuemaxx.yml"
        config.write_text(yaml.safe_dump({"company": "Example", **configuration}))
        done = valuemaxx("run", "--config", config, "--as-of", company.as_of.isoformat())
        assert done.returncode == 0, done.stderr
        return tmp_path / ".valuemaxx" / "published" / "valuemaxx.duckdb"

    return publish


def worlds(*always: str) -> list[Any]:
    return [
        name if name in always else pytest.param(name, marks=pytest.mark.slow) for name in WORLDS
    ]


@pytest.mark.parametrize("name", worlds(*ALWAYS))
def test_what_is_published_of_a_world_is_the_truth(
    published: Callable[..., Path], name: str
) -> None:
    company = simulate(WORLDS[name], SEED, teams=TEAMS, months=MONTHS)
    counted = truth.count(company)
    assert len(counted["dora.fct_changes"]) > 500
    assert counted["cost.ai_cost_daily"]
    found = published(company)
    # Every billing fault that was planted is found to the cent, and nothing else is.
    assert findings(found) == planted(company)
    assert differences(counted, found) == []


@pytest.mark.slow
def test_what_is_published_in_mid_quarter_by_other_policies_is_the_truth(
    published: Callable[..., Path],
) -> None:
    """Worlds end with a quarter and have the default policies; here neither is so."""
    company = simulate(WORLDS["helps"], SEED, teams=TEAMS, months=14)
    company.as_of -= timedelta(days=11, hours=10, minutes=30)
    policy: dict[str, Any] = {
        "small_sample_size": 12,
        "rework_window_days": 10,
        "active_days_per_month": 3,
        "adoption_share": 0.4,
    }
    common: dict[str, Any] = {"fiscal_year_start_month": 2, "minimum_group_size": 7}
    found = published(company, **common, policy=policy)
    assert differences(truth.count(company, policy=Policy(**common, **policy)), found) == []


@pytest.mark.postgres
@pytest.mark.parametrize("name", worlds("messy"))
def test_what_postgres_publishes_of_a_world_is_the_truth(
    published: Callable[..., Path], name: str, postgres_server: str
) -> None:
    company = simulate(WORLDS[name], SEED, teams=TEAMS, months=MONTHS)
    server = {"host": postgres_server, "user": "postgres", "database": "postgres"}
    found = published(company, warehouse="postgres", postgres=server)
    assert differences(truth.count(company), found) == []
