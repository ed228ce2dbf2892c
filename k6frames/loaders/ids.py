"""Arguments that are IDs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, SupportsIndex

import pandas as pd

from k6frames.api.client import Client
from k6frames.errors import ConfigError
from k6frames.validation import MAX_INT64, is_integer, short_repr

# For type checkers, a numpy integer is a `SupportsIndex` and not an `int`.
IDs = SupportsIndex | Iterable[SupportsIndex]


def validate_ids(name: str, value: IDs) -> list[int]:
    """Return an argument, one ID or several, as a list without duplicates."""
    if isinstance(value, Iterable) and not isinstance(value, str | bytes | pd.DataFrame):
        requirement = f"{name} must contain only IDs"
        return list(dict.fromkeys(_validate(element, requirement) for element in value))
    return [_validate(value, f"{name} must be an ID or an iterable of IDs")]


def validate_id(name: str, value: Any) -> int:
    """Return an argument that is a single ID."""
    return _validate(value, f"{name} must be an ID")


def _validate(value: Any, requirement: str) -> int:
    if is_integer(value) and 0 <= value <= MAX_INT64:
        return int(value)
    if isinstance(value, Client):
        raise ConfigError(f"{requirement}; pass the client as client=...")
    found = f"a {type(value).__name__}" if isinstance(value, pd.DataFrame) else short_repr(value)
    raise ConfigError(f"{requirement}, not {found}. An ID is an integer from 0 to {MAX_INT64:,}.")
