"""Tables: frames conform to their declaration, or an error names the column."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import re
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import frames, tables_with_frames

import k6frames
from k6frames.errors import SchemaError
from k6frames.tables import ORGANIZATIONS, ORGANIZATIONS_PUBLIC, PROJECTS, TEST_RUNS
from k6frames.tables.schema import (
    BOOL,
    FLOAT,
    INT,
    STRING,
    TIMESTAMP,
    Column,
    Table,
    returns,
)

DTYPES: dict[pa.DataType, Any] = {
    INT: "Int64",
    FLOAT: "Float64",
    BOOL: "boolean",
    STRING: pd.StringDtype("pyarrow", na_value=pd.NA),
    TIMESTAMP: "datetime64[us, UTC]",
}


def one_column(type_: pa.DataType, *, nullable: bool = True, private: bool = False) -> Table:
    return Table("t", "a row", (), (Column("x", type_, "x", "x", nullable, private),))


def conform(values: Any, type_: pa.DataType) -> pd.Series[Any]:
    column: pd.Series[Any] = one_column(type_).conform(pd.DataFrame({"x": values}))["x"]
    return column


def series(values: list[Any], type_: pa.DataType) -> pd.Series[Any]:
    column: pd.Series[Any] = pd.Series(values, dtype=DTYPES[type_], name="x")
    return column


def projects(*project_ids: int) -> pd.DataFrame:
    columns = {name: pd.Series(dtype=dtype) for name, dtype in PROJECTS.dtypes.items()}
    columns["project_id"] = pd.Series(project_ids, dtype="Int64")
    return pd.DataFrame(columns).astype(PROJECTS.dtypes)


# --- conform --------------------------------------------------------------------------------------

NA = pd.NA
NOON = datetime(2020, 1, 1, 12, tzinfo=UTC)
NAIVE = datetime.fromisoformat("2020-01-01T12:00:00")
NANOSECONDS = pd.Timestamp("2020-01-01 12:00:00.000000001")
EAST = timezone(timedelta(hours=2))


def arrow(values: list[Any], type_: pa.DataType) -> pd.Series[Any]:
    return pd.Series(values, dtype=pd.ArrowDtype(type_))


LOSSLESS: dict[str, tuple[pd.Series[Any], pa.DataType, list[Any]]] = {
    "int64": (pd.Series([1, 2**63 - 1]), INT, [1, 2**63 - 1]),
    "int32": (pd.Series([1], dtype="int32"), INT, [1]),
    "uint64": (pd.Series([1], dtype="uint64"), INT, [1]),
    "floats of a join": (pd.Series([1.0, np.nan]), INT, [1, NA]),
    "Float64": (pd.Series([2.0**53 - 1, NA], dtype="Float64"), INT, [2**53 - 1, NA]),
    "float32": (pd.Series([2**24 - 1], dtype="float32"), INT, [2**24 - 1]),
    "object ints": (pd.Series([2**63 - 1, None], dtype=object), INT, [2**63 - 1, NA]),
    "object ints with nan": (pd.Series([2**63 - 1, np.nan], dtype=object), INT, [2**63 - 1, NA]),
    "object ints with NA": (pd.Series([-(2**63), NA], dtype=object), INT, [-(2**63), NA]),
    "object floats": (pd.Series([1.0, None], dtype=object), INT, [1, NA]),
    "category of floats": (pd.Series([2.0, 2.0], dtype="category"), INT, [2, 2]),
    "category of ints": (pd.Series([3, 3], dtype="category"), INT, [3, 3]),
    "arrow ints": (arrow([1, None], pa.int32()), INT, [1, NA]),
    "ints as floats": (pd.Series([1, -(2**53)]), FLOAT, [1.0, -(2.0**53)]),
    "floats": (pd.Series([0.1, np.nan]), FLOAT, [0.1, NA]),
    "bool": (pd.Series([True, False]), BOOL, [True, False]),
    "object bools": (pd.Series([True, None], dtype=object), BOOL, [True, NA]),
    "str": (pd.Series(["a", None], dtype="str"), STRING, ["a", NA]),
    "python string": (pd.Series(["a", NA], dtype=pd.StringDtype("python")), STRING, ["a", NA]),
    "object strings": (pd.Series(["", "\x00", None], dtype=object), STRING, ["", "\x00", NA]),
    "category": (pd.Series(["b", "a", "b"], dtype="category"), STRING, ["b", "a", "b"]),
    "arrow strings": (arrow(["a", None], pa.large_string()), STRING, ["a", NA]),
    "naive": (pd.Series([NAIVE, pd.NaT]), TIMESTAMP, [NOON, pd.NaT]),
    "naive seconds": (pd.Series(np.array(["2020-01-01T12"], "M8[s]")), TIMESTAMP, [NOON]),
    "whole ns": (pd.Series(np.array(["2020-01-01T12"], "M8[ns]")), TIMESTAMP, [NOON]),
    "other zone": (pd.Series([NOON.astimezone(EAST)]), TIMESTAMP, [NOON]),
    "category of datetimes": (pd.Series([NAIVE], dtype="category"), TIMESTAMP, [NOON]),
    "object datetimes": (
        pd.Series([NAIVE, NOON.astimezone(EAST), None, pd.NaT, np.nan, NA], dtype=object),
        TIMESTAMP,
        [NOON, NOON, pd.NaT, pd.NaT, pd.NaT, pd.NaT],
    ),
    "dates": (pd.Series([date(1, 1, 1)], dtype=object), TIMESTAMP, [datetime(1, 1, 1, tzinfo=UTC)]),
    # Arrow alone would convert each of these to a date.
    "dates, then datetimes": (
        pd.Series([date(2020, 1, 1), NOON, np.datetime64("9999-12-31T23:59:59.999999")]),
        TIMESTAMP,
        [
            datetime(2020, 1, 1, tzinfo=UTC),
            NOON,
            datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        ],
    ),
    "numpy datetimes": (
        pd.Series([np.datetime64("2020-01-01T12"), np.datetime64("NaT")], dtype=object),
        TIMESTAMP,
        [NOON, pd.NaT],
    ),
    "arrow naive": (arrow([NAIVE], pa.timestamp("ms")), TIMESTAMP, [NOON]),
    "arrow zone": (arrow([NOON], pa.timestamp("us", "Asia/Tokyo")), TIMESTAMP, [NOON]),
}


@pytest.mark.parametrize("case", LOSSLESS)
def test_conform_converts_values_if_nothing_is_lost(case: str) -> None:
    values, type_, expected = LOSSLESS[case]
    pd.testing.assert_series_equal(conform(values, type_), series(expected, type_))


LOSSY: dict[str, tuple[pd.Series[Any], pa.DataType]] = {
    "fraction": (pd.Series([1.5]), INT),
    "infinity": (pd.Series([np.inf]), INT),
    "big float": (pd.Series([2.0**60]), INT),
    "float of 2**53 + 1": (pd.Series([2.0**53 + 1]), INT),
    "float32 of 2**24 + 1": (pd.Series([2**24 + 1], dtype="float32"), INT),
    "big negative float": (pd.Series([-(2.0**60)]), INT),
    "big object float": (pd.Series([2.0**60, None], dtype=object), INT),
    "uint64 too big": (pd.Series([2**63], dtype="uint64"), INT),
    "bool as int": (pd.Series([True]), INT),
    "boolean as int": (pd.Series([True], dtype="boolean"), INT),
    "object bool as int": (pd.Series([True, 1], dtype=object), INT),
    "numpy bool as int": (pd.Series([np.bool_(True)], dtype=object), INT),
    "string as int": (pd.Series(["1"]), INT),
    "object string as int": (pd.Series(["1"], dtype=object), INT),
    "arrow string as int": (arrow(["1"], pa.string()), INT),
    "datetime as int": (pd.Series([NOON]), INT),
    "timedelta as int": (pd.Series([timedelta(1)]), INT),
    "decimal as int": (pd.Series([Decimal("1.5")], dtype=object), INT),
    "big int as float": (pd.Series([2**53 + 1]), FLOAT),
    "bool as float": (pd.Series([True]), FLOAT),
    "string as float": (pd.Series(["1.5"]), FLOAT),
    "int as bool": (pd.Series([1]), BOOL),
    "big int as bool": (pd.Series([5], dtype="Int64"), BOOL),
    "string as bool": (pd.Series(["true"]), BOOL),
    "int as string": (pd.Series([1]), STRING),
    "object int as string": (pd.Series([1, "a"], dtype=object), STRING),
    "float as string": (pd.Series([1.5]), STRING),
    "bytes as string": (pd.Series([b"a"], dtype=object), STRING),
    "lone surrogate": (pd.Series(["\ud800"], dtype=object), STRING),
    "string as datetime": (pd.Series(["2020-01-01"]), TIMESTAMP),
    "object string as datetime": (pd.Series(["2020-01-01"], dtype=object), TIMESTAMP),
    "int as datetime": (pd.Series([1]), TIMESTAMP),
    "object int as datetime": (pd.Series([1], dtype=object), TIMESTAMP),
    "numpy int after a date": (pd.Series([date(2020, 1, 1), np.int64(1)]), TIMESTAMP),
    "list that holds a missing value": (pd.Series([NOON, [None]], dtype=object), TIMESTAMP),
    "nanoseconds": (pd.Series([NANOSECONDS]), TIMESTAMP),
    "object nanoseconds": (pd.Series([NANOSECONDS], dtype=object), TIMESTAMP),
    "beyond 64 bits of microseconds": (
        pd.Series([np.datetime64("500000-01-01")], dtype=object),
        TIMESTAMP,
    ),
    "period": (pd.Series(pd.period_range("2020", periods=1, freq="D")), TIMESTAMP),
    "lists": (pd.Series([[1]], dtype=object), INT),
}


@pytest.mark.parametrize("case", LOSSY)
def test_conform_refuses_values_that_would_change(case: str) -> None:
    values, type_ = LOSSY[case]
    with pytest.raises(SchemaError, match="The column 'x' of the table 't' must be") as caught:
        conform(values, type_)
    assert f"its {values.dtype} values cannot be converted without loss" in str(caught.value)


def test_a_conversion_that_would_lose_the_same_digits_is_not_advised() -> None:
    for values, type_ in (LOSSY["float of 2**53 + 1"], LOSSY["nanoseconds"]):
        with pytest.raises(SchemaError, match=r"\)\. Read CSV files with k6frames\.read_csv\.$"):
            conform(values, type_)
    with pytest.raises(SchemaError, match=r"convert the column with frame\['x'\]\.astype"):
        conform(*LOSSY["string as int"])


@pytest.mark.parametrize("dtype", [None, object])
@pytest.mark.parametrize(
    "value",
    [
        np.datetime64("10000-01-01"),
        np.datetime64("0000-12-31T23:59:59"),
        np.datetime64("-4000-01-01"),
        datetime(1, 1, 1, tzinfo=EAST),
        datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-2))),
    ],
    ids=str,
)
def test_conform_refuses_timestamps_outside_the_years_1_to_9999(value: Any, dtype: Any) -> None:
    with pytest.raises(SchemaError, match=r"'x' .* outside the years 1 to 9999"):
        conform(pd.Series([NOON, value] if dtype is object else [value], dtype=dtype), TIMESTAMP)


def test_conform_refuses_other_years_even_in_a_column_of_the_right_dtype() -> None:
    values = pd.Series(np.array(["10000-01-01", "NaT"], "M8[us]")).dt.tz_localize("UTC")
    with pytest.raises(SchemaError, match="outside the years 1 to 9999"):
        conform(values, TIMESTAMP)


@pytest.mark.parametrize("type_", DTYPES, ids=str)
@pytest.mark.parametrize("dtype", [object, float, "Int64", "str", "datetime64[us]"])
def test_a_column_without_values_conforms_to_every_type(type_: pa.DataType, dtype: Any) -> None:
    pd.testing.assert_series_equal(
        conform(pd.Series([None, None], dtype=dtype), type_), series([None, None], type_)
    )
    pd.testing.assert_series_equal(conform(pd.Series([], dtype=dtype), type_), series([], type_))


def test_a_private_value_is_not_in_the_error() -> None:
    table = one_column(STRING, private=True)
    with pytest.raises(SchemaError) as caught:
        table.conform(pd.DataFrame({"x": pd.Series([1, "secret"], dtype=object)}))
    assert "secret" not in str(caught.value)


@given(tables_with_frames)
def test_conform_changes_nothing_in_a_frame_that_conforms(drawn: tuple[Table, Any]) -> None:
    table, frame = drawn
    pd.testing.assert_frame_equal(table.conform(frame), frame)


@given(frames(PROJECTS), st.randoms(use_true_random=False))
def test_conform_returns_columns_in_order_and_a_default_index(
    frame: pd.DataFrame, rng: Any
) -> None:
    names = [*frame.columns, "extra"]
    rng.shuffle(names)
    shuffled = frame.assign(extra=1)[names].set_axis(["same"] * len(frame))
    pd.testing.assert_frame_equal(PROJECTS.conform(shuffled), frame)


@given(frames(PROJECTS, max_size=4))
def test_conform_neither_changes_its_input_nor_shares_data_with_it(frame: pd.DataFrame) -> None:
    frame["created"] = frame["created"].dt.tz_convert("Asia/Tokyo")
    frame.attrs = {"failed": [{"path": "/1"}]}
    before, attrs = frame.copy(deep=True), copy.deepcopy(frame.attrs)
    result = PROJECTS.conform(frame)
    assert result.attrs == attrs
    result.loc[:, "name"] = pd.NA
    result.loc[:, "project_id"] = 0
    result.attrs["failed"].append("changed")
    pd.testing.assert_frame_equal(frame, before)
    assert frame.attrs == attrs


def test_missing_columns_are_named_with_the_function_that_returns_the_table() -> None:
    frame = projects(1)[["name"]]
    with pytest.raises(SchemaError) as caught:
        PROJECTS.conform(frame)
    assert str(caught.value) == (
        "Expected a frame of the table 'projects', as returned by k6frames.projects_df(). This "
        "frame has no columns project_id, description, org_id, created, updated, is_default; it "
        "has name."
    )
    with pytest.raises(SchemaError, match=r"This frame has no column name; it has project_id, "):
        PROJECTS.conform(projects(1).drop(columns="name"))


def test_the_error_about_a_key_in_the_index_names_the_fix() -> None:
    with pytest.raises(SchemaError, match=r"no column project_id; .* with frame\.reset_index\(\)"):
        PROJECTS.conform(projects(1).set_index("project_id"))


@pytest.mark.parametrize(
    ("value", "described"),
    [
        (None, "None"),
        (5, "an int"),
        ("projects", "a str"),
        ([1], "a list"),
        (pd.Series([1]), "a pandas.Series"),
        (k6frames.Client.sample(), "a k6frames.Client"),
        (pa.table({}), "a pyarrow.Table; call its to_pandas() method"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_argument_that_is_not_a_frame_is_named_in_the_error(value: Any, described: str) -> None:
    with pytest.raises(SchemaError, match=rf"'projects'.*, not {re.escape(described)}\.$"):
        PROJECTS.conform(value)


def test_conform_refuses_a_duplicate_column_and_names_the_fix() -> None:
    frame = projects(1)
    twice = pd.concat([frame, frame[["name"]].assign(name="other")], axis="columns")
    with pytest.raises(SchemaError, match="more than one column 'name'") as caught:
        PROJECTS.conform(twice)
    assert "frame.loc[:, ~frame.columns.duplicated()]" in str(caught.value)
    fixed = PROJECTS.conform(twice.loc[:, ~twice.columns.duplicated()])
    pd.testing.assert_frame_equal(fixed, frame)
    extra = pd.concat([frame, pd.DataFrame([[1, 2]], columns=["x", "x"])], axis="columns")
    pd.testing.assert_frame_equal(PROJECTS.conform(extra), frame)


@pytest.mark.parametrize(
    ("type_", "values", "fix"),
    [
        (INT, ["7"], lambda frame: frame["x"].astype("Int64")),
        (FLOAT, ["0.5"], lambda frame: frame["x"].astype("Float64")),
        (BOOL, ["True"], lambda frame: frame["x"].replace({"True": True, "False": False})),
        (STRING, [7], lambda frame: frame["x"].astype("string")),
        (
            TIMESTAMP,
            ["2026-07-01 00:00:00+00:00"],
            lambda frame: pd.to_datetime(frame["x"], format="ISO8601", utc=True),
        ),
    ],
    ids=["int", "float", "bool", "string", "timestamp"],
)
def test_the_fix_for_another_type_is_named_and_works(
    type_: pa.DataType, values: list[Any], fix: Any
) -> None:
    frame = pd.DataFrame({"x": values})
    with pytest.raises(SchemaError, match=r"k6frames\.read_csv, or convert") as caught:
        one_column(type_).conform(frame)
    (code,) = re.findall(r"the column with (.*)\.$", str(caught.value))
    assert code.replace("pandas.", "pd.") in inspect.getsource(fix).replace('"', "'")
    one_column(type_).conform(frame.assign(x=fix(frame)))


def test_conform_refuses_a_missing_value_where_one_is_required() -> None:
    frame = pd.DataFrame({"x": pd.array([1, None], dtype="Int64")})
    with pytest.raises(SchemaError, match="'x' of the table 't' has missing values") as caught:
        one_column(INT, nullable=False).conform(frame)
    assert "frame.dropna(subset='x')" in str(caught.value)


def test_conform_refuses_a_duplicate_key_and_names_the_fix() -> None:
    frame = pd.concat([projects(8, 9), projects(9)])
    with pytest.raises(SchemaError, match=r"'projects' .* \(project_id 9\).*") as caught:
        PROJECTS.conform(frame)
    assert "frame.drop_duplicates(['project_id'])" in str(caught.value)


@pytest.mark.parametrize(
    ("rows", "duplicate"),
    [
        ([(1, 7), (1, 8), (2, 7), (2, 8)], None),
        ([(1, 7), (2, 8), (1, 8), (2, 8)], "stack_id 2, test_run_id 8"),
    ],
)
def test_a_key_of_several_columns_is_unique_as_a_tuple(
    rows: list[tuple[int, int]], duplicate: str | None
) -> None:
    table = TEST_RUNS.select()
    frame = pd.DataFrame(rows, columns=["stack_id", "test_run_id"], dtype="Int64")
    if duplicate is None:
        pd.testing.assert_frame_equal(table.conform(frame), frame)
    else:
        with pytest.raises(SchemaError, match=duplicate):
            table.conform(frame)


# --- the declaration ------------------------------------------------------------------------------


def test_describe_returns_the_declaration_as_a_frame() -> None:
    table = Table("t", "a row", ("a",), (
        Column("a", INT, "first", "id", nullable=False),
        Column("b", STRING, "second", None, private=True),
    ))  # fmt: skip
    expected = pd.DataFrame(
        {
            "column": ["a", "b"],
            "dtype": ["Int64", "string"],
            "key": [True, False],
            "nullable": [False, True],
            "private": [False, True],
            "source": pd.Series(["id", None], dtype="string"),
            "meaning": ["first", "second"],
        }
    )
    pd.testing.assert_frame_equal(table.describe(), expected)


def test_the_arrow_schema_has_types_and_descriptions() -> None:
    schema = PROJECTS.arrow_schema
    assert schema.names == list(PROJECTS.dtypes)
    assert schema.types == [column.type for column in PROJECTS.columns]
    assert [field.nullable for field in schema] == [c.nullable for c in PROJECTS.columns]
    descriptions = [field.metadata[b"description"].decode() for field in schema]
    assert descriptions == [column.doc for column in PROJECTS.columns]
    assert schema.metadata[b"k6frames.table"] == b"projects"


def test_the_text_of_a_table_is_aligned() -> None:
    lines = PROJECTS.to_text().splitlines()
    assert lines[0] == lines[-1]
    assert set(lines[0]) == {"=", " "}
    assert lines[1].split()[:2] == ["project_id", "Int64"]
    assert len(lines) == len(PROJECTS.columns) + 2


def test_select_keeps_the_key_and_the_order() -> None:
    selected = PROJECTS.select("created", "org_id")
    assert list(selected.dtypes) == ["project_id", "org_id", "created"]
    assert selected.key == ("project_id",)
    assert selected.name == "projects"


def test_public_leaves_out_exactly_the_private_columns() -> None:
    public = ORGANIZATIONS.public("shown")
    assert public.name == "shown"
    assert public.key == ORGANIZATIONS.key
    assert [c for c in ORGANIZATIONS.columns if not c.private] == list(public.columns)
    assert len(public.columns) == 7


def test_a_declaration_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        PROJECTS.name = "other"  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        PROJECTS.columns[0].name = "other"  # type: ignore[misc]


def test_returns_adds_the_columns_to_the_docstring_and_the_tables_to_the_function() -> None:
    @returns(PROJECTS, ORGANIZATIONS_PUBLIC)
    def load() -> pd.DataFrame:
        """Load it.

        Returns
        -------
        pandas.DataFrame
        """
        return pd.DataFrame()

    doc = inspect.getdoc(load) or ""
    assert load.tables == (PROJECTS, ORGANIZATIONS_PUBLIC)  # type: ignore[attr-defined]
    assert doc.startswith("Load it.\n\nReturns\n-------\npandas.DataFrame\n")
    assert "\nColumns\n-------\n\nTable ``projects``: one row is a project" in doc
    assert "key: project_id." in doc
    assert PROJECTS.to_text() in doc
    assert ORGANIZATIONS_PUBLIC.to_text() in doc
