"""Write rows to files and to standard output."""

from __future__ import annotations

import contextlib
import json
import math
import os
import stat
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from k6frames.cli.messages import InputError, pluralize, printable
from k6frames.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

STDOUT = "-"
# All but "-" are written to as files; they are here for finding conflicts.
_STDOUT_NAMES = {STDOUT, "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"}
_BINARY_FORMATS = {"parquet", "excel"}


def check_destinations(files: Mapping[str, str]) -> None:
    """Raise an `InputError` if an output cannot be written as requested.

    Two outputs must not go to the same file, an extension must not contradict the format, and
    binary data must not go to a terminal.

    Parameters
    ----------
    files : mapping of str to str
        The path to write for each format, such as ``{"csv": "runs.csv"}``.
    """
    from k6frames.files.extensions import check_extension

    format_by_destination: dict[str, str] = {}
    for format_name, path in files.items():
        destination = STDOUT if path in _STDOUT_NAMES else os.path.realpath(path)
        other_format = format_by_destination.get(destination)
        if other_format is not None:
            shown = "standard output" if destination == STDOUT else printable(path)
            raise InputError(
                f"--{other_format} and --{format_name} both write to {shown}: choose another file "
                "for one of them."
            )
        format_by_destination[destination] = format_name
        try:
            check_extension(path, format_name)
        except ConfigError as error:
            raise InputError(f"--{format_name}: {printable(str(error))}") from None
        if format_name in _BINARY_FORMATS and _is_terminal(path):
            raise InputError(
                f"--{format_name} writes binary data, which a terminal cannot show: name a file, "
                "or redirect the output."
            )


def _is_terminal(path: str) -> bool:
    if path == STDOUT:
        return sys.stdout.isatty()
    try:
        # Only a device is opened, because opening a pipe would wait for a reader.
        if not stat.S_ISCHR(Path(path).stat().st_mode):
            return False
        descriptor = os.open(path, os.O_WRONLY | getattr(os, "O_NOCTTY", 0))
    except (OSError, ValueError):
        return False
    try:
        return os.isatty(descriptor)
    finally:
        os.close(descriptor)


def write_files(frame: pd.DataFrame, files: Mapping[str, str]) -> None:
    """Write a frame to a file in each format."""
    from k6frames.files.csv import to_csv
    from k6frames.files.excel import to_excel
    from k6frames.files.parquet import to_parquet

    writers: dict[str, Any] = {
        "csv": to_csv,
        "json": _to_json,
        "parquet": to_parquet,
        "excel": to_excel,
    }
    for format_name, path in files.items():
        with path_or_stdout(path) as output_path:
            writers[format_name](frame, output_path)
        if path != STDOUT:
            click.echo(f"Wrote {pluralize(len(frame), 'row')} to {printable(path)}.", err=True)


def write_json(value: Any, path: str) -> None:
    """Write a value to a JSON file."""
    from k6frames.files.atomic import atomic_write

    text = json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False)
    with atomic_write(path) as temporary:
        temporary.write_text(f"{text}\n", encoding="utf-8")


def _to_json(frame: pd.DataFrame, path: str) -> None:
    """Write a frame as a JSON list with one object per row."""
    # Not DataFrame.to_json, which rounds numbers to ten decimal places by default.
    columns = [[to_json_value(value) for value in frame[name]] for name in frame]
    write_json(
        [dict(zip(frame.columns, row, strict=True)) for row in zip(*columns, strict=True)], path
    )


def to_json_value(value: Any) -> Any:
    """Convert a cell to JSON: timestamps to ISO 8601, missing and infinite values to null."""
    import pandas as pd

    if pd.isna(value) or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if isinstance(value, pd.Timestamp):
        return value.isoformat().replace("+00:00", "Z")
    return value.item() if hasattr(value, "item") else value


@contextlib.contextmanager
def path_or_stdout(path: str) -> Iterator[str]:
    """Yield a path to write to; for ``-``, a temporary file that is copied to standard output."""
    if path != STDOUT:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="k6frames-") as folder:
        file = Path(folder, "output")
        yield str(file)
        data = file.read_bytes()
    if sys.stdout.isatty():  # only for text: check_destinations refuses binary data
        lines = data.decode().splitlines()
        click.echo("\n".join(map(printable, lines)))
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
