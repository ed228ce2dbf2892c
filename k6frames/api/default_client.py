"""The client that functions use when none is passed."""

from __future__ import annotations

from k6frames.api.client import Client
from k6frames.api.forks import fork_lock
from k6frames.api.settings import Settings, resolve_settings

_default_clients: dict[Settings, Client] = {}


def default_client() -> Client:
    """Return the client behind ``client=None``: one for each account the environment describes."""
    found = resolve_settings(None, None, None, cache=True)
    with fork_lock:
        if found not in _default_clients:
            _default_clients[found] = Client()
        return _default_clients[found]
