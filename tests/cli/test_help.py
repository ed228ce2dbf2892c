"""The help is quick and complete, and its examples work."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Iterator

import pytest

from k6frames.cli.main import _SECTIONS, cli

# They start other programs, or read and write folders, and have tests of their own.
OTHER_EXAMPLES = {"report", "lab", "cache", "changes"}


def examples(name: str) -> list[str]:
    """Return the examples in the help of a command."""
    lines = (cli.commands[name].help or "").splitlines()
    return [line.strip() for line in lines if line.startswith("  k6frames ")]


def runnable_examples() -> Iterator[str]:
    for name in cli.commands.keys() - OTHER_EXAMPLES:
        yield from examples(name)


def test_help_lists_every_command_without_loading_pandas_or_requests() -> None:
    code = (
        "import sys\nsys.argv = ['k6frames', '--help']\nfrom k6frames.cli.main import main\n"
        "try: main()\n"
        "finally: print({'pandas', 'pyarrow', 'requests', 'rich', 'numpy'} & set(sys.modules))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    ).stdout
    listed = [command for commands in _SECTIONS.values() for command in commands]
    assert {command.name for command in listed} == set(cli.commands)
    for command in listed:
        # The first line is complete, not truncated at the width of the terminal.
        assert f"  {command.name} " in shown
        assert f"  {(command.help or '').splitlines()[0]}\n" in shown
    assert "_K6FRAMES_COMPLETE=bash_source" in shown
    assert shown.strip().endswith("set()")


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_every_command_has_an_example(name: str) -> None:
    assert examples(name)


@pytest.mark.parametrize("example", sorted(runnable_examples()))
def test_example_works_on_the_sample_account(example: str, run) -> None:
    arguments = shlex.split(example.partition("|")[0])[1:]
    if "--stack" in arguments:
        arguments[arguments.index("--stack") + 1] = "marmaladeparcels"
    if "--org" in arguments:
        arguments[arguments.index("--org") + 1] = "sandbox"
    result = run(*arguments, "--sample")
    assert result.exit_code == 0, result.output
    assert result.stdout or "Wrote" in result.stderr
