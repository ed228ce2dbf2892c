"""Test run details as summaries need them, and groups of rows with the same key."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from k6frames.errors import SchemaError
from k6frames.tables import TEST_RUN_DETAILS

_NAMES = ("load_test_name", "project_name")


def conform_details(details: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Return the key, the names and these columns of a frame of test run details.

    Every summary requires the names, even one that does not use them, so that all of them accept
    the same frames.
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
    rows: pd.DataFrame, keys: Sequence[str], attributes: Sequence[str] = ()
) -> tuple[npt.NDArray[np.int64], pd.DataFrame]:
    """Number the groups of rows that have the same key.

    Parameters
    ----------
    rows : pandas.DataFrame
        Any frame.
    keys : sequence of str
        The columns of the key, in which a missing value is a value like others. Without any, all
        rows are one group.
    attributes : sequence of str
        Other columns to return, with the value in the last row of the group, such as its name.

    Returns
    -------
    tuple of numpy.ndarray and pandas.DataFrame
        The number of each row's group, and a frame with one row per group, ordered by key.
    """
    if not keys:
        return np.zeros(len(rows), np.int64), pd.DataFrame(index=pd.RangeIndex(1))
    by_key = rows.groupby(list(keys), dropna=False, sort=True)
    numbers = np.asarray(by_key.ngroup(), dtype=np.int64)
    groups = rows[[*keys, *attributes]].take(last_positions(numbers, numbers.max(initial=-1) + 1))
    return numbers, groups.reset_index(drop=True)


def last_positions(
    numbers: npt.NDArray[np.int64], count: int, mask: npt.NDArray[np.bool_] | None = None
) -> npt.NDArray[np.int64]:
    """Return the position of the last row of each group, only among the rows of a mask if given.

    The position is -1 for a group without such a row.
    """
    positions = np.arange(len(numbers)) if mask is None else np.flatnonzero(mask)
    last = np.full(count, -1, np.int64)
    np.maximum.at(last, numbers[positions], positions)
    return last
