# Short names for common tasks. The first task to run creates a virtual environment;
# BIN=some/bin uses another one.
BIN ?= .venv-dev/bin
.DEFAULT_GOAL := help
.PHONY: help test long lint notebooks samples bench docs pictures report

help: ## Show this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

.venv-dev/bin/pytest: pyproject.toml
	python3 -m venv .venv-dev
	.venv-dev/bin/pip install --quiet -e '.[bench,browser,docs,lint]'
	touch $@

test: $(BIN)/pytest ## Run all tests: units, doctests, notebooks, architecture
	$(BIN)/pytest

long: $(BIN)/pytest ## Run the property tests for minutes instead of seconds
	HYPOTHESIS_PROFILE=long $(BIN)/pytest tests/test_parsing.py tests/summaries tests/files tests/api

lint: $(BIN)/pytest ## Check style and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

notebooks: $(BIN)/pytest ## Execute the notebooks again, in place
	$(BIN)/python -m nbconvert --execute --inplace --to notebook \
	  --ExecutePreprocessor.record_timing=False notebooks/*.ipynb

samples: $(BIN)/pytest ## Regenerate the sample account
	$(BIN)/python data/make_samples.py

bench: $(BIN)/pytest ## Compare the speed of k6frames with that of other libraries
	$(BIN)/python benchmarks/run.py

docs: $(BIN)/pytest ## Generate the pages that come from the code, and build the site
	$(BIN)/python docs/generate_pages.py
	$(BIN)/sphinx-build -W --keep-going -b html docs site

pictures: $(BIN)/pytest ## Regenerate the screenshots and plots of the docs
	$(BIN)/python docs/screenshots.py

report: $(BIN)/pytest ## Write the report of the sample account
	$(BIN)/k6frames report --sample
