"""Which stage may import which, and which module may import which library."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "k6frames"

# Each stage may import those before it, itself, and what is listed here of those behind it.
STAGES = (
    "errors",
    "warn",
    "validation",
    "api",
    "tables",
    "parsing",
    "loaders",
    "summaries",
    "files",
    "dataset",
    "dask",
    "plots",
    "report",
    "cli",
)
# Data flows from a loader to a summary to a plot: none of these knows the ones beside it.
INDEPENDENT = {
    "tables": {"api"},
    "summaries": {"api", "parsing", "loaders"},
    "files": {"api", "parsing", "loaders", "summaries"},
    "plots": {"api", "parsing", "loaders", "summaries", "files", "dataset", "dask"},
}
# A library that is not listed may be imported anywhere.
LIBRARIES = {
    "click": {"cli"},
    "dask": {"dask"},
    "distributed": {"dask"},
    "filelock": {"loaders", "dataset"},
    "itables": {"report"},
    "jinja2": {"report"},
    "matplotlib": {"plots", "report"},
    "msgspec": {"api", "parsing", "loaders"},
    "pandas": {"tables", "parsing", "loaders", "summaries", "plots", "files"}
    | {"dataset", "dask", "report", "cli"},
    "platformdirs": {"api"},
    "pyarrow": {"tables", "parsing", "files", "summaries", "dataset"},
    "requests": {"api"},
    "requests_cache": {"api"},
    "rich": {"cli"},
    "sqlite3": {"api"},
    "tenacity": {"api"},
    "tqdm": {"api"},
    "urllib3": {"api"},
    "xlsxwriter": {"files"},
}
MODULES = sorted(PACKAGE.rglob("*.py"))


def stage_of(module: Path) -> str:
    return module.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(module: Path) -> Iterator[str]:
    """Yield what a module imports when it is imported itself, not within its functions."""
    for node in ast.parse(module.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_module_imports_only_earlier_stages_and_its_libraries(module: Path) -> None:
    stage = stage_of(module)
    if stage == "__init__":
        return
    allowed = set(STAGES[: STAGES.index(stage) + 1]) - INDEPENDENT.get(stage, set())
    for name in imports(module):
        library, _, rest = name.partition(".")
        if library == "k6frames":
            assert not rest or rest.partition(".")[0] in allowed, f"{stage} must not import {name}"
        else:
            assert stage in LIBRARIES.get(library, {stage}), f"{stage} must not import {library}"


def test_every_module_belongs_to_a_stage() -> None:
    assert {stage_of(module) for module in MODULES} - {"__init__"} == set(STAGES)
