"""How a client is shown: on one line, and as a list in a notebook."""

from __future__ import annotations

import contextlib
import html
from datetime import timedelta

from k6frames.api.address import SAMPLE_URL
from k6frames.api.cache import describe_cache
from k6frames.api.fetching import Fetcher
from k6frames.api.settings import Settings


def client_repr(settings: Settings, fetcher: Fetcher) -> str:
    """Return the repr of a client."""
    return f"<k6frames.Client {settings.api_url} ({'; '.join(_describe(settings, fetcher))})>"


def client_html(settings: Settings, fetcher: Fetcher) -> str:
    """Return the HTML that a notebook shows for a client; it includes the size of the cache."""
    descriptions = _describe(settings, fetcher)
    if settings.cache_folder is not None:
        with contextlib.suppress(OSError):  # the folder may belong to another user
            info = describe_cache(settings.cache_folder)
            if info is not None:
                descriptions.append(str(info))
    items = "".join(f"<li>{html.escape(description)}</li>" for description in descriptions)
    return f"<b>k6frames.Client</b> of {html.escape(settings.api_url)}<ul>{items}</ul>"


def _describe(settings: Settings, fetcher: Fetcher) -> list[str]:
    """Describe the account, the stacks and the cache."""
    if settings.api_url == SAMPLE_URL:
        return ["the sample account"]
    if settings.folder is not None:
        return ["responses from files"]
    descriptions = []
    if settings.stacks:
        noun = "stack" if len(settings.stacks) == 1 else "stacks"
        descriptions.append(f"{noun} {', '.join(settings.stacks)}")
    if settings.cache_folder is None:
        return [*descriptions, "not cached"]
    root = settings.cache_folder.parent  # the cache folder itself is that of one account
    if fetcher.offline:
        return [*descriptions, f"offline, from the cache in {root}"]
    if fetcher.max_age is None:
        descriptions.append(f"cached in {root}")
    else:
        descriptions.append(f"cached for {fetcher.max_age / timedelta(hours=1):g} h in {root}")
    if fetcher.refresh:
        descriptions.append("refresh=True")
    return descriptions
