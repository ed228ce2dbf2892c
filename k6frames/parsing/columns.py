"""Convert records to Arrow columns; the timestamps of a column are parsed in one call."""

from __future__ import annotations

import math
import re
from operator import attrgetter
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from k6frames.errors import SchemaError
from k6frames.parsing.decoding import Records
from k6frames.parsing.json_types import STRING_MAP
from k6frames.parsing.mismatches import excerpt, mismatch_message
from k6frames.tables.schema import (
    MAX_TIMESTAMP_US,
    MIN_TIMESTAMP_US,
    STRING,
    TIMESTAMP,
    Column,
)
from k6frames.validation import MAX_INT64

_NUMBER_PATTERN = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
# ISO 8601. The time or the offset may be missing, and there may be nanoseconds. Arrow does not
# parse these variants, so `_parse_normalized` rewrites timestamps from these groups.
_TIMESTAMP_PATTERN = (
    r"^(?P<date>\d{4}-\d\d-\d\d)"
    r"(?:[Tt ](?P<hour>\d\d)"
    r"(?:(?P<minute>:\d\d)(?:(?P<second>:\d\d)(?:(?P<fraction>\.\d{1,6})\d*)?)?)?)?"
    r"(?P<offset>[Zz]|[+-]\d\d(?::?\d\d)?)?$"
)


def make_array(decoded: Records, column: Column) -> pa.Array:
    """Return one column of all records."""
    values = _field_values(decoded.records, str(column.source))
    if column.string_list:
        return pa.array([None if v is None else ",".join(v) for v in values], STRING)
    if column.type == STRING_MAP:
        return pa.array([None if v is None else list(v.items()) for v in values], STRING_MAP)
    if column.type == TIMESTAMP:
        return _parse_timestamps(decoded, column, pa.array(values, STRING))
    if column.numeric_strings:
        values = [_parse_number(decoded, column, row, value) for row, value in enumerate(values)]
    try:
        return pa.array(values, column.type)
    except (OverflowError, pa.ArrowInvalid):
        # msgspec has checked the types, so there must be an integer of more than 64 bits.
        is_too_large = [v is not None and not -MAX_INT64 - 1 <= v <= MAX_INT64 for v in values]
        row = is_too_large.index(True)
        raise _mismatch(decoded, column, row, values[row]) from None


def _field_values(records: list[Any], source: str) -> list[Any]:
    """Return a field of each record; None for a nested field if its object is null."""
    first, *rest = source.split(".")
    values = list(map(attrgetter(first), records))
    for name in rest:
        get_field = attrgetter(name)
        values = [None if value is None else get_field(value) for value in values]
    return values


def _parse_number(
    decoded: Records, column: Column, row: int, value: float | str | None
) -> float | None:
    if not isinstance(value, str):
        return value
    number = float(value) if _NUMBER_PATTERN.fullmatch(value) else math.nan
    if not math.isfinite(number):
        raise _mismatch(decoded, column, row, value)
    return number


def _parse_timestamps(decoded: Records, column: Column, texts: pa.Array) -> pa.Array:
    """Parse a column of timestamps in one call.

    An empty string is a missing value, and so is ``0001-01-01T00:00:00Z`` (`MIN_TIMESTAMP_US`),
    which Go writes for "no date".
    """
    texts = pc.if_else(pc.equal(texts, ""), pa.scalar(None, STRING), texts)
    try:
        timestamps = texts.cast(TIMESTAMP)
    except pa.ArrowInvalid:
        timestamps = _parse_normalized(decoded, column, texts)
    microseconds = timestamps.cast(pa.int64())
    limits = pc.min_max(microseconds).as_py()
    if limits["min"] is None:
        return timestamps
    if limits["min"] < MIN_TIMESTAMP_US or limits["max"] > MAX_TIMESTAMP_US:
        outside = pc.or_(
            pc.less(microseconds, MIN_TIMESTAMP_US), pc.greater(microseconds, MAX_TIMESTAMP_US)
        )
        row = pc.index(outside, True).as_py()
        raise _mismatch(decoded, column, row, texts[row].as_py())
    if limits["min"] == MIN_TIMESTAMP_US:
        is_zero_time = pc.equal(microseconds, MIN_TIMESTAMP_US)
        timestamps = pc.if_else(is_zero_time, pa.scalar(None, TIMESTAMP), timestamps)
    return timestamps


def _parse_normalized(decoded: Records, column: Column, texts: pa.Array) -> pa.Array:
    """Parse a column of timestamps after rewriting each of them in a form that Arrow parses."""
    invalid_row = pc.index(pc.match_substring_regex(texts, _TIMESTAMP_PATTERN), False).as_py()
    if invalid_row >= 0:
        raise _mismatch(decoded, column, invalid_row, texts[invalid_row].as_py())
    groups = pc.extract_regex(texts, _TIMESTAMP_PATTERN)
    date, hour, minute, second, fraction, offset = groups.flatten()
    normalized = pc.binary_join_element_wise(
        date,
        "T",
        _default(hour, "00"),
        _default(minute, ":00"),
        _default(second, ":00"),
        fraction,
        pc.utf8_upper(_default(offset, "Z")),
        "",  # the separator
    )
    try:
        return normalized.cast(TIMESTAMP)
    except pa.ArrowInvalid:
        # The pattern accepts numbers that are out of range, such as month 13.
        rows = range(len(normalized))
        invalid_row = next(row for row in rows if not _is_timestamp(normalized, row))
        raise _mismatch(decoded, column, invalid_row, texts[invalid_row].as_py()) from None


def _default(groups: pa.Array, default: str) -> pa.Array:
    """Replace the empty strings that `extract_regex` returns for absent groups."""
    return pc.if_else(pc.equal(groups, ""), default, groups)


def _is_timestamp(texts: pa.Array, row: int) -> bool:
    try:
        texts.slice(row, 1).cast(TIMESTAMP)
    except pa.ArrowInvalid:
        return False
    return True


def _mismatch(decoded: Records, column: Column, row: int, value: Any) -> SchemaError:
    found = excerpt(value, private=column.private)
    return SchemaError(mismatch_message(decoded.describe(row), column, found))
