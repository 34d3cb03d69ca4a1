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
RESULTS = "run_results.json"
PROJECT_FILES = ("dbt_project.yml", "profiles.yml")
PROJECT_FOLDERS = ("models", "macros", "seeds", "tests/data")

log = logging.getLogger(__name__)


class TransformationError(Exception):
    """dbt could not build: one line per failure, with how to look at it."""


def target_path(settings: Settings) -> Path:
    """Where dbt keeps its manifest, its compiled SQL and its log."""
    return settings.home / "dbt"


def manifest(settings: Settings) -> Path:
    """Dbt's manifest of the project under these settings; parsed again only if something that it
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


def before_build(settings: Settings) -> None:
    """Makes the lake readable for dbt, where the warehouse does not read its files itself, and
    clears what an earlier build said."""
    (target_path(settings) / RESULTS).unlink(missing_ok=True)
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


def raise_on_failure(settings: Settings, error: Exception | None) -> None:
    """Raises TransformationError if anything in the last build failed: a line for each model or
    test with its name, what it found, and the file with the query that shows it. ``error``: what
    the program as a whole said, for a build that ended before its first model."""
    lines = _results(settings, "error", "fail", "runtime error")
    if error is not None and not lines:
        said = str(error).rsplit("Errors parsed from dbt logs:", 1)[-1]
        lines = [f"dbt could not build: {' '.join(said.split())[-500:]}"]
    if lines:
        raise TransformationError("\n".join(lines))


def warnings(settings: Settings) -> list[str]:
    """A line for each test of the last build that only warns, likewise."""
    return _results(settings, "warn")


def _results(settings: Settings, *states: str) -> list[str]:
    path = target_path(settings) / RESULTS
    if not path.exists():
        return []
    nodes = json.loads((target_path(settings) / "manifest.json").read_text(encoding="utf-8"))
    results = json.loads(path.read_text(encoding="utf-8"))["results"]
    return [
        _told(settings, nodes["nodes"][result["unique_id"]], result)
        for result in results
        if result["status"] in states
    ]


def _told(settings: Settings, node: Mapping[str, Any], result: Mapping[str, Any]) -> str:
    """A node's result in one line. The compiled query gives the offending rows."""
    message = " ".join(str(result.get("message") or "").split())[:300]
    query = node.get("compiled_path")
    look = f"; the query that shows it: {query}" if query else ""
    return f"{node['name']}: {message}{look}"


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
