# make demo, make test, make lab and make app each set up the virtual environment on first use, and again when its requirements change.
#   PYTHON     which Python to build it from: 3.11 or later
#   VENV       where it is
#   PIP_INDEX  options for pip as it installs PyTorch: that for the CPU, which saves gigabytes, unless PIP_INDEX= asks for CUDA on Linux

PYTHON ?= python3
VENV ?= .venv
PIP_INDEX ?= --extra-index-url https://download.pytorch.org/whl/cpu

PIP = $(VENV)/bin/python -m pip install --quiet --constraint constraints.txt
# Tests run side by side, a file at a time, each on one thread.
SIDE_BY_SIDE = --numprocesses 2 --dist loadfile
NOTEBOOKS = --ignore notebooks/solutions --nbval-lax --nbval-current-env --nbval-sanitize-with notebooks/sanitize.cfg

.PHONY: demo test lab app lint notebooks site help

demo: $(VENV)/.core  ## segment actors in a clip drawn for the purpose
	$(VENV)/bin/acga demo

test: lint  ## the checks of CI's main job
	@ls notebooks/*.ipynb > /dev/null  # pytest would pass over a missing series in silence
	OMP_NUM_THREADS=1 $(VENV)/bin/python -m pytest $(SIDE_BY_SIDE) $(NOTEBOOKS) tests acga notebooks

lab: $(VENV)/.full  ## open the notebooks in JupyterLab, at the first
	$(VENV)/bin/jupyter lab --ServerApp.root_dir=. --LabApp.default_url=/lab/tree/notebooks/00_overview.ipynb

app: $(VENV)/.full  ## the query demo as a web page
	JUPYTER_PATH=notebooks/app JUPYTER_CONFIG_PATH=notebooks/app $(VENV)/bin/voila notebooks/app/ask_a_video.ipynb

lint: $(VENV)/.full  ## style and types
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy

notebooks: $(VENV)/.full  ## run all notebooks and save their outputs
	$(VENV)/bin/jupyter nbconvert --to notebook --execute --inplace notebooks/*.ipynb
	$(VENV)/bin/python tools/tables.py

site: $(VENV)/.full  ## the series as a static site, from the saved outputs: build/site/index.html
	$(VENV)/bin/python docs/site.py

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1: \2/p' Makefile

$(VENV)/.python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and f"Python 3.11 or later is needed, this is {sys.version.split()[0]}: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/.core: $(VENV)/.python pyproject.toml constraints.txt
	$(PIP) $(PIP_INDEX) torch
	$(PIP) --editable .
	touch $@

$(VENV)/.full: $(VENV)/.core
	$(PIP) --editable ".[train,notebooks,dev,site]"
	touch $@
