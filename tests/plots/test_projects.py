"""Plots of organizations and projects: bars, lines and texts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import matplotlib as mpl
import matplotlib.dates as mdates
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from plot_helpers import (
    LONG_NAME,
    assert_texts_fit,
    bars_of,
    layers_of,
    legend_of,
    lines_of,
    make_periods,
    make_summary,
    make_timeline,
    names_of,
    spans_of,
    ticks_of,
    values_of,
    widths_of,
)

from k6frames import plots, tables
from k6frames.errors import SchemaError
from k6frames.plots import fonts, style

SCRIPTS = [
    "Сонний трамвай",
    "Καφές Αθήνα",
    "株式会社ロードテスト",
    "负载测试有限公司",
    "로드 테스트",
    "شركة اختبار الحمل",
    "חברת בדיקות",
    "लोड परीक्षण",
    "ทดสอบ",
    "Rocket 🚀 Team 👩‍💻 ❤️",
    "Cafe\u0301 Élan",
]


def organizations(
    counts: Sequence[int],
    names: Sequence[str | None] | None = None,
    ids: Sequence[int | None] | None = None,
) -> pd.DataFrame:
    """Return a summary as returned by `projects_per_organization`."""
    size = len(counts)
    return make_summary(
        tables.PROJECTS_PER_ORGANIZATION,
        org_id=list(ids or range(1, size + 1)),
        org_name=list(names or [f"Harbour Tram Works {number}" for number in range(size)]),
        projects=list(counts),
    )


def timelines(created: dict[int | None, Sequence[int]], freq: str = "MS") -> pd.DataFrame:
    """Return a summary as returned by `creation_timeline(..., by="org_id")`."""
    return make_summary(
        tables.CREATION_TIMELINE_BY_ORGANIZATION,
        org_id=[org_id for org_id, counts in created.items() for _ in counts],
        period=[day for counts in created.values() for day in make_periods(len(counts), freq)],
        created=[count for counts in created.values() for count in counts],
        cumulative=[total for counts in created.values() for total in accumulate(counts)],
    )


def second_axes_of(ax: Axes) -> Axes:
    (second,) = (other for other in ax.figure.axes if other is not ax)
    return second


# --- projects per organization ------------------------------------------------------------------


def test_bars_are_in_descending_order_whatever_the_order_of_the_summary() -> None:
    ax = plots.projects_per_organization(organizations([3, 41, 12], ["b", "c", "a"]))
    assert names_of(ax) == ["c", "a", "b"]
    assert widths_of(ax) == [41, 12, 3]
    middles = [bar.get_y() + bar.get_height() / 2 for bar in bars_of(ax)]
    np.testing.assert_allclose(middles, sorted(ax.get_yticks()))


def test_equal_counts_are_sorted_by_name_then_by_id() -> None:
    summary = organizations([5, 5, 5, 5], ["b", "a", "a", None], [1, 9, 2, 4])
    ax = plots.projects_per_organization(summary)
    assert names_of(ax) == ["a (2)", "a (9)", "b", "organization 4"]


def test_each_count_is_to_the_right_of_its_bar_with_thousands_separators() -> None:
    ax = plots.projects_per_organization(organizations([1234567, 1000000, 0]))
    assert values_of(ax) == ["1,234,567", "1,000,000", "0"]
    ax.figure.canvas.draw()
    for text, bar in zip(ax.texts, bars_of(ax), strict=True):
        assert text.get_window_extent().x0 > bar.get_window_extent().x1


def test_on_a_narrow_figure_name_and_count_are_above_the_bar() -> None:
    with style.figure_width(4.2):
        ax = plots.projects_per_organization(organizations([7, 5], ["Acme", LONG_NAME]))
    assert_texts_fit(ax)
    names = sorted(ax.get_yticklabels(), key=lambda label: -label.get_window_extent().y0)
    for name, value, bar in zip(names, ax.texts, bars_of(ax), strict=True):
        box = bar.get_window_extent()
        assert name.get_window_extent().y0 >= box.y1 - 1
        assert value.get_window_extent().y0 >= box.y1 - 1
        assert name.get_window_extent().x0 == pytest.approx(ax.bbox.x0, abs=2)
    assert ax.bbox.width > 0.85 * ax.figure.bbox.width


def test_organizations_beyond_the_first_twenty_share_one_gray_bar() -> None:
    ax = plots.projects_per_organization(organizations([*range(100, 80, -1), 9, 8, 0]))
    assert widths_of(ax) == [*range(100, 80, -1), 17]
    assert names_of(ax)[-1] == "3 other organizations"
    assert values_of(ax)[-1] == "17"
    colors = [to_hex(bar.get_facecolor()) for bar in bars_of(ax)]
    assert set(colors[:20]) == {style.BLUE.lower()}
    assert colors[20] == style.OTHERS_COLOR.lower()


def test_one_organization_beyond_the_first_twenty_is_in_the_singular() -> None:
    ax = plots.projects_per_organization(organizations([*range(30, 9, -1)]))
    assert names_of(ax)[-1] == "1 other organization"


def test_a_bar_of_others_that_dwarfs_the_rest_is_cut_with_an_arrow() -> None:
    ax = plots.projects_per_organization(organizations([10] * 500))
    assert widths_of(ax)[-1] == 4800
    assert ax.get_xlim()[1] < 20
    assert values_of(ax)[-1] == "4,800 →"
    assert bars_of(ax)[-1].get_clip_box().x1 < ax.texts[-1].get_window_extent().x0
    assert_texts_fit(ax)


def test_a_given_axes_has_as_many_rows_as_fit_and_the_rest_as_others() -> None:
    _, ax = plt.subplots(figsize=(8, 2), layout="constrained")
    plots.projects_per_organization(organizations([9, 8, 7, 6, 5, 4, 3, 2]), ax=ax)
    *first, others = names_of(ax)
    assert 1 <= len(first) < 7
    assert others == f"{8 - len(first)} other organizations"
    assert sum(widths_of(ax)) == 44
    assert_texts_fit(ax)


@pytest.mark.parametrize(
    "names", [[LONG_NAME * 4, "Z" * 300], SCRIPTS, ["x" * 1_000_000]], ids=["long", "scripts", "x"]
)
def test_names_of_any_length_and_script_fit(names: list[str], width: float) -> None:
    with style.figure_width(width):
        ax = plots.projects_per_organization(organizations([*range(len(names), 0, -1)], names))
    assert_texts_fit(ax)
    assert ax.get_position().width > 0.5


@pytest.mark.parametrize("size", [3, 500])
def test_the_texts_of_any_number_of_rows_fit(size: int, width: float) -> None:
    with style.figure_width(width):
        counts = [(7 * i) % 90 for i in range(1, size + 1)]
        ax = plots.projects_per_organization(organizations(counts))
    assert_texts_fit(ax)
    assert ax.figure.get_figwidth() == width


@pytest.mark.parametrize("projects", [10**4, 10**6, 10**9])
def test_tick_labels_of_large_numbers_do_not_overlap(projects: int, width: float) -> None:
    with style.figure_width(width):
        ax = plots.projects_per_organization(organizations([projects, 1]))
    assert ticks_of(ax.xaxis)[0] == "0"
    assert len(ticks_of(ax.xaxis)) > 1
    assert_texts_fit(ax)


def test_dollar_signs_are_not_parsed_as_math_even_on_axes_drawn_before() -> None:
    with mpl.rc_context({"font.family": "serif"}):
        figure, ax = plt.subplots()
        figure.canvas.draw()
    plots.projects_per_organization(organizations([1], [r"$5 and $\frac{6}"]), ax=ax)
    assert names_of(ax) == [r"$5 and $\frac{6}"]
    assert not any(label.get_parse_math() for label in ax.get_yticklabels())
    assert ax.get_yticklabels()[0].get_fontfamily()[0] == "DejaVu Sans"
    figure.canvas.draw()


def test_characters_that_no_font_has_become_dots_and_the_id_is_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fonts, "FONT_FAMILIES", ["DejaVu Sans", "STIXGeneral"])
    names = ["负载 Test", "Café Élan", "测", "so \u1d81\u0348 \u1d81"]
    ax = plots.projects_per_organization(organizations([4, 3, 2, 1], names, [5, 6, None, 8]))
    assert names_of(ax)[:3] == ["·· Test (5)", "Café Élan", "·"]
    ax.figure.canvas.draw()


# --- timeline without groups -------------------------------------------------------------------


def test_bars_count_what_was_created_and_are_within_their_periods() -> None:
    ax = plots.creation_timeline(make_timeline([2, 0, 5]).iloc[::-1])
    assert layers_of(ax) == [[2, 0, 5]]
    edges = mdates.date2num(np.array(["2024-01", "2024-02", "2024-03", "2024-04"], "datetime64[D]"))
    for (begin, end), start, stop in zip(spans_of(ax), edges[:-1], edges[1:], strict=True):
        assert start < begin < end < stop
        assert (begin + end) / 2 == pytest.approx((start + stop) / 2)


def test_the_total_is_a_line_on_a_second_axis() -> None:
    ax = plots.creation_timeline(make_timeline([2, 0, 5]))
    second = second_axes_of(ax)
    (line,) = second.lines
    assert list(line.get_ydata()) == [2, 2, 7]
    np.testing.assert_allclose(line.get_xdata(), [sum(span) / 2 for span in spans_of(ax)])
    assert legend_of(ax) == ["created", "total by the end of the month (right axis)"]
    assert ax.get_ylim()[0] == second.get_ylim()[0] == 0


@pytest.mark.parametrize(
    ("freq", "start", "unit"),
    [
        ("D", "2024-02-27", "day"),
        ("W-MON", "2024-01-01", "week"),
        ("MS", "2023-01-01", "month"),
        ("QS", "2023-01-01", "quarter"),
        ("YS", "2024-01-01", "year"),
    ],
)
@pytest.mark.parametrize("size", [2, 130])
def test_the_unit_of_the_periods_is_named_and_dates_do_not_overlap(
    freq: str, start: str, unit: str, size: int, width: float
) -> None:
    with style.figure_width(width):
        ax = plots.creation_timeline(make_timeline([3] * size, freq, start))
    assert ax.get_title() == f"Created per {unit}"
    assert ax.get_xlabel() == f"{unit} (UTC)"
    assert_texts_fit(ax)
    assert 2 <= len(ticks_of(ax.xaxis)) <= 12


def test_a_single_period_has_a_date_and_no_unit() -> None:
    ax = plots.creation_timeline(make_timeline([3]))
    assert ax.get_title() == "Created in one period"
    assert ticks_of(ax.xaxis) == ["2024-01-01"]
    ((begin, end),) = spans_of(ax)
    assert end - begin < np.ptp(ax.get_xlim()) / 3
    assert ax.get_ylim()[1] < 4
    assert_texts_fit(ax)


@pytest.mark.parametrize(
    ("freq", "dates"),
    [
        ("D", ["2023-12-31", "2024-01-01", "2024-01-02"]),
        ("MS", ["2024-01", "2024-02", "2024-03"]),
        ("QS", ["2024-Q1", "2024-Q2", "2024-Q3"]),
        ("YS", ["2024", "2025", "2026"]),
    ],
)
def test_a_few_periods_have_iso_dates_below_their_middles(freq: str, dates: list[str]) -> None:
    with mpl.rc_context({"timezone": "America/Los_Angeles"}):
        ax = plots.creation_timeline(make_timeline([1, 1, 1], freq, "2023-12-31"))
        ax.figure.canvas.draw()
    assert ticks_of(ax.xaxis) == dates
    np.testing.assert_allclose(ax.get_xticks(), [sum(span) / 2 for span in spans_of(ax)])


def test_years_are_below_the_first_of_january() -> None:
    ax = plots.creation_timeline(make_timeline([1] * 120))
    assert "2026" in ticks_of(ax.xaxis)
    tick = ax.get_xticks()[ticks_of(ax.xaxis).index("2026")]
    assert tick == mdates.date2num(np.datetime64("2026-01-01"))


def test_a_period_that_was_left_out_is_a_gap() -> None:
    ax = plots.creation_timeline(make_timeline([1, 2, 3, 4]).drop(index=1))
    assert layers_of(ax) == [[1, 3, 4]]
    first, second, _ = spans_of(ax)
    assert second[0] - first[1] > 29
    assert [round(end - begin) for begin, end in spans_of(ax)] == [27, 27, 26]


def test_periods_of_unknown_length_have_ticks_at_their_dates() -> None:
    summary = make_timeline([1] * 7, "D").iloc[[0, 2, 6]]
    ax = plots.creation_timeline(summary)
    assert ax.get_title() == "Created per period"
    ticks = np.array(ticks_of(ax.xaxis), "datetime64[D]")
    np.testing.assert_array_equal(ax.get_xticks(), mdates.date2num(ticks))


def test_thousands_of_days_are_one_artist_without_gaps() -> None:
    summary = make_timeline([1, 0] * 2_500, "D")
    ax = plots.creation_timeline(summary)
    (bars,) = ax.patches
    assert len(bars.get_data().edges) == 5_001
    assert bars.get_linewidth() == 0 or bars.get_edgecolor()[3] == 0
    assert len(second_axes_of(ax).lines) == 1
    assert_texts_fit(ax)


def test_eight_centuries_of_days_are_drawn() -> None:
    ax = plots.creation_timeline(make_timeline([1] * 300_000, "D", "0001-01-01"))
    ax.figure.canvas.draw()
    assert ticks_of(ax.xaxis)[0] == "0100"


def test_the_last_year_of_the_calendar_is_drawn() -> None:
    ax = plots.creation_timeline(make_timeline([1, 1], "YS", "9998-01-01"))
    assert ticks_of(ax.xaxis) == ["9998", "9999"]
    assert_texts_fit(ax)


def test_a_filtered_timeline_without_anything_created_shows_the_total() -> None:
    ax = plots.creation_timeline(make_timeline([5, 0, 0]).tail(2))
    assert list(second_axes_of(ax).lines[0].get_ydata()) == [5, 5]
    assert_texts_fit(ax)


# --- timeline per organization ------------------------------------------------------------------


def test_each_organization_has_a_line_of_its_total_in_its_own_color() -> None:
    ax = plots.creation_timeline(timelines({8: [1, 2, 3], None: [0, 9, 0], 30: [0, 0, 1]}))
    assert lines_of(ax) == {
        "unknown organization": [0, 9, 9],
        "organization 8": [1, 3, 6],
        "organization 30": [0, 0, 1],
    }
    assert ax.get_ylabel() == "total by the end of the month"
    assert [line.get_color() for line in ax.lines[::2]] == list(style.PALETTE[:3])


def test_lines_have_the_names_in_the_frame_and_long_names_are_shortened() -> None:
    summary = timelines({7: [1, 5], 8: [1, 2], None: [1, 0]})
    names = {7: "Harbour", 8: LONG_NAME}
    summary["org_name"] = pd.array([names.get(o) for o in summary["org_id"]], dtype="string")
    ax = plots.creation_timeline(summary)
    first, second, third = (text.get_text() for text in ax.texts)
    assert (first, third) == ("Harbour", "unknown organization")
    assert second.startswith("The Society")
    assert second.endswith("…")
    assert_texts_fit(ax)


def test_organizations_beyond_the_six_largest_are_one_gray_line() -> None:
    ax = plots.creation_timeline(timelines({i: [i, 1] for i in range(1, 10)}))
    lines = lines_of(ax)
    assert set(lines) == {*(f"organization {i}" for i in range(4, 10)), "3 others"}
    assert lines["3 others"] == [6, 9]
    heights = {text.get_text(): text.xy[1] for text in ax.texts}
    assert max(heights, key=heights.__getitem__) == "organization 9"


def test_others_that_dwarf_the_six_leave_the_plot_with_their_last_value() -> None:
    ax = plots.creation_timeline(timelines({i: [2, 3] for i in range(500)}))
    assert lines_of(ax)["494 others 2,470 ↑"] == [988, 2470]
    assert ax.get_ylim()[1] < 10
    assert_texts_fit(ax)


@pytest.mark.parametrize(("count", "size"), [(1, 1), (7, 5), (7, 60), (500, 60)])
def test_names_are_to_the_right_of_the_lines(count: int, size: int, width: float) -> None:
    created = {1000 + i: [(i * 7 + j) % 3 + (i < 2) for j in range(size)] for i in range(count)}
    with style.figure_width(width):
        ax = plots.creation_timeline(timelines(created))
    assert len(ax.texts) == min(count, 7)
    assert_texts_fit(ax)
    end = max(ax.transData.transform((line.get_xdata()[-1], 0))[0] for line in ax.lines[::2])
    frame = ax.get_window_extent()
    for text in ax.texts:
        box = text.get_window_extent()
        assert end < box.x0 < box.x1 <= frame.x1 + 5
        assert frame.y0 <= box.y0 < box.y1 <= frame.y1


def test_an_organization_keeps_its_total_in_periods_that_it_lacks() -> None:
    summary = timelines({1: [1, 1, 1], 2: [5, 1, 1]}).drop(index=[0, 5])
    assert lines_of(plots.creation_timeline(summary)) == {
        "organization 2": [5, 6, 6],
        "organization 1": [0, 2, 3],
    }


def test_a_timeline_with_a_duplicate_period_is_refused() -> None:
    summary = timelines({1: [1, 2], 2: [1, 0]})
    with pytest.raises(SchemaError, match="duplicate key"):
        plots.creation_timeline(summary.drop(columns="org_id"))
    with pytest.raises(SchemaError, match="duplicate key"):
        plots.creation_timeline(pd.concat([summary, summary]))


def test_the_periods_of_two_organizations_need_not_be_in_order() -> None:
    summary = timelines({1: [1, 0, 2], 2: [0, 1, 0]})
    shuffled = summary.sample(frac=1, random_state=3)
    assert lines_of(plots.creation_timeline(shuffled)) == lines_of(plots.creation_timeline(summary))
    assert make_periods(3) == list(summary["period"].head(3))
