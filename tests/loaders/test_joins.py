"""Joins of test runs with the names of their load tests and projects."""

from __future__ import annotations

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st
from strategies import build_frame, frames

import k6frames
from k6frames.tables import LOAD_TESTS, STACK_PROJECTS, TEST_RUN_DETAILS, TEST_RUNS

few_ids = st.integers(0, 3)
two_stacks = st.integers(0, 1)


@given(
    frames(TEST_RUNS, stack_id=two_stacks, load_test_id=few_ids, project_id=few_ids | st.none()),
    frames(LOAD_TESTS, stack_id=two_stacks, load_test_id=few_ids),
    frames(STACK_PROJECTS, stack_id=two_stacks, project_id=few_ids),
)
def test_each_run_has_the_names_of_its_load_test_and_project_in_its_stack(
    runs: pd.DataFrame, load_tests: pd.DataFrame, projects: pd.DataFrame
) -> None:
    before = [frame.copy(deep=True) for frame in (runs, load_tests, projects)]
    details = k6frames.join_test_runs(runs, load_tests, projects)
    for frame, copied in zip((runs, load_tests, projects), before, strict=True):
        pd.testing.assert_frame_equal(frame, copied)
    assert details.dtypes.to_dict() == TEST_RUN_DETAILS.dtypes
    for named, id_column, name_column in (
        (load_tests, "load_test_id", "load_test_name"),
        (projects, "project_id", "project_name"),
    ):
        keys = zip(named["stack_id"], named[id_column], strict=True)
        name_by_key = dict(zip(keys, named["name"], strict=True))
        expected = [
            pd.NA if pd.isna(run_id) else name_by_key.get((stack_id, run_id), pd.NA)
            for stack_id, run_id in zip(runs["stack_id"], runs[id_column], strict=True)
        ]
        pd.testing.assert_series_equal(
            details[name_column],
            pd.Series(expected, dtype=details[name_column].dtype, name=name_column),
        )


def test_a_load_test_of_another_stack_gives_no_name() -> None:
    runs = build_frame(TEST_RUNS, {"stack_id": [1, 2], "load_test_id": [7, 7]})
    load_tests = build_frame(
        LOAD_TESTS, {"stack_id": [2], "load_test_id": [7], "name": ["Checkout"]}
    )
    projects = STACK_PROJECTS.to_frame(STACK_PROJECTS.arrow_schema.empty_table())
    details = k6frames.join_test_runs(runs, load_tests, projects)
    assert details["load_test_name"].fillna("").tolist() == ["", "Checkout"]
