"""The wheel: what is in it, and that it works where there is no checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the contents of the wheel, as pip installs them."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "installed")
    return folder / "installed"


def contents(folder: Path, *suffixes: str) -> dict[Path, bytes]:
    return {
        path.relative_to(folder): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix in suffixes
    }


def test_the_wheel_has_the_package_the_samples_and_the_notebooks_and_nothing_else(unpacked):
    package = unpacked / "k6frames"
    data = package / "_data"
    expected = {
        package: contents(ROOT / "k6frames", ".py", ".pyi", ".typed", ".j2"),
        data / "samples": contents(ROOT / "data/samples", ".json"),
        data / "notebooks": contents(ROOT / "notebooks", ".ipynb"),
    }
    files = {
        folder / path: content
        for folder, found in expected.items()
        for path, content in found.items()
    }
    assert all(expected.values())
    assert package / "py.typed" in files
    found = {path: path.read_bytes() for path in package.rglob("*") if path.is_file()}
    assert found == files
    (metadata,) = set(unpacked.iterdir()) - {package}
    assert metadata.suffix == ".dist-info"


def test_the_wheel_works_without_the_checkout(unpacked, tmp_path):
    program = (
        "import k6frames; client = k6frames.Client.sample();"
        "print(k6frames.__file__, len(k6frames.projects_df(client=client)))"
    )
    environment = {**os.environ, "PYTHONPATH": str(unpacked)}
    printed = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert printed.split() == [str(unpacked / "k6frames/__init__.py"), "300"]
