"""The made accounts that the benchmarks read."""

from __future__ import annotations

import json
import sys
from functools import lru_cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "data"))
from make_samples import account

Bodies = dict[str, bytes]


@lru_cache(maxsize=1)
def made(organizations: int, projects: int) -> Bodies:
    """An account of this size; the last one is kept, as two benchmarks share the largest."""
    return account(organizations, projects)


def listing(bodies: Bodies) -> Bodies:
    """The list of organizations."""
    return {"/v3/organizations": bodies["/v3/organizations"]}


def lists_of_projects(bodies: Bodies) -> Bodies:
    """The organizations' lists of projects."""
    return {path: body for path, body in bodies.items() if path.endswith("/projects")}


def in_bodies_of(size: int, body: bytes) -> Bodies:
    """The projects of one body in many bodies of one size."""
    projects = json.loads(body)["projects"]
    return {
        f"/v3/organizations/{start}/projects": json.dumps(
            {"projects": projects[start : start + size]}, ensure_ascii=False, separators=(",", ":")
        ).encode()
        for start in range(0, len(projects), size)
    }
