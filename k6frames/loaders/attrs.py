"""The `attrs` of a loaded frame, and warnings about requests that failed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from typing import Any

import pandas as pd

from k6frames.api.endpoints import Request
from k6frames.api.fetching import Responses
from k6frames.warn import warn_user

MAX_NAMED_FAILURES = 10
"""How many failures a warning names; `attrs` has all of them."""


def with_attrs(
    frame: pd.DataFrame, responses: Responses, subjects: Mapping[Request, Mapping[str, Any]]
) -> pd.DataFrame:
    """Set the `attrs` of a frame, and warn about requests that failed.

    Parameters
    ----------
    frame : pandas.DataFrame
        The frame that was made from the responses.
    responses : Responses
        The responses and failures.
    subjects : mapping of Request to dict
        What each request is for, such as ``{"org_id": 7}``.
    """
    if responses.oldest is not None:
        fetched = responses.oldest.astimezone(UTC)
        frame.attrs["fetched"] = fetched.isoformat(timespec="seconds")
    if responses.failures:
        frame.attrs["failed"] = list_failures(responses.failures, subjects)
        warn_about_failures(responses.failures, len(subjects))
    return frame


def list_failures(
    failures: Mapping[Request, Exception], subjects: Mapping[Request, Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return failures in the form of ``attrs["failed"]``."""
    return [
        {**subjects[request], "path": str(request), "reason": str(error)}
        for request, error in failures.items()
    ]


def warn_about_failures(failures: Mapping[Request, Exception], requested: int) -> None:
    """Warn that some of the requests failed."""
    reasons = [str(error) for error in failures.values()]
    named = "; ".join(reasons[:MAX_NAMED_FAILURES])
    if len(reasons) > MAX_NAMED_FAILURES:
        named += f"; and {len(reasons) - MAX_NAMED_FAILURES} more"
    warn_user(f"{len(reasons)} of {requested} requests failed, and their data is left out: {named}")
