"""How long one waits for the first answer: imports, the command line, the first frame."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from functools import partial

from accounts import listing, made
from harness import Line, Section, side_by_side
from server import serving

PANDAS = "import pandas"
REQUESTS = "import pandas, requests, requests_cache"
NOTE = """\
Whole processes, each new, the median of {rounds} rounds, without what Python itself takes to
begin and end ({python:.3f} s). The first organizations_df() asks a local server and keeps the
answer; what it is held against imports the three libraries and asks the same server through a
`CachedSession`."""

CLI = "import sys; from k6frames.cli import main; sys.argv[0] = 'k6frames'; main()"
FIRST = """
import k6frames
client = k6frames.Client("token", api_url={address!r}, cache={folder!r}, refresh=True)
k6frames.organizations_df(client=client)
"""
FIRST_BY_HAND = """
import pandas, requests, requests_cache
session = requests_cache.CachedSession({folder!r} + "/bare", "sqlite", serializer="json")
answer = session.get({address!r} + "/v3/organizations", force_refresh=True)
pandas.DataFrame(answer.json()["organizations"])
"""


def run(*, quick: bool) -> list[Section]:
    """Start Python anew for each way."""
    rounds = 1 if quick else 9
    with serving(listing(made(12, 300)), 0) as address, tempfile.TemporaryDirectory() as folder:
        programs = {
            "python": ["pass"],
            "import k6frames": ["import k6frames"],
            PANDAS: [PANDAS],
            REQUESTS: [REQUESTS],
            "--help": [CLI, "--help"],
            "organizations --sample": [CLI, "organizations", "--sample"],
            "first": [FIRST.format(address=address, folder=folder)],
            "first by hand": [FIRST_BY_HAND.format(address=address, folder=folder)],
        }
        ways = {
            name: partial(_run, program, f"{folder}/compiled") for name, program in programs.items()
        }
        for way in ways.values():
            way()  # compiled, and in the memory of the operating system
        timed = side_by_side(ways, rounds)
    python = timed["python"].median
    took = {name: one.median - python for name, one in timed.items()}

    def beside(name: str, other: str, limit: float | None) -> Line:
        return Line(other, took[other], None, took[name] / took[other], limit)

    lines = [
        Line("`import k6frames`", took["import k6frames"]),
        beside("import k6frames", PANDAS, 1 / 10),
        beside("import k6frames", REQUESTS, None),
        Line("`k6frames --help`", took["--help"]),
        beside("--help", PANDAS, 1 / 4),
        Line("the first organizations_df()", took["first"]),
        beside("first", "first by hand", 1.15),
        Line("`k6frames organizations --sample`", took["organizations --sample"]),
        beside("organizations --sample", REQUESTS, None),
    ]
    return [Section("Start", NOTE.format(rounds=rounds, python=python), lines)]


def _run(program: list[str], compiled: str) -> None:
    # Compiled as any installation is, whatever the environment says about it; and without a proxy,
    # which the local server is not behind.
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": compiled, "NO_PROXY": "127.0.0.1"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    subprocess.run(
        [sys.executable, "-c", *program], check=True, stdout=subprocess.DEVNULL, env=environment
    )
