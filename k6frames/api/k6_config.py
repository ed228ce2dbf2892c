"""k6's configuration files: where they are, and the token and stack in them."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs

from k6frames.api.token import Token
from k6frames.errors import ConfigError
from k6frames.validation import absolute_path


class UnreadableConfigError(ConfigError):
    """A configuration file of k6 that cannot be read."""


@dataclass(frozen=True)
class K6Config:
    """The token and the stack in one of k6's configuration files."""

    path: Path
    token: Token | None
    stack: object
    """``stackID``, else ``stackURL``, as they are in the file; None if both are missing."""


def read_configs() -> Iterator[K6Config]:
    """Yield the configuration in each of k6's files, in order of preference.

    Raises
    ------
    UnreadableConfigError
        If a file is not JSON or cannot be read. The message does not quote the file.
    """
    for path in config_files():
        section = _read_json(path)
        # The file has {"collectors": {"cloud": {"token": ..., "stackID": ...}}}.
        for key in ("collectors", "cloud"):
            section = section.get(key) if isinstance(section, dict) else None
        if isinstance(section, dict):
            token = section.get("token")
            yield K6Config(
                path,
                token=Token(token) if isinstance(token, str) and token.strip() else None,
                stack=section.get("stackID") or section.get("stackURL") or None,
            )


def _read_json(path: Path) -> Any:
    """Return the content of a JSON file; None if there is no such file."""
    try:
        return json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, RecursionError) as error:
        reason = type(error).__name__
    # Raised after the except block. Inside it, Python would attach the JSON error as context, and
    # this error contains the text of the file.
    raise UnreadableConfigError(
        f"k6's configuration file {path} cannot be read ({reason}). Create it again with "
        "`k6 cloud login`."
    )


def config_files() -> list[Path]:
    """Return the paths where k6 stores its configuration, in order of preference."""
    if os.environ.get("K6_CONFIG"):
        return [absolute_path(os.environ["K6_CONFIG"], "K6_CONFIG")]
    try:
        folder = _user_config_folder()
    except RuntimeError:  # a user without a home folder, so k6 has stored nothing either
        return []
    current, legacy = folder / "k6" / "config.json", folder / "loadimpact" / "k6" / "config.json"
    # k6 before 0.58 writes the legacy file, so the file that was modified last comes first. File
    # times are coarse, so the legacy file must be newer by more than two seconds.
    if _modified(legacy) > _modified(current) + 2:
        return [legacy, current]
    return [current, legacy]


def _user_config_folder() -> Path:
    """Return the folder that Go's os.UserConfigDir returns, where k6 has its configuration."""
    if sys.platform == "darwin":
        # platformdirs would use XDG_CONFIG_HOME here as well, but Go does not.
        return Path.home() / "Library" / "Application Support"
    return platformdirs.user_config_path(roaming=True).expanduser()


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def describe_config_files() -> str:
    """Return the paths of k6's configuration files, for messages."""
    return " or ".join(map(str, config_files())) or "the home folder (this user has none)"
