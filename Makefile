# Two commands: `make quickstart` and `make test`. Both are safe to repeat.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: quickstart install test lint types tests benchmarks clean

quickstart: $(VENV)/.installed
	$(BIN)/workbench run recipes/quickstart.yaml

install: $(VENV)/.installed

# PIP_CONSTRAINT rather than -c, so that build environments are held to the same versions.
$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed; this is " + sys.version.split()[0] + ". Try: make quickstart PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=24"
	$(BIN)/python -m pip install --progress-bar on -c constraints.txt -e ".[test]"
	@touch $@

test: lint types tests

lint: $(VENV)/.installed
	$(BIN)/ruff check workbench tests
	$(BIN)/ruff format --check workbench tests

types: $(VENV)/.installed
	$(BIN)/mypy

tests: $(VENV)/.installed
	OMP_WAIT_POLICY=PASSIVE $(BIN)/python -m pytest

benchmarks: $(VENV)/.installed
	$(BIN)/python tests/benchmarks/finetune_overhead.py
	$(BIN)/python tests/benchmarks/five_outputs.py
	$(BIN)/python tests/benchmarks/scan.py

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache
