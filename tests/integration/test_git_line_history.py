"""Lines followed through real repositories, made here; git blame is the oracle."""

import os
import random
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from orchestration.identity import Identity
from orchestration.lake import Lake, Outcome
from orchestration.systems.git import (
    LINE_BIRTHS,
    LINE_DEATHS,
    LINE_OWNERS,
    STREAMS,
    GitSettings,
    Repository,
    extract,
)
from orchestration.systems.git.client import Clone
from orchestration.systems.git.line_changes import LineChanges, unquoted
from orchestration.systems.git.lines import LineLedger

EPOCH = 1_700_000_000
GIT = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "PATH": os.defpath}
LINES = (LINE_BIRTHS, LINE_DEATHS, LINE_OWNERS)

Tree = dict[str, tuple[str, bytes]]  # path → mode and content


class Repo:
    """A bare repository that a test writes commit by commit."""

    def __init__(self, path: Path) -> None:
        self.path, self.shas = path, list[str]()
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", path], check=True, env=GIT)

    def git(self, *arguments: str, data: bytes = b"") -> str:
        """What git answers."""
        done = subprocess.run(
            ["git", "-C", self.path, *arguments],
            input=data, capture_output=True, check=True, env=GIT,
        )  # fmt: skip
        return done.stdout.decode("utf-8", "surrogateescape").rstrip("\n")

    def commit(self, tree: Tree, parents: list[str] | None = None, branch: str = "main") -> str:
        """A commit of a whole tree on a branch; ``parents``: else the branch's last commit."""
        at = EPOCH + 60 * len(self.shas)
        stream = b""
        if parents is None:
            parents = self.git("for-each-ref", f"refs/heads/{branch}", "--format=%(objectname)")
            parents = parents.split()
        if not parents:
            stream += f"reset refs/heads/{branch}\n".encode()
        stream += f"commit refs/heads/{branch}\ncommitter x <x@x> {at} +0000\ndata 1\nx\n".encode()
        for word, parent in zip(["from", *["merge"] * 9], parents, strict=False):
            stream += f"{word} {parent}\n".encode()
        stream += b"deleteall\n"
        for path, (mode, content) in tree.items():
            quoted = '"' + path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
            stream += f"M {mode} inline {quoted}\ndata {len(content)}\n".encode()
            stream += content + b"\n"
        self.git("fast-import", "--quiet", "--force", data=stream)
        self.shas.append(self.git("rev-parse", branch))
        return self.shas[-1]

    def blame(self, sha: str, path: str) -> list[str]:
        """The commit that git blame lays each line to."""
        said = self.git("blame", "--line-porcelain", "-w", "--first-parent", sha, "--", path)
        lines = said.split("\n")
        heads = [0] + [at + 1 for at, line in enumerate(lines[:-1]) if line.startswith("\t")]
        return [lines[at][:40] for at in heads] if said else []


def followed(repo: Repo, tip: str) -> dict[tuple[str, str], list[str] | None]:
    """After each step of the main line and for each of its files that the step left behind, the
    commit that brought each line."""
    clone = Clone.open(repo.path)
    mainline = repo.git("rev-list", "--first-parent", "--reverse", tip).split()
    found: dict[tuple[str, str], list[str] | None] = {}
    with LineChanges.of(clone) as changes:
        book = LineLedger(
            lambda _path: 0, lambda s, p: [mainline.index(b) + 1 for b in changes.blame(s, p)]
        )
        for step in changes.steps(mainline, 0):
            book.take(step)
            for file in step.files:
                owners = book.owners(file.path)
                named = None if owners is None else [mainline[o // 8 - 1] for o in owners]
                found[step.sha, os.fsdecode(unquoted(file.path))] = named
    return found


def regular(content: str) -> tuple[str, bytes]:
    return "100644", content.encode()


def test_whatever_a_commit_does_lines_are_those_of_blame(tmp_path: Path) -> None:
    repo = Repo(tmp_path / "repo")
    text = "".join(f"line {n} of a file\n" for n in range(20))
    half = "".join(f"line {n} of a file\n" for n in range(8, 20))
    histories: list[Tree] = [
        {"a.py": regular(text), "empty": regular(""), "bin": ("100644", b"\0\1\2")},
        # Blanks alone: nobody's work.
        {"a.py": regular(text.replace(" of", "\tof  ")), "bin": ("100644", b"\0\1")},
        # Moved and edited; another goes on with the same lines; a link beside them.
        {"x/a.py": regular("new\n" + text), "y/a.py": regular(half), "l": ("120000", b"x/a.py")},
        # The link becomes a file, a file a link; one becomes binary; no line break at the end.
        {
            "x/a.py": ("100644", b"\0" + text.encode()), "y/a.py": ("120000", b"l"),
            "l": regular("x/a.py"), 'q"uo\n te': regular(text + "end"),
        },
        # Text again; deleted; a folder where a file was.
        {"x/a.py": regular(text), "l/x": regular("x/a.py\n")},
        {"x/a.py": regular(text.replace("\n", "\r\n")), "b": regular(text)},
        {"c/1.py": regular(half), "c/2.py": regular(text + "1\n"), "d": regular("")},
        {"x/a.py": regular(text), "c/2.py": regular("1\n" + text)},
    ]  # fmt: skip
    for tree in histories:
        repo.commit(tree)
    found = followed(repo, "main")
    assert {key: repo.blame(*key) for key, lines in found.items() if lines is not None} == {
        key: lines for key, lines in found.items() if lines is not None
    }
    binary = {key for key, lines in found.items() if lines is None}
    assert binary == {
        (repo.shas[0], "bin"), (repo.shas[1], "bin"), (repo.shas[3], "x/a.py"),
    }  # fmt: skip


def test_a_crowd_that_moves_is_told_apart(tmp_path: Path) -> None:
    chance = random.Random(1)  # noqa: S311  (a test's world)
    words = [f"word {number}\n" for number in range(60)]
    texts = ["".join(chance.choices(words, k=30)) for _ in range(40)]
    repo = Repo(tmp_path / "repo")
    # Some share most of their lines, some half of them, one is too long to look into.
    texts[1], texts[3] = texts[0] + "1\n", texts[2][: len(texts[2]) // 2] + "2\n" * 60
    texts[4] = "".join(f"line {number} of many\n" for number in range(20_000))
    repo.commit({f"old/{n}.py": regular(text) for n, text in enumerate(texts)})
    repo.commit({f"new/{n}x.py": regular("edited\n" + text) for n, text in enumerate(texts)})
    repo.commit({f"{n % 9}/index.py": regular(f"{n}\n" + t) for n, t in enumerate(texts)})
    repo.commit({f"x/{n % 9}/index.py": regular(t[9:]) for n, t in enumerate(texts)})
    found = followed(repo, "main")
    assert {key: repo.blame(*key) for key in found} == found
    moved = found[repo.shas[1], "new/7x.py"]
    assert moved == [repo.shas[1], *[repo.shas[0]] * 30]


def test_what_a_clone_says_about_its_files_changes_nothing(tmp_path: Path) -> None:
    repo = Repo(tmp_path / "repo")
    (repo.path / "info").mkdir(exist_ok=True)
    (repo.path / "info" / "attributes").write_text("* -diff -text\n")
    repo.git("config", "diff.algorithm", "patience")
    repo.git("config", "diff.renames", "false")
    repo.commit({"a": regular("1\n2\n3\n")})
    repo.commit({"b": regular("1\n2\n3\n4\n")})
    first, second = repo.shas
    assert followed(repo, "main")[second, "b"] == [first, first, first, second]


def grown(chance: random.Random, tree: Tree) -> Tree:
    """A tree a few random edits later."""
    tree = dict(tree)
    for _ in range(chance.randint(1, 3)):
        folder = chance.choice(["", "src/", "src/deep/"])
        name = folder + chance.choice(["a", "b", "ü ber", "c.txt"])
        old = chance.choice([*tree]) if tree else name
        mode, content = tree.get(old, ("100644", b""))
        lines = content.split(b"\n")
        for _ in range(chance.randint(0, 3)):
            at = chance.randint(0, len(lines))
            new = [b"%d" % chance.randint(0, 5) for _ in range(chance.randint(0, 4))]
            lines[at : at + chance.randint(0, 3)] = new
        if chance.random() < 0.2:
            lines = [line.replace(b"1", b" 1\t") for line in lines]
        content = b"\n".join(lines)
        deed = chance.choice(["edit", "edit", "edit", "move", "move", "split", "drop", "odd"])
        if deed in ("move", "split", "drop"):
            tree.pop(old, None)
        if deed == "odd":
            content, mode = chance.choice(
                [(b"\0" + content, mode), (b"", mode), (content, "120000"), (content, "100755")]
            )
        if deed != "drop":
            tree[old if deed in ("edit", "odd") else name] = (mode, content)
        if deed == "split":
            tree[f"{name}2"] = (mode, content + b"\nlast")
    # No file stands where a folder does, and a link leads somewhere.
    return {
        path: (mode if content and b"\0" not in content else "100644", content)
        for path, (mode, content) in tree.items()
        if not any(other.startswith(f"{path}/") for other in tree)
    }


def random_repo(path: Path, seed: int, count: int) -> Repo:
    """A main line of random trees, with merges that take from both sides."""
    chance = random.Random(seed)  # noqa: S311  (a test's world)
    repo = Repo(path)
    tree = grown(chance, {"a": regular("0\n1\n2\n3\n4\n5\n" * 3), "src/b": regular("0\n" * 9)})
    repo.commit(tree)
    while len(repo.shas) < count:
        if chance.random() < 0.3:
            tip = repo.git("rev-parse", "main")
            other = grown(chance, tree)
            side = repo.commit(other, [tip], "side")
            tree = chance.choice([other, grown(chance, other), grown(chance, tree)])
            repo.commit(tree, [tip, side])
        else:
            tree = grown(chance, tree)
            repo.commit(tree)
    return repo


@pytest.mark.parametrize("seed", range(6))
def test_random_histories_equal_git_blame_line_for_line(tmp_path: Path, seed: int) -> None:
    repo = random_repo(tmp_path / "repo", seed, 40)
    found = followed(repo, "main")
    texts = {key: lines for key, lines in found.items() if lines is not None}
    assert {key: repo.blame(*key) for key in texts} == texts
    assert len(texts) > 15


def read(lake: Lake, repo: Repo, **options: bool) -> list[Outcome]:
    lake.ensure(STREAMS)
    settings = GitSettings(repositories=[Repository(path=repo.path, name="app", deployments=None)])
    return [*extract(lake, Identity("salt"), settings, **options)]


def rows(lake: Lake) -> list[list[dict[str, Any]]]:
    """What the lake has of lines."""
    return [
        sorted(lake.current(stream, "app").to_pylist(), key=lambda row: str([*row.values()]))
        for stream in LINES
    ]


def fresh(repo: Repo, home: Path) -> list[list[dict[str, Any]]]:
    """What a first reading gives."""
    lake = Lake(home)
    read(lake, repo)
    return rows(lake)


@pytest.mark.parametrize("seed", range(3))
def test_births_less_deaths_are_what_stands(tmp_path: Path, seed: int) -> None:
    repo = random_repo(tmp_path / "repo", seed, 25)
    births, deaths, _ = fresh(repo, tmp_path / "home")
    standing = Counter({row["commit_sha"]: 0 for row in births})
    for row in births:
        standing[row["commit_sha"]] += row["line_count"]
    for row in deaths:
        standing[row["born_commit_sha"]] += row["copied_line_count"] - row["line_count"]
    blamed = Counter[str]()
    clone = Clone.open(repo.path)
    for line in clone.lines("ls-tree", "-r", "-z", "main"):
        for entry in line.rstrip("\0").split("\0"):
            oid, path = entry.split("\t")[0].split(" ")[2], entry.split("\t")[1]
            if "\0" not in repo.git("cat-file", "blob", oid):
                blamed.update(repo.blame("main", path))
    assert +standing == blamed
    assert min(standing.values()) >= 0


@pytest.mark.parametrize("seed", range(3))
def test_piece_by_piece_equals_a_first_reading(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  (a test's world)
    whole = random_repo(tmp_path / "repo", seed, 24)
    lake = Lake(tmp_path / "home")
    chain = whole.git("rev-list", "--first-parent", "--reverse", "main").split()
    tips = sorted(chance.sample(range(1, len(chain)), 3))
    # The last one is a force-push: back to where the first one stood.
    for number, at in enumerate([*tips, tips[0]]):
        whole.git("update-ref", "refs/heads/main", chain[at])
        assert [o.status for o in read(lake, whole)] == ["landed"]
        assert rows(lake) == fresh(whole, tmp_path / f"fresh{number}")


def test_new_commits_cost_only_themselves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read_steps: list[int] = []
    original = LineChanges.steps

    def counting(changes: LineChanges, mainline: list[str], after: int) -> Any:
        read_steps.append(len(mainline) - after)
        return original(changes, mainline, after)

    monkeypatch.setattr(LineChanges, "steps", counting)
    repo, lake = Repo(tmp_path / "repo"), Lake(tmp_path / "home")
    for number in range(3):
        repo.commit({"a": regular(f"{number}\n"), "b": regular("b\n")})
    read(lake, repo)
    repo.commit({"a": regular("new\n"), "b": regular("b\n")})
    read(lake, repo)
    read(lake, repo)
    # Only the file that changed and the row that says how far it is landed again.
    assert [batch.rows_landed for batch in lake.batches(LINE_OWNERS)] == [3, 2]
    read(lake, repo, full_refresh=True)
    assert read_steps == [3, 1, 4]


@pytest.mark.parametrize("stream", LINES, ids=[stream.name for stream in LINES])
def test_a_reading_that_was_stopped_or_lost_is_made_good(tmp_path: Path, stream: Any) -> None:
    repo, lake = Repo(tmp_path / "repo"), Lake(tmp_path / "home")
    for number in range(3):
        repo.commit({"a": regular("x\n" * number + "y\n"), f"b{number}": regular("b\n")})
        read(lake, repo)
    whole = rows(lake)
    # Killed before this stream and those after it.
    for late in LINES[LINES.index(stream) :]:
        lake.newest(late)["app"].path.unlink()
    assert [o.status for o in read(lake, repo)] == ["landed"]
    assert rows(lake) == whole
    # Killed there, and then the main line moved back.
    repo.commit({"a": regular("z\n")})
    read(lake, repo)
    for late in LINES[LINES.index(stream) :]:
        lake.newest(late)["app"].path.unlink()
    repo.git("update-ref", "refs/heads/main", repo.shas[2])
    read(lake, repo)
    assert rows(lake) == whole
    # Broken on the disk: whatever it held is read again.
    lake.batches(stream)[0].path.write_bytes(b"broken")
    read(lake, repo)

    def told(tables: list[list[dict[str, Any]]]) -> list[Any]:
        return [*tables[:2], [row for row in tables[2] if row["path_hash"]]]

    assert told(rows(lake)) == told(whole)
    assert [o.status for o in read(lake, repo)] == ["unchanged"]


def test_lines_older_than_a_shallow_clone_have_no_birth(tmp_path: Path) -> None:
    repo = Repo(tmp_path / "repo")
    for number in range(5):
        repo.commit({"a": regular("".join(f"{n}\n" for n in range(number, number + 4)))})
    cut = Repo(tmp_path / "cut")
    subprocess.run(
        ["git", "-C", cut.path, "fetch", "-q", "--depth=3", f"file://{repo.path}", "main:main"],
        check=True, env=GIT,
    )  # fmt: skip
    lake = Lake(tmp_path / "home")
    read(lake, cut)
    births, deaths, _ = rows(lake)
    assert {row["commit_sha"]: row["line_count"] for row in births} == dict.fromkeys(
        repo.shas[3:], 1
    )
    assert {(row["commit_sha"], row["born_commit_sha"], row["line_count"]) for row in deaths} == {
        (sha, None, 1) for sha in repo.shas[3:]
    }
    # The rest arrives: all is known.
    subprocess.run(
        ["git", "-C", cut.path, "fetch", "-q", "--unshallow", f"file://{repo.path}", "main"],
        check=True, env=GIT,
    )  # fmt: skip
    read(lake, cut)
    assert rows(lake) == fresh(repo, tmp_path / "fresh")


def test_a_clone_without_objects_keeps_the_lines_it_had(tmp_path: Path) -> None:
    repo, lake = Repo(tmp_path / "repo"), Lake(tmp_path / "home")
    repo.commit({"a": regular("1\n")})
    read(lake, repo)
    before = rows(lake)
    repo.commit({"a": regular("1\n2\n")})
    # A bare repository of few objects keeps them loose.
    oid = repo.git("rev-parse", "main:a")
    blob = repo.path / "objects" / oid[:2] / oid[2:]
    content = blob.read_bytes()
    blob.unlink()
    (outcome,) = read(lake, repo)
    assert outcome.status == "warning"
    assert "its lines cannot be followed" in outcome.message
    assert rows(lake) == before
    assert [o.status for o in read(lake, repo)] == ["unchanged"]
    blob.write_bytes(content)
    read(lake, repo)
    assert rows(lake) == fresh(repo, tmp_path / "fresh")
