"""Tables for people and for pipes."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from k6frames.cli.messages import pluralize, printable

if TYPE_CHECKING:
    import pandas as pd

GAP = 2
"""Spaces between two columns."""
MIN_STRING_WIDTH = 20
"""A column of longer strings is not made narrower than this, or a third of the terminal."""

_PERCENTAGES = {"share", "pass_rate", "change"}
_IDS = {"id", "k6_version"}


@dataclass
class _Column:
    name: str
    cells: list[str]
    is_string: bool
    is_number: bool
    natural_width: int
    min_width: int
    width: int = 0


def print_table(frame: pd.DataFrame, *, total: int, available: int, is_chosen: bool) -> None:
    """Print a table as wide as the terminal; in a pipe complete cells, separated by tabs.

    Parameters
    ----------
    frame : pandas.DataFrame
        The rows and columns.
    total : int
        How many rows there are, if not all are in the frame.
    available : int
        How many columns there are to choose from.
    is_chosen : bool
        Whether the user chose the columns, and is told which ones do not fit.
    """
    if not sys.stdout.isatty():
        _print_complete(frame)
        return
    width = shutil.get_terminal_size().columns
    columns, left_out = _fit([_make_column(frame[name], width) for name in frame], width)
    rule = ["-" * column.width for column in columns]
    rows = zip(*(column.cells for column in columns), strict=True)
    lines = [_line(columns, row) for row in [[c.name for c in columns], rule, *rows]]
    footer = pluralize(total, "row")
    if len(frame) < total:
        footer = f"{len(frame):,} of {footer}"
    if left_out and is_chosen:
        footer += f"; without {', '.join(left_out)}: the terminal is too narrow"
    elif len(columns) < available:
        footer += f"; {len(columns)} of {available} columns: choose others with --columns"
    click.echo("\n".join([*lines, f"({footer})"]))


def _print_complete(frame: pd.DataFrame) -> None:
    columns = [_to_strings(frame[name]) for name in frame]
    rows = ("\t".join(row) for row in zip(*columns, strict=True))
    click.echo("\n".join(["\t".join(frame.columns), *rows]))


def _to_strings(values: pd.Series[Any]) -> list[str]:
    """Return cells without any loss, each on one line."""
    kind = values.dtype.kind
    texts = (None if is_missing else value for value, is_missing in _with_missing(values))
    if kind == "M":
        return [text.isoformat().replace("+00:00", "Z") if text else "" for text in texts]
    if kind == "b":
        return ["" if text is None else str(text).lower() for text in texts]
    return ["" if text is None else printable(str(text)) for text in texts]


def _with_missing(values: pd.Series[Any]) -> zip[tuple[Any, bool]]:
    return zip(values, values.isna(), strict=True)


def _make_column(values: pd.Series[Any], terminal_width: int) -> _Column:
    from rich.cells import cell_len

    name, kind = str(values.name), values.dtype.kind
    cells = _format(name, values)
    natural_width = max(cell_len(cell) for cell in [name, *cells])
    is_string = kind not in "iufMb"
    return _Column(
        name,
        cells,
        is_string=is_string,
        is_number=kind in "iuf",
        natural_width=natural_width,
        min_width=(
            max(cell_len(name), min(natural_width, MIN_STRING_WIDTH, terminal_width // 3))
            if is_string
            else natural_width
        ),
    )


def _format(name: str, values: pd.Series[Any]) -> list[str]:
    """Return cells for people: minutes, thousands separators, few decimals, percentages."""
    kind = values.dtype.kind
    if kind == "M":
        present = values.dropna()
        pattern = "%Y-%m-%d" if (present == present.dt.normalize()).all() else "%Y-%m-%d %H:%M"
        return [
            "" if missing else value.strftime(pattern) for value, missing in _with_missing(values)
        ]
    if kind in "iu" and name not in _IDS and not name.endswith("_id"):
        return ["" if missing else f"{value:,}" for value, missing in _with_missing(values)]
    if kind == "f":
        pattern = _number_pattern(name, values)
        return ["" if missing else f"{value:{pattern}}" for value, missing in _with_missing(values)]
    return _to_strings(values)


def _number_pattern(name: str, values: pd.Series[Any]) -> str:
    if name in _PERCENTAGES:
        return ".1%"
    # Values below 1, such as ratios, need more decimals.
    largest = max((abs(value) for value in values.dropna()), default=0)
    return ",.4f" if 0 < largest < 1 else ",.2f"


def _fit(columns: list[_Column], width: int) -> tuple[list[_Column], list[str]]:
    """Choose the width of each column; what does not fit is left out, and its names returned.

    IDs, dates and numbers are never shortened, so that only strings share the space that is left.
    """
    space = width + GAP
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
    growing = sorted(columns, key=lambda column: column.natural_width - column.min_width)
    for index, column in enumerate(growing):
        share = max(space, 0) // (len(growing) - index)
        grown = min(column.natural_width - column.min_width, share)
        column.width += grown
        space -= grown
    return columns, left_out


def _line(columns: list[_Column], cells: Sequence[str]) -> str:
    pairs = zip(columns, cells, strict=True)
    return (" " * GAP).join(_pad(cell, column) for column, cell in pairs).rstrip()


def _pad(cell: str, column: _Column) -> str:
    from rich.cells import cell_len, set_cell_size

    missing = column.width - cell_len(cell)
    if missing < 0:
        return f"{set_cell_size(cell, column.width - 1)}…"
    return " " * missing + cell if column.is_number else cell + " " * missing
