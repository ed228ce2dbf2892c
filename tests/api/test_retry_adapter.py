"""Requests that succeed, waits, proxies and certificates; faults are in the catalogue."""

from __future__ import annotations

import gzip
import itertools
import logging
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
import requests
import servers
import trustme
from pytest_httpserver import HTTPServer
from servers import GOOD, LIST, empty_reply, reply

from k6frames.api import responses, retry_adapter
from k6frames.api.connections import STOPPABLE_POOLS
from k6frames.api.retry_adapter import RetryAdapter
from k6frames.api.token import Token
from k6frames.api.workers import ActiveRequest, active_request
from k6frames.errors import APIError, ConfigError

GZIP = {"Content-Encoding": "gzip"}
COMPLETE = {
    "with a length": reply(),
    "gzip": servers.gzipped(),
    "chunked": servers.chunked(GOOD[:10], GOOD[10:]),
    "chunked gzip": servers.chunked(gzip.compress(GOOD), headers=GZIP),
    "until the connection closes": servers.close_delimited(),
    "declared as text": reply(headers={"Content-Type": "text/plain"}),
}


@pytest.mark.parametrize("step", COMPLETE.values(), ids=COMPLETE)
def test_a_complete_response_is_requested_once(step, serve, connect, monkeypatch):
    monkeypatch.setattr(responses, "MAX_BODY_BYTES", len(GOOD))
    server = serve(step)
    assert connect(server).get(LIST) == GOOD
    assert server.count() == 1


def test_an_ordinary_server_is_understood(httpserver: HTTPServer, connect, token):
    headers = {"Authorization": f"token {token}", "Accept": "application/json"}
    httpserver.expect_request(LIST, headers=headers).respond_with_data(GOOD)
    assert connect(httpserver.url_for("")).get(LIST) == GOOD


def test_connections_are_reused(serve, connect):
    server = serve(reply(keep_alive=True))
    client = connect(server)
    for _ in range(3):
        client.get(LIST)
    assert (server.count(), server.connections) == (3, 1)


@pytest.mark.parametrize("status", [400, 402, 405, 409, 418, 422, 501, 505])
def test_a_status_that_a_retry_would_not_change_is_requested_once(status, serve, connect):
    server = serve(empty_reply(status))
    with pytest.raises(APIError, match=f"HTTP {status}") as caught:
        connect(server).get(LIST)
    assert (caught.value.status, server.count()) == (status, 1)


# --- retries ------------------------------------------------------------------------------------


def test_the_waits_between_attempts_double(serve, connect, monkeypatch):
    monkeypatch.setattr(retry_adapter, "FIRST_WAIT_SECONDS", 0.05)
    monkeypatch.setattr(retry_adapter, "MAX_WAIT_SECONDS", 0.1)
    monkeypatch.setattr(retry_adapter, "JITTER_SECONDS", 0)
    server = serve(empty_reply(503), empty_reply(503), empty_reply(503), reply())
    connect(server).get(LIST)
    times = [request.time for request in server.requests]
    waits = [after - before for before, after in itertools.pairwise(times)]
    assert all(wait >= least for wait, least in zip(waits, [0.05, 0.1, 0.1], strict=True))
    assert sum(waits) < 1


def test_retry_after_as_a_date_is_waited_for(serve, connect):
    def in_two_seconds(connection: servers.Connection) -> None:
        soon = datetime.now(UTC) + timedelta(seconds=2)
        empty_reply(503, format_datetime(soon, usegmt=True))(connection)

    server = serve(in_two_seconds, reply())
    assert connect(server).get(LIST) == GOOD
    # A date has no fractions, so up to one of the two seconds is lost.
    assert server.requests[1].time - server.requests[0].time >= 0.8


def test_attempts_and_waits_share_one_budget(serve, connect, monkeypatch):
    monkeypatch.setattr(retry_adapter, "FIRST_WAIT_SECONDS", 0.2)
    server = serve(empty_reply(503))
    with pytest.raises(APIError, match=r"Tried \d times? in [\d.]+ s \(budget 0\.6 s\)"):
        connect(server, budget=0.6).get(LIST)
    assert server.count(LIST) <= 3  # the waits are 0.2 s, 0.4 s, ...


@pytest.mark.usefixtures("no_waits")
def test_a_timeout_error_names_the_failure_of_the_previous_attempt(serve, connect):
    headers = servers.endless(b"HTTP/1.1 200 OK\r\nX: ", lambda _: b"x")
    client = connect(serve(empty_reply(503), headers), budget=0.5)
    expected = r"within 0\.5 s \(the budget\)\. The previous attempt failed: HTTP 503\. Check"
    with pytest.raises(APIError, match=expected):
        client.get(LIST)


@pytest.mark.usefixtures("no_waits")
def test_a_retry_is_logged_only_if_there_is_another_attempt(serve, connect, caplog):
    caplog.set_level(logging.INFO, "k6frames")
    server = serve(empty_reply(503))
    with pytest.raises(APIError, match="Tried 6 times"):
        connect(server).get(LIST)
    assert len(caplog.messages) == server.count() - 1 == 5
    assert all("HTTP 503. Trying again in 0." in message for message in caplog.messages)
    caplog.clear()
    with pytest.raises(APIError, match="Tried once"):
        connect(serve(empty_reply(503, 3600))).get(LIST)
    assert caplog.messages == []


def test_a_request_that_is_stopped_is_not_logged_as_retried(serve, connect, caplog):
    caplog.set_level(logging.INFO, "k6frames")
    server = serve(
        script={"/silent": [servers.silence], "/bad": [reply(b"", status=403, delay=0.1)]}
    )
    with pytest.raises(APIError, match="/bad"):
        connect(server).fetch(["/silent", "/bad"])
    servers.wait_until(lambda: not any(t.name == "k6frames" for t in threading.enumerate()))
    assert caplog.messages == []


def test_429_says_how_to_send_fewer_requests(serve, connect):
    with pytest.raises(APIError, match="with a smaller max_workers"):
        connect(serve(empty_reply(429, 3600))).get(LIST)


# --- proxies and certificates -------------------------------------------------------------------


def test_http_proxy_is_used(serve, connect, monkeypatch):
    proxy = serve(script={"http://k6.invalid/v3/organizations": [reply()]})
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    with pytest.warns(UserWarning, match="not https"):
        client = connect("http://k6.invalid")
    assert client.get(LIST) == GOOD
    assert proxy.requests[0].headers["host"] == "k6.invalid"


def test_no_proxy_is_respected(serve, connect, monkeypatch):
    proxy, server = serve(empty_reply(403)), serve(reply())
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert connect(server).get(LIST) == GOOD
    assert proxy.requests == []


def test_an_https_address_is_reached_through_a_proxy_tunnel(
    serve, secure, connect, monkeypatch, bundle
):
    server = secure(reply())
    proxy = serve(script={f"127.0.0.1:{server.port}": [_tunnel_to(server.port)]})
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", bundle)
    assert connect(server).get(LIST) == GOOD
    assert "authorization" not in proxy.requests[0].headers


def _tunnel_to(port: int) -> servers.Step:
    """Return a step that responds to CONNECT as a proxy does."""

    def step(connection: servers.Connection) -> None:
        with servers.socket.create_connection(("127.0.0.1", port)) as target:
            connection.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
            pairs = [(connection.socket, target), (target, connection.socket)]
            threads = [threading.Thread(target=_copy, args=pair, daemon=True) for pair in pairs]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(10)

    return step


def _copy(source: Any, target: Any) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(servers.socket.SHUT_WR)
    except OSError:
        pass


def test_a_socks_proxy_keeps_its_own_connections(monkeypatch):
    class SOCKSManager(requests.packages.urllib3.PoolManager):  # type: ignore[name-defined]
        def __init__(self, *_: Any, **__: Any) -> None:
            super().__init__()

    monkeypatch.setattr("requests.adapters.SOCKSProxyManager", SOCKSManager)
    retrying = RetryAdapter(Token("t"), "https://h", budget=1, connections=1)
    manager = retrying.proxy_manager_for("socks5://127.0.0.1:9")
    assert isinstance(manager, SOCKSManager)
    assert manager.pool_classes_by_scheme != STOPPABLE_POOLS
    assert (
        retrying.proxy_manager_for("http://127.0.0.1:9").pool_classes_by_scheme == STOPPABLE_POOLS
    )


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def bundle(authority, tmp_path) -> str:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture
def secure(serve, authority):
    """Start a server with TLS."""

    def start(*steps: servers.Step) -> servers.RawServer:
        context = servers.ssl.SSLContext(servers.ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        return serve(*steps, tls=context)

    return start


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_ca_bundle_from_the_environment_is_trusted(name, secure, connect, monkeypatch, bundle):
    monkeypatch.setenv(name, bundle)
    assert connect(secure(reply())).get(LIST) == GOOD


def test_a_missing_ca_bundle_is_named(serve, connect, monkeypatch, tmp_path):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "gone.pem"))
    with pytest.raises(ConfigError, match=r"gone\.pem"):
        connect(serve(reply())).get(LIST)


def test_a_request_whose_budget_ended_before_it_was_sent_names_the_budget(serve, token):
    server = serve(servers.silence)
    with requests.Session() as session:
        session.mount(server.url, RetryAdapter(Token(token), server.url, budget=2, connections=1))
        active = ActiveRequest()
        active.started -= 5
        before = active_request.set(active)
        try:
            with pytest.raises(APIError, match=r"\(budget 2 s\)") as caught:
                session.get(server.url + LIST, timeout=(5, 30))
        finally:
            active_request.reset(before)
    assert caught.value.status is None
