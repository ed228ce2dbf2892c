"""Which table a frame or a file is of: that decides about the types of its columns."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pandas as pd

from k6frames.errors import SchemaError
from k6frames.tables import Table, closest_table, find_table


def find_shared_columns(columns: Sequence[Any]) -> Table | None:
    """Return the closest table with only the columns that it shares with these, and no key.

    With added or dropped columns a frame need not have unique keys, nor every required value.
    """
    closest = closest_table(columns) if len(set(columns)) == len(columns) else None
    if closest is None:
        return None
    shared = [replace(c, nullable=True) for c in closest.columns if c.name in columns]
    return replace(closest, key=(), columns=tuple(shared))


def conform(frame: pd.DataFrame) -> tuple[pd.DataFrame, Table | None]:
    """Return a frame with the dtypes of its table, and the table.

    A frame that has exactly the columns of a table must conform to it. One with added or dropped
    columns gets the dtypes of those that it shares with its table, if their values conform; else,
    and if no table has these columns, it is returned as it is, with None.
    """
    check_frame(frame)
    table = find_table(frame.columns)
    if table is not None:
        return table.conform(frame), table
    shared = find_shared_columns(list(frame.columns))
    if shared is not None:
        with suppress(SchemaError):
            return combine_columns(frame, shared.conform(frame)), shared
    return frame, None


def combine_columns(frame: pd.DataFrame, typed: pd.DataFrame) -> pd.DataFrame:
    """Return a frame with some of its columns replaced, at their places."""
    columns = {name: typed[name].array for name in typed.columns}
    return frame.assign(**columns)


def check_frame(frame: object) -> None:
    """Raise a `SchemaError` if it is not a frame."""
    if not isinstance(frame, pd.DataFrame):
        raise SchemaError(f"Expected a pandas.DataFrame, not {type(frame).__name__}.")


def has_named_index(frame: pd.DataFrame) -> bool:
    """Return whether the index holds data that is not in the columns."""
    return any(name is not None for name in frame.index.names)
