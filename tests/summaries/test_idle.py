"""Idle projects and load tests are those that plain Python finds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from records import (
    LOAD_TEST_NAMES,
    PROJECT_OF_LOAD_TEST,
    Record,
    group,
    in_order,
    joined,
    joined_frames,
    missing_last,
    runs,
    some_dates,
    to_frame,
    to_records,
    utc,
)

import k6frames
from k6frames import ConfigError
from k6frames.tables import (
    IDLE_LOAD_TESTS,
    IDLE_PROJECTS,
    LOAD_TESTS,
    TEST_RUN_DETAILS,
    TEST_RUNS,
)

# --- idle_projects --------------------------------------------------------------------------------

as_ofs = st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(
    frame=joined_frames,
    runs=st.lists(st.tuples(st.integers(0, 9) | st.none(), some_dates | st.none())) | st.none(),
    as_of=as_ofs,
    days=st.sampled_from([0, 1, 180, 365]),
)
def test_idle_projects_are_what_plain_python_finds(
    frame: pd.DataFrame, runs: list[tuple[Any, Any]] | None, as_of: datetime, days: int
) -> None:
    expected = []
    for record in to_records(frame):
        last_run = max(
            (
                created
                for project, created in runs or []
                if created and created <= as_of and project == record["project_id"]
            ),
            default=None,
        )
        dates = [timestamp for timestamp in (record["project_updated"], last_run) if timestamp]
        if record["project_id"] is not None and dates and (as_of - max(dates)).days >= days:
            idle = {"last_run": last_run, "idle_days": (as_of - max(dates)).days}
            expected.append({**record, **idle, "activity": max(dates)})
    expected.sort(key=lambda row: (row["activity"], row["project_id"], missing_last(row["org_id"])))
    test_runs = None
    if runs is not None:
        run = {"stack_id": 1, "load_test_id": 1}
        test_runs = to_frame(
            TEST_RUNS,
            [
                {**run, "test_run_id": number, "project_id": project, "created": created}
                for number, (project, created) in enumerate(runs)
            ],
        )
    result = k6frames.idle_projects(frame, days=days, as_of=as_of, test_runs=test_runs)
    pd.testing.assert_frame_equal(result, to_frame(IDLE_PROJECTS, expected))


def idle_ids(frame: pd.DataFrame, **options: Any) -> list[tuple[int, int]]:
    idle = k6frames.idle_projects(frame, **options)
    return list(zip(idle["project_id"], idle["idle_days"], strict=True))


def test_a_project_is_idle_after_exactly_the_given_number_of_full_days() -> None:
    frame = joined(
        {"org_id": 1, "project_id": 1, "project_updated": utc("2026-01-02 00:00:00.000001")},
        {"org_id": 1, "project_id": 2, "project_updated": utc("2026-01-02")},
        {"org_id": 1, "project_id": 3, "project_updated": utc("2026-01-01 00:00:00.000001")},
        {"org_id": 1, "project_id": 4, "project_updated": utc("2026-01-01")},
        {"project_id": 6, "project_updated": utc("2026-01-02")},
        {"org_id": 1, "project_id": 7, "project_updated": utc("2027-01-01")},
    )
    assert idle_ids(frame, days=180, as_of="2026-07-01") == [
        (4, 181), (3, 180), (2, 180), (6, 180),
    ]  # fmt: skip
    assert idle_ids(frame, days=182, as_of="2026-07-01") == []
    assert idle_ids(frame, days=np.int64(181), as_of="2026-07-01") == [(4, 181)]


def test_a_test_run_is_activity_unless_it_is_after_as_of() -> None:
    frame = joined({"org_id": 1, "project_id": 1, "project_updated": utc("2025-01-01")})
    run = {"stack_id": 1, "test_run_id": 1, "load_test_id": 1, "project_id": 1}
    runs = to_frame(TEST_RUNS, [{**run, "created": utc("2026-06-30")}])
    assert idle_ids(frame, as_of="2026-07-01", test_runs=runs) == []
    assert idle_ids(frame, as_of="2026-06-29", test_runs=runs) == [(1, 544)]
    assert idle_ids(frame, as_of="2027-06-30", test_runs=runs) == [(1, 365)]


def test_as_of_is_now_by_default() -> None:
    now = pd.Timestamp.now("UTC")
    frame = joined(
        {"project_id": 1, "project_updated": now - pd.Timedelta(days=180, minutes=1)},
        {"project_id": 2, "project_updated": now - pd.Timedelta(days=180) + pd.Timedelta("1h")},
    )
    assert idle_ids(frame) == [(1, 180)]
    (seen,) = k6frames.account_summary(frame)["as_of"]
    assert now <= seen <= pd.Timestamp.now("UTC")


def test_idle_days_are_counted_from_any_year() -> None:
    frame = joined(
        {"project_id": 1, "project_updated": utc("0001-01-01")},
        {"project_id": 2, "project_updated": utc("9999-12-31")},
    )
    as_of = pd.Timestamp("2026-07-01").as_unit("ns")
    assert idle_ids(frame, as_of=as_of) == [(1, (date(2026, 7, 1) - date(1, 1, 1)).days)]


# --- idle_load_tests ------------------------------------------------------------------------------


@given(
    records=runs,
    created=st.lists(as_ofs | st.none(), min_size=8, max_size=8),
    as_of=as_ofs,
    days=st.sampled_from([0, 1, 29, 90]),
    table=st.sampled_from([TEST_RUNS, TEST_RUN_DETAILS]),
)
def test_idle_load_tests_are_what_plain_python_finds(
    records: list[Record], created: list[Any], as_of: datetime, days: int, table: Any
) -> None:
    load_tests = [
        {
            "stack_id": stack, "load_test_id": test, "created": created[4 * stack + test - 5],
            "name": LOAD_TEST_NAMES.get((stack, test)), "project_id": PROJECT_OF_LOAD_TEST[test],
        }
        for stack in (1, 2)
        for test in (1, 2, 3, 4)
    ]  # fmt: skip
    known = [run for run in in_order(records) if run["created"] <= as_of]
    runs_of = group(known, "stack_id", "load_test_id")
    expected = []
    for test in load_tests:
        own = runs_of.get((test["stack_id"], test["load_test_id"]))
        last_run = own[-1]["created"] if own else None
        active = last_run or test["created"]
        if active and (as_of - active).days >= days:
            row = {
                **test, "load_test_name": test["name"], "load_test_created": test["created"],
                "last_run": last_run, "idle_days": (as_of - active).days, "active": active,
            }  # fmt: skip
            expected.append(row)
    expected.sort(key=lambda row: (row["active"], row["stack_id"], row["load_test_id"]))
    result = k6frames.idle_load_tests(
        to_frame(LOAD_TESTS, load_tests), to_frame(table, records), days=days, as_of=as_of
    )
    pd.testing.assert_frame_equal(result, to_frame(IDLE_LOAD_TESTS, expected))


@pytest.mark.parametrize(
    "days", [-1, True, 1.5, "90", None, float("nan"), pytest.param(10**5000, id="huge")]
)
def test_days_must_be_an_integer(days: Any) -> None:
    calls: list[Callable[..., Any]] = [
        lambda: k6frames.idle_projects(joined(), days=days),
        lambda: k6frames.idle_load_tests(
            to_frame(LOAD_TESTS, []), to_frame(TEST_RUNS, []), days=days
        ),
    ]
    for call in calls:
        with pytest.raises(ConfigError, match="days must be an integer from 0 to 3,652,059"):
            call()
