"""Frames of any length with the columns, dtypes and missing values of real accounts."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from k6frames import join_projects
from k6frames.tables import (
    LOAD_TESTS,
    ORGANIZATIONS,
    PROJECTS,
    STACK_PROJECTS,
    TEST_RUN_DETAILS,
    TEST_RUNS,
    Table,
)

AS_OF = pd.Timestamp("2026-06-15T12:00Z").as_unit("us")
PROJECTS_PER_ORGANIZATION = 20
PROJECTS_PER_STACK = 40
STACKS = 3


class Frames(NamedTuple):
    """One account as frames, with as many test runs as v3 projects."""

    organizations: pd.DataFrame
    projects: pd.DataFrame
    organization_projects: pd.DataFrame
    load_tests: pd.DataFrame
    stack_projects: pd.DataFrame
    test_runs: pd.DataFrame
    details: pd.DataFrame


def make_frames(rows: int) -> Frames:
    """Make the frames of an account with this number of v3 projects, and of test runs."""
    random = np.random.default_rng(1)
    organizations, projects = _organizations(random, rows)
    test_ids = np.arange(max(rows // 2000, 50))
    stacks, project_ids = np.divmod(np.arange(STACKS * PROJECTS_PER_STACK), PROJECTS_PER_STACK)
    load_tests = _fill(
        LOAD_TESTS,
        stack_id=test_ids % STACKS,
        load_test_id=test_ids,
        project_id=test_ids % PROJECTS_PER_STACK,
        name=_names("load test", test_ids),
    )
    stack_projects = _fill(
        STACK_PROJECTS,
        stack_id=stacks,
        project_id=project_ids,
        name=_names("project", project_ids),
    )
    runs = _runs(random, rows, len(test_ids))
    return Frames(
        organizations,
        projects,
        join_projects(organizations, projects),
        load_tests,
        stack_projects,
        _fill(TEST_RUNS, **runs),
        _fill(
            TEST_RUN_DETAILS,
            load_test_name=_names("load test", runs["load_test_id"]),
            project_name=_names("project", runs["project_id"]),
            **runs,
        ),
    )


def _organizations(random: np.random.Generator, rows: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Make organizations and projects; the last organization has no project."""
    org_ids = np.arange(math.ceil(rows / PROJECTS_PER_ORGANIZATION) + 1)
    organizations = _fill(
        ORGANIZATIONS,
        org_id=org_ids,
        name=_names("organization", org_ids),
        owner_id=org_ids,
        created=_dates("2015-01-01", org_ids),
    )
    created = random.integers(0, 10 * 365 * 86_400, rows)
    is_shared = random.random(rows) < 0.2
    names = np.where(is_shared, random.integers(0, 500, rows), 1000 + np.arange(rows))
    projects = _fill(
        PROJECTS,
        project_id=1 + random.permutation(rows),
        name=_names("project", names),
        description=_names("about", np.arange(rows) % 1000),
        org_id=np.arange(rows) // PROJECTS_PER_ORGANIZATION,
        created=_dates("2016-01-01", created),
        updated=_dates("2016-01-01", created + random.integers(0, 200 * 86_400, rows)),
        is_default=np.arange(rows) % PROJECTS_PER_ORGANIZATION == 0,
    )
    return organizations, projects


def _runs(random: np.random.Generator, rows: int, load_tests: int) -> dict[str, Any]:
    """Make the columns of test runs in 900 days; one run in a thousand is under way."""
    created = np.sort(random.integers(0, 900 * 86_400, rows))
    test = random.integers(0, load_tests, rows)
    is_under_way = random.random(rows) < 0.001
    results = np.array(["passed", "failed", "error", None], dtype=object)
    result = results[np.searchsorted([0.8, 0.95, 0.98], random.random(rows))]
    total = random.random(rows).round(4) * 10
    return {
        "stack_id": test % STACKS,
        "test_run_id": 1_000_000 + np.arange(rows),
        "load_test_id": test,
        "project_id": test % PROJECTS_PER_STACK,
        "created": _dates("2024-01-01", created),
        "ended": _dates("2024-01-01", created + 1800).where(~is_under_way),
        "status": np.where(is_under_way, "running", "completed"),
        "result": np.where(is_under_way, None, result),
        "note": np.full(rows, ""),
        "is_starred": np.zeros(rows, dtype=bool),
        "max_vus": random.integers(1, 5000, rows),
        "execution_duration": random.integers(60, 7200, rows).astype(float),
        "total_vuh": total,
        "protocol_vuh": total,
        "browser_vuh": np.zeros(rows),
    }


def _names(prefix: str, ids: np.ndarray[Any, Any]) -> pa.Array:
    return pa.array([f"{prefix} {number}" for number in ids.tolist()])


def _dates(first: str, seconds: np.ndarray[Any, Any]) -> pd.Series[Any]:
    microseconds = np.datetime64(first, "us") + seconds * np.timedelta64(1_000_000, "us")
    return pd.Series(microseconds).dt.tz_localize("UTC")


def _fill(table: Table, **columns: Any) -> pd.DataFrame:
    """Return a frame of a table with these columns, and missing values elsewhere."""
    rows = len(next(iter(columns.values())))
    arrays = [
        pa.array(columns[column.name], column.type)
        if column.name in columns
        else pa.nulls(rows, column.type)
        for column in table.columns
    ]
    return table.to_frame(pa.table(arrays, names=list(table.dtypes)))
