"""Summaries of organizations and projects: counts, growth, and names that projects share."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from k6frames.errors import ConfigError, SchemaError
from k6frames.summaries.groups import number_groups
from k6frames.summaries.periods import Frequency, make_timeline
from k6frames.tables import (
    ACCOUNT_SUMMARY,
    CREATION_TIMELINE,
    CREATION_TIMELINE_BY_ORGANIZATION,
    LOAD_TESTS,
    ORGANIZATION_PROJECTS,
    ORGANIZATIONS,
    PROJECTS,
    PROJECTS_PER_ORGANIZATION,
    SHARED_NAMES,
    STACK_PROJECTS,
)
from k6frames.tables.attrs import combine_attrs
from k6frames.tables.conversion import describe_type
from k6frames.tables.schema import Table, returns
from k6frames.tables.timestamp_arguments import TimestampLike, resolve_as_of
from k6frames.validation import validate_choice

# The column of creation dates in each table. A frame belongs to the first table whose key and
# creation date it has.
_DATE_COLUMNS = {
    ORGANIZATION_PROJECTS: "project_created",
    LOAD_TESTS: "created",
    STACK_PROJECTS: "created",
    PROJECTS: "created",
    ORGANIZATIONS: "created",
}


@returns(PROJECTS_PER_ORGANIZATION)
def projects_per_organization(organization_projects: pd.DataFrame) -> pd.DataFrame:
    """Count the projects of each organization.

    Parameters
    ----------
    organization_projects : pandas.DataFrame
        As returned by `organization_projects_df` or `join_projects`.

    Returns
    -------
    pandas.DataFrame
        One row per organization, including those without projects; the most projects first.

    Raises
    ------
    SchemaError
        If the frame does not match the table ``organization_projects``, or has a duplicate key.

    Examples
    --------
    >>> import k6frames
    >>> projects = k6frames.organization_projects_df(client=k6frames.Client.sample())
    >>> k6frames.projects_per_organization(projects)[["org_name", "projects", "share"]].head(2)
                     org_name  projects     share
    0  Marmalade Parcel Works        92  0.306667
    1  Café Élan Réservations        61  0.203333
    """
    needed = ("org_name", "project_created", "project_updated")
    projects = ORGANIZATION_PROJECTS.select(*needed).conform(organization_projects)
    organizations = projects.groupby("org_id", dropna=False, sort=True)
    columns = {
        "org_name": organizations["org_name"].first(),
        "projects": organizations["project_id"].count(),
        "first_created": organizations["project_created"].min(),
        "last_created": organizations["project_created"].max(),
        "last_updated": organizations["project_updated"].max(),
    }
    summary = pd.DataFrame(columns).reset_index()
    total = int(summary["projects"].sum())
    summary["share"] = summary["projects"] / total if total else pd.NA
    summary = summary.sort_values("projects", ascending=False, kind="stable")
    return combine_attrs(PROJECTS_PER_ORGANIZATION.conform(summary), organization_projects)


@returns(CREATION_TIMELINE, CREATION_TIMELINE_BY_ORGANIZATION)
def creation_timeline(
    frame: pd.DataFrame,
    *,
    freq: Frequency = "MS",
    by: Literal["org_id"] | None = None,
    until: TimestampLike | None = None,
) -> pd.DataFrame:
    """Count the rows created in each period, and all that were created by the end of the period.

    Parameters
    ----------
    frame : pandas.DataFrame
        As returned by `organizations_df`, `projects_df`, `organization_projects_df`,
        `stack_projects_df` or `load_tests_df`. Rows without a creation date are left out.
    freq : {"MS", "D", "W", "QS", "YS"}, default "MS"
        Length of a period: month, day, week from Monday, quarter or year, all in UTC.
    by : {"org_id"}, optional
        Count per organization.
    until : str, date, datetime or pandas.Timestamp, optional
        Add empty periods up to the one that contains this timestamp (UTC if it has no offset). By
        default, the last period is the one that contains the last creation date.

    Returns
    -------
    pandas.DataFrame
        One row per period from the first creation date to the last one, or to `until`, including
        empty ones. With ``by="org_id"``, there is a row for each of these periods and each
        organization with a creation date in `frame`.

    Raises
    ------
    ConfigError
        If an argument is not valid, or the result would exceed two million rows.
    SchemaError
        If the frame does not match its table, or has a duplicate key.

    Examples
    --------
    >>> import k6frames
    >>> projects = k6frames.projects_df(client=k6frames.Client.sample())
    >>> k6frames.creation_timeline(projects, freq="YS").head(2)
                         period  created  cumulative
    0 2016-01-01 00:00:00+00:00       34          34
    1 2017-01-01 00:00:00+00:00       17          51
    """
    if by is not None:
        validate_choice("by", by, ["org_id"], '"org_id" or None')
    keys = [by] if by else []
    table = _find_dated_table(frame)
    column = _DATE_COLUMNS[table]
    if by and by not in table.dtypes:
        raise ConfigError(
            'by="org_id" needs a frame of organizations_df, projects_df or '
            f"organization_projects_df: {table.doc} has no organization ID."
        )
    rows = table.select(column, *keys).conform(frame)
    is_dated = rows[column].notna()
    dates = rows[column][is_dated]
    group_numbers, groups = number_groups(rows[keys][is_dated], keys)
    timeline = make_timeline(dates, freq, until=until, groups=len(groups), noun="organization")
    periods = timeline.periods
    # There is a cell for each group and period, numbered group by group.
    cells = group_numbers * len(periods) + timeline.positions
    created = np.bincount(cells, minlength=len(groups) * len(periods))
    created = created.reshape(len(groups), len(periods))
    period_of_cell = np.tile(np.arange(len(periods)), len(groups))
    result = pd.DataFrame(
        {
            "period": periods.take(period_of_cell),
            "created": created.ravel(),
            "cumulative": created.cumsum(axis=1).ravel(),
        }
    )
    if by:
        result[by] = groups[by].array.repeat(len(periods))
    result_table = CREATION_TIMELINE_BY_ORGANIZATION if by else CREATION_TIMELINE
    return combine_attrs(result_table.conform(result), frame)


@returns(ACCOUNT_SUMMARY)
def account_summary(
    organization_projects: pd.DataFrame, *, as_of: TimestampLike | None = None
) -> pd.DataFrame:
    """Count organizations and projects, and how many projects are new or idle.

    Parameters
    ----------
    organization_projects : pandas.DataFrame
        As returned by `organization_projects_df` or `join_projects`.
    as_of : str, date, datetime or pandas.Timestamp, optional
        The timestamp that counts as now; by default the current time. Without an offset it is in
        UTC, and a date means 00:00 of that day. It decides which projects are new or idle; the
        other columns also count later projects.

    Returns
    -------
    pandas.DataFrame
        One row.

    Raises
    ------
    ConfigError
        If `as_of` is not a timestamp.
    SchemaError
        If the frame does not match the table ``organization_projects``, or has a duplicate key.

    Examples
    --------
    >>> import k6frames
    >>> projects = k6frames.organization_projects_df(client=k6frames.Client.sample())
    >>> k6frames.account_summary(projects, as_of="2026-07-01")[["organizations", "projects"]]
       organizations  projects
    0             12       300
    """
    now = resolve_as_of(as_of)
    rows = ORGANIZATION_PROJECTS.select("project_created", "project_updated").conform(
        organization_projects
    )
    projects = rows[rows["project_id"].notna()]
    organizations = rows["org_id"].nunique()
    created = projects["project_created"]
    age_in_days = (now - created).dt.days  # negative if created after `now`
    summary = {
        "as_of": now,
        "organizations": organizations,
        "empty_organizations": organizations - projects["org_id"].nunique(),
        "projects": len(projects),
        "undated_projects": created.isna().sum(),
        "created_30_days": age_in_days.between(0, 29).sum(),
        "created_365_days": age_in_days.between(0, 364).sum(),
        "idle_180_days": (now - projects["project_updated"] >= pd.Timedelta(days=180)).sum(),
        "first_created": created.min(),
        "last_created": created.max(),
    }
    return combine_attrs(ACCOUNT_SUMMARY.conform(pd.DataFrame([summary])), organization_projects)


@returns(SHARED_NAMES)
def shared_names(organization_projects: pd.DataFrame) -> pd.DataFrame:
    """Find the project names that several organizations use.

    Parameters
    ----------
    organization_projects : pandas.DataFrame
        As returned by `organization_projects_df` or `join_projects`.

    Returns
    -------
    pandas.DataFrame
        One row per name, in descending order of the number of organizations that use it.

    Raises
    ------
    SchemaError
        If the frame does not match the table ``organization_projects``, or has a duplicate key.

    Examples
    --------
    >>> import k6frames
    >>> projects = k6frames.organization_projects_df(client=k6frames.Client.sample())
    >>> k6frames.shared_names(projects).head(2)
          project_name  organizations  projects
    0  Default project              9         9
    1      Smoke tests              6         6
    """
    projects = ORGANIZATION_PROJECTS.select("project_name").conform(organization_projects)
    names = (
        projects.dropna(subset=["project_id", "project_name"])
        .groupby("project_name", sort=True)
        .agg(organizations=("org_id", "nunique"), projects=("project_id", "count"))
        .query("organizations > 1")
        .sort_values(["organizations", "projects"], ascending=False, kind="stable")
        .reset_index()
    )
    return combine_attrs(SHARED_NAMES.conform(names), organization_projects)


def _find_dated_table(frame: object) -> Table:
    """Return the table of a frame with creation dates."""
    # Test runs would match `LOAD_TESTS`, because they have its key and the column `created`.
    if isinstance(frame, pd.DataFrame) and "test_run_id" not in frame.columns:
        for table, column in _DATE_COLUMNS.items():
            if {*table.key, column} <= set(frame.columns):
                return table
    functions = ", ".join(f"k6frames.{table.function}" for table in _DATE_COLUMNS)
    if not isinstance(frame, pd.DataFrame):
        found = describe_type(frame)
    elif len(frame.columns):
        found = f"one with the columns {', '.join(map(str, frame.columns))}"
    else:
        found = "one without columns"
    raise SchemaError(
        f"Expected a frame with creation dates, as returned by one of {functions}, not {found}. "
        "For test runs over time, see k6frames.results_timeline and k6frames.usage."
    )
