"""Snapshots are the account without private data, and are written completely or not at all."""

from __future__ import annotations

import fcntl
import json
import os
import stat
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from v5_server import Metric, MetricStack, Run, Series, V5Server
from v6_server import Refusal, V6Server, make_stack

import k6frames
from k6frames import tables
from k6frames.errors import APIError, ConfigError, SchemaError
from k6frames.loaders import snapshot_folder
from k6frames.loaders.snapshot import read_failures

SECRETS = ("someone@example.com", "who@example.com", "billing@example.com", "GB 999", "Secret Road")
ORGANIZATION = {
    "id": 7, "name": "Café", "billing_email": "billing@example.com", "vat_number": "GB 999",
    "billing_address": "Secret Road 1", "created": "2026-01-02T03:04:05Z",
}  # fmt: skip
PROJECTS = [{"id": 1, "name": "Shop", "organization_id": 7}, {"id": 2, "organization_id": 7}]
V3 = {
    "/v3/organizations": {"organizations": [ORGANIZATION, {"id": 8}]},
    "/v3/organizations/7/projects": {"projects": PROJECTS},
    "/v3/organizations/8/projects": {"projects": []},
}
LOADERS = (
    "stack_projects_df", "project_labels_df", "load_tests_df", "schedules_df", "load_zones_df",
    "project_limits_df", "test_runs_df", "test_run_details_df",
)  # fmt: skip


@pytest.fixture
def server(token):
    stacks = (make_stack(11, runs=1100, seed=1), make_stack(22, runs=20, seed=2))
    with V6Server(*stacks, token=token) as started:
        started.other_responses |= V3
        yield started
        assert started.violations == []


@pytest.fixture
def client(connect, server):
    return connect(server.url, stack=[11, 22])


def open_folder(folder: Path) -> k6frames.Client:
    return k6frames.Client(api_url=folder.as_uri())


def without_private_values(frame: pd.DataFrame, table: tables.Table) -> pd.DataFrame:
    missing = {c.name: pd.NA for c in table.columns if c.private}
    return frame.assign(**missing).astype(table.dtypes)


def test_a_snapshot_is_read_as_the_account_without_private_values(client, tmp_path):
    folder = client.snapshot(tmp_path / "snapshot")
    for loader in (*LOADERS, "organizations_df", "projects_df"):
        load = getattr(k6frames, loader)
        found = load(client=open_folder(folder))
        expected = without_private_values(load(client=client), load.tables[0])
        assert found.attrs.keys() == expected.attrs.keys() == {"fetched"}
        pd.testing.assert_frame_equal(found, expected, check_flags=False)


def test_one_organization_can_be_read_from_a_snapshot(client, tmp_path):
    account = open_folder(client.snapshot(tmp_path / "snapshot"))
    assert k6frames.organization_df(7, client=account)["name"].tolist() == ["Café"]


def test_a_snapshot_of_a_snapshot_is_the_same(client, tmp_path):
    first = client.snapshot(tmp_path / "first")
    second = k6frames.snapshot(tmp_path / "second", open_folder(first))
    files = [path.relative_to(first) for path in first.rglob("*.json")]
    assert len(files) > 12
    for file in files:
        assert (first / file).read_bytes() == (second / file).read_bytes(), file


def test_nothing_private_is_written_and_only_the_user_can_read_it(client, tmp_path, token):
    folder = client.snapshot(tmp_path / "snapshot")
    content = b"".join(path.read_bytes() for path in folder.rglob("*.json")).decode()
    for secret in (*SECRETS, token):
        assert secret not in content
    for path in [folder, *folder.rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0


def test_the_manifest_has_the_time_of_the_oldest_response_and_the_urls_of_stacks(
    connect, server, tmp_path
):
    stack = server.stacks[11]
    before = pd.Timestamp.now("UTC")
    folder = connect(server.url, stack=[stack.id, 22]).snapshot(tmp_path / "snapshot")
    account = open_folder(folder)
    assert before <= pd.Timestamp(account.as_of) <= pd.Timestamp.now("UTC")
    manifest = json.loads((folder / "account.json").read_text())
    assert manifest["api_url"] == server.url
    assert manifest["stacks"] == [{"id": 11, "url": None}, {"id": 22, "url": None}]
    fetched = k6frames.load_tests_df(client=account).attrs["fetched"]
    assert pd.Timestamp(fetched) == pd.Timestamp(account.as_of).floor("s")


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_if_v3_is_retired_there_are_only_the_stacks(status, client, server, tmp_path):
    def refuse(request):
        if request.path.startswith("/v3/"):
            raise Refusal(status, "Gone")

    server.before = refuse
    folder = client.snapshot(tmp_path / "snapshot")
    assert len(k6frames.test_runs_df(client=open_folder(folder))) == 1120
    assert [entry["path"] for entry in read_failures(folder)] == ["/v3/organizations"]
    with pytest.raises(APIError, match="there is no file v3"):
        k6frames.organizations_df(client=open_folder(folder))


def test_without_a_stack_there_are_only_the_organizations(connect, server, tmp_path):
    folder = connect(server.url).snapshot(tmp_path / "snapshot")
    assert len(k6frames.projects_df(client=open_folder(folder))) == 2
    with pytest.raises(ConfigError, match="has no Grafana stack"):
        k6frames.load_tests_df(client=open_folder(folder))


def test_without_stack_and_organizations_there_is_an_error_and_no_folder(connect, server, tmp_path):
    server.other_responses.clear()
    with pytest.raises(ConfigError, match="No Grafana stack was given"):
        connect(server.url).snapshot(tmp_path / "snapshot")
    assert list(tmp_path.glob("*snapshot*")) == []


def test_with_warn_failures_are_left_out_and_listed(client, server, tmp_path):
    def refuse(request):
        if request.path.endswith(("7/projects", "/schedules")) and request.stack != "22":
            raise Refusal(403, "Not allowed")

    server.before = refuse
    organizations = [{"id": 7, "name": "Café\nNord"}, {"id": 8}]
    server.other_responses["/v3/organizations"] = {"organizations": organizations}
    with pytest.raises(APIError, match=r"organization 7 \(Café Nord\)"):
        k6frames.snapshot(tmp_path / "snapshot", client)
    assert not (tmp_path / "snapshot").exists()
    with pytest.warns(UserWarning, match="2 of 15 requests failed"):
        folder = k6frames.snapshot(tmp_path / "snapshot", client, on_error="warn")
    assert [(e["path"], e.get("org_id"), e.get("stack_id")) for e in read_failures(folder)] == [
        ("/v3/organizations/7/projects", 7, None),
        ("/cloud/v6/schedules (stack 11)", None, 11),
    ]
    with pytest.warns(UserWarning, match="1 of 2 requests failed"):
        found = k6frames.schedules_df(client=open_folder(folder), on_error="warn")
    assert set(found["stack_id"]) == {22}


def test_unknown_fields_of_any_size_and_depth_are_left_out(client, server, tmp_path):
    deep = "[" * 900 + "]" * 900
    record = f'{{"id": 1, "new": {deep}, "digits": {"9" * 5000}, "name": "x"}}'
    server.change = lambda request, response: (
        f'{{"value": [{record}]}}'.encode()
        if request.path.endswith("/load_tests") and request.stack == "22"
        else response
    )
    found = k6frames.load_tests_df(stack=22, client=open_folder(client.snapshot(tmp_path / "s")))
    assert found["name"].tolist() == ["x"]


def test_a_value_that_cannot_be_read_back_is_an_error_that_names_the_record(
    client, server, tmp_path
):
    server.stacks[22].lists["load_tests"][3]["created"] = "2026-13-01T00:00:00Z"
    with pytest.raises(SchemaError, match=r"stack 22.*value\[3\] \(id \d+\).*'created'"):
        client.snapshot(tmp_path / "snapshot")
    assert not (tmp_path / "snapshot").exists()


def test_metrics_are_those_of_load_tests_that_run_often(tmp_path):
    client = k6frames.Client.sample()
    folder = k6frames.snapshot(tmp_path / "snapshot", client, with_metrics=True)
    stored = [int(p.parent.name) for p in folder.glob("stacks/*/cloud/v5/load_tests/*/*.json")]
    runs = k6frames.test_runs_df(client=client)
    recent = runs[runs["created"] > pd.Timestamp(client.as_of) - pd.Timedelta(days=90)]
    counts = recent["load_test_id"].value_counts()
    assert sorted(stored) == sorted(counts.index[counts >= 10])
    found = k6frames.metric_values_df(stored, client=open_folder(folder))
    expected = k6frames.metric_values_df(stored, client=client)
    pd.testing.assert_frame_equal(found, expected, check_flags=False)


@pytest.fixture
def metric_server(token):
    """Start a server with the load tests 1, 2 and 3, which have run ten times today."""
    now = datetime.now(UTC)
    metrics = {"http_req_duration": Metric("trend", [Series({}, [(1, 250)])])}
    load_tests = {
        test: [Run(100 * test + i, now - timedelta(hours=i), 60, metrics) for i in range(10)]
        for test in (1, 2, 3)
    }
    with V5Server(MetricStack(11, load_tests=load_tests), token=token) as started:
        started.other_responses |= V3
        yield started


def refuse_metrics(server: V5Server, load_test: int, status: int) -> None:
    def refuse(request):
        if request.path.startswith(f"/cloud/v5/load_tests/{load_test}/"):
            raise Refusal(status, "Not today")

    server.before = refuse


def load_tests_with_metrics(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("stacks/11/cloud/v5/load_tests/*"))


@pytest.mark.parametrize("status", [400, 404, 422])
def test_missing_metrics_are_not_a_failure(status, connect, metric_server, tmp_path):
    refuse_metrics(metric_server, 2, status)
    client = connect(metric_server.url, stack=11)
    folder = k6frames.snapshot(tmp_path / "snapshot", client, with_metrics=True)
    assert load_tests_with_metrics(folder) == ["1", "3"]
    assert read_failures(folder) == []


@pytest.mark.parametrize("status", [401, 403, 500])
@pytest.mark.usefixtures("no_waits")
def test_metrics_that_cannot_be_read_are_an_error(status, connect, metric_server, tmp_path):
    refuse_metrics(metric_server, 2, status)
    client = connect(metric_server.url, stack=11)
    with pytest.raises(APIError, match=r"/load_tests/2/query.*Not today") as caught:
        k6frames.snapshot(tmp_path / "snapshot", client, with_metrics=True)
    assert caught.value.status == status
    assert not (tmp_path / "snapshot").exists()


@pytest.mark.parametrize("status", [401, 403, 500])
@pytest.mark.usefixtures("no_waits")
def test_with_warn_metrics_that_cannot_be_read_are_left_out_and_listed(
    status, connect, metric_server, tmp_path
):
    refuse_metrics(metric_server, 2, status)
    client = connect(metric_server.url, stack=11)
    with pytest.warns(UserWarning, match=r"1 of 12 requests failed.*/load_tests/2/query"):
        folder = k6frames.snapshot(
            tmp_path / "snapshot", client, on_error="warn", with_metrics=True
        )
    assert load_tests_with_metrics(folder) == ["1", "3"]
    (failure,) = read_failures(folder)
    assert (failure["stack_id"], failure["load_test_id"]) == (11, 2)
    assert "Not today" in failure["reason"]


# --- the folder -----------------------------------------------------------------------------------


def test_a_snapshot_is_replaced_completely(client, tmp_path):
    sample = k6frames.snapshot(tmp_path / "snapshot", k6frames.Client.sample())
    assert client.snapshot(sample) == sample
    assert {path.name for path in (sample / "stacks").iterdir()} == {"11", "22"}
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize(
    "files",
    [
        {"notes.txt": ""},
        {"account.json": "{}"},
        {"account.json": "[]"},
        {"account.json": "not JSON"},
        {"account.json": '{"written_by": "me"}'},
        {"account.json": '{"written_by": "k6frames 1"}', "notes.txt": ""},
    ],
)
def test_a_folder_that_is_not_a_snapshot_is_refused_and_unchanged(files, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_text(content)
    with pytest.raises(ConfigError, match="not empty and not a snapshot"):
        k6frames.Client.sample().snapshot(folder)
    assert {path.name: path.read_text() for path in folder.iterdir()} == files


def test_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("mine")
    for path in (tmp_path / "file", tmp_path / "file" / "folder"):
        with pytest.raises(ConfigError, match="is not a folder"):
            k6frames.Client.sample().snapshot(path)


def test_a_snapshot_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    client = k6frames.Client.sample()
    folder = client.snapshot(tmp_path / "snapshot")
    before = (folder / "account.json").stat().st_ino

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(snapshot_folder, "_flush", fail)
    with pytest.raises(OSError, match=r"No space left.*no snapshot was written.*/snapshot'$"):
        client.snapshot(folder)
    assert (folder / "account.json").stat().st_ino == before
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_a_snapshot_that_could_not_be_put_back_is_restored_by_the_next_one(tmp_path, monkeypatch):
    client = k6frames.Client.sample()
    folder = client.snapshot(tmp_path / "snapshot")
    before = (folder / "account.json").stat().st_ino
    rename = Path.rename

    def fail_to_create(path: Path, target: Path) -> Path:
        if target == folder:
            raise OSError(5, "Input/output error")
        return rename(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", fail_to_create)
        with pytest.raises(OSError, match="Input/output error"):
            client.snapshot(folder)
    assert not folder.exists()
    with snapshot_folder.temporary_folder(folder):
        assert (folder / "account.json").stat().st_ino == before


def test_a_snapshot_that_replaced_the_old_one_is_not_an_error(tmp_path, monkeypatch):
    client = k6frames.Client.sample()
    folder = client.snapshot(tmp_path / "snapshot")
    before = (folder / "account.json").stat().st_ino
    flush = snapshot_folder._flush

    def fail_for_the_parent(path: Path) -> None:
        if path == tmp_path:
            raise OSError(5, "Input/output error")
        flush(path)

    monkeypatch.setattr(snapshot_folder, "_flush", fail_for_the_parent)
    assert client.snapshot(folder) == folder
    assert (folder / "account.json").stat().st_ino != before


def test_files_are_flushed_while_they_are_open_for_writing_as_windows_requires(
    tmp_path, monkeypatch
):
    modes = []

    def record(descriptor: int) -> None:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            modes.append(fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE)

    monkeypatch.setattr(os, "fsync", record)
    k6frames.Client.sample().snapshot(tmp_path / "snapshot")
    assert set(modes) == {os.O_RDWR}


def test_lock_files_are_not_removed_while_they_are_locked_as_windows_requires(
    tmp_path, monkeypatch
):
    unlink = Path.unlink

    def unlink_as_on_windows(path: Path, missing_ok: bool = False) -> None:
        with path.open() as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        unlink(path, missing_ok=missing_ok)

    (tmp_path / ".snapshot.k6frames-00.lock").touch()  # of a killed process
    monkeypatch.setattr(Path, "unlink", unlink_as_on_windows)
    k6frames.Client.sample().snapshot(tmp_path / "snapshot")
    assert [path.name for path in tmp_path.glob("*snapshot*")] == ["snapshot"]


def test_a_stack_that_a_folder_does_not_have_is_an_error(tmp_path):
    folder = k6frames.Client.sample().snapshot(tmp_path / "first")
    for client, options in (
        (k6frames.Client(api_url=folder.as_uri(), stack=999), {}),
        (k6frames.Client(api_url=folder.as_uri()), {"stack": 999}),
    ):
        with pytest.raises(ConfigError, match="has no stack 999"):
            client.snapshot(tmp_path / "second", **options)


def test_a_snapshot_of_a_snapshot_lists_what_the_first_one_could_not_read(tmp_path):
    folder = k6frames.Client.sample().snapshot(tmp_path / "first")
    manifest = json.loads((folder / "account.json").read_text())
    failed = [{"stack_url": "https://x.grafana.net", "path": "/cloud/v6/auth", "reason": "no"}]
    (folder / "account.json").write_text(json.dumps({**manifest, "failed": [*failed, 5]}))
    second = k6frames.Client(api_url=folder.as_uri()).snapshot(tmp_path / "second")
    assert json.loads((second / "account.json").read_text())["failed"] == failed


def test_a_process_that_is_killed_leaves_a_complete_snapshot_or_none(tmp_path):
    code = (
        "import sys, k6frames; client = k6frames.Client.sample(); print(flush=True)\n"
        "while True: client.snapshot(sys.argv[1])"
    )
    folder = tmp_path / "snapshot"
    environment = {**os.environ, "PYTHONPATH": str(Path(k6frames.__file__).parents[1])}
    for wait in (0.05, 0.3, 0.6):
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE, env=environment
        )
        process.stdout.readline()
        time.sleep(wait)
        process.kill()
        process.communicate()
        if folder.exists():
            assert len(k6frames.test_runs_df(client=open_folder(folder))) == 3074
    # What was left behind is removed; a snapshot that was renamed is restored.
    k6frames.Client.sample().snapshot(folder)
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".snapshot")] == []


def test_a_snapshot_that_a_killed_process_renamed_is_restored(tmp_path, monkeypatch):
    client = k6frames.Client.sample()
    folder = client.snapshot(tmp_path / "snapshot")
    folder.rename(tmp_path / ".snapshot.k6frames-00.old")
    (tmp_path / ".snapshot.k6frames-00.lock").touch()
    monkeypatch.setattr(snapshot_folder, "_flush", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        client.snapshot(folder)
    assert len(k6frames.load_tests_df(client=open_folder(folder))) == 40
