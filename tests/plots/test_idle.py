"""Plots of idle projects and load tests."""

from __future__ import annotations

import pandas as pd
from plot_helpers import bars_of, legend_of, make_summary, names_of, values_of, widths_of

from k6frames import plots, tables


def idle_projects(days: list[int], last_run: str | None = None) -> pd.DataFrame:
    run = None if last_run is None else pd.Timestamp(last_run, tz="UTC")
    return make_summary(tables.IDLE_PROJECTS, idle_days=days, last_run=[run] * len(days))


def test_idle_projects_are_counted_from_the_first_to_the_last_range_that_is_not_empty() -> None:
    ax = plots.idle_projects(idle_projects([180, 364, 365, 729, 4000, 1094, 5000]))
    assert dict(zip(names_of(ax), widths_of(ax), strict=True)) == {
        "180 to 364 days": 2,
        "1 to 2 years": 2,
        "2 to 3 years": 1,
        "3 to 5 years": 0,
        "5 to 10 years": 0,
        "10 years or more": 2,
    }
    assert values_of(ax) == ["2", "2", "1", "0", "0", "2"]
    assert ax.get_title() == "Idle projects by time since their last update"


def test_projects_with_few_idle_days_are_counted_and_test_runs_are_in_the_title() -> None:
    ax = plots.idle_projects(idle_projects([0, 29, 30, 89, 90, 179], "2024-05-01"))
    assert widths_of(ax) == [2, 2, 2]
    assert ax.get_title() == "Idle projects by time since their last update or test run"


def test_load_tests_that_never_ran_have_bars_of_their_own() -> None:
    run = pd.Timestamp("2024-01-01", tz="UTC")
    summary = make_summary(
        tables.IDLE_LOAD_TESTS,
        idle_days=[91, 92, 400, 401, 402],
        last_run=[run, None, None, run, run],
    )
    ax = plots.idle_load_tests(summary)
    assert names_of(ax) == ["90 to 179 days", "180 to 364 days", "1 to 2 years"]
    assert [(bar.get_x(), bar.get_width()) for bar in bars_of(ax) if bar.get_width()] == [
        (0, 1), (1, 1), (0, 2), (2, 1),
    ]  # fmt: skip
    assert values_of(ax) == ["2", "0", "3"]
    assert legend_of(ax) == ["has run before", "never run: time since creation"]
