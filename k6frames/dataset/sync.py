"""Bring a dataset up to date: the account's history as Parquet, which outlives retention."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
from filelock import FileLock, Timeout

from k6frames.api.client import Client
from k6frames.api.default_client import client_or_default
from k6frames.api.stack_arguments import StackArgument
from k6frames.dataset import layout
from k6frames.dataset.layout import LAST_SEEN, read_all_columns, read_files, write_file
from k6frames.dataset.merge import drop_old_states, merge_rows, to_arrow, to_frame
from k6frames.dataset.windows import Window, find_windows
from k6frames.errors import APIError, ConfigError
from k6frames.loaders import load_tests, organizations, schedules
from k6frames.loaders.test_runs import test_runs_df
from k6frames.summaries.changes import changes
from k6frames.tables import (
    CHANGES,
    LOAD_TESTS,
    LOAD_ZONES,
    ORGANIZATIONS,
    PROJECT_LABELS,
    PROJECT_LIMITS,
    PROJECTS,
    SCHEDULES,
    STACK_PROJECTS,
    TEST_RUNS,
)
from k6frames.tables.schema import Table, returns
from k6frames.validation import absolute_path

LOCK_FILE = ".sync.lock"
LOCK_TIMEOUT_SECONDS = 3600.0
"""How long a sync waits for another one of the same folder."""

STACK_LOADERS: tuple[tuple[Table, Callable[..., pd.DataFrame]], ...] = (
    (STACK_PROJECTS, load_tests.stack_projects_df),
    (PROJECT_LABELS, load_tests.project_labels_df),
    (LOAD_TESTS, load_tests.load_tests_df),
    (SCHEDULES, schedules.schedules_df),
    (PROJECT_LIMITS, load_tests.project_limits_df),
    (LOAD_ZONES, load_tests.load_zones_df),
)


@returns(CHANGES)
def sync(
    folder: str | os.PathLike[str],
    client: Client | None = None,
    *,
    stack: StackArgument = None,
) -> pd.DataFrame:
    """Bring a dataset up to date: the test runs and all other tables of Grafana stacks as Parquet.

    The first sync reads everything. Later ones read the months that have runs under way, and
    everything from the newest month on. From a month with more than 900 runs, they read only the
    runs under way and, if it is the newest month, the 900 newest runs. The other tables get one
    file for each day. Projects (v3) take a request for each organization, so they are read once a
    day.

    A sync may be killed at any time: the next one completes it. If another sync of the same folder
    is running, this one waits until it has finished.

    Parameters
    ----------
    folder : str or path-like
        The folder of the dataset; it is created if it does not exist.
    client : Client, optional
        The account to read; by default the one that the environment describes. Cached responses
        are used: pass ``Client(refresh=True)`` to read the current state.
    stack : int, str or iterable of these, optional
        The Grafana stacks to read: IDs, slugs or URLs; by default the client's.

    Returns
    -------
    pandas.DataFrame
        What has changed since the last sync: one row for each row that was added or removed, and
        one for each value that was changed. Test runs are never removed: those that the API no
        longer returns keep an older `last_seen`. Private columns (billing data, e-mail addresses)
        are not stored.

    Raises
    ------
    ConfigError
        If no token or no stack is found, or another sync has been running for an hour.
    APIError
        If the API gives no usable response. Files that were already written are complete.
    SchemaError
        If a response does not match its table, or a file of the dataset is damaged.
    OSError
        If a file cannot be written. Files that were already written are complete.

    See Also
    --------
    read_dataset : Read a table of a dataset.

    Examples
    --------
    >>> import k6frames
    >>> added = k6frames.sync("history", k6frames.Client.sample())
    >>> int((added["table"] == "test_runs").sum())
    3074
    >>> len(k6frames.sync("history", k6frames.Client.sample()))
    0
    """
    client = client_or_default(client)
    root = absolute_path(folder, "The argument folder")
    stack_ids = [found.id for found in client.stacks(stack)]
    root.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(root / LOCK_FILE, timeout=LOCK_TIMEOUT_SECONDS):
            layout.remove_temporary_files(root)
            steps = _SyncSteps(root, client)
            changed = [*steps.sync_organizations(), *steps.sync_tables(stack_ids)]
            for stack_id in stack_ids:
                changed += steps.sync_runs(stack_id)
    except Timeout:
        raise ConfigError(
            f"Another sync of {root} has been running for an hour. Try again when it has finished."
        ) from None
    return CHANGES.conform(pd.concat(changed, ignore_index=True))


class _SyncSteps:
    """The steps of a sync; each yields what has changed."""

    def __init__(self, root: Path, client: Client) -> None:
        self.root = root
        self.client = client

    def sync_organizations(self) -> Iterator[pd.DataFrame]:
        """Write the organizations and their projects (v3), if they are available."""
        today = f"{self.client.as_of:%Y-%m-%d}"
        if self.client.folder is None and today in layout.days(self.root, PROJECTS):
            return
        try:
            orgs = organizations.organizations_df(client=self.client)
            projects = organizations.projects_df(client=self.client)
        except APIError as error:
            if error.status not in organizations.UNAVAILABLE_STATUSES:
                raise
            return
        yield self._write_day(ORGANIZATIONS, orgs, None)
        # Written last: if this file exists, so does the file of the organizations.
        yield self._write_day(PROJECTS, projects, None)

    def sync_tables(self, stack_ids: list[int]) -> Iterator[pd.DataFrame]:
        """Write the small tables of some stacks."""
        for table, load in STACK_LOADERS:
            frame = load(stack=stack_ids, client=self.client)
            yield self._write_day(table, frame, stack_ids)

    def sync_runs(self, stack_id: int) -> Iterator[pd.DataFrame]:
        """Write the test runs of a stack, the oldest month first.

        This order keeps all months before the newest one complete, even if the sync is killed.
        """
        with self.client.progress_bar(unit=" months") as bar:
            for window in find_windows(self.root, stack_id, self.client):
                before, after = self._write_window(stack_id, window)
                bar.update(len(after))
                if after:
                    # One comparison of all months is faster than one of each month.
                    yield _compare(
                        _concatenate_runs(before, stack_id), _concatenate_runs(after, stack_id)
                    )

    def _write_window(
        self, stack_id: int, window: Window
    ) -> tuple[dict[str, pa.Table], dict[str, pa.Table]]:
        """Read and write the runs of a window, and return each month before and after."""
        runs = test_runs_df(
            created_after=window.after,
            created_before=window.before,
            stack=stack_id,
            client=self.client,
        )
        before: dict[str, pa.Table] = {}
        after: dict[str, pa.Table] = {}
        if runs.empty:
            return before, after
        received = to_arrow(runs, TEST_RUNS, self._seen(runs))
        months = _months(runs["created"])
        moved = self._find_moved_runs(stack_id, runs["test_run_id"], months)
        for month in sorted(set(months)):
            rows = received.filter(pa.array(months == month))
            before[month], after[month] = self._add_runs(stack_id, month, rows)
        # A run is removed from its old month last: a sync that is killed must not lose it.
        for month, ids in moved.items():
            existing, after[month] = self._remove_runs(stack_id, month, ids)
            before.setdefault(month, existing)
        return before, after

    def _find_moved_runs(
        self, stack_id: int, ids: pd.Series[int], months: pd.Series[str]
    ) -> dict[str, list[int]]:
        """Return, for each month, the IDs of the runs in its file that now have another month."""
        test_run_id = ds.field("test_run_id")
        known = read_files(
            [file.path for file in layout.run_files(self.root, stack_id)],
            TEST_RUNS,
            ["test_run_id", "created"],
            # IDs grow with time, so most files are skipped.
            condition=(test_run_id >= int(ids.min())) & (test_run_id <= int(ids.max())),
        ).to_pandas()
        known = known[known["test_run_id"].isin(ids)]
        known_months = _months(known["created"])
        is_moved = known_months != known["test_run_id"].map(months.set_axis(ids))
        moved: dict[str, list[int]] = (
            known["test_run_id"][is_moved].groupby(known_months).agg(list).to_dict()
        )
        return moved

    def _add_runs(self, stack_id: int, month: str, received: pa.Table) -> tuple[pa.Table, pa.Table]:
        """Merge received runs into the file of a month, and return its rows before and after."""
        path = layout.run_file(self.root, stack_id, month).path
        received = _without_private(received, TEST_RUNS)
        received = received.drop_columns(["stack_id"])  # it is in the path
        existing = read_all_columns(path) if path.exists() else received.slice(0, 0)
        merged = merge_rows(existing, received, "test_run_id").sort_by(
            [("created", "ascending"), ("test_run_id", "ascending")]
        )
        write_file(path, TEST_RUNS, merged)
        return existing, merged

    def _remove_runs(self, stack_id: int, month: str, ids: list[int]) -> tuple[pa.Table, pa.Table]:
        """Remove runs from the file of a month, and return its rows before and after."""
        path = layout.run_file(self.root, stack_id, month).path
        existing = read_all_columns(path)
        is_removed = pa.compute.is_in(existing["test_run_id"], value_set=pa.array(ids))
        remaining = existing.filter(pa.compute.invert(is_removed))
        write_file(path, TEST_RUNS, remaining)
        return existing, remaining

    def _write_day(
        self, table: Table, frame: pd.DataFrame, stack_ids: list[int] | None
    ) -> pd.DataFrame:
        """Write a table as it is on this day, and return what has changed.

        The last known rows of stacks that are not read are copied. `stack_ids` is None for a table
        without stacks.
        """
        seen = self._seen(frame)
        day = f"{seen:%Y-%m-%d}"
        known = self._read_day(table, day)
        others = known.slice(0, 0)
        if stack_ids is not None:
            is_read = pa.compute.is_in(known["stack_id"], value_set=pa.array(stack_ids))
            others = known.filter(pa.compute.invert(is_read))
            known = known.filter(is_read)
        before, after = to_frame(known, table), table.conform(frame)
        newest = pa.compute.max(known[LAST_SEEN.name]).as_py()
        # A cached response may be older than the known rows. A time in the future is wrong.
        if newest is not None and seen < newest <= pd.Timestamp.now("UTC"):
            return _no_changes()
        rows = pa.concat_tables([others, to_arrow(after, table, seen)])
        path = layout.day_file(self.root, table, day)
        write_file(path, table, _without_private(rows, table))
        return _compare(before, after)

    def _read_day(self, table: Table, day: str) -> pa.Table:
        """Return the rows of a table as they were known on a day."""
        earlier = [known_day for known_day in layout.days(self.root, table) if known_day <= day]
        files = [layout.day_file(self.root, table, earlier[-1])] if earlier else []
        return read_files(files, table, [column.name for column in (*table.columns, LAST_SEEN)])

    def _seen(self, frame: pd.DataFrame) -> pd.Timestamp:
        """Return when the rows of a frame were received; for a folder of responses, its `as_of`."""
        if self.client.folder is not None:
            return pd.Timestamp(self.client.as_of).as_unit("us")
        fetched = frame.attrs.get("fetched")  # None if no request was made
        return pd.Timestamp(fetched or self.client.as_of.replace(microsecond=0)).as_unit("us")


def _months(created: pd.Series[pd.Timestamp]) -> pd.Series[str]:
    """Return the months of creation times, and `NO_MONTH` where the time is missing."""
    months = created.map(layout.month_of, na_action="ignore")
    return months.astype("string").fillna(layout.NO_MONTH)


def _without_private(rows: pa.Table, table: Table) -> pa.Table:
    private = {column.name for column in table.columns if column.private}
    return rows.drop_columns([name for name in rows.column_names if name in private])


def _compare(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    if before.equals(after):  # most tables on most days
        return _no_changes()
    return changes(before, after)


def _no_changes() -> pd.DataFrame:
    return CHANGES.to_frame(CHANGES.arrow_schema.empty_table())


def _concatenate_runs(months: dict[str, pa.Table], stack_id: int) -> pd.DataFrame:
    """Return the runs of several months, which do not have a column `stack_id`, as a frame."""
    rows = pa.concat_tables(months.values(), promote_options="default")
    rows = rows.append_column("stack_id", pa.repeat(pa.scalar(stack_id, pa.int64()), len(rows)))
    if not pd.Index(rows["test_run_id"].to_numpy()).is_unique:
        rows = drop_old_states(rows)
    return to_frame(rows, TEST_RUNS)
