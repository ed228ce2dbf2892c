"""A line for each series of a metric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from k6frames.plots import labels, lines, style, ticks
from k6frames.plots.metric_labels import describe_measures, format_value, series_labels

OTHERS_STYLE: dict[str, Any] = {"color": style.AXES_COLOR, "lw": 0.8}


class Series(NamedTuple):
    """A line to draw: its name, its unit, and its rows, sorted by their column `x`."""

    name: str
    unit: str
    rows: pd.DataFrame

    @property
    def last_value(self) -> float:
        """The last value that is not missing."""
        return float(self.rows["value"].dropna().iloc[-1])


def find_series(
    measured: pd.DataFrame, owner_column: str, owner_names: Mapping[Any, str]
) -> list[Series]:
    """Return the series of a frame, the highest last value first.

    Parameters
    ----------
    measured : pandas.DataFrame
        The values, with the columns of a series and `x`.
    owner_column : str
        The column of the load test or test run that a series belongs to.
    owner_names : mapping
        The name of each load test or test run.

    Returns
    -------
    list of Series
        A name consists of the parts that differ between series: load test or test run, what is
        measured, and labels.
    """
    key = [owner_column, "metric", "query", "series"]
    groups = [
        rows.sort_values("x", kind="stable")
        for _, rows in measured.groupby(key)
        if rows["value"].notna().any()
    ]
    keys = pd.concat([rows[key].head(1) for rows in groups])
    measures = describe_measures(keys)
    owners = [owner_names[owner] for owner in keys[owner_column]]
    titles = [measure.title for measure in measures]
    name_parts = [part for part in (owners, titles) if len(set(part)) > 1]
    name_parts.append(series_labels(list(keys["series"])))
    names = [", ".join(filter(None, parts)) for parts in zip(*name_parts, strict=True)]
    found = [
        Series(name, measure.unit, rows)
        for name, measure, rows in zip(names, measures, groups, strict=True)
    ]
    return sorted(found, key=lambda series: series.last_value, reverse=True)


def legend_of_others(series: Sequence[Series]) -> list[Artist]:
    """Return the legend entry for the series without a name in the plot, if there are any."""
    others = len(series) - lines.MAX_LINES
    if others <= 0:
        return []
    return [style.line_handle(labels.format_count(others, "other"), **OTHERS_STYLE)]


def draw_series(ax: Axes, series: Sequence[Series], *, with_values: bool) -> None:
    """Draw the first six series as lines with names, and the others thin and gray."""
    units = {line.unit for line in series}
    unit = units.pop() if len(units) == 1 else "value"
    if unit == "%":
        ticks.percent_axis(ax, ax.yaxis, "")
    else:
        ticks.number_axis(ax, ax.yaxis, unit or "value")
    points = [line.rows[["x", "value"]].to_numpy(dtype=float, na_value=np.nan) for line in series]
    ax.add_collection(
        LineCollection(points[lines.MAX_LINES :], zorder=1, **OTHERS_STYLE), autolim=False
    )
    drawn = [
        lines.Line(
            name=line.name,
            value=format_value(line.last_value, line.unit) if with_values else "",
            color=color,
            x=xy[:, 0],
            y=xy[:, 1],
        )
        for line, color, xy in zip(series, style.PALETTE, points, strict=False)
    ]
    values = np.concatenate([xy[:, 1] for xy in points])
    bottom = min(0.0, np.nanmin(values) * lines.HEADROOM)
    top = max(0.0, np.nanmax(values) * lines.HEADROOM)
    # Where all values are 0, the axis still needs a height.
    lines.draw_lines(ax, drawn, (bottom, top or 1.0))
