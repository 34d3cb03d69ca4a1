"""dbt: what it is run with, and what it says while it runs."""

import hashlib
import json
import logging
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestration import extraction, inventory, publishing
from orchestration.settings import ROOT, Settings

DBT = str(Path(sys.executable).with_name("dbt"))
PROJECT_FILES = ("dbt_project.yml", "profiles.yml")
PROJECT_FOLDERS = ("models", "macros", "seeds", "tests/data")

log = logging.getLogger(__name__)


class TransformationError(Exception):
    """dbt could not build: one line per failure, with how to look at it."""


def target_path(settings: Settings) -> Path:
    """Where dbt keeps its manifest, its compiled SQL and its log."""
    return settings.home / "dbt"


def manifest(settings: Settings) -> Path:
    """dbt's manifest of the project under these settings; parsed again only if something that it
    depends on has changed."""
    target = target_path(settings)
    path, key_path = target / "manifest.json", target / "manifest.key"
    key = _project_key(settings)
    if path.exists() and key_path.exists() and key_path.read_text(encoding="utf-8") == key:
        return path
    target.mkdir(parents=True, exist_ok=True)
    log.info("reading the dbt project")
    folders = ["--target-path", str(target), "--log-path", str(target)]
    command = [DBT, "--quiet", "parse", "--vars", settings.dbt_vars(), *folders]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = " ".join((done.stdout + done.stderr).split())[-500:]
        raise TransformationError(f"dbt cannot read the project ({target / 'dbt.log'}): {said}")
    key_path.write_text(key, encoding="utf-8")
    return path


def build_arguments(settings: Settings, *, full_refresh: bool = False) -> list[str]:
    """``dbt build`` without the unit tests: those test the SQL, not the data."""
    arguments = ["build", "--exclude-resource-type", "unit_test", "--vars", settings.dbt_vars()]
    return [*arguments, *(["--full-refresh"] if full_refresh else [])]


def load_lake(settings: Settings) -> None:
    """Makes the lake readable for dbt, where the warehouse does not read its files itself."""
    systems = extraction.enabled(settings)
    streams = [stream for system in systems for stream in system.streams]
    publishing.warehouse(settings).load([*streams, *inventory.STREAMS])


def row_counts(settings: Settings, nodes: Mapping[str, Any]) -> dict[str, int]:
    """Rows of every table that dbt built, by the node's unique id."""
    tables = {
        (node["schema"], node["alias"]): unique_id
        for unique_id, node in nodes.items()
        if node["resource_type"] in ("model", "seed")
    }
    counts = publishing.warehouse(settings).row_counts(sorted({schema for schema, _ in tables}))
    return {tables[name]: count for name, count in counts.items() if name in tables}


def failures(settings: Settings) -> list[str]:
    """A line for each model or test that failed in the last build: its name, what it found, and
    the file with the query that shows it."""
    path = target_path(settings) / "run_results.json"
    if not path.exists():
        return []
    results = json.loads(path.read_text(encoding="utf-8"))["results"]
    return [_failure(r) for r in results if r["status"] in ("error", "fail", "runtime error")]


def warnings(settings: Settings) -> list[str]:
    """A line for each test that only warns, likewise."""
    path = target_path(settings) / "run_results.json"
    if not path.exists():
        return []
    results = json.loads(path.read_text(encoding="utf-8"))["results"]
    return [_failure(r) for r in results if r["status"] == "warn"]


def raise_on_failure(settings: Settings) -> None:
    """Raises TransformationError if anything in the last build failed."""
    lines = failures(settings)
    if lines:
        raise TransformationError("\n".join(lines))


def _failure(result: Mapping[str, Any]) -> str:
    name = result["unique_id"].split(".")[2]
    message = " ".join(str(result.get("message") or "").split())[:300]
    rows = f"{result['failures']} rows; " if result.get("failures") else ""
    where = result.get("relation_name") or result["unique_id"]
    look = f"look at them with: dbt show --inline of its compiled query ({where})"
    return f"{name}: {rows}{message}; {look}"


def _project_key(settings: Settings) -> str:
    """Changes when a file of the dbt project or a setting that dbt's parser sees does."""
    digest = hashlib.sha256()
    files = [ROOT / name for name in PROJECT_FILES]
    for folder in PROJECT_FOLDERS:
        files += sorted(path for path in (ROOT / folder).rglob("*") if path.is_file())
    for path in files:
        state = path.stat()
        digest.update(f"{path} {state.st_size} {state.st_mtime_ns}\n".encode())
    environment = settings.environment()
    environment.pop("VALUEMAXX_AS_OF")
    digest.update(json.dumps([environment, settings.dbt_vars()], sort_keys=True).encode())
    return digest.hexdigest()
