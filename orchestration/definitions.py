"""What Dagster loads: the assets, checks, job and schedule of ``defs/``, and nothing else."""

from dagster import Definitions

from orchestration import settings
from orchestration.defs import extract, jobs, publish, transform
from orchestration.defs.resources import Home

SETTINGS = settings.load()
settings.export(SETTINGS.environment())

defs = Definitions(
    assets=[*extract.assets(SETTINGS), *transform.assets(SETTINGS), *publish.assets(SETTINGS)],
    jobs=[jobs.REFRESH],
    schedules=[jobs.DAILY],
    resources={"home": Home()},
    executor=jobs.EXECUTOR,
)
