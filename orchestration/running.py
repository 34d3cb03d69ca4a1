"""A run: the Dagster job ``refresh`` in this process."""

import contextlib
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from orchestration import extraction, settings, transformation
from orchestration.lake import run_lock
from orchestration.settings import Settings, SettingsError

INSTANCE = {
    "telemetry": {"enabled": False},
    "nux": {"enabled": False},
    "event_log_storage": {
        "module": "orchestration.defs.event_log",
        "class": "EventLog",
        "config": {"base_dir": "events"},
    },
    # One writer: a run that is started while another is at work waits for it.
    "concurrency": {"runs": {"max_concurrent_runs": 1}},
}
GRACE_SECONDS = 5
log = logging.getLogger(__name__)


class RunError(Exception):
    """A run that did not publish: a line per reason."""


@dataclass(frozen=True)
class Options:
    """What ``valuemaxx run`` can be told. ``select``: only these systems are read; ``since``: the
    first day to ask vendors for."""

    select: Sequence[str] = ()
    since: date | None = None
    full_refresh: bool = False
    forget_missing: bool = False


def prepare(current: Settings) -> None:
    """Makes the home, writes Dagster's instance settings into it and sets the environment."""
    settings.export(current.environment())
    dagster_home = current.home / "dagster"
    try:
        dagster_home.mkdir(parents=True, exist_ok=True)
        file = dagster_home / "dagster.yaml"
        text = yaml.safe_dump(INSTANCE).replace("base_dir: events", f"base_dir: {dagster_home}")
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SettingsError(
            f"{error.filename}: {error.strerror}; choose another home with --home"
        ) from None


def run(current: Settings, options: Options) -> Path:
    """Extract, build, test, publish. Returns the published folder; raises RunError, SettingsError
    or LakeError, and then the publication before stays as it was."""
    current.identity()
    unknown = set(options.select) - set(current.enabled_systems)
    if unknown:
        raise SettingsError(
            f"--select {', '.join(sorted(unknown))}: not an enabled system; "
            f"enabled are {', '.join(current.enabled_systems)}"
        )
    own = current.home / settings.CONFIG_NAME
    if own.exists() and current.config_path != own:
        raise SettingsError(f"{current.home} holds the demo; remove it, or choose --home elsewhere")
    prepare(current)
    with run_lock(current.home):
        pass  # said here, before Dagster starts, where it is one line
    from dagster import DagsterInstance

    from orchestration.definitions import defs

    job = defs.resolve_job_def("refresh")
    output = transformation.target_path(current) / "output.log"
    with DagsterInstance.get() as instance, output.open("w") as text, redirect_stdout(text):
        result = job.execute_in_process(
            instance=instance,
            run_config=_run_config(current, options),
            asset_selection=_selection(job, current, options),
            raise_on_error=False,
        )
    if not result.success:
        raise RunError("\n".join(_reasons(result)))
    return current.home / "published"


def _run_config(current: Settings, options: Options) -> dict[str, Any]:
    flags = {"full_refresh": options.full_refresh}
    since = options.since.isoformat() if options.since else ""
    reading = {**flags, "since": since, "forget_missing": options.forget_missing}
    names = options.select or current.enabled_systems
    ops = {f"read_{name}": {"config": reading} for name in names}
    return {
        "ops": {**ops, "build_models": {"config": flags}},
        "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
    }


def _selection(job: Any, current: Settings, options: Options) -> list[Any] | None:
    """Every asset but the streams of the systems that are not to be read; None = every one."""
    if not options.select:
        return None
    silent = {
        (stream.system, stream.name)
        for system in extraction.enabled(current)
        if system.name not in options.select
        for stream in system.streams
    }
    keys = job.asset_layer.executable_asset_keys
    return [key for key in keys if tuple(key.path) not in silent]


def _reasons(result: Any) -> list[str]:
    """What a person needs to know of a failed run: what each failed step says."""
    errors = [
        event.event_specific_data.error
        for event in result.all_node_events
        if event.is_step_failure and event.event_specific_data.error
    ]
    causes = [error.cause or error for error in errors]
    return [
        line
        for cause in causes
        # "module.NameError: what it says" is how Dagster keeps an error.
        for line in cause.message.split(": ", 1)[-1].strip().splitlines()
    ] or ["the run failed before its first step; `valuemaxx run --debug` shows why"]


def serve(current: Settings, port: int) -> int:
    """Dagster's web UI on 127.0.0.1 until it is interrupted; its exit code.

    Dagster's development server leaves children behind when it is merely terminated, so it gets a
    process group of its own, and the group is ended with it.
    """
    prepare(current)
    transformation.manifest(current)
    command = [
        str(Path(sys.executable).with_name("dagster")), "dev",
        "--module-name", "orchestration.definitions", "--host", "127.0.0.1", "--port", str(port),
    ]  # fmt: skip
    log.info("Dagster on http://127.0.0.1:%s/asset-groups (stop with Ctrl-C)", port)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    server = subprocess.Popen(command, cwd=settings.ROOT, start_new_session=True)
    try:
        return server.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        _end_group(server)


def _end_group(server: subprocess.Popen[bytes]) -> None:
    """Asks the server's process group to end, then makes it."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(GRACE_SECONDS)
            break
    with contextlib.suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)
