"""Warnings that show a line of the user's code, not of k6frames."""

from __future__ import annotations

import inspect
import warnings


def warn_user(message: str) -> None:
    """Show a warning with the line that called k6frames."""
    # `warnings.warn` has an argument for this, `skip_file_prefixes`, but only in Python 3.12.
    level, frame = 1, inspect.currentframe()
    while frame is not None and frame.f_globals.get("__name__", "").startswith("k6frames."):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, stacklevel=level)
