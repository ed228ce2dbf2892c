"""Forks that never copy a held lock or an open database."""

from __future__ import annotations

import os
import threading
import time
import warnings
from collections.abc import Callable

import pytest

from k6frames.api.client import Client
from k6frames.api.forks import close_before_fork, fork_lock
from k6frames.api.progress import ProgressBar

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks")


def exit_code_of_child(work: Callable[[], object], *, within: float = 10) -> int:
    """Do the work in a forked child, and return its exit code: -9 if it hangs and is killed."""
    with warnings.catch_warnings():
        # Python 3.12 warns of every fork of a process that has threads.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        code = 3
        try:
            code = 0 if work() else 4
        finally:
            os._exit(code)
    ends = time.monotonic() + within
    while time.monotonic() < ends:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(child, 9)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("lock", [fork_lock, ProgressBar.get_lock()], ids=["fork_lock", "bar"])
def test_a_lock_that_another_thread_holds_is_free_in_the_child(lock):
    client = Client.sample()
    held = threading.Event()

    def hold() -> None:
        with lock:
            held.set()
            time.sleep(0.3)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    assert exit_code_of_child(lambda: client.get("/v3/organizations")) == 0
    thread.join()


def test_a_resource_is_closed_before_a_fork_and_not_after(tmp_path):
    log = tmp_path / "log"

    class Resource:
        def close(self) -> None:
            with log.open("a") as file:
                file.write(f"{os.getpid()} {fork_lock._is_owned()}\n")

    resource = Resource()
    close_before_fork(resource)
    assert exit_code_of_child(lambda: fork_lock.acquire(blocking=False)) == 0
    assert log.read_text() == f"{os.getpid()} True\n"
    del resource
    assert exit_code_of_child(lambda: True) == 0
    assert len(log.read_text().splitlines()) == 1
