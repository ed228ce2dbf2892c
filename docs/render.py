"""Render the texts that stand in the repository and come from the code: ``python docs/render.py``.

The data dictionary comes from `k6frames.tables`, the page of the command line from click's
commands. Not from the text that ``--help`` prints: its layout differs between versions of click.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import click

import k6frames
from k6frames import tables
from k6frames.cli import cli
from k6frames.schema import Table

COMMAND = "python docs/render.py"
MADE = f"<!-- Made by `{COMMAND}` from the code: edit that, not this. -->"
INTRODUCTION = """\
# The data dictionary

Every frame that k6frames returns has all columns of its table, in this order, with these dtypes,
also when it is empty. A table is declared once, in `k6frames.tables`: dtypes, checks, files and
this page come from there.

A column marked *key* tells the rows apart, alone or together with the others so marked. The JSON
field is what the API's answer calls it; a column without one is computed or joined. All times are
UTC. What is **private (billing)** is in `organizations_df()` and its exports, and in nothing that
is made from it."""


def data_dictionary() -> str:
    """Every table: what a row is, its key, who returns it, and its columns."""
    blocks = [MADE, INTRODUCTION]
    names = {id(value): name for name, value in vars(tables).items() if isinstance(value, Table)}
    for table in tables.TABLES:
        makers = [name for name in _functions() if table in getattr(k6frames, name).tables]
        returned = f" Returned by {_and(makers)}." if makers else ""
        row = f"One row is {table.doc}. Key: {_and(table.key)}.{returned}"
        declared = f"Declared as `k6frames.tables.{names[id(table)]}`."
        blocks += [f"## {table.name}", f"{row} {declared}", _columns(table)]
    return "\n\n".join(blocks) + "\n"


def _functions() -> Iterator[str]:
    """The public functions that say which tables they return."""
    for name in k6frames.__all__:
        value = getattr(k6frames, name)
        if inspect.isfunction(value) and hasattr(value, "tables"):
            yield name


def _columns(table: Table) -> str:
    rows = [
        (
            f"`{column.name}`" + " *key*" * (column.name in table.key),
            str(table.dtypes[column.name]),
            "yes" if column.nullable else "no",
            f"`{column.source}`" if column.source else "",
            column.doc + "; **private (billing)**" * column.private,
        )
        for column in table.columns
    ]
    return _grid(("column", "dtype", "may be missing", "JSON field", "meaning"), rows)


def command_line() -> str:
    """What ``--help`` says, of k6frames and of each command."""
    blocks = [MADE, "# The command line", *_command(cli, "k6frames")]
    blocks += ["Every command has `-h` and `--help`.", "## The commands"]
    blocks.append(
        _grid(
            ("command", "what it does"),
            [
                (f"[`k6frames {name}`](#k6frames-{name})", _paragraphs(command)[0])
                for name, command in sorted(cli.commands.items())
            ],
        )
    )
    for name, command in sorted(cli.commands.items()):
        blocks += [f"## k6frames {name}", *_command(command, f"k6frames {name}")]
    return "\n\n".join(blocks) + "\n"


def _command(command: click.Command, path: str) -> Iterator[str]:
    arguments = [p for p in command.params if isinstance(p, click.Argument)]
    options = [p for p in command.params if isinstance(p, click.Option) and not p.hidden]
    usage = [path, "[OPTIONS]"]
    for argument in arguments:
        name = str(argument.name).upper() + "..." * (argument.nargs == -1)
        usage.append(name if argument.required else f"[{name}]")
    if isinstance(command, click.Group):
        usage.append("COMMAND ...")
    yield f"```text\n{' '.join(usage)}\n```"
    yield from _paragraphs(command)
    rows = [(_option(option), option.help or "", _default(option)) for option in options]
    rows += [(f"`{str(a.name).upper()}`", "", _default(a)) for a in arguments]
    # Click adds --help by itself, in some versions as a parameter and in some apart.
    rows = [row for row in rows if "--help" not in row[0]]
    if rows:
        yield _grid(("option", "what it does", "default"), rows)


def _paragraphs(command: click.Command) -> list[str]:
    r"""The help as paragraphs; click keeps the lines of those that begin with ``\b``."""
    paragraphs = inspect.cleandoc(command.help or "").split("\f")[0].strip().split("\n\n")
    return [
        f"```text\n{kept.lstrip()}\n```" if kept != text else " ".join(text.split())
        for text in paragraphs
        for kept in [text.removeprefix("\b\n")]
    ]


def _option(option: click.Option) -> str:
    names = ", ".join(f"`{name}`" for name in [*option.opts, *option.secondary_opts])
    if option.is_flag or option.count:
        return names
    if isinstance(option.type, click.Choice):
        return f"{names} {' or '.join(f'`{choice}`' for choice in option.type.choices)}"
    kind = {"directory": "folder", "text": "text"}.get(option.type.name, option.type.name)
    return f"{names} *{option.metavar or kind}*"


def _default(parameter: click.Parameter) -> str:
    """What a parameter is without being given, where that is something to be read."""
    value = parameter.default
    return f"`{value}`" if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _and(names: Iterable[str]) -> str:
    *most, last = [f"`{name}`" for name in names]
    return f"{', '.join(most)} and {last}" if most else last


def _grid(titles: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A Markdown table without the columns that say nothing."""
    said = [i for i in range(len(titles)) if any(row[i] for row in rows)]
    lines = [titles, ("---",) * len(titles), *rows]
    return "\n".join(
        "| " + " | ".join(line[i].replace("|", r"\|") for i in said) + " |" for line in lines
    )


PAGES: dict[str, Callable[[], str]] = {
    "data-dictionary.md": data_dictionary,
    "cli.md": command_line,
}


if __name__ == "__main__":
    for page, render in PAGES.items():
        Path(__file__).with_name(page).write_text(render(), encoding="utf-8")
        print(f"wrote docs/{page}")
