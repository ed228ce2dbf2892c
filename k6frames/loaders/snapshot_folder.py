"""The folder of a snapshot: written completely or not at all."""

from __future__ import annotations

import contextlib
import errno
import glob
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path, PurePath

from filelock import FileLock, Timeout

from k6frames.api.folder import STACKS_FOLDER
from k6frames.api.manifest import MANIFEST
from k6frames.errors import ConfigError
from k6frames.validation import absolute_path

WRITTEN_BY = "written_by"
"""The field of the manifest that distinguishes a snapshot from other folders."""

_TOP_LEVEL_NAMES = {MANIFEST, STACKS_FOLDER, "v3"}
_MAX_REPLACE_ATTEMPTS = 10


def find_target(folder: str | os.PathLike[str]) -> Path:
    """Return the folder to write, which must be new, empty or a snapshot.

    Raises
    ------
    ConfigError
        If it is anything else, because a snapshot replaces the whole folder.
    """
    target = Path(os.path.realpath(absolute_path(folder, "The argument folder")))
    try:
        names = {entry.name for entry in target.iterdir()}
    except FileNotFoundError:
        return target
    except NotADirectoryError:
        raise ConfigError(f"{target} is not a folder, or is inside a file.") from None
    if names and not (names <= _TOP_LEVEL_NAMES and _is_written_by_k6frames(target)):
        raise ConfigError(
            f"{target} is not empty and not a snapshot. A snapshot replaces the whole folder, so "
            "choose a new one."
        )
    return target


def _is_written_by_k6frames(folder: Path) -> bool:
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        return str(manifest[WRITTEN_BY]).startswith("k6frames ")
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return False


def write_folder(target: Path, files: Mapping[PurePath, bytes], modified: datetime) -> None:
    """Write files to a folder that only the user can read, and replace `target` with it.

    Parameters
    ----------
    target : pathlib.Path
        The folder.
    files : mapping of pathlib.PurePath to bytes
        The content of each file by its path in the folder.
    modified : datetime
        The modification time of the files: when their content was fetched.

    Raises
    ------
    OSError
        If it cannot be written. An existing folder keeps its content: it is renamed back if it was
        already renamed. If that fails too, the next snapshot restores it.
    """
    try:
        _write_folder(target, files, modified)
    except OSError as error:
        # The error's own path is in the temporary folder, which the user does not know.
        reason = f"{error.strerror}; no snapshot was written"
        if target.exists():
            reason += ", and the existing one is unchanged"
        raise OSError(error.errno, reason, str(target)) from None


def _write_folder(target: Path, files: Mapping[PurePath, bytes], modified: datetime) -> None:
    with temporary_folder(target) as folder:
        for name, content in files.items():
            file = folder / name
            # One by one, because mkdir(parents=True) does not apply the mode to the parents.
            for parent in reversed(name.parents):
                (folder / parent).mkdir(mode=0o700, exist_ok=True)
            file.write_bytes(content)
            file.chmod(0o600)
            os.utime(file, (modified.timestamp(), modified.timestamp()))
        # Flush at the end and not after each file: most files are on the disk by now, so this is
        # faster.
        for path in [folder, *folder.rglob("*")]:
            _flush(path)
        _replace(folder, target)


@contextlib.contextmanager
def temporary_folder(target: Path) -> Iterator[Path]:
    """Create a hidden folder next to `target` (``.part``), and remove it at the end.

    A lock file (``.lock``) shows that it is in use. While `target` is replaced, its previous
    content is in another folder (``.old``). What a killed process left behind is restored or
    removed.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    _recover(target)
    folder = target.with_name(f".{target.name}.k6frames-{secrets.token_hex(8)}.part")
    lock = folder.with_suffix(".lock")
    try:
        with FileLock(lock, mode=0o600):
            folder.mkdir(mode=0o700)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        # If the previous content could not be restored, the lock file stays, so that `_recover`
        # restores it. The lock is released first, because Windows cannot remove a locked file. If
        # `_recover` in another process has locked it by now, Windows refuses to remove it here, and
        # `_recover` removes it.
        if not lock.with_suffix(".old").exists():
            with contextlib.suppress(OSError):
                lock.unlink()


def _recover(target: Path) -> None:
    """Restore the target, and remove files that a killed process left behind."""
    for lock in target.parent.glob(f".{glob.escape(target.name)}.k6frames-*.lock"):
        with contextlib.suppress(OSError, Timeout):
            with FileLock(lock, timeout=0):
                old = lock.with_suffix(".old")
                if old.exists() and not target.exists():
                    old.rename(target)
                for leftover in (old, lock.with_suffix(".part")):
                    shutil.rmtree(leftover, ignore_errors=True)
            lock.unlink()  # after its release; see `temporary_folder`


def _flush(path: Path) -> None:
    """Wait until a file or a folder is on the disk."""
    if path.is_dir() and os.name == "nt":
        return  # Windows cannot open folders
    # Windows flushes a file only if it is open for writing; a folder cannot be opened that way.
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _replace(folder: Path, target: Path) -> None:
    """Rename a folder to `target`; what was there before is removed."""
    old = folder.with_suffix(".old")
    for _ in range(_MAX_REPLACE_ATTEMPTS):
        with contextlib.suppress(FileNotFoundError):
            target.rename(old)
        try:
            folder.rename(target)
            break
        except OSError as error:
            if error.errno not in {errno.EEXIST, errno.ENOTEMPTY}:
                with contextlib.suppress(OSError):
                    old.rename(target)
                raise
            # Another process has just written a snapshot to the same folder: replace that one.
            shutil.rmtree(old, ignore_errors=True)
    else:
        raise OSError(errno.EBUSY, "other processes keep replacing this folder", str(target))
    shutil.rmtree(old, ignore_errors=True)
    # An error here is ignored, because the new snapshot has already replaced the old one.
    with contextlib.suppress(OSError):
        _flush(target.parent)
