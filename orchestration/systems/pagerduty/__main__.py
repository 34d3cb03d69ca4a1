"""Reads PagerDuty without the rest: ``python -m orchestration.systems.pagerduty``."""

import sys

from orchestration.extraction import alone

if __name__ == "__main__":
    sys.exit(alone("pagerduty", sys.argv[1:]))
