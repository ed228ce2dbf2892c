"""Configuration files as k6 writes them."""

from __future__ import annotations

import json
from pathlib import Path


def write(path: Path, content: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def config(**cloud: object) -> dict[str, object]:
    return {"collectors": {"cloud": cloud}}
