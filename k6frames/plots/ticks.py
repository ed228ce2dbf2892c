"""Numeric axes: round ticks with thousands separators or percent signs, and grid lines."""

from __future__ import annotations

import math

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, MaxNLocator, StrMethodFormatter

from k6frames.plots import fonts, labels, style

MIN_TICKS, MAX_TICKS = 2, 6
POINTS_PER_TICK = 45
LABEL_GAP_POINTS = 8.0


def number_axis(ax: Axes, axis: Axis, label: str, *, integer: bool = False) -> None:
    """Set the ticks (round numbers with thousands separators), grid lines and label of an axis."""
    axis.set_major_locator(
        MaxNLocator(steps=[1, 2, 5, 10], nbins=_max_ticks(ax, axis), integer=integer, min_n_ticks=1)
    )
    axis.set_major_formatter(
        StrMethodFormatter("{x:,.0f}") if integer else FuncFormatter(_format_tick)
    )
    _draw_grid_and_label(axis, label)


def percent_axis(ax: Axes, axis: Axis, label: str) -> None:
    """Set the ticks (round percentages), grid lines and label of an axis of shares."""
    axis.set_major_locator(MaxNLocator(steps=[1, 2, 2.5, 5, 10], nbins=_max_ticks(ax, axis)))
    axis.set_major_formatter(FuncFormatter(_format_percent))
    _draw_grid_and_label(axis, label)


def limit_ticks(ax: Axes, low: float, high: float, width: float | None = None) -> None:
    """Limit the ticks of the horizontal axis to a range, and keep their labels apart.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The Axes; its horizontal limits must be final.
    low, high : float
        The range; the axis extends beyond it, with room for texts next to bars or lines.
    width : float, optional
        Width of the axis in points; by default the current width of the Axes, which may still
        change when the names to the left are drawn.
    """
    locator, formatter = ax.xaxis.get_major_locator(), ax.xaxis.get_major_formatter()
    ticks = [tick for tick in locator.tick_values(low, high) if low <= tick <= high]
    if len(ticks) > 1:
        step = ticks[1] - ticks[0]
        left, right = ax.get_xlim()
        step_points = step / (right - left) * (width or style.available_size(ax).width)
        label_points = max(map(fonts.text_width, formatter.format_ticks(ticks))) + LABEL_GAP_POINTS
        every = math.ceil(label_points / step_points)
        # Keep every second, third, ... tick, counted from 0, so that a tick at 0 is kept.
        ticks = [tick for tick in ticks if round(tick / step) % every == 0]
    ax.set_xticks(ticks)


def _draw_grid_and_label(axis: Axis, label: str) -> None:
    axis.grid(visible=True, color=style.AXES_COLOR, alpha=0.25, linewidth=0.6)
    axis.set_label_text(label, fontsize=style.FONT_SIZE)


def _max_ticks(ax: Axes, axis: Axis) -> int:
    size = style.available_size(ax)
    length = size.width if axis is ax.xaxis else size.height
    return max(MIN_TICKS, min(MAX_TICKS, int(length / POINTS_PER_TICK)))


def _format_tick(value: float, _position: float | None = None) -> str:
    # A float has 15 reliable digits: 0.30000000000000004 is "0.3".
    text = f"{abs(value):,.15g}"
    return f"{labels.MINUS}{text}" if value < 0 else text


def _format_percent(value: float, _position: float | None = None) -> str:
    return f"{_format_tick(value * 100)}%"
