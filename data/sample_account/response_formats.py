"""How the API writes timestamps, numbers and lists, in every form seen in responses."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from itertools import product
from random import Random

Record = dict[str, object]

AS_OF = datetime(2026, 6, 29, 9, 30, tzinfo=UTC)
"""The "now" of the sample account: a Monday morning, after everything that v3 contains."""

_SUMMER_TIME = timezone(timedelta(hours=2))


def write_v3_timestamp(rng: Random, time: datetime) -> str:
    """Write a UTC time in one of the forms of v3, truncating digits."""
    text = time.replace(tzinfo=None).isoformat(timespec="microseconds")
    seconds, milliseconds, with_space = text[:19], text[:23], text.replace("T", " ")
    zulu = f"{seconds}Z", f"{text}Z", f"{milliseconds}Z", f"{text[:22]}Z"
    others = seconds, milliseconds, f"{with_space}+00:00", f"{seconds}+00:00"
    return rng.choices(zulu + others, cum_weights=(60, 72, 79, 83, 88, 92, 96, 100))[0]


def write_v6_timestamp(rng: Random, time: datetime) -> str:
    """Write a UTC time in one of the forms of v6: those of v3, and with the offset +02:00."""
    if rng.random() < 0.03:
        return time.astimezone(_SUMMER_TIME).isoformat(timespec="seconds")
    return write_v3_timestamp(rng, time)


def utc(text: str) -> datetime:
    """Read a UTC time such as ``2026-06-23T10:00`` or ``2026-06-23``."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def to_json(value: object) -> str:
    """Write compact JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def write_records(before: str, records: Iterable[Mapping[str, object]], after: str) -> bytes:
    """Write a JSON list with one record per line."""
    body = ",\n".join(map(to_json, records))
    records_in_lines = f"\n{body}\n" if body else ""
    return f"{before}[{records_in_lines}]{after}\n".encode()


def list_response(records: Iterable[Mapping[str, object]]) -> bytes:
    """Write a complete v6 list, or a v5 list of metrics."""
    return write_records('{"value":', records, "}")


def releases() -> dict[datetime, str]:
    """Return the names of the releases by time: the fourth Tuesday of each month, at 10:00."""
    names = {}
    for year, month in product(range(2024, 2027), range(1, 13)):
        first = datetime(year, month, 1, 10, tzinfo=UTC)
        fourth_tuesday = first + timedelta(days=(1 - first.weekday()) % 7 + 21)
        names[fourth_tuesday] = f"{year}.{month}"
    return names
