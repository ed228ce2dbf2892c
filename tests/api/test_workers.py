"""Requests on several threads, each with a time limit."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import servers

from k6frames.api.workers import ActiveRequest, WorkerPool, active_request

Start = Callable[..., "WorkerPool[Any, Any]"]


def timeout_error(item: object, request: ActiveRequest) -> Exception:
    return RuntimeError(item, request.stopped.is_set(), request.last_failure)


@pytest.fixture
def start() -> Iterator[Start]:
    pools: list[WorkerPool[Any, Any]] = []

    def make(work: Callable[[Any], Any], *, size: int = 2, time_limit: float = 20) -> Any:
        pools.append(
            WorkerPool(work, size=size, time_limit=time_limit, timeout_error=timeout_error)
        )
        return pools[-1]

    yield make
    for pool in pools:
        pool.close()
    servers.wait_until(lambda: not alive())


def alive() -> int:
    return sum(thread.name == "k6frames" for thread in threading.enumerate())


def results(pool: WorkerPool[Any, Any]) -> list[Any]:
    """Return each item with its result or its exception, in the order of completion."""
    found = []
    while pool.pending:
        item, future = pool.next_completed()
        found.append((item, future.exception() or future.result()))
    return found


def test_results_arrive_in_the_order_of_completion(start):
    pool = start(lambda seconds: time.sleep(seconds) or seconds * 2, size=3)
    for seconds in (0.1, 0.05, 0.0):
        pool.submit(seconds)
    assert results(pool) == [(0.0, 0.0), (0.05, 0.1), (0.1, 0.2)]


def test_threads_are_started_as_they_are_needed_up_to_the_size(start):
    started = threading.Semaphore(0)
    release = threading.Event()

    def work(_: int) -> None:
        started.release()
        release.wait(10)

    pool = start(work, size=3)
    before = alive()
    for number in range(2):
        pool.submit(number)
    assert alive() - before == 2
    for number in range(8):
        pool.submit(number)
    assert alive() - before == 3
    for _ in range(3):
        assert started.acquire(timeout=10)
    assert not started.acquire(timeout=0.05)
    release.set()
    assert len(results(pool)) == 10


@pytest.mark.parametrize(
    "error", [ValueError("x"), SystemExit(3), KeyboardInterrupt(), MemoryError()]
)
def test_any_exception_is_raised_where_the_result_is_taken_and_the_thread_goes_on(error, start):
    def work(item: str) -> str:
        if item == "bad":
            raise error
        return item

    pool = start(work, size=1)
    pool.submit("bad")
    pool.submit("good")
    assert results(pool) == [("bad", error), ("good", "good")]


def test_an_item_that_exceeds_its_time_limit_fails_and_a_new_thread_takes_the_next_one(start):
    release = threading.Event()

    def work(item: str) -> str:
        if item == "stuck":
            active_request.get().last_failure = "what failed before"
            release.wait(10)
            active_request.get().last_failure = "what failed by being stopped"
        return item

    pool = start(work, size=1, time_limit=0.1)
    for item in ("stuck", "next"):
        pool.submit(item)
    (stuck, error), after = results(pool)
    assert (stuck, after) == ("stuck", ("next", "next"))
    # The error was made before the request was stopped.
    assert error.args == ("stuck", False, "what failed before")
    release.set()
    # The late result is dropped, and the thread ends.
    servers.wait_until(lambda: alive() == 1)
    assert pool.pending == 0


def test_time_counts_from_the_start_of_an_item_not_from_its_submission(start):
    pool = start(lambda _: time.sleep(0.3), size=1, time_limit=1)
    for number in range(4):
        pool.submit(number)
    assert results(pool) == [(number, None) for number in range(4)]


def test_close_stops_active_requests_and_starts_no_more(start):
    begun: list[int] = []

    def work(item: int) -> bool:
        begun.append(item)
        return active_request.get().stopped.wait(10)

    pool = start(work, size=2)
    for number in range(6):
        pool.submit(number)
    servers.wait_until(lambda: len(begun) == 2)
    pool.close()
    servers.wait_until(lambda: not alive())
    assert sorted(begun) == [0, 1]


def test_stop_ends_a_read_on_the_socket_of_the_request():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(10)
        request = ActiveRequest()
        request.socket = ours
        timer = threading.Timer(0.05, request.stop)
        timer.start()
        assert ours.recv(1) == b""  # and no timeout
        timer.join()
    # Again, and on a socket that is closed.
    request.stop()
    assert request.stopped.is_set()
