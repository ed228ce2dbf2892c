"""The command line: what it prints, where it writes, and how it fails."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result
from servers import reply

import k6frames
from k6frames.cli import cli


def run(*arguments: str) -> Result:
    """A command as a function call; errors come as exceptions in the result."""
    return CliRunner().invoke(cli, [*arguments], prog_name="k6frames")


def program(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command as the user runs it."""
    return subprocess.run(
        [sys.executable, "-m", "k6frames.cli", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **environment},
    )


@pytest.fixture
def sample() -> k6frames.Client:
    return k6frames.Client.sample()


def test_help_names_every_command_and_loads_neither_pandas_nor_requests():
    code = (
        "import sys\nsys.argv = ['k6frames', '--help']\nfrom k6frames.cli import main\n"
        "try: main()\nfinally: print({'pandas', 'requests', 'pyarrow', 'rich'} & set(sys.modules))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    ).stdout
    for command in cli.commands:
        assert command in shown
    assert shown.strip().endswith("set()")


def test_organizations_in_a_pipe_are_lines_with_tabs_without_billing_data(sample):
    lines = run("organizations", "--sample").output.splitlines()
    assert lines[0].split("\t") == ["org_id", "name", "created", "updated", "is_default"]
    expected = k6frames.organizations_df(client=sample)
    assert [line.split("\t")[1] for line in lines[1:]] == expected["name"].tolist()


def test_projects_of_one_organization_by_number_by_name_and_by_a_part_of_it():
    by_number = run("projects", "--sample", "--org", "618240").output
    assert by_number.count("\n") == 2
    assert run("projects", "--sample", "--org", "solo SANDBOX").output == by_number
    assert run("projects", "--sample", "--org", "sandb").output == by_number


def test_an_organization_that_is_unknown_or_ambiguous_is_wrong_usage_that_lists_them():
    unknown, several = (run("projects", "--sample", "--org", name) for name in ("nobody", "o"))
    assert unknown.exit_code == several.exit_code == 2
    assert "1013 (Marmalade Parcel Works)" in unknown.output
    assert "may be any of" in several.output


def test_sorting_and_columns_choose_what_is_shown():
    shown = run("projects", "--sample", "--sort", "-project_id", "--columns", "project_id, name")
    rows = [line.split("\t") for line in shown.output.splitlines()]
    assert rows[0] == ["project_id", "name"]
    numbers = [int(row[0]) for row in rows[1:]]
    assert numbers == sorted(numbers, reverse=True)
    assert run("projects", "--sample", "--sort", "nothing").exit_code == 2
    assert run("organizations", "--sample", "--columns", "billing_email").exit_code == 2


@pytest.mark.parametrize("listing", ["organizations", "projects"])
def test_csv_and_parquet_files_hold_the_whole_frame(listing, sample, tmp_path):
    loader = {"organizations": k6frames.organizations_df, "projects": k6frames.projects_df}[listing]
    expected = loader(client=sample)
    result = run(listing, "--sample", "--csv", "a.csv", "--parquet", "a.parquet")
    assert (result.exit_code, result.stdout) == (0, "")
    pd.testing.assert_frame_equal(k6frames.read_csv("a.csv"), expected)
    pd.testing.assert_frame_equal(k6frames.read_parquet("a.parquet"), expected)


def test_json_and_csv_go_to_standard_output_byte_for_byte(sample):
    records = json.loads(run("projects", "--sample", "--json", "-").stdout)
    assert [r["project_id"] for r in records] == k6frames.projects_df(client=sample)[
        "project_id"
    ].tolist()
    assert all(re.search(r"\.\d{6}Z$", r["created"]) for r in records if r["created"])
    run("projects", "--sample", "--csv", "a.csv")
    assert run("projects", "--sample", "--csv", "-").stdout_bytes == Path("a.csv").read_bytes()


def test_on_a_terminal_the_table_fits_its_width_with_wide_characters():
    code = (
        "import sys; sys.stdout.isatty = lambda: True\n"
        "sys.argv = ['k6frames', 'organizations', '--sample']\n"
        "from k6frames.cli import main; main()"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={**os.environ, "COLUMNS": "60", "PYTHONUTF8": "1"},
    ).stdout
    from rich.cells import cell_len  # noqa: PLC0415 - the measure that terminals use

    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    assert max(cell_len(line) for line in plain.splitlines()) <= 60
    assert "月うさぎ" in shown
    assert "12 rows" in shown


def test_control_characters_in_names_do_not_reach_the_terminal(tmp_path):
    folder = tmp_path / "account"
    (folder / "v3").mkdir(parents=True)
    name = "\x1b[31mred\x1b]0;title\x07\u202etrap\nline\ttab\x00"
    body = {"organizations": [{"id": 1, "name": name}]}
    (folder / "v3" / "organizations.json").write_text(json.dumps(body))
    shown = program("organizations", K6FRAMES_API_URL=folder.as_uri()).stdout
    assert "red" in shown
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202e]", shown)
    assert shown.count("\n") == 2


def test_summary_says_the_account_in_ten_lines():
    lines = run("summary", "--sample").output.splitlines()
    assert len(lines) == 10
    assert lines[0].split() == ["organizations", "12"]
    assert lines[2].split() == ["projects", "300"]


def test_without_a_token_one_line_on_stderr_names_the_three_ways_and_the_sample():
    failed = program("organizations")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr.count("\n") == 1
    for way in ("token=", "K6_CLOUD_TOKEN", "k6 cloud login", "--sample"):
        assert way in failed.stderr


def test_a_file_that_cannot_be_written_is_one_line_and_status_1():
    failed = program("projects", "--sample", "--csv", "missing/a.csv")
    assert failed.returncode == 1
    assert failed.stderr.count("\n") == 1
    assert "missing/a.csv" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_wrong_usage_is_status_2():
    assert program("projects", "--nonsense").returncode == 2
    assert program("nonsense").returncode == 2


def test_a_reader_that_stops_early_gets_no_traceback():
    shell = f"{sys.executable} -m k6frames.cli projects --sample | head -1"
    done = subprocess.run(
        ["bash", "-c", shell], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.startswith("project_id\t")
    assert done.stderr == ""


def test_cache_shows_what_is_kept_and_clears_it(tmp_path, serve):
    environment = {"K6FRAMES_API_URL": serve(reply()).url, "K6_CLOUD_TOKEN": "abc"}
    assert "nothing is kept" in program("cache").stdout
    assert program("organizations", **environment).returncode == 0
    assert ": 1 answers" in program("cache").stdout
    assert "cleared" in program("cache", "--clear").stdout
    assert "nothing is kept" in program("cache").stdout
    assert list((tmp_path / "cache").iterdir()) == []


def test_lab_copies_the_notebooks_and_overwrites_none(monkeypatch):
    started = []
    monkeypatch.setattr(os, "execv", lambda *arguments: started.append(arguments))
    Path("mine").mkdir()
    Path("mine/creation_timeline.ipynb").write_text("my own")
    assert run("lab", "mine").exit_code == 0
    assert Path("mine/creation_timeline.ipynb").read_text() == "my own"
    assert json.loads(Path("mine/getting_started.ipynb").read_text())["cells"]
    assert started[0][1][1:] == ["-m", "jupyterlab", "mine"]
