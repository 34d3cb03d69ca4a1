"""One system's reading, from the settings to the lake."""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from orchestration import inventory, settings
from orchestration.lake import Lake, LakeError, Outcome, Stream, run_lock
from orchestration.settings import Settings, SettingsError
from orchestration.systems import (
    anthropic,
    copilot,
    files,
    git,
    github,
    jira,
    openai,
    pagerduty,
    usage_logs,
)

LOCAL = (files, git, usage_logs)  # read as they are
REMOTE = (github, jira, pagerduty, anthropic, openai, copilot)  # asked, window by window


@dataclass(frozen=True)
class System:
    """A system as the rest of the house sees it. ``is_remote``: it is asked for windows of time,
    so it is told since when and until when."""

    name: str
    is_remote: bool
    streams: Sequence[Stream]
    extract: Callable[..., Iterator[Outcome]]
    check: Callable[..., Iterator[Outcome]]


SYSTEMS = {
    module.__name__.rsplit(".", 1)[-1]: System(
        module.__name__.rsplit(".", 1)[-1],
        module in REMOTE,
        module.STREAMS,
        module.extract,
        module.check,
    )
    for module in (*LOCAL, *REMOTE)
}


def enabled(current: Settings) -> list[System]:
    """The systems that the configuration names."""
    return [SYSTEMS[name] for name in current.enabled_systems]


@dataclass(frozen=True)
class Order:
    """How a run wants its systems read. ``since``: the first day to ask for (UTC); windows that
    the lake has are not asked for again unless ``full_refresh``. ``forget_missing``: what is gone
    at its source goes from the lake too."""

    since: date | None = None
    full_refresh: bool = False
    forget_missing: bool = False


def extract(system: System, current: Settings, order: Order = Order()) -> list[Outcome]:  # noqa: B008
    """Reads one system into the lake; what became of each of its scopes is kept in the lake too.

    Raises SettingsError without a salt, LakeError where the lake cannot be written.
    """
    identity = current.identity()
    lake = Lake(current.home)
    lake.ensure(system.streams)
    # Nobody can be asked for what has not happened yet.
    until = min(current.as_of, datetime.now(UTC).replace(microsecond=0))
    windows = {"since": order.since, "until": until} if system.is_remote else {}
    outcomes = list(
        system.extract(
            lake,
            identity,
            _settings_of(system, current),
            full_refresh=order.full_refresh,
            forget_missing=order.forget_missing,
            **windows,
        )
    )
    inventory.write_outcomes(lake, system.name, outcomes)
    return outcomes


def check(system: System, current: Settings) -> list[Outcome]:
    """Whether the system could be read, cheaply: for ``doctor``."""
    return list(system.check(_settings_of(system, current)))


def alone(name: str, arguments: Sequence[str]) -> int:
    """Reads one system of the configuration and nothing else, and says what became of each scope:
    what ``python -m orchestration.systems.<name>`` does. 1 if one could not be read."""
    parser = argparse.ArgumentParser(prog=f"python -m orchestration.systems.{name}")
    parser.add_argument("--config", type=Path, help="default: ./valuemaxx.yml")
    parser.add_argument("--home", type=Path, help="default: .valuemaxx beside it")
    parser.add_argument("--since", type=date.fromisoformat, help="the first day to read")
    parser.add_argument("--full-refresh", action="store_true", help="read everything again")
    parser.add_argument("--forget-missing", action="store_true", help="drop what is gone")
    given = parser.parse_args(arguments)
    order = Order(given.since, given.full_refresh, given.forget_missing)
    failed = 0
    try:
        current = settings.load(given.config, given.home)
        if name not in current.enabled_systems:
            raise SettingsError(f"systems.{name} is not in the configuration")
        with run_lock(current.home):
            outcomes = extract(SYSTEMS[name], current, order)
    except (SettingsError, LakeError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    for outcome in outcomes:
        sys.stderr.write(f"{outcome.scope}: {outcome.status}: {outcome.message}\n")
        failed += outcome.status == "failed"
    return 1 if failed else 0


def take_inventory(current: Settings) -> None:
    """Lands what the lake holds, for ``ops.data_quality``."""
    lake = Lake(current.home)
    inventory.write(lake, [s for system in enabled(current) for s in system.streams])


def _settings_of(system: System, current: Settings) -> Any:
    return getattr(current.configuration.systems, system.name)
