"""Metrics of test runs over time (v5)."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from k6frames.api import endpoints
from k6frames.api.client import Client
from k6frames.api.default_client import client_or_default
from k6frames.api.endpoints import Request
from k6frames.api.on_error import OnError
from k6frames.errors import ConfigError
from k6frames.loaders.attrs import with_attrs
from k6frames.loaders.ids import IDs, validate_ids
from k6frames.loaders.metric_queries import build_query, fetch_queries, run_metrics_request
from k6frames.loaders.metric_responses import iter_points, series_name
from k6frames.tables import METRIC_SERIES
from k6frames.tables.schema import returns
from k6frames.tables.timestamp_arguments import TimestampLike, parse_timestamp
from k6frames.validation import validate_integer


@returns(METRIC_SERIES)
def metric_series_df(
    test_run_id: IDs,
    metric: str = "http_req_duration",
    query: str = "histogram_quantile(0.95)",
    *,
    by: str | Iterable[str] | None = None,
    step: int | None = None,
    start: TimestampLike | None = None,
    end: TimestampLike | None = None,
    stack: int | str | None = None,
    client: Client | None = None,
    on_error: OnError = "raise",
) -> pd.DataFrame:
    """Return a metric over time, for one or more test runs.

    Parameters
    ----------
    test_run_id : int or iterable of int
        One or more test run IDs; each takes one request.
    metric : str, default "http_req_duration"
        The metric, optionally with a selector; see `metric_values_df`.
    query : str, default "histogram_quantile(0.95)"
        What to compute; see `metric_values_df`.
    by : str or iterable of str, optional
        Labels to group by: one series for each combination of their values.
    step : int, optional
        Seconds from one value to the next; by default the API chooses.
    start, end : str, date, datetime or pandas.Timestamp, optional
        The first and last timestamps, UTC if they have no offset; by default the complete run.
    stack : int or str, optional
        The Grafana stack: ID, slug or URL; by default the client's.
    client : Client, optional
        The account to read; by default the one that the environment describes.
    on_error : {"raise", "warn"}, default "raise"
        What to do if the API gives no usable response for a run. With "warn", it is left out, a
        warning names it, and ``frame.attrs["failed"]`` lists it.

    Returns
    -------
    pandas.DataFrame
        One row per run, series and time.

    Raises
    ------
    ConfigError
        If no token or no stack is found, or an argument cannot be used.
    APIError
        If the API gives no usable response, or a run does not have the metric.
    SchemaError
        If a response does not have the documented form.

    Notes
    -----
    Source: ``GET /cloud/v5/test_runs/{id}/query_range_k6(...)``,
    https://grafana.com/docs/grafana-cloud/testing/k6/reference/cloud-rest-api/metrics/

    Examples
    --------
    >>> import k6frames
    >>> series = k6frames.metric_series_df(7241140, client=k6frames.Client.sample())
    >>> series["time"].is_monotonic_increasing
    True
    """
    client = client_or_default(client)
    query = build_query(metric, query, by)
    if step is not None:
        step = validate_integer("step", step, minimum=1, maximum=86_400)
    times = {
        name: parse_timestamp(name, value)
        for name, value in (("start", start), ("end", end))
        if value is not None
    }
    if len(times) == 2 and times["start"] >= times["end"]:
        raise ConfigError(f"start must be before end, not {start} and {end}.")
    stack_id = client.one_stack(stack).id
    queries, subjects = {}, {}
    for run in validate_ids("test_run_id", test_run_id):
        path = endpoints.metric_series(run, query=query, metric=metric, step=step, **times)
        request = Request(path, stack_id, label=f"test run {run}")
        # If the query has no data, `fetch_queries` requests the metrics that the run has.
        queries[request] = run_metrics_request(run, stack_id)
        subjects[request] = {"test_run_id": run}
    responses = fetch_queries(queries, metric, client, on_error)
    rows = [
        (
            subjects[point.request]["test_run_id"],
            metric,
            query,
            series_name(point.labels),
            point.time,
            point.value,
        )
        for point in iter_points(responses.bodies)
    ]
    series = pd.DataFrame(rows, columns=list(METRIC_SERIES.dtypes))
    series = series.sort_values(["test_run_id", "series", "time"])
    return with_attrs(METRIC_SERIES.conform(series), responses, subjects)
