"""CSV: what is in the file, files of other programs, errors, formulas and compression."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import lzma
import re
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import AWKWARD_STRINGS, build_frame

from k6frames.errors import ConfigError, SchemaError
from k6frames.files.csv import read_csv, to_csv
from k6frames.tables import ORGANIZATIONS, PROJECTS

HEADER = ",".join(PROJECTS.dtypes)
NOON = pd.Timestamp("2020-01-01 12:00", tz="UTC")
AWKWARD = build_frame(PROJECTS, {"name": [*AWKWARD_STRINGS, None]})


# --- the file -------------------------------------------------------------------------------------


def test_a_missing_value_is_an_empty_cell_and_an_empty_string_is_two_quotes() -> None:
    to_csv(build_frame(PROJECTS, {"name": ["", None, 'say "x"\n']}), "frame.csv")
    header, rows = Path("frame.csv").read_bytes().split(b"\n", 1)
    assert header.replace(b'"', b"").decode() == HEADER
    assert rows == b'1,"",,,,,\n2,,,,,,\n3,"say ""x""\n",,,,,\n'


def test_added_columns_are_written_with_their_values() -> None:
    frame = build_frame(PROJECTS, {"name": ["a", None]}).assign(
        count=[1, 2],
        whole=[1.0, None],
        flag=[True, False],
        at=[NOON, pd.NaT],
        text=["", None],
        list=[[1], None],
    )
    to_csv(frame, "frame.csv")
    rows = Path("frame.csv").read_text().splitlines()[1:]
    assert rows == [
        '1,"a",,,,,,1,"1.0",true,"2020-01-01 12:00:00+00:00","","[1]"',
        "2,,,,,,,2,,false,,,",
    ]


def test_a_missing_value_of_the_only_added_column_keeps_its_row() -> None:
    frame = build_frame(PROJECTS, {"name": ["a", "b", "c"]}).assign(team=["x", None, "y"])
    to_csv(frame, "frame.csv")
    pd.testing.assert_frame_equal(read_csv("frame.csv"), frame)


def test_plain_pandas_reads_the_csv() -> None:
    # pandas ends a cell at NUL.
    frame = build_frame(PROJECTS, {"name": [text for text in AWKWARD_STRINGS if "\0" not in text]})
    to_csv(frame, "frame.csv")
    plain = pd.read_csv("frame.csv", keep_default_na=False)
    assert plain["project_id"].tolist() == frame["project_id"].tolist()
    assert plain["name"].tolist() == frame["name"].tolist()


# --- files of other programs ----------------------------------------------------------------------


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("quote", ["", '"'])
@pytest.mark.parametrize("extra", ["", ",team"])
def test_a_csv_that_another_program_wrote_is_read(
    end: str, bom: str, quote: str, extra: str
) -> None:
    header = ",".join(f"{quote}{name}{quote}" for name in PROJECTS.dtypes) + extra
    rows = [
        "1,é,,7,2020-01-01T12:00:00Z,2020-01-01 14:00:00+02:00,TRUE" + extra,
        "2,x,,,,,false" + extra,
    ]
    Path("frame.csv").write_bytes((bom + end.join(["", header, *rows, ""])).encode())
    expected = build_frame(
        PROJECTS,
        {
            "name": ["é", "x"],
            "org_id": [7, None],
            "created": [NOON, None],
            "updated": [NOON, None],
            "is_default": [True, False],
        },
    )
    if extra:
        expected["team"] = "team"
    pd.testing.assert_frame_equal(read_csv("frame.csv"), expected)


def test_the_index_that_pandas_writes_is_an_added_column() -> None:
    frame = build_frame(PROJECTS, {"name": ["a", None]})
    frame.to_csv("frame.csv")
    result = read_csv("frame.csv")
    pd.testing.assert_frame_equal(result.iloc[:, 1:], frame)
    assert result.columns[0] == "Unnamed: 0"


def test_a_cell_of_three_megabytes_is_read() -> None:
    frame = build_frame(PROJECTS, {"name": ["a" * 3_000_000, "b", "c\n" * 1_500_000]})
    to_csv(frame, "frame.csv")
    pd.testing.assert_frame_equal(read_csv("frame.csv"), frame)
    Path("header.csv").write_text("x" * 200_000 + "\n1\n")
    with pytest.warns(UserWarning, match="does not match any table"):
        assert read_csv("header.csv").shape == (1, 1)


# --- errors ---------------------------------------------------------------------------------------

BAD_CSV: dict[str, tuple[str | bytes, str]] = {
    "string as ID": ("x,,,,,,", "row 2, column 'project_id': expected an integer .*, not 'x'"),
    "fraction as ID": ("1.5,,,,,,", "'project_id': .*, not '1.5'"),
    "too big": (f"{2**63},,,,,,", "'project_id': expected an integer \\(signed, 64-bit\\)"),
    "no ID": (",a,,,,,", "'project_id' .* has missing values"),
    "duplicate ID": ("1,,,,,,\n1,,,,,,", r"duplicate key \(project_id 1\)"),
    "not a date": ("1,,,,,,\n2,,,,soon,,", "row 3, column 'created': .* 2026-.*Z, not 'soon'"),
    "line break": ('1,,,,"so\non",,', "column 'created': .*, not 'so\\\\non'"),
    "date without offset": ("1,,,,2020-01-01 00:00:00,,", "'created': .* with an offset"),
    "year 0": ("1,,,,0000-01-01T00:00:00Z,,", "'created' .* outside the years 1 to 9999"),
    "not a boolean": ("1,,,,,,maybe", "row 2, column 'is_default': expected true or false"),
    "row too short": ("1,,,,,,\n2,a", "row 3 has 2 cells, and the header has 7"),
    "row too long": ("1,,,,,,,", "row 2 has 8 cells, and the header has 7"),
    "open quote": ('1,"a', "row 2 has 2 cells"),
    "invalid UTF-8": (b"1,\xff,,,,,", "row 2, column 'name': expected a string in UTF-8"),
}


@pytest.mark.parametrize("case", BAD_CSV)
def test_a_csv_that_does_not_conform_is_an_error_that_names_file_row_and_column(case: str) -> None:
    rows, pattern = BAD_CSV[case]
    body = rows if isinstance(rows, bytes) else rows.encode()
    Path("frame.csv").write_bytes(HEADER.encode() + b"\n" + body + b"\n")
    with pytest.raises(SchemaError) as caught:
        read_csv("frame.csv")
    assert str(caught.value).startswith("frame.csv does not match the table 'projects': ")
    assert re.search(pattern, str(caught.value)), caught.value


@pytest.mark.parametrize("row", ["1,a,2,b,secret", "1,a,secret,,,,,,,,", "1,a,,b,c,d,e,f,secret,,"])
def test_a_private_value_is_not_in_the_error(row: str) -> None:
    Path("frame.csv").write_text(",".join(ORGANIZATIONS.dtypes) + f"\n{row}\n")
    with pytest.raises(SchemaError, match="row 2") as caught:
        read_csv("frame.csv")
    assert "secret" not in str(caught.value)


def test_columns_that_do_not_conform_are_read_by_pandas_with_a_warning_that_says_why() -> None:
    Path("frame.csv").write_text(f"{HEADER},team\n1,,,,soon,,,A\n")
    with pytest.warns(UserWarning, match="row 2, column 'created': expected a timestamp") as caught:
        result = read_csv("frame.csv")
    assert caught[0].filename == __file__
    assert result.loc[0, ["project_id", "created", "team"]].tolist() == [1, "soon", "A"]


def test_an_added_column_whose_name_is_not_utf_8_is_an_error_that_says_so() -> None:
    Path("frame.csv").write_bytes(
        f"{HEADER},caf\xe9\n1{',' * len(PROJECTS.dtypes)}\n".encode("latin-1")
    )
    with pytest.warns(UserWarning, match="a column name is not UTF-8"), pytest.raises(SchemaError):
        read_csv("frame.csv")


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf"])
def test_an_empty_csv_is_an_error_that_names_the_file(content: bytes) -> None:
    Path("frame.csv").write_bytes(content)
    with pytest.raises(SchemaError, match=r"^frame\.csv is empty"):
        read_csv("frame.csv")


@pytest.mark.parametrize("content", [b"a,b\n1\n1,2,3\n", b"a,b\n\xff,1\n", b'a,b\n"1\n', b"a\n\0"])
def test_a_csv_that_matches_no_table_is_a_frame_or_a_schema_error(content: bytes) -> None:
    Path("frame.csv").write_bytes(content)
    with contextlib.suppress(SchemaError), pytest.warns(UserWarning, match="not match any table"):
        assert isinstance(read_csv("frame.csv"), pd.DataFrame)


def test_a_csv_that_matches_no_table_with_rows_of_different_lengths_is_named() -> None:
    Path("frame.csv").write_text("a,b\n1,2\n1,2,3\n")
    with (
        pytest.warns(UserWarning, match="does not match any table"),
        pytest.raises(SchemaError, match=r"^frame\.csv cannot be read as CSV: .*line 3"),
    ):
        read_csv("frame.csv")


@given(
    content=st.binary(max_size=80)
    | st.text("12,\n\r\"'ax\0\ufeff=-.:TZ", max_size=80).map(lambda text: text.encode()),
    header=st.sampled_from(["", HEADER + "\n", HEADER + ",x\n", "project_id,name\n"]),
)
@pytest.mark.filterwarnings("ignore")
def test_any_content_is_a_frame_or_a_schema_error(content: bytes, header: str) -> None:
    Path("frame.csv").write_bytes(header.encode() + content)
    try:
        assert isinstance(read_csv("frame.csv"), pd.DataFrame)
    except SchemaError as error:
        assert "frame.csv" in str(error)  # noqa: PT017


# --- formulas -------------------------------------------------------------------------------------

FORMULAS = [
    "=1+1",
    "+1",
    "-1",
    "@x",
    "\t=1",
    "\r=1",
    "\n=1",
    "\uff1d1",
    "\uff0b1",
    "\uff0d1",
    "\uff201",
]
ESCAPED = [f"'{formula}" for formula in FORMULAS]
HARMLESS = ["a=1", " =1", "'=1", "1", "", "x\n=1", "é"]


def test_formulas_are_escaped_only_on_request() -> None:
    frame = build_frame(PROJECTS, {"name": [*FORMULAS, *HARMLESS, None]})
    to_csv(frame, "frame.csv")
    pd.testing.assert_frame_equal(read_csv("frame.csv"), frame)
    to_csv(frame, "frame.csv", escape_formulas=True)
    expected = build_frame(PROJECTS, {"name": [*ESCAPED, *HARMLESS, None]})
    pd.testing.assert_frame_equal(read_csv("frame.csv"), expected)


@pytest.mark.parametrize("of_table", [True, False])
def test_formulas_are_escaped_in_every_other_column(of_table: bool) -> None:
    frame = pd.DataFrame(
        {
            "=header": [*FORMULAS, None],
            "category": pd.Categorical([*FORMULAS, None]),
            "mixed": [-1, *FORMULAS],
            "one_category": pd.Categorical(["a"] * (len(FORMULAS) + 1)),
            "number": -(2**62),
            "float": -1.5,
        },
        index=pd.Index([*FORMULAS, "x"], name="+index"),
    )
    if of_table:
        projects = build_frame(PROJECTS, {"name": frame.index.tolist()})
        frame = frame.reset_index().assign(**projects)
    before = frame.copy(deep=True)
    to_csv(frame, "frame.csv", escape_formulas=True)
    pd.testing.assert_frame_equal(frame, before)
    cells = pd.read_csv("frame.csv", dtype=str, keep_default_na=False)
    assert list(cells.columns)[:4] == ["'+index", "'=header", "category", "mixed"]
    assert cells["'+index"].tolist() == [*ESCAPED, "x"]
    assert cells["'=header"].tolist() == cells["category"].tolist() == [*ESCAPED, ""]
    assert cells["mixed"].tolist() == ["-1", *ESCAPED]
    assert set(cells["number"]) == {str(-(2**62))}
    assert set(cells["float"]) == {"-1.5"}
    if of_table:
        assert cells["name"].tolist() == [*ESCAPED, "x"]


# --- compression ----------------------------------------------------------------------------------


def unzip(data: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.namelist() == ["frame.csv"]
        return archive.read("frame.csv")


DECOMPRESS: dict[str, Any] = {
    "gz": gzip.decompress,
    "bz2": bz2.decompress,
    "xz": lzma.decompress,
    "zip": unzip,
    "zst": None,
}
each_extension = pytest.mark.parametrize("extension", DECOMPRESS)


@each_extension
@pytest.mark.parametrize("frame", [AWKWARD, pd.DataFrame({"a": ["x", ""]})], ids=["table", "none"])
@pytest.mark.filterwarnings("ignore:.*does not match any table")
def test_the_extension_of_the_name_selects_the_compression(
    extension: str, frame: pd.DataFrame
) -> None:
    to_csv(frame, "frame.csv")
    plain = Path("frame.csv").read_bytes()
    to_csv(frame, f"frame.csv.{extension}")
    pd.testing.assert_frame_equal(read_csv(f"frame.csv.{extension}"), read_csv("frame.csv"))
    compressed = Path(f"frame.csv.{extension}").read_bytes()
    assert compressed != plain
    if extension != "zst":
        assert DECOMPRESS[extension](compressed) == plain
        via_pandas = pd.read_csv(f"frame.csv.{extension}")
        pd.testing.assert_frame_equal(via_pandas, pd.read_csv("frame.csv"))
    Path("link").symlink_to(f"frame.csv.{extension}")
    to_csv(frame, f"FRAME.CSV.{extension.upper()}")
    assert len(Path(f"FRAME.CSV.{extension.upper()}").read_bytes()) == len(compressed)


def test_a_file_that_pandas_compressed_is_read() -> None:
    frame = build_frame(PROJECTS, {"name": ["a", "b"]})
    for extension in ("gz", "bz2", "xz", "zip"):
        frame.to_csv(f"frame.csv.{extension}", index=False)
        pd.testing.assert_frame_equal(read_csv(f"frame.csv.{extension}"), frame)


@each_extension
def test_a_damaged_file_is_an_error_that_names_it(extension: str) -> None:
    name = f"frame.csv.{extension}"
    to_csv(AWKWARD, name)
    complete = Path(name).read_bytes()
    damaged = [complete[:cut] for cut in (0, 1, 10, len(complete) // 2, -5)]
    damaged += [f"{HEADER}\n1,,,,,,\n".encode()]
    for content in damaged:
        Path(name).write_bytes(content)
        with pytest.raises(SchemaError, match=rf"^{re.escape(name)} is (not|empty)"):
            read_csv(name)


def test_a_zip_archive_of_several_files_is_refused() -> None:
    with zipfile.ZipFile("frame.zip", "w") as archive:
        archive.writestr("a.csv", HEADER)
        archive.writestr("b.csv", HEADER)
    with pytest.raises(SchemaError, match=r"contains 2 files\. A zip archive must"):
        read_csv("frame.zip")


@pytest.mark.parametrize("extension", ["tar", "tar.gz", "TAR.bz2"])
def test_a_tar_archive_is_refused_in_both_directions(extension: str) -> None:
    with pytest.raises(ConfigError, match=r"tar archive, .* Use one of the extensions \.gz, "):
        to_csv(AWKWARD, f"frame.{extension}")
    with tarfile.open(f"frame.{extension}", "w"):
        pass
    with pytest.raises(ConfigError, match="tar archive"):
        read_csv(f"frame.{extension}")


# --- streams --------------------------------------------------------------------------------------


def test_a_csv_is_read_from_a_stream() -> None:
    to_csv(AWKWARD, "frame.csv")
    with Path("frame.csv").open("rb") as file:
        result = read_csv(f"/dev/fd/{file.fileno()}")
    pd.testing.assert_frame_equal(result, AWKWARD)
