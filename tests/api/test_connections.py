"""Connections that can be ended from another thread; endless responses are in the catalogue."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
import servers
import urllib3
from servers import GOOD, LIST, reply

from k6frames.api import connections
from k6frames.api.connections import STOPPABLE_POOLS
from k6frames.api.workers import ActiveRequest, active_request


@pytest.fixture
def pool() -> Iterator[urllib3.PoolManager]:
    with urllib3.PoolManager(retries=False) as manager:
        manager.pool_classes_by_scheme = STOPPABLE_POOLS
        yield manager


@pytest.fixture
def active() -> Iterator[ActiveRequest]:
    request = ActiveRequest()
    reset = active_request.set(request)
    yield request
    active_request.reset(reset)


def test_a_request_knows_its_socket_even_on_a_reused_connection(pool, active, serve):
    server = serve(reply(keep_alive=True))
    assert pool.request("GET", server.url + LIST).data == GOOD
    first = active.socket
    assert first.getpeername()[1] == server.port
    active.socket = None
    assert pool.request("GET", server.url + LIST).data == GOOD
    assert active.socket is first
    assert server.connections == 1


def test_a_request_that_was_stopped_is_not_sent(pool, active, serve):
    server = serve(reply(keep_alive=True))
    pool.request("GET", server.url + LIST)
    active.stop()
    for _ in range(2):  # on the open connection, then on a new one
        with pytest.raises(urllib3.exceptions.ProtocolError, match="the work was stopped"):
            pool.request("GET", server.url + LIST)
    assert server.count() == 1


def test_the_socket_inside_a_tls_wrapper_is_ended(active):
    ours, theirs = socket.socketpair()

    class Transport:
        socket = ours

    with ours, theirs:
        connections._register(Transport())
        active.stop()
        theirs.settimeout(5)
        assert theirs.recv(1) == b""


def test_connections_work_without_an_active_request(pool, serve):
    assert active_request.get() is None
    assert pool.request("GET", serve(reply()).url + LIST).data == GOOD


def test_interim_responses_of_any_kind_are_skipped(pool, serve):
    head = b"HTTP/1.1 102 Processing\r\nA: b\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
    head += b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}"
    response = pool.request("GET", serve(servers.raw(head)).url + LIST)
    assert (response.status, response.headers.get("A"), response.data) == (404, None, b"{}")
