"""Print a frame: on a terminal as a table, elsewhere as tab-separated lines."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from k6frames.cli.messages import pluralize, printable

if TYPE_CHECKING:
    import pandas as pd

GAP = 2
"""Spaces between two columns."""
MIN_STRING_WIDTH = 20
"""Strings may be shortened to this width; on a narrow terminal, to a third of its width."""

# Columns of IDs whose names do not end in _id. IDs have no thousands separators.
_OTHER_ID_COLUMNS = {"id", "k6_version"}


@dataclass
class _Column:
    name: str
    cells: list[str]
    is_number: bool
    natural_width: int
    min_width: int
    width: int = 0


def print_table(
    frame: pd.DataFrame, *, total_rows: int, total_columns: int, user_chose_columns: bool
) -> None:
    """Print a table that fits the terminal; elsewhere, complete cells separated by tabs.

    Parameters
    ----------
    frame : pandas.DataFrame
        The rows and columns.
    total_rows : int
        How many rows there are, including those that are not in the frame.
    total_columns : int
        How many columns there are to choose from.
    user_chose_columns : bool
        Whether the user chose the columns; if so, the footer names those that do not fit.
    """
    if not sys.stdout.isatty():
        _print_tab_separated(frame)
        return
    width = shutil.get_terminal_size().columns
    columns, left_out = _fit_columns([_make_column(frame[name], width) for name in frame], width)
    rule = ["-" * column.width for column in columns]
    rows = zip(*(column.cells for column in columns), strict=True)
    lines = [_join_cells(columns, row) for row in [[c.name for c in columns], rule, *rows]]
    footer = pluralize(total_rows, "row")
    if len(frame) < total_rows:
        footer = f"{len(frame):,} of {footer}"
    if left_out and user_chose_columns:
        footer += f"; without {', '.join(left_out)}: the terminal is too narrow"
    elif len(columns) < total_columns:
        footer += f"; {len(columns)} of {total_columns} columns: choose others with --columns"
    click.echo("\n".join([*lines, f"({footer})"]))


def _print_tab_separated(frame: pd.DataFrame) -> None:
    columns = [_to_complete_strings(frame[name]) for name in frame]
    rows = ("\t".join(row) for row in zip(*columns, strict=True))
    click.echo("\n".join(["\t".join(frame.columns), *rows]))


def _to_complete_strings(values: pd.Series[Any]) -> list[str]:
    """Return complete values, each on one line."""
    kind = values.dtype.kind
    if kind == "M":
        return _format_each(values, lambda value: value.isoformat().replace("+00:00", "Z"))
    if kind == "b":
        return _format_each(values, lambda value: str(value).lower())
    return _format_each(values, lambda value: printable(str(value)))


def _format_each(values: pd.Series[Any], to_string: Callable[[Any], str]) -> list[str]:
    """Return a string for each value, which is empty if the value is missing."""
    return [
        "" if is_missing else to_string(value)
        for value, is_missing in zip(values, values.isna(), strict=True)
    ]


def _make_column(values: pd.Series[Any], terminal_width: int) -> _Column:
    from rich.cells import cell_len

    name, kind = str(values.name), values.dtype.kind
    cells = _to_readable_strings(name, values)
    natural_width = max(cell_len(cell) for cell in [name, *cells])
    min_width = natural_width
    if kind not in "iufMb":  # neither a number nor a timestamp nor a boolean, so a string
        min_width = min(natural_width, MIN_STRING_WIDTH, terminal_width // 3)
    return _Column(
        name,
        cells,
        is_number=kind in "iuf",
        natural_width=natural_width,
        min_width=max(cell_len(name), min_width),
    )


def _to_readable_strings(name: str, values: pd.Series[Any]) -> list[str]:
    """Format values for people.

    Timestamps are shown to the minute, or as dates if all are at midnight. Integers have thousands
    separators. Floats are rounded, or shown as percentages.
    """
    kind = values.dtype.kind
    if kind == "M":
        present = values.dropna()
        pattern = "%Y-%m-%d" if (present == present.dt.normalize()).all() else "%Y-%m-%d %H:%M"
        return _format_each(values, lambda value: value.strftime(pattern))
    if kind in "iu" and name not in _OTHER_ID_COLUMNS and not name.endswith("_id"):
        return _format_each(values, lambda value: f"{value:,}")
    if kind == "f":
        pattern = _number_pattern(name, values)
        return _format_each(values, lambda value: f"{value:{pattern}}")
    return _to_complete_strings(values)


def _number_pattern(name: str, values: pd.Series[Any]) -> str:
    from k6frames.tables.shared_columns import PERCENTAGES

    if name in PERCENTAGES:
        return ".1%"
    # Values below 1, such as ratios, need more decimals.
    largest = max((abs(value) for value in values.dropna()), default=0)
    return ",.4f" if 0 < largest < 1 else ",.2f"


def _fit_columns(columns: list[_Column], width: int) -> tuple[list[_Column], list[str]]:
    """Return the columns that fit, with their widths, and the names of those that do not.

    IDs, dates and numbers are never shortened; strings share the remaining space.
    """
    space = width + GAP  # there is no gap after the last column
    shown = 0
    for column in columns:
        if column.min_width + GAP > space and shown > 0:
            break
        space -= column.min_width + GAP
        shown += 1
    left_out = [column.name for column in columns[shown:]]
    columns = columns[:shown]
    for column in columns:
        column.width = column.min_width
    # The column that needs the least grows first, so that the others can use the rest of its share.
    growing = sorted(columns, key=lambda column: column.natural_width - column.min_width)
    for index, column in enumerate(growing):
        share = max(space, 0) // (len(growing) - index)
        grown = min(column.natural_width - column.min_width, share)
        column.width += grown
        space -= grown
    return columns, left_out


def _join_cells(columns: list[_Column], cells: Sequence[str]) -> str:
    pairs = zip(columns, cells, strict=True)
    return (" " * GAP).join(_pad(cell, column) for column, cell in pairs).rstrip()


def _pad(cell: str, column: _Column) -> str:
    from rich.cells import cell_len, set_cell_size

    padding = column.width - cell_len(cell)
    if padding < 0:
        return f"{set_cell_size(cell, column.width - 1)}…"
    return " " * padding + cell if column.is_number else cell + " " * padding
