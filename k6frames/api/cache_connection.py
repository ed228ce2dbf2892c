"""`CacheConnection`: the connection to the SQLite file of a cache; any failure only disables it."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from k6frames.api.forks import close_before_fork, fork_lock
from k6frames.api.private_files import (
    LOCK_POLL_SECONDS,
    create_private_file,
    create_private_folder,
    file_id,
    locked_folder,
    make_private,
)

LOCK_TIMEOUT_SECONDS = 2.0
"""How long to wait for a lock that another process holds, before going on without the cache."""
SCHEMA_VERSION = 2
PAGE_BYTES = 16_384
"""Responses are long: with larger pages SQLite writes and reads them several times faster."""
COMPANION_SUFFIXES = ("-wal", "-shm", "-journal")
"""What SQLite adds to the name of a database for its companions, the files next to it."""
CORRUPT_SUFFIX = ".corrupt-"
"""What a corrupt file is renamed to: its name, this, and the time in nanoseconds."""

# The body is the last column: SQLite would have to read through it to find a column after it.
_RESPONSES = """CREATE TABLE IF NOT EXISTS responses
    (key TEXT PRIMARY KEY, fetched REAL, checksum INTEGER, body BLOB)"""
_PROPERTIES = "CREATE TABLE IF NOT EXISTS properties (name TEXT PRIMARY KEY, value TEXT)"
# SQLITE_PROTOCOL: SQLite gave up waiting for the locks of other processes in WAL mode.
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL)
# The statements are constant, so SQLITE_ERROR means that a table is damaged. No response is longer
# than SQLite allows, so SQLITE_TOOBIG means that the length of a value is damaged.
_CORRUPT = (
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_ERROR,
    sqlite3.SQLITE_TOOBIG,
)

Result = TypeVar("Result")


class CacheConnection:
    """The connection to a SQLite file, which is created when something is first written to it.

    All threads share the connection and use it one at a time: each holds `fork_lock`, which also
    prevents a fork meanwhile. `run` does not hold this lock while it waits for other processes.
    SQLite's own timeout is not used, for two reasons: this thread would hold `fork_lock` while
    SQLite waits, and ``PRAGMA journal_mode=WAL`` ignores the timeout.

    Parameters
    ----------
    path : pathlib.Path
        The file. Its folder is created for this user alone.
    address : str
        The API's address. It is stored in the file, and `k6frames cache` shows it.
    """

    def __init__(self, path: Path, *, address: str) -> None:
        self._path = path
        self._address = address
        self._connection: sqlite3.Connection | None = None
        self._file_id: tuple[int, int] | None = None
        self._disabled = False
        close_before_fork(self)

    def run(
        self,
        operation: Callable[[sqlite3.Connection], Result],
        default: Result,
        *,
        create: bool = False,
    ) -> Result:
        """Return the result of an operation, or the default if there is no usable database.

        Parameters
        ----------
        operation : callable
            Takes the connection. It may be called again if it fails.
        default : object
            What is returned without a database.
        create : bool
            Whether to create the file if there is none.
        """
        deadline = time.monotonic() + LOCK_TIMEOUT_SECONDS
        while not self._disabled:
            try:
                return self._attempt(operation, default, create=create)
            except (sqlite3.Error, OSError, UnicodeDecodeError) as error:
                if _is_transient(error) and time.monotonic() < deadline:
                    time.sleep(LOCK_POLL_SECONDS)
                else:
                    self._disable(error)
        return default

    def close(self) -> None:
        """Close the connection. The next operation opens it again."""
        with fork_lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                with contextlib.suppress(sqlite3.Error):
                    connection.close()

    def __del__(self) -> None:
        self.close()

    def _attempt(
        self, operation: Callable[[sqlite3.Connection], Result], default: Result, *, create: bool
    ) -> Result:
        """Do an operation once, or again with a new file if the old one turns out to be corrupt."""
        connection = None
        try:
            with fork_lock:
                connection = self._connect(create=create)
                return default if connection is None else operation(connection)
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            if not _is_corrupt(error):
                raise
        self._rename_corrupt(connection)
        with fork_lock:
            connection = self._connect(create=create)
            return default if connection is None else operation(connection)

    def _connect(self, *, create: bool) -> sqlite3.Connection | None:
        """Return the connection; None if there is no file and `create` is False."""
        if self._connection is not None and file_id(self._path) != self._file_id:
            self.close()  # another process cleared the cache, or renamed the file
        if self._connection is None and (create or self._path.exists()):
            folder = self._path.parent
            create_private_folder(folder)
            with locked_folder(folder):
                _prepare_files(self._path)
                self._file_id = file_id(self._path)
                self._connection = _open(self._path, self._address)
        return self._connection

    def _rename_corrupt(self, failed: sqlite3.Connection | None) -> None:
        """Rename a corrupt file, unless another thread or process has already done so.

        `failed` is the connection whose operation failed; None if the file could not be opened.
        """
        renamed = self._path.with_name(f"{self._path.name}{CORRUPT_SUFFIX}{time.time_ns()}")
        with fork_lock, locked_folder(self._path.parent):
            if self._connection is not failed or file_id(self._path) != self._file_id:
                return
            self.close()
            self._path.rename(renamed)
            _remove_companions(self._path)
        # Not warn_user: in a worker thread, no line of the user's code is on the stack.
        warnings.warn(
            f"The cache {self._path} was corrupt, or written by another version of k6frames. It "
            f"was renamed to {renamed.name}, and the responses in it are fetched again.",
            stacklevel=2,
        )

    def _disable(self, error: Exception) -> None:
        with fork_lock:
            is_first_failure = not self._disabled
            self._disabled = True
        if is_first_failure:
            warnings.warn(
                f"The cache {self._path} cannot be used ({error}); k6frames continues without it.",
                stacklevel=2,
            )


def _open(path: Path, address: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
    try:
        connection.execute(f"PRAGMA page_size={PAGE_BYTES}")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version == 0:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(_RESPONSES)
            connection.execute(_PROPERTIES)
            connection.execute(
                "INSERT OR REPLACE INTO properties (name, value) VALUES ('address', ?)", (address,)
            )
            connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
            connection.execute("COMMIT")
        elif version != SCHEMA_VERSION:
            raise _OtherVersionError(f"the file has version {version}")
    except BaseException:
        connection.close()
        raise
    return connection


class _OtherVersionError(sqlite3.DatabaseError):
    """The file has another schema version. This error code makes `_is_corrupt` return True."""

    sqlite_errorcode = sqlite3.SQLITE_NOTADB


def _primary_code(error: Exception) -> int:
    """Return SQLite's result code without the details in its higher bits."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _is_transient(error: Exception) -> bool:
    """Return whether another process is the reason: it holds a lock, or is clearing the cache."""
    return _primary_code(error) in _BUSY or isinstance(error, BlockingIOError | FileNotFoundError)


def _is_corrupt(error: Exception) -> bool:
    # SQLite's message may quote the damaged name of a table, which Python cannot decode.
    return _primary_code(error) in _CORRUPT or isinstance(error, UnicodeDecodeError)


def _remove_companions(database: Path) -> None:
    """Remove the files that SQLite has made next to a database."""
    for file in _companions(database):
        file.unlink(missing_ok=True)


def _prepare_files(path: Path) -> None:
    """Create a database if there is none, and make it and its companions private."""
    if not os.path.lexists(path):
        _remove_companions(path)  # SQLite would use those of a removed database for the new one
        create_private_file(path)
    for file in (path, *_companions(path)):
        with contextlib.suppress(FileNotFoundError):
            make_private(file)


def _companions(database: Path) -> list[Path]:
    return [Path(f"{database}{suffix}") for suffix in COMPANION_SUFFIXES]
