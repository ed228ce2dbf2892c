"""Tokens, addresses, configuration files and paths that cannot be used."""

from __future__ import annotations

import contextlib

import pytest
from faults.sandbox import V3, Sandbox, Section
from servers import reply

from k6frames.errors import APIError, ConfigError

section = Section("Settings and paths")


@section.fault(
    "a token with a line break, a space or another character that no token contains",
    "it is refused",
    versions=V3,
)
def bad_token(box: Sandbox) -> None:
    for character in ("\n", " ", "\x00", "é", "\ud800"):
        box.check_config_error("Client(token=...)", f"{box.token}{character}{box.token}")


@section.fault("an address with a password", "it is refused, and not repeated", versions=V3)
def password(box: Sandbox) -> None:
    for address in ("https://a:{}@host", "https://host?t={}", "https://a:?{}@host", "a:{}@host"):
        box.check_config_error("address", box.token, api_url=address.format(box.token))


@section.fault(
    "k6's configuration file is truncated within the token",
    "an error without its text",
    versions=V3,
)
def truncated_config(box: Sandbox) -> None:
    config = box.folder / "config.json"
    # Not below the folders that are searched for the token afterwards: this is where it belongs.
    with contextlib.ExitStack() as stack:
        config.write_text(f'{{"collectors": {{"cloud": {{"token": "{box.token}')
        stack.callback(config.unlink)
        box.patch.setenv("K6_CONFIG", str(config))
        box.errors.append(box.check_config_error("cannot be read"))


@section.fault(
    "a path that leads outside the address or to another host", "a ConfigError; nothing is sent"
)
def bad_path(box: Sandbox) -> None:
    server = box.serve(account=lambda _: reply())
    client = box.client(f"{server.url}/prefix", cache=False)
    for path in (
        "/../x",
        "/v3/../../x",
        "/%2e%2e/x",
        "/../prefix2",
        "/..",
        "v3",
        "",
        " /v3",
        server.url,
    ):
        with pytest.raises(ConfigError, match="path") as caught:
            client.fetch([box.request(path)])
        box.errors.append(caught.value)
    assert server.requests == []
    for path in ("//elsewhere.example/", "/@elsewhere.example", "/\\elsewhere.example", "/a/../b"):
        assert client.fetch([box.request(path)]).bodies
    assert all(request.path.startswith("/prefix/") for request in server.requests)


@section.fault(
    "a folder of responses has no file for a path, or the path leads outside it", "an error"
)
def no_file(box: Sandbox) -> None:
    (box.folder / "account").mkdir()
    (box.folder / "secret.json").write_text("{}")
    client = box.client((box.folder / "account").as_uri())
    for path in ("/v3/organizations", "/%2e%2e%2fsecret"):
        with pytest.raises(APIError) as caught:
            client.fetch([box.request(path)])
        box.errors.append(caught.value)
        assert caught.value.status in {404, None}
