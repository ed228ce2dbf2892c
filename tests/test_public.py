"""What users see: the names, what their docstrings say, and the frames they return."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pytest

import k6frames
from k6frames import Client, plots
from k6frames.schema import Table
from k6frames.settings import SAMPLE_TODAY

SECTIONS = ("Parameters", "Returns", "Raises", "Notes", "Examples", "Columns")


def names(kind: Callable[[Any], bool]) -> list[str]:
    return [name for name in k6frames.__all__ if kind(getattr(k6frames, name))]


FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{name: getattr(k6frames, name) for name in names(inspect.isfunction)},
    **{
        f"plots.{name}": function
        for name, function in inspect.getmembers(plots, inspect.isfunction)
        if function.__module__ == "k6frames.plots" and not name.startswith("_")
    },
    **{f"Client.{name}": getattr(Client, name) for name in ("get", "get_many")},
}
# These two give whatever table the file names.
GENERAL = {"read_csv", "read_parquet"}
FRAMES = [
    name
    for name, function in FUNCTIONS.items()
    if inspect.signature(function).return_annotation == "pd.DataFrame" and name not in GENERAL
]


def sections_of(function: Callable[..., Any]) -> dict[str, str]:
    """The numpydoc sections of a docstring, in their order."""
    parts = re.split(r"^(\w+)\n-{3,}\n", inspect.getdoc(function) or "", flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


# --- names ----------------------------------------------------------------------------------------


def test_the_public_names_are_these() -> None:
    assert sorted(k6frames.__all__) == [
        "APIError", "Client", "ConfigError", "K6FramesError", "SchemaError", "account_summary",
        "creation_timeline", "idle_projects", "join_projects", "organization_df",
        "organization_projects_df", "organizations_df", "plots", "projects_df",
        "projects_per_organization", "read_csv", "read_parquet", "shared_names", "tables", "to_csv",
        "to_parquet",
    ]  # fmt: skip


@pytest.mark.parametrize("name", k6frames.__all__)
def test_a_public_name_is_what_its_module_has_under_it(name: str) -> None:
    module = k6frames._PUBLIC[name]
    value = getattr(k6frames, name)
    if module:
        assert value is getattr(import_module(f"k6frames.{module}"), name)
        assert value.__module__ == f"k6frames.{module}"
    else:
        assert isinstance(value, ModuleType)
        assert value.__name__ == f"k6frames.{name}"


def test_type_checkers_see_the_same_names() -> None:
    tree = ast.parse(Path(k6frames.__file__).read_text())
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    seen = {}
    for node in block.body:
        assert isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names:
            module = getattr(node, "module", None) or ""
            seen[alias.asname or alias.name] = module.removeprefix("k6frames").removeprefix(".")
    assert {name: "" if name == module else module for name, module in seen.items()} == (
        k6frames._PUBLIC
    )


def test_names_are_loaded_on_first_use_and_kept() -> None:
    code = (
        "import sys, k6frames\n"
        "assert 'organizations_df' not in vars(k6frames)\n"
        "assert 'k6frames.frames' not in sys.modules\n"
        "assert set(k6frames.__all__) < set(dir(k6frames))\n"
        "first = k6frames.organizations_df\n"
        "assert vars(k6frames)['organizations_df'] is first\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=60)


def test_a_star_import_brings_every_public_name() -> None:
    brought: dict[str, Any] = {}
    exec("from k6frames import *", brought)
    assert set(k6frames.__all__) <= set(brought)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'k6frames' has no attribute 'nothing'"):
        _ = k6frames.nothing


def test_the_version_is_that_of_the_installed_package() -> None:
    assert k6frames.__version__ == version("k6frames")
    assert "__version__" in dir(k6frames)


# --- docstrings -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_docstring_has_its_sections_in_numpydocs_order(name: str) -> None:
    function = FUNCTIONS[name]
    found = list(sections_of(function))
    wanted = {"Raises", "Examples"}
    signature = inspect.signature(function)
    if [parameter for parameter in signature.parameters if parameter != "self"]:
        wanted.add("Parameters")
    if signature.return_annotation != "None":
        wanted.add("Returns")
    assert wanted <= set(found)
    assert found == [section for section in SECTIONS if section in found]
    summary = (inspect.getdoc(function) or "").splitlines()
    assert summary[0].endswith(".")
    assert summary[1] == ""


@pytest.mark.parametrize("name", [*FUNCTIONS, "Client"])
def test_a_docstring_names_every_parameter_in_its_order(name: str) -> None:
    function = FUNCTIONS.get(name, Client)
    text = sections_of(function).get("Parameters", "")
    documented = re.findall(r"^(\w+(?:, \w+)*) : \S", text, flags=re.MULTILINE)
    flat = [parameter for group in documented for parameter in group.split(", ")]
    parameters = inspect.signature(function).parameters.values()
    assert flat == [parameter.name for parameter in parameters if parameter.name != "self"]


@pytest.mark.parametrize("name", [*FUNCTIONS, "Client"])
def test_a_docstring_has_an_example_that_runs(name: str) -> None:
    examples = sections_of(FUNCTIONS.get(name, Client))["Examples"]
    assert ">>> import " in examples
    assert "doctest: +SKIP" not in examples


@pytest.mark.parametrize("name", names(inspect.isclass))
def test_a_public_class_says_what_it_is(name: str) -> None:
    doc = inspect.getdoc(getattr(k6frames, name)) or ""
    assert doc.splitlines()[0].endswith(".")
    assert doc != inspect.getdoc(Exception)


@pytest.mark.parametrize("name", FRAMES)
def test_a_docstring_lists_the_columns_of_the_frame(name: str) -> None:
    columns = sections_of(FUNCTIONS[name])["Columns"]
    for table in FUNCTIONS[name].tables:  # type: ignore[attr-defined]
        assert f"Table ``{table.name}``: one row is {table.doc}" in columns
        assert table.to_text() in columns


# --- frames ---------------------------------------------------------------------------------------


def _both(client: Client) -> pd.DataFrame:
    return k6frames.organization_projects_df(client=client)


# Each function with what it gives of the sample account, one frame for each of its tables.
CALLS: dict[str, Callable[[Client], list[pd.DataFrame]]] = {
    "organizations_df": lambda c: [k6frames.organizations_df(client=c)],
    "organization_df": lambda c: [k6frames.organization_df(1013, client=c)],
    "projects_df": lambda c: [k6frames.projects_df(client=c)],
    "organization_projects_df": lambda c: [_both(c)],
    "join_projects": lambda c: [
        k6frames.join_projects(k6frames.organizations_df(client=c), k6frames.projects_df(client=c))
    ],
    "projects_per_organization": lambda c: [k6frames.projects_per_organization(_both(c))],
    "creation_timeline": lambda c: [
        k6frames.creation_timeline(_both(c)),
        k6frames.creation_timeline(_both(c), by="org_id"),
    ],
    "idle_projects": lambda c: [k6frames.idle_projects(_both(c), as_of=SAMPLE_TODAY)],
    "account_summary": lambda c: [k6frames.account_summary(_both(c), as_of=SAMPLE_TODAY)],
    "shared_names": lambda c: [k6frames.shared_names(_both(c))],
}


def test_every_function_that_returns_a_frame_is_called_here() -> None:
    assert set(CALLS) == set(FRAMES)
    assert {name for name in FUNCTIONS if hasattr(FUNCTIONS[name], "tables")} == set(FRAMES)


@pytest.mark.parametrize("name", CALLS)
def test_a_frame_of_the_samples_has_exactly_the_declared_columns_and_dtypes(name: str) -> None:
    tables: tuple[Table, ...] = FUNCTIONS[name].tables  # type: ignore[attr-defined]
    with Client.sample() as client:
        results = CALLS[name](client)
    for frame, table in zip(results, tables, strict=True):
        assert len(frame) > 0
        assert frame.dtypes.to_dict() == table.dtypes
        assert list(frame.columns) == list(table.dtypes)
        pd.testing.assert_frame_equal(table.conform(frame), frame)
        assert list(frame.attrs) == ["fetched"]


@pytest.mark.parametrize(
    "name",
    [name for name in CALLS if not name.startswith("organization")] + ["organization_projects_df"],
)
def test_no_billing_data_is_in_any_frame_but_organizations(name: str) -> None:
    with Client.sample() as client:
        for frame in CALLS[name](client):
            text = frame.to_csv()
            for word in ("Example Street", "billing", "INVENTED"):
                assert word not in text
