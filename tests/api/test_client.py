"""`Client`: many requests, failures, stacks, progress, and the repr."""

from __future__ import annotations

import io
import json
import math
import os
import pickle
import re
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import servers
from servers import GOOD, LIST, echo, empty_reply, reply

from k6frames.api.client import Client
from k6frames.api.default_client import default_client
from k6frames.api.endpoints import AUTH, Request
from k6frames.api.stacks import Stack
from k6frames.errors import APIError, ConfigError, SchemaError
from k6frames.loaders.organizations import organizations_df, projects_df

PATHS = [f"/v3/organizations/{n}" for n in range(20)]
REQUESTS = list(map(Request, PATHS))


def slow_echo(path: str) -> servers.Step:
    return reply(json.dumps({"path": path}).encode(), keep_alive=True, delay=0.05)


# --- many requests ------------------------------------------------------------------------------


def test_bodies_are_in_the_order_of_the_requests(serve, connect):
    quick_last = {path: [reply(delay=0.2 - 0.01 * n)] for n, path in enumerate(PATHS)}
    responses = connect(serve(script=quick_last), max_workers=20).fetch(PATHS)
    assert list(responses.bodies) == REQUESTS
    assert responses.failures == {}


def test_equal_requests_are_sent_once(serve, connect):
    server = serve(account=echo)
    labeled = Request(PATHS[3], label="organization 3")
    stack = Request("/cloud/v6/projects", 1)
    other_stack = Request("/cloud/v6/projects", 2)
    requests = [*PATHS, *REQUESTS, labeled, stack, other_stack, stack]
    responses = connect(server).fetch(requests)
    assert list(responses.bodies) == [*REQUESTS, stack, other_stack]
    assert len(server.requests) == 22


@pytest.mark.parametrize("workers", [1, 3, 8])
def test_at_most_max_workers_requests_are_concurrent(workers, serve, connect):
    server = serve(account=slow_echo)
    connect(server, max_workers=workers).fetch(PATHS[: workers + 3])
    assert server.most_concurrent == workers


def test_hits_are_read_without_threads_and_only_misses_are_sent(
    serve, connect, tmp_path, monkeypatch
):
    server = serve(account=echo)
    client = connect(server, cache=tmp_path / "cache")
    client.fetch(PATHS[:15])
    bodies = client.fetch(PATHS).bodies
    assert list(bodies) == REQUESTS
    assert [server.count(path) for path in PATHS] == [1] * 20

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a thread was started for hits")

    monkeypatch.setattr(threading, "Thread", refuse)
    assert client.fetch(PATHS).bodies == bodies


def test_no_requests_have_no_responses(serve, connect):
    assert connect(serve()).fetch([]) == ({}, {}, None)


def test_on_error_warn_returns_failures_with_the_responses(serve, connect):
    script = {path: [empty_reply(404)] for path in PATHS[::2]}
    responses = connect(serve(script=script, account=echo)).fetch(PATHS, on_error="warn")
    assert list(responses.bodies) == REQUESTS[1::2]
    assert list(responses.failures) == REQUESTS[::2]
    assert {error.status for error in responses.failures.values()} == {404}


def test_on_error_raise_raises_the_first_failure_and_sends_little_more(serve, connect):
    server = serve(script={PATHS[0]: [empty_reply(403)]}, account=slow_echo)
    with pytest.raises(APIError, match="HTTP 403"):
        connect(server, max_workers=2).fetch(PATHS)
    time.sleep(0.15)
    assert len(server.requests) <= 4


def test_on_error_is_suggested_only_if_other_requests_may_succeed(serve, connect):
    client = connect(
        serve(script={"/a": [empty_reply(404)], "/b": [empty_reply(400)]}, account=echo)
    )
    advice = 'check the ID. To read the rest without it, pass on_error="warn".'
    for paths, is_advised in ((["/a"], False), (["/a", "/c"], True), (["/b", "/c"], False)):
        with pytest.raises(APIError) as caught:
            client.fetch(paths)
        assert str(caught.value).endswith(advice) is is_advised


def test_a_failure_in_one_thread_does_not_stop_other_threads_with_the_same_client(serve, connect):
    server = serve(script={"/bad": [empty_reply(403)]}, account=slow_echo)
    client = connect(server, max_workers=2)
    results: list[Any] = []
    other = threading.Thread(target=lambda: results.append(client.fetch(PATHS)))
    other.start()
    servers.wait_until(lambda: server.requests)
    with pytest.raises(APIError):
        client.get("/bad")
    other.join(timeout=30)
    assert list(results[0].bodies) == REQUESTS


def test_oldest_is_when_the_oldest_response_was_fetched(serve, connect, tmp_path):
    client = connect(serve(account=echo), cache=tmp_path / "cache")
    client.get(PATHS[0])
    first = client.fetch(PATHS[:1]).oldest
    assert first.tzinfo is UTC
    assert client.fetch(PATHS).oldest == first
    assert client.fetch(PATHS[1:]).oldest > first


def test_each_request_to_each_stack_is_refreshed_once(serve, connect, tmp_path):
    server = serve(account=echo)
    requests = [Request("/x"), Request("/x", 1), Request("/x", 2)]
    connect(server, cache=tmp_path / "cache").fetch(requests)
    client = connect(server, cache=tmp_path / "cache", refresh=True)
    client.fetch(requests)
    client.fetch(requests)
    assert server.count("/x") == 6


# --- arguments ----------------------------------------------------------------------------------


def test_an_unknown_on_error_is_refused(connect):
    with pytest.raises(ConfigError, match=r'"raise" or "warn"'):
        connect("http://127.0.0.1:9").fetch([LIST], on_error="ignore")


def test_one_path_instead_of_several_is_refused(connect):
    with pytest.raises(ConfigError, match=r"For one path, use Client\.get"):
        connect("http://127.0.0.1:9").fetch(LIST)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("budget", value) for value in (0, -1, math.nan, math.inf, "60", True, 10**7)],
        *[("max_workers", value) for value in (0, 0.5, 1001, True, None)],
        *[("expire_after", value) for value in (-1, math.nan, None, "1h", True)],
        *[("timeout", value) for value in ((0, 1), (1, None), 5, (1, 2, 3), (1, math.inf), [1, 2])],
    ],
)
def test_an_invalid_argument_is_named(name, value, token):
    with pytest.raises(ConfigError, match=f"^{name} must be"):
        Client(token, **{name: value})


@pytest.mark.parametrize("expire_after", [math.inf, 1e300, 1e9, np.float32(2e6), 10**400])
def test_large_limits_are_applied_as_given(expire_after, serve, connect, tmp_path):
    server = serve(reply())
    client = connect(
        server,
        cache=tmp_path / "cache",
        budget=2e6,
        timeout=(2_000_000, np.int64(2_000_000)),
        expire_after=expire_after,
    )
    assert client.get(LIST) == client.get(LIST) == GOOD
    assert server.count() == 1


# --- stacks -------------------------------------------------------------------------------------

ACCOUNT = {
    AUTH: [reply(b'{"stack_id": 41, "default_project_id": 1}')],
    "/cloud/v6/projects": [reply()],
}


def test_a_v6_path_is_requested_for_the_given_stack_else_for_that_of_the_client(serve, connect):
    server = serve(script=ACCOUNT)
    client = connect(server, stack=7)
    client.get("/cloud/v6/projects")
    client.get("/cloud/v6/projects", stack=8)
    assert [request.headers["x-stack-id"] for request in server.requests] == ["7", "8"]


def test_a_slug_is_resolved_once_by_the_api(serve, connect, tmp_path):
    server = serve(script=ACCOUNT)
    client = connect(server, stack="my-team", cache=tmp_path / "cache")
    for _ in range(2):
        assert client.stacks() == (Stack(41, "https://my-team.grafana.net"),)
        client.get("/cloud/v6/projects")
    (auth, projects) = server.requests
    assert (auth.path, auth.headers["x-stack-url"]) == (AUTH, "https://my-team.grafana.net")
    assert "x-stack-id" not in auth.headers
    assert projects.headers["x-stack-id"] == "41"


def test_several_stacks_are_each_listed_once(serve, connect):
    client = connect(serve(script=ACCOUNT), stack=[7, "41", "https://my-team.grafana.net", 8])
    assert [stack.id for stack in client.stacks()] == [7, 41, 8]
    assert [stack.id for stack in client.stacks(9)] == [9]
    with pytest.raises(
        ConfigError, match=r"Only one stack can be read: pass stack= as one of 7, 41, 8"
    ):
        client.get("/cloud/v6/projects")


def test_without_a_stack_the_error_lists_the_ways_to_name_one(serve, connect):
    server = serve(script=ACCOUNT)
    with pytest.raises(ConfigError, match="K6_CLOUD_STACK_ID"):
        connect(server).get("/cloud/v6/projects")
    assert server.requests == []


def test_a_stack_that_the_api_does_not_know_is_named(serve, connect):
    client = connect(serve(script={AUTH: [empty_reply(403)]}), stack="my-team")
    with pytest.raises(
        APIError, match=r"\(stack https://my-team\.grafana\.net\): .*check the stack"
    ):
        client.stacks()
    malformed = connect(serve(script={AUTH: [reply(b"{}")]}), stack="my-team")
    with pytest.raises(SchemaError, match="has no stack ID"):
        malformed.stacks()


# --- Ctrl-C at the end of a process -------------------------------------------------------------

SILENT = """
import signal, sys
from k6frames.api.client import Client
# A process that a shell started in the background ignores SIGINT.
signal.signal(signal.SIGINT, signal.default_int_handler)
client = Client(sys.argv[2], api_url=sys.argv[1], cache=False, timeout=(60, 60))
try:
    client.fetch([f"/{n}" for n in range(20)])
except KeyboardInterrupt:
    print("interrupted")
"""


def test_after_ctrl_c_a_process_ends_at_once(serve, token):
    server = serve(account=lambda _: servers.silence)
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", SILENT, server.url, token],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        servers.wait_until(lambda: len(server.requests) == 8)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)  # less than its timeout
    assert (out, err, process.returncode) == ("interrupted\n", "", 0)


# --- progress -----------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("progress", "stderr", "is_shown"),
    [
        (None, io.StringIO, False),
        (None, Terminal, True),
        (False, Terminal, False),
        (True, io.StringIO, True),
    ],
)
def test_progress_is_shown_to_people_or_if_requested(
    progress, stderr, is_shown, serve, connect, capsys, monkeypatch, token
):
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    # Shown at once instead of after a second, and updated with every response.
    monkeypatch.setattr("k6frames.api.progress.DELAY_SECONDS", 0)
    monkeypatch.setattr("k6frames.api.progress.UPDATE_INTERVAL_SECONDS", 0)
    monkeypatch.setattr(sys, "stderr", stderr())
    connect(serve(account=echo), progress=progress).fetch(PATHS)
    shown = sys.stderr.getvalue()
    assert ("k6frames" in shown and "20/20" in shown) is is_shown
    assert capsys.readouterr().out == ""
    assert token not in shown


def test_no_progress_is_shown_within_the_first_second(serve, connect, capsys):
    connect(serve(account=echo), progress=True).fetch(PATHS)
    assert capsys.readouterr() == ("", "")


# --- the default client -------------------------------------------------------------------------


def test_there_is_one_default_client_for_each_account(monkeypatch):
    monkeypatch.setenv("K6_CLOUD_TOKEN", "token-one")
    one = default_client()
    assert default_client() is one
    monkeypatch.setenv("K6_CLOUD_TOKEN", "token-two")
    assert default_client() is not one
    monkeypatch.setenv("K6_CLOUD_TOKEN", "token-one")
    assert default_client() is one
    monkeypatch.setenv("K6_CLOUD_STACK_ID", "5")
    assert [stack.id for stack in default_client().stacks()] == [5]


def test_loaders_without_a_client_use_the_default_client(serve, monkeypatch, token):
    server = serve(account=servers.account(servers.some_account()))
    monkeypatch.setenv("K6_CLOUD_TOKEN", token)
    monkeypatch.setenv("K6FRAMES_API_URL", server.url)
    assert len(organizations_df()) == 5
    assert len(projects_df()) == 6
    assert server.count() == 1
    default_client().close()


def test_creating_a_client_touches_neither_network_nor_disk(tmp_path, token):
    before = sorted(tmp_path.rglob("*"))
    Client(token, api_url="https://127.0.0.1:9", stack="my-team")
    assert sorted(tmp_path.rglob("*")) == before


# --- the repr -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"api_url": "sample:"}, "the sample account"),
        ({"token": "t", "cache": False}, "not cached"),
        ({"token": "t"}, "cached for 1 h in "),
        ({"token": "t", "expire_after": 5400, "refresh": True}, "cached for 1.5 h in "),
        ({"token": "t", "refresh": True}, "refresh=True"),
        ({"token": "t", "expire_after": math.inf}, "cached in "),
        ({"token": "t", "offline": True}, "offline, from the cache in "),
        ({"token": "t", "stack": 5}, "stack 5; "),
        ({"token": "t", "stack": [5, "a"]}, "stacks 5, https://a.grafana.net; "),
    ],
)
def test_the_repr_shows_which_account_and_how_it_is_cached(options, text):
    client = Client(**options)
    assert text in repr(client)
    assert client.api_url in repr(client)
    if ";" not in text:
        assert text in client._repr_html_()


def test_html_is_escaped_and_shows_what_is_cached(serve, connect, tmp_path):
    client = connect(serve(reply()), cache=tmp_path / "a<b>")
    assert "response" not in client._repr_html_()
    client.get(LIST)
    shown = client._repr_html_()
    assert "a&lt;b&gt;" in shown
    assert "a<b>" not in shown
    assert re.search(r"1 response, 0\.\d MB, fetched \d{4}-\d\d-\d\d \d\d:\d\d to", shown)


def test_a_client_cannot_be_pickled(token):
    with pytest.raises(TypeError) as caught:
        pickle.dumps(Client(token))
    assert token not in str(caught.value)


def test_as_of_is_the_time_of_the_account_or_now(tmp_path, token):
    assert Client.sample().as_of.year == 2026
    account = tmp_path / "account"
    account.mkdir()
    (account / "account.json").write_text('{"as_of": "2025-01-01T00:00:00Z"}')
    assert Client(api_url=account.as_uri()).as_of == datetime(2025, 1, 1, tzinfo=UTC)
    assert abs(Client(token).as_of - datetime.now(UTC)).total_seconds() < 5


def test_files_are_read_every_time_and_not_cached(tmp_path, connect):
    account = tmp_path / "account & more"
    (account / "v3").mkdir(parents=True)
    client = connect(account.as_uri(), token=None, cache=True, offline=True)
    assert "responses from files" in repr(client)
    for body in (GOOD, b"{}"):
        (account / "v3" / "organizations.json").write_bytes(body)
        assert client.get(LIST) == body
    assert not Path(os.environ["K6FRAMES_CACHE_DIR"]).exists()


def test_a_closed_client_opens_again(serve, connect, tmp_path):
    server = serve(reply())
    with connect(server, cache=tmp_path / "cache") as client:
        client.get(LIST)
    assert client.get(LIST) == client.get("/v3/organizations") == GOOD
    assert server.count() == 1
