"""The only reader of the environment and of ``valuemaxx.yml``.

A wrong file is one clear line naming file, key and fix, before anything runs.
"""

import csv
import json
import os
import re
import subprocess
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, Field, ValidationError, field_validator

from orchestration.identity import Identity
from orchestration.systems.anthropic import AnthropicSettings
from orchestration.systems.copilot import CopilotSettings
from orchestration.systems.files import FilesSettings
from orchestration.systems.git import GitSettings
from orchestration.systems.github import GitHubSettings
from orchestration.systems.jira import JiraSettings
from orchestration.systems.openai import OpenAISettings
from orchestration.systems.pagerduty import PagerDutySettings
from orchestration.systems.usage_logs import UsageLogsSettings

ROOT = Path(__file__).resolve().parent.parent
BENCHMARKS_SEED = ROOT / "seeds" / "dora_benchmarks.csv"
CONFIG_NAME = "valuemaxx.yml"
SALT = "VALUEMAXX_IDENTITY_SALT"
VARIABLE = re.compile(r"\$\{(\w+)\}")
TELEMETRY_OFF = {
    "DAGSTER_DISABLE_TELEMETRY": "1",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "0",
    "DO_NOT_TRACK": "1",
}


class SettingsError(Exception):
    """A setting that cannot be used: one line with file, key and fix."""


class Policy(BaseModel, extra="forbid"):
    """The judgements a company may make differently. Every one is a variable of the dbt models."""

    production_environments: list[str] = ["prod", "production", "live"]
    failure_window_hours: int = Field(default=24, ge=1)
    hotfix_labels: list[str] = ["hotfix"]
    precedence: list[str] = ["pagerduty", "jira", "github", "gitlab", "files", "git"]
    large_pull_request_lines: int = Field(default=400, ge=1)
    stalled_pull_request_days: int = Field(default=7, ge=1)
    rubber_stamp_minutes_per_100_lines: int = Field(default=10, ge=0)
    small_sample_size: int = Field(default=20, ge=1)
    benchmark_industry: str = "all"
    active_days_per_month: int = Field(default=4, ge=1, le=31)
    adoption_share: float = Field(default=0.5, gt=0, le=1)
    rework_window_days: int = Field(default=21, ge=1)
    reconciliation_tolerance_usd: Decimal = Field(default=Decimal("1.00"), ge=0)
    reconciliation_tolerance_share: Decimal = Field(default=Decimal("0.01"), ge=0, le=1)
    bots: list[str] = []

    @field_validator("benchmark_industry")
    @classmethod
    def _is_in_the_seed(cls, industry: str) -> str:
        with BENCHMARKS_SEED.open(newline="", encoding="utf-8") as lines:
            known = dict.fromkeys(row["industry"] for row in csv.DictReader(lines))
        if industry not in known:
            raise ValueError(f"{industry!r} is not in {BENCHMARKS_SEED.name}: {', '.join(known)}")
        return industry


class Systems(BaseModel, extra="forbid"):
    """The systems in use. ``files`` is always on."""

    files: FilesSettings = FilesSettings()
    git: GitSettings | None = None
    usage_logs: UsageLogsSettings | None = None
    github: GitHubSettings | None = None
    jira: JiraSettings | None = None
    pagerduty: PagerDutySettings | None = None
    anthropic: AnthropicSettings | None = None
    openai: OpenAISettings | None = None
    copilot: CopilotSettings | None = None

    @property
    def enabled(self) -> list[str]:
        """Names of the systems in use, ``files`` first."""
        return [name for name in type(self).model_fields if getattr(self, name) is not None]


class Postgres(BaseModel, extra="forbid"):
    """Where the PostgreSQL warehouse is; its password comes from the environment only."""

    host: str = "localhost"
    port: int = Field(default=5432, ge=1, le=65535)
    user: str = "valuemaxx"
    password: str = ""
    database: str = "valuemaxx"


class Configuration(BaseModel, extra="forbid"):
    """``valuemaxx.yml``."""

    company: str = "Our company"
    reporting_currency: Literal["USD"] = "USD"
    fiscal_year_start_month: int = Field(default=1, ge=1, le=12)
    minimum_group_size: int = Field(default=5, ge=3)
    warehouse: Literal["duckdb", "postgres"] = "duckdb"
    postgres: Postgres = Postgres()
    systems: Systems = Systems()
    policy: Policy = Policy()


class Settings(BaseModel, arbitrary_types_allowed=True):
    """One run's settings: the configuration, the home, the moment it looks from."""

    configuration: Configuration
    config_path: Path | None
    home: Path
    as_of: datetime
    salt: str | None

    def identity(self) -> Identity:
        """The hasher of people; an error where the salt is missing."""
        if not self.salt:
            raise SettingsError(
                f"{SALT} is not set: people are hashed with it before anything is written; "
                f"keep it secret and the same for ever, for instance: "
                f"export {SALT}=$(openssl rand -hex 32)"
            )
        return Identity(self.salt, self.configuration.policy.bots)

    @property
    def enabled_systems(self) -> list[str]:
        """Names of the systems in use, ``files`` first."""
        return self.configuration.systems.enabled

    def environment(self) -> dict[str, str]:
        """What dbt and Dagster are to find in their environment."""
        values = {
            **TELEMETRY_OFF,
            "VALUEMAXX_HOME": str(self.home),
            "VALUEMAXX_SYSTEMS": " ".join(self.enabled_systems),
            "VALUEMAXX_AS_OF": self.as_of.strftime("%Y-%m-%d %H:%M:%S"),
            "VALUEMAXX_WAREHOUSE": self.configuration.warehouse,
            "DAGSTER_HOME": str(self.home / "dagster"),
        }
        if self.config_path:
            values["VALUEMAXX_CONFIG"] = str(self.config_path)
        if self.configuration.warehouse == "postgres":
            postgres = self.configuration.postgres
            values |= {
                "VALUEMAXX_POSTGRES_HOST": postgres.host,
                "VALUEMAXX_POSTGRES_PORT": str(postgres.port),
                "VALUEMAXX_POSTGRES_USER": postgres.user,
                "VALUEMAXX_POSTGRES_PASSWORD": postgres.password,
                "VALUEMAXX_POSTGRES_DATABASE": postgres.database,
            }
        return values

    def dbt_vars(self) -> str:
        """The policy as dbt's ``--vars``, JSON."""
        policy = self.configuration.policy.model_dump(exclude={"bots"})
        return json.dumps(
            policy
            | {
                "fiscal_year_start_month": self.configuration.fiscal_year_start_month,
                "minimum_group_size": self.configuration.minimum_group_size,
            },
            sort_keys=True,
            default=str,  # a decimal keeps its digits
        )


def load(
    config: Path | None = None, home: Path | None = None, as_of: str | None = None
) -> Settings:
    """The settings of a run. Arguments win over the environment (``VALUEMAXX_CONFIG``,
    ``VALUEMAXX_HOME``, ``VALUEMAXX_AS_OF``), which wins over ``./valuemaxx.yml``. Without a
    configuration everything has its default. Raises SettingsError."""
    environ = os.environ
    path = config or _path(environ.get("VALUEMAXX_CONFIG"))
    if path is None and Path(CONFIG_NAME).exists():
        path = Path(CONFIG_NAME)
    path = path.absolute() if path else None
    base = path.parent if path else Path.cwd()
    configuration = _read(path, environ) if path else Configuration()
    _make_absolute(configuration, base)
    where = home or _path(environ.get("VALUEMAXX_HOME")) or base / ".valuemaxx"
    moment = as_of or environ.get("VALUEMAXX_AS_OF")
    return Settings(
        configuration=configuration,
        config_path=path,
        home=where.absolute(),
        as_of=_moment(moment) if moment else datetime.now(UTC).replace(microsecond=0),
        salt=environ.get(SALT),
    )


def export(values: Mapping[str, str]) -> None:
    """Puts values into this process's environment, for the programs it starts."""
    os.environ.update(values)


def git_commit() -> str | None:
    """The commit of this checkout, for ``ops.published``; None outside of one."""
    command = ["git", "-C", str(ROOT), "rev-parse", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout.strip() or None


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None


def _moment(text: str) -> datetime:
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            day = date.fromisoformat(text)
            return datetime(day.year, day.month, day.day, tzinfo=UTC)
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise SettingsError(
            f"as-of {text!r} is not a date: write YYYY-MM-DD (its 00:00 UTC)"
        ) from None
    return (moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)).replace(
        microsecond=0
    )


def _read(path: Path, environ: Mapping[str, str]) -> Configuration:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise SettingsError(f"{path}: no such file; `valuemaxx init` writes one") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read: {error}") from None
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "not YAML"
        raise SettingsError(f"{path}{line}: {problem}; mend the indentation or quotes") from None
    if document is None:
        document = {}
    if not isinstance(document, dict):
        raise SettingsError(f"{path}: must be `key: value` lines; `valuemaxx init` shows them")
    document = _expanded(document, path, environ)
    try:
        return Configuration.model_validate(document)
    except ValidationError as error:
        raise SettingsError(_explained(error, path)) from None


def _expanded(value: Any, path: Path, environ: Mapping[str, str], key: str = "") -> Any:
    """The document with every ``${NAME}`` replaced; the value is never shown in an error."""
    if isinstance(value, dict):
        return {k: _expanded(v, path, environ, f"{key}.{k}".lstrip(".")) for k, v in value.items()}
    if isinstance(value, list):
        return [_expanded(v, path, environ, f"{key}[{i}]") for i, v in enumerate(value)]
    if not isinstance(value, str):
        return value

    def variable(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in environ:
            raise SettingsError(f"{path}: {key}: the variable {name} is not set; export {name}=…")
        return environ[name]

    return VARIABLE.sub(variable, value)


def _explained(error: ValidationError, path: Path) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    key = ".".join(str(part) for part in first["loc"]) or "the file"
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        message = "is not a key that valuemaxx knows; remove it or mend its spelling"
    return f"{path}: {key}: {message[0].lower()}{message[1:]}"


def _make_absolute(configuration: Configuration, base: Path) -> None:
    systems = configuration.systems
    systems.files.folder = base / systems.files.folder
    for repository in systems.git.repositories if systems.git else []:
        repository.path = base / repository.path.expanduser()
    for source in systems.usage_logs.sources if systems.usage_logs else []:
        source.path = str(base / Path(source.path).expanduser())
