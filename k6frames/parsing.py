"""Response bodies to one Arrow table, or a `SchemaError` that names the record and the field.

msgspec decodes each body with a type that is made from the table: strict about JSON types, and
fast, since fields that no table declares are skipped.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import pairwise
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from k6frames.errors import SchemaError
from k6frames.tables.schema import (
    BOOL,
    FLOAT,
    INT,
    MAX_TIMESTAMP_US,
    MIN_TIMESTAMP_US,
    STRING,
    TIMESTAMP,
    Column,
    Table,
)

STRING_MAP = pa.map_(STRING, STRING)
"""The type of a column whose field is an object of strings, such as the labels of a project."""

MAX_EXCERPT_LENGTH = 80
"""How many characters of a value an error message shows."""

_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
# Where msgspec found the error: "... - at `$.value[3].cost.total_vuh`".
_ERROR_PATH = re.compile(r" - at `\$(.*)`$")
_PATH_STEP = re.compile(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]")
# Arrow reads timestamps of this grammar if they have an offset and at most six digits of a second.
_TIMESTAMP = (
    r"^(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d)(:\d\d)?(:\d\d)?(\.\d{1,6})?\d*)?"
    r"([Zz]|[+-]\d\d(?::?\d\d)?)?$"
)
_EXPECTED = {
    INT: "an integer of at most 64 bits",
    FLOAT: "a number",
    BOOL: "true or false",
    STRING: "a string",
    TIMESTAMP: "an ISO 8601 timestamp",
    STRING_MAP: "an object of strings",
}
_JSON_TYPES: dict[pa.DataType, Any] = {
    INT: int,
    FLOAT: float,
    BOOL: bool,
    STRING: str,
    TIMESTAMP: str,
    STRING_MAP: dict[str, str],
}


class _Records(NamedTuple):
    """The decoded records of all bodies, and where each one came from."""

    records: list[Any]
    requests: list[Any]
    ends: list[int]
    field: str
    is_list: bool

    def describe(self, row: int) -> str:
        """Return the response, the index and the ID of a record, for a message."""
        body = bisect_right(self.ends, row)
        index = row - (self.ends[body - 1] if body else 0)
        where = f"{self.requests[body]}: {self.field}"
        if self.is_list:
            where += f"[{index}]"
        record_id = getattr(self.records[row], "id", None)
        return where if record_id is None else f"{where} (id {record_id})"


def read(
    table: Table,
    bodies: Mapping[Any, bytes],
    *,
    field: str = "value",
    is_list: bool = True,
    constants: Mapping[str, Sequence[Any]] | None = None,
    drop_duplicates: bool = False,
) -> pa.Table:
    """Read the records of all bodies as one Arrow table.

    Parameters
    ----------
    table : Table
        What the records look like.
    bodies : mapping of request to bytes
        The response to each request; ``str(request)`` is shown in messages.
    field : str, default "value"
        The field of a body that holds the records.
    is_list : bool, default True
        Whether it holds a list of records, or one record.
    constants : mapping of str to sequence, optional
        Columns that no response contains, such as ``stack_id``: one value for each body.
    drop_duplicates : bool, default False
        Keep the last one of several records with the same key, as overlapping pages have them.

    Returns
    -------
    pyarrow.Table
        The table's columns that have a source or are constant, in order.

    Raises
    ------
    SchemaError
        If anything in any body does not match the table.

    Examples
    --------
    >>> from k6frames import parsing
    >>> from k6frames.tables import PROJECTS
    >>> body = b'{"projects": [{"id": 1, "created": "2026-01-02T03:04:05Z"}]}'
    >>> arrow = parsing.read(PROJECTS, {"/v3/organizations/7/projects": body}, field="projects")
    >>> PROJECTS.to_frame(arrow)[["project_id", "name", "created"]]
       project_id  name                   created
    0           1  <NA> 2026-01-02 03:04:05+00:00
    """
    sources = tuple(column for column in table.columns if column.source)
    decoded = _decode_all(sources, bodies, field, is_list)
    arrays = {column.name: _array(decoded, column) for column in sources}
    counts = [end - start for start, end in pairwise([0, *decoded.ends])]
    for name, values in (constants or {}).items():
        repeated = [v for v, count in zip(values, counts, strict=True) for _ in range(count)]
        arrays[name] = pa.array(repeated, type=table.arrow_schema.field(name).type)
    ordered = {c.name: arrays[c.name] for c in table.columns if c.name in arrays}
    return _without_duplicates(pa.table(ordered), table, decoded, drop=drop_duplicates)


def public_records(
    table: Table,
    bodies: Mapping[Any, bytes],
    *,
    field: str = "value",
    drop_duplicates: bool = False,
) -> bytes:
    """Encode the records of all bodies as one body that has only declared, public fields.

    Parameters
    ----------
    table : Table
        What the records look like.
    bodies : mapping of request to bytes
        The response to each request; ``str(request)`` is shown in messages.
    field : str, default "value"
        The field of a body that holds the list of records.
    drop_duplicates : bool, default False
        Keep the last one of several records with the same key, as overlapping pages have them.

    Returns
    -------
    bytes
        A body from which `read` makes the same table, without the private columns.

    Raises
    ------
    SchemaError
        If anything in any body does not match the table.

    Examples
    --------
    >>> from k6frames import parsing
    >>> from k6frames.tables import ORGANIZATIONS
    >>> body = b'{"organizations": [{"id": 1, "vat_number": "GB 1", "logo": "x.png"}]}'
    >>> parsing.public_records(ORGANIZATIONS, {"/v3/organizations": body}, field="organizations")
    b'{"organizations":[{"id":1}]}'
    """
    sources = tuple(c for c in table.columns if c.source and not c.private)
    decoded = _decode_all(sources, bodies, field, is_list=True)
    # Arrow finds what msgspec accepts and `read` would not.
    arrow = pa.table({column.name: _array(decoded, column) for column in sources})
    arrow = arrow.append_column("record", pa.array(range(len(arrow)), INT))
    rows = _without_duplicates(arrow, table, decoded, drop=drop_duplicates)["record"].to_pylist()
    return msgspec.json.encode({field: [decoded.records[row] for row in rows]})


# --- decoding -----------------------------------------------------------------------------------


def _decode_all(
    columns: tuple[Column, ...], bodies: Mapping[Any, bytes], field: str, is_list: bool
) -> _Records:
    decoder = _decoder(columns, field, is_list)
    records: list[Any] = []
    ends: list[int] = []
    for request, body in bodies.items():
        found = _decode(decoder, columns, field, is_list, str(request), body)
        records += found if is_list else [found]
        ends.append(len(records))
    return _Records(records, list(bodies), ends, field, is_list)


@cache
def _decoder(
    columns: tuple[Column, ...], field: str, is_list: bool
) -> msgspec.json.Decoder[msgspec.Struct]:
    """Make the decoder of a body: an object with the records in `field`, or with an error."""
    record = _record_type("Record", [(str(c.source).split("."), c) for c in columns])
    content = list[record] if is_list else record  # type: ignore[valid-type]
    body = msgspec.defstruct(
        "Body",
        [
            (field, content | None | msgspec.UnsetType, msgspec.UNSET),
            ("error", msgspec.Raw, msgspec.Raw(b"null")),
        ],
        # Records have no cycles: without the collector's bookkeeping decoding is faster.
        gc=False,
    )
    return msgspec.json.Decoder(body)


def _record_type(name: str, columns: list[tuple[list[str], Column]]) -> Any:
    fields: list[tuple[Any, ...]] = []
    nested: dict[str, list[tuple[list[str], Column]]] = {}
    for (first, *rest), column in columns:
        if rest:
            nested.setdefault(first, []).append((rest, column))
        elif column.nullable:
            fields.append((first, _json_type(column) | None, None))
        else:
            fields.append((first, _json_type(column)))
    for first, parts in nested.items():
        fields.append((first, _record_type(first, parts) | None, None))
    return msgspec.defstruct(name, sorted(fields, key=len), gc=False, omit_defaults=True)


def _json_type(column: Column) -> Any:
    if column.string_list:
        return list[str]
    if column.numeric_strings:
        return float | str
    return _JSON_TYPES[column.type]


def _decode(
    decoder: msgspec.json.Decoder[msgspec.Struct],
    columns: tuple[Column, ...],
    field: str,
    is_list: bool,
    where: str,
    body: bytes,
) -> Any:
    """Return the content of the field in a body."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SchemaError(f"{where}: byte {error.start} of the response is not UTF-8.") from None
    if not text.strip():
        raise SchemaError(f"{where}: the response is empty.")
    try:
        decoded = decoder.decode(text)
    except msgspec.ValidationError as error:
        raise SchemaError(_explain(str(error), columns, is_list, where, text)) from None
    except msgspec.DecodeError as error:
        raise SchemaError(f"{where}: the response is not complete, valid JSON ({error}).") from None
    except RecursionError:
        raise SchemaError(f"{where}: the response is nested too deeply.") from None
    raw_error = bytes(decoded.error).decode()  # type: ignore[attr-defined]
    if raw_error != "null":
        raise SchemaError(f"{where}: the response is an error: {_shorten(raw_error)}.")
    content = getattr(decoded, field)
    if content is msgspec.UNSET or content is None:
        state = "null" if content is None else "missing"
        names = ", ".join(list(_decode_any(text))[:10]) or "no fields"
        raise SchemaError(
            f"{where}: the field '{field}' is {state}. The response has {_shorten(names)}."
        )
    return content


# --- explaining what msgspec refuses ------------------------------------------------------------


def _explain(
    message: str, columns: tuple[Column, ...], is_list: bool, where: str, text: str
) -> str:
    """Say which record and field do not match, what was expected and what was found."""
    match = _ERROR_PATH.search(message)
    steps = [name or index for name, index in _PATH_STEP.findall(match[1])] if match else []
    missing = re.match(r"Object missing required field `(.+?)`", message)
    value: Any = _decode_any(text)
    record: Any = None
    place = where
    fields: list[str] = []
    for depth, step in enumerate(steps):
        if isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
            place += f"[{step}]" if depth == 1 else ""
        elif isinstance(value, dict):
            value = value.get(step, value)
            place += f": {step}" if depth == 0 else ""
            if depth and step != "...":  # msgspec does not say which value of a map it is
                fields.append(step)
        if depth == (1 if is_list else 0):
            record = value
    if isinstance(record, dict) and "id" in record:
        place += f" (id {_excerpt(record['id'])})"
    if missing:
        fields.append(missing[1])
        return f"{place}: the field '{'.'.join(fields)}' is missing, and it is required."
    source = ".".join(fields)
    column = next((c for c in columns if f"{source}.".startswith(f"{c.source}.")), None)
    is_private = any(c.private and f"{c.source}.".startswith(f"{source}.") for c in columns)
    found = _excerpt(value, private=is_private or (column is not None and column.private))
    if column is not None:
        return f"{place}: the field '{source}' must be {_expectation(column)}, not {found}."
    kind = "a list of objects" if is_list and len(steps) == 1 else "an object"
    subject = f"the field '{source}'" if fields else "it" if steps else "the response"
    return f"{place}: {subject} must be {kind}, not {found}."


def _expectation(column: Column) -> str:
    expected = "a list of strings" if column.string_list else _EXPECTED[column.type]
    if column.numeric_strings:
        expected += " or a numeric string"
    return f"{expected} or null" if column.nullable else expected


def _decode_any(text: str) -> Any:
    """Decode without a type, to explain an error; what cannot be decoded is shown as nothing."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return {}


def _excerpt(value: Any, *, private: bool = False) -> str:
    """Describe a value in a few words, without anything private."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if private and value is not None:
        return "a string" if isinstance(value, str) else "a value of another type"
    return _shorten(msgspec.json.encode(value).decode())


def _shorten(text: str) -> str:
    """Return text as a message shows it: short, and without control characters."""
    if len(text) > MAX_EXCERPT_LENGTH:
        text = f"{text[: MAX_EXCERPT_LENGTH - 3]}..."
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)


# --- columns ------------------------------------------------------------------------------------


def _array(decoded: _Records, column: Column) -> pa.Array:
    """Return one column of all records."""
    values = _values(decoded.records, str(column.source))
    if column.string_list:
        return pa.array([None if v is None else ",".join(v) for v in values], STRING)
    if column.type == STRING_MAP:
        return pa.array([None if v is None else list(v.items()) for v in values], STRING_MAP)
    if column.type == TIMESTAMP:
        return _timestamps(decoded, column, pa.array(values, STRING))
    if column.numeric_strings:
        values = [_number(decoded, column, row, value) for row, value in enumerate(values)]
    try:
        return pa.array(values, column.type)
    except (OverflowError, pa.ArrowInvalid):
        row = next(i for i, v in enumerate(values) if v is not None and not -(2**63) <= v < 2**63)
        raise _mismatch(decoded, column, row, values[row]) from None


def _values(records: list[Any], source: str) -> list[Any]:
    """Return a field of each record; a nested field of null is null."""
    first, *rest = source.split(".")
    values = list(map(attrgetter(first), records))
    for name in rest:
        field = attrgetter(name)
        values = [None if value is None else field(value) for value in values]
    return values


def _number(decoded: _Records, column: Column, row: int, value: float | str | None) -> float | None:
    if not isinstance(value, str):
        return value
    number = float(value) if _NUMBER.fullmatch(value) else math.nan
    if not math.isfinite(number):
        raise _mismatch(decoded, column, row, value)
    return number


def _timestamps(decoded: _Records, column: Column, texts: pa.Array) -> pa.Array:
    """Parse a column of timestamps in one call; an empty string and year 1 are missing.

    Go writes ``0001-01-01T00:00:00Z`` for "no date".
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


def _parse_normalized(decoded: _Records, column: Column, texts: pa.Array) -> pa.Array:
    """Parse timestamps of which some have no offset, no time or more than six digits."""
    matches = pc.match_substring_regex(texts, _TIMESTAMP)
    wrong = pc.index(matches, False).as_py()
    if wrong < 0:
        parts = pc.extract_regex(texts, _named_groups(_TIMESTAMP))
        date, hour, minute, second, fraction, offset = parts.flatten()
        time = pc.binary_join_element_wise(
            _default(hour, "00"), _default(minute, ":00"), _default(second, ":00"), fraction, ""
        )
        complete = pc.binary_join_element_wise(
            date, "T", time, pc.utf8_upper(_default(offset, "Z")), ""
        )
        try:
            return complete.cast(TIMESTAMP)
        except pa.ArrowInvalid:
            # One of them has a month 13 or the like: find it.
            wrong = next(row for row in range(len(complete)) if not _is_timestamp(complete, row))
    raise _mismatch(decoded, column, wrong, texts[wrong].as_py())


def _named_groups(pattern: str) -> str:
    """Give each capturing group the name that `extract_regex` requires."""
    names = iter("abcdef")
    return re.sub(r"\((?!\?)", lambda _: f"(?P<{next(names)}>", pattern)


def _default(texts: pa.Array, default: str) -> pa.Array:
    return pc.if_else(pc.equal(texts, ""), default, texts)


def _is_timestamp(texts: pa.Array, row: int) -> bool:
    try:
        texts.slice(row, 1).cast(TIMESTAMP)
    except pa.ArrowInvalid:
        return False
    return True


def _mismatch(decoded: _Records, column: Column, row: int, value: Any) -> SchemaError:
    found = _excerpt(value, private=column.private) if not isinstance(value, int) else str(value)
    return SchemaError(
        f"{decoded.describe(row)}: the field '{column.source}' must be {_expectation(column)}, "
        f"not {_shorten(found)}."
    )


# --- keys ---------------------------------------------------------------------------------------


def _without_duplicates(
    arrow: pa.Table, table: Table, decoded: _Records, *, drop: bool
) -> pa.Table:
    """Check that no key is duplicated, or keep only the last record of each key."""
    names = [name for name in table.key if name in arrow.column_names]
    if not names:
        return arrow
    keys = pd.DataFrame({name: arrow[name].to_pandas() for name in names})
    if drop:
        repeated = keys.duplicated(keep="last").to_numpy()
        return arrow.filter(pa.array(~repeated)) if repeated.any() else arrow
    repeated = keys[names[-1]].duplicated(keep=False).to_numpy()
    if repeated.any() and len(names) > 1:
        repeated = keys.duplicated(keep=False).to_numpy()
    if repeated.any():
        first = int(np.flatnonzero(repeated)[0])
        same = (keys == keys.iloc[first]).all(axis=1).to_numpy()
        second = int(np.flatnonzero(same)[1])
        raise SchemaError(
            f"{decoded.describe(second)}: the {', '.join(names)} is a duplicate of "
            f"{decoded.describe(first)}; the row would be counted twice."
        )
    return arrow
