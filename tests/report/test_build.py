"""The report: what is written, what is not, and which files are replaced."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from small_accounts import (
    EMPTY,
    EMPTY_STACK,
    NO_DATES,
    ONE_PROJECT,
    ONE_RUN,
    STACK,
    account_folder,
)

import k6frames
from k6frames import Client, ConfigError
from k6frames.report.build import write_report


def ignore(step: str) -> None:
    """Show no messages."""


def test_every_table_has_a_page_a_csv_and_a_parquet_file(sample_report: Path) -> None:
    for page in sample_report.glob("*.html"):
        if page.name != "index.html":
            assert page.with_suffix(".csv").exists()
            frame = pd.read_parquet(page.with_suffix(".parquet"))
            data = re.search(r'id="data">(.*?)</script>', page.read_text(), re.DOTALL)
            assert data is not None
            assert len(json.loads(data[1])["rows"]) == len(frame)
    assert (sample_report / "test_run_details.html").exists()


def test_the_excel_file_has_a_sheet_for_each_table(sample_report: Path) -> None:
    book = openpyxl.load_workbook(sample_report / "report.xlsx", read_only=True)
    assert len(book.sheetnames) == len(list(sample_report.glob("*.csv")))
    book.close()


def test_nothing_private_is_in_the_report(sample_report: Path) -> None:
    for file in sample_report.iterdir():
        content = file.read_bytes()
        for word in (b"@example.com", b"billing_email", b"Example Street", b"started_by"):
            assert word not in content, file.name


def test_the_index_names_the_account_and_answers_in_sentences(sample_report: Path) -> None:
    page = (sample_report / "index.html").read_text()
    assert "<h1>Marmalade Parcel Works, " in page
    assert "as of 2026-06-29 09:30 UTC" in page
    assert "“Payment webhooks load test” (98%)" in page
    assert "https://marmaladeparcels.grafana.net/a/k6-app/tests/" in page
    assert page.count('role="img"') > 10


def test_no_page_loads_anything_from_another_host(sample_report: Path) -> None:
    for page in sample_report.glob("*.html"):
        text = page.read_text()
        assert not re.findall(
            r'(?:src|href)="(?:https?:)?//(?!marmaladeparcels)[^"]*\.(?:js|css)', text
        )


def test_a_single_file_links_to_no_other_file(tmp_path: Path) -> None:
    client = Client(api_url=account_folder(tmp_path / "account", ONE_PROJECT | ONE_RUN))
    page = write_report(client, tmp_path / "one", show_message=ignore, single_file=True)
    assert [file.name for file in page.parent.iterdir()] == ["index.html"]
    assert not re.findall(r'href="[\w-]+\.(?:html|csv|parquet|xlsx)', page.read_text())


@pytest.mark.parametrize(
    "files",
    [EMPTY, ONE_PROJECT, EMPTY_STACK, ONE_RUN, ONE_PROJECT | ONE_RUN, NO_DATES],
    ids=["empty", "one project", "empty stack", "one run", "both", "no dates"],
)
def test_a_small_account_has_a_finished_report(files: dict[str, Any], tmp_path: Path) -> None:
    client = Client(api_url=account_folder(tmp_path / "account", files))
    page = write_report(
        client, tmp_path / "report", show_message=ignore, single_file=True
    ).read_text()
    assert ">nan<" not in page
    assert "NaT" not in page
    assert not re.search(r"\b1 (?:projects|organizations|rows|runs|load tests)\b", page)
    if "v3/organizations" not in files:
        assert "What is missing" in page


def test_an_account_without_organizations_and_stacks_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "account").mkdir()
    client = Client(api_url=(tmp_path / "account").as_uri())
    with pytest.raises(ConfigError, match=r"no file v3/organizations\.json(.|\n)*no Grafana stack"):
        write_report(client, tmp_path / "report", show_message=ignore)
    assert not (tmp_path / "report").exists()


def test_a_folder_with_the_name_of_a_file_is_an_error_before_any_file_is_replaced(
    tmp_path: Path,
) -> None:
    report = tmp_path / "report"
    (report / "projects.csv").mkdir(parents=True)
    (report / "index.html").write_text("old")
    client = Client(api_url=account_folder(tmp_path / "account", ONE_PROJECT))
    with pytest.raises(ConfigError, match="is a folder"):
        write_report(client, report, show_message=ignore)
    assert (report / "index.html").read_text() == "old"
    assert sorted(file.name for file in report.iterdir()) == ["index.html", "projects.csv"]


def test_files_of_a_killed_report_are_removed_and_other_files_are_kept(tmp_path: Path) -> None:
    report = tmp_path / "report"
    (report / ".report.k6frames-abc.part" / "account").mkdir(parents=True)
    (report / ".report.k6frames-abc.lock").touch()
    (report / "mine.txt").write_text("mine")
    client = Client(api_url=account_folder(tmp_path / "account", ONE_PROJECT))
    write_report(client, report, show_message=ignore)
    assert not list(report.glob(".*"))
    assert (report / "mine.txt").read_text() == "mine"


def test_a_single_file_keeps_the_tables_of_an_earlier_report(tmp_path: Path) -> None:
    client = Client(api_url=account_folder(tmp_path / "account", ONE_PROJECT))
    page = write_report(client, tmp_path / "report", show_message=ignore)
    tables = {file.name for file in page.parent.iterdir()}
    page.write_text("old")
    write_report(client, tmp_path / "report", show_message=ignore, single_file=True)
    assert {file.name for file in page.parent.iterdir()} == tables
    assert page.read_text() != "old"


def test_figures_are_those_of_the_summaries(sample_report: Path) -> None:
    tables = {
        name: k6frames.read_parquet(sample_report / f"{name}.parquet")
        for name in ("test_run_details", "projects", "load_tests")
    }
    as_of = Client.sample().as_of
    usage = k6frames.usage(tables["test_run_details"], by=None, until=as_of)
    page = (sample_report / "index.html").read_text()
    figures = dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", page))
    assert figures["VUh in 2026-06"] == f"{usage['vuh'].iloc[-1]:,.0f}"
    assert figures["Projects"] == f"{len(tables['projects']):,}" == "300"
    assert figures["Load tests"] == f"{len(tables['load_tests']):,}" == "40"
    assert page.count("<section id=") == 13


def test_changes_since_a_snapshot_are_named(sample_report: Path) -> None:
    page = (sample_report / "index.html").read_text()
    assert "<h2>Changes since 2026-06-29</h2>" in page
    answer = "1 load test was added; 1 load test was renamed; 1 limit and 1 load zone were changed."
    assert answer in page
    cells = re.findall(r"<td.*?><bdi>(.*?)</bdi></td>", page)
    assert cells[:3] == ["Load test", "Checkout soak, 4 hours", "added"]
    assert {"renamed from “Old name”", "VUh max per month: 7 → 50", "Load zone"} < set(cells)
    assert len(k6frames.read_parquet(sample_report / "changes.parquet")) == 4


def test_a_report_states_that_nothing_has_changed_since_a_snapshot(tmp_path: Path) -> None:
    client = Client(api_url=account_folder(tmp_path / "account", ONE_PROJECT))
    before = client.snapshot(tmp_path / "before")
    page = write_report(client, tmp_path / "report", show_message=ignore, since=before)
    assert "Nothing has changed. Test runs and metrics are not compared." in page.read_text()


def test_a_folder_that_is_not_a_snapshot_is_an_error_before_the_account_is_read(
    tmp_path: Path,
) -> None:
    with pytest.raises(ConfigError, match="is not a snapshot"):
        write_report(Client.sample(), tmp_path / "report", show_message=ignore, since=tmp_path)
    assert not (tmp_path / "report").exists()


def test_unknown_fields_of_any_kind_are_left_out(tmp_path: Path) -> None:
    address = account_folder(tmp_path / "account", ONE_PROJECT | ONE_RUN)
    strange = f'"deep": {"[" * 500}{"]" * 500}, "large": {"9" * 5000}, '
    for file in (tmp_path / "account").rglob("*.json"):
        file.write_text(file.read_text().replace("{", "{" + strange).replace(", }", "}"))
    write_report(Client(api_url=address), tmp_path / "report", show_message=ignore)
    assert len(k6frames.read_parquet(tmp_path / "report" / "test_run_details.parquet")) == 1
    assert len(k6frames.read_parquet(tmp_path / "report" / "projects.parquet")) == 1


def test_dates_are_not_broken_and_names_are_escaped(tmp_path: Path) -> None:
    project = ONE_PROJECT["v3/organizations/1/projects"]["projects"][0] | {
        "name": "<b>2024-01-02</b>",
        "updated": "2024-03-01",
    }
    files = ONE_PROJECT | {"v3/organizations/1/projects": {"projects": [project]}}
    client = Client(api_url=account_folder(tmp_path / "account", files))
    page = write_report(client, tmp_path / "one", show_message=ignore, single_file=True).read_text()
    assert '&lt;b&gt;<span class="date">2024-01-02</span>&lt;/b&gt;' in page
    assert "<b>" not in page


def test_usage_without_a_project_is_shown_as_unknown(tmp_path: Path) -> None:
    run = ONE_RUN[f"{STACK}/test_runs"]["value"][0]
    ended = run | {"ended": run["created"], "cost": {"total_vuh": 5}, "project_id": None}
    manifest = {"as_of": run["created"], "stacks": [{"id": 5, "url": None}]}
    files = EMPTY_STACK | {f"{STACK}/test_runs": {"value": [ended]}, "account": manifest}
    client = Client(api_url=account_folder(tmp_path / "account", files))
    page = write_report(client, tmp_path / "one", show_message=ignore, single_file=True).read_text()
    assert "100% of them by (unknown)." in page


def test_a_report_without_any_metrics_states_that_they_could_not_be_read(tmp_path: Path) -> None:
    client = Client(api_url=Client.sample().snapshot(tmp_path / "no-metrics").as_uri())
    page = write_report(client, tmp_path / "one", show_message=ignore, single_file=True).read_text()
    assert "No response times could be read." in page
    few_runs = Client(api_url=account_folder(tmp_path / "few-runs", ONE_RUN))
    page = write_report(few_runs, tmp_path / "two", show_message=ignore, single_file=True)
    assert "No load test has enough runs with metrics to compare them." in page.read_text()
