"""The test runs of the sample stack: when they ran and how they ended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from random import Random

from sample_account.incidents import FAILED, Outcome, draw_outcome
from sample_account.load_tests import (
    DELETED_LOAD_TEST,
    LOAD_TESTS,
    LoadTest,
    in_windows,
)
from sample_account.response_formats import AS_OF, utc
from sample_account.rhythms import FIRST_RUN

UNDER_WAY = [
    # load test, created, status; in addition, the overnight soak of Sunday is still running
    (605931, "2026-06-29T08:09:52", "running"),
    (714590, "2026-06-29T09:16:31", "running"),
    (606402, "2026-06-29T09:24:47", "processing_metrics"),
    (615022, "2026-06-29T09:28:03", "queued"),
    (704883, "2026-06-29T09:29:11", "initializing"),
    (803790, "2026-06-29T09:29:48", "created"),
]


@dataclass(frozen=True)
class Run:
    """A run of a load test, before it is written as the API does."""

    id: int
    test: LoadTest
    created: datetime
    outcome: Outcome
    vus: int
    status: str  # completed or aborted, if the run has ended
    planned_seconds: int
    executed_seconds: float

    @property
    def is_under_way(self) -> bool:
        """Whether the run has not ended."""
        return self.status not in ("completed", "aborted")

    @property
    def ended(self) -> datetime:
        """When the run ended; starting and processing take 45 seconds, or 9 if it never executed."""
        return self.created + timedelta(
            seconds=self.executed_seconds + (45 if self.executed_seconds else 9)
        )


def _vus(test: LoadTest, time: datetime) -> int:
    """Return the VUs of a run, which grow from month to month."""
    month = time.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    first = max(utc(test.created), FIRST_RUN)
    share = max((month - first) / (AS_OF - first), 0)
    vus = test.vus * (test.first_share + (1 - test.first_share) * share)
    return max(round(vus) if vus < 20 else round(vus / 5) * 5, 1)


def _executed_seconds(rng: Random, outcome: Outcome, planned: int) -> float:
    if outcome in ("invalid", "no load zone"):
        return 0
    if outcome == "script error":
        return rng.randrange(5, 60)
    if outcome == "aborted by user":
        return rng.randrange(20, planned)
    seconds = planned + rng.randrange(4)
    return seconds + 0.5 if rng.random() < 0.02 else seconds


def _runs_of(test: LoadTest) -> Iterator[Run]:
    """Return the runs of one load test, without their IDs."""
    rng = Random(f"runs of {test.id}")
    previous: Outcome = "passed"
    if test.rhythm is None:
        return
    for time in test.rhythm.times(rng, max(utc(test.created), FIRST_RUN), AS_OF):
        if not in_windows(test, time) or time >= AS_OF - timedelta(minutes=30):
            continue
        outcome = draw_outcome(rng, test, time, previous)
        previous = outcome
        planned = round(test.minutes * 60)
        executed = _executed_seconds(rng, outcome, planned)
        aborts_when_slow = outcome == "slow" and rng.random() < 0.2
        if aborts_when_slow:
            executed = round(planned * (0.3 + 0.5 * rng.random()))
        is_complete = outcome == "passed" or (outcome in FAILED and not aborts_when_slow)
        status = "completed" if is_complete else "aborted"
        run = Run(0, test, time, outcome, _vus(test, time), status, planned, executed)
        if run.ended >= AS_OF:
            elapsed = int((AS_OF - time).total_seconds()) - 20
            run = replace(run, outcome="passed", status="running", executed_seconds=elapsed)
        yield run


def _runs_under_way() -> Iterator[Run]:
    tests = {test.id: test for test in LOAD_TESTS}
    for test_id, created, status in UNDER_WAY:
        test, time = tests[test_id], utc(created)
        planned = round(test.minutes * 60)
        elapsed = int((AS_OF - time).total_seconds()) - 20
        executed = {"running": elapsed, "processing_metrics": planned}.get(status, 0)
        yield Run(0, test, time, "passed", _vus(test, time), status, planned, executed)


@cache
def sample_runs() -> tuple[Run, ...]:
    """Return all test runs in order of creation."""
    runs = [run for test in [*LOAD_TESTS, DELETED_LOAD_TEST] for run in _runs_of(test)]
    runs = sorted([*runs, *_runs_under_way()], key=lambda run: run.created)
    rng = Random("IDs of test runs")
    run_id, numbered = 2_104_317, []
    for run in runs:
        run_id += rng.randrange(200, 3200)
        numbered.append(replace(run, id=run_id))
    return tuple(numbered)
