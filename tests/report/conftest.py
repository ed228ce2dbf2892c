"""A report of the sample account, with what changed since a snapshot of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from k6frames import Client
from k6frames.report.build import write_report


@pytest.fixture(scope="session")
def sample_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    with Client.sample() as client:
        before = client.snapshot(tmp_path_factory.mktemp("before"))
        change_names(before / "stacks/48213/cloud/v6")
        page = write_report(client, folder, show_message=lambda _: None, since=before)
    return page.parent


def change_names(stack: Path) -> None:
    """Rename a load test, remove another, and change the limit of a project and a load zone."""
    load_tests = json.loads((stack / "load_tests.json").read_text())
    load_tests["value"][0]["name"] = "Old name"
    del load_tests["value"][1]
    (stack / "load_tests.json").write_text(json.dumps(load_tests))
    limits = json.loads((stack / "project-limits.json").read_text())
    limits["value"][0]["vuh_max_per_month"] = 7
    (stack / "project-limits.json").write_text(json.dumps(limits))
    zones = json.loads((stack / "load_zones.json").read_text())
    zones["value"][0]["available"] = False
    (stack / "load_zones.json").write_text(json.dumps(zones))
