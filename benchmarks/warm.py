"""Out of the cache: nothing is asked for."""

from __future__ import annotations

import tempfile
from pathlib import Path

import by_hand
import pandas as pd
from accounts import Bodies, lists_of_projects, made
from harness import Line, Section, side_by_side
from requests_cache import CachedSession
from server import counted, serving

import k6frames

FRAME = "k6frames, the typed frame"
BODIES = "k6frames, the bodies alone"
LOOP = "requests-cache in a loop, the bodies alone"
LOOP_FRAME = "requests-cache in a loop, bare Arrow"
PARQUET = "the Parquet export, k6frames.read_parquet"
PANDAS = "the Parquet export, pandas.read_parquet"
NOTE = """\
All ways give the same bodies, or the same frame (asserted). The loop is a `CachedSession` with
its SQLite backend and JSON serializer. Each round opens its session or client anew. The typed
frame is held against the loop's bodies alone, too."""


def run(*, quick: bool) -> list[Section]:
    """Read what the cache holds of many organizations."""
    organizations = 200 if quick else 3000
    bodies = lists_of_projects(made(organizations, 20 * organizations))
    with tempfile.TemporaryDirectory() as name, serving(bodies, 0) as address:
        folder = Path(name)
        export = folder / "projects.parquet"
        ids = [int(path.split("/")[3]) for path in bodies]

        def client() -> k6frames.Client:
            return k6frames.Client("token", api_url=address, cache=folder / "ours")

        def frame() -> pd.DataFrame:
            with client() as opened:
                found = k6frames.projects_df(ids, client=opened)
            found.attrs = {}
            return found

        def kept() -> Bodies:
            with client() as opened:
                return opened.get_many(bodies)[0]

        def loop() -> Bodies:
            with CachedSession(folder / "theirs", "sqlite", serializer="json") as session:
                return {path: session.get(address + path).content for path in bodies}

        k6frames.to_parquet(frame(), export)
        loop()
        counted(address)
        ways = {
            FRAME: frame,
            BODIES: kept,
            LOOP: loop,
            LOOP_FRAME: lambda: by_hand.arrow(loop()),
            PARQUET: lambda: k6frames.read_parquet(export),
            PANDAS: lambda: pd.read_parquet(export),
        }
        timed = side_by_side(ways, 2 if quick else 5)
        assert counted(address)[0] == 0
    assert timed[BODIES].result == timed[LOOP].result
    by_hand.same(timed[way].result for way in (FRAME, LOOP_FRAME, PARQUET, PANDAS))
    best = {way: one.best for way, one in timed.items()}
    lines = [
        Line(FRAME, best[FRAME]),
        Line(LOOP_FRAME, best[LOOP_FRAME], None, best[FRAME] / best[LOOP_FRAME], 1 / 5),
        Line(LOOP, best[LOOP], None, best[FRAME] / best[LOOP], 1 / 5),
        Line(PANDAS, best[PANDAS], None, best[FRAME] / best[PANDAS]),
        Line(PARQUET, best[PARQUET], None, best[FRAME] / best[PARQUET]),
        Line(BODIES, best[BODIES]),
        Line(LOOP, best[LOOP], None, best[BODIES] / best[LOOP], 1 / 5),
    ]
    return [Section(f"Warm: {organizations:,} organizations out of the cache", NOTE, lines)]
