"""Plots of idle projects and load tests, counted by ranges of idle days."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from k6frames.plots import bars, style, ticks
from k6frames.tables import IDLE_LOAD_TESTS, IDLE_PROJECTS

# Ranges of idle days, and the first day of each.
_RANGES = {
    "under 30 days": 0,
    "30 to 89 days": 30,
    "90 to 179 days": 90,
    "180 to 364 days": 180,
    "1 to 2 years": 365,
    "2 to 3 years": 730,
    "3 to 5 years": 1095,
    "5 to 10 years": 1826,
    "10 years or more": 3652,
}
_COLORS = (style.BLUE, style.VERMILLION)


@style.house_style()
def idle_projects(summary: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw how long idle projects have been idle.

    Parameters
    ----------
    summary : pandas.DataFrame
        As returned by `k6frames.idle_projects`; with ``days=0`` it has all projects.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default on a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ConfigError
        If `ax` is not an Axes.
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
    return _draw_idle_days(
        ax,
        f"Idle projects by time since their {activity}",
        "projects",
        "no idle projects",
        {"": projects["idle_days"]},
    )


@style.house_style()
def idle_load_tests(summary: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw how long load tests have been idle: since their last run or, if none, their creation.

    Parameters
    ----------
    summary : pandas.DataFrame
        As returned by `k6frames.idle_load_tests`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default on a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        It has a bar for each range of days.

    Raises
    ------
    ConfigError
        If `ax` is not an Axes.
    SchemaError
        If `summary` does not match the table ``idle_load_tests``.

    Examples
    --------
    >>> import k6frames
    >>> client = k6frames.Client.sample()
    >>> load_tests = k6frames.load_tests_df(client=client)
    >>> test_runs = k6frames.test_runs_df(client=client)
    >>> idle = k6frames.idle_load_tests(load_tests, test_runs, days=30, as_of=client.as_of)
    >>> ax = k6frames.plots.idle_load_tests(idle)
    >>> ax.get_title()
    'Idle load tests by time since their last run'
    """
    tests = IDLE_LOAD_TESTS.conform(summary)
    has_run = tests["last_run"].notna()
    return _draw_idle_days(
        ax,
        "Idle load tests by time since their last run",
        "load tests",
        "no idle load tests",
        {
            "has run before": tests.loc[has_run, "idle_days"],
            "never run: time since creation": tests.loc[~has_run, "idle_days"],
        },
    )


def _draw_idle_days(
    ax: Axes | None,
    title: str,
    xlabel: str,
    empty_message: str,
    idle_days: Mapping[str, pd.Series[Any]],
) -> Axes:
    """Draw a bar per range of days, stacked by group.

    Parameters
    ----------
    ax : matplotlib.axes.Axes or None
        Where to draw; None for a new figure.
    title : str
        The title.
    xlabel : str
        What is counted, such as ``"projects"``.
    empty_message : str
        The sentence to draw if nothing is idle.
    idle_days : mapping of str to pandas.Series
        Idle days by group. If there are two groups, a legend shows their names.
    """
    edges = [*_RANGES.values(), np.inf]
    counts = np.array(
        [np.histogram(group.to_numpy(dtype=float), edges)[0] for group in idle_days.values()]
    )
    totals = counts.sum(axis=0)
    nonzero = np.flatnonzero(totals)
    if not len(nonzero):
        return style.draw_message(ax, title, empty_message)
    used = slice(nonzero[0], nonzero[-1] + 1)
    size = style.available_size(ax)
    texts = [f"{total:,}" for total in totals[used]]
    rows = bars.arrange_rows(list(_RANGES)[used], texts, size)
    legend = [
        style.bar_handle(name, color) for name, color in zip(idle_days, _COLORS, strict=False)
    ]
    header = style.arrange_header(title, size, legend if len(idle_days) > 1 else ())
    ax = style.prepare_axes(ax, header, rows.height_inches)
    ends = np.zeros(len(rows.names))
    for lengths, color in zip(counts[:, used], _COLORS, strict=False):
        ax.barh(rows.bar_positions, lengths, rows.bar_height, left=ends, color=color)
        ends = ends + lengths
    bars.draw_names(ax, rows)
    ticks.number_axis(ax, ax.xaxis, xlabel, integer=True)
    bars.draw_values(ax, rows, ends, ends.max())
    style.draw_header(ax, header)
    return ax
