"""What happens on the wire, over real sockets."""

from __future__ import annotations

import gzip
import http.server
import itertools
import json
import logging
import os
import random
import socket
import ssl
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
import servers
import trustme
from pytest_httpserver import HTTPServer
from servers import GOOD, LIST, busy, reply

from k6frames import APIError, ConfigError, transport

pytestmark = pytest.mark.usefixtures("no_waits")

BROKEN_THEN_WHOLE = {
    "hung up": servers.hang_up,
    "reset": servers.reset,
    "shorter than Content-Length": servers.too_short(),
    "chunked body cut between chunks": servers.chunks(GOOD[:20], whole=False),
    "chunked body cut in a chunk": servers.raw(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n" + GOOD[:20]
    ),
    "chunk size that is none": servers.raw(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" + GOOD
    ),
    "cut without a length": servers.close_delimited(GOOD[:-10]),
    "gzip cut": servers.zipped(missing=20),
    "gzip cut without a length": servers.close_delimited(
        gzip.compress(GOOD)[:-20], headers={"Content-Encoding": "gzip"}
    ),
    "gzip that is none": reply(GOOD, headers={"Content-Encoding": "gzip"}),
    "Content-Length too small": reply(GOOD, headers={"Content-Length": 12}),
    "HTML with status 200": reply(b"<html>Sign in</html>", headers={"Content-Type": "text/html"}),
    "empty with status 200": reply(b""),
    "cut JSON with the right length": reply(GOOD[:-1]),
    "no HTTP": servers.raw(b"SSH-2.0-OpenSSH_9.6\r\n"),
    "429": busy(429),
    "500": busy(500),
    "502": busy(502, body=b"<html>Bad gateway</html>"),
    "503": busy(503),
    "504": busy(504),
}


@pytest.mark.parametrize("broken", BROKEN_THEN_WHOLE.values(), ids=BROKEN_THEN_WHOLE)
def test_after_a_broken_answer_the_next_whole_one_is_taken(broken, serve, connect):
    server = serve(broken, broken, reply())
    assert connect(server).get(LIST) == GOOD
    assert server.count() == 3


@pytest.mark.parametrize(
    "whole",
    [
        reply(),
        servers.zipped(),
        servers.chunks(GOOD[:10], GOOD[10:]),
        servers.chunks(gzip.compress(GOOD), headers={"Content-Encoding": "gzip"}),
        servers.close_delimited(),
        reply(GOOD, headers={"Content-Type": "text/plain"}),
    ],
    ids=["length", "gzip", "chunked", "chunked gzip", "until the end", "named as text"],
)
def test_a_whole_answer_is_asked_for_once(whole, serve, connect):
    server = serve(whole)
    assert connect(server).get(LIST) == GOOD
    assert server.count() == 1


def test_a_refused_connection_is_tried_again_until_the_server_is_up(connect, caplog):
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        address = reserved.getsockname()
    started: list[http.server.HTTPServer] = []

    class StartsTheServer(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if not started and "refused" in record.getMessage():
                started.append(http.server.HTTPServer(address, _OneAnswer))
                threading.Thread(target=started[0].handle_request, daemon=True).start()

    handler = StartsTheServer()
    caplog.set_level(logging.INFO, "k6frames")
    transport.log.addHandler(handler)
    try:
        assert connect(f"http://127.0.0.1:{address[1]}").get(LIST) == GOOD
    finally:
        transport.log.removeHandler(handler)
        for server in started:
            server.server_close()


class _OneAnswer(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(GOOD)

    def log_message(self, *args: object) -> None:
        pass


def test_a_connection_that_the_server_closed_while_idle_costs_no_answer(serve, connect):
    server = serve(script={LIST: [reply(keep=True)], "/b": [servers.hang_up, reply()]})
    client = connect(server, max_workers=1)
    assert client.get(LIST) == GOOD
    assert client.get("/b") == GOOD
    assert server.connections == 2


def test_a_connection_is_used_again(serve, connect):
    server = serve(reply(keep=True))
    client = connect(server)
    for _ in range(3):
        client.get(LIST)
    assert (server.count(), server.connections) == (3, 1)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 418, 422, 501, 204, 206])
def test_a_status_that_another_attempt_would_not_mend_is_asked_for_once(status, serve, connect):
    server = serve(reply(b"", status=status))
    with pytest.raises(APIError, match=f"HTTP {status}") as caught:
        connect(server).get(LIST)
    assert caught.value.status == status
    assert server.count() == 1


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_steady_5xx_names_status_attempts_and_seconds(status, serve, connect):
    server = serve(busy(status))
    pattern = rf"HTTP {status}.* Tried 6 times over \d+\.\d s \(budget 20 s\)"
    with pytest.raises(APIError, match=pattern) as caught:
        connect(server).get(LIST)
    assert caught.value.status == status
    assert caught.value.url == server.url + LIST
    assert server.count() == transport.ATTEMPTS


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (401, "wrong or was revoked"),
        (403, "made a member"),
        (404, "check the number"),
        (429, "fewer requests"),
    ],
)
def test_an_error_says_what_to_do(status, advice, serve, connect):
    with pytest.raises(APIError, match=advice):
        connect(serve(busy(status))).get(LIST)


def test_the_waits_between_attempts_double(serve, connect, monkeypatch):
    monkeypatch.setattr(transport, "FIRST_WAIT", 0.1)
    server = serve(busy(503), busy(503), busy(503), reply())
    connect(server).get(LIST)
    at = [request.at for request in server.requests]
    waits = [later - earlier for earlier, later in itertools.pairwise(at)]
    assert all(wait >= least for wait, least in zip(waits, [0.1, 0.2, 0.4], strict=True))


# --- Retry-After --------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_in_seconds_is_waited_for(status, serve, connect):
    server = serve(busy(status, 1), reply())
    assert connect(server).get(LIST) == GOOD
    assert server.requests[1].at - server.requests[0].at >= 1


def test_retry_after_as_a_date_is_waited_for(serve, connect):
    def in_two_seconds(line: servers.Line) -> None:
        soon = datetime.now(UTC) + timedelta(seconds=2)
        busy(503, format_datetime(soon, usegmt=True))(line)

    server = serve(in_two_seconds, reply())
    assert connect(server).get(LIST) == GOOD
    # A date has no fractions, so up to one of the two seconds is lost.
    assert server.requests[1].at - server.requests[0].at >= 0.8


@pytest.mark.parametrize(
    "value",
    ["soon", "-5", "1.5e3", "1_000", "9" * 400, "", "Wed, 99 Foo 2026 00:00:00 GMT", "\xb2"],
)
def test_a_malformed_retry_after_is_ignored(value, serve, connect):
    server = serve(busy(503, value), reply())
    assert connect(server).get(LIST) == GOOD
    assert server.count() == 2


@pytest.mark.parametrize("status", [429, 503])
def test_a_retry_after_beyond_the_budget_fails_at_once_and_is_named(status, serve, connect):
    server = serve(busy(status, 3600), reply())
    with pytest.raises(APIError, match=r"wait 3600 s \(Retry-After\).*Tried once") as caught:
        connect(server).get(LIST)
    assert caught.value.status == status
    assert server.count() == 1


def test_a_429_makes_all_workers_wait(serve, connect):
    paths = [f"/{n}" for n in range(4)]
    script = {path: [reply(after=0.4)] for path in paths} | {"/0": [busy(429, 1), reply()]}
    server = serve(script=script)
    client = connect(server, max_workers=2)
    bodies, _ = client.get_many(paths)
    assert list(bodies) == paths
    told = next(request.at for request in server.requests if request.path == "/0")
    # The other worker's first request may have been on its way already, and no more than that one.
    meanwhile = [r.path for r in server.requests if told < r.at < told + 0.9]
    assert len(meanwhile) <= 1, meanwhile


def test_a_pause_beyond_the_budget_fails_the_other_paths_without_a_request(serve, connect):
    server = serve(script={LIST: [busy(429, 3600)], "/b": [reply()]})
    client = connect(server)
    with pytest.raises(APIError, match=r"3600 s"):
        client.get(LIST)
    with pytest.raises(APIError, match=r"asks for a pause of 3\d\d\d s") as caught:
        client.get("/b")
    assert caught.value.status == 429
    assert server.count("/b") == 0


# --- time and size ------------------------------------------------------------------------------

_HEAD = {"Content-Type": "application/json"}
_PACKED = gzip.compress(json.dumps({"organizations": [], "filler": "x" * 100}).encode())
_NOISE = gzip.compress(random.Random(1).randbytes(10**6))

ENDLESS = {
    "silence": servers.silence,
    "silence after the headers": servers.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", 60.0),
    "drip with a length": servers.drip({**_HEAD, "Content-Length": 10**6}, lambda _: b" "),
    "drip in chunks": servers.drip(
        {**_HEAD, "Transfer-Encoding": "chunked"}, lambda _: b"1\r\n \r\n"
    ),
    "drip within a chunk's size": servers.drip(
        {**_HEAD, "Transfer-Encoding": "chunked"}, lambda _: b"0"
    ),
    "drip until the end": servers.drip(_HEAD, lambda _: b" "),
    "drip of gzip": servers.drip(
        {**_HEAD, "Content-Length": 10**6, "Content-Encoding": "gzip"},
        lambda turn: _NOISE[turn : turn + 1],
    ),
    "drip of gzip that holds nothing": servers.drip(
        {**_HEAD, "Transfer-Encoding": "chunked", "Content-Encoding": "gzip"},
        lambda _: b"14\r\n" + gzip.compress(b"") + b"\r\n",
    ),
}


@pytest.mark.parametrize("endless", ENDLESS.values(), ids=ENDLESS)
def test_an_endless_answer_ends_with_the_budget(endless, serve, connect):
    client = connect(serve(endless), budget=0.5, timeout=(1, 30))
    started = time.monotonic()
    with pytest.raises(APIError, match=r"time for this path was over|silent for too long"):
        client.get(LIST)
    assert time.monotonic() - started < 0.5 + 2 + 1


def test_attempts_and_waits_share_one_budget(serve, connect, monkeypatch):
    monkeypatch.setattr(transport, "FIRST_WAIT", 0.3)
    client = connect(serve(busy(503)), budget=1)
    started = time.monotonic()
    with pytest.raises(APIError, match=r"Tried [23] times"):
        client.get(LIST)
    assert time.monotonic() - started < 1 + 2 + 2


@pytest.mark.parametrize(
    "much",
    [
        reply(b" " * 5000),
        servers.zipped(b" " * 10**6),
        servers.chunks(*[b" " * 500] * 10),
        servers.close_delimited(b" " * 5000),
    ],
    ids=["length", "gzip", "chunked", "until the end"],
)
def test_an_answer_above_the_cap_fails_and_is_not_asked_for_again(
    much, serve, connect, monkeypatch
):
    monkeypatch.setattr(transport, "MAX_BODY", 2000)
    server = serve(much)
    with pytest.raises(APIError, match="longer than 2000 bytes"):
        connect(server).get(LIST)
    assert server.count() == 1


def test_an_answer_just_below_the_cap_is_taken(serve, connect, monkeypatch):
    monkeypatch.setattr(transport, "MAX_BODY", len(GOOD))
    assert connect(serve(reply())).get(LIST) == GOOD


# --- redirects, cookies, ~/.netrc, proxies, certificates ----------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_refused_and_the_token_stays_here(status, serve, connect):
    other = serve(reply())
    server = serve(servers.redirect(other.url + LIST, status))
    with pytest.raises(APIError, match="follows no redirect") as caught:
        connect(server).get(LIST)
    assert caught.value.status == status
    assert "http://127.0.0.1" in str(caught.value)
    assert (server.count(), other.requests) == (1, [])


@pytest.mark.parametrize("to", ["/elsewhere", "", "http://[", "//", "javascript:1"])
def test_a_redirect_to_no_host_is_refused_too(to, serve, connect):
    server = serve(servers.redirect(to))
    with pytest.raises(APIError, match=r"another path|no address"):
        connect(server).get(LIST)


def test_the_token_and_our_name_are_in_the_request(serve, connect, token):
    server = serve(reply())
    connect(server).get(LIST)
    headers = server.requests[0].headers
    assert headers["authorization"] == f"token {token}"
    assert headers["user-agent"].startswith("k6frames/")
    assert "cookie" not in headers


def test_cookies_are_dropped_and_an_answer_with_vary_cookie_is_kept(serve, connect, tmp_path):
    server = serve(reply(headers={"Set-Cookie": "session=1; Path=/", "Vary": "Cookie"}))
    client = connect(server, cache=tmp_path / "kept")
    client.get(LIST)
    client.get(LIST)
    assert server.count() == 1


def test_no_cookie_is_sent_back(serve, connect):
    server = serve(reply(headers={"Set-Cookie": "session=1; Path=/"}))
    client = connect(server)
    client.get(LIST)
    client.get(LIST)
    assert server.count() == 2
    assert "cookie" not in server.requests[1].headers


def test_netrc_is_not_read_and_does_not_replace_the_token(
    serve, connect, token, monkeypatch, tmp_path
):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))

    def unread(*_: object, **__: object) -> None:
        raise AssertionError("the file was read")

    monkeypatch.setattr("requests.sessions.get_netrc_auth", unread)
    server = serve(reply())
    connect(server).get(LIST)
    assert server.requests[0].headers["authorization"] == f"token {token}"


def test_http_proxy_is_honoured(serve, connect, monkeypatch):
    proxy = serve(script={"http://k6.invalid/v3/organizations": [reply()]})
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    with pytest.warns(UserWarning, match="not https"):
        client = connect("http://k6.invalid")
    assert client.get(LIST) == GOOD
    assert proxy.requests[0].headers["host"] == "k6.invalid"


def test_no_proxy_is_honoured(serve, connect, monkeypatch):
    proxy, server = serve(busy(503)), serve(reply())
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert connect(server).get(LIST) == GOOD
    assert proxy.requests == []


def test_a_proxy_that_cannot_be_used_fails_at_once(serve, connect, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://")
    with pytest.raises(APIError, match=r"a proxy in the environment.*InvalidProxyURL"):
        connect(serve(reply())).get(LIST)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def secure(serve, authority):
    def start(*steps: Any) -> servers.Raw:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        return serve(*steps, tls=context)

    return start


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_ca_bundle_from_the_environment_is_trusted(
    name, secure, connect, authority, monkeypatch, tmp_path
):
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.setenv(name, str(bundle))
    assert connect(secure(reply())).get(LIST) == GOOD


def test_an_unknown_certificate_is_refused_at_once_and_gets_no_token(secure, connect):
    server = secure(reply())
    with pytest.raises(APIError, match=r"(?i)certificate verify failed.*REQUESTS_CA_BUNDLE"):
        connect(server).get(LIST)
    assert (server.connections, server.requests) == (1, [])


def test_a_ca_bundle_that_is_missing_is_named(serve, connect, monkeypatch, tmp_path):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "gone.pem"))
    with pytest.raises(ConfigError, match=r"gone\.pem"):
        connect(serve(reply())).get(LIST)


def test_an_https_body_that_drips_ends_with_the_budget(
    secure, connect, authority, monkeypatch, tmp_path
):
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    server = secure(servers.drip({"Content-Length": 10**6}, lambda _: b" "))
    started = time.monotonic()
    with pytest.raises(APIError, match="time for this path was over"):
        connect(server, budget=0.5).get(LIST)
    assert time.monotonic() - started < 0.5 + 2 + 2


# --- error bodies -------------------------------------------------------------------------------

ERRORS = {
    "the API's": (
        b'{"error": {"message": "No such thing", "code": 3}}',
        3,
        "'No such thing', code 3",
    ),
    "v6's": (b'{"error": {"message": "No", "code": "not_found"}}', "not_found", "code not_found"),
    "HTML": (b"<html><h1>Forbidden</h1></html>", None, "HTTP 403. "),
    "empty": (b"", None, "HTTP 403. "),
    "a list": (b"[]", None, "HTTP 403. "),
    "null": (b"null", None, "HTTP 403. "),
    "text in the place of an object": (b'{"error": "no"}', None, "HTTP 403. "),
    "no message": (b'{"error": {"code": 1}}', 1, "code 1"),
    "a list of codes": (b'{"error": {"code": [], "message": "M"}}', None, "('M')"),
    "deep": (b'{"error":' * 100_000, None, "HTTP 403. "),
    "invalid UTF-8": (b'{"error": {"message": "\xff"}}', None, "HTTP 403. "),
    "a number of many digits": (b'{"error": {"code": ' + b"9" * 9999 + b"}}", None, "HTTP 403. "),
}


@pytest.mark.parametrize(("body", "code", "said"), ERRORS.values(), ids=ERRORS)
def test_every_shape_of_error_body_becomes_a_message(body, code, said, serve, connect):
    server = serve(reply(body, status=403))
    with pytest.raises(APIError) as caught:
        connect(server).get(LIST)
    assert (caught.value.status, caught.value.code) == (403, code)
    assert said in str(caught.value)


def test_control_characters_of_an_error_body_do_not_reach_the_terminal(serve, connect):
    message = "\x1b[2J\x07\u202egnp\nsecond line\x00"
    body = json.dumps({"error": {"message": message, "code": "\x1b[31m"}}).encode()
    with pytest.raises(APIError) as caught:
        connect(serve(reply(body, status=400))).get(LIST)
    assert str(caught.value).isprintable()
    assert str(caught.value.code).isprintable()
    assert "second line" in str(caught.value)


def test_a_long_message_of_the_api_is_cut(serve, connect):
    body = json.dumps({"error": {"message": "long " * 10**5}}).encode()
    with pytest.raises(APIError) as caught:
        connect(serve(reply(body, status=400))).get(LIST)
    assert 300 < len(str(caught.value)) < 500


@pytest.mark.parametrize("place", ["message", "code", "type", "location", "cut at the end"])
def test_a_token_that_the_server_repeats_is_redacted(place, serve, connect, token):
    error = {"message": "who?", "code": 1}
    step = {
        "message": reply(
            json.dumps({"error": {**error, "message": f"{token}!"}}).encode(), status=403
        ),
        "code": reply(json.dumps({"error": {**error, "code": token}}).encode(), status=403),
        "type": reply(b"<html>", headers={"Content-Type": f"text/{token}"}),
        "location": servers.redirect(f"https://{token}.example/"),
        "cut at the end": reply(
            json.dumps({"error": {**error, "message": "x" * 290 + token}}).encode(), status=403
        ),
    }[place]
    with pytest.raises(APIError) as caught:
        connect(serve(step)).get(LIST)
    said = str(caught.value) + repr(caught.value)
    assert token not in said
    # Nor its first letters, where a message was cut in the middle of it.
    assert token[:8] not in said
    assert "***" in said


# --- files in the API's place -------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "some answers & more"
    (root / "v3").mkdir(parents=True)
    (root / "v3" / "organizations.json").write_bytes(GOOD)
    (tmp_path / "secret.json").write_text("{}")
    return root


def test_a_file_answers_for_its_path_and_an_edit_shows_at_once(folder, connect):
    client = connect(folder.as_uri(), cache=True)
    assert client.get(LIST) == GOOD
    (folder / "v3" / "organizations.json").write_bytes(b"{}")
    assert client.get(LIST) == b"{}"
    assert not Path(os.environ["K6FRAMES_CACHE_DIR"]).exists()


def test_a_folder_may_be_written_with_and_without_percent_codes(folder, connect):
    assert "%20" in folder.as_uri()
    assert connect(folder.as_uri() + "/").get(LIST) == GOOD
    assert connect(f"file:{folder}").get(LIST) == GOOD


def test_a_missing_file_is_a_404(folder, connect):
    with pytest.raises(APIError, match=r"no file v3/organizations/9\.json") as caught:
        connect(folder.as_uri()).get(LIST + "/9")
    assert caught.value.status == 404


@pytest.mark.parametrize(
    "path", ["/../secret", "/v3/../../secret", "/%2e%2e/secret", "/..%2fsecret", "//../secret"]
)
def test_a_path_cannot_leave_the_folder(path, folder, connect):
    with pytest.raises(APIError) as caught:
        connect(folder.as_uri()).get(path)
    assert caught.value.status == 404


def test_a_link_cannot_leave_the_folder(folder, connect):
    (folder / "away.json").symlink_to(folder.parent / "secret.json")
    with pytest.raises(APIError) as caught:
        connect(folder.as_uri()).get("/away")
    assert caught.value.status == 404


@pytest.mark.parametrize("path", ["/v3", "/a%00b"])
def test_a_file_that_cannot_be_read_is_an_api_error(path, folder, connect):
    (folder / "v3.json").mkdir()
    with pytest.raises(APIError, match="cannot be read"):
        connect(folder.as_uri()).get(path)


def test_the_sample_account_answers_without_a_token(connect):
    assert b"organizations" in connect("sample:", token=None).get(LIST)


# --- the same through another server ------------------------------------------------------------


def test_an_ordinary_server_is_understood(httpserver: HTTPServer, connect):
    httpserver.expect_request(LIST).respond_with_data(GOOD, content_type="application/json")
    assert connect(httpserver.url_for("")).get(LIST) == GOOD


def test_a_connection_that_fails_names_the_host_to_check(connect, no_waits):
    with pytest.raises(
        APIError, match=r"Check the network, and whether 127\.0\.0\.1:9 is the right"
    ):
        connect("http://127.0.0.1:9").get(LIST)
