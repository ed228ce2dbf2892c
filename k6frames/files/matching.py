"""Find the table that the columns of a frame or file match, and apply its types."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pandas as pd

from k6frames.errors import SchemaError
from k6frames.tables import Table, closest_table, find_table


def find_partial_table(columns: Sequence[Any]) -> Table | None:
    """Return the most similar table, reduced to the given columns; None if no table is similar.

    In this table, the key need not be unique, and any value may be missing, as after a join that
    adds columns. If a column is given twice, no table is similar.
    """
    closest = closest_table(columns) if len(set(columns)) == len(columns) else None
    if closest is None:
        return None
    given = [replace(c, nullable=True) for c in closest.columns if c.name in columns]
    return replace(closest, key=(), columns=tuple(given))


def conform_to_table(frame: pd.DataFrame) -> tuple[pd.DataFrame, Table | None]:
    """Return a frame with the dtypes of its table, and the table.

    A frame with exactly the columns of a table must conform to it. If columns were added or
    dropped, the remaining columns of the table get their dtypes if their values conform. Any other
    frame is returned unchanged, with None.
    """
    check_frame(frame)
    table = find_table(frame.columns)
    if table is not None:
        return table.conform(frame), table
    partial = find_partial_table(list(frame.columns))
    if partial is not None:
        with suppress(SchemaError):  # if a value does not conform, the frame is not changed
            return replace_columns(frame, partial.conform(frame)), partial
    return frame, None


def replace_columns(frame: pd.DataFrame, typed: pd.DataFrame) -> pd.DataFrame:
    """Return a frame whose columns are replaced by those of `typed` with the same names."""
    columns = {name: typed[name].array for name in typed.columns}
    return frame.assign(**columns)


def check_frame(frame: object) -> None:
    """Raise a `SchemaError` if a value is not a frame."""
    if not isinstance(frame, pd.DataFrame):
        raise SchemaError(f"Expected a pandas.DataFrame, not {type(frame).__name__}.")


def has_index_to_write(frame: pd.DataFrame) -> bool:
    """Return whether the index has a name, unless the frame has exactly the columns of a table."""
    return find_table(frame.columns) is None and any(name is not None for name in frame.index.names)
