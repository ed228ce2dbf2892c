"""The types of columns, and the conversion of other values to them without loss."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

INT, FLOAT, BOOL, STRING = pa.int64(), pa.float64(), pa.bool_(), pa.string()
TIMESTAMP = pa.timestamp("us", "UTC")

CONVERSION_CODE = {
    INT: "frame['{name}'].astype('Int64')",
    FLOAT: "frame['{name}'].astype('Float64')",
    BOOL: "frame['{name}'].replace({{'True': True, 'False': False}})",
    STRING: "frame['{name}'].astype('string')",
    TIMESTAMP: "pandas.to_datetime(frame['{name}'], format='ISO8601', utc=True)",
}
"""Code that converts a column to each type, shown in error messages."""

_NUMBERS = (pa.types.is_integer, pa.types.is_floating)
# The Arrow types from which each type may be converted.
_CONVERTIBLE_FROM: dict[pa.DataType, tuple[Callable[[pa.DataType], bool], ...]] = {
    INT: _NUMBERS,
    FLOAT: _NUMBERS,
    BOOL: (pa.types.is_boolean,),
    STRING: (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view),
    TIMESTAMP: (pa.types.is_timestamp, pa.types.is_date),
}


def cast(values: pd.Series[Any], wanted: pa.DataType) -> pa.Array:
    """Convert values to another type without loss; strings are never parsed.

    The message of a TypeError or ValueError is a reason in a few words, for an error message.
    """
    if values.isna().all():
        return pa.nulls(len(values), wanted)
    if wanted == TIMESTAMP and values.dtype == object:
        return _cast_timestamps(values)
    found = pa.Array.from_pandas(values)
    if pa.types.is_dictionary(found.type):
        found = found.dictionary_decode()
    if not any(is_type(found.type) for is_type in _CONVERTIBLE_FROM[wanted]):
        raise TypeError(f"their type is {found.type}")
    if pa.types.is_floating(found.type) and wanted == INT:
        is_too_large = pc.greater(pc.abs(found.cast(FLOAT)), 2**53)
        if pc.any(is_too_large).as_py():
            raise ValueError("integers beyond 2**53 are not exact as floats")
    # Datetimes without an offset are UTC, here as everywhere in k6frames.
    return found.cast(wanted)


def _cast_timestamps(values: pd.Series[Any]) -> pa.Array:
    """Convert Python dates and datetimes one by one.

    Arrow takes the type from the first value, so a datetime after a date would lose its time of
    day. It also misreads a `pandas.Timestamp` outside the years 1 to 9999, hence the integers.
    """
    return pa.array([_to_microseconds(value) for value in values], INT).cast(TIMESTAMP)


def _to_microseconds(value: Any) -> int | None:
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return None
    # datetime and pandas.Timestamp are subclasses of date.
    if not isinstance(value, date | np.datetime64):
        raise TypeError(f"one has the type {type(value).__name__}")
    timestamp = pd.Timestamp(value)
    if timestamp.nanosecond:
        raise ValueError("nanoseconds would be lost")
    in_utc = timestamp.tz_localize("UTC") if timestamp.tz is None else timestamp.tz_convert("UTC")
    return int(in_utc.as_unit("us").asm8.astype("int64"))


def describe_type(value: object) -> str:
    """Describe the type of an argument that should be a frame, and how to convert it."""
    if value is None:
        return "None"
    package = type(value).__module__.partition(".")[0]
    name = type(value).__name__ if package == "builtins" else f"{package}.{type(value).__name__}"
    article = "an" if name[0] in "aeiou" else "a"
    advice = "; call its to_pandas() method" if hasattr(value, "to_pandas") else ""
    return f"{article} {name}{advice}"
