"""The plot of missing values."""

from __future__ import annotations

import pandas as pd
import pytest
from plot_helpers import assert_texts_fit, names_of, values_of, widths_of

from k6frames import plots
from k6frames.errors import SchemaError
from k6frames.plots import style

FRAME = pd.DataFrame({"a": [1, 2, 3, 4], "b": [None, 1, None, None], "c": [None, 1, 2, 3]})


def test_columns_are_sorted_by_share_lowest_first() -> None:
    ax = plots.completeness({"x": FRAME})
    assert names_of(ax) == ["b", "c", "a"]
    assert widths_of(ax) == [0.25, 0.75, 1]
    assert values_of(ax) == ["25%", "75%", "100%"]


def test_a_column_with_a_missing_value_is_not_100_percent_complete() -> None:
    columns = {"a": [None, *range(999)], "b": [*[None] * 999, 1], "c": [None] * 1_000}
    ax = plots.completeness({"x": pd.DataFrame(columns)})
    assert dict(zip(names_of(ax), values_of(ax), strict=True)) == {
        "a": ">99%",
        "b": "<1%",
        "c": "0%",
    }


def test_columns_of_several_frames_are_followed_by_the_name_of_their_frame() -> None:
    ax = plots.completeness({"x": FRAME, "y": FRAME[["b"]], "empty": FRAME.head(0)})
    assert names_of(ax) == ["b (x)", "b (y)", "c (x)", "a (x)"]


def test_columns_with_the_same_name_are_both_drawn() -> None:
    ax = plots.completeness({"x": pd.DataFrame([[1, None], [2, 3]], columns=["a", "a"])})
    assert names_of(ax) == ["a", "a"]
    assert values_of(ax) == ["50%", "100%"]


def test_columns_beyond_the_first_twenty_are_counted(width: float) -> None:
    with style.figure_width(width):
        ax = plots.completeness({"x": pd.DataFrame({f"column_{i}": [1] for i in range(50)})})
    assert names_of(ax)[-1] == "30 more columns"
    assert len(values_of(ax)) == 20
    assert_texts_fit(ax)


@pytest.mark.parametrize("frames", [FRAME, {"x": 1}, None])
def test_anything_but_a_mapping_of_frames_is_refused(frames: object) -> None:
    with pytest.raises(SchemaError, match="mapping of names to frames"):
        plots.completeness(frames)  # type: ignore[arg-type]
