"""The metrics of the sample account's stack: they match how its runs ended."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import pandas as pd
import pytest
from sample_account import load_tests as declared
from sample_account.incidents import SPEED_CHANGES
from sample_account.metrics import DETAILED, REQUESTS

V5 = Path(__file__).parents[2] / "data/samples/stacks/48213/cloud/v5"
P95 = "query='histogram_quantile(0.95)',metric='http_req_duration'"
P95_BY_NAME = "query='histogram_quantile(0.95) by (name)',metric='http_req_duration'"
P99 = "query='histogram_quantile(0.99)',metric='http_req_duration'"
RATE = "query='rate',metric='http_reqs'"
RATIO = "query='ratio',metric='http_req_failed'"


def results(load: Any, load_test_id: int, arguments: str) -> list[dict[str, Any]]:
    path = f"v5/load_tests/{load_test_id}/query_aggregate_k6({arguments},test_run_count=30)"
    body = load(path)
    assert body["status"] == "success"
    assert body["data"]["resultType"] == "vector"
    found: list[dict[str, Any]] | None = body["data"]["result"]
    return found or []


def values(load: Any, load_test_id: int, arguments: str, name: str | None = None) -> list[float]:
    """Return the value of each run, oldest first."""
    return [
        float(result["values"][0][1])
        for result in results(load, load_test_id, arguments)
        if name is None or result["metric"]["name"] == name
    ]


def change(series: list[float]) -> float:
    return median(series[-5:]) / median(series[-10:-5]) - 1


def test_every_load_test_has_metrics_but_the_one_that_was_never_run(load: Any) -> None:
    for record in load("v6/load_tests")["value"]:
        metrics = load(f"v5/load_tests/{record['id']}/metrics")["value"]
        assert bool(metrics) == (record["id"] != 808455)
        assert bool(results(load, record["id"], P95)) == (record["id"] != 808455)
        for metric in metrics:
            assert set(metric) == {"name", "type", "labels"}
            assert metric["type"] in {"counter", "gauge", "rate", "trend"}


@pytest.mark.parametrize("arguments", [P95, P99, RATE, RATIO])
def test_values_are_those_of_the_last_30_runs_that_were_executed(
    arguments: str, load: Any, runs: pd.DataFrame
) -> None:
    for load_test_id in DETAILED:
        last = runs[runs["load_test_id"] == load_test_id].tail(30)
        executed = last.loc[last["execution_duration"] > 0, "test_run_id"]
        found = results(load, load_test_id, arguments)
        assert [result["metric"]["test_run_id"] for result in found] == [*map(str, executed)]
        for result in found:
            assert result["metric"]["__name__"] == arguments.rpartition("metric='")[2][:-1]
            assert [len(pair) for pair in result["values"]] == [2]


def test_numbers_have_every_form(load: Any) -> None:
    pairs = [result["values"][0] for i in DETAILED for result in results(load, i, P95)]
    assert {type(time) for time, _ in pairs} == {int, float}
    assert {type(value) for _, value in pairs} == {int, float, str}


def test_one_load_test_got_slower_one_faster_and_one_is_steady(load: Any) -> None:
    changes = {
        test.id: change(values(load, test.id, P95))
        for test in declared.LOAD_TESTS
        if len(values(load, test.id, P95)) >= 10
    }
    assert changes.pop(declared.SLOWER) > 0.3
    assert changes.pop(declared.FASTER) < -0.3
    assert abs(changes[declared.STEADY]) < 0.05
    assert max(map(abs, changes.values())) < 0.1


def test_changes_begin_with_their_releases(load: Any, runs: pd.DataFrame) -> None:
    created = runs.set_index("test_run_id")["created"]
    for load_test_id, (since, factor) in SPEED_CHANGES.items():
        groups: dict[bool, list[float]] = {True: [], False: []}
        for result in results(load, load_test_id, P95):
            run_id = int(result["metric"]["test_run_id"])
            groups[bool(created[run_id] > since)].append(float(result["values"][0][1]))
        assert len(groups[True]) >= 4
        ratio = median(groups[True]) / median(groups[False])
        assert ratio == pytest.approx(factor, rel=0.3)


def test_one_request_is_to_blame_for_the_slower_load_test(load: Any) -> None:
    changes = {name: change(values(load, declared.SLOWER, P95_BY_NAME, name)) for name in REQUESTS}
    assert changes.pop("POST /payments/authorize") > 0.4
    assert max(changes.values()) < 0.2


def test_runs_failed_for_the_reason_that_they_name(load: Any) -> None:
    records = {str(record["id"]): record for record in load("v6/test_runs")["value"]}
    thresholds = {test.id: test.threshold for test in declared.LOAD_TESTS}
    reasons: list[str] = []
    for load_test_id in DETAILED:
        ratios = values(load, load_test_id, RATIO)
        for result, ratio in zip(results(load, load_test_id, P95), ratios, strict=True):
            record = records[result["metric"]["test_run_id"]]
            message = (record["result_details"] or {}).get("message", "")
            is_slow = float(result["values"][0][1]) > thresholds[load_test_id]
            assert is_slow == ("http_req_duration" in message)
            assert (ratio >= 0.01) == ("http_req_failed" in message)
            reasons.append(message.partition(":")[2].split()[0] if message else "")
    assert {"http_req_duration", "http_req_failed", ""} <= set(reasons)


def test_p99_is_above_p95_and_rates_follow_the_users(load: Any, runs: pd.DataFrame) -> None:
    users = runs.set_index("test_run_id")["max_vus"]
    for load_test_id in DETAILED:
        p95, p99 = values(load, load_test_id, P95), values(load, load_test_id, P99)
        assert all(low < high for low, high in zip(p95, p99, strict=True))
        for result in results(load, load_test_id, RATE):
            vus = users[int(result["metric"]["test_run_id"])]
            assert 0.5 * vus < float(result["values"][0][1]) < vus


def test_one_run_has_series_over_its_time(load: Any, runs: pd.DataFrame) -> None:
    (folder,) = (V5 / "test_runs").iterdir()
    run = runs.set_index("test_run_id").loc[int(folder.name)]
    assert run["load_test_id"] == declared.SLOWER
    assert run["result"] == "passed"
    origins = {metric["origin"] for metric in load(f"v5/test_runs/{folder.name}/metrics")["value"]}
    assert origins == {"builtin", "script"}
    for arguments in (P95, RATE, "query='max',metric='vus'"):
        data = load(f"v5/test_runs/{folder.name}/query_range_k6({arguments})")["data"]
        assert data["resultType"] == "matrix"
        (series,) = data["result"]
        times = [time for time, _ in series["values"]]
        assert {later - earlier for earlier, later in pairwise(times)} == {15}
        assert times[0] >= run["created"].timestamp()
        assert times[-1] <= run["ended"].timestamp()
