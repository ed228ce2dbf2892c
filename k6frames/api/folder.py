"""Accounts in a folder: responses as files, for `file:` and `sample:` addresses."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote, unquote

import requests
from requests.adapters import HTTPAdapter

from k6frames.api.endpoints import STACK_ID_HEADER
from k6frames.api.responses import make_response
from k6frames.api.stack_arguments import parse_stack
from k6frames.errors import APIError, ConfigError
from k6frames.validation import is_integer, short_repr

MANIFEST = "account.json"
STACKS_FOLDER = "stacks"
SAFE_CHARACTERS = "()=,'.[]_- "
"""Characters that are not percent-encoded in the names of files, besides letters and digits."""


def response_file(path: str, stack: int | str | None = None) -> PurePosixPath:
    """Return where a folder has the response to a request, relative to the folder.

    Parameters
    ----------
    path : str
        The path of the request; a query is ignored, as one file has all pages of a list.
    stack : int or str, optional
        The ID of the request's stack.

    Raises
    ------
    ValueError
        If the path or the stack could lead out of the folder.

    Examples
    --------
    >>> str(response_file("/cloud/v6/load_tests?$top=1000", 48213))
    'stacks/48213/cloud/v6/load_tests.json'
    """
    without_query = path.partition("?")[0]
    parts = [unquote(part) for part in without_query.removeprefix("/").split("/")]
    if stack is not None:
        parts = [STACKS_FOLDER, str(stack), *parts]
    if not {"", ".", ".."}.isdisjoint(parts):
        raise ValueError(f"{path!r} is not a path in a folder")
    names = [quote(part, safe=SAFE_CHARACTERS) for part in parts]
    return PurePosixPath(*names[:-1], f"{names[-1]}.json")


class FolderAdapter(HTTPAdapter):
    """A requests adapter that reads each response from a file.

    Parameters
    ----------
    folder : pathlib.Path
        The account's folder.
    address : str
        The address that it is mounted for, without a slash at its end.
    """

    def __init__(self, folder: Path, address: str) -> None:
        super().__init__()
        self._folder = folder.resolve()
        self._address = address

    def send(  # type: ignore[override]
        self, request: requests.PreparedRequest, **_: object
    ) -> requests.Response:
        """Read the file, or raise an `APIError`; for one that is missing, it has status 404."""
        url = str(request.url)
        path = url.removeprefix(self._address)
        shown = unquote(path)
        try:
            name = response_file(path, request.headers.get(STACK_ID_HEADER))
            shown = str(name)
            file = (self._folder / name).resolve()
            # A symbolic link may lead out of the folder, and reading a pipe would never end.
            if not file.is_relative_to(self._folder) or not file.is_file():
                raise FileNotFoundError
            body = file.read_bytes()
            modified = datetime.fromtimestamp(file.stat().st_mtime, UTC)
        except (FileNotFoundError, NotADirectoryError):
            message = f"{unquote(path)}: there is no file {shown} in {self._folder}."
            raise APIError(404, None, message, url) from None
        except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: a loop of links
            reason = getattr(error, "strerror", None) or error
            message = f"{unquote(path)}: {shown} in {self._folder} cannot be read ({reason})."
            raise APIError(None, None, message, url) from None
        headers = {"Content-Type": "application/json", "Last-Modified": modified.isoformat()}
        return self.build_response(request, make_response(body, headers))


# --- the manifest -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Manifest:
    """What a folder says about its account, in `account.json`."""

    as_of: datetime | None
    """When the account was read, which is "now" for it; None if unknown."""
    api_url: str | None
    """The address that it was read from."""
    stacks: tuple[tuple[int, str | None], ...]
    """The ID of each stack and its URL, if it is known."""


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of an account in a folder; what it leaves out is taken from the folder.

    Raises
    ------
    ConfigError
        If it is malformed. The message names the file and the field.
    """
    file = folder / MANIFEST
    try:
        content = json.loads(file.read_bytes())
    except FileNotFoundError:
        content = {}
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"{file} cannot be read: {error}") from None
    if not isinstance(content, dict):
        raise _malformed(file, "the file", "an object", content)
    api_url = content.get("api_url")
    if not isinstance(api_url, str | None):
        raise _malformed(file, "api_url", "a string", api_url)
    stacks = content.get("stacks")
    return Manifest(
        as_of=_read_as_of(file, content.get("as_of")),
        api_url=api_url,
        stacks=_stacks_in(folder) if stacks is None else _read_stacks(file, stacks),
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
        where = f"stacks[{index}]"
        if not isinstance(entry, dict):
            raise _malformed(file, where, "an object with id and url", entry)
        stack_id, url = entry.get("id"), entry.get("url")
        if not is_integer(stack_id) or stack_id < 1 or stack_id in stacks:
            raise _malformed(file, f"{where}.id", "a unique positive integer", stack_id)
        try:
            normalized = None if url is None else parse_stack(url)
        except ConfigError:
            normalized = ""
        if normalized is not None and not normalized.startswith("http"):
            raise _malformed(file, f"{where}.url", "the URL of a stack", url)
        stacks[stack_id] = normalized
    return tuple(stacks.items())


def _stacks_in(folder: Path) -> tuple[tuple[int, str | None], ...]:
    """Return the stacks that have a folder."""
    try:
        names = [entry.name for entry in (folder / STACKS_FOLDER).iterdir() if entry.is_dir()]
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except OSError as error:
        raise ConfigError(f"{folder / STACKS_FOLDER} cannot be read: {error.strerror}.") from None
    ids = sorted(
        int(name) for name in names if name.isascii() and name.isdigit() and name[0] != "0"
    )
    return tuple((stack_id, None) for stack_id in ids)


def _malformed(file: Path, field: str, expected: str, found: object) -> ConfigError:
    return ConfigError(f"{file}: {field} must be {expected}, not {short_repr(found)}.")
