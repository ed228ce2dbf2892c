"""How the report writes numbers, names, titles of columns and cells of tables."""

from __future__ import annotations

from typing import Any

import pandas as pd

from k6frames.tables.shared_columns import PERCENTAGES

_WORDS = {
    "id": "ID", "uid": "UID", "org": "organization", "vuh": "VUh", "vus": "VUs", "vu": "VU",
}  # fmt: skip
_COLUMNS_WITH_TIME = {"next_run"}
"""The columns of timestamps that previews show with the time of day."""
MAX_NAMES = 3
"""Maximum number of names in a sentence."""


def header(column: str) -> str:
    """Return the name of a column or a table in words, in lower case."""
    return " ".join(_WORDS.get(word, word) for word in column.split("_"))


def capitalized(words: str) -> str:
    """Return words with their first letter in upper case, except in "k6"."""
    return words if words.startswith("k6 ") else words[:1].upper() + words[1:]


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


def quote_name(name: Any, identifier: Any) -> str:
    """Return a name in quotation marks; without a name, the ID; without both, "(unknown)"."""
    if pd.isna(name):
        return "(unknown)" if pd.isna(identifier) else str(identifier)
    return f"“{name}”"


def join_names(names: list[str]) -> str:
    """Join at most three names, and the number of the others, for a sentence."""
    if len(names) > MAX_NAMES:
        names = [*names[:MAX_NAMES], f"{len(names) - MAX_NAMES:,} more"]
    return join_words(names)


def join_words(words: list[str]) -> str:
    """Join words for a sentence: "a, b and c"."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def cell_text(column: str, value: Any) -> str:
    """Return a value of a preview as text."""
    if pd.isna(value):
        return "—"
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d %H:%M}" if column in _COLUMNS_WITH_TIME else f"{value:%Y-%m-%d}"
    if isinstance(value, float):
        return f"{value:.0%}" if column in PERCENTAGES else f"{value:,.2f}"
    return f"{value:,}" if pd.api.types.is_integer(value) else str(value)
