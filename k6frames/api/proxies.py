"""Proxies and certificates, from the environment."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

import requests

from k6frames.errors import ConfigError
from k6frames.validation import short_repr


def find_proxies(url: str) -> dict[str, str]:
    """Return the proxies from the environment for an address.

    A session with ``trust_env`` would use them too, but would also send the login in ``~/.netrc``.
    """
    return dict(requests.utils.get_environ_proxies(url))


def find_certificates() -> str | bool:
    """Return the file or folder of certificates from the environment, else True.

    Raises
    ------
    ConfigError
        If it cannot be read. Without this check, each request would fail with an error of the TLS
        library.
    """
    bundle = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    if not bundle:
        return True
    try:
        if Path(bundle).is_dir():
            ssl.create_default_context(capath=bundle)
        else:
            ssl.create_default_context(cafile=bundle)
    except (OSError, ValueError) as error:  # an SSLError is an OSError
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(
            f"The certificates in {short_repr(bundle)}, which REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE "
            f"names, cannot be read ({reason})."
        ) from None
    return bundle
