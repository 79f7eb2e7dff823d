# Two commands matter: `make run` and `make test`. Everything is set up by the first target that needs it.
SHELL := /bin/bash
PYTHON ?= python3
export PYTHON
LEADKEEPER := .venv/bin/python -m leadkeeper

.PHONY: help run demo setup check test prove bench faults doctor lock format clean

help: ## list these targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 18

run: ## set up what is missing, start Leadkeeper, show its address
	@dev/setup.sh run
	@exec $(LEADKEEPER) up --quiet $(ARGS)

demo: ## the same with an example business and simulated customers
	@dev/setup.sh run
	@exec $(LEADKEEPER) up --quiet --demo $(ARGS)

setup: ## set up only, development tools included
	@dev/setup.sh dev

check: ## static checks: format, lint, types, floors, house rules
	@dev/setup.sh dev
	@.venv/bin/python dev/check.py

test: ## all tests, on SQLite and PostgreSQL, with a browser
	@dev/test.sh $(ARGS)

prove: ## run the acceptance report against the real server and worker
	@dev/setup.sh run
	@$(LEADKEEPER) prove $(ARGS)

bench: ## measure speed and memory on this machine
	@dev/setup.sh run
	@$(LEADKEEPER) bench $(ARGS)

faults: ## break it on purpose in every way we know, for an hour or more; ARGS=--json for programs
	@dev/setup.sh dev
	@$(LEADKEEPER) faults all $(ARGS)

doctor: ## say what is wrong with this installation and how to mend it
	@dev/setup.sh run
	@$(LEADKEEPER) doctor $(ARGS)

lock: ## resolve the dependencies anew into requirements/
	@dev/setup.sh dev
	@dev/lock.sh

format: ## put the code into its one format
	@dev/setup.sh dev
	@.venv/bin/ruff format . && .venv/bin/ruff check --fix .

clean: ## remove everything these targets made, but never your data
	@rm -rf .venv .make .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage*
	@find leadkeeper tests dev -name __pycache__ -type d -prune -exec rm -rf {} +
