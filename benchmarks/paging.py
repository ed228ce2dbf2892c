"""Measure how fast k6frames reads lists, over a network and from the cache.

``python benchmarks/paging.py`` starts a local server in its own process, which takes 100 ms for
each page of test runs. It compares k6frames with a short script that uses requests, and with
requests-cache, and writes a section of RESULTS.md.
"""

from __future__ import annotations

import json
import multiprocessing
import tempfile
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pandas as pd
import requests
import requests_cache
from results_page import describe_versions, replace_section

import k6frames
from k6frames.api.endpoints import Request, organization

RUNS = 100_000
PAGE = 1000
ORGANIZATIONS = 3000
LATENCY_SECONDS = 0.1
WORKERS = 8
REPETITIONS = 3
TOKEN = "a-token"
START = datetime(2024, 7, 1, tzinfo=UTC)
HEADING = "Lists over a network, and the cache"
VERSIONS = describe_versions("pandas", "requests", "requests-cache", "msgspec")


def make_run(number: int) -> dict[str, Any]:
    """Return a test run; the number of runs per month grows until June 2026."""
    created = START + timedelta(days=700) * (number / RUNS) ** 0.5
    vuh = number % 997 / 16
    return {
        "id": number + 1,
        "test_id": number % 400,
        "project_id": number % 20,
        "started_by": "someone@example.com",
        "created": created.isoformat().replace("+00:00", "Z"),
        "ended": (created + timedelta(minutes=30)).isoformat(),
        "note": "",
        "retention_expiry": None,
        "cost": {
            "total_vuh": vuh if number % 2 else str(vuh),
            "breakdown": {"protocol_vuh": vuh, "browser_vuh": 0},
        },
        "status": "completed",
        "status_details": {"type": "completed", "entered": created.isoformat(), "extra": None},
        "status_history": [
            {"type": name, "entered": created.isoformat(), "extra": None}
            for name in ("created", "running", "completed")
        ],
        "result": "passed",
        "result_details": {"type": "passed", "message": None, "code": None},
        "options": {"stages": [{"duration": "30m", "target": 500}], "thresholds": {}},
        "max_vus": 500,
        "max_browser_vus": 0,
        "estimated_duration": 1800,
        "execution_duration": 1790,
        "is_starred": False,
    }


def serve(port: multiprocessing.Queue[int]) -> None:
    """Serve the runs and organizations until the process ends."""
    runs = [make_run(number) for number in range(RUNS)]
    created = [datetime.fromisoformat(run["created"]) for run in runs]
    encoded = [json.dumps(run).encode() for run in runs]

    def page(query: dict[str, str]) -> bytes:
        after, before = (query.get(name) for name in ("created_after", "created_before"))
        first = bisect_left(created, datetime.fromisoformat(after)) if after else 0
        end = bisect_left(created, datetime.fromisoformat(before)) if before else RUNS
        start = first + int(query.get("$skip", 0))
        rows = b",".join(encoded[start : min(end, start + PAGE)])
        link = b', "@nextLink": "https://api.k6.io/"' if start + PAGE < end else b""
        return b'{"value": [%s], "@count": %d%s}' % (rows, end - first, link)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 1 << 16
        received = 0

        def do_GET(self) -> None:
            started = time.monotonic()
            parts = urlsplit(self.path)
            if parts.path == "/received":
                body = str(Handler.received).encode()
            elif parts.path.startswith("/v3/"):
                number = int(parts.path.rpartition("/")[2])
                body = json.dumps({"organization": {"id": number, "name": "A name"}}).encode()
            else:
                Handler.received += 1
                body = page(dict(parse_qsl(parts.query)))
                time.sleep(max(LATENCY_SECONDS - (time.monotonic() - started), 0))
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    port.put(server.server_port)
    server.serve_forever()


@contextmanager
def running_server() -> Iterator[str]:
    """Run the server in another process, and yield its address."""
    port: multiprocessing.Queue[int] = multiprocessing.Queue()
    process = multiprocessing.Process(target=serve, args=(port,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{port.get()}"
    finally:
        process.terminate()


def best_seconds(function: Callable[[], object], repetitions: int = REPETITIONS) -> float:
    """Call a function several times, and return the shortest time."""
    times = []
    for _ in range(repetitions):
        started = time.perf_counter()
        function()
        times.append(time.perf_counter() - started)
    return min(times)


def read_one_by_one(address: str) -> pd.DataFrame:
    """Read the runs page by page, as a short script would."""
    session, rows = requests.Session(), []
    while True:
        query = {"$top": PAGE, "$skip": len(rows)}
        body = session.get(f"{address}/cloud/v6/test_runs", params=query).json()
        rows += body["value"]
        if "@nextLink" not in body:
            return pd.json_normalize(rows)


def make_client(address: str, cache: bool | str) -> k6frames.Client:
    """Return a new client."""
    return k6frames.Client(
        TOKEN, stack=1, api_url=address, cache=cache, max_workers=WORKERS, progress=False
    )


def measure_runs(address: str, folder: Path) -> list[str]:
    """Return the rows about test runs."""

    def read(cache: bool | str) -> None:
        with make_client(address, cache) as client:
            assert len(k6frames.test_runs_df(client=client)) == RUNS

    no_cache = best_seconds(lambda: read(cache=False))
    sent = int(requests.get(f"{address}/received").text) / REPETITIONS
    empty_cache = best_seconds(lambda: read(cache=tempfile.mkdtemp(dir=folder)))
    filled = str(folder / "filled")
    read(cache=filled)
    full_cache = best_seconds(lambda: read(cache=filled))
    other = best_seconds(lambda: read_one_by_one(address), repetitions=1)
    way = "requests, one page after the other, and json_normalize"
    what = f"{RUNS:,} test runs, {LATENCY_SECONDS * 1000:.0f} ms a page"
    return [
        row(f"{what}, no cache, {sent:.0f} requests", no_cache, way, other),
        row(f"{what}, filling the cache", empty_cache, way, other),
        row(f"{RUNS:,} test runs from the cache", full_cache, way, other),
    ]


def measure_warm_cache(address: str, folder: Path) -> str:
    """Return the row about many small responses from the cache."""
    paths = [organization(number) for number in range(1, ORGANIZATIONS + 1)]
    client = make_client(address, str(folder / "ours"))
    session = requests_cache.CachedSession(str(folder / "theirs"), backend="sqlite")

    def ours() -> None:
        bodies = client.fetch(map(Request, paths)).bodies
        assert len([json.loads(body) for body in bodies.values()]) == ORGANIZATIONS

    def theirs() -> None:
        found = [session.get(f"{address}{path}").json() for path in paths]
        assert len(found) == ORGANIZATIONS

    ours()
    theirs()
    other = best_seconds(theirs)
    what = f"{ORGANIZATIONS:,} organizations from the cache"
    return row(what, best_seconds(ours), "requests-cache, one after the other", other)


def row(task: str, ours: float, other: str, theirs: float) -> str:
    """Print and return a row of the table."""
    line = f"| {task} | {ours:.2f} | {other} | {theirs:.2f} | {ours / theirs:.3f} |"
    print(line)
    return line


def main() -> None:
    """Measure everything, and write the section of RESULTS.md."""
    with running_server() as address, tempfile.TemporaryDirectory() as folder:
        rows = [*measure_runs(address, Path(folder)), measure_warm_cache(address, Path(folder))]
    lines = [
        f"Written by `python benchmarks/paging.py` with {VERSIONS}.",
        f"Best of {REPETITIONS} with {WORKERS} workers; the script with requests runs once.",
        "Times include parsing to a frame.",
        "",
        "| task | k6frames (s) | another way | (s) | ratio |",
        "| --- | ---: | --- | ---: | ---: |",
        *rows,
    ]
    replace_section(HEADING, lines)


if __name__ == "__main__":
    main()
