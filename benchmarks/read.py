"""Bodies to a typed frame, in seconds and in memory."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import by_hand
from accounts import Bodies, in_bodies_of, lists_of_projects, made
from harness import Line, Section, peak_in_child, side_by_side

from k6frames.tables import PROJECTS

WAYS: dict[str, Callable[[Bodies], Any]] = {
    "k6frames": PROJECTS.read,
    "bare Arrow": by_hand.arrow,
    "polars (to a polars frame)": by_hand.polars_frame,
    "orjson, one DataFrame": by_hand.orjson_frame,
    "json_normalize, concat, typed once": by_hand.normalized,
    "json_normalize, typed, concat": by_hand.normalized_each,
}
SLOW = list(WAYS)[-2:]
NOTE = """\
Every way gives the same typed frame (asserted). Bare Arrow is `read_json` with the same schema
and `to_pandas`, and checks nothing: neither UTF-8, nor that a body is an answer, nor that ids are
unique. Peak memory is above that of the imports and holds the bodies themselves; its goal is
three times the bodies plus the frame."""


def run(*, quick: bool) -> list[Section]:
    """Read one large body, many small ones, and half as many."""
    projects = 20_000 if quick else 200_000
    one = lists_of_projects(made(1, projects))
    (body,) = one.values()
    many = in_bodies_of(20, body)
    fewer = dict(list(many.items())[: len(many) // 2])
    rounds = 3 if quick else 7
    return [
        _section(one, rounds, 1.3, [*list(WAYS)[:5]], memory=not quick),
        _section(many, rounds, 1.3, list(WAYS), memory=not quick),
        _section(fewer, rounds, 1.6, list(WAYS)[:3], memory=False),
    ]


def _section(
    bodies: Bodies, rounds: int, limit: float, names: list[str], *, memory: bool = True
) -> Section:
    ways = {name: lambda way=WAYS[name]: way(bodies) for name in names}
    timed = side_by_side(ways, rounds, once=SLOW)
    frames = {name: one.result for name, one in timed.items()}
    polars = names[2]
    frames[polars] = by_hand.from_polars(frames[polars])
    by_hand.same(frames.values())
    peaks: dict[str, float] = {}
    if memory:
        # The last way needs as much as the one before it, and long.
        peaks = {name: _peak(name, bodies) for name in names[:5]}
    best = {name: one.best for name, one in timed.items()}
    ours = best["k6frames"]
    lines = [Line("k6frames", ours, peaks.get("k6frames"))]
    limits = {"bare Arrow": limit, "json_normalize, typed, concat": 1 / 50}
    lines += [
        Line(name, best[name], peaks.get(name), ours / best[name], limits.get(name))
        for name in names[1:]
    ]
    if memory:
        size = sum(map(len, bodies.values()))
        frame = frames["k6frames"].memory_usage(deep=True).sum()
        allowed = 3 * size + frame
        lines += [
            Line("the bodies", None, size),
            Line("the frame", None, frame),
            Line("3 x bodies + frame", None, allowed, peaks["k6frames"] / allowed, 1),
        ]
    rows = len(frames["k6frames"])
    title = f"Read: {len(bodies):,} {'body' if len(bodies) == 1 else 'bodies'}, {rows:,} projects"
    return Section(title, NOTE, lines)


def _peak(name: str, bodies: Bodies) -> float:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "bodies"
        file.write_bytes(pickle.dumps(bodies, protocol=5))
        return peak_in_child(_load_and_read, name, file)[0]


def _load_and_read(name: str, file: Path) -> int:
    with file.open("rb") as source:
        bodies = pickle.load(source)
    return len(WAYS[name](bodies))
