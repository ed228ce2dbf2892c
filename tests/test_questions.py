"""The page "From a question to a frame": each of its lines returns a frame."""

from __future__ import annotations

import doctest
import re
import shlex
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import k6frames
from k6frames.cli.main import cli

PAGE = Path(__file__).parents[1] / "docs" / "questions.md"
TEXT = PAGE.read_text(encoding="utf-8")
ROWS = re.findall(r"^\| ([^|]*\?[^|]*) \| `(.+?)` \| (?:`k6frames (.+?)` )?\|$", TEXT, re.MULTILINE)
SETUP = re.search(r"```python\n(import .*?)```", TEXT, re.DOTALL)
RECIPES = re.findall(r"```python\n(sheets.*?)```", TEXT, re.DOTALL)


class SampleDay(datetime):
    """A clock that shows the last day of the sample account."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:
        return datetime(2026, 6, 29, 9, 30, tzinfo=tz or UTC)


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The frames that the page defines before the questions, and a dataset."""
    assert SETUP is not None
    names: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("K6FRAMES_API_URL", "sample:")
        patch.setattr("k6frames.api.default_client._default_clients", {})
        exec(SETUP[1], names)
        names["history"] = tmp_path_factory.mktemp("dataset") / "history"
        k6frames.sync(names["history"])
    return names


@pytest.fixture
def sample_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("K6FRAMES_API_URL", "sample:")
    monkeypatch.setattr("k6frames.tables.timestamp_arguments.datetime", SampleDay)


@pytest.mark.parametrize(("question", "line"), [row[:2] for row in ROWS])
def test_line_answers_the_question_with_a_frame(
    question: str, line: str, frames: dict[str, Any], sample_day: None
) -> None:
    code = line.replace('"history"', "history").replace(r"\|", "|")
    frame = eval(code, dict(frames))
    assert isinstance(frame, pd.DataFrame)
    # Nothing has changed in the sample account.
    assert frame.empty == question.startswith(("What changed", "What differs"))


@pytest.mark.parametrize("command", [row[2] for row in ROWS if row[2]])
def test_command_beside_a_question_is_valid(command: str) -> None:
    name, *arguments = shlex.split(command)
    if name == "changes":
        arguments = [str(PAGE.parent), *arguments[1:]]  # a folder that exists
    cli.commands[name].make_context(name, arguments)


def test_recipes_run(frames: dict[str, Any], sample_day: None) -> None:
    assert RECIPES
    for code in RECIPES:
        exec(code, dict(frames))
    sheets = pd.read_excel("usage.xlsx", sheet_name=None)
    assert sheets["usage"]["period"].dtype.kind == "M"
    assert list(sheets) == ["usage", "budget"]


def test_examples_have_the_output_shown() -> None:
    result = doctest.testfile(str(PAGE), module_relative=False)
    assert result.attempted > 3
    assert result.failed == 0


def test_every_loader_and_summary_answers_a_question() -> None:
    named = set(re.findall(r"k6frames\.(\w+)\(", TEXT))
    returning = {n for n in k6frames.__all__ if hasattr(getattr(k6frames, n), "tables")}
    # They are parts of others, or on the page about history.
    assert returning - named == {
        "join_projects", "join_test_runs", "organization_df", "projects_df", "snapshot_changes",
        "sync",
    }  # fmt: skip
