"""Summaries with Dask are the same as with pandas, on any scheduler, and need less memory."""

from __future__ import annotations

import sys
from pathlib import Path

import dask
import distributed
import pandas as pd
import pytest

import k6frames
import k6frames.dask as k6dask
from k6frames.errors import ConfigError, SchemaError
from k6frames.tables import TEST_RUN_DETAILS

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from synthetic_runs import make_dataset

AS_OF = "2026-10-20"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dask") / "history"
    make_dataset(folder, 6_000, months=7, stacks=2)
    return folder


@pytest.fixture(scope="module")
def details(folder):
    return k6frames.read_dataset(folder, "test_run_details")


@pytest.fixture(scope="module")
def parts(folder):
    return k6dask.read_dataset(folder, "test_run_details")


@pytest.fixture(autouse=True)
def one_process():
    with dask.config.set(scheduler="synchronous"):
        yield


def test_partitions_have_the_dtypes_of_the_table_and_together_all_rows(details, parts):
    assert parts.npartitions == 14
    assert parts.dtypes.to_dict() == details.dtypes.to_dict()
    first = parts.partitions[0].compute()
    assert {**first.dtypes}.items() >= TEST_RUN_DETAILS.dtypes.items()
    pd.testing.assert_frame_equal(parts.compute().reset_index(drop=True), details)


def test_only_the_columns_and_partitions_that_are_needed_are_read(folder, details, monkeypatch):
    selected = k6dask.read_dataset(
        folder, "test_run_details", created_after="2026-09-10", columns=["total_vuh", "created"]
    )
    assert selected.npartitions == 4
    assert selected.columns.tolist() == ["total_vuh", "created"]
    read = []
    original = k6dask.read_selection

    def record(selection, **options):
        read.append(selection.columns)
        return original(selection, **options)

    parts = k6dask.read_dataset(folder, "test_run_details")
    monkeypatch.setattr(k6dask, "read_selection", record)
    total = parts.groupby("project_name")["total_vuh"].sum().compute()
    assert set(read) == {("project_name", "total_vuh")}
    expected = details.groupby("project_name")["total_vuh"].sum()
    pd.testing.assert_series_equal(total.sort_index(), expected, check_exact=False)


@pytest.mark.parametrize("by", ["project_id", "load_test_id", "stack_id", None, "team"])
@pytest.mark.parametrize("freq", ["MS", "W"])
def test_usage_is_the_same_as_with_pandas(details, parts, freq, by):
    labels = None
    if by == "team":
        teams = [("A" if project % 3 else "B") for project in range(40)]
        labels = pd.DataFrame(
            {"stack_id": 1, "project_id": range(40), "key": "team", "value": teams}
        )
    options = {"freq": freq, "by": by, "until": "2027-01-05", "project_labels": labels}
    found = k6dask.usage(parts, **options)
    expected = k6frames.usage(details, **options)
    # Months are summed within one partition, in the same order as by pandas.
    is_exact = freq == "MS" and by in ("project_id", "load_test_id", "stack_id")
    pd.testing.assert_frame_equal(found, expected, check_exact=is_exact, rtol=1e-12)


@pytest.mark.parametrize("days", [1, 30, 90, 3650])
@pytest.mark.parametrize("as_of", [AS_OF, "2026-06-10", "2020-01-01"])
def test_results_are_the_same_as_with_pandas(details, parts, as_of, days):
    found = k6dask.test_results(parts, as_of=as_of, days=days)
    pd.testing.assert_frame_equal(found, k6frames.test_results(details, as_of=as_of, days=days))


def test_an_empty_selection_gives_empty_results(folder):
    parts = k6dask.read_dataset(folder, "test_run_details", created_after="2031-01-01")
    for found, expected in (
        (k6dask.usage(parts), k6frames.usage),
        (k6dask.test_results(parts, as_of=AS_OF), k6frames.test_results),
    ):
        assert len(found) == 0
        assert found.dtypes.to_dict() in [table.dtypes for table in expected.tables]


def test_arguments_are_checked_before_anything_is_computed(details, parts, monkeypatch):
    monkeypatch.setattr(dask, "compute", lambda *_: 1 / 0)
    with pytest.raises(ConfigError, match="freq must be one of"):
        k6dask.usage(parts, freq="M")
    with pytest.raises(ConfigError, match="days must be an integer"):
        k6dask.test_results(parts, days=0)
    with pytest.raises(SchemaError, match="needs the names of load tests"):
        k6dask.usage(parts.drop(columns="project_name"))
    with pytest.raises(
        SchemaError, match=r"must be a dask.dataframe.DataFrame, not a pandas.DataFrame"
    ):
        k6dask.usage(details)


def test_a_partition_that_does_not_match_its_table_is_a_schema_error(parts):
    wrong = parts.assign(created=parts["note"])
    with pytest.raises(SchemaError, match="'created'"):
        k6dask.usage(wrong)


# A worker is restarted when it uses 95% of its limit. The other thresholds only slow it down.
MEMORY = {f"distributed.worker.memory.{name}": False for name in ("target", "spill", "pause")}
LIMIT_BYTES = 550_000_000
"""The limit of each process, which uses 170 MB or more before it has read anything."""


def test_two_processes_sum_more_data_than_fits_into_the_memory_of_one(tmp_path):
    folder = tmp_path / "history"
    make_dataset(folder, 2_400_000, months=24, stacks=2)
    with (
        dask.config.set(scheduler=None, **MEMORY),
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            memory_limit=LIMIT_BYTES,
            dashboard_address="127.0.0.1:0",
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        workers = set(client.scheduler_info()["workers"])
        parts = k6dask.read_dataset(folder, "test_run_details")
        found = k6dask.usage(parts)
        results = k6dask.test_results(parts, as_of=AS_OF)
        assert set(client.scheduler_info()["workers"]) == workers  # none had to be restarted
        assert len(workers) == 2
    details = k6frames.read_dataset(folder, "test_run_details")
    assert details.memory_usage(deep=True).sum() > LIMIT_BYTES
    pd.testing.assert_frame_equal(found, k6frames.usage(details), check_exact=True)
    pd.testing.assert_frame_equal(results, k6frames.test_results(details, as_of=AS_OF))


def test_without_a_scheduler_a_cluster_of_processes_is_made(parts, monkeypatch):
    made = []

    class Cluster(distributed.LocalCluster):
        def __init__(self, **options):
            made.append(options)
            super().__init__(n_workers=1, **options)

    monkeypatch.setattr(distributed, "LocalCluster", Cluster)
    with dask.config.set(scheduler=None):
        found = k6dask.usage(parts, by=None)
    assert len(made) == 1
    assert found["test_runs"].sum() == 6_000
