"""Summaries of test results, and which load tests are failing or flaky."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from k6frames.summaries.groups import last_positions, number_groups
from k6frames.summaries.periods import Frequency, make_timeline
from k6frames.summaries.test_run_details import conform_details
from k6frames.tables import FLAKY_TESTS, RESULTS_TIMELINE, TEST_RESULTS
from k6frames.tables.attrs import combine_attrs
from k6frames.tables.schema import returns
from k6frames.tables.timestamp_arguments import MAX_DAYS, TimestampLike, resolve_as_of
from k6frames.validation import validate_integer

_LOAD_TEST = ["stack_id", "load_test_id"]
# The result that is counted in each column.
_RESULTS = {"passed": "passed", "failed": "failed", "errors": "error"}

_RUN_COLUMNS = (
    "load_test_id", "project_id", "created", "ended", "result", "execution_duration", "total_vuh",
)  # fmt: skip
REQUIRED_COLUMNS = ("stack_id", "test_run_id", "load_test_name", "project_name", *_RUN_COLUMNS)
"""The columns that `test_results` needs."""

FLAKY_RUNS = 20
"""Whether a load test is flaky depends on at most this many of its last runs with a result."""

MIN_FLAKY_CHANGES = 2
"""With one change, a test broke or was fixed. With two or more, its result is not stable."""


@returns(TEST_RESULTS)
def test_results(
    details: pd.DataFrame,
    *,
    as_of: TimestampLike | None = None,
    days: int = 90,
) -> pd.DataFrame:
    """Count the results of each load test, and find when it started to fail.

    A run counts as passed, failed or an error according to its `result`, and as aborted if it has
    ended without a result. A run without `ended` counts as under way; if it already has a result,
    it also counts under that.
    The pass rate is passed / (passed + failed + errors).

    Counts and the pass rate cover the runs created in the last `days` days before `as_of`; duration
    and VUh cover those of them that have ended.
    `last_run`, `last_result` and `failing_since` also consider older runs, because a test may have
    been failing for longer. Runs after `as_of`, and runs without a creation date, are ignored.

    Parameters
    ----------
    details : pandas.DataFrame
        As returned by `test_run_details_df` or `join_test_runs`.
    as_of : str, date, datetime or pandas.Timestamp, optional
        The timestamp that counts as now; by default the current time. Without an offset it is in
        UTC, and a date means 00:00 of that day.
    days : int, default 90
        How many days before `as_of` to count.

    Returns
    -------
    pandas.DataFrame
        One row per load test that has runs in these days, lowest pass rate first, load tests
        without a pass rate last. The name is missing if the load test was deleted.

    Raises
    ------
    ConfigError
        If an argument is not valid.
    SchemaError
        If the frame does not match its table, or has a duplicate key.

    Examples
    --------
    >>> import k6frames
    >>> client = k6frames.Client.sample()
    >>> details = k6frames.test_run_details_df(client=client)
    >>> results = k6frames.test_results(details, as_of=client.as_of)
    >>> bool(results["pass_rate"].dropna().is_monotonic_increasing)
    True
    """
    validate_integer("days", days, minimum=1, maximum=MAX_DAYS)
    now = resolve_as_of(as_of)
    runs = _runs_until(now, details)
    group_numbers, groups = number_groups(
        runs, _LOAD_TEST, ["load_test_name", "project_id", "project_name", "created"]
    )
    recent = (now - runs["created"] < pd.Timedelta(days=days)).to_numpy()
    ended = runs["ended"].notna().to_numpy()
    kinds = _classify(runs)
    counted = {"test_runs": np.ones(len(runs), dtype=bool), **kinds, "under_way": ~ended}

    # `created` in `groups` is that of the last row of each group, and the runs are sorted.
    summary = groups.rename(columns={"created": "last_run"})
    for name, mask in counted.items():
        summary[name] = np.bincount(group_numbers[mask & recent], minlength=len(groups))
    with_result = summary["passed"] + summary["failed"] + summary["errors"]
    summary["pass_rate"] = summary["passed"] / with_result.where(with_result > 0)
    last = last_positions(group_numbers, len(groups), runs["result"].notna().to_numpy())
    # With `allow_fill`, the position -1 gives a missing value.
    summary["last_result"] = runs["result"].array.take(last, allow_fill=True)
    failing = _first_failure(group_numbers, len(groups), kinds)
    summary["failing_since"] = runs["created"].array.take(failing, allow_fill=True)

    # The index of `summary` is the group number, so these values are assigned to the right rows.
    ended_runs = runs[recent & ended].groupby(group_numbers[recent & ended])
    summary["median_duration"] = ended_runs["execution_duration"].median()
    summary["vuh"] = ended_runs["total_vuh"].sum()
    summary = summary[summary["test_runs"] > 0].fillna({"vuh": 0.0})
    summary = summary.sort_values(["pass_rate", *_LOAD_TEST])
    return combine_attrs(TEST_RESULTS.conform(summary), details)


def select_relevant_runs(
    details: pd.DataFrame, *, as_of: TimestampLike | None, days: int
) -> pd.DataFrame:
    """Drop the runs that make no difference to the result of `test_results`.

    The others are the runs of the last `days` days and, for each load test, the last run, the last
    run with a result, the last passed run, and the first failure after that one (if no run passed,
    the first failure).

    Parameters
    ----------
    details, as_of, days
        As in `test_results`.
    """
    now = resolve_as_of(as_of)
    runs = _runs_until(now, details)
    group_numbers, groups = number_groups(runs, _LOAD_TEST)
    kinds = _classify(runs)
    is_relevant = (now - runs["created"] < pd.Timedelta(days=days)).to_numpy(copy=True)
    for positions in (
        last_positions(group_numbers, len(groups)),
        last_positions(group_numbers, len(groups), runs["result"].notna().to_numpy()),
        last_positions(group_numbers, len(groups), kinds["passed"]),
        _first_failure(group_numbers, len(groups), kinds),
    ):
        is_relevant[positions[positions >= 0]] = True
    return runs[is_relevant].reset_index(drop=True)


@returns(RESULTS_TIMELINE)
def results_timeline(
    details: pd.DataFrame, *, freq: Frequency = "W", until: TimestampLike | None = None
) -> pd.DataFrame:
    """Count the results of test runs per period.

    A run belongs to the period in which it was created. It counts as passed, failed or an error
    according to its `result`, and as aborted if it has ended without a result. Runs under way that
    have no result yet are not counted, but their periods are included. Runs without a creation date
    are left out.

    Parameters
    ----------
    details : pandas.DataFrame
        As returned by `test_run_details_df` or `join_test_runs`.
    freq : {"W", "D", "MS", "QS", "YS"}, default "W"
        Length of a period: week from Monday, day, month, quarter or year, all in UTC.
    until : str, date, datetime or pandas.Timestamp, optional
        Add empty periods up to the one that contains this timestamp (UTC if it has no offset). By
        default, the last period is the one that contains the last run.

    Returns
    -------
    pandas.DataFrame
        One row per period from the first run to the last one, or to `until`, including empty ones.

    Raises
    ------
    ConfigError
        If an argument is not valid, or the result would exceed two million rows.
    SchemaError
        If the frame does not match its table, or has a duplicate key.

    Examples
    --------
    >>> import k6frames
    >>> details = k6frames.test_run_details_df(client=k6frames.Client.sample())
    >>> k6frames.results_timeline(details, freq="MS").columns.tolist()
    ['period', 'passed', 'failed', 'errors', 'aborted']
    """
    runs = conform_details(details, "created", "ended", "result").dropna(subset="created")
    timeline = make_timeline(runs["created"], freq, until=until)
    counts = {
        name: np.bincount(timeline.positions[is_result], minlength=len(timeline.periods))
        for name, is_result in _classify(runs).items()
    }
    result = pd.DataFrame({"period": timeline.periods, **counts})
    return combine_attrs(RESULTS_TIMELINE.conform(result), details)


@returns(FLAKY_TESTS)
def flaky_tests(details: pd.DataFrame) -> pd.DataFrame:
    """Find the load tests whose result changes back and forth.

    Only the last 20 runs of each load test that have a result are considered. A change is a run
    whose result differs from that of the run before it. A load test with two or more changes is
    flaky.

    Parameters
    ----------
    details : pandas.DataFrame
        As returned by `test_run_details_df` or `join_test_runs`. Runs without a result or a
        creation date are ignored.

    Returns
    -------
    pandas.DataFrame
        One row per flaky load test, most changes first.

    Raises
    ------
    SchemaError
        If the frame does not match its table, or has a duplicate key.

    Examples
    --------
    >>> import k6frames
    >>> details = k6frames.test_run_details_df(client=k6frames.Client.sample())
    >>> bool(k6frames.flaky_tests(details)["changes"].ge(2).all())
    True
    """
    runs = conform_details(details, "load_test_id", "created", "result")
    runs = _sort_runs(runs.dropna(subset=["created", "result"]))
    runs = runs.groupby(_LOAD_TEST).tail(FLAKY_RUNS)
    group_numbers, groups = number_groups(runs, _LOAD_TEST, ["load_test_name", "project_name"])
    by_test = runs.groupby(group_numbers)
    previous = by_test["result"].shift()
    changes = (runs["result"] != previous) & previous.notna()
    summary = groups.assign(
        finished_runs=by_test.size(),  # that is, runs with a result, which may still be under way
        changes=changes.groupby(group_numbers).sum(),
        pass_rate=(runs["result"] == "passed").groupby(group_numbers).mean(),
        last_run=by_test["created"].last(),
        last_result=by_test["result"].last(),
    )
    flaky = summary[summary["changes"] >= MIN_FLAKY_CHANGES]
    flaky = flaky.sort_values(["changes", *_LOAD_TEST], ascending=[False, True, True])
    return combine_attrs(FLAKY_TESTS.conform(flaky), details)


def _runs_until(now: pd.Timestamp, details: pd.DataFrame) -> pd.DataFrame:
    """Return the runs created up to a timestamp, with the columns that `test_results` needs."""
    runs = conform_details(details, *_RUN_COLUMNS)
    return _sort_runs(runs[runs["created"] <= now])


def _sort_runs(runs: pd.DataFrame) -> pd.DataFrame:
    """Sort runs by creation date, then by ID."""
    created = runs["created"].astype("int64").to_numpy()
    ids = runs["test_run_id"].to_numpy(dtype=np.int64)
    steps = np.diff(created)
    # Sorting takes longer than the rest of a summary. Loaders return the runs of each stack in this
    # order, so it is not necessary for a single stack.
    is_sorted = ((steps > 0) | ((steps == 0) & (np.diff(ids) > 0))).all()
    if not is_sorted:
        runs = runs.take(np.lexsort([ids, created]))
    return runs.reset_index(drop=True)


def _classify(runs: pd.DataFrame) -> dict[str, npt.NDArray[np.bool_]]:
    """Return a mask of the runs with each kind of result."""
    result = runs["result"]
    kinds = {
        name: (result == value).to_numpy(dtype=bool, na_value=False)
        for name, value in _RESULTS.items()
    }
    kinds["aborted"] = (runs["ended"].notna() & result.isna()).to_numpy()
    return kinds


def _first_failure(
    group_numbers: npt.NDArray[np.int64], count: int, kinds: dict[str, npt.NDArray[np.bool_]]
) -> npt.NDArray[np.int64]:
    """Return the position of each group's first failed or error run after its last passed run.

    The position is -1 for a group without such a run.
    """
    last_passed = last_positions(group_numbers, count, kinds["passed"])
    failed = np.flatnonzero(kinds["failed"] | kinds["errors"])
    failed = failed[failed > last_passed[group_numbers[failed]]]
    # np.unique returns the index of the first failure of each group.
    groups, indexes = np.unique(group_numbers[failed], return_index=True)
    first = np.full(count, -1, np.int64)
    first[groups] = failed[indexes]
    return first
