"""Faults of stacks and of v6 lists, against `v6_server`."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any

import pytest
from faults.sandbox import V6, Sandbox, Section
from v6_server import Record, Refusal, StackData, V6Server, make_stack

from k6frames.errors import APIError, SchemaError
from k6frames.loaders.load_tests import load_tests_df
from k6frames.loaders.test_runs import test_runs_df as load_runs

section = Section("Stacks and lists (v6)", versions=V6)


@functools.cache
def make_stacks() -> tuple[StackData, StackData]:
    return make_stack(11, rows=3100), make_stack(22, runs=3000, rows=31)


def start(box: Sandbox) -> V6Server:
    """Start a server with stack 11, which has many load tests, and 22, which has many runs."""
    stacks = [
        StackData(s.id, s.url, {name: list(rows) for name, rows in s.lists.items()})
        for s in make_stacks()
    ]
    return box.stack.enter_context(V6Server(*stacks, token=box.token))


def check_error(box: Sandbox, server: V6Server, message: str, *, load: Any = load_tests_df) -> None:
    """Check that reading is an error with this message, after a limited number of requests."""
    with pytest.raises((APIError, SchemaError), match=message) as caught:
        load(stack=11 if load is load_tests_df else 22, client=box.client(server.url))
    box.errors.append(caught.value)
    assert len(server.received) < 100


def check_change_while_read(box: Sandbox, change: Callable[[list[Record]], None]) -> None:
    """Check that a list that changes after its first page is complete all the same."""
    server = start(box)
    rows = server.stacks[11].lists["load_tests"]

    def before(request: Any) -> None:
        if request.number == 1:
            change(rows)

    server.before = before
    frame = load_tests_df(stack=11, client=box.client(server.url))
    assert frame["load_test_id"].tolist() == [row["id"] for row in rows]


@section.fault("a row is inserted while a list is read", "the list is read again; every row once")
def inserted(box: Sandbox) -> None:
    check_change_while_read(box, lambda rows: rows.insert(0, {**rows[0], "id": 1}))


@section.fault("a row is deleted while a list is read", "the list is read again; no row is missed")
def deleted(box: Sandbox) -> None:
    check_change_while_read(box, lambda rows: rows.pop(0))


@section.fault(
    "a row is deleted and another is inserted: the count stays", "the list is read again"
)
def replaced(box: Sandbox) -> None:
    check_change_while_read(box, lambda rows: rows.append({**rows.pop(0), "id": 1}))


@section.fault("the list changes each time it is read", "an error after three attempts")
def always_changing(box: Sandbox) -> None:
    server = start(box)
    server.before = lambda _: server.stacks[11].lists["load_tests"].pop(0)
    check_error(box, server, "in all 3 attempts")


@section.fault("'@count' is wrong", "an error after three attempts")
def wrong_count(box: Sandbox) -> None:
    server = start(box)
    server.change = lambda _, page: {**page, "@count": 3050}
    check_error(box, server, "the pages contradicted each other")


@section.fault("the same page is returned endlessly", "an error after three attempts")
def repeated(box: Sandbox) -> None:
    server = start(box)
    page = {"value": [{"id": number} for number in range(1000)], "@count": 5000}
    server.change = lambda *_: page
    check_error(box, server, "the pages contradicted each other")


@section.fault("pages are empty although '@count' is not 0", "an error after three attempts")
def empty_pages(box: Sandbox) -> None:
    server = start(box)
    server.change = lambda _, page: {**page, "value": []}
    check_error(box, server, "the pages contradicted each other")


@section.fault("the link to the next page names another host", "it is never requested")
def other_host(box: Sandbox) -> None:
    server = start(box)
    other = box.stack.enter_context(V6Server(token=box.token))
    server.next_link_host = other.url
    assert len(load_tests_df(stack=11, client=box.client(server.url))) == 3100
    assert other.received == []


@section.fault("a page has a link to the next one but no '@count'", "an immediate SchemaError")
def page_without_count(box: Sandbox) -> None:
    server = start(box)
    server.change = lambda _, page: {k: v for k, v in page.items() if k != "@count"}
    check_error(box, server, "has '@nextLink' but no '@count'")


@section.fault("a 429 in the middle of a list", "that page is requested again, and nothing else")
def throttled(box: Sandbox) -> None:
    server = start(box)

    def before(request: Any) -> None:
        if request.number == 2:
            raise Refusal(429, "slow", Retry_After="0")

    server.before = before
    assert len(load_tests_df(stack=11, client=box.client(server.url))) == 3100
    assert len(server.received) == 5


@section.fault("a page is truncated", "that page is requested again")
def truncated(box: Sandbox) -> None:
    server = start(box)
    server.change = lambda r, page: json.dumps(page).encode()[:-9] if r.number == 2 else page
    assert len(load_tests_df(stack=11, client=box.client(server.url))) == 3100
    assert len(server.received) == 5


@section.fault("the server ignores the time windows of test runs", "an error, not endless requests")
def unfiltered(box: Sandbox) -> None:
    server = start(box)
    rows = server.stacks[22].lists["test_runs"]
    server.change = lambda *_: {"value": rows[:1000], "@count": len(rows)}
    check_error(box, server, "not created in the requested window", load=load_runs)


@section.fault("no run on a full page has a creation time", "an error that says so")
def without_creation_times(box: Sandbox) -> None:
    server = start(box)
    runs = server.stacks[22].lists["test_runs"]
    rows = [{**run, "created": None} for run in runs[:1000]]
    server.change = lambda *_: {"value": rows, "@count": len(runs)}
    check_error(box, server, "no test run on the page has a creation time", load=load_runs)


@section.fault("a row has an ID that is not UTF-8", "a SchemaError that names the byte")
def id_is_not_utf8(box: Sandbox) -> None:
    server = start(box)
    server.change = lambda *_: b'{"value": [{"id": "\xff"}], "@count": 1}'
    check_error(box, server, "byte 19 of the response is not UTF-8")


@section.fault("the cost of a run is a string", "a SchemaError with the record and the field")
def cost_is_a_string(box: Sandbox) -> None:
    server = start(box)
    runs = server.stacks[22].lists["test_runs"]
    runs[5] = {**runs[5], "cost": {"total_vuh": "much"}}
    check_error(box, server, r"value\[5\] .*'cost\.total_vuh' must be a number", load=load_runs)


@section.fault("a run has no test_id", "a SchemaError with the record and the field")
def run_without_test_id(box: Sandbox) -> None:
    server = start(box)
    runs = server.stacks[22].lists["test_runs"]
    runs[5] = {k: v for k, v in runs[5].items() if k != "test_id"}
    check_error(box, server, r"value\[5\] .*'test_id' is missing", load=load_runs)


@section.fault(
    "one of two stacks is forbidden", 'an error; with on_error="warn" it is left out and named'
)
def forbidden(box: Sandbox) -> None:
    server = start(box)

    def before(request: Any) -> None:
        if request.stack == "11":
            raise Refusal(403, "no")

    server.before = before
    client = box.client(server.url, stack=[11, 22])
    check_error(box, server, r"stack 11.*check the stack")
    with pytest.warns(UserWarning, match="stack 11"):
        frame = load_tests_df(client=client, on_error="warn")
    assert set(frame["stack_id"]) == {22}
    assert frame.attrs["failed"][0]["stack_id"] == 11


@section.fault(
    "v3 responds with status 404", "everything in v6 can be read with a token and a stack"
)
def v3_is_gone(box: Sandbox) -> None:
    server = start(box)
    assert len(load_runs(stack=22, client=box.client(server.url))) == 3000
