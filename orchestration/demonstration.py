"""`valuemaxx demo`: a simulated company, run as a real one would be, and shown.

`valuemaxx simulate`: any of the worlds, written where it is wanted.
"""

import contextlib
import logging
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import duckdb
import yaml
from rich.table import Table

from orchestration import running, settings
from orchestration.settings import SettingsError
from orchestration.simulation.worlds import WORLDS

log = logging.getLogger(__name__)

Form = Literal["feeds", "lake"]
WORLD = WORLDS["demo"]
REFERENCE = "reference"  # the company that benchmarks run on, written as a lake by SQL; no truth
NAMES = (*WORLDS, REFERENCE)
LARGEST = 1000  # teams
SEED = 1
# The simulated people are nobody, so this salt keeps nothing secret. A real run wants its own.
SALT = "the demonstration hides nobody"

SPENT = """
    select
        strftime(period_start, '%Y-%m'), ai_cost_usd, merged_pull_request_count,
        cost_usd_per_merged_pull_request, cost_usd_per_successful_deployment,
        100 * cache_read_share
    from cost.unit_economics_quarterly
    where scope_type = 'organization' and not is_partial_period
    order by period_start
"""
DELIVERY = """
    select
        strftime(period_start, '%Y-%m'), deployments_per_week, median_change_lead_time_hours,
        mean_coding_hours, mean_pickup_hours + mean_review_hours, 100 * change_fail_rate,
        median_failed_deployment_recovery_hours
    from dora.dora_quarterly
    where scope_type = 'organization' and not is_partial_period
    order by period_start
"""
QUALITY = """
    select
        strftime(period_start, '%Y-%m'), merged_pull_requests_per_active_contributor,
        median_pull_request_line_count, median_hours_to_first_review,
        100 * unreviewed_merge_share, 100 * opened_bugs_per_merged_pull_request,
        incident_count
    from quality.quality_quarterly
    where scope_type = 'organization' and not is_partial_period
    order by period_start
"""
QUERIES = (
    (
        "Which teams' changes wait longest for production?",
        "select scope_name, round(median_change_lead_time_hours) as hours, change_count"
        " from dora.dora_quarterly where scope_type = 'team' and not is_partial_period"
        " order by period_start desc, hours desc nulls last limit 5",
    ),
    (
        "What did each model cost, month by month?",
        "select date_trunc('month', usage_date) as month, model, sum(metered_cost_usd) as usd"
        " from cost.ai_cost_daily group by all order by all",
    ),
    (
        "Which deployments failed last, and how do we know?",
        "select deployment_id, finished_at, failure_link_method, recovery_seconds"
        " from dora.fct_deployments where is_failed order by finished_at desc limit 10",
    ),
)


def run(home: Path | None, *, over_http: bool = False) -> Iterator[Table | str]:
    """Simulates the demo's company in ``home`` (default ``.valuemaxx``), runs valuemaxx on it as
    a user would, and yields what to show. ``over_http``: what vendors would have of it is served by
    local servers that speak their APIs. Raises SettingsError if the home is a real one."""
    where = (home or Path(".valuemaxx")).absolute()
    config = where / settings.CONFIG_NAME
    if (where / "lake").exists() and not config.exists():
        raise SettingsError(f"{where} holds data of yours; show the demo elsewhere with --home")
    # Not the package's head: whoever only runs the pipeline does not load the simulation.
    from orchestration import simulation

    folder = where / "feeds"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    log.info("simulating a company")
    company = simulation.simulate(WORLD, SEED)
    people = len({membership.person for membership in company.team_memberships})
    facts = (
        f"\nA simulated company: {WORLD.teams} teams, {people} people, {WORLD.months} months, "
        f"{len(company.pull_requests):,} pull requests.\nWhat was planted: {WORLD.description}\n"
    )
    as_of = company.as_of.strftime("%Y-%m-%d")
    settings.export({settings.SALT: SALT})
    with contextlib.ExitStack() as stack:
        if over_http:
            from orchestration.simulation.vendors.portfolio import portfolio

            vendors = portfolio(company)
            settings.export(vendors.secrets)
            systems = stack.enter_context(vendors.serving(where))
        else:
            simulation.feeds.write(company, folder)
            systems = {"files": {"folder": "feeds"}}
        del company  # from here on there are the files and the servers
        written = {"company": "Example Ltd", "systems": systems}
        config.write_text(yaml.safe_dump(written, sort_keys=False), encoding="utf-8")
        current = settings.load(config, where, as_of)
        published = running.run(current, running.Options()) / "valuemaxx.duckdb"
    yield facts
    with duckdb.connect(str(published), read_only=True) as tables:
        yield from _story(tables)
    yield f"\nThe tables: {published}\nTry, with any DuckDB client:"
    for question, query in QUERIES:
        yield f"  -- {question}\n  {query};"


def write(
    folder: Path,
    name: str | None,
    teams: int | None,
    months: int | None,
    seed: int,
    form: Form,
) -> Iterator[str]:
    """Writes a company into ``folder``: as feeds with truth.json and truth/ beside them, or as
    the lake of a home. Yields a line per thing written. Raises SettingsError."""
    if folder.exists() and any(folder.iterdir()):
        raise SettingsError(f"{folder} is not empty; --out wants a new folder")
    name = name or (REFERENCE if form == "lake" else WORLD.name)
    if name == REFERENCE:
        if form != "lake":
            raise SettingsError(f"the world {REFERENCE} is written with --form lake only")
        from orchestration.simulation import reference

        reference.write(folder, teams=teams or 4000, months=months or 24, seed=seed)
        yield f"{folder / 'lake'}: {teams or 4000} teams, {months or 24} months"
        return
    if name not in NAMES:
        raise SettingsError(f"no world {name!r}; there are {', '.join(NAMES)}")
    if teams and teams > LARGEST:
        raise SettingsError(
            f"{teams:,} teams are more than a world's {LARGEST:,}: it is lived event by event; "
            f"leave --world out and add --form lake for the {REFERENCE} company, made by SQL"
        )
    from orchestration import simulation
    from orchestration.simulation import truth

    company = simulation.simulate(WORLDS[name], seed, teams=teams, months=months)
    folder.mkdir(parents=True, exist_ok=True)
    if form == "lake":
        simulation.feeds.write_lake(company, folder, SALT, WORLDS[name].messiness)
        yield f"{folder / 'lake'}: {len(company.pull_requests):,} pull requests"
    else:
        simulation.feeds.write(company, folder, WORLDS[name].messiness)
        yield f"{folder}: a feed per file, {len(company.pull_requests):,} pull requests"
    truth.write(company, folder)
    yield f"{folder / 'truth.json'} and {folder / 'truth'}: what was planted, and every metric"


def _story(tables: duckdb.DuckDBPyConnection) -> Iterator[Table | str]:
    spent = _Shown(
        tables, "What was spent on AI, and on how many merged changes", SPENT,
        {"quarter": "", "USD": ",.0f", "merged": ",.0f", "USD/change": ",.2f",
         "USD/deployment": ",.2f", "from cache %": ".0f"},
    )  # fmt: skip
    delivery = _Shown(
        tables, "Did delivery get faster, and did it break more (DORA)", DELIVERY,
        {"quarter": "", "deploys/wk": ",.0f", "lead h": ".1f", "coding h": ".1f",
         "review h": ".1f", "failed %": ".1f", "repair h": ".1f"},
    )  # fmt: skip
    quality = _Shown(
        tables, "What became of quality", QUALITY,
        {"quarter": "", "per head": ".1f", "lines": ".0f", "1st look h": ".1f",
         "unseen %": ".1f", "bugs/100": ".1f", "incidents": ",.0f"},
    )  # fmt: skip
    yield from (spent.table, delivery.table, quality.table)
    yield (
        "\nFrom the first quarter to the last: "
        f"spend {spent.moved('USD')}, merged changes {spent.moved('merged')}, "
        f"lead time {delivery.moved('lead h')} "
        f"(coding {delivery.moved('coding h')}, review {delivery.moved('review h')}), "
        f"failed deployments {delivery.moved('failed %')}, "
        f"bugs per change {quality.moved('bugs/100')}.\n"
        "That is before and after, not a cause: much else happened in two years."
    )


class _Shown:
    """A query's answer as a table, and what moved from its first row to its last.

    ``columns``: heading → how its numbers are written.
    """

    def __init__(
        self, tables: duckdb.DuckDBPyConnection, title: str, query: str, columns: dict[str, str]
    ) -> None:
        self.rows = tables.execute(query).fetchall()
        self.columns = list(columns)
        self.table = Table(title=title, title_justify="left")
        for column in columns:
            self.table.add_column(column, justify="right", no_wrap=True)
        for row in self.rows:
            written = zip(row, columns.values(), strict=True)
            self.table.add_row(*("–" if v is None else format(v, form) for v, form in written))

    def moved(self, column: str) -> str:
        """In per cent, or by what it was multiplied if that is more than doubling."""
        place = self.columns.index(column)
        first, last = float(self.rows[0][place]), float(self.rows[-1][place])
        return f"×{last / first:.0f}" if last > 2 * first else f"{100 * (last / first - 1):+.0f} %"
