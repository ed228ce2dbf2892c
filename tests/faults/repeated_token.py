"""Responses that contain the token."""

from __future__ import annotations

import json

import pytest
import servers
from faults.sandbox import Sandbox, Section
from servers import GOOD, empty_reply, reply

from k6frames.errors import APIError

section = Section("The server repeats the token")


@section.fault("in an error message or code, even where they are shortened", "it is redacted")
def echo(box: Sandbox) -> None:
    error = box.check_not_retried(
        servers.error(418, f"no {box.token}", box.token), "no ***", status=418
    )
    assert error.code == "***"
    step = servers.error(418, "x" * 290 + box.token, "x" * 50 + box.token)
    box.check_not_retried(step, "x***", status=418)


@section.fault("in an error page of HTML", "the page is not shown")
def echo_page(box: Sandbox) -> None:
    body = f"<html>{box.token}</html>".encode()
    box.check_not_retried(reply(body, status=403), "HTTP 403.", status=403)


@section.fault("in a response with status 200 that is not JSON, and in its type", "it is not shown")
def echo_broken(box: Sandbox) -> None:
    step = reply(f"<p>{box.token}".encode(), headers={"Content-Type": f"text/{box.token}"})
    box.check_error(box.client(box.serve(step)), "text/***", status=200)


@section.fault("in the address of a redirect", "it is redacted, in lower case too")
def echo_redirect(box: Sandbox) -> None:
    step = servers.redirect(f"https://{box.token}.example/{box.token}?{box.token}")
    box.check_not_retried(step, "***.example", status=302)


@section.fault("in the status line and in malformed headers", "it is not logged, and not cached")
def echo_headers(box: Sandbox) -> None:
    head = f"HTTP/1.1 200 {box.token}\r\nX-One: {box.token}\r\n{box.token}\r\nX-Two: 2\r\n\r\n"
    server = box.serve(servers.raw(head.encode() + GOOD))
    assert box.get(box.client(server)) == GOOD


@section.fault("in a complete response", "the caller gets it, and it is not cached")
def echo_complete(box: Sandbox) -> None:
    body = json.dumps({"organizations": [{"id": 1, "name": box.token}]}).encode()
    server = box.serve(reply(body))
    client = box.client(server)
    assert box.get(client) == box.get(client) == body
    assert server.count(box.path) == 2


@section.fault("in a complete response, while another request fails", "the error shows no response")
def echo_and_failure(box: Sandbox) -> None:
    server = box.serve(script={"/a": [reply(f'"{box.token}"'.encode())], "/b": [empty_reply(403)]})
    with pytest.raises(APIError, match="HTTP 403") as caught:
        box.client(server, max_workers=1).fetch(map(box.request, ["/a", "/b"]))
    box.errors.append(caught.value)
