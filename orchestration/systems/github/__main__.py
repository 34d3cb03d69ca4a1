"""Reads GitHub without the rest: ``python -m orchestration.systems.github``."""

import sys

from orchestration.extraction import alone

if __name__ == "__main__":
    sys.exit(alone("github", sys.argv[1:]))
