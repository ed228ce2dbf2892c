"""Lines of a metric's series: what each is called, and how they are drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from k6frames.plots import labels, lines, style, ticks
from k6frames.plots.metric_labels import describe_measure, format_value, series_labels

OTHERS_STYLE: dict[str, Any] = {"color": style.AXES_COLOR, "lw": 0.8}


class Series(NamedTuple):
    """A line to draw: its name, its unit, and its rows in the order of their column `x`."""

    name: str
    unit: str
    rows: pd.DataFrame

    @property
    def newest(self) -> float:
        """The last value that is not missing."""
        return float(self.rows["value"].dropna().iloc[-1])


def describe_measures(frame: pd.DataFrame) -> str:
    """Return what all rows of a frame measure."""
    pairs = frame[["metric", "query"]].drop_duplicates()
    titles = {describe_measure(*pair).title for pair in pairs.itertuples(index=False, name=None)}
    return titles.pop() if len(titles) == 1 else "Metrics"


def find_series(
    measured: pd.DataFrame, owner_column: str, owners: Mapping[Any, str]
) -> list[Series]:
    """Return the series of a frame, those with the highest newest value first.

    Parameters
    ----------
    measured : pandas.DataFrame
        With the columns of a series, its value, and `x`.
    owner_column : str
        The column of the load test or test run that a series belongs to.
    owners : mapping
        What each of these is called.

    Returns
    -------
    list of Series
        Each is named after what differs between them: owner, what it measures, labels.
    """
    keys = [owner_column, "metric", "query", "series"]
    groups: list[tuple[Any, pd.DataFrame]] = [
        (key, rows.sort_values("x", kind="stable"))
        for key, rows in measured.groupby(keys)
        if rows["value"].notna().any()
    ]
    measures = [describe_measure(metric, query) for (_, metric, query, _), _ in groups]
    parts = [
        [owners[owner] for (owner, *_), _ in groups],
        [measure.title for measure in measures],
    ]
    varying = [part for part in parts if len(set(part)) > 1]
    varying.append(series_labels([series for (*_, series), _ in groups]))
    names = [", ".join(filter(None, words)) for words in zip(*varying, strict=True)]
    found = [
        Series(name, measure.unit, rows)
        for name, measure, (_, rows) in zip(names, measures, groups, strict=True)
    ]
    return sorted(found, key=lambda series: series.newest, reverse=True)


def others_in_legend(series: Sequence[Series]) -> list[Artist]:
    """Return the legend's entry for the series that have no name in the plot."""
    others = len(series) - lines.MAX_LINES
    if others <= 0:
        return []
    return [style.line_handle(labels.format_count(others, "other"), **OTHERS_STYLE)]


def draw_series(ax: Axes, series: Sequence[Series], *, with_values: bool) -> None:
    """Draw lines with names, and those beyond the first six thin and gray."""
    units = {one.unit for one in series}
    unit = units.pop() if len(units) == 1 else "value"
    if unit == "%":
        ticks.percent_axis(ax, ax.yaxis, "")
    else:
        ticks.number_axis(ax, ax.yaxis, unit or "value")
    points = [one.rows[["x", "value"]].to_numpy(dtype=float, na_value=np.nan) for one in series]
    ax.add_collection(
        LineCollection(points[lines.MAX_LINES :], zorder=1, **OTHERS_STYLE), autolim=False
    )
    drawn = [
        lines.Line(
            name=one.name,
            value=format_value(one.newest, one.unit) if with_values else "",
            color=color,
            x=xy[:, 0],
            y=xy[:, 1],
        )
        for one, color, xy in zip(series, style.PALETTE, points, strict=False)
    ]
    values = np.concatenate([xy[:, 1] for xy in points])
    low, high = np.nanmin(values), np.nanmax(values)
    lines.draw_lines(ax, drawn, (min(0.0, low * 1.08), max(high * 1.08, 0.0) or 1.0))
