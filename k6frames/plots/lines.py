"""Lines with their names next to their ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from k6frames.plots import labels, style
from k6frames.plots.fonts import text_width
from k6frames.plots.style import Floats

MAX_LINES = len(style.PALETTE)
MAX_POINTS_WITH_MARKERS = 40
MAX_LABEL_SHARE = 0.4
"""Share of the width of the Axes; longer names are shortened."""

HEADROOM = 1.08
"""Height of the vertical axis as a multiple of the highest value."""

# A thin line, the connector, leads from the end of a line to its name.
_CONNECTOR_POINTS = 10.0
_NAME_GAP_POINTS = 4.0
_LABEL_PAD_POINTS = _CONNECTOR_POINTS + _NAME_GAP_POINTS
_MIN_NAME_POINTS = 60.0
# The lines take up at least this share of the width of the Axes.
_MIN_LINE_SHARE = 0.45


def line_style(point_count: int) -> dict[str, Any]:
    """Return the style of a line, with markers unless there are too many points."""
    return {"marker": "o" if point_count <= MAX_POINTS_WITH_MARKERS else "", "lw": 1.8, "ms": 4}


class Line(NamedTuple):
    """A line with its name, and the value (or an empty string) to write after the name."""

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
    """Draw lines, and write their names to the right of them.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The Axes. Its horizontal limits must be those of the points; they are extended for the
        names.
    lines : sequence of Line
        The lines; each has at least one value.
    limits : tuple of float
        The limits of the vertical axis; a line beyond them is cut.
    """
    lines = sorted(lines, key=lambda line: line.end[1], reverse=True)
    size = style.available_size(ax)
    texts = _shortened_labels(lines, size.width)
    left, right = ax.get_xlim()
    label_points = max(map(text_width, texts)) + _LABEL_PAD_POINTS
    axis_length = (right - left) / max(_MIN_LINE_SHARE, 1 - label_points / size.width)
    ax.set(xlim=(left, left + axis_length), ylim=limits)
    bottom, top = limits
    label_x = right + axis_length * _CONNECTOR_POINTS / size.width
    end_heights = [min(line.end[1], top) for line in lines]
    gap = style.LINE_HEIGHT_POINTS / size.height * (top - bottom)
    label_heights = _spread(end_heights, bottom, top, gap)
    for line, text, label_y in zip(lines, texts, label_heights, strict=True):
        ax.plot(line.x, line.y, color=line.color, **line_style(len(line.x)))
        if not text:  # a single series without labels has no name
            continue
        end_x, end_y = line.end
        ax.plot([end_x, label_x], [min(end_y, top), label_y], color=line.color, lw=0.8, alpha=0.6)
        ax.annotate(
            text,
            (label_x, label_y),
            (_NAME_GAP_POINTS, 0),
            textcoords="offset points",
            va="center",
            parse_math=False,
        )


def _shortened_labels(lines: Sequence[Line], width: float) -> list[str]:
    """Return the names, shortened if necessary, each with its complete value."""
    max_points = width * MAX_LABEL_SHARE - _LABEL_PAD_POINTS
    values = [f" {line.value}" if line.value else "" for line in lines]
    name_points = [max(_MIN_NAME_POINTS, max_points - text_width(value)) for value in values]
    names = labels.shorten_all([line.name for line in lines], name_points)
    return [f"{name}{value}".strip() for name, value in zip(names, values, strict=True)]


def _spread(heights: Sequence[float], bottom: float, top: float, gap: float) -> list[float]:
    """Return heights, which are sorted in descending order, moved to be at least a gap apart.

    They are moved down as far as necessary. If the last ones are then below the bottom, they are
    moved up again, and others with them.
    """
    moved: list[float] = []
    for height in heights:
        highest = moved[-1] - gap if moved else top - gap / 2
        moved.append(min(height, highest))
    lowest = bottom + gap / 2
    for index in reversed(range(len(moved))):
        moved[index] = max(moved[index], lowest)
        lowest = moved[index] + gap
    return moved
