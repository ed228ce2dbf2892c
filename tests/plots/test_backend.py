"""Plots with an interactive backend, such as Jupyter's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

BACKEND = """
import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg as FigureCanvas
matplotlib.interactive(True)
"""

PROGRAM = """
import matplotlib
from k6frames import plots
plots.completeness({})
assert matplotlib.is_interactive()
"""


def test_an_interactive_backend_loaded_by_the_first_plot_stays_interactive(tmp_path: Path) -> None:
    (tmp_path / "interactive_backend.py").write_text(BACKEND, encoding="utf-8")
    settings = {"MPLBACKEND": "module://interactive_backend", "PYTHONPATH": str(tmp_path)}
    subprocess.run([sys.executable, "-c", PROGRAM], check=True, env={**os.environ, **settings})
