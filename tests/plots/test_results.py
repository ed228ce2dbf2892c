"""Plots of the results of test runs and load tests."""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from matplotlib.colors import to_hex, to_rgb
from plot_helpers import (
    LONG_NAME,
    assert_texts_fit,
    bars_of,
    layers_of,
    legend_of,
    make_periods,
    make_summary,
    names_of,
    ticks_of,
    values_of,
    widths_of,
)

from k6frames import plots, tables
from k6frames.plots import style

Floats = npt.NDArray[np.float64]


def results_timeline(counts: list[tuple[int, int, int, int]], freq: str = "W-MON") -> pd.DataFrame:
    columns = zip(*counts, strict=True)
    names = ("passed", "failed", "errors", "aborted")
    return make_summary(
        tables.RESULTS_TIMELINE,
        period=make_periods(len(counts), freq),
        **{name: list(column) for name, column in zip(names, columns, strict=True)},
    )


def test_results_are_stacked_with_passed_at_the_bottom() -> None:
    ax = plots.results_timeline(results_timeline([(30, 2, 1, 0), (28, 0, 0, 4)]))
    assert layers_of(ax) == [[30, 28], [2, 0], [1, 0], [0, 4]]
    assert legend_of(ax) == ["passed", "failed", "errors", "aborted"]
    colors = [to_hex(patch.get_facecolor()).upper() for patch in ax.patches]
    assert colors == list(style.RESULT_COLORS.values())
    assert [text.get_text() for text in ax.texts] == ["33", "32"]
    assert ax.get_title() == "Test runs per week by result"


@pytest.mark.parametrize("size", [1, 26, 900])
def test_the_texts_of_results_fit_at_any_size(size: int, width: float) -> None:
    counts = [(30 + i % 7, i % 5, i % 3, i % 2) for i in range(size)]
    with style.figure_width(width):
        ax = plots.results_timeline(results_timeline(counts, "D" if size > 100 else "W-MON"))
    assert len(ax.patches) == 4
    assert_texts_fit(ax)


# Machado, Oliveira and Fernandes (2009), severity 1.0.
_VISION = {
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                   [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                     [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
                   [0.004733, 0.691367, 0.303900]],
}  # fmt: skip
_TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def linear_rgb(color: str) -> Floats:
    rgb = np.array(to_rgb(color))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def cie_lab(rgb: Floats) -> Floats:
    xyz = _TO_XYZ @ np.clip(rgb, 0, 1) / np.array([0.9505, 1, 1.089])
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("vision", _VISION)
def test_readers_with_any_color_vision_can_tell_the_results_apart(vision: str) -> None:
    seen = [
        cie_lab(np.array(_VISION[vision]) @ linear_rgb(c)) for c in style.RESULT_COLORS.values()
    ]
    for one, other in itertools.combinations(seen, 2):
        assert np.linalg.norm(one - other) > 20


@pytest.mark.parametrize("page", ["#ffffff", "#1d232a"])
def test_results_have_enough_contrast_with_light_and_dark_pages(page: str) -> None:
    background = _TO_XYZ[1] @ linear_rgb(page) + 0.05
    for color in style.RESULT_COLORS.values():
        contrast = (_TO_XYZ[1] @ linear_rgb(color) + 0.05) / background
        assert max(contrast, 1 / contrast) >= 3


# --- test results -------------------------------------------------------------------------------


def load_test_results(
    counts: list[tuple[int, int, int]], names: list[str] | None = None, since: str | None = None
) -> pd.DataFrame:
    passed, failed, errors = (list(column) for column in zip(*counts, strict=True))
    totals = [sum(count) for count in counts]
    rates = [p / total if total else None for p, total in zip(passed, totals, strict=True)]
    failing = None if since is None else pd.Timestamp(since, tz="UTC")
    return make_summary(
        tables.TEST_RESULTS,
        load_test_name=names or [f"test {i}" for i in range(len(counts))],
        test_runs=totals,
        passed=passed,
        failed=failed,
        errors=errors,
        pass_rate=rates,
        failing_since=[failing] * len(counts),
    )


def test_bars_are_the_shares_of_each_result_lowest_pass_rate_first() -> None:
    ax = plots.test_results(load_test_results([(9, 1, 0), (1, 2, 1), (0, 0, 0)]))
    assert names_of(ax) == ["test 1", "test 0"]
    assert widths_of(ax) == [0.25, 0.5, 0.25, 0.9, 0.1, 0]
    assert values_of(ax) == ["25% of 4", "90% of 10"]
    assert ticks_of(ax.xaxis) == ["0%", "20%", "40%", "60%", "80%", "100%"]


def test_the_axis_and_its_label_end_where_the_bars_do() -> None:
    ax = plots.test_results(load_test_results([(9, 1, 0)], since="2026-06-12"))
    assert ax.spines["bottom"].get_bounds() == (0, 1)
    assert ax.xaxis.label.get_position()[0] * ax.get_xlim()[1] == pytest.approx(0.5)


def test_a_pass_rate_is_100_percent_only_if_every_run_passed() -> None:
    ax = plots.test_results(load_test_results([(999, 1, 0), (1_000, 0, 0)]))
    assert values_of(ax) == [">99% of 1,000", "100% of 1,000"]


def test_a_failing_load_test_shows_since_when_it_has_been_failing() -> None:
    ax = plots.test_results(load_test_results([(1, 3, 0)], since="2026-06-12T08:00"))
    assert values_of(ax) == ["25% of 4, failing since 2026-06-12"]


def test_load_tests_beyond_the_first_twenty_share_a_bar(width: float) -> None:
    counts = [(i, 30 - i, 0) for i in range(30)]
    names = [f"{LONG_NAME} {i}" for i in range(30)]
    with style.figure_width(width):
        ax = plots.test_results(load_test_results(counts, names, "2026-06-12"))
    assert names_of(ax)[-1] == "10 other load tests"
    assert values_of(ax)[-1] == "82% of 300"
    assert bars_of(ax)[-3].get_width() == pytest.approx(sum(range(20, 30)) / 300)
    assert_texts_fit(ax)


# --- flaky_tests --------------------------------------------------------------------------------


def test_flaky_tests_are_sorted_by_changes_and_show_their_runs() -> None:
    summary = make_summary(
        tables.FLAKY_TESTS,
        load_test_name=["a", "b", "c"],
        finished_runs=[20, 1, 1_000],
        changes=[3, 1, 7],
    )
    ax = plots.flaky_tests(summary)
    assert names_of(ax) == ["c", "a", "b"]
    assert widths_of(ax) == [7, 3, 1]
    assert values_of(ax) == ["7 in 1,000 runs", "3 in 20 runs", "1 in 1 run"]
