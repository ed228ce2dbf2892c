"""Hypothesis profiles, and the values and frames that the tests of several modules draw."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pyarrow as pa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from k6frames.tables import TABLES, Table
from k6frames.tables.schema import BOOL, FLOAT, INT, STRING, TIMESTAMP

_COMMON: dict[str, Any] = {
    "deadline": None,
    "suppress_health_check": [
        HealthCheck.data_too_large,
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
    ],
}
# The suite draws the same examples each time, so that its result changes only with the code.
settings.register_profile("suite", max_examples=50, derandomize=True, database=None, **_COMMON)
settings.register_profile("long", max_examples=2_500, **_COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))

thorough = settings(max_examples=8 * settings().max_examples)
"""For the claims that everything else depends on."""

AWKWARD_STRINGS = (
    "", " ", "NA", "NULL", "nan", "None", "#N/A", "-", "true", "1", "01", "1.0", " x ", '"',
    '""', "''",
    "a,b", "a;b", "a\tb", "a\nb", "a\r\nb", "a\rb", "\r", "\n", "\x00", "a\x00b", "\x1b[31m",
    "\x85",
    "\u2028", "=1+1", "+1", "-1", "@x", "\uff1dx", "\u202eabc", "\ufeff", "\ufffd", "🚀", "é",
    "e\u0301",
    "2020-01-01", "\\", "\\n", "x" * 300,
)  # fmt: skip

strings = st.sampled_from(AWKWARD_STRINGS) | st.text(st.characters(exclude_categories=["Cs"]))
timestamps = st.datetimes(timezones=st.just(UTC)) | st.sampled_from(
    [
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(2020, 2, 29, 12, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    ]
)
integers = st.integers(-(2**63), 2**63 - 1) | st.integers(0, 9) | st.just(2**53 + 1)

VALUES: dict[pa.DataType, st.SearchStrategy[Any]] = {
    INT: integers,
    FLOAT: st.floats(allow_nan=False),
    BOOL: st.booleans(),
    STRING: strings,
    TIMESTAMP: timestamps,
}


def frames(
    table: Table, *, max_size: int = 8, **values: st.SearchStrategy[Any]
) -> st.SearchStrategy[pd.DataFrame]:
    """Draw frames of a table with unique keys; `values` replaces the values of some columns."""
    cells = {
        column.name: values.get(
            column.name, VALUES[column.type] | st.none() if column.nullable else VALUES[column.type]
        )
        for column in table.columns
    }
    rows = st.lists(
        st.fixed_dictionaries(cells),
        max_size=max_size,
        unique_by=lambda row: tuple(row[name] for name in table.key) if table.key else id(row),
    )
    schema = pa.schema([(column.name, column.type) for column in table.columns])
    return rows.map(lambda drawn: table.to_frame(pa.Table.from_pylist(drawn, schema=schema)))


def build_frame(table: Table, columns: Mapping[str, list[Any]]) -> pd.DataFrame:
    """Return a frame with these columns; the key counts from 1, and all else is missing."""
    size = len(next(iter(columns.values())))
    columns = {**{name: list(range(1, size + 1)) for name in table.key}, **columns}
    return pd.DataFrame(
        {
            name: pd.Series(columns.get(name, [None] * size), dtype=dtype)
            for name, dtype in table.dtypes.items()
        }
    )


tables_with_frames: st.SearchStrategy[tuple[Table, pd.DataFrame]] = st.sampled_from(TABLES).flatmap(
    lambda table: st.tuples(st.just(table), frames(table))
)
"""Any table, and a frame of it."""
