"""Numbers, names and columns in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

_WORDS = {"id": "ID", "org": "organization", "vuh": "VUh", "vus": "VUs", "vu": "VU", "k6": "k6"}
_PERCENTAGES = {"pass_rate", "share"}


def header(column: str) -> str:
    """Return the name of a column or a table in words."""
    return " ".join(_WORDS.get(word, word) for word in column.split("_"))


def capitalized(words: str) -> str:
    """Return words with a capital letter at the beginning, and the others as they are."""
    return words[:1].upper() + words[1:]


def count(number: int, noun: str) -> str:
    """Return a number with its noun in the singular or plural."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def have(number: int) -> str:
    """Return "has" or "have"."""
    return "has" if number == 1 else "have"


def are(number: int) -> str:
    """Return "is" or "are"."""
    return "is" if number == 1 else "are"


def were(number: int) -> str:
    """Return "was" or "were"."""
    return "was" if number == 1 else "were"


def name_or_id(name: Any, identifier: Any) -> str:
    """Return a name, or the ID of what has none."""
    return str(identifier) if pd.isna(name) else str(name)


def join_names(names: list[str]) -> str:
    """Join names, of which three are shown at most."""
    return join_words(names if len(names) <= 3 else [*names[:3], f"{len(names) - 3:,} more"])


def join_words(words: list[str]) -> str:
    """Join words to a list in a sentence."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def rows(frame: pd.DataFrame) -> Iterator[Any]:
    """Yield the rows of a frame as named tuples."""
    return iter(frame.itertuples(index=False))


def cell_text(column: str, value: Any) -> str:
    """Return a value as the index shows it."""
    if pd.isna(value):
        return "—"
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d}"
    if column in _PERCENTAGES:
        return f"{value:.0%}"
    if isinstance(value, float):
        return f"{value:,.2f}"
    return f"{value:,}" if pd.api.types.is_integer(value) else str(value)
