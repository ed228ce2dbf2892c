"""Commands that keep the history of an account."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pandas as pd
import pytest
from v6_server import V6Server, make_stack

import k6frames
from k6frames.cli.main import cli

CHANGE = ["load_tests", "changed", "Refund webhooks", "name", "Refunds", "Refund webhooks"]


@pytest.fixture
def last_week(tmp_path, sample) -> Path:
    """Write a snapshot of the sample account before one of its load tests was renamed."""
    folder = k6frames.snapshot(tmp_path / "last-week", sample)
    for path, new, old in (
        ("account.json", "2026-06-29", "2026-06-22"),
        ("stacks/48213/cloud/v6/load_tests.json", "Refund webhooks", "Refunds"),
    ):
        file = folder / path
        file.write_text(file.read_text().replace(new, old))
    return folder


@pytest.fixture
def history(run, last_week, monkeypatch) -> str:
    with monkeypatch.context() as patched:
        patched.setenv("K6FRAMES_API_URL", last_week.as_uri())
        assert run("sync", "history").exit_code == 0
    return "history"


def test_a_first_sync_counts_what_it_added_and_a_second_finds_nothing(run, sample) -> None:
    result = run("sync", "history", "--sample")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "Organizations: 12 added",
        "Projects: 300 added",
        "Stack projects: 9 added",
        f"Project labels: {len(k6frames.project_labels_df(client=sample))} added",
        "Load tests: 40 added",
        f"Schedules: {len(k6frames.schedules_df(client=sample))} added",
        f"Project limits: {len(k6frames.project_limits_df(client=sample))} added",
        f"Load zones: {len(k6frames.load_zones_df(client=sample))} added",
        "Test runs: 3,074 added",
    ]
    assert run("sync", "history", "--sample").stdout == "Nothing has changed.\n"


def test_a_sync_of_a_server_counts_rows_and_not_their_values(run, token, monkeypatch) -> None:
    stack = make_stack(11, runs=40)
    with V6Server(stack, token=token) as server:
        monkeypatch.setenv("K6_CLOUD_TOKEN", token)
        monkeypatch.setenv("K6FRAMES_API_URL", server.url)
        assert run("sync", "history", "--stack", "11").exit_code == 0
        first, second = stack.lists["load_tests"][:2]
        first |= {"name": "Renamed", "baseline_test_run_id": 5}
        second["name"] = "Renamed as well"
        stack.lists["schedules"][0]["next_run"] = "2031-01-01T00:00:00Z"  # not a change by a user
        del stack.lists["load_tests"][2]
        cached = run("sync", "history", "--stack", "11")
        assert cached.stdout == "Nothing has changed.\n"
        result = run("sync", "history", "--stack", "11", "--refresh")
    assert result.stdout == "Load tests: 2 changed, 1 removed\n"


def test_changes_of_a_dataset_are_those_since_a_week_before(run, history) -> None:
    run("sync", history, "--sample")
    columns = "table,change,name,column,before,after"
    result = run("changes", history, "--columns", columns)
    assert result.exit_code == 0
    assert result.stderr == "What changed from 2026-06-22 to 2026-06-29:\n"
    assert [line.split("\t") for line in result.stdout.splitlines()] == [columns.split(","), CHANGE]


def test_changes_since_a_day_can_be_written_as_a_file(run, history) -> None:
    run("sync", history, "--sample")
    days = ("--since", "2026-06-25", "--until", "2026-06-29")
    rows = json.loads(run("changes", history, *days, "--json", "-").stdout)
    frame = k6frames.dataset_changes(history, "2026-06-25")
    assert rows == json.loads(frame.to_json(orient="records"))
    assert len(rows) == 1
    run("changes", history, "--until", "2026-06-27", "--csv", "none.csv")
    assert len(k6frames.read_csv("none.csv")) == 0


def test_changes_between_snapshots_name_what_is_not_compared(run, last_week) -> None:
    written = run("snapshot", "now", "--sample")
    assert written.stdout == f"{Path('now').absolute()}\n"
    url = Path("now").absolute().as_uri()
    assert written.stderr == (
        "This is the account as of 2026-06-29 09:30 UTC. Commands read it with "
        f"K6FRAMES_API_URL={url}\n"
    )
    result = run("changes", str(last_week), "now", "--csv", "-")
    assert result.stderr == ""
    assert [*pd.read_csv(io.StringIO(result.stdout))["after"]] == ["Refund webhooks"]
    (last_week / "v3/organizations/1013/projects.json").unlink()
    result = run("changes", str(last_week), "now")
    assert result.stderr.startswith(
        "Note: 1 list could not be read for one of the snapshots, and cannot be compared: "
        "/v3/organizations/1013/projects"
    )


def test_a_snapshot_leaves_out_on_request_what_cannot_be_read(
    run, sample, last_week, monkeypatch
) -> None:
    (last_week / "v3/organizations/1013/projects.json").unlink()
    monkeypatch.setenv("K6FRAMES_API_URL", last_week.as_uri())
    assert run("snapshot", "now").exit_code == 1
    assert not Path("now").exists()
    result = run("snapshot", "now", "--on-error", "warn")
    assert result.exit_code == 0
    assert "organization 1013" in result.stderr


def test_metrics_can_be_read_from_a_snapshot_that_includes_them(run, monkeypatch) -> None:
    expected = run("metrics", "735140", "--sample").stdout
    for folder, options in (("without", []), ("with", ["--with-metrics"])):
        assert run("snapshot", folder, "--sample", *options).exit_code == 0
    monkeypatch.setenv("K6FRAMES_API_URL", Path("without").absolute().as_uri())
    assert run("metrics", "735140").exit_code == 1
    monkeypatch.setenv("K6FRAMES_API_URL", Path("with").absolute().as_uri())
    result = run("metrics", "735140")
    assert (result.exit_code, result.stdout) == (0, expected)
    assert expected.count("\n") == 31


UNUSABLE = [
    (["changes", "."], "'.' has no dataset. Make one with `k6frames sync FOLDER`."),
    (["changes", "last"], "last is a snapshot: name a later one to compare it with."),
    (["changes", "last", "history"], "history is not a snapshot: it has no account.json."),
    (["changes", "last", "last", "--since", "2026-06-01"], "are for a dataset: leave them out"),
    (["changes", "history", "--since", "monday"], "--since must be a date"),
    (["changes", "history", "--since", "2026-06-21"], "its first sync was on 2026-06-22"),
    (
        ["changes", "history", "--since", "2026-06-25", "--until", "2026-06-24"],
        "--since (2026-06-25) must not be after --until (2026-06-24).",
    ),
    (["sync", "history"], "token"),
    (["snapshot", "history", "--sample"], "is not empty and not a snapshot"),
]


def test_arguments_that_cannot_be_used_are_explained(run, history, last_week) -> None:
    last_week.rename("last")
    for arguments, message in UNUSABLE:
        result = run(*arguments)
        assert result.exit_code in (1, 2), arguments
        assert message in result.stderr, arguments
        assert "Traceback" not in result.output, arguments


def test_every_command_of_the_history_is_in_the_help(run) -> None:
    text = run("--help").stdout
    assert all(f"\n  {name}" in text for name in ("sync", "changes", "snapshot"))
    assert {"sync", "changes", "snapshot"} <= set(cli.commands)
