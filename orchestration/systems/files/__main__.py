"""Reads the folder of feeds without the rest: ``python -m orchestration.systems.files``."""

import sys

from orchestration.extraction import alone

if __name__ == "__main__":
    sys.exit(alone("files", sys.argv[1:]))
