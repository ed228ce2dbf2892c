"""v5 queries: their arguments, and what it means if the API refuses one or has no data for it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from k6frames import parsing
from k6frames.api import endpoints
from k6frames.api.client import Client, OnError, Responses, with_advice
from k6frames.api.endpoints import Request
from k6frames.errors import APIError, ConfigError
from k6frames.loaders.metric_responses import decode
from k6frames.tables import METRICS
from k6frames.validation import short_repr

MAX_NAMED_METRICS = 20
"""How many metrics an error message names."""

# The statuses of refused queries; with others, nothing is known about the metric.
_REFUSED = frozenset({400, 404, 422})


def load_test_metrics_request(
    load_test_id: int, stack_id: int, test_run_ids: list[int] | None = None
) -> Request:
    """Return the request for the metrics of a load test, or of some of its runs."""
    path = endpoints.metrics_of_load_test(load_test_id, test_run_ids)
    return Request(path, stack_id, label=f"load test {load_test_id}")


def run_metrics_request(test_run_id: int, stack_id: int) -> Request:
    """Return the request for the metrics of a test run."""
    path = endpoints.metrics_of_run(test_run_id)
    return Request(path, stack_id, label=f"test run {test_run_id}")


def complete_query(metric: str, query: str, by: str | Iterable[str] | None) -> str:
    """Return the query with its `by` clause."""
    for name, text in (("metric", metric), ("query", query)):
        if not isinstance(text, str) or not text.strip():
            raise ConfigError(f"{name} must be a non-empty string, not {short_repr(text)}.")
    if by is None:
        return query
    labels: list[Any] = [by] if isinstance(by, str) or not isinstance(by, Iterable) else list(by)
    if not labels or not all(isinstance(label, str) and label for label in labels):
        raise ConfigError(f'by must be labels, such as ["name"], not {short_repr(by)}.')
    if re.search(r"\bby\b", query):
        raise ConfigError(
            f"The query {query[:200]!r} has a by clause already: leave out the argument by."
        )
    return f"{query} by ({', '.join(labels)})"


def fetch_queries(
    queries: Mapping[Request, Request], metric: str, client: Client, on_error: OnError
) -> Responses:
    """Return the responses to queries of a metric.

    The API refuses a metric that there is not, or returns no data, as it does if the data has
    expired. Only then is it asked which metrics there are.

    Parameters
    ----------
    queries : mapping of Request to Request
        For each query, the request for the metrics that its load test or test run has.
    metric : str
        The metric, perhaps with a selector.
    client : Client
        The account.
    on_error : {"raise", "warn"}
        Raise the first failure, or return the failures with the responses.

    Raises
    ------
    APIError
        With ``on_error="raise"``, if a query has no usable response. For an unknown metric the
        message names those that there are.
    """
    try:
        responses = client.fetch(queries, on_error=on_error)
    except APIError as error:
        if error.status not in _REFUSED:
            raise
        # Which of the queries it was is known only if all of them are sent.
        responses = client.fetch(queries, on_error="warn")
    failures = dict(responses.failures)
    name = metric.partition("{")[0].strip()
    for request, names in _list_doubtful(queries, responses, client).items():
        refusal = failures.get(request)
        if names and name not in names:
            # A folder has no words of its own, only no file.
            words = None if client.folder else refusal
            failures[request] = _unknown_metric_error(request, name, names, words)
        elif not names and refusal is not None and refusal.status == 404:
            del failures[request]  # no run was executed, or all data has expired
    failures = {request: failures[request] for request in queries if request in failures}
    if failures and on_error == "raise":
        raise with_advice(next(iter(failures.values())), several=len(queries) > 1)
    bodies = {r: body for r, body in responses.bodies.items() if r not in failures}
    return Responses(bodies, failures, responses.oldest)


def _list_doubtful(
    queries: Mapping[Request, Request], responses: Responses, client: Client
) -> dict[Request, list[str]]:
    """Return, for each query that was refused or has no data, the metrics that there are."""
    doubtful = [r for r, error in responses.failures.items() if error.status in _REFUSED]
    doubtful += [r for r, body in responses.bodies.items() if not decode(r, body)]
    listed = client.fetch([queries[request] for request in doubtful], on_error="warn").bodies
    return {
        request: _read_names(queries[request], listed[queries[request]])
        for request in doubtful
        if queries[request] in listed
    }


def _read_names(request: Request, body: bytes) -> list[str]:
    names: list[str] = parsing.read(METRICS, {request: body})["name"].to_pylist()
    return names


def _unknown_metric_error(
    request: Request, name: str, names: list[str], refusal: APIError | None
) -> APIError:
    shown = ", ".join(sorted(names)[:MAX_NAMED_METRICS])
    if len(names) > MAX_NAMED_METRICS:
        shown += f" and {len(names) - MAX_NAMED_METRICS} more"
    message = f"{request.label} has no metric {name!r}."
    if refusal is not None:
        words = str(refusal).removeprefix(f"{request.label}: ")
        message += f" The API's response: {words}"
    message += f" Choose one of the metrics that it has ({shown})."
    if refusal is None:
        return APIError(404, None, message, request.path)
    return APIError(refusal.status, refusal.code, message, refusal.url)
