"""The data dictionary: what every declared table promises."""

from __future__ import annotations

import itertools

import pandas as pd
import pyarrow as pa
import pytest

from k6frames import tables
from k6frames.schema import TIMESTAMP, Table
from k6frames.tables import (
    ORG_NAMES,
    ORGANIZATION_PROJECTS,
    ORGANIZATIONS,
    ORGANIZATIONS_PUBLIC,
    PROJECT_NAMES,
    PROJECTS,
    TABLES,
    returns,
    table_of,
)

each_table = pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)


def test_every_table_of_the_module_is_listed() -> None:
    declared = [value for value in vars(tables).values() if isinstance(value, Table)]
    assert {table.name for table in declared} == {table.name for table in TABLES}
    assert len({table.name for table in TABLES}) == len(TABLES)


@each_table
def test_a_table_is_told_by_its_columns(table: Table) -> None:
    assert table_of(table.dtypes) is table


def test_other_columns_or_another_order_are_no_table() -> None:
    names = list(PROJECTS.dtypes)
    assert table_of(names[:-1]) is None
    assert table_of([*names, "mine"]) is None
    assert table_of(reversed(names)) is None
    assert table_of([]) is None


@each_table
def test_a_declaration_is_whole(table: Table) -> None:
    assert len({column.name for column in table.columns}) == len(table.columns)
    assert set(table.key) <= set(table.dtypes)
    assert table.key
    for column in table.columns:
        assert column.doc, column.name
        assert column.doc == column.doc.strip().rstrip("."), column.name
        assert column.type in {pa.int64(), pa.float64(), pa.bool_(), pa.string(), TIMESTAMP}


def test_organizations_have_the_eleven_documented_fields_in_their_order() -> None:
    assert [column.source for column in ORGANIZATIONS.columns] == [
        "id", "name", "owner_id", "description", "billing_address", "billing_country",
        "billing_email", "vat_number", "created", "updated", "is_default",
    ]  # fmt: skip


def test_projects_have_the_seven_documented_fields_in_their_order() -> None:
    assert [column.source for column in PROJECTS.columns] == [
        "id", "name", "description", "organization_id", "created", "updated", "is_default",
    ]  # fmt: skip


@pytest.mark.parametrize("table", [ORGANIZATIONS, PROJECTS], ids=lambda table: table.name)
def test_only_the_id_is_required_of_an_answer(table: Table) -> None:
    assert [c.source for c in table.columns if not c.nullable] == ["id"]
    assert [c.name for c in table.columns if c.source == "id"] == list(table.key)


def test_billing_data_is_private_and_in_no_other_table() -> None:
    billing = {"billing_address", "billing_country", "billing_email", "vat_number"}
    assert {c.name for c in ORGANIZATIONS.columns if c.private} == billing
    for table in TABLES:
        if table is not ORGANIZATIONS:
            assert not billing & set(table.dtypes)
            assert not any(column.private for column in table.columns)


def test_joined_columns_have_the_entity_in_front_where_both_have_the_name() -> None:
    assert list(ORGANIZATION_PROJECTS.dtypes) == [
        "org_id", "org_name", "owner_id", "org_description", "org_created", "org_updated",
        "org_is_default", "project_id", "project_name", "project_description", "project_created",
        "project_updated", "project_is_default",
    ]  # fmt: skip
    assert (
        set(ORG_NAMES)
        == set(PROJECT_NAMES)
        == set(ORGANIZATIONS_PUBLIC.dtypes)
        - {
            "org_id",
            "owner_id",
        }
    )


def test_one_name_has_one_dtype_in_every_table() -> None:
    for one, other in itertools.combinations(TABLES, 2):
        for name in (set(one.dtypes) & set(other.dtypes)) - {"created"}:
            assert one.dtypes[name] == other.dtypes[name], (one.name, other.name, name)


def test_returns_writes_the_columns_into_the_docstring_and_keeps_the_tables() -> None:
    @returns(PROJECTS, ORGANIZATIONS_PUBLIC)
    def load() -> pd.DataFrame:
        """Load it.

        Returns
        -------
        pandas.DataFrame
        """
        return pd.DataFrame()

    doc = load.__doc__ or ""
    assert load.tables == (PROJECTS, ORGANIZATIONS_PUBLIC)  # type: ignore[attr-defined]
    assert doc.startswith("Load it.\n\nReturns\n-------\npandas.DataFrame\n")
    assert "\nColumns\n-------\n\nTable ``projects``: one row is a project" in doc
    assert "key: project_id." in doc
    assert PROJECTS.to_text() in doc
    assert ORGANIZATIONS_PUBLIC.to_text() in doc
