"""Faults of the connection: hosts, ports, sockets and DNS."""

from __future__ import annotations

import socket
import threading
from contextlib import ExitStack
from typing import Any

import pytest
import servers
from faults.sandbox import BUDGET, LONG, NOT_RETRIED, RETRIED, TIMES_OUT, Sandbox, Section, threads
from servers import GOOD, reply

from k6frames.api import retry_adapter

section = Section("The connection")


@section.fault(
    "no server listens on the port", "retried within the budget, then an error names the host"
)
def refused(box: Sandbox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    error = box.check_error(
        box.client(f"http://127.0.0.1:{port}"), "Connection refused). Tried 6 times"
    )
    assert f"whether 127.0.0.1:{port} is the right host" in str(error)


@section.fault("the server starts while the request is retried", RETRIED)
def starting(box: Sandbox) -> None:
    box.patch.setattr(retry_adapter, "FIRST_WAIT_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    start = threading.Timer(0.1, lambda: box.serve(reply(), port=port))
    start.start()
    assert box.get(box.client(f"http://127.0.0.1:{port}")) == GOOD
    start.join()


@section.fault("the connection is reset, or closed without a response", RETRIED)
def reset(box: Sandbox) -> None:
    box.check_retried(servers.reset, servers.hang_up)


@section.fault("the server has closed an idle keep-alive connection", RETRIED)
def idle(box: Sandbox) -> None:
    server = box.serve(reply(keep_alive=True), servers.hang_up, reply())
    client = box.client(server, cache=False)
    assert box.get(client) == box.get(client) == GOOD
    assert server.connections == 2


@section.fault("what listens on the port does not speak HTTP, and repeats the token", RETRIED)
def no_http(box: Sandbox) -> None:
    box.check_retried(
        servers.raw(f"ERR {box.token}\r\n".encode()), servers.raw(b"SSH-2.0-Open\r\n")
    )
    server = box.serve(servers.raw(f"ERR {box.token}\r\n".encode()))
    box.check_error(box.client(server), "no complete response was received")


@section.fault("nobody accepts the connection", TIMES_OUT)
def not_accepted(box: Sandbox) -> None:
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):  # more than its queue has room for
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        box.check_error(box.client(url, budget=BUDGET), "the connection timed out")


@section.fault(
    "the DNS lookup of the host hangs",
    "an error when the budget is over; the thread ends with the lookup",
)
def slow_lookup(box: Sandbox) -> None:
    returned = threading.Event()

    def look_up(*_: Any, **__: Any) -> None:
        returned.wait(LONG)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", look_up)
        box.check_error(box.client("https://k6.invalid", budget=BUDGET), "the budget")
        # The thread is free again when the system is done.
        returned.set()
        servers.wait_until(lambda: not threads())


@section.fault("a host name that no request can be sent to", NOT_RETRIED)
def bad_host(box: Sandbox) -> None:
    box.check_error(box.client("https://a..b"), "cannot be used")


@section.fault("`~/.netrc` has another login for the host", "it is not read: the token is sent")
def netrc(box: Sandbox) -> None:
    (box.folder / "netrc").write_text("machine 127.0.0.1 login a password b\n")
    box.patch.setenv("NETRC", str(box.folder / "netrc"))
    server = box.serve(reply())
    box.get(box.client(server))
    scheme, stack = {"v3": ("token", None), "v6": ("Bearer", "123")}[box.version]
    headers = server.requests[0].headers
    assert headers["authorization"] == f"{scheme} {box.token}"
    assert headers.get("x-stack-id") == stack
