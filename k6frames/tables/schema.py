"""`Column` and `Table`, which declare dtypes, file schemas, checks and documentation."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeVar

import pandas as pd
import pyarrow as pa

from k6frames.errors import SchemaError
from k6frames.tables.conversion import (
    BOOL,
    CONVERSION_CODE,
    FLOAT,
    INT,
    STRING,
    TIMESTAMP,
    LossError,
    cast,
    describe_type,
)
from k6frames.tables.keys import find_duplicates

__all__ = [
    "BOOL",
    "FLOAT",
    "INT",
    "MAX_TIMESTAMP_US",
    "MIN_TIMESTAMP_US",
    "STRING",
    "TIMESTAMP",
    "Column",
    "Table",
    "returns",
]

# The years 1 to 9999, which Python and every reader of Parquet can represent.
MIN_TIMESTAMP_US = -62_135_596_800_000_000
MAX_TIMESTAMP_US = 253_402_300_799_999_999

# Nullable dtypes, so that IDs remain integers after a left join.
_DTYPES: dict[pa.DataType, Any] = {
    INT: pd.Int64Dtype(),
    FLOAT: pd.Float64Dtype(),
    BOOL: pd.BooleanDtype(),
    STRING: pd.StringDtype("pyarrow", na_value=pd.NA),
    TIMESTAMP: pd.DatetimeTZDtype("us", "UTC"),
}


@dataclass(frozen=True)
class Column:
    """One column of a table, and the field of a JSON record that it is read from.

    Parameters
    ----------
    name : str
        The column's name in the frame.
    type : pyarrow.DataType
        ``INT``, ``FLOAT``, ``BOOL``, ``STRING`` or ``TIMESTAMP``. The pandas dtype, the type in
        files and the checks follow from it. A table that is only used to parse responses, and never
        returned as a frame, may also use `parsing.STRING_MAP`.
    doc : str
        What a value means, in one line, with its unit.
    source : str, optional
        The JSON field, dotted for a nested one; None if it is not read from a field directly.
    nullable : bool
        Whether a value may be missing.
    private : bool
        Whether it holds billing data or an e-mail address. Joins, summaries, snapshots and reports
        leave such columns out.
    numeric_strings : bool
        Whether numbers may be strings, such as ``"0.25"``.
    string_list : bool
        Whether the field is a list of strings, which are joined with commas.
    """

    name: str
    type: pa.DataType
    doc: str
    source: str | None = None
    nullable: bool = True
    private: bool = False
    numeric_strings: bool = False
    string_list: bool = False


@dataclass(frozen=True)
class Table:
    """A table that k6frames returns, or uses to parse responses.

    Parameters
    ----------
    name : str
        The table's name.
    doc : str
        What a row represents, such as ``a load test``, and perhaps the order of the rows or which
        of them are included.
    key : tuple of str
        The columns that are unique together.
    columns : tuple of Column
        The columns, in their order in every frame.
    function : str
        The call of the public function that returns the table, such as ``usage(details)``, for
        error messages.
    """

    name: str
    doc: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    function: str = ""

    @cached_property
    def dtypes(self) -> dict[str, Any]:
        """The pandas dtype of each column, in order."""
        return {column.name: _DTYPES[column.type] for column in self.columns}

    @cached_property
    def arrow_schema(self) -> pa.Schema:
        """The table as an Arrow schema that describes each column."""
        return pa.schema(
            [
                pa.field(c.name, c.type, metadata={"description": c.doc}, nullable=c.nullable)
                for c in self.columns
            ],
            metadata={"k6frames.table": self.name, "k6frames.description": self.doc},
        )

    def select(self, *names: str) -> Table:
        """Return the table with only its key and these columns."""
        wanted = {*self.key, *names}
        columns = tuple(column for column in self.columns if column.name in wanted)
        return replace(self, columns=columns)

    def public(self, name: str) -> Table:
        """Return the table under another name and without its private columns."""
        columns = tuple(column for column in self.columns if not column.private)
        return replace(self, name=name, columns=columns)

    def to_frame(self, arrow: pa.Table) -> pd.DataFrame:
        """Convert an Arrow table that has this table's columns to a frame."""
        frame: pd.DataFrame = arrow.to_pandas(types_mapper=_DTYPES.get)
        return frame

    def conform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return a frame with exactly this table's columns, order and dtypes.

        Parameters
        ----------
        frame : pandas.DataFrame
            A frame with at least these columns. It is not changed.

        Returns
        -------
        pandas.DataFrame
            A new frame with a default index and a copy of `attrs`.

        Raises
        ------
        SchemaError
            If `frame` is not a frame, a column is missing, a value does not match its type, a
            required value is missing, or a key is duplicated.
        """
        self._check_columns(frame)
        names = list(self.dtypes)
        # frame[names] takes time even if it selects every column.
        typed = frame if list(frame.columns) == names else frame[names]
        typed = typed.reset_index(drop=True)
        for column in self.columns:
            values = typed[column.name]
            if values.dtype != self.dtypes[column.name]:
                values = self._convert(values, column)
                typed[column.name] = values
            self._check_values(values, column)
        self._check_key(typed)
        typed.attrs = deepcopy(frame.attrs)
        return typed

    def _check_columns(self, frame: pd.DataFrame) -> None:
        source = f", as returned by k6frames.{self.function}" if self.function else ""
        if not isinstance(frame, pd.DataFrame):
            raise SchemaError(
                f"Expected a pandas.DataFrame of the table '{self.name}'{source}, not "
                f"{describe_type(frame)}."
            )
        names = frame.columns
        missing = [column.name for column in self.columns if column.name not in names]
        if missing:
            noun = "column" if len(missing) == 1 else "columns"
            in_index = any(name in frame.index.names for name in missing)
            raise SchemaError(
                f"Expected a frame of the table '{self.name}'{source}. This frame has no {noun} "
                f"{', '.join(missing)}; it has {', '.join(map(str, names)) or 'no columns'}."
                + (" Turn its index into columns with frame.reset_index()." if in_index else "")
            )
        duplicated = names[names.duplicated()]
        for column in self.columns:
            if column.name in duplicated:
                raise SchemaError(
                    f"The frame has more than one column '{column.name}'. Keep the first with "
                    "frame.loc[:, ~frame.columns.duplicated()]."
                )

    def _convert(self, values: pd.Series[Any], column: Column) -> pd.Series[Any]:
        try:
            arrow = cast(values, column.type)
        except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
            first_line = str(error).partition("\n")[0][:200]
            # The error may quote a value of the column.
            reason = "" if column.private else f" ({first_line})"
            advice = "Read CSV files with k6frames.read_csv"
            if not isinstance(error, LossError):
                code = CONVERSION_CODE[column.type].format(name=column.name)
                advice += f", or convert the column with {code}"
            raise SchemaError(
                f"The column '{column.name}' of the table '{self.name}' must be "
                f"{self.dtypes[column.name]}; its {values.dtype} values cannot be converted "
                f"without loss{reason}. {advice}."
            ) from None
        return pd.Series(self.dtypes[column.name].__from_arrow__(arrow))

    def _check_values(self, values: pd.Series[Any], column: Column) -> None:
        if not column.nullable and values.hasnans:
            raise SchemaError(
                f"The column '{column.name}' of the table '{self.name}' has missing values. "
                f"Remove these rows with frame.dropna(subset='{column.name}')."
            )
        if column.type == TIMESTAMP:
            # Comparing integers is five times as fast as `values.min()` and `values.max()`. The
            # integer of a missing value is the smallest one.
            microseconds = values.array.asi8
            is_too_early = (microseconds < MIN_TIMESTAMP_US) & values.notna().to_numpy()
            if is_too_early.any() or (microseconds > MAX_TIMESTAMP_US).any():
                raise SchemaError(
                    f"The column '{column.name}' of the table '{self.name}' has timestamps outside "
                    "the years 1 to 9999."
                )

    def _check_key(self, typed: pd.DataFrame) -> None:
        duplicates = find_duplicates(typed, self.key)
        if len(duplicates):
            key = ", ".join(f"{name} {duplicates[name].iloc[0]}" for name in self.key)
            raise SchemaError(
                f"The table '{self.name}' has a duplicate key ({key}); the row would be counted "
                f"twice. Remove duplicates with frame.drop_duplicates({list(self.key)})."
            )

    def describe(self) -> pd.DataFrame:
        """Return the columns and their properties as a frame, one row per column.

        Examples
        --------
        >>> from k6frames.tables import PROJECTS
        >>> PROJECTS.describe().loc[0, "meaning"]
        'project ID'
        """
        rows = [
            {
                "column": c.name,
                "dtype": str(_DTYPES[c.type]),
                "key": c.name in self.key,
                "nullable": c.nullable,
                "private": c.private,
                "source": c.source,
                "meaning": c.doc,
            }
            for c in self.columns
        ]
        return pd.DataFrame(rows).astype({"source": "string"})

    def to_text(self) -> str:
        """Return the declaration as a table in reStructuredText, for a docstring."""
        lines = [
            (c.name, str(_DTYPES[c.type]), f"{c.doc} (private)" if c.private else c.doc)
            for c in self.columns
        ]
        widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
        rule = "  ".join("=" * width for width in widths)
        body = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in lines]
        return "\n".join([rule, *body, rule])


_Function = TypeVar("_Function", bound=Callable[..., pd.DataFrame])


def returns(*tables: Table) -> Callable[[_Function], _Function]:
    """Add the columns of the tables that a function returns to its docstring.

    A function with several tables returns one of them, depending on its arguments. They are also
    the function's attribute `tables`.
    """

    def declare(function: _Function) -> _Function:
        blocks = [
            f"Table ``{table.name}``: one row is {table.doc}; key: {', '.join(table.key)}.\n\n"
            + table.to_text()
            for table in tables
        ]
        columns = "\n\n".join(["Columns\n-------", *blocks])
        function.__doc__ = f"{inspect.cleandoc(function.__doc__ or '')}\n\n{columns}\n"
        function.tables = tables  # type: ignore[attr-defined]
        return function

    return declare
