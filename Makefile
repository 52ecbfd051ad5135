# The commands of the project. Each sets up .venv by itself the first time; afterwards none needs the network.

.PHONY: run test check ui lint bench launchers lock wheel clean
.DEFAULT_GOAL := run

# The first interpreter on the path that TensorFlow supports; `make PYTHON=/some/python` overrides.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
INSTALLED := .venv/.installed
LAUNCHERS := .venv/.installed-launchers
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# uv, the one on the path or the environment's own, installs the same locks in a quarter of pip's time, and compiles them. It
# shows how far it is on a terminal, and trusts whom the system trusts, as pip does. --no-config: what pyproject.toml overrides is
# settled in the locks.
UV = $(shell command -v uv || echo $(BIN)/uv)
# one name for uv of today, one for older ones
CERTIFICATES := UV_SYSTEM_CERTS=1 UV_NATIVE_TLS=1
UV_INSTALL = $(CERTIFICATES) $(UV) pip install --no-config --python $(BIN)/python --link-mode copy \
	--compile-bytecode $(shell test -t 2 || echo --quiet) --require-hashes --no-deps -r
COMPILE := $(CERTIFICATES) $(BIN)/uv pip compile pyproject.toml --universal --upgrade --generate-hashes --no-emit-index-url \
	--no-header --quiet

run: $(INSTALLED)            ## the default stages on embedded data, with faithful OIPs
	@$(BIN)/python -m pipeline oip=faithful

test: $(LAUNCHERS)           ## the whole test suite
	@$(BIN)/python -m pytest -n 2 --dist loadscope

check: $(INSTALLED)          ## style, and the tests that start no commands and compute little
	@$(BIN)/ruff check --quiet . && $(BIN)/ruff format --check --quiet .
	@$(BIN)/python -m pytest -n 2 --dist worksteal -q -m "not process and not slow"

ui: $(INSTALLED)             ## the MLflow page, on loopback only
	@$(BIN)/python -m pipeline.ui

lint: $(INSTALLED)           ## style and types
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

bench: $(INSTALLED)          ## timings, as ratios taken in one run
	@$(BIN)/python -m benchmarks && $(BIN)/python -m benchmarks.sweeps && $(BIN)/python -m benchmarks.shares

wheel: $(INSTALLED)          ## dist/*.whl
	@$(BIN)/python -m hatchling build -t wheel

launchers: $(LAUNCHERS)      ## submitit, Ray and Optuna for sweeps: docs/sweeps.md

lock: $(INSTALLED)           ## both locks anew: versions and hashes for Python 3.11 to 3.13, no addresses
	@$(PIP) uv
	@$(COMPILE) --extra dev -o requirements.lock
	@$(COMPILE) --extra dev --extra launchers --constraint requirements.lock -o requirements-launchers.lock

clean:                       ## everything that was made here, but for what lies under outputs
	@rm -rf .venv dist .pytest_cache .mypy_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp is touched last, so that an interrupted installation is taken up again.
$(INSTALLED): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "mnist-dream needs Python 3.11, 3.12 or 3.13 (found: $$(python3 --version 2>&1)). \
Install one, or name it: make PYTHON=/path/to/python"; exit 1; }
	@echo "setting up .venv ($$(grep -c '^[a-z]' requirements.lock) packages, about a minute, once) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(call install,requirements.lock)
	@$(PIP) --no-index --no-deps --no-build-isolation -e .
	@touch $@

$(LAUNCHERS): $(INSTALLED) requirements-launchers.lock
	@echo "adding the launchers to .venv (half a minute, once) ..."
	@$(call install,requirements-launchers.lock)
	@touch $@

# --no-deps: the locks are complete, and pip would refuse what the overrides in pyproject.toml settle.
define install
{ test -x "$(UV)" || $(PIP) uv; } && $(UV_INSTALL) $(1) || \
{ echo "uv cannot be had or did not do it; pip takes about four minutes ..."; \
$(PIP) --no-deps --require-hashes -r $(1); }
endef
