"""Tables of usage in virtual user hours (VUh), and of the monthly limits."""

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

_USAGE = (
    Column("test_runs", INT, "number of runs created in the period", nullable=False),
    Column("vuh", FLOAT, "cost in VUh of the runs that have ended", nullable=False),
    Column("protocol_vuh", FLOAT, "protocol part of `vuh`", nullable=False),
    Column("browser_vuh", FLOAT, "browser part of `vuh`", nullable=False),
    Column(
        "estimated_vuh", FLOAT, "estimate for runs under way; not part of `vuh`", nullable=False
    ),
)

USAGE = Table(
    name="usage",
    doc="a period; periods without runs are included",
    key=("period",),
    function="usage(details, by=None)",
    columns=(PERIOD, *_USAGE),
)

USAGE_BY_STACK = Table(
    name="usage_by_stack",
    doc="a stack in a period; every stack with runs has a row for every period",
    key=("period", "stack_id"),
    function='usage(details, by="stack_id")',
    columns=(PERIOD, STACK_ID, *_USAGE),
)

USAGE_BY_PROJECT = Table(
    name="usage_by_project",
    doc="a project in a period; every project with runs has a row for every period",
    key=("period", "stack_id", "project_id"),
    function="usage(details)",
    columns=(PERIOD, STACK_ID, PROJECT_ID, PROJECT_NAME, *_USAGE),
)

USAGE_BY_LOAD_TEST = Table(
    name="usage_by_load_test",
    doc="a load test in a period; every load test with runs has a row for every period",
    key=("period", "stack_id", "load_test_id"),
    function='usage(details, by="load_test_id")',
    columns=(
        PERIOD,
        STACK_ID,
        LOAD_TEST_ID,
        LOAD_TEST_NAME,
        PROJECT_ID,
        PROJECT_NAME,
        *_USAGE,
    ),
)

USAGE_BY_LABEL = Table(
    name="usage_by_label",
    doc="a label value, such as a team, in a period; each one with runs has a row for every period",
    key=("period", "key", "value"),
    function='usage(details, by="team", project_labels=project_labels)',
    columns=(
        PERIOD,
        Column("key", STRING, "label key, such as team", nullable=False),
        Column("value", STRING, "label value; missing for projects without the label"),
        *_USAGE,
    ),
)

VUH_BUDGET = Table(
    name="vuh_budget",
    doc="a project in the month of `as_of`, largest share of the limit first",
    key=("stack_id", "project_id"),
    function="vuh_budget(details, limits, as_of=...)",
    columns=(
        Column("month", TIMESTAMP, "first day of the month", nullable=False),
        STACK_ID,
        PROJECT_ID,
        PROJECT_NAME,
        Column("used_vuh", FLOAT, "VUh of the month's runs that have ended", nullable=False),
        Column("limit_vuh", FLOAT, "maximum VUh per month; missing if there is no limit"),
        Column("left_vuh", FLOAT, "limit minus used VUh; negative if exceeded"),
        Column("share", FLOAT, "used VUh / limit; missing if the limit is 0 or missing"),
        Column(
            "expected_vuh", FLOAT, "VUh by the end of the month at the current rate", nullable=False
        ),
        Column("days_left", FLOAT, "days until the limit at the current rate; missing if unknown"),
    ),
)
