"""Which test runs a sync has to read: as few as possible, without missing any."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pyarrow.dataset as ds

from k6frames.api import endpoints
from k6frames.api.client import Client
from k6frames.api.endpoints import Request
from k6frames.api.list_page import MalformedPageError, decode_page
from k6frames.api.paging import PAGE_SIZE
from k6frames.api.session import Response
from k6frames.api.time_windows import EARLIEST, TimeWindows, creation_times
from k6frames.dataset import layout
from k6frames.dataset.layout import LAST_SEEN, RunFile, read_files
from k6frames.tables import TEST_RUNS

MAX_RUNS_AT_ONCE = 50_000
"""If there are more runs to read, they are read month by month to save memory."""
MAX_RUNS_READ_AGAIN = PAGE_SIZE * 9 // 10
"""If a month has more runs, only a part of it is read again.

The limit is less than a page, so that new runs fit on the page too.
"""
UNFINISHED = ds.field("ended").is_null() | ds.field("status").isin(
    ["created", "queued", "initializing", "running", "processing_metrics"]
)
"""The condition for unfinished runs: those that had no final state when they were last seen.

An unfinished run that the last sync of its month did not receive has been deleted. The other
unfinished runs are under way.
"""

SETTLING_TIME = pd.Timedelta(hours=1)
"""For this long after a run was created, older runs may still be added to the API's list."""
RECENT = pd.Timedelta(days=62)
"""If all runs to read are newer than this, they are read at once. Otherwise they are counted first,
and read month by month if there are many."""

_MICROSECOND = pd.Timedelta(microseconds=1)


class Window(NamedTuple):
    """The creation times of the runs to read: `after` is inclusive, `before` is exclusive."""

    after: pd.Timestamp | None
    before: pd.Timestamp | None


def find_windows(root: Path, stack_id: int, client: Client) -> Iterator[Window]:
    """Yield the windows that a sync of a stack has to read, oldest first.

    All months of a dataset before the newest one are complete, except for their runs under way.
    """
    now = pd.Timestamp(client.as_of)
    this_month = layout.month_of(now)
    # Months in the future are ignored: a run with a wrong date must not hide the runs before it.
    # `NO_MONTH` is ignored too, because it is greater than any month.
    files = [file for file in layout.run_files(root, stack_id) if file.month <= this_month]
    if len(files) > 1 and _has_just_begun(files[-1]):
        # The month before may be incomplete. As the newest, it is read from its start on, and with
        # it the month that has just begun.
        files.pop()
    for file in _with_unfinished_runs(files[:-1]):
        window = _window_of_runs_under_way(file)
        if window is not None:  # None if all its unfinished runs were deleted
            yield window
    if not files:
        yield from _split_by_month(None, stack_id, client)
        return
    newest = _newest_window(files[-1])
    if newest.after is not None and newest.after > now - RECENT:
        yield newest
    else:
        yield from _split_by_month(newest.after, stack_id, client)


def _with_unfinished_runs(files: list[RunFile]) -> list[RunFile]:
    """Return the files that have unfinished runs. Arrow searches all of them in parallel."""
    found = read_files(
        [file.path for file in files], TEST_RUNS, ["created"], condition=UNFINISHED
    ).to_pandas()
    months = set(found["created"].map(layout.month_of))
    return [file for file in files if file.month in months]


def _window_of_runs_under_way(file: RunFile) -> Window | None:
    """Return the window of the runs of a month that are under way; None if there are none."""
    created, under_way = _read_creation_times(file)
    if under_way.empty:
        return None
    if len(created) <= MAX_RUNS_READ_AGAIN:
        return Window(layout.month_start(file.month), layout.next_month_start(file.month))
    return Window(under_way.min(), under_way.max() + _MICROSECOND)


def _has_just_begun(file: RunFile) -> bool:
    """Return whether all runs of a month are from its first hour.

    Runs of the month before may then be missing, because the API's list had not settled.
    """
    created = read_files([file.path], TEST_RUNS, ["created"]).to_pandas()["created"]
    return bool(created.max() < layout.month_start(file.month) + SETTLING_TIME)


def _newest_window(file: RunFile) -> Window:
    """Return the window from the newest month on.

    If the month has more than `MAX_RUNS_READ_AGAIN` runs, the window begins with the oldest of that
    many newest runs, or with the first run under way if that is older.
    """
    created, under_way = _read_creation_times(file)
    if len(created) <= MAX_RUNS_READ_AGAIN:
        return Window(layout.month_start(file.month), None)
    newest = created.nlargest(MAX_RUNS_READ_AGAIN)
    return Window(min([newest.min(), *under_way]), None)


def _read_creation_times(file: RunFile) -> tuple[pd.Series[pd.Timestamp], pd.Series[pd.Timestamp]]:
    """Return when the runs of a month were created, and the same for those under way only."""
    names = ["created", "ended", "status", LAST_SEEN.name]
    rows = read_files([file.path], TEST_RUNS, names)
    last_seen = rows[LAST_SEEN.name].to_pandas()
    # Times in the future are from a wrong clock. If there are no others, this is NaT, and no run
    # counts as deleted.
    last_sync = last_seen[last_seen <= pd.Timestamp.now("UTC")].max()
    unfinished = rows.filter(UNFINISHED).to_pandas()
    # The API has deleted the runs that the last sync of their month did not receive. They will
    # never finish.
    is_deleted = unfinished[LAST_SEEN.name] < last_sync
    return rows["created"].to_pandas(), unfinished.loc[~is_deleted, "created"]


def _split_by_month(after: pd.Timestamp | None, stack_id: int, client: Client) -> Iterator[Window]:
    """Yield the window from a timestamp on, or one per month if it has many runs."""
    # A folder of responses has all runs in one file, so splitting would save nothing.
    oldest = None if client.folder is not None else _oldest_if_many(after, stack_id, client)
    if oldest is None:
        yield Window(after, None)
        return
    first_month = layout.month_start(layout.month_of(oldest))
    months = pd.date_range(first_month, pd.Timestamp(client.as_of), freq="MS", unit="us")
    for month in months[1:]:
        yield Window(after, month)
        after = month
    yield Window(after, None)


def _oldest_if_many(
    after: pd.Timestamp | None, stack_id: int, client: Client
) -> pd.Timestamp | None:
    """Return the creation time of the oldest run to read, or None if there are not many runs.

    Only the first page of the list is read, for its count and its times: the API usually lists the
    oldest runs first (see `time_windows`). If it does not, the first window has the older runs too.
    """
    windows = TimeWindows(
        Request(endpoints.TEST_RUNS, stack_id), None if after is None else after.to_pydatetime()
    )
    (request,) = windows.start()
    responses = client.fetch([request])
    try:
        response = Response(responses.bodies[request], datetime.now(UTC))
        page = decode_page(request, response)
        times = creation_times(request, page, response)
    except MalformedPageError:
        return None  # reading the list will report the error in detail
    if page.count <= MAX_RUNS_AT_ONCE or not times:
        return None
    # A date before EARLIEST is wrong, and would make too many windows. Runs with such a date are in
    # the first window.
    return pd.Timestamp(max(min(times), EARLIEST))
