# The verbs of the course. `make` alone lists them; CI calls nothing else.

# The first Python on the PATH that is new enough. `make PYTHON=/path/to/python3 lab` chooses another.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$p && break; done)

BIN := .venv/bin
# One stamp for each state of the lock: while it stands, `make lab` starts at once.
# Its name says what was installed, from which lock and for which folder; a .venv that was moved or lost its Python is made again.
STAMP := .venv/.set-up-$(shell { pwd; cat requirements.lock pyproject.toml; } | cksum | tr ' ' '-')
ifneq ($(shell test -x $(BIN)/python && echo works),works)
.PHONY: $(STAMP)
endif
# A variable that some machines set; it would make every new process compile all that it imports.
unexport PYTHONDONTWRITEBYTECODE
# uv trusts what this machine trusts (a company's own certificates), as pip does.
ifneq ($(wildcard /etc/ssl/certs/ca-certificates.crt /System/Library/Keychains),)
export UV_SYSTEM_CERTS ?= true
endif
# The examples in docstrings; subjects and lessons have tests of their own.
DOCTESTS := --doctest-modules course --ignore=course/subjects --ignore=course/lessons
# Each worker takes the next test; those that share the Docker engine stay on one
SPREAD := -n auto --dist loadgroup
FAST := $(SPREAD) -m "not slow and not docker and not browser"

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup lab doctor test check render verify bench nbval wheel lock clean

help: ## List these verbs
	@echo "make VERB, where VERB is one of:"
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-8s %s\n", $$1, $$2 }' Makefile

setup: $(STAMP) ## Make .venv with the exact packages of requirements.lock

$(STAMP):
	@if [ -z "$(PYTHON)" ]; then \
	  echo "The course needs Python 3.11 or newer, and none is on the PATH ($$(python3 --version 2>/dev/null || echo 'no python3'))."; \
	  echo "Install one from https://www.python.org/downloads/ and run make again, or name it: make PYTHON=/path/to/python3 $(MAKECMDGOALS)"; \
	  exit 1; fi
	@if ! $(BIN)/python -c "" 2>/dev/null; then \
	  $(PYTHON) -c "import ensurepip, venv" 2>/dev/null || { \
	    echo "This Python ($(PYTHON)) cannot make virtual environments: its venv or ensurepip module is missing."; \
	    echo "On Debian and Ubuntu install it with: sudo apt install python3-venv   Then run make again."; exit 1; }; \
	  echo "1/3 Making .venv with $$($(PYTHON) --version)"; \
	  $(PYTHON) -m venv --clear .venv; fi
	@if ! $(BIN)/python -m uv --version >/dev/null 2>&1; then \
	  echo "2/3 Fetching uv, which installs the rest"; \
	  $(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null; \
	  awk '/^[a-z]/ { take = /^uv==/ } take' requirements.lock >.venv/uv.lock; \
	  $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r .venv/uv.lock || { \
	    echo "uv could not be installed, see above. Is this machine online? Run make again to go on."; exit 1; }; fi
	@echo "3/3 Installing the packages of requirements.lock (a few minutes the first time, seconds afterwards)"
	@$(BIN)/python -m uv pip sync --python $(BIN)/python --require-hashes requirements.lock || { \
	  echo "Not all packages could be installed, see above. Is this machine online? Run make again to go on."; exit 1; }
	@$(BIN)/python -m uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@rm -f .venv/.set-up-*; touch $@

lab: setup ## Open the course in JupyterLab (LAB_ARGS="--no-browser" and the like are passed on)
	@$(BIN)/course lab workspace $(LAB_ARGS)

doctor: setup ## Say what is on this machine and what each lesson will run on
	@$(BIN)/course doctor

test: setup ## Run every test, every notebook and every proof
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/course render --check
	$(BIN)/python -m pytest tests $(DOCTESTS) $(SPREAD)
	@$(MAKE) --no-print-directory nbval
	@$(MAKE) --no-print-directory verify

check: setup ## Lint, types and the fast tests: under a minute
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/course render --check
	$(BIN)/python -m pytest -q tests $(DOCTESTS) $(FAST)

render: setup ## Write notebooks/ and solutions/ from course/lessons/
	$(BIN)/course render

verify: setup ## Prove every subject, bug and exercise (ONLY=users_api, ONLY=06 or ONLY=users_api/api/sends_the_id_as_text for one)
	$(BIN)/course verify $(ONLY)

nbval: setup ## Run all notebooks: solutions pass, exercises are red, and the canary fails (ONLY=06 for one)
	@$(BIN)/python -m course.authoring.notebooks $(ONLY)

bench: setup ## Measure speed and memory; writes build/bench.json (ONLY=board for one)
	$(BIN)/python tests/bench $(ONLY)

wheel: setup ## Build the wheel into dist/
	$(BIN)/hatchling build -t wheel

lock: setup ## Resolve pyproject.toml anew into requirements.lock (UPGRADE=--upgrade for the newest)
	$(BIN)/python -m uv pip compile -q --universal --generate-hashes --no-emit-index-url --python-version 3.11 \
	  --custom-compile-command "make lock" $(UPGRADE) --group dev pyproject.toml -o requirements.lock

clean: ## Remove what can be made again; .venv and workspace/ stay
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache
	find course tests -name __pycache__ -type d -prune -exec rm -rf {} +
