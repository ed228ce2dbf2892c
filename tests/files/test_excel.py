"""Excel: what openpyxl reads back, Excel's limits, and errors."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from strategies import AWKWARD_STRINGS, build_frame, tables_with_frames

from k6frames.errors import ConfigError, SchemaError
from k6frames.files.excel import MAX_ROWS, to_excel
from k6frames.tables import CREATION_TIMELINE_BY_ORGANIZATION, PROJECTS, Table

NOON = pd.Timestamp("2026-01-01 12:00", tz="UTC")
PROJECT = build_frame(PROJECTS, {"name": ["a"]})


def read_cells(path: str = "frame.xlsx", sheet: int = 0) -> list[list[Any]]:
    workbook = openpyxl.load_workbook(path)
    return [[cell.value for cell in row] for row in workbook.worksheets[sheet].iter_rows()]


def test_cells_have_the_types_of_the_columns() -> None:
    frame = build_frame(
        PROJECTS,
        {
            "name": ["=1+1", "", "https://example.com"],
            "org_id": [10**15 - 1, 10**15, None],
            "created": [NOON, None, pd.Timestamp("1899-12-31 23:00", tz="UTC")],
            "updated": [NOON.normalize(), None, None],
            "is_default": [True, False, None],
        },
    )
    to_excel(frame, "frame.xlsx")
    sheet = openpyxl.load_workbook("frame.xlsx").active
    assert sheet is not None
    assert sheet.title == "projects"
    assert [[cell.value for cell in row] for row in sheet.iter_rows()] == [
        list(PROJECTS.dtypes),
        [1, "=1+1", None, 10**15 - 1, datetime(2026, 1, 1, 12), datetime(2026, 1, 1), True],  # noqa: DTZ001
        [2, "", None, "1000000000000000", None, None, False],
        [3, "https://example.com", None, None, "1899-12-31 23:00:00", None, None],
    ]
    assert sheet["B2"].data_type != "f"
    assert sheet["B4"].hyperlink is None
    assert sheet["E2"].is_date
    assert sheet["E2"].number_format == 'yyyy-mm-dd hh:mm:ss "UTC"'
    assert sheet["F2"].number_format == "yyyy-mm-dd"
    assert sheet["D2"].number_format == "0"
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:G4"
    assert sheet["A1"].font.bold
    assert 20 < sheet.column_dimensions["E"].width < 30


@settings(max_examples=10)
@given(drawn=tables_with_frames)
def test_every_frame_of_every_table_has_a_cell_for_each_value(
    drawn: tuple[Table, pd.DataFrame],
) -> None:
    _, frame = drawn
    to_excel(frame, "frame.xlsx")
    cells = read_cells()
    assert cells[0] == list(frame.columns)
    assert len(cells) == len(frame) + 1
    for row, (_, values) in zip(cells[1:], frame.iterrows(), strict=True):
        missing = [value is None for value in row]
        assert missing == [pd.isna(value) for value in values]


def test_awkward_strings_are_read_back() -> None:
    strings = [text for text in AWKWARD_STRINGS if text and "\r" not in text] + ["_x0041_"]
    to_excel(build_frame(PROJECTS, {"name": strings}), "frame.xlsx")
    names = [row[1] for row in read_cells()[1:]]
    # openpyxl does not decode Excel's escape of control characters.
    decoded = [openpyxl.utils.escape.unescape(name) for name in names]  # type: ignore[attr-defined]
    assert decoded == strings


def test_python_objects_and_special_numbers_are_written() -> None:
    frame = pd.DataFrame(
        {
            "mixed": pd.Series([1, "a", 2.5, date(2026, 1, 1), NOON, [1], None], dtype=object),
            "float": [1.5, np.inf, np.nan, 1.0, -np.inf, 0.0, 2.0],
        }
    )
    to_excel(frame, "frame.xlsx")
    assert read_cells()[1:] == [
        [1, 1.5],
        ["a", "inf"],
        [2.5, None],
        [datetime(2026, 1, 1), 1],  # noqa: DTZ001
        [datetime(2026, 1, 1, 12), "-inf"],  # noqa: DTZ001
        ["[1]", 0],
        [None, 2],
    ]


def test_each_frame_has_a_sheet_and_an_index_with_a_name_is_a_column() -> None:
    to_excel({"One": PROJECT, "Two ✓": PROJECT.set_index("project_id")}, "frame.xlsx")
    assert openpyxl.load_workbook("frame.xlsx").sheetnames == ["One", "Two ✓"]
    assert read_cells(sheet=0) == read_cells(sheet=1)


def test_the_index_of_a_frame_with_exactly_the_columns_of_a_table_is_not_written() -> None:
    indexed = PROJECT.set_index("project_id", drop=False)
    to_excel({"One": PROJECT, "Two": indexed}, "frame.xlsx")
    assert read_cells(sheet=0) == read_cells(sheet=1)


def test_the_sheet_of_one_frame_has_the_name_of_its_table() -> None:
    to_excel(pd.DataFrame({"mine": [1]}), "frame.xlsx")
    assert openpyxl.load_workbook("frame.xlsx").sheetnames == ["Sheet1"]
    timeline = build_frame(CREATION_TIMELINE_BY_ORGANIZATION, {"org_id": [], "period": []})
    to_excel(timeline, "frame.xlsx")
    assert openpyxl.load_workbook("frame.xlsx").sheetnames == ["creation_timeline_by_organizati"]


@pytest.mark.parametrize("frame", [pd.DataFrame(), PROJECT.head(0), pd.DataFrame(index=[1, 2])])
def test_a_frame_without_rows_or_columns_is_written(frame: pd.DataFrame) -> None:
    to_excel({"a": frame}, "frame.xlsx")
    assert openpyxl.load_workbook("frame.xlsx").sheetnames == ["a"]


def test_timestamps_are_converted_to_utc() -> None:
    frame = PROJECT.assign(
        created=NOON.tz_convert("Asia/Tokyo"), x=[datetime(2026, 1, 1, tzinfo=UTC)]
    )
    to_excel(frame, "frame.xlsx")
    row = read_cells()[1]
    assert row[4] == datetime(2026, 1, 1, 12)  # noqa: DTZ001
    assert row[-1] == datetime(2026, 1, 1)  # noqa: DTZ001


def test_a_timestamp_that_an_offset_moves_to_the_year_0_is_a_string() -> None:
    to_excel(pd.DataFrame({"x": [pd.Timestamp("0001-01-01T00:00+14:00")]}), "frame.xlsx")
    assert read_cells()[1] == ["0000-12-31 10:00:00"]


# --- limits and errors ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["", "x" * 32, "🚀" * 16, "a:b", "a/b", "a[", "a?", "'a", "a'", "History", "a\0", "\ud800", 5],
    ids=repr,
)
def test_a_sheet_name_that_excel_does_not_allow_is_refused(name: Any) -> None:
    with pytest.raises(ConfigError, match="Excel does not allow a sheet named"):
        to_excel({name: PROJECT}, "frame.xlsx")
    assert not Path("frame.xlsx").exists()


def test_sheet_names_that_differ_only_in_case_are_refused() -> None:
    with pytest.raises(ConfigError, match="Two sheets are named 'A'"):
        to_excel({"a": PROJECT, "A": PROJECT}, "frame.xlsx")


@pytest.mark.parametrize("frames", [{}, None, 5, [PROJECT], {"a": 5}], ids=lambda f: str(f)[:9])
def test_only_frames_and_mappings_of_frames_are_written(frames: Any) -> None:
    with pytest.raises((ConfigError, SchemaError), match=r"Expected|at least one"):
        to_excel(frames, "frame.xlsx")


def test_more_rows_or_columns_than_a_sheet_has_are_refused() -> None:
    with pytest.raises(
        SchemaError, match=r"has 1,048,576 by 1 cells, .* 1,048,575 by 16,384 below"
    ):
        to_excel(pd.DataFrame({"a": np.zeros(MAX_ROWS)}), "frame.xlsx")
    with pytest.raises(SchemaError, match="use to_csv or to_parquet"):
        to_excel(pd.DataFrame(np.zeros((1, 16_385))), "frame.xlsx")


def test_a_string_that_is_too_long_is_shortened_with_a_warning_that_names_the_cell() -> None:
    frame = build_frame(PROJECTS, {"name": ["a", "x" * 40_000]})
    with pytest.warns(UserWarning, match="Row 3, column 'name': .* 32,767 char") as caught:
        to_excel(frame, "frame.xlsx")
    assert caught[0].filename == __file__
    assert read_cells()[2][1] == "x" * 32_767


def test_characters_that_excel_counts_twice_are_counted_twice() -> None:
    frame = build_frame(PROJECTS, {"name": ["\U0001f600" * 20_000, "\U0001f600" * 16_383]})
    with pytest.warns(UserWarning, match="shortened") as caught:
        to_excel(frame, "frame.xlsx")
    assert len(caught) == 1
    assert [row[1] for row in read_cells()[1:]] == ["\U0001f600" * 16_383] * 2


def test_a_lone_surrogate_is_refused_and_the_old_file_is_unchanged() -> None:
    Path("frame.xlsx").write_text("old")
    frame = pd.DataFrame({"a": pd.Series(["x", "\ud800"], dtype=object)})
    with pytest.raises(SchemaError, match="Row 3, column 'a'"):
        to_excel(frame, "frame.xlsx")
    frame.columns = pd.Index(["\ud800"], dtype=object)
    with pytest.raises(SchemaError, match="The name of column 1"):
        to_excel(frame[:1], "frame.xlsx")
    assert Path("frame.xlsx").read_text() == "old"
    assert [path.name for path in Path().iterdir()] == ["frame.xlsx"]


def test_values_that_do_not_conform_are_refused() -> None:
    with pytest.raises(SchemaError, match="duplicate key"):
        to_excel(pd.concat([PROJECT, PROJECT]), "frame.xlsx")


def test_without_xlsxwriter_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    with pytest.raises(ConfigError, match=r'pip install "k6frames\[excel\]"'):
        to_excel(PROJECT, "frame.xlsx")
