"""Scheduled runs."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from records import to_frame, utc

import k6frames
from k6frames.tables import LOAD_TESTS, SCHEDULED_RUNS, SCHEDULES

LOAD_TEST_FRAME = to_frame(
    LOAD_TESTS,
    [
        {"stack_id": 1, "load_test_id": 5, "name": "login", "project_id": 7},
        {"stack_id": 2, "load_test_id": 5, "name": "search", "project_id": 8},
    ],
)


def schedule(schedule_id: int, next_run: str | None = "2026-07-01", **other: Any) -> dict[str, Any]:
    return {
        "stack_id": 1,
        "schedule_id": schedule_id,
        "load_test_id": 5,
        "next_run": next_run and utc(next_run),
        "deactivated": False,
        **other,
    }


def test_active_schedules_are_listed_in_the_order_of_their_next_run() -> None:
    schedules = to_frame(
        SCHEDULES,
        [
            schedule(1, "2026-07-09", until=utc("2026-08-01")),
            schedule(2, "2026-07-02", deactivated=True),
            schedule(3, None),
            schedule(4, "2026-07-02", stack_id=2, deactivated=None),
            schedule(5, "2026-07-02", load_test_id=6, frequency="DAILY", count=10),
        ],
    )
    expected = [
        {
            "stack_id": 1, "schedule_id": 5, "load_test_id": 6, "next_run": utc("2026-07-02"),
            "recurrence": "every day", "count": 10,
        },
        {
            "stack_id": 2, "schedule_id": 4, "load_test_id": 5, "load_test_name": "search",
            "project_id": 8, "next_run": utc("2026-07-02"), "recurrence": "once",
        },
        {
            "stack_id": 1, "schedule_id": 1, "load_test_id": 5, "load_test_name": "login",
            "project_id": 7, "next_run": utc("2026-07-09"), "recurrence": "once",
            "until": utc("2026-08-01"),
        },
    ]  # fmt: skip
    runs = k6frames.scheduled_runs(schedules, LOAD_TEST_FRAME)
    pd.testing.assert_frame_equal(runs, to_frame(SCHEDULED_RUNS, expected))


@pytest.mark.parametrize(
    ("rule", "recurrence"),
    [
        ({}, "once"),
        ({"frequency": "HOURLY", "interval": 1}, "every hour"),
        ({"frequency": "HOURLY", "interval": 2}, "every 2 hours"),
        ({"frequency": "LUNAR", "interval": 2}, "every 2 LUNAR"),
        ({"frequency": "WEEKLY"}, "every week"),
        ({"frequency": "WEEKLY", "interval": 2, "weekdays": "SA,SU"}, "every 2 weeks on Sat, Sun"),
        ({"frequency": "WEEKLY", "interval": 1, "weekdays": ""}, "every week"),
        ({"frequency": "MONTHLY", "interval": 3}, "every 3 months"),
        ({"frequency": "YEARLY", "interval": 1}, "every year"),
        ({"cron": "0 7 * * 1", "cron_time_zone": "UTC"}, "cron 0 7 * * 1 (UTC)"),
        ({"cron": "@daily", "cron_time_zone": "Europe/Berlin"}, "cron @daily (Europe/Berlin)"),
        ({"cron": "@daily"}, "cron @daily"),
    ],
    ids=str,
)
def test_the_recurrence_is_readable(rule: dict[str, Any], recurrence: str) -> None:
    schedules = to_frame(SCHEDULES, [schedule(1, **rule)])
    runs = k6frames.scheduled_runs(schedules, LOAD_TEST_FRAME)
    assert runs["recurrence"].tolist() == [recurrence]
