"""Write frames as Parquet and read them back without loss."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from k6frames.errors import SchemaError
from k6frames.files.atomic import PathLike, atomic_write, check_path
from k6frames.files.extensions import check_extension
from k6frames.files.matching import (
    conform_to_table,
    find_partial_table,
    has_index_to_write,
    replace_columns,
)
from k6frames.tables import find_table
from k6frames.warn import warn_user

_ATTRS = b"PANDAS_ATTRS"
"""Where pandas keeps the `attrs` of a frame in the file's metadata."""

# Arrow's errors for a damaged file, and what pandas raises for damaged metadata.
_DAMAGED_FILE_ERRORS = (
    pa.ArrowException,
    OSError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


def to_parquet(frame: pd.DataFrame, path: PathLike) -> None:
    """Write a frame as Parquet, from which `read_parquet` returns the same frame.

    pandas, DuckDB and Polars read the file with the same types. An existing file is replaced when
    the new one is complete, and is unchanged if anything fails.

    Parameters
    ----------
    frame : pandas.DataFrame
        The frame. Columns of a table keep their types, even if others were added or dropped; added
        columns, and frames that do not match any table, are written as pandas writes them. A frame
        with exactly the columns of a table is written with the description of each column, but
        without its index; the index of any other frame is written if it has a name. The frame's
        `attrs` are also written, and must be plain JSON.
    path : str or path-like
        The file. A pipe, ``/dev/stdout`` and the like are written to and not replaced.

    Raises
    ------
    SchemaError
        If the frame has the columns of a table but its values do not conform to it, if Parquet has
        no type for a column, or if `attrs` are not plain JSON.
    ConfigError
        If `path` is not a valid file name, or has the extension of another format.
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
    check_extension(check_path(path), "parquet")
    frame, _ = conform_to_table(frame)
    attrs = _encode_attrs(frame)
    arrow = _to_arrow(frame)
    arrow = arrow.replace_schema_metadata({**(arrow.schema.metadata or {}), _ATTRS: attrs})
    with atomic_write(path) as temporary:
        try:
            pa.parquet.write_table(arrow, temporary, compression="zstd", write_page_checksum=True)
        except pa.ArrowException as error:
            raise SchemaError(f"The frame cannot be written as Parquet: {error}") from None


def read_parquet(path: PathLike) -> pd.DataFrame:
    """Read a Parquet file with the types of the table that its columns match.

    Parameters
    ----------
    path : str or path-like
        A file that was written by `to_parquet` or another program.

    Returns
    -------
    pandas.DataFrame
        The frame with its `attrs`. pandas chooses the types of added columns and, with a warning,
        all types of a file that does not match any table.

    Raises
    ------
    SchemaError
        If the file is not a Parquet file, is damaged, or has the columns of a table but its values
        do not conform to it.
    ConfigError
        If `path` is not a valid file name.
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
    name = check_path(path)
    try:
        with (
            Path(name).open("rb") as opened,
            pa.parquet.ParquetFile(opened, page_checksum_verification=True) as file,
        ):
            arrow = file.read()
            arrow.validate(full=True)
            table = find_table(arrow.column_names)
            if table is None:
                opened.seek(0)
                frame = pd.read_parquet(opened)  # also restores the index and `attrs`
            else:
                frame = table.to_frame(arrow.replace_schema_metadata(None))
                frame.attrs = dict(json.loads((arrow.schema.metadata or {}).get(_ATTRS, b"{}")))
    except _DAMAGED_FILE_ERRORS as error:
        # An OSError of the operating system has an errno; Arrow's, about a damaged file, has none.
        if isinstance(error, OSError) and error.errno is not None:
            raise
        problem = str(error).partition("\n")[0]
        raise SchemaError(f"{name} is not a Parquet file, or is damaged: {problem}") from None
    if table is None:
        return _conform_partially(name, arrow, frame)
    try:
        return table.conform(frame)
    except SchemaError as error:
        raise SchemaError(f"{name} does not match the table '{table.name}': {error}") from None


def _to_arrow(frame: pd.DataFrame) -> pa.Table:
    if len(set(map(str, frame.columns))) < len(frame.columns):
        raise SchemaError("The frame has duplicate column names, which Parquet does not allow.")
    table = find_table(frame.columns)
    schema = None if table is None else table.arrow_schema
    try:
        return pa.Table.from_pandas(frame, schema, preserve_index=has_index_to_write(frame))
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        # Arrow's own message contains a value, which may be private.
        names = ", ".join(f"'{name}'" for name in frame if not _has_arrow_type(frame[name]))
        raise SchemaError(
            f"Parquet has no type for the values of {names or 'the index'}. Convert them first, "
            'for example with frame.astype({"...": "string"}).'
        ) from None


def _has_arrow_type(values: pd.Series[Any]) -> bool:
    try:
        pa.Array.from_pandas(values)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        return False
    return True


def _encode_attrs(frame: pd.DataFrame) -> bytes:
    for name, value in frame.attrs.items():
        if not isinstance(name, str):
            raise SchemaError(
                f"frame.attrs has the name {name!r}, and Parquet stores only names that are "
                f"strings. Use a string, or delete it with del frame.attrs[{name!r}]."
            )
        try:
            unchanged = json.loads(json.dumps(value, allow_nan=False)) == value
        except (TypeError, ValueError, RecursionError):
            unchanged = False
        if not unchanged:
            raise SchemaError(
                f"frame.attrs[{name!r}] is a {type(value).__name__} that is not plain JSON, and "
                "Parquet stores only that. Convert it to strings, finite numbers, lists and "
                f"dictionaries, or delete it with del frame.attrs[{name!r}]."
            )
    return json.dumps(frame.attrs).encode()


def _conform_partially(name: str, arrow: pa.Table, frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame with the dtypes of the table that it matches in part.

    If there is no such table, or a value does not conform, warn and return the frame unchanged.
    """
    problem = "it does not match any table of k6frames"
    partial = find_partial_table(arrow.column_names)
    if partial is not None:
        selected = arrow.select(list(partial.dtypes)).replace_schema_metadata(None)
        try:
            typed = partial.conform(partial.to_frame(selected))
            # A column of the file that is the frame's index stays as it is.
            return replace_columns(frame, typed[[n for n in typed if n in frame.columns]])
        except SchemaError as error:
            problem = (
                f"it has columns of the table '{partial.name}', but a value does not conform: "
                f"{error}"
            )
    warn_user(f"{name} was read with the types that pandas chooses: {problem}")
    return frame
