"""Tables of summaries of organizations and projects; `PROJECTS` is in organizations.py."""

from __future__ import annotations

from k6frames.tables.schema import FLOAT, INT, STRING, TIMESTAMP, Column, Table
from k6frames.tables.shared_columns import ORG_ID, PERIOD

PROJECTS_PER_ORGANIZATION = Table(
    name="projects_per_organization",
    doc="an organization, most projects first",
    key=("org_id",),
    function="projects_per_organization(organization_projects)",
    columns=(
        Column("org_id", INT, "organization ID; missing for projects without one"),
        Column("org_name", STRING, "organization name; missing if unknown"),
        Column("projects", INT, "number of projects", nullable=False),
        Column("share", FLOAT, "share of all projects, from 0 to 1; missing if no projects exist"),
        Column("first_created", TIMESTAMP, "when its first project was created"),
        Column("last_created", TIMESTAMP, "when its last project was created"),
        Column("last_updated", TIMESTAMP, "when any of its projects was last updated"),
    ),
)

_TIMELINE = (
    PERIOD,
    Column("created", INT, "number created in the period", nullable=False),
    Column("cumulative", INT, "number created by the end of the period", nullable=False),
)

CREATION_TIMELINE = Table(
    name="creation_timeline",
    doc="a period; periods in which nothing was created are included",
    key=("period",),
    function="creation_timeline(frame)",
    columns=_TIMELINE,
)

CREATION_TIMELINE_BY_ORGANIZATION = Table(
    name="creation_timeline_by_organization",
    doc="an organization in a period; each one with dated rows has a row for every period",
    key=("org_id", "period"),
    function='creation_timeline(frame, by="org_id")',
    columns=(ORG_ID, *_TIMELINE),
)

ACCOUNT_SUMMARY = Table(
    name="account_summary",
    doc="a summary of the account",
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
    doc="a project name that several organizations use, most frequent first",
    key=("project_name",),
    function="shared_names(organization_projects)",
    columns=(
        Column("project_name", STRING, "project name", nullable=False),
        Column("organizations", INT, "number of organizations that use it", nullable=False),
        Column("projects", INT, "number of projects with this name", nullable=False),
    ),
)
