"""One asset per stream, grouped by system; one reading of a system fills all of its streams."""

from collections.abc import Iterator
from datetime import date

from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    AssetSpec,
    Backoff,
    Config,
    Failure,
    MaterializeResult,
    RetryPolicy,
    TableColumn,
    TableSchema,
    multi_asset,
)

from orchestration import extraction, inventory, ledger, settings
from orchestration.defs.resources import Home
from orchestration.lake import Lake, LakeError, Stream
from orchestration.settings import Settings, SettingsError

OWNER = "team:data-engineering"
RETRIES = RetryPolicy(max_retries=2, delay=10, backoff=Backoff.EXPONENTIAL)
CHECK = "nothing_quarantined"


class Reading(Config):
    """How to read: what ``valuemaxx run``'s flags of these names say; ``since`` is YYYY-MM-DD."""

    since: str = ""
    full_refresh: bool = False
    forget_missing: bool = False


def assets(current: Settings) -> list[AssetsDefinition | AssetSpec]:
    """The extraction assets of the enabled systems, the lake's own inventory, and the close
    ledger, which a run only reads: `valuemaxx close` writes it."""
    systems = extraction.enabled(current)
    streams = [stream for system in systems for stream in system.streams]
    closings = [_spec(stream) for stream in ledger.STREAMS]
    return [*(_system(system) for system in systems), _inventory(streams), *closings]


def _system(system: extraction.System) -> AssetsDefinition:
    @multi_asset(
        name=f"read_{system.name}",
        specs=[_spec(stream) for stream in system.streams],
        check_specs=[AssetCheckSpec(CHECK, asset=_key(s)) for s in system.streams],
        retry_policy=RETRIES,
    )
    def read(
        context: AssetExecutionContext, config: Reading, home: Home
    ) -> Iterator[MaterializeResult]:
        current = settings.load()
        try:
            outcomes = extraction.extract(system, current, _order(config))
        except (LakeError, SettingsError) as error:
            raise Failure(str(error), allow_retries=False) from None
        for outcome in outcomes:
            context.log.info(f"{outcome.scope}: {outcome.status} {outcome.message}".strip())
        for stream in system.streams:
            yield _result(stream, Lake(current.home))

    return read


def _order(config: Reading) -> extraction.Order:
    since = date.fromisoformat(config.since) if config.since else None
    return extraction.Order(since, config.full_refresh, config.forget_missing)


def _inventory(streams: list[Stream]) -> AssetsDefinition:
    specs = [
        _spec(stream).replace_attributes(deps=[_key(s) for s in streams])
        for stream in inventory.STREAMS
    ]

    @multi_asset(name="take_inventory", specs=specs)
    def take(home: Home) -> Iterator[MaterializeResult]:
        extraction.take_inventory(settings.load())
        for stream in inventory.STREAMS:
            yield MaterializeResult(asset_key=_key(stream))

    return take


def _key(stream: Stream) -> AssetKey:
    """Dbt's source of the same name has the same key, so the lineage joins by itself."""
    return AssetKey([stream.system, stream.name])


def _spec(stream: Stream) -> AssetSpec:
    columns = [TableColumn(f.name, f.type, description=f.description) for f in stream.fields]
    return AssetSpec(
        _key(stream),
        description=f"One record per {stream.grain}.",
        group_name=stream.system,
        kinds={"parquet"},
        owners=[OWNER],
        metadata={"dagster/column_schema": TableSchema(columns)},
    )


def _result(stream: Stream, lake: Lake) -> MaterializeResult:
    batches = lake.standing(stream)
    refused = sum(batch.rows_quarantined for batch in batches)
    check = AssetCheckResult(
        check_name=CHECK,
        asset_key=_key(stream),
        passed=refused == 0,
        severity=AssetCheckSeverity.WARN,
        metadata={"rows_quarantined": refused, "where": str(lake.quarantine_folder(stream))},
    )
    return MaterializeResult(
        asset_key=_key(stream),
        metadata={
            "dagster/row_count": sum(batch.rows_landed for batch in batches),
            "rows_quarantined": refused,
            "batches": len(batches),
        },
        check_results=[check],
    )
