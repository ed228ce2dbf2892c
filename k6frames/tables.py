"""Every table that k6frames returns: the data dictionary."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeVar

import pandas as pd
import pyarrow as pa

from k6frames.schema import TIMESTAMP, Column, Table

_INT, _FLOAT, _BOOL, _TEXT = pa.int64(), pa.float64(), pa.bool_(), pa.string()

ORGANIZATIONS = Table(
    name="organizations",
    doc="an organization that the token's user belongs to",
    key=("org_id",),
    columns=(
        Column("org_id", _INT, "number of the organization", "id", nullable=False),
        Column("name", _TEXT, "name of the organization", "name"),
        Column("owner_id", _INT, "number of the user who owns it", "owner_id"),
        Column("description", _TEXT, "free text", "description"),
        Column("billing_address", _TEXT, "billing: address", "billing_address", private=True),
        Column("billing_country", _TEXT, "billing: country", "billing_country", private=True),
        Column("billing_email", _TEXT, "billing: e-mail address", "billing_email", private=True),
        Column("vat_number", _TEXT, "billing: VAT number", "vat_number", private=True),
        Column("created", TIMESTAMP, "when it was created", "created"),
        Column("updated", TIMESTAMP, "when its settings last changed", "updated"),
        Column("is_default", _BOOL, "whether it is the user's default organization", "is_default"),
    ),
)

ORGANIZATIONS_PUBLIC = ORGANIZATIONS.public("organizations_public")
"""Organizations without their billing data: what a report may show."""

PROJECTS = Table(
    name="projects",
    doc="a project that the token's user is a member of",
    key=("project_id",),
    columns=(
        Column("project_id", _INT, "number of the project", "id", nullable=False),
        Column("name", _TEXT, "name of the project", "name"),
        Column("description", _TEXT, "free text", "description"),
        Column("org_id", _INT, "number of its organization", "organization_id"),
        Column("created", TIMESTAMP, "when it was created", "created"),
        Column("updated", TIMESTAMP, "when its settings last changed", "updated"),
        Column(
            "is_default", _BOOL, "whether it is its organization's default project", "is_default"
        ),
    ),
)


_SHARED = ({c.name for c in ORGANIZATIONS.columns} & {c.name for c in PROJECTS.columns}) - {
    "org_id"
}

ORG_NAMES = {name: f"org_{name}" for name in sorted(_SHARED)}
PROJECT_NAMES = {name: f"project_{name}" for name in sorted(_SHARED)}
"""How columns are called where an organization and a project stand in one row."""


def _beside(table: Table, names: dict[str, str], entity: str) -> Iterable[Column]:
    """A table's columns for a joined row, in which either side may be missing."""
    for column in table.columns:
        if column.name != "org_id":
            doc = f"{entity}: {column.doc}" if column.name in names else column.doc
            name = names.get(column.name, column.name)
            yield replace(column, name=name, doc=doc, source=None, nullable=True)


ORGANIZATION_PROJECTS = Table(
    name="organization_projects",
    doc="a project with its organization, or an organization that has no project",
    key=("org_id", "project_id"),
    columns=(
        Column("org_id", _INT, "number of the organization"),
        *_beside(ORGANIZATIONS_PUBLIC, ORG_NAMES, "organization"),
        *_beside(PROJECTS, PROJECT_NAMES, "project"),
    ),
)

PROJECTS_PER_ORGANIZATION = Table(
    name="projects_per_organization",
    doc="an organization, those with most projects first",
    key=("org_id",),
    columns=(
        Column("org_id", _INT, "number of the organization; missing: projects that name none"),
        Column("org_name", _TEXT, "name of the organization; missing: not among those known"),
        Column("projects", _INT, "number of its projects", nullable=False),
        Column("share", _FLOAT, "its part of all projects, from 0 to 1; missing: there are none"),
        Column("first_created", TIMESTAMP, "when its first project was created"),
        Column("last_created", TIMESTAMP, "when its newest project was created"),
        Column("last_updated", TIMESTAMP, "when a project of it was last updated"),
    ),
)

_TIMELINE = (
    Column(
        "period",
        TIMESTAMP,
        "first day of the period, in UTC; weeks begin on Monday",
        nullable=False,
    ),
    Column("created", _INT, "created in the period", nullable=False),
    Column("cumulative", _INT, "created up to the end of the period", nullable=False),
)

CREATION_TIMELINE = Table(
    name="creation_timeline",
    doc="a period, without a gap between the first and the last",
    key=("period",),
    columns=_TIMELINE,
)

CREATION_TIMELINE_BY_ORGANIZATION = Table(
    name="creation_timeline_by_organization",
    doc="a period of an organization; every organization has every period",
    key=("org_id", "period"),
    columns=(Column("org_id", _INT, "number of the organization"), *_TIMELINE),
)

IDLE_PROJECTS = Table(
    name="idle_projects",
    doc="a project that nobody has updated for long, the longest first",
    key=("project_id",),
    columns=(
        Column("org_id", _INT, "number of the organization"),
        Column("org_name", _TEXT, "name of the organization"),
        Column("project_id", _INT, "number of the project", nullable=False),
        Column("project_name", _TEXT, "name of the project"),
        Column("project_created", TIMESTAMP, "when it was created"),
        Column("project_updated", TIMESTAMP, "when its settings last changed", nullable=False),
        Column("idle_days", _INT, "whole days since then", nullable=False),
    ),
)

ACCOUNT_SUMMARY = Table(
    name="account_summary",
    doc="the account at a glance",
    key=("as_of",),
    columns=(
        Column("as_of", TIMESTAMP, "the moment that it is looked at", nullable=False),
        Column("organizations", _INT, "number of organizations", nullable=False),
        Column("empty_organizations", _INT, "those without any project", nullable=False),
        Column("projects", _INT, "number of projects", nullable=False),
        Column("created_30_days", _INT, "created in the 30 days before", nullable=False),
        Column("created_365_days", _INT, "created in the 365 days before", nullable=False),
        Column("idle_180_days", _INT, "not updated for 180 days or more", nullable=False),
        Column("first_created", TIMESTAMP, "when the first project was created"),
        Column("last_created", TIMESTAMP, "when the newest project was created"),
    ),
)

SHARED_NAMES = Table(
    name="shared_names",
    doc="a project name that occurs in several organizations, the most frequent first",
    key=("project_name",),
    columns=(
        Column("project_name", _TEXT, "the name", nullable=False),
        Column("organizations", _INT, "number of organizations that have it", nullable=False),
        Column("projects", _INT, "number of projects that have it", nullable=False),
    ),
)

TABLES = (
    ORGANIZATIONS,
    ORGANIZATIONS_PUBLIC,
    PROJECTS,
    ORGANIZATION_PROJECTS,
    PROJECTS_PER_ORGANIZATION,
    CREATION_TIMELINE,
    CREATION_TIMELINE_BY_ORGANIZATION,
    IDLE_PROJECTS,
    ACCOUNT_SUMMARY,
    SHARED_NAMES,
)


def table_of(columns: Iterable[str]) -> Table | None:
    """The table that has exactly these columns in this order, if there is one."""
    names = tuple(columns)
    return next((table for table in TABLES if tuple(table.dtypes) == names), None)


_Loader = TypeVar("_Loader", bound=Callable[..., pd.DataFrame])


def returns(*tables: Table) -> Callable[[_Loader], _Loader]:
    """Say which table a function returns: in its docstring, and as its attribute ``tables``."""

    def declare(function: _Loader) -> _Loader:
        blocks = [
            f"Table ``{table.name}``: one row is {table.doc}; key: {', '.join(table.key)}.\n\n"
            + table.to_text()
            for table in tables
        ]
        columns = "\n\n".join(["Columns\n-------", *blocks])
        function.__doc__ = f"{inspect.cleandoc(function.__doc__ or '')}\n\n{columns}\n"
        function.tables = tables  # type: ignore[attr-defined]
        return function

    return declare
