"""`CacheDatabase`: one SQLite file for one user, a failure of which only disables the cache."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from k6frames.api.forks import close_before_fork, fork_lock

if sys.platform != "win32":
    import fcntl

LOCK_TIMEOUT_SECONDS = 2.0
"""How long to wait for a lock that another process holds, before going on without the cache."""
LOCK_POLL_SECONDS = 0.01
SCHEMA_VERSION = 2
PAGE_BYTES = 16_384
"""Responses are long: with larger pages SQLite writes and reads them several times faster."""
COMPANIONS = ("-wal", "-shm", "-journal")
"""What SQLite adds to the name of a database for the files next to it."""
CORRUPT_SUFFIX = ".corrupt-"
"""What a corrupt file is renamed to: its name, this, and the time in nanoseconds."""

# The body is last: what comes after it in a row can only be read past it.
_RESPONSES = """CREATE TABLE IF NOT EXISTS responses
    (key TEXT PRIMARY KEY, fetched REAL, checksum INTEGER, body BLOB)"""
_PROPERTIES = "CREATE TABLE IF NOT EXISTS properties (name TEXT PRIMARY KEY, value TEXT)"
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL)
# Our statements never change, so an error in one (SQLITE_ERROR) is one in the tables.
_CORRUPT = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)

Result = TypeVar("Result")


class CacheDatabase:
    """A SQLite file that is created when something is first written to it.

    One connection serves all threads, under `fork_lock`. It waits for other processes here and not
    in SQLite, whose timeout would hold that lock, and does not apply to the change to WAL at all.

    Parameters
    ----------
    path : pathlib.Path
        The file. Its folder is created for this user alone.
    address : str
        The API's address, stored in the file for people who look at their caches.
    """

    def __init__(self, path: Path, *, address: str) -> None:
        self._path = path
        self._address = address
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
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
        """Do an operation once; again with a new file if this one turns out to be corrupt."""
        connection = None
        try:
            with fork_lock:
                connection = self._connect(create=create)
                return default if connection is None else operation(connection)
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            if not _is_corrupt(error):
                raise
        self._set_aside(connection)
        with fork_lock:
            connection = self._connect(create=create)
            return default if connection is None else operation(connection)

    def _connect(self, *, create: bool) -> sqlite3.Connection | None:
        """Return the connection; None if there is no file and none is to be created."""
        if self._connection is not None and _identity(self._path) != self._file:
            self.close()  # another process cleared the cache, or set the file aside
        if self._connection is None and (create or self._path.exists()):
            folder = self._path.parent
            _create_folder(folder)
            with locked_folder(folder):
                _create_file(self._path)
                self._file = _identity(self._path)
                self._connection = _open(self._path, self._address)
        return self._connection

    def _set_aside(self, failed: sqlite3.Connection | None) -> None:
        """Rename a corrupt file, unless another thread or process has done so."""
        aside = self._path.with_name(f"{self._path.name}{CORRUPT_SUFFIX}{time.time_ns()}")
        with fork_lock, locked_folder(self._path.parent):
            if self._connection is not failed or _identity(self._path) != self._file:
                return
            self.close()
            self._path.rename(aside)
            remove_companions(self._path)
        warnings.warn(
            f"The cache {self._path} was corrupt. It was renamed to {aside.name}, and the "
            "responses in it are fetched again.",
            stacklevel=2,
        )

    def _disable(self, error: Exception) -> None:
        with fork_lock:
            already, self._disabled = self._disabled, True
        if not already:
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
            raise _OtherVersionError(f"the file is of version {version}")
    except BaseException:
        connection.close()
        raise
    return connection


class _OtherVersionError(sqlite3.DatabaseError):
    sqlite_errorcode = sqlite3.SQLITE_NOTADB


def _code(error: Exception) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _is_transient(error: Exception) -> bool:
    """Return whether another process is in the way: it holds a lock, or clears the cache."""
    return _code(error) in _BUSY or isinstance(error, BlockingIOError | FileNotFoundError)


def _is_corrupt(error: Exception) -> bool:
    # Python cannot decode what SQLite says about damage in the name of a table.
    return _code(error) in _CORRUPT or isinstance(error, UnicodeDecodeError)


# --- files of one user --------------------------------------------------------------------------


def is_own(status: os.stat_result) -> bool:
    """Return whether a file belongs to the user of this process."""
    return sys.platform == "win32" or status.st_uid == os.geteuid()


@contextlib.contextmanager
def locked_folder(folder: Path, *, timeout: float = 0) -> Iterator[None]:
    """Keep other processes from opening, clearing or setting aside the database in a folder.

    Parameters
    ----------
    folder : pathlib.Path
        The folder.
    timeout : float
        How many seconds to wait for another process that has locked it.

    Raises
    ------
    OSError
        If the folder is a symbolic link or belongs to another user: in a place where others may
        write, they could have put it there. BlockingIOError if it stays locked.
    """
    if sys.platform == "win32":  # where open files cannot be removed
        yield
        return
    if folder.is_symlink():
        raise PermissionError(f"{folder} is a symbolic link")
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        status = os.fstat(descriptor)
        if not is_own(status):
            raise PermissionError(f"{folder} belongs to another user")
        if stat.S_IMODE(status.st_mode) != 0o700:
            os.fchmod(descriptor, 0o700)
        _lock(descriptor, timeout)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(LOCK_POLL_SECONDS)
        except OSError:
            return  # a file system without such locks
        else:
            return


def remove_companions(database: Path) -> None:
    """Remove the files that SQLite has made next to a database."""
    for suffix in COMPANIONS:
        Path(f"{database}{suffix}").unlink(missing_ok=True)


def _create_folder(folder: Path) -> None:
    root = folder.parent
    for place in (root, *root.parents):
        with contextlib.suppress(FileNotFoundError):
            status = place.lstat()
            if stat.S_ISLNK(status.st_mode) and status.st_uid != 0 and not is_own(status):
                raise PermissionError(f"{place} is a symbolic link of another user")
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)


def _create_file(path: Path) -> None:
    """Create the file with the right mode, which SQLite gives to its companions too."""
    if not os.path.lexists(path):
        remove_companions(path)  # those of a file that is gone would be taken for its own
        # Only here: closing any descriptor of a file drops all locks that this process has on it,
        # those of an open SQLite connection included.
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    for file in (path, *(Path(f"{path}{suffix}") for suffix in COMPANIONS)):
        with contextlib.suppress(FileNotFoundError):
            status = file.lstat()
            if not (stat.S_ISREG(status.st_mode) and is_own(status) and status.st_nlink == 1):
                raise PermissionError(f"{file} is not a file of this user with only this name")
            if stat.S_IMODE(status.st_mode) != 0o600:
                file.chmod(0o600)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino
