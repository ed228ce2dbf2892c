"""Reading a dataset: types, selections, other engines, and what changed since a day."""

from __future__ import annotations

import shutil
from pathlib import Path

import dask
import dask.dataframe as dd
import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import k6frames
from k6frames.dataset import layout
from k6frames.errors import ConfigError
from k6frames.tables import LOAD_TESTS, TEST_RUN_DETAILS, TEST_RUNS


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dataset")
    k6frames.sync(folder, k6frames.Client.sample())
    return folder


@pytest.fixture(scope="module")
def runs():
    missing = {c.name: pd.NA for c in TEST_RUNS.columns if c.private}
    frame = k6frames.test_runs_df(client=k6frames.Client.sample())
    frame.attrs = {}
    return frame.assign(**missing).astype(TEST_RUNS.dtypes)


def test_test_runs_have_the_types_of_their_table_and_when_they_were_last_seen(folder, runs):
    found = k6frames.read_dataset(folder, "test_runs")
    pd.testing.assert_frame_equal(found.drop(columns="last_seen"), runs)
    assert found["last_seen"].unique().tolist() == [pd.Timestamp("2026-06-29T09:30Z")]


def test_test_run_details_have_the_names(folder):
    found = k6frames.read_dataset(folder, "test_run_details").drop(columns="last_seen")
    expected = k6frames.test_run_details_df(client=k6frames.Client.sample())
    expected.attrs = {}
    pd.testing.assert_frame_equal(found, expected)
    assert found.dtypes.to_dict() == TEST_RUN_DETAILS.dtypes


@pytest.mark.parametrize(
    ("after", "before"),
    [
        ("2026-03-15T12:00", "2026-05-02"),
        ("2026-03-01", None),
        (None, "2024-02-01T00:00+02:00"),
        ("2031-01-01", None),
    ],
)
def test_runs_are_selected_by_their_creation(folder, runs, after, before):
    found = k6frames.read_dataset(
        folder, "test_runs", created_after=after, created_before=before
    ).drop(columns="last_seen")
    expected = runs
    if after is not None:
        expected = expected[expected["created"] >= pd.Timestamp(after, tz="UTC")]
    if before is not None:
        limit = pd.Timestamp(before)
        limit = limit.tz_localize("UTC") if limit.tz is None else limit
        expected = expected[expected["created"] < limit]
    pd.testing.assert_frame_equal(found, expected.reset_index(drop=True))


def test_only_the_files_and_columns_that_are_needed_are_read(folder, tmp_path):
    k6frames.sync(tmp_path, k6frames.Client.sample())
    for file in layout.run_files(tmp_path):
        if file.month != "2026-05":
            file.path.write_text("not Parquet")
    found = k6frames.read_dataset(
        tmp_path,
        "test_run_details",
        columns=["load_test_name", "stack_id", "total_vuh"],
        created_after="2026-05-01",
        created_before="2026-05-31",
    )
    assert found.columns.tolist() == ["load_test_name", "stack_id", "total_vuh"]
    dtypes = {name: TEST_RUN_DETAILS.dtypes[name] for name in found}
    assert found.dtypes.to_dict() == dtypes
    assert len(found) > 100


def test_a_dataset_of_two_stacks_has_the_order_of_the_loader(account, connect):
    client = connect(account.server.url, stack=[11, 22])
    k6frames.sync("history", client)
    found = k6frames.read_dataset("history", "test_runs", columns=["stack_id", "test_run_id"])
    expected = k6frames.test_runs_df(client=client)[["stack_id", "test_run_id"]]
    pd.testing.assert_frame_equal(found, expected, check_flags=False)


@pytest.mark.parametrize("table", [*layout.DAILY_TABLES, "test_runs", "test_run_details"])
def test_every_table_can_be_read_even_if_there_is_nothing_in_it(table, tmp_path):
    layout.write_file(
        layout.day_file(tmp_path, LOAD_TESTS, "2026-01-01"),
        LOAD_TESTS,
        LOAD_TESTS.arrow_schema.empty_table(),
    )
    found = k6frames.read_dataset(tmp_path, table)
    declared = {t.name: t for t in (*layout.DAILY_TABLES.values(), TEST_RUNS, TEST_RUN_DETAILS)}
    assert len(found) == 0
    assert {**found.dtypes}.items() >= declared[table].dtypes.items()


def test_arguments_that_cannot_be_used_are_explained(folder, tmp_path):
    with pytest.raises(ConfigError, match=r"has no dataset\. Make one with k6frames\.sync"):
        k6frames.read_dataset(tmp_path / "nowhere", "test_runs")
    with pytest.raises(ConfigError, match=r"table must be one of load_tests, .*not 'runs'"):
        k6frames.read_dataset(folder, "runs")
    with pytest.raises(ConfigError, match="load_tests has no column 'vuh'; it has stack_id"):
        k6frames.read_dataset(folder, "load_tests", columns=["name", "vuh"])
    with pytest.raises(ConfigError, match="must be before created_before"):
        k6frames.read_dataset(
            folder, "test_runs", created_after="2026-02-01", created_before="2026-01-01"
        )
    with pytest.raises(ConfigError, match=r"for load_tests, pass day="):
        k6frames.read_dataset(folder, "load_tests", created_after="2026-02-01")
    with pytest.raises(ConfigError, match="for test_runs, pass created_before"):
        k6frames.read_dataset(folder, "test_runs", day="2026-06-29")
    with pytest.raises(ConfigError, match="this table was first read on 2026-06-29"):
        k6frames.read_dataset(folder, "load_tests", day="2026-06-28")


# --- other engines read the files as they are -----------------------------------------------------

ARROW_TYPES = {
    "test_run_id": "int64", "created": "timestamp[us, tz=UTC]", "max_vus": "int64",
    "total_vuh": "double", "is_starred": "bool", "note": "string", "last_seen":
    "timestamp[us, tz=UTC]",
}  # fmt: skip


def assert_same_runs(found: pd.DataFrame, runs: pd.DataFrame) -> None:
    """Compare values and missing values with those of the loader."""
    found = found.sort_values(["stack_id", "created", "test_run_id"], ignore_index=True)
    assert found["stack_id"].astype("int64").tolist() == runs["stack_id"].tolist()
    for name in ("test_run_id", "created", "ended", "max_vus", "total_vuh", "note", "is_starred"):
        pd.testing.assert_series_equal(
            found[name].astype(runs[name].dtype), runs[name], check_flags=False
        )


def test_pandas_reads_the_files(folder, runs):
    found = pd.read_parquet(folder / "test_runs")
    shared = {name: found[name].dtype for name in ARROW_TYPES if name in TEST_RUNS.dtypes}
    assert shared == {name: TEST_RUNS.dtypes[name] for name in shared}
    assert_same_runs(found, runs)


def test_duckdb_reads_the_files(folder, runs):
    query = f"select * from '{folder}/test_runs/**/*.parquet'"
    connection = duckdb.connect()
    connection.sql("set TimeZone = 'UTC'")
    found = connection.sql(query).to_arrow_table()
    types = {field.name: str(field.type) for field in found.schema}
    assert types.items() >= {**ARROW_TYPES, "stack_id": "int64"}.items()
    assert_same_runs(found.to_pandas(), runs)


def test_polars_reads_the_files(folder, runs):
    lazy = pl.scan_parquet(folder / "test_runs/**/*.parquet", hive_partitioning=True)
    found = lazy.collect()
    assert found.schema["stack_id"] == pl.Int64
    assert found.schema["created"] == pl.Datetime("us", "UTC")
    arrow = found.to_arrow()
    types = {f.name: str(f.type).replace("large_", "") for f in arrow.schema}
    types = {name: kind.replace("string_view", "string") for name, kind in types.items()}
    assert types.items() >= {**ARROW_TYPES, "stack_id": "int64"}.items()
    assert_same_runs(arrow.to_pandas(), runs)


# dask 2026.8 with pandas 3.1
@pytest.mark.filterwarnings("ignore:The inplace keyword:pandas.errors.Pandas4Warning")
def test_dask_reads_the_files(folder, runs):
    with dask.config.set({"dataframe.convert-string": False, "scheduler": "synchronous"}):
        found = dd.read_parquet(folder / "test_runs")
        assert found.dtypes["test_run_id"] == TEST_RUNS.dtypes["test_run_id"]
        assert_same_runs(found.compute(), runs)


def test_the_types_are_the_same_in_every_file(folder):
    schemas = {
        pa.parquet.read_schema(file.path).remove_metadata() for file in layout.run_files(folder)
    }
    assert len(schemas) == 1


# --- what changed ---------------------------------------------------------------------------------


def copy_with_name(folder: Path, day: str, name: str) -> Path:
    """Copy the sample account as of another day, with another name for a load test."""
    target = k6frames.snapshot(folder, k6frames.Client.sample())
    manifest = target / "account.json"
    manifest.write_text(manifest.read_text().replace("2026-06-29", day))
    tests = target / "stacks/48213/cloud/v6/load_tests.json"
    tests.write_text(tests.read_text().replace("Depot move: cut-over rehearsal", name))
    return target


def test_changes_since_a_day(tmp_path):
    for day, name in (("2026-06-20", "Old"), ("2026-06-27", "New"), ("2026-07-01", "Newest")):
        folder = copy_with_name(tmp_path / day, day, name)
        k6frames.sync("history", k6frames.Client(api_url=folder.as_uri()))

    def names(**arguments: str) -> list[list[str]]:
        found = k6frames.dataset_changes("history", **arguments)
        return found[["table", "column", "before", "after"]].to_numpy().tolist()

    assert names(since="2026-06-25") == [["load_tests", "name", "Old", "Newest"]]
    assert names(since="2026-06-27") == [["load_tests", "name", "New", "Newest"]]
    assert names(since="2026-06-20", until="2026-06-30") == [["load_tests", "name", "Old", "New"]]
    assert k6frames.read_dataset("history", "load_tests", day="2026-06-22")["name"].eq("Old").any()
    for until in ("2026-06-19", "0001-01-03"):
        with pytest.raises(ConfigError, match=f"no data for {until}: its first sync was on"):
            k6frames.dataset_changes("history", until=until)
    with pytest.raises(ConfigError, match="its first sync was on 2026-06-20"):
        names(since="2026-06-19")


def test_changes_without_days_are_those_of_a_week_or_since_the_first_sync(tmp_path):
    def names() -> list[str]:
        return k6frames.dataset_changes("history")["before"].tolist()

    for day, name in (("2026-06-01", "Old"), ("2026-06-20", "New"), ("2026-07-01", "Newest")):
        folder = copy_with_name(tmp_path / day, day, name)
        if day == "2026-06-01":
            (
                folder / "v3/organizations.json"
            ).unlink()  # so the later ones have nothing to compare with
        k6frames.sync("history", k6frames.Client(api_url=folder.as_uri()))
        assert names() == {"2026-06-01": [], "2026-06-20": ["Old"], "2026-07-01": ["New"]}[day]
    with pytest.raises(
        ConfigError, match=r"since \(2100-01-01\) must not be after the newest sync"
    ):
        k6frames.dataset_changes("history", since="2100-01-01")
    with pytest.raises(ConfigError, match=r"since \(2026-06-20\) must not be after until"):
        k6frames.dataset_changes("history", "2026-06-20", until="2026-06-10")
    for name in layout.DAILY_TABLES:
        shutil.rmtree(f"history/{name}")
    with pytest.raises(ConfigError, match="has only test runs"):
        k6frames.dataset_changes("history")


def test_changes_between_snapshots(tmp_path):
    before = copy_with_name(tmp_path / "before", "2026-06-20", "Old")
    after = copy_with_name(tmp_path / "after", "2026-06-27", "New")
    found = k6frames.snapshot_changes(before, after)
    assert found[["table", "name", "change", "before", "after"]].to_numpy().tolist() == [
        ["load_tests", "New", "changed", "Old", "New"]
    ]


def test_load_zones_of_snapshots_are_compared(tmp_path):
    before = copy_with_name(tmp_path / "before", "2026-06-20", "Old")
    after = copy_with_name(tmp_path / "after", "2026-06-27", "Old")
    zones = after / "stacks/48213/cloud/v6/load_zones.json"
    zones.write_text(zones.read_text().replace('"available":true', '"available":false', 1))
    found = k6frames.snapshot_changes(before, after)
    assert found[["table", "column", "before", "after"]].to_numpy().tolist() == [
        ["load_zones", "available", "true", "false"]
    ]


def test_what_only_one_snapshot_has_is_not_compared(tmp_path):
    before = copy_with_name(tmp_path / "before", "2026-06-20", "Old")
    after = copy_with_name(tmp_path / "after", "2026-06-27", "New")
    (after / "v3/organizations/1013/projects.json").unlink()
    (after / "stacks/48213/cloud/v6/schedules.json").unlink()
    found = k6frames.snapshot_changes(before, after)
    assert found["table"].tolist() == ["load_tests"]
    assert {entry.get("org_id") or entry["stack_id"] for entry in found.attrs["failed"]} == {
        1013, 48213,
    }  # fmt: skip
    (after / "v3/organizations.json").unlink()
    assert k6frames.snapshot_changes(before, after)["table"].tolist() == ["load_tests"]
    manifest = after / "account.json"
    manifest.write_text(manifest.read_text().replace("48213", "5"))
    with pytest.raises(ConfigError, match="have nothing in common"):
        k6frames.snapshot_changes(before, after)
    with pytest.raises(ConfigError, match=r"is not a snapshot: it has no account\.json"):
        k6frames.snapshot_changes(before, tmp_path)
