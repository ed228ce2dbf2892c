"""Which Grafana stacks are meant: an ID is one, a URL is resolved once by the API."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from k6frames.api import endpoints
from k6frames.api.endpoints import Request
from k6frames.api.folder import read_manifest
from k6frames.api.settings import StackArgument, no_stack_error, parse_stacks
from k6frames.errors import ConfigError, SchemaError


class Stack(NamedTuple):
    """A Grafana stack: its ID, and its URL where it is known."""

    id: int
    url: str | None


class _Authentication(msgspec.Struct):
    stack_id: int


def auth_request(url: str) -> Request:
    """Return the request for the ID of the stack with a URL."""
    return Request(endpoints.AUTH, url, label=f"stack {url}")


def make_stacks(
    names: tuple[str, ...], requests: Mapping[str, Request], bodies: Mapping[Request, bytes]
) -> tuple[Stack, ...]:
    """Return the stacks with these names, each an ID or a URL, every stack once.

    Parameters
    ----------
    names : tuple of str
        IDs and URLs.
    requests : mapping of str to Request
        The request for the ID of each URL.
    bodies : mapping of Request to bytes
        The responses to them.

    Raises
    ------
    ConfigError
        If there is no name.
    SchemaError
        If a response has no stack ID.
    """
    if not names:
        raise no_stack_error()
    stacks: dict[int, Stack] = {}
    for name in names:
        if name in requests:
            stack = Stack(_stack_id(requests[name], bodies[requests[name]]), name)
        else:
            stack = Stack(int(name), None)
        stacks.setdefault(stack.id, stack)
    return tuple(stacks.values())


def _stack_id(request: Request, body: bytes) -> int:
    try:
        return msgspec.json.decode(body, type=_Authentication).stack_id
    except msgspec.DecodeError as error:
        raise SchemaError(f"{request}: the response has no stack ID ({error}).") from None


def stacks_of_folder(folder: Path, stack: StackArgument) -> tuple[Stack, ...]:
    """Return the stacks in a folder of responses: all, or those of the argument.

    Raises
    ------
    ConfigError
        If there is none, or one of the argument is not in the folder.
    """
    known = [Stack(*found) for found in read_manifest(folder).stacks]
    if stack is None:
        if not known:
            raise ConfigError(f"{folder} has no Grafana stack: it has no folder stacks/<ID>.")
        return tuple(known)
    wanted = parse_stacks(stack)
    found = [known_stack for known_stack in known if _is_named(known_stack, wanted)]
    if len(found) < len(wanted):
        ids = ", ".join(str(known_stack.id) for known_stack in known) or "none"
        raise ConfigError(
            f"{folder} does not have all of the stacks {', '.join(wanted)}, but {ids}."
        )
    return tuple(found)


def _is_named(stack: Stack, names: tuple[str, ...]) -> bool:
    return str(stack.id) in names or stack.url in names
