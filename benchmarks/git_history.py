"""How long reading a history takes beside the bare ``git log --numstat`` over the same one.

Run: ``python benchmarks/git_history.py CLONE…``. The bare command runs right before and right
after, in the same process; the ratio is to the mean of the two. Writes to a temporary home only.
"""

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from orchestration.identity import Identity
from orchestration.lake import Lake
from orchestration.systems.git import STREAMS, GitSettings, Repository, extract

BARE = ("log", "--numstat", "--branches", "--remotes", "--tags")


def main(clones: Sequence[str]) -> int:
    """Prints a table; 1 if a clone could not be read."""
    sys.stdout.write(
        f"{'clone':<44}{'bare s':>8}{'read s':>8}{'ratio':>7}{'again s':>9}{'peak MB':>9}\n"
    )
    for clone in clones:
        settings = GitSettings(repositories=[Repository(path=Path(clone), name="benchmark")])
        with tempfile.TemporaryDirectory() as home:
            lake = Lake(Path(home))
            lake.ensure(STREAMS)

            def read(lake: Lake = lake, settings: GitSettings = settings) -> None:
                for outcome in extract(lake, Identity("benchmark"), settings):
                    if outcome.status == "failed":
                        raise SystemExit(outcome.message)

            before = _seconds(lambda clone=clone: _bare(clone))
            reading = _seconds(read)
            bare = (before + _seconds(lambda clone=clone: _bare(clone))) / 2
            again = _seconds(read)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        name, ratio = "/".join(Path(clone).parts[-2:]), reading / bare
        sys.stdout.write(
            f"{name:<44}{bare:>8.2f}{reading:>8.2f}{ratio:>7.2f}{again:>9.3f}{peak:>9.0f}\n"
        )
    return 0


def _bare(clone: str) -> None:
    with tempfile.TemporaryFile() as complaints:
        done = subprocess.run(  # noqa: S603  (no shell)
            ["git", "--no-pager", "-C", clone, *BARE],  # noqa: S607  (the user's git)
            stdout=subprocess.DEVNULL, stderr=complaints, check=False,
        )  # fmt: skip
        if done.returncode:
            complaints.seek(0)
            sys.stderr.write(f"the bare command stopped early: {complaints.read().decode()}")


def _seconds(act: Callable[[], None]) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
