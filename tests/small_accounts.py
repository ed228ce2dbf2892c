"""The smallest accounts, as folders of responses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

STACK = "stacks/5/cloud/v6"

EMPTY = {"v3/organizations": {"organizations": []}}
EMPTY_STACK = {
    f"{STACK}/{name}": {"value": []}
    for name in ("projects", "load_tests", "test_runs", "schedules", "project-limits", "load_zones")
}
ONE_PROJECT = {
    "v3/organizations": {"organizations": [{"id": 1, "name": "Acme", "billing_email": "b@x.y"}]},
    "v3/organizations/1/projects": {
        "projects": [{"id": 7, "organization_id": 1, "name": "only", "created": "2024-02-29"}]
    },
}
_RUN = {"id": 1, "test_id": 2, "project_id": 3, "started_by": "somebody@example.com"}
ONE_RUN = EMPTY_STACK | {
    f"{STACK}/test_runs": {"value": [_RUN | {"created": "2026-01-01T00:00:00Z"}]}
}
NO_DATES = {
    "v3/organizations": {"organizations": [{"id": 1, "name": "Acme"}]},
    "v3/organizations/1/projects": {"projects": [{"id": 7, "organization_id": 1}]},
    **EMPTY_STACK,
    f"{STACK}/projects": {"value": [{"id": 3}]},
    f"{STACK}/load_tests": {"value": [{"id": 2, "project_id": 3}]},
    f"{STACK}/test_runs": {"value": [_RUN | {"result": "passed"}]},
    f"{STACK}/schedules": {"value": [{"id": 4, "load_test_id": 2}]},
}


def account_folder(root: Path, files: dict[str, Any]) -> str:
    """Write an account to a folder, and return its address."""
    for path, content in files.items():
        file = root / f"{path}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(content))
    return root.as_uri()
