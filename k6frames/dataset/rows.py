"""What a sync does with rows: it converts, merges and compares them."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from k6frames.api.client import Client
from k6frames.dataset.layout import LAST_SEEN
from k6frames.summaries.changes import changes
from k6frames.tables import CHANGES, TEST_RUNS
from k6frames.tables.schema import TIMESTAMP, Table


def time_received(frame: pd.DataFrame, client: Client) -> pd.Timestamp:
    """Return when the rows of a frame were received.

    For a client of a folder of responses, this is its `as_of`.
    """
    if client.folder is not None:
        return pd.Timestamp(client.as_of).as_unit("us")
    # attrs["fetched"] is in whole seconds, and missing if no request was made.
    fetched = frame.attrs.get("fetched") or client.as_of.replace(microsecond=0)
    return pd.Timestamp(fetched).as_unit("us")


def to_arrow(frame: pd.DataFrame, table: Table, seen: pd.Timestamp) -> pa.Table:
    """Return the rows of a frame with a column `last_seen`, which is `seen` in each row."""
    schema = pa.schema([(column.name, column.type) for column in table.columns])
    rows = pa.Table.from_pandas(frame, schema=schema, preserve_index=False)
    last_seen = pa.repeat(pa.scalar(seen.to_pydatetime(), TIMESTAMP), len(rows))
    return rows.replace_schema_metadata(None).append_column(LAST_SEEN.name, last_seen)


def to_frame(rows: pa.Table, table: Table) -> pd.DataFrame:
    """Return rows of a file as a frame of their table, with missing values for missing columns."""
    arrays = {
        column.name: rows[column.name]
        if column.name in rows.column_names
        else pa.nulls(len(rows), column.type)
        for column in table.columns
    }
    return table.conform(table.to_frame(pa.table(arrays)))


def without_private(rows: pa.Table, table: Table) -> pa.Table:
    """Return rows without the private columns of their table."""
    private = {column.name for column in table.columns if column.private}
    return rows.drop_columns([name for name in rows.column_names if name in private])


def merge_rows(existing: pa.Table, received: pa.Table, key: str) -> pa.Table:
    """Return the existing and the received rows. If a row is in both, the received one replaces it.

    A received row that is older than the existing one is ignored. Columns that were not received
    keep their values.

    Parameters
    ----------
    existing : pyarrow.Table
        The rows of a file.
    received : pyarrow.Table
        The rows that the API returned.
    key : str
        The column that identifies a row.
    """
    existing_keys = pd.Index(existing[key].to_numpy())
    positions = existing_keys.get_indexer(pd.Index(received[key].to_numpy()))
    last_seen = _take(existing, LAST_SEEN.name, positions)
    is_used = pc.fill_null(pc.greater_equal(received[LAST_SEEN.name], last_seen), fill_value=True)
    # A time in the future is from a wrong clock, so it does not make the existing row newer.
    now = pa.scalar(datetime.now(UTC), TIMESTAMP)
    is_used = pc.or_kleene(is_used, pc.fill_null(pc.greater(last_seen, now), fill_value=False))
    received, positions = received.filter(is_used), positions[is_used.to_numpy()]
    for field in existing.schema:
        if field.name not in received.schema.names:
            values = _take(existing, field.name, positions)
            received = received.append_column(field.with_nullable(nullable=True), values)
    replaced = pa.array(existing_keys.isin(received[key].to_numpy()))
    kept = existing.filter(pc.invert(replaced))
    return pa.concat_tables([kept, received], promote_options="default")


def drop_old_states(runs: pa.Table) -> pa.Table:
    """Return test runs without duplicates: only the newest state of each run.

    If a sync was killed while a run moved to another month, the run is in the files of both.
    """
    key = list(TEST_RUNS.key)
    states = runs.select([*key, LAST_SEEN.name]).to_pandas()
    newest = states.sort_values(LAST_SEEN.name, kind="stable").drop_duplicates(key, keep="last")
    return runs.take(pa.array(newest.index.sort_values()))


def compare(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Return what has changed between two frames of the same table."""
    if before.equals(after):  # most tables on most days
        return no_changes()
    return changes(before, after)


def no_changes() -> pd.DataFrame:
    """Return a frame of changes without rows."""
    return CHANGES.to_frame(CHANGES.arrow_schema.empty_table())


def _take(rows: pa.Table, name: str, positions: npt.NDArray[np.intp]) -> pa.ChunkedArray:
    """Return the values at some positions; missing where the position is -1."""
    return rows[name].take(pa.array(positions, mask=positions < 0))
