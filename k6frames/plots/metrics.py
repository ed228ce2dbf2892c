"""Plots of the metrics of test runs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from k6frames.errors import SchemaError
from k6frames.plots import bars, dates, labels, lines, style, ticks
from k6frames.plots.metric_labels import (
    common_measure,
    describe_measure,
    describe_measures,
    format_value,
    series_labels,
)
from k6frames.plots.metric_lines import draw_metric_lines, find_metric_lines, legend_of_others
from k6frames.tables import (
    METRIC_CHANGES,
    METRIC_SERIES,
    METRIC_VALUES,
    TEST_RUN_DETAILS,
    TEST_RUNS,
)

MAX_CHANGE = 3.0
"""Bars of larger changes are cut; 3 means +300%."""
# If nothing changed, the axis still needs a length.
_MIN_AXIS_LENGTH = 0.01

# The white edge separates a marker from lines of a similar color.
_MARKER = {"lw": 0, "ms": 8, "mec": "white", "mew": 0.7}
# By the result of a run. The keys of RESULT_COLORS are columns of summaries, where the result
# "error" is counted as "errors".
_RESULT_MARKERS: dict[str, dict[str, Any]] = {
    "failed": {"marker": "X", "color": style.RESULT_COLORS["failed"], **_MARKER},
    "error": {"marker": "D", "color": style.RESULT_COLORS["errors"], **_MARKER},
}
_RESULT_LABELS = {"failed": "failed", "error": "with errors"}


@style.house_style()
def metric_trend(values: pd.DataFrame, details: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw how a metric changes from run to run.

    The six lines with the highest last values are labeled with their names and those values, and
    failed runs and runs with errors are marked on them. The other lines are thin and gray.

    Parameters
    ----------
    values : pandas.DataFrame
        As returned by `k6frames.metric_values_df`; several frames may be concatenated.
    details : pandas.DataFrame
        As returned by `k6frames.test_run_details_df` or `k6frames.test_runs_df`, for the creation
        times and results of the runs. The values of other runs are left out.
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
        If a frame does not match its table, or `details` has none of the runs in `values`.

    Examples
    --------
    >>> import k6frames
    >>> client = k6frames.Client.sample()
    >>> details = k6frames.test_run_details_df(client=client)
    >>> values = k6frames.metric_values_df(details["load_test_id"].iloc[-1], client=client)
    >>> ax = k6frames.plots.metric_trend(values, details)
    >>> ax.get_title()[:20]
    'p95 of http_req_dura'
    """
    measured = _join_runs(values, details)
    tests = _name_load_tests(measured)
    where = f"per run of {next(iter(tests.values()))}" if len(tests) == 1 else "per test run"
    title = f"{common_measure(measured) or 'Metrics'} {where}"
    if not len(measured):
        return style.draw_message(ax, title, "no values")
    metric_lines = find_metric_lines(measured, "load_test_id", tests)
    named = pd.concat([line.rows for line in metric_lines[: lines.MAX_LINES]])
    results = [result for result in _RESULT_MARKERS if (named["result"] == result).any()]
    legend = [style.line_handle(_RESULT_LABELS[r], **_RESULT_MARKERS[r]) for r in results]
    legend += legend_of_others(metric_lines)
    header = style.arrange_header(title, style.available_size(ax), legend)
    ax = style.prepare_axes(ax, header, style.PLOT_HEIGHT_INCHES)
    created = dates.to_datetime64(measured["created"])
    dates.limit_to_times(ax, created)
    draw_metric_lines(ax, metric_lines, with_values=True)
    dates.label_times(ax, created, "test run created")
    for result in results:
        marked = named[named["result"] == result]
        ax.plot(marked["x"], marked["value"], zorder=3, **_RESULT_MARKERS[result])
    style.draw_header(ax, header)
    return ax


def _join_runs(values: pd.DataFrame, details: pd.DataFrame) -> pd.DataFrame:
    """Return the values that are not missing, with the creation times and results of the runs."""
    measured = METRIC_VALUES.conform(values).dropna(subset="value")
    key = ["load_test_id", "test_run_id"]
    columns = [*key, "created", "result"]
    # test_runs_df has no names of load tests.
    if isinstance(details, pd.DataFrame) and "load_test_name" in details.columns:
        runs = TEST_RUN_DETAILS.select("load_test_name", *columns).conform(details)
    else:
        runs = TEST_RUNS.select(*columns).conform(details).assign(load_test_name=None)
    runs = runs.drop_duplicates(key).dropna(subset="created")
    joined = measured.merge(runs, on=key, how="inner")
    if len(measured) and not len(joined):
        raise SchemaError(
            "details has none of the test runs in values. Pass the runs of the same load tests, "
            "as returned by k6frames.test_run_details_df(load_test_ids=...)."
        )
    joined["x"] = dates.to_days(dates.to_datetime64(joined["created"]))
    return joined


@style.house_style()
def metric_series(series: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw a metric during a test run.

    The six lines with the highest last values are labeled with their names; the others are thin
    and gray. To make several test runs comparable, each is plotted against the minutes since its
    first value.

    Parameters
    ----------
    series : pandas.DataFrame
        As returned by `k6frames.metric_series_df`; several frames may be concatenated.
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
        If `series` does not match the table ``metric_series``.

    Examples
    --------
    >>> import k6frames
    >>> client = k6frames.Client.sample()
    >>> series = k6frames.metric_series_df(7241140, client=client)
    >>> ax = k6frames.plots.metric_series(series)
    >>> ax.get_title()[:20]
    'p95 of http_req_dura'
    """
    measured = METRIC_SERIES.conform(series)
    runs = measured["test_run_id"].unique()
    if len(runs) == 1:
        where = f"test run {runs[0]}"
    else:
        where = f"{len(runs):,} test runs" if len(runs) else "test runs"
    title = f"{common_measure(measured) or 'Metrics'} during {where}"
    if not measured["value"].notna().any():
        return style.draw_message(ax, title, "no values")
    times = dates.to_datetime64(measured["time"])
    if len(runs) == 1:
        measured["x"] = dates.to_days(times)
    else:
        first_times = measured.dropna(subset="value").groupby("test_run_id")["time"].min()
        starts = measured["test_run_id"].map(first_times)
        measured["x"] = (measured["time"] - starts).dt.total_seconds() / 60
    run_names = {run: f"test run {run}" for run in runs}
    metric_lines = find_metric_lines(measured, "test_run_id", run_names)
    header = style.arrange_header(title, style.available_size(ax), legend_of_others(metric_lines))
    ax = style.prepare_axes(ax, header, style.PLOT_HEIGHT_INCHES)
    if len(runs) == 1:
        dates.limit_to_times(ax, times)
        draw_metric_lines(ax, metric_lines, with_values=False)
        dates.label_times(ax, times, "time")
    else:
        minutes = measured["x"].max() or 1.0
        ax.set_xlim(0, minutes)
        draw_metric_lines(ax, metric_lines, with_values=False)
        ticks.number_axis(ax, ax.xaxis, "minutes since the first value")
        ticks.limit_ticks(ax, 0, minutes)
    style.draw_header(ax, header)
    return ax


@style.house_style()
def metric_changes(summary: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw how much each metric changed in the last runs, compared with the runs before them.

    Parameters
    ----------
    summary : pandas.DataFrame
        As returned by `k6frames.metric_changes`. Series without a `change`, because there were too
        few runs or the median before was 0, are left out. Series beyond the first 20, or those that
        do not fit on a given `ax`, are counted in a last row. Bars are cut at +300%.
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
        If `summary` does not match the table ``metric_changes``.

    Examples
    --------
    >>> import k6frames
    >>> client = k6frames.Client.sample()
    >>> details = k6frames.test_run_details_df(client=client)
    >>> values = k6frames.metric_values_df(details["load_test_id"].unique()[:5], client=client)
    >>> ax = k6frames.plots.metric_changes(k6frames.metric_changes(values, details))
    >>> ax.get_title()
    'Change in p95 of http_req_duration'
    """
    compared = METRIC_CHANGES.conform(summary).dropna(subset=["before", "after", "change"])
    if not len(compared):
        message = "nothing to compare: too few runs, or the values before were 0"
        return style.draw_message(ax, "Change in metrics", message)
    title = f"Change in {common_measure(compared) or 'metrics'}"
    compared = compared.sort_values("change", ascending=False, kind="stable")
    size = style.available_size(ax)
    names = _change_names(compared.head(bars.MAX_ROWS))
    names = names[: bars.count_fitting_rows(names, size, len(compared))]
    more = len(compared) - len(names)
    compared = compared.head(len(names))
    texts = [_change_text(row) for row in compared.itertuples()]
    if more:
        names.append(labels.format_count(more, "other"))
        texts.append("")
    rows = bars.arrange_rows(names, texts, size)
    changes = compared["change"].to_numpy(dtype=float)
    legend = []
    if (changes > 0).any():
        legend.append(style.bar_handle("increase", style.VERMILLION))
    if (changes < 0).any():
        legend.append(style.bar_handle("decrease", style.BLUE))
    header = style.arrange_header(title, size, legend)
    ax = style.prepare_axes(ax, header, rows.height_inches)
    colors = np.where(changes > 0, style.VERMILLION, style.BLUE)
    ax.barh(rows.bar_positions[: len(changes)], changes, rows.bar_height, color=colors)
    if not rows.names_above:  # the line would cross names above the bars
        ax.axvline(0, color=style.AXES_COLOR, lw=0.8)
    bars.draw_names(ax, rows)
    ticks.percent_axis(ax, ax.xaxis, "last runs compared with the runs before")
    start = min(0.0, changes.min())
    end = max(0.0, min(MAX_CHANGE, changes.max()), start + _MIN_AXIS_LENGTH)
    bars.draw_values(ax, rows, changes, end, axis_start=start, aligned=True)
    style.draw_header(ax, header)
    return ax


def _change_names(compared: pd.DataFrame) -> list[str]:
    """Return names with the load test, what is measured (if it differs), and the labels."""
    tests = _name_load_tests(compared)
    name_parts = [[tests[test_id] for test_id in compared["load_test_id"]]]
    titles = [measure.title for measure in describe_measures(compared)]
    if len(set(titles)) > 1:
        name_parts.append(titles)
    name_parts.append(series_labels(list(compared["series"])))
    return [", ".join(filter(None, parts)) for parts in zip(*name_parts, strict=True)]


def _name_load_tests(frame: pd.DataFrame) -> dict[int, str]:
    tests = frame.drop_duplicates("load_test_id")
    names = labels.name_labels(tests["load_test_id"], tests["load_test_name"], "load test")
    return dict(zip(tests["load_test_id"], names, strict=True))


def _change_text(row: Any) -> str:
    """Return a text such as "+35%: 412 to 556 ms"."""
    sign = labels.MINUS if row.change < 0 else "+"
    digits = 0 if abs(row.change) >= 0.1 else 1
    unit = describe_measure(row.metric, row.query).unit
    before = format_value(row.before, unit).removesuffix(unit).rstrip()
    after = format_value(row.after, unit)
    return f"{sign}{abs(row.change):,.{digits}%}: {before} to {after}"
