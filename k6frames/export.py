"""Frames to CSV and Parquet and back: without loss, and written whole or not at all."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import secrets
import warnings
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from k6frames.errors import SchemaError
from k6frames.tables import table_of

PathLike = str | os.PathLike[str]

# What Excel, LibreOffice and Google Sheets run as a formula, full-width forms included.
_FORMULA = r"^([=+\-@\t\r\n\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}])"
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
        if escape_formulas:
            frame = frame.apply(_defused)
        with replacing(path) as file:
            frame.to_csv(file, index=_has_names(frame))
        return
    arrow = pa.Table.from_pandas(
        table.conform(frame), schema=table.arrow_schema, preserve_index=False
    )
    if escape_formulas:
        for index, column in enumerate(arrow.columns):
            if pa.types.is_string(column.type):
                safe = pc.replace_substring_regex(column, _FORMULA, r"'\1")
                arrow = arrow.set_column(index, arrow.schema.field(index), safe)
    with replacing(path) as file:
        pa.csv.write_csv(arrow, file, pa.csv.WriteOptions(quoting_style="needed"))


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
    with Path(path).open(encoding="utf-8-sig", errors="replace", newline="") as file:
        header = next(csv.reader(file), [])
    table = table_of(header)
    if table is None:
        _warn_untyped(path)
        return pd.read_csv(path)
    convert = pa.csv.ConvertOptions(
        column_types=table.arrow_schema,
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )
    # A cell longer than a block cannot be read; one block for the whole file takes any, slowly.
    for block in (1 << 20, Path(path).stat().st_size + 1):
        try:
            arrow = pa.csv.read_csv(
                path,
                read_options=pa.csv.ReadOptions(block_size=block),
                parse_options=pa.csv.ParseOptions(newlines_in_values=True),
                convert_options=convert,
            )
            break
        except pa.ArrowInvalid as error:
            problem = str(error).splitlines()[0]
            if "straddl" not in problem:
                raise SchemaError(
                    f"{path} does not fit the table '{table.name}': {problem}"
                ) from None
    return table.conform(table.to_frame(arrow))


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
        pa.parquet.write_table(arrow, file, compression="zstd")


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
        with pa.parquet.ParquetFile(path) as file:
            schema = file.schema_arrow
            table = table_of(schema.names)
            if table is None:
                _warn_untyped(path)
                return pd.read_parquet(path)
            arrow = file.read()
    except pa.ArrowInvalid as error:
        problem = str(error).splitlines()[0]
        raise SchemaError(f"{path} is no Parquet file, or is damaged: {problem}") from None
    frame = table.conform(table.to_frame(arrow.replace_schema_metadata(None)))
    frame.attrs = json.loads((schema.metadata or {}).get(_ATTRS, b"{}"))
    return frame


@contextlib.contextmanager
def replacing(path: PathLike) -> Iterator[Path]:
    """A temporary file beside `path` that takes its place when the block ends without an error.

    The file gets the rights that the umask gives, and a link is followed to what it names.
    """
    target = Path(path).resolve()
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


def _has_names(frame: pd.DataFrame) -> bool:
    """Whether the index says something that the columns do not."""
    return any(name is not None for name in frame.index.names)


def _defused(column: pd.Series) -> pd.Series:
    texts = column.map(lambda cell: isinstance(cell, str))
    if not texts.any():
        return column
    return column.mask(texts, column[texts].str.replace(_FORMULA_PANDAS, r"'\1", regex=True))


_FORMULA_PANDAS = r"^([=+\-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20])"


def _warn_untyped(path: PathLike) -> None:
    warnings.warn(
        f"{path} fits no table of k6frames: it was read with pandas' own types.", stacklevel=3
    )
