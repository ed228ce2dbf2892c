"""One request: its URL, its headers, its error, and when its response was fetched."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
import servers
from servers import GOOD, LIST, empty_reply, reply

from k6frames.api.endpoints import AUTH, Request
from k6frames.api.session import ApiSession, normalize_url
from k6frames.api.settings import resolve_settings
from k6frames.api.token import Token
from k6frames.errors import APIError, ConfigError


@pytest.fixture
def session(token):
    opened: list[ApiSession] = []

    def make(server: servers.RawServer | str, *, cache: bool = True) -> ApiSession:
        url = server if isinstance(server, str) else server.url
        settings = resolve_settings(Token(token), url, None, cache=cache)
        opened.append(ApiSession(settings, timeout=(2, 5), budget=10, connections=2))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/v3/organizations", "/v3/organizations"),
        ("/v3/x/", "/v3/x/"),
        ("/v3/x y/", "/v3/x%20y/"),
        ("/v3/é", "/v3/%C3%A9"),
        ("/v3/%7Ex", "/v3/~x"),
        ("/v3/x?b=2&a=1", "/v3/x?b=2&a=1"),
        ("/v6/x?$count=true&after=2026-01-01T00:00:00%2B02:00", None),
        (
            "/v5/x(query='q(0.95)',metric='m{a=\"b\"}')",
            "/v5/x(query='q(0.95)',metric='m%7Ba=%22b%22%7D')",
        ),
        ("/", "/"),
    ],
)
def test_a_path_is_sent_as_it_is_or_quoted_and_its_response_is_found_again(
    path, sent, serve, session
):
    server = serve(account=lambda _: reply())
    opened = session(server)
    request = Request(path, 7)
    assert opened.cached(request, None) is None
    response = opened.send(request)
    assert opened.cached(request, None).body == response.body == GOOD
    assert [received.path for received in server.requests] == [sent or path]
    opened.forget([request])
    assert opened.cached(request, None) is None


@pytest.mark.parametrize(
    ("request_", "headers"),
    [
        (Request(LIST), {"authorization": "token {}"}),
        (Request("/cloud/v6/x", 5), {"authorization": "Bearer {}", "x-stack-id": "5"}),
        (Request("/cloud/v5/x", 5), {"authorization": "Bearer {}", "x-stack-id": "5"}),
        (
            Request(AUTH, "https://a.grafana.net"),
            {"authorization": "Bearer {}", "x-stack-url": "https://a.grafana.net"},
        ),
    ],
    ids=["v3", "v6", "v5", "stack URL"],
)
def test_a_request_has_the_headers_of_its_api_and_ours(request_, headers, serve, session, token):
    server = serve(account=lambda _: reply())
    session(f"{server.url}/prefix").send(request_)
    (received,) = server.requests
    expected = {name: value.format(token) for name, value in headers.items()}
    present = {"authorization", "x-stack-id", "x-stack-url", "cookie"} & received.headers.keys()
    assert {name: received.headers[name] for name in present} == expected
    assert received.headers["user-agent"].startswith("k6frames/")
    assert received.headers["accept"] == "application/json"


def test_a_request_is_never_conditional(serve, session):
    server = serve(reply(headers={"ETag": '"1"', "Last-Modified": "Wed, 01 Jul 2026 00:00:00 GMT"}))
    opened = session(server)
    opened.send(Request(LIST))
    opened.send(Request(LIST))
    assert not {"if-none-match", "if-modified-since"} & server.requests[1].headers.keys()


def test_the_time_of_a_response_is_when_it_was_fetched(serve, session):
    opened = session(serve(reply(headers={"Last-Modified": "Wed, 01 Jul 2020 00:00:00 GMT"})))
    before = datetime.now(UTC)
    sent = opened.send(Request(LIST))
    cached = opened.cached(Request(LIST), None)
    assert before <= sent.fetched <= datetime.now(UTC)
    assert before <= cached.fetched <= datetime.now(UTC)


def test_the_time_of_a_file_is_when_it_was_written(tmp_path: Path, session):
    file = tmp_path / "account" / "v3" / "organizations.json"
    file.parent.mkdir(parents=True)
    file.write_bytes(GOOD)
    os.utime(file, (1_800_000_000, 1_800_000_000))
    response = session((tmp_path / "account").as_uri()).send(Request(LIST))
    assert response.fetched == datetime.fromtimestamp(1_800_000_000, UTC)
    assert "Five" not in repr(response)


def test_an_error_begins_with_the_label_of_its_request(serve, session):
    opened = session(serve(empty_reply(404)))
    with pytest.raises(APIError, match=f"^{LIST}: HTTP 404") as plain:
        opened.send(Request(LIST))
    with pytest.raises(APIError) as labeled:
        opened.send(Request(LIST, label="organization 5 (Five)"))
    assert str(labeled.value) == f"organization 5 (Five): {plain.value}"
    assert labeled.value.args[:2] == plain.value.args[:2]


def test_a_closed_session_opens_again(serve, session):
    server = serve(reply())
    opened = session(server)
    opened.send(Request(LIST))
    opened.close()
    opened.close()
    assert opened.cached(Request(LIST), None).body == GOOD
    assert opened.send(Request(LIST)).body == GOOD


def test_a_session_that_is_closed_as_soon_as_it_is_open_can_be_used(serve, session, monkeypatch):
    """A thread that forks closes the sessions of all others."""
    opened = session(serve(reply()))

    class ForkingLock:
        def __enter__(self) -> None: ...

        def __exit__(self, *_: object) -> None:
            opened.close()

    monkeypatch.setattr("k6frames.api.session.fork_lock", ForkingLock())
    assert opened.send(Request(LIST)).body == GOOD
    assert opened.cached(Request(LIST), None).body == GOOD


def test_an_address_that_cannot_be_requested_is_refused():
    with pytest.raises(ConfigError, match="is not an address"):
        normalize_url("https://a\u2100b")
