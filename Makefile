# The daily commands; `make` lists them.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_FLAGS := --python $(BIN)/python --require-hashes --no-config -q
export WOAAS_HOME ?= .woaas
export UV_LINK_MODE ?= hardlink

.DEFAULT_GOAL := help
.PHONY: help run test bench bench-audit bench-authz bench-solver setup setup-dev check contracts lock clean

help: ## List the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

run: setup ## Start everything on this machine (Ctrl-C stops it)
	@exec $(BIN)/woaas-server up

test: setup-dev ## Run the whole test suite
	@bash tests/run.sh

bench: setup-dev ## Print the request-path figures beside their floors
	@$(BIN)/python -m benchmarks

bench-solver: setup-dev ## Measure the solver beside its opponents (an hour; FULL=1 everything)
	@$(BIN)/python -m benchmarks.solver

bench-audit: setup-dev ## Measure the audit log: writing, proving, verifying (some ten minutes)
	@$(BIN)/python -m benchmarks.audit

bench-authz: setup-dev ## Print what permissions cost, and whether a policy change is ever late
	@$(BIN)/python -m benchmarks.authz

check: setup-dev ## Format, lint, types and layers
	@bash tests/check.sh

contracts: setup ## Rewrite api/openapi.json, graphql/schema.graphql and tests/security/role_matrix.csv
	@$(BIN)/woaas-server openapi --generate > api/openapi.json
	@$(BIN)/woaas-server sdl --generate > graphql/schema.graphql
	@$(BIN)/python tests/security/test_role_matrix.py

setup: $(VENV)/.installed ## Install what running needs into .venv
setup-dev: $(VENV)/.installed-dev

$(VENV)/.tools: requirements-build.lock
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' \
	  || { echo "WOaaS needs CPython 3.11-3.13; $$($(PYTHON) --version) was found. Set PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	  || { echo "Python's venv module is missing. On Debian or Ubuntu: apt-get install python3-venv"; exit 1; }
	@echo "1/3 creating $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-build.lock
	@touch $@

$(VENV)/.installed: $(VENV)/.tools requirements.lock pyproject.toml sdk/pyproject.toml api/package-lock.json
	@echo "2/3 installing the locked packages (about 100; half a minute to two minutes)"
	@$(BIN)/uv pip install $(UV_FLAGS) -r requirements.lock
	@$(BIN)/uv pip install --python $(BIN)/python --no-config -q --no-deps --no-build-isolation -e . -e sdk
	@echo "3/3 bundling the console and compiling the solver (half a minute)"
	@$(BIN)/python -m woaas_solver_farm.engine.warm & bash api/bundle.sh; wait $$!
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.lock
	@$(BIN)/uv pip install $(UV_FLAGS) -r requirements-dev.lock
	@touch $@

lock: ## Resolve the locked requirements anew
	@bash infra/lock.sh

clean: ## Remove the environment (data in .woaas stays)
	rm -rf $(VENV) api/node_modules api/woaas_api/console/static/dist
