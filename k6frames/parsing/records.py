"""Read the records of response bodies as an Arrow table, or merge them into one body."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa

from k6frames.errors import SchemaError
from k6frames.parsing.columns import make_array
from k6frames.parsing.decoding import Records, decode_all
from k6frames.tables.schema import INT, Table


def read(
    table: Table,
    bodies: Mapping[Any, bytes],
    *,
    field: str = "value",
    is_list: bool = True,
    constants: Mapping[str, Sequence[Any]] | None = None,
    drop_duplicates: bool = False,
) -> pa.Table:
    """Read the records of all bodies as one Arrow table.

    Parameters
    ----------
    table : Table
        What the records look like.
    bodies : mapping of request to bytes
        The response to each request; ``str(request)`` is shown in messages.
    field : str, default "value"
        The field of a body that holds the records.
    is_list : bool, default True
        Whether it holds a list of records, or one record.
    constants : mapping of str to sequence, optional
        Columns that no response contains, such as ``stack_id``: one value for each body.
    drop_duplicates : bool, default False
        Keep only the last record of each key. Overlapping pages contain records twice.

    Returns
    -------
    pyarrow.Table
        The table's columns that have a source or are constant, in order.

    Raises
    ------
    SchemaError
        If anything in any body does not match the table.

    Examples
    --------
    >>> from k6frames import parsing
    >>> from k6frames.tables import PROJECTS
    >>> body = b'{"projects": [{"id": 1, "created": "2026-01-02T03:04:05Z"}]}'
    >>> arrow = parsing.read(PROJECTS, {"/v3/organizations/7/projects": body}, field="projects")
    >>> PROJECTS.to_frame(arrow)[["project_id", "name", "created"]]
       project_id  name                   created
    0           1  <NA> 2026-01-02 03:04:05+00:00
    """
    sources = tuple(column for column in table.columns if column.source)
    decoded = decode_all(sources, bodies, field, is_list)
    arrays = {column.name: make_array(decoded, column) for column in sources}
    counts = [end - start for start, end in pairwise([0, *decoded.ends])]
    for name, values in (constants or {}).items():
        repeated = [v for v, count in zip(values, counts, strict=True) for _ in range(count)]
        arrays[name] = pa.array(repeated, type=table.arrow_schema.field(name).type)
    arrow = pa.table({c.name: arrays[c.name] for c in table.columns if c.name in arrays})
    if drop_duplicates:
        return _keep_last(arrow, table)
    _check_unique(arrow, table, decoded)
    return arrow


def public_records(
    table: Table,
    bodies: Mapping[Any, bytes],
    *,
    field: str = "value",
    drop_duplicates: bool = False,
) -> bytes:
    """Encode the records of all bodies as one body that has only declared, public fields.

    Parameters
    ----------
    table : Table
        What the records look like.
    bodies : mapping of request to bytes
        The response to each request; ``str(request)`` is shown in messages.
    field : str, default "value"
        The field of a body that holds the list of records.
    drop_duplicates : bool, default False
        Keep only the last record of each key. Overlapping pages contain records twice.

    Returns
    -------
    bytes
        A body from which `read` makes the same table, with missing values in the private columns.

    Raises
    ------
    SchemaError
        If anything in any body does not match the table.

    Examples
    --------
    >>> from k6frames import parsing
    >>> from k6frames.tables import ORGANIZATIONS
    >>> body = b'{"organizations": [{"id": 1, "vat_number": "GB 1", "logo": "x.png"}]}'
    >>> parsing.public_records(ORGANIZATIONS, {"/v3/organizations": body}, field="organizations")
    b'{"organizations":[{"id":1}]}'
    """
    sources = tuple(c for c in table.columns if c.source and not c.private)
    # The decoded records have only the fields of these columns. Encoding leaves out missing values.
    decoded = decode_all(sources, bodies, field, is_list=True)
    # Making the arrays checks what decoding does not, such as timestamps.
    arrow = pa.table({column.name: make_array(decoded, column) for column in sources})
    if drop_duplicates:
        arrow = arrow.append_column("index", pa.array(range(len(arrow)), INT))
        kept = _keep_last(arrow, table)["index"].to_pylist()
        return msgspec.json.encode({field: [decoded.records[index] for index in kept]})
    _check_unique(arrow, table, decoded)
    return msgspec.json.encode({field: decoded.records})


def _keep_last(arrow: pa.Table, table: Table) -> pa.Table:
    """Return only the last row of each key."""
    keys = _keys(arrow, table)
    is_repeated = keys.duplicated(keep="last").to_numpy()
    return arrow.filter(pa.array(~is_repeated)) if is_repeated.any() else arrow


def _check_unique(arrow: pa.Table, table: Table, decoded: Records) -> None:
    """Raise an error that names the first duplicate key, if there is one."""
    keys = _keys(arrow, table)
    # The last column of a key is usually the record's ID. If its values are unique, so are the
    # keys, and this is faster to check.
    if keys.empty or not keys.iloc[:, -1].duplicated().any():
        return
    is_repeated = keys.duplicated(keep=False).to_numpy()
    if is_repeated.any():
        first = int(np.flatnonzero(is_repeated)[0])
        is_same = (keys == keys.iloc[first]).all(axis=1).to_numpy()
        second = int(np.flatnonzero(is_same)[1])
        raise SchemaError(
            f"{decoded.describe(second)} has the same {', '.join(map(str, keys))} as "
            f"{decoded.describe(first)}; the row would be counted twice."
        )


def _keys(arrow: pa.Table, table: Table) -> pd.DataFrame:
    """Return the key columns of an Arrow table.

    The tables of `public_records` lack the key column `stack_id`, which is not a field of a record.
    """
    names = [name for name in table.key if name in arrow.column_names]
    return pd.DataFrame({name: arrow[name].to_pandas() for name in names})
