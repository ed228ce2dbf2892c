"""Checks of arguments, and how their values are shown in messages."""

from __future__ import annotations

import math
import os
import re
import reprlib
from numbers import Integral, Real
from pathlib import Path
from typing import TypeGuard

from k6frames.errors import ConfigError


def validate_number(name: str, value: object, *, minimum: float, maximum: float) -> float:
    """Return an argument that must be a number within limits; `math.inf` allows infinity."""
    if not isinstance(value, bool) and isinstance(value, Real):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if minimum <= number <= maximum:
            return number
    limits = f"of at least {minimum:,g}" + ("" if maximum == math.inf else f", at most {maximum:,}")
    raise ConfigError(f"{name} must be a number {limits}; not {short_repr(value)}.")


def validate_integer(name: str, value: object, *, minimum: int, maximum: int) -> int:
    """Return an argument that must be an integer within limits."""
    if is_integer(value) and minimum <= value <= maximum:
        return int(value)
    raise ConfigError(
        f"{name} must be an integer from {minimum:,} to {maximum:,}; not {short_repr(value)}."
    )


def is_integer(value: object) -> TypeGuard[int]:
    """Return whether a value is an integer of Python or numpy, and not a bool."""
    return not isinstance(value, bool) and isinstance(value, Integral)


def short_repr(value: object) -> str:
    """Return a repr of limited length, also of an integer that Python refuses to print."""
    try:
        return reprlib.repr(value)
    except ValueError:
        return f"a {type(value).__name__} of more than 4,000 digits"


def redact_url(url: str) -> str:
    """Return what of a URL can be shown: nothing where a password may be, no query."""
    scheme, separator, _ = url.partition("://")
    if "@" in url:
        return f"{scheme[:10]}://..." if separator else "..."
    return re.split("[?#]", url)[0][:100]


def absolute_path(path: str | os.PathLike[str], source: str) -> Path:
    """Return a path that the user gave as an absolute one; `source` is where it was given."""
    try:
        absolute = Path(path).expanduser().absolute()
    except (RuntimeError, OSError) as error:  # no home folder; no working directory
        raise ConfigError(f"{source}: the path {str(path)!r} cannot be used ({error}).") from None
    if "\0" in str(absolute):
        raise ConfigError(f"{source}: the path {str(path)!r} contains a NUL character.")
    return absolute
