"""Arguments that are IDs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, SupportsIndex

import pandas as pd

from k6frames.api.client import Client
from k6frames.errors import ConfigError
from k6frames.validation import MAX_INT64, is_integer, short_repr

IDs = SupportsIndex | Iterable[SupportsIndex]


def validate_ids(name: str, value: IDs) -> list[int]:
    """Return an argument, one ID or several, as a list without duplicates."""
    expected = "an int or an iterable of ints"
    if isinstance(value, Iterable) and not isinstance(value, str | bytes | pd.DataFrame):
        return list(dict.fromkeys(_validate(name, element, expected) for element in value))
    return [_validate(name, value, expected)]


def validate_id(name: str, value: Any) -> int:
    """Return an argument that is a single ID."""
    return _validate(name, value, "an int")


def _validate(name: str, value: Any, expected: str) -> int:
    if is_integer(value) and 0 <= value <= MAX_INT64:
        return int(value)
    if isinstance(value, Client):
        raise ConfigError(f"{name} must be an ID; pass the client as client=...")
    found = f"a {type(value).__name__}" if isinstance(value, pd.DataFrame) else short_repr(value)
    raise ConfigError(f"{name} must be {expected}, not {found}.")
