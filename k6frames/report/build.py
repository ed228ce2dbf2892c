"""Write the report: read the account, and move the files into place when all are complete."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd

from k6frames.api.client import Client
from k6frames.api.on_error import OnError
from k6frames.errors import ConfigError
from k6frames.files.csv import to_csv
from k6frames.files.excel import to_excel
from k6frames.files.parquet import to_parquet
from k6frames.loaders.snapshot_folder import temporary_folder
from k6frames.report.account import Account, read_account
from k6frames.report.pages import index_page, table_page, write_datatables
from k6frames.report.sections import make_sections
from k6frames.tables import TABLES

INDEX = "index.html"
_TABLES = {table.name: table for table in TABLES}


def write_report(
    client: Client,
    folder: Path,
    *,
    on_error: OnError = "raise",
    show_message: Callable[[str], None],
    single_file: bool = False,
    since: Path | None = None,
) -> Path:
    """Read the account and write its report into a folder.

    Parameters
    ----------
    client : Client
        The account to read.
    folder : pathlib.Path
        Where to write. Files of the same names are replaced when the report is complete; all other
        files are kept, including those of an earlier report.
    on_error : {"raise", "warn"}, default "raise"
        What to do if an organization or a stack cannot be read; with "warn" the report names it.
    show_message : callable
        Called with a message before each step, and for each part that is left out.
    single_file : bool, default False
        Write one HTML file that needs no other files.
    since : pathlib.Path, optional
        An earlier snapshot of the account; adds a section with the changes since then.

    Returns
    -------
    pathlib.Path
        The page to open.

    Raises
    ------
    APIError
        If the account cannot be read.
    SchemaError
        If a response, or a file of `since`, does not match its table.
    ConfigError
        If no token is found, if `since` is not a snapshot or has nothing in common with the
        account, or if a folder has the name of a file of the report.
    OSError
        If the folder cannot be written to.
    """
    folder = folder.absolute()
    # `temporary_folder` makes a hidden folder next to the path that it gets. Here this is inside
    # `folder` and so on the same disk, which is necessary for moving the files. The path itself,
    # ending in "report", is never created.
    with _ensure_folder(folder), temporary_folder(folder / "report") as staging:
        show_message("reading the account")
        account = read_account(client, staging / "account", on_error=on_error, since=since)
        for reason in account.missing:
            show_message(f"left out: {reason}")
        show_message("drawing the plots")
        page = index_page(account, make_sections(account), single_file=single_file)
        finished = staging / "finished"
        finished.mkdir()
        (finished / INDEX).write_text(page, encoding="utf-8")
        if not single_file:
            show_message("writing the tables")
            _write_tables(account, finished)
        _move_files(finished, folder)
    return folder / INDEX


@contextlib.contextmanager
def _ensure_folder(folder: Path) -> Iterator[None]:
    """Create a folder if it does not exist, and remove it afterwards if it is still empty."""
    is_new = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    finally:
        if is_new:
            with contextlib.suppress(OSError):  # raised if it is not empty
                folder.rmdir()


def _write_tables(account: Account, finished: Path) -> None:
    """Write a page, a CSV and a Parquet file for each table, and one Excel file for all."""
    write_datatables(finished)
    for name, frame in account.tables.items():
        table = _TABLES[name]
        (finished / f"{name}.html").write_text(table_page(account, table, frame), encoding="utf-8")
        to_csv(frame, finished / f"{name}.csv", escape_formulas=True)
        to_parquet(frame, finished / f"{name}.parquet")
    to_excel(_sheets(account.tables), finished / "report.xlsx")


def _sheets(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Return the tables by sheet name, shortened because Excel allows at most 31 characters."""
    return {name.replace("organization", "org"): frame for name, frame in tables.items()}


def _move_files(finished: Path, folder: Path) -> None:
    """Move all finished files into the folder; if a folder has the name of one, raise an error."""
    # The index is last: it links to the other files.
    files = sorted(finished.iterdir(), key=lambda file: file.name == INDEX)
    for file in files:
        if (folder / file.name).is_dir():
            raise ConfigError(
                f"{folder / file.name} is a folder, but the report has a file with this name: "
                "move the folder, or choose another one with --output."
            )
    for file in files:
        file.replace(folder / file.name)
