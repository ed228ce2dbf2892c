"""Sort rows, choose columns, and print a table or write files."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

from k6frames.cli.files import write_files
from k6frames.cli.messages import InputError, printable
from k6frames.cli.options import RowOptions
from k6frames.cli.terminal_table import print_table

if TYPE_CHECKING:
    import pandas as pd


def list_rows(
    frame: pd.DataFrame, options: RowOptions, default_columns: Sequence[str], *, noun: str = "rows"
) -> None:
    """Write rows to the files that the options name, or print them as a table.

    Parameters
    ----------
    frame : pandas.DataFrame
        All rows and columns.
    options : RowOptions
        Which rows and columns to show, and in which order.
    default_columns : sequence of str
        The columns of the table, most important first, if the user chooses none.
    noun : str
        What the rows are, in the plural. If there are no rows, a terminal shows "No {noun}."
    """
    private_names = [name for name in frame.columns if name in _private_columns()]
    available = [name for name in frame.columns if options.private or name not in private_names]
    chosen = _parse_names("--columns", options.columns)
    _check_names("--columns", chosen, available, private_names)
    frame = _sort(frame, options.sort, available, private_names)
    total = len(frame)
    if options.limit is not None:
        # pandas refuses integers of more than 64 bits.
        frame = frame.head(min(options.limit, total))
    frame = frame.reset_index(drop=True)
    if options.files:
        write_files(frame[chosen or available], options.files)
        return
    shown = chosen or [*default_columns, *(name for name in private_names if options.private)]
    if total == 0 and sys.stdout.isatty():
        click.echo(f"No {noun}.")
        return
    print_table(
        frame[shown],
        total_rows=total,
        total_columns=len(available),
        user_chose_columns=bool(chosen),
    )


def _private_columns() -> set[str]:
    from k6frames.tables import TABLES

    return {column.name for table in TABLES for column in table.columns if column.private}


def _sort(
    frame: pd.DataFrame, names: str | None, available: list[str], private_names: list[str]
) -> pd.DataFrame:
    keys = _parse_names("--sort", names)
    columns = [key.removeprefix("-") for key in keys]
    _check_names("--sort", columns, available, private_names)
    if not columns:
        return frame
    return frame.sort_values(
        columns,
        ascending=[not key.startswith("-") for key in keys],
        key=_ignore_case,
        kind="stable",
        na_position="last",
    )


def _ignore_case(values: pd.Series[Any]) -> pd.Series[Any]:
    return values.str.casefold() if values.dtype == "string" else values


def _parse_names(option: str, names: str | None) -> list[str]:
    if names is None:
        return []
    found = [name.strip() for name in names.split(",") if name.strip()]
    if not found:
        raise InputError(f"{option} names no column.")
    return found


def _check_names(
    option: str, names: Iterable[str], available: list[str], private_names: list[str]
) -> None:
    seen: set[str] = set()
    for name in names:
        if name in private_names and name not in available:
            raise InputError(f"The column {name} is private: add --private to see it.")
        if name not in available:
            raise InputError(
                f"{option}: there is no column {printable(name)!r}. The columns are "
                f"{', '.join(available)}."
            )
        if name in seen:
            raise InputError(f"{option}: the column {name} is given twice.")
        seen.add(name)
