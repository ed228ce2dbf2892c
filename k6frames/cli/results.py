"""The command `results`: which load tests fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from k6frames.cli.messages import the_last
from k6frames.cli.options import (
    AccountOptions,
    RowOptions,
    account_options,
    as_of_option,
    examples,
    load_test_option,
    project_option,
    row_options,
)
from k6frames.cli.output import list_rows
from k6frames.cli.selection import read_runs, stack_columns

if TYPE_CHECKING:
    import pandas as pd


@click.command()
@click.option(
    "--days",
    metavar="N",
    type=click.IntRange(min=1),
    default=90,
    show_default=True,
    help="Count the runs of the last N days.",
)
@as_of_option
@load_test_option
@project_option
@row_options()
@account_options()
@examples(
    "k6frames results --days 30",
    "k6frames results --sort -failing_since --limit 10",
)
def results(
    days: int,
    as_of: pd.Timestamp | None,
    wanted_load_tests: tuple[str, ...],
    wanted_projects: tuple[str, ...],
    rows: RowOptions,
    account: AccountOptions,
) -> None:
    """Show which load tests fail, how often and since when.

    The lowest pass rate is first. Pass rates cover the last --days days; `failing_since` may
    be earlier, and is empty if the newest result is a pass.
    """
    from k6frames.summaries.results import test_results

    with account.open_client() as client:
        details = read_runs(
            client, account, wanted_load_tests=wanted_load_tests, wanted_projects=wanted_projects
        )
        frame = test_results(details, as_of=as_of or client.as_of, days=days)
        stack_column_names = stack_columns(client, account)
    default = ["load_test_id", *stack_column_names, "load_test_name", "pass_rate", "last_result"]
    default += ["failing_since", "test_runs", "passed", "failed", "errors", "aborted", "last_run"]
    noun = f"test runs in {the_last(days, 'day')}"
    if as_of is not None:
        noun += f" before {as_of:%Y-%m-%d %H:%M}"
    list_rows(frame, rows, [*default, "project_name", "vuh"], noun=noun)
