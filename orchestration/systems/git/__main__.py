"""Reads clones without the rest: ``python -m orchestration.systems.git PATH…``."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from orchestration.identity import Identity
from orchestration.lake import Lake
from orchestration.settings import SALT
from orchestration.systems.git import STREAMS, Deployments, GitSettings, Repository, extract


def main(arguments: Sequence[str]) -> int:
    """Lands the clones and says what became of each; 1 if one could not be read."""
    parser = argparse.ArgumentParser(prog="python -m orchestration.systems.git")
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a clone")
    parser.add_argument("--home", type=Path, default=Path(".valuemaxx"), help="where the lake is")
    parser.add_argument("--tags", default="v*", help="the tags that are releases")
    parser.add_argument("--full-refresh", action="store_true", help="read everything again")
    given = parser.parse_args(arguments)
    salt = os.environ.get(SALT)
    if not salt:
        parser.error(f"{SALT} is not set: people are hashed with it")
    settings = GitSettings(
        repositories=[
            Repository(path=path, deployments=Deployments(tags=given.tags)) for path in given.paths
        ]
    )
    lake = Lake(given.home)
    lake.ensure(STREAMS)
    failed = 0
    for outcome in extract(lake, Identity(salt), settings, full_refresh=given.full_refresh):
        sys.stderr.write(f"{outcome.scope}: {outcome.status}: {outcome.message}\n")
        failed += outcome.status == "failed"
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
