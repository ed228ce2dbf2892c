"""Fixtures that run a command: as a function call, and as the user runs it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner, Result

from k6frames.api.client import Client
from k6frames.cli.main import cli

Run = Callable[..., Result]
RunProcess = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run() -> Run:
    """Run a command in this process."""

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(cli, [*arguments], prog_name="k6frames")

    return run


@pytest.fixture
def run_process() -> RunProcess:
    """Run a command in a new process."""

    def run_process(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "k6frames.cli", *arguments],
            check=False,
            timeout=60,
            **{"capture_output": True, "text": True, **options},
        )

    return run_process


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Make the standard output of `run` a terminal with a given number of columns."""

    def set_width(columns: int) -> None:
        monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _: True)
        monkeypatch.setenv("COLUMNS", str(columns))

    return set_width


@pytest.fixture
def sample() -> Client:
    return Client.sample()
