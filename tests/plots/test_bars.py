"""Horizontal bars: how many rows fit."""

from __future__ import annotations

import pytest

from k6frames.plots import bars
from k6frames.plots.style import LINE_HEIGHT_POINTS, Size


@pytest.mark.parametrize("height", [60, 100, 200, 250])
def test_no_row_less_than_fits_is_drawn_above_the_last_row(height: float) -> None:
    row = 1 + bars.GAP_LINES
    fitting = int(height / LINE_HEIGHT_POINTS / row)
    names = [f"test {i}" for i in range(20)]
    assert bars.count_fitting_rows(names, Size(500, height), 30) == fitting - 1
