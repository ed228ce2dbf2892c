"""Write frames as an Excel workbook for people; k6frames does not read it back."""

from __future__ import annotations

import math
import re
import tempfile
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

import numpy as np
import pandas as pd

from k6frames.errors import ConfigError, SchemaError
from k6frames.files.atomic import PathLike, atomic_write, check_path
from k6frames.files.extensions import check_extension
from k6frames.files.matching import check_frame, conform_to_table, has_index_to_write
from k6frames.tables import closest_table
from k6frames.warn import warn_user

# Excel's limits: https://support.microsoft.com/office/1672b34d-7043-467e-8e27-269d656771c3
MAX_ROWS = 1_048_576
MAX_COLUMNS = 16_384
MAX_STRING_LENGTH = 32_767
MAX_SHEET_NAME_LENGTH = 31
MAX_INTEGER = 10**15 - 1
"""Excel keeps 15 digits of a number; a larger integer is written as a string."""
MIN_DATETIME = datetime(1900, 1, 1)  # noqa: DTZ001 - Excel has no time zones
MAX_DATETIME = datetime(9999, 12, 31, 23, 59, 59, 999_000)  # noqa: DTZ001

MAX_WIDTH = 60
ROWS_FOR_WIDTH = 1_000
"""How many rows are measured to choose the width of a column."""

# What Excel allows. It cannot open a file with control characters or lone surrogates in a name.
_SHEET_NAME = re.compile(r"(?!')[^\[\]:*?/\\\x00-\x1f\ud800-\udfff\ufffe\uffff]+(?<!')")

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")

_DATE_FORMAT = "yyyy-mm-dd"
_DATETIME_FORMAT = 'yyyy-mm-dd hh:mm:ss "UTC"'

Cell = str | bool | int | float | datetime | None


def to_excel(frames: pd.DataFrame | Mapping[str, pd.DataFrame], path: PathLike) -> None:
    """Write frames as an Excel workbook, one sheet per frame.

    Timestamps are Excel dates in UTC, missing values are empty cells, and strings are never
    formulas or links. Integers of more than 15 digits, which Excel would round, and timestamps
    before 1900, for which it has no dates, are strings. The header is frozen and has a filter. An
    existing file is replaced when the new one is complete, and is unchanged if anything fails.

    Parameters
    ----------
    frames : pandas.DataFrame or mapping of str to pandas.DataFrame
        One frame, or a mapping of sheet names to frames. The sheet of a single frame is named after
        its table. An index with a name becomes a column, unless the frame has exactly the columns
        of a table.
    path : str or path-like
        The file, such as ``"projects.xlsx"``.

    Raises
    ------
    ConfigError
        If XlsxWriter is not installed, if Excel does not allow the name of a sheet, or if `path` is
        not a valid file name, or has the extension of another format.
    SchemaError
        If a frame has the columns of a table but its values do not conform to it, or if a frame has
        too many rows or columns for a sheet.
    OSError
        If the file cannot be written.

    Warns
    -----
    UserWarning
        If a string is shortened to the 32,767 characters that a cell can have.

    Examples
    --------
    >>> import k6frames
    >>> client = k6frames.Client.sample()
    >>> projects = k6frames.projects_df(client=client)
    >>> k6frames.to_excel({"Projects": projects, "Newest": projects.tail(10)}, "projects.xlsx")
    """
    try:
        import xlsxwriter  # noqa: PLC0415 - an optional dependency
        from xlsxwriter.exceptions import FileCreateError, XlsxWriterException  # noqa: PLC0415
    except ImportError:
        raise ConfigError(
            'Excel files are written by XlsxWriter: pip install "k6frames[excel]"'
        ) from None
    check_extension(check_path(path), "excel")
    sheets = {name: _to_sheet_frame(frame) for name, frame in _name_sheets(frames).items()}
    with (
        atomic_write(path) as temporary,
        tempfile.TemporaryDirectory(prefix="k6frames-") as folder,
    ):
        # With these options, XlsxWriter writes each row to a file in this folder, and needs a tenth
        # of the memory.
        options = {"constant_memory": True, "tmpdir": folder}
        try:
            with xlsxwriter.Workbook(str(temporary), options) as workbook:
                for name, frame in sheets.items():
                    _write_sheet(workbook, name, frame)
        except FileCreateError as error:
            raise error.args[0] from None  # the OSError that XlsxWriter has wrapped
        except XlsxWriterException as error:
            raise SchemaError(f"The frames cannot be written as Excel: {error}") from None


def _name_sheets(frames: object) -> dict[str, pd.DataFrame]:
    if isinstance(frames, pd.DataFrame):
        table = closest_table(frames.columns)
        return {table.name[:MAX_SHEET_NAME_LENGTH] if table else "Sheet1": frames}
    if not isinstance(frames, Mapping):
        raise SchemaError(
            "Expected a pandas.DataFrame or a mapping of sheet names to frames, not "
            f"{type(frames).__name__}."
        )
    if not frames:
        raise ConfigError("A workbook needs at least one sheet; the mapping of frames is empty.")
    names: set[str] = set()
    for name in frames:
        _check_sheet_name(name)
        if name.casefold() in names:
            raise ConfigError(
                f"Two sheets are named {name!r}; Excel does not distinguish upper and lower case."
            )
        names.add(name.casefold())
    return dict(frames)


def _check_sheet_name(name: object) -> None:
    if not (
        isinstance(name, str)
        and _SHEET_NAME.fullmatch(name)
        and len(_shorten(name, MAX_SHEET_NAME_LENGTH)) == len(name)
        and name.casefold() != "history"
    ):
        raise ConfigError(
            f"Excel does not allow a sheet named {name!r}. A name has 1 to "
            f"{MAX_SHEET_NAME_LENGTH} characters, none of them [ ] : * ? / \\, no ' at its "
            'beginning or end, and is not "History".'
        )


def _to_sheet_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame with the dtypes of its table and its index as columns, and check its size."""
    check_frame(frame)
    if has_index_to_write(frame):
        frame = frame.reset_index(allow_duplicates=True)
    frame, _ = conform_to_table(frame)
    rows, columns = frame.shape
    if rows >= MAX_ROWS or columns > MAX_COLUMNS:
        raise SchemaError(
            f"The frame has {rows:,} by {columns:,} cells, and a sheet has room for "
            f"{MAX_ROWS - 1:,} by {MAX_COLUMNS:,} below its header. Select fewer, or use to_csv "
            "or to_parquet."
        )
    return frame


def _write_sheet(workbook: Any, name: str, frame: pd.DataFrame) -> None:
    sheet = workbook.add_worksheet(name)
    bold = workbook.add_format({"bold": True})
    integer = workbook.add_format({"num_format": "0"})
    columns, formats = [], []  # one list of cells and one date format per column
    for index, label in enumerate(map(str, frame.columns)):
        _check_surrogates(label, f"The name of column {index + 1}")
        cells = _to_cells(frame.iloc[:, index])
        columns.append(cells)
        date_format = _choose_date_format(cells)
        formats.append(workbook.add_format({"num_format": date_format}))
        sheet.set_column(index, index, _choose_width(label, cells, date_format))
        sheet.write_string(0, index, label, bold)
    for row, row_cells in enumerate(zip(*columns, strict=True), start=1):
        for index, cell in enumerate(row_cells):
            if isinstance(cell, str):
                # `write` would turn some strings into formulas, links or numbers.
                sheet.write_string(row, index, cell)
            elif isinstance(cell, bool):
                sheet.write_boolean(row, index, cell)
            elif isinstance(cell, datetime):
                sheet.write_datetime(row, index, cell, formats[index])
            elif cell is not None:
                sheet.write_number(row, index, cell, integer if isinstance(cell, int) else None)
    sheet.freeze_panes(1, 0)
    if columns:
        sheet.autofilter(0, 0, len(frame), len(columns) - 1)


def _to_cells(values: pd.Series[Any]) -> list[Cell]:
    cells = []
    pairs = zip(values.astype(object), values.notna(), strict=True)
    for row, (value, is_present) in enumerate(pairs, start=2):
        cell = _to_cell(value) if is_present else None
        if isinstance(cell, str):
            _check_surrogates(cell, f"Row {row}, column '{values.name}'")
            shortened = _shorten(cell, MAX_STRING_LENGTH)
            if len(shortened) < len(cell):
                cell = shortened
                warn_user(
                    f"Row {row}, column '{values.name}': the string was shortened to "
                    f"{MAX_STRING_LENGTH:,} characters, which is Excel's limit."
                )
        cells.append(cell)
    return cells


def _shorten(text: str, length: int) -> str:
    """Shorten text to a length as Excel counts it: a character beyond U+FFFF counts twice."""
    if 2 * len(text) <= length:
        return text
    return text.encode("utf-16-le")[: 2 * length].decode("utf-16-le", errors="ignore")


def _check_surrogates(text: str, where: str) -> None:
    if not text.isascii() and _LONE_SURROGATE.search(text):
        raise SchemaError(
            f"{where}: the string contains a lone surrogate, which is not a character. Replace it."
        )


def _to_cell(value: Any) -> Cell:
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value) if abs(int(value)) <= MAX_INTEGER else str(value)
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else str(value)
    if isinstance(value, date | np.datetime64):
        return _to_datetime(pd.Timestamp(value))
    return str(value)


def _to_datetime(timestamp: pd.Timestamp) -> datetime | str:
    """Convert a timestamp to UTC without an offset; to a string if Excel has no such date."""
    naive = timestamp if timestamp.tz is None else timestamp.tz_convert("UTC").tz_localize(None)
    # An offset can move a timestamp to the year 0, which has no datetime to compare.
    if naive.year >= MIN_DATETIME.year and naive <= MAX_DATETIME:
        return naive.to_pydatetime(warn=False)
    return naive.isoformat(sep=" ")


def _choose_date_format(cells: list[Cell]) -> str:
    datetimes = [cell for cell in cells if isinstance(cell, datetime)]
    has_times = any(cell.time() != time.min for cell in datetimes)
    return _DATETIME_FORMAT if has_times else _DATE_FORMAT


def _choose_width(label: str, cells: list[Cell], date_format: str) -> int:
    shown = [date_format if isinstance(c, datetime) else str(c) for c in cells[:ROWS_FOR_WIDTH]]
    # Three spaces for the filter button.
    return min(max(map(len, [f"{label}   ", *shown])) + 1, MAX_WIDTH)
