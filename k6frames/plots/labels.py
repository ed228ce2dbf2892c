"""Names, numbers and counts as they are shown in plots."""

from __future__ import annotations

import unicodedata
from bisect import bisect
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from k6frames.plots.fonts import drawable_text, text_width

MAX_LINES = 16
MAX_LINE_CHARACTERS = 125
MAX_CHARACTERS = MAX_LINES * MAX_LINE_CHARACTERS

MINUS = "\N{MINUS SIGN}"
# The zero-width non-joiner and joiner.
_JOINERS = {"\u200c", "\u200d"}


def name_labels(ids: Iterable[Any], names: Iterable[Any], entity: str) -> list[str]:
    """Return a label for each organization, project or load test.

    Parameters
    ----------
    ids, names : iterable
        The IDs and names; either may be missing.
    entity : str
        What is labeled, such as ``"project"``. Without a name, the label is ``"project 42"``.

    Returns
    -------
    list of str
        The names, followed by the ID if the name is ambiguous: it is a duplicate, or not all of its
        characters can be drawn.
    """
    cleaned = [clean_text(name) for name in names]
    drawable = [drawable_text(name) for name in cleaned]
    occurrences = Counter(drawable)
    labels = []
    for entity_id, name, label in zip(ids, cleaned, drawable, strict=True):
        is_ambiguous = label != name or occurrences[label] > 1
        if not label:
            labels.append(f"unknown {entity}" if pd.isna(entity_id) else f"{entity} {entity_id}")
        elif is_ambiguous and not pd.isna(entity_id):
            labels.append(f"{label} ({entity_id})")
        else:
            labels.append(label)
    return labels


def text_label(value: Any) -> str:
    """Return a string as it is shown in plots: cleaned, with undrawable characters replaced."""
    return drawable_text(clean_text(value))


def clean_text(value: Any) -> str:
    """Return a string on one line, without control characters or direction marks."""
    if pd.isna(value):
        return ""
    text = unicodedata.normalize("NFC", str(value)[:MAX_CHARACTERS])
    # A direction mark in a name would reverse what follows it, such as its ID. Joiners are not
    # removed, because some scripts need them.
    hidden = {c for c in text if unicodedata.category(c) in ("Cc", "Cf")} - _JOINERS
    return " ".join("".join(" " if c in hidden else c for c in text).split())


def wrap(text: str, width: float) -> str:
    """Break text into lines of at most `width` points, if possible after a space or one of ``-_/``.

    Text beyond `MAX_LINES` is cut. The ellipsis that shows this may exceed the width.
    """
    lines: list[str] = []
    while text and len(lines) < MAX_LINES:
        end = _fitting_length(text, width)
        if end < len(text):
            # A space is not drawn at the end of a line, so it may be beyond the width.
            separator = max(text.rfind(" ", 0, end + 1), *(text.rfind(c, 0, end) for c in "-_/"))
            if separator > 0:
                end = separator + 1
        lines.append(text[:end].strip())
        text = text[end:].strip()
    return "\n".join(lines) + ("…" if text else "")


def shorten(text: str, width: float) -> str:
    """Shorten text to `width` points, with an ellipsis at its end if anything is cut."""
    if text_width(text) <= width:
        return text
    return text[: _fitting_length(text, width - text_width("…"))].rstrip() + "…"


def shorten_all(texts: Sequence[str], widths: Sequence[float]) -> list[str]:
    """Shorten each text to its width, and keep different texts distinguishable where possible.

    A text is cut at its end or, if another text has the same beginning, in the middle. If two
    shortened texts are still equal, they are cut at their beginning.
    """
    shortened = [shorten(text, width) for text, width in zip(texts, widths, strict=True)]
    for index, (text, width) in enumerate(zip(texts, widths, strict=True)):
        beginning = shortened[index].removesuffix("…")
        if shortened[index] != text and any(
            other.startswith(beginning) for other in texts if other != text
        ):
            shortened[index] = _shorten_middle(text, width)
    occurrences = Counter(shortened)
    return [
        _shorten_start(text, width) if occurrences[cut] > 1 and cut != text else cut
        for text, cut, width in zip(texts, shortened, widths, strict=True)
    ]


def _shorten_middle(text: str, width: float) -> str:
    half_width = (width - text_width("…")) / 2
    head_length = _fitting_length(text, half_width)
    tail_length = _fitting_length(text[::-1], half_width)
    return f"{text[:head_length].rstrip()}…{text[-tail_length:].lstrip()}"


def _shorten_start(text: str, width: float) -> str:
    tail_length = _fitting_length(text[::-1], width - text_width("…"))
    return f"…{text[-tail_length:].lstrip()}"


def _fitting_length(text: str, width: float) -> int:
    """Return how many characters fit into `width` points, at least one."""
    lengths = range(1, min(len(text), MAX_LINE_CHARACTERS) + 1)
    return max(1, bisect(lengths, width, key=lambda length: text_width(text[:length])))


def format_number(value: float) -> str:
    """Return a measured number, rounded to three significant digits or, from 100, to an integer.

    Examples
    --------
    >>> format_number(0.12345), format_number(1234.5)
    ('0.123', '1,234')
    """
    return f"{value:,.0f}" if abs(value) >= 99.95 else f"{value:.3g}"


def format_share(share: float) -> str:
    """Return a share as a percentage, which is "0%" or "100%" only if it is exact.

    Examples
    --------
    >>> format_share(0.251), format_share(0.001), format_share(0.999), format_share(1.0)
    ('25%', '<1%', '>99%', '100%')
    """
    text = f"{share:.0%}"
    if text == "0%" and share > 0:
        return "<1%"
    if text == "100%" and share < 1:
        return ">99%"
    return text


def format_count(count: int, noun: str) -> str:
    """Return a count with its noun in the singular or plural.

    Examples
    --------
    >>> format_count(1, "other"), format_count(1200, "other")
    ('1 other', '1,200 others')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
