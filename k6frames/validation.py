"""Check arguments, and format their values for messages."""

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
"""The largest ID, and the largest integer in a column."""


def validate_number(name: str, value: object, *, minimum: float, maximum: float) -> float:
    """Return an argument that must be a number within limits; a `maximum` of inf allows inf."""
    if not isinstance(value, bool) and isinstance(value, Real):
        try:
            number = float(value)
        except OverflowError:
            number = -math.inf if value < 0 else math.inf
        if minimum <= number <= maximum:
            return number
    if maximum == math.inf:
        limits = f"of at least {minimum:,g}"
    else:
        # The format of the maximum is not `g`, which would write 2,000,000 as 2e+06.
        limits = f"from {minimum:,g} to {maximum:,}"
    raise ConfigError(f"{name} must be a number {limits}, not {short_repr(value)}.")


def validate_integer(name: str, value: object, *, minimum: int, maximum: int) -> int:
    """Return an argument that must be an integer within limits."""
    if is_integer(value) and minimum <= value <= maximum:
        return int(value)
    raise ConfigError(
        f"{name} must be an integer from {minimum:,} to {maximum:,}, not {short_repr(value)}."
    )


def validate_choice(name: str, value: object, choices: Iterable[str], expected: str) -> str:
    """Return an argument that must be one of several strings; messages show `expected`."""
    # With `in` alone, an array or a frame would be compared element by element.
    if isinstance(value, str) and value in choices:
        return value
    raise ConfigError(f"{name} must be {expected}, not {short_repr(value)}.")


def is_integer(value: object) -> TypeGuard[int]:
    """Return whether a value is a Python or numpy integer, and not a bool."""
    return not isinstance(value, bool) and isinstance(value, Integral)


def short_repr(value: object) -> str:
    """Return a repr of limited length and on one line."""
    try:
        return " ".join(reprlib.repr(value).split())
    except ValueError:  # Python does not print integers of more than 4,300 digits
        return "a value of more than 4,300 digits"


def redact_url(url: str) -> str:
    """Return a URL for a message: shortened, without its query or anything that may be secret."""
    if "@" in url:
        scheme = re.match(r"[a-z]{1,10}://", url, re.IGNORECASE)
        return f"{scheme[0]}..." if scheme else "..."
    return re.split("[?#]", url)[0][:100]


def absolute_path(path: str | os.PathLike[str], source: str) -> Path:
    """Return an absolute path; messages begin with `source`, such as the name of a setting."""
    if not isinstance(path, str | os.PathLike):
        raise ConfigError(f"{source} must be a string or a pathlib.Path, not {short_repr(path)}.")
    try:
        absolute = Path(path).expanduser().absolute()
        has_nul = b"\0" in os.fsencode(absolute)
    except (RuntimeError, OSError, TypeError, UnicodeEncodeError) as error:
        # No home folder, no working directory, an `os.PathLike` that returns bytes, or a lone
        # surrogate.
        raise ConfigError(
            f"{source}: the path {short_repr(path)} cannot be used ({error})."
        ) from None
    if has_nul:
        raise ConfigError(f"{source}: the path {short_repr(path)} contains a NUL character.")
    return absolute
