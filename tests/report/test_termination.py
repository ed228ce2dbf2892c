"""A report that is terminated or killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from k6frames import Client
from k6frames.report.build import write_report

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
ORGANIZATION = {"id": 1, "name": "Acme", "billing_email": "billing@example.com"}
PROJECT = {"id": 7, "organization_id": 1, "name": "Shop", "created": "2024-02-29"}


@pytest.fixture
def account(tmp_path: Path) -> str:
    v3 = tmp_path / "account" / "v3"
    (v3 / "organizations" / "1").mkdir(parents=True)
    (v3 / "organizations.json").write_text(json.dumps({"organizations": [ORGANIZATION]}))
    projects = {"projects": [PROJECT]}
    (v3 / "organizations" / "1" / "projects.json").write_text(json.dumps(projects))
    return (tmp_path / "account").as_uri()


@contextmanager
def report_at(step: str, account: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a report, and wait until it begins a step."""
    command = [sys.executable, "-m", "k6frames.cli", "report", "--output", str(folder)]
    environment = {**os.environ, "K6FRAMES_API_URL": account}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert any(line.strip() == step for line in process.stderr)
        yield process


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("SIGTERM", "reading the account"),
        ("SIGHUP", "drawing the plots"),
        ("SIGQUIT", "writing the tables"),
    ],
)
def test_a_report_that_is_terminated_leaves_nothing_behind(
    name: str, step: str, account: str, tmp_path: Path
) -> None:
    signal_number = getattr(signal, name)
    with report_at(step, account, tmp_path / "report") as process:
        process.send_signal(signal_number)
        time.sleep(0.005)
        process.send_signal(signal.SIGTERM)  # as systemd does after SIGHUP
        assert process.wait(30) in {128 + signal_number, 128 + signal.SIGTERM}
    assert not (tmp_path / "report").exists()


def test_a_report_that_is_killed_leaves_no_private_data_and_the_next_one_removes_it(
    account: str, tmp_path: Path
) -> None:
    report = tmp_path / "report"
    with report_at("drawing the plots", account, report) as process:
        process.kill()
    remains = [path for path in report.rglob("*") if path.is_file()]
    assert any(path.name == "projects.json" for path in remains)
    assert not any(b"billing" in path.read_bytes() for path in remains)
    write_report(Client(api_url=account), report, show_message=lambda _: None, single_file=True)
    assert not list(report.glob(".*"))
