"""The reference company, tiny: the right numbers of records, and nothing that points nowhere."""

import hashlib
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from orchestration import inventory
from orchestration.lake import Lake, LakeError
from orchestration.simulation import reference
from orchestration.systems import files

TEAMS, MONTHS = 2, 2


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("company")
    reference.write(home, teams=TEAMS, months=MONTHS, seed=2)
    return home


@pytest.fixture(scope="module")
def lake(company: Path) -> duckdb.DuckDBPyConnection:
    """A table for every feed."""
    return opened(company)


def opened(home: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    for stream in files.STREAMS:
        batches = Lake(home).folder(stream) / "*.parquet"
        connection.execute(
            f"create table {stream.name} as from read_parquet('{batches}') where not _is_deleted"
        )
    return connection


def value(lake: duckdb.DuckDBPyConnection, query: str) -> object:
    return lake.execute(query).fetchall()[0][0]


def digests(home: Path) -> dict[str, str]:
    return {
        str(path.relative_to(home)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(home.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def other_lake(other_company: Path) -> duckdb.DuckDBPyConnection:
    return opened(other_company)


@pytest.fixture(scope="module")
def other_company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("other")
    reference.write(home, teams=8, months=1, seed=1)
    return home


def test_same_seed_gives_same_bytes(other_company: Path, tmp_path: Path) -> None:
    reference.write(tmp_path, teams=8, months=1, seed=1)
    assert digests(tmp_path) == digests(other_company)


def test_another_seed_gives_another_company(
    lake: duckdb.DuckDBPyConnection, other_lake: duckdb.DuckDBPyConnection
) -> None:
    # Whatever the company's size, a change's lines hang on its number and on the seed alone.
    lines = """
        select list(additions order by pull_request_id) from pull_requests
        where pull_request_id in ('pr-1', 'pr-2', 'pr-3', 'pr-4', 'pr-5')
    """
    assert value(lake, lines) != value(other_lake, lines)


def test_counts_are_the_study_s_per_team_and_month(
    lake: duckdb.DuckDBPyConnection, other_lake: duckdb.DuckDBPyConnection
) -> None:
    # 22,000 people, 9 M changes, 3 M deployments, 30 M commits and 20 M reviews are, for each of
    # 4,000 teams and of 24 months, 5.5, 93.75, 31.25, 312.5 and 208.3.
    for found, teams, team_months in ((lake, TEAMS, TEAMS * MONTHS), (other_lake, 8, 8)):
        assert value(found, "select count(*) from teams where team_id like 'team-%'") == teams
        assert value(found, "select count(distinct person_id) from team_memberships") == 5.5 * teams
        assert value(found, "select count(*) from services") == 1.5 * teams
        # A service's months begin at some fraction of a record: one too many or too few.
        for feed, expected, tolerance in (
            ("pull_requests", 93.75 * team_months, 1.5 * teams),
            ("deployments", 31.25 * team_months, 1.5 * teams),
            ("commits", 312.5 * team_months, 30 * team_months),
            ("pull_request_commits", 312.5 * team_months, 30 * team_months),
            ("reviews", 208.3 * team_months, 20 * team_months),
        ):
            count = value(found, f"select count(*) from {feed}")
            assert count == pytest.approx(expected, abs=tolerance)


def test_the_first_service_and_team_hold_more_than_their_share(
    other_lake: duckdb.DuckDBPyConnection,
) -> None:
    # Of 12 services the first has 1 / (1 + 2^-2/3 + ... + 12^-2/3) = 0.22 of the deployments.
    first = "select count_if(service_id = 'service-0001') / count(*) from deployments"
    assert value(other_lake, first) == pytest.approx(0.22, abs=0.02)
    # 3 people each, and the first 20 * 1 / (1 + 2^-1/2 + ... + 8^-1/2) = 4.6 of the other 20.
    largest = "select count(*) from team_memberships where team_id = 'team-0001'"
    assert value(other_lake, largest) in (7, 8)


@pytest.mark.parametrize(
    ("feed", "column", "target", "key"),
    [
        ("teams", "parent_team_id", "teams", "team_id"),
        ("team_memberships", "team_id", "teams", "team_id"),
        ("services", "team_id", "teams", "team_id"),
        ("pull_requests", "repository", "services", "repository"),
        ("pull_requests", "merge_commit_sha", "commits", "commit_sha"),
        ("pull_request_commits", "pull_request_id", "pull_requests", "pull_request_id"),
        ("pull_request_commits", "commit_sha", "commits", "commit_sha"),
        ("commits", "commit_sha", "pull_request_commits", "commit_sha"),
        ("commits", "reverted_commit_shas", "commits", "commit_sha"),
        ("reviews", "pull_request_id", "pull_requests", "pull_request_id"),
        ("deployments", "service_id", "services", "service_id"),
        ("deployments", "commit_sha", "pull_requests", "merge_commit_sha"),
        ("deployments", "remediates_incident_id", "incidents", "incident_id"),
        ("deployment_commits", "deployment_id", "deployments", "deployment_id"),
        ("deployment_commits", "commit_sha", "commits", "commit_sha"),
        ("incidents", "service_id", "services", "service_id"),
        ("incidents", "caused_by_deployment_id", "deployments", "deployment_id"),
        ("issues", "team_id", "teams", "team_id"),
        ("issues", "service_id", "services", "service_id"),
        ("issues", "pull_request_ids", "pull_requests", "pull_request_id"),
        ("ai_usage", "person_id", "team_memberships", "person_id"),
        ("seats", "person_id", "team_memberships", "person_id"),
        ("budgets", "cost_center", "teams", "cost_center"),
        ("initiatives", "team_id", "teams", "team_id"),
    ],
)
def test_every_reference_resolves(
    lake: duckdb.DuckDBPyConnection, feed: str, column: str, target: str, key: str
) -> None:
    assert value(lake, f"select count({column}) from {feed}")
    lost = f"""
        select count(*) from {feed} as source anti join {target} as target
        on source.{column} = target.{key} where source.{column} is not null
    """
    assert value(lake, lost) == 0


def test_authors_and_reviewers_are_people_or_bots_and_nobody_reviews_alone(
    lake: duckdb.DuckDBPyConnection,
) -> None:
    people = "(select person_id from team_memberships)"
    for feed, person, is_bot in (
        ("pull_requests", "author_id", "author_is_bot"),
        ("commits", "author_id", "author_is_bot"),
        ("reviews", "reviewer_id", "reviewer_is_bot"),
    ):
        wrong = f"select count(*) from {feed} where ({person} in {people}) = {is_bot}"
        assert value(lake, wrong) == 0
    own = "select count(*) from reviews join pull_requests using (pull_request_id)"
    assert value(lake, f"{own} where reviewer_id = author_id") == 0


@pytest.mark.parametrize("stream", files.STREAMS, ids=lambda stream: stream.name)
def test_keys_are_unique_and_required_columns_filled(
    lake: duckdb.DuckDBPyConnection, stream: files.Stream
) -> None:
    keys = ", ".join(stream.key)
    if keys:
        doubled = f"select count(*) - count(distinct ({keys})) from {stream.name}"
        assert value(lake, doubled) == 0
    feed = next(feed for feed in files.FEEDS if feed.name == stream.name)
    for column in feed.columns:
        if column.is_required:
            name = column.lands_as or column.name
            assert value(lake, f"select count(*) - count({name}) from {stream.name}") == 0
        if column.values:
            listed = ", ".join(f"'{allowed}'" for allowed in column.values)
            odd = f"select count(*) from {stream.name} where {column.name} not in ({listed})"
            assert value(lake, odd) == 0
    for earlier, later in feed.ordered:
        assert value(lake, f"select count(*) from {stream.name} where {later} < {earlier}") == 0


@pytest.mark.parametrize(
    "wrong",
    [
        "reviews r join pull_requests p using (pull_request_id)"
        " where submitted_at not between created_at and coalesce(closed_at, '2024-09-01')",
        "pull_request_commits c join pull_requests p using (pull_request_id)"
        " where c.authored_at not between p.first_commit_at and p.created_at",
        "deployment_commits join deployments d using (deployment_id)"
        " join pull_request_commits c on deployment_commits.commit_sha = c.commit_sha"
        " join pull_requests p using (pull_request_id)"
        " where not merged_at <= finished_at or environment <> 'production'"
        " or status <> 'success'",
        "incidents i join deployments d on deployment_id = caused_by_deployment_id"
        " where opened_at not between finished_at and finished_at + interval 21 hours"
        " or i.service_id <> d.service_id",
        "deployments d join incidents i on incident_id = remediates_incident_id"
        " where finished_at < opened_at or i.service_id <> d.service_id",
        "ai_usage where isodow(occurred_at) > 5 or occurred_at >= '2024-09-01'",
        "pull_requests where merged_at >= '2024-09-01' or first_commit_at < '2024-07-01'",
        "issues where created_at < '2024-07-01' or started_at < created_at",
    ],
)
def test_the_order_of_events_is_that_of_life(lake: duckdb.DuckDBPyConnection, wrong: str) -> None:
    assert value(lake, f"select count(*) from {wrong}") == 0


def test_a_change_ships_with_its_service_s_next_deployment(
    lake: duckdb.DuckDBPyConnection,
) -> None:
    next_deployments = """
        select
            pull_request_id,
            (
                select min(finished_at) from deployments
                where environment = 'production' and status = 'success'
                and deployments.service_id = services.service_id
                and finished_at >= merged_at
            ) as expected_at
        from pull_requests inner join services using (repository)
        where services.service_id in ('service-0001', 'service-0003')
    """
    told = """
        select pull_request_id, min(finished_at) as told_at, count(*) as commits
        from deployment_commits inner join deployments using (deployment_id)
        inner join pull_request_commits
            on pull_request_commits.commit_sha = deployment_commits.commit_sha
        group by pull_request_id
    """
    wrong = f"""
        select count(*) from ({next_deployments}) full join ({told}) using (pull_request_id)
        where expected_at is distinct from told_at
    """
    assert value(lake, wrong) == 0


def test_only_people_of_teams_that_took_ai_up_use_it(lake: duckdb.DuckDBPyConnection) -> None:
    # A seat is given on the day the team takes AI up, to those who will use it.
    early = """
        select count(*) from ai_usage u left join seats s using (person_id)
        where s.person_id is null or u.occurred_at < s.assigned_on
    """
    moved = "(select person_id from team_memberships group by all having count(*) > 1)"
    assert value(lake, f"{early} and person_id not in {moved}") == 0
    assert value(lake, "select count(*) > 0 from ai_usage")


def test_the_bill_is_the_tokens_at_list_price(lake: duckdb.DuckDBPyConnection) -> None:
    # Claude Haiku 4.5 on one day, dollars a million tokens: input 1, read 0.1, write 1.25 and 2,
    # output 5.
    mismatch = """
        with used as (
            select
                cast(occurred_at as date) as cost_date,
                sum(
                    1000 * uncached_input_tokens + 100 * cache_read_tokens
                    + 1250 * cache_write_5m_tokens + 2000 * cache_write_1h_tokens
                    + 5000 * output_tokens
                ) / 1e9 as usd
            from ai_usage where model = 'claude-haiku-4-5' group by all
        )
        select count(*) from used full join (from ai_costs where model = 'claude-haiku-4-5') c
        using (cost_date) where (abs(usd - amount) > 0.0051) is not false
    """
    assert value(lake, mismatch) == 0
    # The second month's invoice comes on the day from which the company is looked at: too late.
    unbilled = """
        with reported as (
            select vendor, sum(amount) as amount from ai_costs
            where cost_date < '2024-08-01' group by vendor
        )
        select count(*) from invoices full join reported using (vendor)
        where (abs(invoices.amount - reported.amount) > 0.5) is not false
    """
    assert value(lake, unbilled) == 0


def test_the_lake_takes_it_for_files_that_were_read(company: Path) -> None:
    lake = Lake(company)
    batches = [batch for stream in files.STREAMS for batch in lake.batches(stream)]
    assert {batch.scope for batch in batches} >= {
        "teams.parquet",
        "ai_usage-2024-07.parquet",
        "ai_usage-2024-08.parquet",
    }
    for batch in batches:
        assert pq.read_metadata(batch.path).num_rows == max(batch.rows_landed, 1)
        assert batch.rows_quarantined == 0
    listed = lake.current(inventory.BATCHES, "lake").to_pylist()
    assert {(b["stream"], b["batch_id"], b["rows_landed"]) for b in listed} == {
        (batch.path.parent.name, batch.batch_id, batch.rows_landed) for batch in batches
    }
    assert {s["stream"] for s in lake.current(inventory.STREAM_LIST, "lake").to_pylist()} == {
        stream.name for stream in files.STREAMS
    }
    assert inventory.troubles(lake, "files") == []
    assert lake.set_aside() == []


def test_a_lake_with_records_is_left_alone(company: Path) -> None:
    before = digests(company)
    with pytest.raises(LakeError, match="holds records already"):
        reference.write(company, teams=1, months=1, seed=1)
    assert digests(company) == before
