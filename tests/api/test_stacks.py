"""Which stacks are read: by ID, by URL or slug (resolved once), or from a folder."""

from __future__ import annotations

import json

import pytest
from v6_server import Refusal, V6Server, make_stack

import k6frames
from k6frames.api.endpoints import AUTH
from k6frames.api.stacks import Stack
from k6frames.errors import APIError, ConfigError, SchemaError


@pytest.fixture
def server(token):
    with V6Server(make_stack(11, rows=3), make_stack(22, rows=5), token=token) as started:
        yield started
        assert started.violations == []


URLS = {number: f"https://stack-{number}.grafana.net" for number in (11, 22)}


@pytest.mark.parametrize(
    ("stack", "expected"),
    [
        (11, [Stack(11, None)]),
        ("22", [Stack(22, None)]),
        ("stack-22", [Stack(22, URLS[22])]),
        (URLS[11] + "/a/k6-app", [Stack(11, URLS[11])]),
        (["stack-22", 11], [Stack(22, URLS[22]), Stack(11, None)]),
        ([11, 11, "11"], [Stack(11, None)]),
        (["stack-11", URLS[11], 22], [Stack(11, URLS[11]), Stack(22, None)]),
    ],
)
def test_a_stack_is_named_by_id_slug_or_url_and_read_once(stack, expected, connect, server):
    assert connect(server.url, stack=stack).stacks() == tuple(expected)
    assert connect(server.url).stacks(stack) == tuple(expected)


def test_a_stack_given_by_id_and_by_url_is_read_once(connect, server):
    frame = k6frames.load_tests_df(client=connect(server.url, stack=[11, "stack-11"]))
    assert len(frame) == 3


def test_a_url_is_resolved_once_and_cached(connect, server, token):
    for _ in range(2):
        with connect(server.url, stack=["stack-11", "stack-22"], cache=True) as client:
            k6frames.load_tests_df(client=client)
            k6frames.stack_projects_df(client=client)
    resolved = [request for request in server.received if request.path == AUTH]
    assert sorted(request.headers["x-stack-url"] for request in resolved) == list(URLS.values())
    for request in resolved:
        assert request.headers["authorization"] == f"Bearer {token}"
        assert "x-stack-id" not in request.headers


def test_two_stacks_never_see_each_others_cached_responses(connect, server):
    for number, rows in ((11, 3), (22, 5), (11, 3), (22, 5)):
        with connect(server.url, stack=number, cache=True) as client:
            frame = k6frames.load_tests_df(client=client)
        assert set(frame["stack_id"]) == {number}
        assert len(frame) == rows
    assert len(server.received) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_url_that_cannot_be_resolved_is_named(status, connect, server):
    def refuse(_: object) -> None:
        raise Refusal(status, "no")

    server.before = refuse
    with pytest.raises(APIError, match=r"(?i)https://stack-33.grafana.net.*check the") as caught:
        connect(server.url, stack="stack-33").stacks()
    assert caught.value.status == status


@pytest.mark.parametrize(
    "body", [{}, [], {"stack_id": "5"}, {"stack_id": 0}, {"stack_id": 2**63}, {"stack_id": None}]
)
def test_a_response_without_a_stack_id_is_a_schema_error(body, connect, server):
    server.change = lambda *_: body
    with pytest.raises(SchemaError, match="the response has no stack ID"):
        connect(server.url, stack="stack-11").stacks()


def test_the_stacks_of_a_folder_are_chosen_by_id_and_url(tmp_path):
    for number in URLS:
        (tmp_path / "stacks" / str(number)).mkdir(parents=True)
    client = k6frames.Client(api_url=tmp_path.as_uri())
    assert client.stacks() == (Stack(11, None), Stack(22, None))
    assert client.stacks([22, 11, "22"]) == (Stack(22, None), Stack(11, None))
    with pytest.raises(ConfigError, match=r"has no stack https://stack-11.*: 11, 22"):
        client.stacks("stack-11")
    manifest = {"stacks": [{"id": number, "url": url} for number, url in URLS.items()]}
    (tmp_path / "account.json").write_text(json.dumps(manifest))
    assert client.stacks(["stack-11", 11]) == (Stack(11, URLS[11]),)
    with pytest.raises(ConfigError, match="has no stack 33; its stacks are: 11, 22"):
        client.stacks([11, 33])


def test_a_folder_without_stacks_says_so(tmp_path):
    with pytest.raises(ConfigError, match="has no Grafana stack"):
        k6frames.Client(api_url=tmp_path.as_uri()).stacks()


def test_a_stack_given_by_id_and_by_url_is_read_once_and_keeps_its_url(connect, server):
    for stack in ([11, "stack-11", 22], ["stack-11", 11, 22]):
        assert connect(server.url, stack=stack).stacks() == (Stack(11, URLS[11]), Stack(22, None))


def test_a_url_is_resolved_once_by_a_client_without_a_cache(connect, server):
    client = connect(server.url, stack=["stack-11", "stack-22"])
    for loader in (k6frames.load_tests_df, k6frames.stack_projects_df):
        assert set(loader(client=client)["stack_id"]) == {11, 22}
    assert [request.path for request in server.received].count(AUTH) == 2


def test_a_url_that_is_refused_is_left_out_with_a_warning(connect, server):
    client = connect(server.url, stack=["stack-11", "stack-33"])
    with pytest.raises(
        APIError, match=r'(?s)stack-33.*To read the rest without it, pass on_error="warn"'
    ):
        k6frames.load_tests_df(client=client)
    with pytest.raises(APIError, match="stack-33") as caught:
        client.stacks()
    assert "on_error" not in str(caught.value)  # it has no such argument
    with pytest.warns(UserWarning, match="1 of 2 requests failed.*stack-33") as warned:
        frame = k6frames.load_tests_df(client=client, on_error="warn")
    assert len(warned) == 1
    assert set(frame["stack_id"]) == {11}
    (failed,) = frame.attrs["failed"]
    assert failed["stack_url"] == "https://stack-33.grafana.net"
    assert "403" in failed["reason"]
