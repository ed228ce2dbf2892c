"""What every test has: settings and folders of its own, no tokens and no network."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest

_CONNECT = socket.socket.connect


def _connect_here(self: socket.socket, address: Any) -> None:
    host = address[0] if isinstance(address, tuple) else ""
    if host not in ("127.0.0.1", "::1", "localhost", ""):
        raise AssertionError(f"a test tried to connect to {host}")
    _CONNECT(self, address)


@pytest.fixture(autouse=True)
def isolated_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the user's settings; make the cache, the home and the working directory empty."""
    for name in os.environ:
        if name.startswith(("K6_", "K6FRAMES_")) or name.lower().endswith(("_proxy", "_ca_bundle")):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    monkeypatch.setenv("APPDATA", str(home))
    monkeypatch.setenv("K6FRAMES_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.chdir(work)
    monkeypatch.setattr(socket.socket, "connect", _connect_here)
    monkeypatch.setattr("k6frames.api.default_client._default_clients", {})
    # No test is about a power failure, and waiting for the disk takes long.
    monkeypatch.setattr(os, "fsync", lambda _: None)
