"""The command `lab`."""

from __future__ import annotations

import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import click

from k6frames.cli.messages import printable
from k6frames.cli.options import examples
from k6frames.errors import ConfigError

_FIRST_NOTEBOOK = "getting_started.ipynb"


class _LabCommand(click.Command):
    """A command whose arguments after -- are passed to JupyterLab."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments before --; click would mistake those after it for a folder."""
        end = args.index("--") if "--" in args else len(args)
        ctx.meta["jupyterlab"] = args[end + 1 :]
        try:
            return super().parse_args(ctx, args[:end])
        except click.NoSuchOption as error:
            advice = "Options for JupyterLab go after --, as in `k6frames lab -- --no-browser`"
            raise click.UsageError(f"{error.format_message()} {advice}", ctx) from None

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Return the parts of the usage line."""
        return [*super().collect_usage_pieces(ctx), "[-- JUPYTERLAB OPTIONS]"]


@click.command(cls=_LabCommand)
@click.argument(
    "folder", type=click.Path(file_okay=False, path_type=Path), default="k6frames-notebooks"
)
@click.pass_context
@examples("k6frames lab", "k6frames lab my-notebooks -- --no-browser --port 9000")
def lab(ctx: click.Context, folder: Path) -> None:
    """Open the notebooks in JupyterLab.

    They are copied into FOLDER (k6frames-notebooks by default); existing notebooks are kept.
    Arguments after -- are passed to JupyterLab.
    """
    from k6frames.api.package_data import data_folder

    if find_spec("jupyterlab") is None:
        raise ConfigError("k6frames lab needs JupyterLab: pip install 'k6frames[notebook]'")
    folder.mkdir(parents=True, exist_ok=True)
    for notebook in sorted(data_folder("notebooks").glob("*.ipynb")):
        target = folder / notebook.name
        if target.exists():
            click.echo(f"Kept {printable(str(target))}", err=True)
        else:
            shutil.copyfile(notebook, target)
            click.echo(f"Copied {printable(str(target))}", err=True)
    # JupyterLab also takes a notebook as an argument, but then the URL that it prints with
    # --no-browser does not open the notebook.
    default_url = f"--LabApp.default_url=/lab/tree/{_FIRST_NOTEBOOK}"
    command = [sys.executable, "-m", "jupyterlab", str(folder), default_url]
    os.execv(sys.executable, [*command, *ctx.meta["jupyterlab"]])  # noqa: S606
