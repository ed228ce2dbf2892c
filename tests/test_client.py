"""`Client`: many paths at once, failures, Ctrl-C, progress, and what it says of itself."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import textwrap
import threading
import time
from typing import Any

import pytest
import servers
from servers import GOOD, LIST, busy, reply

import k6frames
from k6frames import APIError, Client, ConfigError
from k6frames.client import shared_client

PATHS = [f"/v3/organizations/{n}" for n in range(20)]


def echo(path: str) -> servers.Step:
    return reply(json.dumps({"path": path}).encode(), keep=True)


def slow_echo(path: str) -> servers.Step:
    return reply(json.dumps({"path": path}).encode(), keep=True, after=0.05)


# --- many paths ---------------------------------------------------------------------------------


def test_answers_come_in_the_order_of_the_paths(serve, connect):
    quick_last = {path: [reply(after=0.3 - 0.015 * n)] for n, path in enumerate(PATHS)}
    server = serve(script=quick_last)
    bodies, failures = connect(server, max_workers=20).get_many(PATHS)
    assert list(bodies) == PATHS
    assert failures == {}


def test_each_path_is_asked_once_however_often_it_is_wanted(serve, connect):
    server = serve(account=echo)
    bodies, _ = connect(server).get_many([*PATHS, *PATHS, PATHS[3]])
    assert list(bodies) == PATHS
    assert [server.count(path) for path in PATHS] == [1] * 20


@pytest.mark.parametrize("workers", [1, 3, 8])
def test_at_most_max_workers_requests_are_under_way(workers, serve, connect):
    server = serve(account=slow_echo)
    connect(server, max_workers=workers).get_many(PATHS)
    assert server.most_at_once == workers


def test_hits_are_read_without_threads_and_only_misses_are_sent(
    serve, connect, tmp_path, monkeypatch
):
    server = serve(account=echo)
    client = connect(server, cache=tmp_path / "kept")
    client.get_many(PATHS[:15])
    names: list[str] = []
    read = client._kept

    def watched(*arguments: Any) -> Any:
        names.append(threading.current_thread().name)
        return read(*arguments)

    monkeypatch.setattr(client, "_kept", watched)
    bodies, _ = client.get_many(PATHS)
    assert list(bodies) == PATHS
    assert set(names) == {threading.current_thread().name}
    assert [server.count(path) for path in PATHS] == [1] * 20

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a warm read started a thread")

    monkeypatch.setattr(threading, "Thread", refuse)
    assert client.get_many(PATHS)[0] == bodies


def test_no_paths_are_no_requests(serve, connect):
    server = serve(reply())
    assert connect(server).get_many([]) == ({}, {})
    assert server.requests == []


def test_on_error_warn_returns_failures_beside_answers(serve, connect):
    script = {path: [busy(404)] for path in PATHS[::2]}
    bodies, failures = connect(serve(script=script, account=echo)).get_many(PATHS, on_error="warn")
    assert list(bodies) == PATHS[1::2]
    assert list(failures) == PATHS[::2]
    assert {error.status for error in failures.values()} == {404}


def test_on_error_raise_raises_the_first_failure_and_asks_for_little_more(serve, connect):
    server = serve(script={PATHS[0]: [busy(403)]}, account=slow_echo)
    client = connect(server, max_workers=2)
    with pytest.raises(APIError) as caught:
        client.get_many(PATHS)
    assert caught.value.status == 403
    time.sleep(0.3)
    assert len(server.requests) <= 4


def test_a_failure_stops_retries_that_wait_elsewhere(serve, connect):
    server = serve(script={"/bad": [reply(b"", status=403, after=0.2)], "/busy": [busy(503, 1)]})
    with pytest.raises(APIError, match="/bad"):
        connect(server).get_many(["/busy", "/bad"])
    time.sleep(1.2)
    assert server.count("/busy") == 1


def test_a_failure_in_one_thread_does_not_stop_another_that_shares_the_client(serve, connect):
    server = serve(script={"/bad": [busy(403)]}, account=slow_echo)
    client = connect(server, max_workers=2)
    results: list[Any] = []
    other = threading.Thread(target=lambda: results.append(client.get_many(PATHS)))
    other.start()
    servers.until(lambda: server.requests)
    with pytest.raises(APIError):
        client.get("/bad")
    other.join(timeout=30)
    assert list(results[0][0]) == PATHS


def test_the_oldest_answer_dates_the_whole(serve, connect, tmp_path):
    server = serve(account=echo)
    client = connect(server, cache=tmp_path / "kept")
    client.get(PATHS[0])
    first = client.fetch(PATHS[:1]).oldest
    assert client.fetch(PATHS).oldest == first
    assert client.fetch(PATHS[1:]).oldest > first
    assert client.fetch([]).oldest is None


@pytest.mark.parametrize("path", ["v3/organizations", "", "https://elsewhere.example/", " /v3"])
def test_a_path_that_begins_with_no_slash_is_refused(path, connect):
    with pytest.raises(ConfigError, match="begins with '/'"):
        connect("http://127.0.0.1:9").get(path)


def test_a_path_cannot_lead_to_another_host(serve, connect):
    server = serve(account=lambda _: reply())
    for path in ("//elsewhere.example/", "/@elsewhere.example", "/\\elsewhere.example"):
        assert connect(server).get(path) == GOOD
    assert len(server.requests) == 3


def test_a_host_that_no_request_can_be_sent_to_fails_at_once(connect):
    with pytest.raises(APIError, match="cannot be used"):
        connect("https://a..b").get("/v3")


def test_an_unknown_on_error_is_refused(connect):
    with pytest.raises(ConfigError, match=r'"raise" or "warn"'):
        connect("http://127.0.0.1:9").get_many([LIST], on_error="ignore")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("budget", 0),
        ("budget", -1),
        ("budget", float("nan")),
        ("budget", "60"),
        ("max_workers", 0),
        ("max_workers", 0.5),
        ("expire_after", -1),
        ("expire_after", float("nan")),
        ("timeout", (0, 1)),
        ("timeout", (1, None)),
        ("timeout", 5),
        ("timeout", (1, 2, 3)),
    ],
)
def test_an_argument_that_makes_no_sense_is_refused_by_name(name, value, token):
    with pytest.raises(ConfigError, match=name):
        Client(token, **{name: value})


def test_numbers_without_end_are_taken(serve, connect, tmp_path):
    never = float("inf")
    client = connect(
        serve(reply()),
        cache=tmp_path / "kept",
        budget=never,
        timeout=(never, never),
        expire_after=never,
    )
    assert client.get(LIST) == client.get(LIST) == GOOD


# --- Ctrl-C -------------------------------------------------------------------------------------

INTERRUPTED = """
import json, sys, time
from k6frames import Client
url, folder, token, paths = sys.argv[1:]
client = Client(token, api_url=url, cache=folder, max_workers=4, budget=60)
try:
    print("begun", flush=True)
    client.get_many(json.loads(paths))
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


def interrupted(script: str, server: servers.Raw, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), server.url, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_ctrl_c_ends_at_once_even_while_the_server_is_silent_and_keeps_what_came(
    serve, connect, tmp_path, token
):
    silent = {path: [servers.silence] for path in PATHS[10:]}
    server = serve(script=silent, account=echo)
    process = interrupted(INTERRUPTED, server, str(tmp_path / "kept"), token, json.dumps(PATHS))
    with process:
        servers.until(lambda: sum(server.count(path) for path in PATHS[10:]) == 4)
        started = time.monotonic()
        process.send_signal(signal.SIGINT)
        out, complaints = process.communicate(timeout=20)
    assert time.monotonic() - started < 5
    assert (out.split(), complaints, process.returncode) == (["begun", "interrupted"], "", 0)
    assert len(server.requests) == 14
    bodies, failures = connect(server, cache=tmp_path / "kept", offline=True).get_many(
        PATHS, on_error="warn"
    )
    assert list(bodies) == PATHS[:10]
    assert list(failures) == PATHS[10:]


AGAIN = """
import json, sys, time, warnings
from k6frames import client as module
url, paths = sys.argv[1:]
paths = json.loads(paths)
client = module.shared_client()
try:
    print("begun", flush=True)
    client.get_many(paths)
except KeyboardInterrupt:
    print("interrupted", flush=True)
time.sleep(0.5)
print(sys.stdin.readline().strip(), flush=True)
bodies, _ = module.shared_client().get_many(paths)
print(module.shared_client() is client, list(bodies) == paths)
"""


def test_after_ctrl_c_nothing_new_begins_and_the_shared_client_works_on(serve, token, monkeypatch):
    server = serve(account=lambda path: reply(b'"%s"' % path.encode(), keep=True, after=0.2))
    monkeypatch.setenv("K6FRAMES_API_URL", server.url)
    monkeypatch.setenv("K6_CLOUD_TOKEN", token)
    process = subprocess.Popen(
        [sys.executable, "-c", AGAIN, server.url, json.dumps([*PATHS, "/a", "/b", "/c"])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        servers.until(lambda: len(server.requests) >= 8)
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "begun\n"
        assert process.stdout.readline() == "interrupted\n"
        at_once = len(server.requests)
        # The eight that were under way end by themselves.
        time.sleep(0.7)
        assert len(server.requests) <= at_once + 1
        out, _ = process.communicate("go\n", timeout=30)
    assert out.split() == ["go", "True", "True"]
    # What had been under way was kept, and is not asked for again.
    assert max(server.count(path) for path in PATHS) == 1


# --- progress -----------------------------------------------------------------------------------


@pytest.mark.parametrize("progress", [None, False])
def test_no_progress_is_shown_where_nobody_looks(progress, serve, connect, capsys, monkeypatch):
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    monkeypatch.setattr("k6frames.client.tqdm", _impatient)
    server = serve(account=echo)
    connect(server, progress=progress, max_workers=1).get_many(PATHS)
    assert capsys.readouterr() == ("", "")


def test_progress_is_shown_where_it_is_asked_for(serve, connect, capsys, monkeypatch):
    monkeypatch.setattr("k6frames.client.tqdm", _impatient)
    server = serve(account=slow_echo)
    connect(server, progress=True, max_workers=1).get_many(PATHS)
    out, shown = capsys.readouterr()
    assert out == ""
    assert "k6frames" in shown
    assert "20" in shown


def _impatient(**options: Any) -> Any:
    """What the client calls as tqdm, but at once and at every answer."""
    from tqdm import tqdm  # noqa: PLC0415 - the client's own name for it is replaced

    assert options["delay"] >= 1
    return tqdm(**{**options, "delay": 0, "mininterval": 0})


def test_no_progress_is_shown_within_the_first_second(serve, connect, capsys):
    connect(serve(account=echo), progress=True).get_many(PATHS)
    assert capsys.readouterr() == ("", "")


def test_progress_is_shown_on_a_terminal(serve, token):
    server = serve(account=lambda _: reply(after=0.4))
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    code = (
        "import sys; from k6frames import Client;"
        "Client(sys.argv[2], api_url=sys.argv[1], cache=False, max_workers=1)"
        ".get_many([f'/{n}' for n in range(4)])"
    )
    subprocess.run(
        [sys.executable, "-c", code, server.url, token], stderr=theirs, check=True, timeout=60
    )
    assert select.select([ours], [], [], 5)[0], "nothing was shown"
    shown = os.read(ours, 10_000).decode()
    os.close(ours)
    os.close(theirs)
    assert "k6frames" in shown
    assert token not in shown


# --- one client for all -------------------------------------------------------------------------


def test_the_shared_client_is_one_for_each_account(monkeypatch):
    monkeypatch.setenv("K6_CLOUD_TOKEN", "token-one")
    one = shared_client()
    assert shared_client() is one
    monkeypatch.setenv("K6_CLOUD_TOKEN", "token-two")
    two = shared_client()
    assert two is not one
    monkeypatch.setenv("K6_CLOUD_TOKEN", "token-one")
    assert shared_client() is one


def test_loaders_without_a_client_use_the_shared_one(serve, monkeypatch, token):
    server = serve(account=servers.account(servers.some_account()))
    monkeypatch.setenv("K6_CLOUD_TOKEN", token)
    monkeypatch.setenv("K6FRAMES_API_URL", server.url)
    assert len(k6frames.organizations_df()) == 5
    assert len(k6frames.projects_df()) == 6
    assert server.count() == 1


def test_making_a_client_touches_neither_network_nor_disk(tmp_path, token):
    before = sorted(tmp_path.rglob("*"))
    Client(token, api_url="https://127.0.0.1:9")
    assert sorted(tmp_path.rglob("*")) == before


# --- what it says of itself ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"api_url": "sample:"}, "sample account"),
        ({"token": "t", "cache": False}, "not cached"),
        ({"token": "t", "cache": "/x", "expire_after": 1800}, "cached for 0.5 h in /x"),
        ({"token": "t", "cache": "/x", "refresh": True}, "refreshed once"),
        ({"token": "t", "cache": "/x", "offline": True}, "offline, from the cache in /x"),
    ],
)
def test_repr_and_html_say_whose_data_and_how_kept(options, said):
    client = Client(**options)
    assert said in repr(client)
    assert said in client._repr_html_()
    assert client.api_url in repr(client)


def test_neither_repr_nor_vars_hold_the_token_and_html_is_escaped(token):
    client = Client(token, api_url="https://127.0.0.1/<b>", cache=False)
    assert token not in repr(client) + client._repr_html_() + repr(vars(client))
    assert "<b>/" not in client._repr_html_().replace("<b>k6frames", "")
    assert "&lt;b&gt;" in client._repr_html_() or "%3Cb%3E" in client._repr_html_()


def test_a_folder_of_answers_says_so(tmp_path):
    assert "answers from files" in repr(Client(api_url=tmp_path.as_uri()))


def test_in_a_notebook_a_client_says_how_many_answers_are_kept_and_how_old(
    serve, connect, tmp_path
):
    client = connect(serve(reply()), cache=tmp_path / "kept")
    assert "answers, " not in client._repr_html_()
    client.get(LIST)
    assert re.search(
        r"1 answers, 0\.\d MB, fetched \d{4}-\d\d-\d\d \d\d:\d\d to", client._repr_html_()
    )
