"""Texts of plots: names in fonts that have their characters, on lines that fit, and numbers."""

from __future__ import annotations

import unicodedata
import warnings
from bisect import bisect
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib import font_manager
from matplotlib.textpath import text_to_path

MAX_NAME_LINES = 16
MAX_NAME_CHARACTERS = 2000
"""More than so many lines can hold."""

MISSING_CHARACTER = "·"
MINUS = "\N{MINUS SIGN}"
_JOINERS = {"\u200c", "\u200d"}

# matplotlib looks for a glyph in one font after the other. The first is part of matplotlib and has
# Latin, Cyrillic, Greek, some Arabic and Hebrew; the others come with Linux, Windows or macOS. No
# color emoji fonts: matplotlib cannot draw them.
FONT_FAMILIES = """DejaVu Sans, Noto Sans, Noto Sans CJK JP, Noto Sans CJK SC, Noto Sans JP, Noto
Sans SC, Noto Sans TC, Noto Sans KR, Noto Sans Arabic, Noto Sans Hebrew, Noto Sans Devanagari, Noto
Sans Thai, WenQuanYi Zen Hei, WenQuanYi Micro Hei, Droid Sans Fallback, IPAexGothic, Segoe UI,
Yu Gothic, Meiryo, MS Gothic, Microsoft YaHei, Microsoft JhengHei, SimHei, Malgun Gothic,
Nirmala UI, Leelawadee UI, Hiragino Sans, Hiragino Sans GB, PingFang SC, Heiti TC, Apple SD
Gothic Neo, AppleGothic, Geeza Pro, Arial Hebrew, Arial Unicode MS, Noto Emoji, Segoe UI Emoji,
Segoe UI Symbol, Noto Sans Symbols, Noto Sans Symbols2, Symbola""".replace("\n", " ").split(", ")


def name_labels(ids: Iterable[Any], names: Iterable[Any], entity: str) -> list[str]:
    """Return what to call each of some organizations, projects or load tests.

    Parameters
    ----------
    ids, names : iterable
        Their IDs and names; either may be missing.
    entity : str
        What they are, such as ``"project"``, for those without a name.

    Returns
    -------
    list of str
        The names, followed by the ID where the name alone is ambiguous: several have it, or no
        installed font has all of its characters.
    """
    texts = [clean_text(name) for name in names]
    drawable = [drawable_text(text) for text in texts]
    occurrences = Counter(drawable)
    found = []
    for entity_id, text, name in zip(ids, texts, drawable, strict=True):
        if not name:
            found.append(f"unknown {entity}" if pd.isna(entity_id) else f"{entity} {entity_id}")
        elif (name != text or occurrences[name] > 1) and not pd.isna(entity_id):
            found.append(f"{name} ({entity_id})")
        else:
            found.append(name)
    return found


def clean_text(value: Any) -> str:
    """Return a string of one line without control characters and direction marks."""
    if pd.isna(value):
        return ""
    text = unicodedata.normalize("NFC", str(value)[:MAX_NAME_CHARACTERS])
    # Direction marks would also turn the text that follows; joiners are part of a script.
    hidden = {c for c in text if unicodedata.category(c) in ("Cc", "Cf")} - _JOINERS
    return " ".join("".join(" " if c in hidden else c for c in text).split())


def drawable_text(text: str) -> str:
    """Return a text with a dot for each character that no installed font has."""
    if svg_has_real_text():
        return text
    return " ".join(_drawable_word(word, installed_fonts()) for word in text.split())


def svg_has_real_text() -> bool:
    """Return whether plots are saved as SVG whose text the reader's browser draws."""
    return bool(mpl.rcParams["svg.fonttype"] == "none")


def _drawable_word(word: str, families: list[str]) -> str:
    drawable = _replace_missing(word, families, MISSING_CHARACTER)
    # A letter and its combining marks need one font that has them all. matplotlib warns if there
    # is none; then only the characters of its first font are sure to be drawn.
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        text_width(drawable)
    if caught and len(families) > 1:
        return _drawable_word(word, families[:1])
    return drawable


def _replace_missing(text: str, families: list[str], replacement: str) -> str:
    available = _characters(tuple(families))
    return "".join(c if ord(c) in available or c == " " else replacement for c in text)


def wrap(text: str, width: float) -> str:
    """Break a text into lines of at most so many points, after a space or one of ``-_/``."""
    lines: list[str] = []
    while text and len(lines) < MAX_NAME_LINES:
        end = _fitting_length(text, width)
        if end < len(text):
            separator = max(text.rfind(" ", 0, end + 1), *(text.rfind(c, 0, end) for c in "-_/"))
            end = separator + 1 or end
        lines.append(text[:end].strip())
        text = text[end:].strip()
    return "\n".join(lines) + ("…" if text else "")


def shorten(text: str, width: float) -> str:
    """Cut a text to so many points, with an ellipsis at its end if something is cut."""
    if text_width(text) <= width:
        return text
    return text[: _fitting_length(text, width - text_width("…"))].rstrip() + "…"


def shorten_all(texts: Sequence[str], widths: Sequence[float]) -> list[str]:
    """Cut each text to its width: at its end, unless another one begins in the same way.

    Then it is cut in the middle, or if that leaves two the same, at its beginning.
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
    half = (width - text_width("…")) / 2
    begin, end = _fitting_length(text, half), _fitting_length(text[::-1], half)
    return f"{text[:begin].rstrip()}…{text[-end:].lstrip()}"


def _shorten_start(text: str, width: float) -> str:
    end = _fitting_length(text[::-1], width - text_width("…"))
    return f"…{text[-end:].lstrip()}"


def _fitting_length(text: str, width: float) -> int:
    """Return how many characters fit into so many points, at least one."""
    lengths = range(1, min(len(text), MAX_NAME_CHARACTERS // MAX_NAME_LINES) + 1)
    return max(1, bisect(lengths, width, key=lambda length: text_width(text[:length])))


def text_width(text: str) -> float:
    """Return the width of one line in points, in the font and size of the current settings."""
    if svg_has_real_text():
        # As wide as the widest letter: those of scripts that the reader's fonts will draw.
        text = _replace_missing(text, installed_fonts(), "W")
    font = font_manager.FontProperties()
    return float(text_to_path.get_text_width_height_descent(text, font, ismath=False)[0])


def format_number(value: float) -> str:
    """Return a measured number with three digits or all before the point, and separators."""
    return f"{value:,.0f}" if abs(value) >= 99.95 else f"{value:.3g}"


def format_count(count: int, noun: str) -> str:
    """Return a count with its noun in the singular or plural.

    Examples
    --------
    >>> format_count(1, "other"), format_count(1200, "other")
    ('1 other', '1,200 others')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def installed_fonts() -> list[str]:
    """Return the installed font families to look through for a character, in order."""
    installed = set(font_manager.get_font_names())
    return [family for family in FONT_FAMILIES if family in installed]


@cache
def _characters(families: tuple[str, ...]) -> frozenset[int]:
    """Return the characters that at least one of these fonts has."""
    paths = [font_manager.findfont(font_manager.FontProperties(family=[f])) for f in families]
    return frozenset().union(*(font_manager.get_font(path).get_charmap() for path in paths))
