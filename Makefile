# Needs python3 (3.11 or newer, with venv) and make. Everything else is installed into .venv, pinned in requirements/.
# Another Python: make test PYTHON=python3.13

PYTHON ?= python3
PYTEST_FLAGS ?=
# As many at once as there are cores; 0: one after the other.
PYTEST_JOBS ?= auto
LOCK_FLAGS ?=
# For the comparison with other engines in make bench, e.g. --rounds 1 --only DBOS
BENCH_FLAGS ?=
# What make bench runs after it.
BENCHMARKS ?= steps products budget parked memory filters 'growth --picture build/growth.svg' 'imports --deals 200000'
RESTATE := 1.7.12
# Wheels only: nothing is compiled, and nothing runs that has no hash in the lock. Empty it where a wheel is missing.
PIP_FLAGS ?= --only-binary :all:

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input --quiet
INSTALL := $(PIP) install --require-hashes $(PIP_FLAGS) --requirement
STAMPS := .venv/.stamps

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:
.NOTPARALLEL:
.PHONY: help demo recipes test check format reference journals bench bench-peers lock clean

help:
	@echo 'make demo       a small company through a simulated month'
	@echo 'make recipes    the recipes that ship, installed beside bizproc'
	@echo 'make test       the tests; with the long ones: make test PYTEST_FLAGS=--long'
	@echo 'make check      lint, format, types, floors'
	@echo 'make format     put the code into its format'
	@echo 'make reference  write docs/reference and what else is made from the code'
	@echo 'make journals   record the journals of this release, once before it: tests/journals'
	@echo 'make bench      bizproc beside the floor and the engines that are installed; half an hour'
	@echo 'make bench-peers  install those engines, for make bench alone, into .venv-bench'
	@echo 'make lock       pin again what pyproject.toml asks for; newest: make lock LOCK_FLAGS=--upgrade'
	@echo 'make clean      remove .venv, caches and what was built'

demo: $(STAMPS)/run
	@$(BIN)/bizproc demo

test: $(STAMPS)/test
	@$(BIN)/python -m pytest --numprocesses $(PYTEST_JOBS) --dist worksteal $(PYTEST_FLAGS)

recipes: $(STAMPS)/run
	@$(PIP) install --no-deps --no-build-isolation --no-index $(foreach each,sales billing service,--editable recipes/$(each))
	@$(BIN)/bizproc recipes list

check: $(STAMPS)/dev
	@failed=0; for tool in 'ruff check' 'ruff format --check' mypy basedpyright 'lint-imports --no-logo'; do \
		echo "-- $$tool"; $(BIN)/$$tool || failed=1; \
	done; exit $$failed

format: $(STAMPS)/dev
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

reference: $(STAMPS)/test
	@$(BIN)/python -m tools.reference
	@$(BIN)/python -m tools.typing_of_actions
	@$(BIN)/python -m tools.reference_cli
	@$(BIN)/python -m tools.error_screens
	@$(BIN)/python -m tools.diagrams
	@$(BIN)/python -m tools.recipe_pages

journals: $(STAMPS)/test
	@$(BIN)/python -m tools.record_journals

# What was found is in build/bench.md, .json and .svg; whoever wants the picture in the documentation copies it there.
bench: $(STAMPS)/test
	@$(BIN)/python -m benchmarks.peers.compare --markdown build/bench.md --json build/bench.json --picture build/bench.svg $(BENCH_FLAGS)
	@for script in $(BENCHMARKS); do $(BIN)/python -m benchmarks.$$script || exit 1; done

# Other engines, in an environment of their own. What cannot be installed is said, and left out of the comparison.
bench-peers:
	@'$(PYTHON)' -m venv .venv-bench
	@.venv-bench/bin/python -m pip --disable-pip-version-check --no-input --quiet install --requirement benchmarks/peers/requirements.txt \
		|| echo 'the Python packages could not be installed' >&2
	@npm install --silent --no-fund --no-audit --prefix .venv-bench '@restatedev/restate-server@$(RESTATE)' \
		|| echo 'restate-server could not be installed: it needs npm' >&2
	@ls /usr/lib/postgresql/*/bin/pg_ctl >/dev/null 2>&1 || apt-get install --yes --quiet postgresql >/dev/null \
		|| echo 'PostgreSQL could not be installed: sudo apt-get install postgresql' >&2

lock: $(STAMPS)/venv
	@$(BIN)/python tools/lock.py $(LOCK_FLAGS)

clean:
	@rm -rf .venv .venv-bench build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@find . -name .git -prune -o -name __pycache__ -type d -exec rm -rf {} +

# -- .venv: one environment, filled as far as a target needs; a stamp says which lock file is in it ----------------------

$(STAMPS)/venv:
	@'$(PYTHON)' -c '' 2>/dev/null || { echo 'bizproc needs Python 3.11 or newer, and $(PYTHON) cannot be run. Install it, or name another: make PYTHON=...' >&2; exit 1; }
	@'$(PYTHON)' -c 'import sys; sys.exit("bizproc needs Python 3.11 or newer, and $(PYTHON) is %d.%d. Name another: make PYTHON=..." % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	@'$(PYTHON)' -c 'import ensurepip, venv' 2>/dev/null || { echo '$(PYTHON) comes without venv. Install it (Debian, Ubuntu: the package python3-venv), or name another: make PYTHON=...' >&2; exit 1; }
	@echo 'making .venv'
	@'$(PYTHON)' -m venv --clear .venv
	@mkdir -p $(STAMPS)
	@touch $@

$(STAMPS)/run $(STAMPS)/test $(STAMPS)/dev: $(STAMPS)/%: requirements/%.txt pyproject.toml $(STAMPS)/venv
	@echo 'installing what requirements/$*.txt pins'
	@$(INSTALL) requirements/$*.txt
	@$(PIP) install --no-deps --no-build-isolation --no-index --editable .
	@touch $@
