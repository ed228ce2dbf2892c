"""Duplicate keys are found for every kind of key."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from k6frames.tables.keys import find_duplicates

# Close together, far apart and at both ends of 64 bits: each is checked in a different way.
numbers = st.sampled_from(
    [
        st.integers(0, 8),
        st.integers(-3, 200),
        st.sampled_from([-(2**63), 0, 1, 2**62, 2**63 - 1]),
    ]
).flatmap(lambda values: values | st.none())
strings = st.sampled_from(["a", "b", ""]) | st.none()


@given(st.lists(st.tuples(numbers, numbers, strings), max_size=8), st.permutations("nms"))
def test_duplicates_are_what_plain_python_finds(
    rows: list[tuple[Any, ...]], order: list[str]
) -> None:
    dtypes = {"n": "Int64", "m": "Int64", "s": "string"}
    frame = pd.DataFrame(
        {
            name: pd.array([row[position] for row in rows], dtype=dtype)
            for position, (name, dtype) in enumerate(dtypes.items())
        }
    )
    for size in (1, 2, 3):
        key = order[:size]
        keys = [tuple(row["nms".index(name)] for name in key) for row in rows]
        expected = [number for number, value in enumerate(keys) if value in keys[:number]]
        assert find_duplicates(frame, key).index.tolist() == expected


@pytest.mark.parametrize("step", [1, 5, 1000])
@pytest.mark.parametrize("duplicate", [True, False])
def test_a_single_duplicate_among_many_ids_is_found(step: int, duplicate: bool) -> None:
    ids = pd.Series(range(0, 1000 * step, step), dtype="Int64").sample(frac=1, random_state=1)
    if duplicate:
        ids.iloc[700] = ids.iloc[20]
    found = find_duplicates(ids.to_frame("project_id").reset_index(drop=True), ("project_id",))
    assert found.index.tolist() == ([700] if duplicate else [])


def test_without_a_key_nothing_is_duplicated() -> None:
    assert find_duplicates(pd.DataFrame({"x": [1, 1]}), ()).empty
