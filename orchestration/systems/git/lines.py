"""Who brought each line: the main line's steps folded into owners of lines, births and removals.

Pure: it is told what every step did to its files (``line_changes.py``) and keeps, for each file
that stands, which step brought which line. ``git blame --first-parent -w`` asks the same question
from a file backwards; asked forwards, for all lines at once, the answers are the same.
"""

import hashlib
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

Owner = int  # position on the main line × KIND_ROOM + number of the file's kind
Owners = "array[int]"
KIND_ROOM = 8
UNKNOWN_POSITION = 0  # of lines that are older than a shallow clone


class Hunk(NamedTuple):
    """Lines that a file lost and got at one place, as a hunk's header gives them: a count of 0
    makes its start the line before."""

    old_start: int
    old_count: int
    new_start: int
    new_count: int


class FileStep(NamedTuple):
    """A file that a step left behind. ``origin``: the file of the step before whose lines it
    goes on with: itself, another name, or None for a new one. A binary file has no lines."""

    path: str
    origin: str | None
    hunks: Sequence[Hunk]
    is_binary: bool = False


class Step(NamedTuple):
    """What one step of the main line did. ``gone``: files of the step before that no longer
    stand under their name, or stand there as something else."""

    sha: str
    gone: Sequence[str]
    files: Sequence[FileStep]


@dataclass
class Tally:
    """Counts by step, as columns. Positions count from 1; ``born`` is 0 where it is unknown."""

    positions: list[int] = field(default_factory=list)
    born: list[int] = field(default_factory=list)
    kinds: list[int] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    replaced: list[int] = field(default_factory=list)
    copied: list[int] = field(default_factory=list)


class LineLedger:
    """The owners of all lines at one step of the main line, moved on step by step.

    ``kind_of``: the number of a file's kind by its path. ``blame``: for a commit and a path the
    positions of its lines' owners, asked where a file's lines were not followed."""

    def __init__(
        self,
        kind_of: Callable[[str], int],
        blame: Callable[[str, str], Sequence[int]],
        position: int = 0,
        files: Mapping[str, str | None] | None = None,
    ) -> None:
        """``files``: what ``state`` gave after so many steps."""
        self.position = position
        self.births, self.removals = Tally(), Tally()
        self._kind_of, self._blame = kind_of, blame
        # Files that nobody touches are kept as they were read.
        self._files: dict[str, array[int] | str | None] = dict(files or {})
        self._added: dict[int, int] = {}
        self._removed: dict[Owner, list[int]] = {}

    def take(self, step: Step, is_boundary: bool = False) -> None:
        """Goes on by one step. ``is_boundary``: what was there before it is not known, so its
        lines are nobody's."""
        self.position += 1
        self._added, self._removed = {}, {}
        owner_position = UNKNOWN_POSITION if is_boundary else self.position
        sources = {path: self.owners(path) for path in step.gone}
        moved: set[str] = set()
        results: dict[str, array[int] | None] = {}
        for file in step.files:
            before = None
            if file.origin is not None:
                is_moved = file.origin in sources
                before = sources[file.origin] if is_moved else self.owners(file.origin)
                if is_moved and file.origin in moved:
                    results[file.path] = self._copied(step.sha, file, before, owner_position)
                    continue
                moved.add(file.origin)
            results[file.path] = self._followed(step.sha, file, before, owner_position)
        for path, owners in sources.items():
            if path not in moved and owners is not None:
                self._remove(owners)
            self._files.pop(path_hash(path), None)
        self._files.update((path_hash(path), owners) for path, owners in results.items())
        if not is_boundary:
            self._note_births()
        self._note_removals()

    def state(self) -> dict[str, str | None]:
        """Every file that stands, by its path's hash, with its lines' owners in runs; None for a
        binary one."""
        return {
            key: packed(owners) if isinstance(owners, array) else owners
            for key, owners in self._files.items()
        }

    def owners(self, path: str) -> "array[int] | None":
        """The owners of a file's lines; None for a binary one."""
        key = path_hash(path)
        owners = self._files[key]
        if isinstance(owners, str):
            owners = self._files[key] = unpacked(owners)
        return owners

    def _followed(
        self, sha: str, file: FileStep, before: "array[int] | None", position: int
    ) -> "array[int] | None":
        if file.is_binary:
            if before is not None:
                self._remove(before)
            return None
        kind = self._kind_of(file.path)
        if file.origin is not None and before is None:
            return self._asked(sha, file.path, kind)
        mine = array("i", [position * KIND_ROOM + kind])
        before = before if before is not None else array("i")
        after, at = array("i"), 0
        for old_start, old_count, new_start, new_count in file.hunks:
            begin = old_start - 1 if old_count else old_start
            after.extend(before[at:begin])
            at = begin + old_count
            if old_count:
                self._remove(before[begin:at], min(old_count, new_count))
            if new_count:
                if len(after) != new_start - 1:
                    raise ValueError(f"the lines of a file do not add up at {sha}")
                after.extend(mine * new_count)
                self._added[kind] = self._added.get(kind, 0) + new_count
        after.extend(before[at:])
        return after

    def _copied(
        self, sha: str, file: FileStep, before: "array[int] | None", position: int
    ) -> "array[int] | None":
        """A second file that goes on with lines which another has taken: it has them twice."""
        removed, self._removed = self._removed, {}
        after = self._followed(sha, file, before, position)
        self._removed = removed
        if before is not None:
            mine = position * KIND_ROOM + self._kind_of(file.path)
            for owner in after or ():
                if owner != mine:
                    self._removal(owner)[2] += 1
        return after

    def _asked(self, sha: str, path: str, kind: int) -> "array[int]":
        """A file that was binary has lines. Those that are older than this step were counted as
        removed when it became binary, or never: they are back."""
        after = array("i")
        for position in self._blame(sha, path):
            after.append(position * KIND_ROOM + kind)
            if position == self.position:
                self._added[kind] = self._added.get(kind, 0) + 1
            else:
                self._removal(after[-1])[2] += 1
        return after

    def _remove(self, owners: Iterable[Owner], replaced: int = 0) -> None:
        for number, owner in enumerate(owners):
            counts = self._removal(owner)
            counts[0] += 1
            counts[1] += number < replaced

    def _removal(self, owner: Owner) -> list[int]:
        return self._removed.setdefault(owner, [0, 0, 0])

    def _note_births(self) -> None:
        for kind, count in sorted(self._added.items()):
            self.births.positions.append(self.position)
            self.births.kinds.append(kind)
            self.births.lines.append(count)

    def _note_removals(self) -> None:
        noted = self.removals
        for owner, (lines, replaced, copied) in sorted(self._removed.items()):
            noted.positions.append(self.position)
            noted.born.append(owner // KIND_ROOM)
            noted.kinds.append(owner % KIND_ROOM)
            noted.lines.append(lines)
            noted.replaced.append(replaced)
            noted.copied.append(copied)


def path_hash(path: str) -> str:
    """What stands for a path in the lake, where nothing is kept that people wrote."""
    return hashlib.blake2b(path.encode(), digest_size=12).hexdigest()


def packed(owners: Iterable[Owner]) -> str:
    """Owners as runs: ``<position × 8 + kind>*<lines>``, by blanks."""
    return " ".join(f"{owner}*{len([*run])}" for owner, run in groupby(owners))


def unpacked(runs: str) -> "array[int]":
    """Reads what ``packed`` wrote."""
    owners = array("i")
    for run in runs.split():
        owner, _, count = run.partition("*")
        owners.extend(array("i", [int(owner)]) * int(count))
    return owners
