"""The lake: nothing half, nothing lost, nothing twice, whatever happens to the process."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration import lake as lake_module
from orchestration.lake import Field, Lake, LakeError, Stream, Window, run_lock

FIELDS = (
    Field("id", "string", "The id"),
    Field("region", "string", "Part of the key; may be empty"),
    Field("amount", "decimal", "The amount"),
    Field("seen_at", "timestamp", "When"),
)
KEYED = Stream("test", "keyed", "a thing", ("id", "region"), "keyed", FIELDS, "seen_at")
REPLACED = Stream("test", "replaced", "a thing", ("id",), "replaced", FIELDS, "seen_at")
KEYLESS = Stream("test", "keyless", "a thing", (), "replaced", FIELDS)
NOON = datetime(2026, 1, 1, 12)  # noqa: DTZ001  (the lake holds UTC without a zone)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "home [1]")


def thing(name: str, amount: int = 1, region: str | None = "x") -> dict[str, Any]:
    return {"id": name, "region": region, "amount": amount, "seen_at": NOON}


def write(lake: Lake, stream: Stream, scope: str, *things: dict[str, Any], **more: Any) -> None:
    with lake.writing(stream, scope, **more) as batch:
        batch.append_records(things)


def amounts(lake: Lake, stream: Stream, scope: str = "s") -> dict[str, int]:
    return {row["id"]: int(row["amount"]) for row in lake.current(stream, scope).to_pylist()}


def files(lake: Lake) -> list[Path]:
    return sorted(path for path in lake.home.rglob("*") if path.is_file())


def test_batch_tells_what_it_holds(lake: Lake) -> None:
    with lake.writing(KEYED, "a/b c", fingerprint="f") as batch:
        batch.append_records([thing("1"), thing("2")])
        batch.append_records([thing("3")])
        batch.refuse({"id": "4"}, "is bad", "a:4")
        batch.refuse({"id": "5"}, "is bad", "a:5", count=2)
    (found,) = lake.batches(KEYED)
    assert (found.scope, found.fingerprint, str(found.window)) == ("a/b c", "f", "whole")
    # 3 landed + (1 + 2) refused = 6 read.
    assert (found.rows_read, found.rows_landed, found.rows_quarantined) == (6, 3, 3)
    assert (dict(found.reasons), found.newest_record_at) == ({"is bad": 3}, NOON)
    table = pq.read_table(found.path)
    assert table.schema.names == KEYED.lake_schema.names
    assert set(table["_scope"].to_pylist()) == {"a/b c"}
    assert set(table["_batch_id"].to_pylist()) == {found.batch_id}
    refused = lake.quarantine_folder(KEYED) / f"{found.path.stem}.jsonl"
    assert [json.loads(line)["place"] for line in refused.read_text().splitlines()] == [
        "a:4",
        "a:5",
    ]


def test_failing_batch_leaves_no_trace(lake: Lake) -> None:
    with pytest.raises(RuntimeError), lake.writing(KEYED, "s") as batch:
        batch.append_records([thing("1")])
        batch.refuse({}, "is bad", "s:2")
        raise RuntimeError
    assert files(lake) == []
    assert lake.batches(KEYED) == []


def test_batch_is_not_seen_before_it_is_whole(lake: Lake) -> None:
    with lake.writing(KEYED, "s") as batch:
        batch.append_records([thing("1")])
        assert lake.batches(KEYED) == []
        assert list(lake.folder(KEYED).glob("*.parquet")) == []
    assert len(lake.batches(KEYED)) == 1


def test_rows_of_another_type_are_not_landed(lake: Lake) -> None:
    rows = pa.table({"id": ["1"], "region": ["x"], "amount": ["much"], "seen_at": [NOON]})
    with pytest.raises(pa.ArrowInvalid), lake.writing(KEYED, "s") as batch:
        batch.append(rows)
    assert files(lake) == []


KILLED = """
import os, sys
from pathlib import Path
from orchestration.lake import Lake
from tests.unit.test_lake import KEYED, thing
lake = Lake(Path(sys.argv[1]))
lake.ensure([KEYED])
with lake.writing(KEYED, "s") as batch:
    batch.append_records([thing("1")])
    batch.refuse({}, "is bad", "s:2")
    batch._refused.flush()
    print("writing", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def half_written(lake: Lake) -> Iterator["subprocess.Popen[str]"]:
    """Another process in the midst of a batch."""
    root = Path(__file__).resolve().parent.parent.parent
    command = [sys.executable, "-c", KILLED, str(lake.home)]
    with subprocess.Popen(
        command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"
        yield process
        process.kill()


def test_what_a_killed_process_left_is_swept_away(
    lake: Lake, half_written: "subprocess.Popen[str]"
) -> None:
    half_written.send_signal(signal.SIGKILL)
    half_written.wait()
    assert len(files(lake)) == 3  # the schema's batch, half a batch, its quarantine
    lake.ensure([KEYED])
    (schema,) = files(lake)
    assert schema.name.startswith("schema__")
    assert lake.batches(KEYED) == []


def test_what_a_living_process_writes_is_left_alone(
    lake: Lake, half_written: "subprocess.Popen[str]"
) -> None:
    """`dbt build` in a second shell lays the empty batches too, in the midst of a run."""
    lake.ensure([KEYED])
    half_written.communicate("")
    assert half_written.returncode == 0
    (batch,) = lake.batches(KEYED)
    assert (batch.rows_landed, batch.rows_quarantined) == (1, 1)
    assert (lake.quarantine_folder(KEYED) / f"{batch.path.stem}.jsonl").read_text()


def test_every_stream_has_a_table_without_rows(lake: Lake) -> None:
    for _ in range(2):
        lake.ensure([KEYED, KEYLESS])
    assert len(files(lake)) == 2
    for path in files(lake):
        assert pq.read_schema(path).names == KEYED.lake_schema.names
        assert pq.read_metadata(path).num_rows == 0
    assert lake.batches(KEYED) == []


def test_new_declaration_replaces_the_table_without_rows(lake: Lake) -> None:
    lake.ensure([KEYED])
    wider = Stream(
        "test", "keyed", "a thing", ("id",), "keyed", (*FIELDS, Field("more", "list", ""))
    )
    write(lake, KEYED, "s", thing("1"))
    lake.ensure([wider])
    (schema,) = lake.folder(KEYED).glob("schema__*.parquet")
    assert "more" in pq.read_schema(schema).names
    assert [row["more"] for row in lake.current(wider, "s").to_pylist()] == [None]


def test_newest_record_of_a_key_wins_and_a_deletion_removes_it(lake: Lake) -> None:
    write(lake, KEYED, "s", thing("1", 10), thing("2", 20), thing("3", 30))
    write(lake, KEYED, "s", thing("2", 21))
    with lake.writing(KEYED, "s") as batch:
        batch.append(pa.Table.from_pylist([thing("3", 30)], KEYED.schema), is_deleted=True)
    assert amounts(lake, KEYED) == {"1": 10, "2": 21}
    write(lake, KEYED, "s", thing("3", 31))
    assert amounts(lake, KEYED) == {"1": 10, "2": 21, "3": 31}


def test_newest_batch_stands_for_its_scope_and_window(lake: Lake) -> None:
    days = [datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2, 3)]
    first, second = Window(days[0], days[1]), Window(days[1], days[2])
    write(lake, KEYLESS, "s", thing("1", 10), thing("2", 20), window=first)
    write(lake, KEYLESS, "s", thing("3", 30), window=second)
    write(lake, KEYLESS, "s", thing("1", 11), window=first)
    write(lake, KEYLESS, "t", thing("9", 90), window=first)
    assert amounts(lake, KEYLESS) == {"1": 11, "3": 30}
    assert amounts(lake, KEYLESS, "t") == {"9": 90}
    assert [str(b.window) for b in lake.batches(KEYLESS)][:2] == [
        "20260101T000000Z-20260102T000000Z", "20260102T000000Z-20260103T000000Z"
    ]  # fmt: skip


def test_emptied_scope_is_silent(lake: Lake) -> None:
    write(lake, REPLACED, "s", thing("1"))
    write(lake, REPLACED, "s")
    assert amounts(lake, REPLACED) == {}
    newest = lake.newest(REPLACED)["s"]
    # One row carries the silence to SQL, and none counts as a record.
    table = pq.read_table(newest.path)
    assert (newest.rows_landed, table["_is_deleted"].to_pylist()) == (0, [True])
    write(lake, REPLACED, "s", thing("2"))
    assert amounts(lake, REPLACED) == {"2": 1}


def test_clock_set_back_does_not_bring_old_records_back(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Yesterday(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime.now(tz) - timedelta(days=1)

    write(lake, KEYED, "s", thing("1", 10))
    monkeypatch.setattr(lake_module, "datetime", Yesterday)
    write(Lake(lake.home), KEYED, "s", thing("1", 11))
    assert amounts(lake, KEYED) == {"1": 11}
    older, newer = lake.batches(KEYED)
    assert (older.batch_id < newer.batch_id, older.extracted_at > newer.extracted_at) == (
        True,
        True,
    )


def picture(*things: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(things), KEYED.schema)


def test_only_what_differs_is_landed(lake: Lake) -> None:
    whole = [thing("1", 10), thing("2", 20), thing("3", 30, region=None)]
    assert lake.write_changes(KEYED, "s", picture(*whole), "f1") == 3
    assert lake.write_changes(KEYED, "s", picture(*whole), "f1") == 0
    assert len(lake.batches(KEYED)) == 1
    # 2 changed, 1 gone, 4 new: three rows; 3 stays as it was.
    changed = [thing("2", 21), thing("3", 30, region=None), thing("4", 40)]
    assert lake.write_changes(KEYED, "s", picture(*changed), "f2") == 3
    assert amounts(lake, KEYED) == {"2": 21, "3": 30, "4": 40}
    assert lake.newest(KEYED)["s"].rows_landed == 2  # the deletion is no record


def test_new_fingerprint_without_a_change_is_kept(lake: Lake) -> None:
    lake.write_changes(KEYED, "s", picture(thing("1")), "f1")
    assert lake.write_changes(KEYED, "s", picture(thing("1")), "f2") == 0
    assert lake.newest(KEYED)["s"].fingerprint == "f2"
    assert len(lake.batches(KEYED)) == 2


def test_change_touches_its_own_scope_only(lake: Lake) -> None:
    lake.write_changes(KEYED, "s", picture(thing("1")))
    lake.write_changes(KEYED, "t", picture(thing("2")))
    lake.write_changes(KEYED, "s", picture())
    assert (amounts(lake, KEYED, "s"), amounts(lake, KEYED, "t")) == ({}, {"2": 1})


@pytest.mark.parametrize("damage", ["cut off", "emptied", "another's", "no batch"])
def test_broken_batch_is_set_aside_so_that_it_is_read_again(lake: Lake, damage: str) -> None:
    write(lake, KEYED, "s", thing("1"))
    write(lake, KEYED, "t", thing("2"))
    path = lake.newest(KEYED)["s"].path
    content = path.read_bytes()
    if damage == "another's":
        pq.write_table(picture(thing("9")), path)
    else:
        path.write_bytes({"cut off": content[:-9], "emptied": b"", "no batch": b"x" * 99}[damage])
    assert list(lake.newest(KEYED)) == ["t"]
    assert [p.name for p in lake.set_aside()] == [path.name]
    assert amounts(lake, KEYED) == {}
    write(lake, KEYED, "s", thing("1"))
    assert amounts(lake, KEYED) == {"1": 1}


@pytest.mark.parametrize(
    "scope",
    ["a", "a_", "__", "a__b", "../../x", "a/b", "é 日本", "x" * 300, "[a]*?", "%2e", "a'b\""],
)
def test_any_scope_has_a_file_of_its_own(lake: Lake, scope: str) -> None:
    write(lake, KEYED, "other", thing("0"))
    write(lake, KEYED, scope, thing("1", 10))
    write(lake, KEYED, scope, thing("1", 11))
    assert {path.parent for path in files(lake)} == {lake.folder(KEYED)}
    assert sorted(lake.newest(KEYED)) == sorted(["other", scope])
    assert amounts(lake, KEYED, scope) == {"1": 11}


def test_second_run_is_told_who_is_at_work(tmp_path: Path) -> None:
    hold = (
        "import sys; from pathlib import Path; from orchestration.lake import run_lock\n"
        "with run_lock(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    )
    root = Path(__file__).resolve().parent.parent.parent
    command = [sys.executable, "-c", hold, str(tmp_path)]
    with subprocess.Popen(
        command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(LakeError, match=f"process {holder.pid}"), run_lock(tmp_path):
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    with run_lock(tmp_path):
        assert (tmp_path / "run.lock").read_text() == str(os.getpid())
    with run_lock(tmp_path):
        pass
