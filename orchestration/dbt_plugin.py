"""Makes plain ``dbt build`` work on an empty checkout: before dbt's DuckDB connects, every stream
gets its 0-row batch, so no source is ever a missing file. Named in profiles.yml."""

from pathlib import Path
from typing import Any

from dbt.adapters.duckdb.plugins import BasePlugin

from orchestration.lake import Lake
from orchestration.systems.sources import SYSTEMS


class Plugin(BasePlugin):
    """dbt-duckdb's hook into the connection."""

    def initialize(self, config: dict[str, Any]) -> None:
        """Lays the empty batches beside the working file."""
        if self.creds is None:
            return
        lake = Lake(Path(self.creds.path).resolve().parent)
        for streams in SYSTEMS.values():
            lake.ensure(streams)
