"""Reads OpenAI without the rest: ``python -m orchestration.systems.openai``."""

import sys

from orchestration.extraction import alone

if __name__ == "__main__":
    sys.exit(alone("openai", sys.argv[1:]))
