"""Commands that make documents of the account: the report, and the notebooks."""

from __future__ import annotations

import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import click

from k6frames.cli.messages import printable, translate
from k6frames.cli.options import Account, account_options, examples
from k6frames.errors import ConfigError

_FIRST_NOTEBOOK = "getting_started.ipynb"


@click.command()
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default="k6frames-report",
    show_default=True,
    help="The folder to write to; other files in it are kept.",
)
@click.option("--open", "open_it", is_flag=True, help="Open the report in the browser.")
@click.option("--single-file", is_flag=True, help="Write one HTML file that can be mailed.")
@click.option(
    "--since",
    metavar="SNAPSHOT",
    type=click.Path(path_type=Path),
    help="Add what changed since an earlier snapshot, which `k6frames snapshot` has written.",
)
@account_options()
@examples(
    "k6frames report --sample --open",
    "k6frames report --output monday --single-file",
    "k6frames report --since snapshots/2026-06-01",
)
def report(
    output: Path, open_it: bool, single_file: bool, since: Path | None, account: Account
) -> None:
    """Write a report: pages with plots, and every table.

    An existing report in the folder is replaced when the new one is complete.
    """
    try:
        from k6frames.report.build import write_report
    except ModuleNotFoundError as error:
        raise _needs(error.name or "another package") from None
    with account.client() as client:
        page = write_report(
            client,
            output,
            on_error=account.on_error,
            report_step=lambda step: click.echo(translate(step), err=True),
            single_file=single_file,
            since=since,
        )
    click.echo(page)
    if open_it:
        click.launch(page.absolute().as_uri())


class _LabCommand(click.Command):
    """A command whose arguments behind -- are for another program."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Set the arguments behind -- aside: click would take them for a folder."""
        end = args.index("--") if "--" in args else len(args)
        ctx.meta["jupyterlab"] = args[end + 1 :]
        try:
            return super().parse_args(ctx, args[:end])
        except click.NoSuchOption as error:
            advice = "Options of JupyterLab go behind --, as in: k6frames lab -- --no-browser"
            raise click.UsageError(f"{error.format_message()} {advice}", ctx) from None

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Return the pieces of the usage line."""
        return [*super().collect_usage_pieces(ctx), "[-- OPTIONS OF JUPYTERLAB]"]


@click.command(cls=_LabCommand)
@click.argument(
    "folder", type=click.Path(file_okay=False, path_type=Path), default="k6frames-notebooks"
)
@click.pass_context
@examples("k6frames lab", "k6frames lab my-notebooks -- --no-browser --port 9000")
def lab(ctx: click.Context, folder: Path) -> None:
    """Open the notebooks in JupyterLab.

    They are copied into FOLDER (k6frames-notebooks by default); those that are in it already are
    kept. What follows -- is passed to JupyterLab.
    """
    from k6frames.api.settings import data_folder

    if find_spec("jupyterlab") is None:
        raise _needs("JupyterLab")
    folder.mkdir(parents=True, exist_ok=True)
    for notebook in sorted(data_folder("notebooks").glob("*.ipynb")):
        target = folder / notebook.name
        if target.exists():
            click.echo(f"Kept {printable(str(target))}", err=True)
        else:
            shutil.copyfile(notebook, target)
            click.echo(f"Copied {printable(str(target))}", err=True)
    # Not the notebook's path: the addresses that --no-browser prints would not lead to it.
    first = f"--LabApp.default_url=/lab/tree/{_FIRST_NOTEBOOK}"
    command = [sys.executable, "-m", "jupyterlab", str(folder), first]
    os.execv(sys.executable, [*command, *ctx.meta["jupyterlab"]])  # noqa: S606


def _needs(package: str) -> ConfigError:
    return ConfigError(f"This needs {package}: pip install 'k6frames[notebook]'")
