"""Requests on several threads, each with a time limit that holds whatever the server does.

`concurrent.futures.ThreadPoolExecutor` has no such limit, and Python waits for its threads when the
program ends, even for one that is waiting for a silent server.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import ContextVar
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class ActiveRequest:
    """A request under way, which another thread can end."""

    def __init__(self) -> None:
        self.stopped = threading.Event()
        self.started = time.monotonic()
        self.socket: socket.socket | None = None
        """The socket in use, if any. `stop` needs it even if the connection no longer refers to it,
        which may be so before the body has been read."""
        self.last_failure = ""
        """What went wrong in the previous attempt; empty if this is the first one."""

    def stop(self) -> None:
        """End the current wait and the connection, and prevent further attempts."""
        self.stopped.set()
        if self.socket is not None:
            # Not SSLSocket.shutdown, which would change the socket while another thread reads it.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self.socket, socket.SHUT_RDWR)


active_request: ContextVar[ActiveRequest | None] = ContextVar("active_request", default=None)
"""The request that the current thread is working on."""


class WorkerPool(Generic[Item, Result]):
    """Daemon threads that call a function for each submitted item.

    Parameters
    ----------
    work : callable
        What is called with an item.
    size : int
        How many threads there are at most.
    time_limit : float
        Seconds for one item. After that its request is stopped, and its future fails.
    timeout_error : callable
        Creates the exception for an item that exceeded its time limit.
    """

    def __init__(
        self,
        work: Callable[[Item], Result],
        *,
        size: int,
        time_limit: float,
        timeout_error: Callable[[Item, ActiveRequest], Exception],
    ) -> None:
        self._work = work
        self._size = size
        self._time_limit = time_limit
        self._timeout_error = timeout_error
        # None ends a thread.
        self._submitted: SimpleQueue[Item | None] = SimpleQueue()
        self._completed: SimpleQueue[tuple[Item, Future[Result]]] = SimpleQueue()
        self._active: dict[ActiveRequest, Item] = {}
        self._lock = threading.Lock()
        self._threads = 0
        self._closed = False
        self.pending = 0
        """How many submitted items `next_completed` has not returned yet."""

    def submit(self, item: Item) -> None:
        """Add an item, which the next free thread takes."""
        self._submitted.put(item)
        self.pending += 1
        if self._threads < min(self._size, self.pending):
            self._start_thread()

    def next_completed(self) -> tuple[Item, Future[Result]]:
        """Wait until an item is completed, and return it with its outcome."""
        while True:
            try:
                completed = self._completed.get(timeout=self._seconds_to_next_limit())
            except Empty:
                self._end_overdue()
            else:
                self.pending -= 1
                return completed

    def close(self) -> None:
        """Stop every request that is under way, and end the threads."""
        with self._lock:
            self._closed = True
            for active in self._active:
                active.stop()
        for _ in range(self._threads):
            self._submitted.put(None)

    def _start_thread(self) -> None:
        self._threads += 1
        threading.Thread(target=self._run, name="k6frames", daemon=True).start()

    def _run(self) -> None:
        while (item := self._submitted.get()) is not None:
            active = ActiveRequest()
            active_request.set(active)
            with self._lock:
                if self._closed:
                    return
                self._active[active] = item
            outcome: Future[Result] = Future()
            try:
                outcome.set_result(self._work(item))
            except BaseException as error:  # noqa: BLE001 - raised where the result is taken
                outcome.set_exception(error)
            with self._lock:
                if self._active.pop(active, None) is None:
                    return  # it was overdue, and another thread has taken this one's place
            self._completed.put((item, outcome))

    def _seconds_to_next_limit(self) -> float:
        now = time.monotonic()
        with self._lock:
            first_start = min((active.started for active in self._active), default=now)
        return max(first_start + self._time_limit - now, 0.01)

    def _end_overdue(self) -> None:
        """Fail the items that exceeded their time limit, and replace their threads."""
        now = time.monotonic()
        with self._lock:
            overdue = {
                active: item
                for active, item in self._active.items()
                if now >= active.started + self._time_limit
            }
            for active in overdue:
                del self._active[active]
        for active, item in overdue.items():
            outcome: Future[Result] = Future()
            outcome.set_exception(self._timeout_error(item, active))
            self._completed.put((item, outcome))
            active.stop()
            self._threads -= 1
            self._start_thread()
