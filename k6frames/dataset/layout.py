"""The files of a dataset: which rows they contain, and how they are written and read.

Test runs are in one file for each stack and month; the other tables have a file for each day with a
sync. Each file is replaced atomically, so a sync that is killed leaves no incomplete file.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from k6frames.errors import ConfigError, SchemaError
from k6frames.files.atomic import atomic_write
from k6frames.tables import (
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
from k6frames.tables.schema import TIMESTAMP, Column, Table
from k6frames.validation import absolute_path

DAILY_TABLES = {
    table.name: table
    for table in (
        ORGANIZATIONS,
        PROJECTS,
        STACK_PROJECTS,
        PROJECT_LABELS,
        LOAD_TESTS,
        SCHEDULES,
        PROJECT_LIMITS,
        LOAD_ZONES,
    )
}
"""The tables that have one file for each day."""

LAST_SEEN = Column("last_seen", TIMESTAMP, "when a sync last received the row", nullable=False)

FILE_NAME = "part-0.parquet"
NO_MONTH = "__HIVE_DEFAULT_PARTITION__"
"""Hive's name for the partition of missing values."""

# The names that `atomic_write` gives its temporary files.
_TEMPORARY_FILES = ".k6frames-*.part"
_STACK = re.compile(r"stack_id=(\d{1,19})", re.ASCII)
_MONTH = re.compile(rf"month=(\d{{4}}-\d\d|{NO_MONTH})", re.ASCII)
_DAY = re.compile(r"day=(\d{4}-\d\d-\d\d)", re.ASCII)


class RunFile(NamedTuple):
    """The file with the test runs of a stack that were created in a month."""

    stack_id: int
    month: str
    """Such as ``2026-10``."""
    path: Path


def month_of(timestamp: datetime) -> str:
    """Return the name of a month, such as ``2026-10``."""
    return timestamp.isoformat()[:7]  # strftime does not pad the year 999


def month_start(month: str) -> pd.Timestamp:
    """Return the first microsecond of a month such as ``2026-10``, in UTC."""
    return pd.Timestamp(f"{month}-01", tz="UTC")


def next_month_start(month: str) -> pd.Timestamp:
    """Return the first microsecond after a month."""
    return month_start(month) + pd.offsets.MonthBegin()


def run_file(root: Path, stack_id: int, month: str) -> RunFile:
    """Return the file for the test runs of a stack and month, which may not exist yet."""
    folder = root / TEST_RUNS.name / f"stack_id={stack_id}" / f"month={month}"
    return RunFile(stack_id, month, folder / FILE_NAME)


def run_files(root: Path, stack_id: int | None = None) -> list[RunFile]:
    """Return the files of test runs, of one stack or of all, ordered by stack and month."""
    files = []
    for stack in _partition_values(root / TEST_RUNS.name, _STACK):
        if stack_id is not None and int(stack) != stack_id:
            continue
        folder = root / TEST_RUNS.name / f"stack_id={stack}"
        found = [run_file(root, int(stack), month) for month in _partition_values(folder, _MONTH)]
        files += [file for file in found if file.path.is_file()]
    return sorted(files)


def day_file(root: Path, table: Table, day: str) -> Path:
    """Return the file for a table as it was on a day, which may not exist yet."""
    return root / table.name / f"day={day}" / FILE_NAME


def days(root: Path, table: Table) -> list[str]:
    """Return the days for which there is a file of a table, in order.

    Days in the future are from a wrong clock. They are ignored, as they would hide newer syncs.
    """
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    found = [day for day in _partition_values(root / table.name, _DAY) if day <= today]
    return sorted(day for day in found if day_file(root, table, day).is_file())


def is_dataset(root: Path) -> bool:
    """Return whether a folder has a file of any table."""
    return any(days(root, table) for table in DAILY_TABLES.values()) or bool(run_files(root))


def remove_temporary_files(root: Path) -> None:
    """Remove the temporary files of killed syncs. It must be called with the lock of a sync."""
    for name in (TEST_RUNS.name, *DAILY_TABLES):
        for path in (root / name).rglob(_TEMPORARY_FILES):
            path.unlink(missing_ok=True)


def write_file(path: Path, table: Table, rows: pa.Table) -> None:
    """Write rows of a table to a file, which is replaced if it exists.

    The rows may lack columns of the table. Columns that the table does not declare, because a later
    version added them, are kept.
    """
    declared = [
        column for column in (*table.columns, LAST_SEEN) if column.name in rows.schema.names
    ]
    names = {column.name for column in declared}
    others = [field for field in rows.schema if field.name not in names]
    schema = pa.schema([_field(column) for column in declared] + others)
    rows = rows.select(schema.names).cast(schema)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as temporary:
        # Without metadata for pandas, pandas.read_parquet would read nullable integers as floats.
        rows = rows.replace_schema_metadata(
            {**(table.arrow_schema.metadata or {}), **_pandas_metadata(tuple(declared))}
        )
        pq.write_table(rows, temporary, compression="zstd", write_page_checksum=True)


def read_files(
    paths: Iterable[Path],
    table: Table,
    columns: Iterable[str],
    *,
    condition: ds.Expression | None = None,
) -> pa.Table:
    """Read columns of some files, in the order of the files.

    If a file lacks a column, the values of its rows are missing.

    Raises
    ------
    SchemaError
        If a file is damaged, or a column has another type.
    """
    schema = pa.schema([(c.name, c.type) for c in (*table.columns, LAST_SEEN)])
    options = ds.ParquetFragmentScanOptions(page_checksum_verification=True)
    names = list(columns)
    files = [str(path) for path in paths]
    if not files:  # pyarrow cannot make a dataset of no files
        return schema.empty_table().select(names)
    # Folders above the table are not partitions, even if the user named one "stack_id=7".
    base = next(parent for parent in Path(files[0]).parents if parent.name == table.name)
    with _damage_is_a_schema_error():
        dataset = ds.dataset(
            files,
            schema=schema,
            format=ds.ParquetFileFormat(default_fragment_scan_options=options),
            partitioning=ds.partitioning(pa.schema([("stack_id", pa.int64())]), flavor="hive"),
            partition_base_dir=str(base),
        )
        return dataset.to_table(columns=names, filter=condition)


def read_all_columns(path: Path) -> pa.Table:
    """Read all columns of a file, including those that its table does not declare."""
    with (
        _damage_is_a_schema_error(f"{path}: "),
        pq.ParquetFile(path, page_checksum_verification=True) as file,
    ):
        return file.read().replace_schema_metadata(None)


@contextlib.contextmanager
def _damage_is_a_schema_error(prefix: str = "") -> Iterator[None]:
    """Raise a `SchemaError` if Arrow finds that a file is damaged.

    Most of Arrow's messages name the file; the prefix names it in the others.
    """
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        # An error of the operating system has an errno; Arrow's errors about damage have none.
        if isinstance(error, OSError) and error.errno is not None:
            raise
        problem = str(error).partition("\n")[0]
        # Later months must be deleted too: a sync begins with the newest month that is there, so it
        # would not read a deleted month before it.
        raise SchemaError(
            f"A file of the dataset cannot be read: {prefix}{problem}. Restore it from a backup. "
            "If there is none, delete it (for test runs, also the later months of its stack): the "
            "next sync reads what the API still has."
        ) from None


def find_root(folder: str | os.PathLike[str]) -> Path:
    """Return the absolute path of a dataset.

    Raises
    ------
    ConfigError
        If the folder has no dataset.
    """
    root = absolute_path(folder, "The argument folder")
    if not is_dataset(root):
        raise ConfigError(
            f"{os.fspath(folder)!r} has no dataset. Make one with k6frames.sync(folder)."
        )
    return root


def _partition_values(folder: Path, pattern: re.Pattern[str]) -> list[str]:
    """Return the values in the names of subfolders, such as ``"7"`` from ``stack_id=7``."""
    try:
        names = [entry.name for entry in os.scandir(folder) if entry.is_dir()]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [match[1] for match in map(pattern.fullmatch, names) if match]


def _field(column: Column) -> pa.Field:
    return pa.field(
        column.name,
        column.type,
        nullable=column.nullable,
        metadata={"description": column.doc},
    )


@cache
def _pandas_metadata(columns: tuple[Column, ...]) -> dict[bytes, bytes]:
    """Return the metadata that pandas needs to read these columns with the right dtypes."""
    table = Table(name="", doc="", key=(), columns=columns)
    # Arrow makes this metadata only when it converts a frame.
    frame = table.to_frame(table.arrow_schema.empty_table())
    metadata = pa.Table.from_pandas(frame, preserve_index=False).schema.metadata or {}
    return {b"pandas": metadata[b"pandas"]}
