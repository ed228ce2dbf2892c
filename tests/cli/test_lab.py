"""`k6frames lab`: copies the notebooks and starts JupyterLab."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from k6frames.api.package_data import data_folder

FIRST = "--LabApp.default_url=/lab/tree/getting_started.ipynb"


@pytest.fixture
def started(monkeypatch) -> list[list[str]]:
    """The programs that are started in place of this one."""
    commands: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda _, command: commands.append(command[1:]))
    return commands


def test_lab_copies_the_notebooks_overwrites_none_and_opens_the_first(run, started) -> None:
    Path("mine").mkdir()
    Path("mine/idle_projects.ipynb").write_text("my own")
    result = run("lab", "mine")
    assert result.exit_code == 0
    assert Path("mine/idle_projects.ipynb").read_text() == "my own"
    assert "Kept mine/idle_projects.ipynb\n" in result.stderr
    names = {file.name for file in data_folder("notebooks").glob("*.ipynb")}
    assert {file.name for file in Path("mine").iterdir()} == names
    assert json.loads(Path("mine/getting_started.ipynb").read_text())["cells"]
    assert started == [["-m", "jupyterlab", "mine", FIRST]]


def test_lab_passes_what_follows_two_dashes_to_jupyterlab(run, started) -> None:
    assert run("lab", "--", "--no-browser", "--port", "9").exit_code == 0
    assert [file.name for file in Path().iterdir()] == ["k6frames-notebooks"]
    assert started[0][2:] == ["k6frames-notebooks", FIRST, "--no-browser", "--port", "9"]


def test_lab_refuses_options_of_jupyterlab_before_the_dashes(run, started) -> None:
    for arguments in (["--no-browser"], ["mine", "--port=9"], ["mine", "more"]):
        result = run("lab", *arguments)
        assert result.exit_code == 2
        assert "more" in arguments or "Options for JupyterLab go after --" in result.stderr
    assert not list(Path().iterdir())
    assert not started
