"""Test runs (v6), and test runs with the names of load tests and projects."""

from __future__ import annotations

from dataclasses import replace

from k6frames.tables.schema import BOOL, FLOAT, INT, STRING, TIMESTAMP, Column, Table
from k6frames.tables.shared_columns import STACK_ID


def _cost(name: str, doc: str, source: str) -> Column:
    """Declare a field of a run's cost, which k6 sends as a number or as a numeric string."""
    return Column(name, FLOAT, doc, f"cost.{source}", numeric_strings=True)


TEST_RUNS = Table(
    name="test_runs",
    doc="a run of a load test; it is under way while `ended` is missing",
    key=("stack_id", "test_run_id"),
    function="test_runs_df()",
    columns=(
        STACK_ID,
        Column("test_run_id", INT, "test run ID", "id", nullable=False),
        Column("load_test_id", INT, "ID of its load test", "test_id", nullable=False),
        Column("project_id", INT, "ID of its project", "project_id"),
        Column("created", TIMESTAMP, "when it was created", "created"),
        Column("ended", TIMESTAMP, "when it ended; missing if it is under way", "ended"),
        Column(
            "status",
            STRING,
            "created, queued, initializing, running, processing_metrics, completed, aborted, ...",
            "status",
        ),
        Column("result", STRING, "passed, failed or error; missing if it has no result", "result"),
        Column(
            "result_reason",
            STRING,
            "type of the result: passed, failed or error",
            "result_details.type",
        ),
        Column("result_message", STRING, "why it failed", "result_details.message"),
        Column(
            "aborted_by",
            STRING,
            "e-mail address of the user who set its status, such as aborted",
            "status_details.extra.by_user",
            private=True,
        ),
        Column(
            "started_by",
            STRING,
            "e-mail address of the user who started it",
            "started_by",
            private=True,
        ),
        Column("note", STRING, "note", "note"),
        Column("is_starred", BOOL, "whether it is starred", "is_starred"),
        Column("max_vus", INT, "largest number of concurrent VUs", "max_vus"),
        Column(
            "max_browser_vus", INT, "largest number of concurrent browser VUs", "max_browser_vus"
        ),
        Column("estimated_duration", INT, "estimated duration in seconds", "estimated_duration"),
        Column("execution_duration", FLOAT, "duration in seconds", "execution_duration"),
        _cost("total_vuh", "cost in VUh; an estimate while it is under way", "total_vuh"),
        _cost("protocol_vuh", "cost of the protocol part in VUh", "breakdown.protocol_vuh"),
        _cost("browser_vuh", "cost of the browser part in VUh", "breakdown.browser_vuh"),
        _cost("base_total_vuh", "cost in VUh before reductions", "breakdown.base_total_vuh"),
        _cost("reduction_rate", "reduction of the cost in percent", "breakdown.reduction_rate"),
        Column("retention_expiry", TIMESTAMP, "when k6 deletes it", "retention_expiry"),
    ),
)


def _test_run_details_columns() -> tuple[Column, ...]:
    """Return the public columns of test runs, with load test and project names after their IDs."""
    names = {
        "load_test_id": Column(
            "load_test_name", STRING, "load test name; missing if the load test was deleted"
        ),
        "project_id": Column(
            "project_name", STRING, "project name; missing if the project was deleted"
        ),
    }
    columns: list[Column] = []
    for column in TEST_RUNS.columns:
        if not column.private:
            columns.append(replace(column, source=None))
        if column.name in names:
            columns.append(names[column.name])
    return tuple(columns)


TEST_RUN_DETAILS = Table(
    name="test_run_details",
    doc="a test run with the names of its load test and project",
    key=("stack_id", "test_run_id"),
    function="test_run_details_df()",
    columns=_test_run_details_columns(),
)
