"""The stacks to read: from an argument, the environment or k6's configuration."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from k6frames.api.k6_config import describe_config_files, read_configs
from k6frames.errors import ConfigError
from k6frames.validation import MAX_INT64, is_integer, redact_url, short_repr

STACK_DOMAIN = "grafana.net"


class NoStackError(ConfigError):
    """No stack was given or found, or an account in a folder has none."""


StackArgument = int | str | Iterable[int | str] | None
"""What a `stack` argument may be: one ID, slug or URL, or several."""

_SLUG = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_DOMAIN_NAME = re.compile(rf"({_SLUG.pattern}\.)+[a-z][a-z0-9-]+")

_HOW_TO_NAME_A_STACK = """\
No Grafana stack was given, and everything but organizations and their projects belongs to one.
Give its ID, slug or URL in any of these ways:
  - Client(stack=123)
  - the environment variable K6_CLOUD_STACK_ID or K6_CLOUD_STACK_URL
  - `k6 cloud login`, which stores it in {files}
Grafana shows the ID under Testing & synthetics > Performance > Settings."""

_STACK_FORMS = (
    "a stack is given as its ID (123), its slug (my-team) or its URL "
    f"(https://my-team.{STACK_DOMAIN})"
)


def parse_stack(value: object) -> str:
    """Return a stack's ID as digits, or its URL as scheme and host.

    Parameters
    ----------
    value : int or str
        An ID (``123``), a slug (``my-team``) or a URL (``https://my-team.grafana.net/a/k6-app``).

    Raises
    ------
    ConfigError
        If it is none of them.

    Examples
    --------
    >>> parse_stack(123), parse_stack("my-team"), parse_stack("https://my-team.grafana.net/a/b")
    ('123', 'https://my-team.grafana.net', 'https://my-team.grafana.net')
    """
    if isinstance(value, str):
        text = value.strip()
        if text.isascii() and text.isdigit():
            # 30 digits are too many for an ID anyway, and Python refuses to parse thousands.
            return _parse_id(int(text[:30]))
        if text.isprintable():  # urlsplit drops line breaks silently
            return _parse_url(text)
    if is_integer(value):
        return _parse_id(int(value))
    raise ConfigError(f"{short_repr(value)} is not a stack: {_STACK_FORMS}.")


def parse_stacks(value: StackArgument) -> tuple[str, ...]:
    """Return the stacks of an argument without duplicates; an empty tuple for None.

    Raises
    ------
    ConfigError
        If a value is not a stack, or an iterable is empty.
    """
    if value is None:
        return ()
    if isinstance(value, int | str | bytes) or not isinstance(value, Iterable):
        return (parse_stack(value),)
    stacks = tuple(dict.fromkeys(parse_stack(element) for element in value))
    if not stacks:
        raise ConfigError(f"The argument stack is empty: {_STACK_FORMS}; None means the default.")
    return stacks


def find_stacks() -> tuple[str, ...]:
    """Return the stack from the environment, else from k6's configuration, else none.

    Raises
    ------
    UnreadableConfigError
        If a configuration file of k6 cannot be read.
    """
    for variable in ("K6_CLOUD_STACK_ID", "K6_CLOUD_STACK_URL"):
        value = os.environ.get(variable, "").strip()
        if value:
            return (_parse_setting(variable, value),)
    for config in read_configs():
        if config.stack is not None:
            return (_parse_setting(str(config.path), config.stack),)
    return ()


def no_stack_error() -> NoStackError:
    """Return the error for a function that needs a stack when none was given."""
    return NoStackError(_HOW_TO_NAME_A_STACK.format(files=describe_config_files()))


def _parse_setting(source: str, value: object) -> str:
    """Parse a stack from a variable or a file; the error names this source."""
    try:
        return parse_stack(value)
    except ConfigError as error:
        raise ConfigError(f"{source}: {error}") from None


def _parse_id(stack_id: int) -> str:
    if not 0 < stack_id <= MAX_INT64:
        raise ConfigError(f"{short_repr(stack_id)} is not the ID of a stack: {_STACK_FORMS}.")
    return str(stack_id)


def _parse_url(text: str) -> str:
    """Return the URL of a stack from its slug, its host or the URL of any of its pages."""
    if _SLUG.fullmatch(text.lower()):
        return f"https://{text.lower()}.{STACK_DOMAIN}"
    # Truncated, because the text may be a token that was passed by mistake.
    not_a_stack = ConfigError(f"{redact_url(text)[:20]!r} is not a stack: {_STACK_FORMS}.")
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise not_a_stack from None
    is_stack = parts.scheme == "https" and _DOMAIN_NAME.fullmatch(host)
    # On this computer: a mock server, or Grafana behind a tunnel.
    is_local = parts.scheme == "http" and (host == "localhost" or host.startswith("127."))
    if parts.username or not (is_stack or is_local):
        raise not_a_stack
    url = f"{parts.scheme}://{host}"
    default_port = 443 if parts.scheme == "https" else 80
    return url if port in {None, default_port} else f"{url}:{port}"
