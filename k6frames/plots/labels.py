"""Names as matplotlib can draw them: in fonts that have their characters, on lines that fit."""

from __future__ import annotations

import unicodedata
import warnings
from bisect import bisect
from collections import Counter
from collections.abc import Iterable
from functools import cache
from typing import Any

import pandas as pd
from matplotlib import font_manager
from matplotlib.textpath import text_to_path

_NAME_WIDTH = 210.0  # points, a third of the figure: the bars keep the rest
_NAME_LINES = 16  # as many as 300 of the widest characters need
_NAME_LENGTH = 2000  # more than so many lines can hold

# matplotlib looks for a glyph in one font after the other. The first comes with it and has Latin,
# Cyrillic, Greek, some Arabic and Hebrew; the others come with Linux, Windows or macOS. No fonts of
# coloured emoji: matplotlib cannot draw them.
_FONTS = """DejaVu Sans, Noto Sans, Noto Sans CJK JP, Noto Sans CJK SC, Noto Sans JP, Noto Sans
SC, Noto Sans TC, Noto Sans KR, Noto Sans Arabic, Noto Sans Hebrew, Noto Sans Devanagari, Noto
Sans Thai, WenQuanYi Zen Hei, WenQuanYi Micro Hei, Droid Sans Fallback, IPAexGothic, Segoe UI,
Yu Gothic, Meiryo, MS Gothic, Microsoft YaHei, Microsoft JhengHei, SimHei, Malgun Gothic,
Nirmala UI, Leelawadee UI, Hiragino Sans, Hiragino Sans GB, PingFang SC, Heiti TC, Apple SD
Gothic Neo, AppleGothic, Geeza Pro, Arial Hebrew, Arial Unicode MS, Noto Emoji, Segoe UI Emoji,
Segoe UI Symbol, Noto Sans Symbols, Noto Sans Symbols2, Symbola""".replace("\n", " ").split(", ")


def organization(org_id: Any) -> str:
    """What to call an organization that has no name here."""
    return "unknown organization" if pd.isna(org_id) else f"organization {org_id}"


def labels(ids: Iterable[Any], names: Iterable[Any]) -> list[str]:
    """What each organization is called, with its id where that would not tell which it is."""
    texts = [_plain(name) for name in names]
    shown = [" ".join(_drawn(word) for word in text.split()) for text in texts]
    times = Counter(shown)
    labels = []
    for org_id, text, name in zip(ids, texts, shown, strict=True):
        vague = name != text or times[name] > 1
        tail = f" ({org_id})" if vague and not pd.isna(org_id) else ""
        labels.append(name + tail if name else organization(org_id))
    return labels


def _drawn(word: str, families: list[str] | None = None) -> str:
    """Put a dot in the place of each character that no font here has."""
    families = families or fonts()
    has = _characters(tuple(families))
    shown = "".join(c if ord(c) in has else "·" for c in word)
    # A letter and the marks on it need one font that has them all. matplotlib warns where none has:
    # then only what its first font has is sure to be drawn.
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        width(shown)
    return _drawn(word, families[:1]) if caught and families[1:] else shown


def _plain(name: Any) -> str:
    # Direction marks would also turn what stands after the name; joiners are part of a script.
    text = unicodedata.normalize("NFC", "" if pd.isna(name) else str(name)[:_NAME_LENGTH])
    hidden = {c for c in text if unicodedata.category(c) in ("Cc", "Cf")} - {"\u200c", "\u200d"}
    return " ".join("".join(" " if c in hidden else c for c in text).split())


def wrapped(text: str) -> str:
    """Break a name into lines that fit, after a space or a joint where there is one."""
    lines: list[str] = []
    while text and len(lines) < _NAME_LINES:
        lengths = range(1, min(len(text), _NAME_LENGTH // _NAME_LINES) + 1)
        end = max(1, bisect(lengths, _NAME_WIDTH, key=lambda n: width(text[:n])))
        if end < len(text):
            joint = max(text.rfind(" ", 0, end + 1), *(text.rfind(c, 0, end) for c in "-_/"))
            end = joint + 1 or end
        lines.append(text[:end].strip())
        text = text[end:].strip()
    return "\n".join(lines) + "…" * bool(text)


def width(text: str) -> float:
    """How wide one line is, in points."""
    font = font_manager.FontProperties()
    return float(text_to_path.get_text_width_height_descent(text, font, ismath=False)[0])


def fonts() -> list[str]:
    """The families to look through for a character, of those that this machine has."""
    installed = set(font_manager.get_font_names())
    return [family for family in _FONTS if family in installed]


@cache
def _characters(families: tuple[str, ...]) -> frozenset[int]:
    """The characters that at least one of these fonts has."""
    paths = [font_manager.findfont(font_manager.FontProperties(family=[f])) for f in families]
    return frozenset().union(*(font_manager.get_font(path).get_charmap() for path in paths))
