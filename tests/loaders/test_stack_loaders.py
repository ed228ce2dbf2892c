"""The v6 loaders against a local server: every value and dtype of two stacks, or an error."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from v6_server import Refusal, StackData, V6Server, expected_frame, make_stack, parse

import k6frames
from k6frames.errors import APIError, ConfigError, SchemaError
from k6frames.tables import (
    LOAD_TESTS,
    LOAD_ZONES,
    PROJECT_LABELS,
    PROJECT_LIMITS,
    SCHEDULES,
    STACK_PROJECTS,
    TEST_RUN_DETAILS,
    TEST_RUNS,
)

STACKS = (make_stack(11, runs=3456, rows=45, seed=1), make_stack(22, runs=412, rows=31, seed=2))
LISTS = {
    "stack_projects_df": (STACK_PROJECTS, "projects"),
    "load_tests_df": (LOAD_TESTS, "load_tests"),
    "schedules_df": (SCHEDULES, "schedules"),
    "project_limits_df": (PROJECT_LIMITS, "project-limits"),
    "load_zones_df": (LOAD_ZONES, "load_zones"),
    "test_runs_df": (TEST_RUNS, "test_runs"),
}
ALL = [*LISTS, "project_labels_df", "test_run_details_df"]


@pytest.fixture
def server(token):
    stacks = [StackData(s.id, s.url, {n: list(r) for n, r in s.lists.items()}) for s in STACKS]
    with V6Server(*stacks, token=token) as started:
        yield started
        assert started.violations == []


@pytest.fixture
def client(connect, server):
    return connect(server.url, stack=[11, 22])


@pytest.mark.parametrize("loader", LISTS)
def test_every_value_and_dtype_of_two_stacks_is_correct(loader, client, server):
    table, name = LISTS[loader]
    frame = getattr(k6frames, loader)(client=client)
    fetched = frame.attrs.pop("fetched")
    assert datetime.now(UTC) - datetime.fromisoformat(fetched) < timedelta(minutes=1)
    assert frame.attrs == {}
    expected = expected_frame(table, *((s.id, s.lists[name]) for s in STACKS))
    if table is SCHEDULES:
        expected.loc[expected["frequency"] == "DAILY", "interval"] = 1  # the API's default
    pd.testing.assert_frame_equal(frame, expected)


@pytest.mark.parametrize("loader", ALL)
def test_an_empty_stack_has_all_columns_with_their_dtypes(loader, token, connect):
    with V6Server(StackData(5), token=token) as server:
        frame = getattr(k6frames, loader)(client=connect(server.url, stack=5))
    assert len(frame) == 0
    (table,) = getattr(k6frames, loader).tables
    assert frame.dtypes.to_dict() == table.dtypes


def test_labels_are_one_row_per_project_and_label(client):
    frame = k6frames.project_labels_df(client=client)
    expected = [
        (stack.id, project["id"], key, value)
        for stack in STACKS
        for project in stack.lists["projects"]
        for key, value in project["labels"].items()
    ]
    assert list(frame.itertuples(index=False, name=None)) == expected
    assert frame.dtypes.to_dict() == PROJECT_LABELS.dtypes


def test_details_have_the_names_from_the_stack_of_the_run(server, client):
    # The IDs are the same in both stacks.
    server.stacks[22].lists["load_tests"][0] = {
        **server.stacks[22].lists["load_tests"][0],
        "name": "Other",
    }
    del server.stacks[22].lists["projects"][1:]
    frame = k6frames.test_run_details_df(client=client)
    assert frame.dtypes.to_dict() == TEST_RUN_DETAILS.dtypes
    assert len(frame) == 3868
    for stack in server.stacks.values():
        names = {test["id"]: test["name"] for test in stack.lists["load_tests"]}
        projects = {project["id"]: project["name"] for project in stack.lists["projects"]}
        found = frame[frame["stack_id"] == stack.id]
        runs = stack.lists["test_runs"]
        assert found["test_run_id"].tolist() == [run["id"] for run in runs]
        for column, expected in {
            "load_test_name": [names.get(run["test_id"]) for run in runs],
            "project_name": [projects.get(run["project_id"]) for run in runs],
        }.items():
            pd.testing.assert_series_equal(
                found[column].reset_index(drop=True),
                pd.Series(expected, name=column, dtype=frame[column].dtype),
            )
    assert frame["project_name"].isna().any()


CREATED = sorted(parse(run["created"]) for run in STACKS[0].lists["test_runs"])


@pytest.mark.parametrize(
    ("after", "before"),
    [
        (CREATED[1700], None),
        (None, CREATED[1700]),
        (CREATED[900], CREATED[2300]),
        (CREATED[1700] + timedelta(microseconds=1), None),
        (pd.Timestamp(CREATED[1700]).as_unit("ns") + pd.Timedelta(1, "ns"), None),
        (None, pd.Timestamp(CREATED[1700]).as_unit("ns") + pd.Timedelta(1, "ns")),
        ("2025-12-01T00:00+02:00", "2026-01-01T00:00+02:00"),
        (pd.Timestamp("2026-01-01"), pd.Timestamp("2026-03-01", tz="Europe/Prague")),
        ("2027-01-01", None),
    ],
)
def test_the_limits_of_creation_times_are_exact(after, before, client):
    frame = k6frames.test_runs_df(
        created_after=after, created_before=before, stack=11, client=client
    )

    def with_offset(value: Any) -> pd.Timestamp:
        timestamp = pd.Timestamp(value)
        return timestamp.tz_localize("UTC") if timestamp.tz is None else timestamp

    expected = [
        run["id"]
        for run in STACKS[0].lists["test_runs"]
        if (after is None or pd.Timestamp(parse(run["created"])) >= with_offset(after))
        and (before is None or pd.Timestamp(parse(run["created"])) < with_offset(before))
    ]
    assert frame["test_run_id"].tolist() == expected


def test_a_run_created_at_a_limit_is_in_only_one_window(token, connect):
    edge = {**STACKS[1].lists["test_runs"][0], "created": "2026-01-01T00:00:00+02:00"}
    with V6Server(StackData(5, lists={"test_runs": [edge]}), token=token) as server:
        client = connect(server.url, stack=5)
        assert len(k6frames.test_runs_df(created_after="2025-12-31T22:00Z", client=client)) == 1
        assert len(k6frames.test_runs_df(created_before="2025-12-31T22:00Z", client=client)) == 0


def test_only_the_runs_of_the_given_load_tests_are_requested(client, server):
    tests = [test["id"] for test in STACKS[0].lists["load_tests"][:3]]
    frame = k6frames.test_runs_df(load_test_ids=[tests[2], tests[0]], stack=11, client=client)
    expected = [
        run for run in STACKS[0].lists["test_runs"] if run["test_id"] in {tests[0], tests[2]}
    ]
    frame.attrs.clear()
    pd.testing.assert_frame_equal(frame, expected_frame(TEST_RUNS, (11, expected)))
    assert {request.path.split("/")[-2] for request in server.received} == {
        str(tests[0]),
        str(tests[2]),
    }
    with pytest.raises(ConfigError, match="pass stack= as one of 11, 22"):
        k6frames.test_runs_df(load_test_ids=tests, client=client)
    with pytest.warns(UserWarning, match=r"1 of 2 requests failed.*load test 7"):
        frame = k6frames.test_runs_df(
            load_test_ids=[7, tests[0]], stack=11, client=client, on_error="warn"
        )
    assert [failure["load_test_id"] for failure in frame.attrs["failed"]] == [7]


# --- errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("field", "value"), [("cost", {"total_vuh": "much"}), ("test_id", None)])
def test_a_malformed_run_is_named_with_its_record_and_field(field, value, client, server):
    runs = server.stacks[22].lists["test_runs"]
    runs[7] = {**runs[7], field: value}
    with pytest.raises(SchemaError) as caught:
        k6frames.test_runs_df(client=client)
    for words in ("(stack 22)", "value[7]", f"(id {runs[7]['id']})", field):
        assert words in str(caught.value)


@pytest.mark.parametrize("loader", ALL)
def test_a_stack_that_is_forbidden_is_left_out_with_a_warning(loader, client, server):
    def refuse(request: Any) -> None:
        if request.stack == "11":
            raise Refusal(403, "no")

    server.before = refuse
    with pytest.raises(APIError, match=r"stack 11.*check the stack") as caught:
        getattr(k6frames, loader)(client=client)
    assert caught.value.status == 403
    with pytest.warns(UserWarning, match=r"1 of 2 requests failed.*stack 11") as warned:
        frame = getattr(k6frames, loader)(client=client, on_error="warn")
    assert len(warned) == 1
    assert set(frame["stack_id"]) == {22}
    assert {failure["stack_id"] for failure in frame.attrs["failed"]} == {11}
    assert json.loads(json.dumps(frame.attrs)) == frame.attrs


@pytest.mark.parametrize("status", [400, 401, 403])
def test_an_error_about_a_stack_names_it_and_what_to_check(status, client, server):
    def refuse(_: Any) -> None:
        raise Refusal(status, "no")

    server.before = refuse
    with pytest.raises(APIError, match=r"(?i)stack 11.*check the stack") as caught:
        k6frames.load_tests_df(stack=11, client=client)
    assert caught.value.status == status


@pytest.mark.parametrize("loader", ALL)
def test_without_a_stack_the_error_lists_the_ways_to_name_one(loader, connect, server):
    with pytest.raises(ConfigError) as caught:
        getattr(k6frames, loader)(client=connect(server.url))
    for words in ("Client(stack=", "K6_CLOUD_STACK_ID", "K6_CLOUD_STACK_URL", "k6 cloud login"):
        assert words in str(caught.value)
    assert server.received == []


@pytest.mark.usefixtures("no_waits")
def test_a_429_and_a_truncated_page_are_retried(client, server):
    seen: list[int] = []

    def refuse(request: Any) -> None:
        seen.append(request.number)
        if request.number == 3:
            raise Refusal(429, "slow", Retry_After="0")

    def truncate(request: Any, page: Any) -> Any:
        return json.dumps(page).encode()[:-100] if request.number == 4 else page

    server.before, server.change = refuse, truncate
    assert len(k6frames.test_runs_df(client=client)) == 3868
    assert len({(r.path, r.stack, str(r.query)) for r in server.received}) == len(seen) - 2


# --- accounts in a folder -------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    for stack in STACKS:
        v6 = tmp_path / "account" / "stacks" / str(stack.id) / "cloud" / "v6"
        v6.mkdir(parents=True)
        for name, rows in stack.lists.items():
            (v6 / f"{name}.json").write_text(json.dumps({"value": rows}))
    return tmp_path / "account"


@pytest.mark.parametrize("loader", LISTS)
def test_a_folder_without_a_manifest_is_an_account_like_any_other(loader, folder, client):
    account = k6frames.Client(api_url=folder.as_uri())
    pd.testing.assert_frame_equal(
        getattr(k6frames, loader)(client=account), getattr(k6frames, loader)(client=client)
    )
    account = k6frames.Client(api_url=folder.as_uri(), stack=22)
    assert set(getattr(k6frames, loader)(client=account)["stack_id"]) == {22}


def test_filters_apply_to_a_folder(folder):
    client = k6frames.Client(api_url=folder.as_uri())
    after, before = CREATED[900], CREATED[2300]
    test = STACKS[0].lists["load_tests"][0]["id"]
    frame = k6frames.test_runs_df(
        load_test_ids=test, created_after=after, created_before=before, stack=11, client=client
    )
    expected = [
        run["id"]
        for run in STACKS[0].lists["test_runs"]
        if run["test_id"] == test and after <= parse(run["created"]) < before
    ]
    assert frame["test_run_id"].tolist() == expected
