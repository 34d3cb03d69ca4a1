"""What `init`, `doctor` and `status` say: is everything there, is it fresh, what is wrong."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import duckdb
from rich.table import Table

from orchestration import extraction, inventory, publishing, settings, transformation
from orchestration.lake import Lake, LakeError, run_lock
from orchestration.settings import Settings, SettingsError
from orchestration.warehouse import WarehouseError

LATE = timedelta(hours=36)  # a daily schedule, and half a day's patience
ENOUGH_DISK = 2 * 1024**3

CONFIGURATION = """\
# valuemaxx: what did our AI spend buy?   `valuemaxx doctor` checks this file.
company: Example Ltd
reporting_currency: USD
fiscal_year_start_month: 1
minimum_group_size: 5            # nothing about AI use is shown for fewer people; at least 3
warehouse: duckdb                # duckdb | postgres

# postgres:                      # where warehouse: postgres builds and publishes
#   host: localhost
#   port: 5432
#   user: valuemaxx
#   password: ${VALUEMAXX_POSTGRES_PASSWORD}
#   database: valuemaxx

systems:
  files:
    folder: feeds                # <feed>.csv, .jsonl or .parquet: teams.csv, ai_usage-2026-01.csv …
  # git:
  #   repositories:
  #     - path: ../payments      # a local clone, bare or not
  #       name: acme/payments    # default: the folder's name
  #       service: payments      # default: the repository's name
  #       deployments: {tags: "v*"}        # or {branch: main}: every commit on it is deployed
  # github: {organization: acme, token: "${GITHUB_TOKEN}"}
  # jira: {site: acme, email: reader@acme.com, token: "${JIRA_TOKEN}", teams: {PAY: payments}}
  # pagerduty: {token: "${PAGERDUTY_TOKEN}"}
  # anthropic: {admin_key: "${ANTHROPIC_ADMIN_KEY}", teams: {wrkspc_01: payments}}
  # openai: {admin_key: "${OPENAI_ADMIN_KEY}"}
  # copilot: {organization: acme, token: "${GITHUB_TOKEN}"}
  # usage_logs:
  #   sources:
  #     - {name: gateway, path: logs/*.jsonl, format: litellm}

policy:
  production_environments: [prod, production, live]
  failure_window_hours: 24       # an incident this soon after a deployment is laid at its door
  hotfix_labels: [hotfix]
  # who is believed where two systems tell one fact
  precedence: [pagerduty, jira, github, gitlab, files, git]
  large_pull_request_lines: 400
  stalled_pull_request_days: 7
  rubber_stamp_minutes_per_100_lines: 10
  small_sample_size: 20          # figures of fewer are marked is_small_sample
  benchmark_industry: all        # an industry of seeds/dora_benchmarks.csv
  active_days_per_month: 4       # days with AI that make somebody an active user of a month
  adoption_share: 0.5            # of a team's active contributors, for a team to have adopted
  rework_window_days: 21         # work done over again this soon is rework
  reconciliation_tolerance_usd: 1.00  # what an invoice may differ unexplained, the larger of
  reconciliation_tolerance_share: 0.01  # the two, a share of the invoice
  bots: []                       # more handles that are nobody, such as "acme-ci*"
"""


@dataclass(frozen=True)
class Check:
    """One line of `doctor`."""

    name: str
    status: Literal["ok", "warning", "failed"]
    message: str

    def as_dict(self) -> dict[str, str]:
        """For --json."""
        return asdict(self)


@dataclass(frozen=True)
class StreamStatus:
    """A stream as `status` shows it."""

    system: str
    stream: str
    rows_landed: int
    rows_quarantined: int
    newest_record_at: datetime | None
    last_read_at: datetime | None


@dataclass(frozen=True)
class Status:
    """What `status` shows."""

    home: str
    published_at: datetime | None
    as_of: datetime | None
    is_late: bool
    streams: list[StreamStatus]
    problems: list[str]

    def as_dict(self) -> dict[str, Any]:
        """For --json."""
        return asdict(self)

    def tables(self) -> Iterator[Table | str]:
        """For a terminal."""
        if self.published_at is None:
            yield "nothing published yet: run `valuemaxx run`"
        else:
            late = ", late" if self.is_late else ""
            yield f"published {self.published_at:%Y-%m-%d %H:%M} UTC, as of {self.as_of}{late}"
        table = Table("stream", "landed", "quarantined", "newest record", "last read")
        for row in self.streams:
            if row.last_read_at is not None:
                table.add_row(
                    f"{row.system}.{row.stream}",
                    f"{row.rows_landed:,}",
                    f"{row.rows_quarantined:,}",
                    f"{row.newest_record_at:%Y-%m-%d}" if row.newest_record_at else "",
                    f"{row.last_read_at:%Y-%m-%d %H:%M}",
                )
        yield table
        yield from self.problems


def write_configuration(path: Path) -> None:
    """Writes the commented configuration; never over an existing file."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(CONFIGURATION)
    except FileExistsError:
        raise SettingsError(f"{path} is already there; edit it, or name another") from None


def checks(config: Path | None, home: Path | None) -> list[Check]:
    """Every check, in the order a person would mend them."""
    found = [_python(), _program("git", "git"), _program("dbt", transformation.DBT)]
    try:
        current = settings.load(config, home)
    except SettingsError as error:
        return [*found, Check("configuration", "failed", str(error))]
    where = current.config_path or "none, all defaults; `valuemaxx init` writes one"
    found.append(Check("configuration", "ok", str(where)))
    for name, check in (
        ("identity salt", _salt),
        ("home", _home),
        ("warehouse", _warehouse),
    ):
        found.append(_guarded(name, check, current))
    for system in extraction.enabled(current):
        for outcome in extraction.check(system, current):
            status = {"failed": "failed", "warning": "warning", "missing": "warning"}
            found.append(
                Check(
                    f"{outcome.system} {outcome.scope}".strip(),
                    status.get(outcome.status, "ok"),  # type: ignore[arg-type]
                    outcome.message or "readable",
                )
            )
    found += [Check("lake", "warning", line) for line in _lake_problems(current)]
    return found


def status(current: Settings) -> Status:
    """What the home holds. Reads the lake and the publication; changes nothing."""
    lake = Lake(current.home)
    streams = []
    for system in extraction.enabled(current):
        for stream in system.streams:
            batches = lake.standing(stream)
            streams.append(
                StreamStatus(
                    system=stream.system,
                    stream=stream.name,
                    rows_landed=sum(b.rows_landed for b in batches),
                    rows_quarantined=sum(b.rows_quarantined for b in batches),
                    newest_record_at=max(
                        (b.newest_record_at for b in batches if b.newest_record_at), default=None
                    ),
                    last_read_at=max((b.extracted_at for b in batches), default=None),
                )
            )
    published_at, as_of = _publication(current)
    is_late = published_at is None or datetime.now(UTC).replace(tzinfo=None) - published_at > LATE
    problems = [*_troubles(current, lake), *_lake_problems(current)]
    return Status(str(current.home), published_at, as_of, is_late, streams, problems)


def warnings(current: Settings) -> list[str]:
    """What a run that published should still make somebody look at, one line each."""
    lake = Lake(current.home)
    lines = _troubles(current, lake)
    if any((current.home / "quarantine").rglob("*.jsonl")):
        lines.append(f"refused records, each with its reason: {current.home / 'quarantine'}")
    return [*lines, *_set_aside(lake), *transformation.warnings(current)]


def _troubles(current: Settings, lake: Lake) -> list[str]:
    """The scopes of the last reading that somebody should look at."""
    return [
        f"{trouble.system} {trouble.scope}: {trouble.status}: {trouble.message}"
        for system in extraction.enabled(current)
        for trouble in inventory.troubles(lake, system.name)
    ]


def _lake_problems(current: Settings) -> list[str]:
    lake = Lake(current.home)
    lines = []
    for system in extraction.enabled(current):
        for stream in system.streams:
            for batch in lake.standing(stream):
                if batch.rows_quarantined:
                    reasons = ", ".join(f"{r} ({n})" for r, n in batch.reasons.items())
                    where = lake.quarantine_folder(stream) / f"{batch.path.stem}.jsonl"
                    lines.append(
                        f"{batch.scope}: {batch.rows_quarantined} of {batch.rows_read} records "
                        f"quarantined: {reasons}; see {where}"
                    )
    return [*lines, *_set_aside(lake)]


def _set_aside(lake: Lake) -> list[str]:
    return [
        f"{path.name} was not a readable batch and was set aside; what it covered is read again"
        for path in lake.set_aside()
    ]


def _guarded(name: str, check: Callable[[Settings], str], current: Settings) -> Check:
    try:
        return Check(name, "ok", check(current))
    except (SettingsError, LakeError, WarehouseError, OSError) as error:
        return Check(name, "failed", " ".join(str(error).split()))


def _python() -> Check:
    return Check("python", "ok", ".".join(map(str, sys.version_info[:3])))


def _program(name: str, command: str) -> Check:
    if shutil.which(command) is None:
        return Check(name, "failed", f"no program {name} on the path; install it")
    done = subprocess.run([command, "--version"], capture_output=True, text=True, check=False)
    lines = (done.stdout + done.stderr).split("\n")
    version = next((line.strip(" -") for line in lines if any(c.isdigit() for c in line)), "")
    return Check(name, "ok" if done.returncode == 0 else "failed", version)


def _salt(current: Settings) -> str:
    current.identity()
    if len(current.salt or "") < 16:
        raise SettingsError(f"{settings.SALT} is shorter than 16 characters; make it random")
    return f"{settings.SALT} is set"


def _home(current: Settings) -> str:
    with run_lock(current.home):
        free = shutil.disk_usage(current.home).free
    if free < ENOUGH_DISK:
        raise SettingsError(f"{current.home}: {free / 1024**3:.1f} GB free; 2 GB are needed")
    return f"{current.home}, {free / 1024**3:.0f} GB free"


def _warehouse(current: Settings) -> str:
    publishing.warehouse(current).reachable()
    return current.configuration.warehouse


def _publication(current: Settings) -> tuple[datetime | None, datetime | None]:
    file = current.home / "published" / "valuemaxx.duckdb"
    if not file.exists():
        return None, None
    with duckdb.connect(str(file), read_only=True) as connection:
        row = connection.execute("select published_at, as_of from ops.published").fetchall()[0]
    return row[0], row[1]
