"""Forks that never copy a held lock or an open database.

A fork copies the memory of all threads and runs only one of them: a lock that another thread held
stays locked in the child for good, SQLite's internal ones included. So a fork waits until nobody
holds `fork_lock`, and the resources registered with `close_before_fork` are closed first. Python's
own modules (`logging`, `concurrent.futures`) do the same with `os.register_at_fork`.
"""

from __future__ import annotations

import os
import threading
from typing import Protocol
from weakref import WeakSet

fork_lock = threading.RLock()
"""No fork happens while a thread holds it. Hold it briefly: never while waiting for anything."""


class Closeable(Protocol):
    """Something that opens itself again when it is used."""

    def close(self) -> None:
        """Close it."""


_closed_before_fork: WeakSet[Closeable] = WeakSet()


def close_before_fork(resource: Closeable) -> None:
    """Close a resource before each fork, so that parent and child never share it."""
    with fork_lock:
        _closed_before_fork.add(resource)


def _before_fork() -> None:
    fork_lock.acquire()
    for resource in list(_closed_before_fork):
        resource.close()


if hasattr(os, "register_at_fork"):  # Windows has no forks
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=fork_lock.release,
        after_in_child=fork_lock.release,
    )
