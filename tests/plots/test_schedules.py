"""The plot of scheduled runs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from plot_helpers import LONG_NAME, assert_texts_fit, make_summary, names_of, ticks_of, values_of

from k6frames import plots, tables
from k6frames.plots import style


def schedules(count: int, hours: int = 5) -> pd.DataFrame:
    first = pd.Timestamp("2026-07-01T06:00", tz="UTC")
    return make_summary(
        tables.SCHEDULED_RUNS,
        load_test_name=[f"{LONG_NAME[:40]} {i}" for i in range(count)],
        next_run=[first + pd.Timedelta(hours=hours * i) for i in range(count)][::-1],
        recurrence=["every 2 weeks on Sat, Sun"] * count,
    )


def test_scheduled_runs_are_points_in_time_soonest_first() -> None:
    ax = plots.scheduled_runs(schedules(2, 48))
    (points,) = ax.lines
    assert list(np.diff(points.get_xdata())) == [2]
    assert names_of(ax) == [f"{LONG_NAME[:40]} 1", f"{LONG_NAME[:40]} 0"]
    assert values_of(ax)[0] == "2026-07-01 06:00, every 2 weeks on Sat, Sun"
    assert ax.get_xlabel() == "next run (UTC)"


def test_schedules_of_a_single_day_are_labeled_with_times() -> None:
    ax = plots.scheduled_runs(schedules(4))
    assert all(text.endswith(":00") for text in ticks_of(ax.xaxis))
    assert ax.get_xlabel() == "next run (2026-07-01, UTC)"


@pytest.mark.parametrize("count", [1, 6, 60])
def test_the_texts_of_schedules_fit_at_any_size(count: int, width: float) -> None:
    with style.figure_width(width):
        ax = plots.scheduled_runs(schedules(count))
    assert_texts_fit(ax)
    assert names_of(ax)[-1] == ("40 later runs" if count == 60 else f"{LONG_NAME[:40]} 0")


def test_a_long_recurrence_is_shortened_at_its_end(width: float) -> None:
    summary = schedules(3).assign(
        recurrence="cron 0,10,20,30,40,50 1-5,7-11,13-17,19-23 * * 1-5 " * 2
    )
    with style.figure_width(width):
        ax = plots.scheduled_runs(summary)
    assert_texts_fit(ax)
    for text in values_of(ax):
        assert text.startswith("2026-07-01 ")
        assert text.endswith("…")
