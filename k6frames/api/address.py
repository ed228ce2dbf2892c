"""The address of the API, or of a folder of its responses."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from k6frames.api.package_data import data_folder
from k6frames.errors import ConfigError
from k6frames.validation import absolute_path, redact_url

API_URL = "https://api.k6.io"
SAMPLE_URL = "sample:"

_LOOPBACK = re.compile(r"localhost|127\.[0-9.]+|::1")


def resolve_address(api_url: str | None) -> str:
    """Return the API's address without a trailing slash: argument, environment or default.

    An empty string counts as not given.

    Raises
    ------
    ConfigError
        If it is not an address of a server or a folder.
    """
    if not isinstance(api_url, str | None):
        raise ConfigError(f"api_url must be a string, not {type(api_url).__name__}.")
    address = (api_url or os.environ.get("K6FRAMES_API_URL") or API_URL).rstrip("/")
    if address == SAMPLE_URL or address.startswith("file:"):
        return address
    try:
        parts = urlsplit(address)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # raised by urlsplit or parts.port
        usable = False
    if not usable:
        raise ConfigError(
            f"{redact_url(address)!r} is not an address of the API (from api_url or "
            "K6FRAMES_API_URL). Use one such as https://api.k6.io, file:/a/folder or sample:"
        )
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ConfigError(
            f"The API's address must not contain a user name, password, query or fragment: "
            f"{redact_url(address)!r}. Give the token as Client(token=...) or in K6_CLOUD_TOKEN."
        )
    return address


def is_unencrypted(address: str) -> bool:
    """Return whether requests to a server cross the network without encryption."""
    parts = urlsplit(address)
    return parts.scheme == "http" and not _LOOPBACK.fullmatch(parts.hostname or "")


def account_folder(address: str) -> Path | None:
    """Return the folder that has the responses of an account; None for a server.

    Raises
    ------
    ConfigError
        If the address names no folder, or one that does not exist.
    """
    if address == SAMPLE_URL:
        return data_folder("samples")
    if not address.startswith("file:"):
        return None
    parts = urlsplit(address)
    if parts.netloc not in {"", "localhost"} or not parts.path or parts.query or parts.fragment:
        raise ConfigError(
            f"{redact_url(address)!r} does not name a folder: use file:/a/folder or file:folder, "
            "with %23 for # and %3F for ? in its name."
        )
    folder = absolute_path(url2pathname(parts.path), address)
    if not os.path.isdir(folder):  # noqa: PTH112 - Path.is_dir raises for a name that is too long
        raise ConfigError(
            f"There is no folder {folder} (from the address {address!r}). It should contain "
            "responses as files, such as v3/organizations.json."
        )
    return folder
