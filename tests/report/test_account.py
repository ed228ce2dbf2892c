"""The account that a report shows, and the errors for what is missing."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from v6_server import Received, Refusal, V6Server, make_stack

import k6frames
from k6frames import APIError, Client
from k6frames.report.account import read_account
from k6frames.report.build import write_report
from k6frames.report.test_runs import largely_used

V3 = {
    "/v3/organizations": {"organizations": [{"id": 7, "name": "Café", "vat_number": "GB 1"}]},
    "/v3/organizations/7/projects": {"projects": [{"id": 1, "organization_id": 7}]},
}


@pytest.fixture
def server(token):
    stacks = (make_stack(11, runs=30, seed=1), make_stack(22, runs=20, seed=2))
    with V6Server(*stacks, token=token) as started:
        started.other_responses |= V3
        yield started


def forbid_stack(request: Received) -> None:
    if request.stack == "22":
        raise Refusal(403, "No access to this stack.")


def retire_v3(request: Received) -> None:
    if request.path.startswith("/v3"):
        raise Refusal(410, "This version is retired.")


def test_tables_are_those_of_the_account(connect, server, tmp_path: Path) -> None:
    client = connect(server.url, stack=[11, 22])
    account = read_account(client, tmp_path / "snapshot", on_error="raise")
    for name in ("test_run_details", "load_tests", "project_labels", "organization_projects"):
        expected = getattr(k6frames, f"{name}_df")(client=client)
        pd.testing.assert_frame_equal(account.tables[name], expected, check_flags=False)
    assert (account.name, account.source) == ("Café", f"the account at {server.url}")
    assert account.missing == []


def test_a_report_reads_each_response_once_and_has_no_token(
    connect, server, token: str, tmp_path: Path
) -> None:
    page = write_report(
        connect(server.url, stack=[11, 22]), tmp_path / "report", show_message=lambda _: None
    )
    sent = [(r.stack, r.path, *sorted(r.query.items())) for r in server.received]
    assert len(sent) == len(set(sent)) > 10
    for file in page.parent.iterdir():
        assert token.encode() not in file.read_bytes()


def test_a_forbidden_stack_is_named_with_its_reason_and_the_other_one_is_read(
    connect, server, tmp_path: Path
) -> None:
    server.before = forbid_stack
    client = connect(server.url, stack=[11, 22])
    with pytest.raises(APIError, match="No access to this stack"):
        read_account(client, tmp_path / "snapshot", on_error="raise")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        account = read_account(client, tmp_path / "snapshot", on_error="warn")
    assert set(account.tables["test_run_details"]["stack_id"]) == {11}
    assert account.has_projects
    (reason,) = account.missing
    assert "stack 22" in reason
    assert "No access to this stack" in reason
    assert reason.endswith("(Also 5 similar errors.)")


def test_without_access_to_any_stack_there_are_no_tables_of_test_runs(
    connect, server, tmp_path: Path
) -> None:
    server.before = forbid_stack
    account = read_account(connect(server.url, stack=22), tmp_path / "snapshot", on_error="warn")
    assert account.has_projects
    assert not account.has_test_runs


@pytest.mark.parametrize("on_error", ["raise", "warn"])
def test_a_retired_version_is_named_with_its_reason(
    on_error: Any, connect, server, tmp_path: Path
) -> None:
    server.before = retire_v3
    account = read_account(connect(server.url, stack=11), tmp_path / "snapshot", on_error=on_error)
    assert account.name == "Stack 11"
    assert not account.has_projects
    assert len(account.tables["test_run_details"]) == 30
    assert ["This version is retired." in reason for reason in account.missing] == [True]


def test_an_unknown_stack_is_explained(connect, server, tmp_path: Path) -> None:
    account = read_account(connect(server.url), tmp_path / "snapshot", on_error="raise")
    assert not account.has_test_runs
    assert [reason.endswith("Name one with --stack.") for reason in account.missing] == [True]


def test_a_stack_whose_id_is_not_found_is_named_and_the_projects_are_shown(
    connect, server, tmp_path: Path
) -> None:
    client = connect(server.url, stack="https://unknown.grafana.net")
    account = read_account(client, tmp_path / "snapshot", on_error="warn")
    assert account.has_projects
    assert not account.has_test_runs
    assert ["unknown.grafana.net" in reason for reason in account.missing] == [True]


def test_projects_that_cannot_be_read_are_not_said_to_be_missing(
    connect, server, tmp_path: Path
) -> None:
    def forbid_projects(request: Received) -> None:
        if request.path.endswith("/projects") and request.path.startswith("/v3"):
            raise Refusal(403, "No access to these projects.")

    server.before = forbid_projects
    client = connect(server.url, stack=11)
    page = write_report(client, tmp_path / "report", on_error="warn", show_message=lambda _: None)
    text = page.read_text()
    assert "The projects could not be read." in text
    assert "There are no organizations." not in text


def test_a_snapshot_keeps_the_address_of_its_account(connect, server, tmp_path: Path) -> None:
    first = connect(server.url, stack=11).snapshot(tmp_path / "first")
    manifest = json.loads((first / "account.json").read_text())
    account = read_account(Client(api_url=first.as_uri()), tmp_path / "again", on_error="raise")
    assert account.source == f"a snapshot of the account at {server.url}"
    assert account.as_of == pd.Timestamp(manifest["as_of"])


def test_a_limit_of_0_is_largely_used_by_any_usage():
    budgets = pd.DataFrame(
        {"used_vuh": [1.0, 0.0, 0.81, 0.8, 5.0], "limit_vuh": [0.0, 0.0, 1.0, 1.0, None]},
        dtype="Float64",
    )
    assert largely_used(budgets).index.tolist() == [0, 2]
