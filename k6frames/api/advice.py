"""Messages about failed requests: which request, what happened, and what to do next."""

from __future__ import annotations

from urllib.parse import urlsplit

import requests

from k6frames.api.endpoints import STACK_ID_HEADER, STACK_URL_HEADER
from k6frames.errors import APIError

ADVICE = {
    401: "The token is wrong or was revoked: create a new one in Grafana Cloud k6.",
    403: "The token is valid, but its user has no access: ask to be added to the organization.",
    404: "It does not exist, or the token's user has no access: check the ID.",
    429: "The API asks for fewer requests: try again later, or with a smaller max_workers.",
}
STACK_ADVICE = {
    400: "Check the stack: its ID is in Grafana, Testing & synthetics > Performance > Settings.",
    401: (
        "The token is wrong or was revoked, or it is a stack token of another stack: check the "
        "stack and the token."
    ),
    403: (
        "The token has no access to this stack: check the stack (its ID is in Grafana, Testing & "
        "synthetics > Performance > Settings), and that the token was created in it."
    ),
}
# For metric queries, which users write themselves.
_QUERY_ADVICE = {
    400: "Check the metric and the query.",
    404: "Check the ID and the metric: one does not exist, or the token's user has no access.",
}


def request_error(
    request: requests.PreparedRequest,
    description: str,
    *,
    status: int | None = None,
    code: int | str | None = None,
) -> APIError:
    """Return the error of a request; `description` says what happened and what to do."""
    message = f"{describe_request(request)}: {description}"
    return APIError(status, code, message, str(request.url))


def describe_request(request: requests.PreparedRequest) -> str:
    """Return the path of a request and its stack, for a message."""
    parts = urlsplit(str(request.url))
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    stack = _named_stack(request)
    return f"{path} (stack {stack})" if stack else path


def _named_stack(request: requests.PreparedRequest) -> str:
    headers = request.headers
    return headers.get(STACK_ID_HEADER) or headers.get(STACK_URL_HEADER) or ""


def advise(request: requests.PreparedRequest, status: int) -> str:
    """Return what to do about an error response; empty if there is no advice for it."""
    advice = ADVICE.get(status, "")
    if _named_stack(request):
        advice = STACK_ADVICE.get(status, advice)
    if "/query_" in str(request.url):
        advice = _QUERY_ADVICE.get(status, advice)
    return advice
