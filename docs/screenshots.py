"""Draw the images of the documentation, plots and screenshots: ``python docs/screenshots.py``.

This needs playwright and Chromium, and fonts for all characters of the sample account, such as the
Debian packages fonts-noto-cjk and fonts-noto-color-emoji. After installing fonts, delete
matplotlib's font cache, which is in ``matplotlib.get_cachedir()``.
"""

from __future__ import annotations

import io
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
from PIL import Image
from playwright.sync_api import sync_playwright

import k6frames
from k6frames.report.build import write_report

if TYPE_CHECKING:
    from matplotlib.axes import Axes

IMAGES = Path(__file__).with_name("images")
SCREENSHOT_WIDTHS = {"report": 1100, "report_phone": 390}


def main() -> None:
    """Write all images, from the sample account."""
    mpl.use("agg")
    IMAGES.mkdir(exist_ok=True)
    client = k6frames.Client.sample()
    projects = k6frames.organization_projects_df(client=client)
    details = k6frames.test_run_details_df(client=client)
    counted = k6frames.projects_per_organization(projects)
    timeline = k6frames.creation_timeline(projects, freq="QS")
    usage = k6frames.usage(details, by=None, until=client.as_of)
    results = k6frames.test_results(details, as_of=client.as_of)
    save("projects_per_organization", k6frames.plots.projects_per_organization(counted))
    save("creation_timeline", k6frames.plots.creation_timeline(timeline))
    save("usage", k6frames.plots.usage(usage))
    save("test_results", k6frames.plots.test_results(results))
    screenshot_report(client)


def screenshot_report(client: k6frames.Client) -> None:
    """Write a screenshot of the report, from its top to its first plot, for each width."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        page = write_report(client, Path(folder), show_message=print, single_file=True)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        for name, width in SCREENSHOT_WIDTHS.items():
            window = browser.new_page(viewport={"width": width, "height": 900})
            window.goto(page.as_uri())
            height = window.evaluate(
                "document.getElementById('usage').getBoundingClientRect().bottom + 16"
            )
            clip = {"x": 0, "y": 0, "width": width, "height": height}
            write_png(name, window.screenshot(full_page=True, clip=clip))
        browser.close()


def save(name: str, ax: Axes) -> None:
    """Write a plot as an image."""
    file = io.BytesIO()
    ax.figure.savefig(file, dpi=110, format="png")
    write_png(name, file.getvalue())


def write_png(name: str, content: bytes) -> None:
    """Write an image with 256 colors, which is a third of the size and looks the same."""
    path = IMAGES / f"{name}.png"
    image = Image.open(io.BytesIO(content)).convert("RGB")
    reduced = image.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    reduced.save(path, optimize=True)
    print(f"wrote docs/images/{path.name}")


if __name__ == "__main__":
    main()
