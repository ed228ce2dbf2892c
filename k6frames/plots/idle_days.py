"""Bars that count by ranges of idle days."""

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
    xlabel: str,
    empty_message: str,
    idle_days: Mapping[str, pd.Series[Any]],
) -> Axes:
    """Draw a bar per range of days, stacked by group.

    Parameters
    ----------
    ax : matplotlib.axes.Axes or None
        Where to draw; None is a new figure.
    title : str
        The title.
    xlabel : str
        What is counted, such as ``"projects"``.
    empty_message : str
        The sentence to draw if there are no idle days.
    idle_days : mapping of str to pandas.Series
        Idle days by group. A legend shows the names of the groups if there are two.
    """
    edges = [*_RANGES.values(), np.inf]
    counts = np.array(
        [np.histogram(group.to_numpy(dtype=float), edges)[0] for group in idle_days.values()]
    )
    totals = counts.sum(axis=0)
    nonzero = np.flatnonzero(totals)
    if not len(nonzero):
        return style.draw_message(ax, title, empty_message)
    used = slice(nonzero[0], nonzero[-1] + 1)
    size = style.available_size(ax)
    texts = [f"{total:,}" for total in totals[used]]
    rows = bars.arrange_rows(list(_RANGES)[used], texts, size)
    legend = [
        style.bar_handle(name, color) for name, color in zip(idle_days, _COLORS, strict=False)
    ]
    header = style.arrange_header(title, size, legend if len(idle_days) > 1 else ())
    ax = style.prepare_axes(ax, header, rows.height_inches)
    ends = np.zeros(len(rows.names))
    for lengths, color in zip(counts[:, used], _COLORS, strict=False):
        ax.barh(rows.bar_positions, lengths, rows.bar_height, left=ends, color=color)
        ends = ends + lengths
    bars.draw_names(ax, rows)
    ticks.number_axis(ax, ax.xaxis, xlabel, integer=True)
    bars.draw_values(ax, rows, ends, ends.max())
    style.draw_header(ax, header)
    return ax
