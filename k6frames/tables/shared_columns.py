"""Columns that several tables have."""

from __future__ import annotations

from k6frames.tables.schema import INT, STRING, TIMESTAMP, Column

STACK_ID = Column("stack_id", INT, "stack ID", nullable=False)
ORG_ID = Column("org_id", INT, "organization ID")
ORG_NAME = Column("org_name", STRING, "organization name")
PERIOD = Column(
    "period", TIMESTAMP, "first day of the period in UTC; weeks begin on Monday", nullable=False
)
PROJECT_ID = Column("project_id", INT, "project ID")
PROJECT_NAME = Column("project_name", STRING, "project name")
LOAD_TEST_ID = Column("load_test_id", INT, "load test ID")
LOAD_TEST_NAME = Column("load_test_name", STRING, "load test name")

PERCENTAGES = {"pass_rate", "share", "change"}
"""The columns whose floats are shown as percentages: 1.0 is 100%."""
