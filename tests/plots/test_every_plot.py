"""Tests of every plot: empty summaries, given Axes, settings, wrong frames, any values."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd
import pytest
import strategies
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from plot_helpers import assert_texts_fit, make_timeline, texts_of

import k6frames
from k6frames import plots, tables
from k6frames.errors import ConfigError, SchemaError
from k6frames.plots import style
from k6frames.tables import Table
from k6frames.tables.schema import FLOAT, INT, STRING, TIMESTAMP

PlotFunction = Callable[..., Axes]

TABLES: dict[str, tuple[Table, ...]] = {
    "creation_timeline": (tables.CREATION_TIMELINE, tables.CREATION_TIMELINE_BY_ORGANIZATION),
    "flaky_tests": (tables.FLAKY_TESTS,),
    "idle_load_tests": (tables.IDLE_LOAD_TESTS,),
    "idle_projects": (tables.IDLE_PROJECTS,),
    "metric_changes": (tables.METRIC_CHANGES,),
    "metric_series": (tables.METRIC_SERIES,),
    "projects_per_organization": (tables.PROJECTS_PER_ORGANIZATION,),
    "results_timeline": (tables.RESULTS_TIMELINE,),
    "scheduled_runs": (tables.SCHEDULED_RUNS,),
    "test_results": (tables.TEST_RESULTS,),
    "usage": (
        tables.USAGE,
        tables.USAGE_BY_PROJECT,
        tables.USAGE_BY_LOAD_TEST,
        tables.USAGE_BY_STACK,
        tables.USAGE_BY_LABEL,
    ),
    "vuh_budget": (tables.VUH_BUDGET,),
}
EACH_SUMMARY = pytest.mark.parametrize(
    ("name", "table"),
    [pytest.param(name, table, id=table.name) for name in TABLES for table in TABLES[name]],
)
EACH_PLOT = pytest.mark.parametrize("name", TABLES)

# Summaries have no negative or infinite numbers.
VALUES = {
    INT: st.integers(0, 9) | st.integers(0, 10**9),
    FLOAT: st.sampled_from([0.0, 0.5, 1.0]) | st.floats(0, 1e9),
    STRING: strategies.strings,
    TIMESTAMP: strategies.timestamps,
}


def summaries(table: Table, size: int = 6) -> st.SearchStrategy[pd.DataFrame]:
    values = {
        column.name: VALUES[column.type] if not column.nullable else VALUES[column.type] | st.none()
        for column in table.columns
    }
    if table is tables.USAGE_BY_LABEL:
        values["key"] = st.just("team")
    return strategies.frames(table, max_size=size, **values)


def example(table: Table) -> pd.DataFrame:
    """Return three rows of a summary, all different."""
    column_values: dict[str, list[Any]] = {}
    for column in table.columns:
        values: list[Any] = [1, 2, 3]
        if column.type == FLOAT:
            values = [0.25, 0.5, 0.75]
        elif column.type == STRING:
            values = ["one", "two", "three"]
        elif column.type == TIMESTAMP:
            values = [datetime(2026, month, 1, tzinfo=UTC) for month in (4, 5, 6)]
        column_values[column.name] = values
    if table is tables.USAGE_BY_LABEL:
        column_values["key"] = ["team"] * 3
    return table.conform(strategies.build_frame(table, column_values))


def plot_function(name: str) -> PlotFunction:
    function: PlotFunction = getattr(plots, name)
    return function


def test_every_plot_accepts_an_axes_and_dir_lists_nothing_else() -> None:
    assert set(plots.__all__) == {*TABLES, "metric_trend", "completeness"}
    assert dir(plots) == sorted(plots.__all__)
    for name in plots.__all__:
        assert "ax" in inspect.signature(plot_function(name)).parameters


@EACH_SUMMARY
def test_a_plot_has_the_name_of_the_summary_that_it_draws(name: str, table: Table) -> None:
    if name != "metric_series":
        assert table in getattr(k6frames, name).tables


@EACH_SUMMARY
@settings(max_examples=4)
@given(data=st.data())
def test_any_values_are_drawn_without_a_warning(name: str, table: Table, data: Any) -> None:
    summary = data.draw(summaries(table))
    before = summary.copy(deep=True)
    try:
        ax = plot_function(name)(summary)
        ax.figure.canvas.draw()
    finally:
        plt.close("all")
    pd.testing.assert_frame_equal(summary, before)


@EACH_SUMMARY
def test_an_empty_summary_has_a_title_and_a_sentence(name: str, table: Table, width: float) -> None:
    with style.figure_width(width):
        ax = plot_function(name)(example(table).head(0))
    assert ax.get_title()
    (text,) = ax.texts
    assert text.get_text()
    assert text.get_position() == (0.5, 0.5)
    assert not ax.patches
    assert not len(ax.get_xticks())
    assert not any(spine.get_visible() for spine in ax.spines.values())
    assert_texts_fit(ax)


@EACH_SUMMARY
def test_a_single_row_has_ticks_limits_and_texts_that_fit(name: str, table: Table) -> None:
    with style.figure_width(4.2):
        ax = plot_function(name)(example(table).head(1))
    assert_texts_fit(ax)
    for axis in (ax.xaxis, ax.yaxis):
        assert len(axis.get_majorticklocs()) >= 1
    low, high = sorted(ax.get_ylim())
    assert low == 0
    assert high > 0.1


@EACH_SUMMARY
def test_a_given_axes_is_drawn_on_and_returned(name: str, table: Table) -> None:
    figure, (left, right) = plt.subplots(1, 2, figsize=(13, 5), layout="constrained")
    assert plot_function(name)(example(table), ax=right) is right
    assert plt.get_fignums() == [figure.number]
    assert not left.has_data()
    assert right.has_data()
    assert_texts_fit(right)


@EACH_PLOT
def test_an_ax_that_is_not_an_axes_is_refused(name: str) -> None:
    summary = example(TABLES[name][0])
    for rows in (summary, summary.head(0)):
        with pytest.raises(ConfigError, match=r"ax must be a matplotlib\.axes\.Axes or None"):
            plot_function(name)(rows, ax=3)
    assert not plt.get_fignums()


@EACH_PLOT
def test_a_new_figure_is_made_and_not_shown(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(plt, "show")
    summary = example(TABLES[name][0])
    first, second = plot_function(name)(summary), plot_function(name)(summary)
    assert first.figure is not second.figure is plt.gcf()


def test_a_legend_takes_no_height_from_the_plot() -> None:
    summary = example(tables.USAGE_BY_PROJECT)
    heights = []
    for table in (tables.USAGE, tables.USAGE_BY_PROJECT):
        ax = plots.usage(table.conform(summary.assign(estimated_vuh=0.0)))
        ax.figure.canvas.draw()
        heights.append(style.available_size(ax).height)
    assert heights[0] == pytest.approx(heights[1], abs=1)


@EACH_PLOT
def test_the_settings_of_matplotlib_do_not_change(name: str) -> None:
    before = dict(mpl.rcParams)
    plot_function(name)(example(TABLES[name][0]))
    assert dict(mpl.rcParams) == before


@EACH_PLOT
def test_the_house_style_is_the_same_whatever_the_settings(name: str) -> None:
    user = {"axes.grid": True, "axes.titlelocation": "right", "font.size": 20, "text.usetex": True}
    with mpl.rc_context(user):
        ax = plot_function(name)(example(TABLES[name][0]))
    assert ax.title.get_horizontalalignment() == "left"
    assert ax.get_axisbelow() is True
    for axes in ax.figure.axes:
        assert not axes.spines["top"].get_visible()
        assert not axes.spines["right"].get_visible()
    assert not any(text.get_usetex() for text in ax.figure.findobj(mpl.text.Text))
    assert_texts_fit(ax)


@EACH_PLOT
def test_plots_are_legible_on_a_dark_page(name: str) -> None:
    with plt.style.context("dark_background"):
        ax = plot_function(name)(example(TABLES[name][0]))
    assert to_hex(ax.figure.get_facecolor()) == "#000000"
    assert to_hex(ax.title.get_color()) == "#ffffff"
    assert all(to_hex(text.get_color()) == "#ffffff" for text in ax.texts)


@EACH_PLOT
def test_the_horizontal_axis_has_a_label_and_no_column_name_is_in_the_plot(name: str) -> None:
    table = TABLES[name][0]
    ax = plot_function(name)(example(table))
    assert ax.get_xlabel()
    for text in texts_of(ax):
        assert not {column.name for column in table.columns if "_" in column.name} & {text}


@EACH_SUMMARY
def test_a_wrong_frame_is_refused_with_the_function_that_returns_the_right_one(
    name: str, table: Table
) -> None:
    dropped = next(c.name for c in reversed(table.columns) if c.name not in table.key)
    for wrong in (example(table).drop(columns=dropped), pd.DataFrame({"a": [1]}), [1, 2], None):
        with pytest.raises(SchemaError, match=rf"k6frames\.{name}"):
            plot_function(name)(wrong)
    with pytest.raises(SchemaError, match="duplicate key"):
        plot_function(name)(pd.concat([example(table)] * 2))
    assert not plt.get_fignums()


def test_the_functions_are_not_hidden_by_the_modules_of_the_same_name() -> None:
    importlib.import_module("k6frames.plots.usage")
    assert inspect.isfunction(plots.usage)


def test_a_frame_without_a_time_zone_is_utc() -> None:
    summary = make_timeline([1, 0, 2])
    naive = summary.assign(period=summary["period"].dt.tz_localize(None))
    ax = plots.creation_timeline(naive)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["2024-01", "2024-02", "2024-03"]
