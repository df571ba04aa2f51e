# The few commands of this project; `make` alone lists them. Written so that an old make can still say what it lacks.

ifeq ($(filter 4.% 5.% 6.%,$(MAKE_VERSION)),)
$(error mailprobe needs GNU make 4 or later and this is $(MAKE_VERSION); on macOS type: brew install make && gmake)
endif

SHELL := /bin/sh
MAKEFLAGS += --no-print-directory
# Set in many containers; here each of hundreds of processes would then compile all of our code anew.
unexport PYTHONDONTWRITEBYTECODE
.DEFAULT_GOAL := help

PORT ?= 8080
DATA ?= ./data
ARGS ?=
BENCH ?= engine

# Without the plugin of schemathesis, seconds of imports for each process: tests/fuzz uses its functions alone.
PYTEST := .venv/bin/python -m pytest -p no:schemathesis
EVERYTHING := $(PYTEST) -m "not soak and not fuzz and not chaos and not manifests"
COMPILE := UV_PYTHON_DOWNLOADS=never UV_SYSTEM_CERTS=1 .venv/bin/uv pip compile --generate-hashes --universal \
	--python-version 3.11 --no-header --no-annotate --quiet
ALL := pyproject.toml --extra standalone --extra build
BESIDE := .generator .servers .pages .compiled
CHECKS := .types .style .rules .manifests
COMPOSE := docker compose --file deploy/compose.yaml $(if $(DEMO),--env-file deploy/demo.env)

.PHONY: $(BESIDE) $(CHECKS) help setup setup-dev web web-check bench-web screenshots run demo test test-unit check check-deploy manifests up down soak chaos bench fuzz simulate mutants audit sbom lock clean

help: ## list the commands
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))
	@echo
	@echo "PORT=8080 and DATA=./data say where \`make run\` listens and keeps its data; ARGS=... goes to pytest."

setup: ## make the environment in .venv, with the command at .venv/bin/mailprobe
	@sh deploy/setup/environment.sh run

setup-dev: ## the same, with what tests and checks need
	@sh deploy/setup/environment.sh dev
	@sh deploy/setup/client-generator.sh

web: setup ## build the pages people look at; Node is brought along where the system has none
	@sh deploy/setup/web.sh build

web-check: setup ## whether the pages' types fit together
	@sh deploy/setup/web.sh check

# Without its pages it runs as well: whoever starts it is told what is missing.
run: setup ## run all of mailprobe in one process
	@sh deploy/setup/web.sh build || echo "mailprobe: going on without its pages" >&2
	@exec .venv/bin/mailprobe run --port "$(PORT)" --data "$(DATA)"

# Its port and data are its own unless somebody names others: `make run` and what it keeps are left alone.
demo: setup ## the same beside practice mail servers, well and ill, and a live table of them
	@sh deploy/setup/web.sh build || echo "mailprobe: going on without its pages" >&2
	@exec .venv/bin/mailprobe demo $(if $(filter file,$(origin PORT)),,--port "$(PORT)")

# Files in the order that tests/conftest.py says, the longest first. Six at a time on two cores starve each other now
# and then: who failed is asked again alone, and both answers are on screen.
test: ## every test, against a real Postgres, RabbitMQ and Dovecot
	@sh deploy/setup/python.sh
	@sh deploy/setup/environment.sh dev
	@$(MAKE) --jobs=4 $(BESIDE)
	@$(EVERYTHING) --numprocesses=6 --dist=loadfile --no-loadscope-reorder $(ARGS) || { \
		test $$? -eq 1 || exit 1; \
		echo "mailprobe: the tests that failed are run once more, by themselves: what fails now fails"; \
		$(EVERYTHING) --last-failed --last-failed-no-failures none --verbose; }

# What tests need beside the environment, all at once. Compiled before they are run, tests are compiled by one process
# and not by each of six.
.generator:
	@sh deploy/setup/client-generator.sh
.servers:
	@sh deploy/setup/servers.sh
.pages:
	@sh deploy/setup/web.sh build
.compiled:
	@test -e tests/__pycache__ || $(PYTEST) -p no:cacheprovider --collect-only --quiet >/dev/null 2>&1 || true

test-unit: setup-dev ## the tests that need no servers
	@$(PYTEST) -m "not soak and not fuzz and not chaos" tests/unit tests/architecture $(ARGS)

check: setup-dev ## lint, format, types, and the rules of the house
	@sh deploy/check/tools.sh
	@$(MAKE) --jobs=4 --keep-going --output-sync=recurse $(CHECKS)

check-deploy: setup-dev ## render and validate the image's file, compose, the chart and what is made of it
	@sh deploy/check/tools.sh
	@$(MAKE) .manifests

.types:
	@.venv/bin/mypy
.style:
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
.rules:
	@$(PYTEST) -q tests/architecture
.manifests:
	@$(PYTEST) -q -m manifests tests/deploy $(ARGS)

manifests: setup-dev ## write deploy/kustomize anew from the chart
	@sh deploy/check/tools.sh
	@.venv/bin/python deploy/check/render.py

up: ## everything in containers, each service apart (DEMO=1: with practice mail servers); needs Docker
	@$(COMPOSE) up --detach --build --wait
	@$(COMPOSE) run --rm --no-deps --quiet-pull show-token
	@$(COMPOSE) run --rm --no-deps --quiet-pull set-up-link

down: ## stop the containers; the data stays
	@$(COMPOSE) --profile demo down

soak: setup-dev ## the tests that run for minutes
	@sh deploy/setup/servers.sh
	@$(PYTEST) -m soak --timeout=3600 $(ARGS)

chaos: setup-dev ## every fault we promise something about, injected and counted; writes RELIABILITY.md's table
	@sh deploy/setup/servers.sh
	@.venv/bin/python -m tests.faults $(ARGS)

bench: setup-dev ## BENCH=engine|pipeline|scale: the cost of a check beside other programs, through all services; what is held
	@$(if $(filter pipeline scale,$(BENCH)),sh deploy/setup/servers.sh,sh deploy/setup/bench-peers.sh)
	@.venv/bin/python -m benchmarks.$(BENCH) $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(SECONDS),--seconds $(SECONDS)) \
		$(if $(N),--monitors $(N)) $(ARGS)

bench-web: setup-dev ## how fast a list of ten thousand monitors answers, and what the pages weigh
	@sh deploy/setup/web.sh build
	@.venv/bin/python -m benchmarks.web $(ARGS)

screenshots: setup-dev ## a picture of every page into docs/screenshots; ARGS="--only monitor" for some
	@sh deploy/setup/web.sh build
	@.venv/bin/python -m tests.screenshots $(ARGS)

fuzz: setup-dev ## a million spoiled conversations with mail servers, incidents by the hundred thousand, the API by 1,000 each
	@$(PYTEST) -m fuzz tests/fuzz --ignore=tests/fuzz/test_api.py $(ARGS)
	@$(PYTEST) -m fuzz tests/fuzz/test_api.py --numprocesses=2 $(ARGS)

simulate: setup-dev ## the whole pipeline under seeded faults in virtual time, ten thousand seeds; then twenty planted mistakes
	@PYTHONHASHSEED=0 .venv/bin/python -m tests.simulation $(ARGS)

mutants: setup-dev ## small mistakes made in the incident engine and in what the scheduler decides by, and whether tests notice each
	@.venv/bin/python -m tests.mutation $(ARGS)

audit: setup-dev ## known vulnerabilities in what we bring along; asks PyPI's database
	@.venv/bin/uv tool run --from pip-audit==2.10.1 pip-audit --strict --disable-pip --require-hashes \
		--requirement requirements.txt --requirement deploy/requirements.txt $(ARGS)

sbom: setup-dev ## write sbom.json: everything that is in the image, as CycloneDX
	@.venv/bin/uv tool run --from cyclonedx-bom==7.5.0 cyclonedx-py requirements deploy/requirements.txt \
		--pyproject pyproject.toml --output-reproducible --output-file sbom.json

lock: setup-dev ## write the exact versions of pyproject.toml's needs to requirements*.txt
	@$(COMPILE) $(ALL) -o requirements.txt
	@$(COMPILE) $(ALL) --extra dev -c requirements.txt -o requirements-dev.txt
	@$(COMPILE) pyproject.toml -c requirements.txt -o deploy/requirements.txt
	@$(COMPILE) deploy/setup/node.in --no-deps -o deploy/setup/node.txt
	@$(COMPILE) tests/client/requirements.in -o tests/client/requirements.txt
	@$(COMPILE) deploy/check/tools.in --no-deps -o deploy/check/requirements.txt

clean: ## remove the environment and what tools left; never the data
	@rm -rf .venv web/node_modules services/api_gateway/pages/built .cache/node .mypy_cache .pytest_cache .ruff_cache .hypothesis
