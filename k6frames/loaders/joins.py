"""Joins: projects with their organizations, test runs with their load tests and projects."""

from __future__ import annotations

from typing import Any

import pandas as pd

from k6frames.tables import (
    LOAD_TESTS,
    ORGANIZATION_PROJECTS,
    ORGANIZATIONS_PUBLIC,
    PROJECTS,
    STACK_PROJECTS,
    TEST_RUN_DETAILS,
    TEST_RUNS,
)
from k6frames.tables.attrs import combine_attrs, failures
from k6frames.tables.organizations import ORGANIZATION_RENAMES, PROJECT_RENAMES
from k6frames.tables.schema import returns


@returns(ORGANIZATION_PROJECTS)
def join_projects(organizations: pd.DataFrame, projects: pd.DataFrame) -> pd.DataFrame:
    """Join projects with their organizations.

    Parameters
    ----------
    organizations : pandas.DataFrame
        As returned by `organizations_df`, or some of its rows.
    projects : pandas.DataFrame
        As returned by `projects_df`, with the projects of all `organizations`. An organization
        without rows here appears as one without projects.

    Returns
    -------
    pandas.DataFrame
        One row per project, and one per organization without projects, in the order of the
        organizations. A project whose organization is unknown is at the end, without `org_name`. An
        organization without rows in `projects` is left out if its projects could not be read
        (``projects.attrs["failed"]``), because it may have some.

    Raises
    ------
    SchemaError
        If a frame does not match its table.

    Examples
    --------
    >>> import k6frames
    >>> client = k6frames.Client.sample()
    >>> joined = k6frames.join_projects(
    ...     k6frames.organizations_df(client=client), k6frames.projects_df(client=client)
    ... )
    >>> int(joined["project_id"].count())
    300
    """
    left = ORGANIZATIONS_PUBLIC.conform(organizations).rename(columns=ORGANIZATION_RENAMES)
    right = PROJECTS.conform(projects).rename(columns=PROJECT_RENAMES)
    failed = [entry["org_id"] for entry in failures(projects) if "org_id" in entry]
    if failed:
        left = left[~left["org_id"].isin(failed) | left["org_id"].isin(right["org_id"])]
    joined = left.merge(right, on="org_id", how="left")
    # The organizations of some projects are unknown. To count is faster than to look for them.
    if joined["project_id"].count() < len(right):
        is_unknown = ~right["org_id"].isin(left["org_id"])
        joined = pd.concat([joined, right[is_unknown]])
    # The key needs no check: `conform` checked both inputs, and each project is in one row.
    joined = joined[list(ORGANIZATION_PROJECTS.dtypes)].reset_index(drop=True)
    return combine_attrs(joined, organizations, projects)


@returns(TEST_RUN_DETAILS)
def join_test_runs(
    test_runs: pd.DataFrame, load_tests: pd.DataFrame, stack_projects: pd.DataFrame
) -> pd.DataFrame:
    """Join test runs with the names of their load tests and projects.

    Parameters
    ----------
    test_runs : pandas.DataFrame
        As returned by `test_runs_df`.
    load_tests : pandas.DataFrame
        As returned by `load_tests_df`.
    stack_projects : pandas.DataFrame
        As returned by `stack_projects_df`.

    Returns
    -------
    pandas.DataFrame
        One row per test run, in the same order. A name is missing if the load test or project was
        deleted, or is not in the frame.

    Raises
    ------
    SchemaError
        If a frame does not match its table.

    Examples
    --------
    >>> import k6frames
    >>> client = k6frames.Client.sample()
    >>> details = k6frames.join_test_runs(
    ...     k6frames.test_runs_df(client=client),
    ...     k6frames.load_tests_df(client=client),
    ...     k6frames.stack_projects_df(client=client),
    ... )
    >>> len(details), int(details["load_test_name"].isna().sum())
    (3074, 4)
    """
    runs = TEST_RUNS.conform(test_runs)
    tests = LOAD_TESTS.select("name").conform(load_tests)
    projects = STACK_PROJECTS.select("name").conform(stack_projects)
    # Like `runs`, which comes from `conform`, the names have a default index.
    joined = runs.assign(
        load_test_name=_find_names(runs, tests, "load_test_id"),
        project_name=_find_names(runs, projects, "project_id"),
    )
    joined = joined[list(TEST_RUN_DETAILS.dtypes)]
    return combine_attrs(joined, test_runs, load_tests, stack_projects)


def _find_names(runs: pd.DataFrame, named: pd.DataFrame, id_column: str) -> pd.Series[Any]:
    """Return the name of the load test or project of each run."""
    ids = pd.Index(named[id_column])
    if not ids.is_unique:  # several stacks have the same ID
        key = ["stack_id", id_column]
        return runs[key].merge(named, on=key, how="left")["name"]
    # To look up one column takes half as long as to merge on two. The position of an unknown ID is
    # -1, which gives missing values.
    positions = ids.get_indexer(pd.Index(runs[id_column]))
    names = pd.Series(named["name"].array.take(positions, allow_fill=True))
    stack_ids = pd.Series(named["stack_id"].array.take(positions, allow_fill=True))
    return names.where((stack_ids == runs["stack_id"]).fillna(value=False))
