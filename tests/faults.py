"""The catalogue of faults: what can go wrong, what k6frames promises then, and how it is checked.

``python tests/faults.py`` writes docs/faults.md from it; tests/api/test_faults.py runs each check,
for the paths of v3 and of v6.
"""

from __future__ import annotations

import contextlib
import functools
import gzip
import json
import logging
import os
import pickle
import random
import re
import resource
import signal
import socket
import sqlite3
import ssl
import stat
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import leaks
import pytest
import servers
import trustme
from servers import GOOD, LIST, RawServer, Step, busy, reply

from k6frames.api import adapter, cache, database, fetching, responses
from k6frames.api.client import Client
from k6frames.api.endpoints import Request
from k6frames.errors import APIError, ConfigError, SchemaError
from k6frames.loaders.load_tests import stack_projects_df
from k6frames.loaders.organizations import organizations_df, projects_df

PATHS = {"v3": LIST, "v6": "/cloud/v6/projects"}
STACKS = {"v3": None, "v6": 123}
CONNECT_TIMEOUT = 2.0
BUDGET = 0.2
"""Seconds for a request that never ends."""
LATE = 1.5
"""Seconds that a request may take longer than its budget on a machine that is busy."""


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

    def secure(self, *steps: Step) -> RawServer:
        """Start a server with TLS, whose certificate nobody knows."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        _authority().issue_cert("127.0.0.1").configure_cert(context)
        return self.serve(*steps, tls=context)

    def trust(self) -> None:
        """Let clients trust the certificate."""
        bundle = self.folder / "ca.pem"
        _authority().cert_pem.write_to_path(str(bundle))
        self.patch.setenv("REQUESTS_CA_BUNDLE", str(bundle))

    def client(self, server: RawServer | str, **options: Any) -> Client:
        options = {
            "token": self.token,
            "budget": 10,
            "timeout": (CONNECT_TIMEOUT, 5),
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

    def fails(self, client: Client, message: str, *, status: int | None = None) -> APIError:
        with pytest.raises(APIError) as caught:
            self.get(client)
        self.errors.append(caught.value)
        assert message in str(caught.value)
        assert self.path in str(caught.value)
        assert caught.value.status == status
        return caught.value

    def fails_at_once(self, step: Step, message: str, *, status: int | None = None) -> APIError:
        """Check that the request is sent once, and that this is its error."""
        server = self.serve(step)
        error = self.fails(self.client(server), message, status=status)
        assert server.count(self.path) == 1
        return error

    def refuses(self, message: str, *args: Any, **options: Any) -> ConfigError:
        with pytest.raises(ConfigError, match=re.escape(message)) as caught:
            Client(*args, **options)
        # Without its frames: they have the arguments as they were given.
        self.errors.append(ConfigError(*caught.value.args))
        return caught.value

    def recovers(self, *steps: Step) -> None:
        """Check that after each of these the request is sent again, and its response cached."""
        paths = [f"{self.path}/{number}" for number in range(len(steps))]
        script = {path: [step, reply()] for path, step in zip(paths, steps, strict=True)}
        server = self.serve(script=script)
        client = self.client(server)
        for _ in range(2):
            bodies = client.fetch(map(self.request, paths)).bodies
            assert list(bodies.values()) == [GOOD] * len(steps)
            assert [server.count(path) for path in paths] == [2] * len(steps)

    def times_out(self, *steps: Step) -> None:
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

    def filled(self) -> RawServer:
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

    def warns(self, message: str, client: Client) -> None:
        """Check that the right responses arrive, with exactly one warning."""
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            assert self.get(client) == GOOD
            assert self.get(client, f"{self.path}/other") == GOOD
        self.errors += [w.message for w in warned if isinstance(w.message, Warning)]
        assert [message in str(w.message) for w in warned] == [True]

    def lock(self) -> None:
        """Let another process take the write lock of the cache, and keep it."""
        process = self.run(_LOCK, self.database)
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"

    def run(self, script: str, *arguments: object) -> subprocess.Popen[str]:
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

    def output(self, process: subprocess.Popen[str]) -> str:
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


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong."""

    name: str
    promise: str
    check: Callable[[Sandbox], None]
    section: str
    versions: tuple[str, ...]


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
        servers.wait_until(lambda: not threads(), within=3)
        shown = [repr(client) + client._repr_html_() + repr(vars(client)) for client in box.clients]
    assert leaks.leaks_in_files(token, folder) == []
    assert leaks.leaks_in_logs(token, caplog.records) == []
    leaked = [leak for error in box.errors for leak in leaks.leaks_in_error(token, error)]
    assert leaked == [], leaked
    assert not leaks.is_in_text(token, f"{capfd.readouterr()} {shown}")


FAULTS: list[Fault] = []
_section = ""


def fault(
    name: str, promise: str, *, versions: tuple[str, ...] = ("v3", "v6")
) -> Callable[[Callable[[Sandbox], None]], Callable[[Sandbox], None]]:
    """Add a check to the catalogue."""

    def add(check: Callable[[Sandbox], None]) -> Callable[[Sandbox], None]:
        FAULTS.append(Fault(name, promise, check, _section, versions))
        return check

    return add


RETRIED = "retried; the complete response is returned"
TIMES_OUT = "an error when the budget is over; the connection is closed"
AT_ONCE = "an error at once, without a retry"
V3, V6 = ("v3",), ("v6",)

# ------------------------------------------------------------------------------------------------
_section = "The connection"


@fault("no server listens on the port", "retried within the budget, then an error names the host")
def refused(box: Sandbox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    error = box.fails(box.client(f"http://127.0.0.1:{port}"), "Connection refused). Tried 6 times")
    assert f"whether 127.0.0.1:{port} is the right host" in str(error)


@fault("the server starts while the request is retried", RETRIED)
def starting(box: Sandbox) -> None:
    box.patch.setattr(adapter, "FIRST_WAIT_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    start = threading.Timer(0.1, lambda: box.serve(reply(), port=port))
    start.start()
    assert box.get(box.client(f"http://127.0.0.1:{port}")) == GOOD
    start.join()


@fault("the connection is reset, or closed without a response", RETRIED)
def reset(box: Sandbox) -> None:
    box.recovers(servers.reset, servers.hang_up)


@fault("an open connection was closed by the server while it was idle", RETRIED)
def idle(box: Sandbox) -> None:
    server = box.serve(reply(keep_alive=True), servers.hang_up, reply())
    client = box.client(server, cache=False)
    assert box.get(client) == box.get(client) == GOOD
    assert server.connections == 2


@fault("what listens on the port does not speak HTTP, and repeats the token", RETRIED)
def no_http(box: Sandbox) -> None:
    box.recovers(servers.raw(f"ERR {box.token}\r\n".encode()), servers.raw(b"SSH-2.0-Open\r\n"))
    server = box.serve(servers.raw(f"ERR {box.token}\r\n".encode()))
    box.fails(box.client(server), "no complete response was received")


@fault("nobody accepts the connection", TIMES_OUT)
def not_accepted(box: Sandbox) -> None:
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):  # more than its queue has room for
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        box.fails(box.client(url, budget=BUDGET), "the connection timed out")


@fault(
    "the DNS lookup of the host hangs",
    "an error when the budget is over; the thread ends with the lookup",
)
def slow_lookup(box: Sandbox) -> None:
    returned = threading.Event()

    def look_up(*_: Any, **__: Any) -> None:
        returned.wait(20)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", look_up)
        box.fails(box.client("https://k6.invalid", budget=BUDGET), "the budget")
        # The thread is free again when the system is done.
        returned.set()
        servers.wait_until(lambda: not threads())


@fault("a host name that no request can be sent to", AT_ONCE)
def bad_host(box: Sandbox) -> None:
    box.fails(box.client("https://a..b"), "cannot be used")


@fault("a proxy in the environment that cannot be used", AT_ONCE)
def bad_proxy(box: Sandbox) -> None:
    box.patch.setenv("HTTP_PROXY", "http://")
    box.fails(box.client(box.serve(reply())), "a proxy of the environment")


@fault("the proxy's response to CONNECT never ends", TIMES_OUT)
def proxy_drips(box: Sandbox) -> None:
    start = b"HTTP/1.1 200 OK\r\nX-Slow: "
    proxy = box.serve(script={"k6.invalid:443": [servers.endless(start, lambda _: b"x")]})
    box.patch.setenv("HTTPS_PROXY", proxy.url)
    box.fails(box.client("https://k6.invalid", budget=BUDGET), "the budget")
    assert "authorization" not in proxy.requests[0].headers


@fault("the proxy refuses CONNECT", "an error with the proxy's status")
def proxy_refuses(box: Sandbox) -> None:
    refusal = f"HTTP/1.1 407 \x1b[2J{box.token}\r\n\r\n".encode()
    proxy = box.serve(script={"k6.invalid:443": [servers.raw(refusal)]})
    box.patch.setenv("HTTPS_PROXY", proxy.url)
    box.fails(box.client("https://k6.invalid"), "the proxy refused the connection (HTTP 407).")


@fault("the certificate bundle has no certificates", "an error at once that names it")
def no_certificates(box: Sandbox) -> None:
    box.patch.setenv("REQUESTS_CA_BUNDLE", os.devnull)
    with pytest.raises(ConfigError, match=r"REQUESTS_CA_BUNDLE .* '/dev/null', which cannot"):
        box.get(box.client(box.secure(reply())))


@fault("the server's certificate is not trusted", AT_ONCE + "; the token is not sent")
def certificate(box: Sandbox) -> None:
    server = box.secure(reply())
    box.fails(box.client(server), "REQUESTS_CA_BUNDLE")
    assert (server.connections, server.requests) == (1, [])


@fault("the TLS handshake never ends", TIMES_OUT)
def handshake_drips(box: Sandbox) -> None:
    # The start of a long record.
    server = box.serve(handshake=servers.endless(b"\x16\x03\x03\x40\x00", lambda _: b"\x02"))
    box.fails(box.client(server, budget=BUDGET), "budget")


@fault("`~/.netrc` has another login for the host", "it is not read: the token is sent")
def netrc(box: Sandbox) -> None:
    (box.folder / "netrc").write_text("machine 127.0.0.1 login a password b\n")
    box.patch.setenv("NETRC", str(box.folder / "netrc"))
    server = box.serve(reply())
    box.get(box.client(server))
    scheme, stack = {"v3": ("token", None), "v6": ("Bearer", "123")}[box.version]
    headers = server.requests[0].headers
    assert headers["authorization"] == f"{scheme} {box.token}"
    assert headers.get("x-stack-id") == stack


# ------------------------------------------------------------------------------------------------
_section = "Incomplete responses"


@fault("a body shorter or longer than its Content-Length", RETRIED)
def other_length(box: Sandbox) -> None:
    box.recovers(servers.too_short(), reply(headers={"Content-Length": 12}))


@fault("a chunked body that is truncated, or has a malformed or negative chunk size", RETRIED)
def truncated_chunks(box: Sandbox) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    box.recovers(
        servers.chunked(GOOD[:20], complete=False),
        servers.chunked(GOOD, complete=False),
        servers.raw(head + b"40\r\n" + GOOD[:20]),
        servers.raw(head + b"zz\r\n" + GOOD),
        servers.raw(head + b"-1\r\n" + GOOD + b"\r\n0\r\n\r\n"),
    )


@fault("a body without a length that is truncated", RETRIED)
def truncated_close(box: Sandbox) -> None:
    box.recovers(servers.close_delimited(GOOD[:-5]))


@fault("a gzip body that is truncated, or is not gzip", RETRIED)
def truncated_gzip(box: Sandbox) -> None:
    encoding = {"Content-Encoding": "gzip"}
    box.recovers(
        servers.gzipped(missing=15),
        servers.close_delimited(gzip.compress(GOOD)[:-15], headers=encoding),
        reply(headers=encoding),
    )


@fault("status 200 with HTML, truncated JSON, or nothing", RETRIED + "; never cached")
def not_json(box: Sandbox) -> None:
    box.recovers(reply(b"<html>Please sign in</html>"), reply(GOOD[:-1]), reply(b""))


@fault("any number of interim responses (100, 102, 103) before the response", "they are skipped")
def interim(box: Sandbox) -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n"
    lines = [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 102 Processing\r\n\r\n", early]
    good = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(GOOD)
    server = box.serve(servers.raw(b"".join([*lines, *lines]) + good + GOOD))
    assert box.get(box.client(server)) == GOOD
    assert server.count(box.path) == 1


@fault("status 101, 204 or another one without a complete body", AT_ONCE)
def no_content(box: Sandbox) -> None:
    for status in (101, 204, 206):
        box.fails_at_once(reply(b"", status=status), f"HTTP {status}", status=status)


@fault("status 200 with an error in the API's own format", "a SchemaError, never an empty frame")
def error_as_200(box: Sandbox) -> None:
    client = box.client(box.serve(account=lambda _: servers.error(200, "no")))
    load = {
        "v3": functools.partial(organizations_df),
        "v6": functools.partial(stack_projects_df, stack=123),
    }[box.version]
    with pytest.raises(SchemaError, match="the response is ") as caught:
        load(client=client)
    box.errors.append(caught.value)


# ------------------------------------------------------------------------------------------------
_section = "Time and size"


@fault("a server that stays silent, before the headers or after them", TIMES_OUT)
def silence(box: Sandbox) -> None:
    after_headers = servers.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", 60.0)
    box.times_out(servers.silence, after_headers)


@fault("endless interim responses, slow or fast", TIMES_OUT)
def endless_interim(box: Sandbox) -> None:
    box.times_out(
        servers.endless(b"", lambda _: b"HTTP/1.1 100 Continue\r\n\r\n"),
        servers.endless(b"", lambda _: b"HTTP/1.1 100 Continue\r\n\r\n" * 99, pause=0.001),
        servers.endless(b"", lambda _: b"HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n"),
    )


@fault("a status line or headers that arrive byte by byte", TIMES_OUT)
def slow_headers(box: Sandbox) -> None:
    box.times_out(
        servers.endless(b"HTTP/1.1 2", lambda _: b"0"),
        servers.endless(b"HTTP/1.1 200 OK\r\nX-Slow: ", lambda _: b"x"),
        servers.endless(b"HTTP/1.1 200 OK\r\n", lambda n: b"X-%d: x\r\n" % n),
    )


@fault("a body that arrives byte by byte, of any encoding and kept open or not", TIMES_OUT)
def slow_body(box: Sandbox) -> None:
    sized: dict[str, object] = {"Content-Length": 10**6}
    in_chunks = {"Transfer-Encoding": "chunked"}
    close, packed = {"Connection": "close"}, {"Content-Encoding": "gzip"}
    noise = gzip.compress(random.Random(1).randbytes(9999))
    empty = b"14\r\n" + gzip.compress(b"") + b"\r\n"
    box.times_out(
        servers.endless_body(sized, lambda _: b" "),
        servers.endless_body(sized | close, lambda _: b" "),
        servers.endless_body(close, lambda _: b" "),
        servers.endless_body(in_chunks, lambda _: b"1\r\n \r\n"),
        servers.endless_body(in_chunks | close, lambda _: b"0"),
        servers.endless_body(sized | packed, lambda n: noise[n : n + 1]),
        servers.endless_body(in_chunks | packed, lambda _: empty),
    )


@fault("the same over TLS", TIMES_OUT, versions=V3)
def slow_tls(box: Sandbox) -> None:
    box.trust()
    close = {"Connection": "close"}
    for step in (
        servers.endless(b"HTTP/1.1 200 OK\r\nX-Slow: ", lambda _: b"x"),
        servers.endless_body(close, lambda _: b" "),
    ):
        box.fails(box.client(box.secure(step), budget=BUDGET), "budget")


@fault("a body above the size limit", AT_ONCE + "; it names the limit")
def huge(box: Sandbox) -> None:
    box.patch.setattr(responses, "MAX_BODY_BYTES", 2000)
    for step in (
        reply(b" " * 5000),
        servers.chunked(*[b" " * 500] * 10),
        servers.close_delimited(b" " * 5000),
    ):
        box.fails_at_once(step, "longer than 2,000 bytes")


@fault("a small gzip body that unpacks to one above the limit", AT_ONCE + " or much memory")
def bomb(box: Sandbox) -> None:
    box.patch.setattr(responses, "MAX_BODY_BYTES", 10**6)
    packed = gzip.compress(b" " * 3 * 10**7)
    started = time.process_time()
    headers = {"Content-Encoding": "gzip"}
    box.fails_at_once(reply(packed, headers=headers), "longer than 1,000,000 bytes")
    assert time.process_time() - started < 1


# ------------------------------------------------------------------------------------------------
_section = "What the API responds"


@fault("status 408, 429, 500, 502, 503 or 504 for a while", RETRIED)
def transient(box: Sandbox) -> None:
    box.recovers(*(busy(status) for status in (408, 429, 500, 502, 503, 504)))


@fault("one of them every time", "an error with the number of attempts and the time")
def steady(box: Sandbox) -> None:
    server = box.serve(busy(503))
    error = box.fails(box.client(server), "HTTP 503", status=503)
    assert re.search(r"Tried 6 times in \d\.\d s \(budget 10 s\)", str(error))
    assert server.count(box.path) == adapter.MAX_ATTEMPTS


@fault("status 401", AT_ONCE + ": the token is wrong or was revoked")
def unauthorized(box: Sandbox) -> None:
    box.fails_at_once(busy(401), "wrong or was revoked", status=401)


@fault("status 403", AT_ONCE + "; it names whom to ask, and advises to check the stack")
def forbidden(box: Sandbox) -> None:
    advice = {"v3": "ask to be made a member.", "v6": "check the stack (its ID"}[box.version]
    box.fails_at_once(busy(403), advice, status=403)


@fault(
    "status 403 for one organization of several", "the error names it, and says how to leave it out"
)
def forbidden_of_several(box: Sandbox) -> None:
    account = servers.account(servers.some_account(3))
    path = f"{LIST}/2/projects"
    client = box.client(box.serve(script={path: [busy(403)]}, account=account))
    with pytest.raises(
        APIError, match=r"^organization 2 \(Organization 2\): .* HTTP 403"
    ) as caught:
        projects_df(client=client)
    box.errors.append(caught.value)
    assert str(caught.value).endswith(
        'ask to be made a member. To read the rest without it, pass on_error="warn".'
    )
    with pytest.warns(UserWarning, match=r"organization 2 \(Organization 2\)"):
        assert projects_df(client=client, on_error="warn")["org_id"].to_list() == [1]


@fault("status 404", AT_ONCE + "; it names the path")
def missing(box: Sandbox) -> None:
    box.fails_at_once(busy(404), "HTTP 404. It does not exist", status=404)


@fault(
    "status 400 for a stack that does not exist",
    AT_ONCE + "; it advises to check the stack",
    versions=V6,
)
def bad_stack(box: Sandbox) -> None:
    error = box.fails_at_once(busy(400), "Check the stack", status=400)
    assert "(stack 123)" in str(error)


@fault("Retry-After within the budget", "all requests wait that long", versions=V3)
def retry_after(box: Sandbox) -> None:
    paths = [f"{box.path}/{number}" for number in range(4)]
    script = {path: [reply(delay=0.3)] for path in paths}
    server = box.serve(script=script | {paths[0]: [busy(429, 1), reply()]})
    bodies = box.client(server, max_workers=2).fetch(map(box.request, paths)).bodies
    assert list(bodies.values()) == [GOOD] * 4
    start = server.requests[0].time
    # The other worker's first request may have been on its way already, and no more than that one.
    sent = [request.path for request in server.requests if request.time < start + 1]
    assert sorted(sent) in ([paths[0]], paths[:2])


@fault("Retry-After beyond the budget", AT_ONCE + ", also for requests that follow")
def retry_much_later(box: Sandbox) -> None:
    for status in (503, 429):
        server = box.serve(busy(status, 86400))
        client = box.client(server)
        message = "The API asks to wait 86400 s (Retry-After), but only 10 s are left"
        error = box.fails(client, message, status=status)
        assert "Tried once" in str(error)
    box.fails(client, "the API asks for a pause of 86400 s", status=429)
    assert server.count(box.path) == 1


@fault("a Retry-After that is malformed, negative or of 400 digits", "it is ignored")
def retry_nonsense(box: Sandbox) -> None:
    values = ["soon", "-5", "1.5e3", "9" * 400, "9" * 5000, "Wed, 99 Foo 2026 00:00:00 GMT"]
    box.recovers(*(busy(503, value) for value in values))


@fault("a redirect, also to another host", "it is refused: the token is sent nowhere else")
def redirected(box: Sandbox) -> None:
    other = box.serve(reply())
    for status in (301, 302, 303, 307, 308):
        step = servers.redirect(other.url + box.path, status)
        error = box.fails_at_once(step, "follows no redirect", status=status)
        assert "redirects to http://127.0.0.1." in str(error)
    for location in ("/elsewhere", "", "//", "javascript:1"):
        box.fails_at_once(servers.redirect(location), "redirects to another path", status=302)
    box.fails_at_once(servers.redirect("http://["), "no valid address", status=302)
    assert other.requests == []


@fault("status 304", AT_ONCE + "; it is not called a redirect")
def not_modified(box: Sandbox) -> None:
    headers = {"Location": "https://elsewhere.example/"}
    error = box.fails_at_once(reply(b"", status=304, headers=headers), "HTTP 304", status=304)
    assert "redirect" not in str(error)


@fault("cookies, and `Vary: Cookie`", "they are dropped; the response is cached nevertheless")
def cookies(box: Sandbox) -> None:
    headers = {"Set-Cookie": f"a={box.token}; Path=/", "Vary": "Cookie"}
    server = box.serve(account=lambda _: reply(headers=headers))
    client = box.client(server)
    assert box.get(client) == box.get(client) == GOOD
    assert server.count(box.path) == 1
    box.get(client, f"{box.path}?other")
    assert "cookie" not in server.requests[1].headers


_UNUSABLE_ERRORS = (
    b"",
    b"<html><h1>Forbidden</h1></html>",
    b"[]",
    b"null",
    b'{"error": 5}',
    b'{"error": {}}',
    b'{"error": null}',
    b'{"error":' * 100_000,
    b"[" * 100_000,
    b"\xff\xfe",
)


@fault("an error body of HTML, of other JSON, or of 100,000 levels", "an error without its text")
def odd_errors(box: Sandbox) -> None:
    for body in _UNUSABLE_ERRORS:
        error = box.fails_at_once(reply(body, status=418), "HTTP 418.", status=418)
        assert error.code is None


@fault(
    "an error code or message that is very long, of another type or invalid UTF-8", "shown, short"
)
def odd_codes(box: Sandbox) -> None:
    for code, shown in (
        (b"3", 3),
        (b'"not_found"', "not_found"),
        (b"9" * 4000, "9" * 60),
        (b"9" * 9000, "9" * 60),
        (b"-%d" % 2**64, f"-{2**64}"),
        (b'"%s"' % (b"c" * 500), "c" * 60),
        (b"[1]", "[1]"),
        (b"null", None),
        (b'"\xff"', '"\ufffd"'),
    ):
        body = b'{"error": {"message": "Told you", "code": %s}}' % code
        error = box.fails_at_once(reply(body, status=418), "'Told you'", status=418)
        assert error.code == shown
        assert code == b"null" or f"code {shown})" in str(error)
    for message, text in ((b"null", "HTTP 418 (code 1)"), (b'"\xff"', "\ufffd"), (b"[7]", "'[7]'")):
        body = b'{"error": {"code": 1, "message": %s}}' % message
        assert box.fails_at_once(reply(body, status=418), text, status=418).code == 1
    error = box.fails_at_once(servers.error(418, "long " * 10**5), "'long long ", status=418)
    assert 300 < len(str(error)) < 450


@fault("an error message with control characters", "none of them reaches the terminal")
def control(box: Sandbox) -> None:
    step = servers.error(418, "\x1b[2J\x07\u202egnp\nsecond line\x00", "\x1b[31m")
    error = box.fails_at_once(step, "second line", status=418)
    assert str(error).isprintable()
    assert str(error.code).isprintable()


# ------------------------------------------------------------------------------------------------
_section = "The server repeats the token"


@fault("in an error message or code, also where they are shortened", "it is redacted")
def echo(box: Sandbox) -> None:
    error = box.fails_at_once(
        servers.error(418, f"no {box.token}", box.token), "no ***", status=418
    )
    assert error.code == "***"
    step = servers.error(418, "x" * 290 + box.token, "x" * 50 + box.token)
    box.fails_at_once(step, "x***", status=418)


@fault("in an error page of HTML", "the page is not shown")
def echo_page(box: Sandbox) -> None:
    body = f"<html>{box.token}</html>".encode()
    box.fails_at_once(reply(body, status=403), "HTTP 403.", status=403)


@fault("in a response with status 200 that is not JSON, and in its type", "it is not shown")
def echo_broken(box: Sandbox) -> None:
    step = reply(f"<p>{box.token}".encode(), headers={"Content-Type": f"text/{box.token}"})
    box.fails(box.client(box.serve(step)), "text/***", status=200)


@fault("in the address of a redirect", "it is redacted, in lower case too")
def echo_redirect(box: Sandbox) -> None:
    step = servers.redirect(f"https://{box.token}.example/{box.token}?{box.token}")
    box.fails_at_once(step, "***.example", status=302)


@fault("in the status line and in malformed headers", "it is not logged, and not cached")
def echo_headers(box: Sandbox) -> None:
    head = f"HTTP/1.1 200 {box.token}\r\nX-One: {box.token}\r\n{box.token}\r\nX-Two: 2\r\n\r\n"
    server = box.serve(servers.raw(head.encode() + GOOD))
    assert box.get(box.client(server)) == GOOD


@fault("in a complete response", "the caller gets it, and it is not cached")
def echo_complete(box: Sandbox) -> None:
    body = json.dumps({"organizations": [{"id": 1, "name": box.token}]}).encode()
    server = box.serve(reply(body))
    client = box.client(server)
    assert box.get(client) == box.get(client) == body
    assert server.count(box.path) == 2


@fault("in a complete response, while another request fails", "the error shows no response")
def echo_and_failure(box: Sandbox) -> None:
    server = box.serve(script={"/a": [reply(f'"{box.token}"'.encode())], "/b": [busy(403)]})
    with pytest.raises(APIError, match="HTTP 403") as caught:
        box.client(server, max_workers=1).fetch(map(box.request, ["/a", "/b"]))
    box.errors.append(caught.value)


# ------------------------------------------------------------------------------------------------
_section = "Settings and paths"


@fault(
    "a token with a line break, a space or a letter that no token has", "it is refused", versions=V3
)
def bad_token(box: Sandbox) -> None:
    for character in ("\n", " ", "\x00", "é", "\ud800"):
        box.refuses("argument token", f"{box.token}{character}{box.token}")


@fault("an address with a password", "it is refused, and not repeated", versions=V3)
def password(box: Sandbox) -> None:
    for address in ("https://a:{}@host", "https://host?t={}", "https://a:?{}@host", "a:{}@host"):
        box.refuses("address", box.token, api_url=address.format(box.token))


@fault(
    "k6's configuration file is truncated within the token",
    "an error without its text",
    versions=V3,
)
def truncated_config(box: Sandbox) -> None:
    config = box.folder / "config.json"
    # Not below the folders that are searched for the token afterwards: this is where it belongs.
    with contextlib.ExitStack() as stack:
        config.write_text(f'{{"collectors": {{"cloud": {{"token": "{box.token}')
        stack.callback(config.unlink)
        box.patch.setenv("K6_CONFIG", str(config))
        box.errors.append(box.refuses("cannot be read"))


@fault("a path that leads out of the address or to another host", "a ConfigError; nothing is sent")
def bad_path(box: Sandbox) -> None:
    server = box.serve(account=lambda _: reply())
    client = box.client(f"{server.url}/prefix", cache=False)
    for path in (
        "/../x",
        "/v3/../../x",
        "/%2e%2e/x",
        "/../prefix2",
        "/..",
        "v3",
        "",
        " /v3",
        server.url,
    ):
        with pytest.raises(ConfigError, match="path") as caught:
            client.fetch([box.request(path)])
        box.errors.append(caught.value)
    assert server.requests == []
    for path in ("//elsewhere.example/", "/@elsewhere.example", "/\\elsewhere.example", "/a/../b"):
        assert client.fetch([box.request(path)]).bodies
    assert all(request.path.startswith("/prefix/") for request in server.requests)


@fault("a folder of responses has no file for a path, or the path leads out of it", "an error")
def no_file(box: Sandbox) -> None:
    (box.folder / "account").mkdir()
    (box.folder / "secret.json").write_text("{}")
    client = box.client((box.folder / "account").as_uri())
    for path in ("/v3/organizations", "/%2e%2e%2fsecret"):
        with pytest.raises(APIError) as caught:
            client.fetch([box.request(path)])
        box.errors.append(caught.value)
        assert caught.value.status in {404, None}


# ------------------------------------------------------------------------------------------------
_section = "The cache"
WITHOUT_CACHE = "continues without the cache, with one warning"


@fault("another token, or another stack, requests the same path", "it gets its own response")
def other_token(box: Sandbox) -> None:
    server = box.serve(reply(b'{"a": 1}'), reply(b'{"b": 2}'), reply(b'{"c": 3}'))
    client = box.client(server)
    assert box.get(client) == b'{"a": 1}'
    assert box.get(box.client(server, token="another-token")) == b'{"b": 2}'
    other_stack = Request(box.path, 7)
    assert client.fetch([other_stack]).bodies[other_stack] == b'{"c": 3}'
    assert box.get(client) == b'{"a": 1}'


@fault("a cached response whose bytes were damaged", "it is fetched again")
def damaged(box: Sandbox) -> None:
    server = box.filled()
    box.sql("UPDATE responses SET body = CAST(replace(CAST(body AS TEXT), '5', '6') AS BLOB)")
    assert box.get(box.client(server)) == GOOD
    assert server.count(box.path) == 2


@fault("a crafted row that contains a pickle", "nothing runs; the response is fetched again")
def crafted(box: Sandbox) -> None:
    class Attack:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (str(box.folder / "attacked"),)

    server = box.filled()
    box.replace_row(body=pickle.dumps(Attack()))
    assert box.get(box.client(server)) == GOOD
    assert not (box.folder / "attacked").exists()
    assert server.count(box.path) == 2


@fault("a response from the future: the clock was wrong", "it is fetched again")
def wrong_clock(box: Sandbox) -> None:
    server = box.filled()
    box.replace_row(fetched=datetime(2099, 1, 1, tzinfo=UTC).timestamp())
    assert box.get(box.client(server)) == GOOD
    assert server.count(box.path) == 2


@fault("the file is not a database", "it is set aside with a warning, and a new one created")
def corrupt(box: Sandbox) -> None:
    server = box.filled()
    server.account = lambda _: reply()
    box.database.write_bytes(b"not a database " * 999)
    box.warns("was corrupt", box.client(server))


@fault("another process has locked it", WITHOUT_CACHE, versions=V3)
def locked(box: Sandbox) -> None:
    server = box.filled()
    server.account = lambda _: reply()
    box.sql("PRAGMA journal_mode=DELETE")
    box.patch.setattr(database, "LOCK_TIMEOUT_SECONDS", 0.3)
    box.lock()
    box.warns("continues without it", box.client(server))


@fault(
    "another process locks it while it is used", WITHOUT_CACHE + "; hits do not wait", versions=V3
)
def locked_later(box: Sandbox) -> None:
    box.patch.setattr(database, "LOCK_TIMEOUT_SECONDS", 0.3)
    server = box.serve(account=lambda _: reply())
    client = box.client(server)
    assert box.get(client) == GOOD
    box.lock()
    started = time.monotonic()
    assert box.get(client) == GOOD
    assert time.monotonic() - started < 0.3
    assert server.count(box.path) == 1
    box.warns("continues without it", client)


@fault(
    "it is hard-linked, or it or its folder is a symbolic link or another user's",
    WITHOUT_CACHE + "; nothing elsewhere changes",
)
def planted(box: Sandbox) -> None:
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
        box.warns("continues without it", box.client(server))
        file.unlink()
    folder.rmdir()
    folder.symlink_to(precious.parent)
    box.warns("is a symbolic link", box.client(server))
    folder.unlink()
    folder.mkdir()
    box.patch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    box.warns("belongs to another user", box.client(server))
    assert stat.S_IMODE(precious.stat().st_mode) == 0o644
    assert (precious.read_bytes(), list(precious.parent.iterdir())) == (b"", [precious])


@fault("it is cleared while it is used", "a new one is created")
def cleared(box: Sandbox) -> None:
    server = box.serve(account=lambda _: reply())
    client = box.client(server)
    for _ in range(3):
        assert box.get(client) == box.get(client) == GOOD
        cache.clear_caches(box.folder / "cache")
        assert list((box.folder / "cache").iterdir()) == []
    assert server.count(box.path) == 3


@fault("its folder cannot be created", WITHOUT_CACHE)
def no_folder(box: Sandbox) -> None:
    (box.folder / "cache").write_text("a file")
    server = box.serve(account=lambda _: reply())
    box.warns("continues without it", box.client(server))


@fault("the disk is full", WITHOUT_CACHE, versions=V3)
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


@fault("several threads and clients fill one cache at once", "each gets the correct responses")
def crowd(box: Sandbox) -> None:
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


@fault("offline, and a path was never fetched", "an error that names it; nothing is sent")
def offline(box: Sandbox) -> None:
    server = box.filled()
    client = box.client(server, offline=True)
    assert box.get(client) == GOOD
    with pytest.raises(APIError, match=r"/never( \(stack 123\))? is not in the cache") as caught:
        client.fetch([box.request("/never")])
    box.errors.append(caught.value)
    assert len(server.requests) == 1


# ------------------------------------------------------------------------------------------------
_section = "Processes and threads"


@fault(
    "another request of several fails", "the others are canceled, also while they wait for a retry"
)
def other_failure(box: Sandbox) -> None:
    failing = reply(b"", status=403, delay=0.1)
    script = {"/silent": [servers.silence], "/busy": [busy(503, 5)], "/bad": [failing]}
    server = box.serve(script=script)
    started = time.monotonic()
    with pytest.raises(APIError, match="/bad") as caught:
        box.client(server).fetch(map(box.request, script))
    box.errors.append(caught.value)
    servers.wait_until(lambda: not threads())
    assert time.monotonic() - started < LATE
    assert server.count("/busy") == 1


@fault(
    "Ctrl-C while a server is silent, asks to wait, or before a retry",
    "ends at once; what arrived is cached, and the client can be used again",
)
def interrupted(box: Sandbox) -> None:
    # Not before the good response has arrived: a 429 would delay it.
    for waiting in (servers.silence, busy(503, 5, delay=0.1), busy(429, 5, delay=0.1)):
        # More paths than workers: some have not been sent yet.
        script = {f"/{n}": [waiting, reply()] for n in range(12)}
        server = box.serve(script=script, account=lambda _: reply())
        client = box.client(server)
        started = time.monotonic()
        waits = functools.partial(_has_cached_one_of_several, box, server)
        with pytest.raises(KeyboardInterrupt), interrupt_when(waits):
            client.fetch(map(box.request, ["/good", *script]))
        servers.wait_until(lambda: not threads())
        assert time.monotonic() - started < LATE
        assert box.get(client, "/good") == GOOD
        assert box.get(box.client(server), "/new") == GOOD
        assert server.count("/good") == 1
        client.close()
        cache.clear_caches(box.folder / "cache")


def _has_cached_one_of_several(box: Sandbox, server: RawServer) -> bool:
    if len(server.requests) < 3:
        return False
    return [info.responses for info in cache.list_caches(box.folder / "cache")] == [1]


@contextlib.contextmanager
def interrupt_when(condition: Callable[[], object]) -> Iterator[None]:
    """Send this process SIGINT, as Ctrl-C does."""
    main = threading.main_thread().ident
    assert main is not None

    def send() -> None:
        servers.wait_until(condition)
        time.sleep(0.05)
        signal.pthread_kill(main, signal.SIGINT)

    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    sender = threading.Thread(target=send)
    sender.start()
    try:
        yield
    finally:
        sender.join()
        signal.signal(signal.SIGINT, handler)


@fault("the process is killed while it fills the cache", "what arrived is cached", versions=V3)
def killed(box: Sandbox) -> None:
    paths = [f"/{number}" for number in range(60)]
    server = box.serve(account=lambda _: reply(keep_alive=True, delay=0.02))
    process = box.run(_FILL, server.url)
    servers.wait_until(lambda: len(server.requests) > 20)
    process.kill()
    process.wait()
    earlier = len(server.requests)
    bodies = box.client(server).fetch(paths).bodies
    assert list(bodies.values()) == [GOOD] * 60
    # Those that were under way are fetched again.
    assert len(server.requests) - earlier <= 60 - earlier + 16


_FILL = """
import sys
from k6frames.api.client import Client
Client(api_url=sys.argv[1]).fetch([f"/{number}" for number in range(60)])
"""


@fault(
    "a fork, while other threads open clients and use them", "all work, and none hangs", versions=V3
)
def forks(box: Sandbox) -> None:
    server = box.serve(account=servers.echo)
    assert box.output(box.run(_FORK, server.url, 40)) == "{0} True"


_FORK = """
import os, sys, threading, warnings
# Python 3.12 warns of every fork of a process that has threads.
warnings.filterwarnings("ignore", category=DeprecationWarning, message=".*fork")
from k6frames.api import database
from k6frames.api.client import Client
# On a busy machine a lock may be held for longer than a user would wait.
database.LOCK_TIMEOUT_SECONDS = 30.0
url, count = sys.argv[1:]
stop = threading.Event()

def is_right(client, path):
    return client.get(path) == b'{"path": "%s"}' % path.encode()

def work(number):
    while not stop.is_set():
        with Client(api_url=url, expire_after=0) as client:
            wrong.extend(p for p in ("/x", f"/{number}") if not is_right(client, p))

wrong = []
shared = Client(api_url=url)
assert is_right(shared, "/x")
threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
for thread in threads:
    thread.start()
ends = set()
for number in range(int(count)):
    pid = os.fork()
    if pid == 0:
        right = False
        try:
            right = is_right(shared, "/x") and is_right(shared, f"/new/{number}")
        finally:
            os._exit(0 if right else 3)
    ends.add(os.waitpid(pid, 0)[1])
stop.set()
for thread in threads:
    thread.join()
print(ends, not wrong and is_right(shared, "/x"))
"""


def threads() -> list[threading.Thread]:
    """Return the threads of k6frames that are alive."""
    return [thread for thread in threading.enumerate() if thread.name == "k6frames"]


# --- the page -----------------------------------------------------------------------------------

PAGE = Path(__file__).parent.parent / "docs" / "faults.md"


def page() -> str:
    # They import this module.
    from data_faults import DATA_FAULTS  # noqa: PLC0415
    from v6_faults import V6_FAULTS  # noqa: PLC0415

    lines = [
        "# What k6frames does when things go wrong",
        "",
        "Written by `python tests/faults.py` from the catalogue that the tests in `tests/api` run,",
        "for v3 and for v6. In each of these cases the token is in no file, log record, exception,",
        "traceback or repr; no request takes longer than its `budget` (plus a quarter of a",
        "second); and no thread is left.",
    ]
    section = ""
    for one in [*FAULTS, *V6_FAULTS, *DATA_FAULTS]:
        if one.section != section:
            section = one.section
            lines += ["", f"## {section}", "", "| fault | what k6frames does |", "| --- | --- |"]
        lines.append(f"| {one.name} | {one.promise} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
