"""Response bodies to one Arrow table, exactly: each value looked at by the standard library.

What has one safe meaning is converted; all else is a `SchemaError` that names path, record and
field. `reading` has a faster way for what raises no doubt.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa

from k6frames.errors import SchemaError

TIMESTAMP = pa.timestamp("us", "UTC")
BOM = b"\xef\xbb\xbf"
WHITE = b" \t\r\n"


@dataclass(frozen=True)
class Column:
    """One column of a table, and the field of a JSON record that it comes from.

    Parameters
    ----------
    name : str
        The column's name in the frame.
    type : pyarrow.DataType
        ``int64``, ``float64``, ``bool_``, ``string`` or ``timestamp("us", "UTC")``; the pandas
        dtype, the file's type and the checks follow from it.
    doc : str
        What a value means, in one line.
    source : str, optional
        The JSON field, dotted for a nested one; None where no answer holds it.
    nullable : bool
        Whether a value may be missing.
    private : bool
        Whether it holds billing data, which stays out of joins, summaries and reports.
    """

    name: str
    type: pa.DataType
    doc: str
    source: str | None = None
    nullable: bool = True
    private: bool = False


@dataclass(frozen=True)
class Shape:
    """What the records of a response look like.

    `envelope` names what holds them: a list of records, or one record where `single`.
    """

    columns: Sequence[Column]
    key: Sequence[str]
    envelope: str
    single: bool = False


def read_exact(bodies: Mapping[str, bytes], shape: Shape) -> pa.Table:
    """The bodies one by one, every value looked at; a `SchemaError` names what does not fit."""
    columns = [column for column in shape.columns if column.source]
    values: list[list[Any]] = [[] for _ in columns]
    seen: dict[tuple[Any, ...], str] = {}
    for path, body in bodies.items():
        for where, record in _records(path, body, shape):
            row = {}
            for column, column_values in zip(columns, values, strict=True):
                row[column.name] = _value(record, column, where)
                column_values.append(row[column.name])
            key = tuple(row[name] for name in shape.key)
            if key in seen:
                raise SchemaError(
                    f"{where}: the same {', '.join(shape.key)} came already in {seen[key]}; two "
                    "records with one key would be counted twice."
                )
            if key:
                seen[key] = where
    arrays = [pa.array(v, type=c.type) for c, v in zip(columns, values, strict=True)]
    return pa.Table.from_arrays(arrays, names=[column.name for column in columns])


class _Object(dict[str, Any]):
    """A JSON object that remembers which of its names came twice."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.repeated: set[str] = set()
        if len(self) < len(pairs):
            counts = Counter(name for name, _ in pairs)
            self.repeated = {name for name, count in counts.items() if count > 1}


def _integer(digits: str) -> int | Decimal:
    # Python refuses to read integers of thousands of digits; none beyond 64 bits is one of ours.
    return int(digits) if len(digits) <= 20 else Decimal(digits)


def _records(path: str, body: bytes, shape: Shape) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each record of a body, with the words that say where it stands."""
    answer = _parsed(path, body)
    if not isinstance(answer, _Object):
        raise SchemaError(f"{path}: expected a JSON object, not {_shown(answer)}.")
    for name in (shape.envelope, "error"):
        if name in answer.repeated:
            raise SchemaError(f"{path}: field '{name}' came twice.")
    if answer.get("error") is not None:
        raise SchemaError(f"{path}: the answer is an error: {_as_json(answer['error'])}.")
    kind = "one object" if shape.single else "a list"
    if answer.get(shape.envelope) is None:
        state = "null" if shape.envelope in answer else "missing"
        fields = ", ".join(map(_as_json, list(answer)[:10])) or "no field at all"
        raise SchemaError(
            f"{path}: field '{shape.envelope}' is {state}; it should hold {kind}. "
            f"The answer has {fields}."
        )
    found = answer[shape.envelope]
    if not isinstance(found, dict if shape.single else list):
        raise SchemaError(
            f"{path}: field '{shape.envelope}' should be {kind}, not {_shown(found)}."
        )
    for index, record in enumerate([found] if shape.single else found):
        where = f"{path}: {shape.envelope}" + ("" if shape.single else f"[{index}]")
        if not isinstance(record, dict):
            raise SchemaError(f"{where}: expected an object, not {_shown(record)}.")
        yield where + (f" (id {_shown(record['id'])})" if "id" in record else ""), record


def _parsed(path: str, body: bytes) -> Any:
    if not body.removeprefix(BOM).strip(WHITE):
        raise SchemaError(f"{path}: the answer is empty.")
    try:
        return json.loads(body.decode("utf-8-sig"), object_pairs_hook=_Object, parse_int=_integer)
    except UnicodeDecodeError as error:
        raise SchemaError(f"{path}: byte {error.start} of the answer is not UTF-8.") from None
    except json.JSONDecodeError as error:
        raise SchemaError(
            f"{path}: the answer is not JSON, or was cut off: {error.msg} at character "
            f"{error.pos} of {len(error.doc)}."
        ) from None
    except RecursionError:
        raise SchemaError(f"{path}: the answer is nested too deep to be read.") from None


def _value(record: dict[str, Any], column: Column, where: str) -> Any:
    value: Any = record
    for name in str(column.source).split("."):
        if value is None:
            break
        if not isinstance(value, _Object):
            raise SchemaError(
                f"{where}: field '{column.source}' should stand in an object, not in "
                f"{_shown(value, column)}."
            )
        if name in value.repeated:
            raise SchemaError(f"{where}: field '{column.source}' came twice.")
        value = value.get(name)
    expected, convert = _CONVERTERS[column.type]
    if value is not None:
        try:
            value = convert(value)
        except (ValueError, OverflowError):
            nullable = " or null" if column.nullable else ""
            raise SchemaError(
                f"{where}: field '{column.source}' should be {expected}{nullable}, not "
                f"{_shown(value, column)}."
            ) from None
    if value is None and not column.nullable:
        raise SchemaError(f"{where}: field '{column.source}' is missing or null; it must be there.")
    return value


def _shown(value: Any, column: Column | None = None) -> str:
    """A value in few words, of which none is out of a private column or from inside an object."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if column is not None and column.private and value is not None:
        return "a string" if isinstance(value, str) else "true or false, or a number"
    return _shortened(str(value)) if isinstance(value, Decimal) else _as_json(value)


def _as_json(value: Any) -> str:
    """A value as JSON has it, in one short line."""
    try:
        text = json.dumps(value, default=str)
    except RecursionError:
        text = "(nested too deep to be shown)"
    return _shortened(text)


def _shortened(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}..."


def _to_int(value: Any) -> int:
    if type(value) is not int or not -(2**63) <= value < 2**63:
        raise ValueError
    return value


def _to_float(value: Any) -> float:
    if not isinstance(value, int | float | Decimal) or isinstance(value, bool):
        raise ValueError
    if not math.isfinite(number := float(value)):
        raise ValueError
    return number


def _to_bool(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError
    return value


def _to_text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError
    # A lone surrogate is no character: it becomes U+FFFD, as every browser shows it.
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


_MOMENT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)"
    r"(?:[Tt ](\d\d)(?::(\d\d)(?::(\d\d)(?:\.(\d+))?)?)?(?:[Zz]|([+-])(\d\d)(?::?([0-5]\d))?)?)?",
    re.ASCII,
)


def _to_moment(value: Any) -> datetime | None:
    if not isinstance(value, str):
        raise ValueError
    if value == "":
        return None
    match = _MOMENT.fullmatch(value)
    if match is None:
        raise ValueError
    *parts, fraction, sign, hours, minutes = match.groups(default="0")
    micros = int(fraction[:6].ljust(6, "0"))
    year, month, day, hour, minute, second = map(int, parts)
    moment = datetime(year, month, day, hour, minute, second, micros, tzinfo=UTC)
    if int(hours) > 23:
        raise ValueError
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    return moment + offset if sign == "-" else moment - offset


_CONVERTERS: dict[pa.DataType, tuple[str, Callable[[Any], Any]]] = {
    pa.int64(): ("an integer of at most 64 bits", _to_int),
    pa.float64(): ("a number", _to_float),
    pa.bool_(): ("true or false", _to_bool),
    pa.string(): ("a string", _to_text),
    TIMESTAMP: ("an ISO 8601 timestamp", _to_moment),
}
