"""Cached responses: whose they are, who can read them, and what happens to a damaged file.

The faults of a cache under a whole client are in the catalogue, tests/faults.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import random
import shutil
import sqlite3
import stat
import subprocess
import sys
import textwrap
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter
from servers import GOOD, LIST, reply

from k6frames.api import cache, cache_connection
from k6frames.api.cache import CacheInfo, cache_key, clear_caches, describe_cache, list_caches
from k6frames.api.responses import make_response
from k6frames.errors import APIError, ConfigError

ADDRESS = "https://api.example"
HERE = Path(__file__).parent
DIGEST = "0123456789abcdef" * 2
ON_POSIX = pytest.mark.skipif(sys.platform == "win32", reason="users and links of POSIX")
AS_ROOT = pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() != 0, reason="gives files to another user"
)


class Account(HTTPAdapter):
    """An account whose responses repeat path and stack, and the session that caches them.

    `requested` has the paths that were not cached.
    """

    def __init__(
        self,
        folder: Path | str,
        *,
        body: bytes | None = None,
        should_cache: Callable[[requests.Response], bool] = lambda _: True,
    ) -> None:
        super().__init__()
        self.session = cache.open_session(Path(folder), address=ADDRESS, should_cache=should_cache)
        self.session.mount(ADDRESS, self)
        self.body = body
        self.requested: list[str] = []

    def send(  # type: ignore[override]
        self, request: requests.PreparedRequest, **_: object
    ) -> requests.Response:
        path = str(request.url).removeprefix(ADDRESS)
        self.requested.append(path)
        body = self.body or json.dumps([path, request.headers.get("X-Stack-Id")]).encode()
        headers = {"Content-Type": "application/json"}
        return self.build_response(request, make_response(body, headers))

    def get(self, path: str = "/x", stack: int | None = None) -> bytes:
        headers = {} if stack is None else {"X-Stack-Id": str(stack)}
        content: bytes = self.session.get(ADDRESS + path, headers=headers).content
        return content

    def is_correct(self, path: str = "/x") -> bool:
        return self.get(path) == b'["%s", null]' % path.encode()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def folder(root: Path) -> Path:
    return root / DIGEST


@pytest.fixture
def file(folder: Path) -> Path:
    return folder / cache.DATABASE_NAME


@pytest.fixture
def account(folder: Path) -> Iterator[Callable[..., Account]]:
    with contextlib.ExitStack() as stack:

        def make(cache_folder: Path = folder, **options: Any) -> Account:
            account = Account(cache_folder, **options)
            stack.callback(account.session.close)
            return account

        yield make


def sql(file: Path, statement: str, *values: Any) -> list[Any]:
    with contextlib.closing(sqlite3.connect(file, timeout=20)) as connection, connection:
        return connection.execute(statement, values).fetchall()


@pytest.fixture
def filled(account: Callable[..., Account], file: Path) -> Path:
    """The closed database of an account whose response to /x is cached."""
    first = account()
    first.get("/x")
    first.session.close()
    return file


class Script:
    """A Python program in another process, with warnings as errors."""

    def __init__(self, text: str, *arguments: object) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", textwrap.dedent(text), *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": f"{HERE.parent}{os.pathsep}{HERE}"},
        )

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def output(self, *, within: float = 60) -> str:
        """Wait for the program to end without an error, and return what it printed."""
        out, errors = self.process.communicate(timeout=within)
        assert self.process.returncode == 0, errors
        return out.strip()

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


@pytest.fixture
def run() -> Iterator[Callable[..., Script]]:
    started: list[Script] = []

    def start(text: str, *arguments: object) -> Script:
        started.append(Script(text, *arguments))
        return started[-1]

    yield start
    for script in started:
        script.kill()


LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
"""


# --- what is cached, and for whom ---------------------------------------------------------------


def test_a_hit_belongs_to_one_url_and_one_stack(account):
    first = account()
    first.get("/x", stack=1)
    second = account()
    assert second.get("/x", stack=1) == b'["/x", "1"]'
    assert second.requested == []
    assert second.get("/x", stack=2) == b'["/x", "2"]'
    assert second.get("/x") == b'["/x", null]'
    assert second.get("/x?y", stack=1) == b'["/x?y", "1"]'
    assert second.requested == ["/x", "/x", "/x?y"]


def test_the_key_is_stack_and_url():
    keys = [cache_key("https://a/x", stack) for stack in (None, 1, 2, "https://b")]
    assert len(set(keys)) == 4
    assert cache_key("https://a/x", 1) == cache_key("https://a/x", "1")
    request = requests.Request("GET", "https://a/x", headers={"X-Stack-Url": "https://b"})
    assert cache._request_key(request.prepare()) == cache_key("https://a/x", "https://b")


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": 1}\n',
        b'\xef\xbb\xbf{"a": "\xc3\xa9"}',
        b'{"a": "\xff"}',
        b'{"a": 1e400}',
        b"[" * 500 + b"]" * 500,
    ],
    ids=["newline", "BOM", "invalid UTF-8", "huge", "deep"],
)
def test_a_hit_has_the_bytes_of_the_response(body, account):
    assert account(body=body).get() == body
    assert account(body=b"another").get() == body


def test_nothing_is_created_before_a_response_is_cached(account, root):
    refused = account(should_cache=lambda _: False)
    assert refused.is_correct()
    assert refused.is_correct()
    assert refused.requested == ["/x", "/x"]
    assert ADDRESS not in refused.session.cache.responses
    refused.session.cache.clear()
    assert not root.exists()


@ON_POSIX
def test_folder_and_files_are_for_their_owner_alone(account, file, root):
    os.umask(0)
    try:
        account().get()
    finally:
        os.umask(0o022)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in file.parent.iterdir()}
    assert modes == {cache.DATABASE_NAME + suffix: 0o600 for suffix in ("", "-wal", "-shm")}
    assert stat.S_IMODE(file.parent.stat().st_mode) == stat.S_IMODE(root.stat().st_mode) == 0o700


@ON_POSIX
def test_permissive_modes_are_restricted(account, filled):
    filled.chmod(0o644)
    filled.parent.chmod(0o755)
    assert account().is_correct()
    assert stat.S_IMODE(filled.stat().st_mode) == 0o600
    assert stat.S_IMODE(filled.parent.stat().st_mode) == 0o700


# --- damaged rows and files ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "damage",
    [
        "body = substr(body, 1, length(body) - 4)",
        "body = CAST(replace(CAST(body AS TEXT), 'x', 'y') AS BLOB)",
        "body = NULL",
        "body = 7",
        "body = CAST(body AS TEXT)",
        "fetched = fetched + 1",
        "fetched = NULL",
        "fetched = 'never'",
        "checksum = checksum + 1",
        "checksum = NULL",
        "key = replace(key, '/x', '/y')",
    ],
)
def test_a_damaged_row_is_fetched_again_and_replaced(damage, account, filled):
    sql(filled, f"UPDATE responses SET {damage}")
    reopened = account()
    for _ in range(2):
        assert reopened.is_correct("/x")
        assert reopened.is_correct("/y")
    assert reopened.requested == ["/x", "/y"]


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE responses RENAME COLUMN checksum TO other",
        "DROP TABLE responses",
        "PRAGMA user_version=99",
    ],
)
def test_a_database_of_another_version_is_renamed(change, account, filled):
    sql(filled, change)
    reopened = account()
    with pytest.warns(UserWarning, match=r"was corrupt, or .*\. It was renamed to .*\.corrupt-"):
        assert reopened.is_correct()
    assert reopened.is_correct()
    assert reopened.requested == ["/x"]


def test_a_file_that_is_damaged_while_it_is_read_is_renamed_once(account, file):
    paths = [f"/{'long' * 500}{n}" for n in range(60)]
    first = account()
    assert all(first.is_correct(path) for path in paths)
    first.session.close()
    size = file.stat().st_size
    with file.open("r+b") as raw:
        raw.seek(4096)
        raw.write(random.Random(0).randbytes(size - 4096))
    reopened = account()
    with pytest.warns(UserWarning, match="renamed to") as warned:
        assert in_threads(reopened.is_correct, paths) == [True] * 60
    assert len(warned) == 1
    assert len(list(file.parent.glob("*.corrupt-*"))) == 1


def test_a_value_with_a_damaged_length_is_corrupt(account, filled, monkeypatch):
    opened = cache_connection._open
    limits = iter([10])  # makes the first file's values longer than SQLite allows

    def open_limited(path: Path, address: str) -> sqlite3.Connection:
        connection = opened(path, address)
        for limit in limits:
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, limit)
        return connection

    monkeypatch.setattr(cache_connection, "_open", open_limited)
    reopened = account()
    with pytest.warns(UserWarning, match="renamed to"):
        assert reopened.is_correct()
    assert reopened.is_correct()
    assert reopened.requested == ["/x"]
    assert not filled.samefile(next(filled.parent.glob("*.corrupt-*")))


def in_threads(work: Callable[[str], bool], paths: list[str]) -> list[bool]:
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(work, paths))


# --- files that cannot be used ------------------------------------------------------------------


def assert_works_without_cache(account: Account) -> None:
    paths = [f"/{n}" for n in range(5)]
    with pytest.warns(UserWarning, match="continues without it") as warned:
        assert in_threads(account.is_correct, paths) == [True] * 5
    assert len(warned) == 1
    assert account.is_correct("/0")


def test_a_lock_delays_neither_hits_nor_forks(account, filled, run, monkeypatch):
    monkeypatch.setattr(cache_connection, "LOCK_TIMEOUT_SECONDS", 20.0)
    open_account = account()
    assert open_account.is_correct()
    lock = run(LOCK, filled)
    assert lock.line() == "locked"
    writer = threading.Thread(target=open_account.is_correct, args=("/missing",))
    writer.start()
    while open_account.requested != ["/missing"]:
        time.sleep(0.01)
    assert open_account.is_correct()
    with warnings.catch_warnings():
        # Python 3.12 warns of every fork of a process that has threads.
        warnings.simplefilter("ignore", DeprecationWarning)
        if (child := os.fork()) == 0:
            os._exit(0 if open_account.is_correct() else 3)
    assert os.waitpid(child, 0)[1] == 0
    assert writer.is_alive()  # it is still waiting for the lock
    lock.kill()
    writer.join(timeout=20)
    reopened = account()
    assert reopened.is_correct("/missing")
    assert reopened.requested == []


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """A file system of its own, where this machine allows it."""
    mount_point = tmp_path / "mounted"
    mount_point.mkdir()

    def mount(options: str) -> Path:
        command = ["mount", "-t", "tmpfs", "-o", options, "none", str(mount_point)]
        if shutil.which("mount") is None or subprocess.run(command, check=False).returncode:
            pytest.skip("needs permission to mount a tmpfs")
        return mount_point

    yield mount
    subprocess.run(["umount", "-l", str(mount_point)], check=False, capture_output=True)


def test_on_a_read_only_file_system_the_cache_is_disabled(account, mounted):
    assert_works_without_cache(account(mounted("ro") / DIGEST))


def test_a_cache_that_becomes_read_only_is_disabled(account, mounted):
    folder = mounted("size=8m") / DIGEST
    first = account(folder)
    assert first.is_correct()
    first.session.close()
    subprocess.run(["mount", "-o", "remount,ro", str(folder.parent)], check=True)
    assert_works_without_cache(account(folder))


# --- places where others may write --------------------------------------------------------------


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """A folder with a file of the user's, which a planted link names."""
    (tmp_path / "victim").mkdir(mode=0o755)
    (tmp_path / "victim" / "notes").write_text("mine")
    (tmp_path / "victim" / "notes").chmod(0o644)
    return tmp_path / "victim"


def state(folder: Path) -> dict[str, object]:
    names = [folder, *sorted(folder.rglob("*"))]
    return {
        str(path): (path.lstat().st_mode, path.is_file() and path.read_bytes()) for path in names
    }


@ON_POSIX
@pytest.mark.parametrize("planted", ["folder", "", "-wal", "-shm", "-journal"])
def test_the_target_of_a_planted_link_is_not_written_to_and_keeps_its_mode(
    planted, account, victim, file, folder
):
    before = state(victim)
    if planted == "folder":
        folder.parent.mkdir()
        folder.symlink_to(victim)
    else:
        folder.mkdir(parents=True, mode=0o777)
        Path(f"{file}{planted}").symlink_to(victim / "notes")
        if planted:
            file.touch()
    assert_works_without_cache(account())
    list_caches(folder.parent)
    clear_caches(folder.parent)
    assert state(victim) == before


@ON_POSIX
def test_a_dangling_link_creates_nothing(account, tmp_path, file, folder):
    folder.mkdir(parents=True)
    file.symlink_to(tmp_path / "created")
    assert_works_without_cache(account())
    assert not (tmp_path / "created").exists()


@AS_ROOT
@pytest.mark.parametrize("planted", ["folder", "file", "root"])
def test_files_of_another_user_are_not_used(planted, account, root, folder, file, victim):
    if planted == "root":
        root.symlink_to(victim)
        os.chown(root, 12345, 12345, follow_symlinks=False)
    else:
        root.mkdir()
        folder.mkdir(mode=0o700)
        file.touch()
        os.chown({"folder": folder, "file": file}[planted], 12345, 12345)
    before = state(victim), state(root)
    assert_works_without_cache(account())
    assert (state(victim), state(root)) == before
    if planted == "folder":
        assert list_caches(root) == []
        clear_caches(root)
        assert file.exists()


# --- all caches ---------------------------------------------------------------------------------


def test_the_list_of_caches_shows_address_count_size_and_times(account, root):
    assert list_caches(root) == []
    for name, paths in ("a" * 32, ["/1", "/2"]), ("b" * 32, ["/1"]):
        cached = account(root / name)
        for path in paths:
            cached.get(path)
    two, one = list_caches(root)
    assert (two.folder, two.address, two.responses) == (root / ("a" * 32), ADDRESS, 2)
    assert one.responses == 1
    assert two.size > one.size > 4096
    now = datetime.now(UTC)
    assert now - timedelta(minutes=1) < two.oldest < two.newest <= now
    assert describe_cache(one.folder) == one
    assert describe_cache(root) is None


def test_a_file_that_sqlite_removes_meanwhile_does_not_hide_a_cache(filled, monkeypatch):
    removed = Path(f"{filled}-journal")
    assert not removed.exists()
    monkeypatch.setattr(Path, "iterdir", lambda _: iter([removed, filled]))
    assert describe_cache(filled.parent) is not None


def test_a_cache_is_described_in_one_line():
    day = datetime(2026, 7, 1, tzinfo=UTC)
    info = CacheInfo(Path("x"), ADDRESS, 1, 1_250_000, day, day + timedelta(hours=1))
    assert str(info) == (
        "https://api.example: 1 response, 1.2 MB, fetched 2026-07-01 00:00 to 2026-07-01 01:00 UTC"
    )
    unreadable = CacheInfo(Path("x"), None, None, 0, None, None)
    assert str(unreadable) == "unknown address: no readable responses, 0.0 MB"
    assert "2,000 responses" in str(CacheInfo(Path("x"), ADDRESS, 2000, 0, None, None))


OTHER_FILES = [
    "notes.txt",
    "responses.sqlite",
    "projects/responses.sqlite",
    "projects/data.csv",
    f"{DIGEST}x/responses.sqlite",
    f"{DIGEST.upper()}/responses.sqlite",
    f"{DIGEST}/notes.txt",
    f"{DIGEST}/responses.sqlite.backup",
    f"{DIGEST}/responses.sqlite.corrupt-",
    f"{DIGEST}/folder/responses.sqlite",
    f"{DIGEST}/responses.sqlite-shm/file",
    "f" * 32,
]


def test_clearing_removes_the_caches_and_nothing_else(account, filled, root, victim):
    for name in OTHER_FILES:
        other = root / name
        other.parent.mkdir(parents=True, exist_ok=True)
        other.write_text("mine")
    Path(f"{filled}.corrupt-1").write_text("ours")
    (root / ("e" * 32)).symlink_to(victim)
    (victim / "responses.sqlite").write_text("mine")
    for name, leftover in {
        "1": "responses.sqlite.corrupt-2",
        "2": "answers.sqlite-journal",
    }.items():
        (root / (name * 32)).mkdir()
        (root / (name * 32) / leftover).write_text("ours")
    (root / ("3" * 32)).mkdir()
    assert [(info.folder.name[0], info.responses) for info in list_caches(root)] == [
        ("0", 1),
        ("1", None),
        ("2", None),
    ]
    clear_caches(root)
    left = sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
    assert left == sorted(OTHER_FILES)
    assert not [name for name in "123" if (root / (name * 32)).exists()]
    assert (root / ("e" * 32)).is_symlink()
    assert (victim / "responses.sqlite").read_text() == "mine"
    clear_caches(root)
    clear_caches(root / "missing")


@pytest.mark.parametrize("time", ["'never'", "NULL", "1e300", "-1e300", "9e999", "x'00'"])
def test_a_damaged_time_stops_neither_list_nor_clearing(time, account, filled, root):
    account().get("/y")
    sql(filled, f"UPDATE responses SET fetched = {time} WHERE key LIKE '%/x'")
    (info,) = list_caches(root)
    assert info.responses == 2
    assert info.oldest == info.newest
    assert info.oldest is not None
    clear_caches(root)
    assert list_caches(root) == []


def test_a_broken_or_locked_database_is_listed_as_unreadable(filled, root, run):
    sql(filled, "PRAGMA journal_mode=DELETE")
    lock = run(LOCK, filled)
    assert lock.line() == "locked"
    (info,) = list_caches(root)
    assert (info.address, info.responses) == (None, None)
    lock.kill()
    filled.write_bytes(b"broken" * 1000)
    (info,) = list_caches(root)
    assert (info.address, info.responses, info.size) == (None, None, 6000)
    clear_caches(root)
    assert list(root.iterdir()) == []


def test_an_open_cache_that_is_cleared_starts_again(account, root):
    first, second = account(), account()
    assert first.is_correct()
    assert second.is_correct()
    clear_caches(root)
    assert list(root.iterdir()) == []
    assert first.is_correct()
    assert second.is_correct()
    assert (first.requested, second.requested) == (["/x", "/x"], [])
    (info,) = list_caches(root)
    assert info.responses == 1


# --- threads, processes, forks ------------------------------------------------------------------

FILL = """
import os, sys
from test_cache import Account
gate, opened = os.pipe()
children = []
for _ in range(8):
    pid = os.fork()
    if pid == 0:
        correct = False
        try:
            os.close(opened)
            os.read(gate, 1)
            account = Account(sys.argv[1])
            correct = all(account.is_correct(f"/{n}") for n in range(25))
        finally:
            sys.excepthook(*sys.exc_info()) if sys.exc_info()[0] else None
            os._exit(0 if correct else 3)
    children.append(pid)
# All eight begin when the last writing end of the pipe is closed.
os.close(opened)
print([os.waitpid(pid, 0)[1] for pid in children])
"""


def test_eight_processes_fill_one_cache_at_once(folder, file, run, account):
    assert run(FILL, folder).output() == str([0] * 8)
    reopened = account()
    assert all(reopened.is_correct(f"/{n}") for n in range(25))
    assert reopened.requested == []
    assert sql(file, "PRAGMA integrity_check") == [("ok",)]


def test_two_sessions_of_one_process_keep_their_locks(folder, file, run, account):
    """Closing any descriptor of a file drops all locks of the process: the log must survive."""
    first = account()
    first.get("/0")
    account().get("/0")
    # The last process to close a database removes its log; this is not the last one.
    other = run("import sys; from test_cache import Account; Account(sys.argv[1]).get()", folder)
    other.output()
    assert Path(f"{file}-wal").exists()
    first.get("/9")
    reopened = account()
    assert reopened.is_correct("/9")
    assert reopened.requested == []


FORK = """
import os, sys, threading, warnings
# Python 3.12 warns of every fork of a process that has threads.
warnings.filterwarnings("ignore", category=DeprecationWarning, message=".*fork")
from k6frames.api import cache_connection
from test_cache import Account

# On a busy machine a lock may be held for longer than a user would wait.
cache_connection.LOCK_TIMEOUT_SECONDS = 30.0
stop = threading.Event()
wrong = []

def work(number):
    while not stop.is_set():
        account = Account(sys.argv[1])
        if not (account.is_correct("/x") and account.is_correct(f"/{number}")):
            wrong.append(number)
        account.session.cache.delete(f"https://api.example/{number}")
        account.session.close()

shared = Account(sys.argv[1])
assert shared.is_correct()
threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
for thread in threads:
    thread.start()
ends = []
for number in range(int(sys.argv[2])):
    pid = os.fork()
    if pid == 0:
        correct = False
        try:
            correct = shared.is_correct() and (number % 10 or shared.is_correct("/new"))
        finally:
            sys.excepthook(*sys.exc_info()) if sys.exc_info()[0] else None
            os._exit(0 if correct else 3)
    ends.append(os.waitpid(pid, 0)[1])
stop.set()
for thread in threads:
    thread.join()
print(len(ends), set(ends), wrong, shared.is_correct(), shared.requested)
"""


def test_forks_never_hang_while_threads_open_the_cache(folder, file, run):
    assert run(FORK, folder, 200).output() == "200 {0} [] True ['/x']"
    assert sql(file, "PRAGMA integrity_check") == [("ok",)]


KILL = """
import os, random, signal, sys, time
from test_cache import Account
folder, log = sys.argv[1:]

def load():
    seen = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    while True:
        account = Account(folder)
        correct = all(account.is_correct(f"/{n}") for n in range(20))
        for n in range(10):
            account.session.cache.delete(f"https://api.example/{n}")
        os.write(seen, b"1" if correct else b"0")
        account.session.close()

def start():
    pid = os.fork()
    if pid:
        return pid
    try:
        load()
    finally:
        sys.excepthook(*sys.exc_info())
        os._exit(3)

rng = random.Random(7)
loaders, kills = [start() for _ in range(4)], 0
while kills < 20:
    time.sleep(rng.uniform(0.01, 0.15))
    victim = rng.randrange(4)
    os.kill(loaders[victim], signal.SIGKILL)
    kills += os.waitpid(loaders[victim], 0)[1] == signal.SIGKILL
    loaders[victim] = start()
time.sleep(0.5)
for pid in loaders:
    os.kill(pid, signal.SIGKILL)
print(kills, {os.waitpid(pid, 0)[1] for pid in loaders})
"""


def test_processes_that_are_killed_leave_a_cache_of_correct_responses(
    folder, file, run, account, tmp_path
):
    log = tmp_path / "log"
    assert run(KILL, folder, log).output() == "20 {9}"
    assert set(log.read_text()) == {"1"}
    reopened = account()
    assert all(reopened.is_correct(f"/{n}") for n in range(20))
    assert sql(file, "PRAGMA integrity_check") == [("ok",)]


CLEAR = """
import os, sys, time, warnings
from pathlib import Path
from test_cache import Account
from k6frames.api.cache import clear_caches
folder = Path(sys.argv[1])
children = []
for number in range(4):
    pid = os.fork()
    if pid == 0:
        correct, ends = True, time.monotonic() + 2
        try:
            while correct and time.monotonic() < ends:
                account = Account(folder)
                correct = all(account.is_correct(f"/{n}") for n in range(20))
                if number:
                    account.session.close()
        finally:
            sys.excepthook(*sys.exc_info()) if sys.exc_info()[0] else None
            os._exit(0 if correct else 3)
    children.append(pid)
ends = time.monotonic() + 2
while time.monotonic() < ends:
    clear_caches(folder.parent)
    time.sleep(0.005)
print([os.waitpid(pid, 0)[1] for pid in children])
"""


def test_a_cache_that_is_cleared_while_others_use_it_gives_correct_responses(folder, run):
    assert run(CLEAR, folder).output() == "[0, 0, 0, 0]"


# --- age, under a client ------------------------------------------------------------------------

PATHS = [f"/v3/organizations/{n}" for n in range(1, 6)]


def test_a_client_that_wants_fresher_responses_fetches_again(serve, connect, root):
    server = serve(reply(b'{"turn": 1}'), reply(b'{"turn": 2}'))
    assert connect(server, cache=root, expire_after=3600).get(LIST) == b'{"turn": 1}'
    assert connect(server, cache=root, expire_after=0).get(LIST) == b'{"turn": 2}'
    assert connect(server, cache=root, expire_after=3600).get(LIST) == b'{"turn": 2}'
    assert server.count() == 2


@pytest.mark.parametrize(
    ("hours", "expire_after", "count"),
    [(-2, 3600, 2), (-0.5, 3600, 1), (-1e5, math.inf, 1), (0.5, 3600, 1), (2, 3600, 2)],
)
def test_age_counts_from_the_fetch_and_a_time_in_the_future_expires_too(
    hours, expire_after, count, serve, connect, root
):
    server = serve(reply())
    connect(server, cache=root).get(LIST)
    (file,) = root.glob(f"*/{cache.DATABASE_NAME}")
    ((key, body),) = sql(file, "SELECT key, body FROM responses")
    fetched = (datetime.now(UTC) + timedelta(hours=hours)).timestamp()
    checksum = cache._checksum(key, fetched, body)
    sql(file, "UPDATE responses SET fetched = ?, checksum = ?", fetched, checksum)
    connect(server, cache=root, expire_after=expire_after).get(LIST)
    assert server.count() == count


def test_refresh_fetches_each_path_once(serve, connect, root):
    server = serve(account=lambda _: reply())
    connect(server, cache=root).fetch(PATHS)
    client = connect(server, cache=root, refresh=True)
    client.fetch(PATHS)
    client.fetch([*PATHS, LIST])
    assert [server.count(path) for path in PATHS] == [2] * len(PATHS)
    assert server.count(LIST) == 1


def test_offline_uses_responses_of_any_age_and_names_missing_ones(serve, connect, root):
    server = serve(account=lambda _: reply())
    connect(server, cache=root).get(PATHS[0])
    client = connect(server, cache=root, offline=True, expire_after=0)
    assert client.get(PATHS[0]) == GOOD
    with pytest.raises(APIError, match=f"{PATHS[1]} is not in the cache"):
        client.fetch(PATHS)
    responses = client.fetch(PATHS, on_error="warn")
    assert [str(request) for request in responses.bodies] == PATHS[:1]
    assert [str(request) for request in responses.failures] == PATHS[1:]
    assert len(server.requests) == 1


def test_offline_contradicts_refresh_and_no_cache(connect):
    for options in ({"refresh": True}, {"cache": False}):
        with pytest.raises(ConfigError, match="offline=True"):
            connect(ADDRESS, **{"cache": True, **options}, offline=True)


def test_a_token_that_never_worked_leaves_nothing(serve, connect, root):
    with pytest.raises(APIError, match="HTTP 401"):
        connect(serve(reply(b"{}", status=401)), cache=root).get(LIST)
    assert not root.exists()
