"""Metrics of load tests, and one value of a metric per test run (v5)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from k6frames import parsing
from k6frames.api import endpoints
from k6frames.api.client import Client
from k6frames.api.default_client import client_or_default
from k6frames.api.endpoints import Request
from k6frames.api.on_error import OnError
from k6frames.loaders.attrs import with_attrs
from k6frames.loaders.ids import IDs, validate_ids
from k6frames.loaders.metric_queries import (
    build_query,
    fetch_queries,
    load_test_metrics_request,
)
from k6frames.loaders.metric_responses import iter_points, parse_run_id, series_name
from k6frames.tables import METRIC_VALUES, METRICS
from k6frames.tables.schema import returns
from k6frames.validation import validate_integer

DEFAULT_LAST_RUNS = 30
"""How many of the newest runs are read by default. A folder of responses has the values of only
these runs."""


@returns(METRICS)
def metrics_df(
    load_test_id: IDs,
    *,
    test_run_ids: IDs | None = None,
    stack: int | str | None = None,
    client: Client | None = None,
    on_error: OnError = "raise",
) -> pd.DataFrame:
    """Return the metrics of one or more load tests.

    Parameters
    ----------
    load_test_id : int or iterable of int
        One or more load test IDs.
    test_run_ids : int or iterable of int, optional
        IDs of the test runs whose metrics to return; by default, the last 30 runs. A folder of
        responses does not have the metrics of single runs, so the IDs are ignored there. If there
        are no IDs, the frame is empty.
    stack : int or str, optional
        The Grafana stack: ID, slug or URL; by default the client's.
    client : Client, optional
        The account to read; by default the one that the environment describes.
    on_error : {"raise", "warn"}, default "raise"
        What to do if the API gives no usable response for a load test. With "warn", it is left
        out, a warning names it, and ``frame.attrs["failed"]`` lists it.

    Returns
    -------
    pandas.DataFrame
        One row per load test and metric.

    Raises
    ------
    ConfigError
        If no token or no stack is found, or an argument cannot be used.
    APIError
        If the API gives no usable response.
    SchemaError
        If a response does not match the table.

    Notes
    -----
    Source: ``GET /cloud/v5/load_tests/{id}/metrics``,
    https://grafana.com/docs/grafana-cloud/testing/k6/reference/cloud-rest-api/metrics/

    Examples
    --------
    >>> import k6frames
    >>> metrics = k6frames.metrics_df(735140, client=k6frames.Client.sample())
    >>> metrics.loc[metrics["name"] == "http_req_duration", "type"].item()
    'trend'
    """
    client = client_or_default(client)
    ids = validate_ids("load_test_id", load_test_id)
    run_ids = None if test_run_ids is None else validate_ids("test_run_ids", test_run_ids)
    if run_ids == []:
        ids = []  # no runs, no requests
    if client.folder is not None:
        run_ids = None  # a folder does not have the metrics of single runs
    stack_id = client.one_stack(stack).id
    subjects = {
        load_test_metrics_request(each_id, stack_id, run_ids): {"load_test_id": each_id}
        for each_id in ids
    }
    responses = client.fetch(subjects, on_error=on_error)
    received_ids = [subjects[request]["load_test_id"] for request in responses.bodies]
    arrow = parsing.read(METRICS, responses.bodies, constants={"load_test_id": received_ids})
    return with_attrs(METRICS.to_frame(arrow), responses, subjects)


@returns(METRIC_VALUES)
def metric_values_df(
    load_test_id: IDs,
    metric: str = "http_req_duration",
    query: str = "histogram_quantile(0.95)",
    *,
    by: str | Iterable[str] | None = None,
    last: int = DEFAULT_LAST_RUNS,
    test_run_ids: IDs | None = None,
    stack: int | str | None = None,
    client: Client | None = None,
    on_error: OnError = "raise",
) -> pd.DataFrame:
    """Return one value of a metric per test run and series.

    Parameters
    ----------
    load_test_id : int or iterable of int
        One or more load test IDs; each takes one request for all of its runs.
    metric : str, default "http_req_duration"
        The metric, optionally with a selector: ``http_reqs{status!="0"}``.
    query : str, default "histogram_quantile(0.95)"
        What to compute: for a counter ``increase``, ``rate``, ``value``, ``max_rate``; for a gauge
        ``last``, ``min``, ``max``, ``avg``; for a rate ``ratio``; for a trend ``histogram_avg``,
        ``histogram_max``, ``histogram_quantile(0.95)``, ...
    by : str or iterable of str, optional
        Labels to group by: one series for each combination of their values.
    last : int, default 30
        How many of the newest runs to read; a folder of responses has at most 30.
    test_run_ids : int or iterable of int, optional
        IDs of the test runs to read instead of the newest. A folder of responses has only those
        that are among the newest 30.
    stack : int or str, optional
        The Grafana stack: ID, slug or URL; by default the client's.
    client : Client, optional
        The account to read; by default the one that the environment describes.
    on_error : {"raise", "warn"}, default "raise"
        What to do if the API gives no usable response for a load test. With "warn", it is left
        out, a warning names it, and ``frame.attrs["failed"]`` lists it.

    Returns
    -------
    pandas.DataFrame
        One row per run and series, ordered by load test ID, oldest run first. A run whose metrics
        have expired has no rows. For the time of each run, join the frame with `test_runs_df` on
        ``test_run_id``.

    Raises
    ------
    ConfigError
        If no token or no stack is found, or an argument cannot be used.
    APIError
        If the API gives no usable response, or a load test does not have the metric. The message
        names the metrics that it has.
    SchemaError
        If a response does not have the documented form.

    Notes
    -----
    Source: ``GET /cloud/v5/load_tests/{id}/query_aggregate_k6(...)``,
    https://grafana.com/docs/grafana-cloud/testing/k6/reference/cloud-rest-api/metrics/

    Examples
    --------
    >>> import k6frames
    >>> values = k6frames.metric_values_df(735140, client=k6frames.Client.sample())
    >>> values["test_run_id"].nunique(), values["value"].dtype
    (30, Float64Dtype())
    """
    client = client_or_default(client)
    query = build_query(metric, query, by)
    last = validate_integer("last", last, minimum=1, maximum=10_000)
    ids = validate_ids("load_test_id", load_test_id)
    run_ids = None if test_run_ids is None else validate_ids("test_run_ids", test_run_ids)
    if run_ids == []:
        ids = []  # no runs, no requests
    stack_id = client.one_stack(stack).id
    which_runs: dict[str, Any]
    if client.folder is not None:
        # A folder has only the response for this number of runs. The runs are selected below.
        which_runs = {"test_run_count": DEFAULT_LAST_RUNS}
    elif run_ids is not None:
        which_runs = {"test_run_ids": run_ids}
    else:
        which_runs = {"test_run_count": last}
    queries, subjects = {}, {}
    for each_id in ids:
        path = endpoints.metric_values(each_id, query=query, metric=metric, **which_runs)
        request = Request(path, stack_id, label=f"load test {each_id}")
        # If the query has no data, `fetch_queries` requests the metrics that the load test has.
        queries[request] = load_test_metrics_request(each_id, stack_id)
        subjects[request] = {"load_test_id": each_id}
    responses = fetch_queries(queries, metric, client, on_error)
    rows = [
        (
            subjects[point.request]["load_test_id"],
            parse_run_id(point),
            metric,
            query,
            series_name(point.labels),
            point.value,
        )
        for point in iter_points(responses.bodies)
    ]
    values = pd.DataFrame(rows, columns=list(METRIC_VALUES.dtypes))
    if run_ids is not None:
        values = values[values["test_run_id"].isin(run_ids)]
    elif client.folder is not None:
        # The newest runs have the largest IDs.
        by_load_test = values.groupby("load_test_id")["test_run_id"]
        values = values[by_load_test.rank(method="dense", ascending=False) <= last]
    values = values.sort_values(["load_test_id", "test_run_id", "series"])
    return with_attrs(METRIC_VALUES.conform(values), responses, subjects)
