"""The git program, asked safely: what it says about a clone as streams of plain values.

A clone is somebody else's: nothing in it is run (no hook, pager, textconv, external diff), nothing
is fetched, nothing is locked or written. What a user's or a clone's configuration could change in
the answers is set here, so that one history gives one answer everywhere.
"""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, NamedTuple, TypeVar

T = TypeVar("T")

REFS = ("refs/heads", "refs/remotes", "refs/tags")
NOTES = ("refs/notes/ai", "refs/ai/authorship")

ENVIRONMENT = {
    "LC_ALL": "C",
    "PATH": os.defpath,
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_LAZY_FETCH": "1",
    # For a git without the line above: a lazy fetch finds no protocol it may use.
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_ATTR_NOSYSTEM": "1",
}
CONFIGURATION = {
    "core.attributesFile": os.devnull,
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "core.pager": "cat",
    "core.quotePath": "false",
    "diff.algorithm": "myers",
    "diff.external": "",
    "diff.ignoreSubmodules": "none",
    "diff.orderFile": "",
    "diff.renameLimit": "1000",
    "i18n.logOutputEncoding": "UTF-8",
    "log.showSignature": "false",
    # A git that reads attributes from a commit (2.43 and later) finds none there.
    "attr.tree": "none",
    "safe.bareRepository": "all",
}
LOG_FIELDS = ["%H", "%P", "%an", "%ae", "%aN", "%aE", "%at", "%cn", "%ce", "%ct", "%B"]
LOG_FORMAT = "tformat:" + "%x00".join(LOG_FIELDS)
READ_SIZE = 1 << 20
GITLINK = "160000"
LATEST = 253_402_300_800  # the year 10000


class GitError(Exception):
    """What git could not do with a clone, in one line: what happened, what to do."""


class Ref(NamedTuple):
    """A branch or a tag. ``commit_sha`` is None where it names no commit (a tag on a tree).
    ``target`` is the ref it stands for, if it is symbolic. ``tagged_at``: when an annotated tag
    was made, in seconds since 1970; None for anything else."""

    name: str
    object_sha: str
    commit_sha: str | None
    tagged_at: int | None
    target: str


class LoggedCommit(NamedTuple):
    """A commit as its log tells it. Times in seconds since 1970, None where unreadable.
    ``mapped_*``: by mailmap."""

    sha: str
    parents: list[str]
    author_name: str
    author_email: str
    mapped_name: str
    mapped_email: str
    authored_at: int | None
    committer_name: str
    committer_email: str
    committed_at: int | None
    message: str


class FileChange(NamedTuple):
    """A file that a commit changed; lines are None for a binary one."""

    path: str
    additions: int | None
    deletions: int | None


@dataclass(frozen=True)
class Clone:
    """A readable clone. ``git_dir``: its repository's folder, ``common_dir`` that of the clone a
    linked work tree belongs to."""

    git_dir: Path
    common_dir: Path

    @classmethod
    def open(cls, path: Path) -> "Clone":
        """The clone at ``path`` itself (not around it). GitError if there is none to read."""
        if not _is_folder(path):
            raise GitError(f"{path} is not a folder; correct the path")
        # Git looks for a repository here as in any folder, so that its check of who owns it holds;
        # but not in the folders above.
        found = _run(
            ["-C", str(path), "rev-parse", "--absolute-git-dir", "--git-common-dir"],
            ENVIRONMENT
            | {"HOME": str(Path.home()), "GIT_CEILING_DIRECTORIES": str(path.resolve().parent)},
            path,
        )
        git_dir, common_dir = found.decode("utf-8", "surrogateescape").splitlines()
        return cls(Path(git_dir), path / common_dir)

    def refs(self) -> list[Ref]:
        """Local branches, remote branches and tags: what history is read from."""
        fields = (
            "%(objectname) %(objecttype) %(*objectname) %(*objecttype)"
            " %(taggerdate:unix) %(symref) %(refname)"
        )
        refs = []
        for line in self.lines("for-each-ref", f"--format={fields}", *REFS):
            sha, kind, peeled, peeled_kind, tagged, target, name = line.split(" ", 6)
            commit: str | None = sha if kind == "commit" else None
            if kind == "tag":
                nested = peeled_kind == "tag"
                commit = self.commit(name) if nested else peeled
                if not nested and peeled_kind != "commit":
                    commit = None
            refs.append(Ref(name, sha, commit, _seconds(tagged), target))
        return refs

    def notes(self) -> dict[str, str]:
        """The commit each note of AI authorship is read from: the refs and what they point at."""
        lines = self.lines("for-each-ref", "--format=%(refname) %(objectname)", *NOTES)
        return dict(line.split(" ", 1) for line in lines)

    def head(self) -> tuple[str | None, str | None]:
        """What is checked out: the branch (a full ref name, None when detached) and its commit
        (None when it has none yet)."""
        branch = self._run("symbolic-ref", "-q", "HEAD", may_fail=True).decode().strip()
        return branch or None, self.commit("HEAD")

    def commit(self, name: str) -> str | None:
        """The commit a ref's name leads to, or None."""
        found = self._run("rev-parse", "-q", "--verify", f"{name}^{{commit}}", may_fail=True)
        return found.decode().strip() or None

    def boundary(self) -> frozenset[str]:
        """Commits whose parents a shallow clone left out."""
        try:
            text = (self.common_dir / "shallow").read_text(encoding="ascii")
        except FileNotFoundError:
            return frozenset()
        except OSError as error:
            raise GitError(f"{self.common_dir}/shallow cannot be read: {error.strerror}") from None
        return frozenset(text.split())

    def lacks_mailmap(self, commit: str | None) -> bool:
        """Whether the commit has a mailmap whose content is missing."""
        found = self._run("rev-parse", "-q", "--verify", f"{commit}:.mailmap", may_fail=True)
        if not found:
            return False
        (answer,) = self.lines("cat-file", "--batch-check", lines=[found.decode().strip()])
        return answer.endswith(" missing")

    def object_format(self) -> str:
        """How hashes are made: sha1 or sha256."""
        return self._run("rev-parse", "--show-object-format").decode().strip()

    def object_inventory(self) -> str:
        """Changes when objects arrive: how many there are, loose and in packs."""
        return "\n".join(self.lines("count-objects", "-v"))

    def log(self, tips: Iterable[str], mailmap_from: str | None) -> Iterator[LoggedCommit]:
        """Every commit the tips reach, parents before children. ``mailmap_from``: the commit whose
        ``.mailmap`` says who is who."""
        blob = f"{mailmap_from}:.mailmap" if mailmap_from else ""
        tokens = self._tokens(
            "-c", "mailmap.file=", "-c", f"mailmap.blob={blob}",
            "log", "--stdin", "--topo-order", "--reverse", "-z", f"--format={LOG_FORMAT}",
            lines=tips,
        )  # fmt: skip
        for record in _groups(tokens, len(LOG_FIELDS)):
            sha, parents, name, email, mapped, mapped_email, authored, *rest = record
            committer, committer_email, committed, message = rest
            yield LoggedCommit(
                sha, parents.split(), name, email, mapped, mapped_email, _seconds(authored),
                committer, committer_email, _seconds(committed), message,
            )  # fmt: skip

    def file_changes(self, shas: Sequence[str]) -> Iterator[tuple[str, list[FileChange] | None]]:
        """What each commit changed against its first parent, in the order given, as ``git log
        --numstat`` counts it; None where objects that are needed are missing."""
        counted = 0
        try:
            for found in self._numstat(shas):
                counted += 1
                yield found
        except GitError:
            rest = shas[counted:]
            readable = self._readable(rest)
            yield from ((sha, None) for sha in rest if sha not in readable)
            yield from self._piecewise(self._numstat, [sha for sha in rest if sha in readable])

    def noted_commits(self, notes_commit: str) -> Iterator[tuple[str, str]]:
        """Each commit with a note in a notes tree, and the note's text."""
        blobs: dict[str, str] = {}
        for entry in self._tokens("ls-tree", "-r", "-z", notes_commit):
            mode_kind_blob, path = entry.split("\t", 1)
            blobs[path.replace("/", "")] = mode_kind_blob.split(" ")[2]
        with self.process("cat-file", "--batch", lines=blobs.values()) as output:
            for sha in blobs:
                header = output.readline().split()
                if len(header) == 3:
                    note = output.read(int(header[2]))
                    output.read(1)
                    yield sha, note.decode("utf-8", "replace")

    def _numstat(self, shas: Sequence[str]) -> Iterator[tuple[str, list[FileChange]]]:
        """In order, whole commits only; GitError at the first that cannot be counted."""
        tokens = self._diff_tree(shas, "--numstat", "-M")
        sha, changes = "", list[FileChange]()
        for token in tokens:
            added, tab, rest = token.partition("\t")
            if not tab:
                if sha:
                    yield sha, changes
                sha, changes = token, []
                continue
            deleted, _, path = rest.partition("\t")
            if not path:  # renamed: the old name and the new one follow
                next(tokens)
                path = next(tokens)
            is_binary = added == "-"
            changes.append(
                FileChange(
                    path, None if is_binary else int(added), None if is_binary else int(deleted)
                )
            )
        if sha:
            yield sha, changes

    def _readable(self, shas: Sequence[str]) -> set[str]:
        """The commits of which everything is there that counting their lines needs."""
        with_parents = [
            line.split() for line in self.lines(
                "rev-list", "--no-walk=unsorted", "--stdin", "--parents", lines=shas
            )
        ]  # fmt: skip
        needed = {sha for group in with_parents for sha in group[:2]}
        checked = self.lines("cat-file", "--batch-check", lines=(f"{s}^{{tree}}" for s in needed))
        # A tree that is there is answered by its own hash, one that is missing by its name.
        without_tree = {
            line.split("^", 1)[0] for line in checked if line.endswith("^{tree} missing")
        }
        with_trees = [g[0] for g in with_parents if without_tree.isdisjoint(g[:2])]
        present = {
            bytes.fromhex(line) for line in self.lines(
                "cat-file", "--batch-all-objects", "--unordered", "--batch-check=%(objectname)"
            )
        }  # fmt: skip
        return {
            sha
            for sha, blobs in self._piecewise(self._changed_blobs, with_trees)
            if blobs is not None and all(bytes.fromhex(blob) in present for blob in blobs)
        }

    def _changed_blobs(self, shas: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
        """The blobs whose content tells how many lines each commit changed."""
        tokens = self._diff_tree(shas, "--raw", "-M100%", "--no-abbrev")
        sha, blobs = "", list[str]()
        for token in tokens:
            if not token.startswith(":"):
                if sha:
                    yield sha, blobs
                sha, blobs = token, []
                continue
            old_mode, new_mode, old, new, status = token[1:].split(" ")
            for _ in range(2 if status[0] in "RC" else 1):
                next(tokens)
            if old != new:
                sides = ((old_mode, old), (new_mode, new))
                blobs += [blob for mode, blob in sides if mode != GITLINK and blob.strip("0")]
        if sha:
            yield sha, blobs

    def _piecewise(
        self, read: Callable[[Sequence[str]], Iterator[tuple[str, T]]], shas: Sequence[str]
    ) -> Iterator[tuple[str, T | None]]:
        """What ``read`` gives, and None for each commit it stumbles over."""
        position = 0
        while position < len(shas):
            try:
                for found in read(shas[position:]):
                    position += 1
                    yield found
            except GitError:
                # The last one begun was not finished, or the next one could not be begun.
                try:
                    yield from read(shas[position : position + 1])
                except GitError:
                    yield shas[position], None
                position += 1

    def _diff_tree(self, shas: Iterable[str], *options: str) -> Iterator[str]:
        return self._tokens(
            "diff-tree", "--stdin", "--always", "--root", "-r", "-z", "-l1000",
            "--no-ext-diff", "--no-textconv", *options, lines=shas,
        )  # fmt: skip

    def _tokens(self, *arguments: str, lines: Iterable[str] = ()) -> Iterator[str]:
        """Git's answer between NULs, as it comes."""
        with self.process(*arguments, lines=lines) as output:
            rest = b""
            while chunk := output.read(READ_SIZE):
                whole, nul, rest = (rest + chunk).rpartition(b"\0")
                if nul:
                    yield from whole.decode("utf-8", "replace").split("\0")
            if rest:
                raise GitError("git stopped in the middle of an answer")

    def lines(self, *arguments: str, lines: Iterable[str] = ()) -> Iterator[str]:
        """Git's answer line by line. ``lines``: what it is given to read."""
        with self.process(*arguments, lines=lines) as output:
            for line in output:
                yield line.decode("utf-8", "replace").rstrip("\n")

    def process(
        self, *arguments: str, lines: Iterable[str] = ()
    ) -> contextlib.AbstractContextManager[IO[bytes]]:
        """A running git, by its standard output."""
        return _process(arguments, self._environment, self.git_dir, lines)

    def _run(self, *arguments: str, may_fail: bool = False) -> bytes:
        return _run(arguments, self._environment, self.git_dir, may_fail=may_fail)

    @property
    def _environment(self) -> dict[str, str]:
        folder = str(self.git_dir)
        return ENVIRONMENT | {
            "HOME": str(Path.home()),
            "GIT_DIR": folder,
            # Neither a work tree nor an index: what is checked out changes no answer.
            "GIT_WORK_TREE": folder,
            "GIT_INDEX_FILE": f"{folder}/no-index",
        }


@contextlib.contextmanager
def _process(
    arguments: Sequence[str], environment: dict[str, str], about: Path, lines: Iterable[str] = ()
) -> Iterator[IO[bytes]]:
    """A running git, by its standard output. ``lines`` wait for it in a file, so that neither side
    ever waits for the other. Leaving before its end stops it; a failure is a GitError."""
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as complaints:
        given.writelines(line.encode() + b"\n" for line in lines)
        given.seek(0)
        process = subprocess.Popen(  # noqa: S603  (no shell; the arguments are ours)
            [*_command(), *arguments],
            env=environment, stdin=given, stdout=subprocess.PIPE, stderr=complaints,
        )  # fmt: skip
        assert process.stdout is not None  # noqa: S101  (piped)
        try:
            yield process.stdout
            process.stdout.close()
            code = process.wait()
        finally:
            process.stdout.close()
            process.kill()
            process.wait()
        if code != 0:
            complaints.seek(0)
            raise _error(complaints.read().decode("utf-8", "replace"), about)


def _run(
    arguments: Sequence[str], environment: dict[str, str], about: Path, may_fail: bool = False
) -> bytes:
    try:
        with _process(arguments, environment, about) as output:
            answer = output.read()
    except GitError:
        if may_fail:
            return b""
        raise
    return answer


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError as error:
        raise GitError(f"{path} cannot be opened: {error.strerror}") from None


def _command() -> list[str]:
    program = shutil.which("git")
    if program is None:
        raise GitError("the git program is not installed; install git")
    settings = (("-c", f"{name}={value}") for name, value in CONFIGURATION.items())
    return [program, "--no-pager", *(word for pair in settings for word in pair)]


def _error(complaint: str, about: Path) -> GitError:
    """Git's own words as one line with the way out."""
    if "dubious ownership" in complaint:
        return GitError(
            f"{about} belongs to another user; if you trust it:"
            f" git config --global --add safe.directory {about}"
        )
    if "not a git repository" in complaint:
        return GitError(f"{about} is not a git repository; give the folder of a clone")
    said = [line.strip() for line in complaint.splitlines() if line.strip()]
    fatal = [line for line in said if line.startswith("fatal:")] or said or ["it gave no reason"]
    return GitError(f"{about} cannot be read; git says: {fatal[-1]} (git fsck tells more)")


def _seconds(text: str) -> int | None:
    """Seconds since 1970; None for what is no time a calendar knows."""
    try:
        seconds = int(text)
    except ValueError:
        return None
    return seconds if 0 <= seconds < LATEST else None


def _groups(tokens: Iterator[str], size: int) -> Iterator[list[str]]:
    while group := list(islice(tokens, size)):
        yield group
