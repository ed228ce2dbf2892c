"""Plots are drawn without a display; warnings are errors, and no figure stays open."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest

mpl.use("Agg")


@pytest.fixture(autouse=True)
def _fail_on_warnings_and_close_figures() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield
    plt.close("all")


@pytest.fixture(params=[8.5, 4.2], ids=["wide", "narrow"])
def width(request: pytest.FixtureRequest) -> float:
    """The widths of the report's figures in inches: on a desktop, and on a phone."""
    return float(request.param)
