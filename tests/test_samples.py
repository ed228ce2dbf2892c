"""The invented sample account: made by its script, whole, and reachable in every way."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pytest

import k6frames
from k6frames import Client, settings
from k6frames.schema import Table
from k6frames.tables import ORGANIZATIONS, PROJECTS

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "data" / "samples"
LIST = "/v3/organizations"


def _make_samples() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_samples", ROOT / "data" / "make_samples.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


make_samples = _make_samples()


def answer(path: str) -> Any:
    return json.loads((SAMPLES / f"{path.removeprefix('/')}.json").read_bytes())


def all_organizations() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = answer(LIST)["organizations"]
    return rows


def all_projects() -> list[dict[str, Any]]:
    return [
        project
        for row in all_organizations()
        for project in answer(f"{LIST}/{row['id']}/projects")["projects"]
    ]


def test_the_files_are_what_the_script_makes(tmp_path: Path) -> None:
    make_samples.write(make_samples.sample(), tmp_path / "made")
    made, kept = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.json")}
        for folder in (tmp_path / "made", SAMPLES)
    )
    assert made == kept
    assert {path.suffix for path in SAMPLES.rglob("*") if path.is_file()} == {".json"}


@pytest.mark.parametrize(
    ("records", "table"),
    [(all_organizations(), ORGANIZATIONS), (all_projects(), PROJECTS)],
    ids=["organizations", "projects"],
)
def test_every_field_is_declared_and_every_declared_field_is_there(
    records: list[dict[str, Any]], table: Table
) -> None:
    for record in records:
        assert list(record) == [column.source for column in table.columns]


FORMS = {
    "2020-08-13T18:28:45Z": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
    "2021-05-24T12:59:18.180471Z": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z",
    "2024-12-04T19:57:46.339Z": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z",
    "2024-06-24T19:44:36.46Z": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{2}Z",
    "2020-08-18T13:33:41": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d",
    "2024-12-03T09:53:00.553": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}",
    "2020-08-18 13:36:41.348933+00:00": r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}\+00:00",
    "2025-08-01T12:00:00+00:00": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00",
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_timestamp_occurs(form: str) -> None:
    assert re.fullmatch(FORMS[form], form)
    for field in ("created", "updated"):
        assert any(re.fullmatch(FORMS[form], project[field] or "") for project in all_projects())


def test_no_other_form_of_a_timestamp_occurs_but_null() -> None:
    for record in [*all_organizations(), *all_projects()]:
        for value in (record["created"], record["updated"]):
            assert value is None or any(re.fullmatch(form, value) for form in FORMS.values())
    assert any(project["created"] is None for project in all_projects())
    assert any(project["updated"] is None for project in all_projects())


def test_one_organization_has_no_projects() -> None:
    sizes = [len(answer(f"{LIST}/{row['id']}/projects")["projects"]) for row in all_organizations()]
    assert sizes.count(0) == 1
    assert len(sizes) == 12
    assert sum(sizes) == 300


def test_each_organization_has_a_file_that_equals_its_row() -> None:
    for row in all_organizations():
        assert answer(f"{LIST}/{row['id']}") == {"organization": row}
        for project in answer(f"{LIST}/{row['id']}/projects")["projects"]:
            assert project["organization_id"] == row["id"]


def test_nothing_is_younger_than_the_day_on_which_it_is_looked_at() -> None:
    assert make_samples.TODAY == settings.SAMPLE_TODAY
    projects = k6frames.projects_df(client=Client.sample())
    today = pd.Timestamp(settings.SAMPLE_TODAY, tz="UTC")
    assert projects[["created", "updated"]].max().max() < today
    dated = projects.dropna(subset=["created", "updated"])
    assert (dated["updated"] >= dated["created"]).all()
    assert projects["created"].dt.year.agg(["min", "max"]).tolist() == [2016, 2026]
    assert date.fromisoformat(settings.SAMPLE_TODAY)


def test_the_awkward_cases_of_real_accounts_occur() -> None:
    projects = k6frames.projects_df(client=Client.sample())
    assert projects["description"].isna().any()
    assert projects["description"].eq("").any()
    assert projects["description"].str.contains("\n").any()
    assert projects["name"].duplicated().any()
    both = k6frames.organization_projects_df(client=Client.sample())
    assert len(k6frames.idle_projects(both, days=1000, as_of=settings.SAMPLE_TODAY)) > 20
    text = "".join(both["org_name"].dropna()) + "".join(both["project_name"].dropna())
    for letters in ("a", "é", "и", "月", "구", "λ", "ف", "ת", "🚀"):
        assert letters in text


def test_a_folder_of_the_same_files_is_the_same_account(tmp_path: Path) -> None:
    folder = tmp_path / "an account"
    shutil.copytree(SAMPLES, folder)
    with Client(api_url=f"file:{folder}") as client, Client.sample() as sample:
        for load in (
            k6frames.organizations_df,
            k6frames.projects_df,
            k6frames.organization_projects_df,
        ):
            pd.testing.assert_frame_equal(load(client=client), load(client=sample))
        pd.testing.assert_frame_equal(
            k6frames.organization_df(1013, client=client),
            k6frames.organization_df(1013, client=sample),
        )


def test_a_file_that_was_edited_is_new_at_once(tmp_path: Path) -> None:
    shutil.copytree(SAMPLES, tmp_path / "account")
    with Client(api_url=f"file:{tmp_path / 'account'}") as client:
        assert len(k6frames.organizations_df(client=client)) == 12
        (tmp_path / "account/v3/organizations.json").write_text('{"organizations": []}')
        assert len(k6frames.organizations_df(client=client)) == 0


@pytest.mark.parametrize(("organizations", "projects"), [(0, 0), (1, 0), (3, 50), (40, 7)])
def test_accounts_of_any_size_can_be_made(organizations: int, projects: int) -> None:
    bodies = make_samples.account(organizations, projects, seed=1)
    assert bodies == make_samples.account(organizations, projects, seed=1)
    assert len(bodies) == 1 + 2 * organizations
    listed = {LIST: bodies.pop(LIST)}
    assert len(ORGANIZATIONS.read(listed)) == organizations
    lists = {path: body for path, body in bodies.items() if path.endswith("/projects")}
    assert len(PROJECTS.read(lists)) == projects
