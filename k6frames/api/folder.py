"""Accounts in a folder: responses as files, for `file:` and `sample:` addresses."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from urllib.parse import quote, unquote

import requests
from requests.adapters import HTTPAdapter

from k6frames.api.endpoints import STACK_ID_HEADER
from k6frames.api.responses import make_response
from k6frames.errors import APIError

STACKS_FOLDER = "stacks"
SAFE_CHARACTERS = "()=,'.[]_-~ "
"""Characters that are not percent-encoded in the names of files, besides letters and digits."""


def response_file(path: str, stack: int | str | None = None) -> PurePosixPath:
    """Return the file with the response to a request, relative to the account's folder.

    Parameters
    ----------
    path : str
        The path of the request; a query is ignored, as one file has all pages of a list.
    stack : int or str, optional
        The ID of the request's stack.

    Raises
    ------
    ValueError
        If the path or the stack could lead outside the folder.

    Examples
    --------
    >>> str(response_file("/cloud/v6/load_tests?$top=1000", 48213))
    'stacks/48213/cloud/v6/load_tests.json'
    """
    without_query = path.partition("?")[0]
    parts = [unquote(part) for part in without_query.removeprefix("/").split("/")]
    if stack is not None:
        parts = [STACKS_FOLDER, str(stack), *parts]
    if any(part in {"", ".", ".."} for part in parts):
        raise ValueError(f"{path!r} does not name a file inside the folder")
    names = [quote(part, safe=SAFE_CHARACTERS) for part in parts]
    return PurePosixPath(*names[:-1], f"{names[-1]}.json")


class FolderAdapter(HTTPAdapter):
    """A requests adapter that reads each response from a file.

    Parameters
    ----------
    folder : pathlib.Path
        The account's folder.
    address : str
        The address that the adapter is mounted for, without a trailing slash.
    """

    def __init__(self, folder: Path, address: str) -> None:
        super().__init__()
        self._folder = folder.resolve()
        self._address = address

    def send(  # type: ignore[override]
        self, request: requests.PreparedRequest, **_: object
    ) -> requests.Response:
        """Read the file, or raise an `APIError`, with status 404 if there is no such file."""
        url = str(request.url)
        path = url.removeprefix(self._address)
        path_text = unquote(path)
        try:
            file = response_file(path, request.headers.get(STACK_ID_HEADER))
        except ValueError as error:
            message = f"{path_text} cannot be read from {self._folder} ({error})."
            raise APIError(status=None, code=None, message=message, url=url) from None
        try:
            body, modified = self._read(file)
        except (FileNotFoundError, NotADirectoryError):
            message = f"{path_text}: there is no file {file} in {self._folder}."
            raise APIError(404, None, message, url) from None
        except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: a loop of links
            reason = getattr(error, "strerror", None) or error
            message = f"{path_text}: {file} in {self._folder} cannot be read ({reason})."
            raise APIError(status=None, code=None, message=message, url=url) from None
        headers = {"Content-Type": "application/json", "Last-Modified": modified.isoformat()}
        return self.build_response(request, make_response(body, headers))

    def _read(self, name: PurePosixPath) -> tuple[bytes, datetime]:
        """Return the content of a file in the folder, and when it was modified."""
        file = (self._folder / name).resolve()
        # A symbolic link may lead outside the folder, and reading a pipe would never end.
        if not file.is_relative_to(self._folder) or not file.is_file():
            raise FileNotFoundError
        return file.read_bytes(), datetime.fromtimestamp(file.stat().st_mtime, UTC)
