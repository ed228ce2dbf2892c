"""Names as they are drawn: what the pictures make of them is in test_plots.py."""

from __future__ import annotations

import pandas as pd
import pytest
from matplotlib import font_manager

from k6frames import lettering


def test_fonts_are_those_installed_and_dejavu_which_comes_with_matplotlib_is_first():
    assert lettering.fonts()[0] == "DejaVu Sans"
    assert set(lettering.fonts()) <= set(font_manager.get_font_names())


def test_a_name_that_two_organizations_share_carries_their_ids():
    assert lettering.labels([1, 2, 3], ["Acme", "Acme", "Other"]) == [
        "Acme (1)",
        "Acme (2)",
        "Other",
    ]


@pytest.mark.parametrize("missing", [None, pd.NA, "", " \n"])
def test_an_organization_without_a_name_is_called_by_its_id(missing):
    assert lettering.labels([7, pd.NA], [missing, missing]) == [
        "organization 7",
        "unknown organization",
    ]


def test_a_character_that_no_font_has_is_a_dot_and_the_id_says_which_it_is():
    assert lettering.labels([7], ["a\U000f0000b"]) == ["a·b (7)"]


def test_lines_break_after_a_space_and_none_is_wider_than_its_room():
    lines = lettering.wrapped("checkout and payment gateways " * 5).split("\n")
    assert len(lines) > 2
    assert " ".join(lines) == ("checkout and payment gateways " * 5).strip()
    assert max(map(lettering.width, lines)) <= lettering._NAME_WIDTH
