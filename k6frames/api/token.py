"""A token that cannot be shown by accident: not in a repr, a log line, a traceback or a pickle."""

from __future__ import annotations

import hashlib
from typing import NoReturn

from k6frames.errors import ConfigError


class Token:
    """An API token that only `reveal` gives away.

    Parameters
    ----------
    text : str
        The token as the user has it; white space around it is dropped. Nothing is checked yet,
        so that no frame that still holds the text can appear in a traceback.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text.strip() if isinstance(text, str) else ""

    def checked(self, origin: str) -> Token:
        """This token, if it can stand in an HTTP header.

        Parameters
        ----------
        origin : str
            Where it came from, for the message ("the argument token", "K6_CLOUD_TOKEN", a file).

        Raises
        ------
        ConfigError
            If it cannot. The message does not repeat it.
        """
        if not self._text:
            raise ConfigError(f"The token from {origin} is empty or no text.")
        if not all("!" <= character <= "~" for character in self._text):
            raise ConfigError(
                f"The token from {origin} holds a space, a line break or another character that "
                "no token has. Copy it again from Grafana Cloud k6, without quotes around it."
            )
        return self

    def reveal(self) -> str:
        """The token itself. Call it where the request leaves, and keep the result in no name."""
        return self._text

    def redact(self, text: str) -> str:
        """`text` with the token replaced, for messages that repeat what a server said."""
        return text.replace(self._text, "***")

    def occurs_in(self, body: bytes) -> bool:
        """Whether an answer repeats the token, so that it must not be kept."""
        return self._text.encode() in body

    def digest(self, salt: str) -> str:
        """A name for this token together with `salt` that does not lead back to it."""
        return hashlib.sha256(f"{salt}\n{self._text}".encode()).hexdigest()[:32]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Token) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return "Token(***)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A token is not pickled: make the Client anew in the other process.")
