"""Summaries: from a frame to a smaller one that answers a question."""

from __future__ import annotations

import contextlib
from datetime import UTC, date, datetime
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from k6frames.errors import ConfigError
from k6frames.schema import carry
from k6frames.tables import (
    ACCOUNT_SUMMARY,
    CREATION_TIMELINE,
    CREATION_TIMELINE_BY_ORGANIZATION,
    IDLE_PROJECTS,
    ORGANIZATION_PROJECTS,
    PROJECTS,
    PROJECTS_PER_ORGANIZATION,
    SHARED_NAMES,
    returns,
)

Frequency = Literal["D", "W", "MS", "QS", "YS"]
Moment = str | date | datetime | pd.Timestamp | None

# A period is so many of numpy's units; the shift makes weeks begin on Monday (1970-01-01 was a
# Thursday).
_PERIODS: dict[str, tuple[str, int, int]] = {
    "D": ("D", 1, 0),
    "W": ("D", 7, 3),
    "MS": ("M", 1, 0),
    "QS": ("M", 3, 0),
    "YS": ("Y", 1, 0),
}


@returns(PROJECTS_PER_ORGANIZATION)
def projects_per_organization(organization_projects: pd.DataFrame) -> pd.DataFrame:
    """Count the projects of each organization.

    Parameters
    ----------
    organization_projects : pandas.DataFrame
        As `organization_projects_df` or `join_projects` returns it.

    Returns
    -------
    pandas.DataFrame
        One row per organization, also for those without projects; most projects first.

    Raises
    ------
    SchemaError
        If the frame does not fit the table ``organization_projects``.

    Examples
    --------
    >>> import k6frames
    >>> both = k6frames.organization_projects_df(client=k6frames.Client.sample())
    >>> k6frames.projects_per_organization(both)[["org_name", "projects", "share"]].head(2)
                     org_name  projects     share
    0  Marmalade Parcel Works        92  0.306667
    1  Café Élan Réservations        61  0.203333
    """
    needed = ("org_id", "org_name", "project_id", "project_created", "project_updated")
    both = ORGANIZATION_PROJECTS.part(*needed).conform(organization_projects)
    groups = both.groupby("org_id", dropna=False, sort=True)
    summary = groups.agg(
        org_name=("org_name", "first"),
        projects=("project_id", "count"),
        first_created=("project_created", "min"),
        last_created=("project_created", "max"),
        last_updated=("project_updated", "max"),
    ).reset_index()
    total = int(summary["projects"].sum())
    summary["share"] = summary["projects"] / total if total else pd.NA
    summary = summary.sort_values("projects", ascending=False, kind="stable")
    return carry(PROJECTS_PER_ORGANIZATION.conform(summary), organization_projects)


@returns(CREATION_TIMELINE, CREATION_TIMELINE_BY_ORGANIZATION)
def creation_timeline(
    frame: pd.DataFrame, *, freq: Frequency = "MS", by: Literal["org_id"] | None = None
) -> pd.DataFrame:
    """Count what was created in each period, and up to its end.

    Parameters
    ----------
    frame : pandas.DataFrame
        Organizations, projects, or both joined (then projects are counted). Rows without a date of
        creation are left out.
    freq : {"MS", "D", "W", "QS", "YS"}, default "MS"
        Length of a period: month, day, week from Monday, quarter or year, all in UTC.
    by : {"org_id"}, optional
        Count each organization apart.

    Returns
    -------
    pandas.DataFrame
        One row per period from the first to the last, those with nothing created included. With
        ``by="org_id"`` every organization that has a date has every period.

    Raises
    ------
    ConfigError
        If `freq` or `by` is none of these.
    SchemaError
        If the frame has no dates of creation.

    Examples
    --------
    >>> import k6frames
    >>> projects = k6frames.projects_df(client=k6frames.Client.sample())
    >>> k6frames.creation_timeline(projects, freq="YS").head(2)
                         period  created  cumulative
    0 2016-01-01 00:00:00+00:00       34          34
    1 2017-01-01 00:00:00+00:00       17          51
    """
    if freq not in _PERIODS:
        known = ", ".join(get_args(Frequency))
        raise ConfigError(
            f"freq is one of {known} (day, week, month, quarter, year), not {freq!r}."
        )
    if by not in (None, "org_id"):
        raise ConfigError(f'by is "org_id" or None, not {by!r}.')
    column, table = "created", PROJECTS
    if "project_created" in frame.columns:
        column, table = "project_created", ORGANIZATION_PROJECTS
    dated = table.part(column, *([by] if by else [])).conform(frame).dropna(subset=column)
    unit, size, shift = _PERIODS[freq]
    moments = dated[column].dt.tz_convert(None).to_numpy().astype(f"datetime64[{unit}]")
    numbers = (moments.astype(np.int64) + shift) // size
    first = int(numbers.min()) if len(numbers) else 0
    count = int(numbers.max()) - first + 1 if len(numbers) else 0
    starts = (np.arange(first, first + count) * size - shift).astype(f"datetime64[{unit}]")
    periods = starts.astype("datetime64[us]")
    if by is None:
        created = np.bincount(numbers - first, minlength=count)
        timeline = {"period": periods, "created": created, "cumulative": created.cumsum()}
        return carry(CREATION_TIMELINE.conform(pd.DataFrame(timeline)), frame)
    codes, organizations = pd.factorize(dated["org_id"], sort=True, use_na_sentinel=False)
    cells = np.bincount(codes * count + (numbers - first), minlength=len(organizations) * count)
    created = cells.reshape(len(organizations), count)
    timeline_by: dict[str, Any] = {
        "org_id": organizations.repeat(count),
        "period": np.tile(periods, len(organizations)),
        "created": created.ravel(),
        "cumulative": created.cumsum(axis=1).ravel(),
    }
    return carry(CREATION_TIMELINE_BY_ORGANIZATION.conform(pd.DataFrame(timeline_by)), frame)


@returns(IDLE_PROJECTS)
def idle_projects(
    organization_projects: pd.DataFrame,
    *,
    days: int = 180,
    as_of: Moment = None,
) -> pd.DataFrame:
    """Find the projects that nobody has updated for long.

    Parameters
    ----------
    organization_projects : pandas.DataFrame
        As `organization_projects_df` or `join_projects` returns it. Rows without a project, or
        without a date of its last update, are left out.
    days : int, default 180
        How many whole days without an update make a project idle.
    as_of : str, datetime or Timestamp, optional
        The moment to look from, in UTC where it names no offset; by default now.

    Returns
    -------
    pandas.DataFrame
        One row per idle project, the longest idle first.

    Raises
    ------
    ConfigError
        If `days` or `as_of` cannot be understood.
    SchemaError
        If the frame does not fit the table ``organization_projects``.

    Examples
    --------
    >>> import k6frames
    >>> both = k6frames.organization_projects_df(client=k6frames.Client.sample())
    >>> idle = k6frames.idle_projects(both, days=365, as_of="2026-07-01")
    >>> idle[["project_name", "idle_days"]].head(2)
                    project_name  idle_days
    0             Login baseline       3751
    1  gRPC inventory breakpoint       3751
    """
    needed = [column.name for column in IDLE_PROJECTS.columns if column.name != "idle_days"]
    both = ORGANIZATION_PROJECTS.part(*needed).conform(organization_projects)
    if isinstance(days, bool) or not isinstance(days, int | np.integer) or days < 0:
        raise ConfigError(f"days must be a whole number, 0 or more, not {days!r}.")
    idle = (_moment(as_of) - both["project_updated"]).dt.days
    idle = both.assign(idle_days=idle)[idle.ge(days) & both["project_id"].notna()]
    idle = idle.sort_values(["project_updated", "project_id"])
    return carry(IDLE_PROJECTS.conform(idle), organization_projects)


@returns(ACCOUNT_SUMMARY)
def account_summary(organization_projects: pd.DataFrame, *, as_of: Moment = None) -> pd.DataFrame:
    """Count what the account holds, what is new in it and what lies idle.

    Parameters
    ----------
    organization_projects : pandas.DataFrame
        As `organization_projects_df` or `join_projects` returns it.
    as_of : str, datetime or Timestamp, optional
        The moment to look from, in UTC where it names no offset; by default now.

    Returns
    -------
    pandas.DataFrame
        One row.

    Raises
    ------
    ConfigError
        If `as_of` cannot be understood.
    SchemaError
        If the frame does not fit the table ``organization_projects``.

    Examples
    --------
    >>> import k6frames
    >>> both = k6frames.organization_projects_df(client=k6frames.Client.sample())
    >>> k6frames.account_summary(both, as_of="2026-07-01")[["organizations", "projects"]]
       organizations  projects
    0             12       300
    """
    moment = _moment(as_of)
    counts = projects_per_organization(organization_projects)
    dated = ORGANIZATION_PROJECTS.part("project_created").conform(organization_projects)
    created = dated["project_created"]
    age = (moment - created).dt.days
    glance = {
        "as_of": moment,
        "organizations": counts["org_id"].notna().sum(),
        "empty_organizations": (counts["projects"] == 0).sum(),
        "projects": counts["projects"].sum(),
        "created_30_days": age.between(0, 29).sum(),
        "created_365_days": age.between(0, 364).sum(),
        "idle_180_days": len(idle_projects(organization_projects, days=180, as_of=moment)),
        "first_created": created.min(),
        "last_created": created.max(),
    }
    return carry(ACCOUNT_SUMMARY.conform(pd.DataFrame([glance])), organization_projects)


@returns(SHARED_NAMES)
def shared_names(organization_projects: pd.DataFrame) -> pd.DataFrame:
    """Find the project names that occur in several organizations.

    Parameters
    ----------
    organization_projects : pandas.DataFrame
        As `organization_projects_df` or `join_projects` returns it.

    Returns
    -------
    pandas.DataFrame
        One row per name, that of most organizations first.

    Raises
    ------
    SchemaError
        If the frame does not fit the table ``organization_projects``.

    Examples
    --------
    >>> import k6frames
    >>> both = k6frames.organization_projects_df(client=k6frames.Client.sample())
    >>> k6frames.shared_names(both).head(2)
          project_name  organizations  projects
    0  Default project              9         9
    1      Smoke tests              6         6
    """
    both = ORGANIZATION_PROJECTS.part("org_id", "project_id", "project_name").conform(
        organization_projects
    )
    names = (
        both.dropna(subset=["project_id", "project_name"])
        .groupby("project_name", sort=True)
        .agg(organizations=("org_id", "nunique"), projects=("project_id", "count"))
        .query("organizations > 1")
        .sort_values(["organizations", "projects"], ascending=False, kind="stable")
        .reset_index()
    )
    return carry(SHARED_NAMES.conform(names), organization_projects)


def _moment(as_of: Moment) -> pd.Timestamp:
    """The moment that somebody means, in UTC."""
    as_of = datetime.now(UTC) if as_of is None else as_of
    # A number would be counted in nanoseconds since 1970, which nobody means.
    if isinstance(as_of, str | date | np.datetime64):
        with contextlib.suppress(ValueError, TypeError, OverflowError):
            moment = pd.Timestamp(as_of)
            if not pd.isna(moment):
                in_utc = moment.tz_localize if moment.tz is None else moment.tz_convert
                return in_utc("UTC").as_unit("us")
    raise ConfigError(f"as_of should be a date such as '2026-07-01', not {as_of!r}.")
