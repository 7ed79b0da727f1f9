# Everything a developer runs. Each target does its own set-up; `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.NOTPARALLEL:

bin := .venv/bin
stack := tests/stack/program.py
# These tests mostly wait. Two at a time keep two cores busy, with a third all take longer; on the engine each has its stack.
# Those of Redis' data wait for servers of their own, which need little: three.
beside := -n 2
# Collections are found through the committed link, also by tools that do not read ansible.cfg.
export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/playbooks/collections
export PATH := $(CURDIR)/$(bin):$(PATH)
export PYTHONDONTWRITEBYTECODE := 1

.PHONY: help setup engine engine-stop demo stack-up stack-down lint format unit contract report sanity redis-data e2e test-faults \
	verification slow-redis_data slow-e2e slow-verification slow-faults slow-engine molecule molecule-all integration coverage docs pictures awx eda target compat-rollback bench bench-growth bench-redis bench-connections matrix \
	importer test test-full build clean

help: ## List the targets
	@sed -nE 's/^([a-z0-9_ -]+):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS=$$'\t' read -r names text; do \
	for name in $$names; do printf '  %-17s %s\n' "$$name" "$$text"; done; done

setup: ## Make the development environment .venv
	@tools/venv

engine: ## Start a Docker Engine where none answers, and install Compose
	@tools/engine start
	@tools/compose

engine-stop: ## Stop the Docker Engine that `make engine` started
	@tools/engine stop

demo: ## Deploy the reference stack, break it, roll it back and show it all
	@tools/demo

stack-up: setup engine ## Start the reference stack of environment demo; its addresses are in .demo/stack.json
	@$(bin)/python $(stack) up

stack-down: setup ## Remove the reference stack and its files
	@$(bin)/python $(stack) down

lint: setup ## Run every static check (seconds, no Docker)
	@tools/lint

format: setup ## Format the Python files and renew the tables of variables
	@$(bin)/ruff format .
	@$(bin)/ruff check --fix-only .
	@$(bin)/python tools/role_readmes.py

unit: setup ## Run the unit tests (seconds, no Docker)
	@$(bin)/pytest -q $(beside) tests/unit $(ARGS)

contract: setup ## Hold the gateway double to the recordings of a real Kong
	@tools/redis-server
	@$(bin)/pytest -q tests/stack/contract $(ARGS)

report: setup ## Look at the reports' pages in a headless Chromium
	@tools/chromium
	@$(bin)/pytest -q tests/report $(ARGS)

redis-data: setup engine ## Restore Redis data in every mode, method and state, damaged and killed
	@tools/redis-server
	@tests/stack/images/build
	@$(bin)/pytest -q -rfEP --durations=12 -n 3 --dist loadfile tests/redis_data -m "not slow" $(ARGS)

bench: setup engine ## Time the ways back side by side, under load; leaves docs/bench.md, .json and a chart
	@tests/stack/images/build
	@$(bin)/python tests/benchmarks/bench.py $(ARGS); status=$$?; $(bin)/nox -s chart && exit $$status

bench-growth: setup engine ## Time rollbacks with more services, backups, keys and hosts; leaves docs/growth.md
	@tests/stack/images/build
	@$(bin)/python tests/benchmarks/growth.py $(ARGS)

bench-connections: setup engine ## Measure SSH with and without pipelining and mitogen; leaves docs/connections.md
	@tools/sshd
	@tests/stack/images/build
	@$(bin)/nox -s connections -- $(ARGS)

bench-redis: setup engine ## Measure changes of 10,000, 100,000 and 1,000,000 keys against redis-server's own load
	@tools/redis-server
	@tests/stack/images/build
	@$(bin)/python tests/benchmarks/bench_redis.py $(ARGS)

e2e: setup engine ## Run the end-to-end tests on the reference stack
	@tests/stack/images/build
	@$(bin)/pytest -q -rfEP --durations=12 $(beside) --dist loadfile tests/e2e -m "not slow" $(ARGS)

verification: setup engine ## Break the reference stack in dozens of ways; each must fail with the check that names it
	@tests/stack/images/build
	@$(bin)/pytest -q -rfEP --durations=12 $(beside) tests/verification -m "not slow" $(ARGS)

# Where the engine is killed, it is killed under everybody: those tests run alone. 5: ARGS chose none of these.
kills = $(bin)/pytest -q -rfEP --durations=12 $(beside) tests/faults --ignore tests/faults/test_engine.py
engine-kills = $(bin)/pytest -q -rfEP tests/faults/test_engine.py
test-faults: setup engine ## Kill rollbacks, the engine and the disk under them: each phase and fault once
	@tests/stack/images/build
	@$(kills) -m "not slow" $(ARGS); first=$$?; $(engine-kills) -m "not slow" $(ARGS); case $$first$$? in 00 | 05 | 50) ;; *) exit 1 ;; esac

slow-faults: setup engine ## Kill rollbacks at every other point in every data mode
	@tests/stack/images/build
	@$(kills) -m slow $(ARGS)

slow-engine: setup engine ## Kill the engine at every other point in every data mode
	@tests/stack/images/build
	@$(engine-kills) -m slow $(ARGS)

slow-redis_data slow-e2e slow-verification: setup engine ## Run the rest of redis-data, e2e and verification
	@tools/redis-server
	@tests/stack/images/build
	@$(bin)/pytest -q -rfEP --durations=12 $(if $(filter slow-redis_data slow-e2e,$@),$(beside) --dist loadfile) tests/$(@:slow-%=%) -m slow $(ARGS)

molecule: setup engine ## Run two molecule scenarios: the standard rollback and the restored data
	@tests/stack/images/build
	@python="$$(tools/target-python)" || exit 1; for scenario in default data_restore; do TARGET_PYTHON="$$python" NO_COLOR=1 $(bin)/molecule test -s $$scenario || exit 1; done

molecule-all: setup engine ## Run every molecule scenario
	@tests/stack/images/build
	@python="$$(tools/target-python)" || exit 1; TARGET_PYTHON="$$python" NO_COLOR=1 $(bin)/molecule test --all

integration: setup engine ## Run the integration targets of ansible-test on the reference stack
	@tests/stack/images/build
	@tools/integration $(ARGS)

coverage: setup ## Run the unit tests as ansible-test does, and print what they leave uncovered
	@tools/coverage

docs: setup ## Build the documentation into .cache/docs/html; a warning is an error
	@tools/docs

pictures: setup engine ## Renew the pictures of terminal sessions in docs/pictures
	@tests/stack/images/build
	@$(bin)/python tools/pictures.py

awx: setup ## Apply extensions/awx to a stand-in for AWX
	@$(bin)/pytest -q tests/awx $(ARGS)

eda: setup ## Post events to the rulebook
	@$(bin)/nox -s eda

target: setup ## Run every module on the oldest Python of a target
	@$(bin)/nox -s target

sanity: setup ## Run ansible-test sanity
	@tools/sanity

compat-rollback: setup engine ## Run one rollback with the oldest supported ansible-core
	@$(bin)/nox -s ansible-2.19-py3.11 -- smoke

matrix: setup engine ## Run units, sanity and one rollback with every supported pair
	@$(bin)/nox

importer: setup ## Check the built collection as Galaxy does
	@$(bin)/nox -s importer

test: ## Run every part that takes minutes, print each one's seconds and stop what was started
	@tools/test

test-full: ## Run all parts, for hours; ARGS=--continue leaves out what passed in the last one
	@tools/test --full $(ARGS)

build: setup ## Build the collection's archive into dist/
	@$(bin)/ansible-galaxy collection build --force --output-path dist

clean: ## Remove .venv, dist and .cache; the engine, its images and a stack that is up stay
	@rm -rf .venv dist
	@if [ -d .cache ]; then find .cache -mindepth 1 -maxdepth 1 ! -name engine -exec rm -rf {} +; fi
