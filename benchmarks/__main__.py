"""Every benchmark, one after another: ``make bench``. Writes nothing but to temporary folders."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Runs each script with its defaults; the git ones on this repository's own clone."""
    for script, arguments in (
        ("git_history.py", [str(HERE.parent)]),
        ("line_survival.py", [str(HERE.parent)]),
        ("files_usage.py", []),
        ("usage_logs.py", []),
        ("run_overhead.py", []),
        ("simulation.py", []),
        ("marts.py", []),
        ("allocation.py", []),
        ("month_close.py", []),
    ):
        sys.stdout.write(f"\n== {script}\n")
        sys.stdout.flush()
        subprocess.run([sys.executable, str(HERE / script), *arguments], check=True)


if __name__ == "__main__":
    main()
