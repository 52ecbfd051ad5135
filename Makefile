# The commands of the project. Each sets up .venv by itself the first time; afterwards none needs the network.

.PHONY: run test ui lint bench lock wheel clean
.DEFAULT_GOAL := run

# The first interpreter on the path that TensorFlow supports; `make PYTHON=/some/python` overrides.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
INSTALLED := .venv/.installed

run: $(INSTALLED)            ## all four stages on embedded data
	@$(BIN)/python -m pipeline

test: $(INSTALLED)           ## the whole test suite
	@$(BIN)/python -m pytest

ui: $(INSTALLED)             ## the MLflow page, on loopback only
	@$(BIN)/python -m pipeline.ui

lint: $(INSTALLED)           ## style and types
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

bench: $(INSTALLED)          ## timings, as ratios taken in one run
	@$(BIN)/python -m benchmarks

wheel: $(INSTALLED)          ## dist/*.whl
	@$(BIN)/python -m hatchling build -t wheel

lock: $(INSTALLED)           ## requirements.lock anew: versions and hashes for Python 3.11 to 3.13, no addresses
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/uv pip compile pyproject.toml --extra dev --universal --upgrade --generate-hashes \
		--no-emit-index-url --no-header --quiet -o requirements.lock

clean:                       ## everything that was made here, but for what lies under outputs
	@rm -rf .venv dist .pytest_cache .mypy_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp is touched last, so that an interrupted installation is taken up again.
$(INSTALLED): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "mnist-dream needs Python 3.11, 3.12 or 3.13 (found: $$(python3 --version 2>&1)). \
Install one, or name it: make PYTHON=/path/to/python"; exit 1; }
	@echo "setting up .venv (a minute or two, once) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-index --no-deps --no-build-isolation -e .
	@touch $@
