"""Plots of usage and budgets: layers, limits and texts."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from plot_helpers import (
    LONG_NAME,
    assert_texts_fit,
    bars_of,
    layers_of,
    legend_of,
    make_periods,
    make_summary,
    names_of,
    ticks_of,
    values_of,
)

from k6frames import plots, tables
from k6frames.errors import ConfigError, SchemaError
from k6frames.plots import style


def usage(
    vuh: dict[str | None, list[float]],
    table: tables.Table = tables.USAGE_BY_PROJECT,
    *,
    freq: str = "MS",
    estimated: float = 0.0,
) -> pd.DataFrame:
    """Return the usage of groups by their names; the last period has an estimate."""
    size = len(next(iter(vuh.values())))
    rows = [
        (period, group_id, name, values[i], estimated if i == size - 1 else 0.0)
        for i, period in enumerate(make_periods(size, freq))
        for group_id, (name, values) in enumerate(vuh.items(), start=1)
    ]
    periods, ids, names, hours, estimates = (list(column) for column in zip(*rows, strict=True))
    columns = {
        "period": periods,
        "stack_id": ids if table is tables.USAGE_BY_STACK else [1] * len(rows),
        "project_id": ids,
        "project_name": names,
        "load_test_id": ids,
        "load_test_name": names,
        "key": ["team"] * len(rows),
        "value": names,
        "test_runs": [1] * len(rows),
        "vuh": hours,
        "estimated_vuh": estimates,
    }
    return make_summary(table, **{name: columns[name] for name in table.dtypes if name in columns})


TWO_PROJECTS = {"Checkout": [1.0, 2.0, 30.0], "Search": [5.0, 0.5, 0.0]}


def test_groups_are_stacked_with_the_largest_at_the_bottom() -> None:
    ax = plots.usage(usage(TWO_PROJECTS))
    assert layers_of(ax) == [[1, 2, 30], [5, 0.5, 0]]
    assert legend_of(ax) == ["Checkout", "Search"]
    assert ax.get_title() == "VUh per month by project"
    assert ax.get_ylabel() == "VUh"
    assert [text.get_text() for text in ax.texts] == ["6", "2.5", "30"]
    baselines = [patch.get_data().baseline for patch in ax.patches]
    np.testing.assert_array_equal(baselines[1][::2], [1, 2, 30])


def test_groups_beyond_the_six_largest_are_the_others() -> None:
    vuh: dict[str | None, list[float]] = {f"project {i}": [float(i), 1.0] for i in range(1, 10)}
    ax = plots.usage(usage(vuh))
    assert legend_of(ax) == [*(f"project {i}" for i in range(9, 3, -1)), "3 others"]
    assert layers_of(ax)[-1] == [6, 3]
    assert np.sum(layers_of(ax), axis=0).tolist() == [45, 9]


@pytest.mark.parametrize(
    ("table", "by", "names"),
    [
        (tables.USAGE_BY_PROJECT, " by project", ["Checkout", "project 2"]),
        (tables.USAGE_BY_LOAD_TEST, " by load test", ["Checkout", "load test 2"]),
        (tables.USAGE_BY_STACK, " by stack", ["stack 1", "stack 2"]),
        (tables.USAGE_BY_LABEL, " by team", ["Checkout", "without team"]),
    ],
)
def test_groups_are_named_after_what_they_are(table: tables.Table, by: str, names: list[str]):
    ax = plots.usage(usage({"Checkout": [2.0, 2.0], None: [1.0, 1.0]}, table, freq="W-MON"))
    assert ax.get_title() == f"VUh per week{by}"
    assert legend_of(ax) == names


def test_usage_without_groups_needs_no_legend() -> None:
    summary = usage(TWO_PROJECTS).groupby("period", as_index=False).sum(numeric_only=True)
    ax = plots.usage(tables.USAGE.conform(summary))
    assert layers_of(ax) == [[6, 2.5, 30]]
    assert legend_of(ax) == []
    assert ax.get_title() == "VUh per month"


def test_the_estimate_of_runs_under_way_is_hatched_on_top() -> None:
    ax = plots.usage(usage(TWO_PROJECTS, estimated=4.0))
    assert layers_of(ax) == [[1, 2, 30], [5, 0.5, 0], [8]]
    *others, estimate = ax.patches
    assert estimate.get_hatch()
    assert not any(patch.get_hatch() for patch in others)
    assert legend_of(ax)[-1] == "estimate for runs under way: 8 VUh"
    assert ax.texts[-1].get_text() == "38"


def test_the_limit_is_a_line_with_its_number_in_the_legend() -> None:
    ax = plots.usage(usage(TWO_PROJECTS), limit=40)
    (line,) = ax.lines
    assert set(line.get_ydata()) == {40}
    assert ax.get_ylim()[1] > 40
    assert legend_of(ax)[-1] == "limit 40 VUh"


def test_a_limit_far_above_the_usage_is_in_the_legend_only() -> None:
    ax = plots.usage(usage(TWO_PROJECTS), limit=90_000)
    assert not ax.lines
    assert ax.get_ylim()[1] < 40
    assert legend_of(ax)[-1] == "limit 90,000 VUh (above the plot)"


def test_a_limit_is_a_line_even_if_nothing_was_used() -> None:
    ax = plots.usage(usage({"a": [0.0, 0.0]}), limit=90_000)
    assert set(ax.lines[0].get_ydata()) == {90_000}
    assert ax.get_ylim()[1] > 90_000


def test_totals_are_above_a_limit_that_would_cross_them() -> None:
    ax = plots.usage(usage({"a": [100.0, 100.0, 50.0]}), limit=102)
    assert [text.xy[1] for text in ax.texts] == [102, 102, 50]


@pytest.mark.parametrize("limit", [0, -1, float("nan"), float("inf"), 1e15, True, "100"])
def test_a_limit_that_is_not_a_positive_number_below_1e15_is_refused(limit: object) -> None:
    with pytest.raises(ConfigError, match=r"positive number of VUh per month below 1e\+15, not"):
        plots.usage(usage(TWO_PROJECTS), limit=limit)  # type: ignore[arg-type]
    assert not plt.get_fignums()


def test_a_limit_for_weeks_is_refused_with_the_frequency_to_use() -> None:
    with pytest.raises(ConfigError, match=r"periods of this summary are not months.*freq=.MS"):
        plots.usage(usage(TWO_PROJECTS, freq="W-MON"), limit=10)


def test_the_usage_by_two_labels_at_once_is_refused() -> None:
    team = usage(TWO_PROJECTS, tables.USAGE_BY_LABEL)
    with pytest.raises(SchemaError, match="several labels"):
        plots.usage(pd.concat([team, team.assign(key="region")]))


def test_a_wrong_frame_is_refused_with_the_function_that_returns_the_right_one() -> None:
    with pytest.raises(SchemaError, match=r"k6frames\.usage\(details\)"):
        plots.usage(usage(TWO_PROJECTS).drop(columns="vuh"))


def test_periods_missing_for_a_group_have_no_usage() -> None:
    ax = plots.usage(usage(TWO_PROJECTS).drop(index=[0, 5]))
    assert layers_of(ax) == [[0, 2, 30], [5, 0.5, 0]]


@pytest.mark.parametrize(("groups", "periods"), [(1, 1), (50, 12), (20, 500)])
def test_the_texts_of_usage_fit_at_any_size(groups: int, periods: int, width: float) -> None:
    names = [f"{LONG_NAME} {i}" for i in range(groups)]
    vuh: dict[str | None, list[float]] = {
        name: [float((i * 37 + j * 91) % 1_000) for j in range(periods)]
        for i, name in enumerate(names)
    }
    with style.figure_width(width):
        ax = plots.usage(usage(vuh, freq="MS" if periods < 100 else "D", estimated=10.0))
    assert len(ax.patches) <= 8
    assert len(set(legend_of(ax))) == len(legend_of(ax))
    assert_texts_fit(ax)


# --- budget -------------------------------------------------------------------------------------


def budget(
    used: list[float], limits: list[float | None], expected: list[float] | None = None
) -> pd.DataFrame:
    limit = pd.Series(limits, dtype="Float64")
    spent = pd.Series(used, dtype="Float64")
    return make_summary(
        tables.VUH_BUDGET,
        month=[pd.Timestamp("2026-07-01", tz="UTC")] * len(used),
        project_name=[f"project {i}" for i in range(len(used))],
        used_vuh=used,
        limit_vuh=limits,
        left_vuh=list(limit - spent),
        share=list(spent / limit.where(limit > 0)),
        expected_vuh=expected or [2 * value for value in used],
        days_left=[6.9] * len(used),
    )


def test_bars_are_shares_of_the_limit_with_what_is_expected_hatched() -> None:
    ax = plots.vuh_budget(budget([812.0, 10.0], [1_000.0, 100.0]))
    assert ax.get_title() == "VUh budget in 2026-07"
    assert names_of(ax) == ["project 0", "project 1"]
    used, rest, small, small_rest = bars_of(ax)
    assert used.get_width() == pytest.approx(0.812)
    assert (rest.get_x(), rest.get_width()) == pytest.approx((0.812, 0.812))
    assert (small.get_width(), small_rest.get_width()) == pytest.approx((0.1, 0.1))
    assert [bool(bar.get_hatch()) for bar in bars_of(ax)] == [False, True, False, True]
    (marks,) = ax.collections
    assert {x for segment in marks.get_segments() for x in segment[:, 0]} == {1}
    assert values_of(ax) == ["812 of 1,000 VUh, reaches limit in 6 days", "10 of 100 VUh"]


def test_projects_over_the_limit_are_marked_in_words_and_color() -> None:
    ax = plots.vuh_budget(budget([120.0, 60.0, 10.0], [100.0, 100.0, 100.0]))
    assert values_of(ax) == [
        "120 of 100 VUh, limit reached →",
        "60 of 100 VUh, reaches limit in 6 days",
        "10 of 100 VUh",
    ]
    colors = [bar.get_facecolor() for bar in bars_of(ax) if not bar.get_hatch()]
    assert colors[0] == colors[1] != colors[2]
    assert legend_of(ax) == [
        "used",
        "used, limit exceeded by the end of the month",
        "expected by the end of the month",
        "limit",
    ]
    assert ax.get_xticks().max() <= 2


def test_a_limit_that_is_expected_soon_is_reached_within_a_day() -> None:
    ax = plots.vuh_budget(budget([60.0], [100.0]).assign(days_left=0.4))
    assert values_of(ax) == ["60 of 100 VUh, reaches limit within a day"]


def test_projects_without_a_limit_have_no_bar_if_others_have_a_limit() -> None:
    ax = plots.vuh_budget(budget([10.0, 900.0], [100.0, None], [10.0, 900.0]))
    assert values_of(ax) == ["10 of 100 VUh", "900 VUh, no limit"]
    assert [bar.get_width() for bar in bars_of(ax)] == pytest.approx([0.1, 0])
    (marks,) = ax.collections
    assert len(marks.get_segments()) == 1


def test_without_any_limit_the_bars_are_vuh() -> None:
    ax = plots.vuh_budget(budget([10.0, 900.0], [None, None], [10.0, 900.0]))
    assert ax.get_title() == "VUh used in 2026-07"
    assert ax.get_xlabel() == "VUh"
    assert [bar.get_width() for bar in bars_of(ax)] == [900, 10]
    assert not ax.collections


def test_a_limit_of_zero_is_exceeded_by_any_use() -> None:
    ax = plots.vuh_budget(budget([90.0, 5.0, 0.0], [100.0, 0.0, 0.0], [95.0, 5.0, 0.0]))
    assert values_of(ax) == ["5 of 0 VUh, limit reached →", "90 of 100 VUh", "0 of 0 VUh"]
    assert ax.get_xlim()[1] < 4


def test_projects_beyond_the_first_twenty_are_counted_in_a_last_row(width: float) -> None:
    with style.figure_width(width):
        ax = plots.vuh_budget(budget([float(i) for i in range(41)], [100.0] * 41))
    assert names_of(ax)[0] == "project 40"
    assert names_of(ax)[-1] == "21 more projects"
    assert len(values_of(ax)) == 20
    assert ticks_of(ax.xaxis)[0] == "0%"
    assert_texts_fit(ax)
