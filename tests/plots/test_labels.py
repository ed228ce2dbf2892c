"""Labels: their characters, widths and lines."""

from __future__ import annotations

import matplotlib as mpl
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import font_manager
from strategies import strings

from k6frames.plots import fonts, labels

TEXT = "checkout and payment gateways " * 5


def test_the_first_font_is_the_one_that_is_part_of_matplotlib():
    assert fonts.installed_fonts()[0] == "DejaVu Sans"
    assert set(fonts.installed_fonts()) <= set(font_manager.get_font_names())


def test_a_duplicate_name_is_followed_by_the_id():
    found = labels.name_labels([1, 2, 3], ["Acme", "Acme", "Other"], "organization")
    assert found == ["Acme (1)", "Acme (2)", "Other"]


@pytest.mark.parametrize("missing", [None, pd.NA, "", " \n"])
def test_a_missing_name_is_replaced_by_the_id(missing):
    found = labels.name_labels([7, pd.NA], [missing, missing], "load test")
    assert found == ["load test 7", "unknown load test"]


def test_a_character_that_no_font_has_becomes_a_dot_and_the_id_is_added():
    assert labels.name_labels([7], ["a\U000f0000b"], "project") == ["a·b (7)"]


def test_a_name_in_svg_keeps_the_characters_that_no_installed_font_has():
    with mpl.rc_context({"svg.fonttype": "none"}):
        assert labels.name_labels([7], ["a\U000f0000b"], "project") == ["a\U000f0000b"]
        assert fonts.text_width("\U000f0000") == fonts.text_width("W")


def test_control_characters_and_direction_marks_become_spaces_and_joiners_stay():
    name = "\ufeffa\r\nb\tc\x00d\u2028e \u202ef\u2066\n"
    assert labels.clean_text(name) == "a b c d e f"
    assert labels.clean_text("\u0645\u06cc\u200c\u062f\u0648") == "\u0645\u06cc\u200c\u062f\u0648"


def test_lines_break_after_a_space_and_fit_the_width():
    lines = labels.wrap(TEXT, 210).split("\n")
    assert len(lines) > 2
    assert " ".join(lines) == TEXT.strip()
    assert max(map(fonts.text_width, lines)) <= 210


def test_a_separator_at_the_beginning_is_not_a_line_of_its_own():
    assert labels.wrap("/checkoutflowwithaverylongname", 60).startswith("/check")


@pytest.mark.parametrize("separator", "-_/")
def test_lines_without_spaces_break_after_a_separator(separator):
    name = separator.join(["staging"] * 12)
    lines = labels.wrap(name, 150).split("\n")
    assert "".join(lines) == name
    assert all(line.endswith(f"staging{separator}") for line in lines[:-1])


def test_a_name_of_a_million_characters_ends_with_an_ellipsis_after_sixteen_lines():
    lines = labels.wrap(labels.clean_text("x" * 1_000_000), 100).split("\n")
    assert len(lines) == labels.MAX_LINES
    assert lines[-1].endswith("…")


@given(strings, st.floats(20, 400))
def test_shortened_text_fits(text, width):
    text = labels.text_label(text)
    short = labels.shorten(text, width)
    assert fonts.text_width(short) <= width or len(short) <= 2
    assert short == text or short.endswith("…")


def test_names_that_begin_with_the_same_words_are_cut_in_the_middle():
    names = ["staging checkout gateway 1", "staging checkout gateway 2", "other"]
    short = labels.shorten_all(names, [90, 90, 90])
    assert len(set(short)) == 3
    assert short[0].startswith("stag")
    assert short[0].endswith("1")
    assert short[2] == "other"
    assert max(map(fonts.text_width, short)) <= 90
