"""`read`: response bodies to one Arrow table, as strict as the table is declared."""

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
        Keep the last one of several records with the same key, as overlapping pages have them.

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
    ordered = {c.name: arrays[c.name] for c in table.columns if c.name in arrays}
    return _without_duplicates(pa.table(ordered), table, decoded, drop=drop_duplicates)


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
        Keep the last one of several records with the same key, as overlapping pages have them.

    Returns
    -------
    bytes
        A body from which `read` makes the same table, without the private columns.

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
    decoded = decode_all(sources, bodies, field, is_list=True)
    # Arrow finds what msgspec accepts and `read` would not.
    arrow = pa.table({column.name: make_array(decoded, column) for column in sources})
    arrow = arrow.append_column("record", pa.array(range(len(arrow)), INT))
    rows = _without_duplicates(arrow, table, decoded, drop=drop_duplicates)["record"].to_pylist()
    return msgspec.json.encode({field: [decoded.records[row] for row in rows]})


def _without_duplicates(arrow: pa.Table, table: Table, decoded: Records, *, drop: bool) -> pa.Table:
    """Check that no key is duplicated, or keep only the last record of each key."""
    names = [name for name in table.key if name in arrow.column_names]
    if not names:
        return arrow
    keys = pd.DataFrame({name: arrow[name].to_pandas() for name in names})
    if drop:
        repeated = keys.duplicated(keep="last").to_numpy()
        return arrow.filter(pa.array(~repeated)) if repeated.any() else arrow
    repeated = keys[names[-1]].duplicated(keep=False).to_numpy()
    if repeated.any() and len(names) > 1:
        repeated = keys.duplicated(keep=False).to_numpy()
    if repeated.any():
        first = int(np.flatnonzero(repeated)[0])
        same = (keys == keys.iloc[first]).all(axis=1).to_numpy()
        second = int(np.flatnonzero(same)[1])
        raise SchemaError(
            f"{decoded.describe(second)}: the {', '.join(names)} is a duplicate of "
            f"{decoded.describe(first)}; the row would be counted twice."
        )
    return arrow
