"""The argument `on_error`: raise the first failure, or go on and let the loaders warn."""

from __future__ import annotations

from typing import Literal

from k6frames.errors import APIError
from k6frames.validation import validate_choice

OnError = Literal["raise", "warn"]

_ADVICE = ' To read the rest without it, pass on_error="warn".'


def check_on_error(on_error: object) -> None:
    """Raise a `ConfigError` unless `on_error` is "raise" or "warn"."""
    validate_choice("on_error", on_error, ["raise", "warn"], '"raise" or "warn"')


def suggest_on_error(error: APIError, *, several: bool) -> APIError:
    """Return the error, with advice on how to read the rest if there were several requests."""
    # Other errors, such as 401, usually affect the rest too.
    if several and error.status in {403, 404}:
        return APIError(error.status, error.code, f"{error.message}{_ADVICE}", error.url)
    return error


def without_advice(error: APIError) -> APIError:
    """Return an error without the advice to pass `on_error`.

    It is for functions that do not have this argument.
    """
    if not error.message.endswith(_ADVICE):
        return error
    return APIError(error.status, error.code, error.message.removesuffix(_ADVICE), error.url)
