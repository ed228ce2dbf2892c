"""v6 lists: all of their rows, or an error.

Pages are requested with an offset (`$skip`). If a row is deleted while a list is being read, the
rows after it move up, and one of them is skipped. Two checks detect this: neighboring pages overlap
by one row, and there must be as many distinct IDs as the API counts. Test runs are read in
another way, by `time_windows`: their creation times are divided into windows, each so short that
one request reads all of its runs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from contextlib import closing
from itertools import pairwise
from typing import Any, Protocol

from k6frames.api.client import Client
from k6frames.api.endpoints import Request
from k6frames.api.fetching import Responses
from k6frames.api.list_page import Page, add_parameters, decode_page
from k6frames.api.on_error import OnError, check_on_error, suggest_on_error
from k6frames.api.session import Response
from k6frames.errors import APIError, SchemaError

PAGE_SIZE = 1000
"""The maximum number of rows on a page: the API's limit."""
MAX_PAGES_AHEAD = 64
"""How many pages of a list, after its first, are requested at the same time."""
OVERLAP_ROWS = 1
"""How many rows of a page are also on the next one."""
MAX_LIST_ATTEMPTS = 3
"""How many times a list is read if it changes each time."""


class InconsistentListError(APIError, SchemaError):
    """The pages of a list contradict each other: the account is changing, or the API is wrong."""


class ListReader(Protocol):
    """Reads one list: takes each page, and returns the requests that follow from it."""

    request: Request
    """The request for the list, without paging."""

    @property
    def pages(self) -> dict[Request, Response]:
        """The pages that together have all rows, once the list is complete."""

    @property
    def count(self) -> int:
        """How many rows there are, as far as is known."""

    @property
    def received(self) -> int:
        """How many rows have arrived."""

    def start(self) -> list[Request]:
        """Forget all pages, and return the first requests."""

    def receive(self, request: Request, page: Page, response: Response) -> list[Request]:
        """Take a page and return the requests that follow from it."""

    def is_complete(self) -> bool:
        """Return whether all rows were received. It is called when no request is under way."""


def read_lists(
    client: Client, readers: Sequence[ListReader], *, on_error: OnError = "raise"
) -> Responses:
    """Read lists concurrently, each completely.

    Parameters
    ----------
    client : Client
        The account to read.
    readers : sequence of ListReader
        The lists.
    on_error : {"raise", "warn"}, default "raise"
        Raise the first failure, or go on with the other lists and return the failures, with
        the request for the list as the key.

    Returns
    -------
    Responses
        ``bodies`` has the pages of all lists, list by list. Neighboring pages overlap, so some
        rows are in it twice.

    Raises
    ------
    APIError
        If a page has no usable response, or a list changed each time that it was read.
    SchemaError
        If a page is malformed or does not match its request, even with ``on_error="warn"``.
    """
    check_on_error(on_error)
    queue: deque[Request] = deque()
    list_by_request: dict[Request, _ListInProgress] = {}
    failures: dict[Request, APIError] = {}

    def enqueue(in_progress: _ListInProgress, requests: list[Request]) -> None:
        list_by_request.update(dict.fromkeys(requests, in_progress))
        queue.extend(requests)

    for reader in readers:
        in_progress = _ListInProgress(reader)
        enqueue(in_progress, in_progress.start())
    with client.progress_bar(unit=" rows") as bar, closing(client.stream(queue)) as stream:
        for request, future in stream:
            in_progress = list_by_request[request]
            list_request = in_progress.reader.request
            if list_request in failures:
                continue
            try:
                next_requests = in_progress.receive(client, request, future.result())
            except APIError as error:
                if on_error == "raise":
                    raise suggest_on_error(error, several=len(readers) > 1) from None
                failures[list_request] = error
            else:
                enqueue(in_progress, next_requests)
            bar.total = sum(reader.count for reader in readers)
            bar.update(sum(reader.received for reader in readers) - bar.n)
    complete = [reader for reader in readers if reader.request not in failures]
    pages = {request: page for reader in complete for request, page in reader.pages.items()}
    return Responses(
        {request: page.body for request, page in pages.items()},
        failures,
        min((page.fetched for page in pages.values()), default=None),
    )


class _ListInProgress:
    """One list that is being read, and is read again if it changes in the process."""

    def __init__(self, reader: ListReader) -> None:
        self.reader = reader
        self._attempts = 0
        self._pending_requests = 0

    def start(self) -> list[Request]:
        """Return the first requests."""
        self._attempts += 1
        requests = self.reader.start()
        self._pending_requests = len(requests)
        return requests

    def receive(self, client: Client, request: Request, response: Response) -> list[Request]:
        """Take a page and return the requests that follow.

        If all pages are there but contradict each other, start again from the first page.
        """
        requests = self.reader.receive(request, decode_page(request, response), response)
        self._pending_requests += len(requests) - 1
        if self._pending_requests > 0 or self.reader.is_complete():
            return requests
        if self._attempts == MAX_LIST_ATTEMPTS:
            raise _changing_list_error(self.reader.request)
        client.forget(self.reader.pages)
        return self.start()


def _changing_list_error(request: Request) -> InconsistentListError:
    message = (
        f"{request}: the pages contradicted each other in all {MAX_LIST_ATTEMPTS} attempts to read "
        "the list (it is changing, or '@count' is wrong), so rows may be missing. Try again later."
    )
    return InconsistentListError(status=None, code=None, message=message, url=request.path)


class PagedList:
    """Read a list page by page, several concurrently.

    Parameters
    ----------
    request : Request
        The request for the list, perhaps with filters in its query.
    """

    def __init__(self, request: Request) -> None:
        self.request = request
        self._clear()

    def _clear(self) -> None:
        self.count = 0
        self._page_size = PAGE_SIZE
        self._next_skip = 0
        self._received: dict[int, tuple[Request, Response]] = {}
        self._ids: dict[int, list[Any]] = {}
        self._distinct_ids: set[Any] = set()
        self._is_consistent = True

    def start(self) -> list[Request]:
        """Forget all pages, and return the request for the first one."""
        self._clear()
        return [self._next_request()]

    @property
    def pages(self) -> dict[Request, Response]:
        """The pages in the order of the list, whatever the order in which they arrived."""
        return dict(self._received[skip] for skip in sorted(self._received))

    @property
    def received(self) -> int:
        """How many rows have arrived."""
        return len(self._distinct_ids)

    def receive(self, request: Request, page: Page, response: Response) -> list[Request]:
        """Take a page and return the next requests; none if the pages contradict each other."""
        is_first = not self._received
        if is_first:
            self.count = page.count
            # If the API returned fewer rows than requested, its limit is lower: use it from now on.
            # If it returned more, `_next_skip` has them, but `$top` must not exceed PAGE_SIZE.
            self._page_size = min(len(page.value), PAGE_SIZE)
            self._next_skip = len(page.value) - OVERLAP_ROWS
        received_before = self.received
        skip = _parse_skip(request)
        self._received[skip] = (request, response)
        self._ids[skip] = page.ids
        self._distinct_ids.update(page.ids)
        if page.count != self.count or self.received == received_before:
            self._is_consistent = False
        if not self._is_consistent:
            return []
        # Smaller pages are requested one after the other. Pages of two rows, for example, have the
        # rows (0, 1), (1, 2) and (2, 3): if the second arrived last, it would have no new rows, and
        # the check above would reject it.
        max_requests = MAX_PAGES_AHEAD if is_first and self._page_size == PAGE_SIZE else 1
        requests: list[Request] = []
        while len(requests) < max_requests and self._has_next():
            requests.append(self._next_request())
        return requests

    def is_complete(self) -> bool:
        """Return whether neighboring pages share a row, and the number of IDs equals the count."""
        if self.count == 0 and not self._distinct_ids:
            # The only page of an empty list has no new rows, so `receive` has marked the list as
            # inconsistent.
            return True
        pages = [self._ids[skip] for skip in sorted(self._ids)]
        overlap = all(
            before[-OVERLAP_ROWS:] == after[:OVERLAP_ROWS] for before, after in pairwise(pages)
        )
        return self._is_consistent and overlap and self.received == self.count

    def _has_next(self) -> bool:
        # A page that is not longer than the overlap has no new rows.
        return self._next_skip + OVERLAP_ROWS < self.count and self._page_size > OVERLAP_ROWS

    def _next_request(self) -> Request:
        """Return the request for the next page, and go on to the one after it."""
        skip = self._next_skip
        self._next_skip += self._page_size - OVERLAP_ROWS
        return add_parameters(
            self.request, {"$count": "true", "$top": self._page_size, "$skip": skip or None}
        )


def _parse_skip(request: Request) -> int:
    """Return the offset of a page, 0 for the first; `_next_request` puts it last in the query."""
    _, _, skip = request.path.partition("$skip=")
    return int(skip or 0)
