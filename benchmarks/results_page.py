"""Write RESULTS.md, in which each benchmark replaces its own section."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

RESULTS = Path(__file__).with_name("RESULTS.md")


def replace_section(heading: str, lines: Sequence[str]) -> None:
    """Replace or append the section with this heading in RESULTS.md."""
    introduction, *sections = RESULTS.read_text(encoding="utf-8").split("\n## ")
    by_heading = {section.partition("\n")[0]: section.strip() for section in sections}
    by_heading[heading] = "\n".join([heading, "", *lines])
    text = "\n\n## ".join([introduction.strip(), *by_heading.values()])
    RESULTS.write_text(f"{text}\n", encoding="utf-8")


def describe_versions(*packages: str) -> str:
    """Return the versions of Python and of some packages."""
    python = f"Python {platform.python_version()}"
    return ", ".join([python, *(f"{name} {version(name)}" for name in packages)])
