"""Compare engines that sum the usage of ten million runs per project and month.

``python benchmarks/history.py FOLDER`` makes a synthetic dataset in FOLDER if it does not exist.
Each engine runs in its own process, and all must return the same figures. The script writes a
section of RESULTS.md.
"""

# ruff: noqa: PLC0415 - a process imports only the engine that it measures

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import psutil
from results_page import describe_versions, replace_section

COLUMNS = ("seconds", "CPU seconds", "memory (MB)")
SAMPLING_SECONDS = 0.02


class Figures(NamedTuple):
    """The results, which must be the same for all engines; a group is a project in a month."""

    groups: int
    vuh: float
    test_runs: int


QUERY = """
    select stack_id, project_id, any_value(name) as project_name, month,
           sum(total_vuh) filter (where ended is not null) as vuh, count(*) as test_runs
    from read_parquet('{folder}/test_runs/**/*.parquet') as runs
    left join (select stack_id, project_id, name
               from read_parquet('{folder}/stack_projects/*/*.parquet')) as projects
    using (stack_id, project_id)
    group by all
"""


def pandas_at_once(folder: Path) -> Figures:
    """Read all runs, then sum them."""
    import k6frames

    return _figures(k6frames.usage(_read(folder)))


def pandas_by_month(folder: Path) -> Figures:
    """Read and sum one month at a time."""
    import pandas as pd

    import k6frames
    from k6frames.dataset import layout

    months = pd.to_datetime(sorted({file.month for file in layout.run_files(folder)}))
    parts = [
        k6frames.usage(
            _read(folder, created_after=month, created_before=month + pd.offsets.MonthBegin())
        )
        for month in months
    ]
    return _figures(pd.concat(parts, ignore_index=True))


def with_dask(folder: Path) -> Figures:
    """Sum each partition on a new cluster of processes."""
    import k6frames.dask

    return _figures(k6frames.dask.usage(k6frames.dask.read_dataset(folder, "test_run_details")))


def with_duckdb(folder: Path) -> Figures:
    """Sum in SQL."""
    import duckdb

    return _figures(duckdb.sql(QUERY.format(folder=folder)).to_arrow_table().to_pandas())


def with_polars(folder: Path) -> Figures:
    """Sum in a lazy query, which reads in batches."""
    import polars as pl

    runs = pl.scan_parquet(folder / "test_runs/**/*.parquet", hive_partitioning=True)
    projects = pl.scan_parquet(folder / "stack_projects/**/*.parquet", hive_partitioning=True)
    names = projects.select("stack_id", "project_id", project_name="name")
    sums = (
        runs.group_by("stack_id", "project_id", "month")
        .agg(
            vuh=pl.col("total_vuh").filter(pl.col("ended").is_not_null()).sum(),
            test_runs=pl.len(),
        )
        .join(names, on=["stack_id", "project_id"], how="left")
    )
    return _figures(sums.collect(engine="streaming").to_pandas())


def _read(folder: Path, **selection: object):
    import k6frames
    from k6frames.summaries.usage import REQUIRED_COLUMNS

    return k6frames.read_dataset(folder, "test_run_details", columns=REQUIRED_COLUMNS, **selection)


def _figures(frame) -> Figures:
    groups = frame[frame["test_runs"] > 0]
    return Figures(
        len(groups), round(float(groups["vuh"].sum()), 2), int(groups["test_runs"].sum())
    )


ENGINES: dict[str, Callable[[Path], Figures]] = {
    "pandas, all runs at once": pandas_at_once,
    "pandas, month by month": pandas_by_month,
    "Dask, a cluster of processes": with_dask,
    "DuckDB": with_duckdb,
    "Polars, streaming": with_polars,
}


class Measured(NamedTuple):
    """The cost of one run of an engine, including child processes."""

    seconds: float
    cpu_seconds: float
    memory_bytes: int
    figures: Figures


def measure(engine: str, folder: Path) -> Measured:
    """Run an engine in its own process."""
    command = [sys.executable, __file__, str(folder), "--engine", engine]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    peak = 0
    is_done = threading.Event()

    def sample() -> None:
        nonlocal peak
        while not is_done.wait(SAMPLING_SECONDS):
            peak = max(peak, _memory_bytes(process.pid))

    thread = threading.Thread(target=sample)
    thread.start()
    output, _ = process.communicate()
    is_done.set()
    thread.join()
    if process.returncode:
        raise SystemExit(f"{engine} failed.")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    seconds, figures = json.loads(output)
    return Measured(seconds, cpu_seconds, peak, Figures(*figures))


def _memory_bytes(pid: int) -> int:
    """Return the memory of a process and its child processes."""
    total = 0
    try:
        process = psutil.Process(pid)
        for member in [process, *process.children(recursive=True)]:
            total += member.memory_info().rss
    except psutil.NoSuchProcess:
        pass  # the process has just ended
    return total


def main() -> None:
    """Measure all engines, or run one of them, in a child process."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runs", type=int, default=10_000_000)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--engine", choices=ENGINES)
    arguments = parser.parse_args()
    folder = arguments.folder.absolute()
    if arguments.engine:
        start = time.perf_counter()
        figures = ENGINES[arguments.engine](folder)
        print(json.dumps([time.perf_counter() - start, figures]))
        return
    if not folder.exists():
        from synthetic_runs import make_dataset

        make_dataset(folder, arguments.runs)
    replace_section(
        "Usage per project and month from a dataset", compare_engines(folder, arguments.repetitions)
    )


def compare_engines(folder: Path, repetitions: int) -> list[str]:
    """Measure all engines, and return the lines of the section."""
    measured = [{engine: measure(engine, folder) for engine in ENGINES} for _ in range(repetitions)]
    figures = {run.figures for runs in measured for run in runs.values()}
    if len(figures) > 1:
        raise SystemExit(f"The figures differ: {figures}")
    test_runs = figures.pop().test_runs
    best = {
        engine: (
            min(runs[engine].seconds for runs in measured),
            min(runs[engine].cpu_seconds for runs in measured),
            min(runs[engine].memory_bytes for runs in measured) / 1e6,
        )
        for engine in ENGINES
    }
    reference = best["pandas, all runs at once"]
    versions = describe_versions("pandas", "dask", "duckdb", "polars")
    lines = [
        f"Written by `python benchmarks/history.py FOLDER` with {versions}.",
        f"Best of {repetitions}. All figures include the imports of the engine; CPU time and peak",
        "memory also include those of the script, and child processes.",
        "All return the same figures. Ratios are relative to the first row.",
        "",
        f"| {test_runs:,} runs in 120 months | {' | ratio | '.join(COLUMNS)} | ratio |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for engine, values in best.items():
        cells = [
            f"{value:,.1f} | {value / first:.2f}"
            for value, first in zip(values, reference, strict=True)
        ]
        lines.append(f"| {engine} | {' | '.join(cells)} |")
    return lines


if __name__ == "__main__":
    main()
