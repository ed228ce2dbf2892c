"""The v3 loaders and their join, against a local server that counts its requests."""

from __future__ import annotations

import json
import random
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import frames
from v6_server import V6Server, expected_frame, write_timestamp

import k6frames
from k6frames import APIError, Client, ConfigError, SchemaError, parsing
from k6frames.api import default_client
from k6frames.tables import (
    ORGANIZATION_PROJECTS,
    ORGANIZATIONS,
    ORGANIZATIONS_PUBLIC,
    PROJECTS,
)

LIST = "/v3/organizations"


class Account:
    """A local server with the responses of an account, and its client."""

    def __init__(self, bodies: dict[str, Any]) -> None:
        self.server = V6Server(token="not-a-secret")
        self.bodies = self.server.other_responses
        self.bodies.update(bodies)
        self.client = Client(
            token="not-a-secret", api_url=self.server.url, cache=False, progress=False
        )

    @property
    def requests(self) -> list[str]:
        return self.server.paths()

    def close(self) -> None:
        self.client.close()
        self.server.close()


@pytest.fixture
def serve() -> Iterator[Callable[[dict[str, bytes]], Account]]:
    accounts: list[Account] = []

    def start(bodies: dict[str, bytes]) -> Account:
        accounts.append(Account(bodies))
        return accounts[-1]

    yield start
    for account in accounts:
        account.close()


def make_bodies(organizations: dict[int, list[int]]) -> dict[str, bytes]:
    """Return the bodies of an account from the project IDs of each organization ID."""
    rows = [{"id": org_id, "name": f"Org {org_id}"} for org_id in organizations]
    bodies = {LIST: json.dumps({"organizations": rows}).encode()}
    for row, (org_id, ids) in zip(rows, organizations.items(), strict=True):
        projects = [{"id": i, "name": f"P {i}", "organization_id": org_id} for i in ids]
        bodies[f"{LIST}/{org_id}"] = json.dumps({"organization": row}).encode()
        bodies[f"{LIST}/{org_id}/projects"] = json.dumps({"projects": projects}).encode()
    return bodies


SMALL: dict[int, list[Any]] = {30: [7, 5], 10: [], 20: [6]}


@pytest.fixture
def small(serve: Callable[[dict[str, bytes]], Account]) -> Account:
    return serve(make_bodies(SMALL))


def pairs(frame: pd.DataFrame) -> list[tuple[Any, Any]]:
    """Return the organization ID and project ID of each row, None for a missing one."""
    ids = frame[["org_id", "project_id"]].astype(object)
    return [tuple(row) for row in ids.where(ids.notna(), None).itertuples(index=False)]


def read_organizations(records: list[dict[str, Any]]) -> pd.DataFrame:
    body = json.dumps({"organizations": records}).encode()
    return ORGANIZATIONS.to_frame(parsing.read(ORGANIZATIONS, {LIST: body}, field="organizations"))


def read_projects(records: list[dict[str, Any]]) -> pd.DataFrame:
    body = json.dumps({"projects": records}).encode()
    return PROJECTS.to_frame(parsing.read(PROJECTS, {LIST: body}, field="projects"))


def build_with_pandas(records: list[dict[str, Any]], table: Any) -> pd.DataFrame:
    """Return records as a frame, without the parser."""
    return expected_frame(table, (0, records))[list(table.dtypes)]


# --- loaders --------------------------------------------------------------------------------------


def test_an_account_of_any_size_is_loaded_with_every_value_and_dtype(
    serve: Callable[[dict[str, bytes]], Account],
) -> None:
    rng = random.Random(3)
    start = datetime(2020, 8, 13, 18, 28, 45, tzinfo=UTC)

    def record(number: int, **fields: Any) -> dict[str, Any]:
        created = start + timedelta(milliseconds=number)
        return {
            "id": 2**53 + number,
            "name": rng.choice([None, "", f"Café {number}"]),
            "created": write_timestamp(created, number % 20),
            "updated": None,
            "is_default": rng.choice([True, False, None]),
            "logo": {"new": "field"},
            **fields,
        }

    organizations = [record(n, vat_number="DE 1", owner_id=n) for n in range(25)]
    projects = [
        record(100 * n + k, organization_id=organization["id"])
        for n, organization in enumerate(organizations)
        for k in range(n % 20)
    ]
    bodies: dict[str, Any] = {LIST: {"organizations": organizations}}
    for organization in organizations:
        own = [p for p in projects if p["organization_id"] == organization["id"]]
        bodies[f"{LIST}/{organization['id']}/projects"] = {"projects": own}
    account = serve(bodies)
    for load, table, records in (
        (k6frames.organizations_df, ORGANIZATIONS, organizations),
        (k6frames.projects_df, PROJECTS, projects),
    ):
        frame = load(client=account.client)
        frame.attrs.clear()
        pd.testing.assert_frame_equal(frame, build_with_pandas(records, table))


def test_one_organization_is_read_from_its_own_path(small: Account) -> None:
    frame = k6frames.organization_df(20, client=small.client)
    pd.testing.assert_frame_equal(
        frame, build_with_pandas([{"id": 20, "name": "Org 20"}], ORGANIZATIONS)
    )
    assert small.requests == [f"{LIST}/20"]


def test_all_projects_are_requested_once_each(small: Account) -> None:
    frame = k6frames.projects_df(client=small.client)
    assert pairs(frame) == [(30, 7), (30, 5), (20, 6)]
    assert small.requests[0] == LIST
    assert sorted(small.requests[1:]) == [f"{LIST}/{n}/projects" for n in (10, 20, 30)]


SELECTIONS: dict[str, tuple[Callable[[], Any], list[int]]] = {
    "an int": (lambda: 20, [20]),
    "a numpy int": (lambda: np.int64(20), [20]),
    "several, some twice": (lambda: [20, 30, 20], [20, 30]),
    "a tuple of numpy ints": (lambda: (np.uint8(30), np.int32(10)), [30, 10]),
    "an array": (lambda: np.array([10, 30]), [10, 30]),
    "a Series": (lambda: pd.Series([20, 10], dtype="Int64"), [20, 10]),
    "a generator": (lambda: (n for n in (10, 20)), [10, 20]),
    "none at all": (list, []),
}


@pytest.mark.parametrize("case", SELECTIONS)
def test_projects_of_some_organizations_are_requested_once_each(case: str, small: Account) -> None:
    make, ids = SELECTIONS[case]
    frame = k6frames.projects_df(make(), client=small.client)
    assert pairs(frame) == [(n, i) for n in ids for i in SMALL[n]]
    assert sorted(small.requests) == sorted(f"{LIST}/{n}/projects" for n in ids)
    assert frame.dtypes.to_dict() == PROJECTS.dtypes


@pytest.mark.parametrize("case", SELECTIONS)
def test_some_organizations_and_their_projects_are_requested_once_each(
    case: str, small: Account
) -> None:
    make, ids = SELECTIONS[case]
    frame = k6frames.organization_projects_df(make(), client=small.client)
    assert pairs(frame) == [(n, i) for n in ids for i in SMALL[n] or [None]]
    paths = [f"{LIST}/{n}" for n in ids] + [f"{LIST}/{n}/projects" for n in ids]
    assert sorted(small.requests) == sorted(paths)
    assert frame.dtypes.to_dict() == ORGANIZATION_PROJECTS.dtypes


def test_all_organizations_and_their_projects_are_requested_once_each(small: Account) -> None:
    frame = k6frames.organization_projects_df(client=small.client)
    assert pairs(frame) == [(30, 7), (30, 5), (10, None), (20, 6)]
    paths = [LIST, *(f"{LIST}/{n}/projects" for n in SMALL)]
    assert sorted(small.requests) == sorted(paths)


WRONG: dict[str, Any] = {
    "True": True, "numpy True": np.bool_(True), "string": "20", "bytes": b"20", "float": 20.0,
    "negative": -1, "None": None, "NA": pd.NA, "object": object(),
    "frame": pd.DataFrame({"a": [1]}),
    "None among them": [20, None], "True among them": [20, True], "string among them": [20, "20"],
    "float among them": [20, 20.5], "list among them": [[20]],
    "negative in a Series": pd.Series([-1]),
    "NA in a Series": pd.Series([20, None], dtype="Int64"),
    "strings in a Series": pd.Series(["20"]),
}  # fmt: skip
LOADERS: dict[str, Callable[..., pd.DataFrame]] = {
    "organization_df": k6frames.organization_df,
    "projects_df": k6frames.projects_df,
    "organization_projects_df": k6frames.organization_projects_df,
}


@pytest.mark.parametrize(
    ("load", "case"),
    # None means all organizations where there may be several.
    [(name, case) for name in LOADERS for case in WRONG if case != "None"]
    + [("organization_df", "None")],
)
def test_an_invalid_organization_id_is_refused_before_any_request(
    load: str, case: str, small: Account
) -> None:
    with pytest.raises(ConfigError, match=r"org_ids? must (be|contain only)"):
        LOADERS[load](WRONG[case], client=small.client)
    assert small.requests == []


def test_organization_df_takes_only_one_id(small: Account) -> None:
    with pytest.raises(
        ConfigError, match=r"org_id must be an ID, not \[20\]\. An ID is an integer"
    ):
        k6frames.organization_df([20], client=small.client)  # type: ignore[arg-type]


def test_an_unknown_organization_is_an_api_error(small: Account) -> None:
    with pytest.raises(APIError) as caught:
        k6frames.organization_df(99, client=small.client)
    assert caught.value.status == 404


def test_a_malformed_response_names_path_record_and_field(small: Account) -> None:
    small.bodies[f"{LIST}/20/projects"] = b'{"projects": [{"id": 1}, {"id": 2, "created": "soon"}]}'
    with pytest.raises(SchemaError) as caught:
        k6frames.projects_df(client=small.client, on_error="warn")
    assert str(caught.value).startswith(
        f"{LIST}/20/projects: projects[1] (id 2): the field 'created' must be an ISO 8601 timestamp"
    )


def test_without_a_client_the_environment_names_the_account(
    small: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("K6FRAMES_API_URL", small.client.api_url)
    monkeypatch.setenv("K6_CLOUD_TOKEN", "not-a-secret")
    try:
        assert k6frames.organizations_df()["org_id"].tolist() == [30, 10, 20]
        assert len(k6frames.projects_df()) == 3
        assert len(k6frames.organization_projects_df()) == 4
        assert len(k6frames.organization_df(20)) == 1
    finally:
        for client in default_client._default_clients.values():
            client.close()
    assert len(small.requests) == len(set(small.requests)) == 5


def test_a_frame_has_the_time_when_its_oldest_response_was_fetched(small: Account) -> None:
    before = pd.Timestamp.now("UTC").floor("s")
    for load in (
        k6frames.organizations_df,
        k6frames.projects_df,
        k6frames.organization_projects_df,
    ):
        fetched = load(client=small.client).attrs["fetched"]
        assert before <= pd.Timestamp(fetched) <= pd.Timestamp.now("UTC")
        assert fetched.endswith("+00:00")


# --- failures -------------------------------------------------------------------------------------


@pytest.fixture
def failing(small: Account) -> Account:
    """Return an account in which the projects of organization 30 cannot be read."""
    del small.bodies[f"{LIST}/30/projects"]
    return small


def test_a_failure_is_an_error_by_default(failing: Account) -> None:
    with pytest.raises(APIError):
        k6frames.projects_df(client=failing.client)
    with pytest.raises(APIError):
        k6frames.organization_projects_df(client=failing.client)


@pytest.mark.parametrize(
    ("load", "expected"),
    [
        (k6frames.projects_df, [(20, 6)]),
        (k6frames.organization_projects_df, [(10, None), (20, 6)]),
    ],
)
def test_a_failed_organization_is_left_out_named_and_listed(
    load: Callable[..., pd.DataFrame], expected: list[Any], failing: Account
) -> None:
    with pytest.warns(
        UserWarning, match=r"1 of 3 requests failed.* left out: organization 30"
    ) as caught:
        frame = load(client=failing.client, on_error="warn")
    assert caught[0].filename == __file__
    assert pairs(frame) == expected
    (failure,) = frame.attrs["failed"]
    assert failure["org_id"] == 30
    assert failure["path"] == f"{LIST}/30/projects"
    assert "404" in failure["reason"]
    assert json.loads(json.dumps(frame.attrs)) == frame.attrs


def test_an_organization_that_cannot_be_read_is_left_out_with_its_projects(small: Account) -> None:
    with pytest.warns(UserWarning, match=r"1 of 2 requests failed.* left out: organization 99"):
        frame = k6frames.organization_projects_df([20, 99], client=small.client, on_error="warn")
    assert pairs(frame) == [(20, 6)]
    assert [failure["org_id"] for failure in frame.attrs["failed"]] == [99]
    assert f"{LIST}/99/projects" not in small.requests


def test_the_warning_names_ten_failures_and_counts_the_rest(
    serve: Callable[[dict[str, bytes]], Account],
) -> None:
    account = serve({})
    with pytest.warns(UserWarning, match="12 of 12 requests failed.*; and 2 more") as caught:
        frame = k6frames.projects_df(range(100, 112), client=account.client, on_error="warn")
    assert str(caught[0].message).count("organization ") == 10
    assert len(frame) == 0
    assert frame.dtypes.to_dict() == PROJECTS.dtypes
    assert len(frame.attrs["failed"]) == 12


def test_with_warn_the_list_of_organizations_must_still_be_readable(
    serve: Callable[[dict[str, bytes]], Account],
) -> None:
    account = serve({})
    with pytest.raises(APIError):
        k6frames.projects_df(client=account.client, on_error="warn")


def test_an_unknown_value_of_on_error_is_refused(small: Account) -> None:
    with pytest.raises(ConfigError, match="on_error"):
        k6frames.projects_df(20, client=small.client, on_error="ignore")  # type: ignore[arg-type]
    assert small.requests == []


# --- the join -------------------------------------------------------------------------------------


def organizations_of(*ids: int) -> pd.DataFrame:
    rows = [{"id": i, "name": f"Org {i}", "vat_number": "private"} for i in ids]
    return read_organizations(rows)


def projects_of(*ids: tuple[int, int | None]) -> pd.DataFrame:
    rows = [{"id": i, "name": f"P {i}", "organization_id": org} for i, org in ids]
    return read_projects(rows)


def test_the_join_has_every_column_of_both_frames_under_a_distinct_name() -> None:
    organization = {
        "id": 5, "name": "O", "owner_id": 8, "description": "od", "billing_address": "b",
        "billing_country": "b", "billing_email": "b", "vat_number": "b",
        "created": "2020-01-01", "updated": "2020-01-02", "is_default": True,
    }  # fmt: skip
    project = {
        "id": 9, "name": "P", "description": "pd", "organization_id": 5,
        "created": "2021-01-01", "updated": "2021-01-02", "is_default": False,
    }  # fmt: skip
    joined = k6frames.join_projects(
        read_organizations([organization]),
        read_projects([project]),
    )
    expected = pd.DataFrame(
        {
            "org_id": [5], "org_name": ["O"], "owner_id": [8], "org_description": ["od"],
            "org_created": [pd.Timestamp("2020-01-01", tz="UTC")],
            "org_updated": [pd.Timestamp("2020-01-02", tz="UTC")], "org_is_default": [True],
            "project_id": [9], "project_name": ["P"], "project_description": ["pd"],
            "project_created": [pd.Timestamp("2021-01-01", tz="UTC")],
            "project_updated": [pd.Timestamp("2021-01-02", tz="UTC")],
            "project_is_default": [False],
        }
    ).astype(ORGANIZATION_PROJECTS.dtypes)  # fmt: skip
    pd.testing.assert_frame_equal(joined, expected)


def test_rows_are_in_the_order_of_the_organizations_and_unknown_ones_are_last() -> None:
    joined = k6frames.join_projects(
        organizations_of(30, 10, 20),
        projects_of((1, 20), (2, 99), (3, 30), (4, None), (5, 30), (6, 98)),
    )
    assert pairs(joined) == [(30, 3), (30, 5), (10, None), (20, 1), (99, 2), (None, 4), (98, 6)]
    assert joined["org_name"].isna().tolist() == [False] * 4 + [True] * 3
    assert joined["project_name"].isna().tolist() == [False, False, True] + [False] * 4
    assert joined.dtypes.to_dict() == ORGANIZATION_PROJECTS.dtypes


@pytest.mark.parametrize("organizations", [organizations_of(), organizations_of(1)])
@pytest.mark.parametrize("projects", [projects_of(), projects_of((1, 1)), projects_of((1, None))])
def test_either_side_of_the_join_may_be_empty(
    organizations: pd.DataFrame, projects: pd.DataFrame
) -> None:
    joined = k6frames.join_projects(organizations, projects)
    assert joined.dtypes.to_dict() == ORGANIZATION_PROJECTS.dtypes
    assert joined["project_id"].count() == len(projects)
    assert set(joined["org_id"].dropna()) == set(organizations["org_id"]) | set(
        projects["org_id"].dropna()
    )


def test_large_ids_keep_their_value_next_to_missing_ones() -> None:
    big = 2**63 - 1
    joined = k6frames.join_projects(
        organizations_of(big, big - 1, big - 2), projects_of((big - 5, big), (big - 6, big - 2))
    )
    assert pairs(joined) == [(big, big - 5), (big - 1, None), (big - 2, big - 6)]


def test_columns_added_by_hand_are_left_out_of_the_join() -> None:
    joined = k6frames.join_projects(
        organizations_of(1).assign(mine=1), projects_of((2, 1)).assign(mine=2, other="x")
    )
    assert joined.dtypes.to_dict() == ORGANIZATION_PROJECTS.dtypes


def test_an_organization_whose_projects_could_not_be_fetched_is_left_out() -> None:
    projects = projects_of((1, 20), (2, 30))
    projects.attrs["failed"] = [
        {"org_id": 10, "path": "/10", "reason": "x"},
        {"org_id": 20, "path": "/20", "reason": "x"},
    ]
    joined = k6frames.join_projects(organizations_of(10, 20, 30, 40), projects)
    # Organization 20 is kept, because a project of it is known from elsewhere.
    assert pairs(joined) == [(20, 1), (30, 2), (40, None)]
    assert [failure["org_id"] for failure in joined.attrs["failed"]] == [10, 20]


def test_the_join_ignores_other_values_in_attrs() -> None:
    projects = projects_of((1, 10))
    projects.attrs["failed"] = 5
    assert pairs(k6frames.join_projects(organizations_of(10), projects)) == [(10, 1)]


def test_the_join_refuses_a_duplicate_key() -> None:
    duplicated = pd.concat([organizations_of(1), organizations_of(1)])
    with pytest.raises(SchemaError, match="duplicate key \\(org_id 1\\)"):
        k6frames.join_projects(duplicated, projects_of())
    duplicated = pd.concat([projects_of((2, 1)), projects_of((2, 3))])
    with pytest.raises(SchemaError, match="duplicate key \\(project_id 2\\)"):
        k6frames.join_projects(organizations_of(1), duplicated)


def test_the_join_names_the_columns_that_are_missing() -> None:
    with pytest.raises(SchemaError, match="no column org_id"):
        k6frames.join_projects(organizations_of(1).drop(columns="org_id"), projects_of())
    with pytest.raises(SchemaError, match="no columns created, updated"):
        k6frames.join_projects(
            organizations_of(1), projects_of().drop(columns=["created", "updated"])
        )


few_ids = st.integers(0, 3)


@given(frames(ORGANIZATIONS, org_id=few_ids), frames(PROJECTS, org_id=few_ids | st.none()))
def test_the_join_loses_and_invents_no_rows_and_does_not_change_its_input(
    organizations: pd.DataFrame, projects: pd.DataFrame
) -> None:
    before = organizations.copy(deep=True), projects.copy(deep=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        joined = k6frames.join_projects(organizations, projects)
    pd.testing.assert_frame_equal(organizations, before[0])
    pd.testing.assert_frame_equal(projects, before[1])
    assert joined.dtypes.to_dict() == ORGANIZATION_PROJECTS.dtypes

    found = joined.dropna(subset="project_id")
    back = found.rename(columns=lambda name: name.removeprefix("project_"))
    back = back.rename(columns={"id": "project_id"})[list(PROJECTS.dtypes)]
    pd.testing.assert_frame_equal(
        back.sort_values("project_id", ignore_index=True),
        projects.sort_values("project_id", ignore_index=True),
    )
    known = joined[joined["org_id"].isin(organizations["org_id"])].drop_duplicates("org_id")
    back = known.rename(columns=lambda name: name.removeprefix("org_"))
    back = back.rename(columns={"id": "org_id"})[list(ORGANIZATIONS_PUBLIC.dtypes)]
    pd.testing.assert_frame_equal(
        back.reset_index(drop=True), organizations[list(ORGANIZATIONS_PUBLIC.dtypes)]
    )
    empty = set(organizations["org_id"]) - set(projects["org_id"].dropna())
    assert len(joined) == len(projects) + len(empty)
