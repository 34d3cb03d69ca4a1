# `make demo` and `make test` are all the set-up there is: both make .venv when it is missing.
PYTHON ?= python3
BIN := .venv/bin
HOME_DIR ?= .valuemaxx
export DAGSTER_DISABLE_TELEMETRY := 1
export DBT_SEND_ANONYMOUS_USAGE_STATS := 0

.PHONY: setup demo run test test-slow check check-python check-sql bench ui docs lock

setup: .venv/installed

.venv/installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup
	$(BIN)/valuemaxx demo --home $(HOME_DIR)

run: setup
	$(BIN)/valuemaxx run --home $(HOME_DIR)

test: setup
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow"

test-slow: setup
	$(BIN)/python -m pytest -n 2 -m slow

# Two halves side by side: under a minute on two cores.
check: setup
	$(MAKE) --no-print-directory --jobs 2 check-python check-sql

check-python:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/unit

check-sql:
	$(BIN)/python -m orchestration.systems.sources --check
	VALUEMAXX_SYSTEMS="$$($(BIN)/python -m orchestration.systems.sources --list)" $(BIN)/dbt --quiet parse --no-partial-parse
	$(BIN)/sqlfluff lint --disable-progress-bar models tests/data

bench: setup
	$(BIN)/python -m benchmarks

# Over your own configuration, else over the demo's.
ui: setup
	$(BIN)/valuemaxx ui --home $(HOME_DIR) $(addprefix --config ,$(firstword $(wildcard valuemaxx.yml $(HOME_DIR)/valuemaxx.yml)))

docs: setup
	$(BIN)/python -m orchestration.systems.sources

lock: setup
	$(BIN)/python -m uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-strip-extras --output-file requirements.lock
