"""The catalogue of faults: what can happen, what k6frames promises then, and how that is checked.

``python tests/faults.py`` writes docs/faults.md from it; test_faults.py runs it.
"""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import os
import pickle
import random
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import servers
from servers import GOOD, LIST, Raw, Step, busy, reply

from k6frames import APIError, Client, ConfigError, SchemaError, cache, organizations_df, transport

CONNECT = 2.0


@dataclass
class World:
    """What a check works with: servers, clients, one token, and all errors that came."""

    folder: Path
    token: str
    patch: Any
    stack: ExitStack
    errors: list[BaseException] = field(default_factory=list)
    budget: float = 10.0

    def serve(self, *steps: Step, **options: Any) -> Raw:
        script = {LIST: steps} if steps else {}
        return self.stack.enter_context(Raw(script, **options))

    def client(self, server: Raw | str, **options: Any) -> Client:
        options = {"token": self.token, "budget": self.budget, "timeout": (CONNECT, 5), **options}
        url = server if isinstance(server, str) else server.url
        return self.stack.enter_context(Client(api_url=url, **options))

    def get(self, client: Client, path: str = LIST) -> bytes:
        """An answer, and that it did not outlast what is promised."""
        started = time.monotonic()
        try:
            return client.get(path)
        finally:
            assert time.monotonic() - started < client._budget + 2 + CONNECT

    def fails(self, client: Client, said: str, *, status: int | None = None) -> APIError:
        with pytest.raises(APIError) as caught:
            self.get(client)
        self.errors.append(caught.value)
        assert said in str(caught.value)
        assert caught.value.status == status
        return caught.value

    def refuses(self, said: str, *args: Any, **options: Any) -> None:
        with pytest.raises(ConfigError, match=re.escape(said)) as caught:
            Client(*args, **options)
        self.errors.append(caught.value)

    def mends(self, *broken: Step) -> None:
        """After these answers comes a good one, and it is what the caller gets."""
        server = self.serve(*broken, reply())
        assert self.get(self.client(server)) == GOOD
        assert server.count() == len(broken) + 1

    @property
    def database(self) -> Path:
        (found,) = (self.folder / "cache").glob(f"*/{cache.FILE}")
        return found

    def filled(self) -> Raw:
        """A server whose answer has been cached, by a client that is closed again."""
        server = self.serve(reply())
        with self.client(server) as client:
            assert self.get(client) == GOOD
        return server

    def sql(self, statement: str) -> None:
        with contextlib.closing(sqlite3.connect(self.database)) as connection, connection:
            connection.execute(statement)

    def warns(self, said: str, client: Client) -> None:
        """The right answer comes, with exactly one warning."""
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            assert self.get(client) == GOOD
            assert self.get(client, "/other") == GOOD
        assert [said in str(w.message) for w in warned] == [True]

    def locks(self) -> None:
        """Another process takes the write lock of the cache, and keeps it."""
        process = subprocess.Popen(
            [sys.executable, "-c", _LOCK, str(self.database)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.stack.callback(process.communicate)
        self.stack.callback(process.kill)
        assert process.stdout is not None
        assert process.stdout.readline() == b"locked\n"


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
    check: Callable[[World], None]
    where: str


FAULTS: list[Fault] = []
_where = ""


def fault(name: str, promise: str) -> Callable[[Callable[[World], None]], Callable[[World], None]]:
    def add(check: Callable[[World], None]) -> Callable[[World], None]:
        FAULTS.append(Fault(name, promise, check, _where))
        return check

    return add


ASKS_AGAIN = "asks again, and gives the whole answer"
ENDS = "ends with the budget, and says so"
AT_ONCE = "fails at once: asking again would not help"

# ------------------------------------------------------------------------------------------------
_where = "The connection"


@fault("nobody listens on the port", "asks again within the budget, then says so")
def refused(w: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    w.fails(w.client(f"http://127.0.0.1:{port}"), "Connection refused). Tried 6 times")


@fault("the connection is reset before the answer", ASKS_AGAIN)
def reset(w: World) -> None:
    w.mends(servers.reset, servers.reset)


@fault("the server hangs up without an answer", ASKS_AGAIN)
def hung_up(w: World) -> None:
    w.mends(servers.hang_up)


@fault("a kept connection was closed by the server while idle", ASKS_AGAIN)
def stale(w: World) -> None:
    server = w.serve(reply(keep=True), servers.hang_up, reply())
    client = w.client(server, cache=False)
    assert w.get(client) == w.get(client) == GOOD


@fault("what answers does not speak HTTP, and repeats the token", "says that no whole answer came")
def no_http(w: World) -> None:
    w.fails(w.client(w.serve(servers.raw(f"ERR {w.token}\r\n".encode()))), "no whole answer")


@fault("a host name that no request can be sent to", AT_ONCE)
def bad_host(w: World) -> None:
    w.fails(w.client("https://a..b"), "cannot be used")


@fault("a proxy in the environment that cannot be used", AT_ONCE)
def bad_proxy(w: World) -> None:
    w.patch.setenv("HTTP_PROXY", "http://")
    w.fails(w.client(w.serve(reply())), "a proxy in the environment")


@fault("the server's certificate is signed by nobody we know", AT_ONCE + ", without the token")
def certificate(w: World) -> None:
    import ssl  # noqa: PLC0415 - trustme takes a third of a second, and only this needs it

    import trustme  # noqa: PLC0415

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    server = w.serve(reply(), tls=context)
    w.fails(w.client(server), "REQUESTS_CA_BUNDLE")
    assert server.requests == []


@fault("`~/.netrc` names another login for the host", "is not read: the token is sent")
def netrc(w: World) -> None:
    (w.folder / "netrc").write_text("machine 127.0.0.1 login a password b\n")
    w.patch.setenv("NETRC", str(w.folder / "netrc"))
    server = w.serve(reply())
    w.get(w.client(server))
    assert server.requests[0].headers["authorization"] == f"token {w.token}"


# ------------------------------------------------------------------------------------------------
_where = "Answers that are not whole"


@fault("a body shorter than its Content-Length", ASKS_AGAIN)
def too_short(w: World) -> None:
    w.mends(servers.too_short())


@fault("a body longer than its Content-Length", ASKS_AGAIN)
def too_long(w: World) -> None:
    w.mends(reply(headers={"Content-Length": 12}))


@fault("a chunked body that is cut", ASKS_AGAIN)
def cut_chunks(w: World) -> None:
    w.mends(servers.chunks(GOOD, whole=False))


@fault("a body of no stated length that is cut", ASKS_AGAIN)
def cut_anywhere(w: World) -> None:
    w.mends(servers.close_delimited(GOOD[:-5]))


@fault("a gzip body that is cut", ASKS_AGAIN)
def cut_gzip(w: World) -> None:
    w.mends(servers.zipped(missing=15))


@fault("a body that is called gzip and is not", ASKS_AGAIN)
def no_gzip(w: World) -> None:
    w.mends(reply(headers={"Content-Encoding": "gzip"}))


@fault("status 200 with a page of HTML", ASKS_AGAIN + "; never cached")
def html(w: World) -> None:
    w.mends(reply(b"<html>Please sign in</html>"))


@fault("status 200 with cut JSON of the right length", ASKS_AGAIN + "; never cached")
def cut_json(w: World) -> None:
    w.mends(reply(GOOD[:-1]))


@fault("status 200 with nothing in it", ASKS_AGAIN + "; never cached")
def empty(w: World) -> None:
    w.mends(reply(b""))


@fault("status 204, or another one that brings no body", AT_ONCE)
def no_content(w: World) -> None:
    w.fails(w.client(w.serve(reply(b"", status=204))), "HTTP 204", status=204)


@fault("status 200 with an error in the API's own form", "a SchemaError, never an empty frame")
def error_as_200(w: World) -> None:
    server = w.serve(reply(b'{"error": {"message": "no", "code": 1}}'))
    with pytest.raises(SchemaError, match="the answer is an error") as caught:
        organizations_df(client=w.client(server))
    w.errors.append(caught.value)


# ------------------------------------------------------------------------------------------------
_where = "Time and size"


@fault("a server that stays silent", ENDS)
def silence(w: World) -> None:
    w.budget = 0.6
    w.fails(w.client(w.serve(servers.silence)), "silent for too long")


@fault("a body that drips, with a Content-Length", ENDS)
def drips(w: World) -> None:
    w.budget = 0.6
    server = w.serve(servers.drip({"Content-Length": 9999}, lambda _: b" "))
    w.fails(w.client(server), "time for this path was over")


@fault("a chunked body that drips", ENDS)
def drips_chunks(w: World) -> None:
    w.budget = 0.6
    server = w.serve(servers.drip({"Transfer-Encoding": "chunked"}, lambda _: b"1\r\n \r\n"))
    w.fails(w.client(server), "time for this path was over")


@fault("a gzip body that drips", ENDS)
def drips_gzip(w: World) -> None:
    w.budget = 0.6
    packed = gzip.compress(random.Random(1).randbytes(9999))
    head = {"Content-Length": 9999, "Content-Encoding": "gzip"}
    server = w.serve(servers.drip(head, lambda turn: packed[turn : turn + 1]))
    w.fails(w.client(server), "time for this path was over")


@fault("a body of no stated length that drips", ENDS)
def drips_on(w: World) -> None:
    w.budget = 0.6
    w.fails(w.client(w.serve(servers.drip({}, lambda _: b" "))), "time for this path was over")


@fault("a body above the cap on size", AT_ONCE + ", and names the cap")
def huge(w: World) -> None:
    w.patch.setattr(transport, "MAX_BODY", 1000)
    w.fails(w.client(w.serve(reply(b" " * 2000))), "longer than 1000 bytes")


@fault("a small gzip body that unpacks to one above the cap", AT_ONCE + ", and names the cap")
def bomb(w: World) -> None:
    w.patch.setattr(transport, "MAX_BODY", 100_000)
    w.fails(w.client(w.serve(servers.zipped(b" " * 10**7))), "longer than 100000 bytes")


# ------------------------------------------------------------------------------------------------
_where = "What the API says"


@fault("429 or 500, 502, 503, 504 for a moment", ASKS_AGAIN)
def transient(w: World) -> None:
    w.mends(*(busy(status) for status in (429, 500, 502, 503, 504)))


@fault("a steady 5xx", "an APIError that says how often and how long it was tried")
def steady(w: World) -> None:
    w.fails(w.client(w.serve(busy(503))), "Tried 6 times over", status=503)


@fault("a 401", "asked once; says that the token is wrong or was revoked")
def unauthorized(w: World) -> None:
    server = w.serve(busy(401))
    w.fails(w.client(server), "wrong or was revoked", status=401)
    assert server.count() == 1


@fault("a 403", "asked once; says to be made a member")
def forbidden(w: World) -> None:
    w.fails(w.client(w.serve(busy(403))), "made a member", status=403)


@fault("a 404", "asked once; names the path")
def missing(w: World) -> None:
    w.fails(w.client(w.serve(busy(404))), f"{LIST}: HTTP 404", status=404)


@fault("Retry-After within the budget", "waits so long, and all workers with it")
def retry_after(w: World) -> None:
    server = w.serve(busy(429, 1), reply())
    assert w.get(w.client(server)) == GOOD
    assert server.requests[1].at - server.requests[0].at >= 1


@fault("Retry-After beyond the budget", AT_ONCE + ", and names the wait")
def retry_much_later(w: World) -> None:
    w.fails(w.client(w.serve(busy(429, 7200))), "wait 7200 s", status=429)


@fault("a Retry-After that is malformed, negative or of 400 digits", "is ignored")
def retry_nonsense(w: World) -> None:
    w.mends(busy(503, "soon"), busy(503, "-1"), busy(503, "9" * 400))


@fault("a redirect to another host", "is refused: the token goes nowhere else")
def redirected(w: World) -> None:
    other = w.serve(reply())
    server = w.serve(servers.redirect(other.url + LIST))
    w.fails(w.client(server), "follows no redirect", status=302)
    assert other.requests == []


@fault("cookies, and `Vary: Cookie`", "are dropped; the answer is cached all the same")
def cookies(w: World) -> None:
    server = w.serve(reply(headers={"Set-Cookie": f"a={w.token}", "Vary": "Cookie"}))
    client = w.client(server)
    assert w.get(client) == w.get(client) == GOOD
    assert server.count() == 1


@fault("an error body of HTML, of other JSON, or of 100,000 levels", "an APIError all the same")
def odd_errors(w: World) -> None:
    for body in (b"<html>", b"[]", b"null", b'{"error": 5}', b"[" * 100_000):
        w.fails(w.client(w.serve(reply(body, status=400))), "HTTP 400.", status=400)


@fault("an error message with control characters", "none of them reaches the terminal")
def control(w: World) -> None:
    body = json.dumps({"error": {"message": "\x1b[2J\x07\u202e", "code": "\x1b"}}).encode()
    error = w.fails(w.client(w.serve(reply(body, status=400))), "HTTP 400", status=400)
    assert str(error).isprintable()


# ------------------------------------------------------------------------------------------------
_where = "The token comes back"


@fault("an error message repeats the token", "it is redacted")
def echo(w: World) -> None:
    body = json.dumps({"error": {"message": f"no {w.token}", "code": w.token}}).encode()
    w.fails(w.client(w.serve(reply(body, status=400))), "no ***", status=400)


@fault("an error page of HTML repeats the token", "the page is not shown")
def echo_page(w: World) -> None:
    body = f"<html>{w.token}</html>".encode()
    w.fails(w.client(w.serve(reply(body, status=403))), "HTTP 403.", status=403)


@fault("a 200 that is no JSON repeats the token", "is not shown")
def echo_broken(w: World) -> None:
    step = reply(f"<p>{w.token}".encode(), headers={"Content-Type": f"text/{w.token}"})
    w.fails(w.client(w.serve(step)), "text/***", status=200)


@fault("a redirect's address holds the token", "it is redacted")
def echo_redirect(w: World) -> None:
    step = servers.redirect(f"https://{w.token}.example/{w.token}?{w.token}")
    w.fails(w.client(w.serve(step)), "***.example", status=302)


@fault("status line and headers repeat the token, and are malformed", "nobody logs or keeps them")
def echo_headers(w: World) -> None:
    head = f"HTTP/1.1 200 {w.token}\r\nX-One: {w.token}\r\n{w.token}\r\nX-Two: 2\r\n\r\n"
    server = w.serve(servers.raw(head.encode() + GOOD))
    assert w.get(w.client(server)) == GOOD


@fault("a whole answer repeats the token", "is given to the caller, and not written to disk")
def echo_whole(w: World) -> None:
    body = json.dumps({"organizations": [{"id": 1, "name": w.token}]}).encode()
    server = w.serve(reply(body))
    client = w.client(server)
    assert w.get(client) == w.get(client) == body
    assert server.count() == 2


@fault("a whole answer repeats the token, and another path fails", "the error shows no answer")
def echo_and_failure(w: World) -> None:
    server = w.serve()
    server.script = {"/a": [reply(f'"{w.token}"'.encode())], "/b": [busy(403)]}
    with pytest.raises(APIError, match="403") as caught:
        w.client(server, max_workers=1).get_many(["/a", "/b"])
    w.errors.append(caught.value)


# ------------------------------------------------------------------------------------------------
_where = "Settings"


@fault("a token with a line break, a space or another sign in it", "is refused unrepeated")
def bad_token(w: World) -> None:
    for sign in ("\n", " ", "\x00", "é", "\ud800"):
        w.refuses("argument token", f"{w.token}{sign}{w.token}")


@fault("the address holds a password", "is refused unrepeated")
def password(w: World) -> None:
    for address in ("https://a:{}@host", "https://host?t={}", "https://a:?{}@host", "a:{}@host"):
        w.refuses("address", w.token, api_url=address.format(w.token))


@fault("k6's settings file is cut in the middle of the token", "a ConfigError without its text")
def cut_config(w: World) -> None:
    config = w.folder / "config.json"
    # Not below the folders that are searched for the token afterwards: this is where it belongs.
    with contextlib.ExitStack() as stack:
        config.write_text(f'{{"collectors": {{"cloud": {{"token": "{w.token}')
        stack.callback(config.unlink)
        w.patch.setenv("K6_CONFIG", str(config))
        w.refuses("cannot be read")


# ------------------------------------------------------------------------------------------------
_where = "The cache"
WITHOUT = "goes on without the cache, with one warning"


@fault("another token asks for the same path", "gets its own answer, never this one's")
def other_token(w: World) -> None:
    server = w.serve(reply(b'{"a": 1}'), reply(b'{"b": 2}'))
    assert w.get(w.client(server)) == b'{"a": 1}'
    assert w.get(w.client(server, token="another-token")) == b'{"b": 2}'


@fault("a row whose bytes were damaged", "is fetched again")
def damaged(w: World) -> None:
    server = w.filled()
    w.sql("UPDATE answers SET value = replace(CAST(value AS TEXT), '200', '300')")
    assert w.get(w.client(server)) == GOOD
    assert server.count() == 2


@fault("a crafted row that holds a pickle", "runs nothing; is fetched again")
def crafted(w: World) -> None:
    class Attack:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (str(w.folder / "attacked"),)

    server = w.filled()
    value = pickle.dumps(Attack())
    with contextlib.closing(sqlite3.connect(w.database)) as connection, connection:
        ((name,),) = connection.execute("SELECT key FROM answers")
        connection.execute(
            "UPDATE answers SET value = ?, checksum = ?", (value, cache._sum(name, value))
        )
    assert w.get(w.client(server)) == GOOD
    assert not (w.folder / "attacked").exists()


@fault("the file is no database", "is set aside with a warning; a new one begins")
def corrupt(w: World) -> None:
    server = w.filled()
    server.script = {LIST: [reply()], "/other": [reply()]}
    w.database.write_bytes(b"no database " * 999)
    w.warns("was set aside", w.client(server))


@fault("another process holds the lock at the first use", WITHOUT)
def locked(w: World) -> None:
    server = w.filled()
    server.script = {LIST: [reply()], "/other": [reply()]}
    w.sql("PRAGMA journal_mode=DELETE")
    w.patch.setattr(cache, "PATIENCE", 0.5)
    w.locks()
    w.warns("goes on without it", w.client(server))


@fault("another process takes the lock in the middle of a run", WITHOUT + "; hits do not wait")
def locked_later(w: World) -> None:
    w.patch.setattr(cache, "PATIENCE", 0.5)
    server = w.serve(account=lambda _: reply())
    client = w.client(server)
    assert w.get(client) == GOOD
    w.locks()
    started = time.monotonic()
    assert w.get(client) == GOOD
    assert time.monotonic() - started < 1
    assert server.count() == 1
    w.warns("goes on without it", client)


@fault("the folder cannot be made", WITHOUT)
def no_folder(w: World) -> None:
    (w.folder / "cache").write_text("a file")
    server = w.serve(account=lambda _: reply())
    w.warns("goes on without it", w.client(server))


@fault("the disk is full", WITHOUT)
def full(w: World) -> None:
    server = w.serve(account=lambda _: reply(b'"' + b"x" * 100_000 + b'"'))
    said = subprocess.run(
        [sys.executable, "-c", _FULL, server.url, str(w.folder / "cache"), w.token],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert said.stdout == "5\n"
    assert said.stderr.count("goes on without it") == 1
    assert w.token not in said.stderr


_FULL = """
import resource, sys
from k6frames import Client
resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))
url, folder, token = sys.argv[1:]
print(len(Client(token, api_url=url, cache=folder).get_many([f"/{n}" for n in range(5)])[0]))
"""


@fault("the process is killed while it fills the cache", "what came is kept; the rest is fetched")
def killed(w: World) -> None:
    paths = [f"/{n}" for n in range(60)]
    server = w.serve(account=lambda _: reply(keep=True, after=0.02))
    process = subprocess.Popen([sys.executable, "-c", _FILL, server.url, w.token])
    servers.until(lambda: len(server.requests) > 20)
    process.send_signal(signal.SIGKILL)
    process.wait()
    bodies, _ = w.client(server).get_many(paths)
    assert bodies == dict.fromkeys(paths, GOOD)
    assert 60 <= len(server.requests) < 60 + 20


_FILL = """
import sys
from k6frames import Client
Client(sys.argv[2], api_url=sys.argv[1]).get_many([f"/{n}" for n in range(60)])
"""


@fault("several threads and clients fill one cache at once", "each gets right answers")
def crowd(w: World) -> None:
    server = w.serve(account=lambda path: reply(b'"%s"' % path.encode()))
    clients = [w.client(server) for _ in range(4)]
    paths = [f"/{n}" for n in range(10)]
    results: list[Any] = []
    threads = [
        threading.Thread(target=lambda c=c: results.append(c.get_many(paths)[0])) for c in clients
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert results == [{path: b'"%s"' % path.encode() for path in paths}] * 4


@fault("the clock was wrong when an answer was kept", "an answer from the future is fetched anew")
def wrong_clock(w: World) -> None:
    server = w.filled()
    with contextlib.closing(sqlite3.connect(w.database)) as connection, connection:
        ((name, value),) = connection.execute("SELECT key, value FROM answers")
        row = {**json.loads(value), "created_at": "2099-01-01T00:00:00+00:00"}
        value = json.dumps(row).encode()
        connection.execute(
            "UPDATE answers SET value = ?, checksum = ?", (value, cache._sum(name, value))
        )
    assert w.get(w.client(server)) == GOOD
    assert server.count() == 2


@fault("offline, and a path was never fetched", "an APIError that names it; nothing is sent")
def offline(w: World) -> None:
    server = w.filled()
    client = w.client(server, offline=True)
    assert w.get(client) == GOOD
    with pytest.raises(APIError, match="/never is not in the cache") as caught:
        client.get("/never")
    w.errors.append(caught.value)
    assert len(server.requests) == 1


@fault("a folder of answers lacks one, or the path leads out of it", "a 404")
def no_file(w: World) -> None:
    (w.folder / "answers").mkdir()
    (w.folder / "secret.json").write_text("{}")
    client = w.client((w.folder / "answers").as_uri())
    for path in ("/v3/organizations", "/../secret", "/%2e%2e/secret"):
        with pytest.raises(APIError) as caught:
            client.get(path)
        w.errors.append(caught.value)
        assert caught.value.status == 404


# --- where the token must not be ----------------------------------------------------------------


def leaks(w: World, records: list[Any]) -> list[str]:
    """Every place in which the token is found after a check: files, log records, errors, frames."""
    found = [f"file {file}" for file in _files(w.folder) if _holds(file.read_bytes(), w.token)]
    found += [
        f"log record of {record.name}"
        for record in records
        if w.token in f"{record.getMessage()} {vars(record)} {_traced(record.exc_info)}"
    ]
    for error in w.errors:
        for link in _chain(error):
            shown = f"{link} {link!r} {link.args!r} {vars(link)!r}"
            found += [f"{type(link).__name__}"] if w.token in shown else []
            for frame, _ in traceback.walk_tb(link.__traceback__):
                if str(frame.f_globals.get("__name__", "")).startswith("k6frames"):
                    found += [
                        f"{frame.f_code.co_qualname}: {name}"
                        for name, value in frame.f_locals.items()
                        if w.token in _shown(value)
                    ]
    return found


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _holds(data: bytes, token: str) -> bool:
    """Whether bytes hold the token, as it is or within base64, as the cache writes bodies."""
    inner = [
        # Three ways to stand in base64; the signs at both ends depend on the neighbours.
        base64.b64encode(b"x" * shift + token.encode())[4:-4]
        for shift in range(3)
    ]
    return any(text in data for text in (token.encode(), *inner))


def _traced(exc_info: Any) -> str:
    return "".join(traceback.format_exception(*exc_info)) if exc_info else ""


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: list[BaseException] = [error]
    for link in seen:
        seen += [
            e
            for e in (link.__cause__, link.__context__)
            if e is not None and not any(e is s for s in seen)
        ]
        yield link


def _shown(value: object) -> str:
    try:
        return repr(value)
    except Exception as error:  # noqa: BLE001 - pytest shows such a value as its error
        return repr(error)


# --- the page -----------------------------------------------------------------------------------

PAGE = Path(__file__).parent.parent / "docs" / "faults.md"


def page() -> str:
    lines = [
        "# What k6frames does when things go wrong",
        "",
        "Written by `python tests/faults.py` from the catalogue that `tests/test_faults.py` runs.",
        "In each of these the token reaches no file, log line, exception or repr, and no path",
        "takes longer than its `budget`, two seconds and one connect timeout. A server that drips",
        "its headers is outside of this promise.",
    ]
    where = ""
    for one in FAULTS:
        if one.where != where:
            where = one.where
            lines += ["", f"## {where}", "", "| fault | what k6frames does |", "| --- | --- |"]
        lines.append(f"| {one.name} | {one.promise} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
