"""Usage and budgets equal those computed in plain Python."""

from __future__ import annotations

import math
from calendar import monthrange
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from records import (
    FREQUENCIES,
    PROJECT_NAMES,
    Record,
    fewer_examples,
    group,
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
    PROJECT_LABELS,
    PROJECT_LIMITS,
    STACK_PROJECTS,
    TEST_RUN_DETAILS,
    USAGE,
    USAGE_BY_LABEL,
    USAGE_BY_LOAD_TEST,
    USAGE_BY_PROJECT,
    USAGE_BY_STACK,
    VUH_BUDGET,
)

TEAMS = {(1, 7): "red", (1, 8): "blue", (2, 7): "red"}
LABELS = to_frame(
    PROJECT_LABELS,
    [
        *(
            {"stack_id": stack, "project_id": project, "key": "team", "value": team}
            for (stack, project), team in TEAMS.items()
        ),
        {"stack_id": 1, "project_id": 7, "key": "tier", "value": "gold"},
        {"stack_id": 2, "project_id": 99, "key": "team", "value": "unused"},
    ],
)
GROUPINGS = {
    None: (USAGE, ()),
    "stack_id": (USAGE_BY_STACK, ("stack_id",)),
    "project_id": (USAGE_BY_PROJECT, ("stack_id", "project_id")),
    "load_test_id": (USAGE_BY_LOAD_TEST, ("stack_id", "load_test_id")),
    "team": (USAGE_BY_LABEL, ("value",)),
}
COSTS = {"vuh": "total_vuh", "protocol_vuh": "protocol_vuh", "browser_vuh": "browser_vuh"}


def details(*records: Record) -> pd.DataFrame:
    defaults = {"stack_id": 1, "load_test_id": 1, "project_id": 7, "created": utc("2026-06-10")}
    return to_frame(
        TEST_RUN_DETAILS,
        [{**defaults, "test_run_id": number, **run} for number, run in enumerate(records)],
    )


def assert_nearly_equal(result: pd.DataFrame, expected: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(result, expected, check_exact=False, rtol=0, atol=1e-9)


@pytest.mark.parametrize("by", GROUPINGS)
@fewer_examples
@given(records=runs, freq=st.sampled_from(FREQUENCIES))
def test_usage_is_what_plain_python_computes(
    by: str | None, records: list[Record], freq: Any
) -> None:
    for run in records:
        run["value"] = TEAMS.get((run["stack_id"], run["project_id"]))
    table, keys = GROUPINGS[by]
    dated = [run for run in records if run["created"]]
    groups = group(dated, *keys)
    expected = []
    for period in periods_between((run["created"] for run in dated), freq):
        for key, own in groups.items():
            within = [run for run in own if start_of(run["created"].date(), freq) == period]
            ended = [run for run in within if run["ended"]]
            under_way = [run for run in within if not run["ended"]]
            expected.append(
                {
                    **own[0],
                    **dict(zip(keys, key, strict=True)),
                    "key": by,
                    "period": midnight(period),
                    "test_runs": len(within),
                    **{
                        name: math.fsum(run[cost] or 0 for run in ended)
                        for name, cost in COSTS.items()
                    },
                    "estimated_vuh": math.fsum(run["total_vuh"] or 0 for run in under_way),
                }
            )
    result = k6frames.usage(
        to_frame(TEST_RUN_DETAILS, records), freq=freq, by=by, project_labels=LABELS
    )
    assert_nearly_equal(result, to_frame(table, expected))


def test_sums_over_many_runs_are_exact() -> None:
    costs = np.random.default_rng(1).uniform(0, 1000, 100_000).round(4)
    frame = details({}).iloc[np.zeros(len(costs), int)].reset_index(drop=True)
    frame["test_run_id"] = np.arange(len(costs))
    frame["ended"] = frame["created"]
    frame["total_vuh"] = costs
    assert k6frames.usage(frame)["vuh"].item() == pytest.approx(math.fsum(costs), abs=1e-8)


def test_until_adds_periods_and_never_removes_any() -> None:
    frame = details({"created": utc("2026-03-31")}, {"created": utc("2026-05-01")})
    months = [utc(f"2026-{month:02}-01") for month in range(3, 8)]
    continued = k6frames.usage(frame, by=None, until="2026-07-01")
    assert continued["period"].tolist() == months
    assert continued["test_runs"].tolist() == [1, 0, 1, 0, 0]
    assert k6frames.usage(frame, by=None, until="2026-01-01")["period"].tolist() == months[:3]
    with pytest.raises(ConfigError, match=r'until must be a date.*"2026-07-01".*now'):
        k6frames.usage(frame, until="now")


def test_grouping_by_a_label_needs_project_labels() -> None:
    with pytest.raises(ConfigError, match=r"label 'team'.*project_labels=k6frames.project_labels"):
        k6frames.usage(details({}), by="team")
    with pytest.raises(ConfigError, match="by must be a string or None, not 1"):
        k6frames.usage(details({}), by=1)  # type: ignore[arg-type]


# --- vuh_budget -----------------------------------------------------------------------------------


def budget_order(row: Record) -> list[Any]:
    """Put exceeded limits of 0 first, then the largest share, then the most VUh."""
    share = row["share"]
    if row["limit_vuh"] == 0 and row["used_vuh"] > 0:
        share = math.inf
    return missing_last(
        None if share is None else -share, -row["used_vuh"], row["stack_id"], row["project_id"]
    )


limits = st.dictionaries(
    st.tuples(st.integers(1, 2), st.integers(7, 9)),
    st.integers(0, 3000) | st.sampled_from([0, None]),
)


@given(
    records=runs,
    limit_of=limits,
    as_of=st.datetimes(datetime(2026, 5, 1), datetime(2026, 7, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_budgets_are_what_plain_python_computes(
    records: list[Record], limit_of: dict[tuple[int, int], int | None], as_of: datetime
) -> None:
    month = midnight(as_of.date().replace(day=1))
    elapsed = (as_of - month) / timedelta(days=1)
    within = group(
        [run for run in records if run["created"] and month <= run["created"] <= as_of],
        "stack_id", "project_id",
    )  # fmt: skip
    has_run = {(run["stack_id"], run["project_id"]) for run in records}
    expected = []
    for stack, project in {*within, *limit_of}:
        own = within.get((stack, project), [])
        used = math.fsum(run["total_vuh"] or 0 for run in own if run["ended"])
        limit = limit_of.get((stack, project))
        left = None if limit is None else limit - used
        days_left = None
        if left is not None and left <= 0:
            days_left = 0
        elif left is not None and used and elapsed:
            days_left = left / used * elapsed
        expected.append(
            {
                "month": month,
                "stack_id": stack,
                "project_id": project,
                "project_name": PROJECT_NAMES.get((stack, project))
                if (stack, project) in has_run
                else None,
                "used_vuh": used,
                "limit_vuh": limit,
                "left_vuh": left,
                "share": used / limit if limit else None,
                "expected_vuh": used / elapsed * monthrange(as_of.year, as_of.month)[1]
                if elapsed
                else used,
                "days_left": days_left,
            }
        )
    expected.sort(key=budget_order)
    result = k6frames.vuh_budget(
        to_frame(TEST_RUN_DETAILS, records),
        to_frame(
            PROJECT_LIMITS,
            [
                {"stack_id": stack, "project_id": project, "vuh_max_per_month": limit}
                for (stack, project), limit in limit_of.items()
            ],
        ),
        as_of=as_of,
    )
    pd.testing.assert_frame_equal(
        result, to_frame(VUH_BUDGET, expected), check_exact=False, rtol=1e-12, atol=1e-9
    )


def test_a_budget_halfway_through_the_month() -> None:
    frame = details(
        {"ended": utc("2026-06-10"), "total_vuh": 60.0},
        {"total_vuh": 500.0},
        {"created": utc("2026-06-17"), "ended": utc("2026-06-17"), "total_vuh": 500.0},
    )
    projects = to_frame(
        STACK_PROJECTS,
        [{"stack_id": 1, "project_id": project, "name": f"P{project}"} for project in (7, 8)],
    )
    limit = to_frame(
        PROJECT_LIMITS,
        [{"stack_id": 1, "project_id": project, "vuh_max_per_month": 100} for project in (7, 8)],
    )
    budget = k6frames.vuh_budget(frame, limit, as_of="2026-06-16", stack_projects=projects)
    same = {"month": utc("2026-06-01"), "stack_id": 1, "limit_vuh": 100}
    expected = [
        {
            **same, "project_id": 7, "project_name": "P7", "used_vuh": 60.0, "left_vuh": 40.0,
            "share": 0.6, "expected_vuh": 120.0, "days_left": 10.0,
        },
        {
            **same, "project_id": 8, "project_name": "P8", "used_vuh": 0.0, "left_vuh": 100.0,
            "share": 0.0, "expected_vuh": 0.0,
        },
    ]  # fmt: skip
    assert_nearly_equal(budget, to_frame(VUH_BUDGET, expected))


def test_an_exceeded_limit_of_0_is_first_and_an_unused_one_last() -> None:
    ended = {"ended": utc("2026-06-10")}
    frame = details({**ended, "total_vuh": 60.0}, {**ended, "project_id": 6, "total_vuh": 90.0})
    limit = [
        {"stack_id": 1, "project_id": project, "vuh_max_per_month": limit}
        for project, limit in {5: 0, 6: 10, 7: 0}.items()
    ]
    budget = k6frames.vuh_budget(frame, to_frame(PROJECT_LIMITS, limit), as_of="2026-06-16")
    assert budget["project_id"].tolist() == [7, 6, 5]
    assert budget["used_vuh"].tolist() == [60.0, 90.0, 0.0]
    assert budget["left_vuh"].tolist() == [-60.0, -80.0, 0.0]
    assert budget["share"].tolist() == [pd.NA, 9.0, pd.NA]
    assert budget["days_left"].tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [
        ("2024-02-01", 29.0),  # no time has passed, so there is no rate
        ("2024-02-01T12:00", 29.0 * 58),
        ("2024-02-15T12:00", 58.0),
        ("2023-02-15", 58.0),
    ],
)
def test_expected_usage_depends_on_the_length_of_the_month(as_of: str, expected: float) -> None:
    start = utc(as_of).replace(day=1).normalize()
    frame = details(
        *({"created": created, "ended": created, "total_vuh": 29.0} for created in
          (start - pd.Timedelta(microseconds=1), start))
    )  # fmt: skip
    budget = k6frames.vuh_budget(frame, to_frame(PROJECT_LIMITS, []), as_of=as_of)
    assert budget["expected_vuh"].tolist() == [pytest.approx(expected)]


def test_at_the_beginning_of_the_month_no_day_is_left_only_if_the_limit_is_reached() -> None:
    first = utc("2026-06-01")
    frame = details({"created": first, "ended": first, "total_vuh": 5.0})
    for limit, expected in ((100, pd.NA), (5, 0.0)):
        row = {"stack_id": 1, "project_id": 7, "vuh_max_per_month": limit}
        budget = k6frames.vuh_budget(frame, to_frame(PROJECT_LIMITS, [row]), as_of=first)
        days_left = pd.Series([expected], dtype="Float64", name="days_left")
        pd.testing.assert_series_equal(budget["days_left"], days_left)


@pytest.mark.parametrize("as_of", ["0001-01-01", "9999-12-31T23:59:59.999999", "2026-02-28"])
def test_a_budget_is_possible_in_every_month(as_of: str) -> None:
    budget = k6frames.vuh_budget(
        details({"created": utc(as_of), "ended": utc(as_of), "total_vuh": 5.0}),
        to_frame(PROJECT_LIMITS, []),
        as_of=as_of,
    )
    assert budget["used_vuh"].tolist() == [5.0]
