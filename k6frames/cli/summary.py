"""The command that shows the account in a few numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from k6frames.cli.files import (
    STDOUT,
    check_destinations,
    path_or_stdout,
    to_json_value,
    write_json,
)
from k6frames.cli.messages import printable
from k6frames.cli.options import AccountOptions, account_options, examples
from k6frames.cli.organizations_and_stacks import read_organizations_and_stacks

if TYPE_CHECKING:
    from k6frames.api.client import Client

# The name of each value in JSON and its label on the terminal, in the order of the output.
_LABELS = {
    "organizations": "organizations",
    "empty_organizations": "  without projects",
    "projects": "projects",
    "created_30_days": "  created in the last 30 days",
    "created_365_days": "  created in the last 365 days",
    "idle_180_days": "  not updated in 180 days",
    "first_created": "  first created",
    "last_created": "  last created",
    "most_projects": "most projects",
    "load_tests": "load tests",
    "test_runs_this_month": "test runs this month",
    "under_way": "  under way",
    "vuh_this_month": "VUh this month",
    "as_of": "as of",
}


@click.command()
@click.option(
    "--json",
    "json_file",
    is_flag=False,
    flag_value=STDOUT,
    type=click.Path(dir_okay=False, allow_dash=True, readable=False),
    help="Write JSON: to standard output, or to a file if one is named.",
)
@account_options()
@examples("k6frames summary", "k6frames summary --json | jq .vuh_this_month")
def summary(json_file: str | None, account: AccountOptions) -> None:
    """Show the account in a few numbers.

    Without a Grafana stack, the numbers are about organizations and projects. A stack adds the
    number of its load tests, and the test runs and usage of this month.
    """
    import pandas as pd

    if json_file is not None:
        check_destinations({"json": json_file})
    with account.open_client() as client:
        organizations, stacks = read_organizations_and_stacks(
            account,
            lambda: _summarize_organizations(client, account),
            lambda: _summarize_stacks(client, account),
        )
        as_of = pd.Timestamp(client.as_of).floor("s")
    values = {**(organizations or {}), **(stacks or {}), "as_of": as_of}
    if json_file is not None:
        with path_or_stdout(json_file) as output_path:
            write_json({name: to_json_value(values.get(name)) for name in _LABELS}, output_path)
        return
    width = max(len(_LABELS[name]) for name in values)
    for name, label in _LABELS.items():
        if name in values:
            click.echo(f"{label.ljust(width)}  {_format_value(values[name])}".rstrip())


def _summarize_organizations(client: Client, account: AccountOptions) -> dict[str, Any]:
    from k6frames.loaders.organizations import organization_projects_df
    from k6frames.summaries.projects import account_summary, projects_per_organization

    projects = organization_projects_df(client=client, on_error=account.on_error)
    row = account_summary(projects, as_of=client.as_of).iloc[0]
    values = {str(name): value for name, value in row.items() if name in _LABELS}
    organizations = projects_per_organization(projects).dropna(subset="org_name")
    if organizations.empty:
        return {**values, "most_projects": ""}
    largest = organizations.iloc[0]
    return {**values, "most_projects": f"{largest['org_name']} ({largest['projects']:,})"}


def _summarize_stacks(client: Client, account: AccountOptions) -> dict[str, Any]:
    import pandas as pd

    from k6frames.cli.selection import read_runs
    from k6frames.loaders.load_tests import load_tests_df
    from k6frames.summaries.usage import usage

    month_start = pd.Timestamp(client.as_of).normalize().replace(day=1)
    load_tests = load_tests_df(client=client, on_error=account.on_error)
    runs = read_runs(client, account, since=month_start)
    return {
        "load_tests": len(load_tests),
        "test_runs_this_month": len(runs),
        "under_way": int(runs["ended"].isna().sum()),
        "vuh_this_month": float(usage(runs, by=None)["vuh"].sum()),
    }


def _format_value(value: Any) -> str:
    import pandas as pd

    if pd.isna(value):
        return "none"
    if isinstance(value, pd.Timestamp):
        return value.strftime("%Y-%m-%d %H:%M")
    if isinstance(value, float):
        return f"{value:,.2f}"
    return printable(value) if isinstance(value, str) else f"{value:,}"
