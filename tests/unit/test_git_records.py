"""Messages, kinds of files and the graph, without git."""

import random
from itertools import pairwise

import pytest

from orchestration.systems.git.history import Graph, Release, Shipped, ship, ship_line
from orchestration.systems.git.records import NOTHING, load_file_kinds, read_message

SHA = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("text", "parents", "number", "branch"),
    [
        ("Merge pull request #12 from jane/hotfix/login\n\nLog in", 2, 12, "hotfix/login"),
        ("Merge pull request #12 in PRJ/repo from feature/x to main", 2, 12, "feature/x"),
        ("Merge pull request 'Log in' (#12) from feature/x into main", 2, 12, "feature/x"),
        ("Merge branch 'x' into 'main'\n\nLog in\n\nSee merge request group/proj!12", 2, 12, "x"),
        ("Merge branch 'x'\n\nSee merge request !12\n", 2, 12, "x"),
        ("Merged in feature/x (pull request #12)\n\nLog in", 2, 12, "feature/x"),
        ("Merged in feature/x (pull request #12)\n\nLog in", 1, 12, "feature/x"),
        ("Merged PR 12: Log in", 1, 12, ""),
        ("Log in (#12)", 1, 12, ""),
        ("Log in (#12)\n\n* one\n* two (#11)", 1, 12, ""),
        ("Log in (#12)\nand out", 1, 12, ""),
        ("A title that an editor\nwrapped (#12)\n\nbody", 1, 12, ""),
        # A forge that puts the title on the merge commit.
        ("Log in (#12)", 2, 12, ""),
        ("Merge branch 'x' into 'main'", 2, None, "x"),
        ("Merge remote-tracking branch 'origin/x'", 2, None, "x"),
        ("Merge branch 'x' of github.com:a/b", 2, None, "x"),
    ],
)  # fmt: skip
def test_message_of_a_change(text: str, parents: int, number: int | None, branch: str) -> None:
    message = read_message(text, parents)
    assert (message.number, message.branch) == (number, branch)


@pytest.mark.parametrize(
    ("text", "parents"),
    [
        ("Log in", 1),
        ("Log in (#12) again", 1),
        ("Fixes #12", 1),
        # Told by a commit that merges nothing: cherry-picked, or rebased.
        ("Merge pull request #12 from jane/x", 1),
        ("Merge branch 'x'", 1),
        ("", 0),
        ("Merge tag 'v1'", 2),
    ],
)
def test_message_of_no_change(text: str, parents: int) -> None:
    assert read_message(text, parents) is NOTHING


@pytest.mark.parametrize(
    ("text", "into"),
    [
        ("Merge branch 'x' into 'main'", "main"),
        ("Merge branch 'x' into main", "main"),
        ("Merge branch 'x' of host:a/b into main", "main"),
        ("Merge branches 'x' and 'y' into main", "main"),
        ("Merge branch 'x'", ""),
    ],
)
def test_merge_says_into_what(text: str, into: str) -> None:
    assert read_message(text, 2).into == into


def test_reverts_are_told_by_title_hash_and_number() -> None:
    told = read_message(f'Revert "Log in (#12)" (#15)\n\nThis reverts commit {SHA}.', 1)
    assert told.is_revert
    assert told.number == 15
    assert told.reverted_shas == (SHA,)
    assert told.reverted_numbers == (12,)
    # 16 takes back 15, which took back 12.
    again = read_message('Revert "Revert "Log in (#12)" (#15)" (#16)', 1)
    assert again.reverted_numbers == (15,)
    assert read_message('Revert "x"\n\nReverts acme/app#12', 1).reverted_numbers == (12,)
    merged = read_message('Merge pull request #13 from a/revert-12\n\nRevert "Log in"', 2)
    assert merged.is_revert
    assert not read_message("Log in\n\nWe had to revert this once", 1).is_revert


@pytest.mark.parametrize(
    ("text", "parents", "told"),
    [
        ("fix(api)!: Mend x (#3)", 1, "fix"),
        ("Mend x (#3)\n\n* fix: y", 1, None),
        ("fix: pushed, so no change", 1, None),
        ("Merge pull request #1 from a/b\n\nfeat: Log in\n\ndocs: z", 2, "feat"),
        ("Merge pull request 'ci: Faster' (#5) from b into main\n\nfix: z", 2, "ci"),
        ("Merge branch 'x' into 'main'\n\nperf: y\n\nSee merge request g/p!7", 2, "perf"),
        ("Merged in x (pull request #9)\n\nChore: z", 2, "chore"),
        ("Merged PR 4: docs: z", 1, "docs"),
        ("Merge branch 'feat/x'", 2, None),
    ],
)
def test_a_change_has_the_type_that_its_title_says(
    text: str, parents: int, told: str | None
) -> None:
    assert read_message(text, parents).title_type == told


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("src/app.py", "production"),
        ("Makefile", "production"),
        ("src/contest.py", "production"),
        ("src/latest.cs", "production"),
        ("src/history.py", "production"),
        ("requirements.txt", "production"),
        ("distribution/x.py", "production"),
        ("tests/test_app.py", "test"),
        ("src/test_app.py", "test"),
        ("pkg/app_test.go", "test"),
        ("web/app.spec.ts", "test"),
        ("web/__tests__/app.js", "test"),
        ("src/test/java/A.java", "test"),
        ("src/AppTest.java", "test"),
        ("tests/README.md", "test"),
        ("docs/guide/index.html", "docs"),
        ("README.md", "docs"),
        ("LICENSE", "docs"),
        ("CHANGELOG.txt", "docs"),
        ("package-lock.json", "generated"),
        ("pnpm-lock.yaml", "generated"),
        ("web/yarn.lock", "generated"),
        ("Cargo.lock", "generated"),
        ("go.sum", "generated"),
        ("web/app.min.js", "generated"),
        ("dist/app.js", "generated"),
        ("web/__snapshots__/a.test.ts.snap", "generated"),
        ("api/user.pb.go", "generated"),
        ("api/user_pb2.py", "generated"),
        ("vendor/github.com/x/y.go", "vendored"),
        ("web/node_modules/x/dist/index.js", "vendored"),
        ("third_party/x/test/y.c", "vendored"),
        ("odd\nname\t.py", "production"),
    ],
)
def test_kind_of_file(path: str, kind: str) -> None:
    assert load_file_kinds().kind(path) == kind


def graph(*commits: tuple[str, str], times: dict[str, int] | None = None) -> Graph:
    """Commits as (name, names of its parents), one second apart unless ``times`` says else."""
    made = Graph()
    for number, (name, parents) in enumerate(commits):
        made.add(name, parents.split(), (times or {}).get(name, number))
    return made


def shipped(made: Graph, *releases: tuple[str, str, int | None]) -> dict[str, Shipped]:
    """What each release (name, commit, time) brought, by name."""
    asked = [Release(name, made.numbers[commit], at) for name, commit, at in releases]
    return {found.release.name: found for found in ship(made, asked)}


def names(made: Graph, found: Shipped) -> str:
    return "".join(sorted(made.shas[number] for number in found.commits))


def before(found: Shipped) -> str | None:
    return found.previous.name if found.previous else None


def test_release_ships_what_the_one_before_does_not_reach() -> None:
    line = graph(("a", ""), ("b", "a"), ("c", "b"), ("d", "c"))
    found = shipped(line, ("v1", "b", None), ("v2", "d", None))
    assert names(line, found["v1"]) == "ab"
    assert before(found["v1"]) is None
    assert names(line, found["v2"]) == "cd"
    assert before(found["v2"]) == "v1"


def test_second_tag_on_a_commit_ships_nothing_and_steps_nowhere() -> None:
    line = graph(("a", ""), ("b", "a"))
    found = shipped(line, ("v1", "b", 10), ("v1-again", "b", 20))
    assert names(line, found["v1"]) == "ab"
    again = found["v1-again"]
    assert (again.commits, before(again), again.is_rollback) == ((), "v1", False)


def test_release_on_an_earlier_commit_steps_back() -> None:
    line = graph(("a", ""), ("b", "a"), ("c", "b"), ("d", "c"))
    found = shipped(
        line, ("v1", "a", 10), ("v2", "c", 20), ("back", "b", 30), ("again", "c", 40),
        ("v3", "d", 50),
    )  # fmt: skip
    back = found["back"]
    assert (back.commits, before(back), back.is_rollback) == ((), "v2", True)
    # Going forward to c again ships what v2 shipped already: nothing.
    again = found["again"]
    assert (again.commits, before(again), again.is_rollback) == ((), "v2", False)
    assert names(line, found["v3"]) == "d"
    assert before(found["v3"]) == "again"


def test_patch_on_an_older_line_does_not_step_back() -> None:
    # a - b - c - d   the main line, v1 at a, v2 at d
    #  \- x - y       the line of version 1, v1.1 at y
    lines = graph(("a", ""), ("b", "a"), ("c", "b"), ("d", "c"), ("x", "a"), ("y", "x"))
    found = shipped(lines, ("v1", "a", 10), ("v2", "d", 20), ("v1.1", "y", 30))
    assert names(lines, found["v2"]) == "bcd"
    assert names(lines, found["v1.1"]) == "xy"
    assert before(found["v1.1"]) == "v1"
    assert not found["v1.1"].is_rollback


def test_release_of_two_lines_counts_from_the_latest() -> None:
    # v1 at a; two lines, v2 at b and v3 at c, meet in m.
    lines = graph(("a", ""), ("b", "a"), ("c", "a"), ("m", "b c"))
    found = shipped(lines, ("v1", "a", 1), ("v2", "b", 2), ("v3", "c", 3), ("v4", "m", 4))
    assert names(lines, found["v4"]) == "m"
    assert before(found["v4"]) == "v3"


def test_wrong_clock_turns_no_release_round() -> None:
    # b was committed by a clock a day ahead: v1 (on b) seems made after v2 (on c).
    line = graph(("a", ""), ("b", "a"), ("c", "b"), times={"a": 0, "b": 86_400, "c": 10})
    found = shipped(line, ("v1", "b", None), ("v2", "c", None))
    assert names(line, found["v2"]) == "c"
    assert not found["v1"].is_rollback
    assert not found["v2"].is_rollback


def test_every_step_of_a_branch_ships_what_it_brought() -> None:
    # a - b --- m - c   with x, y merged by m
    made = graph(("a", ""), ("b", "a"), ("x", "a"), ("y", "x"), ("m", "b y"), ("c", "m"))
    found = list(ship_line(made, made.numbers["c"]))
    assert [(f.release.name, names(made, f), before(f)) for f in found] == [
        ("a", "a", None),
        ("b", "b", "a"),
        ("m", "mxy", "b"),
        ("c", "c", "m"),
    ]


def test_range_that_reaches_the_boundary_is_not_complete() -> None:
    line = graph(("b", ""), ("c", "b"), ("d", "c"))
    line.boundary.add(0)
    found = shipped(line, ("v1", "c", None), ("v2", "d", None))
    assert not found["v1"].is_complete
    assert found["v2"].is_complete
    assert [f.is_complete for f in ship_line(line, 2)] == [False, True, True]


def reachable(made: Graph, tip: int) -> set[int]:
    """The slow way, to compare with."""
    found: set[int] = set()
    waiting = [tip]
    while waiting:
        number = waiting.pop()
        if number not in found:
            found.add(number)
            waiting += made.parents[number]
    return found


@pytest.mark.parametrize("seed", range(60))
def test_random_graphs_agree_with_the_definitions(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  (a test's world)
    made = Graph()
    for number in range(chance.randint(1, 40)):
        count = min(number, chance.choice([0, 1, 1, 1, 1, 2, 2, 3]))
        parents = chance.sample(range(max(0, number - 6), number), min(count, 6))
        made.add(str(number), [str(p) for p in parents], chance.randint(0, 30))
    reach = [reachable(made, n) for n in range(len(made))]

    some = [chance.randrange(len(made)) for _ in range(4)]
    inside, _ = made.between(some[:2], some[2:])
    assert set(inside) == (reach[some[0]] | reach[some[1]]) - reach[some[2]] - reach[some[3]]

    chain = made.mainline(len(made) - 1)
    assert all(made.parents[child][0] == parent for parent, child in pairwise(chain))
    for commit, position in enumerate(made.positions(chain)):
        steps = [i for i, step in enumerate(chain, start=1) if commit in reach[step]]
        assert position == min(steps, default=0)

    asked = [
        Release(f"v{i}", chance.randrange(len(made)), chance.choice([None, chance.randint(0, 60)]))
        for i in range(chance.randint(1, 8))
    ]
    done: list[Shipped] = []
    for found in ship(made, asked):
        commit = found.release.commit
        earlier = [other.release for other in done]
        below = [r for r in earlier if r.commit in reach[commit] and r.commit != commit]
        above = [r for r in earlier if commit in reach[r.commit]]
        if above:
            # Brought before; always told as the range from a release that reaches it: empty.
            assert found.commits == ()
            assert found.previous in above
            latest = [r for r in earlier if r in above or r in below][-1]
            assert found.is_rollback == (latest in above and latest.commit != commit)
        else:
            shipped_before = set().union(*(reach[r.commit] for r in below))
            assert set(found.commits) == reach[commit] - shipped_before
            nearest = [
                r for r in below
                if not any(r.commit in reach[o.commit] and r.commit != o.commit for o in below)
            ]  # fmt: skip
            assert found.previous == (nearest[-1] if nearest else None)
            assert not found.is_rollback
        done.append(found)
    assert {d.release for d in done} == set(asked)
