"""A dataset of any number of synthetic test runs, as `k6frames.sync` would write it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from k6frames.dataset import layout
from k6frames.dataset.layout import LAST_SEEN
from k6frames.tables import LOAD_TESTS, STACK_PROJECTS, TEST_RUNS

LAST_MONTH = pd.Timestamp("2026-10-01", tz="UTC")
LOAD_TESTS_PER_STACK = 2000
PROJECTS_PER_STACK = 100


def make_dataset(
    folder: Path, runs: int, *, months: int = 120, stacks: int = 4, seed: int = 1
) -> None:
    """Write a dataset with runs that are spread evenly over stacks and months.

    Parameters
    ----------
    folder : pathlib.Path
        A new folder.
    runs : int
        Number of runs.
    months : int
        Number of months; the last one is October 2026.
    stacks : int
        Number of stacks.
    seed : int
        The same seed makes the same runs.
    """
    random = np.random.default_rng(seed)
    starts = pd.date_range(end=LAST_MONTH, periods=months, freq="MS", unit="us")
    sizes = np.diff(np.linspace(0, runs, months * stacks + 1).round().astype(int))
    first_id = 1
    for number, size in enumerate(sizes):
        month, stack_id = starts[number // stacks], number % stacks + 1
        rows = _runs(random, month, int(size), first_id)
        file = layout.run_file(folder, stack_id, layout.month_of(month))
        layout.write_file(file.path, TEST_RUNS, rows)
        first_id += int(size)
    ids = np.arange(LOAD_TESTS_PER_STACK)
    _write_names(
        folder, LOAD_TESTS, "load_test_id", ids, stacks, project_id=ids % PROJECTS_PER_STACK
    )
    _write_names(folder, STACK_PROJECTS, "project_id", ids[:PROJECTS_PER_STACK], stacks)


def _runs(random: np.random.Generator, month: pd.Timestamp, size: int, first_id: int) -> pa.Table:
    length = (month + pd.offsets.MonthBegin() - month) // pd.Timedelta(microseconds=1)
    created = month.value // 1000 + np.sort(random.integers(0, length, size))
    duration = random.integers(60, 7200, size)
    load_test = random.integers(0, LOAD_TESTS_PER_STACK, size)
    vuh = (random.exponential(40, size) * 10_000).round() / 10_000
    under_way = random.random(size) < 0.001
    result = np.array(["passed", "failed", "error"])[
        np.searchsorted([0.8, 0.95], random.random(size))
    ]
    time = TEST_RUNS.arrow_schema.field("created").type
    values: dict[str, pa.Array] = {
        "test_run_id": pa.array(np.arange(first_id, first_id + size)),
        "load_test_id": pa.array(load_test),
        "project_id": pa.array(load_test % PROJECTS_PER_STACK),
        "created": pa.array(created).cast(time),
        "ended": pa.array(created + duration * 1_000_000, mask=under_way).cast(time),
        "status": pa.array(np.where(under_way, "running", "completed")),
        "result": pa.array(result, mask=under_way | (random.random(size) < 0.02)),
        "note": pa.array([""] * size),
        "is_starred": pa.array(random.random(size) < 0.01),
        "max_vus": pa.array(random.integers(1, 5000, size)),
        "max_browser_vus": pa.array(np.zeros(size, np.int64)),
        "estimated_duration": pa.array(duration),
        "execution_duration": pa.array(duration.astype(float)),
        "total_vuh": pa.array(vuh),
        "protocol_vuh": pa.array(vuh),
        "browser_vuh": pa.array(np.zeros(size)),
        LAST_SEEN.name: pa.array(created + length).cast(time),
    }
    for column in TEST_RUNS.columns:
        if column.name not in values and column.name != "stack_id" and not column.private:
            values[column.name] = pa.nulls(size, column.type)
    return pa.table(values)


def _write_names(
    folder: Path,
    table: layout.Table,
    key: str,
    ids: np.ndarray[tuple[int], np.dtype[np.int64]],
    stacks: int,
    **columns: np.ndarray[tuple[int], np.dtype[np.int64]],
) -> None:
    """Write load tests or projects, which have the same IDs in every stack."""
    frame = pd.DataFrame({key: ids, "name": [f"{table.name} {i}" for i in ids], **columns})
    frame = frame.merge(pd.DataFrame({"stack_id": np.arange(1, stacks + 1)}), how="cross")
    typed = table.conform(frame.reindex(columns=list(table.dtypes)))
    rows = pa.Table.from_pandas(typed, preserve_index=False).replace_schema_metadata(None)
    seen = pa.repeat(pa.scalar(LAST_MONTH.to_pydatetime(), layout.TIMESTAMP), len(rows))
    path = layout.day_file(folder, table, "2026-10-31")
    layout.write_file(path, table, rows.append_column(LAST_SEEN.name, seen))
