# The developer's commands. Needs make and Python 3.11 or newer; the rest is fetched into folders of this checkout.
# What takes more than a few lines is a program in tests/tools.

PYTHON ?= python3
MEMBERS := core $(patsubst %/pyproject.toml,%,$(wildcard plugins/*/pyproject.toml)) gateway conformance
BIN := .venv/bin

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup setup-newest run services test verify lint types format lock bench clean

help:  ## Show this list.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' Makefile

setup: .venv/.ready  ## Make .venv with all members (editable) and the pinned dependencies. PYTHON=python3.13 takes another.

run: setup  ## Start the development service on 127.0.0.1:8082, data in ./data. PORT=9000 takes another port.
	$(if $(PORT),UNISON_STORAGE_HTTP_PORT=$(PORT)) $(BIN)/unison-storage dev

# Not started by their installation: tests start them on ports of their own.
services:  ## Install servers that no package index has (Redis 7, PostgreSQL 15, PgBouncer), where there is apt and root.
	@if command -v redis-server >/dev/null && command -v redis-benchmark >/dev/null && [ -x /usr/lib/postgresql/15/bin/postgres ] && command -v pgbouncer >/dev/null; then :; \
	elif command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
		apt-get -qq update && DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
		apt-get -qq install -y --no-install-recommends redis-server redis-tools postgresql-15 pgbouncer; \
	else echo "no apt or not root: tests that need redis-server, PostgreSQL 15 or PgBouncer are skipped"; fi

test: lint types setup-newest  ## Check everything, then run the tests here and on the newest Python. ARGS=… goes to pytest.
	@$(BIN)/python -m tests.tools.run_suites .venv .venv-newest -- $(ARGS)

verify: setup  ## Verify TARGET=sqlite, postgres, redis or neo4j at length and write docs/verification.md; commit that.
	$(BIN)/python -m tests.tools.verify $(or $(TARGET),sqlite)

lint: setup  ## Check format, style and who imports whom.
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/lint-imports

types: setup  ## Check types in all members and tests.
	$(BIN)/mypy

format: setup  ## Format, and mend what can be mended safely.
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

# Pins stay as they are where they still fit; UPGRADE=1 takes the newest of all, of uv too.
COMPILE = .tools/bin/uv pip compile --system-certs --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	$(if $(UPGRADE),--upgrade)
lock: .tools/.ready  ## Pin anew what pyproject files ask for. UPGRADE=1 takes the newest versions.
	$(if $(UPGRADE),$(COMPILE) --group tools -o requirements.tools.lock)
	$(COMPILE) --all-extras --group dev --no-emit-package unison-storage $(MEMBERS:%=%/pyproject.toml) -o requirements.lock
	$(COMPILE) --all-extras --no-emit-package unison-storage -c requirements.lock \
		--override benchmarks/overrides.txt \
		benchmarks/pyproject.toml $(MEMBERS:%=%/pyproject.toml) -o benchmarks/requirements.lock

bench: .venv-bench/.ready  ## Measure; ONLY=name runs one benchmark.
	.venv-bench/bin/python benchmarks/run.py $(ONLY)

clean:  ## Remove environments, tools, caches and results; data stays.
	rm -rf .venv .venv-newest .venv-bench .tools .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis reports
	find . -name __pycache__ -prune -exec rm -rf {} +

# pip makes the environments, since it is there already and knows this machine's mirror and certificates; uv only pins.
INSTALL = bin/python -m pip install --quiet --disable-pip-version-check

# An environment is made anew when what it holds changes, so that it never holds more than the lock says; a lock is
# whole, so nothing else is looked for.
LOCK = requirements.lock
.venv-bench/.ready: LOCK = benchmarks/requirements.lock
.venv-bench/.ready: benchmarks/requirements.lock
.venv/.ready .venv-newest/.ready .venv-bench/.ready: requirements.lock $(MEMBERS:%=%/pyproject.toml)
	$(PYTHON) -m venv --clear $(@D)
	$(@D)/$(INSTALL) --no-deps --require-hashes -r $(LOCK)
	$(@D)/$(INSTALL) --no-deps --no-build-isolation --no-index $(MEMBERS:%=-e ./%)
	touch $@

.tools/.ready: requirements.tools.lock
	$(PYTHON) -m venv --clear $(@D)
	$(@D)/$(INSTALL) --require-hashes -r $<
	touch $@

# Nothing to do where .venv has the newest Python already.
setup-newest: setup
	@newest=$$($(BIN)/python -m tests.tools.newest_python); \
	if [ -n "$$newest" ]; then $(MAKE) --no-print-directory .venv-newest/.ready PYTHON="$$newest"; else rm -rf .venv-newest; fi
