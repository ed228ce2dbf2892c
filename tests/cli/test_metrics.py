"""`k6frames metrics`: trends of load tests, and messages about missing values."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from v5_server import Metric, MetricStack, Run, Series, V5Server

START = datetime(2026, 5, 1, 10, tzinfo=UTC)


def make_run(run_id: int, value: float | None, result: str = "passed") -> Run:
    """Return a run with one value, or without data; the last digits of its ID are the day."""
    metrics = {} if value is None else {"vus": Metric("gauge", [Series({}, [(1, value)])])}
    return Run(run_id, START + timedelta(days=run_id % 100), 60, metrics, result)


@pytest.fixture(autouse=True)
def server(token, monkeypatch):
    stack = MetricStack(
        5,
        load_tests={
            1: [make_run(101, 40), make_run(102, 50), make_run(103, 0), make_run(104, 7, "failed")],
            2: [make_run(201, 2.5)],
            3: [make_run(301, None)],
        },
    )
    with V5Server(stack, token=token) as started:
        monkeypatch.setenv("K6FRAMES_API_URL", started.url)
        monkeypatch.setenv("K6_CLOUD_TOKEN", token)
        monkeypatch.setenv("K6_CLOUD_STACK_ID", "5")
        yield started
        assert started.violations == []


VUS = ("--metric", "vus", "--query", "max")


def test_the_trend_of_several_load_tests_fits_in_80_columns(run, terminal):
    terminal(80)
    result = run("metrics", "1", "test 2", *VUS)
    assert result.stdout.splitlines() == [
        "created           load_test_name  value   change  result  test_run_id",
        "----------------  --------------  -----  -------  ------  -----------",
        "2026-05-05 10:00  Test 1           7.00           failed          104",
        "2026-05-04 10:00  Test 1           0.00  -100.0%  passed          103",
        "2026-05-03 10:00  Test 1          50.00    25.0%  passed          102",
        "2026-05-02 10:00  Test 1          40.00           passed          101",
        "2026-05-02 10:00  Test 2           2.50           passed          201",
        "(5 rows; 6 of 11 columns: choose others with --columns)",
    ]


def test_a_file_has_every_column(run):
    result = run("metrics", "1", *VUS, "--last", "2", "--csv", "-")
    header, first, second = result.stdout.replace('"', "").splitlines()
    assert header == (
        "stack_id,load_test_id,load_test_name,test_run_id,created,result,metric,query,series,value,"
        "change"
    )
    assert first == "5,1,Test 1,104,2026-05-05 10:00:00+00:00,failed,vus,max,,7,"
    assert second == "5,1,Test 1,103,2026-05-04 10:00:00+00:00,passed,vus,max,,0,"


def test_a_load_test_without_values_is_named(run):
    result = run("metrics", "1", "3", *VUS, "--json", "-")
    assert {row["load_test_id"] for row in json.loads(result.stdout)} == {1}
    assert "Note: No values of vus in the last 30 test runs of Test 3 (3)" in result.stderr
    result = run("metrics", "3", *VUS, "--last", "1")
    assert result.exit_code == 1
    assert result.stderr.endswith(
        "Error: No values of vus in the last test run of Test 3 (3). Either there were no test "
        "runs, or their data has expired: `k6frames test-runs --load-test ID` lists the runs.\n"
    )


def test_an_unknown_metric_is_an_error_or_with_warn_left_out(run, server):
    server.stacks[5].load_tests[2][0].metrics["rps"] = Metric("gauge", [Series({}, [(1, 9)])])
    result = run("metrics", "1", "2", "--metric", "rps", "--query", "max")
    assert result.exit_code == 1
    assert "Error: load test 1 has no metric 'rps'. The API's response: " in result.stderr
    advice = "Choose one of its metrics (vus). To read the rest without it, pass --on-error warn.\n"
    assert result.stderr.endswith(advice)
    result = run("metrics", "1", "2", "--metric", "rps", "--query", "max", "--on-error", "warn")
    assert result.exit_code == 0
    assert "\t9.0\t" in result.stdout
    assert "Warning: 1 of 2 requests failed" in result.stderr
    assert "No values" not in result.stderr


def test_an_empty_label_is_an_error_that_names_the_option(run):
    result = run("metrics", "1", *VUS, "--by", "name,")
    assert result.exit_code == 2
    assert (
        result.stderr == "Error: --by must be labels, separated by commas, such as name,status.\n"
    )


def test_an_unknown_load_test_is_an_error_that_names_the_closest(run):
    result = run("metrics", "1", "checkout", *VUS)
    assert result.exit_code == 2
    assert "Give an ID or a name that `k6frames load-tests` lists" in result.stderr
    assert "  2  Test 2" in result.stderr
