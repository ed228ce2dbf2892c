"""The fonts of plots: which are installed, which characters they have, and the width of text."""

from __future__ import annotations

import warnings
from functools import cache

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib.textpath import text_to_path

PLACEHOLDER = "·"

# matplotlib looks for each character in these fonts, in order. The first is part of matplotlib and
# has Latin, Cyrillic, Greek, some Arabic and Hebrew; the others come with Linux, Windows or macOS.
# Color emoji fonts are not listed: matplotlib cannot draw them.
FONT_FAMILIES = (
    "DejaVu Sans", "Noto Sans", "Noto Sans CJK JP", "Noto Sans CJK SC", "Noto Sans JP",
    "Noto Sans SC", "Noto Sans TC", "Noto Sans KR", "Noto Sans Arabic", "Noto Sans Hebrew",
    "Noto Sans Devanagari", "Noto Sans Thai", "WenQuanYi Zen Hei", "WenQuanYi Micro Hei",
    "Droid Sans Fallback", "IPAexGothic", "Segoe UI", "Yu Gothic", "Meiryo", "MS Gothic",
    "Microsoft YaHei", "Microsoft JhengHei", "SimHei", "Malgun Gothic", "Nirmala UI",
    "Leelawadee UI", "Hiragino Sans", "Hiragino Sans GB", "PingFang SC", "Heiti TC",
    "Apple SD Gothic Neo", "AppleGothic", "Geeza Pro", "Arial Hebrew", "Arial Unicode MS",
    "Noto Emoji", "Segoe UI Emoji", "Segoe UI Symbol", "Noto Sans Symbols", "Noto Sans Symbols2",
    "Symbola",
)  # fmt: skip


def installed_fonts() -> list[str]:
    """Return the installed font families to search for a character, in order."""
    installed = set(font_manager.get_font_names())
    return [family for family in FONT_FAMILIES if family in installed]


def drawable_text(text: str) -> str:
    """Replace the characters that cannot be drawn because no installed font has them."""
    if is_drawn_by_browser():
        return text
    return " ".join(_drawable_word(word, installed_fonts()) for word in text.split())


def is_drawn_by_browser() -> bool:
    """Return whether plots are saved as SVG with text that the browser draws in its own fonts."""
    return bool(mpl.rcParams["svg.fonttype"] == "none")


def text_width(text: str) -> float:
    """Return the width of one line in points, in the font and size of the current settings."""
    if is_drawn_by_browser():
        # The browser will draw the characters that no installed font has, in a font of its own.
        # Their width is unknown: assume that of a W.
        text = _replace_missing(text, installed_fonts(), "W")
    font = font_manager.FontProperties()
    return float(text_to_path.get_text_width_height_descent(text, font, ismath=False)[0])


def _drawable_word(word: str, families: list[str]) -> str:
    drawable = _replace_missing(word, families, PLACEHOLDER)
    # matplotlib draws a letter with its combining marks in a single font. If no font has all of
    # them, text_width() warns, and only the characters of the first font are certain to be drawn.
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        text_width(drawable)
    if caught and len(families) > 1:
        return _drawable_word(word, families[:1])
    return drawable


def _replace_missing(text: str, families: list[str], replacement: str) -> str:
    available = _code_points(tuple(families))
    return "".join(c if ord(c) in available or c == " " else replacement for c in text)


@cache
def _code_points(families: tuple[str, ...]) -> frozenset[int]:
    """Return the code points of the characters that at least one of these fonts has."""
    paths = [font_manager.findfont(font_manager.FontProperties(family=[f])) for f in families]
    return frozenset().union(*(font_manager.get_font(path).get_charmap() for path in paths))
