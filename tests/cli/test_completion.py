"""Shell completion, in a real bash."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize(
    ("typed", "choices"),
    [
        ("k6frames res", {"results"}),
        ("k6frames usage --fr", {"--freq"}),
        ("k6frames usage --on-error ", {"raise", "warn"}),
    ],
)
def test_line_in_the_documentation_completes_commands_options_and_choices(
    typed: str, choices: set[str]
) -> None:
    line = re.search(r"^(eval .*bash_source .*?) *#", PAGE, re.MULTILINE)
    assert line is not None
    words = " ".join(f"'{word}'" for word in typed.split(" "))
    script = f"""{line[1]}
COMP_WORDS=({words}) COMP_CWORD=$(({len(typed.split(" "))} - 1))
_k6frames_completion k6frames
printf '%s\n' "${{COMPREPLY[@]}}"
"""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    shown = subprocess.run(
        ["bash", "--norc", "-c", script],
        env={**os.environ, "PATH": path},
        capture_output=True, text=True, timeout=60, check=True,
    ).stdout  # fmt: skip
    assert set(shown.split()) == choices
