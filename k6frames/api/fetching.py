"""`Fetcher`: the responses to many requests, which are cached or sent concurrently."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import Future
from contextlib import closing
from datetime import datetime, timedelta
from typing import NamedTuple

from k6frames.api.endpoints import Request
from k6frames.api.on_error import OnError, suggest_on_error
from k6frames.api.progress import ProgressBar
from k6frames.api.session import ApiSession, Response, add_label
from k6frames.api.settings import Settings
from k6frames.api.workers import ActiveRequest, WorkerPool
from k6frames.errors import APIError, ConfigError
from k6frames.validation import short_repr, validate_integer, validate_number

MAX_SECONDS = 2_000_000
"""The longest timeout or budget: 23 days, as sockets cannot wait for more than 24."""
MAX_WORKERS = 1000
GRACE_SECONDS = 0.25
"""How much longer than its budget a request may take before `WorkerPool` ends it. Usually
`RetryAdapter` has ended it by then, with an error that says more."""


class Responses(NamedTuple):
    """The responses to many requests.

    `oldest` is when the oldest of them was fetched; None if there is none.
    """

    bodies: dict[Request, bytes]
    failures: dict[Request, APIError]
    oldest: datetime | None


class Fetcher:
    """Send the requests of a client, or take their responses from the cache.

    Parameters
    ----------
    settings : Settings
        The account.
    expire_after, refresh, offline, timeout, budget, max_workers
        The arguments of `Client`.

    Raises
    ------
    ConfigError
        If an argument is invalid.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        expire_after: float,
        refresh: bool,
        offline: bool,
        timeout: tuple[float, float],
        budget: float,
        max_workers: int,
    ) -> None:
        self.max_age = _max_age(expire_after)
        self.refresh = refresh
        # An account in a folder has no cache and needs no network.
        self.offline = offline and settings.folder is None
        self.budget = _validate_seconds("budget", budget)
        self._max_workers = validate_integer(
            "max_workers", max_workers, minimum=1, maximum=MAX_WORKERS
        )
        self._refreshed: set[Request] = set()
        self._session = ApiSession(
            settings,
            timeout=_validate_timeout(timeout),
            budget=self.budget,
            connections=self._max_workers,
        )

    def fetch(
        self, requests: Sequence[Request], *, on_error: OnError, bar: ProgressBar
    ) -> Responses:
        """Return the responses to requests, which must be unique."""
        responses: dict[Request, Response] = {}
        failures: dict[Request, APIError] = {}
        with closing(self.stream(deque(requests))) as stream:
            for request, future in stream:
                try:
                    responses[request] = future.result()
                except APIError as error:
                    if on_error == "raise":
                        raise suggest_on_error(error, several=len(requests) > 1) from None
                    failures[request] = error
                bar.update()
        return Responses(
            {request: responses[request].body for request in requests if request in responses},
            {request: failures[request] for request in requests if request in failures},
            min((response.fetched for response in responses.values()), default=None),
        )

    def stream(
        self, queue: deque[Request]
    ) -> Generator[tuple[Request, Future[Response]], None, None]:
        """Yield each request of a queue with a completed future: its response or its error.

        Requests are yielded as they complete. More may be appended to the queue while the generator
        is in use. Closing the generator ends the requests that are under way.
        """
        pool = WorkerPool(
            self._send,
            size=self._max_workers,
            time_limit=self.budget + GRACE_SECONDS,
            timeout_error=self._timeout_error,
        )
        with closing(pool):
            while queue or pool.pending:
                if not queue:
                    yield pool.next_completed()
                    continue
                request = queue.popleft()
                # A hit takes a tenth of a millisecond; threads would only make it slower.
                cached = self._cached(request)
                if cached is not None:
                    yield request, _completed(cached)
                elif self.offline:
                    yield request, _completed(self._not_cached_error(request))
                else:
                    pool.submit(request)

    def forget(self, requests: Iterable[Request]) -> None:
        """Remove responses from the cache, so that they are fetched again; offline, do nothing."""
        if not self.offline:
            self._session.forget(requests)

    def close(self) -> None:
        """Close connections and the cache. The next request opens them again."""
        self._session.close()

    def _cached(self, request: Request) -> Response | None:
        if self.refresh and request not in self._refreshed:
            return None
        return self._session.cached(request, None if self.offline else self.max_age)

    def _send(self, request: Request) -> Response:
        response = self._session.send(request)
        self._refreshed.add(request)
        return response

    def _timeout_error(self, request: Request, active: ActiveRequest) -> APIError:
        message = f"{request}: no complete response within {self.budget:g} s (the budget)."
        if active.last_failure:
            message += f" The previous attempt failed: {active.last_failure}."
        message += " Check the network, and whether the address is right."
        return self._error(request, message)

    def _not_cached_error(self, request: Request) -> APIError:
        return self._error(
            request,
            f"{request} is not in the cache, and offline=True sends no request. Fetch it once "
            "with offline=False.",
        )

    def _error(self, request: Request, message: str) -> APIError:
        return add_label(
            request,
            APIError(status=None, code=None, message=message, url=self._session.url(request)),
        )


def _completed(outcome: Response | APIError) -> Future[Response]:
    future: Future[Response] = Future()
    if isinstance(outcome, APIError):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)
    return future


def _validate_timeout(timeout: tuple[float, float]) -> tuple[float, float]:
    if not isinstance(timeout, tuple) or len(timeout) != 2:
        raise ConfigError(
            "timeout must be a tuple of two numbers of seconds, such as (5, 30), not "
            f"{short_repr(timeout)}."
        )
    connect, read = (_validate_seconds("timeout", seconds) for seconds in timeout)
    return connect, read


def _validate_seconds(name: str, seconds: float) -> float:
    return validate_number(name, seconds, minimum=0.001, maximum=MAX_SECONDS)


def _max_age(expire_after: float) -> timedelta | None:
    """Return how old a cached response may be; None for any age."""
    seconds = validate_number("expire_after", expire_after, minimum=0, maximum=math.inf)
    try:
        return timedelta(seconds=seconds)
    except OverflowError:  # infinity, or more than 2.7 million years
        return None
