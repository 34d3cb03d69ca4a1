"""Reads logs into a lake, alone: ``python -m orchestration.systems.usage_logs --help``."""

import argparse
import sys
from pathlib import Path

import yaml

from orchestration.identity import Identity
from orchestration.lake import Lake
from orchestration.systems.usage_logs import STREAMS, UsageLogsSettings, extract


def main() -> int:
    """1 if a log could not be read."""
    parser = argparse.ArgumentParser(prog="python -m orchestration.systems.usage_logs")
    parser.add_argument("settings", type=Path, help="YAML: what stands under systems.usage_logs")
    parser.add_argument("--home", type=Path, required=True, help="where the lake lies")
    parser.add_argument("--salt", required=True, help="keys the hashes of people")
    parser.add_argument("--full-refresh", action="store_true", help="read unchanged logs too")
    parser.add_argument("--forget-missing", action="store_true", help="drop what is gone")
    given = parser.parse_args()
    settings = UsageLogsSettings.model_validate(yaml.safe_load(given.settings.read_text("utf-8")))
    lake = Lake(given.home)
    lake.ensure(STREAMS)
    outcomes = extract(
        lake,
        Identity(given.salt),
        settings,
        full_refresh=given.full_refresh,
        forget_missing=given.forget_missing,
    )
    has_failed = False
    for outcome in outcomes:
        sys.stderr.write(f"{outcome.status:9} {outcome.scope}: {outcome.message}\n")
        has_failed |= outcome.status == "failed"
    return int(has_failed)


if __name__ == "__main__":
    sys.exit(main())
