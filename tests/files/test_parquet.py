"""Parquet: what other programs read, attrs, foreign files and damage."""

from __future__ import annotations

import contextlib
import math
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import example, given
from strategies import AWKWARD_STRINGS, build_frame, tables_with_frames

from k6frames.errors import SchemaError
from k6frames.files.parquet import read_parquet, to_parquet
from k6frames.tables import PROJECTS, TABLES, Table
from k6frames.tables.schema import BOOL, FLOAT, INT, STRING, TIMESTAMP

AWKWARD = build_frame(PROJECTS, {"name": [*AWKWARD_STRINGS, None]})


@given(drawn=tables_with_frames)
@example(drawn=(PROJECTS, AWKWARD))
def test_pandas_polars_and_duckdb_read_the_same_types_and_values(
    drawn: tuple[Table, pd.DataFrame],
) -> None:
    table, frame = drawn
    to_parquet(frame, "frame.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet("frame.parquet"), frame)
    expected = pa.Table.from_pandas(frame, preserve_index=False).to_pylist()

    from_polars = pl.read_parquet("frame.parquet")
    types = {
        INT: pl.Int64(),
        FLOAT: pl.Float64(),
        BOOL: pl.Boolean(),
        STRING: pl.String(),
        TIMESTAMP: pl.Datetime("us", "UTC"),
    }
    assert dict(from_polars.schema) == {c.name: types[c.type] for c in table.columns}
    assert from_polars.to_dicts() == expected

    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        from_duckdb: Any = connection.sql("SELECT * FROM 'frame.parquet'").to_arrow_table()
    assert dict(zip(from_duckdb.column_names, from_duckdb.schema.types, strict=True)) == {
        c.name: c.type for c in table.columns
    }
    assert from_duckdb.to_pylist() == expected


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_the_file_describes_the_table_and_each_column(table: Table) -> None:
    to_parquet(build_frame(table, {name: [] for name in table.key}), "frame.parquet")
    schema = pa.parquet.read_schema("frame.parquet")
    assert schema.metadata[b"k6frames.table"].decode() == table.name
    assert schema.metadata[b"k6frames.description"].decode() == table.doc
    for field, column in zip(schema, table.columns, strict=True):
        assert field.metadata[b"description"].decode() == column.doc
        assert field.nullable == column.nullable


# --- attrs ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("frame", [AWKWARD, AWKWARD.assign(x=1), pd.DataFrame({"a": [1]})])
@pytest.mark.filterwarnings("ignore:.*does not match any table")
def test_attrs_are_kept(frame: pd.DataFrame) -> None:
    frame = frame.copy()
    frame.attrs = {"fetched": "2026-07-01T00:00:00+00:00", "failed": [{"org_id": 1, "path": "é"}]}
    to_parquet(frame, "frame.parquet")
    assert read_parquet("frame.parquet").attrs == frame.attrs
    assert pd.read_parquet("frame.parquet").attrs == frame.attrs


@pytest.mark.parametrize(
    "value",
    [datetime(2026, 1, 1, tzinfo=UTC), {1, 2}, (1, 2), {1: 2}, math.nan, math.inf, object()],
)
def test_attrs_that_are_not_plain_json_are_refused(value: Any) -> None:
    frame = build_frame(PROJECTS, {"name": ["a"]})
    frame.attrs["mine"] = value
    with pytest.raises(SchemaError, match=r"frame\.attrs\['mine'\] is a \w+ that is not plain"):
        to_parquet(frame, "frame.parquet")
    assert not Path("frame.parquet").exists()


def test_a_name_in_attrs_that_is_not_a_string_is_refused() -> None:
    frame = build_frame(PROJECTS, {"name": ["a"]})
    frame.attrs[1] = "a"
    with pytest.raises(SchemaError, match=r"frame\.attrs has the name 1, .* del frame\.attrs\[1\]"):
        to_parquet(frame, "frame.parquet")


# --- types that Parquet does not have -------------------------------------------------------------


def test_columns_without_a_parquet_type_are_named() -> None:
    frame = AWKWARD.head(2).assign(mixed=[1, "a"], complex=[1j, 2j], fine=[1, 2])
    with pytest.raises(SchemaError, match="no type for the values of 'mixed', 'complex'"):
        to_parquet(frame, "frame.parquet")


def test_duplicate_column_names_are_refused() -> None:
    frame = pd.DataFrame([[1, 2]], columns=["a", "a"])
    with pytest.raises(SchemaError, match="duplicate column names"):
        to_parquet(frame, "frame.parquet")


# --- files of other programs ----------------------------------------------------------------------


def test_a_file_of_another_program_is_conformed() -> None:
    plain = pd.DataFrame({name: [None] for name in PROJECTS.dtypes}).assign(
        project_id=np.array([5], "int32"), created=pd.to_datetime(["2020-01-01"])
    )
    plain.to_parquet("frame.parquet")
    pd.testing.assert_frame_equal(read_parquet("frame.parquet"), PROJECTS.conform(plain))


def test_a_file_without_pandas_metadata_and_with_an_added_column_keeps_the_types() -> None:
    frame = build_frame(PROJECTS, {"org_id": [2**53 + 1, None]})
    arrow = pa.Table.from_pandas(frame).replace_schema_metadata(None)
    pa.parquet.write_table(arrow.append_column("x", pa.array([1, 2])), "frame.parquet")
    pd.testing.assert_frame_equal(read_parquet("frame.parquet"), frame.assign(x=[1, 2]))


@pytest.mark.parametrize(
    ("column", "value"), [("project_id", "x"), ("project_id", None), ("created", "2020-01-01")]
)
def test_a_file_that_does_not_conform_is_named(column: str, value: Any) -> None:
    AWKWARD.head(1).assign(**{column: [value]}).to_parquet("frame.parquet")
    with pytest.raises(SchemaError, match=r"^frame\.parquet does not match the table 'projects': "):
        read_parquet("frame.parquet")


# --- damage ---------------------------------------------------------------------------------------


def test_a_damaged_file_is_an_error_or_has_the_same_values() -> None:
    to_parquet(AWKWARD, "complete.parquet")
    complete = Path("complete.parquet").read_bytes()
    expected = AWKWARD.set_axis(range(len(AWKWARD.columns)), axis="columns")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # if a column name is damaged, the table is another one
        for place in range(0, len(complete), 23):
            damaged = bytearray(complete)
            damaged[place] ^= 0x55
            Path("frame.parquet").write_bytes(damaged)
            with contextlib.suppress(SchemaError):
                frame = read_parquet("frame.parquet")
                values = frame.set_axis(range(len(frame.columns)), axis="columns")
                pd.testing.assert_frame_equal(values, expected, check_dtype=False)


@pytest.mark.parametrize("cut", [0, 1, 4, 100, -1, -9])
def test_a_truncated_file_is_named(cut: int) -> None:
    to_parquet(AWKWARD, "frame.parquet")
    Path("frame.parquet").write_bytes(Path("frame.parquet").read_bytes()[:cut])
    with pytest.raises(SchemaError, match=r"^frame\.parquet is not a Parquet file, or is damaged"):
        read_parquet("frame.parquet")


def test_damaged_values_are_detected() -> None:
    to_parquet(build_frame(PROJECTS, {"org_id": list(range(100_000))}), "frame.parquet")
    damaged = bytearray(Path("frame.parquet").read_bytes())
    start = pa.parquet.ParquetFile("frame.parquet").metadata.row_group(0).column(3).data_page_offset
    damaged[start + 2000] ^= 1
    Path("frame.parquet").write_bytes(damaged)
    with pytest.raises(SchemaError, match="is damaged"):
        read_parquet("frame.parquet")


def test_invalid_utf8_is_detected() -> None:
    invalid = pa.array([b"\xff"]).cast(pa.string(), safe=False)
    columns = {column.name: pa.nulls(1, column.type) for column in PROJECTS.columns}
    table = pa.table({**columns, "project_id": [1], "name": invalid})
    pa.parquet.write_table(table, "frame.parquet")
    with pytest.raises(SchemaError, match=r"frame\.parquet .* damaged"):
        read_parquet("frame.parquet")
