"""Reads Anthropic without the rest: ``python -m orchestration.systems.anthropic``."""

import sys

from orchestration.extraction import alone

if __name__ == "__main__":
    sys.exit(alone("anthropic", sys.argv[1:]))
