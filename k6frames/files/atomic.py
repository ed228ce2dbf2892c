"""Replace files completely or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from k6frames.errors import ConfigError

PathLike = str | os.PathLike[str]

# The path of a file descriptor. /dev/stdout is a link to it, and the shell replaces >(...) by it.
_DESCRIPTOR = re.compile(r"(/dev|/proc/\d+(/task/\d+)?)/fd/\d+")


# The library atomicwrites does this too, but is no longer maintained. Like its successors, it
# changes the mode of a file that it replaces, and replaces links and streams.
@contextlib.contextmanager
def atomic_write(path: PathLike) -> Iterator[Path]:
    """Yield a temporary file that replaces `path` when the block ends without an error.

    A new file gets the permissions that the umask leaves. A replaced file keeps its permissions,
    group and owner, as far as the user may set them. Symbolic links are followed. A stream (a pipe,
    a device, ``/dev/stdout``, ``/dev/fd/3``, ``>(...)``) is written to when the block ends, and
    never replaced.

    Parameters
    ----------
    path : str or path-like
        The file to replace, or the stream to write to.

    Yields
    ------
    pathlib.Path
        An empty file to write to, which no longer exists after the block.

    Raises
    ------
    ConfigError
        If `path` is not a valid file name.
    OSError
        If the file cannot be written; an existing file is unchanged.

    Examples
    --------
    >>> from pathlib import Path
    >>> from k6frames.files.atomic import atomic_write
    >>> with atomic_write("notes.txt") as temporary:
    ...     _ = temporary.write_text("complete")
    >>> Path("notes.txt").read_text()
    'complete'
    """
    name = check_path(path)
    stream = _find_stream(Path(name))
    try:
        if name.endswith(os.sep):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        output = _replace(Path(name)) if stream is None else _copy_to(stream)
        with output as temporary:
            yield temporary
    except OSError as error:
        # The system's text is used if there is an errno, because Arrow's names the temporary file.
        reason = os.strerror(error.errno) if error.errno else str(error).partition("\n")[0]
        if stream is None:
            reason += "; nothing was written, and an existing file is unchanged"
        # With an errno, OSError(...) returns its subclass, such as FileNotFoundError.
        raise OSError(error.errno or errno.EIO, reason, name) from None


def check_path(path: PathLike) -> str:
    """Return a path as a string, or raise a `ConfigError` if no file can have this name."""
    name = os.fspath(path) if isinstance(path, os.PathLike) else path
    if not isinstance(name, str):
        raise ConfigError(
            f"The path must be a string or a pathlib.Path, not {type(name).__name__}."
        )
    if not name:
        raise ConfigError("The path is an empty string; pass the name of a file.")
    try:
        possible = b"\0" not in os.fsencode(name)
    except UnicodeEncodeError:
        possible = False
    if not possible:
        raise ConfigError(f"No file can be named {name!r}; remove the special character.")
    return name


def _find_stream(path: Path) -> Path | None:
    """Return the stream that a path leads to; None for a file, a folder or nothing."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return None
    # Links are followed one by one: /dev/stdout is a stream even if it leads to a regular file.
    while True:
        path = path.parent.resolve() / path.name
        if _DESCRIPTOR.fullmatch(str(path)):
            return path
        if not path.is_symlink():
            return None if stat.S_ISREG(mode) or stat.S_ISDIR(mode) else path
        path = path.parent / path.readlink()


@contextlib.contextmanager
def _replace(path: Path) -> Iterator[Path]:
    # Not `Path.resolve`: some versions of Python raise a RuntimeError for a loop of links.
    target = Path(os.path.realpath(path))
    try:
        existing = target.stat()
    except FileNotFoundError:
        existing = None
    if existing is not None:
        if stat.S_ISDIR(existing.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        # A file that may not be written must not be replaced either.
        os.close(os.open(target, os.O_WRONLY))
    temporary = target.with_name(f".k6frames-{secrets.token_hex(8)}.part")
    # Until it has the permissions of the file that it replaces, only the user may read it.
    mode = 0o666 if existing is None else 0o600
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode))
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        if existing is not None:
            _copy_access(existing, temporary)
        temporary.replace(target)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _copy_access(existing: os.stat_result, temporary: Path) -> None:
    """Give a file the mode, the group and, if allowed, the owner of the file that it replaces."""
    mode = existing.st_mode & 0o777
    if sys.platform != "win32":
        try:
            os.chown(temporary, existing.st_uid, existing.st_gid)
        except OSError:  # only root may change the owner
            with contextlib.suppress(OSError):
                os.chown(temporary, -1, existing.st_gid)
        if temporary.stat().st_gid != existing.st_gid:
            mode &= 0o707  # the group's permissions were meant for a different group
    temporary.chmod(mode)


@contextlib.contextmanager
def _copy_to(stream: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="k6frames-") as folder:
        temporary = Path(folder, "output")
        temporary.touch()
        yield temporary
        with temporary.open("rb") as file, _open_stream(stream) as output:
            shutil.copyfileobj(file, output)


def _open_stream(stream: Path) -> BinaryIO:
    if stream.parent == Path("/proc/self/fd").resolve() or stream.parent == Path("/dev/fd"):
        # If the file were opened again, the position of this descriptor would not move, and later
        # output would overwrite what is written here.
        return os.fdopen(os.dup(int(stream.name)), "wb")
    return stream.open("ab")
