"""Plots of organizations and projects."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from k6frames.plots import bars, labels, lines, style, ticks
from k6frames.plots.periods import (
    Layer,
    draw_layers,
    find_periods,
    label_periods,
    layer_handles,
    limit_to_periods,
)
from k6frames.tables import (
    CREATION_TIMELINE,
    CREATION_TIMELINE_BY_ORGANIZATION,
    PROJECTS_PER_ORGANIZATION,
)

MAX_OTHERS_RATIO = 2
"""The bar or line of all others is cut if it exceeds the largest organization this many times."""


@style.house_style()
def projects_per_organization(summary: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw how many projects each organization has, largest organization first.

    Organizations beyond the first 20, or those that do not fit on a given `ax`, share a last bar.
    If it is more than twice as long as the first bar, it is cut, with an arrow next to its count.
    An ambiguous name is followed by the organization ID.

    Parameters
    ----------
    summary : pandas.DataFrame
        As returned by `k6frames.projects_per_organization`, in any order.
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
        If `summary` does not match the table ``projects_per_organization``.

    Examples
    --------
    >>> import k6frames
    >>> client = k6frames.Client.sample()
    >>> projects = k6frames.organization_projects_df(client=client)
    >>> summary = k6frames.projects_per_organization(projects)
    >>> ax = k6frames.plots.projects_per_organization(summary)
    >>> ax.get_title()
    'Projects per organization'
    """
    title = "Projects per organization"
    organizations = PROJECTS_PER_ORGANIZATION.conform(summary).sort_values(
        ["projects", "org_name", "org_id"], ascending=[False, True, True], kind="stable"
    )
    if not organizations["projects"].sum():
        return style.draw_message(ax, title, "no projects yet")
    size = style.available_size(ax)
    names = bars.fitting_names(organizations, "organization", "org_id", "org_name", size)
    counts = organizations["projects"].to_numpy(dtype=float)
    counts, others = counts[: len(names)], counts[len(names) :]
    colors = [style.BLUE] * len(names)
    if len(others):
        names.append(labels.format_count(len(others), "other organization"))
        counts = np.append(counts, others.sum())
        colors.append(style.OTHERS_COLOR)
    rows = bars.arrange_rows(names, [f"{count:,.0f}" for count in counts], size)
    header = style.arrange_header(title, size)
    ax = style.prepare_axes(ax, header, rows.height_inches)
    ax.barh(rows.bar_positions, counts, rows.bar_height, color=colors)
    bars.draw_names(ax, rows)
    ticks.number_axis(ax, ax.xaxis, "projects", integer=True)
    largest, longest_bar = counts[0], counts.max()
    axis_end = largest if longest_bar > MAX_OTHERS_RATIO * largest else longest_bar
    bars.draw_values(ax, rows, counts, axis_end)
    style.draw_header(ax, header)
    return ax


@style.house_style()
def creation_timeline(summary: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw how many projects (or other rows) were created per period, and the running total.

    Without groups, bars show what was created in each period, and a line shows the total on a
    second axis. By organization, lines show the totals of the six largest organizations and a gray
    line the sum of all others. If that line would dwarf the six, it is cut at the top, with its
    last value next to its name.

    Parameters
    ----------
    summary : pandas.DataFrame
        As returned by `k6frames.creation_timeline`, with or without ``by="org_id"``. If you add a
        column ``org_name``, the lines are labeled with its names.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default on a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Without groups, the Axes of the bars; the Axes of the line is the last in
        ``ax.figure.axes``. All bars are one artist, with the counts in
        ``ax.patches[0].get_data().values`` (NaN for the gaps between bars). By organization, the
        Axes of the lines.

    Raises
    ------
    ConfigError
        If `ax` is not an Axes.
    SchemaError
        If `summary` does not match the table ``creation_timeline`` or
        ``creation_timeline_by_organization``.

    Examples
    --------
    >>> import k6frames
    >>> projects = k6frames.projects_df(client=k6frames.Client.sample())
    >>> ax = k6frames.plots.creation_timeline(k6frames.creation_timeline(projects, freq="YS"))
    >>> ax.get_title()
    'Created per year'
    """
    if isinstance(summary, pd.DataFrame) and "org_id" in summary.columns:
        return _draw_totals_by_organization(summary, ax)
    timeline = CREATION_TIMELINE.conform(summary).sort_values("period")
    if not timeline["cumulative"].sum():
        return style.draw_message(ax, "Created per period", "nothing created yet")
    periods = find_periods(timeline["period"])
    title = f"Created per {periods.unit}" if periods.unit else "Created in one period"
    line_label = f"total by the end of the {periods.unit or 'period'} (right axis)"
    created = timeline["created"].to_numpy(dtype=float)
    layers = [Layer("created", style.BLUE, created)]
    legend = [*layer_handles(layers), style.line_handle(line_label, color=style.VERMILLION)]
    header = style.arrange_header(title, style.available_size(ax), legend)
    ax = style.prepare_axes(ax, header, style.PLOT_HEIGHT_INCHES)
    totals = timeline["cumulative"].to_numpy(dtype=float)
    limit_to_periods(ax, periods)
    label_periods(ax, periods)
    draw_layers(ax, periods, layers)
    second = ax.twinx()
    second.spines[:].set_visible(False)
    second.plot(periods.middles, totals, color=style.VERMILLION, **lines.line_style(len(totals)))
    for axes, values in ((ax, created), (second, totals)):
        ticks.number_axis(axes, axes.yaxis, "", integer=True)
        axes.tick_params(axis="y", labelsize=style.FONT_SIZE, length=0)
        axes.set_ylim(0, max(1.0, values.max() * lines.HEADROOM))
    second.grid(visible=False)
    style.draw_header(ax, header)
    return ax


def _draw_totals_by_organization(summary: pd.DataFrame, ax: Axes | None) -> Axes:
    timeline = CREATION_TIMELINE_BY_ORGANIZATION.conform(summary)
    title = "Total created by organization"
    if not timeline["cumulative"].sum():
        return style.draw_message(ax, title, "nothing created yet")
    # pivot_table would leave out the unknown organization.
    totals = timeline.pivot(index="period", columns="org_id", values="cumulative")  # noqa: PD010
    # A filtered summary can lack periods of an organization.
    totals = totals.sort_index().ffill().fillna(0)
    periods = find_periods(totals.index.to_series())
    drawn, top = _arrange_totals(totals, _organization_names(summary), periods.middles)
    header = style.arrange_header(title, style.available_size(ax))
    ax = style.prepare_axes(ax, header, style.PLOT_HEIGHT_INCHES)
    limit_to_periods(ax, periods)
    label = f"total by the end of the {periods.unit or 'period'}"
    ticks.number_axis(ax, ax.yaxis, label, integer=True)
    lines.draw_lines(ax, drawn, (0, top * lines.HEADROOM))
    label_periods(ax, periods)
    style.draw_header(ax, header)
    return ax


def _organization_names(summary: pd.DataFrame) -> dict[Any, Any]:
    if "org_name" not in summary.columns:
        return {}
    organizations = summary.drop_duplicates("org_id")
    return dict(zip(organizations["org_id"], organizations["org_name"], strict=True))


def _arrange_totals(
    totals: pd.DataFrame, org_names: dict[Any, Any], x: style.Floats
) -> tuple[list[lines.Line], float]:
    """Return a line per large organization and one for the others, and the highest value shown."""
    by_size = totals.iloc[-1].sort_values(ascending=False, kind="stable").index
    largest, others = by_size[: lines.MAX_LINES], by_size[lines.MAX_LINES :]
    names = labels.name_labels(largest, [org_names.get(o) for o in largest], "organization")
    drawn = [
        lines.Line(name, "", color, x, totals[org_id].to_numpy(dtype=float))
        for name, org_id, color in zip(names, largest, style.PALETTE, strict=False)
    ]
    top = max(1.0, drawn[0].y.max())
    if len(others):
        name = labels.format_count(len(others), "other")
        sums = totals[others].sum(axis=1).to_numpy(dtype=float)
        value = ""
        if sums.max() > MAX_OTHERS_RATIO * top:
            value = f"{sums[-1]:,.0f} ↑"
        else:
            top = max(top, sums.max())
        drawn.append(lines.Line(name, value, style.OTHERS_COLOR, x, sums))
    return drawn, top
