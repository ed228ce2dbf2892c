"""Pictures of summaries: each function draws one summary on one Axes and returns it."""
# matplotlib.dates has no types:
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import matplotlib as mpl
import matplotlib.dates as mdates
import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from k6frames import lettering
from k6frames.errors import SchemaError

__all__ = ["creation_timeline", "projects_per_organization"]

Floats = npt.NDArray[np.float64]

# Okabe and Ito's palette, which colour-blind readers tell apart, without its black and its yellow:
# page and ink are the reader's own, so those two would vanish on a dark or on a white page.
_BLUE, _RED = "#0072B2", "#D55E00"
_LINES = (_BLUE, _RED, "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_QUIET = "#A0A0A0"
_SIZE = 9.5
_STYLE: dict[Any, Any] = {
    "font.size": _SIZE,
    "font.weight": "normal",
    "font.style": "normal",
    "axes.titlesize": 12.5,
    "axes.labelsize": _SIZE,
    "text.usetex": False,
}


_LABEL_LENGTH = 30
_LINE = 0.19  # inches from one line of a name to the next
_BARS = 20
_FEW = 12  # so many periods can each be named; of more, only dates between them

# What a period is called, from so many days to so many, and its length in numpy's calendar.
_UNITS = (
    ("day", 1, 1, "D", 1),
    ("week", 7, 7, "D", 7),
    ("month", 28, 31, "M", 1),
    ("quarter", 90, 92, "M", 3),
    ("year", 365, 366, "M", 12),
)


def projects_per_organization(summary: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw how many projects each organization has, most projects first.

    Organizations beyond the first 20 share one last bar; where it would dwarf the others it is cut,
    with an arrow beside its count. A name that does not tell its organization has the id beside it:
    two have the same, or no font here has all of its characters (a dot stands for each of those).

    Parameters
    ----------
    summary : pandas.DataFrame
        As `k6frames.projects_per_organization` returns it, in any order.
    ax : matplotlib.axes.Axes, optional
        Where to draw; without it on a new figure, as high as the names need.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    SchemaError
        If the frame is no such summary.

    Examples
    --------
    >>> import k6frames
    >>> client = k6frames.Client.sample()
    >>> projects = k6frames.organization_projects_df(client=client)
    >>> summary = k6frames.projects_per_organization(projects)
    >>> ax = k6frames.plots.projects_per_organization(summary)
    >>> ax.get_title()
    'Projects per organization'
    """
    _require(summary, ["org_id", "org_name", "projects"], "projects_per_organization")
    ordered = summary.sort_values(
        ["projects", "org_name", "org_id"], ascending=[False, True, True], kind="stable"
    )
    first, rest = ordered.iloc[:_BARS], ordered.iloc[_BARS:]
    counts = [int(count) for count in first["projects"]]
    with _style():
        names = [
            lettering.wrapped(name) for name in lettering.labels(first["org_id"], first["org_name"])
        ]
        if len(rest):
            counts.append(int(rest["projects"].sum()))
            names.append(f"{len(rest):,} other organization{'s' * (len(rest) > 1)}")
        # A unit of the vertical axis is a line of text: a long name gets the room that it needs.
        heights = np.array([name.count("\n") + 1.7 for name in names])
        room = max(4.0, heights.sum())
        ax = _dressed(ax, "Projects per organization", room * _LINE + 1.05)
        if not sum(counts):
            return _say(ax, "no projects yet")
        limit = max(counts) if max(counts) <= 2 * counts[0] else counts[0]
        positions = heights.cumsum() - heights / 2 + (room - heights.sum()) / 2
        ax.barh(positions, counts, 1.1, color=[_BLUE] * len(first) + [_QUIET] * bool(len(rest)))
        ax.set(xlim=(0, limit * 1.12), ylim=(room, 0), xlabel="number of projects")
        for count, position in zip(counts, positions, strict=True):
            cut = count > limit
            ax.annotate(
                f"{count:,}" + " →" * cut,
                (limit * 1.12 if cut else count, position),
                xytext=(-6 if cut else 4, 0),
                textcoords="offset points",
                ha="right" if cut else "left",
                va="center",
                color="black" if cut else None,
            )
        # Said here too, because a caller's Axes can have its labels already. A name is no formula.
        family = mpl.rcParams["font.family"]
        ax.set_yticks(positions, names, parse_math=False, usetex=False, fontfamily=family)
        _count_ticks(ax.xaxis)
    return ax


def creation_timeline(summary: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw how much was created in each period, and how much there was by its end.

    A timeline of everything has bars of what was created, and a line of the total on a second axis.
    A timeline per organization has a line of the total for each of the six largest organizations,
    and a grey one for all others together; where that one would dwarf the six it leaves the picture
    at the top, its last value beside its name.

    Parameters
    ----------
    summary : pandas.DataFrame
        As `k6frames.creation_timeline` returns it, with or without ``by="org_id"``. With a column
        ``org_name`` added to it the lines carry those names.
    ax : matplotlib.axes.Axes, optional
        Where to draw; without it on a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        That of the bars; the second axis is the last in ``ax.figure.axes``.

    Raises
    ------
    SchemaError
        If the frame is no such summary.

    Examples
    --------
    >>> import k6frames
    >>> projects = k6frames.projects_df(client=k6frames.Client.sample())
    >>> ax = k6frames.plots.creation_timeline(k6frames.creation_timeline(projects, freq="YS"))
    >>> ax.get_title()
    'Created per year'
    """
    _require(summary, ["period", "created", "cumulative"], "creation_timeline")
    apart = "org_id" in summary.columns
    if summary.duplicated(["org_id", "period"] if apart else ["period"]).any():
        raise SchemaError("A timeline has one row per period (and org_id); this frame has several.")
    ordered = summary.sort_values("period", kind="stable")
    unit, edges = _periods(ordered["period"].drop_duplicates())
    with _style():
        title = "Total created by organization" if apart else f"Created per {unit}"
        ax = _dressed(ax, title, 4.3)
        if not ordered["cumulative"].sum():
            return _say(ax, "nothing created yet")
        _date_ticks(ax, unit, edges)
        _count_ticks(ax.yaxis)
        (_draw_organizations if apart else _draw_total)(ax, ordered, unit, edges)
    return ax


def _draw_total(ax: Axes, ordered: pd.DataFrame, unit: str, edges: Floats) -> None:
    created, total = (ordered[c].to_numpy(dtype=float) for c in ("created", "cumulative"))
    # Between many thin bars a border would leave nothing of them, and dots would hide the line.
    few = len(ordered) <= 60
    ax.bar(
        edges[:, 0],
        created,
        edges[:, 1] - edges[:, 0],
        align="edge",
        color=_BLUE,
        edgecolor=ax.get_facecolor(),
        linewidth=0.8 * few,
    )
    second = ax.twinx()
    second.spines[:].set_visible(False)
    second.plot(edges.mean(axis=1), total, "o-" if few else "-", color=_RED, lw=1.8, ms=4)
    _count_ticks(second.yaxis)
    second.grid(visible=False)
    for axes, values, color, label in (
        (ax, created, _BLUE, f"created in the {unit}"),
        (second, total, _RED, f"total by the end of the {unit}"),
    ):
        axes.set_ylim(0, max(1.0, values.max() * 1.08))
        axes.set_ylabel(label, color=color)
        axes.tick_params(axis="y", labelcolor=color, labelsize=_SIZE, length=0)


def _draw_organizations(ax: Axes, ordered: pd.DataFrame, unit: str, edges: Floats) -> None:
    # pivot_table would leave out the unknown organization.
    totals = ordered.pivot(index="period", columns="org_id", values="cumulative")  # noqa: PD010
    # A summary that was cut by hand can lack some periods of an organization.
    totals = totals.ffill().fillna(0)
    largest = totals.iloc[-1].sort_values(ascending=False, kind="stable").index
    rest = largest[len(_LINES) :]
    known = (
        dict(zip(ordered["org_id"], ordered["org_name"], strict=True))
        if "org_name" in ordered
        else {}
    )
    named = largest[: len(_LINES)]
    names = [
        name if len(name) <= _LABEL_LENGTH else f"{name[: _LABEL_LENGTH - 1]}…"
        for name in lettering.labels(named, [known.get(org_id) for org_id in named])
    ]
    lines = [
        (name, color, totals[org_id].to_numpy(dtype=float))
        for name, org_id, color in zip(names, named, _LINES, strict=False)
    ]
    top = lines[0][2].max()
    if len(rest):
        values = totals[rest].sum(axis=1).to_numpy(dtype=float)
        name = f"{len(rest):,} other{'s' * (len(rest) > 1)}"
        cut = values.max() > 2 * top
        lines.append((f"{name}: {values[-1]:,.0f} ↑" if cut else name, _QUIET, values))
        top = top if cut else max(top, values.max())
    lines.sort(key=lambda line: line[2][-1], reverse=True)
    top *= 1.08
    # The names stand where the lines end; a part of the width is kept for them, whatever it is.
    inch = ax.figure.dpi
    room = (max(lettering.width(name) for name, _, _ in lines) + 30) / 72 * inch / ax.bbox.width
    left, right = ax.get_xlim()
    ax.set_xticks([tick for tick in ax.get_xticks() if left <= tick <= right])
    ax.set(xlim=(left, left + (right - left) / max(0.3, 1 - room)), ylim=(0, top))
    ax.set_ylabel(f"total by the end of the {unit}")
    middles, start = edges.mean(axis=1), right + (right - left) * 0.02
    heights = _spread(
        [min(v[-1], top) for _, _, v in lines], top, _LINE * inch / ax.bbox.height * top
    )
    for (name, color, values), height in zip(lines, heights, strict=True):
        ax.plot(middles, values, "o-" if len(middles) <= _FEW else "-", color=color, lw=1.8, ms=4)
        ax.plot([middles[-1], start], [min(values[-1], top), height], color=color, lw=0.8)
        ax.annotate(name, (start, height), (4, 0), textcoords="offset points", va="center")


def _spread(heights: list[float], top: float, gap: float) -> list[float]:
    """Heights in falling order, moved no more than it takes to keep a gap between them."""
    spread: list[float] = []
    for height in heights:
        spread.append(min(height, spread[-1] - gap if spread else top - gap / 2))
    for i in reversed(range(len(spread))):
        spread[i] = max(spread[i], spread[i + 1] + gap if i + 1 < len(spread) else gap / 2)
    return spread


def _periods(starts: pd.Series[pd.Timestamp]) -> tuple[str, Floats]:
    """What a period is called, and where on matplotlib's axis each one begins and ends."""
    begins = pd.to_datetime(starts, utc=True).dt.tz_convert(None).to_numpy()
    steps = np.diff(begins) / np.timedelta64(1, "D")
    step = steps.min() if len(steps) else 1.0
    unit, ends = "period", begins + np.timedelta64(round(step * 86_400), "s")
    for name, shortest, longest, calendar, count in _UNITS if len(steps) else ():
        if shortest <= step <= longest:
            unit, ends = name, begins.astype(f"datetime64[{calendar}]") + count
    return unit, np.column_stack([mdates.date2num(begins), mdates.date2num(ends)])


def _date_ticks(ax: Axes, unit: str, edges: Floats) -> None:
    ax.xaxis_date("UTC")
    ax.set_xlabel(f"{unit} (UTC)")
    begin, end = edges[0, 0], edges[-1, 1]
    if len(edges) > _FEW:
        locator = mdates.AutoDateLocator(tz="UTC", minticks=4, maxticks=9)
        ax.xaxis.set_major_locator(locator)
        ax.xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator, tz="UTC"))
        ax.set_xlim(begin, end)
        return
    labels: list[str] = []
    year = 0
    for date in mdates.num2date(edges[:, 0], tz="UTC"):
        quarter = f"Q{(date.month + 2) // 3}"
        names = {"year": f"{date.year}", "quarter": quarter, "month": f"{date:%b}"}
        name = names.get(unit, f"{date.day} {date:%b}")
        labels.append(name if date.year == year or unit == "year" else f"{name}\n{date.year}")
        year = date.year
    ax.set_xticks(edges.mean(axis=1), labels)
    # One bar as wide as the axes would not look like a bar.
    pad = (end - begin) / len(edges) * max(0.3, (6 - len(edges)) / 2)
    ax.set_xlim(begin - pad, end + pad)


def _style() -> AbstractContextManager[None]:
    return mpl.rc_context({**_STYLE, "font.family": lettering.fonts()})


def _dressed(ax: Axes | None, title: str, height: float) -> Axes:
    """The Axes, new or the caller's, with what the style alone gives only to a new one."""
    if ax is None:
        layout = ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.12)
        ax = plt.figure(figsize=(8.5, height), layout=layout).add_subplot()
    # At the left by position: `ax.get_title()` only reads the title that stands in the centre.
    ax.set_title(title, loc="center", x=0, ha="left", pad=10)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(_QUIET)
    ax.tick_params(color=_QUIET, labelsize=_SIZE, length=3)
    ax.grid(visible=False)
    ax.set_axisbelow(True)
    return ax


def _count_ticks(axis: Axis) -> None:
    axis.set_major_locator(MaxNLocator(steps=[1, 2, 5, 10], nbins=6, integer=True, min_n_ticks=1))
    axis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axis.grid(color=_QUIET, alpha=0.2, linewidth=0.6)


def _say(ax: Axes, sentence: str) -> Axes:
    ax.set(xticks=[], yticks=[])
    ax.text(0.5, 0.5, sentence, transform=ax.transAxes, ha="center", va="center")
    return ax


def _require(summary: pd.DataFrame, columns: list[str], maker: str) -> None:
    if missing := [column for column in columns if column not in summary.columns]:
        raise SchemaError(
            f"plots.{maker} needs the column{'s' * (len(missing) > 1)} {', '.join(missing)}, which "
            f"this frame does not have; k6frames.{maker}(...) makes such a summary."
        )
