"""Groups of rows that have the same key."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd


def number_groups(
    rows: pd.DataFrame, keys: Sequence[str], attributes: Sequence[str] = ()
) -> tuple[npt.NDArray[np.int64], pd.DataFrame]:
    """Number the groups of rows that have the same key.

    Parameters
    ----------
    rows : pandas.DataFrame
        Any frame.
    keys : sequence of str
        The columns of the key. Missing values are equal to each other. If `keys` is empty, there is
        always one group, even without rows, and `attributes` are not returned.
    attributes : sequence of str
        Other columns to return, such as names, with their values in the last row of the group.

    Returns
    -------
    tuple of numpy.ndarray and pandas.DataFrame
        The number of each row's group, and a frame with one row per group, ordered by key.
    """
    if not keys:
        return np.zeros(len(rows), np.int64), pd.DataFrame(index=pd.RangeIndex(1))
    by_key = rows.groupby(list(keys), dropna=False, sort=True)
    group_numbers = np.asarray(by_key.ngroup(), dtype=np.int64)
    groups = rows[[*keys, *attributes]].take(last_positions(group_numbers, by_key.ngroups))
    return group_numbers, groups.reset_index(drop=True)


def last_positions(
    group_numbers: npt.NDArray[np.int64],
    group_count: int,
    mask: npt.NDArray[np.bool_] | None = None,
) -> npt.NDArray[np.int64]:
    """Return the position of the last row of each group; with a mask, of its last selected row.

    The position is -1 for a group without such a row.
    """
    positions = np.arange(len(group_numbers)) if mask is None else np.flatnonzero(mask)
    last = np.full(group_count, -1, np.int64)
    np.maximum.at(last, group_numbers[positions], positions)
    return last
