"""CSV and Parquet: nothing lost on the way there and back, and no file half written."""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import stat
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from strategies import AWKWARD_TEXTS, frames

import k6frames
from k6frames import SchemaError, export
from k6frames.schema import TIMESTAMP, Table
from k6frames.tables import ORGANIZATIONS, PROJECTS, TABLES

Write = Callable[..., None]
Read = Callable[..., pd.DataFrame]

FORMATS: dict[str, tuple[Write, Read]] = {
    "csv": (k6frames.to_csv, k6frames.read_csv),
    "parquet": (k6frames.to_parquet, k6frames.read_parquet),
}
each_format = pytest.mark.parametrize("kind", FORMATS)
any_frame = st.sampled_from(TABLES).flatmap(lambda t: st.tuples(st.just(t), frames(t)))


def projects(**columns: list[Any]) -> pd.DataFrame:
    size = len(next(iter(columns.values())))
    cells = {"project_id": list(range(1, size + 1)), **columns}
    return pd.DataFrame(
        {n: pd.Series(cells.get(n, [None] * size), dtype=d) for n, d in PROJECTS.dtypes.items()}
    )


def listed(folder: str = ".") -> list[str]:
    return sorted(path.name for path in Path(folder).iterdir())


AWKWARD = projects(name=[*AWKWARD_TEXTS, None], description=[None, *reversed(AWKWARD_TEXTS)])


# --- there and back -------------------------------------------------------------------------------


@each_format
@given(drawn=any_frame)
@example(drawn=(PROJECTS, AWKWARD))
def test_every_frame_of_every_table_comes_back_as_it_was(
    kind: str, drawn: tuple[Table, pd.DataFrame]
) -> None:
    write, read = FORMATS[kind]
    _, frame = drawn
    before = frame.copy(deep=True)
    write(frame, "frame")
    pd.testing.assert_frame_equal(frame, before)
    pd.testing.assert_frame_equal(read("frame"), frame)


@each_format
@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_frame_without_rows_comes_back_with_every_dtype(kind: str, table: Table) -> None:
    write, read = FORMATS[kind]
    frame = pd.DataFrame({n: pd.Series([], dtype=dtype) for n, dtype in table.dtypes.items()})
    write(frame, "frame")
    pd.testing.assert_frame_equal(read("frame"), frame)


@each_format
def test_rows_chosen_by_hand_come_back_numbered_from_0(kind: str) -> None:
    write, read = FORMATS[kind]
    chosen = AWKWARD[AWKWARD["name"].notna()].iloc[::-3]
    write(chosen, "frame")
    pd.testing.assert_frame_equal(read("frame"), chosen.reset_index(drop=True))


@each_format
def test_declared_columns_with_dtypes_made_by_hand_are_conformed(kind: str) -> None:
    write, read = FORMATS[kind]
    plain = pd.DataFrame(
        {
            "project_id": [1, 2],
            "name": pd.Series(["a", None], dtype=object),
            "description": pd.Series(["", "x"], dtype="category"),
            "org_id": [7.0, np.nan],
            "created": pd.to_datetime(["2020-01-01", "NaT"]),
            "updated": pd.to_datetime(["2020-01-01", "NaT"]).tz_localize("Asia/Tokyo"),
            "is_default": pd.Series([True, None], dtype=object),
        }
    )
    write(plain, "frame")
    pd.testing.assert_frame_equal(read("frame"), PROJECTS.conform(plain))


@each_format
def test_values_that_do_not_fit_the_table_are_refused_and_the_old_file_stays(kind: str) -> None:
    write, _ = FORMATS[kind]
    write(AWKWARD, "frame")
    old = Path("frame").read_bytes()
    for wrong in (
        AWKWARD.assign(project_id=1),
        AWKWARD.assign(project_id=None),
        AWKWARD.assign(org_id="1"),
        AWKWARD.assign(name=1),
    ):
        with pytest.raises(SchemaError):
            write(wrong, "frame")
    assert Path("frame").read_bytes() == old
    assert listed() == ["frame"]


@each_format
def test_a_path_is_a_text_or_a_path_and_its_ending_means_nothing(kind: str) -> None:
    write, read = FORMATS[kind]
    for name in ("frame.csv.gz", Path("frame.txt"), Path.cwd() / "frame.bz2", "frame"):
        write(AWKWARD, name)
        pd.testing.assert_frame_equal(read(name), AWKWARD)


# --- CSV ------------------------------------------------------------------------------------------


def test_missing_is_nothing_and_empty_is_two_quotes() -> None:
    k6frames.to_csv(projects(name=["", None, 'say "x"\n']).head(3), "frame.csv")
    lines = Path("frame.csv").read_bytes().split(b"\n", 1)
    assert lines[0].replace(b'"', b"") == ",".join(PROJECTS.dtypes).encode()
    assert lines[1] == b'1,"",,,,,\n2,,,,,,\n3,"say ""x""\n",,,,,\n'


def test_plain_pandas_reads_the_csv() -> None:
    # To pandas' own reader a NUL is the end of a cell.
    frame = projects(name=[text for text in AWKWARD_TEXTS if "\x00" not in text])
    k6frames.to_csv(frame, "frame.csv")
    plain = pd.read_csv("frame.csv", keep_default_na=False)
    assert plain["project_id"].tolist() == frame["project_id"].tolist()
    assert plain["name"].tolist() == frame["name"].tolist()


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("quote", ["", '"'])
def test_a_csv_that_another_program_wrote_is_read(end: str, bom: str, quote: str) -> None:
    header = ",".join(f"{quote}{name}{quote}" for name in PROJECTS.dtypes)
    rows = ["1,é,,7,2020-01-01T00:00:00Z,2020-01-01 02:00:00+02:00,TRUE", "2,x,,,,,false"]
    Path("frame.csv").write_bytes((bom + end.join([header, *rows, ""])).encode())
    moment = pd.Timestamp("2020-01-01", tz="UTC")
    expected = projects(
        name=["é", "x"],
        org_id=[7, None],
        created=[moment, None],
        updated=[moment, None],
        is_default=[True, False],
    )
    pd.testing.assert_frame_equal(k6frames.read_csv("frame.csv"), expected)


def test_a_cell_of_three_megabytes_comes_back() -> None:
    frame = projects(name=["a" * 3_000_000, "b", "c\n" * 1_500_000])
    k6frames.to_csv(frame, "frame.csv")
    pd.testing.assert_frame_equal(k6frames.read_csv("frame.csv"), frame)


HEADER = ",".join(PROJECTS.dtypes)
BAD_CSV: dict[str, tuple[str | bytes, str]] = {
    "text as id": ("x,,,,,,", "column #0: Row #2: .*invalid value 'x'"),
    "fraction as id": ("1.5,,,,,,", "invalid value '1.5'"),
    "too big": (f"{2**63},,,,,,", "invalid value"),
    "no id": (",a,,,,,", "'project_id' .* has missing values"),
    "id twice": ("1,,,,,,\n1,,,,,,", "same key, project_id 1"),
    "no date": ("1,,,,soon,,", "Row #2: .*'soon'"),
    "date without offset": ("1,,,,2020-01-01 00:00:00,,", "zone offset"),
    "no truth": ("1,,,,,,maybe", "'maybe'"),
    "row too short": ("1,,,,,,\n2,a", "Row #3: Expected 7 columns, got 2$"),
    "row too long": ("1,,,,,,,", "Row #2: Expected 7 columns, got 8$"),
    "open quote": ('1,"a', "columns"),
    "invalid UTF-8": (b"1,\xff,,,,,", "invalid UTF8"),
}


@pytest.mark.parametrize("case", BAD_CSV)
def test_a_csv_that_does_not_fit_is_an_error_that_names_the_file(case: str) -> None:
    rows, words = BAD_CSV[case]
    body = rows if isinstance(rows, bytes) else rows.encode()
    Path("frame.csv").write_bytes(HEADER.encode() + b"\n" + body + b"\n")
    with pytest.raises(SchemaError) as caught:
        k6frames.read_csv("frame.csv")
    assert str(caught.value).startswith("frame.csv does not fit the table 'projects': ")
    assert re.search(words, str(caught.value))


def test_billing_data_of_a_row_that_is_too_short_is_not_repeated() -> None:
    Path("frame.csv").write_text(",".join(ORGANIZATIONS.dtypes) + "\n1,a,2,b,secret\n")
    with pytest.raises(SchemaError) as caught:
        k6frames.read_csv("frame.csv")
    assert "secret" not in str(caught.value)


def test_a_csv_without_a_header_is_an_error_that_names_the_file() -> None:
    Path("frame.csv").write_bytes(b"")
    with pytest.raises(SchemaError, match=r"^frame\.csv is empty"):
        k6frames.read_csv("frame.csv")


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
HARMLESS = ["a=1", " =1", "'=1", "1", "", "x\n=1", "é"]


def test_formulas_are_defused_on_request_alone() -> None:
    frame = projects(name=[*FORMULAS, *HARMLESS, None])
    k6frames.to_csv(frame, "frame.csv")
    pd.testing.assert_frame_equal(k6frames.read_csv("frame.csv"), frame)
    k6frames.to_csv(frame, "frame.csv", escape_formulas=True)
    expected = projects(name=[*(f"'{formula}" for formula in FORMULAS), *HARMLESS, None])
    pd.testing.assert_frame_equal(k6frames.read_csv("frame.csv"), expected)


def test_formulas_are_defused_in_a_frame_that_fits_no_table_too() -> None:
    frame = pd.DataFrame(
        {
            "=header": [*FORMULAS, None],
            "category": pd.Categorical([*FORMULAS, None]),
            "mixed": [-1, *FORMULAS],
            "number": -(2**62),
        },
        index=pd.Index([*FORMULAS, "x"], name="+index"),
    )
    before = frame.copy(deep=True)
    k6frames.to_csv(frame, "frame.csv", escape_formulas=True)
    pd.testing.assert_frame_equal(frame, before)
    cells = pd.read_csv("frame.csv", dtype=str, keep_default_na=False)
    safe = [f"'{formula}" for formula in FORMULAS]
    assert list(cells.columns) == ["'+index", "'=header", "category", "mixed", "number"]
    assert cells["'+index"].tolist() == [*safe, "x"]
    assert cells["'=header"].tolist() == cells["category"].tolist() == [*safe, ""]
    assert cells["mixed"].tolist() == ["-1", *safe]
    assert set(cells["number"]) == {str(-(2**62))}


# --- Parquet --------------------------------------------------------------------------------------


@given(drawn=any_frame)
def test_plain_pandas_reads_the_parquet_with_the_same_dtypes(
    drawn: tuple[Table, pd.DataFrame],
) -> None:
    _, frame = drawn
    k6frames.to_parquet(frame, "frame.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet("frame.parquet"), frame)


@given(drawn=any_frame)
@example(drawn=(PROJECTS, AWKWARD))
def test_duckdb_and_polars_read_the_parquet_with_the_same_types_and_values(
    drawn: tuple[Table, pd.DataFrame],
) -> None:
    table, frame = drawn
    k6frames.to_parquet(frame, "frame.parquet")
    wanted = pa.Table.from_pandas(frame, preserve_index=False).to_pylist()

    lazy = pl.read_parquet("frame.parquet")
    types = {
        pa.int64(): pl.Int64(),
        pa.float64(): pl.Float64(),
        pa.bool_(): pl.Boolean(),
        pa.string(): pl.String(),
        TIMESTAMP: pl.Datetime("us", "UTC"),
    }
    assert dict(lazy.schema) == {c.name: types[c.type] for c in table.columns}
    assert lazy.to_dicts() == wanted

    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        found: Any = connection.sql("SELECT * FROM 'frame.parquet'").to_arrow_table()
    assert dict(zip(found.column_names, found.schema.types, strict=True)) == {
        c.name: c.type for c in table.columns
    }
    assert found.to_pylist() == wanted


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_the_parquet_carries_the_meaning_of_each_column_and_of_the_table(table: Table) -> None:
    frame = pd.DataFrame({n: pd.Series([], dtype=dtype) for n, dtype in table.dtypes.items()})
    k6frames.to_parquet(frame, "frame.parquet")
    schema = pa.parquet.read_schema("frame.parquet")
    assert schema.metadata[b"k6frames.table"].decode() == table.name
    assert schema.metadata[b"k6frames.description"].decode() == table.doc
    for field, column in zip(schema, table.columns, strict=True):
        assert field.metadata[b"description"].decode() == column.doc
        assert field.nullable == column.nullable


def test_the_parquet_keeps_the_attrs() -> None:
    frame = AWKWARD.copy()
    frame.attrs = {"fetched": "2026-07-01T00:00:00+00:00", "failed": [{"org_id": 1, "path": "é"}]}
    k6frames.to_parquet(frame, "frame.parquet")
    assert k6frames.read_parquet("frame.parquet").attrs == frame.attrs
    assert pd.read_parquet("frame.parquet").attrs == frame.attrs


def test_a_parquet_of_other_types_that_another_program_wrote_is_conformed() -> None:
    plain = pd.DataFrame({name: [None] for name in PROJECTS.dtypes}).assign(
        project_id=np.array([5], "int32"), created=pd.to_datetime(["2020-01-01"])
    )
    plain.to_parquet("frame.parquet")
    expected = PROJECTS.conform(plain)
    pd.testing.assert_frame_equal(k6frames.read_parquet("frame.parquet"), expected)


@pytest.mark.parametrize(
    ("column", "value"), [("project_id", "x"), ("project_id", None), ("created", "2020-01-01")]
)
def test_a_parquet_that_does_not_fit_is_an_error_that_names_the_file(
    column: str, value: Any
) -> None:
    AWKWARD.head(1).assign(**{column: [value]}).to_parquet("frame.parquet")
    with pytest.raises(SchemaError, match=r"^frame\.parquet does not fit the table 'projects': "):
        k6frames.read_parquet("frame.parquet")


def test_a_damaged_parquet_is_an_error_wherever_the_damage_is() -> None:
    k6frames.to_parquet(AWKWARD, "whole.parquet")
    whole = Path("whole.parquet").read_bytes()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a damaged name of a column makes it another table
        for place in range(0, len(whole), 23):
            damaged = bytearray(whole)
            damaged[place] ^= 0x55
            Path("frame.parquet").write_bytes(damaged)
            try:
                frame = k6frames.read_parquet("frame.parquet")
            except SchemaError as error:
                assert "frame.parquet" in str(error)  # noqa: PT017 - most damage is an error
            else:
                values = frame.set_axis(range(len(frame.columns)), axis="columns")
                expected = AWKWARD.set_axis(range(len(AWKWARD.columns)), axis="columns")
                pd.testing.assert_frame_equal(values, expected, check_dtype=False)


@pytest.mark.parametrize("cut", [0, 1, 4, 100, -1, -9])
def test_a_parquet_that_was_cut_is_an_error_that_names_the_file(cut: int) -> None:
    k6frames.to_parquet(AWKWARD, "frame.parquet")
    Path("frame.parquet").write_bytes(Path("frame.parquet").read_bytes()[:cut])
    with pytest.raises(SchemaError, match=r"^frame\.parquet is no Parquet file, or is damaged"):
        k6frames.read_parquet("frame.parquet")


def test_damaged_values_in_a_parquet_are_noticed() -> None:
    frame = projects(org_id=list(range(100_000)))
    k6frames.to_parquet(frame, "frame.parquet")
    damaged = bytearray(Path("frame.parquet").read_bytes())
    start = pa.parquet.ParquetFile("frame.parquet").metadata.row_group(0).column(3).data_page_offset
    damaged[start + 2000] ^= 1
    Path("frame.parquet").write_bytes(damaged)
    with pytest.raises(SchemaError, match="is damaged"):
        k6frames.read_parquet("frame.parquet")


def test_invalid_utf8_in_a_parquet_is_an_error() -> None:
    bad = pa.array([b"\xff"]).cast(pa.string(), safe=False)
    columns = {
        n: pa.nulls(1, c.type) for n, c in zip(PROJECTS.dtypes, PROJECTS.columns, strict=True)
    }
    pa.parquet.write_table(pa.table({**columns, "project_id": [1], "name": bad}), "frame.parquet")
    with pytest.raises(SchemaError, match=r"frame\.parquet .* damaged"):
        k6frames.read_parquet("frame.parquet")


# --- frames that fit no table ---------------------------------------------------------------------


@each_format
def test_a_frame_that_fits_no_table_is_pandas_matter_and_the_reader_says_so(kind: str) -> None:
    write, read = FORMATS[kind]
    frame = pd.DataFrame({"mine": [1, 2], "text": ["a", "b"]})
    write(frame, "frame")
    with pytest.warns(UserWarning, match="frame fits no table of k6frames") as caught:
        back = read("frame")
    assert caught[0].filename == __file__
    pd.testing.assert_frame_equal(back, frame)


@each_format
def test_an_index_with_a_name_is_kept_in_a_frame_that_fits_no_table(kind: str) -> None:
    write, read = FORMATS[kind]
    frame = pd.DataFrame({"n": [1, 2]}, index=pd.Index(["a", "b"], name="who"))
    write(frame, "frame")
    with pytest.warns(UserWarning, match="fits no table"):
        back = read("frame")
    # A CSV file has no index: what was one is its first column.
    columns = back if kind == "csv" else back.reset_index()
    pd.testing.assert_frame_equal(columns, frame.reset_index())


def test_a_file_whose_first_cell_is_huge_fits_no_table() -> None:
    Path("frame.csv").write_text("x" * 200_000 + "\n1\n")
    with pytest.warns(UserWarning, match="fits no table"):
        assert k6frames.read_csv("frame.csv").shape == (1, 1)


# --- whole or not at all --------------------------------------------------------------------------


@each_format
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("declared", [True, False])
def test_a_failure_in_the_middle_leaves_the_old_file_whole(
    kind: str, error: BaseException, declared: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, read = FORMATS[kind]
    write(AWKWARD, "frame")

    def fail(_: Any, file: Any, *args: Any, **options: Any) -> None:
        Path(file).write_bytes(b"half")
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(pa.csv, "CSVWriter", lambda file, *_, **__: fail(None, file))
        patch.setattr(pa.parquet, "write_table", fail)
        patch.setattr(pd.DataFrame, "to_csv", fail)
        patch.setattr(pd.DataFrame, "to_parquet", fail)
        with pytest.raises(type(error)) as caught:
            write(AWKWARD if declared else AWKWARD[["name"]], "frame")
    if isinstance(error, OSError):
        assert isinstance(caught.value, OSError)
        assert caught.value.errno == 28
        assert "No space left on device; nothing was written" in str(caught.value)
        assert str(Path.cwd() / "frame") in str(caught.value)
    pd.testing.assert_frame_equal(read("frame"), AWKWARD)
    assert listed() == ["frame"]


LIMITED = """
import resource, signal, sys
import pandas as pd, k6frames
frame = k6frames.read_parquet("big.parquet")
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
for write, chosen in (
    (k6frames.to_csv, frame),
    (k6frames.to_parquet, frame),
    (k6frames.to_csv, frame[["name"]]),
    (k6frames.to_parquet, frame[["name"]]),
):
    try:
        write(chosen, "frame")
    except OSError as error:
        print(error.errno, error)
"""


def test_a_file_that_cannot_grow_leaves_the_old_one_whole() -> None:
    rng = np.random.default_rng(6)
    big = projects(name=rng.integers(0, 2**62, 20_000).astype(str).tolist())
    k6frames.to_parquet(big, "big.parquet")
    k6frames.to_parquet(AWKWARD, "frame")
    done = subprocess.run(
        [sys.executable, "-c", LIMITED], capture_output=True, text=True, check=True, timeout=60
    )
    lines = done.stdout.splitlines()
    assert len(lines) == 4, done
    assert all(line.startswith("27 ") and "File too large" in line for line in lines), lines
    assert all("an older file is as it was" in line for line in lines)
    pd.testing.assert_frame_equal(k6frames.read_parquet("frame"), AWKWARD)
    assert listed() == ["big.parquet", "frame"]


def _rewrite_for_ever(started: Any) -> None:
    frames_ = [projects(name=[letter * 1000] * 300) for letter in "ab"]
    while True:
        for frame in frames_:
            k6frames.to_csv(frame, "frame.csv")
            k6frames.to_parquet(frame, "frame.parquet")
            started.set()


def test_a_process_that_is_killed_while_it_writes_leaves_a_whole_file() -> None:
    context = multiprocessing.get_context("fork")
    for turn in range(12):
        started = context.Event()
        with warnings.catch_warnings():
            # Python 3.12 warns of a fork beside threads, of which Arrow has some.
            warnings.simplefilter("ignore", DeprecationWarning)
            process = context.Process(target=_rewrite_for_ever, args=(started,))
            process.start()
        assert started.wait(30)
        time.sleep(0.002 * turn)
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        for kind, (_, read) in FORMATS.items():
            names = read(f"frame.{kind}")["name"]
            assert len(names) == 300
            assert set(names) in ({"a" * 1000}, {"b" * 1000})


@each_format
def test_of_two_writers_at_once_one_wins_whole(kind: str) -> None:
    write, read = FORMATS[kind]
    wrong: list[set[str]] = []
    stop = threading.Event()

    def rewrite(letter: str) -> None:
        frame = projects(name=[letter * 500] * 200)
        while not stop.is_set():
            write(frame, "frame")

    write(projects(name=["a" * 500] * 200), "frame")
    writers = [threading.Thread(target=rewrite, args=(letter,)) for letter in "ab"]
    for writer in writers:
        writer.start()
    try:
        for _ in range(25):
            names = set(read("frame")["name"])
            if names not in ({"a" * 500}, {"b" * 500}):
                wrong.append(names)
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    assert not wrong
    assert listed() == ["frame"]


# --- where and with which rights ------------------------------------------------------------------


@each_format
@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_file_gets_the_rights_that_the_umask_gives(kind: str, mask: int, mode: int) -> None:
    write, _ = FORMATS[kind]
    old = os.umask(mask)
    try:
        write(AWKWARD, "frame")
        write(AWKWARD[["name"]], "other")
    finally:
        os.umask(old)
    for name in ("frame", "other"):
        assert stat.S_IMODE(Path(name).stat().st_mode) == mode


@each_format
def test_a_link_is_followed_to_what_it_names(kind: str) -> None:
    write, read = FORMATS[kind]
    Path("folder").mkdir()
    Path("link").symlink_to("folder/real")
    for frame in (AWKWARD, AWKWARD.head(1)):
        write(frame, "link")
        assert Path("link").is_symlink()
        pd.testing.assert_frame_equal(read("folder/real"), frame)
    assert listed("folder") == ["real"]


@each_format
def test_a_device_is_written_to_and_not_replaced(kind: str) -> None:
    write, _ = FORMATS[kind]
    write(AWKWARD, os.devnull)
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)
    assert not list(Path("/dev").glob("*.part"))


def test_a_pipe_takes_a_csv() -> None:
    os.mkfifo("pipe")
    came: list[bytes] = []
    reader = threading.Thread(target=lambda: came.append(Path("pipe").read_bytes()))
    reader.start()
    k6frames.to_csv(AWKWARD, "pipe")
    reader.join(10)
    assert stat.S_ISFIFO(Path("pipe").stat().st_mode)
    k6frames.to_csv(AWKWARD, "file")
    assert came == [Path("file").read_bytes()]


@each_format
@pytest.mark.parametrize(
    ("path", "kind_of_error"),
    [
        ("nowhere/frame", FileNotFoundError),
        ("file/frame", NotADirectoryError),
        ("folder", IsADirectoryError),
        ("/proc/frame", OSError),
    ],
)
@pytest.mark.parametrize("declared", [True, False])
def test_a_place_that_cannot_be_written_is_named(
    kind: str, path: str, kind_of_error: type[OSError], declared: bool
) -> None:
    write, _ = FORMATS[kind]
    Path("file").write_text("a file in the place of a folder")
    Path("folder").mkdir()
    with pytest.raises(kind_of_error, match="nothing was written") as caught:
        write(AWKWARD if declared else AWKWARD[["name"]], path)
    assert str(Path(path).resolve()) in str(caught.value)
    assert listed() == ["file", "folder"]
    assert listed("folder") == []


@each_format
@pytest.mark.parametrize("path", ["nowhere", "nowhere/frame", "folder"])
def test_a_file_that_cannot_be_read_is_an_error_of_the_system(kind: str, path: str) -> None:
    _, read = FORMATS[kind]
    Path("folder").mkdir()
    with pytest.raises(OSError, match=path) as caught:
        read(path)
    assert caught.value.errno is not None


def test_replacing_gives_the_place_of_the_file_only_at_the_end() -> None:
    Path("frame").write_text("old")
    with export.replacing("frame") as temporary:
        temporary.write_text("new")
        assert Path("frame").read_text() == "old"
        assert temporary.parent == Path.cwd()
        assert temporary.suffix == ".part"
    assert Path("frame").read_text() == "new"
    assert listed() == ["frame"]
