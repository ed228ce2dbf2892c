"""Timestamps that users pass as arguments: `as_of`, `until`, `created_after`, ..."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, date, datetime

import numpy as np
import pandas as pd

from k6frames.errors import ConfigError
from k6frames.validation import short_repr

TimestampLike = str | date | datetime | np.datetime64
"""What users may pass as a timestamp; `pandas.Timestamp` is a `datetime`."""

MAX_DAYS = 3_652_059
"""The number of days in the years 1 to 9999."""

_MICROSECOND = pd.Timedelta(1, "us")
# The decimals of a second after the sixth, which `datetime.fromisoformat` ignores.
_FINER_DIGITS = re.compile(r"[.,][0-9]{6}([0-9]+)")


def parse_timestamp(name: str, value: TimestampLike) -> pd.Timestamp:
    """Return an argument as a timestamp in UTC.

    Parameters
    ----------
    name : str
        The name of the argument, for the error message.
    value : str, date, datetime, pandas.Timestamp or numpy.datetime64
        A string must be an ISO 8601 date or datetime. Without an offset it is UTC; a date is the
        beginning of that day.

    Returns
    -------
    pandas.Timestamp
        In UTC, within the years 1 to 9999. Nanoseconds are rounded up to microseconds: for a column
        of microseconds, ``column < timestamp`` is then true for the same rows as without rounding.

    Raises
    ------
    ConfigError
        If the value is anything else, such as a number, ``"now"`` or ``NaT``.

    Examples
    --------
    >>> parse_timestamp("as_of", "2026-07-01T02:00+02:00")
    Timestamp('2026-07-01 00:00:00+0000', tz='UTC')
    """
    # Numbers are refused: they would be nanoseconds since 1970, which nobody means.
    if isinstance(value, str | date | np.datetime64):
        with suppress(ValueError, TypeError, OverflowError):
            # pandas.Timestamp would accept "now" and "-1"; Python accepts only ISO 8601.
            parsed = pd.Timestamp(
                datetime.fromisoformat(value) if isinstance(value, str) else value
            )
            in_utc = parsed.tz_localize("UTC") if parsed.tz is None else parsed.tz_convert("UTC")
            rounded = in_utc.as_unit("us")
            if in_utc.nanosecond or (isinstance(value, str) and _has_nanoseconds(value)):
                rounded += _MICROSECOND
            if 1 <= rounded.year <= 9999:  # False for NaT
                return rounded
    raise ConfigError(
        f'{name} must be a date or a datetime in the years 1 to 9999, such as "2026-07-01" or '
        f'"2026-07-01T12:00:00+02:00" (UTC if it has no offset), not {short_repr(value)}.'
    )


def _has_nanoseconds(text: str) -> bool:
    finer = _FINER_DIGITS.search(text)
    return finer is not None and int(finer[1]) > 0


def resolve_as_of(as_of: TimestampLike | None) -> pd.Timestamp:
    """Return the timestamp in UTC that a summary uses as the current time, by default now."""
    return parse_timestamp("as_of", datetime.now(UTC) if as_of is None else as_of)
