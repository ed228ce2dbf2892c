"""The plot of scheduled runs."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from k6frames.plots import bars, dates, labels, style
from k6frames.tables import SCHEDULED_RUNS


@style.house_style()
def scheduled_runs(summary: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw when the next scheduled runs start.

    Parameters
    ----------
    summary : pandas.DataFrame
        As returned by `k6frames.scheduled_runs`. Schedules beyond the first 20, or those that do
        not fit on a given `ax`, are counted in a last row.
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
        If `summary` does not match the table ``scheduled_runs``.

    Examples
    --------
    >>> import k6frames
    >>> client = k6frames.Client.sample()
    >>> schedules = k6frames.schedules_df(client=client)
    >>> load_tests = k6frames.load_tests_df(client=client)
    >>> ax = k6frames.plots.scheduled_runs(k6frames.scheduled_runs(schedules, load_tests))
    >>> ax.get_title()
    'Next scheduled runs'
    """
    title = "Next scheduled runs"
    schedules = SCHEDULED_RUNS.conform(summary)
    if not len(schedules):
        return style.draw_message(ax, title, "no scheduled runs")
    schedules = schedules.sort_values(["next_run", "schedule_id"], kind="stable")
    size = style.available_size(ax)
    names = bars.fitting_names(schedules, "load test", "load_test_id", "load_test_name", size)
    more = len(schedules) - len(names)
    schedules = schedules.head(len(names))
    texts = [_next_run_text(row) for row in schedules.itertuples()]
    if more:
        names.append(labels.format_count(more, "later run"))
        texts.append("")
    rows = bars.arrange_rows(names, texts, size)
    header = style.arrange_header(title, size)
    ax = style.prepare_axes(ax, header, rows.height_inches)
    times = dates.to_datetime64(schedules["next_run"])
    positions = rows.bar_positions[: len(schedules)]
    dates.limit_to_times(ax, times)
    start, end = ax.get_xlim()
    x = dates.to_days(times)
    ax.hlines(positions, start, x, color=style.AXES_COLOR, lw=0.8)
    ax.plot(x, positions, "o", color=style.BLUE, ms=6)
    bars.draw_names(ax, rows)
    bars.draw_values(ax, rows, x, end, axis_start=start, aligned=True)
    # After `draw_values`, which sets the limits, and ticks that are not dates.
    dates.label_times(ax, times, "next run", inside=rows.names_above)
    style.draw_header(ax, header)
    return ax


def _next_run_text(row: Any) -> str:
    return f"{row.next_run:%Y-%m-%d %H:%M}, {labels.text_label(row.recurrence)}"
