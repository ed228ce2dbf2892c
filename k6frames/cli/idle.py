"""The command `idle`: projects and load tests without activity."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import click

from k6frames.cli.options import (
    AccountOptions,
    RowOptions,
    account_options,
    as_of_option,
    examples,
    row_options,
)
from k6frames.cli.organizations_and_stacks import read_organizations_and_stacks
from k6frames.cli.output import list_rows

if TYPE_CHECKING:
    import pandas as pd

    from k6frames.api.client import Client

# Projects and load tests get the same column names, because they are listed in one table.
_PROJECT_COLUMNS = {
    "project_id": "id",
    "project_name": "name",
    "org_name": "belongs_to",
    "project_created": "created",
    "project_updated": "updated",
}
_LOAD_TEST_COLUMNS = {
    "load_test_id": "id",
    "load_test_name": "name",
    "project_name": "belongs_to",
    "load_test_created": "created",
}
# The order of the columns. `project_id` is that of a load test's project. Some are missing if
# organizations or stacks could not be read.
_COLUMNS = (
    "kind",
    "id",
    "name",
    "belongs_to",
    "created",
    "updated",
    "last_run",
    "idle_days",
    "org_id",
    "stack_id",
    "project_id",
)


class _StackFrames(NamedTuple):
    load_tests: pd.DataFrame
    projects: pd.DataFrame
    test_runs: pd.DataFrame


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
def idle(
    days: int | None, as_of: pd.Timestamp | None, rows: RowOptions, account: AccountOptions
) -> None:
    """List projects and load tests that are no longer used.

    Those that have been idle longest come first. A project is active when its settings change and,
    if a Grafana stack can be read, when one of its load tests runs. A load test is active when it
    runs; if it has never run, its idle days count from its creation.
    """
    with account.open_client() as client:
        frame = _read_idle(client, account, days=days, as_of=as_of or client.as_of)
    default = ["kind", "id", "name", "idle_days", "last_run", "belongs_to", "created"]
    list_rows(frame, rows, default, noun="idle projects or load tests")


def _read_idle(
    client: Client, account: AccountOptions, *, days: int | None, as_of: datetime
) -> pd.DataFrame:
    """Return the idle projects and load tests in one frame, longest idle first.

    Without `days`, the defaults of `idle_projects` and `idle_load_tests` apply.
    """
    import pandas as pd

    from k6frames.cli.selection import add_name, read_runs
    from k6frames.loaders.load_tests import load_tests_df, stack_projects_df
    from k6frames.loaders.organizations import organization_projects_df
    from k6frames.summaries.idle import idle_load_tests, idle_projects

    on_error = account.on_error
    organization_projects, stack_frames = read_organizations_and_stacks(
        account,
        lambda: organization_projects_df(client=client, on_error=on_error),
        lambda: _StackFrames(
            load_tests_df(client=client, on_error=on_error),
            stack_projects_df(client=client, on_error=on_error),
            read_runs(client, account),
        ),
    )
    days_argument = {} if days is None else {"days": days}
    frames = []
    if organization_projects is not None:
        test_runs = None if stack_frames is None else stack_frames.test_runs
        projects = idle_projects(
            organization_projects, as_of=as_of, test_runs=test_runs, **days_argument
        )
        frames.append(projects.rename(columns=_PROJECT_COLUMNS).assign(kind="project"))
    if stack_frames is not None:
        tests = idle_load_tests(
            stack_frames.load_tests, stack_frames.test_runs, as_of=as_of, **days_argument
        )
        tests = add_name(tests, stack_frames.projects, "project")
        frames.append(tests.rename(columns=_LOAD_TEST_COLUMNS).assign(kind="load test"))
    frame = pd.concat(frames, ignore_index=True).astype({"kind": "string"})
    frame = frame.sort_values("idle_days", ascending=False, kind="stable")
    return frame[[name for name in _COLUMNS if name in frame]]
