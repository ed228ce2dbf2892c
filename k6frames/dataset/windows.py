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
from k6frames.api.list_page import PAGE_SIZE, MalformedPageError, decode_page
from k6frames.api.session import Response
from k6frames.api.time_windows import EARLIEST, TimeWindows, creation_times
from k6frames.dataset import layout
from k6frames.dataset.layout import LAST_SEEN, RunFile, read_files
from k6frames.tables import TEST_RUNS

MAX_RUNS_AT_ONCE = 50_000
"""More runs are read month by month, so that they need not all be in memory."""
MAX_RUNS_READ_AGAIN = PAGE_SIZE * 9 // 10
"""Larger months are not read again completely. Less than a page, so that new runs fit on it."""
UNFINISHED = ("created", "queued", "initializing", "running", "processing_metrics")
"""The statuses that are not final."""

SETTLING_TIME = pd.Timedelta(hours=1)
"""How much later than a newer run an older one may appear in the API's list."""
RECENT = pd.Timedelta(days=62)
"""Runs of this period are read without counting them first."""

_MICROSECOND = pd.Timedelta(microseconds=1)


class Window(NamedTuple):
    """The creation times of the runs to read, from `after` until before `before`."""

    after: pd.Timestamp | None
    before: pd.Timestamp | None


def find_windows(root: Path, stack_id: int, client: Client) -> Iterator[Window]:
    """Yield the windows that a sync of a stack has to read, the oldest first.

    All months of a dataset before the newest one are complete, except for their runs under way.
    """
    now = pd.Timestamp(client.as_of)
    this_month = layout.month_of(now)
    # A run may have a date in the future; it must not hide those that come until then.
    files = [file for file in layout.run_files(root, stack_id) if file.month <= this_month]
    if len(files) > 1 and _is_young(files[-1]):
        files.pop()
    for file in _with_unfinished_runs(files[:-1]):
        window = _unfinished_window(file)
        if window is not None:
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
    """Return the files that have runs under way. Arrow searches all of them in parallel."""
    condition = ds.field("ended").is_null() | ds.field("status").isin(UNFINISHED)
    found = read_files(
        [file.path for file in files], TEST_RUNS, ["created"], condition=condition
    ).to_pandas()
    months = set(found["created"].map(layout.month_of))
    return [file for file in files if file.month in months]


def _unfinished_window(file: RunFile) -> Window | None:
    """Return the window of the runs of a month that are under way; None if there are none."""
    state = _read_state(file)
    under_way = state.loc[state["is_under_way"], "created"]
    if under_way.empty:
        return None
    if len(state) <= MAX_RUNS_READ_AGAIN:
        return Window(layout.month_start(file.month), layout.next_month_start(file.month))
    return Window(under_way.min(), under_way.max() + _MICROSECOND)


def _is_young(file: RunFile) -> bool:
    """Return whether the month before may have lacked runs when this file was written."""
    created = read_files([file.path], TEST_RUNS, ["created"]).to_pandas()["created"]
    return bool(created.max() < layout.month_start(file.month) + SETTLING_TIME)


def _newest_window(file: RunFile) -> Window:
    """Return the window from the newest month on."""
    state = _read_state(file)
    if len(state) <= MAX_RUNS_READ_AGAIN:
        return Window(layout.month_start(file.month), None)
    under_way = state.loc[state["is_under_way"], "created"]
    newest = state["created"].nlargest(MAX_RUNS_READ_AGAIN)
    return Window(min([newest.min(), *under_way]), None)


def _read_state(file: RunFile) -> pd.DataFrame:
    """Return when the runs of a month were created, and which of them are under way."""
    names = ["created", "ended", "status", LAST_SEEN.name]
    state: pd.DataFrame = read_files([file.path], TEST_RUNS, names).to_pandas()
    is_unfinished = state["ended"].isna() | state["status"].isin(UNFINISHED)
    # One that the last sync of its month did not receive is deleted, and never gets a result.
    # A time in the future is from a wrong clock, and is not the last one.
    last_seen = state[LAST_SEEN.name]
    is_future = last_seen > pd.Timestamp.now("UTC")
    is_current = is_future | (last_seen == last_seen[~is_future].max())
    state["is_under_way"] = is_unfinished & is_current
    return state


def _split_by_month(after: pd.Timestamp | None, stack_id: int, client: Client) -> Iterator[Window]:
    """Yield the window from a timestamp on, or one per month if it has many runs."""
    first = None if client.folder is not None else _oldest_of_many(after, stack_id, client)
    if first is None:
        yield Window(after, None)
        return
    months = pd.date_range(
        first.normalize().replace(day=1), pd.Timestamp(client.as_of), freq="MS", unit="us"
    )
    for month in months[1:]:
        yield Window(after, month)
        after = month
    yield Window(after, None)


def _oldest_of_many(
    after: pd.Timestamp | None, stack_id: int, client: Client
) -> pd.Timestamp | None:
    """Return when the oldest of many runs was created; None if there are few."""
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
        return None  # reading the list reports it in detail
    if page.count <= MAX_RUNS_AT_ONCE or not times:
        return None
    # Runs with an earlier date, which is wrong, are in the first window.
    return pd.Timestamp(max(min(times), EARLIEST))
