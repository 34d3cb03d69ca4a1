"""Reads Copilot without the rest: ``python -m orchestration.systems.copilot``."""

import sys

from orchestration.extraction import alone

if __name__ == "__main__":
    sys.exit(alone("copilot", sys.argv[1:]))
