"""What users see: the public names, their docstrings, and the frames that they return."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pytest

import k6frames
from k6frames import Client, plots, tables
from k6frames.tables import Table

SECTIONS = ("Parameters", "Returns", "Raises", "Warns", "Notes", "Examples", "Columns")


def names(kind: Callable[[Any], bool]) -> list[str]:
    return [name for name in k6frames.__all__ if kind(getattr(k6frames, name))]


FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{name: getattr(k6frames, name) for name in names(inspect.isfunction)},
    **{f"plots.{name}": getattr(plots, name) for name in plots.__all__},
    **{f"Client.{name}": getattr(Client, name) for name in ("get", "fetch", "stacks")},
}
FRAME_FUNCTIONS = [name for name, function in FUNCTIONS.items() if hasattr(function, "tables")]
# The table that they return depends on the file.
READERS = {"read_csv", "read_parquet"}


def sections_of(function: Callable[..., Any]) -> dict[str, str]:
    """Return the numpydoc sections of a docstring, in order."""
    parts = re.split(r"^(\w+)\n-{3,}\n", inspect.getdoc(function) or "", flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


# --- names ----------------------------------------------------------------------------------------


def test_a_star_import_imports_every_public_name() -> None:
    namespace: dict[str, Any] = {}
    exec("from k6frames import *", namespace)
    assert set(k6frames.__all__) <= set(namespace)


@pytest.mark.parametrize("name", k6frames.__all__)
def test_a_public_name_is_a_function_a_class_or_a_module_of_k6frames(name: str) -> None:
    value = getattr(k6frames, name)
    module = value.__name__ if isinstance(value, ModuleType) else value.__module__
    assert module.startswith("k6frames.")


def test_importing_k6frames_imports_no_pandas() -> None:
    code = (
        "import sys, k6frames\n"
        "assert 'pandas' not in sys.modules and 'matplotlib' not in sys.modules\n"
        "k6frames.organizations_df\n"
        "assert 'pandas' in sys.modules and 'matplotlib' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=60)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nothing"):
        _ = k6frames.nothing


def test_the_version_is_that_of_the_installed_package() -> None:
    assert k6frames.__version__ == version("k6frames")


@pytest.mark.parametrize("module", [plots, tables], ids=["plots", "tables"])
def test_dir_offers_public_names_only(module: ModuleType) -> None:
    assert sorted(dir(module)) == sorted(module.__all__)


# --- docstrings -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_docstring_has_the_sections_of_numpydoc_in_order(name: str) -> None:
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
def test_a_docstring_documents_every_parameter_in_order(name: str) -> None:
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
def test_a_public_class_has_a_docstring(name: str) -> None:
    doc = inspect.getdoc(getattr(k6frames, name)) or ""
    assert doc.splitlines()[0].endswith(".")
    assert doc != inspect.getdoc(Exception)


@pytest.mark.parametrize("name", FRAME_FUNCTIONS)
def test_a_docstring_lists_the_columns_of_the_frame(name: str) -> None:
    columns = sections_of(FUNCTIONS[name])["Columns"]
    for table in FUNCTIONS[name].tables:  # type: ignore[attr-defined]
        assert f"Table ``{table.name}``: one row is {table.doc}" in columns
        assert table.to_text() in columns


# --- frames ---------------------------------------------------------------------------------------


class Sample:
    """The frames of the sample account that other functions take."""

    def __init__(self) -> None:
        self.client = Client.sample()
        self.projects = k6frames.organization_projects_df(client=self.client)
        self.test_runs = k6frames.test_runs_df(client=self.client)
        self.details = k6frames.test_run_details_df(client=self.client)
        self.load_tests = k6frames.load_tests_df(client=self.client)
        self.labels = k6frames.project_labels_df(client=self.client)
        self.metric_values = k6frames.metric_values_df(735140, client=self.client)
        self._results: dict[str, list[pd.DataFrame]] = {}

    def results(self, name: str) -> list[pd.DataFrame]:
        """Return what a function returns, which is called once."""
        if name not in self._results:
            self._results[name] = CALLS[name](self)
        return self._results[name]

    def last_week(self) -> Path:
        """Write a snapshot of the account before one of its load tests was renamed."""
        folder = k6frames.snapshot("last-week", self.client)
        manifest = folder / "account.json"
        manifest.write_text(manifest.read_text().replace("2026-06-29", "2026-06-22"))
        load_tests = folder / "stacks/48213/cloud/v6/load_tests.json"
        load_tests.write_text(load_tests.read_text().replace("Refund webhooks", "Refunds"))
        return folder


def _dataset(sample: Sample) -> str:
    for client in (Client(api_url=sample.last_week().as_uri()), sample.client):
        k6frames.sync("history", client)
    return "history"


@pytest.fixture(scope="module")
def sample() -> Sample:
    return Sample()


def _client_call(name: str) -> Callable[[Sample], list[pd.DataFrame]]:
    return lambda sample: [getattr(k6frames, name)(client=sample.client)]


# What each function returns for the sample account, one frame for each of its tables.
CALLS: dict[str, Callable[[Sample], list[pd.DataFrame]]] = {
    name: _client_call(name)
    for name in (
        "organizations_df",
        "projects_df",
        "organization_projects_df",
        "stack_projects_df",
        "project_labels_df",
        "load_tests_df",
        "schedules_df",
        "project_limits_df",
        "load_zones_df",
        "test_runs_df",
        "test_run_details_df",
    )
} | {
    "organization_df": lambda s: [k6frames.organization_df(1013, client=s.client)],
    "join_projects": lambda s: [
        k6frames.join_projects(
            k6frames.organizations_df(client=s.client), k6frames.projects_df(client=s.client)
        )
    ],
    "join_test_runs": lambda s: [
        k6frames.join_test_runs(
            s.test_runs, s.load_tests, k6frames.stack_projects_df(client=s.client)
        )
    ],
    "metrics_df": lambda s: [k6frames.metrics_df(735140, client=s.client)],
    "metric_values_df": lambda s: [s.metric_values],
    "metric_series_df": lambda s: [k6frames.metric_series_df(7241140, client=s.client)],
    "projects_per_organization": lambda s: [k6frames.projects_per_organization(s.projects)],
    "creation_timeline": lambda s: [
        k6frames.creation_timeline(s.projects),
        k6frames.creation_timeline(s.projects, by="org_id"),
    ],
    "idle_projects": lambda s: [k6frames.idle_projects(s.projects, as_of=s.client.as_of)],
    "account_summary": lambda s: [k6frames.account_summary(s.projects, as_of=s.client.as_of)],
    "shared_names": lambda s: [k6frames.shared_names(s.projects)],
    "vuh_budget": lambda s: [
        k6frames.vuh_budget(
            s.details, k6frames.project_limits_df(client=s.client), as_of=s.client.as_of
        )
    ],
    "test_results": lambda s: [k6frames.test_results(s.details, as_of=s.client.as_of)],
    "results_timeline": lambda s: [k6frames.results_timeline(s.details)],
    "flaky_tests": lambda s: [k6frames.flaky_tests(s.details)],
    "idle_load_tests": lambda s: [
        k6frames.idle_load_tests(s.load_tests, s.test_runs, as_of=s.client.as_of)
    ],
    "scheduled_runs": lambda s: [
        k6frames.scheduled_runs(k6frames.schedules_df(client=s.client), s.load_tests)
    ],
    "metric_changes": lambda s: [k6frames.metric_changes(s.metric_values, s.details)],
    "changes": lambda s: [k6frames.changes(s.load_tests, s.load_tests.iloc[1:])],
    "sync": lambda s: [k6frames.sync("history", s.client)],
    "snapshot_changes": lambda s: [
        k6frames.snapshot_changes(s.last_week(), k6frames.snapshot("now", s.client))
    ],
    "dataset_changes": lambda s: [k6frames.dataset_changes(_dataset(s))],
}
# One function with a table for each way to group.
USAGE = {
    "usage": None,
    "usage_by_stack": "stack_id",
    "usage_by_project": "project_id",
    "usage_by_load_test": "load_test_id",
    "usage_by_label": "team",
}


def _check(frame: pd.DataFrame, table: Table) -> None:
    assert len(frame) > 0
    assert list(frame.columns) == list(table.dtypes)
    assert frame.dtypes.to_dict() == table.dtypes
    pd.testing.assert_frame_equal(table.conform(frame), frame)


def test_every_function_that_returns_a_frame_is_called_here() -> None:
    assert set(CALLS) | {"usage"} | READERS >= set(FRAME_FUNCTIONS)


@pytest.mark.parametrize("name", CALLS)
def test_a_frame_of_the_sample_has_the_declared_columns_and_dtypes(
    name: str, sample: Sample
) -> None:
    results = sample.results(name)
    for frame, table in zip(results, FUNCTIONS[name].tables, strict=True):  # type: ignore[attr-defined]
        _check(frame, table)


@pytest.mark.parametrize("name", USAGE)
def test_usage_has_the_columns_of_its_grouping(name: str, sample: Sample) -> None:
    frame = k6frames.usage(sample.details, by=USAGE[name], project_labels=sample.labels)
    _check(frame, next(table for table in tables.TABLES if table.name == name))


@pytest.mark.parametrize(
    "name",
    sorted(set(CALLS) - {"organizations_df", "organization_df", "test_runs_df", "schedules_df"}),
)
def test_private_data_is_only_in_the_frames_of_the_lists_that_have_it(
    name: str, sample: Sample
) -> None:
    for frame in sample.results(name):
        text = frame.to_csv()
        for word in ("Example Street", "billing", "INVENTED", "@example.com"):
            assert word not in text
