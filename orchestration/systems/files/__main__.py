"""Reads a folder of feeds into a lake, alone: ``python -m orchestration.systems.files --help``."""

import argparse
import os
import sys
from pathlib import Path

from orchestration.identity import Identity
from orchestration.lake import Lake
from orchestration.settings import SALT
from orchestration.systems.files import STREAMS, FilesSettings, extract


def main() -> int:
    """1 if a file could not be read."""
    parser = argparse.ArgumentParser(prog="python -m orchestration.systems.files")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--home", type=Path, required=True, help="where the lake lies")
    parser.add_argument("--full-refresh", action="store_true", help="read unchanged files too")
    parser.add_argument("--forget-missing", action="store_true", help="drop what is gone")
    given = parser.parse_args()
    salt = os.environ.get(SALT)
    if not salt:
        parser.error(f"{SALT} is not set: people are hashed with it")
    lake = Lake(given.home)
    lake.ensure(STREAMS)
    outcomes = extract(
        lake,
        Identity(salt),
        FilesSettings(folder=given.folder),
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
