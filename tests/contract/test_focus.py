"""The FOCUS export against the validator that the FinOps Foundation has published.

Its version 1.0.0 knows FOCUS 1.0, five of its columns by the names that they had before. They are
added to what it is given, under both names, so that no rule of it is left out.
"""

import csv
import os
import subprocess
from pathlib import Path

import pytest

from orchestration.simulation import feeds, simulate
from orchestration.simulation.worlds import WORLDS
from tests.conftest import Run

VALIDATOR = Path(os.environ.get("VALUEMAXX_FOCUS_VENV", "")) / "bin" / "focus-validator"
pytestmark = [
    pytest.mark.contract,
    pytest.mark.skipif(
        not VALIDATOR.is_file(),
        reason="VALUEMAXX_FOCUS_VENV holds no focus-validator (tests/contract/README.md)",
    ),
]
FORMER_NAMES = {
    "InvoiceIssuer": "InvoiceIssuerName",
    "Provider": "ProviderName",
    "Publisher": "PublisherName",
    "ResourceID": "ResourceId",
    "ChargeType": "ChargeCategory",
}


def verdict(rows: list[dict[str, str]], folder: Path) -> str:
    """What the validator says: it exits with 0 whatever it finds."""
    file = folder / "given.csv"
    given = [row | {old: row[new] for old, new in FORMER_NAMES.items()} for row in rows]
    with file.open("w", newline="", encoding="utf-8") as lines:
        writer = csv.DictWriter(lines, given[0])
        writer.writeheader()
        writer.writerows(given)
    # It looks for its list of currencies beside itself, by a relative path.
    (packages,) = VALIDATOR.parent.parent.glob("lib/python*/site-packages")
    done = subprocess.run(
        [VALIDATOR, "--data-file", file, "--validate-version", "1.0"],
        cwd=packages,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory, valuemaxx: Run) -> list[dict[str, str]]:
    """The charges of the demo world, as `valuemaxx export --focus` writes them."""
    folder = tmp_path_factory.mktemp("focus")
    company = simulate(WORLDS["demo"], 7, teams=2, months=6)
    feeds.write(company, folder / "feeds")
    config = folder / "valuemaxx.yml"
    config.write_text("company: Example\n")
    done = valuemaxx("run", "--config", config, "--as-of", company.as_of.isoformat())
    assert done.returncode == 0, done.stderr
    file = folder / "focus.csv"
    done = valuemaxx("export", "--config", config, "--focus", file)
    assert done.returncode == 0, done.stderr
    with file.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def test_the_validator_accepts_the_demo(exported: list[dict[str, str]], tmp_path: Path) -> None:
    categories = {row["ChargeCategory"] for row in exported}
    assert categories >= {"Usage", "Purchase", "Tax"}
    assert verdict(exported, tmp_path).strip() == "Validation succeeded."


@pytest.mark.parametrize(
    ("column", "value"),
    [("BillingCurrency", "EURO"), ("ServiceCategory", "AI"), ("ChargePeriodStart", "1 May")],
)
def test_it_refuses_what_it_should(
    exported: list[dict[str, str]], tmp_path: Path, column: str, value: str
) -> None:
    broken = [exported[0] | {column: value}, *exported[1:]]
    assert f"{column}_" in verdict(broken, tmp_path)
