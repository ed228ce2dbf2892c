"""The documentation: generated pages, the names it uses, and its links."""

from __future__ import annotations

import doctest
import importlib.util
import re
import shlex
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import CliRunner

import k6frames
from k6frames import plots
from k6frames.cli.main import cli

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])


def generate_pages() -> ModuleType:
    """Import docs/generate_pages.py, which is not in a package."""
    spec = importlib.util.spec_from_file_location("generate_pages", DOCS / "generate_pages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", ["data-dictionary.md", "cli.md"])
def test_generated_pages_are_up_to_date(page):
    script = generate_pages()
    assert set(script.PAGES) == {"data-dictionary.md", "cli.md"}
    committed = (DOCS / page).read_text(encoding="utf-8")
    assert committed == script.PAGES[page](), f"docs/{page} is out of date: run {script.COMMAND}"


def test_the_data_dictionary_marks_exactly_the_private_columns():
    text = (DOCS / "data-dictionary.md").read_text(encoding="utf-8")
    marked = re.findall(r"^\| `(\w+)`.*\*\*private\*\* \|$", text, re.MULTILINE)
    private = [c.name for t in k6frames.tables.TABLES for c in t.columns if c.private]
    assert marked == private != []


def documented() -> set[str]:
    """Return the full names that the pages under docs/api describe."""
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
    plotted = {f"k6frames.plots.{name}" for name in plots.__all__}
    assert public | plotted <= documented()


def test_every_public_method_of_the_client_is_in_the_reference():
    page = (DOCS / "api" / "client.rst").read_text(encoding="utf-8")
    listed = re.search(r":members: (.*)", page)
    assert listed is not None
    public = {name for name in vars(k6frames.Client) if not name.startswith("_")}
    assert set(listed[1].split(", ")) == public


def console_examples() -> list[tuple[str, str]]:
    """Return the commands in the terminal sessions of all pages, and what they show."""
    return [
        (command, output)
        for path in PAGES
        for block in re.findall(
            r"```console\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL
        )
        for command, output in re.findall(r"\$ k6frames (.*)\n((?:[^$].*\n)*)", block)
    ]


@pytest.mark.parametrize(("command", "output"), console_examples())
def test_commands_in_a_terminal_of_80_columns_show_what_the_page_shows(
    command, output, monkeypatch
):
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _: True)
    monkeypatch.setenv("COLUMNS", "80")
    assert CliRunner().invoke(cli, shlex.split(command)).stdout == output


def test_every_function_that_the_readme_names_exists():
    named = set(re.findall(r"(?:k6frames|client)\.((?:plots\.)?\w+)\(", README))
    assert {"test_run_details_df", "usage"} <= named
    for name in named:
        found: object = k6frames
        for part in name.split("."):
            found = getattr(found, part)


def test_every_command_is_documented():
    text = README + (DOCS / "cli.md").read_text(encoding="utf-8")
    assert set(cli.commands) <= set(re.findall(r"k6frames ([\w-]+)", text))


def command_lines() -> list[str]:
    """Return the k6frames commands in the shell examples of all pages."""
    found = set()
    for path in PAGES:
        for block in re.findall(r"```sh\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL):
            found |= set(re.findall(r"(?:^|/)k6frames .*", block, re.MULTILINE))
    return sorted(line.removeprefix("/") for line in found)


def test_pages_have_command_line_examples():
    assert len(command_lines()) > 5


@pytest.mark.parametrize("line", command_lines())
def test_command_line_examples_are_valid(line):
    _, name, *arguments = shlex.split(line.partition("|")[0], comments=True)
    # Parses the arguments without running the command.
    cli.commands[name].make_context(name, arguments)


@pytest.mark.parametrize("page", ["getting-started.md", "history.md"])
def test_examples_have_the_output_shown(page):
    result = doctest.testfile(str(DOCS / page), module_relative=False)
    assert result.attempted > 3
    assert result.failed == 0


def test_the_conda_environment_has_what_pip_installs_for_notebooks():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = {*project["dependencies"], *extras["excel"], *extras["notebook"]} - {"k6frames[excel]"}
    listed = re.findall(r"^  - ([\w-]+>=.*)$", (ROOT / "environment.yml").read_text(), re.MULTILINE)
    # conda's matplotlib comes with a GUI toolkit.
    wanted = {name.replace("matplotlib>", "matplotlib-base>") for name in wanted}
    assert set(listed) == wanted | {f"python{project['requires-python']}"}


def links(text: str) -> list[str]:
    """Return the relative links and images of a Markdown page, including HTML tags."""
    text = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    found = re.findall(r"\]\(<?([^)\s>]+)", text) + re.findall(r"(?:src|href)=\"([^\"]+)\"", text)
    return [link for link in found if not re.match(r"[a-z]+:|#", link)]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_relative_links_and_images_exist(path):
    text = path.read_text(encoding="utf-8")
    missing = [link for link in links(text) if not (path.parent / link.partition("#")[0]).exists()]
    assert missing == []


def test_links_finds_markdown_and_html():
    page = '[a](b.md#c) ![d\ne](f.png) <img src="g.png"> [h](https://i) [j](#k)\n```\n[l](m)\n```'
    assert links(page) == ["b.md#c", "f.png", "g.png"]
    assert "docs/cli.md" in links(README)
