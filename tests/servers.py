"""Servers on 127.0.0.1 that respond as badly as a test wants, over real sockets.

A *step* is a function that is called with the connection when a request has been read, and writes
what it likes. It returns True to keep the connection open for the next request.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

LIST = "/v3/organizations"
GOOD = b'{"organizations": [{"id": 5, "name": "Five"}]}'


@dataclass
class ReceivedRequest:
    path: str
    headers: dict[str, str]
    time: float


@dataclass
class Connection:
    """A connection of a client."""

    socket: socket.socket
    server_closing: threading.Event

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def wait(self, seconds: float = 3600) -> None:
        """Wait, or raise an error as soon as the server closes."""
        if self.server_closing.wait(seconds):
            raise ConnectionAbortedError


Step = Callable[[Connection], "bool | None"]


@dataclass
class RawServer:
    """A TCP server with a list of steps for each path; the last step of a list is repeated.

    `account` makes the step for all other paths; without it they are not found. `handshake` is what
    happens in place of a TLS handshake.
    """

    script: Mapping[str, Sequence[Step]] = field(default_factory=dict)
    account: Callable[[str], Step] | None = None
    tls: ssl.SSLContext | None = None
    handshake: Step | None = None
    port: int = 0

    def __post_init__(self) -> None:
        self.requests: list[ReceivedRequest] = []
        self.most_concurrent = 0
        self.connections = 0
        self._concurrent = 0
        self._counts: dict[str, int] = {}
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=200)
        self.port = self._listener.getsockname()[1]
        scheme = "https" if self.tls or self.handshake else "http"
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._closing.set()
        with contextlib.suppress(OSError):
            # Wakes the thread that accepts.
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def count(self, path: str = LIST) -> int:
        """How often a path was requested."""
        return sum(request.path == path for request in list(self.requests))

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, accepted: socket.socket) -> None:
        with contextlib.suppress(OSError):
            if self.tls:
                accepted = self.tls.wrap_socket(accepted, server_side=True)
        with accepted, contextlib.suppress(OSError, ValueError):
            connection = Connection(accepted, self._closing)
            if self.handshake:
                self.handshake(connection)
            else:
                while self._respond(connection):
                    pass

    def _respond(self, connection: Connection) -> bool:
        head = b""
        while b"\r\n\r\n" not in head:
            part = connection.socket.recv(65536)
            if not part:
                return False
            head += part
        first, *rest = head.decode("latin-1").split("\r\n\r\n")[0].split("\r\n")
        path = first.split(" ")[1]
        headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in rest)}
        with self._lock:
            self.requests.append(ReceivedRequest(path, headers, time.monotonic()))
            earlier = self._counts.get(path, 0)
            self._counts[path] = earlier + 1
            self._concurrent += 1
            self.most_concurrent = max(self.most_concurrent, self._concurrent)
        try:
            steps = self.script.get(path)
            if steps:
                step = steps[min(earlier, len(steps) - 1)]
            else:
                step = self.account(path) if self.account else reply(b"", status=404)
            return bool(step(connection))
        finally:
            with self._lock:
                self._concurrent -= 1


# --- steps --------------------------------------------------------------------------------------


def _head(status: int = 200, headers: Mapping[str, object] | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status} Reason", *(f"{k}: {v}" for k, v in (headers or {}).items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def reply(
    body: bytes = GOOD,
    *,
    status: int = 200,
    headers: Mapping[str, object] | None = None,
    keep_alive: bool = False,
    delay: float = 0,
) -> Step:
    """A complete response."""
    fixed = {"Content-Length": len(body), "Content-Type": "application/json"}
    if not keep_alive:
        fixed["Connection"] = "close"

    def step(connection: Connection) -> bool:
        if delay:
            connection.wait(delay)
        connection.send(_head(status, {**fixed, **(headers or {})}) + body)
        return keep_alive

    return step


def raw(*parts: bytes | float) -> Step:
    """These bytes, with a pause for each number of seconds; then the connection is closed."""

    def step(connection: Connection) -> None:
        for part in parts:
            if isinstance(part, bytes):
                connection.send(part)
            else:
                connection.wait(part)

    return step


def incomplete_body(body: bytes = GOOD, *, missing: int = 10) -> Step:
    """Fewer bytes than Content-Length promises."""
    return raw(_head(200, {"Content-Length": len(body)}) + body[:-missing])


def close_delimited(body: bytes = GOOD, *, headers: Mapping[str, object] | None = None) -> Step:
    """A body that ends where the connection does, so a truncated one looks complete."""
    return raw(_head(200, {"Connection": "close", **(headers or {})}) + body)


def chunked(
    *parts: bytes, complete: bool = True, headers: Mapping[str, object] | None = None
) -> Step:
    """A chunked body, without its last chunk unless it is complete."""
    text = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
    end = b"0\r\n\r\n" if complete else b""
    return raw(_head(200, {"Transfer-Encoding": "chunked", **(headers or {})}) + text + end)


def gzipped(body: bytes = GOOD, *, missing: int = 0) -> Step:
    """A gzip body, truncated if bytes are missing, with the Content-Length of what is sent."""
    packed = gzip.compress(body)
    packed = packed[: len(packed) - missing]
    return reply(packed, headers={"Content-Encoding": "gzip"})


def endless(start: bytes, piece: Callable[[int], bytes], *, pause: float = 0.02) -> Step:
    """These bytes, then one piece after each pause, endlessly."""

    def step(connection: Connection) -> None:
        connection.send(start)
        number = 0
        while True:
            connection.send(piece(number))
            connection.wait(pause)
            number += 1

    return step


def endless_body(headers: Mapping[str, object], piece: Callable[[int], bytes]) -> Step:
    """A response whose body arrives in small pieces and never ends."""
    return endless(_head(200, headers), piece)


def silence(connection: Connection) -> None:
    """Nothing, for as long as the server lives."""
    connection.wait()


def hang_up(connection: Connection) -> None:
    """The end of the connection in place of a response."""


def reset(connection: Connection) -> None:
    """A connection that is reset, as by a firewall."""
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def empty_reply(status: int, retry_after: object = None, *, delay: float = 0) -> Step:
    """A response without a body that may ask the client to retry later."""
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return reply(b"", status=status, headers=headers, delay=delay)


def redirect(location: str, status: int = 302) -> Step:
    return reply(b"", status=status, headers={"Location": location})


def error(status: int, message: object = "Not found", code: object = 3) -> Step:
    """An error in the API's own format."""
    return reply(json.dumps({"error": {"message": message, "code": code}}).encode(), status=status)


# --- an account ---------------------------------------------------------------------------------


def echo(path: str) -> Step:
    """A response that repeats its path."""
    return reply(json.dumps({"path": path}).encode(), keep_alive=True)


def account(
    organizations: Mapping[int, Sequence[Mapping[str, Any]]], *, latency: float = 0
) -> Callable[[str], Step]:
    """The responses of an account: the projects of each organization by its ID."""
    listed = [{"id": org_id, "name": f"Organization {org_id}"} for org_id in organizations]

    def respond(path: str) -> Step:
        match path.strip("/").split("/"):
            case ["v3", "organizations"]:
                found: object = {"organizations": listed}
            case ["v3", "organizations", org_id] if int(org_id) in organizations:
                found = {"organization": next(o for o in listed if o["id"] == int(org_id))}
            case ["v3", "organizations", org_id, "projects"] if int(org_id) in organizations:
                found = {"projects": list(organizations[int(org_id)])}
            case _:
                return error(404)
        return reply(json.dumps(found).encode(), delay=latency, keep_alive=True)

    return respond


def some_account(count: int = 5) -> dict[int, list[dict[str, Any]]]:
    """`count` organizations; organization n has n % 3 projects."""
    return {
        org_id: [
            {"id": 1000 * org_id + k, "name": f"P{org_id}.{k}", "organization_id": org_id}
            for k in range(org_id % 3)
        ]
        for org_id in range(1, count + 1)
    }


def wait_until(condition: Callable[[], object], *, within: float = 30) -> None:
    """Wait for something that another thread or process does."""
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)
