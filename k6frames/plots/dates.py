"""Horizontal axes of timestamps: ticks at round dates, with ISO dates below them."""
# matplotlib.dates has no types:
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

from typing import Any, NamedTuple

import matplotlib.dates as mdates
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes

from k6frames.plots import labels, style

Floats = npt.NDArray[np.float64]
Times = npt.NDArray[np.datetime64]

MAX_TICKS = 12
_TICK_GAP_POINTS = 14.0
_PAD_SHARE = 0.03
_SINGLE_PAD_DAYS = 0.5
_DAY = np.timedelta64(1, "D")


class Step(NamedTuple):
    """A distance between ticks: so many units, of about so many days each.

    The unit is one of NumPy's: ``s``, ``m``, ``h``, ``D``, ``M`` or ``Y``.
    """

    units: int
    unit: str
    unit_days: float

    @property
    def days(self) -> float:
        """About how long the step is."""
        return self.units * self.unit_days

    @property
    def shift(self) -> int:
        """What is added to units since 1970: weeks begin on Monday, decades with a year of 0."""
        if self.unit == "Y":
            return 1970
        return 3 if self.unit == "D" and self.units % 7 == 0 else 0


_STEPS = (
    *(Step(units, "s", 1 / 86_400) for units in (1, 5, 10, 30)),
    *(Step(units, "m", 1 / 1_440) for units in (1, 2, 5, 10, 30)),
    *(Step(units, "h", 1 / 24) for units in (1, 2, 3, 6, 12)),
    *(Step(units, "D", 1) for units in (1, 2, 7, 14)),
    *(Step(units, "M", 30.4) for units in (1, 2, 3, 6)),
    *(Step(units * 10**power, "Y", 365.25) for power in range(4) for units in (1, 2, 5)),
)

# Where a tick's label begins and ends in an ISO timestamp.
_LABELS = {
    "s": slice(11, 19),
    "m": slice(11, 16),
    "h": slice(11, 16),
    "D": slice(10),
    "M": slice(7),
    "Y": slice(4),
}


def to_axis(times: Times) -> Floats:
    """Return where timestamps are on matplotlib's axis of days."""
    return np.asarray(mdates.date2num(times), dtype=np.float64)


def to_times(values: pd.Series[Any]) -> Times:
    """Return a column of timestamps without their time zone, which is UTC throughout."""
    return np.asarray(values.dt.tz_convert(None), dtype="datetime64[us]")


def limit_to_times(ax: Axes, times: Times) -> None:
    """Set the limits of a horizontal axis of timestamps."""
    low, high = to_axis(np.array([times.min(), times.max()]))
    pad = (high - low) * _PAD_SHARE or _SINGLE_PAD_DAYS
    ax.set_xlim(low - pad, high + pad)


def label_times(ax: Axes, times: Times, what: str, *, inside: bool = False) -> None:
    """Set ticks and label of a horizontal axis of timestamps, whose limits are final.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The Axes.
    times : numpy.ndarray
        The timestamps.
    what : str
        What they are, for the label.
    inside : bool
        Whether the first and the last tick's label must not protrude from the Axes.
    """
    first, last = times.min(), times.max()
    zone = "UTC"
    if first == last:
        ax.set_xticks(to_axis(times[:1]), [str(first.astype("datetime64[m]")).replace("T", " ")])
    else:
        step, ticks = find_ticks(ax, first, last, _finest_step(first, last))
        ax.set_xticks(to_axis(ticks), [format_tick(tick, step) for tick in ticks])
        if step.unit_days < 1:
            days = sorted({format_tick(time, Step(1, "D", 1)) for time in (first, last)})
            zone = f"{' to '.join(days)}, UTC"
    ax.set_xlabel(f"{what} ({zone})", fontsize=style.FONT_SIZE)
    texts = ax.get_xticklabels()
    if inside and len(texts) > 1:
        texts[0].set_horizontalalignment("left")
        texts[-1].set_horizontalalignment("right")


def _finest_step(first: np.datetime64, last: np.datetime64) -> Step:
    """Times of a day are of no use where there are several days."""
    return Step(1, "s", 1 / 86_400) if last - first < 2 * _DAY else Step(1, "D", 1)


def find_ticks(
    ax: Axes, first: np.datetime64, last: np.datetime64, finest: Step
) -> tuple[Step, Times]:
    """Return the smallest step whose labels fit, and the ticks from one timestamp to another.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Its horizontal limits are final.
    first, last : numpy.datetime64
        Where ticks may be.
    finest : Step
        No step is finer, and all are multiples of it as far as they have its unit.
    """
    left, right = ax.get_xlim()
    span = float((last - first) / _DAY)
    width = style.available_size(ax).width * span / (right - left)
    step = next((step for step in _STEPS if _fits(step, span, width, finest)), _STEPS[-1])
    ticks = _multiples(first, last, step)
    if len(ticks) >= 2:
        return step, ticks
    # No two round dates, or none, fit: the first and the last timestamp themselves.
    ends = np.array([first, last] if width > _label_points(finest) else [first])
    return (finest if finest.unit_days >= 1 else Step(1, "m", 1 / 1_440)), ends


def _fits(step: Step, span: float, width: float, finest: Step) -> bool:
    if step.unit_days < finest.unit_days:
        return False
    if step.unit == finest.unit and step.units % finest.units:
        return False
    return span / step.days + 1 <= min(MAX_TICKS, width / _label_points(step) + 1)


def _label_points(step: Step) -> float:
    return labels.text_width("0000-00-00T00:00:00"[_LABELS[step.unit]]) + _TICK_GAP_POINTS


def _multiples(first: np.datetime64, last: np.datetime64, step: Step) -> Times:
    """Return the multiples of a step between two timestamps."""
    unit = f"datetime64[{step.unit}]"
    low, high = (int(t.astype(unit).astype(np.int64)) + step.shift for t in (first, last))
    multiples = np.arange(-(-low // step.units), high // step.units + 1) * step.units - step.shift
    ticks = multiples.astype(unit).astype("datetime64[us]")
    return ticks[(ticks >= first) & (ticks <= last)]


def format_tick(tick: np.datetime64, step: Step) -> str:
    """Return a timestamp in ISO format, as exact as the step."""
    return str(tick.astype("datetime64[s]"))[_LABELS[step.unit]]
