"""The data dictionary: what every declared table promises."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest

from k6frames import tables
from k6frames.tables import (
    ORGANIZATION_PROJECTS,
    ORGANIZATIONS,
    ORGANIZATIONS_PUBLIC,
    PROJECTS,
    TABLES,
    TEST_RUN_DETAILS,
    TEST_RUNS,
    Table,
    closest_table,
    find_table,
)
from k6frames.tables.organizations import ORGANIZATION_RENAMES, PROJECT_RENAMES

each_table = pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)


def test_every_table_is_public_and_listed_once() -> None:
    declared = {name for name in tables.__all__ if isinstance(getattr(tables, name), Table)}
    assert declared == {table.name.upper() for table in TABLES}
    assert {getattr(tables, name).name.upper() for name in declared} == declared
    assert len({table.name for table in TABLES}) == len(TABLES)
    assert dir(tables) == sorted(tables.__all__)


@each_table
def test_a_table_is_found_by_its_columns(table: Table) -> None:
    assert find_table(table.dtypes) is table


def test_other_columns_or_another_order_match_no_table() -> None:
    names = list(PROJECTS.dtypes)
    assert find_table(names[:-1]) is None
    assert find_table([*names, "mine"]) is None
    assert find_table(reversed(names)) is None
    assert find_table([]) is None


@each_table
def test_a_declaration_is_complete(table: Table) -> None:
    assert len({column.name for column in table.columns}) == len(table.columns)
    assert table.key
    assert set(table.key) <= set(table.dtypes)
    assert table.doc
    assert table.function or table is ORGANIZATIONS_PUBLIC
    for column in table.columns:
        assert column.doc, column.name
        assert column.doc == column.doc.strip(), column.name
        assert column.doc.endswith("...") or not column.doc.endswith("."), column.name


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
def test_only_the_id_is_required_of_a_response(table: Table) -> None:
    assert [c.source for c in table.columns if not c.nullable] == ["id"]
    assert [c.name for c in table.columns if c.source == "id"] == list(table.key)


def test_billing_fields_and_email_addresses_are_private_and_in_no_joined_frame_or_summary() -> None:
    private = {table.name: {c.name for c in table.columns if c.private} for table in TABLES}
    assert {name: names for name, names in private.items() if names} == {
        "organizations": {"billing_address", "billing_country", "billing_email", "vat_number"},
        "schedules": {"created_by"},
        "test_runs": {"aborted_by", "started_by"},
    }
    every_private = set().union(*private.values())
    for table in TABLES:
        assert set(table.dtypes) & every_private == private[table.name]


def test_columns_that_both_tables_have_get_a_prefix_in_a_joined_frame() -> None:
    assert list(ORGANIZATION_PROJECTS.dtypes) == [
        "org_id", "org_name", "owner_id", "org_description", "org_created", "org_updated",
        "org_is_default", "project_id", "project_name", "project_description", "project_created",
        "project_updated", "project_is_default",
    ]  # fmt: skip
    assert set(ORGANIZATION_RENAMES) == set(PROJECT_RENAMES)
    assert set(ORGANIZATION_RENAMES) == set(ORGANIZATIONS_PUBLIC.dtypes) - {"org_id", "owner_id"}


def test_test_run_details_have_each_name_next_to_its_id() -> None:
    names = list(TEST_RUN_DETAILS.dtypes)
    assert names[names.index("load_test_id") + 1] == "load_test_name"
    assert names[names.index("project_id") + 1] == "project_name"
    public = [column.name for column in TEST_RUNS.columns if not column.private]
    assert [n for n in names if n not in ("load_test_name", "project_name")] == public


def test_an_id_or_a_name_has_one_dtype_in_every_table() -> None:
    dtypes: defaultdict[str, set[Any]] = defaultdict(set)
    for table in TABLES:
        for name, dtype in table.dtypes.items():
            if name.endswith(("_id", "_name")):
                dtypes[name].add(dtype)
    assert {name for name, found in dtypes.items() if len(found) > 1} == set()


# --- frames with added or dropped columns ---------------------------------------------------------


@each_table
def test_the_closest_table_has_the_dtypes_of_the_columns_that_it_shares(table: Table) -> None:
    for dropped in table.dtypes:
        names = [name for name in table.dtypes if name != dropped]
        for columns in (names, [*names, "mine"], [*reversed(table.dtypes), "mine"]):
            closest = closest_table(columns)
            shared = closest.dtypes.keys() & table.dtypes.keys() if closest else set()
            assert all(closest.dtypes[n] == table.dtypes[n] for n in shared & set(columns))


@pytest.mark.parametrize(
    ("columns", "name"),
    [
        (["project_id", "name", "created"], "projects"),
        (["stack_id", "project_id", "name", "team"], None),
        ([name for name in TEST_RUN_DETAILS.dtypes if name != "stack_id"], "test_run_details"),
        (["name", "created"], None),
        (["stack_id", "project_id", "value"], None),
        (["key", "name", "change", "before", "after"], None),
        ([], None),
        (["mine"], None),
        ([*ORGANIZATIONS_PUBLIC.dtypes, "mine"], "organizations_public"),
    ],
)
def test_the_closest_table_needs_its_key_or_most_of_its_columns(
    columns: list[str], name: str | None
) -> None:
    closest = closest_table(columns)
    assert (closest.name if closest else None) == name
