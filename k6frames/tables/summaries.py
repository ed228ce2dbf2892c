"""Tables that summaries return."""

from __future__ import annotations

from k6frames.tables.load_tests import STACK_ID
from k6frames.tables.schema import FLOAT, INT, STRING, TIMESTAMP, Column, Table

_ORG_ID = Column("org_id", INT, "organization ID")
_ORG_NAME = Column("org_name", STRING, "organization name")
_PERIOD = Column(
    "period", TIMESTAMP, "first day of the period in UTC; weeks begin on Monday", nullable=False
)
_PROJECT_ID = Column("project_id", INT, "project ID")
_PROJECT_NAME = Column("project_name", STRING, "project name")
_LOAD_TEST_ID = Column("load_test_id", INT, "load test ID")
_LOAD_TEST_NAME = Column("load_test_name", STRING, "load test name")

# --- projects -----------------------------------------------------------------------------------

PROJECTS_PER_ORGANIZATION = Table(
    name="projects_per_organization",
    doc="an organization, those with the most projects first",
    key=("org_id",),
    function="projects_per_organization(organization_projects)",
    columns=(
        Column("org_id", INT, "organization ID; missing for projects without one"),
        Column("org_name", STRING, "organization name; missing if unknown"),
        Column("projects", INT, "number of projects", nullable=False),
        Column("share", FLOAT, "share of all projects, from 0 to 1; missing if there are none"),
        Column("first_created", TIMESTAMP, "when its first project was created"),
        Column("last_created", TIMESTAMP, "when its last project was created"),
        Column("last_updated", TIMESTAMP, "when one of its projects was last updated"),
    ),
)

_TIMELINE = (
    _PERIOD,
    Column("created", INT, "number created in the period", nullable=False),
    Column("cumulative", INT, "number created by the end of the period", nullable=False),
)

CREATION_TIMELINE = Table(
    name="creation_timeline",
    doc="a period, including those without creations",
    key=("period",),
    function="creation_timeline(frame)",
    columns=_TIMELINE,
)

CREATION_TIMELINE_BY_ORGANIZATION = Table(
    name="creation_timeline_by_organization",
    doc="a period of an organization; every organization has every period",
    key=("org_id", "period"),
    function='creation_timeline(frame, by="org_id")',
    columns=(_ORG_ID, *_TIMELINE),
)

IDLE_PROJECTS = Table(
    name="idle_projects",
    doc="a project that has been idle for a long time, the longest first",
    key=("org_id", "project_id"),
    function="idle_projects(organization_projects)",
    columns=(
        _ORG_ID,
        _ORG_NAME,
        Column("project_id", INT, "project ID", nullable=False),
        _PROJECT_NAME,
        Column("project_created", TIMESTAMP, "when it was created"),
        Column("project_updated", TIMESTAMP, "when its settings were last changed"),
        Column("last_run", TIMESTAMP, "when its last test run was created, if runs were passed"),
        Column("idle_days", INT, "full days since the last update or test run", nullable=False),
    ),
)

ACCOUNT_SUMMARY = Table(
    name="account_summary",
    doc="the account in numbers",
    key=("as_of",),
    function="account_summary(organization_projects)",
    columns=(
        Column("as_of", TIMESTAMP, "the current time for this summary", nullable=False),
        Column("organizations", INT, "number of organizations", nullable=False),
        Column(
            "empty_organizations", INT, "number of organizations without projects", nullable=False
        ),
        Column("projects", INT, "number of projects", nullable=False),
        Column(
            "undated_projects", INT, "number of projects without a creation date", nullable=False
        ),
        Column("created_30_days", INT, "projects created in the last 30 days", nullable=False),
        Column("created_365_days", INT, "projects created in the last 365 days", nullable=False),
        Column("idle_180_days", INT, "projects not updated for 180 days or more", nullable=False),
        Column("first_created", TIMESTAMP, "when the first project was created"),
        Column("last_created", TIMESTAMP, "when the last project was created"),
    ),
)

SHARED_NAMES = Table(
    name="shared_names",
    doc="a project name that several organizations use, the most frequent first",
    key=("project_name",),
    function="shared_names(organization_projects)",
    columns=(
        Column("project_name", STRING, "project name", nullable=False),
        Column("organizations", INT, "number of organizations that use it", nullable=False),
        Column("projects", INT, "number of projects with this name", nullable=False),
    ),
)

# --- usage --------------------------------------------------------------------------------------

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
    doc="a period, including those without runs",
    key=("period",),
    function="usage(details, by=None)",
    columns=(_PERIOD, *_USAGE),
)

USAGE_BY_STACK = Table(
    name="usage_by_stack",
    doc="a period of a stack; every stack has every period",
    key=("period", "stack_id"),
    function='usage(details, by="stack_id")',
    columns=(_PERIOD, STACK_ID, *_USAGE),
)

USAGE_BY_PROJECT = Table(
    name="usage_by_project",
    doc="a period of a project; every project that has runs has every period",
    key=("period", "stack_id", "project_id"),
    function="usage(details)",
    columns=(_PERIOD, STACK_ID, _PROJECT_ID, _PROJECT_NAME, *_USAGE),
)

USAGE_BY_LOAD_TEST = Table(
    name="usage_by_load_test",
    doc="a period of a load test; every load test that has runs has every period",
    key=("period", "stack_id", "load_test_id"),
    function='usage(details, by="load_test_id")',
    columns=(
        _PERIOD,
        STACK_ID,
        _LOAD_TEST_ID,
        _LOAD_TEST_NAME,
        _PROJECT_ID,
        _PROJECT_NAME,
        *_USAGE,
    ),
)

USAGE_BY_LABEL = Table(
    name="usage_by_label",
    doc="a period of a label value, such as a team; every value has every period",
    key=("period", "key", "value"),
    function='usage(details, by="team", project_labels=project_labels)',
    columns=(
        _PERIOD,
        Column("key", STRING, "label key, such as team", nullable=False),
        Column("value", STRING, "label value; missing for projects without the label"),
        *_USAGE,
    ),
)

VUH_BUDGET = Table(
    name="vuh_budget",
    doc="a project in the current month, the most used limit first",
    key=("stack_id", "project_id"),
    function="vuh_budget(details, limits, as_of=...)",
    columns=(
        Column("month", TIMESTAMP, "first day of the month", nullable=False),
        STACK_ID,
        _PROJECT_ID,
        _PROJECT_NAME,
        Column("used_vuh", FLOAT, "VUh of the month's runs that have ended", nullable=False),
        Column("limit_vuh", FLOAT, "maximum VUh per month; missing if there is no limit"),
        Column("left_vuh", FLOAT, "limit minus used VUh; negative if exceeded"),
        Column("share", FLOAT, "used VUh divided by the limit; missing if that is 0 or missing"),
        Column(
            "expected_vuh", FLOAT, "VUh by the end of the month at the current rate", nullable=False
        ),
        Column("days_left", FLOAT, "days until the limit at the current rate; missing if never"),
    ),
)

# --- results ------------------------------------------------------------------------------------

_RESULTS = (
    Column("passed", INT, "runs with the result passed", nullable=False),
    Column("failed", INT, "runs with the result failed", nullable=False),
    Column("errors", INT, "runs with the result error", nullable=False),
    Column("aborted", INT, "runs that ended without a result", nullable=False),
)

TEST_RESULTS = Table(
    name="test_results",
    doc="a load test with runs in these days, the lowest pass rate first",
    key=("stack_id", "load_test_id"),
    function="test_results(details, as_of=...)",
    columns=(
        STACK_ID,
        _LOAD_TEST_ID,
        _LOAD_TEST_NAME,
        _PROJECT_ID,
        _PROJECT_NAME,
        Column("test_runs", INT, "number of runs", nullable=False),
        *_RESULTS,
        Column("under_way", INT, "runs that have not ended", nullable=False),
        Column("pass_rate", FLOAT, "passed / (passed + failed + errors)"),
        Column("last_run", TIMESTAMP, "when the last run was created"),
        Column("last_result", STRING, "result of the last run that has one"),
        Column(
            "failing_since",
            TIMESTAMP,
            "when the first failure (failed or error) after the last passed run was created; "
            "missing if there is none",
        ),
        Column("median_duration", FLOAT, "median duration of the ended runs in seconds"),
        Column("vuh", FLOAT, "cost in VUh of the runs that have ended", nullable=False),
    ),
)

RESULTS_TIMELINE = Table(
    name="results_timeline",
    doc="a period, including those without runs",
    key=("period",),
    function="results_timeline(details)",
    columns=(_PERIOD, *_RESULTS),
)

FLAKY_TESTS = Table(
    name="flaky_tests",
    doc="a load test whose result changes back and forth, the most changes first",
    key=("stack_id", "load_test_id"),
    function="flaky_tests(details)",
    columns=(
        STACK_ID,
        _LOAD_TEST_ID,
        _LOAD_TEST_NAME,
        _PROJECT_NAME,
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

IDLE_LOAD_TESTS = Table(
    name="idle_load_tests",
    doc="a load test that has not run for a long time, the longest first",
    key=("stack_id", "load_test_id"),
    function="idle_load_tests(load_tests, test_runs)",
    columns=(
        STACK_ID,
        Column("load_test_id", INT, "load test ID", nullable=False),
        _LOAD_TEST_NAME,
        _PROJECT_ID,
        Column("load_test_created", TIMESTAMP, "when it was created"),
        Column("last_run", TIMESTAMP, "when its last run was created; missing if it has none"),
        Column("idle_days", INT, "full days since its last run, or its creation", nullable=False),
    ),
)

SCHEDULED_RUNS = Table(
    name="scheduled_runs",
    doc="an active schedule, the next run first",
    key=("stack_id", "schedule_id"),
    function="scheduled_runs(schedules, load_tests)",
    columns=(
        STACK_ID,
        Column("schedule_id", INT, "schedule ID", nullable=False),
        _LOAD_TEST_ID,
        _LOAD_TEST_NAME,
        _PROJECT_ID,
        Column("next_run", TIMESTAMP, "when it runs next", nullable=False),
        Column("recurrence", STRING, "how often, in words", nullable=False),
        Column("until", TIMESTAMP, "when the recurrence ends"),
        Column("count", INT, "number of runs after which it ends"),
    ),
)

METRIC_CHANGES = Table(
    name="metric_changes",
    doc="a series of a load test's metric, the largest increase first",
    key=("load_test_id", "metric", "query", "series"),
    function="metric_changes(values, details)",
    columns=(
        Column("load_test_id", INT, "load test ID", nullable=False),
        _LOAD_TEST_NAME,
        Column("metric", STRING, "metric", nullable=False),
        Column("query", STRING, "query", nullable=False),
        Column("series", STRING, "labels in Prometheus notation", nullable=False),
        Column("test_runs", INT, "number of runs with a value", nullable=False),
        Column("before", FLOAT, "median of the runs before those, by default five"),
        Column("after", FLOAT, "median of the last runs, by default five"),
        Column("change", FLOAT, "after / before - 1, such as 0.2 for 20% more"),
    ),
)

# --- history ------------------------------------------------------------------------------------

CHANGES = Table(
    name="changes",
    doc="a difference between two frames of the same table",
    key=("table", "key", "change", "column"),
    function="changes(before, after)",
    columns=(
        Column("table", STRING, "name of the table", nullable=False),
        Column("key", STRING, "key of the row, such as stack_id=1 project_id=7", nullable=False),
        Column("name", STRING, "name in the row, if it has one"),
        Column("change", STRING, "added, removed or changed", nullable=False),
        Column("column", STRING, "changed column; missing if the row was added or removed"),
        Column("before", STRING, "value before"),
        Column("after", STRING, "value after"),
    ),
)
