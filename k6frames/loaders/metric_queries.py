"""Queries of metrics in v5: build and send them, explain failures, choose load tests to query."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from k6frames import parsing
from k6frames.api import endpoints
from k6frames.api.client import Client
from k6frames.api.endpoints import Request
from k6frames.api.fetching import Responses
from k6frames.api.on_error import OnError, suggest_on_error
from k6frames.errors import APIError, ConfigError
from k6frames.loaders.metric_responses import decode_series
from k6frames.tables import METRICS
from k6frames.validation import short_repr

MAX_NAMED_METRICS = 20
"""How many metrics an error message names."""

METRIC_DAYS = 90
"""The days before now in which the runs of a load test are counted for `MIN_METRIC_RUNS`."""
MIN_METRIC_RUNS = 10
"""Snapshots and reports include the metrics of a load test only if it has this many recent runs.
Each load test takes one request, so this limits the number of requests."""

UNKNOWN_METRIC_STATUSES = frozenset({400, 404, 422})
"""The statuses that the API may return for an unknown metric, or if all data has expired."""


def load_test_metrics_request(
    load_test_id: int, stack_id: int, test_run_ids: list[int] | None = None
) -> Request:
    """Return the request for the metrics of a load test, or of some of its runs."""
    path = endpoints.load_test_metrics(load_test_id, test_run_ids)
    return Request(path, stack_id, label=f"load test {load_test_id}")


def run_metrics_request(test_run_id: int, stack_id: int) -> Request:
    """Return the request for the metrics of a test run."""
    path = endpoints.test_run_metrics(test_run_id)
    return Request(path, stack_id, label=f"test run {test_run_id}")


def build_query(metric: str, query: str, by: str | Iterable[str] | None) -> str:
    """Check the arguments of a query, and return the query with its `by` clause."""
    for name, text in (("metric", metric), ("query", query)):
        if not isinstance(text, str) or not text.strip():
            raise ConfigError(f"{name} must be a non-empty string, not {short_repr(text)}.")
    if by is None:
        return query
    labels: list[Any] = []
    if isinstance(by, str):
        labels = [by]
    elif isinstance(by, Iterable):
        labels = list(by)
    if not labels or not all(isinstance(label, str) and label for label in labels):
        raise ConfigError(f'by must be label names, such as ["name"], not {short_repr(by)}.')
    if re.search(r"\bby\b", query):
        raise ConfigError(
            f"The query {query[:200]!r} already has a by clause. Leave out the argument by=."
        )
    return f"{query} by ({', '.join(labels)})"


def fetch_queries(
    queries: Mapping[Request, Request], metric: str, client: Client, on_error: OnError
) -> Responses:
    """Send queries of a metric, and find out why one fails or has no data.

    For an unknown metric, the API returns an error or no data. It returns the same if the data of
    all runs has expired. To tell these apart, the names of the existing metrics are requested.

    Parameters
    ----------
    queries : mapping of Request to Request
        For each query, the request for the metrics of its load test or test run.
    metric : str
        The metric, optionally with a selector.
    client : Client
        The account to read.
    on_error : {"raise", "warn"}
        Raise the first failure, or return the failures with the responses.

    Raises
    ------
    APIError
        With ``on_error="raise"``, if a query has no usable response. For an unknown metric the
        message names the existing ones.
    """
    try:
        responses = client.fetch(queries, on_error=on_error)
    except APIError as error:
        if error.status not in UNKNOWN_METRIC_STATUSES:
            raise
        # The error does not say which query failed: send all, and collect the failures.
        responses = client.fetch(queries, on_error="warn")
    failures = dict(responses.failures)
    name = metric.partition("{")[0].strip()
    for request, existing in _fetch_existing_metrics(queries, responses, client).items():
        failure = failures.get(request)
        if existing and name not in existing:
            # For a folder, the failure says only that a file is missing.
            api_error = None if client.folder else failure
            failures[request] = _unknown_metric_error(request, name, existing, api_error)
        elif not existing and failure is not None and failure.status == 404:
            # The list was read and is empty: no run was executed, or all data has expired.
            del failures[request]
        elif failure is not None and client.folder is not None:
            # The metric exists, so the folder lacks the response to this query.
            failures[request] = _not_stored_error(request, client.folder)
    # Sorted like the queries, so that the failure of the first failed query is raised.
    failures = {request: failures[request] for request in queries if request in failures}
    if failures and on_error == "raise":
        raise suggest_on_error(next(iter(failures.values())), several=len(queries) > 1)
    bodies = {r: body for r, body in responses.bodies.items() if r not in failures}
    return Responses(bodies, failures, responses.oldest)


def _fetch_existing_metrics(
    queries: Mapping[Request, Request], responses: Responses, client: Client
) -> dict[Request, list[str]]:
    """Return the names of the existing metrics for each query that was rejected or has no data.

    The list is empty if there are no metrics. A query whose list cannot be read is left out.
    """
    rejected = [
        r for r, error in responses.failures.items() if error.status in UNKNOWN_METRIC_STATUSES
    ]
    empty = [r for r, body in responses.bodies.items() if not decode_series(r, body)]
    unexplained = [*rejected, *empty]
    listed = client.fetch([queries[request] for request in unexplained], on_error="warn").bodies
    existing = {}
    for request in unexplained:
        list_request = queries[request]
        if list_request in listed:
            metrics = parsing.read(METRICS, {list_request: listed[list_request]})
            existing[request] = metrics["name"].to_pylist()
    return existing


def _unknown_metric_error(
    request: Request, name: str, existing: list[str], api_error: APIError | None
) -> APIError:
    """Return the error for an unknown metric, which quotes the API's error if there is one."""
    listed = ", ".join(sorted(existing)[:MAX_NAMED_METRICS])
    if len(existing) > MAX_NAMED_METRICS:
        listed += f" and {len(existing) - MAX_NAMED_METRICS} more"
    message = f"{request.label} has no metric {name!r}."
    advice = f"Choose one of its metrics ({listed})."
    if api_error is None:
        return APIError(404, None, f"{message} {advice}", request.path)
    response = str(api_error).removeprefix(f"{request.label}: ")
    message = f"{message} The API's response: {response} {advice}"
    return APIError(api_error.status, api_error.code, message, api_error.url)


def _not_stored_error(request: Request, folder: Path) -> APIError:
    message = (
        f"{request.label} has this metric, but {folder} has no response to this query. Use another "
        "query, or read the account from the API."
    )
    return APIError(404, None, message, request.path)


def frequent_load_tests(test_runs: pd.DataFrame, as_of: datetime) -> dict[int, list[int]]:
    """Return the load tests that have run often recently, by stack."""
    recent = test_runs[test_runs["created"] > as_of - timedelta(days=METRIC_DAYS)]
    counts = recent.groupby(["stack_id", "load_test_id"]).size()
    found: dict[int, list[int]] = defaultdict(list)
    for stack_id, load_test_id in counts.index[counts >= MIN_METRIC_RUNS]:
        found[int(stack_id)].append(int(load_test_id))
    return found
