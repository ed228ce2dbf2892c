"""The summaries of an account that its report shows."""

from __future__ import annotations

import pandas as pd

from k6frames.errors import ConfigError
from k6frames.summaries import idle, metrics, projects, results, schedules, usage


def project_summaries(
    joined: pd.DataFrame, test_runs: pd.DataFrame | None, as_of: pd.Timestamp
) -> dict[str, pd.DataFrame]:
    """Return the summaries of projects joined with their organizations; keys are table names."""
    return {
        "account_summary": projects.account_summary(joined, as_of=as_of),
        "projects_per_organization": projects.projects_per_organization(joined),
        "creation_timeline": projects.creation_timeline(joined, until=as_of),
        "creation_timeline_by_organization": _timeline_by_organization(joined, as_of),
        "idle_projects": idle.idle_projects(joined, as_of=as_of, test_runs=test_runs),
        "shared_names": projects.shared_names(joined),
    }


def _timeline_by_organization(joined: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    """Return the timeline of each organization by month, or by year if that is too many rows."""
    try:
        return projects.creation_timeline(joined, by="org_id", until=as_of)
    except ConfigError:
        return projects.creation_timeline(joined, by="org_id", until=as_of, freq="YS")


def test_run_summaries(
    tables: dict[str, pd.DataFrame], as_of: pd.Timestamp
) -> dict[str, pd.DataFrame]:
    """Return the summaries of load tests and their runs; keys are table names."""
    details, limits = tables["test_run_details"], tables["project_limits"]
    summaries = {
        "usage": usage.usage(details, by=None, until=as_of),
        "usage_by_project": usage.usage(details, until=as_of),
        "usage_by_load_test": usage.usage(details, by="load_test_id", until=as_of),
        "vuh_budget": usage.vuh_budget(
            details, limits, as_of=as_of, stack_projects=tables["stack_projects"]
        ),
        "test_results": results.test_results(details, as_of=as_of),
        "results_timeline": results.results_timeline(details, until=as_of),
        "flaky_tests": results.flaky_tests(details),
        "idle_load_tests": idle.idle_load_tests(tables["load_tests"], details, as_of=as_of),
        "scheduled_runs": schedules.scheduled_runs(tables["schedules"], tables["load_tests"]),
        "metric_changes": metrics.metric_changes(tables["metric_values"], details),
    }
    # Of all labels, the report shows only "team", which many accounts have.
    if "team" in set(tables["project_labels"]["key"]):
        summaries["usage_by_label"] = usage.usage(
            details, by="team", until=as_of, project_labels=tables["project_labels"]
        )
    return summaries
