"""Summaries of projects equal those computed in plain Python."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from records import (
    FREQUENCIES,
    Record,
    group,
    midnight,
    missing_last,
    periods_between,
    start_of,
    to_frame,
    utc,
)
from strategies import frames

import k6frames
from k6frames import ConfigError, SchemaError
from k6frames.tables import (
    ACCOUNT_SUMMARY,
    CREATION_TIMELINE,
    CREATION_TIMELINE_BY_ORGANIZATION,
    IDLE_PROJECTS,
    LOAD_TESTS,
    ORGANIZATION_PROJECTS,
    ORGANIZATIONS,
    PROJECTS,
    PROJECTS_PER_ORGANIZATION,
    SHARED_NAMES,
    STACK_PROJECTS,
    TEST_RUNS,
)


def joined(*records: Record) -> pd.DataFrame:
    return to_frame(ORGANIZATION_PROJECTS, records)


few = st.integers(1, 4)
some_strings = st.sampled_from(["a", "b", "ü"]) | st.none()
some_dates = st.datetimes(datetime(2024, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
joined_frames = frames(
    ORGANIZATION_PROJECTS,
    org_id=few | st.none(),
    org_name=some_strings,
    project_id=st.integers(0, 9) | st.none(),
    project_name=some_strings,
    project_created=some_dates | st.none(),
    project_updated=some_dates | st.none(),
)


def to_records(frame: pd.DataFrame) -> list[dict[Any, Any]]:
    return frame.astype(object).where(frame.notna(), None).to_dict("records")


# --- projects_per_organization --------------------------------------------------------------------


def test_projects_are_counted_per_organization_most_first() -> None:
    result = k6frames.projects_per_organization(
        joined(
            {"org_id": 3, "org_name": "Three"},
            {"org_id": 2, "org_name": "Two", "project_id": 1, "project_updated": utc("2026-01-02")},
            {"org_id": 9, "project_id": 2, "project_created": utc("2020-01-01")},
            {"org_id": 1, "org_name": "One", "project_id": 3, "project_created": utc("2021-03-01")},
            {"org_id": 1, "org_name": "One", "project_id": 4, "project_created": utc("2021-02-01")},
            {"project_id": 5},
        )
    )
    expected = to_frame(
        PROJECTS_PER_ORGANIZATION,
        [
            {
                "org_id": 1, "org_name": "One", "projects": 2, "share": 0.4,
                "first_created": utc("2021-02-01"), "last_created": utc("2021-03-01"),
            },
            {"org_id": 2, "org_name": "Two", "projects": 1, "share": 0.2,
             "last_updated": utc("2026-01-02")},
            {"org_id": 9, "projects": 1, "share": 0.2,
             "first_created": utc("2020-01-01"), "last_created": utc("2020-01-01")},
            {"projects": 1, "share": 0.2},
            {"org_id": 3, "org_name": "Three", "projects": 0, "share": 0.0},
        ],
    )  # fmt: skip
    pd.testing.assert_frame_equal(result, expected)


def test_without_any_project_there_is_no_share() -> None:
    result = k6frames.projects_per_organization(joined({"org_id": 3, "org_name": "Three"}))
    expected = to_frame(
        PROJECTS_PER_ORGANIZATION, [{"org_id": 3, "org_name": "Three", "projects": 0}]
    )
    pd.testing.assert_frame_equal(result, expected)


@given(joined_frames)
def test_counts_shares_and_dates_are_what_plain_python_computes(frame: pd.DataFrame) -> None:
    records = to_records(frame)
    total = sum(record["project_id"] is not None for record in records)
    expected = []
    for (org_id,), own in group(records, "org_id").items():
        created = [record["project_created"] for record in own if record["project_created"]]
        updated = [record["project_updated"] for record in own if record["project_updated"]]
        projects = sum(record["project_id"] is not None for record in own)
        expected.append(
            {
                "org_id": org_id,
                "org_name": next((r["org_name"] for r in own if r["org_name"] is not None), None),
                "projects": projects,
                "share": projects / total if total else None,
                "first_created": min(created, default=None),
                "last_created": max(created, default=None),
                "last_updated": max(updated, default=None),
            }
        )
    expected.sort(key=lambda row: -row["projects"])
    result = k6frames.projects_per_organization(frame)
    pd.testing.assert_frame_equal(result, to_frame(PROJECTS_PER_ORGANIZATION, expected))


# --- creation_timeline ----------------------------------------------------------------------------

KINDS = {
    "organizations": (ORGANIZATIONS, "org_id", "created"),
    "projects": (PROJECTS, "project_id", "created"),
    "joined": (ORGANIZATION_PROJECTS, "project_id", "project_created"),
    "projects of a stack": (STACK_PROJECTS, "project_id", "created"),
    "load tests": (LOAD_TESTS, "load_test_id", "created"),
}


@st.composite
def creations(draw: st.DrawFn) -> list[tuple[int | None, datetime | None]]:
    """Draw organizations and dates, within three years somewhere in the calendar."""
    first = draw(st.sampled_from([1, 1582, 1899, 1968, 2015, 2262, 9996]))
    dates = st.datetimes(
        datetime(first, 1, 1),  # noqa: DTZ001
        datetime(first + 3, 12, 31, 23, 59, 59, 999_999),  # noqa: DTZ001
        timezones=st.just(UTC),
    )
    return draw(st.lists(st.tuples(few | st.none(), dates | st.none()), max_size=12))


@given(creations(), st.sampled_from(FREQUENCIES), st.sampled_from(list(KINDS)))
def test_the_timeline_is_what_plain_python_counts(
    drawn: list[tuple[int | None, datetime | None]], freq: Any, kind: str
) -> None:
    table, key, column = KINDS[kind]
    records = [
        {"stack_id": 1, key: number, column: created} for number, (_, created) in enumerate(drawn)
    ]
    created = [created for _, created in drawn if created]
    starts = [start_of(timestamp.date(), freq) for timestamp in created]
    expected = [
        {
            "period": midnight(period),
            "created": starts.count(period),
            "cumulative": sum(start <= period for start in starts),
        }
        for period in periods_between(created, freq)
    ]
    result = k6frames.creation_timeline(to_frame(table, records), freq=freq)
    pd.testing.assert_frame_equal(result, to_frame(CREATION_TIMELINE, expected))


@given(creations(), st.sampled_from(FREQUENCIES), st.sampled_from(["projects", "joined"]))
def test_by_organization_every_organization_has_every_period(
    drawn: list[tuple[int | None, datetime | None]], freq: Any, kind: str
) -> None:
    table, key, column = KINDS[kind]
    records = [
        {"org_id": org_id, key: number, column: created}
        for number, (org_id, created) in enumerate(drawn)
    ]
    dated = [(org_id, created) for org_id, created in drawn if created]
    expected = []
    for org_id in sorted({org_id for org_id, _ in dated}, key=missing_last):
        starts = [start_of(created.date(), freq) for org, created in dated if org == org_id]
        expected += [
            {
                "org_id": org_id,
                "period": midnight(period),
                "created": starts.count(period),
                "cumulative": sum(start <= period for start in starts),
            }
            for period in periods_between((created for _, created in dated), freq)
        ]
    result = k6frames.creation_timeline(to_frame(table, records), freq=freq, by="org_id")
    pd.testing.assert_frame_equal(result, to_frame(CREATION_TIMELINE_BY_ORGANIZATION, expected))


def projects(*created: str | None) -> pd.DataFrame:
    return to_frame(
        PROJECTS,
        [
            {"project_id": number, "created": timestamp and utc(timestamp)}
            for number, timestamp in enumerate(created)
        ],
    )


def test_a_timeline_over_all_years_has_no_gap() -> None:
    frame = projects("0001-01-01", "9999-12-31")
    timeline = k6frames.creation_timeline(frame, freq="YS")
    assert timeline["period"].dt.year.tolist() == list(range(1, 10_000))
    assert len(k6frames.creation_timeline(frame, freq="W")) == date.max.toordinal() // 7 + 1


def test_until_adds_empty_months_at_the_end() -> None:
    timeline = k6frames.creation_timeline(projects("2026-01-31", None), until="2026-03-01")
    assert timeline["period"].tolist() == [utc(f"2026-0{month}-01") for month in (1, 2, 3)]
    assert timeline["created"].tolist() == [1, 0, 0]
    assert timeline["cumulative"].tolist() == [1, 1, 1]
    assert k6frames.creation_timeline(projects(None), until="2026-03-01").empty


def test_months_are_the_default_and_weeks_begin_on_monday() -> None:
    frame = projects("2026-07-05 23:59")
    assert k6frames.creation_timeline(frame)["period"].tolist() == [utc("2026-07-01")]
    assert k6frames.creation_timeline(frame, freq="W")["period"].tolist() == [utc("2026-06-29")]


def test_a_date_counts_in_the_period_that_it_has_in_utc() -> None:
    created = [pd.Timestamp("2026-01-01 01:00", tz="Asia/Tokyo")]
    frame = pd.DataFrame({"project_id": [1], "created": created})
    timeline = k6frames.creation_timeline(frame, freq="YS")
    assert timeline["period"].tolist() == [utc("2025-01-01")]


@pytest.mark.parametrize("by", ["project_id", "org_name", "", 1, True])
def test_another_by_is_an_error_that_names_what_is_possible(by: Any) -> None:
    with pytest.raises(ConfigError, match='by must be "org_id" or None, not'):
        k6frames.creation_timeline(projects(), by=by)


def test_by_organization_needs_organizations() -> None:
    with pytest.raises(ConfigError, match='by="org_id" needs projects of v3'):
        k6frames.creation_timeline(to_frame(LOAD_TESTS, []), by="org_id")


@pytest.mark.parametrize("frame", [to_frame(TEST_RUNS, []), pd.DataFrame({"created": []}), 5])
def test_another_frame_has_no_creation_timeline(frame: Any) -> None:
    with pytest.raises(SchemaError, match=r"Expected a frame with creation dates.*projects_df\(\)"):
        k6frames.creation_timeline(frame)


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


def test_a_project_is_idle_after_exactly_that_many_full_days() -> None:
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


def test_a_test_run_is_activity_unless_it_is_later() -> None:
    frame = joined({"org_id": 1, "project_id": 1, "project_updated": utc("2025-01-01")})
    run = {"stack_id": 1, "test_run_id": 1, "load_test_id": 1, "project_id": 1}
    runs = to_frame(TEST_RUNS, [{**run, "created": utc("2026-06-30")}])
    assert idle_ids(frame, as_of="2026-07-01", test_runs=runs) == []
    assert idle_ids(frame, as_of="2026-06-29", test_runs=runs) == [(1, 544)]
    assert idle_ids(frame, as_of="2027-06-30", test_runs=runs) == [(1, 365)]


@pytest.mark.parametrize("days", [-1, True, 1.5, "180", None, float("nan"), 10**9])
def test_days_must_be_an_integer(days: Any) -> None:
    with pytest.raises(ConfigError, match="days must be an integer from 0 to 3,652,059"):
        k6frames.idle_projects(joined(), days=days)


def test_as_of_is_now_by_default() -> None:
    now = pd.Timestamp.now("UTC")
    frame = joined(
        {"project_id": 1, "project_updated": now - pd.Timedelta(days=180, minutes=1)},
        {"project_id": 2, "project_updated": now - pd.Timedelta(days=180) + pd.Timedelta("1h")},
    )
    assert idle_ids(frame) == [(1, 180)]
    (seen,) = k6frames.account_summary(frame)["as_of"]
    assert now <= seen <= pd.Timestamp.now("UTC")


def test_every_year_of_the_calendar_can_be_compared() -> None:
    frame = joined(
        {"project_id": 1, "project_updated": utc("0001-01-01")},
        {"project_id": 2, "project_updated": utc("9999-12-31")},
    )
    as_of = pd.Timestamp("2026-07-01").as_unit("ns")
    assert idle_ids(frame, as_of=as_of) == [(1, (date(2026, 7, 1) - date(1, 1, 1)).days)]


# --- account_summary ------------------------------------------------------------------------------


def test_the_account_in_numbers() -> None:
    frame = joined(
        {"org_id": 1, "project_id": 1, "project_created": utc("2026-06-01 00:00:00.000001")},
        {"org_id": 1, "project_id": 2, "project_created": utc("2026-06-01")},
        {"org_id": 1, "project_id": 3, "project_created": utc("2025-07-01 12:00")},
        {"org_id": 1, "project_id": 4, "project_created": utc("2025-07-01")},
        {"org_id": 1, "project_id": 5, "project_created": utc("2027-01-01")},
        {"org_id": 2, "project_id": 6, "project_updated": utc("2020-01-01")},
        {"org_id": 3},
        {"project_id": 7},
    )
    expected = {
        "as_of": utc("2026-07-01"), "organizations": 3, "empty_organizations": 1, "projects": 7,
        "undated_projects": 2, "created_30_days": 1, "created_365_days": 3, "idle_180_days": 1,
        "first_created": utc("2025-07-01"), "last_created": utc("2027-01-01"),
    }  # fmt: skip
    result = k6frames.account_summary(frame, as_of="2026-07-01")
    pd.testing.assert_frame_equal(result, to_frame(ACCOUNT_SUMMARY, [expected]))


def test_an_empty_account_has_zeros_and_no_dates() -> None:
    expected = dict.fromkeys(list(ACCOUNT_SUMMARY.dtypes)[1:8], 0) | {"as_of": utc("2026-07-01")}
    result = k6frames.account_summary(joined(), as_of="2026-07-01")
    pd.testing.assert_frame_equal(result, to_frame(ACCOUNT_SUMMARY, [expected]))


# --- shared_names ---------------------------------------------------------------------------------


def test_a_name_is_shared_if_several_organizations_use_it() -> None:
    frame = joined(
        *({"org_id": org, "project_id": org, "project_name": "smoke"} for org in (1, 2, 3)),
        *({"org_id": org, "project_id": 10 + org, "project_name": "load"} for org in (1, 2)),
        {"org_id": 1, "project_id": 20, "project_name": "load"},
        *({"org_id": org, "project_id": 30 + org, "project_name": "Load"} for org in (1, 2)),
        *({"org_id": 1, "project_id": 40 + n, "project_name": "own"} for n in (1, 2)),
        *({"org_id": org, "project_id": 50 + org} for org in (1, 2)),
        {"project_id": 60, "project_name": "own"},
        {"org_id": 4},
    )
    expected = to_frame(
        SHARED_NAMES,
        [
            {"project_name": "smoke", "organizations": 3, "projects": 3},
            {"project_name": "load", "organizations": 2, "projects": 3},
            {"project_name": "Load", "organizations": 2, "projects": 2},
        ],
    )
    pd.testing.assert_frame_equal(k6frames.shared_names(frame), expected)
