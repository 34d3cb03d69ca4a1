"""Reads usage logs without the rest: ``python -m orchestration.systems.usage_logs``."""

import sys

from orchestration.extraction import alone

if __name__ == "__main__":
    sys.exit(alone("usage_logs", sys.argv[1:]))
