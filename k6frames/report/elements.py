"""What a page consists of: sections with plots and the first rows of a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import NamedTuple

import pandas as pd
from matplotlib.axes import Axes

from k6frames.plots.svg import draw_svg
from k6frames.report.words import cell_text, header

PREVIEW_ROWS = 10
WIDE_INCHES, NARROW_INCHES = 8.5, 4.4


class Plot(NamedTuple):
    """One plot of a page: two SVG elements, of which the page shows the one that fits."""

    wide: str
    narrow: str


class Preview(NamedTuple):
    """The first rows of a table, as text; `links` has an address for some first cells."""

    columns: list[str]
    rows: list[list[str]]
    links: list[str | None]
    more: int


class Section(NamedTuple):
    """One question, its answer, and what shows it.

    `tables` are those behind it; the first one has all rows of the preview.
    """

    name: str
    title: str
    answer: str
    plots: Sequence[Plot] = ()
    tables: Sequence[str] = ()
    preview: Preview | None = None


def draw(name: str, plot: Callable[[], Axes], description: str) -> Plot:
    """Draw a plot for wide pages, and for phones.

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


def preview(
    frame: pd.DataFrame, links: list[str | None] | None = None, *, limit: int = PREVIEW_ROWS
) -> Preview | None:
    """Return the first rows of a frame as text; None if it has no rows."""
    if frame.empty:
        return None
    shown = frame.head(limit)
    return Preview(
        [header(name) for name in shown.columns],
        [
            [cell_text(name, value) for name, value in zip(shown.columns, row, strict=True)]
            for row in shown.itertuples(index=False)
        ],
        [None] * len(shown) if links is None else links[:limit],
        len(frame) - len(shown),
    )
