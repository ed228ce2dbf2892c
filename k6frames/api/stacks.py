"""Grafana stacks: the API resolves the URL of a stack to its ID."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec

from k6frames.api import endpoints
from k6frames.api.endpoints import Request
from k6frames.api.fetching import Responses
from k6frames.api.manifest import read_manifest
from k6frames.api.on_error import OnError
from k6frames.api.settings import Settings
from k6frames.api.stack_arguments import NoStackError, StackArgument, no_stack_error, parse_stacks
from k6frames.errors import APIError, ConfigError, SchemaError
from k6frames.validation import MAX_INT64


class Stack(NamedTuple):
    """A Grafana stack: its ID, and its URL where it is known."""

    id: int
    url: str | None


class ResolvedStacks(NamedTuple):
    """The stacks that were found, and the failed requests for stack IDs."""

    found: tuple[Stack, ...]
    failures: dict[Request, APIError]


class StackResolver:
    """Find the stacks of an account; the ID of each URL is requested from the API once.

    Parameters
    ----------
    settings : Settings
        The account.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._ids: dict[str, int] = {}

    def resolve(
        self, stack: StackArgument, fetch: Callable[..., Responses], *, on_error: OnError
    ) -> ResolvedStacks:
        """Return the stacks of the argument, else of the settings, without duplicates.

        Parameters
        ----------
        stack : int, str, iterable of these, or None
            IDs, slugs or URLs.
        fetch : callable
            `Client.fetch`, which also shows a progress bar.
        on_error : {"raise", "warn"}
            Raise the first failure, or go on and return the failures with the stacks.

        Raises
        ------
        ConfigError
            If no stack is given, or the account is a folder that lacks a given stack.
        APIError
            With ``on_error="raise"``, if the API does not return the ID of a URL.
        SchemaError
            If its response has no ID.
        """
        # `parse_stacks` has turned slugs into URLs, so each is an ID (a string of digits) or a URL.
        ids_or_urls = self._settings.stacks if stack is None else parse_stacks(stack)
        if self._settings.folder is not None:
            return ResolvedStacks(_stacks_in_folder(self._settings.folder, ids_or_urls), {})
        if not ids_or_urls:
            raise no_stack_error()
        urls = [url for url in ids_or_urls if not url.isdecimal() and url not in self._ids]
        responses = fetch([Request(endpoints.AUTH, url) for url in urls], on_error=on_error)
        for request, body in responses.bodies.items():
            self._ids[str(request.stack)] = _parse_stack_id(request, body)
        return ResolvedStacks(self._make_stacks(ids_or_urls), responses.failures)

    def _make_stacks(self, ids_or_urls: tuple[str, ...]) -> tuple[Stack, ...]:
        """Return the stacks whose IDs are known, without duplicates."""
        stacks: dict[int, Stack] = {}
        for id_or_url in ids_or_urls:
            if id_or_url.isdecimal():
                stack_id = int(id_or_url)
                stacks.setdefault(stack_id, Stack(stack_id, url=None))
            elif id_or_url in self._ids:
                stack_id = self._ids[id_or_url]
                # If the stack was also given by its ID, this replaces the entry without a URL.
                stacks[stack_id] = Stack(stack_id, url=id_or_url)
        return tuple(stacks.values())


def _stacks_in_folder(folder: Path, ids_or_urls: tuple[str, ...]) -> tuple[Stack, ...]:
    """Return the given stacks of an account in a folder, or all of its stacks if none is given."""
    known = [Stack(stack_id, url) for stack_id, url in read_manifest(folder).stacks]
    if not ids_or_urls:
        if not known:
            raise NoStackError(f"{folder} has no Grafana stack.")
        return tuple(known)
    found: list[Stack] = []
    for id_or_url in ids_or_urls:
        matching = [stack for stack in known if id_or_url in {str(stack.id), stack.url}]
        if not matching:
            ids = ", ".join(str(stack.id) for stack in known) or "none"
            raise ConfigError(f"{folder} has no stack {id_or_url}; its stacks are: {ids}.")
        found += matching
    return tuple(dict.fromkeys(found))


class _Authentication(msgspec.Struct):
    stack_id: Annotated[int, msgspec.Meta(ge=1, le=MAX_INT64)]


def _parse_stack_id(request: Request, body: bytes) -> int:
    """Return the stack ID in a response."""
    try:
        text = body.removeprefix(codecs.BOM_UTF8)
        return msgspec.json.decode(text, type=_Authentication).stack_id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SchemaError(f"{request}: the response has no stack ID ({error}).") from None
