"""Whether a response is complete JSON, what an error response says, and why none was received."""

from __future__ import annotations

import codecs
import io
import math
import re
import ssl
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field

import msgspec
import requests
import urllib3

from k6frames.api.token import Token

MAX_BODY_BYTES = 256 * 2**20
"""The largest body that is read, in bytes after decompression."""
MAX_MESSAGE_LENGTH = 300
MAX_CODE_LENGTH = 60


class BodyTooLargeError(OSError):
    """The body is longer than `MAX_BODY_BYTES`."""


@dataclass(frozen=True)
class Body:
    """The body of a response, which no traceback with locals shows: it may repeat the token."""

    content: bytes = field(repr=False)


class CompleteResponse(urllib3.HTTPResponse):
    """A response whose body has been read."""

    def stream(
        self,
        amt: int | None = None,  # noqa: ARG002
        decode_content: bool | None = None,
    ) -> Generator[bytes, None, None]:
        """Yield the body in one piece: requests would take it in a hundred."""
        yield self.read(decode_content=decode_content)


def make_response(body: bytes, headers: Mapping[str, str]) -> CompleteResponse:
    """Return a response with status 200 whose body has been read."""
    return CompleteResponse(io.BytesIO(body), headers, status=200, preload_content=False)


def read_body(raw: urllib3.HTTPResponse) -> Body:
    """Read and decompress a body up to its end."""
    content = bytearray()
    try:
        for chunk in raw.stream(1 << 16, decode_content=True):
            content += chunk
            if len(content) > MAX_BODY_BYTES:
                raise BodyTooLargeError(
                    None, f"the response is longer than {MAX_BODY_BYTES:,} bytes"
                )
    except Exception:
        raw.close()
        raise
    return Body(bytes(content))


def is_json(body: bytes) -> bool:
    """Return whether a body is a complete JSON text; the parser checks what is in it."""
    try:
        msgspec.json.decode(body.removeprefix(codecs.BOM_UTF8), type=msgspec.Raw)
    except RecursionError:
        return True  # the parser reports it
    except msgspec.DecodeError:
        return False
    return True


def printable(text: str, token: Token, length: int) -> str:
    """Return what a server sent as it may be shown: short, on one line, without the token."""
    # Redacted before it is shortened, so that no half of the token is left at the end.
    return "".join(c if c.isprintable() else " " for c in token.redact(text)[:length])


class _Error(msgspec.Struct):
    # Not decoded together: one that is malformed should not cost the other.
    code: msgspec.Raw = msgspec.Raw(b"null")
    message: msgspec.Raw = msgspec.Raw(b"null")


class _ErrorBody(msgspec.Struct):
    error: _Error | str  # a string in the form of Prometheus, which v5 follows


def parse_error(body: bytes, token: Token) -> tuple[int | str | None, str]:
    """Return the API's code and message in an error body, which may be HTML, empty or anything."""
    try:
        error = msgspec.json.decode(body.removeprefix(codecs.BOM_UTF8), type=_ErrorBody).error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None, ""
    if isinstance(error, str):
        return None, printable(error, token, MAX_MESSAGE_LENGTH)
    text = printable(_text_of(error.message), token, MAX_MESSAGE_LENGTH)
    if re.fullmatch(rb"-?[0-9]{1,18}", error.code):
        return int(bytes(error.code)), text
    return printable(_text_of(error.code), token, MAX_CODE_LENGTH) or None, text


def _text_of(value: msgspec.Raw) -> str:
    """Return a JSON string's text, nothing for null, and the JSON itself of any other value."""
    try:
        return msgspec.json.decode(value, type=str | None) or ""
    except (msgspec.DecodeError, UnicodeDecodeError):
        return bytes(value).decode(errors="replace")


def parse_retry_after(value: str | None) -> float | None:
    """Return the seconds that a Retry-After header asks for; None if it is missing or malformed."""
    retry = urllib3.Retry()
    # Newer versions would return six hours for any longer time.
    retry.retry_after_max = math.inf  # type: ignore[assignment]
    try:
        return float(retry.parse_retry_after(value)) if value else None
    except (urllib3.exceptions.InvalidHeader, ValueError, OverflowError):
        return None


def is_permanent(error: Exception) -> bool:
    """Return whether the request would fail again in the same way."""
    if isinstance(error, BodyTooLargeError):
        return True
    unusable = requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema
    return isinstance(error, unusable) or any(
        isinstance(cause, ssl.SSLCertVerificationError | urllib3.exceptions.LocationParseError)
        for cause in _causes(error)
    )


def describe_failure(error: Exception) -> str:
    """Say why no complete response was received, in the operating system's words if it has some."""
    causes = list(_causes(error))

    def has(*kinds: type[BaseException]) -> bool:
        return any(isinstance(cause, kinds) for cause in causes)

    names = " from ".join(dict.fromkeys(type(cause).__name__ for cause in causes))
    if isinstance(error, BodyTooLargeError):
        return str(error.strerror)
    if is_permanent(error) and not has(ssl.SSLCertVerificationError):
        return f"the address, or a proxy of the environment, cannot be used ({names})"
    if has(requests.exceptions.ReadTimeout, urllib3.exceptions.ReadTimeoutError):
        return "the server sent nothing before the read timeout"
    # In urllib3 a refused connection is a kind of timeout.
    if has(urllib3.exceptions.ConnectTimeoutError) and not has(
        urllib3.exceptions.NewConnectionError
    ):
        return "the connection timed out"
    if has(urllib3.exceptions.IncompleteRead, urllib3.exceptions.DecodeError):
        return "the response was truncated or damaged"
    system = [cause.strerror for cause in causes if isinstance(cause, OSError)]
    words = [text for text in system if isinstance(text, str) and text]
    text = f"no complete response was received ({words[-1] if words else names})"
    refused = re.search(r"Tunnel connection failed: (\d{3})", str(error))
    if refused:
        text = f"the proxy refused the connection (HTTP {refused[1]})"
    if has(ssl.SSLCertVerificationError):
        text += (
            "; if a proxy or your company signs connections, set REQUESTS_CA_BUNDLE to its "
            "certificates"
        )
    return text


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and every error that it was raised from."""
    chain = [error]
    for link in chain:
        inner = [*link.args, getattr(link, "reason", None), link.__cause__, link.__context__]
        chain += [
            e for e in inner if isinstance(e, BaseException) and not any(e is c for c in chain)
        ]
        yield link
