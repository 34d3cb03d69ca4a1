"""Git: local clones, read with the git program; the one source that needs no credential.

Data flow: ``git log``/``git diff-tree`` over a clone → the whole picture of it, lines counted and
followed only for commits that are new → what differs from the lake → ``lake/git/<stream>``, one
scope per repository.
Run standalone: ``python -m orchestration.systems.git --config valuemaxx.yml``.
"""

import fnmatch
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic import BaseModel, model_validator
from pydantic import Field as Setting

from orchestration.evidence import load_rules
from orchestration.identity import Identity
from orchestration.lake import Field, Lake, Outcome, Stream
from orchestration.systems.git.client import Clone, GitError, Ref
from orchestration.systems.git.history import Release, Shipped, ship, ship_line
from orchestration.systems.git.line_history import LineTables, read_lines
from orchestration.systems.git.records import History, load_file_kinds, table

COMMIT = Field("commit_sha", "string", "The commit's full hash")
REPOSITORY = Field("repository", "string", "The repository's name")

REPOSITORIES = Stream(
    "git", "repositories", "a repository that is read", ("repository",), "keyed",
    (
        REPOSITORY,
        Field("default_branch", "string", "The branch that main-line positions are counted on"),
        Field("is_shallow", "boolean", "Whether the clone's history is cut off"),
        Field("is_partial", "boolean", "Whether the clone lacks objects (blobless, treeless)"),
        Field("commit_count", "integer", "Commits that were read"),
        Field("unreadable_commit_count", "integer",
              "Commits whose changed lines cannot be counted, because objects are missing"),
        Field("tag_count", "integer", "Tags that matched the pattern of a deployment"),
    ),
)  # fmt: skip

SERVICES = Stream(
    "git", "services", "a service that a repository is deployed as", ("service_id",), "keyed",
    (Field("service_id", "string", "The service's id, as the configuration names it"), REPOSITORY),
)  # fmt: skip

COMMITS = Stream(
    "git", "commits", "a commit in a repository", ("repository", "commit_sha"), "keyed",
    (
        COMMIT, REPOSITORY,
        Field("author_id", "person", "Who wrote it, by mailmap"),
        Field("reverted_commit_shas", "list", "Commits that it reverts, by ';'"),
        Field("parent_count", "integer", "Parents; more than one for a merge"),
        Field("mainline_position", "integer",
              "Which first-parent step of the default branch brought it, the root being 1; "
              "null off the branch"),
        Field("additions", "integer", "Lines added; null where objects are missing, 0 for a merge"),
        Field("deletions", "integer", "Lines deleted; likewise"),
        Field("changed_file_count", "integer", "Files changed; likewise"),
        Field("author_is_bot", "boolean", "Whether the author is on the bot list"),
        Field("is_mainline", "boolean", "Whether it is itself a first-parent step"),
        Field("authored_at", "timestamp", "When it was written"),
        Field("committed_at", "timestamp", "When it was committed"),
    ),
    dated_by="committed_at",
)  # fmt: skip

COMMIT_FILE_KINDS = Stream(
    "git", "commit_file_kinds", "a kind of file that a commit changed",
    ("repository", "commit_sha", "file_kind"), "keyed",
    (
        COMMIT, REPOSITORY,
        Field("file_kind", "string", "production, test, docs, generated or vendored"),
        Field("additions", "integer", "Lines added"),
        Field("deletions", "integer", "Lines deleted"),
        Field("changed_file_count", "integer", "Files changed"),
    ),
)  # fmt: skip

COMMIT_AI_EVIDENCE = Stream(
    "git", "commit_ai_evidence", "a rule that found AI evidence at a commit",
    ("repository", "commit_sha", "rule_id"), "keyed",
    (COMMIT, REPOSITORY, Field("rule_id", "string", "The rule, in seeds/ai_evidence_rules.csv")),
)  # fmt: skip

PULL_REQUESTS = Stream(
    "git", "pull_requests", "a merged change on the default branch", ("merge_commit_sha",
    "repository"), "keyed",
    (
        REPOSITORY,
        Field("merge_commit_sha", "string", "The merge or squash commit"),
        Field("number", "integer", "The number that its message gives, where it gives one"),
        Field("merge_method", "string", "merge or squash"),
        Field("title_type", "string",
              "The type that its title begins with, by Conventional Commits: fix, feat, …"),
        Field("author_id", "person", "The earliest commit's author"),
        Field("additions", "integer", "Lines added by its commits; null where one is unreadable"),
        Field("deletions", "integer", "Lines deleted; likewise"),
        Field("changed_file_count", "integer", "Files changed, each counted once a commit"),
        Field("test_file_count", "integer", "Test files among those"),
        Field("production_file_count", "integer", "Production files among those"),
        Field("author_is_bot", "boolean", "Whether that author is on the bot list"),
        Field("is_revert", "boolean", "Whether it reverts another change"),
        Field("is_hotfix", "boolean", "Whether its branch is a hotfix branch"),
        Field("first_commit_at", "timestamp", "Earliest authored time among its commits"),
        Field("merged_at", "timestamp", "Commit time of the merge or squash"),
    ),
    dated_by="merged_at",
)  # fmt: skip

PULL_REQUEST_COMMITS = Stream(
    "git", "pull_request_commits", "a commit of a merged change",
    ("repository", "merge_commit_sha", "commit_sha"), "keyed",
    (
        REPOSITORY,
        Field("merge_commit_sha", "string", "The change, by its merge or squash commit"),
        COMMIT,
        Field("authored_at", "timestamp", "When the commit was written"),
    ),
)  # fmt: skip

DEPLOYMENTS = Stream(
    "git", "deployments", "a release: a tag, or a commit on a deployed branch",
    ("service_id", "release"), "keyed",
    (
        Field("service_id", "string", "The service released"),
        Field("release", "string", "The tag's name, or the commit's hash"),
        REPOSITORY, COMMIT,
        Field("environment", "string", "Where to; production unless the configuration says else"),
        Field("previous_release", "string",
              "The release it is counted from: the nearest before it on its line, or the one it "
              "steps back from; null = the first, whose commits have no baseline"),
        Field("is_rollback", "boolean", "Whether it steps back to a commit already released"),
        Field("is_complete", "boolean",
              "Whether all its commits are known: not where a shallow history is cut within it"),
        Field("finished_at", "timestamp", "When the tag was made, or the commit committed"),
    ),
    dated_by="finished_at",
)  # fmt: skip

DEPLOYMENT_COMMITS = Stream(
    "git", "deployment_commits", "a commit that a release ships and the one before it does not",
    ("service_id", "release", "commit_sha"), "keyed",
    (
        Field("service_id", "string", "The service released"),
        Field("release", "string", "The tag's name, or the commit's hash"),
        COMMIT,
    ),
)  # fmt: skip

LINE_BIRTHS = Stream(
    "git", "line_births", "a kind of file in which a main-line commit added lines",
    ("repository", "commit_sha", "file_kind"), "keyed",
    (
        REPOSITORY,
        Field("commit_sha", "string", "The first-parent step that brought them"),
        Field("file_kind", "string", "Kind of the file that they were added in"),
        Field("line_count", "integer", "Lines that git blame --first-parent -w lays to it"),
    ),
)  # fmt: skip

LINE_DEATHS = Stream(
    "git", "line_deaths", "a main-line commit and what it did to the lines of an earlier one, by "
    "kind of file", ("repository", "commit_sha", "born_commit_sha", "file_kind"), "keyed",
    (
        REPOSITORY,
        Field("commit_sha", "string", "The first-parent step that removed them"),
        Field("born_commit_sha", "string",
              "The step that brought them; null = older than a shallow clone"),
        Field("file_kind", "string", "Kind of the file that they were added in"),
        Field("line_count", "integer", "Lines removed"),
        Field("replaced_line_count", "integer", "Those of them in whose place a line was put"),
        Field("copied_line_count", "integer",
              "Lines that a second file goes on with, or that a file has again, so that they "
              "stand once more"),
    ),
)  # fmt: skip

LINE_OWNERS = Stream(
    "git", "line_owners", "a file at the main line's end; the row with an empty hash says where "
    "that is", ("repository", "path_hash"), "keyed",
    (
        REPOSITORY,
        Field("path_hash", "string", "Hash of the file's path"),
        Field("owners", "string",
              "Who brought its lines, in runs: position on the main line × 8 + number of the "
              "kind of file, * and how many lines; null = a binary file"),
    ),
)  # fmt: skip

STREAMS = (
    REPOSITORIES, SERVICES, COMMITS, COMMIT_FILE_KINDS, COMMIT_AI_EVIDENCE,
    PULL_REQUESTS, PULL_REQUEST_COMMITS, DEPLOYMENTS, DEPLOYMENT_COMMITS,
    LINE_BIRTHS, LINE_DEATHS, LINE_OWNERS,  # the last one says how far the two before it reach
)  # fmt: skip

# Raised when the same repository would be read differently by a newer reader.
READER = 1
FORGOTTEN = "forgotten"  # the fingerprint of what was dropped
EXAMPLES = 3


class Deployments(BaseModel, extra="forbid"):
    """What of a repository is a deployment: tags by shell-style pattern, or every first-parent
    commit of a branch; neither = nothing."""

    tags: str | list[str] | None = None
    branch: str | None = None
    environment: str = "production"

    @model_validator(mode="after")
    def _is_one(self) -> "Deployments":
        if self.tags and self.branch:
            raise ValueError("give tags or branch, not both")
        return self

    @property
    def patterns(self) -> list[str]:
        """The tags' patterns, as a list."""
        return [self.tags] if isinstance(self.tags, str) else self.tags or []


class Repository(BaseModel, extra="forbid"):
    """A clone to read. ``name`` defaults to the folder's, ``service`` to the name; ``branch`` is
    the main line. One clone may stand here several times, once for each service in it."""

    path: Path
    name: str | None = None
    service: str | None = None
    branch: str | None = None
    deployments: Deployments | None = Deployments(tags="v*")


class GitSettings(BaseModel, extra="forbid"):
    """``systems.git`` of the configuration."""

    repositories: list[Repository] = Setting(min_length=1)


@dataclass
class Source:
    """A clone with all that is deployed from it."""

    name: str
    path: Path
    branch: str | None
    services: dict[str, Deployments | None] = field(default_factory=dict)


@dataclass(frozen=True)
class State:
    """What a clone's refs say before any history is read. ``fingerprint`` changes with whatever
    could change a row, but for objects that arrive late."""

    clone: Clone
    refs: list[Ref]
    notes: dict[str, str]
    branch: str
    tip: str | None
    boundary: frozenset[str]
    fingerprint: str
    remarks: list[str]

    @property
    def tips(self) -> list[str]:
        """Where history is read from."""
        named = {ref.commit_sha for ref in self.refs if ref.commit_sha}
        return sorted(named | ({self.tip} if self.tip else set()))


def extract(
    lake: Lake,
    identity: Identity,
    settings: GitSettings,
    *,
    full_refresh: bool = False,
    forget_missing: bool = False,
) -> Iterator[Outcome]:
    """Reads every repository that changed and lands what differs; one outcome per repository.
    ``full_refresh`` reads all of them and counts every line again. ``forget_missing`` drops what
    repositories gave that the configuration no longer names."""
    sources, refused = _plan(settings)
    yield from refused
    newest = {stream.name: lake.newest(stream) for stream in STREAMS}
    yield from _missing(lake, settings, forget_missing)
    for source in sources:
        batches = (newest[stream.name].get(source.name) for stream in STREAMS)
        known = [batch.fingerprint if batch else None for batch in batches]
        try:
            yield _extract(lake, identity, source, known, full_refresh)
        except GitError as error:
            yield _outcome(source.name, "failed", str(error))


def check(settings: GitSettings) -> Iterator[Outcome]:
    """Whether each repository could be read, without reading its history."""
    sources, refused = _plan(settings)
    yield from refused
    for source in sources:
        try:
            state = _look(source, "")
        except GitError as error:
            yield _outcome(source.name, "failed", str(error))
            continue
        tags = sum(len(_tags(state, d)) for d in source.services.values() if d)
        told = f"reads {source.path}, main line {state.branch or 'unknown'}, {tags:,} release tags"
        yield _outcome(
            source.name, "warning" if state.remarks else "unchanged", told, *state.remarks
        )


def _plan(settings: GitSettings) -> tuple[list[Source], list[Outcome]]:
    """The clones to read, each once, and a refusal for each entry at odds with another."""
    sources: dict[str, Source] = {}
    refused: dict[str, Outcome] = {}
    owners: dict[str, str] = {}
    for entry in settings.repositories:
        name = _name(entry)
        service = entry.service or name
        source = sources.setdefault(name, Source(name, entry.path, entry.branch))
        problem = ""
        if source.path.resolve() != entry.path.resolve():
            problem = f"two paths, {source.path} and {entry.path}, have this name; give one a name:"
        elif source.branch != entry.branch:
            problem = f"{entry.path} is listed with two main lines; give every entry one branch:"
        elif service in owners:
            problem = f"service {service} is listed twice; give one entry another service:"
        if problem:
            refused[name] = _outcome(name, "failed", problem)
        else:
            owners[service] = name
            source.services[service] = entry.deployments
    return [s for s in sources.values() if s.name not in refused], [*refused.values()]


def _name(entry: Repository) -> str:
    return entry.name or entry.path.resolve().name.removesuffix(".git")


def _missing(lake: Lake, settings: GitSettings, forget: bool) -> Iterator[Outcome]:
    """Repositories that the lake has and the configuration no longer names."""
    configured = {_name(entry) for entry in settings.repositories}
    for name, batch in sorted(lake.newest(REPOSITORIES).items()):
        if name in configured or batch.fingerprint == FORGOTTEN:
            continue
        if forget:
            for stream in STREAMS:
                lake.write_changes(stream, name, stream.schema.empty_table(), FORGOTTEN)
            yield _outcome(name, "landed", "no longer in the configuration; forgotten")
        else:
            told = "no longer in the configuration; what it gave before stays (--forget-missing)"
            yield _outcome(name, "missing", told)


def _look(source: Source, key: str) -> State:
    """Opens a clone and reads its refs. ``key`` goes into the fingerprint."""
    clone = Clone.open(source.path)
    refs, notes, boundary = clone.refs(), clone.notes(), clone.boundary()
    head_branch, head = clone.head()
    branch, tip = _main_line(refs, head_branch, head, source.branch)
    seen = (key, source, refs, notes, sorted(boundary), branch, tip)
    state = State(
        clone, refs, notes, branch, tip, boundary,
        hashlib.sha256(repr(seen).encode()).hexdigest()[:16], [],
    )  # fmt: skip
    state.remarks.extend(_remarks(source, state))
    return state


def _main_line(
    refs: list[Ref], head_branch: str | None, head: str | None, wanted: str | None
) -> tuple[str, str | None]:
    """The main line's name and its last commit; a remote's branch is newer than its local copy."""
    commits = {ref.name: ref.commit_sha for ref in refs}
    if wanted:
        return wanted, _branch(commits, wanted)
    remote = next((ref.target for ref in refs if ref.name == "refs/remotes/origin/HEAD"), "")
    for name in (remote, head_branch):
        if name and commits.get(name):
            short = name.removeprefix("refs/remotes/origin/").removeprefix("refs/heads/")
            return short, commits[name]
    for short in ("main", "master"):
        tip = _branch(commits, short)
        if tip:
            return short, tip
    return ("HEAD", head) if head else ("", None)


def _branch(commits: Mapping[str, str | None], short: str) -> str | None:
    names = (f"refs/remotes/origin/{short}", f"refs/heads/{short}", short)
    return next((commits[name] for name in names if commits.get(name)), None)


def _remarks(source: Source, state: State) -> Iterator[str]:
    """What somebody should look at, as the refs alone tell it."""
    if not state.tips:
        yield "it has no commit yet"
        return
    if state.tip is None and source.branch:
        yield f"branch {source.branch} does not exist; correct branch:"
    elif state.tip is None:
        yield "it has no main line; give it a branch:"
    if state.boundary:
        yield (
            f"shallow: its history is cut off at {len(state.boundary):,} commits, whose lines "
            "cannot be counted; git fetch --unshallow"
        )
    commits = {ref.name: ref.commit_sha for ref in state.refs}
    tags = [ref.name.removeprefix("refs/tags/") for ref in state.refs if _is_tag(ref)]
    for deployments in source.services.values():
        if deployments and deployments.branch and not _branch(commits, deployments.branch):
            yield f"branch {deployments.branch} does not exist; correct deployments: branch:"
        for pattern in deployments.patterns if deployments else ():
            if not fnmatch.filter(tags, pattern):
                there = f"it has {', '.join(tags[-EXAMPLES:])}" if tags else "it has none"
                yield f"no tag matches {pattern}: {there}; correct deployments: tags:"
    blind = sum(ref.commit_sha is None for ref in state.refs if _is_tag(ref))
    if blind:
        yield f"tags that name no commit are passed over: {blind:,}"


def _is_tag(ref: Ref) -> bool:
    return ref.name.startswith("refs/tags/")


def _tags(state: State, deployments: Deployments) -> list[Ref]:
    """The tags that are releases."""
    return [
        ref
        for ref in state.refs
        if ref.commit_sha and _is_tag(ref)
        for name in [ref.name.removeprefix("refs/tags/")]
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in deployments.patterns)
    ]


def _extract(
    lake: Lake, identity: Identity, source: Source, known: list[str | None], full_refresh: bool
) -> Outcome:
    """Reads one repository. ``known``: the fingerprint of each stream's newest batch of it."""
    rules, kinds = load_rules(), load_file_kinds()
    counted_by = _digest(READER, COMMITS.digest, COMMIT_FILE_KINDS.digest, kinds.fingerprint)
    # A batch that broke and was set aside must be read again: its name is new in the key.
    broken = [path.name for path in lake.set_aside() if path.parent.parent.name == "git"]
    key = _digest(
        counted_by, rules.fingerprint, identity.fingerprint, broken, [s.digest for s in STREAMS]
    )
    state = _look(source, key)
    fingerprint = f"{counted_by}-{state.fingerprint}"
    inventory = f"{fingerprint}-{_digest(state.clone.object_inventory())}"
    if not full_refresh and len(set(known)) == 1 and known[0] in (fingerprint, inventory):
        return _outcome(source.name, "unchanged", *(state.remarks or ["nothing new"]))
    if not state.tips and any(known):
        return _outcome(
            source.name, "warning", "it has no branch and no tag left; what it gave before stays"
        )
    history = History(identity, rules, state.boundary)
    # Without a tip git would read what is checked out.
    for logged in state.clone.log(state.tips, state.tip) if state.tips else ():
        history.add(logged)
    for notes in state.notes.values():
        for sha, note in state.clone.noted_commits(notes):
            history.note(sha, note)
    history.follow(state.tip, state.branch)
    if not full_refresh and all(text and text.startswith(f"{counted_by}-") for text in known):
        _recall(lake, source.name, history)
    uncounted = history.uncounted()
    for sha, changes in state.clone.file_changes(uncounted):
        if changes is not None:
            history.counts.put(history.graph.numbers[sha], changes)
    unreadable = history.unreadable_count
    lines, why_not = _lines(lake, source.name, state, history, full_refresh)
    shipped = {s: list(_shipped(state, history, d)) for s, d in source.services.items()}
    tables = _tables(source, state, history, shipped)
    fingerprint = inventory if unreadable or why_not else fingerprint
    for stream, before in zip(STREAMS, known, strict=True):
        if before == fingerprint and not full_refresh:
            continue  # a reading that was stopped later than this stream
        rows = lines.get(stream.name)
        if rows is None:
            rows = table(stream, tables[stream.name])
        if before is None:  # nothing to compare with
            with lake.writing(stream, source.name, fingerprint=fingerprint) as batch:
                batch.append(rows)
        else:
            lake.write_changes(stream, source.name, rows, fingerprint)
    missing = unreadable - len(history.graph.boundary)
    if missing:
        state.remarks.append(
            f"lines of {missing:,} commits cannot be counted, as objects are missing; "
            "fetch the clone without a filter"
        )
        if state.clone.lacks_mailmap(state.tip):
            state.remarks.append("its .mailmap is missing, so people may count twice")
    if why_not:
        state.remarks.append(
            f"its lines cannot be followed ({why_not}), so they stay as they were; "
            "fetch the clone without a filter"
        )
    told = (
        f"{len(history.graph):,} commits, {len(history.changes):,} changes, "
        f"{sum(map(len, shipped.values())):,} releases"
    )
    return _outcome(
        source.name, "warning" if state.remarks else "landed", told, *state.remarks
    )  # fmt: skip


def _recall(lake: Lake, repository: str, history: History) -> None:
    """Takes the line counts that the lake has: what a commit changed never changes."""
    sums: dict[str, dict[str, list[int]]] = {}
    for row in _rows(lake, COMMIT_FILE_KINDS, repository):
        counts = [row["additions"], row["deletions"], row["changed_file_count"]]
        sums.setdefault(row["commit_sha"], {})[row["file_kind"]] = counts
    for row in _rows(lake, COMMITS, repository):
        by_kind = sums.get(row["commit_sha"], {})
        number = history.graph.numbers.get(row["commit_sha"])
        # A run that was stopped between the two streams left one of them behind.
        is_whole = row["changed_file_count"] == sum(counts[2] for counts in by_kind.values())
        if number is not None and number not in history.graph.boundary and is_whole:
            history.counts.put_sums(number, by_kind)


def _lines(
    lake: Lake,
    repository: str,
    state: State,
    history: History,
    full_refresh: bool,
) -> tuple[dict[str, pa.Table], str]:
    """The tables of the line streams, and why they are as the lake has them if they cannot be
    continued."""
    streams = (LINE_BIRTHS, LINE_DEATHS, LINE_OWNERS)
    # A file's owners may stand in any batch: without one of them, all are read again.
    broken = [p.name for p in lake.set_aside() if p.parent.name in {s.name for s in streams}]
    known = LineTables(*(lake.current(stream, repository) for stream in streams))
    why_not = ""
    try:
        found = read_lines(
            state.clone, repository, history.mainline, load_file_kinds(),
            None if full_refresh else known, _digest([s.digest for s in streams], broken),
        )  # fmt: skip
    except GitError as error:
        found, why_not = known, str(error).rpartition("git says: ")[2]
    names = (stream.name for stream in streams)
    return dict(zip(names, (found.births, found.deaths, found.owners), strict=True)), why_not


def _rows(lake: Lake, stream: Stream, repository: str) -> Iterator[dict[str, Any]]:
    for batch in lake.current(stream, repository).to_batches(max_chunksize=20_000):
        yield from batch.to_pylist()


def _shipped(state: State, history: History, deployments: Deployments | None) -> Iterator[Shipped]:
    numbers = history.graph.numbers
    if deployments is None:
        return
    if deployments.branch:
        tip = _branch({ref.name: ref.commit_sha for ref in state.refs}, deployments.branch)
        if tip:
            yield from ship_line(history.graph, numbers[tip])
        return
    yield from ship(
        history.graph,
        (
            Release(ref.name.removeprefix("refs/tags/"), numbers[ref.commit_sha], ref.tagged_at)
            for ref in _tags(state, deployments)
            if ref.commit_sha
        ),
    )


def _tables(
    source: Source, state: State, history: History, shipped: Mapping[str, list[Shipped]]
) -> dict[str, Iterable[Mapping[str, Any]]]:
    """The rows of every stream."""
    name = source.name
    environments = {s: d.environment for s, d in source.services.items() if d}
    matched = {ref.name for d in source.services.values() if d for ref in _tags(state, d)}
    unreadable = history.unreadable_count
    return {
        "repositories": [
            {
                "repository": name,
                "default_branch": state.branch if state.tip else None,
                "is_shallow": bool(state.boundary),
                "is_partial": unreadable > len(history.graph.boundary),
                "commit_count": len(history.graph),
                "unreadable_commit_count": unreadable,
                "tag_count": len(matched),
            }
        ],
        "services": [{"service_id": s, "repository": name} for s in source.services],
        "commits": history.commits(name),
        "commit_file_kinds": history.commit_file_kinds(name),
        "commit_ai_evidence": history.commit_ai_evidence(name),
        "pull_requests": history.pull_requests(name),
        "pull_request_commits": history.pull_request_commits(name),
        "deployments": (
            history.deployment(name, service, environments[service], one)
            for service, line in shipped.items()
            for one in line
        ),
        "deployment_commits": (
            row
            for service, line in shipped.items()
            for one in line
            for row in history.deployment_commits(service, one)
        ),
    }


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:12]


def _outcome(scope: str, status: Any, *told: str) -> Outcome:
    return Outcome("git", scope, status, "; ".join(told))
