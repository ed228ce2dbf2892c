"""Decode bodies to records with msgspec, which is fast and strict about JSON types.

The type of a record is made from the columns to read. All other fields are skipped.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

import msgspec

from k6frames.errors import SchemaError
from k6frames.parsing.json_types import JSON_TYPES
from k6frames.parsing.mismatches import explain_mismatch, shorten
from k6frames.tables.schema import Column


class Records(NamedTuple):
    """The decoded records of all bodies, and where each one came from."""

    records: list[Any]
    requests: list[Any]
    ends: list[int]
    """For the response to each request, the index after its last record."""
    field: str
    is_list: bool

    def describe(self, row: int) -> str:
        """Return the response, the index and the ID of a record, for a message."""
        position = bisect_right(self.ends, row)
        index = row - (self.ends[position - 1] if position > 0 else 0)
        place = f"{self.requests[position]}: {self.field}"
        if self.is_list:
            place += f"[{index}]"
        record_id = getattr(self.records[row], "id", None)
        return place if record_id is None else f"{place} (id {record_id})"


def decode_all(
    columns: tuple[Column, ...], bodies: Mapping[Any, bytes], field: str, is_list: bool
) -> Records:
    """Decode all bodies, each with its records in the same field."""
    decoder = _decoder(columns, field, is_list)
    records: list[Any] = []
    ends: list[int] = []
    for request, body in bodies.items():
        content = _decode(decoder, columns, field, is_list, str(request), body)
        records += content if is_list else [content]
        ends.append(len(records))
    return Records(records, list(bodies), ends, field, is_list)


@cache
def _decoder(
    columns: tuple[Column, ...], field: str, is_list: bool
) -> msgspec.json.Decoder[msgspec.Struct]:
    """Make the decoder of a body: an object with the records in `field`, or with an error."""
    record = _record_type("Record", [(str(c.source).split("."), c) for c in columns])
    content = list[record] if is_list else record  # type: ignore[valid-type]
    body = msgspec.defstruct(
        "Body",
        [
            (field, content | None | msgspec.UnsetType, msgspec.UNSET),
            ("error", msgspec.Raw, msgspec.Raw(b"null")),
        ],
    )
    return msgspec.json.Decoder(body)


def _record_type(name: str, columns: list[tuple[list[str], Column]]) -> Any:
    """Make the type of an object from its columns, each with the path of its field."""
    fields: list[tuple[Any, ...]] = []
    nested: dict[str, list[tuple[list[str], Column]]] = {}
    for (first, *rest), column in columns:
        if rest:
            nested.setdefault(first, []).append((rest, column))
        elif column.nullable:
            fields.append((first, _json_type(column) | None, None))
        else:
            fields.append((first, _json_type(column)))
    for first, inner in nested.items():
        fields.append((first, _record_type(first, inner) | None, None))
    return msgspec.defstruct(
        name,
        sorted(fields, key=len),  # required fields, which are pairs, must be first
        gc=False,  # faster, and records have no reference cycles
        omit_defaults=True,  # so that `public_records` does not write missing fields as null
    )


def _json_type(column: Column) -> Any:
    if column.string_list:
        return list[str]
    if column.numeric_strings:
        return float | str
    return JSON_TYPES[column.type]


def _decode(
    decoder: msgspec.json.Decoder[msgspec.Struct],
    columns: tuple[Column, ...],
    field: str,
    is_list: bool,
    request: str,
    body: bytes,
) -> Any:
    """Return the content of `field` in a body: a list of records, or one record."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SchemaError(f"{request}: byte {error.start} of the response is not UTF-8.") from None
    if not text.strip():
        raise SchemaError(f"{request}: the response is empty.")
    try:
        decoded = decoder.decode(text)
    except msgspec.ValidationError as error:
        document = _decode_untyped(request, text)
        raise SchemaError(explain_mismatch(error, columns, is_list, request, document)) from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise _json_error(request, error) from None
    raw_error = bytes(decoded.error).decode()  # type: ignore[attr-defined]
    if raw_error != "null":
        raise SchemaError(f"{request}: the response is an error: {shorten(raw_error)}.")
    content = getattr(decoded, field)
    if content is msgspec.UNSET or content is None:
        state = "null" if content is None else "missing"
        names = ", ".join(list(_decode_untyped(request, text))[:10]) or "no fields"
        raise SchemaError(
            f"{request}: the field '{field}' is {state}. The response has {shorten(names)}."
        )
    return content


def _decode_untyped(request: str, text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise _json_error(request, error) from None


def _json_error(request: str, error: Exception) -> SchemaError:
    if isinstance(error, RecursionError):
        return SchemaError(f"{request}: the response is nested too deeply.")
    return SchemaError(f"{request}: the response is not complete, valid JSON ({error}).")
