"""The invented sample account: the files that its script makes, and their v3 part."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import make_samples
import pandas as pd
import pytest

from k6frames.api.folder import response_file
from k6frames.parsing import read
from k6frames.tables import ORGANIZATIONS, PROJECTS, Table

SAMPLES = Path(__file__).parents[2] / "data" / "samples"
ADDRESS = re.compile(rb"[\w.+-]+@[\w.-]+")


@pytest.fixture(scope="session")
def organizations(load: Any) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = load("v3/organizations")["organizations"]
    return records


@pytest.fixture(scope="session")
def projects(load: Any, organizations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    ids = [organization["id"] for organization in organizations]
    lists = [load(f"v3/organizations/{org_id}/projects")["projects"] for org_id in ids]
    return [project for records in lists for project in records]


def test_the_files_are_what_the_script_makes() -> None:
    assert make_samples.sample() == {
        path.relative_to(SAMPLES).as_posix(): path.read_bytes()
        for path in SAMPLES.rglob("*")
        if path.is_file()
    }


def test_the_files_are_small_and_have_no_real_addresses() -> None:
    contents = [path.read_bytes() for path in SAMPLES.rglob("*.json")]
    assert sum(map(len, contents)) < 3_100_000
    found = {address for content in contents for address in ADDRESS.findall(content)}
    assert found
    assert all(address.endswith(b"@example.com") for address in found)


def test_files_are_named_after_the_requests_that_they_answer() -> None:
    for path in SAMPLES.rglob("*.json"):
        name = path.relative_to(SAMPLES).as_posix()
        if name.startswith("stacks/"):
            _, stack_id, request = name.removesuffix(".json").split("/", 2)
            assert response_file(f"/{request}", stack_id).as_posix() == name


@pytest.mark.parametrize("table", [ORGANIZATIONS, PROJECTS], ids=lambda table: table.name)
def test_every_v3_record_has_exactly_the_declared_fields(
    table: Table, organizations: list[dict[str, Any]], projects: list[dict[str, Any]]
) -> None:
    for record in organizations if table is ORGANIZATIONS else projects:
        assert list(record) == [column.source for column in table.columns]


V3_FORMS = {
    "2020-08-13T18:28:45Z": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
    "2021-05-24T12:59:18.180471Z": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z",
    "2024-12-04T19:57:46.339Z": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z",
    "2024-06-24T19:44:36.46Z": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{2}Z",
    "2020-08-18T13:33:41": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d",
    "2024-12-03T09:53:00.553": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}",
    "2020-08-18 13:36:41.348933+00:00": r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}\+00:00",
    "2025-08-01T12:00:00+00:00": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00",
}
V6_FORMS = {**V3_FORMS, "2025-08-01T14:00:00+02:00": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+02:00"}


@pytest.mark.parametrize("form", V6_FORMS)
def test_every_form_of_a_timestamp_occurs(
    form: str, load: Any, projects: list[dict[str, Any]]
) -> None:
    pattern = re.compile(V6_FORMS[form])
    assert pattern.fullmatch(form)
    records = load("v6/test_runs")["value"]
    for field in ("created", "ended", "retention_expiry"):
        assert any(pattern.fullmatch(record[field] or "") for record in records)
    if form in V3_FORMS:
        for field in ("created", "updated"):
            assert any(pattern.fullmatch(project[field] or "") for project in projects)


def test_no_other_form_of_a_timestamp_occurs_but_null(
    load: Any, organizations: list[dict[str, Any]], projects: list[dict[str, Any]]
) -> None:
    v3 = [r[field] for r in organizations + projects for field in ("created", "updated")]
    v6 = [r[field] for r in load("v6/test_runs")["value"] for field in ("created", "ended")]
    for values, forms in ((v3, V3_FORMS), (v6, V6_FORMS)):
        pattern = re.compile("|".join(forms.values()))
        assert all(pattern.fullmatch(value) for value in values if value is not None)
        assert None in values


def test_one_of_twelve_organizations_has_no_projects(
    organizations: list[dict[str, Any]], projects: list[dict[str, Any]]
) -> None:
    counts = [[p["organization_id"] for p in projects].count(o["id"]) for o in organizations]
    assert len(organizations) == 12
    assert counts.count(0) == 1
    assert sum(counts) == len(projects) == 300


def test_each_organization_has_a_file_that_equals_its_record(
    load: Any, organizations: list[dict[str, Any]]
) -> None:
    for organization in organizations:
        path = f"v3/organizations/{organization['id']}"
        assert load(path) == {"organization": organization}
        for project in load(f"{path}/projects")["projects"]:
            assert project["organization_id"] == organization["id"]


def test_nothing_is_newer_than_the_fixed_timestamp(
    as_of: pd.Timestamp, runs: pd.DataFrame, projects: list[dict[str, Any]]
) -> None:
    frame = pd.DataFrame(projects)[["created", "updated"]].apply(
        pd.to_datetime, utc=True, format="ISO8601"
    )
    assert (frame.max() < as_of).all()
    assert (frame["updated"] >= frame["created"])[frame.notna().all(axis=1)].all()
    assert frame["created"].dt.year.agg(["min", "max"]).tolist() == [2016, 2026]
    assert runs["created"].max() < as_of
    assert runs["ended"].max() < as_of


def test_the_difficult_cases_of_real_accounts_occur(
    organizations: list[dict[str, Any]], projects: list[dict[str, Any]]
) -> None:
    frame = pd.DataFrame(projects)
    assert frame["description"].isna().any()
    assert frame["description"].eq("").any()
    assert frame["description"].str.contains("\n").any()
    assert frame["name"].duplicated().any()
    text = "".join(record["name"] for record in organizations + projects)
    for letters in ("a", "é", "и", "月", "구", "λ", "ف", "ת", "🚀"):
        assert letters in text


@pytest.mark.parametrize(("organizations", "projects"), [(0, 0), (1, 0), (3, 50), (40, 7)])
def test_accounts_of_any_size_can_be_made(organizations: int, projects: int) -> None:
    bodies = make_samples.account(organizations, projects, seed=1)
    assert bodies == make_samples.account(organizations, projects, seed=1)
    assert len(bodies) == 1 + 2 * organizations
    listed = {"/v3/organizations": bodies["/v3/organizations"]}
    assert len(read(ORGANIZATIONS, listed, field="organizations")) == organizations
    lists = {path: body for path, body in bodies.items() if path.endswith("/projects")}
    assert len(read(PROJECTS, lists, field="projects")) == projects


def test_projects_need_an_organization() -> None:
    with pytest.raises(ValueError, match="need an organization"):
        make_samples.account(0, 1)
