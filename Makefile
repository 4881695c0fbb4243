# Everything is set up in .venv, once for each change of what it holds.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: setup quickstart test check format clean

setup: .venv/.ready

.venv/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --editable .
	@touch $@

.venv/.ready-dev: .venv/.ready
	$(BIN)/pip install --quiet --editable '.[dev]'
	@touch $@

# Train on real data, from one YAML and one table to a report.
quickstart: .venv/.ready
	$(BIN)/iovalence quickstart quickstart

test: .venv/.ready-dev
	@tests/install_browser.sh
	$(BIN)/pytest

# Format, lint, types, import contracts, undeclared imports: the same as CI and pre-commit.
check: .venv/.ready-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .

format: .venv/.ready-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis quickstart
