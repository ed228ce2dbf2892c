"""Plots as SVG elements for HTML pages."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from io import StringIO
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from k6frames.plots import style

# < and > are escaped in text, so this matches tags only.
_TAG = re.compile(r"<[^>]*>")
_ID_START = re.compile(r'(\bid="|url\(#|href="#)')
# matplotlib before 3.11 writes size and family as one property.
_FONT = re.compile(r"\bfont: ([\d.]+px)[^;\"]*|\bfont-family: [^;\"]*;? ?")
# A style sheet would apply to the whole page.
_STYLE_SHEET = re.compile(r"<defs>\s*<style[^>]*>\*\{([^}]*)\}</style>\s*</defs>\s*")
_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))


def draw_svg(
    plot: Callable[..., Axes], *frames: Any, name: str, width: float, **options: Any
) -> str:
    """Return a plot as an SVG element for an HTML page.

    Text is not converted to paths: it has the fonts of the page and, unless the plot sets a color,
    the CSS `fill` of the page. The background is transparent. The same data result in the same SVG.

    Parameters
    ----------
    plot : callable
        A function of `k6frames.plots`.
    *frames : pandas.DataFrame
        The positional arguments of `plot`.
    name : str
        A prefix for all IDs in the SVG. It must be unique on the page.
    width : float
        Width in inches. Below about 6 inches, names are above the bars.
    **options : object
        The keyword arguments of `plot`.

    Returns
    -------
    str
        From ``<svg`` to ``</svg>``.

    Examples
    --------
    >>> import k6frames
    >>> projects = k6frames.projects_df(client=k6frames.Client.sample())
    >>> timeline = k6frames.creation_timeline(projects)
    >>> svg = draw_svg(k6frames.plots.creation_timeline, timeline, name="growth", width=4.2)
    >>> svg[:4]
    '<svg'
    """
    settings: dict[Any, Any] = {"svg.fonttype": "none", "svg.hashsalt": name}
    with style.temporary_settings(settings), style.figure_width(width), warnings.catch_warnings():
        # The browser's fonts may have characters that the fonts installed here lack.
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from")
        plot(*frames, **options)
        figure = plt.gcf()
        buffer = StringIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata=_NO_METADATA)
        plt.close(figure)
    text = buffer.getvalue()
    svg = text[text.index("<svg") :].strip()
    style_sheet = _STYLE_SHEET.search(svg)
    if style_sheet:
        svg = svg.replace(style_sheet[0], "", 1)
        svg = svg.replace("<svg", f'<svg style="{style_sheet[1]}"', 1)
    return _TAG.sub(lambda tag: _adapt_tag(tag[0], name), svg)


def _adapt_tag(tag: str, name: str) -> str:
    """Prefix the IDs in a tag, and remove font families."""
    tag = _ID_START.sub(rf"\g<1>{name}-", tag)
    return _FONT.sub(lambda font: f"font-size: {font[1]}" if font[1] else "", tag)
