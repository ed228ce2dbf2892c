"""Options that several commands share."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from k6frames.cli.files import check_destinations
from k6frames.cli.messages import InputError
from k6frames.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

    from k6frames.api.client import Client
    from k6frames.api.on_error import OnError

Command = Callable[..., None]

_FREQUENCIES = {"day": "D", "week": "W", "month": "MS", "quarter": "QS", "year": "YS"}


@dataclass(frozen=True)
class AccountOptions:
    """Which account a command reads, and how."""

    sample: bool
    stacks: tuple[str, ...]
    on_error: OnError
    refresh: bool
    offline: bool

    def open_client(self) -> Client:
        """Return a client of the account."""
        from k6frames.api.client import Client

        return Client(
            api_url="sample:" if self.sample else None,
            stack=self.stacks or None,
            refresh=self.refresh,
            offline=self.offline,
        )


@dataclass(frozen=True)
class RowOptions:
    """Which rows and columns a command lists, and where it writes them."""

    columns: str | None
    sort: str | None
    limit: int | None
    private: bool
    files: dict[str, str]
    """The path to write for each format; empty for a table on standard output."""


def account_options(
    *, has_stack: bool = True, has_on_error: bool = True
) -> Callable[[Command], Command]:
    """Add the options of a command that reads an account; they become its argument `account`.

    Parameters
    ----------
    has_stack : bool
        Whether to add `--stack`.
    has_on_error : bool
        Whether to add `--on-error`.
    """
    options = [
        click.option(
            "--sample", is_flag=True, help="Read the sample account, which needs no token."
        )
    ]
    if has_stack:
        option = click.option(
            "--stack",
            "stacks",
            multiple=True,
            metavar="ID|SLUG|URL",
            help="The Grafana stack to read; may be given several times.",
        )
        options.append(option)
    options += [
        click.option(
            "--refresh", is_flag=True, help="Fetch everything again instead of using the cache."
        ),
        click.option("--offline", is_flag=True, help="Use the cache only, however old it is."),
    ]
    if has_on_error:
        option = click.option(
            "--on-error",
            type=click.Choice(["raise", "warn"]),
            default="raise",
            show_default=True,
            help="If a part of the account cannot be read: stop, or leave it out with a warning.",
        )
        options.append(option)

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def with_account(
            *,
            sample: bool,
            refresh: bool,
            offline: bool,
            stacks: tuple[str, ...] = (),
            on_error: OnError = "raise",
            **others: Any,
        ) -> None:
            command(account=AccountOptions(sample, stacks, on_error, refresh, offline), **others)

        return _add_options(options, with_account)

    return decorate


def row_options(*, has_private: bool = False) -> Callable[[Command], Command]:
    """Add the options of a command that lists rows; they become its argument `rows`.

    Parameters
    ----------
    has_private : bool
        Whether some columns are private, so that the option `--private` is needed.
    """
    options = [
        click.option(
            "--columns",
            metavar="NAMES",
            help="Columns to show or write, separated by commas. To see all names, give an unknown "
            "one.",
        )
    ]
    if has_private:
        option = click.option(
            "--private",
            is_flag=True,
            help="Include private columns: billing data and e-mail addresses.",
        )
        options.append(option)
    # With readable=False, click does not check whether a file that will be replaced can be read.
    output_path = click.Path(dir_okay=False, allow_dash=True, readable=False)
    options += [
        click.option(
            "--sort",
            metavar="NAMES",
            help="Sort by these columns, separated by commas; -NAME sorts in descending order.",
        ),
        click.option(
            "--limit",
            metavar="N",
            type=click.IntRange(min=0),
            help="Show or write only the first N rows.",
        ),
        click.option("--csv", type=output_path, help="Write CSV to a file; - is standard output."),
        click.option("--json", type=output_path, help="Write JSON to a file, or -."),
        click.option("--parquet", type=output_path, help="Write Parquet to a file, or -."),
        click.option("--excel", type=output_path, help="Write an Excel workbook to a file, or -."),
    ]

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def with_rows(
            *,
            columns: str | None,
            sort: str | None,
            limit: int | None,
            csv: str | None,
            json: str | None,
            parquet: str | None,
            excel: str | None,
            private: bool = False,
            **others: Any,
        ) -> None:
            formats = {"csv": csv, "json": json, "parquet": parquet, "excel": excel}
            files = {name: path for name, path in formats.items() if path is not None}
            check_destinations(files)
            command(rows=RowOptions(columns, sort, limit, private, files), **others)

        return _add_options(options, with_rows)

    return decorate


def _add_options(options: Sequence[Callable[[Command], Command]], command: Command) -> Command:
    for option in reversed(options):
        command = option(command)
    return command


def examples(*lines: str) -> Callable[[Command], Command]:
    """Add examples to the help of a command."""
    # Click does not rewrap a paragraph that begins with a backspace character.
    title = "Example:" if len(lines) == 1 else "Examples:"
    block = "\n".join(["\b", title, *(f"  {line}" for line in lines)])

    def decorate(command: Command) -> Command:
        command.__doc__ = f"{inspect.cleandoc(command.__doc__ or '')}\n\n{block}\n"
        return command

    return decorate


def _parse_timestamp(
    _: click.Context, param: click.Parameter, value: str | None
) -> pd.Timestamp | None:
    """Parse an ISO 8601 date or datetime, which is in UTC unless it has an offset."""
    from k6frames.tables.timestamp_arguments import parse_timestamp

    if value is None:
        return None
    try:
        return parse_timestamp(param.opts[0], value)
    except ConfigError as error:
        raise InputError(str(error)) from None


def _parse_frequency(_: click.Context, __: click.Parameter, value: str) -> str:
    """Return the pandas frequency alias of a period, such as ``MS`` for ``month``."""
    return _FREQUENCIES[value]


org_option = click.option(
    "--org",
    "wanted_organizations",
    multiple=True,
    metavar="ID|NAME",
    help="Only this organization; may be given several times.",
)
project_option = click.option(
    "--project",
    "wanted_projects",
    multiple=True,
    metavar="ID|NAME",
    help="Only this project; may be given several times.",
)
load_test_option = click.option(
    "--load-test",
    "wanted_load_tests",
    multiple=True,
    metavar="ID|NAME",
    help="Only this load test; may be given several times.",
)
since_option = click.option(
    "--since",
    metavar="TIME",
    callback=_parse_timestamp,
    help="Only test runs created at this time or later (UTC).",
)
until_option = click.option(
    "--until",
    metavar="TIME",
    callback=_parse_timestamp,
    help="Only test runs created before this time (UTC).",
)


def day_option(name: str, *, help: str) -> Callable[[Command], Command]:  # noqa: A002 - like click
    """Return an option that takes a day; `find_days` ignores the time of day if there is one."""
    return click.option(name, metavar="DAY", callback=_parse_timestamp, help=help)


as_of_option = click.option(
    "--as-of",
    metavar="TIME",
    callback=_parse_timestamp,
    help="The time to look back from (UTC), by default now or the time of the snapshot. A date "
    "means 00:00 of that day.",
)
freq_option = click.option(
    "--freq",
    type=click.Choice(list(_FREQUENCIES)),
    callback=_parse_frequency,
    default="month",
    show_default=True,
    help="The length of a period; days are in UTC, and weeks begin on Monday.",
)
