# Every target makes its own virtual environment first: a machine with Python 3.11 or newer and make is enough.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
TESTS ?=

.DEFAULT_GOAL := help
.PHONY: help demo test lint format fixtures corpus moved-installs projects hardened split-stages bench e2e e2e-short effect pip-and-uv data new-fixer clean

help: ## list the targets
	@grep -E '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /  make \1\t/' | expand -t 22

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "dfix needs Python 3.11 or newer: make PYTHON=python3.11")'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: $(READY) ## upgrade a copy of examples/: the diff, the rewrite, and nothing left to do
	@scratch=$$(mktemp -d) && trap 'rm -rf "$$scratch"' EXIT && cp -R examples/. "$$scratch" && dfix=$$(pwd)/$(BIN)/dfix && cd "$$scratch" && \
	echo '$$ dfix --diff .' && { "$$dfix" --diff . || test $$? -eq 1; } && \
	echo && echo '$$ dfix --write .' && "$$dfix" --write . && \
	echo && echo '$$ dfix --check .' && "$$dfix" --check . && echo 'exit 0: nothing left to do'

test: $(READY) ## run the tests (TESTS="tests/test_x.py -k name" for some of them)
	@$(BIN)/pytest -q -n auto $(TESTS)

lint: $(READY) ## ruff and strict mypy
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: $(READY) ## let ruff format the code and fix what it can
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

fixtures: $(READY) ## write what the fixers do now into tests/fixtures: read the diff before you commit it
	@$(BIN)/pytest -q --update-fixtures

corpus: $(READY) ## all laws over thousands of real Dockerfiles (DFIX_CORPUS names their folder; ARGS="--diffs 40 --seed 1")
	@$(BIN)/python -m scripts.corpus $(ARGS)

moved-installs: $(READY) ## what DF201 does on real build contexts, and that no moved install misses a file (ARGS="--diffs 20")
	@$(BIN)/python -m scripts.moved_installs $(ARGS)

projects: $(READY) ## how often start program, port and framework of real contexts are known (ARGS="--unknown 40" or folders)
	@$(BIN)/python -m scripts.projects $(ARGS)

hardened: $(READY) ## how often DF401 and DF402 act on real contexts that serve a port; at least on half
	@$(BIN)/python -m scripts.hardened

split-stages: $(READY) ## how often DF101 acts on real single-stage files that ship tools; at least on half
	@$(BIN)/python -m scripts.split_stages

bench: $(READY) ## speed as ratios, measured in one run
	@$(BIN)/python -m scripts.bench $(ARGS)

e2e: $(READY) ## build real images before and after; needs a Docker engine
	@$(BIN)/pytest -q -m e2e $(TESTS)

e2e-short: $(READY) ## the part of it that fits into a quarter of an hour
	@$(BIN)/pytest -q -n 2 --dist worksteal -m "e2e and not long" $(TESTS)  # they wait for the network and for programs

effect: $(READY) ## what single fixers bring for one application, as ratios; needs a Docker engine (ARGS="--write")
	@$(BIN)/python -m scripts.effect $(ARGS)

pip-and-uv: $(READY) ## what pip and uv install for 40 requirement sets, side by side; needs a Docker engine (ARGS="django")
	@$(BIN)/python -m scripts.pip_and_uv $(ARGS)

data: $(READY) ## write the packed files of rewriter/model/data anew (ARGS=debian, or ARGS="tags ../official-images")
	@$(BIN)/python -m scripts.data $(ARGS)

new-fixer: $(READY) ## the skeleton of a fixer with its first fixture: make new-fixer CODE=DF999 NAME=my-thing [PHASE=packages]
	@$(BIN)/python -m scripts.new_fixer --code "$(CODE)" --name "$(NAME)" $(if $(PHASE),--phase "$(PHASE)")

clean: ## remove the virtual environment and all caches
	@rm -rf .venv .venv-* build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
