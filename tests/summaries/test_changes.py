"""Differences between two frames of a table."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from records import Record, to_frame, utc
from strategies import frames

import k6frames
from k6frames import SchemaError
from k6frames.tables import (
    CHANGES,
    LOAD_TESTS,
    ORGANIZATION_PROJECTS,
    ORGANIZATIONS,
    PROJECT_LABELS,
    PROJECTS,
    SCHEDULES,
)


def test_rows_are_added_removed_and_changed_in_the_order_of_their_keys() -> None:
    before = [
        {
            "project_id": 2, "name": "Shop", "org_id": 1, "is_default": False,
            "created": utc("2026-01-02 03:04:05"),
        },
        {"project_id": 10, "name": "Old"},
        {"project_id": 3, "name": "Same", "created": utc("2026-01-01")},
    ]  # fmt: skip
    after = [
        {"project_id": 3, "name": "Same", "created": utc("2026-01-01")},
        {"project_id": 1},
        {
            "project_id": 2, "name": "Store", "is_default": True,
            "created": utc("2026-01-02 03:04:05.5"),
        },
    ]  # fmt: skip
    changed = {"table": "projects", "key": "project_id=2", "name": "Store", "change": "changed"}
    expected = [
        {"table": "projects", "key": "project_id=1", "change": "added"},
        {**changed, "column": "name", "before": "Shop", "after": "Store"},
        {**changed, "column": "org_id", "before": "1"},
        {
            **changed, "column": "created",
            "before": "2026-01-02T03:04:05Z", "after": "2026-01-02T03:04:05.500000Z",
        },
        {**changed, "column": "is_default", "before": "false", "after": "true"},
        {"table": "projects", "key": "project_id=10", "name": "Old", "change": "removed"},
    ]  # fmt: skip
    result = k6frames.changes(to_frame(PROJECTS, before), to_frame(PROJECTS, after))
    pd.testing.assert_frame_equal(result, to_frame(CHANGES, expected))


def test_equal_frames_have_no_differences() -> None:
    frame = k6frames.organization_projects_df(client=k6frames.Client.sample())
    shuffled = frame.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(k6frames.changes(frame, shuffled), to_frame(CHANGES, []))


def test_keys_have_all_their_columns_and_quote_strings_where_needed() -> None:
    labels = [
        {"stack_id": 1, "project_id": 7, "key": key, "value": "x"}
        for key in ("team", "a b", 'c="d"', "")
    ]
    empty = to_frame(PROJECT_LABELS, [])
    pd.testing.assert_frame_equal(k6frames.changes(empty, empty), to_frame(CHANGES, []))
    assert k6frames.changes(empty, to_frame(PROJECT_LABELS, labels))["key"].tolist() == [
        'stack_id=1 project_id=7 key=""',
        'stack_id=1 project_id=7 key="a b"',
        'stack_id=1 project_id=7 key="c=\\"d\\""',
        "stack_id=1 project_id=7 key=team",
    ]


def test_a_row_with_a_missing_value_in_its_key_is_matched() -> None:
    before = to_frame(ORGANIZATION_PROJECTS, [{"org_id": 1, "org_name": "One"}])
    after = to_frame(ORGANIZATION_PROJECTS, [{"org_id": 1, "org_name": "Uno"}])
    (row,) = k6frames.changes(before, after).to_dict("records")
    assert (row["key"], row["name"], row["column"]) == ("org_id=1", "Uno", "org_name")


@pytest.mark.parametrize("table", [ORGANIZATIONS, SCHEDULES], ids=lambda table: table.name)
def test_private_columns_are_left_out(table: Any) -> None:
    key = dict.fromkeys(table.key, 1)
    private = {column.name: "secret" for column in table.columns if column.private}
    assert private
    assert k6frames.changes(to_frame(table, [key]), to_frame(table, [{**key, **private}])).empty


def as_string(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat()[:-6] + "Z" if isinstance(value, pd.Timestamp) else str(value)


def index_rows(frame: pd.DataFrame) -> dict[tuple[Any, ...], Record]:
    plain = frame.astype(object).where(frame.notna(), None)
    return {(row["stack_id"], row["load_test_id"]): row for row in plain.to_dict("records")}


narrow = {
    "stack_id": st.integers(1, 2),
    "load_test_id": st.integers(1, 3),
    "project_id": st.integers(1, 2) | st.none(),
    "name": st.sampled_from(["a", "", "b c"]) | st.none(),
    "k6_version": st.integers(1, 2),
    "created": st.just(utc("2026-01-01")) | st.none(),
    "updated": st.sampled_from([utc("2026-01-01 00:00:00.000001"), utc("0001-01-01")]),
}


@given(
    before=frames(LOAD_TESTS, max_size=4, **narrow), after=frames(LOAD_TESTS, max_size=4, **narrow)
)
def test_differences_are_what_plain_python_finds(before: pd.DataFrame, after: pd.DataFrame) -> None:
    old, new = index_rows(before), index_rows(after)
    expected = []
    for key in sorted({*old, *new}):
        row = {
            "table": "load_tests", "key": f"stack_id={key[0]} load_test_id={key[1]}",
            "name": new.get(key, old.get(key, {}))["name"],
        }  # fmt: skip
        if key not in old or key not in new:
            expected.append({**row, "change": "removed" if key in old else "added"})
            continue
        for column in LOAD_TESTS.dtypes:
            values = old[key][column], new[key][column]
            if values[0] != values[1]:
                texts = [None if value is None else as_string(value) for value in values]
                expected.append(
                    {
                        **row, "change": "changed", "column": column,
                        "before": texts[0], "after": texts[1],
                    }
                )  # fmt: skip
    pd.testing.assert_frame_equal(k6frames.changes(before, after), to_frame(CHANGES, expected))


def test_frames_that_cannot_be_compared_are_an_error() -> None:
    projects, tests = to_frame(PROJECTS, []), to_frame(LOAD_TESTS, [])
    with pytest.raises(SchemaError, match="'projects', and after of the table 'load_tests'"):
        k6frames.changes(projects, tests)
    with pytest.raises(SchemaError, match="after must have exactly the columns of one of"):
        k6frames.changes(projects, projects[["name", "project_id"]])
    with pytest.raises(SchemaError, match=r"before must be a pandas.DataFrame, not a dict"):
        k6frames.changes({}, projects)  # type: ignore[arg-type]
