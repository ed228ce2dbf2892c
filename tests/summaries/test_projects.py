"""Summaries of projects equal those computed in plain Python."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from records import (
    FREQUENCIES,
    group,
    joined,
    joined_frames,
    midnight,
    missing_last,
    periods_between,
    start_of,
    to_frame,
    to_records,
    utc,
)

import k6frames
from k6frames import ConfigError, SchemaError
from k6frames.tables import (
    ACCOUNT_SUMMARY,
    CREATION_TIMELINE,
    CREATION_TIMELINE_BY_ORGANIZATION,
    LOAD_TESTS,
    ORGANIZATION_PROJECTS,
    ORGANIZATIONS,
    PROJECTS,
    PROJECTS_PER_ORGANIZATION,
    SHARED_NAMES,
    STACK_PROJECTS,
    TEST_RUNS,
)

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
    return draw(st.lists(st.tuples(st.integers(1, 4) | st.none(), dates | st.none()), max_size=12))


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


def test_a_date_counts_in_its_period_in_utc() -> None:
    created = [pd.Timestamp("2026-01-01 01:00", tz="Asia/Tokyo")]
    frame = pd.DataFrame({"project_id": [1], "created": created})
    timeline = k6frames.creation_timeline(frame, freq="YS")
    assert timeline["period"].tolist() == [utc("2025-01-01")]


@pytest.mark.parametrize("by", ["project_id", "org_name", "", 1, True])
def test_an_unknown_by_is_an_error_that_lists_the_choices(by: Any) -> None:
    with pytest.raises(ConfigError, match='by must be "org_id" or None, not'):
        k6frames.creation_timeline(projects(), by=by)


def test_by_organization_needs_organizations() -> None:
    with pytest.raises(ConfigError, match='by="org_id" needs a frame of organizations_df'):
        k6frames.creation_timeline(to_frame(LOAD_TESTS, []), by="org_id")


@pytest.mark.parametrize("frame", [to_frame(TEST_RUNS, []), pd.DataFrame({"created": []}), 5])
def test_a_creation_timeline_of_any_other_frame_is_an_error(frame: Any) -> None:
    with pytest.raises(SchemaError, match=r"Expected a frame with creation dates.*projects_df\(\)"):
        k6frames.creation_timeline(frame)


# --- account_summary ------------------------------------------------------------------------------


def test_account_summary_counts_new_and_idle_projects() -> None:
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
