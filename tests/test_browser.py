"""What a person sees: the report and a notebook in JupyterLab, in the system's Chromium."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import pytest

import k6frames
from k6frames import report
from k6frames.settings import SAMPLE_TODAY, data_folder

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Locator, Page

try:
    from playwright.sync_api import sync_playwright
except ModuleNotFoundError:
    sync_playwright = None

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
)  # fmt: skip

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(sync_playwright is None, reason="playwright is not installed"),
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine"),
]

DESKTOP = {"viewport": {"width": 1280, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True}
DARK = {**DESKTOP, "color_scheme": "dark"}
WAYS = pytest.mark.parametrize("way", [DESKTOP, PHONE, DARK], ids=["desktop", "phone", "dark"])

WIDTHS = "() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
BROKEN = "() => [...document.images].filter(i => !i.complete || !i.naturalWidth).map(i => i.alt)"
COLOURS = """() => {
  const style = getComputedStyle(document.body);
  return [style.backgroundColor, style.color];
}"""

Open = Callable[..., "Page"]


@pytest.fixture(scope="module")
def sample_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("seen") / "report"
    client = k6frames.Client.sample()
    return report.write_report(client, folder, on_error="raise", say=lambda _: None)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS])
        yield chromium
        chromium.close()


class Watched:
    """A window of the browser, and everything that it complained about or asked for."""

    def __init__(self, context: BrowserContext) -> None:
        self.problems: list[str] = []
        self.asked: list[str] = []
        context.on("request", lambda request: self.asked.append(request.url))
        context.on("requestfailed", lambda request: self.problems.append(f"failed: {request.url}"))
        context.on("weberror", lambda error: self.problems.append(str(error.error)))
        context.on("console", self._hear)
        self.page = context.new_page()

    def _hear(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(f"{message.type}: {message.text}")


@pytest.fixture
def watch(browser: Browser) -> Iterator[Callable[..., Watched]]:
    """Open a window of its own, that is watched."""
    contexts: list[BrowserContext] = []

    def start(**way: Any) -> Watched:
        contexts.append(browser.new_context(**way))
        return Watched(contexts[-1])

    yield start
    for context in contexts:
        context.close()


def section(page: Page, heading: str) -> Locator:
    return page.locator("section").filter(has=page.get_by_role("heading", name=heading))


def cells(rows: Locator) -> list[list[str]]:
    return [
        [" ".join(c.split()) for c in row.locator("td").all_inner_texts()] for row in rows.all()
    ]


# --- the report ---------------------------------------------------------------------------------


@WAYS
def test_every_page_of_the_report_is_whole_and_fits_the_screen(way, watch, sample_report):
    seen = watch(**way)
    pages = sorted(sample_report.parent.glob("*.html"))
    assert len(pages) == 1 + len(report._PAGES)
    for path in pages:
        seen.page.goto(path.as_uri())
        assert seen.page.locator("h1, h2").first.is_visible(), path.name
        assert seen.page.locator("img").count() > 0, path.name
        assert seen.page.evaluate(BROKEN) == [], path.name
        content, screen = seen.page.evaluate(WIDTHS)
        assert content <= screen == way["viewport"]["width"], path.name
    assert seen.problems == []
    assert {url.partition(":")[0] for url in seen.asked} <= {"file", "data"}
    assert [url for url in seen.asked if url.startswith("file:")] == [p.as_uri() for p in pages]


def test_the_numbers_on_the_screen_are_those_of_the_frames(watch, sample_report):
    page = watch(**DESKTOP).page
    page.goto(sample_report.as_uri())
    both = k6frames.organization_projects_df(client=k6frames.Client.sample())
    glance = k6frames.account_summary(both, as_of=SAMPLE_TODAY).iloc[0]
    cards = page.locator("dl.glance > div")
    shown = [
        (card.locator("dt").inner_text(), card.locator("dd").inner_text()) for card in cards.all()
    ]
    assert shown == [
        ("organizations", f"{glance['organizations']:,}"),
        ("projects", f"{glance['projects']:,}"),
        ("projects created in 30 days", f"{glance['created_30_days']:,}"),
        ("projects created in 365 days", f"{glance['created_365_days']:,}"),
        ("projects idle for 180 days", f"{glance['idle_180_days']:,}"),
    ]


def test_the_idle_projects_on_the_screen_are_the_first_of_the_frame(watch, sample_report):
    page = watch(**PHONE).page
    page.goto(sample_report.as_uri())
    both = k6frames.organization_projects_df(client=k6frames.Client.sample())
    idle = k6frames.idle_projects(both, as_of=SAMPLE_TODAY)
    part = section(page, "What lies idle?")
    rows = cells(part.locator("tbody tr"))
    assert rows == [
        [row.project_name, row.org_name, f"{row.project_updated:%Y-%m-%d}", f"{row.idle_days:,}"]
        for row in idle.head(report._ROWS).itertuples()
    ]
    assert f"{len(idle)} projects have not been updated" in part.inner_text()
    assert f"and {len(idle) - len(rows)} more" in part.inner_text()


def test_a_reader_can_go_to_each_page_and_back_and_save_each_file(watch, sample_report):
    seen = watch(**PHONE)
    page = seen.page
    page.goto(sample_report.as_uri())
    links = page.locator("a")
    addresses = [link.get_attribute("href") for link in links.all()]
    pages = list(dict.fromkeys(address for address in addresses if address.endswith(".html")))
    assert {Path(address).stem for address in pages} == set(report._PAGES)
    for address in pages:
        page.locator(f'a[href="{address}"]').first.click()
        page.wait_for_url(f"**/{address}")
        page.get_by_role("link", name="the whole report").click()
        page.wait_for_url("**/index.html")
    assert seen.problems == []
    for address in addresses:
        assert (sample_report.parent / address).stat().st_size > 0
    with page.expect_download() as download:
        page.locator('a[href="shared_names.parquet"]').first.click()
    saved = k6frames.read_parquet(download.value.path())
    assert saved.equals(k6frames.read_parquet(sample_report.with_name("shared_names.parquet")))


def test_dark_is_dark_and_paper_is_white_without_links_to_files(watch, sample_report):
    page = watch(**DARK).page
    page.goto(sample_report.as_uri())
    paper, ink = page.evaluate(COLOURS)
    assert brightness(paper) < 50
    assert brightness(ink) > 200
    page.emulate_media(media="print")
    paper, ink = page.evaluate(COLOURS)
    assert (brightness(paper), brightness(ink)) == (255, 0)
    assert page.locator(".files").first.is_hidden()
    # As wide as A4 without its margins.
    page.set_viewport_size({"width": 718, "height": 1000})
    content, screen = page.evaluate(WIDTHS)
    assert content <= screen
    printed = page.pdf(format="A4")
    assert printed.startswith(b"%PDF")
    # Pages are objects of their own: a report cut at the end of the first page has one.
    assert printed.count(b"/Type /Page\n") > 1


def brightness(colour: str) -> float:
    """The mean of a colour's channels, as the browser names it: rgb(1, 2, 3)."""
    channels = colour.partition("(")[2].rstrip(")").split(",")[:3]
    return sum(map(float, channels)) / 3


# --- JupyterLab ---------------------------------------------------------------------------------

NOTEBOOK = "projects_per_organization"


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """A JupyterLab of its own on a folder with one notebook: its address and its token."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    notebook = nbformat.read(data_folder("notebooks") / f"{NOTEBOOK}.ipynb", as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            # As committed it holds what we want to see come.
            cell.outputs, cell.execution_count = [], None
    nbformat.write(notebook, folder / f"{NOTEBOOK}.ipynb")
    jupyter = tmp_path / "jupyter"
    kernel = jupyter / "data" / "kernels" / "python3" / "kernel.json"
    settings = jupyter / "settings" / "@jupyterlab"
    write_json(
        kernel,
        argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        display_name="Python 3 (ipykernel)",
        language="python",
    )
    # Cells out of sight are not in the page otherwise.
    write_json(settings / "notebook-extension/tracker.jupyterlab-settings", windowingMode="none")
    write_json(
        settings / "apputils-extension/notification.jupyterlab-settings",
        fetchNews="false",
        checkForUpdates=False,
        doNotDisturbMode=True,
    )
    token = secrets.token_hex(16)
    environment = {
        **os.environ,
        "JUPYTER_TOKEN": token,
        "JUPYTER_DATA_DIR": str(jupyter / "data"),
        "JUPYTER_PATH": str(jupyter / "data"),
        "JUPYTER_CONFIG_DIR": str(jupyter / "config"),
        "JUPYTER_RUNTIME_DIR": str(jupyter / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(jupyter / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(jupyter / "workspaces"),
        "IPYTHONDIR": str(jupyter / "ipython"),
    }
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root",
        "--ServerApp.ip=127.0.0.1", "--ServerApp.port=0", f"--ServerApp.root_dir={folder}",
        "--LabApp.news_url=", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.extension_manager=readonly",
    ]  # fmt: skip
    log = tmp_path / "lab.log"
    with log.open("wb") as output:
        server = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    try:
        yield address_of(server, jupyter / "runtime", log), token
    finally:
        # The server ends its kernels when it is asked to end, and not when it is killed.
        server.terminate()
        try:
            server.wait(timeout=15)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def write_json(path: Path, **values: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values))


def address_of(server: subprocess.Popen[bytes], runtime: Path, log: Path) -> str:
    """Where the server listens, as it notes when it does."""
    ends = time.monotonic() + 60
    while time.monotonic() < ends and server.poll() is None:
        for file in runtime.glob("jpserver-*.json"):
            # It may be half written.
            with contextlib.suppress(ValueError):
                return json.loads(file.read_text())["url"]
        time.sleep(0.1)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text()}")


def test_a_notebook_runs_in_jupyterlab_and_shows_its_plot(lab, watch):
    address, token = lab
    seen = watch(viewport={"width": 1280, "height": 1000})
    page = seen.page
    page.set_default_timeout(90_000)
    page.goto(f"{address}lab/tree/{NOTEBOOK}.ipynb?token={token}")
    # Whoever runs cells before the kernel is there is asked to choose one.
    page.locator("#jp-main-statusbar").get_by_text("| Idle").wait_for()
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    prompts = page.locator(".jp-Notebook .jp-CodeCell .jp-InputPrompt")
    number = prompts.count()
    prompts.nth(number - 1).filter(has_text=f"[{number}]:").wait_for()
    assert prompts.all_inner_texts() == [f"[{i}]:" for i in range(1, number + 1)]
    assert page.locator('.jp-OutputArea-output[data-mime-type*="error"]').count() == 0
    assert page.locator('.jp-OutputArea-output[data-mime-type*="stderr"]').count() == 0
    plot = page.locator(".jp-OutputArea-output img")
    plot.wait_for()
    assert plot.evaluate("image => image.naturalWidth") > 500
    plot.scroll_into_view_if_needed()
    assert plot.bounding_box()["width"] > 500
    shown = page.locator(".jp-OutputArea").all_inner_texts()
    both = k6frames.organization_projects_df(client=k6frames.Client.sample())
    counts = k6frames.projects_per_organization(both)
    assert any(
        f"{len(counts)} organizations have {counts['projects'].sum()} projects" in text
        for text in shown
    )
    assert seen.problems == []
    assert all(url.startswith((address, "data:", "blob:")) for url in seen.asked)
