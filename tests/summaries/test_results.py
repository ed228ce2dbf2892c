"""Summaries of results equal those computed in plain Python."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from records import (
    FREQUENCIES,
    Record,
    group,
    in_order,
    midnight,
    missing_last,
    periods_between,
    runs,
    start_of,
    to_frame,
    utc,
)

import k6frames
from k6frames import ConfigError
from k6frames.tables import (
    FLAKY_TESTS,
    RESULTS_TIMELINE,
    TEST_RESULTS,
    TEST_RUN_DETAILS,
)

# Midnights too, so that some runs are exactly at the start of the counted days.
as_ofs = st.datetimes(datetime(2026, 4, 1), datetime(2026, 7, 2), timezones=st.just(UTC)) | (  # noqa: DTZ001
    st.sampled_from([datetime(2026, 6, 2, tzinfo=UTC), datetime(2026, 6, 30, tzinfo=UTC)])
)
days = st.sampled_from([1, 29, 90, 1000])


def count_results(records: list[Record]) -> Record:
    results = [run["result"] for run in records]
    return {
        "passed": results.count("passed"),
        "failed": results.count("failed"),
        "errors": results.count("error"),
        "aborted": sum(run["result"] is None and run["ended"] is not None for run in records),
    }


def failing_since(records: list[Record]) -> datetime | None:
    """Walk back from the newest run with a result to the last passed one."""
    since = None
    for run in reversed([run for run in records if run["result"]]):
        if run["result"] == "passed":
            break
        since = run["created"]
    return since


@given(records=runs, as_of=as_ofs, days=days)
def test_results_per_load_test_are_what_plain_python_computes(
    records: list[Record], as_of: datetime, days: int
) -> None:
    known = [run for run in in_order(records) if run["created"] <= as_of]
    expected = []
    for own in group(known, "stack_id", "load_test_id").values():
        recent = [run for run in own if as_of - run["created"] < timedelta(days=days)]
        if not recent:
            continue
        ended = [run for run in recent if run["ended"]]
        counts = count_results(recent)
        with_result = counts["passed"] + counts["failed"] + counts["errors"]
        durations = [run["execution_duration"] for run in ended]
        durations = [duration for duration in durations if duration is not None]
        expected.append(
            {
                **own[-1],
                **counts,
                "test_runs": len(recent),
                "under_way": len(recent) - len(ended),
                "pass_rate": counts["passed"] / with_result if with_result else None,
                "last_run": own[-1]["created"],
                "last_result": ([run["result"] for run in own if run["result"]] or [None])[-1],
                "failing_since": failing_since(own),
                "median_duration": median(durations) if durations else None,
                "vuh": math.fsum(run["total_vuh"] or 0 for run in ended),
            }
        )
    expected.sort(
        key=lambda row: missing_last(row["pass_rate"], row["stack_id"], row["load_test_id"])
    )
    result = k6frames.test_results(to_frame(TEST_RUN_DETAILS, records), as_of=as_of, days=days)
    pd.testing.assert_frame_equal(
        result, to_frame(TEST_RESULTS, expected), check_exact=False, rtol=0, atol=1e-9
    )


def test_failing_since_may_be_before_the_counted_days() -> None:
    created = ["2026-01-01", "2026-01-08", "2026-06-20", "2026-06-27", "2026-06-28"]
    results = ["passed", "failed", "error", "failed", None]
    records = [
        {
            "stack_id": 1, "test_run_id": number, "load_test_id": 1, "created": utc(start),
            "ended": utc(start), "result": result,
        }
        for number, (start, result) in enumerate(zip(created, results, strict=True))
    ]  # fmt: skip
    row = k6frames.test_results(to_frame(TEST_RUN_DETAILS, records), as_of="2026-07-01").iloc[0]
    assert row["failing_since"] == utc("2026-01-08")
    assert row[["test_runs", "passed", "failed", "errors", "aborted"]].tolist() == [3, 0, 1, 1, 1]
    assert row["last_result"] == "failed"


def test_an_unknown_result_is_shown_but_not_counted_as_passed_failed_or_aborted() -> None:
    run = {"stack_id": 1, "load_test_id": 1, "created": utc("2026-06-30")}
    run["ended"] = run["created"]
    results = ["failed", "inconclusive"]
    records = [{**run, "test_run_id": n, "result": result} for n, result in enumerate(results)]
    frame = to_frame(TEST_RUN_DETAILS, records)
    row = k6frames.test_results(frame, as_of="2026-07-01").iloc[0]
    assert row[["test_runs", "passed", "failed", "errors", "aborted"]].tolist() == [2, 0, 1, 0, 0]
    assert row[["pass_rate", "last_result"]].tolist() == [0.0, "inconclusive"]
    assert row["failing_since"] == utc("2026-06-30")
    assert k6frames.results_timeline(frame).iloc[0, 1:].tolist() == [0, 1, 0, 0]


def test_runs_created_at_the_same_time_are_in_the_order_of_their_ids() -> None:
    run = {"stack_id": 1, "load_test_id": 1, "created": utc("2026-06-30")}
    records = [
        {**run, "test_run_id": 2, "result": "failed"},
        {**run, "test_run_id": 1, "result": "passed"},
    ]
    row = k6frames.test_results(to_frame(TEST_RUN_DETAILS, records), as_of="2026-07-01").iloc[0]
    assert (row["last_result"], row["failing_since"]) == ("failed", utc("2026-06-30"))


@given(records=runs, freq=st.sampled_from(FREQUENCIES), until=as_ofs | st.none())
def test_the_timeline_of_results_is_what_plain_python_counts(
    records: list[Record], freq: Any, until: datetime | None
) -> None:
    dated = in_order(records)
    ends = [run["created"] for run in dated] + ([until] if dated and until else [])
    ends = [max(end, dated[0]["created"]) for end in ends]
    expected = []
    for period in periods_between(ends, freq):
        own = [run for run in dated if start_of(run["created"].date(), freq) == period]
        expected.append({"period": midnight(period), **count_results(own)})
    result = k6frames.results_timeline(to_frame(TEST_RUN_DETAILS, records), freq=freq, until=until)
    pd.testing.assert_frame_equal(result, to_frame(RESULTS_TIMELINE, expected))


# --- flaky_tests ----------------------------------------------------------------------------------


@given(records=runs, repeat=st.integers(1, 4))
def test_flaky_tests_are_what_plain_python_finds(records: list[Record], repeat: int) -> None:
    # Repeated in later years, so that load tests have more than the 20 runs considered.
    records = [
        {
            **run,
            "test_run_id": run["test_run_id"] + 10_000 * year,
            "created": run["created"] and run["created"].replace(year=2026 + year),
        }
        for year in range(repeat)
        for run in records
    ]
    expected = []
    finished = [run for run in in_order(records) if run["result"]]
    for own in group(finished, "stack_id", "load_test_id").values():
        newest = own[-20:]
        changes = sum(before["result"] != after["result"] for before, after in pairwise(newest))
        if changes >= 2:
            expected.append(
                {
                    **newest[-1],
                    "finished_runs": len(newest),
                    "changes": changes,
                    "pass_rate": count_results(newest)["passed"] / len(newest),
                    "last_run": newest[-1]["created"],
                    "last_result": newest[-1]["result"],
                }
            )
    expected.sort(key=lambda row: (-row["changes"], row["stack_id"], row["load_test_id"]))
    result = k6frames.flaky_tests(to_frame(TEST_RUN_DETAILS, records))
    pd.testing.assert_frame_equal(result, to_frame(FLAKY_TESTS, expected))


def flaky(results: str) -> list[int]:
    """Return the changes of a load test with these results, if it is flaky."""
    names = {"p": "passed", "f": "failed", "e": "error"}
    records = [
        {
            "stack_id": 1, "test_run_id": number, "load_test_id": 1, "result": names[result],
            "created": utc("2026-06-01") + timedelta(days=number),
        }
        for number, result in enumerate(results)
    ]  # fmt: skip
    return k6frames.flaky_tests(to_frame(TEST_RUN_DETAILS, records))["changes"].tolist()


def test_a_test_is_flaky_if_its_result_changes_back_and_forth() -> None:
    assert flaky("ppppffff") == []
    assert flaky("ppfp") == [2]
    assert flaky("pefp") == [3]
    assert flaky("pfpf" + "p" * 20) == []
    assert flaky("pf" * 30) == [19]


@pytest.mark.parametrize("days", [0, True, 1.5, "90", None, float("nan")])
def test_days_must_be_an_integer(days: Any) -> None:
    with pytest.raises(ConfigError, match="days must be an integer from 1 to 3,652,059"):
        k6frames.test_results(to_frame(TEST_RUN_DETAILS, []), days=days)
