"""Responses that never end, and those that are too large."""

from __future__ import annotations

import gzip
import random
import tracemalloc

import servers
from faults.sandbox import LONG, NOT_RETRIED, TIMES_OUT, Sandbox, Section
from servers import reply

from k6frames.api import responses

section = Section("Time and size")


@section.fault("a server that stays silent, before the headers or after them", TIMES_OUT)
def silence(box: Sandbox) -> None:
    after_headers = servers.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", float(LONG))
    box.check_timeouts(servers.silence, after_headers)


@section.fault("endless interim responses, slow or fast", TIMES_OUT)
def endless_interim(box: Sandbox) -> None:
    box.check_timeouts(
        servers.endless(b"", lambda _: b"HTTP/1.1 100 Continue\r\n\r\n"),
        servers.endless(b"", lambda _: b"HTTP/1.1 100 Continue\r\n\r\n" * 99, pause=0.001),
        servers.endless(b"", lambda _: b"HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n"),
    )


@section.fault("a status line or headers that arrive byte by byte", TIMES_OUT)
def slow_headers(box: Sandbox) -> None:
    box.check_timeouts(
        servers.endless(b"HTTP/1.1 2", lambda _: b"0"),
        servers.endless(b"HTTP/1.1 200 OK\r\nX-Slow: ", lambda _: b"x"),
        servers.endless(b"HTTP/1.1 200 OK\r\n", lambda n: b"X-%d: x\r\n" % n),
    )


@section.fault(
    "a body in any encoding that arrives byte by byte, whether or not the connection is kept open",
    TIMES_OUT,
)
def slow_body(box: Sandbox) -> None:
    sized: dict[str, object] = {"Content-Length": 10**6}
    in_chunks = {"Transfer-Encoding": "chunked"}
    close, packed = {"Connection": "close"}, {"Content-Encoding": "gzip"}
    noise = gzip.compress(random.Random(1).randbytes(9999))
    empty = b"14\r\n" + gzip.compress(b"") + b"\r\n"
    box.check_timeouts(
        servers.endless_body(sized, lambda _: b" "),
        servers.endless_body(sized | close, lambda _: b" "),
        servers.endless_body(close, lambda _: b" "),
        servers.endless_body(in_chunks, lambda _: b"1\r\n \r\n"),
        servers.endless_body(in_chunks | close, lambda _: b"0"),
        servers.endless_body(sized | packed, lambda n: noise[n : n + 1]),
        servers.endless_body(in_chunks | packed, lambda _: empty),
    )


@section.fault("a body above the size limit", NOT_RETRIED + "; it names the limit")
def huge(box: Sandbox) -> None:
    box.patch.setattr(responses, "MAX_BODY_BYTES", 2000)
    for step in (
        reply(b" " * 5000),
        servers.chunked(*[b" " * 500] * 10),
        servers.close_delimited(b" " * 5000),
    ):
        box.check_not_retried(step, "longer than 2,000 bytes")


@section.fault(
    "a small gzip body that unpacks to one above the limit",
    NOT_RETRIED + "; it takes little memory",
)
def gzip_bomb(box: Sandbox) -> None:
    box.patch.setattr(responses, "MAX_BODY_BYTES", 10**6)
    packed = gzip.compress(b" " * 3 * 10**7)
    step = reply(packed, headers={"Content-Encoding": "gzip"})
    tracemalloc.start()
    try:
        box.check_not_retried(step, "longer than 1,000,000 bytes")
        assert tracemalloc.get_traced_memory()[1] < 10**7
    finally:
        tracemalloc.stop()
