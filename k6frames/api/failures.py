"""What went wrong with a request: the error in a response, or why there was no response."""

from __future__ import annotations

import codecs
import math
import re
import ssl
from collections import deque
from collections.abc import Iterable

import msgspec
import requests
import urllib3

from k6frames.api.responses import BodyTooLargeError
from k6frames.api.token import Token

MAX_MESSAGE_LENGTH = 300
MAX_CODE_LENGTH = 60


# --- error responses ----------------------------------------------------------------------------


def safe_excerpt(text: str, token: Token, length: int) -> str:
    """Return the part of a server's text that is safe to show: one short line without the token."""
    # Redacted before it is shortened, so that no part of the token is left at the end.
    return "".join(c if c.isprintable() else " " for c in token.redact(text)[:length])


class _Error(msgspec.Struct):
    # Decoded separately: if one is malformed, the other can still be read.
    code: msgspec.Raw = msgspec.Raw(b"null")
    message: msgspec.Raw = msgspec.Raw(b"null")


class _ErrorBody(msgspec.Struct):
    error: _Error | str  # a string in Prometheus's format, which v5 uses


def parse_error(body: bytes, token: Token) -> tuple[int | str | None, str]:
    """Return the API's code and message in an error body; the body may also be HTML or empty."""
    try:
        error = msgspec.json.decode(body.removeprefix(codecs.BOM_UTF8), type=_ErrorBody).error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None, ""
    if isinstance(error, str):
        return None, safe_excerpt(error, token, MAX_MESSAGE_LENGTH)
    text = safe_excerpt(_raw_text(error.message), token, MAX_MESSAGE_LENGTH)
    if re.fullmatch(rb"-?[0-9]{1,18}", error.code):
        return int(bytes(error.code)), text
    return safe_excerpt(_raw_text(error.code), token, MAX_CODE_LENGTH) or None, text


def _raw_text(value: msgspec.Raw) -> str:
    """Return the text of a JSON string, "" for null, and the JSON of any other value."""
    try:
        return msgspec.json.decode(value, type=str | None) or ""
    except (msgspec.DecodeError, UnicodeDecodeError):
        return bytes(value).decode(errors="replace")


def describe_error_response(status: int, code: int | str | None, message: str) -> str:
    """Return the status of an error response, and the API's message and code if there are any."""
    details = [repr(message)] if message else []
    if code is not None:
        details.append(f"code {code}")
    return f"HTTP {status} ({', '.join(details)})" if details else f"HTTP {status}"


def parse_retry_after(value: str | None) -> float | None:
    """Return the seconds that a Retry-After header asks for; None if it is missing or malformed."""
    retry = urllib3.Retry()
    # Newer versions of urllib3 limit the time to six hours.
    retry.retry_after_max = math.inf  # type: ignore[assignment]
    try:
        return float(retry.parse_retry_after(value)) if value else None
    except (urllib3.exceptions.InvalidHeader, ValueError, OverflowError):
        return None


# --- no complete response -----------------------------------------------------------------------

_UNUSABLE_ADDRESS = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    urllib3.exceptions.LocationParseError,
)


def is_permanent(error: Exception) -> bool:
    """Return whether the request would fail again in the same way."""
    causes = _causes(error)
    return _has(causes, BodyTooLargeError, ssl.SSLCertVerificationError, *_UNUSABLE_ADDRESS)


def describe_failure(error: Exception) -> str:
    """Return why no complete response was received, if possible in the operating system's words."""
    causes = _causes(error)
    names = " from ".join(dict.fromkeys(type(cause).__name__ for cause in causes))
    if isinstance(error, BodyTooLargeError):
        return str(error.strerror)
    if _has(causes, *_UNUSABLE_ADDRESS):
        return f"the address, or a proxy from the environment, cannot be used ({names})"
    if _has(causes, requests.ReadTimeout, urllib3.exceptions.ReadTimeoutError):
        return "the server sent nothing before the read timeout"
    if _has(causes, urllib3.exceptions.IncompleteRead, urllib3.exceptions.DecodeError):
        return "the response was truncated or damaged"
    if _connection_timed_out(causes):
        return "the connection timed out"
    return _describe_connection_error(error, _system_message(causes) or names)


def _describe_connection_error(error: Exception, details: str) -> str:
    refused = re.search(r"Tunnel connection failed: (\d{3})", str(error))
    if refused:
        return f"the proxy refused the connection (HTTP {refused[1]})"
    text = f"no complete response was received ({details})"
    if _has(_causes(error), ssl.SSLCertVerificationError):
        text += (
            "; if a proxy inspects TLS connections, set REQUESTS_CA_BUNDLE to the file of its CA "
            "certificates"
        )
    return text


def _has(causes: Iterable[BaseException], *kinds: type[BaseException]) -> bool:
    return any(isinstance(cause, kinds) for cause in causes)


def _connection_timed_out(causes: Iterable[BaseException]) -> bool:
    # NewConnectionError, for a refused connection, is a subclass of ConnectTimeoutError.
    return any(
        isinstance(cause, urllib3.exceptions.ConnectTimeoutError)
        and not isinstance(cause, urllib3.exceptions.NewConnectionError)
        for cause in causes
    )


def _system_message(causes: Iterable[BaseException]) -> str:
    """Return the operating system's message of the innermost error that has one."""
    messages = [cause.strerror for cause in causes if isinstance(cause, OSError)]
    return next((text for text in reversed(messages) if isinstance(text, str) and text), "")


def _causes(error: BaseException) -> list[BaseException]:
    """Return an error and every error that it was raised from or contains, the outermost first."""
    causes: list[BaseException] = []
    queue = deque([error])
    while queue:
        cause = queue.popleft()
        if any(cause is known for known in causes):
            continue
        causes.append(cause)
        inner = [*cause.args, getattr(cause, "reason", None), cause.__cause__, cause.__context__]
        queue.extend(e for e in inner if isinstance(e, BaseException))
    return causes
