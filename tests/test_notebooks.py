"""The notebooks as they are committed; nbval compares what they show."""

from __future__ import annotations

import json
import re
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import nbformat
import pytest

from k6frames.settings import SAMPLE_TODAY

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request: pytest.FixtureRequest) -> nbformat.NotebookNode:
    return nbformat.read(request.param, as_version=4)


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_there_are_five_notebooks():
    assert len(NOTEBOOKS) == 5


def test_every_cell_was_executed_in_order_and_none_failed(notebook):
    # nbval compares a cell that was not executed with nothing.
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert not [o for cell in cells for o in cell.outputs if o.output_type == "error"]
    assert not [o for cell in cells for o in cell.outputs if o.get("name") == "stderr"]


def test_the_first_code_cell_holds_the_parameters_of_the_sample_account(notebook):
    first = code_cells(notebook)[0]
    assert first.metadata.tags == ["parameters"]
    values: dict[str, str] = {}
    exec(first.source, values)
    assert (values["API_URL"], values["AS_OF"]) == ("sample:", SAMPLE_TODAY)


def test_each_plot_is_followed_by_an_assertion_on_what_it_holds(notebook):
    cells = code_cells(notebook)
    plots = [i for i, cell in enumerate(cells) if "plot" in cell.metadata.get("tags", [])]
    assert plots
    for index in plots:
        assert any("image/png" in output.get("data", {}) for output in cells[index].outputs)
        assert cells[index].metadata.alt
        assert "assert " in cells[index + 1].source


def test_no_path_of_a_machine_and_nothing_private_is_in_a_notebook(notebook):
    text = re.sub(r'"image/png": "[^"]*"', "", nbformat.writes(notebook))
    assert not re.findall(r"/(?:tmp|home|root|Users|usr|work)/\w+", text)
    assert not re.findall(r"billing_\w+|vat_number|@example\.com", text)


EMPTY: dict[str, list[object]] = {}
ONE = {"A": [{"id": 7, "organization_id": 1, "name": "only", "created": "2024-02-29"}]}
NO_DATES = {"A": [{"id": 7, "organization_id": 1}, {"id": 8, "organization_id": 1}], "B": []}


@pytest.mark.parametrize("account", [EMPTY, ONE, NO_DATES], ids=["empty", "one", "no dates"])
def test_a_notebook_runs_on_the_smallest_accounts(notebook, account, tmp_path, monkeypatch):
    """Run here, and not in a kernel, for speed: the report's tests have the kernels."""
    mpl.use("Agg")
    monkeypatch.setattr(plt, "show", lambda: plt.close("all"))
    monkeypatch.setattr("IPython.display.display", lambda _: None)
    organizations = [{"id": i, "name": name} for i, name in enumerate(account, 1)]
    files = {"organizations": {"organizations": organizations}} | {
        f"organizations/{i}/projects": {"projects": projects}
        for i, projects in enumerate(account.values(), 1)
    }
    for path, body in files.items():
        file = tmp_path / "account" / "v3" / f"{path}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(body))
    first, *cells = code_cells(notebook)
    values: dict[str, object] = {}
    exec(first.source, values)
    values["API_URL"] = (tmp_path / "account").as_uri()
    for cell in cells:
        exec(cell.source, values)
