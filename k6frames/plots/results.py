"""Plots of the results of test runs and load tests."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

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
from k6frames.tables import FLAKY_TESTS, RESULTS_TIMELINE, TEST_RESULTS

PASS_RATE_RESULTS = ("passed", "failed", "errors")
"""The results that count in the pass rate."""


@style.house_style()
def results_timeline(summary: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw how many test runs in each period passed, failed, had errors or were aborted.

    Parameters
    ----------
    summary : pandas.DataFrame
        As returned by `k6frames.results_timeline`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default on a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        All bars of a result are one artist in ``ax.patches``; its ``get_data()`` returns their
        lower and upper ends.

    Raises
    ------
    ConfigError
        If `ax` is not an Axes.
    SchemaError
        If `summary` does not match the table ``results_timeline``.

    Examples
    --------
    >>> import k6frames
    >>> details = k6frames.test_run_details_df(client=k6frames.Client.sample())
    >>> ax = k6frames.plots.results_timeline(k6frames.results_timeline(details, freq="MS"))
    >>> ax.get_title()
    'Test runs per month by result'
    """
    timeline = RESULTS_TIMELINE.conform(summary).sort_values("period")
    counts = {name: timeline[name].to_numpy(dtype=float) for name in style.RESULT_COLORS}
    if not sum(values.sum() for values in counts.values()):
        return style.draw_message(ax, "Test runs by result", "no finished test runs yet")
    periods = find_periods(timeline["period"])
    layers = [Layer(name, style.RESULT_COLORS[name], counts[name]) for name in counts]
    title = f"Test runs per {periods.unit} by result" if periods.unit else "Test runs by result"
    header = style.arrange_header(title, style.available_size(ax), layer_handles(layers))
    ax = style.prepare_axes(ax, header, style.PLOT_HEIGHT_INCHES)
    limit_to_periods(ax, periods)
    label_periods(ax, periods)
    totals = draw_layers(ax, periods, layers)
    ticks.number_axis(ax, ax.yaxis, "test runs", integer=True)
    ax.set_ylim(0, totals.max() * TOTALS_HEADROOM)
    label_totals(ax, periods, totals, [f"{total:,.0f}" for total in totals])
    style.draw_header(ax, header)
    return ax


@style.house_style()
def test_results(summary: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the results of the load tests with the lowest pass rates.

    Each bar shows the shares of runs that passed, failed or had errors. Like the pass rate, it does
    not count aborted runs or runs under way.

    Parameters
    ----------
    summary : pandas.DataFrame
        As returned by `k6frames.test_results`. Load tests without a pass rate are left out; those
        beyond the first 20, or that do not fit on a given `ax`, share a last bar.
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
        If `summary` does not match the table ``test_results``.

    Examples
    --------
    >>> import k6frames
    >>> client = k6frames.Client.sample()
    >>> details = k6frames.test_run_details_df(client=client)
    >>> ax = k6frames.plots.test_results(k6frames.test_results(details, as_of=client.as_of))
    >>> ax.get_title()
    'Load tests with the lowest pass rate'
    """
    title = "Load tests with the lowest pass rate"
    tests = TEST_RESULTS.conform(summary).dropna(subset="pass_rate")
    if not len(tests):
        return style.draw_message(ax, title, "no test runs with a result yet")
    tests = tests.sort_values(["pass_rate", "load_test_id"], kind="stable")
    size = style.available_size(ax)
    names = bars.fitting_names(tests, "load test", "load_test_id", "load_test_name", size)
    first, others = tests.head(len(names)), tests.tail(len(tests) - len(names))
    texts = [_pass_rate_text(row) for row in first.itertuples()]
    counts = first[list(PASS_RATE_RESULTS)].to_numpy(dtype=float)
    if len(others):
        names.append(labels.format_count(len(others), "other load test"))
        sums = others[list(PASS_RATE_RESULTS)].sum()
        pass_rate = labels.format_share(sums["passed"] / sums.sum())
        texts.append(f"{pass_rate} of {sums.sum():,}")
        counts = np.vstack([counts, sums.to_numpy(dtype=float)])
    rows = bars.arrange_rows(names, texts, size)
    legend = [style.bar_handle(name, style.RESULT_COLORS[name]) for name in PASS_RATE_RESULTS]
    header = style.arrange_header(title, size, legend)
    ax = style.prepare_axes(ax, header, rows.height_inches)
    ends = np.zeros(len(counts))
    for name, shares in zip(PASS_RATE_RESULTS, counts.T / counts.sum(axis=1), strict=True):
        color = style.RESULT_COLORS[name]
        ax.barh(rows.bar_positions, shares, rows.bar_height, left=ends, color=color)
        ends = ends + shares
    bars.draw_names(ax, rows)
    ticks.percent_axis(ax, ax.xaxis, "share of runs with a result")
    bars.draw_values(ax, rows, np.ones(len(counts)), 1.0, aligned=True)
    style.draw_header(ax, header)
    return ax


def _pass_rate_text(row: Any) -> str:
    """Return a text such as "40% of 30, failing since 2026-06-12"."""
    counted_runs = row.passed + row.failed + row.errors
    text = f"{labels.format_share(row.pass_rate)} of {counted_runs:,}"
    if pd.isna(row.failing_since):
        return text
    return f"{text}, failing since {row.failing_since:%Y-%m-%d}"


@style.house_style()
def flaky_tests(summary: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw how often the result of each flaky load test has changed, most changes first.

    Parameters
    ----------
    summary : pandas.DataFrame
        As returned by `k6frames.flaky_tests`. Load tests beyond the first 20, or those that do not
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
        If `summary` does not match the table ``flaky_tests``.

    Examples
    --------
    >>> import k6frames
    >>> details = k6frames.test_run_details_df(client=k6frames.Client.sample())
    >>> ax = k6frames.plots.flaky_tests(k6frames.flaky_tests(details))
    >>> ax.get_title()
    'Load tests whose result changes back and forth'
    """
    title = "Load tests whose result changes back and forth"
    tests = FLAKY_TESTS.conform(summary)
    if not len(tests):
        return style.draw_message(ax, title, "no flaky load tests")
    tests = tests.sort_values(["changes", "load_test_id"], ascending=[False, True], kind="stable")
    size = style.available_size(ax)
    names = bars.fitting_names(tests, "load test", "load_test_id", "load_test_name", size)
    more = len(tests) - len(names)
    tests = tests.head(len(names))
    changes = tests["changes"].to_numpy(dtype=float)
    texts = [
        f"{count:,} in {labels.format_count(runs, 'run')}"
        for count, runs in zip(tests["changes"], tests["finished_runs"], strict=True)
    ]
    if more:
        names.append(labels.format_count(more, "more load test"))
        texts.append("")
    rows = bars.arrange_rows(names, texts, size)
    header = style.arrange_header(title, size)
    ax = style.prepare_axes(ax, header, rows.height_inches)
    ax.barh(rows.bar_positions[: len(tests)], changes, rows.bar_height, color=style.BLUE)
    bars.draw_names(ax, rows)
    ticks.number_axis(ax, ax.xaxis, "result changes", integer=True)
    bars.draw_values(ax, rows, changes, changes.max() or 1.0)
    style.draw_header(ax, header)
    return ax
