"""What happens on the wire, below the cache: the token, retries, deadlines, whole answers.

The cache sits above these adapters, so it never sees the token and only ever stores an answer that
arrived whole. Everything else leaves here as an `APIError`.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import threading
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import unquote, urlsplit

import requests
import stamina
import urllib3
from requests.adapters import HTTPAdapter

from k6frames.errors import APIError
from k6frames.secret import Token

ATTEMPTS = 6
"""How often one path is asked at the most, where the budget allows it."""
FIRST_WAIT, LONGEST_WAIT, JITTER = 0.25, 4.0, 0.25
"""Seconds between two attempts: the first wait, then twice as long each time, and some chance."""
MAX_BODY = 256 * 2**20
"""The largest answer that is read, in bytes after decompression."""
NOT_KEPT = "X-K6frames-Not-Kept"
"""A response with this header is not to be cached: it repeats the token."""

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


class _Transient(Exception):  # noqa: N818 - it never leaves this module
    """An attempt failed in a way that another attempt may mend.

    `retry_after` is the wait in seconds that the server asked for, if it did.
    """

    def __init__(self, error: APIError, retry_after: float | None = None) -> None:
        super().__init__(error.message)
        self.error = error
        self.retry_after = retry_after


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
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Send nothing any more: what other threads still wait for fails at once."""
        self._stopped.set()

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
            if not isinstance(error, _Transient) or self._stopped.is_set():
                return False
            left = deadline - time.monotonic()
            if error.retry_after is None:
                log.info("%s Trying again.", error)
                return attempt.next_wait + JITTER < left
            if error.retry_after >= left:
                error.error.message += (
                    f" It asks to wait {error.retry_after:.0f} s (Retry-After), but only "
                    f"{left:.0f} s are left for this path."
                )
                return False
            log.info("%s Trying again in %.1f s.", error, error.retry_after)
            # Waited for in _await_turn: a wait of stamina's could not be interrupted.
            turn = time.monotonic() + error.retry_after
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
                    return self._attempt(request, timeout, deadline, verify, cert, proxies)
        except _Transient as failure:
            error = failure.error
        tried = "once" if attempt.num == 1 else f"{attempt.num} times"
        raise APIError(
            error.status,
            error.code,
            f"{error.message} Tried {tried} over {time.monotonic() - started:.1f} s "
            f"(budget {self._budget:g} s).",
            url,
        )

    def _await_turn(self, turn: float, deadline: float, url: str) -> None:
        """Wait for this path's turn, and while the API has asked any of us to slow down."""
        now = time.monotonic()
        wait = max(turn, self._pause_until) - now
        if now + wait >= deadline:
            message = f"{_path(url)}: the API asks for a pause of {wait:.0f} s. {_ADVICE[429]}"
            raise APIError(429, None, message, url)
        if self._stopped.wait(max(wait, 0)):
            raise APIError(None, None, f"{_path(url)}: not asked, the work was stopped.", url)

    def _attempt(
        self,
        request: requests.PreparedRequest,
        timeout: tuple[float, float],
        deadline: float,
        verify: bool | str,
        cert: Any,
        proxies: Mapping[str, str] | None,
    ) -> requests.Response:
        url = str(request.url)
        left = max(deadline - time.monotonic(), 0.001)
        authorized = request.copy()
        authorized.headers["Authorization"] = f"token {self._token.reveal()}"
        problem = ""
        try:
            response = super().send(
                authorized,
                stream=True,
                timeout=(min(timeout[0], left), min(timeout[1], left)),
                verify=verify,
                cert=cert,
                proxies=proxies,
            )
            body = _read_body(response.raw, deadline)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            problem = _reason(error)
            transient = not isinstance(error, requests.exceptions.SSLError)
        # Raised out here: the library's error holds the request with its Authorization header,
        # and must not hang on ours as its context.
        if problem:
            failure = APIError(None, None, f"{_path(url)}: {problem}.", url)
            raise _Transient(failure) if transient else failure
        self._check(response, body, url)
        headers = {"Content-Type": response.headers.get("Content-Type", "application/json")}
        if self._token.occurs_in(body):
            headers[NOT_KEPT] = "1"
        return self.build_response(request, _whole(body, headers))

    def _check(self, response: requests.Response, body: bytes, url: str) -> None:
        """Let pass a whole 200 that is JSON; raise for all else."""
        status = response.status_code
        if status == 200:
            if _is_json(body):
                return
            raise _Transient(
                APIError(
                    200,
                    None,
                    f"{_path(url)}: the answer is not JSON, or was cut off "
                    f"({len(body)} bytes, {response.headers.get('Content-Type', 'of no type')}).",
                    url,
                )
            )
        if 300 <= status < 400:
            _refuse_redirect(response, url)
        code, said = _error_of(body)
        message = f"{_path(url)}: HTTP {status}" + (
            f" ({self._token.redact(said)})." if said else "."
        )
        error = APIError(status, code, f"{message} {_ADVICE.get(status, '')}".rstrip(), url)
        if status not in _TRANSIENT:
            raise error
        retry_after = _retry_after(response.headers.get("Retry-After"))
        if status == 429:
            # Everybody slows down, not only the worker that was told.
            self._pause_until = max(
                self._pause_until, time.monotonic() + (retry_after or FIRST_WAIT)
            )
        raise _Transient(error, retry_after)


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
        file = (self._folder / f"{path}.json").resolve()
        try:
            if not file.is_relative_to(self._folder):
                raise FileNotFoundError
            body = file.read_bytes()
            written = datetime.fromtimestamp(file.stat().st_mtime, UTC)
        except (FileNotFoundError, NotADirectoryError):
            message = f"/{path}: there is no file {path}.json in {self._folder}."
            raise APIError(404, None, message, url) from None
        except (OSError, ValueError) as error:
            message = f"/{path}: {file} cannot be read ({_reason(error)})."
            raise APIError(None, None, message, url) from None
        return self.build_response(request, _whole(body, {"Last-Modified": written.isoformat()}))


def _whole(body: bytes, headers: Mapping[str, str]) -> urllib3.HTTPResponse:
    """An answer that has been read, with only those headers that somebody here needs."""
    return urllib3.HTTPResponse(io.BytesIO(body), headers, status=200, preload_content=False)


class _TooLateError(OSError):
    def __init__(self) -> None:
        super().__init__(None, "it had not arrived whole when the time for this path was over")


class _TooLongError(OSError):
    def __init__(self) -> None:
        super().__init__(None, f"it is longer than {MAX_BODY} bytes")


def _read_body(raw: urllib3.HTTPResponse, deadline: float) -> bytes:
    """The whole body; a timer ends the reading at the deadline, however slowly the bytes drip."""
    late = threading.Event()

    def end() -> None:
        late.set()
        # The body may have been read to its end in the same moment.
        with contextlib.suppress(ValueError, RuntimeError, OSError):
            raw.shutdown()

    timer = threading.Timer(max(deadline - time.monotonic(), 0), end)
    timer.daemon = True
    timer.start()
    body = bytearray()
    try:
        for part in raw.stream(1 << 16, decode_content=True):
            body += part
            if len(body) > MAX_BODY:
                raise _TooLongError
    except Exception:
        raw.close()
        if late.is_set():
            raise _TooLateError from None
        raise
    finally:
        timer.cancel()
    if late.is_set():
        raise _TooLateError
    return bytes(body)


def _is_json(body: bytes) -> bool:
    """Whether a body is a whole JSON text; its meaning is the reader's matter."""
    try:
        json.loads(
            body.decode("utf-8-sig", "replace"),
            # Nothing is kept of what is read: a body of 40 MB would take ten times that.
            object_pairs_hook=len,
            parse_int=len,
            parse_float=len,
        )
    except RecursionError:
        return True
    except ValueError:
        return False
    return True


def _error_of(body: bytes) -> tuple[int | str | None, str]:
    """The API's own code and message in an error body, which may be HTML, empty or anything."""
    try:
        error = json.loads(body)["error"]
        code, message = error.get("code"), error.get("message")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None, ""
    code = code if isinstance(code, int | str) else None
    said = "".join(c if c.isprintable() else " " for c in str(message or ""))[:300]
    return code, f"{said!r}, code {code}" if code is not None else f"{said!r}"


def _retry_after(value: str | None) -> float | None:
    """The wait in seconds that a Retry-After asks for; a malformed one asks for nothing."""
    try:
        seconds = float(int(value or ""))
    except ValueError:
        try:
            moment = parsedate_to_datetime(value or "")
        except (ValueError, TypeError):
            return None
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        seconds = max((moment - datetime.now(UTC)).total_seconds(), 0)
    return seconds if seconds >= 0 else None


def _refuse_redirect(response: requests.Response, url: str) -> NoReturn:
    target = urlsplit(response.headers.get("Location", ""))
    where = f"{target.scheme}://{target.hostname}" if target.hostname else "another path"
    raise APIError(
        response.status_code,
        None,
        f"{_path(url)}: HTTP {response.status_code} leads to {where}, and k6frames follows no "
        "redirect, so that the token stays with the address you gave. Check api_url.",
        url,
    )


def _reason(error: BaseException) -> str:
    """Why a connection failed, in the operating system's words where it has some."""
    chain: list[BaseException] = [error]
    for link in chain:
        inner = [*link.args, getattr(link, "reason", None), link.__cause__, link.__context__]
        chain += [e for e in inner if isinstance(e, BaseException) and e not in chain]
    if any(isinstance(link, requests.exceptions.ReadTimeout) for link in chain) or any(
        isinstance(link, urllib3.exceptions.ReadTimeoutError) for link in chain
    ):
        return "the server was silent for too long"
    if any(isinstance(link, urllib3.exceptions.ConnectTimeoutError) for link in chain):
        return "no connection came about in time"
    said = [link.strerror for link in chain if isinstance(link, OSError) and link.strerror]
    said = [text for text in said if isinstance(text, str)]
    return f"no whole answer came ({said[-1] if said else _first_words(chain)})"


def _first_words(chain: Iterable[BaseException]) -> str:
    return " from ".join(dict.fromkeys(type(link).__name__ for link in chain))


def _path(url: str) -> str:
    return urlsplit(url).path if "://" in url else url.partition(":")[2]


def environment(url: str) -> tuple[dict[str, str], bool | str]:
    """The proxies and the CA bundle that the environment names for an address.

    A session with ``trust_env`` would also read ``~/.netrc``, which replaces the Authorization.
    """
    bundle = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    return dict(requests.utils.get_environ_proxies(url)), bundle or True
