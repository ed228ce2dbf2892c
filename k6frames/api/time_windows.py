"""Test runs, read in windows of their creation time, because the API cannot sort them.

A window with no more runs than fit on a page is read by one request, so nothing can move while it
is read. A window with more runs is split into shorter ones. Usually its first page has the oldest
runs: then the page is used, and only the time after its runs is split. A page whose runs are in
another order is not used, and the whole window is split. If a page that was used did not have the
oldest runs, some runs are in none of the windows, and fewer arrive than the API counts. Then all
windows are read again without relying on any order.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from k6frames.api.endpoints import Request
from k6frames.api.list_page import MalformedPageError, Page, add_parameters
from k6frames.api.paging import PAGE_SIZE
from k6frames.api.session import Response
from k6frames.errors import APIError, SchemaError

TARGET_RUNS_PER_WINDOW = PAGE_SIZE * 9 // 10
"""How many runs a window should have: less than a page, as runs are not spread evenly."""
MAX_WINDOWS_SPLIT_DIRECTLY = 8
"""A window that needs more subwindows is first split into fewer, and each of these again."""
FIRST_SPLIT_FACTOR = 1.4
"""The first split makes this factor times the square root of the needed number of subwindows."""
MAX_WINDOWS_PER_SPLIT = 1000
"""The maximum number of subwindows of a window, because '@count' may be far too high."""
MAX_ROUNDING = timedelta(seconds=1)
"""How far a creation time may be outside its window: it may be rounded to a whole second."""
EARLIEST = datetime(2016, 1, 1, tzinfo=UTC)
"""Where splitting begins if the oldest run is unknown; older runs are read too."""
LATEST = datetime.max.replace(tzinfo=UTC)


@dataclass
class _Window:
    """The runs created at or after `after` and before `before`; None means no limit."""

    after: datetime | None
    before: datetime | None
    count: int = 0
    counted: datetime | None = None
    """When the runs were counted."""
    ids: set[Any] = field(default_factory=set)
    """The runs on its page; empty if the page was not used."""
    subwindows: list[_Window] = field(default_factory=list)
    """The windows of the other runs, if they do not all fit on one page."""

    def has_same_limits(self, other: _Window) -> bool:
        """Return whether another window has the same limits."""
        return (self.after, self.before) == (other.after, other.before)

    def all_ids(self) -> set[Any]:
        """Return the IDs of the runs in the window and in its subwindows."""
        return self.ids.union(*(window.all_ids() for window in self.subwindows))

    def is_complete(self) -> bool:
        """Return whether as many runs arrived as were counted, in each subwindow too."""
        if not all(window.is_complete() for window in self.subwindows):
            return False
        if self.subwindows and not self.ids:
            # Its page was not used, so its subwindows have all its runs, and newer counts.
            return True
        received = len(self.all_ids())
        # Runs that were created after counting may have been received too.
        has_future = self.counted is None or self.before is None or self.before > self.counted
        return received == self.count or (has_future and received > self.count)


class TimeWindows:
    """Read the test runs of a stack or of a load test that were created in a window.

    Parameters
    ----------
    request : Request
        The request for the list.
    after : datetime, optional
        The first creation time, in UTC.
    before : datetime, optional
        The end of the window, exclusive.
    """

    def __init__(
        self, request: Request, after: datetime | None = None, before: datetime | None = None
    ) -> None:
        self.request = request
        self._after = after
        self._before = before
        self._attempts = 0
        self._clear()

    def _clear(self) -> None:
        self.pages: dict[Request, Response] = {}
        self._ids: set[Any] = set()
        self._root = _Window(self._after, self._before)
        self._windows: dict[Request, _Window] = {}

    def start(self) -> list[Request]:
        """Forget all pages, and return the request for the whole window.

        The first attempt relies on the order of the runs, and any later one does not.
        """
        self._attempts += 1
        self._clear()
        return self._requests([self._root])

    @property
    def count(self) -> int:
        """How many runs there are, as far as is known."""
        return self._root.count

    @property
    def received(self) -> int:
        """How many runs have arrived."""
        return len(self._ids)

    def receive(self, request: Request, page: Page, response: Response) -> list[Request]:
        """Take the page of a window; return requests for subwindows if it has more runs."""
        window = self._windows[request]
        window.count, window.counted = page.count, response.fetched
        if page.count <= len(page.value):
            self._use_page(window, request, page, response)
            return []
        times = creation_times(request, page, response)
        _check_page(request, page, times, window)
        if self._attempts == 1 and times == sorted(times):
            other_runs = page.count - len(set(page.ids))
            window.subwindows = _split_after_page(window, times, other_runs, response.fetched)
        if window.subwindows:
            self._use_page(window, request, page, response)
        else:
            window.subwindows = _split_completely(window, times, response.fetched)
        # There are no subwindows, for which `all` is True too, or there is only the window itself:
        # it is too short to be split.
        if all(window.has_same_limits(subwindow) for subwindow in window.subwindows):
            raise _too_narrow_error(request)
        return self._requests(window.subwindows)

    def is_complete(self) -> bool:
        """Return whether as many runs arrived as were counted, in every window."""
        return self._root.is_complete()

    def _use_page(self, window: _Window, request: Request, page: Page, response: Response) -> None:
        self.pages[request] = response
        window.ids = set(page.ids)
        self._ids |= window.ids

    def _requests(self, windows: list[_Window]) -> list[Request]:
        requests = []
        for window in windows:
            request = add_parameters(
                self.request,
                {
                    "$count": "true",
                    "$top": PAGE_SIZE,
                    "created_after": _format(window.after),
                    "created_before": _format(window.before),
                },
            )
            self._windows[request] = window
            requests.append(request)
        return requests


def _split_after_page(
    window: _Window, times: list[datetime], count: int, fetched: datetime
) -> list[_Window]:
    """Split the rest of a window whose page has the oldest runs; it has `count` other runs.

    There are no subwindows if the newest run on the page is at the end of the window.
    """
    # Times may be rounded to whole seconds, so the last one may be before the window.
    start = times[-1] if window.after is None else max(times[-1], window.after)
    seconds = (times[-1] - times[0]).total_seconds()
    runs_per_second = len(times) / max(seconds, 1)
    return _split(window, start, count, fetched, runs_per_second)


def _split_completely(window: _Window, times: list[datetime], fetched: datetime) -> list[_Window]:
    """Split a whole window; its page is not used, and may have any of its runs."""
    # If the times roughly increase, the page has the oldest runs; otherwise it may have the newest.
    oldest = min(times) if times[0] < times[-1] else min(*times, EARLIEST)
    subwindows = _split(window, window.after or oldest, window.count, fetched)
    if subwindows:
        subwindows[0].after = window.after  # includes runs that are older than `oldest`
    return subwindows


def _split(
    window: _Window,
    start: datetime,
    count: int,
    fetched: datetime,
    runs_per_second: float | None = None,
) -> list[_Window]:
    """Divide the time from `start` to the end of a window into subwindows for `count` runs.

    `runs_per_second` is the rate at `start`, if known. In a growing account the rate increases, so
    the subwindows become shorter.
    """
    # Rounded up to the hour: if the list is read again within the hour, the requests are the same,
    # and their responses are cached.
    end = _next_hour(max(fetched, start))
    if window.before is not None:
        end = min(end, window.before)
    number = math.ceil(count / TARGET_RUNS_PER_WINDOW)
    if start == window.after:
        number = max(number, 2)  # a single subwindow would be the window itself
    if number > MAX_WINDOWS_SPLIT_DIRECTLY:
        # How the runs are distributed is only a guess. The first page of each subwindow is used,
        # and its count shows how many windows that subwindow needs.
        number = min(math.ceil(FIRST_SPLIT_FACTOR * math.sqrt(number)), MAX_WINDOWS_PER_SPLIT)
    mean_runs_per_second = count / max((end - start).total_seconds(), 1)
    density = 1.0
    if runs_per_second is not None:
        # The rate at `start`, relative to the mean rate. At most 2: `_time_share` assumes that the
        # density at the end is 2 - density, which cannot be negative.
        density = min(runs_per_second / mean_runs_per_second, 2)
    edges = [start + (end - start) * _time_share(i / number, density) for i in range(number)]
    subwindows = [_Window(a, b) for a, b in pairwise([*edges, end]) if a < b]
    if subwindows:
        # Not `end`: without a limit, runs that are created meanwhile belong to the window too.
        subwindows[-1].before = window.before
    return subwindows


def _time_share(run_share: float, density: float) -> float:
    """Return the share of the time in which a share of the runs is created.

    The density of runs is d = `density` at the start, changes linearly, and is 1 on average. At the
    share t of the time it is d + 2(1 - d)t, and the share r = dt + (1 - d)t² of the runs has been
    created. Solved for t, in a form that holds for d = 1 too: t = 2r / (d + sqrt(d² + 4(1 - d)r)).
    """
    root = math.sqrt(density**2 + 4 * (1 - density) * run_share)
    return 2 * run_share / (density + root)


def _next_hour(timestamp: datetime) -> datetime:
    if timestamp > LATEST - timedelta(hours=1):
        return LATEST
    return timestamp.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)


def creation_times(request: Request, page: Page, response: Response) -> list[datetime]:
    """Return the creation times of the runs on a page, without those that are missing."""
    try:
        # Timestamps may have a lowercase "z", which `fromisoformat` does not accept.
        times = [datetime.fromisoformat(row.created.upper()) for row in page.value if row.created]
        return [t.replace(tzinfo=UTC) if t.tzinfo is None else t.astimezone(UTC) for t in times]
    except (ValueError, OverflowError, AttributeError):
        message = f"{request}: a test run has no valid creation time."
        raise MalformedPageError(message, request, response.body) from None


def _check_page(request: Request, page: Page, times: list[datetime], window: _Window) -> None:
    """Raise an error if a page does not match its window: splitting would never end otherwise."""
    if len(page.value) < PAGE_SIZE:
        raise SchemaError(
            f"{request}: the page has only {len(page.value):,} of {page.count:,} rows ('@count'), "
            f"but {PAGE_SIZE:,} were requested."
        )
    # `after` is inclusive, and `before` is exclusive.
    is_outside = any(
        (window.after is not None and window.after - time > MAX_ROUNDING)
        or (window.before is not None and time - window.before >= MAX_ROUNDING)
        for time in times
    )
    if not times:
        raise SchemaError(f"{request}: no test run on the page has a creation time.")
    if is_outside:
        raise SchemaError(
            f"{request}: the response has test runs that were not created in the requested window."
        )


def _too_narrow_error(request: Request) -> APIError:
    message = (
        f"{request}: more than {PAGE_SIZE:,} test runs were created in the same microsecond, and "
        "the API has no way to read them all."
    )
    return APIError(status=None, code=None, message=message, url=request.path)


def _format(timestamp: datetime | None) -> str | None:
    if timestamp is None:
        return None
    return timestamp.isoformat(timespec="microseconds").replace("+00:00", "Z")
