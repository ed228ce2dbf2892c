"""Horizontal bars with names: beside the bars, or above them on narrow Axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from k6frames.plots import labels, ticks
from k6frames.plots.style import LINE_POINTS, Size

Floats = npt.NDArray[np.float64]

MAX_ROWS = 20
MIN_WIDTH_FOR_NAMES_BESIDE = 400.0
"""Points; on narrower Axes, such as a phone's, names are above the bars."""
MAX_NAME_SHARE = 0.36
MIN_NAME_SHARE = 0.3
MAX_NAME_POINTS = 210.0

# Heights are in lines of text.
BAR_LINES = 1.1
NARROW_BAR_LINES = 0.8
GAP_LINES = 0.6
NAME_GAP_LINES = 0.1
MIN_LINES = 3.0
AXIS_INCHES = 0.5

_NAME_PAD_POINTS = 6.0
_VALUE_PAD_POINTS = 4.0
_MIN_BAR_SHARE = 0.3
_PAD_SHARE = 0.02
_CUT_MARK = " →"
_TYPICAL_VALUE = "12 of 34 runs"


class Rows(NamedTuple):
    """Where names, bars and values are; the unit of the vertical axis is a line of text."""

    names: list[str]
    values: list[str]
    name_positions: Floats
    bar_positions: Floats
    bar_height: float
    total_lines: float
    names_above: bool
    bars_width: float

    @property
    def inches(self) -> float:
        """Height of a new figure's Axes with its horizontal axis."""
        return self.total_lines * LINE_POINTS / 72 + AXIS_INCHES


def name_rows(
    frame: pd.DataFrame, entity: str, id_column: str, name_column: str, size: Size
) -> list[str]:
    """Return the names of the first rows of a frame: of as many as there is room for."""
    first = frame.head(MAX_ROWS)
    names = labels.name_labels(first[id_column], first[name_column], entity)
    return names[: count_fitting_rows(names, size, len(frame))]


def count_fitting_rows(names: Sequence[str], size: Size, total: int) -> int:
    """Return how many of some names fit, with one more for the others of the total."""
    heights = _row_heights(_wrap_names(names, [_TYPICAL_VALUE] * len(names), size), size)
    bottoms = np.cumsum(heights) * LINE_POINTS
    if len(names) == total and bottoms[-1] <= size.height:
        return total
    last_row = (1 + GAP_LINES + BAR_LINES) * LINE_POINTS
    return max(1, int((bottoms <= size.height - last_row).sum()))


def arrange_rows(names: Sequence[str], values: Sequence[str], size: Size) -> Rows:
    """Return where the names, bars and values of some rows are."""
    above = _names_above(size)
    wrapped = _wrap_names(names, values, size)
    heights = _row_heights(wrapped, size)
    total = max(MIN_LINES, float(heights.sum()))
    tops = heights.cumsum() - heights + (total - heights.sum()) / 2
    lines = np.array([name.count("\n") + 1.0 for name in wrapped])
    if above:
        name_positions = tops + GAP_LINES / 2 + lines / 2
        bar_positions = tops + GAP_LINES / 2 + lines + NAME_GAP_LINES + NARROW_BAR_LINES / 2
    else:
        name_positions = bar_positions = tops + heights / 2
    widest = max((_block_width(name) for name in wrapped), default=0.0)
    return Rows(
        names=wrapped,
        values=list(values),
        name_positions=name_positions,
        bar_positions=bar_positions,
        bar_height=NARROW_BAR_LINES if above else BAR_LINES,
        total_lines=total,
        names_above=above,
        bars_width=size.width - (0.0 if above else widest + _NAME_PAD_POINTS),
    )


def _names_above(size: Size) -> bool:
    return size.width < MIN_WIDTH_FOR_NAMES_BESIDE


def _wrap_names(names: Sequence[str], values: Sequence[str], size: Size) -> list[str]:
    if not _names_above(size):
        room = min(MAX_NAME_POINTS, size.width * MAX_NAME_SHARE)
        return [labels.wrap(name, room) for name in names]
    # The value is at the right of the name's last line, which is empty if a value needs it all.
    pad = labels.text_width(_CUT_MARK) + 2 * _NAME_PAD_POINTS
    wrapped = []
    for name, value in zip(names, values, strict=True):
        room = size.width - labels.text_width(value) - pad
        if room < size.width * MIN_NAME_SHARE:
            wrapped.append(labels.wrap(name, size.width) + "\n")
        else:
            wrapped.append(labels.wrap(name, room))
    return wrapped


def _row_heights(wrapped: Sequence[str], size: Size) -> Floats:
    lines = np.array([name.count("\n") + 1.0 for name in wrapped])
    return lines + GAP_LINES + (NAME_GAP_LINES + NARROW_BAR_LINES if _names_above(size) else 0.0)


def _block_width(name: str) -> float:
    return max(map(labels.text_width, name.split("\n")))


def draw_names(ax: Axes, rows: Rows) -> None:
    """Write the names, and set the limits of the vertical axis, from the top down."""
    # Set on each label too, because a given Axes may have its labels already.
    family = mpl.rcParams["font.family"]
    ax.set_yticks(
        rows.name_positions,
        rows.names,
        parse_math=False,
        usetex=False,
        fontfamily=family,
        ha="left" if rows.names_above else "right",
    )
    ax.tick_params(axis="y", length=0, pad=0 if rows.names_above else _NAME_PAD_POINTS)
    ax.spines["left"].set_visible(not rows.names_above)
    ax.set_ylim(rows.total_lines, 0)


def draw_values(
    ax: Axes, rows: Rows, ends: Floats, limit: float, *, start: float = 0.0, aligned: bool = False
) -> None:
    """Write a value next to each bar and set the limits of the horizontal axis.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where the bars are.
    rows : Rows
        The rows.
    ends : numpy.ndarray
        Where each bar ends; a last row without a bar has none.
    limit : float
        The bars end there; longer ones are cut, with an arrow next to their value.
    start : float
        Where the horizontal axis begins.
    aligned : bool
        Whether the values are in one column, beyond the longest bar.
    """
    # The row of those that are left out has no bar and no value.
    texts = [
        f"{value}{_CUT_MARK}" if end > limit else value
        for value, end in zip(rows.values, ends, strict=False)
    ]
    if rows.names_above:
        ax.set_xlim(start, limit + (limit - start) * _PAD_SHARE)
        ticks.limit_ticks(ax, start, limit, rows.bars_width)
        for text, position in zip(texts, rows.bar_positions, strict=False):
            _write_above(ax, text, position - rows.bar_height / 2)
        return
    widest = max(map(labels.text_width, texts)) + 2 * _VALUE_PAD_POINTS
    room = min(1 - _MIN_BAR_SHARE, widest / rows.bars_width)
    ax.set_xlim(start, limit + (limit - start) * (_PAD_SHARE + room / (1 - room)))
    ticks.limit_ticks(ax, start, limit, rows.bars_width)
    clip = Rectangle((start, 0), limit - start, 1, transform=ax.get_xaxis_transform())
    for bar in ax.patches:
        bar.set_clip_path(clip)
    for text, end, position in zip(texts, ends, rows.bar_positions, strict=False):
        x = limit if aligned else min(end, limit)
        ax.annotate(
            text,
            (x, position),
            (_VALUE_PAD_POINTS, 0),
            textcoords="offset points",
            va="center",
            parse_math=False,
        )


def _write_above(ax: Axes, text: str, position: float) -> None:
    """Write a value at the right of the line above its bar."""
    ax.annotate(
        text,
        (1, position - NAME_GAP_LINES - 0.5),
        xycoords=ax.get_yaxis_transform(),
        ha="right",
        va="center",
        parse_math=False,
    )
