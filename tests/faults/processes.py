"""Interrupts, killed processes, forks and failures of other requests."""

from __future__ import annotations

import contextlib
import functools
import signal
import threading
import time
from collections.abc import Callable, Iterator

import pytest
import servers
from faults.sandbox import LATE, LONG, V3, Sandbox, Section, threads
from servers import GOOD, RawServer, empty_reply, reply

from k6frames.api import cache
from k6frames.errors import APIError

section = Section("Processes and threads")


@section.fault(
    "one of several concurrent requests fails",
    "the others are canceled, even while they wait for a retry",
)
def other_failure(box: Sandbox) -> None:
    failing = reply(b"", status=403, delay=0.1)
    script = {"/silent": [servers.silence], "/busy": [empty_reply(503, LONG)], "/bad": [failing]}
    server = box.serve(script=script)
    started = time.monotonic()
    with pytest.raises(APIError, match="/bad") as caught:
        box.client(server, budget=2 * LONG).fetch(map(box.request, script))
    box.errors.append(caught.value)
    servers.wait_until(lambda: not threads())
    assert time.monotonic() - started < LATE
    assert server.count("/busy") == 1


@section.fault(
    "Ctrl-C while a server is silent, asks to wait, or before a retry",
    "ends immediately; what arrived is cached, and the client can be used again",
)
def interrupted(box: Sandbox) -> None:
    # Not before the good response has arrived: a 429 would delay it.
    for waiting in (
        servers.silence,
        empty_reply(503, LONG, delay=0.1),
        empty_reply(429, LONG, delay=0.1),
    ):
        # More paths than workers: some have not been sent yet.
        script = {f"/{n}": [waiting, reply()] for n in range(12)}
        server = box.serve(script=script, account=lambda _: reply())
        client = box.client(server, budget=2 * LONG)
        started = time.monotonic()
        waits = functools.partial(_has_cached_one_of_several, box, server)
        with pytest.raises(KeyboardInterrupt), interrupt_when(waits):
            client.fetch(map(box.request, ["/good", *script]))
        servers.wait_until(lambda: not threads())
        assert time.monotonic() - started < LATE
        assert box.get(client, "/good") == GOOD
        assert box.get(box.client(server), "/new") == GOOD
        assert server.count("/good") == 1
        client.close()
        cache.clear_caches(box.folder / "cache")


def _has_cached_one_of_several(box: Sandbox, server: RawServer) -> bool:
    if len(server.requests) < 3:
        return False
    return [info.responses for info in cache.list_caches(box.folder / "cache")] == [1]


@contextlib.contextmanager
def interrupt_when(condition: Callable[[], object]) -> Iterator[None]:
    """Send this process SIGINT, as Ctrl-C does."""
    main = threading.main_thread().ident
    assert main is not None

    def send() -> None:
        servers.wait_until(condition)
        time.sleep(0.05)
        signal.pthread_kill(main, signal.SIGINT)

    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    sender = threading.Thread(target=send)
    sender.start()
    try:
        yield
    finally:
        sender.join()
        signal.signal(signal.SIGINT, handler)


@section.fault(
    "the process is killed while it fills the cache", "what arrived is cached", versions=V3
)
def killed(box: Sandbox) -> None:
    paths = [f"/{number}" for number in range(60)]
    server = box.serve(account=lambda _: reply(keep_alive=True, delay=0.02))
    process = box.start_process(_FILL, server.url)
    servers.wait_until(lambda: len(server.requests) > 20)
    process.kill()
    process.wait()
    earlier = len(server.requests)
    bodies = box.client(server).fetch(paths).bodies
    assert list(bodies.values()) == [GOOD] * 60
    # Those that were under way are fetched again.
    assert len(server.requests) - earlier <= 60 - earlier + 16


_FILL = """
import sys
from k6frames.api.client import Client
Client(api_url=sys.argv[1]).fetch([f"/{number}" for number in range(60)])
"""


@section.fault(
    "a fork, while other threads open clients and use them", "all work, and none hangs", versions=V3
)
def forks(box: Sandbox) -> None:
    server = box.serve(account=servers.echo)
    assert box.wait_for_output(box.start_process(_FORK, server.url, 40)) == "{0} True"


_FORK = """
import os, sys, threading, warnings
# Python 3.12 warns of every fork of a process that has threads.
warnings.filterwarnings("ignore", category=DeprecationWarning, message=".*fork")
from k6frames.api import cache_connection
from k6frames.api.client import Client
# On a busy machine a lock may be held for longer than a user would wait.
cache_connection.LOCK_TIMEOUT_SECONDS = 30.0
url, count = sys.argv[1:]
stop = threading.Event()

def is_right(client, path):
    return client.get(path) == b'{"path": "%s"}' % path.encode()

def work(number):
    while not stop.is_set():
        with Client(api_url=url, expire_after=0) as client:
            wrong.extend(p for p in ("/x", f"/{number}") if not is_right(client, p))

wrong = []
shared = Client(api_url=url)
assert is_right(shared, "/x")
threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
for thread in threads:
    thread.start()
ends = set()
for number in range(int(count)):
    pid = os.fork()
    if pid == 0:
        right = False
        try:
            right = is_right(shared, "/x") and is_right(shared, f"/new/{number}")
        finally:
            os._exit(0 if right else 3)
    ends.add(os.waitpid(pid, 0)[1])
stop.set()
for thread in threads:
    thread.join()
print(ends, not wrong and is_right(shared, "/x"))
"""
