"""Organizations, projects, and projects with their organizations (v3)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from k6frames.tables.schema import BOOL, INT, STRING, TIMESTAMP, Column, Table

ORGANIZATIONS = Table(
    name="organizations",
    doc="an organization that the token's user belongs to",
    key=("org_id",),
    function="organizations_df()",
    columns=(
        Column("org_id", INT, "organization ID", "id", nullable=False),
        Column("name", STRING, "organization name", "name"),
        Column("owner_id", INT, "ID of the user who owns the organization", "owner_id"),
        Column("description", STRING, "description", "description"),
        Column("billing_address", STRING, "billing address", "billing_address", private=True),
        Column("billing_country", STRING, "billing country", "billing_country", private=True),
        Column("billing_email", STRING, "billing e-mail address", "billing_email", private=True),
        Column("vat_number", STRING, "VAT number", "vat_number", private=True),
        Column("created", TIMESTAMP, "when it was created", "created"),
        Column("updated", TIMESTAMP, "when its settings were last changed", "updated"),
        Column("is_default", BOOL, "whether it is the user's default organization", "is_default"),
    ),
)

ORGANIZATIONS_PUBLIC = ORGANIZATIONS.public("organizations_public")
"""Organizations without their billing data, as the report shows them."""

PROJECTS = Table(
    name="projects",
    doc="a project that the token's user is a member of",
    key=("project_id",),
    function="projects_df()",
    columns=(
        Column("project_id", INT, "project ID", "id", nullable=False),
        Column("name", STRING, "project name", "name"),
        Column("description", STRING, "description", "description"),
        Column("org_id", INT, "ID of its organization", "organization_id"),
        Column("created", TIMESTAMP, "when it was created", "created"),
        Column("updated", TIMESTAMP, "when its settings were last changed", "updated"),
        Column(
            "is_default", BOOL, "whether it is its organization's default project", "is_default"
        ),
    ),
)


# The columns that organizations and projects both have, except `org_id`, are renamed in a join.
_SHARED = sorted((ORGANIZATIONS.dtypes.keys() & PROJECTS.dtypes.keys()) - {"org_id"})
ORGANIZATION_RENAMES = {name: f"org_{name}" for name in _SHARED}
PROJECT_RENAMES = {name: f"project_{name}" for name in _SHARED}


def _joined_columns(table: Table, renames: dict[str, str], entity: str) -> Iterable[Column]:
    """Yield a table's columns, except `org_id`, as they are in a joined frame: all nullable."""
    for column in table.columns:
        if column.name != "org_id":
            doc = f"{entity}: {column.doc}" if column.name in renames else column.doc
            name = renames.get(column.name, column.name)
            yield replace(column, name=name, doc=doc, source=None, nullable=True)


ORGANIZATION_PROJECTS = Table(
    name="organization_projects",
    doc="a project with its organization, or an organization that has no project",
    key=("org_id", "project_id"),
    function="organization_projects_df()",
    columns=(
        Column("org_id", INT, "organization ID"),
        *_joined_columns(ORGANIZATIONS_PUBLIC, ORGANIZATION_RENAMES, "organization"),
        *_joined_columns(PROJECTS, PROJECT_RENAMES, "project"),
    ),
)
