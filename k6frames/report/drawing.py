"""Plots of the report: each in a wide variant, and in a narrow one for phones."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import NamedTuple

from matplotlib.axes import Axes

from k6frames.plots.svg import draw_svg

WIDE_INCHES, NARROW_INCHES = 8.5, 4.4


class Plot(NamedTuple):
    """One plot of a page: two SVG elements, of which the page shows the one that fits."""

    wide: str
    narrow: str


def draw(name: str, plot: Callable[[], Axes], description: str) -> Plot:
    """Draw a plot twice.

    Parameters
    ----------
    name : str
        A name that is unique on the page.
    plot : callable
        Draws it on a new figure and returns the Axes.
    description : str
        The text for readers who cannot see it.
    """
    # To a screen reader it is one image.
    role = f'<svg role="img" aria-label="{escape(description)}"'
    wide = draw_svg(plot, name=f"{name}-wide", width=WIDE_INCHES)
    narrow = draw_svg(plot, name=f"{name}-narrow", width=NARROW_INCHES)
    return Plot(wide.replace("<svg", role, 1), narrow.replace("<svg", role, 1))
