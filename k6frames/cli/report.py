"""The command `report`."""

from __future__ import annotations

from pathlib import Path

import click

from k6frames.cli.messages import printable, translate
from k6frames.cli.options import AccountOptions, account_options, examples
from k6frames.errors import ConfigError


@click.command()
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default="k6frames-report",
    show_default=True,
    help="The folder to write to.",
)
@click.option("--open", "open_browser", is_flag=True, help="Open the report in the browser.")
@click.option("--single-file", is_flag=True, help="Write one HTML file, to send by e-mail.")
@click.option(
    "--since",
    metavar="SNAPSHOT",
    type=click.Path(path_type=Path),
    help="Add the changes since an earlier snapshot, written by `k6frames snapshot`.",
)
@account_options()
@examples(
    "k6frames report --sample --open",
    "k6frames report --output monday --single-file",
    "k6frames report --since snapshots/2026-06-01",
)
def report(
    output: Path, open_browser: bool, single_file: bool, since: Path | None, account: AccountOptions
) -> None:
    """Write an HTML report with plots and all tables.

    When the report is complete, its files replace those in the folder that have the same names. All
    other files are kept, including those of an earlier report.
    """
    try:
        from k6frames.report.build import write_report
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"k6frames report needs {error.name}: pip install 'k6frames[notebook]'"
        ) from None
    with account.open_client() as client:
        page = write_report(
            client,
            output,
            on_error=account.on_error,
            show_message=lambda message: click.echo(translate(message), err=True),
            single_file=single_file,
            since=since,
        )
    click.echo(printable(str(page)))
    if open_browser:
        click.launch(page.absolute().as_uri())
