"""A dataset has every run that ever existed, even if syncs fail or are killed."""

from __future__ import annotations

import bisect
import json
import os
import random
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from filelock import FileLock
from v6_server import Refusal, StackData, V6Server, make_runs, parse

import k6frames
from k6frames.dataset import layout, sync_windows
from k6frames.errors import APIError, ConfigError, SchemaError
from k6frames.tables import TEST_RUNS

LOADERS = {
    "stack_projects": k6frames.stack_projects_df,
    "project_labels": k6frames.project_labels_df,
    "load_tests": k6frames.load_tests_df,
    "schedules": k6frames.schedules_df,
    "project_limits": k6frames.project_limits_df,
    "load_zones": k6frames.load_zones_df,
}


@pytest.fixture
def client(connect, account):
    return connect(account.server.url, stack=[11, 22])


def runs_in(folder: object) -> pd.DataFrame:
    return k6frames.read_dataset(folder, "test_runs").drop(columns="last_seen")


def files_in(folder: Path) -> dict[str, int]:
    """Return the inode number of each file, which changes when the file is replaced."""
    paths = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock"]
    return {str(path.relative_to(folder)): path.stat().st_ino for path in paths}


def windows_of(server: V6Server) -> list[tuple[str | None, str | None]]:
    """Return the creation times that were requested, and forget the requests."""
    found = [
        (request.query.get("created_after"), request.query.get("created_before"))
        for request in server.received
        if request.path.endswith("/test_runs") and request.stack == "11"
    ]
    server.received.clear()
    return found


def test_after_every_sync_the_dataset_has_the_last_state_of_every_run(account, client):
    for number in range(5):
        k6frames.sync("history", client)
        pd.testing.assert_frame_equal(runs_in("history"), account.expected_runs())
        if number % 2:
            account.delete_oldest(30)  # the dataset has their final state
        account.change()


def test_the_other_tables_are_those_of_the_account_without_private_values(client):
    k6frames.sync("history", client)
    for name, load in LOADERS.items():
        expected = load(client=client)
        expected.attrs = {}
        (table,) = load.tables
        missing = {c.name: pd.NA for c in table.columns if c.private}
        expected = expected.assign(**missing).astype(table.dtypes)
        pd.testing.assert_frame_equal(k6frames.read_dataset("history", name), expected)


def test_a_sync_returns_what_changed(account, client):
    first = k6frames.sync("history", client)
    assert set(first["change"]) == {"added"}
    assert (first["table"] == "test_runs").sum() == 240
    run = next(r for r in account.stacks[0].lists["test_runs"] if r["ended"] is None)
    run |= {"ended": "2026-06-01T00:00:00Z", "status": "completed", "result": "failed"}
    account.stacks[1].lists["load_tests"][3]["name"] = "Renamed"
    del account.stacks[1].lists["schedules"][3]
    found = k6frames.sync("history", client)
    described = found[found["table"] != "test_runs"]
    assert described[["table", "change", "column", "after"]].fillna("").to_numpy().tolist() == [
        ["load_tests", "changed", "name", "Renamed"],
        ["schedules", "removed", "", ""],
    ]
    key = f"stack_id=11 test_run_id={run['id']}"
    assert set(found.loc[found["key"] == key, "column"]) <= {"ended", "status", "result"}
    assert set(found.loc[found["table"] == "test_runs", "key"]) == {key}
    assert len(k6frames.sync("history", client)) == 0


def test_a_run_that_the_api_no_longer_returns_keeps_its_last_seen_time(account, client):
    k6frames.sync("history", client)
    runs = account.stacks[1].lists["test_runs"]
    gone = runs.pop()
    time.sleep(1.1)  # times have a resolution of one second
    k6frames.sync("history", client)
    frame = k6frames.read_dataset("history", "test_runs").query("stack_id == 22")
    last = frame.set_index("test_run_id")["last_seen"]
    assert gone["id"] in last.index
    assert last[gone["id"]] < last.max()


def test_private_values_are_not_stored(client):
    k6frames.sync("history", client)
    content = b"".join(path.read_bytes() for path in Path("history").rglob("*.parquet"))
    for name in (b"started_by", b"aborted_by", b"created_by", b"someone@example.com"):
        assert name not in content


# --- which requests are made ----------------------------------------------------------------------


class LargeServer(V6Server):
    """A server that finds the runs of a window quickly."""

    def _filter_by_creation(self, request, rows):
        if not request.path.endswith("/test_runs"):
            return rows
        if not hasattr(self, "times"):
            self.times = [parse(row["created"]) for row in rows]
        after, before = (request.query.get(f"created_{side}") for side in ("after", "before"))
        start = bisect.bisect_left(self.times, parse(after)) if after else 0
        end = bisect.bisect_left(self.times, parse(before)) if before else len(rows)
        return rows[start:end]


def test_the_second_sync_of_100_000_runs_makes_at_most_10_requests(token, connect):
    start = datetime(2026, 1, 1, tzinfo=UTC)
    times = [start + timedelta(minutes=4.7 * i) for i in range(100_000)]
    ended = {"ended": "2026-11-30T00:00:00Z", "status": "completed", "result": "passed"}
    runs = [
        {"id": i, "test_id": 1, "created": created.isoformat(), **ended}
        for i, created in enumerate(times)
    ]
    stack = StackData(11, "", {"test_runs": runs, "load_tests": [{"id": 1}]})
    with LargeServer(stack, token=token) as server:
        client = connect(server.url, stack=11)
        k6frames.sync("history", client)
        assert 100 < len(server.received) < 170
        server.received.clear()
        assert len(k6frames.sync("history", client)) == 0
        assert len(server.received) <= 10
        assert (
            len(k6frames.read_dataset("history", "test_runs", columns=["test_run_id"])) == 100_000
        )


def test_later_syncs_read_only_months_with_runs_under_way_and_from_the_newest_on(token, connect):
    now = datetime.now(UTC).replace(day=20, hour=0)
    times = [now - timedelta(days=30 * months) for months in range(6)]
    runs = make_runs(times, seed=3)
    for run in runs:
        run |= {"ended": run["created"], "status": "completed"}
    runs[1] |= {"ended": None, "status": "running"}
    runs[3] |= {"status": "processing_metrics"}
    with V6Server(StackData(11, "", {"test_runs": runs}), token=token) as server:
        client = connect(server.url, stack=11)
        k6frames.sync("history", client)
        assert windows_of(server) == [(None, None)] * 2  # counted, then read
        k6frames.sync("history", client)
        months = [pd.Period(runs[i]["created"][:7]) for i in (1, 3, 5)]
        starts = [f"{month.start_time:%Y-%m-%d}T00:00:00.000000Z" for month in months]
        ends = [f"{(month + 1).start_time:%Y-%m-%d}T00:00:00.000000Z" for month in months]
        assert windows_of(server) == [*zip(starts[:2], ends[:2], strict=True), (starts[2], None)]
        del runs[1]  # it will never end
        k6frames.sync("history", client)
        assert len(windows_of(server)) == 3
        k6frames.sync("history", client)


def test_in_a_large_month_only_the_newest_runs_and_those_under_way_are_read(
    token, connect, monkeypatch
):
    monkeypatch.setattr(sync_windows, "MAX_RUNS_READ_AGAIN", 5)
    now = datetime.now(UTC).replace(microsecond=0)
    start = now.replace(day=1, hour=0, minute=0, second=0)
    runs = make_runs([start + (now - start) * i / 30 for i in range(30)])
    for run in runs:
        run |= {"ended": run["created"], "status": "completed"}
    with V6Server(StackData(11, "", {"test_runs": runs}), token=token) as server:
        client = connect(server.url, stack=11)
        k6frames.sync("history", client)
        windows_of(server)
        k6frames.sync("history", client)
        assert [parse(after) for after, _ in windows_of(server)] == [parse(runs[25]["created"])]
        runs[25] |= {"ended": None}
        k6frames.sync("history", client)
        runs += make_runs([now], first_id=2**60)
        server.received.clear()
        k6frames.sync("history", client)
        assert [parse(after) for after, _ in windows_of(server)] == [parse(runs[25]["created"])]
        assert len(runs_in("history")) == 31


def test_a_large_account_is_read_month_by_month(account, client, monkeypatch):
    monkeypatch.setattr(sync_windows, "MAX_RUNS_AT_ONCE", 60)
    k6frames.sync("history", client)
    pd.testing.assert_frame_equal(runs_in("history"), account.expected_runs())
    found = windows_of(account.server)
    assert len(found) > 5
    assert found[-1][1] is None


def test_an_invalid_date_in_a_large_account_is_named(token, connect, monkeypatch):
    monkeypatch.setattr(sync_windows, "MAX_RUNS_AT_ONCE", 1)
    runs = make_runs([datetime(2026, 1, 1, tzinfo=UTC)] * 2)
    runs[1]["created"] = "2026-13-01T00:00:00Z"
    with (
        V6Server(StackData(11, "", {"test_runs": runs}), token=token) as server,
        pytest.raises(SchemaError, match=r"value\[1\].*'created'.*2026-13-01"),
    ):
        k6frames.sync("history", connect(server.url, stack=11))


def test_runs_with_a_date_in_the_future_do_not_hide_other_runs(token, connect):
    runs = make_runs([datetime(2026, 1, 1, tzinfo=UTC), datetime(2199, 1, 1, tzinfo=UTC)])
    with V6Server(StackData(11, "", {"test_runs": runs}), token=token) as server:
        client = connect(server.url, stack=11)
        k6frames.sync("history", client)
        runs.insert(1, make_runs([datetime(2026, 3, 1, tzinfo=UTC)], first_id=5)[0])
        k6frames.sync("history", client)
    assert len(runs_in("history")) == 3


def test_a_run_that_appears_late_at_the_turn_of_a_month_is_found(token, connect):
    month = datetime(2026, 6, 1, tzinfo=UTC)
    runs = make_runs([month - timedelta(days=9), month + timedelta(seconds=1)])
    with V6Server(StackData(11, "", {"test_runs": runs}), token=token) as server:
        client = connect(server.url, stack=11)
        k6frames.sync("history", client)
        runs.insert(1, make_runs([month - timedelta(seconds=1)], first_id=5)[0])
        k6frames.sync("history", client)
    assert 5 in set(runs_in("history")["test_run_id"])


@pytest.mark.parametrize("created", [None, datetime(2026, 5, 3, tzinfo=UTC)])
def test_a_run_whose_creation_time_moves_to_another_month_is_in_the_dataset_once(
    created, connect, token
):
    runs = make_runs([datetime(2026, month, 2, tzinfo=UTC) for month in (4, 5, 6)])
    moving = runs[2]
    corrected = moving["created"]
    moving["created"] = None if created is None else created.isoformat()
    with V6Server(StackData(11, "", {"test_runs": runs}), token=token) as server:
        client = connect(server.url, stack=11)
        k6frames.sync("history", client)
        moving["created"] = corrected
        changed = k6frames.sync("history", client)
    assert changed["column"].dropna().tolist() == ["created"]
    found = runs_in("history").set_index("test_run_id")["created"]
    assert found.map(layout.month_of).tolist() == ["2026-04", "2026-05", "2026-06"]


@pytest.mark.parametrize("created", [None, datetime(2026, 5, 3, tzinfo=UTC)])
def test_a_sync_that_is_killed_while_a_run_moves_to_another_month_does_not_lose_or_duplicate_it(
    created, connect, token, monkeypatch
):
    runs = make_runs([datetime(2026, month, 2, tzinfo=UTC) for month in (4, 5, 6)])
    moving = runs[2]
    corrected = moving["created"]
    moving["created"] = None if created is None else created.isoformat()
    write_file, written = layout.write_file, []

    def write_two_months(path, table, rows):
        if table is TEST_RUNS:
            if len(written) == 2:
                raise KeyboardInterrupt
            written.append(path)
        write_file(path, table, rows)

    def count_stored_runs() -> int:
        return sum(pq.read_metadata(file).num_rows for file in Path("history").rglob("month=*/*"))

    with V6Server(StackData(11, "", {"test_runs": runs}), token=token) as server:
        client = connect(server.url, stack=11)
        k6frames.sync("history", client)
        moving["created"] = corrected
        time.sleep(1.1)  # times have a resolution of one second
        with monkeypatch.context() as patched:
            patched.setattr("k6frames.dataset.sync_runs.write_file", write_two_months)
            with pytest.raises(KeyboardInterrupt):
                k6frames.sync("history", client)
        assert count_stored_runs() == 4
        found = runs_in("history")
        assert found["created"].dt.month.tolist() == [4, 5, 6]
        for columns in (["created", "stack_id", "test_run_id"], ["total_vuh"]):
            pd.testing.assert_frame_equal(
                k6frames.read_dataset("history", "test_run_details", columns=columns),
                found[columns],
            )
        k6frames.sync("history", client)
        assert count_stored_runs() == 3
        pd.testing.assert_frame_equal(runs_in("history"), found)


def test_organizations_are_read_once_a_day_if_they_are_available(account, client):
    k6frames.sync("history", client)
    assert not Path("history/organizations").exists()
    account.server.other_responses |= {
        "/v3/organizations": {"organizations": [{"id": 7, "name": "Seven"}]},
        "/v3/organizations/7/projects": {"projects": []},
    }
    for _ in range(2):
        k6frames.sync("history", client)
    assert k6frames.read_dataset("history", "organizations")["name"].tolist() == ["Seven"]
    assert account.server.paths().count("/v3/organizations/7/projects") == 1


# --- several stacks, days and clients -------------------------------------------------------------


def test_stacks_may_be_read_by_different_syncs(account, client):
    for stack in (11, 22):
        k6frames.sync("history", client, stack=stack)
    pd.testing.assert_frame_equal(runs_in("history"), account.expected_runs())
    assert set(k6frames.read_dataset("history", "load_tests")["stack_id"]) == {11, 22}


def test_an_older_cached_response_does_not_replace_newer_rows(account, connect, token, tmp_path):
    cached = connect(account.server.url, stack=[11, 22], cache=tmp_path / "cache", expire_after=1e6)
    k6frames.sync("cached", cached)
    time.sleep(1.1)
    account.change()
    k6frames.sync("history", connect(account.server.url, stack=[11, 22]))
    assert len(k6frames.sync("history", cached)) == 0
    pd.testing.assert_frame_equal(runs_in("history"), account.expected_runs())


def test_times_from_a_clock_that_was_ahead_do_not_block_later_syncs(account, client):
    k6frames.sync("history", client)
    for path in Path("history").rglob("*.parquet"):
        rows = pq.ParquetFile(path).read()
        ahead = pa.repeat(pd.Timestamp("2199-01-01", tz="UTC"), len(rows))
        position = rows.column_names.index("last_seen")
        pq.write_table(rows.set_column(position, "last_seen", ahead), path)
    for folder in list(Path("history").glob("*/day=*")):
        folder.rename(folder.with_name("day=2199-01-01"))
    for _ in range(2):
        account.change()
        k6frames.sync("history", client)
        pd.testing.assert_frame_equal(runs_in("history"), account.expected_runs())
        tests = k6frames.read_dataset("history", "load_tests").set_index(
            ["stack_id", "load_test_id"]
        )
        stack = account.stacks[0]
        first = stack.lists["load_tests"][0]
        assert tests.loc[(stack.id, first["id"]), "name"] == first["name"]


def test_every_day_has_a_file_of_the_small_tables(tmp_path):
    for day in (1, 3):
        folder = k6frames.snapshot(tmp_path / f"{day}", k6frames.Client.sample())
        manifest = folder / "account.json"
        manifest.write_text(manifest.read_text().replace("2026-06-29", f"2026-07-0{day}"))
        k6frames.sync("history", k6frames.Client(api_url=folder.as_uri()))
    days = sorted(path.name for path in Path("history/load_tests").iterdir())
    assert days == ["day=2026-07-01", "day=2026-07-03"]
    months = {path.parts[-2] for path in Path("history").rglob("month=*/*.parquet")}
    assert "month=2026-06" in months
    assert {p.name for p in Path("history/test_runs/stack_id=48213/month=2026-06").iterdir()} == {
        "part-0.parquet"
    }


# --- when something goes wrong --------------------------------------------------------------------

SYNC_REPEATEDLY = """
import sys, k6frames
folder, url, token = sys.argv[1:]
client = k6frames.Client(token, api_url=url, stack=[11, 22], cache=False)
print(flush=True)
while True:
    k6frames.sync(folder, client)
"""


def test_a_dataset_is_correct_after_syncs_were_killed(account, client, token):
    rng = random.Random(5)
    environment = {**os.environ, "PYTHONPATH": str(Path(k6frames.__file__).parents[1])}
    for _ in range(5):
        command = [sys.executable, "-c", SYNC_REPEATEDLY, "history", account.server.url, token]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)
        process.stdout.readline()
        time.sleep(rng.uniform(0, 0.5))
        process.kill()
        process.communicate()
        if layout.is_dataset(Path("history")):
            runs_in("history")  # no file is incomplete, and no run is duplicated
        account.change()
    k6frames.sync("history", client)
    pd.testing.assert_frame_equal(runs_in("history"), account.expected_runs())
    assert list(Path("history").rglob("*.part")) == []


def test_a_full_disk_loses_nothing(account, client, monkeypatch):
    k6frames.sync("history", client)
    before, files = runs_in("history"), files_in(Path("history"))
    account.change()
    write, written = pq.write_table, []

    def write_three_files(*arguments, **options):
        if len(written) == 3:
            raise OSError(28, "No space left on device")
        written.append(arguments)
        write(*arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(pq, "write_table", write_three_files)
        with pytest.raises(OSError, match="No space left on device"):
            k6frames.sync("history", client)
    assert len(files.items() - files_in(Path("history")).items()) == 3
    pd.testing.assert_frame_equal(runs_in("history"), before)
    k6frames.sync("history", client)
    pd.testing.assert_frame_equal(runs_in("history"), account.expected_runs())


def test_a_failed_request_keeps_what_was_written_and_the_next_sync_completes_it(
    account, client, monkeypatch
):
    monkeypatch.setattr(sync_windows, "MAX_RUNS_AT_ONCE", 60)

    def fail_late(request):
        if request.query.get("created_after", "") > "2024-10":
            raise Refusal(403, "Not allowed")

    account.server.before = fail_late
    with pytest.raises(APIError, match="Not allowed"):
        k6frames.sync("history", client)
    assert 0 < len(runs_in("history")) < 240
    account.server.before = lambda _: None
    k6frames.sync("history", client)
    pd.testing.assert_frame_equal(runs_in("history"), account.expected_runs())


def test_syncs_at_the_same_time_wait_for_each_other(account, connect):
    clients = [connect(account.server.url, stack=[11, 22]) for _ in range(3)]
    found: list[int] = []
    threads = [
        threading.Thread(target=lambda c=client: found.append(len(k6frames.sync("history", c))))
        for client in clients
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found)[:2] == [0, 0]
    pd.testing.assert_frame_equal(runs_in("history"), account.expected_runs())


def test_a_sync_does_not_wait_forever(client, monkeypatch):
    monkeypatch.setattr("k6frames.dataset.sync.LOCK_TIMEOUT_SECONDS", 0.1)
    k6frames.sync("history", client)
    with FileLock("history/.sync.lock"), pytest.raises(ConfigError, match="Another sync"):
        k6frames.sync("history", client)


def test_a_damaged_file_is_named_and_its_month_is_read_again_when_it_is_deleted(account, client):
    k6frames.sync("history", client)
    path = layout.run_files(Path("history").absolute(), 22)[-1].path
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(SchemaError, match=r"stack_id=22.*month=.*part-0.parquet"):
        k6frames.read_dataset("history", "test_runs")
    with pytest.raises(SchemaError, match="stack_id=22"):
        k6frames.sync("history", client)
    path.unlink()
    k6frames.sync("history", client)
    pd.testing.assert_frame_equal(runs_in("history"), account.expected_runs())


# --- columns that were added later ----------------------------------------------------------------


def test_old_files_are_read_with_newer_columns_missing(client):
    k6frames.sync("history", client)
    path = layout.run_files(Path("history").absolute())[0].path
    pq.write_table(pq.ParquetFile(path).read().drop_columns(["note", "max_vus"]), path)
    frame = k6frames.read_dataset("history", "test_runs")
    assert frame.dtypes.to_dict() == {**TEST_RUNS.dtypes, "last_seen": frame["created"].dtype}
    old = frame["created"] < frame["created"].min() + pd.Timedelta(days=1)
    assert frame.loc[old, ["note", "max_vus"]].isna().all().all()
    assert frame.loc[~old, "note"].notna().any()


def test_columns_of_a_later_version_are_kept(account, client):
    k6frames.sync("history", client)
    path = layout.run_files(Path("history").absolute(), 11)[-1].path
    rows = pq.ParquetFile(path).read()
    added = pa.array([[i] for i in range(len(rows))])
    pq.write_table(rows.append_column("later", added), path)
    account.change()
    k6frames.sync("history", client)
    kept = pq.ParquetFile(path).read()
    later = dict(zip(kept["test_run_id"].to_pylist(), kept["later"].to_pylist(), strict=True))
    assert [later[run_id] for run_id in rows["test_run_id"].to_pylist()] == added.to_pylist()


@pytest.mark.parametrize("created", ["0999-05-01T00:00:00Z", None])
def test_a_run_with_a_strange_date_is_in_the_dataset(created, tmp_path):
    runs = make_runs([datetime(2026, 1, 1, tzinfo=UTC)] * 2)
    runs[0]["created"] = created
    folder = tmp_path / "account/stacks/11/cloud/v6"
    folder.mkdir(parents=True)
    for name in ("projects", "load_tests", "schedules", "project-limits", "load_zones"):
        (folder / f"{name}.json").write_text('{"value": []}')
    (folder / "test_runs.json").write_text(json.dumps({"value": runs}))
    client = k6frames.Client(api_url=(tmp_path / "account").as_uri())
    for _ in range(2):
        k6frames.sync("history", client)
        assert len(runs_in("history")) == 2


def test_no_stack_and_a_file_in_place_of_the_folder_are_errors(connect, account, tmp_path):
    with pytest.raises(ConfigError, match="No Grafana stack was given"):
        k6frames.sync("history", connect(account.server.url))
    assert not Path("history").exists()
    Path("file").write_text("mine")
    with pytest.raises(OSError, match="file"):
        k6frames.sync("file", connect(account.server.url, stack=11))


def test_a_folder_above_the_dataset_may_be_named_like_a_partition(account, client):
    folder = Path("stack_id=9/history").absolute()
    for _ in range(2):
        k6frames.sync(folder, client)
    pd.testing.assert_frame_equal(runs_in(folder), account.expected_runs())
    assert set(k6frames.read_dataset(folder, "load_tests")["stack_id"]) == {11, 22}


def test_a_snapshot_is_not_changed(client):
    folder = k6frames.snapshot("snapshot", client)
    before = files_in(folder)
    with pytest.raises(ConfigError, match=r"is a snapshot\. Name another folder"):
        k6frames.sync("snapshot", client)
    assert files_in(folder) == before


def test_the_error_for_one_of_several_stacks_does_not_advise_an_argument_that_sync_lacks(
    account, connect
):
    client = connect(account.server.url, stack=[11, 33])
    with pytest.raises(APIError, match="not a member of the stack") as caught:
        k6frames.sync("history", client)
    assert "on_error" not in str(caught.value)
