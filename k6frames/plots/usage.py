"""Plots of usage and monthly limits in virtual user hours (VUh)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

from k6frames.errors import ConfigError
from k6frames.plots import bars, labels, style, ticks
from k6frames.plots.periods import (
    TOTALS_HEADROOM,
    Layer,
    draw_layers,
    find_periods,
    label_periods,
    label_totals,
    layer_handles,
    limit_to_periods,
)
from k6frames.plots.style import Floats
from k6frames.plots.usage_groups import (
    Grouping,
    describe_grouping,
    find_grouping,
    find_largest_groups,
)
from k6frames.tables import VUH_BUDGET
from k6frames.validation import short_repr

MAX_LIMIT_RATIO = 3
"""A limit that is more than this many times the largest usage is not drawn."""
MAX_SHARE = 2.0
"""The maximum end of the axis, as a multiple of the limit. Longer bars are cut there."""

# The digits of a larger limit would not fit in the legend.
_MAX_LIMIT_VUH = 1e15
_ESTIMATE_COLOR = "#7F7F7F"
# The white halo makes a limit visible on bars and on dark pages.
_LIMIT_STYLE: dict[str, Any] = {
    "color": "#404040",
    "path_effects": [withStroke(linewidth=4.5, foreground="white")],
}
_LIMIT_MARK_WIDTH = 2.5
# How far the mark extends above and below the middle of a bar, as a share of the bar's height.
_LIMIT_MARK_REACH = 0.65
_LIMIT_LINE_STYLE: dict[str, Any] = {"lw": 1.6, "ls": (0, (4, 2)), **_LIMIT_STYLE}


@style.house_style()
def usage(summary: pd.DataFrame, *, limit: float | None = None, ax: Axes | None = None) -> Axes:
    """Draw the VUh in each period as stacked bars: the six largest groups and all others.

    Estimates for runs under way are hatched.

    Parameters
    ----------
    summary : pandas.DataFrame
        As returned by `k6frames.usage`: by project, load test, stack or label, or without groups.
    limit : float, optional
        VUh per calendar month, drawn as a line. The periods of `summary` must be months. If there
        is only one, its length is unknown, and not checked.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default on a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The bars of a group are one artist in ``ax.patches``; its ``get_data()`` returns their lower
        and upper ends.

    Raises
    ------
    ConfigError
        If `limit` is not a positive number below 1e15, the periods are not months, or `ax` is not
        an Axes.
    SchemaError
        If `summary` does not match one of the tables that `k6frames.usage` returns, or has usage by
        several labels.

    Examples
    --------
    >>> import k6frames
    >>> details = k6frames.test_run_details_df(client=k6frames.Client.sample())
    >>> ax = k6frames.plots.usage(k6frames.usage(details))
    >>> ax.get_title()
    'VUh per month by project'
    """
    grouping = find_grouping(summary)
    frame = grouping.table.conform(summary)
    by = f" by {describe_grouping(frame, grouping)}" if grouping.entity else ""
    if not frame["test_runs"].sum():
        _check_limit(limit)  # there are no periods whose unit could be checked
        return style.draw_message(ax, f"VUh{by}", "no test runs yet")
    periods = find_periods(frame["period"].drop_duplicates().sort_values())
    _check_limit(limit, periods.unit)

    layers = _usage_layers(frame, grouping)
    totals = np.sum([layer.heights for layer in layers], axis=0)
    drawn_limit = _limit_to_draw(limit, totals.max())
    legend = layer_handles(layers)
    if limit is not None:
        note = " (above the plot)" if drawn_limit is None else ""
        label = f"limit {labels.format_number(limit)} VUh{note}"
        legend.append(style.line_handle(label, **_LIMIT_LINE_STYLE))

    title = f"VUh per {periods.unit}{by}" if periods.unit else f"VUh{by}"
    header = style.arrange_header(title, style.available_size(ax), legend)
    ax = style.prepare_axes(ax, header, style.PLOT_HEIGHT_INCHES)
    limit_to_periods(ax, periods)
    label_periods(ax, periods)
    draw_layers(ax, periods, layers)
    ticks.number_axis(ax, ax.yaxis, "VUh")
    if drawn_limit is not None:
        ax.axhline(drawn_limit, **_LIMIT_LINE_STYLE)
    highest = max(totals.max(), drawn_limit or 0.0)
    ax.set_ylim(0, (highest or 1.0) * TOTALS_HEADROOM)
    texts = [labels.format_number(total) for total in totals]
    label_totals(ax, periods, totals, texts, limit=drawn_limit)
    style.draw_header(ax, header)
    return ax


def _usage_layers(frame: pd.DataFrame, grouping: Grouping) -> list[Layer]:
    """Return a layer for each of the largest groups, for the others, and for the estimates."""
    groups = find_largest_groups(frame, grouping)
    colors = (*style.PALETTE, style.OTHERS_COLOR)
    layers = [
        Layer(group.name, color, group.vuh) for group, color in zip(groups, colors, strict=False)
    ]
    estimated = frame.groupby("period")["estimated_vuh"].sum().to_numpy(dtype=float)
    if estimated.any():
        total = labels.format_number(estimated.sum())
        label = f"estimate for runs under way: {total} VUh"
        layers.append(Layer(label, _ESTIMATE_COLOR, estimated, hatched=True))
    return layers


def _limit_to_draw(limit: float | None, highest_total: float) -> float | None:
    """Return the limit, or None if there is none or it is too far above the bars."""
    if limit is None or (highest_total > 0 and limit > MAX_LIMIT_RATIO * highest_total):
        return None
    return limit


def _check_limit(limit: float | None, unit: str | None = None) -> None:
    if limit is None:
        return
    is_number = isinstance(limit, int | float | np.number) and not isinstance(limit, bool)
    if not is_number or not 0 < limit < _MAX_LIMIT_VUH:
        raise ConfigError(
            f"limit must be a positive number of VUh per month below {_MAX_LIMIT_VUH:g}, "
            f"not {short_repr(limit)}."
        )
    # The unit is None if it is unknown, because there is one period or none.
    if unit not in ("month", None):
        raise ConfigError(
            "limit is in VUh per calendar month, but the periods of this summary are not months. "
            'Pass a summary by month, k6frames.usage(details, freq="MS"), or no limit.'
        )


@style.house_style()
def vuh_budget(summary: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw how much of its monthly limit each project has used and is expected to use.

    Parameters
    ----------
    summary : pandas.DataFrame
        As returned by `k6frames.vuh_budget`. If any project has a limit, the bars are shares of the
        limits, the largest share first, and cut at 200%; projects without a limit have no bar. If
        no project has a limit, the bars are VUh. Projects beyond the first 20, or those that do not
        fit on a given `ax`, are counted in a last row.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default on a new figure, as tall as the names need.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ConfigError
        If `ax` is not an Axes.
    SchemaError
        If `summary` does not match the table ``vuh_budget``.

    Examples
    --------
    >>> import k6frames
    >>> client = k6frames.Client.sample()
    >>> details = k6frames.test_run_details_df(client=client)
    >>> limits = k6frames.project_limits_df(client=client)
    >>> budget = k6frames.vuh_budget(details, limits, as_of=client.as_of)
    >>> ax = k6frames.plots.vuh_budget(budget)
    >>> ax.get_title()[:15]
    'VUh budget in 2'
    """
    budget = VUH_BUDGET.conform(summary)
    if not len(budget):
        return style.draw_message(ax, "VUh budget", "no projects yet")
    # In `summary`, the share is missing if the limit is 0. _shares_of_limit() returns infinity if
    # such a limit is exceeded, so these projects come first.
    budget = budget.assign(share=_shares_of_limit(budget, "used_vuh")).sort_values(
        ["share", "used_vuh", "project_id"], ascending=[False, False, True], kind="stable"
    )
    has_limits = bool(budget["limit_vuh"].notna().any())
    month = budget["month"].max().strftime("%Y-%m")
    title = f"VUh budget in {month}" if has_limits else f"VUh used in {month}"
    size = style.available_size(ax)
    names = bars.fitting_names(budget, "project", "project_id", "project_name", size)
    more = len(budget) - len(names)
    budget = budget.head(len(names))
    texts = [_budget_text(row) for row in budget.itertuples()]
    if more:
        names.append(labels.format_count(more, "more project"))
        texts.append("")
    rows = bars.arrange_rows(names, texts, size)
    header = style.arrange_header(title, size, _budget_legend(budget, has_limits=has_limits))
    ax = style.prepare_axes(ax, header, rows.height_inches)
    ends = _draw_budget_bars(ax, rows, budget, has_limits=has_limits)
    bars.draw_names(ax, rows)
    if has_limits:
        _mark_limits(ax, rows, budget)
        ticks.percent_axis(ax, ax.xaxis, "share of the monthly limit")
        # The axis shows at least the limit, at 100%.
        bars.draw_values(ax, rows, ends, min(MAX_SHARE, max(1.0, ends.max())), aligned=True)
    else:
        ticks.number_axis(ax, ax.xaxis, "VUh")
        bars.draw_values(ax, rows, ends, ends.max() or 1.0)
    style.draw_header(ax, header)
    return ax


def _draw_budget_bars(
    ax: Axes, rows: bars.Rows, budget: pd.DataFrame, *, has_limits: bool
) -> Floats:
    """Draw the VUh used and, hatched, the additional VUh expected; return where the bars end."""
    used = _bar_lengths(budget, "used_vuh", has_limits=has_limits)
    expected = _bar_lengths(budget, "expected_vuh", has_limits=has_limits)
    positions = rows.bar_positions[: len(budget)]
    colors = np.where(_is_over_limit(budget), style.VERMILLION, style.BLUE)
    ax.barh(positions, used, rows.bar_height, color=colors)
    expects_more = expected > used
    ax.barh(
        positions[expects_more],
        (expected - used)[expects_more],
        rows.bar_height,
        left=used[expects_more],
        **style.bar_colors(_ESTIMATE_COLOR, hatched=True),
    )
    return np.maximum(used, expected)


def _shares_of_limit(budget: pd.DataFrame, column: str) -> pd.Series[Any]:
    """Return the VUh in a column as shares of the limit; infinite if a limit of 0 is exceeded."""
    vuh, limit = budget[column], budget["limit_vuh"]
    exceeds_zero = (limit.eq(0) & vuh.gt(0)).fillna(value=False)
    return (vuh / limit.where(limit > 0)).mask(exceeds_zero, np.inf)


def _bar_lengths(budget: pd.DataFrame, column: str, *, has_limits: bool) -> Floats:
    """Return the VUh in a column, as shares of the limit if any project has one."""
    lengths = budget[column]
    if has_limits:
        # Infinite bars cannot be drawn, so they end at a point beyond the end of the axis.
        lengths = _shares_of_limit(budget, column).clip(upper=2 * MAX_SHARE)
    return lengths.fillna(0.0).to_numpy(dtype=float)


def _is_over_limit(budget: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Return which projects will have exceeded their limit by the end of the month."""
    largest = budget[["used_vuh", "expected_vuh"]].max(axis=1)
    return largest.gt(budget["limit_vuh"]).fillna(value=False).to_numpy(dtype=bool)


def _budget_legend(budget: pd.DataFrame, *, has_limits: bool) -> list[Artist]:
    is_over = _is_over_limit(budget)
    legend = []
    if not is_over.all():
        legend.append(style.bar_handle("used", style.BLUE))
    if is_over.any():
        label = "used, limit exceeded by the end of the month"
        legend.append(style.bar_handle(label, style.VERMILLION))
    label = "expected by the end of the month"
    legend.append(style.bar_handle(label, _ESTIMATE_COLOR, hatched=True))
    if has_limits:
        marker = {"ls": "none", "marker": "|", "ms": 11, "mew": _LIMIT_MARK_WIDTH}
        legend.append(style.line_handle("limit", **marker, **_LIMIT_STYLE))
    return legend


def _mark_limits(ax: Axes, rows: bars.Rows, budget: pd.DataFrame) -> None:
    """Draw a mark at 100% of the limit across the bar of each project that has one."""
    positions = rows.bar_positions[: len(budget)][budget["limit_vuh"].notna().to_numpy()]
    reach = rows.bar_height * _LIMIT_MARK_REACH
    shares = np.ones(len(positions))
    ax.vlines(shares, positions - reach, positions + reach, lw=_LIMIT_MARK_WIDTH, **_LIMIT_STYLE)


def _budget_text(row: Any) -> str:
    used = labels.format_number(row.used_vuh)
    if pd.isna(row.limit_vuh):
        return f"{used} VUh, no limit"
    text = f"{used} of {labels.format_number(row.limit_vuh)} VUh"
    if row.used_vuh >= row.limit_vuh and row.used_vuh > 0:
        return f"{text}, limit reached"
    if row.expected_vuh > row.limit_vuh and not pd.isna(row.days_left):
        days = math.floor(row.days_left)
        when = f"in {labels.format_count(days, 'day')}" if days else "within a day"
        return f"{text}, reaches limit {when}"
    return text
