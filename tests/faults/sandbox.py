"""A fault that k6frames handles, and the servers, clients and checks for it."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import re
import sqlite3
import ssl
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import leaks
import pytest
import servers
import trustme
from servers import GOOD, LIST, RawServer, Step, reply

from k6frames.api import cache, fetching
from k6frames.api.client import Client
from k6frames.api.endpoints import Request
from k6frames.errors import APIError, ConfigError

PATHS = {"v3": LIST, "v6": "/cloud/v6/projects"}
STACKS = {"v3": None, "v6": 123}
V3, V6, V3_AND_V6 = ("v3",), ("v6",), ("v3", "v6")

RETRIED = "retried; the complete response is returned"
TIMES_OUT = "an error when the budget is over; the connection is closed"
NOT_RETRIED = "an immediate error, without a retry"

BUDGET = 0.2
"""Seconds for a request that never ends."""
LATE = 30.0
"""Seconds after its budget within which a request ends, also on a slow machine. What would end a
request otherwise, such as a timeout, takes longer."""
LONG = 100
"""Seconds of what must not be waited for."""


@dataclass
class Sandbox:
    """What a check works with: servers, clients, a token, and every error that was raised."""

    folder: Path
    token: str
    patch: pytest.MonkeyPatch
    stack: ExitStack
    version: str = "v3"
    errors: list[BaseException] = field(default_factory=list)
    clients: list[Client] = field(default_factory=list)

    @property
    def path(self) -> str:
        return PATHS[self.version]

    @property
    def stack_id(self) -> int | None:
        return STACKS[self.version]

    def request(self, path: str) -> Request:
        return Request(path, self.stack_id)

    def serve(self, *steps: Step, **options: Any) -> RawServer:
        script = {self.path: steps} if steps else options.pop("script", {})
        return self.stack.enter_context(RawServer(script, **options))

    def serve_tls(self, *steps: Step) -> RawServer:
        """Start a server with TLS, whose certificate nobody knows."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        _authority().issue_cert("127.0.0.1").configure_cert(context)
        return self.serve(*steps, tls=context)

    def trust_certificate(self) -> None:
        """Let clients trust the certificate."""
        bundle = self.folder / "ca.pem"
        _authority().cert_pem.write_to_path(str(bundle))
        self.patch.setenv("REQUESTS_CA_BUNDLE", str(bundle))

    def client(self, server: RawServer | str, **options: Any) -> Client:
        options = {
            "token": self.token,
            "budget": 10,
            "timeout": (LONG, LONG),
            "progress": False,
            **options,
        }
        url = server if isinstance(server, str) else server.url
        self.clients.append(self.stack.enter_context(Client(api_url=url, **options)))
        return self.clients[-1]

    def get(self, client: Client, path: str = "") -> bytes:
        """Return a response, which does not take longer than is promised."""
        request = self.request(path or self.path)
        started = time.monotonic()
        try:
            return client.fetch([request]).bodies[request]
        finally:
            assert time.monotonic() - started < client._fetcher.budget + LATE

    def check_error(self, client: Client, message: str, *, status: int | None = None) -> APIError:
        with pytest.raises(APIError) as caught:
            self.get(client)
        self.errors.append(caught.value)
        assert message in str(caught.value)
        assert self.path in str(caught.value)
        assert caught.value.status == status
        return caught.value

    def check_not_retried(self, step: Step, message: str, *, status: int | None = None) -> APIError:
        """Check that the request is sent once, and that this is its error."""
        server = self.serve(step)
        error = self.check_error(self.client(server), message, status=status)
        assert server.count(self.path) == 1
        return error

    def check_config_error(self, message: str, *args: Any, **options: Any) -> ConfigError:
        with pytest.raises(ConfigError, match=re.escape(message)) as caught:
            Client(*args, **options)
        # Without its frames: they have the arguments as they were given.
        self.errors.append(ConfigError(*caught.value.args))
        return caught.value

    def check_retried(self, *steps: Step) -> None:
        """Check that after each of these the request is sent again, and its response cached."""
        paths = [f"{self.path}/{number}" for number in range(len(steps))]
        script = {path: [step, reply()] for path, step in zip(paths, steps, strict=True)}
        server = self.serve(script=script)
        client = self.client(server)
        for _ in range(2):
            bodies = client.fetch(map(self.request, paths)).bodies
            assert list(bodies.values()) == [GOOD] * len(steps)
            assert [server.count(path) for path in paths] == [2] * len(steps)

    def check_timeouts(self, *steps: Step) -> None:
        """Check that each of these, which never end, is an error when the budget is over."""
        requests = [self.request(f"{self.path}/{number}") for number in range(len(steps))]
        script = {r.path: [step] for r, step in zip(requests, steps, strict=True)}
        client = self.client(self.serve(script=script), budget=BUDGET)
        started = time.monotonic()
        failures = client.fetch(requests, on_error="warn").failures
        assert time.monotonic() - started < BUDGET + LATE
        assert list(failures) == requests
        self.errors += failures.values()
        for request, error in failures.items():
            assert request.path in str(error)
            assert f"{BUDGET} s" in str(error)
            assert error.status is None

    @property
    def database(self) -> Path:
        (found,) = (self.folder / "cache").glob(f"*/{cache.DATABASE_NAME}")
        return found

    def serve_cached(self) -> RawServer:
        """Return a server whose response has been cached, by a client that is closed again."""
        server = self.serve(reply())
        with self.client(server) as client:
            assert self.get(client) == GOOD
        return server

    def sql(self, statement: str, *values: object) -> list[Any]:
        with contextlib.closing(sqlite3.connect(self.database)) as connection, connection:
            return connection.execute(statement, values).fetchall()

    def replace_row(self, *, fetched: float | None = None, body: bytes | None = None) -> None:
        """Change the only cached response, with the right checksum."""
        ((key, *before),) = self.sql("SELECT key, fetched, body FROM responses")
        fetched, body = fetched or before[0], body or before[1]
        checksum = cache._checksum(key, fetched, body)
        self.sql(
            "UPDATE responses SET fetched = ?, checksum = ?, body = ?", fetched, checksum, body
        )

    def check_one_warning(self, message: str, client: Client) -> None:
        """Check that the right responses arrive, with exactly one warning."""
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            assert self.get(client) == GOOD
            assert self.get(client, f"{self.path}/other") == GOOD
        self.errors += [w.message for w in warned if isinstance(w.message, Warning)]
        assert [message in str(w.message) for w in warned] == [True]

    def lock_database(self) -> None:
        """Let another process take the write lock of the cache, and keep it."""
        process = self.start_process(_LOCK, self.database)
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"

    def start_process(self, script: str, *arguments: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", script, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "K6_CLOUD_TOKEN": self.token},
        )
        self.stack.callback(process.communicate)
        self.stack.callback(process.kill)
        return process

    def wait_for_output(self, process: subprocess.Popen[str]) -> str:
        """Return what a process printed, once it ended without an error."""
        out, err = process.communicate(timeout=60)
        assert (err, process.returncode) == ("", 0)
        assert self.token not in out
        return out.strip()


@functools.cache
def _authority() -> trustme.CA:
    return trustme.CA()


_LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
"""


Check = Callable[[Sandbox], None]


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong, what k6frames promises then, and the check of it."""

    name: str
    promise: str
    check: Check
    versions: tuple[str, ...]


@dataclass
class Section:
    """The faults of one subject, in the order of the page."""

    title: str
    versions: tuple[str, ...] = V3_AND_V6
    faults: list[Fault] = field(default_factory=list)

    def fault(
        self, name: str, promise: str, *, versions: tuple[str, ...] = ()
    ) -> Callable[[Check], Check]:
        """Add a check of a fault, by default for all versions of the section."""

        def add(check: Check) -> Check:
            self.faults.append(Fault(name, promise, check, versions or self.versions))
            return check

        return add


def check_fault(
    fault: Fault,
    version: str,
    folder: Path,
    token: str,
    patch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Check that the promise holds, that no thread is left, and that the token is nowhere."""
    patch.setattr(fetching, "GRACE_SECONDS", 0.05)
    caplog.set_level(logging.DEBUG)
    with ExitStack() as stack:
        box = Sandbox(folder, token, patch, stack, version)
        fault.check(box)
        # Before the servers are closed, which would end them too.
        servers.wait_until(lambda: not threads())
        shown = [repr(client) + client._repr_html_() + repr(vars(client)) for client in box.clients]
    assert leaks.leaks_in_files(token, folder) == []
    assert leaks.leaks_in_logs(token, caplog.records) == []
    leaked = [leak for error in box.errors for leak in leaks.leaks_in_error(token, error)]
    assert leaked == [], leaked
    assert not leaks.is_in_text(token, f"{capfd.readouterr()} {shown}")


def threads() -> list[threading.Thread]:
    """Return the threads of k6frames that are alive."""
    return [thread for thread in threading.enumerate() if thread.name == "k6frames"]
