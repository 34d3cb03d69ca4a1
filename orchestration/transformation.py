"""dbt: what it is run with, and what it says while it runs."""

import hashlib
import json
import logging
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbt.artifacts.schemas.run import RunExecutionResult

from orchestration import extraction, inventory, ledger, publishing
from orchestration.settings import ROOT, Settings

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

DBT = str(Path(sys.executable).with_name("dbt"))
RESULTS = "run_results.json"
PARSED = "partial_parse.msgpack"
TABLES = ("table", "incremental", "seed")
PROJECT_FILES = ("dbt_project.yml", "profiles.yml")
PROJECT_FOLDERS = ("models", "macros", "seeds", "tests/data")

log = logging.getLogger(__name__)


class TransformationError(Exception):
    """dbt could not build: one line per failure, with how to look at it."""


@dataclass(frozen=True)
class Built:
    """What became of one model, seed or test. ``status``: success, no-op, pass, warn, fail, error
    or skipped. ``row_count``: of a table."""

    unique_id: str
    status: str
    seconds: float
    failure_count: int
    row_count: int | None


def target_path(settings: Settings) -> Path:
    """Where dbt keeps its manifest, its compiled SQL and its log."""
    return settings.home / "dbt"


def manifest(settings: Settings) -> Path:
    """Dbt's manifest of the project under these settings; parsed again only if something that it
    depends on has changed."""
    from dbt.cli.main import dbtRunner

    target = target_path(settings)
    path, key_path = target / "manifest.json", target / "manifest.key"
    key = _project_key(settings)
    if path.exists() and key_path.exists() and key_path.read_text(encoding="utf-8") == key:
        return path
    target.mkdir(parents=True, exist_ok=True)
    log.info("reading the dbt project")
    parse = ["parse", "--vars", settings.dbt_vars(), *_folders(settings)]
    done = dbtRunner().invoke([*parse, "--log-level", "none"])
    if not done.success:
        said = " ".join(str(done.exception).split())[-500:]
        raise TransformationError(f"dbt cannot read the project: {said}")
    key_path.write_text(key, encoding="utf-8")
    return path


def build(
    settings: Settings, select: Sequence[str] = (), *, full_refresh: bool = False
) -> list[Built]:
    """Builds and tests the models (all, or those named in ``select``), in this process: dbt is
    imported here already, and a run that is killed leaves no dbt behind. Unit tests are left out:
    they test the SQL, not the data. What failed is in the list; ``raise_on_failure`` tells it.

    Not in a thread beside whoever listens: dbt's many short queries and an event log's many short
    statements then wait for each other's Python, and both end later.
    """
    from dbt.cli.main import dbtRunner

    _load_lake(settings)
    results = target_path(settings) / RESULTS
    results.unlink(missing_ok=True)
    arguments = build_arguments(settings, full_refresh=full_refresh)
    # The manifest is known and stands on disk already: dbt would parse and write it twice more.
    arguments += ["--log-level", "none", "--no-write-json"]
    if select:
        arguments += ["--select", *select]
    built: list[Built] = []
    ended = dbtRunner(_parsed(settings), callbacks=[lambda event: _tell(event, built)]).invoke(
        arguments
    )
    _close_duckdb()
    if not isinstance(ended.result, RunExecutionResult):
        said = " ".join(str(ended.exception).split())[-500:]
        raise TransformationError(f"dbt could not build: {said}")
    ended.result.write(str(results))
    return built


def _parsed(settings: Settings) -> "Manifest":
    """What `manifest` parsed, as dbt keeps it for itself beside manifest.json."""
    from dbt.contracts.graph.manifest import Manifest
    from dbt.parser.manifest import extended_mashumuro_decoder

    packed = manifest(settings).with_name(PARSED).read_bytes()
    parsed: Manifest = Manifest.from_msgpack(packed, decoder=extended_mashumuro_decoder)
    parsed.build_flat_graph()
    return parsed


def build_arguments(settings: Settings, *, full_refresh: bool = False) -> list[str]:
    """``dbt build`` as `valuemaxx run` asks for it."""
    arguments = [
        "build", "--exclude-resource-type", "unit_test", "--vars", settings.dbt_vars(),
        *_folders(settings),
    ]  # fmt: skip
    return [*arguments, *(["--full-refresh"] if full_refresh else [])]


def _folders(settings: Settings) -> list[str]:
    folder, target = str(ROOT), str(target_path(settings))
    return [
        "--project-dir", folder, "--profiles-dir", folder,
        "--target-path", target, "--log-path", target,
    ]  # fmt: skip


def raise_on_failure(settings: Settings) -> None:
    """Raises TransformationError if anything in the last build failed: a line for each model or
    test with its name, what it found, and the file with the query that shows it."""
    lines = _results(settings, "error", "fail", "runtime error")
    if lines:
        raise TransformationError("\n".join(lines))


def warnings(settings: Settings) -> list[str]:
    """A line for each test of the last build that only warns, likewise."""
    return _results(settings, "warn")


def _load_lake(settings: Settings) -> None:
    """Makes the lake readable for dbt, where the warehouse does not read its files itself."""
    systems = extraction.enabled(settings)
    streams = [stream for system in systems for stream in system.streams]
    publishing.warehouse(settings).load([*streams, *inventory.STREAMS, *ledger.STREAMS])


def _tell(event: Any, built: list[Built]) -> None:
    """Keeps what dbt says of a node that ended, and logs it for whoever watches."""
    if event.info.name != "NodeFinished":
        return
    node, result = event.data.node_info, event.data.run_result
    row_count = None
    if result.status == "success" and node.materialized in TABLES:
        row_count = _row_count(node.node_relation.relation_name)
    if node.resource_type == "model" and result.status == "success":
        log.info("built %s", node.node_name)
    built.append(
        Built(node.unique_id, result.status, result.execution_time, result.num_failures, row_count)
    )


def _row_count(relation: str) -> int:
    """Rows of a table that dbt has just built, asked through dbt's own connection."""
    from dbt.adapters.factory import FACTORY

    (adapter,) = FACTORY.adapters.values()
    with adapter.connection_named("row_count"):
        _, table = adapter.execute(f"select count(*) from {relation}", fetch=True)  # noqa: S608
    return int(table.rows[0][0])


def _close_duckdb() -> None:
    """DuckDB opens a file for one process at a time, and in one way: dbt must let go of it."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    DuckDBConnectionManager.close_all_connections()


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
    """A node's result in one line. The compiled query gives the offending rows; dbt writes it
    where the node is declared, under the name of the node's own file."""
    message = " ".join(str(result.get("message") or "").split())[:300]
    declared, own = Path(node["original_file_path"]), Path(node["path"])
    place = declared if declared.name == own.name else declared / own
    query = target_path(settings) / "compiled" / node["package_name"] / place
    look = f"; the query that shows it: {query}" if query.exists() else ""
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
