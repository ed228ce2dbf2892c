"""The sample account and the notebooks that come with the package."""

from __future__ import annotations

from pathlib import Path


def data_folder(name: str) -> Path:
    """Return the folder ``samples`` or ``notebooks`` of the installed package, or of a checkout."""
    package = Path(__file__).parent.parent
    installed = package / "_data" / name
    if installed.is_dir():
        return installed
    return package.parent / {"samples": "data/samples", "notebooks": "notebooks"}[name]
