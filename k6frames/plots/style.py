"""The house style: colors, sizes, titles, legends, and new figures of a given width."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.transforms import ScaledTranslation, Transform

from k6frames.errors import ConfigError
from k6frames.plots import fonts, labels
from k6frames.validation import short_repr

Floats = npt.NDArray[np.float64]

# The Okabe-Ito palette, whose colors can be told apart by color-blind readers. Black and yellow are
# left out: black is invisible on a dark page, and yellow on a white one.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
BLUE, VERMILLION = PALETTE[:2]
OTHERS_COLOR = "#6E6E6E"
RESULT_COLORS = {
    "passed": "#2F8AC6",
    "failed": "#C5432C",
    "errors": "#B59000",
    "aborted": "#8A8A8A",
}
"""Color-blind readers can tell these apart. Their contrast with white and dark pages is at least
3:1."""
AXES_COLOR = "#A0A0A0"
HATCH = "/////"

FONT_SIZE = 9.5
TITLE_SIZE = 12.5
LINE_HEIGHT_POINTS = 13.7
DEFAULT_WIDTH_INCHES = 8.5
PLOT_HEIGHT_INCHES = 3.9
MESSAGE_HEIGHT_INCHES = 1.1

_MARGIN_INCHES = 0.12
_TITLE_LINE_POINTS = TITLE_SIZE * 1.3
_TITLE_GAP_POINTS = 8.0
_LEGEND_GAP_POINTS = 5.0
_LEGEND_LINE_POINTS = FONT_SIZE * 1.45
# Multiples of the font size, as in matplotlib.
_LEGEND_HANDLE_LENGTH = 1.2
_LEGEND_HANDLE_PAD = 0.5
_LEGEND_COLUMN_GAP = 1.5
# At a low resolution, text is up to 4% wider than measured.
_LEGEND_MAX_SHARE = 0.96

_figure_width: ContextVar[float] = ContextVar("figure_width", default=DEFAULT_WIDTH_INCHES)


class Size(NamedTuple):
    """The available width and height in points.

    The height is infinite for a new figure, which is as tall as its content.
    """

    width: float
    height: float


@contextmanager
def house_style() -> Iterator[None]:
    """Use the fonts and sizes of the house style in a ``with`` block or a decorated function."""
    settings: dict[Any, Any] = {
        "font.family": fonts.installed_fonts(),
        "font.size": FONT_SIZE,
        "font.weight": "normal",
        "font.style": "normal",
        "axes.titlesize": TITLE_SIZE,
        "axes.titleweight": "normal",
        "axes.labelsize": FONT_SIZE,
        "text.usetex": False,
        "hatch.linewidth": 0.8,
    }
    with temporary_settings(settings):
        yield


@contextmanager
def temporary_settings(settings: dict[Any, Any]) -> Iterator[None]:
    """Change matplotlib's settings in a ``with`` block."""
    # This call loads pyplot's backend before rc_context() saves the settings. Jupyter's backend
    # turns on "interactive" when it is loaded. rc_context() would undo this, and no figure would
    # show.
    plt.draw_if_interactive()  # type: ignore[no-untyped-call]
    with mpl.rc_context(settings):
        yield


@contextmanager
def figure_width(inches: float) -> Iterator[None]:
    """Set the width of new figures in a ``with`` block; their height depends on their content.

    Examples
    --------
    >>> from k6frames.plots import style
    >>> with style.figure_width(4.2):
    ...     ax = style.new_axes(2.0)
    >>> print(ax.figure.get_figwidth())
    4.2
    """
    token = _figure_width.set(inches)
    try:
        yield
    finally:
        _figure_width.reset(token)


def new_axes(height_inches: float) -> Axes:
    """Return the Axes of a new figure."""
    layout = ConstrainedLayoutEngine(w_pad=_MARGIN_INCHES, h_pad=_MARGIN_INCHES)
    size = (_figure_width.get(), height_inches)
    return plt.figure(figsize=size, layout=layout).add_subplot()


def available_size(ax: Axes | None) -> Size:
    """Return the size of `ax`, or of a new figure without its margins if `ax` is None.

    The width of a new figure includes the names and tick labels to the left of the plot.
    """
    if ax is None:
        return Size((_figure_width.get() - 2 * _MARGIN_INCHES) * 72, math.inf)
    if not isinstance(ax, Axes):
        raise ConfigError(f"ax must be a matplotlib.axes.Axes or None, not {short_repr(ax)}.")
    points = 72 / ax.figure.dpi
    return Size(ax.bbox.width * points, ax.bbox.height * points)


class Header(NamedTuple):
    """The title and legend above a plot, aligned with the labels of the vertical axis."""

    title: str
    legend: Sequence[Artist]
    legend_columns: int

    @property
    def legend_height_points(self) -> float:
        """Height of the legend and the gap below it."""
        if not self.legend:
            return 0.0
        lines = math.ceil(len(self.legend) / self.legend_columns)
        return lines * _LEGEND_LINE_POINTS + _LEGEND_GAP_POINTS

    @property
    def height_inches(self) -> float:
        """Height of the title and the legend."""
        title_points = (self.title.count("\n") + 1) * _TITLE_LINE_POINTS
        return (title_points + _TITLE_GAP_POINTS + self.legend_height_points) / 72


def arrange_header(title: str, size: Size, legend: Sequence[Artist] = ()) -> Header:
    """Fit a title and a legend to the available width; the entries of the legend are artists."""
    with mpl.rc_context({"font.size": TITLE_SIZE}):
        title = labels.wrap(title, size.width)
    texts = [str(handle.get_label()) for handle in legend]
    return Header(title, legend, _legend_columns(texts, size.width))


def prepare_axes(ax: Axes | None, header: Header, content_inches: float) -> Axes:
    """Style the given Axes, or those of a new figure with `content_inches` below its header."""
    if ax is None:
        ax = new_axes(content_inches + header.height_inches + 2 * _MARGIN_INCHES)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(AXES_COLOR)
    ax.tick_params(color=AXES_COLOR, labelsize=FONT_SIZE, length=3)
    ax.grid(visible=False)
    ax.set_axisbelow(True)
    return ax


def draw_header(ax: Axes, header: Header) -> None:
    """Draw the title and the legend; the labels of the vertical axis must be final."""
    axis_box = ax.yaxis.get_tightbbox()
    indent = max(0.0, ax.bbox.x0 - axis_box.x0) * 72 / ax.figure.dpi if axis_box else 0.0
    if header.legend:
        _draw_legend(ax, header, _shifted_transform(ax, -indent, _LEGEND_GAP_POINTS))
    # Move the centered title to the left edge: it is the one that ax.get_title() returns.
    ax.set_title(header.title, loc="center", x=0, ha="left", parse_math=False)
    title_pad = header.legend_height_points + _TITLE_GAP_POINTS
    ax.title.set_transform(_shifted_transform(ax, -indent, title_pad))


def _shifted_transform(ax: Axes, right: float, up: float) -> Transform:
    """Return the transform of Axes coordinates, shifted by points."""
    return ax.transAxes + ScaledTranslation(right / 72, up / 72, ax.figure.dpi_scale_trans)


def _legend_columns(texts: list[str], width: float) -> int:
    """Return how many columns of a legend fit; matplotlib fills them like np.array_split."""
    gap = FONT_SIZE * _LEGEND_COLUMN_GAP
    handle = FONT_SIZE * (_LEGEND_HANDLE_LENGTH + _LEGEND_HANDLE_PAD)
    entries = np.array([handle + fonts.text_width(text) + gap for text in texts])
    available = width * _LEGEND_MAX_SHARE + gap
    for columns in range(len(entries), 1, -1):
        widths = [column.max() for column in np.array_split(entries, columns)]
        if sum(widths) <= available:
            return columns
    return 1


def _draw_legend(ax: Axes, header: Header, transform: Transform) -> None:
    texts = [str(handle.get_label()) for handle in header.legend]
    legend = ax.legend(
        handles=header.legend,
        # matplotlib leaves out labels that begin with an underscore; the texts are set below.
        labels=["-"] * len(texts),
        loc="lower left",
        bbox_to_anchor=(0, 1),
        bbox_transform=transform,
        ncols=header.legend_columns,
        frameon=False,
        fontsize=FONT_SIZE,
        borderaxespad=0,
        borderpad=0,
        labelspacing=0.4,
        handlelength=_LEGEND_HANDLE_LENGTH,
        handletextpad=_LEGEND_HANDLE_PAD,
        columnspacing=_LEGEND_COLUMN_GAP,
    )
    # The padding below the title makes room for the legend. The layout must ignore the legend, or
    # it would shrink the Axes if the legend is wider.
    legend.set_in_layout(False)
    for text, label in zip(legend.get_texts(), texts, strict=True):
        text.set_parse_math(False)
        text.set_text(label)


def bar_handle(label: str, color: str, *, hatched: bool = False) -> Artist:
    """Return a legend entry for bars of this color."""
    return Patch(label=label, **bar_colors(color, hatched=hatched))


def bar_colors(color: str, *, hatched: bool = False) -> dict[str, Any]:
    """Return the arguments that fill a bar, or hatch it if its value is an estimate."""
    if hatched:
        return {"facecolor": "none", "edgecolor": color, "hatch": HATCH, "linewidth": 0.8}
    return {"facecolor": color, "edgecolor": "none"}


def line_handle(label: str, **style: Any) -> Artist:
    """Return a legend entry for a line or a marker."""
    return Line2D([], [], label=label, **style)


def draw_message(ax: Axes | None, title: str, sentence: str) -> Axes:
    """Draw a sentence in the middle of a plot without data."""
    size = available_size(ax)
    header = arrange_header(title, size)
    ax = prepare_axes(ax, header, MESSAGE_HEIGHT_INCHES)
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    sentence = labels.wrap(sentence, size.width)
    ax.text(0.5, 0.5, sentence, transform=ax.transAxes, ha="center", va="center")
    draw_header(ax, header)
    return ax
