"""Datasets that are larger than memory, with Dask: ``pip install "k6frames[scale]"``.

>>> import k6frames, k6frames.dask
>>> _ = k6frames.sync("history", k6frames.Client.sample())
>>> runs = k6frames.dask.read_dataset("history", "test_runs")
>>> runs.npartitions, runs.dtypes["ended"]
(30, datetime64[us, UTC])
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from k6frames.dataset.read import Selection, read_selection, select
from k6frames.errors import ConfigError, SchemaError
from k6frames.summaries import results
from k6frames.summaries import usage as pandas_usage
from k6frames.summaries.periods import Frequency
from k6frames.tables import (
    TEST_RESULTS,
    USAGE,
    USAGE_BY_LABEL,
    USAGE_BY_LOAD_TEST,
    USAGE_BY_PROJECT,
    USAGE_BY_STACK,
)
from k6frames.tables.conversion import describe_type
from k6frames.tables.schema import returns
from k6frames.tables.timestamp_arguments import TimestampLike, resolve_as_of

try:
    import dask
    import dask.dataframe as dd
    import distributed
except ImportError:
    raise ConfigError('Dask is not installed: pip install "k6frames[scale]"') from None

__all__ = ["read_dataset", "test_results", "usage"]


def read_dataset(
    folder: str | os.PathLike[str],
    table: str,
    *,
    created_after: TimestampLike | None = None,
    created_before: TimestampLike | None = None,
    columns: Iterable[str] | None = None,
    day: TimestampLike | None = None,
) -> dd.DataFrame:
    """Return a table of a dataset as a Dask DataFrame.

    Test runs (with and without names) have one partition for each stack and month; other tables
    have a single partition.

    Parameters
    ----------
    folder, table, created_after, created_before, columns, day
        As in `k6frames.read_dataset`. The workers must be able to read the folder.

    Returns
    -------
    dask.dataframe.DataFrame
        Each partition has the columns and dtypes of the table, and is read when it is needed.
        Columns that a computation does not need are not read.

    Raises
    ------
    ConfigError
        If the folder has no dataset, or an argument cannot be used.
    SchemaError
        If a file is damaged: here, or when its partition is computed.

    Examples
    --------
    >>> import k6frames, k6frames.dask
    >>> _ = k6frames.sync("history", k6frames.Client.sample())
    >>> runs = k6frames.dask.read_dataset("history", "test_runs", created_after="2026-01-01")
    >>> float(runs["total_vuh"].max().compute(scheduler="synchronous")) > 100
    True
    """
    selection = select(folder, table, created_after, created_before, columns, day)
    meta = read_selection(replace(selection, files=()))
    # By default, Dask converts strings to another dtype.
    with dask.config.set({"dataframe.convert-string": False}):
        if not selection.files:
            empty: dd.DataFrame = dd.from_pandas(meta, npartitions=1)
            return empty
        found: dd.DataFrame = dd.from_map(
            _read_file, selection.files, selection=selection, meta=meta, label="k6frames"
        )
        return found


def _read_file(
    file: Path, *, selection: Selection, columns: Sequence[str] | None = None
) -> pd.DataFrame:
    """Read one file; Dask passes the columns that it needs."""
    chosen = selection.columns if columns is None else tuple(columns)
    # The keys are columns with names, such as load_test_name: only those that are read.
    name_files = {name: path for name, path in selection.name_files.items() if name in chosen}
    return read_selection(replace(selection, files=(file,), columns=chosen, name_files=name_files))


@returns(USAGE_BY_PROJECT, USAGE_BY_LOAD_TEST, USAGE_BY_STACK, USAGE_BY_LABEL, USAGE)
def usage(
    details: dd.DataFrame,
    *,
    freq: Frequency = "MS",
    by: str | None = "project_id",
    until: TimestampLike | None = None,
    project_labels: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Sum the virtual user hours (VUh) of test runs, like `k6frames.usage`.

    Each partition is summed where it is read, and the sums are combined in this process. The active
    Dask cluster or scheduler is used. Without one, a cluster of processes is started on this
    machine, for which a script needs ``if __name__ == "__main__":``.

    Parameters
    ----------
    details : dask.dataframe.DataFrame
        As returned by ``read_dataset(folder, "test_run_details")``.
    freq, by, until, project_labels
        As in `k6frames.usage`.

    Returns
    -------
    pandas.DataFrame
        The same as `k6frames.usage` returns. If a sync was killed while it moved a run to
        another month, the run counts twice until the next sync.

    Raises
    ------
    ConfigError
        If an argument is not valid, or the result would exceed two million rows.
    SchemaError
        If a partition does not match its table.

    Examples
    --------
    >>> import dask, k6frames, k6frames.dask
    >>> _ = k6frames.sync("history", k6frames.Client.sample())
    >>> details = k6frames.dask.read_dataset("history", "test_run_details")
    >>> with dask.config.set(scheduler="synchronous"):
    ...     months = k6frames.dask.usage(details, by=None)
    >>> int(months["test_runs"].sum())
    3074
    """
    # Errors in the arguments are raised before anything is computed.
    pandas_usage.usage(_meta(details), freq=freq, by=by, until=until, project_labels=project_labels)
    parts = _compute(
        details,
        pandas_usage.REQUIRED_COLUMNS,
        _sum_partition,
        freq=freq,
        by=by,
        project_labels=project_labels,
    )
    rows = pd.concat(parts, ignore_index=True)
    return pandas_usage.sum_usage(rows, freq, by, until)


def _sum_partition(
    details: pd.DataFrame, *, freq: Frequency, by: str | None, project_labels: pd.DataFrame | None
) -> pd.DataFrame:
    sums = pandas_usage.usage(details, freq=freq, by=by, project_labels=project_labels)
    # `sum_usage` will add up these sums like runs, so a period becomes the column `created`. Empty
    # periods are dropped here, because `sum_usage` adds them for the complete result.
    return sums[sums["test_runs"] > 0].rename(columns={"period": "created"})


@returns(TEST_RESULTS)
def test_results(
    details: dd.DataFrame, *, as_of: TimestampLike | None = None, days: int = 90
) -> pd.DataFrame:
    """Count the results of each load test, like `k6frames.test_results`.

    From each partition, only the runs of the last `days` days and a few older runs of each load
    test are sent to this process, which combines them. The scheduler is chosen as in `usage`.

    Parameters
    ----------
    details : dask.dataframe.DataFrame
        As returned by ``read_dataset(folder, "test_run_details")``.
    as_of, days
        As in `k6frames.test_results`.

    Returns
    -------
    pandas.DataFrame
        The same as `k6frames.test_results` returns. As in `usage`, a run may count twice after a
        sync was killed.

    Raises
    ------
    ConfigError
        If an argument is not valid.
    SchemaError
        If a partition does not match its table.

    Examples
    --------
    >>> import dask, k6frames, k6frames.dask
    >>> _ = k6frames.sync("history", k6frames.Client.sample())
    >>> details = k6frames.dask.read_dataset("history", "test_run_details")
    >>> with dask.config.set(scheduler="synchronous"):
    ...     found = k6frames.dask.test_results(details, as_of="2026-06-29")
    >>> int(found["failing_since"].count()) > 0
    True
    """
    now = resolve_as_of(as_of)
    # For the errors about arguments, before anything is computed.
    results.test_results(_meta(details), as_of=now, days=days)
    parts = _compute(
        details, results.REQUIRED_COLUMNS, results.select_relevant_runs, as_of=now, days=days
    )
    return results.test_results(pd.concat(parts, ignore_index=True), as_of=now, days=days)


def _meta(details: dd.DataFrame) -> pd.DataFrame:
    """Return an empty frame with the columns and dtypes of a Dask DataFrame."""
    if not isinstance(details, dd.DataFrame):
        raise SchemaError(
            f"details must be a dask.dataframe.DataFrame, not {describe_type(details)}. For a "
            "pandas.DataFrame, use the function of the same name in k6frames."
        )
    frame: pd.DataFrame = details._meta  # noqa: SLF001 - Dask has no public name for it
    return frame


def _compute(
    details: dd.DataFrame,
    columns: Sequence[str],
    function: Callable[..., pd.DataFrame],
    **arguments: Any,
) -> list[pd.DataFrame]:
    """Call a function with some columns of each partition, and return the results in order."""
    call = dask.delayed(function, pure=True)
    tasks = [call(part, **arguments) for part in details[list(columns)].to_delayed()]
    with _scheduler():
        return list(dask.compute(*tasks))


@contextlib.contextmanager
def _scheduler() -> Iterator[None]:
    """Use the scheduler of the caller, or a cluster on this machine until the block ends."""
    if dask.config.get("scheduler", None) is not None or _has_client():
        yield
        return
    with (
        # Port 0 means any free port: Dask's default may be in use. The messages below ERROR are
        # only warnings about processes that end late.
        distributed.LocalCluster(
            dashboard_address="127.0.0.1:0", silence_logs=logging.ERROR
        ) as cluster,
        distributed.Client(cluster),
    ):
        yield


def _has_client() -> bool:
    try:
        distributed.get_client()
    except ValueError:
        return False
    return True
