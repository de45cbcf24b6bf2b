# Every command a developer needs. `make help` lists them; `make serve` is all a newcomer has to know.
# Written for GNU make 3.81 (macOS) and later.

SHELL := /bin/sh
VENV ?= .venv
INI ?= development.ini
# More arguments for pytest, for example: make test ARGS="-k follow tests/unit"
ARGS ?=
# An interpreter to use instead of the first suitable one of CANDIDATES.
PYTHON ?=
CANDIDATES = python3.13 python3.12 python3.11 python3

# VENV as rules need it: a space there begins another file. Recipes quote "$(VENV)" instead.
empty :=
space := $(empty) $(empty)
venv = $(subst $(space),\$(space),$(VENV))

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help serve install test lint format types graph translations bench docs demo screenshots lock clean

help: ## list these commands
	@echo "microblog: make COMMAND, where COMMAND is one of"
	@grep -E '^[a-z]+:.*## ' Makefile | sed -E 's/^([a-z]+):.*## /\1	/' | awk -F '\t' '{ printf "  %-12s%s\n", $$1, $$2 }'

serve: $(venv)/.serve-stamp ## install what is missing, bring the database up to date, serve on http://localhost:6543
	@exec "$(VENV)/bin/microblog" -c "$(INI)" serve --upgrade

install: $(venv)/.dev-stamp ## the whole development environment, in .venv

test: $(venv)/.dev-stamp ## every test that this machine can run, with coverage (ARGS="..." goes to pytest)
	@"$(VENV)/bin/python" -m pytest --cov --cov-report=term-missing --cov-report=html $(ARGS)

lint: $(venv)/.dev-stamp ## look for faults, for unusual layout, and for imports in the wrong direction
	@"$(VENV)/bin/ruff" check .
	@"$(VENV)/bin/ruff" format --check .
	@"$(VENV)/bin/lint-imports" --no-logo --no-cache

format: $(venv)/.dev-stamp ## correct layout and whatever else can be corrected automatically
	@"$(VENV)/bin/ruff" check --fix .
	@"$(VENV)/bin/ruff" format .

types: $(venv)/.dev-stamp ## check the types
	@"$(VENV)/bin/mypy" microblog tests

graph: $(venv)/.dev-stamp ## print which package imports which, and the cycles among them
	@"$(VENV)/bin/python" -m benchmarks.graph

translations: $(venv)/.dev-stamp ## collect the texts for people, update the catalogues, say what is missing (ARGS=LANGUAGE)
	@"$(VENV)/bin/python" -m benchmarks.translations $(ARGS)

bench: $(venv)/.dev-stamp ## measure pages and queries (ARGS="..." goes to the benchmark)
	@"$(VENV)/bin/python" -m benchmarks $(ARGS)

docs: $(venv)/.dev-stamp ## check that what the documentation names exists and works
	@"$(VENV)/bin/python" -m pytest tests/docs $(ARGS)

demo: $(venv)/.dev-stamp ## fill a database to look at (ARGS="..." goes to the demo)
	@"$(VENV)/bin/python" -m benchmarks.demo $(ARGS)

screenshots: $(venv)/.dev-stamp ## pictures of ten pages in .cache/screenshots: narrow and wide, light and dark, English and Arabic
	@"$(VENV)/bin/python" -m tests.browser.screenshots .cache/screenshots --ten

# The development environment holds everything that serving needs, so it counts for both.
$(venv)/.dev-stamp: requirements-dev.lock setup.py | $(venv)/bin/python
	@echo "Installing the development environment into $(VENV) ..."
	@"$(VENV)/bin/python" -m pip install --quiet --disable-pip-version-check --requirement requirements-dev.lock
	@"$(VENV)/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch "$(VENV)/.serve-stamp" "$@"

$(venv)/.serve-stamp: requirements.lock setup.py | $(venv)/bin/python
	@echo "Installing microblog into $(VENV) (once, about a minute) ..."
	@"$(VENV)/bin/python" -m pip install --quiet --disable-pip-version-check --requirement requirements.lock
	@"$(VENV)/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch "$@"

# A candidate has to run (a pyenv shim may exist and still fail), be new enough, and have the modules that
# some distributions split off.
$(venv)/bin/python:
	@incomplete=; chosen=; \
	for candidate in $(if $(PYTHON),"$(PYTHON)",$(CANDIDATES)); do \
	    "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 || continue; \
	    if "$$candidate" -c 'import ensurepip, sqlite3, ssl, venv' >/dev/null 2>&1; then chosen=$$candidate; break; fi; \
	    incomplete=$$candidate; \
	done; \
	if [ -z "$$chosen" ] && [ -n "$$incomplete" ]; then \
	    echo "microblog: $$incomplete lacks venv, sqlite3 or ssl: install python3-venv (Debian, Ubuntu: apt install python3-venv) and try again." >&2; exit 1; \
	elif [ -z "$$chosen" ]; then \
	    echo "microblog: no Python 3.11 or newer was found: install one, or name it with: make $(or $(MAKECMDGOALS),serve) PYTHON=/path/to/python" >&2; exit 1; \
	fi; \
	"$$chosen" -m venv --clear "$(VENV)" || { rm -rf "$(VENV)"; exit 1; }

# --no-strip-extras: pip before 23.3 applies the pin of a package only to requirements without extras (ADR 0010).
lock: ## choose the newest versions that setup.py allows, and write the lock files
	@work=$$(mktemp -d) && trap 'rm -rf "$$work"' EXIT && \
	python3 -m venv "$$work/uv" && "$$work/uv/bin/python" -m pip install --quiet --disable-pip-version-check uv && \
	compile="$$work/uv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-strip-extras" && \
	env -u UV_FIND_LINKS $$compile --extra development --extra test --extra lint setup.py --output-file "$$work/requirements-dev.lock" && \
	env -u UV_FIND_LINKS $$compile --extra development --constraint "$$work/requirements-dev.lock" setup.py --no-annotate --output-file "$$work/requirements.lock" && \
	for name in requirements-dev.lock requirements.lock; do \
	    { echo "# Made by 'make lock' from setup.py; do not edit."; cat "$$work/$$name"; } > "$$name"; \
	done

clean: ## remove what can be made again (databases and settings stay)
	@rm -rf "$(VENV)" build dist *.egg-info htmlcov .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache .cache
	@find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
