"""The two parts of an account: organizations (v3), and Grafana stacks (v6). One may be missing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import click

from k6frames.cli.messages import translate
from k6frames.cli.options import Account
from k6frames.errors import APIError, ConfigError, K6FramesError

Organizations = TypeVar("Organizations")
Stacks = TypeVar("Stacks")


def read_parts(
    account: Account,
    read_organizations: Callable[[], Organizations],
    read_stacks: Callable[[], Stacks],
) -> tuple[Organizations | None, Stacks | None]:
    """Read both parts of an account; None for one that is missing, and a note on stderr.

    Grafana plans to remove v3, a stack's token may have no access to it, and not everybody has
    given a stack: then the other part is still worth showing.

    Raises
    ------
    K6FramesError
        If neither can be read, or a stack that is named on the command line cannot.
    """
    organizations: Organizations | None = None
    stacks: Stacks | None = None
    problem: K6FramesError | None = None
    try:
        organizations = read_organizations()
    except APIError as error:
        if error.status is None:  # the network: the other part would take as long to fail
            raise
        problem = error
    try:
        stacks = read_stacks()
    except APIError as error:
        if account.stack or problem is not None:
            raise
        _note("Load tests and test runs", error)
    except ConfigError as error:
        if account.stack:
            raise
        _note("Load tests and test runs", error)
        if problem is not None:  # perhaps the token is one of a stack, which was not given
            raise problem from None
    if problem is not None:
        _note("Organizations and their projects", problem)
    return organizations, stacks


def _note(left_out: str, error: K6FramesError) -> None:
    # A longer message, such as the one that lists all ways to give a stack, is for an error.
    reason, _, more = translate(str(error)).partition("\n")
    advice = " Give one with --stack." if more else ""
    click.echo(f"Note: {left_out} are left out. {reason}{advice}", err=True)
