"""Changes of metrics, compared with the same computation in plain Python."""

from __future__ import annotations

from statistics import median

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from records import LOAD_TEST_NAMES, Record, group, in_order, missing_last, runs, to_frame, utc

import k6frames
from k6frames import ConfigError, SchemaError
from k6frames.tables import METRIC_CHANGES, METRIC_VALUES, TEST_RUN_DETAILS

measured = st.dictionaries(
    st.tuples(
        st.integers(0, 7),  # position of the run
        st.sampled_from(["http_reqs", "http_req_duration"]),
        st.sampled_from(["", '{name="login"}']),
    ),
    st.floats(-10, 1000) | st.just(0.0) | st.none(),
    max_size=30,
)


@given(records=runs, measured=measured, last=st.integers(1, 3))
def test_changes_of_medians_are_what_plain_python_computes(
    records: list[Record], measured: dict[tuple[int, str, str], float | None], last: int
) -> None:
    one_stack = [run for run in records if run["stack_id"] == 1]
    values = [
        {
            "load_test_id": run["load_test_id"], "test_run_id": run["test_run_id"],
            "metric": metric, "query": "rate", "series": series, "value": value,
        }
        for (position, metric, series), value in measured.items()
        for run in one_stack[position : position + 1]
    ]  # fmt: skip
    positions = {run["test_run_id"]: number for number, run in enumerate(in_order(one_stack))}
    ordered = [
        row for row in values if row["value"] is not None and row["test_run_id"] in positions
    ]
    ordered.sort(key=lambda row: positions[row["test_run_id"]])
    keys = ("load_test_id", "metric", "query", "series")
    expected = []
    for own in group(ordered, *keys).values():
        of_runs = [row["value"] for row in own]
        before, after = of_runs[-2 * last : -last], median(of_runs[-last:])
        before = median(before) if before else None
        expected.append(
            {
                **own[0], "before": before, "after": after, "test_runs": len(own),
                "load_test_name": LOAD_TEST_NAMES.get((1, own[0]["load_test_id"])),
                "change": after / before - 1 if before else None,
            }
        )  # fmt: skip
    expected.sort(
        key=lambda row: missing_last(
            None if row["change"] is None else -row["change"], *(row[key] for key in keys)
        )
    )
    details = to_frame(TEST_RUN_DETAILS, one_stack)
    result = k6frames.metric_changes(to_frame(METRIC_VALUES, values), details, runs=last)
    pd.testing.assert_frame_equal(result, to_frame(METRIC_CHANGES, expected))


def test_the_last_five_runs_are_compared_with_the_five_before() -> None:
    durations = [900, 100, 110, 120, 130, 5000, 200, 210, 240, 250, 9000]
    run = {"stack_id": 1, "load_test_id": 1, "load_test_name": "login"}
    details = [
        {**run, "test_run_id": number, "created": utc("2026-06-01") + pd.Timedelta(days=number)}
        for number in range(len(durations))
    ]
    value = {"load_test_id": 1, "metric": "m", "query": "q", "series": ""}
    values = [
        {**value, "test_run_id": number, "value": duration}
        for number, duration in enumerate(durations)
    ]
    changes = k6frames.metric_changes(
        to_frame(METRIC_VALUES, values), to_frame(TEST_RUN_DETAILS, details)
    )
    row = {
        **value, "load_test_name": "login", "test_runs": 11,
        "before": 120.0, "after": 240.0, "change": 1.0,
    }  # fmt: skip
    pd.testing.assert_frame_equal(changes, to_frame(METRIC_CHANGES, [row]))


def test_runs_created_at_the_same_time_are_in_the_order_of_their_ids() -> None:
    run = {"stack_id": 1, "load_test_id": 1, "created": utc("2026-06-01")}
    value = {"load_test_id": 1, "metric": "m", "query": "q", "series": ""}
    newest_first = [2, 1]
    details = to_frame(
        TEST_RUN_DETAILS, [{**run, "test_run_id": run_id} for run_id in newest_first]
    )
    values = [{**value, "test_run_id": run_id, "value": 10.0 * run_id} for run_id in newest_first]
    changes = k6frames.metric_changes(to_frame(METRIC_VALUES, values), details, runs=1)
    assert changes["change"].tolist() == [1.0]


def test_a_run_in_several_stacks_is_an_error() -> None:
    run = {"test_run_id": 3, "load_test_id": 4, "created": utc("2026-06-01")}
    details = to_frame(TEST_RUN_DETAILS, [{**run, "stack_id": stack} for stack in (1, 2)])
    value = {"load_test_id": 4, "test_run_id": 3, "metric": "m", "query": "q", "series": ""}
    values = to_frame(METRIC_VALUES, [{**value, "value": 1.0}])
    with pytest.raises(SchemaError, match="run 3 of load test 4 is in several stacks"):
        k6frames.metric_changes(values, details)
    with pytest.raises(ConfigError, match="runs must be an integer from 1"):
        k6frames.metric_changes(values, details, runs=0)
