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


class MetricLine(NamedTuple):
    """A series to draw as a line: its name, its unit, and its rows, sorted by the column `x`."""

    name: str
    unit: str
    rows: pd.DataFrame

    @property
    def last_value(self) -> float:
        """The last value that is not missing."""
        return float(self.rows["value"].dropna().iloc[-1])


def find_metric_lines(
    measured: pd.DataFrame, owner_column: str, owner_names: Mapping[Any, str]
) -> list[MetricLine]:
    """Return a line for each series that has a value, highest last value first.

    At least one series must have a value.

    Parameters
    ----------
    measured : pandas.DataFrame
        The columns `metric`, `query`, `series` and `value`, the column `owner_column`, and `x`, the
        position on the horizontal axis in days or minutes.
    owner_column : str
        The column with the ID of the load test or test run that a series belongs to.
    owner_names : mapping
        The name of each load test or test run, by its ID.

    Returns
    -------
    list of MetricLine
        The name of a line consists of the load test or test run (if they differ), what is measured
        (if it differs), and the labels.
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
    # The owners and the titles are left out where all lines have the same.
    name_parts = [values for values in (owners, titles) if len(set(values)) > 1]
    name_parts.append(series_labels(list(keys["series"])))
    names = [", ".join(filter(None, parts)) for parts in zip(*name_parts, strict=True)]
    metric_lines = [
        MetricLine(name, measure.unit, rows)
        for name, measure, rows in zip(names, measures, groups, strict=True)
    ]
    return sorted(metric_lines, key=lambda line: line.last_value, reverse=True)


def legend_of_others(metric_lines: Sequence[MetricLine]) -> list[Artist]:
    """Return the legend entry for the lines without a name in the plot, if there are any."""
    others = len(metric_lines) - lines.MAX_LINES
    if others <= 0:
        return []
    return [style.line_handle(labels.format_count(others, "other"), **OTHERS_STYLE)]


def draw_metric_lines(ax: Axes, metric_lines: Sequence[MetricLine], *, with_values: bool) -> None:
    """Draw the first six lines with their names, and the others thin and gray."""
    units = {line.unit for line in metric_lines}
    common_unit = units.pop() if len(units) == 1 else ""
    if common_unit == "%":
        ticks.percent_axis(ax, ax.yaxis, "")
    else:
        ticks.number_axis(ax, ax.yaxis, common_unit or "value")
    points = [
        line.rows[["x", "value"]].to_numpy(dtype=float, na_value=np.nan) for line in metric_lines
    ]
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
        # There are as many colors as lines with names.
        for line, color, xy in zip(metric_lines, style.PALETTE, points, strict=False)
    ]
    values = np.concatenate([xy[:, 1] for xy in points])
    bottom = min(0.0, np.nanmin(values) * lines.HEADROOM)
    top = max(0.0, np.nanmax(values) * lines.HEADROOM)
    if bottom == top:  # All values are 0, but the axis still needs a height.
        top = 1.0
    lines.draw_lines(ax, drawn, (bottom, top))
