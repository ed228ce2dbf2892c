"""What all loaders share: responses to a frame, what could not be read, checks of IDs."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC
from typing import Any, NamedTuple, SupportsIndex

import pandas as pd

from k6frames import parsing
from k6frames.api.client import Client
from k6frames.api.default_client import default_client
from k6frames.api.endpoints import Request
from k6frames.api.fetching import Responses
from k6frames.api.on_error import OnError
from k6frames.api.list_page import MalformedPageError
from k6frames.api.paging import ListReader, PagedList, read_lists
from k6frames.api.stack_arguments import StackArgument
from k6frames.errors import APIError, ConfigError
from k6frames.tables.schema import Table
from k6frames.validation import MAX_INT64, is_integer, short_repr

IDs = SupportsIndex | Iterable[SupportsIndex]

MAX_NAMED_FAILURES = 10
"""How many failures a warning names; `attrs` has all of them."""


def client_or_default(client: Client | None) -> Client:
    """Return the client, or for None the one that the environment describes."""
    if client is None:
        return default_client()
    if not isinstance(client, Client):
        raise ConfigError(f"client must be a k6frames.Client, not a {type(client).__name__}.")
    return client


class StackRequests(NamedTuple):
    """Requests to stacks, and what they are for."""

    requests: list[Request]
    subjects: dict[Request, dict[str, Any]]
    """What each request is for, also those for the IDs of stacks that failed."""
    failures: dict[Request, APIError]
    """Requests for the IDs of stacks that failed."""


def stack_requests(
    path: str, client: Client, stack: StackArgument, on_error: OnError
) -> StackRequests:
    """Return a request for each stack."""
    stacks = client.resolve_stacks(stack, on_error=on_error)
    requests = {
        Request(path, found.id, label=f"stack {found.url}" if found.url else ""): {
            "stack_id": found.id
        }
        for found in stacks.found
    }
    refused = {request: {"stack_url": request.stack} for request in stacks.failures}
    return StackRequests(list(requests), {**refused, **requests}, stacks.failures)


def load_stack_list(
    table: Table,
    path: str,
    *,
    client: Client | None,
    stack: StackArgument,
    on_error: OnError,
    is_paged: bool = True,
) -> pd.DataFrame:
    """Read one list of each stack, completely, as one frame."""
    client = client_or_default(client)
    wanted = stack_requests(path, client, stack, on_error)
    if is_paged:
        readers = [PagedList(request) for request in wanted.requests]
        return load_lists(table, readers, wanted, client, on_error)
    responses = client.fetch(wanted.requests, on_error=on_error)
    return _stack_frame(table, responses, wanted, drop_duplicates=False)


def load_lists(
    table: Table,
    readers: Sequence[ListReader],
    wanted: StackRequests,
    client: Client,
    on_error: OnError,
) -> pd.DataFrame:
    """Read lists of stacks, completely, as one frame."""
    try:
        responses = read_lists(client, readers, on_error=on_error)
    except MalformedPageError as error:
        # The parser names the record and the field.
        parsing.read(table, {error.request: error.body})
        raise
    return _stack_frame(table, responses, wanted, drop_duplicates=True)


def _stack_frame(
    table: Table, responses: Responses, wanted: StackRequests, *, drop_duplicates: bool
) -> pd.DataFrame:
    arrow = parsing.read(
        table,
        responses.bodies,
        constants={"stack_id": [request.stack for request in responses.bodies]},
        drop_duplicates=drop_duplicates,
    )
    responses = responses._replace(failures={**wanted.failures, **responses.failures})
    return with_attrs(table.to_frame(arrow), responses, wanted.subjects)


def with_attrs(
    frame: pd.DataFrame, responses: Responses, subjects: Mapping[Request, Mapping[str, Any]]
) -> pd.DataFrame:
    """Set `attrs` of a frame, and warn about what could not be read.

    Parameters
    ----------
    frame : pandas.DataFrame
        The frame of the responses.
    responses : Responses
        The responses and failures.
    subjects : mapping of Request to dict
        What each request is for, such as ``{"org_id": 7}``.
    """
    if responses.oldest is not None:
        oldest = responses.oldest.astimezone(UTC)
        frame.attrs["fetched"] = oldest.isoformat(timespec="seconds")
    if responses.failures:
        frame.attrs["failed"] = [
            {**subjects[request], "path": str(request), "reason": str(error)}
            for request, error in responses.failures.items()
        ]
        _warn(responses.failures, len(subjects))
    return frame


def _warn(failures: Mapping[Request, Exception], requested: int) -> None:
    reasons = [str(error) for error in failures.values()]
    named = "; ".join(reasons[:MAX_NAMED_FAILURES])
    if len(reasons) > MAX_NAMED_FAILURES:
        named += f"; and {len(reasons) - MAX_NAMED_FAILURES} more"
    data = "its data is" if len(reasons) == 1 else "their data is"
    warnings.warn(
        f"{len(reasons)} of {requested} requests failed, and {data} left out: {named}",
        stacklevel=_stacklevel(),
    )


def _stacklevel() -> int:
    """Return the stack level of the line that called k6frames: the warning is about that."""
    level, frame = 1, inspect.currentframe()
    while frame is not None and str(frame.f_globals.get("__name__")).startswith("k6frames."):
        level, frame = level + 1, frame.f_back
    return level - 1


def validate_ids(name: str, value: IDs) -> list[int]:
    """Return an argument that is one ID or several as a list without duplicates."""
    if isinstance(value, Iterable) and not isinstance(value, str | bytes | pd.DataFrame):
        return list(dict.fromkeys(validate_id(name, one) for one in value))
    return [validate_id(name, value)]


def validate_id(name: str, value: Any) -> int:
    """Return an argument that is an ID, or raise an error that shows what was given."""
    if not is_integer(value) or not 0 <= value <= MAX_INT64:
        found = (
            f"a {type(value).__name__}" if isinstance(value, pd.DataFrame) else short_repr(value)
        )
        if isinstance(value, Client):
            raise ConfigError(f"{name} must be an ID; pass the client as client=...")
        raise ConfigError(f"{name} must be an int or an iterable of ints, not {found}.")
    return int(value)
