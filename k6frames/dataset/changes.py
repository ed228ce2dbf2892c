"""What changed in an account between two snapshots, or since a day of a dataset."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta

import pandas as pd

from k6frames.api.client import Client
from k6frames.api.manifest import MANIFEST
from k6frames.api.stack_arguments import NoStackError
from k6frames.dataset import layout
from k6frames.dataset.layout import DAILY_TABLES
from k6frames.dataset.read import read_dataset
from k6frames.dataset.sync import STACK_LOADERS
from k6frames.errors import APIError, ConfigError
from k6frames.loaders import organizations
from k6frames.summaries.changes import changes
from k6frames.tables import CHANGES
from k6frames.tables.attrs import combine_attrs
from k6frames.tables.schema import returns
from k6frames.tables.timestamp_arguments import TimestampLike, parse_timestamp
from k6frames.validation import absolute_path

PathLike = str | os.PathLike[str]

DEFAULT_PERIOD = timedelta(days=7)
ROUTINE_COLUMNS = ("updated", "next_run")
"""Columns that change whenever another column does, or as time passes. The report and the command
line do not show their changes, or show them last."""


@returns(CHANGES)
def snapshot_changes(before: PathLike, after: PathLike) -> pd.DataFrame:
    """Compare two snapshots of an account.

    Organizations, projects, load tests, schedules, limits, labels and load zones are compared, but
    not test runs and metrics. A stack that only one of the snapshots has, and anything that could
    not be read for one of them, is left out.

    Parameters
    ----------
    before, after : str or path-like
        Two folders that `snapshot` wrote.

    Returns
    -------
    pandas.DataFrame
        One row for each row that was added or removed, and one for each value that was changed.
        ``frame.attrs["failed"]`` lists what was not compared because it could not be read.

    Raises
    ------
    ConfigError
        If a folder is not a snapshot, or the snapshots have nothing in common.
    SchemaError
        If a file of a snapshot does not match its table.

    Examples
    --------
    >>> import k6frames
    >>> june = k6frames.snapshot("june", k6frames.Client.sample())
    >>> july = k6frames.snapshot("july", k6frames.Client.sample())
    >>> len(k6frames.snapshot_changes(june, july))
    0
    """
    accounts = [open_snapshot(folder) for folder in (before, after)]
    compared = [*_compare_organizations(accounts), *_compare_stacks(accounts)]
    if not compared:
        raise ConfigError(f"The snapshots {before} and {after} have nothing in common.")
    return _concatenate(compared)


@returns(CHANGES)
def dataset_changes(
    folder: PathLike,
    since: TimestampLike | None = None,
    *,
    until: TimestampLike | None = None,
) -> pd.DataFrame:
    """Compare an account as it was on two days, from a dataset.

    All tables except test runs are compared; for new test runs, use
    ``read_dataset(folder, "test_runs", created_after=...)``. A table that was first read after
    `since` is not compared.

    Parameters
    ----------
    folder : str or path-like
        The folder of the dataset.
    since : str, date, datetime or pandas.Timestamp, optional
        The earlier day (UTC): tables are compared in the state of the last sync on or before this
        day. By default, a week before the later day, or the day of the first sync if that was
        later.
    until : str, date, datetime or pandas.Timestamp, optional
        The later day (UTC); by default the day of the newest sync.

    Returns
    -------
    pandas.DataFrame
        One row for each row that was added or removed, and one for each value that was changed.

    Raises
    ------
    ConfigError
        If the folder has no dataset or only test runs, if an argument is not a timestamp, if a day
        is before the first sync, or if `since` is after `until`.
    SchemaError
        If a file is damaged.

    Examples
    --------
    >>> import k6frames
    >>> _ = k6frames.sync("history", k6frames.Client.sample())
    >>> len(k6frames.dataset_changes("history"))
    0
    """
    first, last = find_days(folder, since, until)
    root = layout.find_root(folder)
    return _concatenate(
        changes(read_dataset(root, table.name, day=first), read_dataset(root, table.name, day=last))
        for table in DAILY_TABLES.values()
        if any(day <= first for day in layout.days(root, table))
    )


def find_days(
    folder: PathLike, since: TimestampLike | None, until: TimestampLike | None
) -> tuple[str, str]:
    """Return the two days that `dataset_changes` compares, such as ``2026-10-01``."""
    root = layout.find_root(folder)
    days = sorted({day for table in DAILY_TABLES.values() for day in layout.days(root, table)})
    if not days:
        raise ConfigError(
            f"{root} has only test runs, which are not compared. A sync adds the other tables."
        )
    last = days[-1] if until is None else _day_of("until", until)
    if last < days[0]:
        raise ConfigError(f"The dataset has no data for {last}: its first sync was on {days[0]}.")
    if since is None:
        week_before = date.fromisoformat(last) - DEFAULT_PERIOD
        first = max(week_before.isoformat(), days[0])
    else:
        first = _day_of("since", since)
    if first < days[0]:
        raise ConfigError(f"The dataset has no data for {first}: its first sync was on {days[0]}.")
    if first > last and until is None:
        raise ConfigError(f"since ({first}) must not be after the newest sync ({last}).")
    if first > last:
        raise ConfigError(f"since ({first}) must not be after until ({last}).")
    return first, last


def _day_of(name: str, value: TimestampLike) -> str:
    return parse_timestamp(name, value).isoformat()[:10]


def open_snapshot(folder: PathLike) -> Client:
    """Return a client of a snapshot, or raise a `ConfigError` if the folder is not one."""
    path = absolute_path(folder, "The snapshot")
    if not (path / MANIFEST).is_file():
        raise ConfigError(f"{path} is not a snapshot: it has no {MANIFEST}.")
    return Client(api_url=path.as_uri())


def _compare_organizations(accounts: Sequence[Client]) -> list[pd.DataFrame]:
    """Compare organizations and their projects, if both accounts have them."""
    try:
        listed = [organizations.organizations_df(client=client) for client in accounts]
    except APIError:
        return []
    projects = _read_both(organizations.projects_df, accounts)
    failed = _failed_ids(projects, "org_id")
    return [changes(*listed), changes(*(p[~p["org_id"].isin(failed)] for p in projects))]


def _compare_stacks(accounts: Sequence[Client]) -> list[pd.DataFrame]:
    """Compare the stacks that both accounts have."""
    try:
        stacks = [{stack.id for stack in client.stacks()} for client in accounts]
    except NoStackError:
        return []
    common = set.intersection(*stacks)
    if not common:
        return []
    compared = []
    for _, load in STACK_LOADERS:
        frames = _read_both(load, accounts, stack=sorted(common))
        failed = _failed_ids(frames, "stack_id")
        compared.append(changes(*(frame[~frame["stack_id"].isin(failed)] for frame in frames)))
    return compared


def _read_both(
    load: Callable[..., pd.DataFrame], accounts: Sequence[Client], **arguments: object
) -> list[pd.DataFrame]:
    with warnings.catch_warnings():
        # A warning about what is missing was shown when the snapshot was made.
        warnings.simplefilter("ignore")
        return [load(client=client, on_error="warn", **arguments) for client in accounts]


def _failed_ids(frames: Iterable[pd.DataFrame], key: str) -> set[int]:
    """Return the IDs of stacks or organizations that are incomplete in one of the frames."""
    return {entry[key] for frame in frames for entry in frame.attrs.get("failed", [])}


def _concatenate(compared: Iterable[pd.DataFrame]) -> pd.DataFrame:
    frames = list(compared)
    return combine_attrs(CHANGES.conform(pd.concat(frames, ignore_index=True)), *frames)
