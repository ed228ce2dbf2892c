"""Responses that are truncated, malformed or not JSON."""

from __future__ import annotations

import functools
import gzip

import pytest
import servers
from faults.sandbox import NOT_RETRIED, RETRIED, Sandbox, Section
from servers import GOOD, reply

from k6frames.errors import SchemaError
from k6frames.loaders.load_tests import stack_projects_df
from k6frames.loaders.organizations import organizations_df

section = Section("Incomplete responses")


@section.fault("a body shorter or longer than its Content-Length", RETRIED)
def other_length(box: Sandbox) -> None:
    box.check_retried(servers.incomplete_body(), reply(headers={"Content-Length": 12}))


@section.fault(
    "a chunked body that is truncated, or has a malformed or negative chunk size", RETRIED
)
def truncated_chunks(box: Sandbox) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    box.check_retried(
        servers.chunked(GOOD[:20], complete=False),
        servers.chunked(GOOD, complete=False),
        servers.raw(head + b"40\r\n" + GOOD[:20]),
        servers.raw(head + b"zz\r\n" + GOOD),
        servers.raw(head + b"-1\r\n" + GOOD + b"\r\n0\r\n\r\n"),
    )


@section.fault("a body without a length that is truncated", RETRIED)
def truncated_close(box: Sandbox) -> None:
    box.check_retried(servers.close_delimited(GOOD[:-5]))


@section.fault("a gzip body that is truncated, or is not gzip", RETRIED)
def truncated_gzip(box: Sandbox) -> None:
    encoding = {"Content-Encoding": "gzip"}
    box.check_retried(
        servers.gzipped(missing=15),
        servers.close_delimited(gzip.compress(GOOD)[:-15], headers=encoding),
        reply(headers=encoding),
    )


@section.fault("status 200 with HTML, truncated JSON, or nothing", RETRIED + "; never cached")
def not_json(box: Sandbox) -> None:
    box.check_retried(reply(b"<html>Please sign in</html>"), reply(GOOD[:-1]), reply(b""))


@section.fault(
    "any number of interim responses (100, 102, 103) before the response", "they are skipped"
)
def interim(box: Sandbox) -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n"
    lines = [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 102 Processing\r\n\r\n", early]
    good = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(GOOD)
    server = box.serve(servers.raw(b"".join([*lines, *lines]) + good + GOOD))
    assert box.get(box.client(server)) == GOOD
    assert server.count(box.path) == 1


@section.fault("status 101, 204 or another one without a complete body", NOT_RETRIED)
def no_content(box: Sandbox) -> None:
    for status in (101, 204, 206):
        box.check_not_retried(reply(b"", status=status), f"HTTP {status}", status=status)


@section.fault(
    "status 200 with an error in the API's own format", "a SchemaError, never an empty frame"
)
def error_as_200(box: Sandbox) -> None:
    client = box.client(box.serve(account=lambda _: servers.error(200, "no")))
    load = {
        "v3": functools.partial(organizations_df),
        "v6": functools.partial(stack_projects_df, stack=123),
    }[box.version]
    with pytest.raises(SchemaError, match="the response is ") as caught:
        load(client=client)
    box.errors.append(caught.value)
