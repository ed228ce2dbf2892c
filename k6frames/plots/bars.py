"""Horizontal bars with names to the left of them, or above them on narrow Axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from k6frames.plots import labels, ticks
from k6frames.plots.fonts import text_width
from k6frames.plots.style import LINE_HEIGHT_POINTS, Floats, Size

MAX_ROWS = 20
NARROW_POINTS = 400.0
"""On narrower Axes, such as on a phone, names are above the bars."""

# Names beside the bars are at most this wide: in points, and as a share of the available width.
MAX_NAME_BESIDE_POINTS = 210.0
MAX_NAME_BESIDE_SHARE = 0.36
# A name above a bar shares its line with the value, unless that leaves less than this share of the
# width for the name.
MIN_NAME_ABOVE_SHARE = 0.3
# Bars take up at least this share of the width to the right of the names. Values are shortened to
# fit the rest.
MIN_BARS_SHARE = 0.3

# Heights in lines of text.
BAR_LINES = 1.1
NARROW_BAR_LINES = 0.8
GAP_LINES = 0.6
NAME_GAP_LINES = 0.1
MIN_LINES = 3.0

_AXIS_INCHES = 0.5
_NAME_PAD_POINTS = 6.0
_VALUE_PAD_POINTS = 4.0
# The space between the end of the axis and the values, as a share of the axis.
_PAD_SHARE = 0.02
# Follows the value of a bar that is cut at the end of the axis.
_CUT_MARK = " →"


class Rows(NamedTuple):
    """The texts and positions of rows; the unit of the vertical axis is a line of text."""

    names: list[str]
    values: list[str]
    name_positions: Floats
    bar_positions: Floats
    bar_height: float
    total_lines: float
    names_above: bool
    axes_width: float
    """The width of the Axes in points, without the names to the left of them."""

    @property
    def height_inches(self) -> float:
        """Height of the rows and the horizontal axis."""
        return self.total_lines * LINE_HEIGHT_POINTS / 72 + _AXIS_INCHES


def fitting_names(
    frame: pd.DataFrame, entity: str, id_column: str, name_column: str, size: Size
) -> list[str]:
    """Return the names of the first rows of a frame, as many as fit."""
    first = frame.head(MAX_ROWS)
    names = labels.name_labels(first[id_column], first[name_column], entity)
    return names[: count_fitting_rows(names, size, len(frame))]


def count_fitting_rows(names: Sequence[str], size: Size, total: int) -> int:
    """Return for how many of the first names there is room.

    `total` is the number of all rows. If not all of them fit, there must also be room for a last
    row, which counts the others.
    """
    # The values, and the name of the last row, are not known yet: assume typical ones.
    assumed_names = [*names, "12 other organizations"]
    wrapped = _wrap_names(assumed_names, ["12 of 34 runs"] * len(assumed_names), size)
    *heights, last_height = _row_heights(wrapped, size) * LINE_HEIGHT_POINTS
    bottoms = np.cumsum(heights)
    if len(names) == total and bottoms[-1] <= size.height:
        return total
    return max(1, int((bottoms + last_height <= size.height).sum()))


def arrange_rows(names: Sequence[str], values: Sequence[str], size: Size) -> Rows:
    """Wrap the names, and find the positions of names and bars."""
    names_above = _are_names_above(size)
    wrapped = _wrap_names(names, values, size)
    heights = _row_heights(wrapped, size)
    total = max(MIN_LINES, float(heights.sum()))
    tops = heights.cumsum() - heights + (total - heights.sum()) / 2
    if names_above:
        lines = _count_lines(wrapped)
        name_positions = tops + GAP_LINES / 2 + lines / 2
        bar_positions = tops + GAP_LINES / 2 + lines + NAME_GAP_LINES + NARROW_BAR_LINES / 2
        axes_width = size.width
    else:
        name_positions = bar_positions = tops + heights / 2
        widest = max(text_width(line) for name in wrapped for line in name.split("\n"))
        axes_width = size.width - widest - _NAME_PAD_POINTS
    return Rows(
        names=wrapped,
        values=list(values),
        name_positions=name_positions,
        bar_positions=bar_positions,
        bar_height=NARROW_BAR_LINES if names_above else BAR_LINES,
        total_lines=total,
        names_above=names_above,
        axes_width=axes_width,
    )


def _are_names_above(size: Size) -> bool:
    return size.width < NARROW_POINTS


def _wrap_names(names: Sequence[str], values: Sequence[str], size: Size) -> list[str]:
    if not _are_names_above(size):
        width = min(MAX_NAME_BESIDE_POINTS, size.width * MAX_NAME_BESIDE_SHARE)
        return [labels.wrap(name, width) for name in names]
    # The value is to the right of the last line of the name. Its bar may be cut, which is not known
    # yet.
    pad = text_width(_CUT_MARK) + 2 * _NAME_PAD_POINTS
    wrapped = []
    for name, value in zip(names, values, strict=True):
        width = size.width - text_width(value) - pad
        if width < size.width * MIN_NAME_ABOVE_SHARE:
            wrapped.append(labels.wrap(name, size.width) + "\n")  # an empty line for the value
        else:
            wrapped.append(labels.wrap(name, width))
    return wrapped


def _row_heights(wrapped: Sequence[str], size: Size) -> Floats:
    bar_below = NAME_GAP_LINES + NARROW_BAR_LINES if _are_names_above(size) else 0.0
    return _count_lines(wrapped) + GAP_LINES + bar_below


def _count_lines(wrapped: Sequence[str]) -> Floats:
    return np.array([name.count("\n") + 1.0 for name in wrapped])


def draw_names(ax: Axes, rows: Rows) -> None:
    """Write the names, and set the limits of the vertical axis."""
    ax.set_yticks(
        rows.name_positions,
        rows.names,
        parse_math=False,
        usetex=False,
        # A given Axes may already have labels, with the font of earlier settings.
        fontfamily=mpl.rcParams["font.family"],
        ha="left" if rows.names_above else "right",
    )
    ax.tick_params(axis="y", length=0, pad=0 if rows.names_above else _NAME_PAD_POINTS)
    ax.spines["left"].set_visible(not rows.names_above)
    ax.set_ylim(rows.total_lines, 0)


def draw_values(
    ax: Axes,
    rows: Rows,
    ends: Floats,
    axis_end: float,
    *,
    axis_start: float = 0.0,
    aligned: bool = False,
) -> None:
    """Write the value of each bar, and set the limits of the horizontal axis.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The Axes with the bars.
    rows : Rows
        The rows.
    ends : numpy.ndarray
        Where each bar ends. A last row without a bar has no end, and no value is written for it.
    axis_end : float
        Where the horizontal axis ends. Longer bars are cut there, and an arrow follows their
        values.
    axis_start : float
        Where the horizontal axis begins.
    aligned : bool
        Whether the values are aligned in a column at the end of the axis.
    """
    texts = [
        f"{value}{_CUT_MARK}" if end > axis_end else value
        for value, end in zip(rows.values, ends, strict=False)
    ]
    max_text_share = 1.0 if rows.names_above else 1 - MIN_BARS_SHARE  # of the width of the Axes
    max_points = max_text_share * rows.axes_width - 2 * _VALUE_PAD_POINTS
    texts = [labels.shorten(text, max_points) for text in texts]
    text_share = 0.0
    if not rows.names_above:
        widest = max(map(text_width, texts)) + 2 * _VALUE_PAD_POINTS
        text_share = min(max_text_share, widest / rows.axes_width)
    # Values take up text_share of the width, so they need text_share / (1 - text_share) times the
    # length of the axis.
    axis_length = axis_end - axis_start
    pad = axis_length * (_PAD_SHARE + text_share / (1 - text_share))
    ax.set_xlim(axis_start, axis_end + pad)
    ticks.limit_ticks(ax, axis_start, axis_end, rows.axes_width)
    # The axis and its label end where the bars do, not below the values.
    ax.spines["bottom"].set_bounds(axis_start, axis_end)
    ax.xaxis.label.set_x(axis_length / (axis_length + pad) / 2)
    if rows.names_above:
        _write_values_above(ax, rows, texts)
        return
    # A bar beyond the end of the axis would cover the values.
    clip = Rectangle((axis_start, 0), axis_length, 1, transform=ax.get_xaxis_transform())
    for bar in ax.patches:
        bar.set_clip_path(clip)
    positions = np.full(len(texts), axis_end) if aligned else np.minimum(ends, axis_end)
    _write_values_beside(ax, rows, texts, positions)


def _write_values_above(ax: Axes, rows: Rows, texts: Sequence[str]) -> None:
    """Write each value at the right end of the line above its bar."""
    for text, position in zip(texts, rows.bar_positions, strict=False):
        ax.annotate(
            text,
            (1, position - rows.bar_height / 2 - NAME_GAP_LINES - 0.5),
            xycoords=ax.get_yaxis_transform(),
            ha="right",
            va="center",
            parse_math=False,
        )


def _write_values_beside(ax: Axes, rows: Rows, texts: Sequence[str], positions: Floats) -> None:
    """Write each value to the right of its horizontal position."""
    for text, x, y in zip(texts, positions, rows.bar_positions, strict=False):
        ax.annotate(
            text,
            (x, y),
            (_VALUE_PAD_POINTS, 0),
            textcoords="offset points",
            va="center",
            parse_math=False,
        )
