"""Files are replaced completely or not at all; streams are written to."""

from __future__ import annotations

import multiprocessing
import os
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from pathlib import Path
from typing import Any

import pytest

from k6frames.errors import ConfigError
from k6frames.files.atomic import atomic_write


def list_folder(folder: str = ".") -> list[str]:
    return sorted(path.name for path in Path(folder).iterdir())


def write(path: Any, content: str = "new") -> None:
    with atomic_write(path) as temporary:
        temporary.write_text(content)


def fail_halfway(path: str, error: BaseException) -> None:
    with atomic_write(path) as temporary:
        temporary.write_text("half")
        raise error


def get_mode(path: str) -> int:
    return stat.S_IMODE(Path(path).stat().st_mode)


# --- complete or not at all -----------------------------------------------------------------------


def test_the_file_is_replaced_at_the_end_of_the_block() -> None:
    Path("file").write_text("old")
    with atomic_write("file") as temporary:
        temporary.write_text("new")
        assert Path("file").read_text() == "old"
        assert temporary.parent == Path.cwd()
    assert Path("file").read_text() == "new"
    assert list_folder() == ["file"]


@pytest.mark.parametrize("error", [ValueError(), KeyboardInterrupt(), OSError(28, "No space left")])
@pytest.mark.parametrize("exists", [True, False])
def test_after_a_failure_the_old_file_is_unchanged_and_no_other_is_left(
    error: BaseException, exists: bool
) -> None:
    if exists:
        Path("file").write_text("old")
    with pytest.raises(type(error)):
        fail_halfway("file", error)
    assert list_folder() == (["file"] if exists else [])
    assert not exists or Path("file").read_text() == "old"


def test_the_error_of_a_full_disk_names_the_file_and_says_that_it_is_unchanged() -> None:
    Path("file").write_text("old")
    with pytest.raises(OSError, match="No space left") as caught:
        fail_halfway("file", OSError(28, "text of a library", "temporary"))
    assert caught.value.errno == 28
    assert str(caught.value) == (
        "[Errno 28] No space left on device; nothing was written, and an existing file is "
        "unchanged: 'file'"
    )


def rewrite_forever(started: Any) -> None:
    while True:
        for letter in "ab":
            write("file", letter * 100_000)
            started.set()


def test_a_process_that_is_killed_leaves_a_complete_file() -> None:
    context = multiprocessing.get_context("fork")
    for attempt in range(8):
        started = context.Event()
        with warnings.catch_warnings():
            # Python 3.12 warns about a fork while threads are running, and Arrow has some.
            warnings.simplefilter("ignore", DeprecationWarning)
            process = context.Process(target=rewrite_forever, args=(started,))
            process.start()
        assert started.wait(30)
        time.sleep(0.002 * attempt)
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        assert Path("file").read_text() in {"a" * 100_000, "b" * 100_000}


def test_a_reader_never_sees_a_partial_file_while_two_threads_write_it() -> None:
    contents = ["a" * 100_000, "b" * 100_000]
    stop = threading.Event()

    def rewrite(content: str) -> None:
        while not stop.is_set():
            write("file", content)

    write("file", contents[0])
    writers = [threading.Thread(target=rewrite, args=(content,)) for content in contents]
    for writer in writers:
        writer.start()
    try:
        seen = {Path("file").read_text() for _ in range(100)}
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    assert seen <= set(contents)
    assert list_folder() == ["file"]


# --- modes and links ------------------------------------------------------------------------------


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_new_file_has_the_mode_that_the_umask_gives(mask: int, mode: int) -> None:
    before = os.umask(mask)
    try:
        write("file")
    finally:
        os.umask(before)
    assert get_mode("file") == mode


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666, 0o777])
def test_a_replaced_file_keeps_its_mode(mode: int) -> None:
    Path("file").write_text("old")
    Path("file").chmod(mode)
    with atomic_write("file") as temporary:
        temporary.write_text("new")
        assert get_mode(str(temporary)) == 0o600
    assert get_mode("file") == mode


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_replaced_file_keeps_its_owner_and_group_or_the_group_loses_its_access(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Path("file").touch()
    os.chown("file", 65534, 12345)
    Path("file").chmod(0o660)
    write("file")
    status = Path("file").stat()
    assert (status.st_uid, status.st_gid, get_mode("file")) == (65534, 12345, 0o660)

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "chown", refuse)
    write("file")
    assert (Path("file").stat().st_gid, get_mode("file")) == (os.getgid(), 0o600)


def replace_as_nobody() -> None:
    os.setuid(65534)
    try:
        write("file")
    except PermissionError:
        os._exit(3)
    os._exit(0)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_file_that_may_not_be_written_is_not_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        monkeypatch.chdir(folder)
        Path(folder).chmod(0o777)
        Path("file").write_text("old")
        Path("file").chmod(0o444)
        process = multiprocessing.get_context("fork").Process(target=replace_as_nobody)
        process.start()
        process.join()
        assert process.exitcode == 3
        assert Path("file").read_text() == "old"
        assert list_folder() == ["file"]


def test_a_symbolic_link_is_followed_to_a_file_that_exists_or_not() -> None:
    Path("folder").mkdir()
    Path("first").symlink_to("second")
    Path("second").symlink_to("folder/file")
    for content in ("new", "newer"):
        write("first", content)
        assert Path("first").is_symlink()
        assert Path("second").is_symlink()
        assert Path("folder/file").read_text() == content
    assert list_folder("folder") == ["file"]


# --- streams --------------------------------------------------------------------------------------


def test_a_device_is_written_to_and_not_replaced() -> None:
    before = Path(os.devnull).stat()
    write(os.devnull)
    assert Path(os.devnull).stat().st_ino == before.st_ino
    assert not list(Path("/dev").glob("*.part"))


def test_a_named_pipe_gets_everything() -> None:
    os.mkfifo("pipe")
    received: list[str] = []
    reader = threading.Thread(target=lambda: received.append(Path("pipe").read_text()))
    reader.start()
    write("pipe", "x" * 200_000)
    reader.join(10)
    assert stat.S_ISFIFO(Path("pipe").stat().st_mode)
    assert received == ["x" * 200_000]
    assert list_folder() == ["pipe"]


STDOUT_NAMES = ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "link"]
WRITE_TO_STDOUT = """
import sys
from k6frames.files.atomic import atomic_write
with atomic_write(sys.argv[1]) as temporary:
    temporary.write_text("new")
"""


@pytest.mark.parametrize("name", STDOUT_NAMES)
@pytest.mark.parametrize("redirection", [">", ">>", "|cat>"])
def test_a_redirected_standard_output_is_appended_to_and_not_replaced(
    name: str, redirection: str
) -> None:
    Path("link").symlink_to("/dev/stdout")
    Path("file").write_text("old ")
    before = Path("file").stat().st_ino
    python = f"'{sys.executable}' -c '{WRITE_TO_STDOUT}' {name}"
    # The output of an earlier command stays, and that of a later one is appended.
    subprocess.run(
        ["bash", "-c", f"(printf 'before '; {python}; printf ' after') {redirection} file"],
        check=True,
        timeout=60,
    )
    expected = "before new after"
    assert Path("file").read_text() == (f"old {expected}" if redirection == ">>" else expected)
    assert Path("file").stat().st_ino == before


def test_a_process_substitution_gets_everything() -> None:
    command = f"'{sys.executable}' -c '{WRITE_TO_STDOUT}' >(cat > file); wait $!"
    subprocess.run(["bash", "-c", command], check=True, timeout=60)
    assert Path("file").read_text() == "new"


def test_a_descriptor_of_this_process_is_written_from_where_it_is_and_stays_open() -> None:
    with Path("file").open("w+b") as file:
        file.write(b"before ")
        file.flush()
        write(f"/dev/fd/{file.fileno()}")
        file.write(b" after")
    assert Path("file").read_text() == "before new after"
    assert list_folder() == ["file"]


def test_a_descriptor_of_another_process_is_appended_to() -> None:
    with Path("file").open("w") as file:
        file.write("before ")
        file.flush()
        child = subprocess.Popen(["sleep", "60"], stdout=file)
        try:
            write(f"/proc/{child.pid}/fd/1")
        finally:
            child.kill()
            child.wait()
    assert Path("file").read_text() == "before new"
    assert list_folder() == ["file"]


def test_a_failure_writes_nothing_to_a_stream() -> None:
    with Path("file").open("w") as file, pytest.raises(ValueError, match="half"):
        fail_halfway(f"/dev/fd/{file.fileno()}", ValueError("half"))
    assert Path("file").read_text() == ""


# --- paths that cannot be written -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("nowhere/file", FileNotFoundError),
        ("file/file", NotADirectoryError),
        ("folder", IsADirectoryError),
        ("folder/", IsADirectoryError),
        ("new/", IsADirectoryError),
        (".", IsADirectoryError),
        ("/proc/file", OSError),
        ("x" * 300, OSError),
        ("loop", OSError),
        ("loop/file", OSError),
        ("/dev/fd/987", OSError),
    ],
)
def test_a_path_that_cannot_be_written_is_in_the_error(path: str, error: type[OSError]) -> None:
    Path("file").write_text("old")
    Path("folder").mkdir()
    Path("loop").symlink_to("pool")
    Path("pool").symlink_to("loop")
    with pytest.raises(error, match="nothing was written") as caught:
        write(path)
    assert caught.value.filename == path
    assert list_folder() == ["file", "folder", "loop", "pool"]
    assert list_folder("folder") == []
    assert Path("file").read_text() == "old"


@pytest.mark.parametrize("path", ["", "a\0b", "\ud800", 5, None, b"file", ["file"]], ids=repr)
def test_a_path_that_cannot_name_a_file_is_refused(path: Any) -> None:
    with pytest.raises(ConfigError, match=r"path|named"):
        write(path)
    assert list_folder() == []
