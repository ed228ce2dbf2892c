"""Test runs, which have no order to page by, in windows of their creation time.

A window with no more runs than fit a page is read by one request, so nothing can move while it is
read. One with more is split. The API returns the oldest runs first: then the first page of a window
is used as it is, and only the time after it is split. A page that is not in this order is not
used, and the whole window is split. Counting shows whether a page had the oldest runs; if not,
the windows are read again without relying on any order.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from k6frames.api.endpoints import Request
from k6frames.api.list_page import PAGE_SIZE, MalformedPageError, Page, add_parameters
from k6frames.api.session import Response
from k6frames.errors import APIError, SchemaError

FILL = 0.9
"""How full the parts of a window should be: runs are not spread evenly."""
MAX_DIRECT_PARTS = 8
"""Into how many parts, each for one page, a window is split at once."""
FANOUT = 1.4
"""A window with more pages is first split into this many times the square root of their number."""
MAX_PARTS = 1000
"""The maximum number of parts into which a window is split."""
SHORTEST = timedelta(microseconds=1)
PRECISION = timedelta(seconds=1)
"""How far a creation time may be outside of its window: the API may show it without fractions."""
EARLIEST = datetime(2016, 1, 1, tzinfo=UTC)
"""Where splitting begins if the oldest run is unknown; older runs are read all the same."""
LATEST = datetime.max.replace(tzinfo=UTC)


@dataclass
class _Window:
    """The runs created from `after` until before `before`; None is without a limit."""

    after: datetime | None
    before: datetime | None
    count: int = 0
    ids: set[Any] = field(default_factory=set)
    parts: list[_Window] = field(default_factory=list)
    """The windows that have the other runs, if not all are on one page."""

    def all_ids(self) -> set[Any]:
        """Return the IDs of the runs in the window and in its parts."""
        return self.ids.union(*(part.all_ids() for part in self.parts))

    def is_complete(self) -> bool:
        """Return whether as many runs arrived as were counted, in each part too."""
        if not all(part.is_complete() for part in self.parts):
            return False
        if self.parts and not self.ids:
            return True  # only its parts were used
        received = len(self.all_ids())
        # Where the window is open to the future, runs may have been added since.
        return received == self.count or (self.before is None and received > self.count)


class TimeWindows:
    """Read the test runs of a stack or of a load test that were created in a window.

    Parameters
    ----------
    request : Request
        The request for the list.
    after : datetime, optional
        The first creation time, in UTC.
    before : datetime, optional
        The end of the window, which is not in it.
    """

    def __init__(
        self, request: Request, after: datetime | None = None, before: datetime | None = None
    ) -> None:
        self.request = request
        self._after = after
        self._before = before
        self._uses_order = True
        self._begin()

    def _begin(self) -> list[Request]:
        self.pages: dict[Request, Response] = {}
        self._ids: set[Any] = set()
        self._root = _Window(self._after, self._before)
        self._windows: dict[Request, _Window] = {}
        return self._requests([self._root])

    def start(self) -> list[Request]:
        """Return the request for the whole window; again, without relying on the order."""
        if self.pages:
            self._uses_order = False
        return self._begin()

    @property
    def count(self) -> int:
        """How many runs there are, as far as is known."""
        return self._root.count

    @property
    def received(self) -> int:
        """How many runs have arrived."""
        return len(self._ids)

    def receive(self, request: Request, page: Page, response: Response) -> list[Request]:
        """Take the first page of a window; if it has more, request its parts."""
        window = self._windows[request]
        window.count = page.count
        is_complete_page = page.count <= len(page.value)
        times = [] if is_complete_page else _creation_times(request, page, response)
        uses_page = is_complete_page or (self._uses_order and times == sorted(times))
        if uses_page:
            self.pages[request] = response
            window.ids = set(page.ids)
            self._ids |= window.ids
        if is_complete_page:
            return []
        _check_page(request, page, times, window)
        if uses_page:
            start = max(times[-1], window.after or times[-1])
            per_second = len(times) / max((times[-1] - times[0]).total_seconds(), 1)
            rest = page.count - len(page.value)
            window.parts = _split(window, start, rest, response, per_second)
        else:
            # Roughly in order, or the newest first.
            oldest = min(times) if times[0] < times[-1] else min(*times, EARLIEST)
            window.parts = _split(window, window.after or oldest, page.count, response)
            if window.parts:
                window.parts[0].after = window.after
        if not window.parts or window.parts == [_Window(window.after, window.before)]:
            raise _too_narrow_error(request)
        return self._requests(window.parts)

    def is_complete(self) -> bool:
        """Return whether as many runs arrived as were counted, in every window."""
        return self._root.is_complete()

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


def _split(
    window: _Window,
    start: datetime,
    count: int,
    response: Response,
    per_second: float | None = None,
) -> list[_Window]:
    """Divide the time from `start` to the end of a window into parts for `count` runs.

    `per_second` is how many runs there are at its beginning, if that is known: in an account that
    grows there are more and more of them, so the parts become shorter.
    """
    # A full hour, so that the same windows are found in the cache the next time.
    end = _next_hour(max(response.fetched, start))
    if window.before is not None:
        end = min(end, window.before)
    number = max(math.ceil(count / (PAGE_SIZE * FILL)), 1 if start != window.after else 2)
    if number > MAX_DIRECT_PARTS:
        # When runs were created is only guessed. The first page of each part is not lost, and it
        # comes with a count, so that the part can be split as its runs really are.
        number = min(math.ceil(FANOUT * math.sqrt(number)), MAX_PARTS)
    mean = count / max((end - start).total_seconds(), 1)
    first = 1 if per_second is None else min(per_second / mean, 2)
    edges = [start + (end - start) * _share(i / number, first) for i in range(number)]
    edges = [*dict.fromkeys(edges), end]
    parts = [_Window(a, b) for a, b in pairwise(edges) if b - a >= SHORTEST]
    if parts:
        parts[-1].before = window.before
    return parts


def _share(part: float, first: float) -> float:
    """Return in which share of the time a part of the runs is created.

    Their density is `first` at the beginning, 1 on average, and changes linearly.
    """
    return 2 * part / (first + math.sqrt(first**2 + 4 * (1 - first) * part)) if part else 0


def _next_hour(timestamp: datetime) -> datetime:
    if timestamp > LATEST - timedelta(hours=1):
        return LATEST
    return timestamp.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)


def _creation_times(request: Request, page: Page, response: Response) -> list[datetime]:
    """Return when the runs were created, as far as that is known."""
    try:
        # The parser accepts a small letter, too; Python does not.
        times = [datetime.fromisoformat(row.created.upper()) for row in page.value if row.created]
        return [t.replace(tzinfo=UTC) if t.tzinfo is None else t.astimezone(UTC) for t in times]
    except (ValueError, OverflowError, AttributeError):
        message = f"{request}: a test run has no valid creation time."
        raise MalformedPageError(message, request, response.body) from None


def _check_page(request: Request, page: Page, times: list[datetime], window: _Window) -> None:
    """Raise an error if a page cannot be that of its window: splitting would never end."""
    if len(page.value) < PAGE_SIZE:
        raise SchemaError(
            f"{request}: the page has only {len(page.value):,} of {page.count:,} rows ('@count'), "
            f"but {PAGE_SIZE:,} were requested."
        )
    is_outside = any(
        (window.after is not None and window.after - time > PRECISION)
        or (window.before is not None and time - window.before >= PRECISION)
        for time in times
    )
    if is_outside or not times:
        raise SchemaError(
            f"{request}: the response has test runs that were not created in the requested window."
        )


def _too_narrow_error(request: Request) -> APIError:
    message = (
        f"{request}: more than {PAGE_SIZE:,} test runs were created in the same microsecond, and "
        "the API has no way to read them all."
    )
    return APIError(None, None, message, request.path)


def _format(timestamp: datetime | None) -> str | None:
    if timestamp is None:
        return None
    return timestamp.isoformat(timespec="microseconds").replace("+00:00", "Z")
