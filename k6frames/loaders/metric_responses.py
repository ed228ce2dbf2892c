"""Responses with series of values, labels and times (v5)."""

from __future__ import annotations

import codecs
import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec

from k6frames.api.endpoints import Request
from k6frames.errors import SchemaError
from k6frames.validation import MAX_INT64

# These labels identify the metric and the run, not the series.
_NON_SERIES_LABELS = frozenset({"__name__", "test_run_id"})
# float() would also accept "1_000" and digits of other scripts.
_NUMBER_PATTERN = re.compile(
    r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?inf|nan", re.ASCII | re.IGNORECASE
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Series(msgspec.Struct):
    """A series: its labels, which the API calls `metric`, and pairs of a Unix time and a value."""

    metric: dict[str, str]
    values: list[tuple[float, float | str | None]] = []


class _Data(msgspec.Struct):
    result: list[Series] | None = None


class _Body(msgspec.Struct):
    data: _Data


_decoder = msgspec.json.Decoder(_Body)


class Point(NamedTuple):
    """One value of a series."""

    request: Request
    labels: dict[str, str]
    time: datetime
    value: float | None


def decode_series(request: Request, body: bytes) -> list[Series]:
    """Return the series in a response. Without data, or if it has expired, the list is empty."""
    try:
        return _decoder.decode(body.removeprefix(codecs.BOM_UTF8)).data.result or []
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SchemaError(
            f"{request}: the response does not have the documented form ({error})."
        ) from None


def public_values(request: Request, body: bytes) -> bytes:
    """Encode a response again, with only what `iter_points` reads."""
    return msgspec.json.encode({"data": {"result": decode_series(request, body)}})


def iter_points(bodies: Mapping[Request, bytes]) -> Iterator[Point]:
    """Yield every value of every series in the responses."""
    for request, body in bodies.items():
        for index, series in enumerate(decode_series(request, body)):
            where = f"{request}: data.result[{index}]"
            for seconds, value in series.values:
                time = _parse_time(where, seconds)
                yield Point(request, series.metric, time, _parse_value(where, value))


def _parse_time(where: str, seconds: float) -> datetime:
    try:
        return _EPOCH + timedelta(microseconds=round(seconds * 1_000_000))
    except OverflowError:
        raise SchemaError(f"{where}: {seconds!r} seconds are not a time.") from None


def _parse_value(where: str, value: float | str | None) -> float | None:
    """Return a number that may be given as a string, or None for NaN."""
    if isinstance(value, str) and not _NUMBER_PATTERN.fullmatch(value):
        raise SchemaError(f"{where}: the value must be a number, not {value!r:.80}.")
    number = math.nan if value is None else float(value)
    if math.isinf(number):
        raise SchemaError(f"{where}: the value must be a finite number, not {value!r:.80}.")
    return None if math.isnan(number) else number


def parse_run_id(point: Point) -> int:
    """Return the ID of the test run that a value belongs to."""
    text = point.labels.get("test_run_id", "")
    # int() does not accept more than 4,300 digits, and no ID has more than 19.
    if not (text.isascii() and text.isdigit() and len(text) <= 19 and int(text) <= MAX_INT64):
        raise SchemaError(
            f"{point.request}: the label 'test_run_id' must be a test run ID, not {text!r:.80}."
        )
    return int(text)


def series_name(labels: Mapping[str, str]) -> str:
    """Return the labels of a series in Prometheus notation, sorted by name."""
    pairs = [
        f'{name}="{_escape(value)}"'
        for name, value in sorted(labels.items())
        if name not in _NON_SERIES_LABELS
    ]
    return f"{{{','.join(pairs)}}}" if pairs else ""


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
