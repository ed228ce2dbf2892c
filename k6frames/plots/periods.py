"""Stacked bars over periods, such as months, and their horizontal axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.patches import StepPatch

from k6frames.plots import fonts, style
from k6frames.plots.dates import (
    ONE_DAY,
    Step,
    Times,
    find_ticks,
    format_tick,
    to_datetime64,
    to_days,
)
from k6frames.plots.style import Floats

MAX_BARS_WITH_GAPS = 60
"""With more bars, gaps would make them too thin."""
GAP_SHARE = 0.14
MAX_BAR_POINTS = 85.0
"""The maximum width of a bar: a single bar as wide as the Axes would not look like a bar."""
TOTALS_HEADROOM = 1.12
"""Height of the vertical axis as a multiple of the highest bar, with room for its total."""
# The space to the left and right of all bars, as a share of the width of a bar.
_MIN_PAD_IN_BARS = 0.2
_MIN_TOTAL_GAP_POINTS = 4.0
_TOTAL_PAD_POINTS = 3.0


class _Unit(NamedTuple):
    """A unit of time: its name, length, pandas frequency, and the step between its periods."""

    name: str
    min_days: int
    max_days: int
    freq: str
    step: Step


_UNITS = (
    _Unit("day", 1, 1, "D", ONE_DAY),
    # In pandas, the week "W-SUN" ends on Sunday.
    _Unit("week", 7, 7, "W-SUN", Step(7, "D")),
    _Unit("month", 28, 31, "M", Step(1, "M")),
    _Unit("quarter", 90, 92, "Q", Step(3, "M")),
    _Unit("year", 365, 366, "Y", Step(1, "Y")),
)


class Periods(NamedTuple):
    """The start and the end of each period, in order.

    `unit` is the name of a period, such as "month", or "period" for any other length. It is None if
    there is only one period, whose length is unknown. `step` is the smallest distance between two
    ticks: one period or, if `unit` is "period" or None, one day.
    """

    unit: str | None
    starts: Times
    ends: Times
    step: Step = ONE_DAY

    @property
    def middles(self) -> Floats:
        """The position of the middle of each period on the axis."""
        return (to_days(self.starts) + to_days(self.ends)) / 2


def find_periods(starts: pd.Series[Any]) -> Periods:
    """Return the periods that begin at these sorted timestamps.

    Periods may be missing, so the shortest distance between two timestamps is taken as the length.
    """
    begins = to_datetime64(starts)
    if len(begins) < 2:
        return Periods(None, begins, begins + np.timedelta64(1, "D"))
    shortest = np.diff(begins).min()
    days = shortest / np.timedelta64(1, "D")
    for unit in _UNITS:
        if unit.min_days <= days <= unit.max_days:
            next_starts = (pd.DatetimeIndex(begins).to_period(unit.freq) + 1).to_timestamp()
            ends = next_starts.to_numpy().astype("datetime64[us]")
            return Periods(unit.name, begins, ends, unit.step)
    return Periods("period", begins, begins + shortest)


def limit_to_periods(ax: Axes, periods: Periods) -> None:
    """Set the limits of a horizontal axis of periods."""
    first, last = to_days(periods.starts)[0], to_days(periods.ends)[-1]
    count = len(periods.starts)
    pad_in_bars = 0.0
    if count <= MAX_BARS_WITH_GAPS:
        # If bars of the maximum width would not fill the Axes, the rest is padding.
        fitting_count = style.available_size(ax).width / MAX_BAR_POINTS
        pad_in_bars = max(_MIN_PAD_IN_BARS, (fitting_count - count) / 2)
    pad = pad_in_bars * (last - first) / count
    ax.set_xlim(first - pad, last + pad)


def label_periods(ax: Axes, periods: Periods) -> None:
    """Set the ticks and the label of a horizontal axis of periods; its limits must be final."""
    label = periods.unit or "beginning of the period"
    ax.set_xlabel(f"{label} (UTC)", fontsize=style.FONT_SIZE)
    if periods.unit is None:
        ax.set_xticks(periods.middles, [format_tick(periods.starts[0], ONE_DAY)])
        return
    step, ticks = find_ticks(ax, periods.starts[0], periods.starts[-1], periods.step)
    positions = to_days(ticks)
    if step.unit == periods.step.unit and periods.unit != "period":
        # Each tick names one period: move it to the middle. A tick in a longer unit, such as a year
        # if the periods are months, covers several periods, and stays at the start of the year.
        ends = ticks.astype(f"datetime64[{step.unit}]") + periods.step.size
        positions = (positions + to_days(ends)) / 2
    texts = [format_tick(tick, step) for tick in ticks]
    if periods.unit == "quarter" and step.unit == "M":
        texts = [f"{text[:4]}-Q{(int(text[5:7]) + 2) // 3}" for text in texts]
    ax.set_xticks(positions, texts)


class Layer(NamedTuple):
    """One part of each stacked bar: its name, its color, and its height in each period."""

    name: str
    color: str
    heights: Floats
    hatched: bool = False


def layer_handles(layers: Sequence[Layer]) -> list[Artist]:
    """Return the legend entries of the layers that have a name."""
    return [
        style.bar_handle(layer.name, layer.color, hatched=layer.hatched)
        for layer in layers
        if layer.name
    ]


def draw_layers(ax: Axes, periods: Periods, layers: Sequence[Layer]) -> Floats:
    """Draw stacked bars, one artist per layer, and return their total heights.

    The limits of the Axes are not changed. A layer is a ``StepPatch``. Its intervals alternate
    between bars and gaps, which are NaN.
    """
    starts, stops = to_days(periods.starts), to_days(periods.ends)
    gaps = (stops - starts) * (GAP_SHARE if len(starts) <= MAX_BARS_WITH_GAPS else 0)
    edges = np.column_stack([starts + gaps / 2, stops - gaps / 2]).ravel()
    # Without gaps, each bar begins where the previous one ends: leave out the empty intervals.
    has_width = np.diff(edges) > 0
    edges = edges[np.append(True, has_width)]
    tops = np.zeros(len(starts))
    for layer in layers:
        bottoms, tops = tops, tops + layer.heights
        # A hatched bar has an outline, which would be visible even if its height is 0.
        ends = np.where(layer.heights == 0, np.nan, tops) if layer.hatched else tops
        # ax.stairs() would visit each vertex in Python to update the limits, which is slow.
        ax.add_artist(
            StepPatch(
                _insert_gaps(ends)[has_width],
                edges,
                # matplotlib also accepts an array here, but declares only a number.
                baseline=_insert_gaps(bottoms)[has_width],  # type: ignore[arg-type]
                **style.bar_colors(layer.color, hatched=layer.hatched),
            )
        )
    return tops


def _insert_gaps(values: Floats) -> Floats:
    """Insert NaN between values."""
    return np.column_stack([values, np.full(len(values), np.nan)]).ravel()[:-1]


def label_totals(
    ax: Axes, periods: Periods, totals: Floats, texts: Sequence[str], *, limit: float | None = None
) -> None:
    """Write a text above each bar, or above the line of a limit that would cross the text.

    The limits of the Axes must be final, and the vertical axis must begin at 0. Nothing is written
    if any text is too wide for its bar.
    """
    low, high = ax.get_xlim()
    size = style.available_size(ax)
    narrowest = (to_days(periods.ends) - to_days(periods.starts)).min() / (high - low) * size.width
    if max(map(fonts.text_width, texts)) + _MIN_TOTAL_GAP_POINTS > narrowest:
        return
    text_height = style.LINE_HEIGHT_POINTS / size.height * ax.get_ylim()[1]
    for x, total, text in zip(periods.middles, totals, texts, strict=True):
        is_crossed = limit is not None and total <= limit <= total + text_height
        y = limit if is_crossed else total
        ax.annotate(
            text,
            (x, y),
            (0, _TOTAL_PAD_POINTS),
            textcoords="offset points",
            ha="center",
            va="bottom",
        )
