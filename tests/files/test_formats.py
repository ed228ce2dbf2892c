"""CSV and Parquet: nothing is lost, and every error is a k6frames error or an OSError."""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from strategies import AWKWARD_STRINGS, build_frame, frames, tables_with_frames

from k6frames.errors import ConfigError, SchemaError
from k6frames.files.csv import read_csv, to_csv
from k6frames.files.excel import to_excel
from k6frames.files.parquet import read_parquet, to_parquet
from k6frames.tables import ORGANIZATIONS, PROJECTS, TABLES, TEST_RUN_DETAILS, Table

FORMATS: dict[str, tuple[Callable[..., None], Callable[..., pd.DataFrame]]] = {
    "csv": (to_csv, read_csv),
    "parquet": (to_parquet, read_parquet),
}
each_format = pytest.mark.parametrize("format_", FORMATS)

AWKWARD = build_frame(
    PROJECTS,
    {"name": [*AWKWARD_STRINGS, None], "description": [None, *reversed(AWKWARD_STRINGS)]},
)


def list_folder(folder: str = ".") -> list[str]:
    return sorted(path.name for path in Path(folder).iterdir())


# --- frames of a table ----------------------------------------------------------------------------


@each_format
@given(drawn=tables_with_frames)
@example(drawn=(PROJECTS, AWKWARD))
def test_every_frame_of_every_table_is_read_as_it_was_written(
    format_: str, drawn: tuple[Table, pd.DataFrame]
) -> None:
    write, read = FORMATS[format_]
    _, frame = drawn
    before = frame.copy(deep=True)
    write(frame, "frame")
    pd.testing.assert_frame_equal(frame, before)
    pd.testing.assert_frame_equal(read("frame"), frame)


@each_format
@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_frame_without_rows_keeps_every_dtype(format_: str, table: Table) -> None:
    write, read = FORMATS[format_]
    frame = build_frame(table, {name: [] for name in table.key})
    write(frame, "frame")
    pd.testing.assert_frame_equal(read("frame"), frame)


@each_format
def test_selected_rows_are_numbered_from_0(format_: str) -> None:
    write, read = FORMATS[format_]
    selected = AWKWARD[AWKWARD["name"].notna()].iloc[::-3]
    write(selected, "frame")
    pd.testing.assert_frame_equal(read("frame"), selected.reset_index(drop=True))


@each_format
def test_a_frame_of_other_dtypes_is_conformed(format_: str) -> None:
    write, read = FORMATS[format_]
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
def test_values_that_do_not_conform_are_refused_and_the_old_file_is_unchanged(
    format_: str,
) -> None:
    write, _ = FORMATS[format_]
    write(AWKWARD, "frame")
    old = Path("frame").read_bytes()
    for wrong in (
        AWKWARD.assign(project_id=1),
        AWKWARD.assign(project_id=None),
        AWKWARD.assign(org_id="1"),
        AWKWARD.assign(name=1),
        AWKWARD.assign(created=np.datetime64("20000-01-01")),
    ):
        with pytest.raises(SchemaError):
            write(wrong, "frame")
    assert Path("frame").read_bytes() == old
    assert list_folder() == ["frame"]


# --- frames with added or dropped columns ---------------------------------------------------------


@st.composite
def changed_frames(draw: st.DrawFn) -> pd.DataFrame:
    """Draw a frame with added columns, dropped columns, or both, in any order."""
    table = draw(st.sampled_from([PROJECTS, TEST_RUN_DETAILS]))
    frame = draw(frames(table, max_size=4))
    names = draw(st.permutations(list(frame.columns)))
    kept = names[draw(st.sampled_from([0, 1, 2])) :]
    # Without its key, a frame resembles a table only if it has more than three quarters of it.
    assume(set(table.key) <= set(kept) or len(kept) > 0.75 * len(names))
    added = draw(
        st.sampled_from(
            [
                {},
                {"team": pd.array(["a"] * len(frame), dtype="str")},
                {"weight": np.arange(len(frame)) / 2, "": np.ones(len(frame), "int64")},
            ]
        )
    )
    return frame[kept].assign(**added)


@each_format
@given(frame=changed_frames())
def test_added_and_dropped_columns_leave_the_types_of_the_others(
    format_: str, frame: pd.DataFrame
) -> None:
    write, read = FORMATS[format_]
    write(frame, "frame")
    shared = [name for name in frame if name not in ("team", "weight", "")]
    result = read("frame")
    pd.testing.assert_frame_equal(result[shared], frame[shared])
    assert len(result.columns) == len(frame.columns)
    for name in {"team", "weight"} & set(frame):
        # Without rows, pandas cannot infer the type.
        if len(frame):
            pd.testing.assert_series_equal(result[name], frame[name])


@each_format
@pytest.mark.parametrize(
    "columns", [["project_id", "name", "created"], ["org_id", "project_id", "is_default"]]
)
def test_a_few_columns_with_the_key_keep_their_types(format_: str, columns: list[str]) -> None:
    write, read = FORMATS[format_]
    frame = build_frame(
        PROJECTS,
        {"name": ["1", "", None], "created": [pd.Timestamp("2020", tz="UTC"), None, None]},
    )[columns]
    write(frame, "frame")
    pd.testing.assert_frame_equal(read("frame"), frame)


@each_format
@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"name": ["1", "2"], "created": [5, 6]}),
        pd.DataFrame({"org_id": [1, 2], "created": [5, 6]}),
        pd.DataFrame({"org_id": [1, 2], "projects": [1.5, 2.5]}),
        pd.DataFrame({"stack_id": [1], "project_id": [2], "value": [1.5]}),
        pd.DataFrame({"key": [1], "name": [2], "before": [3], "after": [4], "change": [5]}),
    ],
    ids=",".join,
)
def test_a_frame_that_only_shares_some_names_with_a_table_keeps_its_values(
    format_: str, frame: pd.DataFrame
) -> None:
    write, read = FORMATS[format_]
    write(frame, "frame")
    with pytest.warns(UserWarning, match="was read with the types that pandas "):
        result = read("frame")
    expected = frame.astype({"name": "int64"}) if format_ == "csv" and "name" in frame else frame
    pd.testing.assert_frame_equal(result, expected)


@each_format
def test_keys_need_not_be_unique_nor_complete_in_a_frame_with_added_columns(format_: str) -> None:
    write, read = FORMATS[format_]
    frame = build_frame(PROJECTS, {"project_id": [1, 1, None]}).assign(zone=["a", "b", "c"])
    write(frame, "frame")
    pd.testing.assert_frame_equal(read("frame"), frame)


# --- frames that do not match any table -----------------------------------------------------------


@each_format
def test_a_frame_that_does_not_match_any_table_is_written_and_read_as_pandas_does(
    format_: str,
) -> None:
    write, read = FORMATS[format_]
    frame = pd.DataFrame({"mine": [1, 2], "text": ["a", "b"]})
    write(frame, "frame")
    with pytest.warns(UserWarning, match="frame was read .* does not match any table") as caught:
        result = read("frame")
    assert caught[0].filename == __file__
    pd.testing.assert_frame_equal(result, frame)


@each_format
def test_an_index_that_has_a_name_is_kept(format_: str) -> None:
    write, read = FORMATS[format_]
    frame = pd.DataFrame({"n": [1, 2]}, index=pd.Index(["a", "b"], name="who"))
    write(frame, "frame")
    with pytest.warns(UserWarning, match="does not match any table"):
        result = read("frame")
    # In a CSV file, the index becomes the first column.
    columns = result if format_ == "csv" else result.reset_index()
    pd.testing.assert_frame_equal(columns, frame.reset_index())


@each_format
def test_a_key_in_the_index_is_kept_and_the_columns_keep_their_types(format_: str) -> None:
    write, read = FORMATS[format_]
    frame = AWKWARD.set_index("project_id")
    write(frame, "frame")
    expected = AWKWARD if format_ == "csv" else frame
    # pandas itself reads an Int64 index as int64.
    pd.testing.assert_frame_equal(read("frame"), expected, check_index_type=False)


@each_format
def test_an_index_that_has_a_name_is_kept_if_columns_were_dropped(format_: str) -> None:
    write, read = FORMATS[format_]
    frame = AWKWARD.drop(columns="created").rename_axis("row")
    write(frame, "frame")
    expected = frame.reset_index() if format_ == "csv" else frame
    pd.testing.assert_frame_equal(read("frame"), expected)


@each_format
def test_the_index_of_a_frame_with_exactly_the_columns_of_a_table_is_not_written(
    format_: str,
) -> None:
    write, read = FORMATS[format_]
    write(AWKWARD.set_index("project_id", drop=False), "frame")
    pd.testing.assert_frame_equal(read("frame"), AWKWARD)


# --- errors ---------------------------------------------------------------------------------------


@each_format
@pytest.mark.parametrize("value", [None, 5, "frame.csv", [1], pd.Series([1])], ids=repr)
def test_only_frames_are_written(format_: str, value: Any) -> None:
    write, _ = FORMATS[format_]
    with pytest.raises(
        SchemaError, match=f"Expected a pandas.DataFrame, not {type(value).__name__}"
    ):
        write(value, "frame")
    assert list_folder() == []


@each_format
@pytest.mark.parametrize("path", ["", "a\0b", 5, None], ids=repr)
def test_a_path_that_cannot_name_a_file_is_refused(format_: str, path: Any) -> None:
    write, read = FORMATS[format_]
    with pytest.raises(ConfigError):
        write(AWKWARD, path)
    with pytest.raises(ConfigError):
        read(path)


@each_format
@pytest.mark.parametrize("path", ["nowhere", "nowhere/frame", "folder", "loop"])
def test_a_file_that_cannot_be_read_is_an_error_of_the_system(format_: str, path: str) -> None:
    _, read = FORMATS[format_]
    Path("folder").mkdir()
    Path("loop").symlink_to("loop")
    with pytest.raises(OSError, match=path) as caught:
        read(path)
    assert caught.value.errno is not None


@each_format
def test_private_values_are_in_no_error(format_: str) -> None:
    write, read = FORMATS[format_]
    organizations = build_frame(ORGANIZATIONS, {"billing_email": ["secret", "x"]})
    for wrong in (
        organizations.assign(billing_email=["secret", 5]),
        organizations.assign(vat_number=["secret", 5], created="soon"),
        organizations.assign(billing_email=["secret", 5], mine=[object(), 1 + 2j]),
        organizations.assign(mine=["secret", 5]),
        organizations.assign(mine=pd.Series(["secret\ud800", None], dtype=object)),
    ):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                write(wrong, "frame")
                read("frame")
            except SchemaError as error:
                assert "secret" not in str(error)  # noqa: PT017 - some of them can be written
        assert "secret" not in "".join(str(warning.message) for warning in caught)


@each_format
@pytest.mark.parametrize("table", [PROJECTS, None])
def test_a_failure_in_the_middle_leaves_the_old_file(
    format_: str, table: Table | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, read = FORMATS[format_]
    write(AWKWARD, "frame")

    def fail(*args: Any, **options: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(pa.csv, "CSVWriter", fail)
        patch.setattr(pa.parquet, "write_table", fail)
        patch.setattr(pd.DataFrame, "to_csv", fail)
        with pytest.raises(OSError, match="No space left on device; nothing was written"):
            write(AWKWARD if table else AWKWARD[["name"]], "frame")
    pd.testing.assert_frame_equal(read("frame"), AWKWARD)
    assert list_folder() == ["frame"]


FULL_DISK = """
import resource, signal
from k6frames.files.csv import to_csv
from k6frames.files.excel import to_excel
from k6frames.files.parquet import read_parquet, to_parquet
frame = read_parquet("big.parquet")
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
writes = [(to_csv, path) for path in ("frame", "frame.gz", "frame.zip", "frame.zst")]
for write, path in [*writes, (to_parquet, "frame"), (to_excel, "frame")]:
    for chosen in (frame, frame[["name"]]):
        try:
            write(chosen, path)
        except OSError as error:
            print(error.errno, error)
        else:
            print("no error", write, path)
"""


@pytest.mark.parametrize(
    ("write", "names"),
    [
        (to_csv, ["a.xlsx", "a.PARQUET", "a.json"]),
        (to_parquet, ["a.csv", "a.xlsx", "a.parquet.gz"]),
        (to_excel, ["a.csv", "a.xls", "a.xlsx.zip"]),
    ],
)
def test_a_name_with_the_extension_of_another_format_is_refused(
    write: Callable[..., None], names: list[str]
) -> None:
    for name in names:
        with pytest.raises(
            ConfigError, match=rf"of {name} does not fit .* choose a name that ends"
        ):
            write(AWKWARD, name)
    assert list_folder() == []
    write(AWKWARD, "a.dat")
    assert list_folder() == ["a.dat"]


def test_a_full_disk_leaves_the_old_files_and_no_others() -> None:
    rng = np.random.default_rng(6)
    names = rng.integers(0, 2**62, 5_000).astype(str).tolist()
    to_parquet(build_frame(PROJECTS, {"name": names}), "big.parquet")
    for path in ("frame", "frame.gz", "frame.zip", "frame.zst"):
        to_csv(AWKWARD, path)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", FULL_DISK],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert done.stderr == ""
    assert len(lines) == 12, done
    assert all(line.startswith("27 [Errno 27] File too large; nothing was") for line in lines), (
        lines
    )
    for path in ("frame", "frame.gz", "frame.zip", "frame.zst"):
        pd.testing.assert_frame_equal(read_csv(path), AWKWARD)
    assert list_folder() == ["big.parquet", "frame", "frame.gz", "frame.zip", "frame.zst"]
