"""Who may use what: the table in architecture.md, and the habits that keep SQL portable."""

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "orchestration"
MODELS = ROOT / "models"

# What a room of the package must not import.
ORCHESTRATORS = ("dagster", "dagster_dbt", "dbt")
ROOMS = {
    "systems": (
        *ORCHESTRATORS, "psycopg2", "pyspark", "orchestration.defs", "orchestration.warehouse",
        "orchestration.settings", "orchestration.cli",
    ),
    "warehouse": (
        *ORCHESTRATORS, "requests", "orchestration.defs", "orchestration.systems",
        "orchestration.settings", "orchestration.cli",
    ),
    "defs": (
        "requests", "urllib.request", "duckdb", "psycopg2", "pyarrow", "pyspark", "csv",
        "orchestration.cli",
    ),
}  # fmt: skip
KERNEL = ("lake.py", "identity.py", "inventory.py", "ledger.py", "evidence.py")

# What a layer of the models may name in a ref(), by the layer of what is named.
LAYERS = {
    "staging": {"seeds"},
    "core": {"staging", "core", "seeds"},
    "intermediate": {"core", "intermediate", "seeds"},
    "marts": {"core", "intermediate", "marts", "seeds"},
}

# Not in any SQL: each makes an answer depend on the clock or on one warehouse.
FORBIDDEN = {
    "the clock": r"\bcurrent_(timestamp|date|time)\b|\b(now|today|getdate)\s*\(",
    "a `::` cast": r"::",
    "qualify": r"\bqualify\b",
    "an asof join": r"\basof\b",
}
# Only in macros/cross_db, where every warehouse has its own.
ONE_WAREHOUSE = (
    r"\b(unnest|string_split|string_to_array|generate_series|epoch\w*|strftime|to_char|"
    r"date_diff|datediff|date_trunc|list_\w+|array_agg|regexp_\w+|read_parquet|try_cast|"
    r"any_value|arg_max|arg_min|struct_pack|median|quantile_cont)\s*\("
)


def names(paths: Iterator[Path]) -> list[str]:
    return sorted(str(p.relative_to(ROOT)) for p in paths)


MODEL_FILES = names(MODELS.rglob("*.sql"))
SQL_FILES = [
    *MODEL_FILES,
    *names((ROOT / "tests" / "data").rglob("*.sql")),
    *names((ROOT / "macros").rglob("*.sql")),
]
PYTHON_FILES = names(PACKAGE.rglob("*.py"))


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def code(sql: str) -> str:
    """SQL without comments, quoted text and what Jinja stands for."""
    sql = re.sub(r"\{([#{%]).*?[#}%]\}", " ", sql, flags=re.DOTALL)
    sql = re.sub(r"--[^\n]*", " ", sql)
    return re.sub(r"'(?:[^'\n]|'')*'", "''", sql)


def imports(source: str) -> set[str]:
    """Every module that Python source imports, anywhere in it, by its full name."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def breaches(source: str, forbidden: tuple[str, ...]) -> set[str]:
    """The imports that are one of the forbidden modules or lie in one."""
    return {
        name
        for name in imports(source)
        if any(name == module or name.startswith(f"{module}.") for module in forbidden)
    }


def reads_environment(source: str) -> bool:
    return any(
        (isinstance(node, ast.Attribute) and node.attr in ("environ", "environb", "getenv"))
        or (
            isinstance(node, ast.ImportFrom)
            and node.module == "os"
            and any(alias.name in ("environ", "environb", "getenv") for alias in node.names)
        )
        for node in ast.walk(ast.parse(source))
    )


def sources(sql: str) -> list[tuple[str, str]]:
    return re.findall(r"\bsource\(\s*'(\w+)'\s*,\s*'(\w+)'", sql)


def refs(sql: str) -> set[str]:
    """Models and seeds that SQL names, also through union_systems, which names staging."""
    named = set(re.findall(r"\bref\(\s*'(\w+)'", sql))
    return named | {f"stg_*__{entity}" for entity in re.findall(r"union_systems\('(\w+)'", sql)}


def layer_of(model: str) -> str:
    if model.startswith("stg_"):
        return "staging"
    found = [name for name in MODEL_FILES if Path(name).stem == model]
    if found:
        return Path(found[0]).parts[1]
    assert (ROOT / "seeds" / f"{model}.csv").exists(), f"nothing is called {model}"
    return "seeds"


def layer_breaches(layer: str, sql: str) -> set[str]:
    return {model for model in refs(sql) if layer_of(model) not in LAYERS[layer]}


@functools.cache
def described_models() -> dict[str, str]:
    found = {}
    for path in MODELS.rglob("_*__models.yml"):
        for model in yaml.safe_load(path.read_text(encoding="utf-8"))["models"]:
            found[model["name"]] = model.get("description", "")
    return found


def unit_tests() -> list[tuple[str, str]]:
    return [
        (test["name"], test["model"])
        for path in sorted(MODELS.rglob("_*__unit_tests.yml"))
        for test in yaml.safe_load(path.read_text(encoding="utf-8"))["unit_tests"]
    ]


@pytest.mark.parametrize("name", PYTHON_FILES)
def test_a_room_of_the_package_imports_only_what_it_may(name: str) -> None:
    parts = Path(name).parts
    forbidden = ROOMS.get(parts[1], ())
    if parts[1] in KERNEL:
        forbidden = (*ORCHESTRATORS, "orchestration.defs", "orchestration.settings")
    assert not breaches(text(name), forbidden)


@pytest.mark.parametrize("name", PYTHON_FILES)
def test_only_settings_reads_the_environment(name: str) -> None:
    assert reads_environment(text(name)) == (name == "orchestration/settings.py")


def test_definitions_stay_small() -> None:
    assert len(text("orchestration/definitions.py").splitlines()) < 60


@pytest.mark.parametrize("name", MODEL_FILES)
def test_only_staging_names_a_source_and_names_one(name: str) -> None:
    is_staging = Path(name).parts[1] == "staging"
    assert len(sources(text(name))) == (1 if is_staging else 0)


@pytest.mark.parametrize("name", [n for n in MODEL_FILES if "/staging/" in n])
def test_a_staging_model_reads_its_own_system_through_latest(name: str) -> None:
    system = Path(name).parts[2]
    assert Path(name).stem.startswith(f"stg_{system}__")
    assert re.search(rf"\{{\{{ latest\(source\('{system}', '\w+'\)\) \}}\}}", text(name))


@pytest.mark.parametrize("name", MODEL_FILES)
def test_a_layer_names_only_the_layers_it_may(name: str) -> None:
    assert not layer_breaches(Path(name).parts[1], text(name))


@pytest.mark.parametrize("name", MODEL_FILES)
def test_a_model_begins_with_its_grain(name: str) -> None:
    assert text(name).startswith("-- One row ")


@pytest.mark.parametrize("name", MODEL_FILES)
def test_a_model_is_described(name: str) -> None:
    assert described_models().get(Path(name).stem)


@pytest.mark.parametrize("name", SQL_FILES)
def test_sql_gives_the_same_answer_everywhere(name: str) -> None:
    found = {what for what, pattern in FORBIDDEN.items() if re.search(pattern, code(text(name)))}
    assert not found


@pytest.mark.parametrize("name", [n for n in SQL_FILES if "/cross_db/" not in n])
def test_sql_of_one_warehouse_stays_in_cross_db(name: str) -> None:
    assert not re.findall(ONE_WAREHOUSE, code(text(name)))


@pytest.mark.parametrize(("test", "model"), unit_tests())
def test_a_unit_test_is_named_after_its_model_and_fits_postgres(test: str, model: str) -> None:
    # A long model's name may be cut, but not changed.
    named, _, behaviour = test.removeprefix("test_").rpartition("__")
    assert behaviour
    assert model.startswith(named)
    # PostgreSQL makes a table of this name, and dbt refuses longer ones there.
    assert len(test) <= 63


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import dagster", {"dagster"}),
        ("import dagsterish", set()),
        ("from dagster.core import x", {"dagster.core", "dagster.core.x"}),
        ("def f():\n    from orchestration import defs", {"orchestration.defs"}),
    ],
)
def test_the_import_rule_sees_every_form(source: str, expected: set[str]) -> None:
    assert breaches(source, ("dagster", "orchestration.defs")) == expected


@pytest.mark.parametrize(
    "source",
    ["import os\nos.environ['A']", "from os import getenv", "import os as o\no.getenv('A')"],
)
def test_the_environment_rule_sees_every_form(source: str) -> None:
    assert reads_environment(source)


@pytest.mark.parametrize(
    ("layer", "sql"),
    [
        ("marts", "from {{ ref('stg_files__teams') }}"),
        ("marts", "from {{ union_systems('teams') }}"),
        ("intermediate", "from {{ ref('dim_teams') }}"),
        ("core", "from {{ ref('int_days') }}"),
        ("staging", "from {{ ref('core_teams') }}"),
    ],
)
def test_the_layer_rule_sees_every_form(layer: str, sql: str) -> None:
    assert layer_breaches(layer, sql)


@pytest.mark.parametrize(
    ("what", "sql"),
    [
        ("the clock", "select current_timestamp"),
        ("the clock", "where day < now()"),
        ("a `::` cast", "select a::date"),
        ("qualify", "from x qualify y = 1"),
        ("an asof join", "from a asof join b"),
    ],
)
def test_the_sql_rule_sees_every_form(what: str, sql: str) -> None:
    assert re.search(FORBIDDEN[what], code(sql))
    assert not re.search(FORBIDDEN[what], code(f"-- {sql}\nselect '{sql}'"))
