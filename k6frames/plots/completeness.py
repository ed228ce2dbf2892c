"""The plot of missing values."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from k6frames.errors import SchemaError
from k6frames.plots import bars, labels, style, ticks


@style.house_style()
def completeness(frames: Mapping[str, pd.DataFrame], *, ax: Axes | None = None) -> Axes:
    """Draw how complete each column is: its share of values that are not missing, lowest first.

    Parameters
    ----------
    frames : mapping of str to pandas.DataFrame
        Frames by name, such as ``{"projects": projects}``. Columns beyond the first 20, or those
        that do not fit on a given `ax`, are counted in a last row.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default on a new figure, as tall as the names need.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ConfigError
        If `ax` is not an Axes.
    SchemaError
        If `frames` is not a mapping of frames.

    Examples
    --------
    >>> import k6frames
    >>> projects = k6frames.projects_df(client=k6frames.Client.sample())
    >>> ax = k6frames.plots.completeness({"projects": projects})
    >>> ax.get_title()
    'How complete each column is'
    """
    if not isinstance(frames, Mapping) or not all(
        isinstance(frame, pd.DataFrame) for frame in frames.values()
    ):
        raise SchemaError(
            'completeness expects a mapping of names to frames, such as {"projects": projects}.'
        )
    title = "How complete each column is"
    shares: list[tuple[str, float]] = []
    for name, frame in frames.items():
        suffix = f" ({name})" if len(frames) > 1 else ""
        if len(frame):
            present = frame.notna().mean()
            shares += [(f"{column}{suffix}", float(share)) for column, share in present.items()]
    if not shares:
        return style.draw_message(ax, title, "no rows")
    shares.sort(key=lambda name_and_share: name_and_share[1])
    size = style.available_size(ax)
    names = [labels.text_label(name) for name, _ in shares[: bars.MAX_ROWS]]
    names = names[: bars.count_fitting_rows(names, size, len(shares))]
    lengths = np.array([share for _, share in shares[: len(names)]])
    texts = [labels.format_share(length) for length in lengths]
    more = len(shares) - len(names)
    if more:
        names.append(labels.format_count(more, "more column"))
        texts.append("")
    rows = bars.arrange_rows(names, texts, size)
    header = style.arrange_header(title, size)
    ax = style.prepare_axes(ax, header, rows.height_inches)
    ax.barh(rows.bar_positions[: len(lengths)], lengths, rows.bar_height, color=style.BLUE)
    bars.draw_names(ax, rows)
    ticks.percent_axis(ax, ax.xaxis, "share of rows")
    bars.draw_values(ax, rows, lengths, axis_end=1.0)
    style.draw_header(ax, header)
    return ax
