"""The adapter for requests, below the cache: authentication, retries, deadline, size limit.

The cache is above this adapter, so it never sees the token and stores complete responses only. Any
other outcome is an `APIError`.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import requests
import tenacity
import urllib3
from requests.adapters import HTTPAdapter

from k6frames.api.advice import ADVICE, advise, request_error
from k6frames.api.connections import STOPPABLE_POOLS
from k6frames.api.endpoints import authorization_scheme
from k6frames.api.failures import (
    describe_error_response,
    describe_failure,
    is_permanent,
    parse_error,
    parse_retry_after,
    safe_excerpt,
)
from k6frames.api.responses import Body, is_json, make_response, read_body
from k6frames.api.token import Token
from k6frames.api.workers import ActiveRequest, active_request
from k6frames.errors import APIError

MAX_ATTEMPTS = 6
"""How often one request is sent at most; less often if its budget is used up before."""
FIRST_WAIT_SECONDS = 0.25
"""The wait after the first attempt, doubled after each further one."""
MAX_WAIT_SECONDS = 4.0
JITTER_SECONDS = 0.25
"""The random part of each wait is at most this long."""
DO_NOT_CACHE = "X-K6frames-Do-Not-Cache"
"""Added to the headers of a response that contains the token."""

# Retried, like connection errors, truncated bodies and bodies with status 200 that are not JSON.
TRANSIENT_STATUSES = frozenset({408, 429, 500, 502, 503, 504})

log = logging.getLogger("k6frames")


def _is_safe_to_log(record: logging.LogRecord) -> bool:
    """Return False for a warning of urllib3: it quotes malformed headers, perhaps with the token.

    For the requests of other libraries in this process, the warning is logged.
    """
    return active_request.get() is None or not str(record.msg).startswith("Failed to parse headers")


logging.getLogger("urllib3.connection").addFilter(_is_safe_to_log)


class TransientError(Exception):
    """An attempt failed, and another one may succeed.

    Parameters
    ----------
    error : APIError
        What the user is told if no attempt succeeds.
    reason : str
        What went wrong, without the request and without advice.
    retry_after : float, optional
        The pause that the server asked for, in seconds.
    """

    def __init__(self, error: APIError, reason: str, retry_after: float | None = None) -> None:
        super().__init__(error.message)
        self.error = error
        self.reason = reason
        self.retry_after = retry_after


class RetryAdapter(HTTPAdapter):
    """Send requests to the API until a complete response is received.

    Parameters
    ----------
    token : Token
        Added to each request when it is sent.
    address : str
        The API's address, without a trailing slash.
    budget : float
        Seconds for one request: connecting, waiting, reading and all attempts together.
    connections : int
        How many connections are kept open.
    """

    def __init__(self, token: Token, address: str, *, budget: float, connections: int) -> None:
        super().__init__(pool_maxsize=connections)
        self._token = token
        self._address = address
        self._budget = budget
        self._paused_until = 0.0

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Create pools whose connections can be ended from another thread."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = STOPPABLE_POOLS

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        """Create such pools for a proxy too, unless it is a SOCKS proxy."""
        manager = super().proxy_manager_for(*args, **kwargs)
        # A SOCKS proxy needs urllib3's own pools, whose connections only time out.
        if isinstance(manager, urllib3.ProxyManager):
            manager.pool_classes_by_scheme = STOPPABLE_POOLS
        return manager

    def send(  # type: ignore[override]
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: ARG002 - every body is read to its end
        timeout: tuple[float, float] = (5, 30),
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Send a request until a complete response is received, or raise an `APIError`."""
        active = active_request.get() or ActiveRequest()  # there is none outside a worker
        deadline = active.started + self._budget
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(TransientError),
            stop=tenacity.stop_after_attempt(MAX_ATTEMPTS)
            | tenacity.stop_before_delay(deadline - time.monotonic())
            | tenacity.stop_when_event_set(active.stopped),
            wait=_wait_seconds,
            sleep=tenacity.sleep_using_event(active.stopped),
            before_sleep=partial(_before_retry, active),
            reraise=True,
        )
        try:
            return retrying(
                self._attempt, request, active, timeout, verify=verify, cert=cert, proxies=proxies
            )
        except TransientError as failure:
            attempts = retrying.statistics["attempt_number"]
            raise _final_error(failure, attempts, active, self._budget) from None

    def _attempt(
        self,
        request: requests.PreparedRequest,
        active: ActiveRequest,
        timeout: tuple[float, float],
        **options: Any,
    ) -> requests.Response:
        """Send a request once; raise a `TransientError` if another attempt may succeed."""
        remaining = self._wait_for_pause(request, active)
        limits = (min(timeout[0], remaining), min(timeout[1], remaining))
        response, body = self._receive(request, timeout=limits, **options)
        if response.status_code == 429:
            self._pause_all_requests(response)
        if response.status_code != 200:
            raise self._http_error(request, response, body)
        if not is_json(body.content):
            raise self._not_json_error(request, response, body)
        headers = {"Content-Type": "application/json"}
        if self._token.occurs_in(body.content):
            headers[DO_NOT_CACHE] = "1"
        return self.build_response(request, make_response(body.content, headers))

    def _wait_for_pause(self, request: requests.PreparedRequest, active: ActiveRequest) -> float:
        """Wait until a pause after status 429 is over; return the seconds left of the budget."""
        remaining = active.started + self._budget - time.monotonic()
        pause = max(self._paused_until - time.monotonic(), 0)
        if pause > 0 and pause >= remaining:
            description = f"the API asks for a pause of {pause:.0f} s. {ADVICE[429]}"
            raise request_error(request, description, status=429)
        if active.stopped.wait(pause):
            raise request_error(request, "not sent, because the work was stopped.")
        return max(remaining - pause, 0.001)

    def _receive(
        self, request: requests.PreparedRequest, **options: Any
    ) -> tuple[requests.Response, Body]:
        """Send a request and read the body of the response, whatever its status."""
        try:
            return self._send_with_token(request, **options)
        except Exception as error:  # noqa: BLE001 - whatever it is, there is no usable response
            reason = describe_failure(error)
            api_error = request_error(request, f"{reason}.")
            permanent = is_permanent(error)
        # Raised after the except block. Inside it, Python would attach the caught error as context,
        # and the frames of its traceback contain the token.
        if permanent:
            raise api_error
        raise TransientError(api_error, reason)

    def _send_with_token(
        self, request: requests.PreparedRequest, **options: Any
    ) -> tuple[requests.Response, Body]:
        authorized = request.copy()
        scheme = authorization_scheme(str(request.url).removeprefix(self._address))
        authorized.headers["Authorization"] = f"{scheme} {self._token.reveal()}"
        response = super().send(authorized, stream=True, **options)
        return response, read_body(response.raw)

    def _pause_all_requests(self, response: requests.Response) -> None:
        """Make every worker wait, not only the one that received this response.

        This worker does not wait twice: the pause passes while it waits for its next attempt.
        """
        seconds = parse_retry_after(response.headers.get("Retry-After")) or FIRST_WAIT_SECONDS
        self._paused_until = max(self._paused_until, time.monotonic() + seconds)

    def _http_error(
        self, request: requests.PreparedRequest, response: requests.Response, body: Body
    ) -> APIError | TransientError:
        """Return the error for a status other than 200."""
        if response.is_redirect:
            return self._redirect_error(request, response)
        status = response.status_code
        code, text = parse_error(body.content, self._token)
        reason = describe_error_response(status, code, text)
        description = f"{reason}. {advise(request, status)}".rstrip()
        error = request_error(request, description, status=status, code=code)
        if status not in TRANSIENT_STATUSES:
            return error
        retry_after = parse_retry_after(response.headers.get("Retry-After"))
        return TransientError(error, reason, retry_after)

    def _redirect_error(
        self, request: requests.PreparedRequest, response: requests.Response
    ) -> APIError:
        """Return the error for a redirect: the other host must not get the token."""
        try:
            # Redacted before urlsplit lowercases the host, which may contain the token.
            parts = urlsplit(self._token.redact(response.headers["Location"]))
            scheme = parts.scheme or urlsplit(str(request.url)).scheme
            target = f"{scheme}://{parts.hostname}" if parts.hostname else "another path"
        except ValueError:
            target = "an invalid address"
        return request_error(
            request,
            f"HTTP {response.status_code} redirects to {safe_excerpt(target, self._token, 100)}. "
            "k6frames does not follow redirects, so that no other host gets the token. "
            "Check api_url.",
            status=response.status_code,
        )

    def _not_json_error(
        self, request: requests.PreparedRequest, response: requests.Response, body: Body
    ) -> TransientError:
        """Return the error for status 200 with an incomplete or invalid body."""
        content_type = response.headers.get("Content-Type", "no Content-Type")
        reason = (
            f"the response is not JSON, or was truncated ({len(body.content):,} bytes, "
            f"{safe_excerpt(content_type, self._token, 60)})"
        )
        return TransientError(request_error(request, f"{reason}.", status=200), reason)


def _wait_seconds(state: tenacity.RetryCallState) -> float:
    """Return the wait before the next attempt: Retry-After, or exponential with jitter."""
    failure = state.outcome.exception() if state.outcome else None
    if isinstance(failure, TransientError) and failure.retry_after is not None:
        return failure.retry_after
    backoff = tenacity.wait_exponential(multiplier=FIRST_WAIT_SECONDS, max=MAX_WAIT_SECONDS)
    return backoff(state) + random.uniform(0, JITTER_SECONDS)  # noqa: S311 - no secret


def _before_retry(active: ActiveRequest, state: tenacity.RetryCallState) -> None:
    failure = state.outcome.exception() if state.outcome else None
    if isinstance(failure, TransientError):
        active.last_failure = failure.reason
    log.info("%s Trying again in %.1f s.", failure, state.upcoming_sleep)


def _final_error(
    failure: TransientError, attempts: int, active: ActiveRequest, budget: float
) -> APIError:
    """Return the error of the last attempt, with the number and duration of the attempts."""
    error = failure.error
    elapsed = time.monotonic() - active.started
    message = error.message
    if failure.retry_after is not None and failure.retry_after >= budget - elapsed:
        message += (
            f" The API asks for a pause of {failure.retry_after:.0f} s (Retry-After), but only "
            f"{max(budget - elapsed, 0):.0f} s are left for this request."
        )
    tried = "once" if attempts == 1 else f"{attempts} times"
    message += f" Tried {tried} in {elapsed:.1f} s (budget {budget:g} s)."
    if error.status is None:
        host = urlsplit(error.url).netloc
        message += f" Check the network, and whether {host} is the right host."
    return APIError(error.status, error.code, message, error.url)
