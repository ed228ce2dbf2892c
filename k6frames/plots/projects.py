"""Plots of organizations and projects."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from k6frames.plots import bars, labels, lines, periods, style, ticks
from k6frames.plots.idle_days import draw_idle_days
from k6frames.tables import (
    CREATION_TIMELINE,
    CREATION_TIMELINE_BY_ORGANIZATION,
    IDLE_PROJECTS,
    PROJECTS_PER_ORGANIZATION,
)

MAX_OTHERS_RATIO = 2
"""The bar or line of all others is cut if it is more than so many times the largest."""


@style.house_style()
def projects_per_organization(summary: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw how many projects each organization has, most projects first.

    Organizations beyond the first 20, or beyond what a given `ax` has room for, share one last bar;
    where it would dwarf the others it is cut, with an arrow next to its count. A name that is
    ambiguous is followed by the organization ID.

    Parameters
    ----------
    summary : pandas.DataFrame
        As `k6frames.projects_per_organization` returns it, in any order.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default on a new figure, as high as the names need.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
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
    names = bars.name_rows(organizations, "organization", "org_id", "org_name", size)
    shown = len(names)
    counts = organizations["projects"].to_numpy(dtype=float)
    others = len(organizations) - shown
    if others:
        names.append(labels.format_count(others, "other organization"))
        counts = np.append(counts[:shown], counts[shown:].sum())
    rows = bars.arrange_rows(names, [f"{count:,.0f}" for count in counts], size)
    header = style.arrange_header(title, size)
    ax = style.prepare_axes(ax, header, rows.inches)
    colors = [style.BLUE] * shown + [style.OTHERS_COLOR] * (1 if others else 0)
    ax.barh(rows.bar_positions, counts, rows.bar_height, color=colors)
    bars.draw_names(ax, rows)
    ticks.number_axis(ax, ax.xaxis, "projects", integer=True)
    largest = counts.max()
    limit = counts[0] if largest > MAX_OTHERS_RATIO * counts[0] else largest
    bars.draw_values(ax, rows, counts, limit)
    style.draw_header(ax, header)
    return ax


@style.house_style()
def creation_timeline(summary: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw how many were created in each period, and how many there were by its end.

    A timeline of everything has bars of what was created, and a line of the total on a second axis.
    A timeline per organization has a line of the total for each of the six largest organizations,
    and a gray one for all others together; where that one would dwarf the six it leaves the plot
    at the top, its last value next to its name.

    Parameters
    ----------
    summary : pandas.DataFrame
        As `k6frames.creation_timeline` returns it, with or without ``by="org_id"``. With a column
        ``org_name`` added to it the lines have those names.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default on a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        That of the bars; the second axis is the last in ``ax.figure.axes``. All bars are one
        artist, whose ``get_data()`` has the counts: ``ax.patches[0].get_data().values``.

    Raises
    ------
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
    found = periods.find_periods(timeline["period"])
    title = f"Created per {found.unit}" if found.unit else "Created in one period"
    until = f"the end of the {found.unit or 'period'}"
    legend = [
        style.bar_handle("created", style.BLUE),
        style.line_handle(f"total by {until} (right axis)", color=style.VERMILLION),
    ]
    header = style.arrange_header(title, style.available_size(ax), legend)
    ax = style.prepare_axes(ax, header, style.PERIOD_PLOT_INCHES)
    created, totals = (timeline[c].to_numpy(dtype=float) for c in ("created", "cumulative"))
    periods.limit_to_periods(ax, found)
    periods.label_periods(ax, found)
    periods.draw_layers(ax, found, [periods.Layer(style.BLUE, created)])
    second = ax.twinx()
    second.spines[:].set_visible(False)
    marker = "o-" if len(totals) <= lines.MAX_POINTS_WITH_MARKERS else "-"
    second.plot(found.middles, totals, marker, color=style.VERMILLION, lw=1.8, ms=4)
    for axes, values in ((ax, created), (second, totals)):
        ticks.number_axis(axes, axes.yaxis, "", integer=True)
        axes.tick_params(axis="y", labelsize=style.FONT_SIZE, length=0)
        axes.set_ylim(0, max(1.0, values.max() * 1.08))
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
    # A summary that was filtered can lack some periods of an organization.
    totals = totals.sort_index().ffill().fillna(0)
    largest = totals.iloc[-1].sort_values(ascending=False, kind="stable").index
    named, others = largest[: lines.MAX_LINES], largest[lines.MAX_LINES :]
    known: dict[Any, Any] = {}
    if "org_name" in summary.columns:
        organizations = summary.drop_duplicates("org_id")
        known = dict(zip(organizations["org_id"], organizations["org_name"], strict=True))
    names = labels.name_labels(named, [known.get(org_id) for org_id in named], "organization")
    found = periods.find_periods(totals.index.to_series())
    drawn = [
        lines.Line(name, "", color, found.middles, totals[org_id].to_numpy(dtype=float))
        for name, org_id, color in zip(names, named, style.PALETTE, strict=False)
    ]
    top = max(1.0, drawn[0].y.max())
    if len(others):
        values = totals[others].sum(axis=1).to_numpy(dtype=float)
        is_cut = values.max() > MAX_OTHERS_RATIO * top
        value = f"{values[-1]:,.0f} ↑" if is_cut else ""
        name = labels.format_count(len(others), "other")
        drawn.append(lines.Line(name, value, style.OTHERS_COLOR, found.middles, values))
        top = top if is_cut else max(top, values.max())
    header = style.arrange_header(title, style.available_size(ax))
    ax = style.prepare_axes(ax, header, style.PERIOD_PLOT_INCHES)
    periods.limit_to_periods(ax, found)
    label = f"total by the end of the {found.unit or 'period'}"
    ticks.number_axis(ax, ax.yaxis, label, integer=True)
    lines.draw_lines(ax, drawn, (0, top * 1.08))
    periods.label_periods(ax, found)
    style.draw_header(ax, header)
    return ax


@style.house_style()
def idle_projects(summary: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw for how long the idle projects have had no activity.

    Parameters
    ----------
    summary : pandas.DataFrame
        As `k6frames.idle_projects` returns it; with its ``days=0`` all projects are shown.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default on a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        With a bar per range of days.

    Raises
    ------
    SchemaError
        If `summary` does not match the table ``idle_projects``.

    Examples
    --------
    >>> import k6frames
    >>> client = k6frames.Client.sample()
    >>> projects = k6frames.organization_projects_df(client=client)
    >>> idle = k6frames.idle_projects(projects, as_of=client.as_of)
    >>> ax = k6frames.plots.idle_projects(idle)
    >>> ax.get_title()
    'Idle projects by time since their last update'
    """
    projects = IDLE_PROJECTS.conform(summary)
    activity = "last update or test run" if projects["last_run"].notna().any() else "last update"
    return draw_idle_days(
        ax,
        f"Idle projects by time since their {activity}",
        "projects",
        "no idle projects",
        {"": projects["idle_days"]},
    )
