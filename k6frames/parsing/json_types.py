"""The JSON type of each column type."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from k6frames.tables.schema import BOOL, FLOAT, INT, STRING, TIMESTAMP

STRING_MAP = pa.map_(STRING, STRING)
"""The type of a column whose field is an object of strings, such as the labels of a project."""

JSON_TYPES: dict[pa.DataType, Any] = {
    INT: int,
    FLOAT: float,
    BOOL: bool,
    STRING: str,
    TIMESTAMP: str,
    STRING_MAP: dict[str, str],
}
"""The Python type that msgspec decodes each type to."""
EXPECTED = {
    INT: "an integer of at most 64 bits",
    FLOAT: "a number",
    BOOL: "true or false",
    STRING: "a string",
    TIMESTAMP: "an ISO 8601 timestamp",
    STRING_MAP: "an object of strings",
}
"""How messages describe each type."""
