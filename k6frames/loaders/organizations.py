"""Organizations and their projects (v3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import SupportsIndex

import pandas as pd

from k6frames import parsing
from k6frames.api import endpoints
from k6frames.api.client import Client
from k6frames.api.default_client import client_or_default
from k6frames.api.endpoints import Request
from k6frames.api.on_error import OnError
from k6frames.loaders.attrs import with_attrs
from k6frames.loaders.ids import IDs, validate_id, validate_ids
from k6frames.loaders.joins import join_projects
from k6frames.tables import ORGANIZATION_PROJECTS, ORGANIZATIONS, PROJECTS
from k6frames.tables.attrs import combine_attrs
from k6frames.tables.schema import Table, returns

UNAVAILABLE_STATUSES = frozenset({401, 403, 404, 410})
"""The statuses that v3 returns if it is retired or refuses the token. Snapshots, syncs and reports
then read only the rest of the account, because v6 may accept the token."""


@returns(ORGANIZATIONS)
def organizations_df(*, client: Client | None = None) -> pd.DataFrame:
    """Return the organizations that the token's user belongs to.

    Parameters
    ----------
    client : Client, optional
        The account to read; by default the one that the environment describes.

    Returns
    -------
    pandas.DataFrame
        One row per organization, in the API's order.

    Raises
    ------
    ConfigError
        If no token is found.
    APIError
        If the API gives no usable response.
    SchemaError
        If the response does not match the table.

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
    return _load(
        ORGANIZATIONS, {Request(endpoints.ORGANIZATIONS): {}}, client, field="organizations"
    )


@returns(ORGANIZATIONS)
def organization_df(org_id: SupportsIndex, *, client: Client | None = None) -> pd.DataFrame:
    """Return one organization.

    Parameters
    ----------
    org_id : int
        Organization ID.
    client : Client, optional
        The account to read; by default the one that the environment describes.

    Returns
    -------
    pandas.DataFrame
        One row.

    Raises
    ------
    ConfigError
        If no token is found, or `org_id` is not an ID.
    APIError
        If the API gives no usable response; status 404 if there is no such organization.
    SchemaError
        If the response does not match the table.

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
    return _load_organizations([validate_id("org_id", org_id)], client)


@returns(PROJECTS)
def projects_df(
    org_ids: IDs | None = None, *, client: Client | None = None, on_error: OnError = "raise"
) -> pd.DataFrame:
    """Return the projects of one organization, of several, or of all.

    Parameters
    ----------
    org_ids : int or iterable of int, optional
        Organization IDs; by default all that the user belongs to.
    client : Client, optional
        The account to read; by default the one that the environment describes.
    on_error : {"raise", "warn"}, default "raise"
        What to do if the API gives no usable response for an organization. With "warn", its
        projects are left out, a warning names it, and ``frame.attrs["failed"]`` lists it. A
        malformed response is always an error.

    Returns
    -------
    pandas.DataFrame
        One row per project, organization by organization, in the API's order.

    Raises
    ------
    ConfigError
        If no token is found, or `org_ids` has a value that is not an ID.
    APIError
        If the API gives no usable response.
    SchemaError
        If a response does not match the table.

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
    if org_ids is not None:
        ids = validate_ids("org_ids", org_ids)
        return _load_projects(
            {org_id: f"organization {org_id}" for org_id in ids}, client, on_error
        )
    organizations = organizations_df(client=client)
    projects = _load_projects(_labels(organizations), client, on_error)
    return combine_attrs(projects, organizations)


@returns(ORGANIZATION_PROJECTS)
def organization_projects_df(
    org_ids: IDs | None = None, *, client: Client | None = None, on_error: OnError = "raise"
) -> pd.DataFrame:
    """Return organizations joined with their projects.

    Parameters
    ----------
    org_ids : int or iterable of int, optional
        Organization IDs; by default all that the user belongs to.
    client : Client, optional
        The account to read; by default the one that the environment describes.
    on_error : {"raise", "warn"}, default "raise"
        What to do if the API gives no usable response for an organization. With "warn", it is
        left out, a warning names it, and ``frame.attrs["failed"]`` lists it.

    Returns
    -------
    pandas.DataFrame
        One row per project, and one per organization that has none; see `join_projects`.

    Raises
    ------
    ConfigError
        If no token is found, or `org_ids` has a value that is not an ID.
    APIError
        If the API gives no usable response.
    SchemaError
        If a response does not match its table.

    Examples
    --------
    >>> import k6frames
    >>> joined = k6frames.organization_projects_df(client=k6frames.Client.sample())
    >>> joined.loc[joined["project_id"].isna(), ["org_id", "org_name"]]
         org_id             org_name
    300  699871  Nový tým (zkušební)
    """
    client = client_or_default(client)
    if org_ids is None:
        organizations = organizations_df(client=client)
    else:
        organizations = _load_organizations(validate_ids("org_ids", org_ids), client, on_error)
    projects = _load_projects(_labels(organizations), client, on_error)
    return join_projects(organizations, projects)


def _labels(organizations: pd.DataFrame) -> dict[int, str]:
    """Return the label of each organization by its ID."""
    names = organizations["name"].fillna("")
    return {
        int(org_id): organization_label(org_id, name)
        for org_id, name in zip(organizations["org_id"], names, strict=True)
    }


def organization_label(org_id: int, name: str) -> str:
    """Return the organization's ID and, if it has one, its name on one line, for messages."""
    name = " ".join(name.split())
    return f"organization {org_id} ({name})" if name else f"organization {org_id}"


def _load_organizations(
    org_ids: list[int], client: Client | None, on_error: OnError = "raise"
) -> pd.DataFrame:
    requests = {
        Request(endpoints.organization(org_id), label=f"organization {org_id}"): {"org_id": org_id}
        for org_id in org_ids
    }
    return _load(ORGANIZATIONS, requests, client, on_error, field="organization", is_list=False)


def _load_projects(
    labels: Mapping[int, str], client: Client | None, on_error: OnError
) -> pd.DataFrame:
    subjects = {
        Request(endpoints.organization_projects(org_id), label=label): {"org_id": org_id}
        for org_id, label in labels.items()
    }
    return _load(PROJECTS, subjects, client, on_error, field="projects")


def _load(
    table: Table,
    subjects: Mapping[Request, Mapping[str, int]],
    client: Client | None,
    on_error: OnError = "raise",
    *,
    field: str,
    is_list: bool = True,
) -> pd.DataFrame:
    """Send requests and return the responses as one frame.

    `subjects` maps each request to what it is for, such as ``{"org_id": 7}``. This is part of the
    entry in ``attrs["failed"]`` if the request fails.
    """
    responses = client_or_default(client).fetch(subjects, on_error=on_error)
    arrow = parsing.read(table, responses.bodies, field=field, is_list=is_list)
    return with_attrs(table.to_frame(arrow), responses, subjects)
