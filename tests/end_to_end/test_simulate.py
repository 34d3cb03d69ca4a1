"""`valuemaxx simulate` and `valuemaxx demo` as somebody at a terminal meets them."""

import json
from pathlib import Path

import pytest

from tests.conftest import Run

SMALL = ("--world", "helps", "--teams", "2", "--months", "3", "--seed", "5")


def written(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_same_seed_writes_the_same_files(tmp_path: Path, valuemaxx: Run) -> None:
    for name in ("one", "two"):
        done = valuemaxx("simulate", "--out", tmp_path / name, *SMALL)
        assert done.returncode == 0, done.stderr
    first = written(tmp_path / "one")
    assert first == written(tmp_path / "two")
    assert {"teams.csv", "pull_requests.csv", "truth.json", "truth/dora.fct_changes.parquet"} <= {
        *first
    }
    truth = json.loads(first["truth.json"])
    assert (truth["world"], truth["seed"], truth["as_of"]) == ("helps", 5, "2024-10-01 00:00:00")
    done = valuemaxx("simulate", "--out", tmp_path / "three", *SMALL[:-1], "6")
    assert done.returncode == 0, done.stderr
    assert written(tmp_path / "three")["pull_requests.csv"] != first["pull_requests.csv"]


@pytest.mark.parametrize("world", [(), ("--world", "messy")], ids=["reference", "messy"])
def test_a_lake_is_the_same_bytes_too(
    tmp_path: Path, valuemaxx: Run, world: tuple[str, ...]
) -> None:
    size = ("--teams", "2", "--months", "2", "--form", "lake")
    for name in ("one", "two"):
        done = valuemaxx("simulate", "--out", tmp_path / name, *size, *world)
        assert done.returncode == 0, done.stderr
    assert list((tmp_path / "one" / "lake" / "files" / "pull_requests").glob("*2024*.parquet"))
    assert written(tmp_path / "one" / "lake") == written(tmp_path / "two" / "lake")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--world", "heaven"), "no world 'heaven'; there are demo, nothing, helps"),
        (("--world", "reference"), "--form lake"),
        (("--teams", "0"), "--teams"),
        (("--teams", "4000"), "add --form lake"),
    ],
)
def test_what_cannot_be_simulated_is_one_line(
    tmp_path: Path, valuemaxx: Run, arguments: tuple[str, ...], says: str
) -> None:
    done = valuemaxx("simulate", "--out", tmp_path / "company", *arguments)
    assert done.returncode != 0
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "company").exists()


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path, valuemaxx: Run) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    done = valuemaxx("simulate", "--out", tmp_path, *SMALL)
    assert done.returncode == 1
    assert "is not empty" in done.stderr
    assert written(tmp_path) == {"mine.txt": b"mine"}


def test_the_demo_and_a_company_of_ones_own_are_kept_apart(tmp_path: Path, valuemaxx: Run) -> None:
    own = tmp_path / "own"
    (own / "lake").mkdir(parents=True)
    done = valuemaxx("demo", "--home", own)
    assert done.returncode == 1
    assert "holds data of yours" in done.stderr
    demo = tmp_path / "demo"
    demo.mkdir()
    (demo / "valuemaxx.yml").write_text("company: Example Ltd\n")
    config = tmp_path / "valuemaxx.yml"
    config.write_text("company: Mine\n")
    done = valuemaxx("run", "--config", config, "--home", demo)
    assert done.returncode == 1
    assert "holds the demo" in done.stderr


@pytest.mark.slow
def test_the_demo_tells_its_story_and_publishes(tmp_path: Path, valuemaxx: Run) -> None:
    done = valuemaxx("demo", "--home", tmp_path)
    assert done.returncode == 0, done.stderr
    for line in ("What was planted", "What was spent on AI", "(DORA)", "not a cause", "Try, with"):
        assert line in done.stdout
    assert (tmp_path / "published" / "valuemaxx.duckdb").exists()
    again = valuemaxx("demo", "--home", tmp_path)
    assert again.returncode == 0, again.stderr
    assert again.stdout == done.stdout
