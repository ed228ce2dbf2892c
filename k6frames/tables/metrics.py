"""Metrics, their values and series (v5), and how they change."""

from __future__ import annotations

from k6frames.tables.schema import FLOAT, INT, STRING, TIMESTAMP, Column, Table
from k6frames.tables.shared_columns import LOAD_TEST_NAME

METRICS = Table(
    name="metrics",
    doc="a metric of a load test",
    key=("load_test_id", "name"),
    function="metrics_df(load_test_id)",
    columns=(
        Column("load_test_id", INT, "load test ID", nullable=False),
        Column("name", STRING, "metric name", "name", nullable=False),
        Column("type", STRING, "counter, gauge, rate or trend", "type"),
        Column("origin", STRING, "builtin or script; missing if unknown", "origin"),
        Column("labels", STRING, "names of its labels", "labels", string_list=True),
    ),
)

_SERIES_COLUMNS = (
    Column("metric", STRING, "metric name, followed by its selector if it has one", nullable=False),
    Column("query", STRING, "query, such as histogram_quantile(0.95)", nullable=False),
    Column(
        "series",
        STRING,
        'labels in Prometheus notation, such as {name="login"}; an empty string without labels',
        nullable=False,
    ),
)

METRIC_VALUES = Table(
    name="metric_values",
    doc="the value of a metric's series over one test run",
    key=("load_test_id", "test_run_id", "metric", "query", "series"),
    function="metric_values_df(load_test_id)",
    columns=(
        Column("load_test_id", INT, "load test ID", nullable=False),
        Column("test_run_id", INT, "test run ID", nullable=False),
        *_SERIES_COLUMNS,
        Column("value", FLOAT, "value; durations are in milliseconds"),
    ),
)

METRIC_SERIES = Table(
    name="metric_series",
    doc="the value of a metric's series at one time within a test run",
    key=("test_run_id", "metric", "query", "series", "time"),
    function="metric_series_df(test_run_id, metric, query)",
    columns=(
        Column("test_run_id", INT, "test run ID", nullable=False),
        *_SERIES_COLUMNS,
        Column("time", TIMESTAMP, "time of the value", nullable=False),
        Column("value", FLOAT, "value; durations are in milliseconds"),
    ),
)

METRIC_CHANGES = Table(
    name="metric_changes",
    doc="a series of a load test's metric, largest increase first",
    key=("load_test_id", "metric", "query", "series"),
    function="metric_changes(values, details)",
    columns=(
        Column("load_test_id", INT, "load test ID", nullable=False),
        LOAD_TEST_NAME,
        Column("metric", STRING, "metric", nullable=False),
        Column("query", STRING, "query", nullable=False),
        Column("series", STRING, "labels in Prometheus notation", nullable=False),
        Column("test_runs", INT, "number of runs with a value", nullable=False),
        Column("before", FLOAT, "median value of the five runs before the last five, by default"),
        Column("after", FLOAT, "median value of the last five runs, by default"),
        Column("change", FLOAT, "after / before - 1, such as 0.2 for 20% more"),
    ),
)
