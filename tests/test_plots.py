"""What the pictures show, read from their artists."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator, Sequence

import matplotlib as mpl
import matplotlib.dates as mdates
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

from k6frames import lettering, plots
from k6frames.errors import SchemaError

mpl.use("Agg")

OKABE_ITO = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"]
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


@pytest.fixture(autouse=True)
def _strict_and_clean() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield
    plt.close("all")


def organizations(
    counts: Sequence[int],
    names: Sequence[str | None] | None = None,
    ids: Sequence[int | None] | None = None,
) -> pd.DataFrame:
    """A summary as k6frames.projects_per_organization returns it."""
    size, total = len(counts), sum(counts)
    when = pd.Series(["2024-01-01"] * size, dtype="datetime64[us, UTC]")
    if names is None:
        names = [f"Harbour Tram Works {number}" for number in range(size)]
    return pd.DataFrame(
        {
            "org_id": pd.array(ids or range(1, size + 1), dtype="Int64"),
            "org_name": pd.array(names, dtype="string"),
            "projects": pd.array(counts, dtype="Int64"),
            "share": pd.array([c / total if total else None for c in counts], dtype="Float64"),
            "first_created": when,
            "last_created": when,
            "last_updated": when,
        }
    )


def timeline(created: Sequence[int], freq: str = "MS", start: str = "2024-01-01") -> pd.DataFrame:
    """A summary as k6frames.creation_timeline returns it."""
    periods = pd.date_range(start, periods=len(created), freq=freq, tz="UTC").as_unit("us")
    return pd.DataFrame(
        {
            "period": periods,
            "created": pd.array(created, dtype="Int64"),
            "cumulative": pd.array(np.cumsum(created, dtype=int), dtype="Int64"),
        }
    )


def timelines(created: dict[int | None, Sequence[int]], freq: str = "MS") -> pd.DataFrame:
    """A summary as k6frames.creation_timeline(..., by="org_id") returns it."""
    parts = []
    for org_id, counts in created.items():
        part = timeline(counts, freq)
        part.insert(0, "org_id", pd.array([org_id] * len(part), dtype="Int64"))
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def names_of(ax: Axes) -> list[str]:
    """Names beside the bars, from the top down, without the breaks between their lines."""
    places = zip(ax.get_yticks(), ax.get_yticklabels(), strict=True)
    return [label.get_text().replace("\n", " ") for _, label in sorted(places, key=lambda p: p[0])]


def widths_of(ax: Axes) -> list[int]:
    """Lengths of the bars, from the top down."""
    assert ax.yaxis_inverted()
    return [int(bar.get_width()) for bar in sorted(ax.patches, key=lambda bar: bar.get_y())]


def counts_of(ax: Axes) -> list[str]:
    return [text.get_text() for text in sorted(ax.texts, key=lambda text: text.xy[1])]


def second_of(ax: Axes) -> Axes:
    (second,) = (other for other in ax.figure.axes if other is not ax)
    return second


def all_texts(ax: Axes) -> list[str]:
    return [t.get_text() for a in ax.figure.axes for t in a.findobj(mpl.text.Text) if t.get_text()]


def lines_of(ax: Axes) -> dict[str, list[float]]:
    """The values of each line, by the name at its end."""
    lines, connectors = ax.lines[::2], ax.lines[1::2]
    ends = {text.xy: text.get_text() for text in ax.texts}
    return {
        ends[tuple(connector.get_xydata()[-1])]: [float(value) for value in line.get_ydata()]
        for line, connector in zip(lines, connectors, strict=True)
    }


def assert_tidy(ax: Axes) -> None:
    """No text is cut at the figure's border, and no two of them overlap."""
    figure = ax.figure
    figure.canvas.draw()
    texts = []
    for axes in figure.axes:
        texts += [axes.title, *axes.texts]
        for axis in filter(mpl.axis.Axis.get_visible, (axes.xaxis, axes.yaxis)):
            low, high = sorted(axis.get_view_interval())
            ticks = zip(axis.get_majorticklocs(), axis.get_ticklabels(), strict=True)
            texts += [axis.label, axis.get_offset_text()]
            texts += [label for tick, label in ticks if low <= tick <= high]
    boxes = [(t.get_text(), t.get_window_extent()) for t in texts if t.get_text().strip()]
    for text, box in boxes:
        inside = figure.bbox.x0 <= box.x0, figure.bbox.y0 <= box.y0
        assert inside == (True, True), f"{text!r} is cut"
        inside = box.x1 <= figure.bbox.x1, box.y1 <= figure.bbox.y1
        assert inside == (True, True), f"{text!r} is cut"
    for (one, box), (other, other_box) in itertools.combinations(boxes, 2):
        assert not box.overlaps(other_box), f"{one!r} overlaps {other!r}"


# Projects per organization


def test_bars_stand_in_falling_order_whatever_the_order_of_the_summary() -> None:
    ax = plots.projects_per_organization(organizations([3, 41, 12], ["b", "c", "a"]))
    assert names_of(ax) == ["c", "a", "b"]
    assert widths_of(ax) == [41, 12, 3]
    positions = sorted(bar.get_y() + bar.get_height() / 2 for bar in ax.patches)
    np.testing.assert_allclose(positions, sorted(ax.get_yticks()))


def test_equal_counts_stand_in_the_order_of_names_then_ids() -> None:
    summary = organizations([5, 5, 5, 5], ["b", "a", "a", None], [1, 9, 2, 4])
    ax = plots.projects_per_organization(summary)
    assert names_of(ax) == ["a (2)", "a (9)", "b", "organization 4"]


def test_each_count_stands_beside_its_bar_with_separators() -> None:
    ax = plots.projects_per_organization(organizations([1234567, 1000000, 0]))
    assert counts_of(ax) == ["1,234,567", "1,000,000", "0"]
    for text, bar in zip(ax.texts, ax.patches, strict=True):
        assert text.xy == pytest.approx((bar.get_width(), bar.get_y() + bar.get_height() / 2))
        assert text.get_window_extent().x0 > bar.get_window_extent().x1


def test_organizations_of_one_name_keep_a_bar_each_and_show_their_ids() -> None:
    ax = plots.projects_per_organization(organizations([7, 5, 2], ["Acme", "Acme", "Bolt"]))
    assert names_of(ax) == ["Acme (1)", "Acme (2)", "Bolt"]
    assert widths_of(ax) == [7, 5, 2]
    assert len({bar.get_y() for bar in ax.patches}) == 3


def test_missing_names_are_told_by_id_and_a_missing_id_as_unknown() -> None:
    summary = organizations([5, 4, 3, 2], [None, "", " \t", None], [11, 12, 13, None])
    expected = ["organization 11", "organization 12", "organization 13", "unknown organization"]
    assert names_of(plots.projects_per_organization(summary)) == expected


def test_organizations_beyond_the_first_twenty_share_one_quieter_bar() -> None:
    ax = plots.projects_per_organization(organizations([*range(100, 80, -1), 9, 8, 0]))
    assert widths_of(ax) == [*range(100, 80, -1), 17]
    assert names_of(ax)[-1] == "3 other organizations"
    assert counts_of(ax)[-1] == "17"
    colors = [to_hex(bar.get_facecolor()) for bar in ax.patches]
    assert len(set(colors[:20])) == 1
    assert colors[20] != colors[0]


def test_one_organization_beyond_the_first_twenty_is_told_in_the_singular() -> None:
    ax = plots.projects_per_organization(organizations([*range(30, 9, -1)]))
    assert names_of(ax)[-1] == "1 other organization"


def test_twenty_organizations_have_no_bar_for_others() -> None:
    ax = plots.projects_per_organization(organizations([0] * 19 + [1]))
    assert len(ax.patches) == 20
    assert not any("other" in name for name in names_of(ax))


def test_a_bar_of_others_that_dwarfs_the_rest_is_cut_and_says_so() -> None:
    ax = plots.projects_per_organization(organizations([10] * 500))
    assert widths_of(ax)[-1] == 4800
    assert ax.get_xlim()[1] < 20
    assert counts_of(ax)[-1] == "4,800 →"
    box, text = ax.get_window_extent(), ax.texts[-1]
    assert text.get_window_extent().x1 <= box.x1
    assert text.get_horizontalalignment() == "right"


def test_organizations_without_projects_are_shown_with_zero() -> None:
    ax = plots.projects_per_organization(organizations([2, 0], ["a", "b"]))
    assert names_of(ax) == ["a", "b"]
    assert counts_of(ax) == ["2", "0"]


def test_long_names_are_wrapped_and_whole() -> None:
    name = "The Society for the Promotion of Load Testing in Municipal Tram Networks " * 4
    ax = plots.projects_per_organization(organizations([3, 2], [name, "Z" * 300]))
    first, second = (label.get_text() for label in ax.get_yticklabels())
    assert first.split() == name.split()
    assert second.replace("\n", "") == "Z" * 300
    assert ax.figure.get_figheight() < 9
    assert ax.get_position().width > 0.5
    assert_tidy(ax)


@pytest.mark.parametrize("joint", "-_/")
def test_a_long_name_without_spaces_is_broken_at_its_joints(joint: str) -> None:
    name = joint.join(["staging"] * 12)
    ax = plots.projects_per_organization(organizations([1], [name]))
    lines = ax.get_yticklabels()[0].get_text().split("\n")
    assert len(lines) > 1
    assert "".join(lines) == name
    assert all(line.endswith(f"staging{joint}") for line in lines[:-1])


def test_a_name_of_a_million_characters_is_cut_with_an_ellipsis() -> None:
    ax = plots.projects_per_organization(organizations([1], ["x" * 1_000_000]))
    assert names_of(ax)[0].endswith("…")
    assert_tidy(ax)


def test_a_dollar_starts_no_formula_even_on_axes_drawn_before() -> None:
    with mpl.rc_context({"font.family": "serif"}):
        figure, ax = plt.subplots()
        figure.canvas.draw()
    plots.projects_per_organization(organizations([1], [r"$5 and $\frac{6}"]), ax=ax)
    assert names_of(ax) == [r"$5 and $\frac{6}"]
    assert not any(label.get_parse_math() for label in ax.get_yticklabels())
    assert ax.get_yticklabels()[0].get_fontfamily()[0] == "DejaVu Sans"
    figure.canvas.draw()


def test_control_characters_and_direction_marks_become_spaces() -> None:
    name = "\ufeffa\r\nb\tc\x00d\u2028e \u202ef\u2066\n"
    assert names_of(plots.projects_per_organization(organizations([1], [name]))) == ["a b c d e f"]


def test_joiners_inside_a_word_stay() -> None:
    name = "\u0645\u06cc\u200c\u062f\u0648"
    assert names_of(plots.projects_per_organization(organizations([1], [name]))) == [name]


def test_names_of_any_script_draw_without_a_warning() -> None:
    summary = organizations([*range(len(SCRIPTS), 0, -1)], SCRIPTS)
    assert_tidy(plots.projects_per_organization(summary))


def test_characters_that_no_font_has_become_dots_and_the_id_is_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lettering, "_FONTS", ["DejaVu Sans"])
    summary = organizations([3, 2, 1], ["负载 Test", "Café Élan", "测"], [5, 6, None])
    ax = plots.projects_per_organization(summary)
    assert names_of(ax) == ["·· Test (5)", "Café Élan", "·"]
    ax.figure.canvas.draw()


def test_a_letter_and_its_mark_in_different_fonts_draw_without_a_warning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lettering, "_FONTS", ["DejaVu Sans", "STIXGeneral"])
    ax = plots.projects_per_organization(organizations([1], ["so \u1d81\u0348 \u1d81"]))
    assert names_of(ax)[0].startswith("so ")
    ax.figure.canvas.draw()


def test_names_are_drawn_with_installed_fonts_only_dejavu_first(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ax = plots.projects_per_organization(organizations([1]))
    ax.figure.canvas.draw()
    family = ax.get_yticklabels()[0].get_fontfamily()
    assert family[0] == "DejaVu Sans"
    assert set(family) <= set(font_manager.get_font_names())
    assert not caplog.records


@pytest.mark.parametrize("size", [1, 3, 25, 500])
def test_no_label_of_a_bar_overlaps_another_or_leaves_the_figure(size: int) -> None:
    ax = plots.projects_per_organization(organizations([(7 * i) % 90 for i in range(1, size + 1)]))
    assert_tidy(ax)
    assert 8 <= ax.figure.get_figwidth() <= 9


def test_the_figure_grows_with_the_number_of_bars() -> None:
    heights = [
        plots.projects_per_organization(organizations([1] * size)).figure.get_figheight()
        for size in (1, 10, 20)
    ]
    assert heights == sorted(set(heights))


@pytest.mark.parametrize("counts", [[], [0, 0, 0]])
def test_a_summary_without_projects_says_so_in_the_middle(counts: list[int]) -> None:
    ax = plots.projects_per_organization(organizations(counts))
    assert ax.get_title() == "Projects per organization"
    (text,) = ax.texts
    assert text.get_text() == "no projects yet"
    assert text.get_position() == (0.5, 0.5)
    assert not ax.patches
    assert_tidy(ax)


# Timeline of everything


def test_bars_hold_what_was_created_and_are_as_wide_as_their_period() -> None:
    summary = timeline([2, 0, 5])
    ax = plots.creation_timeline(summary.iloc[::-1])
    assert [bar.get_height() for bar in ax.patches] == [2, 0, 5]
    edges = mdates.date2num(np.array(["2024-01", "2024-02", "2024-03", "2024-04"], "datetime64[D]"))
    np.testing.assert_allclose([bar.get_x() for bar in ax.patches], edges[:-1])
    np.testing.assert_allclose([bar.get_width() for bar in ax.patches], np.diff(edges))


def test_the_total_is_a_line_on_a_second_axis_of_its_colour() -> None:
    ax = plots.creation_timeline(timeline([2, 0, 5]))
    second = second_of(ax)
    (line,) = second.lines
    assert list(line.get_ydata()) == [2, 2, 7]
    middles = [bar.get_x() + bar.get_width() / 2 for bar in ax.patches]
    np.testing.assert_allclose(line.get_xdata(), middles)
    assert second.get_ylabel() == "total by the end of the month"
    for axes, artist in ((ax, ax.patches[0].get_facecolor()), (second, line.get_color())):
        assert to_hex(axes.yaxis.label.get_color()) == to_hex(artist)
        assert to_hex(axes.get_yticklabels()[0].get_color()) == to_hex(artist)
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
@pytest.mark.parametrize("size", [2, 12, 13, 130, 500])
def test_the_length_of_a_period_is_named_and_dates_are_readable(
    freq: str, start: str, unit: str, size: int
) -> None:
    ax = plots.creation_timeline(timeline([3] * size, freq, start))
    assert ax.get_title() == f"Created per {unit}"
    assert ax.get_ylabel() == f"created in the {unit}"
    assert ax.get_xlabel() == f"{unit} (UTC)"
    ends = [bar.get_x() + bar.get_width() for bar in ax.patches]
    np.testing.assert_allclose(ends[:-1], [bar.get_x() for bar in ax.patches][1:])
    assert_tidy(ax)
    assert 2 <= sum(bool(label.get_text()) for label in ax.get_xticklabels()) <= 12


def test_a_period_alone_is_not_given_a_length() -> None:
    ax = plots.creation_timeline(timeline([3]))
    assert ax.get_title() == "Created per period"
    assert [label.get_text() for label in ax.get_xticklabels()] == ["1 Jan\n2024"]
    (bar,) = ax.patches
    assert bar.get_width() < np.ptp(ax.get_xlim()) / 3
    assert_tidy(ax)


@pytest.mark.parametrize(
    ("freq", "labels"),
    [
        ("D", ["31 Dec\n2023", "1 Jan\n2024", "2 Jan"]),
        ("MS", ["Jan\n2024", "Feb", "Mar"]),
        ("QS", ["Q1\n2024", "Q2", "Q3"]),
        ("YS", ["2024", "2025", "2026"]),
    ],
)
def test_few_periods_are_named_each_in_its_middle(freq: str, labels: list[str]) -> None:
    ax = plots.creation_timeline(timeline([1, 1, 1], freq, "2023-12-31"))
    assert [label.get_text() for label in ax.get_xticklabels()] == labels
    middles = [bar.get_x() + bar.get_width() / 2 for bar in ax.patches]
    np.testing.assert_allclose(ax.get_xticks(), middles)


def test_dates_are_utc_whatever_the_time_zone_of_matplotlib() -> None:
    with mpl.rc_context({"timezone": "America/Los_Angeles"}):
        for size, expected in ((3, "Jan\n2024"), (37, "2024")):
            ax = plots.creation_timeline(timeline([1] * size))
            ax.figure.canvas.draw()
            assert ax.get_xticklabels()[0].get_text() == expected
            if size > 12:
                assert ax.get_xticks()[0] == mdates.date2num(np.datetime64("2024-01-01"))


def test_periods_in_which_nothing_was_created_stay_as_zero() -> None:
    ax = plots.creation_timeline(timeline([1] + [0] * 40 + [1]))
    assert [bar.get_height() for bar in ax.patches] == [1] + [0] * 40 + [1]


def test_a_timeline_with_a_period_left_out_keeps_the_width_of_its_bars() -> None:
    ax = plots.creation_timeline(timeline([1, 1, 1, 1]).drop(index=1))
    assert [bar.get_width() for bar in ax.patches] == [31, 31, 30]


def test_many_bars_have_no_border_that_would_hide_them() -> None:
    few, many = (plots.creation_timeline(timeline([1] * size)).patches for size in (12, 500))
    assert min(bar.get_linewidth() for bar in few) > 0
    assert max(bar.get_linewidth() for bar in many) == 0


def test_periods_that_lost_their_dtype_draw_the_same() -> None:
    summary = timeline([1, 0, 2])
    for period in (summary["period"].dt.tz_localize(None), summary["period"].astype(str)):
        ax = plots.creation_timeline(summary.assign(period=period))
        assert [label.get_text() for label in ax.get_xticklabels()] == ["Jan\n2024", "Feb", "Mar"]


def test_a_cut_timeline_in_which_nothing_is_new_still_shows_the_total() -> None:
    ax = plots.creation_timeline(timeline([5, 0, 0]).tail(2))
    assert list(second_of(ax).lines[0].get_ydata()) == [5, 5]
    assert_tidy(ax)


@pytest.mark.parametrize("created", [[], [0, 0]])
def test_an_empty_timeline_says_so_in_the_middle(created: list[int]) -> None:
    for summary in (timeline(created), timelines({1: created, 2: created})):
        ax = plots.creation_timeline(summary)
        assert ax.get_title()
        (text,) = ax.texts
        assert text.get_text() == "nothing created yet"
        assert text.get_position() == (0.5, 0.5)
        assert_tidy(ax)


# Timeline per organization


def test_each_organization_has_a_line_of_its_total_in_a_colour_of_its_own() -> None:
    ax = plots.creation_timeline(timelines({8: [1, 2, 3], None: [0, 9, 0], 30: [0, 0, 1]}))
    assert lines_of(ax) == {
        "unknown organization": [0, 9, 9],
        "organization 8": [1, 3, 6],
        "organization 30": [0, 0, 1],
    }
    assert ax.get_title() == "Total created by organization"
    assert ax.get_ylabel() == "total by the end of the month"
    assert [to_hex(line.get_color()) for line in ax.lines[::2]] == OKABE_ITO[:3]


def test_lines_carry_the_names_that_the_frame_has_and_long_ones_are_cut():
    summary = timelines({7: [1, 5], 8: [1, 2], None: [1, 0]})
    names = {7: "Harbour", 8: "a name that is longer than forty characters"}
    summary["org_name"] = pd.array([names.get(o) for o in summary["org_id"]], dtype="string")
    texts = [text.get_text() for text in plots.creation_timeline(summary).texts]
    assert texts == ["Harbour", "a name that is longer than fo…", "unknown organization"]


def test_organizations_beyond_the_six_largest_are_summed_up_in_grey() -> None:
    ax = plots.creation_timeline(timelines({i: [i, 1] for i in range(1, 10)}))
    lines = lines_of(ax)
    assert set(lines) == {*(f"organization {i}" for i in range(4, 10)), "3 others"}
    assert lines["3 others"] == [6, 9]
    colors = dict(zip(lines, (to_hex(line.get_color()) for line in ax.lines[::2]), strict=True))
    assert [colors[f"organization {i}"] for i in range(9, 3, -1)] == OKABE_ITO
    red, green, blue = mpl.colors.to_rgb(colors["3 others"])
    assert red == green == blue


def test_others_that_dwarf_the_six_leave_the_picture_and_say_where_they_end() -> None:
    ax = plots.creation_timeline(timelines({i: [2, 3] for i in range(500)}))
    assert lines_of(ax)["494 others: 2,470 ↑"] == [988, 2470]
    assert ax.get_ylim()[1] < 10
    assert_tidy(ax)


@pytest.mark.parametrize("count", [1, 2, 7, 25, 500])
@pytest.mark.parametrize("size", [1, 5, 60])
def test_names_stand_beyond_the_ends_of_the_lines_without_overlap(count: int, size: int) -> None:
    created = {1000 + i: [(i * 7 + j) % 3 + (i < 2) for j in range(size)] for i in range(count)}
    ax = plots.creation_timeline(timelines(created))
    assert len(ax.texts) == min(count, 7)
    assert_tidy(ax)
    end = max(ax.transData.transform((line.get_xdata()[-1], 0))[0] for line in ax.lines[::2])
    frame = ax.get_window_extent()
    for text in ax.texts:
        box = text.get_window_extent()
        assert end < box.x0
        assert box.x1 <= frame.x1
        assert frame.y0 <= box.y0
        assert box.y1 <= frame.y1


def test_no_date_stands_below_the_names() -> None:
    summary = timelines({1: [1] * 39}, "QS")
    ax = plots.creation_timeline(summary)
    assert ax.get_xticks().max() <= mdates.date2num(np.datetime64("2033-10-01"))
    assert ax.get_xticks().min() >= ax.get_xlim()[0]


def test_names_stand_in_the_order_of_the_ends_of_the_lines() -> None:
    ax = plots.creation_timeline(timelines({i: [i, 1] for i in range(1, 11)}))
    heights = {text.get_text(): text.xy[1] for text in ax.texts}
    named = [f"organization {i}" for i in range(10, 4, -1)]
    assert sorted(heights, key=heights.__getitem__, reverse=True) == ["4 others", *named]


def test_periods_that_an_organization_lacks_keep_its_total() -> None:
    summary = timelines({1: [1, 1, 1], 2: [5, 1, 1]}).drop(index=[0, 5])
    assert lines_of(plots.creation_timeline(summary)) == {
        "organization 2": [5, 6, 6],
        "organization 1": [0, 2, 3],
    }


# Both


DRAWN = [
    pytest.param(plots.projects_per_organization, organizations([5, 9, 1]), id="bars"),
    pytest.param(plots.creation_timeline, timeline([1, 0, 4] * 9), id="timeline"),
    pytest.param(plots.creation_timeline, timelines({1: [1, 2], 2: [1, 0]}), id="organizations"),
]
BOTH = pytest.mark.parametrize(("draw", "summary"), DRAWN)


@BOTH
def test_the_summary_is_not_altered(draw, summary: pd.DataFrame) -> None:
    shuffled = summary.sample(frac=1, random_state=1)
    before = shuffled.copy(deep=True)
    draw(shuffled)
    pd.testing.assert_frame_equal(shuffled, before)
    assert list(shuffled.columns) == list(before.columns)


@BOTH
def test_a_given_axes_is_drawn_on_and_returned(draw, summary: pd.DataFrame) -> None:
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4), layout="constrained")
    assert draw(summary, ax=right) is right
    assert plt.get_fignums() == [figure.number]
    assert not left.has_data()
    assert right.has_data()
    assert_tidy(right)


@BOTH
def test_a_new_figure_is_made_and_not_shown(
    draw, summary: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(plt, "show")
    ax = draw(summary)
    assert isinstance(ax, Axes)
    assert ax.figure is plt.gcf()
    assert draw(summary).figure is not ax.figure


@BOTH
def test_the_settings_of_matplotlib_stay_as_they_were(draw, summary: pd.DataFrame) -> None:
    before = dict(mpl.rcParams)
    draw(summary)
    assert dict(mpl.rcParams) == before


@BOTH
def test_no_text_needs_latex_even_where_the_settings_ask_for_it(
    draw, summary: pd.DataFrame
) -> None:
    with mpl.rc_context({"text.usetex": True}):
        ax = draw(summary)
    assert not any(text.get_usetex() for text in ax.findobj(mpl.text.Text))


@BOTH
def test_the_house_style_holds_whatever_the_settings_and_the_axes(
    draw, summary: pd.DataFrame
) -> None:
    with mpl.rc_context({"axes.grid": True, "axes.titlelocation": "right", "font.size": 20}):
        ax = draw(summary, ax=plt.figure(figsize=(9, 5), layout="constrained").add_subplot())
    assert ax.get_title()
    assert ax.title.get_horizontalalignment() == "left"
    for axes in ax.figure.axes:
        assert not axes.spines["top"].get_visible()
        assert not axes.spines["right"].get_visible()
    assert ax.get_axisbelow() is True
    for second in ax.figure.axes[1:]:
        assert not any(line.get_visible() for line in second.yaxis.get_gridlines())
    bars = draw is plots.projects_per_organization
    counts, other = (ax.xaxis, ax.yaxis) if bars else (ax.yaxis, ax.xaxis)
    assert all(line.get_visible() for line in counts.get_gridlines())
    assert not any(line.get_visible() for line in other.get_gridlines())
    assert_tidy(ax)


@BOTH
def test_the_time_zone_is_said_once_where_there_are_dates(draw, summary: pd.DataFrame) -> None:
    ax = draw(summary)
    said = sum("UTC" in text for text in all_texts(ax))
    assert said == (draw is plots.creation_timeline)


@pytest.mark.parametrize("scale", [1, 3, 1000, 10**7])
@BOTH
def test_ticks_of_counts_are_whole_numbers(draw, summary: pd.DataFrame, scale: int) -> None:
    columns = [name for name in ("projects", "created", "cumulative") if name in summary]
    top = summary[columns[-1]].max()
    # The smallest picture has a one as its largest count, the largest has tens of millions.
    scaled = summary.assign(**{name: (summary[name] * scale) // top for name in columns})
    ax = draw(scaled)
    for axes in ax.figure.axes:
        axis = axes.xaxis if draw is plots.projects_per_organization else axes.yaxis
        ticks = axis.get_majorticklocs()
        assert len(ticks) >= 2
        assert [float(tick).is_integer() for tick in ticks] == [True] * len(ticks)
        labels = [label.get_text() for label in axis.get_ticklabels()]
        assert labels == [f"{int(tick):,}" for tick in ticks]


@BOTH
def test_a_frame_that_is_no_summary_is_refused_with_what_makes_one(
    draw, summary: pd.DataFrame
) -> None:
    lost = [name for name in ("org_name", "projects", "cumulative", "period") if name in summary]
    with pytest.raises(SchemaError) as caught:
        draw(summary.drop(columns=lost))
    assert all(name in str(caught.value) for name in lost)
    assert f"k6frames.{draw.__name__}(" in str(caught.value)
    assert not plt.get_fignums()


def test_a_timeline_with_two_rows_of_one_period_is_refused() -> None:
    summary = timelines({1: [1, 2], 2: [1, 0]})
    with pytest.raises(SchemaError, match="one row per period"):
        plots.creation_timeline(summary.drop(columns="org_id"))
    with pytest.raises(SchemaError, match="one row per period"):
        plots.creation_timeline(pd.concat([summary, summary]))


@BOTH
def test_pictures_are_legible_on_a_dark_page(draw, summary: pd.DataFrame) -> None:
    with plt.style.context("dark_background"):
        ax = draw(summary)
    assert to_hex(ax.figure.get_facecolor()) == "#000000"
    assert to_hex(ax.title.get_color()) == "#ffffff"
    assert to_hex(ax.xaxis.label.get_color()) == "#ffffff"
