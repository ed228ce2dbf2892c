"""What a dataset has and what was received, in one table of rows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from k6frames.dataset.layout import LAST_SEEN
from k6frames.tables.schema import TIMESTAMP, Table


def to_arrow(frame: pd.DataFrame, table: Table, seen: pd.Timestamp) -> pa.Table:
    """Return the rows of a frame, with the timestamp at which they were received."""
    schema = pa.schema([(column.name, column.type) for column in table.columns])
    rows = pa.Table.from_pandas(frame, schema=schema, preserve_index=False)
    last_seen = pa.repeat(pa.scalar(seen.to_pydatetime(), TIMESTAMP), len(rows))
    return rows.replace_schema_metadata(None).append_column(LAST_SEEN.name, last_seen)


def merge_rows(existing: pa.Table, received: pa.Table, key: str) -> pa.Table:
    """Return the rows of both, where a received row takes the place of the one with its key.

    A row stays if nothing with its key was received, or only something older. Columns that were
    not received keep their values.

    Parameters
    ----------
    existing : pyarrow.Table
        The rows of a file.
    received : pyarrow.Table
        Rows that have been received.
    key : str
        The column that is unique in each of them.
    """
    existing_keys = pd.Index(existing[key].to_numpy())
    positions = existing_keys.get_indexer(pd.Index(received[key].to_numpy()))
    before = _take(existing, LAST_SEEN.name, positions)
    is_newer = pc.fill_null(pc.greater_equal(received[LAST_SEEN.name], before), fill_value=True)
    received, positions = received.filter(is_newer), positions[is_newer.to_numpy()]
    for field in existing.schema:
        if field.name not in received.schema.names:
            values = _take(existing, field.name, positions)
            received = received.append_column(field.with_nullable(nullable=True), values)
    replaced = pa.array(existing_keys.isin(received[key].to_numpy()))
    kept = existing.filter(pc.invert(replaced))
    return pa.concat_tables([kept, received], promote_options="default")


def _take(rows: pa.Table, name: str, positions: npt.NDArray[np.intp]) -> pa.ChunkedArray:
    """Return values by their positions; -1 is a missing value."""
    return rows[name].take(pa.array(positions, mask=positions < 0))
