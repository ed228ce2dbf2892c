"""What k6frames raises: one base class and three kinds, each said for the person who reads it."""

from __future__ import annotations

__all__ = ["APIError", "ConfigError", "K6FramesError", "SchemaError"]


class K6FramesError(Exception):
    """Base of every error that k6frames raises on purpose."""


class ConfigError(K6FramesError, ValueError):
    """A setting or an argument that cannot be used: token, address, folder, option."""


class SchemaError(K6FramesError, ValueError):
    """Data that does not fit its declared table: the message names response, record and field."""


class APIError(K6FramesError):
    """The API, or the way to it, gave no usable answer.

    Parameters
    ----------
    status : int or None
        The HTTP status of the last answer; None when no whole answer came at all.
    code : int, str or None
        The API's own error code (in v3: 1 general, 3 not found, 5 not authenticated, ...).
    message : str
        What happened, where, and what to do next. It is what ``str()`` gives.
    url : str
        The address that was asked. It never holds a secret.
    """

    def __init__(self, status: int | None, code: int | str | None, message: str, url: str) -> None:
        # All four go to Exception as they are, so that the error survives pickling.
        super().__init__(status, code, message, url)
        self.status = status
        self.code = code
        self.message = message
        self.url = url

    def __str__(self) -> str:
        return self.message
