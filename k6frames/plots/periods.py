"""Time axes: calendar ticks with ISO dates, and stacked bars of periods as one artist each."""
# matplotlib.dates has no types:
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import matplotlib.dates as mdates
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import StepPatch

from k6frames.plots import labels, style

Floats = npt.NDArray[np.float64]
Times = npt.NDArray[np.datetime64]
Resolution = Literal["Y", "M", "D", "h", "m", "s"]

MAX_BARS_WITH_GAPS = 60
"""Between more bars than these a gap would take too much of each."""
GAP_SHARE = 0.14
MIN_BARS_OF_WIDTH = 6
"""Fewer bars are not made wider: one bar as wide as the axes would not look like a bar."""
MAX_TICKS = 12


class _Unit(NamedTuple):
    """What a period is called that is between so many days long, and its pandas frequency."""

    name: str
    shortest: int
    longest: int
    freq: str


_UNITS = (
    _Unit("day", 1, 1, "D"),
    _Unit("week", 7, 7, "W-SUN"),
    _Unit("month", 28, 31, "M"),
    _Unit("quarter", 90, 92, "Q"),
    _Unit("year", 365, 366, "Y"),
)


class Periods(NamedTuple):
    """Periods in order: what one is called, and when each begins and ends.

    The name is None where there is a single period, whose length nothing tells.
    """

    unit: str | None
    starts: Times
    ends: Times

    @property
    def middles(self) -> Floats:
        """Where each period's middle is on the axis."""
        return (to_axis(self.starts) + to_axis(self.ends)) / 2


class _TickStep(NamedTuple):
    """A distance between ticks: so many calendar units, of about so many days each."""

    count: int
    resolution: Resolution
    days: float


_TICK_STEPS = (
    *(_TickStep(n, "s", 1 / 86_400) for n in (1, 5, 10, 30)),
    *(_TickStep(n, "m", 1 / 1_440) for n in (1, 2, 5, 10, 30)),
    *(_TickStep(n, "h", 1 / 24) for n in (1, 2, 3, 6, 12)),
    *(_TickStep(n, "D", 1) for n in (1, 2, 7, 14)),
    *(_TickStep(n, "M", 30.4) for n in (1, 2, 3, 6)),
    *(_TickStep(n * 10**k, "Y", 365.25) for k in range(4) for n in (1, 2, 5)),
)

# Units since 1970 are shifted, so that weeks begin on Monday and decades at years that end in 0.
_SHIFTS = {("D", 7): 3, ("D", 14): 3}
_YEAR_SHIFT = 1970

_STEPS_OF_UNIT: dict[str | None, tuple[Resolution, int]] = {
    "day": ("D", 1),
    "week": ("D", 7),
    "month": ("M", 1),
    "quarter": ("M", 3),
    "year": ("Y", 1),
}


def to_axis(times: Times) -> Floats:
    """Return where timestamps are on matplotlib's axis of days."""
    return np.asarray(mdates.date2num(times), dtype=float)


def to_times(values: pd.Series[Any]) -> Times:
    """Return a column of timestamps without their time zone, which is UTC throughout."""
    return values.dt.tz_convert(None).to_numpy().astype("datetime64[us]")


def find_periods(starts: pd.Series[Any]) -> Periods:
    """Return the periods that begin at these sorted timestamps, as long as the closest two say."""
    begins = to_times(starts)
    if len(begins) < 2:
        return Periods(None, begins, begins + np.timedelta64(1, "D"))
    shortest = np.diff(begins).min()
    days = shortest / np.timedelta64(1, "D")
    for unit in _UNITS:
        if unit.shortest <= days <= unit.longest:
            next_starts = (pd.DatetimeIndex(begins).to_period(unit.freq) + 1).to_timestamp()
            return Periods(unit.name, begins, next_starts.to_numpy().astype("datetime64[us]"))
    return Periods("period", begins, begins + shortest)


def limit_to_periods(ax: Axes, periods: Periods) -> None:
    """Set the limits of a horizontal axis that has a bar or a value per period."""
    first, last = to_axis(periods.starts)[0], to_axis(periods.ends)[-1]
    count = len(periods.starts)
    pad_in_bars = max(0.2, (MIN_BARS_OF_WIDTH - count) / 2) if count <= MAX_BARS_WITH_GAPS else 0
    pad = pad_in_bars * (last - first) / count
    ax.set_xlim(first - pad, last + pad)


def label_periods(ax: Axes, periods: Periods) -> None:
    """Set ticks and label of a horizontal axis of periods, whose limits are final."""
    label = periods.unit or "beginning of the period"
    ax.set_xlabel(f"{label} (UTC)", fontsize=style.FONT_SIZE)
    if periods.unit is None:
        ax.set_xticks(periods.middles, [str(periods.starts[0].astype("datetime64[D]"))])
    else:
        _set_calendar_ticks(ax, periods.starts[0], periods.starts[-1], periods.unit)


def limit_to_times(ax: Axes, times: Times) -> None:
    """Set the limits of a horizontal axis of timestamps."""
    low, high = to_axis(np.array([times.min(), times.max()]))
    pad = (high - low) * 0.03 or 0.5
    ax.set_xlim(low - pad, high + pad)


def label_times(ax: Axes, times: Times, what: str) -> None:
    """Set ticks and label of a horizontal axis of timestamps, whose limits are final."""
    first, last = times.min(), times.max()
    if first == last:
        ax.set_xticks(to_axis(times[:1]), [str(first.astype("datetime64[m]")).replace("T", " ")])
        ax.set_xlabel(f"{what} (UTC)", fontsize=style.FONT_SIZE)
        return
    within_days = _set_calendar_ticks(ax, first, last, None)
    days = sorted({str(first.astype("datetime64[D]")), str(last.astype("datetime64[D]"))})
    zone = f"{' to '.join(days)}, UTC" if within_days else "UTC"
    ax.set_xlabel(f"{what} ({zone})", fontsize=style.FONT_SIZE)


def _set_calendar_ticks(
    ax: Axes, first: np.datetime64, last: np.datetime64, unit: str | None
) -> bool:
    """Set ticks at round dates; return whether they are times of a day."""
    finest = _STEPS_OF_UNIT.get(unit)
    span = float((last - first) / np.timedelta64(1, "D"))
    left, right = ax.get_xlim()
    width = style.available_size(ax).width * span / (right - left)
    step = _tick_step(width, span, finest)
    ticks = _calendar_ticks(first, last, step)
    if not len(ticks):
        ticks = np.array([first])
    texts = [_format_tick(tick, step, unit) for tick in ticks]
    positions = to_axis(ticks)
    if finest and finest[0] == step.resolution:
        # A label that names one bar is below its middle; "2026" among months is where it begins.
        ends = ticks.astype(f"datetime64[{step.resolution}]") + finest[1]
        positions = (positions + to_axis(ends)) / 2
    ax.set_xticks(positions, texts)
    return step.resolution in ("h", "m", "s")


def _tick_step(width: float, span: float, finest: tuple[Resolution, int] | None) -> _TickStep:
    """Return the smallest step whose labels fit into so many points."""
    for step in _TICK_STEPS:
        if finest and (step.days < 1 or _is_finer(step, finest)):
            continue
        if not finest and step.days < 1 <= span / 2:
            continue
        label = "00:00:00" if step.days < 1 else "0000-00-00"
        room = labels.text_width(label[: _label_length(step)]) + 14
        if span / (step.count * step.days) + 1 <= min(MAX_TICKS, width / room + 1):
            return step
    return _TICK_STEPS[-1]


def _is_finer(step: _TickStep, finest: tuple[Resolution, int]) -> bool:
    resolution, count = finest
    order = "DMY"
    if step.resolution != resolution:
        return order.index(step.resolution) < order.index(resolution)
    return step.count % count != 0


def _label_length(step: _TickStep) -> int:
    return {"s": 8, "m": 5, "h": 5, "D": 10, "M": 7, "Y": 4}[step.resolution]


def _calendar_ticks(first: np.datetime64, last: np.datetime64, step: _TickStep) -> Times:
    """Return the multiples of a step between two timestamps."""
    shift = _SHIFTS.get((step.resolution, step.count), 0)
    if step.resolution == "Y":
        shift = _YEAR_SHIFT
    low, high = (
        int(time.astype(f"datetime64[{step.resolution}]").astype(np.int64)) + shift
        for time in (first, last)
    )
    multiples = np.arange(-(-low // step.count), high // step.count + 1) * step.count - shift
    ticks = multiples.astype(f"datetime64[{step.resolution}]").astype("datetime64[us]")
    return ticks[(ticks >= first) & (ticks <= last)]


def _format_tick(tick: np.datetime64, step: _TickStep, unit: str | None) -> str:
    text = str(tick.astype("datetime64[s]"))
    if step.days < 1:
        return text[11 : 11 + _label_length(step)]
    if unit == "quarter" and step.resolution == "M":
        return f"{text[:4]}-Q{int(text[5:7]) // 3 + 1}"
    return text[: _label_length(step)]


class Layer(NamedTuple):
    """One of the parts that are stacked: its color, and its height in each period."""

    color: str
    heights: Floats
    hatched: bool = False


def draw_layers(ax: Axes, periods: Periods, layers: Sequence[Layer]) -> Floats:
    """Stack bars over each other, one artist per layer, and return the height of the stacks.

    A bar is an interval of a ``StepPatch``, whose ``get_data()`` has the upper and the lower ends;
    the intervals between bars are NaN.
    """
    starts, ends = to_axis(periods.starts), to_axis(periods.ends)
    gaps = (ends - starts) * (GAP_SHARE if len(starts) <= MAX_BARS_WITH_GAPS else 0)
    edges = np.column_stack([starts + gaps / 2, ends - gaps / 2]).ravel()
    wide = np.diff(edges) > 0
    edges = edges[np.append(True, wide)]
    tops = np.zeros(len(starts))
    for layer in layers:
        bottoms, tops = tops, tops + layer.heights
        # Not by ax.stairs(), which looks at each vertex in Python to find the limits of the axes.
        ax.add_artist(
            StepPatch(
                _between_gaps(tops)[wide],
                edges,
                baseline=_between_gaps(bottoms)[wide],
                **style.bar_colors(layer.color, hatched=layer.hatched),
            )
        )
    return tops


def _between_gaps(values: Floats) -> Floats:
    return np.column_stack([values, np.full(len(values), np.nan)]).ravel()[:-1]


def label_totals(
    ax: Axes, periods: Periods, totals: Floats, texts: Sequence[str], *, line: float | None = None
) -> None:
    """Write a text above each bar, if all of them fit; above a horizontal line where they touch."""
    low, high = ax.get_xlim()
    size = style.available_size(ax)
    narrowest = (to_axis(periods.ends) - to_axis(periods.starts)).min() / (high - low) * size.width
    if max(map(labels.text_width, texts)) + 4 > narrowest:
        return
    text_height = style.LINE_POINTS / size.height * ax.get_ylim()[1]
    for x, total, text in zip(periods.middles, totals, texts, strict=True):
        touches = line is not None and total <= line <= total + text_height
        y = line if touches else total
        ax.annotate(text, (x, y), (0, 3), textcoords="offset points", ha="center", va="bottom")
