"""Commands about organizations and projects."""

from __future__ import annotations

import click

from k6frames.cli.messages import InputError
from k6frames.cli.options import (
    AccountOptions,
    RowOptions,
    account_options,
    examples,
    org_option,
    row_options,
)
from k6frames.cli.output import list_rows
from k6frames.cli.selection import find_organizations, stack_columns


@click.command()
@org_option
@row_options(has_private=True)
@account_options(has_stack=False, has_on_error=False)
@examples(
    "k6frames organizations --sort -created --limit 5",
    "k6frames organizations --private --csv organizations.csv",
)
def organizations(
    wanted_organizations: tuple[str, ...], rows: RowOptions, account: AccountOptions
) -> None:
    """List the organizations of the token's user."""
    from k6frames.loaders.organizations import organizations_df

    with account.open_client() as client:
        frame = organizations_df(client=client)
    if wanted_organizations:
        frame = frame[frame["org_id"].isin(find_organizations(frame, wanted_organizations))]
    default = ["org_id", "name", "created", "updated", "is_default"]
    list_rows(frame, rows, default, noun="organizations")


@click.command()
@org_option
@row_options()
@account_options()
@examples(
    "k6frames projects --sort org_name,-updated",
    'k6frames projects --org "Marmalade" --csv projects.csv',
    "k6frames projects --stack my-team",
)
def projects(
    wanted_organizations: tuple[str, ...], rows: RowOptions, account: AccountOptions
) -> None:
    """List the projects of organizations or of a Grafana stack.

    Without --stack, these are the projects of organizations, from the v3 API, which Grafana plans
    to remove; with --stack, the projects of the stack, from the v6 API.
    """
    if account.stacks:
        if wanted_organizations:
            raise InputError("Use --org or --stack, not both: a stack belongs to one organization.")
        _list_stack_projects(rows, account)
        return
    from k6frames.loaders.organizations import organizations_df, projects_df

    with account.open_client() as client:
        organizations = organizations_df(client=client)
        org_ids = None
        if wanted_organizations:
            org_ids = find_organizations(organizations, wanted_organizations)
        frame = projects_df(org_ids, client=client, on_error=account.on_error)
    names = organizations[["org_id", "name"]].rename(columns={"name": "org_name"})
    frame = frame.merge(names, on="org_id", how="left")
    order = [name for name in frame.columns if name != "org_name"]
    order.insert(order.index("org_id") + 1, "org_name")
    default = ["project_id", "name", "org_name", "created", "updated", "is_default"]
    list_rows(frame[order], rows, default, noun="projects")


def _list_stack_projects(rows: RowOptions, account: AccountOptions) -> None:
    from k6frames.loaders.load_tests import stack_projects_df

    with account.open_client() as client:
        frame = stack_projects_df(client=client, on_error=account.on_error)
        stack_column_names = stack_columns(client, account)
    default = ["project_id", *stack_column_names, "name", "created", "updated", "is_default"]
    list_rows(frame, rows, default, noun="projects")
