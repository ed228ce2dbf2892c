"""Checks of arguments, and how their values are shown in messages."""

from __future__ import annotations

import math
import os
import re
import reprlib
from collections.abc import Iterable
from numbers import Integral, Real
from pathlib import Path
from typing import TypeGuard

from k6frames.errors import ConfigError

MAX_INT64 = 2**63 - 1
"""The largest integer that IDs and columns can be."""


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


def validate_choice(name: str, value: object, choices: Iterable[str], described: str) -> str:
    """Return an argument that must be one of several strings; `described` lists them."""
    # Not `in` alone: an array or a frame would be compared element by element.
    if isinstance(value, str) and value in choices:
        return value
    raise ConfigError(f"{name} must be {described}, not {short_repr(value)}.")


def is_integer(value: object) -> TypeGuard[int]:
    """Return whether a value is an integer of Python or numpy, and not a bool."""
    return not isinstance(value, bool) and isinstance(value, Integral)


def short_repr(value: object) -> str:
    """Return a repr of limited length and on one line, also of what Python refuses to print."""
    try:
        return " ".join(reprlib.repr(value).split())
    except ValueError:
        return (
            f"{'an' if is_integer(value) else 'a'} {type(value).__name__} of more than 4,000 digits"
        )


def redact_url(url: str) -> str:
    """Return what of a URL can be shown: nothing where a password may be, no query."""
    scheme, separator, _ = url.partition("://")
    if "@" in url:
        return f"{scheme[:10]}://..." if separator else "..."
    return re.split("[?#]", url)[0][:100]


def absolute_path(path: str | os.PathLike[str], source: str) -> Path:
    """Return a path that the user gave as an absolute one; `source` is where it was given."""
    if not isinstance(path, str | os.PathLike):
        raise ConfigError(f"{source} must be a string or a pathlib.Path, not {short_repr(path)}.")
    try:
        absolute = Path(path).expanduser().absolute()
        possible = b"\0" not in os.fsencode(absolute)
    except (RuntimeError, OSError, TypeError, UnicodeEncodeError) as error:
        # No home folder, no working directory, a path of bytes, half of a surrogate pair.
        raise ConfigError(
            f"{source}: the path {short_repr(path)} cannot be used ({error})."
        ) from None
    if not possible:
        raise ConfigError(f"{source}: the path {short_repr(path)} contains a NUL character.")
    return absolute
