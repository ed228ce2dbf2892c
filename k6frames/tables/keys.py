"""Duplicate keys: rows that a sum or a join would count twice."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionArray

_MAX_FLAGS_PER_ID = 16
"""`_is_unique` needs a flag for every number from the lowest to the highest ID. If these are more
than this many flags per ID, `Series.is_unique` is as fast."""


def find_duplicates(frame: pd.DataFrame, key: Sequence[str]) -> pd.DataFrame:
    """Return the rows whose key is in an earlier row.

    Comparing several columns at once takes far longer than comparing one. Therefore each column is
    checked alone first, and rows with a unique value in it are discarded. The last column is the
    first, because it usually has the most distinct values.
    """
    if not key:
        return frame.iloc[:0]
    candidates = frame
    for name in reversed(key):
        values = candidates[name].array
        missing = np.asarray(values.isna())
        if not _is_unique(values[~missing] if missing.any() else values):
            candidates = candidates[candidates[name].duplicated(keep=False)]
        elif missing.any():
            candidates = candidates[missing]  # the other rows have unique values
        else:
            return frame.iloc[:0]  # every row has its own value
    return candidates[candidates.duplicated(list(key))]


def _is_unique(values: ExtensionArray) -> bool:
    """Return whether an array without missing values has no duplicates.

    `Series.is_unique` takes 40 ms for a million IDs, longer than most summaries. Checking whether
    they are ascending takes 1 ms, and setting a flag for each of them in an array 3 ms.
    """
    if not pd.api.types.is_integer_dtype(values.dtype) or not len(values):
        return pd.Series(values).is_unique
    numbers = values.to_numpy(dtype=np.int64)
    if (numbers[1:] > numbers[:-1]).all():
        return True
    lowest, highest = int(numbers.min()), int(numbers.max())
    if highest - lowest > _MAX_FLAGS_PER_ID * len(numbers):
        return pd.Series(numbers).is_unique
    is_used = np.zeros(highest - lowest + 1, dtype=bool)
    is_used[numbers - lowest] = True
    return int(np.count_nonzero(is_used)) == len(numbers)
