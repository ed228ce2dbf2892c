"""Bring a dataset up to date: the account's history, including runs that k6 has deleted since."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from filelock import FileLock, Timeout

from k6frames.api.client import Client
from k6frames.api.default_client import client_or_default
from k6frames.api.manifest import MANIFEST
from k6frames.api.on_error import without_advice
from k6frames.api.stack_arguments import StackArgument
from k6frames.dataset import layout
from k6frames.dataset.layout import LAST_SEEN, read_files, write_file
from k6frames.dataset.rows import (
    compare,
    no_changes,
    time_received,
    to_arrow,
    to_frame,
    without_private,
)
from k6frames.dataset.sync_runs import sync_runs
from k6frames.errors import APIError, ConfigError
from k6frames.loaders import load_tests, organizations, schedules
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
)
from k6frames.tables.schema import Table, returns
from k6frames.validation import absolute_path

LOCK_FILE = ".sync.lock"
LOCK_TIMEOUT_SECONDS = 3600.0
"""How long a sync waits for another sync of the same folder to finish."""

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
    """Bring a dataset up to date: test runs and the other tables of an account, as Parquet files.

    The first sync reads everything. Later ones read the months that still have runs under way, and
    everything from the newest month on. To save requests, only a part of a month with more than 900
    runs is read: of an older month, the part between its first and its last run under way; of the
    newest month, the part from its 900th newest run on, or from its first run under way if that is
    older.

    The other tables get one file for each day. Organizations and their projects (from the v3 API)
    take a request for each organization, so they are read once a day.

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
        If no token or no stack is found, the folder is a snapshot, or another sync of the folder
        does not finish within an hour.
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
    if (root / MANIFEST).exists():
        raise ConfigError(f"{root} is a snapshot. Name another folder for the dataset.")
    stack_ids = [found.id for found in client.stacks(stack)]
    root.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(root / LOCK_FILE, timeout=LOCK_TIMEOUT_SECONDS):
            layout.remove_temporary_files(root)
            changed = [
                *_sync_organizations(root, client),
                *_sync_stack_tables(root, client, stack_ids),
            ]
            for stack_id in stack_ids:
                changed += sync_runs(root, client, stack_id)
    except APIError as error:
        raise without_advice(error) from None
    except Timeout:
        raise ConfigError(
            f"Another sync of {root} did not finish within an hour. Try again when it has finished."
        ) from None
    return CHANGES.conform(pd.concat(changed, ignore_index=True))


def _sync_organizations(root: Path, client: Client) -> Iterator[pd.DataFrame]:
    """Write the organizations and their projects (v3) if available, and yield what has changed."""
    today = f"{client.as_of:%Y-%m-%d}"
    if client.folder is None and today in layout.days(root, PROJECTS):
        return
    try:
        orgs = organizations.organizations_df(client=client)
        projects = organizations.projects_df(client=client)
    except APIError as error:
        if error.status not in organizations.UNAVAILABLE_STATUSES:
            raise
        return
    yield _write_day(root, client, ORGANIZATIONS, orgs)
    # Written last: if this file exists, so does the file of the organizations.
    yield _write_day(root, client, PROJECTS, projects)


def _sync_stack_tables(root: Path, client: Client, stack_ids: list[int]) -> Iterator[pd.DataFrame]:
    """Write the small tables of some stacks, and yield what has changed."""
    for table, load in STACK_LOADERS:
        frame = load(stack=stack_ids, client=client)
        yield _write_day(root, client, table, frame, stack_ids)


def _write_day(
    root: Path,
    client: Client,
    table: Table,
    frame: pd.DataFrame,
    stack_ids: list[int] | None = None,
) -> pd.DataFrame:
    """Write a table to the file for the day on which it was received, and return what has changed.

    `stack_ids` are the stacks that `frame` has; the last known rows of other stacks are copied.
    None is for a table without stacks.
    """
    seen = time_received(frame, client)
    day = f"{seen:%Y-%m-%d}"
    known = _read_day(root, table, day)
    others = known.slice(0, 0)
    if stack_ids is not None:
        is_read = pc.is_in(known["stack_id"], value_set=pa.array(stack_ids))
        others = known.filter(pc.invert(is_read))
        known = known.filter(is_read)
    before, after = to_frame(known, table), table.conform(frame)
    newest = pc.max(known[LAST_SEEN.name]).as_py()
    # If the known rows are newer, `frame` is from an older, cached response, and nothing is
    # written. Known rows from the future were written with a wrong clock, and are replaced.
    if newest is not None and seen < newest <= pd.Timestamp.now("UTC"):
        return no_changes()
    rows = pa.concat_tables([others, to_arrow(after, table, seen)])
    write_file(layout.day_file(root, table, day), table, without_private(rows, table))
    # `after` has private values, which files lack; they are not compared.
    return compare(before, after)


def _read_day(root: Path, table: Table, day: str) -> pa.Table:
    """Return the rows of a table as they were known on a day."""
    earlier = [known_day for known_day in layout.days(root, table) if known_day <= day]
    files = [layout.day_file(root, table, earlier[-1])] if earlier else []
    return read_files(files, table, [column.name for column in (*table.columns, LAST_SEEN)])
