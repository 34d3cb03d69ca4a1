"""What git says, as rows: commits, kinds of files, evidence, changes, releases.

Everything but the line counts is worked out anew from the whole graph at every reading, so that a
rewritten branch, a moved tag or a deleted one leaves nothing behind. Messages are read for what
they say about changes, reverts and AI, and are forgotten.
"""

import bisect
import csv
import functools
import hashlib
import re
from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from orchestration.evidence import Rules, note_is_ai, reverted_shas, title_type
from orchestration.identity import Identity
from orchestration.lake import Stream
from orchestration.systems.git.client import FileChange, LoggedCommit
from orchestration.systems.git.history import Graph, Number, Shipped

KINDS_SEED = Path(__file__).resolve().parents[3] / "seeds" / "file_kinds.csv"
UNKNOWN = -1
CHUNK = 20_000

SQUASHED = re.compile(r"\(#(\d+)\)$")
NUMBERED_MERGES = (
    re.compile(r"Merge pull request #(?P<number>\d+) from [^/\s]+/(?P<branch>\S+)"),  # GitHub
    re.compile(r"Merge pull request #(?P<number>\d+) in \S+ from (?P<branch>\S+)"),  # Bitbucket DC
    re.compile(r"Merge pull request .* \(#(?P<number>\d+)\) from (?P<branch>\S+) into"),  # Gitea
)
# These two also head what was squashed.
NUMBERED_CHANGES = (
    re.compile(r"Merged in (?P<branch>\S+) \(pull request #(?P<number>\d+)\)"),  # Bitbucket Cloud
    re.compile(r"Merged PR (?P<number>\d+):(?P<branch>)"),  # Azure DevOps
)
GITLAB_NUMBER = re.compile(r"^See merge request \S*!(\d+)\s*$", re.MULTILINE)
BRANCH_MERGE = re.compile(r"Merge (?:remote-tracking )?branch(?:es)? '([^']+)'(.*)$")
INTO = re.compile(r" into '?([^']+?)'?$")
REVERTED_NUMBER = re.compile(
    r'\ARevert ".*\(#(\d+)\)"|^Reverts [\w.-]+/[\w.-]+#(\d+)\s*$', re.MULTILINE
)
# Where a merge's own first line holds the title of what it merged.
TITLE_IN_MERGE = re.compile(r"Merged PR \d+: (.*)|Merge pull request '(.*)' \(#\d+\) from")
REVERT_TITLE = re.compile(r'^Revert "', re.MULTILINE)


class FileKinds:
    """The rules of ``seeds/file_kinds.csv``: the first that matches says what a file is.
    Patterns see the path with a ``/`` before it."""

    def __init__(self, rules: Iterable[tuple[str, str]]) -> None:
        # Neighbours of one kind are one expression: each path is searched a few times, not many.
        self._rules: list[tuple[str, re.Pattern[str]]] = [
            (kind, re.compile("|".join(pattern for _, pattern in neighbours)))
            for kind, neighbours in groupby(rules, key=lambda rule: rule[0])
        ]
        self.names = list(dict.fromkeys(kind for kind, _ in self._rules))
        self.kind = functools.lru_cache(maxsize=2**17)(self._kind)
        text = repr([(kind, pattern.pattern) for kind, pattern in self._rules])
        self.fingerprint = hashlib.sha256(text.encode()).hexdigest()[:16]

    def _kind(self, path: str) -> str:
        path = f"/{path}"
        return next(kind for kind, pattern in self._rules if pattern.search(path))


@functools.cache
def load_file_kinds() -> FileKinds:
    """The seed's rules; read once."""
    with KINDS_SEED.open(newline="", encoding="utf-8") as lines:
        rows = sorted(csv.DictReader(lines), key=lambda row: int(row["rule_order"]))
    return FileKinds((row["file_kind"], row["pattern"]) for row in rows)


class Message(NamedTuple):
    """What a commit's message tells. ``number``: of the change that a forge merged by it;
    ``branch``: what was merged, ``into`` another where it says so; ``title_type``: of the change
    that it merged."""

    number: int | None
    branch: str
    into: str
    is_revert: bool
    reverted_shas: tuple[str, ...]
    reverted_numbers: tuple[int, ...]
    title_type: str | None


NOTHING = Message(None, "", "", False, (), (), None)


def read_message(text: str, parent_count: int) -> Message:
    """Reads a message of a commit with so many parents."""
    text = text.lstrip("\n")
    title, _, body = text.partition("\n\n")
    first_line = title.partition("\n")[0].rstrip()
    title = " ".join(title.split())
    number, branch, into = None, "", ""
    for pattern in (*NUMBERED_MERGES, *NUMBERED_CHANGES) if title.startswith("Merge") else ():
        match = pattern.match(title)
        if match and (parent_count > 1 or pattern in NUMBERED_CHANGES):
            number, branch = int(match["number"]), match["branch"]
            break
    else:
        squashed = SQUASHED.search(first_line) or SQUASHED.search(title)
        number = int(squashed[1]) if squashed else None
        merged = BRANCH_MERGE.match(title) if parent_count > 1 else None
        if merged:
            branch = merged[1].removeprefix("origin/")
            target = INTO.search(merged[2])
            into = target[1].removeprefix("origin/") if target else ""
            gitlab = GITLAB_NUMBER.search(body)
            number = int(gitlab[1]) if gitlab else number
    # A forge writes the title of what it merged below the line that says so.
    titled = text if parent_count > 1 and number is not None else title
    is_revert = bool(REVERT_TITLE.search(titled))
    shas = tuple(reverted_shas(text))
    numbers = tuple(int(a or b) for a, b in REVERTED_NUMBER.findall(text))
    changed = title_type(_merged_title(title, body)) if number is not None or branch else None
    message = Message(number, branch, into, is_revert, shas, numbers, changed)
    return message if any(message) else NOTHING


def _merged_title(title: str, body: str) -> str:
    """The title of what a commit merged: its own if it was squashed, else as forges write it,
    within the line that says so or below it."""
    if not title.startswith("Merge"):
        return title
    within = TITLE_IN_MERGE.match(title)
    return (within[1] or within[2] or "") if within else body.lstrip().partition("\n")[0]


@dataclass
class LineCounts:
    """Lines and files changed by each commit, in all and by kind of file; ``UNKNOWN`` where
    objects are missing."""

    kinds: FileKinds
    additions: "array[int]" = field(default_factory=lambda: array("q"))
    deletions: "array[int]" = field(default_factory=lambda: array("q"))
    files: "array[int]" = field(default_factory=lambda: array("q"))
    by_kind: dict[str, "array[int]"] = field(default_factory=dict)

    def resize(self, commit_count: int) -> None:
        """Room for so many commits, all unknown."""
        blank = array("q", [UNKNOWN]) * commit_count
        self.additions, self.deletions, self.files = blank[:], blank[:], blank[:]
        # Flat: commit, additions, deletions, files, again and again.
        self.by_kind = {name: array("q") for name in self.kinds.names}

    def put(self, commit: Number, changes: Iterable[FileChange]) -> None:
        """Counts a commit's changes. A binary file is a file without lines."""
        sums: dict[str, list[int]] = {}
        for path, added, deleted in changes:
            kind = sums.setdefault(self.kinds.kind(path), [0, 0, 0])
            kind[0] += added or 0
            kind[1] += deleted or 0
            kind[2] += 1
        self.put_sums(commit, sums)

    def put_sums(self, commit: Number, sums: Mapping[str, Collection[int]]) -> None:
        """Takes (additions, deletions, files) by kind."""
        for name, counts in sums.items():
            self.by_kind[name].append(commit)
            self.by_kind[name].extend(counts)
        totals = [sum(column) for column in zip(*sums.values(), strict=True)] or [0, 0, 0]
        self.additions[commit], self.deletions[commit], self.files[commit] = totals

    def rows_by_kind(self) -> Iterator[tuple[Number, str, int, int, int]]:
        """(commit, kind, additions, deletions, files)."""
        for name, flat in self.by_kind.items():
            for at in range(0, len(flat), 4):
                yield flat[at], name, flat[at + 1], flat[at + 2], flat[at + 3]

    def files_of_kind(self, name: str) -> dict[Number, int]:
        """Files of one kind by commit; a commit without any is not in it."""
        flat = self.by_kind.get(name, array("q"))
        return {flat[at]: flat[at + 3] for at in range(0, len(flat), 4)}


class Change(NamedTuple):
    """A merged change: its merge or squash commit and the commits it brought."""

    commit: Number
    method: str
    message: Message
    commits: tuple[Number, ...]


class History:
    """A repository's history, filled from its log and then asked for rows."""

    def __init__(self, identity: Identity, rules: Rules, boundary: Collection[str]) -> None:
        self.graph = Graph()
        self.counts = LineCounts(load_file_kinds())
        self._identity, self._rules, self._boundary = identity, rules, boundary
        self._person = functools.lru_cache(maxsize=2**16)(self._identify)
        self._people: list[tuple[str | None, bool]] = []
        self._authored_at: list[int | None] = []
        self._committed_at: list[int | None] = []
        self._messages: dict[Number, Message] = {}
        self._evidence: dict[Number, set[str]] = {}
        self._positions: list[int] = []
        self._mainline: list[Number] = []
        self.changes: list[Change] = []

    def add(self, logged: LoggedCommit) -> None:
        """The next commit of the log, parents first."""
        number = self.graph.add(logged.sha, logged.parents, logged.committed_at or 0)
        if logged.sha in self._boundary:
            self.graph.boundary.add(number)
        self._people.append(self._person(logged.mapped_email, logged.mapped_name))
        self._authored_at.append(logged.authored_at)
        self._committed_at.append(logged.committed_at)
        message = read_message(logged.message, len(logged.parents))
        if message is not NOTHING:
            self._messages[number] = message
        found = self._rules.match(
            logged.message,
            f"{logged.author_name} <{logged.author_email}>\n"
            f"{logged.committer_name} <{logged.committer_email}>",
        )
        if found:
            self._evidence[number] = set(found)

    def note(self, sha: str, text: str) -> None:
        """A note of authorship is attached to the commit."""
        if sha in self.graph.numbers and note_is_ai(text):
            number = self.graph.numbers[sha]
            self._evidence.setdefault(number, set()).update(self._rules.note_rules)

    def follow(self, tip: str | None, branch: str) -> None:
        """The log is at its end: lays the main line through ``tip`` and finds the changes."""
        self.counts.resize(len(self.graph))
        self._mainline = self.graph.mainline(self.graph.numbers[tip]) if tip else []
        self._positions = self.graph.positions(self._mainline)
        self.changes = sorted(self._find_changes(branch))
        for change in self.changes:
            found = self._rules.match(branch=change.message.branch)
            if found:
                self._evidence.setdefault(change.commit, set()).update(found)

    def uncounted(self) -> list[str]:
        """Commits whose lines are still to be counted. A merge changes nothing by itself; what
        the boundary of a shallow clone changed nobody can tell."""
        wanted = []
        for number, sha in enumerate(self.graph.shas):
            if self.counts.additions[number] != UNKNOWN or number in self.graph.boundary:
                continue
            if len(self.graph.parents[number]) > 1:
                self.counts.put(number, ())
            else:
                wanted.append(sha)
        return wanted

    @property
    def mainline(self) -> list[str]:
        """The main line's steps by their hashes, the root first."""
        return [self.graph.shas[number] for number in self._mainline]

    @property
    def unreadable_count(self) -> int:
        """Commits whose lines are not known."""
        return self.counts.additions.count(UNKNOWN)

    def commits(self, repository: str) -> Iterator[dict[str, Any]]:
        """Rows of ``commits``."""
        counts, on_mainline = self.counts, set(self._mainline)
        merged = {c.message.number: c.commit for c in self.changes if c.message.number is not None}
        resolve = _Resolver(self.graph)
        for number, sha in enumerate(self.graph.shas):
            author_id, is_bot = self._people[number]
            message = self._messages.get(number, NOTHING)
            reverted = [resolve(name) for name in message.reverted_shas]
            reverted += [merged.get(change) for change in message.reverted_numbers]
            names = dict.fromkeys(
                self.graph.shas[r] for r in reverted if r is not None and r != number
            )
            yield {
                "commit_sha": sha,
                "repository": repository,
                "author_id": author_id,
                "reverted_commit_shas": ";".join(names) or None,
                "parent_count": len(self.graph.parents[number]),
                "mainline_position": self._positions[number] or None,
                "additions": _known(counts.additions[number]),
                "deletions": _known(counts.deletions[number]),
                "changed_file_count": _known(counts.files[number]),
                "author_is_bot": is_bot,
                "is_mainline": number in on_mainline,
                "authored_at": _micros(self._authored_at[number]),
                "committed_at": _micros(self._committed_at[number]),
            }

    def commit_file_kinds(self, repository: str) -> Iterator[dict[str, Any]]:
        """Rows of ``commit_file_kinds``."""
        for number, kind, additions, deletions, files in self.counts.rows_by_kind():
            yield {
                "commit_sha": self.graph.shas[number],
                "repository": repository,
                "file_kind": kind,
                "additions": additions,
                "deletions": deletions,
                "changed_file_count": files,
            }

    def commit_ai_evidence(self, repository: str) -> Iterator[dict[str, Any]]:
        """Rows of ``commit_ai_evidence``."""
        for number, rule_ids in self._evidence.items():
            for rule_id in self._rules.in_order(rule_ids):
                yield {
                    "commit_sha": self.graph.shas[number],
                    "repository": repository,
                    "rule_id": rule_id,
                }

    def pull_requests(self, repository: str) -> Iterator[dict[str, Any]]:
        """Rows of ``pull_requests``."""
        counts = self.counts
        tests, production = counts.files_of_kind("test"), counts.files_of_kind("production")
        resolve = _Resolver(self.graph)
        for change in self.changes:
            by_time = sorted(change.commits, key=self._authored)
            author_id, is_bot = self._people[by_time[0] if by_time else change.commit]
            is_known = all(counts.additions[c] != UNKNOWN for c in change.commits)

            def total(
                column: "array[int] | dict[Number, int]",
                commits: tuple[Number, ...] = change.commits,
                is_known: bool = is_known,
            ) -> int | None:
                if not is_known:
                    return None
                if isinstance(column, dict):
                    return sum(column.get(c, 0) for c in commits)
                return sum(column[c] for c in commits)

            yield {
                "repository": repository,
                "merge_commit_sha": self.graph.shas[change.commit],
                "number": change.message.number,
                "merge_method": change.method,
                "title_type": change.message.title_type,
                "author_id": author_id,
                "additions": total(counts.additions),
                "deletions": total(counts.deletions),
                "changed_file_count": total(counts.files),
                "test_file_count": total(tests),
                "production_file_count": total(production),
                "author_is_bot": is_bot,
                "is_revert": self._reverts(change, resolve),
                "is_hotfix": change.message.branch.startswith(("hotfix/", "hotfix-")),
                "first_commit_at": _micros(self._authored_at[by_time[0]]) if by_time else None,
                "merged_at": _micros(self._committed_at[change.commit]),
            }

    def pull_request_commits(self, repository: str) -> Iterator[dict[str, Any]]:
        """Rows of ``pull_request_commits``."""
        for change in self.changes:
            for number in change.commits:
                yield {
                    "repository": repository,
                    "merge_commit_sha": self.graph.shas[change.commit],
                    "commit_sha": self.graph.shas[number],
                    "authored_at": _micros(self._authored_at[number]),
                }

    def deployment(
        self, repository: str, service: str, environment: str, shipped: Shipped
    ) -> dict[str, Any]:
        """A row of ``deployments``."""
        release = shipped.release
        made_at = release.made_at
        if made_at is None:
            made_at = self._committed_at[release.commit]
        return {
            "service_id": service,
            "release": release.name,
            "repository": repository,
            "commit_sha": self.graph.shas[release.commit],
            "environment": environment,
            "previous_release": shipped.previous.name if shipped.previous else None,
            "is_rollback": shipped.is_rollback,
            "is_complete": shipped.is_complete,
            "finished_at": _micros(made_at),
        }

    def deployment_commits(self, service: str, shipped: Shipped) -> Iterator[dict[str, Any]]:
        """Rows of ``deployment_commits``."""
        for number in shipped.commits:
            yield {
                "service_id": service,
                "release": shipped.release.name,
                "commit_sha": self.graph.shas[number],
            }

    def _find_changes(self, default_branch: str) -> Iterator[Change]:
        on_mainline = set(self._mainline)
        numbered: dict[int, Number] = {}
        found: list[Number] = []
        for number, message in self._messages.items():
            if not self._positions[number]:
                continue
            if message.number is not None:
                first = numbered.setdefault(message.number, number)
                numbered[message.number] = min(first, number, key=self._precedence)
            elif (
                message.branch
                and number in on_mainline
                and message.into in ("", default_branch)
                and message.branch != default_branch
            ):
                found.append(number)
        found += numbered.values()
        brought: dict[int, list[Number]] = {}
        for number, position in enumerate(self._positions):
            if position:
                brought.setdefault(position, []).append(number)
        for number in found:
            parents = self.graph.parents[number]
            if len(parents) < 2:
                commits = [number]
            elif number in on_mainline:
                commits = [n for n in brought[self._positions[number]] if n != number]
            else:
                commits, _ = self.graph.between(parents[1:], parents[:1])
            method = "merge" if len(parents) > 1 else "squash"
            yield Change(number, method, self._messages[number], tuple(commits))

    def _precedence(self, number: Number) -> tuple[int, bool, int, str]:
        """Which of two commits that claim one number has it: the earlier on the main line, there
        the step itself."""
        is_aside = self._mainline[self._positions[number] - 1] != number
        return (
            self._positions[number], is_aside, self.graph.committed_at[number],
            self.graph.shas[number],
        )  # fmt: skip

    def _reverts(self, change: Change, resolve: "_Resolver") -> bool:
        """Whether it takes back something that was there before it. (The message of a squashed
        branch also tells of commits that the branch itself took back.)"""
        if change.message.is_revert:
            return True
        reverted = (resolve(name) for name in change.message.reverted_shas)
        own = {change.commit, *change.commits}
        return any(r is not None and self._positions[r] and r not in own for r in reverted)

    def _authored(self, number: Number) -> tuple[bool, int, str]:
        at = self._authored_at[number]
        return at is None, at or 0, self.graph.shas[number]

    def _identify(self, email: str, name: str) -> tuple[str | None, bool]:
        is_bot = self._identity.is_bot(email) or self._identity.is_bot(name)
        return self._identity.person(email or name, "git"), is_bot


class _Resolver:
    """Finds commits by the start of their hash; one that several share names none."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._sorted: list[str] = []

    def __call__(self, name: str) -> Number | None:
        found = self._graph.numbers.get(name)
        if found is None and len(name) < len(self._graph.shas[0]):
            self._sorted = self._sorted or sorted(self._graph.shas)
            at = bisect.bisect_left(self._sorted, name)
            matching = [sha for sha in self._sorted[at : at + 2] if sha.startswith(name)]
            found = self._graph.numbers[matching[0]] if len(matching) == 1 else None
        return found


def table(stream: Stream, rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Rows as the stream's table; only a chunk of them is ever held as Python's objects."""
    batches, chunk = [], []
    for row in rows:
        chunk.append(row)
        if len(chunk) == CHUNK:
            batches.append(_record_batch(stream, chunk))
            chunk = []
    batches.append(_record_batch(stream, chunk))
    return pa.Table.from_batches(batches, stream.schema)


def _record_batch(stream: Stream, rows: list[Mapping[str, Any]]) -> pa.RecordBatch:
    schema = stream.schema
    columns = [pa.array([row[f.name] for row in rows], f.type) for f in schema]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _known(count: int) -> int | None:
    return None if count == UNKNOWN else count


def _micros(seconds: int | None) -> int | None:
    return None if seconds is None else seconds * 1_000_000
