"""Connections that can be ended from another thread, whatever the server does.

Timeouts are per read, in urllib3 as in requests, so headers that arrive byte by byte, or an endless
series of interim responses, would never time out.
"""

from __future__ import annotations

import http.client
from typing import Any

import urllib3

from k6frames.api.workers import active_request


class _FinalResponse(http.client.HTTPResponse):
    """A response that skips interim responses: http.client itself skips only status 100."""

    def _read_status(self) -> tuple[str, int, str]:
        version, status, reason = super()._read_status()  # type: ignore[misc]
        while status in (102, 103):
            http.client.parse_headers(self.fp)
            version, status, reason = super()._read_status()  # type: ignore[misc]
        return version, status, reason


class _Connection(urllib3.connection.HTTPConnection):
    """A connection whose socket is known to the `ActiveRequest` of its thread."""

    response_class = _FinalResponse

    def _new_conn(self) -> Any:
        sock = super()._new_conn()
        _register(sock)  # before TLS begins, because a proxy may send endless headers until then
        return sock

    def _tunnel(self) -> None:
        super()._tunnel()
        # If `stop` has shut down the socket, http.client takes this for the end of the proxy's
        # headers, and continues. Then `_register` raises an error.
        _register(self.sock)

    def request(self, *args: Any, **kwargs: Any) -> None:
        _register(self.sock)  # now the TLS socket, or that of a reused connection
        super().request(*args, **kwargs)


class _HTTPSConnection(_Connection, urllib3.connection.HTTPSConnection):
    """The same over TLS."""


def _register(sock: Any) -> None:
    """Let `ActiveRequest.stop` end this socket; raise if the request was stopped already."""
    active = active_request.get()
    if active is None or sock is None:
        return
    # For TLS inside the TLS of a proxy, urllib3 wraps the socket in an object of its own.
    active.socket = getattr(sock, "socket", sock)
    if active.stopped.is_set():
        sock.close()
        # Only with two arguments does OSError have `strerror`, which `describe_failure` shows.
        raise OSError(None, "the work was stopped")


class _HTTPPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _HTTPSPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _HTTPSConnection


STOPPABLE_POOLS = {"http": _HTTPPool, "https": _HTTPSPool}
