"""Summaries to plot, and the texts, bars and lines of a plot."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.patches import Rectangle, StepPatch
from strategies import build_frame

from k6frames import tables
from k6frames.tables import Table
from k6frames.tables.schema import FLOAT, INT, STRING

LONG_NAME = "The Society for the Promotion of Load Testing in Municipal Tram Networks"
_REQUIRED: Mapping[Any, Any] = {INT: 0, FLOAT: 0.0, STRING: ""}


def make_summary(table: Table, **columns: Sequence[Any]) -> pd.DataFrame:
    """Return a frame of a table; required columns that are not given are 0 or empty."""
    size = len(next(iter(columns.values())))
    required = {
        column.name: [_REQUIRED[column.type]] * size
        for column in table.columns
        if not column.nullable and column.name not in table.key and column.type in _REQUIRED
    }
    return table.conform(build_frame(table, {**required, **columns}))


def make_periods(count: int, freq: str = "MS", start: str = "2024-01-01") -> list[pd.Timestamp]:
    return list(pd.date_range(start, periods=count, freq=freq, tz="UTC", unit="us"))


def make_timeline(
    created: Sequence[int], freq: str = "MS", start: str = "2024-01-01"
) -> pd.DataFrame:
    """Return a summary as returned by `creation_timeline`."""
    return make_summary(
        tables.CREATION_TIMELINE,
        period=make_periods(len(created), freq, start),
        created=list(created),
        cumulative=list(np.cumsum(created, dtype=int)),
    )


def names_of(ax: Axes) -> list[str]:
    """Return the names of the rows, from top to bottom, without line breaks."""
    rows = zip(ax.get_yticks(), ax.get_yticklabels(), strict=True)
    ordered = sorted(rows, key=lambda row: row[0])
    return [label.get_text().replace("\n", " ").strip() for _, label in ordered]


def bars_of(ax: Axes) -> list[Rectangle]:
    """Return the horizontal bars, from top to bottom and from left to right."""
    assert ax.yaxis_inverted()
    bars = [patch for patch in ax.patches if isinstance(patch, Rectangle)]
    return sorted(bars, key=lambda bar: (bar.get_y(), bar.get_x()))


def widths_of(ax: Axes) -> list[float]:
    return [round(float(bar.get_width()), 9) for bar in bars_of(ax)]


def values_of(ax: Axes) -> list[str]:
    """Return the values next to the bars, from top to bottom."""
    return [text.get_text() for text in sorted(ax.texts, key=lambda text: text.xy[1])]


def layers_of(ax: Axes) -> list[list[float]]:
    """Return the heights of the bars of each layer; an empty hatched bar has none."""
    layers = []
    for patch in ax.patches:
        assert isinstance(patch, StepPatch)
        tops, _, baseline = patch.get_data()
        heights = tops - baseline
        layers.append([round(float(height), 9) for height in heights[~np.isnan(heights)]])
    return layers


def spans_of(ax: Axes) -> list[tuple[float, float]]:
    """Return where the bars of the first layer begin and end."""
    tops, edges, _ = ax.patches[0].get_data()
    spans = zip(edges[:-1], edges[1:], tops, strict=True)
    return [(begin, end) for begin, end, top in spans if not np.isnan(top)]


def lines_of(ax: Axes) -> dict[str, list[float]]:
    """Return the values of each line, by the text that a thin line connects to it."""
    ends = {text.xy: text.get_text() for text in ax.texts}
    found = {}
    for line, connector in itertools.pairwise(ax.lines):
        name = ends.get(tuple(connector.get_xydata()[-1]))
        if name is not None and connector.get_linewidth() < line.get_linewidth():
            found[name] = [float(value) for value in line.get_ydata()]
    return found


def legend_of(ax: Axes) -> list[str]:
    legend = ax.get_legend()
    return [text.get_text() for text in legend.get_texts()] if legend else []


def ticks_of(axis: Axis) -> list[str]:
    return [label.get_text() for label in axis.get_ticklabels()]


def texts_of(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.figure.findobj(mpl.text.Text) if text.get_text()]


def assert_texts_fit(ax: Axes) -> None:
    """Fail if a text is cut at the edge of the figure, or overlaps another text."""
    figure = ax.figure
    figure.canvas.draw()
    texts = []
    for axes in figure.axes:
        texts += [axes.title, *axes.texts]
        texts += axes.get_legend().get_texts() if axes.get_legend() else []
        for axis in filter(Axis.get_visible, (axes.xaxis, axes.yaxis)):
            low, high = sorted(axis.get_view_interval())
            ticks = zip(axis.get_majorticklocs(), axis.get_ticklabels(), strict=True)
            texts += [axis.label, axis.get_offset_text()]
            texts += [label for tick, label in ticks if low <= tick <= high]
    boxes = [(t.get_text(), t.get_window_extent()) for t in texts if t.get_text().strip()]
    page = figure.bbox
    for text, box in boxes:
        assert page.x0 <= box.x0, f"{text!r} is cut at the left"
        assert page.y0 <= box.y0, f"{text!r} is cut at the bottom"
        assert box.x1 <= page.x1, f"{text!r} is cut at the right"
        assert box.y1 <= page.y1, f"{text!r} is cut at the top"
    for (one, box), (other, other_box) in itertools.combinations(boxes, 2):
        # The last line of a name may be left empty, for the value.
        if not (one.endswith("\n") or other.endswith("\n")):
            assert not box.overlaps(other_box), f"{one!r} overlaps {other!r}"
