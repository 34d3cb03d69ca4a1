"""What becomes of files that change, vanish, move, are broken or are no feed at all."""

import gzip
import os
import random
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.identity import Identity
from orchestration.lake import Lake
from orchestration.systems import files
from orchestration.systems.files import FilesSettings, client, extract
from tests.conftest import environment
from tests.integration.test_files_feeds import FEEDS_BY_NAME, IDENTITY, Desk

TEAMS = "team_id,team_name\n"
ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def names(desk: Desk, scope: str = "teams.csv") -> list[str]:
    return sorted(row["team_name"] for row in desk.landed("teams", scope))


def batch_count(desk: Desk) -> int:
    return len(desk.lake.batches(FEEDS_BY_NAME["teams"].stream))


def test_unchanged_file_is_not_landed_again(desk: Desk) -> None:
    desk.write("teams.csv", TEAMS + "a,A\n")
    assert desk.run()["teams.csv"].status == "landed"
    assert desk.run()["teams.csv"].status == "unchanged"
    assert batch_count(desk) == 1


def test_full_refresh_lands_unchanged_files_again(desk: Desk) -> None:
    desk.write("teams.csv", TEAMS + "a,A\n")
    desk.run()
    assert desk.run(full_refresh=True)["teams.csv"].status == "landed"
    assert (batch_count(desk), names(desk)) == (2, ["A"])


def test_changed_file_replaces_what_it_gave_even_with_the_same_size_and_time(desk: Desk) -> None:
    desk.write("teams.csv", TEAMS + "a,A\nb,B\n")
    desk.run()
    times = (desk.folder / "teams.csv").stat()
    desk.write("teams.csv", TEAMS + "a,C\nd,D\n")
    os.utime(desk.folder / "teams.csv", ns=(times.st_atime_ns, times.st_mtime_ns))
    assert desk.run()["teams.csv"].status == "landed"
    assert names(desk) == ["C", "D"]


def test_new_salt_reads_the_file_again(desk: Desk) -> None:
    desk.write("teams.csv", TEAMS + "a,A\n")
    desk.run()
    settings = FilesSettings(folder=desk.folder)
    (outcome,) = extract(desk.lake, Identity("another salt"), settings)
    assert outcome.status == "landed"


def test_removed_file_is_reported_and_keeps_what_it_gave(desk: Desk) -> None:
    desk.write("teams.csv", TEAMS + "a,A\n")
    desk.run()
    (desk.folder / "teams.csv").unlink()
    for _ in range(2):
        assert desk.run()["teams.csv"].status == "missing"
        assert names(desk) == ["A"]


def test_forgotten_file_gives_nothing_until_it_is_back(desk: Desk) -> None:
    desk.write("teams.csv", TEAMS + "a,A\n")
    desk.run()
    (desk.folder / "teams.csv").unlink()
    assert "forgotten" in desk.run(forget_missing=True)["teams.csv"].message
    assert (names(desk), desk.run()) == ([], {})
    desk.write("teams.csv", TEAMS + "a,A\n")
    assert desk.run()["teams.csv"].status == "landed"
    assert names(desk) == ["A"]


def test_renamed_file_counts_once_without_a_key_to_tell(desk: Desk) -> None:
    costs = "vendor,cost_date,amount,currency\nx,2026-01-01,5,USD\n"
    desk.write("ai_costs.csv", costs)
    desk.run()
    (desk.folder / "ai_costs.csv").rename(desk.folder / "ai_costs-january.csv")
    assert "ai_costs-january.csv" in desk.run()["ai_costs.csv"].message
    assert desk.landed("ai_costs", "ai_costs.csv") == []
    assert len(desk.landed("ai_costs", "ai_costs-january.csv")) == 1
    assert list(desk.run()) == ["ai_costs-january.csv"]


def test_file_and_its_copy_count_once(desk: Desk) -> None:
    costs = "vendor,cost_date,amount,currency\nx,2026-01-01,5,USD\n"
    desk.write("ai_costs.csv", costs)
    desk.write("ai_costs-copy.csv", costs)
    for _ in range(2):
        outcome = desk.run()["ai_costs.csv"]  # `-` sorts before `.`: this is the second one
        assert (outcome.status, "counts once" in outcome.message) == ("warning", True)
        assert desk.landed("ai_costs", "ai_costs.csv") == []
        assert len(desk.landed("ai_costs", "ai_costs-copy.csv")) == 1
    (desk.folder / "ai_costs-copy.csv").unlink()
    desk.run()
    assert len(desk.landed("ai_costs", "ai_costs.csv")) == 1
    assert desk.landed("ai_costs", "ai_costs-copy.csv") == []


def test_emptied_file_replaces_what_it_gave(desk: Desk) -> None:
    desk.write("teams.csv", TEAMS + "a,A\n")
    desk.run()
    desk.write("teams.csv", TEAMS)
    assert desk.run()["teams.csv"].message == "0 records"
    assert names(desk) == []


def test_files_are_found_by_name_in_the_folder_and_below(desk: Desk) -> None:
    for scope in ("teams.csv", "teams-north.csv", "teams/south.csv", "Teams-EAST.CSV"):
        desk.write(scope, TEAMS + f"{scope},{scope}\n")
    for dropping in (".DS_Store", "~$teams.csv", "teams.csv~", ".hidden/teams.csv", "Thumbs.db"):
        desk.write(dropping, "x")
    outcomes = desk.run()
    assert sorted(outcomes) == ["Teams-EAST.CSV", "teams-north.csv", "teams.csv", "teams/south.csv"]
    assert {o.status for o in outcomes.values()} == {"landed"}


def test_unknown_file_names_the_nearest_feed(desk: Desk) -> None:
    desk.write("pull_request.csv", "x")
    desk.write("teams.xlsx", "x")
    outcomes = desk.run()
    assert outcomes["pull_request.csv"].status == "warning"
    assert "nearest is pull_requests" in outcomes["pull_request.csv"].message
    assert ".csv, .jsonl or .parquet" in outcomes["teams.xlsx"].message


def test_what_nobody_would_take_for_a_feed_is_passed_over(desk: Desk) -> None:
    for scope in ("truth.json", "valuemaxx.yml", "README"):
        desk.write(scope, "x")
    assert desk.run() == {}


def test_folder_that_no_feed_is_named_after_is_told_of_once(desk: Desk) -> None:
    for scope in ("truth/a.csv", "truth/b.parquet", "truth/notes.txt"):
        desk.write(scope, "x")
    outcomes = desk.run()
    assert list(outcomes) == ["truth/"]
    assert outcomes["truth/"].status == "warning"


def test_missing_folder_says_how_to_mend_it(desk: Desk) -> None:
    settings = FilesSettings(folder=desk.folder / "nowhere")
    for (outcome,) in (
        list(extract(desk.lake, IDENTITY, settings)), list(files.check(settings))
    ):  # fmt: skip
        assert (outcome.status, outcome.scope) == ("failed", "nowhere")
        assert "systems.files.folder" in outcome.message


def test_unknown_columns_are_reported_and_ignored(desk: Desk) -> None:
    desk.write("teams.csv", "team_id,Colour,team_name,ann@example.com\na,red,A,x\n")
    outcome = desk.run()["teams.csv"]
    assert outcome.status == "warning"
    assert "ignored: colour, address_" in outcome.message
    assert names(desk) == ["A"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("teams.csv", b"", "is empty"),
        ("teams.csv", b"\n \n", "no header line"),
        ("teams.jsonl", b"", "is empty"),
        ("teams.csv", b"team_id,team_id,team_name\na,b,c\n", "team_id stands twice"),
        ("teams.csv", TEAMS.encode("utf-16"), "UTF-16"),
        ("teams.csv", TEAMS.encode("utf-16-le"), "UTF-16"),
        ("teams.csv", b"PK\x03\x04rest of a workbook", "Excel"),
        ("teams.csv", gzip.compress(TEAMS.encode(), mtime=0), ".gz"),
        ("teams.csv", b"team_id,team_name\ra,A\r", "CR alone"),
        ("teams.csv", b"team_\xff,team_name\na,A\n", "not UTF-8"),
        ("teams.csv", b'"team_id,team_name\na,A\n', "quotes do not close"),
        ("teams.csv", b"<!doctype html><html></html>", "team_id, team_name missing"),
        ("teams.csv.gz", gzip.compress(TEAMS.encode() * 9999, mtime=0)[:-20], "not whole gzip"),
        ("teams.csv.gz", b"\x1f\x8bnot gzip", "not whole gzip"),
        ("teams.csv.gz", TEAMS.encode(), "not whole gzip"),
        ("teams.parquet", b"PAR1 and no more", "not whole Parquet"),
        ("teams.parquet", b"team_id", "not Parquet"),
        ("teams.parquet.gz", gzip.compress(b"PAR1 and no more", mtime=0), "not whole Parquet"),
    ],
)
def test_unreadable_file_fails_with_one_line(
    desk: Desk, name: str, content: bytes, message: str
) -> None:
    desk.write("services.csv", "service_id\ns\n")
    desk.write(name, content)
    outcomes = desk.run()
    assert outcomes[name].status == "failed"
    assert message in outcomes[name].message
    assert "\n" not in outcomes[name].message
    assert desk.lake.batches(FEEDS_BY_NAME["teams"].stream) == []
    assert outcomes["services.csv"].status == "landed"
    failing = {o.scope: o.status for o in files.check(FilesSettings(folder=desk.folder))}
    assert failing["services.csv"] == "unchanged"
    # `check` reads the beginning only: what is cut off far behind it is for the run to find.
    assert failing[name] == "failed" or "whole gzip" in message


def test_link_to_nothing_and_pipe_fail_without_waiting(desk: Desk) -> None:
    (desk.folder / "teams.csv").symlink_to(desk.folder / "gone")
    os.mkfifo(desk.folder / "services.csv")
    assert {o.status for o in desk.run().values()} == {"failed"}


def test_names_that_try_to_get_out_stay_in_the_lake(desk: Desk) -> None:
    odd = ["teams-..%2f..%2fx.csv", "teams-a;drop table x.csv", "teams-b\nc.csv", "teams-é'\".csv"]
    for number, name in enumerate([*odd, f"teams-{'x' * 200}.csv"]):
        desk.write(name, TEAMS + f"{number},A\n")
    outcomes = desk.run()
    assert {o.status for o in outcomes.values()} == {"landed"}
    assert len(outcomes) == 5
    assert all("\n" not in scope for scope in outcomes)
    folder = desk.lake.folder(FEEDS_BY_NAME["teams"].stream)
    written = [p for p in desk.lake.home.rglob("*") if p.is_file()]
    assert len(written) == 5
    assert {p.parent for p in written} == {folder}
    assert desk.run().keys() == outcomes.keys()


def test_formulas_sql_and_odd_text_are_landed_as_they_are(desk: Desk) -> None:
    odd = ["=cmd|'/c calc'!A1", "'); drop table teams; --", "日本語", "a\tb", "0" * 10_000, "NaN"]
    records = "".join(f'{number},"{name}"\n' for number, name in enumerate(odd))
    desk.write("teams.csv", TEAMS + records)
    desk.run()
    assert names(desk) == sorted(odd)


def test_text_that_is_too_long_or_holds_nul_is_quarantined(desk: Desk) -> None:
    desk.write("teams.csv", TEAMS + f"a,{'x' * 10_001}\nb,{'é' * 10_000}\nc,x\0y\n")
    desk.write("teams-nul.jsonl", '{"team_id": "d", "team_name": "x\\u0000y"}\n')
    desk.run()
    assert [row["team_id"] for row in desk.landed("teams", "teams.csv")] == ["b"]
    reasons = [r["reason"] for r in desk.quarantined("teams", "teams.csv")]
    assert reasons == [
        "team_name is longer than 10,000 characters", "team_name holds a NUL character"
    ]  # fmt: skip
    (refused,) = desk.quarantined("teams", "teams-nul.jsonl")
    assert refused["reason"] == "team_name holds a NUL character"


def test_malformed_lines_are_quarantined_by_line_without_their_text(desk: Desk) -> None:
    desk.write(
        "teams.csv",
        TEAMS.encode()
        + b'a,A\nb\nc,C,C\n\nd,"two\nlines"\ne,"open\nf,F\ng,caf\xe9\nh,H\n"i"x,I\nj,J\n',
    )
    desk.write("teams.jsonl", '{"team_id": "k", "team_name": "K"}\n[1]\nsecret\n{"team_id": NaN}\n')
    outcomes = desk.run()
    assert {o.status for o in outcomes.values()} == {"warning"}
    assert names(desk) == ["A", "F", "H", "J", "two\nlines"]
    refused = desk.quarantined("teams", "teams.csv")
    # Lines: header 1, a 2, b 3, c 4, blank 5, d 6-7, e 8, f 9, g 10, h 11, i 12, j 13.
    assert [(r["place"], r["record"]) for r in refused] == [
        ("teams.csv:3", {"length": 2}),
        ("teams.csv:4", {"length": 6}),
        ("teams.csv:8", {"length": 8}),
        ("teams.csv:10", {"length": 7}),
        ("teams.csv:12", {"length": 7}),
    ]
    assert names(desk, "teams.jsonl") == ["K"]
    refused = desk.quarantined("teams", "teams.jsonl")
    assert [r["place"][-2:] for r in refused] == [":2", ":3", ":4"]
    assert "secret" not in str(refused)


@pytest.mark.parametrize("name", ["teams.csv", "teams.jsonl"])
def test_endless_line_is_refused_without_being_held(
    desk: Desk, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "LINE_BYTES", 1000)
    monkeypatch.setattr(client, "BLOCK_BYTES", 3000)
    row = {"csv": '{n},"T"\n', "jsonl": '{{"team_id":"{n}","team_name":"T"}}\n'}[name.split(".")[1]]
    head = TEAMS if name == "teams.csv" else ""
    desk.write(name, head + row.format(n="a") + "y" * 100_000 + "\n" + row.format(n="b"))
    desk.run()
    assert sorted(r["team_id"] for r in desk.landed("teams", name)) == ["a", "b"]
    (refused,) = desk.quarantined("teams", name)
    assert refused["reason"] == "is longer than 1,000 bytes"
    assert refused["record"] == {"length": 100_001}


def test_gigabyte_line_takes_no_gigabyte_of_memory(tmp_path: Path) -> None:
    folder = tmp_path / "feeds"
    folder.mkdir()
    with (folder / "teams.csv").open("wb") as stream:
        stream.write(TEAMS.encode() + b"b,B\n" + b"y" * 10_000)
        stream.truncate(1 << 30)  # a sparse file: NUL bytes, which take no disk
        stream.seek(0, os.SEEK_END)
        stream.write(b"\na,A\n")
    config = tmp_path / "valuemaxx.yml"
    config.write_text("company: Example\n")
    command = [
        sys.executable, "-c",
        "import resource, sys; from orchestration.extraction import alone;"
        "alone('files', sys.argv[1:]); print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)",
        "--config", str(config),
    ]  # fmt: skip
    done = subprocess.run(
        command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=True
    )
    assert "2 records, 1 refused: is longer than 1,048,576 bytes" in done.stderr
    assert int(done.stdout) < 500_000  # kilobytes


def test_parquet_that_is_not_exact_is_quarantined_or_fails(desk: Desk) -> None:
    def write(name: str, **columns: pa.Array) -> None:
        count = len(next(iter(columns.values())))
        whole = {
            "vendor": pa.array(["x"] * count), "cost_date": pa.array(["2026-01-01"] * count),
            "amount": pa.array(["1"] * count), "currency": pa.array(["USD"] * count),
        }  # fmt: skip
        pq.write_table(pa.table(whole | columns), desk.folder / name)

    write("ai_costs-float.parquet", amount=pa.array([2.0, 0.1, float("nan"), 2.0**60]))
    write("ai_costs-decimal.parquet", amount=pa.array(["1.50", "2.25"]).cast(pa.decimal128(20, 2)))
    write("ai_costs-coded.parquet", vendor=pa.array(["y", "z"]).dictionary_encode())
    write("ai_costs-nested.parquet", vendor=pa.array([{"name": "y"}]))
    outcomes = desk.run()
    (row,) = desk.landed("ai_costs", "ai_costs-float.parquet")
    assert row["amount"] == 2
    refused = desk.quarantined("ai_costs", "ai_costs-float.parquet")
    assert [(r["place"].split(":")[1], r["reason"]) for r in refused] == [
        (row, "amount is a float, which is not exact") for row in ("2", "3", "4")
    ]
    assert [str(r["amount"]) for r in desk.landed("ai_costs", "ai_costs-decimal.parquet")] == [
        "1.500000000", "2.250000000"
    ]  # fmt: skip
    vendors = [row["vendor"] for row in desk.landed("ai_costs", "ai_costs-coded.parquet")]
    assert sorted(vendors) == ["y", "z"]
    assert outcomes["ai_costs-nested.parquet"].status == "failed"
    assert "column vendor holds struct" in outcomes["ai_costs-nested.parquet"].message


CELLS = [
    "a", "b", "", " ", "2026-01-02", "2026-01-02T03:04:05+02:00", "1", "-1", "NaN", "1e999",
    "x" * 40, "'",
    "\\", "é", "\t", "=1+1", "99999999999999999999", "true", "\x0b", "a@b.example", "--",
]  # fmt: skip


def garbage(seed: int, rows: int, quotes: bool) -> bytes:
    """Lines of any number of odd cells under the header of incidents; some are good records."""
    chance = random.Random(seed)  # noqa: S311
    lines = [b"incident_id,opened_at,service_id,resolved_at"]
    for number in range(rows):
        cells = [chance.choice(CELLS) for _ in range(chance.choice([0, 1, 3, 4, 4, 4, 4, 5]))]
        if chance.random() < 0.5:
            cells = [f"i{chance.randrange(rows)}", "2026-01-02", *cells[2:4]]
        line = ",".join(cells).encode() or b"?"
        if chance.random() < 0.05:
            line += b"\xff\xfe"
        if quotes and chance.random() < 0.2:
            place = chance.randrange(len(line))
            line = line[:place] + b'"' + line[place:]
        if quotes and chance.random() < 0.05:
            line = f'q{number},2026-01-02,"two\nlines",'.encode()
        lines.append(line.strip() or b"?")
    return chance.choice([b"\n", b"\r\n"]).join(lines)


@pytest.mark.parametrize("seed", range(10))
def test_every_record_is_landed_or_quarantined(
    desk: Desk, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without quotes, a record is a line, so the lines of the file can be counted by hand."""
    monkeypatch.setattr(client, "BLOCK_BYTES", [50, 1000, 1 << 23][seed % 3])
    monkeypatch.setattr(client, "CHUNK_ROWS", [7, 50_000][seed % 2])
    content = garbage(seed, 60, quotes=False)
    desk.write("incidents.csv", content)
    desk.run()
    batch = desk.lake.newest(FEEDS_BY_NAME["incidents"].stream)["incidents.csv"]
    landed = desk.landed("incidents", "incidents.csv")
    refused = desk.quarantined("incidents", "incidents.csv")
    assert (len(landed), len(refused)) == (batch.rows_landed, batch.rows_quarantined)
    assert len(landed) + len(refused) == 60
    assert 0 < len(landed) < 60
    places = [int(r["place"].split(":")[1]) for r in refused]
    assert len(set(places)) == len(places)
    assert set(places) <= set(range(2, 62))


@pytest.mark.parametrize("seed", range(10))
def test_how_a_file_is_cut_into_blocks_changes_nothing(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Blocks of any size, the quick way and the record-by-record way: one result."""
    content = garbage(seed, 60, quotes=seed % 2 == 0)
    results = []
    for number, (block, chunk, is_quick) in enumerate(
        [(1 << 23, 50_000, True), (1 << 23, 50_000, False), (90, 50_000, True), (90, 3, True)]
    ):
        with monkeypatch.context() as patch:
            patch.setattr(client, "BLOCK_BYTES", block)
            patch.setattr(client, "CHUNK_ROWS", chunk)
            if not is_quick:
                patch.setattr(client, "_plain_cells", lambda *_: None)
            (tmp_path / str(number)).mkdir()
            desk = Desk(tmp_path / str(number))
            desk.write("incidents.csv", content)
            desk.run()
        landed = sorted(desk.landed("incidents", "incidents.csv"), key=str)
        refused = sorted(map(str, desk.quarantined("incidents", "incidents.csv")))
        results.append((landed, refused))
    assert results[0] == results[1] == results[2] == results[3]
    assert results[0][0]
    assert results[0][1]


def test_file_written_to_while_it_is_read_fails(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.write("teams.csv", TEAMS + "a,A\n")
    check_magic = client._check_magic

    def meanwhile(head: bytes, format: str) -> None:  # noqa: A002
        desk.write("teams.csv", TEAMS + "a,A\nb,B\n")
        check_magic(head, format)

    with monkeypatch.context() as patch:
        patch.setattr(client, "_check_magic", meanwhile)
        assert "while it was read" in desk.run()["teams.csv"].message
    assert desk.run()["teams.csv"].status == "landed"
    assert names(desk) == ["A", "B"]


def test_standalone_command_reads_a_folder(desk: Desk, tmp_path: Path) -> None:
    desk.write("teams.csv", TEAMS + "a,A\n")
    config = tmp_path / "alone.yml"
    config.write_text(f"systems: {{files: {{folder: {desk.folder}}}}}\n")
    command = [sys.executable, "-m", "orchestration.systems.files", "--config", str(config)]
    home = tmp_path / "alone"
    done = subprocess.run(
        [*command, "--home", str(home)], cwd=ROOT, env=environment(), capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    assert "teams.csv: landed: 1 record" in done.stderr
    assert len(Lake(home).current(FEEDS_BY_NAME["teams"].stream, "teams.csv")) == 1
