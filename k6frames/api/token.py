"""A token that cannot be shown by accident: not in a repr, a log line, a traceback or a pickle."""

from __future__ import annotations

import hashlib
from typing import NoReturn

from k6frames.errors import ConfigError


class Token:
    """An API token. Only `reveal` returns its text.

    Parameters
    ----------
    text : str
        The token as given; whitespace around it is dropped. `validate` checks it.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text.strip() if isinstance(text, str) else ""

    def validate(self, source: str) -> Token:
        """Return this token if an HTTP header can hold it.

        Parameters
        ----------
        source : str
            Where it is from, for the message ("Client(token=...)", "K6_CLOUD_TOKEN", a file).

        Raises
        ------
        ConfigError
            If it is empty, is not a string, or has characters that no token has. The message does
            not repeat it.
        """
        if not self._text:
            raise ConfigError(f"The token from {source} is empty or not a string.")
        if not all("!" <= character <= "~" for character in self._text):
            raise ConfigError(
                f"The token from {source} contains a space, a line break or another character that "
                "no token has. Copy it again from Grafana Cloud k6, without quotes around it."
            )
        return self

    def reveal(self) -> str:
        """Return the token itself, for the request that needs it."""
        return self._text

    def redact(self, text: str) -> str:
        """Return `text` with the token replaced, for messages that quote a server."""
        return text.replace(self._text, "***")

    def occurs_in(self, body: bytes) -> bool:
        """Return whether a response repeats the token and so must not be cached."""
        return self._text.encode() in body

    def digest(self, salt: str) -> str:
        """Return a hash of this token and `salt`: a folder name that does not reveal the token."""
        return hashlib.sha256(f"{salt}\n{self._text}".encode()).hexdigest()[:32]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Token) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return "Token(***)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A token cannot be pickled: create the Client in the other process.")
