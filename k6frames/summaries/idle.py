"""Summaries of projects and load tests that have had no activity for a long time."""

from __future__ import annotations

import pandas as pd

from k6frames.tables import (
    IDLE_LOAD_TESTS,
    IDLE_PROJECTS,
    LOAD_TESTS,
    ORGANIZATION_PROJECTS,
    TEST_RUNS,
)
from k6frames.tables.attrs import combine_attrs
from k6frames.tables.schema import returns
from k6frames.tables.timestamp_arguments import MAX_DAYS, TimestampLike, resolve_as_of
from k6frames.validation import validate_integer


@returns(IDLE_PROJECTS)
def idle_projects(
    organization_projects: pd.DataFrame,
    *,
    days: int = 180,
    as_of: TimestampLike | None = None,
    test_runs: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Find the projects that have had no activity for a long time.

    The last activity is the last update of a project's settings or, if test runs are given, the
    creation of its last test run, whichever is later. If `test_runs` is not given, a project that
    is tested every day but never edited counts as idle.

    Parameters
    ----------
    organization_projects : pandas.DataFrame
        As returned by `organization_projects_df` or `join_projects`. Projects with neither an
        update date nor a test run are left out.
    days : int, default 180
        How many full days without activity make a project idle.
    as_of : str, date, datetime or pandas.Timestamp, optional
        The timestamp that counts as now; by default the current time. Without an offset it is in
        UTC, and a date means 00:00 of that day.
    test_runs : pandas.DataFrame, optional
        As returned by `test_runs_df` or `test_run_details_df`. They must not be filtered by date:
        with only the runs of this year, what last ran in an earlier year would seem never to have
        run. Runs created after `as_of` are ignored.

    Returns
    -------
    pandas.DataFrame
        One row per idle project, longest idle first.

    Raises
    ------
    ConfigError
        If an argument is not valid.
    SchemaError
        If a frame does not match its table, or has a duplicate key.

    Examples
    --------
    >>> import k6frames
    >>> projects = k6frames.organization_projects_df(client=k6frames.Client.sample())
    >>> idle = k6frames.idle_projects(projects, days=365, as_of="2026-07-01")
    >>> idle[["project_name", "idle_days"]].head(2)
                    project_name  idle_days
    0             Login baseline       3751
    1  gRPC inventory breakpoint       3751
    """
    validate_integer("days", days, minimum=0, maximum=MAX_DAYS)
    now = resolve_as_of(as_of)
    needed = ("org_name", "project_name", "project_created", "project_updated")
    projects = ORGANIZATION_PROJECTS.select(*needed).conform(organization_projects)
    inputs = [organization_projects]
    if test_runs is None:
        activity = projects["project_updated"]
        projects = projects.assign(last_run=None)
    else:
        inputs.append(test_runs)
        # Projects have the same IDs in v3 and v6, and no two stacks have the same project.
        last_runs = _find_last_runs(test_runs, ["project_id"], now)
        projects = projects.merge(last_runs, on="project_id", how="left")
        activity = projects[["project_updated", "last_run"]].max(axis=1)
    idle_days = (now - activity).dt.days
    projects = projects.assign(idle_days=idle_days, activity=activity)
    # A row without a project ID is an organization without projects.
    idle = projects[projects["project_id"].notna() & (idle_days >= days)]
    idle = idle.sort_values(["activity", "project_id", "org_id"])
    return combine_attrs(IDLE_PROJECTS.conform(idle), *inputs)


@returns(IDLE_LOAD_TESTS)
def idle_load_tests(
    load_tests: pd.DataFrame,
    test_runs: pd.DataFrame,
    *,
    days: int = 90,
    as_of: TimestampLike | None = None,
) -> pd.DataFrame:
    """Find the load tests that have not run for a long time.

    Parameters
    ----------
    load_tests : pandas.DataFrame
        As returned by `load_tests_df`. Load tests with neither a run nor a creation date are left
        out.
    test_runs : pandas.DataFrame
        As returned by `test_runs_df` or `test_run_details_df`. They must not be filtered by date:
        with only the runs of this year, what last ran in an earlier year would seem never to have
        run. Runs created after `as_of` are ignored.
    days : int, default 90
        How many full days without a run make a load test idle. If it has never run, days are
        counted from its creation.
    as_of : str, date, datetime or pandas.Timestamp, optional
        The timestamp that counts as now; by default the current time. Without an offset it is in
        UTC, and a date means 00:00 of that day.

    Returns
    -------
    pandas.DataFrame
        One row per idle load test, longest idle first.

    Raises
    ------
    ConfigError
        If an argument is not valid.
    SchemaError
        If a frame does not match its table, or has a duplicate key.

    Examples
    --------
    >>> import k6frames
    >>> client = k6frames.Client.sample()
    >>> load_tests = k6frames.load_tests_df(client=client)
    >>> test_runs = k6frames.test_runs_df(client=client)
    >>> idle = k6frames.idle_load_tests(load_tests, test_runs, days=30, as_of=client.as_of)
    >>> bool(idle["idle_days"].ge(30).all())
    True
    """
    validate_integer("days", days, minimum=0, maximum=MAX_DAYS)
    now = resolve_as_of(as_of)
    tests = LOAD_TESTS.select("name", "project_id", "created").conform(load_tests)
    tests = tests.rename(columns={"name": "load_test_name", "created": "load_test_created"})
    key = ["stack_id", "load_test_id"]
    tests = tests.merge(_find_last_runs(test_runs, key, now), on=key, how="left")
    tests["activity"] = tests["last_run"].fillna(tests["load_test_created"])
    tests["idle_days"] = (now - tests["activity"]).dt.days
    idle = tests[tests["idle_days"] >= days]
    idle = idle.sort_values(["activity", *key])
    return combine_attrs(IDLE_LOAD_TESTS.conform(idle), load_tests, test_runs)


def _find_last_runs(test_runs: pd.DataFrame, keys: list[str], now: pd.Timestamp) -> pd.DataFrame:
    """Return when the last run of each key was created, in the column `last_run`."""
    runs = TEST_RUNS.select(*keys, "created").conform(test_runs)
    runs = runs[runs["created"] <= now]
    return runs.groupby(keys)["created"].max().rename("last_run").reset_index()
