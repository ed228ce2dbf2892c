"""Commands about usage: the VUh of test runs, and the budgets of projects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from k6frames.cli.messages import InputError, printable
from k6frames.cli.options import (
    AccountOptions,
    RowOptions,
    account_options,
    as_of_option,
    examples,
    freq_option,
    load_test_option,
    project_option,
    row_options,
    since_option,
    until_option,
)
from k6frames.cli.output import list_rows
from k6frames.cli.selection import filter_by_project, read_runs, stack_columns

if TYPE_CHECKING:
    import pandas as pd

    from k6frames.summaries.periods import Frequency

_GROUP_COLUMNS = {"project": "project_id", "load-test": "load_test_id", "stack": "stack_id"}
_ALL_RUNS = "total"


@click.command()
@freq_option
@click.option(
    "--by",
    metavar="GROUP",
    default="project",
    show_default=True,
    help="project, load-test, stack, total (all runs together), or a project label such as team.",
)
@click.option(
    "--last",
    metavar="N",
    type=click.IntRange(1, 1000),
    help="Only the newest N periods, including the current one or, with --until, up to that time.",
)
@since_option
@until_option
@load_test_option
@project_option
@row_options()
@account_options()
@examples(
    "k6frames usage --last 1",
    "k6frames usage --by team --freq quarter",
    "k6frames usage --by total --since 2026-01-01 --excel usage.xlsx",
)
def usage(
    freq: Frequency,
    by: str,
    last: int | None,
    since: pd.Timestamp | None,
    until: pd.Timestamp | None,
    wanted_load_tests: tuple[str, ...],
    wanted_projects: tuple[str, ...],
    rows: RowOptions,
    account: AccountOptions,
) -> None:
    """Show the VUh used per month and project.

    The newest month is first; within a month, the project with the largest usage is first. `vuh`
    counts the runs that have ended; `estimated_vuh` is the estimate for runs under way. --last 1
    shows the current month.
    """
    import pandas as pd

    from k6frames.loaders.load_tests import project_labels_df
    from k6frames.summaries.periods import start_of_newest_periods
    from k6frames.summaries.usage import usage as summarize_usage

    if last is not None and since is not None:
        raise InputError("Use --last or --since, not both: each sets the first period.")
    with account.open_client() as client:
        end = pd.Timestamp(client.as_of)
        if until is not None:
            # The option --until is exclusive, but the summary includes the period that contains its
            # argument `until`. With --until 2026-07-01, July must not have a row.
            end = min(end, until - pd.Timedelta(microseconds=1))
        if last is not None:
            since = start_of_newest_periods(end, freq, last)
        labels = None
        if by != _ALL_RUNS and by not in _GROUP_COLUMNS:
            labels = project_labels_df(client=client, on_error=account.on_error)
            _check_label(by, labels)
        details = read_runs(
            client,
            account,
            wanted_load_tests=wanted_load_tests,
            wanted_projects=wanted_projects,
            since=since,
            until=until,
        )
        # Without groups by stack, an account with a single stack needs no column for it.
        stack_column_names = ["stack_id"] if by == "stack" else stack_columns(client, account)
    group = None if by == _ALL_RUNS else _GROUP_COLUMNS.get(by, by)
    frame = summarize_usage(details, freq=freq, by=group, until=end, project_labels=labels)
    frame = frame.sort_values(["period", "vuh"], ascending=False, kind="stable")
    columns = ["period", *stack_column_names, "load_test_name", "project_name", "key", "value"]
    default = [name for name in columns if name in frame.columns]
    # The rows are periods, but if there are none, the message must be "No test runs."
    list_rows(frame, rows, [*default, "vuh", "test_runs", "estimated_vuh"], noun="test runs")


def _check_label(by: str, labels: pd.DataFrame) -> None:
    known = sorted(labels["key"].unique())
    if by not in known:
        choices = ", ".join(map(printable, [*_GROUP_COLUMNS, _ALL_RUNS, *known]))
        raise InputError(f"--by: no project has a label {printable(by)!r}. Use one of {choices}.")


@click.command()
@as_of_option
@project_option
@row_options()
@account_options()
@examples("k6frames budget", "k6frames budget --as-of 2026-05-15T12:00 --excel budget.xlsx")
def budget(
    as_of: pd.Timestamp | None,
    wanted_projects: tuple[str, ...],
    rows: RowOptions,
    account: AccountOptions,
) -> None:
    """Show how much of its monthly VUh limit each project has used.

    The largest share is first; projects without a limit are last. At the current rate, usage will
    reach `expected_vuh` by the end of the month, and the limit in `days_left` days.
    """
    import pandas as pd

    from k6frames.loaders.load_tests import project_limits_df, stack_projects_df
    from k6frames.summaries.usage import vuh_budget

    with account.open_client() as client:
        now = pd.Timestamp(as_of or client.as_of)
        details = read_runs(client, account, since=now.normalize().replace(day=1))
        limits = project_limits_df(client=client, on_error=account.on_error)
        projects = stack_projects_df(client=client, on_error=account.on_error)
        stack_column_names = stack_columns(client, account)
    frame = vuh_budget(details, limits, as_of=now, stack_projects=projects)
    frame = filter_by_project(frame, projects, wanted_projects)
    default = ["project_id", *stack_column_names, "project_name", "used_vuh", "limit_vuh", "share"]
    list_rows(frame, rows, [*default, "expected_vuh", "days_left", "left_vuh"], noun="projects")
