# The words of this project.  Python 3.11 or newer and make are all that they need.
.DEFAULT_GOAL := help
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules --no-print-directory

# The system's own Python first: distributions build it with profiles, and one that was built by
# hand without them takes half as long again for plain loops.  Debian's may come without
# ensurepip; then another that has it, and the set-up says what to install where none has.
new_enough = sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for asked in 'import sys, ensurepip' 'import sys'; do \
	for p in /usr/bin/python3 python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$p -c "$$asked; $(new_enough)" 2>/dev/null && echo $$p && break 2; done; done)
SET_UP = $(or $(PYTHON),$(error No Python 3.11 or newer was found: make PYTHON=/path/to/python3)) \
	-m tools.set_up
BIN := .venv/bin
PACKAGES := hub connectors loyalty_core loyalty_kit

.PHONY: help
help: ## these words
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-17s %s\n", $$1, $$2}' Makefile

.PHONY: run
run: ## set everything up and start the hub on http://127.0.0.1:8080
	@$(SET_UP) run
	@exec $(BIN)/loyalty-hub run

.PHONY: test
test: ## all tests, on SQLite and on PostgreSQL; PYTEST="..." adds options
	@$(SET_UP) test
	@exec $(BIN)/python -m pytest -q -n auto --maxprocesses=8 $(PYTEST)

.PHONY: quick
quick: ## the faster tests: on SQLite, fewer random cases, without browser, command line, workers' processes and operation
	@$(SET_UP) test
	@HYPOTHESIS_PROFILE=quick exec $(BIN)/python -m pytest -q -n auto --maxprocesses=8 \
		-m "not slow" -k "not postgresql and not partitioned" \
		$(addprefix --ignore=tests/,journeys hub/web hub/cli hub/jobs deploy torture upgrade \
		hub/test_metrics.py hub/test_pace.py hub/test_gathering.py hub/ingest/test_poison.py \
		hub/ingest/test_door_database.py security/test_accessibility.py \
		security/test_rights_of_people.py) $(PYTEST)

.PHONY: check
check: check-format check-lint check-types check-imports check-documents check-openapi ## format, lint, types, import contracts, documents (no network)

.PHONY: dev check-format check-lint check-types check-imports check-documents check-openapi
dev:
	@$(SET_UP) dev
check-format: dev
	@$(BIN)/ruff format --check --quiet . || { echo 'Not formatted; make fmt does it:'; $(BIN)/ruff format --check .; exit 1; }
check-lint: dev
	@$(BIN)/ruff check --quiet .
	@$(BIN)/bandit --quiet --ini setup.cfg --recursive $(PACKAGES) 2>/dev/null || { $(BIN)/bandit --ini setup.cfg --recursive $(PACKAGES); exit 1; }
check-types: dev
	@$(BIN)/mypy --no-error-summary $(PACKAGES) tools
check-imports: dev
	@PYTHONPATH=. $(BIN)/lint-imports --no-logo
check-documents: dev
	@$(BIN)/python -m tools.check_tree
	@$(BIN)/python -m tools.check_links
	@$(BIN)/python -m tools.check_requirements
	@$(BIN)/python -m tools.check_quality
check-openapi: dev
	@$(BIN)/loyalty-hub openapi --check docs/openapi.json || { echo "make openapi writes it anew"; exit 1; }

.PHONY: fmt
fmt: dev ## format, and mend what the linter can mend
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format --quiet .

.PHONY: openapi
openapi: dev ## write docs/openapi.json from the code
	@$(BIN)/loyalty-hub openapi --write docs/openapi.json

.PHONY: translations
translations: dev ## gather the messages of the web pages into their catalogues
	@$(BIN)/python -m tools.translations

.PHONY: screenshots
screenshots: ## take the pictures of the documents anew
	@$(SET_UP) test
	@$(BIN)/python -m tools.screenshots

.PHONY: bench
bench: ## measure, and write bench/RESULTS.md
	@$(SET_UP) test
	@exec $(BIN)/python -m bench $(BENCH)

.PHONY: bench-console
bench-console: ## measure the console's pages before a million members, and write bench/CONSOLE.md
	@$(SET_UP) test
	@exec $(BIN)/python -m bench console --results bench/CONSOLE.md $(BENCH)

.PHONY: torture
torture: ## kill the hub 200 times in 20,000 calls, then a million operations at once; TORTURE="..." CROWD="..."
	@$(SET_UP) test
	@$(BIN)/python -m tests.torture $(TORTURE)
	@exec $(BIN)/python -m tests.torture.crowd $(CROWD)

.PHONY: programs
programs: ## install PostgreSQL, Redis, Chromium and the like by apt, where it may
	@$(PYTHON) -m tools.programs

.PHONY: assets
assets: ## fetch the browser libraries
	@$(SET_UP) assets

.PHONY: wheel
wheel: dev ## build the wheel, browser libraries and translations within
	@$(SET_UP) run
	@$(BIN)/python -m build --no-isolation --wheel --outdir dist .

.PHONY: plugin-wordpress
plugin-wordpress: dev ## build the plugin for WordPress shops into dist/
	@$(BIN)/python -m tools.plugin_wordpress

.PHONY: module-bitrix
module-bitrix: ## build the module for 1C-Bitrix shops into dist/
	@$(PYTHON) -m tools.module_bitrix

.PHONY: lock
lock: dev ## renew the lock files from setup.cfg; UPGRADE=1 takes the newest versions
	@$(BIN)/python -m pip install --quiet -r requirements/lock.in
	@$(BIN)/python -m tools.lock $(if $(UPGRADE),--upgrade)
	@PATH="$(CURDIR)/$(BIN):$$PATH" npm install --package-lock-only --ignore-scripts --no-audit --no-fund --omit-lockfile-registry-resolved --silent

.PHONY: clean
clean: ## remove everything that make made, but not var/ with your data
	@rm -rf .venv node_modules build dist hub/web/static/vendor .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@rm -rf *.egg-info
