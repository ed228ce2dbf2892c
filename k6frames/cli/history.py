"""Commands that keep the account's history: snapshots, changes, and a dataset."""

from __future__ import annotations

from pathlib import Path

import click

from k6frames.cli.messages import printable
from k6frames.cli.options import Account, RowOptions, account_options, examples, row_options
from k6frames.cli.output import list_rows

_FOLDER = click.Path(file_okay=False, path_type=Path)
_SNAPSHOT = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command()
@click.argument("folder", type=_FOLDER)
@account_options(on_error=False)
@examples("k6frames snapshot snapshots/2026-07-01")
def snapshot(folder: Path, account: Account) -> None:
    """Write the account as it is now to a folder.

    K6FRAMES_API_URL=file:FOLDER makes every command read the snapshot instead of the account.
    """
    from k6frames.loaders.snapshot import snapshot as write_snapshot

    with account.client() as client:
        click.echo(write_snapshot(folder, client=client))


@click.command()
@click.argument("before", type=_SNAPSHOT)
@click.argument("after", type=_SNAPSHOT)
@row_options()
@examples("k6frames changes snapshots/2026-06-01 snapshots/2026-07-01")
def changes(before: Path, after: Path, rows: RowOptions) -> None:
    """List the changes between two snapshots."""
    from k6frames.loaders.snapshot import snapshot_changes

    frame = snapshot_changes(before, after)
    list_rows(frame, rows, ["table", "change", "name", "column", "before", "after", "key"])


@click.command()
@click.argument("folder", type=_FOLDER)
@account_options(on_error=False)
@examples("k6frames sync history")
def sync(folder: Path, account: Account) -> None:
    """Add what is new to a dataset of Parquet files.

    FOLDER is created if needed. The dataset keeps test runs that k6 deletes when their retention
    ends. Run it every day, for example.
    """
    from k6frames.dataset.sync import sync as sync_dataset

    with account.client() as client:
        frame = sync_dataset(folder, client=client)
    if frame.empty:
        click.echo("Nothing has changed.")
        return
    counts = frame.groupby(["table", "change"]).size()
    for table in counts.index.unique("table"):
        changed = ", ".join(f"{number:,} {change}" for change, number in counts[table].items())
        click.echo(printable(f"{table}: {changed}"))
