"""Grafana stacks: their IDs and URLs, of which the API resolves one to the other."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec

from k6frames.api import endpoints
from k6frames.api.endpoints import Request
from k6frames.api.manifest import read_manifest
from k6frames.api.stack_arguments import StackArgument, no_stack_error, parse_stacks
from k6frames.errors import APIError, ConfigError, SchemaError
from k6frames.validation import MAX_INT64


class Stack(NamedTuple):
    """A Grafana stack: its ID, and its URL where it is known."""

    id: int
    url: str | None


class ResolvedStacks(NamedTuple):
    """The stacks that were found, and the failed requests for the IDs of others."""

    found: tuple[Stack, ...]
    failures: dict[Request, APIError]


class _Authentication(msgspec.Struct):
    stack_id: Annotated[int, msgspec.Meta(ge=1, le=MAX_INT64)]


def auth_request(url: str) -> Request:
    """Return the request for the ID of the stack with a URL."""
    return Request(endpoints.AUTH, url)


def parse_stack_id(request: Request, body: bytes) -> int:
    """Return the ID of a stack from the response to an `auth_request`.

    Raises
    ------
    SchemaError
        If it has none.
    """
    try:
        return msgspec.json.decode(
            body.removeprefix(codecs.BOM_UTF8), type=_Authentication
        ).stack_id
    except (msgspec.DecodeError, RecursionError) as error:
        raise SchemaError(f"{request}: the response has no stack ID ({error}).") from None


def make_stacks(names: tuple[str, ...], ids: Mapping[str, int]) -> tuple[Stack, ...]:
    """Return the stacks with these names, every stack once.

    Parameters
    ----------
    names : tuple of str
        IDs and URLs.
    ids : mapping of str to int
        The ID of each URL. One without an ID is left out.

    Raises
    ------
    ConfigError
        If there is no name.
    """
    if not names:
        raise no_stack_error()
    stacks: dict[int, Stack] = {}
    for name in names:
        if name.isdecimal():
            stacks.setdefault(int(name), Stack(int(name), None))
        elif name in ids:
            stacks.setdefault(ids[name], Stack(ids[name], name))
    return tuple(stacks.values())


def stacks_in_folder(folder: Path, stack: StackArgument) -> tuple[Stack, ...]:
    """Return the stacks in a folder of responses: all, or those of the argument.

    Raises
    ------
    ConfigError
        If there is none, or one of the argument is not in the folder.
    """
    known = [Stack(stack_id, url) for stack_id, url in read_manifest(folder).stacks]
    if stack is None:
        if not known:
            raise ConfigError(f"{folder} has no Grafana stack: it has no folder stacks/<ID>.")
        return tuple(known)
    found: list[Stack] = []
    for name in parse_stacks(stack):
        matching = [each for each in known if name in {str(each.id), each.url}]
        if not matching:
            ids = ", ".join(str(each.id) for each in known) or "none"
            raise ConfigError(f"{folder} has no stack {name}; its stacks are: {ids}.")
        found += matching
    return tuple(dict.fromkeys(found))
