"""Every summary checks its inputs, does not change them, and returns its table."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
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


class Summary(NamedTuple):
    """A summary, the table of each frame that it takes, and its other arguments."""

    function: Callable[..., pd.DataFrame]
    inputs: dict[str, Table]
    options: dict[str, Any] = {}  # noqa: RUF012 - never changed

    def __call__(self, frames: Iterable[pd.DataFrame]) -> pd.DataFrame:
        return self.function(**dict(zip(self.inputs, frames, strict=True)), **self.options)

    @property
    def tables(self) -> tuple[Table, ...]:
        return tuple(self.inputs.values())


PROJECTS = {"organization_projects": ORGANIZATION_PROJECTS}
DETAILS = {"details": TEST_RUN_DETAILS}
AS_OF = {"as_of": "2026-07-01"}
SUMMARIES = {
    "account_summary": Summary(k6frames.account_summary, PROJECTS, AS_OF),
    "projects_per_organization": Summary(k6frames.projects_per_organization, PROJECTS),
    "creation_timeline": Summary(k6frames.creation_timeline, {"frame": ORGANIZATION_PROJECTS}),
    "idle_projects": Summary(
        k6frames.idle_projects, {**PROJECTS, "test_runs": TEST_RUNS}, {"days": 0, **AS_OF}
    ),
    "shared_names": Summary(k6frames.shared_names, PROJECTS),
    "usage": Summary(k6frames.usage, DETAILS),
    "usage by label": Summary(
        k6frames.usage, {**DETAILS, "project_labels": PROJECT_LABELS}, {"by": "team"}
    ),
    "usage without groups": Summary(k6frames.usage, DETAILS, {"by": None}),
    "vuh_budget": Summary(
        k6frames.vuh_budget,
        {**DETAILS, "limits": PROJECT_LIMITS, "stack_projects": STACK_PROJECTS},
        AS_OF,
    ),
    "test_results": Summary(k6frames.test_results, DETAILS, AS_OF),
    "results_timeline": Summary(k6frames.results_timeline, DETAILS),
    "flaky_tests": Summary(k6frames.flaky_tests, DETAILS),
    "idle_load_tests": Summary(
        k6frames.idle_load_tests,
        {"load_tests": LOAD_TESTS, "test_runs": TEST_RUNS},
        {"days": 0, **AS_OF},
    ),
    "scheduled_runs": Summary(
        k6frames.scheduled_runs, {"schedules": SCHEDULES, "load_tests": LOAD_TESTS}
    ),
    "metric_changes": Summary(k6frames.metric_changes, {"values": METRIC_VALUES, **DETAILS}),
    "changes": Summary(k6frames.changes, {"before": TEST_RUNS, "after": TEST_RUNS}),
}
each_summary = pytest.mark.parametrize("summary", SUMMARIES.values(), ids=SUMMARIES)


def fill(table: Table) -> pd.DataFrame:
    """Return a frame of the table with two rows and a value in every column."""
    values = {"Int64": 7, "Float64": 0.5, "boolean": False, "string": "team"}
    row = {name: values.get(str(dtype), utc("2026-06-20")) for name, dtype in table.dtypes.items()}
    last = table.key[-1]
    other = 8 if row[last] == 7 else "other team"
    return to_frame(table, [row, {**row, last: other}])


@each_summary
def test_a_summary_returns_a_table_that_it_declares(summary: Summary) -> None:
    for make in (fill, lambda table: to_frame(table, [])):
        result = summary(map(make, summary.tables))
        (table,) = [table for table in TABLES if list(table.dtypes) == list(result.columns)]
        assert table in summary.function.tables  # type: ignore[attr-defined]
        pd.testing.assert_frame_equal(table.conform(result), result)


@each_summary
def test_a_summary_does_not_change_its_inputs_and_combines_their_attrs(summary: Summary) -> None:
    frames = [fill(table) for table in summary.tables]
    failed = [{"path": f"/{number}", "reason": "gone"} for number in range(len(frames))]
    for number, frame in enumerate(frames):
        frame.attrs = {"fetched": f"2026-07-0{number + 1}T00:00:00Z", "failed": [failed[number]]}
    before = [frame.copy(deep=True) for frame in frames]
    attrs = json.dumps([frame.attrs for frame in frames])
    result = summary(frames)
    for frame, unchanged in zip(frames, before, strict=True):
        pd.testing.assert_frame_equal(frame, unchanged)
    assert json.dumps([frame.attrs for frame in frames]) == attrs
    assert result.attrs == {"fetched": "2026-07-01T00:00:00Z", "failed": failed}


@each_summary
def test_duplicate_rows_are_an_error_that_names_the_key_and_the_fix(summary: Summary) -> None:
    for position, table in enumerate(summary.tables):
        frames = [fill(each) for each in summary.tables]
        frames[position] = pd.concat([frames[position], frames[position].tail(1)])
        key = ", ".join(f"{name} {frames[position][name].iloc[-1]}" for name in table.key)
        with pytest.raises(
            SchemaError,
            match=rf"'{table.name}' has a duplicate key \({key}\).*frame.drop_duplicates\(\[",
        ):
            summary(frames)


@each_summary
def test_a_frame_of_the_wrong_kind_is_an_error(summary: Summary) -> None:
    for position in range(len(summary.tables)):
        for wrong in (pd.DataFrame({"x": [1]}), "projects.csv"):
            frames: list[Any] = [fill(table) for table in summary.tables]
            frames[position] = wrong
            with pytest.raises(SchemaError, match=r"must (have|be)|Expected"):
                summary(frames)


@pytest.mark.parametrize(
    "summary",
    [summary for summary in SUMMARIES.values() if TEST_RUN_DETAILS in summary.tables],
    ids=lambda summary: summary.function.__name__,
)
def test_test_runs_without_names_are_an_error_that_names_the_fix(summary: Summary) -> None:
    frames = [fill(TEST_RUNS if t is TEST_RUN_DETAILS else t) for t in summary.tables]
    with pytest.raises(
        SchemaError, match=r"names of load tests.*test_run_details_df\(\) or .*join_test_runs"
    ):
        summary(frames)


def test_projects_without_organizations_are_an_error_that_names_the_fix() -> None:
    projects = k6frames.projects_df(client=k6frames.Client.sample())
    with pytest.raises(SchemaError, match=r"as returned by k6frames.organization_projects_df\(\)"):
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
    pd.testing.assert_frame_equal(summary(plain), summary(typed))
