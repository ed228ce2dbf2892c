"""`k6frames report`: which options it passes on, what it prints, and which page it opens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from k6frames.api.client import Client


def test_report_names_its_steps_and_prints_and_opens_its_page(run, monkeypatch) -> None:
    calls = []

    def write(client: Client, folder: Path, **options: Any) -> Path:
        options.pop("show_message")("drawing the plots")
        calls.append((client.api_url, folder, options))
        return folder / "index.html"

    opened: list[str] = []
    monkeypatch.setattr("k6frames.report.build.write_report", write)
    monkeypatch.setattr("click.launch", opened.append)
    result = run("report", "--sample", "-o", "here", "--single-file", "--open")
    assert (result.exit_code, result.stdout) == (0, "here/index.html\n")
    assert result.stderr == "drawing the plots\n"
    assert calls == [
        ("sample:", Path("here"), {"on_error": "raise", "single_file": True, "since": None})
    ]
    assert opened == [Path("here/index.html").absolute().as_uri()]


def test_path_of_a_report_is_printed_on_one_line(run, monkeypatch) -> None:
    monkeypatch.setattr(
        "k6frames.report.build.write_report", lambda _, folder, **__: folder / "index.html"
    )
    assert run("report", "--sample", "-o", "two\nlines").stdout == "two lines/index.html\n"
