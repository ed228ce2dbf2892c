"""The report: made by the real notebooks in real kernels, of accounts nice and nasty."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from servers import reply

import k6frames
from k6frames import report
from k6frames.settings import SAMPLE_TODAY

PRIVATE = ("billing", "vat_number", "VAT")


def make(folder: Path, account: dict[str, object], **options: object) -> tuple[Path, list[str]]:
    """A report of an account that is given as the answers to its paths."""
    answers = folder / "account"
    for path, body in account.items():
        file = Path(f"{answers}{path}.json")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(body))
    said: list[str] = []
    client = k6frames.Client(api_url=answers.as_uri())
    options = {"on_error": "raise", **options}
    report.write_report(client, folder / "report", say=said.append, **options)
    return folder / "report", said


@pytest.fixture(scope="module")
def sample_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample") / "report"
    client = k6frames.Client.sample()
    index = report.write_report(client, folder, on_error="raise", say=lambda _: None)
    assert index == folder / "index.html"
    return folder


class Page(HTMLParser):
    """What a page loads, what it links to, and the text that it shows."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.text = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        values = dict(attrs)
        self.loads += [v for k in ("src", "srcset", "data") if (v := values.get(k))]
        if tag == "link":
            self.loads.append(values["href"] or "")
        if tag == "a" and values.get("href"):
            self.links.append(values["href"] or "")

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_report_has_a_page_a_picture_and_files_for_everything(sample_report):
    names = {file.name for file in sample_report.iterdir()}
    tables = {
        "account_summary", "creation_timeline", "creation_timeline_by_organization",
        "idle_projects", "organization_projects", "organizations", "projects",
        "projects_per_organization", "shared_names",
    }  # fmt: skip
    pages = {"index", *report._PAGES}
    pictures = {*report._PAGES, "creation_timeline_2"}
    assert names == (
        {f"{name}.csv" for name in tables}
        | {f"{name}.parquet" for name in tables}
        | {f"{name}.html" for name in pages}
        | {f"{name}.png" for name in pictures}
    )


def test_the_files_hold_the_frames(sample_report):
    client = k6frames.Client.sample()
    both = k6frames.organization_projects_df(client=client)
    expected = {
        "projects": k6frames.projects_df(client=client),
        "organization_projects": both,
        "projects_per_organization": k6frames.projects_per_organization(both),
        "creation_timeline": k6frames.creation_timeline(both),
        "creation_timeline_by_organization": k6frames.creation_timeline(both, by="org_id"),
        "idle_projects": k6frames.idle_projects(both, as_of=SAMPLE_TODAY),
        "shared_names": k6frames.shared_names(both),
        "account_summary": k6frames.account_summary(both, as_of=SAMPLE_TODAY),
    }
    for name, frame in expected.items():
        pd.testing.assert_frame_equal(
            k6frames.read_parquet(sample_report / f"{name}.parquet"), frame
        )
        pd.testing.assert_frame_equal(k6frames.read_csv(sample_report / f"{name}.csv"), frame)


def test_the_pages_load_nothing_and_their_links_lead_somewhere(sample_report):
    for path in sample_report.glob("*.html"):
        page = Page(path)
        assert all(address.startswith("data:") for address in page.loads), path.name
        assert not page.tags & {"script", "iframe", "object", "embed"}, path.name
        for link in page.links:
            assert link.startswith("#") or (sample_report / link).is_file(), (path.name, link)


def test_the_numbers_on_the_page_are_those_of_the_frames(sample_report):
    shown = re.sub(r"\s+", " ", Page(sample_report / "index.html").text)
    glance = k6frames.read_parquet(sample_report / "account_summary.parquet").iloc[0]
    for column, label in {
        "organizations": "organizations",
        "projects": "projects",
        "created_30_days": "projects created in 30 days",
        "created_365_days": "projects created in 365 days",
        "idle_180_days": "projects idle for 180 days",
    }.items():
        assert f"{label}{glance[column]:,}" in shown.replace(f"{label} ", label)
    assert "the invented sample account, as of 2026-07-01" in shown


def test_nothing_private_stands_in_a_report(sample_report):
    account = k6frames.organizations_df(client=k6frames.Client.sample())
    values = account.filter(regex="billing|vat").stack().dropna()  # noqa: PD013
    secrets = {value for value in values if len(value) > 3}
    assert len(secrets) > 10
    for file in sample_report.iterdir():
        content = file.read_bytes().decode("utf-8", "replace")
        assert not [word for word in secrets if word in content], file.name
        if file.suffix != ".html":
            assert not [word for word in PRIVATE if word in content], file.name


def test_no_path_of_this_machine_stands_in_a_page(sample_report):
    for path in sample_report.glob("*.html"):
        text = re.sub(r"base64,[^\"]+", "", path.read_text(encoding="utf-8"))
        assert not re.findall(r"/(?:tmp|home|root|Users|usr|work)/\S+", text), path.name


def test_hostile_names_stay_text_and_a_failed_organization_is_named(tmp_path):
    trap = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    organizations = [
        {"id": 1, "name": trap, "billing_email": "pay@example.com"},
        {"id": 2, "name": "=HYPERLINK(1)"},
        {"id": 3, "name": "Lost"},
    ]
    project = {"name": trap, "created": "2020-02-01", "updated": "2020-02-02"}
    account = {
        "/v3/organizations": {"organizations": organizations},
        "/v3/organizations/1/projects": {"projects": [{"id": 1, "organization_id": 1, **project}]},
        "/v3/organizations/2/projects": {"projects": [{"id": 2, "organization_id": 2, **project}]},
    }
    folder, said = make(tmp_path, account, on_error="warn")
    index = Page(folder / "index.html")
    assert "1 organization is missing" in index.text
    assert "organization 3: /v3/organizations/3/projects" in index.text
    assert trap in index.text
    for path in folder.glob("*.html"):
        page = Page(path)
        assert not page.tags & {"script"}, path.name
        assert "x" not in page.loads, path.name
        assert "pay@example.com" not in path.read_text(encoding="utf-8")
        assert str(tmp_path) not in path.read_text(encoding="utf-8")
    assert k6frames.read_parquet(folder / "organizations.parquet")["org_id"].tolist() == [1, 2]
    assert "'=HYPERLINK(1)" in (folder / "organizations.csv").read_text()
    assert any(step.startswith("left out: organization 3") for step in said)


@pytest.fixture
def no_notebooks(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Pages without kernels, for what is not about them."""
    picture = {"data": "iVBORw0KGgo=", "alt": "a plot"}
    monkeypatch.setattr(report, "_execute", lambda path, *_: path)
    monkeypatch.setattr(report, "_body", lambda _: "")
    monkeypatch.setattr(report, "_plots", lambda _: iter([picture, picture]))


def test_an_account_of_none_has_a_report_too(tmp_path, no_notebooks):
    folder, _ = make(tmp_path, {"/v3/organizations": {"organizations": []}})
    assert len(k6frames.read_parquet(folder / "projects.parquet")) == 0
    assert "0 projects have not been updated" in Page(folder / "index.html").text


def test_the_account_is_fetched_once_and_the_token_is_nowhere(
    tmp_path, no_notebooks, serve, connect, token
):
    paths = {
        "/v3/organizations": [reply(b'{"organizations": [{"id": 1, "name": "A"}, {"id": 2}]}')],
        "/v3/organizations/1/projects": [reply(b'{"projects": [{"id": 7, "organization_id": 1}]}')],
        "/v3/organizations/2/projects": [reply(b'{"projects": []}')],
    }
    server = serve(script=paths)
    report.write_report(connect(server), tmp_path / "r", on_error="raise", say=lambda _: None)
    assert {path: server.count(path) for path in paths} == dict.fromkeys(paths, 1)
    for file in (tmp_path / "r").iterdir():
        assert token.encode() not in file.read_bytes()


def test_a_report_that_fails_leaves_the_older_one_and_other_files_as_they_were(
    tmp_path, no_notebooks, monkeypatch
):
    account = {"/v3/organizations": {"organizations": []}}
    folder, _ = make(tmp_path, account)
    (folder / "mine.txt").write_text("mine")
    before = {file.name: file.read_bytes() for file in folder.iterdir()}

    def fail(_: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(report, "_body", fail)
    time.sleep(0.01)
    with pytest.raises(OSError, match="No space"):
        make(tmp_path, account)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


def test_the_files_have_the_rights_that_the_umask_gives(tmp_path, no_notebooks):
    before = os.umask(0o027)
    try:
        folder, _ = make(tmp_path, {"/v3/organizations": {"organizations": []}})
    finally:
        os.umask(before)
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o640}


def test_a_notebook_that_fails_is_named_with_its_error(tmp_path, monkeypatch):
    import nbformat  # noqa: PLC0415 - only here

    cell = nbformat.v4.new_code_cell("raise ValueError('not like this')")
    notebooks = tmp_path / "notebooks"
    notebooks.mkdir()
    notebook = nbformat.v4.new_notebook(cells=[cell])
    notebook.metadata["language_info"] = {"name": "python"}
    nbformat.write(notebook, notebooks / "broken.ipynb")
    monkeypatch.setattr(report, "_PAGES", ("broken",))
    monkeypatch.setattr(report, "data_folder", lambda _: notebooks)
    with pytest.raises(k6frames.K6FramesError, match=r"broken.*ValueError: not like this"):
        make(tmp_path, {"/v3/organizations": {"organizations": []}})
