"""Checks and groups of test runs that are joined with their load tests and projects."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from k6frames.errors import SchemaError
from k6frames.tables import TEST_RUN_DETAILS

_NAMES = ("load_test_name", "project_name")


def conform_details(details: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Return the key, the names and some more columns of a frame of test run details.

    The names are required even by summaries that show none: whether test runs without names are
    accepted must not depend on the function.
    """
    table = TEST_RUN_DETAILS.select(*_NAMES, *columns)
    if (
        isinstance(details, pd.DataFrame)
        and "test_run_id" in details.columns
        and not set(_NAMES) <= set(details.columns)
    ):
        raise SchemaError(
            "These test runs have no names of load tests and projects. Pass the frame of "
            f"k6frames.{table.function}, or of k6frames.join_test_runs(test_runs, load_tests, "
            "stack_projects)."
        )
    return table.conform(details)


def number_groups(
    runs: pd.DataFrame, keys: Sequence[str], others: Sequence[str] = ()
) -> tuple[npt.NDArray[np.int64], pd.DataFrame]:
    """Number the groups of rows that have the same key.

    Parameters
    ----------
    runs : pandas.DataFrame
        Any frame.
    keys : sequence of str
        The columns of the key; missing values are a key of their own. Without any, all rows are
        one group.
    others : sequence of str
        Columns that depend on the key, such as names. The last row of a group counts.

    Returns
    -------
    tuple of numpy.ndarray and pandas.DataFrame
        The number of each row's group, and a frame with one row per group, in the order of the
        numbers and of the keys.
    """
    if not keys:
        return np.zeros(len(runs), np.int64), pd.DataFrame(index=pd.RangeIndex(1))
    by_key = runs.groupby(list(keys), dropna=False, sort=True)
    numbers = np.asarray(by_key.ngroup(), dtype=np.int64)
    groups = runs[[*keys, *others]].take(last_positions(numbers, numbers.max(initial=-1) + 1))
    return numbers, groups.reset_index(drop=True)


def last_positions(
    numbers: npt.NDArray[np.int64], count: int, mask: npt.NDArray[np.bool_] | None = None
) -> npt.NDArray[np.int64]:
    """Return the position of the last row of each group, or of the last that a mask selects.

    Where a group has no such row, it is -1.
    """
    positions = np.arange(len(numbers)) if mask is None else np.flatnonzero(mask)
    last = np.full(count, -1, np.int64)
    np.maximum.at(last, numbers[positions], positions)
    return last
