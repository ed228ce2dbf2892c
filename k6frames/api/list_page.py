"""One page of a v6 list: the query of its request, and what paging needs from its response."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec

from k6frames.api.endpoints import Request
from k6frames.api.session import Response
from k6frames.errors import SchemaError
from k6frames.validation import MAX_INT64


class MalformedPageError(SchemaError):
    """A page that paging cannot use. Loaders parse its body again, for a more precise message.

    Parameters
    ----------
    message : str
        What is wrong.
    request : Request
        The request for the page.
    body : bytes
        The response to it.
    """

    def __init__(self, message: str, request: Request, body: bytes) -> None:
        # All three are passed to Exception, so that the error survives pickling.
        super().__init__(message, request, body)
        self.message = message
        self.request = request
        self.body = body

    def __str__(self) -> str:
        return self.message


class PageRow(msgspec.Struct):
    """The fields of a row that paging uses. In some lists they are missing or have other types."""

    id: Any = None
    project_id: Any = None
    created: Any = None


class Page(msgspec.Struct):
    """The fields of a response that paging uses; the parser checks the rest."""

    value: list[PageRow]
    count: Any = msgspec.field(name="@count", default=None)
    # Only its presence is used, because the address may name another host.
    next_link: Any = msgspec.field(name="@nextLink", default=None)

    @property
    def ids(self) -> list[Any]:
        """The ID of each row; a row of project limits has only a project ID."""
        return [row.project_id if row.id is None else row.id for row in self.value]


_page_decoder = msgspec.json.Decoder(Page)


def decode_page(request: Request, response: Response) -> Page:
    """Return a page. If it has neither `@count` nor `@nextLink`, its rows are counted.

    Raises
    ------
    MalformedPageError
        If it has no list of objects with IDs, or no usable count.
    """
    body = response.body.removeprefix(codecs.BOM_UTF8)
    try:
        page = _page_decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        message = f"{request}: the response is not a list ({error})."
        raise MalformedPageError(message, request, response.body) from None
    if not all(type(row_id) in {int, str} for row_id in page.ids):
        raise MalformedPageError(f"{request}: a row has no ID.", request, response.body)
    if page.count is None and page.next_link is not None:
        message = f"{request}: the response has '@nextLink' but no '@count'."
        raise MalformedPageError(message, request, response.body)
    if page.count is None:
        page.count = len(page.value)
    if type(page.count) is not int or not 0 <= page.count <= MAX_INT64:
        message = f"{request}: '@count' is not a number of rows."
        raise MalformedPageError(message, request, response.body)
    return page


def add_parameters(request: Request, parameters: Mapping[str, object]) -> Request:
    """Return a request with more parameters in its query."""
    query = "&".join(
        f"{name}={quote(str(value))}" for name, value in parameters.items() if value is not None
    )
    separator = "&" if urlsplit(request.path).query else "?"
    return replace(request, path=f"{request.path}{separator}{query}")
