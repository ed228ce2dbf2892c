"""Answers on disk: whose they are, who may read them, and what happens when the file is bad."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import resource
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import servers
from servers import GOOD, LIST, reply

from k6frames import APIError, Client, ConfigError, cache, frames

PATHS = [f"/v3/organizations/{n}" for n in range(1, 6)]


def database(root: Path) -> Path:
    """The one cache file below a folder."""
    (found,) = root.glob(f"*/{cache.FILE}")
    return found


def sql(file: Path, statement: str, *values: Any) -> list[Any]:
    with contextlib.closing(sqlite3.connect(file, timeout=20)) as connection, connection:
        return connection.execute(statement, values).fetchall()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def kept(connect: Any, root: Path) -> Callable[..., Client]:
    """A client with a cache."""

    def make(server: servers.Raw, **options: Any) -> Client:
        return connect(server, cache=root, **options)

    return make


class Script:
    """A Python program in another process."""

    def __init__(self, text: str, *arguments: object) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", textwrap.dedent(text), *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def end(self, *, within: float = 30) -> str:
        """What it said, once it ended well by itself."""
        out, complaints = self.process.communicate(timeout=within)
        assert self.process.returncode == 0, complaints
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


@pytest.fixture
def locked(run: Any) -> Callable[[Path], Script]:
    """Another process that holds the write lock of a file until its input ends."""

    def lock(file: Path) -> Script:
        script = run(
            """
            import sqlite3, sys
            connection = sqlite3.connect(sys.argv[1], isolation_level=None)
            connection.execute(sys.argv[2])
            connection.execute("BEGIN EXCLUSIVE")
            print("locked", flush=True)
            sys.stdin.read()
            """,
            file,
            "PRAGMA journal_mode",
        )
        assert script.line() == "locked"
        return script

    return lock


# --- what is kept, and for whom -----------------------------------------------------------------


def test_the_same_frame_twice_is_one_request(serve, kept):
    server = serve(account=servers.account(servers.some_account()))
    client = kept(server)
    first = frames.organizations_df(client=client)
    second = frames.organizations_df(client=client)
    assert server.count() == 1
    assert first.equals(second)


def test_a_second_client_of_the_same_identity_gets_the_hit(serve, kept):
    server = serve(reply())
    kept(server).get(LIST)
    assert kept(server).get(LIST) == GOOD
    assert server.count() == 1


def test_another_token_gets_nothing_of_this_one_s(serve, kept, root):
    server = serve(reply(b'{"mine": 1}'), reply(b'{"yours": 2}'))
    assert kept(server, token="token-a").get(LIST) == b'{"mine": 1}'
    assert kept(server, token="token-b").get(LIST) == b'{"yours": 2}'
    assert kept(server, token="token-a").get(LIST) == b'{"mine": 1}'
    assert server.count() == 2
    assert len(list(root.iterdir())) == 2


def test_another_address_gets_nothing_of_this_one_s(serve, kept, root):
    one, two = serve(reply(b'{"one": 1}')), serve(reply(b'{"two": 2}'))
    assert kept(one).get(LIST) == b'{"one": 1}'
    assert kept(two).get(LIST) == b'{"two": 2}'
    assert len(list(root.iterdir())) == 2


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": 1}\n',
        b'\xef\xbb\xbf{"a": "\xc3\xa9"}',
        b'{"a": "\xff"}',
        b'{"a": "\\ud800", "b": 1e400}',
        b"[" * 500 + b"]" * 500,
    ],
    ids=["newline", "BOM", "invalid UTF-8", "surrogate", "deep"],
)
def test_a_hit_is_the_same_bytes_as_the_answer(body, serve, kept):
    server = serve(reply(body))
    assert kept(server).get(LIST) == body
    assert kept(server).get(LIST) == body
    assert server.count() == 1


def test_both_paths_of_a_warm_read_agree(serve, kept):
    server = serve(reply())
    client = kept(server)
    client.get(LIST)
    session = client._session()
    ordinary = session.get(server.url + LIST)
    ours = client._kept(session, LIST)
    assert ordinary.from_cache
    assert (ours.body, ours.fetched) == (ordinary.content, ordinary.created_at)
    assert server.count() == 1


@pytest.mark.parametrize("path", ["/v3/x y", "/v3/é", "/v3/x?b=2&a=1", "/v3/%7Ex", "/v3/x/"])
def test_a_path_that_needs_quoting_is_found_again(path, serve, kept):
    server = serve(account=lambda _: reply())
    client = kept(server)
    assert client.get(path) == client.get(path) == GOOD
    assert len(server.requests) == 1


def test_folder_and_files_are_for_their_owner_alone(serve, kept, root):
    os.umask(0)
    try:
        kept(serve(reply())).get(LIST)
    finally:
        os.umask(0o022)
    folder = database(root).parent
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert modes == {cache.FILE + suffix: 0o600 for suffix in ("", "-wal", "-shm")}


def test_rights_that_were_wider_are_narrowed(serve, kept, root):
    server = serve(reply())
    kept(server).get(LIST)
    database(root).chmod(0o644)
    database(root).parent.chmod(0o755)
    kept(server).get(LIST)
    assert stat.S_IMODE(database(root).stat().st_mode) == 0o600
    assert stat.S_IMODE(database(root).parent.stat().st_mode) == 0o700


def test_the_folder_is_named_after_neither_token_nor_address(serve, kept, root, token):
    server = serve(reply())
    kept(server).get(LIST)
    (folder,) = root.iterdir()
    assert len(folder.name) == 32
    assert token not in folder.name


def test_an_answer_that_repeats_the_token_is_given_and_not_kept(serve, kept, token, root):
    body = json.dumps({"token": token}).encode()
    server = serve(reply(body))
    client = kept(server)
    assert client.get(LIST) == client.get(LIST) == body
    assert server.count() == 2
    assert sql(database(root), "SELECT count(*) FROM answers") == [(0,)]


def test_failures_are_not_kept(serve, kept):
    server = serve(reply(b"{}", status=404), reply())
    client = kept(server)
    with pytest.raises(APIError):
        client.get(LIST)
    assert client.get(LIST) == GOOD


def test_rows_are_json_and_a_crafted_pickle_does_nothing(serve, kept, root, tmp_path):
    class Attack:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (str(tmp_path / "attacked"),)

    server = serve(reply())
    client = kept(server)
    client.get(LIST)
    ((name, value),) = sql(database(root), "SELECT key, value FROM answers")
    assert json.loads(value)["status_code"] == 200
    crafted = pickle.dumps(Attack())
    # Even with the right checksum.
    sql(
        database(root),
        "UPDATE answers SET value = ?, checksum = ?",
        crafted,
        cache._sum(name, crafted),
    )
    assert client.get(LIST) == GOOD
    assert server.count() == 2
    assert not (tmp_path / "attacked").exists()


@pytest.mark.parametrize(
    "text",
    [
        "null",
        "[]",
        "{}",
        '{"url": 5}',
        '{"created_at": "never"}',
        '{"created_at": "2026-01-01T00:00:00", "_content": "e30="}',
        '"text"',
        "{",
    ],
)
def test_a_row_of_another_shape_is_fetched_again(text, serve, kept, root):
    server = serve(reply())
    client = kept(server)
    client.get(LIST)
    ((name,),) = sql(database(root), "SELECT key FROM answers")
    value = text.encode()
    sql(
        database(root), "UPDATE answers SET value = ?, checksum = ?", value, cache._sum(name, value)
    )
    assert client.get(LIST) == GOOD
    assert server.count() == 2


# --- how old ------------------------------------------------------------------------------------


def test_a_second_client_that_wants_fresher_answers_fetches_anew(serve, kept):
    server = serve(reply(b'{"turn": 1}'), reply(b'{"turn": 2}'))
    assert kept(server, expire_after=3600).get(LIST) == b'{"turn": 1}'
    assert kept(server, expire_after=0).get(LIST) == b'{"turn": 2}'
    assert kept(server, expire_after=3600).get(LIST) == b'{"turn": 2}'
    assert server.count() == 2


@pytest.mark.parametrize(("hours", "requests"), [(-2, 2), (-0.5, 1), (0.5, 1), (2, 2)])
def test_age_counts_from_the_fetch_and_a_wrong_clock_does_not_keep_an_answer_for_ever(
    hours, requests, serve, kept, root
):
    server = serve(reply())
    kept(server).get(LIST)
    ((name, value),) = sql(database(root), "SELECT key, value FROM answers")
    row = json.loads(value)
    row["created_at"] = (datetime.now(UTC) + timedelta(hours=hours)).isoformat()
    value = json.dumps(row).encode()
    sql(
        database(root), "UPDATE answers SET value = ?, checksum = ?", value, cache._sum(name, value)
    )
    kept(server).get(LIST)
    assert server.count() == requests


def test_refresh_fetches_each_path_once(serve, kept):
    server = serve(account=lambda _: reply())
    kept(server).get_many(PATHS)
    client = kept(server, refresh=True)
    client.get_many(PATHS)
    client.get_many([*PATHS, LIST])
    assert [server.count(path) for path in PATHS] == [2] * len(PATHS)
    assert server.count(LIST) == 1


def test_offline_answers_however_old_and_sends_nothing(serve, kept):
    server = serve(reply())
    kept(server).get(LIST)
    assert kept(server, offline=True, expire_after=0).get(LIST) == GOOD
    assert server.count() == 1


def test_offline_names_the_paths_that_it_lacks(serve, kept):
    server = serve(account=lambda _: reply())
    kept(server).get(PATHS[0])
    client = kept(server, offline=True)
    with pytest.raises(APIError, match=rf"{PATHS[1]} is not in the cache.*3 more: {PATHS[2]}"):
        client.get_many(PATHS)
    bodies, failures = client.get_many(PATHS, on_error="warn")
    assert list(bodies) == PATHS[:1]
    assert list(failures) == PATHS[1:]
    assert len(server.requests) == 1


def test_offline_contradicts_refresh_and_no_cache(token):
    for options in ({"refresh": True}, {"cache": False}):
        with pytest.raises(ConfigError, match="offline=True"):
            Client(token, offline=True, **options)


def test_offline_reads_files(connect):
    assert connect("sample:", token=None, cache=True, offline=True).get(LIST)


# --- bad files ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE answers SET value = substr(value, 1, length(value) - 40)",
        "UPDATE answers SET value = replace(CAST(value AS TEXT), '200', '201')",
        "UPDATE answers SET value = NULL",
        "UPDATE answers SET value = 7",
        "UPDATE answers SET checksum = checksum + 1",
        "UPDATE answers SET checksum = NULL",
    ],
)
def test_a_damaged_row_is_fetched_again_and_mended(damage, serve, kept, root):
    server = serve(reply())
    kept(server).get(LIST)
    sql(database(root), damage)
    for _ in range(2):
        assert kept(server).get(LIST) == GOOD
    assert server.count() == 2


def test_the_answer_of_one_path_cannot_stand_for_another(serve, kept, root):
    server = serve(account=lambda path: reply(json.dumps({"path": path}).encode()))
    kept(server).get_many(["/a", "/b"])
    sql(database(root), "DELETE FROM answers WHERE key LIKE '%/b'")
    sql(database(root), "UPDATE answers SET key = replace(key, '/a', '/b')")
    assert kept(server).get("/b") == b'{"path": "/b"}'


@pytest.mark.parametrize(
    "content", [b"no database at all" * 100, b"SQLite format 3\0" + b"x" * 5000]
)
def test_a_corrupt_file_is_set_aside_with_a_warning(content, serve, kept, root):
    server = serve(reply())
    client = kept(server)
    client.get(LIST)
    client.close()
    file = database(root)
    file.write_bytes(content)
    with pytest.warns(UserWarning, match="was corrupt. It was set aside") as warned:
        assert kept(server).get(LIST) == GOOD
    assert len(warned) == 1
    (aside,) = file.parent.glob("*.corrupt-*")
    assert aside.read_bytes() == content
    assert kept(server).get(LIST) == GOOD
    assert server.count() == 2


def test_a_file_that_is_damaged_in_the_middle_of_a_run_is_set_aside_once(serve, kept, root):
    server = serve(account=lambda path: reply(b'"%s"' % (path.encode() * 500)))
    paths = [f"/{n}" for n in range(60)]
    client = kept(server)
    first, _ = client.get_many(paths)
    client.close()
    file = database(root)
    size = file.stat().st_size
    with file.open("r+b") as raw:
        raw.seek(4096)
        raw.write(os.urandom(size - 4096))
    with pytest.warns(UserWarning, match="set aside") as warned:
        again, _ = kept(server, max_workers=8).get_many(paths)
    assert again == first
    assert len(warned) == 1
    assert len(list(file.parent.glob("*.corrupt-*"))) == 1


def test_a_table_of_other_columns_is_set_aside(serve, kept, root):
    server = serve(reply())
    client = kept(server)
    client.get(LIST)
    client.close()
    sql(database(root), "ALTER TABLE answers RENAME COLUMN checksum TO other")
    with pytest.warns(UserWarning, match="set aside"):
        assert kept(server).get(LIST) == GOOD
    assert kept(server).get(LIST) == GOOD
    assert server.count() == 2


# --- files that cannot be used ------------------------------------------------------------------


def assert_works_without_cache(client: Client, server: servers.Raw, *, within: float = 8) -> None:
    started = time.monotonic()
    with pytest.warns(UserWarning, match="goes on without it") as warned:
        bodies, _ = client.get_many([LIST, *PATHS])
    assert len(warned) == 1
    assert bodies == dict.fromkeys([LIST, *PATHS], GOOD)
    assert client.get(LIST) == GOOD
    assert time.monotonic() - started < within


def test_a_lock_while_opening_costs_the_cache_and_not_the_answer(serve, kept, root, locked):
    server = serve(account=lambda _: reply())
    client = kept(server)
    client.get(LIST)
    client.close()
    # With a rollback journal, where a writer's lock keeps readers out too.
    sql(database(root), "PRAGMA journal_mode=DELETE")
    locked(database(root))
    assert_works_without_cache(kept(server), server)


def test_a_lock_in_the_middle_of_a_run_costs_the_cache_and_not_the_answer(
    serve, kept, root, locked, monkeypatch
):
    monkeypatch.setattr(cache, "PATIENCE", 0.5)
    server = serve(account=lambda _: reply())
    client = kept(server)
    client.get("/before")
    locked(database(root))
    assert_works_without_cache(client, server)


def test_a_writer_that_waits_for_a_lock_does_not_hold_up_hits(
    serve, kept, root, locked, monkeypatch
):
    monkeypatch.setattr(cache, "PATIENCE", 5.0)
    server = serve(account=lambda _: reply())
    client = kept(server)
    client.get(LIST)
    lock = locked(database(root))
    missing = threading.Thread(target=client.get, args=("/missing",))
    missing.start()
    servers.until(lambda: server.count("/missing"))
    time.sleep(0.1)
    started = time.monotonic()
    assert client.get(LIST) == GOOD
    assert time.monotonic() - started < 3
    assert missing.is_alive(), "the writer was to wait while the hit was read"
    assert server.count(LIST) == 1
    lock.kill()
    missing.join(timeout=20)
    assert kept(server, offline=True).get("/missing") == GOOD


def test_a_file_in_the_place_of_the_folder_costs_the_cache_and_not_the_answer(serve, kept, root):
    root.write_text("")
    server = serve(account=lambda _: reply())
    assert_works_without_cache(kept(server), server)


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """A small file system of its own, where this machine lets us have one."""
    place = tmp_path / "mounted"
    place.mkdir()
    options = {"size": "size=256k"}

    def mount(kind: str) -> Path:
        command = ["mount", "-t", "tmpfs", "-o", options.get(kind, kind), "none", str(place)]
        if shutil.which("mount") is None or subprocess.run(command, check=False).returncode:
            pytest.skip("needs the right to mount a tmpfs")
        return place

    yield mount
    subprocess.run(["umount", "-l", str(place)], check=False, capture_output=True)


def test_a_read_only_place_costs_the_cache_and_not_the_answer(serve, connect, mounted):
    place = mounted("ro")
    server = serve(account=lambda _: reply())
    assert_works_without_cache(connect(server, cache=place / "cache"), server)


def test_a_cache_that_became_read_only_costs_the_cache_and_not_the_answer(serve, connect, mounted):
    place = mounted("size=8m")
    server = serve(account=lambda _: reply())
    client = connect(server, cache=place)
    client.get(LIST)
    client.close()
    subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
    assert_works_without_cache(connect(server, cache=place), server)


def test_a_full_disk_costs_the_cache_and_not_the_answer(serve, connect, mounted):
    place = mounted("size")
    big = b'"' + b"x" * 200_000 + b'"'
    server = serve(account=lambda _: reply(big))
    client = connect(server, cache=place)
    with pytest.warns(UserWarning, match="goes on without it"):
        bodies, _ = client.get_many(PATHS)
    assert bodies == dict.fromkeys(PATHS, big)


def test_a_limit_on_file_size_costs_the_cache_and_not_the_answer(serve, root, run, token):
    server = serve(account=lambda _: reply(b'"' + b"x" * 50_000 + b'"'))
    script = run(
        """
        import resource, sys, warnings
        from k6frames import Client
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        url, folder, token = sys.argv[1:]
        client = Client(token, api_url=url, cache=folder)
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            bodies, _ = client.get_many([f"/{n}" for n in range(9)])
        print(len(bodies), {len(b) for b in bodies.values()}, len(warned), warned[0].message)
        """,
        server.url,
        root,
        token,
    )
    assert script.end().startswith("9 {50002} 1 The cache")
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


# --- threads, processes, forks ------------------------------------------------------------------

FILL = """
import sys
from k6frames import Client
url, folder, token, paths = sys.argv[1:]
client = Client(token, api_url=url, cache=folder)
print("ready", flush=True)
sys.stdin.read(1)
bodies, _ = client.get_many([f"/{n}" for n in range(int(paths))])
print(all(body == b'{"path": "%s"}' % path.encode() for path, body in bodies.items()))
"""


def _echo(path: str) -> servers.Step:
    return reply(json.dumps({"path": path}).encode(), keep=True)


CROWD = """
import os, sys
from k6frames import Client, client
url, folder, token = sys.argv[1:]
gate, opened = os.pipe()
children = []
for _ in range(8):
    pid = os.fork()
    if pid == 0:
        good = False
        try:
            os.close(opened)
            os.read(gate, 1)
            bodies, _ = Client(token, api_url=url, cache=folder).get_many(
                [f"/{n}" for n in range(25)]
            )
            good = len(bodies) == 25 and all(
                body == b'{"path": "%s"}' % path.encode() for path, body in bodies.items()
            )
        finally:
            sys.excepthook(*sys.exc_info()) if sys.exc_info()[0] else None
            os._exit(0 if good else 3)
    children.append(pid)
# All eight begin when the last writing end of the pipe is closed.
os.close(opened)
print([os.waitpid(pid, 0)[1] for pid in children])
"""


def test_eight_processes_fill_one_cache_at_once(serve, root, run, token, kept):
    server = serve(account=_echo)
    # Warnings are errors in there.
    assert run(CROWD, server.url, root, token).end() == "[0, 0, 0, 0, 0, 0, 0, 0]"
    bodies, _ = kept(server, offline=True).get_many([f"/{n}" for n in range(25)])
    assert len(bodies) == 25
    assert sql(database(root), "PRAGMA integrity_check") == [("ok",)]


def test_one_process_opens_a_cache_twice_and_keeps_its_locks(serve, kept, root, run, token):
    """Closing any descriptor of a file drops all locks of the process: the log must survive."""
    server = serve(account=_echo)
    first = kept(server)
    first.get("/0")
    kept(server).get("/0")
    # The last one to close a database removes its log; this is not the last one.
    other = run(FILL, server.url, root, token, 3)
    assert other.line() == "ready"
    other.process.stdin.write("\n")
    other.process.stdin.flush()
    assert other.end() == "True"
    assert Path(f"{database(root)}-wal").exists()
    first.get("/9")
    assert kept(server, offline=True).get("/9") == b'{"path": "/9"}'


def test_many_threads_share_one_client(serve, kept):
    server = serve(account=_echo)
    client = kept(server)
    wrong: list[object] = []

    def work() -> None:
        wrong.extend(n for n in range(20) if client.get(f"/{n}") != b'{"path": "/%d"}' % n)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not wrong
    bodies, _ = kept(server, offline=True).get_many([f"/{n}" for n in range(20)])
    assert len(bodies) == 20


def test_a_fork_after_use_gets_right_answers_and_leaves_the_parent_s_alone(serve, root, run, token):
    server = serve(account=_echo)
    script = run(
        """
        import os, sys, warnings
        # Python 3.12 warns of every fork of a process that has threads.
        warnings.filterwarnings("ignore", category=DeprecationWarning, message=".*fork")
        from k6frames import Client
        url, folder, token = sys.argv[1:]
        client = Client(token, api_url=url, cache=folder)
        right = lambda n: client.get(f"/{n}") == b'{"path": "/%d"}' % n
        assert right(1)
        parents = client._session()
        children = []
        for child in range(4):
            pid = os.fork()
            if pid == 0:
                good = all(right(n) for n in (1, 2, 10 + child))
                # Its own connections and its own cache file: the parent's are not to be touched.
                good = good and client._session() is not parents
                client.close()
                sys.exit(0 if good else 3)
            children.append(pid)
        assert all(right(n) for n in range(20, 25))
        print([os.waitpid(pid, 0)[1] for pid in children], right(1), right(2))
        """,
        server.url,
        root,
        token,
    )
    assert script.end() == "[0, 0, 0, 0] True True"
    assert server.count("/1") == 1
    assert sql(database(root), "PRAGMA integrity_check") == [("ok",)]


KILL = """
import os, random, signal, sys, time
import k6frames, k6frames.frames
url, folder, token, log = sys.argv[1:]

def load():
    seen = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    while True:
        client = k6frames.Client(token, api_url=url, cache=folder, expire_after=0.4)
        frame = k6frames.projects_df(client=client)
        sums = int(frame["project_id"].sum()), len(frame), frame["org_id"].nunique()
        os.write(seen, f"{sums}\\n".encode())
        client.close()

def start():
    pid = os.fork()
    if pid:
        return pid
    try:
        load()
    finally:
        # Whatever ended it has been said on stderr; nothing of the parent's is to be closed here.
        sys.excepthook(*sys.exc_info())
        os._exit(3)

def frames():
    return open(log).read().count("\\n") if os.path.exists(log) else 0

chance = random.Random(7)
begun = time.monotonic()
loaders, kills = [start() for _ in range(4)], 0
while time.monotonic() - begun < 40 and (
    time.monotonic() - begun < 6 or kills < 10 or frames() < 10
):
    time.sleep(chance.uniform(0.1, 0.6))
    victim = chance.randrange(4)
    os.kill(loaders[victim], signal.SIGKILL)
    kills += os.waitpid(loaders[victim], 0)[1] == signal.SIGKILL
    loaders[victim] = start()
for pid in loaders:
    os.kill(pid, signal.SIGKILL)
print(kills, [os.waitpid(pid, 0)[1] for pid in loaders])
"""


def test_processes_that_are_killed_leave_a_cache_of_right_answers(
    serve, root, run, token, kept, tmp_path
):
    organizations = servers.some_account(200)
    projects = [p["id"] for listed in organizations.values() for p in listed]
    right = str((sum(projects), len(projects), sum(bool(o) for o in organizations.values())))
    server = serve(account=servers.account(organizations))
    script = run(KILL, server.url, root, token, tmp_path / "frames.log")
    kills, ends = script.end(within=90).split(" ", 1)
    assert int(kills) >= 10
    assert ends == str([int(signal.SIGKILL)] * 4)
    seen = (tmp_path / "frames.log").read_text().splitlines()
    assert len(seen) >= 10
    assert set(seen) == {right}
    frame = frames.projects_df(client=kept(server))
    assert str((int(frame["project_id"].sum()), len(frame), frame["org_id"].nunique())) == right
    assert frame.equals(frames.projects_df(client=kept(server, offline=True)))
    assert sql(database(root), "PRAGMA integrity_check") == [("ok",)]


# --- all identities -----------------------------------------------------------------------------


def test_holdings_say_where_how_much_and_how_old(serve, kept, root):
    server = serve(account=_echo)
    kept(server, token="one").get_many(["/1", "/2"])
    kept(server, token="two").get("/1")
    held = cache.holdings(root)
    assert sorted(h.answers for h in held) == [1, 2]
    for one in held:
        assert one.size > 4096
        assert one.folder.parent == root
        assert one.oldest <= one.newest <= datetime.now(UTC)


def test_holdings_of_a_broken_file_and_of_no_folder(serve, kept, root):
    assert cache.holdings(root) == []
    client = kept(serve(reply()))
    client.get(LIST)
    client.close()
    database(root).write_bytes(b"broken" * 1000)
    (held,) = cache.holdings(root)
    assert (held.answers, held.oldest, held.newest) == (0, None, None)


def test_clear_removes_the_caches_and_nothing_else(serve, kept, root):
    server = serve(account=lambda _: reply())
    client = kept(server)
    client.get(LIST)
    (root / "notes.txt").write_text("mine")
    (root / "folder").mkdir()
    cache.clear(root)
    assert sorted(path.name for path in root.iterdir()) == ["folder", "notes.txt"]
    # Who has the cache open goes on, and a new one begins afresh.
    assert client.get(LIST) == client.get("/other") == GOOD
    assert kept(server).get(LIST) == GOOD


def test_a_closed_client_opens_again(serve, kept):
    server = serve(reply())
    with kept(server) as client:
        client.get(LIST)
    assert client.get(LIST) == GOOD
    assert server.count() == 1
