# What one does with ses-streams, one word each. CI runs these targets and nothing else.
# `make setup` makes .venv; every other target sees to that by itself.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
ARGS ?=
# Fault tests at a time: each waits more than it works, and has a broker of its own.
FAULTS_JOBS ?= 2

# The first of these that is Python 3.11 or newer; say PYTHON=... to choose another.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$p"; break; }; done)

LOCK := $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --custom-compile-command "make lock"
LOCK_GROUP := $(subst compile pyproject.toml,compile,$(LOCK))

.PHONY: help setup demo tools test chart test-kafka faults simulation kafka lint type fmt bench schemas docs dashboards lock clean all

help: ## show this
	@awk 'BEGIN { FS = ":.*## "; print "\nses-streams: what became of every mail\n" } \
		/^[a-z-]+:.*## / { printf "  \033[36mmake %-10s\033[0m %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@printf '\n  ARGS="..." goes to the command behind demo and test, PYTHON=... chooses the interpreter.\n\n'

setup: $(READY) ## make .venv with everything pinned by hashes
	@echo "ready: $(BIN)/ses-streams"

$(READY): pyproject.toml requirements/dev.txt kernel/pyproject.toml $(wildcard kernel/ses_streams_kernel/*)
	@if [ -z "$(PYTHON)" ]; then \
		echo "ses-streams needs Python 3.11 or newer with its venv module, and found none on PATH." >&2; \
		echo "Debian and Ubuntu: apt-get install python3-venv; elsewhere: make setup PYTHON=/path/to/python3.11" >&2; \
		exit 1; \
	fi
	@if ! $(BIN)/python -c "" 2>/dev/null; then \
		echo "making $(VENV) with $$($(PYTHON) --version): about half a minute, once"; \
		$(PYTHON) -m venv --clear $(VENV); \
	fi
	@# --no-deps: the lock names everything, and older pips look past it for what is asked for with an extra (coverage[toml]).
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@# Without a C compiler all works the same, at half the speed; tests that need it say so.
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --force-reinstall ./kernel \
		>$(VENV)/kernel.log 2>&1 || echo "the compiled short way was not built (see $(VENV)/kernel.log): as good, at half the speed" >&2
	@touch $@

demo: $(READY) ## the main job, end to end, on an embedded broker (ARGS="--messages 20000 --json")
	@$(BIN)/ses-streams demo $(ARGS)

tools: $(READY) ## get what some tests look through: promtool and Prometheus, from Debian's package into var/tools; Chromium
	@$(BIN)/python -m tests.prometheus
	@$(BIN)/python -m tests.browser

test: $(READY) ## everything that needs nothing but this machine (ARGS="-k words", ARGS="-m slow")
	@$(BIN)/pytest $(ARGS)

kafka: $(READY) ## get Apache Kafka's jars and run it on loopback (ARGS="--nodes 3"; ARGS=--jars only gets them)
	@$(BIN)/python -m tests.kafka $(ARGS)

chart: $(READY) ## prove the Helm chart, on a real API server where Go is, and the image's recipe (ARGS="-k words")
	@$(BIN)/python -m tests.chart
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/chart.txt
	@$(BIN)/python -m tests.cluster
	@$(BIN)/pytest -m chart --dist loadgroup tests/chart tests/cluster $(ARGS)

test-kafka: $(READY) ## the tests that need Apache Kafka: Java and Maven get it
	@$(BIN)/pytest -m 'kafka and not faults' $(ARGS)

faults: $(READY) ## break everything under load, and show what was lost (FAULTS_SEED=7, ARGS="-k kills")
	@$(BIN)/pytest -m faults -n $(FAULTS_JOBS) $(ARGS); code=$$?; $(BIN)/python -m tests.faults table && exit $$code

simulation: $(READY) ## play days on which anything fails, in made-up time (ARGS="--seeds 10000 --jobs 2")
	@$(BIN)/python -m tests.simulation $(ARGS)

lint: $(READY) type ## style, import floors, spelling, schemas, types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports
	@$(BIN)/codespell
	@$(BIN)/ses-streams schemas check

type: $(READY) ## types, strictly
	@$(BIN)/mypy

fmt: $(READY) ## put the code in shape
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(READY) ## how fast it is on this machine (ARGS="throttle"; without ARGS: which there are)
	@$(BIN)/python -m benchmarks $(ARGS)

schemas: $(READY) ## prove that every version of every schema reads every other
	@$(BIN)/ses-streams schemas check $(ARGS)

docs: $(READY) ## write what is made from the code: pages of settings, topics, metrics; the kit's golden bytes
	@$(BIN)/ses-streams docs docs
	@text="$$($(BIN)/ses-streams kit golden)" && printf '%s\n' "$$text" > kit/golden.json
	@$(BIN)/python -m tests.chart

dashboards: $(READY) ## write Grafana's dashboards (ARGS="DIR --docs https://where-you-read/docs")
	@$(BIN)/python -m deploy.grafana $(ARGS)

lock: $(READY) ## pin what pyproject.toml asks for; ARGS=--upgrade chooses every version anew
	@$(LOCK) $(ARGS) -o requirements/run.txt
	@$(LOCK) $(ARGS) --extra dev -c requirements/run.txt -o requirements/dev.txt
	@$(LOCK) $(ARGS) --extra chart -c requirements/dev.txt -o requirements/chart.txt
	@$(LOCK_GROUP) $(ARGS) --group image -c requirements/dev.txt -o requirements/image.txt

clean: ## remove what can be made again (.venv stays)
	@rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage*
	@find streams tests -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

all: lint test demo ## lint, test, demo
