"""Lists over a real socket: complete and in order, or an error, even if they change meanwhile."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pytest
import strategies  # noqa: F401 - it registers the hypothesis profile
from hypothesis import given
from hypothesis import strategies as st
from v6_server import (
    Record,
    StackData,
    V6Server,
    expected_frame,
    make_runs,
    make_stack,
    spread_times,
)

import k6frames
from k6frames.api.endpoints import Request
from k6frames.api.list_page import decode_page
from k6frames.api.paging import MAX_LIST_ATTEMPTS, PagedList
from k6frames.api.session import Response
from k6frames.errors import APIError, SchemaError
from k6frames.tables import LOAD_TESTS, TEST_RUNS

STACK = make_stack(5, rows=3100)


@pytest.fixture
def server(token):
    lists = {name: list(rows) for name, rows in STACK.lists.items()}
    with V6Server(StackData(5, lists=lists), token=token) as started:
        yield started
        assert started.violations == []


@pytest.fixture
def client(connect, server):
    return connect(server.url, stack=5)


def load_tests(server: V6Server) -> list[Record]:
    return server.stacks[5].lists["load_tests"]


def check(frame: pd.DataFrame, server: V6Server) -> None:
    frame.attrs.clear()
    pd.testing.assert_frame_equal(frame, expected_frame(LOAD_TESTS, (5, load_tests(server))))


@pytest.mark.parametrize("rows", [0, 1, 2, 999, 1000, 1001, 1998, 1999, 2000, 3100])
def test_a_list_of_any_length_is_read_in_its_order(rows, server, client):
    del load_tests(server)[rows:]
    check(k6frames.load_tests_df(client=client), server)
    assert len(server.received) == max(1, -(-(rows - 1) // 999))


def test_rows_are_in_order_even_if_pages_are_not(server, client):
    server.latency = 0.01
    original = server.respond

    def later(target: str, headers: dict[str, str]) -> Any:
        if target.endswith("skip=999"):
            time.sleep(0.15)
        return original(target, headers)

    server.respond = later
    check(k6frames.load_tests_df(client=client), server)


def test_the_address_in_a_link_is_never_requested(server, client, token):
    with V6Server(token=token) as other:
        server.next_link_host = other.url
        check(k6frames.load_tests_df(client=client), server)
        assert other.received == []


@pytest.mark.parametrize("size", [2, 60, 999])
def test_pages_that_are_smaller_than_requested_are_all_read(size, server, client):
    del load_tests(server)[300 if size < 100 else 3100 :]
    if size == 2:
        del load_tests(server)[20:]

    def shorten(request: Any, page: Any) -> Any:
        page["value"] = page["value"][:size]
        return page

    server.change = shorten
    check(k6frames.load_tests_df(client=client), server)


def test_a_server_that_sends_all_rows_at_once_is_read_with_one_request(server, client):
    server.change = lambda *_: {"value": load_tests(server), "@count": 3100}
    check(k6frames.load_tests_df(client=client), server)
    assert len(server.received) == 1


def insert_first(rows: list[Record]) -> None:
    rows.insert(0, {**rows[0], "id": rows[0]["id"] - 1})


def insert_last(rows: list[Record]) -> None:
    rows.append({**rows[-1], "id": rows[-1]["id"] + 1})


def delete_first(rows: list[Record]) -> None:
    del rows[0]


def delete_and_insert(rows: list[Record]) -> None:
    delete_first(rows)
    insert_last(rows)


@pytest.mark.parametrize("at", [1, 2, 3])
@pytest.mark.parametrize("change", [insert_first, insert_last, delete_first, delete_and_insert])
def test_a_list_that_changes_once_is_read_again(change, at, server, client):
    def before(request: Any) -> None:
        if request.number == at:
            change(load_tests(server))

    server.before = before
    check(k6frames.load_tests_df(client=client), server)


@pytest.mark.parametrize("every", [1, 2, 3])
@pytest.mark.parametrize("change", [insert_first, delete_first, delete_and_insert])
def test_a_list_that_always_changes_is_an_error(change, every, server, client):
    def before(request: Any) -> None:
        if request.number % every == 0:
            change(load_tests(server))

    server.before = before
    with pytest.raises(APIError, match=f"in all {MAX_LIST_ATTEMPTS} attempts"):
        k6frames.load_tests_df(client=client)
    assert len(server.received) <= MAX_LIST_ATTEMPTS * 5


FAULTS: dict[str, Callable[[int, Any], Any]] = {
    "count too high": lambda _, page: {**page, "@count": 3200},
    "count too low": lambda _, page: {**page, "@count": 3000},
    "no count later": lambda skip, page: page if not skip else {"value": page["value"]},
    "empty page": lambda skip, page: {**page, "value": page["value"] if skip != 999 else []},
    "every page empty": lambda _, page: {**page, "value": []},
    "one row a page": lambda _, page: {**page, "value": page["value"][:1]},
    "endless count": lambda _, page: {**page, "@count": 10**15},
    "growing count": lambda skip, page: {**page, "@count": 3200 + skip},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_pages_that_contradict_each_other_are_an_error(fault, server, client):
    server.change = lambda request, page: FAULTS[fault](int(request.query.get("$skip", 0)), page)
    with pytest.raises(APIError, match="the pages contradicted each other") as caught:
        k6frames.load_tests_df(client=client)
    assert isinstance(caught.value, SchemaError)
    assert len(server.received) <= MAX_LIST_ATTEMPTS * 70


def test_a_page_that_is_repeated_without_end_is_an_error(server, client):
    first: list[Any] = []

    def repeat(request: Any, page: Any) -> Any:
        first.append(page)
        return first[0]

    server.change = repeat
    with pytest.raises(APIError, match="the pages contradicted each other"):
        k6frames.load_tests_df(client=client)


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ({"value": [{"id": 1}], "@nextLink": "http://x"}, "has '@nextLink' but no '@count'"),
        ({"value": [{"id": 1}], "@count": "1"}, "'@count' is not a number of rows"),
        ({"value": [{"id": 1}], "@count": -1}, "'@count' is not a number of rows"),
        ({"value": [{"id": 1}], "@count": True}, "'@count' is not a number of rows"),
        ({"value": [{"id": 1}], "@count": 10**400}, "'@count' is not a number of rows"),
        ({"value": [{"id": 1}, {"id": "x"}]}, r"value\[1\] .*the field 'id' must be an integer"),
        ({"value": [{"id": {}}]}, r"value\[0\].*the field 'id' must be an integer"),
        ({"value": [{"id": 1}, {}]}, r"value\[1\]: the field 'id' is missing"),
        ({"value": [{"id": 1, "created": 5}]}, r"\(id 1\): the field 'created' must be an ISO"),
        ({"value": None}, "the field 'value' is null"),
        ({"value": [7]}, "must be an object, not 7"),
        ({}, "the field 'value' is missing"),
        ([], "the response must be an object, not a list"),
    ],
)
def test_a_malformed_page_is_a_schema_error(page, message, server, client):
    server.change = lambda *_: page
    with pytest.raises(SchemaError, match=message):
        k6frames.load_tests_df(client=client)


def test_fields_of_other_lists_may_have_the_names_that_paging_uses(server, client):
    lists = server.stacks[5].lists
    lists["schedules"] = [{**row, "created": 5, "project_id": []} for row in lists["schedules"]]
    assert len(k6frames.schedules_df(client=client)) == 3100


def test_every_request_has_its_headers_and_no_page_is_too_large(server, client, token):
    k6frames.load_tests_df(client=client)
    assert len(server.received) == 4
    for request in server.received:
        assert request.headers["authorization"] == f"Bearer {token}"
        assert request.headers["x-stack-id"] == "5"
        assert int(request.query["$top"]) <= 1000
        assert request.query["$count"] == "true"


def test_cached_pages_that_contradict_each_other_are_fetched_again(server, connect):
    with connect(server.url, stack=5, cache=True) as client:
        k6frames.load_tests_df(client=client)
        delete_first(load_tests(server))
        client.forget([Request("/cloud/v6/load_tests?$count=true&$top=1000&$skip=1998", 5)])
        check(k6frames.load_tests_df(client=client), server)
    assert len(server.received) == 4 + 1 + 4


@pytest.mark.parametrize("every", [2, 3, 5])
def test_test_runs_are_complete_while_runs_are_deleted_and_created(every, token, connect):
    """Every run that exists throughout is in the frame once, with the correct values."""
    stack = make_stack(5, runs=6000)
    runs = stack.lists["test_runs"]
    all_runs = {run["id"]: run for run in runs}
    always = set(all_runs)
    with V6Server(stack, token=token) as server:

        def before(request: Any) -> None:
            if request.number % every == 0:
                for index in (0, len(runs) // 2):
                    always.discard(runs.pop(index)["id"])
                (new,) = make_runs(spread_times(1, seed=request.number), first_id=request.number)
                new["created"] = f"2026-07-02T00:00:00.{request.number:06}Z"
                runs.append(new)
                all_runs[new["id"]] = new

        server.before = before
        frame = k6frames.test_runs_df(client=connect(server.url, stack=5))
        assert server.violations == []
    ids = frame["test_run_id"].tolist()
    assert always <= set(ids) <= set(all_runs)
    frame.attrs.clear()
    expected = expected_frame(TEST_RUNS, (5, [all_runs[run_id] for run_id in ids]))
    pd.testing.assert_frame_equal(frame, expected)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-3, 3) | st.just("x"),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["value", "@count", "@nextLink", "id", "project_id", "created"]),
                inner,
                max_size=4,
            )
        ),
        max_leaves=8,
    )
)
def test_any_json_is_a_page_or_a_schema_error(body):
    reader = PagedList(Request("/cloud/v6/projects", 5))
    (request,) = reader.start()
    response = Response(json.dumps(body).encode(), datetime.now(UTC))
    try:
        page = decode_page(request, response)
    except SchemaError:
        return
    reader.receive(request, page, response)
    assert reader.is_complete() in {True, False}
