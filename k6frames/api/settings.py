"""Token, stack, address and folders: from arguments, the environment and k6's configuration."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit
from urllib.request import url2pathname

import platformdirs

from k6frames.api.k6_config import UnreadableConfigError, describe_config_files, read_configs
from k6frames.api.token import Token
from k6frames.errors import ConfigError
from k6frames.validation import absolute_path, is_integer, redact_url, short_repr

API_URL = "https://api.k6.io"
SAMPLE_URL = "sample:"
STACK_DOMAIN = "grafana.net"
MAX_STACK_ID = 2**63 - 1

StackArgument = int | str | Iterable[int | str] | None
"""What a `stack` argument may be: one ID, slug or URL, or several."""

_LOOPBACK = re.compile(r"localhost|127\.[0-9.]+|::1")
_SLUG = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_DOMAIN_NAME = re.compile(rf"({_SLUG.pattern}\.)+[a-z][a-z0-9-]+")

_HOW_TO_LOG_IN = """\
No k6 Cloud token was found. Give one in any of three ways:
  1. Client(token="...")
  2. the environment variable K6_CLOUD_TOKEN
  3. `k6 cloud login`, which stores it in {files}
Or use the sample account, which needs none: k6frames.Client.sample()"""

_HOW_TO_NAME_A_STACK = """\
No Grafana stack was given, and everything but organizations and their projects belongs to one.
Give its ID, slug or URL in any of these ways:
  1. Client(stack=123)
  2. the environment variable K6_CLOUD_STACK_ID or K6_CLOUD_STACK_URL
  3. `k6 cloud login`, which stores it in {files}
Grafana shows the ID under Testing & synthetics > Performance > Settings."""

_STACK_FORMS = (
    "a stack is given as its ID (123), its slug (my-team) or its URL "
    f"(https://my-team.{STACK_DOMAIN})"
)


@dataclass(frozen=True)
class Settings:
    """Which account is read, and where its responses are cached.

    Equal settings read the same data.
    """

    api_url: str
    token: Token | None
    stacks: tuple[str, ...]
    """The stacks that were given, each an ID (``"123"``) or a URL; empty if none was."""
    folder: Path | None
    """The folder that has the responses (``sample:`` and ``file:`` addresses)."""
    cache_folder: Path | None
    """The cache folder of this address and token; None for no cache."""


def resolve_settings(
    token: Token | None,
    api_url: str | None,
    stack: StackArgument,
    *,
    cache: bool | str | os.PathLike[str],
) -> Settings:
    """Complete the arguments with the environment, k6's configuration and the defaults.

    Parameters
    ----------
    token : Token or None
        The argument, else ``K6_CLOUD_TOKEN``, else k6's configuration file.
    api_url : str or None
        The argument, else ``K6FRAMES_API_URL``, else ``https://api.k6.io``.
    stack : int, str, iterable of them, or None
        The argument, else ``K6_CLOUD_STACK_ID``, else ``K6_CLOUD_STACK_URL``, else k6's
        configuration file. An account in a folder has its own stacks, so there only the argument
        counts.
    cache : bool, str or path-like
        False for no cache, True for the default folder, or the folder to cache responses in.

    Raises
    ------
    ConfigError
        If one of them cannot be used, or a server is addressed and there is no token.
    """
    address = resolve_address(api_url)
    stacks = parse_stacks(stack)
    if address == SAMPLE_URL:
        return Settings(address, None, stacks, data_folder("samples"), None)
    if address.startswith("file:"):
        return Settings(address, None, stacks, _folder_of(address), None)
    parts = urlsplit(address)
    if parts.scheme == "http" and not _is_loopback(parts):
        warnings.warn(
            f"{address} is not https: others on the network can read the token.", stacklevel=3
        )
    token = find_token() if token is None else token.validate("the argument token")
    if not isinstance(cache, bool | str | os.PathLike):
        raise ConfigError(f"cache must be True, False or a folder, not {short_repr(cache)}.")
    if cache is False:
        cache_folder = None
    else:
        cache_folder = cache_root(None if cache is True else cache) / token.digest(address)
    return Settings(address, token, stacks or find_stacks(), None, cache_folder)


# --- the address --------------------------------------------------------------------------------


def resolve_address(api_url: str | None) -> str:
    """Return the API's address without a slash at its end: argument, environment or default."""
    address = os.environ.get("K6FRAMES_API_URL") if api_url is None else api_url
    if not isinstance(address, str | None):
        raise ConfigError(f"api_url must be a string, not {type(address).__name__}.")
    address = (address or API_URL).rstrip("/")
    if address == SAMPLE_URL or address.startswith("file:"):
        return address
    try:
        parts = urlsplit(address)
        usable = bool(parts.scheme in {"http", "https"} and parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ConfigError(
            f"{redact_url(address)!r} is not an address of the API (from api_url or "
            "K6FRAMES_API_URL). Use one such as https://api.k6.io, file:/a/folder or sample:"
        )
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ConfigError(
            f"The API's address takes no user, password, query or fragment: "
            f"{redact_url(address)!r}. Give the token as Client(token=...) or in K6_CLOUD_TOKEN."
        )
    return address


def _is_loopback(parts: SplitResult) -> bool:
    return _LOOPBACK.fullmatch(parts.hostname or "") is not None


# --- the token ----------------------------------------------------------------------------------


def find_token() -> Token:
    """Return the token of the environment, else that of k6's configuration."""
    if os.environ.get("K6_CLOUD_TOKEN", "").strip():
        return Token(os.environ["K6_CLOUD_TOKEN"]).validate("K6_CLOUD_TOKEN")
    for config in read_configs():
        if config.token is not None:
            return config.token.validate(str(config.path))
    raise ConfigError(_HOW_TO_LOG_IN.format(files=describe_config_files()))


# --- stacks -------------------------------------------------------------------------------------


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
            return _stack_id(int(text[:30]))
        if text.isprintable():  # urlsplit drops line breaks silently
            return _stack_url(text)
    if is_integer(value):
        return _stack_id(int(value))
    raise ConfigError(f"{short_repr(value)} is not a stack: {_STACK_FORMS}.")


def parse_stacks(value: StackArgument) -> tuple[str, ...]:
    """Return one stack or several, each once; none for None.

    Raises
    ------
    ConfigError
        If one is not a stack, or there is none in an iterable.
    """
    if value is None:
        return ()
    if isinstance(value, int | str | bytes) or not isinstance(value, Iterable):
        return (parse_stack(value),)
    stacks = tuple(dict.fromkeys(parse_stack(one) for one in value))
    if not stacks:
        raise ConfigError(f"The argument stack is empty: {_STACK_FORMS}; None means the default.")
    return stacks


def find_stacks() -> tuple[str, ...]:
    """Return the stack of the environment, else that of k6's configuration, else none."""
    for variable in ("K6_CLOUD_STACK_ID", "K6_CLOUD_STACK_URL"):
        value = os.environ.get(variable, "").strip()
        if value:
            return (_parse_stack_of(variable, value),)
    try:
        for config in read_configs():
            if config.stack is not None:
                return (_parse_stack_of(str(config.path), config.stack),)
    except UnreadableConfigError as error:
        # With a token from elsewhere, organizations and projects can be read all the same.
        warnings.warn(f"{error} No stack is taken from it.", stacklevel=4)
    return ()


def no_stack_error() -> ConfigError:
    """Return the error of a function that needs a stack and has none."""
    return ConfigError(_HOW_TO_NAME_A_STACK.format(files=describe_config_files()))


def _parse_stack_of(source: str, value: object) -> str:
    try:
        return parse_stack(value)
    except ConfigError as error:
        raise ConfigError(f"{source}: {error}") from None


def _stack_id(number: int) -> str:
    if not 0 < number <= MAX_STACK_ID:
        raise ConfigError(f"{short_repr(number)} is not the ID of a stack: {_STACK_FORMS}.")
    return str(number)


def _stack_url(text: str) -> str:
    if _SLUG.fullmatch(text.lower()):
        return f"https://{text.lower()}.{STACK_DOMAIN}"
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    else:
        is_local = host == "localhost" or host.startswith("127.")  # a test's server
        is_stack = parts.scheme == "https" and _DOMAIN_NAME.fullmatch(host)
        if not parts.username and (is_stack or (is_local and parts.scheme == "http")):
            return f"{parts.scheme}://{host}" + (f":{port}" if port not in {None, 443} else "")
    # Not in full: somebody may have given the token here.
    raise ConfigError(f"{redact_url(text)[:20]!r} is not a stack: {_STACK_FORMS}.")


# --- folders ------------------------------------------------------------------------------------


def cache_root(folder: str | os.PathLike[str] | None = None) -> Path:
    """Return the folder of all caches: argument, ``K6FRAMES_CACHE_DIR`` or the platform's."""
    if folder:
        return absolute_path(folder, "The argument cache")
    if os.environ.get("K6FRAMES_CACHE_DIR"):
        return absolute_path(os.environ["K6FRAMES_CACHE_DIR"], "K6FRAMES_CACHE_DIR")
    try:
        return platformdirs.user_cache_path("k6frames").expanduser()
    except RuntimeError:
        raise ConfigError(
            "This user has no home folder to cache responses in: name another folder in "
            "K6FRAMES_CACHE_DIR, or use Client(cache=False)."
        ) from None


def data_folder(name: str) -> Path:
    """Return the folder ``samples`` or ``notebooks``, of the installed package or a checkout."""
    package = Path(__file__).parent.parent
    installed = package / "_data" / name
    if installed.is_dir():
        return installed
    return package.parent / {"samples": "data/samples", "notebooks": "notebooks"}[name]


def _folder_of(address: str) -> Path:
    """Return the folder that a ``file:`` address names."""
    parts = urlsplit(address)
    if parts.netloc not in {"", "localhost"} or not parts.path:
        raise ConfigError(
            f"{redact_url(address)!r} does not name a folder: use file:/a/folder or file:folder."
        )
    folder = absolute_path(url2pathname(parts.path), address)
    if not os.path.isdir(folder):  # noqa: PTH112 - Path.is_dir raises for a name that is too long
        raise ConfigError(
            f"There is no folder {folder} (from the address {address!r}). It should contain "
            "responses as files, such as v3/organizations.json."
        )
    return folder
