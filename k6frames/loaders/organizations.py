"""Loaders and joins: from the API to typed frames, one function for each frame."""

from __future__ import annotations

import inspect
import operator
import warnings
from collections.abc import Iterable, Mapping
from datetime import UTC
from typing import Any, SupportsIndex

import pandas as pd

from k6frames.client import Client, OnError, shared_client
from k6frames.errors import ConfigError
from k6frames.schema import Table, carry
from k6frames.tables import (
    ORG_NAMES,
    ORGANIZATION_PROJECTS,
    ORGANIZATIONS,
    ORGANIZATIONS_PUBLIC,
    PROJECT_NAMES,
    PROJECTS,
    returns,
)

OrgIds = SupportsIndex | Iterable[SupportsIndex]

_LIST = "/v3/organizations"


@returns(ORGANIZATIONS)
def organizations_df(*, client: Client | None = None) -> pd.DataFrame:
    """List the organizations that the token's user belongs to.

    Parameters
    ----------
    client : Client, optional
        Whose account to read; by default the one that the environment names.

    Returns
    -------
    pandas.DataFrame
        One row per organization, in the order of the API.

    Raises
    ------
    ConfigError
        If no token is found.
    APIError
        If the API gives no usable answer.
    SchemaError
        If the answer does not fit the table.

    Notes
    -----
    Source: ``GET /v3/organizations``,
    https://grafana.com/docs/grafana-cloud/testing/k6/reference/cloud-rest-api/deprecated-rest-api/

    Examples
    --------
    >>> import k6frames
    >>> organizations = k6frames.organizations_df(client=k6frames.Client.sample())
    >>> organizations[["org_id", "name", "is_default"]].head(2)
       org_id                    name  is_default
    0    1013  Marmalade Parcel Works        True
    1    4127  Café Élan Réservations       False
    """
    return _load(ORGANIZATIONS, {_LIST: None}, client)


@returns(ORGANIZATIONS)
def organization_df(org_id: SupportsIndex, *, client: Client | None = None) -> pd.DataFrame:
    """Read one organization.

    Parameters
    ----------
    org_id : int
        Number of the organization.
    client : Client, optional
        Whose account to read; by default the one that the environment names.

    Returns
    -------
    pandas.DataFrame
        One row.

    Raises
    ------
    ConfigError
        If no token is found, or `org_id` is no number of an organization.
    APIError
        If the API gives no usable answer; status 404 where there is no such organization.
    SchemaError
        If the answer does not fit the table.

    Notes
    -----
    Source: ``GET /v3/organizations/{organization_id}``,
    https://grafana.com/docs/grafana-cloud/testing/k6/reference/cloud-rest-api/deprecated-rest-api/

    Examples
    --------
    >>> import k6frames
    >>> k6frames.organization_df(1013, client=k6frames.Client.sample())[["org_id", "name"]]
       org_id                    name
    0    1013  Marmalade Parcel Works
    """
    return _load(
        ORGANIZATIONS, {f"{_LIST}/{_number(org_id)}": None}, client, envelope="organization"
    )


@returns(PROJECTS)
def projects_df(
    org_id: OrgIds | None = None, *, client: Client | None = None, on_error: OnError = "raise"
) -> pd.DataFrame:
    """List the projects of one organization, of several, or of all.

    Parameters
    ----------
    org_id : int or iterable of int, optional
        Number of the organization, or several; by default all that the user belongs to.
    client : Client, optional
        Whose account to read; by default the one that the environment names.
    on_error : {"raise", "warn"}, default "raise"
        What to do where the API gives no usable answer for an organization. With "warn" its
        projects are left out, a warning names it, and ``frame.attrs["failed"]`` lists it. A
        malformed answer is always an error.

    Returns
    -------
    pandas.DataFrame
        One row per project, organization by organization, in the order of the API.

    Raises
    ------
    ConfigError
        If no token is found, or `org_id` holds no number of an organization.
    APIError
        If the API gives no usable answer.
    SchemaError
        If an answer does not fit the table.

    Notes
    -----
    Source: ``GET /v3/organizations/{organization_id}/projects``,
    https://grafana.com/docs/grafana-cloud/testing/k6/reference/cloud-rest-api/deprecated-rest-api/

    Examples
    --------
    >>> import k6frames
    >>> projects = k6frames.projects_df(client=k6frames.Client.sample())
    >>> len(projects), projects["created"].dtype
    (300, datetime64[us, UTC])
    """
    client = shared_client() if client is None else client
    if org_id is None:
        organizations = organizations_df(client=client)
        return carry(_projects(organizations["org_id"], client, on_error), organizations)
    return _projects(_numbers(org_id), client, on_error)


@returns(ORGANIZATION_PROJECTS)
def organization_projects_df(
    org_id: OrgIds | None = None, *, client: Client | None = None, on_error: OnError = "raise"
) -> pd.DataFrame:
    """Load organizations and their projects, each path once, and join them.

    Parameters
    ----------
    org_id : int or iterable of int, optional
        Number of the organization, or several; by default all that the user belongs to.
    client : Client, optional
        Whose account to read; by default the one that the environment names.
    on_error : {"raise", "warn"}, default "raise"
        What to do where the API gives no usable answer for an organization. With "warn" it is left
        out altogether, a warning names it, and ``frame.attrs["failed"]`` lists it.

    Returns
    -------
    pandas.DataFrame
        One row per project, and one per organization that has none; see `join_projects`.

    Raises
    ------
    ConfigError
        If no token is found, or `org_id` holds no number of an organization.
    APIError
        If the API gives no usable answer.
    SchemaError
        If an answer does not fit its table.

    Examples
    --------
    >>> import k6frames
    >>> both = k6frames.organization_projects_df(client=k6frames.Client.sample())
    >>> both.loc[both["project_id"].isna(), ["org_id", "org_name"]]
         org_id             org_name
    300  699871  Nový tým (zkušební)
    """
    client = shared_client() if client is None else client
    if org_id is None:
        organizations = organizations_df(client=client)
    else:
        paths = {f"{_LIST}/{number}": number for number in _numbers(org_id)}
        organizations = _load(ORGANIZATIONS, paths, client, on_error, envelope="organization")
    return join_projects(organizations, _projects(organizations["org_id"], client, on_error))


@returns(ORGANIZATION_PROJECTS)
def join_projects(organizations: pd.DataFrame, projects: pd.DataFrame) -> pd.DataFrame:
    """Put each project beside its organization.

    Parameters
    ----------
    organizations : pandas.DataFrame
        As `organizations_df` returns it; rows may have been left out.
    projects : pandas.DataFrame
        As `projects_df` returns it; rows may have been left out.

    Returns
    -------
    pandas.DataFrame
        A row per project, and one per organization that has none, in the order of the
        organizations. A project whose organization is unknown stands at the end, without org_name.
        An organization whose projects could not be fetched (``projects.attrs["failed"]``) is left
        out: it would look as if it had none.

    Raises
    ------
    SchemaError
        If a frame lacks a column that is needed, or a key comes twice.

    Examples
    --------
    >>> import k6frames
    >>> client = k6frames.Client.sample()
    >>> both = k6frames.join_projects(
    ...     k6frames.organizations_df(client=client), k6frames.projects_df(1013, client=client)
    ... )
    >>> int(both["project_id"].count())
    92
    """
    left = ORGANIZATIONS_PUBLIC.conform(organizations).rename(columns=ORG_NAMES)
    right = PROJECTS.conform(projects).rename(columns=PROJECT_NAMES)
    failed = [failure["org_id"] for failure in projects.attrs.get("failed", [])]
    if failed:
        left = left[~left["org_id"].isin(failed) | left["org_id"].isin(right["org_id"])]
    # One to many, since conform has seen that no organization comes twice.
    both = left.merge(right, on="org_id", how="left")
    unknown = right[~right["org_id"].isin(left["org_id"])]
    if len(unknown):
        both = pd.concat([both, unknown])
    # Its key needs no look either: no project comes twice, and no organization without any.
    table = ORGANIZATION_PROJECTS.part(*ORGANIZATION_PROJECTS.dtypes)
    return carry(table.conform(both), organizations, projects)


def _projects(numbers: Iterable[int], client: Client, on_error: OnError) -> pd.DataFrame:
    paths = {f"{_LIST}/{number}/projects": int(number) for number in numbers}
    return _load(PROJECTS, paths, client, on_error)


def _load(
    table: Table,
    paths: Mapping[str, int | None],
    client: Client | None,
    on_error: OnError = "raise",
    *,
    envelope: str | None = None,
) -> pd.DataFrame:
    """Ask for the paths (each with its organization's number) and read the answers as one frame."""
    client = shared_client() if client is None else client
    fetched = client.fetch(paths, on_error=on_error)
    frame = table.read(fetched.bodies, envelope=envelope)
    if fetched.oldest is not None:
        frame.attrs["fetched"] = fetched.oldest.astimezone(UTC).isoformat(timespec="seconds")
    if fetched.failures:
        failed = [
            {"org_id": paths[path], "path": path, "reason": str(error)}
            for path, error in fetched.failures.items()
        ]
        frame.attrs["failed"] = failed
        warnings.warn(
            f"{len(failed)} of {len(paths)} organizations could not be read and are left out: "
            + "; ".join(f"{failure['org_id']} ({failure['reason']})" for failure in failed[:10])
            + (f"; and {len(failed) - 10} more" if len(failed) > 10 else ""),
            stacklevel=_outside(),
        )
    return frame


def _outside() -> int:
    """The stack level of the caller's own line, for a warning that is about what they asked."""
    level, frame = 1, inspect.currentframe()
    while frame is not None and frame.f_globals.get("__name__") == __name__:
        level, frame = level + 1, frame.f_back
    return level - 1


def _numbers(org_id: OrgIds) -> list[int]:
    if isinstance(org_id, Iterable) and not isinstance(org_id, str | bytes):
        return [_number(number) for number in org_id]
    return [_number(org_id)]


def _number(value: Any) -> int:
    """The number of an organization, or an error that says what was given in its place."""
    try:
        number = operator.index(value)
    except TypeError:
        number = -1
    if number < 0 or isinstance(value, bool):
        raise ConfigError(f"org_id is a whole number, or several; not {value!r}.")
    return number
