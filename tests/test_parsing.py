"""The parser returns exactly the values of `json.loads` and plain Python, or an error."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from strategies import integers, strings, thorough, timestamps

from k6frames import parsing
from k6frames.errors import SchemaError
from k6frames.parsing import STRING_MAP
from k6frames.tables import ORGANIZATIONS, PROJECTS, SCHEDULES, TEST_RUNS
from k6frames.tables.schema import BOOL, FLOAT, INT, STRING, TIMESTAMP, Column, Table

PATH = "/v3/organizations/7/projects"

MIXED = Table(
    name="mixed",
    doc="an invented record with every type",
    key=("id",),
    columns=(
        Column("id", INT, "ID", "id", nullable=False),
        Column("number", INT, "integer", "number"),
        Column("vuh", FLOAT, "number or numeric string", "cost.total_vuh", numeric_strings=True),
        Column("base", FLOAT, "number", "cost.breakdown.base"),
        Column("starred", BOOL, "bool", "is_starred"),
        Column("note", STRING, "string", "note"),
        Column("days", STRING, "list", "days", string_list=True),
        Column("ended", TIMESTAMP, "timestamp", "ended"),
        Column("labels", STRING_MAP, "labels", "labels"),
        Column("email", STRING, "e-mail address", "who.email", private=True),
    ),
)

TIMESTAMP_FORMS = {
    "2020-08-13T18:28:45Z": "2020-08-13T18:28:45",
    "2021-05-24T12:59:18.180471Z": "2021-05-24T12:59:18.180471",
    "2024-12-04T19:57:46.339Z": "2024-12-04T19:57:46.339",
    "2024-06-24T19:44:36.46Z": "2024-06-24T19:44:36.46",
    "2020-08-18T13:33:41": "2020-08-18T13:33:41",
    "2020-08-18 13:36:41.348933+00:00": "2020-08-18T13:36:41.348933",
    "2025-08-01T12:00:00+05:30": "2025-08-01T06:30:00",
    "2025-08-01T12:00:00-0530": "2025-08-01T17:30:00",
    "2025-08-01T12:00:00+05": "2025-08-01T07:00:00",
    "2025-08-01": "2025-08-01T00:00:00",
    "2025-08-01T12:30Z": "2025-08-01T12:30:00",
    "2025-08-01T12": "2025-08-01T12:00:00",
    "2025-08-01t12:00:00z": "2025-08-01T12:00:00",
    "2025-08-01T12:00:00.1234567Z": "2025-08-01T12:00:00.123456",
    "2025-08-01T12:00:00.999999999+00:00": "2025-08-01T12:00:00.999999",
    "9999-12-31T23:59:59.999999Z": "9999-12-31T23:59:59.999999",
    "1969-12-31T23:59:59.999999Z": "1969-12-31T23:59:59.999999",
}

NEAR_MISSES = (
    "2020-02-30T00:00:00Z", "2020-13-01", "2021-02-29", "0000-01-01T00:00:00Z", "10000-01-01",
    "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "2020-08-13T24:00:00Z", "+2020-08-13",
    "2020-08-13T18:28:60Z", "2020-08-13T18:60:00Z", "2020-08-13T18:28:45.Z",
    "2020-08-13T18:28:45,5Z", "2020-08-13T18:28:45 Z", "2020-08-13T18:28:45ZZ",
    "2020-08-13T18:28:45+24:00", "20200813T182845Z", "2020-08-13T18:28:45+05:60",
    "2020-08-13T18:28:45+5:00", "2020-08-13T18:28:45+05:", "2020-W33-4", "2020-08-13T",
    "2020-08-13T18:2", "2020-08-13T182845Z", "2020-08-13T18:2845Z", "2020-08-13T18:28:4501Z",
    "2020-08-13T18.5Z", "2020-08-13T18:28.5Z", "2020-08", "2020", "13.08.2020", "08/13/2020",
    "1597343325", "now",
    " 2020-08-13", "2020-08-13 ", "2020-08-13\n", "2020-08-13T18:28:45UTC", "\uff12020-08-13",
    "null", "NaT",
)  # fmt: skip


def read(records: Any, table: Table = MIXED, **options: Any) -> pa.Table:
    return parsing.read(table, {PATH: json.dumps({"value": records}).encode()}, **options)


def error_of(body: bytes, table: Table = MIXED, **options: Any) -> str:
    with pytest.raises(SchemaError) as caught:
        parsing.read(table, {PATH: body}, **options)
    message = str(caught.value)
    assert message.startswith(PATH)
    assert len(message) < 400
    return message


# --- random bodies --------------------------------------------------------------------------------

written_times = st.builds(
    lambda time, digits, space, end: (
        time.isoformat(timespec="microseconds")[: 20 + digits if digits else 19].replace("T", space)
        + end
    ),
    timestamps.filter(lambda time: 1 < time.year < 9999),
    st.sampled_from([0, 1, 2, 3, 6]),
    st.sampled_from("T "),
    st.sampled_from(["", "Z", "+00:00", "+02:00"]),
)
numbers = (
    st.floats(allow_nan=False, allow_infinity=False)
    | st.integers(-(2**60), 2**60)
    | st.sampled_from([0, -0.0, 1e-300])
)
valid_fields: dict[str, st.SearchStrategy[Any]] = {
    "number": integers,
    "is_starred": st.booleans(),
    "note": strings,
    "days": st.lists(strings, max_size=3),
    "ended": written_times | st.sampled_from(["", "0001-01-01T00:00:00Z", *TIMESTAMP_FORMS]),
    "labels": st.dictionaries(strings, strings, max_size=3),
    "cost": st.fixed_dictionaries(
        {},
        optional={
            "total_vuh": numbers | numbers.map(repr) | st.sampled_from(["0.25", "0E-10", None]),
            "breakdown": st.none() | st.fixed_dictionaries({}, optional={"base": numbers}),
        },
    ),
    "who": st.fixed_dictionaries({}, optional={"email": strings | st.none()}),
    "new_field": st.just({"anything": [1, None]}),
}
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**80), 2**80)
    | st.floats()
    | st.text(st.characters(exclude_categories=()))
    | st.sampled_from(NEAR_MISSES),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(strings, inner, max_size=2),
    max_leaves=4,
)
optional_fields = {name: value | st.none() for name, value in valid_fields.items()}
records = st.fixed_dictionaries({"id": integers}, optional=optional_fields)
malformed_records = st.fixed_dictionaries(
    {"id": integers | anything},
    optional={name: value | anything for name, value in optional_fields.items()},
)


def expected_row(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record's values as they must be in the table, by plain Python."""

    def field(*names: str) -> Any:
        value: Any = record
        for name in names:
            value = None if value is None else value.get(name)
        return value

    ended = field("ended")
    vuh = field("cost", "total_vuh")
    base = field("cost", "breakdown", "base")
    if not ended or ended.startswith("0001"):
        ended = None
    elif ended in TIMESTAMP_FORMS:
        ended = datetime.fromisoformat(TIMESTAMP_FORMS[ended]).replace(tzinfo=UTC)
    else:
        ended = datetime.fromisoformat(ended)
        ended = ended.replace(tzinfo=UTC) if ended.tzinfo is None else ended.astimezone(UTC)
    labels = field("labels")
    return {
        "id": record["id"],
        "number": field("number"),
        "vuh": None if vuh is None else float(vuh),
        "base": None if base is None else float(base),
        "starred": field("is_starred"),
        "note": field("note"),
        "days": None if field("days") is None else ",".join(field("days")),
        "ended": ended,
        "labels": None if labels is None else list(labels.items()),
        "email": field("who", "email"),
    }


@thorough
@given(st.lists(st.lists(records, max_size=4), max_size=3), st.booleans())
def test_the_values_are_those_of_plain_python(drawn: list[list[Any]], ensure_ascii: bool) -> None:
    all_records = [record for page in drawn for record in page]
    for index, record in enumerate(all_records):
        record["id"] = 2**53 + index
    bodies = {
        f"/{n}": json.dumps({"value": page}, ensure_ascii=ensure_ascii).encode()
        for n, page in enumerate(drawn)
    }
    decoded = json.loads(json.dumps(all_records))
    table = parsing.read(MIXED, bodies)
    assert table.schema.types == [column.type for column in MIXED.columns]
    assert table.to_pylist() == [expected_row(record) for record in decoded]


@thorough
@given(
    st.lists(malformed_records | anything, max_size=3), st.integers(0, 20), st.binary(max_size=3)
)
def test_any_body_is_a_typed_table_or_a_schema_error_and_nothing_else(
    drawn: list[Any], length: int, inserted: bytes
) -> None:
    complete = json.dumps({"value": drawn}).encode()
    truncated = complete[: -length or None] + inserted
    damaged = complete[:length] + inserted + complete[length:]
    for body in (complete, truncated, damaged):
        try:
            table = parsing.read(MIXED, {PATH: body})
        except SchemaError as error:
            event("error")
            assert str(error).startswith(PATH)  # noqa: PT017 - an error is allowed, not required
        else:
            event("table")
            assert table.schema.types == [column.type for column in MIXED.columns]


@given(st.text('[]{}:,"\\ \n0123456789.eE+-aeflnrstuvdi\ud800', max_size=30))
def test_any_text_is_a_typed_table_or_a_schema_error(text: str) -> None:
    for body in (text, f'{{"value": [{{"id": {text}}}]}}', f'{{"value": {text}}}'):
        try:
            parsing.read(MIXED, {PATH: body.encode("utf-8", "surrogatepass")})
        except SchemaError:
            event("error")


# --- responses ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"null", "must be an object, not null"),
        (b"[]", "must be an object, not a list"),
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b'{"value": [', "not complete, valid JSON"),
        (b'{"value": [{"id": "x"}', "not complete, valid JSON"),
        (b'{"value": []} {"value": []}', "not complete, valid JSON"),
        (b'{"value": []}\x00}', "not complete, valid JSON"),
        (b'{"value": [{"id": 1, "note": "\xff"}]}', "is not UTF-8"),
        (b'{"value": [{"id": 1, "note": "\xed\xa0\x80"}]}', "is not UTF-8"),
        (b'{"value": [{"id": NaN}]}', "not complete, valid JSON"),
        (b"{}", "the field 'value' is missing. The response has no fields"),
        (b'{"projects": []}', "the field 'value' is missing. The response has projects"),
        (b'{"value": null}', "the field 'value' is null"),
        (b'{"value": {"id": 1}}', "must be a list of objects, not an object"),
        (b'{"value": 7}', "must be a list of objects, not 7"),
        (b'{"error": {"message": "no"}}', 'the response is an error: {"message": "no"}'),
        (b'{"value": [], "error": {"message": "no"}}', "the response is an error"),
        (b'{"value": [], "error": false}', "the response is an error: false"),
    ],
)
def test_a_malformed_response_is_an_error_that_names_its_path(body: bytes, words: str) -> None:
    assert words in error_of(body)


def test_nesting_that_is_too_deep_is_an_error_or_skipped() -> None:
    deep = b"[" * 200_000 + b"]" * 200_000
    for body in (b'{"value": ' + deep + b"}", b'{"value": [{"id": 1, "x": ' + deep + b"}]}"):
        try:
            assert parsing.read(MIXED, {PATH: body}).num_rows == 1
        except SchemaError as error:
            assert len(str(error)) < 300  # noqa: PT017 - an error is allowed, not required


def test_a_byte_order_mark_and_unknown_fields_are_accepted() -> None:
    body = (
        b'\xef\xbb\xbf{"value": [{"id": 1, "x": [1, {"a": 1}]}], "meta": {"a": 1}, "error": null}'
    )
    assert parsing.read(MIXED, {PATH: body})["id"].to_pylist() == [1]


def test_a_response_with_one_record_has_an_object() -> None:
    options = {"field": "organization", "is_list": False}
    body = b'{"organization": {"id": 5}}'
    assert parsing.read(ORGANIZATIONS, {PATH: body}, **options).num_rows == 1
    for body, words in (
        (b'{"organization": []}', "must be an object, not a list"),
        (b'{"organization": null}', "the field 'organization' is null"),
        (b'{"organization": {}}', "organization: the field 'id' is missing"),
        (b'{"organization": {"id": 5, "name": 1}}', "organization (id 5): the field 'name' must"),
    ):
        assert words in error_of(body, ORGANIZATIONS, **options)


# --- records --------------------------------------------------------------------------------------

WRONG_VALUES = [
    ("id", [True, 1.0, 1.5, "1", [], {}, None, 2**63, -(2**63) - 1, 10**30]),
    ("note", [1, 1.5, True, [], {}]),
    ("ended", [1, 1.5, True, [], {}, 1597343325, *NEAR_MISSES]),
    ("is_starred", [0, 1, "true", "", [], {}, 1.0]),
    ("number", [7.5, True, "7", 2**63]),
    ("days", ["MO", [1], [None], {}]),
    ("labels", [[], {"team": 1}, {"team": None}]),
    ("cost", [1, "x", [], True, {"total_vuh": "much"}, {"total_vuh": "NaN"}, {"total_vuh": True},
              {"total_vuh": "1e999"}, {"total_vuh": ""}, {"total_vuh": " 1"}, {"total_vuh": "0x1"},
              {"breakdown": 5}, {"breakdown": {"base": "1"}}]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value"), [(field, value) for field, values in WRONG_VALUES for value in values]
)
def test_a_value_of_a_wrong_type_is_named_with_record_and_field(field: str, value: Any) -> None:
    good = json.dumps({"value": [{"id": 1}]}).encode()
    bad = json.dumps({"value": [{"id": 3}, {"id": 9, field: value}]}).encode()
    with pytest.raises(SchemaError) as caught:
        parsing.read(MIXED, {"/good": good, PATH: bad})
    message = str(caught.value)
    assert message.startswith(f"{PATH}: value[1]")
    assert field == "id" or "(id 9)" in message
    assert f"the field '{field}" in message
    assert " must be " in message
    assert len(message) < 300


@pytest.mark.parametrize(
    ("field", "value", "found"),
    [
        ("days", "MO", 'a list of strings or null, not "MO"'),
        ("days", ["MO", 5], "a list of strings or null, not a list with 5"),
        ("labels", [], "an object with string values or null, not a list"),
        (
            "labels",
            {"team": 1},
            "an object with string values or null, not an object with other values",
        ),
    ],
)
def test_a_wrong_element_of_a_list_or_map_is_described(field: str, value: Any, found: str) -> None:
    body = json.dumps({"value": [{"id": 9, field: value}]}).encode()
    assert error_of(body, MIXED).endswith(f"the field '{field}' must be {found}.")


@pytest.mark.parametrize("digits", [20, 5_000, 1_000_000])
@pytest.mark.parametrize("sign", ["", "-"])
def test_an_integer_that_is_too_long_is_a_short_error(sign: str, digits: int) -> None:
    for text in (f'{{"id": 8, "number": {sign}{"9" * digits}}}', f'{{"id": {"9" * digits}}}'):
        message = error_of(f'{{"value": [{text}]}}'.encode())
        assert len(message) < 300


def test_a_missing_id_or_test_id_is_an_error() -> None:
    assert "value[1]: the field 'id' is missing" in error_of(b'{"value": [{"id": 1}, {}]}')
    message = error_of(b'{"value": [{"id": 4}]}', TEST_RUNS)
    assert "value[0] (id 4): the field 'test_id' is missing" in message


def test_a_duplicate_id_is_an_error_that_names_both_records() -> None:
    bodies = {
        "/1": b'{"value": [{"id": 4}]}',
        "/2": b'{"value": [{"id": 5}, {"id": 4, "note": "last"}]}',
    }
    with pytest.raises(
        SchemaError, match=r"/2: value\[1\] \(id 4\) has the same id as /1: value\[0\]"
    ):
        parsing.read(MIXED, bodies)
    table = parsing.read(MIXED, bodies, drop_duplicates=True)
    assert table.select(["id", "note"]).to_pylist() == [
        {"id": 5, "note": None},
        {"id": 4, "note": "last"},
    ]


@pytest.mark.parametrize(
    ("table", "record"),
    [
        (MIXED, {"who": {"email": 424242}}),
        (MIXED, {"who": {"email": {"secret": 1}}}),
        (MIXED, {"who": "secret"}),
        (TEST_RUNS, {"test_id": 1, "status_details": {"extra": {"by_user": 424242}}}),
        (TEST_RUNS, {"test_id": 1, "status_details": {"extra": "secret"}}),
        (TEST_RUNS, {"test_id": 1, "status_details": "secret"}),
        (TEST_RUNS, {"test_id": 1, "started_by": 424242}),
        (SCHEDULES, {"created_by": 424242}),
        (ORGANIZATIONS, {"vat_number": 424242}),
    ],
)
def test_private_values_are_never_in_an_error(table: Table, record: dict[str, Any]) -> None:
    message = error_of(json.dumps({"value": [{"id": 6, **record}]}).encode(), table)
    assert "(id 6)" in message
    assert "secret" not in message
    assert "424242" not in message


def test_a_field_whose_name_starts_like_another_is_described_as_itself() -> None:
    message = error_of(b'{"value": [{"id": 1, "test_id": 2, "result_details": "x"}]}', TEST_RUNS)
    assert "the field 'result_details' must be an object" in message


def test_a_long_value_is_shortened_and_control_characters_are_escaped() -> None:
    value = "\x1b[31m\u202e" + "x" * 10_000
    message = error_of(json.dumps({"value": [{"id": 1, "ended": value}]}).encode())
    assert len(message) < 250
    assert message.isprintable()


# --- values ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "expected"), TIMESTAMP_FORMS.items())
def test_every_form_of_a_timestamp_is_read(text: str, expected: str) -> None:
    value = datetime.fromisoformat(expected).replace(tzinfo=UTC)
    assert read([{"id": 1, "ended": text}])["ended"].to_pylist() == [value]


def test_timestamps_of_all_forms_in_one_column_are_read() -> None:
    table = read([{"id": i, "ended": text} for i, text in enumerate(TIMESTAMP_FORMS)])
    expected = [
        datetime.fromisoformat(text).replace(tzinfo=UTC) for text in TIMESTAMP_FORMS.values()
    ]
    assert table["ended"].to_pylist() == expected


@pytest.mark.parametrize("text", ["", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00"])
def test_an_empty_timestamp_and_the_zero_time_of_go_are_missing(text: str) -> None:
    assert read([{"id": 1, "ended": text}, {"id": 2}])["ended"].to_pylist() == [None, None]


@pytest.mark.parametrize("number", [-(2**63), 2**63 - 1, 2**53 + 1, 0, -1])
def test_integers_of_64_bits_keep_their_value(number: int) -> None:
    assert read([{"id": number, "number": number}]).to_pylist()[0]["number"] == number


@pytest.mark.parametrize("value", [0.25, "0.25", "0E-10", 0, "-1.5e3", 12, "12"])
def test_a_cost_is_a_number_or_a_numeric_string(value: float | str) -> None:
    (found,) = read([{"id": 1, "cost": {"total_vuh": value}}])["vuh"].to_pylist()
    assert math.isclose(found, float(value), abs_tol=0)


def test_constants_are_one_value_for_each_body() -> None:
    bodies = {"/1": b'{"value": [{"id": 1}, {"id": 2}]}', "/2": b'{"value": [{"id": 1}]}'}
    table = parsing.read(SCHEDULES, bodies, constants={"stack_id": [11, 22]})
    assert table["stack_id"].to_pylist() == [11, 11, 22]


def test_without_bodies_the_table_is_empty_and_typed() -> None:
    for table in (MIXED, PROJECTS, TEST_RUNS):
        found = parsing.read(table, {})
        assert found.num_rows == 0
        assert found.schema.types == [c.type for c in table.columns if c.source]
    assert isinstance(PROJECTS.to_frame(parsing.read(PROJECTS, {})), pd.DataFrame)
