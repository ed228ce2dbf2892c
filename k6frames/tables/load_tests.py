"""Projects, labels, load tests, limits and load zones of a stack (v6)."""

from __future__ import annotations

from k6frames.tables.schema import BOOL, INT, STRING, TIMESTAMP, Column, Table
from k6frames.tables.shared_columns import STACK_ID

STACK_PROJECTS = Table(
    name="stack_projects",
    doc="a project of a Grafana stack",
    key=("stack_id", "project_id"),
    function="stack_projects_df()",
    columns=(
        STACK_ID,
        Column("project_id", INT, "project ID", "id", nullable=False),
        Column("name", STRING, "project name", "name"),
        Column("is_default", BOOL, "whether it is the stack's default project", "is_default"),
        Column("folder_uid", STRING, "UID of its Grafana folder", "grafana_folder_uid"),
        Column("created", TIMESTAMP, "when it was created", "created"),
        Column("updated", TIMESTAMP, "when it was last changed", "updated"),
    ),
)

PROJECT_LABELS = Table(
    name="project_labels",
    doc="a label of a project",
    key=("stack_id", "project_id", "key"),
    function="project_labels_df()",
    columns=(
        STACK_ID,
        Column("project_id", INT, "project ID", nullable=False),
        Column("key", STRING, "label key, such as team", nullable=False),
        Column("value", STRING, "label value"),
    ),
)

LOAD_TESTS = Table(
    name="load_tests",
    doc="a load test",
    key=("stack_id", "load_test_id"),
    function="load_tests_df()",
    columns=(
        STACK_ID,
        Column("load_test_id", INT, "load test ID", "id", nullable=False),
        Column("project_id", INT, "ID of its project", "project_id"),
        Column("name", STRING, "load test name", "name"),
        Column("k6_version", INT, "ID of the k6 version that runs it", "k6_version"),
        Column("created", TIMESTAMP, "when it was created", "created"),
        Column("updated", TIMESTAMP, "when it was last changed", "updated"),
    ),
)

PROJECT_LIMITS = Table(
    name="project_limits",
    doc="a project's limits; a project without limits has no row",
    key=("stack_id", "project_id"),
    function="project_limits_df()",
    columns=(
        STACK_ID,
        Column("project_id", INT, "project ID", "project_id", nullable=False),
        Column("vuh_max_per_month", INT, "maximum VUh per calendar month", "vuh_max_per_month"),
        Column("vu_max_per_test", INT, "maximum concurrent VUs per test", "vu_max_per_test"),
        Column(
            "vu_browser_max_per_test",
            INT,
            "maximum concurrent browser VUs per test",
            "vu_browser_max_per_test",
        ),
        Column(
            "duration_max_per_test",
            INT,
            "maximum duration of a test in seconds",
            "duration_max_per_test",
        ),
    ),
)

LOAD_ZONES = Table(
    name="load_zones",
    doc="a load zone that the stack may use",
    key=("stack_id", "load_zone_id"),
    function="load_zones_df()",
    columns=(
        STACK_ID,
        Column("load_zone_id", INT, "load zone ID", "id", nullable=False),
        Column("name", STRING, "load zone name", "name"),
        Column("k6_load_zone_id", STRING, "its ID in k6 options", "k6_load_zone_id"),
        Column("available", BOOL, "whether it is available now", "available"),
        Column("public", BOOL, "whether it is a public load zone of Grafana", "public"),
    ),
)
