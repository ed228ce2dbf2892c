"""Bodies of responses: reading them to the end, and checking that they are complete JSON."""

from __future__ import annotations

import codecs
import io
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field

import msgspec
import urllib3

MAX_BODY_BYTES = 256 * 2**20
"""The largest body that is read, in bytes after decompression."""


class BodyTooLargeError(OSError):
    """The body is longer than `MAX_BODY_BYTES`."""


@dataclass(frozen=True)
class Body:
    """The body of a response. Its repr hides the content, which may include the token."""

    content: bytes = field(repr=False)


class CompleteResponse(urllib3.HTTPResponse):
    """A response whose body has been read."""

    def stream(
        self,
        amt: int | None = None,  # noqa: ARG002
        decode_content: bool | None = None,
    ) -> Generator[bytes, None, None]:
        """Yield the body in one piece. The library requests would ask for chunks of 10 KB."""
        yield self.read(decode_content=decode_content)


def make_response(body: bytes, headers: Mapping[str, str]) -> CompleteResponse:
    """Return a response with status 200 whose body has been read."""
    return CompleteResponse(io.BytesIO(body), headers, status=200, preload_content=False)


def read_body(raw: urllib3.HTTPResponse) -> Body:
    """Read and decompress a body to its end."""
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
    """Return whether a body is complete JSON; the parser checks its content."""
    try:
        msgspec.json.decode(body.removeprefix(codecs.BOM_UTF8), type=msgspec.Raw)
    except RecursionError:
        return True  # the parser reports it
    except msgspec.DecodeError:
        return False
    return True
