"""The notebooks as they are committed; nbval compares their output."""

from __future__ import annotations

import re
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import pandas as pd
import pytest
from small_accounts import EMPTY, EMPTY_STACK, NO_DATES, ONE_PROJECT, ONE_RUN, account_folder

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request: pytest.FixtureRequest) -> nbformat.NotebookNode:
    return nbformat.read(request.param, as_version=4)


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_there_are_nine_notebooks():
    assert len(NOTEBOOKS) == 9


def test_every_cell_was_executed_in_order_and_none_failed(notebook):
    # nbval compares a cell that was not executed with nothing.
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert not [o for cell in cells for o in cell.outputs if o.output_type == "error"]
    assert not [o for cell in cells for o in cell.outputs if o.get("name") == "stderr"]


def test_the_only_parameter_is_the_address_of_the_account(notebook):
    first = code_cells(notebook)[0]
    assert first.metadata.tags == ["parameters"]
    values: dict[str, str] = {}
    exec(first.source, values)
    del values["__builtins__"]
    assert values == {"API_URL": "sample:"}


def test_each_plot_is_shown_once_and_followed_by_an_assertion(notebook):
    cells = code_cells(notebook)
    plots = [i for i, cell in enumerate(cells) if "plot" in cell.metadata.get("tags", [])]
    assert plots
    for index, cell in enumerate(cells):
        images = [output for output in cell.outputs if "image/png" in output.get("data", {})]
        assert len(images) == (1 if index in plots else 0)
    for index in plots:
        assert "k6frames.plots." in cells[index].source
        assert cells[index].metadata.alt
        assert "assert " in cells[index + 1].source


def test_no_path_of_a_machine_and_nothing_private_is_in_a_notebook(notebook):
    text = re.sub(r'"image/png": "[^"]*"', "", nbformat.writes(notebook))
    assert not re.findall(r"/(?:tmp|home|root|Users|usr|work)/\w+", text)
    assert not re.findall(r"billing_\w+|vat_number|@example\.com", text)


@pytest.mark.parametrize(
    "files",
    [EMPTY | EMPTY_STACK, ONE_PROJECT | ONE_RUN, NO_DATES],
    ids=["empty", "one run", "no dates"],
)
def test_every_notebook_runs_on_a_small_account(notebook, files, tmp_path):
    _, *cells = code_cells(notebook)
    values = {"API_URL": account_folder(tmp_path / "account", files)}
    with pd.option_context("display.max_colwidth", None):  # a notebook sets it
        for cell in cells:
            exec(cell.source, values)
    plt.close("all")
