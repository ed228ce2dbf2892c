"""Faults of certificates, TLS handshakes and proxies."""

from __future__ import annotations

import os

import pytest
import servers
from faults.sandbox import BUDGET, NOT_RETRIED, TIMES_OUT, V3, Sandbox, Section
from servers import reply

from k6frames.errors import ConfigError

section = Section("TLS and proxies")


@section.fault("a proxy in the environment that cannot be used", NOT_RETRIED)
def bad_proxy(box: Sandbox) -> None:
    box.patch.setenv("HTTP_PROXY", "http://")
    box.check_error(box.client(box.serve(reply())), "a proxy from the environment")


@section.fault("the proxy's response to CONNECT never ends", TIMES_OUT)
def proxy_drips(box: Sandbox) -> None:
    start = b"HTTP/1.1 200 OK\r\nX-Slow: "
    proxy = box.serve(script={"k6.invalid:443": [servers.endless(start, lambda _: b"x")]})
    box.patch.setenv("HTTPS_PROXY", proxy.url)
    box.check_error(box.client("https://k6.invalid", budget=BUDGET), "the budget")
    assert "authorization" not in proxy.requests[0].headers


@section.fault("the proxy refuses CONNECT", "an error with the proxy's status")
def proxy_refuses(box: Sandbox) -> None:
    refusal = f"HTTP/1.1 407 \x1b[2J{box.token}\r\n\r\n".encode()
    proxy = box.serve(script={"k6.invalid:443": [servers.raw(refusal)]})
    box.patch.setenv("HTTPS_PROXY", proxy.url)
    box.check_error(
        box.client("https://k6.invalid"), "the proxy refused the connection (HTTP 407)."
    )


@section.fault("the certificate bundle has no certificates", "an immediate error that names it")
def no_certificates(box: Sandbox) -> None:
    box.patch.setenv("REQUESTS_CA_BUNDLE", os.devnull)
    with pytest.raises(
        ConfigError, match=r"'/dev/null', which REQUESTS_CA_BUNDLE .* cannot be read"
    ):
        box.get(box.client(box.serve_tls(reply())))


@section.fault("the server's certificate is not trusted", NOT_RETRIED + "; the token is not sent")
def certificate(box: Sandbox) -> None:
    server = box.serve_tls(reply())
    box.check_error(box.client(server), "REQUESTS_CA_BUNDLE")
    assert (server.connections, server.requests) == (1, [])


@section.fault("the TLS handshake never ends", TIMES_OUT)
def handshake_drips(box: Sandbox) -> None:
    # The start of a long record.
    server = box.serve(handshake=servers.endless(b"\x16\x03\x03\x40\x00", lambda _: b"\x02"))
    box.check_error(box.client(server, budget=BUDGET), "budget")


@section.fault("headers or a body over TLS that never end", TIMES_OUT, versions=V3)
def slow_tls(box: Sandbox) -> None:
    box.trust_certificate()
    close = {"Connection": "close"}
    for step in (
        servers.endless(b"HTTP/1.1 200 OK\r\nX-Slow: ", lambda _: b"x"),
        servers.endless_body(close, lambda _: b" "),
    ):
        box.check_error(box.client(box.serve_tls(step), budget=BUDGET), "budget")
