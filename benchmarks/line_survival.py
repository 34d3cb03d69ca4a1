"""How long following lines takes beside git's own print of the same history, and that its answers
are git blame's.

Run: ``python benchmarks/line_survival.py [--blame N] CLONE…``. The floor, ``git log -p
--first-parent -m -w`` of the main line, runs right before and right after the first reading; the
ratio is to the mean of the two. The increment goes on with the last 20 steps. ``--blame`` compares
every line of every text file at so many random steps with what git blame says (minutes). Exit code
1 if a line differs.
"""

import argparse
import os
import random
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from orchestration.systems.git.client import Clone
from orchestration.systems.git.line_changes import LineChanges, unquoted
from orchestration.systems.git.line_history import LineTables, read_lines
from orchestration.systems.git.lines import LineLedger
from orchestration.systems.git.records import load_file_kinds

INCREMENT = 20
SEED = 5


def main(arguments: Sequence[str]) -> int:
    """Prints a row for each clone; 1 if a line differs from git blame."""
    parser = argparse.ArgumentParser(prog="line_survival.py")
    parser.add_argument("clones", nargs="+", metavar="CLONE")
    parser.add_argument("--blame", type=int, default=0, help="steps to compare with git blame")
    given = parser.parse_args(arguments)
    sys.stdout.write(
        f"{'clone':<44}{'steps':>7}{'floor s':>9}{'read s':>8}{'ratio':>7}{'next s':>8}"
        f"{'lines':>9}{'state kB':>10}{'peak MB':>9}\n"
    )
    differing = 0
    for clone in given.clones:
        _time(clone)
        if given.blame:
            differing += _compare(clone, given.blame)
    return 1 if differing else 0


def _time(path: str) -> None:
    clone, mainline = _opened(path)
    before = _floor(path, mainline[-1])
    start = time.perf_counter()
    tables = _read(clone, mainline, None)
    reading = time.perf_counter() - start
    floor = (before + _floor(path, mainline[-1])) / 2
    earlier = _read(clone, mainline[:-INCREMENT], None)
    start = time.perf_counter()
    again = _read(clone, mainline, earlier)
    increment = time.perf_counter() - start
    for one, other in ((tables.births, again.births), (tables.deaths, again.deaths)):
        if sorted(one.to_pylist(), key=str) != sorted(other.to_pylist(), key=str):
            raise SystemExit("an increment gives other lines than a first reading")
    owners = tables.owners["owners"].to_pylist()[1:]
    lines = sum(int(run.split("*")[1]) for runs in owners for run in (runs or "").split())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    name = "/".join(Path(path).parts[-2:])
    sys.stdout.write(
        f"{name:<44}{len(mainline):>7}{floor:>9.2f}{reading:>8.2f}{reading / floor:>7.2f}"
        f"{increment:>8.2f}{lines:>9}{sum(len(o or '') for o in owners) / 1024:>10.0f}"
        f"{peak:>9.0f}\n"
    )


def _compare(path: str, count: int) -> int:
    """Lines that differ from git blame, at so many random steps."""
    clone, mainline = _opened(path)
    chosen = {*random.Random(SEED).sample(mainline, min(count, len(mainline)))}  # noqa: S311
    found = Counter[str]()
    with LineChanges.of(clone) as changes:
        ledger = LineLedger(
            lambda _path: 0, lambda s, p: [mainline.index(b) + 1 for b in changes.blame(s, p)]
        )
        for step in changes.steps(mainline, 0):
            ledger.take(step)
            if step.sha in chosen:
                found += _compared(path, step.sha, ledger, mainline)
    sys.stdout.write(
        f"  {len(chosen)} steps, {found['files']:,} files, {found['lines']:,} lines compared with "
        f"git blame: {found['differing']:,} differ; {found['binary']:,} binary files\n"
    )
    return found["differing"]


def _compared(path: str, sha: str, ledger: LineLedger, mainline: Sequence[str]) -> Counter[str]:
    found = Counter[str]()
    listed = _git(path, "-c", "core.quotePath=true", "ls-tree", "-r", sha)
    for entry in listed.decode("ascii").splitlines():
        facts, name = entry.split("\t", 1)
        if facts.split()[1] != "blob":
            continue
        owners = ledger.owners(name)
        if owners is None:
            found["binary"] += 1
            continue
        said = _git(
            path, "blame", "--porcelain", "-w", "--first-parent", sha, "--",
            os.fsdecode(unquoted(name)),
        )  # fmt: skip
        heads = (line.split(b" ") for line in said.splitlines() if line[:1] != b"\t")
        blamed = [head[0].decode("ascii") for head in heads if len(head[0]) == len(sha)]
        named = [mainline[owner // 8 - 1] for owner in owners]
        found["files"] += 1
        found["lines"] += len(blamed)
        found["differing"] += sum(a != b for a, b in zip(named, blamed, strict=False))
        found["differing"] += abs(len(named) - len(blamed))
    return found


def _opened(path: str) -> tuple[Clone, list[str]]:
    head = _git(path, "rev-list", "--first-parent", "--reverse", "HEAD")
    return Clone.open(Path(path)), head.decode("ascii").split()


def _read(clone: Clone, mainline: Sequence[str], known: LineTables | None) -> LineTables:
    return read_lines(clone, "benchmark", mainline, load_file_kinds(), known, "benchmark")


def _floor(path: str, tip: str) -> float:
    start = time.perf_counter()
    subprocess.run(  # noqa: S603  (no shell)
        ["git", "-C", path, "log", "-p", "--first-parent", "-m", "-w", tip],  # noqa: S607
        stdout=subprocess.DEVNULL, check=True,
    )  # fmt: skip
    return time.perf_counter() - start


def _git(path: str, *arguments: str) -> bytes:
    command = ["git", "-C", path, *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout  # noqa: S603


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
