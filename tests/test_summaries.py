"""Summaries: counts and timelines, against the same worked out with plain Python."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import frames

import k6frames
from k6frames import ConfigError, SchemaError
from k6frames.schema import Table
from k6frames.tables import (
    ACCOUNT_SUMMARY,
    CREATION_TIMELINE,
    CREATION_TIMELINE_BY_ORGANIZATION,
    IDLE_PROJECTS,
    ORGANIZATION_PROJECTS,
    ORGANIZATIONS,
    PROJECTS,
    PROJECTS_PER_ORGANIZATION,
    SHARED_NAMES,
)

FREQUENCIES = ("D", "W", "MS", "QS", "YS")


def table_frame(table: Table, rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Rows as a frame of a table; what a row does not say is missing."""
    return pd.DataFrame(
        {
            name: pd.Series([row.get(name) for row in rows], dtype=dtype)
            for name, dtype in table.dtypes.items()
        }
    )


def joined(*rows: dict[str, Any]) -> pd.DataFrame:
    return table_frame(ORGANIZATION_PROJECTS, list(rows))


def utc(text: str) -> pd.Timestamp:
    return pd.Timestamp(text, tz="UTC")


def unaltered(
    summary: Callable[..., pd.DataFrame], frame: pd.DataFrame, **how: Any
) -> pd.DataFrame:
    """What a summary gives, after looking that its input is as it was."""
    before = frame.copy(deep=True)
    frame.attrs = {"fetched": "2026-07-01T00:00:00+00:00", "failed": [{"path": "/1", "org_id": 1}]}
    attrs = json.dumps(frame.attrs)
    result = summary(frame, **how)
    pd.testing.assert_frame_equal(frame, before)
    assert json.dumps(frame.attrs) == attrs
    assert result.attrs == frame.attrs
    return result


few = st.integers(1, 4)
some_text = st.sampled_from(["a", "b", "ü"]) | st.none()
some_moments = st.datetimes(datetime(2024, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
joined_frames = frames(
    ORGANIZATION_PROJECTS,
    org_id=few | st.none(),
    org_name=some_text,
    project_id=st.integers(0, 99) | st.none(),
    project_name=some_text,
    project_created=some_moments | st.none(),
    project_updated=some_moments | st.none(),
).map(lambda frame: frame[~frame["project_id"].duplicated() | frame["project_id"].isna()])


# --- projects_per_organization --------------------------------------------------------------------


def test_projects_are_counted_per_organization_most_first() -> None:
    summary = k6frames.projects_per_organization(
        joined(
            {"org_id": 3, "org_name": "Three"},
            {"org_id": 2, "org_name": "Two", "project_id": 1, "project_updated": utc("2026-01-02")},
            {"org_id": 9, "project_id": 2, "project_created": utc("2020-01-01")},
            {"org_id": 1, "org_name": "One", "project_id": 3, "project_created": utc("2021-03-01")},
            {"org_id": 1, "org_name": "One", "project_id": 4, "project_created": utc("2021-02-01")},
            {"project_id": 5},
        )
    )
    expected = table_frame(
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
    pd.testing.assert_frame_equal(summary, expected)


def test_without_any_project_there_is_no_share() -> None:
    summary = k6frames.projects_per_organization(joined({"org_id": 3, "org_name": "Three"}))
    expected = table_frame(
        PROJECTS_PER_ORGANIZATION, [{"org_id": 3, "org_name": "Three", "projects": 0}]
    )
    pd.testing.assert_frame_equal(summary, expected)


@given(joined_frames)
def test_counts_shares_and_dates_agree_with_the_rows(frame: pd.DataFrame) -> None:
    summary = unaltered(k6frames.projects_per_organization, frame)
    assert summary.dtypes.to_dict() == PROJECTS_PER_ORGANIZATION.dtypes
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    wanted = {}
    for org_id in {row["org_id"] for row in rows}:
        own = [row for row in rows if row["org_id"] == org_id]
        created = [row["project_created"] for row in own if row["project_created"] is not None]
        updated = [row["project_updated"] for row in own if row["project_updated"] is not None]
        wanted[org_id] = (
            sum(row["project_id"] is not None for row in own),
            min(created, default=None),
            max(created, default=None),
            max(updated, default=None),
        )
    plain = summary.astype(object).where(summary.notna(), None)
    columns = ["projects", "first_created", "last_created", "last_updated"]
    found = {row[0]: tuple(row[1:]) for row in plain[["org_id", *columns]].to_numpy().tolist()}
    assert found == wanted
    total = sum(count for count, *_ in wanted.values())
    if total:
        assert summary["share"].tolist() == [n / total for n in summary["projects"]]
    order = [(-n, org is None, org) for n, org in plain[["projects", "org_id"]].to_numpy().tolist()]
    assert order == sorted(order, key=lambda key: (key[0], key[1], key[2] or 0))


# --- creation_timeline ----------------------------------------------------------------------------


def start_of(day: date, freq: str) -> date:
    """The first day of the period that a day is in."""
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


def after(start: date, freq: str) -> date:
    """The period after one: some day that is surely in it, and then its start."""
    length = {"D": 1, "W": 7, "MS": 31, "QS": 92, "YS": 366}[freq]
    return start_of(start + timedelta(days=length), freq)


def timeline_by_hand(created: list[datetime], freq: str) -> list[tuple[date, int]]:
    starts = Counter(start_of(moment.date(), freq) for moment in created)
    if not starts:
        return []
    periods = [min(starts)]
    while periods[-1] < max(starts):
        periods.append(after(periods[-1], freq))
    return [(period, starts[period]) for period in periods]


@st.composite
def creations(draw: st.DrawFn) -> list[tuple[int | None, datetime | None]]:
    """Organizations and dates, within three years somewhere in the calendar."""
    first = draw(st.sampled_from([1, 1582, 1899, 1968, 2015, 2262, 9996]))
    days = st.datetimes(
        datetime(first, 1, 1),  # noqa: DTZ001
        datetime(first + 3, 12, 31, 23, 59, 59, 999_999),  # noqa: DTZ001
        timezones=st.just(UTC),
    )
    return draw(st.lists(st.tuples(few | st.none(), days | st.none()), max_size=12))


KINDS = {
    "organizations": (ORGANIZATIONS, "org_id", "created"),
    "projects": (PROJECTS, "project_id", "created"),
    "joined": (ORGANIZATION_PROJECTS, "project_id", "project_created"),
}


@pytest.mark.parametrize("freq", FREQUENCIES)
@pytest.mark.parametrize("kind", KINDS)
@given(drawn=creations())
def test_the_timeline_is_what_plain_python_counts(
    freq: Any, kind: str, drawn: list[tuple[int | None, datetime | None]]
) -> None:
    table, key, column = KINDS[kind]
    rows = [{key: number, column: moment} for number, (_, moment) in enumerate(drawn)]
    counts = timeline_by_hand([moment for _, moment in drawn if moment], freq)
    expected = pd.DataFrame(
        {
            "period": pd.Series([start for start, _ in counts], dtype="datetime64[us, UTC]"),
            "created": pd.Series([count for _, count in counts], dtype="Int64"),
            "cumulative": pd.Series(
                np.cumsum([count for _, count in counts], dtype=np.int64), dtype="Int64"
            ),
        }
    )
    timeline = unaltered(k6frames.creation_timeline, table_frame(table, rows), freq=freq)
    pd.testing.assert_frame_equal(timeline, expected)


@pytest.mark.parametrize("freq", FREQUENCIES)
@pytest.mark.parametrize("kind", ["projects", "joined"])
@given(drawn=creations())
def test_by_organization_every_organization_has_every_period(
    freq: Any, kind: str, drawn: list[tuple[int | None, datetime | None]]
) -> None:
    table, key, column = KINDS[kind]
    rows = [
        {key: number, "org_id": org, column: moment} for number, (org, moment) in enumerate(drawn)
    ]
    dated = [(org, moment) for org, moment in drawn if moment]
    periods = [start for start, _ in timeline_by_hand([moment for _, moment in dated], freq)]
    wanted: list[tuple[int | None, date, int, int]] = []
    for org in sorted({org for org, _ in dated}, key=lambda org: (org is None, org or 0)):
        own = Counter(start_of(moment.date(), freq) for o, moment in dated if o == org)
        cumulative = 0
        for period in periods:
            cumulative += own[period]
            wanted.append((org, period, own[period], cumulative))
    expected = pd.DataFrame(
        {
            name: pd.Series([row[index] for row in wanted], dtype=dtype)
            for index, (name, dtype) in enumerate(CREATION_TIMELINE_BY_ORGANIZATION.dtypes.items())
        }
    )
    timeline = unaltered(
        k6frames.creation_timeline, table_frame(table, rows), freq=freq, by="org_id"
    )
    pd.testing.assert_frame_equal(timeline, expected)


def test_a_timeline_over_all_years_has_no_gap() -> None:
    frame = table_frame(
        PROJECTS,
        [
            {"project_id": 1, "created": utc("0001-01-01")},
            {"project_id": 2, "created": utc("9999-12-31")},
        ],
    )  # fmt: skip
    timeline = k6frames.creation_timeline(frame, freq="YS")
    assert timeline["period"].dt.year.tolist() == list(range(1, 10_000))
    assert len(k6frames.creation_timeline(frame, freq="W")) == date.max.toordinal() // 7 + 1


def test_weeks_begin_on_monday() -> None:
    frame = table_frame(PROJECTS, [{"project_id": 1, "created": utc("2026-07-05 23:59")}])
    timeline = k6frames.creation_timeline(frame, freq="W")
    assert timeline["period"].tolist() == [utc("2026-06-29")]


def test_months_are_the_default() -> None:
    frame = table_frame(PROJECTS, [{"project_id": 1, "created": utc("2026-07-05")}])
    pd.testing.assert_frame_equal(
        k6frames.creation_timeline(frame), k6frames.creation_timeline(frame, freq="MS")
    )


def test_a_date_counts_in_the_period_that_it_has_in_utc() -> None:
    frame = pd.DataFrame({"created": [pd.Timestamp("2026-01-01 01:00", tz="Asia/Tokyo")]})
    timeline = k6frames.creation_timeline(frame, freq="YS")
    assert timeline["period"].tolist() == [utc("2025-01-01")]


@pytest.mark.parametrize("freq", ["M", "Q", "Y", "ME", "h", "d", "", None, 1, "MS "])
def test_another_frequency_is_an_error_that_lists_those_there_are(freq: Any) -> None:
    with pytest.raises(ConfigError, match="freq is one of D, W, MS, QS, YS"):
        k6frames.creation_timeline(table_frame(PROJECTS, []), freq=freq)


@pytest.mark.parametrize("by", ["project_id", "org_name", "", 1, True])
def test_another_by_is_an_error_that_says_what_is_possible(by: Any) -> None:
    with pytest.raises(ConfigError, match='by is "org_id" or None'):
        k6frames.creation_timeline(table_frame(PROJECTS, []), by=by)


def test_a_frame_without_dates_of_creation_has_no_timeline() -> None:
    with pytest.raises(SchemaError, match="missing: created"):
        k6frames.creation_timeline(pd.DataFrame({"org_id": [1]}))
    with pytest.raises(SchemaError, match="missing: org_id"):
        k6frames.creation_timeline(pd.DataFrame({"created": [utc("2026-01-01")]}), by="org_id")


# --- idle_projects --------------------------------------------------------------------------------


def idle_ids(frame: pd.DataFrame, **how: Any) -> list[tuple[int, int]]:
    idle = k6frames.idle_projects(frame, **how)
    return list(zip(idle["project_id"], idle["idle_days"], strict=True))


BOUNDARIES = joined(
    {"org_id": 1, "project_id": 1, "project_updated": utc("2026-01-02 00:00:00.000001")},
    {"org_id": 1, "project_id": 2, "project_updated": utc("2026-01-02")},
    {"org_id": 1, "project_id": 3, "project_updated": utc("2026-01-01 00:00:00.000001")},
    {"org_id": 1, "project_id": 4, "project_updated": utc("2026-01-01")},
    {"org_id": 1, "project_id": 5},
    {"org_id": 2},
    {"project_id": 6, "project_updated": utc("2026-01-02")},
    {"org_id": 1, "project_id": 7, "project_updated": utc("2027-01-01")},
)


def test_a_project_is_idle_from_exactly_so_many_days_on() -> None:
    assert idle_ids(BOUNDARIES, days=180, as_of="2026-07-01") == [
        (4, 181), (3, 180), (2, 180), (6, 180),
    ]  # fmt: skip
    assert idle_ids(BOUNDARIES, days=181, as_of="2026-07-01") == [(4, 181)]
    assert idle_ids(BOUNDARIES, days=182, as_of="2026-07-01") == []
    assert len(idle_ids(BOUNDARIES, days=0, as_of="2026-07-01")) == 5
    assert idle_ids(BOUNDARIES, days=np.int64(181), as_of="2026-07-01") == [(4, 181)]


def test_an_idle_project_has_its_organization_beside_it() -> None:
    row = {
        "org_id": 1, "org_name": "One", "project_id": 4, "project_name": "Four",
        "project_created": utc("2020-01-01"), "project_updated": utc("2026-01-01"),
    }  # fmt: skip
    idle = k6frames.idle_projects(joined(row), as_of="2026-07-01")
    pd.testing.assert_frame_equal(idle, table_frame(IDLE_PROJECTS, [{**row, "idle_days": 181}]))


@pytest.mark.parametrize(
    "as_of",
    [
        "2026-07-01", "2026-07-01T00:00:00Z", "2026-07-01T02:00:00+02:00", date(2026, 7, 1),
        datetime(2026, 7, 1, tzinfo=UTC), datetime.fromisoformat("2026-07-01"),
        pd.Timestamp("2026-07-01"), pd.Timestamp("2026-07-01T09:00", tz="Asia/Tokyo"),
        pd.Timestamp("2026-07-01").as_unit("ns"), np.datetime64("2026-07-01"),
    ],
    ids=repr,
)  # fmt: skip
def test_a_moment_may_be_said_in_many_ways(as_of: Any) -> None:
    assert idle_ids(BOUNDARIES, days=181, as_of=as_of) == [(4, 181)]
    assert k6frames.account_summary(BOUNDARIES, as_of=as_of)["as_of"].tolist() == [
        utc("2026-07-01")
    ]


@pytest.mark.parametrize(
    "as_of", ["", "soon", pd.NaT, 5, 2026.5, True, [], "99999-01-01", "2026-02-30"]
)
@pytest.mark.parametrize("summary", [k6frames.idle_projects, k6frames.account_summary])
def test_what_is_no_moment_is_an_error(summary: Callable[..., pd.DataFrame], as_of: Any) -> None:
    with pytest.raises(ConfigError, match="as_of should be a date"):
        summary(BOUNDARIES, as_of=as_of)


@pytest.mark.parametrize("days", [-1, True, 1.5, "180", None, float("nan")])
def test_what_is_no_number_of_days_is_an_error(days: Any) -> None:
    with pytest.raises(ConfigError, match="days must be a whole number, 0 or more"):
        k6frames.idle_projects(BOUNDARIES, days=days)


def test_now_is_the_default_moment() -> None:
    now = pd.Timestamp.now("UTC")
    frame = joined(
        {"project_id": 1, "project_updated": now - pd.Timedelta(days=180, minutes=1)},
        {"project_id": 2, "project_updated": now - pd.Timedelta(days=180) + pd.Timedelta("1h")},
    )
    assert idle_ids(frame) == [(1, 180)]
    (seen,) = k6frames.account_summary(frame)["as_of"]
    assert now <= seen <= pd.Timestamp.now("UTC")


def test_the_whole_calendar_is_within_reach_of_idleness() -> None:
    frame = joined(
        {"project_id": 1, "project_updated": utc("0001-01-01")},
        {"project_id": 2, "project_updated": utc("9999-12-31")},
    )
    as_of = pd.Timestamp("2026-07-01").as_unit("ns")
    assert idle_ids(frame, as_of=as_of) == [(1, (date(2026, 7, 1) - date(1, 1, 1)).days)]


# --- account_summary ------------------------------------------------------------------------------


def test_the_account_at_a_glance() -> None:
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
    expected = table_frame(
        ACCOUNT_SUMMARY,
        [
            {
                "as_of": utc("2026-07-01"), "organizations": 3, "empty_organizations": 1,
                "projects": 7, "created_30_days": 1, "created_365_days": 3, "idle_180_days": 1,
                "first_created": utc("2025-07-01"), "last_created": utc("2027-01-01"),
            }
        ],
    )  # fmt: skip
    pd.testing.assert_frame_equal(k6frames.account_summary(frame, as_of="2026-07-01"), expected)


# --- shared_names ---------------------------------------------------------------------------------


def test_a_name_is_shared_where_several_organizations_have_it() -> None:
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
    expected = table_frame(
        SHARED_NAMES,
        [
            {"project_name": "smoke", "organizations": 3, "projects": 3},
            {"project_name": "load", "organizations": 2, "projects": 3},
            {"project_name": "Load", "organizations": 2, "projects": 2},
        ],
    )
    pd.testing.assert_frame_equal(k6frames.shared_names(frame), expected)


# --- all of them ----------------------------------------------------------------------------------

SUMMARIES: dict[str, tuple[Callable[..., pd.DataFrame], dict[str, Any], Table]] = {
    "projects_per_organization": (
        k6frames.projects_per_organization, {}, PROJECTS_PER_ORGANIZATION,
    ),
    "creation_timeline": (k6frames.creation_timeline, {"freq": "YS"}, CREATION_TIMELINE),
    "creation_timeline by": (
        k6frames.creation_timeline,
        {"by": "org_id", "freq": "YS"},
        CREATION_TIMELINE_BY_ORGANIZATION,
    ),
    "idle_projects": (k6frames.idle_projects, {"days": 0, "as_of": "2026-07-01"}, IDLE_PROJECTS),
    "account_summary": (k6frames.account_summary, {"as_of": "2026-07-01"}, ACCOUNT_SUMMARY),
    "shared_names": (k6frames.shared_names, {}, SHARED_NAMES),
}  # fmt: skip


@pytest.mark.parametrize("name", SUMMARIES)
@given(frame=joined_frames)
def test_a_summary_has_its_table_and_leaves_its_input_alone(name: str, frame: pd.DataFrame) -> None:
    summary, how, table = SUMMARIES[name]
    result = unaltered(summary, frame, **how)
    pd.testing.assert_frame_equal(table.conform(result), result)


@pytest.mark.parametrize("name", SUMMARIES)
def test_a_summary_of_an_empty_frame_has_every_column_and_dtype(name: str) -> None:
    summary, how, table = SUMMARIES[name]
    result = summary(joined(), **how)
    assert result.dtypes.to_dict() == table.dtypes
    if name == "account_summary":
        assert result.iloc[0][["organizations", "projects", "idle_180_days"]].tolist() == [0, 0, 0]
        assert result["first_created"].isna().all()
    else:
        assert len(result) == 0


@pytest.mark.parametrize("name", SUMMARIES)
def test_a_summary_takes_columns_of_other_dtypes_that_say_the_same(name: str) -> None:
    summary, how, _ = SUMMARIES[name]
    typed = joined(
        *(
            {
                "org_id": 1 + n % 2, "org_name": "O", "project_id": n, "project_name": "P",
                "project_created": utc("2026-01-01"), "project_updated": utc("2026-01-02"),
            }
            for n in range(4)
        )
    )  # fmt: skip
    plain = typed.astype({"org_id": "int64", "project_id": "float64", "project_name": object})
    for column in ("project_created", "project_updated"):
        plain[column] = plain[column].dt.tz_localize(None)
    pd.testing.assert_frame_equal(summary(plain, **how), summary(typed, **how))


@pytest.mark.parametrize("name", SUMMARIES)
def test_a_summary_says_which_columns_it_lacks(name: str) -> None:
    summary, how, _ = SUMMARIES[name]
    with pytest.raises(SchemaError, match="missing: "):
        summary(pd.DataFrame({"x": [1]}), **how)
