"""The command line `k6frames`. Commands import what they need when they run."""

from __future__ import annotations

import os
import sys
import tempfile
import unicodedata
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from k6frames.errors import ConfigError, K6FramesError

if TYPE_CHECKING:
    import pandas as pd

    from k6frames.client import Client
    from k6frames.schema import Table

_NEEDS = "This needs {}: install it with pip install 'k6frames[notebook]'."
_SHOWN = {
    "organizations": ["org_id", "name", "created", "updated", "is_default"],
    "projects": ["project_id", "name", "org_id", "created", "updated", "is_default"],
}


def main() -> None:
    """Run the command line, with every expected error as one line on stderr."""
    warnings.showwarning = _say_warning
    try:
        cli(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (K6FramesError, OSError) as error:
        if isinstance(error, BrokenPipeError):
            # Whoever read our output has seen enough. Python would complain while it closes stdout.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(1)
        click.echo(f"k6frames: {_one_line(error)}", err=True)
        sys.exit(1)
    except (KeyboardInterrupt, click.Abort):
        # Not sys.exit: it would wait for threads that wait for a silent server. Nothing is lost by
        # it: files are replaced when they are whole, and each answer is kept as it comes.
        os._exit(130)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="k6frames")
def cli() -> None:
    """k6 Cloud organizations and projects as tables, files and a report.

    The token is taken from K6_CLOUD_TOKEN, or from what `k6 cloud login` stored. With --sample the
    invented sample account answers, and no token is needed.
    """


def _reading(command: Callable[..., None]) -> Callable[..., None]:
    """The options of every command that reads an account."""
    for option in (
        click.option(
            "--on-error",
            type=click.Choice(["raise", "warn"]),
            default="raise",
            show_default=True,
            help="Where an organization cannot be read: stop, or leave it out and say so.",
        ),
        click.option("--refresh", is_flag=True, help="Fetch anew what is in the cache."),
        click.option("--offline", is_flag=True, help="Answer from the cache alone, however old."),
        click.option("--sample", is_flag=True, help="Read the invented sample account."),
    ):
        command = option(command)
    return command


def _listing(command: Callable[..., None]) -> Callable[..., None]:
    """The options of every command that lists rows."""
    to_file = click.Path(dir_okay=False, allow_dash=True)
    for option in (
        click.option("--json", "json_file", type=to_file, help="Write JSON to a file, or - ."),
        click.option("--parquet", "parquet_file", type=to_file, help="Write Parquet, or - ."),
        click.option("--csv", "csv_file", type=to_file, help="Write CSV to a file, or - ."),
        click.option("--columns", help="The columns to show or write, with commas between them."),
        click.option("--sort", help="The column to sort by; with - in front the largest first."),
        click.option("--org", help="Only this organization: its number or its name."),
    ):
        command = option(command)
    return _reading(command)


@cli.command()
@_listing
def organizations(**options: Any) -> None:
    """List the organizations."""
    from k6frames import frames, tables

    with _client(options) as client:
        frame = frames.organizations_df(client=client)
        if options["org"]:
            frame = frame[frame["org_id"] == _find_organization(frame, options["org"])]
    _list_out(frame, tables.ORGANIZATIONS, options)


@cli.command()
@_listing
def projects(**options: Any) -> None:
    """List the projects of all organizations, or of one."""
    from k6frames import frames, tables

    with _client(options) as client:
        wanted = None
        if options["org"]:
            wanted = _find_organization(frames.organizations_df(client=client), options["org"])
        frame = frames.projects_df(wanted, client=client, on_error=options["on_error"])
    _list_out(frame, tables.PROJECTS, options)


@cli.command()
@_reading
def summary(**options: Any) -> None:
    """Show the account at a glance."""
    from k6frames import frames, settings, summaries

    as_of = settings.SAMPLE_TODAY if options["sample"] else None
    with _client(options) as client:
        both = frames.organization_projects_df(client=client, on_error=options["on_error"])
    glance = summaries.account_summary(both, as_of=as_of).iloc[0]
    largest = summaries.projects_per_organization(both).head(1)
    lines = {
        "organizations": glance["organizations"],
        "  without projects": glance["empty_organizations"],
        "projects": glance["projects"],
        "  created in the last 30 days": glance["created_30_days"],
        "  created in the last 365 days": glance["created_365_days"],
        "  not updated for 180 days": glance["idle_180_days"],
        "first created": _cell(glance["first_created"]),
        "last created": _cell(glance["last_created"]),
    }
    for _, row in largest.iterrows():
        lines["most projects"] = f"{_cell(row['org_name'])} ({row['projects']})"
    lines["looked at"] = _cell(glance["as_of"])
    width = max(map(len, lines))
    for label, value in lines.items():
        shown = f"{value:,}" if isinstance(value, int) else str(value)
        click.echo(f"{label.ljust(width)}  {shown}")


@cli.command()
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default="k6frames-report",
    show_default=True,
    help="The folder to write to; other files in it stay.",
)
@click.option("--open", "open_it", is_flag=True, help="Open the report in the browser.")
@_reading
def report(output: Path, open_it: bool, **options: Any) -> None:
    """Write a report: pages, plots, and every table as CSV and Parquet."""
    try:
        from k6frames.report import write_report
    except ModuleNotFoundError as error:
        raise ConfigError(_NEEDS.format(error.name)) from None
    with _client(options) as client:
        index = write_report(
            client,
            output,
            on_error=options["on_error"],
            say=lambda step: click.echo(step, err=True),
        )
    click.echo(index)
    if open_it:
        click.launch(index.as_uri())


@cli.command()
@click.option("--clear", is_flag=True, help="Remove what is kept.")
def cache(clear: bool) -> None:
    """Show where answers are kept, how many and how old; or clear them."""
    from k6frames import cache as caching
    from k6frames.settings import cache_root

    root = cache_root()
    click.echo(root)
    held = caching.holdings(root)
    for one in held:
        click.echo(f"  {one.folder.name}: {one}")
    if not held:
        click.echo("  nothing is kept")
    elif clear:
        caching.clear(root)
        click.echo("  cleared")


@cli.command()
@click.argument(
    "folder", type=click.Path(file_okay=False, path_type=Path), default="k6frames-notebooks"
)
def lab(folder: Path) -> None:
    """Copy the notebooks into FOLDER and start JupyterLab there.

    FOLDER is k6frames-notebooks unless told; a notebook that is in it already stays as it is.
    """
    import shutil
    from importlib.util import find_spec

    from k6frames.settings import data_folder

    if find_spec("jupyterlab") is None:
        raise ConfigError(_NEEDS.format("JupyterLab"))
    folder.mkdir(parents=True, exist_ok=True)
    for notebook in sorted(data_folder("notebooks").glob("*.ipynb")):
        target = folder / notebook.name
        if target.exists():
            click.echo(f"kept {target}, it is there already", err=True)
        else:
            shutil.copyfile(notebook, target)
            click.echo(f"copied {target}", err=True)
    os.execv(sys.executable, [sys.executable, "-m", "jupyterlab", str(folder)])  # noqa: S606


# --- what the commands share --------------------------------------------------------------------


def _client(options: dict[str, Any]) -> Client:
    from k6frames.client import Client

    return Client(
        api_url="sample:" if options["sample"] else None,
        refresh=options["refresh"],
        offline=options["offline"],
    )


def _find_organization(organizations: pd.DataFrame, wanted: str) -> int:
    """The number of the organization that the user means by a number or a name."""
    if wanted.isdecimal() and int(wanted) in set(organizations["org_id"]):
        return int(wanted)
    names = organizations["name"].fillna("").str.casefold()
    for found in (
        organizations[names == wanted.casefold()],
        organizations[names.str.contains(wanted.casefold(), regex=False)],
    ):
        if len(found) == 1:
            return int(found["org_id"].iloc[0])
        if len(found) > 1:
            several = ", ".join(
                f"{r.org_id} ({_cell(r.name)})" for r in found.itertuples(index=False)
            )
            raise click.UsageError(f"{wanted!r} may be any of: {several}. Give the number.")
    known = ", ".join(
        f"{r.org_id} ({_cell(r.name)})" for r in organizations.itertuples(index=False)
    )
    raise click.UsageError(f"No organization {wanted!r} among: {known or 'none'}.")


def _list_out(frame: pd.DataFrame, table: Table, options: dict[str, Any]) -> None:
    """Sort, choose columns, and write to files or to the terminal."""
    from k6frames import export

    if options["sort"]:
        column = options["sort"].removeprefix("-")
        _check_columns([column], table)
        frame = frame.sort_values(column, ascending=column == options["sort"], kind="stable")
    chosen = [name.strip() for name in (options["columns"] or "").split(",") if name.strip()]
    _check_columns(chosen, table)
    frame = (frame[chosen] if chosen else frame).reset_index(drop=True)
    writers = {
        options["csv_file"]: export.to_csv,
        options["parquet_file"]: export.to_parquet,
        options["json_file"]: _to_json,
    }
    writers.pop(None, None)
    for path, write in writers.items():
        with _file_or_stdout(path) as file:
            write(frame, file)
        if path != "-":
            click.echo(f"wrote {len(frame):,} {table.name} to {path}", err=True)
    if not writers:
        _print_table(frame[chosen or _SHOWN[table.name]])


def _check_columns(names: Sequence[str], table: Table) -> None:
    public = [column.name for column in table.columns if not column.private]
    for name in names:
        if name not in public:
            raise click.UsageError(f"No column {name!r} among: {', '.join(public)}.")


def _to_json(frame: pd.DataFrame, path: str) -> None:
    from k6frames import export

    with export.replacing(path) as file:
        frame.to_json(
            file, orient="records", date_format="iso", date_unit="us", force_ascii=False, indent=2
        )
        with file.open("a") as end:
            end.write("\n")


@contextmanager
def _file_or_stdout(path: str) -> Iterator[str]:
    """A path to write to; for - what was written goes to standard output."""
    if path != "-":
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "output"
        yield str(file)
        sys.stdout.buffer.write(file.read_bytes())
        sys.stdout.buffer.flush()


def _print_table(frame: pd.DataFrame) -> None:
    """A table as wide as the terminal; in a pipe whole cells with tabs between them."""
    rows = [[_cell(value) for value in row] for row in frame.itertuples(index=False)]
    if not sys.stdout.isatty():
        for row in [list(frame.columns), *rows]:
            click.echo("\t".join(row))
        return
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid(box=SIMPLE_HEAD, pad_edge=False)
    for name in frame.columns:
        number = str(frame[name].dtype) == "Int64"
        grid.add_column(
            name, justify="right" if number else "left", no_wrap=True, overflow="ellipsis"
        )
    for row in rows:
        grid.add_row(*map(Text, row))
    Console().print(grid)
    click.echo(f"{len(frame):,} rows")


def _cell(value: Any) -> str:
    """One value as text without a character that could command a terminal."""
    import pandas as pd

    if pd.isna(value):
        return ""
    if hasattr(value, "strftime"):
        return str(value.strftime("%Y-%m-%d %H:%M"))
    return "".join(
        c if c.isprintable() or unicodedata.category(c) == "Zs" else " " for c in str(value)
    )


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'file'}: {error.strerror}"
    # Errors speak Python, as most readers do; on the command line the sample account is an option.
    return " ".join(str(error).replace("k6frames.Client.sample()", "--sample").split())


def _say_warning(message: Warning | str, *_: object, **__: object) -> None:
    click.echo(f"k6frames: {' '.join(str(message).split())}", err=True)


if __name__ == "__main__":
    main()
