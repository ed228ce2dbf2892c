"""The fast and the exact reader: one meaning, and errors that name the record."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.json
import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from strategies import integers, moments, texts, thorough

from k6frames import SchemaError, exact
from k6frames.exact import TIMESTAMP, Column, Shape, read_exact
from k6frames.reading import read, read_fast
from k6frames.schema import Table
from k6frames.tables import ORGANIZATIONS, PROJECTS

PATH = "/v3/organizations/7/projects"

RUNS = Table(
    name="runs",
    doc="an invented table with nested sources and every type",
    key=("run_id",),
    columns=(
        Column("run_id", pa.int64(), "number", "id", nullable=False),
        Column("vuh", pa.float64(), "cost", "cost.total_vuh"),
        Column("base_vuh", pa.float64(), "part of the cost", "cost.breakdown.base"),
        Column("starred", pa.bool_(), "marked", "is_starred"),
        Column("note", pa.string(), "text", "note"),
        Column("ended", TIMESTAMP, "end", "ended"),
        Column("region", pa.string(), "not in the answer", None),
    ),
)


def shape_of(table: Table, *, single: bool = False) -> Shape:
    return Shape(table.columns, table.key, "organization" if single else table.name, single=single)


SHAPES = {
    "projects": shape_of(PROJECTS),
    "organizations": shape_of(ORGANIZATIONS),
    "organization": shape_of(ORGANIZATIONS, single=True),
    "runs": shape_of(RUNS),
}


def projects(*records: object) -> bytes:
    return json.dumps({"projects": records}).encode()


def exact_error(body: bytes, shape: Shape = SHAPES["projects"]) -> str:
    with pytest.raises(SchemaError) as caught:
        read({PATH: body}, shape)
    return str(caught.value)


# --- bodies, written as text so that nothing is too wrong to be drawn -----------------------------

SPELLINGS = {
    "2020-08-13T18:28:45Z": "2020-08-13T18:28:45",
    "2021-05-24T12:59:18.180471Z": "2021-05-24T12:59:18.180471",
    "2024-12-04T19:57:46.339Z": "2024-12-04T19:57:46.339",
    "2024-06-24T19:44:36.46Z": "2024-06-24T19:44:36.46",
    "2020-08-18T13:33:41": "2020-08-18T13:33:41",
    "2024-12-03T09:53:00.553": "2024-12-03T09:53:00.553",
    "2020-08-18 13:36:41.348933+00:00": "2020-08-18T13:36:41.348933",
    "2025-08-01T12:00:00+00:00": "2025-08-01T12:00:00",
    # Not in the API's documentation, and of one meaning all the same.
    "2025-08-01T12:00:00+05:30": "2025-08-01T06:30:00",
    "2025-08-01T12:00:00-0530": "2025-08-01T17:30:00",
    "2025-08-01T12:00:00+05": "2025-08-01T07:00:00",
    "2025-08-01": "2025-08-01T00:00:00",
    "2025-08-01T12:30Z": "2025-08-01T12:30:00",
    "2025-08-01T12": "2025-08-01T12:00:00",
    "2025-08-01t12:00:00z": "2025-08-01T12:00:00",
    "2025-08-01T12:00:00.1234567Z": "2025-08-01T12:00:00.123456",
    "2025-08-01T12:00:00.999999999+00:00": "2025-08-01T12:00:00.999999",
    "0001-01-01T00:00:00Z": "0001-01-01T00:00:00",
    "9999-12-31T23:59:59.999999Z": "9999-12-31T23:59:59.999999",
    "1969-12-31T23:59:59.999999Z": "1969-12-31T23:59:59.999999",
}  # fmt: skip

NEAR_MISSES = (
    "2020-02-30T00:00:00Z", "2020-13-01", "2021-02-29", "0000-01-01T00:00:00Z", "10000-01-01",
    "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "2020-08-13T24:00:00Z", "+2020-08-13",
    "2020-08-13T18:28:60Z", "2020-08-13T18:60:00Z", "2020-08-13T18:28:45.Z",
    "2020-08-13T18:28:45,5Z",
    "2020-08-13T18:28:45 Z", "2020-08-13T18:28:45ZZ", "2020-08-13T18:28:45+24:00",
    "20200813T182845Z",
    "2020-08-13T18:28:45+05:60", "2020-08-13T18:28:45+5:00", "2020-08-13T18:28:45+05:",
    "2020-W33-4",
    "2020-08-13Z", "2020-08-13T", "2020-08-13T18:2", "2020-08", "2020", "13.08.2020", "08/13/2020",
    "1597343325", "now", " 2020-08-13", "2020-08-13 ", "2020-08-13\n", "2020-08-13T18:28:45UTC",
    "\uff12020-08-13", "2020-08-13T18:28:45+00:00[UTC]", "null", "NaT",
)  # fmt: skip

SPACE = st.sampled_from(["", "", "", " ", "\n", "\t", "\r\n  "])


@st.composite
def quoted(draw: st.DrawFn, text: st.SearchStrategy[str]) -> str:
    """A JSON string, its characters escaped or as they are."""
    return json.dumps(draw(text), ensure_ascii=draw(st.booleans()))


@st.composite
def timestamps(draw: st.DrawFn) -> str:
    """A timestamp in one of the spellings that Arrow knows, and fractions of 1 to 6 digits."""
    moment = draw(moments).isoformat(timespec="microseconds")[:26]
    digits = draw(st.sampled_from([0, 1, 2, 3, 4, 5, 6]))
    text = moment[: 20 + digits] if digits else moment[:19]
    text = text.replace("T", draw(st.sampled_from("T ")))
    return text + draw(st.sampled_from(["", "Z", "+00:00", "+00", "+0000"]))


RIGHT: dict[pa.DataType, st.SearchStrategy[str]] = {
    pa.int64(): integers.map(str) | st.just("-0"),
    pa.float64(): st.floats(allow_nan=False, allow_infinity=False).map(repr)
    | st.integers(-(2**70), 2**70).map(str)
    | st.sampled_from(["1E2", "1e-400", "-0.0", "0.1e1", "12345678901234567890.5"]),
    pa.bool_(): st.sampled_from(["true", "false"]),
    pa.string(): quoted(texts),
    TIMESTAMP: (timestamps() | st.sampled_from(list(SPELLINGS)[:14])).map(json.dumps),
}

DIGITS = st.integers(7, 9).flatmap(lambda size: st.text("0123456789", min_size=size, max_size=size))

STRANGE = (
    st.sampled_from(
        [
            "null", "true", "false", "0", "1.0", "1e2", "1.5", "-1", "9223372036854775808",
            "-9223372036854775809", "1" * 40, "1e400", "1.7976931348623159e308", "NaN",
            "Infinity", "-Infinity",
            "Inf",
            "-Inf", "nan", "-NaN", "[]", "{}", "[null]", "[[]]", '""', '"1"', '"true"', '{"id": 1}',
            '[{"id": 1}]', "01", "+1", ".5", "1.", "0x1", "'a'", "undefined", "None", "", "//",
            "/**/",
            '{"a": 1, "a": 2}', '{"total_vuh": 1, "total_vuh": 2}', '{"total_vuh": "1"}',
            '{"total_vuh": null, "breakdown": {"base": 1}}', '{"breakdown": []}', '"\\ud800"',
            '"\\udc00"', '"\\ud83d\\ude00"', '"\\udc00\\ud800"', '"\\x"', '"\\u12"', '"a', '"a\nb"',
            '"\\u0000"', '"\x7f"', "[" * 40 + "]" * 40,
        ]
    )
    | st.sampled_from(NEAR_MISSES).map(json.dumps)
    | DIGITS.map(lambda digits: f'"2024-06-24T19:44:36.{digits}Z"')
    | quoted(st.text(st.characters(exclude_categories=())))
    | st.floats().map(json.dumps)
    | st.integers(-(2**80), 2**80).map(str)
)  # fmt: skip

NAMES = st.sampled_from(["logo", "is_saml_org", "vuh", "id ", "ID", "", "n\u0131", "\\u0069d"])


def _object(pairs: Iterable[tuple[str, str]], space: str) -> str:
    return (
        "{"
        + f"{space},".join(f'{space}"{name}"{space}:{space}{text}' for name, text in pairs)
        + (f"{space}}}")
    )


@st.composite
def records(draw: st.DrawFn, shape: Shape, *, wild: bool) -> str:
    """One record: right throughout, or in places anything else."""
    tree: dict[str, Any] = {}
    for column in shape.columns:
        if column.source is None or (column.nullable and draw(st.integers(0, 9)) == 0):
            continue
        odds = draw(st.integers(0, 30))
        if odds == 0 and column.nullable:
            text = "null"
        elif odds < 3 and wild:
            text = draw(STRANGE)
        elif odds < 4 and wild:
            continue
        else:
            text = draw(RIGHT[column.type])
        *parents, leaf = column.source.split(".")
        node = tree
        for parent in parents:
            node = node.setdefault(parent, {})
        node[leaf] = text
    space = draw(SPACE)

    def written(node: dict[str, Any]) -> str:
        pairs = [(n, written(v) if isinstance(v, dict) else v) for n, v in node.items()]
        if draw(st.integers(0, 9)) == 0:
            extra = (draw(NAMES), draw(STRANGE)) if wild else ("logo", draw(RIGHT[pa.string()]))
            pairs.insert(draw(st.integers(0, len(pairs))), extra)
        if wild and pairs and draw(st.integers(0, 15)) == 0:
            name = draw(st.sampled_from([name for name, _ in pairs]))
            pairs.insert(draw(st.integers(0, len(pairs))), (name, draw(STRANGE)))
        return _object(pairs, space)

    return written(tree)


@st.composite
def bodies_of(draw: st.DrawFn, shape: Shape, *, wild: bool) -> bytes:
    """One response body, as valid as its parts; a wild one may also be cut, doubled or worse."""
    record = records(shape, wild=wild)
    if shape.single:
        content = draw(record)
    else:
        found = draw(st.lists(record, max_size=4))
        if wild and draw(st.integers(0, 9)) == 0:
            found.insert(draw(st.integers(0, len(found))), draw(STRANGE))
        content = "[" + ",".join(found) + "]"
    pairs = [(shape.envelope, content)]
    for odds, pair in ((9, ("meta", '{"count": 1}')), (9, ("error", "null"))):
        if draw(st.integers(0, odds)) == 0:
            pairs.insert(draw(st.integers(0, len(pairs))), pair)
    if wild and draw(st.integers(0, 7)) == 0:
        name = draw(st.sampled_from([shape.envelope, "error", "meta"]))
        pairs.insert(draw(st.integers(0, len(pairs))), (name, draw(STRANGE)))
    body = _object(pairs, draw(SPACE)).encode("utf-8", "surrogatepass")
    body = draw(st.sampled_from([b"", b"", b"", b"\xef\xbb\xbf"])) + draw(SPACE).encode() + body
    body += draw(SPACE).encode()
    if not wild or draw(st.integers(0, 3)):
        return body
    cut = draw(st.integers(0, len(body)))
    scraps = st.sampled_from(
        [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\x00", b"\n", b"{", b"}", b'"', b",", b"\\", b"\x0b"]
    )
    return draw(
        st.sampled_from(
            [
                b"", b" ", b"null", b" null ", b"[]", b"{}", b"NaN", b"1", b'"x"', b"{", b"}",
                b"{}}",
                b'{"error": {"message": "no", "code": 4}}', b"\xef\xbb\xbf", b"\xef\xbb\xbf" + body,
                body[:cut], body[:cut] + b"}", body[cut:], body + body, body + b"\n" + body,
                body + b"{}", body + b"\x00", body + b"\x00}", b" " + b"\xef\xbb\xbf" + body,
                body[:cut] + draw(scraps) + body[cut:], body[:cut] + draw(scraps) + body[cut + 1 :],
            ]
        )
    )  # fmt: skip


@st.composite
def accounts(draw: st.DrawFn, *, wild: bool) -> tuple[str, dict[str, bytes]]:
    """The name of a shape, and several bodies of which most are of that shape."""
    name = draw(st.sampled_from(list(SHAPES)))
    shape = SHAPES[name]
    # Where most bodies are right, the wrong one is read in their company.
    kinds = draw(st.lists(st.booleans(), max_size=4)) if wild else [False] * draw(st.integers(1, 4))
    bodies = [draw(bodies_of(shape, wild=kind)) for kind in kinds]
    return name, {f"/{number}": body for number, body in enumerate(bodies)}


# --- one meaning ----------------------------------------------------------------------------------


@thorough
@given(accounts(wild=True))
def test_wherever_the_fast_reader_answers_the_exact_one_answers_the_same(
    account: tuple[str, dict[str, bytes]],
) -> None:
    name, bodies = account
    shape = SHAPES[name]
    fast = read_fast(bodies, shape)
    event("fast" if fast is not None else "in doubt")
    if fast is not None:
        exact = read_exact(bodies, shape)
        assert fast.schema.equals(exact.schema)
        assert fast.combine_chunks().equals(exact)


@thorough
@given(accounts(wild=True))
def test_reading_gives_a_typed_frame_or_a_schema_error_and_nothing_else(
    account: tuple[str, dict[str, bytes]],
) -> None:
    name, bodies = account
    shape = SHAPES[name]
    table = Table(
        shape.envelope, "drawn", tuple(shape.key), tuple(c for c in shape.columns if c.source)
    )
    try:
        frame = table.read(bodies, envelope=shape.envelope if shape.single else None)
    except SchemaError as error:
        event("error")
        named = str(error).startswith(tuple(f"{path}: " for path in bodies))
        assert named, error  # noqa: PT017 - it may raise, it need not
    else:
        event("frame")
        assert frame.dtypes.to_dict() == table.dtypes
        assert list(frame.columns) == list(table.dtypes)


@given(accounts(wild=False))
def test_the_fast_reader_answers_for_ordinary_bodies(
    account: tuple[str, dict[str, bytes]],
) -> None:
    name, bodies = account
    shape = SHAPES[name]
    try:
        exact = read_exact(bodies, shape)
    except SchemaError as error:
        assert "came already" in str(error)  # noqa: PT017 - ids are drawn, and may meet
        return
    fast = read_fast(bodies, shape)
    assert fast is not None
    assert fast.combine_chunks().equals(exact)


def test_thousands_of_bodies_are_read_by_arrow_in_one_call(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    real = pa.json.read_json

    def counted(*args: Any, **options: Any) -> pa.Table:
        calls.append(1)
        return real(*args, **options)

    monkeypatch.setattr(pa.json, "read_json", counted)
    bodies = {
        f"/{n}": projects(*({"id": 20 * n + i, "name": f"é{i}"} for i in range(20)))
        for n in range(3000)
    }
    frame = PROJECTS.read(bodies)
    assert calls == [1]
    assert frame["project_id"].tolist() == list(range(60_000))


@pytest.mark.parametrize("size", [999_900, 1_000_000, 2**20 - 40, 2**20, 2**20 + 1, 3 * 2**20])
@pytest.mark.parametrize("space", ["", "\n", "\r"])
def test_bodies_as_large_as_arrows_blocks_are_read_fast(size: int, space: str) -> None:
    lengths = [size, 0, size, size // 2, 7, size // 4, size]
    bodies = {
        f"/{n}": projects({"id": n, "name": "x" * length}).replace(b"[", f"[{space}".encode())
        for n, length in enumerate(lengths)
    }
    fast = read_fast(bodies, SHAPES["projects"])
    assert fast is not None
    assert fast["project_id"].to_pylist() == list(range(7))


# --- what never reaches Arrow ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"null",
        b" null ",
        b"\xef\xbb\xbfnull",
        b"",
        b" ",
        b"[]",
        b"1",
        b'"x"',
        b"NaN",
        b"true",
        b"null}",
    ],
)
@pytest.mark.parametrize("company", [[], [projects({"id": 1})]])
def test_a_body_that_is_no_object_never_reaches_arrow(
    body: bytes, company: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        pytest.fail("the body reached Arrow")

    monkeypatch.setattr(pa.json, "read_json", refuse)
    bodies = {str(number): each for number, each in enumerate([*company, body])}
    with pytest.raises(SchemaError, match=f"^{len(company)}: "):
        read(bodies, SHAPES["projects"])


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"null", "expected a JSON object, not null"),
        (b"[]", "expected a JSON object, not a list"),
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b'{"projects": [', "not JSON, or was cut off"),
        (b'{"projects": []} {"projects": []}', "not JSON"),
        (b'{"projects": []}\x00}', "not JSON"),
        (b'{"projects": [{"id": 1, "name": "\xff"}]}', "byte 33 of the answer is not UTF-8"),
        (b'{"projects": [{"id": 1, "name": "\xed\xa0\x80"}]}', "not UTF-8"),
        (b'{"projects": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", "nested too deep"),
        (b"{}", "field 'projects' is missing; it should hold a list. The answer has no"),
        (b'{"value": []}', "is missing; it should hold a list. The answer has \"value\""),
        (b'{"projects": null}', "field 'projects' is null; it should hold a list"),
        (b'{"projects": {"id": 1}}', "field 'projects' should be a list, not an object"),
        (b'{"projects": 7}', "field 'projects' should be a list, not 7"),
        (b'{"projects": [], "projects": []}', "field 'projects' came twice"),
        (b'{"projects": [], "error": null, "error": null}', "field 'error' came twice"),
        (b'{"error": {"message": "no"}}', 'the answer is an error: {"message": "no"}'),
        (b'{"projects": [], "error": {"message": "no"}}', "the answer is an error"),
        (b'{"projects": [], "error": false}', "the answer is an error: false"),
    ],
)  # fmt: skip
def test_a_wrong_answer_is_an_error_that_names_its_path(body: bytes, words: str) -> None:
    message = exact_error(body)
    assert message.startswith(f"{PATH}: ")
    assert words in message


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"organization": []}', "field 'organization' should be one object, not a list"),
        (b'{"organization": null}', "field 'organization' is null; it should hold one object"),
        (b'{"organizations": []}', "field 'organization' is missing"),
        (b'{"organization": {}}', "organization: field 'id' is missing or null"),
        (b'{"organization": {"id": 5, "name": 1}}', "organization (id 5): field 'name' should be"),
    ],
)
def test_an_answer_with_one_record_holds_an_object(body: bytes, words: str) -> None:
    assert words in exact_error(body, SHAPES["organization"])


def test_two_cut_answers_and_a_doubled_one_do_not_pass_for_three_whole_ones() -> None:
    whole = projects({"id": 1})
    bodies = {
        "/1": b'{"projects": [], "meta": ',
        "/2": whole + b"}",
        "/3": b'{"projects": []}{"projects": []}',
    }
    with pytest.raises(SchemaError, match=r"^/1: the answer is not JSON, or was cut off"):
        read(bodies, SHAPES["projects"])


# --- errors name the record -----------------------------------------------------------------------

WRONG_VALUES = [
    ("id", [True, 1.0, 1.5, "1", [], {}, 2**63, -(2**63) - 1, 10**30, math.nan, math.inf]),
    ("name", [1, 1.5, True, [], {}]),
    ("created", [1, 1.5, True, [], {}, 1597343325, *NEAR_MISSES]),
    ("is_default", [0, 1, "true", "", [], {}, 1.0]),
]


@pytest.mark.parametrize(
    ("field", "value"), [(field, value) for field, values in WRONG_VALUES for value in values]
)
def test_a_value_of_a_wrong_type_is_named_with_path_record_id_and_field(
    field: str, value: object
) -> None:
    record = {"id": 9, field: value}
    with pytest.raises(SchemaError) as caught:
        read({"/good": projects({"id": 1}), PATH: projects({"id": 3}, record)}, SHAPES["projects"])
    message = str(caught.value)
    assert message.startswith(f"{PATH}: projects[1] (id ")
    assert field == "id" or "(id 9)" in message
    assert f"field '{field}' should be " in message
    assert len(message) < 300


@pytest.mark.parametrize("digits", [20, 21, 5_000, 1_000_000])
@pytest.mark.parametrize("sign", ["", "-"])
def test_an_integer_of_any_length_is_an_error_that_names_the_record(sign: str, digits: int) -> None:
    body = f'{{"projects": [{{"id": 8, "organization_id": {sign}{"9" * digits}}}]}}'.encode()
    message = exact_error(body)
    assert "projects[0] (id 8): field 'organization_id' should be an integer of at most" in message
    assert len(message) < 250


def test_a_float_beyond_the_largest_is_an_error() -> None:
    body = b'{"runs": [{"id": 4, "cost": {"total_vuh": 1.7976931348623159e308}}]}'
    assert "(id 4): field 'cost.total_vuh' should be a number" in exact_error(body, SHAPES["runs"])


def test_a_record_that_is_null_is_an_error_even_where_nothing_is_required() -> None:
    optional = Shape((Column("x", pa.int64(), "x", "x"),), (), "rows")
    assert read({PATH: b'{"rows": [{}]}'}, optional).num_rows == 1
    assert "rows[1]: expected an object, not null" in exact_error(b'{"rows": [{}, null]}', optional)


@pytest.mark.parametrize("value", ["1.5", True, [], {}, math.nan, math.inf, -math.inf])
def test_a_float_column_takes_finite_numbers_alone(value: object) -> None:
    body = json.dumps({"runs": [{"id": 4, "cost": {"total_vuh": value}}]}).encode()
    message = exact_error(body, SHAPES["runs"])
    assert "runs[0] (id 4): field 'cost.total_vuh' should be a number or null, not " in message


@pytest.mark.parametrize("cost", [1, "x", [], True])
def test_a_nested_field_needs_an_object_around_it(cost: object) -> None:
    body = json.dumps({"runs": [{"id": 4, "cost": cost}]}).encode()
    assert "(id 4): field 'cost.total_vuh' should stand in an object, not in " in exact_error(
        body, SHAPES["runs"]
    )


@pytest.mark.parametrize("record", [{"name": "a"}, {"id": None, "name": "a"}])
def test_a_missing_id_is_an_error(record: dict[str, object]) -> None:
    message = exact_error(projects({"id": 1}, record))
    assert f"{PATH}: projects[1]" in message
    assert "field 'id' is missing or null; it must be there" in message


@pytest.mark.parametrize(
    ("record", "shown"), [(None, "null"), (7, "7"), ("x", '"x"'), ([], "a list")]
)
def test_a_record_that_is_no_object_is_an_error(record: object, shown: str) -> None:
    message = exact_error(projects({"id": 1}, record))
    assert message == f"{PATH}: projects[1]: expected an object, not {shown}."


def test_an_id_that_comes_twice_in_one_answer_is_an_error() -> None:
    message = exact_error(projects({"id": 4}, {"id": 5}, {"id": 4}))
    assert f"{PATH}: projects[2] (id 4): the same project_id came already in" in message
    assert f"in {PATH}: projects[0] (id 4);" in message


def test_an_id_that_comes_in_two_answers_is_an_error() -> None:
    with pytest.raises(SchemaError) as caught:
        read({"/1": projects({"id": 4}), "/2": projects({"id": 5}, {"id": 4})}, SHAPES["projects"])
    assert "/2: projects[1] (id 4): the same project_id came already in /1: projects[0]" in str(
        caught.value
    )


@pytest.mark.parametrize(
    "text",
    [
        '{"id": 1, "id": 1}',
        '{"id": 1, "name": "a", "name": "a"}',
        '{"id": 1, "\\u006eame": "a", "name": null}',
    ],
)
def test_a_declared_field_that_comes_twice_is_an_error(text: str) -> None:
    message = exact_error(f'{{"projects": [{text}]}}'.encode())
    assert "projects[0] (id 1): field '" in message
    assert message.endswith("came twice.")


def test_a_parent_of_a_nested_field_that_comes_twice_is_an_error() -> None:
    body = b'{"runs": [{"id": 1, "cost": null, "cost": {"total_vuh": 1}}]}'
    assert "field 'cost.total_vuh' came twice" in exact_error(body, SHAPES["runs"])


@pytest.mark.parametrize(
    "field", ["billing_address", "billing_country", "billing_email", "vat_number"]
)
@pytest.mark.parametrize("value", [424242, 42.4242, True, ["secret"], {"secret": "secret"}])
def test_billing_data_is_never_repeated_in_an_error(field: str, value: object) -> None:
    body = json.dumps({"organizations": [{"id": 6, field: value}]}).encode()
    message = exact_error(body, SHAPES["organizations"])
    assert f"organizations[0] (id 6): field '{field}' should be a string or null, not " in message
    assert "secret" not in message
    assert "42" not in message


@pytest.mark.parametrize(
    "answer",
    [
        [{"id": 6, "vat_number": "secret"}],
        {"organizations": {"id": 6, "vat_number": "secret"}},
        {"organizations": [[{"vat_number": "secret"}]]},
        {"organizations": None, "organization": {"vat_number": "secret"}},
    ],
)
def test_a_record_in_a_wrong_place_is_not_repeated_in_an_error(answer: object) -> None:
    assert "secret" not in exact_error(json.dumps(answer).encode(), SHAPES["organizations"])


def test_a_long_value_is_shortened_in_an_error() -> None:
    message = exact_error(projects({"id": 1, "created": "x" * 10_000}))
    assert len(message) < 250
    assert message.endswith("xxx....")


def test_control_characters_and_lone_surrogates_are_escaped_in_an_error() -> None:
    message = exact_error(projects({"id": 1, "created": "\x1b[31m\ud800\u202e"}))
    assert message.isprintable()
    assert message.encode()


def test_an_object_of_many_repeated_names_is_refused_at_once() -> None:
    pairs = ",".join(f'"a{n % 50_000}": 1' for n in range(100_000))
    body = f'{{"projects": [{{"id": 1, "id": 2, {pairs}}}]}}'.encode()
    assert "field 'id' came twice" in exact_error(body)


# --- values ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "meant"), SPELLINGS.items())
def test_every_spelling_of_a_timestamp_has_its_meaning(text: str, meant: str) -> None:
    body = {PATH: projects({"id": 1, "created": text})}
    expected = [datetime.fromisoformat(meant).replace(tzinfo=UTC)]
    assert read(body, SHAPES["projects"])["created"].to_pylist() == expected
    assert read_exact(body, SHAPES["projects"])["created"].to_pylist() == expected


@pytest.mark.parametrize("text", list(SPELLINGS)[:8])
def test_the_documented_spellings_of_a_timestamp_are_read_fast(text: str) -> None:
    assert read_fast({PATH: projects({"id": 1, "created": text})}, SHAPES["projects"]) is not None


def test_an_empty_timestamp_is_missing() -> None:
    table = read({PATH: projects({"id": 1, "created": "", "updated": None})}, SHAPES["projects"])
    assert table["created"].to_pylist() == table["updated"].to_pylist() == [None]


@pytest.mark.parametrize(
    ("escaped", "text"),
    [
        (r"a\ud800b", "a\ufffdb"),
        (r"\udc00", "\ufffd"),
        (r"\udc00\ud800", "\ufffd\ufffd"),
        (r"\ud83d\ude00", "😀"),
        (r"\ud83d\ud83d\ude00", "\ufffd😀"),
        (r"\ufeffa\ud800", "\ufeffa\ufffd"),
        (r"\u0000", "\x00"),
    ],
)
def test_a_lone_surrogate_becomes_the_replacement_character(escaped: str, text: str) -> None:
    body = f'{{"projects": [{{"id": 1, "name": "{escaped}"}}]}}'.encode()
    assert read({PATH: body}, SHAPES["projects"])["name"].to_pylist() == [text]


@pytest.mark.parametrize("number", [-(2**63), 2**63 - 1, 2**53 + 1, 0, -1])
def test_integers_of_64_bits_keep_their_value(number: int) -> None:
    body = {PATH: projects({"id": number, "organization_id": number})}
    assert read(body, SHAPES["projects"])["org_id"].to_pylist() == [number]
    assert read_exact(body, SHAPES["projects"])["org_id"].to_pylist() == [number]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "Inf", "-Inf"])
def test_what_is_no_number_sends_the_answer_to_the_exact_reader(number: str) -> None:
    body = f'{{"projects": [{{"id": 1, "logo": {number}}}]}}'.encode()
    assert read_fast({PATH: body}, SHAPES["projects"]) is None


def test_infinity_in_a_text_is_no_doubt() -> None:
    body = projects({"id": 1, "name": "Infinity NaN Inf"})
    assert read_fast({PATH: body}, SHAPES["projects"]) is not None


def test_unknown_fields_are_ignored_however_strange_they_are() -> None:
    body = (
        b'{"projects": [{"id": 1, "logo": [1, "a", {"id": 2, "id": 3}], "name": "n"}], '
        b'"meta": {"a": 1, "a": 2}}'
    )
    fast, exact = (
        read_fast({PATH: body}, SHAPES["projects"]),
        read_exact({PATH: body}, SHAPES["projects"]),
    )
    assert fast is not None
    assert fast.combine_chunks().equals(exact)
    assert exact["name"].to_pylist() == ["n"]


def test_unknown_fields_nested_deeper_than_python_goes_are_skipped() -> None:
    deep = b"[" * 500_000 + b"]" * 500_000
    body = b'{"projects": [{"id": 1, "x": ' + deep + b"}]}"
    assert read({PATH: body}, SHAPES["projects"])["project_id"].to_pylist() == [1]


def test_dotted_sources_are_read_from_inside_the_record() -> None:
    body = json.dumps(
        {
            "runs": [
                {"id": 1, "cost": {"total_vuh": 1.5, "breakdown": {"base": 2}}, "is_starred": True},
                {"id": 2, "cost": {"total_vuh": 3, "breakdown": None}},
                {"id": 3, "cost": None, "is_starred": False},
                {"id": 4},
            ]
        }
    ).encode()
    columns = {
        "run_id": [1, 2, 3, 4],
        "vuh": [1.5, 3.0, None, None],
        "base_vuh": [2.0, None, None, None],
    }
    for table in (
        read_fast({PATH: body}, SHAPES["runs"]),
        read_exact({PATH: body}, SHAPES["runs"]),
    ):
        assert table is not None
        assert table.select(list(columns)).to_pydict() == columns
        assert table["starred"].to_pylist() == [True, None, False, None]
        assert "region" not in table.column_names


def test_no_body_at_all_is_an_empty_table() -> None:
    for shape in SHAPES.values():
        table = read({}, shape)
        assert table.num_rows == 0
        assert [f.type for f in table.schema] == [c.type for c in shape.columns if c.source]


def test_answers_in_which_every_list_is_empty_are_an_empty_table() -> None:
    fast = read_fast({"/1": projects(), "/2": projects()}, SHAPES["projects"])
    assert fast is not None
    assert fast.combine_chunks().equals(
        read_exact({"/1": projects(), "/2": projects()}, SHAPES["projects"])
    )
    assert fast.num_rows == 0


def test_the_order_is_that_of_the_bodies_and_their_records() -> None:
    bodies = {"/b": projects({"id": 9}, {"id": 2}), "/a": projects({"id": 5})}
    assert read(bodies, SHAPES["projects"])["project_id"].to_pylist() == [9, 2, 5]
    assert read_exact(bodies, SHAPES["projects"])["project_id"].to_pylist() == [9, 2, 5]


def test_a_key_of_several_columns_is_unique_as_a_tuple() -> None:
    shape = Shape(PROJECTS.columns, ("project_id", "org_id"), "projects")
    once = {PATH: projects({"id": 1, "organization_id": 1}, {"id": 1, "organization_id": 2})}
    assert read(once, shape).num_rows == 2
    twice = {PATH: projects({"id": 1, "organization_id": 1}, {"id": 1, "organization_id": 1})}
    assert read_fast(twice, shape) is None
    with pytest.raises(SchemaError, match="the same project_id, org_id came already"):
        read(twice, shape)


def test_missing_values_are_the_same_to_pandas_from_either_reader() -> None:
    bodies = {PATH: projects({"id": 1}, {"id": 2, "name": "", "is_default": False})}
    fast, exact = read_fast(bodies, SHAPES["projects"]), read_exact(bodies, SHAPES["projects"])
    pd.testing.assert_frame_equal(PROJECTS.to_frame(fast), PROJECTS.to_frame(exact))


def test_every_converter_is_of_a_type_that_frames_know() -> None:
    assert set(exact._CONVERTERS) == {c.type for c in RUNS.columns}
