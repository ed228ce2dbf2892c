"""`k6frames lab`: copies the notebooks and starts JupyterLab."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from k6frames.api.package_data import data_folder

NOTEBOOK = "projects_per_organization"
FIRST = "--LabApp.default_url=/lab/tree/getting_started.ipynb"


@pytest.fixture
def started(monkeypatch) -> list[list[str]]:
    """The programs that are started in place of this one."""
    commands: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda _, command: commands.append(command[1:]))
    return commands


def test_lab_copies_the_notebooks_without_overwriting_any_and_opens_the_first(run, started) -> None:
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


@pytest.fixture
def jupyterlab(tmp_path, monkeypatch) -> Iterator[str]:
    """Start JupyterLab with a notebook that has no outputs yet; its URL, which has its token."""
    notebook = nbformat.read(data_folder("notebooks") / f"{NOTEBOOK}.ipynb", as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    (tmp_path / "mine").mkdir()
    nbformat.write(notebook, tmp_path / f"mine/{NOTEBOOK}.ipynb")
    settings = {
        "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},  # show all cells
        "@jupyterlab/apputils-extension/notification": {"fetchNews": "false"},
    }
    for name, values in settings.items():
        file = tmp_path / f"settings/{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))
    monkeypatch.setenv("JUPYTERLAB_SETTINGS_DIR", str(tmp_path / "settings"))
    monkeypatch.setenv("JUPYTERLAB_WORKSPACES_DIR", str(tmp_path / "workspaces"))
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    options = ["--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1", "--ServerApp.port=0"]
    with subprocess.Popen(
        [sys.executable, "-m", "k6frames.cli", "lab", "mine", "--", *options],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        try:
            yield next(
                found[0]
                for line in server.stderr
                if (found := re.search(r"http://127\.0\.0\.1:\d+/lab/tree/\S+\?token=\w+", line))
            )
        finally:
            server.terminate()
            server.communicate(timeout=30)


@pytest.mark.browser
def test_a_notebook_runs_in_jupyterlab_and_shows_its_plot(browser: Any, jupyterlab: str) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    page.set_default_timeout(90_000)
    page.goto(jupyterlab.replace("getting_started", NOTEBOOK))
    page.locator("#jp-main-statusbar").get_by_text("| Idle").wait_for()  # the kernel is ready
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    prompts = page.locator(".jp-CodeCell .jp-InputPrompt")
    count = prompts.count()
    prompts.nth(count - 1).filter(has_text=f"[{count}]:").wait_for()
    assert prompts.all_inner_texts() == [f"[{i}]:" for i in range(1, count + 1)]
    assert page.locator(".jp-OutputArea-output[data-mime-type*=std]").all_inner_texts()
    for kind in ("error", "stderr"):
        assert page.locator(f".jp-OutputArea-output[data-mime-type*={kind}]").count() == 0
    plot = page.locator(".jp-OutputArea-output img")
    assert plot.evaluate("image => image.naturalWidth") > 500
    page.close()
