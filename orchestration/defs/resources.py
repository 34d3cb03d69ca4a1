"""What the assets share: the home, held by one run at a time."""

from collections.abc import Iterator
from contextlib import contextmanager

from dagster import ConfigurableResource, InitResourceContext

from orchestration import settings
from orchestration.lake import run_lock


class Home(ConfigurableResource):
    """The run's lock on ``<home>``, taken when the run starts and dropped when it ends."""

    @contextmanager
    def yield_for_execution(self, context: InitResourceContext) -> Iterator["Home"]:
        """Holds ``run.lock``; a second run is told who has it."""
        with run_lock(settings.load().home):
            yield self
