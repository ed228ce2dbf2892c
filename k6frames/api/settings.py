"""Where token, address and folders come from: the argument, the environment, k6's own settings."""

from __future__ import annotations

import json
import os
import re
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import platformdirs

from k6frames.errors import ConfigError
from k6frames.secret import Token

API_URL = "https://api.k6.io"
SAMPLE_URL = "sample:"
SAMPLE_TODAY = "2026-07-01"
"""The day on which the invented sample account is looked at: nothing in it is younger."""

_LOOPBACK = re.compile(r"localhost|127\.[0-9.]+|::1")

_NOBODY = """\
No k6 Cloud token was found. Give one in any of three ways:
  1. Client(token="...")
  2. the environment variable K6_CLOUD_TOKEN
  3. `k6 cloud login`, which stores it in {path}
Or look at the invented sample account, which needs none: k6frames.Client.sample()"""


@dataclass(frozen=True)
class Settings:
    """Whose data is read, and where its answers are kept. Equal settings see equal data."""

    api_url: str
    token: Token | None
    folder: Path | None
    """The folder whose files answer in the API's place (`sample:` and `file:` addresses)."""
    cache: Path | None
    """The folder of this identity's cache, or None to keep nothing."""


def resolve(
    token: Token | None, api_url: str | None, *, cache: bool | str | os.PathLike[str]
) -> Settings:
    """Complete what the caller gave by the environment, k6's settings and the defaults.

    Parameters
    ----------
    token : Token or None
        The token given by argument.
    api_url : str or None
        The address given by argument; else ``K6FRAMES_API_URL``, else ``https://api.k6.io``.
    cache : bool, str or path-like
        False for no cache, True for the usual folder, or the folder to keep answers in.

    Raises
    ------
    ConfigError
        If the address is none, its folder is missing, or no token is found for a server.
    """
    address, problem = checked_address(api_url)
    if problem:
        del api_url
        raise ConfigError(problem)
    if address == SAMPLE_URL:
        return Settings(address, None, data_folder("samples"), None)
    if address.startswith("file:"):
        return Settings(address, None, _file_folder(address), None)
    parts = urlsplit(address)
    if parts.scheme == "http" and not _LOOPBACK.fullmatch(parts.hostname or ""):
        warnings.warn(
            f"{_shown(address)} is not https: the token travels where others can read it.",
            stacklevel=3,
        )
    token = _find_token() if token is None else token.checked("the argument token")
    if cache is False:
        return Settings(address, token, None, None)
    root = cache_root(None if cache is True else cache)
    return Settings(address, token, None, root / token.digest(address))


def cache_root(folder: str | os.PathLike[str] | None = None) -> Path:
    """The folder that holds the caches of all identities: argument, environment, platform."""
    chosen = (
        folder or os.environ.get("K6FRAMES_CACHE_DIR") or platformdirs.user_cache_dir("k6frames")
    )
    return Path(chosen).expanduser().absolute()


def data_folder(name: str) -> Path:
    """The folder ``samples`` or ``notebooks``: inside the installed package, else in a checkout."""
    package = Path(__file__).parent
    installed = package / "_data" / name
    if installed.is_dir():
        return installed
    return package.parent / {"samples": "data/samples", "notebooks": "notebooks"}[name]


def checked_address(given: str | None) -> tuple[str, str]:
    """The API's address, or "" and what is wrong with it.

    A wrong one is neither repeated nor raised from here: it may hold a password, and no frame that
    a traceback shows should.
    """
    address = os.environ.get("K6FRAMES_API_URL") if given is None else given
    address = (address or API_URL).rstrip("/")
    if address == SAMPLE_URL or address.startswith("file:"):
        return address, ""
    try:
        parts = urlsplit(address)
        usable = bool(parts.scheme in {"http", "https"} and parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        return "", (
            "The API's address must look like https://api.k6.io, file:/a/folder or sample: "
            f"(it comes from api_url or K6FRAMES_API_URL); this is not one: {_shown(address)!r}."
        )
    if parts.username or parts.password or parts.query or parts.fragment:
        return "", (
            f"The API's address takes no user, password, query or fragment: {_shown(address)!r}. "
            "Give the token as Client(token=...) or in K6_CLOUD_TOKEN."
        )
    return address, ""


def number(name: str, value: float, *, least: float = 0.001) -> float:
    """An argument as a number that clocks can count with."""
    if not isinstance(value, int | float) or not value >= least:
        raise ConfigError(f"{name} must be a number, at least {least:g}; not {value!r}.")
    return min(value, 10**6)


def _shown(address: str) -> str:
    """The part of an address that can hold no secret; of one with an @ in it, none is sure."""
    scheme, _, rest = address.partition("://")
    if "@" in address:
        return f"{scheme[:10]}://..." if rest else "..."
    return re.split("[?#]", address)[0][:100]


def _file_folder(address: str) -> Path:
    parts = urlsplit(address)
    if parts.netloc not in {"", "localhost"} or not parts.path:
        raise ConfigError(
            f"A folder is written file:/a/folder or file:folder, not {_shown(address)!r}."
        )
    folder = Path(url2pathname(parts.path)).expanduser().absolute()
    if not folder.is_dir():
        raise ConfigError(
            f"There is no folder {folder} (from the address {address!r}). It should hold answers "
            "as files, such as v3/organizations.json."
        )
    return folder


def _find_token() -> Token:
    """The token from the environment, else from the file that `k6 cloud login` wrote."""
    if os.environ.get("K6_CLOUD_TOKEN", "").strip():
        return Token(os.environ["K6_CLOUD_TOKEN"]).checked("K6_CLOUD_TOKEN")
    files = _k6_config_files()
    for path in files:
        token = _stored_token(path)
        if token is not None:
            return token.checked(str(path))
    raise ConfigError(_NOBODY.format(path=" or ".join(map(str, files))))


def _k6_config_files() -> list[Path]:
    """The files in which k6 may have stored a token, the one to believe first."""
    if os.environ.get("K6_CONFIG"):
        return [Path(os.environ["K6_CONFIG"]).expanduser()]
    if sys.platform == "win32":
        folder = Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming")
    elif sys.platform == "darwin":
        folder = Path.home() / "Library" / "Application Support"
    else:
        folder = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    current, legacy = folder / "k6" / "config.json", folder / "loadimpact" / "k6" / "config.json"
    # k6 before 0.58 writes the second one: whoever logged in with it later means that token.
    # File times are coarse, so within two seconds the place decides.
    legacy_is_newer = _written(legacy) > _written(current) + 2
    return [legacy, current] if legacy_is_newer else [current, legacy]


def _written(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _stored_token(path: Path) -> Token | None:
    """The token in one of k6's settings files, or None where it holds none."""
    try:
        config = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        problem = type(error).__name__
    else:
        for key in ("collectors", "cloud", "token"):
            config = config.get(key) if isinstance(config, dict) else None
        return Token(config) if isinstance(config, str) and config.strip() else None
    # Raised out here, so that the JSON error and the file's text in it are not in the chain.
    raise ConfigError(
        f"k6's settings file {path} cannot be read ({problem}). Mend it with `k6 cloud login`, or "
        "give the token in K6_CLOUD_TOKEN."
    )
