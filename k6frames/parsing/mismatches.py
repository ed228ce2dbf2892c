"""What does not match a table, in words: record, field, what was expected and what was found."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from k6frames.parsing.json_types import EXPECTED
from k6frames.tables.schema import Column

MAX_EXCERPT_LENGTH = 80
"""How many characters of a value an error message shows."""

# Where msgspec found the error: "... - at `$.value[3].cost.total_vuh`".
_ERROR_PATH = re.compile(r" - at `\$(.*)`$")
_PATH_STEP = re.compile(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]")


def explain_mismatch(
    message: str, columns: tuple[Column, ...], is_list: bool, where: str, text: str
) -> str:
    """Say which record and field do not match, what was expected and what was found."""
    match = _ERROR_PATH.search(message)
    steps = [name or index for name, index in _PATH_STEP.findall(match[1])] if match else []
    missing = re.match(r"Object missing required field `(.+?)`", message)
    value: Any = decode_any(text)
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
        place += f" (id {excerpt(record['id'])})"
    if missing:
        fields.append(missing[1])
        return f"{place}: the field '{'.'.join(fields)}' is missing, and it is required."
    source = ".".join(fields)
    column = next((c for c in columns if f"{source}.".startswith(f"{c.source}.")), None)
    is_private = any(c.private and f"{c.source}.".startswith(f"{source}.") for c in columns)
    found = excerpt(value, private=is_private or (column is not None and column.private))
    if column is not None:
        return describe_field(place, source, column, found)
    kind = "a list of objects" if is_list and len(steps) == 1 else "an object"
    subject = f"the field '{source}'" if fields else "it" if steps else "the response"
    return f"{place}: {subject} must be {kind}, not {found}."


def describe_field(place: str, source: str, column: Column, found: str) -> str:
    """Say what the field of a column must be, and what was found."""
    expected = "a list of strings" if column.string_list else EXPECTED[column.type]
    if column.numeric_strings:
        expected += " or a numeric string"
    if column.nullable:
        expected += " or null"
    return f"{place}: the field '{source}' must be {expected}, not {found}."


def decode_any(text: str) -> Any:
    """Decode without a type, to explain an error; return {} for invalid JSON."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return {}


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
