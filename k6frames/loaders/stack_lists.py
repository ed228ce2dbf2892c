"""Lists that each Grafana stack has in v6, such as its load tests: read them as one frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import pandas as pd

from k6frames import parsing
from k6frames.api.client import Client
from k6frames.api.default_client import client_or_default
from k6frames.api.endpoints import Request
from k6frames.api.fetching import Responses
from k6frames.api.list_page import MalformedPageError
from k6frames.api.on_error import OnError
from k6frames.api.paging import ListReader, PagedList, read_lists
from k6frames.api.stack_arguments import StackArgument
from k6frames.errors import APIError
from k6frames.loaders.attrs import with_attrs
from k6frames.tables.schema import Table


class StackRequests(NamedTuple):
    """Requests to stacks, and what they are for."""

    requests: list[Request]
    failures: dict[Request, APIError]
    """The failed requests for stack IDs. There is no entry in `requests` for their stacks."""
    subjects: dict[Request, dict[str, Any]]
    """What each request is for, such as ``{"stack_id": 7}``, including requests that failed."""


def request_from_stacks(
    path: str, client: Client, stack: StackArgument, on_error: OnError
) -> StackRequests:
    """Return a request to each stack."""
    stacks = client.resolve_stacks(stack, on_error=on_error)
    requests = {}
    for found in stacks.found:
        # Messages show the ID of the stack anyway, so only the URL is needed.
        label = f"stack {found.url}" if found.url else ""
        requests[Request(path, found.id, label=label)] = {"stack_id": found.id}
    unresolved = {request: {"stack_url": request.stack} for request in stacks.failures}
    return StackRequests(list(requests), stacks.failures, {**unresolved, **requests})


def load_stack_list(
    table: Table,
    path: str,
    *,
    client: Client | None,
    stack: StackArgument,
    on_error: OnError,
    is_paged: bool = True,
) -> pd.DataFrame:
    """Read the list at `path` from every stack, and return all rows as one frame."""
    client = client_or_default(client)
    stack_requests = request_from_stacks(path, client, stack, on_error)
    if is_paged:
        readers = [PagedList(request) for request in stack_requests.requests]
        return load_lists(table, readers, stack_requests, client, on_error)
    responses = client.fetch(stack_requests.requests, on_error=on_error)
    return _stack_frame(table, responses, stack_requests, drop_duplicates=False)


def load_lists(
    table: Table,
    readers: Sequence[ListReader],
    stack_requests: StackRequests,
    client: Client,
    on_error: OnError,
) -> pd.DataFrame:
    """Read lists to their ends, and return all rows as one frame."""
    try:
        responses = read_lists(client, readers, on_error=on_error)
    except MalformedPageError as error:
        # Parse the page again, because the parser's error names the record and the field. If the
        # parser finds no error, raise this one.
        parsing.read(table, {error.request: error.body})
        raise
    return _stack_frame(table, responses, stack_requests, drop_duplicates=True)


def _stack_frame(
    table: Table, responses: Responses, stack_requests: StackRequests, *, drop_duplicates: bool
) -> pd.DataFrame:
    arrow = parsing.read(
        table,
        responses.bodies,
        constants={"stack_id": [request.stack for request in responses.bodies]},
        drop_duplicates=drop_duplicates,
    )
    responses = responses._replace(failures={**stack_requests.failures, **responses.failures})
    return with_attrs(table.to_frame(arrow), responses, stack_requests.subjects)
