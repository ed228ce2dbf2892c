"""Tables: typed frames out of bodies and out of other frames."""

from __future__ import annotations

import copy
import dataclasses
import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import frames

from k6frames import SchemaError
from k6frames.schema import TIMESTAMP, Column, Table, carry
from k6frames.tables import ORGANIZATIONS, PROJECTS, TABLES

INT, FLOAT, BOOL, TEXT = pa.int64(), pa.float64(), pa.bool_(), pa.string()
DTYPES: dict[pa.DataType, Any] = {
    INT: "Int64",
    FLOAT: "Float64",
    BOOL: "boolean",
    TEXT: pd.StringDtype("pyarrow", na_value=pd.NA),
    TIMESTAMP: "datetime64[us, UTC]",
}
PATH = "/v3/organizations/7/projects"


def table_of_one(type_: pa.DataType, *, nullable: bool = True, private: bool = False) -> Table:
    return Table("t", "a row", (), (Column("x", type_, "x", "x", nullable, private),))


def conformed(values: Any, type_: pa.DataType) -> pd.Series[Any]:
    column: pd.Series[Any] = table_of_one(type_).conform(pd.DataFrame({"x": values}))["x"]
    return column


def series(values: list[Any], type_: pa.DataType) -> pd.Series[Any]:
    column: pd.Series[Any] = pd.Series(values, dtype=DTYPES[type_], name="x")
    return column


# --- reading --------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", [ORGANIZATIONS, PROJECTS], ids=lambda table: table.name)
@pytest.mark.parametrize("how", ["no body", "empty list"])
def test_a_frame_without_rows_has_every_column_and_dtype(table: Table, how: str) -> None:
    bodies = {} if how == "no body" else {PATH: json.dumps({table.name: []}).encode()}
    expected = pd.DataFrame({c.name: series([], c.type) for c in table.columns})
    pd.testing.assert_frame_equal(table.read(bodies), expected)


def test_all_eleven_fields_of_an_organization_are_read() -> None:
    record = {
        "id": 7, "name": "Ñ", "owner_id": 3, "description": "", "billing_address": "a",
        "billing_country": "SE", "billing_email": "a@example.com", "vat_number": "SE1",
        "created": "2020-08-13T18:28:45Z", "updated": "2024-12-03T09:53:00.553", "is_default": True,
    }  # fmt: skip
    expected = pd.DataFrame(
        {
            "org_id": series([7], INT),
            "name": series(["Ñ"], TEXT),
            "owner_id": series([3], INT),
            "description": series([""], TEXT),
            "billing_address": series(["a"], TEXT),
            "billing_country": series(["SE"], TEXT),
            "billing_email": series(["a@example.com"], TEXT),
            "vat_number": series(["SE1"], TEXT),
            "created": series([datetime(2020, 8, 13, 18, 28, 45, tzinfo=UTC)], TIMESTAMP),
            "updated": series([datetime(2024, 12, 3, 9, 53, 0, 553_000, tzinfo=UTC)], TIMESTAMP),
            "is_default": series([True], BOOL),
        }
    )
    listed = {"/v3/organizations": json.dumps({"organizations": [record]}).encode()}
    single = {"/v3/organizations/7": json.dumps({"organization": record}).encode()}
    pd.testing.assert_frame_equal(ORGANIZATIONS.read(listed), expected)
    pd.testing.assert_frame_equal(ORGANIZATIONS.read(single, envelope="organization"), expected)


def test_all_seven_fields_of_a_project_are_read_and_unknown_ones_ignored() -> None:
    record = {
        "logo": {"id": 1}, "is_default": False, "updated": None, "created": "", "id": 2**63 - 1,
        "organization_id": 7, "description": None, "name": "x", "vuh": 1.5,
    }  # fmt: skip
    expected = pd.DataFrame(
        {
            "project_id": series([2**63 - 1, 1], INT),
            "name": series(["x", pd.NA], TEXT),
            "description": series([pd.NA, pd.NA], TEXT),
            "org_id": series([7, pd.NA], INT),
            "created": series([pd.NaT, pd.NaT], TIMESTAMP),
            "updated": series([pd.NaT, pd.NaT], TIMESTAMP),
            "is_default": series([False, pd.NA], BOOL),
        }
    )
    body = json.dumps({"projects": [record, {"id": 1}]}).encode()
    pd.testing.assert_frame_equal(PROJECTS.read({PATH: body}), expected)


def test_a_made_up_table_reads_floats_bools_and_nested_fields() -> None:
    columns = (
        Column("run_id", INT, "n", "id", nullable=False),
        Column("vuh", FLOAT, "n", "cost.total_vuh"),
        Column("starred", BOOL, "n", "is_starred"),
    )
    body = b'{"runs": [{"id": 1, "cost": {"total_vuh": 2, "x": 1}}, {"id": 2, "is_starred": true}]}'
    expected = pd.DataFrame(
        {
            "run_id": series([1, 2], INT),
            "vuh": series([2.0, pd.NA], FLOAT),
            "starred": series([pd.NA, True], BOOL),
        }
    )
    frame = Table("runs", "a run", ("run_id",), columns).read({PATH: body})
    pd.testing.assert_frame_equal(frame, expected)


# --- conform --------------------------------------------------------------------------------------

NA = pd.NA
MOMENT = datetime(2020, 1, 1, 12, tzinfo=UTC)
NAIVE = datetime.fromisoformat("2020-01-01T12:00:00")
NANOS = pd.Timestamp("2020-01-01 12:00:00.000000001")
EAST = timezone(timedelta(hours=2))


def arrow(values: list[Any], type_: pa.DataType) -> pd.Series[Any]:
    return pd.Series(values, dtype=pd.ArrowDtype(type_))


LOSSLESS: dict[str, tuple[pd.Series[Any], pa.DataType, list[Any]]] = {
    "int64": (pd.Series([1, 2**63 - 1]), INT, [1, 2**63 - 1]),
    "int32": (pd.Series([1], dtype="int32"), INT, [1]),
    "uint64": (pd.Series([1], dtype="uint64"), INT, [1]),
    "floats of a join": (pd.Series([1.0, np.nan]), INT, [1, NA]),
    "Float64": (pd.Series([2.0**53, NA], dtype="Float64"), INT, [2**53, NA]),
    "object ints": (pd.Series([2**63 - 1, None], dtype=object), INT, [2**63 - 1, NA]),
    "object ints with nan": (pd.Series([2**63 - 1, np.nan], dtype=object), INT, [2**63 - 1, NA]),
    "object ints with NA": (pd.Series([-(2**63), NA], dtype=object), INT, [-(2**63), NA]),
    "category of ints": (pd.Series([3, 3], dtype="category"), INT, [3, 3]),
    "arrow ints": (arrow([1, None], pa.int32()), INT, [1, NA]),
    "ints as floats": (pd.Series([1, -(2**53)]), FLOAT, [1.0, -(2.0**53)]),
    "floats": (pd.Series([0.1, np.nan]), FLOAT, [0.1, NA]),
    "bool": (pd.Series([True, False]), BOOL, [True, False]),
    "object bools": (pd.Series([True, None], dtype=object), BOOL, [True, NA]),
    "str": (pd.Series(["a", None], dtype="str"), TEXT, ["a", NA]),
    "python string": (pd.Series(["a", NA], dtype=pd.StringDtype("python")), TEXT, ["a", NA]),
    "object texts": (pd.Series(["", "\x00", None], dtype=object), TEXT, ["", "\x00", NA]),
    "category": (pd.Series(["b", "a", "b"], dtype="category"), TEXT, ["b", "a", "b"]),
    "arrow text": (arrow(["a", None], pa.large_string()), TEXT, ["a", NA]),
    "naive": (pd.Series([NAIVE, pd.NaT]), TIMESTAMP, [MOMENT, pd.NaT]),
    "naive seconds": (pd.Series(np.array(["2020-01-01T12"], "M8[s]")), TIMESTAMP, [MOMENT]),
    "whole ns": (pd.Series(np.array(["2020-01-01T12"], "M8[ns]")), TIMESTAMP, [MOMENT]),
    "other zone": (pd.Series([MOMENT.astimezone(EAST)]), TIMESTAMP, [MOMENT]),
    "object datetimes": (
        pd.Series([NAIVE, MOMENT.astimezone(EAST), None, pd.NaT], dtype=object),
        TIMESTAMP,
        [MOMENT, MOMENT, pd.NaT, pd.NaT],
    ),
    "dates": (pd.Series([date(1, 1, 1)], dtype=object), TIMESTAMP, [datetime(1, 1, 1, tzinfo=UTC)]),
    "arrow naive": (arrow([NAIVE], pa.timestamp("ms")), TIMESTAMP, [MOMENT]),
    "arrow zone": (arrow([MOMENT], pa.timestamp("us", "Asia/Tokyo")), TIMESTAMP, [MOMENT]),
}


@pytest.mark.parametrize("case", LOSSLESS)
def test_conform_casts_what_loses_nothing(case: str) -> None:
    values, type_, expected = LOSSLESS[case]
    pd.testing.assert_series_equal(conformed(values, type_), series(expected, type_))


LOSSY: dict[str, tuple[pd.Series[Any], pa.DataType]] = {
    "fraction": (pd.Series([1.5]), INT),
    "infinity": (pd.Series([np.inf]), INT),
    "big float": (pd.Series([2.0**60]), INT),
    "big negative float": (pd.Series([-(2.0**60)]), INT),
    "uint64 too big": (pd.Series([2**63], dtype="uint64"), INT),
    "bool as int": (pd.Series([True]), INT),
    "boolean as int": (pd.Series([True], dtype="boolean"), INT),
    "object bool as int": (pd.Series([True, 1], dtype=object), INT),
    "numpy bool as int": (pd.Series([np.bool_(True)], dtype=object), INT),
    "text as int": (pd.Series(["1"]), INT),
    "object text as int": (pd.Series(["1"], dtype=object), INT),
    "arrow text as int": (arrow(["1"], pa.string()), INT),
    "datetime as int": (pd.Series([MOMENT]), INT),
    "timedelta as int": (pd.Series([timedelta(1)]), INT),
    "decimal as int": (pd.Series([Decimal("1.5")], dtype=object), INT),
    "big int as float": (pd.Series([2**53 + 1]), FLOAT),
    "bool as float": (pd.Series([True]), FLOAT),
    "text as float": (pd.Series(["1.5"]), FLOAT),
    "int as bool": (pd.Series([1]), BOOL),
    "big int as bool": (pd.Series([5], dtype="Int64"), BOOL),
    "text as bool": (pd.Series(["true"]), BOOL),
    "int as text": (pd.Series([1]), TEXT),
    "object int as text": (pd.Series([1, "a"], dtype=object), TEXT),
    "float as text": (pd.Series([1.5]), TEXT),
    "bytes as text": (pd.Series([b"a"], dtype=object), TEXT),
    "lone surrogate": (pd.Series(["\ud800"], dtype=object), TEXT),
    "text as datetime": (pd.Series(["2020-01-01"]), TIMESTAMP),
    "object text as datetime": (pd.Series(["2020-01-01"], dtype=object), TIMESTAMP),
    "int as datetime": (pd.Series([1]), TIMESTAMP),
    "object int as datetime": (pd.Series([1], dtype=object), TIMESTAMP),
    "nanoseconds": (pd.Series([NANOS]), TIMESTAMP),
    "object nanoseconds": (pd.Series([NANOS], dtype=object), TIMESTAMP),
    "period": (pd.Series(pd.period_range("2020", periods=1, freq="D")), TIMESTAMP),
    "lists": (pd.Series([[1]], dtype=object), INT),
}


@pytest.mark.parametrize("case", LOSSY)
def test_conform_refuses_what_would_lose_or_change_meaning(case: str) -> None:
    values, type_ = LOSSY[case]
    with pytest.raises(SchemaError, match="The column 'x' of the table 't' should be"):
        conformed(values, type_)


@pytest.mark.parametrize("type_", DTYPES, ids=str)
@pytest.mark.parametrize("dtype", [object, float, "Int64", "str", "datetime64[us]"])
def test_a_column_without_any_value_fits_every_type(type_: pa.DataType, dtype: Any) -> None:
    pd.testing.assert_series_equal(
        conformed(pd.Series([None, None], dtype=dtype), type_), series([None, None], type_)
    )
    pd.testing.assert_series_equal(conformed(pd.Series([], dtype=dtype), type_), series([], type_))


def test_a_private_value_is_not_repeated_when_it_does_not_fit() -> None:
    table = table_of_one(TEXT, private=True)
    with pytest.raises(SchemaError) as caught:
        table.conform(pd.DataFrame({"x": pd.Series([1, "secret"], dtype=object)}))
    assert "secret" not in str(caught.value)


@given(st.sampled_from(TABLES).flatmap(lambda table: st.tuples(st.just(table), frames(table))))
def test_conform_changes_nothing_in_a_frame_that_conforms(
    drawn: tuple[Table, pd.DataFrame],
) -> None:
    table, frame = drawn
    pd.testing.assert_frame_equal(table.conform(frame), frame)


@given(frames(PROJECTS), st.randoms(use_true_random=False))
def test_conform_gives_columns_in_order_and_rows_numbered_from_0(
    frame: pd.DataFrame, rng: Any
) -> None:
    names = [*frame.columns, "extra"]
    rng.shuffle(names)
    shuffled = frame.assign(extra=1)[names].set_axis(["same"] * len(frame))
    pd.testing.assert_frame_equal(PROJECTS.conform(shuffled), frame)


@given(frames(PROJECTS, max_size=4))
def test_conform_never_alters_its_input_nor_hands_it_out(frame: pd.DataFrame) -> None:
    frame["created"] = frame["created"].dt.tz_convert("Asia/Tokyo")
    frame.attrs = {"failed": [{"path": "/1"}]}
    before, attrs = frame.copy(deep=True), copy.deepcopy(frame.attrs)
    result = PROJECTS.conform(frame)
    for name in result.columns:
        result[name] = pd.NA
    result.attrs["failed"].append("changed")
    pd.testing.assert_frame_equal(frame, before)
    assert frame.attrs == attrs


def test_values_changed_in_a_conformed_frame_stay_as_they_were_in_the_input() -> None:
    frame = PROJECTS.read({PATH: b'{"projects": [{"id": 1, "name": "a"}]}'})
    result = PROJECTS.conform(frame)
    before = frame.copy(deep=True)
    result.loc[0, "project_id"] = 99
    result.loc[0, "name"] = "changed"
    pd.testing.assert_frame_equal(frame, before)


def test_conform_keeps_the_attrs() -> None:
    frame = PROJECTS.read({})
    frame.attrs = {"fetched": "2026-07-01T00:00:00+00:00", "mine": [1]}
    assert PROJECTS.conform(frame).attrs == frame.attrs


def test_conform_says_which_columns_are_missing() -> None:
    frame = PROJECTS.read({}).drop(columns=["created", "project_id"])
    with pytest.raises(SchemaError, match=r"'projects' needs .*missing: project_id, created"):
        PROJECTS.conform(frame)


def test_conform_refuses_a_column_that_stands_there_twice() -> None:
    frame = PROJECTS.read({})
    twice = pd.concat([frame, frame[["name"]]], axis="columns")
    with pytest.raises(SchemaError, match="'name' stands in the frame more than once"):
        PROJECTS.conform(twice)


def test_conform_refuses_a_missing_value_where_one_is_required() -> None:
    frame = pd.DataFrame({"x": pd.array([1, None], dtype="Int64")})
    with pytest.raises(SchemaError, match="'x' of the table 't' has missing values"):
        table_of_one(INT, nullable=False).conform(frame)


def test_conform_refuses_a_key_that_comes_twice() -> None:
    frame = PROJECTS.read({PATH: b'{"projects": [{"id": 8}, {"id": 9}]}'})
    with pytest.raises(SchemaError, match="'projects' have the same key, project_id 9"):
        PROJECTS.conform(pd.concat([frame, frame.tail(1)]))


# --- the declaration ------------------------------------------------------------------------------


def test_describe_is_the_declaration_as_a_frame() -> None:
    table = Table("t", "a row", ("a",), (
        Column("a", INT, "first", "id", nullable=False),
        Column("b", TEXT, "second", None, private=True),
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


def test_the_arrow_schema_carries_types_and_meanings() -> None:
    schema = PROJECTS.arrow_schema
    assert schema.names == list(PROJECTS.dtypes)
    assert schema.types == [column.type for column in PROJECTS.columns]
    assert [field.nullable for field in schema] == [c.nullable for c in PROJECTS.columns]
    meanings = [field.metadata[b"description"].decode() for field in schema]
    assert meanings == [column.doc for column in PROJECTS.columns]
    assert schema.metadata[b"k6frames.table"] == b"projects"


def test_the_text_of_a_table_is_aligned() -> None:
    lines = PROJECTS.to_text().splitlines()
    assert lines[0] == lines[-1]
    assert set(lines[0]) == {"=", " "}
    assert lines[1].split()[:2] == ["project_id", "Int64"]
    assert len(lines) == len(PROJECTS.columns) + 2


def test_a_part_of_a_table_needs_only_its_columns_and_has_no_key() -> None:
    part = PROJECTS.part("created", "org_id")
    frame = pd.DataFrame({"created": [MOMENT, MOMENT], "org_id": [1, 1]})
    expected = pd.DataFrame(
        {"org_id": series([1, 1], INT), "created": series([MOMENT, MOMENT], TIMESTAMP)}
    )
    pd.testing.assert_frame_equal(part.conform(frame), expected)


def test_the_public_part_of_a_table_has_no_private_column() -> None:
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


# --- attrs ----------------------------------------------------------------------------------------


def _frame(**attrs: Any) -> pd.DataFrame:
    frame = pd.DataFrame({"x": [1]})
    frame.attrs.update(attrs)
    return frame


def test_carry_takes_the_oldest_time_and_every_failure_once() -> None:
    one, two = {"path": "/1", "org_id": 1}, {"path": "/2", "org_id": 2}
    result = carry(
        _frame(other="dropped"),
        _frame(fetched="2026-07-02", failed=[one]),
        _frame(fetched="2026-07-01", failed=[two, one]),
        _frame(),
    )
    assert result.attrs == {"fetched": "2026-07-01", "failed": [one, two]}


def test_carry_makes_nothing_up() -> None:
    assert carry(_frame(), _frame()).attrs == {}


def test_carry_shares_nothing_with_its_sources() -> None:
    source = _frame(failed=[{"path": "/1"}])
    carry(_frame(), source).attrs["failed"][0]["path"] = "changed"
    assert source.attrs == {"failed": [{"path": "/1"}]}
