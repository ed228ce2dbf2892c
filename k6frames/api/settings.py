"""Which account is read: arguments, the environment, k6's configuration file and defaults."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from k6frames.api.address import account_folder, is_unencrypted, resolve_address
from k6frames.api.k6_config import UnreadableConfigError, describe_config_files, read_configs
from k6frames.api.stack_arguments import StackArgument, find_stacks, parse_stacks
from k6frames.api.token import Token
from k6frames.errors import ConfigError
from k6frames.validation import absolute_path, short_repr

_HOW_TO_LOG_IN = """\
No k6 Cloud token was found. Give one in any of these ways:
  - Client(token="...")
  - the environment variable K6_CLOUD_TOKEN
  - `k6 cloud login`, which stores it in {files}
Or use the sample account, which needs none: k6frames.Client.sample()"""


@dataclass(frozen=True)
class Settings:
    """Which account is read, and where its responses are cached."""

    api_url: str
    token: Token | None
    stacks: tuple[str, ...]
    """The stacks that were given, each an ID (``"123"``) or a URL; empty if none was."""
    folder: Path | None
    """The folder that has the responses (``sample:`` and ``file:`` addresses)."""
    cache_folder: Path | None
    """The cache folder of this address and token; None for no cache."""
    warnings: tuple[str, ...] = ()
    """What the user should know; `Client` shows it."""


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
    stack : int, str, iterable of these, or None
        The argument, else ``K6_CLOUD_STACK_ID``, else ``K6_CLOUD_STACK_URL``, else k6's
        configuration file. For an account in a folder, only the argument is used.
    cache : bool, str or path-like
        False for no cache, True for the default folder, or the folder to cache responses in.

    Raises
    ------
    ConfigError
        If an argument is invalid, or the account is on a server and no token is found.
    """
    if not isinstance(cache, bool | str | os.PathLike):
        raise ConfigError(f"cache must be True, False or a folder, not {short_repr(cache)}.")
    address = resolve_address(api_url)
    stacks = parse_stacks(stack)
    folder = account_folder(address)
    if folder is not None:
        return Settings(address, None, stacks, folder, None)
    warnings = []
    if is_unencrypted(address):
        warnings.append(f"{address} is not https: others on the network can read the token.")
    token = find_token() if token is None else token.validate("Client(token=...)")
    if not stacks:
        try:
            stacks = find_stacks()
        except UnreadableConfigError as error:
            # With a token from elsewhere, organizations and projects can still be read.
            warnings.append(f"{error} No stack is taken from this file.")
    if cache is False:
        cache_folder = None
    else:
        cache_folder = cache_root(None if cache is True else cache) / token.digest(address)
    return Settings(address, token, stacks, None, cache_folder, tuple(warnings))


def find_token() -> Token:
    """Return the token from the environment, else from k6's configuration."""
    if os.environ.get("K6_CLOUD_TOKEN", "").strip():
        return Token(os.environ["K6_CLOUD_TOKEN"]).validate("K6_CLOUD_TOKEN")
    try:
        for config in read_configs():
            if config.token is not None:
                return config.token.validate(str(config.path))
    except UnreadableConfigError as error:
        # The error says how to correct the file.
        raise ConfigError(f"{error} Or set K6_CLOUD_TOKEN.") from None
    raise ConfigError(_HOW_TO_LOG_IN.format(files=describe_config_files()))


def cache_root(folder: str | os.PathLike[str] | None = None) -> Path:
    """Return the folder of all caches: argument, ``K6FRAMES_CACHE_DIR`` or the platform's."""
    if folder:
        return absolute_path(folder, "cache")
    if os.environ.get("K6FRAMES_CACHE_DIR"):
        return absolute_path(os.environ["K6FRAMES_CACHE_DIR"], "K6FRAMES_CACHE_DIR")
    try:
        return platformdirs.user_cache_path("k6frames").expanduser()
    except RuntimeError:
        raise ConfigError(
            "This user has no home folder to cache responses in: name another folder in "
            "K6FRAMES_CACHE_DIR, or use Client(cache=False)."
        ) from None
