"""The elements of the report's index page: sections, plots and previews of tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import NamedTuple

import pandas as pd
from matplotlib.axes import Axes

from k6frames.plots.svg import draw_svg
from k6frames.report.words import capitalized, cell_text, header

PREVIEW_ROWS = 10
WIDE_INCHES, NARROW_INCHES = 8.5, 4.4


class Plot(NamedTuple):
    """A plot as two SVG elements; the page shows the one that fits its width."""

    wide: str
    narrow: str


class Preview(NamedTuple):
    """The first rows of a table as text.

    `links` has a URL or None for the first cell of each row; `more` is the number of rows left out.
    """

    columns: list[str]
    rows: list[list[str]]
    links: list[str | None]
    more: int


class Section(NamedTuple):
    """The answer to one question, with plots and a preview.

    `id` is the HTML ID. `tables` are the names of the tables to link to. The first one has the rows
    that the preview leaves out.
    """

    id: str
    title: str
    answer: str
    plots: Sequence[Plot] = ()
    tables: Sequence[str] = ()
    preview: Preview | None = None


def draw(name: str, plot: Callable[[], Axes], description: str) -> Plot:
    """Draw a plot for wide windows and for phones.

    Parameters
    ----------
    name : str
        A prefix for IDs, unique on the page.
    plot : callable
        Draws the plot on a new figure and returns its Axes.
    description : str
        The alternative text for screen readers.
    """
    start_of_tag = f'<svg role="img" aria-label="{escape(description)}"'
    wide = draw_svg(plot, name=f"{name}-wide", width=WIDE_INCHES)
    narrow = draw_svg(plot, name=f"{name}-narrow", width=NARROW_INCHES)
    return Plot(wide.replace("<svg", start_of_tag, 1), narrow.replace("<svg", start_of_tag, 1))


def preview(
    frame: pd.DataFrame, links: list[str | None] | None = None, *, limit: int = PREVIEW_ROWS
) -> Preview | None:
    """Return the first rows of a frame as text; None if it has no rows."""
    if frame.empty:
        return None
    shown = frame.head(limit)
    return Preview(
        columns=[capitalized(header(name)) for name in shown.columns],
        rows=[
            [cell_text(name, value) for name, value in zip(shown.columns, row, strict=True)]
            for row in shown.itertuples(index=False)
        ],
        links=[None] * len(shown) if links is None else links[:limit],
        more=len(frame) - len(shown),
    )
