"""What the JSON of each column type is decoded to, and how messages describe it."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from k6frames.tables.schema import BOOL, FLOAT, INT, STRING, TIMESTAMP

STRING_MAP = pa.map_(STRING, STRING)
"""The type of a column whose field is an object with string values, such as a project's labels."""

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
    INT: "an integer (signed, 64-bit)",
    FLOAT: "a number",
    BOOL: "true or false",
    STRING: "a string",
    TIMESTAMP: "an ISO 8601 timestamp",
    STRING_MAP: "an object with string values",
}
"""How messages describe each type."""
