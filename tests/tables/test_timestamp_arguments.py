"""Timestamps that users pass as arguments."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pandas as pd
import pytest

from k6frames import ConfigError
from k6frames.tables.timestamp_arguments import parse_timestamp, resolve_as_of


@pytest.mark.parametrize(
    "value",
    [
        "2026-07-01", "20260701", "2026-07-01 00:00", "2026-07-01T00:00:00Z",
        "2026-07-01T02:00:00+02:00", date(2026, 7, 1), datetime(2026, 7, 1, tzinfo=UTC),
        datetime.fromisoformat("2026-07-01"), pd.Timestamp("2026-07-01"),
        pd.Timestamp("2026-07-01T09:00", tz="Asia/Tokyo"), np.datetime64("2026-07-01"),
        pd.Timestamp("2026-07-01").as_unit("ns"), np.datetime64("2026-07-01T00:00:00.000000000"),
    ],
    ids=repr,
)  # fmt: skip
def test_a_timestamp_may_be_written_in_many_ways(value: Any) -> None:
    timestamp = parse_timestamp("as_of", value)
    assert timestamp == pd.Timestamp("2026-07-01", tz="UTC")
    assert (timestamp.unit, str(timestamp.tz)) == ("us", "UTC")


@pytest.mark.parametrize("year", [1969, 2026])
@pytest.mark.parametrize(
    ("fraction", "microsecond"),
    [("123456", 123456), ("123456000", 123456), ("123456001", 123457), ("999999999", 1_000_000)],
)
def test_nanoseconds_are_rounded_up(year: int, fraction: str, microsecond: int) -> None:
    text = f"{year}-07-01T00:00:00.{fraction}"
    expected = datetime(year, 7, 1, tzinfo=UTC) + timedelta(microseconds=microsecond)
    for value in (text, pd.Timestamp(text), np.datetime64(text)):
        assert parse_timestamp("until", value) == expected


@pytest.mark.parametrize("value", ["0001-01-01", "9999-12-31T23:59:59.999999Z"])
def test_every_year_from_1_to_9999_is_accepted(value: str) -> None:
    assert parse_timestamp("as_of", value).isoformat() == pd.Timestamp(value, tz="UTC").isoformat()


@pytest.mark.parametrize(
    "value",
    [
        "", "soon", "now", "today", "-1", "2026", "2026-07", "01/02/2026", "2026-02-30",
        "99999-01-01", "9999-12-31T23:59-02:00", "0001-01-01T00:00+02:00", "x" * 5000,
        "9999-12-31T23:59:59.9999999",
        "2026-07-01\x00", None, pd.NaT, np.datetime64("NaT"), 5, 2026.5, True, np.int64(5), [],
        pytest.param(10**5000, id="huge"), np.datetime64("12345-01-01"),
        np.datetime64("0000-12-31"), np.datetime64(10**18, "Y"), timedelta(1),
        datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=2))),
    ],
    ids=lambda value: repr(value)[:40],
)  # fmt: skip
def test_anything_else_is_an_error_that_shows_an_example(value: Any) -> None:
    with pytest.raises(ConfigError, match=r'^until must be a date .*"2026-07-01".*, not ') as info:
        parse_timestamp("until", value)
    assert len(str(info.value)) < 250


def test_as_of_is_now_by_default() -> None:
    before = datetime.now(UTC)
    assert before <= resolve_as_of(None) <= datetime.now(UTC)
    assert resolve_as_of("2026-07-01") == datetime(2026, 7, 1, tzinfo=UTC)
    with pytest.raises(ConfigError, match="as_of must be a date"):
        resolve_as_of("now")
