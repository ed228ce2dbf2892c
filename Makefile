# Short names for the common chores; each one is what the README and .ci/run do, too.
# They use the Python of the active environment: pip install -e '.[lint]' first.
.DEFAULT_GOAL := help
.PHONY: help test long lint notebooks samples bench docs pictures report

help: ## Show this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

test: ## Run all tests: units, doctests, notebooks, structure
	pytest

long: ## Run the property tests for minutes instead of seconds
	HYPOTHESIS_PROFILE=long pytest tests/test_reading.py tests/test_summaries.py tests/test_export.py

lint: ## Check style and types
	ruff format --check .
	ruff check .
	mypy

notebooks: ## Execute the notebooks again, in place
	python -m nbconvert --execute --inplace --to notebook \
	  --ExecutePreprocessor.record_timing=False notebooks/*.ipynb

samples: ## Make the sample account again
	python data/make_samples.py

bench: ## Measure k6frames side by side with what one would write by hand
	python benchmarks/run.py

docs: ## Render the texts that come from the code, and build the site
	python docs/render.py
	sphinx-build -W --keep-going -b html docs site

pictures: ## Make the screenshots and plots of the docs again
	python docs/screenshots.py

report: ## Write the report of the sample account
	k6frames report --sample
