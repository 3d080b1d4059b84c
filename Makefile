# The two commands of the README. Everything happens inside this checkout; both may be run again and again.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
STAMP := $(VENV)/installed

export PIP_CACHE_DIR ?= $(CURDIR)/$(VENV)/pip-cache
export MPLCONFIGDIR ?= $(CURDIR)/$(VENV)/matplotlib
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: demo test lint types pytest format docs fuzz soak load audit clean

demo: $(STAMP)
	"$(RUN)" -m vidkit_cli.main demo --out demo

test: lint types pytest

lint: $(STAMP)
	"$(RUN)" -m ruff format --check .
	"$(RUN)" -m ruff check .

types: $(STAMP)
	"$(RUN)" -m mypy

pytest: $(STAMP)
	"$(RUN)" -m pytest

format: $(STAMP)
	"$(RUN)" -m ruff format .
	"$(RUN)" -m ruff check --fix .

# Broken files for every reader, for so long each; inputs with faults are kept in build/fuzz.
FUZZ_SECONDS ?= 60
fuzz: $(STAMP)
	"$(RUN)" -m tests.fuzz.fuzzing --seconds $(FUZZ_SECONDS) --seed $$(date +%s)

# Kills at random moments, a full disk, two writers: an hour or so.
KILLS ?= 100
soak: $(STAMP)
	"$(RUN)" -m tests.soak.troubles
	"$(RUN)" -m tests.soak.kills --times $(KILLS)

load: $(STAMP)
	"$(RUN)" benchmarks/load.py

# The licence of everything that is installed, and what PyPI knows of its weaknesses.
audit: $(STAMP)
	"$(RUN)" -m pip install --quiet pip-audit
	"$(RUN)" benchmarks/audit.py --vulnerable

docs: $(STAMP)
	"$(RUN)" -m pip install --quiet --constraint constraints.txt --editable ".[docs]"
	"$(RUN)" -m sphinx -q -W --keep-going docs build/docs

# One stamp for the environment: made anew when what is to be installed changes.
$(STAMP): setup.cfg pyproject.toml constraints.txt
	"$(PYTHON)" -m venv $(VENV)
	"$(RUN)" -m pip install --quiet --constraint constraints.txt --editable ".[test]"
	touch $@

clean:
	rm -rf $(VENV) build demo
