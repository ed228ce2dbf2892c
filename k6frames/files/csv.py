"""Frames to CSV and Parquet and back: without loss, and written whole or not at all."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import re
import secrets
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from k6frames.errors import SchemaError
from k6frames.schema import TIMESTAMP, Table
from k6frames.tables import table_of

PathLike = str | os.PathLike[str]

# What Excel, LibreOffice and Google Sheets run as a formula, full-width forms included.
_FORMULA = "^([=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20])"
_ATTRS = b"PANDAS_ATTRS"  # where pandas itself keeps and looks for them


def to_csv(frame: pd.DataFrame, path: PathLike, *, escape_formulas: bool = False) -> None:
    """Write a frame as CSV, from which `read_csv` makes the same frame again.

    A missing value is written as nothing and an empty text as ``""``; dates are in UTC. A frame
    that fits no table of k6frames is written by pandas' own means. The file is replaced when the
    new one is whole, and stays as it was if anything fails.

    Parameters
    ----------
    frame : pandas.DataFrame
        The frame.
    path : path-like
        The file.
    escape_formulas : bool, default False
        Put ``'`` before a text that a spreadsheet would run as a formula. Use it for files that
        people open in a spreadsheet; such texts do not read back as they were.

    Raises
    ------
    SchemaError
        If the frame has the columns of a table but values that do not fit it.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import k6frames
    >>> organization = k6frames.organization_df(1013, client=k6frames.Client.sample())
    >>> k6frames.to_csv(organization, "organization.csv")
    >>> k6frames.read_csv("organization.csv").equals(organization)
    True
    """
    table = table_of(frame.columns)
    if table is None:
        if _has_names(frame):
            frame = frame.reset_index(allow_duplicates=True)
        if escape_formulas:
            frame = frame.apply(_defused).rename(columns=_defused_cell)
        with replacing(path) as file:
            # By itself a carriage return is not quoted, and what follows it would be a cell of a
            # new row, formula or not.
            frame.to_csv(file, index=False, quoting=csv.QUOTE_NONNUMERIC)
        return
    arrow = pa.Table.from_pandas(
        table.conform(frame), schema=table.arrow_schema, preserve_index=False
    )
    if escape_formulas:
        for index, column in enumerate(arrow.columns):
            if pa.types.is_string(column.type):
                safe = pc.replace_substring_regex(column, _FORMULA, r"'\1")
                arrow = arrow.set_column(index, arrow.schema.field(index), safe)
    # Arrow writes dates with a zone ten times slower than text. In batches, so that all that text
    # is never there at once.
    dates = [index for index, field in enumerate(arrow.schema) if field.type == TIMESTAMP]
    schema = arrow.schema
    for index in dates:
        schema = schema.set(index, schema.field(index).with_type(pa.string()))
    options = pa.csv.WriteOptions(quoting_style="needed")
    with replacing(path) as file, pa.csv.CSVWriter(file, schema, write_options=options) as writer:
        for batch in arrow.to_batches(max_chunksize=1 << 16):
            columns = batch.columns
            for index in dates:
                naive = columns[index].cast(pa.timestamp("us")).cast(pa.string())
                columns[index] = pc.binary_join_element_wise(naive, "Z", "")
            writer.write_batch(pa.record_batch(columns, schema=schema))


def read_csv(path: PathLike) -> pd.DataFrame:
    """Read a CSV file; its header says which table it is.

    Parameters
    ----------
    path : path-like
        A file that `to_csv` wrote, or that somebody changed since.

    Returns
    -------
    pandas.DataFrame
        The frame, typed as its table. A file that fits no table is read by pandas' own means, with
        a warning that says so.

    Raises
    ------
    SchemaError
        If the header is a table's but the file does not fit it.
    OSError
        If the file cannot be read.

    Examples
    --------
    >>> import k6frames
    >>> both = k6frames.organization_projects_df(client=k6frames.Client.sample())
    >>> k6frames.to_csv(both, "both.csv")
    >>> k6frames.read_csv("both.csv").dtypes.equals(both.dtypes)
    True
    """
    table = table_of(_header(path))
    if table is None:
        _warn_untyped(path)
        return pd.read_csv(path)
    try:
        return table.conform(table.to_frame(_read_arrow_csv(path, table)))
    except (pa.ArrowException, SchemaError) as error:
        # Arrow repeats a row that has too few cells, and a row may hold billing data.
        problem = re.sub(r"(columns, got \d+).*", r"\1", str(error), flags=re.DOTALL)
        raise SchemaError(
            f"{path} does not fit the table '{table.name}': {problem.partition(chr(10))[0]}"
        ) from None


def _read_arrow_csv(path: PathLike, table: Table) -> pa.Table:
    def read(block_size: int, *, use_threads: bool) -> pa.Table:
        # Opened here, as Arrow would unpack a file because of its name.
        with pa.OSFile(os.fspath(path)) as file:
            return pa.csv.read_csv(
                file,
                pa.csv.ReadOptions(block_size=block_size, use_threads=use_threads),
                pa.csv.ParseOptions(newlines_in_values=True),
                pa.csv.ConvertOptions(
                    column_types=table.arrow_schema,
                    null_values=[""],
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=False,
                ),
            )

    try:
        return read(1 << 20, use_threads=True)
    except pa.ArrowInvalid:
        # One block for the whole file takes a cell of any length, and one thread counts the rows,
        # so that the error names the one that is wrong.
        size = Path(path).stat().st_size
        return read(min(size + 1, 2**31 - 1), use_threads=False)


def to_parquet(frame: pd.DataFrame, path: PathLike) -> None:
    """Write a frame as Parquet, with the meaning of each column.

    Plain pandas, DuckDB and Polars read it with the same types. A frame that fits no table of
    k6frames is written by pandas' own means. The file is replaced when the new one is whole, and
    stays as it was if anything fails.

    Parameters
    ----------
    frame : pandas.DataFrame
        The frame.
    path : path-like
        The file.

    Raises
    ------
    SchemaError
        If the frame has the columns of a table but values that do not fit it.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import k6frames, pandas
    >>> projects = k6frames.projects_df(client=k6frames.Client.sample())
    >>> k6frames.to_parquet(projects, "projects.parquet")
    >>> pandas.read_parquet("projects.parquet").equals(projects)
    True
    """
    table = table_of(frame.columns)
    if table is None:
        with replacing(path) as file:
            frame.to_parquet(file, index=_has_names(frame), compression="zstd")
        return
    conformed = table.conform(frame)
    arrow = pa.Table.from_pandas(conformed, schema=table.arrow_schema, preserve_index=False)
    arrow = arrow.replace_schema_metadata(
        {**(arrow.schema.metadata or {}), _ATTRS: json.dumps(conformed.attrs).encode()}
    )
    with replacing(path) as file:
        pa.parquet.write_table(arrow, file, compression="zstd", write_page_checksum=True)


def read_parquet(path: PathLike) -> pd.DataFrame:
    """Read a Parquet file; its columns say which table it is.

    Parameters
    ----------
    path : path-like
        A file that `to_parquet` wrote.

    Returns
    -------
    pandas.DataFrame
        The frame, typed as its table, with its `attrs`. A file that fits no table is read by
        pandas' own means, with a warning that says so.

    Raises
    ------
    SchemaError
        If the file is no whole Parquet file, or does not fit the table that its columns name.
    OSError
        If the file cannot be read.

    Examples
    --------
    >>> import k6frames
    >>> organization = k6frames.organization_df(1013, client=k6frames.Client.sample())
    >>> k6frames.to_parquet(organization, "organization.parquet")
    >>> k6frames.read_parquet("organization.parquet").attrs == organization.attrs
    True
    """
    try:
        with (
            Path(path).open("rb") as opened,
            pa.parquet.ParquetFile(opened, page_checksum_verification=True) as file,
        ):
            schema = file.schema_arrow
            table = table_of(schema.names)
            if table is None:
                _warn_untyped(path)
                return pd.read_parquet(path)
            arrow = file.read()
        arrow.validate(full=True)
        frame = table.to_frame(arrow.replace_schema_metadata(None))
        frame.attrs = dict(json.loads((schema.metadata or {}).get(_ATTRS, b"{}")))
    except (pa.ArrowException, OSError, ValueError, TypeError) as error:
        # What the operating system refuses has a number; Arrow's words for damage have none.
        if isinstance(error, OSError) and error.errno is not None:
            raise
        problem = str(error).partition("\n")[0]
        raise SchemaError(f"{path} is no Parquet file, or is damaged: {problem}") from None
    try:
        return table.conform(frame)
    except SchemaError as error:
        raise SchemaError(f"{path} does not fit the table '{table.name}': {error}") from None


@contextlib.contextmanager
def replacing(path: PathLike) -> Iterator[Path]:
    """A temporary file beside `path` that takes its place when the block ends without an error.

    The file gets the rights that the umask gives, and a link is followed to what it names.
    """
    target = Path(path).resolve()
    if target.exists() and not (target.is_file() or target.is_dir()):
        # A pipe or a device, such as /dev/stdout, is written to and not replaced.
        yield target
        return
    temporary = target.with_name(f".k6frames-{secrets.token_hex(8)}.part")
    try:
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(target)
    except OSError as error:
        reason = error.strerror or str(error).splitlines()[0]
        kind = type(error) if type(error).__module__ == "builtins" else OSError
        raise kind(
            error.errno,
            f"{reason}; nothing was written, and an older file is as it was",
            str(target),
        ) from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _header(path: PathLike) -> list[str]:
    """The cells of a CSV file's first row."""
    with Path(path).open(encoding="utf-8-sig", errors="replace", newline="") as file:
        try:
            header = next(csv.reader(file), [])
        except csv.Error:
            # A first row that no table has, such as a cell of 1 MB.
            return [""]
    if not header:
        raise SchemaError(f"{path} is empty: there is not even a header.")
    return header


def _has_names(frame: pd.DataFrame) -> bool:
    """Whether the index says something that the columns do not."""
    return any(name is not None for name in frame.index.names)


def _defused(column: pd.Series[Any]) -> pd.Series[Any]:
    is_text = column.map(lambda cell: isinstance(cell, str))
    return column.astype(object).map(_defused_cell) if is_text.any() else column


def _defused_cell(cell: Any) -> Any:
    return re.sub(_FORMULA, r"'\1", cell) if isinstance(cell, str) else cell


def _warn_untyped(path: PathLike) -> None:
    warnings.warn(
        f"{path} fits no table of k6frames: it was read with pandas' own types.", stacklevel=3
    )
