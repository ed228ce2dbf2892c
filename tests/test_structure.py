"""What stands on what: floors, owners of libraries, and the package as it is shipped."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "k6frames"
MODULES = {path.stem: ast.parse(path.read_text("utf-8")) for path in PACKAGE.glob("*.py")}

# A module imports from lower floors alone: nothing goes upward or sideways.
FLOORS = [
    {"errors"},
    {"exact", "secret"},
    {"answers", "cache", "lettering", "reading", "settings"},
    {"schema", "transport"},
    {"client", "tables"},
    {"export", "frames", "plots", "summaries"},
    {"report"},
    {"cli"},
    {"__init__"},
]
FLOOR = {module: number for number, floor in enumerate(FLOORS) for module in floor}

# Who may import a library. The client names a requests-cache session in its annotations.
OWNERS = {
    "requests": {"answers", "cache", "client", "transport"},
    "urllib3": {"answers", "transport"},
    "stamina": {"transport"},
    "requests_cache": {"cache", "client"},
    "sqlite3": {"cache"},
    "tqdm": {"client", "report"},
    "pandas": {
        "cli",
        "export",
        "frames",
        "lettering",
        "plots",
        "report",
        "schema",
        "summaries",
        "tables",
    },
    "numpy": {"plots", "summaries"},
    "pyarrow": {"exact", "export", "reading", "schema", "tables"},
    "matplotlib": {"lettering", "plots"},
    "papermill": {"report"},
    "nbconvert": {"report"},
    "nbformat": {"report"},
    "jinja2": {"report"},
    "markupsafe": {"report"},
    "platformdirs": {"settings"},
    "click": {"cli"},
    "rich": {"cli"},
}

HEAVY = ["IPython", "matplotlib", "nbconvert", "pandas", "papermill", "pyarrow", "requests"]


def imports(tree: ast.AST) -> Iterator[str]:
    """The dotted name of each import, as ``package.module.name`` where a name is taken from one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own_imports(module: str) -> set[str]:
    parts = [name.split(".") for name in imports(MODULES[module])]
    return {part[1] for part in parts if part[0] == "k6frames" and len(part) > 1}


def run(code: str, **environment: str) -> str:
    """What a new Python prints, away from the checkout."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# --- imports --------------------------------------------------------------------------------------


def test_every_module_has_a_floor() -> None:
    assert set(MODULES) <= set(FLOOR)
    assert sum(map(len, FLOORS)) == len(FLOOR)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_from_lower_floors_alone(module: str) -> None:
    for other in own_imports(module):
        assert FLOOR[other] < FLOOR[module], f"{module} imports {other}"


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_the_libraries_that_it_owns(module: str) -> None:
    libraries = {name.split(".")[0] for name in imports(MODULES[module])}
    foreign = libraries - set(sys.stdlib_module_names) - {"k6frames"}
    for library in foreign | (libraries & set(OWNERS)):
        assert module in OWNERS.get(library, ()), f"{module} imports {library}"


@pytest.mark.parametrize("module", sorted(set(MODULES) - {"__init__", "cli"}))
def test_nothing_is_imported_inside_a_function(module: str) -> None:
    for node in ast.walk(MODULES[module]):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            assert not list(imports(node)), node.lineno


def test_importing_the_package_loads_no_library() -> None:
    loaded = run("import sys, k6frames; print(*{name.split('.')[0] for name in sys.modules})")
    libraries = set(loaded.split()) - {"k6frames"}
    assert "k6frames" in loaded.split()
    assert not libraries & {*HEAVY, *OWNERS}


def test_loading_a_frame_loads_no_plots_and_no_notebook_tools() -> None:
    loaded = run(
        "import sys, k6frames\n"
        "client = k6frames.Client.sample()\n"
        "assert len(k6frames.organizations_df(client=client)) == 12\n"
        "both = k6frames.organization_projects_df(client=client)\n"
        "k6frames.to_csv(k6frames.projects_per_organization(both), 'summary.csv')\n"
        "print(*{name.split('.')[0] for name in sys.modules})"
    )
    assert "pandas" in loaded.split()
    assert not set(loaded.split()) & {"IPython", "matplotlib", "nbconvert", "papermill", "click"}


# --- the checkout ---------------------------------------------------------------------------------


@pytest.mark.parametrize("module", sorted(set(MODULES) - {"__init__"}))
def test_a_module_has_a_test_file_of_its_name(module: str) -> None:
    assert (ROOT / "tests" / f"test_{module}.py").is_file()


@pytest.mark.parametrize("module", MODULES)
def test_a_module_is_not_too_long(module: str) -> None:
    assert len((PACKAGE / f"{module}.py").read_text("utf-8").splitlines()) <= 400


def _normal(requirement: str) -> str:
    """A requirement without its extras and white space, its name as PyPI writes it."""
    match = re.fullmatch(r"([\w.-]+?)(?:\[.*?\])?\s*([<>=!~].*)?", requirement.strip())
    assert match is not None, requirement
    name, bound = match.groups("")
    return f"{name.lower().replace('_', '-')}{bound.replace(' ', '')}"


def test_the_conda_environment_has_the_packages_of_pyproject() -> None:
    file = ROOT / "environment.yml"
    if not file.exists():
        pytest.skip("there is no environment.yml yet")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [
        f"python{project['requires-python']}",
        *project["dependencies"],
        *project["optional-dependencies"]["notebook"],
    ]
    # conda-forge's matplotlib brings a GUI toolkit; what PyPI calls matplotlib is matplotlib-base.
    names = {_normal(line).replace("matplotlib>", "matplotlib-base>") for line in wanted}
    found = re.findall(r"^  - ([\w.<>=!~-]+)$", file.read_text("utf-8"), flags=re.MULTILINE)
    assert {_normal(line) for line in found} - {"conda-forge", "pip"} == names


# --- the wheel ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this checkout and installed into a folder far from it."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=120,
    )
    (wheel,) = folder.glob("*.whl")
    target = folder / "installed"
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"),
            *("--no-compile", "--disable-pip-version-check", "--target", str(target), str(wheel)),
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )
    return target


def test_a_wheel_serves_the_samples_away_from_the_checkout(installed: Path) -> None:
    printed = run(
        "import k6frames\n"
        "projects = k6frames.projects_df(client=k6frames.Client.sample())\n"
        "print(k6frames.__file__, len(projects))",
        PYTHONPATH=str(installed),
    )
    assert printed.split() == [str(installed / "k6frames" / "__init__.py"), "300"]


def test_a_wheel_holds_samples_notebooks_and_types(installed: Path) -> None:
    package = installed / "k6frames"
    assert (package / "py.typed").is_file()
    assert {path.stem for path in package.glob("*.py")} == set(MODULES)
    for inside, outside in (("samples", "data/samples"), ("notebooks", "notebooks")):
        there, here = (
            {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.[ij][ps]*")}
            for folder in (package / "_data" / inside, ROOT / outside)
        )
        assert there == here
        assert there


def test_a_wheel_holds_nothing_else(installed: Path) -> None:
    (wheel,) = installed.parent.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    for name in names:
        assert re.fullmatch(
            r"k6frames/(\w+\.py|py\.typed|templates/[\w.]+|_data/(samples/.+\.json|notebooks/\w+\.ipynb))"
            r"|k6frames-[\w.]+\.dist-info/.+",
            name,
        ), name
