"""Commands that keep the history of an account: snapshots, a dataset, and what changed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from k6frames.cli.messages import InputError, pluralize, printable
from k6frames.cli.options import (
    AccountOptions,
    RowOptions,
    account_options,
    day_option,
    examples,
    row_options,
)
from k6frames.cli.output import list_rows

if TYPE_CHECKING:
    import pandas as pd

_FOLDER = click.Path(file_okay=False, path_type=Path)
_MAX_NAMED_PATHS = 5
"""A note names at most this many of the API's paths that could not be read."""


@click.command()
@click.argument("folder", type=_FOLDER)
@account_options(has_on_error=False)
@examples("k6frames sync history")
def sync(folder: Path, account: AccountOptions) -> None:
    """Keep the account's history in a dataset of Parquet files.

    FOLDER is created if it does not exist. The dataset keeps test runs that k6 deletes when their
    retention ends and, for each day on which you sync, the state of everything else. Run this once
    a day, for example. If it is interrupted, the next sync completes it.
    """
    from k6frames.dataset.sync import sync as sync_dataset

    with account.open_client() as client:
        changed = sync_dataset(folder, client)
    rows = changed[~_is_routine(changed["column"])].drop_duplicates(["table", "change", "key"])
    if rows.empty:
        exception = ", except times of updates and next runs" if len(changed) else ""
        click.echo(f"Nothing has changed{exception}.")
    for table, kinds in rows.groupby("table", sort=False)["change"]:
        counts = [f"{count:,} {change}" for change, count in kinds.value_counts(sort=False).items()]
        click.echo(f"{str(table).replace('_', ' ').capitalize()}: {', '.join(counts)}")


@click.command()
@click.argument("folder", type=_FOLDER)
@click.option(
    "--with-metrics",
    is_flag=True,
    help="Include the 95th percentile of the response time of load tests with at least ten runs in "
    "the last 90 days.",
)
@account_options()
@examples("k6frames snapshot snapshots/2026-07-01")
def snapshot(folder: Path, with_metrics: bool, account: AccountOptions) -> None:
    """Write the account to a folder that other commands can read.

    FOLDER must be new, empty or a snapshot, which is replaced when the new one is complete. Billing
    data and e-mail addresses are left out. `k6frames metrics` can read the snapshot only if it
    was written with --with-metrics, and then only the default metric and query.
    """
    from k6frames.api.client import Client
    from k6frames.loaders.snapshot import snapshot as write_snapshot

    with account.open_client() as client:
        target = write_snapshot(
            folder, client, on_error=account.on_error, with_metrics=with_metrics
        )
    url = target.as_uri()
    as_of = Client(api_url=url).as_of  # as written in the snapshot
    click.echo(printable(str(target)))
    click.echo(
        f"This is the account as of {as_of:%Y-%m-%d %H:%M} UTC. Commands read it with "
        f"K6FRAMES_API_URL={url}",
        err=True,
    )


@click.command()
@click.argument("folder", type=_FOLDER)
@click.argument("after", type=_FOLDER, required=False)
@day_option(
    "--since",
    help="The earlier day to compare, in a dataset (UTC); by default a week before --until, or the "
    "day of the first sync.",
)
@day_option(
    "--until",
    help="The later day to compare, in a dataset (UTC); by default the day of the newest sync.",
)
@row_options()
@examples(
    "k6frames changes history",
    "k6frames changes history --since 2026-06-01 --csv changes.csv",
    "k6frames changes snapshots/2026-06-01 snapshots/2026-07-01",
)
def changes(
    folder: Path,
    after: Path | None,
    since: pd.Timestamp | None,
    until: pd.Timestamp | None,
    rows: RowOptions,
) -> None:
    """Show what changed in the last week, or between two snapshots.

    FOLDER is a dataset that `k6frames sync` has written. To compare two snapshots, FOLDER is the
    earlier and AFTER the later one. Each row is something that was added or removed, or a value
    that was changed. Test runs are not compared.
    """
    from k6frames.dataset import changes as comparisons

    if after is None:
        _refuse_snapshot(folder)
        first, last = comparisons.find_days(folder, since, until)
        frame = comparisons.dataset_changes(folder, first, until=last)
        click.echo(f"What changed from {first} to {last}:", err=True)
    else:
        if since is not None or until is not None:
            raise InputError(
                "--since and --until are for a dataset: leave them out, or leave out AFTER."
            )
        frame = comparisons.snapshot_changes(folder, after)
        _note_failures(frame)
    frame = frame.sort_values("column", key=_is_routine, kind="stable")  # routine changes last
    list_rows(frame, rows, ["table", "change", "name", "column", "before", "after", "key"])


def _is_routine(columns: pd.Series[str]) -> pd.Series[bool]:
    """Return which changes are of columns that change by themselves, such as `next_run`."""
    from k6frames.dataset.changes import ROUTINE_COLUMNS

    return columns.isin(ROUTINE_COLUMNS).fillna(value=False)


def _refuse_snapshot(folder: Path) -> None:
    from k6frames.api.manifest import MANIFEST

    if (folder / MANIFEST).is_file():
        raise InputError(
            f"{printable(str(folder))} is a snapshot: name a later one to compare it with."
        )


def _note_failures(frame: pd.DataFrame) -> None:
    """Print a note that names the API's paths that one of the snapshots does not have."""
    paths = sorted({str(entry["path"]) for entry in frame.attrs.get("failed", [])})
    if paths:
        named = ", ".join(map(printable, paths[:_MAX_NAMED_PATHS]))
        unnamed = len(paths) - _MAX_NAMED_PATHS
        more = f" and {unnamed:,} more" if unnamed > 0 else ""
        click.echo(
            f"Note: {pluralize(len(paths), 'list')} could not be read for one of the snapshots, "
            f"and cannot be compared: {named}{more}",
            err=True,
        )
