"""Timelines of days, weeks, months, quarters or years in UTC."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from k6frames.errors import ConfigError
from k6frames.tables.timestamp_arguments import TimestampLike, parse_timestamp
from k6frames.validation import validate_choice

Frequency = Literal["D", "W", "MS", "QS", "YS"]

_UNITS: dict[Frequency, str] = {
    "D": "day",
    "W": "week",
    "MS": "month",
    "QS": "quarter",
    "YS": "year",
}
# Aliases of pandas.Period for each frequency. A week that ends on Sunday begins on Monday, which
# `plots.periods` and `plots.dates` also assume.
_ALIASES: dict[Frequency, str] = {"D": "D", "W": "W-SUN", "MS": "M", "QS": "Q-DEC", "YS": "Y-DEC"}

_DAY_US = 86_400_000_000

MAX_TIMELINE_ROWS = 2_000_000
"""With more rows, there is probably a mistake, such as a date in the year 1, and the timeline may
not fit into memory."""


class Timeline(NamedTuple):
    """Consecutive periods that include all timestamps, and the period of each timestamp."""

    periods: pd.DatetimeIndex
    """The start of each period in UTC."""
    positions: npt.NDArray[np.int64]
    """For each timestamp, the position of its period in `periods`."""


def make_timeline(
    timestamps: pd.Series[Any],
    freq: Frequency,
    *,
    until: TimestampLike | None = None,
    groups: int = 1,
    noun: str = "group",
) -> Timeline:
    """Make the timeline of some timestamps.

    Parameters
    ----------
    timestamps : pandas.Series
        Timestamps in UTC in microseconds, none missing.
    freq : {"D", "W", "MS", "QS", "YS"}
        Length of a period.
    until : str, date, datetime, pandas.Timestamp or numpy.datetime64, optional
        The last period is the one that contains this timestamp or the last of `timestamps`,
        whichever is later. Without timestamps, there are no periods.
    groups : int
        How many groups the caller has, each with a row for every period.
    noun : str
        What a group is, for the error message.

    Raises
    ------
    ConfigError
        If an argument is not valid, or periods times groups exceed two million.
    """
    known = ", ".join(f'"{known_freq}" ({unit})' for known_freq, unit in _UNITS.items())
    validate_choice("freq", freq, _UNITS, f"one of {known}")
    end = None if until is None else parse_timestamp("until", until)
    if timestamps.empty:
        return Timeline(pd.DatetimeIndex([], dtype="datetime64[us, UTC]"), np.array([], np.int64))
    first, last = timestamps.min(), timestamps.max()
    if end is not None:
        last = max(last, end)
    bounds = pd.DatetimeIndex([first, last]).tz_convert(None).to_period(_ALIASES[freq])
    count = int(bounds.asi8[1] - bounds.asi8[0]) + 1  # pandas numbers periods consecutively
    if count * groups > MAX_TIMELINE_ROWS:
        factor = f"{groups:,} {noun}s x " if groups > 1 else ""
        raise ConfigError(
            f"The timeline would have {count * groups:,} rows: {factor}{count:,} {_UNITS[freq]}s "
            f"from {first.date()} to {last.date()}. At most {MAX_TIMELINE_ROWS:,} are allowed. "
            "Choose a longer freq, or pass only rows with the dates that you need."
        )
    starts = pd.period_range(bounds[0], bounds[1]).to_timestamp().as_unit("us").tz_localize("UTC")
    return Timeline(starts, _find_periods(timestamps, starts))


def start_of_newest_periods(end: pd.Timestamp, freq: Frequency, count: int) -> pd.Timestamp:
    """Return the start in UTC of the first of `count` periods, the last of which contains `end`."""
    first = end.tz_convert(None).to_period(_ALIASES[freq]) - (count - 1)
    return first.start_time.tz_localize("UTC")


def _find_periods(timestamps: pd.Series[Any], starts: pd.DatetimeIndex) -> npt.NDArray[np.int64]:
    """Return the position of the period of each timestamp.

    A period consists of full days, so it is looked up in an array with one item per day. For a
    million timestamps, this takes 6 ms, compared with 40 ms for `Series.dt.to_period`.
    """
    days = pd.DatetimeIndex(timestamps).asi8 // _DAY_US
    first_days = starts.asi8 // _DAY_US
    # Of the last period, the array needs only the days up to the last timestamp. It has at least
    # one day: with `until`, there may be no timestamps in it.
    lengths = np.diff(first_days, append=max(days.max(), first_days[-1]) + 1)
    period_of_day = np.arange(len(starts)).repeat(lengths)
    positions: npt.NDArray[np.int64] = period_of_day[days - first_days[0]]
    return positions
