"""Reads clones without the rest: ``python -m orchestration.systems.git``."""

import sys

from orchestration.extraction import alone

if __name__ == "__main__":
    sys.exit(alone("git", sys.argv[1:]))
