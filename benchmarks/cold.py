"""From a server that takes its time: nothing is in the cache."""

from __future__ import annotations

import tempfile
from functools import partial

import by_hand
import requests
from accounts import Bodies, lists_of_projects, made
from harness import Line, Section, side_by_side
from server import counted, serving

import k6frames

LATENCY = 0.05
WORKERS = (1, 8, 16)
BY_HAND = "requests in a loop (one session)"
NOTE = """\
Each answer takes 50 ms. k6frames keeps every answer in an empty cache and makes the typed frame;
the loop by hand makes the same frame (asserted). The ideal is requests / workers x latency; its
goal is for 16 workers. "Under way" is the most requests that the server saw at once, in parts of
what `max_workers` allows."""


def run(*, quick: bool) -> list[Section]:
    """Fetch the projects of many organizations."""
    organizations = 32 if quick else 400
    bodies = lists_of_projects(made(organizations, 20 * organizations))
    with serving(bodies, LATENCY) as address:
        most = dict.fromkeys(WORKERS, 0)

        def ours(workers: int) -> object:
            frame = _fetch(address, list(bodies), workers)
            requests_, under_way = counted(address)
            assert requests_ == organizations
            most[workers] = max(most[workers], under_way)
            return frame

        _fetch(address, list(bodies)[:2], 1)  # what is imported on first use
        counted(address)
        ways = {_name(workers): partial(ours, workers) for workers in WORKERS}
        ways[BY_HAND] = partial(_loop, address, list(bodies))
        timed = side_by_side(ways, 1 if quick else 5, once=[_name(1), BY_HAND])
    by_hand.same(one.result for one in timed.values())
    lines = []
    for workers in WORKERS:
        taken, ideal = timed[_name(workers)].best, organizations / workers * LATENCY
        lines += [
            Line(_name(workers), taken),
            Line(
                f"the ideal, {workers}", ideal, None, taken / ideal, 1.25 if workers == 16 else None
            ),
            Line(f"under way at once: {most[workers]}", None, None, most[workers] / workers, 1),
        ]
    loop = timed[BY_HAND].best
    lines.append(Line(BY_HAND, loop, None, timed[_name(16)].best / loop))
    return [Section(f"Cold: {organizations} organizations, 50 ms an answer", NOTE, lines)]


def _name(workers: int) -> str:
    return f"k6frames, {workers} worker{'s' if workers > 1 else ''}"


def _fetch(address: str, paths: list[str], workers: int) -> object:
    ids = [int(path.split("/")[3]) for path in paths]
    with (
        tempfile.TemporaryDirectory() as cache,
        k6frames.Client("token", api_url=address, cache=cache, max_workers=workers) as client,
    ):
        frame = k6frames.projects_df(ids, client=client)
    frame.attrs = {}
    return frame


def _loop(address: str, paths: list[str]) -> object:
    bodies: Bodies = {}
    with requests.Session() as session:
        session.headers["Authorization"] = "token token"
        for path in paths:
            answer = session.get(address + path, timeout=30)
            answer.raise_for_status()
            bodies[path] = answer.content
    frame = by_hand.orjson_frame(bodies)
    counted(address)
    return frame
