"""The part of a sync that reads test runs, and writes them into one file for each month."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from k6frames.api.client import Client
from k6frames.dataset import layout
from k6frames.dataset.layout import read_all_columns, read_files, write_file
from k6frames.dataset.rows import (
    compare,
    drop_old_states,
    merge_rows,
    time_received,
    to_arrow,
    to_frame,
    without_private,
)
from k6frames.dataset.sync_windows import Window, find_windows
from k6frames.loaders.test_runs import test_runs_df
from k6frames.tables import TEST_RUNS


def sync_runs(root: Path, client: Client, stack_id: int) -> Iterator[pd.DataFrame]:
    """Write the test runs of a stack, oldest month first, and yield what has changed.

    This order keeps all months before the newest one complete, even if the sync is killed.
    """
    with client.progress_bar(unit=" months") as bar:
        for window in find_windows(root, stack_id, client):
            before, after = _write_window(root, client, stack_id, window)
            bar.update(len(after))
            if after:
                # One comparison of all months is faster than one of each month.
                yield compare(_concatenate(before, stack_id), _concatenate(after, stack_id))


def _write_window(
    root: Path, client: Client, stack_id: int, window: Window
) -> tuple[dict[str, pa.Table], dict[str, pa.Table]]:
    """Read and write the runs of a window, and return each month before and after."""
    runs = test_runs_df(
        created_after=window.after, created_before=window.before, stack=stack_id, client=client
    )
    before: dict[str, pa.Table] = {}
    after: dict[str, pa.Table] = {}
    if runs.empty:
        return before, after
    received = to_arrow(runs, TEST_RUNS, time_received(runs, client))
    months = _months(runs["created"])
    moved = _find_moved_runs(root, stack_id, runs["test_run_id"], months)
    for month in sorted(set(months)):
        rows = received.filter(pa.array(months == month))
        before[month], after[month] = _add_runs(root, stack_id, month, rows)
    # A run is removed from its old month last: a sync that is killed must not lose it.
    for month, ids in moved.items():
        existing, after[month] = _remove_runs(root, stack_id, month, ids)
        # If `_add_runs` has changed this month, before[month] already has its original state.
        before.setdefault(month, existing)
    return before, after


def _months(created: pd.Series[pd.Timestamp]) -> pd.Series[str]:
    """Return the months of creation times, and `NO_MONTH` where the time is missing."""
    months = created.map(layout.month_of, na_action="ignore")
    return months.astype("string").fillna(layout.NO_MONTH)


def _find_moved_runs(
    root: Path, stack_id: int, ids: pd.Series[int], months: pd.Series[str]
) -> dict[str, list[int]]:
    """Return, for each month, the IDs of the runs in its file that now have another month.

    A run moves if the API now gives it another creation time, such as one that was missing before.
    """
    test_run_id = ds.field("test_run_id")
    known = read_files(
        [file.path for file in layout.run_files(root, stack_id)],
        TEST_RUNS,
        ["test_run_id", "created"],
        # IDs grow with time, so Arrow skips most files by their statistics.
        condition=(test_run_id >= int(ids.min())) & (test_run_id <= int(ids.max())),
    ).to_pandas()
    known = known[known["test_run_id"].isin(ids)]
    known_months = _months(known["created"])
    is_moved = known_months != known["test_run_id"].map(months.set_axis(ids))
    moved: dict[str, list[int]] = (
        known["test_run_id"][is_moved].groupby(known_months).agg(list).to_dict()
    )
    return moved


def _add_runs(
    root: Path, stack_id: int, month: str, received: pa.Table
) -> tuple[pa.Table, pa.Table]:
    """Merge received runs into the file of a month, and return its rows before and after."""
    path = layout.run_file(root, stack_id, month).path
    received = without_private(received, TEST_RUNS)
    received = received.drop_columns(["stack_id"])  # it is in the path
    existing = read_all_columns(path) if path.exists() else received.slice(0, 0)
    merged = merge_rows(existing, received, "test_run_id").sort_by(
        [("created", "ascending"), ("test_run_id", "ascending")]
    )
    write_file(path, TEST_RUNS, merged)
    return existing, merged


def _remove_runs(
    root: Path, stack_id: int, month: str, ids: list[int]
) -> tuple[pa.Table, pa.Table]:
    """Remove runs from the file of a month, and return its rows before and after."""
    path = layout.run_file(root, stack_id, month).path
    existing = read_all_columns(path)
    is_removed = pc.is_in(existing["test_run_id"], value_set=pa.array(ids))
    remaining = existing.filter(pc.invert(is_removed))
    write_file(path, TEST_RUNS, remaining)
    return existing, remaining


def _concatenate(months: dict[str, pa.Table], stack_id: int) -> pd.DataFrame:
    """Return the rows of several months, which lack the column `stack_id`, as a frame of runs."""
    rows = pa.concat_tables(months.values(), promote_options="default")
    rows = rows.append_column("stack_id", pa.repeat(pa.scalar(stack_id, pa.int64()), len(rows)))
    # If an earlier sync was killed while a run moved to another month, the run is in both months.
    if not pd.Index(rows["test_run_id"].to_numpy()).is_unique:
        rows = drop_old_states(rows)
    return to_frame(rows, TEST_RUNS)
