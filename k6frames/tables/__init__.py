"""Every table that k6frames returns: the data dictionary."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from k6frames.tables.changes import CHANGES
from k6frames.tables.idle import IDLE_LOAD_TESTS, IDLE_PROJECTS
from k6frames.tables.load_tests import (
    LOAD_TESTS,
    LOAD_ZONES,
    PROJECT_LABELS,
    PROJECT_LIMITS,
    STACK_PROJECTS,
)
from k6frames.tables.metrics import METRIC_CHANGES, METRIC_SERIES, METRIC_VALUES, METRICS
from k6frames.tables.organizations import (
    ORGANIZATION_PROJECTS,
    ORGANIZATIONS,
    ORGANIZATIONS_PUBLIC,
    PROJECTS,
)
from k6frames.tables.projects import (
    ACCOUNT_SUMMARY,
    CREATION_TIMELINE,
    CREATION_TIMELINE_BY_ORGANIZATION,
    PROJECTS_PER_ORGANIZATION,
    SHARED_NAMES,
)
from k6frames.tables.results import FLAKY_TESTS, RESULTS_TIMELINE, TEST_RESULTS
from k6frames.tables.schedules import SCHEDULED_RUNS, SCHEDULES
from k6frames.tables.schema import Column, Table
from k6frames.tables.test_runs import TEST_RUN_DETAILS, TEST_RUNS
from k6frames.tables.usage import (
    USAGE,
    USAGE_BY_LABEL,
    USAGE_BY_LOAD_TEST,
    USAGE_BY_PROJECT,
    USAGE_BY_STACK,
    VUH_BUDGET,
)

TABLES = (
    ORGANIZATIONS,
    ORGANIZATIONS_PUBLIC,
    PROJECTS,
    ORGANIZATION_PROJECTS,
    STACK_PROJECTS,
    PROJECT_LABELS,
    LOAD_TESTS,
    TEST_RUNS,
    TEST_RUN_DETAILS,
    SCHEDULES,
    PROJECT_LIMITS,
    LOAD_ZONES,
    METRICS,
    METRIC_VALUES,
    METRIC_SERIES,
    ACCOUNT_SUMMARY,
    PROJECTS_PER_ORGANIZATION,
    CREATION_TIMELINE,
    CREATION_TIMELINE_BY_ORGANIZATION,
    IDLE_PROJECTS,
    SHARED_NAMES,
    USAGE,
    USAGE_BY_STACK,
    USAGE_BY_PROJECT,
    USAGE_BY_LOAD_TEST,
    USAGE_BY_LABEL,
    VUH_BUDGET,
    TEST_RESULTS,
    RESULTS_TIMELINE,
    FLAKY_TESTS,
    IDLE_LOAD_TESTS,
    SCHEDULED_RUNS,
    METRIC_CHANGES,
    CHANGES,
)

__all__ = [
    "ACCOUNT_SUMMARY",
    "CHANGES",
    "CREATION_TIMELINE",
    "CREATION_TIMELINE_BY_ORGANIZATION",
    "FLAKY_TESTS",
    "IDLE_LOAD_TESTS",
    "IDLE_PROJECTS",
    "LOAD_TESTS",
    "LOAD_ZONES",
    "METRICS",
    "METRIC_CHANGES",
    "METRIC_SERIES",
    "METRIC_VALUES",
    "ORGANIZATIONS",
    "ORGANIZATIONS_PUBLIC",
    "ORGANIZATION_PROJECTS",
    "PROJECTS",
    "PROJECTS_PER_ORGANIZATION",
    "PROJECT_LABELS",
    "PROJECT_LIMITS",
    "RESULTS_TIMELINE",
    "SCHEDULED_RUNS",
    "SCHEDULES",
    "SHARED_NAMES",
    "STACK_PROJECTS",
    "TABLES",
    "TEST_RESULTS",
    "TEST_RUNS",
    "TEST_RUN_DETAILS",
    "USAGE",
    "USAGE_BY_LABEL",
    "USAGE_BY_LOAD_TEST",
    "USAGE_BY_PROJECT",
    "USAGE_BY_STACK",
    "VUH_BUDGET",
    "Column",
    "Table",
    "closest_table",
    "find_table",
]


def find_table(columns: Iterable[str]) -> Table | None:
    """Return the table that has exactly these columns in this order, or None."""
    names = tuple(columns)
    return next((table for table in TABLES if tuple(table.dtypes) == names), None)


def closest_table(columns: Iterable[str]) -> Table | None:
    """Return the table with the most similar columns, or None.

    Use it for a frame with added or dropped columns. If similar tables disagree about the dtype of
    a column, the result is None.
    """
    names = set(columns)
    candidates = [table for table in TABLES if _resembles(table, names)]
    dtypes: dict[str, Any] = {}
    for table in candidates:
        for name in names & table.dtypes.keys():
            if dtypes.setdefault(name, table.dtypes[name]) != table.dtypes[name]:
                return None
    # The most columns in common; of these, the smallest table, because the frame lacks the fewest
    # of its columns.
    return max(
        candidates,
        key=lambda table: (len(names & table.dtypes.keys()), -len(table.dtypes)),
        default=None,
    )


def _resembles(table: Table, names: set[str]) -> bool:
    """Return whether names may be the columns of a table after some were added or dropped.

    If a column of the key is missing, more than three quarters of the table's columns must be in
    `names`. If the key is complete, more than half are enough; and if `names` has only columns of
    the table, any number is.
    """
    shared = len(names & table.dtypes.keys())
    if not names.issuperset(table.key):
        return shared > len(table.dtypes) * 3 / 4
    has_only_columns_of_table = shared == len(names)
    return has_only_columns_of_table or shared > len(table.dtypes) / 2


def __dir__() -> list[str]:
    return sorted(__all__)
