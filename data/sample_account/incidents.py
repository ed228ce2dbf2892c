"""What went wrong in the sample stack: clusters of failures, a flaky test, and a slower one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Literal, NamedTuple

from sample_account.load_tests import (
    CHECKOUT,
    FAILING,
    FASTER,
    FLAKY,
    LAUNCH,
    LODZ,
    LOGIN,
    PAYMENTS,
    REFUNDS,
    SEARCH,
    SLOWER,
    SMOKE,
    WORKSHOP,
    LoadTest,
)
from sample_account.response_formats import utc
from sample_account.rhythms import OnDemand

Outcome = Literal[
    "passed", "slow", "http errors", "no load zone", "script error", "aborted by user", "invalid"
]
"""How a run ends; "slow" and "http errors" are crossed thresholds."""

FAILED: tuple[Outcome, ...] = ("slow", "http errors")


@dataclass(frozen=True)
class Incident:
    """A period in which some load tests do not pass."""

    first: str
    last: str
    outcome: Outcome
    probability: float
    ids: tuple[int, ...] = ()  # projects or load tests; empty: all of them
    zone: str | None = None

    def affects(self, test: LoadTest, time: datetime) -> bool:
        """Return whether a run of this load test is affected."""
        return (
            utc(self.first) <= time < utc(self.last)
            and (not self.ids or test.id in self.ids or test.project_id in self.ids)
            and (self.zone is None or self.zone == test.zone)
        )


INCIDENTS = [
    Incident("2024-04-23T10:00", "2024-05-04", "slow", 0.9, (CHECKOUT, SMOKE, SEARCH)),
    Incident("2024-11-18", "2024-12-01", "slow", 0.75, (SEARCH, LAUNCH, CHECKOUT)),
    Incident("2025-03-18", "2025-03-21", "no load zone", 0.7),
    Incident("2025-07-22T10:00", "2025-08-02", "http errors", 0.85, (CHECKOUT, SMOKE)),
    Incident("2025-10-28T10:00", "2025-11-08", "http errors", 0.8, (LOGIN, SMOKE, LAUNCH)),
    Incident("2026-02-24T10:00", "2026-03-06", "http errors", 0.85, (PAYMENTS, CHECKOUT, SMOKE)),
    Incident("2026-05-26T10:00", "2026-12-31", "http errors", 1, (REFUNDS,)),
    Incident("2026-06-15", "2026-12-31", "no load zone", 0.95, zone=LODZ),
    Incident("2026-06-23T10:00", "2026-12-31", "http errors", 1, (FAILING,)),
    Incident("2026-06-23T10:00", "2026-12-31", "slow", 0.4, (SLOWER,)),
]
"""Several begin at the time of a release."""


class SpeedChange(NamedTuple):
    """From when on the p95 of a load test is multiplied by a factor."""

    since: datetime
    factor: float


SPEED_CHANGES = {
    SLOWER: SpeedChange(utc("2026-06-23T10:00"), 1.42),  # release 2026.6
    FASTER: SpeedChange(utc("2026-06-18"), 0.66),  # a new search index
}

FLAKY_SINCE = utc("2026-03-10")


def draw_outcome(rng: Random, test: LoadTest, time: datetime, previous: Outcome) -> Outcome:
    """Draw how a run ends, given how the previous run of its load test ended."""
    for incident in INCIDENTS:
        if incident.affects(test, time) and rng.random() < incident.probability:
            return incident.outcome
    if test.id == FLAKY and time >= FLAKY_SINCE:
        passes = previous == "passed"
        if rng.random() < 0.8:
            passes = not passes
        return "passed" if passes else "http errors"
    draw = rng.random()
    for outcome, probability in _usual_outcomes(test, previous):
        draw -= probability
        if draw < 0:
            return outcome
    return "passed"


def _usual_outcomes(test: LoadTest, previous: Outcome) -> list[tuple[Outcome, float]]:
    """Return the probability of each outcome other than passing."""
    invalid, aborted = 0.0, 0.0
    if isinstance(test.rhythm, OnDemand):
        invalid, aborted = 0.02, 0.03
    if test.id == WORKSHOP:
        invalid, aborted = 0.3, 0.15
    slow = 0.17 if previous in FAILED else 0.03  # the next run usually comes before a fix
    return [
        ("invalid", invalid),
        ("aborted by user", aborted),
        ("script error", 0.005),
        ("slow", slow),
        ("http errors", slow / 2),
    ]
