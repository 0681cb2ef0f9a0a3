# Each target prepares .venv by itself when it is missing or older than pyproject.toml.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
  $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
PYTEST := $(BIN)/python -m pytest

.PHONY: tla weekly demo docs test test-ganeti test-long check lint types imports format bench clean venv

demo: $(STAMP)
	@$(BIN)/gantry demo

test: $(STAMP)
	@$(PYTEST) -n 2 --dist loadgroup -m "not long and not weekly and not ganeti"

test-ganeti: $(STAMP)
	@$(PYTEST) -n 2 --dist loadgroup -m "ganeti and not long and not weekly"

test-long: $(STAMP)
	@$(PYTEST) -n 2 --dist loadgroup -m long --timeout 900

check: lint types imports

lint: $(STAMP)
	@$(BIN)/ruff check -q --output-format concise .
	@$(BIN)/ruff format --check -q . || { echo "run 'make format'"; exit 1; }

types: $(STAMP)
	@$(BIN)/mypy

imports: $(STAMP)
	@$(BIN)/lint-imports >.venv/imports.log 2>&1 || { cat .venv/imports.log; exit 1; }

format: $(STAMP)
	@$(BIN)/ruff format -q . && $(BIN)/ruff check -q --fix .

docs: $(VENV)/.docs
	@$(BIN)/python -m docs.generator

$(VENV)/.docs: $(STAMP)
	@$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[docs]' >$(VENV)/pip.log 2>&1 || { \
	  tail -n 5 $(VENV)/pip.log; \
	  echo "could not install what the site needs: is the package index within reach? (whole log: $(VENV)/pip.log)"; exit 1; }
	@touch $@

bench: $(STAMP)
	@$(BIN)/python -m bench

venv: $(STAMP)

$(STAMP): pyproject.toml
	@test -n "$(PYTHON)" || { echo "gantry needs Python 3.11 or newer: install it, or name it with make PYTHON=/path/to/python"; exit 1; }
	@echo "preparing $(VENV) ..."
	@$(PYTHON) -m venv $(VENV) || { echo "could not make $(VENV): is the venv module of $(PYTHON) installed (Debian: python3-venv)?"; exit 1; }
	@$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[dev]' >$(VENV)/pip.log 2>&1 || { \
	  tail -n 5 $(VENV)/pip.log; \
	  echo "could not install what gantry needs: is the package index within reach? (whole log: $(VENV)/pip.log)"; exit 1; }
	@touch $(STAMP)

tla: $(STAMP)
	@$(PYTEST) -n 2 tests/tla tests/quality/test_model_bugs.py tests/gantry/commands/test_refine.py -k "not weekly and not larger" --timeout 900

weekly: $(STAMP)
	@GANTRY_BUDGET=weekly $(PYTEST) -n 2 --dist loadgroup -m "long or weekly" --timeout 36000 --durations 20

clean:
	@rm -rf $(VENV) build .mypy_cache .ruff_cache .pytest_cache .gantry .hypothesis .coverage
