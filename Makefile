# make book   builds the book of every force in forces/        -> _build/index.html
# make test   proves it                                        (twenty minutes on two cores)
# make test-all  the long run: every edition, simulations, browser; takes up where it stopped

PYTHON ?= python3
VENV := .venv
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
endif
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
READY := $(VENV)/.ready

.PHONY: book test test-all lint synth screenshot lock clean

book: $(READY)
	@$(BIN)/missing-book build

# Files of tests run side by side, each file in one process.
test: $(READY) lint
	@$(BIN)/python -m pytest -n auto --dist loadfile

test-all: $(READY) lint
	@$(BIN)/python -m pytest --long --last-failed --last-failed-no-failures all

lint: $(READY)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --config pyproject.toml | tail -n 4

synth: $(READY)
	@$(BIN)/missing-book synth

screenshot: $(READY)
	@$(BIN)/python -m tests.browser _build/thames-valley-children/html/index.html#how-few-account-for-how-much docs/findings.png

# Needs uv and a network: writes the versions and hashes that everybody gets.
lock:
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		--extra test pyproject.toml -o requirements.lock

clean:
	rm -rf _build

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info[:2] <= (3, 13) else "Python 3.11, 3.12 or 3.13 is needed, this is %d.%d; try make PYTHON=python3.11" % sys.version_info[:2])'
	@echo "Setting up (once, a minute or two) ..."
	@$(PYTHON) -m venv $(VENV)
	@{ $(PIP) --require-hashes -r requirements.lock && $(PIP) --no-deps --no-build-isolation -e . ; } \
		> $(VENV)/setup.log 2>&1 || { cat $(VENV)/setup.log; exit 1; }
	@touch $(READY)
