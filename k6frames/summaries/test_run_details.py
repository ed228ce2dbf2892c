"""Validation of test run details, the input of most summaries."""

from __future__ import annotations

import pandas as pd

from k6frames.errors import SchemaError
from k6frames.tables import TEST_RUN_DETAILS

_NAMES = ("load_test_name", "project_name")


def conform_details(details: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Return `columns` of test run details, with the key and the names of load test and project.

    All summaries that call this function require the names, even if they do not use them, so that
    they accept the same frames.
    """
    table = TEST_RUN_DETAILS.select(*_NAMES, *columns)
    if (
        isinstance(details, pd.DataFrame)
        and "test_run_id" in details.columns
        and not set(_NAMES) <= set(details.columns)
    ):
        raise SchemaError(
            "This frame of test runs needs the names of load tests and projects. Pass the frame "
            f"that is returned by k6frames.{table.function} or "
            "k6frames.join_test_runs(test_runs, load_tests, stack_projects)."
        )
    return table.conform(details)
