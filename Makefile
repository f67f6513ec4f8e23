# Two commands for a fresh machine with Python >= 3.11 and make: `make run` and `make test`.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

# The tests start the console hundreds of times: where no bytecode is kept, each start compiles it anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run demo test check collected unit lab bench screenshots lock clean

run: $(VENV)/.run
	$(BIN)/hostdeck

demo: $(VENV)/.run
	$(BIN)/hostdeck demo

test: $(VENV)/.dev
	$(MAKE) --jobs 2 check collected
	$(MAKE) unit

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Bytecode of the tests, made once while one core checks types; else each of those who work on them compiles all for
# itself. What cannot be collected fails when it is run.
collected: $(VENV)/.dev
	-@$(BIN)/pytest --collect-only -q >/dev/null

# Most of the time of a test is waiting for a host: six files are worked on at once, each with hosts of its own, in the
# order that tests/conftest.py gives them. tests/patience.py knows their number.
unit: $(VENV)/.dev
	$(BIN)/pytest -n 6 --dist loadfile --no-loadscope-reorder

# `make lab CASE=12` boots a host in that port case instead of the fleet, `make lab CASE=6,15` one each; CASE=? lists them.
lab: $(VENV)/.dev
	$(BIN)/python -m tests.lab $(if $(filter ?,$(CASE)),list,up $(if $(CASE),--cases $(CASE)))

bench: $(VENV)/.dev
	$(BIN)/python -m tests.bench

screenshots: $(VENV)/.run
	$(BIN)/hostdeck screenshots

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "hostdeck needs Python >= 3.11, $(PYTHON) is $$($(PYTHON) -V 2>&1): make PYTHON=python3.11" >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "could not make $(VENV): on Debian and Ubuntu install python3-venv" >&2; exit 2; }

$(VENV)/.run: $(VENV)/bin/python pyproject.toml requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.lock
	@touch $@

# Newest versions that the project allows, into a throwaway environment, written down without any index.
lock:
	rm -rf $(VENV).lock && $(PYTHON) -m venv $(VENV).lock
	$(VENV).lock/bin/pip install --quiet hatchling editables .
	$(VENV).lock/bin/pip freeze --exclude hostdeck > requirements.lock
	$(VENV).lock/bin/pip install --quiet --group dev
	$(VENV).lock/bin/pip freeze --exclude hostdeck | grep -vxFf requirements.lock > requirements-dev.lock
	rm -rf $(VENV).lock

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist
