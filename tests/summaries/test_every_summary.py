"""What every summary does: check its inputs, leave them alone, return its table."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

import pandas as pd
import pytest
from records import to_frame, utc

import k6frames
from k6frames import SchemaError
from k6frames.tables import (
    LOAD_TESTS,
    METRIC_VALUES,
    ORGANIZATION_PROJECTS,
    PROJECT_LABELS,
    PROJECT_LIMITS,
    SCHEDULES,
    STACK_PROJECTS,
    TABLES,
    TEST_RUN_DETAILS,
    TEST_RUNS,
    Table,
)

AS_OF = "2026-07-01"


class Summary(NamedTuple):
    """A summary, and the tables of its arguments; those that it needs by name are in `named`."""

    function: Callable[..., pd.DataFrame]
    inputs: tuple[Table, ...]
    named: Mapping[str, Table] = MappingProxyType({})

    def __call__(self, *frames: pd.DataFrame) -> pd.DataFrame:
        positional, named = frames[: len(self.inputs)], frames[len(self.inputs) :]
        return self.function(*positional, **dict(zip(self.named, named, strict=True)))

    @property
    def tables(self) -> tuple[Table, ...]:
        return (*self.inputs, *self.named.values())


DETAILS, PROJECTS = (TEST_RUN_DETAILS,), (ORGANIZATION_PROJECTS,)
SUMMARIES = {
    "account_summary": Summary(partial(k6frames.account_summary, as_of=AS_OF), PROJECTS),
    "projects_per_organization": Summary(k6frames.projects_per_organization, PROJECTS),
    "creation_timeline": Summary(k6frames.creation_timeline, PROJECTS),
    "idle_projects": Summary(
        partial(k6frames.idle_projects, days=0, as_of=AS_OF), PROJECTS, {"test_runs": TEST_RUNS}
    ),
    "shared_names": Summary(k6frames.shared_names, PROJECTS),
    "usage": Summary(k6frames.usage, DETAILS),
    "usage by label": Summary(
        partial(k6frames.usage, by="team"), DETAILS, {"project_labels": PROJECT_LABELS}
    ),
    "usage by nothing": Summary(partial(k6frames.usage, by=None), DETAILS),
    "vuh_budget": Summary(
        partial(k6frames.vuh_budget, as_of=AS_OF),
        (TEST_RUN_DETAILS, PROJECT_LIMITS),
        {"stack_projects": STACK_PROJECTS},
    ),
    "test_results": Summary(partial(k6frames.test_results, as_of=AS_OF), DETAILS),
    "results_timeline": Summary(k6frames.results_timeline, DETAILS),
    "flaky_tests": Summary(k6frames.flaky_tests, DETAILS),
    "idle_load_tests": Summary(
        partial(k6frames.idle_load_tests, days=0, as_of=AS_OF), (LOAD_TESTS, TEST_RUNS)
    ),
    "scheduled_runs": Summary(k6frames.scheduled_runs, (SCHEDULES, LOAD_TESTS)),
    "metric_changes": Summary(k6frames.metric_changes, (METRIC_VALUES, TEST_RUN_DETAILS)),
    "changes": Summary(k6frames.changes, (TEST_RUNS, TEST_RUNS)),
}
each_summary = pytest.mark.parametrize("summary", SUMMARIES.values(), ids=SUMMARIES)


def fill(table: Table) -> pd.DataFrame:
    """Return two rows of a table that has a value in every column."""
    values = {"Int64": 7, "Float64": 0.5, "boolean": False, "string": "team"}
    records = [
        {
            column.name: values.get(str(table.dtypes[column.name]), utc("2026-06-20"))
            for column in table.columns
        }
        | {table.key[-1]: 7 + number if table.dtypes[table.key[-1]] == "Int64" else f"team{number}"}
        for number in range(2)
    ]
    return to_frame(table, records)


@each_summary
def test_a_summary_returns_a_table_that_it_declares(summary: Summary) -> None:
    function = getattr(summary.function, "func", summary.function)
    for make in (fill, lambda table: to_frame(table, [])):
        result = summary(*map(make, summary.tables))
        (table,) = [table for table in TABLES if list(table.dtypes) == list(result.columns)]
        assert table in function.tables
        pd.testing.assert_frame_equal(table.conform(result), result)


@each_summary
def test_a_summary_leaves_its_inputs_alone_and_passes_their_attrs_on(summary: Summary) -> None:
    frames = [fill(table) for table in summary.tables]
    failed = [{"path": f"/{number}", "reason": "gone"} for number in range(len(frames))]
    for number, frame in enumerate(frames):
        frame.attrs = {"fetched": f"2026-07-0{number + 1}T00:00:00Z", "failed": [failed[number]]}
    before = [frame.copy(deep=True) for frame in frames]
    attrs = json.dumps([frame.attrs for frame in frames])
    result = summary(*frames)
    for frame, unchanged in zip(frames, before, strict=True):
        pd.testing.assert_frame_equal(frame, unchanged)
    assert json.dumps([frame.attrs for frame in frames]) == attrs
    assert result.attrs == {"fetched": "2026-07-01T00:00:00Z", "failed": failed}


@each_summary
def test_duplicate_rows_are_an_error_that_names_the_key_and_the_cure(summary: Summary) -> None:
    for position, table in enumerate(summary.tables):
        frames = [fill(each) for each in summary.tables]
        frames[position] = pd.concat([frames[position], frames[position].tail(1)])
        key = ", ".join(f"{name} {frames[position][name].iloc[-1]}" for name in table.key)
        with pytest.raises(
            SchemaError,
            match=rf"'{table.name}' has a duplicate key \({key}\).*frame.drop_duplicates\(\[",
        ):
            summary(*frames)


@each_summary
def test_a_frame_of_the_wrong_kind_is_an_error(summary: Summary) -> None:
    for position in range(len(summary.tables)):
        for wrong in (pd.DataFrame({"x": [1]}), "projects.csv"):
            frames: list[Any] = [fill(table) for table in summary.tables]
            frames[position] = wrong
            with pytest.raises(SchemaError, match=r"must (have|be)|Expected"):
                summary(*frames)


@pytest.mark.parametrize(
    "summary",
    [summary for summary in SUMMARIES.values() if TEST_RUN_DETAILS in summary.tables],
    ids=lambda summary: getattr(summary.function, "func", summary.function).__name__,
)
def test_test_runs_without_names_are_an_error_that_names_the_cure(summary: Summary) -> None:
    frames = [fill(TEST_RUNS if t is TEST_RUN_DETAILS else t) for t in summary.tables]
    with pytest.raises(
        SchemaError, match=r"no names.*test_run_details_df\(\), or .*join_test_runs"
    ):
        summary(*frames)


def test_projects_without_organizations_are_an_error_that_names_the_cure() -> None:
    projects = k6frames.projects_df(client=k6frames.Client.sample())
    with pytest.raises(SchemaError, match=r"as k6frames.organization_projects_df\(\) returns it"):
        k6frames.projects_per_organization(projects)


@each_summary
def test_a_summary_accepts_other_dtypes_with_the_same_values(summary: Summary) -> None:
    typed = [fill(table) for table in summary.tables]
    plain = []
    for frame in typed:
        other = frame.copy()
        for name, dtype in frame.dtypes.items():
            if dtype == "Int64":
                other[name] = other[name].astype("int64")
            elif dtype == "string":
                other[name] = other[name].astype(object)
            elif "datetime64" in str(dtype):
                other[name] = other[name].dt.tz_localize(None)
        plain.append(other)
    pd.testing.assert_frame_equal(summary(*plain), summary(*typed))
