"""What each step of the main line did to the lines of its files, as ``git blame`` would see it.

Blame looks for a file's lines in the file of the same name one first-parent step before; only if
there is none, among the files that the step deleted, for this one file alone (so that one deleted
file may live on in several). A step's whole diff pairs files differently. So the diff is taken
without renames, and for each new file beside deleted ones git is shown just those: a pair of
commits, one with the deleted files, one with the new one. They are made in a scratch repository
that borrows the clone's objects; it has none of the clone's attributes and configuration either.
"""

import contextlib
import functools
import os
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from orchestration.systems.git.client import GITLINK, Clone, GitError
from orchestration.systems.git.lines import FileStep, Hunk, Step

# Steps that are read at once: their hunks wait in memory.
BLOCK = 1_000
# Pairs that git is shown at once.
PAIRS = 200
# Percent of similarity from which git takes a file of the same name, and any file.
SURE, SIMILAR = 75, 50
# With more deleted files than this they are compared here first; larger ones (bytes) never.
CROWD, LARGE = 20, 300_000
DIFF = (
    "-c", "core.quotePath=true", "diff-tree", "--stdin", "-r", "--root", "--always", "--raw", "-p",
    "-U0", "-w", "--irreversible-delete", "--no-prefix", "--no-abbrev", "--format==%H",
    "--diff-algorithm=myers", "--indent-heuristic", "--ignore-submodules=all", "--no-ext-diff",
    "--no-textconv", "--no-color",
)  # fmt: skip
EQUALS, COLON, AT, D, B = (ord(sign) for sign in "=:@dB")


class Entry(NamedTuple):
    """A file of a step, as the raw diff names it; paths are quoted as git does, so ASCII."""

    old_mode: str
    new_mode: str
    old: str
    new: str
    status: str
    path: str
    origin: str


@dataclass
class Diff:
    """A step's diff: its files and, by path, their hunks; which of them are binary."""

    sha: str
    entries: list[Entry] = field(default_factory=list)
    hunks: dict[str, list[Hunk]] = field(default_factory=dict)
    binary: set[str] = field(default_factory=set)


class Pair(NamedTuple):
    """Files that a step deleted, and a new one that may go on with one of them."""

    sha: str
    deleted: tuple[Entry, ...]
    added: Entry


class LineChanges:
    """Reads steps of a clone's main line from a scratch repository beside it."""

    def __init__(self, scratch: Clone) -> None:
        self._git = scratch

    @classmethod
    @contextlib.contextmanager
    def of(cls, clone: Clone) -> Iterator["LineChanges"]:
        """For a clone; the scratch repository goes with the context."""
        with tempfile.TemporaryDirectory(prefix="valuemaxx-lines-") as folder:
            git_dir = Path(folder)
            (git_dir / "objects" / "info").mkdir(parents=True)
            (git_dir / "refs" / "heads").mkdir(parents=True)
            (git_dir / "HEAD").write_text("ref: refs/heads/none\n")
            objects = (clone.common_dir / "objects").resolve()
            (git_dir / "objects" / "info" / "alternates").write_text(f"{objects}\n")
            (git_dir / "config").write_text(
                "[core]\n\trepositoryformatversion = 1\n\tbare = true\n"
                f"[extensions]\n\tobjectFormat = {clone.object_format()}\n"
            )
            boundary = clone.boundary()
            if boundary:
                (git_dir / "shallow").write_text("".join(f"{sha}\n" for sha in sorted(boundary)))
            yield cls(Clone(git_dir, git_dir))

    def steps(self, mainline: Sequence[str], after: int) -> Iterator[Step]:
        """The steps of the main line after so many; GitError where objects are missing."""
        for start in range(after, len(mainline), BLOCK):
            asked = (
                f"{mainline[at]} {mainline[at - 1]}" if at else mainline[at]
                for at in range(start, min(start + BLOCK, len(mainline)))
            )  # fmt: skip
            diffs = [*self._diffs(asked, "--no-renames")]
            origins = self._origins(diffs)
            binary = self._still_binary(diffs)
            for diff in diffs:
                yield _step(diff, origins, binary)

    def blame(self, sha: str, path: str) -> list[str]:
        """The commit that ``git blame`` lays each line of a file to."""
        lines = self._git.lines(
            "blame", "--porcelain", "-w", "--first-parent", "--no-textconv", sha, "--",
            os.fsdecode(unquoted(path)),
        )  # fmt: skip
        size = len(sha)
        return [
            line[:size]
            for line in lines
            if line[size : size + 1] == " " and line[:1] != "\t" and " " not in line[:size]
        ]

    def _diffs(self, asked: Iterable[str], *options: str) -> Iterator[Diff]:
        """Only what stands at the start of a line is looked at: content always has a sign before
        it."""
        diff, path = Diff(""), ""
        with self._git.process(*DIFF, *options, lines=asked) as output:
            for line in output:
                sign = line[0]
                if sign == AT:
                    diff.hunks.setdefault(path, []).append(_hunk(line))
                elif sign == COLON:
                    diff.entries.append(_entry(line.decode("ascii").rstrip("\n")))
                elif sign == D and line.startswith(b"diff --git "):
                    # Both names are the same but for renames, where there is one file only.
                    names = line[11:-1].decode("ascii")
                    path = names[: len(names) // 2]
                elif sign == B:
                    diff.binary.add(path)
                elif sign == EQUALS:
                    if diff.sha:
                        yield diff
                    diff = Diff(line[1:-1].decode("ascii"))
        if diff.sha:
            yield diff

    def _origins(self, diffs: Sequence[Diff]) -> dict[tuple[str, str], tuple[str, list[Hunk]]]:
        """For each new file (step, path) that goes on with a deleted one: its name and hunks."""
        found: dict[tuple[str, str], tuple[str, list[Hunk]]] = {}
        pairs: list[Pair] = []
        for diff in diffs:
            deleted = tuple(e for e in diff.entries if e.status == "D")
            by_content: dict[str, list[Entry]] = {}
            for entry in deleted:
                by_content.setdefault(entry.old, []).append(entry)
            for added in diff.entries if deleted else ():
                # An empty or binary file has no lines that could be anybody's.
                if added.status != "A" or added.path not in diff.hunks:
                    continue
                same = [e for e in by_content.get(added.new, ()) if _may_be_same(e, added)]
                named = [e for e in same if _base(e.path) == _base(added.path)]
                if len(same) == 1 or len(named) == 1:
                    found[diff.sha, added.path] = (named or same)[0].path, []
                elif same or _is_regular(added.new_mode):
                    pairs.append(Pair(diff.sha, deleted, added))
        pairs = self._follow(pairs, [_of_its_name(pair) for pair in pairs], SURE, found)
        sizes = self._sizes(pairs)
        for start in range(0, len(pairs), PAIRS):
            some = pairs[start : start + PAIRS]
            narrowed = self._alike([_narrowed(pair, sizes) for pair in some], sizes)
            self._follow(some, narrowed, SIMILAR, found)
        return found

    def _follow(
        self,
        pairs: Sequence[Pair],
        narrowed: Sequence[Pair],
        score: int,
        found: dict[tuple[str, str], tuple[str, list[Hunk]]],
    ) -> list[Pair]:
        """Shows git the pairs as narrowed and puts what goes on, with at least such a score, into
        ``found``. Returns the other pairs."""
        shown = iter(self._shown([pair for pair in narrowed if pair.deleted]))
        others = []
        for pair, less in zip(pairs, narrowed, strict=True):
            diff = next(shown) if less.deleted else Diff("")
            status = diff.entries[0].status if diff.entries else "A"
            if status.startswith("R") and int(status[1:]) >= score:
                hunks = next(iter(diff.hunks.values()), [])
                found[pair.sha, pair.added.path] = diff.entries[0].origin, hunks
            else:
                others.append(pair)
        return others

    def _still_binary(self, diffs: Sequence[Diff]) -> set[str]:
        """Of files that changed and are binary before or after: the contents that are binary."""
        changed = {
            entry.new: Pair(diff.sha, (), entry._replace(path="file"))
            for diff in diffs
            for entry in diff.entries
            if entry.path in diff.binary and entry.status == "M"
        }
        shown = self._shown([*changed.values()])
        return {oid for oid, diff in zip(changed, shown, strict=True) if diff.binary}

    def _sizes(self, pairs: Iterable[Pair]) -> dict[str, int]:
        """The bytes of each content that a pair holds."""
        oids = {e.old for p in pairs for e in p.deleted} | {p.added.new for p in pairs}
        lines = self._git.lines("cat-file", "--batch-check=%(objectname) %(objectsize)", lines=oids)
        sizes = dict(line.split(" ", 1) for line in lines)
        if "missing" in sizes.values():
            raise GitError("objects are missing")
        return {oid: int(size) for oid, size in sizes.items()}

    def _alike(self, pairs: Sequence[Pair], sizes: Mapping[str, int]) -> list[Pair]:
        """Pairs of many deleted files with those alone that have a good part of their bytes in
        common with the new one. Git counts the same pieces, but by hashes that may collide, so
        half of what it asks for is enough here, and large files are left to it."""
        crowded = [p for p in pairs if len(p.deleted) > CROWD and sizes[p.added.new] < LARGE]
        oids = {e.old for p in crowded for e in p.deleted} | {p.added.new for p in crowded}
        pieces = dict(self._pieces(oid for oid in sorted(oids) if sizes[oid] < LARGE))

        def is_alike(entry: Entry, added: Entry) -> bool:
            mine, theirs = pieces[added.new], pieces.get(entry.old)
            if theirs is None or _base(entry.path) == _base(added.path):
                return True
            common = sum(min(mine[piece], theirs[piece]) for piece in mine.keys() & theirs.keys())
            return 4 * common >= max(sizes[added.new], sizes[entry.old])

        return [
            pair
            if len(pair.deleted) <= CROWD or pair.added.new not in pieces
            else pair._replace(deleted=tuple(e for e in pair.deleted if is_alike(e, pair.added)))
            for pair in pairs
        ]

    def _pieces(self, oids: Iterable[str]) -> Iterator[tuple[str, dict[bytes, int]]]:
        """Each content's pieces, lines of at most 64 bytes, with the bytes that they make up."""
        with self._git.process("cat-file", "--batch", lines=oids) as output:
            while header := output.readline().split():
                found: dict[bytes, int] = {}
                content = output.read(int(header[2])).replace(b"\r\n", b"\n")
                for line in content.splitlines(keepends=True):
                    for at in range(0, len(line), 64):
                        piece = line[at : at + 64]
                        found[piece] = found.get(piece, 0) + len(piece)
                output.read(1)
                yield header[0].decode("ascii"), found

    def _shown(self, pairs: Sequence[Pair]) -> list[Diff]:
        """The diff of each pair, by a commit with its deleted files and one with its new one."""
        if not pairs:
            return []
        marks = self._git.git_dir / "marks"
        with self._git.process(
            "fast-import", "--quiet", "--force", f"--export-marks={marks}", lines=_imported(pairs)
        ) as output:
            output.read()
        commits = dict(line.split() for line in marks.read_text(encoding="ascii").splitlines())
        asked = (
            f"{commits[f':{2 * number + 2}']} {commits[f':{2 * number + 1}']}"
            for number in range(len(pairs))
        )
        return [*self._diffs(asked, "-M", "-l1000", "--diff-filter=AR")]


def _imported(pairs: Iterable[Pair]) -> Iterator[str]:
    """Two commits of each pair, for fast-import."""
    head = "commit refs/heads/pairs\nmark :{}\ncommitter x <x> 0 +0000\ndata 0\n\ndeleteall"
    for number, pair in enumerate(pairs):
        yield head.format(2 * number + 1)
        for entry in pair.deleted:
            yield f"M {entry.old_mode} {entry.old} {entry.path}"
        yield head.format(2 * number + 2)
        yield f"M {pair.added.new_mode} {pair.added.new} {pair.added.path}"


def _of_its_name(pair: Pair) -> Pair:
    """With the only deleted file of the new one's name. Git looks at that one first and, if it is
    similar enough, at no other; where contents are the same it does not."""
    name = _base(pair.added.path)
    named = tuple(entry for entry in pair.deleted if _base(entry.path) == name)
    is_other = len(named) == 1 and all(entry.old != pair.added.new for entry in pair.deleted)
    return pair._replace(deleted=named if is_other else ())


def _narrowed(pair: Pair, sizes: Mapping[str, int]) -> Pair:
    """Without the deleted files that git would not look into: of other sizes (beyond half or
    double nothing is similar enough), and no files at all. One of the same name stays, as git
    looks at it first; where contents are the same, all stay."""
    added = pair.added
    if any(entry.old == added.new for entry in pair.deleted):
        return pair
    size = sizes[added.new]
    name = _base(added.path)

    def may_be_similar(entry: Entry) -> bool:
        other = sizes[entry.old]
        return _is_regular(entry.old_mode) and max(size, other) >= 2 * abs(size - other)

    if not any(may_be_similar(entry) for entry in pair.deleted):
        return pair._replace(deleted=())
    kept = tuple(e for e in pair.deleted if may_be_similar(e) or _base(e.path) == name)
    return pair._replace(deleted=kept)


def _step(
    diff: Diff,
    origins: Mapping[tuple[str, str], tuple[str, list[Hunk]]],
    binary: Collection[str],
) -> Step:
    gone, files = [], []
    for entry in diff.entries:
        path, status = entry.path, entry.status
        hunks: Sequence[Hunk] = diff.hunks.get(path, ())
        is_binary = path in diff.binary
        if status == "D" or (status == "T" and entry.old_mode != GITLINK):
            gone.append(path)
        if status == "D" or entry.new_mode == GITLINK:
            continue
        origin: str | None = None
        if status == "M":
            origin = path
            is_binary = is_binary and entry.new in binary
        elif (diff.sha, path) in origins:
            origin, hunks = origins[diff.sha, path]
        elif status == "T":
            hunks = [hunk for hunk in hunks if not hunk.old_count]
        files.append(FileStep(path, origin, hunks, is_binary))
    return Step(diff.sha, gone, files)


def _entry(line: str) -> Entry:
    facts, path, *renamed = line.split("\t")
    old_mode, new_mode, old, new, status = facts[1:].split(" ")
    return Entry(old_mode, new_mode, old, new, status, renamed[0] if renamed else path, path)


def _hunk(line: bytes) -> Hunk:
    _, old, new, _ = line.split(b" ", 3)
    old_start, _, old_count = old[1:].partition(b",")
    new_start, _, new_count = new[1:].partition(b",")
    return Hunk(
        int(old_start), int(old_count or 1), int(new_start), int(new_count or 1)
    )  # fmt: skip


def _is_regular(mode: str) -> bool:
    return mode.startswith("100")


def _may_be_same(deleted: Entry, added: Entry) -> bool:
    """Two files of one content: a link goes on only as a link."""
    both = _is_regular(deleted.old_mode) and _is_regular(added.new_mode)
    return both or deleted.old_mode == added.new_mode


@functools.lru_cache(maxsize=2**16)
def _base(path: str) -> str:
    """A path's last part, quoted or not; two are the same only if both are."""
    return path.strip('"').rpartition("/")[2]


ESCAPES = {"a": 7, "b": 8, "t": 9, "n": 10, "v": 11, "f": 12, "r": 13, '"': 34, "\\": 92}


def unquoted(path: str) -> bytes:
    """A path that git quoted, as it is."""
    if not path.startswith('"'):
        return path.encode("ascii")
    found, at, text = bytearray(), 0, path[1:-1]
    while at < len(text):
        if text[at] != "\\":
            found.append(ord(text[at]))
            at += 1
        elif text[at + 1] in ESCAPES:
            found.append(ESCAPES[text[at + 1]])
            at += 2
        else:
            found.append(int(text[at + 1 : at + 4], 8))
            at += 4
    return bytes(found)
