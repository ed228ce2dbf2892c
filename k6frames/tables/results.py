"""Tables of test results."""

from __future__ import annotations

from k6frames.tables.schema import FLOAT, INT, STRING, TIMESTAMP, Column, Table
from k6frames.tables.shared_columns import (
    LOAD_TEST_ID,
    LOAD_TEST_NAME,
    PERIOD,
    PROJECT_ID,
    PROJECT_NAME,
    STACK_ID,
)

_RESULTS = (
    Column("passed", INT, "runs with the result passed", nullable=False),
    Column("failed", INT, "runs with the result failed", nullable=False),
    Column("errors", INT, "runs with the result error", nullable=False),
    Column("aborted", INT, "runs that ended without a result", nullable=False),
)

TEST_RESULTS = Table(
    name="test_results",
    doc="a load test with recent runs, lowest pass rate first",
    key=("stack_id", "load_test_id"),
    function="test_results(details, as_of=...)",
    columns=(
        STACK_ID,
        LOAD_TEST_ID,
        LOAD_TEST_NAME,
        PROJECT_ID,
        PROJECT_NAME,
        Column("test_runs", INT, "number of runs", nullable=False),
        *_RESULTS,
        Column("under_way", INT, "runs that have not ended", nullable=False),
        Column("pass_rate", FLOAT, "passed / (passed + failed + errors)"),
        Column("last_run", TIMESTAMP, "when the last run was created"),
        Column("last_result", STRING, "result of the last run that has one"),
        Column(
            "failing_since",
            TIMESTAMP,
            "when the first run with the result failed or error after the last passed run was "
            "created; missing if there is none",
        ),
        Column("median_duration", FLOAT, "median duration of the ended runs in seconds"),
        Column("vuh", FLOAT, "cost in VUh of the runs that have ended", nullable=False),
    ),
)

RESULTS_TIMELINE = Table(
    name="results_timeline",
    doc="a period; periods without runs are included",
    key=("period",),
    function="results_timeline(details)",
    columns=(PERIOD, *_RESULTS),
)

FLAKY_TESTS = Table(
    name="flaky_tests",
    doc="a load test whose result changes back and forth, most changes first",
    key=("stack_id", "load_test_id"),
    function="flaky_tests(details)",
    columns=(
        STACK_ID,
        LOAD_TEST_ID,
        LOAD_TEST_NAME,
        PROJECT_NAME,
        Column(
            "finished_runs",
            INT,
            "number of runs with a result, at most the last 20",
            nullable=False,
        ),
        Column("changes", INT, "how often the result of these runs changed", nullable=False),
        Column("pass_rate", FLOAT, "share of these runs that passed", nullable=False),
        Column("last_run", TIMESTAMP, "when the last of these runs was created"),
        Column("last_result", STRING, "result of the last of these runs"),
    ),
)
