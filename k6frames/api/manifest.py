"""The manifest of a folder of responses: `account.json`, which describes the account."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from k6frames.api.folder import STACKS_FOLDER
from k6frames.api.stack_arguments import parse_stack
from k6frames.errors import ConfigError
from k6frames.validation import MAX_INT64, is_integer, short_repr

MANIFEST = "account.json"


@dataclass(frozen=True)
class Manifest:
    """The fields of `account.json`."""

    as_of: datetime | None
    """When the account was read; None if unknown. Summaries take it as the current time."""
    api_url: str | None
    """The address that the account was read from."""
    stacks: tuple[tuple[int, str | None], ...]
    """The ID of each stack and its URL, if it is known."""


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of an account, which may be missing.

    If it has no `stacks`, the folders of stacks are listed.

    Raises
    ------
    ConfigError
        If it cannot be read or is malformed.
    """
    file = folder / MANIFEST
    try:
        content = json.loads(file.read_bytes())
    except FileNotFoundError:
        content = {}
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"{file} cannot be read: {reason}.") from None
    if not isinstance(content, dict):
        raise _malformed(file, "the file", "an object", content)
    api_url = content.get("api_url")
    if not isinstance(api_url, str | None):
        raise _malformed(file, "api_url", "a string", api_url)
    stacks = content.get("stacks")
    return Manifest(
        as_of=_read_as_of(file, content.get("as_of")),
        api_url=api_url,
        stacks=_list_stack_folders(folder) if stacks is None else _read_stacks(file, stacks),
    )


def _read_as_of(file: Path, value: Any) -> datetime | None:
    if value is None:
        return None
    try:
        as_of = datetime.fromisoformat(value)
        return as_of.replace(tzinfo=UTC) if as_of.tzinfo is None else as_of.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        raise _malformed(file, "as_of", "a timestamp such as 2026-07-01T00:00:00Z", value) from None


def _read_stacks(file: Path, value: Any) -> tuple[tuple[int, str | None], ...]:
    if not isinstance(value, list):
        raise _malformed(file, "stacks", "a list", value)
    stacks: dict[int, str | None] = {}
    for index, entry in enumerate(value):
        field = f"stacks[{index}]"
        if not isinstance(entry, dict):
            raise _malformed(file, field, "an object with id and url", entry)
        stack_id, url = entry.get("id"), entry.get("url")
        if not is_integer(stack_id) or not 1 <= stack_id <= MAX_INT64 or stack_id in stacks:
            raise _malformed(file, f"{field}.id", "a unique positive integer", stack_id)
        stacks[stack_id] = None if url is None else _read_url(file, f"{field}.url", url)
    return tuple(stacks.items())


def _read_url(file: Path, field: str, value: Any) -> str:
    malformed = _malformed(file, field, "the URL of a stack", value)
    try:
        stack = parse_stack(value)
    except ConfigError:
        raise malformed from None
    if stack.isdecimal():  # an ID
        raise malformed
    return stack


def _list_stack_folders(folder: Path) -> tuple[tuple[int, str | None], ...]:
    """Return the stacks that have a folder."""
    try:
        names = [entry.name for entry in (folder / STACKS_FOLDER).iterdir() if entry.is_dir()]
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except OSError as error:
        raise ConfigError(f"{folder / STACKS_FOLDER} cannot be read: {error.strerror}.") from None
    ids = sorted(int(name) for name in names if re.fullmatch("[1-9][0-9]{0,18}", name))
    return tuple((stack_id, None) for stack_id in ids if stack_id <= MAX_INT64)


def _malformed(file: Path, field: str, expected: str, found: object) -> ConfigError:
    return ConfigError(f"{file}: {field} must be {expected}, not {short_repr(found)}.")
