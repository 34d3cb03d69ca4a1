"""The graph of commits: who reaches whom, along which line. Pure; knows neither git nor the lake.

Commits are numbered so that parents come before children. Every question is then answered by going
down from high numbers to low ones, and a commit is only looked at when all that could still reach
it has been.
"""

import heapq
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

Number = int


@dataclass
class Graph:
    """The commits of a repository. ``boundary``: those whose parents a shallow clone lacks."""

    shas: list[str] = field(default_factory=list)
    parents: list[tuple[Number, ...]] = field(default_factory=list)
    committed_at: list[int] = field(default_factory=list)
    boundary: set[Number] = field(default_factory=set)
    numbers: dict[str, Number] = field(default_factory=dict)

    def add(self, sha: str, parents: Iterable[str], committed_at: int) -> Number:
        """Adds a commit whose parents are there already. Time in seconds since 1970."""
        number = len(self.shas)
        self.numbers[sha] = number
        self.shas.append(sha)
        self.parents.append(tuple(self.numbers[parent] for parent in parents))
        self.committed_at.append(committed_at)
        return number

    def __len__(self) -> int:
        return len(self.shas)

    def mainline(self, tip: Number) -> list[Number]:
        """The first-parent chain that ends at ``tip``, from its root on."""
        chain = [tip]
        while self.parents[chain[-1]]:
            chain.append(self.parents[chain[-1]][0])
        return chain[::-1]

    def positions(self, mainline: Sequence[Number]) -> list[int]:
        """For each commit the first step of the chain, from 1, that reaches it; 0 for none."""
        positions = [0] * len(self)
        for position, step in enumerate(mainline, start=1):
            for commit in self.down(step, positions):
                positions[commit] = position
        return positions

    def ancestors(self, tip: Number) -> set[Number]:
        """All that ``tip`` reaches, itself included."""
        return set(self.down(tip, bytearray(len(self))))

    def between(
        self, heads: Iterable[Number], excluded: Iterable[Number], stops: Collection[Number] = ()
    ) -> tuple[list[Number], list[Number]]:
        """``git rev-list heads ^excluded``, and with it the ``stops`` that end the way down: those
        met from the heads that no other one met reaches. What a stop reaches is left out too."""
        kept = dict.fromkeys(heads, True)
        kept.update(dict.fromkeys(excluded, False))
        waiting = [-number for number in kept]
        heapq.heapify(waiting)
        undecided = sum(kept.values())
        inside, met = [], []
        while undecided:
            number = -heapq.heappop(waiting)
            keep = kept[number]
            undecided -= keep
            if keep and number in stops:
                met.append(number)
                keep = False
            elif keep:
                inside.append(number)
            for parent in self.parents[number]:
                known = kept.get(parent)
                if known is None:
                    heapq.heappush(waiting, -parent)
                    kept[parent] = keep
                    undecided += keep
                elif known and not keep:
                    kept[parent] = False
                    undecided -= 1
        return inside, met

    def down(self, tip: Number, seen: list[int] | bytearray) -> Iterator[Number]:
        """What ``tip`` reaches and nobody saw yet. The caller may mark what it gets."""
        if seen[tip]:
            return
        waiting = [tip]
        while waiting:
            number = waiting.pop()
            if not seen[number]:
                seen[number] = 1
                yield number
                waiting += self.parents[number]


@dataclass(frozen=True)
class Release:
    """A point in history that a service was released at. ``made_at``: in seconds since 1970, None
    where nobody wrote it down (a lightweight tag, a commit on a branch) and it is the commit's."""

    name: str
    commit: Number
    made_at: int | None = None


@dataclass(frozen=True)
class Shipped:
    """What a release brought. ``previous``: the release it is counted from."""

    release: Release
    previous: Release | None
    commits: tuple[Number, ...]
    is_rollback: bool = False
    is_complete: bool = True


def ship_line(graph: Graph, tip: Number) -> Iterator[Shipped]:
    """Every first-parent step of a branch as a release, named by its commit."""
    chain = graph.mainline(tip)
    groups: dict[int, list[Number]] = {}
    for commit, position in enumerate(graph.positions(chain)):
        if position:
            groups.setdefault(position, []).append(commit)
    previous = None
    for position, step in enumerate(chain, start=1):
        release = Release(graph.shas[step], step)
        commits = tuple(groups[position])
        yield Shipped(
            release, previous, commits, is_complete=graph.boundary.isdisjoint(commits)
        )  # fmt: skip
        previous = release


def ship(graph: Graph, releases: Iterable[Release]) -> Iterator[Shipped]:
    """What each release brought, in the order they were made.

    A release brings what it reaches and no release made before it on its way down reaches. It is
    counted from the nearest one of those (the latest, where lines meet). What an earlier release
    reached already was brought then: a release on such a commit brings nothing. If the latest of
    the releases on its line before it stands on a later commit, it steps back.
    """
    order = _Order(graph)
    earlier: dict[Number, list[Release]] = {}
    reached = bytearray(len(graph))
    for release in sorted(releases, key=order.key):
        if reached[release.commit]:
            yield _again(graph, order, release, earlier)
        else:
            commits, met = graph.between([release.commit], [], earlier)
            before = [earlier[commit][-1] for commit in met]
            yield Shipped(
                release,
                max(before, key=order.key, default=None),
                tuple(commits),
                is_complete=graph.boundary.isdisjoint(commits),
            )
            for _ in graph.down(release.commit, reached):
                pass
        earlier.setdefault(release.commit, []).append(release)


def _again(
    graph: Graph, order: "_Order", release: Release, earlier: dict[Number, list[Release]]
) -> Shipped:
    """A release on a commit that an earlier release reached."""
    above = order.descendants(release.commit)
    below = graph.ancestors(release.commit)
    on_line = [r for c, made in earlier.items() if c in above or c in below for r in made]
    latest = max(on_line, key=order.key)
    if latest.commit != release.commit and latest.commit in above:
        return Shipped(release, latest, (), is_rollback=True)
    reaching = [r for r in on_line if r.commit in above]
    return Shipped(release, max(reaching, key=order.key), ())


class _Order:
    """When releases were made, so that a clock that went wrong does not turn history round: no
    commit is younger than one it builds on, and a tag is no older than its commit."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._time: list[int] = []
        self._depth: list[int] = []
        self._children: list[list[Number]] | None = None
        for commit, parents in enumerate(graph.parents):
            times = [graph.committed_at[commit], *(self._time[p] for p in parents)]
            self._time.append(max(times))
            self._depth.append(max((self._depth[p] for p in parents), default=0) + 1)

    def key(self, release: Release) -> tuple[int, int, int, str]:
        commit = release.commit
        made_at = max(self._time[commit], release.made_at or 0)
        return made_at, self._depth[commit], release.made_at or 0, release.name

    def descendants(self, commit: Number) -> set[Number]:
        """All that reach ``commit``, itself included."""
        if self._children is None:
            self._children = [[] for _ in self._graph.parents]
            for child, parents in enumerate(self._graph.parents):
                for parent in parents:
                    self._children[parent].append(child)
        found, waiting = {commit}, [commit]
        while waiting:
            fresh = set(self._children[waiting.pop()]) - found
            found |= fresh
            waiting += fresh
        return found
