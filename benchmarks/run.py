"""Measure k6frames next to other ways to do the same, in one run: ``python benchmarks/run.py``.

Each line has the best of five times and its ratio to the other way. Writes RESULTS.md.
"""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.json

import k6frames
from k6frames import parsing
from k6frames.tables import (
    ORGANIZATION_PROJECTS,
    PROJECTS,
    TEST_RUN_DETAILS,
    TEST_RUNS,
    Table,
)

REPETITIONS = 5


class Comparison(NamedTuple):
    """What k6frames does, and another way to do it."""

    task: str
    other: str
    ours: Callable[[], object]
    theirs: Callable[[], object]


def best_seconds(work: Callable[[], object]) -> float:
    """Return the shortest of several times."""
    times = []
    for _ in range(REPETITIONS):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)


def parsing_of_projects() -> Iterator[Comparison]:
    """Yield comparisons for 10,000 responses with 200,000 v3 projects."""
    bodies = {
        f"/v3/organizations/{org_id}/projects": json.dumps(
            {
                "projects": [
                    {
                        "id": org_id * 20 + i,
                        "name": f"Project {i}",
                        "description": "project for load testing of my site",
                        "organization_id": org_id,
                        "created": "2020-08-13T18:28:45Z",
                        "updated": "2021-08-13T18:28:45Z",
                        "is_default": i == 0,
                    }
                    for i in range(20)
                ]
            }
        ).encode()
        for org_id in range(10_000)
    }
    joined = b"\n".join(bodies.values())

    def ours() -> pd.DataFrame:
        return PROJECTS.to_frame(parsing.read(PROJECTS, bodies, field="projects"))

    task = "200,000 v3 projects to a frame"
    yield Comparison(
        task, "json.loads, no frame", ours, lambda: [json.loads(b) for b in bodies.values()]
    )
    yield Comparison(
        task, "orjson.loads, no frame", ours, lambda: [orjson.loads(b) for b in bodies.values()]
    )
    yield Comparison(
        task,
        "bare pyarrow.json, few checks",
        ours,
        lambda: pa.json.read_json(pa.BufferReader(joined)).flatten(),
    )


def parsing_of_runs() -> Iterator[Comparison]:
    """Yield comparisons for 20 pages with 20,000 v6 test runs, costs as numbers and strings."""
    status = [{"type": "created", "entered": "2024-06-01T19:00:00Z"}] * 5
    pages = {
        f"/cloud/v6/test_runs?page={page}": json.dumps(
            {
                "value": [
                    {
                        "id": page * 1000 + i,
                        "test_id": 123,
                        "project_id": 12,
                        "started_by": "user@example.com",
                        "created": "2024-06-01T19:00:00Z",
                        "ended": "2024-06-01T19:30:30Z",
                        "note": "a note",
                        "cost": {
                            "total_vuh": "6.75" if i % 2 else 6.75,
                            "breakdown": {"protocol_vuh": "6.75", "browser_vuh": 0},
                        },
                        "status": "completed",
                        "status_details": status[0],
                        "status_history": status,
                        "result": "passed",
                        "options": {"stages": [{"duration": "10m", "target": 10}] * 5},
                        "execution_duration": 1800,
                    }
                    for i in range(1000)
                ]
            }
        ).encode()
        for page in range(20)
    }
    yield Comparison(
        "20,000 v6 test runs to a frame",
        "orjson.loads, no frame",
        lambda: TEST_RUNS.to_frame(
            parsing.read(TEST_RUNS, pages, constants={"stack_id": [1] * 20})
        ),
        lambda: [orjson.loads(page) for page in pages.values()],
    )


def fill(table: Table, columns: dict[str, Any]) -> pd.DataFrame:
    """Return a frame of a table with these columns, and missing values elsewhere."""
    rows = len(next(iter(columns.values())))
    others = {c.name: pd.array([pd.NA] * rows) for c in table.columns if c.name not in columns}
    return table.conform(pd.DataFrame({**columns, **others}))


def summaries() -> Iterator[Comparison]:
    """Yield comparisons with plain pandas, which checks neither types nor keys."""
    random = np.random.default_rng(1)
    count = 1_000_000
    created = pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(
        np.sort(random.integers(0, 900 * 86_400, count)), unit="s"
    )
    test = random.integers(1, 500, count)
    runs = fill(
        TEST_RUN_DETAILS,
        {
            "stack_id": np.ones(count, dtype="int64"),
            "test_run_id": np.arange(count),
            "load_test_id": test,
            "project_id": test % 40,
            "created": created.as_unit("us"),
            "ended": (created + pd.Timedelta(minutes=30)).as_unit("us"),
            "result": random.choice(["passed", "failed", "error"], count),
            "total_vuh": random.random(count),
        },
    )
    costs = ["total_vuh", "protocol_vuh", "browser_vuh"]

    def plain_usage() -> pd.DataFrame:
        """Sum the costs of ended runs and the estimates of others; every period is present."""
        ended = runs["ended"].notna()
        columns = runs[costs].where(ended, 0.0).fillna(0.0)
        columns["estimated_vuh"] = runs["total_vuh"].where(~ended, 0.0).fillna(0.0)
        columns["test_runs"] = 1
        months = runs["created"].dt.tz_convert(None).dt.to_period("M")
        sums = columns.groupby([months, runs["stack_id"], runs["project_id"]]).sum()
        # There and back: that adds the months without a run.
        return sums.unstack([1, 2], fill_value=0).stack([1, 2])  # noqa: PD010, PD013

    yield Comparison(
        "usage of 1,000,000 runs",
        "the same sums in pandas, no checks",
        lambda: k6frames.usage(runs),
        plain_usage,
    )
    projects = fill(
        ORGANIZATION_PROJECTS,
        {
            "org_id": np.arange(200_000) // 20,
            "project_id": np.arange(200_000),
            "project_created": pd.date_range("2020-01-01", periods=200_000, freq="10min", tz="UTC"),
            "project_updated": pd.date_range("2021-01-01", periods=200_000, freq="10min", tz="UTC"),
        },
    )
    now = datetime.now(UTC)
    yield Comparison(
        "idle projects among 200,000",
        "pandas comparison and sort, no checks",
        lambda: k6frames.idle_projects(projects, as_of=now),
        lambda: projects[now - projects["project_updated"] >= timedelta(days=180)].sort_values(
            ["project_updated", "project_id"]
        ),
    )
    yield Comparison(
        "projects per organization among 200,000",
        "pandas groupby, no checks",
        lambda: k6frames.projects_per_organization(projects),
        lambda: (
            projects.groupby("org_id")
            .agg(
                projects=("project_id", "count"),
                first=("project_created", "min"),
                last=("project_created", "max"),
                updated=("project_updated", "max"),
            )
            .sort_values("projects", ascending=False)
        ),
    )


def main() -> None:
    """Measure, print and write every comparison."""
    libraries = ", ".join(f"{name} {version(name)}" for name in ("pandas", "pyarrow", "msgspec"))
    versions = f"Python {platform.python_version()}, {libraries}"
    lines = [
        "# Benchmarks",
        "",
        f"Written by `python benchmarks/run.py` with {versions}: best of five times, in one run.",
        "A ratio below 1 means that k6frames takes less time. Only work without a network is",
        "measured.",
        "",
        "| task | k6frames (s) | another way | (s) | ratio |",
        "| --- | ---: | --- | ---: | ---: |",
    ]
    for compare in (parsing_of_projects, parsing_of_runs, summaries):
        for comparison in compare():
            ours, theirs = best_seconds(comparison.ours), best_seconds(comparison.theirs)
            lines.append(
                f"| {comparison.task} | {ours:.3f} | {comparison.other} | {theirs:.3f} | "
                f"{ours / theirs:.2f} |"
            )
            print(lines[-1])
    Path(__file__).with_name("RESULTS.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
