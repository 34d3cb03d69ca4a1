"""The ``valuemaxx`` command: every verb calls one function elsewhere.

Progress and messages go to stderr, data to stdout; an error is one line per cause, without a
traceback unless ``--debug`` is given.
"""

import atexit
import json
import logging
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.logging import RichHandler

from orchestration import (
    closing,
    demonstration,
    doctoring,
    exporting,
    pricing,
    running,
    settings,
)
from orchestration.lake import LakeError
from orchestration.settings import SettingsError
from orchestration.transformation import TransformationError

app = typer.Typer(
    name="valuemaxx",
    help="What did our AI spend buy?",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
prices = typer.Typer(help="The price book of the models.", no_args_is_help=True)
app.add_typer(prices, name="prices")
out = Console()
err = Console(stderr=True)

KNOWN_ERRORS = (
    SettingsError,
    LakeError,
    TransformationError,
    running.RunError,
    pricing.PricingError,
    exporting.ExportError,
    closing.CloseError,
)
Config = Annotated[Path | None, typer.Option("--config", help="default: ./valuemaxx.yml")]
Home = Annotated[Path | None, typer.Option("--home", help="default: .valuemaxx beside it")]
Json = Annotated[bool, typer.Option("--json", help="as JSON on stdout")]
Debug = Annotated[bool, typer.Option("--debug", help="show tracebacks")]


def main() -> None:
    """Runs the command; known errors become one line each and exit code 1."""
    try:
        code = app(standalone_mode=False) or 0
    except (typer.Abort, KeyboardInterrupt):
        err.print("stopped; run it again: nothing is lost", style="yellow")
        code = 130
    except Exception as error:
        code = _explain(error)
    # What was promised for the end is kept; but taking dbt's and Dagster's objects apart one by
    # one, as Python would, takes longer than many a query.
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _explain(error: Exception) -> int:
    if "--debug" in sys.argv:
        raise error
    if isinstance(error, KNOWN_ERRORS):
        lines, code = str(error).splitlines(), 1
    elif isinstance(error, OSError):
        lines, code = [f"{error.filename or 'the disk'}: {error.strerror}"], 1
    elif hasattr(error, "exit_code") and hasattr(error, "format_message"):
        lines, code = [error.format_message()], error.exit_code
    else:
        lines = [f"{type(error).__name__}: {error}", "--debug shows where; please report it"]
        code = 1
    for line in lines:
        err.print(line, style="red", markup=False, highlight=False, soft_wrap=True)
    return int(code)


def _progress(debug: bool) -> None:
    """The house's own log lines on stderr; libraries stay silent."""
    handler: logging.Handler = logging.StreamHandler(sys.stderr)
    if err.is_terminal:
        handler = RichHandler(console=err, show_path=False, show_level=False, markup=False)
    house = logging.getLogger("orchestration")
    house.handlers = [handler]
    house.propagate = False
    house.setLevel(logging.DEBUG if debug else logging.INFO)


@app.command()
def init(config: Annotated[Path, typer.Option("--config")] = Path(settings.CONFIG_NAME)) -> None:
    """Write a commented valuemaxx.yml."""
    doctoring.write_configuration(config)
    err.print(f"wrote {config}; next: edit it, then `valuemaxx doctor`", markup=False)


@app.command()
def doctor(config: Config = None, home: Home = None, json_: Json = False) -> None:
    """One line per check, with the fix; exit 1 if one fails."""
    checks = doctoring.checks(config, home)
    if json_:
        out.print_json(json.dumps([check.as_dict() for check in checks]))
    else:
        for check in checks:
            mark = {"ok": "[green]ok[/]", "warning": "[yellow]warn[/]", "failed": "[red]FAIL[/]"}
            out.print(f"{mark[check.status]:<6} {check.name}: ", end="")
            out.print(check.message, markup=False, highlight=False, soft_wrap=True)
    if any(check.status == "failed" for check in checks):
        raise typer.Exit(1)


@app.command()
def run(
    config: Config = None,
    home: Home = None,
    as_of: Annotated[str | None, typer.Option(help="look from this day, 00:00 UTC")] = None,
    select: Annotated[list[str] | None, typer.Option(help="read only this system")] = None,
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="ask vendors from this day on")
    ] = None,
    full_refresh: Annotated[bool, typer.Option(help="read and build everything anew")] = False,
    forget_missing: Annotated[
        bool, typer.Option(help="drop what removed files and repositories gave")
    ] = False,
    debug: Debug = False,
) -> None:
    """Extract, build, test, publish; exit 0 only if published."""
    _progress(debug)
    current = settings.load(config, home, as_of)
    first = since.date() if since else None
    options = running.Options(select or (), first, full_refresh, forget_missing)
    folder = running.run(current, options)
    for line in doctoring.warnings(current):
        err.print(line, style="yellow", markup=False, highlight=False, soft_wrap=True)
    err.print(f"published {folder / 'valuemaxx.duckdb'}", markup=False, soft_wrap=True)


@app.command()
def status(config: Config = None, home: Home = None, json_: Json = False) -> None:
    """Freshness, rows landed and quarantined, the last publication, what is late."""
    facts = doctoring.status(settings.load(config, home))
    if json_:
        out.print_json(json.dumps(facts.as_dict(), default=str))
    else:
        for table in facts.tables():
            out.print(table)


@app.command()
def ui(
    config: Config = None,
    home: Home = None,
    port: Annotated[int, typer.Option(help="on 127.0.0.1")] = 3000,
) -> None:
    """Dagster's web UI over the same definitions and home."""
    _progress(debug=False)
    raise typer.Exit(running.serve(settings.load(config, home), port))


@app.command()
def demo(
    home: Home = None,
    over_http: Annotated[
        bool, typer.Option(help="serve it by local servers that speak the vendors' APIs")
    ] = False,
    debug: Debug = False,
) -> None:
    """Simulate a company, run everything on it, publish, and show what the tables say."""
    _progress(debug)
    for part in demonstration.run(home, over_http=over_http):
        out.print(part, soft_wrap=True, highlight=False, markup=False)


@app.command()
def simulate(
    folder: Annotated[Path, typer.Option("--out", help="where to write it: a new folder")],
    world: Annotated[
        str | None, typer.Option(help=f"default: demo; or {', '.join(demonstration.NAMES)}")
    ] = None,
    teams: Annotated[int | None, typer.Option(min=1, help="default: the world's")] = None,
    months: Annotated[int | None, typer.Option(min=1, help="default: the world's")] = None,
    seed: Annotated[int, typer.Option(help="same seed, same bytes")] = 1,
    form: Annotated[demonstration.Form, typer.Option(help="feeds, or a lake")] = "feeds",
    debug: Debug = False,
) -> None:
    """Write a simulated company, as feeds or as a lake, and the truth about it."""
    _progress(debug)
    for line in demonstration.write(folder, world, teams, months, seed, form):
        err.print(line, markup=False, soft_wrap=True)


@app.command()
def export(
    xlsx: Annotated[Path | None, typer.Option(help="a workbook for finance")] = None,
    focus: Annotated[
        Path | None, typer.Option(help="the charges as FOCUS 1.2, CSV or .parquet")
    ] = None,
    parquet: Annotated[Path | None, typer.Option(help="a folder with every table")] = None,
    config: Config = None,
    home: Home = None,
    overwrite: Annotated[bool, typer.Option(help="replace what is there")] = False,
) -> None:
    """Write files of the published tables."""
    from orchestration import workbook

    current = settings.load(config, home)
    wanted = [
        (xlsx, workbook.write_workbook, "sheets"),
        (focus, exporting.write_focus, "charges"),
        (parquet, exporting.write_parquet, "tables"),
    ]
    if not any(target for target, _, _ in wanted):
        raise exporting.ExportError("say what to write: --xlsx FILE, --parquet DIR or --focus FILE")
    for target, write, what in wanted:
        if target:
            count = write(current.home, target, is_overwriting=overwrite)
            err.print(f"wrote {target}: {count} {what}", markup=False, soft_wrap=True)


@app.command()
def close(
    month: Annotated[str, typer.Argument(help="YYYY-MM")],
    accept: Annotated[
        str | None, typer.Option(help="why it is closed with what is unpriced or open")
    ] = None,
    config: Config = None,
    home: Home = None,
) -> None:
    """Freeze what is published of a month: what comes later posts in the open month."""
    err.print(
        closing.close(settings.load(config, home).home, month, accept), markup=False, soft_wrap=True
    )


@app.command()
def reopen(
    month: Annotated[str, typer.Argument(help="YYYY-MM")],
    config: Config = None,
    home: Home = None,
) -> None:
    """Take the newest closing back."""
    err.print(closing.reopen(settings.load(config, home).home, month), markup=False, soft_wrap=True)


@prices.command("update")
def update_prices(
    is_written: Annotated[bool, typer.Option("--write", help="write the seed")] = False,
    since: Annotated[
        str | None,
        typer.Option("--from", help="day of changes the package gives no day for; default: today"),
    ] = None,
) -> None:
    """Show what the installed price package changes in the price book."""
    for line in pricing.update(pricing.SEED, since, is_written=is_written):
        out.print(line, markup=False, highlight=False, soft_wrap=True)
    if is_written:
        err.print(f"wrote {pricing.SEED}; next: `valuemaxx run`", markup=False, soft_wrap=True)
