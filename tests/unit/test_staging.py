"""Every staging model is known to the macro that puts systems together, and the other way round."""

import re
from pathlib import Path

from orchestration.extraction import SYSTEMS
from orchestration.settings import Systems
from orchestration.systems.sources import SYSTEMS as SOURCES

ROOT = Path(__file__).resolve().parents[2]
# Staged for people to look at, and put together with nothing.
ALONE = {("copilot", "billing_items")}


def test_the_macro_names_every_staging_model_and_no_other() -> None:
    macro = (ROOT / "macros" / "union_systems.sql").read_text()
    named = {
        (system, entity)
        for entity, systems in re.findall(r"'(\w+)': \[([^\]]*)\]", macro)
        for system in re.findall(r"'(\w+)'", systems)
    }
    files = {
        tuple(path.stem.removeprefix("stg_").split("__"))
        for path in (ROOT / "models" / "staging").glob("*/stg_*.sql")
        if not path.stem.startswith("stg_valuemaxx")
    }
    assert named == files - ALONE


def test_every_system_is_known_wherever_systems_are_listed() -> None:
    project = (ROOT / "dbt_project.yml").read_text()
    assert SYSTEMS.keys() == SOURCES.keys() - {"valuemaxx"} == Systems.model_fields.keys()
    for name in SYSTEMS.keys() - {"files"}:
        assert f"'{name}' in env_var('VALUEMAXX_SYSTEMS'" in project, name
        folder = ROOT / "orchestration" / "systems" / name
        for file in ("__init__.py", "__main__.py", "client.py", "records.py", "README.md"):
            assert (folder / file).exists(), f"{name} has no {file}"
