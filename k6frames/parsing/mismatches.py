"""Messages about values that do not match a table: record, field, expected and found."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from k6frames.parsing.json_types import EXPECTED, STRING_MAP
from k6frames.tables.schema import Column

MAX_EXCERPT_LENGTH = 80
"""How many characters of a value an error message shows."""

# Where msgspec found the error: "... - at `$.value[3].cost.total_vuh`".
_ERROR_PATH = re.compile(r" - at `\$(.*)`$")
# A field name or an index. For a value in a map, msgspec writes "[...]", which is skipped.
_PATH_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")
_MISSING_FIELD = re.compile(r"Object missing required field `(.+?)`")


def explain_mismatch(
    error: msgspec.ValidationError,
    columns: tuple[Column, ...],
    is_list: bool,
    request: str,
    document: Any,
) -> str:
    """Say which record and field do not match, what was expected and what was found."""
    path = _parse_path(str(error))
    # The path of a record is ["value", 3] in a list, else ["organization"].
    record_depth = 2 if is_list else 1
    record_path, field_path = path[:record_depth], path[record_depth:]
    # If the error is in the list of records, or in the response, there is no record. Then this is
    # the list or the response.
    record = _follow(document, record_path)
    place = request + _describe_record(record_path, record)
    names = [name for name in field_path if isinstance(name, str)]
    missing = _MISSING_FIELD.match(str(error))
    if missing:
        field = ".".join([*names, missing[1]])
        return f"{place}: the field '{field}' is missing, and it is required."
    if names:
        return _explain_field(place, field_path, columns, _follow(record, field_path))
    if not path:
        expected = "the response must be an object"
    elif len(path) < record_depth:
        expected = "the field must be a list of objects"
    else:
        expected = "the record must be an object"
    return f"{place}: {expected}, not {excerpt(record)}."


def _describe_record(path: list[str | int], record: Any) -> str:
    """Return the place of a record in a response, such as ": value[3] (id 7)"."""
    if not path:
        return ""
    field, *index = path
    place = f": {field}[{index[0]}]" if index else f": {field}"
    if isinstance(record, dict) and "id" in record:
        place += f" (id {excerpt(record['id'])})"
    return place


def _explain_field(
    place: str, path: list[str | int], columns: tuple[Column, ...], value: Any
) -> str:
    """Say what a field must be; `path` leads from its record to the value that does not match."""
    source = ".".join(name for name in path if isinstance(name, str))
    is_list_element = isinstance(path[-1], int)
    field_columns = [
        c for c in columns if c.source == source or str(c.source).startswith(f"{source}.")
    ]
    found = excerpt(value, private=any(column.private for column in field_columns))
    if is_list_element:
        found = f"a list with {found}"
    for column in field_columns:
        if column.source == source:
            if column.type == STRING_MAP and isinstance(value, dict):
                found = "an object with other values"
            return mismatch_message(place, column, found)
    # No column has this field itself; columns have fields inside it, so it must be an object.
    return f"{place}: the field '{source}' must be an object, not {found}."


def _parse_path(message: str) -> list[str | int]:
    """Return the field names and indexes that lead to the error."""
    match = _ERROR_PATH.search(message)
    steps = _PATH_STEP.findall(match[1]) if match else []
    return [name or int(index) for name, index in steps]


def _follow(value: Any, path: list[str | int]) -> Any:
    """Return what a path leads to, as far as it can be followed."""
    for step in path:
        try:
            value = value[step]
        except (LookupError, TypeError):
            break
    return value


def mismatch_message(place: str, column: Column, found: str) -> str:
    """Say what the field of a column must be, and what was found."""
    expected = "a list of strings" if column.string_list else EXPECTED[column.type]
    if column.numeric_strings:
        expected += " or a numeric string"
    if column.nullable:
        expected += " or null"
    return f"{place}: the field '{column.source}' must be {expected}, not {found}."


def excerpt(value: Any, *, private: bool = False) -> str:
    """Describe a value in a few words, without anything private."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if private and value is not None:
        return "a string" if isinstance(value, str) else "a value of another type"
    return shorten(msgspec.json.encode(value).decode())


def shorten(text: str) -> str:
    """Return text as a message shows it: short, and without control characters."""
    if len(text) > MAX_EXCERPT_LENGTH:
        text = f"{text[: MAX_EXCERPT_LENGTH - 3]}..."
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)
