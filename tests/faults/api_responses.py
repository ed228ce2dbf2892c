"""Statuses, Retry-After, redirects, cookies and error bodies."""

from __future__ import annotations

import re

import pytest
import servers
from faults.sandbox import NOT_RETRIED, RETRIED, V3, V6, Sandbox, Section
from servers import GOOD, LIST, empty_reply, reply

from k6frames.api import retry_adapter
from k6frames.errors import APIError
from k6frames.loaders.organizations import projects_df

section = Section("What the API responds")


@section.fault("status 408, 429, 500, 502, 503 or 504 for a while", RETRIED)
def transient(box: Sandbox) -> None:
    box.check_retried(*(empty_reply(status) for status in (408, 429, 500, 502, 503, 504)))


@section.fault("one of them every time", "an error with the number of attempts and the time")
def permanent_503(box: Sandbox) -> None:
    server = box.serve(empty_reply(503))
    error = box.check_error(box.client(server), "HTTP 503", status=503)
    assert re.search(r"Tried 6 times in \d\.\d s \(budget 10 s\)", str(error))
    assert server.count(box.path) == retry_adapter.MAX_ATTEMPTS


@section.fault("status 401", NOT_RETRIED + ": the token is wrong or was revoked")
def unauthorized(box: Sandbox) -> None:
    box.check_not_retried(empty_reply(401), "wrong or was revoked", status=401)


@section.fault("status 403", NOT_RETRIED + "; it names whom to ask, and advises to check the stack")
def forbidden(box: Sandbox) -> None:
    advice = {"v3": "ask to be added to the organization.", "v6": "check the stack (its ID"}[
        box.version
    ]
    box.check_not_retried(empty_reply(403), advice, status=403)


@section.fault(
    "status 403 for one organization of several", "the error names it, and says how to leave it out"
)
def forbidden_of_several(box: Sandbox) -> None:
    account = servers.account(servers.some_account(3))
    path = f"{LIST}/2/projects"
    client = box.client(box.serve(script={path: [empty_reply(403)]}, account=account))
    with pytest.raises(
        APIError, match=r"^organization 2 \(Organization 2\): .* HTTP 403"
    ) as caught:
        projects_df(client=client)
    box.errors.append(caught.value)
    assert str(caught.value).endswith(
        'ask to be added to the organization. To read the rest without it, pass on_error="warn".'
    )
    with pytest.warns(UserWarning, match=r"organization 2 \(Organization 2\)"):
        assert projects_df(client=client, on_error="warn")["org_id"].to_list() == [1]


@section.fault("status 404", NOT_RETRIED + "; it names the path")
def missing(box: Sandbox) -> None:
    box.check_not_retried(empty_reply(404), "HTTP 404. It does not exist", status=404)


@section.fault(
    "status 400 for a stack that does not exist",
    NOT_RETRIED + "; it advises to check the stack",
    versions=V6,
)
def bad_stack(box: Sandbox) -> None:
    error = box.check_not_retried(empty_reply(400), "Check the stack", status=400)
    assert "(stack 123)" in str(error)


@section.fault("Retry-After within the budget", "all requests wait that long", versions=V3)
def retry_after(box: Sandbox) -> None:
    paths = [f"{box.path}/{number}" for number in range(4)]
    script = {path: [reply(delay=0.3)] for path in paths}
    server = box.serve(script=script | {paths[0]: [empty_reply(429, 1), reply()]})
    bodies = box.client(server, max_workers=2).fetch(map(box.request, paths)).bodies
    assert list(bodies.values()) == [GOOD] * 4
    start = server.requests[0].time
    # The other worker's first request may have been on its way already, and no more than that one.
    sent = [request.path for request in server.requests if request.time < start + 1]
    assert sorted(sent) in ([paths[0]], paths[:2])


@section.fault(
    "Retry-After beyond the budget", NOT_RETRIED + "; requests that follow fail immediately, too"
)
def retry_much_later(box: Sandbox) -> None:
    for status in (503, 429):
        server = box.serve(empty_reply(status, 86400))
        client = box.client(server)
        message = "The API asks for a pause of 86400 s (Retry-After), but only 10 s are left"
        error = box.check_error(client, message, status=status)
        assert "Tried once" in str(error)
    box.check_error(client, "the API asks for a pause of 86400 s", status=429)
    assert server.count(box.path) == 1


@section.fault("a Retry-After that is malformed, negative or of 400 digits", "it is ignored")
def retry_nonsense(box: Sandbox) -> None:
    values = ["soon", "-5", "1.5e3", "9" * 400, "9" * 5000, "Wed, 99 Foo 2026 00:00:00 GMT"]
    box.check_retried(*(empty_reply(503, value) for value in values))


@section.fault("a redirect, even to another host", "it is refused: the token is sent nowhere else")
def redirected(box: Sandbox) -> None:
    other = box.serve(reply())
    for status in (301, 302, 303, 307, 308):
        step = servers.redirect(other.url + box.path, status)
        error = box.check_not_retried(step, "does not follow redirects", status=status)
        assert "redirects to http://127.0.0.1." in str(error)
    for location in ("/elsewhere", "", "//", "javascript:1"):
        box.check_not_retried(servers.redirect(location), "redirects to another path", status=302)
    box.check_not_retried(servers.redirect("http://["), "an invalid address", status=302)
    step = servers.redirect("//other.example/path")
    box.check_not_retried(step, "redirects to http://other.example.", status=302)
    assert other.requests == []


@section.fault("status 304", NOT_RETRIED + "; it is not called a redirect")
def not_modified(box: Sandbox) -> None:
    headers = {"Location": "https://elsewhere.example/"}
    error = box.check_not_retried(reply(b"", status=304, headers=headers), "HTTP 304", status=304)
    assert "redirect" not in str(error)


@section.fault(
    "cookies, and `Vary: Cookie`", "they are dropped; the response is cached nevertheless"
)
def cookies(box: Sandbox) -> None:
    headers = {"Set-Cookie": f"a={box.token}; Path=/", "Vary": "Cookie"}
    server = box.serve(account=lambda _: reply(headers=headers))
    client = box.client(server)
    assert box.get(client) == box.get(client) == GOOD
    assert server.count(box.path) == 1
    box.get(client, f"{box.path}?other")
    assert "cookie" not in server.requests[1].headers


_UNUSABLE_ERRORS = (
    b"",
    b"<html><h1>Forbidden</h1></html>",
    b"[]",
    b"null",
    b'{"error": 5}',
    b'{"error": {}}',
    b'{"error": null}',
    b'{"error":' * 100_000,
    b"[" * 100_000,
    b"\xff\xfe",
)


@section.fault(
    "an error body of HTML, of other JSON, or of 100,000 levels", "an error without its text"
)
def odd_errors(box: Sandbox) -> None:
    for body in _UNUSABLE_ERRORS:
        error = box.check_not_retried(reply(body, status=418), "HTTP 418.", status=418)
        assert error.code is None


@section.fault(
    "an error code or message that is very long, of another type or invalid UTF-8", "shown, short"
)
def odd_codes(box: Sandbox) -> None:
    for code, shown in (
        (b"3", 3),
        (b'"not_found"', "not_found"),
        (b"9" * 4000, "9" * 60),
        (b"9" * 9000, "9" * 60),
        (b"-%d" % 2**64, f"-{2**64}"),
        (b'"%s"' % (b"c" * 500), "c" * 60),
        (b"[1]", "[1]"),
        (b"null", None),
        (b'"\xff"', '"\ufffd"'),
    ):
        body = b'{"error": {"message": "Told you", "code": %s}}' % code
        error = box.check_not_retried(reply(body, status=418), "'Told you'", status=418)
        assert error.code == shown
        assert code == b"null" or f"code {shown})" in str(error)
    for message, text in ((b"null", "HTTP 418 (code 1)"), (b'"\xff"', "\ufffd"), (b"[7]", "'[7]'")):
        body = b'{"error": {"code": 1, "message": %s}}' % message
        assert box.check_not_retried(reply(body, status=418), text, status=418).code == 1
    error = box.check_not_retried(servers.error(418, "long " * 10**5), "'long long ", status=418)
    assert 300 < len(str(error)) < 450


@section.fault("an error message with control characters", "none of them reaches the terminal")
def control(box: Sandbox) -> None:
    step = servers.error(418, "\x1b[2J\x07\u202egnp\nsecond line\x00", "\x1b[31m")
    error = box.check_not_retried(step, "second line", status=418)
    assert str(error).isprintable()
    assert str(error.code).isprintable()
