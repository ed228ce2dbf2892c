"""Folders and files that only their owner can use, even where other users may write."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path

if sys.platform != "win32":
    import fcntl

LOCK_POLL_SECONDS = 0.01


def is_own(status: os.stat_result) -> bool:
    """Return whether a file belongs to the user of this process."""
    return sys.platform == "win32" or status.st_uid == os.geteuid()


@contextlib.contextmanager
def locked_folder(folder: Path, *, timeout: float = 0) -> Iterator[None]:
    """Lock a folder of this user. Other processes that lock it wait, or fail.

    Parameters
    ----------
    folder : pathlib.Path
        The folder, which is made private.
    timeout : float
        How many seconds to wait for another process that has locked it.

    Raises
    ------
    OSError
        If the folder is a symbolic link or belongs to another user, who may have put it there.
        BlockingIOError if it stays locked.
    """
    if sys.platform == "win32":  # needs no lock, as nobody can remove an open file
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
    """Lock an open folder until it is closed."""
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


def create_private_folder(folder: Path) -> None:
    """Create a folder for this user alone, and its parent folders if they do not exist.

    Raises
    ------
    PermissionError
        If a parent folder is a symbolic link of another user, who could redirect it. Links of root
        are accepted.
    """
    for parent in folder.parents:
        with contextlib.suppress(FileNotFoundError):
            status = parent.lstat()
            if stat.S_ISLNK(status.st_mode) and status.st_uid != 0 and not is_own(status):
                raise PermissionError(f"{parent} is a symbolic link that belongs to another user")
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)


def create_private_file(path: Path) -> None:
    """Create an empty file for this user alone.

    Raises
    ------
    FileExistsError
        If the file exists.
    """
    # O_EXCL, because closing an existing file would drop SQLite's locks on it in this process.
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def make_private(file: Path) -> None:
    """Let only the owner of a file read and write it.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    PermissionError
        If it is not a regular file of this user, or has another hard link, which may be in a
        folder of another user.
    """
    status = file.lstat()
    if not (stat.S_ISREG(status.st_mode) and is_own(status) and status.st_nlink == 1):
        raise PermissionError(
            f"{file} is not a regular file of this user, or has several hard links"
        )
    if stat.S_IMODE(status.st_mode) != 0o600:
        file.chmod(0o600)


def file_id(path: Path) -> tuple[int, int] | None:
    """Return the device and inode of a file; None if there is no file."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino
