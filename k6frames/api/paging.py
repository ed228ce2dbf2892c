"""v6 lists: all of their rows, or an error.

Pages are requested with an offset (`$skip`), so a row that is deleted while a list is read moves
the rows behind it, and one of them would be missing. Two checks notice that: each page overlaps the
one before by one row, and there must be as many distinct IDs as the API counts. Test runs are read
in time windows instead, in which nothing moves.
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
from k6frames.api.on_error import OnError, check_on_error, suggest_on_error
from k6frames.api.list_page import PAGE_SIZE, Page, add_parameters, decode_page
from k6frames.api.session import Response
from k6frames.errors import APIError, SchemaError

MAX_PAGES_AHEAD = 64
"""How many pages of a list are requested before the first of them has arrived."""
MAX_READINGS = 3
"""How often a list is read that changes while it is read."""


class ListReader(Protocol):
    """What reads one list: it turns each page into the requests that follow from it."""

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
        """Return the first requests, or those that read the list again."""

    def receive(self, request: Request, page: Page, response: Response) -> list[Request]:
        """Take a page and return the requests that follow from it."""

    def is_complete(self) -> bool:
        """Return whether the pages have all rows, when no request is under way."""


def read_lists(
    client: Client, readers: Sequence[ListReader], *, on_error: OnError = "raise"
) -> Responses:
    """Read lists concurrently, each completely.

    Parameters
    ----------
    client : Client
        Which account.
    readers : sequence of ListReader
        The lists.
    on_error : {"raise", "warn"}, default "raise"
        Raise the first failure, or go on with the other lists and return the failures, by the
        request of the list.

    Returns
    -------
    Responses
        ``bodies`` has the pages of all lists, list by list; rows of overlapping pages are in it
        twice.

    Raises
    ------
    APIError
        If a page has no usable response, or a list changed each time that it was read.
    SchemaError
        If the pages of a list contradict each other.
    """
    check_on_error(on_error)
    readings = [_Reading(reader) for reader in readers]
    queue: deque[Request] = deque()
    owners: dict[Request, _Reading] = {}
    failures: dict[Request, APIError] = {}

    def send(reading: _Reading, requests: list[Request]) -> None:
        owners.update(dict.fromkeys(requests, reading))
        queue.extend(requests)

    for reading in readings:
        send(reading, reading.start())
    with client.progress_bar(unit=" rows") as bar, closing(client.stream(queue)) as stream:
        for request, future in stream:
            reading = owners[request]
            if reading.reader.request in failures:
                continue
            try:
                send(reading, reading.receive(client, request, future.result()))
            except APIError as error:
                if on_error == "raise":
                    raise suggest_on_error(error, several=len(readers) > 1) from None
                failures[reading.reader.request] = error
            bar.total = sum(reader.count for reader in readers)
            bar.update(sum(reader.received for reader in readers) - bar.n)
    complete = [reader for reader in readers if reader.request not in failures]
    pages = {request: page for reader in complete for request, page in reader.pages.items()}
    return Responses(
        {request: page.body for request, page in pages.items()},
        failures,
        min((page.fetched for page in pages.values()), default=None),
    )


class _Reading:
    """One list that is being read, again if it changes meanwhile."""

    def __init__(self, reader: ListReader) -> None:
        self.reader = reader
        self._started = 0
        self._under_way = 0

    def start(self) -> list[Request]:
        """Return the first requests."""
        self._started += 1
        requests = self.reader.start()
        self._under_way = len(requests)
        return requests

    def receive(self, client: Client, request: Request, response: Response) -> list[Request]:
        """Take a page and return the requests that follow, or those that read the list again."""
        requests = self.reader.receive(request, decode_page(request, response), response)
        self._under_way += len(requests) - 1
        if self._under_way or self.reader.is_complete():
            return requests
        if self._started == MAX_READINGS:
            raise _changing_list_error(self.reader.request)
        client.forget(self.reader.pages)
        return self.start()


class InconsistentListError(APIError, SchemaError):
    """The pages of a list contradict each other: the account changes, or the API is wrong."""


def _changing_list_error(request: Request) -> InconsistentListError:
    message = (
        f"{request}: the pages contradicted each other each of the {MAX_READINGS} times that the "
        "list was read (it changes, or '@count' is wrong), so rows may be missing. Try again later."
    )
    return InconsistentListError(None, None, message, request.path)


class PagedList:
    """Read a list page by page, several concurrently.

    Parameters
    ----------
    request : Request
        The request for the list, perhaps with filters in its query.
    """

    def __init__(self, request: Request) -> None:
        self.request = request
        self.start()

    def start(self) -> list[Request]:
        """Return the request for the first page."""
        self.count = 0
        self._received: dict[int, tuple[Request, Response]] = {}
        self._ids: dict[int, list[Any]] = {}
        self._distinct: set[Any] = set()
        self._is_consistent = True
        self._page_size = PAGE_SIZE
        self._next_skip = 0
        return self._next_pages(1)

    @property
    def pages(self) -> dict[Request, Response]:
        """The pages in the order of the list, in whatever order they arrived."""
        return dict(self._received[skip] for skip in sorted(self._received))

    @property
    def received(self) -> int:
        """How many rows have arrived."""
        return len(self._distinct)

    def receive(self, request: Request, page: Page, response: Response) -> list[Request]:
        """Take a page and return the next ones, as long as pages bring new rows."""
        self._received[_skip_of(request)] = (request, response)
        is_first = not self._ids
        if is_first:
            self.count, self._page_size = page.count, min(len(page.value), PAGE_SIZE)
            self._next_skip = len(page.value) - 1
        before = len(self._distinct)
        self._ids[_skip_of(request)] = page.ids
        self._distinct.update(page.ids)
        self._is_consistent &= page.count == self.count and len(self._distinct) > before
        if not self._is_consistent:
            return []
        # Pages are only smaller than requested if the API has another limit than documented: then
        # one after the other, since nothing else is certain.
        is_full = self._page_size == PAGE_SIZE
        return self._next_pages(MAX_PAGES_AHEAD if is_first and is_full else 1)

    def is_complete(self) -> bool:
        """Return whether neighboring pages share a row, and as many IDs arrived as counted."""
        if not (self.count or self._distinct):
            return True
        pages = [self._ids[skip] for skip in sorted(self._ids)]
        overlap = all(before[-1:] == after[:1] for before, after in pairwise(pages))
        return self._is_consistent and overlap and len(self._distinct) == self.count

    def _next_pages(self, number: int) -> list[Request]:
        requests: list[Request] = []
        while len(requests) < number and (
            not self._ids or (self._next_skip + 1 < self.count and self._page_size > 1)
        ):
            skip = self._next_skip
            requests.append(
                add_parameters(
                    self.request,
                    {"$count": "true", "$top": self._page_size, "$skip": skip or None},
                )
            )
            self._next_skip += self._page_size - 1
        return requests


def _skip_of(request: Request) -> int:
    _, _, skip = request.path.partition("$skip=")
    return int(skip or 0)
