"""Where k6 stores its configuration in these tests."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def current(tmp_path: Path) -> Path:
    return tmp_path / "home" / ".config" / "k6" / "config.json"


@pytest.fixture
def legacy(tmp_path: Path) -> Path:
    return tmp_path / "home" / ".config" / "loadimpact" / "k6" / "config.json"
