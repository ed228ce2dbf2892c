"""Lines with their names at their ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from k6frames.plots import labels, style

Floats = npt.NDArray[np.float64]

MAX_LINES = len(style.PALETTE)
MAX_POINTS_WITH_MARKERS = 40
MAX_LABEL_SHARE = 0.4
"""Of the width of the Axes; longer names are shortened."""

_LABEL_PAD_POINTS = 14.0
_MIN_NAME_POINTS = 60.0
_MIN_LINE_SHARE = 0.45
_CONNECTOR_SHARE = 0.02


class Line(NamedTuple):
    """A line: its name, the value at its end if that is shown, its color and its points."""

    name: str
    value: str
    color: str
    x: Floats
    y: Floats

    @property
    def end(self) -> tuple[float, float]:
        """The last point that has a value."""
        last = int(np.flatnonzero(~np.isnan(self.y))[-1])
        return float(self.x[last]), float(self.y[last])


def draw_lines(ax: Axes, lines: Sequence[Line], limits: tuple[float, float]) -> None:
    """Draw lines from the left, and at the right of the last point a name for each.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Its horizontal limits are those of the points; they are moved to the right for the names.
    lines : sequence of Line
        Lines with at least one value each.
    limits : tuple of float
        The lower and the upper end of the vertical axis; a line beyond it is cut.
    """
    lines = sorted(lines, key=lambda line: line.end[1], reverse=True)
    size = style.available_size(ax)
    texts = _shortened_labels(lines, size.width)
    left, right = ax.get_xlim()
    room = max(map(labels.text_width, texts)) + _LABEL_PAD_POINTS
    width = (right - left) / max(_MIN_LINE_SHARE, 1 - room / size.width)
    ax.set(xlim=(left, left + width), ylim=limits)
    bottom, top = limits
    start = right + width * _CONNECTOR_SHARE
    ends = [min(line.end[1], top) for line in lines]
    gap = style.LINE_POINTS / size.height * (top - bottom)
    for line, text, height in zip(lines, texts, spread(ends, bottom, top, gap), strict=True):
        few = len(line.x) <= MAX_POINTS_WITH_MARKERS
        ax.plot(line.x, line.y, "o-" if few else "-", color=line.color, lw=1.8, ms=4)
        end_x, end_y = line.end
        if not text:
            continue
        ax.plot([end_x, start], [min(end_y, top), height], color=line.color, lw=0.8, alpha=0.6)
        ax.annotate(
            text, (start, height), (4, 0), textcoords="offset points", va="center", parse_math=False
        )


def _shortened_labels(lines: Sequence[Line], width: float) -> list[str]:
    """Return names with values; a name is shortened, a value never is."""
    room = width * MAX_LABEL_SHARE - _LABEL_PAD_POINTS
    values = [f" {line.value}" if line.value else "" for line in lines]
    rooms = [max(_MIN_NAME_POINTS, room - labels.text_width(value)) for value in values]
    names = labels.shorten_all([line.name for line in lines], rooms)
    return [f"{name}{value}".strip() for name, value in zip(names, values, strict=True)]


def spread(heights: Sequence[float], bottom: float, top: float, gap: float) -> list[float]:
    """Return heights in falling order, moved no more than a gap between them needs."""
    moved: list[float] = []
    for height in heights:
        highest = moved[-1] - gap if moved else top - gap / 2
        moved.append(min(height, highest))
    lowest = bottom + gap / 2
    for index in reversed(range(len(moved))):
        moved[index] = max(moved[index], lowest)
        lowest = moved[index] + gap
    return moved
