"""Records from which tests make frames, and compute in plain Python what summaries return."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pandas as pd
from hypothesis import settings
from hypothesis import strategies as st
from strategies import frames

from k6frames.tables import ORGANIZATION_PROJECTS, Table

Record = dict[str, Any]

fewer_examples = settings(max_examples=settings().max_examples // 2)
"""For tests with parameters."""


def to_frame(table: Table, records: Iterable[Record]) -> pd.DataFrame:
    """Return records as a frame of a table; what a record does not have is missing."""
    records = list(records)
    return pd.DataFrame(
        {
            name: pd.Series([record.get(name) for record in records], dtype=dtype)
            for name, dtype in table.dtypes.items()
        }
    )


def utc(text: str) -> pd.Timestamp:
    return pd.Timestamp(text, tz="UTC")


# --- test runs ------------------------------------------------------------------------------------

# The IDs of load tests and projects are the same in both stacks, and some of them are deleted.
LOAD_TEST_NAMES = {(1, 1): "login", (1, 2): "checkout", (2, 1): "search", (2, 3): "login"}
PROJECT_OF_LOAD_TEST = {1: 7, 2: 8, 3: 7, 4: None}
PROJECT_NAMES = {(1, 7): "Shop", (1, 8): "API", (2, 7): "Search"}

_vuh = st.none() | st.floats(0, 1000) | st.sampled_from([0.1, 0.25, 1e-9])
_run = st.fixed_dictionaries(
    {
        "stack_id": st.integers(1, 2),
        "load_test_id": st.integers(1, 4),
        "created": st.datetimes(
            datetime(2026, 3, 1),  # noqa: DTZ001 - the strategy takes naive limits
            datetime(2026, 7, 2),  # noqa: DTZ001
            timezones=st.just(UTC),
        )
        | st.sampled_from([datetime(2026, 6, day, tzinfo=UTC) for day in (1, 1, 29, 30)])
        | st.none(),
        "duration": st.integers(0, 7200) | st.none(),
        "result": st.sampled_from(["passed", "passed", "failed", "error", None]),
        "execution_duration": st.floats(0, 7200) | st.none(),
        "total_vuh": _vuh,
        "protocol_vuh": _vuh,
        "browser_vuh": _vuh,
    }
)


def _complete(drawn: list[Record]) -> list[Record]:
    records = []
    for number, run in enumerate(drawn):
        stack, test = run["stack_id"], run["load_test_id"]
        project = PROJECT_OF_LOAD_TEST[test]
        duration = run.pop("duration")
        start = run["created"] or datetime(2026, 6, 1, tzinfo=UTC)
        records.append(
            {
                **run,
                "test_run_id": number // 2 if number % 2 else 1000 - number,
                "load_test_name": LOAD_TEST_NAMES.get((stack, test)),
                "project_id": project,
                "project_name": PROJECT_NAMES.get((stack, project)),
                "ended": None if duration is None else start + timedelta(seconds=duration),
            }
        )
    return records


runs = st.lists(_run, max_size=20).map(_complete)
"""Runs in any order: finished, under way, without costs, created at the same time."""


def in_order(records: Iterable[Record]) -> list[Record]:
    """Return the runs that have a creation date, the oldest first."""
    dated = [run for run in records if run["created"]]
    return sorted(dated, key=lambda run: (run["created"], run["test_run_id"]))


def group(records: Iterable[Record], *keys: str) -> dict[Any, list[Record]]:
    """Group records by a key, in its order; missing is last."""
    groups: dict[Any, list[Record]] = {}
    for record in records:
        groups.setdefault(tuple(record[key] for key in keys), []).append(record)
    return dict(sorted(groups.items(), key=lambda item: missing_last(*item[0])))


def missing_last(*values: Any) -> list[tuple[bool, Any]]:
    """Return a sort key that puts missing values last."""
    return [(value is None, 0 if value is None else value) for value in values]


# --- periods --------------------------------------------------------------------------------------

FREQUENCIES = ("D", "W", "MS", "QS", "YS")


def start_of(day: date, freq: str) -> date:
    """Return the first day of the period that contains a day."""
    match freq:
        case "D":
            return day
        case "W":
            return day - timedelta(days=day.weekday())
        case "MS":
            return day.replace(day=1)
        case "QS":
            return day.replace(day=1, month=(day.month - 1) // 3 * 3 + 1)
        case _:
            return day.replace(day=1, month=1)


def periods_between(timestamps: Iterable[datetime], freq: str) -> list[date]:
    """Return the first days of all periods from the first timestamp to the last."""
    starts = {start_of(timestamp.date(), freq) for timestamp in timestamps}
    periods = [min(starts)] if starts else []
    while periods and periods[-1] < max(starts):
        # A day that is certainly in the next period.
        length = {"D": 1, "W": 7, "MS": 31, "QS": 92, "YS": 366}[freq]
        periods.append(start_of(periods[-1] + timedelta(days=length), freq))
    return periods


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


# --- projects of v3 with their organizations ------------------------------------------------------


def joined(*records: Record) -> pd.DataFrame:
    return to_frame(ORGANIZATION_PROJECTS, records)


some_strings = st.sampled_from(["a", "b", "ü"]) | st.none()
some_dates = st.datetimes(datetime(2024, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
joined_frames = frames(
    ORGANIZATION_PROJECTS,
    org_id=st.integers(1, 4) | st.none(),
    org_name=some_strings,
    project_id=st.integers(0, 9) | st.none(),
    project_name=some_strings,
    project_created=some_dates | st.none(),
    project_updated=some_dates | st.none(),
)


def to_records(frame: pd.DataFrame) -> list[dict[Any, Any]]:
    return frame.astype(object).where(frame.notna(), None).to_dict("records")
