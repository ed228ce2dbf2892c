"""The exact reader alone; what it shares with the fast one is in test_reading.py."""

from __future__ import annotations

import pyarrow as pa
import pytest

from k6frames.errors import SchemaError
from k6frames.exact import TIMESTAMP, Column, Shape, read_exact

SHAPE = Shape(
    columns=(
        Column("id", pa.int64(), "its number", "id", nullable=False),
        Column("at", TIMESTAMP, "its time", "at"),
    ),
    key=("id",),
    envelope="things",
)


def test_a_column_of_each_type_is_made_even_of_nothing():
    assert read_exact({}, SHAPE).schema == pa.schema([("id", pa.int64()), ("at", TIMESTAMP)])


def test_records_stand_in_the_order_of_the_answers():
    table = read_exact({"/b": b'{"things": [{"id": 9}]}', "/a": b'{"things": [{"id": 1}]}'}, SHAPE)
    assert table["id"].to_pylist() == [9, 1]


def test_digits_beyond_microseconds_are_cut_and_not_rounded():
    table = read_exact(
        {"/a": b'{"things": [{"id": 1, "at": "2024-01-01T00:00:00.9999999Z"}]}'}, SHAPE
    )
    assert table["at"][0].value % 1_000_000 == 999_999


def test_an_error_names_path_record_id_field_and_both_what_was_expected_and_what_came():
    body = b'{"things": [{"id": 1}, {"id": 47, "at": 5}]}'
    with pytest.raises(SchemaError) as caught:
        read_exact({"/v3/things": body}, SHAPE)
    for word in ("/v3/things", "things[1]", "47", "'at'", "ISO 8601", "not 5"):
        assert word in str(caught.value)
