"""Frequencies, and the maximum number of rows of a timeline."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from records import to_frame, utc

import k6frames
from k6frames import ConfigError
from k6frames.tables import TEST_RUN_DETAILS

RUN = {"stack_id": 1, "load_test_id": 1, "project_id": 7}
DETAILS = to_frame(
    TEST_RUN_DETAILS,
    [
        {**RUN, "test_run_id": number, "created": utc(created)}
        for number, created in enumerate(["0001-01-01 12:00", "2026-07-01"])
    ],
)
PROJECTS = pd.DataFrame({"project_id": [1, 2], "created": DETAILS["created"]})
TIMELINES = {
    "usage": lambda **options: k6frames.usage(DETAILS, **options),
    "results_timeline": lambda **options: k6frames.results_timeline(DETAILS, **options),
    "creation_timeline": lambda **options: k6frames.creation_timeline(PROJECTS, **options),
}


@pytest.mark.parametrize("name", TIMELINES)
def test_a_timeline_that_is_too_long_is_refused(name: str) -> None:
    assert len(TIMELINES[name](freq="D")) == 739_798
    with pytest.raises(
        ConfigError,
        match=r"would have 2,921,575 rows: 2,921,575 days from 0001-01-01 to 8000-01-01\. At most "
        r"2,000,000 are allowed\. Choose a longer freq",
    ):
        TIMELINES[name](freq="D", until="8000-01-01")


def test_too_many_organizations_times_periods_are_refused() -> None:
    count = 50_000
    created = np.datetime64("2016-01-01") + np.arange(count) % 3652
    frame = pd.DataFrame({"project_id": range(count), "org_id": range(count), "created": created})
    with pytest.raises(
        ConfigError,
        match=r"6,000,000 rows: 50,000 organizations x 120 months from 2016-01-01 to 2025-12-30",
    ):
        k6frames.creation_timeline(frame, by="org_id")
    years = k6frames.creation_timeline(frame, by="org_id", freq="YS")
    assert years["created"].sum() == count
    assert len(years) == 10 * count


@pytest.mark.parametrize("name", TIMELINES)
def test_an_unknown_frequency_is_an_error_that_lists_the_known_ones(name: str) -> None:
    wrong: list[Any] = ["M", "Q", "Y", "ME", "h", "d", "", None, 1, "MS ", ["D"]]
    for freq in wrong:
        with pytest.raises(ConfigError, match=r'must be one of "D" \(day\), "W" \(week\), "MS"'):
            TIMELINES[name](freq=freq)
