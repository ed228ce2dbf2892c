"""Make the pictures in docs/images again: ``python docs/screenshots.py``.

Needs ``pip install -e '.[browser]'``, a Chromium of the system's, and a font with CJK such as
Debian's fonts-noto-cjk, so that every name is in the pictures.
"""

from __future__ import annotations

import io
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

import k6frames
from k6frames.report import write_report

if TYPE_CHECKING:
    from matplotlib.axes import Axes

IMAGES = Path(__file__).with_name("images")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--hide-scrollbars"]


def main() -> None:
    """Make all of them."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        # matplotlib's own list of fonts may be older than the fonts; it is read with the plots.
        os.environ.update(MPLBACKEND="agg", MPLCONFIGDIR=folder)
        client = k6frames.Client.sample()
        both = k6frames.organization_projects_df(client=client)
        counted = k6frames.projects_per_organization(both)
        timeline = k6frames.creation_timeline(both, freq="QS")
        _plot("projects_per_organization", k6frames.plots.projects_per_organization(counted))
        _plot("creation_timeline", k6frames.plots.creation_timeline(timeline))
        report = write_report(client, Path(folder, "report"), on_error="raise", say=print)
        page = report.as_uri()
        chromium = next(filter(None, map(shutil.which, BROWSERS)))
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        _screenshot(browser, page, "report", width=1200, height=1500)
        _screenshot(browser, page, "report-dark", width=1200, height=1500, dark=True)
        _screenshot(browser, page, "report-phone", width=390, height=844, scale=2)
        browser.close()


def _screenshot(
    browser: Browser,
    page: str,
    name: str,
    *,
    width: int,
    height: int,
    dark: bool = False,
    scale: int = 1,
) -> None:
    opened = browser.new_page(
        viewport={"width": width, "height": height},
        device_scale_factor=scale,
        color_scheme="dark" if dark else "light",
    )
    opened.goto(page)
    _save(name, opened.screenshot())
    opened.close()


def _plot(name: str, ax: Axes) -> None:
    file = io.BytesIO()
    ax.figure.savefig(file, dpi=110, format="png")
    _save(name, file.getvalue())


def _save(name: str, png: bytes) -> None:
    """Write a picture with 256 colours: a third of the bytes, and nobody sees it."""
    path = IMAGES / f"{name}.png"
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    few = picture.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    few.save(path, optimize=True)
    print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
