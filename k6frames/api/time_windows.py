"""Test runs, which have no order to page by, in windows of their creation time.

A window with no more runs than fit a page is read by one request, so nothing can move while it is
read. One with more is split. The API returns the oldest runs first: then the first page of a window
is used as it is, and only the time after it is split. Whether that holds is checked by counting; if
not, the windows are read again and split without relying on any order.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from k6frames.api.endpoints import Request
from k6frames.api.paging import PAGE_SIZE, Page, add_parameters, decode_page
from k6frames.api.session import Response
from k6frames.errors import APIError, SchemaError

FILL = 0.85
"""How full the parts of a window should be: runs are not spread evenly."""
SHORTEST = timedelta(microseconds=1)


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
        received = len(self.all_ids())
        # Where the window is open to the future, runs may have been added since.
        counted = received == self.count or (self.before is None and received > self.count)
        return counted and all(part.is_complete() for part in self.parts)


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
        self.received = 0
        self._is_malformed = False
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

    def receive(self, request: Request, response: Response) -> list[Request]:
        """Take the first page of a window; if it has more, request its parts."""
        window = self._windows[request]
        page = decode_page(request, response)
        times = None if page is None else _creation_times(page)
        if page is None or times is None:
            self._is_malformed = True
            self.pages[request] = response
            return []
        _check_page(request, page, times, window)
        window.count = page.count
        is_whole = page.count <= len(page.value)
        if is_whole or self._uses_order:
            self.pages[request] = response
            window.ids = set(page.ids)
            self.received += len(window.ids)
        if is_whole:
            return []
        if self._uses_order:
            window.parts = _split(window, max(times), page.count - len(page.value), response)
        else:
            window.parts = _split(window, window.after or min(times), page.count, response)
            window.parts[0].after = window.after
        if not window.parts or window.parts == [_Window(window.after, window.before)]:
            raise _too_narrow_error(request)
        return self._requests(window.parts)

    def is_complete(self) -> bool:
        """Return whether as many runs arrived as were counted, in every window."""
        if self._is_malformed:
            return True
        if self._uses_order:
            return self._root.is_complete()
        return all(part.is_complete() for part in _leaves(self._root))

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


def _leaves(window: _Window) -> list[_Window]:
    if not window.parts:
        return [window]
    return [leaf for part in window.parts for leaf in _leaves(part)]


def _split(window: _Window, start: datetime, count: int, response: Response) -> list[_Window]:
    """Divide the time from `start` to the end of a window into parts for `count` runs."""
    # A full hour, so that the same windows are found in the cache the next time.
    end = window.before or _next_hour(max(response.fetched, start))
    number = max(math.ceil(count / (PAGE_SIZE * FILL)), 1 if start != window.after else 2)
    edges = [start + (end - start) * i / number for i in range(number)]
    edges = [*dict.fromkeys(edges), end]
    parts = [_Window(a, b) for a, b in pairwise(edges) if b - a >= SHORTEST]
    if parts:
        parts[-1].before = window.before
    return parts


def _next_hour(timestamp: datetime) -> datetime:
    return timestamp.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)


def _creation_times(page: Page) -> list[datetime] | None:
    """Return when the runs were created; None if that is malformed, which the parser reports."""
    try:
        times = [datetime.fromisoformat(row.created) for row in page.value if row.created]
    except ValueError:
        return None
    return [t.replace(tzinfo=UTC) if t.tzinfo is None else t.astimezone(UTC) for t in times]


def _check_page(request: Request, page: Page, times: list[datetime], window: _Window) -> None:
    """Raise an error if a page cannot be that of its window: splitting would never end."""
    if page.count > len(page.value) and len(page.value) < PAGE_SIZE:
        raise SchemaError(
            f"{request}: the page has {len(page.value):,} rows, but '@count' is {page.count:,} and "
            f"a page has {PAGE_SIZE:,}."
        )
    is_outside = any(
        (window.after is not None and time < window.after)
        or (window.before is not None and time >= window.before)
        for time in times
    )
    if page.count > len(page.value) and (is_outside or not times):
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
