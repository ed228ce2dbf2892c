"""Plots of metrics: lines, marks and texts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection
from plot_helpers import (
    LONG_NAME,
    assert_texts_fit,
    bars_of,
    legend_of,
    lines_of,
    make_summary,
    names_of,
    ticks_of,
    values_of,
)

from k6frames import plots, tables
from k6frames.errors import SchemaError
from k6frames.plots import style

P95 = "histogram_quantile(0.95)"
START = pd.Timestamp("2026-06-01T10:00", tz="UTC")


def metric_values(
    values: dict[tuple[int, str], list[float]],
    *,
    metric: str = "http_req_duration",
    query: str = P95,
) -> pd.DataFrame:
    """Return the values of series by load test and labels; load test 1 has the runs 100, 101..."""
    rows = [
        (test, test * 100 + i, series, value)
        for (test, series), numbers in values.items()
        for i, value in enumerate(numbers)
    ]
    tests, runs, series, numbers = (list(column) for column in zip(*rows, strict=True))
    return make_summary(
        tables.METRIC_VALUES,
        load_test_id=tests,
        test_run_id=runs,
        metric=[metric] * len(rows),
        query=[query] * len(rows),
        series=series,
        value=numbers,
    )


def run_details(
    values: pd.DataFrame, results: list[str | None] | None = None, days: int = 1
) -> pd.DataFrame:
    """Return details of the runs, which are some days apart."""
    runs = values.drop_duplicates("test_run_id")
    ages = [pd.Timedelta(days=days * (run % 100)) for run in runs["test_run_id"]]
    return make_summary(
        tables.TEST_RUN_DETAILS,
        test_run_id=list(runs["test_run_id"]),
        load_test_id=list(runs["load_test_id"]),
        load_test_name=[f"test {test}" for test in runs["load_test_id"]],
        created=[START + age for age in ages],
        result=results or ["passed"] * len(runs),
    )


# --- trend --------------------------------------------------------------------------------------


def test_a_trend_is_a_line_over_creation_times_with_its_last_value() -> None:
    values = metric_values({(1, ""): [400.0, 410.0, 556.4]})
    ax = plots.metric_trend(values.iloc[::-1], run_details(values))
    assert lines_of(ax) == {"556 ms": [400, 410, 556.4]}
    assert np.diff(ax.lines[0].get_xdata()).tolist() == [1, 1]
    assert ax.get_title() == "p95 of http_req_duration per run of test 1"
    assert ax.get_ylabel() == "ms"
    assert ax.get_ylim()[0] == 0


def test_each_load_test_and_label_has_a_line_named_after_what_differs() -> None:
    values = metric_values(
        {(1, '{name="a"}'): [1.0], (1, '{name="b"}'): [2.0], (2, '{name="a"}'): [3.0]}
    )
    ax = plots.metric_trend(values, run_details(values))
    assert lines_of(ax) == {"test 1, a 1 ms": [1], "test 1, b 2 ms": [2], "test 2, a 3 ms": [3]}
    assert ax.get_title() == "p95 of http_req_duration per test run"


def test_several_metrics_keep_their_own_units() -> None:
    p95 = metric_values({(1, ""): [400.0]})
    failed = metric_values({(1, ""): [0.025]}, metric="http_req_failed", query="ratio")
    ax = plots.metric_trend(pd.concat([p95, failed]), run_details(p95))
    assert set(lines_of(ax)) == {
        "p95 of http_req_duration 400 ms",
        "ratio of http_req_failed 2.5%",
    }
    assert ax.get_ylabel() == "value"


def test_failed_runs_and_errors_are_marked_and_in_the_legend() -> None:
    values = metric_values({(1, ""): [1.0, 2.0, 3.0, 4.0]})
    ax = plots.metric_trend(values, run_details(values, ["passed", "failed", None, "error"]))
    marks = [line for line in ax.lines if line.get_linewidth() == 0]
    assert [list(line.get_ydata()) for line in marks] == [[2], [4]]
    assert len({line.get_marker() for line in marks}) == 2
    assert legend_of(ax) == ["failed", "with errors"]


def test_series_beyond_the_six_highest_are_thin_and_gray() -> None:
    values = metric_values({(1, f'{{name="{i}"}}'): [float(i), float(i)] for i in range(1, 10)})
    ax = plots.metric_trend(values, run_details(values))
    assert set(lines_of(ax)) == {f"{i} {i} ms" for i in range(4, 10)}
    (others,) = (found for found in ax.collections if isinstance(found, LineCollection))
    assert sorted(segment[0, 1] for segment in others.get_segments()) == [1, 2, 3]
    assert legend_of(ax) == ["3 others"]


def test_shortened_names_of_series_can_be_told_apart() -> None:
    # A longer value leaves less room for the name before it.
    ends = {f"{index}": 400.0 * 10**index for index in range(1, 4)}
    values = metric_values({(1, f'{{name="{LONG_NAME} {end}"}}'): [v] for end, v in ends.items()})
    ax = plots.metric_trend(values, run_details(values))
    names = [text.rsplit(" ", 2)[0] for text in lines_of(ax)]
    assert {name[-1] for name in names} == set(ends)
    assert all("…" in name for name in names)


def test_values_without_details_are_left_out_and_it_is_an_error_if_none_are_left() -> None:
    values = metric_values({(1, ""): [1.0, 2.0, 3.0]})
    details = run_details(values)
    ax = plots.metric_trend(values, details.tail(2))
    assert list(lines_of(ax).values()) == [[2, 3]]
    with pytest.raises(SchemaError, match="none of the test runs"):
        plots.metric_trend(values, details.head(0))


def test_test_runs_are_accepted_instead_of_details() -> None:
    values = metric_values({(1, ""): [1.0, 2.0]})
    details = run_details(values).drop(columns=["load_test_name", "project_name"])
    ax = plots.metric_trend(values, details)
    assert ax.get_title() == "p95 of http_req_duration per run of load test 1"


@pytest.mark.parametrize(("tests", "runs"), [(1, 1), (3, 12), (30, 30)])
def test_the_texts_of_trends_fit_at_any_size(tests: int, runs: int, width: float) -> None:
    values = metric_values(
        {(t, ""): [400.0 + 37 * t + i * t % 90 for i in range(runs)] for t in range(1, tests + 1)}
    )
    details = run_details(values, days=3)
    details["load_test_name"] = [f"{LONG_NAME} {test}" for test in details["load_test_id"]]
    with style.figure_width(width):
        ax = plots.metric_trend(values, details)
    assert_texts_fit(ax)


def test_runs_of_a_single_day_are_labeled_with_times() -> None:
    values = metric_values({(1, ""): [1.0, 2.0, 3.0]})
    details = run_details(values)
    details["created"] = [START + pd.Timedelta(hours=3 * i) for i in range(3)]
    ax = plots.metric_trend(values, details)
    assert ticks_of(ax.xaxis)[0] == "10:00"
    assert ax.get_xlabel() == "test run created (2026-06-01, UTC)"


def test_two_runs_within_a_minute_are_labeled_with_seconds() -> None:
    values = metric_values({(1, ""): [1.0, 2.0]})
    details = run_details(values)
    details["created"] = [START + pd.Timedelta(seconds=1), START + pd.Timedelta(seconds=9)]
    ax = plots.metric_trend(values, details)
    assert ticks_of(ax.xaxis) == ["10:00:01", "10:00:09"]


def test_runs_within_a_second_have_one_date() -> None:
    values = metric_values({(1, ""): [1.0, 2.0]})
    details = run_details(values)
    details["created"] = [START, START + pd.Timedelta(milliseconds=500)]
    ax = plots.metric_trend(values, details)
    assert ticks_of(ax.xaxis) == ["2026-06-01 10:00"]


def test_negative_values_fill_the_axis_and_its_ticks_have_minus_signs() -> None:
    values = metric_values({(1, ""): [-0.01, -0.02]})
    ax = plots.metric_trend(values, run_details(values))
    assert ax.get_ylim()[1] == 0
    assert "\N{MINUS SIGN}0.01" in ticks_of(ax.yaxis)


def test_the_axis_of_values_that_are_all_zero_has_a_height() -> None:
    values = metric_values({(1, ""): [0.0, 0.0]})
    ax = plots.metric_trend(values, run_details(values))
    assert ax.get_ylim() == (0, 1)


# --- series -------------------------------------------------------------------------------------


def metric_series(values: dict[tuple[int, str], list[float | None]]) -> pd.DataFrame:
    """Return series by test run and labels, with a value every minute; runs begin on other days."""
    rows = [
        (run, series, START + pd.Timedelta(days=run, minutes=i), value)
        for (run, series), numbers in values.items()
        for i, value in enumerate(numbers)
    ]
    runs, series, times, numbers = (list(column) for column in zip(*rows, strict=True))
    return make_summary(
        tables.METRIC_SERIES,
        test_run_id=runs,
        metric=["http_req_duration"] * len(rows),
        query=[P95] * len(rows),
        series=series,
        time=times,
        value=numbers,
    )


def test_a_series_of_one_run_is_plotted_against_the_time_of_day_with_gaps() -> None:
    ax = plots.metric_series(metric_series({(7, ""): [1.0, None, 3.0, 4.0]}))
    (line,) = ax.lines
    np.testing.assert_array_equal(line.get_ydata(), [1, np.nan, 3, 4])
    assert ax.get_title() == "p95 of http_req_duration during test run 7"
    assert ax.get_xlabel() == "time (2026-06-08, UTC)"
    assert ticks_of(ax.xaxis)[0] == "10:00:00"
    assert not ax.texts


def test_several_runs_are_plotted_against_the_minutes_since_their_first_value() -> None:
    ax = plots.metric_series(metric_series({(7, ""): [1.0, 2.0], (9, ""): [3.0, 4.0]}))
    assert lines_of(ax) == {"test run 7": [1, 2], "test run 9": [3, 4]}
    assert [list(line.get_xdata()) for line in ax.lines[::2]] == [[0, 1], [0, 1]]
    assert ax.get_title() == "p95 of http_req_duration during 2 test runs"
    assert ax.get_xlabel() == "minutes since the first value"


def test_minutes_are_counted_from_the_first_value_of_a_run_that_is_not_missing() -> None:
    values: dict[tuple[int, str], list[float | None]] = {
        (7, '{name="a"}'): [None, None, 5.0, None, 6.0],
        (7, '{name="b"}'): [None, None, None, 7.0, 8.0],
        (9, '{name="a"}'): [3.0, 4.0],
        (11, '{name="a"}'): [None] * 60,
    }
    ax = plots.metric_series(metric_series(values))
    points = [line.get_xydata() for line in ax.lines[::2]]
    minutes = [list(xy[~np.isnan(xy[:, 1]), 0]) for xy in points]
    assert dict(zip(lines_of(ax), minutes, strict=True)) == {
        "test run 7, b": [1, 2],
        "test run 7, a": [0, 2],
        "test run 9, a": [0, 1],
    }
    assert ax.get_xlim()[0] == 0
    assert ticks_of(ax.xaxis) == ["0", "0.5", "1", "1.5", "2"]


def test_the_title_of_an_empty_series_has_no_number_of_runs() -> None:
    ax = plots.metric_series(metric_series({(7, ""): [1.0]}).head(0))
    assert ax.get_title() == "Metrics during test runs"


def test_the_texts_of_long_series_fit(width: float) -> None:
    numbers: list[float | None] = [100.0 + i % 50 for i in range(500)]
    with style.figure_width(width):
        ax = plots.metric_series(
            metric_series({(7, f'{{name="{i}"}}'): numbers for i in "abcdefgh"})
        )
    assert_texts_fit(ax)


# --- changes ------------------------------------------------------------------------------------


def metric_changes(changes: list[float | None], names: list[str] | None = None) -> pd.DataFrame:
    return make_summary(
        tables.METRIC_CHANGES,
        load_test_name=names or [f"test {i}" for i in range(len(changes))],
        metric=["http_req_duration"] * len(changes),
        query=[P95] * len(changes),
        series=[""] * len(changes),
        before=[200.0] * len(changes),
        after=[None if change is None else 200 * (1 + change) for change in changes],
        change=changes,
    )


def test_changes_are_in_descending_order_without_those_that_are_missing() -> None:
    ax = plots.metric_changes(metric_changes([-0.5, 0.35, None, 0.004]))
    assert names_of(ax) == ["test 1", "test 3", "test 0"]
    assert [bar.get_width() for bar in bars_of(ax)] == [0.35, 0.004, -0.5]
    assert values_of(ax) == ["+35%: 200 to 270 ms", "+0.4%: 200 to 201 ms", "−50%: 200 to 100 ms"]  # noqa: RUF001
    assert legend_of(ax) == ["increase", "decrease"]
    assert ax.get_title() == "Change in p95 of http_req_duration"


def test_both_values_of_a_rate_are_percentages() -> None:
    rates = metric_changes([1.5]).assign(
        metric="http_req_failed", query="ratio", before=0.02, after=0.05
    )
    assert values_of(plots.metric_changes(rates)) == ["+150%: 2 to 5%"]


def test_a_change_that_dwarfs_the_others_is_cut_with_an_arrow() -> None:
    ax = plots.metric_changes(metric_changes([40.0, 0.1]))
    assert values_of(ax)[0] == "+4,000%: 200 to 8,200 ms →"
    assert ax.get_xticks().max() <= 3


def test_the_reasons_are_shown_if_no_series_has_a_change(width: float) -> None:
    with style.figure_width(width):
        ax = plots.metric_changes(metric_changes([None, None]))
    assert ax.texts[0].get_text().replace("\n", " ") == (
        "nothing to compare: too few runs, or the values before were 0"
    )
    assert_texts_fit(ax)


@pytest.mark.parametrize("count", [1, 6, 60])
def test_the_texts_of_changes_fit_at_any_size(count: int, width: float) -> None:
    names = [f"{LONG_NAME} {i}" for i in range(count)]
    with style.figure_width(width):
        ax = plots.metric_changes(metric_changes([0.5 - i / 10 for i in range(count)], names))
    assert_texts_fit(ax)
    assert names_of(ax)[-1] == ("40 others" if count == 60 else names[-1])
