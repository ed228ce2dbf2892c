"""Plots of the metrics of test runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from k6frames.errors import SchemaError
from k6frames.plots import bars, labels, lines, periods, style
from k6frames.plots.queries import Measure, describe_measure, format_value, series_labels
from k6frames.tables import (
    METRIC_CHANGES,
    METRIC_SERIES,
    METRIC_VALUES,
    TEST_RUN_DETAILS,
    TEST_RUNS,
)

Floats = npt.NDArray[np.float64]

MAX_CHANGE = 3.0
"""Bars of larger changes are cut: 3 is 300% more."""

RESULT_MARKS: dict[str, dict[str, Any]] = {
    "failed": {"marker": "X", "color": style.RESULT_COLORS["failed"]},
    "error": {"marker": "D", "color": style.RESULT_COLORS["errors"]},
}
"""How the runs with these results are marked."""


class _Series(NamedTuple):
    """One line to draw: what it is called, its unit, and its rows in order of `x`."""

    name: str
    unit: str
    rows: pd.DataFrame

    @property
    def newest(self) -> float:
        """The last value that is not missing."""
        return float(self.rows["value"].dropna().iloc[-1])


@style.house_style()
def metric_trend(values: pd.DataFrame, details: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw how a metric develops over the runs of load tests.

    There is a line for each of the six series with the highest newest values, with that value at
    its end; further series are thin gray lines. Runs that failed are marked.

    Parameters
    ----------
    values : pandas.DataFrame
        As `k6frames.metric_values_df` returns it; several frames may be concatenated.
    details : pandas.DataFrame
        As `k6frames.test_run_details_df` or `k6frames.test_runs_df` returns it: when the runs were
        created, and their results. Values of runs that it does not have are left out.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default on a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    SchemaError
        If a frame does not match its table, or `details` has none of the runs in `values`.

    Examples
    --------
    >>> import k6frames
    >>> client = k6frames.Client.sample()
    >>> details = k6frames.test_run_details_df(client=client)
    >>> values = k6frames.metric_values_df(details["load_test_id"].iloc[-1], client=client)
    >>> ax = k6frames.plots.metric_trend(values, details)
    >>> ax.get_title().replace("\\n", " ")[:32]
    'p95 of http_req_duration per run'
    """
    measured = _join_runs(values, details)
    tests = measured.drop_duplicates("load_test_id")
    names = labels.name_labels(tests["load_test_id"], tests["load_test_name"], "load test")
    owners = dict(zip(tests["load_test_id"], names, strict=True))
    where = f"per run of {names[0]}" if len(names) == 1 else "per test run"
    title = f"{_describe_all(measured)} {where}"
    if not len(measured):
        return style.draw_message(ax, title, "no values")
    series = _find_series(measured, "load_test_id", owners)
    drawn = pd.concat([one.rows for one in series[: lines.MAX_LINES]])
    marks = {name: mark for name, mark in RESULT_MARKS.items() if (drawn["result"] == name).any()}

    legend = [
        style.line_handle("failed" if name == "failed" else "with errors", lw=0, ms=6, **mark)
        for name, mark in marks.items()
    ]
    header = style.arrange_header(
        title, style.available_size(ax), [*legend, *_others_in_legend(series)]
    )
    ax = style.prepare_axes(ax, header, style.PERIOD_PLOT_INCHES)
    created = periods.to_times(measured["created"])
    periods.limit_to_times(ax, created)
    _draw_series(ax, series, with_values=True)
    periods.label_times(ax, created, "test run created")
    size = 7 if len(series) == 1 else 5
    for name, mark in marks.items():
        marked = drawn[drawn["result"] == name]
        ax.plot(marked["x"], marked["value"], lw=0, ms=size, zorder=3, **mark)
    style.draw_header(ax, header)
    return ax


def _join_runs(values: pd.DataFrame, details: pd.DataFrame) -> pd.DataFrame:
    """Return the values that are not missing, with creation time and result of their runs."""
    measured = METRIC_VALUES.conform(values).dropna(subset="value")
    columns = ["load_test_id", "created", "result"]
    if isinstance(details, pd.DataFrame) and "load_test_name" in details.columns:
        runs = TEST_RUN_DETAILS.select("load_test_name", *columns).conform(details)
    else:
        runs = TEST_RUNS.select(*columns).conform(details).assign(load_test_name=pd.NA)
    runs = runs.drop(columns="stack_id").drop_duplicates(["load_test_id", "test_run_id"])
    joined = measured.merge(
        runs.dropna(subset="created"), on=["load_test_id", "test_run_id"], how="inner"
    )
    if len(measured) and not len(joined):
        raise SchemaError(
            "details has none of the test runs in values, so that nothing tells when they were "
            "created. Pass the runs of the same load tests, as "
            "k6frames.test_run_details_df(load_test_ids=...) returns them."
        )
    joined["x"] = periods.to_axis(periods.to_times(joined["created"]))
    return joined


@style.house_style()
def metric_series(series: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw a metric over the time of a test run.

    There is a line for each of the six series with the highest last values; further series are thin
    gray lines. Several test runs are drawn over the minutes since their first value, so that they
    can be compared.

    Parameters
    ----------
    series : pandas.DataFrame
        As `k6frames.metric_series_df` returns it; several frames may be concatenated.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default on a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    SchemaError
        If `series` does not match the table ``metric_series``.

    Examples
    --------
    >>> import k6frames
    >>> client = k6frames.Client.sample()
    >>> run = k6frames.test_runs_df(client=client)["test_run_id"].iloc[-1]
    >>> series = k6frames.metric_series_df(
    ...     run, "http_req_duration", "histogram_quantile(0.95)", client=client
    ... )
    >>> ax = k6frames.plots.metric_series(series)
    >>> ax.get_title().replace("\\n", " ")[:40]
    'p95 of http_req_duration during test run'
    """
    measured = METRIC_SERIES.conform(series)
    runs = measured["test_run_id"].unique()
    where = f"test run {runs[0]}" if len(runs) == 1 else f"{len(runs):,} test runs"
    title = f"{_describe_all(measured)} during {where}"
    if not measured["value"].notna().any():
        return style.draw_message(ax, title, "no values")
    if len(runs) == 1:
        measured["x"] = periods.to_axis(periods.to_times(measured["time"]))
    else:
        starts = measured.groupby("test_run_id")["time"].transform("min")
        measured["x"] = (measured["time"] - starts) / pd.Timedelta(minutes=1)
    found = _find_series(measured, "test_run_id", {run: f"test run {run}" for run in runs})
    header = style.arrange_header(title, style.available_size(ax), _others_in_legend(found))
    ax = style.prepare_axes(ax, header, style.PERIOD_PLOT_INCHES)
    if len(runs) == 1:
        times = periods.to_times(measured["time"])
        periods.limit_to_times(ax, times)
        _draw_series(ax, found, with_values=False)
        periods.label_times(ax, times, "time")
    else:
        minutes = measured["x"].max() or 1.0
        ax.set_xlim(0, minutes)
        _draw_series(ax, found, with_values=False)
        style.number_axis(ax, ax.xaxis, "minutes since the first value")
        style.limit_ticks(ax, 0, minutes)
    style.draw_header(ax, header)
    return ax


def _describe_all(measured: pd.DataFrame) -> str:
    measures = _measures(measured)
    return measures[0].title if len({m.title for m in measures}) == 1 else "Metrics"


def _measures(frame: pd.DataFrame) -> list[Measure]:
    pairs = frame[["metric", "query"]].drop_duplicates()
    return [describe_measure(metric, query) for metric, query in pairs.itertuples(index=False)]


def _find_series(
    measured: pd.DataFrame, owner_column: str, owners: dict[Any, str]
) -> list[_Series]:
    """Return the series, those with the highest newest value first.

    Each is named after what differs between them: its load test or run, what it measures, labels.
    """
    keys = [owner_column, "metric", "query", "series"]
    groups = [
        (key, rows.sort_values("x", kind="stable"))
        for key, rows in measured.groupby(keys)
        if rows["value"].notna().any()
    ]
    measures = [describe_measure(metric, query) for (_, metric, query, _), _ in groups]
    parts = [
        [owners[owner] for (owner, *_), _ in groups],
        [measure.title for measure in measures],
    ]
    varying = [part for part in parts if len(set(part)) > 1]
    varying.append(series_labels([key[-1] for key, _ in groups]))
    names = [", ".join(filter(None, words)) for words in zip(*varying, strict=True)]
    series = [
        _Series(name, measure.unit, rows)
        for name, measure, (_, rows) in zip(names, measures, groups, strict=True)
    ]
    return sorted(series, key=lambda one: one.newest, reverse=True)


def _others_in_legend(series: Sequence[_Series]) -> list[Artist]:
    others = len(series) - lines.MAX_LINES
    if others <= 0:
        return []
    return [style.line_handle(style.format_count(others, "other"), color=style.AXES_COLOR, lw=0.8)]


def _draw_series(ax: Axes, series: Sequence[_Series], *, with_values: bool) -> None:
    """Draw lines with names, and those beyond the first six thin and gray."""
    units = {one.unit for one in series}
    unit = units.pop() if len(units) == 1 else None
    if unit == "%":
        style.percent_axis(ax, ax.yaxis, "")
    else:
        style.number_axis(ax, ax.yaxis, unit or "value")
    points = [one.rows[["x", "value"]].to_numpy(dtype=float, na_value=np.nan) for one in series]
    others = LineCollection(points[lines.MAX_LINES :], colors=style.AXES_COLOR, lw=0.8, zorder=1)
    ax.add_collection(others, autolim=False)
    drawn = [
        lines.Line(
            name=one.name,
            value=format_value(one.newest, one.unit) if with_values else "",
            color=color,
            x=xy[:, 0],
            y=xy[:, 1],
        )
        for one, color, xy in zip(series, style.PALETTE, points, strict=False)
    ]
    values = np.concatenate([xy[:, 1] for xy in points])
    low, high = np.nanmin(values), np.nanmax(values)
    lines.draw_lines(ax, drawn, (min(0.0, low * 1.08), max(high * 1.08, 0.0) or 1.0))


@style.house_style()
def metric_changes(summary: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw by how much metrics have changed from the runs before to the last runs.

    Parameters
    ----------
    summary : pandas.DataFrame
        As `k6frames.metric_changes` returns it. Series without a change are left out; of the
        others those with the largest increase are drawn: 20, or as many as a given `ax` has room
        for. Bars above 300% are cut.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default on a new figure, as high as the names need.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    SchemaError
        If `summary` does not match the table ``metric_changes``.

    Examples
    --------
    >>> import k6frames
    >>> client = k6frames.Client.sample()
    >>> details = k6frames.test_run_details_df(client=client)
    >>> values = k6frames.metric_values_df(details["load_test_id"].unique()[:5], client=client)
    >>> ax = k6frames.plots.metric_changes(k6frames.metric_changes(values, details))
    >>> ax.get_title().replace("\\n", " ")[:36]
    'Change of the p95 of http_req_durati'
    """
    compared = METRIC_CHANGES.conform(summary).dropna(subset="change")
    title = f"Change of the {_describe_all(compared)}" if len(compared) else "Change of metrics"
    if not len(compared):
        return style.draw_message(ax, title, "no load test has enough runs to compare")
    compared = compared.sort_values("change", ascending=False, kind="stable")
    size = style.available_size(ax)
    names = _change_names(compared.head(bars.MAX_ROWS))
    names = names[: bars.count_fitting_rows(names, size, len(compared))]
    more = len(compared) - len(names)
    compared = compared.head(len(names))
    texts = [_change_text(row) for row in compared.itertuples()]
    if more:
        names, texts = [*names, f"{more:,} more with a smaller change"], [*texts, ""]
    rows = bars.arrange_rows(names, texts, size)
    changes = compared["change"].to_numpy(dtype=float)
    legend = [
        style.bar_handle(name, color)
        for name, color, is_there in (
            ("increase", style.VERMILLION, (changes > 0).any()),
            ("decrease", style.BLUE, (changes < 0).any()),
        )
        if is_there
    ]
    header = style.arrange_header(title, size, legend)
    ax = style.prepare_axes(ax, header, rows.inches)
    colors = np.where(changes > 0, style.VERMILLION, style.BLUE)
    ax.barh(rows.bar_positions[: len(changes)], changes, rows.bar_height, color=colors)
    ax.axvline(0, color=style.AXES_COLOR, lw=0.8)
    bars.draw_names(ax, rows)
    style.percent_axis(ax, ax.xaxis, "last runs compared with the runs before")
    start = min(0.0, changes.min())
    limit = max(0.0, min(MAX_CHANGE, changes.max()))
    bars.draw_values(ax, rows, changes, max(limit, start + 0.01), start=start, aligned=True)
    style.draw_header(ax, header)
    return ax


def _change_names(compared: pd.DataFrame) -> list[str]:
    tests = compared.drop_duplicates("load_test_id")
    names = labels.name_labels(tests["load_test_id"], tests["load_test_name"], "load test")
    by_test = dict(zip(tests["load_test_id"], names, strict=True))
    measures = [describe_measure(row.metric, row.query) for row in compared.itertuples()]
    parts = [[by_test[test] for test in compared["load_test_id"]]]
    if len({measure.title for measure in measures}) > 1:
        parts.append([measure.title for measure in measures])
    parts.append(series_labels(list(compared["series"])))
    return [", ".join(filter(None, words)) for words in zip(*parts, strict=True)]


def _change_text(row: Any) -> str:
    """Return a text such as "+35%: 412 to 556 ms"."""
    unit = describe_measure(row.metric, row.query).unit
    before, after = style.format_number(row.before), format_value(row.after, unit)
    return f"{row.change:+,.0%}: {before} to {after}".replace("-", "\N{MINUS SIGN}", 1)
