"""The documents: what is rendered from the code, what they name, and where their links lead."""

from __future__ import annotations

import doctest
import importlib.util
import inspect
import re
import shlex
from pathlib import Path
from types import ModuleType

import pytest

import k6frames
from k6frames import cli, plots

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
README = (ROOT / "README.md").read_text(encoding="utf-8")
TEXTS = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])


def render() -> ModuleType:
    """The script docs/render.py, which belongs to no package."""
    spec = importlib.util.spec_from_file_location("render", DOCS / "render.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", ["data-dictionary.md", "cli.md"])
def test_a_page_made_from_the_code_is_committed_as_the_code_makes_it(page):
    script = render()
    assert set(script.PAGES) == {"data-dictionary.md", "cli.md"}
    committed = (DOCS / page).read_text(encoding="utf-8")
    assert committed == script.PAGES[page](), f"docs/{page} is out of date: {script.COMMAND}"


def test_the_data_dictionary_marks_every_private_column_and_no_other():
    text = (DOCS / "data-dictionary.md").read_text(encoding="utf-8")
    marked = re.findall(r"^\| `(\w+)`.*\*\*private \(billing\)\*\* \|$", text, re.MULTILINE)
    private = [c.name for t in k6frames.tables.TABLES for c in t.columns if c.private]
    assert marked == private != []


def documented() -> set[str]:
    """What the pages under docs/api describe, by its full name."""
    names = set()
    for page in DOCS.glob("api/*.rst"):
        module = ""
        text = page.read_text(encoding="utf-8")
        for directive, name in re.findall(r"^\.\. ([\w:]+?):: ([\w.]+)$", text, re.MULTILINE):
            if directive in {"module", "currentmodule"}:
                module = name
            if directive == "module":
                names.add(name)
            elif directive.startswith("auto"):
                names.add(f"{module}.{name}")
    return names


def test_every_public_name_is_in_the_reference():
    public = {f"k6frames.{name}" for name in k6frames.__all__}
    drawn = {f"k6frames.plots.{name}" for name in plots.__all__}
    assert public | drawn <= documented()


def test_every_public_method_of_the_client_is_in_the_reference():
    page = (DOCS / "api" / "client.rst").read_text(encoding="utf-8")
    listed = re.search(r":members: (.*)", page)
    assert listed is not None
    public = {name for name in vars(k6frames.Client) if not name.startswith("_")}
    # `fetch` is what the loaders use; its answer is no public type.
    assert set(listed[1].split(", ")) == public - {"fetch"}


def verbs() -> set[str]:
    """The functions in README's table."""
    table = re.search(r"^## The functions\n+((?:\|.*\n)+)", README, re.MULTILINE)
    assert table is not None
    return {name.partition("(")[0] for name in re.findall(r"`([^`]+)`", table[1])}


def test_the_table_of_verbs_names_every_loader_join_and_summary_and_nothing_else():
    functions = {name: getattr(k6frames, name) for name in k6frames.__all__}
    returning = {
        name
        for name, function in functions.items()
        if inspect.isfunction(function) and hasattr(function, "tables")
    }
    assert verbs() == returning


def test_every_function_that_the_readme_names_exists():
    named = set(re.findall(r"(?:k6frames|client)\.((?:plots\.)?\w+)\(", README))
    assert {"projects_df", "plots.creation_timeline"} <= named
    for name in named:
        found: object = k6frames
        for part in name.split("."):
            found = getattr(found, part)


def test_every_command_is_in_the_documents():
    text = README + (DOCS / "cli.md").read_text(encoding="utf-8")
    assert set(cli.cli.commands) <= set(re.findall(r"k6frames (\w+)", text))


def command_lines() -> list[str]:
    """The calls of k6frames that the documents show."""
    found = set()
    for path in TEXTS:
        for block in re.findall(r"```sh\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL):
            found |= set(re.findall(r"(?:^|/)k6frames .*", block, re.MULTILINE))
    return sorted(line.removeprefix("/") for line in found)


def test_command_lines_are_found_in_the_documents():
    assert len(command_lines()) > 5


@pytest.mark.parametrize("line", command_lines())
def test_k6frames_takes_the_command_lines_that_the_documents_show(line):
    _, name, *arguments = shlex.split(line, comments=True)
    # Reads the arguments as running the command would, and runs nothing.
    cli.cli.commands[name].make_context(name, arguments)


def test_the_examples_in_the_guide_show_what_happens():
    result = doctest.testfile(str(DOCS / "getting-started.md"), module_relative=False)
    assert result.attempted > 3
    assert result.failed == 0


def links(text: str) -> list[str]:
    """The relative addresses of a Markdown page: links and pictures, of Markdown's and HTML's."""
    text = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    found = re.findall(r"\]\(<?([^)\s>]+)", text) + re.findall(r"(?:src|href)=\"([^\"]+)\"", text)
    return [link for link in found if not re.match(r"[a-z]+:|#", link)]


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_relative_link_and_picture_leads_to_a_file(path):
    text = path.read_text(encoding="utf-8")
    missing = [link for link in links(text) if not (path.parent / link.partition("#")[0]).exists()]
    assert missing == []


def test_links_and_pictures_are_found_on_a_page():
    page = '[a](b.md#c) ![d\ne](f.png) <img src="g.png"> [h](https://i) [j](#k)\n```\n[l](m)\n```'
    assert links(page) == ["b.md#c", "f.png", "g.png"]
    assert "docs/images/report.png" in links(README)
