# Every target makes what it needs; a machine needs Python 3.11 to 3.13, make and PyPI.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test test-all check format docs bench lock clean

demo: .venv/core
	$(BIN)/python examples/demo.py

test: .venv/dev
	$(BIN)/python -m pytest -q -m "not slow" -n 2 --dist loadfile

test-all: .venv/dev
	$(BIN)/python -m pytest -q

check: .venv/dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec compose.yaml

format: .venv/dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: .venv/core
	$(BIN)/python docs/make_rules.py
	$(BIN)/python docs/make_tools.py

bench: .venv/dev
	$(BIN)/python benchmarks/run.py

.venv/pip: requirements/core.txt
	@test -n "$(PYTHON)" || { echo "No Python 3.11 to 3.13 found; set PYTHON=..." >&2; exit 2; }
	$(PYTHON) -m venv --clear .venv
	touch $@

.venv/core: .venv/pip requirements/core.txt pyproject.toml
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/core.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

.venv/dev: .venv/core requirements/dev.txt
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/dev.txt
	touch $@

# Ray has a lock of its own: it takes a gigabyte, and only one path of the ingest needs it.
EXTRAS := --extra llm --extra ui --extra slack --extra otel --extra eval --extra postgres

# The locks hold a hash for every file of every package, for Python 3.11 to 3.13 on every platform.
lock:
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
		--custom-compile-command "make lock" $(EXTRAS) --group dev pyproject.toml requirements/build.in \
		-o requirements/dev.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
		--custom-compile-command "make lock" -c requirements/dev.txt pyproject.toml requirements/build.in \
		-o requirements/core.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
		--custom-compile-command "make lock" -c requirements/dev.txt --extra ray pyproject.toml \
		-o requirements/ray.txt

clean:
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
