"""Lines with their names next to their ends."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest

from k6frames.plots import lines, style


@pytest.mark.parametrize("inches", [8.5, 20, 30])
def test_names_are_within_the_axes_at_any_width(inches: float) -> None:
    x = np.array([0.0, 1.0])
    drawn = [lines.Line(name, "", style.BLUE, x, x) for name in ("short", "a longer name")]
    figure, ax = plt.subplots(figsize=(inches, 4))
    ax.set_xlim(0, 1)
    with style.house_style():
        lines.draw_lines(ax, drawn, (0, 1))
    figure.canvas.draw()
    end = max(text.get_window_extent().x1 for text in ax.texts)
    assert end <= ax.bbox.x1 + 2  # versions of matplotlib differ by a pixel
