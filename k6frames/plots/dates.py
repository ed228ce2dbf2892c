"""Horizontal axes of timestamps: ticks at round dates, labeled in ISO format."""
# matplotlib.dates has no types:
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import math
from typing import Any, NamedTuple

import matplotlib.dates as mdates
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes

from k6frames.plots import fonts, style
from k6frames.plots.style import Floats

Times = npt.NDArray[np.datetime64]

MAX_TICKS = 12
_TICK_GAP_POINTS = 14.0
_PAD_SHARE = 0.03
_SINGLE_TIME_PAD_DAYS = 0.5

# The approximate lengths of NumPy's units.
_UNIT_DAYS = {"s": 1 / 86_400, "m": 1 / 1_440, "h": 1 / 24, "D": 1.0, "M": 30.4, "Y": 365.25}
# The part of an ISO timestamp to show for each unit.
_ISO_SLICES = {
    "s": slice(11, 19),
    "m": slice(11, 16),
    "h": slice(11, 16),
    "D": slice(10),
    "M": slice(7),
    "Y": slice(4),
}


class Step(NamedTuple):
    """The distance between two ticks, such as 3 months; the unit is one of NumPy's."""

    size: int
    unit: str

    @property
    def unit_days(self) -> float:
        """The approximate length of the unit."""
        return _UNIT_DAYS[self.unit]

    @property
    def days(self) -> float:
        """The approximate length of the step."""
        return self.size * self.unit_days

    @property
    def offset(self) -> int:
        """What to add to NumPy's count of units since 1970.

        Round dates, such as the year 2020 or a Monday, are then multiples of `size`.
        """
        if self.unit == "Y":
            return 1970
        # Weeks begin on Monday, and 1970-01-01 was a Thursday.
        return 3 if self.unit == "D" and self.size % 7 == 0 else 0


ONE_DAY = Step(1, "D")
_STEPS = (
    *(Step(size, "s") for size in (1, 5, 10, 30)),
    *(Step(size, "m") for size in (1, 2, 5, 10, 30)),
    *(Step(size, "h") for size in (1, 2, 3, 6, 12)),
    *(Step(size, "D") for size in (1, 2, 7, 14)),
    *(Step(size, "M") for size in (1, 2, 3, 6)),
    *(Step(size * 10**power, "Y") for power in range(4) for size in (1, 2, 5)),
)


def to_datetime64(timestamps: pd.Series[Any]) -> Times:
    """Convert a column of UTC timestamps to an array without a time zone."""
    return np.asarray(timestamps.dt.tz_convert(None), dtype="datetime64[us]")


def to_days(times: Times) -> Floats:
    """Convert timestamps to positions on a date axis of matplotlib, in days since 1970."""
    return np.asarray(mdates.date2num(times), dtype=np.float64)


def limit_to_times(ax: Axes, times: Times) -> None:
    """Set the limits of a horizontal axis of timestamps."""
    low, high = to_days(np.array([times.min(), times.max()]))
    pad = (high - low) * _PAD_SHARE or _SINGLE_TIME_PAD_DAYS
    ax.set_xlim(low - pad, high + pad)


def label_times(ax: Axes, times: Times, what: str, *, inside: bool = False) -> None:
    """Set the ticks and the label of a horizontal axis of timestamps.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The Axes; its horizontal limits must be final.
    times : numpy.ndarray
        The timestamps.
    what : str
        What happened at these times: the label of the axis.
    inside : bool
        Whether the labels of the first and the last tick are aligned to stay within the Axes.
    """
    first, last = times.min(), times.max()
    note = "UTC"
    if last - first < np.timedelta64(1, "s"):
        ax.set_xticks(to_days(times[:1]), [str(first.astype("datetime64[m]")).replace("T", " ")])
    else:
        # Over several days, the time of day does not matter.
        is_short = last - first < np.timedelta64(2, "D")
        step, ticks = find_ticks(ax, first, last, Step(1, "s") if is_short else ONE_DAY)
        ax.set_xticks(to_days(ticks), [format_tick(tick, step) for tick in ticks])
        if step.unit_days < 1:
            days = sorted({format_tick(time, ONE_DAY) for time in (first, last)})
            note = f"{' to '.join(days)}, UTC"
    ax.set_xlabel(f"{what} ({note})", fontsize=style.FONT_SIZE)
    texts = ax.get_xticklabels()
    if inside and len(texts) > 1:
        texts[0].set_horizontalalignment("left")
        texts[-1].set_horizontalalignment("right")


def find_ticks(
    ax: Axes, first: np.datetime64, last: np.datetime64, finest: Step
) -> tuple[Step, Times]:
    """Return the smallest step whose labels fit, and the ticks between two timestamps.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The Axes; its horizontal limits must be final.
    first, last : numpy.datetime64
        The first and the last possible tick.
    finest : Step
        The smallest step allowed. A longer step in the same unit must be a multiple of it; in a
        longer unit, any step is allowed.
    """
    left, right = ax.get_xlim()
    span = float((last - first) / np.timedelta64(1, "D"))
    width = style.available_size(ax).width * span / (right - left)
    step = next((step for step in _STEPS if _fits(step, span, width, finest)), _STEPS[-1])
    ticks = _multiples(first, last, step)
    if len(ticks) >= 2:
        return step, ticks
    # There are fewer than two round dates: label the first and the last timestamp instead.
    # Each label extends beyond the axis by half of its width.
    has_room_for_both = width > _label_points(finest)
    return finest, np.array([first, last] if has_room_for_both else [first])


def _fits(step: Step, span: float, width: float, finest: Step) -> bool:
    if step.unit_days < finest.unit_days:
        return False
    if step.unit == finest.unit and step.size % finest.size:
        return False
    tick_count = span / step.days + 1
    # The first and the last label extend beyond the span by half of their widths.
    fitting_count = width / _label_points(step) + 1
    return tick_count <= min(MAX_TICKS, fitting_count)


def _label_points(step: Step) -> float:
    return fonts.text_width("0000-00-00T00:00:00"[_ISO_SLICES[step.unit]]) + _TICK_GAP_POINTS


def _multiples(first: np.datetime64, last: np.datetime64, step: Step) -> Times:
    """Return the multiples of a step between two timestamps."""
    dtype = f"datetime64[{step.unit}]"
    low, high = (int(time.astype(dtype).astype(np.int64)) + step.offset for time in (first, last))
    factors = np.arange(math.ceil(low / step.size), high // step.size + 1)
    ticks = (factors * step.size - step.offset).astype(dtype).astype("datetime64[us]")
    return ticks[(ticks >= first) & (ticks <= last)]


def format_tick(tick: np.datetime64, step: Step) -> str:
    """Return a timestamp in ISO format with the precision of the step."""
    return str(tick.astype("datetime64[s]"))[_ISO_SLICES[step.unit]]
