"""v5: metrics of the sample stack's load tests, consistent with how their runs ended."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from functools import cache
from random import Random
from uuid import NAMESPACE_URL, uuid5

from sample_account.incidents import FAILED, SPEED_CHANGES
from sample_account.load_tests import (
    FAILING,
    FASTER,
    FLAKY,
    LOAD_TESTS,
    REFUNDS,
    SLOWER,
    STEADY,
    LoadTest,
)
from sample_account.response_formats import Record, list_response, write_records
from sample_account.test_runs import Run, sample_runs

LAST_RUNS = 30
P95, P99 = "histogram_quantile(0.95)", "histogram_quantile(0.99)"
P95_BY_NAME = f"{P95} by (name)"

DETAILED = (SLOWER, FASTER, STEADY, FLAKY, FAILING, REFUNDS)
"""Load tests that have p99, the request rate and the failure ratio in addition to p95."""

# The name of each request, its p95 relative to all requests, and the factor of release 2026.6.
REQUESTS = {
    "GET /basket": (0.55, 1.0),
    "GET /delivery-slots": (0.8, 1.02),
    "GET /parcels/{id}": (0.6, 1.0),
    "POST /payments/authorize": (1.1, 1.55),
    "Zahlungsbestätigung": (0.9, 1.05),
}
"""The requests of the load test that got slower."""

REQUEST_LABELS = ["method", "name", "scenario", "status", "test_run_id", "url"]
METRICS: list[tuple[str, str, str, list[str]]] = [
    ("checks", "rate", "builtin", ["check", "scenario", "test_run_id"]),
    ("data_received", "counter", "builtin", ["scenario", "test_run_id"]),
    ("data_sent", "counter", "builtin", ["scenario", "test_run_id"]),
    ("http_req_duration", "trend", "builtin", REQUEST_LABELS),
    ("http_req_failed", "rate", "builtin", REQUEST_LABELS),
    ("http_reqs", "counter", "builtin", REQUEST_LABELS),
    ("iteration_duration", "trend", "builtin", ["scenario", "test_run_id"]),
    ("vus", "gauge", "builtin", ["test_run_id"]),
]
BROWSER_METRICS = [("browser_web_vital_lcp", "trend", "builtin", ["scenario", "test_run_id"])]
SCRIPT_METRICS = [("payment_authorized_ms", "trend", "script", ["scenario", "test_run_id"])]


def _metrics_of(test: LoadTest) -> list[tuple[str, str, str, list[str]]]:
    browser = BROWSER_METRICS if test.browser_vus else []
    script = SCRIPT_METRICS if test.id == SLOWER else []
    return sorted(METRICS + browser + script)


def _is_changed(run: Run) -> bool:
    """Return whether a run is after the change in speed of its load test, if there is one."""
    return run.test.id in SPEED_CHANGES and run.created >= SPEED_CHANGES[run.test.id].since


def _speed_factor(run: Run) -> float:
    return SPEED_CHANGES[run.test.id].factor if _is_changed(run) else 1.0


@cache
def p95(run: Run) -> float:
    """Return the p95 of a run's requests in ms; a slow run is above its threshold."""
    rng = Random(f"p95 of {run.id}")
    if run.outcome == "slow":
        return run.test.threshold * rng.uniform(1.04, 1.35)
    return run.test.p95 * _speed_factor(run) * rng.uniform(0.94, 1.06)


def _request_rate(run: Run) -> float:
    """Return the requests per second: each user waits a second between two requests."""
    return run.vus * 0.9 / (1 + p95(run) / 2000)


def _value(run: Run, rng: Random, metric: str, query: str) -> float:
    if query == P99:
        return p95(run) * rng.uniform(1.35, 1.6)
    if metric == "http_reqs":
        return _request_rate(run) * rng.uniform(0.98, 1.02)
    if metric == "http_req_failed":
        usual = rng.uniform(0.004, 0.009) if run.outcome == "slow" else rng.uniform(0, 0.004)
        return rng.uniform(0.03, 0.14) if run.outcome == "http errors" else usual
    return p95(run)


def _write_value(rng: Random, value: float) -> float | str:
    """Write a value as a number or, sometimes, a string; large ones also as an integer."""
    draw = rng.random()
    if draw < 0.15 and value > 100:
        return round(value)
    rounded = round(value, 3 if value > 1 else 6)
    return str(rounded) if draw > 0.88 else rounded


def _pair(rng: Random, seconds: int, value: float) -> list[float | str]:
    return [float(seconds) if rng.random() < 0.3 else seconds, _write_value(rng, value)]


def _has_metrics(run: Run) -> bool:
    return run.executed_seconds > 0


def _last_runs(test: LoadTest) -> list[Run]:
    runs = [run for run in sample_runs() if run.test is test]
    return [run for run in runs[-LAST_RUNS:] if _has_metrics(run)]


def _response(kind: str, results: Sequence[Record]) -> bytes:
    before = f'{{"status":"success","data":{{"resultType":"{kind}","result":'
    return write_records(before, results, "}}") if results else f"{before}null}}}}\n".encode()


def _vector(test: LoadTest, metric: str, query: str) -> bytes:
    rng = Random(f"{query} of {metric} of {test.id}")
    results: list[Record] = []
    for run in _last_runs(test):
        ended = int((run.created + timedelta(seconds=run.executed_seconds + 30)).timestamp())
        for name, (share, factor) in REQUESTS.items() if query == P95_BY_NAME else [("", (1, 1))]:
            labels: Record = {"__name__": metric, "test_run_id": str(run.id)}
            value = _value(run, rng, metric, query)
            if name:
                labels["name"] = name
                # The factor of the request replaces that of the load test.
                request_factor = factor if _is_changed(run) else 1.0
                value = value / _speed_factor(run) * share * request_factor
                value *= rng.uniform(0.97, 1.03)
            results.append({"metric": labels, "values": [_pair(rng, ended, value)]})
    return _response("vector", results)


def _matrix(run: Run, metric: str, query: str) -> bytes:
    """Write a series over a run, which ramps up and down for a twentieth of its time each."""
    rng = Random(f"{query} of {metric} of {run.id}")
    start, step = int(run.created.timestamp()) + 25, 15
    pairs = []
    for elapsed in range(0, run.planned_seconds + 1, step):
        progress = elapsed / run.planned_seconds
        share = min(20 * progress, 20 * (1 - progress), 1)
        value = {
            "vus": float(round(run.vus * share)),
            "http_reqs": _request_rate(run) * share * rng.uniform(0.93, 1.07),
            "http_req_duration": p95(run) * (0.45 + 0.5 * share) * rng.uniform(0.92, 1.12),
        }[metric]
        pairs.append(_pair(rng, start + elapsed, value))
    labels = {"__name__": metric, "test_run_id": str(run.id)}
    return _response("matrix", [{"metric": labels, "values": pairs}])


def _run_metrics(run: Run) -> bytes:
    return list_response(
        {
            "id": str(uuid5(NAMESPACE_URL, f"{run.id}/{name}")),
            "name": name,
            "origin": origin,
            "test_run_id": run.id,
            "type": kind,
        }
        for name, kind, origin, _ in _metrics_of(run.test)
    )


def run_with_series() -> Run:
    """Return the run that has series over time: the first one that is slower and passed."""
    slower_runs = [run for run in sample_runs() if run.test.id == SLOWER and _is_changed(run)]
    return next(run for run in slower_runs if run.outcome not in FAILED)


def metric_responses() -> dict[str, bytes]:
    """Return the response bodies by path below ``cloud/v5``."""
    responses = {}
    for test in LOAD_TESTS:
        runs = _last_runs(test)
        names = _metrics_of(test) if runs else []
        path = f"load_tests/{test.id}"
        responses[f"{path}/metrics"] = list_response(
            {"name": name, "type": kind, "labels": labels} for name, kind, _, labels in names
        )
        for metric, query in _queries(test):
            arguments = f"query='{query}',metric='{metric}',test_run_count={LAST_RUNS}"
            responses[f"{path}/query_aggregate_k6({arguments})"] = _vector(test, metric, query)
    run = run_with_series()
    path = f"test_runs/{run.id}"
    responses[f"{path}/metrics"] = _run_metrics(run)
    for metric, query in [("http_req_duration", P95), ("http_reqs", "rate"), ("vus", "max")]:
        arguments = f"query='{query}',metric='{metric}'"
        responses[f"{path}/query_range_k6({arguments})"] = _matrix(run, metric, query)
    return responses


def _queries(test: LoadTest) -> Iterable[tuple[str, str]]:
    yield "http_req_duration", P95
    if test.id in DETAILED:
        yield "http_req_duration", P99
        yield "http_reqs", "rate"
        yield "http_req_failed", "ratio"
    if test.id == SLOWER:
        yield "http_req_duration", P95_BY_NAME
