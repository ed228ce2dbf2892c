"""A local server that answers like the API, each time after the same wait, and counts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection

import requests


@contextmanager
def serving(bodies: Mapping[str, bytes], latency: float) -> Iterator[str]:
    """The address of a server, in a process of its own, for as long as the block lasts."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(dict(bodies), latency, theirs), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.terminate()
        process.join()


def counted(address: str) -> tuple[int, int]:
    """How many requests came since the last time, and how many were under way at once."""
    requests_, most = requests.get(f"{address}/counted", timeout=5).json()
    return requests_, most


def _serve(bodies: dict[str, bytes], latency: float, pipe: Connection) -> None:
    asyncio.run(_main(bodies, latency, pipe))


async def _main(bodies: dict[str, bytes], latency: float, pipe: Connection) -> None:
    loop = asyncio.get_running_loop()
    count = _Count()
    server = await loop.create_server(lambda: _Answers(bodies, latency, count), "127.0.0.1", 0)
    pipe.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


class _Count:
    def __init__(self) -> None:
        self.requests = self.under_way = self.most = 0


class _Answers(asyncio.Protocol):
    """One connection: a request is a few lines without a body."""

    transport: asyncio.Transport

    def __init__(self, bodies: dict[str, bytes], latency: float, count: _Count) -> None:
        self.bodies, self.latency, self.count = bodies, latency, count
        self.received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data
        while b"\r\n\r\n" in self.received:
            head, _, self.received = self.received.partition(b"\r\n\r\n")
            path = head.split(b" ", 2)[1].decode()
            if path == "/counted":
                self.send(json.dumps([self.count.requests, self.count.most]).encode())
                self.count.requests = self.count.most = 0
                continue
            self.count.requests += 1
            self.count.under_way += 1
            self.count.most = max(self.count.most, self.count.under_way)
            asyncio.get_running_loop().call_later(self.latency, self.answer, path)

    def answer(self, path: str) -> None:
        self.count.under_way -= 1
        self.send(self.bodies[path])

    def send(self, body: bytes) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        self.transport.write(f"{head}\r\n\r\n".encode() + body)
