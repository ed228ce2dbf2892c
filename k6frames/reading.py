"""Response bodies to one Arrow table: fast by Arrow behind a gate, else exactly.

The two readers have one meaning. Arrow answers or says nothing; whatever it has the least doubt
about goes to the exact reader.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json

from k6frames.exact import BOM, TIMESTAMP, WHITE, Shape, read_exact

_NO_NUMBER = re.compile(rb"[:,\[{][ \t\r\n]*-?(?:NaN|Inf)")
_BLOCK = 1 << 20
_LONGEST_SOUGHT = 1_000_000
_FIRST = datetime(1, 1, 1, tzinfo=UTC)
_LAST = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)


def read(bodies: Mapping[str, bytes], shape: Shape) -> pa.Table:
    """All records of all bodies as one Arrow table, or a `SchemaError` that names the record."""
    table = read_fast(bodies, shape)
    return read_exact(bodies, shape) if table is None else table


def read_fast(bodies: Mapping[str, bytes], shape: Shape) -> pa.Table | None:
    """What Arrow makes of all bodies at once, or None where anything is in doubt."""
    stripped = [body.removeprefix(BOM).strip(WHITE) for body in bodies.values()]
    # A body `null` crashes Arrow, an empty one vanishes. As every body begins with { and ends
    # with }, no two of them can grow together, and counting the rows finds a body that holds two.
    if not stripped or not all(body[:1] == b"{" and body[-1:] == b"}" for body in stripped):
        return None
    joined = b"\n".join(stripped)
    if not _is_utf8(joined):
        return None
    # Without newlines inside the bodies Arrow cuts at those between them. Else it looks for the end
    # of each object, and loses one above a million bytes unless all are in one block.
    largest = max(map(len, stripped))
    has_newlines = any(b"\n" in body or b"\r" in body for body in stripped)
    block = len(joined) if has_newlines and largest > _LONGEST_SOUGHT else max(_BLOCK, largest)
    options = {"explicit_schema": _response_schema(shape), "newlines_in_values": has_newlines}
    # NaN can hide only in fields that no table declares, so the search for it, which takes half as
    # long as the reading, waits until there are such.
    answers = _by_arrow(joined, block, unexpected_field_behavior="error", **options)
    if answers is None and not _has_no_number(joined):
        answers = _by_arrow(joined, block, unexpected_field_behavior="ignore", **options)
    if answers is None or answers.num_rows != len(stripped):
        return None
    envelope = answers.column(shape.envelope)
    if envelope.null_count:
        return None
    chunks = [chunk if shape.single else chunk.flatten() for chunk in envelope.chunks]
    if any(chunk.null_count for chunk in chunks):
        return None
    arrays = [
        pa.chunked_array([_child(chunk, column.source) for chunk in chunks], type=column.type)
        for column in shape.columns
        if column.source
    ]
    table = pa.Table.from_arrays(arrays, names=[c.name for c in shape.columns if c.source])
    return None if _in_doubt(table, shape) else table


def _by_arrow(text: bytes, block: int, **options: Any) -> pa.Table | None:
    try:
        return pa.json.read_json(
            pa.BufferReader(text),
            read_options=pa.json.ReadOptions(block_size=min(block + 1, 2**31 - 1)),
            parse_options=pa.json.ParseOptions(**options),
        )
    except pa.ArrowException:
        return None


def _is_utf8(text: bytes) -> bool:
    offsets = pa.array([0, len(text)], pa.int64()).buffers()[1]
    view = pa.Array.from_buffers(pa.large_string(), 1, [None, offsets, pa.py_buffer(text)])
    try:
        view.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _has_no_number(text: bytes) -> bool:
    """Whether NaN or Infinity may stand in it, of which Arrow knows more spellings than Python."""
    return (b"NaN" in text or b"Inf" in text) and bool(_NO_NUMBER.search(text))


def _response_schema(shape: Shape) -> pa.Schema:
    tree: dict[str, Any] = {}
    for column in shape.columns:
        if column.source:
            *parents, leaf = column.source.split(".")
            node = tree
            for parent in parents:
                node = node.setdefault(parent, {})
            node[leaf] = column.type
    record = _struct(tree)
    # Of type null, `error` may be absent or null: anything else is Arrow's error, so in doubt.
    return pa.schema(
        [(shape.envelope, record if shape.single else pa.list_(record)), ("error", pa.null())]
    )


def _struct(tree: dict[str, Any]) -> pa.DataType:
    return pa.struct(
        [(name, _struct(node) if isinstance(node, dict) else node) for name, node in tree.items()]
    )


def _child(records: pa.StructArray, source: str) -> pa.Array:
    for name in source.split("."):
        # flatten() hands the nulls of a record on to its fields; field() would not.
        records = records.flatten()[records.type.get_field_index(name)]
    return records


def _in_doubt(table: pa.Table, shape: Shape) -> bool:
    """Whether a value is one that the exact reader would refuse or say something about."""
    for column in shape.columns:
        if column.name not in table.column_names:
            continue
        values = table[column.name]
        if not column.nullable and values.null_count:
            return True
        if column.type == TIMESTAMP and len(values) > values.null_count:
            limits = (
                pc.min_max(values)
                .cast(pa.struct([("min", pa.int64()), ("max", pa.int64())]))
                .as_py()
            )
            if limits["min"] < _micros(_FIRST) or limits["max"] > _micros(_LAST):
                return True
        if column.type == pa.float64() and pc.all(pc.is_finite(values)).as_py() is False:
            return True
    distinct = table.group_by(list(shape.key)).aggregate([]) if shape.key else table
    return bool(distinct.num_rows != table.num_rows)


def _micros(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
