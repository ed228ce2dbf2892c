"""Plots of usage in virtual user hours (VUh) and of the monthly limits."""

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
    Layer,
    draw_layers,
    find_periods,
    label_periods,
    label_totals,
    limit_to_periods,
)
from k6frames.plots.usage_groups import describe_grouping, find_grouping, find_largest
from k6frames.tables import VUH_BUDGET
from k6frames.validation import short_repr

Floats = npt.NDArray[np.float64]

MAX_LIMIT_RATIO = 3
"""A limit is outside the plot if it is more than so many times the largest usage."""
MAX_SHARE = 2.0
"""Bars are cut at so many times the limit."""

_MAX_LIMIT = 1e15
_ESTIMATE_COLOR = "#7F7F7F"
# Of a limit the halo is what is seen on bars and on dark pages.
_LIMIT: dict[str, Any] = {
    "color": "#404040",
    "path_effects": [withStroke(linewidth=4.5, foreground="white")],
}
_LIMIT_LINE: dict[str, Any] = {"lw": 1.6, "ls": (0, (4, 2)), **_LIMIT}


@style.house_style()
def usage(summary: pd.DataFrame, *, limit: float | None = None, ax: Axes | None = None) -> Axes:
    """Draw the VUh of each period, stacked by the six largest groups and all others.

    The estimated VUh of runs that are under way are hatched, on top.

    Parameters
    ----------
    summary : pandas.DataFrame
        As `k6frames.usage` returns it: by project, load test, stack or label, or without groups.
    limit : float, optional
        VUh per calendar month, which is drawn as a line; `summary` must have months then.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default on a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        All bars of a group are one artist in ``ax.patches``, whose ``get_data()`` has the lower and
        upper ends.

    Raises
    ------
    ConfigError
        If `limit` is not a positive number, or the periods are not months.
    SchemaError
        If `summary` does not match one of the tables that `k6frames.usage` returns.

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
        _check_limit(limit, None)
        return style.draw_message(ax, f"VUh{by}", "no test runs yet")
    found = find_periods(frame["period"].drop_duplicates().sort_values())
    _check_limit(limit, found.unit)

    groups = find_largest(frame, grouping)
    colors = [*style.PALETTE, style.OTHERS_COLOR][: len(groups)]
    layers = [Layer(color, group.vuh) for group, color in zip(groups, colors, strict=True)]
    legend: list[Artist] = []
    if grouping.entity:
        legend = [style.bar_handle(g.name, color) for g, color in zip(groups, colors, strict=True)]
    estimated = frame.groupby("period")["estimated_vuh"].sum().to_numpy(dtype=float)
    if estimated.any():
        text = "estimate for runs under way"
        layers.append(Layer(_ESTIMATE_COLOR, estimated, hatched=True))
        legend.append(style.bar_handle(text, _ESTIMATE_COLOR, hatched=True))
    top = float(np.sum([layer.heights for layer in layers], axis=0).max())
    line = limit if limit is not None and (top == 0 or limit <= MAX_LIMIT_RATIO * top) else None
    if limit is not None:
        text = (
            f"limit {labels.format_number(limit)} VUh{' (above the plot)' if line is None else ''}"
        )
        legend.append(style.line_handle(text, **_LIMIT_LINE))

    title = f"VUh per {found.unit}{by}" if found.unit else f"VUh{by}"
    header = style.arrange_header(title, style.available_size(ax), legend)
    ax = style.prepare_axes(ax, header, style.PERIOD_PLOT_INCHES)
    limit_to_periods(ax, found)
    label_periods(ax, found)
    totals = draw_layers(ax, found, layers)
    ticks.number_axis(ax, ax.yaxis, "VUh")
    if line is not None:
        ax.axhline(line, **_LIMIT_LINE)
        top = max(top, line)
    ax.set_ylim(0, (top or 1.0) * 1.12)
    texts = [labels.format_number(total) for total in totals]
    label_totals(ax, found, totals, texts, line=line)
    style.draw_header(ax, header)
    return ax


def _check_limit(limit: float | None, unit: str | None) -> None:
    if limit is None:
        return
    is_number = isinstance(limit, int | float | np.number) and not isinstance(limit, bool)
    if not is_number or not 0 < limit < _MAX_LIMIT:
        raise ConfigError(
            f"limit must be a positive number of VUh per month, not {short_repr(limit)}."
        )
    if unit not in ("month", None):
        raise ConfigError(
            f"limit is in VUh per calendar month, and the periods of this summary are {unit}s. "
            'Pass a summary with months, k6frames.usage(details, freq="MS"), or no limit.'
        )


@style.house_style()
def vuh_budget(summary: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw how much of its monthly limit each project has used, and will have used at the end.

    Parameters
    ----------
    summary : pandas.DataFrame
        As `k6frames.vuh_budget` returns it. The bars are shares of the limit, the largest share
        first; without any limit they are VUh. Projects beyond the first 20, or beyond what a given
        `ax` has room for, are counted in a last line.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default on a new figure, as high as the names need.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
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
    # A limit of 0 that is not kept has no share.
    exceeded = (budget["limit_vuh"].eq(0) & budget["used_vuh"].gt(0)).fillna(value=False)
    budget = budget.assign(share=budget["share"].mask(exceeded, np.inf)).sort_values(
        ["share", "used_vuh", "project_id"], ascending=[False, False, True], kind="stable"
    )
    has_limits = bool(budget["limit_vuh"].notna().any())
    month = budget["month"].max().strftime("%Y-%m")
    size = style.available_size(ax)
    names = bars.name_rows(budget, "project", "project_id", "project_name", size)
    more = len(budget) - len(names)
    budget = budget.head(len(names))
    texts = [_budget_text(row) for row in budget.itertuples()]
    if more:
        names, texts = [*names, labels.format_count(more, "more project")], [*texts, ""]
    rows = bars.arrange_rows(names, texts, size)

    scale = budget["limit_vuh"] if has_limits else pd.Series(1.0, index=budget.index)
    used, expected = (_ratio(budget[name], scale) for name in ("used_vuh", "expected_vuh"))
    if has_limits:
        used, expected = (np.minimum(shares, 2 * MAX_SHARE) for shares in (used, expected))
    largest = budget[["used_vuh", "expected_vuh"]].max(axis=1)
    over = largest.gt(budget["limit_vuh"]).fillna(value=False)
    is_over = over.to_numpy(dtype=bool)
    legend = [] if is_over.all() else [style.bar_handle("used", style.BLUE)]
    if is_over.any():
        legend.append(style.bar_handle("used, over the limit by the month's end", style.VERMILLION))
    legend.append(style.bar_handle("expected at the month's end", _ESTIMATE_COLOR, hatched=True))
    if has_limits:
        legend.append(style.line_handle("limit", ls="none", marker="|", ms=11, mew=2.5, **_LIMIT))
    title = f"VUh budget in {month}" if has_limits else f"VUh used in {month}"
    header = style.arrange_header(title, size, legend)
    ax = style.prepare_axes(ax, header, rows.inches)
    positions = rows.bar_positions[: len(budget)]
    colors = np.where(is_over, style.VERMILLION, style.BLUE)
    estimate = style.bar_colors(_ESTIMATE_COLOR, hatched=True)
    ax.barh(positions, used, rows.bar_height, color=colors)
    rises = expected > used
    rest = (expected - used)[rises]
    ax.barh(positions[rises], rest, rows.bar_height, left=used[rises], **estimate)
    bars.draw_names(ax, rows)
    ends = np.maximum(used, expected)
    if has_limits:
        _mark_limits(ax, positions[budget["limit_vuh"].notna().to_numpy()], rows.bar_height)
        ticks.percent_axis(ax, ax.xaxis, "share of the monthly limit")
        bars.draw_values(ax, rows, ends, min(MAX_SHARE, max(1.0, ends.max())), aligned=True)
    else:
        ticks.number_axis(ax, ax.xaxis, "VUh")
        bars.draw_values(ax, rows, ends, ends.max() or 1.0)
    style.draw_header(ax, header)
    return ax


def _mark_limits(ax: Axes, positions: Floats, bar_height: float) -> None:
    """Draw a mark across each bar that has a limit."""
    reach = bar_height * 0.65
    ends = np.ones(len(positions))
    ax.vlines(ends, positions - reach, positions + reach, lw=2.5, **_LIMIT)


def _ratio(values: pd.Series[Any], scale: pd.Series[Any]) -> Floats:
    """Return shares of the limit; what was used of a limit of 0 is beyond the plot."""
    beyond = (scale.eq(0) & values.gt(0)).fillna(value=False)
    ratios = (values / scale.where(scale > 0)).mask(beyond, 2 * MAX_SHARE)
    return ratios.fillna(0.0).to_numpy(dtype=float)


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
        return f"{text}, limit {when}"
    return text
