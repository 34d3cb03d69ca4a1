"""Publishing: what passed its tests becomes ``<home>/published``, whole or not at all.

Every publication is a folder of its own; ``published`` is a link that is renamed over the old one,
so a reader sees the one or the other, and a failed run changes nothing.
"""

import json
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from orchestration import __version__
from orchestration.settings import Settings, git_commit
from orchestration.warehouse import Published, Table, Warehouse
from orchestration.warehouse.duckdb import DuckDB

MANIFEST = Path("dbt") / "manifest.json"


def warehouse(settings: Settings) -> Warehouse:
    """The warehouse that the configuration names."""
    if settings.configuration.warehouse == "postgres":
        from orchestration.warehouse.postgres import Postgres

        postgres = settings.configuration.postgres
        return Postgres(settings.home, **postgres.model_dump())
    return DuckDB(settings.home)


def published_tables(manifest: Path) -> list[Table]:
    """The marts, as dbt's manifest tells them: the models anybody may read (access public)."""
    nodes = json.loads(manifest.read_text(encoding="utf-8"))["nodes"].values()
    marts = [
        n for n in nodes if n["resource_type"] == "model" and n["config"]["access"] == "public"
    ]
    return [
        Table(
            schema=node["config"]["schema"],
            name=node["alias"],
            built_in=node["schema"],
            description=node["description"],
            columns={c["name"]: c["description"] for c in node["columns"].values()},
        )
        for node in sorted(marts, key=lambda n: (n["schema"], n["alias"]))
    ]


def publish(settings: Settings) -> Path:
    """Copies the marts out of the warehouse and swaps the link. Returns the publication's folder.

    Call it only after every error-level test passed.
    """
    tables = published_tables(settings.home / MANIFEST)
    stamp = datetime.now(UTC).replace(tzinfo=None)
    facts = Published(
        published_at=stamp,
        as_of=settings.as_of.replace(tzinfo=None),
        version=__version__,
        git_commit=git_commit(),
        minimum_group_size=settings.configuration.minimum_group_size,
    )
    folder = settings.home / "publications" / stamp.strftime("%Y%m%dT%H%M%S%f")
    partial = folder.with_name(f".{folder.name}.partial")
    _sweep(folder.parent)
    partial.mkdir(parents=True)
    warehouse(settings).copy(tables, facts, partial)
    partial.rename(folder)
    link = settings.home / "published"
    fresh = settings.home / ".published.partial"
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(Path("publications") / folder.name)
    fresh.replace(link)
    _drop_all_but(folder.parent, newest=2)
    return folder


def _sweep(publications: Path) -> None:
    """Removes what a killed run left half copied."""
    for partial in publications.glob(".*.partial"):
        shutil.rmtree(partial)


def _drop_all_but(publications: Path, newest: int) -> None:
    """Keeps the newest ones: a reader may still have the one before open."""
    folders: Sequence[Path] = sorted(p for p in publications.iterdir() if p.name[0] != ".")
    for folder in folders[:-newest]:
        shutil.rmtree(folder)
