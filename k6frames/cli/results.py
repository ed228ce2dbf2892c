"""Commands about usage, results, budgets and what is not used any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from k6frames.cli.idle import read_idle
from k6frames.cli.messages import InputError, pluralize, printable
from k6frames.cli.options import (
    Account,
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
from k6frames.cli.selection import find_projects, read_runs, stack_column

if TYPE_CHECKING:
    import pandas as pd

    from k6frames.summaries.periods import Frequency

_GROUPS = {"project": "project_id", "load-test": "load_test_id", "stack": "stack_id"}
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
    help="Only the newest N periods, including the current one.",
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
    load_test: tuple[str, ...],
    project: tuple[str, ...],
    rows: RowOptions,
    account: Account,
) -> None:
    """Show the VUh used per month and project.

    The newest month is first, and within a month the largest usage. `vuh` counts the runs that have
    ended; `estimated_vuh` is the estimate for runs under way. --last 1 shows the current month.
    """
    import pandas as pd

    from k6frames.loaders.load_tests import project_labels_df
    from k6frames.summaries import usage as summaries

    if last is not None and since is not None:
        raise InputError("--last and --since both say where to begin: leave one of them out.")
    with account.client() as client:
        end = pd.Timestamp(client.as_of)
        if until is not None:
            end = min(end, until - pd.Timedelta(microseconds=1))
        if last is not None:
            since = _first_day(end, freq, last)
        labels = None
        if by != _ALL_RUNS and by not in _GROUPS:
            labels = project_labels_df(client=client, on_error=account.on_error)
            _check_label(by, labels)
        details = read_runs(
            client, account, load_test=load_test, project=project, since=since, until=until
        )
        stack = stack_column(client)
    group = None if by == _ALL_RUNS else _GROUPS.get(by, by)
    frame = summaries.usage(details, freq=freq, by=group, until=end, project_labels=labels)
    frame = frame.sort_values(["period", "vuh"], ascending=False, kind="stable")
    names = ["load_test_name", "project_name", "key", "value"]
    default = ["period", *(name for name in names if name in frame.columns)]
    if "stack_id" in frame.columns:
        default[1:1] = ["stack_id"] if by == "stack" else stack
    list_rows(frame, rows, [*default, "vuh", "test_runs", "estimated_vuh"], noun="test runs")


def _first_day(end: pd.Timestamp, freq: Frequency, periods: int) -> pd.Timestamp:
    """Return the first day of so many periods, of which the last contains a timestamp."""
    import pandas as pd

    alias = "W-MON" if freq == "W" else freq
    return pd.date_range(end=end.normalize(), periods=periods, freq=alias)[0]


def _check_label(by: str, labels: pd.DataFrame) -> None:
    known = sorted(labels["key"].unique())
    if by not in known:
        choices = ", ".join(map(printable, [*_GROUPS, _ALL_RUNS, *known]))
        raise InputError(f"--by: no project has a label {printable(by)!r}. Use one of {choices}.")


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
    load_test: tuple[str, ...],
    project: tuple[str, ...],
    rows: RowOptions,
    account: Account,
) -> None:
    """Show which load tests fail, how often and since when.

    The lowest pass rate is first. It counts the runs of the last --days days; `failing_since` may
    be earlier, and is empty if the newest result is a pass.
    """
    from k6frames.summaries.results import test_results

    with account.client() as client:
        details = read_runs(client, account, load_test=load_test, project=project)
        frame = test_results(details, as_of=as_of or client.as_of, days=days)
        stack = stack_column(client)
    default = ["load_test_id", *stack, "load_test_name", "pass_rate", "last_result"]
    default += ["failing_since", "test_runs", "passed", "failed", "errors", "aborted", "last_run"]
    noun = f"test runs in the last {pluralize(days, 'day')}"
    list_rows(frame, rows, [*default, "project_name", "vuh"], noun=noun)


@click.command()
@as_of_option
@project_option
@row_options()
@account_options()
@examples("k6frames budget", "k6frames budget --as-of 2026-05-31 --excel budget.xlsx")
def budget(
    as_of: pd.Timestamp | None, project: tuple[str, ...], rows: RowOptions, account: Account
) -> None:
    """Show how much of its monthly VUh limit each project has used.

    The largest share is first; projects without a limit are last. If usage continues at this rate,
    `expected_vuh` is the usage at the end of the month, and the limit is reached in `days_left`.
    """
    import pandas as pd

    from k6frames.loaders.load_tests import project_limits_df, stack_projects_df
    from k6frames.summaries.usage import vuh_budget

    with account.client() as client:
        now = pd.Timestamp(as_of or client.as_of)
        details = read_runs(client, account, since=now.normalize().replace(day=1))
        limits = project_limits_df(client=client, on_error=account.on_error)
        projects = stack_projects_df(client=client, on_error=account.on_error)
        stack = stack_column(client)
    frame = vuh_budget(details, limits, as_of=now, stack_projects=projects)
    if project:
        frame = frame[frame["project_id"].isin(find_projects(projects, project))]
    default = ["project_id", *stack, "project_name", "used_vuh", "limit_vuh", "share"]
    list_rows(frame, rows, [*default, "expected_vuh", "days_left", "left_vuh"], noun="projects")


@click.command()
@click.option(
    "--days",
    metavar="N",
    type=click.IntRange(min=1),
    help="Idle for N days or more; by default 180 for projects and 90 for load tests.",
)
@as_of_option
@row_options()
@account_options()
@examples("k6frames idle --days 365", "k6frames idle --csv idle.csv")
def idle(days: int | None, as_of: pd.Timestamp | None, rows: RowOptions, account: Account) -> None:
    """List projects and load tests that are not used any more.

    Those idle for the longest time are first. A project is active when its settings change and, if
    a Grafana stack can be read, when one of its load tests runs. A load test is active when it
    runs; the days of one that never ran are counted from its creation.
    """
    with account.client() as client:
        frame = read_idle(client, account, days=days, as_of=as_of or client.as_of)
    default = ["kind", "id", "name", "idle_days", "last_run", "belongs_to", "created"]
    list_rows(frame, rows, default, noun="idle projects or load tests")
