"""Horizontal bars: how many rows fit."""

from __future__ import annotations

import pytest

from k6frames.plots import bars
from k6frames.plots.style import LINE_HEIGHT_POINTS, Size


@pytest.mark.parametrize("height", [60, 100, 200, 250])
def test_beside_names_as_many_rows_are_drawn_as_fit_above_the_last_one(height: float) -> None:
    row_points = (1 + bars.GAP_LINES) * LINE_HEIGHT_POINTS
    names = [f"test {i}" for i in range(20)]
    assert bars.count_fitting_rows(names, Size(500, height), 30) == int(height / row_points) - 1


@pytest.mark.parametrize("width", [150, 300, 500])
def test_all_rows_and_the_last_one_fit_the_height(width: float) -> None:
    size = Size(width, 250)
    names = [f"checkout and payment test {i}" for i in range(20)]
    count = bars.count_fitting_rows(names, size, 30)
    assert count > 1
    names = [*names[:count], f"{30 - count} other organizations"]
    rows = bars.arrange_rows(names, ["12 of 34 runs"] * len(names), size)
    assert rows.total_lines * LINE_HEIGHT_POINTS <= size.height
