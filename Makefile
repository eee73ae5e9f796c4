# Everything there is to do here. "make" alone lists it.
# Needs Python 3.11 to 3.13 and make; nothing else has to be installed.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.runtime-installed
DEVELOPMENT := $(VENV)/.development-installed
# Slow suites (browser, kill, a real year of orders) run where CI is set: CI=true make test.
# What measures how long a whole house takes to come back then runs alone, at the end.
TOGETHER := not alone$(if $(CI),, and not slow)
# Production settings for "check --deploy"; no server is contacted.
PRODUCTION := CRM_ENVIRONMENT=production DATABASE_URL=postgresql://check@localhost/check \
	CRM_ALLOWED_HOSTS=shop.example CRM_DATA_DIR=$(VENV)/check \
	CRM_SECRET_KEY=$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(50))') \
	CRM_ENCRYPTION_KEYS=1:$$($(BIN)/python -c 'import base64, os; print(base64.b64encode(os.urandom(32)).decode())') \
	CRM_INDEX_KEYS=1:$$($(BIN)/python -c 'import base64, os; print(base64.b64encode(os.urandom(32)).decode())')

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup run demo test check bench worker messages clean

help: ## List what can be done (this list)
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(DEVELOPMENT) messages ## Install all that running, testing and checking need

run: $(RUNTIME) ## Run the shop: database, web, worker and beat; Ctrl-C stops it
	@$(BIN)/python -m crm.runner

demo: $(RUNTIME) ## Put the demo shop back to its first day, then run it
	@$(BIN)/python manage.py boot --reset-demo
	@$(BIN)/python -m crm.runner

test: $(DEVELOPMENT) messages ## Run the tests on two processes; CI=true adds the slow suites
	@failed=0; \
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "$(TOGETHER)" $(PYTEST_ARGS) || failed=1; \
	$(if $(CI),$(BIN)/python -m pytest -m alone $(PYTEST_ARGS) || failed=1;) exit $$failed

check: $(DEVELOPMENT) messages ## Check style, architecture, types, settings and migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/python manage.py check --fail-level WARNING
	@echo "manage.py check --deploy, with production settings"
	@$(PRODUCTION) $(BIN)/python manage.py check --deploy --fail-level WARNING
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python -m crm.runner.messages --check

bench: $(DEVELOPMENT) ## Measure what benchmarks/ asks and print its table
	@for script in $$(grep -l __main__ benchmarks/*.py); do \
	  echo "== $$script"; $(BIN)/python -m benchmarks.$$(basename $$script .py) || exit 1; done

worker: $(RUNTIME) ## Run one more background worker, in this terminal
	@$(BIN)/python -m crm.runner.worker

messages: $(RUNTIME) ## Compile the translations that changed
	@$(BIN)/python -m crm.runner.messages

clean: ## Remove installed packages, compiled files and the demo data (asks first)
	@printf 'Remove .venv and var (the embedded database)? Type yes: '; \
	read answer && [ "$$answer" = yes ]
	rm -rf $(VENV) var staticfiles .ruff_cache .mypy_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -prune -exec rm -rf {} +
	find locale -name '*.mo' -delete

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; (3, 11) <= v <= (3, 13) or sys.exit( \
	  f"Regulars needs Python 3.11, 3.12 or 3.13; $(PYTHON) is {v[0]}.{v[1]}. " \
	  "Name another one: make PYTHON=python3.12 " + "$(MAKECMDGOALS)")'
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "$(PYTHON) -m venv failed: on Debian and Ubuntu, apt install python3-venv."; exit 1; }

$(RUNTIME): requirements.txt | $(VENV)/bin/python
	@echo "Installing requirements.txt ..."
	@if command -v uv >/dev/null; then uv pip install --quiet -p $(BIN)/python -r requirements.txt; \
	else $(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt; fi
	@touch $@

$(DEVELOPMENT): requirements.txt requirements-dev.txt | $(VENV)/bin/python
	@echo "Installing requirements-dev.txt ..."
	@if command -v uv >/dev/null; then uv pip install --quiet -p $(BIN)/python -r requirements-dev.txt; \
	else $(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt; fi
	@touch $(RUNTIME) $@
