"""Tables of idle projects and idle load tests."""

from __future__ import annotations

from k6frames.tables.schema import INT, TIMESTAMP, Column, Table
from k6frames.tables.shared_columns import (
    LOAD_TEST_NAME,
    ORG_ID,
    ORG_NAME,
    PROJECT_ID,
    PROJECT_NAME,
    STACK_ID,
)

IDLE_PROJECTS = Table(
    name="idle_projects",
    doc="a project that has been idle for a long time, longest idle first",
    key=("org_id", "project_id"),
    function="idle_projects(organization_projects)",
    columns=(
        ORG_ID,
        ORG_NAME,
        Column("project_id", INT, "project ID", nullable=False),
        PROJECT_NAME,
        Column("project_created", TIMESTAMP, "when it was created"),
        Column("project_updated", TIMESTAMP, "when its settings were last changed"),
        Column("last_run", TIMESTAMP, "when its last test run was created; missing if unknown"),
        Column("idle_days", INT, "full days since the last update or test run", nullable=False),
    ),
)

IDLE_LOAD_TESTS = Table(
    name="idle_load_tests",
    doc="a load test that has not run for a long time, longest idle first",
    key=("stack_id", "load_test_id"),
    function="idle_load_tests(load_tests, test_runs)",
    columns=(
        STACK_ID,
        Column("load_test_id", INT, "load test ID", nullable=False),
        LOAD_TEST_NAME,
        PROJECT_ID,
        Column("load_test_created", TIMESTAMP, "when it was created"),
        Column("last_run", TIMESTAMP, "when its last run was created; missing if it has none"),
        Column(
            "idle_days",
            INT,
            "full days since its last run or, without runs, its creation",
            nullable=False,
        ),
    ),
)
