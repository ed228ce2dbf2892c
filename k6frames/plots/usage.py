"""Plots of usage in virtual user hours (VUh) and of the monthly limits."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

from k6frames.errors import ConfigError
from k6frames.plots import bars, labels, periods, style
from k6frames.tables import (
    USAGE,
    USAGE_BY_LABEL,
    USAGE_BY_LOAD_TEST,
    USAGE_BY_PROJECT,
    USAGE_BY_STACK,
    VUH_BUDGET,
    Table,
)

Floats = npt.NDArray[np.float64]

MAX_GROUPS = len(style.PALETTE)
MAX_LIMIT_RATIO = 3
"""A limit is outside the plot if it is more than so many times the largest usage."""
MAX_SHARE = 2.0
"""Bars are cut at so many times the limit."""


class _Grouping(NamedTuple):
    """What the groups of a usage summary are, and the columns of their IDs and names."""

    table: Table
    entity: str
    group_id: str | None
    name: str | None


# Those with more columns first: usage by load test has the columns of usage by project, too.
_GROUPINGS = (
    _Grouping(USAGE_BY_LOAD_TEST, "load test", "load_test_id", "load_test_name"),
    _Grouping(USAGE_BY_PROJECT, "project", "project_id", "project_name"),
    _Grouping(USAGE_BY_LABEL, "label", None, "value"),
    _Grouping(USAGE_BY_STACK, "stack", "stack_id", None),
    _Grouping(USAGE, "", None, None),
)


class _Group(NamedTuple):
    """One of the parts that are stacked, and its VUh in each period."""

    name: str
    vuh: Floats


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
    grouping = _find_grouping(summary)
    frame = grouping.table.conform(summary)
    by = f" by {_grouped_by(frame, grouping)}" if grouping.entity else ""
    if not frame["test_runs"].sum():
        _check_limit(limit, None)
        return style.draw_message(ax, f"VUh{by}", "no test runs yet")
    found = periods.find_periods(frame["period"].drop_duplicates().sort_values())
    _check_limit(limit, found.unit)
    groups = _largest_groups(frame, grouping)
    estimated = frame.groupby("period")["estimated_vuh"].sum().to_numpy(dtype=float)

    colors = [*style.PALETTE, style.OTHERS_COLOR]
    layers = [periods.Layer(color, group.vuh) for group, color in zip(groups, colors, strict=False)]
    legend: list[Artist] = []
    if grouping.entity:
        legend = [
            style.bar_handle(group.name, color)
            for group, color in zip(groups, colors, strict=False)
        ]
    if estimated.any():
        text = "estimate for runs under way"
        layers.append(periods.Layer(style.MARK_COLOR, estimated, hatched=True))
        legend.append(style.bar_handle(text, style.MARK_COLOR, hatched=True))
    top = float(np.sum([layer.heights for layer in layers], axis=0).max()) or 1.0
    has_limit_line = limit is not None and limit <= MAX_LIMIT_RATIO * top
    if limit is not None:
        note = "" if has_limit_line else " (above the plot)"
        text = f"limit {style.format_number(limit)} VUh{note}"
        legend.append(style.line_handle(text, **style.LIMIT_LINE))

    title = f"VUh per {found.unit}{by}" if found.unit else f"VUh{by}"
    header = style.arrange_header(title, style.available_size(ax), legend)
    ax = style.prepare_axes(ax, header, style.PERIOD_PLOT_INCHES)
    periods.limit_to_periods(ax, found)
    periods.label_periods(ax, found)
    totals = periods.draw_layers(ax, found, layers)
    style.number_axis(ax, ax.yaxis, "VUh")
    if has_limit_line:
        ax.axhline(limit, **style.LIMIT_LINE)
        top = max(top, limit)
    ax.set_ylim(0, top * 1.12)
    texts = [style.format_number(total) for total in totals]
    periods.label_totals(ax, found, totals, texts, line=limit)
    style.draw_header(ax, header)
    return ax


def _find_grouping(summary: pd.DataFrame) -> _Grouping:
    columns = set(summary.columns) if isinstance(summary, pd.DataFrame) else set()
    for grouping in _GROUPINGS:
        if columns.issuperset(grouping.table.dtypes):
            return grouping
    # None matches: the error about the most frequent table names the missing columns and the cure.
    return next(grouping for grouping in _GROUPINGS if grouping.table is USAGE_BY_PROJECT)


def _grouped_by(frame: pd.DataFrame, grouping: _Grouping) -> str:
    if grouping.table is not USAGE_BY_LABEL:
        return grouping.entity
    return ", ".join(labels.clean_text(key) for key in frame["key"].unique())


def _largest_groups(frame: pd.DataFrame, grouping: _Grouping) -> list[_Group]:
    """Return the groups with the largest usage, and all others as one."""
    if not grouping.entity:
        return [_Group("", frame.sort_values("period")["vuh"].to_numpy(dtype=float))]
    keys = [name for name in grouping.table.key if name != "period"]
    numbers = frame.groupby(keys, dropna=False).ngroup()
    numbered = frame.assign(group=numbers)
    # A summary that was filtered can lack some periods of a group.
    vuh = numbered.pivot(index="period", columns="group", values="vuh").fillna(0.0)  # noqa: PD010
    largest = vuh.sum().sort_values(ascending=False, kind="stable").index
    first_rows = numbered.drop_duplicates("group").set_index("group").loc[largest[:MAX_GROUPS]]
    names = [
        labels.shorten(name, bars.MAX_NAME_POINTS) for name in _group_names(first_rows, grouping)
    ]
    groups = [
        _Group(name, vuh[number].to_numpy(dtype=float))
        for name, number in zip(names, largest, strict=False)
    ]
    others = largest[MAX_GROUPS:]
    if len(others):
        name = style.format_count(len(others), "other")
        groups.append(_Group(name, vuh[others].sum(axis=1).to_numpy(dtype=float)))
    return groups


def _group_names(first_rows: pd.DataFrame, grouping: _Grouping) -> list[str]:
    if grouping.table is USAGE_BY_LABEL:
        missing = f"without {_grouped_by(first_rows, grouping)}"
        return [labels.drawable_text(labels.clean_text(v)) or missing for v in first_rows["value"]]
    ids = first_rows[grouping.group_id]
    names = [None] * len(ids) if grouping.name is None else first_rows[grouping.name]
    return labels.name_labels(ids, names, grouping.entity)


def _check_limit(limit: float | None, unit: str | None) -> None:
    if limit is None:
        return
    is_number = isinstance(limit, int | float | np.number) and not isinstance(limit, bool)
    if not is_number or not math.isfinite(limit) or limit <= 0:
        raise ConfigError(f"limit must be a positive number of VUh per month, not {limit!r}.")
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
    budget = budget.sort_values(
        ["share", "used_vuh", "project_id"], ascending=[False, False, True], kind="stable"
    )
    has_limits = bool(budget["limit_vuh"].notna().any())
    month = budget["month"].max().strftime("%Y-%m")
    size = style.available_size(ax)
    names = bars.name_rows(budget, "project", "project_id", "project_name", size)
    shown = len(names)
    more = len(budget) - shown
    budget = budget.head(shown)
    texts = [_budget_text(row) for row in budget.itertuples()]
    if more:
        names, texts = [*names, style.format_count(more, "more project")], [*texts, ""]
    rows = bars.arrange_rows(names, texts, size)

    scale = budget["limit_vuh"] if has_limits else pd.Series(1.0, index=budget.index)
    used, expected = (_ratio(budget[name], scale) for name in ("used_vuh", "expected_vuh"))
    exceeded = ((budget["expected_vuh"] > budget["limit_vuh"]) | (budget["left_vuh"] < 0)).fillna(
        value=False
    )
    exceeded = exceeded.to_numpy(dtype=bool)
    colors = np.where(exceeded, style.VERMILLION, style.BLUE)
    legend = [style.bar_handle("used", style.BLUE)] if not exceeded.all() else []
    if exceeded.any():
        legend.append(style.bar_handle("used, over the limit by the month's end", style.VERMILLION))
    legend.append(style.bar_handle("expected at the month's end", style.MARK_COLOR, hatched=True))
    if has_limits:
        legend.append(style.line_handle("limit", **style.LIMIT_MARK))
    title = f"VUh budget in {month}" if has_limits else f"VUh used in {month}"
    header = style.arrange_header(title, size, legend)
    ax = style.prepare_axes(ax, header, rows.inches)
    positions = rows.bar_positions[:shown]
    estimate = style.bar_colors(style.MARK_COLOR, hatched=True)
    ax.barh(positions, used, rows.bar_height, color=colors)
    ax.barh(positions, np.maximum(expected - used, 0), rows.bar_height, left=used, **estimate)
    bars.draw_names(ax, rows)
    ends = np.maximum(used, expected)
    if has_limits:
        _mark_limits(ax, positions[budget["limit_vuh"].notna().to_numpy()], rows.bar_height)
        style.percent_axis(ax, ax.xaxis, "share of the monthly limit")
        bars.draw_values(ax, rows, ends, min(MAX_SHARE, max(1.0, ends.max())), aligned=True)
    else:
        style.number_axis(ax, ax.xaxis, "VUh")
        bars.draw_values(ax, rows, ends, ends.max() or 1.0)
    style.draw_header(ax, header)
    return ax


def _mark_limits(ax: Axes, positions: Floats, bar_height: float) -> None:
    """Draw a mark across each bar that has a limit; its halo is seen on bars and dark pages."""
    reach = bar_height * 0.65
    ends = np.ones(len(positions))
    marks = ax.vlines(ends, positions - reach, positions + reach, **style.LIMIT_MARK)
    marks.set_path_effects([withStroke(linewidth=4.5, foreground="white")])


def _ratio(values: pd.Series[Any], scale: pd.Series[Any]) -> Floats:
    """Return shares of the limit; what was used of a limit of 0 is beyond the plot."""
    beyond = (scale.eq(0) & values.gt(0)).fillna(value=False)
    ratios = (values / scale.where(scale > 0)).mask(beyond, 2 * MAX_SHARE)
    return ratios.fillna(0.0).to_numpy(dtype=float)


def _budget_text(row: Any) -> str:
    used = style.format_number(row.used_vuh)
    if pd.isna(row.limit_vuh):
        return f"{used} VUh, no limit"
    text = f"{used} of {style.format_number(row.limit_vuh)} VUh"
    if row.left_vuh <= 0 and row.used_vuh > 0:
        return f"{text}, limit reached"
    if row.expected_vuh > row.limit_vuh and not pd.isna(row.days_left):
        days = math.floor(row.days_left)
        when = f"in {style.format_count(days, 'day')}" if days else "within a day"
        return f"{text}, limit {when}"
    return text
