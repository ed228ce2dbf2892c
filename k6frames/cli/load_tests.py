"""Commands about load tests, their runs, schedules and limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from k6frames.cli.options import (
    AccountOptions,
    RowOptions,
    account_options,
    examples,
    load_test_option,
    project_option,
    row_options,
    since_option,
    until_option,
)
from k6frames.cli.output import list_rows
from k6frames.cli.selection import (
    add_name,
    filter_by_load_test,
    filter_by_project,
    read_runs,
    stack_columns,
)

if TYPE_CHECKING:
    import pandas as pd


@click.command("load-tests")
@project_option
@row_options()
@account_options()
@examples("k6frames load-tests --project Checkout --sort name")
def load_tests(wanted_projects: tuple[str, ...], rows: RowOptions, account: AccountOptions) -> None:
    """List the load tests of a Grafana stack."""
    from k6frames.loaders.load_tests import load_tests_df, stack_projects_df

    with account.open_client() as client:
        frame = load_tests_df(client=client, on_error=account.on_error)
        projects = stack_projects_df(client=client, on_error=account.on_error)
        stack_column_names = stack_columns(client, account)
    frame = filter_by_project(frame, projects, wanted_projects)
    frame = add_name(frame, projects, "project")
    default = ["load_test_id", *stack_column_names, "name", "project_name", "created", "updated"]
    list_rows(frame, rows, default, noun="load tests")


@click.command("test-runs")
@since_option
@until_option
@load_test_option
@project_option
@row_options(has_private=True)
@account_options()
@examples(
    "k6frames test-runs --since 2026-06-01 --project Checkout",
    'k6frames test-runs --load-test "Checkout spike" --limit 20',
    "k6frames test-runs --since 2026-01-01 --csv runs.csv",
)
def test_runs(
    since: pd.Timestamp | None,
    until: pd.Timestamp | None,
    wanted_load_tests: tuple[str, ...],
    wanted_projects: tuple[str, ...],
    rows: RowOptions,
    account: AccountOptions,
) -> None:
    """List the test runs of a Grafana stack, newest first.

    A run that has not ended has no result yet, and its VUh are an estimate.
    """
    with account.open_client() as client:
        frame = read_runs(
            client,
            account,
            wanted_load_tests=wanted_load_tests,
            wanted_projects=wanted_projects,
            since=since,
            until=until,
            private=rows.private,
        )
        stack_column_names = stack_columns(client, account)
    frame = frame.sort_values(["created", "test_run_id"], ascending=False)
    default = [
        "test_run_id",
        *stack_column_names,
        "created",
        "load_test_name",
        "result",
        "total_vuh",
    ]
    default += ["project_name", "status", "execution_duration", "max_vus"]
    list_rows(frame, rows, default, noun="test runs")


@click.command()
@click.option("--all", "show_all", is_flag=True, help="Include schedules that will not run again.")
@load_test_option
@project_option
@row_options(has_private=True)
@account_options()
@examples("k6frames schedules", "k6frames schedules --all --json schedules.json")
def schedules(
    show_all: bool,
    wanted_load_tests: tuple[str, ...],
    wanted_projects: tuple[str, ...],
    rows: RowOptions,
    account: AccountOptions,
) -> None:
    """Show which load tests run next, and how often.

    With --all, deactivated and expired schedules are included, and the columns of the API replace
    `recurrence`.
    """
    from k6frames.loaders.load_tests import load_tests_df, stack_projects_df
    from k6frames.loaders.schedules import schedules_df
    from k6frames.summaries.schedules import scheduled_runs

    with account.open_client() as client:
        frame = schedules_df(client=client, on_error=account.on_error)
        tests = load_tests_df(client=client, on_error=account.on_error)
        projects = stack_projects_df(client=client, on_error=account.on_error)
        stack_column_names = stack_columns(client, account)
    if show_all:
        # For --project and the project's name: in the API, a schedule has only a load test.
        listed = frame.merge(
            tests[["stack_id", "load_test_id", "project_id"]],
            on=["stack_id", "load_test_id"],
            how="left",
        )
        listed = add_name(listed, tests, "load_test")
        default = ["schedule_id", *stack_column_names, "load_test_name", "next_run", "deactivated"]
        default += ["frequency", "interval", "weekdays", "cron", "until", "count"]
    else:
        # For --private: `scheduled_runs` returns no private columns.
        creators = frame[["stack_id", "schedule_id", "created_by"]]
        listed = scheduled_runs(frame, tests).merge(creators, on=["stack_id", "schedule_id"])
        default = [
            "schedule_id",
            *stack_column_names,
            "next_run",
            "load_test_name",
            "recurrence",
            "until",
        ]
    listed = filter_by_load_test(listed, tests, wanted_load_tests)
    listed = filter_by_project(listed, projects, wanted_projects)
    noun = "schedules" if show_all else "scheduled runs"
    list_rows(add_name(listed, projects, "project"), rows, default, noun=noun)


@click.command()
@project_option
@row_options()
@account_options()
@examples("k6frames limits --sort -vuh_max_per_month")
def limits(wanted_projects: tuple[str, ...], rows: RowOptions, account: AccountOptions) -> None:
    """List the limits of projects.

    An empty cell means no limit. Durations are in seconds.
    """
    from k6frames.loaders.load_tests import project_limits_df, stack_projects_df

    with account.open_client() as client:
        frame = project_limits_df(client=client, on_error=account.on_error)
        projects = stack_projects_df(client=client, on_error=account.on_error)
        stack_column_names = stack_columns(client, account)
    frame = filter_by_project(frame, projects, wanted_projects)
    default = [
        "project_id",
        *stack_column_names,
        "project_name",
        "vuh_max_per_month",
        "vu_max_per_test",
    ]
    default += ["duration_max_per_test", "vu_browser_max_per_test"]
    list_rows(add_name(frame, projects, "project"), rows, default, noun="projects with limits")
