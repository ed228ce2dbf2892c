"""Faults of data, of files and of the command line."""

from __future__ import annotations

import functools
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import date, datetime

import numpy as np
import pandas as pd
import pytest
import servers
from faults.sandbox import V3, Sandbox, Section

import k6frames
from k6frames.api import cache
from k6frames.errors import ConfigError, SchemaError
from k6frames.tables import PROJECTS

section = Section("Data, files and the command line", versions=V3)


def projects(box: Sandbox, *created: str) -> pd.DataFrame:
    """Return projects with these dates, as a server sends them."""
    listed = [
        {"id": number, "name": "P", "organization_id": 1, "created": text}
        for number, text in enumerate(created, start=1)
    ]
    server = box.serve(account=servers.account({1: listed}))
    return k6frames.projects_df(client=box.client(server))


def check_error(
    box: Sandbox, kind: type[Exception], message: str, call: Callable[..., object], *args: object
) -> None:
    with pytest.raises(kind, match=message) as caught:
        call(*args)
    box.errors.append(caught.value)


@section.fault("a date is Go's zero time, `0001-01-01T00:00:00Z`", "it is missing")
def no_date(box: Sandbox) -> None:
    frame = projects(box, "0001-01-01T00:00:00Z", "2026-05-01T00:00:00Z")
    assert frame["created"].isna().tolist() == [True, False]
    assert len(k6frames.creation_timeline(frame, freq="D")) == 1


@section.fault(
    "a timeline of more than two million rows", "a ConfigError with the number and the dates"
)
def long_timeline(box: Sandbox) -> None:
    frame = projects(box, "0002-01-01T00:00:00Z", "9999-01-01T00:00:00Z")
    check_error(
        box,
        ConfigError,
        r"3,65\d,\d{3} days from 0002-01-01 to 9999-01-01.* Choose a longer freq",
        functools.partial(k6frames.creation_timeline, frame, freq="D"),
    )


@section.fault(
    "a column has dates and datetimes, or years beyond 9999", "no value changes, or an error"
)
def mixed_dates(box: Sandbox) -> None:
    frame = projects(box, "", "")
    times = pd.Series([date(2026, 5, 1), datetime(2026, 5, 1, 12, 30)], dtype=object)  # noqa: DTZ001
    conformed = PROJECTS.conform(frame.assign(created=times))
    assert conformed["created"].dt.hour.tolist() == [0, 12]
    late = np.array(["10000-01-01", "2026-05-01"], dtype="datetime64[s]")
    frame = frame.assign(created=late)
    check_error(box, SchemaError, "the years 1 to 9999", PROJECTS.conform, frame)


@section.fault(
    '`as_of="now"`, `"today"`, `"-1"`, a number', "a ConfigError; `None` means the current time"
)
def odd_as_of(box: Sandbox) -> None:
    frame = k6frames.organization_projects_df(client=k6frames.Client.sample())
    for value in ("now", "today", "-1", 1):
        idle_projects = functools.partial(k6frames.idle_projects, frame, as_of=value)
        check_error(box, ConfigError, "as_of must be a date", idle_projects)


@section.fault("an export replaces a file of mode 0600", "it stays 0600")
def private_file(box: Sandbox) -> None:
    file = box.folder / "projects.csv"
    file.touch(mode=0o600)
    k6frames.to_csv(projects(box, ""), file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@section.fault(
    "a name with NUL, a loop of links, attrs that are not JSON", "an error; nothing is written"
)
def bad_files(box: Sandbox) -> None:
    frame = projects(box, "")
    loop = box.folder / "loop"
    loop.symlink_to(loop)
    before = sorted(box.folder.iterdir())
    for write in (k6frames.to_csv, k6frames.to_parquet, k6frames.to_excel):
        check_error(box, ConfigError, "No file can be named", write, frame, "a\0b")
        check_error(box, OSError, "symbolic links", write, frame, loop)
    frame.attrs["when"] = datetime(2026, 5, 1)  # noqa: DTZ001
    check_error(box, SchemaError, "'when'", k6frames.to_parquet, frame, box.folder / "file")
    assert sorted(box.folder.iterdir()) == before


@section.fault(
    "`k6frames cache --clear` in a folder with other files", "only those of k6frames are removed"
)
def clears_its_own(box: Sandbox) -> None:
    box.serve_cached()
    ours, root = box.database.parent, box.folder / "cache"
    others = [ours / "thesis.txt", root / "photos" / cache.DATABASE_NAME]
    for file in others:
        file.parent.mkdir(exist_ok=True)
        file.touch()
    assert "1 cache cleared" in command(box, "cache --clear")
    assert sorted(path for path in root.rglob("*") if path.is_file()) == sorted(others)


@section.fault(
    "standard output is full or closed, or its encoding lacks characters",
    "an error of one line, or escapes",
)
def bad_output(box: Sandbox) -> None:
    assert command(box, "organizations --sample >/dev/full") == "Error: No space left on device\n"
    assert command(box, "organizations --sample >&-").startswith("Error: Standard output is closed")
    box.patch.setenv("PYTHONIOENCODING", "cp1252")
    assert r"\u05" in command(box, "projects --sample")


@section.fault("an `--org` of 5,000 digits, a duplicate column", "an error of one line")
def bad_arguments(box: Sandbox) -> None:
    shown = command(box, f"projects --sample --org {'9' * 5000}")
    assert "9" * 61 not in shown
    assert command(box, "organizations --sample --columns name,name").count("\n") == 1


def command(box: Sandbox, arguments: str) -> str:
    """Return the output of a command, which has no traceback."""
    done = subprocess.run(
        ["bash", "-c", f"exec 2>&1; {sys.executable} -m k6frames.cli {arguments}"],
        stdout=subprocess.PIPE,
        encoding="latin-1",
        timeout=60,
        check=False,
        env={**os.environ, "K6_CLOUD_TOKEN": box.token},
    )
    assert "Traceback" not in done.stdout
    assert box.token not in done.stdout
    return done.stdout
