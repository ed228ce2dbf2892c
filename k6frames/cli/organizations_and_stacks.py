"""Read the organizations (v3) and the Grafana stacks (v6) of an account; one of them may fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import click

from k6frames.cli.messages import translate
from k6frames.cli.options import AccountOptions
from k6frames.errors import APIError, ConfigError, K6FramesError

Organizations = TypeVar("Organizations")
Stacks = TypeVar("Stacks")


def read_organizations_and_stacks(
    account: AccountOptions,
    read_organizations: Callable[[], Organizations],
    read_stacks: Callable[[], Stacks],
) -> tuple[Organizations | None, Stacks | None]:
    """Return the results of both functions; if one fails, print a note and return None instead.

    Grafana plans to remove v3, the token of a stack may have no access to it, and not every user
    has a stack. The other half of the account is still worth showing.

    Raises
    ------
    K6FramesError
        If both fail, if a stack that was given with --stack cannot be read, if organizations cannot
        be read because there is no connection, or if a response does not match its table.
    """
    try:
        organizations = read_organizations()
    except APIError as error:
        # No status means no connection, so v6 would fail, too. With --offline, it means that this
        # response is not in the cache; those of v6 may be.
        if error.status is None and not account.offline:
            raise
        return None, _read_stacks_without_organizations(account, read_stacks, error)
    try:
        return organizations, read_stacks()
    except (APIError, ConfigError) as error:
        if account.stacks:
            raise
        _note("Load tests and test runs", error)
        return organizations, None


def _read_stacks_without_organizations(
    account: AccountOptions, read_stacks: Callable[[], Stacks], organizations_error: APIError
) -> Stacks:
    try:
        stacks = read_stacks()
    except ConfigError as error:
        if account.stacks:
            raise
        # A stack's token often has no access to organizations, and is useful only with --stack. So
        # suggest --stack in a note, and raise the error from reading the organizations.
        _note("Load tests and test runs", error)
        raise organizations_error from None
    _note("Organizations and their projects", organizations_error)
    return stacks


def _note(left_out: str, error: K6FramesError) -> None:
    # Only the error for a missing stack has several lines. After the first, they list ways to name
    # a stack.
    reason, _, ways_to_name_a_stack = translate(str(error)).partition("\n")
    advice = " Name one with --stack." if ways_to_name_a_stack else ""
    click.echo(f"Note: {left_out} are left out. {reason}{advice}", err=True)
