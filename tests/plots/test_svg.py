"""Plots as SVG elements: text, fonts, colors, IDs."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import matplotlib.pyplot as plt
from plot_helpers import make_summary, make_timeline

from k6frames import plots, tables
from k6frames.plots.svg import draw_svg

NAMES = ['id="a" url(#b) font: 9px x; <b>', "负载测试", "\U000f0000 & co", "_private"]
ORGANIZATIONS = make_summary(
    tables.PROJECTS_PER_ORGANIZATION, org_name=NAMES, projects=[4, 3, 2, 1]
)


def texts_of_svg(svg: str) -> list[str]:
    return [text.text or "" for text in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def test_names_are_text_whatever_fonts_this_machine_has() -> None:
    svg = draw_svg(plots.projects_per_organization, ORGANIZATIONS, name="bars", width=8.5)
    assert set(NAMES) <= set(texts_of_svg(svg))
    assert "Projects per organization" in texts_of_svg(svg)


def test_fonts_and_the_color_of_text_are_those_of_the_page() -> None:
    svg = draw_svg(plots.projects_per_organization, ORGANIZATIONS, name="bars", width=8.5)
    for tag in re.findall(r"<text[^>]*>", svg):
        assert "font-size" in tag
        assert "font-family" not in tag
        assert "fill" not in tag
    assert "<style" not in svg


def test_every_id_and_reference_begins_with_the_name() -> None:
    svg = draw_svg(plots.creation_timeline, make_timeline([1, 2]), name="growth-1", width=4.2)
    root = ET.fromstring(svg)
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(set(ids)) == len(ids)
    assert all(element_id.startswith("growth-1-") for element_id in ids)
    assert set(re.findall(r"url\(#([^)]*)\)", svg)) <= set(ids)
    assert set(re.findall(r'href="#([^"]*)"', svg)) <= set(ids)


def test_the_same_data_result_in_the_same_svg_of_the_given_width_and_no_figure_stays_open() -> None:
    first, second = (
        draw_svg(plots.creation_timeline, make_timeline([1, 2]), name="growth", width=4.2)
        for _ in range(2)
    )
    assert first == second
    assert first.startswith("<svg")
    assert first.endswith("</svg>")
    assert 'width="302.4pt"' in first
    assert not plt.get_fignums()


def test_the_background_is_transparent() -> None:
    svg = draw_svg(plots.creation_timeline, make_timeline([1, 2]), name="growth", width=4.2)
    assert "#ffffff" not in svg
