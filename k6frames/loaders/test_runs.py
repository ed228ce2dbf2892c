"""Test runs of Grafana stacks (v6), with or without the names of their load tests and projects."""

from __future__ import annotations

import pandas as pd

from k6frames.api import endpoints
from k6frames.api.client import Client
from k6frames.api.default_client import client_or_default
from k6frames.api.endpoints import Request
from k6frames.api.on_error import OnError
from k6frames.api.stack_arguments import StackArgument
from k6frames.api.time_windows import TimeWindows
from k6frames.errors import ConfigError
from k6frames.loaders.ids import IDs, validate_ids
from k6frames.loaders.joins import join_test_runs
from k6frames.loaders.load_tests import load_tests_df, stack_projects_df
from k6frames.loaders.stack_lists import StackRequests, load_lists, request_from_stacks
from k6frames.tables import TEST_RUN_DETAILS, TEST_RUNS
from k6frames.tables.schema import returns
from k6frames.tables.timestamp_arguments import TimestampLike, parse_timestamp


@returns(TEST_RUNS)
def test_runs_df(
    *,
    load_test_ids: IDs | None = None,
    created_after: TimestampLike | None = None,
    created_before: TimestampLike | None = None,
    stack: StackArgument = None,
    client: Client | None = None,
    on_error: OnError = "raise",
) -> pd.DataFrame:
    """Return the test runs of Grafana stacks.

    Parameters
    ----------
    load_test_ids : int or iterable of int, optional
        IDs of the load tests whose runs to return; by default all load tests.
    created_after : str, date, datetime or pandas.Timestamp, optional
        Only runs created at or after this time; UTC if it has no offset.
    created_before : str, date, datetime or pandas.Timestamp, optional
        Only runs created before this time; UTC if it has no offset.
    stack : int, str or iterable of these, optional
        The Grafana stacks to read: IDs, slugs or URLs; by default the client's. With
        `load_test_ids`, only one stack, unless the client reads a folder.
    client : Client, optional
        The account to read; by default the one that the environment describes.
    on_error : {"raise", "warn"}, default "raise"
        What to do if a stack or a load test cannot be read. With "warn", it is left out, a warning
        names it, and ``frame.attrs["failed"]`` lists it. A malformed response is always an error.

    Returns
    -------
    pandas.DataFrame
        One row per test run, stack by stack, oldest first. A run without `ended` is under way,
        and its `total_vuh` is an estimate.

    Raises
    ------
    ConfigError
        If no token or no stack is found, or an argument cannot be used.
    APIError
        If the API gives no usable response, or the list changed each time it was read.
    SchemaError
        If a response does not match the table.

    Notes
    -----
    Source: ``GET /cloud/v6/test_runs``, ``GET /cloud/v6/load_tests/{id}/test_runs``,
    https://grafana.com/docs/grafana-cloud/testing/k6/reference/cloud-rest-api/

    Examples
    --------
    >>> import k6frames
    >>> client = k6frames.Client.sample()
    >>> runs = k6frames.test_runs_df(created_after="2026-01-01", client=client)
    >>> runs["created"].min().year
    2026
    """
    client = client_or_default(client)
    after = _parse_bound("created_after", created_after)
    before = _parse_bound("created_before", created_before)
    if after is not None and before is not None and after >= before:
        raise ConfigError(
            f"created_after ({after.isoformat()}) must be before created_before "
            f"({before.isoformat()})."
        )
    ids = None if load_test_ids is None else validate_ids("load_test_ids", load_test_ids)
    stack_requests = _run_requests(ids, client, stack, on_error)
    readers = [
        TimeWindows(
            request,
            after.to_pydatetime() if after is not None else None,
            before.to_pydatetime() if before is not None else None,
        )
        for request in stack_requests.requests
    ]
    runs = load_lists(TEST_RUNS, readers, stack_requests, client, on_error)
    # The API has already selected the runs. In a folder, all runs of a stack are in one file.
    selected = pd.Series(data=True, index=runs.index)
    if ids is not None:
        selected &= runs["load_test_id"].isin(ids)
    if after is not None:
        selected &= runs["created"] >= after
    if before is not None:
        selected &= runs["created"] < before
    runs = runs[selected].sort_values(["stack_id", "created", "test_run_id"])
    return runs.reset_index(drop=True)


@returns(TEST_RUN_DETAILS)
def test_run_details_df(
    *,
    load_test_ids: IDs | None = None,
    created_after: TimestampLike | None = None,
    created_before: TimestampLike | None = None,
    stack: StackArgument = None,
    client: Client | None = None,
    on_error: OnError = "raise",
) -> pd.DataFrame:
    """Return test runs with the names of their load tests and projects.

    Parameters
    ----------
    load_test_ids : int or iterable of int, optional
        IDs of the load tests whose runs to return; by default all load tests.
    created_after : str, date, datetime or pandas.Timestamp, optional
        Only runs created at or after this time; UTC if it has no offset.
    created_before : str, date, datetime or pandas.Timestamp, optional
        Only runs created before this time; UTC if it has no offset.
    stack : int, str or iterable of these, optional
        The Grafana stacks to read: IDs, slugs or URLs; by default the client's. With
        `load_test_ids`, only one stack, unless the client reads a folder.
    client : Client, optional
        The account to read; by default the one that the environment describes.
    on_error : {"raise", "warn"}, default "raise"
        What to do if a stack or a load test cannot be read. With "warn", it is left out, a warning
        names it, and ``frame.attrs["failed"]`` lists it. A malformed response is always an error.

    Returns
    -------
    pandas.DataFrame
        One row per test run, stack by stack, oldest first.

    Raises
    ------
    ConfigError
        If no token or no stack is found, or an argument cannot be used.
    APIError
        If the API gives no usable response, or a list changed each time it was read.
    SchemaError
        If a response does not match its table.

    Examples
    --------
    >>> import k6frames
    >>> details = k6frames.test_run_details_df(client=k6frames.Client.sample())
    >>> len(details), int(details["load_test_name"].isna().sum())
    (3074, 4)
    """
    client = client_or_default(client)
    runs = test_runs_df(
        load_test_ids=load_test_ids,
        created_after=created_after,
        created_before=created_before,
        stack=stack,
        client=client,
        on_error=on_error,
    )
    if runs.empty:
        return TEST_RUN_DETAILS.conform(runs.reindex(columns=list(TEST_RUN_DETAILS.dtypes)))
    # Only stacks that have runs, so that a stack whose runs could not be read is left out here too.
    stack_ids = runs["stack_id"].unique().tolist()
    load_tests = load_tests_df(stack=stack_ids, client=client, on_error=on_error)
    projects = stack_projects_df(stack=stack_ids, client=client, on_error=on_error)
    return join_test_runs(runs, load_tests, projects)


def _parse_bound(name: str, value: TimestampLike | None) -> pd.Timestamp | None:
    return None if value is None else parse_timestamp(name, value)


def _run_requests(
    load_test_ids: list[int] | None, client: Client, stack: StackArgument, on_error: OnError
) -> StackRequests:
    """Return a request for the runs of each load test, or for all runs of each stack."""
    if load_test_ids is None or client.folder is not None:  # a folder has no file per load test
        return request_from_stacks(endpoints.TEST_RUNS, client, stack, on_error)
    found = client.one_stack(stack)
    subjects = {}
    for load_test_id in load_test_ids:
        path = endpoints.load_test_runs(load_test_id)
        request = Request(path, found.id, label=f"load test {load_test_id}")
        subjects[request] = {"stack_id": found.id, "load_test_id": load_test_id}
    return StackRequests(list(subjects), {}, subjects)
