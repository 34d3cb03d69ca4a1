"""The one job, its daily schedule, and where it runs: one process, as DuckDB has one writer."""

from dagster import (
    AssetSelection,
    DefaultScheduleStatus,
    ScheduleDefinition,
    define_asset_job,
    in_process_executor,
)

REFRESH = define_asset_job(
    "refresh",
    selection=AssetSelection.all(),
    description="Extract, build, test, publish: what `valuemaxx run` does.",
)
DAILY = ScheduleDefinition(
    job=REFRESH,
    cron_schedule="0 5 * * *",
    execution_timezone="UTC",
    default_status=DefaultScheduleStatus.STOPPED,
    description="Every morning at 05:00 UTC, once it is switched on.",
)
EXECUTOR = in_process_executor
