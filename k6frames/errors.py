"""The exceptions that k6frames raises: one base class and three kinds."""

from __future__ import annotations

__all__ = ["APIError", "ConfigError", "K6FramesError", "SchemaError"]


class K6FramesError(Exception):
    """Base class of every exception that k6frames raises."""


class ConfigError(K6FramesError, ValueError):
    """A setting or an argument that cannot be used: token, stack, address, folder, option."""


class SchemaError(K6FramesError, ValueError):
    """Data that does not match its table; the message names the response, record and field."""


class APIError(K6FramesError):
    """A request that got no usable response.

    Parameters
    ----------
    status : int or None
        The HTTP status of the last response; None if no complete response was received.
    code : int, str or None
        The API's own error code (in version 3 of the API: 1 general, 3 not found, ...).
    message : str
        What happened, where, and what to do next. ``str()`` returns it.
    url : str
        The requested address, or its path if the error is about a list of several pages. It never
        contains a secret.
    """

    def __init__(self, status: int | None, code: int | str | None, message: str, url: str) -> None:
        # All four are passed to Exception, so that the error survives pickling.
        super().__init__(status, code, message, url)
        self.status = status
        self.code = code
        self.message = message
        self.url = url

    def __str__(self) -> str:
        return self.message
