"""The client that a function uses: its argument `client`, or the default."""

from __future__ import annotations

from k6frames.api.client import Client
from k6frames.api.forks import fork_lock
from k6frames.api.settings import Settings, resolve_settings
from k6frames.errors import ConfigError

_default_clients: dict[Settings, Client] = {}


def default_client() -> Client:
    """Return the client of the account that the environment describes.

    It is the same one each time, until the environment describes another account.
    """
    settings = resolve_settings(None, None, None, cache=True)
    # Forks wait for `fork_lock`. Any other lock that a thread holds during a fork would stay locked
    # in the new process.
    with fork_lock:
        if settings not in _default_clients:
            _default_clients[settings] = Client()  # which resolves the same settings
        return _default_clients[settings]


def client_or_default(client: Client | None) -> Client:
    """Return the client, or the default client for None."""
    if client is None:
        return default_client()
    if not isinstance(client, Client):
        raise ConfigError(f"client must be a k6frames.Client, not {type(client).__name__}.")
    return client
