"""What all benchmarks share: timing side by side, peak memory in a child, tables in Markdown."""

from __future__ import annotations

import gc
import resource
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple, TypeVar

_T = TypeVar("_T")


class Timed(NamedTuple):
    """How long one way took, and what it gave the first time."""

    best: float
    median: float
    result: Any


@dataclass(frozen=True)
class Line:
    """One line of a table.

    `ratio` is what k6frames takes, in parts of what this line takes; `limit` is the most that it
    should be.
    """

    way: str
    seconds: float | None = None
    peak: float | None = None
    ratio: float | None = None
    limit: float | None = None

    def cells(self) -> list[str]:
        """The line as text, one for each column of the table."""
        met = ""
        if self.ratio is not None and self.limit is not None:
            met = "met" if self.ratio <= self.limit else "**not met**"
        return [
            self.way,
            _number(self.seconds),
            "" if self.peak is None else f"{self.peak / 1e6:,.0f} MB",
            _number(self.ratio),
            "" if self.limit is None else f"at most {self.limit:g}",
            met,
        ]


@dataclass(frozen=True)
class Section:
    """A table with a title and what a reader must know."""

    title: str
    note: str
    lines: Sequence[Line]

    def markdown(self) -> str:
        """The section as Markdown."""
        rows = [
            ["way", "seconds", "memory", "k6frames / it", "goal", ""],
            ["---", "---:", "---:", "---:", "---", "---"],
            *(line.cells() for line in self.lines),
        ]
        table = "\n".join(f"| {' | '.join(cells)} |" for cells in rows)
        return f"## {self.title}\n\n{self.note}\n\n{table}\n"


def side_by_side(
    ways: Mapping[str, Callable[[], object]], rounds: int, *, once: Sequence[str] = ()
) -> dict[str, Timed]:
    """Time several ways by turns, so that what else the machine does falls on all of them.

    The ways in `once` take so long that one round must do.
    """
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    results: dict[str, object] = {}
    for number in range(rounds):
        for name, way in ways.items():
            if number and name in once:
                continue
            gc.collect()
            start = time.perf_counter()
            result = way()
            seconds[name].append(time.perf_counter() - start)
            results.setdefault(name, result)
            del result
    return {
        name: Timed(min(taken), median(taken), results[name]) for name, taken in seconds.items()
    }


def peak_in_child(work: Callable[..., _T], *args: object) -> tuple[float, _T, float]:
    """The peak memory of a function above that of its imports, what it returned, and the imports'.

    It runs in a new process, since a peak never falls again.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_measured, work, args).result()


def _measured(work: Callable[..., _T], args: tuple[object, ...]) -> tuple[float, _T, float]:
    before = _peak()
    result = work(*args)
    return _peak() - before, result, before


def _peak() -> float:
    status = Path("/proc/self/status")
    if status.exists():
        # Linux hands ru_maxrss down to a child, so that it would begin with the parent's peak.
        high = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(high.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _number(value: float | None) -> str:
    """A figure with three digits that count."""
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:#.3g}"
