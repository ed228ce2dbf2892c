"""How many are idle for how long: bars of ranges of days."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from k6frames.plots import bars, style, ticks

_RANGES = {
    "under 30 days": 0,
    "30 to 89 days": 30,
    "90 to 179 days": 90,
    "180 to 364 days": 180,
    "1 to 2 years": 365,
    "2 to 3 years": 730,
    "3 to 5 years": 1095,
    "5 to 10 years": 1826,
    "10 years or more": 3652,
}
_COLORS = (style.BLUE, style.VERMILLION)


def draw_idle_days(
    ax: Axes | None,
    title: str,
    unit: str,
    message: str,
    days: Mapping[str, pd.Series[Any]],
) -> Axes:
    """Draw one bar per range of days, with a part for each group.

    Parameters
    ----------
    ax : matplotlib.axes.Axes or None
        Where to draw; None is a new figure.
    title : str
        The title.
    unit : str
        What is counted, in the plural.
    message : str
        What to write if there are none.
    days : mapping of str to pandas.Series
        For how many days each has been idle, by the group's name in the legend; a single group
        has no legend.
    """
    edges = [*_RANGES.values(), np.inf]
    counts = np.array(
        [np.histogram(group.to_numpy(dtype=float), edges)[0] for group in days.values()]
    )
    totals = counts.sum(axis=0)
    used = np.flatnonzero(totals)
    if not len(used):
        return style.draw_message(ax, title, message)
    shown = slice(used[0], used[-1] + 1)
    size = style.available_size(ax)
    rows = bars.arrange_rows(list(_RANGES)[shown], [f"{total:,}" for total in totals[shown]], size)
    legend = [style.bar_handle(name, color) for name, color in zip(days, _COLORS, strict=False)]
    header = style.arrange_header(title, size, legend if len(days) > 1 else ())
    ax = style.prepare_axes(ax, header, rows.inches)
    ends = np.zeros(len(rows.names))
    for part, color in zip(counts[:, shown], _COLORS, strict=False):
        ax.barh(rows.bar_positions, part, rows.bar_height, left=ends, color=color)
        ends = ends + part
    bars.draw_names(ax, rows)
    ticks.number_axis(ax, ax.xaxis, unit, integer=True)
    bars.draw_values(ax, rows, ends, ends.max())
    style.draw_header(ax, header)
    return ax
