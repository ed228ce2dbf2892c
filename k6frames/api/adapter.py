"""What happens on the wire, below the cache: the token, retries, deadlines, whole answers.

The cache sits above these adapters, so it never sees the token and only ever stores an answer that
arrived whole. Everything else leaves here as an `APIError`.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

import requests
import stamina
import urllib3
from requests.adapters import HTTPAdapter

from k6frames.answers import (
    clean,
    error_of,
    is_json,
    is_permanent,
    read_body,
    reason,
    retry_after,
    whole,
)
from k6frames.errors import APIError, ConfigError
from k6frames.secret import Token

ATTEMPTS = 6
"""How often one path is asked at the most, where the budget allows it."""
FIRST_WAIT, LONGEST_WAIT, JITTER = 0.25, 4.0, 0.25
"""Seconds between two attempts: the first wait, then twice as long each time, and some chance."""
MAX_BODY = 256 * 2**20
"""The largest answer that is read, in bytes after decompression."""
NOT_KEPT = "X-K6frames-Not-Kept"
"""A response with this header is not to be cached: it repeats the token."""
_NEVER = threading.Event()
STOP: ContextVar[threading.Event] = ContextVar("STOP", default=_NEVER)
"""Set in a worker thread: once the event is set, the thread sends nothing any more."""

_T = TypeVar("_T")
_TRANSIENT = frozenset({429, 500, 502, 503, 504})
_ADVICE = {
    401: "The token is wrong or was revoked: make a new one in Grafana Cloud k6.",
    403: "The token is valid, but its user may not see this: ask to be made a member.",
    404: "There is nothing here: check the number, and that the token's user may see it.",
    429: "The API asks for fewer requests: try again later, or with a smaller max_workers.",
}

log = logging.getLogger("k6frames")
# stamina reports each retry as a bare event name; without a handler Python would print it.
logging.getLogger("stamina").addHandler(logging.NullHandler())


def _may_be_logged(record: logging.LogRecord) -> bool:
    """Not what urllib3 says of malformed headers in our threads: it repeats them."""
    return STOP.get() is _NEVER or not str(record.msg).startswith("Failed to parse headers")


logging.getLogger("urllib3.connection").addFilter(_may_be_logged)


class _Transient(Exception):  # noqa: N818 - it never leaves this module
    """An attempt failed in a way that another attempt may mend.

    `wait` is how many seconds the server asked to wait, if it did.
    """

    def __init__(self, error: APIError, wait: float | None = None) -> None:
        super().__init__(error.message)
        self.error = error
        self.wait = wait


class Wire(HTTPAdapter):
    """The way to the API over HTTP.

    Parameters
    ----------
    token : Token
        Added to each request on its way out.
    budget : float
        Seconds for one path: connecting, waiting, reading and all attempts together.
    connections : int
        How many connections are kept open.
    """

    def __init__(self, token: Token, *, budget: float, connections: int) -> None:
        super().__init__(pool_maxsize=connections)
        self._token = token
        self._budget = budget
        self._pause_until = 0.0

    def send(  # type: ignore[override]
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: ARG002 - every body is read whole
        timeout: tuple[float, float] = (5, 30),
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Send a request until a whole answer came, or raise an `APIError`."""
        started = time.monotonic()
        deadline = started + self._budget
        turn = 0.0
        url = str(request.url)

        def again(error: Exception) -> bool | float:
            """Whether there is time for another attempt; the wait is stamina's or the server's."""
            nonlocal turn
            if not isinstance(error, _Transient) or STOP.get().is_set():
                return False
            left = deadline - time.monotonic()
            if error.wait is None:
                log.info("%s Trying again.", error)
                return attempt.next_wait + JITTER < left
            if error.wait >= left:
                error.error.message += (
                    f" It asks to wait {error.wait:.0f} s (Retry-After), but only "
                    f"{max(left, 0):.0f} s are left for this path."
                )
                return False
            log.info("%s Trying again in %.1f s.", error, error.wait)
            # Waited for in _await_turn: a wait of stamina's could not be interrupted.
            turn = time.monotonic() + error.wait
            return 0.0

        try:
            for attempt in stamina.retry_context(
                on=again,
                attempts=ATTEMPTS,
                timeout=None,
                wait_initial=FIRST_WAIT,
                wait_max=LONGEST_WAIT,
                wait_jitter=JITTER,
            ):
                with attempt:
                    self._await_turn(turn, deadline, url)
                    outcome = self._attempt(request, timeout, deadline, verify, cert, proxies)
                    if isinstance(outcome, Exception):
                        raise outcome
                    return outcome
        except _Transient as failure:
            error = failure.error
        tried = "once" if attempt.num == 1 else f"{attempt.num} times"
        message = (
            f"{error.message} Tried {tried} over {time.monotonic() - started:.1f} s "
            f"(budget {self._budget:g} s)."
        )
        if error.status is None:
            message += f" Check the network, and whether {urlsplit(url).netloc} is the right host."
        raise APIError(error.status, error.code, message, url)

    def _await_turn(self, turn: float, deadline: float, url: str) -> None:
        """Wait for this path's turn, and while the API has asked any of us to slow down."""
        now = time.monotonic()
        wait = max(turn, self._pause_until) - now
        if now + wait >= deadline:
            message = f"{_path(url)}: the API asks for a pause of {wait:.0f} s. {_ADVICE[429]}"
            raise APIError(429, None, message, url)
        if STOP.get().wait(max(wait, 0)):
            raise APIError(None, None, f"{_path(url)}: not asked, the work was stopped.", url)

    # What fails below is returned, and raised in `send`: no frame of ours that a traceback shows
    # holds what the server said, which may be the token, or the request that carries it.

    def _attempt(
        self,
        request: requests.PreparedRequest,
        timeout: tuple[float, float],
        deadline: float,
        verify: bool | str,
        cert: Any,
        proxies: Mapping[str, str] | None,
    ) -> requests.Response | APIError | _Transient:
        url = str(request.url)
        left = max(deadline - time.monotonic(), 0.001)
        authorized = request.copy()
        authorized.headers["Authorization"] = f"token {self._token.reveal()}"
        try:
            response = super().send(
                authorized,
                stream=True,
                timeout=(min(timeout[0], left), min(timeout[1], left)),
                verify=verify,
                cert=cert,
                proxies=proxies,
            )
            body = read_body(response.raw, deadline, MAX_BODY)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            failure = APIError(None, None, f"{_path(url)}: {reason(error)}.", url)
            return failure if is_permanent(error) else _Transient(failure)
        problem = self._problem(response, body, url)
        if problem is not None:
            return problem
        headers = {"Content-Type": "application/json"}
        if self._token.occurs_in(body):
            headers[NOT_KEPT] = "1"
        return self.build_response(request, whole(body, headers))

    def _problem(
        self, response: requests.Response, body: bytes, url: str
    ) -> APIError | _Transient | None:
        """What is wrong with an answer; None for a whole 200 that is JSON."""
        status = response.status_code
        if status == 200:
            if is_json(body):
                return None
            kind = clean(response.headers.get("Content-Type", "of no type"), self._token, 60)
            message = (
                f"{_path(url)}: the answer is not JSON, or was cut off ({len(body)} bytes, {kind})."
            )
            return _Transient(APIError(200, None, message, url))
        if 300 <= status < 400:
            return self._redirect(response, url)
        code, said = error_of(body, self._token)
        message = f"{_path(url)}: HTTP {status}"
        if said or code is not None:
            message += f" ({said!r})" if code is None else f" ({said!r}, code {code})"
        error = APIError(status, code, f"{message}. {_ADVICE.get(status, '')}".rstrip(), url)
        if status not in _TRANSIENT:
            return error
        wait = retry_after(response.headers.get("Retry-After"))
        if status == 429:
            # Everybody slows down, not only the worker that was told.
            self._pause_until = max(self._pause_until, time.monotonic() + (wait or FIRST_WAIT))
        return _Transient(error, wait)

    def _redirect(self, response: requests.Response, url: str) -> APIError:
        """A redirect is refused: it may lead to another host, and the token must not."""
        try:
            target = urlsplit(response.headers.get("Location", ""))
            where = f"{target.scheme}://{target.hostname}" if target.hostname else "another path"
        except ValueError:
            where = "no address"
        status = response.status_code
        return APIError(
            status,
            None,
            f"{_path(url)}: HTTP {status} leads to {clean(where, self._token, 100)}, and k6frames "
            "follows no redirect, so that the token stays with the address you gave. Check "
            "api_url.",
            url,
        )


class Folder(HTTPAdapter):
    """Answers that are files: the path of the URL names the file, with ``.json`` behind it.

    Parameters
    ----------
    folder : pathlib.Path
        The folder that stands in the API's place.
    address : str
        The address that leads to it, without a slash at its end.
    """

    def __init__(self, folder: Path, address: str) -> None:
        super().__init__()
        self._folder = folder.resolve()
        self._address = address

    def send(  # type: ignore[override]
        self, request: requests.PreparedRequest, **_: object
    ) -> requests.Response:
        """Read the file, or raise an `APIError` as the API's 404 would."""
        url = str(request.url)
        path = unquote(url.removeprefix(self._address)).lstrip("/")
        try:
            file = (self._folder / f"{path}.json").resolve()
            if not file.is_relative_to(self._folder):
                raise FileNotFoundError
            body = file.read_bytes()
            written = datetime.fromtimestamp(file.stat().st_mtime, UTC)
        except (FileNotFoundError, NotADirectoryError):
            message = f"/{path}: there is no file {path}.json in the folder of answers."
            raise APIError(404, None, message, url) from None
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or type(error).__name__
            message = f"/{path}: {path}.json in the folder of answers cannot be read ({why})."
            raise APIError(None, None, message, url) from None
        return self.build_response(request, whole(body, {"Last-Modified": written.isoformat()}))


def _path(url: str) -> str:
    return urlsplit(url).path if "://" in url else url.partition(":")[2]


def at_once(
    work: Callable[[str], _T], paths: list[str], most: int
) -> Generator[tuple[str, _T | BaseException], None, None]:
    """What `work` gives or raises for each path, as it comes, from at most so many threads.

    Close the generator to stop half-way: nothing new begins then, and what is under way ends by
    itself.
    """
    todo = deque(paths)
    done: SimpleQueue[tuple[str, _T | BaseException]] = SimpleQueue()
    stop = threading.Event()

    def run() -> None:
        STOP.set(stop)
        with contextlib.suppress(IndexError):
            while not stop.is_set():
                path = todo.popleft()
                try:
                    done.put((path, work(path)))
                except BaseException as error:  # noqa: BLE001 - raised again where it is awaited
                    done.put((path, error))

    try:
        for _ in range(min(most, len(paths))):
            # Daemons, so that Python can end without waiting for a silent server.
            threading.Thread(target=run, name="k6frames", daemon=True).start()
        for _ in paths:
            yield done.get()
    finally:
        stop.set()


def normal(url: str) -> str:
    """An address as requests sends it: this is the form under which answers are kept."""
    try:
        return str(requests.Request("GET", url).prepare().url).rstrip("/")
    except ValueError as error:  # requests' own errors about addresses are such
        raise ConfigError(f"{url!r} cannot be asked for: {error}") from None


def environment(url: str) -> tuple[dict[str, str], bool | str]:
    """The proxies and the CA bundle that the environment names for an address.

    A session with ``trust_env`` would also read ``~/.netrc``, and send what it says.
    """
    bundle = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    if bundle and not Path(bundle).exists():
        raise ConfigError(
            f"The environment names certificates in {bundle} (REQUESTS_CA_BUNDLE or "
            "CURL_CA_BUNDLE), and there is no such file."
        )
    return dict(requests.utils.get_environ_proxies(url)), bundle or True
