"""The `attrs` of a frame: when its responses were fetched, and which requests failed."""

from __future__ import annotations

from typing import Any

import pandas as pd


def combine_attrs(frame: pd.DataFrame, *sources: pd.DataFrame) -> pd.DataFrame:
    """Set the `attrs` of a frame from its own and those of its sources, and return the frame.

    ``attrs["fetched"]`` is when the oldest response was fetched. ``attrs["failed"]`` lists the
    requests that failed, whose rows are missing. Other entries are dropped.
    """
    times = [source.attrs.get("fetched") for source in (frame, *sources)]
    fetched = [time for time in times if isinstance(time, str)]
    failed = [entry for source in (frame, *sources) for entry in failures(source)]
    frame.attrs = {}
    if fetched:
        # Strings in ISO 8601 and UTC, so the smallest is the earliest.
        frame.attrs["fetched"] = min(fetched)
    if failed:
        # Several sources may list the same failed request.
        by_path = {entry["path"]: dict(entry) for entry in failed}
        frame.attrs["failed"] = list(by_path.values())
    return frame


def failures(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the failed requests in the `attrs` of a frame; ignore malformed entries."""
    found = frame.attrs.get("failed")
    entries = found if isinstance(found, list) else []
    return [entry for entry in entries if isinstance(entry, dict) and "path" in entry]
