"""Answers kept on disk: one requests-cache session per identity, that never hangs and never leaks.

requests-cache's own SQLite storage waits for ever for a lock that another process holds. `Shelf`
is its documented extension point, a `BaseStorage`, with a time limit: whatever goes wrong with the
file, the session goes on without it, with one warning.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import threading
import time
import warnings
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import requests
from requests_cache import NEVER_EXPIRE, BaseCache, BaseStorage, CachedResponse, CachedSession

FILE = "answers.sqlite"
PATIENCE = 2.0
"""Seconds to wait for a lock that another process holds, before going on without the cache."""

_TABLE = (
    "CREATE TABLE IF NOT EXISTS answers"
    " (key TEXT PRIMARY KEY, value BLOB, checksum INTEGER, fetched REAL)"
)
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL)
_CORRUPT = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_creating = threading.Lock()

_T = TypeVar("_T")


def open_session(folder: Path | None, keep: Callable[[requests.Response], bool]) -> CachedSession:
    """A session that keeps its answers in a folder of one identity.

    Parameters
    ----------
    folder : pathlib.Path or None
        Made on first use, for its owner alone. No other identity's answers may be in it. None
        keeps nothing.
    keep : callable
        Whether a response may be kept.
    """
    backend = BaseCache()
    if folder is not None:
        backend.responses = Shelf(folder / FILE)
    session = CachedSession(
        backend=backend,
        # How old an answer may be is judged on reading: a client may want fresher data than the
        # one that wrote it.
        expire_after=NEVER_EXPIRE,
        allowable_codes=(200,),
        allowable_methods=("GET",),
        stale_if_error=False,
        key_fn=lambda request, **_: key(str(request.url)),
        filter_fn=keep,
    )
    session.settings.disabled = folder is None
    return session


def key(url: str) -> str:
    """The cache key of an address: itself. Identities are apart by folder, and only GET is kept."""
    return url


class Shelf(BaseStorage[str, CachedResponse]):
    """A dictionary of responses in one SQLite file.

    Reading and writing have a connection and a lock each, so that a writer who waits for another
    process does not hold up the readers. Each value has its checksum beside it.

    Parameters
    ----------
    path : pathlib.Path
        The database file.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(serializer="json")
        self._path = path
        self._reading, self._writing = threading.Lock(), threading.Lock()
        self._reader: sqlite3.Connection | None = None
        self._writer: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._process = os.getpid()
        self._usable = True

    def __getitem__(self, name: str) -> CachedResponse:
        statement = "SELECT value, checksum FROM answers WHERE key = ?"
        rows: list[Any] = self._guard(lambda: self._query(statement, (name,)), [])
        # A damaged row is one that we do not have: it is fetched again, and written over.
        if not rows or not isinstance(rows[0][0], bytes) or _sum(name, rows[0][0]) != rows[0][1]:
            raise KeyError(name)
        try:
            response: object = self.deserialize(name, rows[0][0].decode())  # type: ignore[arg-type]
        except Exception:  # noqa: BLE001 - one of another version of requests-cache is no better
            raise KeyError(name) from None
        if not isinstance(response, CachedResponse) or response.created_at.tzinfo is None:
            raise KeyError(name)
        return response

    def __setitem__(self, name: str, response: CachedResponse) -> None:
        value = str(self.serialize(response)).encode()
        row = (name, value, _sum(name, value), time.time())
        self._guard(
            lambda: self._execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?)", row), None
        )

    def __delitem__(self, name: str) -> None:
        self._guard(lambda: self._execute("DELETE FROM answers WHERE key = ?", (name,)), None)

    def __iter__(self) -> Iterator[str]:
        rows: list[Any] = self._guard(lambda: self._query("SELECT key FROM answers"), [])
        return iter([row[0] for row in rows])

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def clear(self) -> None:
        """Forget everything, row by row: other processes may have the file open."""
        self._guard(lambda: self._execute("DELETE FROM answers", ()), None)

    def close(self) -> None:
        """Close the file. It opens again when it is needed."""
        with self._reading, self._writing:
            for connection in (self._reader, self._writer):
                if connection is not None:
                    connection.close()
            self._reader = self._writer = None

    def __del__(self) -> None:
        # No lock: nobody else can use this any more. In a fork the connections are the parent's.
        for connection in (self._reader, self._writer):
            if connection is not None and self._process == os.getpid():
                connection.close()

    # --- what touches the file ------------------------------------------------------------------

    def _query(self, statement: str, values: tuple[Any, ...] = ()) -> list[Any]:
        with self._reading:
            # Another thread may have given the file up while this one waited for its turn.
            if not self._usable:
                return []
            if self._reader is None:
                self._reader = self._connect()
            return self._reader.execute(statement, values).fetchall()

    def _execute(self, statement: str, values: tuple[Any, ...]) -> None:
        with self._writing:
            if not self._usable:
                return
            if self._writer is None:
                self._writer = self._connect()
            self._writer.execute(statement, values)

    def _connect(self) -> sqlite3.Connection:
        _create(self._path)
        self._file = _identity(self._path)
        return _open(self._path)

    def _guard(self, work: Callable[[], _T], otherwise: _T) -> _T:
        """Do something with the file; whatever is wrong with it costs the cache, not the answer."""
        if not self._usable:
            return otherwise
        file = self._file
        try:
            return work()
        except sqlite3.DatabaseError as error:
            if not _is_corrupt(error):
                return self._give_up(error, otherwise)
        except OSError as error:
            return self._give_up(error, otherwise)
        try:
            self._set_aside(file or self._file)
            return work()
        except (sqlite3.Error, OSError) as error:
            return self._give_up(error, otherwise)

    def _give_up(self, error: Exception, otherwise: _T) -> _T:
        if self._usable:
            self._usable = False
            warnings.warn(
                f"The cache {self._path} cannot be used ({error}); k6frames goes on without it.",
                stacklevel=2,
            )
        return otherwise

    def _set_aside(self, corrupt: tuple[int, int] | None) -> None:
        """Move a corrupt file out of the way, unless another thread or process has done so."""
        self.close()
        with contextlib.suppress(FileNotFoundError):
            if _identity(self._path) == corrupt:
                aside = self._path.with_name(f"{FILE}.corrupt-{time.time_ns()}")
                self._path.rename(aside)
                for companion in ("-wal", "-shm"):
                    Path(f"{self._path}{companion}").unlink(missing_ok=True)
                warnings.warn(
                    f"The cache {self._path} was corrupt. It was set aside as {aside.name}, and "
                    "what is missing is fetched anew.",
                    stacklevel=2,
                )


def _sum(name: str, value: bytes) -> int:
    """The checksum of a row; the name is in it, so that no answer can stand for another path."""
    return zlib.crc32(value, zlib.crc32(name.encode()))


def _create(path: Path) -> None:
    """Make the file beforehand with the right mode; SQLite gives its companions the same."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.parent.chmod(0o700)
    # Only where there is none: closing any descriptor of a file drops all locks that this process
    # holds on it, those of an open SQLite connection too.
    with _creating, contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    path.chmod(0o600)


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
    # Changing to WAL heeds no timeout of SQLite's where another process does the same.
    ends = time.monotonic() + PATIENCE
    try:
        while True:
            try:
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute(_TABLE)
                break
            except sqlite3.OperationalError as error:
                if _code(error) not in _BUSY or time.monotonic() > ends:
                    raise
                time.sleep(0.01)
        connection.execute(f"PRAGMA busy_timeout={PATIENCE * 1000:.0f}")
        connection.execute("PRAGMA synchronous=NORMAL")
    except BaseException:
        connection.close()
        raise
    return connection


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _is_corrupt(error: sqlite3.DatabaseError) -> bool:
    # A table of other columns was made by something else.
    return _code(error) in _CORRUPT or "no such column" in str(error)


# --- all identities -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Holdings:
    """What one identity's cache holds."""

    folder: Path
    answers: int
    size: int
    oldest: datetime | None
    newest: datetime | None

    def __str__(self) -> str:
        text = f"{self.answers:,} answers, {self.size / 1e6:,.1f} MB"
        if self.oldest and self.newest:
            text += f", fetched {self.oldest:%Y-%m-%d %H:%M} to {self.newest:%Y-%m-%d %H:%M} UTC"
        return text


def holdings(root: Path, name: str = "*") -> list[Holdings]:
    """What the caches below a folder hold, by identity; a broken one counts no answers."""
    found = []
    for file in sorted(root.glob(f"{name}/{FILE}")):
        size = 0
        for part in file.parent.iterdir():
            # SQLite's -wal and -shm files go when the last process closes the cache.
            with contextlib.suppress(FileNotFoundError):
                size += part.stat().st_size
        row: tuple[Any, ...] = (0, None, None)
        with contextlib.suppress(sqlite3.Error), contextlib.closing(_open(file)) as connection:
            row = connection.execute(
                "SELECT count(*), min(fetched), max(fetched) FROM answers"
            ).fetchone()
        moments = [datetime.fromtimestamp(t, UTC) if t is not None else None for t in row[1:]]
        found.append(Holdings(file.parent, row[0], size, *moments))
    return found


def clear(root: Path) -> None:
    """Remove the caches of all identities below a folder, and nothing else that is in it.

    Each folder is moved away before it is removed, so that other processes keep the files they have
    open and new ones begin afresh.
    """
    for file in sorted(root.glob(f"*/{FILE}")):
        doomed = root / f".removed-{file.parent.name}-{os.getpid()}"
        # Another process may clear the same folder at this moment.
        with contextlib.suppress(FileNotFoundError):
            file.parent.rename(doomed)
            shutil.rmtree(doomed)
