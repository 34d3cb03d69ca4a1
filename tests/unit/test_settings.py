"""Settings: every mistake is one line that names file, key and fix."""

from pathlib import Path

import pytest

from orchestration import settings
from orchestration.settings import SettingsError


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("CONFIG", "HOME", "AS_OF", "IDENTITY_SALT"):
        monkeypatch.delenv(f"VALUEMAXX_{name}", raising=False)
    monkeypatch.chdir(tmp_path)


def write(text: str) -> Path:
    path = Path("valuemaxx.yml")
    path.write_text(text)
    return path


def test_without_a_file_everything_has_its_default(tmp_path: Path) -> None:
    found = settings.load()
    assert found.config_path is None
    assert found.home == tmp_path / ".valuemaxx"
    assert found.enabled_systems == ["files"]
    assert found.configuration.minimum_group_size == 5


def test_home_is_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    config = tmp_path / "elsewhere" / "valuemaxx.yml"
    config.write_text("company: A\nsystems: {files: {folder: f}}\n")
    found = settings.load(config)
    assert found.home == tmp_path / "elsewhere" / ".valuemaxx"
    assert found.configuration.systems.files.folder == tmp_path / "elsewhere" / "f"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("compny: A", "compny: is not a key"),
        ("systems: {gitt: {}}", "systems.gitt: is not a key"),
        ("minimum_group_size: 2", "minimum_group_size: input should be greater than or equal to 3"),
        ("minimum_group_size: many", "minimum_group_size: input should be a valid integer"),
        ("fiscal_year_start_month: 13", "fiscal_year_start_month: input should be less than"),
        ("warehouse: oracle", "warehouse: input should be 'duckdb' or 'postgres'"),
        ("reporting_currency: EUR", "reporting_currency: input should be 'USD'"),
        ("company: ${NO_SUCH_NAME}", "company: the variable NO_SUCH_NAME is not set"),
        ("company: [unclosed", "valuemaxx.yml:"),
        ("- a list", "must be `key: value` lines"),
        ("policy: {failure_window_hours: -1}", "policy.failure_window_hours: input should be"),
        ("policy: {small_sample_size: 0}", "policy.small_sample_size: input should be"),
        (
            "policy: {benchmark_industry: bank}",
            "policy.benchmark_industry: 'bank' is not in dora_benchmarks.csv: all, consumer_retail",
        ),
    ],
)
def test_a_mistake_is_one_line_with_file_and_key(text: str, expected: str) -> None:
    path = write(text)
    with pytest.raises(SettingsError) as caught:
        settings.load()
    message = str(caught.value)
    assert expected in message
    assert str(path) in message
    assert "\n" not in message


def test_a_missing_file_says_how_to_get_one() -> None:
    with pytest.raises(SettingsError, match="`valuemaxx init` writes one"):
        settings.load(Path("nowhere.yml"))


def test_variables_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THE_NAME", "Acme")
    write("company: ${THE_NAME} Ltd")
    assert settings.load().configuration.company == "Acme Ltd"


def test_a_secret_is_not_shown_when_its_value_does_not_fit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("THE_SECRET", "hunter2")
    write("postgres: {port: '${THE_SECRET}'}")
    with pytest.raises(SettingsError) as caught:
        settings.load()
    assert "postgres.port" in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-10-01", "2026-10-01T00:00:00+00:00"),
        ("2026-10-01T02:00:00+02:00", "2026-10-01T00:00:00+00:00"),
        ("2026-10-01T05:06:07", "2026-10-01T05:06:07+00:00"),
    ],
)
def test_as_of_is_utc(text: str, expected: str) -> None:
    assert settings.load(as_of=text).as_of.isoformat() == expected


def test_as_of_that_is_no_date_is_refused() -> None:
    with pytest.raises(SettingsError, match="write YYYY-MM-DD"):
        settings.load(as_of="last week")


def test_a_missing_salt_is_an_error_with_its_fix() -> None:
    with pytest.raises(SettingsError, match="openssl rand -hex 32"):
        settings.load().identity()


def test_what_init_writes_is_read_back_as_the_defaults() -> None:
    from orchestration import doctoring

    doctoring.write_configuration(Path("valuemaxx.yml"))
    found = settings.load().configuration
    assert found.policy == settings.Policy()
    assert found.warehouse == "duckdb"
    with pytest.raises(SettingsError, match="already there"):
        doctoring.write_configuration(Path("valuemaxx.yml"))
