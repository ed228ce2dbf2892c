"""What came off the wire: reading it to its end, and telling whole from broken, in words."""

from __future__ import annotations

import contextlib
import io
import json
import re
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import requests
import urllib3

from k6frames.secret import Token


class _TooLateError(OSError):
    def __init__(self) -> None:
        super().__init__(None, "it had not arrived whole when the time for this path was over")


class _TooLongError(OSError):
    def __init__(self, limit: int) -> None:
        super().__init__(None, f"the answer is longer than {limit} bytes")


def whole(body: bytes, headers: Mapping[str, str]) -> urllib3.HTTPResponse:
    """An answer that has been read, with only those headers that somebody here needs."""
    return urllib3.HTTPResponse(io.BytesIO(body), headers, status=200, preload_content=False)


def read_body(raw: urllib3.HTTPResponse, deadline: float, limit: int) -> bytes:
    """The whole body; a timer ends the reading at the deadline, however slowly the bytes drip.

    Parameters
    ----------
    raw : urllib3.HTTPResponse
        The answer, of which nothing but the headers has been read.
    deadline : float
        When to give up, on the clock of `time.monotonic`.
    limit : int
        How many bytes, after decompression, are too many.
    """
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
            if len(body) > limit:
                raise _TooLongError(limit)
    except Exception:
        raw.close()
        if late.is_set():
            raise _TooLateError from None
        raise
    finally:
        timer.cancel()
    # Where no length was announced, the timer's end of the stream looks like the server's.
    if late.is_set():
        raise _TooLateError
    return bytes(body)


def is_json(body: bytes) -> bool:
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


def clean(text: str, token: Token, length: int) -> str:
    """What a server said, as it may stand in a message: short, on one line, without the token."""
    # Redacted before it is cut, so that no half of the token is left at the end.
    return "".join(c if c.isprintable() else " " for c in token.redact(text)[:length])


def error_of(body: bytes, token: Token) -> tuple[int | str | None, str]:
    """The API's own code and message in an error body, which may be HTML, empty or anything."""
    try:
        error = json.loads(body)["error"]
        code, message = error.get("code"), error.get("message")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None, ""
    said = clean(str(message or ""), token, 300)
    if isinstance(code, str):
        code = clean(code, token, 60)
    elif not isinstance(code, int):
        return None, said
    return code, said


def retry_after(value: str | None) -> float | None:
    """The wait in seconds that a Retry-After asks for; a malformed one asks for nothing."""
    value = (value or "").strip()
    if re.fullmatch("[0-9]{1,300}", value):
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max((moment - datetime.now(UTC)).total_seconds(), 0)
    except (ValueError, TypeError, OverflowError):
        return None


def is_permanent(error: Exception) -> bool:
    """Whether another attempt would fail in the same way."""
    # requests' errors about addresses and proxies that cannot be used are ValueErrors.
    return isinstance(error, ValueError | _TooLongError) or any(
        isinstance(link, ssl.SSLCertVerificationError) for link in _links(error)
    )


def reason(error: Exception) -> str:
    """Why no answer came, in the operating system's words where it has some."""
    links = list(_links(error))

    def among(*kinds: type[BaseException]) -> bool:
        return any(isinstance(link, kinds) for link in links)

    if isinstance(error, _TooLateError | _TooLongError):
        return str(error.strerror)
    if isinstance(error, ValueError):
        return f"the address, or a proxy in the environment, cannot be used ({_names(links)})"
    if among(requests.exceptions.ReadTimeout, urllib3.exceptions.ReadTimeoutError):
        return "the server was silent for too long"
    # urllib3 makes a refused connection a kind of timeout.
    if among(urllib3.exceptions.ConnectTimeoutError) and not among(
        urllib3.exceptions.NewConnectionError
    ):
        return "no connection came about in time"
    if among(urllib3.exceptions.IncompleteRead, urllib3.exceptions.DecodeError):
        return "the answer was cut off or damaged on its way"
    said = [link.strerror for link in links if isinstance(link, OSError)]
    words = [text for text in said if isinstance(text, str) and text]
    text = f"no whole answer came ({words[-1] if words else _names(links)})"
    if among(ssl.SSLCertVerificationError):
        text += (
            "; if a proxy or your company signs connections, REQUESTS_CA_BUNDLE names its "
            "certificates"
        )
    return text


def _links(error: BaseException) -> Iterator[BaseException]:
    """An error and all that stand behind it."""
    chain = [error]
    for link in chain:
        inner = [*link.args, getattr(link, "reason", None), link.__cause__, link.__context__]
        chain += [
            e for e in inner if isinstance(e, BaseException) and not any(e is c for c in chain)
        ]
        yield link


def _names(links: list[BaseException]) -> str:
    return " from ".join(dict.fromkeys(type(link).__name__ for link in links))
