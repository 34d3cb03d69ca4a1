"""Log files as they come: rotated, copied, packed, cut off, growing. Each request counts once."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.identity import Identity
from orchestration.lake import Lake, Outcome
from orchestration.systems import usage_logs
from orchestration.systems.usage_logs import (
    STREAMS,
    UsageLogsSettings,
    check,
    client,
    counting,
    extract,
)
from tests.conftest import environment

COLUMNS = {
    "request_id": "id", "occurred_at": "ts", "model": "model", "person": "user",
    "input_tokens": "input", "output_tokens": "output",
}  # fmt: skip


def record(number: int, **given: Any) -> dict[str, Any]:
    day = 5 + number // 100 % 20
    return {
        "id": f"request-{number}", "ts": f"2026-01-{day:02}T10:00:00Z", "model": "claude-haiku-4-5",
        "user": f"person-{number % 3:04}@example.com", "input": 10, "output": 1, "pad": "x" * 200,
        **given,
    }  # fmt: skip


def text(*numbers: int, **given: Any) -> bytes:
    return b"".join(json.dumps(record(n, **given)).encode() + b"\n" for n in numbers)


class Company:
    """A folder of logs and a lake."""

    def __init__(self, folder: Path) -> None:
        self.logs = folder / "logs"
        self.logs.mkdir()
        self.lake = Lake(folder / "home")
        self.lake.ensure(STREAMS)
        self.source: dict[str, Any] = {
            "name": "own", "path": str(self.logs / "**/*.*"), "vendor": "anthropic",
            "columns": COLUMNS,
        }  # fmt: skip

    def settings(self, **given: Any) -> UsageLogsSettings:
        return UsageLogsSettings.model_validate({"sources": [self.source], **given})

    def run(self, *, full_refresh: bool = False, forget_missing: bool = False, **given: Any
            ) -> dict[str, Outcome]:  # fmt: skip
        outcomes = extract(
            self.lake, Identity("salt"), self.settings(**given),
            full_refresh=full_refresh, forget_missing=forget_missing,
        )  # fmt: skip
        return {outcome.scope: outcome for outcome in outcomes}

    def standing(self, stream: str, select: str) -> list[tuple[Any, ...]]:
        (declared,) = [s for s in STREAMS if s.name == stream]
        files = [str(b.path) for b in self.lake.standing(declared)]
        with duckdb.connect() as connection:
            rows = connection.read_parquet(files).filter("not _is_deleted")
            return rows.query("standing", f"select {select} from standing").fetchall()

    def count(self) -> tuple[int, int]:
        """Requests, and their output tokens."""
        ((requests, output),) = self.standing("usage_days", "sum(request_count),"
                                              " sum(output_tokens)")  # fmt: skip
        return requests, output


@pytest.fixture
def company(tmp_path: Path) -> Company:
    return Company(tmp_path)


def test_growing_log_is_read_again_whole_and_counts_once(company: Company) -> None:
    log = company.logs / "a.jsonl"
    for size in (2, 300, 600, 900):  # the first reading is smaller than the head that names a log
        log.write_bytes(text(*range(size)))
        assert company.run()["own/a.jsonl"].status == "landed"
        assert company.count() == (size, size)
    assert company.run()["own/a.jsonl"].status == "unchanged"


def test_half_written_last_line_waits_for_the_next_run(company: Company) -> None:
    log = company.logs / "a.jsonl"
    whole = text(*range(300))
    log.write_bytes(whole + b'{"id": "request-300", "ts"')
    outcome = company.run()["own/a.jsonl"]
    assert outcome.status == "landed"
    assert "left for the next run" in outcome.message
    assert company.count() == (300, 300)
    log.write_bytes(whole + text(300))
    company.run()
    assert company.count() == (301, 301)


def test_log_of_half_a_line_is_no_log_yet(company: Company) -> None:
    (company.logs / "a.jsonl").write_bytes(b'{"id": "request-1"')
    assert company.run()["own/a.jsonl"] == Outcome(
        "usage_logs", "own/a.jsonl", "unchanged", "holds no whole line yet"
    )


def test_rotation_neither_loses_nor_doubles(company: Company) -> None:
    log = company.logs / "a.jsonl"
    log.write_bytes(text(*range(400)))
    company.run()
    # Copied away and emptied, written on, packed and at last removed.
    (company.logs / "a.jsonl.1").write_bytes(log.read_bytes() + text(400))
    log.write_bytes(text(401, 402))
    company.run()
    assert company.count() == (403, 403)
    (company.logs / "a.1.gz").write_bytes(gzip.compress((company.logs / "a.jsonl.1").read_bytes()))
    (company.logs / "a.jsonl.1").unlink()
    company.run()
    assert company.count() == (403, 403)
    (company.logs / "a.1.gz").unlink()
    assert company.run() == {
        "own/a.jsonl": Outcome("usage_logs", "own/a.jsonl", "unchanged", "2 requests")
    }
    assert company.count() == (403, 403)


def test_renamed_log_is_not_read_again(company: Company) -> None:
    log = company.logs / "a.jsonl"
    log.write_bytes(text(*range(400)))
    company.run()
    log.rename(company.logs / "a.jsonl.1")
    assert company.run()["own/a.jsonl.1"].status == "unchanged"


def test_request_in_two_logs_counts_once_whichever_grows(company: Company) -> None:
    first, second = company.logs / "a.jsonl", company.logs / "b.jsonl"
    first.write_bytes(text(*range(400)))
    second.write_bytes(text(*range(300, 700)))
    outcomes = company.run()
    assert outcomes["own/b.jsonl"].message == "300 requests; 100 repeated"
    assert company.count() == (700, 700)
    first.write_bytes(text(*range(800)))  # now it holds all that the other gave
    company.run()
    assert company.count() == (800, 800)
    company.run(full_refresh=True)
    assert company.count() == (800, 800)


def test_day_by_day_gives_what_all_at_once_gives(company: Company, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = Company(tmp_path / "other")
    logs = {"c": range(500, 900), "a": range(450), "b": range(400, 600)}
    for name, numbers in logs.items():
        (company.logs / f"{name}.jsonl").write_bytes(text(*numbers))
        company.run()
        (other.logs / f"{name}.jsonl").write_bytes(text(*numbers))
    other.run()
    days = "usage_date, vendor, model, person_id, sum(request_count), sum(input_tokens)"
    days = days.replace("input_tokens", "uncached_input_tokens")
    by_day = f"{days} from standing group by all order by all --"
    assert company.standing("usage_days", by_day) == other.standing("usage_days", by_day)
    assert company.count() == (900, 900)


def test_copy_of_a_log_counts_once(company: Company) -> None:
    (company.logs / "a.jsonl").write_bytes(text(*range(400)))
    (company.logs / "b.jsonl").write_bytes(text(*range(400)))
    outcomes = company.run()
    assert (
        outcomes["own/b.jsonl"].message == "is a copy or the beginning of a.jsonl, and counts once"
    )
    assert company.count() == (400, 400)


@pytest.mark.parametrize("packing", ["gzip", "zstd"])
def test_packed_log_that_is_cut_off_gives_what_stands_before_the_cut(
    company: Company, packing: str
) -> None:
    name = {"gzip": "a.jsonl.gz", "zstd": "a.jsonl.zst"}[packing]
    lines = [text(n, pad=os.urandom(300).hex()) for n in range(2000)]  # noqa: S311
    with pa.CompressedOutputStream(str(company.logs / name), packing) as stream:
        stream.write(b"".join(lines))
    whole = (company.logs / name).read_bytes()
    company.run()
    assert company.count() == (2000, 2000)
    cut = company.logs / ("b" + name)
    company.source["path"] = str(cut)
    company.source["name"] = "cut"
    cut.write_bytes(whole[: len(whole) // 2])
    outcome = company.run()[f"cut/b{name}"]
    assert outcome.status == "warning"
    assert "is cut off, damaged or still being written" in outcome.message
    given = company.standing("usage_days", "sum(request_count) from standing"
                             " where _scope like 'cut/%' --")[0][0]  # fmt: skip
    assert 500 < given < 1500


def test_log_that_lost_its_end_keeps_what_it_gave(company: Company) -> None:
    log = company.logs / "a.jsonl.gz"
    lines = b"".join(text(n, pad=os.urandom(300).hex()) for n in range(2000))
    log.write_bytes(gzip.compress(lines))
    company.run()
    log.write_bytes(gzip.compress(lines)[:300_000])
    outcome = company.run()["own/a.jsonl.gz"]
    assert outcome.status == "failed"
    assert "what it gave before stays" in outcome.message
    assert company.count() == (2000, 2000)


def test_bad_lines_are_told_with_their_place_and_without_people(company: Company) -> None:
    log = company.logs / "a.jsonl"
    log.write_bytes(
        text(1) + b'{"user": "person-0009@example.com" oops\n\n' + text(2, output=-1) + text(3)
        + b"\xff\xfe\n"
    )  # fmt: skip
    outcome = company.run()["own/a.jsonl"]
    assert outcome.status == "warning"
    assert outcome.message == (
        "2 requests, 3 refused: is not JSON, or has none of the columns that are read (2),"
        " output tokens are not a whole number of 0 or more (1)"
    )
    (quarantine,) = (company.lake.home / "quarantine/usage_logs/usage_days").glob("*.jsonl")
    told = [json.loads(line) for line in quarantine.read_text().splitlines()]
    assert sorted((line["place"], line["record"].get("length")) for line in told) == [
        ("own/a.jsonl:2", 39), ("own/a.jsonl:4", len(text(2, output=-1)) - 1),
        ("own/a.jsonl:6", 2),
    ]  # fmt: skip
    assert "person" not in quarantine.read_text()
    assert company.run()["own/a.jsonl"].status == "warning"


def test_log_of_many_pieces_counts_what_comes_again_once_and_refuses_what_is_wrong(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    # About 14 lines a piece. 450 to 499 stand in another log; 0 to 9 come again, far away.
    monkeypatch.setattr(client, "BLOCK_BYTES", 1 << 10)
    monkeypatch.setattr(client, "PIECE_BYTES", 1 << 12)
    # A part of digests is that of three pieces; the sums of some pieces are added up at a time.
    monkeypatch.setattr(counting, "PART_BYTES", 40 * 8)
    monkeypatch.setattr(counting, "LOOSE_SUMS", 25)
    (company.logs / "a.jsonl").write_bytes(text(*range(450, 600)))
    (company.logs / "b.jsonl").write_bytes(
        text(*range(300)) + b"no\n" + text(*range(300, 500)) + text(*range(10)) + text(600)
    )
    outcomes = company.run()
    assert outcomes["own/a.jsonl"].message == "150 requests"
    # 451 = 300 + 150 of 300 to 449 + number 600; 60 = 50 that the other log gave + the 10.
    assert outcomes["own/b.jsonl"].message == (
        "451 requests, 1 refused: is not JSON, or has none of the columns that are read (1);"
        " 60 repeated"
    )
    assert company.count() == (601, 601)


def test_line_too_long_is_refused_and_those_after_it_are_read(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "BLOCK_BYTES", 1 << 10)
    monkeypatch.setattr(client, "LINE_BYTES", 1 << 14)
    monkeypatch.setattr(client, "PIECE_BYTES", 1 << 12)
    (company.logs / "a.jsonl").write_bytes(
        text(*range(50)) + b'{"a": "' + b"x" * 50_000 + b'"}\n' + text(*range(50, 99)) + b"no\n"
    )
    assert "2 refused" in company.run()["own/a.jsonl"].message
    assert company.count() == (99, 99)
    (quarantine,) = (company.lake.home / "quarantine/usage_logs/usage_days").glob("*.jsonl")
    places = {json.loads(line)["place"] for line in quarantine.read_text().splitlines()}
    assert places == {"own/a.jsonl:51", "own/a.jsonl:101"}


def test_lines_after_a_too_long_one_at_the_end_are_read(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "BLOCK_BYTES", 1 << 12)
    monkeypatch.setattr(client, "LINE_BYTES", 1 << 14)
    (company.logs / "a.jsonl").write_bytes(b"x" * 50_000 + b"\n" + text(1, 2))
    assert company.run()["own/a.jsonl"].message.startswith("2 requests, 1 refused: is longer")


def test_more_refused_than_can_be_told_are_counted(company: Company) -> None:
    (company.logs / "a.jsonl").write_bytes(text(*range(2500), output=-1) + text(1))
    assert "1 request, 2,500 refused" in company.run()["own/a.jsonl"].message


def test_mapped_column_that_is_not_there_is_one_clear_line(company: Company) -> None:
    (company.logs / "a.jsonl").write_bytes(text(1))
    company.source["columns"] = {**COLUMNS, "output_tokens": "completion"}
    outcome = company.run()["own/a.jsonl"]
    assert outcome.status == "failed"
    assert outcome.message == (
        "columns.output_tokens: there is no column completion; there are: id, ts, model, user,"
        " input, output, pad; mend sources.own in valuemaxx.yml"
    )
    assert [o.message for o in check(company.settings())] == [outcome.message]
    company.source["columns"] = {**COLUMNS, "person": "email"}
    outcome = company.run()["own/a.jsonl"]
    assert outcome.status == "warning"
    assert "columns.person: there is no column email" in outcome.message
    assert company.count() == (1, 1)


def test_parquet_is_read_as_json_lines_are(company: Company, tmp_path: Path) -> None:
    numbers = range(300)
    (company.logs / "a.jsonl").write_bytes(text(*numbers))
    company.run()
    (tmp_path / "other").mkdir()
    other = Company(tmp_path / "other")
    table = pa.Table.from_pylist([record(n) for n in numbers])
    times = pa.array([r["ts"][:-1] for r in table.to_pylist()]).cast(pa.timestamp("ns"))
    table = table.set_column(1, "ts", times)
    pq.write_table(table, other.logs / "a.parquet")
    assert other.run()["own/a.parquet"].status == "landed"
    sums = "* exclude (_scope, _batch_id, _extracted_at) from standing order by line_number --"
    assert other.standing("usage_days", sums) == company.standing("usage_days", sums)
    whole = (other.logs / "a.parquet").read_bytes()
    (other.logs / "a.parquet").write_bytes(whole[:-100])
    assert other.run()["own/a.parquet"].status == "failed"
    assert other.count() == (300, 300)
    other.source["columns"] = {**COLUMNS, "person": "email"}
    (other.logs / "a.parquet").write_bytes(whole)
    assert "there is no column email" in other.run()["own/a.parquet"].message
    other.source["columns"] = {**COLUMNS, "occurred_at": "at"}
    assert "columns.occurred_at: there is no column at" in other.run()["own/a.parquet"].message


def test_no_line_is_too_long_for_duckdb_and_not_for_us(company: Company) -> None:
    longest = client.LINE_BYTES + client.BLOCK_BYTES
    for number, length in enumerate((client.LINE_BYTES - 500, longest + 500)):
        lines = text(number, pad="x" * length) + text(number + 10)
        (company.logs / f"{number}.jsonl").write_bytes(lines)
    outcomes = company.run()
    assert outcomes["own/0.jsonl"].message == "2 requests"
    assert outcomes["own/1.jsonl"].message.startswith("1 request, 1 refused: is longer than")


def test_requests_are_kept_where_the_policy_says_so(company: Company) -> None:
    (company.logs / "a.jsonl").write_bytes(text(1, 2, 2))
    company.run()
    assert company.standing("requests", "count(*)") == [(0,)]
    company.run(keep_requests=True)
    select = "count(distinct usage_id), min(occurred_at), sum(output_tokens)"
    ((count, first, output),) = company.standing("requests", select)
    assert (count, str(first), output) == (2, "2026-01-05 10:00:00", 2)
    company.run()
    assert company.standing("requests", "count(*)") == [(0,)]


def test_source_no_longer_configured_is_kept_until_forgotten(company: Company) -> None:
    (company.logs / "a.jsonl").write_bytes(text(1))
    company.run()
    company.source |= {"name": "new", "path": str(company.logs / "nothing*")}
    assert company.run()["own"].status == "missing"
    assert company.count() == (1, 1)
    assert company.run(forget_missing=True)["own"].status == "landed"
    assert company.standing("usage_days", "count(*)") == [(0,)]
    assert list(company.run()) == ["new"]


def test_vendor_keys_are_those_of_the_configuration(company: Company) -> None:
    keys = [{"vendor": "Anthropic", "api_key_id": "k1"}, {"vendor": "openai", "api_key_id": "k2"}]
    company.run(vendor_api_keys=keys)
    company.run(vendor_api_keys=keys[:1])
    rows = company.lake.current(usage_logs.COVERED_API_KEYS, "vendor_api_keys").to_pylist()
    assert rows == [{"vendor": "anthropic", "api_key_id": "k1"}]


def test_run_killed_between_digests_and_sums_loses_nothing(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    (company.logs / "a.jsonl").write_bytes(text(*range(400)))
    landing = usage_logs.BatchWriter._commit

    def killed(batch: usage_logs.BatchWriter) -> None:
        if batch.stream.name == "usage_days":
            raise KeyboardInterrupt
        landing(batch)

    with monkeypatch.context() as patch:
        patch.setattr(usage_logs.BatchWriter, "_commit", killed)
        with pytest.raises(KeyboardInterrupt):
            company.run()
    assert company.lake.batches(usage_logs.REQUEST_DIGESTS)
    (company.logs / "b.jsonl").write_bytes(text(*range(300, 500)))
    (company.logs / "a.jsonl").write_bytes(text(*range(401)))
    company.run()
    assert company.count() == (500, 500)


def test_alone_it_reads_the_logs_of_a_configuration(company: Company, tmp_path: Path) -> None:
    (company.logs / "a.jsonl").write_bytes(text(1, 2))
    config = tmp_path / "valuemaxx.yml"
    systems = {"usage_logs": {"sources": [company.source]}}
    config.write_text(json.dumps({"company": "Example", "systems": systems}))
    command = [sys.executable, "-m", "orchestration.systems.usage_logs", "--config", str(config)]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "own/a.jsonl: landed: 2 requests\n")
    without = subprocess.run(
        command, env=environment(VALUEMAXX_IDENTITY_SALT=""), capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert without.returncode == 1
    assert "VALUEMAXX_IDENTITY_SALT is not set" in without.stderr
