"""One system's reading, from the settings to the lake."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from orchestration import inventory
from orchestration.lake import Lake, Outcome, Stream
from orchestration.settings import Settings
from orchestration.systems import files, git


@dataclass(frozen=True)
class System:
    """A system as the rest of the house sees it."""

    name: str
    streams: Sequence[Stream]
    extract: Callable[..., Iterator[Outcome]]
    check: Callable[..., Iterator[Outcome]]


SYSTEMS = {
    module.__name__.rsplit(".", 1)[-1]: System(
        module.__name__.rsplit(".", 1)[-1], module.STREAMS, module.extract, module.check
    )
    for module in (files, git)
}


def enabled(settings: Settings) -> list[System]:
    """The systems that the configuration names."""
    return [SYSTEMS[name] for name in settings.enabled_systems]


def extract(
    system: System, settings: Settings, *, full_refresh: bool = False, forget_missing: bool = False
) -> list[Outcome]:
    """Reads one system into the lake; what became of each of its scopes is kept in the lake too.

    Raises SettingsError without a salt, LakeError where the lake cannot be written.
    """
    identity = settings.identity()
    lake = Lake(settings.home)
    lake.ensure(system.streams)
    outcomes = list(
        system.extract(
            lake,
            identity,
            _settings_of(system, settings),
            full_refresh=full_refresh,
            forget_missing=forget_missing,
        )
    )
    inventory.write_outcomes(lake, system.name, outcomes)
    return outcomes


def check(system: System, settings: Settings) -> list[Outcome]:
    """Whether the system could be read, cheaply: for ``doctor``."""
    return list(system.check(_settings_of(system, settings)))


def take_inventory(settings: Settings) -> None:
    """Lands what the lake holds, for ``ops.data_quality``."""
    lake = Lake(settings.home)
    inventory.write(lake, [s for system in enabled(settings) for s in system.streams])


def _settings_of(system: System, settings: Settings) -> Any:
    return getattr(settings.configuration.systems, system.name)
