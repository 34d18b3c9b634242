# Everything one does here. `make` lists it; PYTHON=, PORT= and TESTS= may be given.

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$p" && break; done || true)
PORT ?= 8501
TESTS ?= tests

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# root installs as it is, others by sudo where that asks no password; else they are told the command
AS_ROOT := $$([ "$$(id -u)" = 0 ] && echo env || echo sudo -n)

.DEFAULT_GOAL := help
.PHONY: help install run test check audit attack faults format bench-turn bench-batch bench-page bench-recall bench-replay bench-compare bench-longterm bench-load bench-replicas bench-scale clean chromium redis-server nginx

help: ## List what can be done
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: .venv/installed ## Create .venv and install what the app needs

run: .venv/installed ## Start the app on http://127.0.0.1:8501
	@echo "The Memory Inspector opens at http://127.0.0.1:$(PORT) (Ctrl+C ends it)."
	@exec $(BIN)/python -m streamlit run app.py --server.port $(PORT)

test: .venv/installed-dev chromium redis-server nginx ## Install what the tests need and run them all
	$(BIN)/python -m pytest $(if $(filter tests,$(TESTS)),-n 2 --no-loadscope-reorder) $(TESTS)

check: .venv/installed-dev ## Format, lint, types, known vulnerabilities and all tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy --strict memory
	$(BIN)/python -m tests.audit
	@$(MAKE) --no-print-directory test

audit: .venv/installed-dev ## Ask for known vulnerabilities of all that is installed
	$(BIN)/python -m tests.audit

attack: .venv/installed-dev redis-server ## Attack it 100,000 times and give it 50,000 broken files (TRIES= for fewer)
	TRIES=$(or $(TRIES),100000) $(BIN)/python -m pytest -s tests/attack

faults: .venv/installed-dev redis-server ## Kill the server and the app 240 times at random and count what is lost (KILLS=, APP_KILLS=)
	KILLS=$(or $(KILLS),200) $(BIN)/python -m pytest -s tests/faults/test_kills.py
	APP_KILLS=$(or $(APP_KILLS),40) $(BIN)/python -m pytest -s tests/faults/test_app_kills.py

format: .venv/installed-dev ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench-turn: .venv/installed-dev redis-server ## Measure the cost of one turn, beside its peers
	$(BIN)/python -m benchmarks.turn

bench-batch: .venv/installed ## Measure what a turn costs late in a long batch
	$(BIN)/python -m benchmarks.batch

bench-page: .venv/installed-dev chromium ## Measure the page in a real browser
	$(BIN)/python -m benchmarks.page

bench-panel: .venv/installed-dev ## Measure the side panel in short and long conversations
	$(BIN)/python -m benchmarks.panel

bench-replay: .venv/installed-dev ## Measure replays of long conversations
	$(BIN)/python -m benchmarks.replay

bench-compare: .venv/installed-dev ## Measure a comparison of many memories, and what memory it leaves
	$(BIN)/python -m benchmarks.compare

bench-longterm: .venv/installed-dev ## Measure searches among 10,000 facts and 1,000 users, and formation in the background
	$(BIN)/python -m benchmarks.longterm

bench-load: .venv/installed-dev redis-server ## Measure 50, 100, 200 browsers at once against one and two processes
	$(BIN)/python -m benchmarks.load

bench-replicas: .venv/installed-dev redis-server ## Measure what it costs that a turn counts only when a replica has it
	$(BIN)/python -m benchmarks.replicas

bench-scale: .venv/installed redis-server ## Measure a million turns of 10,000 users and 100,000 vectors (4 GB of memory)
	$(BIN)/python -m benchmarks.scale

bench-recall: .venv/installed ## Measure what retrieval finds on LoCoMo: LOCOMO=/path/to/locomo10.json
	@$(BIN)/python -m benchmarks.recall $(LOCOMO)

clean: ## Remove .venv and what tools left behind
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis

# A stamp is as old as the requirements it stands for, so pip runs only when they change.
.venv/installed: requirements.txt | .venv/bin/python
	@echo "Installing what the app needs into .venv (a minute or two at the first time) ..."
	@$(PIP) install -r requirements.txt
	@touch $@

.venv/installed-dev: requirements.txt requirements-dev.txt | .venv/bin/python
	@echo "Installing what the tests need into .venv ..."
	@$(PIP) install -r requirements-dev.txt
	@touch $@ .venv/installed

.venv/bin/python:
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "The Memory Inspector needs Python 3.11 or newer; install it or name it: make PYTHON=/path/to/python3.11" >&2; \
		exit 1; }
	@"$(PYTHON)" -c 'import venv, ensurepip' 2>/dev/null || { \
		echo "Python's venv module is missing; on Debian and Ubuntu: sudo apt-get install python3-venv" >&2; \
		exit 1; }
	@"$(PYTHON)" -m venv .venv

chromium:
	@[ -z "$$CHROMIUM" ] || exit 0; \
	for name in chromium chromium-browser google-chrome; do ! command -v $$name >/dev/null || exit 0; done; \
	echo "Installing chromium for the browser tests ..."; \
	{ $(AS_ROOT) apt-get update -qq && $(AS_ROOT) apt-get install -y -qq chromium; } >/dev/null 2>&1 || { \
		echo "The browser tests need Chromium: sudo apt-get install chromium, or CHROMIUM=/path/to/chrome make test" >&2; \
		exit 1; }

# RUNLEVEL=1 keeps Debian from starting it as a service: the tests start their own.
redis-server:
	@if command -v redis-server >/dev/null; then exit 0; fi; \
	echo "Installing redis-server for the tests on a real Redis ..."; \
	{ $(AS_ROOT) apt-get update -qq && $(AS_ROOT) env RUNLEVEL=1 apt-get install -y -qq redis-server; } >/dev/null 2>&1 || { \
		echo "The tests on a real Redis need its server: sudo apt-get install redis-server" >&2; \
		exit 1; }

nginx:
	@if PATH="$$PATH:/usr/sbin" command -v nginx >/dev/null; then exit 0; fi; \
	echo "Installing nginx for the test of several processes ..."; \
	{ $(AS_ROOT) apt-get update -qq && $(AS_ROOT) env RUNLEVEL=1 apt-get install -y -qq nginx-light; } >/dev/null 2>&1 || { \
		echo "The test of several processes needs nginx: sudo apt-get install nginx-light" >&2; \
		exit 1; }
