"""A table, declared once: from the declaration come dtypes, files, checks and documentation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd
import pyarrow as pa

from k6frames.errors import SchemaError
from k6frames.exact import TIMESTAMP, Column, Shape
from k6frames.reading import read

__all__ = ["TIMESTAMP", "Column", "Table", "carry"]

# The numpy_nullable family throughout: one missing value, and ids that survive a left join.
_DTYPES: dict[pa.DataType, Any] = {
    pa.int64(): pd.Int64Dtype(),
    pa.float64(): pd.Float64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
    pa.string(): pd.StringDtype("pyarrow", na_value=pd.NA),
    TIMESTAMP: pd.DatetimeTZDtype("us", "UTC"),
}


@dataclass(frozen=True)
class Table:
    """One table that k6frames returns.

    Parameters
    ----------
    name : str
        The table's name; in a response also the name of the list of its records.
    doc : str
        What one row is.
    key : tuple of str
        The columns that together are unique.
    columns : tuple of Column
        In the order in which every frame has them.
    """

    name: str
    doc: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    def read(self, bodies: Mapping[str, bytes], *, envelope: str | None = None) -> pd.DataFrame:
        """Turn response bodies into one typed frame.

        Parameters
        ----------
        bodies : mapping of str to bytes
            What each path answered, as `Client.get_many` gives it.
        envelope : str, optional
            The field that holds one single record, in place of the list named as the table.

        Returns
        -------
        pandas.DataFrame
            All columns of the table with their dtypes, also when there is no record.

        Raises
        ------
        SchemaError
            If anything in any body does not fit; it names the path, the record and the field.

        Examples
        --------
        >>> from k6frames.tables import PROJECTS
        >>> PROJECTS.read({"/v3/organizations/7/projects": b'{"projects": [{"id": 1}]}'})[
        ...     ["project_id", "name", "created"]
        ... ]
           project_id  name created
        0           1  <NA>     NaT
        """
        shape = Shape(self.columns, self.key, envelope or self.name, single=envelope is not None)
        return self.to_frame(read(bodies, shape))

    def to_frame(self, table: pa.Table) -> pd.DataFrame:
        """The pandas form of an Arrow table that has this table's columns."""
        frame: pd.DataFrame = table.to_pandas(types_mapper=_DTYPES.get)
        return frame

    def conform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Give a frame exactly this table's columns, order and dtypes, or say why it cannot.

        Parameters
        ----------
        frame : pandas.DataFrame
            Any frame with these columns among others; it stays as it is.

        Returns
        -------
        pandas.DataFrame
            A new frame with rows numbered from 0; `attrs` are kept.

        Raises
        ------
        SchemaError
            If a column is missing, a value does not fit its type, a required value is missing, or
            two rows have the same key.
        """
        missing = [column.name for column in self.columns if column.name not in frame.columns]
        if missing:
            raise SchemaError(
                f"A frame of the table '{self.name}' needs the columns {', '.join(self.dtypes)}; "
                f"missing: {', '.join(missing)}."
            )
        columns = {column.name: self._conform_column(frame, column) for column in self.columns}
        conformed = pd.DataFrame(columns, index=pd.RangeIndex(len(frame)))
        repeated = _repeated(conformed[list(self.key)])
        if len(repeated):
            row = repeated.iloc[0].to_dict()
            raise SchemaError(
                f"Two rows of the table '{self.name}' have the same key, "
                f"{', '.join(f'{name} {value}' for name, value in row.items())}."
            )
        conformed.attrs = deepcopy(frame.attrs)
        return conformed

    def _conform_column(self, frame: pd.DataFrame, column: Column) -> pd.Series[Any]:
        values = frame[column.name]
        if values.ndim > 1:
            raise SchemaError(f"The column '{column.name}' stands in the frame more than once.")
        values = values.reset_index(drop=True)
        if values.dtype != self.dtypes[column.name]:
            try:
                array = _cast(values, column.type)
            except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
                reason = "" if column.private else f": {str(error).partition(chr(10))[0][:200]}"
                raise SchemaError(
                    f"The column '{column.name}' of the table '{self.name}' should be "
                    f"{self.dtypes[column.name]}, and its {values.dtype} values cannot be that "
                    f"without loss{reason}"
                ) from None
            values = self.to_frame(pa.table({column.name: array}))[column.name]
        if not column.nullable and values.isna().any():
            raise SchemaError(
                f"The column '{column.name}' of the table '{self.name}' has missing values; "
                "every row must have one."
            )
        return values

    @cached_property
    def dtypes(self) -> dict[str, Any]:
        """The pandas dtype of each column, in order."""
        return {column.name: _DTYPES[column.type] for column in self.columns}

    @cached_property
    def arrow_schema(self) -> pa.Schema:
        """The table as an Arrow schema that carries each column's meaning."""
        return pa.schema(
            [
                pa.field(c.name, c.type, metadata={"description": c.doc}, nullable=c.nullable)
                for c in self.columns
            ],
            metadata={"k6frames.table": self.name, "k6frames.description": self.doc},
        )

    def describe(self) -> pd.DataFrame:
        """The declaration as a frame: one row per column.

        Examples
        --------
        >>> from k6frames.tables import PROJECTS
        >>> PROJECTS.describe().loc[0, "meaning"]
        'number of the project'
        """
        rows = [
            (
                c.name,
                str(_DTYPES[c.type]),
                c.name in self.key,
                c.nullable,
                c.private,
                c.source,
                c.doc,
            )
            for c in self.columns
        ]
        names = ["column", "dtype", "key", "nullable", "private", "source", "meaning"]
        return pd.DataFrame(rows, columns=names).astype({"source": "string"})

    def to_text(self) -> str:
        """The declaration as a table of plain text (reStructuredText), for a docstring."""
        lines = [
            (c.name, str(_DTYPES[c.type]), c.doc + (" (private)" if c.private else ""))
            for c in self.columns
        ]
        widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
        rule = "  ".join("=" * width for width in widths)
        body = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in lines]
        return "\n".join([rule, *body, rule])

    def part(self, *names: str) -> Table:
        """Some columns of this table, for a function that needs no more of a frame."""
        columns = tuple(column for column in self.columns if column.name in names)
        return Table(self.name, self.doc, (), columns)

    def public(self, name: str) -> Table:
        """This table without its private columns."""
        shown = tuple(column for column in self.columns if not column.private)
        return Table(name, self.doc, self.key, shown)


def _repeated(keys: pd.DataFrame) -> pd.DataFrame:
    """The keys that came before. A pair can only repeat where its last part does: far cheaper."""
    for name in reversed(keys.columns):
        keys = keys[keys[name].duplicated(keep=False)]
    # A part of a table has no key at all.
    return keys[keys.duplicated()] if len(keys.columns) else keys[:0]


def _cast(values: pd.Series[Any], wanted: pa.DataType) -> pa.Array:
    """The values as another type where nothing is lost by it, and no kind becomes another."""
    if values.isna().all():
        return pa.nulls(len(values), wanted)
    found = pa.Array.from_pandas(values)
    kind = found.type.value_type if pa.types.is_dictionary(found.type) else found.type
    if not any(is_kind(kind) for is_kind in _KINDS[wanted]):
        raise TypeError(f"they are {kind}")
    # Of a Timestamp inside an object column Arrow takes the microseconds and drops the rest.
    if values.dtype == object and any(getattr(v, "nanosecond", 0) > 0 for v in values):
        raise ValueError("nanoseconds would be lost")
    if pa.types.is_floating(kind) and wanted == pa.int64() and values.abs().max() > 2**53:
        raise ValueError("whole numbers beyond 2**53 are not exact as floats")
    # Datetimes without an offset are UTC, here as everywhere in k6frames.
    return found.cast(wanted)


_NUMBERS = (pa.types.is_integer, pa.types.is_floating)
_KINDS: dict[pa.DataType, tuple[Callable[[pa.DataType], bool], ...]] = {
    pa.int64(): _NUMBERS,
    pa.float64(): _NUMBERS,
    pa.bool_(): (pa.types.is_boolean,),
    pa.string(): (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view),
    TIMESTAMP: (pa.types.is_timestamp, pa.types.is_date),
}


def carry(frame: pd.DataFrame, *sources: pd.DataFrame) -> pd.DataFrame:
    """Set on a frame what is known of the answers behind its sources.

    ``attrs["fetched"]`` is the time of the oldest of them; ``attrs["failed"]`` lists what could not
    be fetched and is therefore not in the frame.
    """
    fetched = [source.attrs["fetched"] for source in (frame, *sources) if "fetched" in source.attrs]
    failed = [entry for source in (frame, *sources) for entry in source.attrs.get("failed", [])]
    frame.attrs = {}
    if fetched:
        frame.attrs["fetched"] = min(fetched)
    if failed:
        frame.attrs["failed"] = list({entry["path"]: dict(entry) for entry in failed}.values())
    return frame
