"""Servers on 127.0.0.1 that answer as badly as a test asks them to, over a real socket.

A *step* is a function that gets the connection after a request was read, and writes what it likes.
It gives True where the connection is to be kept open for the next request.
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
class Request:
    path: str
    headers: dict[str, str]
    at: float


@dataclass
class Line:
    """One connection, and the way to wait on it without outliving the server."""

    socket: socket.socket
    closing: threading.Event

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def wait(self, seconds: float = 3600) -> None:
        if self.closing.wait(seconds):
            raise ConnectionAbortedError


Step = Callable[[Line], "bool | None"]


@dataclass
class Raw:
    """A TCP server with a list of steps for each path; the last step of a list repeats.

    `account` answers all paths that have no steps; without one they are a 404.
    """

    script: Mapping[str, Sequence[Step]] = field(default_factory=dict)
    account: Callable[[str], Step] | None = None
    tls: ssl.SSLContext | None = None

    def __post_init__(self) -> None:
        self.requests: list[Request] = []
        self.most_at_once = 0
        self.connections = 0
        self._at_once = 0
        self._asked: dict[str, int] = {}
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=200)
        scheme = "https" if self.tls else "http"
        self.port = self._listener.getsockname()[1]
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
        """How often a path was asked for."""
        return sum(request.path == path for request in list(self.requests))

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
        with connection, contextlib.suppress(OSError, ValueError):
            line = Line(connection, self._closing)
            while self._answer(line):
                pass

    def _answer(self, line: Line) -> bool:
        head = b""
        while b"\r\n\r\n" not in head:
            part = line.socket.recv(65536)
            if not part:
                return False
            head += part
        first, *rest = head.decode("latin-1").split("\r\n\r\n")[0].split("\r\n")
        path = first.split(" ")[1]
        headers = {k.lower(): v for k, v in (text.split(": ", 1) for text in rest)}
        with self._lock:
            self.requests.append(Request(path, headers, time.monotonic()))
            turn = self._asked.get(path, 0)
            self._asked[path] = turn + 1
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            steps = self.script.get(path)
            if steps:
                step = steps[min(turn, len(steps) - 1)]
            else:
                step = self.account(path) if self.account else reply(b"", status=404)
            return bool(step(line))
        finally:
            with self._lock:
                self._at_once -= 1


# --- steps --------------------------------------------------------------------------------------


def _head(status: int = 200, headers: Mapping[str, object] | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status} Said", *(f"{k}: {v}" for k, v in (headers or {}).items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def reply(
    body: bytes = GOOD,
    *,
    status: int = 200,
    headers: Mapping[str, object] | None = None,
    keep: bool = False,
    after: float = 0,
) -> Step:
    """A whole answer."""
    fixed = {"Content-Length": len(body), "Content-Type": "application/json"}
    if not keep:
        fixed["Connection"] = "close"

    def step(line: Line) -> bool:
        if after:
            line.wait(after)
        line.send(_head(status, {**fixed, **(headers or {})}) + body)
        return keep

    return step


def raw(*parts: bytes | float) -> Step:
    """These bytes, with pauses of so many seconds between them, then the end."""

    def step(line: Line) -> None:
        for part in parts:
            if isinstance(part, bytes):
                line.send(part)
            else:
                line.wait(part)

    return step


def too_short(body: bytes = GOOD, *, missing: int = 10) -> Step:
    """Fewer bytes than Content-Length says."""
    return raw(_head(200, {"Content-Length": len(body)}) + body[:-missing])


def close_delimited(body: bytes = GOOD, *, headers: Mapping[str, object] | None = None) -> Step:
    """A body that ends where the connection does, so that nothing tells a cut from the end."""
    return raw(_head(200, {"Connection": "close", **(headers or {})}) + body)


def chunks(*parts: bytes, whole: bool = True, headers: Mapping[str, object] | None = None) -> Step:
    """A chunked body, without its last chunk unless it is whole."""
    text = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
    end = b"0\r\n\r\n" if whole else b""
    return raw(_head(200, {"Transfer-Encoding": "chunked", **(headers or {})}) + text + end)


def zipped(body: bytes = GOOD, *, missing: int = 0) -> Step:
    """A gzip body, cut where bytes are missing, with the Content-Length of what is sent."""
    packed = gzip.compress(body)
    packed = packed[: len(packed) - missing]
    return reply(packed, headers={"Content-Encoding": "gzip"})


def drip(head: Mapping[str, object], piece: Callable[[int], bytes], *, pause: float = 0.05) -> Step:
    """A body whose pieces never end, one after each pause."""

    def step(line: Line) -> None:
        line.send(_head(200, head))
        turn = 0
        while True:
            line.send(piece(turn))
            line.wait(pause)
            turn += 1

    return step


def silence(line: Line) -> None:
    """Nothing, for as long as the server lives."""
    line.wait()


def hang_up(line: Line) -> None:
    """The end of the connection in the place of an answer."""


def reset(line: Line) -> None:
    """A connection that is reset, as by a firewall."""
    line.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def busy(status: int = 429, retry_after: object = None, body: bytes = b"") -> Step:
    """An answer that says: not now."""
    return reply(
        body, status=status, headers={} if retry_after is None else {"Retry-After": retry_after}
    )


def redirect(to: str, status: int = 302) -> Step:
    return reply(b"", status=status, headers={"Location": to})


# --- an account ---------------------------------------------------------------------------------


def account(
    organizations: Mapping[int, Sequence[Mapping[str, Any]]], *, latency: float = 0
) -> Callable[[str], Step]:
    """Answers of an account: the projects of each organization by its id."""
    listed = [{"id": number, "name": f"Organization {number}"} for number in organizations]

    def answer(path: str) -> Step:
        match path.strip("/").split("/"):
            case ["v3", "organizations"]:
                found: object = {"organizations": listed}
            case ["v3", "organizations", number] if int(number) in organizations:
                found = {"organization": next(o for o in listed if o["id"] == int(number))}
            case ["v3", "organizations", number, "projects"] if int(number) in organizations:
                found = {"projects": list(organizations[int(number)])}
            case _:
                return reply(b'{"error": {"message": "Not found", "code": 3}}', status=404)
        return reply(json.dumps(found).encode(), after=latency, keep=True)

    return answer


def some_account(count: int = 5) -> dict[int, list[dict[str, Any]]]:
    """`count` organizations; organization n has n % 3 projects."""
    return {
        number: [
            {"id": 1000 * number + k, "name": f"P{number}.{k}", "organization_id": number}
            for k in range(number % 3)
        ]
        for number in range(1, count + 1)
    }


def until(condition: Callable[[], object], *, within: float = 30) -> None:
    """Wait for something that another thread or process brings about."""
    ends = time.monotonic() + within
    while not condition():
        assert time.monotonic() < ends, "it did not come about"
        time.sleep(0.01)
