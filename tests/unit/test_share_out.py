"""Sharing out whole units: the macro that every split of money goes through."""

from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import jinja2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

MACROS = Path(__file__).resolve().parents[2] / "macros"
FILES = ("cross_db/whole_numbers.sql", "cross_db/divide_decimals.sql", "metrics/share_out.sql")

weights = st.lists(st.integers(0, 10**15), min_size=1, max_size=12)
units = st.integers(-(10**14), 10**14)
unhurried = settings(deadline=None, max_examples=50)


@pytest.fixture(scope="module")
def database() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def shared_out(database: Any, units: int, weights: list[int], order: list[int]) -> list[int]:
    """What the macro gives to each weight; the rows are written in the order."""
    rows = ", ".join(
        f"('t{place:02}', {weights[place]}::decimal(38, 0), {units}::decimal(38, 0))"
        for place in order
    )
    found = database.execute(
        f"with weighed as (select * from (values {rows}) as v(team, weight, units))"  # noqa: S608
        f" select part from {relation()} order by team"
    ).fetchall()
    return [int(part) for (part,) in found]


@cache
def relation() -> str:
    return rendered(
        "share_out", "weighed", keep=["team"], partition_by=["1"], units="units",
        weight="weight", order_by="team", alias="part",
    )  # fmt: skip


def rendered(name: str, *arguments: Any, **named: Any) -> str:
    """A macro of ours as DuckDB gets it."""
    environment = jinja2.Environment(autoescape=False)  # noqa: S701
    found: dict[str, Any] = {"return": lambda value: value}
    found["adapter"] = SimpleNamespace(dispatch=lambda macro, _: found[f"duckdb__{macro}"])
    environment.globals.update(found)
    for file in FILES:
        module = environment.from_string((MACROS / file).read_text(encoding="utf-8")).module
        macros = {key: value for key, value in vars(module).items() if not key.startswith("_")}
        found |= macros
        environment.globals.update(macros)
    return str(found[name](*arguments, **named))


def by_hand(units: int, weights: list[int]) -> list[int]:
    """Largest remainders, one after the other."""
    sizes = weights if any(weights) else [1] * len(weights)
    parts = [abs(units) * size // sum(sizes) for size in sizes]
    over = [abs(units) * size % sum(sizes) for size in sizes]
    left = abs(units) - sum(parts)
    for place in sorted(range(len(sizes)), key=lambda place: (-over[place], place))[:left]:
        parts[place] += 1
    return [-part if units < 0 else part for part in parts]


@unhurried
@given(units=units, weights=weights)
def test_the_parts_are_those_of_plain_python_and_add_up(
    database: Any, units: int, weights: list[int]
) -> None:
    found = shared_out(database, units, weights, list(range(len(weights))))
    assert found == by_hand(units, weights)
    assert sum(found) == units


@unhurried
@given(units=units, weights=weights, data=st.data())
def test_the_order_of_rows_does_not_matter(
    database: Any, units: int, weights: list[int], data: Any
) -> None:
    places = list(range(len(weights)))
    order = data.draw(st.permutations(places))
    assert shared_out(database, units, weights, order) == shared_out(
        database, units, weights, places
    )


@unhurried
@given(units=units, weights=weights)
def test_a_larger_weight_never_gets_less(database: Any, units: int, weights: list[int]) -> None:
    found = shared_out(database, units, weights, list(range(len(weights))))
    ranked = sorted(zip(weights, map(abs, found), strict=True))
    for (weight, part), (larger, more) in zip(ranked, ranked[1:], strict=False):
        assert weight == larger or part <= more


@pytest.mark.parametrize(
    ("dividend", "divisor", "expected"),
    [
        ("2.5", "1", "2.50"),
        ("0.125", "1", "0.13"),
        ("-0.125", "1", "-0.13"),
        ("1", "3", "0.33"),
        ("-2", "3", "-0.67"),
        ("1000000000000", "0.000000001", "1000000000000000000000.00"),
        ("1", "0", None),
    ],
)
def test_decimals_are_divided_half_away_from_zero(
    database: Any, dividend: str, divisor: str, expected: str | None
) -> None:
    query = rendered(
        "divide_decimals", f"{dividend}::decimal(25, 12)", 12, f"{divisor}::decimal(28, 9)", 9, 2
    )
    (found,) = database.execute(f"select {query}").fetchone()  # noqa: S608
    assert (None if found is None else str(found)) == expected
