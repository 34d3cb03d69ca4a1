"""The publication as an asset: what anybody may read, once every test has passed."""

from dagster import AssetKey, AssetsDefinition, MaterializeResult, asset

from orchestration import publishing, settings
from orchestration.defs.resources import Home
from orchestration.settings import Settings


def assets(current: Settings) -> list[AssetsDefinition]:
    """One asset, downstream of every mart."""
    tables = publishing.published_tables(current.home / publishing.MANIFEST)

    @asset(
        name="published",
        group_name="published",
        deps=[AssetKey([table.schema, table.name]) for table in tables],
        kinds={"duckdb", "parquet"},
        owners=["team:data-engineering"],
        description="One folder per publication: valuemaxx.duckdb and Parquet of every mart.",
    )
    def published(home: Home) -> MaterializeResult:
        folder = publishing.publish(settings.load())
        return MaterializeResult(metadata={"folder": str(folder), "tables": len(tables)})

    return [published]
