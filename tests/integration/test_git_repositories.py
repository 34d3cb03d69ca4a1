"""Real repositories, made here, read into a lake; git itself is the oracle."""

import os
import random
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from pydantic import ValidationError

from orchestration.extraction import alone
from orchestration.identity import Identity
from orchestration.lake import Lake, Outcome
from orchestration.settings import SALT
from orchestration.systems.git import STREAMS, Deployments, GitSettings, Repository, check, extract

EPOCH = 1_700_000_000  # 2023-11-14 22:13:20 UTC
START = datetime(2023, 11, 14, 22, 13, 20)  # noqa: DTZ001  (as the lake has it)
JANE = ("Jane Doe", "jane@example.com")
GIT = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "PATH": os.defpath}

Rows = dict[str, list[dict[str, Any]]]


@dataclass
class World:
    """A repository that a test writes, and a lake that reads it."""

    path: Path
    lake: Lake
    clock: int = EPOCH

    def git(self, *arguments: str, data: str = "", **environment: str) -> str:
        """What git answers."""
        done = subprocess.run(
            ["git", "-C", self.path, *arguments],
            input=data.encode(), capture_output=True, check=True, env={**GIT, **environment},
        )  # fmt: skip
        return done.stdout.decode("utf-8", "replace").rstrip("\n")

    def commit(
        self,
        message: str,
        files: dict[str, str | bytes | None] | None = None,
        parents: Sequence[str] | None = None,
        branch: str = "main",
        author: tuple[str, str] = JANE,
        committer: tuple[str, str] = JANE,
        at: int | None = None,
        authored_at: int | None = None,
    ) -> str:
        """Commits on a branch, a minute after the last one; its hash. ``parents``: else the
        branch's last commit. A file that is None goes."""
        self.clock = at if at is not None else self.clock + 60
        authored = self.clock if authored_at is None else authored_at
        if parents is None:
            last = self.git("rev-parse", "-q", "--verify", branch) if self.has(branch) else ""
            parents = [last] if last else []
        stream = b"reset refs/heads/%s\n" % branch.encode() if not parents else b""
        stream += b"commit refs/heads/%s\n" % branch.encode()
        stream += f"author {author[0]} <{author[1]}> {authored} +0200\n".encode()
        stream += f"committer {committer[0]} <{committer[1]}> {self.clock} +0000\n".encode()
        text = message.encode()
        stream += b"data %d\n%s\n" % (len(text), text)
        for word, parent in zip(["from", *["merge"] * len(parents)], parents, strict=False):
            stream += f"{word} {parent}\n".encode()
        for path, content in (files or {}).items():
            quoted = '"' + path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
            if content is None:
                stream += f"D {quoted}\n".encode()
            else:
                blob = content if isinstance(content, bytes) else content.encode()
                stream += f"M 100644 inline {quoted}\n".encode()
                stream += b"data %d\n%s\n" % (len(blob), blob)
        subprocess.run(
            ["git", "-C", self.path, "fast-import", "--quiet", "--force"],
            input=stream, check=True, env=GIT,
        )  # fmt: skip
        return self.git("rev-parse", branch)

    def has(self, name: str) -> bool:
        """Whether a ref is there."""
        return bool(self.git("for-each-ref", f"refs/heads/{name}"))

    def tag(self, name: str, target: str, at: int | None = None) -> None:
        """A lightweight tag, or with a time an annotated one."""
        if at is None:
            self.git("tag", "-f", name, target)
        else:
            self.git(
                "tag", "-f", "-a", "-m", "x", name, target, GIT_COMMITTER_NAME="T",
                GIT_COMMITTER_EMAIL="t@example.com", GIT_COMMITTER_DATE=f"{at} +0000",
            )  # fmt: skip

    def read(self, *entries: Repository, full_refresh: bool = False) -> list[Outcome]:
        """Reads the repository, or what is given."""
        settings = GitSettings(repositories=[*entries] or [Repository(path=self.path, name="app")])
        self.lake.ensure(STREAMS)
        return [*extract(self.lake, Identity("salt"), settings, full_refresh=full_refresh)]

    def rows(self, name: str = "app") -> Rows:
        """What the lake has now, by stream, in the order of the keys."""
        found = {}
        for stream in STREAMS:
            rows = self.lake.current(stream, name).to_pylist()
            found[stream.name] = sorted(rows, key=lambda r: str([r[k] for k in stream.key]))  # noqa: B023
        return found

    def fresh(self, home: Path, *entries: Repository) -> Rows:
        """What a first reading gives."""
        other = World(self.path, Lake(home))  # its lake is empty
        other.read(*entries)
        return other.rows()


@pytest.fixture
def world(tmp_path: Path) -> World:
    """An empty repository, bare, and an empty lake."""
    path = tmp_path / "app.git"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", path], check=True, env=GIT)
    return World(path, Lake(tmp_path / "home"))


def by(rows: list[dict[str, Any]], key: str) -> dict[Any, dict[str, Any]]:
    """Rows by one column."""
    return {row[key]: row for row in rows}


def shipped(rows: Rows) -> dict[str, set[str]]:
    """The commits of each release."""
    found: dict[str, set[str]] = {row["release"]: set() for row in rows["deployments"]}
    for row in rows["deployment_commits"]:
        found[row["release"]].add(row["commit_sha"])
    return found


def brought(rows: Rows) -> dict[str, set[str]]:
    """The commits of each change."""
    found: dict[str, set[str]] = {row["merge_commit_sha"]: set() for row in rows["pull_requests"]}
    for row in rows["pull_request_commits"]:
        found[row["merge_commit_sha"]].add(row["commit_sha"])
    return found


def test_commits_carry_their_times_lines_and_kinds(world: World) -> None:
    root = world.commit(
        "one", {"src/a.py": "1\n2\n3\n", "tests/test_a.py": "1\n", "logo.png": b"\0\1"},
        authored_at=EPOCH,
    )  # fmt: skip
    second = world.commit(
        "two", {"src/a.py": "1\n2\n4\n5\n", "README.md": "x\n", "yarn.lock": "y\n"}
    )
    renamed = world.commit("three", {"src/a.py": None, "src/b.py": "1\n2\n4\n5\n6\n"})
    world.tag("v1", renamed)
    assert [o.status for o in world.read()] == ["landed"]
    rows = world.rows()
    commits = by(rows["commits"], "commit_sha")
    # Three files: 3 + 1 lines, and a binary one without lines.
    first = commits[root]
    assert (first["additions"], first["deletions"], first["changed_file_count"]) == (4, 0, 3)
    assert first["authored_at"] == START
    assert first["committed_at"] == START.replace(minute=14)
    # a.py: 3 went, 4 and 5 came; README 1; yarn.lock 1.
    found = commits[second]
    assert (found["additions"], found["deletions"], found["changed_file_count"]) == (4, 1, 3)
    # A rename with one more line.
    found = commits[renamed]
    assert (found["additions"], found["deletions"], found["changed_file_count"]) == (1, 0, 1)
    kinds = {
        row["file_kind"]: (row["additions"], row["deletions"], row["changed_file_count"])
        for row in rows["commit_file_kinds"]
        if row["commit_sha"] == second
    }
    assert kinds == {"production": (2, 1, 1), "docs": (1, 0, 1), "generated": (1, 0, 1)}


def test_nothing_that_people_wrote_reaches_the_lake(world: World, tmp_path: Path) -> None:
    world.commit(
        "SECRETTITLE\n\nSECRETBODY\n\nCo-Authored-By: Claude <noreply@anthropic.com>",
        {"SECRETPATH.py": "x\n"},
        author=("Jane Secretname", "jane@secrethost.example"),
    )
    world.read()
    for path in (tmp_path / "home").rglob("*.parquet"):
        text = str(pq.read_table(path).to_pylist()).lower()
        assert "secret" not in text
        assert "anthropic.com" not in text
    assert world.rows()["commit_ai_evidence"][0]["rule_id"] == "trailer_co_author_claude"


def test_people_are_told_apart_by_mailmap_and_bots_by_name(world: World) -> None:
    world.commit("map", {".mailmap": "Jane Doe <jane@example.com> <jd@old.example>\n"})
    old = world.commit("old", {"a": "1\n"}, author=("JD", "jd@old.example"))
    bot = world.commit(
        "bump", {"a": "2\n"},
        author=("dependabot[bot]", "49699333+dependabot[bot]@users.noreply.github.com"),
    )  # fmt: skip
    world.read()
    commits = by(world.rows()["commits"], "commit_sha")
    assert commits[old]["author_id"] == Identity("salt").person("jane@example.com", "git")
    assert [commits[sha]["author_is_bot"] for sha in (old, bot)] == [False, True]


def test_mainline_counts_first_parent_steps(world: World) -> None:
    a = world.commit("a", {"a": "1\n"})
    x = world.commit("x", {"x": "1\n"}, [a], branch="topic")
    y = world.commit("y", {"y": "1\n"}, [x], branch="topic")
    b = world.commit("b", {"b": "1\n"})
    m = world.commit("Merge branch 'topic'", {"x": "1\n", "y": "1\n"}, [b, y])
    aside = world.commit("aside", {"z": "1\n"}, [a], branch="other")
    world.read()
    commits = by(world.rows()["commits"], "commit_sha")
    told = {s: (commits[s]["mainline_position"], commits[s]["is_mainline"]) for s in commits}
    assert told == {
        a: (1, True), b: (2, True), x: (3, False), y: (3, False), m: (3, True),
        aside: (None, False),
    }  # fmt: skip
    merge = commits[m]
    assert (merge["parent_count"], merge["additions"], merge["changed_file_count"]) == (2, 0, 0)


def test_merged_changes_of_every_forge(world: World) -> None:
    root = world.commit("root", {"src/a.py": "1\n", "tests/test_a.py": "1\n"})
    first = world.commit(
        "x1", {"src/a.py": "1\n2\n"}, [root], "topic", ("Ann", "ann@example.com"),
        authored_at=EPOCH - 500,
    )  # fmt: skip
    last = world.commit("x2", {"tests/test_a.py": "1\n2\n3\n"}, [first], "topic")
    github = world.commit(
        "Merge pull request #1 from jane/hotfix/x\n\nMend x",
        {"src/a.py": "1\n2\n", "tests/test_a.py": "1\n2\n3\n"}, [root, last],
    )  # fmt: skip
    squash = world.commit("Log in (#2)\n\n* a\n* b (#1)", {"src/b.py": "1\n"})
    side = world.commit("y", {"c": "1\n"}, [squash], "topic2")
    gitlab = world.commit(
        "Merge branch 'topic2' into 'main'\n\nY\n\nSee merge request g/p!3", {"c": "1\n"},
        [squash, side],
    )  # fmt: skip
    side = world.commit("z", {"d": "1\n"}, [gitlab], "codex/z")
    plain = world.commit("Merge branch 'codex/z'", {"d": "1\n"}, [gitlab, side])
    world.commit("just a commit", {"e": "1\n"})
    world.read()
    rows = world.rows()
    changes = by(rows["pull_requests"], "merge_commit_sha")
    assert {s: (c["number"], c["merge_method"]) for s, c in changes.items()} == {
        github: (1, "merge"), squash: (2, "squash"), gitlab: (3, "merge"), plain: (None, "merge"),
    }  # fmt: skip
    change = changes[github]
    # x1 adds a line of production, x2 two of tests.
    assert (change["additions"], change["deletions"], change["changed_file_count"]) == (3, 0, 2)
    assert (change["test_file_count"], change["production_file_count"]) == (1, 1)
    assert change["author_id"] == Identity("salt").person("ann@example.com", "git")
    assert change["first_commit_at"].timestamp() - START.timestamp() == -500
    assert change["is_hotfix"]
    assert not changes[plain]["is_hotfix"]
    assert brought(rows)[github] == {first, last}
    assert brought(rows)[squash] == {squash}
    evidence = {(r["commit_sha"], r["rule_id"]) for r in rows["commit_ai_evidence"]}
    assert evidence == {(plain, "branch_codex")}


def test_merge_that_only_updates_a_branch_is_no_change(world: World) -> None:
    a = world.commit("a", {"a": "1\n"})
    x = world.commit("x", {"x": "1\n"}, [a], "topic")
    b = world.commit("b", {"b": "1\n"})
    update = world.commit("Merge branch 'main' into topic", {"b": "1\n"}, [x, b], "topic")
    inner = world.commit("i", {"i": "1\n"}, [update], "inner")
    nested = world.commit("Merge branch 'inner' into topic", {"i": "1\n"}, [update, inner], "topic")
    # The topic's line becomes main's by a fast-forward: the update is now a first-parent step.
    world.git("update-ref", "refs/heads/main", nested)
    for number, text in enumerate(
        ["Merge branch 'main' of host:a/b", "Merge remote-tracking branch 'origin/main'"]
    ):
        tip = world.git("rev-parse", "main")
        other = world.commit("o", {f"o{number}": "1\n"}, [tip], "other")
        world.commit(text, {f"o{number}": "1\n"}, [tip, other])
    world.read()
    assert world.rows()["pull_requests"] == []


def test_nested_and_repeated_changes(world: World) -> None:
    a = world.commit("a", {"a": "1\n"})
    x = world.commit("x", {"x": "1\n"}, [a], "topic")
    deep = world.commit("deep", {"deep": "1\n"}, [x], "deep")
    inner = world.commit(
        "Merge pull request #5 from a/deep", {"deep": "1\n"}, [x, deep], "topic"
    )  # fmt: skip
    b = world.commit("b", {"b": "1\n"})
    outer = world.commit(
        "Merge pull request #6 from a/topic", {"x": "1\n", "deep": "1\n"}, [b, inner]
    )
    # The same number again, later: a cherry-pick, or a second landing.
    world.commit("again (#5)", {"again": "1\n"})
    # And one that the main line does not reach.
    world.commit("elsewhere (#7)", {"e": "1\n"}, [a], "elsewhere")
    world.read()
    changes = brought(world.rows())
    assert changes == {inner: {deep}, outer: {x, deep, inner}}
    for merge, commits in changes.items():
        listed = world.git("rev-list", merge, f"^{merge}^1").split()
        assert commits == {*listed} - {merge}


def test_reverts_are_resolved_to_commits(world: World) -> None:
    a = world.commit("Log in (#1)", {"a": "1\n"})
    b = world.commit("b", {"b": "1\n"})
    whole = world.commit(f'Revert "b"\n\nThis reverts commit {b}.', {"b": None})
    short = world.commit(f"Put b back\n\nThis reverts commit {whole[:9]}.", {"b": "1\n"})
    named = world.commit('Revert "Log in (#1)" (#2)\n\nReverts acme/app#1', {"a": None})
    # A squashed branch that took something of its own back reverts nothing of ours.
    own = world.commit(f"Feature (#3)\n\n* x\n\nThis reverts commit {'9' * 40}.", {"c": "1\n"})
    backed_out = world.commit(f"Back out (#4)\n\nThis reverts commit {short}.", {"b": None})
    world.read()
    rows = world.rows()
    reverted = {r["commit_sha"]: r["reverted_commit_shas"] for r in rows["commits"]}
    assert reverted == {
        a: None, b: None, whole: b, short: whole, named: a, own: None, backed_out: short,
    }  # fmt: skip
    is_revert = {r["number"]: r["is_revert"] for r in rows["pull_requests"]}
    assert is_revert == {1: False, 2: True, 3: False, 4: True}


def test_notes_are_evidence_and_their_commits_are_no_history(world: World) -> None:
    a = world.commit("a", {"a": "1\n"})
    b = world.commit("b", {"b": "1\n"})
    c = world.commit("c", {"c": "1\n"})
    who = {"GIT_AUTHOR_NAME": "x", "GIT_AUTHOR_EMAIL": "x@example.com",
           "GIT_COMMITTER_NAME": "x", "GIT_COMMITTER_EMAIL": "x@example.com"}  # fmt: skip
    ai = 'f\n  p 1\n---\n{"schema_version": "authorship/3.0.0", "prompts": {"p": {}}}'
    none = '---\n{"schema_version": "authorship/3.0.0", "prompts": {}}'
    world.git("notes", "--ref=ai", "add", "-m", ai, a, **who)
    world.git("notes", "--ref=ai", "add", "-m", none, b, **who)
    world.git("notes", "--ref=authorship", "add", "-m", "by a model", c, **who)
    world.git("update-ref", "refs/ai/authorship", world.git("rev-parse", "refs/notes/authorship"))
    for hidden in ("refs/pull/1/head", "refs/stash", "refs/notes/commits"):
        tree = world.git("rev-parse", "main^{tree}")
        loose = world.git("commit-tree", "-m", hidden, tree, **who)
        world.git("update-ref", hidden, loose)
    world.read()
    rows = world.rows()
    assert {r["commit_sha"] for r in rows["commits"]} == {a, b, c}
    found = {(r["commit_sha"], r["rule_id"]) for r in rows["commit_ai_evidence"]}
    assert found == {(a, "note_git_ai"), (c, "note_git_ai")}


def test_tags_are_deployments_with_exactly_their_commits(world: World) -> None:
    shas = [world.commit(f"c{i}", {"a": f"{i}\n"}) for i in range(6)]
    world.tag("v1", shas[1])
    world.tag("v2", shas[4], at=EPOCH + 5000)
    world.tag("v2-again", shas[4], at=EPOCH + 6000)
    world.tag("v1.5", shas[2], at=EPOCH + 7000)
    world.tag("other", shas[3])
    world.read()
    rows = world.rows()
    told = {
        r["release"]: (r["previous_release"], r["is_rollback"], r["commit_sha"])
        for r in rows["deployments"]
    }
    assert told == {
        "v1": (None, False, shas[1]),
        "v2": ("v1", False, shas[4]),
        "v2-again": ("v2", False, shas[4]),
        "v1.5": ("v2-again", True, shas[2]),
    }
    assert shipped(rows) == {
        "v1": {*shas[:2]}, "v2": {*shas[2:5]}, "v2-again": set(), "v1.5": set()
    }  # fmt: skip
    times = {r["release"]: r["finished_at"] for r in rows["deployments"]}
    assert (times["v2"] - START).total_seconds() == 5000
    assert (times["v1"] - START).total_seconds() == 120  # its commit's: two minutes in
    deployment = by(rows["deployments"], "release")["v1"]
    assert (deployment["service_id"], deployment["environment"]) == ("app", "production")
    assert deployment["is_complete"]
    assert rows["repositories"][0]["tag_count"] == 4


def test_tags_on_trees_and_blobs_and_tags_on_tags(world: World) -> None:
    a = world.commit("a", {"a": "1\n"})
    world.tag("v0-tree", world.git("rev-parse", "main^{tree}"))
    world.tag("v0-blob", world.git("rev-parse", "main:a"), at=EPOCH)
    world.tag("v1", a, at=EPOCH + 100)
    world.tag("v1-nested", "v1", at=EPOCH + 200)
    (outcome,) = world.read()
    assert outcome.status == "warning"
    assert "tags that name no commit are passed over: 2" in outcome.message
    told = {r["release"]: r["commit_sha"] for r in world.rows()["deployments"]}
    assert told == {"v1": a, "v1-nested": a}


def test_pattern_without_a_tag_is_a_warning_that_names_some(world: World) -> None:
    a = world.commit("a", {"a": "1\n"})
    (outcome,) = world.read()
    assert outcome.status == "warning"
    assert "no tag matches v*: it has none" in outcome.message
    world.tag("release-1", a)
    (outcome,) = world.read()
    assert "no tag matches v*: it has release-1" in outcome.message
    assert "\n" not in outcome.message


def test_branch_is_deployed_commit_by_commit(world: World) -> None:
    a = world.commit("a", {"a": "1\n"})
    x = world.commit("x", {"x": "1\n"}, [a], "topic")
    b = world.commit("b", {"b": "1\n"})
    m = world.commit("Merge branch 'topic'", {"x": "1\n"}, [b, x])
    world.read(
        Repository(
            path=world.path, name="app",
            deployments=Deployments(branch="main", environment="staging"),
        )
    )  # fmt: skip
    rows = world.rows()
    assert shipped(rows) == {a: {a}, b: {b}, m: {m, x}}
    told = {r["release"]: (r["previous_release"], r["environment"]) for r in rows["deployments"]}
    assert told == {a: (None, "staging"), b: (a, "staging"), m: (b, "staging")}


def test_monorepo_is_read_once_and_released_by_service(world: World) -> None:
    a = world.commit("a", {"a": "1\n"})
    b = world.commit("b", {"b": "1\n"})
    world.tag("api-1", a)
    world.tag("web-1", b)
    outcomes = world.read(
        *(
            Repository(
                path=world.path, name="app", service=s, deployments=Deployments(tags=f"{s}-*")
            )
            for s in ("api", "web")
        ),
        Repository(path=world.path, name="app", service="lib", deployments=None),
    )
    assert [(o.scope, o.status) for o in outcomes] == [("app", "landed")]
    rows = world.rows()
    assert [r["service_id"] for r in rows["services"]] == ["api", "lib", "web"]
    assert {(r["service_id"], r["release"]) for r in rows["deployments"]} == {
        ("api", "api-1"), ("web", "web-1"),
    }  # fmt: skip
    assert shipped(rows) == {"api-1": {a}, "web-1": {a, b}}
    assert len(rows["commits"]) == 2


def test_entries_at_odds_are_refused_and_the_rest_is_read(world: World, tmp_path: Path) -> None:
    world.commit("a", {"a": "1\n"})
    other = tmp_path / "other" / "app.git"
    outcomes = world.read(
        Repository(path=world.path),
        Repository(path=other),
        Repository(path=world.path, name="one", service="shared"),
        Repository(path=world.path, name="two", service="shared"),
    )
    told = {o.scope: (o.status, o.message) for o in outcomes}
    assert told["app"][0] == "failed"
    assert "two paths" in told["app"][1]
    assert told["one"][0] == "warning"  # no tags
    assert told["two"][0] == "failed"
    assert "service shared is listed twice" in told["two"][1]


def test_bad_settings_are_refused() -> None:
    for wrong in (
        {"repositories": []},
        {"repositories": [{"path": "x", "branches": "main"}]},
        {"repositories": [{"path": "x", "deployments": {"tags": "v*", "branch": "main"}}]},
        {"repositories": [{"name": "x"}]},
    ):
        with pytest.raises(ValidationError):
            GitSettings.model_validate(wrong)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda path: None, "is not a folder; correct the path"),
        (lambda path: path.mkdir(), "is not a git repository; give the folder of a clone"),
        (lambda path: path.write_text("x"), "is not a folder; correct the path"),
    ],
)
def test_path_without_a_repository_is_one_clear_line(
    world: World, tmp_path: Path, make: Callable[[Path], None], told: str
) -> None:
    make(tmp_path / "wrong")
    world.commit("a", {"a": "1\n"})
    entries = [Repository(path=tmp_path / "wrong"), Repository(path=world.path, name="app")]
    outcomes = world.read(*entries)
    assert [o.status for o in outcomes] == ["failed", "warning"]
    assert outcomes[0].message == f"{tmp_path / 'wrong'} {told}"
    checked = [*check(GitSettings(repositories=entries))]
    assert [o.status for o in checked] == ["failed", "warning"]


def test_folder_within_a_repository_is_not_taken_for_it(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path / "outer"], check=True, env=GIT)
    (tmp_path / "outer" / "inner").mkdir()
    world = World(tmp_path / "outer" / "inner", Lake(tmp_path / "home"))
    (outcome,) = world.read()
    assert outcome.status == "failed"
    assert "is not a git repository" in outcome.message


def test_repository_of_another_user_is_told_how_to_trust(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    world.commit("a", {"a": "1\n"})
    monkeypatch.setattr(
        "orchestration.systems.git.client.ENVIRONMENT",
        {"LC_ALL": "C", "PATH": os.defpath, "GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"},
    )
    (outcome,) = world.read()
    assert outcome.status == "failed"
    assert f"git config --global --add safe.directory {world.path}" in outcome.message
    assert "\n" not in outcome.message


def test_empty_repository_is_a_warning_and_empties_nothing(world: World, tmp_path: Path) -> None:
    (outcome,) = world.read()
    assert outcome.status == "warning"
    assert "it has no commit yet" in outcome.message
    world.commit("a", {"a": "1\n"})
    world.read()
    before = world.rows()
    world.git("update-ref", "-d", "refs/heads/main")
    (outcome,) = world.read()
    assert outcome.status == "warning"
    assert "what it gave before stays" in outcome.message
    assert world.rows() == before


def test_repository_out_of_the_configuration_is_reported(world: World, tmp_path: Path) -> None:
    world.commit("a", {"a": "1\n"})
    world.read()
    before = world.rows()
    outcomes = world.read(Repository(path=world.path, name="renamed"))
    assert [(o.scope, o.status) for o in outcomes] == [("app", "missing"), ("renamed", "warning")]
    assert world.rows() == before


def test_missing_branch_is_a_warning(world: World) -> None:
    world.tag("v1", world.commit("a (#1)", {"a": "1\n"}))
    (outcome,) = world.read(Repository(path=world.path, name="app", branch="develop"))
    assert outcome.status == "warning"
    assert "branch develop does not exist" in outcome.message
    rows = world.rows()
    assert rows["pull_requests"] == []
    assert rows["commits"][0]["mainline_position"] is None
    assert len(rows["deployments"]) == 1


def test_nothing_new_is_not_read_again(world: World, tmp_path: Path) -> None:
    world.tag("v1", world.commit("a", {"a": "1\n"}))
    assert [o.status for o in world.read()] == ["landed"]
    files = sorted((tmp_path / "home").rglob("*.parquet"))
    assert [o.status for o in world.read()] == ["unchanged"]
    assert sorted((tmp_path / "home").rglob("*.parquet")) == files
    world.git("gc", "-q")
    assert [o.status for o in world.read()] == ["unchanged"]
    # Another salt, or another list of bots, is another picture of the same history.
    settings = GitSettings(repositories=[Repository(path=world.path, name="app")])
    outcomes = [*extract(world.lake, Identity("salt", ["jane*"]), settings)]
    assert [o.status for o in outcomes] == ["landed"]
    assert world.rows()["commits"][0]["author_is_bot"]


def test_rewritten_history_is_what_a_first_reading_gives(world: World, tmp_path: Path) -> None:
    a = world.commit("a", {"a": "1\n"})
    b = world.commit("b (#1)", {"b": "1\n"})
    world.commit("c (#2)", {"c": "1\n"})
    world.tag("v1", b)
    world.tag("v2", "main")
    world.read()
    # Force-pushed: c is gone, d stands instead; one tag moved, one is gone.
    world.commit("d (#3)", {"d": "1\n"}, [b])
    world.tag("v1", a)
    world.git("tag", "-d", "v2")
    world.read()
    assert world.rows() == world.fresh(tmp_path / "fresh1")
    assert {r["number"] for r in world.rows()["pull_requests"]} == {1, 3}
    # The default branch takes another name.
    world.git("branch", "-m", "main", "trunk")
    world.git("symbolic-ref", "HEAD", "refs/heads/trunk")
    world.read()
    assert world.rows() == world.fresh(tmp_path / "fresh2")
    assert world.rows()["repositories"][0]["default_branch"] == "trunk"
    # And back to the root.
    world.git("update-ref", "refs/heads/trunk", a)
    world.read()
    assert world.rows() == world.fresh(tmp_path / "fresh3")
    assert len(world.rows()["commits"]) == 1


@pytest.mark.parametrize("name", ["commits", "commit_file_kinds", "deployment_commits"])
def test_reading_that_was_stopped_between_streams_is_made_good(world: World, name: str) -> None:
    stream = next(stream for stream in STREAMS if stream.name == name)
    for number in range(2):
        world.tag(f"v{number}", world.commit(f"c (#{number})", {"a": f"{number}\n"}))
        world.read()
    whole = world.rows()
    newest = world.lake.newest(stream)["app"]
    newest.path.unlink()
    world.read()
    assert world.rows() == whole
    # A batch that cannot be read is set aside, and what it held is read again.
    oldest = world.lake.batches(stream)[0]
    oldest.path.write_bytes(b"broken")
    world.read()
    assert world.rows() == whole
    assert [o.status for o in world.read()] == ["unchanged"]


def test_lines_are_counted_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[int] = []
    from orchestration.systems.git.client import Clone  # noqa: PLC0415

    original = Clone.file_changes

    def counting(clone: Clone, shas: Sequence[str]) -> Any:
        counted.append(len(shas))
        return original(clone, shas)

    monkeypatch.setattr(Clone, "file_changes", counting)
    for number in range(3):
        world.commit(f"c{number}", {"a": f"{number}\n"})
    world.read()
    world.commit("c3", {"a": "3\n"})
    world.read()
    # An amended message is another commit; what was below it is known.
    world.commit("amended", {"a": "3\n"}, [world.git("rev-parse", "main^")])
    world.read()
    world.read(full_refresh=True)
    assert counted == [3, 1, 1, 4]


def shallow_clone(world: World, tmp_path: Path, depth: int) -> World:
    path = tmp_path / "shallow"
    subprocess.run(
        ["git", "clone", "-q", "--bare", f"--depth={depth}", f"file://{world.path}", path],
        check=True, env=GIT,
    )  # fmt: skip
    return World(path, Lake(tmp_path / "shallow_home"))


def test_shallow_clone_says_what_it_does_not_know(world: World, tmp_path: Path) -> None:
    shas = [world.commit(f"c{i} (#{i})", {"a": f"{i}\n"}) for i in range(6)]
    cut = shallow_clone(world, tmp_path, 3)
    cut.git("tag", "v1", shas[4])
    cut.git("tag", "v2", shas[5])
    (outcome,) = cut.read()
    assert outcome.status == "warning"
    assert "shallow" in outcome.message
    rows = cut.rows()
    commits = by(rows["commits"], "commit_sha")
    assert {s: c["additions"] for s, c in commits.items()} == {
        shas[3]: None, shas[4]: 1, shas[5]: 1,
    }  # fmt: skip
    assert rows["repositories"][0]["is_shallow"]
    assert not rows["repositories"][0]["is_partial"]
    assert rows["repositories"][0]["unreadable_commit_count"] == 1
    complete = {r["release"]: r["is_complete"] for r in rows["deployments"]}
    assert complete == {"v1": False, "v2": True}
    assert by(rows["pull_requests"], "number")[3]["additions"] is None
    assert [o.status for o in cut.read()] == ["unchanged"]
    # The rest arrives, no ref moves.
    subprocess.run(["git", "-C", cut.path, "fetch", "-q", "--unshallow"], check=True, env=GIT)
    assert [o.status for o in cut.read()] == ["landed"]
    assert cut.rows() == cut.fresh(tmp_path / "fresh")
    assert len(cut.rows()["commits"]) == 6


@pytest.mark.parametrize("filtered", ["blob:none", "tree:0"])
def test_clone_without_objects_counts_what_it_has(
    world: World, tmp_path: Path, filtered: str
) -> None:
    for number in range(5):
        files: dict[str, str | bytes | None] = {"a": "1\n" * (number + 1)}
        world.tag(f"v{number}", world.commit(f"c{number} (#{number})", files))
    world.commit("empty", {})
    whole = world.fresh(tmp_path / "whole")
    world.git("config", "uploadpack.allowFilter", "true")
    path = tmp_path / "partial"
    subprocess.run(
        ["git", "clone", "-q", f"--filter={filtered}", f"file://{world.path}", path],
        check=True, env=GIT,
    )  # fmt: skip
    subprocess.run(["git", "-C", path, "remote", "remove", "origin"], check=True, env=GIT)
    partial = World(path, Lake(tmp_path / "partial_home"))
    (outcome,) = partial.read()
    assert outcome.status == "warning"
    rows = partial.rows()
    # Only what is checked out is there: neither side of c4's change can be seen whole, nor any
    # before it. The empty commit needs no blob; without its parent's tree it is unknown too.
    unknown = {r["commit_sha"] for r in rows["commits"] if r["additions"] is None}
    known = {r["commit_sha"] for r in rows["commits"]} - unknown
    tip = world.git("rev-parse", "main")
    assert known == {tip}
    repository = rows["repositories"][0]
    assert (repository["unreadable_commit_count"], repository["is_partial"]) == (5, True)
    assert "lines of 5 commits cannot be counted" in outcome.message
    for name in ("pull_request_commits", "deployments", "deployment_commits"):
        assert rows[name] == whole[name]
    assert all(r["additions"] is None for r in rows["pull_requests"])
    assert [o.status for o in partial.read()] == ["unchanged"]


def test_missing_mailmap_is_told(world: World, tmp_path: Path) -> None:
    world.tag("v1", world.commit("map", {".mailmap": "Jane <j@example.com> <k@example.com>\n"}))
    blob = world.git("rev-parse", "main:.mailmap")
    (world.path / "objects" / blob[:2] / blob[2:]).unlink()
    (outcome,) = world.read()
    assert outcome.status == "warning"
    assert "its .mailmap is missing" in outcome.message
    assert len(world.rows()["commits"]) == 1


def test_lost_objects_are_counted_and_found_again(world: World, tmp_path: Path) -> None:
    shas = [world.commit(f"c{i}", {f"d/{i}": f"{i}\n"}) for i in range(5)]
    world.tag("v1", shas[-1])
    whole = world.fresh(tmp_path / "whole")

    def loose(name: str) -> Path:
        found = world.git("rev-parse", name)
        return world.path / "objects" / found[:2] / found[2:]

    blob, tree = loose(f"{shas[1]}:d/1"), loose(f"{shas[3]}:d")
    kept = {path: path.read_bytes() for path in (blob, tree)}
    for path in kept:
        path.chmod(0o600)
        path.unlink()
    (outcome,) = world.read()
    assert outcome.status == "warning"
    # c1's blob is gone; the tree of c3's folder is needed for c3 and for c4 after it.
    commits = by(world.rows()["commits"], "commit_sha")
    unknown = {sha for sha in shas if commits[sha]["additions"] is None}
    assert unknown == {shas[1], shas[3], shas[4]}
    assert world.rows()["repositories"][0]["unreadable_commit_count"] == 3
    for path, content in kept.items():
        path.write_bytes(content)
    assert [o.status for o in world.read()] == ["landed"]
    assert world.rows() == whole
    # A damaged object is as good as none.
    blob.chmod(0o600)
    blob.write_bytes(b"broken")
    (outcome,) = world.read(full_refresh=True)
    commits = by(world.rows()["commits"], "commit_sha")
    assert {sha for sha in shas if commits[sha]["additions"] is None} == {shas[1]}
    # Without a commit there is no history: one line, and the lake stays as it was.
    before = world.rows()
    loose(shas[2]).unlink()
    world.commit("later", {"x": "1\n"}, [shas[4]])
    (outcome,) = world.read()
    assert outcome.status == "failed"
    assert "git says: fatal" in outcome.message
    assert "\n" not in outcome.message
    assert world.rows() == before


def test_odd_bytes_are_read_like_any_others(world: World) -> None:
    paths = ["tab\tname.py", 'quote".py', "new\nline.py", "ünï.py", " blank .py", ":colon.py"]
    first = world.commit("paths", {path: "1\n" for path in paths})
    moved = world.commit(
        "moved", {"tab\tname.py": None, "tab\tother.py": "1\n", ":colon.py": "1\n2\n"}
    )
    tree = world.git("rev-parse", "main^{tree}")
    raw = (
        b"tree %s\nparent %s\nauthor J\xf6rg <j\xf6rg@example.com> 1700000000 +0000\n"
        b"committer J\xf6rg <x> 99999999999999 +0000\nencoding iso-8859-1\n\n"
        b"caf\xe9 (#7)\n\nx\x01y\n" % (tree.encode(), moved.encode())
    )
    done = subprocess.run(
        ["git", "-C", world.path, "hash-object", "-t", "commit", "-w", "--literally", "--stdin"],
        input=raw, capture_output=True, check=True, env=GIT,
    )  # fmt: skip
    odd = done.stdout.decode().strip()
    world.git("update-ref", "refs/heads/main", odd)
    world.read()
    rows = world.rows()
    commits = by(rows["commits"], "commit_sha")
    assert (commits[first]["additions"], commits[first]["changed_file_count"]) == (6, 6)
    assert (commits[moved]["additions"], commits[moved]["changed_file_count"]) == (1, 2)
    assert commits[odd]["committed_at"] is None  # no calendar has that year
    assert commits[odd]["authored_at"] == START
    assert by(rows["pull_requests"], "number")[7]["merge_commit_sha"] == odd


def test_what_a_clone_configures_is_neither_run_nor_obeyed(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = tmp_path / "clone"
    world.commit("attributes", {".gitattributes": "*.py diff=evil\n*.txt -diff\n", "a.py": "1\n"})
    world.commit("text", {"a.txt": "1\n2\n", "a.py": "1\n2\n"})
    replaced, replacement = world.commit("x", {"x": "1\n"}), world.commit("y", {"y": "1\n2\n"})
    subprocess.run(["git", "clone", "-q", world.path, clone], check=True, env=GIT)
    ran = tmp_path / "ran"
    evil = tmp_path / "evil"
    evil.write_text(f"#!/bin/sh\ntouch {ran}\n")
    evil.chmod(0o755)
    inside = World(clone, Lake(tmp_path / "clone_home"))
    for key in ("core.fsmonitor", "core.pager", "diff.external", "diff.evil.textconv",
                "diff.evil.command", "core.sshCommand", "core.alternateRefsCommand"):  # fmt: skip
        inside.git("config", key, str(evil))
    for key, value in {
        "diff.renames": "false", "log.showSignature": "true", "core.quotePath": "true",
        "diff.noprefix": "true", "log.diffMerges": "on", "color.ui": "always",
        "log.mailmap": "false", "log.date": "relative", "diff.ignoreSubmodules": "all",
    }.items():  # fmt: skip
        inside.git("config", key, value)
    inside.git("replace", replaced, replacement)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", str(evil))
    # What is checked out, and not committed, is not history.
    (clone / ".gitattributes").write_text("* -diff\n")
    (clone / ".mailmap").write_text("Eve <eve@example.com> <jane@example.com>\n")
    (outcome,) = inside.read()
    assert outcome.status == "warning"
    assert not ran.exists()
    assert inside.rows() == {
        **world.fresh(tmp_path / "fresh"), "repositories": inside.rows()["repositories"],
    }  # fmt: skip


def test_checked_out_clones_of_every_shape(world: World, tmp_path: Path) -> None:
    a = world.commit("a", {"a": "1\n"})
    b = world.commit("b", {"b": "1\n"})
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", world.path, clone], check=True, env=GIT)
    inside = World(clone, Lake(tmp_path / "clone_home"))
    inside.git("checkout", "-q", "--detach", a)
    inside.git("worktree", "add", "-q", "-b", "side", str(tmp_path / "side"), a)
    outcomes = inside.read(
        Repository(path=clone, name="clone"), Repository(path=tmp_path / "side", name="side")
    )
    assert [o.status for o in outcomes] == ["warning", "warning"]
    for name in ("clone", "side"):
        rows = inside.rows(name)
        assert rows["repositories"][0]["default_branch"] == "main"
        positions = {r["commit_sha"]: r["mainline_position"] for r in rows["commits"]}
        assert positions == {a: 1, b: 2}
    # As a build server has it: a detached commit, and no branch at all.
    for ref in inside.git("for-each-ref", "--format=%(refname)").split():
        inside.git("update-ref", "--no-deref", "-d", ref)
    inside.read(Repository(path=clone, name="clone"))
    rows = inside.rows("clone")
    assert rows["repositories"][0]["default_branch"] == "HEAD"
    assert [r["commit_sha"] for r in rows["commits"]] == [a]


def test_command_reads_a_clone(
    world: World,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world.tag("r1", world.commit("a", {"a": "1\n"}))
    home = tmp_path / "alone"
    monkeypatch.setenv(SALT, "s")
    config = tmp_path / "valuemaxx.yml"
    arguments = ["--config", str(config), "--home", str(home)]
    clone = {"path": str(world.path), "deployments": {"tags": "r*"}}
    config.write_text(yaml.safe_dump({"systems": {"git": {"repositories": [clone]}}}))
    assert alone("git", arguments) == 0
    assert "app: landed: 1 commits, 0 changes, 1 releases" in capsys.readouterr().err
    gone = {"path": str(tmp_path / "nowhere")}
    config.write_text(yaml.safe_dump({"systems": {"git": {"repositories": [clone, gone]}}}))
    assert alone("git", arguments) == 1
    capsys.readouterr()
    monkeypatch.delenv(SALT)
    assert alone("git", arguments) == 1
    assert f"{SALT} is not set" in capsys.readouterr().err


def oracle(world: World, rows: Rows) -> None:
    """What the lake says, compared with what git itself says."""
    assert {r["commit_sha"] for r in rows["commits"]} == {
        *world.git("rev-list", "--branches", "--tags").split()
    }
    counted: dict[str, list[int]] = {}
    for line in world.git("log", "--branches", "--tags", "--numstat", "--format=%H").split("\n"):
        if "\t" in line:
            added, deleted, _ = line.split("\t", 2)
            sums = counted[sha]  # noqa: F821  (the line before it set it)
            for index, text in enumerate((added, deleted, "1")):
                sums[index] += int(text) if text != "-" else 0
        elif line:
            sha = line
            counted[sha] = [0, 0, 0]
    assert counted == {
        r["commit_sha"]: [r["additions"], r["deletions"], r["changed_file_count"]]
        for r in rows["commits"]
    }
    chain = world.git("rev-list", "--first-parent", "--reverse", "main").split()
    assert [r["commit_sha"] for r in sorted(
        (r for r in rows["commits"] if r["is_mainline"]), key=lambda r: r["mainline_position"]
    )] == chain  # fmt: skip
    for merge, commits in brought(rows).items():
        if len(world.git("rev-parse", f"{merge}^@").split()) > 1:
            assert commits == {*world.git("rev-list", merge, f"^{merge}^1").split()} - {merge}
        else:
            assert commits == {merge}
    for row in rows["deployments"]:
        # Tags are lightweight here, so an earlier release is one that this one reaches.
        reached = world.git("tag", "--merged", row["commit_sha"], "v*").split()
        others = [t for t in reached if world.git("rev-parse", t) != row["commit_sha"]]
        listed = {*world.git("rev-list", row["commit_sha"], *(f"^{t}" for t in others)).split()}
        commits = shipped(rows)[row["release"]]
        same = world.git("tag", "--points-at", row["commit_sha"], "v*").split()
        if row["release"] == min(same):
            assert commits == listed
        else:
            assert (commits, row["previous_release"] in same) == (set(), True)


@pytest.mark.parametrize("seed", range(4))
def test_random_histories_read_piece_by_piece_equal_a_first_reading(
    world: World, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311  (a test's world)
    shas = [world.commit("root", {"f0": "0\n"})]
    number = 0
    for step in range(3):
        for _ in range(chance.randint(2, 7)):
            number += 1
            tip = world.git("rev-parse", "main")
            base = chance.choice(shas)
            files: dict[str, str | bytes | None] = {
                f"{chance.choice(['src', 'tests', 'docs'])}/{chance.randint(0, 4)}": "".join(
                    f"{chance.randint(0, 3)}\n" for _ in range(chance.randint(0, 6))
                )
            }
            kind = chance.choice(["main", "branch", "merge", "merge", "squash", "tag"])
            if kind == "main":
                shas.append(world.commit(f"c{number}", files))
            elif kind == "squash":
                shas.append(world.commit(f"c{number} (#{number})", files))
            elif kind == "branch":
                shas.append(world.commit(f"b{number}", files, [base], f"b{number}"))
            elif kind == "merge" and base != tip:
                title = f"Merge pull request #{chance.randint(1, number)} from a/b"
                shas.append(world.commit(title, files, [tip, base]))
            else:
                world.tag(f"v{number}", base)
        if chance.random() < 0.5:  # force-push main back
            world.git("update-ref", "refs/heads/main", chance.choice(shas))
        tags = world.git("tag").split()
        if tags and chance.random() < 0.5:  # move one tag, delete another
            world.tag(chance.choice(tags), chance.choice(shas))
            world.git("tag", "-d", chance.choice(tags))
        world.read()
        rows = world.rows()
        assert rows == world.fresh(tmp_path / f"fresh{step}")
        oracle(world, rows)
        # Only what is reachable can be built upon: the rest may be collected at any time.
        shas = world.git("rev-list", "--branches", "--tags").split()
