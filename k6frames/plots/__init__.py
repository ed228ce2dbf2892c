"""Plots of summaries: each function draws one summary on one Axes and returns it.

To draw on the Axes of a figure with several plots, create the figure with ``layout="constrained"``,
which makes room for the titles and legends above them.
"""

from __future__ import annotations

from k6frames.plots.completeness import completeness
from k6frames.plots.idle import idle_load_tests, idle_projects
from k6frames.plots.metrics import metric_changes, metric_series, metric_trend
from k6frames.plots.projects import creation_timeline, projects_per_organization
from k6frames.plots.results import flaky_tests, results_timeline, test_results
from k6frames.plots.schedules import scheduled_runs
from k6frames.plots.usage import usage, vuh_budget

__all__ = [
    "completeness",
    "creation_timeline",
    "flaky_tests",
    "idle_load_tests",
    "idle_projects",
    "metric_changes",
    "metric_series",
    "metric_trend",
    "projects_per_organization",
    "results_timeline",
    "scheduled_runs",
    "test_results",
    "usage",
    "vuh_budget",
]


def __dir__() -> list[str]:
    return sorted(__all__)
