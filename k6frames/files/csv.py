"""Write frames as CSV and read them back without loss."""

from __future__ import annotations

import csv
import re
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from k6frames.errors import SchemaError
from k6frames.files.atomic import PathLike, atomic_write, check_path
from k6frames.files.compression import find_compression, open_compressed, read_compressed
from k6frames.files.extensions import check_extension
from k6frames.files.matching import (
    check_frame,
    conform_to_table,
    find_partial_table,
    has_index_to_write,
    replace_columns,
)
from k6frames.tables import Table, find_table
from k6frames.tables.schema import BOOL, FLOAT, INT, STRING, TIMESTAMP
from k6frames.warn import warn_user

# Excel, LibreOffice and Google Sheets may treat a string as a formula if it begins with =, +, - or
# @, or their full-width forms (the last four). An import may remove a tab or line break before
# these, so a string that begins with one of them is escaped, whatever comes next.
_FORMULA = "^([=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20])"

_EXPECTED = {
    INT: "an integer (signed, 64-bit)",
    FLOAT: "a number",
    BOOL: "true or false",
    STRING: "a string in UTF-8",
    TIMESTAMP: "a timestamp with an offset, such as 2026-07-01T12:00:00Z",
}


def to_csv(frame: pd.DataFrame, path: PathLike, *, escape_formulas: bool = False) -> None:
    """Write a frame as CSV, from which `read_csv` returns the same frame if it matches a table.

    In the columns of a table, a missing value is an empty cell, an empty string is ``""``, and
    timestamps are in UTC. In other columns, `read_csv` cannot tell an empty string from a missing
    value. The file is compressed if its name ends in ``.gz``, ``.bz2``, ``.xz``, ``.zip`` or
    ``.zst``. An existing file is replaced when the new one is complete, and is unchanged if
    anything fails. `attrs` are not written.

    Parameters
    ----------
    frame : pandas.DataFrame
        The frame. Columns of a table keep their types, even if others were added or dropped; added
        columns, and frames that do not match any table, are written as pandas writes them. An index
        with a name becomes a column, unless the frame has exactly the columns of a table.
    path : str or path-like
        The file. A pipe, ``/dev/stdout`` and the like are written to and not replaced.
    escape_formulas : bool, default False
        Put ``'`` before a string that a spreadsheet would run as a formula. Use it for files that
        people open in a spreadsheet; `read_csv` keeps the ``'``.

    Raises
    ------
    SchemaError
        If the frame has the columns of a table but its values do not conform to it.
    ConfigError
        If `path` is not a valid file name, or has the extension of another format.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import k6frames
    >>> organization = k6frames.organization_df(1013, client=k6frames.Client.sample())
    >>> k6frames.to_csv(organization, "organization.csv.gz")
    >>> k6frames.read_csv("organization.csv.gz").equals(organization)
    True
    """
    check_frame(frame)
    name = check_path(path)
    check_extension(name, "csv")
    compression = find_compression(name)
    if has_index_to_write(frame):
        frame = frame.reset_index(allow_duplicates=True)
    frame, table = conform_to_table(frame)
    if escape_formulas:
        frame = frame.apply(_escape_column).rename(columns=_escape_cell)
    with (
        atomic_write(name) as temporary,
        open_compressed(temporary, compression, Path(name).stem) as file,
    ):
        try:
            if table is None:
                _write_with_pandas(frame, file)
            else:
                _write_with_arrow(frame, table, file)
        except (ValueError, TypeError, csv.Error) as error:
            raise SchemaError(f"The frame cannot be written as CSV: {error}") from None


def read_csv(path: PathLike) -> pd.DataFrame:
    """Read a CSV file with the types of the table that its header matches.

    Parameters
    ----------
    path : str or path-like
        A file that was written by `to_csv` or another program. It is decompressed if its name ends
        in ``.gz``, ``.bz2``, ``.xz``, ``.zip`` or ``.zst``.

    Returns
    -------
    pandas.DataFrame
        The frame. pandas infers the types of added columns and, with a warning, all types of a file
        that does not match any table.

    Raises
    ------
    SchemaError
        If the header is that of a table but a row does not conform to it, or if the file is
        damaged. The message names the file and, if a cell cannot be read, its column and row (the
        header is row 1; blank lines do not count).
    ConfigError
        If `path` is not a valid file name.
    OSError
        If the file cannot be read.

    Examples
    --------
    >>> import k6frames
    >>> both = k6frames.organization_projects_df(client=k6frames.Client.sample())
    >>> k6frames.to_csv(both.assign(team="A"), "both.csv")
    >>> k6frames.read_csv("both.csv")[both.columns].equals(both)
    True
    """
    name = check_path(path)
    data = read_compressed(name)
    header = _read_header(name, data)
    table = find_table(header)
    if table is not None:
        try:
            return table.conform(table.to_frame(_parse(data, table, header)))
        except (pa.ArrowException, SchemaError) as error:
            problem = _describe_error(error, table, header)
            raise SchemaError(
                f"{name} does not match the table '{table.name}': {problem}"
            ) from None
    # The most similar table, reduced to the columns in the header; None if no table is similar.
    partial = find_partial_table(header)
    reason = "it does not match any table of k6frames"
    if partial is not None:
        try:
            return _read_partial(data, partial, header)
        except (pa.ArrowException, SchemaError) as error:
            reason = (
                f"it has columns of the table '{partial.name}', but a value does not conform: "
                f"{_describe_error(error, partial, header)}"
            )
    warn_user(f"{name} was read with the types that pandas infers: {reason}")
    try:
        return pd.read_csv(BytesIO(data), low_memory=False)
    except (ValueError, OverflowError) as error:
        raise SchemaError(f"{name} cannot be read as CSV: {error}") from None


# --- writing --------------------------------------------------------------------------------------


def _escape_column(column: pd.Series[Any]) -> pd.Series[Any]:
    if isinstance(column.dtype, pd.StringDtype):
        return column.str.replace(_FORMULA, r"'\1", regex=True)
    cells = column.astype(object)
    has_strings = any(isinstance(cell, str) for cell in cells)
    return cells.map(_escape_cell) if has_strings else column


def _escape_cell(cell: Any) -> Any:
    return re.sub(_FORMULA, r"'\1", cell) if isinstance(cell, str) else cell


def _write_with_pandas(frame: pd.DataFrame, file: Any) -> None:
    # QUOTE_NONNUMERIC, because otherwise a carriage return is not quoted, and the rest of its cell
    # would be a new row, which may begin with a formula.
    frame.to_csv(file, index=False, quoting=csv.QUOTE_NONNUMERIC)


def _write_with_arrow(frame: pd.DataFrame, table: Table, file: Any) -> None:
    arrow = pa.table(
        [
            pa.Array.from_pandas(values) if name in table.dtypes else _to_writable(values)
            for name, values in frame.items()
        ],
        names=list(map(str, frame.columns)),
    )
    # Arrow writes strings ten times faster than timestamps with a time zone. Timestamps become
    # strings in batches, so that not all of the strings are in memory at once.
    schema = arrow.schema
    timestamps = [index for index, field in enumerate(schema) if field.type == TIMESTAMP]
    for index in timestamps:
        schema = schema.set(index, schema.field(index).with_type(pa.string()))
    options = pa.csv.WriteOptions(quoting_style="needed")
    with pa.csv.CSVWriter(file, schema, write_options=options) as writer:
        for batch in arrow.to_batches(max_chunksize=1 << 16):
            columns = batch.columns
            for index in timestamps:
                naive = columns[index].cast(pa.timestamp("us")).cast(pa.string())
                columns[index] = pc.binary_join_element_wise(naive, "Z", "")
            writer.write_batch(pa.record_batch(columns, schema=schema))


def _to_writable(values: pd.Series[Any]) -> pa.Array:
    """Convert an added column so that its type can be inferred when it is read."""
    dtype = values.dtype
    if pd.api.types.is_integer_dtype(dtype) or pd.api.types.is_bool_dtype(dtype):
        return pa.Array.from_pandas(values)
    # Arrow would write 1.0 as 1, and cannot convert many other types to strings.
    return pa.Array.from_pandas(values.astype("string"))


# --- reading --------------------------------------------------------------------------------------


def _read_header(name: str, data: bytes) -> list[str]:
    text = TextIOWrapper(BytesIO(data), encoding="utf-8-sig", errors="replace", newline="")
    try:
        header = next((row for row in csv.reader(text) if row), None)
    except csv.Error:
        # For example, a cell is larger than 128 KB. [""] does not match any table, so `read_csv`
        # reads the file with pandas.
        return [""]
    if header is None:
        raise SchemaError(f"{name} is empty: it has no header.")
    return header


def _read_partial(data: bytes, partial: Table, header: list[str]) -> pd.DataFrame:
    """Read the columns of `partial` with its types, and the others as pandas infers them."""
    arrow = _parse(data, partial, header)
    typed = partial.conform(partial.to_frame(arrow.select(list(partial.dtypes))))
    others = [name for name in header if name not in partial.dtypes]
    if not others:
        return typed[header]
    try:
        added = arrow.select(others)
    except (KeyError, UnicodeDecodeError):
        raise SchemaError("a column name is not UTF-8.") from None
    # pandas reads only the other columns, because it takes empty strings for missing values.
    buffer = BytesIO()
    pa.csv.write_csv(added, buffer)
    buffer.seek(0)
    inferred = pd.read_csv(buffer, skip_blank_lines=False, low_memory=False)
    # pandas has named the columns that have no name in the header, so its names are used.
    inferred_names = iter(inferred.columns)
    names = [name if name in partial.dtypes else next(inferred_names) for name in header]
    # `reindex` adds empty columns for those of `typed`, in the order of the header.
    return replace_columns(inferred.reindex(columns=names), typed)


def _parse(data: bytes, table: Table, header: list[str]) -> pa.Table:
    """Parse the columns of a table with its types, and others as strings."""
    types = {name: pa.string() for name in header} | {c.name: c.type for c in table.columns}

    def parse(block_size: int, *, use_threads: bool) -> pa.Table:
        return pa.csv.read_csv(
            pa.BufferReader(data),
            pa.csv.ReadOptions(block_size=block_size, use_threads=use_threads),
            pa.csv.ParseOptions(newlines_in_values=True),
            pa.csv.ConvertOptions(
                column_types=types,
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )

    try:
        return parse(1 << 20, use_threads=True)
    except pa.ArrowInvalid:
        # Try again with a single block, because a cell must fit into a block, and with a single
        # thread, because only then do errors have the number of the row.
        return parse(min(len(data) + 1, 2**31 - 1), use_threads=False)


def _describe_error(error: Exception, table: Table, header: list[str]) -> str:
    """Return why a file cannot be read, without any value that may be private."""
    text = str(error)
    if isinstance(error, SchemaError):
        return text
    if match := re.search(r"Row #(\d+): Expected (\d+) columns, got (\d+)", text):
        row, in_header, in_row = match.groups()
        return f"row {row} has {in_row} cells, and the header has {in_header}."
    if match := re.match(r"In CSV column #(\d+): Row #(\d+): ", text):
        name = header[int(match[1])]
        column = next((column for column in table.columns if column.name == name), None)
        expected = _EXPECTED[column.type if column else STRING]
        value = re.search(r"'(.*)'", text, flags=re.DOTALL)
        # In a row whose cells have moved, a private value may be in a public column.
        may_be_private = any(other.private for other in table.columns)
        found = f", not {value[1][:80]!r}" if value and not may_be_private else ""
        return f"row {match[2]}, column '{name}': expected {expected}{found}."
    return text.partition("\n")[0]
