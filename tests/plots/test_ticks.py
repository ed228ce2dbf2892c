"""Ticks of numeric axes."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pytest
from plot_helpers import ticks_of

from k6frames.plots import ticks


@pytest.mark.parametrize(
    ("highest", "last"),
    [
        (0.3, "0.3"),
        (1_250, "1,250"),
        (12_500_000_000, "12,500,000,000"),
        (5e14, "500,000,000,000,000"),
    ],
)
def test_large_numbers_have_thousands_separators_and_no_exponent(highest: float, last: str) -> None:
    _, ax = plt.subplots(layout="constrained")
    ax.set_ylim(0, highest)
    ticks.number_axis(ax, ax.yaxis, "bytes")
    ax.set_yticks([highest])
    assert ticks_of(ax.yaxis)[-1] == last
