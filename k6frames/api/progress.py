"""Progress bars with a lock of their own.

tqdm's default lock is shared with forked processes: if a process is killed while it holds the lock,
all others hang when they next show a bar.
"""

from __future__ import annotations

import os
import sys
import threading

from tqdm import tqdm

DELAY_SECONDS = 1.0
UPDATE_INTERVAL_SECONDS = 0.1


class ProgressBar(tqdm):  # type: ignore[type-arg]
    """A progress bar that appears when the work takes longer than a second.

    Parameters
    ----------
    unit : str
        What is counted, with a space before it.
    total : int, default 0
        How many there are, as far as is known.
    shown : bool or None
        Whether to show it; None means in a terminal and in a notebook.
    """

    # Disables tqdm's thread, which refreshes bars that are not updated.
    monitor_interval = 0

    def __init__(self, *, unit: str, total: int = 0, shown: bool | None) -> None:
        if shown is None:
            shown = sys.stderr.isatty() or "ipykernel" in sys.modules
        super().__init__(
            total=total,
            desc="k6frames",
            unit=unit,
            disable=not shown,
            leave=False,
            delay=DELAY_SECONDS,
            mininterval=UPDATE_INTERVAL_SECONDS,
        )


def _renew_lock() -> None:
    """Use a new lock: after a fork, a thread of the parent may hold the old one."""
    ProgressBar.set_lock(threading.RLock())


_renew_lock()
if hasattr(os, "register_at_fork"):  # Windows has no forks
    os.register_at_fork(after_in_child=_renew_lock)
