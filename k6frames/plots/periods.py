"""Axes of periods, and stacked bars of which each part is one artist."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import StepPatch

from k6frames.plots import labels, style
from k6frames.plots.dates import Step, Times, find_ticks, format_tick, to_axis, to_times

Floats = npt.NDArray[np.float64]

MAX_BARS_WITH_GAPS = 60
"""Between more bars than these a gap would take too much of each."""
GAP_SHARE = 0.14
MAX_BAR_POINTS = 85.0
"""Few bars are not wider: one bar as wide as the axes would not look like a bar."""
_PAD_BARS = 0.2


class _Unit(NamedTuple):
    """A kind of period: between so many days long, its pandas frequency and step of ticks."""

    name: str
    shortest: int
    longest: int
    freq: str
    step: Step


_UNITS = (
    _Unit("day", 1, 1, "D", Step(1, "D", 1)),
    _Unit("week", 7, 7, "W-SUN", Step(7, "D", 1)),
    _Unit("month", 28, 31, "M", Step(1, "M", 30.4)),
    _Unit("quarter", 90, 92, "Q", Step(3, "M", 30.4)),
    _Unit("year", 365, 366, "Y", Step(1, "Y", 365.25)),
)
_STEPS = {unit.name: unit.step for unit in _UNITS}


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
    pad_in_bars = 0.0
    if count <= MAX_BARS_WITH_GAPS:
        bars_of_width = style.available_size(ax).width / MAX_BAR_POINTS
        pad_in_bars = max(_PAD_BARS, (bars_of_width - count) / 2)
    pad = pad_in_bars * (last - first) / count
    ax.set_xlim(first - pad, last + pad)


def label_periods(ax: Axes, periods: Periods) -> None:
    """Set ticks and label of a horizontal axis of periods, whose limits are final."""
    label = periods.unit or "beginning of the period"
    ax.set_xlabel(f"{label} (UTC)", fontsize=style.FONT_SIZE)
    one_day = Step(1, "D", 1)
    if periods.unit is None:
        ax.set_xticks(periods.middles, [format_tick(periods.starts[0], one_day)])
        return
    finest = _STEPS.get(periods.unit, one_day)
    step, ticks = find_ticks(ax, periods.starts[0], periods.starts[-1], finest)
    positions = to_axis(ticks)
    if step.unit == finest.unit:
        # A label that names one bar is below its middle; "2026" among months is where it begins.
        ends = ticks.astype(f"datetime64[{finest.unit}]") + finest.units
        positions = (positions + to_axis(ends)) / 2
    texts = [format_tick(tick, step) for tick in ticks]
    if periods.unit == "quarter" and step.unit == "M":
        texts = [f"{text[:4]}-Q{int(text[5:7]) // 3 + 1}" for text in texts]
    ax.set_xticks(positions, texts)


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
    starts, stops = to_axis(periods.starts), to_axis(periods.ends)
    gaps = (stops - starts) * (GAP_SHARE if len(starts) <= MAX_BARS_WITH_GAPS else 0)
    edges = np.column_stack([starts + gaps / 2, stops - gaps / 2]).ravel()
    wide = np.diff(edges) > 0
    edges = edges[np.append(True, wide)]
    tops = np.zeros(len(starts))
    for layer in layers:
        bottoms, tops = tops, tops + layer.heights
        # A hatched bar has an outline, which is seen also if it is empty.
        ends = np.where(layer.heights == 0, np.nan, tops) if layer.hatched else tops
        # Not by ax.stairs(), which looks at each vertex in Python to find the limits of the axes.
        ax.add_artist(
            StepPatch(
                _between_gaps(ends)[wide],
                edges,
                baseline=_between_gaps(bottoms)[wide],  # type: ignore[arg-type]  # it says float only
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
