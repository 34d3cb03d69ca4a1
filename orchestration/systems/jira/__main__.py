"""Reads Jira without the rest: ``python -m orchestration.systems.jira``."""

import sys

from orchestration.extraction import alone

if __name__ == "__main__":
    sys.exit(alone("jira", sys.argv[1:]))
