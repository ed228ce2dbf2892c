"""How rows are listed: tables, tabs, columns, sorting, files, private columns."""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest
from rich.cells import cell_len

import k6frames
from k6frames.cli.main import cli
from k6frames.cli.terminal_table import print_table
from k6frames.tables import TABLES

PRIVATE = {column.name for table in TABLES for column in table.columns if column.private}
LISTINGS = [
    "organizations", "projects", "load-tests", "test-runs", "schedules", "limits", "usage",
    "results", "budget", "idle", "metrics 735140",
]  # fmt: skip
ID = re.compile(r"\d{4,}")
DATE = re.compile(r"\d{4}-\d\d-\d\d( \d\d:\d\d)?")

TABLE = """\
         project_id  name                    share       vuh
-------------------  ----------------------  -----  --------
1234567890123456789  short                   12.3%  1,234.50
                  2  月うさぎ月うさぎ月う …             0.25
(2 rows; 4 of 5 columns: choose others with --columns)
"""


def rows_of(output: str) -> list[list[str]]:
    return [line.split("\t") for line in output.splitlines()]


# --- in a pipe ----------------------------------------------------------------------------------


def test_pipe_has_complete_cells_separated_by_tabs(run, sample) -> None:
    header, *rows = rows_of(run("test-runs", "--sample", "--limit", "300").stdout)
    runs = k6frames.test_run_details_df(client=sample)
    expected = runs.sort_values(["created", "test_run_id"], ascending=False).head(300)
    assert header[:5] == ["test_run_id", "created", "load_test_name", "result", "total_vuh"]
    for index, name in enumerate(header):
        cells = [row[index] for row in rows]
        if expected[name].dtype.kind == "M":
            assert [datetime.fromisoformat(cell) for cell in cells] == expected[name].tolist()
        elif expected[name].dtype.kind == "f":
            numbers = [float(cell) if cell else pd.NA for cell in cells]
            assert pd.array(numbers, dtype="Float64").equals(expected[name].array)
        else:
            assert cells == ["" if pd.isna(value) else str(value) for value in expected[name]]


def test_missing_value_is_an_empty_cell_and_booleans_are_words(run) -> None:
    columns = "name,created,is_default"
    lines = run("organizations", "--sample", "--columns", columns).stdout.splitlines()
    assert lines[1].endswith("\ttrue")
    assert run("projects", "--sample", "--columns", "updated").stdout.count("\n\n") > 0


# --- on a terminal ------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("command", LISTINGS)
def test_table_fits_the_terminal_and_shortens_neither_ids_nor_dates(
    command: str, width: int, run, terminal
) -> None:
    terminal(width)
    arguments = [*command.split(), "--sample", "--limit", "40"]
    header, rule, *rows, footer = run(*arguments).stdout.splitlines()
    assert max(map(cell_len, [header, rule, *rows])) <= width
    assert re.match(r"\(\d+ (of [\d,]+ )?rows?; \d+ of \d+ columns: ", footer) or width == 200
    names = header.split()
    for name, span in zip(names, re.finditer("-+", rule), strict=True):
        # Wide characters would shift the columns, so only ASCII rows are split into cells.
        cells = [row[slice(*span.span())].strip() for row in rows if row.isascii()]
        present = [cell for cell in cells if cell]
        if name.endswith("_id") or name == "id":
            assert all(ID.fullmatch(cell) for cell in present)
        if name in {"created", "updated", "next_run", "period", "last_run", "failing_since"}:
            assert all(DATE.fullmatch(cell) for cell in present)


@pytest.mark.parametrize(
    ("command", "column"), [("usage", "vuh"), ("results", "pass_rate"), ("budget", "used_vuh")]
)
def test_narrow_terminal_shows_the_most_important_number_next_to_the_name(
    command: str, column: str, run, terminal
) -> None:
    terminal(40)
    header = run(command, "--sample").stdout.splitlines()[0]
    assert header.split()[-1] == column


def test_long_strings_share_the_space_that_ids_and_numbers_leave(
    terminal, capsys, monkeypatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "60")
    frame = pd.DataFrame(
        {
            "project_id": pd.array([1234567890123456789, 2], dtype="Int64"),
            "name": pd.array(["short", "月うさぎ" * 30], dtype="string"),
            "share": pd.array([0.123456, None], dtype="Float64"),
            "vuh": pd.array([1234.5, 0.25], dtype="Float64"),
            "runs": pd.array([1234, None], dtype="Int64"),
        }
    )
    print_table(frame, total_rows=2, total_columns=5, user_chose_columns=False)
    assert capsys.readouterr().out == TABLE
    print_table(frame, total_rows=20, total_columns=5, user_chose_columns=True)
    assert capsys.readouterr().out.splitlines()[-1] == (
        "(2 of 20 rows; without runs: the terminal is too narrow)"
    )


def test_numbers_ids_and_dates_are_written_for_people(terminal, capsys, monkeypatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    frame = pd.DataFrame(
        {
            "org_id": pd.array([12345], dtype="Int64"),
            "test_runs": pd.array([12345], dtype="Int64"),
            "value": pd.array([0.01234], dtype="Float64"),
            "idle": pd.array([0.0], dtype="Float64"),
            "period": pd.to_datetime(["2026-06-01"]).tz_localize("UTC").as_unit("us"),
            "created": pd.to_datetime(["2026-06-01 12:30:59"]).tz_localize("UTC").as_unit("us"),
            "is_default": pd.array([True], dtype="boolean"),
        }
    )
    print_table(frame, total_rows=1, total_columns=7, user_chose_columns=True)
    row = capsys.readouterr().out.splitlines()[2]
    assert " ".join(row.split()) == ("12345 12,345 0.0123 0.00 2026-06-01 2026-06-01 12:30 true")


def test_number_of_rows_is_singular_or_plural(run, terminal) -> None:
    terminal(80)
    shown = [run("organizations", "--sample", "--limit", n).stdout for n in ("0", "1", "99")]
    assert [text.splitlines()[-1].partition(";")[0] for text in shown] == [
        "(0 of 12 rows",
        "(1 of 12 rows",
        "(12 rows",
    ]
    one = run("organizations", "--sample", "--org", "1013").stdout.splitlines()[-1]
    assert one.startswith("(1 row;")
    assert run("organizations", "--sample", "--org", "1013", "--csv", "a").stderr == (
        "Wrote 1 row to a.\n"
    )


@pytest.mark.parametrize("options", [(), ("--csv", "-"), ("--json", "-")])
@pytest.mark.parametrize("is_terminal", [True, False])
def test_control_characters_do_not_reach_the_terminal(
    options, is_terminal: bool, run, terminal, tmp_path, monkeypatch
) -> None:
    name = "\x1b[31mred\x1b]0;title\x07\u202etrap\nline\ttab\x00\x9b"
    folder = tmp_path / "account" / "v3"
    folder.mkdir(parents=True)
    body = {"organizations": [{"id": 1, "name": name}]}
    (folder / "organizations.json").write_text(json.dumps(body))
    monkeypatch.setenv("K6FRAMES_API_URL", folder.parent.as_uri())
    if is_terminal:
        terminal(80)
    elif options:
        return  # a program gets the name as it is
    shown = run("organizations", *options).stdout
    assert "red" in shown
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", shown)
    error = run("organizations", "--org", "nobody").stderr
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", error)


# --- columns and rows ---------------------------------------------------------------------------


def test_rows_are_sorted_by_several_columns_in_both_directions_missing_values_last(run) -> None:
    options = ("--sort", "-org_name,updated", "--columns", "org_name,updated")
    header, *rows = rows_of(run("projects", "--sample", *options).stdout)
    assert header == ["org_name", "updated"]
    ordered = sorted(rows, key=lambda row: (row[1] == "", row[1]))
    ordered.sort(key=lambda row: row[0].casefold(), reverse=True)
    assert rows == ordered
    assert len({row[0] for row in rows}) > 5


def test_limit_takes_the_first_rows_after_sorting(run) -> None:
    options = ("--columns", "project_id", "--sort", "-project_id")
    all_lines = run("projects", "--sample", *options).stdout.splitlines()
    limited = run("projects", "--sample", *options, "--limit", "3").stdout.splitlines()
    assert limited == all_lines[:4]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--columns", "name,name"], "--columns: the column name is given twice."),
        (["--sort", "name,-name"], "--sort: the column name is given twice."),
        (["--columns", " , "], "--columns names no column."),
        (
            ["--columns", "nam"],
            "--columns: there is no column 'nam'. The columns are org_id, name, ",
        ),
        (["--columns", "vat_number"], "The column vat_number is private: add --private to see it."),
        (["--sort", "-vat_number"], "The column vat_number is private: add --private to see it."),
        (["--csv", "-", "--json", "-"], "--csv and --json both write to standard output: "),
        (["--csv", "-", "--json", "/dev/stdout"], "--csv and --json both write to standard "),
        (["--csv", "a", "--excel", "./a"], "--csv and --excel both write to ./a: "),
        (["--csv", "a.xlsx"], "--csv: The extension .xlsx of a.xlsx does not fit the format csv: "),
        (
            ["--json", "a.json.gz"],
            "--json: The extension .gz of a.json.gz does not fit the format ",
        ),
        (["--limit", "9" * 5000], "Invalid value for '--limit': '999"),
        (["--on-error", "warn"], "No such option"),
        (["--stack", "1"], "No such option"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(options, message: str, run) -> None:
    result = run("organizations", "--sample", *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"Error: {message}")
    assert result.stderr.count("\n") == 1
    assert len(result.stderr) < 300


# --- private columns ----------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["organizations", "test-runs", "schedules", "schedules --all"])
def test_private_columns_are_everywhere_or_nowhere(command: str, run) -> None:
    arguments = [*command.split(), "--sample", "--limit", "2"]
    for option, expected in ((), set()), (("--private",), PRIVATE):
        shown = {
            "table": run(*arguments, *option).stdout.splitlines()[0].split("\t"),
            "csv": run(*arguments, *option, "--csv", "-").stdout.splitlines()[0].split(","),
            "json": json.loads(run(*arguments, *option, "--json", "-").stdout)[0],
        }
        found = {name: {n.strip('"') for n in names} & PRIVATE for name, names in shown.items()}
        assert found["table"] == found["csv"] == found["json"]
        assert bool(found["csv"]) == bool(expected)


def test_only_commands_with_private_columns_have_the_option_private() -> None:
    commands = {
        name
        for name, command in cli.commands.items()
        if any(parameter.name == "private" for parameter in command.params)
    }
    assert commands == {"organizations", "test-runs", "schedules"}


# --- files --------------------------------------------------------------------------------------


def test_files_have_the_frame_of_the_loader(run, sample) -> None:
    expected = k6frames.load_tests_df(client=sample)
    names = k6frames.stack_projects_df(client=sample)
    expected.insert(3, "project_name", _names(names, expected["project_id"]))
    expected.attrs = {}
    formats = ("csv", "parquet", "json", "excel")
    options = [option for name in formats for option in (f"--{name}", f"a.{name}")]
    result = run("load-tests", "--sample", *options)
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.splitlines() == [
        f"Wrote 40 rows to a.{name}." for name in ("csv", "json", "parquet", "excel")
    ]
    pd.testing.assert_frame_equal(k6frames.read_parquet("a.parquet"), expected)
    read = k6frames.read_csv("a.csv").astype({"project_name": expected["project_name"].dtype})
    pd.testing.assert_frame_equal(read, expected)
    records = json.loads(Path("a.json").read_text())
    assert [list(record) for record in records] == [list(expected)] * 40
    assert [record["load_test_id"] for record in records] == expected["load_test_id"].tolist()
    assert [pd.Timestamp(record["created"]) for record in records] == expected["created"].tolist()
    assert pd.read_excel("a.excel")["name"].tolist() == expected["name"].tolist()


def _names(projects: pd.DataFrame, ids: pd.Series) -> pd.Series:
    return ids.map(projects.set_index("project_id")["name"]).astype("string")


def test_json_keeps_all_digits_and_has_null_for_missing_values(run, sample) -> None:
    records = json.loads(run("test-runs", "--sample", "--json", "-").stdout)
    runs = k6frames.test_run_details_df(client=sample).set_index("test_run_id")
    for record in records[::100]:
        row = runs.loc[record["test_run_id"]]
        for name, value in row.items():
            if pd.isna(value):
                assert record[name] is None
            elif isinstance(value, pd.Timestamp):
                assert record[name].endswith("Z")
                assert pd.Timestamp(record[name]) == value
            else:
                assert record[name] == value


@pytest.mark.parametrize("output", ["csv", "json", "parquet"])
def test_standard_output_gets_the_bytes_of_the_file(output: str, run) -> None:
    run("projects", "--sample", f"--{output}", "a")
    shown = run("projects", "--sample", f"--{output}", "-")
    assert shown.stdout_bytes == Path("a").read_bytes()
    assert shown.stderr == ""


@pytest.mark.parametrize("output", ["parquet", "excel"])
def test_binary_format_is_not_written_to_a_terminal(output: str, run, terminal) -> None:
    terminal(80)
    result = run("organizations", "--sample", f"--{output}", "-")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"Error: --{output} writes binary data")


def test_file_that_cannot_be_written_is_one_line_and_status_1(run) -> None:
    for path, reason in (("missing/a.csv", "No such file"), ("/dev/full", "No space left")):
        result = run("projects", "--sample", "--csv", path)
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.startswith(f"Error: {path}: {reason}")
        assert result.stderr.count("\n") == 1
