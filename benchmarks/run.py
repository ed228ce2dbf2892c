"""Compare parsing, joins and summaries with other libraries and plain pandas.

``python benchmarks/run.py [ROWS ...]`` writes two sections of RESULTS.md. ROWS are the sizes of
the frames for joins and summaries.
"""

from __future__ import annotations

import io
import json
import sys
import time
from collections.abc import Callable
from functools import partial

import orjson
import pandas as pd
import plain_pandas
import polars as pl
import pyarrow as pa
import pyarrow.json
from results_page import describe_versions, replace_section
from synthetic_frames import AS_OF, Frames, make_frames

import k6frames
from k6frames import parsing
from k6frames.tables import PROJECTS, TEST_RUNS

REPETITIONS = 5
DEFAULT_ROWS = (100_000, 1_000_000)
Function = Callable[[], object]

# What k6frames does; `plain_pandas` has a function with the same name.
SUMMARIES: dict[str, Callable[[Frames], object]] = {
    "usage": lambda frames: k6frames.usage(frames.details),
    "test_results": lambda frames: k6frames.test_results(frames.details, as_of=AS_OF),
    "projects_per_organization": lambda frames: k6frames.projects_per_organization(
        frames.organization_projects
    ),
    "creation_timeline": lambda frames: k6frames.creation_timeline(frames.organization_projects),
    "idle_projects": lambda frames: k6frames.idle_projects(
        frames.organization_projects, as_of=AS_OF
    ),
    "shared_names": lambda frames: k6frames.shared_names(frames.organization_projects),
    "account_summary": lambda frames: k6frames.account_summary(
        frames.organization_projects, as_of=AS_OF
    ),
    "join_projects": lambda frames: k6frames.join_projects(frames.organizations, frames.projects),
    "join_test_runs": lambda frames: k6frames.join_test_runs(
        frames.test_runs, frames.load_tests, frames.stack_projects
    ),
}


def best_seconds(*functions: Function) -> list[float]:
    """Call functions in turn several times, and return the shortest CPU time of each.

    CPU time includes all threads, and depends less on other processes than elapsed time.
    """
    times: list[list[float]] = [[] for _ in functions]
    for _ in range(REPETITIONS):
        for function, seconds in zip(functions, times, strict=True):
            started = time.process_time()
            function()
            seconds.append(time.process_time() - started)
    return [min(seconds) for seconds in times]


def project_bodies() -> dict[str, bytes]:
    """Return 10,000 responses with 200,000 v3 projects."""
    return {
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


def run_pages() -> dict[str, bytes]:
    """Return 20 pages with 20,000 v6 test runs, whose costs are numbers and strings."""
    status = [{"type": "created", "entered": "2024-06-01T19:00:00Z"}] * 5
    return {
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


def measure_parsing() -> list[str]:
    """Return a table of ways to read JSON, with the ratio of k6frames to each of them."""
    bodies, pages = project_bodies(), run_pages()
    lines = b"\n".join(bodies.values())

    def read_projects() -> pd.DataFrame:
        return PROJECTS.to_frame(parsing.read(PROJECTS, bodies, field="projects"))

    def read_runs() -> pd.DataFrame:
        stacks = {"stack_id": [1] * len(pages)}
        return TEST_RUNS.to_frame(parsing.read(TEST_RUNS, pages, constants=stacks))

    def read_polars() -> pl.DataFrame:
        return pl.read_ndjson(io.BytesIO(lines)).explode("projects").unnest("projects")

    tasks: dict[str, dict[str, Function]] = {
        "200,000 v3 projects in 10,000 bodies": {
            "k6frames, to a frame": read_projects,
            "`json.loads`, no frame": lambda: [json.loads(body) for body in bodies.values()],
            "`orjson.loads`, no frame": lambda: [orjson.loads(body) for body in bodies.values()],
            "bare pyarrow, few checks": lambda: pa.json.read_json(pa.BufferReader(lines)).flatten(),
            "polars, few checks": read_polars,
        },
        "20,000 v6 test runs in 20 bodies": {
            "k6frames, to a frame": read_runs,
            "`orjson.loads`, no frame": lambda: [orjson.loads(page) for page in pages.values()],
            "`json.loads`, no frame": lambda: [json.loads(page) for page in pages.values()],
        },
    }
    table = ["| task | way | ms | ratio |", "| --- | --- | ---: | ---: |"]
    for task, ways in tasks.items():
        seconds = best_seconds(*ways.values())
        for way, taken in zip(ways, seconds, strict=True):
            table.append(f"| {task} | {way} | {taken * 1000:,.0f} | {seconds[0] / taken:.2f} |")
    return table


def measure_summaries(sizes: list[int]) -> list[str]:
    """Return a table of joins and summaries next to plain pandas."""
    cells: dict[str, list[str]] = {name: [] for name in SUMMARIES}
    for rows in sizes:
        frames = make_frames(rows)
        for name, function in SUMMARIES.items():
            plain = getattr(plain_pandas, name)
            ours, theirs = best_seconds(partial(function, frames), partial(plain, frames))
            cells[name].append(f"{ours * 1000:,.0f} | {theirs * 1000:,.0f} | {ours / theirs:.2f}")
            print(f"{rows:,} {name}: {cells[name][-1]}", flush=True)
    return [
        "| | " + " | ".join(f"{rows:,} rows | plain pandas | ratio" for rows in sizes) + " |",
        "| --- " + "| ---: | ---: | ---: " * len(sizes) + "|",
        *(f"| `{name}` | {' | '.join(values)} |" for name, values in cells.items()),
    ]


def main() -> None:
    """Measure everything, and write it to RESULTS.md."""
    sizes = [int(argument) for argument in sys.argv[1:]] or list(DEFAULT_ROWS)
    versions = describe_versions("pandas", "pyarrow", "msgspec", "orjson", "polars")
    written = f"Written by `python benchmarks/run.py` with {versions}."
    method = (
        f"CPU time, best of {REPETITIONS}; the functions are called in turn.\n"
        "A ratio below 1 means that k6frames takes less."
    )
    replace_section("Parsing", [written, method, "", *measure_parsing()])
    replace_section(
        "Joins and summaries",
        [
            written,
            method,
            "Milliseconds, with all checks of types and keys, next to `plain_pandas.py`, which has",
            "none. The checks take 2 to 4 ms per call, even for frames with few rows.",
            "",
            *measure_summaries(sizes),
        ],
    )


if __name__ == "__main__":
    main()
