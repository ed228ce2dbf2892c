"""Read tables of a dataset as typed frames, from only the files and columns that are needed."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds

from k6frames.dataset import layout
from k6frames.dataset.layout import DAILY_TABLES, LAST_SEEN, RunFile, read_files
from k6frames.dataset.rows import drop_old_states
from k6frames.errors import ConfigError
from k6frames.tables import LOAD_TESTS, STACK_PROJECTS, TEST_RUN_DETAILS, TEST_RUNS
from k6frames.tables.keys import find_duplicates
from k6frames.tables.schema import TIMESTAMP, Table
from k6frames.tables.timestamp_arguments import TimestampLike, parse_timestamp
from k6frames.validation import short_repr

RUN_TABLES = {table.name: table for table in (TEST_RUNS, TEST_RUN_DETAILS)}

# Test runs have only IDs. For each column with names: the table to join, and the key to join on.
_NAME_SOURCES = {
    "load_test_name": (LOAD_TESTS, ["stack_id", "load_test_id"]),
    "project_name": (STACK_PROJECTS, ["stack_id", "project_id"]),
}


def read_dataset(
    folder: str | os.PathLike[str],
    table: str,
    *,
    created_after: TimestampLike | None = None,
    created_before: TimestampLike | None = None,
    columns: Iterable[str] | None = None,
    day: TimestampLike | None = None,
) -> pd.DataFrame:
    """Read a table of a dataset.

    Parameters
    ----------
    folder : str or path-like
        The folder of the dataset.
    table : str
        ``"test_runs"``; ``"test_run_details"``, which are test runs with the names of their load
        tests and projects; or one of the other tables: ``"stack_projects"``, ``"project_labels"``,
        ``"load_tests"``, ``"schedules"``, ``"project_limits"``, ``"load_zones"``,
        ``"organizations"``, ``"projects"``.
    created_after : str, date, datetime or pandas.Timestamp, optional
        For test runs: only those created at or after this time; UTC if it has no offset.
    created_before : str, date, datetime or pandas.Timestamp, optional
        For test runs: only those created before this time; UTC if it has no offset.
    columns : iterable of str, optional
        The columns to read, in this order; by default all.
    day : str, date, datetime or pandas.Timestamp, optional
        For the other tables, and for the names in ``"test_run_details"``: read them as the last
        sync on or before this day (UTC) found them. By default, as the newest sync found them.

    Returns
    -------
    pandas.DataFrame
        The columns of the table. Test runs are ordered by stack and creation time, and have one
        more column, `last_seen`: when a sync last received the run. Private columns are not stored:
        their values are missing.

    Raises
    ------
    ConfigError
        If the folder has no dataset, or an argument cannot be used.
    SchemaError
        If a file is damaged. If all columns are read, also if a key is duplicated or a required
        value is missing.

    See Also
    --------
    sync : Bring a dataset up to date.

    Examples
    --------
    >>> import k6frames
    >>> _ = k6frames.sync("history", k6frames.Client.sample())
    >>> runs = k6frames.read_dataset("history", "test_runs", created_after="2026-06-01")
    >>> len(runs), runs["created"].min().date().isoformat()
    (282, '2026-06-01')
    """
    return read_selection(select(folder, table, created_after, created_before, columns, day))


@dataclass(frozen=True)
class Selection:
    """What to read from a dataset. It can be pickled, and split into one for each file."""

    table: Table
    columns: tuple[str, ...]
    files: tuple[Path, ...]
    name_files: dict[str, Path | None]
    """The file to join for each selected column with names; None if no sync has read its table."""
    after: pd.Timestamp | None = None
    before: pd.Timestamp | None = None


def select(
    folder: str | os.PathLike[str],
    table: str,
    created_after: TimestampLike | None,
    created_before: TimestampLike | None,
    columns: Iterable[str] | None,
    day: TimestampLike | None,
) -> Selection:
    """Check the arguments of `read_dataset` and find the files to read."""
    selected = {**RUN_TABLES, **DAILY_TABLES}.get(table) if isinstance(table, str) else None
    if selected is None:
        names = ", ".join(sorted([*RUN_TABLES, *DAILY_TABLES]))
        raise ConfigError(f"table must be one of {names}, not {short_repr(table)}.")
    root = layout.find_root(folder)
    after = _parse("created_after", created_after)
    before = _parse("created_before", created_before)
    until = None if day is None else parse_timestamp("day", day).isoformat()[:10]
    if table in RUN_TABLES:
        if after is not None and before is not None and after >= before:
            raise ConfigError(
                f"created_after ({after.isoformat()}) must be before created_before "
                f"({before.isoformat()})."
            )
        if selected is TEST_RUNS and day is not None:
            raise ConfigError(
                "day selects the state of other tables; for test_runs, pass created_before."
            )
        files = [f.path for f in layout.run_files(root) if _may_contain(f, after, before)]
    elif after is not None or before is not None:
        raise ConfigError(
            f"created_after and created_before select test runs; for {table}, pass day=..."
        )
    else:
        file = _newest_file(root, selected, until)
        files = [] if file is None else [file]
    chosen = _check_columns(columns, selected)
    name_files = {
        name: _newest_file(root, source, until)
        for name, (source, _) in _NAME_SOURCES.items()
        if selected is TEST_RUN_DETAILS and name in chosen
    }
    return Selection(selected, chosen, tuple(files), name_files, after, before)


def read_selection(selection: Selection) -> pd.DataFrame:
    """Return the selected rows as a typed frame. If it has all columns, it is also checked."""
    table = selection.table
    needed = [name for name in selection.columns if name not in selection.name_files]
    for name in selection.name_files:
        _, key = _NAME_SOURCES[name]
        needed += key
    needed = list(dict.fromkeys(needed))
    if table.name in RUN_TABLES:
        frame = _read_runs(selection, needed)
    else:
        frame = table.to_frame(_read_rows(selection, table, needed))
    for name, file in selection.name_files.items():
        frame = _add_name(frame, name, file)
    frame = frame[list(selection.columns)]
    if set(table.dtypes) <= set(frame):
        table.conform(frame)  # raises a SchemaError for a missing value or a duplicate key
    return frame


def _read_runs(selection: Selection, columns: list[str]) -> pd.DataFrame:
    """Read columns of test runs, each run once."""
    # Only the files of two months may have the same run.
    if len(selection.files) <= 1:
        return TEST_RUNS.to_frame(_read_rows(selection, TEST_RUNS, columns))
    with_key = list(dict.fromkeys([*columns, *TEST_RUNS.key]))
    frame = TEST_RUNS.to_frame(_read_rows(selection, TEST_RUNS, with_key))
    if not find_duplicates(frame, TEST_RUNS.key).empty:
        with_last_seen = list(dict.fromkeys([*with_key, LAST_SEEN.name]))
        rows = _read_rows(selection, TEST_RUNS, with_last_seen)
        frame = TEST_RUNS.to_frame(drop_old_states(rows))
    return frame[columns]


def _read_rows(selection: Selection, table: Table, columns: list[str]) -> pa.Table:
    condition = _created_between(selection.after, selection.before)
    rows = read_files(selection.files, table, columns, condition=condition)
    return rows.replace_schema_metadata(None)


def _created_between(after: pd.Timestamp | None, before: pd.Timestamp | None) -> ds.Expression:
    """Return the condition that a run was created between two timestamps."""
    condition = ds.scalar(True)  # noqa: FBT003 - pyarrow has no other way to write it
    if after is not None:
        condition &= ds.field("created") >= pa.scalar(after.to_pydatetime(), TIMESTAMP)
    if before is not None:
        condition &= ds.field("created") < pa.scalar(before.to_pydatetime(), TIMESTAMP)
    return condition


def _add_name(frame: pd.DataFrame, name: str, file: Path | None) -> pd.DataFrame:
    """Add the names of load tests or projects to their test runs."""
    source, key = _NAME_SOURCES[name]
    known = read_files([] if file is None else [file], source, [*key, "name"])
    names = source.to_frame(known.replace_schema_metadata(None)).rename(columns={"name": name})
    return frame.merge(names, on=key, how="left")


def _parse(name: str, value: TimestampLike | None) -> pd.Timestamp | None:
    return None if value is None else parse_timestamp(name, value)


def _may_contain(file: RunFile, after: pd.Timestamp | None, before: pd.Timestamp | None) -> bool:
    """Return whether a file may have runs that were created between two timestamps."""
    if file.month == layout.NO_MONTH:
        return after is None and before is None
    return (after is None or file.month >= layout.month_of(after)) and (
        before is None or file.month <= layout.month_of(before)
    )


def _newest_file(root: Path, table: Table, until: str | None) -> Path | None:
    """Return the newest file of a table, up to a day if one is given.

    None if the table was never read; a `ConfigError` if it was first read after that day.
    """
    days = layout.days(root, table)
    found = [day for day in days if until is None or day <= until]
    if days and not found:
        raise ConfigError(
            f"The dataset has no {table.name} for {until}: this table was first read on {days[0]}."
        )
    return layout.day_file(root, table, found[-1]) if found else None


def _check_columns(columns: Iterable[str] | None, table: Table) -> tuple[str, ...]:
    """Return the names of the columns to read, each once."""
    available = list(table.dtypes)
    if table.name in RUN_TABLES:
        available.append(LAST_SEEN.name)
    if columns is None:
        return tuple(available)
    if not isinstance(columns, Iterable):
        raise ConfigError(f"columns must be an iterable of names, not {short_repr(columns)}.")
    names = [columns] if isinstance(columns, str) else list(columns)
    unknown = [n for n in names if not isinstance(n, str) or n not in available]
    if unknown:
        raise ConfigError(
            f"{table.name} has no column {', '.join(map(short_repr, unknown))}; it has "
            f"{', '.join(available)}."
        )
    return tuple(dict.fromkeys(names))
