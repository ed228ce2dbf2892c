"""Servers, clients and a token that a test can recognize wherever it turns up."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from servers import LIST, RawServer, Step

from k6frames.api import retry_adapter
from k6frames.api.client import Client

Serve = Callable[..., RawServer]
Connect = Callable[..., Client]
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


@pytest.fixture
def token() -> str:
    return f"glsa_Tok{secrets.token_hex(16)}"


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a server: with steps for the list of organizations, or with a whole script."""
    with ExitStack() as stack:

        def start(*steps: Step, **options: Any) -> RawServer:
            script = {LIST: steps} if steps else options.pop("script", {})
            return stack.enter_context(RawServer(script, **options))

        yield start


@pytest.fixture
def connect(token: str) -> Iterator[Connect]:
    """Create a client of a server, with short timeouts and no cache unless told otherwise."""
    with ExitStack() as stack:

        def make(server: RawServer | str, **options: Any) -> Client:
            url = server if isinstance(server, str) else server.url
            options = {
                "token": token,
                "cache": False,
                "budget": 20,
                "timeout": (2, 5),
                "progress": False,
                **options,
            }
            return stack.enter_context(Client(api_url=url, **options))

        yield make


@pytest.fixture
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry without waiting."""
    monkeypatch.setattr(retry_adapter, "FIRST_WAIT_SECONDS", 0.002)
    monkeypatch.setattr(retry_adapter, "JITTER_SECONDS", 0.001)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Start the system's Chromium."""
    playwright = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("there is no Chromium")
    with playwright.sync_playwright() as running:
        started = running.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-background-networking", "--disable-sync"],
        )
        yield started
        started.close()
