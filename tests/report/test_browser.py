"""The report in a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def report(sample_report: Path) -> str:
    return sample_report.as_uri()


@pytest.mark.parametrize("width", [1280, 390])
def test_the_overview_and_its_tables_fit_the_window_and_each_plot_is_shown_once(
    browser: Any, report: str, width: int
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto(f"{report}/index.html")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    shown = page.locator(".plot svg:visible").count()
    assert shown * 2 == page.locator(".plot svg").count() > 0
    tables = page.locator(".scroll")
    assert tables.count() > 0
    assert not tables.evaluate_all("all => all.some(one => one.scrollWidth > one.clientWidth)")
    page.close()


def test_a_table_can_be_searched(browser: Any, report: str) -> None:
    page = browser.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{report}/load_tests.html")
    page.wait_for_selector("#rows tbody tr")
    assert page.locator("#rows tbody tr").count() == 25
    page.fill("input[type=search]", "passkey")
    page.wait_for_function("document.querySelectorAll('#rows tbody tr').length === 1")
    assert "Login: passkey sign-in" in page.inner_text("#rows tbody")
    assert errors == []
    page.close()


def test_a_table_shows_shares_as_percentages_and_explains_columns_once(
    browser: Any, report: str
) -> None:
    page = browser.new_page()
    page.goto(f"{report}/vuh_budget.html")
    page.wait_for_selector("#rows tbody tr")
    assert "97.5%" in page.inner_text("#rows tbody tr:first-child")
    explained = page.locator("dl.columns dt").all_inner_texts()
    assert "Left VUh" in explained
    assert "Stack ID" not in explained
    page.close()


def test_a_table_has_light_text_on_a_dark_background_in_dark_mode(
    browser: Any, report: str
) -> None:
    page = browser.new_page(color_scheme="dark")
    page.goto(f"{report}/load_tests.html")
    page.wait_for_selector("#rows tbody tr")
    styles = page.eval_on_selector_all(
        ".dt-container, #rows, #rows tbody tr, #rows tbody td",
        "elements => elements.map(e => getComputedStyle(e).backgroundColor)",
    )
    assert set(styles) == {"rgba(0, 0, 0, 0)"}
    assert (
        page.eval_on_selector("#rows td", "e => getComputedStyle(e).color") == "rgb(230, 233, 238)"
    )
    page.close()
