"""Projects, labels, load tests, limits and load zones of Grafana stacks (v6)."""

from __future__ import annotations

import pandas as pd

from k6frames.api import endpoints
from k6frames.api.client import Client
from k6frames.api.on_error import OnError
from k6frames.api.stack_arguments import StackArgument
from k6frames.loaders.stack_lists import load_stack_list
from k6frames.parsing import STRING_MAP
from k6frames.tables import (
    LOAD_TESTS,
    LOAD_ZONES,
    PROJECT_LABELS,
    PROJECT_LIMITS,
    STACK_PROJECTS,
)
from k6frames.tables.attrs import combine_attrs
from k6frames.tables.schema import INT, Column, Table, returns
from k6frames.tables.shared_columns import STACK_ID

# In a response, the labels of a project are a JSON object; in the frame, (key, value) pairs.
_LABELED_PROJECTS = Table(
    name="labeled_projects",
    doc="a project with its labels",
    key=("stack_id", "project_id"),
    columns=(
        STACK_ID,
        Column("project_id", INT, "project ID", "id", nullable=False),
        Column("labels", STRING_MAP, doc="labels", source="labels"),
    ),
)


@returns(STACK_PROJECTS)
def stack_projects_df(
    *, stack: StackArgument = None, client: Client | None = None, on_error: OnError = "raise"
) -> pd.DataFrame:
    """Return the projects of Grafana stacks.

    Parameters
    ----------
    stack : int, str or iterable of these, optional
        The Grafana stacks to read: IDs, slugs or URLs; by default the client's.
    client : Client, optional
        The account to read; by default the one that the environment describes.
    on_error : {"raise", "warn"}, default "raise"
        What to do if a stack cannot be read. With "warn", it is left out, a warning names it, and
        ``frame.attrs["failed"]`` lists it. A malformed response is always an error.

    Returns
    -------
    pandas.DataFrame
        One row per project, stack by stack, in the API's order. ``project_id`` is the same as
        in `projects_df`, which also has the organization.

    Raises
    ------
    ConfigError
        If no token or no stack is found.
    APIError
        If the API gives no usable response, or the list changed each time it was read.
    SchemaError
        If a response does not match the table.

    Notes
    -----
    Source: ``GET /cloud/v6/projects``,
    https://grafana.com/docs/grafana-cloud/testing/k6/reference/cloud-rest-api/

    Examples
    --------
    >>> import k6frames
    >>> projects = k6frames.stack_projects_df(client=k6frames.Client.sample())
    >>> projects["project_id"].is_unique
    True
    """
    return load_stack_list(
        STACK_PROJECTS, endpoints.STACK_PROJECTS, client=client, stack=stack, on_error=on_error
    )


@returns(PROJECT_LABELS)
def project_labels_df(
    *, stack: StackArgument = None, client: Client | None = None, on_error: OnError = "raise"
) -> pd.DataFrame:
    """Return the labels of projects, such as the team.

    Parameters
    ----------
    stack : int, str or iterable of these, optional
        The Grafana stacks to read: IDs, slugs or URLs; by default the client's.
    client : Client, optional
        The account to read; by default the one that the environment describes.
    on_error : {"raise", "warn"}, default "raise"
        What to do if a stack cannot be read. With "warn", it is left out, a warning names it, and
        ``frame.attrs["failed"]`` lists it. A malformed response is always an error.

    Returns
    -------
    pandas.DataFrame
        One row per project and label.

    Raises
    ------
    ConfigError
        If no token or no stack is found.
    APIError
        If the API gives no usable response, or the list changed each time it was read.
    SchemaError
        If a response does not match the table.

    Notes
    -----
    Source: ``GET /cloud/v6/projects``,
    https://grafana.com/docs/grafana-cloud/testing/k6/reference/cloud-rest-api/

    Examples
    --------
    >>> import k6frames
    >>> labels = k6frames.project_labels_df(client=k6frames.Client.sample())
    >>> "team" in set(labels["key"])
    True
    """
    projects = load_stack_list(
        _LABELED_PROJECTS,
        endpoints.STACK_PROJECTS,
        client=client,
        stack=stack,
        on_error=on_error,
    )
    labels = projects.explode("labels").dropna(subset="labels")
    # Each label is now a pair, and `str[0]` is the first element of any sequence.
    labels["key"] = labels["labels"].str[0].astype("string")
    labels["value"] = labels["labels"].str[1].astype("string")
    return combine_attrs(PROJECT_LABELS.conform(labels), projects)


@returns(LOAD_TESTS)
def load_tests_df(
    *, stack: StackArgument = None, client: Client | None = None, on_error: OnError = "raise"
) -> pd.DataFrame:
    """Return the load tests of Grafana stacks.

    Parameters
    ----------
    stack : int, str or iterable of these, optional
        The Grafana stacks to read: IDs, slugs or URLs; by default the client's.
    client : Client, optional
        The account to read; by default the one that the environment describes.
    on_error : {"raise", "warn"}, default "raise"
        What to do if a stack cannot be read. With "warn", it is left out, a warning names it, and
        ``frame.attrs["failed"]`` lists it. A malformed response is always an error.

    Returns
    -------
    pandas.DataFrame
        One row per load test, stack by stack, in the API's order.

    Raises
    ------
    ConfigError
        If no token or no stack is found.
    APIError
        If the API gives no usable response, or the list changed each time it was read.
    SchemaError
        If a response does not match the table.

    Notes
    -----
    Source: ``GET /cloud/v6/load_tests``,
    https://grafana.com/docs/grafana-cloud/testing/k6/reference/cloud-rest-api/

    Examples
    --------
    >>> import k6frames
    >>> load_tests = k6frames.load_tests_df(client=k6frames.Client.sample())
    >>> len(load_tests)
    40
    """
    return load_stack_list(
        LOAD_TESTS, endpoints.LOAD_TESTS, client=client, stack=stack, on_error=on_error
    )


@returns(PROJECT_LIMITS)
def project_limits_df(
    *, stack: StackArgument = None, client: Client | None = None, on_error: OnError = "raise"
) -> pd.DataFrame:
    """Return the limits of projects.

    Parameters
    ----------
    stack : int, str or iterable of these, optional
        The Grafana stacks to read: IDs, slugs or URLs; by default the client's.
    client : Client, optional
        The account to read; by default the one that the environment describes.
    on_error : {"raise", "warn"}, default "raise"
        What to do if a stack cannot be read. With "warn", it is left out, a warning names it, and
        ``frame.attrs["failed"]`` lists it. A malformed response is always an error.

    Returns
    -------
    pandas.DataFrame
        One row per project that has limits; a missing value means that this limit is not set.

    Raises
    ------
    ConfigError
        If no token or no stack is found.
    APIError
        If the API gives no usable response, or the list changed each time it was read.
    SchemaError
        If a response does not match the table.

    Notes
    -----
    Source: ``GET /cloud/v6/project-limits``,
    https://grafana.com/docs/grafana-cloud/testing/k6/reference/cloud-rest-api/

    Examples
    --------
    >>> import k6frames
    >>> limits = k6frames.project_limits_df(client=k6frames.Client.sample())
    >>> limits["vuh_max_per_month"].dtype
    Int64Dtype()
    """
    return load_stack_list(
        PROJECT_LIMITS, endpoints.PROJECT_LIMITS, client=client, stack=stack, on_error=on_error
    )


@returns(LOAD_ZONES)
def load_zones_df(
    *, stack: StackArgument = None, client: Client | None = None, on_error: OnError = "raise"
) -> pd.DataFrame:
    """Return the load zones that Grafana stacks may use.

    Parameters
    ----------
    stack : int, str or iterable of these, optional
        The Grafana stacks to read: IDs, slugs or URLs; by default the client's.
    client : Client, optional
        The account to read; by default the one that the environment describes.
    on_error : {"raise", "warn"}, default "raise"
        What to do if a stack cannot be read. With "warn", it is left out, a warning names it, and
        ``frame.attrs["failed"]`` lists it. A malformed response is always an error.

    Returns
    -------
    pandas.DataFrame
        One row per stack and load zone. A public load zone has the same ID in every stack.

    Raises
    ------
    ConfigError
        If no token or no stack is found.
    APIError
        If the API gives no usable response.
    SchemaError
        If a response does not match the table.

    Notes
    -----
    Source: ``GET /cloud/v6/load_zones``,
    https://grafana.com/docs/grafana-cloud/testing/k6/reference/cloud-rest-api/

    Examples
    --------
    >>> import k6frames
    >>> zones = k6frames.load_zones_df(client=k6frames.Client.sample())
    >>> bool(zones["public"].any())
    True
    """
    return load_stack_list(
        LOAD_ZONES,
        endpoints.LOAD_ZONES,
        client=client,
        stack=stack,
        on_error=on_error,
        is_paged=False,
    )
