"""Plots as SVG with real text, in a wide variant and in a narrow one for phones."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from html import escape
from io import StringIO
from typing import NamedTuple

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from k6frames.plots.style import figure_width

WIDE_INCHES, NARROW_INCHES = 8.5, 4.4


class Plot(NamedTuple):
    """One plot of a page: two SVG elements, of which the page shows the one that fits."""

    name: str
    wide: str
    narrow: str


def draw(name: str, plot: Callable[[], Axes], description: str) -> Plot:
    """Draw a plot twice.

    Parameters
    ----------
    name : str
        The name of its file.
    plot : callable
        Draws it on a new figure and returns the Axes.
    description : str
        The text for those who cannot see it.
    """
    return Plot(name, *(_svg(plot, width, description) for width in (WIDE_INCHES, NARROW_INCHES)))


def _svg(plot: Callable[[], Axes], width: float, description: str) -> str:
    # Text stays text: any script, the reader's fonts, sharp at every size.
    settings = {"svg.fonttype": "none", "svg.hashsalt": "k6frames"}
    with mpl.rc_context(settings), figure_width(width), warnings.catch_warnings():
        # A character that no font here has is drawn by the reader's fonts.
        warnings.filterwarnings("ignore", message="Glyph ")
        figure = plot().figure
        try:
            file = StringIO()
            figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
        finally:
            plt.close(figure)
    svg = file.getvalue()
    svg = svg[svg.index("<svg") :]
    # The page sets the size; a role and a label make it one image for a screen reader.
    return re.sub(
        r'<svg\b(.*?) width="[^"]*"(.*?)>',
        lambda match: re.sub(
            r' height="[^"]*"',
            "",
            f'<svg{match[1]}{match[2]} role="img" aria-label="{escape(description)}">',
        ),
        svg,
        count=1,
        flags=re.DOTALL,
    )
