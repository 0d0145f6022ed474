# Everything is set up by the target that needs it. The machine needs make and python3 (3.11 or newer, with venv).

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
unexport PYTHONHOME PYTHONPATH VIRTUAL_ENV

PYTHON := .venv/bin/python
LASTRO := .venv/bin/lastro
READY := .venv/.setup
# Some libraries warn, and warnings are errors here, unless this names a folder that only its owner can enter.
# One worker for each core; one that has nothing left takes tests from another.
PYTEST := XDG_RUNTIME_DIR="$(CURDIR)/.venv/run" $(PYTHON) -m pytest -rs --numprocesses auto --dist worksteal
ARGS :=

.PHONY: help demo finance-demo test test-slow check bench fmt migrate lock setup

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 12

demo: $(READY) ## run the main job on built-in candles and prove its numbers (under a minute)
	@$(LASTRO) demo $(ARGS)

finance-demo: $(READY) ## play a simulated year of 500 users and reckon its books three times (a few minutes)
	@$(LASTRO) finance demo $(ARGS)

test: $(READY) ## run all tests but the slow ones; ARGS="-k word" chooses
	$(PYTEST) -m "not slow" $(ARGS)

test-slow: $(READY) ## run all tests
	$(PYTEST) $(ARGS)

check: $(READY) ## lint, types, import rules, our own lints, fast tests (under two minutes)
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	.venv/bin/lint-imports --no-logo
	$(PYTHON) -m dev.lints
	$(PYTHON) -m dev.schemas --check
	$(PYTHON) -m sqlfluff lint --quiet schema
	cd analytics && ../$(PYTHON) -m sqlfluff lint --quiet --processes 2 .
	$(PYTEST) -q -m "not slow and not crash and not postgres" $(ARGS)

bench: $(READY) ## measure store, REST, replay, payments, liabilities, finance, rebuild against their targets; ARGS=--json for machines
	@failed=0; for part in store rest replay payments liabilities finance rebuild; do $(LASTRO) bench $$part $(ARGS) || failed=1; done; exit $$failed

fmt: $(READY) ## format the Python and mend what ruff can mend
	$(PYTHON) -m ruff check --fix-only --quiet .
	$(PYTHON) -m ruff format .

migrate: $(READY) ## bring the database of this installation to the present schema
	@$(LASTRO) migrate $(ARGS)

lock: $(READY) ## write requirements.lock anew; ARGS=--upgrade takes newer releases
	$(PYTHON) -m dev.lock $(ARGS)

setup: $(READY) ## only make .venv, as every other target does first

# A copied or moved folder brings a .venv whose stamp names another place: it is made again.
ifneq ($(shell test -x $(PYTHON) && cat $(READY) 2>/dev/null),$(CURDIR))
.PHONY: $(READY)
endif

$(READY): requirements.lock pyproject.toml
	@for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	    if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	        exec $$python dev/environment.py; \
	    fi; \
	done; \
	echo "Lastro needs Python 3.11 or newer, as python3 on the path; found: $$(python3 --version 2>&1)" >&2; exit 2
