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
"""Code that converts a column to each type, for error messages; a template for `str.format`."""

_IS_NUMBER = (pa.types.is_integer, pa.types.is_floating)
# Floats represent all integers below these exactly.
_EXACT_INTEGERS = {pa.float16(): 2**11, pa.float32(): 2**24, pa.float64(): 2**53}
# For each type, checks of which Arrow types may be converted to it.
_CONVERTIBLE_FROM: dict[pa.DataType, tuple[Callable[[pa.DataType], bool], ...]] = {
    INT: _IS_NUMBER,
    FLOAT: _IS_NUMBER,
    BOOL: (pa.types.is_boolean,),
    STRING: (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view),
    TIMESTAMP: (pa.types.is_timestamp, pa.types.is_date),
}


class LossError(ValueError):
    """Values are already inexact, or a conversion would lose digits or nanoseconds."""


def cast(values: pd.Series[Any], wanted: pa.DataType) -> pa.Array:
    """Convert values to another type without loss; strings are never parsed.

    Raises a TypeError or ValueError if that is impossible. Its message is a short reason, such as
    "their type is bool", which `Table.conform` puts into a `SchemaError`.
    """
    if values.isna().all():  # a column without values may have any dtype
        return pa.nulls(len(values), wanted)
    if wanted == TIMESTAMP and values.dtype == object:
        return _cast_timestamps(values)
    found = pa.Array.from_pandas(values)
    if pa.types.is_dictionary(found.type):
        found = found.dictionary_decode()
    if not any(is_type(found.type) for is_type in _CONVERTIBLE_FROM[wanted]):
        raise TypeError(f"their type is {found.type}")
    if pa.types.is_floating(found.type) and wanted == INT:
        limit = _EXACT_INTEGERS[found.type]
        # The limit itself may be the rounded value of a larger integer.
        if pc.any(pc.greater_equal(pc.abs(found.cast(FLOAT)), limit)).as_py():
            raise LossError(f"integers from {limit:,} on are not exact as {found.type}")
    try:
        # Arrow takes datetimes without a time zone as UTC, as k6frames does everywhere.
        return found.cast(wanted)
    except pa.ArrowInvalid as error:
        raise LossError(str(error)) from None


def _cast_timestamps(values: pd.Series[Any]) -> pa.Array:
    """Convert Python dates and datetimes one by one.

    Arrow takes the type from the first value, so a datetime after a date would lose its time of
    day. It also misreads a `pandas.Timestamp` outside the years 1 to 9999. Therefore it gets
    integers, the microseconds since 1970.
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
        raise LossError("nanoseconds would be lost")
    in_utc = timestamp.tz_localize("UTC") if timestamp.tz is None else timestamp.tz_convert("UTC")
    return int(in_utc.as_unit("us").to_datetime64().astype("int64"))


def describe_type(value: object) -> str:
    """Describe the type of an argument that should be a frame, and how to convert it."""
    if value is None:
        return "None"
    package = type(value).__module__.partition(".")[0]
    name = type(value).__name__ if package == "builtins" else f"{package}.{type(value).__name__}"
    article = "an" if name[0] in "aeiou" else "a"
    advice = "; call its to_pandas() method" if hasattr(value, "to_pandas") else ""
    return f"{article} {name}{advice}"
