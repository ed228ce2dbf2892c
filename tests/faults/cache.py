"""Faults of the cache: its content, its file and its folder."""

from __future__ import annotations

import os
import pickle
import resource
import stat
import threading
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import pytest
import servers
from faults.sandbox import LONG, V3, Sandbox, Section
from servers import GOOD, reply

from k6frames.api import cache, cache_connection
from k6frames.api.endpoints import Request
from k6frames.errors import APIError

section = Section("The cache")
WITHOUT_CACHE = "continues without the cache, with one warning"


@section.fault(
    "another token, or another stack, requests the same path", "it gets its own response"
)
def other_token(box: Sandbox) -> None:
    server = box.serve(reply(b'{"a": 1}'), reply(b'{"b": 2}'), reply(b'{"c": 3}'))
    client = box.client(server)
    assert box.get(client) == b'{"a": 1}'
    assert box.get(box.client(server, token="another-token")) == b'{"b": 2}'
    other_stack = Request(box.path, 7)
    assert client.fetch([other_stack]).bodies[other_stack] == b'{"c": 3}'
    assert box.get(client) == b'{"a": 1}'


@section.fault("a cached response whose bytes were damaged", "it is fetched again")
def damaged(box: Sandbox) -> None:
    server = box.serve_cached()
    box.sql("UPDATE responses SET body = CAST(replace(CAST(body AS TEXT), '5', '6') AS BLOB)")
    assert box.get(box.client(server)) == GOOD
    assert server.count(box.path) == 2


@section.fault(
    "a crafted row that contains a pickle", "nothing runs; the response is fetched again"
)
def crafted(box: Sandbox) -> None:
    class Attack:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (str(box.folder / "attacked"),)

    server = box.serve_cached()
    box.replace_row(body=pickle.dumps(Attack()))
    assert box.get(box.client(server)) == GOOD
    assert not (box.folder / "attacked").exists()
    assert server.count(box.path) == 2


@section.fault("a response from the future: the clock was wrong", "it is fetched again")
def wrong_clock(box: Sandbox) -> None:
    server = box.serve_cached()
    box.replace_row(fetched=datetime(2099, 1, 1, tzinfo=UTC).timestamp())
    assert box.get(box.client(server)) == GOOD
    assert server.count(box.path) == 2


@section.fault(
    "the file is not a database", "it is set aside with a warning, and a new one created"
)
def corrupt(box: Sandbox) -> None:
    server = box.serve_cached()
    server.account = lambda _: reply()
    box.database.write_bytes(b"not a database " * 999)
    box.check_one_warning("was corrupt", box.client(server))


@section.fault("another process has locked it", WITHOUT_CACHE, versions=V3)
def locked(box: Sandbox) -> None:
    server = box.serve_cached()
    server.account = lambda _: reply()
    box.sql("PRAGMA journal_mode=DELETE")
    box.patch.setattr(cache_connection, "LOCK_TIMEOUT_SECONDS", 0.3)
    box.lock_database()
    box.check_one_warning("continues without it", box.client(server))


@section.fault(
    "another process locks it while it is used",
    f"cached responses are returned without waiting; for others it {WITHOUT_CACHE}",
    versions=V3,
)
def locked_later(box: Sandbox) -> None:
    server = box.serve(account=lambda _: reply())
    client = box.client(server)
    assert box.get(client) == GOOD
    box.lock_database()
    box.patch.setattr(cache_connection, "LOCK_TIMEOUT_SECONDS", LONG)
    assert box.get(client) == GOOD
    assert server.count(box.path) == 1
    box.patch.setattr(cache_connection, "LOCK_TIMEOUT_SECONDS", 0.3)
    box.check_one_warning("continues without it", client)


@section.fault(
    "it is hard-linked, or it or its folder is a symbolic link or another user's",
    WITHOUT_CACHE + "; nothing elsewhere changes",
)
def links_and_owners(box: Sandbox) -> None:
    server = box.serve(account=lambda _: reply())
    folder = box.client(server)._settings.cache_folder
    assert folder is not None
    precious, file = box.folder / "other" / "precious", folder / cache.DATABASE_NAME
    precious.parent.mkdir()
    precious.touch()
    precious.chmod(0o644)
    folder.mkdir(parents=True)
    for plant in (file.symlink_to, file.hardlink_to):
        plant(precious)
        box.check_one_warning("continues without it", box.client(server))
        file.unlink()
    folder.rmdir()
    folder.symlink_to(precious.parent)
    box.check_one_warning("is a symbolic link", box.client(server))
    folder.unlink()
    folder.mkdir()
    box.patch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    box.check_one_warning("belongs to another user", box.client(server))
    assert stat.S_IMODE(precious.stat().st_mode) == 0o644
    assert (precious.read_bytes(), list(precious.parent.iterdir())) == (b"", [precious])


@section.fault("it is cleared while it is used", "a new one is created")
def cleared(box: Sandbox) -> None:
    server = box.serve(account=lambda _: reply())
    client = box.client(server)
    for _ in range(3):
        assert box.get(client) == box.get(client) == GOOD
        cache.clear_caches(box.folder / "cache")
        assert list((box.folder / "cache").iterdir()) == []
    assert server.count(box.path) == 3


@section.fault("its folder cannot be created", WITHOUT_CACHE)
def no_folder(box: Sandbox) -> None:
    (box.folder / "cache").write_text("a file")
    server = box.serve(account=lambda _: reply())
    box.check_one_warning("continues without it", box.client(server))


@section.fault("the disk is full", WITHOUT_CACHE, versions=V3)
def full(box: Sandbox) -> None:
    body = b'"' + b"x" * 100_000 + b'"'
    client = box.client(box.serve(account=lambda _: reply(body)))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with ExitStack() as stack:
        stack.callback(resource.setrlimit, resource.RLIMIT_FSIZE, (soft, hard))
        resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, hard))
        with pytest.warns(UserWarning, match="continues without it") as warned:
            bodies = client.fetch([f"/{number}" for number in range(5)]).bodies
    assert list(bodies.values()) == [body] * 5
    assert len(warned) == 1


@section.fault(
    "several threads and clients fill one cache at once", "each gets the correct responses"
)
def shared_by_threads(box: Sandbox) -> None:
    server = box.serve(account=servers.echo)
    requests = [box.request(f"/{number}") for number in range(10)]
    expected = {request: b'{"path": "%s"}' % request.path.encode() for request in requests}
    results: list[Any] = []
    threads = [
        threading.Thread(target=lambda c=client: results.append(c.fetch(requests).bodies))
        for client in (box.client(server), box.client(server))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert results == [expected] * 6


@section.fault("offline, and a path was never fetched", "an error that names it; nothing is sent")
def offline(box: Sandbox) -> None:
    server = box.serve_cached()
    client = box.client(server, offline=True)
    assert box.get(client) == GOOD
    with pytest.raises(APIError, match=r"/never( \(stack 123\))? is not in the cache") as caught:
        client.fetch([box.request("/never")])
    box.errors.append(caught.value)
    assert len(server.requests) == 1
