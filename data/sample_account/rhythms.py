"""When a load test is run: on a schedule, or by people at work."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from sample_account.response_formats import AS_OF, releases, utc

FIRST_RUN = utc("2024-01-01")
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
DAY = timedelta(days=1)

_SHARE_OF_WEEKDAY = (0.8, 1.3, 1.3, 1.1, 0.5, 0.0, 0.0)
_RELEASES = releases()
_DAYS_BEFORE_RELEASES = {
    release.date() - days * DAY: name for release, name in _RELEASES.items() for days in range(6)
}


def upcoming_release(time: datetime) -> str | None:
    """Return the name of the release that is at most five days away, if any."""
    return _DAYS_BEFORE_RELEASES.get(time.date())


def _at(day: datetime, time_of_day: str) -> datetime:
    hours, minutes = map(int, time_of_day.split(":"))
    return day.replace(hour=hours, minute=minutes)


def _days(first: datetime, last: datetime) -> Iterator[datetime]:
    day = first.replace(hour=0, minute=0, second=0, microsecond=0)
    while day <= last:
        yield day
        day += DAY


@dataclass(frozen=True)
class Weekly:
    """On some weekdays, such as ``"MO TH"``, at a time in UTC, every `weeks` weeks."""

    weekdays: str
    time: str
    weeks: int = 1

    def times(self, rng: Random, first: datetime, last: datetime) -> Iterator[datetime]:
        """Return when the test is started, a few seconds after the scheduled time."""
        for day in _days(first, last):
            runs_this_week = (day - first.replace(hour=0, minute=0)).days // 7 % self.weeks == 0
            if runs_this_week and WEEKDAYS[day.weekday()] in self.weekdays:
                yield _at(day, self.time) + timedelta(seconds=5 * rng.random())


@dataclass(frozen=True)
class Hourly:
    """Every `hours` hours, starting at a time of day."""

    hours: int
    time: str

    def times(self, rng: Random, first: datetime, last: datetime) -> Iterator[datetime]:
        """Return when the test is started, a few seconds after the scheduled time."""
        time = _at(first, self.time)
        while time <= last:
            yield time + timedelta(seconds=5 * rng.random())
            time += timedelta(hours=self.hours)


@dataclass(frozen=True)
class Monthly:
    """On one day of each month."""

    day: int
    time: str

    def times(self, rng: Random, first: datetime, last: datetime) -> Iterator[datetime]:
        """Return when the test is started, a few seconds after the scheduled time."""
        for day in _days(first, last):
            if day.day == self.day:
                yield _at(day, self.time) + timedelta(seconds=5 * rng.random())


@dataclass(frozen=True)
class OnDemand:
    """By people and their CI, in working hours: often before releases, rarely in late December."""

    per_week: float

    def times(self, rng: Random, first: datetime, last: datetime) -> Iterator[datetime]:
        """Return when the test is started."""
        for day in _days(first, last):
            expected = self.per_week / 5 * _SHARE_OF_WEEKDAY[day.weekday()]
            expected *= 0.6 + 0.6 * (day - FIRST_RUN) / (AS_OF - FIRST_RUN)
            if upcoming_release(day):
                expected *= 2.5
            if (day.month, day.day) >= (12, 22) or (day.month, day.day) <= (1, 2):
                expected *= 0.1
            runs = int(expected) + (rng.random() < expected % 1)
            for hours in sorted(8 + 9 * rng.random() for _ in range(runs)):
                yield day + timedelta(hours=hours)


Rhythm = Weekly | Hourly | Monthly | OnDemand
