"""Cached responses: a requests-cache session, and the caches of all addresses and tokens.

`SQLiteStorage` replaces requests-cache's own SQLite storage, which waits forever for a lock that
another process holds. Each token and address has its own folder, in which the stack and the URL are
the key of a response.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests
from requests_cache import NEVER_EXPIRE, BaseCache, BaseStorage, CachedResponse, CachedSession

from k6frames.api.cache_connection import (
    COMPANION_SUFFIXES,
    CORRUPT_SUFFIX,
    LOCK_TIMEOUT_SECONDS,
    CacheConnection,
)
from k6frames.api.endpoints import STACK_ID_HEADER, STACK_URL_HEADER
from k6frames.api.forks import fork_lock
from k6frames.api.private_files import is_own, locked_folder
from k6frames.api.responses import is_json

DATABASE_NAME = "responses.sqlite"

_FOLDER_NAME = re.compile(r"[0-9a-f]{32}")
# answers.sqlite is what 0.1.0 wrote.
_FILE_NAME = re.compile(
    r"(responses|answers)\.sqlite"
    rf"({'|'.join(COMPANION_SUFFIXES)}|{re.escape(CORRUPT_SUFFIX)}[0-9]+)?"
)
# About the last time that Python can represent. A row with a later time is damaged.
_MAX_TIMESTAMP = datetime(9999, 12, 31, tzinfo=UTC).timestamp()
_SUMMARY = """
    SELECT
        (SELECT CAST(value AS TEXT) FROM properties WHERE name = 'address'),
        count(*),
        min(fetched) FILTER (WHERE fetched BETWEEN 0 AND :latest),
        max(fetched) FILTER (WHERE fetched BETWEEN 0 AND :latest)
    FROM responses"""


def open_session(
    folder: Path | None, *, address: str, should_cache: Callable[[requests.Response], bool]
) -> CachedSession:
    """Return a session that caches responses in the folder of one address and token.

    Parameters
    ----------
    folder : pathlib.Path or None
        The folder of one address and token, created when the first response is cached; None for no
        cache.
    address : str
        The API's address, which `k6frames cache` shows.
    should_cache : callable
        Whether a response may be cached.
    """
    backend = BaseCache()
    if folder is not None:
        backend.responses = SQLiteStorage(folder / DATABASE_NAME, address=address)
    session = CachedSession(
        backend=backend,
        # The age is checked when a response is read: each client may want a different limit.
        expire_after=NEVER_EXPIRE,
        allowable_codes=(200,),
        allowable_methods=("GET",),
        stale_if_error=False,
        key_fn=_request_key,
        filter_fn=should_cache,
    )
    session.settings.disabled = folder is None
    return session


def cache_key(url: str, stack: int | str | None) -> str:
    """Return the key of a response: the stack's ID or URL, if any, and the requested URL."""
    return url if stack is None else f"{stack} {url}"


def _request_key(request: requests.PreparedRequest, **_: object) -> str:
    headers = request.headers
    stack = headers.get(STACK_ID_HEADER) or headers.get(STACK_URL_HEADER)
    return cache_key(str(request.url), stack)


class SQLiteStorage(BaseStorage[str, CachedResponse]):
    """A dictionary of responses in one SQLite file: each body as received, with its checksum.

    Every cached response has status 200, and its headers are not used. Storing only the body takes
    a fraction of the time of serializing a whole response.

    Parameters
    ----------
    path : pathlib.Path
        The file, created when the first response is stored.
    address : str
        The API's address.
    """

    def __init__(self, path: Path, *, address: str) -> None:
        super().__init__()
        self._connection = CacheConnection(path, address=address)

    def find(self, key: str) -> tuple[bytes, datetime] | None:
        """Return the body of a response and when it was fetched; None if it is not cached."""
        statement = "SELECT fetched, checksum, body FROM responses WHERE key = ?"
        for fetched, checksum, body in self._query(statement, key):
            # A damaged row counts as missing too: it is fetched again and replaced.
            if (
                isinstance(fetched, float)
                and 0 <= fetched <= _MAX_TIMESTAMP
                and isinstance(body, bytes)
                and _checksum(key, fetched, body) == checksum
                and is_json(body)
            ):
                return body, datetime.fromtimestamp(fetched, UTC)
        return None

    def __getitem__(self, key: str) -> CachedResponse:
        found = self.find(key)
        if found is None:
            raise KeyError(key)
        body, fetched = found
        return CachedResponse(content=body, created_at=fetched, status_code=200)

    def __setitem__(self, key: str, response: CachedResponse) -> None:
        fetched, body = response.created_at.timestamp(), response.content
        self._execute(
            "INSERT OR REPLACE INTO responses (key, fetched, checksum, body) VALUES (?, ?, ?, ?)",
            key,
            fetched,
            _checksum(key, fetched, body),
            body,
            create=True,
        )

    def __delitem__(self, key: str) -> None:
        self._execute("DELETE FROM responses WHERE key = ?", key)

    def __iter__(self) -> Iterator[str]:
        return iter([key for (key,) in self._query("SELECT key FROM responses")])

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def clear(self) -> None:
        """Remove all responses, but not the file, which other processes may have open."""
        self._execute("DELETE FROM responses")

    def close(self) -> None:
        """Close the file. The next operation opens it again."""
        self._connection.close()

    def _query(self, statement: str, *values: object) -> list[Any]:
        return self._connection.run(
            lambda connection: connection.execute(statement, values).fetchall(), default=[]
        )

    def _execute(self, statement: str, *values: object, create: bool = False) -> None:
        def execute(connection: sqlite3.Connection) -> None:
            connection.execute(statement, values)

        self._connection.run(execute, default=None, create=create)


def _checksum(key: str, fetched: float, body: bytes) -> int:
    """Return the checksum of a row, key included: a damaged key must not match another request."""
    return zlib.crc32(body, zlib.crc32(f"{key} {fetched!r}".encode()))


# --- all caches ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class CacheInfo:
    """What is in the cache of one address and token."""

    folder: Path
    address: str | None
    """The API's address; None if it is unknown."""
    responses: int | None
    """How many responses there are; None if there is no database that can be read."""
    size: int
    """Bytes on disk."""
    oldest: datetime | None
    newest: datetime | None
    """When the oldest and the newest response were fetched."""

    def __str__(self) -> str:
        if self.responses is None:
            count = "no readable responses"
        else:
            count = f"{self.responses:,} response{'' if self.responses == 1 else 's'}"
        text = f"{self.address or 'unknown address'}: {count}, {self.size / 1e6:,.1f} MB"
        if self.oldest and self.newest:
            text += f", fetched {self.oldest:%Y-%m-%d %H:%M} to {self.newest:%Y-%m-%d %H:%M} UTC"
        return text


def describe_cache(folder: Path) -> CacheInfo | None:
    """Describe the cache in a folder; None if there is none."""
    files = _cache_files(folder)
    if not files:
        return None
    size = 0
    for file in files:
        with contextlib.suppress(FileNotFoundError):  # SQLite removes -wal and -shm files
            size += file.lstat().st_size
    address, responses, oldest, newest = _summarize(folder / DATABASE_NAME)
    return CacheInfo(folder, address, responses, size, oldest, newest)


def list_caches(root: Path) -> list[CacheInfo]:
    """Describe each cache in a root folder."""
    found = [describe_cache(folder) for folder in _cache_folders(root)]
    return [info for info in found if info is not None]


def clear_caches(root: Path) -> None:
    """Remove the caches in a root folder, and nothing else that is in it.

    A file is removed only if it and its folder have names that k6frames uses. If the folder is then
    empty, it is removed too. A process that has the cache open creates a new one when it next
    stores a response.
    """
    for folder in _cache_folders(root):
        with (
            contextlib.suppress(FileNotFoundError),  # another process has just removed the folder
            locked_folder(folder, timeout=LOCK_TIMEOUT_SECONDS),
        ):
            for file in _cache_files(folder):
                file.unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # not empty
                folder.rmdir()


def _cache_folders(root: Path) -> list[Path]:
    """Return the folders of this user that are named like a `Token.digest`."""
    try:
        entries = sorted(root.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [
        entry
        for entry in entries
        if _FOLDER_NAME.fullmatch(entry.name)
        and entry.is_dir()
        and not entry.is_symlink()
        and is_own(entry.lstat())
    ]


def _cache_files(folder: Path) -> list[Path]:
    try:
        return [
            file
            for file in folder.iterdir()
            # No folders. `lstat` would be simpler, but fails if SQLite has just removed the file.
            if _FILE_NAME.fullmatch(file.name) and (file.is_symlink() or not file.is_dir())
        ]
    except (FileNotFoundError, NotADirectoryError):
        return []


def _summarize(
    database: Path,
) -> tuple[str | None, int | None, datetime | None, datetime | None]:
    """Return address, number of responses, oldest and newest time; None for what is unknown."""
    unknown = (None, None, None, None)
    if database.is_symlink() or not database.is_file():
        return unknown
    try:
        with fork_lock, contextlib.closing(sqlite3.connect(database, timeout=0)) as connection:
            summary = connection.execute(_SUMMARY, {"latest": _MAX_TIMESTAMP}).fetchone()
    except (sqlite3.Error, UnicodeDecodeError):
        return unknown
    address, responses, oldest, newest = summary
    return address, responses, _to_datetime(oldest), _to_datetime(newest)


def _to_datetime(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
